use super::*;
use crate::x509::key::KeyAlgorithm;

fn leaf(change: impl FnOnce(&mut Certificate)) -> Examination {
    let mut certificates = Certificates::new();
    change(&mut certificates.leaf);
    certificates.examination()
}

/// A leaf of this lifetime with that much left.
fn with_left(lifetime: SignedDuration, left: SignedDuration) -> Examination {
    leaf(|leaf| {
        leaf.not_after = at() + left;
        leaf.not_before = leaf.not_after - lifetime;
    })
}

#[test]
fn an_expired_certificate_is_only_that() {
    let mut certificates = Certificates::new();
    certificates.leaf.not_after = time("2026-10-29T12:00:00Z");
    let mut examination = certificates.examination();
    refuse(&mut examination, true, &[(0, DefectKind::Expired { not_after: time("2026-10-29T12:00:00Z") })]);
    let findings = expect(&examination, &[("cert.expired", Critical)]);
    assert_eq!(findings[0].message, "certificate www.example.test expired on 2026-10-29T12:00:00Z, 12 days ago");
    assert_eq!(Verdict::of(&findings), Verdict::Critical);
}

#[test]
fn both_ends_of_the_validity_belong_to_it() {
    let now = at();
    let whole = |from, to| {
        leaf(|leaf| {
            leaf.not_before = from;
            leaf.not_after = to;
        })
    };
    let second = SignedDuration::from_secs(1);
    let code = |examination: &Examination| codes(&judged(examination)).first().map(|(code, _)| *code);
    assert_eq!(code(&whole(now, now + days(80))), None);
    assert_eq!(code(&whole(now + second, now + days(80))), Some("cert.not-yet-valid"));
    assert_eq!(code(&whole(now - days(80), now)), Some("cert.expiring"));
    assert_eq!(code(&whole(now - days(80), now - second)), Some("cert.expired"));
}

#[test]
fn an_expired_or_expiring_root_counts() {
    let mut certificates = Certificates::new();
    certificates.root.not_after = at() + days(3);
    let findings = expect(&certificates.clone().examination(), &[("cert.expiring", Critical)]);
    assert!(findings[0].message.starts_with("root Root expires on"));
    certificates.root.not_after = at() - days(3);
    let findings = expect(&certificates.examination(), &[("cert.expired", Critical)]);
    assert!(findings[0].remedy.contains("trust store"));
}

#[test]
fn default_thresholds_scale_with_the_lifetime() {
    let second = SignedDuration::from_secs(1);
    // Long ones: warning below 30 days, critical below 7.
    expect(&with_left(days(150), days(30)), &[]);
    expect(&with_left(days(150), days(30) - second), &[("cert.expiring", Warning)]);
    expect(&with_left(days(150), days(7)), &[("cert.expiring", Warning)]);
    expect(&with_left(days(150), days(7) - second), &[("cert.expiring", Critical)]);
    // 40 days: a quarter is 10 days, a tenth 4.
    expect(&with_left(days(40), days(10)), &[]);
    expect(&with_left(days(40), days(10) - second), &[("cert.expiring", Warning)]);
    expect(&with_left(days(40), days(4)), &[("cert.expiring", Warning)]);
    expect(&with_left(days(40), days(4) - second), &[("cert.expiring", Critical)]);
}

#[test]
fn thresholds_given_are_exact() {
    let second = SignedDuration::from_secs(1);
    let policy = Policy { warn_days: Some(60), crit_days: Some(20), ..Policy::default() };
    let told = |left| codes(&judge(&with_left(days(80), left), &policy, at()));
    assert_eq!(told(days(60)), []);
    assert_eq!(told(days(60) - second), [("cert.expiring", Warning)]);
    assert_eq!(told(days(20)), [("cert.expiring", Warning)]);
    assert_eq!(told(days(20) - second), [("cert.expiring", Critical)]);
    let none = Policy { warn_days: Some(0), crit_days: Some(0), ..Policy::default() };
    assert_eq!(codes(&judge(&with_left(days(80), second), &none, at())), []);
}

#[test]
fn the_name_check_is_told_with_what_is_covered() {
    let mut examination = clean();
    examination.name_check = NameCheck::Mismatch {
        name: "mail.example.test".to_owned(),
        covered: vec!["www.example.test".to_owned(), "example.test".to_owned()],
        near: None,
    };
    let findings = expect(&examination, &[("cert.name-mismatch", Critical)]);
    assert!(
        findings[0].message.ends_with("does not cover mail.example.test; it covers www.example.test and example.test")
    );
    examination.name_check =
        NameCheck::NoSubjectAltName { name: "mail.example.test".to_owned(), common_name: Some("mail".to_owned()) };
    expect(&examination, &[("cert.no-san", Critical)]);
    examination.name_check = NameCheck::NotAsked;
    expect(&examination, &[]);
}

#[test]
fn a_self_signed_leaf_stands_alone() {
    let mut examination = clean();
    let own = Arc::new({
        let mut own = certificate("appliance", "appliance");
        own.not_before = time("2026-10-20T00:00:00Z");
        own.not_after = time("2027-01-10T00:00:00Z");
        own
    });
    connections(&mut examination)[0].served = vec![PresentedCertificate::Decoded(own.clone())];
    examination.search.paths = vec![path(std::slice::from_ref(&own), false)];
    examination.publicly_trusted = false;
    examination.public_root = false;
    refuse(
        &mut examination,
        false,
        &[(0, DefectKind::SelfSigned), (0, DefectKind::UntrustedRoot { subject: "CN=appliance".to_owned() })],
    );
    expect(&examination, &[("cert.self-signed", Critical)]);
    assert_eq!(problem_codes(&examination.search.paths[0].judgement), [catalogue::cert::SELF_SIGNED]);
    // Trusted, it needs nobody to vouch for it, and there is nothing to ask of its revocation.
    examination.search.paths = vec![path(&[own], true)];
    expect(&examination, &[("path.private-root", Info)]);
}

#[test]
fn what_does_not_decode_is_told_with_its_place() {
    let mut examination = clean();
    let broken = PresentedCertificate::from_der(vec![0x30, 3, 2, 1, 1].into());
    connections(&mut examination)[0].served.push(broken.clone());
    let findings = expect(&examination, &[("cert.malformed", Critical)]);
    assert!(findings[0].message.contains("certificate 3 does not decode: tbsCertificate at offset"));
    // Alone, it leaves no path, and that is no second finding.
    connections(&mut examination)[0].served = vec![broken];
    examination.search = PathSearch::default();
    expect(&examination, &[("cert.malformed", Critical)]);
}

#[test]
fn weak_keys_count_everywhere_and_weak_signatures_below_the_root() {
    let mut certificates = Certificates::new();
    certificates.root.signature_algorithm.oid = "1.2.840.113549.1.1.5".to_owned();
    expect(&certificates.clone().examination(), &[]);
    certificates.intermediate.signature_algorithm.oid = "1.2.840.113549.1.1.5".to_owned();
    let findings = expect(&certificates.examination(), &[("cert.weak-signature", Critical)]);
    assert!(findings[0].message.contains("sha1WithRSAEncryption"));
    let weak = leaf(|leaf| leaf.key.algorithm = KeyAlgorithm::Other("DSA".to_owned()));
    expect(&weak, &[("cert.weak-key", Critical)]);
}

#[test]
fn a_staple_that_is_demanded_has_to_come() {
    let mut examination = leaf(|leaf| leaf.must_staple = true);
    let findings = expect(&examination, &[("cert.must-staple-unmet", Critical)]);
    assert!(findings[0].message.contains("192.0.2.1:443 sent none"));
    connections(&mut examination)[0].stapled_ocsp = Some(vec![1].into());
    expect(&examination, &[]);
    // Of a handshake that was not completed nobody knows whether a staple would have come.
    connections(&mut examination)[0].stapled_ocsp = None;
    connections(&mut examination)[0].tls = None;
    expect(&examination, &[]);
    let all = chain(&examination);
    examination.presented = Ok(in_file(&[&all[0], &all[1]]));
    expect(&examination, &[]);
}

#[test]
fn public_lifetimes_are_limited_by_the_day_of_issue() {
    let told = |issued: &str, length: SignedDuration| {
        let from = time(issued);
        let examination = leaf(|leaf| {
            leaf.not_before = from;
            leaf.not_after = from + length;
        });
        let now = from + length / 2;
        codes(&judge(&examination, &Policy::default(), now)).iter().any(|(code, _)| *code == "cert.validity-too-long")
    };
    let second = SignedDuration::from_secs(1);
    for (issued, limit) in [
        ("2018-03-01T00:00:00Z", 825),
        ("2020-08-31T23:59:59Z", 825),
        ("2020-09-01T00:00:00Z", 398),
        ("2026-03-14T23:59:59Z", 398),
        ("2026-03-15T00:00:00Z", 200),
        ("2027-03-15T00:00:00Z", 100),
        ("2029-03-14T23:59:59Z", 100),
        ("2029-03-15T00:00:00Z", 47),
    ] {
        // Both ends counted: 398 days end one second before the same time of day.
        assert!(!told(issued, days(limit) - second), "{issued}");
        assert!(told(issued, days(limit)), "{issued}");
    }
    assert!(!told("2018-02-28T23:59:59Z", days(1200)));
}

#[test]
fn private_certificates_are_not_held_to_public_rules() {
    let mut examination = leaf(|leaf| {
        leaf.not_before = time("2026-10-20T00:00:00Z");
        leaf.not_after = time("2036-10-20T00:00:00Z");
        leaf.extensions.clear();
    });
    expect(&examination, &[("cert.validity-too-long", Warning), ("cert.no-sct", Warning)]);
    examination.publicly_trusted = false;
    examination.public_root = false;
    expect(&examination, &[("path.private-root", Info)]);
}

#[test]
fn timestamps_can_be_stapled() {
    let mut examination = leaf(|leaf| leaf.extensions.clear());
    expect(&examination, &[("cert.no-sct", Warning)]);
    let list = [0x30, 0x20, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x05, 0x04, 0x00];
    connections(&mut examination)[0].stapled_ocsp = Some(list.to_vec().into());
    expect(&examination, &[]);
}

#[test]
fn a_certificate_without_any_source_is_a_warning_unless_short_lived() {
    let bare = |issued: &str, length: SignedDuration, ca: bool| {
        let from = time(issued);
        let examination = leaf(|leaf| {
            leaf.crl_distribution_points.clear();
            leaf.ocsp_urls.clear();
            leaf.not_before = from;
            leaf.not_after = from + length;
            if ca {
                leaf.basic_constraints =
                    Some(crate::x509::certificate::BasicConstraints { ca: true, path_len_constraint: None });
            }
        });
        let findings = judge(&examination, &Policy::default(), from + length / 2);
        let found = findings.iter().find(|finding| finding.code.as_str() == "cert.no-revocation-source");
        found.map(|finding| finding.severity)
    };
    let second = SignedDuration::from_secs(1);
    assert_eq!(bare("2026-03-15T00:00:00Z", days(7) - second, false), Some(Info));
    assert_eq!(bare("2026-03-15T00:00:00Z", days(7), false), Some(Warning));
    assert_eq!(bare("2026-03-15T00:00:00Z", days(7) - second, true), Some(Warning));
    assert_eq!(bare("2026-03-14T23:59:59Z", days(10) - second, false), Some(Info));
    assert_eq!(bare("2024-03-14T23:59:59Z", days(7), false), Some(Warning));
    // A CRL alone is enough: many CAs have no OCSP any more.
    expect(&leaf(|leaf| leaf.ocsp_urls.clear()), &[]);
}

#[test]
fn a_key_that_no_handshake_can_be_verified_with_is_no_pass() {
    let with = |algorithm| {
        let mut certificates = Certificates::new();
        certificates.leaf.key.algorithm = algorithm;
        certificates.examination()
    };
    for (algorithm, named) in [
        (KeyAlgorithm::Ec { curve: "secp256k1".to_owned(), bits: 256 }, "the curve secp256k1"),
        (KeyAlgorithm::Other("Ed448".to_owned()), "Ed448"),
    ] {
        let findings = expect(&with(algorithm), &[("path.unsupported-algorithm", Critical)]);
        assert!(findings[0].message.contains(named), "{}", findings[0].message);
    }
    expect(&with(KeyAlgorithm::Ed25519), &[]);
    // One that is too weak is told as that alone.
    expect(&with(KeyAlgorithm::Ec { curve: "P-192".to_owned(), bits: 192 }), &[("cert.weak-key", Critical)]);
}
