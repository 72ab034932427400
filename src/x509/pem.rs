//! PEM armour (RFC 7468), read leniently: text around and between blocks is skipped, and so are
//! white space and line ends of any kind within them.

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine};
use bytes::Bytes;

/// Base64 as found in the wild: padding may be missing, and the last bits may be anything.
pub(super) const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

const BEGIN: &[u8] = b"-----BEGIN ";
const DASHES: &[u8] = b"-----";

/// One `BEGIN`/`END` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// `CERTIFICATE`, `X509 CRL`, `PKCS7`, `TRUSTED CERTIFICATE`, …
    pub label: String,
    /// The line of the text that it begins on, from 1.
    pub line: usize,
    /// The decoded octets, or what is wrong with the base64.
    pub contents: Result<Bytes, String>,
}

/// Whether there is a `-----BEGIN ` line in the text.
#[must_use]
pub fn is_pem(input: &[u8]) -> bool {
    find(input, BEGIN).is_some()
}

/// Every block in the text, in order. A block without its `END` line is given with an error.
#[must_use]
pub fn blocks(input: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut rest = input;
    let mut line: usize = 1;
    let mut counted = input;
    while let Some((_, after)) = split(rest, BEGIN) {
        rest = after;
        let passed = counted.get(..counted.len().saturating_sub(after.len())).unwrap_or_default();
        line = line.saturating_add(passed.iter().filter(|octet| **octet == b'\n').count());
        counted = after;
        // The label ends on its line; otherwise these were no more than dashes in a text.
        let line_end = after.iter().position(|octet| matches!(octet, b'\n' | b'\r')).unwrap_or(after.len());
        let Some((label, _)) = after.get(..line_end).and_then(|line| split(line, DASHES)) else {
            continue;
        };
        let Some((_, body_and_rest)) = split(after, DASHES) else {
            continue;
        };
        let label = String::from_utf8_lossy(label).into_owned();
        // No dash is base64, so the next five begin the END line, or the next block.
        let (body, end) = split(body_and_rest, DASHES).unwrap_or((body_and_rest, &[]));
        let contents = match end.strip_prefix(b"END ").map(|end| end.strip_prefix(label.as_bytes())) {
            Some(Some(end)) if end.starts_with(DASHES) => decode(body),
            Some(_) => Err("the END line has another label".to_owned()),
            None => Err("the END line is missing".to_owned()),
        };
        rest = body_and_rest.get(body.len()..).unwrap_or_default();
        blocks.push(Block { label, line, contents });
    }
    blocks
}

/// Encodes octets as one block with that label, 64 characters a line, final newline included.
#[must_use]
pub fn encode(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    // 48 octets make 64 characters.
    for line in der.chunks(48) {
        STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// Decodes what stands between the lines. Header fields (RFC 1421 §4.6), as in encrypted private
/// keys, come before an empty line.
fn decode(body: &[u8]) -> Result<Bytes, String> {
    let mut base64 = Vec::with_capacity(body.len());
    for line in body.split(|octet| *octet == b'\n') {
        if line.contains(&b':') {
            if find(line, b"ENCRYPTED").is_some() {
                return Err("the block is encrypted".to_owned());
            }
            continue;
        }
        base64.extend(line.iter().filter(|octet| !octet.is_ascii_whitespace()));
    }
    LENIENT_BASE64.decode(&base64).map(Bytes::from).map_err(|error| error.to_string())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// What stands before and after the first occurrence.
fn split<'a>(haystack: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = find(haystack, needle)?;
    Some((haystack.get(..at)?, haystack.get(at.checked_add(needle.len())?..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(label: &str, line: usize, contents: &'static [u8]) -> Block {
        Block { label: label.to_owned(), line, contents: Ok(Bytes::from_static(contents)) }
    }

    #[test]
    fn encodes_and_decodes() {
        let der: Vec<u8> = (0..=255).collect();
        let text = encode("X509 CRL", &der);
        assert!(text.starts_with("-----BEGIN X509 CRL-----\nAAEC") && text.ends_with("-----END X509 CRL-----\n"));
        assert!(text.lines().all(|line| line.len() <= 64));
        assert_eq!(
            blocks(text.as_bytes()),
            [Block { label: "X509 CRL".to_owned(), line: 1, contents: Ok(der.into()) }]
        );
        assert_eq!(encode("A", &[]), "-----BEGIN A-----\n-----END A-----\n");
    }

    #[test]
    fn text_around_line_ends_and_missing_padding_do_not_matter() {
        let text = b"CONNECTED(00000003)\r\n 0 s:CN = a.test\r\n-----BEGIN CERTIFICATE-----\r\nAQID\r\n BA\r\n\
            -----END CERTIFICATE-----\r\n---\r\nsubject=CN = a.test ----- BEGIN nothing\n\
            -----BEGIN TRUSTED CERTIFICATE-----\nAQ==\n-----END TRUSTED CERTIFICATE-----";
        assert!(is_pem(text));
        assert_eq!(blocks(text), [good("CERTIFICATE", 3, &[1, 2, 3, 4]), good("TRUSTED CERTIFICATE", 9, &[1])]);
        assert!(!is_pem(b"0\x82\x01"));
    }

    #[test]
    fn broken_blocks_are_told_and_the_next_is_read() {
        let text = b"-----BEGIN A-----\nAQID\n-----BEGIN B-----\nA*ID\n-----END B-----\n\
            -----BEGIN C-----\nAQID\n-----END D-----\n-----BEGIN E-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n\
            -----END E-----\n-----BEGIN F-----\nComment: x\n\nAQID\n-----END F-----\n-----BEGIN G-----\nAQ";
        let blocks = blocks(text);
        let reasons: Vec<&str> =
            blocks.iter().map(|block| block.contents.as_ref().err().map_or("fine", String::as_str)).collect();
        assert_eq!(blocks.iter().map(|block| block.label.as_str()).collect::<String>(), "ABCEFG");
        assert_eq!(reasons[0], "the END line is missing");
        assert!(reasons[1].contains("Invalid"), "{}", reasons[1]);
        assert_eq!(reasons[2], "the END line has another label");
        assert_eq!(reasons[3], "the block is encrypted");
        assert_eq!(reasons[4], "fine");
        assert_eq!(reasons[5], "the END line is missing");
    }

    #[test]
    fn every_truncation_and_every_changed_octet_is_survived() {
        let text = encode("CERTIFICATE", &[9; 100]).into_bytes();
        for end in 0..text.len() {
            let _ = blocks(&text[..end]);
            for flip in [1, 0x20, 0x80] {
                let mut changed = text.clone();
                changed[end] ^= flip;
                let _ = blocks(&changed);
            }
        }
    }
}
