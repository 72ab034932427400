use super::*;
use crate::acquire::AcquireError;
use crate::net::ServerClock;
use crate::revocation::{ContentDefect, StapleFacts};

#[test]
fn the_clean_case_has_nothing_to_say() {
    let findings = expect(&clean(), &[]);
    assert_eq!(Verdict::of(&findings), Verdict::Ok);
}

#[test]
fn an_unreadable_target_is_unknown_and_nothing_else() {
    let mut examination = clean();
    examination.presented = Err(AcquireError::Unreadable { path: "a.pem".into(), reason: "no such file".to_owned() });
    let findings = expect(&examination, &[("target.unreadable", Severity::Unknown)]);
    assert_eq!(Verdict::of(&findings), Verdict::Unknown);
    assert_eq!(findings[0].message, "cannot read a.pem: no such file");
    let reason = "the host is not a name".to_owned();
    examination.presented = Err(AcquireError::NotATarget { text: "bad host".to_owned(), reason });
    let findings = expect(&examination, &[("target.unreadable", Severity::Unknown)]);
    assert_eq!(findings[0].message, "bad host: the host is not a name");
    assert!(findings[0].remedy.contains("HOST:PORT"));
}

#[test]
fn unreadable_entries_of_the_store_are_a_warning() {
    let mut examination = clean();
    examination.trust_store_errors = vec!["/etc/x.pem: bad base64".to_owned()];
    let findings = expect(&examination, &[("store.unreadable", Warning)]);
    assert!(findings[0].message.contains("/etc/x.pem"));
}

#[test]
fn without_any_anchor_the_verdict_is_unknown_unless_the_server_fails_by_itself() {
    let mut examination = clean();
    examination.trust_store_failure = Some("no anchor in /etc/ssl".to_owned());
    examination.search = PathSearch::default();
    examination.revocation = RevocationFacts::default();
    let findings = expect(&examination, &[("store.unreadable", Severity::Unknown)]);
    assert_eq!(Verdict::of(&findings), Verdict::Unknown);
    examination.presented = Ok(by_server(vec![connection("192.0.2.1:443", Outcome::Refused, Vec::new())]));
    let findings = expect(&examination, &[("connection.failed", Critical), ("store.unreadable", Severity::Unknown)]);
    assert_eq!(Verdict::of(&findings), Verdict::Critical);
}

#[test]
fn what_another_address_serves_counts_as_much() {
    let mut other = Certificates::new();
    other.leaf.not_after = at() - days(1);
    let mut other = other.examination();
    let all = chain(&other);
    refuse(&mut other, true, &[(0, DefectKind::Expired { not_after: all[0].not_after })]);
    let served = all[..2].iter().map(|one| PresentedCertificate::Decoded(one.clone())).rev().collect();
    let theirs = connection("192.0.2.2:443", Outcome::Ok, served);
    other.presented = Ok(by_server(vec![theirs.clone()]));
    let mut examination = clean();
    connections(&mut examination).push(theirs);
    examination.others = vec![other];
    let findings = expect(
        &examination,
        &[("cert.expired", Critical), ("connection.addresses-differ", Warning), ("chain.misordered", Warning)],
    );
    assert!(findings[2].message.starts_with("https://www.example.test:443 at 192.0.2.2:443: "));
    // A fact that both chains share is told once.
    let mut twice = clean();
    twice.publicly_trusted = false;
    twice.public_root = false;
    twice.others = vec![twice.clone()];
    expect(&twice, &[("path.private-root", Info)]);
}

#[test]
fn another_staple_of_the_same_chain_counts_as_much() {
    let mut examination = clean();
    let all = chain(&examination);
    // The other order is told once, for the chain; the staples are each address's own.
    let served: Vec<_> = all[..2].iter().rev().map(|one| PresentedCertificate::Decoded(one.clone())).collect();
    let stapling = |address, staple: &'static [u8]| Connection {
        stapled_ocsp: Some(staple.into()),
        ..connection(address, Outcome::Ok, served.clone())
    };
    let mut other = examination.clone();
    *connections(&mut examination) = vec![stapling("192.0.2.1:443", b"one"), stapling("192.0.2.2:443", b"two")];
    *connections(&mut other) = vec![stapling("192.0.2.2:443", b"two")];
    let defects = vec![ContentDefect::Expired { next_update: at() - days(2) }];
    other.revocation.staple = Some(StapleFacts { content: None, defects, usable: false });
    examination.others = vec![other];
    let findings = expect(&examination, &[("chain.misordered", Warning), ("ocsp.staple-invalid", Warning)]);
    assert_eq!(findings[1].about, About::Connection("192.0.2.2:443".to_owned()));
}

/// Endpoints whose Date headers are that many seconds ahead of this machine.
fn dated(seconds: &[i64]) -> Examination {
    let mut examination = clean();
    for (number, seconds) in seconds.iter().enumerate() {
        let url = format!("http://{number}.example.test/");
        let mut one = attempt(&url, "192.0.2.80:80", Outcome::Ok);
        let time = examination.now + SignedDuration::from_secs(*seconds);
        one.date = Some(ServerClock { time, read: examination.started });
        let mut facts = endpoint(&examination, EndpointKind::Crl, &[0], vec![one]);
        facts.url = url;
        examination.revocation.endpoints.push(facts);
    }
    examination
}

#[test]
fn the_clock_is_doubted_when_most_endpoints_agree_on_another_time() {
    for good in [&[][..], &[4000], &[0, 0, 4000], &[300, 300], &[-300, -300], &[0, 4000], &[-900, -4000, -9000]] {
        expect(&dated(good), &[]);
    }
    let findings = expect(&dated(&[3600, 3601, 0]), &[("local.clock-skew", Warning)]);
    assert!(findings[0].message.contains("60 minutes behind what 2 of 3 endpoints"), "{}", findings[0].message);
    let findings = expect(&dated(&[-400, -400]), &[("local.clock-skew", Warning)]);
    assert!(findings[0].message.contains("ahead of what 2 of 2"));
    // Answers that came earlier or later than the target's turn said the time of then.
    let mut shared = dated(&[-1200, -1200]);
    let mut own = dated(&[1200, 1200]);
    let shift = Duration::from_secs(1200);
    shared.started += shift;
    for facts in &mut own.revocation.endpoints {
        for date in facts.attempts.iter_mut().filter_map(|attempt| attempt.date.as_mut()) {
            date.read += shift;
        }
    }
    expect(&shared, &[]);
    expect(&own, &[]);
    // One URL asked twice is one endpoint.
    let mut once = dated(&[3600]);
    once.revocation.endpoints.push(once.revocation.endpoints[0].clone());
    expect(&once, &[]);
}

fn troubled() -> Examination {
    let mut examination = clean();
    let mut facts = endpoint(&examination, EndpointKind::Crl, &[0], vec![attempt(CRL, "192.0.2.80:80", Outcome::Ok)]);
    facts.defects = vec![ContentDefect::Expired { next_update: at() - days(1) }];
    facts.usable = false;
    examination.revocation.endpoints.push(facts);
    leave_open(&mut examination, 0);
    examination.trust_store_errors = vec!["x".to_owned()];
    examination.publicly_trusted = false;
    examination.public_root = false;
    let broken = PresentedCertificate::from_der(vec![0x30, 0].into());
    connections(&mut examination)[0].served.push(broken);
    connections(&mut examination).push(connection("192.0.2.2:443", Outcome::Refused, Vec::new()));
    examination
}

#[test]
fn findings_stand_by_level_and_then_by_cause() {
    expect(
        &troubled(),
        &[
            ("cert.malformed", Critical),
            ("crl.expired", Critical),
            ("connection.partial", Warning),
            ("store.unreadable", Warning),
            ("path.private-root", Info),
        ],
    );
}

#[test]
fn rules_and_strictness_apply_to_all_of_them() {
    let rule = |text| SeverityRule::parse(text).unwrap();
    let policy = Policy {
        severities: vec![rule("crl.*=ignore"), rule("cert.malformed=info"), rule("path.private-root=warning")],
        strict: true,
        ..Policy::default()
    };
    let findings = judge(&troubled(), &policy, at());
    assert_eq!(
        codes(&findings),
        [
            ("connection.partial", Critical),
            ("store.unreadable", Critical),
            ("path.private-root", Critical),
            ("cert.malformed", Info),
        ]
    );
    let ignored = Policy { severities: vec![rule("crl.*=ignore")], ..Policy::default() };
    // What is ignored is not told under another name either.
    assert!(judge(&troubled(), &ignored, at()).iter().all(|finding| finding.code.group() != "revocation"));
}

#[test]
fn every_sentence_is_one_line_that_begins_small_or_with_a_name_and_has_no_full_stop() {
    for finding in judged(&troubled()) {
        for text in [&finding.message, &finding.remedy] {
            assert!(!text.contains('\n') && !text.ends_with('.') && !text.contains("  "), "{text}");
        }
    }
}
