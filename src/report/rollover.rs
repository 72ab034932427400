//! `certflight/rollover/1`: an old chain against a new one.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::endpoints::EgressEndpoint;
use super::{Finding, Severity, Target, Time, Tool, Verdict, schema};
use crate::Checked;
use crate::finding::{self, Policy};
use crate::rollover::{Comparison, Difference, Field, Hosts};

/// Value of [`RolloverReport::schema`].
pub const ROLLOVER_SCHEMA: &str = "certflight/rollover/1";

/// The report of one run of `rollover`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RolloverReport {
    /// `certflight/rollover/1`
    #[schemars(schema_with = "schema::rollover_name")]
    pub schema: &'static str,
    /// What made it.
    pub tool: Tool,
    /// When the run began.
    pub started: Time,
    /// When it ended.
    pub finished: Time,
    /// Whether the rollover may go ahead from here: by the findings.
    pub verdict: Verdict,
    /// The instant that the new chain was judged at (`--at`, else the clock's).
    pub at: Time,
    /// What is different about the new chain; empty too where one of the two could not be had.
    pub differences: Vec<RolloverDifference>,
    /// Whether both are the very same certificate.
    pub same: bool,
    /// Where the new chain ends; `null` where no end of it was found.
    pub root: Option<RolloverRoot>,
    /// Hosts that have to be open.
    pub hosts: RolloverHosts,
    /// About the rollover, the worst first.
    pub findings: Vec<Finding>,
    /// The old one, judged by itself as of now.
    pub from: Target,
    /// The new one, judged by itself.
    pub to: Target,
}

/// One difference.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RolloverDifference {
    /// Of what.
    pub field: Field,
    /// As it was; `null` where there was nothing.
    pub from: Option<String>,
    /// As it will be; `null` where there is nothing.
    pub to: Option<String>,
    /// The address that serves it so, where others serve another chain; `null` otherwise.
    pub address: Option<String>,
    /// How grave it is.
    pub severity: Severity,
    /// What it means for clients.
    pub meaning: String,
}

/// Where the new chain ends.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RolloverRoot {
    /// RFC 4514.
    pub subject: String,
    /// SHA-256 over the DER.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// Whether it is in this machine's trust store.
    pub trusted: bool,
    /// The store that was looked in.
    pub trust_store: String,
}

/// Hosts by which of the chains needs them.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RolloverHosts {
    /// Only the new one: to be opened before.
    pub added: Vec<EgressEndpoint>,
    /// Only the old one: no longer needed afterwards.
    pub removed: Vec<EgressEndpoint>,
    /// Both.
    pub kept: Vec<EgressEndpoint>,
}

impl RolloverReport {
    /// Of two targets and what differs between them; the new one judged as of `at`.
    #[must_use]
    pub fn new(rolled: &Rolled<'_>, policy: &Policy, at: Timestamp, started: Timestamp, finished: Timestamp) -> Self {
        let Rolled { comparison, hosts, findings, from, to, probed } = rolled;
        let same = match (&comparison.from, &comparison.to) {
            (Some(old), Some(new)) => old.sha256 == new.sha256,
            _ => false,
        };
        let all = |ways: &[crate::egress::Way]| ways.iter().map(|way| EgressEndpoint::new(way, *probed)).collect();
        Self {
            schema: ROLLOVER_SCHEMA,
            tool: Tool::THIS,
            started: Time(started),
            finished: Time(finished),
            verdict: Verdict::of(*findings),
            at: Time(at),
            differences: comparison
                .differences
                .iter()
                .map(|difference| {
                    let (severity, meaning) = finding::judge_difference(difference, comparison, policy);
                    let Difference { field, from, to, address } = difference.clone();
                    RolloverDifference { field, from, to, address, severity, meaning }
                })
                .collect(),
            same,
            root: comparison.root.as_ref().map(|root| RolloverRoot {
                subject: root.certificate.subject.to_string(),
                sha256: root.certificate.sha256.to_string(),
                trusted: root.trusted,
                trust_store: to.examination.trust_store.clone(),
            }),
            hosts: RolloverHosts { added: all(&hosts.added), removed: all(&hosts.removed), kept: all(&hosts.kept) },
            findings: Finding::sorted(findings),
            from: Target::new(from, started),
            to: Target::new(to, at),
        }
    }
}

/// What a rollover's report is made from.
#[derive(Debug, Clone, Copy)]
pub struct Rolled<'a> {
    /// What differs.
    pub comparison: &'a Comparison,
    /// Hosts by which of the chains needs them.
    pub hosts: &'a Hosts,
    /// About the rollover.
    pub findings: &'a [finding::Finding],
    /// The old one.
    pub from: &'a Checked,
    /// The new one.
    pub to: &'a Checked,
    /// Whether endpoints were contacted.
    pub probed: bool,
}
