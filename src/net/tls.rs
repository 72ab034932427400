//! TLS to https endpoints, verified against the run's trust anchors.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use std::{fmt, io};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Stream;
use super::cause::Cause;
use super::limits::Deadline;
use super::outcome::{Failure, Outcome};
use crate::x509::Certificate;

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
    pub(super) async fn connector(&self) -> Result<Connector, String> {
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
        Connector::trusting(roots)
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

/// Makes TLS connections to https endpoints.
pub(super) struct Connector {
    config: ClientConfig,
    verifier: Arc<WebPkiServerVerifier>,
}

impl Connector {
    fn trusting(roots: RootCertStore) -> Result<Self, String> {
        // ring draws the random numbers, aws-lc-rs verifies: it knows more curves, and drawing from it
        // costs some 50 ms of CPU once.
        let mut provider = rustls::crypto::ring::default_provider();
        provider.signature_verification_algorithms =
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        let provider = Arc::new(provider);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| format!("no certificate of an https endpoint can be verified: {error}"))?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_webpki_verifier(Arc::clone(&verifier))
            .with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self { config, verifier })
    }
}

/// Verifies as ever, and remembers who issued a certificate that is refused.
#[derive(Debug)]
struct Witness {
    verifier: Arc<WebPkiServerVerifier>,
    refused: OnceLock<Refused>,
}

/// A certificate that is not accepted.
#[derive(Debug)]
struct Refused {
    issuer: String,
    why: String,
    /// Whether the reason is that nobody here knows the issuer.
    is_unknown: bool,
}

impl Refused {
    fn of(end_entity: &CertificateDer<'_>, error: &CertificateError) -> Option<Self> {
        let certificate = Certificate::from_der(Bytes::copy_from_slice(end_entity)).ok()?;
        let issuer = certificate.issuer.to_string();
        let refusal = match error {
            CertificateError::Other(other) => other.to_string(),
            error => error.to_string(),
        };
        let is_unknown = *error == CertificateError::UnknownIssuer;
        let why = match is_unknown {
            true => format!("its certificate is issued by {issuer}, which leads to no trusted root"),
            // Self-signed ones made with the tools' defaults are a CA's, and are refused for that first.
            false if certificate.is_self_issued() => {
                format!("its certificate is self-signed by {issuer} and refused: {refusal}")
            }
            false => format!("its certificate is issued by {issuer} and refused: {refusal}"),
        };
        Some(Self { issuer, why, is_unknown })
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if let Err(rustls::Error::InvalidCertificate(error)) = &verified
            && let Some(refused) = Refused::of(end_entity, error)
        {
            let _ = self.refused.set(refused);
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Performs the handshake for a host.
pub(super) async fn handshake(
    connector: &Connector,
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
    let witness = Arc::new(Witness { verifier: Arc::clone(&connector.verifier), refused: OnceLock::new() });
    let mut config = connector.config.clone();
    config.dangerous().set_certificate_verifier(Arc::<Witness>::clone(&witness));
    match timeout(deadline.cap(step), TlsConnector::from(Arc::new(config)).connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => match witness.refused.get() {
            Some(Refused { issuer, why, is_unknown }) => {
                let detail = format!("TLS handshake: {why}");
                let cause = is_unknown.then(|| Cause::UnknownIssuer { issuer: issuer.clone() });
                Err(Failure::since(started, Outcome::TlsFailure, detail).because(cause))
            }
            None => {
                let (outcome, detail) = classify(&error);
                Err(Failure::since(started, outcome, detail))
            }
        },
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
