//! Options that several commands share.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cli::values;
use crate::finding::SeverityRule;
use crate::path::store::RootsChoice;

/// How a target's chain is fetched and judged: `check` and the commands that run it.
#[derive(Debug, Clone, Args)]
pub struct JobArgs {
    /// SNI, and the name that is checked (also for files)
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    pub servername: Option<String>,

    /// Connect there instead of resolving the target
    #[arg(long, value_name = "ADDR[:PORT]", help_heading = "Connection", value_parser = values::connect)]
    pub connect: Option<(String, Option<u16>)>,

    /// Certificate to authenticate with: PEM (with its issuers), or PKCS#12
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub client_cert: Option<PathBuf>,

    /// Its private key, where it is in another file
    #[arg(long, value_name = "FILE", help_heading = "Connection", requires = "client_cert")]
    pub client_key: Option<PathBuf>,

    /// File whose first line is the password of --client-cert and of PKCS#12 targets
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub password_file: Option<PathBuf>,

    /// The network and its limits.
    #[command(flatten)]
    pub network: NetworkArgs,

    /// Trust and time.
    #[command(flatten)]
    pub trust: TrustArgs,

    /// Extra certificates for building paths (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Trust and time")]
    pub intermediates: Vec<PathBuf>,

    /// What the certificate is for
    #[arg(long, value_enum, value_name = "PURPOSE", default_value_t, help_heading = "Trust and time")]
    pub purpose: PurposeArg,

    /// A certificate policy that is acceptable, as a dotted OID (repeatable; without any, all are)
    #[arg(long, value_name = "OID", value_parser = values::policy, help_heading = "Policies (RFC 5280 section 6.1.1)")]
    pub policy: Vec<String>,

    /// The path must be valid under at least one acceptable policy
    #[arg(long, help_heading = "Policies (RFC 5280 section 6.1.1)")]
    pub explicit_policy: bool,

    /// CAs may not map one policy to another
    #[arg(long, help_heading = "Policies (RFC 5280 section 6.1.1)")]
    pub inhibit_policy_mapping: bool,

    /// anyPolicy in a certificate stands for no policy
    #[arg(long, help_heading = "Policies (RFC 5280 section 6.1.1)")]
    pub inhibit_any_policy: bool,

    /// A CRL at hand, judged like a fetched one (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Revocation")]
    pub crl: Vec<PathBuf>,

    /// An OCSP response at hand, judged like a fetched one (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Revocation")]
    pub ocsp_response: Vec<PathBuf>,

    /// Contact no endpoint; --crl and --ocsp-response are the only sources then
    #[arg(long, help_heading = "Revocation")]
    pub offline: bool,

    /// Facts that must hold of every target (with rollover, of the new chain), as TOML: root, issuer, endpoints, …
    ///
    /// Each that does not, or that could not be looked at, is one critical finding. The keys: root (a common name, a
    /// whole subject or a thumbprint), issuer, subject_common_name, organization, organizational_unit (an empty text:
    /// none), dns_names, key_algorithm, key_bits_min, signature_algorithm, not_after_min, extended_key_usage,
    /// tls_version_min, endpoints (HOST, HOST:PORT or a URL; port 80 unless given), client_auth = true.
    #[arg(long, value_name = "FILE", help_heading = "Expectations")]
    pub expect: Option<PathBuf>,

    /// Severities.
    #[command(flatten)]
    pub severity: SeverityArgs,

    /// Warn that many days before any certificate of the path expires
    ///
    /// By default in the last quarter of its lifetime, at most 30 days before its end.
    #[arg(long, value_name = "DAYS", value_parser = values::days, allow_hyphen_values = true, help_heading = "Severity")]
    pub warn_days: Option<u32>,

    /// Critical that many days before
    ///
    /// By default in the last tenth of its lifetime, at most 7 days before its end.
    #[arg(long, value_name = "DAYS", value_parser = values::days, allow_hyphen_values = true, help_heading = "Severity")]
    pub crit_days: Option<u32>,
}

/// How to show a report.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Format of the report
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: FormatArg,

    /// Where to, and how much of it.
    #[command(flatten)]
    pub show: ShowArgs,
}

/// How to show whatever is shown, but for its format: commands differ in those.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct ShowArgs {
    /// Write the report there, atomically, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Print nothing when the verdict is ok, one line when it is not
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more: digests, serial numbers, every attempt with its phases
    #[arg(short, long)]
    pub verbose: bool,

    /// Show no progress
    #[arg(long)]
    pub no_progress: bool,

    /// When to use colour; NO_COLOR is honoured by auto
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorArg,
}

/// The network and its limits.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// Use this address for a name, for targets and endpoints alike (repeatable)
    #[arg(long, value_name = "HOST:ADDR", value_parser = values::pin)]
    pub resolve: Vec<(String, IpAddr)>,

    /// Ask this resolver instead of the system's
    #[arg(long, value_name = "IP[:PORT]", value_parser = values::dns_server)]
    pub dns_server: Option<SocketAddr>,

    /// Use IPv4 only
    #[arg(short = '4', conflicts_with = "ipv6")]
    pub ipv4: bool,

    /// Use IPv6 only
    #[arg(short = '6')]
    pub ipv6: bool,

    /// Check every address that a name has, not just the first that answers
    #[arg(long)]
    pub all_addresses: bool,

    /// Reach targets and endpoints through this proxy: http://… (CONNECT) or socks5://…
    ///
    /// Without it, the usual environment variables count: https_proxy, http_proxy, all_proxy, no_proxy.
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,

    /// Reach endpoints through another proxy than targets; direct for none
    #[arg(long, value_name = "URL")]
    pub endpoint_proxy: Option<String>,

    /// Use no proxy, whatever the environment says; with =HOST,… for these hosts only
    #[arg(long, value_name = "HOSTS", num_args = 0..=1, require_equals = true, default_missing_value = "*")]
    pub no_proxy: Option<String>,

    /// Refuse endpoint URLs that lead to loopback, link-local or private addresses
    #[arg(long)]
    pub deny_private: bool,

    /// Time for each network step: DNS answer, connect, handshake, wait for a byte [default: 5, and 15 for an endpoint's answer]
    #[arg(long, value_name = "SECS", value_parser = values::seconds)]
    pub timeout: Option<Duration>,

    /// Time for everything about one target
    #[arg(long, value_name = "SECS", value_parser = values::seconds, default_value = "60")]
    pub deadline: Duration,

    /// Further tries of what may be a passing failure
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=10))]
    pub retries: u32,

    /// Targets and requests under way at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: u16,

    /// Refuse larger CRLs: bytes, or with K, M, G for powers of 1024
    #[arg(long, value_name = "SIZE", value_parser = values::size, default_value = "256M")]
    pub max_crl_size: u64,

    /// Refuse larger answers other than CRLs
    #[arg(long, value_name = "SIZE", value_parser = values::size, default_value = "1M")]
    pub max_response_size: u64,
}

/// Trust and time.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Trust and time")]
pub struct TrustArgs {
    /// Trust anchors: native, mozilla, a file or a folder; several add up [default: native]
    #[arg(long, value_name = "ROOTS", value_parser = values::roots)]
    pub roots: Vec<RootsChoice>,

    /// Judge validity as of then: 2026-12-01T00:00:00Z, or a date (its beginning in UTC)
    #[arg(long, value_name = "TIME", value_parser = crate::instant::parse)]
    pub at: Option<Timestamp>,
}

/// Severities.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Severity")]
pub struct SeverityArgs {
    /// Set a finding's severity: critical, warning, info or ignore; CODE may end in .* (repeatable, the last match wins)
    #[arg(long, value_name = "CODE=LEVEL", value_parser = values::severity)]
    pub severity: Vec<SeverityRule>,

    /// Let warnings count as critical
    #[arg(long)]
    pub strict: bool,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FormatArg {
    /// For people
    #[default]
    Human,
    /// One JSON document, as `certflight schema` describes it
    Json,
    /// One JSON object a line, as they come
    Ndjson,
}

/// `--color`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorArg {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// `--purpose`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PurposeArg {
    /// TLS server authentication
    #[default]
    Server,
    /// TLS client authentication
    Client,
    /// Whatever it is for
    Any,
}
