//! The versioned, serialised form of what was found: `certflight/report/1` and its like.
//!
//! Input: [`Checked`](crate::Checked) targets. Output: plain values in the order and under the names of the
//! published format, apart from the domain types so that those can change. Everything that a
//! renderer shows stands here; it need not look further. Names may be added, never renamed.
//!
//! Times are RFC 3339 in UTC, durations milliseconds rounded to microseconds, digests and serial
//! numbers lower-case hexadecimal. What is not known is `null`. Text from the network stands here as
//! it came: escaping belongs to the renderers.

mod convert;
pub mod endpoints;
pub mod listen;
pub mod rollover;
pub mod roots;
#[cfg(test)]
pub(crate) mod sample;
pub mod schema;
pub mod tls;
pub mod url;

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

pub use crate::finding::{EndpointStatus, Severity, Verdict};
pub use crate::net::{HttpMethod, Outcome};
pub use crate::path::Source;
pub use crate::revocation::{EndpointKind, SignatureState, SourceKind, Status};
use crate::x509::der::rfc3339;

/// Value of [`Report::schema`].
pub const REPORT_SCHEMA: &str = "certflight/report/1";

/// An instant; serialised as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&rfc3339(self.0))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time", "description": "RFC 3339, UTC" })
    }
}

/// A duration in milliseconds, rounded to microseconds.
#[must_use]
pub fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The report of one run of `check`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// `certflight/report/1`
    #[schemars(schema_with = "schema::report_name")]
    pub schema: &'static str,
    /// What made it.
    pub tool: Tool,
    /// When the run began.
    pub started: Time,
    /// When it ended.
    pub finished: Time,
    /// Over all targets: critical, then unknown, then warning, then ok.
    pub verdict: Verdict,
    /// Targets by verdict.
    pub summary: Summary,
    /// In the order they were named.
    pub targets: Vec<Target>,
}

/// What made the report.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tool {
    /// `certflight`
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Tool {
    /// This build.
    pub const THIS: Self = Self { name: "certflight", version: env!("CARGO_PKG_VERSION") };
}

/// Number of targets by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// All of them.
    pub targets: usize,
    /// Nothing of warning or worse.
    pub ok: usize,
    /// At least one warning, nothing worse.
    pub warning: usize,
    /// At least one critical finding.
    pub critical: usize,
    /// The question could not be put.
    pub unknown: usize,
}

impl Summary {
    /// Counts one more target.
    pub fn count(&mut self, verdict: Verdict) {
        self.targets = self.targets.saturating_add(1);
        let counter = match verdict {
            Verdict::Ok => &mut self.ok,
            Verdict::Warning => &mut self.warning,
            Verdict::Critical => &mut self.critical,
            Verdict::Unknown => &mut self.unknown,
        };
        *counter = counter.saturating_add(1);
    }
}

/// One target: what `ndjson` prints on a line.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Target {
    /// `https://host:port`, a path, or `-`; the text given where it is no target.
    pub target: String,
    /// In one word.
    pub verdict: Verdict,
    /// How long it took.
    pub elapsed_ms: f64,
    /// The instant that validity was judged at (`--at`, else the clock's).
    pub at: Time,
    /// The instant that CRLs and OCSP responses were judged at: that of `at`, but not later than the clock's unless
    /// `--offline`.
    pub revocation_at: Time,
    /// Connections made, in order. None for files.
    pub connections: Vec<Connection>,
    /// Certificates presented that decode, and those of every path; the judged one first.
    pub certificates: Vec<Certificate>,
    /// Valid paths first, then the others by how near they came; the first is the one that
    /// everything else is about.
    pub paths: Vec<Path>,
    /// In the order of the path and of each certificate's extensions.
    pub endpoints: Vec<Endpoint>,
    /// One for each certificate whose status was looked for.
    pub revocation: Vec<Revocation>,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// One connection to one address.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Connection {
    /// Address and port, the proxy's through one; `null` when the name gave none.
    pub address: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What more is known.
    pub detail: Option<String>,
    /// What was negotiated, when the handshake completed, or what the server settled on in plain text (`detail` says so).
    pub tls: Option<Tls>,
    /// Phases.
    pub timings: ConnectionTimings,
    /// SHA-256 of what was served, in order, whether it decodes or not.
    #[schemars(inner(regex(pattern = "^[0-9a-f]{64}$")))]
    pub served: Vec<String>,
    /// The stapled response, where there was one; its fields are `null` where it does not decode.
    pub stapled_ocsp: Option<OcspContent>,
}

/// What was negotiated.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tls {
    /// `TLSv1.2` or `TLSv1.3`; of a server that was only read in plain text also `TLSv1.1`, `TLSv1.0`, `SSLv3`, `SSLv2`.
    pub version: String,
    /// IANA name; SSL 2's suites have names of their own.
    pub cipher_suite: String,
    /// IANA name of the key exchange group.
    pub group: Option<String>,
}

/// Phases of a connection; `null` where one was not reached or not needed.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub struct ConnectionTimings {
    /// The wait for the name's addresses; `null` where they were known from before or none was needed.
    pub dns_ms: Option<f64>,
    /// TCP connection, the proxy's part included.
    pub connect_ms: Option<f64>,
    /// From the banner to the server's go-ahead.
    pub starttls_ms: Option<f64>,
    /// TLS handshake.
    pub handshake_ms: Option<f64>,
}

/// A certificate's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The certificate that is judged, or another that is no CA.
    Leaf,
    /// A CA between the two.
    Intermediate,
    /// The end of a path, or self-issued.
    Root,
}

/// One certificate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Certificate {
    /// SHA-256 over the DER.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// SHA-1 over the DER, the thumbprint that Windows shows.
    #[schemars(regex(pattern = "^[0-9a-f]{40}$"))]
    pub sha1: String,
    /// Its place.
    pub role: Role,
    /// Where it came from.
    pub source: Source,
    /// RFC 4514.
    pub subject: String,
    /// RFC 4514.
    pub issuer: String,
    /// Hexadecimal, an even number of digits, no leading zero octet.
    #[schemars(regex(pattern = "^([0-9a-f]{2})+$"))]
    pub serial: String,
    /// Inclusive.
    pub not_before: Time,
    /// Inclusive.
    pub not_after: Time,
    /// Public key.
    pub key: Key,
    /// `sha256WithRSAEncryption` and the like, else a dotted OID.
    pub signature_algorithm: String,
    /// `DNS:…`, `IP:…`, …; empty where the extension is absent.
    pub subject_alt_names: Vec<String>,
    /// `serverAuth` and the like, else dotted OIDs; empty where the extension is absent.
    pub extended_key_usage: Vec<String>,
    /// Of every distribution point.
    pub crl_urls: Vec<String>,
    /// OCSP responders.
    pub ocsp_urls: Vec<String>,
    /// Where the issuer's certificate is said to be.
    pub ca_issuers_urls: Vec<String>,
    /// TLS feature `status_request`.
    pub must_staple: bool,
    /// The certificate itself.
    pub pem: String,
}

/// A public key in short.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Key {
    /// `RSA`, `EC`, `Ed25519`, else a name or dotted OID.
    pub algorithm: String,
    /// Its size, where the kind has one.
    pub bits: Option<u32>,
    /// Of an EC key: `P-256`, `P-384`, `P-521`, …
    pub curve: Option<String>,
}

/// One certification path.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Path {
    /// Whether the path itself holds; neither revocation nor the host name counts.
    pub valid: bool,
    /// What rustls-webpki says of it: `ok`, or its error.
    pub webpki: String,
    /// SHA-256, leaf first.
    #[schemars(inner(regex(pattern = "^[0-9a-f]{64}$")))]
    pub certificates: Vec<String>,
    /// The trust store that its last certificate is in; `null` when it is in none.
    pub trust_store: Option<String>,
    /// Finding codes of what is wrong with it.
    #[schemars(schema_with = "schema::codes")]
    pub problems: Vec<&'static str>,
}

/// One endpoint; of OCSP one for each URL and certificate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Endpoint {
    /// As the certificate has it.
    pub url: String,
    /// What should be there.
    pub kind: EndpointKind,
    /// SHA-256 of each certificate that names it.
    #[schemars(inner(regex(pattern = "^[0-9a-f]{64}$")))]
    pub certificates: Vec<String>,
    /// How it did.
    pub status: EndpointStatus,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// What the best answer holds.
    pub content: Option<Content>,
    /// Why it was not contacted, if so.
    pub skipped: Option<String>,
}

/// One try at one address.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Attempt {
    /// Method.
    pub method: HttpMethod,
    /// Address and port, the proxy's through one; `null` when there was none to try.
    pub address: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// Octets of body received.
    pub bytes: u64,
    /// Phases.
    pub timings: HttpTimings,
    /// Where a redirect pointed.
    pub redirected_to: Option<String>,
    /// What more is known.
    pub detail: Option<String>,
}

/// Phases of an HTTP exchange; `null` where one was not reached or not needed.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub struct HttpTimings {
    /// The wait for the name's addresses; `null` where they were known from before or none was needed.
    pub dns_ms: Option<f64>,
    /// TCP connection, the proxy's part and the TLS handshake of https included.
    pub connect_ms: Option<f64>,
    /// From the start of the attempt to the first octet of the answer.
    pub first_byte_ms: Option<f64>,
    /// From the start of the attempt to its end.
    pub total_ms: Option<f64>,
}

/// What an endpoint served.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Content {
    /// A CRL.
    Crl(CrlContent),
    /// An OCSP response.
    Ocsp(OcspContent),
    /// Certificates.
    CaIssuers(CaIssuersContent),
}

/// A CRL in short.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CrlContent {
    /// `thisUpdate`
    pub this_update: Time,
    /// `nextUpdate`
    pub next_update: Option<Time>,
    /// Whether the signature holds.
    pub signature: SignatureState,
    /// Number of entries.
    pub entries: u64,
    /// RFC 4514.
    pub issuer: String,
    /// Name of the signature's algorithm.
    pub signature_algorithm: String,
    /// `cRLNumber`, hexadecimal.
    pub number: Option<String>,
    /// Whether it is a delta CRL.
    pub delta: bool,
    /// Octets of DER.
    pub size: u64,
}

/// An OCSP response in short.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OcspContent {
    /// `good`, `revoked` or `unknown`; `null` where it has no answer for the certificate.
    pub certificate_status: Option<CertificateAnswer>,
    /// A name (RFC 4514), or `key:` and the key hash in hexadecimal.
    pub responder: Option<String>,
    /// `producedAt`
    pub produced_at: Option<Time>,
    /// `thisUpdate`
    pub this_update: Option<Time>,
    /// `nextUpdate`
    pub next_update: Option<Time>,
    /// Whether the signature holds.
    pub signature: SignatureState,
}

/// What a caIssuers URL served.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CaIssuersContent {
    /// `der`, `pem` or `pkcs7`.
    pub format: String,
    /// SHA-256 of each.
    #[schemars(inner(regex(pattern = "^[0-9a-f]{64}$")))]
    pub certificates: Vec<String>,
    /// Subject of the first, RFC 4514.
    pub subject: Option<String>,
}

/// What a responder says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CertificateAnswer {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked,
    /// Not known to it.
    Unknown,
}

/// What one source says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceStatus {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked,
    /// Not known to it.
    Unknown,
    /// It gave no answer that counts.
    Failed,
}

/// Revocation status of one certificate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Revocation {
    /// SHA-256 of the certificate.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub certificate: String,
    /// From all sources.
    pub status: Status,
    /// Every source.
    pub sources: Vec<RevocationSource>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// Why, by the reason's name in RFC 5280.
    pub reason: Option<String>,
}

/// One source.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RevocationSource {
    /// Its kind.
    pub kind: SourceKind,
    /// Its URL or path; `null` for a staple.
    pub url: Option<String>,
    /// Its word.
    pub status: SourceStatus,
}

/// One finding.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Finding {
    /// Its code.
    #[schemars(schema_with = "schema::code")]
    pub code: &'static str,
    /// Its effective severity.
    pub severity: Severity,
    /// What it is about.
    pub about: About,
    /// One sentence with the facts.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The clause it comes from.
    pub reference: &'static str,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum About {
    /// The target as a whole.
    Target,
    /// One connection.
    Connection {
        /// Its address.
        address: String,
    },
    /// One certificate.
    Certificate {
        /// Its SHA-256.
        #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
        sha256: String,
    },
    /// One endpoint.
    Endpoint {
        /// Its URL.
        url: String,
    },
    /// The certification path.
    Path,
}

impl Target {
    /// The path that everything else is about.
    #[must_use]
    pub fn chosen_path(&self) -> Option<&Path> {
        self.paths.first()
    }

    /// The certificate with this SHA-256.
    #[must_use]
    pub fn certificate(&self, sha256: &str) -> Option<&Certificate> {
        self.certificates.iter().find(|certificate| certificate.sha256 == sha256)
    }
}
