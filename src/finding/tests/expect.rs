//! Facts stated in advance: each that holds, that does not, and that nobody could look at.

use std::net::IpAddr;

use proptest::prelude::*;
use toml::{Table, Value};

use super::*;
use crate::acquire::AcquireError;
use crate::egress::Reached;
use crate::expect::{Expected, Observed, parse};
use crate::lab::ca::{self, KeyPurpose, Profile};
use crate::lab::key::{Key, KeyKind};
use crate::lab::offset::Offset;
use crate::x509::written::same_text;

const MISMATCH: (&str, Severity) = ("expect.mismatch", Critical);

/// The clean case, with more in its leaf that can be expected.
fn telling() -> Examination {
    let mut certificates = Certificates::new();
    certificates.leaf.subject_alt_names = Some(vec![
        GeneralName::Dns("www.example.test".to_owned()),
        GeneralName::Dns("*.example.test".to_owned()),
        GeneralName::Dns("*.xn--bcher-kva.test".to_owned()),
        GeneralName::Ip(IpAddr::from([192, 0, 2, 1])),
    ]);
    certificates.leaf.extended_key_usage = Some(vec![oid::SERVER_AUTH.to_owned()]);
    certificates.examination()
}

/// States these facts of it; every place is open and the root is there.
fn expecting(mut examination: Examination, facts: &str) -> Examination {
    let expected = Arc::new(Expected::new(parse(facts).unwrap(), "facts.toml".to_owned()));
    let open = |place: &crate::egress::Place| {
        let attempts = vec![attempt(place.url().unwrap().as_str(), "192.0.2.9:80", Outcome::HttpError)];
        Reached { place: place.clone(), addresses: Vec::new(), unresolved: None, attempts }
    };
    let endpoints = Some(expected.facts.endpoints.iter().map(open).collect());
    let root_in_store = expected.facts.root.as_ref().map(|_| true);
    examination.expected = Some(Arc::new(Observed { expected, endpoints, root_in_store }));
    examination
}

/// What was seen, to be changed.
fn seen(examination: &mut Examination) -> &mut Observed {
    Arc::get_mut(examination.expected.as_mut().unwrap()).unwrap()
}

#[test]
fn facts_that_hold_say_nothing() {
    let examination = telling();
    let root = chain(&examination)[2].clone();
    for facts in [
        "root = \"Root\"",
        "root = \"cn=root\"",
        &format!("root = \"{}\"", root.sha256),
        &format!("root = \"{}\"", crate::x509::der::hex(&root.sha1())),
        "issuer = \"CA 1\"",
        "issuer = \"CN = CA  1\"",
        "subject_common_name = \"WWW.example.test\"",
        "organizational_unit = \"\"",
        "dns_names = [\"www.example.test\", \"a.example.test\", \"192.0.2.1\", \"*.Example.test\"]",
        "dns_names = [\"*.b\u{fc}cher.test\", \"a.b\u{fc}cher.test\"]",
        "key_algorithm = \"ecdsa\"",
        "key_bits_min = 256",
        "signature_algorithm = \"ECDSA-with-SHA256\"",
        "not_after_min = \"2027-01-10T23:59:59Z\"",
        "extended_key_usage = [\"serverauth\"]",
        "tls_version_min = \"TLSv1.3\"",
        "endpoints = [\"crl.example.test\", \"ocsp.example.test:80\"]",
    ] {
        expect(&expecting(examination.clone(), facts), &[]);
    }
}

#[test]
fn each_fact_that_does_not_hold_is_one_finding_with_both_values() {
    for (facts, parts) in [
        ("root = \"Other Root\"", &["root Other Root is expected", "leads to CN=Root", "SHA-256"][..]),
        (&format!("root = \"{}\"", "0a".repeat(20)), &["root SHA-1 0a0a", "leads to CN=Root (SHA-1 "]),
        ("root = \"CN=Root,O=Org\"", &["CN=Root,O=Org is expected", "leads to CN=Root "]),
        ("issuer = \"CA 2\"", &["issuer CA 2 is expected", "it is CN=CA 1"]),
        (
            "subject_common_name = \"mx.example.test\"",
            &["subject_common_name mx.example.test", "it is www.example.test"],
        ),
        ("organization = \"Org\"", &["organization Org is expected", "there is none"]),
        ("organizational_unit = \"Unit\"", &["organizational_unit Unit is expected", "there is none"]),
        (
            "dns_names = [\"www.example.test\", \"a.b.example.test\", \"*.b.test\", \"192.0.2.2\"]",
            &["a.b.example.test, *.b.test and 192.0.2.2 are not covered", "its names are www.example.test"],
        ),
        ("key_algorithm = \"RSA\"", &["key_algorithm RSA is expected", "it is EC"]),
        ("key_bits_min = 257", &["key_bits_min 257 is expected", "its EC key has 256"]),
        ("signature_algorithm = \"sha256WithRSAEncryption\"", &["is expected", "it is ecdsa-with-SHA256"]),
        ("not_after_min = \"2027-01-11\"", &["2027-01-11T00:00:00Z is expected", "ends on 2027-01-10T23:59:59Z"]),
        (
            "extended_key_usage = [\"serverAuth\", \"clientAuth\"]",
            &["extended_key_usage serverAuth and clientAuth is expected", "lacks clientAuth (it has serverAuth)"],
        ),
    ] {
        let findings = expect(&expecting(telling(), facts), &[MISMATCH]);
        let message = &findings[0].message;
        assert!(parts.iter().all(|part| message.contains(part)), "{facts}: {message}");
        let key = facts.split(' ').next().unwrap();
        assert!(findings[0].remedy.contains(&format!("correct {key} in facts.toml")), "{}", findings[0].remedy);
    }
    let all = "root = \"A\"\nissuer = \"B\"\nkey_algorithm = \"RSA\"\nkey_bits_min = 4096";
    expect(&expecting(telling(), all), &[MISMATCH; 4]);
}

#[test]
fn an_absent_extension_names_no_purpose_and_allows_client_authentication() {
    let findings = expect(&expecting(clean(), "extended_key_usage = [\"serverAuth\"]"), &[MISMATCH]);
    assert!(findings[0].message.contains("it has no extended key usage"), "{}", findings[0].message);
    expect(&expecting(clean(), "client_auth = true"), &[]);
}

#[test]
fn client_authentication_is_asked_of_leaf_and_intermediates() {
    let findings = expect(&expecting(telling(), "client_auth = true"), &[("cert.no-client-auth", Warning)]);
    assert!(findings[0].message.contains("www.example.test") && findings[0].message.contains("serverAuth"));
    let both = || Some(vec![oid::SERVER_AUTH.to_owned(), oid::CLIENT_AUTH.to_owned()]);
    let any = || Some(vec![oid::ANY_EXTENDED_KEY_USAGE.to_owned()]);
    for (leaf, intermediate, told) in [
        (both(), None, None),
        (both(), any(), None),
        (any(), None, Some("www.example.test")),
        (both(), Some(vec![oid::SERVER_AUTH.to_owned()]), Some("CA 1")),
    ] {
        let mut certificates = Certificates::new();
        certificates.leaf.extended_key_usage = leaf;
        certificates.intermediate.extended_key_usage = intermediate;
        let findings = judged(&expecting(certificates.examination(), "client_auth = true"));
        let message = findings.first().map(|finding| finding.message.as_str());
        assert_eq!(findings.len(), usize::from(told.is_some()), "{findings:#?}");
        assert!(told.is_none_or(|name| message.unwrap().contains(name)), "{message:?}");
    }
}

#[test]
fn one_of_several_paths_may_lead_to_the_root() {
    let mut examination = telling();
    let mut cross = chain(&examination);
    cross[2] = Arc::new(certificate("Older Root", "Older Root"));
    examination.search.paths.push(path(&cross, true));
    for root in ["Root", "Older Root"] {
        let findings = judged(&expecting(examination.clone(), &format!("root = \"{root}\"")));
        assert_eq!(codes(&findings), [("path.alternatives", Info)]);
    }
    let findings = judged(&expecting(examination, "root = \"Third Root\""));
    assert!(findings[0].message.contains("CN=Root ") && findings[0].message.contains("CN=Older Root "));
}

#[test]
fn a_root_that_is_missing_here_is_the_cause_where_the_chain_leads_to_it() {
    let mut examination = expecting(telling(), "root = \"Root\"");
    seen(&mut examination).root_in_store = Some(false);
    let subject = chain(&examination)[2].subject.to_string();
    refuse(&mut examination, false, &[(2, DefectKind::UntrustedRoot { subject })]);
    let findings = expect(&examination, &[("store.root-missing", Critical), ("path.untrusted-root", Critical)]);
    assert!(findings[0].message.contains("root Root, expected by facts.toml, is not in the trust store native"));
    // Neither served nor fetched: the issuer's name tells.
    examination.search.paths[0].certificates.pop();
    let missing = DefectKind::NoIssuer { issuer: "CN=Root".to_owned(), ca_issuers_urls: Vec::new() };
    refuse(&mut examination, false, &[(1, missing)]);
    expect(&examination, &[("store.root-missing", Critical), ("path.no-issuer", Critical)]);
    // A namesake of another key in the store does not make the chain lead to it.
    seen(&mut examination).root_in_store = Some(true);
    let findings = judged(&examination);
    assert!(
        findings.iter().any(|finding| finding.message.contains("no path to a root was found: the issuer of CN=CA 1"))
    );
}

#[test]
fn a_root_that_is_missing_here_is_told_beside_a_chain_that_leads_elsewhere() {
    let mut examination = expecting(telling(), "root = \"New Root\"");
    seen(&mut examination).root_in_store = Some(false);
    expect(&examination, &[("store.root-missing", Critical), MISMATCH]);
}

#[test]
fn versions_are_those_negotiated_at_every_address() {
    let mut examination = expecting(telling(), "tls_version_min = \"1.3\"");
    connections(&mut examination)[0].tls.as_mut().unwrap().version = "TLSv1.2";
    let findings = expect(&examination, &[MISMATCH]);
    assert!(findings[0].message.ends_with("TLSv1.2 was negotiated with 192.0.2.1:443"), "{}", findings[0].message);
    expect(&expecting(examination.clone(), "tls_version_min = \"1.2\""), &[]);
    connections(&mut examination)[0].tls = None;
    let findings = expect(&examination, &[MISMATCH]);
    assert!(findings[0].message.contains("not completed, so its version is not known"), "{}", findings[0].message);
}

#[test]
fn a_file_says_nothing_of_tls() {
    let mut examination = expecting(telling(), "tls_version_min = \"1.2\"\nissuer = \"CA 1\"");
    let all = chain(&examination);
    examination.presented = Ok(in_file(&[&all[0], &all[1]]));
    let findings = expect(&examination, &[MISMATCH]);
    assert!(findings[0].message.contains("a file says nothing of TLS") && findings[0].remedy.contains("facts.toml"));
}

#[test]
fn places_have_to_answer() {
    let mut examination = expecting(telling(), "endpoints = [\"crl.example.test\", \"ocsp.example.test\"]");
    let closed = attempt("http://crl.example.test/", "192.0.2.9:80", Outcome::Timeout);
    seen(&mut examination).endpoints.as_mut().unwrap()[0].attempts = vec![closed];
    let findings = expect(&examination, &[MISMATCH]);
    assert!(findings[0].message.starts_with("endpoint crl.example.test:80 is expected to be reachable, but is not: "));
    assert!(findings[0].remedy.contains("allow outbound TCP to crl.example.test (192.0.2.9) port 80"));
    assert_eq!(findings[0].about, About::Endpoint("http://crl.example.test/".to_owned()));
}

#[test]
fn offline_places_are_not_taken_for_open() {
    let mut examination = expecting(telling(), "endpoints = [\"crl.example.test\"]\nissuer = \"CA 1\"");
    seen(&mut examination).endpoints = None;
    let findings = expect(&examination, &[MISMATCH]);
    assert!(findings[0].message.contains("crl.example.test:80") && findings[0].message.contains("--offline"));
    let mut examination = expecting(telling(), "issuer = \"CA 1\"");
    seen(&mut examination).endpoints = None;
    expect(&examination, &[]);
}

#[test]
fn without_a_certificate_no_fact_holds_and_one_finding_says_so() {
    let facts = "root = \"Root\"\nclient_auth = true\ntls_version_min = \"1.2\"\nendpoints = [\"crl.example.test\"]";
    let mut examination = expecting(telling(), facts);
    examination.presented = Ok(by_server(vec![connection("192.0.2.1:443", Outcome::Refused, Vec::new())]));
    examination.search = PathSearch::default();
    examination.revocation = RevocationFacts::default();
    let findings = expect(&examination, &[("connection.failed", Critical), MISMATCH]);
    let message = &findings[1].message;
    assert!(
        message.contains("root, client_auth and tls_version_min are expected, but could not be looked at"),
        "{message}"
    );
    // What is asked for is not the same as what was ignored.
    let policy = Policy { severities: vec![SeverityRule::parse("connection.*=ignore").unwrap()], ..Policy::default() };
    assert_eq!(Verdict::of(&judge(&examination, &policy, at())), Verdict::Critical);
    let mut examination = expecting(examination, "endpoints = [\"crl.example.test\"]");
    expect(&examination, &[("connection.failed", Critical)]);
    // Where the question could not be put at all, that is the answer.
    examination = expecting(examination, facts);
    examination.presented = Err(AcquireError::Unreadable { path: "a.pem".into(), reason: "no such file".to_owned() });
    expect(&examination, &[("target.unreadable", Severity::Unknown)]);
}

#[test]
fn facts_are_asked_of_every_chain() {
    let mut other = Certificates::new();
    other.leaf = certificate("mx.example.test", "CA 1");
    (other.leaf.not_before, other.leaf.not_after) = (at() - days(1), at() + days(80));
    let mut other = other.examination();
    let all = chain(&other);
    let served = all[..2].iter().map(|one| PresentedCertificate::Decoded(one.clone())).collect();
    let theirs = connection("192.0.2.2:443", Outcome::Ok, served);
    other.presented = Ok(by_server(vec![theirs.clone()]));
    let mut examination = expecting(telling(), "subject_common_name = \"www.example.test\"\ntls_version_min = \"1.3\"");
    connections(&mut examination).push(theirs);
    other.expected.clone_from(&examination.expected);
    examination.others = vec![other];
    let findings = judged(&examination);
    let missed: Vec<&Finding> = findings.iter().filter(|finding| finding.code.as_str() == "expect.mismatch").collect();
    assert_eq!(missed.len(), 1, "{findings:#?}");
    assert!(missed[0].message.contains("it is mx.example.test") && missed[0].remedy.contains("192.0.2.2:443"));
}

/// Everything that can be stated of a certificate, in the words of the report.
fn facts_of(leaf: &Certificate, root: &Certificate) -> Table {
    let texts = |values: Vec<String>| Value::Array(values.into_iter().map(Value::String).collect());
    let mut facts = Table::new();
    let mut state = |key: &str, value: Option<Value>| value.map(|value| facts.insert(key.to_owned(), value));
    state("root", Some(root.subject.to_string().into()));
    state("issuer", Some(leaf.issuer.to_string().into()));
    state("subject_common_name", leaf.subject.common_name().map(Into::into));
    state("organization", leaf.subject.organization().map(Into::into));
    state("organizational_unit", Some(leaf.subject.values("2.5.4.11").pop().unwrap_or_default().into()));
    let names = leaf.subject_alt_names.as_deref().unwrap_or_default().iter().filter_map(|name| match name {
        GeneralName::Dns(name) => Some(name.clone()),
        GeneralName::Ip(address) => Some(address.to_string()),
        _ => None,
    });
    let names: Vec<String> = names.collect();
    state("dns_names", (!names.is_empty()).then(|| texts(names)));
    state("key_algorithm", Some(leaf.key.algorithm_name().into()));
    state("key_bits_min", leaf.key.size_bits().map(|bits| i64::from(bits).into()));
    state("signature_algorithm", Some(leaf.signature_algorithm.name().into()));
    state("not_after_min", Some(leaf.not_after.to_string().into()));
    let purposes: Option<Vec<String>> = leaf
        .extended_key_usage
        .as_ref()
        .map(|held| held.iter().map(|oid| crate::x509::extensions::purpose_name(oid).to_owned()).collect());
    state("extended_key_usage", purposes.map(texts));
    facts
}

prop_compose! {
    /// A leaf of the lab with anything in it that facts speak of.
    fn profile()(
        subject in "[^\\s]\\PC{0,20}[^\\s]",
        organization in "[^\\s]\\PC{0,20}[^\\s]",
        units in proptest::collection::vec("[^\\s]\\PC{0,10}[^\\s]", 0..3),
        names in proptest::collection::vec("(\\*\\.)?[a-z]{1,8}\\.[a-z]{1,8}\\.test|192\\.0\\.2\\.[1-9]|2001:db8::[1-9]", 0..4),
        purposes in proptest::sample::subsequence(vec![KeyPurpose::ServerAuth, KeyPurpose::ClientAuth, KeyPurpose::CodeSigning], 0..=3),
        rsa in any::<bool>(),
        days in 1..400i64,
    ) -> Profile {
        Profile {
            organization: Some(organization),
            organizational_units: units,
            names,
            purposes,
            key: if rsa { KeyKind::Rsa2048 } else { KeyKind::P256 },
            ca: false,
            ..Profile::authority(&subject, Offset(-86_400), Offset(days * 86_400))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn facts_taken_from_a_certificate_hold_of_it_and_none_holds_when_changed(profile in profile()) {
        let key = |kind| Arc::new(Key::new(kind).unwrap());
        let (root_key, leaf_key) = (key(KeyKind::P256), key(profile.key));
        let root = Profile::authority("Root, of \"Trust\"", Offset(-86_400), Offset(4000 * 86_400));
        let leaf = ca::issue(&profile, &leaf_key, Some((root.name(), root_key.as_ref())), at()).unwrap();
        let root = ca::issue(&root, &root_key, None, at()).unwrap();
        let (leaf, root) = (leaf.certificate.unwrap(), root.certificate.unwrap());
        let mut examination = clean();
        examination.search.paths = vec![path(&[leaf.clone(), root.clone()], true)];
        let missed = |facts: &Table| -> Vec<String> {
            let findings = judged(&expecting(examination.clone(), &toml::to_string(facts).unwrap()));
            let missed = findings.into_iter().filter(|finding| finding.code.as_str() == "expect.mismatch");
            missed.map(|finding| finding.message).collect()
        };
        let facts = facts_of(&leaf, &root);
        prop_assert_eq!(missed(&facts), Vec::<String>::new());
        for (key, value) in &facts {
            let changed = match value {
                Value::String(text) => match key.as_str() {
                    "key_algorithm" => Value::from(if text == "RSA" { "EC" } else { "RSA" }),
                    "signature_algorithm" => Value::from("Ed448"),
                    "not_after_min" => Value::from((leaf.not_after + SignedDuration::from_secs(1)).to_string()),
                    _ => Value::from("something else"),
                },
                Value::Integer(bits) => Value::from(bits + 1),
                Value::Array(values) => {
                    let more = if key == "dns_names" { "other.example" } else { "timeStamping" };
                    Value::Array(values.iter().cloned().chain([Value::from(more)]).collect())
                }
                other => other.clone(),
            };
            let mut one = Table::new();
            one.insert(key.clone(), changed);
            let missed = missed(&one);
            prop_assert!(missed.len() == 1 && missed[0].contains(key.as_str()), "{}: {:?}", key, missed);
        }
        prop_assert!(same_text(&leaf.subject.common_name().unwrap(), &profile.subject));
    }
}
