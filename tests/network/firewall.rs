//! What a firewall, a missing route or an inspecting box on the way does to packets.

use serde_json::Value;

use crate::support::CRL_PORT;
use crate::support::internet::{v4, v6};
use crate::world::{NAMES, SERVER, Seen, World, list};

const ALLOW: &str = "allow outbound TCP from this host to www.real.test (203.0.113.10) port 443";

/// One check with these rules in the firewall, which has to end in one `connection.failed` with these words.
fn failed(world: &World, rules: &str, message: &str, remedy: &str) -> Seen {
    world.start();
    world.net.forwarding(rules);
    let seen = world.check(&[]);
    seen.only().says("connection.failed", &[message], &[remedy]);
    seen
}

pub fn drops(world: &World) -> Seen {
    let remedy = "allow outbound TCP to www.real.test (203.0.113.10) port 443 from this host";
    failed(world, "tcp dport 443 drop", "no answer from 203.0.113.10:443", remedy)
}

pub fn drops_replies(world: &World) -> Seen {
    let remedy = "allow outbound TCP to www.real.test (203.0.113.10) port 443 from this host, with its replies";
    failed(world, "tcp sport 443 drop", "no answer from 203.0.113.10:443", remedy)
}

pub fn resets(world: &World) -> Seen {
    let remedy = "have the operator of www.real.test (203.0.113.10) check that the service runs on TCP port 443; if it does, \
                  have the firewall that rejects it allow outbound TCP to www.real.test (203.0.113.10) port 443 from this host";
    failed(world, "tcp dport 443 reject with tcp reset", "203.0.113.10:443 refused the connection", remedy)
}

pub fn says_port_unreachable(world: &World) -> Seen {
    let message = "192.0.2.1 rejects connections to 203.0.113.10:443 (ICMP port unreachable)";
    let remedy = format!("have the firewall at 192.0.2.1 {ALLOW}");
    failed(world, "tcp dport 443 reject with icmp port-unreachable", message, &remedy)
}

/// Each of the codes by which a firewall owns up.
pub fn prohibits(world: &World) -> Seen {
    let message = "192.0.2.1 rejects connections to 203.0.113.10:443 (ICMP administratively prohibited)";
    let remedy = format!("have the firewall at 192.0.2.1 {ALLOW}");
    let seen = failed(world, "tcp dport 443 reject with icmp admin-prohibited", message, &remedy);
    for code in ["host-prohibited", "net-prohibited"] {
        world.net.forwarding(&format!("tcp dport 443 reject with icmp {code}"));
        let seen = world.check(&[]);
        assert_eq!(seen.words(), ["refused"], "{code}: {seen}");
        seen.only().says("connection.failed", &[message], &[&remedy]);
    }
    seen
}

/// The server at an IPv6 address alone.
fn only_ipv6(world: &World) {
    world.net.host(v6(0x10));
    world.serve("", "");
    world.resolve(&[&format!("host-record=www.real.test,{}", v6(0x10))]);
    let seen = world.check(&[]);
    assert_eq!(seen.exit, 0, "{seen}");
}

pub fn prohibits_ipv6(world: &World) -> Seen {
    only_ipv6(world);
    for code in ["port-unreachable", "admin-prohibited"] {
        world.net.forwarding(&format!("tcp dport 443 reject with icmpv6 {code}"));
        let seen = world.check(&[]);
        assert_eq!(seen.words(), ["refused"], "{code}: {seen}");
        let message = "2001:db8:1::1 rejects connections to [2001:db8:f::10]:443 (ICMP";
        let remedy = "have the firewall at 2001:db8:1::1 allow outbound TCP from this host to www.real.test (2001:db8:f::10) \
                      port 443";
        seen.only().says("connection.failed", &[message], &[remedy]);
    }
    world.check(&[])
}

pub fn says_no_route_ipv6(world: &World) -> Seen {
    only_ipv6(world);
    for (code, words) in [("addr-unreachable", "host unreachable"), ("no-route", "network unreachable")] {
        world.net.forwarding(&format!("tcp dport 443 reject with icmpv6 {code}"));
        let seen = world.check(&[]);
        assert_eq!(seen.words(), ["unreachable"], "{code}: {seen}");
        let message = format!("[2001:db8:f::10]:443 is unreachable, says 2001:db8:1::1 (ICMP {words})");
        seen.only().says("connection.failed", &[&message], &["have whoever runs 2001:db8:1::1 find out"]);
    }
    world.check(&[])
}

pub fn own_rejects(world: &World) -> Seen {
    world.start();
    let ruleset = "table inet own { chain output { type filter hook output priority filter;\n\
                   tcp dport 443 reject with icmpx admin-prohibited\n}\n}\n";
    world.net.client.feed("nft", &["-f", "-"], ruleset);
    let seen = world.check(&[]);
    let message =
        "this machine's own firewall rejects connections to 203.0.113.10:443 (ICMP administratively prohibited)";
    seen.only().says("connection.failed", &[message], &[&format!("have this host's own firewall {ALLOW}")]);
    seen
}

/// Where the ICMP error comes from the very address, the firewall is the server's own.
pub fn server_rejects(world: &World) -> Seen {
    world.start();
    let ruleset = "table inet own { chain input { type filter hook input priority filter;\n\
                   iifname eth0 tcp dport 443 reject with icmpx port-unreachable\n}\n}\n";
    world.net.internet.feed("nft", &["-f", "-"], ruleset);
    let seen = world.check(&[]);
    let message = "203.0.113.10:443 refused the connection (ICMP port unreachable)";
    let remedy = "have the operator of www.real.test (203.0.113.10) check that the service runs on TCP port 443 and that the \
                  server's own firewall accepts it from this host";
    seen.only().says("connection.failed", &[message], &[remedy, ALLOW]);
    seen
}

pub fn says_host_unreachable(world: &World) -> Seen {
    let message = "203.0.113.10:443 is unreachable, says 192.0.2.1 (ICMP host unreachable)";
    let remedy = "have whoever runs 192.0.2.1 find out why it knows no way to www.real.test (203.0.113.10)";
    failed(world, "tcp dport 443 reject with icmp host-unreachable", message, remedy)
}

pub fn says_net_unreachable(world: &World) -> Seen {
    let message = "203.0.113.10:443 is unreachable, says 192.0.2.1 (ICMP network unreachable)";
    failed(world, "tcp dport 443 reject with icmp net-unreachable", message, ALLOW)
}

pub fn no_route(world: &World) -> Seen {
    world.start();
    world.net.client.must("ip", &["route", "del", "default"]);
    world.net.client.must("ip", &["route", "add", "203.0.113.53", "via", "192.0.2.1"]);
    let seen = world.check(&[]);
    let message = "203.0.113.10:443 is unreachable: this machine has no route to it";
    let remedy = format!("give this host a route to www.real.test (203.0.113.10), then {ALLOW}");
    seen.only().says("connection.failed", &[message], &[&remedy]);
    seen
}

pub fn no_neighbour(world: &World) -> Seen {
    world.serve("", "");
    world.resolve(&["host-record=www.real.test,192.0.2.77"]);
    // The system asks three times, a second apart, before it gives up.
    let seen = world.check(&["--timeout", "20"]);
    let message = "192.0.2.77:443 is unreachable: nothing answers at its address on this machine's own network";
    seen.only().says("connection.failed", &[message], &["check that www.real.test (192.0.2.77) is up"]);
    seen
}

pub fn routing_loop(world: &World) -> Seen {
    world.start();
    world.net.internet.must("ip", &["address", "del", &format!("{SERVER}/32"), "dev", "lo"]);
    world.net.internet.must("sh", &["-ec", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
    let seen = world.check(&[]);
    let message = "203.0.113.10:443 is unreachable: packets to it run in circles (ICMP time exceeded from ";
    seen.only().says(
        "connection.failed",
        &[message],
        &["find out why it knows no way to www.real.test (203.0.113.10)"],
    );
    seen
}

pub fn one_address_blocked(world: &World) -> Seen {
    world.net.host(v4(11));
    world.serve("", "");
    world.resolve(&[&format!("host-record=www.real.test,{SERVER}"), &format!("host-record=www.real.test,{}", v4(11))]);
    world.net.forwarding("ip daddr 203.0.113.11 tcp dport 443 drop");
    let seen = world.check(&["--all-addresses"]);
    let message = "1 of 2 addresses tried do not work: no answer from 203.0.113.11:443";
    let remedy = "allow outbound TCP to www.real.test (203.0.113.11) port 443 from this host";
    seen.only().says("connection.partial", &[message], &[remedy]);
    assert_eq!(seen.exit, 1, "{seen}");
    seen
}

/// Where IPv4 serves, a client gets through, and only who asks for every address is told.
pub fn ipv6_blocked(world: &World) -> Seen {
    world.net.host(v6(0x10));
    world.serve("", "");
    let both = |name: &str| format!("host-record={name}.real.test,{SERVER},{}", v6(0x10));
    let records = NAMES.map(both);
    world.resolve(&records.each_ref().map(String::as_str));
    world.net.forwarding("meta nfproto ipv6 drop");
    let seen = world.check(&[]);
    assert_eq!((seen.exit, seen.told()), (0, Vec::new()), "{seen}");
    let seen = world.check(&["--all-addresses"]);
    assert_eq!(seen.exit, 1, "{seen}");
    let told = seen.told();
    let of_target = told.iter().find(|told| told.code == "connection.partial").unwrap();
    let remedy = "allow outbound TCP to www.real.test (2001:db8:f::10) port 443 from this host";
    of_target.says("connection.partial", &["no answer from [2001:db8:f::10]:443"], &[remedy]);
    assert!(told.iter().any(|told| told.code == "endpoint.partial"), "{seen}");
    seen
}

pub fn only_https_open(world: &World) -> Seen {
    world.start();
    world
        .net
        .forwarding("ct state established,related accept\nudp dport 53 accept\ntcp dport { 53, 443 } accept\ndrop");
    let seen = world.check(&[]);
    assert_eq!((seen.exit, &seen.report["connections"][0]["outcome"]), (2, &Value::from("ok")), "{seen}");
    for told in seen.told() {
        let host = if told.message.contains("crl.real.test") { "crl" } else { "aia" };
        let remedy = format!("allow outbound TCP to {host}.real.test (203.0.113.10) port {CRL_PORT} from this host");
        told.says("endpoint.unreachable", &["no answer from 203.0.113.10:8080"], &[&remedy]);
    }
    assert_eq!(seen.told().len(), list(&seen.report["endpoints"]).len(), "{seen}");
    seen
}

/// The handshake of TCP passes, and the first message of TLS does not.
pub fn swallows_payload(world: &World) -> Seen {
    world.start();
    world.net.forwarding("tcp dport 443 tcp flags & psh == psh drop");
    let seen = world.check(&[]);
    let message = "203.0.113.10:443 accepted the connection but sent nothing";
    let remedy = "exempt www.real.test (203.0.113.10) TCP port 443 from traffic inspection";
    seen.only().says("connection.handshake-failed", &[message], &[remedy]);
    seen
}

pub fn resets_payload(world: &World) -> Seen {
    world.start();
    world.net.forwarding("tcp dport 443 tcp flags & psh == psh reject with tcp reset");
    let seen = world.check(&[]);
    let message = "203.0.113.10:443 accepted the connection, then reset it";
    let remedy = "exempt www.real.test (203.0.113.10) TCP port 443 from the firewall or intrusion prevention";
    seen.only().says("connection.handshake-failed", &[message], &[remedy]);
    seen
}

/// Small packets pass and large ones vanish, as where ICMP "fragmentation needed" is filtered.
pub fn path_mtu_black_hole(world: &World) -> Seen {
    let list = world.pki.folder.path().join("www/intermediate.crl");
    let mut octets = std::fs::read(&list).unwrap();
    octets.resize(100_000, 0);
    std::fs::write(&list, octets).unwrap();
    // The head of the answer goes out by itself, in a packet that passes.
    world.serve("sendfile on; tcp_nopush off;", "");
    world.resolve(&[]);
    world.net.forwarding(&format!("tcp sport {CRL_PORT} meta length > 1000 drop"));
    let seen = world.check(&[]);
    let told = seen.told();
    let told = told.iter().find(|told| told.code == "endpoint.stalled").unwrap_or_else(|| panic!("{seen}"));
    let message = "203.0.113.10:8080 began to answer, then stopped";
    told.says("endpoint.stalled", &[message], &["crl.real.test (203.0.113.10) TCP port 8080", "path MTU"]);
    seen
}
