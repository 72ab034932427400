//! A TLS and SSL server that answers in plain text, with no cryptography beyond what a client that only looks at the
//! answer needs: any version from SSL 2 to TLS 1.3, any cipher suite, and the ways in which old servers go wrong.
//!
//! Input: a [`Behaviour`]. Output: a running [`Responder`], which tells every ClientHello it saw. A client that goes on
//! with the handshake gets an alert: signatures are made up, and no key is ever agreed on.

mod choice;
mod credentials;
mod message;
mod staged;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub use self::credentials::Credentials;
pub(super) use self::staged::OldServer;
use super::placement::LOOPBACK;
use super::smtp::{self, Starttls};
use super::tls::drain;
use super::{LabError, Tasks, listen};
use crate::handshake::ssl2::CipherKind;
use crate::handshake::{CipherSuite, Group, HelloReader, KeyKind, Offered, SignatureScheme, Version};

/// How a server answers.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Versions it takes, in any order.
    pub versions: Vec<Version>,
    /// Suites by version, in its order of preference. A version that is not listed has some that servers had in its
    /// time; a version listed with none takes no hello.
    pub cipher_suites: Vec<(Version, Vec<CipherSuite>)>,
    /// Suites of SSL 2, where that is among the versions.
    pub cipher_kinds: Vec<CipherKind>,
    /// Whose order of suites counts.
    pub preference: Preference,
    /// Groups, in its order of preference.
    pub groups: Vec<Group>,
    /// What it signs with, in its order of preference.
    pub signature_schemes: Vec<SignatureScheme>,
    /// The chain it presents for each kind of key, leaf first. Suites whose kind is missing are not taken.
    pub chains: Vec<(KeyKind, Vec<Bytes>)>,
    /// The response it staples for clients that ask.
    pub staple: Option<Bytes>,
    /// Length of the prime for DHE, in bits.
    pub dh_bits: u16,
    /// Whether it gives out session ids, before TLS 1.3.
    pub session_id: bool,
    /// Whether it promises tickets (RFC 5077).
    pub session_ticket: bool,
    /// Whether it knows secure renegotiation (RFC 5746).
    pub secure_renegotiation: bool,
    /// Whether it knows the extended master secret (RFC 7627).
    pub extended_master_secret: bool,
    /// Whether it encrypts before it authenticates, with CBC suites (RFC 7366).
    pub encrypt_then_mac: bool,
    /// Whether it refuses clients that fell back to an older version (RFC 7507).
    pub fallback_scsv: bool,
    /// Compression methods that it prefers to none.
    pub compression: Vec<u8>,
    /// Protocols by ALPN, in its order of preference; none: it does not know the extension.
    pub alpn: Vec<String>,
    /// Whether it asks for a client certificate, before TLS 1.3.
    pub requests_client_certificate: bool,
    /// SMTP before TLS.
    pub smtp: Option<Starttls>,
    /// What is wrong with it; the first that applies to a hello counts.
    pub faults: Vec<Fault>,
    /// How the answer is cut into records and where it ends.
    pub delivery: Delivery,
}

/// Whose order decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// The server's
    Server,
    /// The client's
    Client,
}

/// What becomes of a connection instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// A fatal alert with this description.
    Alert(u8),
    /// An orderly end.
    Close,
    /// RST
    Reset,
    /// Nothing more.
    Silence,
}

/// What is wrong with a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It reacts so to every hello.
    Every(Reaction),
    /// It reacts so to that many connections, and then no more: overloaded.
    First(usize, Reaction),
    /// It answers that many connections, and then reacts so: it limits those of one client.
    After(usize, Reaction),
    /// It reacts so to every connection whose number that divides: it limits connections, or is a matter of chance.
    Each(usize, Reaction),
    /// It reacts so where it has nothing in common with the client.
    NothingInCommon(Reaction),
    /// It reacts so to hellos of a newer version, instead of answering with its own. For TLS 1.2 these are hellos with TLS
    /// 1.3 in supported_versions.
    IntolerantAbove(Version, Reaction),
    /// It reacts so to more suites than this.
    MoreSuitesThan(usize, Reaction),
    /// It reacts so to hellos of such a length: octets of the handshake message, its header included.
    HelloLength(RangeInclusive<usize>, Reaction),
    /// It reacts so to any extension at all.
    AnyExtension(Reaction),
    /// It reacts so to the extension of this number.
    Extension(u16, Reaction),
    /// It reacts so to an extension that it does not know: any but those of RFC 6066, elliptic curves, signature
    /// algorithms, tickets and secure renegotiation.
    UnknownExtension(Reaction),
    /// It sends a warning with this description before its answer.
    WarnsFirst(u8),
    /// It settles on this suite, whatever was offered.
    SettlesOnSuite(CipherSuite),
    /// It signs so (TLS 1.2), whatever was offered.
    SignsWith(SignatureScheme),
    /// It answers with these two octets as its version.
    SettlesOnVersion(u16),
    /// It answers with these octets, which need not be TLS.
    Says(Bytes),
}

/// How an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// The most octets of a message that one record holds, at least 1.
    pub fragment: usize,
    /// After so many octets of the answer it stops, and how. An alert can be read only where a record ends there.
    pub stop: Option<(usize, Reaction)>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { fragment: 1 << 14, stop: None }
    }
}

impl Default for Behaviour {
    /// Every version from TLS 1.0, without certificates.
    fn default() -> Self {
        Self {
            versions: vec![Version::Tls10, Version::Tls11, Version::Tls12, Version::Tls13],
            cipher_suites: Vec::new(),
            cipher_kinds: CipherKind::ALL.to_vec(),
            preference: Preference::Server,
            groups: vec![Group::X25519, Group::SECP256R1, Group::SECP384R1],
            signature_schemes: [0x0804, 0x0403, 0x0401, 0x0503, 0x0501, 0x0201, 0x0203].map(SignatureScheme).to_vec(),
            chains: Vec::new(),
            staple: None,
            dh_bits: 2048,
            session_id: true,
            session_ticket: false,
            secure_renegotiation: true,
            extended_master_secret: true,
            encrypt_then_mac: false,
            fallback_scsv: true,
            compression: Vec::new(),
            alpn: Vec::new(),
            requests_client_certificate: false,
            smtp: None,
            faults: Vec::new(),
            delivery: Delivery::default(),
        }
    }
}

impl Behaviour {
    /// These versions, with a chain for every kind of key.
    #[must_use]
    pub fn presenting(credentials: &Credentials, versions: &[Version]) -> Self {
        Self { versions: versions.to_vec(), chains: credentials.chains(), ..Self::default() }
    }

    /// The same with these suites for every version.
    #[must_use]
    pub fn with_suites(self, suites: &[u16]) -> Self {
        let suites: Vec<CipherSuite> = suites.iter().copied().map(CipherSuite).collect();
        let cipher_suites = self.versions.iter().map(|version| (*version, suites.clone())).collect();
        Self { cipher_suites, ..self }
    }

    /// The same with a fault more.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }
}

/// What the clients did.
#[derive(Debug, Default)]
pub(super) struct Log {
    connections: usize,
    hellos: Vec<Offered>,
}

/// A running server on loopback, which ends when it is dropped.
#[derive(Debug)]
pub struct Responder {
    address: SocketAddr,
    log: Arc<Mutex<Log>>,
    _tasks: Tasks,
}

impl Responder {
    /// Starts it at a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(behaviour: Behaviour) -> Result<Self, LabError> {
        let listener = listen(SocketAddr::new(LOOPBACK, 0)).await?;
        let address = listener.local_addr().map_err(LabError::io("ask for its own address"))?;
        let mut tasks = Tasks::default();
        let log = serve(&mut tasks, listener, behaviour);
        Ok(Self { address, log, _tasks: tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).connections
    }

    /// Every hello it has read, in order.
    #[must_use]
    pub fn hellos(&self) -> Vec<Offered> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).hellos.clone()
    }
}

/// Serves at a listener, and writes down what comes.
pub(super) fn serve(tasks: &mut Tasks, listener: TcpListener, behaviour: Behaviour) -> Arc<Mutex<Log>> {
    let log = Arc::new(Mutex::new(Log::default()));
    let kept = Arc::clone(&log);
    let behaviour = Arc::new(behaviour);
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let number = {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.connections = log.connections.saturating_add(1);
                log.connections
            };
            let (behaviour, log) = (Arc::clone(&behaviour), Arc::clone(&log));
            connections.spawn(async move {
                // How a client ends its side is its own affair.
                let _ = converse(stream, &behaviour, number, &log).await;
            });
            while connections.try_join_next().is_some() {}
        }
    });
    kept
}

async fn converse(
    mut stream: TcpStream,
    behaviour: &Behaviour,
    number: usize,
    log: &Mutex<Log>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    if let Some(starttls) = behaviour.smtp
        && !smtp::until_tls(&mut stream, starttls).await?
    {
        return Ok(());
    }
    let mut retried = false;
    loop {
        let Some(offered) = read_hello(&mut stream).await? else { return Ok(()) };
        log.lock().unwrap_or_else(PoisonError::into_inner).hellos.push(offered.clone());
        let answer = choice::answer(behaviour, &offered, number, retried);
        if let Some((after, reaction)) = behaviour.delivery.stop
            && let Some(begun) = answer.octets.get(..after)
        {
            stream.write_all(begun).await?;
            return react(stream, reaction, answer.record_version).await;
        }
        stream.write_all(&answer.octets).await?;
        match answer.then {
            choice::Then::React(reaction) => return react(stream, reaction, answer.record_version).await,
            choice::Then::ReadAnotherHello => retried = true,
            choice::Then::WaitForTheClient => {
                let mut next = [0; 1024];
                if stream.read(&mut next).await? == 0 {
                    return Ok(());
                }
                // No key was agreed on, so nothing can come of it.
                return react(stream, Reaction::Alert(HANDSHAKE_FAILURE), answer.record_version).await;
            }
        }
    }
}

const HANDSHAKE_FAILURE: u8 = 40;

/// The client's hello, or `None` where none comes or what comes is none.
async fn read_hello(stream: &mut TcpStream) -> std::io::Result<Option<Offered>> {
    let mut reader = HelloReader::default();
    let mut octets = vec![0; 16 << 10];
    loop {
        let read = stream.read(&mut octets).await?;
        if read == 0 {
            return Ok(None);
        }
        match reader.feed(octets.get(..read).unwrap_or_default()) {
            Ok(None) => {}
            Ok(Some(offered)) => return Ok(Some(offered)),
            Err(_) => return Ok(None),
        }
    }
}

async fn react(mut stream: TcpStream, reaction: Reaction, record_version: u16) -> std::io::Result<()> {
    match reaction {
        Reaction::Alert(description) => {
            stream.write_all(&message::alert(record_version, true, description)).await?;
            stream.shutdown().await?;
        }
        Reaction::Close => stream.shutdown().await?,
        Reaction::Reset => return stream.set_zero_linger(),
        Reaction::Silence => {}
    }
    // Closing with something unread would send RST.
    drain(&mut stream).await
}

#[cfg(test)]
mod tests;
