//! The few DER operations that more than one parser here needs (X.690 §8, §10).
//!
//! Complete structures are read by `x509-parser` and `asn1`; this is for walking octets that no
//! library should copy (large CRLs), and for raw names.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use num_bigint::BigUint;

/// One tag-length-value, borrowed from its surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The identifier octet; multi-octet tags are refused.
    pub tag: u8,
    /// The contents octets.
    pub value: &'a [u8],
    /// Identifier, length and contents together.
    pub whole: &'a [u8],
}

/// `SEQUENCE`, constructed.
pub const SEQUENCE: u8 = 0x30;
/// `SET`, constructed.
pub const SET: u8 = 0x31;
/// `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// `OBJECT IDENTIFIER`.
pub const OID: u8 = 0x06;

/// Reads one element and returns it with what follows it; `None` when the octets are not one whole
/// definite-length element.
#[must_use]
pub fn read(input: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let (header, length) = header(input)?;
    let end = header.checked_add(length)?;
    let whole = input.get(..end)?;
    let value = input.get(header..end)?;
    let tag = *input.first()?;
    Some((Tlv { tag, value, whole }, input.get(end..)?))
}

/// Reads the identifier and length octets: how many they are, and the length they state.
///
/// `None` when they are incomplete or not DER (multi-octet tag, indefinite length, more than four
/// length octets). Lengths that are not minimal are accepted: signers got them wrong for years and
/// the signature covers the octets as they are.
#[must_use]
pub fn header(input: &[u8]) -> Option<(usize, usize)> {
    let tag = *input.first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let first = *input.get(1)?;
    if first < 0x80 {
        return Some((2, usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return None;
    }
    let mut length = 0usize;
    for octet in input.get(2..2 + count)? {
        length = (length << 8) | usize::from(*octet);
    }
    Some((2 + count, length))
}

/// Reads one element of the given tag.
#[must_use]
pub fn expect(input: &[u8], tag: u8) -> Option<(Tlv<'_>, &[u8])> {
    read(input).filter(|(tlv, _)| tlv.tag == tag)
}

/// The elements inside constructed contents; stops at the first that is not whole, and says so by
/// a last item of `None`.
pub fn elements(mut contents: &[u8]) -> impl Iterator<Item = Option<Tlv<'_>>> {
    std::iter::from_fn(move || {
        if contents.is_empty() {
            return None;
        }
        match read(contents) {
            Some((tlv, rest)) => {
                contents = rest;
                Some(Some(tlv))
            }
            None => {
                contents = &[];
                Some(None)
            }
        }
    })
}

/// Appends an element of that tag and contents, its length in the shortest form.
pub fn push(out: &mut Vec<u8>, tag: u8, contents: &[u8]) {
    out.push(tag);
    let length = contents.len();
    if let Ok(short) = u8::try_from(length)
        && short < 0x80
    {
        out.push(short);
    } else {
        let octets: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
        out.push(0x80 | u8::try_from(octets.len()).unwrap_or(8));
        out.extend(octets);
    }
    out.extend(contents);
}

/// Encodes an element of that tag whose contents are these parts in order.
#[must_use]
pub fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    push(&mut out, tag, &parts.concat());
    out
}

/// Encodes an object identifier's contents octets in dotted form; arcs may be of any size (those of UUIDs
/// below 2.25 have 128 bits). An arc that is cut short or padded is a `?` and its octets, and so equals no identifier.
#[must_use]
pub fn oid_to_string(contents: &[u8]) -> String {
    let mut text = String::with_capacity(contents.len().saturating_mul(3));
    for (index, arc) in contents.split_inclusive(|octet| octet & 0x80 == 0).enumerate() {
        // Writing to a string does not fail.
        let _ = push_arc(&mut text, arc, index == 0);
    }
    text
}

/// Appends one arc; the first number holds two (X.690 §8.19.4).
fn push_arc(text: &mut String, arc: &[u8], is_first: bool) -> fmt::Result {
    let dot = if is_first { "" } else { "." };
    if arc.first() == Some(&0x80) || arc.last().is_none_or(|last| last & 0x80 != 0) {
        return write!(text, "{dot}?{}", hex(arc));
    }
    let small = arc.iter().try_fold(0u64, |value, octet| value.checked_mul(128)?.checked_add(u64::from(octet & 0x7f)));
    let Some(value) = small else {
        let digits: Vec<u8> = arc.iter().map(|octet| octet & 0x7f).collect();
        let value = BigUint::from_radix_be(&digits, 128).unwrap_or_default();
        return if is_first { write!(text, "2.{}", value - 80u8) } else { write!(text, "{dot}{value}") };
    };
    if is_first {
        let root = (value / 40).min(2);
        write!(text, "{root}.{}", value - root * 40)
    } else {
        write!(text, "{dot}{value}")
    }
}

/// Reads a `UTCTime` or `GeneralizedTime` (RFC 5280 §4.1.2.5).
///
/// Seconds may be missing and fractions present, as old encoders wrote them; a zone other than `Z`
/// is refused.
#[must_use]
pub fn time(tag: u8, contents: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(contents).ok()?;
    let digits = text.strip_suffix('Z')?;
    let digits = digits.split_once('.').map_or(digits, |(whole, _)| whole);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        0x17 => {
            let two: i16 = digits.get(..2)?.parse().ok()?;
            (if two >= 50 { 1900 + two } else { 2000 + two }, digits.get(2..)?)
        }
        0x18 => (digits.get(..4)?.parse().ok()?, digits.get(4..)?),
        _ => return None,
    };
    if rest.len() != 8 && rest.len() != 10 {
        return None;
    }
    let part = |from: usize| -> Option<i8> { rest.get(from..from + 2)?.parse().ok() };
    let second = if rest.len() == 10 { part(8)? } else { 0 };
    let civil = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, second, 0).ok()?;
    // 99991231235959Z, "no well-defined expiration" (RFC 5280 §4.1.2.5), lies past what a Timestamp holds.
    Some(civil.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp()))
}

/// Octets as lower-case hexadecimal digits.
#[must_use]
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// RFC 3339 in UTC, whole seconds; [`Timestamp::MAX`] is what RFC 5280 writes for "never".
#[must_use]
pub fn rfc3339(time: Timestamp) -> String {
    if time == Timestamp::MAX {
        return "9999-12-31T23:59:59Z".to_owned();
    }
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_short_and_long_lengths() {
        let (tlv, rest) = read(&[0x30, 0x81, 0x01, 0xff, 0x05]).unwrap();
        assert_eq!((tlv.tag, tlv.value, rest), (0x30, &[0xff][..], &[0x05][..]));
        assert!(read(&[0x30, 0x80, 0, 0]).is_none(), "indefinite length");
        assert!(read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).is_none(), "longer than its input");
    }

    #[test]
    fn writes_what_it_reads() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let contents = vec![7; length];
            let whole = encode(SEQUENCE, &[&contents]);
            let (tlv, rest) = read(&whole).unwrap();
            assert_eq!((tlv.tag, tlv.value, rest), (SEQUENCE, contents.as_slice(), &[][..]));
        }
    }

    #[test]
    fn oids_print_with_large_first_arcs() {
        assert_eq!(oid_to_string(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]), "1.2.840.113549");
        assert_eq!(oid_to_string(&[0x88, 0x37]), "2.999");
        assert_eq!(oid_to_string(&[0x2a, 0x86, 0x48, 0x86]), "1.2.840.?86");
        assert_eq!(oid_to_string(&[0x2a, 0x80, 0x03]), "1.2.?8003");
        let mut uuid = vec![0x69, 0x83];
        uuid.extend([0xff; 17]);
        uuid.push(0x7f);
        assert_eq!(oid_to_string(&uuid), "2.25.340282366920938463463374607431768211455");
    }

    #[test]
    fn times_follow_rfc_5280() {
        assert_eq!(time(0x17, b"491231235959Z").unwrap().to_string(), "2049-12-31T23:59:59Z");
        assert_eq!(time(0x17, b"500101000000Z").unwrap().to_string(), "1950-01-01T00:00:00Z");
        assert_eq!(rfc3339(time(0x18, b"99991231235959Z").unwrap()), "9999-12-31T23:59:59Z");
        assert!(time(0x17, b"991332000000Z").is_none());
        assert!(time(0x17, b"9913").is_none());
    }
}
