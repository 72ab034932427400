//! Issues the lab's certificates, sound ones by rcgen, broken ones by taking those apart and
//! signing them again.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyUsagePurpose, NameConstraints, SerialNumber,
};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;

use super::key::{Key, KeyKind, SigningHash};
use super::offset::Offset;
use super::subject::{ORGANIZATION, Subject, attribute, name};
use super::{LabError, der};
use crate::x509::Certificate;
use crate::x509::der as reader;

/// What a certificate is to say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Common name of the subject.
    pub subject: String,
    /// Organization of the subject: the lab's unless given, none if empty.
    pub organization: Option<String>,
    /// Organizational units of the subject.
    #[serde(default)]
    pub organizational_units: Vec<String>,
    /// Name, among the lab's certificates, of the one that issues it; its own for a self-signed one.
    pub issuer: String,
    /// What key to make.
    #[serde(default)]
    pub key: KeyKind,
    /// Take the key of that certificate of the lab instead (cross-signing).
    pub key_of: Option<String>,
    /// The hash its issuer signs it with.
    #[serde(default)]
    pub signature: SigningHash,
    /// `notBefore`
    pub not_before: Offset,
    /// `notAfter`
    pub not_after: Offset,
    /// `basicConstraints.cA`
    #[serde(default)]
    pub ca: bool,
    /// `basicConstraints.pathLenConstraint`
    pub path_len: Option<u8>,
    /// `keyUsage` with `keyCertSign` and `cRLSign`; where not given, as `ca`.
    pub signs: Option<bool>,
    /// DNS names and addresses of `subjectAltName`; none: no extension.
    #[serde(default)]
    pub names: Vec<String>,
    /// `extKeyUsage`; none: no extension.
    #[serde(default)]
    pub purposes: Vec<KeyPurpose>,
    /// `nameConstraints.permittedSubtrees`, DNS names.
    #[serde(default)]
    pub permitted: Vec<String>,
    /// `nameConstraints.excludedSubtrees`, DNS names.
    #[serde(default)]
    pub excluded: Vec<String>,
    /// `cRLDistributionPoints`
    #[serde(default)]
    pub crl: Vec<Point>,
    /// `freshestCRL`
    #[serde(default)]
    pub freshest: Vec<Point>,
    /// `id-ad-ocsp` URLs.
    #[serde(default)]
    pub ocsp: Vec<String>,
    /// `id-ad-caIssuers` URLs.
    #[serde(default)]
    pub ca_issuers: Vec<String>,
    /// TLS feature `status_request`.
    #[serde(default)]
    pub must_staple: bool,
    /// Two embedded signed certificate timestamps, of no log's key.
    #[serde(default)]
    pub scts: bool,
    /// `certificatePolicies`, as lists of arcs.
    #[serde(default)]
    pub policies: Vec<Vec<u64>>,
    /// `id-pkix-ocsp-nocheck`
    #[serde(default)]
    pub nocheck: bool,
    /// Leave `authorityKeyIdentifier` out.
    #[serde(default)]
    pub unidentified: bool,
    /// An extension nobody knows, critical or not.
    pub unknown_extension: Option<Criticality>,
    /// What is broken about it.
    pub fault: Option<Fault>,
}

impl Profile {
    /// A self-signed CA and nothing more.
    #[must_use]
    pub fn authority(subject: &str, not_before: Offset, not_after: Offset) -> Self {
        Self {
            subject: subject.to_owned(),
            organization: None,
            organizational_units: Vec::new(),
            issuer: subject.to_owned(),
            key: KeyKind::default(),
            key_of: None,
            signature: SigningHash::default(),
            not_before,
            not_after,
            ca: true,
            path_len: None,
            signs: None,
            names: Vec::new(),
            purposes: Vec::new(),
            permitted: Vec::new(),
            excluded: Vec::new(),
            crl: Vec::new(),
            freshest: Vec::new(),
            ocsp: Vec::new(),
            ca_issuers: Vec::new(),
            must_staple: false,
            scts: false,
            policies: Vec::new(),
            nocheck: false,
            unidentified: false,
            unknown_extension: None,
            fault: None,
        }
    }

    /// Its subject.
    #[must_use]
    pub fn name(&self) -> Subject<'_> {
        Subject {
            common_name: &self.subject,
            organization: self.organization.as_deref().unwrap_or(ORGANIZATION),
            organizational_units: &self.organizational_units,
        }
    }
}

/// `extKeyUsage` purposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyPurpose {
    /// TLS server.
    ServerAuth,
    /// TLS client.
    ClientAuth,
    /// OCSP responder.
    #[serde(rename = "OCSPSigning")]
    OcspSigning,
    /// Code.
    CodeSigning,
}

/// One `DistributionPoint`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// URLs of its `fullName`.
    #[serde(default)]
    pub urls: Vec<String>,
    /// Common name that is its `nameRelativeToCRLIssuer`.
    pub relative: Option<String>,
    /// `ReasonFlags`, bit numbers (RFC 5280 §4.2.1.13): 1 keyCompromise, 2 cACompromise, …
    pub reasons: Option<Vec<u8>>,
    /// Common name of `cRLIssuer`.
    pub crl_issuer: Option<String>,
}

/// Of an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criticality {
    /// Who does not know it must refuse.
    Critical,
    /// Who does not know it may pass over it.
    NonCritical,
}

/// How a certificate is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The signature does not verify.
    BadSignature,
    /// `notAfter` holds a thirteenth month.
    BadTime,
    /// Version 1, without extensions.
    Version1,
    /// Signed with an algorithm that no TLS client knows (ecdsa-with-SHA3-256).
    UnsupportedAlgorithm,
}

/// A certificate of the lab with its private key.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Its encoding, however broken.
    pub der: Bytes,
    /// Decoded; `None` where it is broken.
    pub certificate: Option<Arc<Certificate>>,
    /// `subject`, DER.
    pub subject: Vec<u8>,
    /// Serial number, magnitude octets.
    pub serial: Vec<u8>,
    /// Its key pair.
    pub key: Arc<Key>,
}

/// An extension nobody knows, under the enterprise number kept for documentation (RFC 5612).
pub(super) const UNKNOWN_EXTENSION: &[u64] = &[1, 3, 6, 1, 4, 1, 32473, 1];

/// Octets from the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], LabError> {
    let mut octets = [0; N];
    SystemRandom::new()
        .fill(&mut octets)
        .map_err(|_| LabError::Stage("the system gives no random numbers".to_owned()))?;
    Ok(octets)
}

/// Issues a certificate. `issuer` is the name and key of who signs; `None`: itself.
///
/// # Errors
/// What rcgen refuses (names that are no IA5 strings), or no randomness.
pub fn issue(
    profile: &Profile,
    key: &Arc<Key>,
    issuer: Option<(Subject<'_>, &Key)>,
    now: Timestamp,
) -> Result<Issued, LabError> {
    let mut serial: [u8; 16] = random()?;
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    let parameters = parameters(profile, &serial, now)?;
    let (issuer_name, issuer_key) = issuer.unwrap_or((profile.name(), key.as_ref()));
    let mut issuer_parameters = CertificateParams::default();
    issuer_parameters.distinguished_name = issuer_name.for_rcgen();
    let issued = parameters.signed_by(key.as_ref(), &Issuer::from_params(&issuer_parameters, issuer_key))?;
    let mut encoded = issued.der().to_vec();
    if profile.signature != SigningHash::default() || !issuer_name.is_for_rcgen() || !profile.name().is_for_rcgen() {
        encoded = reissue(&encoded, issuer_key, profile.signature, |fields| {
            for (place, name) in [(3, issuer_name), (5, profile.name())] {
                if let Some(field) = fields.get_mut(place) {
                    *field = name.der();
                }
            }
        })?;
    }
    if let Some(fault) = profile.fault {
        encoded = break_by(fault, encoded, issuer_key, profile.signature)?;
    }
    let der = Bytes::from(encoded);
    Ok(Issued {
        certificate: Certificate::from_der(der.clone()).ok().map(Arc::new),
        der,
        subject: profile.name().der(),
        serial: serial.to_vec(),
        key: Arc::clone(key),
    })
}

fn parameters(profile: &Profile, serial: &[u8], now: Timestamp) -> Result<CertificateParams, LabError> {
    let mut parameters = CertificateParams::new(profile.names.clone())?;
    parameters.distinguished_name = profile.name().for_rcgen();
    parameters.serial_number = Some(SerialNumber::from_slice(serial));
    parameters.not_before = instant(profile.not_before.from(now)).into();
    parameters.not_after = instant(profile.not_after.from(now)).into();
    parameters.use_authority_key_identifier_extension = !profile.unidentified;
    if profile.ca {
        let constraint = profile.path_len.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained);
        parameters.is_ca = IsCa::Ca(constraint);
    }
    parameters.key_usages = if profile.signs.unwrap_or(profile.ca) {
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature]
    } else {
        vec![KeyUsagePurpose::DigitalSignature]
    };
    parameters.extended_key_usages = profile
        .purposes
        .iter()
        .map(|purpose| match purpose {
            KeyPurpose::ServerAuth => ExtendedKeyUsagePurpose::ServerAuth,
            KeyPurpose::ClientAuth => ExtendedKeyUsagePurpose::ClientAuth,
            KeyPurpose::OcspSigning => ExtendedKeyUsagePurpose::OcspSigning,
            KeyPurpose::CodeSigning => ExtendedKeyUsagePurpose::CodeSigning,
        })
        .collect();
    let subtrees = |names: &[String]| names.iter().cloned().map(GeneralSubtree::DnsName).collect::<Vec<_>>();
    if !profile.permitted.is_empty() || !profile.excluded.is_empty() {
        parameters.name_constraints = Some(NameConstraints {
            permitted_subtrees: subtrees(&profile.permitted),
            excluded_subtrees: subtrees(&profile.excluded),
        });
    }
    parameters.custom_extensions = extensions(profile)?;
    Ok(parameters)
}

fn instant(at: Timestamp) -> SystemTime {
    let since = u64::try_from(at.as_second()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(since)
}

/// The extensions that rcgen does not write, or not in full.
fn extensions(profile: &Profile) -> Result<Vec<CustomExtension>, LabError> {
    let mut extensions = Vec::new();
    let mut add = |arcs: &[u64], value: Vec<u8>| extensions.push(CustomExtension::from_oid_content(arcs, value));
    if !profile.crl.is_empty() {
        add(&[2, 5, 29, 31], points(&profile.crl));
    }
    if !profile.freshest.is_empty() {
        add(&[2, 5, 29, 46], points(&profile.freshest));
    }
    let access: Vec<Vec<u8>> = [(&profile.ocsp, 1), (&profile.ca_issuers, 2)]
        .into_iter()
        .flat_map(|(urls, method)| {
            urls.iter().map(move |url| {
                der::sequence(&[der::oid(&[1, 3, 6, 1, 5, 5, 7, 48, method]), der::tlv(0x86, url.as_bytes())])
            })
        })
        .collect();
    if !access.is_empty() {
        add(&[1, 3, 6, 1, 5, 5, 7, 1, 1], der::sequence(&access));
    }
    if profile.must_staple {
        add(&[1, 3, 6, 1, 5, 5, 7, 1, 24], der::sequence(&[der::integer(5)]));
    }
    if profile.scts {
        add(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], sct_list()?);
    }
    if !profile.policies.is_empty() {
        let policies: Vec<Vec<u8>> = profile.policies.iter().map(|policy| der::sequence(&[der::oid(policy)])).collect();
        add(&[2, 5, 29, 32], der::sequence(&policies));
    }
    if profile.nocheck {
        add(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 5], der::null());
    }
    if let Some(criticality) = profile.unknown_extension {
        let mut unknown = CustomExtension::from_oid_content(UNKNOWN_EXTENSION, der::null());
        unknown.set_criticality(criticality == Criticality::Critical);
        extensions.push(unknown);
    }
    Ok(extensions)
}

/// `CRLDistributionPoints` (RFC 5280 §4.2.1.13).
#[must_use]
pub fn points(points: &[Point]) -> Vec<u8> {
    let encoded: Vec<Vec<u8>> = points
        .iter()
        .map(|point| {
            let mut fields = Vec::new();
            if let Some(name) = point_name(&point.urls, point.relative.as_deref()) {
                fields.push(name);
            }
            if let Some(reasons) = &point.reasons {
                fields.push(der::tlv(0x81, &der::named_bits(reason_bits(reasons))));
            }
            if let Some(issuer) = &point.crl_issuer {
                fields.push(der::tlv(0xa2, &der::explicit(4, &name(issuer))));
            }
            der::sequence(&fields)
        })
        .collect();
    der::sequence(&encoded)
}

/// `[0] DistributionPointName`: a `fullName` of URLs or a `nameRelativeToCRLIssuer`.
pub(super) fn point_name(urls: &[String], relative: Option<&str>) -> Option<Vec<u8>> {
    if let Some(common_name) = relative {
        return Some(der::explicit(0, &der::tlv(0xa1, &attribute(&[2, 5, 4, 3], common_name))));
    }
    let names: Vec<u8> = urls.iter().flat_map(|url| der::tlv(0x86, url.as_bytes())).collect();
    (!names.is_empty()).then(|| der::explicit(0, &der::tlv(0xa0, &names)))
}

/// `ReasonFlags` from bit numbers.
pub(super) fn reason_bits(reasons: &[u8]) -> u16 {
    reasons.iter().fold(0, |bits, reason| bits | 1u16.checked_shl(u32::from(*reason)).unwrap_or(0))
}

/// `SignedCertificateTimestampList` (RFC 6962 §3.3) of two timestamps whose logs do not exist.
fn sct_list() -> Result<Vec<u8>, LabError> {
    let mut list = Vec::new();
    for _ in 0..2 {
        let mut sct = vec![0];
        sct.extend(random::<32>()?);
        // 2026-01-01T00:00:00Z in milliseconds, no extensions, ECDSA with SHA-256.
        sct.extend(1_767_225_600_000_u64.to_be_bytes());
        sct.extend([0, 0, 4, 3]);
        let signature = der::sequence(&[der::unsigned(&random::<32>()?), der::unsigned(&random::<32>()?)]);
        sct.extend(two_octets(signature.len()));
        sct.extend(signature);
        list.extend(two_octets(sct.len()));
        list.extend(sct);
    }
    let mut whole = two_octets(list.len()).to_vec();
    whole.extend(list);
    Ok(der::octet_string(&whole))
}

fn two_octets(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

/// Takes a certificate apart, lets `edit` change the fields of its `tbsCertificate` (each with its
/// header; in a version 3 certificate: version, serial, signature, issuer, validity, subject, key,
/// extensions) and signs what comes out. The `signature` field is the one that fits `hash`, unless `edit`
/// changed it, and `signatureAlgorithm` repeats it.
///
/// # Errors
/// When the octets are no certificate, or signing fails.
pub fn reissue(
    certificate: &[u8],
    issuer_key: &Key,
    hash: SigningHash,
    edit: impl FnOnce(&mut Vec<Vec<u8>>),
) -> Result<Vec<u8>, LabError> {
    let broken = || LabError::Stage("only a certificate can be issued again".to_owned());
    let (outer, _) = reader::expect(certificate, reader::SEQUENCE).ok_or_else(broken)?;
    let (tbs, _) = reader::expect(outer.value, reader::SEQUENCE).ok_or_else(broken)?;
    let mut fields: Vec<Vec<u8>> = reader::elements(tbs.value)
        .map(|field| field.map(|field| field.whole.to_vec()))
        .collect::<Option<_>>()
        .ok_or_else(broken)?;
    *fields.get_mut(2).ok_or_else(broken)? = issuer_key.algorithm_identifier(hash);
    edit(&mut fields);
    let algorithm = fields.iter().find(|field| field.first() == Some(&0x30)).cloned().unwrap_or_default();
    let tbs = der::sequence(&fields);
    let signed = issuer_key.sign_with(hash, &tbs)?;
    Ok(der::sequence(&[tbs, algorithm, der::bit_string(&signed.signature)]))
}

fn break_by(fault: Fault, certificate: Vec<u8>, issuer_key: &Key, hash: SigningHash) -> Result<Vec<u8>, LabError> {
    match fault {
        Fault::BadSignature => {
            let (outer, _) = reader::expect(&certificate, reader::SEQUENCE)
                .ok_or_else(|| LabError::Stage("only a certificate can be broken".to_owned()))?;
            let mut parts: Vec<Vec<u8>> =
                reader::elements(outer.value).flatten().map(|part| part.whole.to_vec()).collect();
            // A good signature over other octets: well-formed, and wrong.
            if let Some(signature) = parts.last_mut() {
                *signature = der::bit_string(&issuer_key.sign_with(hash, b"something else")?.signature);
            }
            Ok(der::sequence(&parts))
        }
        Fault::BadTime => reissue(&certificate, issuer_key, hash, |fields| {
            if let Some(validity) = fields.get_mut(4) {
                *validity = der::sequence(&[der::tlv(0x17, b"260101000000Z"), der::tlv(0x17, b"271301000000Z")]);
            }
        }),
        Fault::Version1 => reissue(&certificate, issuer_key, hash, |fields| {
            fields.retain(|field| !matches!(field.first(), Some(0xa0 | 0xa3)));
        }),
        Fault::UnsupportedAlgorithm => reissue(&certificate, issuer_key, hash, |fields| {
            if let Some(algorithm) = fields.get_mut(2) {
                *algorithm = der::sequence(&[der::oid(&[2, 16, 840, 1, 101, 3, 4, 3, 10])]);
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::signature::{Signed, verify};
    use crate::x509::{DistributionPointName, Name, ReasonFlags};

    fn profile(text: &str) -> Profile {
        let base = "subject = \"Lab\"\nissuer = \"lab\"\nnot_before = \"-1d\"\nnot_after = \"+9d\"\n";
        toml::from_str(&format!("{base}{text}")).unwrap()
    }

    fn self_signed(text: &str) -> Issued {
        let profile = profile(text);
        let key = Arc::new(Key::new(profile.key).unwrap());
        issue(&profile, &key, None, Timestamp::now()).unwrap()
    }

    fn verifies(issued: &Issued) -> bool {
        let certificate = issued.certificate.as_ref().unwrap();
        verify(
            &certificate.signature_algorithm,
            &certificate.key,
            Signed::Message(&certificate.tbs),
            &certificate.signature,
        )
        .is_ok()
    }

    #[test]
    fn everything_a_profile_says_stands_in_the_certificate() {
        let issued = self_signed(
            r#"
            names = ["www.certflight.test", "127.0.0.1"]
            purposes = ["serverAuth", "OCSPSigning"]
            crl = [
                { urls = ["http://a/1.crl", "http://b/1.crl"], reasons = [1, 2] },
                { relative = "part 2", crl_issuer = "Other" },
            ]
            freshest = [{ urls = ["http://a/delta.crl"] }]
            ocsp = ["http://o/"]
            ca_issuers = ["http://i/"]
            must_staple = true
            scts = true
            policies = [[2, 23, 140, 1, 2, 1]]
            unknown_extension = "critical"
            "#,
        );
        let certificate = Certificate::from_der(issued.der.clone()).unwrap();
        assert!(verifies(&issued));
        assert_eq!(certificate.subject, Name::from_der(issued.subject.clone().into()));
        assert_eq!(certificate.serial.magnitude(), issued.serial);
        assert_eq!(certificate.crl_urls(), ["http://a/1.crl", "http://b/1.crl"]);
        assert_eq!(certificate.crl_distribution_points[0].reasons, Some(ReasonFlags(0b110)));
        assert!(matches!(
            certificate.crl_distribution_points[1].name,
            Some(DistributionPointName::RelativeToIssuer(_))
        ));
        assert_eq!(certificate.crl_distribution_points[1].crl_issuer.len(), 1);
        assert_eq!(certificate.freshest_crl[0].urls().collect::<Vec<_>>(), ["http://a/delta.crl"]);
        assert_eq!(
            (certificate.ocsp_urls.as_slice(), certificate.ca_issuers_urls.as_slice()),
            (&["http://o/".to_owned()][..], &["http://i/".to_owned()][..])
        );
        assert!(certificate.must_staple);
        assert_eq!(certificate.subject_alt_names.as_ref().unwrap().len(), 2);
        assert_eq!(certificate.extended_key_usage.as_ref().unwrap(), &["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.9"]);
        assert!(certificate.extension("1.3.6.1.4.1.32473.1").unwrap().critical);
        assert!(certificate.extension(crate::x509::extensions::oid::SCT_LIST).is_some());
        assert_eq!(certificate.not_after.as_second() - certificate.not_before.as_second(), 10 * 86_400);
    }

    #[test]
    fn subjects_are_what_a_profile_says() {
        for (text, subject) in [
            ("", "CN=Lab,O=Certflight Lab"),
            ("organization = \"\"", "CN=Lab"),
            ("organization = \"Some Org\"\norganizational_units = [\"A\"]", "CN=Lab,OU=A,O=Some Org"),
            ("organizational_units = [\"A\", \"B\"]", "CN=Lab,OU=B,OU=A,O=Certflight Lab"),
        ] {
            let issued = self_signed(text);
            let certificate = issued.certificate.as_ref().unwrap();
            assert_eq!(certificate.subject.to_string(), subject);
            assert_eq!(
                (certificate.subject.der(), certificate.issuer.der()),
                (&issued.subject[..], &issued.subject[..])
            );
            assert!(verifies(&issued), "{subject}");
        }
    }

    #[test]
    fn rsa_keys_sign_with_either_hash() {
        for (text, name) in [
            ("key = \"rsa2048\"", "sha256WithRSAEncryption"),
            ("key = \"rsa1024\"\nsignature = \"sha1\"", "sha1WithRSAEncryption"),
        ] {
            let issued = self_signed(text);
            assert_eq!(issued.certificate.as_ref().unwrap().signature_algorithm.name(), name);
            assert!(verifies(&issued));
        }
    }

    #[test]
    fn faults_break_what_they_say() {
        assert!(!verifies(&self_signed("fault = \"bad-signature\"")));
        assert!(self_signed("fault = \"bad-time\"").certificate.is_none());
        let old = self_signed("fault = \"version1\"\nnames = [\"a.test\"]");
        assert_eq!(old.certificate.as_ref().unwrap().version, 1);
        assert!(old.certificate.as_ref().unwrap().extensions.is_empty() && verifies(&old));
        let strange = self_signed("fault = \"unsupported-algorithm\"").certificate.unwrap();
        assert_eq!(strange.signature_algorithm.oid, "2.16.840.1.101.3.4.3.10");
        assert!(!strange.signature_algorithms_differ);
    }
}
