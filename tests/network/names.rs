//! What resolvers do to names: nothing, blocked on the way, or an answer that is not true.

use crate::support::internet::v4;
use crate::world::{RESOLVER, SERVER, Seen, World};

const ALLOW: &str = "allow outbound UDP and TCP from this host to the name server 203.0.113.53 port 53";

fn dns_failure(world: &World, more: &[&str], message: &str, remedy: &str) -> Seen {
    let seen = world.check(more);
    seen.only().says("connection.dns-failure", &[message], &[remedy]);
    seen
}

pub fn nxdomain(world: &World) -> Seen {
    world.resolve(&["address=/www.real.test/"]);
    let message = "the name www.real.test does not exist (NXDOMAIN), says the name server 203.0.113.53";
    let remedy = "have the administrator of the name server 203.0.113.53 let it through";
    dns_failure(world, &[], message, remedy)
}

pub fn without_address(world: &World) -> Seen {
    world.resolve(&["txt-record=www.real.test,text"]);
    let remedy = "have whoever runs its zone publish one";
    dns_failure(world, &[], "the name www.real.test exists but has no address", remedy)
}

pub fn without_ipv6(world: &World) -> Seen {
    world.resolve(&[]);
    dns_failure(world, &["-6"], "no IPv6 address, and only IPv6 is used (-6)", "publish one")
}

pub fn dropped(world: &World) -> Seen {
    world.start();
    world.net.forwarding("meta l4proto { tcp, udp } th dport 53 drop");
    dns_failure(world, &[], "no resolver answered for www.real.test (name server 203.0.113.53", ALLOW)
}

/// The resolver of resolv.conf is named as well as one that was given.
pub fn dropped_for_the_system(world: &World) -> Seen {
    world.net.client.etc("resolv.conf", &format!("nameserver {RESOLVER}\n"));
    world.start();
    let by_the_system =
        || Seen::of(&mut world.tool_without_resolver(&["check", "https://www.real.test", "-f", "json"]));
    let seen = by_the_system();
    assert_eq!(seen.exit, 0, "{seen}");
    world.net.forwarding("meta l4proto { tcp, udp } th dport 53 drop");
    let seen = by_the_system();
    let message = "no resolver answered for www.real.test (name server 203.0.113.53";
    seen.only().says("connection.dns-failure", &[message], &[ALLOW]);
    seen
}

pub fn rejected(world: &World) -> Seen {
    world.start();
    world.net.forwarding("meta l4proto { tcp, udp } th dport 53 reject with icmp admin-prohibited");
    let seen = world.check(&[]);
    assert_eq!(seen.words(), ["dns-failure"], "{seen}");
    world.net.forwarding("udp dport 53 reject\ntcp dport 53 reject with tcp reset");
    dns_failure(world, &[], "203.0.113.53: could not be asked", &format!("is the right name server, and {ALLOW}"))
}

pub fn refused(world: &World) -> Seen {
    world.resolve(&[]);
    let seen = world.check_target("https://elsewhere.test", &[]);
    let message = "the resolver failed for elsewhere.test (203.0.113.53: answered REFUSED)";
    let remedy =
        "have the administrator of the name server 203.0.113.53 find out why it gives no address for elsewhere.test";
    seen.only().says("connection.dns-failure", &[message], &[remedy]);
    seen
}

/// The CRL's host is where the resolver's filter says.
fn sinkhole(world: &World, address: &str, message: &str) -> Seen {
    world.serve("", "");
    world.resolve(&[&format!("address=/crl.real.test/{address}")]);
    let seen = world.check(&[]);
    let remedy = format!(
        "have the administrator of the name server 203.0.113.53 let crl.real.test through its filter, which answers {address}"
    );
    for told in seen.told() {
        told.says("endpoint.unreachable", &[message], &[&remedy]);
        assert!(!told.remedy.contains("outbound"), "the firewall is not at fault: {told:?}");
    }
    assert_eq!(seen.exit, 2, "{seen}");
    seen
}

pub fn sinkhole_unspecified(world: &World) -> Seen {
    let message = "the name server 203.0.113.53 says that crl.real.test is at 0.0.0.0, which is no host's address";
    sinkhole(world, "0.0.0.0", message)
}

pub fn sinkhole_loopback(world: &World) -> Seen {
    let message = "the name server 203.0.113.53 says that crl.real.test is at 127.0.0.1, which is this machine itself";
    sinkhole(world, "127.0.0.1", message)
}

/// That an address is private says nothing certain, so both who could be at fault are named.
pub fn sinkhole_private(world: &World) -> Seen {
    world.resolve(&["address=/www.example.com/10.9.9.9"]);
    // Nobody has the address, and what would say so is dropped.
    world.net.forwarding("ip daddr 10.9.9.9 drop");
    let seen = world.check_target("https://www.example.com", &[]);
    let remedy = [
        "allow outbound TCP to www.example.com (10.9.9.9) port 443 from this host",
        "if www.example.com is no server of your own network, have the administrator of the name server 203.0.113.53 correct \
         its answer: 10.9.9.9 is a private address",
    ];
    seen.only().says("connection.failed", &["no answer from 10.9.9.9:443"], &remedy);
    seen
}

pub fn sinkhole_page(world: &World) -> Seen {
    world.net.host(v4(66));
    let page = "<!DOCTYPE html><html><head><title>Blocked by policy</title></head></html>";
    // A location of its own address comes before the lists.
    world.serve(&format!("default_type text/html; if ($server_addr = {}) {{ return 200 '{page}'; }}", v4(66)), "");
    world.resolve(&[&format!("address=/crl.real.test/{}", v4(66))]);
    let seen = world.check(&[]);
    for told in seen.told() {
        let message = "203.0.113.66:8080 sent a web page with HTTP status 200 instead of the object (titled \"Blocked by policy\")";
        told.says("endpoint.intercepted", &[message], &["crl.real.test", "8080"]);
    }
    assert_eq!(seen.exit, 2, "{seen}");
    seen
}

pub fn hosts_file(world: &World) -> Seen {
    let client = &world.net.client;
    client.etc("resolv.conf", &format!("nameserver {RESOLVER}\n"));
    client.etc("hosts", &format!("127.0.0.1 localhost\n127.0.0.1 crl.real.test\n{SERVER} www.real.test\n"));
    world.start();
    let seen = Seen::of(&mut world.tool_without_resolver(&["check", "https://www.real.test", "-f", "json"]));
    for told in seen.told() {
        let message = "the hosts file says that crl.real.test is at 127.0.0.1, which is this machine itself";
        told.says("endpoint.unreachable", &[message], &["take crl.real.test out of this machine's hosts file"]);
    }
    assert_eq!(seen.exit, 2, "{seen}");
    seen
}
