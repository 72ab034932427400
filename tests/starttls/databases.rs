//! PostgreSQL and MariaDB.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use crate::stand::{Stand, as_user};
use crate::support::skipped;

const POSTGRES: u16 = 5432;
const MARIADB: u16 = 3306;

/// Debian keeps the programs of each version in a folder of its own.
fn postgres_folder(test: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let found = versions.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").exists());
    if found.is_none() {
        skipped(test, "postgresql is not installed");
    }
    found
}

fn start_postgres(stand: &mut Stand, bin: &std::path::Path, tls: &[&str]) {
    let base = stand.folder("postgres", "postgres");
    let data = base.join("data");
    let mut initdb = as_user("postgres", &bin.join("initdb"));
    let made = initdb.arg("-D").arg(&data).args(["-A", "trust", "--no-sync", "--locale", "C"]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut command = as_user("postgres", &bin.join("postgres"));
    command.arg("-D").arg(data).args(["-c", &format!("listen_addresses={}", stand.pki.address)]);
    command.args(["-c", &format!("port={POSTGRES}"), "-c", &format!("unix_socket_directories={}", base.display())]);
    for setting in tls {
        command.args(["-c", setting]);
    }
    stand.pki.start(&mut command, &[POSTGRES], "postgres.log");
}

#[test]
fn postgres() {
    let Some(bin) = postgres_folder("postgres") else { return };
    let Some(mut stand) = Stand::with("postgres", &[]) else { return };
    let key = format!("ssl_key_file={}", stand.key_of("postgres").display());
    let chain = format!("ssl_cert_file={}", stand.chain.display());
    start_postgres(&mut stand, &bin, &["ssl=on", &key, &chain]);
    stand.accepts("postgres", POSTGRES);
}

#[test]
fn postgres_without_tls() {
    let Some(bin) = postgres_folder("postgres_without_tls") else { return };
    let Some(mut stand) = Stand::with("postgres_without_tls", &[]) else { return };
    start_postgres(&mut stand, &bin, &["ssl=off"]);
    stand.declines("postgres", POSTGRES, &[], "does not offer TLS (SSLRequest was answered with N");
}

fn start_mariadb(stand: &mut Stand, tls: &[&str]) {
    let base = stand.folder("mariadb", "mysql");
    let path = |option: &str, name: &str| format!("{option}={}", base.join(name).display());
    let data = stand.folder("mariadb/data", "mysql");
    let mut command = Command::new("mariadbd");
    command.args([
        "--no-defaults",
        "--user=mysql",
        "--skip-grant-tables",
        "--skip-name-resolve",
        "--max-connections=10",
    ]);
    command.arg(format!("--datadir={}", data.display())).args([path("--socket", "socket"), path("--pid-file", "pid")]);
    command.args([format!("--bind-address={}", stand.pki.address), format!("--port={MARIADB}")]).args(tls);
    stand.pki.start(&mut command, &[MARIADB], "mariadb.log");
}

#[test]
fn mariadb() {
    let Some(mut stand) = Stand::with("mariadb", &["mariadbd"]) else { return };
    let key = format!("--ssl-key={}", stand.key_of("mysql").display());
    let chain = format!("--ssl-cert={}", stand.chain.display());
    start_mariadb(&mut stand, &[&key, &chain]);
    stand.accepts("mysql", MARIADB);

    // As many as it takes, and one more that it keeps for its administrator.
    let address = (stand.pki.address, MARIADB);
    let crowd: Vec<TcpStream> = (0..12).map(|_| TcpStream::connect(address).unwrap()).collect();
    stand.declines("mysql", MARIADB, &[], "refused TLS: 1040 Too many connections");
    drop(crowd);
}

#[test]
fn mariadb_without_tls() {
    let Some(mut stand) = Stand::with("mariadb_without_tls", &["mariadbd"]) else { return };
    start_mariadb(&mut stand, &["--skip-ssl"]);
    stand.declines("mysql", MARIADB, &[], "lacks CLIENT_SSL among its capabilities)");
}
