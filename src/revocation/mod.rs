//! Every endpoint that the certificates name: which there are, what each serves, and what that says
//! of each certificate (RFC 5280 §6.3, RFC 6960).
//!
//! Input: [`Subject`]s, the run's [`Retriever`], [`RevocationOptions`]. Output: [`RevocationFacts`].
//! Facts only: whether a dead endpoint matters is `finding`'s to say.

pub mod aia;
pub mod crl;
pub mod facts;
pub mod ocsp;
pub mod plan;
pub mod retrieve;
pub mod single;
pub mod status;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

pub use facts::*;
pub use retrieve::Retriever;

use crate::Progress;
use crate::net::Deadline;
use crate::x509::Certificate;

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
    /// Whether it is on the chosen path.
    pub on_chosen_path: bool,
    /// Whether it is the target's own certificate.
    pub is_leaf: bool,
}

/// Fetches and judges everything, all at once.
pub async fn examine(
    retriever: &Retriever,
    options: &RevocationOptions,
    subjects: &[Subject],
    staple: Option<&Bytes>,
    at: Timestamp,
    deadline: Deadline,
    progress: &dyn Progress,
) -> RevocationFacts {
    let _ = (retriever, options, subjects, staple, at, deadline, progress);
    todo!()
}
