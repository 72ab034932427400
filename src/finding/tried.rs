//! What became of one address, how that reads in a sentence, and which remedy follows from it.

use std::net::SocketAddr;
use std::time::Duration;

use super::fault;
use super::wording::{list, wait};
use crate::net::{AnswerSource, Cause, Outcome, limits};

/// What became of one address, from a connection or from an attempt at an endpoint.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    /// The address, or the proxy's.
    pub(super) address: Option<SocketAddr>,
    /// Host that was meant.
    pub(super) host: String,
    /// Port that was meant.
    pub(super) port: u16,
    /// Whether a proxy stood between.
    pub(super) through_proxy: bool,
    /// How it ended.
    pub(super) outcome: Outcome,
    /// What more is known.
    pub(super) detail: Option<String>,
    /// What is known of who could mend it.
    pub(super) cause: Option<Cause>,
    /// Where the address came from.
    pub(super) answer_source: AnswerSource,
    /// Whether TCP was connected.
    pub(super) connected: bool,
    /// How long it took.
    pub(super) waited: Option<Duration>,
    /// HTTP status, where there was one.
    pub(super) http_status: Option<u16>,
}

impl Tried {
    /// The proxy, with its address where that was reached.
    fn proxy(&self) -> String {
        self.address.map_or_else(|| "the proxy".to_owned(), |address| format!("the proxy {address}"))
    }

    /// `192.0.2.1:80`, else the host and port that were meant.
    pub(super) fn place(&self) -> String {
        match self.address {
            Some(address) if self.through_proxy => format!("{}:{} through the proxy {address}", self.host, self.port),
            Some(address) => address.to_string(),
            None if self.port == 0 => self.host.clone(),
            None => format!("{}:{}", self.host, self.port),
        }
    }

    /// What happened, in plain words.
    pub(super) fn words(&self) -> String {
        let words = fault::words(self).unwrap_or_else(|| self.outcome_words());
        match fault::remark(self) {
            Some(remark) => format!("{words} ({remark})"),
            None => words,
        }
    }

    fn outcome_words(&self) -> String {
        let place = self.place();
        let within = self.waited.map(|waited| format!(" within {}", wait(waited))).unwrap_or_default();
        let (text, with_detail) = match self.outcome {
            Outcome::Ok => (format!("{place} answered{}", self.status()), false),
            Outcome::Timeout | Outcome::DnsTimeout if self.ran_out_of_time() => {
                (format!("{place} had not answered yet when --deadline ended the check"), true)
            }
            Outcome::Stalled if self.ran_out_of_time() => {
                (format!("{place} was still answering when --deadline ended the check"), false)
            }
            Outcome::DnsNxdomain => (format!("the name {} does not exist (NXDOMAIN)", self.host), false),
            Outcome::DnsNoAddress => (format!("the name {} exists but has no address", self.host), true),
            Outcome::DnsTimeout => (format!("no resolver answered for {}", self.host), true),
            Outcome::DnsFailure => (format!("the resolver failed for {}", self.host), true),
            Outcome::Refused => (format!("{place} refused the connection"), false),
            Outcome::Timeout if self.connected => {
                (format!("{place} accepted the connection but sent nothing{within}"), true)
            }
            Outcome::Timeout => (format!("no answer from {place}{within} (packets dropped?)"), false),
            Outcome::Unreachable => {
                (format!("{place} is unreachable (no route to it, or a firewall rejects it)"), false)
            }
            Outcome::Reset if !self.connected => (format!("{place} reset the connection"), false),
            Outcome::Reset => (format!("{place} accepted the connection, then reset it"), true),
            Outcome::Closed => (format!("{place} accepted the connection, then closed it without an answer"), true),
            Outcome::ProxyDenied => {
                (format!("{} refuses to pass on to {}:{}{}", self.proxy(), self.host, self.port, self.status()), true)
            }
            Outcome::ProxyFailure => {
                (format!("{} cannot be used for {}:{}{}", self.proxy(), self.host, self.port, self.status()), true)
            }
            Outcome::StarttlsRefused => (format!("{place} does not let TLS start"), true),
            Outcome::NotTls => (format!("{place} does not speak TLS"), true),
            Outcome::TlsAlert => (format!("{place} ended the TLS handshake with an alert"), true),
            Outcome::TlsFailure => (format!("the TLS handshake with {place} failed"), true),
            Outcome::HttpError => (format!("{place} answered{}", self.status()), false),
            Outcome::LdapError => (format!("the directory at {place} answered without the object"), true),
            Outcome::Intercepted => (format!("{place} sent a web page{} instead of the object", self.status()), true),
            Outcome::RedirectLoop => ("the redirects do not end".to_owned(), true),
            Outcome::Truncated => (format!("{place} sent only a part of it"), true),
            Outcome::TooLarge => (format!("{place} sends more than the limit"), true),
            Outcome::Stalled => {
                (format!("{place} began to answer, then stopped{}", within.replace("within", "for")), true)
            }
            Outcome::Malformed if self.http_status.is_some() => (format!("what {place} sent does not decode"), true),
            Outcome::Malformed => (format!("what {place} sent makes no sense"), true),
            Outcome::Unsupported if self.http_status.is_some() => (format!("what {place} sent cannot be used"), true),
            Outcome::Unsupported => ("it cannot be asked".to_owned(), true),
        };
        match &self.detail {
            Some(detail) if with_detail => match self.more(detail) {
                Some(more) => format!("{text} ({more})"),
                None => text,
            },
            _ => text,
        }
    }

    /// What a detail says beyond the outcome's own words.
    fn more<'a>(&self, detail: &'a str) -> Option<&'a str> {
        match self.outcome {
            // Which step it was; the rest is the outcome once more.
            Outcome::Timeout | Outcome::Reset | Outcome::Closed => match detail.split_once(": ") {
                Some((step, _)) => Some(step),
                None if detail.starts_with("the connection was accepted") => None,
                None if detail.starts_with("the connection was closed without") => None,
                None => Some(detail),
            },
            Outcome::Stalled => None,
            Outcome::NotTls => Some(detail.strip_prefix("what answers does not speak TLS: ").unwrap_or(detail)),
            Outcome::Intercepted => match detail.strip_suffix(" instead of the object") {
                Some("a page") => None,
                Some(page) => Some(page.strip_prefix("a page ").unwrap_or(page)),
                None => Some(detail),
            },
            _ => Some(detail),
        }
    }

    /// Whether the run's own limit ended it: then nobody knows what would have come. The detail is all that tells it
    /// from the limit of a step.
    fn ran_out_of_time(&self) -> bool {
        self.detail.as_deref().is_some_and(limits::names_deadline)
    }

    fn status(&self) -> String {
        self.http_status.map(|status| format!(" with HTTP status {status}")).unwrap_or_default()
    }
}

/// What happened at each of them, joined.
pub(super) fn outcomes(tried: &[&Tried]) -> String {
    let mut words: Vec<String> = Vec::new();
    for text in tried.iter().map(|tried| tried.words()) {
        if !words.contains(&text) {
            words.push(text);
        }
    }
    list(&words)
}

/// Leaves out the addresses of a family that this machine has no route for, where any other is left:
/// they are no fault of anyone's and hide what is.
pub(super) fn with_a_route(tried: Vec<Tried>) -> Vec<Tried> {
    let routed = |ipv6: bool| {
        tried
            .iter()
            .any(|tried| tried.address.is_none_or(|address| address.is_ipv6() == ipv6) && !fault::is_unrouted(tried))
    };
    let (ipv4, ipv6) = (routed(false), routed(true));
    if !ipv4 && !ipv6 {
        return tried;
    }
    tried
        .into_iter()
        .filter(|tried| tried.address.is_none_or(|address| if address.is_ipv6() { ipv6 } else { ipv4 }))
        .collect()
}

/// What to do about these failures: one clause for each way to fail, with the values at hand.
pub(super) fn remedies(tried: &[&Tried]) -> String {
    let mut kinds: Vec<(Kind, Vec<&Tried>)> = Vec::new();
    for one in tried {
        let kind = Kind::of(one);
        let meant = |of: &Tried| (of.host.clone(), of.port, of.cause.clone());
        match kinds
            .iter_mut()
            .find(|(known, of_kind)| *known == kind && of_kind.first().is_some_and(|first| meant(first) == meant(one)))
        {
            Some((_, of_kind)) => of_kind.push(one),
            None => kinds.push((kind, vec![one])),
        }
    }
    let mut clauses: Vec<String> =
        kinds.iter().take(3).filter_map(|(kind, tried)| Some(kind.remedy(tried.first()?, tried))).collect();
    clauses.extend(fault::doubt(tried));
    clauses.join("; ")
}

/// Ways to fail that call for the same remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    OutOfTime,
    NoName,
    Resolver,
    Dropped,
    Refused,
    NoRoute,
    Silent,
    Cut,
    ProxyDenied,
    ProxyFailure,
    Tls,
    HttpStatus(Option<u16>),
    Directory,
    Intercepted,
    Loop,
    Partial,
    TooLarge,
    Unsupported,
    Other,
}

impl Kind {
    fn of(tried: &Tried) -> Self {
        match tried.outcome {
            Outcome::Timeout | Outcome::Stalled | Outcome::DnsTimeout if tried.ran_out_of_time() => Self::OutOfTime,
            Outcome::DnsNxdomain | Outcome::DnsNoAddress => Self::NoName,
            Outcome::DnsTimeout | Outcome::DnsFailure => Self::Resolver,
            Outcome::Timeout if !tried.connected => Self::Dropped,
            Outcome::Timeout => Self::Silent,
            Outcome::Refused => Self::Refused,
            Outcome::Unreachable => Self::NoRoute,
            Outcome::Reset | Outcome::Closed => Self::Cut,
            Outcome::ProxyDenied => Self::ProxyDenied,
            Outcome::ProxyFailure => Self::ProxyFailure,
            Outcome::NotTls | Outcome::TlsAlert | Outcome::TlsFailure | Outcome::StarttlsRefused => Self::Tls,
            Outcome::HttpError => Self::HttpStatus(tried.http_status),
            Outcome::LdapError => Self::Directory,
            Outcome::Intercepted => Self::Intercepted,
            Outcome::RedirectLoop => Self::Loop,
            Outcome::Truncated | Outcome::Stalled => Self::Partial,
            Outcome::TooLarge => Self::TooLarge,
            Outcome::Unsupported => Self::Unsupported,
            Outcome::Ok | Outcome::Malformed => Self::Other,
        }
    }

    fn remedy(self, first: &Tried, tried: &[&Tried]) -> String {
        let Tried { host, port, .. } = first;
        let mut addresses: Vec<String> = Vec::new();
        for address in tried.iter().filter_map(|tried| tried.address.map(|address| address.ip().to_string())) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        // A literal needs no second mention.
        let literal = addresses.iter().all(|address| host.trim_matches(['[', ']']) == address);
        let named =
            if addresses.is_empty() || literal { host.clone() } else { format!("{host} ({})", list(&addresses)) };
        if let Some(remedy) = fault::remedy(first, &named).filter(|_| self != Self::OutOfTime) {
            return remedy;
        }
        if first.through_proxy && matches!(self, Self::Dropped | Self::Refused | Self::NoRoute) {
            return format!("make sure that this host reaches the proxy {}", list(&addresses));
        }
        match self {
            Self::OutOfTime => format!(
                "check again with a longer --deadline; if {named} port {port} still gives no answer, that run tells why"
            ),
            Self::NoName => format!(
                "check the spelling of {host}, then have whoever runs its zone publish an address, or let this host use a \
                 resolver that knows the name"
            ),
            Self::Resolver => {
                format!(
                    "have this host's resolver mended: it gives no answer for {host} (UDP and TCP port 53 must be open)"
                )
            }
            Self::Dropped => format!("allow outbound TCP to {named} port {port} from this host, with its replies"),
            Self::Refused => format!(
                "have the operator of {named} check that the service runs on TCP port {port}; if it does, have the firewall that \
                 rejects it allow outbound TCP to {named} port {port} from this host"
            ),
            Self::NoRoute => format!(
                "give this host a route to {named}, or have the firewall that rejects it allow outbound TCP to {named} port {port} \
                 from this host"
            ),
            Self::Silent => format!(
                "exempt {named} TCP port {port} from traffic inspection, since TCP gets through and nothing comes back; otherwise \
                 have its operator look at the service"
            ),
            Self::Cut => format!(
                "exempt {named} TCP port {port} from the firewall or intrusion prevention that cuts connections; otherwise have its \
                 operator look at the service"
            ),
            Self::ProxyDenied => {
                format!("have the proxy's administrator allow {host} port {port} for this host, without authentication")
            }
            Self::ProxyFailure => {
                format!(
                    "check the proxy's address, and have its administrator find out why it does not reach {host} port {port}"
                )
            }
            Self::Tls => format!("have the operator of {named} mend TLS on port {port}, or correct scheme and port"),
            Self::HttpStatus(Some(404 | 410)) => format!("have whoever runs {host} publish the object under this URL"),
            Self::HttpStatus(Some(401 | 403 | 451)) => {
                format!(
                    "compare from another network: have whoever forbids it there or here allow {host} without authentication"
                )
            }
            Self::HttpStatus(_) => format!("have whoever runs {host} mend the service"),
            Self::Directory => format!(
                "have whoever runs the directory at {host} publish the object in the entry and attribute that the URL names, \
                 readable without a login; better, have the CA name an http URL"
            ),
            Self::Intercepted => {
                format!(
                    "exempt {named} TCP port {port} from content filtering, authentication and the captive portal for this host"
                )
            }
            Self::Loop => format!("have whoever runs {host} serve the object without redirects"),
            Self::Partial => format!(
                "lift size and time limits of proxies and inspection for {named} TCP port {port}, and check the path MTU; otherwise have \
                 its operator look at the service"
            ),
            Self::TooLarge => format!(
                "have whoever runs {host} check what is served there; if it is meant to be so large, raise the limit (--max-crl-size \
                 for CRLs, --max-response-size for the rest)"
            ),
            Self::Unsupported => format!("have whoever runs {host} serve the object as it is, under an http URL"),
            Self::Other => format!("have whoever runs {host} port {port} check what answers there"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{IcmpError, IcmpKind};

    fn tried(address: &str, outcome: Outcome) -> Tried {
        Tried {
            address: Some(address.parse().unwrap()),
            host: "crl.example".to_owned(),
            port: 80,
            through_proxy: false,
            outcome,
            detail: None,
            cause: None,
            answer_source: AnswerSource::Given,
            connected: false,
            waited: Some(Duration::from_secs(5)),
            http_status: None,
        }
    }

    #[test]
    fn what_the_deadline_cut_is_nobodys_fault() {
        for (outcome, detail, words) in [
            (Outcome::Timeout, "answer: no answer in 0 ms when the deadline of the run came", "had not answered yet"),
            (Outcome::Timeout, "the deadline of the whole check came first", "had not answered yet"),
            (
                Outcome::DnsTimeout,
                "name resolution: no answer in 9 ms when the deadline of the run came",
                "not answered",
            ),
            (Outcome::Stalled, "still answering when the deadline of the run came", "was still answering"),
        ] {
            let one = Tried { detail: Some(detail.to_owned()), connected: true, ..tried("192.0.2.1:80", outcome) };
            assert!(one.words().contains(words), "{}", one.words());
            assert!(remedies(&[&one]).starts_with("check again with a longer --deadline"), "{}", remedies(&[&one]));
        }
        let silent = Tried { connected: true, ..tried("192.0.2.1:80", Outcome::Timeout) };
        assert!(remedies(&[&silent]).contains("traffic inspection"));
    }

    #[test]
    fn a_detail_does_not_say_the_outcome_again() {
        let words = |outcome, detail: &str| {
            let more = Some(detail.to_owned());
            Tried { detail: more, connected: true, ..tried("192.0.2.1:80", outcome) }.words()
        };
        assert_eq!(
            words(Outcome::Timeout, "handshake: no answer in 5 s"),
            "192.0.2.1:80 accepted the connection but sent nothing within 5 s (handshake)"
        );
        assert_eq!(
            words(Outcome::Reset, "the connection was accepted, then reset"),
            "192.0.2.1:80 accepted the connection, then reset it"
        );
        assert_eq!(
            words(Outcome::Intercepted, "a page titled \"Guest\" instead of the object"),
            "192.0.2.1:80 sent a web page instead of the object (titled \"Guest\")"
        );
        assert_eq!(
            words(Outcome::NotTls, "what answers does not speak TLS: it says \"220\""),
            "192.0.2.1:80 does not speak TLS (it says \"220\")"
        );
    }

    #[test]
    fn a_drop_and_a_refusal_call_for_different_people() {
        let drop = tried("192.0.2.1:80", Outcome::Timeout);
        let refusal = tried("192.0.2.2:80", Outcome::Refused);
        assert_eq!(drop.words(), "no answer from 192.0.2.1:80 within 5 s (packets dropped?)");
        assert_eq!(
            remedies(&[&drop]),
            "allow outbound TCP to crl.example (192.0.2.1) port 80 from this host, with its replies"
        );
        assert_eq!(refusal.words(), "192.0.2.2:80 refused the connection");
        assert!(remedies(&[&refusal]).starts_with("have the operator of crl.example (192.0.2.2) check"));
        assert!(remedies(&[&drop, &refusal]).contains("; have the operator"));
    }

    #[test]
    fn every_outcome_has_words_and_a_remedy() {
        use Outcome as O;
        for outcome in [
            O::DnsNxdomain,
            O::DnsNoAddress,
            O::DnsTimeout,
            O::DnsFailure,
            O::Refused,
            O::Timeout,
            O::Unreachable,
            O::Reset,
            O::Closed,
            O::ProxyDenied,
            O::ProxyFailure,
            O::StarttlsRefused,
            O::NotTls,
            O::TlsAlert,
            O::TlsFailure,
            O::HttpError,
            O::LdapError,
            O::Intercepted,
            O::RedirectLoop,
            O::Truncated,
            O::TooLarge,
            O::Stalled,
            O::Malformed,
            O::Unsupported,
        ] {
            let tried = tried("[2001:db8::1]:80", outcome);
            assert!(tried.words().len() > 10, "{outcome}");
            assert!(remedies(&[&tried]).len() > 20, "{outcome}");
        }
    }

    #[test]
    fn a_family_without_a_route_is_left_out_unless_nothing_else_is_there() {
        let six = || tried("[2001:db8::1]:80", Outcome::Unreachable);
        let four = || tried("192.0.2.1:80", Outcome::Refused);
        assert_eq!(with_a_route(vec![six(), four()]).len(), 1);
        assert_eq!(with_a_route(vec![six(), six()]).len(), 2);
        // Nor does the family lack a route where a router says that one host is gone.
        let gone = IcmpError { kind: IcmpKind::HostUnreachable, from: [192, 0, 2, 254].into(), from_here: false };
        let gone = Tried { cause: Some(Cause::Icmp(gone)), ..tried("192.0.2.1:80", Outcome::Unreachable) };
        assert_eq!(with_a_route(vec![tried("[2001:db8::1]:80", Outcome::Ok), gone]).len(), 2);
        // One of the family did get somewhere, so the other's failure counts.
        let alive = tried("[2001:db8::2]:80", Outcome::Ok);
        assert_eq!(with_a_route(vec![six(), alive, four()]).len(), 3);
    }
}
