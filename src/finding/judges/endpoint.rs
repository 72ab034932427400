//! `endpoint.*`: whether a URL was reached, and by what detours. One endpoint by itself.

use std::net::SocketAddr;
use std::time::Duration;

use url::Url;

use super::{Sink, Weight};
use crate::finding::catalogue::{endpoint as codes, revocation as content};
use crate::finding::tried::{Tried, outcomes, remedies, with_a_route};
use crate::finding::wording::wait;
use crate::finding::{About, Code};
use crate::net::{AnswerSource, Attempt, HttpMethod, Outcome, port_of};
use crate::revocation::{ContentDefect, EndpointFacts, EndpointKind, Skipped};

/// A directory service gives up after this; Windows gives one retrieval 15 s.
const SLOW: Duration = Duration::from_secs(12);

const DENIED_REMEDY: &str =
    "run without --deny-private if the endpoint is your own; otherwise ask the CA about this address";

/// Tells how the endpoint was reached. `is_grave` is asked only where it gave no object to judge and that is told.
pub(super) fn judge(facts: &EndpointFacts, is_grave: impl FnOnce(Code) -> bool, sink: &mut Sink) {
    let failure = match &facts.skipped {
        Some(skipped) => not_contacted(skipped),
        None => {
            uses_https(facts, sink);
            let attempts = told_here(facts);
            if attempts.is_empty() {
                return;
            }
            if delivered(facts, &attempts) {
                partial(&facts.url, &attempts, sink);
                slow(facts, &attempts, sink);
                redirected(facts, &attempts, sink);
                return;
            }
            Some(failure(&facts.url, facts.kind, &attempts))
        }
    };
    if let Some((code, what, remedy)) = failure {
        let message = format!("{}: {what}", facts.url);
        sink.report(code, Weight::grave_if(is_grave(code)), About::Endpoint(facts.url.clone()), message, remedy);
    }
}

/// `None` where it is no fault of the endpoint's: `--offline`, no issuer (which the path tells), too many URLs (which
/// the status tells).
fn not_contacted(skipped: &Skipped) -> Option<(Code, String, String)> {
    match skipped {
        Skipped::Offline | Skipped::NoIssuer | Skipped::TooMany => None,
        Skipped::UnsupportedScheme { scheme } => Some((
            codes::UNSUPPORTED_SCHEME,
            format!("{scheme} URLs are not fetched"),
            "have the CA add an http URL to the certificates it issues".to_owned(),
        )),
        Skipped::NoDirectory { scheme } => Some((
            codes::UNSUPPORTED_SCHEME,
            format!(
                "this {scheme} URL names no host: it means the reader's own directory, which only members of the CA's domain \
                 know how to find"
            ),
            "have the CA add an http URL to the certificates it issues; to see what the domain's members get, run certutil -url \
             on one of them, or ldapsearch with a domain controller's name and the URL's entry and attribute"
                .to_owned(),
        )),
        Skipped::InvalidUrl { reason } => Some((
            codes::INVALID_URL,
            format!("this is not a URL: {reason}"),
            "have the CA correct the URL in its configuration and issue the certificate anew".to_owned(),
        )),
        Skipped::Denied { address } => Some((
            codes::DENIED,
            format!("it leads to {address}, which --deny-private refuses"),
            DENIED_REMEDY.to_owned(),
        )),
    }
}

/// Without those of an OCSP method that failed while the other did not: that is `ocsp.get-failed` or `ocsp.post-failed`.
fn told_here(facts: &EndpointFacts) -> Vec<&Attempt> {
    let failed = facts.defects.iter().find_map(|defect| match defect {
        ContentDefect::GetFailed { .. } => Some(HttpMethod::Get),
        ContentDefect::PostFailed { .. } => Some(HttpMethod::Post),
        _ => None,
    });
    facts.attempts.iter().filter(|attempt| Some(attempt.method) != failed).collect()
}

/// An object came whole, whatever it holds: one that is not of its kind is `Malformed` with a status. What is no HTTP
/// or LDAP is `Malformed` too, and then no defect tells of it.
fn gave_an_object(attempt: &Attempt) -> bool {
    match attempt.outcome {
        Outcome::Ok => !attempt.is_followed(),
        Outcome::Malformed => attempt.is_answered(),
        _ => false,
    }
}

fn delivered(facts: &EndpointFacts, attempts: &[&Attempt]) -> bool {
    let gave =
        |attempt: &&Attempt| gave_an_object(attempt) && (attempt.outcome == Outcome::Ok || !facts.defects.is_empty());
    facts.content.is_some() || attempts.iter().any(gave)
}

pub(super) fn tried(attempt: &Attempt) -> Tried {
    let port = port_of(&attempt.url).unwrap_or(0);
    let connect_failed = attempt.detail.as_ref().is_none_or(|detail| detail.starts_with("connect"));
    let connected = match attempt.outcome {
        Outcome::Timeout | Outcome::Reset => !connect_failed || attempt.is_answered(),
        outcome => !(outcome.is_dns() || matches!(outcome, Outcome::Refused | Outcome::Unreachable)),
    };
    Tried {
        address: attempt.address,
        host: attempt.url.host_str().unwrap_or_default().to_owned(),
        port,
        through_proxy: attempt.through_proxy,
        outcome: attempt.outcome,
        detail: attempt.detail.clone(),
        cause: attempt.cause.clone(),
        answer_source: attempt.answer_source.clone(),
        connected,
        waited: attempt.timings.total.or(attempt.timings.connect),
        http_status: attempt.http_status,
    }
}

/// The last of each address (of each host that redirects led to), hops left out.
fn ends<'a>(attempts: &[&'a Attempt]) -> Vec<&'a Attempt> {
    let key = |attempt: &Attempt| -> (Option<SocketAddr>, Option<String>, HttpMethod, Outcome) {
        (attempt.address, attempt.url.host_str().map(ToOwned::to_owned), attempt.method, attempt.outcome)
    };
    let mut kept: Vec<&Attempt> = Vec::new();
    for attempt in attempts.iter().copied().filter(|attempt| !attempt.is_followed()) {
        match kept.iter_mut().find(|known| key(known) == key(attempt)) {
            Some(known) => *known = attempt,
            None => kept.push(attempt),
        }
    }
    if kept.is_empty() { attempts.last().copied().into_iter().collect() } else { kept }
}

/// The code of the attempt that got furthest, and the outcome of each.
pub(super) fn failure(url: &str, kind: EndpointKind, attempts: &[&Attempt]) -> (Code, String, String) {
    let ends = ends(attempts);
    let (_, code) =
        ends.iter().map(|end| ranked(kind, end)).max_by_key(|(rank, _)| *rank).unwrap_or((0, codes::UNREACHABLE));
    let all = with_a_route(ends.iter().map(|end| tried(end)).collect());
    let all: Vec<&Tried> = all.iter().collect();
    let mut what = outcomes(&all);
    if let Some(elsewhere) = ends.iter().find_map(|end| elsewhere(url, &end.url)) {
        what = format!("it redirects to {elsewhere}: {what}");
    }
    let remedy = match code {
        codes::DENIED => DENIED_REMEDY.to_owned(),
        codes::INTERCEPTED => {
            let asked: Vec<Tried> = all.iter().map(|tried| as_named(url, tried)).collect();
            remedies(&asked.iter().collect::<Vec<_>>())
        }
        _ => remedies(&all),
    };
    (code, what, remedy)
}

/// The code of one attempt that gave no object, and how far it got.
fn ranked(kind: EndpointKind, end: &Attempt) -> (u8, Code) {
    let is_crl = matches!(kind, EndpointKind::Crl | EndpointKind::DeltaCrl);
    let malformed = match kind {
        EndpointKind::Crl | EndpointKind::DeltaCrl => content::CRL_MALFORMED,
        EndpointKind::Ocsp => content::OCSP_MALFORMED,
        EndpointKind::CaIssuers => content::AIA_MALFORMED,
    };
    let answered = end.is_answered() && end.redirected_to.is_none();
    match end.outcome {
        Outcome::Intercepted => (9, codes::INTERCEPTED),
        Outcome::TooLarge if is_crl => (8, content::CRL_TOO_LARGE),
        Outcome::TooLarge => (8, codes::TOO_LARGE),
        // A body that does not decode by its own content encoding, or has one that was not asked for.
        Outcome::Malformed | Outcome::Unsupported if answered => (7, malformed),
        Outcome::Truncated => (6, codes::TRUNCATED),
        Outcome::Stalled => (5, codes::STALLED),
        Outcome::RedirectLoop => (4, codes::REDIRECT_LOOP),
        Outcome::LdapError => (3, codes::LDAP_ERROR),
        Outcome::HttpError | Outcome::Ok => (3, codes::HTTP_ERROR),
        // Behind a redirect; where the URL itself leads there, nothing is attempted.
        Outcome::Unsupported if end.denied.is_some() => (2, codes::DENIED),
        Outcome::Unsupported => (2, codes::UNSUPPORTED_SCHEME),
        _ => (1, codes::UNREACHABLE),
    }
}

/// Where a page came from behind a redirect, it is still the host of the URL that must not be intercepted.
fn as_named(url: &str, tried: &Tried) -> Tried {
    let named = Url::parse(url).ok();
    let Some(named) = named.filter(|named| named.host_str().is_some_and(|host| host != tried.host)) else {
        return tried.clone();
    };
    let host = named.host_str().unwrap_or_default().to_owned();
    let port = named.port_or_known_default().unwrap_or_default();
    Tried { host, port, address: None, answer_source: AnswerSource::Given, ..tried.clone() }
}

/// Whether the way to the endpoint is closed, rather than the object bad.
pub(super) fn is_closed(code: Code) -> bool {
    [codes::UNREACHABLE, codes::INTERCEPTED, codes::TRUNCATED, codes::STALLED].contains(&code)
}

/// The URL, if its host is another.
fn elsewhere<'a>(named: &str, reached: &'a Url) -> Option<&'a Url> {
    let named = Url::parse(named).ok()?;
    (named.host_str() != reached.host_str()).then_some(reached)
}

/// Of the addresses of one host, at each hop.
fn partial(url: &str, attempts: &[&Attempt], sink: &mut Sink) {
    let works = |attempt: &Attempt| attempt.is_followed() || gave_an_object(attempt);
    let host = |attempt: &Attempt| (attempt.url.host_str().map(ToOwned::to_owned), port_of(&attempt.url));
    let mut hosts: Vec<_> = Vec::new();
    for attempt in attempts {
        if !hosts.contains(&host(attempt)) {
            hosts.push(host(attempt));
        }
    }
    let mut lost: Vec<Tried> = Vec::new();
    for one in hosts {
        let of_host: Vec<&Attempt> = attempts.iter().copied().filter(|attempt| host(attempt) == one).collect();
        if !of_host.iter().copied().any(works) {
            continue;
        }
        let counted =
            with_a_route(of_host.iter().filter(|attempt| attempt.address.is_some()).map(|one| tried(one)).collect());
        let mut addresses: Vec<Option<SocketAddr>> = Vec::new();
        // From the end, so that the last outcome of an address is told.
        for candidate in counted.into_iter().rev() {
            let of_address = || of_host.iter().copied().filter(|attempt| attempt.address == candidate.address);
            if !addresses.contains(&candidate.address) && !of_address().any(works) {
                addresses.push(candidate.address);
                lost.push(candidate);
            }
        }
    }
    if lost.is_empty() {
        return;
    }
    lost.reverse();
    let lost: Vec<&Tried> = lost.iter().collect();
    let message = format!("{}: works, but not at every address: {}", url, outcomes(&lost));
    sink.report(codes::PARTIAL, Weight::Usual, About::Endpoint(url.to_owned()), message, remedies(&lost));
}

/// The redirects before an answer are part of the wait for it.
fn slow(facts: &EndpointFacts, attempts: &[&Attempt], sink: &mut Sink) {
    let mut slowest = Duration::ZERO;
    let mut hops = Duration::ZERO;
    for attempt in attempts {
        let total = attempt.timings.total.unwrap_or_default();
        if attempt.is_followed() {
            hops = hops.saturating_add(total);
            continue;
        }
        if attempt.outcome == Outcome::Ok {
            slowest = slowest.max(hops.saturating_add(total));
        }
        hops = Duration::ZERO;
    }
    if slowest <= SLOW {
        return;
    }
    let message = format!("{}: the answer took {}, and some clients give up after 12 s", facts.url, wait(slowest));
    let remedy =
        "have its operator make it faster; if it is fast from another network, look at the proxy in between".to_owned();
    sink.report(codes::SLOW, Weight::Usual, About::Endpoint(facts.url.clone()), message, remedy);
}

fn redirected(facts: &EndpointFacts, attempts: &[&Attempt], sink: &mut Sink) {
    let reached = attempts.iter().filter(|attempt| gave_an_object(attempt));
    let Some(elsewhere) = reached.filter_map(|attempt| elsewhere(&facts.url, &attempt.url)).next() else { return };
    let host = elsewhere.host_str().unwrap_or_default();
    let port = port_of(elsewhere).unwrap_or_default();
    let message = format!("{}: works by a redirect to {elsewhere}", facts.url);
    let remedy = format!("allow outbound TCP to {host} port {port} as well");
    sink.report(codes::REDIRECTED, Weight::Usual, About::Endpoint(facts.url.clone()), message, remedy);
}

fn uses_https(facts: &EndpointFacts, sink: &mut Sink) {
    let is_https = facts.url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    if facts.kind == EndpointKind::CaIssuers || !is_https {
        return;
    }
    let what = if facts.kind == EndpointKind::Ocsp { "OCSP responder" } else { "CRL" };
    let message = format!("{}: the {what} is named by an https URL, which can need itself to validate", facts.url);
    let remedy = "have the CA publish it over http as well and name that URL".to_owned();
    sink.report(codes::USES_HTTPS, Weight::Usual, About::Endpoint(facts.url.clone()), message, remedy);
}
