//! Every defect of a CRL, fired and silent.

use bytes::Bytes;

use super::super::Subject;
use super::super::fixtures::{
    Ca, CrlSpec, Entry, Key, Leaf, at, crl_issuer, full_name, instant, point, relative_name, time,
};
use super::*;
use crate::x509::{Fingerprint, pem};

const URL: &str = "http://crl.test/ca.crl";
const OTHER: &str = "http://crl.test/other.crl";
const DELTA: &str = "http://crl.test/delta.crl";

fn source(url: &str, role: Role, subjects: &[Subject], octets: &[u8]) -> CrlSource {
    let wanted: Vec<_> = subjects.iter().map(|subject| subject.certificate.serial.clone()).collect();
    let bodies = vec![CrlBody::read(&Bytes::copy_from_slice(octets), &wanted)];
    CrlSource { url: url.to_owned(), role, subjects: (0..subjects.len()).collect(), bodies }
}

fn judged(sources: &[CrlSource], subjects: &[Subject]) -> Judgement {
    judge(sources, &[], subjects, &Signers::default(), at())
}

/// The verdict on one CRL for one certificate.
fn verdict_for(subject: &Subject, octets: &[u8]) -> CrlVerdict {
    let subjects = std::slice::from_ref(subject);
    let mut judgement = judged(&[source(URL, Role::Complete, subjects, octets)], subjects);
    judgement.sources.remove(0)
}

/// The same for an ordinary certificate of the CA that made the CRL.
fn verdict(ca: &Ca, spec: &CrlSpec) -> CrlVerdict {
    verdict_for(&ca.subject(&Leaf::new(5).crl(&[URL])), &ca.crl(spec))
}

fn answer(verdict: &CrlVerdict) -> Option<Answer> {
    verdict.answers.first().and_then(|(_, answer)| answer.answer.clone())
}

fn answers(judgement: &Judgement) -> Vec<Option<Answer>> {
    judgement.sources.iter().map(answer).collect()
}

fn revoked(reason: Option<u8>) -> Option<Answer> {
    Some(Answer::Revoked { at: instant("2026-11-02T00:00:00Z"), reason: reason.map(RevocationReason) })
}

fn out_of_scope(verdict: &CrlVerdict) -> (Fingerprint, &str) {
    match verdict.defects.as_slice() {
        [ContentDefect::OutOfScope { certificate, reason }] => (*certificate, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sound_crl_says_good_or_revoked() {
    let ca = Ca::new("CA");
    let good = verdict(&ca, &CrlSpec::revoking(&[Entry::new(6, None)]));
    assert_eq!((answer(&good), good.defects, good.usable), (Some(Answer::Good), vec![], true));
    let content = good.content.unwrap();
    assert_eq!((content.entries, content.signature), (1, SignatureState::Valid));
    assert_eq!((content.issuer.as_str(), content.number.as_deref()), ("CN=CA", Some("07")));
    assert_eq!(answer(&verdict(&ca, &CrlSpec::revoking(&[Entry::new(5, Some(1))]))), revoked(Some(1)));
    let hold = verdict(&ca, &CrlSpec::revoking(&[Entry::new(5, Some(6))]));
    assert_eq!((answer(&hold), hold.usable), (revoked(Some(6)), true));
}

#[test]
fn freshness() {
    let ca = Ca::new("CA");
    let defects = |this_update, next_update| {
        let verdict = verdict(&ca, &CrlSpec { this_update, next_update, ..CrlSpec::default() });
        assert_eq!(verdict.usable, answer(&verdict).is_some());
        (verdict.defects, verdict.usable)
    };
    let (this, next) = ("2026-11-01T00:00:00Z", Some("2026-12-01T00:00:00Z"));
    assert_eq!(defects(this, next), (vec![], true));
    assert_eq!(
        defects(this, Some("2026-11-14T23:59:59Z")),
        (vec![ContentDefect::Expired { next_update: instant("2026-11-14T23:59:59Z") }], false)
    );
    assert_eq!(defects("2026-11-15T00:05:00Z", next), (vec![], true), "clocks may differ by five minutes");
    assert_eq!(
        defects("2026-11-15T00:05:01Z", next),
        (vec![ContentDefect::NotYetValid { this_update: instant("2026-11-15T00:05:01Z") }], false)
    );
    assert_eq!(defects(this, None), (vec![ContentDefect::NoNextUpdate], true));
    // A tenth of the period is left at the end of its ninth: from the 1st, 14 days of 15.
    let end = instant("2026-11-16T00:00:00Z");
    assert_eq!(
        defects(this, Some("2026-11-16T00:00:00Z")),
        (vec![ContentDefect::Expiring { next_update: Some(end), next_publish: None }], true)
    );
    assert_eq!(defects("2026-11-05T00:00:00Z", Some("2026-11-16T02:40:00Z")), (vec![], true), "exactly a tenth");
}

#[test]
fn the_next_publication_may_be_overdue() {
    let ca = Ca::new("CA");
    let defects =
        |publish| verdict(&ca, &CrlSpec::default().with("1.3.6.1.4.1.311.21.4", false, &time(publish))).defects;
    assert_eq!(defects("2026-11-16T00:00:00Z"), []);
    assert_eq!(
        defects("2026-11-14T00:00:00Z"),
        [ContentDefect::Expiring {
            next_update: Some(instant("2026-12-01T00:00:00Z")),
            next_publish: Some(instant("2026-11-14T00:00:00Z"))
        }]
    );
}

#[test]
fn tells_another_key_from_another_issuer() {
    let (ca, namesake, other) = (Ca::new("CA"), Ca::new("CA"), Ca::new("Other"));
    let subject = ca.subject(&Leaf::new(5).crl(&[URL]));
    let by_namesake = verdict_for(&subject, &namesake.crl(&CrlSpec::revoking(&[Entry::new(5, None)])));
    assert_eq!(by_namesake.defects, [ContentDefect::BadSignature { signer: "CN=CA".to_owned() }]);
    assert_eq!((answer(&by_namesake), by_namesake.usable), (None, false));
    assert_eq!(by_namesake.content.unwrap().signature, SignatureState::Invalid);
    let by_other = verdict_for(&subject, &other.crl(&CrlSpec { next_update: None, ..CrlSpec::default() }));
    assert_eq!(
        by_other.defects,
        [ContentDefect::WrongIssuer { expected: "CN=CA".to_owned(), found: "CN=Other".to_owned() }]
    );
    assert!(!by_other.usable);
}

#[test]
fn an_issuer_with_several_keys_signs_with_any() {
    let (old, new) = (Ca::new("CA"), Ca::new("CA"));
    let mut subject = old.subject(&Leaf::new(5).crl(&[URL]));
    let crl = new.crl(&CrlSpec::default());
    assert!(!verdict_for(&subject, &crl).usable);
    subject.above.push(new.certificate.clone());
    assert!(verdict_for(&subject, &crl).usable);
}

#[test]
fn the_signer_must_be_meant_for_crls() {
    let root = Ca::new("Root");
    let bare = Leaf::new(2).extension("2.5.29.19", true, &[0x30, 3, 1, 1, 0xff]);
    for (usage, usable) in [(None, true), (Some([3, 2, 1, 6]), true), (Some([3, 2, 2, 4]), false)] {
        let mut leaf = Leaf::new(2).extension("2.5.29.19", true, &[0x30, 3, 1, 1, 0xff]);
        if let Some(usage) = usage {
            leaf = leaf.extension("2.5.29.15", true, &usage);
        }
        let ca = root.under(&leaf);
        let verdict = verdict(&ca, &CrlSpec::default());
        assert_eq!(verdict.usable, usable, "{usage:?}");
        assert_eq!(matches!(verdict.defects.as_slice(), [ContentDefect::WrongIssuer { .. }]), !usable);
    }
    assert!(root.under(&bare).certificate.is_ca());
}

#[test]
fn sha_1_is_weak_but_counts_and_unknown_algorithms_do_not() {
    let weak = verdict(&Ca::with_key("CA", Key::Sha1), &CrlSpec::revoking(&[Entry::new(5, None)]));
    assert_eq!(weak.defects, [ContentDefect::WeakSignature { algorithm: "sha1WithRSAEncryption".to_owned() }]);
    assert_eq!((answer(&weak), weak.usable), (revoked(None), true));
    let Key::Ec(key) = Key::generate() else { panic!("another key") };
    let odd = verdict(&Ca::with_key("CA", Key::Odd(key)), &CrlSpec::default());
    assert_eq!(odd.defects, [ContentDefect::UnsupportedSignature { algorithm: "1.2.3.4".to_owned() }]);
    assert!(!odd.usable);
}

#[test]
fn critical_extensions_must_be_understood() {
    let ca = Ca::new("CA");
    let defect = |entry| ContentDefect::UnknownCriticalExtension { oid: "1.2.3".to_owned(), entry };
    let of_crl = verdict(&ca, &CrlSpec::default().with("1.2.3", true, &[5, 0]));
    assert_eq!((of_crl.defects, of_crl.usable), (vec![defect(false)], false));
    assert!(verdict(&ca, &CrlSpec::default().with("1.2.3", false, &[5, 0])).usable);
    let mut entry = Entry::new(9, None);
    entry.extensions.push(super::super::fixtures::extension("1.2.3", true, &[5, 0]));
    let of_entry = verdict(&ca, &CrlSpec::revoking(&[entry]));
    assert_eq!((of_entry.defects, of_entry.usable), (vec![defect(true)], false));
}

#[test]
fn pem_is_told_of_an_endpoint_but_fine_in_a_file() {
    let ca = Ca::new("CA");
    let subjects = [ca.subject(&Leaf::new(5).crl(&[URL]))];
    let armoured = pem::encode("X509 CRL", &ca.crl(&CrlSpec::default()));
    for (role, defects) in [(Role::Complete, vec![ContentDefect::NotDer { format: "PEM" }]), (Role::File, vec![])] {
        let judgement = judged(&[source(URL, role, &subjects, armoured.as_bytes())], &subjects);
        assert_eq!((&judgement.sources[0].defects, judgement.sources[0].usable), (&defects, true));
    }
}

#[test]
fn large_is_told_past_44_megabytes() {
    let ca = Ca::new("CA");
    let mut crl = crate::x509::crl::read(&ca.crl(&CrlSpec::default()), &[]).unwrap();
    crl.size = LARGE;
    let signed = Signed::By(ca.certificate.clone());
    assert_eq!(inspect(&crl, &signed, Role::Complete, at()).1, []);
    crl.size += 1;
    assert_eq!(inspect(&crl, &signed, Role::Complete, at()).1, [ContentDefect::Large { size: LARGE + 1 }]);
    assert_eq!(inspect(&crl, &signed, Role::File, at()).1, []);
}

#[test]
fn what_is_no_crl_is_told_by_what_it_is() {
    let ca = Ca::new("CA");
    let subject = ca.subject(&Leaf::new(5).crl(&[URL]));
    let reason = |octets: &[u8]| match verdict_for(&subject, octets).defects.as_slice() {
        [ContentDefect::Malformed { reason }] => reason.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(&ca.certificate.der), "a certificate of CN=CA came instead of a CRL");
    assert_eq!(reason(b"404 not here"), "text beginning `404 not here` came instead of a CRL");
    let crl = ca.crl(&CrlSpec::default());
    assert!(reason(&crl[..crl.len() - 9]).contains("does not decode"), "{}", reason(&crl[..crl.len() - 9]));
}

#[test]
fn the_scope_must_include_the_certificate() {
    let ca = Ca::new("CA");
    let leaf = ca.subject(&Leaf::new(5).crl(&[URL]));
    let intermediate = ca.subject(&Leaf::ca(5, "Sub").crl(&[URL]));
    const USERS: &[u8] = &[0x81, 1, 0xff];
    const CAS: &[u8] = &[0x82, 1, 0xff];
    const ATTRIBUTES: &[u8] = &[0x85, 1, 0xff];
    for (subject, field, covered) in [
        (&leaf, USERS, true),
        (&leaf, CAS, false),
        (&intermediate, USERS, false),
        (&intermediate, CAS, true),
        (&leaf, ATTRIBUTES, false),
    ] {
        let verdict = verdict_for(subject, &ca.crl(&CrlSpec::default().scoped(&[field])));
        assert_eq!((verdict.usable, answer(&verdict).is_some()), (covered, covered));
        if covered {
            assert_eq!(verdict.defects, []);
        } else {
            assert_eq!(out_of_scope(&verdict).0, subject.certificate.sha256);
        }
    }
}

#[test]
fn the_distribution_point_must_be_the_one_named() {
    let ca = Ca::new("CA");
    let named = |leaf: Leaf, name: &[u8]| verdict_for(&ca.subject(&leaf), &ca.crl(&CrlSpec::default().scoped(&[name])));
    assert!(named(Leaf::new(5).crl(&[OTHER, URL]), &full_name(&[OTHER])).usable, "any name in common");
    assert!(named(Leaf::new(5).crl(&[URL]), &full_name(&["HTTP://CRL.test/ca.crl"])).usable);
    let verdict = named(Leaf::new(5).crl(&[URL]), &full_name(&[OTHER]));
    assert!(out_of_scope(&verdict).1.contains(OTHER));
    assert!(!named(Leaf::new(5).crl(&[URL]), &relative_name("CRL1")).usable);
}

#[test]
fn relative_names_are_relative_to_the_crl_issuer() {
    let ca = Ca::new("CA");
    let subjects = [ca.subject(&Leaf::new(5).points(&[point(&[&relative_name("CRL1")])]))];
    let usable = |name: &str| {
        let crl = ca.crl(&CrlSpec::default().scoped(&[&relative_name(name)]));
        // Such a point has no URL, so the CRL comes as a file.
        judged(&[source("file", Role::File, &subjects, &crl)], &subjects).sources[0].usable
    };
    assert!(usable("CRL1") && !usable("CRL2"));
}

#[test]
fn an_indirect_crl_is_bound_by_the_distribution_point() {
    const INDIRECT: &[u8] = &[0x84, 1, 0xff];
    let ca = Ca::new("CA");
    let signer = Ca::new("CRL signer");
    let mut subject = ca.subject(&Leaf::new(5).points(&[point(&[&full_name(&[URL]), &crl_issuer("CRL signer")])]));
    let entry = |issuer| Entry { certificate_issuer: Some(issuer), ..Entry::new(5, None) };
    let crl = |spec: CrlSpec| signer.crl(&spec.scoped(&[INDIRECT]));

    let unknown = crl(CrlSpec::default());
    let judgement =
        judged(&[source(URL, Role::Complete, std::slice::from_ref(&subject), &unknown)], &[subject.clone()]);
    assert_eq!(judgement.sources[0].defects, [ContentDefect::Unverified]);
    assert!(!judgement.sources[0].usable);
    assert!(judgement.open[0][0].starts_with("no certificate of CN=CRL signer is at hand"), "{:?}", judgement.open);

    subject.above.push(signer.certificate.clone());
    assert_eq!(answer(&verdict_for(&subject, &crl(CrlSpec::default()))), Some(Answer::Good));
    assert_eq!(answer(&verdict_for(&subject, &crl(CrlSpec::revoking(&[entry("CA")])))), revoked(None));
    assert_eq!(answer(&verdict_for(&subject, &crl(CrlSpec::revoking(&[entry("Another")])))), Some(Answer::Good));
    let own = crl(CrlSpec::revoking(&[Entry::new(5, None)]));
    assert_eq!(answer(&verdict_for(&subject, &own)), Some(Answer::Good), "an entry of the signer's own");
    let direct = verdict_for(&subject, &signer.crl(&CrlSpec::default()));
    assert!(out_of_scope(&direct).1.contains("no indirect CRL"));
    let by_ca = verdict_for(&subject, &ca.crl(&CrlSpec::default()));
    assert!(
        matches!(by_ca.defects.as_slice(), [ContentDefect::WrongIssuer { expected, .. }] if expected == "CN=CRL signer")
    );
}

#[test]
fn good_needs_every_reason_covered() {
    let ca = Ca::new("CA");
    // keyCompromise and cACompromise in one, the six others in the other.
    let some: &[u8] = &[0x83, 2, 5, 0x60];
    let rest: &[u8] = &[0x83, 3, 7, 0x1f, 0x80];
    let subjects = [ca.subject(&Leaf::new(5).points(&[point(&[&full_name(&[URL])]), point(&[&full_name(&[OTHER])])]))];
    let part = |url, field, entries: &[Entry]| {
        let spec = CrlSpec::revoking(entries).scoped(&[&full_name(&[url]), field]);
        source(url, Role::Complete, &subjects, &ca.crl(&spec))
    };
    let both = judged(&[part(URL, some, &[]), part(OTHER, rest, &[])], &subjects);
    assert_eq!(answers(&both), [Some(Answer::Good), Some(Answer::Good)]);
    assert!(both.open[0].is_empty());
    let one = judged(&[part(URL, some, &[])], &subjects);
    assert_eq!(answers(&one), [Some(Answer::Unknown)]);
    assert_eq!((one.sources[0].usable, one.sources[0].defects.len()), (true, 0));
    assert!(one.open[0][0].contains("affiliationChanged") && !one.open[0][0].contains("keyCompromise"));
    let listed = judged(&[part(URL, some, &[Entry::new(5, Some(1))])], &subjects);
    assert_eq!(answers(&listed), [revoked(Some(1))], "a listing needs no more");
}

#[test]
fn a_point_for_other_reasons_than_the_crl_is_out_of_scope() {
    let ca = Ca::new("CA");
    let subject = ca.subject(&Leaf::new(5).points(&[point(&[&full_name(&[URL]), &[0x81, 2, 6, 0x40]])]));
    let verdict = verdict_for(&subject, &ca.crl(&CrlSpec::default().scoped(&[&[0x83, 2, 5, 0x20]])));
    assert!(out_of_scope(&verdict).1.contains("none of the reasons"));
}

#[test]
fn a_delta_adds_to_a_complete_crl() {
    let ca = Ca::new("CA");
    let subjects = [ca.subject(&Leaf::new(5).crl(&[URL]).freshest(&[DELTA]))];
    let both = |base: &CrlSpec, delta: &CrlSpec| {
        judged(
            &[
                source(URL, Role::Complete, &subjects, &ca.crl(base)),
                source(DELTA, Role::Delta, &subjects, &ca.crl(delta)),
            ],
            &subjects,
        )
    };
    let newer = |entries: &[Entry]| {
        let this_update = "2026-11-10T00:00:00Z";
        CrlSpec { number: Some(8), this_update, ..CrlSpec::revoking(entries) }.delta(7)
    };
    let hold = CrlSpec::revoking(&[Entry::new(5, Some(6))]);
    let none = CrlSpec::default();

    let same = both(&none, &newer(&[]));
    assert_eq!(answers(&same), [Some(Answer::Good), Some(Answer::Good)]);
    assert!(same.sources[1].usable && same.sources[1].defects.is_empty());
    assert_eq!(same.sources[1].answers[0].1.dated, Some(instant("2026-11-10T00:00:00Z")));
    assert_eq!(answers(&both(&none, &newer(&[Entry::new(5, Some(1))]))), [revoked(Some(1)), revoked(Some(1))]);
    assert_eq!(answers(&both(&hold, &newer(&[]))), [revoked(Some(6)), revoked(Some(6))]);
    let released = both(&hold, &newer(&[Entry::new(5, Some(8))]));
    assert_eq!(answers(&released), [Some(Answer::Good), Some(Answer::Good)]);

    // One no newer than the complete CRL has nothing to add.
    let older = CrlSpec { number: Some(7), ..newer(&[Entry::new(5, Some(1))]) };
    let stale = both(&none, &older);
    assert_eq!(answers(&stale), [Some(Answer::Good), Some(Answer::Good)]);
    assert!(stale.sources[1].usable);
}

#[test]
fn a_delta_that_does_not_fit_spoils_nothing() {
    let ca = Ca::new("CA");
    let subjects = [ca.subject(&Leaf::new(5).crl(&[URL]).freshest(&[DELTA]))];
    let revoking = || CrlSpec { number: Some(9), ..CrlSpec::revoking(&[Entry::new(5, Some(1))]) };
    let other = Ca::new("CA");
    // What its issuer lists is revoked all the same.
    let listed = || revoked(Some(1));
    for (delta, answer, expected) in [
        (ca.crl(&revoking().delta(8)), listed(), "builds on CRL number 08"),
        (ca.crl(&revoking().delta(7).scoped(&[&[0x81, 1, 0xff]])), listed(), "issuing distribution point differs"),
        (ca.crl(&revoking().delta(7).scoped(&[&[0x82, 1, 0xff]])), None, "issuing distribution point differs"),
        (ca.crl(&revoking()), None, "complete CRL where a delta"),
        (other.crl(&revoking().delta(7)), None, "BadSignature"),
        (ca.crl(&CrlSpec { next_update: Some("2026-11-02T00:00:00Z"), ..revoking().delta(7) }), None, "Expired"),
    ] {
        let base = source(URL, Role::Complete, &subjects, &ca.crl(&CrlSpec::default()));
        let judgement = judged(&[base, source(DELTA, Role::Delta, &subjects, &delta)], &subjects);
        assert_eq!(answers(&judgement), [Some(Answer::Good), answer], "{expected}");
        let [base, delta] = judgement.sources.as_slice() else { panic!("two") };
        assert!(base.usable && base.defects.is_empty() && !delta.usable);
        assert_eq!(delta.defects.len(), 1);
        assert!(format!("{:?}", delta.defects[0]).contains(expected), "{:?}", delta.defects);
    }
}

#[test]
fn a_delta_in_place_of_a_complete_crl_is_out_of_scope() {
    let verdict = verdict(&Ca::new("CA"), &CrlSpec::default().delta(6));
    assert!(out_of_scope(&verdict).1.contains("delta CRL where a complete one"));
    assert!(!verdict.usable);
}

#[test]
fn one_url_for_certificates_of_two_issuers_serves_one_of_them() {
    let (ca, other) = (Ca::new("CA"), Ca::new("Other"));
    let subjects = [ca.subject(&Leaf::new(5).crl(&[URL])), other.subject(&Leaf::new(5).crl(&[URL]))];
    let judgement = judged(&[source(URL, Role::Complete, &subjects, &ca.crl(&CrlSpec::default()))], &subjects);
    let verdict = &judgement.sources[0];
    assert!(verdict.usable);
    let said: Vec<_> = verdict.answers.iter().map(|(subject, answer)| (*subject, answer.answer.clone())).collect();
    assert_eq!(said, [(0, Some(Answer::Good)), (1, None)]);
    assert!(
        matches!(verdict.defects.as_slice(), [ContentDefect::WrongIssuer { expected, .. }] if expected == "CN=Other")
    );
}

#[test]
fn a_file_is_silent_about_what_it_is_not_for() {
    let (ca, other) = (Ca::new("CA"), Ca::new("Other"));
    let subjects = [ca.subject(&Leaf::new(5).crl(&[URL])), other.subject(&Leaf::new(6))];
    let file = |octets: &[u8]| {
        let mut judgement = judged(&[source("a.crl", Role::File, &subjects, octets)], &subjects);
        (judgement.sources.remove(0), judgement.open)
    };
    let (verdict, _) = file(&ca.crl(&CrlSpec::default()));
    assert_eq!((verdict.answers.len(), verdict.concerned, verdict.defects), (1, vec![0], vec![]));
    let (verdict, _) = file(&Ca::new("Third").crl(&CrlSpec::default()));
    assert_eq!((verdict.answers.len(), verdict.defects, verdict.usable), (0, vec![], false));
    assert!(verdict.content.is_some());
    let (verdict, open) = file(&ca.crl(&CrlSpec::default().scoped(&[&[0x82, 1, 0xff]])));
    assert_eq!((verdict.answers.len(), verdict.defects), (0, vec![]));
    assert!(open[0][0].contains("a.crl does not cover it"));
    let (verdict, _) = file(&ca.crl(&CrlSpec { next_update: Some("2026-11-02T00:00:00Z"), ..CrlSpec::default() }));
    assert!(matches!(verdict.defects.as_slice(), [ContentDefect::Expired { .. }]));
    assert_eq!((verdict.answers.len(), answer(&verdict)), (1, None), "a source that failed");
}

#[test]
fn of_several_addresses_the_usable_answer_counts_and_the_others_are_told() {
    let ca = Ca::new("CA");
    let subjects = [ca.subject(&Leaf::new(5).crl(&[URL]))];
    let stale = CrlSpec { next_update: Some("2026-11-02T00:00:00Z"), ..CrlSpec::default() };
    let mut both = source(URL, Role::Complete, &subjects, &ca.crl(&stale));
    both.bodies.extend(source(URL, Role::Complete, &subjects, &ca.crl(&CrlSpec::default())).bodies);
    both.bodies[1].answer = 1;
    let judgement = judged(&[both], &subjects);
    let verdict = &judgement.sources[0];
    assert_eq!((answer(verdict), verdict.usable), (Some(Answer::Good), true));
    assert!(matches!(verdict.defects.as_slice(), [ContentDefect::Expired { .. }]));
    assert_eq!(verdict.content.as_ref().unwrap().next_update, Some(instant("2026-12-01T00:00:00Z")));
}

#[test]
fn of_several_values_the_one_that_fits_counts_and_the_others_are_no_fault() {
    let (ca, other) = (Ca::new("CA"), Ca::new("CA"));
    let subjects = [ca.subject(&Leaf::new(5).crl(&[URL]))];
    let values = |values: &[Vec<u8>]| {
        let mut all = source(URL, Role::Complete, &subjects, &values[0]);
        for value in &values[1..] {
            all.bodies.extend(source(URL, Role::Complete, &subjects, value).bodies);
        }
        judged(&[all], &subjects).sources.remove(0)
    };
    let good = ca.crl(&CrlSpec::default());
    let older = CrlSpec { this_update: "2026-10-30T00:00:00Z", ..CrlSpec::revoking(&[Entry::new(5, None)]) };
    let stale = CrlSpec { next_update: Some("2026-11-02T00:00:00Z"), ..older.clone() };
    let (older, stale, of_another_key) = (ca.crl(&older), ca.crl(&stale), other.crl(&CrlSpec::default()));
    for beside in [older, stale.clone(), of_another_key.clone(), b"none".to_vec()] {
        for both in [[good.clone(), beside.clone()], [beside.clone(), good.clone()]] {
            let verdict = values(&both);
            assert_eq!((answer(&verdict), verdict.usable), (Some(Answer::Good), true));
            assert_eq!(verdict.defects, []);
        }
    }
    // A later one that is not valid yet replaces nothing.
    let early = CrlSpec {
        this_update: "2026-12-24T00:00:00Z",
        next_update: Some("2027-01-24T00:00:00Z"),
        ..CrlSpec::default()
    };
    assert_eq!(answer(&values(&[ca.crl(&early), good])), Some(Answer::Good));
    // Where none fits, all are told.
    let verdict = values(&[stale, of_another_key, b"none".to_vec()]);
    assert_eq!((answer(&verdict), verdict.usable, verdict.defects.len()), (None, false, 3));
}

#[test]
fn what_was_not_looked_for_is_not_good() {
    let ca = Ca::new("CA");
    let subject = ca.subject(&Leaf::new(5).crl(&[URL]));
    for (wanted, expected) in [(5, Answer::Good), (6, Answer::Unknown)] {
        let wanted = [crate::x509::certificate::Serial(Bytes::from(vec![wanted]))];
        let bodies = vec![CrlBody::read(&ca.crl(&CrlSpec::default()).into(), &wanted)];
        let source = CrlSource { url: URL.to_owned(), role: Role::Complete, subjects: vec![0], bodies };
        assert_eq!(answers(&judged(&[source], std::slice::from_ref(&subject))), [Some(expected)]);
    }
}
