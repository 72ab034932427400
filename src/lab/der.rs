//! Writes DER (X.690 §8, §10): the few forms that certificates, CRLs and OCSP responses are made of.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// One element: identifier octet, length, contents.
#[must_use]
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let octets = contents.len().to_be_bytes();
    let mut out = Vec::with_capacity(contents.len() + 6);
    out.push(tag);
    let significant: Vec<u8> = octets.iter().copied().skip_while(|octet| *octet == 0).collect();
    match significant.as_slice() {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(contents);
    out
}

/// `SEQUENCE` of these elements.
#[must_use]
pub fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &elements.concat())
}

/// `SET` of this one element.
#[must_use]
pub fn set_of(element: &[u8]) -> Vec<u8> {
    tlv(0x31, element)
}

/// Explicit context tag around one element.
#[must_use]
pub fn explicit(number: u8, element: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, element)
}

/// `OBJECT IDENTIFIER` of these arcs, of which the first two must be there.
#[must_use]
pub fn oid(arcs: &[u64]) -> Vec<u8> {
    let (first, second, rest) = match arcs {
        [first, second, rest @ ..] => (*first, *second, rest),
        _ => (0, 0, &[][..]),
    };
    let mut contents = Vec::new();
    for arc in std::iter::once(first * 40 + second).chain(rest.iter().copied()) {
        let mut groups = vec![septet(arc)];
        let mut left = arc >> 7;
        while left > 0 {
            groups.push(septet(left) | 0x80);
            left >>= 7;
        }
        contents.extend(groups.iter().rev());
    }
    tlv(0x06, &contents)
}

fn septet(number: u64) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or(0)
}

/// `INTEGER`, not negative, from its magnitude, most significant octet first.
#[must_use]
pub fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let mut contents: Vec<u8> = magnitude.iter().copied().skip_while(|octet| *octet == 0).collect();
    if contents.first().is_none_or(|first| *first >= 0x80) {
        contents.insert(0, 0);
    }
    tlv(0x02, &contents)
}

/// `INTEGER` of a number.
#[must_use]
pub fn integer(number: u64) -> Vec<u8> {
    unsigned(&number.to_be_bytes())
}

/// `ENUMERATED`
#[must_use]
pub fn enumerated(number: u8) -> Vec<u8> {
    tlv(0x0a, &[number])
}

/// `OCTET STRING`
#[must_use]
pub fn octet_string(contents: &[u8]) -> Vec<u8> {
    tlv(0x04, contents)
}

/// `BIT STRING` of whole octets.
#[must_use]
pub fn bit_string(octets: &[u8]) -> Vec<u8> {
    let mut contents = vec![0];
    contents.extend_from_slice(octets);
    tlv(0x03, &contents)
}

/// The contents of a `BIT STRING` of named bits (X.690 §11.2.2): bit *n* of the number is bit *n* of
/// the string, without trailing zero bits.
#[must_use]
pub fn named_bits(bits: u16) -> Vec<u8> {
    let [low, high] = bits.to_le_bytes();
    let mut octets = vec![low.reverse_bits(), high.reverse_bits()];
    while octets.last() == Some(&0) {
        octets.pop();
    }
    let unused = octets.last().map_or(0, |last| last.trailing_zeros());
    octets.insert(0, u8::try_from(unused).unwrap_or(0));
    octets
}

/// `BOOLEAN TRUE`; false is a default and not written.
#[must_use]
pub fn truth() -> Vec<u8> {
    vec![0x01, 1, 0xff]
}

/// `NULL`
#[must_use]
pub fn null() -> Vec<u8> {
    vec![0x05, 0]
}

/// `Time` of certificates and CRLs: `UTCTime` until 2049, `GeneralizedTime` later (RFC 5280 §4.1.2.5).
#[must_use]
pub fn time(at: Timestamp) -> Vec<u8> {
    let civil = at.to_zoned(TimeZone::UTC);
    if (1950..2050).contains(&civil.year()) {
        tlv(0x17, civil.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        generalized_time(at)
    }
}

/// `GeneralizedTime`, whole seconds.
#[must_use]
pub fn generalized_time(at: Timestamp) -> Vec<u8> {
    tlv(0x18, at.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
}

/// `Extension` (RFC 5280 §4.1).
#[must_use]
pub fn extension(arcs: &[u64], critical: bool, value: &[u8]) -> Vec<u8> {
    let mut fields = vec![oid(arcs)];
    if critical {
        fields.push(truth());
    }
    fields.push(octet_string(value));
    sequence(&fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::der as reader;

    #[test]
    fn what_is_written_reads_back() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let written = tlv(0x04, &vec![7; length]);
            let (read, rest) = reader::read(&written).unwrap();
            assert_eq!((read.value.len(), rest.len()), (length, 0));
        }
        let arcs = oid(&[1, 2, 840, 113_549, 1, 1, 5]);
        assert_eq!(reader::oid_to_string(reader::read(&arcs).unwrap().0.value), "1.2.840.113549.1.1.5");
        assert_eq!(unsigned(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(0), [2, 1, 0]);
    }

    #[test]
    fn times_change_form_in_2050() {
        let early: Timestamp = "2049-12-31T23:59:59Z".parse().unwrap();
        let late: Timestamp = "2050-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(time(early)[..2], [0x17, 13]);
        assert_eq!(time(late)[..2], [0x18, 15]);
        for instant in [early, late] {
            let written = time(instant);
            assert_eq!(reader::time(written[0], &written[2..]), Some(instant));
        }
    }

    #[test]
    fn named_bits_drop_trailing_zeros() {
        assert_eq!(named_bits(0b110), [5, 0x60]);
        assert_eq!(named_bits(0), [0]);
        assert_eq!(named_bits(1 << 8), [7, 0, 0x80]);
    }
}
