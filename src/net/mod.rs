//! The only code with outbound sockets: names to addresses, addresses to connections, connections
//! to bytes, with a limit on every step and a true word for every way it can fail.
//!
//! Input: hosts, ports, URLs and [`NetOptions`]. Output: streams and bodies, or a [`Failure`] with
//! the [`Outcome`] that the person with the firewall can act on. A dead host is an observation,
//! never an `Err` of the run.

pub mod connect;
pub mod dns;
pub mod http;
pub mod limits;
pub mod outcome;
pub mod proxy;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use dns::Resolution;
pub use http::{Attempt, Exchange, HttpMethod, HttpRequest, HttpTimings, Sink};
pub use limits::{Deadline, Limits};
pub use outcome::{Failure, Outcome};
pub use proxy::{NoProxy, ProxyChoice, ProxyUrl};

/// Which addresses of a name are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// Both, IPv6 first where the resolver says so.
    #[default]
    Any,
    /// `-4`
    V4,
    /// `-6`
    V6,
}

/// What `cli` fills for this stage.
#[derive(Debug, Clone, Default)]
pub struct NetOptions {
    /// `--dns-server`; `None`: the system's resolver with its hosts file.
    pub dns_server: Option<SocketAddr>,
    /// `--resolve`: addresses of pinned names, lower case; several of one name add up.
    pub pins: Vec<(String, IpAddr)>,
    /// `-4`, `-6`
    pub family: Family,
    /// `--all-addresses`
    pub all_addresses: bool,
    /// `--proxy`
    pub target_proxy: ProxyChoice,
    /// `--endpoint-proxy`; `Environment` when neither is given.
    pub endpoint_proxy: ProxyChoice,
    /// `--no-proxy`
    pub no_proxy: NoProxy,
    /// Times, sizes and counts.
    pub limits: Limits,
    /// `--deny-private`
    pub deny_private: bool,
}

/// An open byte stream to a target, directly or through a proxy.
pub struct Opened {
    /// The stream.
    pub stream: Box<dyn Stream>,
    /// The address connected to: the target's, or the proxy's.
    pub address: SocketAddr,
    /// How long the TCP connection (and the proxy's CONNECT) took.
    pub connect: Duration,
}

/// What can be read and written, whatever lies beneath.
pub trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + Sync {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// Resolver, proxies and limits of one run, shared by all targets. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Network {}

/// Why the network side of a run could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The resolver's configuration could not be read.
    #[error("cannot set up the resolver: {0}")]
    Resolver(String),
}

impl Network {
    /// Sets up resolver, proxies and TLS for https endpoints.
    ///
    /// # Errors
    /// [`NetError`]
    pub fn new(options: NetOptions) -> Result<Self, NetError> {
        let _ = options;
        todo!()
    }

    /// The options it was made with.
    #[must_use]
    pub fn options(&self) -> &NetOptions {
        todo!()
    }

    /// Addresses of a host name or address literal, in the order to try them (RFC 6724 as far as
    /// the resolver sorts, families interleaved as RFC 8305 §4 has it).
    pub async fn resolve(&self, host: &str, deadline: Deadline) -> Resolution {
        let _ = (host, deadline);
        todo!()
    }

    /// The proxy that a target of this host goes through, if any.
    #[must_use]
    pub fn target_proxy(&self, host: &str) -> Option<&ProxyUrl> {
        let _ = host;
        todo!()
    }

    /// Connects to one address, directly.
    ///
    /// # Errors
    /// [`Failure`]: `refused`, `timeout`, `unreachable`, `reset`, …
    pub async fn connect(&self, address: SocketAddr, deadline: Deadline) -> Result<Opened, Failure> {
        let _ = (address, deadline);
        todo!()
    }

    /// Connects to whichever address answers first, starting them 250 ms apart (RFC 8305 §5), and
    /// tells what became of every one that was started and failed before.
    ///
    /// # Errors
    /// Each address with its failure when none answered.
    pub async fn connect_any(
        &self,
        addresses: &[SocketAddr],
        deadline: Deadline,
    ) -> (Option<Opened>, Vec<(SocketAddr, Failure)>) {
        let _ = (addresses, deadline);
        todo!()
    }

    /// Opens a tunnel to `host:port` through a proxy (HTTP CONNECT or SOCKS5, the name resolved by
    /// the proxy).
    ///
    /// # Errors
    /// [`Failure`]: `proxy-denied`, `proxy-failure`, or why the proxy could not be reached.
    pub async fn tunnel(&self, proxy: &ProxyUrl, host: &str, port: u16, deadline: Deadline) -> Result<Opened, Failure> {
        let _ = (proxy, host, port, deadline);
        todo!()
    }

    /// Sends one HTTP request to an endpoint, following redirects, trying its addresses (all of
    /// them with `--all-addresses`, else until one answers) and retrying what may be transient.
    ///
    /// Every attempt made is in the result, in order, redirect hops included; those that delivered
    /// a body carry the sink that took it. `make_sink` is called once for each try.
    pub async fn fetch<S: Sink>(
        &self,
        request: &HttpRequest,
        make_sink: &(dyn Fn() -> S + Sync),
        deadline: Deadline,
    ) -> Vec<Exchange<S>> {
        let _ = (request, make_sink, deadline);
        todo!()
    }
}
