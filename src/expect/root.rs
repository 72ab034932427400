//! The root that a path is to lead to: by its name or its thumbprint.

use std::fmt;

use aws_lc_rs::digest;

use crate::path::alias;
use crate::x509::der::hex;
use crate::x509::written::same_text;
use crate::x509::{Certificate, Name, WrittenName};

const SHA1_DIGITS: usize = 40;
const SHA256_DIGITS: usize = 64;

/// What a root is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootName {
    /// SHA-1 or SHA-256 over the certificate, lower-case hexadecimal; the length tells which.
    Thumbprint(String),
    /// A common name or a whole subject.
    Named {
        /// As it was written.
        written: WrittenName,
        /// The common name, where the owner calls the root otherwise.
        common_name: Option<&'static str>,
    },
}

impl RootName {
    /// Reads a common name, a whole subject, or a thumbprint in any common spelling.
    ///
    /// # Errors
    /// What is wrong with what seems to be a thumbprint.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(digits) = thumbprint(text) {
            return match digits.len() {
                SHA1_DIGITS | SHA256_DIGITS => Ok(Self::Thumbprint(digits)),
                length => Err(format!(
                    "a thumbprint of {length} hexadecimal digits is neither SHA-1 (40) nor SHA-256 (64): copy it whole, or write CN=… if it is a name"
                )),
            };
        }
        let written = WrittenName::new(text);
        let common_name = if written.is_whole() { None } else { alias::common_name(text) };
        Ok(Self::Named { written, common_name })
    }

    /// Whether this certificate is meant.
    #[must_use]
    pub fn is(&self, certificate: &Certificate) -> bool {
        self.is_entry(&certificate.subject, &certificate.der)
    }

    /// Whether a certificate with this subject and encoding is meant.
    #[must_use]
    pub fn is_entry(&self, subject: &Name, der: &[u8]) -> bool {
        match self {
            Self::Thumbprint(digits) => {
                let algorithm =
                    if digits.len() == SHA1_DIGITS { &digest::SHA1_FOR_LEGACY_USE_ONLY } else { &digest::SHA256 };
                hex(digest::digest(algorithm, der).as_ref()) == *digits
            }
            Self::Named { .. } => self.is_called(subject),
        }
    }

    /// A certificate's thumbprint of the kind that was written, else its SHA-256, to be compared by eye.
    #[must_use]
    pub fn thumbprint_of(&self, certificate: &Certificate) -> String {
        match self {
            Self::Thumbprint(digits) if digits.len() == SHA1_DIGITS => labelled(&hex(&certificate.sha1())),
            _ => labelled(&certificate.sha256.to_string()),
        }
    }

    /// Whether a root of this name is meant. A thumbprint says nothing of names.
    #[must_use]
    pub fn is_called(&self, name: &Name) -> bool {
        let Self::Named { written, common_name } = self else { return false };
        let alias = |alias: &str| name.values("2.5.4.3").iter().any(|held| same_text(held, alias));
        written.means(name) || common_name.is_some_and(alias)
    }
}

impl fmt::Display for RootName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thumbprint(digits) => f.write_str(&labelled(digits)),
            Self::Named { written, common_name: None } => write!(f, "{written}"),
            Self::Named { written, common_name: Some(common_name) } => write!(f, "{written} (CN={common_name})"),
        }
    }
}

fn labelled(digits: &str) -> String {
    format!("{} {digits}", if digits.len() == SHA1_DIGITS { "SHA-1" } else { "SHA-256" })
}

/// The digits, where a text seems to be a thumbprint: hexadecimal in pairs or in one, perhaps after the hash's name.
fn thumbprint(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let label = ["sha-256", "sha256", "sha-1", "sha1"].into_iter().find_map(|label| lower.strip_prefix(label));
    let rest = label.map_or(lower.as_str(), |rest| {
        let rest = rest.trim_start();
        let rest = rest.strip_prefix("fingerprint").or_else(|| rest.strip_prefix("thumbprint")).unwrap_or(rest);
        rest.trim_start_matches([' ', ':', '='])
    });
    // Windows puts an invisible mark before what is copied from its dialog.
    let bare = |c: &char| !(c.is_whitespace() || matches!(c, ':' | '-' | '\u{200e}' | '\u{200f}' | '\u{feff}'));
    let digits: String = rest.chars().filter(bare).collect();
    // Shorter ones are as well words.
    let enough = digits.len() >= if label.is_some() { 8 } else { 32 };
    (enough && digits.bytes().all(|octet| octet.is_ascii_hexdigit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::testing::Authority;

    #[test]
    fn thumbprints_are_read_in_every_common_spelling() {
        let root = Authority::root("Some Root").certificate;
        let (sha1, sha256) = (hex(&root.sha1()), root.sha256.to_string());
        let pairs = |text: &str, separator: &str| {
            text.as_bytes()
                .chunks(2)
                .map(|pair| String::from_utf8_lossy(pair).to_uppercase())
                .collect::<Vec<_>>()
                .join(separator)
        };
        for text in [
            sha1.clone(),
            sha256.clone(),
            sha1.to_uppercase(),
            pairs(&sha256, ":"),
            pairs(&sha1, " "),
            format!("\u{200e}{}", pairs(&sha1, " ")),
            format!("SHA256 Fingerprint={}", pairs(&sha256, ":")),
            format!("sha1:{sha1}"),
            format!("SHA-256 {sha256}"),
        ] {
            let name = RootName::parse(&text).unwrap();
            assert!(matches!(name, RootName::Thumbprint(_)) && name.is(&root), "{text}");
            assert!(!name.is(&Authority::root("Some Root").certificate), "{text}");
        }
        for text in [&sha1[..38], &sha256[..32], &pairs(&sha256, ":")[..92], "SHA1:00112233"] {
            assert!(RootName::parse(text).unwrap_err().contains("copy it whole"), "{text}");
        }
    }

    #[test]
    fn names_are_names() {
        let globalsign = Authority::root("GlobalSign Root CA").certificate;
        for text in
            ["GlobalSign Root CA", "GlobalSign Root CA \u{2013} R1", "globalsign root ca - r1", "CN=GlobalSign Root CA"]
        {
            assert!(RootName::parse(text).unwrap().is(&globalsign), "{text}");
        }
        for text in ["GlobalSign Root CA - R3", "GlobalSign", "O=GlobalSign Root CA", "Face", "ABBA BABE"] {
            assert!(!RootName::parse(text).unwrap().is(&globalsign), "{text}");
        }
        let shown = RootName::parse("GlobalSign Root CA \u{2013} R1").unwrap().to_string();
        assert_eq!(shown, "GlobalSign Root CA \u{2013} R1 (CN=GlobalSign Root CA)");
    }
}
