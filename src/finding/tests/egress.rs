//! Which ways are open, by what came over them.

use super::*;
use crate::egress::{self, Way};
use crate::revocation::Skipped;

/// Places with whether they are open, and findings with their levels.
type Told = (Vec<Open>, Vec<(&'static str, Severity)>);
type Open = (String, Option<bool>);

const HERE: &str = "192.0.2.1:80";
const THERE: &str = "192.0.2.9:80";

fn hop(url: &str, to: &str) -> Attempt {
    Attempt { http_status: Some(302), redirected_to: Some(to.parse().unwrap()), ..attempt(url, HERE, Outcome::Ok) }
}

fn ways(kind: EndpointKind, of_each: Vec<(usize, Vec<Attempt>)>) -> Vec<Way> {
    let mut examination = clean();
    let facts = of_each.into_iter().map(|(named_by, attempts)| endpoint(&examination, kind, &[named_by], attempts));
    examination.revocation.endpoints = facts.collect();
    egress::list(&[&examination])
}

/// Each place with whether it is open, and what `--probe` tells of them.
fn probed(ways: &[Way]) -> Told {
    let policy = Policy { closed_is_critical: true, ..Policy::default() };
    let open = ways.iter().map(|way| (way.place.to_string(), way.is_open())).collect();
    (open, codes(&judge_egress(&[], ways, &policy)))
}

fn crl(attempts: Vec<Attempt>) -> Told {
    probed(&ways(EndpointKind::Crl, vec![(0, attempts)]))
}

fn at(place: &str, open: bool) -> Open {
    (place.to_owned(), Some(open))
}

#[test]
fn a_redirect_proves_no_more_than_where_it_ends() {
    let page = "http://crl.example.test/login";
    let (open, told) = crl(vec![hop(CRL, page), attempt(page, HERE, Outcome::Intercepted)]);
    assert_eq!((open, told), (vec![at("crl.example.test:80", false)], vec![("endpoint.intercepted", Critical)]));
    let (open, told) = crl(vec![hop(CRL, page), attempt(page, HERE, Outcome::Timeout)]);
    assert_eq!((open, told), (vec![at("crl.example.test:80", false)], vec![("endpoint.unreachable", Critical)]));
    let elsewhere = "http://cdn.example.test/ca.crl";
    let (open, told) = crl(vec![hop(CRL, elsewhere), attempt(elsewhere, THERE, Outcome::Refused)]);
    assert_eq!(open, [at("crl.example.test:80", true), at("cdn.example.test:80", false)]);
    assert_eq!(told, [("endpoint.unreachable", Critical)]);
}

#[test]
fn a_block_page_elsewhere_is_the_first_hosts_closure_and_no_host_to_open() {
    let page = "http://block.example.test/why";
    let (open, told) = crl(vec![hop(CRL, page), attempt(page, THERE, Outcome::Intercepted)]);
    assert_eq!((open, told), (vec![at("crl.example.test:80", false)], vec![("endpoint.intercepted", Critical)]));
}

#[test]
fn an_error_is_an_answer_unless_a_block_page_stands_beside_it() {
    let refused = || Attempt { http_status: Some(405), ..attempt(OCSP, HERE, Outcome::HttpError) };
    let asked = |attempts| probed(&ways(EndpointKind::Ocsp, vec![(0, attempts)]));
    assert_eq!(asked(vec![refused()]).0, [at("ocsp.example.test:80", true)]);
    let (open, told) = asked(vec![refused(), attempt(OCSP, HERE, Outcome::Intercepted)]);
    assert_eq!((open, told), (vec![at("ocsp.example.test:80", false)], vec![("endpoint.intercepted", Critical)]));
}

#[test]
fn each_certificate_is_a_question_of_its_own_to_a_responder() {
    let answered = vec![attempt(OCSP, HERE, Outcome::Ok)];
    let hanging = vec![Attempt { detail: Some("answer: no answer".into()), ..attempt(OCSP, HERE, Outcome::Timeout) }];
    let (open, told) = probed(&ways(EndpointKind::Ocsp, vec![(0, answered), (1, hanging)]));
    assert_eq!((open, told), (vec![at("ocsp.example.test:80", false)], vec![("endpoint.unreachable", Critical)]));
}

#[test]
fn what_was_not_tested_is_not_called_open() {
    let mut examination = clean();
    let skipped = EndpointFacts {
        skipped: Some(Skipped::TooMany),
        ..endpoint(&examination, EndpointKind::Crl, &[0], Vec::new())
    };
    examination.revocation.endpoints = vec![skipped];
    let (open, told) = probed(&egress::list(&[&examination]));
    assert_eq!((open, told), (vec![("crl.example.test:80".to_owned(), None)], vec![("endpoint.unreachable", Warning)]));
}

#[test]
fn a_list_says_behind_what_there_may_be_more() {
    let closed = ways(EndpointKind::Crl, vec![(0, vec![attempt(CRL, HERE, Outcome::Timeout)])]);
    let told = judge_egress(&[], &closed, &Policy::default());
    assert_eq!(codes(&told), [("endpoint.unreachable", Info)]);
    assert!(told[0].message.contains("whether it redirects to other hosts is not known"), "{}", told[0].message);
    let open = ways(EndpointKind::Crl, vec![(0, vec![attempt(CRL, HERE, Outcome::Ok)])]);
    assert!(judge_egress(&[], &open, &Policy::default()).is_empty());
}

#[test]
fn a_targets_findings_are_told_beside_unless_they_tell_of_the_same_closed_way() {
    let policy = Policy { closed_is_critical: true, ..Policy::default() };
    let closed = ways(EndpointKind::Crl, vec![(0, vec![attempt(CRL, HERE, Outcome::Timeout)])]);
    let finding = |code: Code, about: &str| Finding {
        code,
        severity: Critical,
        about: About::Endpoint(about.to_owned()),
        message: about.to_owned(),
        remedy: String::new(),
    };
    use crate::finding::catalogue::{cert, endpoint};
    let of_target = [
        finding(endpoint::UNREACHABLE, CRL),
        finding(endpoint::INTERCEPTED, OCSP),
        finding(endpoint::PARTIAL, AIA),
        finding(cert::EXPIRED, "what is not asked here"),
    ];
    let told = codes(&judge_egress(&of_target, &closed, &policy));
    assert_eq!(
        told,
        [("endpoint.unreachable", Critical), ("endpoint.intercepted", Critical), ("endpoint.partial", Critical)]
    );
}

#[test]
fn a_place_of_a_list_that_answers_at_one_address_only_is_told() {
    let url = "http://crl.example.test/";
    let place = egress::Place::parse("crl.example.test").unwrap();
    let attempts = vec![
        Attempt { http_status: Some(404), ..attempt(url, HERE, Outcome::HttpError) },
        attempt(url, THERE, Outcome::Refused),
    ];
    let mut ways = Vec::new();
    let reached = egress::Reached { place, addresses: Vec::new(), unresolved: None, attempts };
    egress::add_reached(&mut ways, reached);
    assert_eq!(probed(&ways), (vec![at("crl.example.test:80", true)], vec![("endpoint.partial", Warning)]));
}
