//! vsftpd.

use std::process::Command;

use crate::stand::Stand;

const FTP: u16 = 2121;

fn start_vsftpd(stand: &mut Stand, tls: &str) {
    let empty = stand.folder("empty", "root");
    let configuration = stand.write(
        "vsftpd.conf",
        &format!(
            "listen=YES\nbackground=NO\nlisten_address={}\nlisten_port={FTP}\nanonymous_enable=YES\nanon_root={empty}\n\
             secure_chroot_dir={empty}\nseccomp_sandbox=NO\n{tls}\n",
            stand.pki.address,
            empty = empty.display()
        ),
    );
    stand.pki.start(Command::new("vsftpd").arg(configuration), &[FTP], "vsftpd.log");
}

#[test]
fn vsftpd() {
    let Some(mut stand) = Stand::with("vsftpd", &["vsftpd"]) else { return };
    let both = stand.pki.key_and_chain(&stand.chain);
    start_vsftpd(&mut stand, &format!("ssl_enable=YES\nallow_anon_ssl=YES\nrsa_cert_file={}", both.display()));
    stand.accepts("ftp", FTP);
}

#[test]
fn vsftpd_without_tls() {
    let Some(mut stand) = Stand::with("vsftpd_without_tls", &["vsftpd"]) else { return };
    start_vsftpd(&mut stand, "ssl_enable=NO");
    stand.declines("ftp", FTP, &[], "does not offer AUTH TLS (FEAT does not list AUTH TLS; it lists ");
}

/// A greeting painted over, as a firewall does it.
#[test]
fn vsftpd_with_a_masked_banner() {
    let Some(mut stand) = Stand::with("vsftpd_with_a_masked_banner", &["vsftpd"]) else { return };
    start_vsftpd(&mut stand, "ssl_enable=NO\nftpd_banner=*************");
    stand.declines("ftp", FTP, &[], "does not offer AUTH TLS, and a middlebox rewrites what it says: 220 *****");
}
