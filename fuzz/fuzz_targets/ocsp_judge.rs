//! What an OCSP response says of a certificate: responses of any answers and extensions, rightly signed, by the CA or
//! a delegate, so that they get past the signature.
//!
//! Input: an octet of choices, then a length and further single responses (as they shall stand in the DER, or in three
//! octets each, of which `singles` makes them), a length and the extensions of ours, a length and the extensions of the
//! response, all as they shall stand; the rest stands among the embedded certificates.
#![no_main]

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use bytes::Bytes;
use certflight::lab::ca::{self, Issued, KeyPurpose, Profile};
use certflight::lab::der;
use certflight::lab::key::{Key, KeyKind, SigningHash};
use certflight::lab::offset::Offset;
use certflight::revocation::Answer;
use certflight::revocation::ocsp::{self, Judged, Question};
use certflight::x509::ocsp::{CertStatus, OcspResponse};
use certflight::x509::{Certificate, Serial};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;

/// The serial number of the certificate in question.
const SERIAL: u8 = 5;

struct Stage {
    issuer: Issued,
    issuer_certificate: Certificate,
    namesake: Issued,
    delegate: Issued,
    /// Issued by the CA, but not for OCSP.
    other: Issued,
    certificate: Certificate,
    now: Timestamp,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let now: Timestamp = "2026-11-15T00:00:00Z".parse().expect("a time");
    let issue = |profile: &Profile, issuer: Option<&Issued>| {
        let issuer = issuer.map(|issuer| ("CA".into(), issuer.key.as_ref()));
        ca::issue(profile, &Arc::new(Key::new(KeyKind::P256).expect("randomness")), issuer, now).expect("a certificate")
    };
    let authority = |subject: &str| Profile::authority(subject, Offset(-86_400), Offset(365 * 86_400));
    let issuer = issue(&authority("CA"), None);
    let below = |subject: &str, purposes: Vec<KeyPurpose>| {
        issue(&Profile { ca: false, purposes, ..authority(subject) }, Some(&issuer))
    };
    let delegate = below("delegate", vec![KeyPurpose::OcspSigning]);
    let other = below("other", vec![KeyPurpose::ServerAuth]);
    let mut certificate = Certificate::from_der(below("leaf", Vec::new()).der).expect("it decodes");
    certificate.serial = Serial(Bytes::from_static(&[SERIAL]));
    let issuer_certificate = Certificate::from_der(issuer.der.clone()).expect("it decodes");
    Stage { namesake: issue(&authority("CA"), None), issuer, issuer_certificate, delegate, other, certificate, now }
});

fn hash(octets: &[u8]) -> Vec<u8> {
    der::octet_string(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, octets).as_ref())
}

fn time(hours: i64) -> Vec<u8> {
    der::generalized_time(STAGE.now.checked_add(SignedDuration::from_hours(hours)).expect("a time"))
}

/// What is to be said; octets as they are.
#[derive(Clone, Copy)]
struct Spec<'a> {
    status: &'a [u8],
    is_fresh: bool,
    further: &'a [u8],
    single_extensions: &'a [u8],
    extensions: &'a [u8],
    embedded: &'a [u8],
}

fn wrapped(number: u8, contents: &[u8]) -> Vec<u8> {
    if contents.is_empty() { Vec::new() } else { der::explicit(number, &der::tlv(0x30, contents)) }
}

fn cert_id(serial: u8) -> Vec<u8> {
    let issuer = &STAGE.issuer_certificate;
    let algorithm = der::sequence(&[der::oid(&[1, 3, 14, 3, 2, 26]), der::null()]);
    der::sequence(&[algorithm, hash(issuer.subject.der()), hash(&issuer.key.bits), der::unsigned(&[serial])])
}

/// Single responses of three octets each: serial number, status, age in hours.
fn singles(octets: &[u8]) -> Vec<u8> {
    let single = |octets: &[u8]| {
        let [serial, status, age] = octets else { return Vec::new() };
        let status = match status % 3 {
            0 => vec![0x80, 0],
            1 => vec![0x82, 0],
            _ => der::tlv(0xa1, &time(-48)),
        };
        der::sequence(&[cert_id(SERIAL - 1 + serial % 3), status, time(24 - i64::from(*age))])
    };
    octets.chunks_exact(3).flat_map(single).collect()
}

fn signed(signer: &Issued, spec: Spec<'_>) -> Vec<u8> {
    let next = der::explicit(0, &time(if spec.is_fresh { 24 } else { -1 }));
    let single = [cert_id(SERIAL), spec.status.to_vec(), time(-24), next, wrapped(1, spec.single_extensions)];
    let singles = [der::sequence(&single), spec.further.to_vec()].concat();
    let responder = der::explicit(1, &signer.subject);
    let tbs = [responder, time(-24), der::tlv(0x30, &singles), wrapped(1, spec.extensions)];
    let tbs = der::sequence(&tbs);
    let signature = signer.key.sign_with(SigningHash::Sha256, &tbs).expect("randomness");
    // The CA itself needs none.
    let own: &[u8] = if signer.der == STAGE.issuer.der { &[] } else { &signer.der };
    let embedded = wrapped(0, &[own, spec.embedded].concat());
    let basic = der::sequence(&[tbs, signature.algorithm, der::bit_string(&signature.signature), embedded]);
    let bytes = der::sequence(&[der::oid(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 1]), der::octet_string(&basic)]);
    der::sequence(&[der::enumerated(0), der::explicit(0, &bytes)])
}

fn judge(octets: &[u8]) -> Judged {
    let (certificate, issuer, at) = (&STAGE.certificate, &STAGE.issuer_certificate, STAGE.now);
    let question = Question { certificate, issuer, nonce: None, pool: None, at };
    ocsp::judge(&Bytes::copy_from_slice(octets), &question)
}

/// Whether any of the answers for the certificate says good.
fn claims_good(octets: &[u8]) -> bool {
    let Ok(OcspResponse::Basic(basic)) = certflight::x509::ocsp::parse(&Bytes::copy_from_slice(octets)) else {
        return false;
    };
    let ours = basic.responses.iter().filter(|it| it.cert_id.matches(&STAGE.certificate, &STAGE.issuer_certificate));
    ours.clone().any(|it| it.status == CertStatus::Good)
        && !ours.clone().any(|it| matches!(it.status, CertStatus::Revoked { .. }))
}

fn taken<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, rest)) = data.split_first() else { return &[] };
    let (taken, rest) = rest.split_at(usize::from(*length).min(rest.len()));
    *data = rest;
    taken
}

fuzz_target!(|data: &[u8]| {
    let Some((choices, mut rest)) = data.split_first() else { return };
    let (further, single_extensions, extensions) = (taken(&mut rest), taken(&mut rest), taken(&mut rest));
    let further = if choices & 8 == 0 { singles(further) } else { further.to_vec() };
    let revoked = der::tlv(0xa1, &time(-48));
    let status: &[u8] = match choices & 3 {
        0 | 1 => &[0x80, 0],
        2 => &[0x82, 0],
        _ => &revoked,
    };
    let is_fresh = choices & 4 == 0;
    let spec = Spec { status, is_fresh, further: &further, single_extensions, extensions, embedded: rest };
    for signer in [&STAGE.issuer, &STAGE.delegate] {
        let octets = signed(signer, spec);
        let judged = judge(&octets);
        let is_good = judged.answer == Some(Answer::Good);
        assert!(!is_good || (judged.usable && claims_good(&octets)), "good, and it does not say so: {judged:?}");
        assert_eq!(judged.usable, judged.answer.is_some() && judged.answer != Some(Answer::Unknown));

        // One answer that says revoked is enough.
        let listed = judge(&signed(signer, Spec { status: &revoked, ..spec }));
        assert_ne!(listed.answer, Some(Answer::Good), "good though one answer says revoked");

        // No octet may change.
        let mut changed = octets.clone();
        let position = data.iter().take(4).fold(0, |sum, octet| sum << 8 | usize::from(*octet)) % changed.len();
        changed[position] ^= choices | 1;
        // What the fuzzer has put among the embedded certificates is nobody's, and need not be anything.
        if rest.is_empty() {
            assert_ne!(judge(&changed).answer, Some(Answer::Good), "octet {position} changed, and it was believed");
        }
    }
    for signer in [&STAGE.namesake, &STAGE.other] {
        let judged = judge(&signed(signer, spec));
        assert!(judged.answer.is_none(), "no one has entitled it to answer: {judged:?}");
    }
});
