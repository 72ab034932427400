//! How each program is told its address, its certificates and its options.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::certificates::{Certificates, NAME};
use crate::configuration::{Configuration, Program};
use crate::server::Server;
use crate::support::openssl;
use crate::{responder_server, rustls_server};

/// Starts the server of a configuration. A rustls server takes a runtime that is entered.
pub fn start(configuration: &Configuration, certificates: &Certificates) -> Server {
    let (name, folder) = (&configuration.name, certificates.folder());
    match configuration.program {
        Program::OpenSsl => Server::start(name, folder, |address| s_server(configuration, address)),
        Program::Nginx => Server::start(name, folder, |address| nginx(configuration, folder, address)),
        Program::GnuTls => Server::start(name, folder, |address| gnutls_serv(configuration, address)),
        Program::Nss => Server::start(name, folder, |address| selfserv(configuration, folder, address)),
        Program::Rustls => rustls_server::start(configuration, folder),
        Program::Responder => responder_server::start(configuration),
    }
}

fn s_server(configuration: &Configuration, address: SocketAddr) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_server", "-accept", &address.to_string(), "-www", "-quiet"]);
    if configuration.certificates.is_empty() {
        command.arg("-nocert");
    }
    let options = [("-cert", "-key"), ("-dcert", "-dkey"), ("-xcert", "-xkey")];
    assert!(configuration.certificates.len() <= options.len(), "s_server takes no more than three certificates");
    for (kind, (certificate, key)) in configuration.certificates.iter().zip(options) {
        command.args([certificate, &format!("{kind}.pem"), key, &format!("{kind}.key")]);
    }
    command.args(configuration.options.replace("{name}", NAME).split_whitespace());
    command
}

fn nginx(configuration: &Configuration, folder: &Path, address: SocketAddr) -> Command {
    let port = address.port();
    let certificates: String = configuration
        .certificates
        .iter()
        .map(|kind| format!("ssl_certificate {kind}.pem; ssl_certificate_key {kind}.key; "))
        .collect();
    let mut options = configuration.options.clone();
    if !options.contains("listen") {
        options.insert_str(0, "listen {address} ssl; ");
    }
    let options = options.replace("{address}", &address.to_string()).replace("{name}", NAME);
    // Its own folder for what it keeps; relative names of certificates count from where its configuration stands.
    let base = folder.join(format!("nginx-{port}"));
    fs::create_dir(&base).unwrap();
    let file = folder.join(format!("nginx-{port}.conf"));
    fs::write(
        &file,
        format!(
            "daemon off; pid {base}/pid; error_log stderr notice; worker_processes 1; user root;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; client_body_temp_path {base}/1; proxy_temp_path {base}/2; \
             fastcgi_temp_path {base}/3; uwsgi_temp_path {base}/4; scgi_temp_path {base}/5;\n\
             server {{ {certificates}{options} }} }}\n",
            base = base.display(),
        ),
    )
    .unwrap();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(base).arg("-c").arg(file);
    command
}

fn gnutls_serv(configuration: &Configuration, address: SocketAddr) -> Command {
    let mut command = Command::new("gnutls-serv");
    command.args(["--http", "--quiet", "--port", &address.port().to_string()]);
    for kind in &configuration.certificates {
        command.args(["--x509certfile", &format!("{kind}.pem"), "--x509keyfile", &format!("{kind}.key")]);
    }
    let mut options = configuration.options.split_whitespace();
    command.args(["--priority", options.next().unwrap_or("NORMAL")]);
    command.args(options);
    command
}

/// NSS keeps certificates and keys in a database.
fn selfserv(configuration: &Configuration, folder: &Path, address: SocketAddr) -> Command {
    let database = format!("sql:nss-{}", address.port());
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).current_dir(folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    fs::create_dir(folder.join(format!("nss-{}", address.port()))).unwrap();
    run("certutil", &["-N", "-d", &database, "--empty-password"]);
    let mut command = Command::new("selfserv");
    command.args(["-d", &database, "-p", &address.port().to_string()]);
    for kind in &configuration.certificates {
        let (certificate, key) = (format!("{kind}.pem"), format!("{kind}.key"));
        let bundle = format!("nss-{}-{kind}.p12", address.port());
        let from = ["-inkey", &key, "-in", &certificate, "-name", kind];
        openssl(folder, &[&["pkcs12", "-export", "-passout", "pass:", "-out", &bundle][..], &from].concat());
        run("pk12util", &["-i", &bundle, "-d", &database, "-W", "", "-K", ""]);
        let option = match kind.as_str() {
            "ecdsa" => "-e",
            "dsa" => "-S",
            _ => "-n",
        };
        command.args([option, kind]);
    }
    command.args(configuration.options.split_whitespace());
    command
}
