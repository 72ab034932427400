//! Responses written by this module's own types, sound and broken.

use rcgen::{KeyPair, SigningKey as _};

use super::encoding as asn;
use super::*;
use crate::x509::signature::SignatureError;

const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

struct Pki {
    key: KeyPair,
    ca: Certificate,
    leaf: Certificate,
}

fn pki() -> Pki {
    let key = KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec![]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Test CA");
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = parameters.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, &key);
    let mut parameters = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    parameters.serial_number = Some(rcgen::SerialNumber::from(vec![0x9a, 1]));
    let leaf = parameters.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
    Pki {
        ca: Certificate::from_der(ca.der().to_vec()).unwrap(),
        leaf: Certificate::from_der(leaf.der().to_vec()).unwrap(),
        key,
    }
}

fn sha1(octets: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, octets).as_ref().to_vec()
}

fn instant(text: &str) -> asn::Time {
    asn::Time(text.parse().unwrap())
}

/// What a test varies.
struct Variant {
    version: Option<u8>,
    by_name: bool,
    status: fn() -> asn::CertStatus,
    nonce: Option<Vec<u8>>,
    critical: bool,
    certificates: Option<Vec<u8>>,
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            version: None,
            by_name: false,
            status: || asn::CertStatus::Good(()),
            nonce: None,
            critical: false,
            certificates: None,
        }
    }
}

fn respond(pki: &Pki, variant: &Variant) -> Bytes {
    let (name_hash, key_hash) = (sha1(pki.leaf.issuer.der()), sha1(&pki.ca.key.bits));
    let odd = || asn::Extension { extn_id: asn1::oid!(1, 2, 3), critical: Some(true), extn_value: &[5, 0] };
    let mut extensions = Vec::new();
    if let Some(nonce) = &variant.nonce {
        extensions.push(asn::Extension { extn_id: asn::NONCE, critical: Some(true), extn_value: nonce });
    }
    if variant.critical {
        extensions.push(odd());
    }
    let data = asn::ResponseData {
        version: variant.version,
        responder_id: if variant.by_name {
            asn::ResponderId::ByName(asn1::parse_single(pki.ca.subject.der()).unwrap())
        } else {
            asn::ResponderId::ByKey(&key_hash)
        },
        produced_at: instant("2026-11-01T00:00:00Z"),
        responses: asn::List(vec![asn::SingleResponse {
            cert_id: asn::CertId {
                hash_algorithm: asn::AlgorithmIdentifier { algorithm: asn::SHA1, parameters: None },
                issuer_name_hash: &name_hash,
                issuer_key_hash: &key_hash,
                serial_number: asn::Integer(&pki.leaf.serial.0),
            },
            cert_status: (variant.status)(),
            this_update: instant("2026-10-31T00:00:00Z"),
            next_update: Some(instant("2026-11-07T00:00:00Z")),
            single_extensions: variant.critical.then(|| asn::List(vec![odd()])),
        }]),
        response_extensions: (!extensions.is_empty()).then_some(asn::List(extensions)),
    };
    let tbs = asn1::write_single(&data).unwrap();
    let signature = pki.key.sign(&tbs).unwrap();
    let basic = asn1::write_single(&asn::BasicOcspResponse {
        tbs_response_data: asn1::parse_single(&tbs).unwrap(),
        signature_algorithm: asn1::parse_single(ECDSA_SHA256).unwrap(),
        signature: asn1::BitString::new(&signature, 0).unwrap(),
        certs: variant.certificates.as_ref().map(|certificates| asn1::parse_single(certificates).unwrap()),
    })
    .unwrap();
    asn1::write_single(&asn::OcspResponse {
        response_status: asn1::Enumerated::new(0),
        response_bytes: Some(asn::ResponseBytes { response_type: asn::BASIC, response: &basic }),
    })
    .unwrap()
    .into()
}

fn basic(input: &Bytes) -> BasicResponse {
    match parse(input).unwrap() {
        OcspResponse::Basic(basic) => *basic,
        OcspResponse::Error(status) => panic!("{}", status.name()),
    }
}

#[test]
fn reads_a_good_response() {
    let pki = pki();
    let response = basic(&respond(&pki, &Variant::default()));
    assert_eq!(response.verify(&pki.ca.key), Ok(()));
    assert!(response.is_by(&pki.ca) && !response.is_by(&pki.leaf));
    assert_eq!(response.produced_at.to_string(), "2026-11-01T00:00:00Z");
    let [single] = &response.responses[..] else { panic!("one response") };
    assert!(single.cert_id.matches(&pki.leaf, &pki.ca));
    assert!(!single.cert_id.matches(&pki.ca, &pki.ca) && !single.cert_id.matches(&pki.leaf, &pki.leaf));
    assert_eq!(single.status, CertStatus::Good);
    assert_eq!(single.next_update.unwrap().to_string(), "2026-11-07T00:00:00Z");
    assert_eq!((response.nonce, response.certificates.len()), (None, 0));
}

#[test]
fn cert_ids_match_by_any_known_hash() {
    let pki = pki();
    for (oid, algorithm) in [
        ("1.3.14.3.2.26", &digest::SHA1_FOR_LEGACY_USE_ONLY),
        ("2.16.840.1.101.3.4.2.4", &digest::SHA224),
        ("2.16.840.1.101.3.4.2.1", &digest::SHA256),
        ("2.16.840.1.101.3.4.2.2", &digest::SHA384),
        ("2.16.840.1.101.3.4.2.3", &digest::SHA512),
    ] {
        let hash = |octets: &[u8]| Bytes::copy_from_slice(digest::digest(algorithm, octets).as_ref());
        let mut id = CertId {
            hash_algorithm: oid.to_owned(),
            issuer_name_hash: hash(pki.ca.subject.der()),
            issuer_key_hash: hash(&pki.ca.key.bits),
            serial: Serial(Bytes::from_static(&[0, 0x9a, 1])),
        };
        assert!(id.matches(&pki.leaf, &pki.ca));
        id.serial = Serial(Bytes::from_static(&[0x9a, 1]));
        assert!(!id.matches(&pki.leaf, &pki.ca), "a negative number");
        id.serial = Serial(Bytes::from_static(&[0, 0, 0x9a, 1]));
        assert!(id.matches(&pki.leaf, &pki.ca));
        id.hash_algorithm = "1.2.840.113549.2.5".to_owned();
        assert!(!id.matches(&pki.leaf, &pki.ca), "MD5");
    }
}

#[test]
fn reads_the_other_statuses() {
    let pki = pki();
    let status = |status| basic(&respond(&pki, &Variant { status, ..Variant::default() })).responses[0].status.clone();
    let at = instant("2026-10-01T12:00:00Z").0;
    assert_eq!(status(|| asn::CertStatus::Unknown(())), CertStatus::Unknown);
    assert_eq!(
        status(|| asn::CertStatus::Revoked(asn::RevokedInfo {
            revocation_time: instant("2026-10-01T12:00:00Z"),
            revocation_reason: None,
        })),
        CertStatus::Revoked { at, reason: None }
    );
    assert_eq!(
        status(|| asn::CertStatus::Revoked(asn::RevokedInfo {
            revocation_time: instant("2026-10-01T12:00:00Z"),
            revocation_reason: Some(asn1::Enumerated::new(1)),
        })),
        CertStatus::Revoked { at, reason: Some(RevocationReason(1)) }
    );
}

#[test]
fn puts_up_with_what_responders_get_wrong() {
    let pki = pki();
    // An explicit default version, a name, a broken certificate between whole ones, trailing octets.
    let certificates = der::encode(0x30, &[&pki.ca.der, &[0x30, 1, 0], &pki.leaf.der]);
    let variant = Variant { version: Some(0), by_name: true, certificates: Some(certificates), ..Variant::default() };
    let mut octets = respond(&pki, &variant).to_vec();
    octets.extend(b"\r\n");
    let response = basic(&octets.into());
    assert_eq!(response.verify(&pki.ca.key), Ok(()));
    assert!(response.is_by(&pki.ca));
    assert_eq!(response.certificates, [pki.ca.der.clone(), Bytes::from_static(&[0x30, 1, 0]), pki.leaf.der.clone()]);
    let cut = der::encode(0x30, &[&pki.ca.der, &[0x30, 9, 0]]);
    let response = basic(&respond(&pki, &Variant { certificates: Some(cut), ..Variant::default() }));
    assert_eq!(response.certificates, vec![pki.ca.der.clone()]);
}

#[test]
fn nonces_come_wrapped_and_bare() {
    let pki = pki();
    let nonce = |nonce: Vec<u8>| basic(&respond(&pki, &Variant { nonce: Some(nonce), ..Variant::default() }));
    let wrapped = nonce(der::encode(4, &[&[7; 32]]));
    assert_eq!(wrapped.nonce, Some(Bytes::from_static(&[7; 32])));
    assert!(wrapped.unknown_critical_extensions.is_empty());
    assert_eq!(nonce(vec![7; 32]).nonce, Some(Bytes::from_static(&[7; 32])));
}

#[test]
fn critical_extensions_that_are_not_known_are_named() {
    let pki = pki();
    let response = basic(&respond(&pki, &Variant { critical: true, ..Variant::default() }));
    assert_eq!(response.unknown_critical_extensions, ["1.2.3"]);
    assert_eq!(response.responses[0].unknown_critical_extensions, ["1.2.3"]);
}

#[test]
fn error_statuses_need_no_definition() {
    for (octets, name) in [
        ([0x30, 3, 0x0a, 1, 6], "unauthorized"),
        ([0x30, 3, 0x0a, 1, 3], "tryLater"),
        ([0x30, 3, 0x0a, 1, 4], "undefined"),
        ([0x30, 3, 0x0a, 1, 99], "undefined"),
    ] {
        match parse(&Bytes::copy_from_slice(&octets)).unwrap() {
            OcspResponse::Error(status) => assert_eq!((status.0, status.name()), (octets[4], name)),
            OcspResponse::Basic(_) => panic!("an error status"),
        }
    }
    let error = parse(&Bytes::from_static(&[0x30, 3, 0x0a, 1, 0])).unwrap_err();
    assert!(error.0.contains("no responseBytes"), "{error}");
    assert!(parse(&Bytes::from_static(b"<html>")).unwrap_err().0.starts_with("OCSPResponse does not decode"));
}

#[test]
fn requests_say_what_they_should() {
    let pki = pki();
    let nonce = [9; 32];
    for nonce in [None, Some(&nonce)] {
        let octets = request(&pki.leaf, &pki.ca, nonce);
        let request: asn::OcspRequest<'_> = asn1::parse_single(&octets).unwrap();
        let [single] = &request.tbs_request.request_list.0[..] else { panic!("one request") };
        assert_eq!(single.req_cert.serial_number.0, &pki.leaf.serial.0);
        assert_eq!(single.req_cert.issuer_key_hash, sha1(&pki.ca.key.bits));
        assert_eq!(single.req_cert.issuer_name_hash, sha1(pki.ca.subject.der()));
        let sent = request.tbs_request.request_extensions.map(|extensions| extensions.0[0].extn_value.to_vec());
        assert_eq!(sent, nonce.map(|nonce| der::encode(4, &[nonce])));
    }
}

#[test]
fn every_truncation_and_every_changed_octet_is_survived() {
    let pki = pki();
    let certificates = der::encode(0x30, &[&pki.ca.der]);
    let octets = respond(
        &pki,
        &Variant { nonce: Some(vec![4, 2, 1, 1]), certificates: Some(certificates), ..Variant::default() },
    );
    for end in 0..octets.len() {
        assert!(parse(&octets.slice(..end)).is_err());
    }
    let whole = basic(&octets);
    for index in 0..octets.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut changed = octets.to_vec();
            changed[index] ^= flip;
            if let Ok(OcspResponse::Basic(response)) = parse(&changed.into())
                && response.tbs != whole.tbs
            {
                assert!(matches!(
                    response.verify(&pki.ca.key),
                    Err(SignatureError::Invalid | SignatureError::Unsupported { .. })
                ));
            }
        }
    }
}
