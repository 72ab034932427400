//! Postfix, Exim and Dovecot.

use std::fs;
use std::path::Path;

use crate::stand::{Stand, unpacked, with_etc};

const SMTP: u16 = 2525;
const IMAP: u16 = 1143;
const IMAPS: u16 = 1993;
const POP3: u16 = 1110;
const SIEVE: u16 = 4190;

/// Its parts come in packages of their own.
const DOVECOT: &[&str] =
    &["dovecot", "/usr/lib/dovecot/imap-login", "/usr/lib/dovecot/pop3-login", "/usr/lib/dovecot/managesieve-login"];

#[test]
fn postfix() {
    let Some(mut stand) = Stand::with("postfix", &["postfix"]) else { return };
    let chain = stand.chain.clone();
    stand.pki.start_postfix(&chain);
    stand.accepts("smtp", SMTP);
    stand.accepts("submission", SMTP);
}

#[test]
fn postfix_without_tls() {
    let Some(mut stand) = Stand::with("postfix_without_tls", &["postfix"]) else { return };
    stand.pki.start_smtpd("smtpd_tls_security_level = none\n");
    stand.declines("smtp", SMTP, &[], "does not offer STARTTLS (EHLO does not list STARTTLS; it lists PIPELINING, ");
}

/// Offers it, and cannot do it.
#[test]
fn postfix_with_a_broken_configuration() {
    let Some(mut stand) = Stand::with("postfix_with_a_broken_configuration", &["postfix"]) else { return };
    let both = stand.pki.key_and_chain(&stand.chain);
    let tls = "smtpd_tls_security_level = may\nsmtpd_tls_CAfile = /nonexistent\nsmtpd_tls_chain_files = ";
    stand.pki.start_smtpd(&format!("{tls}{}\n", both.display()));
    stand.declines("smtp", SMTP, &[], "refused STARTTLS: 454 4.7.0 TLS not available due to local problem");
}

fn start_exim(stand: &mut Stand, exim: &Path, tls: &str) {
    let base = stand.path("");
    fs::create_dir(stand.path("spool")).unwrap();
    // Debian's Exim looks its user up, and ends where there is none, even if the configuration names another.
    for (file, entry) in
        [("passwd", "Debian-exim:x:59999:59999::/nonexistent:/bin/false\n"), ("group", "Debian-exim:x:59999:\n")]
    {
        stand.write(&format!("etc-exim/{file}"), &(fs::read_to_string(Path::new("/etc").join(file)).unwrap() + entry));
    }
    let configuration = stand.write(
        "exim.conf",
        &format!(
            "exim_user = root\nexim_group = root\nspool_directory = {base}/spool\nlog_file_path = {base}/exim-%s.log\n\
             pid_file_path = {base}/exim.pid\nprimary_hostname = www.real.test\nhost_lookup =\nkeep_environment =\n\
             local_interfaces = {address}\ndaemon_smtp_ports = {SMTP}\n{tls}\nbegin acl\n",
            base = base.display(),
            address = stand.pki.address
        ),
    );
    let arguments = ["-C", configuration.to_str().unwrap(), "-bdf"];
    stand.pki.start(&mut with_etc(&stand.path("etc-exim"), exim, &arguments), &[SMTP], "exim.log");
}

#[test]
fn exim() {
    let Some(exim) = unpacked("exim", "exim4-daemon-light", "usr/sbin/exim4") else { return };
    let Some(mut stand) = Stand::with("exim", &[]) else { return };
    let tls = format!(
        "tls_advertise_hosts = *\ntls_certificate = {}\ntls_privatekey = {}",
        stand.chain.display(),
        stand.key.display()
    );
    start_exim(&mut stand, &exim, &tls);
    stand.accepts("smtp", SMTP);
}

#[test]
fn exim_without_tls() {
    let Some(exim) = unpacked("exim_without_tls", "exim4-daemon-light", "usr/sbin/exim4") else { return };
    let Some(mut stand) = Stand::with("exim_without_tls", &[]) else { return };
    start_exim(&mut stand, &exim, "tls_advertise_hosts =");
    stand.declines("smtp", SMTP, &[], "does not offer STARTTLS (EHLO does not list STARTTLS; it lists ");
}

fn start_dovecot(stand: &mut Stand, tls: &str) {
    let base = stand.path("dovecot");
    fs::create_dir(&base).unwrap();
    let configuration = stand.write(
        "dovecot.conf",
        &format!(
            "base_dir = {base}/run\nstate_dir = {base}/state\nlog_path = /dev/stderr\nlisten = {address}\n\
             protocols = imap pop3 sieve\npassdb {{\n driver = static\n args = password=none\n}}\nuserdb {{\n driver = static\n \
             args = uid=nobody gid=nogroup home=/nonexistent\n}}\n{tls}\n\
             service imap-login {{\n inet_listener imap {{\n port = {IMAP}\n }}\n inet_listener imaps {{\n port = {IMAPS}\n }}\n}}\n\
             service pop3-login {{\n inet_listener pop3 {{\n port = {POP3}\n }}\n inet_listener pop3s {{\n port = 0\n }}\n}}\n\
             service managesieve-login {{\n inet_listener sieve {{\n port = {SIEVE}\n }}\n}}\n",
            base = base.display(),
            address = stand.pki.address
        ),
    );
    let mut command = std::process::Command::new("dovecot");
    stand.pki.start(command.args(["-F", "-c"]).arg(configuration), &[IMAP, POP3, SIEVE], "dovecot.log");
}

fn with_certificate(stand: &Stand) -> String {
    format!("ssl = yes\nssl_cert = <{}\nssl_key = <{}", stand.chain.display(), stand.key.display())
}

#[test]
fn dovecot() {
    let Some(mut stand) = Stand::with("dovecot", DOVECOT) else { return };
    let tls = with_certificate(&stand);
    start_dovecot(&mut stand, &tls);
    stand.accepts("imap", IMAP);
    stand.accepts("pop3", POP3);
    stand.accepts("sieve", SIEVE);
}

#[test]
fn dovecot_without_tls() {
    let Some(mut stand) = Stand::with("dovecot_without_tls", DOVECOT) else { return };
    start_dovecot(&mut stand, "ssl = no");
    stand.declines(
        "imap",
        IMAP,
        &[],
        "does not offer STARTTLS (CAPABILITY does not list STARTTLS; it lists IMAP4rev1, ",
    );
    stand.declines("pop3", POP3, &[], "does not offer STLS (CAPA does not list STLS; it lists ");
    stand.declines(
        "sieve",
        SIEVE,
        &[],
        "does not offer STARTTLS (banner does not list STARTTLS; it lists IMPLEMENTATION, ",
    );
}

/// Both wait for the other to begin.
#[test]
fn dovecot_at_the_port_that_begins_with_tls() {
    let Some(mut stand) = Stand::with("dovecot_at_the_port_that_begins_with_tls", DOVECOT) else { return };
    let tls = with_certificate(&stand);
    start_dovecot(&mut stand, &tls);
    let outcome = stand.pki.check(&format!("imap://www.real.test:{IMAPS}"), &[]);
    outcome.expect(2, &["critical connection.handshake-failed"]);
    let finding = &outcome.report["targets"][0]["findings"][0];
    assert!(
        finding["remedy"].as_str().unwrap().contains("imaps:// is for a port that speaks TLS at once"),
        "{finding}"
    );
    stand.pki.check(&format!("imaps://www.real.test:{IMAPS}"), &["--timeout", "20"]).expect(0, &[]);
}
