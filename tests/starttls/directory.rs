//! OpenLDAP's slapd.

use std::process::Command;

use crate::stand::Stand;

const LDAP: u16 = 3890;

fn start_slapd(stand: &mut Stand, tls: &str) {
    let configuration = stand.write(
        "slapd.conf",
        &format!("include /etc/ldap/schema/core.schema\npidfile {}\n{tls}\n", stand.path("slapd.pid").display()),
    );
    let url = format!("ldap://{}:{LDAP}/", stand.pki.address);
    let mut command = Command::new("slapd");
    stand.pki.start(command.arg("-f").arg(configuration).args(["-d", "0", "-h", &url]), &[LDAP], "slapd.log");
}

#[test]
fn slapd() {
    let Some(mut stand) = Stand::with("slapd", &["slapd"]) else { return };
    let tls = format!("TLSCertificateFile {}\nTLSCertificateKeyFile {}", stand.chain.display(), stand.key.display());
    start_slapd(&mut stand, &tls);
    stand.accepts("ldap", LDAP);
}

#[test]
fn slapd_without_tls() {
    let Some(mut stand) = Stand::with("slapd_without_tls", &["slapd"]) else { return };
    start_slapd(&mut stand, "");
    stand.declines("ldap", LDAP, &[], "does not offer StartTLS (the server does not know StartTLS: protocolError (2)");
}
