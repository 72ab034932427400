//! The list of what has to be open, as tables and as rules: what `endpoints --format` names.
//!
//! Rules hold addresses, ports and the names of hosts; a name goes in only by `plain`, which leaves nothing that any
//! of these formats would take for more than a name.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;

use super::{csv, human, json};
use crate::egress::Protocol;
use crate::report::Severity;
use crate::report::endpoints::{EgressEndpoint, EndpointsReport};

/// `--format` of `endpoints`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// Comma-separated values.
    Csv,
    /// Rules for `nft -f`, added to this chain (family, table and chain).
    Nftables(String),
    /// `iptables` and `ip6tables` commands, for this chain.
    Iptables(String),
    /// Access lists for `squid.conf`.
    Squid,
    /// `New-NetFirewallRule` commands.
    Windows,
}

/// Writes the report of `endpoints`.
///
/// # Errors
/// Those of the writer.
pub fn write(
    report: &EndpointsReport,
    format: &Format,
    options: &human::Options,
    writer: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Human => human::endpoints(report, options, writer),
        Format::Json => json::write(report, writer),
        Format::Csv => table(report, writer),
        Format::Nftables(chain) => nftables(report, chain, writer),
        Format::Iptables(chain) => iptables(report, chain, writer),
        Format::Squid => squid(report, writer),
        Format::Windows => windows(report, writer),
    }
}

const COLUMNS: [&str; 12] = [
    "host",
    "port",
    "protocol",
    "scheme",
    "kinds",
    "needed_by",
    "addresses",
    "redirected_from",
    "urls",
    "open",
    "outcome",
    "http_status",
];

fn table(report: &EndpointsReport, writer: &mut dyn Write) -> io::Result<()> {
    let rows = report.endpoints.iter().map(|endpoint| {
        let probe = endpoint.probe.as_ref();
        [
            endpoint.host.clone(),
            endpoint.port.to_string(),
            endpoint.protocol.to_owned(),
            endpoint.scheme.scheme().to_owned(),
            kinds(endpoint).join(" "),
            endpoint.subjects.join("; "),
            endpoint.addresses.join(" "),
            endpoint.redirected_from.clone().unwrap_or_default(),
            endpoint.urls.join(" "),
            probe.map(|probe| if probe.open { "yes" } else { "no" }.to_owned()).unwrap_or_default(),
            probe.map(|probe| probe.outcome.to_string()).unwrap_or_default(),
            probe.and_then(|probe| probe.http_status).map(|status| status.to_string()).unwrap_or_default(),
        ]
    });
    csv::write(&COLUMNS, rows, writer)
}

fn kinds(endpoint: &EgressEndpoint) -> Vec<String> {
    endpoint.kinds.iter().map(|kind| kind.title().replace(' ', "-")).collect()
}

/// Letters, digits and what host names and addresses have beside them; anything else becomes `?`. At most 64.
fn plain(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    text.chars().map(|c| if fits(&c) { c } else { '?' }).take(64).collect()
}

/// `crl.example CRL OCSP`
fn label(endpoint: &EgressEndpoint) -> String {
    std::iter::once(plain(&endpoint.host)).chain(kinds(endpoint)).collect::<Vec<_>>().join(" ")
}

fn addresses(endpoint: &EgressEndpoint) -> (Vec<IpAddr>, Vec<IpAddr>) {
    endpoint.addresses.iter().filter_map(|address| address.parse::<IpAddr>().ok()).partition(IpAddr::is_ipv4)
}

fn joined(addresses: &[IpAddr], separator: &str) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

/// What whoever reads the rules has to know, as comments.
fn preamble(report: &EndpointsReport, about: &[&str], writer: &mut dyn Write) -> io::Result<()> {
    writeln!(
        writer,
        "# Outbound connections that certificate validation needs, by {} {} on {}.",
        report.tool.name, report.tool.version, report.finished
    )?;
    for line in about {
        writeln!(writer, "# {line}")?;
    }
    let unanswered = report.endpoints.iter().filter(|endpoint| endpoint.answered == Some(false));
    let unanswered: Vec<String> =
        unanswered.map(|endpoint| format!("{}:{}", plain(&endpoint.host), endpoint.port)).collect();
    if !unanswered.is_empty() {
        writeln!(writer, "# What these lead to is not known, since they did not answer: {}.", unanswered.join(", "))?;
    }
    if report.findings.iter().any(|finding| finding.severity > Severity::Info) {
        writeln!(writer, "# There are findings about it: run the same without --format to read them.")?;
    }
    Ok(())
}

const BY_ADDRESS: [&str; 3] = [
    "By the addresses that the names have now; renew the rules when those change, or allow by name on a proxy.",
    "Not in it: DNS, the target itself, and the answers, which a rule for established",
    "connections is taken to accept.",
];

/// Why there is no rule, where there cannot be one.
fn without_rule(endpoint: &EgressEndpoint) -> Option<String> {
    if endpoint.through_proxy {
        return Some(format!(
            "{} port {}: reached through the proxy, which alone needs a rule",
            label(endpoint),
            endpoint.port
        ));
    }
    let why = endpoint.unresolved.map_or_else(|| "no address".to_owned(), |outcome| outcome.to_string());
    endpoint.addresses.is_empty().then(|| format!("{} port {}: no rule, {why}", label(endpoint), endpoint.port))
}

fn nftables(report: &EndpointsReport, chain: &str, writer: &mut dyn Write) -> io::Result<()> {
    let about = format!(
        "For nft -f, once the chain {chain} is there; --chain names another. A rule before them that rejects has to go."
    );
    by_family(report, &about, writer, |endpoint, addresses, is_ipv4| {
        let family = if is_ipv4 { "ip" } else { "ip6" };
        let (addresses, port, label) = (joined(addresses, ", "), endpoint.port, label(endpoint));
        format!("add rule {chain} {family} daddr {{ {addresses} }} tcp dport {port} accept comment \"{label}\"")
    })
}

fn iptables(report: &EndpointsReport, chain: &str, writer: &mut dyn Write) -> io::Result<()> {
    let about = format!("For a shell as root. They go to the top of the chain {chain}; --chain names another.");
    by_family(report, &about, writer, |endpoint, addresses, is_ipv4| {
        let command = if is_ipv4 { "iptables" } else { "ip6tables" };
        let (addresses, port, label) = (joined(addresses, ","), endpoint.port, label(endpoint));
        format!("{command} -I {chain} -p tcp -d {addresses} --dport {port} -m comment --comment \"{label}\" -j ACCEPT")
    })
}

/// A rule for the IPv4 addresses of each host and port, and one for the others.
fn by_family(
    report: &EndpointsReport,
    about: &str,
    writer: &mut dyn Write,
    rule: impl Fn(&EgressEndpoint, &[IpAddr], bool) -> String,
) -> io::Result<()> {
    rules(report, about, writer, |endpoint| {
        let (v4, v6) = addresses(endpoint);
        let each = [(v4, true), (v6, false)];
        let some = each.iter().filter(|(addresses, _)| !addresses.is_empty());
        some.map(|(addresses, is_ipv4)| rule(endpoint, addresses, *is_ipv4)).collect()
    })
}

/// The rules of each host and port, or why it has none.
fn rules(
    report: &EndpointsReport,
    about: &str,
    writer: &mut dyn Write,
    of: impl Fn(&EgressEndpoint) -> Vec<String>,
) -> io::Result<()> {
    preamble(report, &[&[about], BY_ADDRESS.as_slice()].concat(), writer)?;
    for endpoint in &report.endpoints {
        match without_rule(endpoint) {
            Some(why) => writeln!(writer, "# {why}")?,
            None => of(endpoint).iter().try_for_each(|rule| writeln!(writer, "{rule}"))?,
        }
    }
    Ok(())
}

/// One pair of access lists for each port: destinations and the port itself. A name that squid would not take for one
/// is left out.
fn squid(report: &EndpointsReport, writer: &mut dyn Write) -> io::Result<()> {
    preamble(
        report,
        &["By name: for squid.conf, before the line `http_access deny all`. They allow whoever may use the proxy."],
        writer,
    )?;
    let mut by_port: BTreeMap<u16, (Vec<String>, Vec<String>, bool)> = BTreeMap::new();
    for endpoint in &report.endpoints {
        let (names, literals, by_connect) = by_port.entry(endpoint.port).or_default();
        *by_connect |= endpoint.scheme != Protocol::Http;
        if plain(&endpoint.host) != endpoint.host {
            writeln!(writer, "# {}: left out, since it is no host name", label(endpoint))?;
        } else if endpoint.host.parse::<IpAddr>().is_ok() {
            literals.push(endpoint.host.clone());
        } else {
            names.push(endpoint.host.clone());
        }
    }
    for (port, (names, literals, by_connect)) in by_port {
        writeln!(writer, "acl certflight_port_{port} port {port}")?;
        // What the rules that squid comes with let through: CONNECT, which all but plain HTTP goes by, to port 443 alone.
        if port != 80 && port != 443 {
            writeln!(writer, "acl Safe_ports port {port}")?;
        }
        if by_connect && port != 443 {
            writeln!(writer, "acl SSL_ports port {port}")?;
        }
        for (name, kind, values) in [("names", "dstdomain", names), ("addresses", "dst", literals)] {
            if !values.is_empty() {
                for value in values {
                    writeln!(writer, "acl certflight_{name}_{port} {kind} {value}")?;
                }
                writeln!(writer, "http_access allow certflight_{name}_{port} certflight_port_{port}")?;
            }
        }
    }
    Ok(())
}

fn windows(report: &EndpointsReport, writer: &mut dyn Write) -> io::Result<()> {
    rules(report, "For PowerShell as administrator.", writer, |endpoint| {
        let (v4, v6) = addresses(endpoint);
        let (addresses, port, label) = (joined(&[v4, v6].concat(), ","), endpoint.port, label(endpoint));
        vec![format!(
            "New-NetFirewallRule -DisplayName \"certflight {label} {port}\" -Direction Outbound -Action Allow -Protocol TCP -RemoteAddress {addresses} -RemotePort {port}"
        )]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::endpoints::{Probe, Use};
    use crate::report::{EndpointKind, HttpTimings, Outcome, Time, Tool, Verdict};

    fn endpoint(host: &str, port: u16, addresses: &[&str]) -> EgressEndpoint {
        EgressEndpoint {
            host: host.to_owned(),
            port,
            protocol: "tcp",
            scheme: Protocol::Http,
            kinds: vec![EndpointKind::Crl, EndpointKind::DeltaCrl],
            uses: vec![Use { kind: EndpointKind::Crl, subjects: vec!["=HYPERLINK(\"x\")".to_owned()] }],
            urls: vec![format!("http://{host}/\n\x1b[2J")],
            certificates: vec!["ab".repeat(32)],
            subjects: vec!["=HYPERLINK(\"x\")".to_owned()],
            redirected_from: None,
            addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
            unresolved: addresses.is_empty().then_some(Outcome::DnsTimeout),
            through_proxy: false,
            answered: None,
            probe: None,
        }
    }

    fn report(endpoints: Vec<EgressEndpoint>) -> EndpointsReport {
        let time = Time("2026-11-28T12:00:00Z".parse().unwrap());
        EndpointsReport {
            schema: crate::report::endpoints::ENDPOINTS_SCHEMA,
            tool: Tool::THIS,
            started: time,
            finished: time,
            verdict: Verdict::Ok,
            sources: vec!["new.pem\x07".to_owned()],
            endpoints,
            findings: Vec::new(),
        }
    }

    fn written(format: &Format, endpoints: Vec<EgressEndpoint>) -> Vec<String> {
        let mut octets = Vec::new();
        write(&report(endpoints), format, &human::Options::default(), &mut octets).unwrap();
        let text = String::from_utf8(octets).unwrap();
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        let rules = !matches!(format, Format::Human | Format::Json | Format::Csv);
        text.lines().filter(|line| !rules || !line.starts_with("# ")).map(str::to_owned).collect()
    }

    const BOTH: [&str; 3] = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];

    #[test]
    fn rules_are_by_address_family_and_port() {
        let one = || vec![endpoint("crl.example", 80, &BOTH)];
        assert_eq!(
            written(&Format::Nftables("inet filter output".to_owned()), one()),
            [
                "add rule inet filter output ip daddr { 192.0.2.1, 192.0.2.2 } tcp dport 80 accept comment \"crl.example CRL delta-CRL\"",
                "add rule inet filter output ip6 daddr { 2001:db8::1 } tcp dport 80 accept comment \"crl.example CRL delta-CRL\"",
            ]
        );
        assert_eq!(
            written(&Format::Iptables("OUTPUT".to_owned()), one()),
            [
                "iptables -I OUTPUT -p tcp -d 192.0.2.1,192.0.2.2 --dport 80 -m comment --comment \"crl.example CRL delta-CRL\" -j ACCEPT",
                "ip6tables -I OUTPUT -p tcp -d 2001:db8::1 --dport 80 -m comment --comment \"crl.example CRL delta-CRL\" -j ACCEPT",
            ]
        );
        assert_eq!(
            written(&Format::Windows, one()),
            [
                "New-NetFirewallRule -DisplayName \"certflight crl.example CRL delta-CRL 80\" -Direction Outbound -Action Allow \
              -Protocol TCP -RemoteAddress 192.0.2.1,192.0.2.2,2001:db8::1 -RemotePort 80"
            ]
        );
    }

    #[test]
    fn squid_allows_by_name_each_port_apart() {
        let endpoints = vec![
            endpoint("crl.example", 80, &BOTH),
            endpoint("ocsp.example", 80, &[]),
            endpoint("192.0.2.9", 8080, &["192.0.2.9"]),
            endpoint("a$(id).example", 80, &BOTH),
        ];
        assert_eq!(
            written(&Format::Squid, endpoints),
            [
                "acl certflight_port_80 port 80",
                "acl certflight_names_80 dstdomain crl.example",
                "acl certflight_names_80 dstdomain ocsp.example",
                "http_access allow certflight_names_80 certflight_port_80",
                "acl certflight_port_8080 port 8080",
                "acl Safe_ports port 8080",
                "acl certflight_addresses_8080 dst 192.0.2.9",
                "http_access allow certflight_addresses_8080 certflight_port_8080",
            ]
        );
    }

    #[test]
    fn hostile_names_stay_names_and_a_host_without_address_has_no_rule() {
        for format in [
            Format::Nftables("inet filter output".to_owned()),
            Format::Iptables("OUTPUT".to_owned()),
            Format::Squid,
            Format::Windows,
        ] {
            let hostile = endpoint("a\"; $(reboot) `id` \n & calc", 80, &["192.0.2.1"]);
            let text = written(&format, vec![hostile]).join("\n");
            assert!(!text.contains(['$', '`', '&', ';', '(']), "{text}");
            if format != Format::Squid {
                assert_eq!(written(&format, vec![endpoint("gone.example", 80, &[])]), Vec::<String>::new());
            }
        }
        let mut octets = Vec::new();
        nftables(&report(vec![endpoint("gone.example", 80, &[])]), "inet filter output", &mut octets).unwrap();
        assert!(
            String::from_utf8(octets).unwrap().contains("# gone.example CRL delta-CRL port 80: no rule, dns-timeout")
        );
    }

    #[test]
    fn tables_read_back_and_hold_no_formula() {
        let lines = written(&Format::Csv, vec![endpoint("crl.example", 80, &BOTH)]).join("\n");
        let mut reader = ::csv::Reader::from_reader(lines.as_bytes());
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(row.get(0), Some("crl.example"));
        assert_eq!(row.get(5), Some("'=HYPERLINK(\"x\")"));
        assert_eq!(row.get(6), Some("192.0.2.1 192.0.2.2 2001:db8::1"));
    }

    #[test]
    fn people_read_what_is_closed_in_the_last_line() {
        let closed = Probe {
            open: false,
            outcome: Outcome::Timeout,
            http_status: None,
            timings: HttpTimings::default(),
            address: Some("192.0.2.1:80".to_owned()),
            redirected_to: None,
            detail: Some("connect: no answer in 5 s".to_owned()),
        };
        let open = Probe { open: true, outcome: Outcome::Ok, http_status: Some(200), ..closed.clone() };
        let with = |endpoint: EgressEndpoint, probe: &Probe| EgressEndpoint { probe: Some(probe.clone()), ..endpoint };
        let endpoints = vec![
            with(endpoint("crl.example", 80, &BOTH), &closed),
            with(endpoint("2001:db8::1", 443, &BOTH[2..]), &open),
        ];
        let lines = written(&Format::Human, endpoints.clone());
        assert_eq!(
            lines.last().unwrap(),
            "1 of 2 hosts and ports is closed from here: crl.example:80 (timeout) (2026-11-28T12:00:00Z)"
        );
        assert!(lines.iter().any(|line| line.contains("[2001:db8::1]:443")), "{lines:#?}");
        let open = vec![with(endpoint("crl.example", 80, &BOTH), &open)];
        assert!(written(&Format::Human, open).last().unwrap().starts_with("1 host and port: all open from here"));
        let untested = written(&Format::Human, vec![endpoint("crl.example", 80, &BOTH)]);
        assert!(untested.last().unwrap().contains("not tested from here: --probe does that"));
        let schema = serde_json::to_value(crate::report::schema::endpoints()).unwrap();
        let value = serde_json::to_value(report(endpoints)).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        assert!(validator.is_valid(&value), "{:#?}", validator.iter_errors(&value).collect::<Vec<_>>());
    }
}
