//! Chains of made-up durations, and what is made of attempts.

use super::*;
use crate::net::HttpTimings;
use crate::revocation::Status;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn certificate(number: u8) -> Fingerprint {
    Fingerprint([number; 32])
}

fn retrieval(url: &str, took: Took, tells: bool) -> Retrieval {
    Retrieval { url: url.to_owned(), is_ocsp: url.starts_with("ocsp"), took, tells }
}

fn good(url: &str, took: f64) -> Retrieval {
    retrieval(url, Took::Complete(seconds(took)), true)
}

fn silent(url: &str) -> Retrieval {
    retrieval(url, Took::Silent, false)
}

fn inquiry(number: u8, retrievals: Vec<Retrieval>) -> Inquiry {
    Inquiry { certificate: certificate(number), retrievals, deltas: Vec::new() }
}

/// What is given up: the certificate's number, the URL, and its limit in milliseconds.
fn given_up(inquiries: &[Inquiry]) -> Vec<(u8, String, u128)> {
    let brief = |one: Abandoned| (one.certificate.0[0], one.url, one.limit.as_millis());
    abandoned(inquiries).into_iter().map(brief).collect()
}

fn one(url: &str, number: u8, limit: u128) -> Vec<(u8, String, u128)> {
    vec![(number, url.to_owned(), limit)]
}

#[test]
fn the_first_url_has_ten_seconds() {
    assert_eq!(given_up(&[inquiry(1, vec![good("crl", 10.0)])]), []);
    assert_eq!(given_up(&[inquiry(1, vec![good("crl", 10.1)])]), one("crl", 1, 10_000));
    assert_eq!(given_up(&[]), []);
    assert_eq!(given_up(&[inquiry(1, Vec::new())]), []);
}

#[test]
fn a_silent_url_takes_half_of_what_the_next_would_have() {
    assert_eq!(given_up(&[inquiry(1, vec![silent("ocsp"), good("crl", 4.9)])]), []);
    let told = abandoned(&[inquiry(1, vec![silent("ocsp"), good("crl", 5.1)])]);
    assert_eq!(
        told,
        [Abandoned {
            certificate: certificate(1),
            url: "crl".to_owned(),
            took: seconds(5.1),
            limit: seconds(5.0),
            before: vec![("ocsp".to_owned(), seconds(10.0), true)],
        }]
    );
}

#[test]
fn an_answer_in_time_ends_the_search() {
    assert_eq!(given_up(&[inquiry(1, vec![good("ocsp", 0.1), good("crl", 14.0)])]), []);
    // One that is too slow is passed over, if the next is not.
    assert_eq!(given_up(&[inquiry(1, vec![good("ocsp", 11.0), good("crl", 0.1)])]), []);
    // Of several that are too slow, the first is told.
    assert_eq!(given_up(&[inquiry(1, vec![good("ocsp", 11.0), good("crl", 5.1)])]), one("ocsp", 1, 10_000));
}

#[test]
fn a_failure_costs_its_own_time() {
    let failed = |took| retrieval("ocsp", Took::Failed(seconds(took)), false);
    assert_eq!(given_up(&[inquiry(1, vec![failed(2.0), good("crl", 9.0)])]), []);
    assert_eq!(given_up(&[inquiry(1, vec![failed(2.1), good("crl", 9.0)])]), one("crl", 1, 8_950));
    assert_eq!(given_up(&[inquiry(1, vec![failed(60.0), good("crl", 5.0)])]), []);
    // An object that tells nothing of the certificate took its time as well.
    let useless = retrieval("crl-1", Took::Complete(seconds(9.0)), false);
    assert_eq!(given_up(&[inquiry(1, vec![useless, good("crl-2", 5.6)])]), one("crl-2", 1, 5_500));
}

#[test]
fn the_chain_has_one_purse() {
    let above = inquiry(2, vec![good("crl-2", 8.0)]);
    assert_eq!(given_up(&[above.clone(), inquiry(1, vec![good("crl-1", 6.0)])]), []);
    assert_eq!(given_up(&[above.clone(), inquiry(1, vec![good("crl-1", 6.1)])]), one("crl-1", 1, 6_000));
    // What is given up above leaves less below.
    let slow = inquiry(2, vec![good("crl-2", 12.0)]);
    let both = given_up(&[slow, inquiry(1, vec![good("crl-1", 5.5)])]);
    assert_eq!(both, [one("crl-2", 2, 10_000), one("crl-1", 1, 5_000)].concat());
    // Delta CRLs are fetched after a CRL, not after OCSP.
    let with_delta = |first: &str| Inquiry { deltas: vec![good("delta", 3.0)], ..inquiry(2, vec![good(first, 8.0)]) };
    assert_eq!(given_up(&[with_delta("crl-2"), inquiry(1, vec![good("crl-1", 5.0)])]), one("crl-1", 1, 4_500));
    assert_eq!(given_up(&[with_delta("ocsp-2"), inquiry(1, vec![good("crl-1", 5.0)])]), []);
}

#[test]
fn what_was_fetched_or_found_dead_is_not_fetched_again() {
    let shared = || good("crl", 9.0);
    assert_eq!(given_up(&[inquiry(3, vec![shared()]), inquiry(2, vec![shared()]), inquiry(1, vec![shared()])]), []);
    let dead = |number| inquiry(number, vec![silent("crl-0"), good("crl", 4.0)]);
    assert_eq!(given_up(&[dead(3), dead(2), dead(1)]), []);
    // One given up once is given up for all that need it.
    let slow = |number| inquiry(number, vec![good("crl", 12.0)]);
    assert_eq!(given_up(&[slow(2), slow(1)]).len(), 2);
    // A responder is asked about each certificate.
    let asked = |number| inquiry(number, vec![good("ocsp", 5.0)]);
    assert_eq!(given_up(&[asked(3), asked(2), asked(1)]), []);
    assert_eq!(given_up(&[asked(4), asked(3), asked(2), asked(1)]).len(), 1);
}

#[test]
fn where_nothing_tells_time_is_not_the_reason() {
    let expired = retrieval("crl", Took::Complete(seconds(14.0)), false);
    assert_eq!(given_up(&[inquiry(1, vec![silent("ocsp"), expired])]), []);
}

fn attempt(method: HttpMethod, outcome: Outcome, took: f64) -> Attempt {
    Attempt {
        outcome,
        timings: HttpTimings { total: Some(seconds(took)), ..HttpTimings::default() },
        ..Attempt::blank(method, "http://a.test/".parse().unwrap(), false)
    }
}

fn endpoint(url: &str, kind: EndpointKind, number: u8, attempts: Vec<Attempt>) -> EndpointFacts {
    EndpointFacts {
        url: url.to_owned(),
        kind,
        certificates: vec![certificate(number)],
        skipped: None,
        attempts,
        content: None,
        defects: Vec::new(),
        usable: true,
    }
}

fn took_by(attempts: Vec<Attempt>) -> Took {
    took(&endpoint("x", EndpointKind::Ocsp, 1, attempts))
}

#[test]
fn times_are_of_one_try_by_the_method_that_windows_takes() {
    use HttpMethod::{Get, Post, Search};
    let complete = |took| Took::Complete(seconds(took));
    assert_eq!(took_by(vec![attempt(Post, Outcome::Ok, 12.0), attempt(Get, Outcome::Ok, 1.0)]), complete(1.0));
    assert_eq!(took_by(vec![attempt(Post, Outcome::Ok, 2.0), attempt(Get, Outcome::HttpError, 9.0)]), complete(2.0));
    assert_eq!(took_by(vec![attempt(Search, Outcome::Ok, 3.0)]), complete(3.0));
    let mut hop = attempt(Get, Outcome::Ok, 4.0);
    hop.http_status = Some(302);
    hop.redirected_to = Some("http://b.test/".parse().unwrap());
    assert_eq!(took_by(vec![hop, attempt(Get, Outcome::Ok, 3.0)]), complete(7.0));
    // The second try is not the first's fault.
    assert_eq!(took_by(vec![attempt(Get, Outcome::Timeout, 15.0), attempt(Get, Outcome::Ok, 3.0)]), complete(3.0));
    let refused = attempt(Get, Outcome::Refused, 0.1);
    assert_eq!(took_by(vec![refused.clone(), refused]), Took::Failed(seconds(0.1)));
    assert_eq!(took_by(vec![attempt(Get, Outcome::Timeout, 5.0)]), Took::Silent);
    assert_eq!(took_by(vec![attempt(Get, Outcome::Timeout, 1.0)]), Took::Failed(seconds(1.0)), "a wait cut short");
    let mut cut = attempt(Get, Outcome::Timeout, 8.0);
    cut.detail = Some("answer: no answer in 8 s when the deadline of the run came".to_owned());
    assert_eq!(took_by(vec![cut]), Took::Failed(seconds(8.0)));
    assert_eq!(took_by(Vec::new()), Took::Failed(Duration::ZERO));
}

#[test]
fn a_certificate_is_asked_about_by_ocsp_first_and_not_at_all_where_a_staple_tells() {
    let source =
        |kind, url: Option<&str>, answer| SourceAnswer { kind, url: url.map(ToOwned::to_owned), answer, dated: None };
    let status = |number, sources| CertificateStatus {
        certificate: certificate(number),
        status: Status::Good,
        sources,
        revoked_at: None,
        reason: None,
        conflict: None,
        undetermined: None,
    };
    let get = |took| vec![attempt(HttpMethod::Get, Outcome::Ok, took)];
    let endpoints = [
        endpoint("crl", EndpointKind::Crl, 1, get(2.0)),
        endpoint("unasked", EndpointKind::Crl, 1, Vec::new()),
        endpoint("issuer", EndpointKind::CaIssuers, 1, get(9.0)),
        endpoint("delta", EndpointKind::DeltaCrl, 1, get(3.0)),
        endpoint("ocsp", EndpointKind::Ocsp, 1, get(1.0)),
        endpoint("ocsp", EndpointKind::Ocsp, 2, get(1.0)),
    ];
    let asked =
        [source(SourceKind::Crl, Some("crl"), Some(Answer::Good)), source(SourceKind::Ocsp, Some("ocsp"), None)];
    let stapled = [source(SourceKind::Staple, None, Some(Answer::Good))];
    let statuses = [status(1, asked.to_vec()), status(2, stapled.to_vec())];
    let asked = inquiries(&[certificate(2), certificate(1), certificate(3)], &endpoints, &statuses);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].certificate, certificate(1));
    let brief: Vec<_> = asked[0].retrievals.iter().map(|one| (one.url.as_str(), one.is_ocsp, one.tells)).collect();
    assert_eq!(brief, [("ocsp", true, false), ("crl", false, true)]);
    assert_eq!(asked[0].deltas.len(), 1);
}
