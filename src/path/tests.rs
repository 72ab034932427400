//! Hierarchies, sound and broken, through search, judge and explanation together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, KeyIdMethod, NameConstraints, date_time_ymd,
};

use super::testing::{Authority, self_signed, spoilt};
use super::*;

fn at() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn question() -> Question {
    Question::new(at(), Purpose::Server)
}

/// Searches with these certificates served, in addition to the leaf, and these trusted.
fn find(leaf: &Arc<Certificate>, served: &[&Authority], trusted: &[&Authority]) -> PathSearch {
    find_for(leaf, served, trusted, &question())
}

fn find_for(leaf: &Arc<Certificate>, served: &[&Authority], trusted: &[&Authority], question: &Question) -> PathSearch {
    let mut pool = Pool::default();
    pool.add(Arc::clone(leaf), Source::Served);
    for authority in served {
        pool.add(Arc::clone(&authority.certificate), Source::Served);
    }
    let anchors = trusted.iter().map(|authority| Arc::clone(&authority.certificate)).collect();
    search(leaf, &pool, &TrustStore::of(anchors, "test"), question, &StandardJudge)
}

fn valid(search: &PathSearch) -> Vec<Vec<String>> {
    names(search.paths.iter().filter(|path| path.judgement.valid))
}

fn names<'a>(paths: impl Iterator<Item = &'a CertificationPath>) -> Vec<Vec<String>> {
    paths.map(|path| path.certificates.iter().map(|certificate| certificate.subject.short()).collect()).collect()
}

/// Whose defects the chosen path has, and which; it must not be valid.
fn defects(search: &PathSearch) -> Vec<(String, DefectKind)> {
    let chosen = search.chosen().unwrap();
    assert!(!search.any_valid() && !chosen.judgement.valid, "{chosen:?}");
    assert_ne!(chosen.judgement.webpki, "", "{chosen:?}");
    let subject = |sha256| {
        let at_fault = chosen.certificates.iter().find(|certificate| certificate.sha256 == sha256);
        at_fault.unwrap().subject.short()
    };
    chosen.judgement.defects.iter().map(|defect| (subject(defect.certificate), defect.kind.clone())).collect()
}

fn ends(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2026, 1, 1);
}

fn begins(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2027, 1, 1);
}

fn expired() -> DefectKind {
    DefectKind::Expired { not_after: "2026-01-01T00:00:00Z".parse().unwrap() }
}

#[test]
fn a_complete_chain_in_any_order_is_valid() {
    let root = Authority::root("R");
    let (one, two) = (root.sub("I1"), Authority::root("unrelated"));
    let inner = one.sub("I2");
    let leaf = inner.leaf();
    let search = find(&leaf, &[&two, &one, &inner, &inner, &root], &[&root]);
    assert_eq!(valid(&search), [["a.test", "I2", "I1", "R"]]);
    assert_eq!(search.paths.len(), 1);
    let chosen = search.chosen().unwrap();
    assert_eq!(chosen.judgement.webpki, "ok");
    assert_eq!(chosen.anchor(), Some(&root.certificate));
    assert!(search.missing.is_empty() && !search.exhausted);
    assert_eq!(search.sources.len(), 4);
    assert_eq!(search.sources[&root.certificate.sha256], Source::Served);
}

#[test]
fn the_root_comes_from_the_store() {
    let root = Authority::root("R");
    let inner = root.sub("I");
    let search = find(&inner.leaf(), &[&inner], &[&Authority::root("other"), &root]);
    assert_eq!(valid(&search), [["a.test", "I", "R"]]);
    assert_eq!(search.sources[&root.certificate.sha256], Source::TrustStore);
}

#[test]
fn a_missing_intermediate_is_named_with_where_to_ask() {
    let root = Authority::root("R");
    let inner = root.sub("I");
    let leaf = inner.leaf_with(|params| {
        let mut value = vec![0x30, 28, 0x30, 26, 6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 2, 0x86, 14];
        value.extend(b"http://a.test/");
        params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], value));
    });
    let search = find(&leaf, &[], &[&root]);
    let kind = DefectKind::NoIssuer { issuer: "CN=I".into(), ca_issuers_urls: vec!["http://a.test/".into()] };
    assert_eq!(defects(&search), [("a.test".into(), kind)]);
    assert_eq!(search.missing, [leaf]);
    assert_eq!(search.chosen().unwrap().judgement.webpki, "unknown issuer");
}

#[test]
fn the_highest_certificate_without_issuer_is_missing_first() {
    let (one, two) = (Authority::root("R1"), Authority::root("R2"));
    let inner = one.sub("I");
    let middle = two.sub("M");
    let crossed = middle.cross(&inner);
    let leaf = inner.leaf();
    let search = find(&leaf, &[&inner, &crossed, &middle], &[]);
    let missing: Vec<_> = search.missing.iter().map(|certificate| certificate.subject.short()).collect();
    assert_eq!(missing, ["M", "I"]);
    assert_eq!(search.paths.len(), 2);
}

#[test]
fn every_cross_signed_path_is_found_the_shortest_first() {
    let (old, new) = (Authority::root("old"), Authority::root("new"));
    let crossed = old.cross(&new);
    let inner = new.sub("I");
    let search = find(&inner.leaf(), &[&inner, &crossed], &[&old, &new]);
    assert_eq!(valid(&search), [vec!["a.test", "I", "new"], vec!["a.test", "I", "new", "old"]]);
}

#[test]
fn an_expired_alternative_is_kept_behind_the_valid_path() {
    let (old, new) = (Authority::root_with("old", ends), Authority::root("new"));
    let crossed = old.cross_with(&new, ends);
    let inner = new.sub("I");
    let search = find(&inner.leaf(), &[&inner, &crossed], &[&old, &new]);
    let all = names(search.paths.iter());
    assert_eq!(all, [vec!["a.test", "I", "new"], vec!["a.test", "I", "new", "old"]]);
    assert_eq!(valid(&search).len(), 1);
    let kinds: Vec<_> = search.paths[1].judgement.defects.iter().map(|defect| &defect.kind).collect();
    assert_eq!(kinds, [&expired(), &expired()]);
    assert_eq!(search.paths[1].judgement.webpki, "a certificate expired at 2026-01-01T00:00:00Z");
    assert_eq!(search.examined().count(), 1);
}

#[test]
fn of_equal_paths_the_one_that_lasts_comes_first() {
    let root = Authority::root("R");
    let inner = root.sub_with("I", |params| params.not_after = date_time_ymd(2027, 1, 1));
    let renewed = root.cross_with(&inner, |params| params.not_after = date_time_ymd(2030, 1, 1));
    for served in [[&inner, &renewed], [&renewed, &inner]] {
        let search = find(&inner.leaf(), &served, &[&root]);
        assert_eq!(valid(&search).len(), 2);
        assert_eq!(search.paths[0].certificates[1], renewed.certificate);
    }
}

#[test]
fn dead_ends_beside_a_valid_path_are_dropped_but_other_roots_are_kept() {
    let (distrusted, root) = (Authority::root("gone"), Authority::root("R"));
    let crossed = distrusted.cross(&root);
    let inner = root.sub("I");
    let other_copy = root.renewed(|params| params.not_after = date_time_ymd(2031, 1, 1));
    let leaf = inner.leaf();
    let search = find(&leaf, &[&inner, &crossed, &other_copy], &[&root]);
    assert_eq!(names(search.paths.iter()), [["a.test", "I", "R"]]);
    assert_eq!(search.missing, std::slice::from_ref(&crossed.certificate));
    let search = find(&leaf, &[&inner, &crossed, &distrusted], &[&root]);
    assert_eq!(names(search.paths.iter()), [vec!["a.test", "I", "R"], vec!["a.test", "I", "R", "gone"]]);
    assert!(!search.paths[1].trusted && search.missing.is_empty());
}

#[test]
fn an_untrusted_root_is_named() {
    let root = Authority::root("R");
    let inner = root.sub("I");
    let leaf = inner.leaf();
    for store in [vec![], vec![Authority::root("other")]] {
        let search = find(&leaf, &[&inner, &root], &store.iter().collect::<Vec<_>>());
        assert_eq!(defects(&search), [("R".into(), DefectKind::UntrustedRoot { subject: "CN=R".into() })]);
        assert!(search.missing.is_empty());
    }
}

#[test]
fn a_root_of_the_same_name_with_another_key_does_not_help() {
    let (root, namesake) = (Authority::root("R"), Authority::root("R"));
    let inner = root.sub("I");
    let leaf = inner.leaf();
    let search = find(&leaf, &[&inner], &[&namesake]);
    assert_eq!(defects(&search), [("I".into(), DefectKind::BadSignature { issuer: "CN=R".into() })]);
    assert_eq!(search.missing, std::slice::from_ref(&inner.certificate));
    assert_eq!(search.chosen().unwrap().judgement.webpki, "a signature does not verify with the issuer's key");
    // The right one is served, but not trusted: that is the nearer truth.
    let search = find(&leaf, &[&inner, &root], &[&namesake]);
    assert_eq!(defects(&search), [("R".into(), DefectKind::UntrustedRoot { subject: "CN=R".into() })]);
    let search = find(&leaf, &[&inner], &[&namesake, &root]);
    assert_eq!(valid(&search), [["a.test", "I", "R"]]);
}

#[test]
fn a_spoilt_signature_is_told_of_the_certificate_that_bears_it() {
    let root = Authority::root("R");
    let inner = root.sub("I");
    let search = find(&spoilt(&inner.leaf()), &[&inner], &[&root]);
    assert_eq!(defects(&search), [("a.test".into(), DefectKind::BadSignature { issuer: "CN=I".into() })]);
    let mut broken = inner.clone();
    broken.certificate = spoilt(&inner.certificate);
    let search = find(&inner.leaf(), &[&broken], &[&root]);
    assert_eq!(defects(&search), [("I".into(), DefectKind::BadSignature { issuer: "CN=R".into() })]);
}

#[test]
fn lying_key_identifiers_do_not_hide_the_issuer() {
    let root = Authority::root("R");
    let inner = root.sub_with("I", |params| params.key_identifier_method = KeyIdMethod::PreSpecified(vec![1; 20]));
    let decoys: Vec<Authority> = (0..3).map(|_| root.sub("I")).collect();
    let leaf = inner.leaf();
    let mut renamed = (*leaf).clone();
    renamed.authority_key_identifier = decoys[0].certificate.subject_key_identifier.clone();
    let mut served: Vec<&Authority> = decoys.iter().collect();
    served.push(&inner);
    let search = find(&Arc::new(renamed), &served, &[&root]);
    assert_eq!(valid(&search), [["a.test", "I", "R"]]);
    assert_eq!(search.chosen().unwrap().certificates[1], inner.certificate);
}

#[test]
fn a_new_key_of_another_kind_certified_by_the_old_one_has_its_issuer() {
    let old = Authority::root("R");
    let new = old.sub_of("R", &rcgen::PKCS_ED25519);
    assert!(new.certificate.is_self_issued());
    assert_eq!(valid(&find(&new.leaf(), &[&new], &[&old])), [["a.test", "R", "R"]]);
}

#[test]
fn a_leaf_must_be_allowed_to_sign_handshakes() {
    let root = Authority::root("R");
    let for_usage = |usage: rcgen::KeyUsagePurpose| root.leaf_with(|params| params.key_usages = vec![usage]);
    let lacking = DefectKind::LeafKeyUsage { needed: "digitalSignature" };
    for usage in [rcgen::KeyUsagePurpose::CrlSign, rcgen::KeyUsagePurpose::KeyEncipherment] {
        let leaf = for_usage(usage);
        assert_eq!(defects(&find(&leaf, &[], &[&root])), [("a.test".into(), lacking.clone())]);
        assert!(find_for(&leaf, &[], &[&root], &Question::new(at(), Purpose::Any)).any_valid());
    }
    assert!(find(&for_usage(rcgen::KeyUsagePurpose::DigitalSignature), &[], &[&root]).any_valid());
}

#[test]
fn cross_certified_cas_do_not_lead_in_circles() {
    let (one, two) = (Authority::root("A"), Authority::root("B"));
    let (one_by_two, two_by_one) = (two.cross(&one), one.cross(&two));
    let leaf = one.leaf();
    let search = find(&leaf, &[&one_by_two, &two_by_one], &[]);
    assert_eq!(names(search.paths.iter()), [["a.test", "A", "B"]]);
    let circle = DefectKind::Circle { issuer: "CN=A".into() };
    assert_eq!(defects(&search), [("B".into(), circle)]);
    assert_eq!(search.missing, std::slice::from_ref(&two_by_one.certificate));
    let search = find(&leaf, &[&one_by_two, &two_by_one], &[&two]);
    assert_eq!(valid(&search), [["a.test", "A", "B"]]);
    assert!(search.missing.is_empty());
}

#[test]
fn decoys_of_the_same_name_stay_bounded() {
    let root = Authority::root("R");
    let inner = root.sub("I");
    let leaf = inner.leaf();
    let same_key: Vec<Authority> = (0..150).map(|_| root.cross(&inner)).collect();
    let other_keys: Vec<Authority> = (0..150).map(|_| Authority::root("elsewhere").sub("I")).collect();
    let mut served: Vec<&Authority> = other_keys.iter().chain(&same_key).collect();
    served.push(&inner);
    let started = Instant::now();
    let search = find(&leaf, &served, &[&root]);
    // Generous: unoptimised, beside other tests.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(search.paths.len(), question().max_paths);
    assert!(search.any_valid());
}

#[test]
fn layers_of_decoys_end_by_the_budget_and_say_so() {
    let names = ["L0", "L1", "L2", "L3"];
    let top = Authority::root("top");
    let mut layer = vec![top.clone()];
    let mut served: Vec<Authority> = Vec::new();
    for name in names {
        // Every certificate of a layer is issued under every key of the layer above.
        let keys: Vec<Authority> = (0..8).map(|_| Authority::root(name)).collect();
        served.extend(layer.iter().flat_map(|issuer| keys.iter().map(|key| issuer.cross(key))));
        layer = keys;
    }
    let leaf = layer[0].leaf();
    let served: Vec<&Authority> = served.iter().collect();
    let started = Instant::now();
    let search = find(&leaf, &served, &[]);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(search.exhausted && search.paths.len() <= 8, "{}", search.paths.len());
    assert_eq!(defects(&search)[0], ("a.test".into(), DefectKind::TooComplex));
    let search = find_for(&leaf, &served, &[&top], &Question { signature_budget: 10_000, ..question() });
    assert!(search.any_valid() && search.paths.len() == question().max_paths);
}

#[test]
fn a_path_longer_than_the_limit_is_too_complex() {
    let root = Authority::root("R");
    let mut served = vec![root.sub("I0")];
    for index in 1..12 {
        served.push(served[index - 1].sub(&format!("I{index}")));
    }
    let leaf = served[11].leaf();
    let served: Vec<&Authority> = served.iter().collect();
    let search = find(&leaf, &served, &[&root]);
    assert!(search.exhausted);
    assert_eq!(defects(&search)[0].1, DefectKind::TooComplex);
    // Without a root it is no less too long, and no issuer is claimed to be missing.
    let search = find(&leaf, &served, &[]);
    assert!(search.exhausted);
    let search = find_for(&leaf, &served, &[&root], &Question { max_length: 14, ..question() });
    assert!(search.any_valid());
    assert_eq!(strict(&search), "the path has more than 6 intermediate certificates");
}

#[test]
fn a_leaf_without_anything_is_a_path_of_one() {
    let leaf = Authority::root("R").leaf();
    let nothing = Question { signature_budget: 0, max_paths: 0, max_length: 0, ..question() };
    for question in [question(), nothing] {
        let search = find_for(&leaf, &[], &[], &question);
        assert_eq!(names(search.paths.iter()), [["a.test"]]);
        assert_eq!(search.sources[&leaf.sha256], Source::Served);
    }
}

#[test]
fn a_self_signed_leaf_counts_where_it_is_trusted() {
    let leaf = self_signed(|_| {});
    let search = find(&leaf, &[], &[]);
    assert_eq!(defects(&search), [("a.test".into(), DefectKind::SelfSigned)]);
    assert!(search.missing.is_empty());
    let trusting = |leaf: &Arc<Certificate>| {
        let mut pool = Pool::default();
        pool.add(Arc::clone(leaf), Source::Served);
        let store = TrustStore::of(vec![Arc::clone(leaf)], "test");
        super::search(leaf, &pool, &store, &question(), &StandardJudge)
    };
    let search = trusting(&leaf);
    assert_eq!(valid(&search), [["a.test"]]);
    assert_eq!(search.chosen().unwrap().anchor(), Some(&leaf));
    // Many tools make self-signed certificates CAs; as an anchor that harms nobody.
    let ca = self_signed(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert!(trusting(&ca).any_valid());
    assert_eq!(defects(&trusting(&self_signed(ends))), [("a.test".into(), expired())]);
    let client_only = self_signed(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let wrong = DefectKind::WrongPurpose { found: vec!["clientAuth".into()], wanted: "serverAuth" };
    assert_eq!(defects(&trusting(&client_only)), [("a.test".into(), wrong)]);
    let bad = DefectKind::BadSignature { issuer: "CN=a.test".into() };
    assert_eq!(defects(&find(&spoilt(&leaf), &[], &[])), [("a.test".into(), bad)]);
}

#[test]
fn a_leaf_or_intermediate_in_the_store_is_an_anchor() {
    let root = Authority::root("R");
    let inner = root.sub("I");
    let leaf = inner.leaf();
    let search = find(&leaf, &[&inner, &root], &[&inner]);
    assert_eq!(valid(&search), [["a.test", "I"]]);
    let mut pool = Pool::default();
    pool.add(Arc::clone(&inner.certificate), Source::Served);
    let store = TrustStore::of(vec![Arc::clone(&leaf), Arc::clone(&root.certificate)], "test");
    let search = super::search(&leaf, &pool, &store, &question(), &StandardJudge);
    assert_eq!(valid(&search), [vec!["a.test"], vec!["a.test", "I", "R"]]);
}

#[test]
fn expiry_is_found_at_every_level_and_hides_nothing() {
    let root = Authority::root("R");
    let inner = root.sub("I");
    assert_eq!(defects(&find(&inner.leaf_with(ends), &[&inner], &[&root])), [("a.test".into(), expired())]);
    let old = root.sub_with("I", ends);
    assert_eq!(defects(&find(&old.leaf(), &[&old], &[&root])), [("I".into(), expired())]);
    let old = Authority::root_with("R", ends);
    let inner = old.sub("I");
    let search = find(&inner.leaf(), &[&inner], &[&old]);
    assert_eq!(defects(&search), [("R".into(), expired())]);
    assert_eq!(search.chosen().unwrap().judgement.webpki, "ok");

    let inner = root.sub_with("I", begins);
    let not_before = "2027-01-01T00:00:00Z".parse().unwrap();
    let begun = DefectKind::NotYetValid { not_before };
    assert_eq!(defects(&find(&inner.leaf(), &[&inner], &[&root])), [("I".into(), begun)]);

    // Every rule is told, not the first alone.
    let leaf = root.leaf_with(|params| {
        ends(params);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let wrong = DefectKind::WrongPurpose { found: vec!["clientAuth".into()], wanted: "serverAuth" };
    assert_eq!(defects(&find(&leaf, &[], &[&root])), [("a.test".into(), expired()), ("a.test".into(), wrong)]);
}

/// Why webpki refuses the chosen path, which is valid.
fn strict(search: &PathSearch) -> String {
    let chosen = search.chosen().unwrap();
    assert!(chosen.judgement.valid && chosen.judgement.defects.is_empty(), "{chosen:?}");
    chosen.judgement.webpki.clone()
}

#[test]
fn what_rfc_5280_allows_is_valid_though_webpki_refuses_it() {
    let root = Authority::root("R");
    let ca = root.leaf_with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(strict(&find(&ca, &[], &[&root])), "a CA certificate stands where the end entity's should");
    let policies = root.leaf_with(|params| {
        let value = vec![0x30, 6, 0x30, 4, 6, 2, 0x2a, 3];
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 32], value);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    assert_eq!(strict(&find(&policies, &[], &[&root])), "a critical extension is not supported");
}

#[test]
fn a_required_policy_must_be_there() {
    let root = Authority::root("R");
    let inner = root.sub_with("I", |params| {
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 36], vec![0x30, 3, 0x80, 1, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let none_left = DefectKind::Policy(super::policy::PolicyFault::NoneLeft);
    assert_eq!(defects(&find(&inner.leaf(), &[&inner], &[&root])), [("a.test".into(), none_left.clone())]);
    let inner = root.sub("I");
    assert!(find(&inner.leaf(), &[&inner], &[&root]).any_valid());
    let policies = PolicyInputs { explicit_policy: true, ..PolicyInputs::default() };
    let explicit = Question { policies: Arc::new(policies), ..question() };
    assert_eq!(defects(&find_for(&inner.leaf(), &[&inner], &[&root], &explicit)), [("I".into(), none_left)]);
}

#[test]
fn both_ends_of_validity_are_inclusive() {
    let root = Authority::root("R");
    let leaf = root.leaf_with(ends);
    for (instant, expected) in [
        ("2026-01-01T00:00:00Z", true),
        ("2026-01-01T00:00:00.9Z", true),
        ("2026-01-01T00:00:01Z", false),
        ("1975-01-01T00:00:00Z", true),
        ("1974-12-31T23:59:59Z", false),
        ("1960-01-01T00:00:00Z", false),
    ] {
        let question = Question::new(instant.parse().unwrap(), Purpose::Server);
        let search = find_for(&leaf, &[], &[&root], &question);
        assert_eq!(search.any_valid(), expected, "{instant}: {search:?}");
        assert_eq!(search.paths[0].judgement.defects.is_empty(), expected, "{instant}");
    }
}

#[test]
fn only_cas_issue() {
    let root = Authority::root("R");
    let inner = root.sub_with("I", |params| params.is_ca = IsCa::NoCa);
    let absent = DefectKind::NotACa { basic_constraints_present: false, version: 3 };
    assert_eq!(defects(&find(&inner.leaf(), &[&inner], &[&root])), [("I".into(), absent)]);
    let inner = root.sub_with("I", |params| params.is_ca = IsCa::ExplicitNoCa);
    let present = DefectKind::NotACa { basic_constraints_present: true, version: 3 };
    assert_eq!(defects(&find(&inner.leaf(), &[&inner], &[&root])), [("I".into(), present)]);
}

#[test]
fn path_length_is_told_with_limit_and_count() {
    let root = Authority::root("R");
    let one = root.sub_with("I1", |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    assert!(find(&one.leaf(), &[&one], &[&root]).any_valid());
    let two = one.sub("I2");
    let too_long = DefectKind::PathLength { limit: 0, found: 1 };
    assert_eq!(defects(&find(&two.leaf(), &[&one, &two], &[&root])), [("I1".into(), too_long)]);
    // A new key of the CA, certified by the old one, is within its limit; webpki counts it all the same.
    let limited = root.sub_with("I", |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let rolled_over = limited.sub("I");
    let search = find(&rolled_over.leaf(), &[&limited, &rolled_over], &[&root]);
    assert_ne!(strict(&search), "ok");
    assert!(find(&rolled_over.leaf(), &[&rolled_over], &[&limited]).any_valid());
}

/// At which CA, which name and which constraint; the name must be the leaf's.
fn violations(search: &PathSearch) -> Vec<(String, String, String)> {
    let leaf = search.chosen().unwrap().certificates[0].sha256;
    let told = defects(search).into_iter().map(|(at_fault, kind)| match kind {
        DefectKind::NameConstraints { name, constraint, holder } if holder == leaf => (at_fault, name, constraint),
        other => panic!("{other:?}"),
    });
    told.collect()
}

#[test]
fn name_constraints_are_told_with_name_and_subtree() {
    let root = Authority::root("R");
    let check = |permitted_subtrees, excluded_subtrees| {
        let inner = root.sub_with("I", |params| {
            params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees });
        });
        find(&inner.leaf(), &[&inner], &[&root])
    };
    let dns = |name: &str| GeneralSubtree::DnsName(name.into());
    assert!(check(vec![dns("test")], vec![dns("b.test")]).any_valid());
    assert!(check(vec![GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([10, 0, 0, 0], 8))], vec![]).any_valid());
    let violation = |constraint: &str| {
        let name = "DNS:a.test".to_owned();
        [("I".to_owned(), name, constraint.to_owned())]
    };
    assert_eq!(
        violations(&check(vec![dns("b.test"), dns("c.test")], vec![])),
        violation("permitted DNS:b.test, DNS:c.test")
    );
    assert_eq!(violations(&check(vec![], vec![dns("test")])), violation("excluded DNS:test"));

    let mut organization = rcgen::DistinguishedName::new();
    organization.push(DnType::OrganizationName, "Elsewhere");
    let directory = GeneralSubtree::DirectoryName(organization);
    let [told] = &violations(&check(vec![directory.clone()], vec![]))[..] else { panic!() };
    let name = "DirName:CN=a.test".to_owned();
    let constraint = "permitted DirName:O=Elsewhere".to_owned();
    assert_eq!(told, &(String::from("I"), name, constraint));
    // Nothing is violated here, but webpki refuses all the same.
    assert_eq!(strict(&check(vec![], vec![directory])), "a name lies outside the nameConstraints above it");
}

#[test]
fn purposes_bind_leaf_and_cas() {
    let root = Authority::root("R");
    let mail = |params: &mut CertificateParams| {
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::EmailProtection, ExtendedKeyUsagePurpose::ClientAuth];
    };
    let wrong = || DefectKind::WrongPurpose {
        found: vec!["emailProtection".into(), "clientAuth".into()],
        wanted: "serverAuth",
    };
    let leaf = root.leaf_with(mail);
    assert_eq!(defects(&find(&leaf, &[], &[&root])), [("a.test".into(), wrong())]);
    for purpose in [Purpose::Client, Purpose::Any] {
        assert!(find_for(&leaf, &[], &[&root], &Question::new(at(), purpose)).any_valid());
    }
    let inner = root.sub_with("I", mail);
    assert_eq!(defects(&find(&inner.leaf(), &[&inner], &[&root])), [("I".into(), wrong())]);
    let server_only = root.leaf_with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let question = Question::new(at(), Purpose::Client);
    let wrong = DefectKind::WrongPurpose { found: vec!["serverAuth".into()], wanted: "clientAuth" };
    assert_eq!(defects(&find_for(&server_only, &[], &[&root], &question)), [("a.test".into(), wrong)]);
}

#[test]
fn unknown_critical_extensions_are_told_by_oid() {
    let root = Authority::root("R");
    let unknown = |params: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    let kind = || DefectKind::UnknownCriticalExtension { oid: "1.2.3.4".into() };
    assert_eq!(defects(&find(&root.leaf_with(unknown), &[], &[&root])), [("a.test".into(), kind())]);
    let inner = root.sub_with("I", unknown);
    assert_eq!(defects(&find(&inner.leaf(), &[&inner], &[&root])), [("I".into(), kind())]);
    let root = Authority::root_with("R", unknown);
    assert!(find(&root.leaf(), &[], &[&root]).any_valid(), "an anchor's extensions are not looked at");
}

#[test]
fn fewer_defects_are_nearer_and_trusted_comes_before_untrusted() {
    let (one, two) = (Authority::root("R1"), Authority::root_with("R2", ends));
    let inner = one.sub("I");
    let (by_two, unknown) = (two.cross_with(&inner, ends), Authority::root("R3").cross(&inner));
    let leaf = inner.leaf_with(ends);
    let search = find(&leaf, &[&unknown, &by_two, &inner], &[&one, &two]);
    assert_eq!(names(search.paths.iter()), [["a.test", "I", "R1"], ["a.test", "I", "R2"]]);
    assert_eq!(defects(&search), [("a.test".into(), expired())]);
    assert_eq!(search.missing, std::slice::from_ref(&unknown.certificate));
    let three = Authority::root("R3");
    let by_three = three.cross(&inner);
    let search = find(&leaf, &[&by_three, &three, &inner], &[&one]);
    assert_eq!(names(search.paths.iter()), [["a.test", "I", "R1"], ["a.test", "I", "R3"]]);
    assert!(search.paths[0].trusted && !search.paths[1].trusted);
}

#[test]
fn the_order_of_what_was_served_changes_nothing() {
    let (one, two) = (Authority::root("R1"), Authority::root("R2"));
    let inner = one.sub("I");
    let served = [
        inner.clone(),
        two.cross(&inner),
        one.sub("I"),
        one.sub_with("I", ends),
        two.cross(&one),
        Authority::root("R3").cross(&inner),
    ];
    let leaf = inner.leaf();
    let told = |order: &[usize]| {
        let served: Vec<&Authority> = order.iter().map(|place| &served[*place]).collect();
        let search = find(&leaf, &served, &[&one, &two]);
        let of_path = |path: &CertificationPath| {
            let certificates: Vec<Fingerprint> = path.certificates.iter().map(|it| it.sha256).collect();
            (certificates, path.judgement.valid, path.judgement.defects.clone(), path.judgement.webpki.clone())
        };
        (search.paths.iter().map(of_path).collect::<Vec<_>>(), search.exhausted)
    };
    let first = told(&[0, 1, 2, 3, 4, 5]);
    assert!(first.0.iter().filter(|(_, valid, ..)| *valid).count() >= 3, "{first:?}");
    // Every order of six.
    let mut orders = vec![vec![]];
    for _ in 0..served.len() {
        let longer = |order: &Vec<usize>| {
            let order = order.clone();
            let rest: Vec<usize> = (0..6).filter(|place| !order.contains(place)).collect();
            rest.into_iter().map(move |place| [order.as_slice(), &[place]].concat()).collect::<Vec<_>>()
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    assert_eq!(orders.len(), 720);
    for order in orders {
        assert_eq!(told(&order), first, "{order:?}");
    }
}
