//! A TLS server (RFC 8446, RFC 5246) that presents whatever is staged, however broken, and the ways a
//! server can fail before that.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring::default_provider;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::key::Key;
use super::smtp::{self, Starttls};
use super::{LabError, Tasks};

/// How a server answers a ClientHello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// With a handshake.
    #[default]
    Tls,
    /// With an HTTP error in the clear.
    Plaintext,
    /// With RST.
    Reset,
    /// With the end of the connection.
    Close,
    /// Not at all.
    Mute,
    /// With the fatal alert `handshake_failure`.
    Alert,
}

/// Protocol versions that a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Version {
    /// TLS 1.2
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3
    #[serde(rename = "1.3")]
    Tls13,
}

/// What a server presents.
#[derive(Debug)]
pub struct Presentation<'a> {
    /// The chain, in the order it is sent.
    pub chain: Vec<CertificateDer<'static>>,
    /// The first certificate's key.
    pub key: &'a Key,
    /// The OCSP response to staple.
    pub staple: Option<Vec<u8>>,
    /// Demand a client certificate that this root issued.
    pub client_root: Option<CertificateDer<'static>>,
    /// Merely ask for it.
    pub client_optional: bool,
    /// Versions; empty: all.
    pub versions: &'a [Version],
}

/// What stands at a port.
#[derive(Debug, Clone)]
pub struct Service {
    /// How TLS is spoken.
    pub config: Arc<ServerConfig>,
    /// How a ClientHello is answered.
    pub manner: Manner,
    /// Speak SMTP first, and so.
    pub smtp: Option<Starttls>,
    /// How long it thinks before it begins to answer.
    pub delay: Duration,
}

/// Presents one chain to everybody. The certificates are not looked at, so they may be broken.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A server's configuration.
///
/// # Errors
/// A key that ring does not sign with (RSA below 2048 bits).
pub fn server_config(presentation: Presentation<'_>) -> Result<ServerConfig, LabError> {
    let provider = Arc::new(default_provider());
    let versions: Vec<&'static SupportedProtocolVersion> = rustls::ALL_VERSIONS
        .iter()
        .copied()
        .filter(|version| {
            presentation.versions.is_empty()
                || presentation.versions.iter().any(|wanted| match wanted {
                    Version::Tls12 => version.version == rustls::ProtocolVersion::TLSv1_2,
                    Version::Tls13 => version.version == rustls::ProtocolVersion::TLSv1_3,
                })
        })
        .collect();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&versions)?;
    let builder = match presentation.client_root {
        None => builder.with_no_client_auth(),
        Some(root) => {
            let mut roots = RootCertStore::empty();
            roots.add(root)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if presentation.client_optional { verifier.allow_unauthenticated() } else { verifier };
            let verifier = verifier
                .build()
                .map_err(|error| LabError::Stage(format!("no client certificates can be demanded: {error}")))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut certified = CertifiedKey::new(presentation.chain, any_supported_type(&presentation.key.private_key())?);
    certified.ocsp = presentation.staple;
    Ok(builder.with_cert_resolver(Arc::new(Always(Arc::new(certified)))))
}

/// Serves at a listener.
pub fn serve(tasks: &mut Tasks, listener: TcpListener, service: Service) {
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let service = service.clone();
            connections.spawn(async move {
                // How a client ends its side is its own affair.
                let _ = converse(stream, &service).await;
            });
            while connections.try_join_next().is_some() {}
        }
    });
}

async fn converse(mut stream: TcpStream, service: &Service) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    if !service.delay.is_zero() {
        tokio::time::sleep(service.delay).await;
    }
    if let Some(starttls) = service.smtp
        && !smtp::until_tls(&mut stream, starttls).await?
    {
        return Ok(());
    }
    match service.manner {
        Manner::Tls => {
            let mut secured = TlsAcceptor::from(Arc::clone(&service.config)).accept(stream).await?;
            drain(&mut secured).await
        }
        Manner::Mute => drain(&mut stream).await,
        Manner::Reset => {
            read_some(&mut stream).await?;
            stream.set_zero_linger()
        }
        Manner::Close => {
            read_some(&mut stream).await?;
            stream.shutdown().await
        }
        Manner::Alert => {
            read_some(&mut stream).await?;
            // Record of type alert, version 1.2, two octets: fatal, handshake_failure (RFC 8446 §6).
            stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).await?;
            stream.shutdown().await
        }
        Manner::Plaintext => {
            read_some(&mut stream).await?;
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await?;
            stream.shutdown().await
        }
    }
}

/// Takes the ClientHello, as much of it as comes at once, so that closing leaves nothing unread:
/// otherwise the system would send RST.
async fn read_some<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<()> {
    let mut hello = vec![0; 16 << 10];
    stream.read(&mut hello).await.map(|_| ())
}

/// Reads until the client ends it.
pub(super) async fn drain<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<()> {
    let mut scrap = [0; 1024];
    while stream.read(&mut scrap).await? > 0 {}
    Ok(())
}
