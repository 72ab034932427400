//! What is known of a failure beyond its word, where it changes who can mend it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::Outcome;

/// Why a step failed, where more is known than its [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// An ICMP error came back.
    Icmp(IcmpError),
    /// This machine's routing table has no way to the address: nothing was sent.
    NoRoute,
    /// Name servers gave no address.
    NameServers {
        /// Those that were asked.
        asked: Vec<SocketAddr>,
        /// Whether none of them could be: something rejects the query, or nothing listens there.
        rejected: bool,
    },
    /// The proxy itself could not be connected to; its URL, without credentials.
    ProxyUnreached {
        /// `scheme://host:port`
        proxy: String,
    },
    /// The proxy wants a login.
    ProxyLogin {
        /// Whether its URL held one, which it then did not accept.
        given: bool,
    },
    /// The certificate that an https endpoint presents leads to no trust anchor.
    UnknownIssuer {
        /// The issuer that it names (RFC 4514).
        issuer: String,
    },
}

/// "Destination unreachable" or "time exceeded" (RFC 792, RFC 1812 §5.2.7, RFC 4443 §3), and who sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcmpError {
    /// What it says.
    pub kind: IcmpKind,
    /// The sender.
    pub from: IpAddr,
    /// Whether that is this machine: its own firewall, or no neighbour that answers.
    pub from_here: bool,
}

/// What an ICMP error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcmpKind {
    /// Nothing listens there, or so a firewall says.
    PortUnreachable,
    /// The protocol is not spoken there.
    ProtocolUnreachable,
    /// A firewall says that it rejects.
    Prohibited,
    /// There is no such host.
    HostUnreachable,
    /// There is no route to the network.
    NetworkUnreachable,
    /// The packet went round in circles.
    TimeExceeded,
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux tells of ICMP errors"))]
impl IcmpKind {
    /// From type and code of ICMP for IPv4 (RFC 792, RFC 1812 §5.2.7.1).
    pub(super) fn of_v4(kind: u8, code: u8) -> Option<Self> {
        match (kind, code) {
            (3, 0 | 6 | 11) => Some(Self::NetworkUnreachable),
            (3, 1 | 5 | 7 | 8 | 12) => Some(Self::HostUnreachable),
            (3, 2) => Some(Self::ProtocolUnreachable),
            (3, 3) => Some(Self::PortUnreachable),
            (3, 9 | 10 | 13 | 14 | 15) => Some(Self::Prohibited),
            (11, _) => Some(Self::TimeExceeded),
            _ => None,
        }
    }

    /// From type and code of ICMPv6 (RFC 4443 §3.1, §3.3).
    pub(super) fn of_v6(kind: u8, code: u8) -> Option<Self> {
        match (kind, code) {
            (1, 0) => Some(Self::NetworkUnreachable),
            (1, 2 | 3) => Some(Self::HostUnreachable),
            (1, 4) => Some(Self::PortUnreachable),
            (1, 1 | 5 | 6) => Some(Self::Prohibited),
            (3, _) => Some(Self::TimeExceeded),
            _ => None,
        }
    }
}

impl IcmpKind {
    /// The contract's word: something said "no", or there is no way.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::PortUnreachable | Self::ProtocolUnreachable | Self::Prohibited => Outcome::Refused,
            Self::HostUnreachable | Self::NetworkUnreachable | Self::TimeExceeded => Outcome::Unreachable,
        }
    }
}

impl fmt::Display for IcmpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PortUnreachable => "port unreachable",
            Self::ProtocolUnreachable => "protocol unreachable",
            Self::Prohibited => "administratively prohibited",
            Self::HostUnreachable => "host unreachable",
            Self::NetworkUnreachable => "network unreachable",
            Self::TimeExceeded => "time exceeded",
        })
    }
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = if self.from_here { "this machine".to_owned() } else { self.from.to_string() };
        write!(f, "ICMP {} from {from}", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_say_no_and_codes_that_find_no_way_differ() {
        let v4 = |code| IcmpKind::of_v4(3, code).map(IcmpKind::outcome);
        for code in [2, 3, 9, 10, 13, 14, 15] {
            assert_eq!(v4(code), Some(Outcome::Refused), "{code}");
        }
        for code in [0, 1, 5, 6, 7, 8, 11, 12] {
            assert_eq!(v4(code), Some(Outcome::Unreachable), "{code}");
        }
        // "Fragmentation needed" ends no connection.
        assert_eq!(v4(4), None);
        let v6 = |code| IcmpKind::of_v6(1, code).map(IcmpKind::outcome);
        assert_eq!([1, 4, 5, 6].map(v6), [Some(Outcome::Refused); 4]);
        assert_eq!([0, 2, 3].map(v6), [Some(Outcome::Unreachable); 3]);
        assert_eq!(IcmpKind::of_v6(2, 0), None);
    }
}
