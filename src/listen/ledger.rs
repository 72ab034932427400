//! Counts what was seen, by source, name asked for and fingerprint, in a bounded number of rows. Pure.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use jiff::Timestamp;

use super::ability::Ability;
use super::observation::{Finish, Observation, Seen};
use super::offer::Offer;
use crate::handshake::{Version, Weakness};

/// One client: what sends the same offer for the same name from the same address.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its address.
    pub source: IpAddr,
    /// The name it asks for: untrusted text.
    pub server_name: Option<String>,
    /// The name it greeted with last, by SMTP: untrusted text.
    pub ehlo: Option<String>,
    /// Its newest version.
    pub highest: Option<Version>,
    /// Its versions, where it lists them.
    pub versions: Option<Vec<Version>>,
    /// Whether its hello has the form of SSL 2.
    pub is_ssl2_form: bool,
    /// Names of its weak suites.
    pub weak_suites: Vec<String>,
    /// What makes those weak, worst first.
    pub weaknesses: Vec<Weakness>,
    /// JA4.
    pub ja4: Option<String>,
    /// Who it may be.
    pub guess: Option<String>,
    /// Whether it could connect where only TLS 1.2 and newer are spoken.
    pub ability: Ability,
    /// Its connections.
    pub connections: u64,
    /// Handshakes that came about here.
    pub completed: u64,
    /// The last one that did not: why.
    pub last_failure: Option<String>,
    /// When it came first.
    pub first_seen: Timestamp,
    /// When it came last.
    pub last_seen: Timestamp,
}

/// An address that connected without a hello.
#[derive(Debug, Clone)]
pub struct Stranger {
    /// The address.
    pub source: IpAddr,
    /// What came instead: [`Seen::word`].
    pub outcome: &'static str,
    /// What more is known of the last of them: untrusted text.
    pub detail: Option<String>,
    /// Whether mail or a login was to go in the clear.
    pub in_the_clear: bool,
    /// Its connections.
    pub connections: u64,
    /// When it came first.
    pub first_seen: Timestamp,
    /// When it came last.
    pub last_seen: Timestamp,
}

/// Numbers of connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub connections: u64,
    /// Those with a hello.
    pub hellos: u64,
    /// Hellos that could not connect where only TLS 1.2 and newer are spoken.
    pub unable: u64,
    /// Hellos by newest version.
    pub by_highest: BTreeMap<Option<Version>, u64>,
    /// Those without a hello, by what came instead.
    pub without_hello: BTreeMap<&'static str, u64>,
    /// Hellos of clients beyond those that are listed.
    pub unlisted: u64,
    /// Those of them that could not connect where only TLS 1.2 and newer are spoken.
    pub unlisted_unable: u64,
    /// Connections that were seen and not told of.
    pub lost: u64,
    /// How often the system refused to accept.
    pub accept_failures: u64,
    /// Why, the last time.
    pub last_accept_failure: Option<String>,
}

/// What a connection is to the ledger.
#[derive(Debug)]
pub enum NewClient<'a> {
    /// The first of a client.
    Yes(&'a Client),
    /// One more of a client that is known, one beyond those that are listed, or one without a hello.
    No,
}

/// The count.
#[derive(Debug)]
pub struct Ledger {
    most: usize,
    clients: HashMap<Key, Client>,
    strangers: HashMap<(IpAddr, &'static str), Stranger>,
    tally: Tally,
}

/// What clients are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    server_name: Option<String>,
    fingerprint: String,
}

impl Ledger {
    /// An empty one that lists that many clients, and as many addresses without a hello.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, clients: HashMap::new(), strangers: HashMap::new(), tally: Tally::default() }
    }

    /// Counts a connection.
    pub fn record(&mut self, observation: &Observation) -> NewClient<'_> {
        let tally = &mut self.tally;
        bump(&mut tally.connections);
        let Seen::Hello(offer) = &observation.seen else {
            bump(tally.without_hello.entry(observation.seen.word()).or_default());
            self.stranger(observation);
            return NewClient::No;
        };
        bump(&mut tally.hellos);
        bump(tally.by_highest.entry(offer.highest).or_default());
        let unable = offer.ability.succeeds() == Some(false);
        if unable {
            bump(&mut tally.unable);
        }
        let key = Key {
            source: observation.source.ip(),
            server_name: offer.server_name.clone(),
            fingerprint: offer.fingerprint.clone(),
        };
        let is_full = self.clients.len() >= self.most;
        match self.clients.entry(key) {
            Entry::Occupied(known) => {
                known.into_mut().count(observation);
                NewClient::No
            }
            Entry::Vacant(_) if is_full => {
                bump(&mut tally.unlisted);
                if unable {
                    bump(&mut tally.unlisted_unable);
                }
                NewClient::No
            }
            Entry::Vacant(place) => {
                let client = place.insert(Client::new(observation, offer));
                client.count(observation);
                NewClient::Yes(client)
            }
        }
    }

    fn stranger(&mut self, observation: &Observation) {
        let is_full = self.strangers.len() >= self.most;
        let source = observation.source.ip();
        let outcome = observation.seen.word();
        let stranger = match self.strangers.entry((source, outcome)) {
            Entry::Occupied(known) => known.into_mut(),
            // They are still in the tally.
            Entry::Vacant(_) if is_full => return,
            Entry::Vacant(place) => place.insert(Stranger {
                source,
                outcome,
                detail: None,
                in_the_clear: false,
                connections: 0,
                first_seen: observation.at,
                last_seen: observation.at,
            }),
        };
        bump(&mut stranger.connections);
        stranger.detail = observation.seen.detail();
        stranger.in_the_clear |= matches!(observation.seen, Seen::WithoutStarttls { in_the_clear: true });
        stranger.last_seen = stranger.last_seen.max(observation.at);
        stranger.first_seen = stranger.first_seen.min(observation.at);
    }

    /// The system refused to accept a connection.
    pub fn accept_failed(&mut self, reason: String) {
        bump(&mut self.tally.accept_failures);
        self.tally.last_accept_failure = Some(reason);
    }

    /// That many connections were seen and not told of.
    pub fn lost(&mut self, connections: u64) {
        self.tally.lost = connections;
    }

    /// The numbers.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many clients are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// The clients that could not connect where only TLS 1.2 and newer are spoken first, and of those the oldest version;
    /// then those with weak suites; then by number of connections.
    #[must_use]
    pub fn clients(&self) -> Vec<&Client> {
        let mut clients: Vec<&Client> = self.clients.values().collect();
        clients.sort_by(|a, b| {
            let rank = |client: &Client| {
                let ability = match client.ability {
                    Ability::Unable(_) => 0,
                    Ability::Fallback => 1,
                    Ability::Able(_) => 2,
                };
                (ability, client.highest, client.weaknesses.is_empty(), u64::MAX.saturating_sub(client.connections))
            };
            let name = |client: &Client| (client.source, client.server_name.clone(), client.ja4.clone());
            rank(a).cmp(&rank(b)).then_with(|| name(a).cmp(&name(b)))
        });
        clients
    }

    /// Addresses that connected without a hello, the most frequent first.
    #[must_use]
    pub fn strangers(&self) -> Vec<&Stranger> {
        let mut strangers: Vec<&Stranger> = self.strangers.values().collect();
        strangers.sort_by_key(|it| (u64::MAX.saturating_sub(it.connections), it.source, it.outcome));
        strangers
    }
}

impl Client {
    fn new(observation: &Observation, offer: &Offer) -> Self {
        Self {
            source: observation.source.ip(),
            server_name: offer.server_name.clone(),
            ehlo: None,
            highest: offer.highest,
            versions: offer.versions.clone(),
            is_ssl2_form: offer.is_ssl2_form,
            weak_suites: offer.weak_names().collect(),
            weaknesses: offer.weaknesses.clone(),
            ja4: offer.ja4.clone(),
            guess: offer.guess.clone(),
            ability: offer.ability,
            connections: 0,
            completed: 0,
            last_failure: None,
            first_seen: observation.at,
            last_seen: observation.at,
        }
    }

    fn count(&mut self, observation: &Observation) {
        bump(&mut self.connections);
        if observation.ehlo.is_some() {
            self.ehlo.clone_from(&observation.ehlo);
        }
        match &observation.finish {
            Some(Finish::Completed { .. }) => bump(&mut self.completed),
            Some(Finish::Failed(reason)) => self.last_failure = Some(reason.clone()),
            None => {}
        }
        self.first_seen = self.first_seen.min(observation.at);
        self.last_seen = self.last_seen.max(observation.at);
    }
}

fn bump(number: &mut u64) {
    *number = number.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::handshake::{CipherSuite, ClientHello, Extension, Offered};
    use crate::listen::{Guesses, Obstacle};

    fn observed(source: u32, version: Version, name: &str, at: i64) -> Observation {
        let suites = vec![CipherSuite(0xc02f), CipherSuite(0x0005)];
        let hello = ClientHello::new(version, [0; 32], suites, vec![Extension::server_name(name)]);
        saw(source, Seen::Hello(Box::new(Offer::of(&Offered::Tls(hello), &Guesses::default()))), at)
    }

    fn saw(source: u32, seen: Seen, at: i64) -> Observation {
        let source = (Ipv4Addr::from_bits(0xc000_0200 + source), 50_000).into();
        let at = Timestamp::from_second(at).unwrap();
        Observation { source, local: ([192, 0, 2, 1], 443).into(), at, ehlo: None, seen, finish: None }
    }

    #[test]
    fn a_client_is_a_source_a_name_and_a_fingerprint() {
        let mut ledger = Ledger::new(10);
        assert!(matches!(ledger.record(&observed(1, Version::Tls12, "a.test", 100)), NewClient::Yes(_)));
        assert!(matches!(ledger.record(&observed(1, Version::Tls12, "a.test", 90)), NewClient::No));
        for other in [
            observed(2, Version::Tls12, "a.test", 1),
            observed(1, Version::Tls12, "b.test", 1),
            observed(1, Version::Tls10, "a.test", 1),
        ] {
            assert!(matches!(ledger.record(&other), NewClient::Yes(_)));
        }
        let clients = ledger.clients();
        assert_eq!(clients.len(), 4);
        assert_eq!(clients[0].ability, Ability::Unable(Obstacle::OldVersion(Some(Version::Tls10))), "weak first");
        assert_eq!((clients[1].connections, clients[1].source.to_string().as_str()), (2, "192.0.2.1"));
        assert_eq!((clients[1].first_seen.as_second(), clients[1].last_seen.as_second()), (90, 100));
        assert_eq!(clients[1].weaknesses, [Weakness::Rc4]);
        let tally = ledger.tally();
        assert_eq!((tally.connections, tally.hellos, tally.unable), (5, 5, 1));
        assert_eq!(tally.by_highest.get(&Some(Version::Tls12)), Some(&4));
    }

    #[test]
    fn rows_have_a_limit_and_the_rest_is_counted() {
        let mut ledger = Ledger::new(3);
        for source in 0..100 {
            let version = if source % 2 == 0 { Version::Tls12 } else { Version::Tls10 };
            ledger.record(&observed(source, version, "a.test", 1));
            ledger.record(&saw(source, Seen::Silent, 1));
        }
        ledger.record(&observed(0, Version::Tls12, "a.test", 2));
        assert_eq!((ledger.len(), ledger.strangers().len()), (3, 3));
        let tally = ledger.tally();
        assert_eq!((tally.connections, tally.hellos), (201, 101));
        assert_eq!((tally.unlisted, tally.unlisted_unable, tally.unable), (97, 49, 50));
        assert_eq!(tally.without_hello.get("timeout"), Some(&100));
        let listed: u64 = ledger.clients().iter().map(|client| client.connections).sum();
        assert_eq!(listed + tally.unlisted, tally.hellos);
    }

    #[test]
    fn those_without_a_hello_are_told_apart_by_what_came() {
        let mut ledger = Ledger::new(10);
        for _ in 0..3 {
            ledger.record(&saw(7, Seen::Closed, 5));
        }
        ledger.record(&saw(7, Seen::NotTls(b"GET / HTTP/1.1\r\n\x1b".to_vec()), 6));
        ledger.record(&saw(8, Seen::WithoutStarttls { in_the_clear: true }, 7));
        let strangers = ledger.strangers();
        assert_eq!((strangers[0].outcome, strangers[0].connections), ("closed", 3));
        assert_eq!(strangers[1].detail.as_deref(), Some("it begins with \"GET / HTTP/1.1\\r\\n\\u{1b}\""));
        assert!(strangers[2].in_the_clear && !strangers[0].in_the_clear);
    }
}
