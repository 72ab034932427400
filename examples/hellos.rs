//! Opens connections at a steady rate, sends a ClientHello over each and waits for the answer: the load for `certflight
//! listen`.
//!
//!     hellos ADDRESS:PORT [RATE [SECONDS]]
//!
//! Prints how many connections were opened, answered and failed, and how many seconds it took. A connection counts as
//! answered once an octet has come back. On loopback the clients have eight addresses, and offer TLS 1.0, 1.2 and 1.3 in
//! turns.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use certflight::handshake::{CipherSuite, ClientHello, Extension, Group, SignatureScheme, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Connections are opened in so many groups a second.
const TICKS: u64 = 200;
/// What is not answered by then has failed.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let target: SocketAddr = arguments.next().context("usage: hellos ADDRESS:PORT [RATE [SECONDS]]")?.parse()?;
    let rate: u64 = arguments.next().map_or(Ok(2_000), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let hellos: Arc<Vec<Vec<u8>>> =
        Arc::new([Version::Tls10, Version::Tls12, Version::Tls13].into_iter().map(hello).collect());
    let (answered, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    let mut ticks = interval(Duration::from_nanos(1_000_000_000 / TICKS));
    // A late group is made up for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let started = Instant::now();
    let mut opened = 0;
    for tick in 1..=TICKS * seconds {
        ticks.tick().await;
        while opened < tick * rate / TICKS {
            let (number, hellos) = (opened, Arc::clone(&hellos));
            let (answered, failed) = (Arc::clone(&answered), Arc::clone(&failed));
            tasks.spawn(async move {
                let count = match timeout(PATIENCE, connection(target, number, &hellos)).await {
                    Ok(Ok(())) => answered,
                    Ok(Err(_)) | Err(_) => failed,
                };
                count.fetch_add(1, Ordering::Relaxed);
            });
            opened += 1;
        }
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
    let elapsed = started.elapsed().as_secs_f64();
    let (answered, failed) = (answered.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    println!("opened {opened} answered {answered} failed {failed} seconds {elapsed:.2}");
    Ok(())
}

async fn connection(target: SocketAddr, number: u64, hellos: &[Vec<u8>]) -> anyhow::Result<()> {
    let socket = TcpSocket::new_v4()?;
    if target.ip().is_loopback() {
        let host = u8::try_from(number % 8)?;
        socket.bind((Ipv4Addr::new(127, 0, 1, host + 1), 0).into())?;
    }
    let mut stream = socket.connect(target).await?;
    let hello = hellos.get(usize::try_from(number)? % hellos.len()).context("no hello")?;
    stream.write_all(hello).await?;
    let mut answer = [0];
    stream.read_exact(&mut answer).await?;
    Ok(())
}

/// A hello such as clients of that age send, of some 250 octets.
fn hello(version: Version) -> Vec<u8> {
    let mut suites = [0xc02f, 0xc030, 0xc013, 0xc014, 0x009c, 0x002f, 0x0035, 0x000a].map(CipherSuite).to_vec();
    let mut extensions = vec![
        Extension::server_name("www.example.test"),
        Extension::supported_groups(&[Group::X25519, Group::SECP256R1, Group::SECP384R1]),
        Extension::ec_point_formats(),
        Extension::renegotiation_info(),
    ];
    if version >= Version::Tls12 {
        extensions.push(Extension::signature_algorithms(&[0x0403, 0x0804, 0x0401].map(SignatureScheme)));
        extensions.push(Extension::alpn(&["h2", "http/1.1"]));
    }
    if version == Version::Tls13 {
        suites.splice(0..0, [0x1301, 0x1302, 0x1303].map(CipherSuite));
        extensions.push(Extension::supported_versions(&[0x0304, 0x0303]));
        extensions.push(Extension::psk_key_exchange_modes());
        extensions.push(Extension::key_share(&[(Group::X25519, vec![9; 32])]));
    }
    ClientHello::new(version, [7; 32], suites, extensions).encode()
}
