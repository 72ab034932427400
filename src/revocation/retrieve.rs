//! Gets each distinct object once in a run, however many certificates and targets name it.

use std::sync::Arc;

use crate::net::{Attempt, Deadline, Network};
use crate::x509::Certificate;

/// The run's fetcher: concurrent, bounded, each distinct request once. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Retriever {
    network: Network,
}

/// What a caIssuers URL gave.
#[derive(Debug, Clone)]
pub struct IssuersFetched {
    /// Attempts made.
    pub attempts: Vec<Attempt>,
    /// Certificates found there.
    pub certificates: Vec<Arc<Certificate>>,
}

impl Retriever {
    /// For this network.
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self { network }
    }

    /// The network it fetches over.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Fetches caIssuers URLs for path building; the same answers serve [`super::examine`] later.
    pub async fn issuers(&self, urls: &[String], deadline: Deadline) -> Vec<IssuersFetched> {
        let _ = (urls, deadline);
        todo!()
    }
}
