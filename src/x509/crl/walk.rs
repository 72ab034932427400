//! The walk through a CRL's DER (RFC 5280 §5.1) as it arrives, hashing on the way.
//!
//! What stands before the entries is collected and decoded once it is whole; entries are looked at
//! where they lie and only a cut one is copied; what stands behind them is collected element by
//! element. Every collection has a bound.

use std::collections::HashSet;
use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;
use jiff::Timestamp;

use super::extensions::{Extensions, RawExtension, name_once};
use super::header::{Header, Length, MAX_HEADER, prefix, suffix, wide};
use super::{Crl, CrlEntry, CrlError, Encoding, Evidence, fail};
use crate::x509::certificate::{Serial, minimal};
use crate::x509::der::{self, SEQUENCE, Tlv};
use crate::x509::extensions::{GeneralName, RevocationReason};
use crate::x509::signature::{self, AlgorithmIdentifier};

/// Bound on one entry.
const MAX_ENTRY: u64 = 64 * 1024;
/// Bound on `crlExtensions`.
const MAX_EXTENSIONS: u64 = 256 * 1024;
/// Bound on `signatureAlgorithm` and on `signatureValue`; ML-DSA-87 signs with 4,627 octets.
const MAX_SIGNATURE: u64 = 64 * 1024;
/// Bound on a `tbsCertList` whose signature algorithm wants it as a whole.
const MAX_WHOLE_MESSAGE: u64 = 64 * 1024 * 1024;
/// Bound on what found entries may hold, in octets: a hostile CRL can list one serial number a million times.
const MAX_FOUND: usize = 4 * 1024 * 1024;

/// `crlEntryExtensions` with nothing but a `reasonCode`, up to its value. In large CRLs nearly all
/// entries end so or with the date.
const ONLY_REASON_CODE: [u8; 13] = [0x30, 12, 0x30, 10, 0x06, 3, 0x55, 0x1d, 0x15, 0x04, 3, 0x0a, 1];

/// Where the next octet belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first entry.
    Header,
    /// In `revokedCertificates`.
    Entries,
    /// At `crlExtensions`.
    Extensions,
    /// At the outer `signatureAlgorithm`.
    SignatureAlgorithm,
    /// At `signatureValue`.
    SignatureValue,
    /// Behind the whole.
    End,
}

impl Place {
    /// The element that is due there, and the most it may measure.
    fn element(self) -> (&'static str, u64) {
        match self {
            Self::Header => ("tbsCertList", MAX_HEADER),
            Self::Entries => ("revokedCertificates", MAX_ENTRY),
            Self::Extensions => ("crlExtensions", MAX_EXTENSIONS),
            Self::SignatureAlgorithm => ("signatureAlgorithm", MAX_SIGNATURE),
            Self::SignatureValue => ("signatureValue", MAX_SIGNATURE),
            Self::End => ("certificateList", 0),
        }
    }
}

/// The serial numbers asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// In their shortest form.
    numbers: HashSet<Box<[u8]>>,
    /// A bit for each pair of last octets, set where it occurs in them; spares looking up all but one in some 65,000
    /// entries for each number.
    endings: Box<[u64; 1024]>,
}

impl Wanted {
    fn new(serials: &[Serial]) -> Self {
        let numbers: HashSet<Box<[u8]>> = serials.iter().map(|serial| Box::from(serial.minimal())).collect();
        let mut endings = Box::new([0; 1024]);
        for number in &numbers {
            let (word, bit) = ending(number);
            if let Some(word) = endings.get_mut(word) {
                *word |= bit;
            }
        }
        Self { numbers, endings }
    }

    fn may_contain(&self, serial: &[u8]) -> bool {
        let (word, bit) = ending(serial);
        self.endings.get(word).is_none_or(|word| word & bit != 0)
    }

    /// Whether the number with these contents octets, however it is spelt, is one of them.
    pub(super) fn contains(&self, serial: &[u8]) -> bool {
        self.numbers.contains(minimal(serial))
    }
}

/// Where the last two octets of a number have their bit. What a longer spelling puts before a single octet is its
/// sign, so that every spelling of a number has the same.
fn ending(serial: &[u8]) -> (usize, u64) {
    let [before, last] = match serial {
        [.., before, last] => [*before, *last],
        [only] => [if *only < 0x80 { 0 } else { 0xff }, *only],
        [] => [0, 0],
    };
    (usize::from(u16::from_be_bytes([before, last]) >> 6), 1 << (last & 0x3f))
}

/// What becomes of `tbsCertList`.
enum Message {
    Hashed(digest::Context),
    Kept(Vec<u8>),
    Dropped,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Hashed(_) => "Hashed",
            Self::Kept(_) => "Kept",
            Self::Dropped => "Dropped",
        })
    }
}

impl Message {
    fn update(&mut self, octets: &[u8]) {
        match self {
            Self::Hashed(context) => context.update(octets),
            Self::Kept(kept) => kept.extend_from_slice(octets),
            Self::Dropped => {}
        }
    }
}

/// The state of the walk.
#[derive(Debug)]
pub(super) struct Walker {
    wanted: Wanted,
    place: Place,
    /// Offset of the first octet that is not yet dealt with; the carried ones follow from it.
    position: u64,
    /// The beginning of an element whose end has not come yet.
    carry: Vec<u8>,
    message: Message,
    header: Option<Header>,
    version: u32,
    tbs_end: u64,
    entries_end: u64,
    outer_end: u64,
    entries: u64,
    found: Vec<CrlEntry>,
    found_budget: usize,
    /// `certificateIssuer` of the latest entry that had one (RFC 5280 §5.3.3), and its encoded length.
    certificate_issuer: Option<(Vec<GeneralName>, usize)>,
    unknown_critical_entry_extensions: Vec<String>,
    extensions: Extensions,
    signature_algorithm: Option<AlgorithmIdentifier>,
    signature: Bytes,
}

impl Walker {
    pub(super) fn new(wanted: &[Serial]) -> Self {
        Self {
            wanted: Wanted::new(wanted),
            place: Place::Header,
            position: 0,
            carry: Vec::new(),
            message: Message::Dropped,
            header: None,
            version: 0,
            tbs_end: u64::MAX,
            entries_end: u64::MAX,
            outer_end: u64::MAX,
            entries: 0,
            found: Vec::new(),
            found_budget: MAX_FOUND,
            certificate_issuer: None,
            unknown_critical_entry_extensions: Vec::new(),
            extensions: Extensions::default(),
            signature_algorithm: None,
            signature: Bytes::new(),
        }
    }

    /// Octets of DER that have come.
    pub(super) fn received(&self) -> u64 {
        self.position.saturating_add(wide(self.carry.len()))
    }

    /// Takes the next octets of DER.
    pub(super) fn feed(&mut self, octets: &[u8]) -> Result<(), CrlError> {
        if self.place == Place::Header {
            self.carry.extend_from_slice(octets);
            let Some(header) = Header::parse(&self.carry)? else {
                if wide(self.carry.len()) > MAX_HEADER {
                    return Err(fail(0, "tbsCertList", format!("no entry within the first {MAX_HEADER} octets")));
                }
                return Ok(());
            };
            let collected = std::mem::take(&mut self.carry);
            self.begin(header)?;
            let behind = self.hash_beginning(&collected);
            return self.walk(behind);
        }
        let still_signed = self.tbs_end.saturating_sub(self.received());
        self.message.update(prefix(octets, still_signed));
        self.walk(octets)
    }

    /// Sets out from a decoded header.
    fn begin(&mut self, header: Header) -> Result<(), CrlError> {
        self.version = header.version;
        self.tbs_end = header.tbs_end;
        self.entries_end = header.entries_end;
        self.outer_end = header.outer_end;
        self.position = header.end;
        self.place = Place::Entries;
        self.message = if let Some(algorithm) = signature::digest_for(&header.signature) {
            Message::Hashed(digest::Context::new(algorithm))
        } else if signature::needs_whole_message(&header.signature) {
            if header.tbs_end - header.tbs_start > MAX_WHOLE_MESSAGE {
                let name = header.signature.name();
                let reason = format!("larger than {MAX_WHOLE_MESSAGE} octets, which {name} needs at once");
                return Err(fail(header.tbs_start, "tbsCertList", reason));
            }
            Message::Kept(Vec::new())
        } else {
            Message::Dropped
        };
        self.header = Some(header);
        Ok(())
    }

    /// Hashes what was collected with the header, and returns what lies behind the header.
    fn hash_beginning<'a>(&mut self, collected: &'a [u8]) -> &'a [u8] {
        let Some(header) = &self.header else {
            return &[];
        };
        let signed = prefix(collected, header.tbs_end);
        self.message.update(suffix(signed, header.tbs_start));
        suffix(collected, header.end)
    }

    fn walk(&mut self, mut octets: &[u8]) -> Result<(), CrlError> {
        loop {
            self.settle();
            if octets.is_empty() {
                return Ok(());
            }
            if self.place == Place::End {
                return Err(fail(self.position, "certificateList", "octets follow after its end"));
            }
            if self.place == Place::Entries && self.carry.is_empty() {
                let before = octets.len();
                octets = self.walk_entries(octets)?;
                if octets.len() != before {
                    continue;
                }
            }
            octets = self.step(octets)?;
        }
    }

    /// Moves on where the end of the surrounding element is reached.
    fn settle(&mut self) {
        if self.place == Place::Entries && self.position == self.entries_end && self.carry.is_empty() {
            self.place = Place::Extensions;
        }
        if self.place == Place::Extensions && self.position == self.tbs_end && self.carry.is_empty() {
            self.place = Place::SignatureAlgorithm;
        }
    }

    /// Goes through all short-form entries that are whole, and returns the rest.
    fn walk_entries<'a>(&mut self, octets: &'a [u8]) -> Result<&'a [u8], CrlError> {
        let within = prefix(octets, self.entries_end.saturating_sub(self.position));
        let mut rest = within;
        let mut count = 0u64;
        while let [SEQUENCE, length, following @ ..] = rest
            && *length < 0x80
            && let Some((entry, after)) = following.split_at_checked(usize::from(*length))
        {
            if !self.is_plain(entry) {
                let offset = self.position.saturating_add(wide(within.len() - rest.len()));
                self.entry(entry, offset)?;
            }
            count += 1;
            rest = after;
        }
        let walked = within.len() - rest.len();
        self.entries = self.entries.saturating_add(count);
        self.position = self.position.saturating_add(wide(walked));
        Ok(octets.get(walked..).unwrap_or_default())
    }

    /// Whether an entry is well-formed, not wanted, and has no extension but `reasonCode`: the case
    /// that must be fast.
    fn is_plain(&self, entry: &[u8]) -> bool {
        let [der::INTEGER, length, following @ ..] = entry else {
            return false;
        };
        let Some((serial, following)) = following.split_at_checked(usize::from(*length)) else {
            return false;
        };
        if serial.is_empty() || *length >= 0x80 || self.wanted.may_contain(serial) {
            return false;
        }
        let extensions = match following {
            [0x17, 13, time_and_rest @ ..] => time_and_rest.get(13..),
            [0x18, 15, time_and_rest @ ..] => time_and_rest.get(15..),
            _ => None,
        };
        extensions.is_some_and(|extensions| {
            extensions.is_empty()
                || extensions.len() == 14 && extensions.starts_with(&ONLY_REASON_CODE) && self.version == 2
        })
    }

    /// Deals with one element, whole or in part, and returns the octets behind it.
    fn step<'a>(&mut self, octets: &'a [u8]) -> Result<&'a [u8], CrlError> {
        if self.carry.is_empty() {
            if let Some(total) = self.measure(octets)?
                && let Some((element, rest)) = octets.split_at_checked(total)
            {
                self.element(element)?;
                return Ok(rest);
            }
            self.carry.extend_from_slice(octets);
            return Ok(&[]);
        }
        let total = self.measure(&self.carry)?;
        // Its length is known after at most six octets.
        let missing = total.map_or(1, |total| total.saturating_sub(self.carry.len()));
        let (more, rest) = octets.split_at(missing.min(octets.len()));
        self.carry.extend_from_slice(more);
        if total == Some(self.carry.len()) {
            let mut element = std::mem::take(&mut self.carry);
            self.element(&element)?;
            element.clear();
            self.carry = element;
        }
        Ok(rest)
    }

    /// The octets that the element at `position` takes, when enough of it has come to say.
    fn measure(&self, beginning: &[u8]) -> Result<Option<usize>, CrlError> {
        let (name, bound) = self.place.element();
        let surrounding_end = match self.place {
            Place::Entries => self.entries_end,
            Place::Header | Place::Extensions => self.tbs_end,
            Place::SignatureAlgorithm | Place::SignatureValue | Place::End => self.outer_end,
        };
        let room = surrounding_end.saturating_sub(self.position);
        match Length::of(prefix(beginning, room)) {
            Length::Known(header, contents) => {
                let total = wide(header).saturating_add(wide(contents));
                if total > room {
                    return Err(fail(self.position, name, "it reaches past the end of what holds it"));
                }
                if total > bound {
                    return Err(fail(self.position, name, format!("larger than {bound} octets")));
                }
                Ok(header.checked_add(contents))
            }
            Length::Short if wide(beginning.len()) < room => Ok(None),
            Length::Short => Err(fail(self.position, name, "missing or cut short")),
            Length::Malformed => Err(fail(self.position, name, "not a definite-length DER element")),
        }
    }

    /// Takes in one whole element at `position`.
    fn element(&mut self, whole: &[u8]) -> Result<(), CrlError> {
        let (name, _) = self.place.element();
        let at = self.position;
        let end = at.saturating_add(wide(whole.len()));
        let Some((tlv, [])) = der::read(whole) else {
            return Err(fail(at, name, "not one DER element"));
        };
        match self.place {
            Place::Entries => {
                if tlv.tag != SEQUENCE {
                    return Err(fail(at, name, "an entry is not a sequence"));
                }
                self.entry(tlv.value, at)?;
                self.entries = self.entries.saturating_add(1);
            }
            Place::Extensions => {
                if end != self.tbs_end {
                    return Err(fail(at, name, "something else stands there"));
                }
                if self.version != 2 {
                    return Err(fail(at, name, "a version 1 CRL has none"));
                }
                self.extensions = Extensions::parse(&tlv, at)?;
                self.place = Place::SignatureAlgorithm;
            }
            Place::SignatureAlgorithm => {
                let algorithm = AlgorithmIdentifier::parse(Bytes::copy_from_slice(whole))
                    .ok_or_else(|| fail(at, name, "not an algorithm identifier"))?;
                if self.header.as_ref().is_some_and(|header| header.signature != algorithm) {
                    // RFC 5280 §5.1.1.2. The digest was taken by the inner one, so this must hold.
                    return Err(fail(at, name, "it differs from the signature field inside tbsCertList"));
                }
                self.signature_algorithm = Some(algorithm);
                self.place = Place::SignatureValue;
            }
            Place::SignatureValue => {
                let (0x03, [0, signature @ ..]) = (tlv.tag, tlv.value) else {
                    return Err(fail(at, name, "not a bit string of whole octets"));
                };
                if end != self.outer_end {
                    return Err(fail(end, name, "octets follow it within the outer sequence"));
                }
                self.signature = Bytes::copy_from_slice(signature);
                self.place = Place::End;
            }
            Place::Header | Place::End => {}
        }
        self.position = end;
        Ok(())
    }

    /// Decodes one entry's contents; `at` is where the entry begins.
    fn entry(&mut self, contents: &[u8], at: u64) -> Result<(), CrlError> {
        let (serial, rest) = der::expect(contents, der::INTEGER)
            .filter(|(serial, _)| !serial.value.is_empty())
            .ok_or_else(|| fail(at, "userCertificate", "not an integer"))?;
        let (date, rest) = der::read(rest)
            .filter(|(date, _)| matches!(date.tag, 0x17 | 0x18))
            .ok_or_else(|| fail(at, "revocationDate", "not a time"))?;
        let wanted = self.wanted.contains(serial.value);
        let extensions = self.entry_extensions(rest, wanted, at)?;
        if !wanted {
            return Ok(());
        }
        let revocation_date =
            der::time(date.tag, date.value).ok_or_else(|| fail(at, "revocationDate", "not a time"))?;
        let issuer_size = self.certificate_issuer.as_ref().map_or(0, |(names, encoded)| {
            names.len().saturating_mul(size_of::<GeneralName>()).saturating_add(*encoded)
        });
        let size = size_of::<CrlEntry>().saturating_add(serial.value.len()).saturating_add(issuer_size);
        self.found_budget = self
            .found_budget
            .checked_sub(size)
            .ok_or_else(|| fail(at, "revokedCertificates", "too many entries have the same serial number"))?;
        self.found.push(CrlEntry {
            serial: Serial(Bytes::copy_from_slice(serial.value)),
            revocation_date,
            reason: extensions.reason,
            invalidity_date: extensions.invalidity_date,
            certificate_issuer: self.certificate_issuer.as_ref().map(|(names, _)| names.clone()),
        });
        Ok(())
    }

    /// Decodes `crlEntryExtensions`; the values that matter for wanted entries only are read for those only.
    fn entry_extensions(&mut self, rest: &[u8], wanted: bool, at: u64) -> Result<EntryExtensions, CrlError> {
        let mut parsed = EntryExtensions::default();
        if rest.is_empty() {
            return Ok(parsed);
        }
        if self.version != 2 {
            return Err(fail(at, "crlEntryExtensions", "a version 1 CRL has none"));
        }
        let Some((sequence, [])) = der::expect(rest, SEQUENCE) else {
            return Err(fail(at, "crlEntryExtensions", "not a sequence, or something follows it"));
        };
        for extension in der::elements(sequence.value) {
            let extension = extension
                .and_then(|tlv| RawExtension::parse(&tlv))
                .ok_or_else(|| fail(at, "crlEntryExtensions", "not a sequence of extensions"))?;
            match extension.oid {
                // reasonCode
                [0x55, 0x1d, 0x15] => {
                    if wanted {
                        parsed.reason = match der::read(extension.value) {
                            Some((Tlv { tag: 0x0a, value: [reason], .. }, [])) => Some(RevocationReason(*reason)),
                            _ => return Err(fail(at, "reasonCode", "not an enumerated value")),
                        };
                    }
                }
                // invalidityDate
                [0x55, 0x1d, 0x18] => {
                    if wanted {
                        parsed.invalidity_date = der::read(extension.value)
                            .and_then(|(date, _)| der::time(date.tag, date.value))
                            .map_or_else(|| Err(fail(at, "invalidityDate", "not a time")), |date| Ok(Some(date)))?;
                    }
                }
                // certificateIssuer
                [0x55, 0x1d, 0x1d] => {
                    let names = der::expect(extension.value, SEQUENCE)
                        .and_then(|(names, _)| GeneralName::list(names.value))
                        .ok_or_else(|| fail(at, "certificateIssuer", "not a sequence of general names"))?;
                    self.certificate_issuer = Some((names, extension.value.len()));
                }
                unknown => {
                    if extension.critical {
                        name_once(&mut self.unknown_critical_entry_extensions, unknown);
                    }
                }
            }
        }
        Ok(parsed)
    }

    /// Ends the walk.
    pub(super) fn finish(mut self, encoding: Encoding) -> Result<Crl, CrlError> {
        self.settle();
        let (name, _) = self.place.element();
        let received = self.received();
        let (Place::End, Some(header), Some(signature_algorithm)) = (self.place, self.header, self.signature_algorithm)
        else {
            let reason = if received == 0 { "there are no octets" } else { "the octets end before it does" };
            return Err(fail(received, name, reason));
        };
        Ok(Crl {
            encoding,
            size: self.position,
            version: header.version,
            issuer: header.issuer,
            this_update: header.this_update,
            next_update: header.next_update,
            entries: self.entries,
            has_empty_list: header.has_empty_list,
            found: self.found,
            sought: Arc::new(self.wanted),
            authority_key_identifier: self.extensions.authority_key_identifier,
            crl_number: self.extensions.crl_number,
            crl_number_is_critical: self.extensions.crl_number_is_critical,
            delta_base: self.extensions.delta_base,
            issuing_distribution_point: self.extensions.issuing_distribution_point,
            freshest_crl: self.extensions.freshest_crl,
            next_publish: self.extensions.next_publish,
            unknown_critical_extensions: self.extensions.unknown_critical,
            has_certificate_issuers: self.certificate_issuer.is_some(),
            unknown_critical_entry_extensions: self.unknown_critical_entry_extensions,
            signature_algorithm,
            evidence: match self.message {
                Message::Hashed(context) => Evidence::Digest(context.finish()),
                Message::Kept(message) => Evidence::Message(message.into()),
                Message::Dropped => Evidence::None,
            },
            signature: self.signature,
        })
    }
}

/// What an entry's extensions said, but for `certificateIssuer`, which holds for later entries too.
#[derive(Default)]
struct EntryExtensions {
    reason: Option<RevocationReason>,
    invalidity_date: Option<Timestamp>,
}
