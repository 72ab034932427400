//! What has to be open: which hosts have no address, and which ways are closed.

use super::{Sink, Weight, endpoint};
use crate::egress::{Need, Way};
use crate::finding::catalogue::{connection, endpoint as codes, machine, path};
use crate::finding::wording::{Tried, list, remedies};
use crate::finding::{About, Code, Policy};
use crate::net::{AnswerSource, Attempt, Outcome};
use crate::revocation::EndpointKind;

pub(super) fn judge(ways: &[Way], policy: &Policy, sink: &mut Sink) {
    for way in ways {
        if policy.closed_is_critical && way.is_open().is_some() {
            asked(way, sink);
        } else {
            without_address(way, sink);
        }
    }
}

/// Codes of findings about a target that tell why a list may lack something: the chain did not come, or not whole, or
/// names what nobody can open.
pub(super) fn keeps_from_listing(code: Code) -> bool {
    let endpoint = [codes::UNSUPPORTED_SCHEME, codes::INVALID_URL, codes::DENIED];
    let chain = [connection::DNS_FAILURE, connection::FAILED, connection::HANDSHAKE_FAILED, connection::NOT_TLS];
    let rest = [
        connection::STARTTLS_UNAVAILABLE,
        connection::ADDRESSES_DIFFER,
        path::NO_ISSUER,
        machine::TARGET_UNREADABLE,
        machine::STORE_UNREADABLE,
    ];
    endpoint.contains(&code) || chain.contains(&code) || rest.contains(&code)
}

/// A rule by address cannot be written for a name that has none now.
fn without_address(way: &Way, sink: &mut Sink) {
    let Some(failure) = &way.unresolved else { return };
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
    let about = About::Endpoint(first_url(way));
    sink.report(codes::UNREACHABLE, Weight::Usual, about, message, remedies(&[&tried]));
}

/// One finding for each way that is closed, whatever is asked for there; beside it those for what was answered with an
/// error, and for addresses that do not work.
fn asked(way: &Way, sink: &mut Sink) {
    let closed: Vec<&Need> = way.needs.iter().filter(|need| need.is_answered() == Some(false)).collect();
    if let Some(first) = closed.first() {
        let attempts: Vec<&Attempt> = closed.iter().flat_map(|need| &need.attempts).collect();
        let (code, what, remedy) = endpoint::failure(&first.url, kind(first), &attempts);
        let message = format!("{}: {what}", named(way));
        sink.report(code, Weight::Grave, About::Endpoint(first.url.clone()), message, remedy);
    }
    for need in way.needs.iter().filter(|need| need.is_answered() == Some(true)) {
        let attempts: Vec<&Attempt> = need.attempts.iter().collect();
        // A front page may well answer 404; an object that a certificate or a list names should be there. OCSP's
        // methods are told apart by `check`.
        let names_object = need.kind.map_or(way.place.object.is_some(), |kind| kind != EndpointKind::Ocsp);
        let delivered = need.attempts.iter().any(|attempt| attempt.outcome == Outcome::Ok);
        if names_object && !delivered {
            let (code, what, remedy) = endpoint::failure(&need.url, kind(need), &attempts);
            let message = format!("{}: {what}", need.url);
            sink.report(code, Weight::Usual, About::Endpoint(need.url.clone()), message, remedy);
        } else {
            endpoint::partial(&need.url, &attempts, sink);
        }
    }
}

fn kind(need: &Need) -> EndpointKind {
    need.kind.unwrap_or(EndpointKind::CaIssuers)
}

fn first_url(way: &Way) -> String {
    way.needs.first().map_or_else(|| way.place.to_string(), |need| need.url.clone())
}

/// `crl.example:80 (CRL of R3, caIssuers of X1)`; of a place in a list just that.
fn named(way: &Way) -> String {
    let mut uses: Vec<String> = Vec::new();
    for need in &way.needs {
        let Some(kind) = need.kind else { continue };
        let names: Vec<&str> = need.certificates.iter().map(|certificate| certificate.name.as_str()).collect();
        let text = format!("{} of {}", kind.title(), list(&names));
        if !uses.contains(&text) {
            uses.push(text);
        }
    }
    if uses.is_empty() { way.place.to_string() } else { format!("{} ({})", way.place, list(&uses)) }
}
