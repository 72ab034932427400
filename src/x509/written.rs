//! Distinguished names as people write them, compared with those that certificates hold.
//!
//! Input: a common name, or a whole subject in the manner of RFC 4514 or of the tools that print one. Output: whether a
//! [`Name`] is the one that is meant. Forgiving about case, white space, kinds of dashes and the direction in which the
//! RDNs are written, about nothing else.

use std::fmt;

use super::der::hex;
use super::name::{AttributeValue, Name, attribute_type, fold};

/// A name as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenName {
    text: String,
    /// RDNs as they stand in the text, each ready for comparison; `None` where it is no whole name.
    whole: Option<Vec<Rdn>>,
}

/// Types (dotted OIDs) and values of one RDN, sorted: their order does not count.
type Rdn = Vec<(String, String)>;

impl WrittenName {
    /// Takes a text. What does not parse as a whole name stands for a common name.
    #[must_use]
    pub fn new(text: &str) -> Self {
        // Not trimmed before: a space at the end may be an escaped one.
        let whole = if text.trim_start().starts_with('/') { slashed(text) } else { separated(text) };
        Self { text: text.trim().to_owned(), whole }
    }

    /// Whether it is a whole name and not just a common name.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// Whether a name in a certificate is the one that is meant: by all of its RDNs, or by any of its common names.
    #[must_use]
    pub fn means(&self, name: &Name) -> bool {
        let Some(written) = &self.whole else {
            return name.values("2.5.4.3").iter().any(|common_name| same_text(common_name, &self.text));
        };
        let Some(mut held) = name.attributes().map(|rdns| rdns.into_iter().map(comparable).collect::<Vec<Rdn>>())
        else {
            return false;
        };
        if held == *written {
            return true;
        }
        // RFC 4514 §2.1 writes the last RDN first, OpenSSL the first.
        held.reverse();
        held == *written
    }
}

impl fmt::Display for WrittenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether two texts are the same but for case, white space and kinds of dashes.
#[must_use]
pub fn same_text(one: &str, other: &str) -> bool {
    spelt(one) == spelt(other)
}

/// As RFC 5280 §7.1 compares, and every dash a hyphen: word processors and web pages put en dashes.
fn spelt(text: &str) -> String {
    fold(text).chars().map(|character| if is_dash(character) { '-' } else { character }).collect()
}

fn is_dash(character: char) -> bool {
    matches!(character, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
}

fn comparable(rdn: Vec<(String, AttributeValue)>) -> Rdn {
    let value = |value| match value {
        AttributeValue::Text(text) => spelt(&text),
        AttributeValue::Der(der) => format!("#{}", hex(&der)),
    };
    let mut rdn: Rdn = rdn.into_iter().map(|(oid, held)| (oid, value(held))).collect();
    rdn.sort();
    rdn
}

/// `CN=Some CA, O=Some Org`, as RFC 4514 §3 has it, with the white space and the quotes of RFC 2253 §4 allowed.
fn separated(text: &str) -> Option<Vec<Rdn>> {
    split(text, &[',', ';'])?.into_iter().map(rdn).collect()
}

/// `/C=BE/O=Some Org/CN=Some CA`, as OpenSSL wrote it for long. A slash that no type follows belongs to the value.
fn slashed(text: &str) -> Option<Vec<Rdn>> {
    let mut parts: Vec<String> = Vec::new();
    for piece in text.split('/').skip(1) {
        let begins = piece.split_once('=').is_some_and(|(kind, _)| oid_of(kind).is_some());
        match parts.last_mut() {
            Some(last) if !begins => {
                last.push('/');
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    let attribute = |part: &String| {
        let (kind, value) = part.split_once('=')?;
        Some(vec![(oid_of(kind)?, spelt(value))])
    };
    (!parts.is_empty()).then(|| parts.iter().map(attribute).collect())?
}

fn rdn(text: &str) -> Option<Rdn> {
    let attribute = |text: &str| {
        let (kind, value) = text.split_once('=')?;
        Some((oid_of(kind)?, self::value(value.trim_start())?))
    };
    let mut attributes: Rdn = split(text, &['+'])?.into_iter().map(attribute).collect::<Option<_>>()?;
    attributes.sort();
    Some(attributes)
}

/// At these characters, where neither a backslash nor quotes keep them; `None` where quotes stay open.
fn split<'a>(text: &'a str, separators: &[char]) -> Option<Vec<&'a str>> {
    let (mut parts, mut begin) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (place, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if !quoted && separators.contains(&character) => {
                parts.push(text.get(begin..place)?);
                begin = place.saturating_add(character.len_utf8());
            }
            _ => {}
        }
    }
    parts.push(text.get(begin..)?);
    (!quoted && !escaped).then_some(parts)
}

/// The dotted OID of a type by its name or by itself.
fn oid_of(kind: &str) -> Option<String> {
    let kind = kind.trim();
    let (prefix, rest) = kind.split_at_checked(4).unwrap_or_default();
    let dotted = if prefix.eq_ignore_ascii_case("OID.") { rest } else { kind };
    let is_dotted = |text: &str| {
        text.contains('.')
            && text.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|octet| octet.is_ascii_digit()))
    };
    if is_dotted(dotted) {
        return Some(dotted.to_owned());
    }
    // What Windows and older tools print for some of them.
    let known = match kind.to_ascii_uppercase().as_str() {
        "S" => "ST",
        "E" | "EMAIL" => "emailAddress",
        "G" => "GN",
        _ => kind,
    };
    attribute_type(known).map(ToOwned::to_owned)
}

/// RFC 4514 §2.4, ready for comparison; `None` where an escape is none.
fn value(text: &str) -> Option<String> {
    if let Some(digits) = text.trim_end().strip_prefix('#') {
        let is_hex =
            !digits.is_empty() && digits.len() % 2 == 0 && digits.bytes().all(|octet| octet.is_ascii_hexdigit());
        return is_hex.then(|| format!("#{}", digits.to_ascii_lowercase()));
    }
    let mut octets: Vec<u8> = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '"' => continue,
            '\\' => {
                let next = characters.next()?;
                match (next.to_digit(16), characters.clone().next().and_then(|low| low.to_digit(16))) {
                    (Some(high), Some(low)) => {
                        characters.next();
                        octets.push(u8::try_from(high * 16 + low).ok()?);
                        continue;
                    }
                    _ => next,
                }
            }
            other => other,
        };
        octets.extend(literal.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(spelt(std::str::from_utf8(&octets).ok()?))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;
    use crate::x509::Certificate;

    fn subject(attributes: &[(DnType, &str)]) -> Name {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name = DistinguishedName::new();
        for (kind, value) in attributes {
            parameters.distinguished_name.push(kind.clone(), *value);
        }
        let key = KeyPair::generate().unwrap();
        Certificate::from_der(parameters.self_signed(&key).unwrap().der().to_vec()).unwrap().subject
    }

    fn globalsign() -> Name {
        let unit = (DnType::OrganizationalUnitName, "Root CA");
        let organization = (DnType::OrganizationName, "GlobalSign nv-sa");
        subject(&[(DnType::CountryName, "BE"), organization, unit, (DnType::CommonName, "GlobalSign Root CA")])
    }

    #[test]
    fn names_are_meant_in_every_usual_spelling() {
        let name = globalsign();
        for text in [
            "GlobalSign Root CA",
            "  globalsign  root ca ",
            "CN=GlobalSign Root CA,OU=Root CA,O=GlobalSign nv-sa,C=BE",
            "CN = GlobalSign Root CA, OU = Root CA, O = GlobalSign nv-sa, C = BE",
            "C = BE, O = GlobalSign nv-sa, OU = Root CA, CN = GlobalSign Root CA",
            "cn=\"GlobalSign Root CA\"; ou=Root CA; o=GlobalSign nv\u{2013}sa; c=be",
            "2.5.4.3=GlobalSign Root CA,OID.2.5.4.11=Root CA,O=Global\\53ign nv-sa,C=BE",
            "/C=BE/O=GlobalSign nv-sa/OU=Root CA/CN=GlobalSign Root CA",
        ] {
            assert!(WrittenName::new(text).means(&name), "{text}");
        }
        assert!(WrittenName::new(&name.to_string()).means(&name));
    }

    #[test]
    fn other_names_are_not_meant() {
        let name = globalsign();
        for text in [
            "",
            "GlobalSign",
            "GlobalSign Root CA - R3",
            "GlobalSignRootCA",
            "CN=GlobalSign Root CA",
            "CN=GlobalSign Root CA,O=GlobalSign nv-sa,OU=Root CA,C=BE",
            "CN=GlobalSign Root CA,OU=Root CA,O=GlobalSign nv-sa,C=US",
            "CN=GlobalSign Root CA+OU=Root CA,O=GlobalSign nv-sa,C=BE",
            "CN=\"GlobalSign Root CA,OU=Root CA,O=GlobalSign nv-sa,C=BE",
            "/C=BE/O=GlobalSign nv-sa/CN=GlobalSign Root CA",
            "/",
        ] {
            assert!(!WrittenName::new(text).means(&name), "{text}");
        }
    }

    #[test]
    fn special_characters_are_read_as_they_are_printed() {
        for value in ["A, B", "a+b=c", " #lead", "quo\"te", "back\\slash", "caf\u{e9} \u{1b}x", "http://a/b"] {
            let name = subject(&[(DnType::OrganizationName, value), (DnType::CommonName, "Some = CA")]);
            let written = WrittenName::new(&name.to_string());
            assert!(written.is_whole() && written.means(&name), "{name}");
        }
        let slashes = subject(&[(DnType::OrganizationName, "http://a/b"), (DnType::CommonName, "CA")]);
        assert!(WrittenName::new("/O=http://a/b/CN=CA").means(&slashes));
        assert!(!WrittenName::new("What=ever").is_whole());
    }

    #[test]
    fn dashes_and_white_space_are_forgiven() {
        assert!(same_text("Root CA \u{2013} R1", "root  ca - R1"));
        assert!(!same_text("Root CA - R1", "Root CA R1"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC{0,60}") {
            let written = WrittenName::new(&text);
            proptest::prop_assert!(!written.means(&Name::from_der(vec![0x30, 0].into())) || written.is_whole());
        }

        #[test]
        fn every_printed_name_means_itself(organization in "\\PC{1,20}", common_name in "\\PC{1,20}") {
            let name = subject(&[(DnType::OrganizationName, &organization), (DnType::CommonName, &common_name)]);
            proptest::prop_assert!(WrittenName::new(&name.to_string()).means(&name), "{}", name);
        }
    }
}
