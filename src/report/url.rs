//! `certflight/url/1`: single URLs, each with one word of status.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, Finding, Time, Tool, Verdict, schema};

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
