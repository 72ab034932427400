//! Whose fault a failure is, where more is known than its outcome: what an ICMP error says, a resolver's false answer, a
//! proxy, an issuer that nobody trusts.

use std::net::{IpAddr, SocketAddr};

use super::tried::Tried;
use super::wording::list;
use crate::net::{AnswerSource, Cause, IcmpError, IcmpKind, Outcome, is_private};

/// What happened, where the cause tells it better than the outcome.
pub(super) fn words(tried: &Tried) -> Option<String> {
    let place = tried.place();
    match tried.cause.as_ref()? {
        Cause::Icmp(error @ IcmpError { kind, .. }) => Some(match (sender(error, tried), kind) {
            (Sender::ThisHost, IcmpKind::HostUnreachable) => {
                format!("{place} is unreachable: nothing answers at its address on this machine's own network")
            }
            (Sender::ThisHost, _) => {
                format!("this machine's own firewall rejects connections to {place} (ICMP {kind})")
            }
            (Sender::Itself, _) => format!("{place} refused the connection (ICMP {kind})"),
            (Sender::OnTheWay(from), IcmpKind::TimeExceeded) => {
                format!("{place} is unreachable: packets to it run in circles (ICMP {kind} from {from})")
            }
            (Sender::OnTheWay(from), _) => match kind.outcome() {
                Outcome::Refused => format!("{from} rejects connections to {place} (ICMP {kind})"),
                _ => format!("{place} is unreachable, says {from} (ICMP {kind})"),
            },
        }),
        Cause::NoRoute => Some(format!("{place} is unreachable: this machine has no route to it")),
        Cause::NameServers { asked, .. } if tried.outcome == Outcome::DnsNxdomain && !asked.is_empty() => {
            Some(format!("the name {} does not exist (NXDOMAIN), says the name server {}", tried.host, servers(asked)))
        }
        _ => None,
    }
}

/// What explains it beside the outcome: a false answer of the resolver.
pub(super) fn remark(tried: &Tried) -> Option<String> {
    let address = tried.false_answer()?;
    let what = if address.is_loopback() { "this machine itself" } else { "no host's address" };
    let who = match &tried.answer_source {
        AnswerSource::HostsFile => "the hosts file".to_owned(),
        AnswerSource::NameServer(server) => format!("the name server {}", server_name(*server)),
        AnswerSource::CLibrary | AnswerSource::Given => "the name service".to_owned(),
    };
    Some(format!("{who} says that {} is at {address}, which is {what}", tried.host))
}

/// What to do, where the cause tells it better than the outcome; `named` is the host with its addresses.
pub(super) fn remedy(tried: &Tried, named: &str) -> Option<String> {
    let Tried { host, port, .. } = tried;
    if let Some(address) = tried.false_answer() {
        return Some(mend_answer(tried, address));
    }
    let allow = format!("allow outbound TCP from this host to {named} port {port}");
    Some(match tried.cause.as_ref()? {
        Cause::Icmp(error) => match (sender(error, tried), error.kind.outcome()) {
            (Sender::ThisHost, Outcome::Unreachable) if error.kind == IcmpKind::HostUnreachable => format!(
                "check that {named} is up, and that this host's addresses and routes are right: it looks for it on its own network"
            ),
            (Sender::ThisHost, _) => format!("have this host's own firewall {allow}"),
            (Sender::Itself, _) => format!(
                "have the operator of {named} check that the service runs on TCP port {port} and that the server's own firewall \
                 accepts it from this host; if both are so, have the firewall team {allow}"
            ),
            (Sender::OnTheWay(from), Outcome::Refused) => format!("have the firewall at {from} {allow}"),
            (Sender::OnTheWay(from), _) => format!(
                "have whoever runs {from} find out why it knows no way to {named}, or have that firewall {allow}; if it is right, \
                 the operator of {host} has to look"
            ),
        },
        Cause::NoRoute => format!("give this host a route to {named}, then {allow}"),
        Cause::NameServers { asked, .. } if asked.is_empty() => {
            format!("give this host a name server that answers for {host}, or correct the name")
        }
        Cause::NameServers { asked, rejected } => resolver(tried.outcome, &servers(asked), *rejected, host),
        Cause::ProxyUnreached { proxy } => {
            format!("check that {proxy} is the right proxy, and allow outbound TCP from this host to it")
        }
        Cause::ProxyLogin { given } => {
            let login = if *given {
                "correct the user and password in the proxy's URL"
            } else {
                "give the proxy a login in its URL (http://USER:PASSWORD@HOST:PORT)"
            };
            format!(
                "{login}, or have its administrator allow {host} port {port} for this host without one: most services that check \
                 certificates cannot log in"
            )
        }
        Cause::UnknownIssuer { issuer } => format!(
            "find out who {issuer} is: a product that inspects TLS on the way has to exempt {host} port {port} for this host; a \
             CA of your own has to be in this host's trust store; otherwise have the operator of {named} use a CA that its \
             clients trust"
        ),
    })
}

/// Whether the address could not be reached because there is no way to its network from here at all.
pub(super) fn is_unrouted(tried: &Tried) -> bool {
    let of_the_network = match &tried.cause {
        Some(Cause::Icmp(error)) => error.kind == IcmpKind::NetworkUnreachable,
        _ => true,
    };
    tried.outcome == Outcome::Unreachable && of_the_network
}

/// What may be wrong beside it: a private address of a name that looks public.
pub(super) fn doubt(tried: &[&Tried]) -> Option<String> {
    tried.iter().find_map(|tried| {
        let AnswerSource::NameServer(server) = tried.answer_source else { return None };
        let address = tried.address.filter(|_| !tried.through_proxy).map(|address| address.ip())?;
        let is_public_name = psl::suffix(tried.host.as_bytes()).is_some_and(|suffix| suffix.is_known());
        (is_private(address) && is_public_name && tried.false_answer().is_none()).then(|| {
            format!(
                "if {} is no server of your own network, have the administrator of the name server {} correct its answer: {address} \
                 is a private address",
                tried.host,
                server_name(server)
            )
        })
    })
}

fn mend_answer(tried: &Tried, address: IpAddr) -> String {
    let Tried { host, port, .. } = tried;
    match &tried.answer_source {
        AnswerSource::NameServer(server) => format!(
            "have the administrator of the name server {} let {host} through its filter, which answers {address} in place of the \
             real address",
            server_name(*server)
        ),
        AnswerSource::HostsFile => format!(
            "take {host} out of this machine's hosts file, or correct its address there; if it is meant to be this machine, start \
             its service on TCP port {port}"
        ),
        AnswerSource::CLibrary | AnswerSource::Given => format!(
            "correct what this machine's name service (nsswitch.conf) answers for {host}; if it is meant to be this machine, start \
             its service on TCP port {port}"
        ),
    }
}

fn resolver(outcome: Outcome, servers: &str, rejected: bool, host: &str) -> String {
    let open = format!("allow outbound UDP and TCP from this host to the name server {servers} port 53");
    match outcome {
        Outcome::DnsNxdomain | Outcome::DnsNoAddress => format!(
            "check the spelling of {host}; if it has an address elsewhere, have the administrator of the name server {servers} let \
             it through (a DNS filter can answer like this), or ask another; if not, have whoever runs its zone publish one"
        ),
        _ if rejected => format!("check that {servers} is the right name server, and {open}"),
        Outcome::DnsTimeout => {
            format!("{open}; if that is so, have its administrator find out why it gives no answer for {host}")
        }
        _ => format!("have the administrator of the name server {servers} find out why it gives no address for {host}"),
    }
}

/// Who sent an ICMP error.
enum Sender {
    ThisHost,
    /// The address that was to be connected to.
    Itself,
    /// A router or firewall.
    OnTheWay(IpAddr),
}

fn sender(error: &IcmpError, tried: &Tried) -> Sender {
    if error.from_here {
        Sender::ThisHost
    } else if tried.address.is_some_and(|address| address.ip() == error.from) {
        Sender::Itself
    } else {
        Sender::OnTheWay(error.from)
    }
}

fn servers(asked: &[SocketAddr]) -> String {
    list(&asked.iter().map(|server| server_name(*server)).collect::<Vec<_>>())
}

/// The port goes without saying where it is DNS's own.
fn server_name(server: SocketAddr) -> String {
    if server.port() == 53 { server.ip().to_string() } else { server.to_string() }
}

impl Tried {
    /// The address that a resolver made up, if it did: loopback or none at all, for a host that is not this one. Who
    /// pins a name or asks a name server of his own making knows what that leads to.
    pub(super) fn false_answer(&self) -> Option<IpAddr> {
        let address = self.address.filter(|_| !self.through_proxy)?.ip();
        let made_up = address.is_loopback() || address.is_unspecified();
        let host = self.host.trim_end_matches('.').to_ascii_lowercase();
        let is_local = host == "localhost" || host.ends_with(".localhost");
        let asked = match &self.answer_source {
            AnswerSource::Given => false,
            AnswerSource::NameServer(server) => !(server.ip().is_loopback() && server.port() != 53),
            AnswerSource::HostsFile | AnswerSource::CLibrary => true,
        };
        (made_up && !is_local && asked && self.outcome != Outcome::Ok).then_some(address)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tried::remedies;
    use super::*;

    fn tried(address: &str, outcome: Outcome) -> Tried {
        Tried {
            address: Some(address.parse().unwrap()),
            host: "crl.example.com".to_owned(),
            port: 80,
            through_proxy: false,
            outcome,
            detail: None,
            cause: None,
            answer_source: AnswerSource::NameServer("198.51.100.53:53".parse().unwrap()),
            connected: false,
            waited: Some(Duration::from_secs(1)),
            http_status: None,
        }
    }

    fn rejected(kind: IcmpKind, from: &str, from_here: bool) -> (String, String) {
        let error = IcmpError { kind, from: from.parse().unwrap(), from_here };
        let tried = Tried { cause: Some(Cause::Icmp(error)), ..tried("203.0.113.9:80", kind.outcome()) };
        (tried.words(), remedies(&[&tried]))
    }

    #[test]
    fn whoever_sent_an_icmp_error_is_named() {
        let allow = "allow outbound TCP from this host to crl.example.com (203.0.113.9) port 80";
        let (words, remedy) = rejected(IcmpKind::Prohibited, "192.0.2.1", false);
        assert_eq!(words, "192.0.2.1 rejects connections to 203.0.113.9:80 (ICMP administratively prohibited)");
        assert_eq!(remedy, format!("have the firewall at 192.0.2.1 {allow}"));
        let (words, remedy) = rejected(IcmpKind::PortUnreachable, "203.0.113.9", false);
        assert_eq!(words, "203.0.113.9:80 refused the connection (ICMP port unreachable)");
        assert!(remedy.contains("the server's own firewall"), "{remedy}");
        let (words, remedy) = rejected(IcmpKind::PortUnreachable, "192.0.2.2", true);
        assert!(words.starts_with("this machine's own firewall rejects"), "{words}");
        assert_eq!(remedy, format!("have this host's own firewall {allow}"));
        let (words, _) = rejected(IcmpKind::HostUnreachable, "192.0.2.2", true);
        assert!(words.contains("nothing answers at its address"), "{words}");
        let (words, remedy) = rejected(IcmpKind::NetworkUnreachable, "192.0.2.1", false);
        assert_eq!(words, "203.0.113.9:80 is unreachable, says 192.0.2.1 (ICMP network unreachable)");
        assert!(remedy.starts_with("have whoever runs 192.0.2.1 find out"), "{remedy}");
    }

    #[test]
    fn a_resolver_that_makes_addresses_up_is_named() {
        for (address, what) in [("127.0.0.1:80", "this machine itself"), ("0.0.0.0:80", "no host's address")] {
            let tried = tried(address, Outcome::Refused);
            assert!(tried.words().contains(what), "{}", tried.words());
            let remedy = remedies(&[&tried]);
            assert!(remedy.starts_with("have the administrator of the name server 198.51.100.53 let"), "{remedy}");
        }
        let hosts = Tried { answer_source: AnswerSource::HostsFile, ..tried("[::1]:80", Outcome::Refused) };
        assert!(hosts.words().contains("the hosts file says that"), "{}", hosts.words());
        assert!(remedies(&[&hosts]).contains("hosts file"), "{}", remedies(&[&hosts]));
    }

    #[test]
    fn loopback_that_was_asked_for_is_no_false_answer() {
        let one = || tried("127.0.0.1:80", Outcome::Refused);
        let bench = AnswerSource::NameServer("127.0.0.1:40053".parse().unwrap());
        for honest in [
            Tried { answer_source: AnswerSource::Given, ..one() },
            Tried { answer_source: bench, ..one() },
            Tried { host: "api.localhost".to_owned(), ..one() },
            Tried { through_proxy: true, ..one() },
        ] {
            assert_eq!(honest.false_answer(), None, "{honest:?}");
        }
    }

    #[test]
    fn a_private_address_of_a_public_name_raises_a_doubt() {
        let one = || tried("10.9.9.9:80", Outcome::Timeout);
        assert!(remedies(&[&one()]).contains("10.9.9.9 is a private address"), "{}", remedies(&[&one()]));
        let public = tried("203.0.113.9:80", Outcome::Timeout);
        let own = Tried { host: "crl.corp.internal".to_owned(), ..one() };
        let pinned = Tried { answer_source: AnswerSource::Given, ..one() };
        for silent in [public, own, pinned] {
            assert!(!remedies(&[&silent]).contains("private address"), "{silent:?}");
        }
    }

    #[test]
    fn the_resolver_that_was_asked_is_named() {
        let asked = vec!["198.51.100.53:53".parse().unwrap()];
        let at = |outcome, rejected| {
            let cause = Some(Cause::NameServers { asked: asked.clone(), rejected });
            let tried =
                Tried { address: None, cause, answer_source: AnswerSource::Given, ..tried("0.0.0.0:80", outcome) };
            (tried.words(), remedies(&[&tried]))
        };
        let (_, remedy) = at(Outcome::DnsTimeout, false);
        let allow = "allow outbound UDP and TCP from this host to the name server 198.51.100.53 port 53";
        assert!(remedy.starts_with(allow), "{remedy}");
        let (_, remedy) = at(Outcome::DnsFailure, true);
        assert!(remedy.ends_with(allow), "{remedy}");
        let (_, remedy) = at(Outcome::DnsFailure, false);
        assert!(remedy.starts_with("have the administrator of the name server 198.51.100.53"), "{remedy}");
        let (words, _) = at(Outcome::DnsNxdomain, false);
        assert!(words.contains("says the name server 198.51.100.53"), "{words}");
    }
}
