//! A server's address to be gone to again and again, each time up to the point where the ClientHello goes out.
//!
//! Input: a server as it was named and the options to reach it by. Output: [`Door`]s, one for each address that is asked,
//! and the connections that failed before there was one.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::server::{failed, untried};
use super::starttls::{self, Waits};
use super::{AcquireOptions, Connection, ConnectionTimings};
use crate::net::{Deadline, Failure, Network, Opened, Outcome, ProxyUrl, Resolution, Stream};
use crate::target::{Host, Scheme, Server};

/// What is told of a connection that was not made because the time was up.
pub(crate) const TOO_LATE: &str = "it was not asked: the deadline of the run came first";

/// Where the doors of one server are.
pub struct Doors {
    /// How the name resolved; `None` where there was no need.
    pub resolution: Option<Resolution>,
    /// One for each address with `--all-addresses`, else one.
    pub doors: Vec<Door>,
    /// What failed before there was one.
    pub failures: Vec<Connection>,
}

/// One address, or the way through a proxy.
pub struct Door {
    network: Network,
    server: Server,
    server_name: Host,
    place: Place,
    /// The connection that showed the way to be open, for the first who asks.
    ready: Mutex<Option<Ready>>,
    deadline: Mutex<Deadline>,
}

enum Ready {
    Opened(Opened),
    Entered(Box<Entered>),
}

pub(super) enum Place {
    Address(SocketAddr),
    Proxy { proxy: ProxyUrl, host: String, port: u16 },
}

/// A stream on which the ClientHello may go out.
pub struct Entered {
    /// The stream, past STARTTLS.
    pub stream: Box<dyn Stream>,
    /// The connection so far: address and phases.
    pub connection: Connection,
}

/// Finds the doors of a server: resolves and connects once, and with `--all-addresses` to every address.
///
/// # Errors
/// A server name that cannot be asked for, as a connection that was not made.
pub async fn find(
    network: &Network,
    options: &AcquireOptions,
    server: &Server,
    deadline: Deadline,
) -> Result<Doors, Box<Connection>> {
    let server_name = match options.servername.as_deref().map(Host::parse).transpose() {
        Ok(given) => given.unwrap_or_else(|| server.host.clone()),
        Err(error) => {
            let detail = format!("cannot ask for this server name: {error}");
            return Err(Box::new(failed(None, Failure::at_once(Outcome::Unsupported, detail))));
        }
    };
    let (host, port) = options.destination(server);
    let host = host.unbracketed();
    let door = |place, ready| Door {
        network: network.clone(),
        server: server.clone(),
        server_name: server_name.clone(),
        place,
        ready: Mutex::new(ready),
        deadline: Mutex::new(deadline),
    };
    if let Some(proxy) = network.target_proxy(&host) {
        let place = Place::Proxy { proxy: proxy.clone(), host, port };
        return Ok(Doors { resolution: None, doors: vec![door(place, None)], failures: Vec::new() });
    }
    let resolution = network.resolve(&host, deadline).await;
    let addresses: Vec<SocketAddr> =
        resolution.addresses.iter().map(|address| SocketAddr::new(*address, port)).collect();
    let mut found = Doors { resolution: None, doors: Vec::new(), failures: Vec::new() };
    if addresses.is_empty() {
        found
            .failures
            .push(Connection { timings: ConnectionTimings::default(), ..failed(None, resolution.why_none()) });
    } else if network.options().all_addresses {
        found.doors = addresses.into_iter().map(|address| door(Place::Address(address), None)).collect();
    } else {
        let mut tries = network.options().limits.retries;
        loop {
            let (opened, failures) = network.connect_any(&addresses, deadline).await;
            let transient =
                failures.iter().any(|(_, failure)| matches!(failure.outcome, Outcome::Timeout | Outcome::Reset));
            if opened.is_none() && transient && tries > 0 && !deadline.is_over() {
                tries = tries.saturating_sub(1);
                continue;
            }
            found.failures.extend(failures.into_iter().map(|(address, failure)| failed(Some(address), failure)));
            if let Some(opened) = opened {
                found.doors.push(door(Place::Address(opened.address), Some(Ready::Opened(opened))));
            }
            break;
        }
    }
    for connection in &mut found.failures {
        connection.timings.dns = resolution.elapsed;
        if options.connect.is_none() {
            connection.answer_source = resolution.source.clone();
        }
    }
    found.resolution = Some(resolution);
    Ok(found)
}

impl Door {
    /// The door at a place that has been reached before.
    pub(super) fn at(network: &Network, server: &Server, server_name: &Host, place: Place, deadline: Deadline) -> Self {
        Self {
            network: network.clone(),
            server: server.clone(),
            server_name: server_name.clone(),
            place,
            ready: Mutex::new(None),
            deadline: Mutex::new(deadline),
        }
    }

    /// Sets when all of it ends: several doors that are gone through one after the other each have their own time.
    pub fn set_deadline(&self, deadline: Deadline) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// Puts the end off, by time that went by for another reason than the server's.
    pub fn extend(&self, by: Duration) {
        let mut deadline = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        deadline.0 = deadline.0.checked_add(by).unwrap_or(deadline.0);
    }

    /// A connection that was not made because the time was up.
    #[must_use]
    pub fn too_late(&self) -> Connection {
        let through_proxy = matches!(self.place, Place::Proxy { .. });
        let failure = Failure::at_once(Outcome::Timeout, TOO_LATE.to_owned());
        Connection { through_proxy, ..failed(self.address(), failure) }
    }

    /// The address; `None` through a proxy.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self.place {
            Place::Address(address) => Some(address),
            Place::Proxy { .. } => None,
        }
    }

    /// How TLS begins there.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.server.scheme
    }

    /// The name asked for: SNI, where it is one.
    #[must_use]
    pub fn server_name(&self) -> &Host {
        &self.server_name
    }

    /// When all of it ends.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network behind it.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Connects, and goes through STARTTLS where the scheme has it.
    ///
    /// # Errors
    /// The connection with what kept it from getting there.
    pub async fn enter(&self) -> Result<Entered, Box<Connection>> {
        let opened = match (self.take_ready(), &self.place) {
            (Some(Ready::Entered(entered)), _) => return Ok(*entered),
            (Some(Ready::Opened(opened)), _) => Ok(opened),
            (None, Place::Address(address)) => self.network.connect(*address, self.deadline()).await,
            (None, Place::Proxy { proxy, host, port }) => {
                Box::pin(self.network.tunnel(proxy, host, *port, self.deadline())).await
            }
        };
        let entered = match opened {
            Ok(opened) => {
                let waits = Waits::new(&self.network.options().limits, self.deadline());
                enter(opened, self.server.scheme, &self.server_name, waits).await
            }
            Err(failure) => Err(Box::new(failed(self.address(), failure))),
        };
        let through_proxy = matches!(self.place, Place::Proxy { .. });
        match entered {
            Ok(entered) => {
                let connection = Connection { through_proxy, ..entered.connection };
                Ok(Entered { connection, ..entered })
            }
            Err(connection) => Err(Box::new(Connection { through_proxy, ..*connection })),
        }
    }

    /// Keeps a connection that nothing was asked on for the next who enters.
    pub fn give_back(&self, entered: Entered) {
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = Some(Ready::Entered(Box::new(entered)));
    }

    fn take_ready(&self) -> Option<Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Goes through STARTTLS where the scheme has it.
///
/// # Errors
/// The connection with how that was declined.
pub(super) async fn enter(
    opened: Opened,
    scheme: Scheme,
    server_name: &Host,
    waits: Waits,
) -> Result<Entered, Box<Connection>> {
    let Opened { stream, address, connect } = opened;
    let mut connection = Connection {
        address: Some(address),
        connected: true,
        timings: ConnectionTimings { connect: Some(connect), ..ConnectionTimings::default() },
        ..untried()
    };
    match starttls::negotiate(scheme, stream, &server_name.unbracketed(), waits).await {
        Ok(negotiated) => {
            connection.timings.starttls = negotiated.elapsed;
            Ok(Entered { stream: negotiated.stream, connection })
        }
        Err(declined) => {
            let (declined, elapsed) = *declined;
            connection.timings.starttls = Some(elapsed);
            connection.outcome = declined.outcome;
            connection.detail = Some(declined.detail);
            connection.starttls_refusal = declined.refusal;
            Err(Box::new(connection))
        }
    }
}
