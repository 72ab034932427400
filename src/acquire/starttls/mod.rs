//! Protocols that turn to TLS in the middle of a plain-text conversation, one file each.
//!
//! Input: an open stream. Output: the stream at the point where the ClientHello goes out, or how
//! the server declined. A protocol is added as a file with a `negotiate` of its own and a line in
//! [`negotiate`].

pub mod smtp;

use std::fmt;
use std::time::{Duration, Instant};

use super::StarttlsRefusal;
use crate::net::{Deadline, Limits, Outcome, Stream};
use crate::target::Scheme;

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
    mut stream: Box<dyn Stream>,
    _name: &str,
    waits: Waits,
) -> Result<Negotiated, Box<(Declined, Duration)>> {
    let started = Instant::now();
    let negotiated = match scheme {
        Scheme::Https | Scheme::Tls | Scheme::Smtps | Scheme::Imaps | Scheme::Pop3s | Scheme::Ftps | Scheme::Ldaps => {
            return Ok(Negotiated { stream, elapsed: None });
        }
        Scheme::Smtp | Scheme::Submission => smtp::negotiate(&mut stream, waits).await,
    };
    let elapsed = started.elapsed();
    match negotiated {
        Ok(()) => Ok(Negotiated { stream, elapsed: Some(elapsed) }),
        Err(declined) => Err(Box::new((declined, elapsed))),
    }
}
