//! Search filters from their text (RFC 4515) to their encoding (RFC 4511 §4.5.1).

use super::url::octet;
use crate::x509::der;

/// Filters within filters; real URLs have one level.
const MAX_DEPTH: u8 = 8;

/// Encodes a filter; an empty one is `(objectClass=*)` (RFC 4516 §3). The outer parentheses may be missing, as
/// they are in the URLs that Windows CAs write.
///
/// # Errors
/// What is wrong with it, or not spoken here.
pub(super) fn encode(text: &str) -> Result<Vec<u8>, String> {
    if text.is_empty() {
        return Ok(der::encode(PRESENT, &[b"objectClass"]));
    }
    if !text.starts_with('(') {
        return item(text);
    }
    match filter(text, MAX_DEPTH)? {
        (encoded, "") => Ok(encoded),
        _ => Err("its filter goes on after the last parenthesis".to_owned()),
    }
}

const AND: u8 = 0xa0;
const OR: u8 = 0xa1;
const NOT: u8 = 0xa2;
const EQUALITY: u8 = 0xa3;
const SUBSTRINGS: u8 = 0xa4;
const GREATER_OR_EQUAL: u8 = 0xa5;
const LESS_OR_EQUAL: u8 = 0xa6;
const PRESENT: u8 = 0x87;
const APPROXIMATE: u8 = 0xa8;
const OCTET_STRING: u8 = 0x04;

/// One filter in parentheses, and what follows it.
fn filter(text: &str, depth: u8) -> Result<(Vec<u8>, &str), String> {
    let broken = || "its filter has parentheses that do not match".to_owned();
    let inside = text.strip_prefix('(').ok_or_else(broken)?;
    let deeper = || depth.checked_sub(1).ok_or_else(|| format!("its filter is nested deeper than {MAX_DEPTH}"));
    let (encoded, rest) = match inside.as_bytes().first() {
        Some(b'&') => list(AND, inside.get(1..).unwrap_or_default(), deeper()?)?,
        Some(b'|') => list(OR, inside.get(1..).unwrap_or_default(), deeper()?)?,
        Some(b'!') => {
            let (negated, rest) = filter(inside.get(1..).unwrap_or_default(), deeper()?)?;
            (der::encode(NOT, &[&negated]), rest)
        }
        _ => {
            let end = inside.find(')').ok_or_else(broken)?;
            let (text, rest) = inside.split_at(end);
            (item(text)?, rest)
        }
    };
    Ok((encoded, rest.strip_prefix(')').ok_or_else(broken)?))
}

fn list(tag: u8, mut text: &str, depth: u8) -> Result<(Vec<u8>, &str), String> {
    let mut filters = Vec::new();
    while text.starts_with('(') {
        let (encoded, rest) = filter(text, depth)?;
        filters.extend(encoded);
        text = rest;
    }
    Ok((der::encode(tag, &[&filters]), text))
}

/// `attribute=value` and its kin.
fn item(text: &str) -> Result<Vec<u8>, String> {
    let broken = || format!("`{text}` is no filter");
    let (left, value) = text.split_once('=').ok_or_else(broken)?;
    let (attribute, tag) = match left.as_bytes().last() {
        Some(b'>') => (left.get(..left.len() - 1), GREATER_OR_EQUAL),
        Some(b'<') => (left.get(..left.len() - 1), LESS_OR_EQUAL),
        Some(b'~') => (left.get(..left.len() - 1), APPROXIMATE),
        Some(b':') => return Err("its filter has a matching rule, which is not spoken here".to_owned()),
        _ => (Some(left), EQUALITY),
    };
    let attribute = attribute.filter(|attribute| !attribute.is_empty()).ok_or_else(broken)?;
    if attribute.contains(['(', ')', '*', '\0']) || value.contains('(') {
        return Err(broken());
    }
    if (tag, value) == (EQUALITY, "*") {
        return Ok(der::encode(PRESENT, &[attribute.as_bytes()]));
    }
    let attribute = der::encode(OCTET_STRING, &[attribute.as_bytes()]);
    if tag == EQUALITY && value.contains('*') {
        return Ok(der::encode(SUBSTRINGS, &[&attribute, &substrings(value)?]));
    }
    Ok(der::encode(tag, &[&attribute, &der::encode(OCTET_STRING, &[&unescape(value)?])]))
}

/// `initial*any*final`, each of which may be missing.
fn substrings(value: &str) -> Result<Vec<u8>, String> {
    let pieces: Vec<&str> = value.split('*').collect();
    let last = pieces.len().saturating_sub(1);
    let mut encoded = Vec::new();
    for (position, piece) in pieces.iter().enumerate().filter(|(_, piece)| !piece.is_empty()) {
        let tag = match position {
            0 => 0x80,
            position if position == last => 0x82,
            _ => 0x81,
        };
        der::push(&mut encoded, tag, &unescape(piece)?);
    }
    Ok(der::encode(der::SEQUENCE, &[&encoded]))
}

/// Octets written as `\XX` (RFC 4515 §3).
fn unescape(value: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    loop {
        match rest {
            [] => return Ok(octets),
            [b'\\', high, low, after @ ..] if octet(*high, *low).is_some() => {
                octets.extend(octet(*high, *low));
                rest = after;
            }
            [b'\\', ..] => return Err("its filter has a backslash that starts no octet".to_owned()),
            [first, after @ ..] => {
                octets.push(*first);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(text: &str) -> Vec<u8> {
        der::encode(OCTET_STRING, &[text.as_bytes()])
    }

    #[test]
    fn filters_are_encoded() {
        let equal = |attribute: &str, value: &str| der::encode(EQUALITY, &[&string(attribute), &string(value)]);
        assert_eq!(encode("").unwrap(), encode("(objectClass=*)").unwrap());
        assert_eq!(encode("objectClass=pkiCA").unwrap(), equal("objectClass", "pkiCA"));
        assert_eq!(encode("(cn=a\\2ab\\28)").unwrap(), equal("cn", "a*b("));
        assert_eq!(
            encode("(&(cn=a)(!(cn=b))(|(cn=c)))").unwrap(),
            der::encode(
                AND,
                &[&equal("cn", "a"), &der::encode(NOT, &[&equal("cn", "b")]), &der::encode(OR, &[&equal("cn", "c")])]
            )
        );
        assert_eq!(encode("(a>=1)").unwrap()[0], GREATER_OR_EQUAL);
        assert_eq!(encode("(a<=1)").unwrap()[0], LESS_OR_EQUAL);
        assert_eq!(encode("(a~=1)").unwrap()[0], APPROXIMATE);
        let pieces = [&[0x80, 1, b'x'][..], &[0x81, 1, b'y'], &[0x82, 1, b'z']].concat();
        assert_eq!(
            encode("(cn=x*y*z)").unwrap(),
            der::encode(SUBSTRINGS, &[&string("cn"), &der::encode(der::SEQUENCE, &[&pieces])])
        );
    }

    #[test]
    fn what_is_no_filter_is_said() {
        for text in ["(", "(cn=x", "cn", "=x", "(cn=x))", "(&(cn=x)", "(cn:=x)", "(cn=\\zz)", "(!cn=x)", "(a(b=c)"] {
            assert!(encode(text).is_err(), "{text}");
        }
        let deep = format!("{}(cn=x){}", "(!".repeat(9), ")".repeat(9));
        assert!(encode(&deep).unwrap_err().contains("nested"));
        assert!(encode(&"(!".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".*") {
            let _ = encode(&text);
            let _ = encode(&format!("(&({text})(!({text})))"));
        }
    }
}
