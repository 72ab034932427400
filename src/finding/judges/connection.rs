//! `connection.*`: reaching the target.

use std::net::SocketAddr;

use super::{Case, Sink, Weight, legacy};
use crate::acquire::{ClientCertificate, Connection, Presented, StarttlsRefusal};
use crate::finding::tried::{Tried, outcomes, remedies, with_a_route};
use crate::finding::wording::{list, when};
use crate::finding::{About, Code, catalogue::connection as codes};
use crate::net::{AnswerSource, Outcome, Resolution};
use crate::target::{Opening, Scheme, Target};
use crate::x509::Fingerprint;

/// What was reached, or not, of a target.
pub(super) struct Reached<'a> {
    /// The target as the report names it.
    pub(super) target: &'a str,
    /// The same, with the address where it is about one of several.
    pub(super) place: &'a str,
    pub(super) resolution: Option<&'a Resolution>,
    pub(super) connections: &'a [Connection],
}

pub(super) fn judge(case: &Case<'_>, sink: &mut Sink) {
    if let Presented::ByServer { resolution, connections, .. } = case.presented {
        let resolution = resolution.as_ref();
        judge_reached(&Reached { target: &case.examination.target, place: &case.place, resolution, connections }, sink);
    }
}

pub(super) fn judge_reached(case: &Reached<'_>, sink: &mut Sink) {
    let &Reached { resolution, connections, .. } = case;
    let place = host_and_port(case.target);
    let made = by_address(connections);
    if let Some(tried) = name_failure(place, resolution, connections) {
        let message = format!("{}: {}", case.place, tried.words());
        sink.report(codes::DNS_FAILURE, Weight::Usual, About::Target, message, remedies(&[&tried]));
        return;
    }
    client_certificate(&made, sink);
    legacy::judge(&made, sink);
    differing(&made, case, sink);
    let (working, failing): (Vec<&Connection>, Vec<&Connection>) = made.into_iter().partition(|made| works(made));
    if working.is_empty() {
        nothing_works(place, &failing, case, sink);
    } else {
        partly(place, &working, &failing, case, sink);
    }
}

/// Host and port in a target's report form, `scheme://host:port`. The name that was checked may be another
/// (`--servername`).
fn host_and_port(target: &str) -> (&str, u16) {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    rest.rsplit_once(':').map_or((rest, 0), |(host, port)| (host, port.parse().unwrap_or(0)))
}

/// How the target is spoken to.
fn scheme(target: &str) -> Scheme {
    match Target::parse(target, |_| false) {
        Ok(Target::Server(server)) => server.scheme,
        _ => Scheme::Tls,
    }
}

/// It served something to judge: whole, or ended only over a client certificate.
fn works(connection: &Connection) -> bool {
    let through = connection.outcome == Outcome::Ok || connection.client_certificate == ClientCertificate::Required;
    through && !connection.served.is_empty()
}

/// Each address once: the connection to it that worked, else the last.
fn by_address(connections: &[Connection]) -> Vec<&Connection> {
    let mut kept: Vec<&Connection> = Vec::new();
    for connection in connections {
        match kept.iter_mut().find(|known| known.address.is_some() && known.address == connection.address) {
            Some(known) if !works(known) => *known = connection,
            Some(_) => {}
            None => kept.push(connection),
        }
    }
    kept
}

fn tried((host, port): (&str, u16), connection: &Connection) -> Tried {
    let Connection { timings, .. } = connection;
    Tried {
        address: connection.address,
        host: host.to_owned(),
        // `--connect` can name another; a proxy has its own.
        port: connection.address.filter(|_| !connection.through_proxy).map_or(port, |address| address.port()),
        through_proxy: connection.through_proxy,
        outcome: connection.outcome,
        detail: connection.detail.clone(),
        cause: connection.cause.clone(),
        answer_source: connection.answer_source.clone(),
        connected: connection.connected,
        waited: if connection.connected { timings.handshake.or(timings.starttls) } else { timings.connect },
        http_status: None,
    }
}

/// The name gave no address. A proxy resolves names by itself, so its failures are none of the name's.
fn name_failure(place: (&str, u16), resolution: Option<&Resolution>, connections: &[Connection]) -> Option<Tried> {
    if let Some(connection) = connections.iter().find(|made| made.outcome.is_dns() && !made.through_proxy) {
        let others = connections.iter().any(|made| !made.outcome.is_dns());
        return (!others).then(|| tried(place, connection));
    }
    let resolution = resolution.filter(|resolution| resolution.addresses.is_empty() && connections.is_empty())?;
    let failure = resolution.failure.as_ref();
    Some(Tried {
        address: None,
        host: place.0.to_owned(),
        port: place.1,
        through_proxy: false,
        outcome: failure.map_or(Outcome::DnsNoAddress, |failure| failure.outcome),
        detail: failure.and_then(|failure| failure.detail.clone()),
        cause: failure.and_then(|failure| failure.cause.clone()),
        answer_source: AnswerSource::Given,
        connected: false,
        waited: resolution.elapsed,
        http_status: None,
    })
}

fn about(address: Option<SocketAddr>) -> About {
    address.map_or(About::Target, |address| About::Connection(address.to_string()))
}

fn client_certificate(made: &[&Connection], sink: &mut Sink) {
    for connection in made.iter().filter(|made| made.client_certificate == ClientCertificate::Required) {
        let place = connection.address.map_or_else(|| "the server".to_owned(), |address| address.to_string());
        let reason = connection.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        let message = format!("{place} demands a client certificate and ended the connection over it{reason}");
        let remedy =
            "give the certificate and key that the server accepts with --client-cert and --client-key".to_owned();
        sink.report(codes::CLIENT_CERTIFICATE_REQUIRED, Weight::Usual, about(connection.address), message, remedy);
    }
}

/// Different chains behind one name.
fn differing(made: &[&Connection], case: &Reached<'_>, sink: &mut Sink) {
    let fingerprints = |made: &Connection| -> Vec<Fingerprint> {
        made.served.iter().map(|certificate| certificate.sha256()).collect()
    };
    let mut chains: Vec<(Vec<Fingerprint>, &Connection, Vec<String>)> = Vec::new();
    for connection in made.iter().filter(|made| !made.served.is_empty()) {
        let chain = fingerprints(connection);
        let place = connection.address.map_or_else(|| "the proxy".to_owned(), |address| address.to_string());
        match chains.iter_mut().find(|(known, _, _)| *known == chain) {
            Some((_, _, places)) => places.push(place),
            None => chains.push((chain, connection, vec![place])),
        }
    }
    let Some((first, _, _)) = chains.first().filter(|_| chains.len() > 1) else { return };
    let same_leaf = chains.iter().all(|(chain, _, _)| chain.first() == first.first());
    let described: Vec<String> =
        chains.iter().map(|(_, made, places)| format!("{} serves {}", list(places), summary(made))).collect();
    let what = if same_leaf { "the same certificate with different intermediates" } else { "different certificates" };
    let message = format!("{}: addresses of one name serve {what}: {}", case.place, described.join("; "));
    let remedy =
        "deploy the same certificate and chain on every node, then check again with --all-addresses".to_owned();
    sink.report(codes::ADDRESSES_DIFFER, Weight::Usual, About::Target, message, remedy);
}

/// The leaf and how many follow it.
fn summary(connection: &Connection) -> String {
    let leaf = match connection.served.first().map(|leaf| (leaf.decoded(), leaf.sha256())) {
        Some((Some(leaf), _)) => {
            format!("{} until {} (serial {})", leaf.subject.short(), when(leaf.not_after), leaf.serial)
        }
        Some((None, sha256)) => format!("a certificate that does not decode ({sha256})"),
        None => "nothing".to_owned(),
    };
    match connection.served.len() {
        0 | 1 => format!("{leaf} alone"),
        2 => format!("{leaf} and 1 more certificate"),
        all => format!("{leaf} and {} more certificates", all.saturating_sub(1)),
    }
}

fn partly(place: (&str, u16), working: &[&Connection], failing: &[&Connection], case: &Reached<'_>, sink: &mut Sink) {
    let all = working.iter().chain(failing).map(|made| tried(place, made)).collect();
    let counted = with_a_route(all);
    let lost: Vec<&Tried> = counted
        .iter()
        .filter(|tried| failing.iter().any(|made| made.address.is_some() && made.address == tried.address))
        .collect();
    if lost.is_empty() {
        return;
    }
    let message =
        format!("{}: {} of {} addresses tried do not work: {}", case.place, lost.len(), counted.len(), outcomes(&lost));
    sink.report(codes::PARTIAL, Weight::Usual, About::Target, message, remedies(&lost));
}

/// Addresses that do not work, beside others that were found to do by other means than a whole handshake.
pub(super) fn judge_partly(case: &Reached<'_>, working: &[&Connection], sink: &mut Sink) {
    partly(host_and_port(case.target), working, &by_address(case.connections), case, sink);
}

/// One finding for each way to fail that got furthest; addresses that were not even connected to are told with it.
fn nothing_works(place: (&str, u16), failing: &[&Connection], case: &Reached<'_>, sink: &mut Sink) {
    let unconnected = failing.iter().filter(|made| !made.connected).map(|made| tried(place, made)).collect();
    let unconnected: Vec<Tried> = with_a_route(unconnected);
    let unconnected: Vec<&Tried> = unconnected.iter().collect();
    let mut groups: Vec<(Code, Vec<&Connection>)> = Vec::new();
    for made in failing.iter().copied().filter(|made| made.connected || made.outcome == Outcome::Ok) {
        let Some(code) = failure_code(made) else { continue };
        match groups.iter_mut().find(|(known, _)| *known == code) {
            Some((_, of_code)) => of_code.push(made),
            None => groups.push((code, vec![made])),
        }
    }
    let required = failing.iter().any(|made| made.client_certificate == ClientCertificate::Required);
    if groups.is_empty() && (!required || !unconnected.is_empty()) {
        let (message, remedy) = if unconnected.is_empty() {
            (
                "no connection was made".to_owned(),
                "check the target and the options that say where to connect".to_owned(),
            )
        } else {
            (outcomes(&unconnected), remedies(&unconnected))
        };
        let message = format!("{}: {message}", case.target);
        sink.report(codes::FAILED, Weight::Usual, About::Target, message, remedy);
        return;
    }
    let scheme = scheme(case.target);
    for (code, of_code) in &groups {
        let all: Vec<Tried> = of_code.iter().map(|made| tried(place, made)).collect();
        let all: Vec<&Tried> = all.iter().collect();
        let mut message =
            format!("{}: {}", case.place, of_code.first().map_or_else(String::new, |made| told(scheme, made, &all)));
        if !unconnected.is_empty() {
            message = format!("{message}; besides, {}", outcomes(&unconnected));
        }
        let about = match of_code.as_slice() {
            [only] => about(only.address),
            _ => About::Target,
        };
        let remedy = of_code.first().map_or_else(String::new, |made| remedy(scheme, *code, made, &all));
        sink.report(*code, Weight::Usual, about, message, remedy);
    }
}

/// `None` where another finding tells it.
fn failure_code(made: &Connection) -> Option<Code> {
    match made.outcome {
        _ if made.starttls_refusal.is_some() => Some(codes::STARTTLS_UNAVAILABLE),
        Outcome::StarttlsRefused => Some(codes::STARTTLS_UNAVAILABLE),
        _ if made.client_certificate == ClientCertificate::Required => {
            made.served.is_empty().then_some(codes::HANDSHAKE_FAILED)
        }
        Outcome::NotTls => Some(codes::NOT_TLS),
        _ => Some(codes::HANDSHAKE_FAILED),
    }
}

fn told(scheme: Scheme, made: &Connection, all: &[&Tried]) -> String {
    let place = made.address.map_or_else(|| "the server".to_owned(), |address| address.to_string());
    let request = request(scheme);
    match &made.starttls_refusal {
        Some(StarttlsRefusal::NotOffered) => {
            let detail = made.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("{place} does not offer {request}{detail}")
        }
        Some(StarttlsRefusal::Refused(answer)) => format!("{place} refused {request}: {answer}"),
        Some(StarttlsRefusal::Masked(seen)) => {
            format!("{place} does not offer {request}, and a middlebox rewrites what it says: {seen}")
        }
        None if made.outcome == Outcome::Ok => format!("{place} completed the handshake without a certificate"),
        None => match legacy::aside(made) {
            Some(aside) => format!("{}; {aside}", outcomes(all)),
            None => outcomes(all),
        },
    }
}

/// What asks for TLS.
fn request(scheme: Scheme) -> &'static str {
    match scheme.opening() {
        Opening::OnRequest { request, .. } => request,
        Opening::AtOnce => "TLS",
    }
}

fn remedy(scheme: Scheme, code: Code, made: &Connection, all: &[&Tried]) -> String {
    if all.iter().any(|tried| tried.false_answer().is_some()) {
        return remedies(all);
    }
    let request = request(scheme);
    match (&made.starttls_refusal, code) {
        (Some(StarttlsRefusal::Masked(_)), _) => {
            // Where a product is known that does this.
            let product = match scheme.protocol() {
                "SMTP" => " (Cisco's \"inspect esmtp\", for one)",
                "FTP" => " (Cisco's \"inspect ftp\" with \"mask-banner\", for one)",
                _ => "",
            };
            format!("have the firewall in between stop rewriting {}{product} for this server", scheme.protocol())
        }
        (Some(StarttlsRefusal::Refused(_)), _) => format!(
            "have the server's operator look up in its log why it refuses {request}, and check that it has a certificate and \
             key that it can use"
        ),
        (_, codes::STARTTLS_UNAVAILABLE) => {
            format!("have the server's operator switch {request} on and give it a certificate")
        }
        (_, codes::NOT_TLS) => format!(
            "check scheme and port of the target ({}); if they are right, have the server's operator switch TLS on for this port",
            alternatives(scheme)
        ),
        _ if made.plain.is_some() => legacy::remedy_aside(made).unwrap_or_default(),
        _ if matches!(made.outcome, Outcome::TlsAlert | Outcome::TlsFailure | Outcome::Ok) => {
            "have the server's operator look up this failure in its log and enable TLS 1.2 or 1.3 with current cipher suites; \
             --servername sends another name"
                .to_owned()
        }
        _ => match (made.outcome, scheme.opening()) {
            // Server and client both wait for the other to begin.
            (Outcome::Timeout, Opening::OnRequest { .. }) => {
                format!(
                    "check scheme and port of the target ({}); if they are right, {}",
                    alternatives(scheme),
                    remedies(all)
                )
            }
            // What a server may do that expects a ClientHello and gets something else.
            (Outcome::Reset | Outcome::Closed, Opening::OnRequest { .. }) => {
                format!("{}; besides, {}", remedies(all), alternatives(scheme))
            }
            _ => remedies(all),
        },
    }
}

/// Which other schemes there are for what may stand at the port.
fn alternatives(scheme: Scheme) -> String {
    match scheme.opening() {
        Opening::OnRequest { at_once, .. } => format!("{}:// is for a port that speaks TLS at once", at_once.name()),
        Opening::AtOnce => {
            let of_its_protocol = scheme.on_request().filter(|_| scheme != Scheme::Tls);
            let names: Vec<String> = of_its_protocol.map(|scheme| format!("{}://", scheme.name())).collect();
            if names.is_empty() {
                "a port that begins in plain text wants the scheme of its protocol, such as smtp:// or imap://"
                    .to_owned()
            } else {
                format!("a port that begins in plain text wants {}", names.join(" or "))
            }
        }
    }
}
