//! What has to be open: which hosts have no address, which ways are closed, and what was not tested.

use std::net::SocketAddr;

use super::{Sink, Weight, endpoint};
use crate::egress::{self, Need, Way};
use crate::finding::catalogue::{cert, connection, endpoint as codes, machine, path, revocation};
use crate::finding::tried::{Tried, outcomes, remedies, with_a_route};
use crate::finding::wording::list;
use crate::finding::{About, Code, Policy};
use crate::net::{AnswerSource, Attempt, Outcome};
use crate::revocation::EndpointKind;

/// What is told depends on the question: with [`Policy::closed_is_critical`] whether everything is open, else whether
/// the list is complete.
pub(super) fn judge(ways: &[Way], policy: &Policy, sink: &mut Sink) {
    for way in ways {
        let listed = way.needs.iter().any(|need| need.kind.is_none());
        if policy.closed_is_critical || listed {
            tested(way, sink);
        } else {
            listed_only(way, sink);
        }
    }
}

/// Whether a finding about a target tells why a list may lack something: the chain did not come, or not whole, or names
/// what nobody can open.
pub(super) fn keeps_from_listing(code: Code) -> bool {
    let endpoint = [codes::UNSUPPORTED_SCHEME, codes::INVALID_URL, codes::DENIED];
    let chain = [connection::DNS_FAILURE, connection::FAILED, connection::HANDSHAKE_FAILED, connection::NOT_TLS];
    let rest = [
        connection::STARTTLS_UNAVAILABLE,
        connection::CLIENT_CERTIFICATE_REQUIRED,
        connection::ADDRESSES_DIFFER,
        cert::MALFORMED,
        path::NO_ISSUER,
        path::TOO_COMPLEX,
        machine::TARGET_UNREADABLE,
        machine::STORE_UNREADABLE,
    ];
    endpoint.contains(&code) || chain.contains(&code) || rest.contains(&code)
}

/// Whether a finding about a target's endpoint tells how the way to it is, or that something else came than the object,
/// as filters send it.
pub(super) fn is_about_a_way(code: Code) -> bool {
    let garbled = [revocation::CRL_MALFORMED, revocation::OCSP_MALFORMED, revocation::AIA_MALFORMED];
    let methods = [revocation::OCSP_GET_FAILED, revocation::OCSP_POST_FAILED, revocation::CRL_TOO_LARGE];
    code.group() == "endpoint" || garbled.contains(&code) || methods.contains(&code)
}

/// The URLs, as certificates have them, whose way is closed: told once for each host.
pub(super) fn closed_urls(ways: &[Way]) -> impl Iterator<Item = &str> {
    let needs = ways.iter().flat_map(|way| &way.needs);
    needs.filter(|need| need.is_answered() == Some(false)).map(|need| need.named.as_str())
}

/// The list is what was asked for: a rule by address cannot be written for a name that has none now, and behind what does
/// not answer there may be more.
fn listed_only(way: &Way, sink: &mut Sink) {
    if let Some(failure) = &way.unresolved {
        let tried = Tried {
            address: None,
            host: way.place.host.unbracketed(),
            port: way.place.port,
            through_proxy: false,
            outcome: failure.outcome,
            detail: failure.detail.clone(),
            cause: failure.cause.clone(),
            answer_source: AnswerSource::Given,
            connected: false,
            waited: Some(failure.elapsed),
            http_status: None,
        };
        let message = format!("{}: {}, so a rule by address lacks it", named(way), tried.words());
        sink.report(codes::UNREACHABLE, Weight::Usual, about(way), message, remedies(&[&tried]));
    } else if let Some((_, what, _)) = failure(way) {
        let message = format!("{}: {what}; whether it redirects to other hosts is not known", named(way));
        let remedy = "open what is on the list, then make it anew: it may grow by what those hosts lead to".to_owned();
        sink.report(codes::UNREACHABLE, Weight::Information, about(way), message, remedy);
    }
}

/// One finding for each way that is closed, whatever is asked for there; beside it what was not tested at all, and for
/// places of a list what `check` tells of endpoints.
fn tested(way: &Way, sink: &mut Sink) {
    if let Some((code, what, remedy)) = failure(way) {
        let message = format!("{}: {what}", named(way));
        sink.report(code, Weight::Grave, about(way), message, remedy);
    }
    if let Some((need, why)) = way.needs.iter().find_map(|need| Some((need, need.untested?))) {
        let message = format!("{}: {} was not tested: {why}", named(way), need.url);
        let remedy = "test it by itself: list it in a file for endpoints --from-list".to_owned();
        sink.report(codes::UNREACHABLE, Weight::Usual, About::Endpoint(need.named.clone()), message, remedy);
    }
    for need in way.needs.iter().filter(|need| need.kind.is_none() && need.is_answered() == Some(true)) {
        let attempts: Vec<&Attempt> = need.attempts.iter().collect();
        let delivered = need.attempts.iter().any(|attempt| attempt.outcome == Outcome::Ok);
        if need.names_object && !delivered {
            let (code, what, remedy) = endpoint::failure(&need.url, EndpointKind::CaIssuers, &attempts);
            let message = format!("{}: {what}", need.url);
            sink.report(code, Weight::Usual, About::Endpoint(need.url.clone()), message, remedy);
        }
        partial(&need.url, &need.attempts, sink);
    }
}

/// What is wrong with a closed way: the code of the attempt that got furthest, and what became of each.
fn failure(way: &Way) -> Option<(Code, String, String)> {
    let closed: Vec<&Need> = way.needs.iter().filter(|need| need.is_answered() == Some(false)).collect();
    let first = closed.first()?;
    let attempts: Vec<&Attempt> = closed.iter().flat_map(|need| &need.attempts).collect();
    Some(endpoint::failure(&first.named, first.kind.unwrap_or(EndpointKind::CaIssuers), &attempts))
}

/// Of a place in a list: some of its addresses answer, and some do not.
pub(super) fn partial(url: &str, attempts: &[Attempt], sink: &mut Sink) {
    let answers = |address: SocketAddr| {
        let mut of_it = attempts.iter().filter(|attempt| attempt.address == Some(address));
        of_it.any(|attempt| egress::is_answer(attempt) || attempt.is_followed())
    };
    let all = attempts.iter().filter(|attempt| attempt.address.is_some()).map(endpoint::tried).collect();
    let lost: Vec<Tried> =
        with_a_route(all).into_iter().filter(|tried| tried.address.is_some_and(|address| !answers(address))).collect();
    if lost.is_empty() {
        return;
    }
    let lost: Vec<&Tried> = lost.iter().collect();
    let message = format!("{url}: open, but not at every address: {}", outcomes(&lost));
    sink.report(codes::PARTIAL, Weight::Usual, About::Endpoint(url.to_owned()), message, remedies(&lost));
}

fn about(way: &Way) -> About {
    let closed = way.needs.iter().find(|need| need.is_answered() == Some(false)).or(way.needs.first());
    About::Endpoint(closed.map_or_else(|| way.place.to_string(), |need| need.named.clone()))
}

/// `crl.example:80 (CRL of R3, caIssuers of X1)`; of a place in a list just that.
fn named(way: &Way) -> String {
    let uses = way.uses();
    let uses: Vec<String> = uses.iter().map(|(kind, names)| format!("{} of {}", kind.title(), list(names))).collect();
    if uses.is_empty() { way.place.to_string() } else { format!("{} ({})", way.place, list(&uses)) }
}
