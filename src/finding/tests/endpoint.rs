use super::*;
use crate::revocation::{ContentDefect, Skipped};

fn with(kind: EndpointKind, attempts: Vec<Attempt>) -> Examination {
    let mut examination = clean();
    let facts = endpoint(&examination, kind, &[0], attempts);
    examination.revocation.endpoints.push(facts);
    examination
}

fn crl(outcomes: &[(&str, Outcome)]) -> Examination {
    with(EndpointKind::Crl, outcomes.iter().map(|(address, outcome)| attempt(CRL, address, *outcome)).collect())
}

fn facts(examination: &mut Examination) -> &mut EndpointFacts {
    &mut examination.revocation.endpoints[0]
}

#[test]
fn no_answer_is_told_by_address_with_the_rule_to_open() {
    let mut examination = crl(&[("192.0.2.80:80", Outcome::Timeout)]);
    let findings = expect(&examination, &[("endpoint.unreachable", Warning)]);
    assert_eq!(findings[0].message, format!("{CRL}: no answer from 192.0.2.80:80 within 5 s (packets dropped?)"));
    assert_eq!(
        findings[0].remedy,
        "allow outbound TCP to crl.example.test (192.0.2.80) port 80 from this host, with its replies"
    );
    leave_open(&mut examination, 0);
    expect(&examination, &[("endpoint.unreachable", Critical)]);
}

#[test]
fn every_way_to_give_no_answer_is_unreachable() {
    for outcome in [
        Outcome::DnsNxdomain,
        Outcome::DnsNoAddress,
        Outcome::DnsTimeout,
        Outcome::DnsFailure,
        Outcome::Refused,
        Outcome::Timeout,
        Outcome::Unreachable,
        Outcome::Reset,
        Outcome::Closed,
        Outcome::ProxyDenied,
        Outcome::ProxyFailure,
        Outcome::TlsAlert,
        Outcome::TlsFailure,
        Outcome::NotTls,
    ] {
        expect(&crl(&[("192.0.2.80:80", outcome)]), &[("endpoint.unreachable", Warning)]);
    }
    let mut garbage = crl(&[("192.0.2.80:80", Outcome::Malformed)]);
    facts(&mut garbage).attempts[0].http_status = None;
    expect(&garbage, &[("endpoint.unreachable", Warning)]);
    // HTTP around something that cannot be decoded, or around an object of another kind.
    facts(&mut garbage).attempts[0].http_status = Some(200);
    expect(&garbage, &[("crl.malformed", Warning)]);
    facts(&mut garbage).attempts[0].outcome = Outcome::Unsupported;
    expect(&garbage, &[("crl.malformed", Warning)]);
    facts(&mut garbage).attempts[0].outcome = Outcome::Malformed;
    facts(&mut garbage).defects = vec![ContentDefect::Malformed { reason: "text".to_owned() }];
    expect(&garbage, &[("crl.malformed", Warning)]);
}

#[test]
fn answers_that_are_no_object_have_codes_of_their_own() {
    for (outcome, code) in [
        (Outcome::HttpError, "endpoint.http-error"),
        (Outcome::LdapError, "endpoint.ldap-error"),
        (Outcome::Intercepted, "endpoint.intercepted"),
        (Outcome::Truncated, "endpoint.truncated"),
        (Outcome::RedirectLoop, "endpoint.redirect-loop"),
        (Outcome::Stalled, "endpoint.stalled"),
        (Outcome::TooLarge, "crl.too-large"),
        (Outcome::Unsupported, "endpoint.unsupported-scheme"),
    ] {
        let mut examination = crl(&[("192.0.2.80:80", outcome)]);
        expect(&examination, &[(code, Warning)]);
        assert_eq!(endpoint_status(facts(&mut examination), &[]), EndpointStatus::Failed);
        leave_open(&mut examination, 0);
        expect(&examination, &[(code, Critical)]);
    }
    let large = with(EndpointKind::Ocsp, vec![attempt(OCSP, "192.0.2.80:80", Outcome::TooLarge)]);
    expect(&large, &[("endpoint.too-large", Warning)]);
}

#[test]
fn a_directory_without_the_object_is_told_in_its_words() {
    let url = "ldap://dir.example.test/cn=x?certificateRevocationList;binary";
    let mut search = attempt(url, "192.0.2.80:389", Outcome::LdapError);
    search.method = HttpMethod::Search;
    search.ldap_result = Some(32);
    search.detail = Some("there is no such entry: noSuchObject (32)".to_owned());
    let mut examination = with(EndpointKind::Crl, vec![search]);
    facts(&mut examination).url = url.to_owned();
    let findings = expect(&examination, &[("endpoint.ldap-error", Warning)]);
    assert_eq!(
        findings[0].message,
        format!(
            "{url}: the directory at 192.0.2.80:389 answered without the object (there is no such entry: noSuchObject (32))"
        )
    );
    assert!(findings[0].remedy.contains("the directory at dir.example.test"), "{}", findings[0].remedy);
    // What came is told by its content; what is no LDAP, as no answer; and the port stands in the remedy.
    facts(&mut examination).attempts[0].outcome = Outcome::Malformed;
    facts(&mut examination).attempts[0].ldap_result = Some(0);
    facts(&mut examination).defects = vec![ContentDefect::Malformed { reason: "text".to_owned() }];
    expect(&examination, &[("crl.malformed", Warning)]);
    facts(&mut examination).defects.clear();
    facts(&mut examination).attempts[0].ldap_result = None;
    facts(&mut examination).attempts[0].http_status = None;
    expect(&examination, &[("endpoint.unreachable", Warning)]);
    facts(&mut examination).attempts[0].outcome = Outcome::Timeout;
    facts(&mut examination).attempts[0].detail = Some("connect: no answer in 5 s".to_owned());
    let findings = expect(&examination, &[("endpoint.unreachable", Warning)]);
    assert_eq!(
        findings[0].remedy,
        "allow outbound TCP to dir.example.test (192.0.2.80) port 389 from this host, with its replies"
    );
}

#[test]
fn the_answer_that_got_furthest_names_the_code_and_all_are_told() {
    let examination = crl(&[("192.0.2.80:80", Outcome::Timeout), ("192.0.2.81:80", Outcome::Intercepted)]);
    let findings = expect(&examination, &[("endpoint.intercepted", Warning)]);
    assert!(findings[0].message.contains("192.0.2.80:80") && findings[0].message.contains("192.0.2.81:80"));
    assert!(findings[0].remedy.contains("allow outbound TCP") && findings[0].remedy.contains("content filtering"));
}

#[test]
fn silence_after_the_connection_is_not_called_dropped_packets() {
    let mut examination = crl(&[("192.0.2.80:80", Outcome::Timeout)]);
    facts(&mut examination).attempts[0].detail = Some("no answer in 15 s".to_owned());
    let findings = judged(&examination);
    assert!(findings[0].message.contains("accepted the connection but sent nothing"), "{}", findings[0].message);
    facts(&mut examination).attempts[0].detail = Some("connect: no answer in 5 s".to_owned());
    assert!(judged(&examination)[0].message.contains("packets dropped?"));
}

#[test]
fn a_lost_address_beside_one_that_works_is_partial() {
    let mut examination = crl(&[("192.0.2.80:80", Outcome::Timeout), ("192.0.2.81:80", Outcome::Ok)]);
    let findings = expect(&examination, &[("endpoint.partial", Warning)]);
    assert!(findings[0].message.contains("192.0.2.80:80") && !findings[0].message.contains("192.0.2.81"));
    assert_eq!(endpoint_status(facts(&mut examination), &findings), EndpointStatus::Degraded);
    assert_eq!(endpoint_status(facts(&mut examination), &[]), EndpointStatus::Ok);
}

#[test]
fn retries_and_a_family_without_a_route_are_not_partial() {
    expect(&crl(&[("192.0.2.80:80", Outcome::Timeout), ("192.0.2.80:80", Outcome::Ok)]), &[]);
    expect(&crl(&[("[2001:db8::80]:80", Outcome::Unreachable), ("192.0.2.80:80", Outcome::Ok)]), &[]);
    let mixed = [
        ("[2001:db8::80]:80", Outcome::Unreachable),
        ("[2001:db8::81]:80", Outcome::Ok),
        ("192.0.2.80:80", Outcome::Ok),
    ];
    expect(&crl(&mixed), &[("endpoint.partial", Warning)]);
}

#[test]
fn slow_is_beyond_twelve_seconds() {
    let mut examination = crl(&[("192.0.2.80:80", Outcome::Ok)]);
    // Where another source tells, only the endpoint's own time counts.
    let responder = SourceAnswer { kind: SourceKind::Ocsp, url: Some(OCSP.to_owned()), ..answer_of(&examination) };
    examination.revocation.statuses[0].sources.push(responder);
    let asked = endpoint(&examination, EndpointKind::Ocsp, &[0], vec![quick(OCSP)]);
    examination.revocation.endpoints.push(asked);
    facts(&mut examination).attempts[0].timings.total = Some(Duration::from_secs(12));
    expect(&examination, &[]);
    facts(&mut examination).attempts[0].timings.total = Some(Duration::from_millis(12_600));
    let findings = expect(&examination, &[("endpoint.slow", Warning)]);
    assert!(findings[0].message.contains("took 12.6 s") && !findings[0].message.contains("Windows"));
    // Redirects are part of the wait.
    let mut hop = attempt(CRL, "192.0.2.80:80", Outcome::Ok);
    hop.http_status = Some(302);
    hop.redirected_to = Some(CRL.parse().unwrap());
    hop.timings.total = Some(Duration::from_secs(7));
    facts(&mut examination).attempts[0].timings.total = Some(Duration::from_secs(6));
    facts(&mut examination).attempts.insert(0, hop);
    expect(&examination, &[("endpoint.slow", Warning)]);
}

fn answer_of(examination: &Examination) -> SourceAnswer {
    examination.revocation.statuses[0].sources[0].clone()
}

fn quick(url: &str) -> Attempt {
    let mut quick = attempt(url, "192.0.2.81:80", Outcome::Ok);
    quick.timings.total = Some(Duration::from_millis(20));
    quick
}

#[test]
fn what_only_windows_would_not_wait_for_is_slow_too() {
    let mut examination = crl(&[("192.0.2.80:80", Outcome::Ok)]);
    facts(&mut examination).attempts[0].timings.total = Some(Duration::from_secs(10));
    expect(&examination, &[]);
    facts(&mut examination).attempts[0].timings.total = Some(Duration::from_millis(10_400));
    let findings = expect(&examination, &[("endpoint.slow", Warning)]);
    assert_eq!(
        findings[0].message,
        format!(
            "{CRL}: the answer took 10.4 s, but Windows clients with 20 s for the whole chain give the first URL 10 s; \
             certificate www.example.test then has no revocation status there"
        )
    );
    // Past both limits it is one fact.
    facts(&mut examination).attempts[0].timings.total = Some(Duration::from_millis(15_200));
    let findings = expect(&examination, &[("endpoint.slow", Warning)]);
    assert!(findings[0].message.contains("and none gives more than 15 s"), "{}", findings[0].message);
    // A responder that says nothing is told by itself, and what it costs the CRL behind it as well.
    let mut silent = attempt(OCSP, "192.0.2.81:80", Outcome::Timeout);
    silent.timings.total = Some(Duration::from_secs(15));
    let dead = endpoint(&examination, EndpointKind::Ocsp, &[0], vec![silent]);
    examination.revocation.endpoints.push(dead);
    facts(&mut examination).attempts[0].timings.total = Some(Duration::from_secs(4));
    expect(&examination, &[("endpoint.unreachable", Warning)]);
    facts(&mut examination).attempts[0].timings.total = Some(Duration::from_secs(6));
    let findings = expect(&examination, &[("endpoint.slow", Warning), ("endpoint.unreachable", Warning)]);
    let slow = findings.iter().find(|finding| finding.code.as_str() == "endpoint.slow").unwrap();
    assert!(
        slow.message.contains(&format!("give it 5 s, half of what is left after 10 s for {OCSP}")),
        "{}",
        slow.message
    );
    assert!(slow.remedy.contains(OCSP), "{}", slow.remedy);
    // Where the status is open anyway, time is not what is wrong.
    leave_open(&mut examination, 0);
    let told = judged(&examination);
    assert!(!told.iter().any(|finding| finding.code.as_str() == "endpoint.slow"), "{told:#?}");
}

#[test]
fn a_redirect_to_another_host_is_information_and_its_failure_names_that_host() {
    let redirected = |to: &str, outcome| {
        let mut hop = attempt(CRL, "192.0.2.80:80", Outcome::Ok);
        hop.http_status = Some(302);
        hop.redirected_to = Some(to.parse().unwrap());
        let mut examination = with(EndpointKind::Crl, vec![hop, attempt(to, "192.0.2.90:80", outcome)]);
        facts(&mut examination).usable = outcome == Outcome::Ok;
        examination
    };
    let elsewhere = "http://cdn.example.net/ca.crl";
    let findings = expect(&redirected(elsewhere, Outcome::Ok), &[("endpoint.redirected", Info)]);
    assert!(findings[0].remedy.contains("cdn.example.net port 80"));
    expect(&redirected("http://crl.example.test/other.crl", Outcome::Ok), &[]);
    let findings = expect(&redirected(elsewhere, Outcome::Timeout), &[("endpoint.unreachable", Warning)]);
    assert!(findings[0].message.contains("redirects to http://cdn.example.net/ca.crl: no answer from 192.0.2.90:80"));
    assert!(findings[0].remedy.contains("cdn.example.net (192.0.2.90)"));
}

#[test]
fn https_is_told_for_crl_and_ocsp_only() {
    for (kind, expected) in [
        (EndpointKind::Crl, &[("endpoint.uses-https", Warning)][..]),
        (EndpointKind::Ocsp, &[("endpoint.uses-https", Warning)][..]),
        (EndpointKind::CaIssuers, &[][..]),
    ] {
        let url = "https://secure.example.test/x";
        let mut examination = with(kind, vec![attempt(url, "192.0.2.80:443", Outcome::Ok)]);
        facts(&mut examination).url = url.to_owned();
        expect(&examination, expected);
    }
}

#[test]
fn what_was_not_contacted_weighs_by_what_depends_on_it() {
    for (skipped, code) in [
        (Skipped::UnsupportedScheme { scheme: "ftp".to_owned() }, "endpoint.unsupported-scheme"),
        (Skipped::NoDirectory { scheme: "ldap".to_owned() }, "endpoint.unsupported-scheme"),
        (Skipped::InvalidUrl { reason: "no scheme".to_owned() }, "endpoint.invalid-url"),
        (Skipped::Denied { address: "10.0.0.1".to_owned() }, "endpoint.denied"),
    ] {
        let mut examination = with(EndpointKind::Crl, Vec::new());
        facts(&mut examination).skipped = Some(skipped);
        let findings = expect(&examination, &[(code, Warning)]);
        assert_eq!(endpoint_status(facts(&mut examination), &findings), EndpointStatus::Skipped);
        let leaf = chain(&examination)[0].sha256;
        examination.revocation.statuses[0] = status(leaf, Status::NotChecked);
        expect(&examination, &[(code, Critical)]);
    }
}

#[test]
fn a_redirect_into_the_own_network_is_denied() {
    let mut denied = crl(&[("192.0.2.80:80", Outcome::Unsupported)]);
    facts(&mut denied).attempts[0].address = None;
    facts(&mut denied).attempts[0].denied = "10.0.0.1".parse().ok();
    expect(&denied, &[("endpoint.denied", Warning)]);
}

#[test]
fn a_method_that_fails_alone_is_told_as_that() {
    let mut post = attempt(OCSP, "192.0.2.80:80", Outcome::Ok);
    post.method = HttpMethod::Post;
    let get = attempt(OCSP, "192.0.2.80:80", Outcome::HttpError);
    let mut examination = with(EndpointKind::Ocsp, vec![post, get]);
    facts(&mut examination).defects = vec![ContentDefect::GetFailed { reason: "HTTP status 404".to_owned() }];
    expect(&examination, &[("ocsp.get-failed", Warning)]);
}

#[test]
fn one_unreachable_responder_of_two_certificates_is_one_finding() {
    let mut examination = with(EndpointKind::Ocsp, vec![attempt(OCSP, "192.0.2.80:80", Outcome::Refused)]);
    let mut second = facts(&mut examination).clone();
    second.certificates = vec![chain(&examination)[1].sha256];
    examination.revocation.endpoints.push(second);
    leave_open(&mut examination, 1);
    expect(&examination, &[("endpoint.unreachable", Critical)]);
}

#[test]
fn an_unreachable_ca_issuers_url_is_critical_only_where_the_path_needs_it() {
    let mut examination = with(EndpointKind::CaIssuers, vec![attempt(AIA, "192.0.2.80:80", Outcome::Refused)]);
    leave_open(&mut examination, 0);
    expect(&examination, &[("revocation.undetermined", Critical), ("endpoint.unreachable", Warning)]);
    let leaf = chain(&examination)[0].clone();
    examination.search.paths = vec![path(std::slice::from_ref(&leaf), false)];
    let no_issuer = DefectKind::NoIssuer { issuer: "CN=CA 1".to_owned(), ca_issuers_urls: vec![AIA.to_owned()] };
    refuse(&mut examination, false, &[(0, no_issuer)]);
    connections(&mut examination)[0].served.truncate(1);
    expect(&examination, &[("path.no-issuer", Critical), ("endpoint.unreachable", Critical)]);
}

#[test]
fn a_proxy_is_named_as_such() {
    // Its port tells nothing.
    for proxy in ["10.0.0.9:3128", "10.0.0.9:80"] {
        let mut examination = crl(&[(proxy, Outcome::Timeout)]);
        facts(&mut examination).attempts[0].through_proxy = true;
        let findings = judged(&examination);
        let place = format!("crl.example.test:80 through the proxy {proxy}");
        assert!(findings[0].message.contains(&place), "{}", findings[0].message);
        assert_eq!(findings[0].remedy, "make sure that this host reaches the proxy 10.0.0.9");
    }
    let findings = judged(&crl(&[("10.0.0.9:3128", Outcome::Timeout)]));
    assert!(!findings[0].message.contains("proxy"), "{}", findings[0].message);
}
