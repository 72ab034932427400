//! Certs-only CMS messages, the `.p7c` and `.p7b` files (RFC 5652 §5.1, RFC 5280 §4.2.2.1).
//!
//! The certificates in them are DER, but what is around them need not be: BER with indefinite
//! lengths (X.690 §8.1.3.6) is read as well.

use bytes::Bytes;

use super::der;

/// How deep indefinite-length elements may nest; a certs-only message takes six levels.
const MAX_DEPTH: usize = 24;
/// Contents octets of the OID `signedData`, 1.2.840.113549.1.7.2.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

/// The DER of every certificate in a `SignedData`, in order; `None` when the octets are no such
/// thing. BER with indefinite lengths, as some CAs serve, is accepted.
#[must_use]
pub fn certificates(input: &Bytes) -> Option<Vec<Bytes>> {
    let (content_info, _) = expect(input, der::SEQUENCE)?;
    let (content_type, rest) = expect(content_info.contents, der::OID)?;
    if content_type.contents != SIGNED_DATA {
        return None;
    }
    let (content, _) = expect(rest, 0xa0)?;
    let (signed_data, _) = expect(content.contents, der::SEQUENCE)?;
    let (_version, rest) = expect(signed_data.contents, der::INTEGER)?;
    let (_digest_algorithms, rest) = expect(rest, der::SET)?;
    let (_encapsulated, rest) = expect(rest, der::SEQUENCE)?;
    let Some((certificates, _)) = expect(rest, 0xa0) else {
        // The field is optional: a message with CRLs alone, or with nothing.
        return Some(Vec::new());
    };
    let mut found = Vec::new();
    let mut rest = certificates.contents;
    while !rest.is_empty() {
        let (choice, after) = read(rest, MAX_DEPTH)?;
        // The other choices are attribute certificates and worse.
        if choice.tag == der::SEQUENCE {
            found.push(input.slice_ref(choice.whole));
        }
        rest = after;
    }
    Some(found)
}

/// One BER element.
struct Element<'a> {
    /// The first identifier octet.
    tag: u8,
    /// Contents octets, without end-of-contents.
    contents: &'a [u8],
    /// From the identifier to the end, end-of-contents included.
    whole: &'a [u8],
}

fn expect(input: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    read(input, MAX_DEPTH).filter(|(element, _)| element.tag == tag)
}

/// Reads one element and returns it with what follows it.
fn read(input: &[u8], depth: usize) -> Option<(Element<'_>, &[u8])> {
    let (&tag, mut rest) = input.split_first()?;
    if tag & 0x1f == 0x1f {
        // High tag numbers: seven bits an octet, the last without the top bit.
        let last = rest.iter().take(5).position(|octet| octet & 0x80 == 0)?;
        rest = rest.get(last.checked_add(1)?..)?;
    }
    let (&first, rest) = rest.split_first()?;
    let (contents, after) = match first {
        0..=0x7f => rest.split_at_checked(usize::from(first))?,
        0x80 if tag & 0x20 != 0 => until_end_of_contents(rest, depth.checked_sub(1)?)?,
        0x81..=0x88 => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = octets
                .iter()
                .try_fold(0usize, |length, octet| length.checked_mul(256)?.checked_add(usize::from(*octet)))?;
            rest.split_at_checked(length)?
        }
        _ => return None,
    };
    let whole = input.get(..input.len().checked_sub(after.len())?)?;
    Some((Element { tag, contents, whole }, after))
}

/// Splits at the two zero octets that end an indefinite length, and drops them.
fn until_end_of_contents(input: &[u8], depth: usize) -> Option<(&[u8], &[u8])> {
    let mut rest = input;
    loop {
        if let Some(after) = rest.strip_prefix(&[0, 0]) {
            return Some((input.get(..input.len().checked_sub(rest.len())?)?, after));
        }
        (_, rest) = read(rest, depth)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];

    type Encode = fn(u8, &[&[u8]]) -> Vec<u8>;

    fn indefinite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        [&[tag, 0x80], parts.concat().as_slice(), &[0, 0]].concat()
    }

    fn message(encode: Encode, fields: &[&[u8]]) -> Bytes {
        let signed = encode(
            der::SEQUENCE,
            &[&[2, 1, 1], &encode(der::SET, &[]), &encode(der::SEQUENCE, &[DATA]), &fields.concat()],
        );
        encode(der::SEQUENCE, &[&der::encode(der::OID, &[SIGNED_DATA]), &encode(0xa0, &[&signed])]).into()
    }

    fn with_certificates(encode: Encode) -> Bytes {
        let certificates = encode(0xa0, &[&[0x30, 1, 7], &[0xa1, 1, 0], &der::encode(0x30, &[&[8; 200]])]);
        message(encode, &[&certificates, &encode(der::SET, &[])])
    }

    #[test]
    fn reads_der_and_ber() {
        for encode in [der::encode as Encode, indefinite] {
            let found = certificates(&with_certificates(encode)).unwrap();
            assert_eq!(found, [vec![0x30, 1, 7], der::encode(0x30, &[&[8; 200]])]);
            assert_eq!(certificates(&message(encode, &[&encode(der::SET, &[])])), Some(Vec::new()));
        }
    }

    #[test]
    fn other_things_are_no_message() {
        assert_eq!(certificates(&Bytes::from_static(b"<html>")), None);
        assert_eq!(certificates(&Bytes::from(der::encode(0x30, &[DATA, &[0xa0, 0]]))), None);
        // Indefinite lengths nested without end must not exhaust the stack.
        assert_eq!(certificates(&Bytes::from([0x30, 0x80].repeat(500_000))), None);
    }

    #[test]
    fn every_truncation_and_every_changed_octet_is_survived() {
        for encode in [der::encode as Encode, indefinite] {
            let whole = with_certificates(encode);
            for end in 0..whole.len() {
                assert_eq!(certificates(&whole.slice(..end)), None);
                for flip in [0x01, 0x20, 0x80, 0xff] {
                    let mut changed = whole.to_vec();
                    changed[end] ^= flip;
                    let _ = certificates(&changed.into());
                }
            }
        }
    }
}
