//! caIssuers: certificates as DER, PEM or certs-only PKCS#7, and whether one of them did issue (RFC 5280 §4.2.2.1).

use std::sync::Arc;

use bytes::Bytes;

use super::{Content, ContentDefect, received};
use crate::x509::{Certificate, Fingerprint, SignatureError, cms, der, pem};

/// Certificates looked at in one body; real bundles have a handful.
const MAX_CERTIFICATES: usize = 64;

/// What a body holds.
#[derive(Debug, Clone)]
pub struct Issuers {
    /// `der`, `pem` or `pkcs7`.
    pub format: &'static str,
    /// The certificates that decode; never empty.
    pub certificates: Vec<Arc<Certificate>>,
}

/// Reads the certificates of a body.
///
/// # Errors
/// What came instead, or what does not decode.
pub fn read(body: &Bytes) -> Result<Issuers, String> {
    if let Ok(certificate) = Certificate::from_der(body.clone()) {
        return Ok(Issuers { format: "der", certificates: vec![Arc::new(certificate)] });
    }
    if let Some(contained) = cms::certificates(body) {
        return decode("pkcs7", contained);
    }
    if pem::is_pem(body) {
        let mut contained = Vec::new();
        for block in pem::blocks(body) {
            match (block.label.as_str(), block.contents) {
                ("PKCS7" | "CMS", Ok(octets)) => contained.extend(cms::certificates(&octets).unwrap_or_default()),
                (label, Ok(octets)) if label.ends_with("CERTIFICATE") => contained.push(octets),
                _ => {}
            }
        }
        if !contained.is_empty() {
            return decode("pem", contained);
        }
    }
    Err(match received::identify(body) {
        Some(what) => format!("{what} came instead of a certificate"),
        None => match Certificate::from_der(body.clone()) {
            Err(error) if body.first() == Some(&0x30) => error.to_string(),
            _ => format!("{} came instead of a certificate", received::describe(body)),
        },
    })
}

/// The same of an answer in several values, as an LDAP attribute may have them: the certificates of all that decode.
///
/// # Errors
/// Where none does, what is wrong with the first.
pub fn read_values(values: &[Bytes]) -> Result<Issuers, String> {
    let mut all: Option<Issuers> = None;
    let mut failure = None;
    for value in values {
        match read(value).or_else(|reason| read_pair(value).ok_or(reason)) {
            Ok(issuers) => match &mut all {
                Some(all) => all.certificates.extend(issuers.certificates),
                None => all = Some(issuers),
            },
            Err(reason) => failure = failure.or(Some(reason)),
        }
    }
    if let Some(all) = &mut all {
        all.certificates.truncate(MAX_CERTIFICATES);
    }
    all.ok_or_else(|| failure.unwrap_or_else(|| "nothing came".to_owned()))
}

/// `CertificatePair` (RFC 4523 §2.3), of which each half may be missing.
fn read_pair(value: &Bytes) -> Option<Issuers> {
    let (pair, []) = der::expect(value, der::SEQUENCE)? else { return None };
    let mut contained = Vec::new();
    for half in der::elements(pair.value) {
        let half = half.filter(|half| matches!(half.tag, 0xa0 | 0xa1))?;
        contained.push(value.slice_ref(half.value));
    }
    decode("der", contained).ok()
}

/// Who names a caIssuers URL.
#[derive(Debug, Clone, Copy)]
pub struct NamedBy<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// Its issuer on a certification path, whose judgement tells whether the signature holds.
    pub issuer: Option<&'a Certificate>,
}

/// What is wrong with a body as the source of these certificates' issuers, most telling first.
#[must_use]
pub fn judge(read: &Result<Issuers, String>, named_by: &[NamedBy<'_>]) -> Vec<ContentDefect> {
    let issuers = match read {
        Ok(issuers) => issuers,
        Err(reason) => return vec![ContentDefect::Malformed { reason: reason.clone() }],
    };
    let mut defects: Vec<ContentDefect> = Vec::new();
    for by in named_by {
        let certificate = by.certificate;
        let named: Vec<_> =
            issuers.certificates.iter().filter(|issuer| issuer.subject.matches(&certificate.issuer)).collect();
        if named.iter().any(|issuer| issued(issuer, certificate) || by.signature_is_at_fault(issuer)) {
            continue;
        }
        let found = match (named.first(), issuers.certificates.first()) {
            (Some(issuer), _) => format!("{}, whose key does not verify the signature,", issuer.subject),
            (None, Some(first)) => first.subject.to_string(),
            (None, None) => String::new(),
        };
        let defect = ContentDefect::WrongIssuer { expected: certificate.issuer.to_string(), found };
        if !defects.contains(&defect) {
            defects.push(defect);
        }
    }
    if issuers.format == "pem" {
        defects.push(ContentDefect::NotDer { format: "PEM" });
    }
    defects
}

impl NamedBy<'_> {
    /// Whether the certificate's own signature is what does not hold, since this is the issuer it means: the
    /// path tells that.
    fn signature_is_at_fault(&self, served: &Certificate) -> bool {
        let certificate = self.certificate;
        self.issuer.is_some_and(|issuer| {
            let is_meant = certificate.authority_key_identifier.is_some()
                && certificate.authority_key_identifier == served.subject_key_identifier;
            (served.key == issuer.key || is_meant) && !issued(issuer, certificate)
        })
    }
}

impl Issuers {
    /// In short.
    #[must_use]
    pub fn content(&self) -> Content {
        let certificates: Vec<Fingerprint> = self.certificates.iter().map(|certificate| certificate.sha256).collect();
        let subject = self.certificates.first().map(|certificate| certificate.subject.to_string());
        Content::CaIssuers { format: self.format, certificates, subject }
    }
}

fn decode(format: &'static str, contained: Vec<Bytes>) -> Result<Issuers, String> {
    let mut certificates = Vec::new();
    let mut failure = None;
    for octets in contained.into_iter().take(MAX_CERTIFICATES) {
        match Certificate::from_der(octets) {
            Ok(certificate) => certificates.push(Arc::new(certificate)),
            Err(error) => failure = failure.or(Some(error.to_string())),
        }
    }
    match failure {
        _ if !certificates.is_empty() => Ok(Issuers { format, certificates }),
        Some(failure) => Err(failure),
        None => Err("a message without certificates".to_owned()),
    }
}

/// Whether the key made the signature; one that cannot be verified here is left to the path's judgement.
fn issued(issuer: &Certificate, certificate: &Certificate) -> bool {
    !matches!(certificate.verify(&issuer.key), Err(SignatureError::Invalid))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Ca, Leaf};
    use super::*;

    /// A certs-only `SignedData` (RFC 5652 §5.1).
    fn certs_only(certificates: &[&[u8]]) -> Vec<u8> {
        let signed_data = der::encode(
            der::SEQUENCE,
            &[
                &[2, 1, 1, 0x31, 0],
                &der::encode(der::SEQUENCE, &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1]]),
                &der::encode(0xa0, certificates),
                &[0x31, 0],
            ],
        );
        der::encode(
            der::SEQUENCE,
            &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2], &der::encode(0xa0, &[&signed_data])],
        )
    }

    fn defects(body: &[u8], certificate: &Certificate) -> Vec<ContentDefect> {
        judge(&read(&Bytes::copy_from_slice(body)), &[NamedBy { certificate, issuer: None }])
    }

    #[test]
    fn takes_der_pem_and_pkcs7() {
        let (ca, other) = (Ca::new("CA"), Ca::new("Other"));
        let leaf = ca.subject(&Leaf::new(5)).certificate;
        assert_eq!(defects(&ca.certificate.der, &leaf), []);
        let pem = pem::encode("CERTIFICATE", &ca.certificate.der);
        assert_eq!(defects(pem.as_bytes(), &leaf), [ContentDefect::NotDer { format: "PEM" }]);
        let bundle = certs_only(&[&other.certificate.der, &ca.certificate.der]);
        assert_eq!(defects(&bundle, &leaf), [], "any of them");
        let read = read(&bundle.into()).unwrap();
        let Content::CaIssuers { format, certificates, subject } = read.content() else { panic!("not a caIssuers") };
        assert_eq!((format, certificates.len(), subject.as_deref()), ("pkcs7", 2, Some("CN=Other")));
    }

    #[test]
    fn tells_an_issuer_that_did_not_issue() {
        let (ca, other, namesake) = (Ca::new("CA"), Ca::new("Other"), Ca::new("CA"));
        let leaf = ca.subject(&Leaf::new(5)).certificate;
        let expected = "CN=CA".to_owned();
        assert_eq!(
            defects(&other.certificate.der, &leaf),
            [ContentDefect::WrongIssuer { expected: expected.clone(), found: "CN=Other".to_owned() }]
        );
        assert_eq!(
            defects(&namesake.certificate.der, &leaf),
            [ContentDefect::WrongIssuer {
                expected,
                found: "CN=CA, whose key does not verify the signature,".to_owned()
            }]
        );
    }

    #[test]
    fn several_values_are_one_answer() {
        let (ca, other) = (Ca::new("CA"), Ca::new("Other"));
        let leaf = ca.subject(&Leaf::new(5)).certificate;
        let certificate = |ca: &Ca| ca.certificate.der.clone();
        let defects = |values: &[Bytes]| {
            judge(&read_values(values), &[NamedBy { certificate: &leaf, issuer: Some(&ca.certificate) }])
        };
        assert_eq!(defects(&[certificate(&other), certificate(&ca)]), []);
        assert_eq!(defects(&[Bytes::from_static(b"none"), certificate(&ca)]), []);
        assert!(matches!(defects(&[certificate(&other)]).as_slice(), [ContentDefect::WrongIssuer { .. }]));
        let reason = read_values(&[Bytes::from_static(b"none"), Bytes::new()]).unwrap_err();
        assert!(reason.contains("text beginning `none`"), "{reason}");
        let pair = der::encode(der::SEQUENCE, &[&der::encode(0xa0, &[&certificate(&ca)])]);
        assert_eq!(defects(&[pair.into()]), []);
        assert!(read_values(&[]).is_err());
    }

    #[test]
    fn leaves_a_broken_signature_to_the_path() {
        let (ca, namesake) = (Ca::new("CA"), Ca::new("CA"));
        let leaf = ca.subject(&Leaf::new(5)).certificate;
        let with_issuer = |served: &Ca, certificate: &Certificate, issuer: &Ca| {
            let by = NamedBy { certificate, issuer: Some(&issuer.certificate) };
            judge(&read(&served.certificate.der), &[by])
        };
        let is_wrong = |defects: Vec<ContentDefect>| matches!(defects.as_slice(), [ContentDefect::WrongIssuer { .. }]);
        assert!(is_wrong(with_issuer(&namesake, &leaf, &ca)), "the signature holds with the issuer's key");
        let mut broken = leaf.der.to_vec();
        if let Some(last) = broken.last_mut() {
            *last ^= 1;
        }
        let broken = Certificate::from_der(broken).unwrap();
        assert_eq!(with_issuer(&ca, &broken, &ca), []);
        assert!(is_wrong(with_issuer(&namesake, &broken, &ca)), "it is not the issuer either way");
        assert!(is_wrong(with_issuer(&Ca::new("Other"), &broken, &ca)));
    }

    #[test]
    fn tells_what_is_no_certificate() {
        let leaf = Ca::new("CA").subject(&Leaf::new(5)).certificate;
        let reason = |body: &[u8]| match defects(body, &leaf).as_slice() {
            [ContentDefect::Malformed { reason }] => reason.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(b"not found"), "text beginning `not found` came instead of a certificate");
        assert_eq!(reason(&certs_only(&[])), "a message without certificates");
        assert!(reason(&certs_only(&[&[0x30, 3, 2, 1, 1]])).contains("does not decode"));
        assert!(reason(&leaf.der[..100]).contains("does not decode"));
    }
}
