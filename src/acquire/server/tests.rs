//! Whole acquisitions on loopback.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

use super::super::{AcquireError, StarttlsRefusal};
use super::*;
use crate::net::{Limits, NetOptions, ProxyChoice, ProxyUrl};
use crate::target::Target;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A TLS server's certificate and how to accept with it.
fn tls() -> (CertificateDer<'static>, TlsAcceptor) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["server.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    let der = certificate.der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der.clone()], key)
        .unwrap();
    (der, TlsAcceptor::from(Arc::new(config)))
}

/// Hands every connection to `handle`, with its number from 0.
async fn listen<F: Future<Output = ()> + Send>(
    address: IpAddr,
    handle: impl Fn(TcpStream, usize) -> F + Send + Sync + 'static,
) -> u16 {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            handle(stream, number).await;
        }
    });
    port
}

async fn finish(acceptor: TlsAcceptor, stream: TcpStream) {
    // Clients that give up are part of the tests.
    if let Ok(mut stream) = acceptor.accept(stream).await {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
}

async fn serve_tls() -> (u16, CertificateDer<'static>) {
    let (der, acceptor) = tls();
    (listen(LOOPBACK, move |stream, _| finish(acceptor.clone(), stream)).await, der)
}

/// Pins `server.test` and goes through no proxy, whatever the environment says.
fn options(addresses: &[IpAddr]) -> NetOptions {
    NetOptions {
        pins: addresses.iter().map(|address| ("server.test".to_owned(), *address)).collect(),
        target_proxy: ProxyChoice::Direct,
        limits: Limits { step: Duration::from_secs(20), ..Limits::default() },
        ..NetOptions::default()
    }
}

async fn acquired(
    network: NetOptions,
    options: &AcquireOptions,
    target: &str,
) -> (String, Option<Resolution>, Vec<Connection>) {
    let network = Network::new(network).unwrap();
    let target = Target::parse(target, |_| false).unwrap();
    let acquisition = super::super::acquire(&network, options, &target, Deadline::after(Duration::from_secs(60)));
    assert_can_be_spawned(&acquisition);
    match acquisition.await {
        Ok(Presented::ByServer { name, resolution, connections }) => (name, resolution, connections),
        other => panic!("not a server: {other:?}"),
    }
}

/// Targets run side by side on several threads.
fn assert_can_be_spawned<T: Send>(_: &T) {}

async fn plainly(network: NetOptions, target: &str) -> Vec<Connection> {
    acquired(network, &AcquireOptions::default(), target).await.2
}

fn assert_serves(connection: &Connection, der: &CertificateDer<'_>) {
    assert_eq!(connection.outcome, Outcome::Ok, "{:?}", connection.detail);
    assert_eq!(connection.served[0].decoded().unwrap().der, der.as_ref());
    assert!(connection.connected && connection.tls.is_some() && connection.timings.handshake.is_some());
}

#[tokio::test]
async fn a_name_is_resolved_and_its_chain_taken() {
    let (port, der) = serve_tls().await;
    let (name, resolution, connections) =
        acquired(options(&[LOOPBACK]), &AcquireOptions::default(), &format!("server.test:{port}")).await;
    assert_eq!(name, "server.test");
    assert_eq!(resolution.unwrap().addresses, [LOOPBACK]);
    assert_eq!(connections.len(), 1);
    assert_serves(&connections[0], &der);
    assert_eq!(connections[0].address, Some((LOOPBACK, port).into()));
    assert!(connections[0].timings.connect.is_some() && connections[0].timings.starttls.is_none());
    assert!(!connections[0].through_proxy);
}

#[tokio::test]
async fn connect_and_servername_stand_in_for_address_and_name() {
    let (port, der) = serve_tls().await;
    let given = AcquireOptions {
        servername: Some("Bücher.example.".to_owned()),
        connect: Some(("127.0.0.1".to_owned(), Some(port))),
        ..AcquireOptions::default()
    };
    let (name, resolution, connections) = acquired(options(&[]), &given, "server.test").await;
    assert_eq!(name, "xn--bcher-kva.example");
    assert!(resolution.is_none());
    assert_serves(&connections[0], &der);

    let by_name = AcquireOptions { connect: Some(("server.test".to_owned(), None)), ..AcquireOptions::default() };
    let (name, resolution, connections) =
        acquired(options(&[LOOPBACK]), &by_name, &format!("elsewhere.test:{port}")).await;
    assert_eq!((name.as_str(), resolution.is_some()), ("elsewhere.test", true));
    assert_serves(&connections[0], &der);

    let impossible = AcquireOptions { servername: Some("a b".to_owned()), ..AcquireOptions::default() };
    let (_, _, connections) = acquired(options(&[LOOPBACK]), &impossible, "server.test").await;
    assert_eq!(connections[0].outcome, Outcome::Unsupported);
}

#[tokio::test]
async fn addresses_that_fail_before_one_answers_are_told() {
    let (port, der) = serve_tls().await;
    let connections = plainly(options(&[OTHER, LOOPBACK]), &format!("server.test:{port}")).await;
    assert_eq!(connections.len(), 2);
    assert_eq!((connections[0].outcome, connections[0].connected), (Outcome::Refused, false));
    assert_eq!(connections[0].address, Some((OTHER, port).into()));
    assert_serves(&connections[1], &der);

    let connections = plainly(options(&[LOOPBACK, OTHER]), &format!("server.test:{port}")).await;
    assert_eq!(connections.len(), 1, "the second is never tried");

    let all = NetOptions { all_addresses: true, ..options(&[LOOPBACK, OTHER]) };
    let connections = plainly(all, &format!("server.test:{port}")).await;
    assert_serves(&connections[0], &der);
    assert_eq!((connections[1].outcome, connections[1].connected), (Outcome::Refused, false));
}

#[tokio::test]
async fn a_failed_handshake_is_the_truth_and_the_next_address_is_not_asked() {
    let port =
        listen(LOOPBACK, async |mut stream: TcpStream, _| stream.write_all(b"220 mail\r\n").await.unwrap()).await;
    let connections = plainly(options(&[LOOPBACK, OTHER]), &format!("server.test:{port}")).await;
    assert_eq!(connections.len(), 1);
    assert_eq!((connections[0].outcome, connections[0].connected), (Outcome::NotTls, true));
}

#[tokio::test]
async fn resets_are_tried_once_more() {
    let (der, acceptor) = tls();
    let port = listen(LOOPBACK, move |mut stream, number| {
        let acceptor = acceptor.clone();
        async move {
            if number % 2 == 0 {
                stream.read_u8().await.unwrap();
                stream.set_zero_linger().unwrap();
            } else {
                finish(acceptor, stream).await;
            }
        }
    })
    .await;
    let target = format!("server.test:{port}");
    let connections = plainly(options(&[LOOPBACK]), &target).await;
    assert_eq!(connections.len(), 1);
    assert_serves(&connections[0], &der);

    let mut once = options(&[LOOPBACK]);
    once.limits.retries = 0;
    let connections = plainly(once, &target).await;
    assert_eq!((connections[0].outcome, connections[0].connected), (Outcome::Reset, true));
}

/// Speaks SMTP up to the go-ahead; `reply` answers EHLO.
async fn smtp(stream: &mut TcpStream, reply: &[u8]) -> bool {
    stream.write_all(b"220 mx.test ESMTP\r\n").await.unwrap();
    for reply in [reply, b"220 go ahead\r\n"] {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            match stream.read_u8().await {
                Ok(octet) => line.push(octet),
                Err(_) => return false,
            }
        }
        if line.starts_with(b"QUIT") {
            return false;
        }
        stream.write_all(reply).await.unwrap();
    }
    true
}

#[tokio::test]
async fn mail_servers_are_reached_by_starttls() {
    let (der, acceptor) = tls();
    let port = listen(LOOPBACK, move |mut stream, number| {
        let acceptor = acceptor.clone();
        async move {
            let reply: &[u8] = if number == 0 { b"250-mx.test\r\n250 STARTTLS\r\n" } else { b"250 mx.test\r\n" };
            if smtp(&mut stream, reply).await {
                finish(acceptor, stream).await;
            }
        }
    })
    .await;
    let target = format!("smtp://server.test:{port}");
    let connections = plainly(options(&[LOOPBACK]), &target).await;
    assert_serves(&connections[0], &der);
    assert!(connections[0].timings.starttls.is_some());

    let connections = plainly(options(&[LOOPBACK]), &target).await;
    assert_eq!((connections[0].outcome, connections[0].connected), (Outcome::StarttlsRefused, true));
    assert_eq!(connections[0].starttls_refusal, Some(StarttlsRefusal::NotOffered));
}

#[tokio::test]
async fn proxies_stand_between() {
    let (der, acceptor) = tls();
    let port = listen(LOOPBACK, move |mut stream, number| {
        let acceptor = acceptor.clone();
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            assert!(head.starts_with(b"CONNECT server.test:443 HTTP/1.1\r\n"));
            if number == 0 {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                finish(acceptor, stream).await;
            } else {
                stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            }
        }
    })
    .await;
    let proxy = ProxyUrl::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    // No pin and no resolver: the name is the proxy's to resolve.
    let through = NetOptions { target_proxy: ProxyChoice::Url(proxy), ..options(&[]) };
    let (_, resolution, connections) = acquired(through.clone(), &AcquireOptions::default(), "server.test").await;
    assert!(resolution.is_none());
    assert_serves(&connections[0], &der);
    assert!(connections[0].through_proxy);
    assert_eq!(connections[0].address, Some((LOOPBACK, port).into()));

    let connections = plainly(through, "server.test").await;
    assert_eq!((connections[0].outcome, connections[0].connected), (Outcome::ProxyDenied, false));
    assert!(connections[0].through_proxy);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_one_connection_without_address() {
    let socket = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
    let dns_server = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut message = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut message).await {
            // The query as the answer: QR, RD and RA set, RCODE 3 (RFC 1035 §4.1.1).
            message[2] = 0x81;
            message[3] = 0x83;
            socket.send_to(&message[..length], from).await.unwrap();
        }
    });
    let network = NetOptions { dns_server: Some(dns_server), ..options(&[]) };
    let (_, resolution, connections) = acquired(network, &AcquireOptions::default(), "missing.test").await;
    assert_eq!(connections.len(), 1);
    assert_eq!((connections[0].outcome, connections[0].address), (Outcome::DnsNxdomain, None));
    assert!(!connections[0].connected && connections[0].timings.dns.is_some());
    assert!(resolution.unwrap().failure.is_some());
}

#[tokio::test]
async fn files_that_cannot_be_read_are_errors() {
    let network = Network::new(options(&[])).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (der, _) = tls();
    let good = folder.path().join("good.der");
    std::fs::write(&good, &der).unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let run = async |path: &std::path::Path| {
        let options = AcquireOptions { servername: Some("Server.TEST".to_owned()), ..AcquireOptions::default() };
        let deadline = Deadline::after(Duration::from_secs(60));
        super::super::acquire(&network, &options, &Target::File(path.to_owned()), deadline).await
    };
    let presented = run(&good).await.unwrap();
    assert_eq!(presented.name(), Some("server.test"));
    assert_eq!(presented.leaf().unwrap().decoded().unwrap().der, der.as_ref());
    assert!(matches!(run(&empty).await, Err(AcquireError::NoCertificate { reason, .. }) if reason.contains("empty")));
    assert!(
        matches!(run(folder.path()).await, Err(AcquireError::Unreadable { reason, .. }) if reason.contains("directory"))
    );
    assert!(matches!(run(&folder.path().join("none.pem")).await, Err(AcquireError::Unreadable { .. })));
}
