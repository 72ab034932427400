//! Two chains that differ in one thing at a time.

use super::*;
use crate::Checked;
use crate::rollover::{Field, compare};
use crate::x509::certificate::KeyUsage;

type Edit = fn(&mut Certificates);
type Leveled<T> = (T, Severity);
/// What is planted in the old and in the new one, and what is told then.
type Case = (Edit, Edit, &'static [Leveled<Field>], &'static [Leveled<&'static str>]);
/// Differences and findings, each with its level.
type Told = (Vec<Leveled<Field>>, Vec<Leveled<&'static str>>);

/// The differences between a chain and itself with one thing changed, each with its level, and what is found then.
fn rolled(edit_old: Edit, edit_new: Edit) -> Told {
    let mut old = Certificates::new();
    old.leaf.subject_alt_names = Some(vec![GeneralName::Dns("www.example.test".to_owned())]);
    let mut new = old.clone();
    edit_old(&mut old);
    edit_new(&mut new);
    checked(old.examination(), new.examination())
}

fn checked(old: Examination, new: Examination) -> Told {
    let comparison = compare(&old, &new);
    let policy = Policy::default();
    let level = |difference| judge_difference(difference, &comparison, &policy).0;
    let differences = comparison.differences.iter().map(|difference| (difference.field, level(difference))).collect();
    let by_itself = |examination| Checked { examination, findings: Vec::new(), verdict: Verdict::Ok };
    let findings = judge_rollover(&comparison, &by_itself(old), &by_itself(new), &[], &policy);
    (differences, codes(&findings))
}

fn names(names: &[&str]) -> Option<Vec<GeneralName>> {
    Some(names.iter().map(|name| GeneralName::Dns((*name).to_owned())).collect())
}

fn purposes(purposes: &[&str]) -> Option<Vec<String>> {
    Some(purposes.iter().map(|purpose| (*purpose).to_owned()).collect())
}

#[test]
fn nothing_changes_where_nothing_differs() {
    assert_eq!(rolled(|_| {}, |_| {}), (Vec::new(), Vec::new()));
}

#[test]
fn each_difference_is_told_by_itself() {
    let none: Edit = |_| {};
    let cases: [Case; 17] = [
        (none, |new| new.leaf.subject = certificate("other", "x").subject, &[(Field::Subject, Info)], &[]),
        (none, |new| new.leaf.issuer = certificate("x", "Other CA").issuer, &[(Field::Issuer, Info)], &[]),
        (none, |new| new.intermediate = certificate("CA 2", "Root"), &[(Field::Intermediates, Info)], &[]),
        (none, |new| new.root = certificate("Root 2", "Root 2"), &[(Field::Root, Info)], &[]),
        // The same name and another key is another root.
        (none, |new| new.root = certificate("Root", "Root"), &[(Field::Root, Info)], &[]),
        (
            |old| old.leaf.subject_alt_names = names(&["www.example.test", "a.example.test"]),
            none,
            &[(Field::NamesLost, Warning)],
            &[("rollover.breaking", Warning)],
        ),
        (
            |old| old.leaf.subject_alt_names = names(&["*.example.test"]),
            |new| new.leaf.subject_alt_names = names(&["*.example.test", "b.example.test"]),
            // The old one covers it already.
            &[],
            &[],
        ),
        (none, |new| new.leaf.not_after = time("2027-03-10T23:59:59Z"), &[(Field::Validity, Info)], &[]),
        (
            |old| old.leaf.not_after = time("2026-10-19T00:00:00Z"),
            none,
            &[(Field::Validity, Info), (Field::ValidityGap, Warning)],
            &[("rollover.breaking", Warning)],
        ),
        (
            |old| old.leaf.extended_key_usage = purposes(&[oid::SERVER_AUTH, oid::CLIENT_AUTH]),
            |new| new.leaf.extended_key_usage = purposes(&[oid::SERVER_AUTH]),
            &[(Field::ClientAuth, Warning)],
            &[("cert.no-client-auth", Warning)],
        ),
        // Clients apply the purposes of CA certificates too.
        (
            none,
            |new| new.intermediate.extended_key_usage = purposes(&[oid::SERVER_AUTH]),
            &[(Field::ClientAuth, Warning)],
            &[("cert.no-client-auth", Warning)],
        ),
        (
            |old| old.leaf.extended_key_usage = purposes(&[oid::SERVER_AUTH]),
            |new| new.leaf.extended_key_usage = purposes(&[oid::CLIENT_AUTH, oid::SERVER_AUTH]),
            &[(Field::ClientAuth, Info)],
            &[],
        ),
        (
            |old| old.leaf.extended_key_usage = purposes(&[oid::SERVER_AUTH, oid::OCSP_SIGNING]),
            |new| new.leaf.extended_key_usage = purposes(&[oid::SERVER_AUTH]),
            &[(Field::ExtendedKeyUsage, Info)],
            &[],
        ),
        (
            |old| old.leaf.key_usage = Some(KeyUsage(0b101)),
            |new| new.leaf.key_usage = Some(KeyUsage(0b1)),
            &[(Field::KeyUsage, Info)],
            &[],
        ),
        // It staples, or that has its own finding: this one was seen on a connection.
        (none, |new| new.leaf.must_staple = true, &[(Field::MustStaple, Info)], &[]),
        (none, |new| new.leaf.extensions.clear(), &[(Field::Scts, Info)], &[]),
        (none, |new| new.leaf.ocsp_urls.clear(), &[(Field::RevocationSources, Info)], &[]),
    ];
    for (number, (edit_old, edit_new, differences, findings)) in cases.into_iter().enumerate() {
        let told = rolled(edit_old, edit_new);
        assert_eq!(told, (differences.to_vec(), findings.to_vec()), "case {number}");
    }
}

#[test]
fn keys_and_signatures_are_compared() {
    let (differences, findings) = rolled(
        |_| {},
        |new| {
            new.leaf.key = certificate("x", "x").key;
            new.leaf.signature_algorithm = crate::x509::signature::AlgorithmIdentifier {
                oid: "1.2.840.113549.1.1.11".to_owned(),
                ..new.leaf.signature_algorithm.clone()
            };
        },
    );
    assert_eq!(differences, [(Field::PublicKey, Info), (Field::SignatureAlgorithm, Info)]);
    assert!(findings.is_empty());
}

#[test]
fn a_must_staple_certificate_in_a_file_needs_a_server_that_staples() {
    let mut new = Certificates::new();
    new.leaf.must_staple = true;
    let mut new = new.examination();
    let certificates = chain(&new);
    new.presented = Ok(in_file(&[&certificates[0], &certificates[1]]));
    let (differences, findings) = checked(clean(), new);
    assert!(differences.contains(&(Field::MustStaple, Warning)), "{differences:?}");
    assert_eq!(findings, [("rollover.breaking", Warning)]);
}

#[test]
fn an_untrusted_new_root_is_what_the_store_lacks() {
    let old = Certificates::new();
    let mut new = Certificates { root: certificate("Root 2", "Root 2"), ..old.clone() }.examination();
    new.search.paths[0].trusted = false;
    let (differences, findings) = checked(old.examination(), new);
    assert_eq!(differences, [(Field::Root, Critical)]);
    assert_eq!(findings, [("store.root-missing", Critical)]);
}

#[test]
fn every_chain_behind_the_new_name_is_compared() {
    let mut old = Certificates::new();
    old.leaf.subject_alt_names = names(&["www.example.test", "a.example.test"]);
    let mut lacking = old.clone();
    lacking.leaf.subject_alt_names = names(&["www.example.test"]);
    let new = Examination { others: vec![lacking.examination()], ..old.clone().examination() };
    let comparison = compare(&old.examination(), &new);
    let told: Vec<_> = comparison.differences.iter().map(|it| (it.field, it.address.as_deref())).collect();
    assert_eq!(told, [(Field::NamesLost, Some("192.0.2.1:443"))]);
}

#[test]
fn a_milder_word_for_the_missing_root_does_not_silence_the_path() {
    let old = Certificates::new();
    let mut new = Certificates { root: certificate("Root 2", "Root 2"), ..old.clone() }.examination();
    new.search.paths[0].trusted = false;
    let old = old.examination();
    let comparison = compare(&old, &new);
    let untrusted = Finding {
        code: catalogue::path::UNTRUSTED_ROOT,
        severity: Critical,
        about: About::Path,
        message: String::new(),
        remedy: String::new(),
    };
    let from = Checked { examination: old, findings: Vec::new(), verdict: Verdict::Ok };
    let to = Checked { examination: new, findings: vec![untrusted], verdict: Verdict::Critical };
    let told = |severities: &[&str]| {
        let severities = severities.iter().map(|rule| SeverityRule::parse(rule).unwrap()).collect();
        let policy = Policy { severities, ..Policy::default() };
        codes(&judge_rollover(&comparison, &from, &to, &[], &policy))
    };
    assert_eq!(told(&[]), [("store.root-missing", Critical)]);
    assert_eq!(told(&["store.root-missing=info"]), [("path.untrusted-root", Critical), ("store.root-missing", Info)]);
    assert_eq!(told(&["store.root-missing=ignore"]), [("path.untrusted-root", Critical)]);
}
