//! `certflight/tls/1`: what of TLS servers take, and which clients can connect.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Connection, Finding, Key, Summary, Time, Tool, Verdict, milliseconds, schema};
use crate::acquire::{self, PresentedCertificate};
use crate::finding;
use crate::handshake::{Group, Version};
use crate::readiness::{Preference, Readiness, ServedChain, Support, VersionFacts};

/// Value of [`TlsReport::schema`].
pub const TLS_SCHEMA: &str = "certflight/tls/1";

/// The report of one run of `tls`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TlsReport {
    /// `certflight/tls/1`
    #[schemars(schema_with = "schema::tls_name")]
    pub schema: &'static str,
    /// What made it.
    pub tool: Tool,
    /// When the run began.
    pub started: Time,
    /// When it ended.
    pub finished: Time,
    /// Of all targets.
    pub verdict: Verdict,
    /// How many came to which verdict.
    pub summary: Summary,
    /// One for each target; with `--all-addresses` one for each address that takes any version, if one does.
    pub targets: Vec<TlsTarget>,
}

/// What one server takes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TlsTarget {
    /// As `scheme://host:port`.
    pub target: String,
    /// The address that was asked, or the proxy's; `null` where there was none.
    pub address: Option<String>,
    /// By the findings.
    pub verdict: Verdict,
    /// How long it took.
    pub elapsed_ms: f64,
    /// Connections that failed, before anything could be asked or to other addresses; then the first that was asked on.
    pub connections: Vec<Connection>,
    /// Every version from SSL 2 to TLS 1.3, newest first; empty where nothing could be asked.
    pub versions: Vec<TlsVersion>,
    /// Every suite that is taken, newest version first; where the server's order rules, in it.
    pub cipher_suites: Vec<TlsSuite>,
    /// Every key exchange group that is taken, those of TLS 1.3 first; where the server's order rules, in it.
    pub groups: Vec<String>,
    /// Those among them that hold against a quantum computer.
    pub post_quantum_groups: Vec<String>,
    /// How handshakes of TLS 1.2, or 1.3 where there is no 1.2, are signed.
    pub signature_algorithms: Vec<String>,
    /// Protocols taken by ALPN before TLS 1.3; `null` where none was offered or the answer is encrypted.
    pub alpn: Option<Vec<String>>,
    /// Sessions and their resumption.
    pub resumption: Resumption,
    /// Whether renegotiation is secure (RFC 5746); `null` where only TLS 1.3 is taken, which has none.
    pub secure_renegotiation: Option<bool>,
    /// Whether the master secret is bound to the handshake (RFC 7627); `null` likewise.
    pub extended_master_secret: Option<bool>,
    /// Whether CBC suites encrypt before they authenticate (RFC 7366); `null` where no such suite is taken.
    pub encrypt_then_mac: Option<bool>,
    /// Whether forced downgrades are recognised (TLS_FALLBACK_SCSV, RFC 7507); `null` where one version is taken only.
    pub fallback_scsv: Option<bool>,
    /// Whether records are compressed, which gives secrets away (CRIME, CVE-2012-4929); `null` where only TLS 1.3 is taken.
    pub compression: Option<bool>,
    /// Whether a client certificate is asked for; `null` where that is told only under encryption.
    pub client_certificate_requested: Option<bool>,
    /// The certificates served, one for each kind of key.
    pub certificates: Vec<TlsCertificate>,
    /// Known clients; empty where they were not asked about.
    pub clients: Vec<TlsClient>,
    /// Office 365; `null` where nothing could be asked.
    pub office365: Option<TlsOffice365>,
    /// What the server could not cope with, each in one sentence.
    pub intolerances: Vec<String>,
    /// Connections that all of this took.
    pub connections_made: usize,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// One version.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TlsVersion {
    /// `TLSv1.2`
    pub version: &'static str,
    /// Whether it is taken; `null` where that could not be found out.
    pub accepted: Option<bool>,
    /// How it was refused, or why it is not known.
    pub reason: Option<String>,
    /// Whose order of suites rules: `server`, `client`; `null` where there is but one, or none.
    pub preference: Option<TlsPreference>,
    /// Groups that come with this version; where the server's order rules, in it.
    pub groups: Vec<String>,
    /// Whose order of groups rules.
    pub group_preference: Option<TlsPreference>,
    /// Why more may be taken than is listed.
    pub cut_short: Option<String>,
}

/// Whose order rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsPreference {
    /// The server's.
    Server,
    /// The client's.
    Client,
}

impl From<Preference> for TlsPreference {
    fn from(preference: Preference) -> Self {
        match preference {
            Preference::Server => Self::Server,
            Preference::Client => Self::Client,
        }
    }
}

/// One suite of one version.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TlsSuite {
    /// The version.
    pub version: &'static str,
    /// IANA's name; of SSL 2's own suites the one in its draft.
    pub name: String,
    /// The number in the registry, `0xc02f`; of SSL 2's three octets.
    pub code: String,
    /// Whether traffic stays closed when the server's key leaks.
    pub forward_secrecy: bool,
    /// The group it came with.
    pub group: Option<String>,
    /// The length of the finite field's prime.
    pub dh_bits: Option<u32>,
    /// What makes it weak: `NULL`, `anonymous`, `EXPORT`, `RC4`, `DES`, `3DES`.
    pub weaknesses: Vec<&'static str>,
}

/// How sessions can be resumed.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Resumption {
    /// Session identifiers are given before TLS 1.3; `null` where tickets took their place or none was asked.
    pub session_id: Option<bool>,
    /// Session tickets are promised before TLS 1.3.
    pub session_ticket: Option<bool>,
    /// A session was in fact resumed, with the newest version; `null` where it was not tried.
    pub resumed: Option<bool>,
}

/// A chain that is served.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TlsCertificate {
    /// The kind of key that the suite asked for: `RSA`, `ECDSA`, `DSA`; `null` in TLS 1.3, where none does.
    pub authentication: Option<&'static str>,
    /// The leaf's subject; `null` where it does not decode.
    pub subject: Option<String>,
    /// The leaf's key.
    pub key: Option<Key>,
    /// The algorithm that the leaf is signed with.
    pub signature_algorithm: Option<String>,
    /// SHA-256 of each certificate as served, leaf first.
    #[schemars(inner(regex(pattern = "^[0-9a-f]{64}$")))]
    pub chain: Vec<String>,
}

/// One known client.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TlsClient {
    /// The name that `--expect-client` takes.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Whether it connects; `null` where that could not be found out.
    pub connects: Option<bool>,
    /// With which version.
    pub version: Option<&'static str>,
    /// With which suite.
    pub cipher_suite: Option<String>,
    /// With which group.
    pub group: Option<String>,
    /// Why not.
    pub reason: Option<String>,
}

/// How the server stands to Office 365.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TlsOffice365 {
    /// Whether the two would connect; `null` where TLS 1.2 could not be asked about.
    pub compatible: Option<bool>,
    /// The suites of its list that are taken with TLS 1.2, in the list's order.
    pub suites: Vec<String>,
    /// The old versions that the server is confined to; empty where it takes TLS 1.2 or later.
    pub needs_old_versions: Vec<&'static str>,
    /// Whether nothing but triple DES is taken.
    pub needs_triple_des: bool,
    /// Whether a served certificate, roots aside, is signed with SHA-1 or something older.
    pub sha1_in_chain: bool,
}

/// What a target's part of the report is made from.
pub struct Examined<'a> {
    /// The target in the report's form.
    pub target: &'a str,
    /// Connections that failed before anything could be asked.
    pub failures: &'a [acquire::Connection],
    /// What was found.
    pub readiness: Option<&'a Readiness>,
    /// What it means.
    pub findings: &'a [finding::Finding],
    /// How long it took.
    pub elapsed: Duration,
}

impl TlsReport {
    /// Of these targets.
    #[must_use]
    pub fn of(targets: Vec<TlsTarget>, started: Timestamp, finished: Timestamp) -> Self {
        let mut summary = Summary::default();
        for target in &targets {
            summary.count(target.verdict);
        }
        Self {
            schema: TLS_SCHEMA,
            tool: Tool::THIS,
            started: Time(started),
            finished: Time(finished),
            verdict: Verdict::worst(targets.iter().map(|target| target.verdict)),
            summary,
            targets,
        }
    }
}

impl TlsTarget {
    /// Of what was found.
    #[must_use]
    pub fn new(examined: &Examined<'_>) -> Self {
        let Examined { target, failures, readiness, findings, elapsed } = *examined;
        let connections: Vec<Connection> =
            failures.iter().chain(readiness.map(|readiness| &readiness.connection)).map(Connection::from).collect();
        let accepted: Vec<&VersionFacts> = readiness.map(|found| found.accepted().collect()).unwrap_or_default();
        let newest_old = accepted.iter().find_map(|facts| facts.traits.as_ref());
        let any = |of: fn(&crate::readiness::Traits) -> bool| newest_old.map(of);
        let groups = groups(&accepted);
        Self {
            target: target.to_owned(),
            address: connections.last().and_then(|connection| connection.address.clone()),
            verdict: Verdict::of(findings),
            elapsed_ms: milliseconds(elapsed),
            versions: readiness.map(versions).unwrap_or_default(),
            cipher_suites: accepted.iter().flat_map(|facts| suites(facts)).collect(),
            post_quantum_groups: names(groups.iter().filter(|group| group.is_post_quantum())),
            groups: names(groups.iter()),
            signature_algorithms: accepted
                .iter()
                .map(|facts| &facts.signature_schemes)
                .find(|schemes| !schemes.is_empty())
                .map(|schemes| schemes.iter().map(|scheme| scheme.name().into_owned()).collect())
                .unwrap_or_default(),
            alpn: accepted.iter().find_map(|facts| facts.alpn.as_ref()).map(|protocols| {
                protocols.iter().map(|protocol| String::from_utf8_lossy(protocol).into_owned()).collect()
            }),
            resumption: Resumption {
                session_id: newest_old.and_then(|traits| traits.session_id),
                session_ticket: any(|traits| traits.session_ticket),
                resumed: readiness.and_then(|found| found.resumption),
            },
            secure_renegotiation: any(|traits| traits.secure_renegotiation),
            extended_master_secret: any(|traits| traits.extended_master_secret),
            encrypt_then_mac: newest_old.and_then(|traits| traits.encrypt_then_mac),
            fallback_scsv: readiness.and_then(|found| found.fallback_scsv),
            compression: any(|traits| traits.compression),
            client_certificate_requested: any(|traits| traits.certificate_requested),
            certificates: readiness.map(|found| found.chains.iter().map(certificate).collect()).unwrap_or_default(),
            clients: readiness.map(clients).unwrap_or_default(),
            office365: readiness.filter(|_| !accepted.is_empty()).map(office365),
            intolerances: readiness
                .map(|found| found.intolerances.iter().map(crate::readiness::Intolerance::in_words).collect())
                .unwrap_or_default(),
            connections_made: readiness.map_or(failures.len(), |found| found.connections_made),
            findings: Finding::sorted(findings),
            connections,
        }
    }
}

fn names<'a>(groups: impl Iterator<Item = &'a Group>) -> Vec<String> {
    groups.map(|group| group.name().into_owned()).collect()
}

/// Every group once, newest version first.
fn groups(accepted: &[&VersionFacts]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for group in accepted.iter().flat_map(|facts| &facts.groups) {
        if !groups.contains(group) {
            groups.push(*group);
        }
    }
    groups
}

fn versions(readiness: &Readiness) -> Vec<TlsVersion> {
    let newest_first = readiness.versions.iter().rev();
    newest_first
        .map(|facts| TlsVersion {
            version: facts.version.name(),
            accepted: facts.support.known(),
            reason: match &facts.support {
                Support::Accepted => None,
                Support::Refused(reason) | Support::Unknown(reason) => Some(reason.clone()),
            },
            preference: facts.preference.map(TlsPreference::from),
            groups: names(facts.groups.iter()),
            group_preference: facts.group_preference.map(TlsPreference::from),
            cut_short: facts.cut_short.clone(),
        })
        .collect()
}

fn suites(facts: &VersionFacts) -> Vec<TlsSuite> {
    let version = facts.version.name();
    let of_ssl2 = facts.ssl2_suites.iter().map(|kind| {
        let [a, b, c] = kind.0;
        TlsSuite {
            version: Version::Ssl2.name(),
            name: kind.name(),
            code: format!("0x{a:02x}{b:02x}{c:02x}"),
            forward_secrecy: false,
            group: None,
            dh_bits: None,
            weaknesses: kind.weaknesses().iter().map(|weakness| weakness.name()).collect(),
        }
    });
    let others = facts.suites.iter().map(|accepted| TlsSuite {
        version,
        name: accepted.suite.name().into_owned(),
        code: format!("0x{:04x}", accepted.suite.0),
        forward_secrecy: accepted.suite.has_forward_secrecy(),
        group: accepted.group.map(|group| group.name().into_owned()),
        dh_bits: accepted.dh_bits,
        weaknesses: accepted.suite.weaknesses().iter().map(|weakness| weakness.name()).collect(),
    });
    of_ssl2.chain(others).collect()
}

fn certificate(chain: &ServedChain) -> TlsCertificate {
    let leaf = chain.certificates.first().and_then(PresentedCertificate::decoded);
    TlsCertificate {
        authentication: chain.kind.map(crate::handshake::KeyKind::name),
        subject: leaf.map(|leaf| leaf.subject.to_string()),
        key: leaf.map(|leaf| Key::from(&leaf.key)),
        signature_algorithm: leaf.map(|leaf| leaf.signature_algorithm.name().to_owned()),
        chain: chain.certificates.iter().map(|certificate| certificate.sha256().to_string()).collect(),
    }
}

fn clients(readiness: &Readiness) -> Vec<TlsClient> {
    let clients = readiness.clients.iter();
    clients
        .map(|client| TlsClient {
            name: client.name.clone(),
            title: client.title.clone(),
            connects: client.connects,
            version: client.version.map(Version::name),
            cipher_suite: client.cipher_suite.map(|suite| suite.name().into_owned()),
            group: client.group.map(|group| group.name().into_owned()),
            reason: client.reason.clone(),
        })
        .collect()
}

fn office365(readiness: &Readiness) -> TlsOffice365 {
    let office = readiness.office365();
    TlsOffice365 {
        compatible: office.compatible,
        suites: office.suites.iter().map(|suite| suite.name().into_owned()).collect(),
        needs_old_versions: office.needs_old_versions.iter().map(|version| version.name()).collect(),
        needs_triple_des: office.needs_triple_des,
        sha1_in_chain: office.sha1_in_chain,
    }
}
