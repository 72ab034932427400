//! Known clients: each whose versions and suites leave it open is stood in for by sending its very hello.

use futures_util::future::join_all;

use super::prober::{Prober, Reply};
use super::{ClientResult, Readiness, VersionFacts};
use crate::acquire::PresentedCertificate;
use crate::acquire::hello::random;
use crate::clients::{Answer, Chosen, Client, Presented, Refusal, ServerFacts, all, decide, outcome};
use crate::handshake::{ClientHello, Flight, ServerHello, Version};
use crate::net::Outcome;
use crate::path::hostname::{self, NameCheck};
use crate::target::Host;
use crate::x509::Certificate;

/// Every known client, or those named.
pub(super) async fn ask(prober: &Prober<'_>, readiness: &Readiness, names: Option<&[String]>) -> Vec<ClientResult> {
    if names.is_some_and(<[String]>::is_empty) {
        // The data need not even be read.
        return Vec::new();
    }
    let wanted = |client: &&Client| names.is_none_or(|names| names.contains(&client.name));
    let facts = facts(readiness);
    let random = random();
    let name = match prober.door.server_name() {
        Host::Name(name) => Some(name.as_str()),
        Host::Address(_) => None,
    };
    // Several clients send the same hello: it is asked once.
    let mut hellos: Vec<ClientHello> = Vec::new();
    let questions: Vec<(&'static Client, Result<usize, Refusal>)> = all()
        .iter()
        .filter(wanted)
        .map(|client| {
            let question = match decide(client, &facts) {
                Some(refusal) => Err(refusal),
                None => {
                    let hello = client.hello(name, random);
                    Ok(hellos.iter().position(|known| *known == hello).unwrap_or_else(|| {
                        hellos.push(hello);
                        hellos.len().saturating_sub(1)
                    }))
                }
            };
            (client, question)
        })
        .collect();
    let replies = join_all(hellos.iter().map(|hello| prober.ask(hello))).await;
    let replies = made_sure(prober, &hellos, replies).await;
    questions
        .into_iter()
        .map(|(client, question)| match question.map(|place| replies.get(place)) {
            Ok(Some(Ok(reply))) => answered(client, reply, readiness, &facts, prober.door.server_name()),
            Ok(Some(Err(NotSure(how)))) => ClientResult {
                reason: Some(format!("{how}, as the server also does with what it answers at other times")),
                ..unknown(client)
            },
            // Every question has its reply.
            Ok(None) => unknown(client),
            Err(refusal) => {
                ClientResult { connects: Some(false), reason: Some(refusal.to_string()), ..unknown(client) }
            }
        })
        .collect()
}

/// What ended a connection, and may be chance, or a limit on connections.
struct NotSure(String);

/// Asks again what was not answered, and what was cut, this one after the other: a server that limits connections is no
/// answer to a client.
async fn made_sure(prober: &Prober<'_>, hellos: &[ClientHello], replies: Vec<Reply>) -> Vec<Result<Reply, NotSure>> {
    let is_cut =
        |reply: &Reply| reply.is_cut() || matches!(reply, Reply::Unopened(to) if to.outcome != Outcome::Timeout);
    let is_silence = |reply: &Reply| matches!(reply, Reply::Ended(ended) if ended.outcome == Outcome::Timeout);
    // Silence costs its wait each time, so it is asked about at the same time.
    let again = hellos.iter().zip(replies).map(|(hello, reply)| async move {
        if !is_silence(&reply) {
            return Ok(reply);
        }
        let how = NotSure(reply.in_words());
        prober.make_sure(hello, reply).await.ok_or(how)
    });
    let mut sure: Vec<Result<Reply, NotSure>> = join_all(again).await;
    loop {
        let rounds = prober.rounds();
        for (hello, place) in hellos.iter().zip(&mut sure) {
            let how = match place {
                Ok(reply) if is_cut(reply) => NotSure(reply.in_words()),
                _ => continue,
            };
            let Ok(reply) = std::mem::replace(place, Err(NotSure(String::new()))) else { continue };
            *place = prober.make_sure(hello, reply).await.ok_or(how);
        }
        // Where a cut turned out to be chance, those that were made sure of before want more.
        if prober.rounds() == rounds {
            return sure;
        }
    }
}

/// What is known of the server; where a version could not be asked, nothing is concluded from versions.
fn facts(readiness: &Readiness) -> ServerFacts {
    let all_known = readiness.versions.iter().all(|facts| facts.support.known().is_some());
    // A server that breaks off instead of settling on what it has is known by its answer alone.
    let settles = readiness.intolerances.is_empty();
    let whole = |facts: &&VersionFacts| facts.cut_short.is_none();
    ServerFacts {
        versions: (all_known && settles).then(|| readiness.accepted().map(|facts| facts.version).collect()),
        cipher_suites: readiness
            .accepted()
            .filter(whole)
            .filter(|facts| facts.version > Version::Ssl2)
            .map(|facts| (facts.version, facts.suites.iter().map(|accepted| accepted.suite).collect()))
            .collect(),
    }
}

fn unknown(client: &Client) -> ClientResult {
    ClientResult {
        name: client.name.clone(),
        title: client.title.clone(),
        connects: None,
        version: None,
        cipher_suite: None,
        group: None,
        reason: None,
    }
}

fn answered(
    client: &'static Client,
    reply: &Reply,
    readiness: &Readiness,
    facts: &ServerFacts,
    server_name: &Host,
) -> ClientResult {
    let answer = match reply {
        Reply::Hello(hello) => Answer::Settled(chosen(&hello.0, &hello.1, readiness, server_name)),
        Reply::Alert(alert) => Answer::Alert(*alert),
        reply if reply.is_cut() => Answer::Closed,
        // It has been made sure of.
        Reply::Ended(ended) if ended.outcome == Outcome::Timeout => Answer::Silent,
        reply => return ClientResult { reason: Some(reply.in_words()), ..unknown(client) },
    };
    let outcome = outcome(client, &answer, facts);
    ClientResult {
        connects: Some(outcome.connects()),
        version: outcome.version,
        cipher_suite: outcome.cipher_suite,
        group: outcome.group,
        reason: outcome.refusal.as_ref().map(ToString::to_string),
        ..unknown(client)
    }
}

/// What the server settled on. TLS 1.3 encrypts the chain; where there is but one, it is that.
fn chosen(hello: &ServerHello, flight: &Flight, readiness: &Readiness, server_name: &Host) -> Chosen {
    let exchange = flight.key_exchange.clone().unwrap_or_default();
    let shown: Vec<PresentedCertificate> = match (&flight.certificates, readiness.chains.as_slice()) {
        (Some(certificates), _) => certificates.iter().cloned().map(PresentedCertificate::from_der).collect(),
        (None, [only]) => only.certificates.clone(),
        (None, _) => Vec::new(),
    };
    let decoded: Vec<_> = shown.iter().filter_map(PresentedCertificate::decoded).collect();
    let name = server_name.unbracketed();
    let covers = |leaf: &Certificate| hostname::check(leaf, Some(&name)) == NameCheck::Covered;
    // Where the name gets nobody a certificate that covers it, to leave it out is no worse.
    let some_cover =
        readiness.chains.iter().filter_map(|chain| chain.certificates.first()?.decoded()).any(|leaf| covers(leaf));
    let covers_name = decoded.first().filter(|_| some_cover).map(|leaf| covers(leaf));
    Chosen {
        version: hello.version,
        cipher_suite: hello.cipher_suite,
        group: exchange.group.or_else(|| hello.group()),
        dh_bits: exchange.dh_bits,
        // A root's own signature is of no account.
        chain: decoded
            .iter()
            .enumerate()
            .filter(|(place, certificate)| *place == 0 || !certificate.is_self_issued())
            .map(|(_, certificate)| Presented::of(certificate))
            .collect(),
        covers_name,
    }
}
