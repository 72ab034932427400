//! Every endpoint that the certificates name: which there are, what each serves, and what that says
//! of each certificate (RFC 5280 §6.3, RFC 6960).
//!
//! Input: [`Subject`]s, the run's [`Retriever`], [`RevocationOptions`]. Output: [`RevocationFacts`].
//! Facts only: whether a dead endpoint matters is `finding`'s to say.

mod ask;
mod delegate;
mod examiner;
mod files;
mod once;
mod received;
mod signers;

pub mod aia;
pub mod crl;
pub mod facts;
pub mod ocsp;
pub mod plan;
pub mod retrieve;
pub mod single;
pub mod status;
pub mod windows;

#[cfg(test)]
mod fixtures;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

pub use facts::*;
pub use retrieve::Retriever;

use crate::Progress;
use crate::net::Deadline;
use crate::path::{PathJudge, Pool, TrustStore};
use crate::x509::Certificate;

/// How far a signer's clock may be ahead of ours for `thisUpdate` and `producedAt`.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What `cli` fills for this stage.
#[derive(Debug, Clone, Default)]
pub struct RevocationOptions {
    /// `--offline`
    pub offline: bool,
    /// `--crl` files: path and contents.
    pub crl_files: Vec<(String, Bytes)>,
    /// `--ocsp-response` files: path and contents.
    pub ocsp_files: Vec<(String, Bytes)>,
}

/// A certificate whose endpoints are examined, with its issuer on the best path it is on.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The certificate; never a root.
    pub certificate: Arc<Certificate>,
    /// Its issuer, where one was found.
    pub issuer: Option<Arc<Certificate>>,
    /// Everything above it on that path, issuer first: where delegates and CRL signers may chain.
    pub above: Vec<Arc<Certificate>>,
    /// The trust anchors of all examined paths it is on: a CRL signer that is not above must have a path to one of
    /// these (RFC 5280 §6.3.3 (f)).
    pub anchors: Vec<Arc<Certificate>>,
    /// Whether it is on the chosen path.
    pub on_chosen_path: bool,
    /// Whether it is the target's own certificate.
    pub is_leaf: bool,
}

/// Among what the signers of CRLs and OCSP responses are looked for besides the examined paths, and by what their
/// own paths are validated.
#[derive(Clone, Copy)]
pub struct AtHand<'a> {
    /// Certificates of any kind.
    pub pool: &'a Pool,
    /// Trust anchors.
    pub store: &'a TrustStore,
    /// What decides whether a path is valid.
    pub judge: &'a dyn PathJudge,
}

impl fmt::Debug for AtHand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtHand").field("pool", &self.pool).field("store", &self.store).finish_non_exhaustive()
    }
}

/// What is examined.
#[derive(Debug, Clone, Copy)]
pub struct Subjects<'a> {
    /// The certificates, the target's own first.
    pub certificates: &'a [Subject],
    /// The stapled response, where there is one.
    pub staple: Option<&'a Bytes>,
    /// Where else signers are looked for.
    pub at_hand: AtHand<'a>,
}

/// Fetches and judges everything, all at once. A delta CRL that only a complete CRL names, and the
/// revocation of an OCSP delegate, take a second round.
pub async fn examine(
    retriever: &Retriever,
    options: &RevocationOptions,
    subjects: Subjects<'_>,
    at: Timestamp,
    deadline: Deadline,
    progress: &dyn Progress,
) -> RevocationFacts {
    let signers = crl::Signers::at_hand(subjects.at_hand, at);
    let examiner = examiner::Examiner::new(retriever, options, &subjects, &signers, at, deadline, progress);
    examiner.examine(subjects.staple).await
}

/// The latest time that a `thisUpdate` may state.
fn with_skew(at: Timestamp) -> Timestamp {
    at.checked_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
