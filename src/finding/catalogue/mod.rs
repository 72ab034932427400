//! The one definition of every finding: code, severity, title, explanation, remedy, reference.
//!
//! One file a group; `explain`, `docs/findings.md` and the JSON Schema come from here.

pub mod cert;
pub mod chain;
pub mod connection;
pub mod endpoint;
pub mod expect;
pub mod listen;
pub mod machine;
mod markdown;
pub mod path;
pub mod revocation;
pub mod rollover;
pub mod tls;

use std::fmt;

pub use markdown::markdown;

use super::Severity;
use crate::spelling;

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

    /// What stands before the full stop.
    #[must_use]
    pub fn group(self) -> &'static str {
        self.0.split_once('.').map_or(self.0, |(group, _)| group)
    }

    /// Its entry. `None` only for a code that is not the catalogue's own, which nothing outside can make.
    #[must_use]
    pub fn entry(self) -> Option<&'static Entry> {
        find(self.0)
    }

    /// The clause it comes from.
    #[must_use]
    pub fn reference(self) -> &'static str {
        self.entry().map_or("", |entry| entry.reference)
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

impl fmt::Display for DefaultSeverity {
    /// As `explain` and the documentation say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(severity) => write!(f, "{}", severity.word()),
            Self::ByConsequence => f.write_str("warning, or critical by consequence"),
            Self::Graded(mild, grave) => write!(f, "{} or {}", mild.word(), grave.word()),
        }
    }
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

/// Every entry, group by group in the order of cause: what comes first explains what follows.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    [
        connection::ENTRIES,
        machine::ENTRIES,
        cert::ENTRIES,
        path::ENTRIES,
        chain::ENTRIES,
        revocation::ENTRIES,
        endpoint::ENTRIES,
        rollover::ENTRIES,
        tls::ENTRIES,
        expect::ENTRIES,
        listen::ENTRIES,
    ]
    .into_iter()
    .flatten()
}

/// The entry of this code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.code.0 == code)
}

/// The entries that a pattern names: a code, or a group with `.*` (`crl.*`). Empty where it names none.
pub fn matching(pattern: &str) -> impl Iterator<Item = &'static Entry> {
    all().filter(move |entry| covers(pattern, entry.code))
}

/// Whether a pattern names a code.
#[must_use]
pub(crate) fn covers(pattern: &str, code: Code) -> bool {
    match pattern.strip_suffix(".*") {
        Some(group) => code.group() == group,
        None => code.0 == pattern,
    }
}

/// The code or group pattern that is spelt most like this text, when any is near enough to be meant.
#[must_use]
pub(crate) fn nearest(text: &str) -> Option<String> {
    // Longer texts are no slip of the finger, and the distance takes quadratic time.
    if text.len() > 80 {
        return None;
    }
    let mut candidates: Vec<String> = all().map(|entry| entry.code.0.to_owned()).collect();
    candidates.extend(all().map(|entry| format!("{}.*", entry.code.group())));
    let distance = |candidate: &String| spelling::distance(&text.to_ascii_lowercase(), candidate);
    let best = candidates.into_iter().min_by_key(distance)?;
    // A word that is the whole second half ("expired") is meant as well, whatever the distance.
    let by_part =
        || all().map(|entry| entry.code.0).find(|code| code.split_once('.').is_some_and(|(_, name)| name == text));
    if distance(&best) * 3 <= text.chars().count().max(best.len()) {
        Some(best)
    } else {
        by_part().map(ToOwned::to_owned)
    }
}

/// Defines a group's codes and its table of entries, each text in one place.
macro_rules! entries {
    ($($name:ident = $code:literal, $severity:expr, $title:literal;
        explanation: $explanation:literal;
        remedy: $remedy:literal;
        reference: $reference:literal;)+) => {
        $(
            #[doc = concat!("`", $code, "`: ", $title, ".")]
            pub const $name: $crate::finding::Code = $crate::finding::catalogue::Code($code);
        )+

        /// This file's entries.
        pub const ENTRIES: &[$crate::finding::Entry] = &[
            $($crate::finding::Entry {
                code: $name,
                severity: $severity,
                title: $title,
                explanation: $explanation,
                remedy: $remedy,
                reference: $reference,
            },)+
        ];
    };
}
use entries;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_stands_once_and_is_well_formed() {
        let mut seen = HashSet::new();
        for entry in all() {
            let code = entry.code.as_str();
            assert!(seen.insert(code), "{code} stands twice");
            let (group, name) = code.split_once('.').expect("group.name");
            assert!(
                [group, name].iter().all(|part| {
                    !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                }),
                "{code}"
            );
            assert_eq!(entry.code.entry().map(|found| found.title), Some(entry.title));
        }
        assert_eq!(seen.len(), 115);
    }

    #[test]
    fn every_text_says_enough_and_is_laid_out_alike() {
        for entry in all() {
            let code = entry.code;
            let sentences = entry.explanation.matches(". ").count() + 1;
            assert!((2..=6).contains(&sentences), "{code}: {sentences} sentences");
            assert!(entry.explanation.ends_with('.') && entry.remedy.ends_with('.'), "{code}");
            assert!(!entry.title.ends_with('.') && entry.title.len() <= 70, "{code}");
            for text in [entry.title, entry.explanation, entry.remedy, entry.reference] {
                assert!(!text.contains("  ") && !text.contains('\n') && text.trim() == text, "{code}: {text}");
            }
            assert!(entry.remedy.len() >= 40, "{code}");
            assert!(
                entry.reference.contains('§')
                    || entry.reference.contains("RFC")
                    || entry.reference.contains("Mozilla")
                    || entry.reference.contains("Microsoft"),
                "{code}"
            );
        }
    }

    #[test]
    fn codes_of_later_work_are_not_offered() {
        for code in ["mail.no-mx", "mail.plaintext-possible"] {
            assert!(find(code).is_none(), "{code}");
        }
    }

    #[test]
    fn patterns_match_codes_and_groups() {
        assert_eq!(matching("crl.*").count(), 13);
        assert_eq!(matching("crl.expired").count(), 1);
        assert_eq!(matching("crl.exp*").count(), 0);
        assert_eq!(matching("cr.*").count(), 0);
        assert!(matching("crl.*").all(|entry| entry.code.group() == "crl"));
    }

    #[test]
    fn slips_of_the_finger_are_recognised() {
        assert_eq!(nearest("crl.expird").as_deref(), Some("crl.expired"));
        assert_eq!(nearest("crls.*").as_deref(), Some("crl.*"));
        assert_eq!(nearest("name-mismatch").as_deref(), Some("cert.name-mismatch"));
        assert_eq!(nearest("something quite different"), None);
    }
}
