//! What became of one connection.

use std::net::SocketAddr;

use jiff::Timestamp;

use super::offer::Offer;
use crate::handshake::HelloError;

/// One connection: who, when, and what came.
#[derive(Debug, Clone)]
pub struct Observation {
    /// Where it came from; of an IPv4 client that address, whichever family the socket has.
    pub source: SocketAddr,
    /// Where it was accepted.
    pub local: SocketAddr,
    /// When it was accepted.
    pub at: Timestamp,
    /// The name a mail client greeted with, cut to 255 octets: untrusted text.
    pub ehlo: Option<String>,
    /// What came.
    pub seen: Seen,
    /// How the handshake ended, where it was gone on with here.
    pub finish: Option<Finish>,
}

/// What came over one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A ClientHello.
    Hello(Box<Offer>),
    /// Something else; its first octets.
    NotTls(Vec<u8>),
    /// The beginning of TLS, and then what none of its messages looks like.
    Malformed(&'static str),
    /// A ClientHello beyond any measure.
    TooLarge,
    /// The end, before a single octet.
    Closed,
    /// RST.
    Reset,
    /// Nothing, until the time was up.
    Silent,
    /// A beginning, and nothing after it until the time was up.
    Stalled,
    /// A beginning, then the end.
    Truncated,
    /// SMTP without STARTTLS; whether mail was to go in the clear (MAIL or AUTH), rather than the client having left again.
    WithoutStarttls {
        /// A transaction or a login was begun.
        in_the_clear: bool,
    },
    /// Nothing yet, when it was let go to make room for another.
    LetGo,
    /// It was to be passed on to a service that could not be reached; why.
    ServiceUnreachable(String),
}

impl Seen {
    /// Its word in reports: the same as for outgoing connections, where there is one.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::NotTls(_) => "not-tls",
            Self::Malformed(_) => "malformed",
            Self::TooLarge => "too-large",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Silent => "timeout",
            Self::Stalled => "stalled",
            Self::Truncated => "truncated",
            Self::WithoutStarttls { .. } => "no-starttls",
            Self::LetGo => "let-go",
            Self::ServiceUnreachable(_) => "service-unreachable",
        }
    }

    /// What more is known: untrusted text.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::NotTls(first) => Some(format!("it begins with {:?}", String::from_utf8_lossy(first))),
            Self::Malformed(reason) => Some((*reason).to_owned()),
            Self::WithoutStarttls { in_the_clear } => Some(
                if *in_the_clear { "mail or a login was to go in the clear" } else { "it left without asking for it" }
                    .to_owned(),
            ),
            Self::ServiceUnreachable(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// What an unreadable hello amounts to.
    #[must_use]
    pub fn of_error(error: &HelloError, octets: &[u8]) -> Self {
        match error {
            HelloError::NotTls => Self::NotTls(octets.iter().copied().take(MAX_QUOTED).collect()),
            HelloError::Malformed(reason) => Self::Malformed(reason),
            HelloError::TooLarge => Self::TooLarge,
        }
    }

    /// What the end of a stream amounts to that has begun, or has not.
    pub(super) fn at_end(has_begun: bool, error: Option<&std::io::Error>) -> Self {
        match error {
            Some(_) => Self::Reset,
            None if has_begun => Self::Truncated,
            None => Self::Closed,
        }
    }
}

/// Octets that are quoted of what is not TLS.
const MAX_QUOTED: usize = 40;

/// How a handshake ended that was gone on with here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// It came about.
    Completed {
        /// The version, as the TLS library names it.
        version: String,
        /// The suite.
        cipher_suite: String,
    },
    /// It did not; why.
    Failed(String),
}
