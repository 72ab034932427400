//! Every defect of an OCSP response, fired and silent.

use super::super::fixtures::{
    Ca, CrlSpec, ERROR_UNAUTHORIZED, Key, Leaf, OcspSpec, Says, Single, at, extension, instant, time,
};
use super::*;
use crate::path::Source;

const NONCE: &[u8] = &[7; 32];

/// Judges a response about certificate 5 of that CA, asked with a nonce.
fn judged(ca: &Ca, body: &[u8]) -> Judged {
    let subject = ca.subject(&Leaf::new(5));
    let question = Question {
        certificate: &subject.certificate,
        issuer: &ca.certificate,
        nonce: Some(NONCE),
        pool: None,
        at: at(),
    };
    judge(&Bytes::copy_from_slice(body), &question)
}

fn unauthorized(judged: &Judged) -> &str {
    assert!(!judged.usable && judged.answer.is_none());
    match judged.defects.as_slice() {
        [ContentDefect::UnauthorizedResponder { reason }] => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_issuer_answers_by_key_or_by_name() {
    let ca = Ca::new("CA");
    for responder in [None, Some("CA")] {
        let judged = judged(&ca, &ca.ocsp(&OcspSpec { responder, ..OcspSpec::good(&ca, 5) }));
        assert_eq!((judged.answer, judged.defects, judged.usable), (Some(Answer::Good), vec![], true));
        let content = judged.content.unwrap();
        assert_eq!(content.signature, SignatureState::Valid);
        assert_eq!(content.responder.as_deref() == Some("CN=CA"), responder.is_some());
        assert!(responder.is_some() || content.responder.unwrap().starts_with("key:"));
    }
    let revoked = judged(&ca, &ca.ocsp(&OcspSpec::saying(&ca, 5, Says::Revoked)));
    let reason = Some(crate::x509::RevocationReason(1));
    assert_eq!(revoked.answer, Some(Answer::Revoked { at: instant("2026-11-02T00:00:00Z"), reason }));
}

#[test]
fn unknown_is_an_answer_but_no_usable_one() {
    let ca = Ca::new("CA");
    let judged = judged(&ca, &ca.ocsp(&OcspSpec::saying(&ca, 5, Says::Unknown)));
    assert_eq!((judged.answer, judged.usable), (Some(Answer::Unknown), false));
    assert_eq!(judged.defects, [ContentDefect::UnknownStatus]);
}

#[test]
fn freshness() {
    let ca = Ca::new("CA");
    let defects = |spec: OcspSpec<'_>| {
        let judged = judged(&ca, &ca.ocsp(&spec));
        assert_eq!(judged.usable, judged.answer.is_some());
        (judged.defects, judged.usable)
    };
    let base = || OcspSpec::good(&ca, 5);
    assert_eq!(defects(OcspSpec { next_update: None, ..base() }), (vec![], true));
    assert_eq!(
        defects(OcspSpec { next_update: Some("2026-11-14T23:59:59Z"), ..base() }),
        (vec![ContentDefect::Expired { next_update: instant("2026-11-14T23:59:59Z") }], false)
    );
    for (time, usable) in [("2026-11-15T00:05:00Z", true), ("2026-11-15T00:05:01Z", false)] {
        for spec in [OcspSpec { this_update: time, ..base() }, OcspSpec { produced_at: time, ..base() }] {
            let expected = ContentDefect::NotYetValid { this_update: instant(time) };
            assert_eq!(defects(spec), (if usable { vec![] } else { vec![expected] }, usable));
        }
    }
}

#[test]
fn the_nonce_if_there_is_one_must_be_ours() {
    let ca = Ca::new("CA");
    let usable = |nonce| judged(&ca, &ca.ocsp(&OcspSpec { nonce, ..OcspSpec::good(&ca, 5) })).defects;
    assert_eq!(usable(None), []);
    assert_eq!(usable(Some(NONCE)), []);
    assert_eq!(usable(Some(&[8; 32])), [ContentDefect::NonceMismatch]);
    let subject = ca.subject(&Leaf::new(5));
    let unasked =
        Question { certificate: &subject.certificate, issuer: &ca.certificate, nonce: None, pool: None, at: at() };
    let body = ca.ocsp(&OcspSpec { nonce: Some(NONCE), ..OcspSpec::good(&ca, 5) });
    assert!(judge(&body.into(), &unasked).usable);
}

#[test]
fn a_replay_that_says_revoked_counts_all_the_same() {
    let ca = Ca::new("CA");
    let replayed = |says| judged(&ca, &ca.ocsp(&OcspSpec { nonce: Some(&[8; 32]), ..OcspSpec::saying(&ca, 5, says) }));
    let revoked = replayed(Says::Revoked);
    assert_eq!((revoked.defects, revoked.usable), (vec![ContentDefect::NonceMismatch], false));
    assert!(matches!(revoked.answer, Some(Answer::Revoked { .. })));
    assert_eq!(replayed(Says::Good).answer, None);
    assert_eq!(replayed(Says::Unknown).answer, None);
    let stale = OcspSpec { next_update: Some("2026-11-14T00:00:00Z"), ..OcspSpec::saying(&ca, 5, Says::Revoked) };
    assert_eq!(judged(&ca, &ca.ocsp(&OcspSpec { nonce: Some(&[8; 32]), ..stale })).answer, None);
}

#[test]
fn a_serial_number_that_was_never_issued_is_revoked() {
    let ca = Ca::new("CA");
    // id-pkix-ocsp-extended-revoke
    let extensions = vec![extension("1.3.6.1.5.5.7.48.1.9", true, &[5, 0])];
    let judged = judged(&ca, &ca.ocsp(&OcspSpec { extensions, ..OcspSpec::saying(&ca, 5, Says::NeverIssued) }));
    let reason = Some(crate::x509::RevocationReason::CERTIFICATE_HOLD);
    assert_eq!(judged.answer, Some(Answer::Revoked { at: instant("1970-01-01T00:00:00Z"), reason }));
    assert!(judged.usable && judged.defects.is_empty());
}

#[test]
fn the_archive_must_reach_back_to_the_end_of_an_expired_certificate() {
    let ca = Ca::new("CA");
    let judged = |ended: &'static str, cutoff: Option<&str>, says| {
        let subject = ca.subject(&Leaf::new(5).valid("2026-01-01T00:00:00Z", ended));
        let question =
            Question { certificate: &subject.certificate, issuer: &ca.certificate, nonce: None, pool: None, at: at() };
        let cutoff = cutoff.map(|cutoff| extension("1.3.6.1.5.5.7.48.1.6", false, &time(cutoff)));
        let single_extensions = cutoff.into_iter().collect();
        let judged =
            judge(&ca.ocsp(&OcspSpec { single_extensions, ..OcspSpec::saying(&ca, 5, says) }).into(), &question);
        (judged.answer.is_some(), judged.defects)
    };
    const EXPIRED: &str = "2026-06-01T00:00:00Z";
    let cutoff = "2026-07-01T00:00:00Z";
    let defect = ContentDefect::NotArchived { cutoff: instant(cutoff) };
    assert_eq!(judged(EXPIRED, Some(cutoff), Says::Good), (false, vec![defect]));
    assert_eq!(judged(EXPIRED, Some(cutoff), Says::Revoked), (true, vec![]));
    assert_eq!(judged(EXPIRED, Some(EXPIRED), Says::Good), (true, vec![]));
    assert_eq!(judged(EXPIRED, None, Says::Good), (true, vec![]));
    assert_eq!(judged("2027-01-01T00:00:00Z", Some("2027-02-01T00:00:00Z"), Says::Good), (true, vec![]));
}

#[test]
fn of_several_answers_the_same_counts_whatever_their_order() {
    let ca = Ca::new("CA");
    let single = |says, this_update| Single { this_update: Some(this_update), ..Single::new(&ca.certificate, 5, says) };
    let (older, newer) = ("2026-11-10T00:00:00Z", "2026-11-12T00:00:00Z");
    for (one, two, expected) in [
        (single(Says::Good, newer), single(Says::Revoked, older), "revoked"),
        (single(Says::Good, newer), single(Says::Unknown, older), "good"),
        (single(Says::Good, older), single(Says::Unknown, newer), "unknown"),
        (single(Says::Good, newer), single(Says::Unknown, newer), "unknown"),
        (single(Says::Good, newer), single(Says::Good, newer), "good"),
    ] {
        for answers in [vec![one.clone(), two.clone()], vec![two, one]] {
            let answer = judged(&ca, &ca.ocsp(&OcspSpec { answers, ..OcspSpec::good(&ca, 5) })).answer;
            let said = match &answer {
                Some(Answer::Good) => "good",
                Some(Answer::Unknown) => "unknown",
                Some(Answer::Revoked { .. }) => "revoked",
                None => "nothing",
            };
            assert_eq!(said, expected);
        }
    }
}

#[test]
fn the_version_may_be_written_but_not_another_one() {
    let ca = Ca::new("CA");
    let with = |version| judged(&ca, &ca.ocsp(&OcspSpec { version: Some(version), ..OcspSpec::good(&ca, 5) }));
    assert!(with(0).usable);
    let other = with(1);
    assert!(matches!(other.defects.as_slice(), [ContentDefect::Malformed { reason }] if reason.contains("version 2")));
}

#[test]
fn the_answer_must_be_about_the_certificate() {
    let (ca, namesake) = (Ca::new("CA"), Ca::new("CA"));
    let found = |spec: &OcspSpec<'_>| {
        let judged = judged(&ca, &ca.ocsp(spec));
        assert!(judged.content.unwrap().certificate_status.is_none() && !judged.usable);
        match judged.defects.as_slice() {
            [ContentDefect::WrongCertificate { found }] => found.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(found(&OcspSpec::good(&ca, 6)), "serial 06");
    assert_eq!(found(&OcspSpec::good(&namesake, 5)), "serial 05 of another issuer");
    assert_eq!(found(&OcspSpec { answers: vec![], ..OcspSpec::good(&ca, 5) }), "no certificate at all");
    let many = (6..11).map(|serial| Single::new(&ca.certificate, serial, Says::Good)).collect();
    assert_eq!(found(&OcspSpec { answers: many, ..OcspSpec::good(&ca, 5) }), "serial 06, serial 07, serial 08, 2 more");
    let among = [6, 5].map(|serial| Single::new(&ca.certificate, serial, Says::Good)).to_vec();
    assert!(judged(&ca, &ca.ocsp(&OcspSpec { answers: among, ..OcspSpec::good(&ca, 5) })).usable);
}

#[test]
fn a_delegate_answers_for_its_issuer() {
    let ca = Ca::new("CA");
    let delegate = ca.under(&Leaf::delegate(9));
    let embedded = vec![ca.certificate.clone(), delegate.certificate.clone()];
    for responder in [None, Some("leaf 9")] {
        let spec = OcspSpec { responder, embedded: embedded.clone(), ..OcspSpec::good(&ca, 5) };
        let judged = judged(&ca, &delegate.ocsp(&spec));
        assert_eq!((judged.defects, judged.usable), (vec![], true));
        assert_eq!(judged.delegate.unwrap().sha256, delegate.certificate.sha256);
    }
}

#[test]
fn a_delegate_must_be_authorized() {
    let (ca, other, namesake) = (Ca::new("CA"), Ca::new("Other"), Ca::new("CA"));
    let by = |delegate: Ca| {
        let embedded = vec![delegate.certificate.clone()];
        judged(&ca, &delegate.ocsp(&OcspSpec { embedded, ..OcspSpec::good(&ca, 5) }))
    };
    let lacks = |delegate: Ca, what: &str| {
        let judged = by(delegate);
        assert!(unauthorized(&judged).contains(what), "{judged:?}");
        assert_eq!(judged.content.unwrap().signature, SignatureState::Valid);
    };
    lacks(ca.under(&Leaf::new(9)), "lacks the extended key usage OCSPSigning");
    lacks(other.under(&Leaf::delegate(9)), "issued by CN=Other, not by CN=CA");
    lacks(namesake.under(&Leaf::delegate(9)), "was not issued by CN=CA");
    let expired = Leaf::delegate(9).valid("2026-01-01T00:00:00Z", "2026-11-14T00:00:00Z");
    lacks(ca.under(&expired), "expired at 2026-11-14T00:00:00Z");
    let future = Leaf::delegate(9).valid("2026-11-16T00:00:00Z", "2027-01-01T00:00:00Z");
    lacks(ca.under(&future), "valid only from");
    lacks(ca.under(&Leaf::delegate(9).extension("2.5.29.15", true, &[3, 2, 1, 6])), "digitalSignature");
    lacks(ca.under(&Leaf::delegate(9).extension("1.2.3", true, &[5, 0])), "critical extension 1.2.3");
    assert!(by(ca.under(&Leaf::delegate(9).extension("2.5.29.15", true, &[3, 2, 7, 0x80]))).usable);
}

#[test]
fn one_of_a_delegates_certificates_with_authority_is_enough() {
    let ca = Ca::new("CA");
    let delegate = ca.under(&Leaf::delegate(9));
    let expired = Leaf::delegate(8).named("leaf 9").valid("2026-01-01T00:00:00Z", "2026-11-14T00:00:00Z");
    let expired = ca.under_with(&expired, &delegate.key);
    let purposeless = ca.under_with(&Leaf::new(7).named("leaf 9"), &delegate.key);
    let good = || delegate.certificate.clone();
    for embedded in [
        vec![good(), expired.certificate.clone(), purposeless.certificate.clone()],
        vec![purposeless.certificate.clone(), expired.certificate.clone(), good()],
    ] {
        let judged = judged(&ca, &delegate.ocsp(&OcspSpec { embedded, ..OcspSpec::good(&ca, 5) }));
        assert_eq!((judged.defects, judged.usable), (vec![], true));
        assert_eq!(judged.delegate.unwrap().sha256, delegate.certificate.sha256);
    }
}

#[test]
fn a_delegate_may_be_at_hand_instead_of_in_the_response() {
    let ca = Ca::new("CA");
    let delegate = ca.under(&Leaf::delegate(9));
    let subject = ca.subject(&Leaf::new(5));
    let mut pool = Pool::default();
    let judged = |pool: &Pool| {
        let question = Question {
            certificate: &subject.certificate,
            issuer: &ca.certificate,
            nonce: None,
            pool: Some(pool),
            at: at(),
        };
        judge(&delegate.ocsp(&OcspSpec::good(&ca, 5)).into(), &question)
    };
    assert!(!judged(&pool).usable);
    pool.add(ca.under(&Leaf::new(8)).certificate, Source::Option);
    pool.add(delegate.certificate.clone(), Source::Option);
    assert!(judged(&pool).usable);
}

#[test]
fn a_delegate_of_the_same_cas_other_key_has_no_authority() {
    // RFC 6960 §4.2.2.2: only if both were signed with the same key.
    let root = Ca::new("Root");
    let (old, new) = (root.under(&Leaf::ca(2, "CA")), root.under(&Leaf::ca(3, "CA")));
    let delegate = new.under(&Leaf::delegate(9));
    let below_delegate = old.under(&Leaf::ca(4, "Sub")).under(&Leaf::delegate(9));
    for (delegate, expected) in [(delegate, "was not issued by CN=CA"), (below_delegate, "issued by CN=Sub, not by")] {
        let embedded = vec![delegate.certificate.clone(), new.certificate.clone()];
        let judged = judged(&old, &delegate.ocsp(&OcspSpec { embedded, ..OcspSpec::good(&old, 5) }));
        assert!(unauthorized(&judged).contains(expected), "{judged:?}");
    }
    // Nor has that key itself.
    let by_new = judged(&old, &new.ocsp(&OcspSpec { responder: Some("CA"), ..OcspSpec::good(&old, 5) }));
    assert_eq!(by_new.defects, [ContentDefect::BadSignature { signer: "CN=CA".to_owned() }]);
}

#[test]
fn a_stranger_has_no_authority() {
    let ca = Ca::new("CA");
    let judged = judged(&ca, &Ca::new("Stranger").ocsp(&OcspSpec::good(&ca, 5)));
    assert!(unauthorized(&judged).contains("not the issuer"));
    assert_eq!(judged.content.unwrap().signature, SignatureState::Unchecked);
}

#[test]
fn a_signature_must_hold() {
    let ca = Ca::new("CA");
    let stale = OcspSpec { next_update: Some("2026-11-14T00:00:00Z"), ..OcspSpec::good(&ca, 5) };
    let broken = judged(&ca, &ca.ocsp(&OcspSpec { broken_signature: true, ..stale }));
    assert_eq!(broken.defects, [ContentDefect::BadSignature { signer: "CN=CA".to_owned() }]);
    assert_eq!((broken.usable, broken.content.unwrap().signature), (false, SignatureState::Invalid));
    let Key::Ec(key) = Key::generate() else { panic!("another key") };
    let odd = Ca::with_key("CA", Key::Odd(key));
    let unsupported = judged(&odd, &odd.ocsp(&OcspSpec::good(&odd, 5)));
    assert_eq!(unsupported.defects, [ContentDefect::UnsupportedSignature { algorithm: "1.2.3.4".to_owned() }]);
}

#[test]
fn sha_1_is_weak_but_counts() {
    let ca = Ca::with_key("CA", Key::Sha1);
    let weak = vec![ContentDefect::WeakSignature { algorithm: "sha1WithRSAEncryption".to_owned() }];
    let by_issuer = judged(&ca, &ca.ocsp(&OcspSpec::good(&ca, 5)));
    assert_eq!((by_issuer.defects, by_issuer.usable), (weak.clone(), true));
    // A delegate's own certificate counts as much as its signature.
    let delegate = ca.under(&Leaf::delegate(9));
    let embedded = vec![delegate.certificate.clone()];
    let by_delegate = judged(&ca, &delegate.ocsp(&OcspSpec { embedded, ..OcspSpec::good(&ca, 5) }));
    assert_eq!((by_delegate.defects, by_delegate.usable), (weak, true));
}

#[test]
fn critical_extensions_must_be_understood() {
    let ca = Ca::new("CA");
    let with = |critical| {
        let extensions = vec![extension("1.2.3", critical, &[5, 0])];
        judged(&ca, &ca.ocsp(&OcspSpec { extensions, ..OcspSpec::good(&ca, 5) }))
    };
    assert!(with(false).usable);
    assert!(matches!(with(true).defects.as_slice(), [ContentDefect::Malformed { reason }] if reason.contains("1.2.3")));
}

#[test]
fn error_statuses_and_other_objects() {
    let ca = Ca::new("CA");
    let error = judged(&ca, ERROR_UNAUTHORIZED);
    assert_eq!(error.defects, [ContentDefect::ErrorStatus { status: "unauthorized" }]);
    assert!(error.content.is_none() && !error.usable);
    let reason = |body: &[u8]| match judged(&ca, body).defects.as_slice() {
        [ContentDefect::Malformed { reason }] => reason.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(b""), "an empty body came instead of an OCSP response");
    assert_eq!(reason(&ca.crl(&CrlSpec::default())), "a CRL of CN=CA came instead of an OCSP response");
    let body = ca.ocsp(&OcspSpec::good(&ca, 5));
    assert!(!reason(&body[..body.len() - 5]).contains("came instead"), "{}", reason(&body[..body.len() - 5]));
}
