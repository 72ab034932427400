//! TLS to https endpoints, verified against the native trust store.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Stream;
use super::limits::Deadline;
use super::outcome::{Failure, Outcome};

/// A connector that trusts what the system trusts. Reads the trust store.
pub(super) fn native_connector() -> Result<TlsConnector, rustls::Error> {
    let mut roots = RootCertStore::empty();
    // What cannot be read is not trusted; the trust store's own defects are told by `path`.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    connector(roots)
}

/// A connector that trusts these roots.
pub(super) fn connector(roots: RootCertStore) -> Result<TlsConnector, rustls::Error> {
    // ring draws the random numbers, aws-lc-rs verifies: it knows more curves, and drawing from it
    // costs some 50 ms of CPU once.
    let mut provider = rustls::crypto::ring::default_provider();
    provider.signature_verification_algorithms =
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Performs the handshake for a host.
pub(super) async fn handshake(
    connector: &TlsConnector,
    stream: Box<dyn Stream>,
    host: &str,
    step: Duration,
    deadline: Deadline,
) -> Result<Box<dyn Stream>, Failure> {
    let started = Instant::now();
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    let Ok(name) = ServerName::try_from(host.to_owned()) else {
        return Err(Failure::since(started, Outcome::TlsFailure, "no certificate can be for such a host name"));
    };
    match timeout(deadline.cap(step), connector.connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => {
            let (outcome, detail) = classify(&error);
            Err(Failure::since(started, outcome, detail))
        }
        Err(_) => {
            let detail = deadline.describe_silence("TLS handshake", step, started.elapsed());
            Err(Failure::since(started, Outcome::Timeout, detail))
        }
    }
}

fn classify(error: &io::Error) -> (Outcome, String) {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return match error {
            rustls::Error::AlertReceived(alert) => (Outcome::TlsAlert, format!("TLS handshake: alert {alert:?}")),
            rustls::Error::InvalidMessage(_) => (Outcome::NotTls, "TLS handshake: what answers is no TLS".to_owned()),
            other => (Outcome::TlsFailure, format!("TLS handshake: {other}")),
        };
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            (Outcome::Reset, "TLS handshake: reset".to_owned())
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
            (Outcome::Closed, "TLS handshake: closed before it was complete".to_owned())
        }
        _ => (Outcome::TlsFailure, format!("TLS handshake: {error}")),
    }
}
