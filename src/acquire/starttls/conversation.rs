//! What all conversations before TLS have in common: reads bounded in size and time, the closest true word for every way
//! they end, and no way to TLS past octets that the server sent in the clear after its go-ahead.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::super::StarttlsRefusal;
use super::super::capture::seconds;
use super::{Declined, Protocol, Waits};
use crate::net::{Outcome, Stream};
use crate::target::{Opening, Scheme};

/// The longest line taken, in octets. RFC 5321 §4.5.3.1.5 has 512 for SMTP, RFC 2683 §3.2.1.5 some 1000 for IMAP;
/// servers exceed both.
const MAX_LINE: usize = 4096;
/// The most lines of one answer.
pub(super) const MAX_LINES: usize = 100;
/// How much of a server's text is repeated, in characters.
const SHOWN: usize = 300;
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// An open stream in the middle of a protocol that can turn to TLS.
pub(super) struct Conversation {
    stream: Box<dyn Stream>,
    scheme: Scheme,
    waits: Waits,
    /// Whether a server of this protocol can begin so.
    begins: fn(&[u8]) -> bool,
    /// What was read and not yet consumed; never longer than the longest answer and a read.
    buffer: Vec<u8>,
    /// Whether the server has said anything at all.
    heard: bool,
    /// Whether a first answer has been taken out of the buffer.
    recognised: bool,
}

impl Conversation {
    pub(super) fn new<P: Protocol>(stream: Box<dyn Stream>, scheme: Scheme, waits: Waits) -> Self {
        Self { stream, scheme, waits, begins: P::begins, buffer: Vec::new(), heard: false, recognised: false }
    }

    /// Sends a command and its line end.
    pub(super) async fn say(&mut self, step: &'static str, command: &str) -> Result<(), Declined> {
        self.send(step, format!("{command}\r\n").as_bytes()).await
    }

    /// Sends octets.
    pub(super) async fn send(&mut self, step: &'static str, octets: &[u8]) -> Result<(), Declined> {
        let wait = self.waits.deadline.cap(self.waits.later);
        match timeout(wait, self.write(octets)).await {
            // What the server said before it closed says more than that it did.
            Ok(_) => Ok(()),
            Err(_) => Err(ended(Outcome::Stalled, step, &format!("takes no command within {}", seconds(wait)))),
        }
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets).await?;
        self.stream.flush().await
    }

    /// The next line, without its end. A bare line feed ends one too.
    pub(super) async fn line(&mut self, step: &'static str) -> Result<Vec<u8>, Declined> {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let mut line = self.taken(end.saturating_add(1));
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            if self.buffer.len() > MAX_LINE {
                return Err(self.not_understood(step, &self.buffer));
            }
            self.read(step).await?;
        }
    }

    /// So many octets.
    pub(super) async fn octets(&mut self, step: &'static str, count: usize) -> Result<Vec<u8>, Declined> {
        while self.buffer.len() < count {
            self.read(step).await?;
        }
        Ok(self.taken(count))
    }

    /// What has been read and not yet taken.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes the first octets of what has been read.
    pub(super) fn taken(&mut self, count: usize) -> Vec<u8> {
        self.recognised = true;
        let rest = self.buffer.split_off(count.min(self.buffer.len()));
        std::mem::replace(&mut self.buffer, rest)
    }

    /// Reads more.
    pub(super) async fn read(&mut self, step: &'static str) -> Result<(), Declined> {
        let limit = if self.heard { self.waits.later } else { self.waits.first };
        let wait = self.waits.deadline.cap(limit);
        let mut octets = [0; 1024];
        let read = match timeout(wait, self.stream.read(&mut octets)).await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return Err(self.broken(step, &error)),
            Err(_) => {
                let outcome = if self.heard { Outcome::Stalled } else { Outcome::Timeout };
                let detail = self.waits.deadline.describe_silence(step, limit, wait);
                return Err(Declined { outcome, detail, refusal: None });
            }
        };
        self.buffer.extend_from_slice(octets.get(..read).unwrap_or_default());
        self.heard |= read > 0;
        if !self.recognised && !self.buffer.is_empty() && !(self.begins)(&self.buffer) {
            return Err(self.not_understood(step, &self.buffer));
        }
        match (read, self.buffer.as_slice()) {
            (0, []) => Err(ended(Outcome::Closed, step, "the server closed the connection")),
            (0, _) => Err(ended(Outcome::Closed, step, "the server closed the connection in the middle of an answer")),
            _ => Ok(()),
        }
    }

    fn broken(&self, step: &str, error: &io::Error) -> Declined {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                ended(Outcome::Reset, step, "the connection was reset")
            }
            io::ErrorKind::UnexpectedEof => ended(Outcome::Closed, step, "the server closed the connection"),
            _ => ended(if self.heard { Outcome::Stalled } else { Outcome::Timeout }, step, &error.to_string()),
        }
    }

    /// What came is not of this protocol.
    pub(super) fn not_understood(&self, step: &str, octets: &[u8]) -> Declined {
        let detail = match octets {
            // The start of a record of type alert or handshake (RFC 8446 §5.1).
            [0x15 | 0x16, 3, ..] => {
                let at_once = match self.scheme.opening() {
                    Opening::OnRequest { at_once: Scheme::Tls, .. } | Opening::AtOnce => String::new(),
                    Opening::OnRequest { at_once, .. } => format!("{}:// or ", at_once.name()),
                };
                format!("what answers speaks TLS at once; use {at_once}tls://")
            }
            _ => {
                let text: String = String::from_utf8_lossy(octets).chars().take(100).collect();
                format!("what answers is not {}: {text:?}", self.scheme.protocol())
            }
        };
        ended(Outcome::NotTls, step, &detail)
    }

    /// The stream, where the server has given its go-ahead and nothing beyond it. Whoever sits on the way could put
    /// words behind the go-ahead that are then taken for what the server said under TLS.
    pub(super) fn into_stream(self) -> Result<Box<dyn Stream>, Declined> {
        if self.buffer.is_empty() {
            return Ok(self.stream);
        }
        let step = match self.scheme.opening() {
            Opening::OnRequest { request, .. } => request,
            Opening::AtOnce => "TLS",
        };
        let detail = "plain text follows the go-ahead, as when commands are injected (CVE-2011-0411)";
        Err(ended(Outcome::TlsFailure, step, detail))
    }

    /// A courtesy; the answer to it would tell nothing.
    pub(super) async fn take_leave(mut self, farewell: &[u8]) {
        let _ = timeout(self.waits.deadline.cap(FAREWELL), self.write(farewell)).await;
    }
}

fn ended(outcome: Outcome, step: &str, detail: &str) -> Declined {
    Declined { outcome, detail: format!("{step}: {detail}"), refusal: None }
}

impl Declined {
    /// The server said no to this step with this answer.
    pub(super) fn refused(step: &str, answer: &str) -> Self {
        let answer = excerpt(answer);
        let detail = format!("{step} was answered with {answer}");
        Self { outcome: Outcome::StarttlsRefused, detail, refusal: Some(StarttlsRefusal::Refused(answer)) }
    }

    /// The server has no TLS to offer, as this shows.
    pub(super) fn not_offered(detail: impl Into<String>) -> Self {
        let refusal = Some(StarttlsRefusal::NotOffered);
        Self { outcome: Outcome::StarttlsRefused, detail: detail.into(), refusal }
    }

    /// The list of what the server offers lacks TLS, or something on the way has painted it over.
    pub(super) fn not_listed<'a>(
        list: &str,
        request: &str,
        keywords: impl Iterator<Item = &'a str>,
        mask: Option<String>,
    ) -> Self {
        match mask {
            Some(seen) => Self {
                outcome: Outcome::StarttlsRefused,
                detail: format!(
                    "{list} does not list {request}, and something on the way rewrites what the server says: {seen}"
                ),
                refusal: Some(StarttlsRefusal::Masked(seen)),
            },
            None => {
                let listed: Vec<&str> = keywords.take(20).collect();
                let listed = if listed.is_empty() { "nothing".to_owned() } else { excerpt(&listed.join(", ")) };
                Self::not_offered(format!("{list} does not list {request}; it lists {listed}"))
            }
        }
    }
}

/// The beginning of a text that came from a server.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
