//! From observations to findings: the only place that judges.
//!
//! Input: an [`Examination`] and a [`Policy`]. Output: [`Finding`]s, each with the
//! code, severity, remedy and clause of the [`catalogue`], and the [`Verdict`] that follows.

pub mod catalogue;
mod fault;
mod judges;
mod severity;
mod tried;
mod wording;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

pub use catalogue::{Code, Entry};
pub use severity::{SeverityRule, SeverityRuleError};

use crate::acquire::{AcquireError, Connection};
use crate::egress::Way;
use crate::listen::{Ability, Ledger};
use crate::net::Resolution;
use crate::path::store::StoreError;
use crate::path::{Judgement, TrustStore, presence};
use crate::readiness::Readiness;
use crate::revocation::{Answer, EndpointFacts};
use crate::rollover::{Comparison, Difference, Field};
use crate::x509::{Certificate, Fingerprint};
use crate::{Checked, Examination};

/// How much a finding matters, in ascending order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Will hurt, or hurts some.
    Warning,
    /// The question could not be put. Never set by `--severity`.
    Unknown,
    /// Validation fails here.
    Critical,
}

impl Severity {
    /// The report's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Critical => "critical",
        }
    }
}

/// The answer in one word; exit codes 0 to 3 in this order, but critical outranks unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing of warning or worse.
    Ok,
    /// At least one warning, nothing worse.
    Warning,
    /// At least one critical finding.
    Critical,
    /// The question could not be put.
    Unknown,
}

impl Verdict {
    /// As the report spells it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }

    /// The process exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// Of these findings.
    #[must_use]
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        match findings.into_iter().map(|finding| finding.severity).max() {
            None | Some(Severity::Info) => Self::Ok,
            Some(Severity::Warning) => Self::Warning,
            Some(Severity::Unknown) => Self::Unknown,
            Some(Severity::Critical) => Self::Critical,
        }
    }

    /// Of several targets: critical, then unknown, then warning, then ok.
    #[must_use]
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Self {
        let rank = |verdict: &Self| match verdict {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Unknown => 2,
            Self::Critical => 3,
        };
        verdicts.into_iter().max_by_key(rank).unwrap_or(Self::Ok)
    }
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum About {
    /// The target as a whole.
    Target,
    /// One connection, by address.
    Connection(String),
    /// One certificate.
    Certificate(Fingerprint),
    /// One endpoint, by URL; a file with revocation data, by its path.
    Endpoint(String),
    /// The certification path.
    Path,
}

/// One thing to know or mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its code.
    pub code: Code,
    /// Effective severity.
    pub severity: Severity,
    /// What it is about.
    pub about: About,
    /// One sentence with the facts. May hold text from the network: renderers escape it.
    pub message: String,
    /// What to do, with the values at hand.
    pub remedy: String,
}

/// What `cli` fills for this stage.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// `--warn-days`; `None`: scaled with the lifetime.
    pub warn_days: Option<u32>,
    /// `--crit-days`; `None`: scaled with the lifetime.
    pub crit_days: Option<u32>,
    /// `--severity`, last match wins.
    pub severities: Vec<SeverityRule>,
    /// `--strict`
    pub strict: bool,
    /// Whether an endpoint that cannot be reached is critical though another source makes up for it: where the
    /// question is whether everything is open (`endpoints --probe`, `rollover`).
    pub closed_is_critical: bool,
}

/// Judges everything that was observed for one target. Critical findings come first, then unknown, warning and
/// information; within a level those that explain others come before them.
#[must_use]
pub fn judge(examination: &Examination, policy: &Policy, at: Timestamp) -> Vec<Finding> {
    arrange(judges::examination(examination, policy, at), policy)
}

/// Judges one URL by itself, as the `url` command asks: not to serve something usable is critical there.
/// `answer` is what the object says of the certificate it was asked about, if any; `certificates` are those that the
/// facts name, as far as they are at hand.
#[must_use]
pub fn judge_endpoint(
    facts: &EndpointFacts,
    answer: Option<&Answer>,
    certificates: &[Arc<Certificate>],
    policy: &Policy,
    at: Timestamp,
) -> Vec<Finding> {
    arrange(judges::single(facts, answer, certificates, at), policy)
}

/// Judges a list of what has to be open. `checked` are the findings of the targets that it was made from, which have
/// their effective severity: those that tell why the list may lack something are kept, and with
/// [`Policy::closed_is_critical`], that is `--probe`, those about the ways, a closed host once.
#[must_use]
pub fn judge_egress(checked: &[Finding], ways: &[Way], policy: &Policy) -> Vec<Finding> {
    let told = arrange(judges::egress(ways, policy), policy);
    let of_targets = checked.iter().filter(|finding| {
        judges::keeps_from_listing(finding.code) || (policy.closed_is_critical && judges::is_about_a_way(finding.code))
    });
    joined(told, of_targets.cloned(), ways)
}

/// Adds the findings about targets to those about ways, without those that tell of the same closed way no more gravely.
fn joined(told: Vec<Finding>, of_targets: impl Iterator<Item = Finding>, ways: &[Way]) -> Vec<Finding> {
    let closed: HashSet<&str> = judges::closed_urls(ways).collect();
    let gravest = told.iter().filter(|finding| judges::is_closed(finding.code)).map(|finding| finding.severity).max();
    let of_targets = of_targets.filter(|finding| {
        let told_by_host = match &finding.about {
            About::Endpoint(url) => judges::is_closed(finding.code) && closed.contains(url.as_str()),
            _ => false,
        };
        !(told_by_host && gravest >= Some(finding.severity))
    });
    let mut findings = told;
    for finding in of_targets {
        let same = |other: &Finding| {
            (other.code, &other.about, &other.message) == (finding.code, &finding.about, &finding.message)
        };
        if !findings.iter().any(same) {
            findings.push(finding);
        }
    }
    sort(&mut findings);
    findings
}

/// Judges a rollover: what was found about the new chain, each closed host once, what the differences mean, and why the
/// old one could not be looked at, if so. `from` and `to` were judged by themselves.
#[must_use]
pub fn judge_rollover(
    comparison: &Comparison,
    from: &Checked,
    to: &Checked,
    ways: &[Way],
    policy: &Policy,
) -> Vec<Finding> {
    let closed_counts = Policy { closed_is_critical: true, ..policy.clone() };
    let mut told = judges::rollover(comparison, &to.examination.trust_store);
    told.extend(judges::egress(ways, &closed_counts));
    let told = arrange(told, policy);
    // That the new root is not trusted is told as what is missing from the store.
    let as_root = told.iter().find(|finding| finding.code == catalogue::machine::ROOT_MISSING);
    let as_root = as_root.map(|finding| finding.severity);
    let of_new = to
        .findings
        .iter()
        .filter(|finding| !(finding.code == catalogue::path::UNTRUSTED_ROOT && as_root >= Some(finding.severity)));
    // What was expected of the new chain and what differs from the old one can be the same fact.
    let twice = |finding: &Finding| {
        let once = [catalogue::machine::ROOT_MISSING, catalogue::cert::NO_CLIENT_AUTH].contains(&finding.code);
        once && told.iter().any(|other| (other.code, &other.about) == (finding.code, &finding.about))
    };
    let of_new: Vec<Finding> = of_new.filter(|finding| !twice(finding)).cloned().collect();
    let mut findings = joined(told, of_new.into_iter(), ways);
    for (side, had, checked) in [("old", &comparison.from, from), ("new", &comparison.to, to)] {
        if had.is_none() {
            nothing_to_compare(side, checked, &mut findings);
        }
    }
    sort(&mut findings);
    findings
}

/// Without either of the certificates the question is open, whatever severities were set.
fn nothing_to_compare(side: &str, checked: &Checked, findings: &mut Vec<Finding>) {
    let why = checked.findings.iter().filter(|finding| judges::keeps_from_listing(finding.code));
    let why: Vec<Finding> = why.cloned().collect();
    if side == "old" {
        // Nothing is known against the new chain by that.
        findings.extend(why.iter().map(|finding| Finding { severity: Severity::Unknown, ..finding.clone() }));
    }
    if why.is_empty() {
        findings.push(Finding {
            code: catalogue::machine::TARGET_UNREADABLE,
            severity: Severity::Unknown,
            about: About::Target,
            message: format!(
                "{}: the {side} certificate could not be had, so nothing can be compared",
                checked.examination.target
            ),
            remedy: format!("run certflight check {} to see why", checked.examination.target),
        });
    }
}

/// What a difference means for clients, and how grave it is.
#[must_use]
pub fn judge_difference(difference: &Difference, comparison: &Comparison, policy: &Policy) -> (Severity, String) {
    let (severity, meaning) = judges::difference(difference, comparison);
    let code = match difference.field {
        Field::ClientAuth => catalogue::cert::NO_CLIENT_AUTH,
        Field::Root => catalogue::machine::ROOT_MISSING,
        _ => catalogue::rollover::BREAKING,
    };
    let effective = if severity == Severity::Info { None } else { policy.effective(code, severity) };
    (effective.unwrap_or(Severity::Info), meaning)
}

/// What was found of one server's TLS, and what was expected.
#[derive(Debug, Clone, Copy)]
pub struct TlsAsked<'a> {
    /// The target as the report names it.
    pub target: &'a str,
    /// How its name resolved.
    pub resolution: Option<&'a Resolution>,
    /// Connections that failed: before anything could be asked, or, where something was found, to other addresses.
    pub failures: &'a [Connection],
    /// The addresses at which something was found, as far as those that failed are to be set against them.
    pub working: &'a [&'a Connection],
    /// What was found; `None` where nothing could be asked.
    pub readiness: Option<&'a Readiness>,
    /// `--expect-client`: names of clients that have to connect.
    pub expected_clients: &'a [String],
    /// `--expect-office365`
    pub expect_office365: bool,
}

/// Judges what of TLS a server takes, as the `tls` command asks.
#[must_use]
pub fn judge_tls(asked: &TlsAsked<'_>, policy: &Policy) -> Vec<Finding> {
    arrange(judges::tls(asked), policy)
}

/// Why something that was named as a server is none.
#[must_use]
pub fn judge_no_server(error: &AcquireError, policy: &Policy) -> Vec<Finding> {
    arrange(judges::no_server(error), policy)
}

/// Judges a trust store and what was asked of it, as the `roots` command does: a root that is not trusted is critical.
#[must_use]
pub fn judge_roots(
    store: Result<&TrustStore, &StoreError>,
    answers: &[presence::Answer],
    policy: &Policy,
    at: Timestamp,
) -> Vec<Finding> {
    arrange(judges::roots(store, answers, at), policy)
}

/// Judges what clients that connected here offer.
#[must_use]
pub fn judge_listen(ledger: &Ledger, policy: &Policy) -> Vec<Finding> {
    arrange(judges::listen(ledger), policy)
}

/// What keeps a client from TLS 1.2 and newer, to follow its name: `offers nothing newer than TLS 1.0`.
#[must_use]
pub fn inability_in_words(ability: Ability) -> Option<String> {
    match ability {
        Ability::Able(_) => None,
        Ability::Unable(obstacle) => Some(judges::listen::in_words(obstacle)),
        Ability::Fallback => Some("says that it is trying again with less than it can do".to_owned()),
    }
}

/// What was found of a root, in one sentence.
#[must_use]
pub fn presence_in_words(answer: &presence::Answer, store: &TrustStore, at: Timestamp) -> String {
    judges::presence::in_words(answer, store, at)
}

/// The codes of what is wrong with one path, most to the point first; empty for a valid one. The report's
/// `paths[].problems`.
#[must_use]
pub fn problem_codes(judgement: &Judgement) -> Vec<Code> {
    judges::path::problem_codes(judgement)
}

/// An endpoint in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndpointStatus {
    /// It serves something usable, and nothing is to be said against it.
    Ok,
    /// Usable, with a warning.
    Degraded,
    /// Not usable.
    Failed,
    /// Not contacted.
    Skipped,
}

/// An endpoint's status, from its facts and all of the target's findings.
#[must_use]
pub fn endpoint_status(facts: &EndpointFacts, findings: &[Finding]) -> EndpointStatus {
    let of_it =
        || findings.iter().filter(|finding| matches!(&finding.about, About::Endpoint(url) if *url == facts.url));
    let warned = of_it().any(|finding| finding.severity >= Severity::Warning);
    // Fresh and well-formed but unverified, which only `url` tells, is neither a pass nor a failure.
    let unverified = || !warned && of_it().any(|finding| finding.code == catalogue::revocation::CRL_UNVERIFIED);
    match &facts.skipped {
        Some(_) => EndpointStatus::Skipped,
        None if !facts.usable && unverified() => EndpointStatus::Degraded,
        None if !facts.usable => EndpointStatus::Failed,
        None if warned => EndpointStatus::Degraded,
        None => EndpointStatus::Ok,
    }
}

/// Applies `--severity` and `--strict`, then sorts.
fn arrange(findings: Vec<Finding>, policy: &Policy) -> Vec<Finding> {
    let mut findings: Vec<Finding> = findings
        .into_iter()
        .filter_map(|finding| Some(Finding { severity: policy.effective(finding.code, finding.severity)?, ..finding }))
        .collect();
    sort(&mut findings);
    findings
}

/// The worst first, then by cause. Stable: what was found first stays first among equals.
fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), rank(finding.code)));
}

/// The order of cause.
fn rank(code: Code) -> u8 {
    match code.group() {
        "connection" => 0,
        "target" | "store" | "local" => 1,
        "cert" | "path" => 2,
        "chain" => 3,
        "revocation" => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests;
