//! OCSP requests and responses (RFC 6960, nonces by RFC 9654).

use bytes::Bytes;
use jiff::Timestamp;

use super::certificate::{Certificate, Serial};
use super::extensions::RevocationReason;
use super::key::PublicKey;
use super::name::Name;
use super::signature::{AlgorithmIdentifier, SignatureError};

/// `CertID` (RFC 6960 §4.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertId {
    /// `hashAlgorithm`, dotted OID.
    pub hash_algorithm: String,
    /// `issuerNameHash`
    pub issuer_name_hash: Bytes,
    /// `issuerKeyHash`
    pub issuer_key_hash: Bytes,
    /// `serialNumber`
    pub serial: Serial,
}

impl CertId {
    /// Whether it identifies this certificate of this issuer, whichever of SHA-1, SHA-256, SHA-384
    /// and SHA-512 it uses.
    #[must_use]
    pub fn matches(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let _ = (certificate, issuer);
        todo!()
    }
}

/// Encodes a request for one certificate with a SHA-1 `CertID`, which is what every responder
/// takes (RFC 5019 §2.1.1); with a nonce extension where one is given.
#[must_use]
pub fn request(certificate: &Certificate, issuer: &Certificate, nonce: Option<&[u8; 32]>) -> Vec<u8> {
    let _ = (certificate, issuer, nonce);
    todo!()
}

/// `OCSPResponseStatus` other than successful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorStatus(pub u8);

impl ErrorStatus {
    /// Its name in ASN.1: `malformedRequest`, `internalError`, `tryLater`, `sigRequired`,
    /// `unauthorized`, or `undefined`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "malformedRequest",
            2 => "internalError",
            3 => "tryLater",
            5 => "sigRequired",
            6 => "unauthorized",
            _ => "undefined",
        }
    }
}

/// `CertStatus`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertStatus {
    /// `good`
    Good,
    /// `revoked`
    Revoked {
        /// `revocationTime`
        at: Timestamp,
        /// `revocationReason`
        reason: Option<RevocationReason>,
    },
    /// `unknown`
    Unknown,
}

/// `SingleResponse`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleResponse {
    /// `certID`
    pub cert_id: CertId,
    /// `certStatus`
    pub status: CertStatus,
    /// `thisUpdate`
    pub this_update: Timestamp,
    /// `nextUpdate`
    pub next_update: Option<Timestamp>,
    /// Critical extensions that are not processed here, dotted OIDs.
    pub unknown_critical_extensions: Vec<String>,
}

/// `ResponderID`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponderId {
    /// `byName`
    ByName(Name),
    /// `byKey`: SHA-1 of the responder's public key bits.
    ByKey(Bytes),
}

/// `BasicOCSPResponse`, as claimed until [`BasicResponse::verify`] succeeds.
#[derive(Debug, Clone)]
pub struct BasicResponse {
    /// `responderID`
    pub responder_id: ResponderId,
    /// `producedAt`
    pub produced_at: Timestamp,
    /// `responses`
    pub responses: Vec<SingleResponse>,
    /// The nonce extension's value, the inner OCTET STRING's contents where it is wrapped in one.
    pub nonce: Option<Bytes>,
    /// Critical response extensions that are not processed here, dotted OIDs.
    pub unknown_critical_extensions: Vec<String>,
    /// DER of the embedded certificates, undecoded.
    pub certificates: Vec<Bytes>,
    /// `signatureAlgorithm`
    pub signature_algorithm: AlgorithmIdentifier,
    /// `tbsResponseData` as signed.
    pub tbs: Bytes,
    /// `signature`
    pub signature: Bytes,
}

impl BasicResponse {
    /// Verifies the signature with this key.
    ///
    /// # Errors
    /// [`SignatureError`]
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        super::signature::verify(
            &self.signature_algorithm,
            key,
            super::signature::Signed::Message(&self.tbs),
            &self.signature,
        )
    }

    /// Whether this is the certificate that `responderID` names.
    #[must_use]
    pub fn is_by(&self, responder: &Certificate) -> bool {
        let _ = responder;
        todo!()
    }
}

/// `OCSPResponse`
#[derive(Debug, Clone)]
pub enum OcspResponse {
    /// The responder says it cannot answer.
    Error(ErrorStatus),
    /// `successful`, with a basic response.
    Basic(Box<BasicResponse>),
}

/// What is wrong with the encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OcspError(pub String);

/// Decodes a response.
///
/// # Errors
/// What does not decode.
pub fn parse(input: &Bytes) -> Result<OcspResponse, OcspError> {
    let _ = input;
    todo!()
}
