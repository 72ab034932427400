//! Observations to findings, one group after the other.
//!
//! A judge looks at one kind of fact and reports to the [`Sink`], which knows each code's default severity and
//! keeps a fact from being told twice.

mod cert;
mod chain;
mod connection;
mod content;
mod egress;
mod endpoint;
mod expect;
mod legacy;
pub(super) mod listen;
pub(super) mod path;
pub(super) mod presence;
mod revocation;
mod rollover;
mod store;
mod tls;
mod windows;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::catalogue::{DefaultSeverity, machine};
use super::{About, Code, Finding, Policy, Severity};
use crate::Examination;
use crate::acquire::{AcquireError, Presented, PresentedCertificate};
use crate::egress::Way;
use crate::listen::Ledger;
use crate::path::store::StoreError;
use crate::path::{CertificationPath, TrustStore};
use crate::revocation::{Answer, EndpointFacts};
use crate::rollover::{Comparison, Difference};
use crate::x509::{Certificate, Fingerprint};

/// Everything observed for one target, judged with default severities.
pub(super) fn examination(examination: &Examination, policy: &Policy, at: Timestamp) -> Vec<Finding> {
    let mut sink = Sink::default();
    store::judge(examination, &mut sink);
    match &examination.presented {
        Ok(presented) => {
            let case = Case::new(examination, presented, policy, at, examination.target.clone());
            connection::judge(&case, &mut sink);
            chain_served(&case, &mut sink);
        }
        Err(error) => unread(error, &mut sink),
    }
    // What other addresses served counts as much; their connections are judged together above.
    let chain = |examination: &Examination| -> Option<Vec<Fingerprint>> {
        let presented = examination.presented.as_ref().ok()?;
        Some(presented.certificates().iter().map(PresentedCertificate::sha256).collect())
    };
    let mut told = vec![chain(examination)];
    for other in &examination.others {
        if let Ok(presented) = &other.presented {
            let address = presented.address().map(|address| format!(" at {address}")).unwrap_or_default();
            let place = format!("{}{address}", other.target);
            let case = Case::new(other, presented, policy, at, place);
            let chain = chain(other);
            if !told.contains(&chain) {
                chain_served(&case, &mut sink);
                told.push(chain);
            } else if other.trust_store_failure.is_none() {
                // The same chain with another staple: all else is told.
                revocation::judge(&case, &mut sink);
            }
        }
    }
    expect::surroundings(examination, &mut sink);
    sink.findings
}

/// What was named as a server and is none.
pub(super) fn no_server(error: &AcquireError) -> Vec<Finding> {
    let mut sink = Sink::default();
    let remedy = "name a server: HOST, HOST:PORT, [IPv6]:PORT or SCHEME://HOST".to_owned();
    sink.report(machine::TARGET_UNREADABLE, Weight::Usual, About::Target, error.to_string(), remedy);
    sink.findings
}

fn unread(error: &AcquireError, sink: &mut Sink) {
    let remedy = match error {
        AcquireError::Unreadable { .. } | AcquireError::NoCertificate { .. } => {
            "check the path, the permissions and the content; a PKCS#12 file needs its password (--password-file)"
        }
        AcquireError::NotATarget { .. } => {
            "write a target as HOST, HOST:PORT, [IPv6]:PORT or SCHEME://HOST, or as the path of a file"
        }
        AcquireError::Internal { .. } => "report it with the command line and this message",
    };
    sink.report(machine::TARGET_UNREADABLE, Weight::Usual, About::Target, error.to_string(), remedy.to_owned());
}

/// One chain, from its certificates to their endpoints. Without any trust anchor there is nothing to judge it by.
fn chain_served(case: &Case<'_>, sink: &mut Sink) {
    if case.examination.trust_store_failure.is_some() {
        return;
    }
    cert::judge(case, sink);
    path::judge(case, sink);
    chain::judge(case, sink);
    revocation::judge(case, sink);
    expect::chain(case, sink);
}

/// One endpoint by itself.
pub(super) fn single(
    facts: &EndpointFacts,
    answer: Option<&Answer>,
    certificates: &[Arc<Certificate>],
    at: Timestamp,
) -> Vec<Finding> {
    let mut sink = Sink::default();
    let names =
        Names { known: certificates.iter().map(|certificate| (certificate.sha256, (certificate, ""))).collect() };
    revocation::judge_single(facts, answer, &names, at, &mut sink);
    sink.findings
}

/// A list of what has to be open.
pub(super) fn egress(ways: &[Way], policy: &Policy) -> Vec<Finding> {
    let mut sink = Sink::default();
    egress::judge(ways, policy, &mut sink);
    sink.findings
}

/// Whether a finding about a target tells why a list of what has to be open may lack something.
pub(super) fn keeps_from_listing(code: Code) -> bool {
    egress::keeps_from_listing(code)
}

/// What a difference between two chains means for clients, and how grave that is.
pub(super) fn difference(difference: &Difference, comparison: &Comparison) -> (Severity, String) {
    rollover::difference(difference, comparison)
}

/// What two chains' differences mean, beside the findings about the new one.
pub(super) fn rollover(comparison: &Comparison, trust_store: &str) -> Vec<Finding> {
    let mut sink = Sink::default();
    rollover::judge(comparison, trust_store, &mut sink);
    sink.findings
}

/// Whether a finding tells of a closed way, which [`egress`] tells once for each host.
pub(super) fn is_closed(code: Code) -> bool {
    endpoint::is_closed(code)
}

/// Whether a finding about an endpoint tells how the way to it is.
pub(super) fn is_about_a_way(code: Code) -> bool {
    egress::is_about_a_way(code)
}

/// The URLs whose way is closed.
pub(super) fn closed_urls(ways: &[Way]) -> impl Iterator<Item = &str> {
    egress::closed_urls(ways)
}

/// What of TLS a server takes, and what was expected of it.
pub(super) fn tls(asked: &super::TlsAsked<'_>) -> Vec<Finding> {
    let mut sink = Sink::default();
    tls::judge(asked, &mut sink);
    sink.findings
}

/// What clients that connected here offer, judged with default severities.
pub(super) fn listen(ledger: &Ledger) -> Vec<Finding> {
    let mut sink = Sink::default();
    listen::judge(ledger, &mut sink);
    sink.findings
}

/// A trust store, and what was asked of it.
pub(super) fn roots(
    store: Result<&TrustStore, &StoreError>,
    answers: &[crate::path::presence::Answer],
    at: Timestamp,
) -> Vec<Finding> {
    let mut sink = Sink::default();
    match store {
        Ok(store) => {
            presence::judge(store, answers, at, &mut sink);
            store::unreadable_entries(store.label(), &store.errors(), &mut sink);
        }
        Err(failure) => store::no_anchors(None, failure, &mut sink),
    }
    sink.findings
}

/// One target's observations with what every judge needs to talk about them.
struct Case<'a> {
    examination: &'a Examination,
    presented: &'a Presented,
    policy: &'a Policy,
    at: Timestamp,
    /// What to call what was looked at: the target, and the address where there are several.
    place: String,
    names: Names<'a>,
}

impl<'a> Case<'a> {
    fn new(
        examination: &'a Examination,
        presented: &'a Presented,
        policy: &'a Policy,
        at: Timestamp,
        place: String,
    ) -> Self {
        Self { examination, presented, policy, at, place, names: Names::of(examination) }
    }

    fn chosen(&self) -> Option<&'a CertificationPath> {
        self.examination.search.chosen()
    }

    /// The certificates of the chosen path, leaf first.
    fn chain(&self) -> &'a [Arc<Certificate>] {
        self.chosen().map(|path| path.certificates.as_slice()).unwrap_or_default()
    }

    /// The target's own certificate.
    fn leaf(&self) -> Option<&'a Arc<Certificate>> {
        self.chain().first()
    }
}

/// What to call the certificates that facts name by fingerprint.
struct Names<'a> {
    known: HashMap<Fingerprint, (&'a Arc<Certificate>, &'static str)>,
}

impl<'a> Names<'a> {
    fn of(examination: &'a Examination) -> Self {
        let mut known = HashMap::new();
        for path in &examination.search.paths {
            for (position, certificate) in path.certificates.iter().enumerate() {
                let role = match position {
                    0 => "",
                    _ if is_top(path, position) => "root ",
                    _ => "intermediate ",
                };
                known.entry(certificate.sha256).or_insert((certificate, role));
            }
        }
        for (certificate, _) in examination.pool.iter() {
            known.entry(certificate.sha256).or_insert((certificate, ""));
        }
        Self { known }
    }

    /// `certificate www.example`, `intermediate R3`, `root X1`, else the beginning of the fingerprint.
    fn called(&self, sha256: &Fingerprint) -> String {
        match self.known.get(sha256) {
            Some((certificate, "")) => format!("certificate {}", certificate.subject.short()),
            Some((certificate, role)) => format!("{role}{}", certificate.subject.short()),
            None => format!("certificate {}", sha256.to_string().chars().take(16).collect::<String>()),
        }
    }

    fn certificate(&self, sha256: &Fingerprint) -> Option<&'a Arc<Certificate>> {
        self.known.get(sha256).map(|(certificate, _)| *certificate)
    }

    /// Who issued the first of these, in short.
    fn issuer_of(&self, certificates: &[Fingerprint]) -> String {
        certificates
            .iter()
            .find_map(|sha256| self.certificate(sha256))
            .map_or_else(|| "the CA".to_owned(), |certificate| certificate.issuer.short())
    }
}

/// Whether the certificate at this position is the path's root: a trust anchor, or a self-issued end.
fn is_top(path: &CertificationPath, position: usize) -> bool {
    position.saturating_add(1) == path.certificates.len() && path.root().is_some()
}

/// Which of a code's levels applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// The code's own; the milder where it is graded or depends on the consequence.
    Usual,
    /// The graver of them.
    Grave,
    /// Information, whatever the code's own.
    Information,
}

impl Weight {
    fn grave_if(condition: bool) -> Self {
        if condition { Self::Grave } else { Self::Usual }
    }
}

/// Collects findings with their default severities; a fact told twice is kept once, at its graver level.
#[derive(Debug, Default)]
struct Sink {
    findings: Vec<Finding>,
}

impl Sink {
    /// A fact of which there can be only one for this code and object. The target and its path are no such objects:
    /// different chains of one target can differ in what is wrong with them.
    fn report(&mut self, code: Code, weight: Weight, about: About, message: String, remedy: String) {
        self.keep(code, weight, about, message, remedy, |known, new| {
            !matches!(known.about, About::Target | About::Path) || known.message == new.message
        });
    }

    /// A fact of which there can be several for this code and object, told apart by their messages.
    fn report_each(&mut self, code: Code, weight: Weight, about: About, message: String, remedy: String) {
        self.keep(code, weight, about, message, remedy, |known, new| known.message == new.message);
    }

    fn keep(
        &mut self,
        code: Code,
        weight: Weight,
        about: About,
        message: String,
        remedy: String,
        same: impl Fn(&Finding, &Finding) -> bool,
    ) {
        let new = Finding { code, severity: default_severity(code, weight), about, message, remedy };
        let known = self
            .findings
            .iter_mut()
            .find(|known| known.code == new.code && known.about == new.about && same(known, &new));
        match known {
            Some(known) => known.severity = known.severity.max(new.severity),
            None => self.findings.push(new),
        }
    }
}

/// A code that is not in the catalogue cannot be reported; a test sees to that.
fn default_severity(code: Code, weight: Weight) -> Severity {
    match (code.entry().map(|entry| entry.severity), weight) {
        (_, Weight::Information) => Severity::Info,
        (Some(DefaultSeverity::Fixed(severity)), _) => severity,
        (Some(DefaultSeverity::ByConsequence), Weight::Usual) => Severity::Warning,
        (Some(DefaultSeverity::Graded(mild, _)), Weight::Usual) => mild,
        (Some(DefaultSeverity::Graded(_, grave)), Weight::Grave) => grave,
        (Some(DefaultSeverity::ByConsequence) | None, _) => Severity::Critical,
    }
}
