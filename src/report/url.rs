//! `certflight/url/1`: single URLs, each with one word of status.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, Finding, Time, Tool, Verdict, schema};
use crate::finding;
use crate::revocation::single::SingleFacts;

/// Value of [`UrlReport::schema`].
pub const URL_SCHEMA: &str = "certflight/url/1";

/// The report of one run of `url`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UrlReport {
    /// `certflight/url/1`
    #[schemars(schema_with = "schema::url_name")]
    pub schema: &'static str,
    /// What made it.
    pub tool: Tool,
    /// When the run began.
    pub started: Time,
    /// When it ended.
    pub finished: Time,
    /// Over all URLs.
    pub verdict: Verdict,
    /// The instant that freshness was judged at (`--at`, else the clock's).
    pub at: Time,
    /// In the order they were named.
    pub endpoints: Vec<UrlEndpoint>,
    /// Of all of them, the worst first.
    pub findings: Vec<Finding>,
}

/// One URL with its word.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UrlEndpoint {
    /// `OK`, `Expired`, `Wrong issuer`, `Unreachable`, …
    pub word: String,
    /// In one word of the exit codes.
    pub verdict: Verdict,
    /// What was seen there.
    #[serde(flatten)]
    pub endpoint: Endpoint,
}

/// One URL's result.
#[derive(Debug, Clone)]
pub struct CheckedUrl {
    /// What was observed.
    pub facts: SingleFacts,
    /// What it means.
    pub findings: Vec<finding::Finding>,
    /// In one word.
    pub verdict: Verdict,
}

impl UrlReport {
    /// Of these URLs, judged as of `at`.
    #[must_use]
    pub fn new(checked: &[CheckedUrl], at: Timestamp, started: Timestamp, finished: Timestamp) -> Self {
        let findings: Vec<finding::Finding> = checked.iter().flat_map(|checked| checked.findings.clone()).collect();
        Self {
            schema: URL_SCHEMA,
            tool: Tool::THIS,
            started: Time(started),
            finished: Time(finished),
            verdict: Verdict::worst(checked.iter().map(|checked| checked.verdict)),
            at: Time(at),
            endpoints: checked
                .iter()
                .map(|checked| UrlEndpoint {
                    word: checked.facts.word.to_string(),
                    verdict: checked.verdict,
                    endpoint: Endpoint::new(&checked.facts.endpoint, &checked.findings),
                })
                .collect(),
            findings: Finding::sorted(&findings),
        }
    }
}
