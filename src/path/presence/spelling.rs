//! Names of roots as people write them: a part of the subject, a whole subject in any tool's notation, or what its
//! owner calls it.

use crate::path::alias;
use crate::x509::Certificate;
use crate::x509::name::fold;

/// A name to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern {
    text: String,
    parts: Parts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Parts {
    /// Prepared for comparison.
    Words(String),
    /// Type, in lower case, and prepared value.
    Attributes(Vec<(String, String)>),
}

/// How a subject answers to a pattern, the better one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is its common name (of a subject without one, what stands for it), its whole subject, or its owner's name.
    Whole,
    /// It is a part of the subject.
    Part,
}

impl NamePattern {
    /// `None` where nothing is left to look for: no letter and no digit.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let parts = match attributes(text) {
            Some(attributes) => Parts::Attributes(attributes),
            None => Parts::Words(prepared(text)),
        };
        let says_something = match &parts {
            Parts::Words(words) => words.contains(char::is_alphanumeric),
            Parts::Attributes(attributes) => !attributes.is_empty(),
        };
        says_something.then(|| Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How this certificate's subject answers to it, if it does.
    #[must_use]
    pub fn fits(&self, certificate: &Certificate) -> Option<Fit> {
        let subject = certificate.subject.texts();
        match &self.parts {
            Parts::Words(words) => {
                let called = prepared(&certificate.subject.short());
                let by_its_owner = alias::common_name(&self.text).is_some_and(|common| prepared(common) == called);
                if called == *words || by_its_owner {
                    return Some(Fit::Whole);
                }
                let is_part = subject.iter().any(|(_, value)| holds(&prepared(value), words));
                is_part.then_some(Fit::Part)
            }
            Parts::Attributes(wanted) => {
                let mut left: Vec<(String, String)> =
                    subject.iter().map(|(kind, value)| (kind.to_ascii_lowercase(), prepared(value))).collect();
                for attribute in wanted {
                    let at = left.iter().position(|known| known == attribute)?;
                    left.swap_remove(at);
                }
                Some(if left.is_empty() { Fit::Whole } else { Fit::Part })
            }
        }
    }

    /// Whether this certificate may have been meant: its subject has all the words, or the text without its spaces.
    #[must_use]
    pub fn resembles(&self, certificate: &Certificate) -> bool {
        let wanted: Vec<&str> = match &self.parts {
            Parts::Words(words) => words.split(' ').collect(),
            Parts::Attributes(attributes) => attributes.iter().flat_map(|(_, value)| value.split(' ')).collect(),
        };
        let subject: Vec<String> = certificate.subject.texts().iter().map(|(_, value)| prepared(value)).collect();
        let words: Vec<&str> = subject.iter().flat_map(|value| value.split(' ')).collect();
        let squeezed = |text: &str| text.replace(' ', "");
        wanted.iter().all(|word| words.contains(word))
            || subject.iter().any(|value| holds(&squeezed(value), &wanted.concat()))
    }
}

/// Letter case, width, white space, and which hyphen or dash it is (with or without spaces around it), do not count.
fn prepared(text: &str) -> String {
    let spaced: String = text.chars().map(|character| if is_dash(character) { ' ' } else { character }).collect();
    fold(&spaced.replace(['\u{2018}', '\u{2019}'], "'"))
}

/// Hyphens and dashes, and the underscore that stands for a space in names of files.
fn is_dash(character: char) -> bool {
    matches!(character, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
}

/// Whether the words stand in the text, without cutting a number short: `Root R1` is no part of `Root R10`.
fn holds(text: &str, words: &str) -> bool {
    let digit = |character: Option<char>| character.is_some_and(|character| character.is_ascii_digit());
    text.match_indices(words).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at.saturating_add(found.len())..).and_then(|after| after.chars().next());
        let cut_before = digit(before) && digit(words.chars().next());
        let cut_after = digit(after) && digit(words.chars().next_back());
        !cut_before && !cut_after
    })
}

/// A subject in the notation of RFC 4514, OpenSSL (`C = BE, O = …`, `/C=BE/O=…`) or Windows (quoted values): types in
/// lower case under the names of [`crate::x509::Name`], values prepared. `None` where it is none.
fn attributes(text: &str) -> Option<Vec<(String, String)>> {
    let (text, separators): (&str, &[char]) = match text.strip_prefix('/') {
        Some(rest) => (rest, &['/']),
        None => (text, &[',', '+', ';']),
    };
    let mut parts: Vec<String> = vec![String::new()];
    let mut characters = text.chars();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        let part = parts.last_mut()?;
        match character {
            '"' => quoted = !quoted,
            '\\' => part.extend(characters.next()),
            character if !quoted && separators.contains(&character) => parts.push(String::new()),
            character => part.push(character),
        }
    }
    let attribute = |part: &String| {
        let (kind, value) = part.split_once('=')?;
        Some((kind_of(kind.trim())?, prepared(value)))
    };
    parts.iter().filter(|part| !part.trim().is_empty()).map(attribute).collect()
}

/// The type in lower case; other tools' names for it lead to the one used here.
fn kind_of(kind: &str) -> Option<String> {
    let kind = kind.to_ascii_lowercase();
    let known = match kind.as_str() {
        "s" => "st",
        "e" | "email" => "emailaddress",
        "g" => "gn",
        "t" => "title",
        "oid.2.5.4.97" | "2.5.4.97" => "organizationidentifier",
        "cn"
        | "sn"
        | "serialnumber"
        | "c"
        | "l"
        | "st"
        | "street"
        | "o"
        | "ou"
        | "title"
        | "businesscategory"
        | "postalcode"
        | "gn"
        | "organizationidentifier"
        | "uid"
        | "dc"
        | "emailaddress" => &kind,
        dotted => {
            let dotted = dotted.strip_prefix("oid.").unwrap_or(dotted);
            let is_oid = dotted.contains('.') && dotted.chars().all(|digit| digit.is_ascii_digit() || digit == '.');
            return is_oid.then(|| dotted.to_owned());
        }
    };
    Some(known.to_owned())
}

#[cfg(test)]
mod tests {
    use rcgen::{DistinguishedName, DnType};

    use super::*;
    use crate::path::testing::Authority;

    fn root(attributes: &[(DnType, &str)]) -> Certificate {
        let authority = Authority::root_with("", |params| {
            let mut name = DistinguishedName::new();
            attributes.iter().for_each(|(kind, value)| name.push(kind.clone(), *value));
            params.distinguished_name = name;
        });
        authority.certificate.as_ref().clone()
    }

    fn globalsign() -> Certificate {
        root(&[
            (DnType::CountryName, "BE"),
            (DnType::OrganizationName, "GlobalSign nv-sa"),
            (DnType::OrganizationalUnitName, "Root CA"),
            (DnType::CommonName, "GlobalSign Root CA"),
        ])
    }

    fn fit(text: &str, certificate: &Certificate) -> Option<Fit> {
        NamePattern::of(text).unwrap().fits(certificate)
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        let certificate = globalsign();
        for text in [
            "GlobalSign Root CA",
            "globalsign  ROOT-ca",
            "GlobalSign_Root_CA",
            "GlobalSign Root CA \u{2013} R1",
            "GlobalSign Root CA - R1",
            "GlobalSign Root CA R1",
            "CN=GlobalSign Root CA,OU=Root CA,O=GlobalSign nv-sa,C=BE",
            "C = BE, O = GlobalSign nv-sa, OU = Root CA, CN = GlobalSign Root CA",
            "/C=BE/O=GlobalSign nv-sa/OU=Root CA/CN=GlobalSign Root CA",
            "cn=\"GlobalSign Root CA\"; ou=root ca; o=GlobalSign nv\u{2010}sa; c=be",
        ] {
            assert_eq!(fit(text, &certificate), Some(Fit::Whole), "{text}");
        }
        for text in ["globalsign", "sign nv-sa", "O=GlobalSign nv-sa", "c=BE, cn=globalsign root ca"] {
            assert_eq!(fit(text, &certificate), Some(Fit::Part), "{text}");
        }
        for text in ["GlobalSign Root CA - R3", "CN=GlobalSign", "O=Root CA", "C=BE,C=BE", "GlobalSign nv-sa Root"] {
            assert_eq!(fit(text, &certificate), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_not_cut_short() {
        let certificate = root(&[(DnType::CommonName, "GTS Root R10")]);
        assert_eq!(fit("GTS Root R1", &certificate), None);
        assert_eq!(fit("0", &certificate), None);
        assert_eq!(fit("root r10", &certificate), Some(Fit::Part));
        assert_eq!(fit("GTS Root R", &certificate), Some(Fit::Part));
    }

    #[test]
    fn a_root_without_a_common_name_goes_by_its_unit() {
        let certificate =
            root(&[(DnType::OrganizationName, "Example, Inc."), (DnType::OrganizationalUnitName, "Class 3 Root")]);
        assert_eq!(fit("class 3 root", &certificate), Some(Fit::Whole));
        for text in [r"O=Example\, Inc.", "O=\"Example, Inc.\"", "Example, Inc."] {
            assert_eq!(fit(text, &certificate), Some(Fit::Part), "{text}");
        }
    }

    #[test]
    fn a_text_without_letters_asks_for_nothing() {
        for text in ["", "  ", "-", "\u{2013} _", ",,", "\u{200e}"] {
            assert_eq!(NamePattern::of(text), None, "{text:?}");
        }
        // An equals sign alone makes no subject of a text.
        assert!(matches!(NamePattern::of("a=b").unwrap().parts, Parts::Words(_)));
    }

    #[test]
    fn what_was_meant_is_recognised() {
        let certificate = globalsign();
        for text in ["Root GlobalSign", "Global Sign", "ca root globalsign"] {
            let pattern = NamePattern::of(text).unwrap();
            assert!(pattern.fits(&certificate).is_none() && pattern.resembles(&certificate), "{text}");
        }
        assert!(!NamePattern::of("Baltimore CyberTrust Root").unwrap().resembles(&certificate));
    }
}
