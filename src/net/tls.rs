//! TLS to https endpoints, verified against the run's trust anchors.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io};

use futures_util::future::BoxFuture;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Stream;
use super::limits::Deadline;
use super::outcome::{Failure, Outcome};

/// The trust anchors for https endpoints, had when the first of them is met.
#[derive(Clone, Default)]
pub enum EndpointRoots {
    /// The operating system's store.
    #[default]
    Native,
    /// Whatever this gives. Called once at most, since most runs meet no https endpoint.
    Given(RootsSource),
}

/// Gives trust anchors, or says why there are none.
pub type RootsSource = Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<CertificateDer<'static>>, String>> + Send + Sync>;

impl EndpointRoots {
    /// A connector that trusts them.
    pub(super) async fn connector(&self) -> Result<TlsConnector, String> {
        let certificates = match self {
            Self::Native => {
                let loading = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
                loading.await.map_err(|error| format!("reading the trust store was cut off: {error}"))?.certs
            }
            Self::Given(source) => source().await?,
        };
        let mut roots = RootCertStore::empty();
        // What does not decode is not trusted; the trust store's own defects are told by `path`.
        roots.add_parsable_certificates(certificates);
        connector(roots).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for EndpointRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "Native",
            Self::Given(_) => "Given",
        })
    }
}

fn connector(roots: RootCertStore) -> Result<TlsConnector, rustls::Error> {
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
