//! From the octets that came to DER: tells DER from PEM (RFC 7468) and decodes the latter as it comes.

use base64::Engine as _;

use super::walk::Walker;
use super::{CrlError, Encoding, fail};
use crate::x509::pem;

/// Octets hashed, decoded and walked at a time, so that the second pass finds them in the cache.
const BLOCK: usize = 64 * 1024;
/// The most text that may stand before the armour.
const MAX_PREAMBLE: usize = 64 * 1024;
const BEGIN: &[u8] = b"-----BEGIN X509 CRL-----";

/// How far the decoding has come.
#[derive(Debug)]
pub(super) enum Armour {
    /// The first octets, too few yet to tell.
    Undecided(Vec<u8>),
    /// DER, as it comes.
    Der,
    /// Text in which the `BEGIN` line has not come yet: what could be its beginning, and how much
    /// text there was.
    Preamble { tail: Vec<u8>, seen: usize },
    /// Between the lines.
    Base64 { quantum: Vec<u8>, padded: bool },
    /// After the block. Further text is of no interest, but another CRL is not passed over: what could be the
    /// beginning of its armour.
    Ended { tail: Vec<u8> },
}

impl Armour {
    pub(super) fn new() -> Self {
        Self::Undecided(Vec::new())
    }

    pub(super) fn push(&mut self, chunk: &[u8], walker: &mut Walker) -> Result<(), CrlError> {
        chunk.chunks(BLOCK).try_for_each(|block| self.block(block, walker))
    }

    fn block(&mut self, block: &[u8], walker: &mut Walker) -> Result<(), CrlError> {
        match self {
            Self::Der => walker.feed(block),
            Self::Undecided(first) => {
                first.extend(block);
                if first.len() < 3 {
                    return Ok(());
                }
                let octets = std::mem::take(first);
                *self = if looks_like_der(&octets) {
                    Self::Der
                } else if octets.iter().take(3).copied().all(is_text) {
                    Self::Preamble { tail: Vec::new(), seen: 0 }
                } else {
                    return Err(neither());
                };
                self.block(&octets, walker)
            }
            Self::Preamble { tail, seen } => {
                tail.extend(block);
                if let Some(found) = tail.windows(BEGIN.len()).position(|window| window == BEGIN) {
                    let body = tail.split_off(found.saturating_add(BEGIN.len()));
                    *self = Self::Base64 { quantum: Vec::new(), padded: false };
                    return self.block(&body, walker);
                }
                *seen = seen.saturating_add(block.len());
                if *seen > MAX_PREAMBLE {
                    return Err(neither());
                }
                tail.drain(..tail.len().saturating_sub(BEGIN.len()));
                Ok(())
            }
            Self::Base64 { quantum, padded } => {
                let dash = block.iter().position(|octet| *octet == b'-');
                let body = block.get(..dash.unwrap_or(block.len())).unwrap_or_default();
                quantum.extend(body.iter().filter(|octet| !octet.is_ascii_whitespace()));
                // A quantum cut by the block's end waits for the next block; at the end of the
                // body its padding may be missing.
                let whole = if dash.is_some() { quantum.len() } else { quantum.len() - quantum.len() % 4 };
                let rest = quantum.split_off(whole);
                if *padded && !quantum.is_empty() {
                    return Err(not_base64(walker, "characters follow the padding"));
                }
                *padded |= quantum.ends_with(b"=");
                let der = pem::LENIENT_BASE64
                    .decode(quantum.as_slice())
                    .map_err(|error| not_base64(walker, &error.to_string()))?;
                *quantum = rest;
                let behind = dash.and_then(|dash| block.get(dash..)).map(<[u8]>::to_vec);
                walker.feed(&der)?;
                match behind {
                    Some(behind) => {
                        *self = Self::Ended { tail: Vec::new() };
                        self.block(&behind, walker)
                    }
                    None => Ok(()),
                }
            }
            Self::Ended { tail } => {
                tail.extend(block);
                if tail.windows(BEGIN.len()).any(|window| window == BEGIN) {
                    return Err(not_base64(walker, "another CRL follows; each belongs in a file of its own"));
                }
                tail.drain(..tail.len().saturating_sub(BEGIN.len()));
                Ok(())
            }
        }
    }

    pub(super) fn finish(&mut self, walker: &mut Walker) -> Result<Encoding, CrlError> {
        match self {
            Self::Undecided(first) => {
                let octets = std::mem::take(first);
                walker.feed(&octets)?;
                Ok(Encoding::Der)
            }
            Self::Der => Ok(Encoding::Der),
            Self::Preamble { .. } => Err(neither()),
            Self::Base64 { .. } => Err(not_base64(walker, "the END line is missing")),
            Self::Ended { .. } => Ok(Encoding::Pem),
        }
    }
}

/// A DER sequence begins with the digit `0`, and so may a text: it is DER unless a text could go on so.
fn looks_like_der(octets: &[u8]) -> bool {
    match octets {
        [0x30, length, 0x30, ..] if *length < 0x80 => true,
        [0x30, length, next, ..] => !(is_text(*length) && is_text(*next)),
        _ => false,
    }
}

/// Printable ASCII, white space, or an octet of a UTF-8 byte order mark.
fn is_text(octet: u8) -> bool {
    octet.is_ascii_graphic() || octet.is_ascii_whitespace() || [0xef, 0xbb, 0xbf].contains(&octet)
}

fn neither() -> CrlError {
    fail(0, "certificateList", "neither a DER sequence nor a PEM block labelled X509 CRL")
}

fn not_base64(walker: &Walker, reason: &str) -> CrlError {
    fail(walker.received(), "PEM armour", reason)
}
