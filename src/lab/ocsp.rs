//! An OCSP responder (RFC 6960, RFC 5019), honest or not.

use aws_lc_rs::digest;
use jiff::Timestamp;
use serde::Deserialize;

use super::ca::{Issued, random};
use super::key::SigningHash;
use super::offset::Offset;
use super::{LabError, der};
use crate::x509::der as reader;

/// What a responder is to say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OcspProfile {
    /// The certificate of the lab that it knows; of every other one its status is `unknown`.
    pub certificate: String,
    /// Who issued that.
    pub issuer: String,
    /// The certificate of the lab that signs; the issuer unless given. A signer other than the issuer is
    /// embedded in the response.
    pub signer: Option<String>,
    /// `certStatus`
    #[serde(default)]
    pub status: Status,
    /// `revocationTime`
    #[serde(default)]
    pub revoked_at: Offset,
    /// `revocationReason`
    pub reason: Option<u8>,
    /// `thisUpdate`
    pub this_update: Offset,
    /// `nextUpdate`
    pub next_update: Offset,
    /// Leave `nextUpdate` out.
    #[serde(default)]
    pub no_next_update: bool,
    /// `producedAt`; `thisUpdate` unless given.
    pub produced_at: Option<Offset>,
    /// Answer nothing but this `responseStatus`.
    pub error: Option<u8>,
    /// `responderID`
    #[serde(default)]
    pub responder_id: ResponderForm,
    /// The nonce.
    #[serde(default)]
    pub nonce: NonceHabit,
    /// The hash it signs with.
    #[serde(default)]
    pub signature: SigningHash,
    /// What is broken about it.
    pub fault: Option<OcspFault>,
}

/// `CertStatus`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// `good`
    #[default]
    Good,
    /// `revoked`
    Revoked,
    /// `unknown`
    Unknown,
}

/// How the responder names itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponderForm {
    /// `byKey`
    #[default]
    Key,
    /// `byName`
    Name,
}

/// What becomes of a request's nonce (RFC 9654).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NonceHabit {
    /// It stands in the answer.
    #[default]
    Echoed,
    /// It is passed over, as pre-produced responses do (RFC 5019 §4).
    Ignored,
    /// Another one stands in the answer.
    Different,
    /// `malformedRequest`
    Refused,
}

/// How the answer is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OcspFault {
    /// The signature does not verify.
    BadSignature,
    /// Octets that are no OCSP response.
    Garbage,
    /// It answers for another serial number.
    WrongCertificate,
}

/// A responder with its keys at hand.
#[derive(Debug, Clone)]
pub struct Responder {
    profile: OcspProfile,
    certificate_serial: Vec<u8>,
    issuer: Issued,
    signer: Issued,
    embedded: bool,
    now: Timestamp,
}

/// `OCSPResponse` with nothing but a `responseStatus`.
#[must_use]
pub fn error(status: u8) -> Vec<u8> {
    der::sequence(&[der::enumerated(status)])
}

/// What a request asks.
struct Question {
    /// `CertID`, DER.
    cert_id: Vec<u8>,
    /// Its `serialNumber`, contents octets.
    serial: Vec<u8>,
    /// The nonce extension, DER.
    nonce: Option<Vec<u8>>,
}

impl Responder {
    /// Gets what it needs from the lab's certificates, found by their names there.
    ///
    /// # Errors
    /// A name the lab does not have.
    pub fn new<'a>(
        profile: &OcspProfile,
        certificate: &dyn Fn(&str) -> Result<&'a Issued, LabError>,
        now: Timestamp,
    ) -> Result<Self, LabError> {
        let signer = profile.signer.as_deref().unwrap_or(&profile.issuer);
        Ok(Self {
            certificate_serial: certificate(&profile.certificate)?.serial.clone(),
            issuer: certificate(&profile.issuer)?.clone(),
            signer: certificate(signer)?.clone(),
            embedded: signer != profile.issuer,
            profile: profile.clone(),
            now,
        })
    }

    /// Answers a DER request.
    ///
    /// # Errors
    /// When the key cannot sign so.
    pub fn answer(&self, request: &[u8]) -> Result<Vec<u8>, LabError> {
        // malformedRequest
        let Some(question) = question(request) else {
            return Ok(error(1));
        };
        if let Some(status) = self.profile.error {
            return Ok(error(status));
        }
        if self.profile.fault == Some(OcspFault::Garbage) {
            return Ok(der::octet_string(b"this is no OCSP response"));
        }
        let nonce = match (question.nonce, self.profile.nonce) {
            (Some(_), NonceHabit::Refused) => return Ok(error(1)),
            (Some(nonce), NonceHabit::Echoed) => Some(nonce),
            (Some(_), NonceHabit::Different) => {
                let other = der::octet_string(&random::<32>()?);
                Some(der::extension(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 2], false, &other))
            }
            _ => None,
        };
        let known = der::unsigned(&question.serial) == der::unsigned(&self.certificate_serial);
        self.respond(&question.cert_id, known, nonce)
    }

    /// The response a server staples: by SHA-1 `CertID`, without a nonce.
    ///
    /// # Errors
    /// When the key cannot sign so.
    pub fn staple(&self) -> Result<Vec<u8>, LabError> {
        let sha1 = |octets: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, octets).as_ref().to_vec();
        let cert_id = der::sequence(&[
            der::sequence(&[der::oid(&[1, 3, 14, 3, 2, 26]), der::null()]),
            der::octet_string(&sha1(&self.issuer.subject)),
            der::octet_string(&sha1(rcgen::PublicKeyData::der_bytes(self.issuer.key.as_ref()))),
            der::unsigned(&self.certificate_serial),
        ]);
        self.respond(&cert_id, true, None)
    }

    fn respond(&self, cert_id: &[u8], known: bool, nonce: Option<Vec<u8>>) -> Result<Vec<u8>, LabError> {
        let profile = &self.profile;
        let cert_id = match profile.fault {
            Some(OcspFault::WrongCertificate) => with_other_serial(cert_id),
            _ => cert_id.to_vec(),
        };
        let status = match if known { profile.status } else { Status::Unknown } {
            Status::Good => der::tlv(0x80, &[]),
            Status::Unknown => der::tlv(0x82, &[]),
            Status::Revoked => {
                let mut info = der::generalized_time(profile.revoked_at.from(self.now));
                if let Some(reason) = profile.reason {
                    info.extend(der::explicit(0, &der::enumerated(reason)));
                }
                der::tlv(0xa1, &info)
            }
        };
        let mut single = vec![cert_id, status, der::generalized_time(profile.this_update.from(self.now))];
        if !profile.no_next_update {
            single.push(der::explicit(0, &der::generalized_time(profile.next_update.from(self.now))));
        }
        let responder = match profile.responder_id {
            ResponderForm::Name => der::explicit(1, &self.signer.subject),
            ResponderForm::Key => {
                let bits = rcgen::PublicKeyData::der_bytes(self.signer.key.as_ref());
                let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bits);
                der::explicit(2, &der::octet_string(hash.as_ref()))
            }
        };
        let produced_at = profile.produced_at.unwrap_or(profile.this_update).from(self.now);
        let mut data = vec![responder, der::generalized_time(produced_at), der::sequence(&[der::sequence(&single)])];
        if let Some(nonce) = nonce {
            data.push(der::explicit(1, &der::sequence(&[nonce])));
        }
        let tbs = der::sequence(&data);
        let message: &[u8] = if profile.fault == Some(OcspFault::BadSignature) { b"something else" } else { &tbs };
        let signed = self.signer.key.sign_with(profile.signature, message)?;
        let mut basic = vec![tbs, signed.algorithm, der::bit_string(&signed.signature)];
        if self.embedded {
            basic.push(der::explicit(0, &der::sequence(&[self.signer.der.to_vec()])));
        }
        let bytes =
            der::sequence(&[der::oid(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 1]), der::octet_string(&der::sequence(&basic))]);
        Ok(der::sequence(&[der::enumerated(0), der::explicit(0, &bytes)]))
    }
}

/// The first `CertID` and the nonce of an `OCSPRequest`.
fn question(request: &[u8]) -> Option<Question> {
    let (outer, _) = reader::expect(request, reader::SEQUENCE)?;
    let (tbs, _) = reader::expect(outer.value, reader::SEQUENCE)?;
    let mut cert_id = None;
    let mut nonce = None;
    for field in reader::elements(tbs.value) {
        let field = field?;
        match field.tag {
            reader::SEQUENCE if cert_id.is_none() => {
                let (first, _) = reader::expect(field.value, reader::SEQUENCE)?;
                cert_id = Some(reader::expect(first.value, reader::SEQUENCE)?.0);
            }
            0xa2 => {
                let (extensions, _) = reader::expect(field.value, reader::SEQUENCE)?;
                for extension in reader::elements(extensions.value) {
                    let extension = extension?;
                    let (oid, _) = reader::expect(extension.value, reader::OID)?;
                    if reader::oid_to_string(oid.value) == "1.3.6.1.5.5.7.48.1.2" {
                        nonce = Some(extension.whole.to_vec());
                    }
                }
            }
            _ => {}
        }
    }
    let cert_id = cert_id?;
    let serial = reader::elements(cert_id.value).nth(3)??;
    Some(Question { cert_id: cert_id.whole.to_vec(), serial: serial.value.to_vec(), nonce })
}

/// The same `CertID` with another serial number.
fn with_other_serial(cert_id: &[u8]) -> Vec<u8> {
    let mut fields: Vec<Vec<u8>> = reader::read(cert_id)
        .map(|(cert_id, _)| reader::elements(cert_id.value).flatten().map(|field| field.whole.to_vec()).collect())
        .unwrap_or_default();
    if let Some(serial) = fields.last_mut() {
        *serial = der::unsigned(&[0x22; 16]);
    }
    der::sequence(&fields)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::lab::ca::{Profile, issue};
    use crate::lab::key::Key;
    use crate::x509::ocsp::{BasicResponse, CertStatus, OcspResponse, ResponderId, parse, request};

    struct Stage {
        ca: Issued,
        leaf: Issued,
        delegate: Issued,
    }

    fn stage() -> Stage {
        let now = Timestamp::now();
        let certificate = |subject: &str, more: &str, issuer: Option<&Issued>| {
            let text =
                format!("subject = \"{subject}\"\nissuer = \"-\"\nnot_before = \"-1d\"\nnot_after = \"+9d\"\n{more}");
            let profile: Profile = toml::from_str(&text).unwrap();
            let key = Arc::new(Key::new(profile.key).unwrap());
            issue(&profile, &key, issuer.map(|issuer| ("CA".into(), issuer.key.as_ref())), now).unwrap()
        };
        let ca = certificate("CA", "ca = true\nkey = \"rsa2048\"", None);
        let leaf = certificate("leaf", "", Some(&ca));
        let delegate = certificate("delegate", "purposes = [\"OCSPSigning\"]\nnocheck = true", Some(&ca));
        Stage { ca, leaf, delegate }
    }

    impl Stage {
        fn responder(&self, text: &str) -> Responder {
            let base = "certificate = \"leaf\"\nissuer = \"ca\"\nthis_update = \"-1h\"\nnext_update = \"+1d\"\n";
            let find = |name: &str| {
                Ok(match name {
                    "ca" => &self.ca,
                    "leaf" => &self.leaf,
                    _ => &self.delegate,
                })
            };
            Responder::new(&toml::from_str(&format!("{base}{text}")).unwrap(), &find, Timestamp::now()).unwrap()
        }

        fn request(&self, nonce: Option<&[u8; 32]>) -> Vec<u8> {
            request(self.leaf.certificate.as_ref().unwrap(), self.ca.certificate.as_ref().unwrap(), nonce)
        }

        fn matches(&self, response: &BasicResponse) -> bool {
            let (leaf, ca) = (self.leaf.certificate.as_ref().unwrap(), self.ca.certificate.as_ref().unwrap());
            response.responses[0].cert_id.matches(leaf, ca)
        }
    }

    fn basic(octets: Vec<u8>) -> BasicResponse {
        match parse(&octets.into()).unwrap() {
            OcspResponse::Basic(basic) => *basic,
            OcspResponse::Error(status) => panic!("{}", status.name()),
        }
    }

    #[test]
    fn a_good_answer_holds_in_every_respect() {
        let stage = stage();
        let nonce = [7; 32];
        let response = basic(stage.responder("").answer(&stage.request(Some(&nonce))).unwrap());
        let ca = stage.ca.certificate.as_ref().unwrap();
        response.verify(&ca.key).unwrap();
        assert!(response.is_by(ca) && stage.matches(&response));
        assert_eq!(response.responses[0].status, CertStatus::Good);
        assert_eq!(response.nonce.as_deref(), Some(&nonce[..]));
        let staple = basic(stage.responder("").staple().unwrap());
        staple.verify(&ca.key).unwrap();
        assert!(stage.matches(&staple) && staple.nonce.is_none());
    }

    #[test]
    fn a_delegate_signs_and_is_embedded() {
        let stage = stage();
        let text =
            "signer = \"delegate\"\nresponder_id = \"name\"\nstatus = \"revoked\"\nrevoked_at = \"-2d\"\nreason = 1";
        let response = basic(stage.responder(text).answer(&stage.request(None)).unwrap());
        let delegate = stage.delegate.certificate.as_ref().unwrap();
        response.verify(&delegate.key).unwrap();
        assert!(response.is_by(delegate) && matches!(response.responder_id, ResponderId::ByName(_)));
        assert_eq!(response.certificates, std::slice::from_ref(&stage.delegate.der));
        assert!(
            matches!(response.responses[0].status, CertStatus::Revoked { reason: Some(reason), .. } if reason.0 == 1)
        );
    }

    #[test]
    fn habits_and_faults_do_what_they_say() {
        let stage = stage();
        let nonce = [7; 32];
        let (with, without) = (stage.request(Some(&nonce)), stage.request(None));
        let ca = &stage.ca.certificate.as_ref().unwrap().key;
        let answer = |text: &str, request: &[u8]| stage.responder(text).answer(request).unwrap();
        assert_eq!(basic(answer("nonce = \"ignored\"", &with)).nonce, None);
        let other = basic(answer("nonce = \"different\"", &with)).nonce;
        assert!(other.is_some() && other.as_deref() != Some(&nonce[..]));
        assert_eq!(answer("nonce = \"refused\"", &with), error(1));
        assert!(basic(answer("nonce = \"refused\"", &without)).verify(ca).is_ok());
        assert_eq!(answer("error = 3", &without), error(3));
        assert!(basic(answer("fault = \"bad-signature\"", &without)).verify(ca).is_err());
        assert!(parse(&answer("fault = \"garbage\"", &without).into()).is_err());
        assert!(!stage.matches(&basic(answer("fault = \"wrong-certificate\"", &without))));
        assert_eq!(basic(answer("no_next_update = true", &without)).responses[0].next_update, None);
        assert!(basic(answer("signature = \"sha1\"", &without)).signature_algorithm.is_weak());
        let early = basic(answer("produced_at = \"-3h\"", &without));
        assert!(early.produced_at < early.responses[0].this_update);
        let other = Responder { certificate_serial: vec![1], ..stage.responder("") };
        assert_eq!(basic(other.answer(&without).unwrap()).responses[0].status, CertStatus::Unknown);
        assert_eq!(other.answer(b"nonsense").unwrap(), error(1));
    }
}
