//! Real servers asked in the words of other protocols.

use std::process::Command;

use crate::stand::Stand;

/// nginx at its port for HTTP.
const HTTP: u16 = crate::support::CRL_PORT;

#[test]
fn a_web_server_at_the_port_of_everything_else() {
    let Some(stand) = Stand::with("a_web_server_at_the_port_of_everything_else", &[]) else { return };
    // Those where the client begins: a web server answers what it does not understand.
    for scheme in ["ldap", "postgres", "mssql", "rdp", "xmpp", "xmpp-server", "https", "imaps"] {
        let outcome = stand.check(scheme, HTTP, &[]);
        outcome.expect(2, &["critical connection.not-tls"]);
        assert_eq!(outcome.report["targets"][0]["connections"][0]["outcome"], "not-tls", "{scheme}");
    }
}

#[test]
fn a_server_that_speaks_tls_at_once() {
    let Some(mut stand) = Stand::with("a_server_that_speaks_tls_at_once", &[]) else { return };
    let port = stand.pki.start_s_server(&[]);
    for scheme in ["ldap", "postgres", "mssql", "rdp", "xmpp"] {
        let outcome = stand.check(scheme, port, &[]);
        let connection = &outcome.report["targets"][0]["connections"][0];
        let word = connection["outcome"].as_str().unwrap();
        assert!(["not-tls", "reset", "closed"].contains(&word), "{scheme}: {connection}");
        assert_eq!(outcome.exit, 2, "{scheme}");
    }
}

#[test]
fn mail_servers_at_each_others_ports() {
    let Some(mut stand) = Stand::with("mail_servers_at_each_others_ports", &["postfix", "slapd"]) else { return };
    let chain = stand.chain.clone();
    stand.pki.start_postfix(&chain);
    for scheme in
        ["imap", "pop3", "sieve", "nntp", "mysql", "xmpp", "ldap", "postgres", "rdp", "mssql", "smtps", "https"]
    {
        let outcome = stand.check(scheme, 2525, &[]);
        outcome.expect(2, &["critical connection.not-tls"]);
    }
    // It greets as a file server would, and knows a command of that name.
    stand.declines("ftp", 2525, &[], "refused AUTH TLS: 503 5.5.1 ");

    let configuration = stand.write("slapd.conf", &format!("pidfile {}\n", stand.path("slapd.pid").display()));
    let url = format!("ldap://{}:3890/", stand.pki.address);
    let mut slapd = Command::new("slapd");
    stand.pki.start(slapd.arg("-f").arg(configuration).args(["-d", "0", "-h", &url]), &[3890], "slapd.log");
    for scheme in ["postgres", "rdp", "xmpp", "mssql"] {
        let outcome = stand.check(scheme, 3890, &[]);
        let connection = &outcome.report["targets"][0]["connections"][0];
        let word = connection["outcome"].as_str().unwrap();
        assert!(["not-tls", "reset", "closed"].contains(&word), "{scheme}: {connection}");
        assert_eq!(outcome.exit, 2, "{scheme}");
    }
}
