//! Peers on loopback that behave as badly as the tests of this stage need.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{Deadline, Limits, NetOptions, Network, ProxyChoice, ProxyEnvironment};

/// A listener on an ephemeral port.
pub(super) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address that drops what comes: a listener whose backlog is full.
pub(super) struct SilentListener {
    pub(super) address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

/// Fills a listener's backlog until a connection gets no answer any more.
pub(super) async fn silent_listener(bind: &str) -> SilentListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(bind.parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            Ok(stream) => queued.push(stream.unwrap()),
            Err(_) => return SilentListener { address, _listener: listener, _queued: queued },
        }
        assert!(queued.len() < 64, "the backlog does not fill");
    }
}

/// Reads a request head (and whatever of a body came with it).
pub(super) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut buffer = [0_u8; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let count = stream.read(&mut buffer).await.unwrap();
        if count == 0 {
            break;
        }
        head.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(head).unwrap()
}

/// Answers every connection with these octets, then closes.
pub(super) async fn answering(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = answer.into();
    serving(move |mut stream| {
        let answer = answer.clone();
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

/// Handles every connection.
pub(super) async fn serving<F>(handle: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let (listener, address) = listener().await;
    serve_on(listener, handle);
    address
}

/// Handles every connection of this listener.
pub(super) fn serve_on<F>(listener: TcpListener, handle: impl Fn(TcpStream) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handle(stream));
        }
    });
}

/// Limits in tenths of a second.
pub(super) fn short_limits() -> Limits {
    Limits { step: Duration::from_millis(400), answer: Duration::from_millis(500), retries: 0, ..Limits::default() }
}

/// Options that use neither proxy nor system resolver.
pub(super) fn options() -> NetOptions {
    NetOptions {
        target_proxy: ProxyChoice::Direct,
        endpoint_proxy: ProxyChoice::Direct,
        limits: short_limits(),
        ..NetOptions::default()
    }
}

/// A network that hears nothing of this process's environment.
pub(super) fn network(options: NetOptions) -> Network {
    Network::with_environment(options, ProxyEnvironment::default()).unwrap()
}

/// Far enough away.
pub(super) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

/// What the name server of a test answers.
#[derive(Clone)]
pub(super) enum DnsReply {
    /// These addresses, of the type asked for.
    Addresses(Vec<std::net::IpAddr>),
    /// This response code and no record.
    Code(hickory_proto::op::ResponseCode),
    /// Nothing.
    Silence,
}

/// A name server, and what it was asked.
pub(super) struct DnsServer {
    pub(super) address: SocketAddr,
    pub(super) asked: std::sync::Arc<std::sync::Mutex<Vec<(String, hickory_proto::rr::RecordType)>>>,
}

/// A name server on UDP that answers as it is told.
pub(super) async fn dns_server(
    answer: impl Fn(&str, hickory_proto::rr::RecordType) -> DnsReply + Send + 'static,
) -> DnsServer {
    use hickory_proto::op::{Message, ResponseCode};
    use hickory_proto::rr::{RData, Record};
    use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};

    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let asked: std::sync::Arc<std::sync::Mutex<Vec<_>>> = std::sync::Arc::default();
    let log = std::sync::Arc::clone(&asked);
    tokio::spawn(async move {
        let mut buffer = [0_u8; 4096];
        while let Ok((count, peer)) = socket.recv_from(&mut buffer).await {
            let request = Message::from_bytes(&buffer[..count]).unwrap();
            let query = request.queries[0].clone();
            let (name, record_type) = (query.name().to_string(), query.query_type());
            log.lock().unwrap().push((name.clone(), record_type));
            let mut response = Message::response(request.metadata.id, request.metadata.op_code);
            response.add_query(query.clone());
            match answer(&name, record_type) {
                DnsReply::Silence => continue,
                DnsReply::Code(code) => response.metadata.response_code = code,
                DnsReply::Addresses(addresses) => {
                    response.metadata.response_code = ResponseCode::NoError;
                    for address in addresses {
                        let data = RData::from(address);
                        if data.record_type() == record_type {
                            response.add_answer(Record::from_rdata(query.name().clone(), 60, data));
                        }
                    }
                }
            }
            socket.send_to(&response.to_bytes().unwrap(), peer).await.unwrap();
        }
    });
    DnsServer { address, asked }
}
