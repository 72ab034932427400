//! `--severity CODE=LEVEL` and `--strict`: the user's word on how much a finding matters.

use super::catalogue::{self, Code};
use super::{Policy, Severity};

/// `--severity CODE=LEVEL`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityRule {
    /// A code, or a group ending in `.*`.
    pub pattern: String,
    /// `None`: ignore.
    pub level: Option<Severity>,
}

/// Why a severity rule is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeverityRuleError {
    /// No `=`.
    #[error("`{0}` is no severity rule: write CODE=LEVEL, such as crl.expiring=info")]
    Form(String),
    /// The code is not in the catalogue.
    #[error("unknown finding code `{code}`: {hint}")]
    Code {
        /// What was written.
        code: String,
        /// What may have been meant.
        hint: String,
    },
    /// The level is none that can be set.
    #[error("cannot set `{code}` to `{level}`: the levels are critical, warning, info and ignore")]
    Level {
        /// The code.
        code: String,
        /// What was written.
        level: String,
    },
}

impl SeverityRule {
    /// Parses `CODE=LEVEL`; CODE is one of the catalogue's, or one of its groups with `.*`.
    ///
    /// # Errors
    /// [`SeverityRuleError`], with what may have been meant.
    pub fn parse(text: &str) -> Result<Self, SeverityRuleError> {
        let (code, level) = text.split_once('=').ok_or_else(|| SeverityRuleError::Form(text.to_owned()))?;
        let (code, level) = (code.trim(), level.trim());
        if catalogue::matching(code).next().is_none() {
            let hint = catalogue::nearest(code).map_or_else(
                || "`certflight explain` lists them, and GROUP.* stands for a group".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(SeverityRuleError::Code { code: code.to_owned(), hint });
        }
        let level = match level {
            "critical" => Some(Severity::Critical),
            "warning" => Some(Severity::Warning),
            "info" => Some(Severity::Info),
            "ignore" => None,
            _ => return Err(SeverityRuleError::Level { code: code.to_owned(), level: level.to_owned() }),
        };
        Ok(Self { pattern: code.to_owned(), level })
    }

    /// Whether it is about this code.
    #[must_use]
    pub fn covers(&self, code: Code) -> bool {
        catalogue::covers(&self.pattern, code)
    }
}

impl Policy {
    /// The effective level of a finding; `None` where it is to be dropped. The last rule that covers the code wins,
    /// then `--strict` raises what is left as a warning.
    #[must_use]
    pub fn effective(&self, code: Code, severity: Severity) -> Option<Severity> {
        let level = match self.severities.iter().rev().find(|rule| rule.covers(code)) {
            Some(rule) => rule.level?,
            None => severity,
        };
        Some(if self.strict && level == Severity::Warning { Severity::Critical } else { level })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::catalogue::revocation::{CRL_EXPIRED, OCSP_EXPIRED};

    fn policy(rules: &[&str], strict: bool) -> Policy {
        let severities = rules.iter().map(|rule| SeverityRule::parse(rule).unwrap()).collect();
        Policy { severities, strict, ..Policy::default() }
    }

    #[test]
    fn the_last_rule_that_covers_wins() {
        let both = policy(&["crl.*=ignore", "crl.expired=warning"], false);
        assert_eq!(both.effective(CRL_EXPIRED, Severity::Critical), Some(Severity::Warning));
        let turned = policy(&["crl.expired=warning", "crl.*=ignore"], false);
        assert_eq!(turned.effective(CRL_EXPIRED, Severity::Critical), None);
        assert_eq!(turned.effective(OCSP_EXPIRED, Severity::Critical), Some(Severity::Critical));
    }

    #[test]
    fn strict_raises_warnings_only_and_after_the_rules() {
        let strict = policy(&["crl.*=warning", "ocsp.*=info"], true);
        assert_eq!(strict.effective(CRL_EXPIRED, Severity::Info), Some(Severity::Critical));
        assert_eq!(strict.effective(OCSP_EXPIRED, Severity::Warning), Some(Severity::Info));
        let plain = policy(&[], true);
        assert_eq!(plain.effective(CRL_EXPIRED, Severity::Unknown), Some(Severity::Unknown));
    }

    #[test]
    fn errors_name_what_was_meant() {
        let error = |text| SeverityRule::parse(text).unwrap_err().to_string();
        assert_eq!(error("crl.expird=info"), "unknown finding code `crl.expird`: did you mean `crl.expired`?");
        assert!(error("quux=info").contains("certflight explain"));
        assert!(error("crl.expired=unknown").contains("critical, warning, info and ignore"));
        assert!(error("crl.expired").contains("CODE=LEVEL"));
        assert!(SeverityRule::parse("*=info").is_err() && SeverityRule::parse(".*=info").is_err());
    }

    #[test]
    fn spaces_around_the_parts_do_not_matter() {
        let rule = SeverityRule { pattern: "crl.*".to_owned(), level: None };
        assert_eq!(SeverityRule::parse(" crl.* = ignore "), Ok(rule));
    }
}
