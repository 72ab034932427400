//! A proxy that must be used, with Squid, and every way in which it does not help.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;

use crate::support::internet::v4;
use crate::support::openssl;
use crate::world::{Seen, World};

const PROXY: IpAddr = v4(80);
const URL: &str = "http://203.0.113.80:3128";
const PASSWORD: &str = "correct-horse";

/// Squid with these access rules; the firewall lets only it and the resolver through.
fn proxy(world: &World, access: &str) {
    world.net.host(PROXY);
    let folder = world.net.folder.path();
    let users = folder.join("users");
    let hashed = openssl(folder, &["passwd", "-apr1", PASSWORD]);
    fs::write(&users, format!("user:{hashed}")).unwrap();
    // Squid's helper is not root.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let configuration = format!(
        "http_port {PROXY}:3128\nvisible_hostname proxy.real.test\ndns_nameservers 203.0.113.53\ncache deny all\n\
         access_log none\npid_filename none\nshutdown_lifetime 0 seconds\nconnect_timeout 3 seconds\n\
         forward_timeout 3 seconds\nconnect_retries 0\n{access}\n"
    );
    let file = folder.join("squid.conf");
    fs::write(&file, configuration).unwrap();
    let service = format!("cf{}", world.net.internet.name().replace('-', ""));
    let arguments = ["-N", "-d", "1", "-n", &service, "-f", file.to_str().unwrap()];
    world.net.start("squid", "squid", &arguments, SocketAddr::new(PROXY, 3128));
    only_by_proxy(world);
}

fn only_by_proxy(world: &World) {
    world.net.forwarding(
        "ct state established,related accept\nip daddr 203.0.113.80 tcp dport 3128 accept\nudp dport 53 accept\ndrop",
    );
}

#[test]
fn must_be_used() {
    let Some(world) = World::new("proxies::must_be_used", &["squid"]) else { return };
    world.start();
    proxy(&world, "http_access allow all");
    let seen = world.check(&[]);
    assert_eq!(seen.words(), ["timeout"], "{seen}");
    let seen = world.check(&["--proxy", URL]);
    assert_eq!((seen.exit, seen.told()), (0, Vec::new()), "{seen}");
    let mut command = world.tool(&["check", "https://www.real.test", "--format", "json"]);
    let seen = Seen::of(command.env("https_proxy", URL).env("http_proxy", URL));
    assert_eq!((seen.exit, seen.told()), (0, Vec::new()), "{seen}");
}

pub fn denies(world: &World) -> Seen {
    world.start();
    proxy(world, "acl target dstdomain www.real.test\nhttp_access deny target\nhttp_access allow all");
    let seen = world.check(&["--proxy", URL]);
    let remedy = "have the proxy's administrator allow www.real.test port 443 for this host";
    let message = ["the proxy refuses to pass on to www.real.test:443", "403 Forbidden", "ERR_ACCESS_DENIED"];
    seen.only().says("connection.failed", &message, &[remedy]);
    // The same of an endpoint, where the proxy answers in its place.
    let url = "http://www.real.test:8080/intermediate.crl";
    let seen = world.check_url(url, &["--proxy", URL]);
    assert_eq!(seen.words(), ["proxy-denied"], "{seen}");
    let remedy = "have the proxy's administrator allow www.real.test port 8080 for this host";
    seen.only().says(
        "endpoint.unreachable",
        &["the proxy 203.0.113.80:3128 refuses to pass on to www.real.test:8080 with HTTP status 403"],
        &[remedy],
    );
    seen
}

const LOGIN: &str = "auth_param basic program /usr/lib/squid/basic_ncsa_auth USERS\nauth_param basic realm house\n\
                     acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all";

fn with_login(world: &World) {
    world.start();
    let users = world.net.folder.path().join("users");
    proxy(world, &LOGIN.replace("USERS", users.to_str().unwrap()));
}

fn login_asked(seen: &Seen, code: &str, host_and_port: &str, what: &str) {
    assert_eq!(seen.words(), ["proxy-denied"], "{seen}");
    let remedy = format!("{what}, or have its administrator allow {host_and_port} for this host without one");
    seen.only().says(code, &["407", "Basic realm=\"house\""], &[&remedy]);
}

pub fn wants_a_login(world: &World) -> Seen {
    with_login(world);
    let what = "give the proxy a login in its URL (http://USER:PASSWORD@HOST:PORT)";
    let seen = world.check_url("http://crl.real.test:8080/intermediate.crl", &["--proxy", URL]);
    login_asked(&seen, "endpoint.unreachable", "crl.real.test port 8080", what);
    let seen = world.check(&["--proxy", URL]);
    login_asked(&seen, "connection.failed", "www.real.test port 443", what);
    seen
}

pub fn refuses_the_login(world: &World) -> Seen {
    with_login(world);
    let seen = world.check(&["--proxy", "http://user:wrong@203.0.113.80:3128"]);
    login_asked(
        &seen,
        "connection.failed",
        "www.real.test port 443",
        "correct the user and password in the proxy's URL",
    );
    let right = format!("http://user:{PASSWORD}@203.0.113.80:3128");
    let good = world.check(&["--proxy", &right]);
    assert_eq!((good.exit, good.told()), (0, Vec::new()), "{good}");
    no_secret(world, &right);
    seen
}

/// Whatever is shown, in whatever format, the password and what is sent of it are not.
fn no_secret(world: &World, right: &str) {
    // What is closed is to be told at once here.
    world.net.forwarding("ip daddr 203.0.113.80 tcp dport 3128 accept\nip saddr 203.0.113.0/24 accept\nreject");
    let sent = base64::engine::general_purpose::STANDARD.encode(format!("user:{PASSWORD}"));
    let wrong_user = right.replace("user:", "other:");
    let elsewhere = right.replace(":3128", ":3129");
    let no_number = right.replace(":3128", ":port");
    let no_scheme = right.replace("http:", "gopher:");
    let schema = world.tool(&["check", "--help"]).output().unwrap();
    let formats = String::from_utf8(schema.stdout).unwrap();
    let formats: Vec<&str> = ["human", "json", "ndjson", "nagios", "prometheus", "junit", "html", "csv"]
        .into_iter()
        .filter(|format| formats.contains(*format))
        .collect();
    assert!(formats.len() >= 3, "{formats:?}");
    let commands =
        [&["check", "https://www.real.test", "-v"][..], &["url", "http://crl.real.test:8080/intermediate.crl"]];
    for proxy in [right, &wrong_user, &elsewhere, &no_number, &no_scheme] {
        for (command, format) in commands.iter().flat_map(|command| formats.iter().map(move |format| (command, format)))
        {
            for by_environment in [false, true] {
                let mut tool = world.tool(command);
                tool.args(["--format", format]);
                if by_environment {
                    tool.env("https_proxy", proxy).env("http_proxy", proxy);
                } else {
                    tool.args(["--proxy", proxy]);
                }
                let output = tool.output().unwrap();
                let shown = [output.stdout, output.stderr].concat();
                let shown = String::from_utf8_lossy(&shown);
                assert!(
                    !shown.is_empty() && !shown.contains(PASSWORD) && !shown.contains(&sent),
                    "{proxy} {format}: {shown}"
                );
            }
        }
    }
}

pub fn out_of_reach(world: &World) -> Seen {
    world.start();
    proxy(world, "http_access allow all");
    let seen = world.check(&["--proxy", "http://203.0.113.80:3129"]);
    assert_eq!(seen.words(), ["proxy-failure"], "{seen}");
    let message = "proxy http://203.0.113.80:3129 could not be reached: timeout";
    let remedy = "check that http://203.0.113.80:3129 is the right proxy, and allow outbound TCP from this host to it";
    seen.only().says("connection.failed", &[message], &[remedy]);
    seen
}

/// The proxy is in order, and its own way out is not.
pub fn cannot_reach_the_host(world: &World) -> Seen {
    world.resolve(&["address=/www.real.test/203.0.113.10", "address=/crl.real.test/203.0.113.10"]);
    proxy(world, "http_access allow all");
    let remedy = |port| format!("find out why it does not reach www.real.test port {port}");
    let seen = world.check(&["--proxy", URL, "--timeout", "20"]);
    assert_eq!(seen.words(), ["proxy-failure"], "{seen}");
    seen.only().says("connection.failed", &["the proxy cannot be used for www.real.test:443", "503"], &[&remedy(443)]);
    let url = "http://www.real.test:8080/intermediate.crl";
    let seen = world.check_url(url, &["--proxy", URL, "--timeout", "20"]);
    assert_eq!(seen.words(), ["proxy-failure"], "{seen}");
    seen.only().says(
        "endpoint.unreachable",
        &["the proxy 203.0.113.80:3128 cannot be used for www.real.test:8080 with HTTP status 503"],
        &[&remedy(8080)],
    );
    seen
}
