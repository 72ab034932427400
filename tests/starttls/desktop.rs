//! xrdp.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::stand::{Stand, unpacked, with_etc, with_libraries};

const RDP: u16 = 3389;

/// xrdp finds its own key only in `/etc/xrdp`.
fn start_xrdp(stand: &mut Stand, xrdp: &Path, security: &str) {
    let etc = stand.path("etc-xrdp");
    fs::create_dir_all(etc.join("xrdp")).unwrap();
    let keygen = xrdp.parent().unwrap().parent().unwrap().join("bin/xrdp-keygen");
    let mut command = Command::new(keygen);
    let made = with_libraries(&mut command).arg("xrdp").arg(etc.join("xrdp/rsakeys.ini")).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let configuration = stand.write(
        "xrdp.ini",
        &format!(
            "[Globals]\nini_version=1\nfork=false\nport=tcp://{}:{RDP}\nsecurity_layer={security}\ncertificate={}\nkey_file={}\n\
             ssl_protocols=TLSv1.2, TLSv1.3\n[Logging]\nLogFile={}\nLogLevel=INFO\nEnableSyslog=false\n[Channels]\n[Xorg]\n\
             name=Xorg\nlib=libxup.so\n",
            stand.pki.address,
            stand.chain.display(),
            stand.key.display(),
            stand.path("xrdp-own.log").display()
        ),
    );
    let arguments = ["--nodaemon", "--config", configuration.to_str().unwrap()];
    stand.pki.start(&mut with_etc(&etc, xrdp, &arguments), &[RDP], "xrdp.log");
}

#[test]
fn xrdp() {
    let Some(xrdp) = unpacked("xrdp", "xrdp", "usr/sbin/xrdp") else { return };
    let Some(mut stand) = Stand::with("xrdp", &[]) else { return };
    start_xrdp(&mut stand, &xrdp, "negotiate");
    stand.accepts("rdp", RDP);
}

#[test]
fn xrdp_without_tls() {
    let Some(xrdp) = unpacked("xrdp_without_tls", "xrdp", "usr/sbin/xrdp") else { return };
    let Some(mut stand) = Stand::with("xrdp_without_tls", &[]) else { return };
    start_xrdp(&mut stand, &xrdp, "rdp");
    stand.declines("rdp", RDP, &[], "does not offer TLS (the server selects Standard RDP Security");
}
