//! Where a lab stands.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::dns::{Answer, Zone};

pub(super) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Where a lab stands: by default on 127.0.0.1, at free ports. Ports below 1024 take rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Stands for 127.0.0.1 wherever a scenario says that.
    pub address: IpAddr,
    /// Of the target server; 0: a free one.
    pub port: u16,
    /// Of the HTTP server; 0: a free one.
    pub http_port: u16,
    /// Of the name server; 0: a free one.
    pub dns_port: u16,
}

impl Default for Placement {
    fn default() -> Self {
        Self { address: LOOPBACK, port: 0, http_port: 0, dns_port: 0 }
    }
}

impl Placement {
    /// An address of the scenario, where it stands here.
    pub(super) fn of(&self, address: IpAddr) -> IpAddr {
        if address == LOOPBACK { self.address } else { address }
    }

    /// A port of its address.
    pub(super) fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, port)
    }

    /// The names' addresses, where they stand here.
    pub(super) fn zone(&self, zone: &Zone) -> Zone {
        let moved = |answer: &Answer| match answer {
            Answer::Addresses(addresses) => Answer::Addresses(addresses.iter().map(|one| self.of(*one)).collect()),
            Answer::Other(other) => Answer::Other(*other),
        };
        zone.iter().map(|(name, answer)| (name.clone(), moved(answer))).collect()
    }
}
