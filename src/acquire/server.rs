//! From a named server to its connections: resolve, connect, STARTTLS, handshake.

use std::net::SocketAddr;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::by_hand;
use super::capture::capture;
use super::door::{self, Door, Entered, Place};
use super::starttls::Waits;
use super::{AcquireOptions, Connection, ConnectionTimings, Presented};
use crate::net::{AnswerSource, Deadline, Failure, Network, Opened, Outcome, Resolution};
use crate::target::{Host, Server};

/// Everything that stays the same for all addresses of a server.
struct Approach<'a> {
    network: &'a Network,
    options: &'a AcquireOptions,
    server: &'a Server,
    /// SNI.
    server_name: Host,
    /// Where to connect to, the target's unless `--connect` says otherwise.
    host: String,
    port: u16,
    deadline: Deadline,
}

/// Connects to a server as the options say, and tells what became of every connection.
pub(super) async fn acquire(
    network: &Network,
    options: &AcquireOptions,
    server: &Server,
    deadline: Deadline,
) -> Presented {
    let server_name = match options.servername.as_deref().map(Host::parse).transpose() {
        Ok(given) => given.unwrap_or_else(|| server.host.clone()),
        Err(error) => {
            let name = options.servername.clone().unwrap_or_default();
            let failure = Failure::at_once(Outcome::Unsupported, format!("cannot ask for this server name: {error}"));
            return Presented::ByServer { name, resolution: None, connections: vec![failed(None, failure)] };
        }
    };
    let (host, port) = options.destination(server);
    let is_name = matches!(host, Host::Name(_));
    let name = server_name.unbracketed();
    let approach = Approach { network, options, server, server_name, host: host.unbracketed(), port, deadline };
    if let Some(proxied) = approach.through_proxy().await {
        return Presented::ByServer { name, resolution: None, connections: vec![proxied] };
    }
    let resolution = network.resolve(&approach.host, deadline).await;
    let mut connections = approach.directly(&resolution).await;
    for connection in &mut connections {
        connection.timings.dns = resolution.elapsed;
        if options.connect.is_none() {
            connection.answer_source = resolution.source.clone();
        }
    }
    // An address to connect to is nobody's resolution.
    let resolution = (options.connect.is_none() || is_name).then_some(resolution);
    Presented::ByServer { name, resolution, connections }
}

impl Approach<'_> {
    /// `None` where this host is reached without a proxy.
    async fn through_proxy(&self) -> Option<Connection> {
        let proxy = self.network.target_proxy(&self.host)?;
        let mut tries = self.network.options().limits.retries;
        loop {
            let connection = match Box::pin(self.network.tunnel(proxy, &self.host, self.port, self.deadline)).await {
                Ok(opened) => Box::pin(self.converse(opened)).await,
                Err(failure) => failed(None, failure),
            };
            if !self.again(&mut tries, connection.outcome, connection.connected) {
                let place = Place::Proxy { proxy: proxy.clone(), host: self.host.clone(), port: self.port };
                let connection = Connection { through_proxy: true, ..connection };
                return Some(self.by_hand_if_mismatched(place, connection).await);
            }
        }
    }

    async fn directly(&self, resolution: &Resolution) -> Vec<Connection> {
        let addresses: Vec<SocketAddr> =
            resolution.addresses.iter().map(|address| SocketAddr::new(*address, self.port)).collect();
        if addresses.is_empty() {
            return vec![Connection { timings: ConnectionTimings::default(), ..failed(None, resolution.why_none()) }];
        }
        if self.network.options().all_addresses {
            let at_once = self.network.options().limits.concurrency.max(1);
            return stream::iter(addresses).map(|address| self.at(address)).buffered(at_once).collect().await;
        }
        let mut tries = self.network.options().limits.retries;
        loop {
            let (opened, failures) = self.network.connect_any(&addresses, self.deadline).await;
            let transient = failures.iter().map(|(_, failure)| failure.outcome).find(|outcome| is_transient(*outcome));
            let mut connections: Vec<Connection> =
                failures.into_iter().map(|(address, failure)| failed(Some(address), failure)).collect();
            match opened {
                Some(opened) => {
                    let connection = Box::pin(self.converse(opened)).await;
                    let again = self.again(&mut tries, connection.outcome, true);
                    connections.push(match (again, connection.address) {
                        // Once more where it was cut; another address would be another question.
                        (true, Some(address)) => Box::pin(self.at_with(address, tries)).await,
                        (false, Some(address)) => self.by_hand_if_mismatched(Place::Address(address), connection).await,
                        (_, None) => connection,
                    });
                    return connections;
                }
                None if self.again(&mut tries, transient.unwrap_or(Outcome::Refused), false) => {}
                None => return connections,
            }
        }
    }

    async fn at(&self, address: SocketAddr) -> Connection {
        self.at_with(address, self.network.options().limits.retries).await
    }

    async fn at_with(&self, address: SocketAddr, mut tries: u32) -> Connection {
        loop {
            let connection = match self.network.connect(address, self.deadline).await {
                Ok(opened) => Box::pin(self.converse(opened)).await,
                Err(failure) => failed(Some(address), failure),
            };
            if !self.again(&mut tries, connection.outcome, connection.connected) {
                return self.by_hand_if_mismatched(Place::Address(address), connection).await;
            }
        }
    }

    /// Whether to try once more, and one try less is left then. A connection that was made and then
    /// fell silent is not retried: silence there is seldom chance, and has already cost the wait.
    fn again(&self, tries: &mut u32, outcome: Outcome, connected: bool) -> bool {
        let worth_it = if connected { outcome == Outcome::Reset } else { is_transient(outcome) };
        let step = self.network.options().limits.step;
        if !worth_it || *tries == 0 || self.deadline.cap(step).is_zero() {
            return false;
        }
        *tries = tries.saturating_sub(1);
        true
    }

    /// Where the two sides have nothing in common, the server is asked with hellos that the TLS library does not write.
    async fn by_hand_if_mismatched(&self, place: Place, connection: Connection) -> Connection {
        if !connection.mismatch {
            return connection;
        }
        let door = Door::at(self.network, self.server, &self.server_name, place, self.deadline);
        Box::pin(by_hand::ask(&door, connection)).await
    }

    /// STARTTLS where the scheme has it, then the handshake.
    async fn converse(&self, opened: Opened) -> Connection {
        let limits = &self.network.options().limits;
        let waits = Waits::new(limits, self.deadline);
        let Entered { stream, mut connection } =
            match door::enter(opened, self.server.scheme, &self.server_name, waits).await {
                Ok(entered) => entered,
                Err(declined) => return *declined,
            };
        let identity = self.options.client_identity.as_deref();
        let capture = Box::pin(capture(stream, &self.server_name, identity, limits.step, self.deadline)).await;
        connection.timings.handshake = Some(capture.elapsed);
        connection.outcome = capture.outcome;
        connection.detail = capture.detail;
        connection.tls = capture.tls;
        connection.mismatch = capture.mismatch;
        connection.served = capture.served;
        connection.served_beyond_limit = capture.served_beyond_limit;
        connection.stapled_ocsp = capture.stapled_ocsp;
        connection.client_certificate = capture.client_certificate;
        connection
    }
}

/// Failures to connect that another try may not have.
fn is_transient(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Timeout | Outcome::Reset)
}

pub(crate) fn untried() -> Connection {
    Connection {
        address: None,
        through_proxy: false,
        connected: false,
        outcome: Outcome::Ok,
        detail: None,
        cause: None,
        answer_source: AnswerSource::Given,
        tls: None,
        mismatch: false,
        plain: None,
        timings: ConnectionTimings::default(),
        served: Vec::new(),
        served_beyond_limit: 0,
        stapled_ocsp: None,
        client_certificate: super::ClientCertificate::NotRequested,
        starttls_refusal: None,
    }
}

/// An address that could not be connected to, or no address at all.
pub(super) fn failed(address: Option<SocketAddr>, failure: Failure) -> Connection {
    Connection {
        address,
        outcome: failure.outcome,
        detail: failure.detail,
        cause: failure.cause,
        timings: ConnectionTimings { connect: Some(failure.elapsed), ..ConnectionTimings::default() },
        ..untried()
    }
}

#[cfg(test)]
mod tests;
