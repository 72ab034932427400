//! Certificate revocation lists (RFC 5280 §5), read as a stream.
//!
//! A CRL may be 100 MB. It is never held as a whole: octets are hashed and walked as they arrive,
//! entries are compared with the serial numbers that matter, and the signature is verified over the
//! digest at the end. Nothing that was found counts before [`Crl::verify`] said so.
//!
//! [`CrlReader`] takes chunks, `armour` makes DER of them, `walk` goes through the DER; `header` is
//! what stands before the entries, `extensions` what stands behind them.

mod armour;
mod extensions;
mod header;
mod walk;

use std::sync::Arc;

use aws_lc_rs::digest::Digest;
use bytes::Bytes;
use jiff::Timestamp;

use super::certificate::Serial;
use super::extensions::{DistributionPoint, GeneralName, IssuingDistributionPoint, RevocationReason};
use super::key::PublicKey;
use super::name::Name;
use super::signature::{self, AlgorithmIdentifier, SignatureError, Signed};
use armour::Armour;
use walk::{Walker, Wanted};

/// How the octets came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As RFC 5280 §4.2.1.13 wants it over HTTP.
    Der,
    /// In PEM armour.
    Pem,
}

/// What is wrong with the encoding of a CRL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{element} at offset {offset} does not decode: {reason}")]
pub struct CrlError {
    /// Octets from the start of the DER.
    pub offset: u64,
    /// The field being read.
    pub element: &'static str,
    /// What is wrong.
    pub reason: String,
}

fn fail(offset: u64, element: &'static str, reason: impl Into<String>) -> CrlError {
    CrlError { offset, element, reason: reason.into() }
}

/// An entry for one of the wanted serial numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlEntry {
    /// `userCertificate`
    pub serial: Serial,
    /// `revocationDate`
    pub revocation_date: Timestamp,
    /// `reasonCode`, where given.
    pub reason: Option<RevocationReason>,
    /// `invalidityDate`, where given.
    pub invalidity_date: Option<Timestamp>,
    /// The certificate issuer this entry is of, where an indirect CRL said (`certificateIssuer`,
    /// carried over from earlier entries as RFC 5280 §5.3.3 rules); `None`: the CRL's issuer.
    pub certificate_issuer: Option<Vec<GeneralName>>,
}

/// A CRL without its entries but for those asked for. Every field is as claimed until
/// [`Crl::verify`] succeeds.
#[derive(Debug, Clone)]
pub struct Crl {
    /// DER or PEM.
    pub encoding: Encoding,
    /// Octets of the DER.
    pub size: u64,
    /// 1 or 2.
    pub version: u32,
    /// `issuer`
    pub issuer: Name,
    /// `thisUpdate`
    pub this_update: Timestamp,
    /// `nextUpdate`
    pub next_update: Option<Timestamp>,
    /// Number of entries.
    pub entries: u64,
    /// Whether `revokedCertificates` is there but empty, which RFC 5280 §5.1.2.6 forbids; strict
    /// verifiers refuse it.
    pub has_empty_list: bool,
    /// Entries whose serial number was asked for, whatever their issuer.
    pub found: Vec<CrlEntry>,
    /// What was asked for.
    sought: Arc<Wanted>,
    /// `authorityKeyIdentifier.keyIdentifier`
    pub authority_key_identifier: Option<Bytes>,
    /// `cRLNumber`, magnitude octets.
    pub crl_number: Option<Serial>,
    /// Whether that is marked critical, which RFC 5280 §5.2.3 forbids.
    pub crl_number_is_critical: bool,
    /// `deltaCRLIndicator`: the base this delta builds on.
    pub delta_base: Option<Serial>,
    /// `issuingDistributionPoint`
    pub issuing_distribution_point: Option<IssuingDistributionPoint>,
    /// `freshestCRL`
    pub freshest_crl: Vec<DistributionPoint>,
    /// Microsoft's *next CRL publish*.
    pub next_publish: Option<Timestamp>,
    /// Dotted OIDs of critical extensions of the CRL that are not processed here.
    pub unknown_critical_extensions: Vec<String>,
    /// Whether any entry has a `certificateIssuer`, as only those of indirect CRLs may (RFC 5280 §5.3.3).
    pub has_certificate_issuers: bool,
    /// Dotted OIDs of critical extensions of any entry that are not processed here.
    pub unknown_critical_entry_extensions: Vec<String>,
    /// `signatureAlgorithm`
    pub signature_algorithm: AlgorithmIdentifier,
    /// What the signature is over.
    evidence: Evidence,
    /// `signatureValue` without the unused-bits octet.
    signature: Bytes,
}

/// What is left of `tbsCertList` when it has gone past.
#[derive(Debug, Clone)]
enum Evidence {
    /// The digest that the signature algorithm is applied to.
    Digest(Digest),
    /// All of it, for algorithms that need it so.
    Message(Bytes),
    /// Nothing: the algorithm is not one that could be verified.
    None,
}

impl Crl {
    /// Whether this serial number was asked for: that none is [`found`](Self::found) means something for such only.
    #[must_use]
    pub fn was_searched_for(&self, serial: &Serial) -> bool {
        self.sought.contains(&serial.0)
    }

    /// Verifies the signature with this key. May be asked for any number of keys.
    ///
    /// # Errors
    /// [`SignatureError`]
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        let signed = match &self.evidence {
            Evidence::Digest(digest) => Signed::Digest(digest),
            Evidence::Message(message) => Signed::Message(message),
            // Nothing was kept because `verify` knows no such algorithm, and says so.
            Evidence::None => Signed::Message(&[]),
        };
        signature::verify(&self.signature_algorithm, key, signed, &self.signature)
    }
}

/// Reads a CRL from chunks of any size, in bounded memory whatever its length.
#[derive(Debug)]
pub struct CrlReader {
    armour: Armour,
    walker: Walker,
    failure: Option<CrlError>,
}

impl CrlReader {
    /// A reader that keeps the entries of these serial numbers.
    #[must_use]
    pub fn new(wanted: &[Serial]) -> Self {
        Self { armour: Armour::new(), walker: Walker::new(wanted), failure: None }
    }

    /// Takes the next octets. After an error, further chunks are ignored.
    ///
    /// # Errors
    /// The first malformed element; [`CrlReader::finish`] repeats it.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), CrlError> {
        if self.failure.is_none()
            && let Err(error) = self.armour.push(chunk, &mut self.walker)
        {
            self.failure = Some(error);
        }
        self.failure.clone().map_or(Ok(()), Err)
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// What is malformed, or that the CRL is cut short or followed by other octets.
    pub fn finish(mut self) -> Result<Crl, CrlError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let encoding = self.armour.finish(&mut self.walker)?;
        self.walker.finish(encoding)
    }
}

/// Reads a CRL that is at hand as a whole.
///
/// # Errors
/// As [`CrlReader::finish`].
pub fn read(input: &[u8], wanted: &[Serial]) -> Result<Crl, CrlError> {
    let mut reader = CrlReader::new(wanted);
    reader.push(input)?;
    reader.finish()
}

#[cfg(test)]
mod tests;
