//! Prosody, for clients and for servers.

use std::process::Command;

use crate::stand::Stand;

const CLIENTS: u16 = 5222;
const SERVERS: u16 = 5269;

fn start_prosody(stand: &mut Stand, modules: &str, host: &str) {
    let data = stand.folder("prosody", "root");
    let configuration = stand.write(
        "prosody.cfg.lua",
        &format!(
            "daemonize = false\nrun_as_root = true\npidfile = \"{data}/pid\"\ndata_path = \"{data}\"\n\
             interfaces = {{ \"{address}\" }}\nc2s_ports = {{ {CLIENTS} }}\ns2s_ports = {{ {SERVERS} }}\n\
             modules_enabled = {{ {modules} }}\nlog = {{ info = \"*console\" }}\n\
             VirtualHost \"www.real.test\"\n{host}\n",
            data = data.display(),
            address = stand.pki.address
        ),
    );
    stand.pki.start(
        Command::new("prosody").args(["-F", "--config"]).arg(configuration),
        &[CLIENTS, SERVERS],
        "prosody.log",
    );
}

#[test]
fn prosody() {
    let Some(mut stand) = Stand::with("prosody", &["prosody"]) else { return };
    let host = format!("ssl = {{ certificate = \"{}\", key = \"{}\" }}", stand.chain.display(), stand.key.display());
    start_prosody(&mut stand, "\"saslauth\", \"tls\", \"dialback\"", &host);
    stand.accepts("xmpp", CLIENTS);
    stand.accepts("xmpp-server", SERVERS);
    for (scheme, port) in [("xmpp", CLIENTS), ("xmpp-server", SERVERS)] {
        let told = "<host-unknown/>, since this server serves no domain elsewhere.test";
        stand.declines(scheme, port, &["--servername", "elsewhere.test"], told);
    }
}

#[test]
fn prosody_without_tls() {
    let Some(mut stand) = Stand::with("prosody_without_tls", &["prosody"]) else { return };
    let host = "c2s_require_encryption = false\ns2s_require_encryption = false\nallow_unencrypted_plain_auth = true";
    start_prosody(&mut stand, "\"saslauth\", \"dialback\"", host);
    for (scheme, port) in [("xmpp", CLIENTS), ("xmpp-server", SERVERS)] {
        stand.declines(scheme, port, &[], "does not offer STARTTLS (features does not list STARTTLS; it lists ");
    }
}
