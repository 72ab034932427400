//! Whole handshakes for what hellos do not tell: whether a session is resumed, and which certificate goes with which kind
//! of key under TLS 1.3's encryption. Nothing is verified: that is for [`capture`](super::capture).

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, HandshakeKind, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::MAX_SERVED;
use super::capture::as_server_name;
use super::provider::provider;
use crate::handshake::{KeyKind, SignatureScheme as Scheme};
use crate::net::{Deadline, Stream};
use crate::target::Host;

/// How long a server is listened to after the handshake: its session tickets come with the end of it.
const TICKETS: Duration = Duration::from_secs(1);
/// Reads after the handshake; a server that talks on has said enough.
const MAX_READS: usize = 16;

/// A client that remembers sessions from one handshake to the next.
pub struct Onlooker {
    config: Arc<ClientConfig>,
    seen: Arc<Seen>,
}

/// What one handshake showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse {
    /// The chain as served; of the first handshake where the session was resumed.
    pub served: Vec<Bytes>,
    /// Whether the session was resumed.
    pub resumed: bool,
    /// The protocol chosen by ALPN.
    pub alpn: Option<Vec<u8>>,
    /// Whether the server broke it off after the handshake, as one does under TLS 1.3 that lacks a client certificate:
    /// then there is no session.
    pub broken_off: bool,
}

impl Onlooker {
    /// One that takes only signatures of this kind of key, where one is given, and offers these protocols.
    #[must_use]
    pub fn new(kind: Option<KeyKind>, alpn: &[Vec<u8>]) -> Option<Self> {
        let provider = provider();
        let mut schemes = provider.signature_verification_algorithms.supported_schemes();
        schemes.retain(|scheme| kind.is_none() || Scheme(u16::from(*scheme)).key_kind() == kind);
        let seen = Arc::new(Seen { schemes, served: Mutex::default() });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Seen>::clone(&seen))
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(4);
        config.alpn_protocols = alpn.to_vec();
        Some(Self { config: Arc::new(config), seen })
    }

    /// Makes one handshake, and waits for what comes with its end. `None` where it does not come about.
    pub async fn glimpse(
        &self,
        stream: Box<dyn Stream>,
        server_name: &Host,
        step: Duration,
        deadline: Deadline,
    ) -> Option<Glimpse> {
        let name = as_server_name(server_name)?;
        let handshake = TlsConnector::from(Arc::clone(&self.config)).connect(name, stream);
        let mut stream = timeout(deadline.cap(step), handshake).await.ok()?.ok()?;
        let (_, connection) = stream.get_ref();
        let resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        let alpn = connection.alpn_protocol().map(<[u8]>::to_vec);
        let listen = async {
            stream.get_mut().1.send_close_notify();
            let _ = stream.flush().await;
            let mut octets = [0; 1024];
            for _ in 0..MAX_READS {
                match stream.read(&mut octets).await {
                    Ok(1..) => {}
                    Ok(0) => break,
                    // Errors of TLS, alerts among them, are invalid data; a mere end without close_notify is none.
                    Err(error) => return matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::ConnectionReset),
                }
            }
            false
        };
        // Silence is no fault: what matters was said before.
        let broken_off = timeout(deadline.cap(TICKETS.min(step)), listen).await.unwrap_or(false);
        let served = self.seen.served.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(Glimpse { served, resumed, alpn, broken_off })
    }
}

#[derive(Debug)]
struct Seen {
    schemes: Vec<SignatureScheme>,
    served: Mutex<Vec<Bytes>>,
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).take(MAX_SERVED);
        *self.served.lock().unwrap_or_else(PoisonError::into_inner) =
            chain.map(|der| Bytes::copy_from_slice(der)).collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
