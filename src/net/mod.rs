//! The only code with outbound sockets: names to addresses, addresses to connections, connections
//! to bytes, with a limit on every step and a true word for every way it can fail.
//!
//! Input: hosts, ports, URLs and [`NetOptions`]. Output: streams and bodies, or a [`Failure`] with
//! the [`Outcome`] that the person with the firewall can act on. A dead host is an observation,
//! never an `Err` of the run.

mod activity;
mod cause;
mod connect;
mod content;
mod deny;
pub mod dns;
mod exchange;
mod fetch;
pub mod http;
mod icmp;
pub mod ldap;
pub mod limits;
mod nameserver;
pub mod outcome;
pub mod proxy;
mod race;
mod tls;
mod tunnel;
mod udp;

#[cfg(test)]
mod fetch_tests;
#[cfg(test)]
mod testing;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore};

pub use cause::{Cause, IcmpError, IcmpKind};
pub use deny::is_private;
pub use dns::{AnswerSource, Resolution};
pub use http::{Attempt, Exchange, HttpMethod, HttpRequest, HttpTimings, ServerClock, Sink, port_of};
pub use limits::{Deadline, Limits};
pub use outcome::{Failure, Outcome};
pub use proxy::{NoProxy, ProxyChoice, ProxyEnvironment, ProxyUrl, ProxyUrlError};
pub use tls::{EndpointRoots, RootsSource};

/// How this tool names itself to HTTP peers.
const USER_AGENT: &str = concat!("certflight/", env!("CARGO_PKG_VERSION"));

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
    /// What https endpoints are verified against.
    pub endpoint_roots: EndpointRoots,
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
#[derive(Clone)]
pub struct Network {
    shared: Arc<Shared>,
}

struct Shared {
    options: NetOptions,
    environment: ProxyEnvironment,
    resolver: dns::Resolver,
    /// Exchanges under way at once.
    exchanges: Semaphore,
    /// TLS for https endpoints, set up at the first one: reading the trust store takes milliseconds.
    tls: OnceCell<Result<tls::Connector, String>>,
}

/// Why the network side of a run could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The resolver's configuration could not be read.
    #[error("cannot set up the resolver: {0}")]
    Resolver(String),
    /// An environment variable holds no proxy URL.
    #[error("cannot use the proxy that {variable} names: {error}; correct or unset it")]
    Proxy {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with its value.
        error: ProxyUrlError,
    },
}

impl Network {
    /// Sets up resolver and proxies, the latter from this process's environment where the options
    /// say so. Does no I/O: the resolver's configuration and, for https endpoints, the trust store
    /// are read when first needed.
    ///
    /// # Errors
    /// [`NetError`]
    pub fn new(options: NetOptions) -> Result<Self, NetError> {
        let from_environment = [&options.target_proxy, &options.endpoint_proxy]
            .iter()
            .any(|choice| !matches!(choice, ProxyChoice::Direct));
        let environment =
            if from_environment { ProxyEnvironment::from_process()? } else { ProxyEnvironment::default() };
        Self::with_environment(options, environment)
    }

    /// The same with another environment than this process's.
    ///
    /// # Errors
    /// [`NetError`]
    pub fn with_environment(options: NetOptions, environment: ProxyEnvironment) -> Result<Self, NetError> {
        let resolver = dns::Resolver::new(&options);
        let exchanges = Semaphore::new(options.limits.concurrency.clamp(1, Semaphore::MAX_PERMITS));
        let shared = Shared { options, environment, resolver, exchanges, tls: OnceCell::new() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The options it was made with.
    #[must_use]
    pub fn options(&self) -> &NetOptions {
        &self.shared.options
    }

    /// Addresses of a host name or address literal, in the order to try them (families interleaved
    /// as RFC 8305 §4 has it, addresses without a route last). Takes at most one step; concurrent
    /// askers of one name share one query, and its answer holds for the run.
    pub async fn resolve(&self, host: &str, deadline: Deadline) -> Resolution {
        self.shared.resolver.resolve(host, deadline).await
    }

    /// The proxy that a target of this host goes through, if any.
    #[must_use]
    pub fn target_proxy(&self, host: &str) -> Option<&ProxyUrl> {
        self.choose_proxy(&self.shared.options.target_proxy, "https", host)
    }

    /// The proxy that an endpoint goes through, if any.
    #[must_use]
    pub fn endpoint_proxy(&self, url: &url::Url) -> Option<&ProxyUrl> {
        self.choose_proxy(&self.shared.options.endpoint_proxy, url.scheme(), url.host_str().unwrap_or_default())
    }

    /// `--no-proxy` stands in for `no_proxy`, and either holds for a given proxy too, as with curl.
    fn choose_proxy<'a>(&'a self, choice: &'a ProxyChoice, scheme: &str, host: &str) -> Option<&'a ProxyUrl> {
        let given = &self.shared.options.no_proxy;
        let no_proxy = if given.is_empty() { self.shared.environment.no_proxy() } else { given };
        if no_proxy.covers(host) {
            return None;
        }
        match choice {
            ProxyChoice::Environment => self.shared.environment.of_scheme(scheme),
            ProxyChoice::Direct => None,
            ProxyChoice::Url(proxy) => Some(proxy),
        }
    }

    /// Connects to one address, directly.
    ///
    /// # Errors
    /// [`Failure`]: `refused`, `timeout`, `unreachable`, `reset`, …
    pub async fn connect(&self, address: SocketAddr, deadline: Deadline) -> Result<Opened, Failure> {
        let connected = connect::connect(address, self.shared.options.limits.step, deadline).await?;
        Ok(Opened { stream: Box::new(connected.stream), address, connect: connected.elapsed })
    }

    /// Connects to whichever address answers first, starting them 250 ms apart (RFC 8305 §5), the
    /// next at once when one fails, and tells what became of every one that was started and failed
    /// before. Those still silent when one answers are let go and not told.
    ///
    /// # Errors
    /// Each address with its failure when none answered.
    pub async fn connect_any(
        &self,
        addresses: &[SocketAddr],
        deadline: Deadline,
    ) -> (Option<Opened>, Vec<(SocketAddr, Failure)>) {
        let race = connect::connect_any(addresses, self.shared.options.limits.step, deadline).await;
        let opened = race.winner.map(|(address, connected)| Opened {
            stream: Box::new(connected.stream),
            address,
            connect: connected.elapsed,
        });
        (opened, race.failed)
    }

    /// Opens a tunnel to `host:port` through a proxy (HTTP CONNECT or SOCKS5, the name resolved by
    /// the proxy).
    ///
    /// # Errors
    /// [`Failure`]: `proxy-denied`, or `proxy-failure` where the proxy could not be reached, did not
    /// answer, or could not reach the host; the detail says which.
    pub async fn tunnel(&self, proxy: &ProxyUrl, host: &str, port: u16, deadline: Deadline) -> Result<Opened, Failure> {
        let addresses = self.proxy_addresses(proxy, deadline).await?;
        Box::pin(tunnel::open(proxy, &addresses, host, port, self.shared.options.limits.step, deadline)).await
    }

    async fn proxy_addresses(&self, proxy: &ProxyUrl, deadline: Deadline) -> Result<Vec<SocketAddr>, Failure> {
        let resolution = self.resolve(&proxy.host, deadline).await;
        match resolution.failure {
            Some(failure) => Err(Failure {
                outcome: Outcome::ProxyFailure,
                detail: Some(format!("proxy {proxy} could not be reached: {failure}")),
                cause: Some(Cause::ProxyUnreached { proxy: proxy.to_string() }),
                elapsed: failure.elapsed,
            }),
            None => Ok(resolution.addresses.iter().map(|address| SocketAddr::new(*address, proxy.port)).collect()),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::options;
    use super::*;

    fn environment() -> ProxyEnvironment {
        ProxyEnvironment::from_variables(|name| match name {
            "http_proxy" => Some("plain:1".to_owned()),
            "https_proxy" => Some("secure:2".to_owned()),
            "no_proxy" => Some("direct.test".to_owned()),
            _ => None,
        })
        .unwrap()
    }

    fn chosen(options: NetOptions, host: &str) -> [Option<String>; 3] {
        let network = Network::with_environment(options, environment()).unwrap();
        let endpoint = |scheme: &str| {
            network.endpoint_proxy(&format!("{scheme}://{host}/").parse().unwrap()).map(|proxy| proxy.host.clone())
        };
        [network.target_proxy(host).map(|proxy| proxy.host.clone()), endpoint("http"), endpoint("https")]
    }

    #[test]
    fn proxies_are_chosen_by_option_then_environment() {
        let of = |name: &str| Some(name.to_owned());
        let by_environment = NetOptions {
            target_proxy: ProxyChoice::Environment,
            endpoint_proxy: ProxyChoice::Environment,
            ..options()
        };
        assert_eq!(chosen(by_environment.clone(), "a.test"), [of("secure"), of("plain"), of("secure")]);
        assert_eq!(chosen(by_environment.clone(), "www.direct.test"), [None, None, None]);
        let no_proxy = NetOptions { no_proxy: NoProxy::parse("a.test"), ..by_environment.clone() };
        assert_eq!(chosen(no_proxy.clone(), "a.test"), [None, None, None]);
        assert_eq!(chosen(no_proxy, "www.direct.test"), [of("secure"), of("plain"), of("secure")]);
        let given = NetOptions { target_proxy: ProxyChoice::Url(ProxyUrl::parse("mine:3").unwrap()), ..by_environment };
        assert_eq!(chosen(given, "a.test"), [of("mine"), of("plain"), of("secure")]);
        assert_eq!(chosen(options(), "a.test"), [None, None, None]);
    }
}
