//! CRLs made by rcgen and, where that cannot make them, put together by hand and signed.

use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};

use super::*;
use crate::x509::der::{self, SEQUENCE};
use crate::x509::extensions::ReasonFlags;
use crate::x509::pem;

const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const ED25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
/// md5WithRSAEncryption
const MD5: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4, 5, 0];
const THIS_UPDATE: &[u8] = b"\x17\x0d261101000000Z";
const NEXT_UPDATE: &[u8] = b"\x18\x0f20261201000000Z";
const VERSION_2: &[u8] = &[2, 1, 1];

fn serial(octets: &[u8]) -> Serial {
    Serial(Bytes::copy_from_slice(octets))
}

fn public(key: &KeyPair) -> PublicKey {
    PublicKey::parse(key.subject_public_key_info().into()).unwrap()
}

fn issuer() -> Vec<u8> {
    let attribute = der::encode(SEQUENCE, &[&[6, 3, 0x55, 4, 3], b"\x0c\x04Test"]);
    der::encode(SEQUENCE, &[&der::encode(der::SET, &[&attribute])])
}

/// One entry; `extensions` are whole `Extension`s.
fn entry(serial: &[u8], extensions: &[&[u8]]) -> Vec<u8> {
    let serial = der::encode(der::INTEGER, &[serial]);
    let date: &[u8] = b"\x17\x0d261031120000Z";
    if extensions.is_empty() {
        return der::encode(SEQUENCE, &[&serial, date]);
    }
    der::encode(SEQUENCE, &[&serial, date, &der::encode(SEQUENCE, extensions)])
}

fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    der::encode(SEQUENCE, &[&der::encode(der::OID, &[oid]), critical, &der::encode(4, &[value])])
}

fn crl_extensions(extensions: &[&[u8]]) -> Vec<u8> {
    der::encode(0xa0, &[&der::encode(SEQUENCE, extensions)])
}

fn signed(key: &KeyPair, algorithm: &[u8], fields: &[&[u8]]) -> Vec<u8> {
    let tbs = der::encode(SEQUENCE, fields);
    let signature = key.sign(&tbs).unwrap();
    der::encode(SEQUENCE, &[&tbs, algorithm, &der::encode(3, &[&[0], &signature])])
}

/// A version 2 CRL with these entries and extensions.
fn usual(key: &KeyPair, entries: &[&[u8]], extensions: &[&[u8]]) -> Vec<u8> {
    signed(
        key,
        ECDSA_SHA256,
        &[
            VERSION_2,
            ECDSA_SHA256,
            &issuer(),
            THIS_UPDATE,
            NEXT_UPDATE,
            &der::encode(SEQUENCE, entries),
            &crl_extensions(extensions),
        ],
    )
}

fn in_chunks(input: &[u8], size: usize, wanted: &[Serial]) -> Result<Crl, CrlError> {
    let mut reader = CrlReader::new(wanted);
    for chunk in input.chunks(size) {
        let _ = reader.push(chunk);
    }
    reader.finish()
}

/// An entry of every kind.
fn sample(key: &KeyPair) -> Vec<u8> {
    let reason = extension(&[0x55, 0x1d, 0x15], false, &[0x0a, 1, 1]);
    let invalidity = extension(&[0x55, 0x1d, 0x18], false, b"\x18\x0f20261001000000Z");
    let hold = extension(&[0x55, 0x1d, 0x17], false, &[6, 3, 0x2b, 6, 1]);
    usual(
        key,
        &[
            &entry(&[1], &[]),
            &entry(&[0x00, 0x9a, 2], &[&reason]),
            &entry(&[3; 20], &[&reason, &invalidity]),
            &entry(&[4; 130], &[&hold]),
        ],
        &[
            &extension(&[0x55, 0x1d, 0x23], false, &[0x30, 4, 0x80, 2, 0xab, 0xcd]),
            &extension(&[0x55, 0x1d, 0x14], false, &[2, 2, 0, 0xfe]),
        ],
    )
}

#[test]
fn reads_what_rcgen_makes() {
    let key = KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec![]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
    let ca = rcgen::Issuer::new(parameters, &key);
    let crl = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2026, 11, 1),
        next_update: rcgen::date_time_ymd(2026, 12, 1),
        crl_number: 7u64.into(),
        issuing_distribution_point: None,
        revoked_certs: vec![rcgen::RevokedCertParams {
            serial_number: vec![0x12, 0x34].into(),
            revocation_time: rcgen::date_time_ymd(2026, 10, 31),
            reason_code: Some(rcgen::RevocationReason::Superseded),
            invalidity_date: None,
        }],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    }
    .signed_by(&ca)
    .unwrap();
    let crl = read(crl.der(), &[serial(&[0x12, 0x34])]).unwrap();
    assert_eq!((crl.version, crl.entries, crl.crl_number), (2, 1, Some(serial(&[7]))));
    assert_eq!(crl.next_update.unwrap().to_string(), "2026-12-01T00:00:00Z");
    assert_eq!(crl.found[0].reason.unwrap().name(), "superseded");
    assert!(crl.authority_key_identifier.is_some());
}

#[test]
fn the_same_whatever_the_chunks_and_the_armour() {
    let key = KeyPair::generate().unwrap();
    let der = sample(&key);
    let wanted = [serial(&[0, 0x9a, 2]), serial(&[3; 20]), serial(&[4; 130]), serial(&[5])];
    let text = format!("Some text\r\n{}trailing text", pem::encode("X509 CRL", &der).replace('\n', "\r\n"));
    for size in (1..200).chain([der.len() - 1, der.len(), 100_000]) {
        for (input, encoding) in [(der.as_slice(), Encoding::Der), (text.as_bytes(), Encoding::Pem)] {
            let crl = in_chunks(input, size, &wanted).unwrap();
            assert_eq!(crl.clone().verify(&public(&key)), Ok(()), "chunks of {size}");
            assert_eq!((crl.encoding, crl.entries), (encoding, 4));
            assert_eq!(crl.size, u64::try_from(der.len()).unwrap());
            assert_eq!(crl.issuer.to_string(), "CN=Test");
            let found: Vec<_> = crl.found.iter().map(|found| found.reason.map(|reason| reason.0)).collect();
            assert_eq!(found, [Some(1), Some(1), None]);
            assert_eq!(crl.found[1].invalidity_date.unwrap().to_string(), "2026-10-01T00:00:00Z");
            assert_eq!(crl.found[0].revocation_date.to_string(), "2026-10-31T12:00:00Z");
            assert_eq!(crl.authority_key_identifier.as_deref(), Some(&[0xab, 0xcd][..]));
            assert_eq!(crl.crl_number.map(|number| number.to_string()), Some("fe".to_owned()));
        }
    }
}

#[test]
fn finds_each_of_thousands_of_serial_numbers() {
    let number = |number: u32| [&[0x11][..], &number.to_be_bytes()].concat();
    let entries: Vec<Vec<u8>> = (0..6000).map(|it| entry(&number(it), &[])).collect();
    let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let der = usual(&KeyPair::generate().unwrap(), &entries, &[]);
    let wanted: Vec<Serial> = (0..12_000).step_by(3).map(|it| serial(&number(it))).collect();
    let crl = read(&der, &wanted).unwrap();
    assert_eq!((crl.entries, crl.found.len()), (6000, 2000));
    assert!(crl.was_searched_for(&serial(&number(3))) && !crl.was_searched_for(&serial(&number(4))));
    assert!(crl.was_searched_for(&serial(&[&[0], number(3).as_slice()].concat())), "however it is spelt");
}

#[test]
fn serials_compare_as_numbers() {
    let key = KeyPair::generate().unwrap();
    let long = [0x7f; 20];
    let entries = [&[0xff][..], &[0, 0xfe], &[0], &[0, 0, 7], &[0xff, 0xff, 0x80, 1], &long];
    let entries: Vec<Vec<u8>> = entries.iter().map(|serial| entry(serial, &[])).collect();
    let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let der = usual(&key, &entries, &[]);
    let found = |wanted: &[u8]| read(&der, &[serial(wanted)]).unwrap().found.len();
    for (listed, wanted) in [
        (true, &[0xff][..]),
        (false, &[0, 0xff]),
        (true, &[0, 0xfe]),
        (false, &[0xfe]),
        (true, &[0]),
        (true, &[7]),
        (true, &[0, 7]),
        (false, &[1]),
        (true, &[0x80, 1]),
        (false, &[0, 0x80, 1]),
        (true, &long),
        (false, &long[..19]),
    ] {
        assert_eq!(found(wanted), usize::from(listed), "{wanted:02x?}");
    }
}

#[test]
fn optional_parts_may_be_absent() {
    let key = KeyPair::generate().unwrap();
    let issuer = issuer();
    let one = der::encode(SEQUENCE, &[&entry(&[1], &[])]);
    let empty = der::encode(SEQUENCE, &[]);
    let extensions = crl_extensions(&[&extension(&[0x55, 0x1d, 0x14], false, &[2, 1, 5])]);
    let cases: [(&[&[u8]], u32, u64, bool); 6] = [
        (&[ECDSA_SHA256, &issuer, THIS_UPDATE], 1, 0, false),
        (&[ECDSA_SHA256, &issuer, THIS_UPDATE, &one], 1, 1, false),
        (&[ECDSA_SHA256, &issuer, THIS_UPDATE, NEXT_UPDATE], 1, 0, false),
        (&[VERSION_2, ECDSA_SHA256, &issuer, THIS_UPDATE, &empty], 2, 0, false),
        (&[VERSION_2, ECDSA_SHA256, &issuer, THIS_UPDATE, NEXT_UPDATE, &extensions], 2, 0, true),
        (&[VERSION_2, ECDSA_SHA256, &issuer, THIS_UPDATE, &one, &extensions], 2, 1, true),
    ];
    for (fields, version, entries, numbered) in cases {
        let der = signed(&key, ECDSA_SHA256, fields);
        for size in [1, 3, 1000] {
            let crl = in_chunks(&der, size, &[]).unwrap();
            assert_eq!((crl.version, crl.entries, crl.crl_number.is_some()), (version, entries, numbered));
            assert_eq!(crl.has_empty_list, fields.contains(&empty.as_slice()));
            assert_eq!(crl.verify(&public(&key)), Ok(()));
        }
    }
}

#[test]
fn indirect_crls_carry_the_certificate_issuer_over() {
    let key = KeyPair::generate().unwrap();
    let directory = der::encode(SEQUENCE, &[&der::encode(0xa4, &[&issuer()])]);
    let of_issuer = extension(&[0x55, 0x1d, 0x1d], true, &directory);
    let other = der::encode(SEQUENCE, &[b"\x82\x06b.test"]);
    let of_other = extension(&[0x55, 0x1d, 0x1d], true, &other);
    let der = usual(
        &key,
        &[
            &entry(&[1], &[]),
            &entry(&[9], &[&of_issuer]),
            &entry(&[1], &[]),
            &entry(&[8], &[&of_other]),
            &entry(&[1], &[]),
        ],
        &[&extension(&[0x55, 0x1d, 0x1c], true, &[0x30, 3, 0x84, 1, 0xff])],
    );
    let crl = read(&der, &[serial(&[1])]).unwrap();
    let issuers: Vec<_> =
        crl.found.iter().map(|found| found.certificate_issuer.as_ref().map(|names| names[0].to_string())).collect();
    assert_eq!(issuers, [None, Some("DirName:CN=Test".to_owned()), Some("DNS:b.test".to_owned())]);
    assert!(crl.issuing_distribution_point.unwrap().indirect_crl);
    assert!(crl.unknown_critical_entry_extensions.is_empty());
}

#[test]
fn critical_extensions_that_are_not_known_are_named_once() {
    let key = KeyPair::generate().unwrap();
    let odd = extension(&[0x2a, 3], true, &[5, 0]);
    let harmless = extension(&[0x2a, 4], false, &[5, 0]);
    let der = usual(&key, &[&entry(&[1], &[&odd]), &entry(&[2], &[&harmless, &odd])], &[&odd, &harmless]);
    let crl = read(&der, &[]).unwrap();
    assert_eq!(crl.unknown_critical_entry_extensions, ["1.2.3"]);
    assert_eq!(crl.unknown_critical_extensions, ["1.2.3"]);
}

#[test]
fn reads_scope_delta_and_freshest() {
    let key = KeyPair::generate().unwrap();
    let name = der::encode(0xa0, &[&der::encode(0xa0, &[b"\x86\x0ehttp://a/c.crl"])]);
    let point = der::encode(SEQUENCE, &[&name, &[0x83, 2, 5, 0x60]]);
    let freshest = der::encode(SEQUENCE, &[&der::encode(SEQUENCE, &[&name])]);
    let publish = extension(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x15, 4], false, NEXT_UPDATE);
    let der = usual(
        &key,
        &[],
        &[
            &extension(&[0x55, 0x1d, 0x1c], true, &point),
            &extension(&[0x55, 0x1d, 0x1b], true, &[2, 1, 4]),
            &extension(&[0x55, 0x1d, 0x2e], false, &freshest),
            &publish,
        ],
    );
    let crl = read(&der, &[]).unwrap();
    assert_eq!(crl.issuing_distribution_point.unwrap().only_some_reasons, Some(ReasonFlags(0b110)));
    assert_eq!(crl.delta_base, Some(serial(&[4])));
    assert_eq!(crl.freshest_crl[0].urls().collect::<Vec<_>>(), ["http://a/c.crl"]);
    assert_eq!(crl.next_publish, crl.next_update);
}

#[test]
fn algorithms_that_need_the_whole_message_get_it() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let der = signed(&key, ED25519, &[VERSION_2, ED25519, &issuer(), THIS_UPDATE]);
    for size in [1, 7, 1000] {
        let crl = in_chunks(&der, size, &[]).unwrap();
        assert_eq!(crl.verify(&public(&key)), Ok(()));
        assert!(crl.verify(&public(&KeyPair::generate().unwrap())).is_err());
    }
    let der = signed(&key, MD5, &[MD5, &issuer(), THIS_UPDATE]);
    let crl = read(&der, &[]).unwrap();
    assert!(matches!(crl.verify(&public(&key)), Err(SignatureError::Unsupported { .. })));
}

#[test]
fn a_changed_octet_in_the_signed_part_breaks_the_signature() {
    let key = KeyPair::generate().unwrap();
    let der = sample(&key);
    let date = der.windows(13).position(|window| window == b"261031120000Z").unwrap();
    let mut changed = der.clone();
    changed[date + 1] = b'5';
    assert_eq!(read(&changed, &[]).unwrap().verify(&public(&key)), Err(SignatureError::Invalid));
    assert_eq!(read(&der, &[]).unwrap().verify(&public(&KeyPair::generate().unwrap())), Err(SignatureError::Invalid));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let key = KeyPair::generate().unwrap();
    let issuer = issuer();
    let number = extension(&[0x55, 0x1d, 0x14], false, &[2, 1, 5]);
    let element = |der: &[u8]| {
        let whole = read(der, &[serial(&[1])]).unwrap_err();
        assert_eq!(in_chunks(der, 1, &[serial(&[1])]).unwrap_err().element, whole.element, "octet by octet");
        whole.element
    };

    let mut trailing = sample(&key);
    trailing.push(b'\n');
    assert_eq!(element(&trailing), "certificateList");
    assert_eq!(element(&signed(&key, ED25519, &[ECDSA_SHA256, &issuer, THIS_UPDATE])), "signatureAlgorithm");
    assert_eq!(element(&usual(&key, &[], &[&number, &number])), "cRLNumber");
    assert_eq!(element(&usual(&key, &[&[2, 1, 1]], &[])), "revokedCertificates");
    assert_eq!(element(&usual(&key, &[&[0x30, 3, 2, 1, 1]], &[])), "revocationDate");
    let reason = extension(&[0x55, 0x1d, 0x15], false, &[5, 0]);
    assert_eq!(element(&usual(&key, &[&entry(&[1], &[&reason])], &[])), "reasonCode");
    let idp = extension(&[0x55, 0x1d, 0x1c], true, &[5, 0]);
    assert_eq!(element(&usual(&key, &[], &[&idp])), "issuingDistributionPoint");
    assert_eq!(element(&signed(&key, ECDSA_SHA256, &[ECDSA_SHA256, &issuer, &issuer])), "thisUpdate");
    assert_eq!(
        element(&signed(&key, ECDSA_SHA256, &[VERSION_2, ECDSA_SHA256, &issuer, THIS_UPDATE, &[5, 0]])),
        "revokedCertificates"
    );
    assert_eq!(
        element(&signed(&key, ECDSA_SHA256, &[ECDSA_SHA256, &issuer, THIS_UPDATE, &[0x30, 0], &[5, 0]])),
        "crlExtensions"
    );
    for version in [&[2, 1, 0][..], &[2, 1, 2], &[2, 2, 0, 1]] {
        let fields = [version, ECDSA_SHA256, &issuer, THIS_UPDATE];
        assert_eq!(element(&signed(&key, ECDSA_SHA256, &fields)), "version");
    }
    let extensions = crl_extensions(&[&number]);
    let version_1 = |field: &[u8]| signed(&key, ECDSA_SHA256, &[ECDSA_SHA256, &issuer, THIS_UPDATE, field]);
    assert_eq!(element(&version_1(&extensions)), "crlExtensions");
    let reason = extension(&[0x55, 0x1d, 0x15], false, &[0x0a, 1, 1]);
    assert_eq!(element(&version_1(&der::encode(SEQUENCE, &[&entry(&[7], &[&reason])]))), "crlEntryExtensions");
    assert_eq!(element(b"<!DOCTYPE html><html>blocked</html>"), "certificateList");
    assert_eq!(element(b""), "tbsCertList");
    assert_eq!(element(b"-----BEGIN X509 CRL-----\nMII*\n-----END X509 CRL-----\n"), "PEM armour");
    assert_eq!(element(b"-----BEGIN X509 CRL-----\nMIIB\n"), "PEM armour");
    let armoured = crate::x509::pem::encode("X509 CRL", &sample(&KeyPair::generate().unwrap()));
    let two = [armoured.as_bytes(), b"\n# the next\n", armoured.as_bytes()].concat();
    for size in [1, 7, 64, two.len()] {
        let error = in_chunks(&two, size, &[]).unwrap_err();
        assert!(error.element == "PEM armour" && error.reason.contains("another CRL follows"), "{error}");
    }
    assert_eq!(element(b"-----BEGIN X509 CRL-----\nMA==MAAA\n-----END X509 CRL-----\n"), "PEM armour");
}

#[test]
fn every_truncation_and_every_changed_octet_is_survived() {
    let key = KeyPair::generate().unwrap();
    let der = sample(&key);
    let wanted = [serial(&[1]), serial(&[3; 20])];
    for end in 0..der.len() {
        assert!(read(&der[..end], &wanted).is_err());
        assert!(in_chunks(&der[..end], 5, &wanted).is_err());
    }
    for index in 0..der.len() {
        for flip in [0x01, 0x04, 0x20, 0x80, 0xff] {
            let mut changed = der.clone();
            changed[index] ^= flip;
            let whole = read(&changed, &wanted);
            let chunked = in_chunks(&changed, 3, &wanted);
            assert_eq!(whole.as_ref().err(), chunked.as_ref().err(), "octet {index} by {flip:#x}");
            if let Ok(crl) = whole {
                assert!(crl.verify(&public(&key)).is_err(), "octet {index} by {flip:#x}");
            }
        }
    }
}

#[test]
fn hostile_sizes_are_refused_without_being_kept() {
    let wanted = [serial(&[1])];
    // An entry, a header and a whole list that claim gigabytes.
    let key = KeyPair::generate().unwrap();
    let mut prefix = vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xf0, 0x30, 0x84, 0xff, 0xff, 0xff, 0xe0];
    prefix.extend(ECDSA_SHA256);
    let mut huge_issuer = prefix.clone();
    huge_issuer.extend([0x30, 0x84, 0x7f, 0, 0, 0]);
    assert_eq!(read(&huge_issuer, &wanted).unwrap_err().element, "issuer");
    prefix.extend(issuer());
    prefix.extend(THIS_UPDATE);
    prefix.extend([0x30, 0x84, 0x7f, 0, 0, 0, 0x30, 0x83, 0x7f, 0, 0]);
    assert_eq!(read(&prefix, &wanted).unwrap_err().element, "revokedCertificates");

    // One serial number over and over, each time with a large issuer.
    let many = der::encode(SEQUENCE, &[&b"\x82\x00".repeat(20_000)]);
    let first = entry(&[2], &[&extension(&[0x55, 0x1d, 0x1d], true, &many)]);
    let again = entry(&[1], &[]).repeat(1000);
    let error = read(&usual(&key, &[&first, &again], &[]), &wanted).unwrap_err();
    assert!(error.reason.contains("same serial number"), "{error}");
}
