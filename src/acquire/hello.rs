//! One hello, one answer: what a server says in plain text to a ClientHello written by hand.
//!
//! Input: an open stream and the octets to send. Output: whatever of the answer could be read, and how it ended where it
//! did not come to its end. Nothing is verified and no handshake completed, so this reaches servers that the TLS library
//! has no version or suite in common with.

use std::io;
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::capture::observed::not_tls;
use super::capture::seconds;
use crate::handshake::{Flight, FlightReader, Reading, ssl2};
use crate::net::{Deadline, Outcome, Stream};

/// Octets taken from the socket at once.
const PIECE: usize = 16 * 1024;

/// What came of a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was read, whole or not.
    pub flight: Flight,
    /// Why it ended before it was whole; `None` for a complete answer and for an alert, which is one too.
    pub ended: Option<Ended>,
    /// From the hello to the end of the answer.
    pub elapsed: Duration,
}

/// How an answer was cut short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The closest true word: `timeout`, `stalled`, `closed`, `reset`, `not-tls` or `tls-failure`.
    pub outcome: Outcome,
    /// What more is known; may hold text from the server.
    pub detail: String,
}

impl Ended {
    fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { outcome, detail: detail.into() }
    }
}

/// Sends a hello and reads the answer to its end: ServerHelloDone, the point where encryption begins, an alert, or
/// whatever else ends it. Each wait takes `step` at most, the whole what `deadline` leaves and four steps at most, so
/// that octets that trickle in do not hold it for ever.
pub async fn ask(stream: &mut dyn Stream, hello: &[u8], step: Duration, deadline: Deadline) -> Answer {
    let started = Instant::now();
    let mut reader = FlightReader::default();
    let ended = converse(stream, hello, step, deadline, |octets| match reader.feed(octets) {
        Ok(flight) if flight.complete || flight.alert.is_some() => Some(Ok(())),
        Ok(_) => None,
        Err(Reading::NotTls(first)) => {
            let detail = not_tls(&first).unwrap_or_else(|| "what answers does not speak TLS".to_owned());
            Some(Err(Ended::new(Outcome::NotTls, detail)))
        }
        Err(other) => Some(Err(Ended::new(Outcome::TlsFailure, other.to_string()))),
    })
    .await;
    Answer { flight: reader.into_flight(), ended: ended.err(), elapsed: started.elapsed() }
}

/// The same for SSL 2.
///
/// # Errors
/// [`Ended`]: there is none; a server that does not speak it closes, or answers with an alert (`tls-alert`).
pub async fn ask_ssl2(
    stream: &mut dyn Stream,
    hello: &ssl2::ClientHello,
    step: Duration,
    deadline: Deadline,
) -> Result<ssl2::ServerHello, Ended> {
    let mut buffer = Vec::new();
    let mut answer = None;
    converse(stream, &hello.encode(), step, deadline, |octets| {
        buffer.extend_from_slice(octets);
        match ssl2::ServerHello::decode(&buffer) {
            Some(Some(hello)) => {
                answer = Some(hello);
                Some(Ok(()))
            }
            Some(None) => Some(Err(Ended::new(Outcome::TlsAlert, "no answer of SSL 2"))),
            None if buffer.len() > ssl2::MAX_RECORD => Some(Err(Ended::new(Outcome::TlsAlert, "no answer of SSL 2"))),
            None => None,
        }
    })
    .await?;
    answer.ok_or_else(|| Ended::new(Outcome::Closed, "no answer of SSL 2"))
}

/// Octets for a hello's `random` and the like. No key is agreed on, so nothing hangs on them.
pub(crate) fn random() -> [u8; 32] {
    let mut octets = [0; 32];
    if SystemRandom::new().fill(&mut octets).is_err() {
        octets = [0x5a; 32];
    }
    octets
}

/// A hello that offers SSL 2 and nothing else.
pub(crate) fn ssl2_probe() -> ssl2::ClientHello {
    let mut challenge = [0; 16];
    challenge.copy_from_slice(random().split_at(16).0);
    ssl2::ClientHello::probe(challenge)
}

/// Writes, then reads until `take` has had enough.
async fn converse(
    stream: &mut dyn Stream,
    hello: &[u8],
    step: Duration,
    deadline: Deadline,
    mut take: impl FnMut(&[u8]) -> Option<Result<(), Ended>>,
) -> Result<(), Ended> {
    const STEPS: u32 = 4;
    let limit =
        Deadline(Instant::now().checked_add(step.saturating_mul(STEPS)).map_or(deadline.0, |at| at.min(deadline.0)));
    let mut heard = false;
    let silence = |heard: bool, waited: Duration| {
        if heard {
            Ended::new(Outcome::Stalled, format!("handshake: begun, but not complete after {}", seconds(step)))
        } else {
            Ended::new(Outcome::Timeout, deadline.describe_silence("handshake", step, waited))
        }
    };
    let write = async {
        stream.write_all(hello).await?;
        stream.flush().await
    };
    // A server that refuses at once may have said why before it closed, so a failed write is no end yet.
    let wait = limit.cap(step);
    if timeout(wait, write).await.is_err() {
        return Err(silence(false, wait));
    }
    let mut piece = vec![0; PIECE];
    loop {
        let wait = limit.cap(step);
        let read = match timeout(wait, stream.read(&mut piece)).await {
            Err(_) => return Err(silence(heard, wait)),
            Ok(Ok(0)) => return Err(Ended::new(Outcome::Closed, "handshake: the server closed the connection")),
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return Err(broken(&error)),
        };
        heard = true;
        if let Some(enough) = take(piece.get(..read).unwrap_or_default()) {
            return enough;
        }
    }
}

fn broken(error: &io::Error) -> Ended {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Ended::new(Outcome::Reset, "handshake: the connection was reset")
        }
        io::ErrorKind::UnexpectedEof => Ended::new(Outcome::Closed, "handshake: the server closed the connection"),
        _ => Ended::new(Outcome::TlsFailure, format!("handshake: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;
    use crate::handshake::{CipherSuite, ClientHello, Version};

    const STEP: Duration = Duration::from_millis(200);

    async fn answered(octets: &[u8], close: bool) -> Answer {
        let (mut near, mut far) = duplex(64 * 1024);
        let hello = ClientHello::new(Version::Tls12, [0; 32], vec![CipherSuite(0xc02f)], Vec::new()).encode();
        far.write_all(octets).await.unwrap();
        let kept = if close { None } else { Some(far) };
        let answer = ask(&mut near, &hello, STEP, Deadline::after(Duration::from_secs(5))).await;
        drop(kept);
        answer
    }

    #[tokio::test]
    async fn every_end_has_its_word() {
        let alert = answered(&[21, 3, 3, 0, 2, 2, 70], true).await;
        assert_eq!((alert.flight.alert.unwrap().description, alert.ended), (70, None));
        for (octets, close, outcome) in [
            (b"HTTP/1.1 400 Bad Request\r\n".as_slice(), true, Outcome::NotTls),
            (&[], false, Outcome::Timeout),
            (&[22, 3], false, Outcome::Stalled),
            (&[22, 3, 3, 0, 4, 11, 0, 0, 0], false, Outcome::TlsFailure),
        ] {
            assert_eq!(answered(octets, close).await.ended.map(|ended| ended.outcome), Some(outcome), "{octets:?}");
        }
    }
}
