//! `certflight/endpoints/1`: what has to be open so that chains validate, and whether it is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{EndpointKind, Finding, HttpTimings, Outcome, Time, Tool, Verdict, schema};
use crate::egress::{Need, Protocol, Way};
use crate::finding;
use crate::net::Attempt;

/// Value of [`EndpointsReport::schema`].
pub const ENDPOINTS_SCHEMA: &str = "certflight/endpoints/1";

/// The report of one run of `endpoints`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EndpointsReport {
    /// `certflight/endpoints/1`
    #[schemars(schema_with = "schema::endpoints_name")]
    pub schema: &'static str,
    /// What made it.
    pub tool: Tool,
    /// When the run began.
    pub started: Time,
    /// When it ended.
    pub finished: Time,
    /// Critical where a closed host is asked about with `--probe`, or the list is not complete.
    pub verdict: Verdict,
    /// What the list was made from: targets in the report's form, then places as a list named them.
    pub sources: Vec<String>,
    /// Every host and port, in the order of the chains.
    pub endpoints: Vec<EgressEndpoint>,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// One host and port that has to be open.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EgressEndpoint {
    /// Host name (A-labels) or address, IPv6 without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `tcp`, always.
    pub protocol: &'static str,
    /// What is spoken there.
    pub scheme: Protocol,
    /// What is fetched there; empty for a place that a list names.
    pub kinds: Vec<EndpointKind>,
    /// Every URL there.
    pub urls: Vec<String>,
    /// What is fetched there and which certificates name it, one for each kind.
    pub uses: Vec<Use>,
    /// SHA-256 of each certificate that needs it.
    #[schemars(inner(regex(pattern = "^[0-9a-f]{64}$")))]
    pub certificates: Vec<String>,
    /// Subject of each of them in short, in the same order.
    pub subjects: Vec<String>,
    /// The URL that redirects there, where no certificate names the host itself.
    pub redirected_from: Option<String>,
    /// The addresses that the name has now.
    pub addresses: Vec<String>,
    /// Why it has none; `null` too where a proxy resolves it.
    pub unresolved: Option<Outcome>,
    /// Whether it is reached through a proxy, so that a firewall sees the proxy's address only.
    pub through_proxy: bool,
    /// Whether an answer came when it was contacted, be it to find redirects; `null` where it was not.
    pub answered: Option<bool>,
    /// With `--probe` and for places of a list: what came of going there.
    pub probe: Option<Probe>,
}

/// One kind of object at a host.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Use {
    /// What is fetched.
    pub kind: EndpointKind,
    /// Subjects, in short, of the certificates that name it.
    pub subjects: Vec<String>,
}

/// What came of going to a host.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Probe {
    /// Whether the way is open.
    pub open: bool,
    /// How it ended: of several URLs the one that went worst.
    pub outcome: Outcome,
    /// HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// Phases.
    pub timings: HttpTimings,
    /// The address tried, the proxy's through one.
    pub address: Option<String>,
    /// Where a redirect pointed.
    pub redirected_to: Option<String>,
    /// What more is known.
    pub detail: Option<String>,
}

impl EndpointsReport {
    /// Of these ways; `probed`: whether what was seen on them is told.
    #[must_use]
    pub fn new(
        sources: Vec<String>,
        ways: &[Way],
        probed: bool,
        findings: &[finding::Finding],
        started: Timestamp,
        finished: Timestamp,
    ) -> Self {
        Self {
            schema: ENDPOINTS_SCHEMA,
            tool: Tool::THIS,
            started: Time(started),
            finished: Time(finished),
            verdict: Verdict::of(findings),
            sources,
            endpoints: ways.iter().map(|way| EgressEndpoint::new(way, probed)).collect(),
            findings: Finding::sorted(findings),
        }
    }
}

impl EgressEndpoint {
    /// Of a way; `probed`: whether what was seen on it is told.
    #[must_use]
    pub fn new(way: &Way, probed: bool) -> Self {
        let uses = way.uses();
        let mut urls = Vec::new();
        let mut certificates = Vec::new();
        let mut subjects = Vec::new();
        for need in &way.needs {
            if !urls.contains(&need.url) {
                urls.push(need.url.clone());
            }
            for certificate in &need.certificates {
                let sha256 = certificate.sha256.to_string();
                if !certificates.contains(&sha256) {
                    certificates.push(sha256);
                    subjects.push(certificate.name.clone());
                }
            }
        }
        let redirected = way.needs.iter().all(|need| need.redirected_from.is_some());
        Self {
            host: way.place.host.unbracketed(),
            port: way.place.port,
            protocol: "tcp",
            scheme: way.place.protocol,
            kinds: uses.iter().map(|(kind, _)| *kind).collect(),
            urls,
            uses: uses
                .into_iter()
                .map(|(kind, names)| Use { kind, subjects: names.into_iter().map(str::to_owned).collect() })
                .collect(),
            certificates,
            subjects,
            redirected_from: way
                .needs
                .first()
                .and_then(|need: &Need| need.redirected_from.clone())
                .filter(|_| redirected),
            addresses: way.addresses.iter().map(ToString::to_string).collect(),
            unresolved: way.unresolved.as_ref().map(|failure| failure.outcome),
            through_proxy: way.through_proxy,
            answered: way.is_open(),
            probe: way.telling().filter(|_| probed).map(|attempt| Probe::new(attempt, way.is_open() == Some(true))),
        }
    }
}

impl Probe {
    fn new(attempt: &Attempt, open: bool) -> Self {
        Self {
            open,
            outcome: attempt.outcome,
            http_status: attempt.http_status,
            timings: HttpTimings::from(&attempt.timings),
            address: attempt.address.map(|address| address.to_string()),
            redirected_to: attempt.redirected_to.as_ref().map(ToString::to_string),
            detail: attempt.detail.clone(),
        }
    }
}
