//! `certflight/listen/1`: which clients connected and what they offer: a summary, or one connection.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Finding, Time, Tool, Verdict, schema};
use crate::finding;
use crate::listen::{self, Ledger, Observation, Offer, Seen};

/// Value of [`ListenReport::schema`] and [`Connection::schema`].
pub const LISTEN_SCHEMA: &str = "certflight/listen/1";

/// What `listen` writes: `record` tells which.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Document {
    /// A line of ndjson.
    Connection(Box<Connection>),
    /// The document in the end.
    Summary(Box<ListenReport>),
}

/// The report of one run of `listen`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListenReport {
    /// `certflight/listen/1`
    #[schemars(schema_with = "schema::listen_name")]
    pub schema: &'static str,
    /// `summary`
    #[schemars(schema_with = "schema::summary_record")]
    pub record: &'static str,
    /// What made it.
    pub tool: Tool,
    /// When listening began.
    pub started: Time,
    /// When it ended.
    pub finished: Time,
    /// In one word: `unknown` where no client was seen.
    pub verdict: Verdict,
    /// Where it listened.
    pub listening: Vec<String>,
    /// How clients were answered.
    pub manner: Manner,
    /// What was spoken before TLS: `smtp`.
    pub starttls: Option<String>,
    /// Where connections were passed on to.
    pub forward: Option<String>,
    /// Numbers.
    pub summary: ListenSummary,
    /// Those that could not connect where only TLS 1.2 and newer are spoken first.
    pub clients: Vec<Client>,
    /// Addresses that connected without a hello.
    pub without_hello: Vec<Stranger>,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// How clients were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// With a fatal alert.
    Refuse,
    /// With a handshake and a page.
    Serve,
    /// By another server.
    Forward,
}

/// Numbers of clients and connections.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct ListenSummary {
    /// All connections.
    pub connections: u64,
    /// Connections with a ClientHello.
    pub hellos: u64,
    /// Clients that are listed.
    pub clients: usize,
    /// Those of them that could not connect where only TLS 1.2 and newer are spoken.
    pub clients_unable: usize,
    /// Hellos that could not.
    pub hellos_unable: u64,
    /// By newest version, the oldest first.
    pub by_highest: Vec<ByVersion>,
    /// Connections without a hello, by what came instead.
    pub without_hello: Vec<ByOutcome>,
    /// Hellos of clients beyond those that are listed.
    pub unlisted: u64,
    /// Those of them that could not connect where only TLS 1.2 and newer are spoken.
    pub unlisted_unable: u64,
    /// Connections that were seen, and could not be told of.
    pub lost: u64,
    /// How often the system refused to accept a connection.
    pub accept_failures: u64,
}

/// Clients of one newest version.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ByVersion {
    /// `TLSv1.2`; `null` where none that is known was offered.
    pub version: Option<String>,
    /// Listed clients.
    pub clients: usize,
    /// Hellos.
    pub hellos: u64,
}

/// Connections that ended alike.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ByOutcome {
    /// `not-tls`, `timeout`, …
    pub outcome: String,
    /// How many.
    pub connections: u64,
}

/// One client: the same offer for the same name from the same address.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Client {
    /// Its address.
    pub source: String,
    /// The name it asks for (SNI).
    pub server_name: Option<String>,
    /// The name it greeted with, by SMTP.
    pub ehlo: Option<String>,
    /// Its newest version: `TLSv1.2`.
    pub highest: Option<String>,
    /// Its versions, newest first; `null` where it does not list them.
    pub versions: Option<Vec<String>>,
    /// Whether TLS 1.2 or newer would come about with a good suite; `null` where it says that it is trying again with less
    /// than it can do.
    pub tls12_would_succeed: Option<bool>,
    /// Why not.
    pub why_not: Option<String>,
    /// Weak suites among those it offers.
    pub weak_cipher_suites: Vec<String>,
    /// What makes them weak: `RC4`, `3DES`, …
    pub weaknesses: Vec<String>,
    /// JA4.
    pub ja4: Option<String>,
    /// Who it may be, by the data of known clients.
    pub client: Option<String>,
    /// Connections.
    pub connections: u64,
    /// Handshakes that came about here (`--cert`).
    pub handshakes_completed: u64,
    /// Why the last one that did not failed.
    pub last_failure: Option<String>,
    /// When it came first.
    pub first_seen: Time,
    /// When it came last.
    pub last_seen: Time,
}

/// An address that connected without a hello.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Stranger {
    /// The address.
    pub source: String,
    /// What came instead.
    pub outcome: String,
    /// What more is known of the last of them.
    pub detail: Option<String>,
    /// Connections.
    pub connections: u64,
    /// When it came first.
    pub first_seen: Time,
    /// When it came last.
    pub last_seen: Time,
}

/// One connection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Connection {
    /// `certflight/listen/1`
    #[schemars(schema_with = "schema::listen_name")]
    pub schema: &'static str,
    /// `connection`
    #[schemars(schema_with = "schema::connection_record")]
    pub record: &'static str,
    /// When it was accepted.
    pub time: Time,
    /// Address and port it came from.
    pub source: String,
    /// Address and port it was accepted at.
    pub local: String,
    /// `hello`, or what came instead.
    pub outcome: String,
    /// What more is known.
    pub detail: Option<String>,
    /// The name it greeted with, by SMTP.
    pub ehlo: Option<String>,
    /// What it offers; `null` without a hello.
    pub hello: Option<Hello>,
    /// How the handshake ended, where it was gone on with here (`--cert`).
    pub handshake: Option<Handshake>,
}

/// What a hello offers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Hello {
    /// The name it asks for (SNI).
    pub server_name: Option<String>,
    /// Whether it has the form of SSL 2.
    pub ssl2_form: bool,
    /// The newest version: `TLSv1.2`.
    pub highest: Option<String>,
    /// Versions, newest first; `null` where they are not listed.
    pub versions: Option<Vec<String>>,
    /// Whether TLS 1.2 or newer would come about with a good suite; `null` where it says that it is trying again with less
    /// than it can do.
    pub tls12_would_succeed: Option<bool>,
    /// Why not.
    pub why_not: Option<String>,
    /// Suites in the client's order, at most 256; signals and GREASE left out.
    pub cipher_suites: Vec<String>,
    /// The weak ones.
    pub weak_cipher_suites: Vec<String>,
    /// What makes them weak.
    pub weaknesses: Vec<String>,
    /// Key exchange groups.
    pub groups: Vec<String>,
    /// Signature schemes.
    pub signature_schemes: Vec<String>,
    /// Protocols of ALPN.
    pub alpn: Vec<String>,
    /// JA4.
    pub ja4: Option<String>,
    /// Who it may be, by the data of known clients.
    pub client: Option<String>,
}

/// How a handshake ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Handshake {
    /// Whether it came about.
    pub completed: bool,
    /// Its version.
    pub version: Option<String>,
    /// Its suite.
    pub cipher_suite: Option<String>,
    /// Why not.
    pub reason: Option<String>,
}

/// What a run of `listen` was told to do.
#[derive(Debug, Clone)]
pub struct Setting {
    /// When it began.
    pub started: Timestamp,
    /// Where it listens.
    pub listening: Vec<String>,
    /// How clients are answered.
    pub manner: Manner,
    /// What is spoken before TLS.
    pub starttls: Option<String>,
    /// Where connections are passed on to.
    pub forward: Option<String>,
}

impl ListenReport {
    /// Of what was counted until `finished`. Clients beyond `most` are left out, which only a screen needs: they stay in the
    /// numbers.
    #[must_use]
    pub fn new(
        setting: &Setting,
        ledger: &Ledger,
        findings: &[finding::Finding],
        finished: Timestamp,
        most: usize,
    ) -> Self {
        let clients = ledger.clients();
        Self {
            schema: LISTEN_SCHEMA,
            record: "summary",
            tool: Tool::THIS,
            started: Time(setting.started),
            finished: Time(finished),
            verdict: Verdict::of(findings),
            listening: setting.listening.clone(),
            manner: setting.manner,
            starttls: setting.starttls.clone(),
            forward: setting.forward.clone(),
            summary: ListenSummary::new(ledger, &clients),
            clients: clients.into_iter().take(most).map(Client::new).collect(),
            without_hello: ledger.strangers().into_iter().take(most).map(Stranger::new).collect(),
            findings: Finding::sorted(findings),
        }
    }
}

impl ListenSummary {
    fn new(ledger: &Ledger, clients: &[&listen::Client]) -> Self {
        let tally = ledger.tally();
        let by_highest = tally.by_highest.iter().map(|(version, hellos)| ByVersion {
            version: version.map(|version| version.name().to_owned()),
            clients: clients.iter().filter(|client| client.highest == *version).count(),
            hellos: *hellos,
        });
        let outcome = |(outcome, connections): (&&'static str, &u64)| ByOutcome {
            outcome: (*outcome).to_owned(),
            connections: *connections,
        };
        Self {
            connections: tally.connections,
            hellos: tally.hellos,
            clients: clients.len(),
            clients_unable: clients.iter().filter(|client| client.ability.succeeds() == Some(false)).count(),
            hellos_unable: tally.unable,
            by_highest: by_highest.collect(),
            without_hello: tally.without_hello.iter().map(outcome).collect(),
            unlisted: tally.unlisted,
            unlisted_unable: tally.unlisted_unable,
            lost: tally.lost,
            accept_failures: tally.accept_failures,
        }
    }
}

impl Client {
    /// In the report's form.
    #[must_use]
    pub fn new(client: &listen::Client) -> Self {
        Self {
            source: client.source.to_string(),
            server_name: client.server_name.clone(),
            ehlo: client.ehlo.clone(),
            highest: client.highest.map(|version| version.name().to_owned()),
            versions: names(client.versions.as_deref()),
            tls12_would_succeed: client.ability.succeeds(),
            why_not: finding::inability_in_words(client.ability),
            weak_cipher_suites: client.weak_suites.clone(),
            weaknesses: client.weaknesses.iter().map(|weakness| weakness.name().to_owned()).collect(),
            ja4: client.ja4.clone(),
            client: client.guess.clone(),
            connections: client.connections,
            handshakes_completed: client.completed,
            last_failure: client.last_failure.clone(),
            first_seen: Time(client.first_seen),
            last_seen: Time(client.last_seen),
        }
    }
}

impl Stranger {
    fn new(stranger: &listen::Stranger) -> Self {
        Self {
            source: stranger.source.to_string(),
            outcome: stranger.outcome.to_owned(),
            detail: stranger.detail.clone(),
            connections: stranger.connections,
            first_seen: Time(stranger.first_seen),
            last_seen: Time(stranger.last_seen),
        }
    }
}

impl Connection {
    /// In the report's form.
    #[must_use]
    pub fn new(observation: &Observation) -> Self {
        Self {
            schema: LISTEN_SCHEMA,
            record: "connection",
            time: Time(observation.at),
            source: observation.source.to_string(),
            local: observation.local.to_string(),
            outcome: observation.seen.word().to_owned(),
            detail: observation.seen.detail(),
            ehlo: observation.ehlo.clone(),
            hello: match &observation.seen {
                Seen::Hello(offer) => Some(Hello::new(offer)),
                _ => None,
            },
            handshake: observation.finish.as_ref().map(|finish| match finish {
                listen::Finish::Completed { version, cipher_suite } => Handshake {
                    completed: true,
                    version: Some(version.clone()),
                    cipher_suite: Some(cipher_suite.clone()),
                    reason: None,
                },
                listen::Finish::Failed(reason) => {
                    Handshake { completed: false, version: None, cipher_suite: None, reason: Some(reason.clone()) }
                }
            }),
        }
    }
}

impl Hello {
    fn new(offer: &Offer) -> Self {
        let kinds = offer.cipher_kinds.iter().map(|kind| kind.name());
        Self {
            server_name: offer.server_name.clone(),
            ssl2_form: offer.is_ssl2_form,
            highest: offer.highest.map(|version| version.name().to_owned()),
            versions: names(offer.versions.as_deref()),
            tls12_would_succeed: offer.ability.succeeds(),
            why_not: finding::inability_in_words(offer.ability),
            cipher_suites: offer.cipher_suites.iter().map(|suite| suite.name().into_owned()).chain(kinds).collect(),
            weak_cipher_suites: offer.weak_names().collect(),
            weaknesses: offer.weaknesses.iter().map(|weakness| weakness.name().to_owned()).collect(),
            groups: offer.groups.iter().map(|group| group.name().into_owned()).collect(),
            signature_schemes: offer.signature_schemes.iter().map(|scheme| scheme.name().into_owned()).collect(),
            alpn: offer.alpn.iter().map(|protocol| String::from_utf8_lossy(protocol).into_owned()).collect(),
            ja4: offer.ja4.clone(),
            client: offer.guess.clone(),
        }
    }
}

fn names(versions: Option<&[crate::handshake::Version]>) -> Option<Vec<String>> {
    versions.map(|versions| versions.iter().map(|version| version.name().to_owned()).collect())
}
