//! Addresses that do not take connections: one that says so, and one that says nothing.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::LabError;

/// An address at which every connection is refused, kept from everybody else while this lives: a
/// socket that is bound but does not listen, which the system answers for with RST.
#[derive(Debug)]
pub struct Refused {
    _socket: TcpSocket,
    address: SocketAddr,
}

impl Refused {
    /// Takes the address; port 0 takes a free one.
    ///
    /// # Errors
    /// When it is in use.
    pub fn bind(address: SocketAddr) -> Result<Self, LabError> {
        let socket = TcpSocket::new_v4().map_err(LabError::io("make a socket"))?;
        socket.bind(address).map_err(LabError::io(format!("take {address}")))?;
        let address = socket.local_addr().map_err(LabError::io("ask for its own address"))?;
        Ok(Self { _socket: socket, address })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// An address that swallows what is sent there, as a firewall that drops does, without root rights: a
/// listener that never accepts and whose queue is full, so that the system drops every further
/// SYN. So it is on Linux and the BSDs; Windows answers with RST instead, where the scenarios
/// that need this one show `refused`.
#[derive(Debug)]
pub struct SilentAddress {
    _listener: TcpListener,
    _fill: Vec<TcpStream>,
    address: SocketAddr,
}

/// Linux queues one connection more than the backlog says; the rest is for other systems.
const BACKLOG: u32 = 1;
const MOST_FILL: usize = 64;
/// On loopback a connection that is going to be made is made at once.
const NO_ANSWER: Duration = Duration::from_millis(40);

impl SilentAddress {
    /// Takes the address and fills its queue; port 0 takes a free one.
    ///
    /// # Errors
    /// When it is in use, or the system goes on taking connections.
    pub async fn bind(address: SocketAddr) -> Result<Self, LabError> {
        let socket = TcpSocket::new_v4().map_err(LabError::io("make a socket"))?;
        socket.bind(address).map_err(LabError::io(format!("take {address}")))?;
        let listener = socket.listen(BACKLOG).map_err(LabError::io(format!("listen on {address}")))?;
        let address = listener.local_addr().map_err(LabError::io("ask for its own address"))?;
        let mut fill = Vec::new();
        while fill.len() < MOST_FILL {
            match tokio::time::timeout(NO_ANSWER, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => fill.push(stream),
                // Refused: the queue is full on a system that says so.
                Ok(Err(_)) | Err(_) => return Ok(Self { _listener: listener, _fill: fill, address }),
            }
        }
        Err(LabError::Stage(format!("the system goes on taking connections for {address}")))
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_silent_address_does_not_answer() {
        let silent = SilentAddress::bind(LOOPBACK).await.unwrap();
        let tries: Vec<_> = (0..8)
            .map(|_| tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(silent.address())))
            .collect();
        for outcome in futures_util::future::join_all(tries).await {
            assert!(outcome.is_err(), "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn a_refused_address_refuses() {
        let refused = Refused::bind(LOOPBACK).unwrap();
        for _ in 0..3 {
            let error = TcpStream::connect(refused.address()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        }
        assert!(Refused::bind(refused.address()).is_err(), "it is taken");
    }
}
