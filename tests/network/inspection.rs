//! A firewall that looks into TLS, with mitmproxy: it answers in the server's place with certificates of its own CA.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::servers::unknown_issuer;
use crate::support::internet::FIREWALL;
use crate::world::{Seen, World};

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

/// Tells an inspecting firewall from a wrong server: by the issuer's name, and that no public CA is behind it.
#[test]
fn of_a_target() {
    let Some(world) = World::new("inspection::of_a_target", &["mitmdump"]) else { return };
    world.start();
    assert_eq!(world.check(&[]).exit, 0);
    let ca = inspect(&world);
    let seen = world.check(&[]);
    let told = seen.told();
    let told = told.iter().find(|told| told.code.starts_with("path.")).unwrap_or_else(|| panic!("{seen}"));
    println!("{told:#?}");
    println!("{:#?}", seen.told());

    // Where its CA is in the store, all is well but for a hint.
    let ca = ca.to_str().unwrap();
    let seen = world.check(&["--roots", ca]);
    println!("{seen}");
}

pub fn of_an_endpoint(world: &World) -> Seen {
    world.start();
    inspect(world);
    let seen = world.check_url("https://crl.real.test/intermediate.crl", &[]);
    unknown_issuer(&seen, INSPECTOR, "203.0.113.10:443", "crl.real.test port 443");
    seen
}
