use super::*;

fn serve(examination: &mut Examination, certificates: &[&Arc<Certificate>]) {
    let served = certificates.iter().map(|one| PresentedCertificate::Decoded((*one).clone())).collect();
    connections(examination)[0].served = served;
}

fn from(examination: &mut Examination, certificate: &Arc<Certificate>, source: Source) {
    examination.search.sources.insert(certificate.sha256, source);
}

#[test]
fn an_intermediate_found_elsewhere_is_the_server_s_fault() {
    for (source, word) in
        [(Source::Aia, "caIssuers"), (Source::TrustStore, "trust store"), (Source::Option, "--intermediates")]
    {
        let mut examination = clean();
        let [leaf, intermediate, _] = chain(&examination).try_into().unwrap();
        serve(&mut examination, &[&leaf]);
        from(&mut examination, &intermediate, source);
        let findings = expect(&examination, &[("chain.incomplete", Critical)]);
        assert!(findings[0].message.contains("CA 1") && findings[0].message.contains(word), "{}", findings[0].message);
        assert_eq!(findings[0].about, About::Certificate(intermediate.sha256));
    }
}

#[test]
fn a_chain_is_complete_if_any_valid_path_is_served_whole() {
    let mut examination = clean();
    let [leaf, intermediate, _] = chain(&examination).try_into().unwrap();
    let mut cross = certificate("CA 1", "Other Root");
    cross.crl_distribution_points = vec![distribution_point(CRL)];
    let cross = Arc::new(cross);
    examination.revocation.statuses.push(status(cross.sha256, Status::Good));
    let other_root = Arc::new(certificate("Other Root", "Other Root"));
    examination.search.paths.insert(0, path(&[leaf.clone(), cross, other_root], true));
    serve(&mut examination, &[&leaf, &intermediate]);
    expect(&examination, &[("path.alternatives", Info)]);
}

#[test]
fn an_absent_anchor_is_normal_and_a_served_root_is_information() {
    expect(&clean(), &[]);
    let mut examination = clean();
    let [leaf, intermediate, root] = chain(&examination).try_into().unwrap();
    serve(&mut examination, &[&leaf, &intermediate, &root]);
    expect(&examination, &[("chain.root-included", Info)]);
}

#[test]
fn a_missing_intermediate_is_told_although_the_path_fails_for_another_reason() {
    let mut certificates = Certificates::new();
    certificates.leaf.not_after = time("2026-11-09T12:00:00Z");
    let mut examination = certificates.examination();
    let leaf = chain(&examination)[0].clone();
    serve(&mut examination, &[&leaf]);
    refuse(&mut examination, true, &[(0, DefectKind::Expired { not_after: leaf.not_after })]);
    expect(&examination, &[("cert.expired", Critical), ("chain.incomplete", Critical)]);
}

#[test]
fn order_counts_for_what_a_path_uses_only() {
    let mut certificates = Certificates::new();
    certificates.intermediate = certificate("CA 1", "CA 0");
    certificates.intermediate.not_after = time("2034-01-01T00:00:00Z");
    certificates.intermediate.crl_distribution_points = vec![distribution_point(CRL)];
    let mut examination = certificates.examination();
    let [leaf, lower, root] = chain(&examination).try_into().unwrap();
    let mut upper = certificate("CA 0", "Root");
    upper.not_after = time("2034-01-01T00:00:00Z");
    upper.crl_distribution_points = vec![distribution_point(CRL)];
    let upper = Arc::new(upper);
    examination.search.paths[0] = path(&[leaf.clone(), lower.clone(), upper.clone(), root.clone()], true);
    examination.revocation.statuses.push(status(upper.sha256, Status::Good));
    serve(&mut examination, &[&leaf, &lower, &upper]);
    expect(&examination, &[]);
    serve(&mut examination, &[&leaf, &upper, &lower]);
    let findings = expect(&examination, &[("chain.misordered", Warning)]);
    assert!(findings[0].remedy.ends_with("www.example.test > CA 1 > CA 0"), "{}", findings[0].remedy);
    // Something foreign in between does not disturb the order.
    let foreign = Arc::new(certificate("Foreign", "Elsewhere"));
    serve(&mut examination, &[&leaf, &foreign, &lower, &upper]);
    let findings = expect(&examination, &[("chain.extraneous", Info)]);
    assert!(findings[0].message.contains("Foreign"));
    // A second valid path that stands in order is enough.
    let other_root = Arc::new(certificate("Other Root", "Other Root"));
    examination.search.paths.push(path(&[leaf.clone(), upper.clone(), other_root], true));
    serve(&mut examination, &[&leaf, &upper, &lower]);
    expect(&examination, &[("path.alternatives", Info)]);
}

#[test]
fn a_search_cut_short_calls_nothing_extraneous() {
    let mut examination = clean();
    let [leaf, intermediate, _] = chain(&examination).try_into().unwrap();
    serve(&mut examination, &[&leaf, &intermediate, &Arc::new(certificate("Foreign", "Elsewhere"))]);
    examination.search.exhausted = true;
    expect(&examination, &[]);
}

#[test]
fn a_repetition_is_told_once() {
    let mut examination = clean();
    let [leaf, intermediate, _] = chain(&examination).try_into().unwrap();
    serve(&mut examination, &[&leaf, &intermediate, &intermediate, &intermediate]);
    let findings = expect(&examination, &[("chain.duplicate", Info)]);
    assert!(findings[0].message.contains("intermediate CA 1 is there 3 times"), "{}", findings[0].message);
}

#[test]
fn a_file_with_one_certificate_claims_no_chain_and_a_bundle_does() {
    let mut examination = clean();
    let [leaf, intermediate, root] = chain(&examination).try_into().unwrap();
    from(&mut examination, &intermediate, Source::Aia);
    examination.presented = Ok(in_file(&[&leaf]));
    expect(&examination, &[]);
    examination.presented = Ok(in_file(&[&intermediate, &leaf]));
    expect(&examination, &[("chain.misordered", Warning)]);
    // PKCS#7 and PKCS#12 claim no order.
    if let Ok(Presented::InFile { ordered, .. }) = &mut examination.presented {
        *ordered = false;
    }
    expect(&examination, &[]);
    examination.presented = Ok(in_file(&[&leaf, &root]));
    expect(&examination, &[("chain.incomplete", Critical), ("chain.root-included", Info)]);
}

#[test]
fn certificates_past_the_limit_are_mentioned() {
    let mut examination = clean();
    connections(&mut examination)[0].served_beyond_limit = 7;
    let findings = expect(&examination, &[("chain.extraneous", Info)]);
    assert!(findings[0].message.contains("7 more certificates"));
}
