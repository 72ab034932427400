//! Files of every kind, from generated certificates and the stores in `testdata`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::acquire::Presented;
use crate::x509::Certificate;

struct Issued {
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
    params: rcgen::CertificateParams,
}

impl Issued {
    fn der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }

    fn pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der())
    }
}

fn authority() -> Issued {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Files CA");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    Issued { certificate: params.self_signed(&key).unwrap(), key, params }
}

fn leaf(issuer: &Issued) -> Issued {
    let params = rcgen::CertificateParams::new(["leaf.test".to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let from = rcgen::Issuer::from_params(&issuer.params, &issuer.key);
    Issued { certificate: params.signed_by(&key, &from).unwrap(), key, params }
}

fn found(contents: impl Into<Vec<u8>>) -> Vec<PresentedCertificate> {
    certificates(&Bytes::from(contents.into()), None).unwrap()
}

fn found_der(contents: impl Into<Vec<u8>>) -> Vec<Vec<u8>> {
    found(contents).iter().map(|presented| presented.decoded().expect("decodes").der.to_vec()).collect()
}

fn refused(contents: impl Into<Vec<u8>>) -> String {
    certificates(&Bytes::from(contents.into()), None).unwrap_err().0
}

fn testdata(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn pem_bundles_in_any_order_with_anything_between() {
    let ca = authority();
    let end = leaf(&ca);
    let bundle = format!(
        "Bag Attributes\r\n{}subject=CN = x\n{}{}\n# the end\n{}",
        ca.pem(),
        end.key.serialize_pem(),
        end.pem().replace('\n', "\r\n"),
        pem::encode("X509 CRL", &[0x30, 0])
    );
    assert_eq!(found_der(bundle.as_str()), [ca.der(), end.der()]);

    let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(bundle.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(found_der(utf16), [ca.der(), end.der()]);

    let mut trusted = end.der();
    trusted.extend_from_slice(&[0x30, 0x0a, 0x30, 0x08, 6, 6, 43, 6, 1, 5, 5, 7]);
    assert_eq!(found_der(pem::encode("TRUSTED CERTIFICATE", &trusted)), [end.der()]);
}

#[test]
fn der_alone_in_a_row_or_as_bare_base64() {
    let ca = authority();
    let end = leaf(&ca);
    assert_eq!(found_der(end.der()), [end.der()]);
    assert_eq!(found_der([end.der(), ca.der()].concat()), [end.der(), ca.der()]);
    assert_eq!(found_der([end.der(), b"\r\n".to_vec()].concat()), [end.der()]);
    let bare: String = end.pem().lines().filter(|line| !line.starts_with("-----")).collect::<Vec<_>>().join("\r\n");
    assert_eq!(found_der(bare), [end.der()]);
}

#[test]
fn what_does_not_decode_is_kept_as_malformed() {
    let ca = authority();
    let reason = |presented: &PresentedCertificate| match presented {
        PresentedCertificate::Malformed { error, .. } => error.to_string(),
        PresentedCertificate::Decoded(_) => panic!("decodes"),
    };
    let broken_base64 = ca.pem().replacen("MII", "M!I", 1);
    let two = found(format!("{broken_base64}{}", ca.pem()));
    assert!(reason(&two[0]).starts_with("PEM block at offset 0 does not decode"), "{}", reason(&two[0]));
    assert!(two[1].decoded().is_some());

    let inside = found(pem::encode("CERTIFICATE", b"\x30\x03abc"));
    assert!(reason(&inside[0]).contains("does not decode"));
    let cut = found(ca.der()[..100].to_vec());
    assert_eq!(cut.len(), 1);
    assert!(reason(&cut[0]).contains("does not decode"));
    let followed = found([ca.der(), b"junk".to_vec()].concat());
    assert!(followed[0].decoded().is_some() && followed[1].decoded().is_none());
}

#[test]
fn what_is_there_instead_is_said() {
    let ca = authority();
    let end = leaf(&ca);
    let request = end.params.serialize_request(&end.key).unwrap();
    let crl = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2026, 1, 1),
        next_update: rcgen::date_time_ymd(2027, 1, 1),
        crl_number: rcgen::SerialNumber::from(1u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let crl = crl.signed_by(&rcgen::Issuer::from_params(&ca.params, &ca.key)).unwrap();
    for (contents, expected) in [
        (Vec::new(), "empty"),
        (b" \r\n".to_vec(), "empty"),
        (end.key.serialize_pem().into_bytes(), "a private key, but no certificate"),
        (end.key.serialize_der(), "a private key"),
        (pem::encode("RSA PRIVATE KEY", &[0x30, 0]).into_bytes(), "a private key"),
        (pem::encode("ENCRYPTED PRIVATE KEY", &[0x30, 0]).into_bytes(), "a private key"),
        (request.pem().unwrap().into_bytes(), "a certificate request"),
        (request.der().to_vec(), "a certificate request"),
        (crl.pem().unwrap().into_bytes(), "a CRL"),
        (crl.der().to_vec(), "a CRL"),
        (vec![0x30, 3, 0x0a, 1, 6], "an OCSP response"),
        (b"<!DOCTYPE html><html></html>".to_vec(), "an HTML page"),
        (b"\xef\xbb\xbf<html>".to_vec(), "an HTML page"),
        (b"<?xml version='1.0'?>".to_vec(), "XML"),
        (b"ssh-ed25519 AAAA".to_vec(), "an SSH public key"),
        (b"hello".to_vec(), "neither PEM nor DER"),
        (b"MIIhello there, not base64!".to_vec(), "neither PEM nor DER"),
        (pem::encode("MY\u{1b}THING", &[0x30, 0]).into_bytes(), "a PEM block \"MY\\u{1b}THING\""),
        (pem::encode("PKCS7", &[0x30, 0]).into_bytes(), "a CMS message that does not decode"),
    ] {
        let reason = refused(contents.clone());
        assert!(reason.contains(expected), "{reason} for {:?}", String::from_utf8_lossy(&contents));
    }
}

#[test]
fn pkcs7_in_der_and_pem() {
    let der = testdata("acquire/chain.p7b");
    let inside = found(der.clone());
    assert_eq!(inside.len(), 2);
    assert!(inside.iter().all(|presented| presented.decoded().is_some()));
    assert_eq!(found(pem::encode("PKCS7", &der)).len(), 2);
}

#[test]
fn only_pem_blocks_stand_in_an_order() {
    let ordered = |contents: Vec<u8>, password| read(&Bytes::from(contents), password).unwrap().ordered;
    let der = testdata("acquire/chain.p7b");
    let certificate = authority().der();
    assert!(ordered(pem::encode("CERTIFICATE", &certificate).into_bytes(), None));
    assert!(!ordered(certificate, None));
    assert!(!ordered(pem::encode("PKCS7", &der).into_bytes(), None));
    assert!(!ordered(der, None));
    assert!(!ordered(testdata("x509/modern.p12"), Some(PASSWORD)));
}

#[test]
fn pkcs12_with_and_without_its_password() {
    let store = Bytes::from(testdata("x509/modern.p12"));
    assert!(certificates(&store, None).unwrap_err().0.contains("--password-file"));
    assert!(certificates(&store, Some("wrong")).unwrap_err().0.contains("the password does not open it"));
    assert!(!certificates(&store, Some(PASSWORD)).unwrap().is_empty());
    assert!(!found(testdata("x509/empty-password.p12")).is_empty());
}

/// Of the stores in `testdata/x509`.
const PASSWORD: &str = "secret";

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path
    }
}

#[test]
fn client_identities_come_from_every_format() {
    let files = Files::new();
    let ca = authority();
    let end = leaf(&ca);
    // The issuer first: the certificate of the key is moved to the front.
    let bundle = files.write("bundle.pem", format!("{}{}", ca.pem(), end.pem()));
    let both = files.write("both.pem", format!("{}{}{}", end.key.serialize_pem(), end.pem(), ca.pem()));
    let certificate_der = files.write("cert.der", end.der());
    let key_pem = files.write("key.pem", end.key.serialize_pem());
    let key_der = files.write("key.der", end.key.serialize_der());
    for (certificate, key, length) in [
        (&bundle, Some(key_pem.as_path()), 2),
        (&bundle, Some(key_der.as_path()), 2),
        (&both, None, 2),
        (&certificate_der, Some(key_pem.as_path()), 1),
    ] {
        let identity = client_identity(certificate, key, None).unwrap();
        assert_eq!(identity.chain.len(), length);
        assert_eq!(identity.chain[0].as_ref(), end.der());
    }
    let p521 = PathBuf::from(format!("{}/testdata/acquire/p521.pem", env!("CARGO_MANIFEST_DIR")));
    client_identity(&p521, Some(&p521.with_extension("key")), None).expect("P-521 keys load");
    let store = PathBuf::from(format!("{}/testdata/x509/modern.p12", env!("CARGO_MANIFEST_DIR")));
    assert!(!client_identity(&store, None, Some(PASSWORD)).unwrap().chain.is_empty());
}

#[test]
fn client_identities_that_cannot_be_used_name_file_and_reason() {
    let files = Files::new();
    let ca = authority();
    let end = leaf(&ca);
    let certificate = files.write("cert.pem", end.pem());
    let error = |certificate: &Path, key: Option<&Path>| client_identity(certificate, key, None).unwrap_err().0;
    assert!(error(&certificate, None).ends_with("cert.pem: it holds no private key"));
    let other = files.write("other.key", ca.key.serialize_pem());
    assert!(
        error(&certificate, Some(&other)).contains("other.key: the private key does not belong to any certificate")
    );
    let encrypted = files.write("enc.key", pem::encode("ENCRYPTED PRIVATE KEY", &[0x30, 0]));
    assert!(error(&certificate, Some(&encrypted)).contains("enc.key: the private key is encrypted"));
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n";
    let old = files.write("old.key", old);
    assert!(error(&certificate, Some(&old)).contains("old.key: the private key is encrypted"));
    let junk = files.write("junk.key", pem::encode("PRIVATE KEY", &[0x30, 0]));
    assert!(error(&certificate, Some(&junk)).contains("of a kind that cannot be used"));
    let missing = files.0.path().join("missing.pem");
    assert!(error(&missing, None).starts_with("cannot read "));
}

fn in_file(certificates: &[&Issued]) -> Presented {
    let certificates = certificates
        .iter()
        .map(|issued| PresentedCertificate::Decoded(Arc::new(Certificate::from_der(issued.der()).unwrap())))
        .collect();
    Presented::InFile { name: None, certificates, ordered: true }
}

#[test]
fn the_leaf_of_a_file_is_the_one_that_issues_nothing() {
    let ca = authority();
    let end = leaf(&ca);
    for order in [&[&ca, &end][..], &[&end, &ca]] {
        assert_eq!(in_file(order).leaf().unwrap().decoded().unwrap().der, end.der());
    }
    assert_eq!(in_file(&[&ca]).leaf().unwrap().decoded().unwrap().der, ca.der());
    assert!(in_file(&[]).leaf().is_none());
}

mod robustness {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_octets_make_it_panic(contents in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = certificates(&Bytes::from(contents.clone()), Some(""));
            let _ = certificates(&Bytes::from([b"\x30\x82".to_vec(), contents].concat()), None);
        }

        #[test]
        fn no_change_to_a_certificate_makes_it_panic(at in any::<prop::sample::Index>(), value in any::<u8>(), keep in any::<prop::sample::Index>()) {
            let mut der = testdata("acquire/chain.p7b");
            let position = at.index(der.len());
            der[position] = value;
            der.truncate(keep.index(der.len()) + 1);
            let _ = certificates(&Bytes::from(der), None);
        }
    }
}
