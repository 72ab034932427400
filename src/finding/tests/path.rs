use super::*;
use crate::finding::catalogue::{cert, path as codes_of};
use crate::path::policy::PolicyFault;
use crate::path::profile::Violation;
use crate::x509::Fingerprint;
use crate::x509::certificate::KeyUsage;

fn refused(kind: DefectKind) -> Examination {
    let mut examination = clean();
    refuse(&mut examination, true, &[(1, kind)]);
    examination
}

#[test]
fn every_broken_rule_has_its_code() {
    let text = |text: &str| text.to_owned();
    let all = [
        (DefectKind::BadSignature { issuer: text("CN=Root") }, codes_of::BAD_SIGNATURE),
        (DefectKind::UnsupportedAlgorithm { algorithm: text("Ed448") }, codes_of::UNSUPPORTED_ALGORITHM),
        (DefectKind::WeakSignature { algorithm: text("md5") }, cert::WEAK_SIGNATURE),
        (DefectKind::NotACa { basic_constraints_present: false, version: 3 }, codes_of::NOT_A_CA),
        (DefectKind::KeyUsage, codes_of::KEY_USAGE),
        (DefectKind::Policy(PolicyFault::NoneLeft), codes_of::POLICY),
        (DefectKind::Policy(PolicyFault::NoneWanted { valid: vec![text("1.2.3")] }), codes_of::POLICY),
        (DefectKind::Policy(PolicyFault::AnyPolicyMapped), codes_of::POLICY),
        (DefectKind::Policy(PolicyFault::Malformed { extension: "policyMappings" }), codes_of::POLICY),
        (
            DefectKind::Profile(Violation {
                fault: text("has the serial number 0"),
                remedy: "with a positive serial number",
                clause: "RFC 5280 §4.1.2.2",
            }),
            cert::PROFILE_VIOLATION,
        ),
        (DefectKind::PathLength { limit: 0, found: 1 }, codes_of::LENGTH_EXCEEDED),
        (
            DefectKind::NameConstraints {
                name: text("DNS:a"),
                constraint: text("excluded DNS:a"),
                holder: Fingerprint([0; 32]),
            },
            codes_of::NAME_CONSTRAINTS,
        ),
        (DefectKind::MalformedNameConstraints { reason: text("no") }, codes_of::NAME_CONSTRAINTS),
        (DefectKind::TooManyNameConstraints, codes_of::TOO_COMPLEX),
        (DefectKind::UnknownCriticalExtension { oid: text("1.2.3") }, codes_of::UNKNOWN_CRITICAL_EXTENSION),
        (DefectKind::WrongPurpose { found: vec![text("codeSigning")], wanted: "serverAuth" }, cert::WRONG_PURPOSE),
        (DefectKind::TooComplex, codes_of::TOO_COMPLEX),
        (DefectKind::NoIssuer { issuer: text("CN=X"), ca_issuers_urls: Vec::new() }, codes_of::NO_ISSUER),
        (DefectKind::Circle { issuer: text("CN=X") }, codes_of::NO_ISSUER),
        (DefectKind::UntrustedRoot { subject: text("CN=Root") }, codes_of::UNTRUSTED_ROOT),
    ];
    for (kind, code) in all {
        let examination = refused(kind.clone());
        let findings = expect(&examination, &[(code.as_str(), Critical)]);
        assert!(!findings[0].message.is_empty() && findings[0].remedy.len() > 20, "{kind:?}");
        assert_eq!(problem_codes(&examination.search.paths[0].judgement), [code]);
    }
}

#[test]
fn a_leaf_without_any_path_is_not_left_without_a_word() {
    let mut examination = clean();
    examination.search = PathSearch::default();
    examination.revocation = RevocationFacts::default();
    expect(&examination, &[("path.no-issuer", Critical)]);
}

#[test]
fn each_certificate_s_fault_is_told() {
    let mut examination = clean();
    let constraint = |name: &str| DefectKind::NameConstraints {
        name: name.to_owned(),
        constraint: "excluded".to_owned(),
        holder: Fingerprint([0; 32]),
    };
    refuse(&mut examination, true, &[(0, DefectKind::KeyUsage), (1, DefectKind::KeyUsage), (1, constraint("DNS:a"))]);
    assert_eq!(judged(&examination).len(), 3);
    let problems = problem_codes(&examination.search.paths[0].judgement);
    assert_eq!(problems, [codes_of::KEY_USAGE, codes_of::NAME_CONSTRAINTS]);
}

#[test]
fn a_valid_path_has_no_problems() {
    assert_eq!(problem_codes(&clean().search.paths[0].judgement), []);
}

#[test]
fn a_search_cut_short_does_not_claim_that_there_is_no_issuer() {
    let mut examination = clean();
    let no_issuer = DefectKind::NoIssuer { issuer: "CN=X".to_owned(), ca_issuers_urls: Vec::new() };
    refuse(&mut examination, false, &[(1, no_issuer), (1, DefectKind::TooComplex)]);
    examination.search.exhausted = true;
    expect(&examination, &[("path.too-complex", Critical)]);
    // With a valid path the limit hurts nobody.
    let mut valid = clean();
    valid.search.exhausted = true;
    expect(&valid, &[]);
}

#[test]
fn alternatives_name_each_path_with_its_end() {
    let mut examination = clean();
    let leaf = chain(&examination)[0].clone();
    let mut old_root = certificate("Old Root", "Old Root");
    old_root.not_after = time("2021-09-30T14:01:15Z");
    let cross = Arc::new(certificate("CA 1", "Old Root"));
    let mut old = path(&[leaf.clone(), cross.clone(), Arc::new(old_root)], true);
    old.judgement.valid = false;
    examination.search.paths.push(old.clone());
    // One that breaks off leads nowhere and does not count.
    examination.search.paths.push(path(&[leaf, cross], false));
    let findings = expect(&examination, &[("path.alternatives", Info)]);
    let message = &findings[0].message;
    assert!(
        message.starts_with("2 paths: CA 1 > Root (valid, earliest end 2027-01-10T23:59:59Z, in 61 days)"),
        "{message}"
    );
    assert!(message.contains("CA 1 > Old Root (expired, earliest end 2021-09-30T14:01:15Z"), "{message}");
    assert!(message.ends_with("; clients that know Old Root but not Root refuse the server"), "{message}");
    // Where none is valid, the nearest one's reason is told instead.
    examination.search.paths = vec![old.clone(), old];
    assert!(judged(&examination).iter().all(|finding| finding.code != codes_of::ALTERNATIVES));
}

#[test]
fn what_only_rustls_refuses_is_information() {
    let mut examination = clean();
    examination.search.paths[0].judgement.webpki = "a critical extension is not supported".to_owned();
    let findings = expect(&examination, &[("path.strict-clients", Severity::Info)]);
    assert!(findings[0].message.contains("a critical extension is not supported"));
}

#[test]
fn a_path_with_a_revoked_ca_comes_after_one_without() {
    let mut examination = clean();
    let [leaf, root] = [0, 2].map(|position| chain(&examination)[position].clone());
    let mut other = certificate("CA 1", "Root");
    other.sha256 = Fingerprint([7; 32]);
    let other = Arc::new(other);
    let mut revoked = status(other.sha256, Status::Revoked);
    revoked.revoked_at = Some(time("2026-11-01T00:00:00Z"));
    examination.revocation.statuses.push(revoked);
    // The search, which knows nothing of it, had put it first.
    examination.search.paths.insert(0, path(&[leaf, other.clone(), root], true));
    examination.search.promote(1);
    assert!(chain(&examination).iter().all(|certificate| certificate.sha256 != other.sha256));
    let findings = judged(&examination);
    let alternatives = findings.iter().find(|finding| finding.code == codes_of::ALTERNATIVES).unwrap();
    assert!(alternatives.message.contains("CA 1 > Root (revoked"), "{}", alternatives.message);
}

#[test]
fn every_fault_of_one_code_is_told_up_to_a_few() {
    let unknown = |oid: u32| (0, DefectKind::UnknownCriticalExtension { oid: format!("1.2.{oid}") });
    let mut examination = clean();
    refuse(&mut examination, true, &[unknown(1), unknown(2), unknown(1)]);
    assert_eq!(judged(&examination).len(), 2);
    let many: Vec<_> = (0..100).map(unknown).collect();
    refuse(&mut examination, true, &many);
    assert_eq!(judged(&examination).len(), 8);
}

#[test]
fn what_openssl_refuses_is_information() {
    let mut examination = clean();
    let [mut leaf, intermediate, mut root] = [0, 1, 2].map(|place| (*chain(&examination)[place]).clone());
    leaf.authority_key_identifier = Some(vec![1; 2].into());
    let mut named = intermediate.clone();
    named.subject_key_identifier = Some(vec![2; 2].into());
    root.key_usage = Some(KeyUsage(1));
    examination.search.paths = vec![path(&[Arc::new(leaf), Arc::new(named), Arc::new(root)], true)];
    let findings = expect(&examination, &[("path.strict-clients", Info), ("path.strict-clients", Info)]);
    assert!(
        findings[0].message.contains("0101, and its issuer's subjectKeyIdentifier 0202"),
        "{}",
        findings[0].message
    );
    assert!(findings[1].message.contains("lacks keyCertSign"), "{}", findings[1].message);
}

#[test]
fn a_private_issuer_and_a_public_one_call_for_different_people() {
    let untrusted = DefectKind::UntrustedRoot { subject: "CN=Root".to_owned() };
    let mut examination = refused(untrusted);
    let findings = judged(&examination);
    assert!(findings[0].message.ends_with("though it is on Mozilla's list of public roots"), "{}", findings[0].message);
    assert!(findings[0].remedy.starts_with("update this host's trust store"), "{}", findings[0].remedy);
    examination.public_root = false;
    let findings = judged(&examination);
    assert!(findings[0].message.contains("a product that inspects TLS on the way"), "{}", findings[0].message);
    assert!(findings[0].remedy.contains("have it exempt https://www.example.test"), "{}", findings[0].remedy);

    // A certificate without any URL is no public CA's.
    let no_issuer = || DefectKind::NoIssuer { issuer: "CN=X".to_owned(), ca_issuers_urls: Vec::new() };
    let mut certificates = Certificates::new();
    certificates.intermediate.crl_distribution_points.clear();
    let mut bare = certificates.examination();
    refuse(&mut bare, true, &[(1, no_issuer())]);
    for (examination, is_private) in [(refused(no_issuer()), false), (bare, true)] {
        let message = &judged(&examination)[0].message;
        assert_eq!(message.contains("a product that inspects TLS on the way"), is_private, "{message}");
    }
}
