//! A rustls server in this process. Its options: `1.2` and `1.3` (versions; both where none is given), names of cipher
//! suites and groups in the server's order (all where none is given), `server-order`, `client-auth`, `alpn=NAME,…`.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certflight::handshake::{CipherSuite, Group};
use certflight::lab::Tasks;
use certflight::lab::tls::{Manner, Service, serve};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{ALL_CIPHER_SUITES, ALL_KX_GROUPS, default_provider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, version};
use tokio::net::TcpListener;

use crate::configuration::Configuration;
use crate::server::Server;

pub fn start(configuration: &Configuration, folder: &Path) -> Server {
    let config = Arc::new(config(configuration, folder));
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let mut tasks = Tasks::default();
    let service = Service { config, manner: Manner::Tls, smtp: None, delay: Duration::ZERO };
    serve(&mut tasks, TcpListener::from_std(listener).unwrap(), service);
    Server::of_tasks(address, tasks)
}

fn config(configuration: &Configuration, folder: &Path) -> ServerConfig {
    let mut provider = CryptoProvider { cipher_suites: Vec::new(), kx_groups: Vec::new(), ..default_provider() };
    let (mut versions, mut protocols) = (Vec::new(), Vec::new());
    let (mut server_order, mut client_auth) = (false, false);
    for option in configuration.options.split_whitespace() {
        match option {
            "1.2" => versions.push(&version::TLS12),
            "1.3" => versions.push(&version::TLS13),
            "server-order" => server_order = true,
            "client-auth" => client_auth = true,
            _ => {
                if let Some(names) = option.strip_prefix("alpn=") {
                    protocols.extend(names.split(',').map(|name| name.as_bytes().to_vec()));
                } else if let Some(suite) = CipherSuite::from_name(option) {
                    let known = ALL_CIPHER_SUITES.iter().find(|known| u16::from(known.suite()) == suite.0);
                    provider.cipher_suites.push(*known.unwrap_or_else(|| panic!("rustls has no {option}")));
                } else {
                    let group = Group::from_name(option).unwrap_or_else(|| panic!("what is {option}?"));
                    let known = ALL_KX_GROUPS.iter().find(|known| u16::from(known.name()) == group.0);
                    provider.kx_groups.push(*known.unwrap_or_else(|| panic!("rustls has no {option}")));
                }
            }
        }
    }
    if provider.cipher_suites.is_empty() {
        provider.cipher_suites = ALL_CIPHER_SUITES.to_vec();
    }
    if provider.kx_groups.is_empty() {
        provider.kx_groups = ALL_KX_GROUPS.to_vec();
    }
    if versions.is_empty() {
        versions = rustls::ALL_VERSIONS.to_vec();
    }
    let provider = Arc::new(provider);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&versions).unwrap();
    let builder = if client_auth {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&fs::read(folder.join("ca.pem")).unwrap()).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let [kind] = configuration.certificates.as_slice() else { panic!("a rustls server takes one certificate") };
    let read = |file: String| fs::read(folder.join(file)).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(&read(format!("{kind}.pem"))).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&read(format!("{kind}.key"))).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.ignore_client_order = server_order;
    config.alpn_protocols = protocols;
    config
}
