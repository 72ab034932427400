//! Facts that somebody expects of a target (`--expect FILE`), and what has to be seen to tell whether they hold.
//!
//! Input: the text of a file ([`parse`]). Output: [`Expectations`], and with [`Expected::reach`] what only the network and the
//! trust store can say of them. Whether a fact holds is `finding`'s to tell; one that was not looked at never counts as
//! holding.

mod file;
mod root;

use std::fmt;
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::OnceCell;

pub use file::{ExpectationError, parse};
pub use root::RootName;

use crate::egress::{self, Place, Reached};
use crate::net::{Deadline, Network};
use crate::path::TrustStore;
use crate::x509::{KeyAlgorithm, WrittenName};

/// Everything that is expected. What is `None` or empty is not spoken of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The root that a path leads to.
    pub root: Option<RootName>,
    /// The leaf's issuer.
    pub issuer: Option<WrittenName>,
    /// A common name of the leaf's subject.
    pub subject_common_name: Option<String>,
    /// An organization of the leaf's subject.
    pub organization: Option<String>,
    /// An organizational unit of the leaf's subject.
    pub organizational_unit: Option<UnitExpectation>,
    /// Names that the leaf has to cover.
    pub dns_names: Vec<String>,
    /// Kind of the leaf's key.
    pub key_algorithm: Option<KeyKind>,
    /// Its size in bits, at least.
    pub key_bits_min: Option<u32>,
    /// What the leaf is signed with.
    pub signature_algorithm: Option<SignatureName>,
    /// The leaf's `notAfter`, at the earliest.
    pub not_after_min: Option<Timestamp>,
    /// Purposes that the leaf's `extKeyUsage` has to list.
    pub extended_key_usage: Vec<PurposeName>,
    /// The TLS version negotiated, at least.
    pub tls_version_min: Option<TlsVersion>,
    /// Places that have to be reachable.
    pub endpoints: Vec<Place>,
    /// Whether the leaf has to be good for TLS client authentication.
    pub client_auth: bool,
}

/// What is expected of `organizationalUnitName`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitExpectation {
    /// There is none.
    Absent,
    /// This one is there.
    Is(String),
}

/// Kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA
    Rsa,
    /// An elliptic curve for ECDSA
    Ec,
    /// Ed25519
    Ed25519,
}

impl KeyKind {
    const ALL: [Self; 3] = [Self::Rsa, Self::Ec, Self::Ed25519];

    /// The report's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ec => "EC",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// Whether a key is of this kind.
    #[must_use]
    pub fn is(self, key: &KeyAlgorithm) -> bool {
        matches!(
            (self, key),
            (Self::Rsa, KeyAlgorithm::Rsa { .. })
                | (Self::Ec, KeyAlgorithm::Ec { .. })
                | (Self::Ed25519, KeyAlgorithm::Ed25519)
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let named = Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text));
        named.or(text.eq_ignore_ascii_case("ECDSA").then_some(Self::Ec))
    }
}

/// A signature algorithm, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureName {
    /// The dotted OID.
    pub oid: String,
    text: String,
}

/// A key purpose, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurposeName {
    /// The dotted OID.
    pub oid: String,
    text: String,
}

impl fmt::Display for SignatureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for PurposeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// TLS versions, older before newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.0
    Tls10,
    /// TLS 1.1
    Tls11,
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

impl TlsVersion {
    const ALL: [Self; 4] = [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The report's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tls10 => "TLSv1",
            Self::Tls11 => "TLSv1.1",
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    /// Reads `TLSv1.2`, `TLS 1.2`, `1.2`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let number = lower.strip_prefix("tls").unwrap_or(&lower).trim_start_matches([' ', 'v', '_', '-']);
        match number {
            "1" | "1.0" => Some(Self::Tls10),
            number => Self::ALL.into_iter().find(|version| version.word().strip_prefix("TLSv") == Some(number)),
        }
    }
}

/// Expectations with where they stand and what was seen for all targets of a run.
#[derive(Debug)]
pub struct Expected {
    /// What is expected.
    pub facts: Expectations,
    /// The file, for messages.
    pub file: String,
    /// The places, once gone to: they are the same for every target.
    reached: OnceCell<Vec<Reached>>,
}

/// What was seen for one target beside what it presented.
#[derive(Debug, Clone)]
pub struct Observed {
    /// What is expected.
    pub expected: Arc<Expected>,
    /// What came of going to the places, in their order; `None` with `--offline`.
    pub endpoints: Option<Vec<Reached>>,
    /// Whether the trust store holds the root; `None` where none is expected or there is no store.
    pub root_in_store: Option<bool>,
}

impl Expected {
    /// With the name of the file that they stand in.
    #[must_use]
    pub fn new(facts: Expectations, file: String) -> Self {
        Self { facts, file, reached: OnceCell::new() }
    }

    /// Goes to every place that is expected to be reachable: once a run, within the first target's deadline.
    pub async fn reach(&self, network: &Network, deadline: Deadline) -> &[Reached] {
        let go = || join_all(self.facts.endpoints.iter().map(|place| egress::reach(network, place, deadline)));
        self.reached.get_or_init(go).await
    }

    /// Whether the trust store holds the root that is expected; `None` where none is.
    #[must_use]
    pub fn is_root_in(&self, store: &TrustStore) -> Option<bool> {
        let root = self.facts.root.as_ref()?;
        Some(store.subjects().any(|(subject, der)| root.is_entry(subject, der)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_kinds_have_several_spellings() {
        for text in ["TLSv1.2", "TLS 1.2", "tls1.2", "1.2", "tlsv1.2", "TLS-1.2"] {
            assert_eq!(TlsVersion::parse(text), Some(TlsVersion::Tls12), "{text}");
        }
        assert_eq!(TlsVersion::parse("TLSv1"), Some(TlsVersion::Tls10));
        assert!(["", "TLS", "2", "SSLv3", "1.4", "1.22"].into_iter().all(|text| TlsVersion::parse(text).is_none()));
        assert!(TlsVersion::Tls12 < TlsVersion::Tls13);
        assert_eq!((KeyKind::parse("rsa"), KeyKind::parse("ecdsa")), (Some(KeyKind::Rsa), Some(KeyKind::Ec)));
        assert_eq!((KeyKind::parse("ED25519"), KeyKind::parse("DSA")), (Some(KeyKind::Ed25519), None));
    }
}
