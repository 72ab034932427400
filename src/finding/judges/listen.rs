//! Clients that connected here: which of them will fail, and whether the list can be relied on.

use std::collections::HashSet;
use std::net::IpAddr;

use super::{Sink, Weight};
use crate::finding::About;
use crate::finding::catalogue::listen;
use crate::finding::wording::list;
use crate::listen::{Ability, Client, Ledger, Obstacle, Stranger, Tally};

/// Everything that was counted.
pub(super) fn judge(ledger: &Ledger, sink: &mut Sink) {
    let clients = ledger.clients();
    unable(&clients, sink);
    let tally = ledger.tally();
    if tally.hellos == 0 {
        no_client(tally, sink);
    }
    incomplete(ledger.len(), tally, sink);
    strangers(&ledger.strangers(), sink);
}

/// What is in the way of a client, to follow its name: `offers nothing newer than TLS 1.0`.
pub(in crate::finding) fn in_words(obstacle: Obstacle) -> String {
    match obstacle {
        Obstacle::OldVersion(Some(version)) => format!("offers nothing newer than {version}"),
        Obstacle::OldVersion(None) => "offers no version of TLS that is known".to_owned(),
        Obstacle::Ssl2Form => "sends a hello in the form of SSL 2, which servers of today refuse".to_owned(),
        Obstacle::NoGoodSuite => {
            "offers neither AES with ECDHE, nor AES-GCM with RSA, nor a suite of TLS 1.3".to_owned()
        }
        Obstacle::NoUsableGroup => "offers only elliptic curves that are out of use".to_owned(),
        Obstacle::OldSignatures => "accepts only signatures with SHA-1 and older".to_owned(),
    }
}

fn unable(clients: &[&Client], sink: &mut Sink) {
    let obstacle = |client: &&Client| match client.ability {
        Ability::Unable(obstacle) => Some(obstacle),
        Ability::Able(_) | Ability::Fallback => None,
    };
    // The same address and name, seen with more.
    let able: HashSet<(IpAddr, Option<&str>)> = clients
        .iter()
        .filter(|client| matches!(client.ability, Ability::Able(_)))
        .map(|client| (client.source, client.server_name.as_deref()))
        .collect();
    let mut obstacles: Vec<Obstacle> = clients.iter().filter_map(obstacle).collect();
    obstacles.sort_unstable();
    obstacles.dedup();
    for one in obstacles {
        let them: Vec<&Client> = clients.iter().copied().filter(|client| obstacle(client) == Some(one)).collect();
        let named: Vec<String> = them
            .iter()
            .map(|client| {
                let falls_back = able.contains(&(client.source, client.server_name.as_deref()));
                called(client, falls_back)
            })
            .collect();
        let whose = if let [_] = them.as_slice() { "1 client".to_owned() } else { format!("{} clients", them.len()) };
        let words = in_words(one);
        let words = if them.len() == 1 { words } else { plural(&words) };
        let message = format!("{whose} {words}: {}", list(&named));
        let (code, remedy) = match one {
            Obstacle::OldVersion(_) | Obstacle::Ssl2Form => (
                listen::OLD_CLIENT,
                format!(
                    "before the old versions are switched off, update or reconfigure the software on {} to offer TLS 1.2",
                    addresses(&them)
                ),
            ),
            Obstacle::NoGoodSuite | Obstacle::NoUsableGroup | Obstacle::OldSignatures => (
                listen::NO_GOOD_SUITE,
                format!(
                    "on {}, enable TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or its like, the curve P-256 and signatures with \
                     SHA-256",
                    addresses(&them)
                ),
            ),
        };
        sink.report_each(code, Weight::Usual, About::Target, message, remedy);
    }
}

/// `offers` to `offer`, for more than one.
fn plural(words: &str) -> String {
    match words.split_once(' ') {
        Some((verb, rest)) => format!("{} {rest}", verb.strip_suffix('s').unwrap_or(verb)),
        None => words.to_owned(),
    }
}

fn called(client: &Client, falls_back: bool) -> String {
    let mut about = Vec::new();
    about.extend(client.server_name.as_ref().map(|name| format!("asks for {name}")));
    about.extend(client.ehlo.as_ref().map(|name| format!("greets as {name}")));
    about.extend(client.guess.clone());
    if falls_back {
        about.push("also seen with TLS 1.2 or newer".to_owned());
    }
    if about.is_empty() { client.source.to_string() } else { format!("{} ({})", client.source, about.join("; ")) }
}

fn addresses(clients: &[&Client]) -> String {
    let mut addresses: Vec<String> = clients.iter().map(|client| client.source.to_string()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    list(&addresses)
}

fn no_client(tally: &Tally, sink: &mut Sink) {
    let message = match tally.connections {
        0 => "nothing connected, so nothing is known about clients".to_owned(),
        1 => "the one connection brought no ClientHello, so nothing is known about clients".to_owned(),
        count => format!("none of {count} connections brought a ClientHello, so nothing is known about clients"),
    };
    let remedy =
        "see that clients come to this address and port (name, firewall, load balancer), then listen for longer";
    sink.report(listen::NO_CLIENT, Weight::Usual, About::Target, message, remedy.to_owned());
}

fn incomplete(listed: usize, tally: &Tally, sink: &mut Sink) {
    let connections = |count: u64| if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") };
    let let_go = tally.without_hello.get("let-go").copied().unwrap_or_default();
    if let_go > 0 {
        let message = format!("{} had to make way for others before it was known what they were", connections(let_go));
        let remedy =
            "allow more at once with --concurrency, or find out who opens connections and says nothing".to_owned();
        sink.report_each(listen::INCOMPLETE, Weight::Usual, About::Target, message, remedy);
    }
    if tally.lost > 0 {
        let message =
            format!("{} could not be told of, because the output was not read in time", connections(tally.lost));
        let remedy = "write the output to a file, or read it faster".to_owned();
        sink.report_each(listen::INCOMPLETE, Weight::Usual, About::Target, message, remedy);
    }
    if tally.unlisted > 0 {
        let message = format!(
            "{} came from clients beyond the {listed} that are listed; in {} of them TLS 1.2 would not come about",
            connections(tally.unlisted),
            tally.unlisted_unable
        );
        let remedy = "list more with --max-clients, or use --format ndjson, which tells of every connection".to_owned();
        sink.report_each(listen::INCOMPLETE, Weight::Usual, About::Target, message, remedy);
    }
    if let Some(reason) = &tally.last_accept_failure {
        let times =
            if tally.accept_failures == 1 { "once".to_owned() } else { format!("{} times", tally.accept_failures) };
        let message = format!("the system refused {times} to accept a connection: {reason}");
        let remedy =
            "raise this process's limit of open files (ulimit -n, LimitNOFILE), or lower --concurrency".to_owned();
        sink.report_each(listen::INCOMPLETE, Weight::Usual, About::Target, message, remedy);
    }
}

fn strangers(strangers: &[&Stranger], sink: &mut Sink) {
    let clear: Vec<String> =
        strangers.iter().filter(|it| it.in_the_clear).map(|stranger| stranger.source.to_string()).collect();
    if !clear.is_empty() {
        let message = format!("mail or a login was to go in the clear, without STARTTLS, from {}", list(&clear));
        let remedy = format!("turn on STARTTLS in the mail software on {}", list(&clear));
        sink.report(listen::WITHOUT_STARTTLS, Weight::Usual, About::Target, message, remedy);
    }
    let unreached: Vec<&&Stranger> = strangers.iter().filter(|it| it.outcome == "service-unreachable").collect();
    let count: u64 = unreached.iter().map(|stranger| stranger.connections).sum();
    if let Some(last) = unreached.iter().max_by_key(|stranger| stranger.last_seen) {
        let reason = last.detail.as_deref().unwrap_or("no answer");
        let whose = if count == 1 { "1 connection was" } else { &format!("{count} connections were") };
        let message = format!("{whose} closed because the service could not be reached: {reason}");
        let remedy = "start the service, correct --forward, or see what keeps this machine from it".to_owned();
        sink.report(listen::SERVICE_UNREACHABLE, Weight::Usual, About::Target, message, remedy);
    }
}
