//! Trust anchors: the machine's native store, Mozilla's list, files and folders.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::x509::{Certificate, Fingerprint, Name};

/// One `--roots` value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootsChoice {
    /// The operating system's store.
    Native,
    /// Mozilla's list, compiled in.
    Mozilla,
    /// A file or folder of certificates.
    Path(PathBuf),
}

/// Trust anchors, found by subject.
#[derive(Debug, Clone, Default)]
pub struct TrustStore {}

/// Why no anchors could be had at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

impl TrustStore {
    /// Loads and adds up the choices.
    ///
    /// # Errors
    /// When a file or folder given cannot be read, or holds no certificate, or nothing gave an anchor.
    pub fn load(choices: &[RootsChoice]) -> Result<Self, StoreError> {
        let _ = choices;
        todo!()
    }

    /// A store of these anchors.
    #[must_use]
    pub fn of(anchors: Vec<Arc<Certificate>>, label: &str) -> Self {
        let _ = (anchors, label);
        todo!()
    }

    /// `native`, `mozilla`, a path, or several joined with `+`: the report's `trust_store`.
    #[must_use]
    pub fn label(&self) -> &str {
        todo!()
    }

    /// Entries of the store that could not be read.
    #[must_use]
    pub fn errors(&self) -> &[String] {
        todo!()
    }

    /// Number of anchors.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Anchors with this subject (RFC 5280 §7.1).
    #[must_use]
    pub fn with_subject(&self, subject: &Name) -> Vec<Arc<Certificate>> {
        let _ = subject;
        todo!()
    }

    /// Whether this very certificate is an anchor.
    #[must_use]
    pub fn contains(&self, certificate: &Certificate) -> bool {
        let _ = certificate;
        todo!()
    }
}

/// Which roots count as publicly trusted: Mozilla's list, and whatever the lab adds to stage it.
#[derive(Debug, Clone, Default)]
pub struct PublicRoots {
    /// Roots taken for public beside the list.
    pub extra: HashSet<Fingerprint>,
}

impl PublicRoots {
    /// Whether a root is publicly trusted, by subject and key.
    #[must_use]
    pub fn contains(&self, root: &Certificate) -> bool {
        let _ = root;
        todo!()
    }
}
