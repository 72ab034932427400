//! `--deny-private`: addresses that an endpoint URL from a stranger's certificate must not lead to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

use super::{Deadline, Network};

impl Network {
    /// With `--deny-private`, the first private address that an endpoint's URL leads to, if any;
    /// without it, none. A host that does not resolve is not denied: the fetch will say why it fails.
    ///
    /// Through a proxy, which resolves names itself, only address literals and `localhost` can be
    /// told; where other names lead is the proxy's to refuse.
    pub async fn denied(&self, url: &Url, deadline: Deadline) -> Option<IpAddr> {
        if !self.options().deny_private {
            return None;
        }
        let host = url.host_str().unwrap_or_default();
        if self.endpoint_proxy(url).is_some() {
            return self.denied_by_name(host);
        }
        self.denied_among(&self.resolve(host, deadline).await.addresses)
    }

    /// The same of addresses at hand.
    pub(super) fn denied_among(&self, addresses: &[IpAddr]) -> Option<IpAddr> {
        let mut private = addresses.iter().copied().filter(|address| is_private(*address));
        private.next().filter(|_| self.options().deny_private)
    }

    /// The same of what the host's text alone says.
    pub(super) fn denied_by_name(&self, host: &str) -> Option<IpAddr> {
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        let address = match host.parse() {
            Ok(address) => address,
            Err(_) if host == "localhost" || host.ends_with(".localhost") => Ipv4Addr::LOCALHOST.into(),
            Err(_) => return None,
        };
        self.denied_among(&[address])
    }
}

/// Whether an address is loopback, private, link-local, shared, multicast or otherwise not of the
/// public Internet (IANA special-purpose registries), those inside transition addresses included.
#[must_use]
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (second == 18 || second == 19))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, ..] = address.segments();
    let [.., a, b, c, d] = address.octets();
    let embedded = Ipv4Addr::new(a, b, c, d);
    let upper = u128::from(address) >> 32;
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || (first & 0xfe00) == 0xfc00
        || (first & 0xffc0) == 0xfe80
        || (first & 0xffc0) == 0xfec0
        // IPv4-mapped, IPv4-compatible, NAT64 (both prefixes), 6to4.
        || ((upper == 0xffff || upper == 0) && is_private_v4(embedded))
        || (upper == 0x0064_ff9b_0000_0000_0000_0000 && is_private_v4(embedded))
        || (first == 0x64 && second == 0xff9b && third == 1)
        || (first == 0x2002 && is_private_v4(Ipv4Addr::from((u32::from(second) << 16) | u32::from(third))))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{network, options, soon};
    use super::super::{NetOptions, ProxyChoice, ProxyUrl};
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "fec0::1",
            "::ffff:10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "::10.0.0.1",
        ] {
            assert!(is_private(text.parse().unwrap()), "{text}");
        }
        for text in [
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(!is_private(text.parse().unwrap()), "{text}");
        }
    }

    fn at(host: &str) -> Url {
        format!("http://{host}/ca.crl").parse().unwrap()
    }

    #[tokio::test]
    async fn names_are_denied_for_where_they_lead() {
        let pins = vec![
            ("inside.test".to_owned(), "192.0.2.1".parse().unwrap()),
            ("inside.test".to_owned(), "10.0.0.1".parse().unwrap()),
            ("outside.test".to_owned(), "8.8.8.8".parse().unwrap()),
        ];
        let denying = network(NetOptions { deny_private: true, pins: pins.clone(), ..options() });
        assert_eq!(denying.denied(&at("inside.test"), soon()).await, "10.0.0.1".parse().ok());
        assert_eq!(denying.denied(&at("outside.test"), soon()).await, None);
        assert_eq!(denying.denied(&at("[::1]"), soon()).await, "::1".parse().ok());
        assert_eq!(network(NetOptions { pins, ..options() }).denied(&at("inside.test"), soon()).await, None);
    }

    #[tokio::test]
    async fn through_a_proxy_only_literals_can_be_told() {
        let endpoint_proxy = ProxyChoice::Url(ProxyUrl::parse("proxy.test:3128").unwrap());
        let pins = vec![("inside.test".to_owned(), "10.0.0.1".parse().unwrap())];
        let network = network(NetOptions { deny_private: true, pins, endpoint_proxy, ..options() });
        assert_eq!(network.denied(&at("inside.test"), soon()).await, None);
        for host in ["10.0.0.1", "[::1]", "localhost", "a.LOCALHOST."] {
            assert!(network.denied(&at(host), soon()).await.is_some(), "{host}");
        }
    }
}
