//! Protocols that turn to TLS in the middle of a plain-text conversation, one file each.
//!
//! Input: an open stream. Output: the stream at the point where the ClientHello goes out, or how
//! the server declined. A protocol is added as a file with a `Protocol` in it and a line in
//! [`negotiate`].

mod conversation;
mod ftp;
mod imap;
mod ldap;
mod mask;
mod mssql;
mod mysql;
mod nntp;
mod pop3;
mod postgres;
mod rdp;
mod reply;
#[cfg(test)]
mod script;
mod sieve;
mod smtp;
mod tds;
mod xml;
mod xmpp;

use std::fmt;
use std::time::{Duration, Instant};

use self::conversation::Conversation;
use super::StarttlsRefusal;
use crate::net::{Deadline, Limits, Outcome, Stream};
use crate::target::Scheme;

/// A conversation that can turn to TLS.
trait Protocol {
    /// What is said to a server that declined, before the connection is closed.
    const FAREWELL: &'static [u8];

    /// Whether a server of this protocol can begin its first answer so; `octets` are as many as have come, at least one.
    fn begins(octets: &[u8]) -> bool;

    /// Leads the conversation to the server's go-ahead. `name` is the server asked for.
    async fn ask(conversation: &mut Conversation, name: &str) -> Result<(), Declined>;

    /// The stream that TLS is spoken over.
    fn under_tls(stream: Box<dyn Stream>) -> Box<dyn Stream> {
        stream
    }
}

/// How long answers are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// For the first octet of the conversation.
    pub first: Duration,
    /// For every later one: mail servers hold back on purpose between a first line and the rest of
    /// their greeting (Postfix's postscreen for 6 s), to catch spammers who don't wait.
    pub later: Duration,
    /// The end of the run.
    pub deadline: Deadline,
}

impl Waits {
    /// From the limits of the run.
    #[must_use]
    pub fn new(limits: &Limits, deadline: Deadline) -> Self {
        Self { first: limits.step, later: limits.step.max(limits.answer), deadline }
    }
}

/// Why there is no TLS to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declined {
    /// `StarttlsRefused` where the server said no, else how the conversation ended.
    pub outcome: Outcome,
    /// What more is known; may hold text from the server.
    pub detail: String,
    /// How the server said no, where it did.
    pub refusal: Option<StarttlsRefusal>,
}

/// A stream on which the ClientHello may go out.
pub struct Negotiated {
    /// The stream given, or one that wraps it where the protocol carries the handshake in packets of its own.
    pub stream: Box<dyn Stream>,
    /// How long the way there took; `None` where the scheme begins with TLS.
    pub elapsed: Option<Duration>,
}

impl fmt::Debug for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiated").field("elapsed", &self.elapsed).finish_non_exhaustive()
    }
}

/// Brings the stream to the point where TLS begins. `name` is the server asked for, as its certificate is expected to
/// name it; protocols that serve several domains at one address are told it.
///
/// # Errors
/// [`Declined`], and how long it took until then.
pub async fn negotiate(
    scheme: Scheme,
    stream: Box<dyn Stream>,
    name: &str,
    waits: Waits,
) -> Result<Negotiated, Box<(Declined, Duration)>> {
    let started = Instant::now();
    let negotiated = match scheme {
        Scheme::Https | Scheme::Tls | Scheme::Smtps | Scheme::Imaps | Scheme::Pop3s | Scheme::Ftps | Scheme::Ldaps => {
            return Ok(Negotiated { stream, elapsed: None });
        }
        Scheme::Smtp | Scheme::Submission => converse::<smtp::Smtp>(stream, scheme, name, waits).await,
        Scheme::Imap => converse::<imap::Imap>(stream, scheme, name, waits).await,
        Scheme::Pop3 => converse::<pop3::Pop3>(stream, scheme, name, waits).await,
        Scheme::Ftp => converse::<ftp::Ftp>(stream, scheme, name, waits).await,
        Scheme::Ldap => converse::<ldap::Ldap>(stream, scheme, name, waits).await,
        Scheme::Xmpp => converse::<xmpp::ClientToServer>(stream, scheme, name, waits).await,
        Scheme::XmppServer => converse::<xmpp::ServerToServer>(stream, scheme, name, waits).await,
        Scheme::Sieve => converse::<sieve::Sieve>(stream, scheme, name, waits).await,
        Scheme::Nntp => converse::<nntp::Nntp>(stream, scheme, name, waits).await,
        Scheme::Postgres => converse::<postgres::Postgres>(stream, scheme, name, waits).await,
        Scheme::Mysql => converse::<mysql::Mysql>(stream, scheme, name, waits).await,
        Scheme::Mssql => converse::<mssql::Mssql>(stream, scheme, name, waits).await,
        Scheme::Rdp => converse::<rdp::Rdp>(stream, scheme, name, waits).await,
    };
    let elapsed = started.elapsed();
    match negotiated {
        Ok(stream) => Ok(Negotiated { stream, elapsed: Some(elapsed) }),
        Err(declined) => Err(Box::new((declined, elapsed))),
    }
}

async fn converse<P: Protocol>(
    stream: Box<dyn Stream>,
    scheme: Scheme,
    name: &str,
    waits: Waits,
) -> Result<Box<dyn Stream>, Declined> {
    let mut conversation = Conversation::new::<P>(stream, scheme, waits);
    match P::ask(&mut conversation, name).await {
        Ok(()) => conversation.into_stream().map(P::under_tls),
        Err(declined) => {
            if declined.refusal.is_some() {
                conversation.take_leave(P::FAREWELL).await;
            }
            Err(declined)
        }
    }
}

#[cfg(test)]
mod tests;
