//! A client, a firewall and the servers beyond it, each in a network namespace of the test's own and joined by cables:
//! what a packet meets on its way can be staged for real, and hurts nobody.
//!
//! ```text
//! client 192.0.2.2 ── 192.0.2.1 firewall 198.51.100.1 ── 198.51.100.2 internet, with 203.0.113.0/24 on loopback
//!   2001:db8:1::2 ── 2001:db8:1::1   2001:db8:2::1 ── 2001:db8:2::2   2001:db8:f::/64
//! ```

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::netns::Namespace;

/// Where the client's packets come from.
pub const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
/// The firewall as the client sees it.
pub const FIREWALL: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// The same over IPv6.
pub const FIREWALL_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1));

/// An IPv4 address beyond the firewall.
pub const fn v4(host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, host))
}

/// An IPv6 address beyond the firewall.
pub const fn v6(host: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xf, 0, 0, 0, 0, host))
}

/// The three namespaces, the servers started in them and their files; all end with the value.
pub struct Internet {
    servers: Mutex<Vec<Child>>,
    pub folder: tempfile::TempDir,
    pub client: Namespace,
    pub firewall: Namespace,
    pub internet: Namespace,
}

impl Internet {
    /// Makes the namespaces and lays the cables; where that cannot be done, or one of these programs is missing, says
    /// so visibly.
    pub fn new(test: &str, programs: &[&str]) -> Option<Self> {
        let client = Namespace::new(test, &[&["nft"], programs].concat())?;
        let firewall = Namespace::new(test, &[])?;
        let internet = Namespace::new(test, &[])?;
        let folder = tempfile::tempdir().unwrap();
        let net = Self { servers: Mutex::default(), folder, client, firewall, internet };
        for namespace in [&net.client, &net.firewall, &net.internet] {
            // No address here is anyone else's, so the second that IPv6 waits to find out (RFC 4862 §5.4) is saved.
            let no_wait = "for at in all default; do echo 0 > /proc/sys/net/ipv6/conf/$at/accept_dad; done";
            namespace.must("sh", &["-ec", no_wait]);
        }
        cable((&net.client, "eth0"), (&net.firewall, "inside"));
        cable((&net.firewall, "outside"), (&net.internet, "eth0"));
        address(&net.client, "eth0", "192.0.2.2/24", "2001:db8:1::2/64");
        address(&net.firewall, "inside", "192.0.2.1/24", "2001:db8:1::1/64");
        address(&net.firewall, "outside", "198.51.100.1/24", "2001:db8:2::1/64");
        address(&net.internet, "eth0", "198.51.100.2/24", "2001:db8:2::2/64");
        route(&net.client, "192.0.2.1", "2001:db8:1::1");
        route(&net.firewall, "198.51.100.2", "2001:db8:2::2");
        route(&net.internet, "198.51.100.1", "2001:db8:2::1");
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding";
        net.firewall.must("sh", &["-ec", forward]);
        Some(net)
    }

    /// Gives the servers this address.
    pub fn host(&self, address: IpAddr) {
        match address {
            IpAddr::V4(_) => self.internet.must("ip", &["address", "add", &format!("{address}/32"), "dev", "lo"]),
            IpAddr::V6(_) => {
                self.internet.must("ip", &["address", "add", &format!("{address}/128"), "dev", "lo", "nodad"])
            }
        };
    }

    /// What the firewall does with packets it forwards, the rest passing: nftables rules, one a line.
    pub fn forwarding(&self, rules: &str) {
        let chain = "type filter hook forward priority filter; policy accept;";
        let ruleset = format!("flush ruleset\ntable inet filter {{ chain forward {{ {chain}\n{rules}\n}}\n}}\n");
        self.firewall.feed("nft", &["-f", "-"], &ruleset);
    }

    /// Lets the firewall itself answer connections to this port of any host, at its own port `here`.
    pub fn divert(&self, port: u16, here: u16) {
        let chain = "type nat hook prerouting priority dstnat;";
        let rule = format!("iifname inside tcp dport {port} redirect to :{here}");
        let ruleset = format!("table inet divert {{ chain prerouting {{ {chain}\n{rule}\n}}\n}}\n");
        self.firewall.feed("nft", &["-f", "-"], &ruleset);
    }

    /// Starts a server beyond the firewall and waits until it accepts connections there.
    pub fn start(&self, name: &str, program: &str, arguments: &[&str], listens: SocketAddr) {
        let mut command = self.internet.command(program);
        command.args(arguments);
        self.start_as(name, &mut command, &self.internet, listens);
    }

    /// The same of a command made elsewhere, listening in that namespace.
    pub fn start_as(&self, name: &str, command: &mut Command, namespace: &Namespace, listens: SocketAddr) {
        let log = self.folder.path().join(format!("{name}.log"));
        let written = File::create(&log).unwrap();
        let child = command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stderr(written.try_clone().unwrap())
            .stdout(written)
            .spawn()
            .unwrap();
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.push(child);
        let child = servers.last_mut().unwrap();
        // Nothing but the server's own say tells when it is ready.
        let ready = || namespace.within(|| TcpStream::connect_timeout(&listens, Duration::from_secs(1)).is_ok());
        let limit = Instant::now() + Duration::from_secs(60);
        while !ready() {
            let exited = child.try_wait().unwrap();
            if exited.is_some() || Instant::now() > limit {
                panic!("{name} does not listen on {listens} ({exited:?}): {}", fs::read_to_string(&log).unwrap());
            }
            thread::yield_now();
        }
    }

    /// What a server has written so far.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap()
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        for child in self.servers.get_mut().unwrap_or_else(PoisonError::into_inner) {
            // Asked politely, a server ends the workers that it started.
            let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }
}

fn cable((one, here): (&Namespace, &str), (other, there): (&Namespace, &str)) {
    one.must("ip", &["link", "add", here, "type", "veth", "peer", "name", there, "netns", other.name()]);
    one.must("ip", &["link", "set", here, "up"]);
    other.must("ip", &["link", "set", there, "up"]);
}

fn address(namespace: &Namespace, link: &str, v4: &str, v6: &str) {
    namespace.must("ip", &["address", "add", v4, "dev", link]);
    namespace.must("ip", &["address", "add", v6, "dev", link, "nodad"]);
}

fn route(namespace: &Namespace, v4: &str, v6: &str) {
    namespace.must("ip", &["route", "add", "default", "via", v4]);
    namespace.must("ip", &["-6", "route", "add", "default", "via", v6]);
}
