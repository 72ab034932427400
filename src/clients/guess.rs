//! Which client may have sent a hello.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use super::{Client, all};
use crate::handshake::{ClientHello, Extension, Version};

/// What is alike by less than this is called unknown.
const ENOUGH: u32 = 80;
/// Clients that a guess names at most where none fits.
const NAMED: usize = 3;

/// The best guess of who sent a hello.
#[derive(Debug, Clone)]
pub enum Guess {
    /// These send exactly this, apart from what differs from one connection to the next. Others may, too: a hello proves
    /// nothing.
    Exact(Vec<&'static Client>),
    /// Nobody known sends this; these come nearest.
    Like {
        /// Equally near.
        clients: Vec<&'static Client>,
        /// How near, out of 100.
        percent: u32,
    },
    /// Nobody known comes near.
    Unknown,
}

/// What of a hello tells clients apart: not the host, the protocols asked for by ALPN, sessions, GREASE and padding.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Traits {
    version: u16,
    versions: Vec<Version>,
    suites: Vec<u16>,
    /// In the order sent.
    extensions: Vec<u16>,
    groups: Vec<u16>,
    schemes: Vec<u16>,
    formats: Vec<u8>,
}

impl Traits {
    fn of(hello: &ClientHello) -> Self {
        const COOKIE: u16 = 44;
        const PRE_SHARED_KEY: u16 = 41;
        const EARLY_DATA: u16 = 42;
        let passing = [Extension::SERVER_NAME, Extension::ALPN, Extension::PADDING, PRE_SHARED_KEY, EARLY_DATA, COOKIE];
        let extensions = hello.extensions.as_deref().unwrap_or_default();
        let is_lasting = |extension: &&Extension| !extension.is_grease() && !passing.contains(&extension.kind);
        let formats = hello.extension(Extension::EC_POINT_FORMATS);
        Self {
            version: hello.version,
            versions: hello.versions(),
            suites: hello.cipher_suites.iter().filter(|suite| !suite.is_grease()).map(|suite| suite.0).collect(),
            extensions: extensions.iter().filter(is_lasting).map(|extension| extension.kind).collect(),
            groups: hello.groups().iter().filter(|group| !group.is_grease()).map(|group| group.0).collect(),
            schemes: hello
                .signature_schemes()
                .iter()
                .filter(|scheme| !scheme.is_grease())
                .map(|scheme| scheme.0)
                .collect(),
            formats: formats.map(|extension| extension.data.clone()).unwrap_or_default(),
        }
    }

    /// The same with the extensions in one order for all.
    fn sorted(mut self) -> Self {
        self.extensions.sort_unstable();
        self
    }

    /// How alike two are, out of 100: suites count for nearly half, and the order of things for a tenth.
    fn likeness(&self, other: &Self) -> u32 {
        let parts = [
            (45, shared(&self.suites, &other.suites)),
            (15, shared(&self.extensions, &other.extensions)),
            (10, shared(&self.groups, &other.groups)),
            (10, shared(&self.schemes, &other.schemes)),
            (10, shared(&self.versions, &other.versions)),
            (5, if self.suites == other.suites { 100 } else { 0 }),
            (5, if self.extensions == other.extensions { 100 } else { 0 }),
        ];
        parts.iter().map(|(weight, percent)| weight * percent).sum::<u32>() / 100
    }
}

/// Of everything that stands in either, the part that stands in both, out of 100; two empty ones are alike.
fn shared<'a, T: Ord + Copy + 'a>(one: impl IntoIterator<Item = &'a T>, two: impl IntoIterator<Item = &'a T>) -> u32 {
    let one: BTreeSet<T> = one.into_iter().copied().collect();
    let two: BTreeSet<T> = two.into_iter().copied().collect();
    let either = one.union(&two).count();
    let both = one.intersection(&two).count();
    both.saturating_mul(100).checked_div(either).map_or(100, |percent| u32::try_from(percent).unwrap_or(0))
}

/// The best guess of who sent this hello.
#[must_use]
pub fn guess(hello: &ClientHello) -> Guess {
    static KNOWN: LazyLock<Vec<(&Client, Traits)>> = LazyLock::new(|| {
        all().iter().map(|client| (client, Traits::of(&client.hello(Some("www.example.test"), [0; 32])))).collect()
    });
    let seen = Traits::of(hello);
    let exact: Vec<&'static Client> = KNOWN
        .iter()
        .filter(|(client, known)| !client.shuffles_extensions() && *known == seen)
        .map(|(client, _)| *client)
        .collect();
    if !exact.is_empty() {
        return Guess::Exact(exact);
    }
    // Those that shuffle their extensions are told by which they have.
    let sorted = seen.clone().sorted();
    let shuffled: Vec<&'static Client> = KNOWN
        .iter()
        .filter(|(client, known)| client.shuffles_extensions() && known.clone().sorted() == sorted)
        .map(|(client, _)| *client)
        .collect();
    if !shuffled.is_empty() {
        return Guess::Exact(shuffled);
    }
    let near: Vec<(&'static Client, u32)> =
        KNOWN.iter().map(|(client, known)| (*client, known.likeness(&seen))).collect();
    match near.iter().map(|(_, percent)| *percent).max() {
        Some(percent) if percent >= ENOUGH => {
            let best = near.iter().filter(|(_, likeness)| *likeness == percent);
            // Alike in everything that counts here is not the same yet.
            let percent = percent.min(99);
            Guess::Like { clients: best.map(|(client, _)| *client).take(NAMED).collect(), percent }
        }
        _ => Guess::Unknown,
    }
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(clients) => write!(f, "{}", titles(clients)),
            Self::Like { clients, percent } => write!(f, "like {} ({percent} %)", titles(clients)),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

fn titles(clients: &[&Client]) -> String {
    clients.iter().map(|client| client.title.as_str()).collect::<Vec<&str>>().join(", or ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::clients::named;
    use crate::clients::tests::captured;
    use crate::handshake::{CipherSuite, Group, SignatureScheme};

    fn names(guess: &Guess) -> Vec<&str> {
        match guess {
            Guess::Exact(clients) | Guess::Like { clients, .. } => {
                clients.iter().map(|client| client.name.as_str()).collect()
            }
            Guess::Unknown => Vec::new(),
        }
    }

    #[test]
    fn programs_that_were_run_are_recognised() {
        for (name, hello) in captured() {
            let guess = guess(&hello);
            assert!(matches!(guess, Guess::Exact(_)), "{name}: {guess}");
            assert!(names(&guess).contains(&name), "{name}: {guess}");
        }
    }

    #[test]
    fn every_client_is_recognised_by_its_hello_and_so_are_those_that_share_it() {
        for client in all() {
            for name in [None, Some("shop.example.test")] {
                let guess = guess(&client.hello(name, [0x5c; 32]));
                assert!(matches!(guess, Guess::Exact(_)), "{}: {guess}", client.name);
                assert!(names(&guess).contains(&client.name.as_str()), "{}: {guess}", client.name);
            }
        }
        let java = guess(&named("java-21").unwrap().hello(None, [0; 32]));
        assert_eq!(java.to_string(), "Java 17 from 17.0.10 on, or Java 21");
    }

    #[test]
    fn shuffled_extensions_tell_newer_versions_from_older_ones() {
        let fixed = named("chrome-100").unwrap().hello(Some("a.test"), [1; 32]);
        assert_eq!(names(&guess(&fixed)), ["chrome-100"]);
        let newer = named("chrome-110").unwrap();
        let lots = std::array::from_fn(|place| u8::try_from(place).unwrap());
        let shuffled = [[1; 32], lots].map(|random| newer.hello(Some("a.test"), random));
        let kinds = |hello: &ClientHello| -> Vec<u16> {
            hello.extensions.iter().flatten().filter(|one| !one.is_grease()).map(|one| one.kind).collect()
        };
        assert_ne!(kinds(&shuffled[0]), kinds(&shuffled[1]));
        for hello in &shuffled {
            assert_eq!(names(&guess(hello)), ["chrome-110"]);
        }
        let mut odd = named("go-1.19").unwrap().hello(Some("a.test"), [1; 32]);
        odd.extensions.as_mut().unwrap().reverse();
        let guess = guess(&odd);
        assert_eq!(names(&guess), ["go-1.19"]);
        assert_eq!(guess.to_string(), "like Go 1.19–1.20 (95 %)");
    }

    #[test]
    fn what_differs_is_only_alike_and_strangers_are_unknown() {
        let mut curl = named("curl-openssl-3").unwrap().hello(Some("a.test"), [1; 32]);
        curl.cipher_suites.retain(|suite| !suite.name().contains("CBC"));
        let near = guess(&curl);
        assert!(!matches!(near, Guess::Exact(_)), "{near}");
        let stranger = ClientHello::new(
            Version::Tls12,
            [1; 32],
            vec![CipherSuite(0xc02f), CipherSuite(0xc030)],
            vec![
                Extension::supported_groups(&[Group::SECP256R1]),
                Extension::signature_algorithms(&[SignatureScheme(0x0401)]),
            ],
        );
        assert!(matches!(guess(&stranger), Guess::Unknown));
        assert!(matches!(guess(&ClientHello::new(Version::Ssl3, [0; 32], vec![], vec![])), Guess::Unknown));
    }
}
