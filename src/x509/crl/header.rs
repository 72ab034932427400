//! What stands before a CRL's entries (RFC 5280 §5.1.2), decoded from octets of which more may come.

use bytes::Bytes;
use jiff::Timestamp;

use super::{CrlError, fail};
use crate::x509::der::{self, SEQUENCE, Tlv};
use crate::x509::name::Name;
use crate::x509::signature::AlgorithmIdentifier;

/// Bound on it all: a name and two times, below 1 KiB in real CRLs.
pub(super) const MAX_HEADER: u64 = 64 * 1024;

/// The fields before `revokedCertificates`, and where things end.
#[derive(Debug)]
pub(super) struct Header {
    /// Offset of `tbsCertList`.
    pub(super) tbs_start: u64,
    pub(super) tbs_end: u64,
    pub(super) outer_end: u64,
    /// Offset after the last of `revokedCertificates`; where there is none, the header's own end.
    pub(super) entries_end: u64,
    /// Offset of the first entry.
    pub(super) end: u64,
    /// Whether `revokedCertificates` is there although it is empty.
    pub(super) has_empty_list: bool,
    pub(super) version: u32,
    pub(super) signature: AlgorithmIdentifier,
    pub(super) issuer: Name,
    pub(super) this_update: Timestamp,
    pub(super) next_update: Option<Timestamp>,
}

impl Header {
    /// Decodes what stands before the first entry; `None` when more octets must come first.
    pub(super) fn parse(octets: &[u8]) -> Result<Option<Self>, CrlError> {
        let mut cursor = Cursor { octets, at: 0, end: u64::MAX };
        let Some(outer_end) = cursor.open("certificateList")? else {
            return Ok(None);
        };
        cursor.end = outer_end;
        let tbs_start = cursor.at;
        let Some(tbs_end) = cursor.open("tbsCertList")? else {
            return Ok(None);
        };
        cursor.end = tbs_end;

        let Some(mut field) = cursor.take("signature")? else {
            return Ok(None);
        };
        let mut version = 1;
        if field.tag == der::INTEGER {
            // RFC 5280 §5.1.2.1: where it is present, it is 2, which is written 1.
            if field.value != [1] {
                return Err(cursor.error_before(&field, "version", "not version 2"));
            }
            version = 2;
            let Some(following) = cursor.take("signature")? else {
                return Ok(None);
            };
            field = following;
        }
        let signature = AlgorithmIdentifier::parse(Bytes::copy_from_slice(field.whole))
            .ok_or_else(|| cursor.error_before(&field, "signature", "not an algorithm identifier"))?;

        let Some(issuer) = cursor.take("issuer")? else {
            return Ok(None);
        };
        if issuer.tag != SEQUENCE {
            return Err(cursor.error_before(&issuer, "issuer", "not a name"));
        }
        let Some(this_update) = cursor.take("thisUpdate")? else {
            return Ok(None);
        };
        let time = |field: &Tlv<'_>, name, cursor: &Cursor<'_>| {
            der::time(field.tag, field.value).ok_or_else(|| cursor.error_before(field, name, "not a time"))
        };
        let mut header = Self {
            tbs_start,
            tbs_end,
            outer_end,
            entries_end: 0,
            end: 0,
            has_empty_list: false,
            version,
            signature,
            issuer: Name::from_der(Bytes::copy_from_slice(issuer.whole)),
            this_update: time(&this_update, "thisUpdate", &cursor)?,
            next_update: None,
        };

        if cursor.at < tbs_end {
            let Some(tag) = cursor.peek() else {
                return Ok(None);
            };
            if matches!(tag, 0x17 | 0x18) {
                let Some(next_update) = cursor.take("nextUpdate")? else {
                    return Ok(None);
                };
                header.next_update = Some(time(&next_update, "nextUpdate", &cursor)?);
            }
        }
        header.entries_end = cursor.at;
        if cursor.at < tbs_end {
            let Some(tag) = cursor.peek() else {
                return Ok(None);
            };
            if tag == SEQUENCE {
                let Some(entries_end) = cursor.open("revokedCertificates")? else {
                    return Ok(None);
                };
                header.entries_end = entries_end;
                header.has_empty_list = entries_end == cursor.at;
            } else if tag != 0xa0 {
                return Err(fail(cursor.at, "revokedCertificates", "another type stands there"));
            }
        }
        header.end = cursor.at;
        Ok(Some(header))
    }
}

/// A place in octets of which more may come.
struct Cursor<'a> {
    octets: &'a [u8],
    at: u64,
    /// Where the surrounding element ends.
    end: u64,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        suffix(self.octets, self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// The header and contents length of the element here; `None` when too little has come.
    fn measure(&self, name: &'static str) -> Result<Option<(u64, u64)>, CrlError> {
        let room = self.end.saturating_sub(self.at);
        let rest = self.rest();
        match Length::of(prefix(rest, room)) {
            Length::Known(header, contents) => {
                let (header, contents) = (wide(header), wide(contents));
                if header.saturating_add(contents) > room {
                    return Err(fail(self.at, name, "it reaches past the end of what holds it"));
                }
                Ok(Some((header, contents)))
            }
            Length::Short if wide(rest.len()) < room => Ok(None),
            Length::Short => Err(fail(self.at, name, "missing or cut short")),
            Length::Malformed => Err(fail(self.at, name, "not a definite-length DER element")),
        }
    }

    /// Steps into a sequence and returns where it ends.
    fn open(&mut self, name: &'static str) -> Result<Option<u64>, CrlError> {
        if self.peek().is_some_and(|tag| tag != SEQUENCE) {
            return Err(fail(self.at, name, "not a DER sequence"));
        }
        let Some((header, contents)) = self.measure(name)? else {
            return Ok(None);
        };
        self.at = self.at.saturating_add(header);
        Ok(Some(self.at.saturating_add(contents)))
    }

    /// Takes one whole element.
    fn take(&mut self, name: &'static str) -> Result<Option<Tlv<'a>>, CrlError> {
        let Some((header, contents)) = self.measure(name)? else {
            return Ok(None);
        };
        let total = header.saturating_add(contents);
        if total > MAX_HEADER {
            return Err(fail(self.at, name, format!("larger than {MAX_HEADER} octets")));
        }
        let Some((tlv, _)) = der::read(self.rest()) else {
            return Ok(None);
        };
        self.at = self.at.saturating_add(total);
        Ok(Some(tlv))
    }

    /// An error about the element that was just taken.
    fn error_before(&self, taken: &Tlv<'_>, name: &'static str, reason: &str) -> CrlError {
        fail(self.at.saturating_sub(wide(taken.whole.len())), name, reason)
    }
}

/// What the first octets of an element say of its length.
pub(super) enum Length {
    /// Octets of identifier and length, and of the contents.
    Known(usize, usize),
    /// More octets may tell.
    Short,
    /// No further octet makes it DER.
    Malformed,
}

impl Length {
    pub(super) fn of(beginning: &[u8]) -> Self {
        if let Some((header, contents)) = der::header(beginning) {
            return Self::Known(header, contents);
        }
        match beginning {
            [] => Self::Short,
            [tag, ..] if tag & 0x1f == 0x1f => Self::Malformed,
            [_] => Self::Short,
            [_, first, following @ ..] => match first & 0x7f {
                count @ 1..=4 if following.len() < usize::from(count) => Self::Short,
                _ => Self::Malformed,
            },
        }
    }
}

pub(super) fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// At most the first `length` octets.
pub(super) fn prefix(octets: &[u8], length: u64) -> &[u8] {
    octets.get(..usize::try_from(length).unwrap_or(usize::MAX)).unwrap_or(octets)
}

/// What follows the first `start` octets.
pub(super) fn suffix(octets: &[u8], start: u64) -> &[u8] {
    usize::try_from(start).ok().and_then(|start| octets.get(start..)).unwrap_or_default()
}
