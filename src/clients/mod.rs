//! Known TLS clients as data: the hello that each sends, and what else it needs to go on.
//!
//! Pure, no I/O. Input: `data/clients.toml`, a hello that was observed, what a server answered. Output: the hello to
//! send in a client's place, the best guess of who sent one, and whether a client connects and why not.

mod book;
mod guess;
mod outcome;
mod template;

use std::fmt;
use std::sync::LazyLock;

pub use guess::{Guess, guess};
pub use outcome::{Answer, Chosen, Outcome, Presented, Refusal, ServerFacts, decide, outcome};

use crate::handshake::{CipherSuite, ClientHello, Version};
use crate::spelling::distance;
use template::Template;

pub(crate) use template::share;

const BOOK: &str = include_str!("../../data/clients.toml");

/// One client, or several that behave the same.
#[derive(Debug, Clone)]
pub struct Client {
    /// The name for command lines and reports; never changes its meaning.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// When it was current: `2009–2016`, or `since 2021`.
    pub years: String,
    /// Where its facts come from.
    pub source: String,
    /// Where it is known not to be exact, how so.
    pub approximation: Option<String>,
    /// What it needs beyond what its hello says.
    pub needs: Needs,
    template: Template,
}

/// What a client needs beyond what its hello says; `None` is not known, or not limited.
#[derive(Debug, Clone)]
pub struct Needs {
    /// The oldest version it goes on with.
    pub lowest: Version,
    /// Whether it takes no signature of TLS 1.1 and older in a handshake: MD5 with SHA-1, or SHA-1 (RFC 4346 §7.4.3).
    pub refuses_sha1_handshakes: bool,
    /// The shortest RSA key in a certificate, in bits.
    pub rsa_bits_min: Option<u32>,
    /// The shortest Diffie-Hellman prime, in bits.
    pub dh_bits_min: Option<u32>,
    /// The longest one.
    pub dh_bits_max: Option<u32>,
    /// What in certificates it knows nothing of.
    pub cannot_verify: Vec<Property>,
    /// What it knows, and takes no longer.
    pub refuses: Vec<Property>,
}

/// Something about a certificate that not every client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Property {
    /// Signed over a digest by SHA-1
    Sha1,
    /// Signed over a digest by SHA-256, SHA-384 or SHA-512
    Sha2,
    /// With an elliptic curve key, or signed by one
    Ecdsa,
}

impl Property {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha2 => "SHA-2",
            Self::Ecdsa => "ECDSA",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha2, Self::Ecdsa].into_iter().find(|property| property.name() == name)
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No client has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no known client is called {name:?}; {}", suggestion(.nearest))]
pub struct UnknownClient {
    /// As it was asked for.
    pub name: String,
    /// Names it is most like, best first; possibly none.
    pub nearest: Vec<&'static str>,
}

fn suggestion(nearest: &[&'static str]) -> String {
    if nearest.is_empty() {
        "names are like ie-8-10-win7 or java-8".to_owned()
    } else {
        format!("did you mean {}?", nearest.join(", "))
    }
}

impl Client {
    /// What it sends to a server of this name, with these octets as random. Key shares are well-formed, but nobody has
    /// the keys to them: a server's answer can be read as far as it is in plain text. An address is no name (RFC 6066
    /// §3), and some clients send none at all.
    #[must_use]
    pub fn hello(&self, server_name: Option<&str>, random: [u8; 32]) -> ClientHello {
        self.template.hello(server_name, random)
    }

    /// The versions it both offers and goes on with, newest first.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let mut versions = self.hello(None, [0; 32]).versions();
        versions.retain(|version| *version >= self.needs.lowest);
        versions
    }

    /// The suites it offers, in its order, without GREASE and signals.
    #[must_use]
    pub fn cipher_suites(&self) -> Vec<CipherSuite> {
        self.template.suites()
    }

    /// Whether the order of its extensions differs from one hello to the next.
    #[must_use]
    pub fn shuffles_extensions(&self) -> bool {
        self.template.shuffled
    }

    /// Whether it tells the server which host it wants; where it does not, a server with several gives its default
    /// certificate.
    #[must_use]
    pub fn names_host(&self) -> bool {
        self.template.names_host()
    }
}

/// Every client, in the order of the file: by maker, oldest first.
#[must_use]
pub fn all() -> &'static [Client] {
    // The file is part of the program, and a test reads it.
    static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| book::read(BOOK).unwrap_or_default());
    &CLIENTS
}

/// The client of this name.
///
/// # Errors
/// [`UnknownClient`], with the names that may have been meant.
pub fn named(name: &str) -> Result<&'static Client, UnknownClient> {
    all()
        .iter()
        .find(|client| client.name == name)
        .ok_or_else(|| UnknownClient { name: name.chars().take(80).collect(), nearest: nearest(name) })
}

/// All that begin as the name does (`chrome`), else the few that are spelt most like it.
fn nearest(name: &str) -> Vec<&'static str> {
    let name: String = name.chars().take(80).collect::<String>().to_ascii_lowercase().replace([' ', '_'], "-");
    let names = all().iter().map(|client| client.name.as_str());
    let alike: Vec<&'static str> = names.clone().filter(|known| !name.is_empty() && known.starts_with(&name)).collect();
    if !alike.is_empty() {
        return alike;
    }
    let mut near: Vec<(usize, &'static str)> = names
        .map(|known| (distance(&name, known), known))
        .filter(|(distance, known)| distance * 2 <= known.len().max(name.len()))
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests;
