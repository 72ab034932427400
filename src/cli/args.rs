//! What was typed. No file is read here, no name looked up; values are parsed as far as their text
//! alone goes.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::values;
use crate::finding::SeverityRule;
use crate::path::store::RootsChoice;

/// What follows the options: the notes by themselves with `-h`, and with the exit codes below them with `--help`.
macro_rules! notes {
    ($short:ident, $long:ident, $text:literal) => {
        const $short: &str = $text;
        const $long: &str = concat!(
            $text,
            "\n\n\
Exit codes:
  0  ok        nothing of warning or worse
  1  warning   at least one warning, nothing critical
  2  critical  at least one critical finding
  3  unknown   the question could not be put: bad arguments, unreadable file, no trust anchors"
        );
    };
}

notes!(
    NOTES,
    LONG_NOTES,
    "\
Examples:
  certflight check www.example.org                 the whole job for one server
  certflight check smtp://mail.example.org         through STARTTLS
  certflight url http://crl.example.org/ca.crl     what is there, and is it usable?
  certflight explain crl.expired                   what a finding means
  certflight demo                                  all of it without a network"
);
notes!(
    CHECK_NOTES,
    LONG_CHECK_NOTES,
    "\
TARGET is HOST, HOST:PORT, [IPv6]:PORT, SCHEME://HOST[:PORT], a file (PEM, DER, PKCS#7, PKCS#12)
or - for PEM on standard input. Schemes: https (the default), tls (needs a port); with STARTTLS
smtp, submission; direct TLS smtps, imaps, pop3s, ftps, ldaps.

Examples:
  certflight check www.example.org
  certflight check smtp://mx.example.org --connect 192.0.2.25
  certflight check new-chain.pem --servername www.example.org --at 2026-12-01
  certflight check --targets-from hosts.txt --format ndjson --quiet
  openssl s_client -showcerts -connect www.example.org:443 </dev/null | certflight check -"
);
notes!(
    URL_NOTES,
    LONG_URL_NOTES,
    "\
Examples:
  certflight url http://crl.example.org/ca.crl
  certflight url http://crl.example.org/ca.crl --issuer ca.pem
  certflight url http://ocsp.example.org --issuer ca.pem --cert www.pem"
);
notes!(
    DEMO_NOTES,
    LONG_DEMO_NOTES,
    "\
Without a scenario it exits with 0 when both come out as they were staged (the second one with the
verdict critical, as it should), and with 3 when they do not. With scenarios it exits with the
verdict of what it showed, as check and url do.

Examples:
  certflight demo
  certflight demo --list
  certflight demo crl.expired            one scenario, named after the finding that it fires
  certflight demo crl.expired --silent   as close to it as can be without firing"
);

/// Will certificate validation work from this machine, and if not, whose fault is it?
///
/// Fetches the chain that a server presents, verifies it against this machine's own trust store,
/// and checks that every CRL, OCSP and caIssuers URL in it can be reached from here and serves
/// something usable. Every finding says what to do about it.
#[derive(Debug, Parser)]
#[command(
    name = "certflight",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = NOTES,
    after_long_help = LONG_NOTES
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check servers or certificate files: chain, trust, every endpoint
    ///
    /// Fetches the chain, verifies it against the trust store, and checks for every certificate of
    /// every path that matters whether each CRL, OCSP and caIssuers URL is reachable from here and
    /// serves something usable. Replaces `certutil -verify -urlfetch`.
    Check(Box<CheckArgs>),
    /// Fetch and judge single CRL, OCSP or caIssuers URLs
    ///
    /// Says in one word what is there, then from whom, how fresh, and whether it verifies.
    /// Replaces `certutil -URL`.
    Url(Box<UrlArgs>),
    /// Show the tool at work without a network
    ///
    /// Starts a CA, a TLS server, CRL, OCSP and caIssuers services on loopback inside this process
    /// and checks them. Without a scenario: a clean chain, then a firewall that swallows the CRL.
    Demo(Box<DemoArgs>),
    /// Explain a finding code
    ///
    /// What it means, why it matters, how to mend it, and the clause it comes from. Without a code:
    /// the list of all codes.
    Explain(ExplainArgs),
    /// Print the JSON Schema of a report
    Schema(SchemaArgs),
    /// Print a shell's completion script
    Completions(CompletionsArgs),
    /// Print a manual page (roff)
    Man(ManArgs),
}

/// `check`
#[derive(Debug, Args)]
#[command(after_help = CHECK_NOTES, after_long_help = LONG_CHECK_NOTES)]
pub struct CheckArgs {
    /// Servers, certificate files, or - for PEM on standard input
    #[arg(value_name = "TARGET", required_unless_present = "targets_from")]
    pub targets: Vec<String>,

    /// Read targets from a file, one a line, # comments; - for standard input
    #[arg(long, value_name = "FILE")]
    pub targets_from: Option<PathBuf>,

    /// How to show the report.
    #[command(flatten)]
    pub output: OutputArgs,

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

/// `url`
#[derive(Debug, Args)]
#[command(after_help = URL_NOTES, after_long_help = LONG_URL_NOTES)]
pub struct UrlArgs {
    /// URLs of CRLs, OCSP responders (these need --issuer and --cert) or CA certificates
    #[arg(value_name = "URL", required = true)]
    pub urls: Vec<String>,

    /// The CA's certificate, which the object is verified against
    #[arg(long, value_name = "FILE")]
    pub issuer: Option<PathBuf>,

    /// The certificate that is asked about
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,

    /// How to show the report.
    #[command(flatten)]
    pub output: OutputArgs,

    /// The network and its limits.
    #[command(flatten)]
    pub network: NetworkArgs,

    /// Trust and time.
    #[command(flatten)]
    pub trust: TrustArgs,

    /// Severities.
    #[command(flatten)]
    pub severity: SeverityArgs,
}

/// `demo`
#[derive(Debug, Args)]
#[command(after_help = DEMO_NOTES, after_long_help = LONG_DEMO_NOTES)]
pub struct DemoArgs {
    /// Scenarios to stage, by name; without any, the tour: clean, then firewall
    #[arg(value_name = "SCENARIO")]
    pub scenarios: Vec<String>,

    /// List the scenarios
    #[arg(long, conflicts_with = "scenarios")]
    pub list: bool,

    /// Stage the scenario's near miss instead of its defect
    ///
    /// As close to the defect as can be without being one: the finding must stay silent.
    #[arg(long, requires = "scenarios")]
    pub silent: bool,

    /// How to show the reports.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A finding code, or a group of them (crl.*)
    #[arg(value_name = "CODE")]
    pub codes: Vec<String>,
}

/// `schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which report
    #[arg(value_enum, default_value_t)]
    pub report: SchemaArg,
}

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Of which subcommand; of the program without
    #[arg(value_name = "SUBCOMMAND")]
    pub subcommand: Option<String>,
}

/// How to show a report.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Format of the report
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: FormatArg,

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
    #[arg(long, value_name = "TIME", value_parser = values::instant)]
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

/// Which schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SchemaArg {
    /// certflight/report/1, of check
    #[default]
    Report,
    /// certflight/url/1, of url
    Url,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn check(arguments: &[&str]) -> Result<CheckArgs, clap::Error> {
        let arguments = ["certflight", "check"].iter().chain(arguments);
        match Cli::try_parse_from(arguments)?.command {
            Command::Check(args) => Ok(*args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn targets_are_needed() {
        assert_eq!(check(&[]).unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
        assert!(check(&["--targets-from", "hosts"]).unwrap().targets.is_empty());
        assert_eq!(check(&["a", "-", "b:1"]).unwrap().targets, ["a", "-", "b:1"]);
    }

    #[test]
    fn defaults_are_the_contract() {
        let args = check(&["a"]).unwrap();
        assert_eq!(args.network.deadline, Duration::from_secs(60));
        assert_eq!((args.network.retries, args.network.concurrency), (1, 64));
        assert_eq!((args.network.max_crl_size, args.network.max_response_size), (256 << 20, 1 << 20));
        assert_eq!(
            (args.output.format, args.purpose, args.network.timeout),
            (FormatArg::Human, PurposeArg::Server, None)
        );
    }

    #[test]
    fn no_proxy_takes_its_hosts_after_an_equals_sign_only() {
        let args = check(&["--no-proxy", "a"]).unwrap();
        assert_eq!((args.network.no_proxy.as_deref(), args.targets.as_slice()), (Some("*"), &["a".to_owned()][..]));
        assert_eq!(check(&["--no-proxy=.corp,10.0.0.0/8", "a"]).unwrap().network.no_proxy.unwrap(), ".corp,10.0.0.0/8");
    }

    #[test]
    fn contradictions_are_refused() {
        for arguments in [["-4", "-6"], ["-q", "-v"], ["--client-key", "key.pem"], ["--concurrency", "0"]] {
            let arguments: Vec<&str> = arguments.into_iter().chain(["a"]).collect();
            assert!(check(&arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn what_is_not_built_is_not_listed() {
        let mut command = Cli::command();
        command.build();
        let help: String = command.get_subcommands_mut().map(|sub| sub.render_long_help().to_string()).collect();
        for option in ["--config", "--expect", "--state", "--cache-dir", "--no-cache", "nagios"] {
            assert!(!help.contains(option), "{option}");
        }
        for option in ["--all-addresses", "--deny-private", "--max-crl-size", "--no-proxy", "--severity"] {
            assert!(help.contains(option), "{option}");
        }
    }
}
