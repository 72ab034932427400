//! What was typed. No file is read here, no name looked up; values are parsed as far as their text
//! alone goes.

mod shared;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::values;
pub use shared::{
    ColorArg, FormatArg, JobArgs, NetworkArgs, OutputArgs, PurposeArg, SeverityArgs, ShowArgs, TrustArgs,
};

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
  certflight endpoints new-chain.pem --probe       which hosts have to be open, and are they?
  certflight rollover --from www.example.org --to new-chain.pem   may it go ahead?
  certflight roots new-root.pem                    is this root trusted here?
  certflight tls www.example.org                   which versions, suites and clients?
  certflight listen 8443                           who connects, and is it too old?
  certflight explain crl.expired                   what a finding means
  certflight demo                                  all of it without a network"
);
notes!(
    CHECK_NOTES,
    LONG_CHECK_NOTES,
    "\
TARGET is HOST, HOST:PORT, [IPv6]:PORT, SCHEME://HOST[:PORT], a file (PEM, DER, PKCS#7, PKCS#12)
or - for PEM on standard input. Schemes: https (the default), tls (needs a port); with STARTTLS or its
like smtp, submission, imap, pop3, ftp, ldap, xmpp, xmpp-server, sieve, nntp, postgres, mysql, mssql, rdp;
direct TLS smtps, imaps, pop3s, ftps, ldaps.

Examples:
  certflight check www.example.org
  certflight check smtp://mx.example.org --connect 192.0.2.25
  certflight check new-chain.pem --servername www.example.org --at 2026-12-01
  certflight check smtp://mx.example.org --expect new-chain.toml
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
    ENDPOINTS_NOTES,
    LONG_ENDPOINTS_NOTES,
    "\
The target itself and DNS are not in the list. To find redirects the endpoints are contacted, unless
--offline is given; names are looked up all the same, since rules are by the addresses they have now.

Examples:
  certflight endpoints new-chain.pem                      a certificate not yet installed will do
  certflight endpoints smtp://mx.example.org --probe      is the firewall open?
  certflight endpoints new-chain.pem --format nftables > certflight.nft
  certflight endpoints --from-list hosts.txt              one HOST, HOST:PORT or URL a line"
);
notes!(
    ROLLOVER_NOTES,
    LONG_ROLLOVER_NOTES,
    "\
Targets are as for check. --at and --connect are about the new one. A file is checked for the name of the
server that it takes the place of, unless --servername gives one.

Examples:
  certflight rollover --from www.example.org --to new-chain.pem
  certflight rollover --from smtp://mx.example.org --to new-chain.pem --at 2026-12-24
  certflight rollover --from old.pem --to new.pem --servername www.example.org"
);
notes!(
    ROOTS_NOTES,
    LONG_ROOTS_NOTES,
    "\
QUERY is a part of a root's name (GlobalSign), its whole subject (CN=…,O=…), a SHA-1 or SHA-256
thumbprint in any spelling, or a file of certificates (PEM, DER, PKCS#7, PKCS#12; - for PEM on
standard input). Where some root goes by just that name, only those count; any that is valid will do.
A file asks for every root in it; a chain without its root, for the root above it.
With a QUERY it exits with 0 only where what is asked for is trusted. A trust anchor is a name and a
key: another certificate for both is as good.

Examples:
  certflight roots                                         the whole store
  certflight roots \"GlobalSign Root CA - R1\"
  certflight roots D4:DE:20:D0:5E:66:FC:53:FE:1A:50:88:2C:78:DB:28:52:CA:E4:74
  certflight roots new-root.pem
  certflight roots --compare mozilla --format csv -o roots.csv"
);
notes!(
    TLS_NOTES,
    LONG_TLS_NOTES,
    "\
Nothing is verified here: check does that. One connection asks one question, a few at a time; --rate slows it down for
servers that count connections.

Examples:
  certflight tls www.example.org
  certflight tls smtp://mx.example.org --expect-office365
  certflight tls www.example.org --expect-client schannel-win10 --expect-client java-8
  certflight tls --targets-from hosts.txt --suites-only --format ndjson
  certflight tls www.example.org -v                        every known client, and what it would get"
);
notes!(
    LISTEN_NOTES,
    LONG_LISTEN_NOTES,
    "\
ADDR is PORT or :PORT (every address of this machine), HOST:PORT or [IPv6]:PORT; port 0 takes a
free one. Clients see a failed handshake, unless --cert or --forward is given; some then try again
with less, and are listed for each try. With --forward the service sees connections from this
machine instead of the clients' addresses.
Fit is a client that offers TLS 1.3, or TLS 1.2 with a suite that Office 365 lists (AES with ECDHE,
AES-GCM with RSA) or its like with ECDSA. Ctrl-C ends it and sums up; the exit code is 0 when every
client was fit, 1 when some were not, 3 when none was seen. With ndjson, --output appends.

Examples:
  certflight listen 8443                                     who connects, and with what?
  certflight listen :443 --forward 10.0.0.5:443              in front of a live service
  certflight listen :25 --starttls smtp --forward mx2:25     which mail servers still need TLS 1.0?
  certflight listen 8443 --cert www.pem --key www.key        shows each client a page about itself
  certflight listen 8443 --duration 86400 --format ndjson >> clients.ndjson"
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
    /// List the hosts and ports that a firewall must let out
    ///
    /// Every host that validating these chains needs: CRLs, OCSP, caIssuers, and where redirects lead. For the firewall
    /// ticket, or as rules to load. With --probe each is tested from here.
    Endpoints(Box<EndpointsArgs>),
    /// Compare the old chain with the new one before a rollover
    ///
    /// What changes and what that means for clients, whether this machine trusts the new root, which hosts must newly be
    /// open, and a full check of the new chain: may the rollover go ahead from here?
    Rollover(Box<RolloverArgs>),
    /// List or search this machine's trust store
    ///
    /// Every root with its thumbprints, validity, key and origin, or the answer to whether one is
    /// trusted here: present, absent, expired, or present under another key. Replaces
    /// `certmgr.msc`.
    Roots(Box<RootsArgs>),
    /// Find out what of TLS a server takes, and which clients can connect
    ///
    /// Versions from SSL 2 to TLS 1.3, cipher suites in whose order, forward secrecy, key exchange groups, signatures, and
    /// for known clients and Office 365 whether they would connect. For whoever has to show TLS 1.2 readiness.
    Tls(Box<TlsArgs>),
    /// See which clients connect, and which are too old
    ///
    /// Accepts connections and reads each client's first message: which versions and cipher suites it offers, whether it will
    /// still connect when only TLS 1.2 and newer are spoken, what it is. Can stand in front of a live service and pass
    /// everything on. Replaces the custom IIS log of weak TLS.
    Listen(Box<ListenArgs>),
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

    /// How it is fetched and judged.
    #[command(flatten)]
    pub job: JobArgs,
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

/// `endpoints`
#[derive(Debug, Args)]
#[command(after_help = ENDPOINTS_NOTES, after_long_help = LONG_ENDPOINTS_NOTES)]
pub struct EndpointsArgs {
    /// Servers, certificate files, or - for PEM on standard input
    #[arg(value_name = "TARGET", required_unless_present_any = ["targets_from", "from_list"])]
    pub targets: Vec<String>,

    /// Read targets from a file, one a line, # comments; - for standard input
    #[arg(long, value_name = "FILE")]
    pub targets_from: Option<PathBuf>,

    /// Test the places in a file, one a line: HOST, HOST:PORT or a URL; - for standard input
    ///
    /// They are tested, and with them what the targets need, whether --probe is given or not. Any HTTP answer opens a
    /// host; a URL that names an object has to give something other than a web page.
    #[arg(long, value_name = "FILE")]
    pub from_list: Option<PathBuf>,

    /// Test each from here; a closed one is critical
    #[arg(long)]
    pub probe: bool,

    /// Format of the list
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Output")]
    pub format: EndpointsFormatArg,

    /// Chain that rules are for [default: inet filter output of nftables, OUTPUT of iptables]
    #[arg(long, value_name = "CHAIN", value_parser = values::chain, help_heading = "Output")]
    pub chain: Option<String>,

    /// How to show the list.
    #[command(flatten)]
    pub show: ShowArgs,

    /// How targets are fetched and judged.
    #[command(flatten)]
    pub job: JobArgs,
}

/// `--format` of `endpoints`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EndpointsFormatArg {
    /// For people
    #[default]
    Human,
    /// One JSON document, as `certflight schema endpoints` describes it
    Json,
    /// Comma-separated values with a header
    Csv,
    /// Rules for nft -f
    Nftables,
    /// iptables and ip6tables commands
    Iptables,
    /// Access lists for squid.conf
    Squid,
    /// New-NetFirewallRule commands for PowerShell
    Windows,
}

/// `rollover`
#[derive(Debug, Args)]
#[command(after_help = ROLLOVER_NOTES, after_long_help = LONG_ROLLOVER_NOTES)]
pub struct RolloverArgs {
    /// What serves today: a server or a file
    #[arg(long, value_name = "TARGET")]
    pub from: String,

    /// What comes: a server or a file
    #[arg(long, value_name = "TARGET")]
    pub to: String,

    /// How to show the report.
    #[command(flatten)]
    pub output: OutputArgs,

    /// How both are fetched and judged.
    #[command(flatten)]
    pub job: JobArgs,
}

/// `roots`
#[derive(Debug, Args)]
#[command(after_help = ROOTS_NOTES, after_long_help = LONG_ROOTS_NOTES)]
pub struct RootsArgs {
    /// A root's name or a part of it, a thumbprint, or a file of certificates; all of them without
    ///
    /// Several words are one query, so that neither names nor thumbprints need quotes.
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,

    /// Show what differs from another list
    ///
    /// Mozilla's is the one built into this program. A difference is information and changes no exit code.
    #[arg(long, value_enum, value_name = "LIST")]
    pub compare: Option<CompareArg>,

    /// File whose first line is the password of a PKCS#12 file
    #[arg(long, value_name = "FILE", requires = "query")]
    pub password_file: Option<PathBuf>,

    /// Format of the report
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Output")]
    pub format: RootsFormatArg,

    /// Where to, and how much of it.
    #[command(flatten)]
    pub show: ShowArgs,

    /// Trust and time.
    #[command(flatten)]
    pub trust: TrustArgs,

    /// Severities.
    #[command(flatten)]
    pub severity: SeverityArgs,
}

/// `listen`
#[derive(Debug, Args)]
#[command(after_help = LISTEN_NOTES, after_long_help = LONG_LISTEN_NOTES)]
pub struct ListenArgs {
    /// Where to listen: PORT, or HOST:PORT with an IPv6 address in brackets
    #[arg(value_name = "ADDR", required = true, value_parser = values::listen_at)]
    pub addresses: Vec<values::ListenAt>,

    /// Pass connections on to this server, untouched
    #[arg(long, value_name = "HOST:PORT", value_parser = values::forward, conflicts_with = "cert")]
    pub forward: Option<(String, u16)>,

    /// Complete handshakes with this certificate (PEM with its issuers, or PKCS#12), and show the client a page
    ///
    /// Clients that offer no more than TLS 1.1 cannot be served and get an alert.
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,

    /// Its private key, where it is in another file
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,

    /// File whose first line is the password of --cert
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub password_file: Option<PathBuf>,

    /// Speak this until the client asks for TLS, or with --forward follow it
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    pub starttls: Option<ListenStarttlsArg>,

    /// End after that many connections
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// End after that time
    #[arg(long, value_name = "SECS", value_parser = values::long_seconds)]
    pub duration: Option<Duration>,

    /// Time for a client's hello, and for each step after it
    #[arg(long, value_name = "SECS", value_parser = values::seconds, default_value = "5")]
    pub timeout: Duration,

    /// Connections at once; beyond them, whoever has been silent longest is let go
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub concurrency: u32,

    /// Clients that are listed; further ones are only counted
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = values::count)]
    pub max_clients: usize,

    /// Format of what is told
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Output")]
    pub format: ListenFormatArg,

    /// Where to, and how much of it.
    #[command(flatten)]
    pub show: ShowArgs,

    /// Severities.
    #[command(flatten)]
    pub severity: SeverityArgs,
}

/// `--starttls` of `listen`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListenStarttlsArg {
    /// Mail
    Smtp,
}

/// `--format` of `listen`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ListenFormatArg {
    /// For people: a table that is kept up to date on a terminal, else a line for each new client; a summary in the end
    #[default]
    Human,
    /// One JSON document in the end, as `certflight schema listen` describes it
    Json,
    /// One JSON object for each connection, as they come
    Ndjson,
    /// One client a line, in the end
    Csv,
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

/// `tls`
#[derive(Debug, Args)]
#[command(after_help = TLS_NOTES, after_long_help = LONG_TLS_NOTES)]
pub struct TlsArgs {
    /// Servers: HOST, HOST:PORT or SCHEME://HOST, with or without a port
    #[arg(value_name = "TARGET", required_unless_present_any = ["targets_from", "list_clients"])]
    pub targets: Vec<String>,

    /// Read targets from a file, one a line, # comments; - for standard input
    #[arg(long, value_name = "FILE")]
    pub targets_from: Option<PathBuf>,

    /// Ask for versions and suites alone: neither groups, signatures and sessions, nor known clients
    #[arg(long, conflicts_with = "expect_client")]
    pub suites_only: bool,

    /// Ask about this known client only (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with_all = ["suites_only", "no_clients"])]
    pub client: Vec<String>,

    /// Leave known clients out
    #[arg(long, conflicts_with = "expect_client")]
    pub no_clients: bool,

    /// List the clients that are known, and end
    #[arg(long, exclusive = true)]
    pub list_clients: bool,

    /// A known client that has to be able to connect, else it is critical (repeatable)
    #[arg(long, value_name = "NAME")]
    pub expect_client: Vec<String>,

    /// Office 365 has to be able to connect, else it is critical
    #[arg(long)]
    pub expect_office365: bool,

    /// Make at most that many connections a second, over all targets
    #[arg(long, value_name = "N", help_heading = "Network")]
    pub rate: Option<std::num::NonZeroU32>,

    /// SNI: the server name asked for
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    pub servername: Option<String>,

    /// Connect there instead of resolving the target
    #[arg(long, value_name = "ADDR[:PORT]", help_heading = "Connection", value_parser = values::connect)]
    pub connect: Option<(String, Option<u16>)>,

    /// How to show the report.
    #[command(flatten)]
    pub output: OutputArgs,

    /// The network and its limits.
    #[command(flatten)]
    pub network: NetworkArgs,

    /// Severities.
    #[command(flatten)]
    pub severity: SeverityArgs,
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

/// Which schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SchemaArg {
    /// certflight/report/1, of check
    #[default]
    Report,
    /// certflight/url/1, of url
    Url,
    /// certflight/endpoints/1, of endpoints
    Endpoints,
    /// certflight/rollover/1, of rollover
    Rollover,
    /// certflight/roots/1, of roots
    Roots,
    /// certflight/tls/1, of tls
    Tls,
    /// certflight/listen/1, of listen
    Listen,
}

/// `--format` of `roots`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RootsFormatArg {
    /// For people
    #[default]
    Human,
    /// One JSON document, as `certflight schema roots` describes it
    Json,
    /// A table, one root a line; with a query, those that answer
    Csv,
}

/// `--compare`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareArg {
    /// The list that Mozilla's programs trust for TLS servers
    Mozilla,
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
    fn every_scheme_is_told() {
        let told: Vec<&str> = CHECK_NOTES.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
        for scheme in crate::target::Scheme::ALL {
            assert!(told.contains(&scheme.name()), "{}", scheme.name());
        }
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
        assert_eq!(args.job.network.deadline, Duration::from_secs(60));
        assert_eq!((args.job.network.retries, args.job.network.concurrency), (1, 64));
        assert_eq!((args.job.network.max_crl_size, args.job.network.max_response_size), (256 << 20, 1 << 20));
        assert_eq!(
            (args.output.format, args.job.purpose, args.job.network.timeout),
            (FormatArg::Human, PurposeArg::Server, None)
        );
    }

    #[test]
    fn no_proxy_takes_its_hosts_after_an_equals_sign_only() {
        let args = check(&["--no-proxy", "a"]).unwrap();
        assert_eq!((args.job.network.no_proxy.as_deref(), args.targets.as_slice()), (Some("*"), &["a".to_owned()][..]));
        assert_eq!(
            check(&["--no-proxy=.corp,10.0.0.0/8", "a"]).unwrap().job.network.no_proxy.unwrap(),
            ".corp,10.0.0.0/8"
        );
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
        for option in ["--config", "--state", "--cache-dir", "--no-cache", "nagios"] {
            assert!(!help.contains(option), "{option}");
        }
        for option in ["--all-addresses", "--expect", "--deny-private", "--max-crl-size", "--no-proxy", "--severity"] {
            assert!(help.contains(option), "{option}");
        }
    }
}
