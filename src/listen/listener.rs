//! Sockets that listen, and the loops that accept from them.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::TcpListener;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::AbortHandle;

use super::attend::{Visit, attend};
use super::forward::Service;
use super::guesses::Guesses;
use super::observation::Observation;
use super::places::Places;

/// Connections that the system may hold until they are accepted; it may have a lower limit of its own.
const BACKLOG: i32 = 4096;
/// The pause after the system refused to accept, for want of files or memory.
const PAUSE: Duration = Duration::from_millis(20);
/// How long connections under way may take to end when all is to end.
const GRACE: Duration = Duration::from_secs(1);
/// Idle time after which the system asks whether a client is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// How clients are answered.
#[derive(Clone)]
pub enum Manner {
    /// With a fatal alert.
    Refuse,
    /// With a handshake and a page.
    Serve(Arc<ServerConfig>),
    /// By another server.
    Forward(Service),
}

/// What is spoken before TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Starttls {
    /// Nothing.
    #[default]
    None,
    /// SMTP
    Smtp,
}

/// The page that is shown after a handshake.
pub type Page = Arc<dyn Fn(&Observation) -> String + Send + Sync>;

/// What `cli` fills for this stage.
#[derive(Clone)]
pub struct ListenOptions {
    /// How clients are answered.
    pub manner: Manner,
    /// What is spoken before TLS.
    pub starttls: Starttls,
    /// Time for a hello, for the rest of a handshake, and for each step before.
    pub timeout: Duration,
    /// Connections at once.
    pub concurrency: u32,
    /// What is shown after a handshake.
    pub page: Page,
}

/// What is told of connections.
#[derive(Debug)]
pub enum Event {
    /// What one was.
    Seen(Box<Observation>),
    /// One could not be accepted, and is tried again; why.
    AcceptFailed(String),
}

/// Why nothing can be listened to.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {reason}")]
pub struct ListenError {
    address: String,
    reason: String,
}

impl ListenError {
    fn new(address: impl fmt::Display, error: &io::Error) -> Self {
        let reason = match error.kind() {
            ErrorKind::AddrInUse => "something else listens there; stop it, or choose another port".to_owned(),
            ErrorKind::PermissionDenied => {
                "ports below 1024 need a privilege (on Linux root or CAP_NET_BIND_SERVICE); choose a higher port"
                    .to_owned()
            }
            ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
            _ => error.to_string(),
        };
        Self { address: address.to_string(), reason }
    }
}

/// Sockets that listen; connections are held by the system until [`Listener::start`].
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<(SocketAddr, TcpListener)>,
}

impl Listener {
    /// Listens on every address of this machine, on IPv6 and IPv4 with one socket where that is possible; port 0 takes a
    /// free one.
    ///
    /// # Errors
    /// [`ListenError`]
    pub fn everywhere(port: u16) -> Result<Self, ListenError> {
        let v6 = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port);
        let v4 = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
        // A machine without IPv6 has no such sockets.
        let bound = bind(v6, false).or_else(|error| {
            let unsupported = [ErrorKind::AddrInUse, ErrorKind::PermissionDenied].contains(&error.kind());
            if unsupported { Err(error) } else { bind(v4, false) }
        });
        bound
            .map(|socket| Self { sockets: vec![socket] })
            .map_err(|error| ListenError::new(format!("port {port}"), &error))
    }

    /// Listens on one address; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ListenError`]
    pub fn at(address: SocketAddr) -> Result<Self, ListenError> {
        let socket = bind(address, true).map_err(|error| ListenError::new(address, &error))?;
        Ok(Self { sockets: vec![socket] })
    }

    /// Both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.sockets.extend(other.sockets);
        self
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|(address, _)| *address).collect()
    }

    /// Whether a connection to that address would come here, so that forwarding to it would never end.
    #[must_use]
    pub fn is_at(&self, address: SocketAddr) -> bool {
        self.sockets.iter().any(|(own, _)| {
            let same = own.ip() == address.ip() || (own.ip().is_unspecified() && address.ip().is_loopback());
            own.port() == address.port() && same
        })
    }

    /// Accepts connections and tells of each over the channel. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(self, options: ListenOptions, events: Sender<Event>) -> Running {
        let places = Places::new(options.concurrency);
        let shared = Arc::new(Shared {
            options,
            events,
            places,
            guesses: Arc::default(),
            stopping: AtomicBool::new(false),
            lost: AtomicU64::new(0),
        });
        let accepting = self
            .sockets
            .into_iter()
            .map(|(local, socket)| tokio::spawn(accept(Arc::clone(&shared), local, socket)).abort_handle())
            .collect();
        Running { shared, accepting }
    }
}

fn bind(address: SocketAddr, only_that_family: bool) -> io::Result<(SocketAddr, TcpListener)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(only_that_family)?;
    }
    // On Windows this would let others take the port over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    Ok((listener.local_addr()?, listener))
}

/// What all connections have in common.
pub(super) struct Shared {
    pub(super) options: ListenOptions,
    events: Sender<Event>,
    places: Arc<Places>,
    pub(super) guesses: Arc<Guesses>,
    stopping: AtomicBool,
    lost: AtomicU64,
}

impl Shared {
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Tells of a connection, and waits where the reader is behind.
    pub(super) async fn record(&self, observation: Observation) {
        if self.events.send(Event::Seen(Box::new(observation))).await.is_err() {
            self.lose();
        }
    }

    /// The same for a connection that must not wait: where the reader is too far behind, it is only counted.
    pub(super) fn record_at_once(&self, observation: Observation) {
        match self.events.try_send(Event::Seen(Box::new(observation))) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => self.lose(),
        }
    }

    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

/// Listening under way.
pub struct Running {
    shared: Arc<Shared>,
    accepting: Vec<AbortHandle>,
}

impl Running {
    /// Connections that were seen and could not be told of, because whoever reads the output was too far behind.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Accepts no more, lets go those that have said nothing, and waits a moment for the others to end.
    pub async fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        for task in &self.accepting {
            task.abort();
        }
        self.shared.places.let_go_all();
        self.shared.places.emptied(GRACE).await;
    }
}

async fn accept(shared: Arc<Shared>, local: SocketAddr, listener: TcpListener) {
    loop {
        let (stream, source) = match listener.accept().await {
            Ok(accepted) => accepted,
            // The client gave up before it was accepted.
            Err(error) if is_passing(&error) => continue,
            Err(error) => {
                // Full: then it is known already.
                let _ = shared.events.try_send(Event::AcceptFailed(error.to_string()));
                shared.places.let_go_oldest();
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let visit = Visit {
            source: canonical(source),
            local: stream.local_addr().map_or(local, canonical),
            at: Timestamp::now(),
        };
        // Without it, a client that vanishes from a long connection would keep its place forever.
        let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
        let Some(place) = shared.places.take().await else { return };
        tokio::spawn(attend(Arc::clone(&shared), stream, visit, place));
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted | ErrorKind::TimedOut
    )
}

/// An IPv4 client's address as such, also on a socket for both families.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}
