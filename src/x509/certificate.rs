//! Certificates (RFC 5280 §4), decoded once and owned.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;
use jiff::Timestamp;
use x509_parser::extensions as parsed;
use x509_parser::nom::Parser as _;
use x509_parser::prelude::{FromDer, X509CertificateParser};

use super::der::{self, SEQUENCE};
use super::extensions::{DistributionPoint, Extension, GeneralName, oid};
use super::key::PublicKey;
use super::name::Name;
use super::signature::{self, AlgorithmIdentifier, SignatureError, Signed};

/// The largest certificate that is looked at, in octets. Real ones stay under 10 kB; the bound is
/// there for hostile ones.
pub const MAX_CERTIFICATE_SIZE: usize = 256 * 1024;

/// SHA-256 over a certificate's DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Of these octets.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        let mut octets = [0; 32];
        octets.copy_from_slice(digest::digest(&digest::SHA256, der).as_ref());
        Self(octets)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A certificate serial number: the contents octets of the INTEGER.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Serial(pub Bytes);

impl Serial {
    /// The shortest two's complement form: what two spellings of one number have in common, and two numbers
    /// never. 255 is `00 ff`, and -1, which the octet by itself would be, is `ff`.
    #[must_use]
    pub fn minimal(&self) -> &[u8] {
        minimal(&self.0)
    }

    /// Whether both are the same number, however each is spelt.
    #[must_use]
    pub fn is_same_number(&self, other: &Self) -> bool {
        self.minimal() == other.minimal()
    }

    /// The octets without leading zeros (one is kept for zero itself), to be shown, and to compare numbers
    /// that are never negative.
    #[must_use]
    pub fn magnitude(&self) -> &[u8] {
        let zeros = self.0.iter().take_while(|octet| **octet == 0).count();
        self.0.get(zeros.min(self.0.len().saturating_sub(1))..).unwrap_or_default()
    }
}

/// The shortest two's complement form of an INTEGER's contents (X.690 §8.3.2).
#[must_use]
pub fn minimal(contents: &[u8]) -> &[u8] {
    let mut rest = contents;
    while let [first, second, ..] = rest
        && matches!((first, second & 0x80), (0, 0) | (0xff, 0x80))
        && let Some((_, shorter)) = rest.split_first()
    {
        rest = shorter;
    }
    rest
}

impl fmt::Display for Serial {
    /// Lower-case hexadecimal, an even number of digits, no leading zero octet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.magnitude().iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `BasicConstraints` (RFC 5280 §4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// `cA`
    pub ca: bool,
    /// `pathLenConstraint`
    pub path_len_constraint: Option<u32>,
}

/// `KeyUsage` bits (RFC 5280 §4.2.1.3): bit *n* of the BIT STRING is bit *n* of the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    /// `digitalSignature`
    #[must_use]
    pub fn digital_signature(self) -> bool {
        self.0 & 1 != 0
    }
    /// `keyCertSign`
    #[must_use]
    pub fn key_cert_sign(self) -> bool {
        self.0 & (1 << 5) != 0
    }
    /// `cRLSign`
    #[must_use]
    pub fn crl_sign(self) -> bool {
        self.0 & (1 << 6) != 0
    }
}

/// Where decoding stopped, and at what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{element} at offset {offset} does not decode: {reason}")]
pub struct CertificateError {
    /// Octets from the start of the certificate.
    pub offset: usize,
    /// The field or extension that was being read.
    pub element: String,
    /// What is wrong with it.
    pub reason: String,
}

/// One certificate. Cheap to share as `Arc<Certificate>`; equality is equality of the octets.
#[derive(Clone)]
pub struct Certificate {
    /// The whole encoding.
    pub der: Bytes,
    /// `tbsCertificate` as signed, header included.
    pub tbs: Bytes,
    /// SHA-256 over `der`.
    pub sha256: Fingerprint,
    /// 1, 2 or 3 (the encoded number plus one).
    pub version: u32,
    /// `serialNumber`
    pub serial: Serial,
    /// `signatureAlgorithm` (the outer one).
    pub signature_algorithm: AlgorithmIdentifier,
    /// Whether the inner `signature` field differs from it (RFC 5280 §4.1.1.2 forbids that).
    pub signature_algorithms_differ: bool,
    /// `signatureValue` without the unused-bits octet.
    pub signature: Bytes,
    /// `issuer`
    pub issuer: Name,
    /// `subject`
    pub subject: Name,
    /// `notBefore`, inclusive.
    pub not_before: Timestamp,
    /// `notAfter`, inclusive.
    pub not_after: Timestamp,
    /// `subjectPublicKeyInfo`
    pub key: PublicKey,
    /// Every extension, in order, duplicates included.
    pub extensions: Vec<Extension>,
    /// `basicConstraints`
    pub basic_constraints: Option<BasicConstraints>,
    /// `keyUsage`
    pub key_usage: Option<KeyUsage>,
    /// `extKeyUsage` as dotted OIDs; `None` where the extension is absent.
    pub extended_key_usage: Option<Vec<String>>,
    /// `subjectAltName`; `None` where the extension is absent.
    pub subject_alt_names: Option<Vec<GeneralName>>,
    /// `subjectKeyIdentifier`
    pub subject_key_identifier: Option<Bytes>,
    /// `authorityKeyIdentifier.keyIdentifier`
    pub authority_key_identifier: Option<Bytes>,
    /// `cRLDistributionPoints`
    pub crl_distribution_points: Vec<DistributionPoint>,
    /// `freshestCRL`
    pub freshest_crl: Vec<DistributionPoint>,
    /// URLs of `id-ad-ocsp` access descriptions, any scheme.
    pub ocsp_urls: Vec<String>,
    /// URLs of `id-ad-caIssuers` access descriptions, any scheme.
    pub ca_issuers_urls: Vec<String>,
    /// TLS feature `status_request` (RFC 7633).
    pub must_staple: bool,
}

impl Certificate {
    /// Decodes one DER certificate; octets after it are an error.
    ///
    /// # Errors
    /// The element that does not decode, and where.
    pub fn from_der(der: impl Into<Bytes>) -> Result<Self, CertificateError> {
        let (certificate, malformed) = Self::decode(der.into())?;
        malformed.map_or(Ok(certificate), Err)
    }

    /// Decodes a trust anchor's certificate, of which nothing counts but name, key and validity (RFC 5280 §6.1.1 (d)): an
    /// extension whose value does not decode is as good as absent.
    ///
    /// # Errors
    /// The field that does not decode, and where.
    pub fn anchor_from_der(der: impl Into<Bytes>) -> Result<Self, CertificateError> {
        Self::decode(der.into()).map(|(certificate, _)| certificate)
    }

    /// The certificate, and the first of its extensions whose value does not decode.
    fn decode(der: Bytes) -> Result<(Self, Option<CertificateError>), CertificateError> {
        if der.len() > MAX_CERTIFICATE_SIZE {
            return Err(fail(0, "certificate", "it is longer than any certificate can sensibly be"));
        }
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        let (rest, outer) = parser.parse(&der).map_err(|error| locate(&der, &error))?;
        if !rest.is_empty() {
            return Err(fail(der.len() - rest.len(), "certificate", "octets follow after its end"));
        }
        let key = PublicKey::parse(der.slice_ref(outer.public_key().raw))
            .ok_or_else(|| at(&der, outer.public_key().raw, "subjectPublicKeyInfo", "not a public key"))?;
        let tbs = der.slice_ref(outer.tbs_certificate.as_ref());
        let (not_before, not_after) = validity(&tbs).ok_or_else(|| fail(4, "validity", "not two times"))?;
        let (signature_algorithm, signature) = signature_parts(&der)
            .ok_or_else(|| fail(tbs.len() + 4, "signatureValue", "not a bit string of whole octets"))?;
        let inner = inner_signature_algorithm(&tbs).ok_or_else(|| fail(4, "signature", "not an algorithm"))?;
        let extensions: Vec<Extension> = outer
            .extensions()
            .iter()
            .map(|extension| Extension {
                oid: der::oid_to_string(extension.oid.as_bytes()),
                critical: extension.critical,
                value: der.slice_ref(extension.value),
            })
            .collect();
        let mut certificate = Self {
            sha256: Fingerprint::of(&der),
            version: outer.version().0.saturating_add(1),
            serial: Serial(der.slice_ref(outer.raw_serial())),
            signature_algorithms_differ: inner != signature_algorithm,
            signature_algorithm,
            signature,
            issuer: Name::from_der(der.slice_ref(outer.issuer().as_raw())),
            subject: Name::from_der(der.slice_ref(outer.subject().as_raw())),
            not_before,
            not_after,
            key,
            tbs,
            extensions: Vec::new(),
            basic_constraints: None,
            key_usage: None,
            extended_key_usage: None,
            subject_alt_names: None,
            subject_key_identifier: None,
            authority_key_identifier: None,
            crl_distribution_points: Vec::new(),
            freshest_crl: Vec::new(),
            ocsp_urls: Vec::new(),
            ca_issuers_urls: Vec::new(),
            must_staple: false,
            der: der.clone(),
        };
        let mut malformed = None;
        for extension in &extensions {
            if certificate.read_extension(extension).is_none() {
                let reason = "the value is not what the extension is defined as";
                malformed = malformed.or(Some(at(&der, &extension.value, extension_name(&extension.oid), reason)));
            }
        }
        certificate.extensions = extensions;
        Ok((certificate, malformed))
    }

    /// Verifies its signature with this key.
    ///
    /// # Errors
    /// [`SignatureError`]: not supported, or invalid.
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        signature::verify(&self.signature_algorithm, key, Signed::Message(&self.tbs), &self.signature)
    }

    /// SHA-1 over the DER, as Windows shows it.
    #[must_use]
    pub fn sha1(&self) -> [u8; 20] {
        let mut octets = [0; 20];
        octets.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.der).as_ref());
        octets
    }

    /// The first extension of this OID.
    #[must_use]
    pub fn extension(&self, oid: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// Whether it may issue certificates, as far as `basicConstraints` says.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.basic_constraints.is_some_and(|constraints| constraints.ca)
    }

    /// Whether issuer and subject are the same name (RFC 5280 §3.2).
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject.matches(&self.issuer)
    }

    /// Whether it was valid at that instant; both ends are inclusive (RFC 5280 §4.1.2.5).
    #[must_use]
    pub fn valid_at(&self, at: Timestamp) -> bool {
        self.not_before <= at && at <= self.not_after
    }

    /// Every CRL URL of every distribution point, once each, in order.
    #[must_use]
    pub fn crl_urls(&self) -> Vec<String> {
        let mut urls: Vec<String> = Vec::new();
        for url in self.crl_distribution_points.iter().flat_map(DistributionPoint::urls) {
            if !urls.iter().any(|known| known == url) {
                urls.push(url.to_owned());
            }
        }
        urls
    }

    /// `None` when the value does not decode.
    fn read_extension(&mut self, extension: &Extension) -> Option<()> {
        let value = extension.value.as_ref();
        match extension.oid.as_str() {
            oid::BASIC_CONSTRAINTS => {
                let (_, constraints) = parsed::BasicConstraints::from_der(value).ok()?;
                self.basic_constraints =
                    Some(BasicConstraints { ca: constraints.ca, path_len_constraint: constraints.path_len_constraint });
            }
            oid::KEY_USAGE => {
                let (bits, []) = der::expect(value, 0x03)? else { return None };
                self.key_usage = Some(KeyUsage(super::extensions::ReasonFlags::from_bit_string(bits.value).0));
            }
            oid::EXTENDED_KEY_USAGE => {
                let (sequence, []) = der::expect(value, SEQUENCE)? else { return None };
                let purposes: Option<Vec<String>> = der::elements(sequence.value)
                    .map(|purpose| {
                        purpose
                            .filter(|purpose| purpose.tag == der::OID)
                            .map(|purpose| der::oid_to_string(purpose.value))
                    })
                    .collect();
                self.extended_key_usage = Some(purposes?);
            }
            oid::SUBJECT_ALT_NAME => {
                let (sequence, []) = der::expect(value, SEQUENCE)? else { return None };
                self.subject_alt_names = Some(GeneralName::list(sequence.value)?);
            }
            oid::SUBJECT_KEY_IDENTIFIER => {
                let (identifier, []) = der::expect(value, 0x04)? else { return None };
                self.subject_key_identifier = Some(extension.value.slice_ref(identifier.value));
            }
            oid::AUTHORITY_KEY_IDENTIFIER => {
                let (sequence, []) = der::expect(value, SEQUENCE)? else { return None };
                for field in der::elements(sequence.value) {
                    let field = field?;
                    if field.tag == 0x80 {
                        self.authority_key_identifier = Some(extension.value.slice_ref(field.value));
                    }
                }
            }
            oid::CRL_DISTRIBUTION_POINTS => self.crl_distribution_points = DistributionPoint::list(value)?,
            oid::FRESHEST_CRL => self.freshest_crl = DistributionPoint::list(value)?,
            oid::AUTHORITY_INFO_ACCESS => {
                let (sequence, []) = der::expect(value, SEQUENCE)? else { return None };
                for description in der::elements(sequence.value) {
                    let description = description.filter(|description| description.tag == SEQUENCE)?;
                    let (method, rest) = der::expect(description.value, der::OID)?;
                    let (location, _) = der::read(rest)?;
                    if let GeneralName::Uri(url) = GeneralName::from_tlv(&location) {
                        match der::oid_to_string(method.value).as_str() {
                            "1.3.6.1.5.5.7.48.1" => self.ocsp_urls.push(url),
                            "1.3.6.1.5.5.7.48.2" => self.ca_issuers_urls.push(url),
                            _ => {}
                        }
                    }
                }
            }
            oid::TLS_FEATURE => {
                let (sequence, []) = der::expect(value, SEQUENCE)? else { return None };
                self.must_staple = der::elements(sequence.value)
                    .flatten()
                    .any(|feature| feature.tag == der::INTEGER && feature.value == [5]);
            }
            _ => {}
        }
        Some(())
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {})", self.subject, self.serial)
    }
}

/// A certificate that several owners look at.
pub type SharedCertificate = Arc<Certificate>;

/// What people call an extension; its OID where they have no name for it.
#[must_use]
pub fn extension_name(oid: &str) -> &str {
    match oid {
        oid::SUBJECT_KEY_IDENTIFIER => "subjectKeyIdentifier",
        oid::KEY_USAGE => "keyUsage",
        oid::SUBJECT_ALT_NAME => "subjectAltName",
        oid::BASIC_CONSTRAINTS => "basicConstraints",
        oid::CRL_NUMBER => "cRLNumber",
        oid::DELTA_CRL_INDICATOR => "deltaCRLIndicator",
        oid::ISSUING_DISTRIBUTION_POINT => "issuingDistributionPoint",
        oid::CERTIFICATE_ISSUER => "certificateIssuer",
        oid::NAME_CONSTRAINTS => "nameConstraints",
        oid::CRL_DISTRIBUTION_POINTS => "cRLDistributionPoints",
        oid::CERTIFICATE_POLICIES => "certificatePolicies",
        oid::POLICY_MAPPINGS => "policyMappings",
        oid::AUTHORITY_KEY_IDENTIFIER => "authorityKeyIdentifier",
        oid::POLICY_CONSTRAINTS => "policyConstraints",
        oid::EXTENDED_KEY_USAGE => "extKeyUsage",
        oid::FRESHEST_CRL => "freshestCRL",
        oid::INHIBIT_ANY_POLICY => "inhibitAnyPolicy",
        oid::AUTHORITY_INFO_ACCESS => "authorityInfoAccess",
        oid::TLS_FEATURE => "TLS feature",
        oid::SCT_LIST => "signed certificate timestamps",
        oid::CT_POISON => "precertificate poison",
        other => other,
    }
}

fn fail(offset: usize, element: &str, reason: &str) -> CertificateError {
    CertificateError { offset, element: element.to_owned(), reason: reason.to_owned() }
}

/// The error for a slice of `der`, whose offset is where the slice begins.
fn at(der: &[u8], part: &[u8], element: &str, reason: &str) -> CertificateError {
    let offset = part.as_ptr().addr().saturating_sub(der.as_ptr().addr()).min(der.len());
    fail(offset, element, reason)
}

/// Finds the field at which the library gave up: the first one, in order, that is not a whole
/// element of the tag that belongs there.
fn locate(der: &[u8], error: &impl fmt::Display) -> CertificateError {
    let reason = error.to_string();
    let Some((outer, _)) = der::expect(der, SEQUENCE) else {
        return fail(0, "certificate", "not a DER sequence, or cut short");
    };
    let Some((tbs, after)) = der::expect(outer.value, SEQUENCE) else {
        return at(der, outer.value, "tbsCertificate", "not a DER sequence, or cut short");
    };
    let fields: [(&str, u8); 7] = [
        ("version", 0xa0),
        ("serialNumber", der::INTEGER),
        ("signature", SEQUENCE),
        ("issuer", SEQUENCE),
        ("validity", SEQUENCE),
        ("subject", SEQUENCE),
        ("subjectPublicKeyInfo", SEQUENCE),
    ];
    let mut rest = tbs.value;
    for (name, tag) in fields {
        match der::read(rest) {
            Some((tlv, following)) if tlv.tag == tag => {
                let sound = match name {
                    "validity" => validity_times(tlv.value).is_some(),
                    "issuer" | "subject" => x509_parser::x509::X509Name::from_der(tlv.whole).is_ok(),
                    "subjectPublicKeyInfo" => x509_parser::x509::SubjectPublicKeyInfo::from_der(tlv.whole).is_ok(),
                    _ => true,
                };
                if !sound {
                    return at(der, rest, name, "its contents are malformed");
                }
                rest = following;
            }
            _ if name == "version" => {}
            Some(_) => return at(der, rest, name, "another type stands there"),
            None => return at(der, rest, name, "cut short"),
        }
    }
    if !rest.is_empty() {
        return at(der, rest, "extensions", &reason);
    }
    at(der, after, "signatureAlgorithm", &reason)
}

fn tbs_fields(tbs: &[u8]) -> Option<impl Iterator<Item = der::Tlv<'_>>> {
    let (sequence, _) = der::expect(tbs, SEQUENCE)?;
    Some(der::elements(sequence.value).map_while(|tlv| tlv).skip_while(|tlv| tlv.tag == 0xa0))
}

fn inner_signature_algorithm(tbs: &Bytes) -> Option<AlgorithmIdentifier> {
    AlgorithmIdentifier::parse(tbs.slice_ref(tbs_fields(tbs)?.nth(1)?.whole))
}

fn validity(tbs: &[u8]) -> Option<(Timestamp, Timestamp)> {
    validity_times(tbs_fields(tbs)?.nth(3)?.value)
}

fn validity_times(contents: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (not_before, rest) = der::read(contents)?;
    let (not_after, _) = der::read(rest)?;
    Some((der::time(not_before.tag, not_before.value)?, der::time(not_after.tag, not_after.value)?))
}

fn signature_parts(der: &Bytes) -> Option<(AlgorithmIdentifier, Bytes)> {
    let (outer, _) = der::expect(der, SEQUENCE)?;
    let (_, rest) = der::read(outer.value)?;
    let (algorithm, rest) = der::expect(rest, SEQUENCE)?;
    let (signature, _) = der::expect(rest, 0x03)?;
    // Every algorithm signs in whole octets, so no bit is unused.
    let signature = signature.value.strip_prefix(&[0])?;
    Some((AlgorithmIdentifier::parse(der.slice_ref(algorithm.whole))?, der.slice_ref(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Certificate {
        let mut parameters = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        parameters.serial_number = Some(rcgen::SerialNumber::from(vec![0, 0x9a, 1]));
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        Certificate::from_der(certificate.der().to_vec()).unwrap()
    }

    #[test]
    fn reads_the_fields_that_judging_needs() {
        let certificate = sample();
        assert_eq!(certificate.version, 3);
        assert_eq!(certificate.serial.to_string(), "9a01");
        assert_eq!(certificate.subject_alt_names, Some(vec![GeneralName::Dns("a.test".into())]));
        assert_eq!(certificate.extended_key_usage, Some(vec!["1.3.6.1.5.5.7.3.1".into()]));
        assert_eq!(certificate.key.curve(), Some("P-256"));
        assert!(certificate.is_self_issued() && !certificate.signature_algorithms_differ);
    }

    #[test]
    fn every_truncation_and_every_changed_octet_is_survived() {
        let der = sample().der;
        for end in 0..der.len() {
            assert!(Certificate::from_der(der.slice(..end)).is_err());
        }
        for index in 0..der.len() {
            for flip in [0x01, 0x20, 0x80, 0xff] {
                let mut changed = der.to_vec();
                changed[index] ^= flip;
                let _ = Certificate::from_der(changed);
            }
        }
    }

    #[test]
    fn errors_name_the_element() {
        let der = sample().der;
        let error = Certificate::from_der(der.slice(..40)).unwrap_err();
        assert_eq!(error.element, "certificate");
        let mut changed = der.to_vec();
        let needle = [0x17, 0x0d];
        let position = changed.windows(2).position(|window| window == needle).unwrap();
        changed[position + 2] = b'x';
        assert_eq!(Certificate::from_der(changed).unwrap_err().element, "validity");
    }
}
