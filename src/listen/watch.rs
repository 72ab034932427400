//! Looks at what a client sends, in whatever pieces, until it is known what that is. Pure.

use std::sync::Arc;

use super::guesses::Guesses;
use super::observation::Seen;
use super::offer::Offer;
use super::smtp::{Follower, Progress};
use crate::handshake::HelloReader;

/// What is known of a connection that passes by.
#[derive(Debug)]
pub(super) struct Watch {
    guesses: Arc<Guesses>,
    smtp: Option<Follower>,
    hello: HelloReader,
    has_begun: bool,
    pub(super) ehlo: Option<String>,
}

impl Watch {
    /// From the first octet, TLS.
    pub(super) fn tls(guesses: &Arc<Guesses>) -> Self {
        Self { guesses: Arc::clone(guesses), smtp: None, hello: HelloReader::default(), has_begun: false, ehlo: None }
    }

    /// First SMTP, then TLS.
    pub(super) fn smtp(guesses: &Arc<Guesses>) -> Self {
        Self { smtp: Some(Follower::default()), ..Self::tls(guesses) }
    }

    /// Takes what the client sent; `None` while it is open what that is.
    pub(super) fn feed(&mut self, octets: &[u8]) -> Option<Seen> {
        self.has_begun |= !octets.is_empty();
        let begun;
        let octets = match &mut self.smtp {
            None => octets,
            Some(follower) => {
                let progress = follower.feed(octets);
                self.ehlo.clone_from(&follower.ehlo);
                match progress {
                    Progress::Waiting => return None,
                    Progress::Over { in_the_clear } => return Some(Seen::WithoutStarttls { in_the_clear }),
                    Progress::Tls(octets) => {
                        self.smtp = None;
                        begun = octets;
                        &begun
                    }
                }
            }
        };
        match self.hello.feed(octets) {
            Ok(None) => None,
            Ok(Some(offered)) => Some(Seen::Hello(Box::new(Offer::of(&offered, &self.guesses)))),
            Err(error) => Some(Seen::of_error(&error, self.hello.octets())),
        }
    }

    /// What the end of the client's octets amounts to, or an error that cut them off.
    pub(super) fn at_end(&self, error: Option<&std::io::Error>) -> Seen {
        match &self.smtp {
            Some(_) if self.has_begun && error.is_none() => Seen::WithoutStarttls { in_the_clear: false },
            _ => Seen::at_end(self.has_begun, error),
        }
    }

    /// What silence amounts to once the time is up.
    pub(super) fn at_timeout(&self) -> Seen {
        if self.has_begun { Seen::Stalled } else { Seen::Silent }
    }

    /// Every octet since TLS began.
    pub(super) fn octets(&self) -> &[u8] {
        self.hello.octets()
    }
}
