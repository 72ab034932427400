//! What CRLs say of a certificate: CRLs of any entries and extensions, rightly signed, so that they get past the
//! signature to the judge of scopes, reasons, indirect entries and deltas.
//!
//! Input: an octet of choices, then for each of up to three CRLs a length and its entries, a length and its
//! extensions: as they shall stand in the DER, or in a few octets each, of which `entries` and `extensions` make them.
#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use certflight::lab::ca::{self, Issued, Profile};
use certflight::lab::der;
use certflight::lab::key::{Key, KeyKind, SigningHash};
use certflight::lab::offset::Offset;
use certflight::lab::subject::name as certificate_name;
use certflight::revocation::crl::{self, CrlSource, Judgement, Role, Signers};
use certflight::revocation::retrieve::CrlBody;
use certflight::revocation::{Answer, Subject};
use certflight::x509::extensions::{DistributionPoint, DistributionPointName, GeneralName};
use certflight::x509::{Certificate, Serial};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;

const URL: &str = "http://a/c.crl";
/// The serial number of the certificate in question.
const SERIAL: u8 = 5;

struct Stage {
    issuer: Issued,
    /// Of the same name, with another key.
    namesake: Issued,
    subject: Subject,
    now: Timestamp,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let now: Timestamp = "2026-11-15T00:00:00Z".parse().expect("a time");
    let issue = |subject: &str| {
        let profile = Profile::authority(subject, Offset(-86_400), Offset(365 * 86_400));
        ca::issue(&profile, &Arc::new(Key::new(KeyKind::P256).expect("randomness")), None, now).expect("a certificate")
    };
    let issuer = issue("CA");
    let above = issuer.certificate.clone().expect("it decodes");
    let above = Arc::new(Certificate::from_der(above.der.clone()).expect("it decodes"));
    let mut leaf = Certificate::from_der(issue("leaf").der).expect("it decodes");
    leaf.serial = Serial(Bytes::from_static(&[SERIAL]));
    leaf.issuer = above.subject.clone();
    leaf.basic_constraints = None;
    let name = DistributionPointName::Full(vec![GeneralName::Uri(URL.to_owned())]);
    leaf.crl_distribution_points = vec![DistributionPoint { name: Some(name), reasons: None, crl_issuer: Vec::new() }];
    let subject = Subject {
        certificate: Arc::new(leaf),
        issuer: Some(above.clone()),
        above: vec![above.clone()],
        anchors: vec![above],
        on_chosen_path: true,
        is_leaf: true,
    };
    Stage { issuer, namesake: issue("CA"), subject, now }
});

/// A CRL of these entries and extensions, as they are.
fn signed(signer: &Issued, entries: &[u8], extensions: &[u8], is_fresh: bool) -> Vec<u8> {
    let day = |days: i64| der::time(STAGE.now.checked_add(SignedDuration::from_hours(24 * days)).expect("a time"));
    let mut fields = vec![
        der::integer(1),
        signer.key.algorithm_identifier(SigningHash::Sha256),
        signer.subject.clone(),
        day(-7),
        day(if is_fresh { 7 } else { -1 }),
    ];
    if !entries.is_empty() {
        fields.push(der::tlv(0x30, entries));
    }
    if !extensions.is_empty() {
        fields.push(der::explicit(0, &der::tlv(0x30, extensions)));
    }
    let tbs = der::sequence(&fields);
    let signed = signer.key.sign_with(SigningHash::Sha256, &tbs).expect("randomness");
    der::sequence(&[tbs, signed.algorithm, der::bit_string(&signed.signature)])
}

/// Entries of three octets each: serial number, reason, whose.
fn entries(octets: &[u8]) -> Vec<u8> {
    let entry = |octets: &[u8]| {
        let [serial, reason, issuer] = octets else { return Vec::new() };
        let mut extensions = Vec::new();
        if *reason < 11 {
            extensions.push(der::extension(&[2, 5, 29, 21], false, &der::enumerated(*reason)));
        }
        let issuer = match issuer % 4 {
            1 => Some("CA"),
            2 => Some("Other"),
            _ => None,
        };
        if let Some(issuer) = issuer {
            let names = der::sequence(&[der::explicit(4, &certificate_name(issuer))]);
            extensions.push(der::extension(&[2, 5, 29, 29], true, &names));
        }
        let mut fields = vec![der::unsigned(&[serial % 8]), der::time(STAGE.now)];
        if !extensions.is_empty() {
            fields.push(der::sequence(&extensions));
        }
        der::sequence(&fields)
    };
    octets.chunks_exact(3).flat_map(entry).collect()
}

/// Extensions by an octet that says which, an octet for each value, and one that is as it stands.
fn extensions(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.iter().copied();
    let mut next = || octets.next().unwrap_or(0);
    let which = next();
    let mut extensions = Vec::new();
    if which & 1 != 0 {
        extensions.push(der::extension(&[2, 5, 29, 20], which & 16 != 0, &der::integer(u64::from(next() % 8))));
    }
    if which & 2 != 0 {
        extensions.push(der::extension(&[2, 5, 29, 27], true, &der::integer(u64::from(next() % 8))));
    }
    if which & 4 != 0 {
        let (flags, reasons) = (next(), next());
        let mut fields = Vec::new();
        if flags & 1 != 0 {
            let url: &str = if flags & 2 != 0 { URL } else { "http://a/another.crl" };
            fields.push(der::explicit(0, &der::explicit(0, &der::tlv(0x86, url.as_bytes()))));
        }
        let truth = |tag: u8, bit: u8| if flags & bit != 0 { der::tlv(tag, &[0xff]) } else { Vec::new() };
        fields.extend([truth(0x81, 4), truth(0x82, 8)]);
        if flags & 64 != 0 {
            fields.push(der::tlv(0x83, &der::named_bits(u16::from(reasons) << 1)));
        }
        fields.extend([truth(0x84, 16), truth(0x85, 32)]);
        extensions.push(der::extension(&[2, 5, 29, 28], true, &der::sequence(&fields)));
    }
    if which & 8 != 0 {
        extensions.push(octets.collect());
    }
    extensions.concat()
}

fn judge(crls: &[Vec<u8>], role: Role) -> Judgement {
    let serials = [STAGE.subject.certificate.serial.clone()];
    let sources: Vec<CrlSource> = crls
        .iter()
        .map(|octets| CrlSource {
            url: URL.to_owned(),
            role,
            subjects: vec![0],
            bodies: vec![CrlBody::read(&Bytes::from(octets.clone()), &serials)],
        })
        .collect();
    crl::judge(&sources, &[], std::slice::from_ref(&STAGE.subject), &Signers::default(), STAGE.now)
}

fn answers(judgement: &Judgement) -> Vec<Answer> {
    let answers = judgement.sources.iter().flat_map(|source| &source.answers);
    answers.filter_map(|(_, source)| source.answer.clone()).collect()
}

fn is_good(judgement: &Judgement) -> bool {
    answers(judgement).contains(&Answer::Good)
}

fn is_revoked(judgement: &Judgement) -> bool {
    answers(judgement).iter().any(|answer| matches!(answer, Answer::Revoked { .. }))
}

fn taken<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, rest)) = data.split_first() else { return &[] };
    let (taken, rest) = rest.split_at(usize::from(*length).min(rest.len()));
    *data = rest;
    taken
}

fuzz_target!(|data: &[u8]| {
    let Some((choices, mut rest)) = data.split_first() else { return };
    let role = if choices & 1 == 0 { Role::File } else { Role::Complete };
    let is_fresh = choices & 2 == 0;
    let mut parts = Vec::new();
    while parts.len() < 3 && !rest.is_empty() {
        let (of_entries, of_extensions) = (taken(&mut rest), taken(&mut rest));
        parts.push((
            if choices & 4 == 0 { entries(of_entries) } else { of_entries.to_vec() },
            if choices & 8 == 0 { extensions(of_extensions) } else { of_extensions.to_vec() },
        ));
    }
    let by = |signer: &Issued, first: &[u8]| -> Vec<Vec<u8>> {
        let of_part = |(entries, extensions): &(Vec<u8>, Vec<u8>)| {
            signed(signer, &[first, entries.as_slice()].concat(), extensions, is_fresh)
        };
        parts.iter().map(of_part).collect()
    };
    let crls = by(&STAGE.issuer, &[]);
    let judgement = judge(&crls, role);
    for source in &judgement.sources {
        let good = source.answers.iter().any(|(_, source)| source.answer == Some(Answer::Good));
        assert!(!good || source.usable, "good by what cannot be used: {source:?}");
    }
    assert!(is_fresh || !is_good(&judgement), "good by stale CRLs alone");

    // The same whichever comes first.
    let reversed = judge(&crls.iter().rev().cloned().collect::<Vec<_>>(), role);
    assert_eq!(
        (is_revoked(&judgement), is_good(&judgement) && !is_revoked(&judgement)),
        (is_revoked(&reversed), is_good(&reversed) && !is_revoked(&reversed))
    );

    // Another key of the same name says nothing.
    assert!(answers(&judge(&by(&STAGE.namesake, &[]), role)).is_empty(), "another key was believed");

    // What stands first in the list is of the CRL's own issuer, so the certificate is revoked whatever follows.
    let listing = der::sequence(&[der::unsigned(&[SERIAL]), der::time(STAGE.now)]);
    assert!(!is_good(&judge(&by(&STAGE.issuer, &listing), role)), "good though it is listed");

    // No octet may change.
    if let (Some(crl), true) = (crls.first(), data.len() > 2) {
        let mut changed = crl.clone();
        let position = (usize::from(data[1]) << 8 | usize::from(data[2])) % changed.len();
        changed[position] ^= choices | 1;
        assert!(answers(&judge(&[changed], role)).is_empty(), "octet {position} changed, and it was believed");
    }
});
