//! INN's server for readers.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::stand::{Stand, unpacked, with_libraries};

const NNTP: u16 = 1119;

fn start_nnrpd(stand: &mut Stand, nnrpd: &Path, tls: &str, with_overview: bool) {
    let base = stand.path("inn");
    for folder in ["etc", "db", "run", "log", "http", "tmp", "spool/overview", "spool/articles"] {
        fs::create_dir_all(base.join(folder)).unwrap();
    }
    let configuration = stand.write(
        "inn/etc/inn.conf",
        &format!(
            "domain: real.test\nfromhost: www.real.test\npathhost: www.real.test\norganization: Real\nmta: /bin/false\n\
             ovmethod: tradindexed\nhismethod: hisv6\nrunasuser: root\nrunasgroup: root\npathnews: {news}\npathbin: {bin}\n\
             pathetc: {base}/etc\npathdb: {base}/db\npathrun: {base}/run\npathlog: {base}/log\npathhttp: {base}/http\n\
             pathtmp: {base}/tmp\npathspool: {base}/spool\npathoverview: {base}/spool/overview\n\
             patharticles: {base}/spool/articles\n{tls}\n",
            news = nnrpd.parent().unwrap().parent().unwrap().display(),
            bin = nnrpd.parent().unwrap().display(),
            base = base.display()
        ),
    );
    stand.write(
        "inn/etc/readers.conf",
        "auth all {\n hosts: *\n default: reader\n}\naccess all {\n users: *\n newsgroups: *\n}\n",
    );
    stand.write("inn/etc/storage.conf", "method trash {\n newsgroups: *\n class: 0\n}\n");
    stand.write("inn/db/active", "");
    if with_overview {
        stand.write("inn/spool/overview/group.index", "");
    }
    let mut command = Command::new(nnrpd);
    with_libraries(&mut command).env("INNCONF", configuration);
    let address = stand.pki.address.to_string();
    stand.pki.start(command.args(["-D", "-f", "-b", &address, "-p", &NNTP.to_string()]), &[NNTP], "nnrpd.log");
}

#[test]
fn nnrpd() {
    let Some(nnrpd) = unpacked("nnrpd", "inn2", "usr/lib/news/bin/nnrpd") else { return };
    let Some(mut stand) = Stand::with("nnrpd", &[]) else { return };
    let (chain, key) = (stand.chain.display(), stand.key.display());
    let tls = format!("tlscertfile: {chain}\ntlscafile: {chain}\ntlskeyfile: {key}");
    start_nnrpd(&mut stand, &nnrpd, &tls, true);
    stand.accepts("nntp", NNTP);
}

#[test]
fn nnrpd_without_a_certificate() {
    let Some(nnrpd) = unpacked("nnrpd_without_a_certificate", "inn2", "usr/lib/news/bin/nnrpd") else { return };
    let Some(mut stand) = Stand::with("nnrpd_without_a_certificate", &[]) else { return };
    start_nnrpd(&mut stand, &nnrpd, "", true);
    stand.declines("nntp", NNTP, &[], "refused STARTTLS: 580 Error initializing TLS");
}

#[test]
fn nnrpd_without_a_spool() {
    let Some(nnrpd) = unpacked("nnrpd_without_a_spool", "inn2", "usr/lib/news/bin/nnrpd") else { return };
    let Some(mut stand) = Stand::with("nnrpd_without_a_spool", &[]) else { return };
    start_nnrpd(&mut stand, &nnrpd, "", false);
    stand.declines("nntp", NNTP, &[], "refused STARTTLS: 400 NNTP server unavailable");
}
