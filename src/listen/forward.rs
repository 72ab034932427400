//! Passes connections on to another server, untouched, and watches what clients send.
//!
//! Octets go first to the service and only then to the watch. A direction's end is passed on as such (half-close).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::observation::Seen;
use super::watch::Watch;
use crate::net::{Deadline, Network, Opened, Outcome};

/// Octets that one direction of a connection holds.
const CHUNK: usize = 8 * 1024;

/// Where connections are passed on to.
#[derive(Debug, Clone)]
pub struct Service {
    /// As it was given.
    pub name: String,
    /// Its addresses, in the order to try them.
    pub addresses: Vec<SocketAddr>,
    /// What it is reached through.
    pub network: Network,
}

impl Service {
    /// Connects to it.
    ///
    /// # Errors
    /// Why it cannot be reached, in words.
    pub(super) async fn open(&self, limit: Duration) -> Result<Opened, String> {
        let (opened, failed) = self.network.connect_any(&self.addresses, Deadline::after(limit)).await;
        opened.ok_or_else(|| {
            let told: Vec<String> = failed
                .iter()
                .map(|(address, failure)| match (failure.outcome, &failure.detail) {
                    (Outcome::Refused, _) => format!("{address} refuses connections"),
                    (_, Some(detail)) => format!("{address}: {detail}"),
                    (outcome, None) => format!("{address}: {}", outcome.word()),
                })
                .collect();
            if told.is_empty() { "no answer in time".to_owned() } else { told.join("; ") }
        })
    }
}

/// Copies both ways until both have ended, or one was cut off. `record` is told once what the client is: when that is known,
/// when the time for it is up, or when the connection ends before. Once the service has ended it, a client may be silent for
/// `patience`: one that never ends its own side would keep its place from others.
pub(super) async fn relay(
    client: TcpStream,
    service: Opened,
    watch: &mut Watch,
    deadline: Instant,
    patience: Duration,
    mut record: impl FnMut(Seen, &Watch) + Send,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_service, mut to_service) = tokio::io::split(service.stream);
    let mut told = false;
    let (end, mut has_ended) = tokio::sync::watch::channel(false);
    let up = async {
        let mut chunk = vec![0; CHUNK];
        while !told {
            let read = match timeout_at(deadline, from_client.read(&mut chunk)).await {
                Ok(read) => read,
                Err(_) => {
                    record(watch.at_timeout(), watch);
                    told = true;
                    break;
                }
            };
            let octets = match read {
                Ok(count) => chunk.get(..count).unwrap_or_default(),
                Err(error) => {
                    record(watch.at_end(Some(&error)), watch);
                    told = true;
                    return Err(error);
                }
            };
            if octets.is_empty() {
                record(watch.at_end(None), watch);
                told = true;
                break;
            }
            let passed = to_service.write_all(octets).await;
            if let Some(seen) = watch.feed(octets) {
                record(seen, watch);
                told = true;
            }
            passed?;
        }
        loop {
            // Nobody hears a client out for ever once the service has ended.
            let read = tokio::select! {
                read = from_client.read(&mut chunk) => read?,
                () = idle_after(&mut has_ended, patience) => break,
            };
            if read == 0 {
                break;
            }
            to_service.write_all(chunk.get(..read).unwrap_or_default()).await?;
        }
        to_service.shutdown().await
    };
    let mut chunk = vec![0; CHUNK];
    let down = async {
        copy(&mut from_service, &mut to_client, &mut chunk).await?;
        // Nobody waits for it where the client has ended before.
        let _ = end.send(true);
        Ok(())
    };
    // Where one direction was cut off, so is the other: both ends are closed when this returns.
    let _ = tokio::try_join!(up, down);
    if !told {
        record(watch.at_end(None), watch);
    }
}

/// Comes back when the service has ended and the client has been silent for a while since.
async fn idle_after(has_ended: &mut tokio::sync::watch::Receiver<bool>, patience: Duration) {
    if has_ended.wait_for(|ended| *ended).await.is_err() {
        // The other direction is over by an error, and with it all of it.
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(patience).await;
}

/// Everything from one to the other, then the end.
async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    chunk: &mut [u8],
) -> io::Result<()> {
    loop {
        let count = from.read(chunk).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(chunk.get(..count).unwrap_or_default()).await?;
    }
}
