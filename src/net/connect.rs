//! TCP connections: one address, or the first of several (RFC 8305), each failure classified.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::cause::{Cause, IcmpError};
use super::icmp::Witness;
use super::limits::Deadline;
use super::outcome::{Failure, Outcome};
use super::race::{Race, staggered};

/// How long the next address waits for the one before it: RFC 8305 §5, "Connection Attempt Delay".
pub(super) const STAGGER: Duration = Duration::from_millis(250);

/// How long to wait for a free file descriptor before asking for one again.
const DESCRIPTOR_WAIT: Duration = Duration::from_millis(20);

/// A TCP connection and how long it took.
pub(super) struct Connected {
    pub(super) stream: TcpStream,
    pub(super) elapsed: Duration,
}

/// Connects to one address within `step`.
pub(super) async fn connect(address: SocketAddr, step: Duration, deadline: Deadline) -> Result<Connected, Failure> {
    let started = Instant::now();
    match timeout(deadline.cap(step), open(address)).await {
        Ok(Ok(stream)) => {
            // Small writes follow one another in every protocol spoken here. A socket that cannot
            // be told so still works.
            let _ = stream.set_nodelay(true);
            Ok(Connected { stream, elapsed: started.elapsed() })
        }
        Ok(Err((_, Some(error)))) => {
            let failure = Failure::since(started, error.kind.outcome(), format!("connect: {error}"));
            Err(failure.because(Cause::Icmp(error)))
        }
        Ok(Err((error, None))) => {
            let (outcome, detail) = classify(&error);
            let no_route = outcome == Outcome::Unreachable && !has_route(address.ip());
            let detail = if no_route { "this machine has no route to the address".to_owned() } else { detail };
            let failure = Failure::since(started, outcome, format!("connect: {detail}"));
            Err(failure.because(no_route.then_some(Cause::NoRoute)))
        }
        Err(_) => {
            let detail = deadline.describe_silence("connect", step, started.elapsed());
            Err(Failure::since(started, Outcome::Timeout, detail))
        }
    }
}

/// Connects to whichever address answers first. Addresses still silent then are let go.
pub(super) async fn connect_any(
    addresses: &[SocketAddr],
    step: Duration,
    deadline: Deadline,
) -> Race<SocketAddr, Connected, Failure> {
    let limit = deadline.0.saturating_duration_since(Instant::now()).saturating_add(STAGGER);
    staggered(addresses, STAGGER, limit, |address| connect(*address, step, deadline)).await
}

/// Opens the socket; when this process is out of file descriptors, waits for one, since that says
/// nothing about the peer.
async fn open(address: SocketAddr) -> Result<TcpStream, (io::Error, Option<IcmpError>)> {
    loop {
        match open_watched(address).await {
            Err((error, _)) if out_of_descriptors(&error) => tokio::time::sleep(DESCRIPTOR_WAIT).await,
            result => return result,
        }
    }
}

async fn open_watched(address: SocketAddr) -> Result<TcpStream, (io::Error, Option<IcmpError>)> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(|error| (error, None))?;
    let witness = Witness::of(&socket, address.is_ipv6());
    match socket.connect(address).await {
        Ok(stream) => {
            if let Some(witness) = witness {
                witness.dismiss();
            }
            Ok(stream)
        }
        Err(error) => Err((error, witness.and_then(Witness::error))),
    }
}

/// Whether this machine has any route to an address (RFC 6724 §5, rule 1). Nothing is sent.
pub(super) fn has_route(address: IpAddr) -> bool {
    let any: SocketAddr = match address {
        IpAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    std::net::UdpSocket::bind(any).and_then(|socket| socket.connect((address, 9))).is_ok()
}

#[cfg(unix)]
fn out_of_descriptors(error: &io::Error) -> bool {
    // EMFILE and ENFILE have these numbers on every Unix.
    matches!(error.raw_os_error(), Some(23 | 24))
}

#[cfg(not(unix))]
fn out_of_descriptors(_: &io::Error) -> bool {
    false
}

/// The word for a connection that could not be made, and what the system said.
pub(super) fn classify(error: &io::Error) -> (Outcome, String) {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => (Outcome::Refused, "connection refused".to_owned()),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            (Outcome::Reset, "reset while connecting".to_owned())
        }
        // An ICMP "administratively prohibited" (a firewall's reject) is reported as "host unreachable" too, and over
        // IPv6 as a lack of permission.
        ErrorKind::HostUnreachable => {
            (Outcome::Unreachable, "no route to the host, or a firewall rejects it".to_owned())
        }
        ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            (Outcome::Unreachable, "no route to the network, or a firewall rejects it".to_owned())
        }
        ErrorKind::AddrNotAvailable => (Outcome::Unreachable, "this machine has no address to connect from".to_owned()),
        ErrorKind::TimedOut => (Outcome::Timeout, "no answer (the system gave up)".to_owned()),
        ErrorKind::PermissionDenied => {
            (Outcome::Refused, "this machine forbids it, or a firewall rejects it".to_owned())
        }
        _ => (Outcome::Unreachable, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listener, silent_listener};
    use super::*;

    const STEP: Duration = Duration::from_millis(300);

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(30))
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        let (listener, address) = listener().await;
        drop(listener);
        let failure = connect(address, STEP, soon()).await.err().unwrap();
        assert_eq!(failure.outcome, Outcome::Refused);
        assert_eq!(failure.detail.as_deref(), Some("connect: connection refused"));
    }

    #[tokio::test]
    async fn silence_is_a_timeout_and_says_how_long() {
        let silent = silent_listener("127.0.0.1:0").await;
        let failure = connect(silent.address, STEP, soon()).await.err().unwrap();
        assert_eq!(failure.outcome, Outcome::Timeout);
        assert_eq!(failure.detail.as_deref(), Some("connect: no answer in 300 ms"));
        assert!(failure.elapsed >= STEP);
    }

    #[tokio::test]
    async fn the_deadline_is_named_when_it_came_first() {
        let silent = silent_listener("127.0.0.1:0").await;
        let deadline = Deadline::after(Duration::from_millis(50));
        let failure = connect(silent.address, Duration::from_secs(20), deadline).await.err().unwrap();
        assert_eq!(failure.outcome, Outcome::Timeout);
        assert!(failure.detail.unwrap().contains("deadline"));
    }

    #[tokio::test]
    async fn a_silent_address_does_not_hold_up_the_next() {
        let silent = silent_listener("127.0.0.1:0").await;
        let (_open, address) = listener().await;
        let started = Instant::now();
        let race = connect_any(&[silent.address, address], Duration::from_secs(20), soon()).await;
        assert_eq!(race.winner.unwrap().0, address);
        assert_eq!(race.pending, [silent.address]);
        assert!(started.elapsed() >= STAGGER && started.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_refused_address_is_told_beside_the_one_that_answers() {
        let (closed, refused) = listener().await;
        drop(closed);
        let (_open, address) = listener().await;
        let race = connect_any(&[refused, address], STEP, soon()).await;
        assert_eq!(race.winner.unwrap().0, address);
        assert_eq!(
            race.failed.first().map(|(address, failure)| (*address, failure.outcome)),
            Some((refused, Outcome::Refused))
        );
    }

    #[test]
    fn system_errors_have_their_words() {
        for (kind, outcome) in [
            (io::ErrorKind::HostUnreachable, Outcome::Unreachable),
            (io::ErrorKind::NetworkUnreachable, Outcome::Unreachable),
            (io::ErrorKind::AddrNotAvailable, Outcome::Unreachable),
            (io::ErrorKind::ConnectionReset, Outcome::Reset),
            (io::ErrorKind::TimedOut, Outcome::Timeout),
            (io::ErrorKind::PermissionDenied, Outcome::Refused),
        ] {
            assert_eq!(classify(&io::Error::from(kind)).0, outcome, "{kind:?}");
        }
    }
}
