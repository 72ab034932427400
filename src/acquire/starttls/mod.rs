//! Protocols that turn to TLS in the middle of a plain-text conversation, one file each.
//!
//! Input: an open stream. Output: the stream at the point where the ClientHello goes out, or how
//! the server declined. A protocol is added as a file with a `negotiate` of its own and a line in
//! [`negotiate`].

pub mod smtp;

use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};

use super::StarttlsRefusal;
use crate::net::{Deadline, Limits, Outcome};
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

/// Brings the stream to the point where TLS begins, and tells how long that took; `None` where the
/// scheme begins with TLS.
///
/// # Errors
/// [`Declined`], and how long it took until then.
pub async fn negotiate<S>(
    scheme: Scheme,
    stream: &mut S,
    waits: Waits,
) -> Result<Option<Duration>, (Declined, Duration)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let started = Instant::now();
    let negotiated = match scheme {
        Scheme::Https | Scheme::Tls | Scheme::Smtps | Scheme::Imaps | Scheme::Pop3s | Scheme::Ftps | Scheme::Ldaps => {
            return Ok(None);
        }
        Scheme::Smtp | Scheme::Submission => smtp::negotiate(stream, waits).await,
    };
    let elapsed = started.elapsed();
    negotiated.map(|()| Some(elapsed)).map_err(|declined| (declined, elapsed))
}
