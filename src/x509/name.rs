//! Distinguished names (RFC 5280 §4.1.2.4), compared by §7.1 and printed by RFC 4514.

use std::fmt;

use bytes::Bytes;
use unicode_normalization::UnicodeNormalization as _;

use super::der::{self, SEQUENCE, SET};

/// A distinguished name, kept as the octets it arrived in.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name {
    der: Bytes,
}

impl Name {
    /// Takes the DER of an `RDNSequence`, header included. The octets are not checked: a name that
    /// does not decode prints as its hexadecimal octets and equals only itself.
    #[must_use]
    pub fn from_der(der: Bytes) -> Self {
        Self { der }
    }

    /// The DER, as hashed by OCSP's `issuerNameHash`.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether the sequence holds no RDN at all (RFC 5280 §4.1.2.6 allows it for subjects).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        der::expect(&self.der, SEQUENCE).is_some_and(|(tlv, _)| tlv.value.is_empty())
    }

    /// Whether two names are the same by RFC 5280 §7.1: case and runs of white space do not count
    /// in directory strings, nor does the string type.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.der == other.der || self.comparison_key() == other.comparison_key()
    }

    /// A form in which names that match are equal octets; for maps.
    #[must_use]
    pub fn comparison_key(&self) -> Vec<u8> {
        let Some(rdns) = self.rdns() else {
            return self.der.to_vec();
        };
        let mut key = Vec::with_capacity(self.der.len());
        for rdn in rdns {
            key.push(SET);
            key.extend(rdn_comparison_key(&rdn));
        }
        key
    }

    /// The name with one more RDN: a distribution point's `nameRelativeToCRLIssuer` in full.
    /// `rdn_contents` are the contents octets of the `RelativeDistributionName` set.
    #[must_use]
    pub fn with_rdn(&self, rdn_contents: &[u8]) -> Option<Self> {
        let (sequence, _) = der::expect(&self.der, SEQUENCE)?;
        let mut contents = sequence.value.to_vec();
        der::push(&mut contents, SET, rdn_contents);
        let mut whole = Vec::with_capacity(contents.len() + 6);
        der::push(&mut whole, SEQUENCE, &contents);
        Some(Self { der: whole.into() })
    }

    /// The value of the last (most specific) `commonName`, if any.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        self.attribute("2.5.4.3")
    }

    /// The value of the last `organizationName`, if any.
    #[must_use]
    pub fn organization(&self) -> Option<String> {
        self.attribute("2.5.4.10")
    }

    /// What a person calls it: the common name, else the organization, else the whole name.
    /// Not escaped: see `render` for what may reach a terminal.
    #[must_use]
    pub fn short(&self) -> String {
        self.common_name()
            .filter(|text| !text.trim().is_empty())
            .or_else(|| self.attribute("2.5.4.11"))
            .or_else(|| self.organization())
            .unwrap_or_else(|| if self.is_empty() { "(empty name)".to_owned() } else { self.to_string() })
    }

    /// The text of every attribute of this type, from the first RDN on.
    #[must_use]
    pub fn values(&self, oid: &str) -> Vec<String> {
        self.values_as_encoded(oid).into_iter().filter_map(Result::ok).collect()
    }

    /// The same, and the contents octets of those whose value is no text.
    #[must_use]
    pub fn values_as_encoded(&self, oid: &str) -> Vec<Result<String, &[u8]>> {
        let rdns = self.rdns().unwrap_or_default();
        let attributes = rdns.iter().flatten().filter(|attribute| der::oid_to_string(attribute.oid) == oid);
        attributes.map(|attribute| text(attribute.value_tag, attribute.value).ok_or(attribute.value)).collect()
    }

    /// Every RDN from the first on, each as its types (dotted OIDs) with their values; `None` where the octets do not
    /// decode.
    #[must_use]
    pub fn attributes(&self) -> Option<Vec<Vec<(String, AttributeValue)>>> {
        let value = |attribute: &Attribute<'_>| match text(attribute.value_tag, attribute.value) {
            Some(text) => AttributeValue::Text(text),
            None => AttributeValue::Der(attribute.value_der.to_vec()),
        };
        let rdn = |rdn: &Vec<Attribute<'_>>| -> Vec<(String, AttributeValue)> {
            rdn.iter().map(|attribute| (der::oid_to_string(attribute.oid), value(attribute))).collect()
        };
        Some(self.rdns()?.iter().map(rdn).collect())
    }

    /// Type and text of every attribute, from the first RDN on: the type by its short name, else as a dotted OID; what
    /// is no text, or an undecodable name, is left out.
    #[must_use]
    pub fn texts(&self) -> Vec<(String, String)> {
        let rdns = self.rdns().unwrap_or_default();
        let attributes = rdns.iter().flatten().filter_map(|attribute| {
            let oid = der::oid_to_string(attribute.oid);
            let value = text(attribute.value_tag, attribute.value)?;
            Some((attribute_name(&oid).map_or(oid, ToOwned::to_owned), value))
        });
        attributes.collect()
    }

    /// Whether the octets decode as an `RDNSequence`.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.rdns().is_some()
    }

    fn attribute(&self, oid: &str) -> Option<String> {
        self.rdns()?
            .iter()
            .rev()
            .flatten()
            .find(|attribute| der::oid_to_string(attribute.oid) == oid)
            .and_then(|attribute| text(attribute.value_tag, attribute.value))
    }

    fn rdns(&self) -> Option<Vec<Vec<Attribute<'_>>>> {
        let (sequence, rest) = der::expect(&self.der, SEQUENCE)?;
        if !rest.is_empty() {
            return None;
        }
        der::elements(sequence.value)
            .map(|set| {
                let set = set.filter(|set| set.tag == SET)?;
                attributes(set.value)
            })
            .collect()
    }
}

/// The value of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// A directory string or IA5String.
    Text(String),
    /// Anything else, as encoded, header included.
    Der(Vec<u8>),
}

struct Attribute<'a> {
    oid: &'a [u8],
    value_tag: u8,
    value: &'a [u8],
    value_der: &'a [u8],
}

fn attributes(set: &[u8]) -> Option<Vec<Attribute<'_>>> {
    der::elements(set)
        .map(|pair| {
            let pair = pair.filter(|pair| pair.tag == SEQUENCE)?;
            let (oid, rest) = der::expect(pair.value, der::OID)?;
            let (value, _) = der::read(rest)?;
            Some(Attribute { oid: oid.value, value_tag: value.tag, value: value.value, value_der: value.whole })
        })
        .collect()
}

fn rdn_comparison_key(attributes: &[Attribute<'_>]) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = attributes
        .iter()
        .map(|attribute| {
            // The length and the mark keep different names from making the same octets.
            let mut part = u32::try_from(attribute.oid.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
            part.extend(attribute.oid);
            match text(attribute.value_tag, attribute.value) {
                Some(text) => {
                    part.push(1);
                    part.extend(fold(&text).as_bytes());
                }
                None => {
                    part.push(0);
                    part.extend(attribute.value_der);
                }
            }
            part
        })
        .collect();
    parts.sort();
    let mut key = Vec::new();
    for part in parts {
        key.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        key.extend(part);
    }
    key
}

/// Prepared for comparison (RFC 5280 §7.1, after RFC 4518 §2): what does not show mapped to nothing, case folded,
/// NFKC, outer white space cut, inner runs made one space.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return spaced(text.split_ascii_whitespace(), str::to_ascii_lowercase);
    }
    let shown = text.chars().filter(|character| !is_mapped_to_nothing(*character)).nfkc();
    // By way of upper case, in which letters meet that have several lower ones (ß and ss, σ and ς).
    let folded: String = shown.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect();
    spaced(folded.split_whitespace(), str::to_owned)
}

fn spaced<'a>(words: impl Iterator<Item = &'a str>, fold: impl Fn(&str) -> String) -> String {
    words.map(fold).collect::<Vec<_>>().join(" ")
}

/// RFC 4518 §2.2: soft hyphens, joiners, variation selectors and the like.
pub(crate) fn is_mapped_to_nothing(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2063}' | '\u{206a}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}'
    )
}

/// The text of a directory string or IA5String; `None` for other types and undecodable octets.
fn text(tag: u8, value: &[u8]) -> Option<String> {
    match tag {
        // UTF8String, NumericString, PrintableString, IA5String, VisibleString
        0x0c | 0x12 | 0x13 | 0x16 | 0x1a => std::str::from_utf8(value).ok().map(ToOwned::to_owned),
        // TeletexString: decoded as Latin-1, which is what issuers meant by it.
        0x14 => Some(value.iter().map(|octet| char::from(*octet)).collect()),
        // BMPString
        0x1e => {
            let units: Option<Vec<u16>> =
                value.chunks(2).map(|pair| Some(u16::from_be_bytes([*pair.first()?, *pair.get(1)?]))).collect();
            String::from_utf16(&units?).ok()
        }
        // UniversalString
        0x1c => value
            .chunks(4)
            .map(|quad| {
                let octets: [u8; 4] = quad.try_into().ok()?;
                char::from_u32(u32::from_be_bytes(octets))
            })
            .collect(),
        _ => None,
    }
}

/// Attribute types with the short names of RFC 4514 §3 and the ones X.509 tools commonly add.
const ATTRIBUTES: [(&str, &str); 20] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.42", "GN"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"),
];

fn attribute_name(oid: &str) -> Option<&'static str> {
    ATTRIBUTES.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name)
}

/// The dotted OID of an attribute type by its short name, in any case.
pub(super) fn attribute_type(name: &str) -> Option<&'static str> {
    ATTRIBUTES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(oid, _)| *oid)
}

impl fmt::Display for Name {
    /// RFC 4514 §2: RDNs from the last to the first, special characters escaped, unknown types as
    /// dotted OIDs with `#` and hexadecimal. Control characters are escaped as `\XX` too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rdns) = self.rdns() else {
            return write!(f, "#{}", der::hex(&self.der));
        };
        for (index, rdn) in rdns.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            for (index, attribute) in rdn.iter().enumerate() {
                if index > 0 {
                    f.write_str("+")?;
                }
                let oid = der::oid_to_string(attribute.oid);
                match (attribute_name(&oid), text(attribute.value_tag, attribute.value)) {
                    (Some(name), Some(text)) => write!(f, "{name}={}", Escaped(&text))?,
                    (None, Some(text)) if !text.is_empty() => write!(f, "{oid}={}", Escaped(&text))?,
                    _ => write!(f, "{oid}=#{}", der::hex(attribute.value_der))?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.0.chars().count().saturating_sub(1);
        for (index, character) in self.0.chars().enumerate() {
            match character {
                '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{character}")?,
                '#' if index == 0 => f.write_str("\\#")?,
                ' ' if index == 0 || index == last => f.write_str("\\ ")?,
                character if character.is_control() => {
                    let mut buffer = [0; 4];
                    for octet in character.encode_utf8(&mut buffer).bytes() {
                        write!(f, "\\{octet:02X}")?;
                    }
                }
                character => write!(f, "{character}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(attributes: &[(&[u8], u8, &[u8])]) -> Name {
        let mut contents = Vec::new();
        for (oid, tag, value) in attributes {
            let (mut pair, mut sequence, mut set) = (Vec::new(), Vec::new(), Vec::new());
            der::push(&mut pair, der::OID, oid);
            der::push(&mut pair, *tag, value);
            der::push(&mut sequence, SEQUENCE, &pair);
            der::push(&mut set, SET, &sequence);
            contents.extend(set);
        }
        let mut whole = Vec::new();
        der::push(&mut whole, SEQUENCE, &contents);
        Name::from_der(whole.into())
    }

    const CN: &[u8] = &[0x55, 4, 3];
    const O: &[u8] = &[0x55, 4, 10];

    #[test]
    fn prints_most_specific_first_and_escapes() {
        let name = name(&[(O, 0x13, b"A, B"), (CN, 0x0c, b" x\x1b[31m\n")]);
        assert_eq!(name.to_string(), "CN=\\ x\\1B[31m\\0A,O=A\\, B");
        assert_eq!(name.organization().as_deref(), Some("A, B"));
        let attributes = [("O", "A, B"), ("CN", " x\x1b[31m\n")].map(|(kind, text)| (kind.to_owned(), text.to_owned()));
        assert_eq!(name.texts(), attributes);
    }

    #[test]
    fn compares_without_case_space_and_string_type() {
        let one = name(&[(O, 0x13, b"Example  Org"), (CN, 0x0c, b"Root")]);
        let two = name(&[(O, 0x0c, b" example org "), (CN, 0x13, b"ROOT")]);
        let three = name(&[(O, 0x0c, b"exampleorg"), (CN, 0x13, b"ROOT")]);
        assert!(one.matches(&two) && !one.matches(&three));
        assert!(!one.matches(&name(&[(CN, 0x0c, b"Root"), (O, 0x13, b"Example Org")])), "order counts");
    }

    #[test]
    fn compares_letters_however_they_are_written() {
        let utf8 = |text: &str| name(&[(CN, 0x0c, text.as_bytes())]);
        for (one, two) in [
            ("\u{e9}", "e\u{301}"),
            ("\u{c9}", "\u{e9}"),
            ("Stra\u{df}e", "STRASSE"),
            ("\u{3c3}", "\u{3c2}"),
            ("\u{ff21}", "a"),
            ("so\u{ad}ft", "soft"),
            ("a\u{a0} b", "A B"),
        ] {
            assert!(utf8(one).matches(&utf8(two)), "{one} {two}");
        }
        assert!(!utf8("\u{e9}").matches(&utf8("e")));
        let latin = name(&[(CN, 0x14, &[0xe9])]);
        assert!(latin.matches(&utf8("\u{c9}")));
    }

    #[test]
    fn undecodable_names_print_as_hex() {
        assert_eq!(Name::from_der(Bytes::from_static(&[0x30, 0x05, 1])).to_string(), "#300501");
    }

    #[test]
    fn relative_names_extend_the_issuer() {
        let base = name(&[(O, 0x13, b"Org")]);
        let whole = name(&[(O, 0x13, b"Org"), (CN, 0x13, b"CRL1")]);
        let (sequence, _) = der::expect(whole.der(), SEQUENCE).unwrap();
        let last = der::elements(sequence.value).last().flatten().unwrap();
        assert_eq!(base.with_rdn(last.value).unwrap(), whole);
    }
}
