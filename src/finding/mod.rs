//! From observations to findings: the only place that judges.
//!
//! Input: an [`Examination`](crate::Examination) and a [`Policy`]. Output: [`Finding`]s, each with the
//! code, severity, remedy and clause of the [`catalogue`], and the [`Verdict`] that follows.

pub mod catalogue;
pub mod judges;

use jiff::Timestamp;

pub use catalogue::{Code, Entry};

use crate::Examination;
use crate::x509::Fingerprint;

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
    /// One endpoint, by URL.
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

/// `--severity CODE=LEVEL`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityRule {
    /// A code, or a group ending in `.*`.
    pub pattern: String,
    /// `None`: ignore.
    pub level: Option<Severity>,
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
}

/// Judges everything that was observed for one target.
#[must_use]
pub fn judge(examination: &Examination, policy: &Policy, at: Timestamp) -> Vec<Finding> {
    let _ = (examination, policy, at);
    todo!()
}
