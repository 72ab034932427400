use super::*;
use crate::revocation::{Conflict, ContentDefect, FileFacts, StapleFacts};
use crate::x509::RevocationReason;

type D = ContentDefect;

fn serving(kind: EndpointKind, named_by: &[usize], defects: Vec<D>) -> Examination {
    let mut examination = clean();
    let url = endpoint(&examination, kind, &[], Vec::new()).url;
    let mut facts = endpoint(&examination, kind, named_by, vec![attempt(&url, "192.0.2.80:80", Outcome::Ok)]);
    facts.usable = !defects.iter().any(|defect| !matches!(defect, D::Expiring { .. } | D::WeakSignature { .. }));
    facts.defects = defects;
    examination.revocation.endpoints.push(facts);
    examination
}

fn expired() -> D {
    D::Expired { next_update: time("2026-11-09T12:00:00Z") }
}

#[test]
fn a_bad_crl_is_critical_only_where_it_leaves_a_certificate_open() {
    let mut examination = serving(EndpointKind::Crl, &[0, 1], vec![expired()]);
    let findings = expect(&examination, &[("crl.expired", Warning)]);
    assert_eq!(
        findings[0].message,
        format!("{CRL}: the CRL should have been replaced by 2026-11-09T12:00:00Z, 24 hours ago")
    );
    assert_eq!(findings[0].about, About::Endpoint(CRL.to_owned()));
    leave_open(&mut examination, 1);
    expect(&examination, &[("crl.expired", Critical)]);
}

#[test]
fn certificates_off_the_chosen_path_make_nothing_critical() {
    let mut examination = serving(EndpointKind::Crl, &[], vec![expired()]);
    let other = Arc::new(certificate("CA 1", "Old Root"));
    examination.revocation.endpoints[0].certificates = vec![other.sha256];
    examination.revocation.statuses.push(status(other.sha256, Status::Unknown));
    expect(&examination, &[("crl.expired", Warning)]);
}

#[test]
fn every_failed_source_of_an_open_certificate_is_critical_and_nothing_is_undetermined() {
    let mut examination = serving(EndpointKind::Crl, &[0], vec![expired()]);
    let refused =
        endpoint(&examination, EndpointKind::Ocsp, &[0], vec![attempt(OCSP, "192.0.2.81:80", Outcome::Refused)]);
    examination.revocation.endpoints.push(refused);
    leave_open(&mut examination, 0);
    expect(&examination, &[("crl.expired", Critical), ("endpoint.unreachable", Critical)]);
}

#[test]
fn each_crl_defect_has_its_code() {
    let text = |text: &str| text.to_owned();
    let sha256 = chain(&clean())[0].sha256;
    let time = time("2026-11-09T12:00:00Z");
    for (defect, code, level) in [
        (D::NotYetValid { this_update: time }, "crl.not-yet-valid", Warning),
        (D::Malformed { reason: text("text") }, "crl.malformed", Warning),
        (D::BadSignature { signer: text("CN=CA 1") }, "crl.bad-signature", Warning),
        (D::UnsupportedSignature { algorithm: text("Ed448") }, "crl.bad-signature", Warning),
        (D::WrongIssuer { expected: text("a"), found: text("b") }, "crl.wrong-issuer", Warning),
        (D::OutOfScope { certificate: sha256, reason: text("users only") }, "crl.out-of-scope", Warning),
        (D::UnknownCriticalExtension { oid: text("1.2.3"), entry: true }, "crl.unknown-critical-extension", Warning),
        (D::Expiring { next_update: Some(time), next_publish: None }, "crl.expiring", Warning),
        (D::WeakSignature { algorithm: text("sha1") }, "crl.weak-signature", Warning),
        (D::NoNextUpdate, "crl.no-next-update", Warning),
        (D::NotDer { format: "PEM" }, "crl.not-der", Warning),
        (D::Large { size: 50_000_000 }, "crl.too-large", Info),
    ] {
        expect(&serving(EndpointKind::Crl, &[0], vec![defect]), &[(code, level)]);
    }
}

#[test]
fn an_unverified_crl_is_told_by_the_path_or_by_what_stays_open() {
    let mut examination = serving(EndpointKind::Crl, &[0], vec![D::Unverified]);
    expect(&examination, &[]);
    leave_open(&mut examination, 0);
    expect(&examination, &[("revocation.undetermined", Critical)]);
}

#[test]
fn each_ocsp_defect_has_its_code() {
    let text = |text: &str| text.to_owned();
    let time = time("2026-11-09T12:00:00Z");
    for (defect, code) in [
        (expired(), "ocsp.expired"),
        (D::NotYetValid { this_update: time }, "ocsp.not-yet-valid"),
        (D::Malformed { reason: text("text") }, "ocsp.malformed"),
        (D::BadSignature { signer: text("CN=CA 1") }, "ocsp.bad-signature"),
        (D::UnauthorizedResponder { reason: text("no OCSPSigning") }, "ocsp.unauthorized-responder"),
        (D::WrongCertificate { found: text("serial 07") }, "ocsp.wrong-certificate"),
        (D::NonceMismatch, "ocsp.nonce-mismatch"),
        (D::ErrorStatus { status: "tryLater" }, "ocsp.error-status"),
        (D::UnknownStatus, "ocsp.unknown"),
        (D::WeakSignature { algorithm: text("sha1") }, "ocsp.weak-signature"),
        (D::GetFailed { reason: text("HTTP status 400") }, "ocsp.get-failed"),
        (D::PostFailed { reason: text("HTTP status 405") }, "ocsp.post-failed"),
    ] {
        let mut examination = serving(EndpointKind::Ocsp, &[0], vec![defect.clone()]);
        if matches!(defect, D::GetFailed { .. } | D::PostFailed { .. }) {
            examination.revocation.endpoints[0].usable = true;
        }
        expect(&examination, &[(code, Warning)]);
    }
}

#[test]
fn a_defect_by_one_method_has_its_own_code_and_is_never_critical() {
    let defect = D::ByOneMethod { method: HttpMethod::Post, defect: Box::new(D::NonceMismatch) };
    let mut examination = serving(EndpointKind::Ocsp, &[0], vec![defect]);
    examination.revocation.endpoints[0].usable = true;
    let findings = expect(&examination, &[("ocsp.nonce-mismatch", Warning)]);
    assert!(findings[0].message.ends_with("(asked by POST; by GET it is usable)"));
    let single = judge_endpoint(&examination.revocation.endpoints[0], None, &[], &Policy::default(), at());
    assert_eq!(codes(&single), [("ocsp.nonce-mismatch", Warning)]);
}

#[test]
fn what_does_not_keep_an_object_from_counting_is_never_critical() {
    let mut examination =
        serving(EndpointKind::Crl, &[0], vec![expired(), D::WeakSignature { algorithm: "sha1".to_owned() }]);
    leave_open(&mut examination, 0);
    expect(&examination, &[("crl.expired", Critical), ("crl.weak-signature", Warning)]);
    // Unless nothing else is wrong with an object that does not count.
    let mut only = serving(EndpointKind::Crl, &[0], vec![D::NoNextUpdate]);
    leave_open(&mut only, 0);
    expect(&only, &[("crl.no-next-update", Critical)]);
    only.revocation.endpoints[0].usable = true;
    expect(&only, &[("revocation.undetermined", Critical), ("crl.no-next-update", Warning)]);
}

#[test]
fn scope_is_judged_for_the_certificate_it_excludes() {
    let mut examination = serving(EndpointKind::Crl, &[0, 1], Vec::new());
    let excluded = chain(&examination)[0].sha256;
    let defect = D::OutOfScope { certificate: excluded, reason: "CA certificates only".to_owned() };
    examination.revocation.endpoints[0].defects = vec![defect];
    leave_open(&mut examination, 0);
    let findings = expect(&examination, &[("crl.out-of-scope", Critical)]);
    assert!(findings[0].message.contains("certificate www.example.test: CA certificates only"));
}

#[test]
fn one_responder_s_fault_for_two_certificates_is_one_finding() {
    let defect = D::BadSignature { signer: "CN=CA".to_owned() };
    let mut examination = serving(EndpointKind::Ocsp, &[0], vec![defect.clone()]);
    let mut second = examination.revocation.endpoints[0].clone();
    second.certificates = vec![chain(&examination)[1].sha256];
    examination.revocation.endpoints.push(second);
    leave_open(&mut examination, 1);
    // The graver of the two counts.
    expect(&examination, &[("ocsp.bad-signature", Critical)]);
    for facts in &mut examination.revocation.endpoints {
        facts.defects = vec![D::UnknownStatus];
    }
    expect(&examination, &[("ocsp.unknown", Critical), ("ocsp.unknown", Warning)]);
}

#[test]
fn aia_is_critical_only_where_the_path_needs_it() {
    let wrong = D::WrongIssuer { expected: "CN=CA 1".to_owned(), found: "CN=CA 9".to_owned() };
    let mut examination = serving(EndpointKind::CaIssuers, &[0], vec![wrong]);
    expect(&examination, &[("aia.wrong-issuer", Warning)]);
    let leaf = chain(&examination)[0].clone();
    examination.search.paths = vec![path(std::slice::from_ref(&leaf), false)];
    let no_issuer = DefectKind::NoIssuer { issuer: "CN=CA 1".to_owned(), ca_issuers_urls: vec![AIA.to_owned()] };
    refuse(&mut examination, false, &[(0, no_issuer)]);
    examination.search.missing = vec![leaf];
    connections(&mut examination)[0].served.truncate(1);
    expect(&examination, &[("path.no-issuer", Critical), ("aia.wrong-issuer", Critical)]);
    examination.revocation.endpoints[0].defects = vec![D::Malformed { reason: "text".to_owned() }];
    expect(&examination, &[("path.no-issuer", Critical), ("aia.malformed", Critical)]);
    examination.revocation.endpoints[0].defects = vec![D::NotDer { format: "PEM" }];
    expect(&examination, &[("path.no-issuer", Critical), ("aia.not-der", Info)]);
}

#[test]
fn a_revocation_is_told_with_its_values() {
    let mut examination = clean();
    let leaf = chain(&examination)[0].sha256;
    let mut revoked = status(leaf, Status::Revoked);
    revoked.reason = Some(RevocationReason(1));
    examination.revocation.statuses[0] = revoked;
    let findings = expect(&examination, &[("revocation.revoked", Critical)]);
    assert_eq!(
        findings[0].message,
        format!("certificate www.example.test was revoked on 2026-11-01T00:00:00Z (keyCompromise), says {CRL}")
    );
    let mut never_issued = status(leaf, Status::Revoked);
    never_issued.sources[0].kind = SourceKind::Ocsp;
    never_issued.sources[0].answer =
        Some(Answer::Revoked { at: Timestamp::UNIX_EPOCH, reason: Some(RevocationReason::CERTIFICATE_HOLD) });
    let known = std::mem::replace(&mut examination.revocation.statuses[0], never_issued);
    let findings = expect(&examination, &[("revocation.revoked", Critical)]);
    assert!(findings[0].message.contains("its CA never issued it"), "{}", findings[0].message);
    examination.revocation.statuses[0] = known;
    examination.revocation.statuses[0].conflict =
        Some(Conflict { revoked_by: CRL.to_owned(), good_by: OCSP.to_owned(), good_dated: at() });
    expect(&examination, &[("revocation.revoked", Critical), ("revocation.conflict", Critical)]);
}

#[test]
fn a_revoked_certificate_beside_the_chosen_path_is_told_with_the_alternatives() {
    let mut examination = clean();
    let [leaf, root] = [0, 2].map(|position| chain(&examination)[position].clone());
    let mut other = certificate("CA 1", "Root");
    other.sha256 = Fingerprint([7; 32]);
    let other = Arc::new(other);
    examination.revocation.statuses.push(status(other.sha256, Status::Revoked));
    examination.search.paths.push(path(&[leaf, other, root], true));
    let findings = expect(&examination, &[("path.alternatives", Info)]);
    assert!(findings[0].message.contains("CA 1 > Root (revoked"), "{}", findings[0].message);
    // Where the search had nothing better, it counts.
    examination.search.paths.remove(0);
    assert!(judged(&examination).iter().any(|finding| finding.code == crate::finding::catalogue::revocation::REVOKED));
}

#[test]
fn what_stays_open_without_a_faulty_source_is_undetermined() {
    let mut examination = serving(EndpointKind::Crl, &[0], Vec::new());
    leave_open(&mut examination, 0);
    examination.revocation.statuses[0].undetermined = Some("keyCompromise is covered by no CRL".to_owned());
    let findings = expect(&examination, &[("revocation.undetermined", Critical)]);
    assert!(findings[0].message.ends_with("keyCompromise is covered by no CRL"));
    // Even where nobody says why.
    examination.revocation.statuses[0].undetermined = None;
    expect(&examination, &[("revocation.undetermined", Critical)]);
    // Sources that were never asked leave it open as well.
    let leaf = chain(&examination)[0].sha256;
    examination.revocation.statuses[0] = status(leaf, Status::NotChecked);
    expect(&examination, &[("revocation.undetermined", Critical)]);
}

#[test]
fn offline_is_no_finding() {
    let mut examination = serving(EndpointKind::Crl, &[0, 1], Vec::new());
    examination.offline = true;
    examination.revocation.endpoints[0].skipped = Some(crate::revocation::Skipped::Offline);
    examination.revocation.endpoints[0].attempts.clear();
    for one in &mut examination.revocation.statuses {
        *one = status(one.certificate, Status::NotChecked);
    }
    expect(&examination, &[]);
    assert_eq!(endpoint_status(&examination.revocation.endpoints[0], &[]), EndpointStatus::Skipped);
}

#[test]
fn files_are_judged_for_the_certificates_they_answer() {
    let mut examination = clean();
    examination.offline = true;
    leave_open(&mut examination, 0);
    examination.revocation.statuses[0].sources[0].url = Some("ca.crl".to_owned());
    examination.revocation.files = vec![FileFacts {
        path: "ca.crl".to_owned(),
        kind: EndpointKind::Crl,
        content: None,
        defects: vec![expired()],
        usable: false,
    }];
    let findings = expect(&examination, &[("crl.expired", Critical)]);
    assert_eq!(findings[0].about, About::Endpoint("ca.crl".to_owned()));
    // One of another CA is not at fault: the certificate is merely not covered.
    examination.revocation.files[0].defects =
        vec![D::WrongIssuer { expected: "CN=CA 1".to_owned(), found: "CN=CA 9".to_owned() }];
    examination.revocation.statuses[0].sources.clear();
    examination.revocation.statuses[0].undetermined = Some("ca.crl does not cover it".to_owned());
    expect(&examination, &[("revocation.undetermined", Critical)]);
}

fn stapled(defects: Vec<D>, must_staple: bool) -> Examination {
    let mut certificates = Certificates::new();
    certificates.leaf.must_staple = must_staple;
    let mut examination = certificates.examination();
    connections(&mut examination)[0].stapled_ocsp = Some(vec![1].into());
    let usable = defects.is_empty();
    examination.revocation.staple = Some(StapleFacts { content: None, defects, usable });
    examination
}

#[test]
fn a_bad_staple_weighs_by_what_else_there_is() {
    expect(&stapled(Vec::new(), true), &[]);
    let mut examination = stapled(vec![expired()], false);
    let findings = expect(&examination, &[("ocsp.staple-invalid", Warning)]);
    assert_eq!(findings[0].about, About::Connection("192.0.2.1:443".to_owned()));
    assert!(findings[0].message.contains("should have been replaced by 2026-11-09"));
    leave_open(&mut examination, 0);
    expect(&examination, &[("ocsp.staple-invalid", Critical)]);
    expect(&stapled(vec![expired()], true), &[("ocsp.staple-invalid", Critical)]);
    let mut weak = stapled(vec![D::WeakSignature { algorithm: "sha1".to_owned() }], false);
    weak.revocation.staple.as_mut().unwrap().usable = true;
    expect(&weak, &[("ocsp.weak-signature", Warning)]);
}

#[test]
fn by_itself_an_url_that_serves_nothing_usable_is_critical() {
    let examination = serving(EndpointKind::Crl, &[], vec![expired()]);
    let mut facts = examination.revocation.endpoints[0].clone();
    let single = |facts: &EndpointFacts| codes(&judge_endpoint(facts, None, &[], &Policy::default(), at()));
    assert_eq!(single(&facts), [("crl.expired", Critical)]);
    facts.defects = vec![D::Unverified];
    assert_eq!(single(&facts), [("crl.unverified", Info)]);
    let told = judge_endpoint(&facts, None, &[], &Policy::default(), at());
    assert_eq!(endpoint_status(&facts, &told), EndpointStatus::Degraded);
    assert_eq!(endpoint_status(&facts, &[]), EndpointStatus::Failed, "in `check`, which does not tell it");
    facts.defects = vec![D::Unverified, D::NotDer { format: "PEM" }];
    assert_eq!(single(&facts), [("crl.not-der", Warning), ("crl.unverified", Info)]);
    facts.defects = vec![D::NotDer { format: "PEM" }];
    facts.usable = true;
    assert_eq!(single(&facts), [("crl.not-der", Warning)]);
    facts.defects.clear();
    let revoked = Answer::Revoked { at: at(), reason: None };
    let findings = judge_endpoint(&facts, Some(&revoked), &[], &Policy::default(), at());
    assert_eq!(codes(&findings), [("revocation.revoked", Critical)]);
    assert_eq!(codes(&judge_endpoint(&facts, Some(&Answer::Good), &[], &Policy::default(), at())), []);
    // Not a word is not a pass.
    facts.usable = false;
    facts.attempts.clear();
    assert_eq!(single(&facts), [("endpoint.unreachable", Critical)]);
}

#[test]
fn a_source_that_no_list_of_endpoints_holds_is_no_answer() {
    let mut examination = clean();
    let intermediate = chain(&examination)[1].sha256;
    let statuses = &mut examination.revocation.statuses;
    *statuses.iter_mut().find(|status| status.certificate == intermediate).unwrap() =
        status(intermediate, Status::NotChecked);
    expect(&examination, &[("revocation.undetermined", Critical)]);
    examination.offline = true;
    expect(&examination, &[]);
}
