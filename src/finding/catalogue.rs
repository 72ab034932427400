//! The one definition of every finding: code, severity, title, explanation, remedy, reference.

use std::fmt;

use super::Severity;

/// A finding's code, one of the catalogue's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Code(pub(crate) &'static str);

impl Code {
    /// The text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Default severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultSeverity {
    /// Always this.
    Fixed(Severity),
    /// Critical where, because of it, a certificate of the chosen path is left without any usable
    /// revocation answer (or, for caIssuers, the path could not be completed); else warning.
    ByConsequence,
    /// By thresholds or circumstances that the explanation tells: these two, the milder first.
    Graded(Severity, Severity),
}

/// One entry.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Code.
    pub code: Code,
    /// Severity before any override.
    pub severity: DefaultSeverity,
    /// A few words.
    pub title: &'static str,
    /// What it means and why it matters.
    pub explanation: &'static str,
    /// How to mend it, in general.
    pub remedy: &'static str,
    /// The clause it comes from.
    pub reference: &'static str,
}
