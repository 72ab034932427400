//! What `endpoints` prints is what a firewall needs: loaded into one that drops everything else, `check` passes, and
//! without any single rule it does not. In a network namespace, with nftables, iptables and squid.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use support::netns::{LabInside, Namespace};

/// Every host at an address of its own, one of them behind a redirect.
const SCENARIO: &str = "separate-hosts";
const HOSTS: usize = 4;

/// Exit code and output of the tool inside.
fn certflight(namespace: &Namespace, lab: &LabInside, command: &str, more: &[&str]) -> (i32, String) {
    let output = namespace
        .command(env!("CARGO_BIN_EXE_certflight"))
        .args([command, &lab.target])
        .args(&lab.arguments)
        .args(["--timeout", "1", "--retries", "0"])
        .args(more)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

fn target_port(lab: &LabInside) -> &str {
    lab.target.rsplit(':').next().unwrap()
}

/// Tries every set of rules that lacks one.
fn each_rule_is_needed(namespace: &Namespace, lab: &LabInside, rules: &[&str], load: &dyn Fn(&[&str])) {
    assert_eq!(rules.len(), HOSTS, "{rules:#?}");
    load(&[]);
    let (exit, text) = certflight(namespace, lab, "check", &[]);
    assert_eq!(exit, 2, "with everything closed: {text}");
    load(rules);
    let (exit, text) = certflight(namespace, lab, "check", &[]);
    assert_eq!(exit, 0, "with the rules loaded: {text}");
    let (exit, text) = certflight(namespace, lab, "endpoints", &["--probe"]);
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("4 hosts and ports: all open from here"), "{text}");
    for missing in 0..rules.len() {
        let mut fewer = rules.to_vec();
        let removed = fewer.remove(missing);
        load(&fewer);
        let (exit, text) = certflight(namespace, lab, "check", &[]);
        assert!(exit == 1 || exit == 2, "without {removed}: {text}");
        assert!(text.contains("endpoint.unreachable"), "without {removed}: {text}");
        let (exit, text) = certflight(namespace, lab, "endpoints", &["--probe"]);
        assert_eq!(exit, 2, "without {removed}: {text}");
        assert!(text.contains("1 of ") && text.contains("closed from here"), "without {removed}: {text}");
    }
}

#[test]
fn nftables_rules_are_enough_and_none_is_too_many() {
    let test = "firewall: nftables";
    let Some(namespace) = Namespace::new(test, &["nft"]) else { return };
    let lab = namespace.lab(SCENARIO);
    let (exit, printed) = certflight(&namespace, &lab, "endpoints", &["--format", "nftables"]);
    assert_eq!(exit, 0, "{printed}");
    let rules: Vec<&str> = printed.lines().filter(|line| !line.starts_with('#')).collect();
    let load = |rules: &[&str]| {
        let (dns, target) = (lab.dns_port, target_port(&lab));
        let policy = format!(
            "flush ruleset\ntable inet filter {{ chain output {{ type filter hook output priority filter; policy drop;\n\
             ct state established,related accept\nip daddr 127.0.0.1 udp dport {dns} accept\n\
             ip daddr 127.0.0.1 tcp dport {{ {dns}, {target} }} accept\n}}\n}}\n"
        );
        namespace.feed("nft", &["-f", "-"], &(policy + &rules.join("\n") + "\n"));
    };
    // As it was printed, comments and all, it is a file that nft takes.
    load(&[&printed]);
    each_rule_is_needed(&namespace, &lab, &rules, &load);
}

#[test]
fn iptables_rules_are_enough_and_none_is_too_many() {
    let test = "firewall: iptables";
    let Some(namespace) = Namespace::new(test, &["iptables", "ip6tables"]) else { return };
    let lab = namespace.lab(SCENARIO);
    let (exit, printed) = certflight(&namespace, &lab, "endpoints", &["--format", "iptables"]);
    assert_eq!(exit, 0, "{printed}");
    let rules: Vec<&str> = printed.lines().filter(|line| !line.starts_with('#')).collect();
    let load = |rules: &[&str]| {
        let (dns, target) = (lab.dns_port, target_port(&lab));
        let policy = format!(
            "set -e\niptables -F OUTPUT\niptables -P OUTPUT DROP\n\
             iptables -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n\
             iptables -A OUTPUT -p udp -d 127.0.0.1 --dport {dns} -j ACCEPT\n\
             iptables -A OUTPUT -p tcp -d 127.0.0.1 -m multiport --dports {dns},{target} -j ACCEPT\n"
        );
        namespace.feed("sh", &[], &(policy + &rules.join("\n") + "\n"));
    };
    load(&[&printed]);
    each_rule_is_needed(&namespace, &lab, &rules, &load);
}

/// squid inside the namespace with these access lists before "deny all"; ends with its value.
struct Squid {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Squid {
    fn start(namespace: &Namespace, lists: &[&str], port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // squid gives up root for a user of its own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let hosts = "127.0.0.2 crl.certflight.test\n127.0.0.3 ocsp.certflight.test\n127.0.0.4 aia.certflight.test\n\
                     127.0.0.5 cdn.certflight.test\n";
        fs::write(path("hosts"), hosts).unwrap();
        let configuration = format!(
            "http_port 127.0.0.1:{port}\nhosts_file {}\npid_filename {}\ncache_log /dev/null\naccess_log none\ncache deny all\n\
             cache_store_log none\nnetdb_filename none\nvisible_hostname proxy.certflight.test\nshutdown_lifetime 0 seconds\n{}\nhttp_access deny all\n",
            path("hosts"),
            path("pid"),
            lists.join("\n")
        );
        fs::write(path("squid.conf"), &configuration).unwrap();
        namespace.must("squid", &["-k", "parse", "-f", &path("squid.conf")]);
        let child =
            namespace.command("squid").args(["-N", "-f", &path("squid.conf")]).stderr(Stdio::null()).spawn().unwrap();
        let mut squid = Self { child, port, _folder: folder };
        // Answers "no" once it listens.
        let until = Instant::now() + Duration::from_secs(30);
        while !namespace.answers(port) {
            assert!(squid.child.try_wait().unwrap().is_none(), "squid ended:\n{configuration}");
            assert!(Instant::now() < until, "squid does not listen:\n{configuration}");
        }
        squid
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn squid_lists_are_enough_and_none_is_too_many() {
    let test = "firewall: squid";
    let Some(namespace) = Namespace::new(test, &["squid"]) else { return };
    let lab = namespace.lab(SCENARIO);
    let (exit, printed) = certflight(&namespace, &lab, "endpoints", &["--format", "squid"]);
    assert_eq!(exit, 0, "{printed}");
    let lists: Vec<&str> = printed.lines().filter(|line| !line.starts_with('#')).collect();
    let names: Vec<&str> = lists.iter().filter(|line| line.contains(" dstdomain ")).copied().collect();
    assert_eq!(names.len(), HOSTS, "{lists:#?}");
    let check = |lists: &[&str], port: u16| {
        let squid = Squid::start(&namespace, lists, port);
        let proxy = format!("http://127.0.0.1:{}", squid.port);
        certflight(&namespace, &lab, "check", &["--endpoint-proxy", &proxy])
    };
    let (exit, text) = check(&[&printed], 3128);
    assert_eq!(exit, 0, "with the lists loaded: {text}");
    for (missing, port) in names.iter().zip(3129..) {
        let fewer: Vec<&str> = lists.iter().filter(|line| *line != missing).copied().collect();
        let (exit, text) = check(&fewer, port);
        assert!(exit == 1 || exit == 2, "without {missing}: {text}");
        assert!(text.contains("proxy-denied"), "without {missing}: {text}");
    }
}
