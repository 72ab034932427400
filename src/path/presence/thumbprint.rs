//! Thumbprints in the spellings that certmgr, OpenSSL, browsers and people give them.

use std::fmt;

use crate::x509::name::is_mapped_to_nothing;
use crate::x509::{Certificate, Fingerprint, der};

/// A digest over the DER of a whole certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thumbprint {
    /// As Windows shows it.
    Sha1([u8; 20]),
    /// As most others do.
    Sha256(Fingerprint),
}

impl Thumbprint {
    /// Whether it is this certificate's.
    #[must_use]
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Sha1(digest) => certificate.sha1() == *digest,
            Self::Sha256(digest) => certificate.sha256 == *digest,
        }
    }
}

impl fmt::Display for Thumbprint {
    /// `SHA-1 cabd…`, in lower-case hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha1(digest) => write!(f, "SHA-1 {}", der::hex(digest)),
            Self::Sha256(digest) => write!(f, "SHA-256 {digest}"),
        }
    }
}

/// What a text is, read as a thumbprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// One.
    Thumbprint(Thumbprint),
    /// Hexadecimal of another length than a thumbprint has, or than the algorithm named before it gives.
    OfAnotherLength {
        /// The octets; of an odd number of digits all but the last.
        octets: Vec<u8>,
        /// How many digits there are.
        digits: usize,
        /// Whether the text says itself that it is a thumbprint, so that nothing else can be meant.
        is_marked: bool,
    },
    /// Something else.
    Other,
}

/// Fewer digits than this are taken for a word (`ACE`, `DECADE`) or a number.
const FEWEST_DIGITS: usize = 16;

impl Reading {
    /// Forgives colons, hyphens, white space of any kind, upper case, `0x`, `SHA1:`, `SHA-256 Fingerprint=`, and the
    /// invisible left-to-right mark that comes along when a thumbprint is copied out of certmgr.msc.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let (algorithm, rest) = algorithm(text);
        let rest = rest.trim_matches(|character: char| character.is_whitespace() || is_mapped_to_nothing(character));
        let rest = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")).unwrap_or(rest);
        let separates = |character: char| {
            character.is_whitespace() || matches!(character, ':' | '-') || is_mapped_to_nothing(character)
        };
        let digits: Option<Vec<u8>> =
            rest.chars().filter(|character| !separates(*character)).map(hexadecimal).collect();
        let Some(digits) = digits else { return Self::Other };
        if digits.len() < FEWEST_DIGITS {
            return Self::Other;
        }
        let (pairs, _) = digits.as_chunks::<2>();
        let octets: Vec<u8> = pairs.iter().map(|[high, low]| (high << 4) | low).collect();
        let thumbprint = match digits.len() {
            40 if algorithm != Some(256) => octets.as_slice().try_into().ok().map(Thumbprint::Sha1),
            64 if algorithm != Some(1) => {
                octets.as_slice().try_into().ok().map(|octets| Thumbprint::Sha256(Fingerprint(octets)))
            }
            _ => None,
        };
        let is_marked = algorithm.is_some();
        thumbprint.map_or(Self::OfAnotherLength { octets, digits: digits.len(), is_marked }, Self::Thumbprint)
    }
}

fn hexadecimal(character: char) -> Option<u8> {
    character.to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The name of the algorithm before the digits, if any, and what follows it.
fn algorithm(text: &str) -> (Option<u16>, &str) {
    let text = text.trim();
    let Some((before, after)) = text.split_once([':', '=']) else { return (None, text) };
    let word: String = before.chars().filter(char::is_ascii_alphanumeric).collect();
    match word.to_ascii_lowercase().trim_end_matches("fingerprint").trim_end_matches("thumbprint") {
        "sha1" => (Some(1), after),
        "sha256" => (Some(256), after),
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "cabd2a79a1076a31f21d253635cb039d4329a5e8";
    const SHA256: &str = "96bcec06264976f37460779acf28c5a7cfe8a3c0aae11a8ffcee05c0bddf08c6";

    fn spelt(text: &str) -> String {
        match Reading::of(text) {
            Reading::Thumbprint(thumbprint) => thumbprint.to_string(),
            other => panic!("{text}: {other:?}"),
        }
    }

    fn joined(digits: &str, separator: &str) -> String {
        digits.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair)).collect::<Vec<_>>().join(separator)
    }

    #[test]
    fn every_common_spelling_is_read() {
        for (digits, name) in [(SHA1, "SHA-1"), (SHA256, "SHA-256")] {
            let word = name.replace('-', "");
            let upper = digits.to_uppercase();
            for text in [
                digits.to_owned(),
                upper.clone(),
                joined(&upper, ":"),
                joined(digits, " "),
                joined(digits, "\u{a0}"),
                joined(digits, "-"),
                format!("\u{200e}{}", joined(digits, " ")),
                format!(" \u{feff}0x{digits} "),
                format!("{word}:{digits}"),
                format!("{} Fingerprint={}", word.to_lowercase(), joined(&upper, ":")),
                format!("{name} thumbprint: {digits}"),
            ] {
                assert_eq!(spelt(&text), format!("{name} {digits}"), "{text:?}");
            }
        }
    }

    #[test]
    fn what_has_another_length_is_told_from_what_is_no_thumbprint() {
        for (text, digits, is_marked) in [
            (&SHA1[1..], 39, false),
            (&SHA256[..32], 32, false),
            ("SHA1:00112233445566778899", 20, true),
            (&format!("sha1:{SHA256}"), 64, true),
            (&format!("SHA256: {SHA1}"), 40, true),
        ] {
            let reading = Reading::of(text);
            let matches = matches!(&reading, Reading::OfAnotherLength { octets, digits: found, is_marked: marked }
                if *found == digits && *marked == is_marked && octets.len() == digits / 2);
            assert!(matches, "{text}: {reading:?}");
        }
        for text in
            ["", "ACE", "decade", "0x", "R1", "GlobalSign Root CA", "::", "DigiCert", "sha1:", &format!("{SHA1}g")]
        {
            assert_eq!(Reading::of(text), Reading::Other, "{text}");
        }
    }
}
