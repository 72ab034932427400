//! OCSP requests and responses (RFC 6960, nonces by RFC 9654).
//!
//! Input: a certificate and its issuer, or the octets of a response. Output: the octets of a
//! request, or the response as it claims to be. Whether it may claim that is judged elsewhere.

pub(crate) mod encoding;

use aws_lc_rs::digest;
use bytes::Bytes;
use jiff::Timestamp;

use super::certificate::{Certificate, Serial};
use super::der;
use super::extensions::RevocationReason;
use super::key::PublicKey;
use super::name::Name;
use super::signature::{AlgorithmIdentifier, SignatureError};

/// `id-pkix-ocsp-nonce`
const NONCE: &str = "1.3.6.1.5.5.7.48.1.2";
/// `id-pkix-ocsp-archive-cutoff`
const ARCHIVE_CUTOFF: &str = "1.3.6.1.5.5.7.48.1.6";
/// `id-pkix-ocsp-extended-revoke`: the responder answers `revoked` of serial numbers that were never issued
/// (RFC 6960 §4.4.8). Such an answer means what it says.
const EXTENDED_REVOKE: &str = "1.3.6.1.5.5.7.48.1.9";

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
    /// Whether it identifies this certificate of this issuer, whichever of SHA-1, SHA-224, SHA-256,
    /// SHA-384 and SHA-512 it uses.
    #[must_use]
    pub fn matches(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let algorithm = match self.hash_algorithm.as_str() {
            "1.3.14.3.2.26" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "2.16.840.1.101.3.4.2.4" => &digest::SHA224,
            "2.16.840.1.101.3.4.2.1" => &digest::SHA256,
            "2.16.840.1.101.3.4.2.2" => &digest::SHA384,
            "2.16.840.1.101.3.4.2.3" => &digest::SHA512,
            _ => return false,
        };
        // RFC 6960 §4.1.1 wants the name as the certificate has it; where the issuer itself encodes
        // its name otherwise, responders are known to hash that.
        self.serial.is_same_number(&certificate.serial)
            && digest::digest(algorithm, &issuer.key.bits).as_ref() == self.issuer_key_hash
            && [&certificate.issuer, &issuer.subject]
                .into_iter()
                .any(|name| digest::digest(algorithm, name.der()).as_ref() == self.issuer_name_hash)
    }
}

/// Encodes a request for one certificate with a SHA-1 `CertID`, which is what every responder
/// takes (RFC 5019 §2.1.1); with a nonce extension where one is given.
#[must_use]
pub fn request(certificate: &Certificate, issuer: &Certificate, nonce: Option<&[u8; 32]>) -> Vec<u8> {
    let name_hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.issuer.der());
    let key_hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &issuer.key.bits);
    // RFC 9654 §2.1: the extension's value is itself an OCTET STRING.
    let nonce = nonce.map(|nonce| der::encode(0x04, &[nonce]));
    let request = encoding::OcspRequest {
        tbs_request: encoding::TbsRequest {
            version: None,
            requestor_name: None,
            request_list: encoding::List(vec![encoding::Request {
                req_cert: encoding::CertId {
                    hash_algorithm: encoding::AlgorithmIdentifier {
                        algorithm: encoding::SHA1,
                        parameters: asn1::parse_single(&[0x05, 0x00]).ok(),
                    },
                    issuer_name_hash: name_hash.as_ref(),
                    issuer_key_hash: key_hash.as_ref(),
                    serial_number: encoding::Integer(&certificate.serial.0),
                },
                single_request_extensions: None,
            }]),
            request_extensions: nonce.as_deref().map(|value| {
                encoding::List(vec![encoding::Extension {
                    extn_id: encoding::NONCE,
                    critical: None,
                    extn_value: value,
                }])
            }),
        },
        optional_signature: None,
    };
    // Writing fails for want of memory only.
    asn1::write_single(&request).unwrap_or_default()
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
    /// `archiveCutoff` (RFC 6960 §4.4.4): the responder knows of certificates that ended then or later.
    pub archive_cutoff: Option<Timestamp>,
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
        match &self.responder_id {
            ResponderId::ByName(name) => name.matches(&responder.subject),
            ResponderId::ByKey(hash) => {
                digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &responder.key.bits).as_ref() == hash
            }
        }
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

impl OcspError {
    fn in_structure(structure: &str) -> impl Fn(asn1::ParseError) -> Self {
        move |error| {
            let what = match error.kind() {
                asn1::ParseErrorKind::UnexpectedTag { .. } => {
                    "another kind of element stands where one of its own should"
                }
                asn1::ParseErrorKind::ShortData { .. } => "the octets end before it does",
                asn1::ParseErrorKind::ExtraData => "there are octets after its end",
                _ => "its contents are malformed",
            };
            Self(format!("{structure} does not decode: {what}"))
        }
    }
}

/// Decodes a response. Octets after its end, error statuses that RFC 6960 does not define, explicit
/// default values and broken embedded certificates are put up with.
///
/// # Errors
/// What does not decode.
pub fn parse(input: &Bytes) -> Result<OcspResponse, OcspError> {
    let outer: encoding::OcspResponse<'_> = first_element(input, "OCSPResponse")?;
    let status = outer.response_status.value();
    if status != 0 {
        return Ok(OcspResponse::Error(ErrorStatus(u8::try_from(status).unwrap_or(u8::MAX))));
    }
    let Some(response) = outer.response_bytes else {
        return Err(OcspError("the status is successful, but there are no responseBytes".to_owned()));
    };
    if response.response_type != encoding::BASIC {
        return Err(OcspError(format!("the responseType {} is not id-pkix-ocsp-basic", response.response_type)));
    }
    let basic: encoding::BasicOcspResponse<'_> = first_element(response.response, "BasicOCSPResponse")?;
    let data: encoding::ResponseData<'_> =
        basic.tbs_response_data.parse().map_err(OcspError::in_structure("ResponseData"))?;
    if let Some(version) = data.version.filter(|version| *version != 0) {
        return Err(OcspError(format!("it is of version {}, and only version 1 is defined", u16::from(version) + 1)));
    }
    if basic.certs.as_ref().is_some_and(|certificates| certificates.full_data().first() != Some(&der::SEQUENCE)) {
        return Err(OcspError("what stands in the place of the certificates is no sequence".to_owned()));
    }
    if basic.signature.padding_bits() != 0 {
        return Err(OcspError("the signature is not of whole octets".to_owned()));
    }
    let signature_algorithm = AlgorithmIdentifier::parse(input.slice_ref(basic.signature_algorithm.full_data()))
        .ok_or_else(|| OcspError("signatureAlgorithm is not an algorithm identifier".to_owned()))?;
    let extensions = data.response_extensions.as_ref().map_or(&[][..], |extensions| &extensions.0);
    let nonce = extensions.iter().find(|extension| extension.extn_id == encoding::NONCE);
    Ok(OcspResponse::Basic(Box::new(BasicResponse {
        responder_id: match data.responder_id {
            encoding::ResponderId::ByName(name) => {
                ResponderId::ByName(Name::from_der(input.slice_ref(name.full_data())))
            }
            encoding::ResponderId::ByKey(hash) => ResponderId::ByKey(input.slice_ref(hash)),
        },
        produced_at: data.produced_at.0,
        responses: data.responses.0.iter().map(|single| single_response(input, single)).collect(),
        nonce: nonce.map(|extension| input.slice_ref(unwrapped(extension.extn_value))),
        unknown_critical_extensions: unknown_critical(extensions, &[NONCE, EXTENDED_REVOKE]),
        certificates: basic.certs.map_or_else(Vec::new, |certificates| {
            // What comes after an element that is not whole cannot be told apart.
            der::elements(certificates.data())
                .map_while(|certificate| certificate.map(|certificate| input.slice_ref(certificate.whole)))
                .collect()
        }),
        signature_algorithm,
        tbs: input.slice_ref(basic.tbs_response_data.full_data()),
        signature: input.slice_ref(basic.signature.as_bytes()),
    })))
}

/// Reads the first element, whatever follows it.
fn first_element<'a, T: asn1::Asn1Readable<'a>>(input: &'a [u8], structure: &str) -> Result<T, OcspError> {
    let (element, _) = asn1::strip_tlv(input).map_err(OcspError::in_structure(structure))?;
    element.parse().map_err(OcspError::in_structure(structure))
}

fn single_response(input: &Bytes, single: &encoding::SingleResponse<'_>) -> SingleResponse {
    /// `archiveCutoff`, `crlReferences`, signed certificate timestamps, and the CRL entry
    /// extensions `reasonCode` and `invalidityDate`: nothing in them changes the status.
    const KNOWN: [&str; 5] = [
        ARCHIVE_CUTOFF,
        "1.3.6.1.5.5.7.48.1.3",
        "1.3.6.1.4.1.11129.2.4.5",
        super::extensions::oid::REASON_CODE,
        super::extensions::oid::INVALIDITY_DATE,
    ];
    let id = &single.cert_id;
    let extensions = single.single_extensions.as_ref().map_or(&[][..], |extensions| &extensions.0);
    let archive_cutoff = extensions
        .iter()
        .find(|extension| extension.extn_id.to_string() == ARCHIVE_CUTOFF)
        .and_then(|extension| der::expect(extension.extn_value, 0x18))
        .and_then(|(time, _)| der::time(time.tag, time.value));
    SingleResponse {
        cert_id: CertId {
            hash_algorithm: id.hash_algorithm.algorithm.to_string(),
            issuer_name_hash: input.slice_ref(id.issuer_name_hash),
            issuer_key_hash: input.slice_ref(id.issuer_key_hash),
            serial: Serial(input.slice_ref(id.serial_number.0)),
        },
        status: match &single.cert_status {
            encoding::CertStatus::Good(()) => CertStatus::Good,
            encoding::CertStatus::Revoked(info) => CertStatus::Revoked {
                at: info.revocation_time.0,
                reason: info
                    .revocation_reason
                    .as_ref()
                    .map(|reason| RevocationReason(u8::try_from(reason.value()).unwrap_or(u8::MAX))),
            },
            encoding::CertStatus::Unknown(()) => CertStatus::Unknown,
        },
        this_update: single.this_update.0,
        next_update: single.next_update.map(|time| time.0),
        archive_cutoff,
        unknown_critical_extensions: unknown_critical(extensions, &KNOWN),
    }
}

fn unknown_critical(extensions: &[encoding::Extension<'_>], known: &[&str]) -> Vec<String> {
    extensions
        .iter()
        .filter(|extension| extension.critical == Some(true))
        .map(|extension| extension.extn_id.to_string())
        .filter(|oid| !known.contains(&oid.as_str()))
        .collect()
}

/// A nonce without the OCTET STRING around it that RFC 6960 §4.4.1 asks for and some responders omit.
fn unwrapped(value: &[u8]) -> &[u8] {
    match der::expect(value, 0x04) {
        Some((nonce, [])) => nonce.value,
        _ => value,
    }
}

#[cfg(test)]
mod tests;
