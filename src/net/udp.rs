//! Queries to name servers over UDP sockets that are connected: only then does the system tell of the ICMP errors that
//! come back (RFC 1122 §4.1.3.3), so that a name server that rejects differs from one that is silent.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hickory_resolver::net::runtime::{DnsUdpSocket, RuntimeProvider, TokioRuntimeProvider};
use tokio::io::{Interest, ReadBuf};
use tokio::net::UdpSocket;

/// hickory's own runtime but for that.
#[derive(Clone, Default)]
pub(super) struct Runtime(TokioRuntimeProvider);

/// A UDP socket connected to a name server.
pub(super) struct ConnectedUdp {
    socket: UdpSocket,
    server: SocketAddr,
}

impl RuntimeProvider for Runtime {
    type Handle = <TokioRuntimeProvider as RuntimeProvider>::Handle;
    type Timer = <TokioRuntimeProvider as RuntimeProvider>::Timer;
    type Udp = ConnectedUdp;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.0.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        from: Option<SocketAddr>,
        timeout: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = Result<Self::Tcp, io::Error>>>> {
        self.0.connect_tcp(server, from, timeout)
    }

    fn bind_udp(
        &self,
        from: SocketAddr,
        server: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = Result<Self::Udp, io::Error>>>> {
        Box::pin(async move {
            let socket = UdpSocket::bind(from).await?;
            socket.connect(server).await?;
            Ok(ConnectedUdp { socket, server })
        })
    }
}

impl DnsUdpSocket for ConnectedUdp {
    type Time = <TokioRuntimeProvider as RuntimeProvider>::Timer;

    fn poll_recv_from(&self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buffer = ReadBuf::new(octets);
        ready!(self.socket.poll_recv(cx, &mut buffer))?;
        // The system lets nothing in from elsewhere.
        Poll::Ready(Ok((buffer.filled().len(), self.server)))
    }

    /// This is what is called for an answer. An error that came by ICMP makes a socket no more readable, so it has to
    /// be looked for.
    fn recv_from<'a, 'b, 'c>(
        &'a self,
        octets: &'b mut [u8],
    ) -> Pin<Box<dyn Future<Output = io::Result<(usize, SocketAddr)>> + Send + 'c>>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(async move {
            let receive = || match self.socket.take_error()? {
                Some(error) => Err(error),
                None => self.socket.try_recv(octets),
            };
            let length = self.socket.async_io(Interest::READABLE | Interest::ERROR, receive).await?;
            Ok((length, self.server))
        })
    }

    fn poll_send_to(&self, cx: &mut Context<'_>, octets: &[u8], _: SocketAddr) -> Poll<io::Result<usize>> {
        self.socket.poll_send(cx, octets)
    }
}
