//! What a server presents, or a file holds.
//!
//! Input: a [`Target`] and the [`Network`]. Output:
//! [`Presented`], with whatever was served, however broken, and what became of each connection.

pub mod by_hand;
pub mod capture;
pub mod door;
pub mod files;
pub mod glimpse;
pub mod hello;
pub mod provider;
pub(crate) mod server;
pub mod starttls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::net::{AnswerSource, Cause, Deadline, Network, Outcome, Resolution};
use crate::target::{Host, Server, Target};
use crate::x509::{Certificate, CertificateError, Fingerprint};

/// What `cli` fills for this stage.
#[derive(Debug, Clone, Default)]
pub struct AcquireOptions {
    /// `--servername`: SNI, and the name checked (also for files).
    pub servername: Option<String>,
    /// `--connect`: address (or host) and port to connect to instead.
    pub connect: Option<(String, Option<u16>)>,
    /// Client certificate and key for TLS client authentication.
    pub client_identity: Option<Arc<files::ClientIdentity>>,
    /// Password for PKCS#12 targets.
    pub password: Option<Secret>,
}

impl AcquireOptions {
    /// Where to connect to: the server's own host and port, unless `--connect` says otherwise.
    fn destination(&self, server: &Server) -> (Host, u16) {
        match &self.connect {
            // The resolver says what is wrong with a name that is none.
            Some((host, port)) => {
                (Host::parse(host).unwrap_or_else(|_| Host::Name(host.clone())), port.unwrap_or(server.port))
            }
            None => (server.host.clone(), server.port),
        }
    }
}

/// Text that is never printed.
#[derive(Clone, Default)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// One certificate as it was presented.
#[derive(Debug, Clone)]
pub enum PresentedCertificate {
    /// It decodes.
    Decoded(Arc<Certificate>),
    /// It does not.
    Malformed {
        /// Its octets.
        der: Bytes,
        /// SHA-256 over them.
        sha256: Fingerprint,
        /// What is wrong.
        error: CertificateError,
    },
}

impl PresentedCertificate {
    /// Decodes octets, keeping them when they do not.
    #[must_use]
    pub fn from_der(der: Bytes) -> Self {
        match Certificate::from_der(der.clone()) {
            Ok(certificate) => Self::Decoded(Arc::new(certificate)),
            Err(error) => Self::Malformed { sha256: Fingerprint::of(&der), der, error },
        }
    }

    /// SHA-256 over the octets.
    #[must_use]
    pub fn sha256(&self) -> Fingerprint {
        match self {
            Self::Decoded(certificate) => certificate.sha256,
            Self::Malformed { sha256, .. } => *sha256,
        }
    }

    /// The certificate, when it decodes.
    #[must_use]
    pub fn decoded(&self) -> Option<&Arc<Certificate>> {
        match self {
            Self::Decoded(certificate) => Some(certificate),
            Self::Malformed { .. } => None,
        }
    }
}

/// What was negotiated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSession {
    /// `TLSv1.2` or `TLSv1.3`; of old servers, seen in plain text, `TLSv1.1`, `TLSv1.0`, `SSLv3` or `SSLv2`.
    pub version: &'static str,
    /// IANA name of the suite; SSL 2's have names of their own.
    pub cipher_suite: String,
    /// IANA name of the key exchange group.
    pub group: Option<String>,
}

/// What the server wanted of a client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificate {
    /// Nothing.
    #[default]
    NotRequested,
    /// It asked, and went on without (or with the one given).
    Requested,
    /// It ended the connection for the lack of one, or over the one given.
    Required,
}

/// How STARTTLS, or what stands for it in the protocol, was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StarttlsRefusal {
    /// The server does not list it, or does not know it.
    NotOffered,
    /// The server answered with this: to the request, or before it could be made.
    Refused(String),
    /// The banner or the capability list bears the marks of a middlebox that rewrites it
    /// (`220 ****`, `250-XXXXXXXA`): the text seen.
    Masked(String),
}

/// Phases of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionTimings {
    /// The wait for the name; `None` too where its addresses were known from before.
    pub dns: Option<Duration>,
    /// TCP connection, the proxy's part included.
    pub connect: Option<Duration>,
    /// From the banner to the server's go-ahead.
    pub starttls: Option<Duration>,
    /// TLS handshake.
    pub handshake: Option<Duration>,
}

/// One connection to one address.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The address, or the proxy's; `None` when the name gave none (the outcome then says why).
    pub address: Option<SocketAddr>,
    /// Whether a proxy stood between.
    pub through_proxy: bool,
    /// Whether TCP was connected: tells `connection.failed` from `connection.handshake-failed`.
    pub connected: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// What more is known.
    pub detail: Option<String>,
    /// What is known of who could mend it.
    pub cause: Option<Cause>,
    /// Where the address came from; `Given` with `--connect`.
    pub answer_source: AnswerSource,
    /// What was negotiated, when the handshake completed, or what the server settled on in plain text where it ended there
    /// because the TLS library has no such thing.
    pub tls: Option<TlsSession>,
    /// Whether the handshake ended as it does where the two sides have no version, suite, group or signature in common.
    pub mismatch: bool,
    /// What the server showed to a hello written by hand after that.
    pub plain: Option<Box<by_hand::PlainHandshake>>,
    /// Phases.
    pub timings: ConnectionTimings,
    /// What was served, in order, up to [`MAX_SERVED`]; possibly also when the handshake failed later.
    pub served: Vec<PresentedCertificate>,
    /// Served certificates past the limit, not looked at.
    pub served_beyond_limit: usize,
    /// The stapled OCSP response.
    pub stapled_ocsp: Option<Bytes>,
    /// What the server wanted of a client certificate.
    pub client_certificate: ClientCertificate,
    /// How STARTTLS was refused, when that was the end.
    pub starttls_refusal: Option<StarttlsRefusal>,
}

/// Served certificates that are looked at; more are counted only.
pub const MAX_SERVED: usize = 32;

/// Everything that was presented for one target.
#[derive(Debug, Clone)]
pub enum Presented {
    /// By a server.
    ByServer {
        /// The name checked: `--servername`, else the target's host.
        name: String,
        /// How the name resolved; `None` with `--connect` to an address, or a proxy.
        resolution: Option<Resolution>,
        /// Connections made, in order; with `--all-addresses` one for each address.
        connections: Vec<Connection>,
    },
    /// In a file.
    InFile {
        /// The name checked, when `--servername` gave one.
        name: Option<String>,
        /// Certificates in their order. The leaf is chosen from them by [`Presented::leaf`].
        certificates: Vec<PresentedCertificate>,
        /// Whether that order means anything: a PEM bundle's is the one it would be served in.
        ordered: bool,
    },
}

/// Why a file target could not be read: the question could not be put.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcquireError {
    /// No file, no permission, …
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It holds no certificate.
    #[error("no certificate found in {path}: {reason}")]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// What stands in a list of targets is none.
    #[error("{text}: {reason}")]
    NotATarget {
        /// What stands there.
        text: String,
        /// Why it is no target.
        reason: String,
    },
    /// A fault of this program.
    #[error("{text}: internal error, please report it: {reason}")]
    Internal {
        /// The target.
        text: String,
        /// What went wrong.
        reason: String,
    },
}

impl Presented {
    /// The certificates to judge: of the first connection that served any, or of the file.
    #[must_use]
    pub fn certificates(&self) -> &[PresentedCertificate] {
        match self {
            Self::ByServer { connections, .. } => connections
                .iter()
                .map(|connection| connection.served.as_slice())
                .find(|served| !served.is_empty())
                .unwrap_or_default(),
            Self::InFile { certificates, .. } => certificates,
        }
    }

    /// Where [`Presented::certificates`] came from, when it was a server.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::ByServer { connections, .. } => connections.iter().find(|made| !made.served.is_empty())?.address,
            Self::InFile { .. } => None,
        }
    }

    /// The stapled response that came with [`Presented::certificates`].
    #[must_use]
    pub fn staple(&self) -> Option<&Bytes> {
        match self {
            Self::ByServer { connections, .. } => {
                connections.iter().find(|connection| !connection.served.is_empty())?.stapled_ocsp.as_ref()
            }
            Self::InFile { .. } => None,
        }
    }

    /// The name to check the leaf against.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::ByServer { name, .. } => Some(name),
            Self::InFile { name, .. } => name.as_deref(),
        }
    }

    /// The certificate to judge: a server's first; in a file the first that is no CA and that none
    /// of the others names as its issuer, else the first.
    #[must_use]
    pub fn leaf(&self) -> Option<&PresentedCertificate> {
        let certificates = self.certificates();
        let first = certificates.first();
        match self {
            Self::ByServer { .. } => first,
            Self::InFile { .. } => {
                let decoded = || certificates.iter().filter_map(PresentedCertificate::decoded);
                let is_leaf = |certificate: &Certificate| {
                    !certificate.is_ca()
                        && !decoded().any(|other| **other != *certificate && other.issuer.matches(&certificate.subject))
                };
                certificates
                    .iter()
                    .find(|presented| presented.decoded().is_some_and(|certificate| is_leaf(certificate)))
                    .or(first)
            }
        }
    }
}

/// Gets what a target presents.
///
/// # Errors
/// [`AcquireError`], for files only: an unreachable server is an observation.
pub async fn acquire(
    network: &Network,
    options: &AcquireOptions,
    target: &Target,
    deadline: Deadline,
) -> Result<Presented, AcquireError> {
    let (path, contents) = match target {
        Target::Server(server) => return Ok(Box::pin(server::acquire(network, options, server, deadline)).await),
        Target::File(path) => (path.clone(), read_file(path).await),
        Target::Stdin => (PathBuf::from("-"), read_bounded(tokio::io::stdin()).await),
    };
    let contents = match contents {
        Ok(contents) => contents,
        Err(error) => return Err(AcquireError::Unreadable { path, reason: error.to_string() }),
    };
    let password = options.password.as_ref().map(|password| password.0.as_str());
    match files::read(&contents, password) {
        Ok(files::Found { certificates, ordered }) => {
            let name = options.servername.as_ref().map(|given| match Host::parse(given) {
                Ok(host) => host.unbracketed(),
                Err(_) => given.clone(),
            });
            Ok(Presented::InFile { name, certificates, ordered })
        }
        Err(error) => Err(AcquireError::NoCertificate { path, reason: error.0 }),
    }
}

async fn read_file(path: &Path) -> std::io::Result<Bytes> {
    let file = tokio::fs::File::open(path).await?;
    if file.metadata().await?.is_dir() {
        return Err(std::io::Error::other("it is a directory"));
    }
    read_bounded(file).await
}

async fn read_bounded(source: impl AsyncRead + Unpin) -> std::io::Result<Bytes> {
    let mut contents = Vec::new();
    let limit = files::MAX_FILE_SIZE;
    let read = source.take(limit.saturating_add(1)).read_to_end(&mut contents).await?;
    if u64::try_from(read).is_ok_and(|read| read <= limit) {
        Ok(contents.into())
    } else {
        Err(std::io::Error::other(format!("it is larger than {} MiB", limit >> 20)))
    }
}
