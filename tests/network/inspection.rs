//! A firewall that looks into TLS, with mitmproxy: it answers in the server's place with certificates of its own CA.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::servers::unknown_issuer;
use crate::support::Authority;
use crate::support::internet::FIREWALL;
use crate::world::{RESOLVER, SERVER, Seen, World, list};

/// As mitmproxy calls its CA.
const INSPECTOR: &str = "O=mitmproxy,CN=mitmproxy";

/// Makes the firewall inspect what goes to port 443 of any host; gives the file of its CA.
fn inspect(world: &World) -> PathBuf {
    let folder = world.net.folder.path().join("mitmproxy");
    fs::create_dir(&folder).unwrap();
    let mut command = world.net.firewall.command("mitmdump");
    command.args(["--mode", "transparent", "--listen-port", "8443", "--ssl-insecure", "--set"]);
    command.arg(format!("confdir={}", folder.display()));
    world.net.divert(443, 8443);
    world.net.start_as("mitmdump", &mut command, &world.net.firewall, SocketAddr::new(FIREWALL, 8443));
    folder.join("mitmproxy-ca-cert.pem")
}

/// What the store in the place of the system's makes of the server.
fn with_store(world: &World, anchors: &Path) -> Seen {
    let mut command = world.net.client.command(env!("CARGO_BIN_EXE_certflight"));
    command.args(["check", "https://www.real.test", "--format", "json", "--timeout", "5", "--retries", "0"]);
    command.args(["--dns-server", &RESOLVER.to_string()]).env("SSL_CERT_FILE", anchors).env_remove("SSL_CERT_DIR");
    Seen::of(&mut command)
}

fn of_code<'a>(seen: &'a Seen, code: &str) -> &'a Value {
    let mut findings = list(&seen.report["findings"]).iter();
    findings.find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("no {code} in {seen}"))
}

/// The issuer is named, and that it is no public CA, whether this machine knows it or not.
#[test]
fn of_a_target() {
    let Some(world) = World::new("inspection::of_a_target", &["mitmdump"]) else { return };
    world.start();
    assert_eq!(world.check(&[]).exit, 0);
    let ca = inspect(&world);
    let seen = with_store(&world, &world.pki.root.certificate());
    assert_eq!((seen.exit, seen.words()), (2, vec!["ok".to_owned()]), "{seen}");
    let told = seen.told().into_iter().find(|told| told.code == "path.no-issuer").unwrap_or_else(|| panic!("{seen}"));
    let message = [
        "no certificate of O=mitmproxy,CN=mitmproxy, the issuer of certificate www.real.test, was served or found",
        "a private CA, or a product that inspects TLS on the way",
    ];
    let remedy = "if a product inspects TLS on the way, have it exempt https://www.real.test:443 for this host";
    told.says("path.no-issuer", &message, &[remedy]);

    let seen = with_store(&world, &ca);
    let private = of_code(&seen, "path.private-root");
    assert_eq!(private["severity"], "info", "{seen}");
    let message =
        "the root mitmproxy is trusted here but not on Mozilla's list: a company's own CA, or an intercepting proxy";
    assert_eq!(private["message"], message, "{seen}");
    assert!(!seen.told().iter().any(|told| told.code.starts_with("path.")), "{seen}");
}

/// A wrong server has a certificate of the right CA for another name, and nothing of inspection is said.
#[test]
fn a_wrong_server_is_no_inspection() {
    let Some(world) = World::new("inspection::a_wrong_server_is_no_inspection", &[]) else { return };
    world.serve("", "");
    world.resolve(&[&format!("host-record=mail.real.test,{SERVER}")]);
    let seen = world.check_target("https://mail.real.test", &[]);
    seen.only().says("cert.name-mismatch", &["www.real.test"], &[]);
}

/// A private CA's root that is not in the store is told by its name.
#[test]
fn a_private_root_that_is_not_in_the_store() {
    let Some(world) = World::new("inspection::a_private_root_that_is_not_in_the_store", &[]) else { return };
    world.start();
    let other = Authority::root(world.net.folder.path(), "Another Root");
    let seen = with_store(&world, &other.certificate());
    let message = "the path ends in CN=Real Test Root, which is not in the trust store native and not on Mozilla's list of \
                   public roots: a private CA, or a product that inspects TLS on the way";
    let remedy =
        ["install it on this host after comparing its SHA-256 fingerprint", "have it exempt https://www.real.test:443"];
    seen.only().says("path.untrusted-root", &[message], &remedy);
}

pub fn of_an_endpoint(world: &World) -> Seen {
    world.start();
    inspect(world);
    let seen = world.check_url("https://crl.real.test/intermediate.crl", &[]);
    unknown_issuer(&seen, INSPECTOR, "203.0.113.10:443", "crl.real.test port 443");
    seen
}
