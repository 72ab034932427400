//! From presented certificates to certification paths (RFC 5280 §6, RFC 4158).
//!
//! Input: a leaf, a [`Pool`] of candidate issuers, a [`TrustStore`], a [`Question`]. Output: a
//! [`PathSearch`]: every path found, best first, each with its judgement. Pure: issuers that have to
//! be fetched are named in [`PathSearch::missing`], and the pipeline searches again with them.

pub mod alias;
pub mod builder;
pub mod comparison;
pub mod constraints;
pub mod defect;
mod graph;
pub mod hostname;
pub mod judge;
pub mod policy;
pub mod presence;
pub mod profile;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod validator;
mod webpki;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

pub use builder::search;
pub use defect::{Defect, DefectKind};
pub use graph::Signatures;
pub use judge::{Candidate, Judgement, PathJudge, StandardJudge};
pub use store::{PublicRoots, TrustStore};

use crate::x509::{Certificate, Fingerprint};

/// `--purpose`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// TLS server (`id-kp-serverAuth`).
    #[default]
    Server,
    /// TLS client (`id-kp-clientAuth`).
    Client,
    /// Extended key usage is not looked at.
    Any,
}

/// The policy inputs of path validation (RFC 5280 §6.1.1 (c), (e), (f), (g)); by default any policy, or none, will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyInputs {
    /// `user-initial-policy-set` as dotted OIDs; empty stands for `anyPolicy`.
    pub initial: BTreeSet<String>,
    /// `initial-explicit-policy`
    pub explicit_policy: bool,
    /// `initial-policy-mapping-inhibit`
    pub inhibit_policy_mapping: bool,
    /// `initial-any-policy-inhibit`
    pub inhibit_any_policy: bool,
}

impl PolicyInputs {
    /// Whether every policy is wanted.
    #[must_use]
    pub fn accepts_any(&self) -> bool {
        self.initial.is_empty() || self.initial.contains(crate::x509::policies::ANY_POLICY)
    }
}

/// What a path is judged for.
#[derive(Debug, Clone)]
pub struct Question {
    /// The instant of judgement.
    pub at: Timestamp,
    /// The purpose.
    pub purpose: Purpose,
    /// The policies wanted.
    pub policies: Arc<PolicyInputs>,
    /// Signature checks the search may spend.
    pub signature_budget: usize,
    /// Paths judged; where there are more, the search says that it was cut short.
    pub max_judged: usize,
    /// Paths kept, the best ones.
    pub max_paths: usize,
    /// Certificates in a path, leaf and root included.
    pub max_length: usize,
    /// What is known of signatures.
    pub signatures: Signatures,
}

impl Question {
    /// With the default budget.
    #[must_use]
    pub fn new(at: Timestamp, purpose: Purpose) -> Self {
        Self {
            at,
            purpose,
            policies: Arc::default(),
            signature_budget: 512,
            max_judged: 1024,
            max_paths: 32,
            max_length: 12,
            signatures: Signatures::default(),
        }
    }
}

/// Where a certificate came from; the first source that had it counts, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The server.
    Served,
    /// The target file.
    File,
    /// `--intermediates`
    Option,
    /// A caIssuers URL.
    Aia,
    /// The trust store.
    TrustStore,
}

/// Candidate certificates, each once, with their sources.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    certificates: Vec<(Arc<Certificate>, Source)>,
}

impl Pool {
    /// Adds a certificate; one that is there already keeps the earlier source in [`Source`]'s order.
    pub fn add(&mut self, certificate: Arc<Certificate>, source: Source) {
        match self.certificates.iter_mut().find(|(known, _)| known.sha256 == certificate.sha256) {
            Some((_, known_source)) => *known_source = (*known_source).min(source),
            None => self.certificates.push((certificate, source)),
        }
    }

    /// The certificates in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<Certificate>, Source)> {
        self.certificates.iter().map(|(certificate, source)| (certificate, *source))
    }

    /// Number of certificates.
    #[must_use]
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// Where a certificate came from.
    #[must_use]
    pub fn source(&self, sha256: &Fingerprint) -> Option<Source> {
        self.certificates.iter().find(|(known, _)| known.sha256 == *sha256).map(|(_, source)| *source)
    }
}

/// One path from the leaf upwards.
#[derive(Debug, Clone)]
pub struct CertificationPath {
    /// Leaf first; the last is the trust anchor where `trusted`.
    pub certificates: Vec<Arc<Certificate>>,
    /// Whether the last is in the trust store.
    pub trusted: bool,
    /// What is said of it. `judgement.valid` says nothing of revocation or the host name.
    pub judgement: Judgement,
}

impl CertificationPath {
    /// Its trust anchor, when the path ends in one.
    #[must_use]
    pub fn anchor(&self) -> Option<&Arc<Certificate>> {
        if self.trusted { self.certificates.last() } else { None }
    }

    /// The root that it ends in: a trust anchor, or a self-issued certificate that is none.
    #[must_use]
    pub fn root(&self) -> Option<&Arc<Certificate>> {
        self.certificates.last().filter(|last| self.trusted || last.is_self_issued())
    }

    /// The earliest end of validity among its certificates, anchor included.
    #[must_use]
    pub fn earliest_expiry(&self) -> Option<Timestamp> {
        self.certificates.iter().map(|certificate| certificate.not_after).min()
    }
}

/// All that was found.
#[derive(Debug, Clone, Default)]
pub struct PathSearch {
    /// Valid paths first (shortest, then furthest expiry; once that is known, one on which nothing is revoked or open
    /// before those on which something is), then the others by how near they came.
    /// Never empty for a decoded leaf: a leaf without any issuer is a path of one.
    pub paths: Vec<CertificationPath>,
    /// Source of every certificate in `paths`.
    pub sources: HashMap<Fingerprint, Source>,
    /// Certificates whose issuer was not found, nearest to a trust anchor first.
    pub missing: Vec<Arc<Certificate>>,
    /// Whether the budget ended the search.
    pub exhausted: bool,
}

impl PathSearch {
    /// The path that everything else is about: the best valid one, or the nearest.
    #[must_use]
    pub fn chosen(&self) -> Option<&CertificationPath> {
        self.paths.first()
    }

    /// Whether any path is valid.
    #[must_use]
    pub fn any_valid(&self) -> bool {
        self.paths.iter().any(|path| path.judgement.valid)
    }

    /// Puts the path at this place first.
    pub fn promote(&mut self, place: usize) {
        if place < self.paths.len() {
            let path = self.paths.remove(place);
            self.paths.insert(0, path);
        }
    }

    /// The paths whose certificates are examined: every valid one, else the nearest.
    pub fn examined(&self) -> impl Iterator<Item = &CertificationPath> {
        let any_valid = self.any_valid();
        self.paths
            .iter()
            .enumerate()
            .filter(move |(index, path)| path.judgement.valid || (!any_valid && *index == 0))
            .map(|(_, path)| path)
    }
}
