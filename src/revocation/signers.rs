//! The CRLs of CRL signers: whether a signer that is not above the certificates in question is revoked.
//!
//! What is above is examined anyway, and most CRLs are signed by that. Where one is not, and the CRLs at hand leave
//! open whether its signer is revoked, those are fetched that the signer's certificate and the ones above it name. That
//! is done once, so that nothing leads on and on: who signed these CRLs has to be good by what is at hand then. A
//! signer that names no CRL, and that no CRL at hand covers, does not count, though OCSP might tell of it. That is no
//! false alarm in practice: such a signer has its certificate from the CA whose CRL it signs, or from the one above,
//! and a CRL of either is there anyway.

use futures_util::future::join_all;
use jiff::Timestamp;

use super::crl::{self, CrlSource, Role, Signers};
use super::retrieve::Retriever;
use super::{Subject, plan};
use crate::net::Deadline;
use crate::x509::certificate::Serial;

/// URLs fetched for all signers together.
const MAX_URLS: usize = 8;

/// Fetches what is missing.
pub(super) struct SignerCheck<'a> {
    pub(super) retriever: &'a Retriever,
    pub(super) signers: &'a Signers<'a>,
    /// The serial numbers to look for.
    pub(super) wanted: &'a [Serial],
    pub(super) at: Timestamp,
    pub(super) deadline: Deadline,
}

impl SignerCheck<'_> {
    /// CRLs about the signers of `sources`, as far as those leave them open.
    pub(super) async fn fetch(&self, sources: &[CrlSource], subjects: &[Subject]) -> Vec<CrlSource> {
        let open = crl::open_signers(sources, subjects, self.signers, self.at);
        let mut urls: Vec<String> = Vec::new();
        for url in open.iter().flat_map(|signer| plan::distribution_point_urls(&signer.crl_distribution_points)) {
            if !urls.contains(&url) && !sources.iter().any(|source| source.url == url) {
                urls.push(url);
            }
        }
        let fetched = join_all(urls.into_iter().take(MAX_URLS).map(|url| self.fetch_one(url))).await;
        fetched.into_iter().flatten().collect()
    }

    async fn fetch_one(&self, named: String) -> Option<CrlSource> {
        let url = plan::address(&named).ok()?;
        if self.retriever.denied(&url, self.deadline).await.is_some() {
            return None;
        }
        let fetched = self.retriever.crl(&url, self.wanted, self.deadline).await;
        let bodies = fetched.bodies.iter().map(|(_, body)| body.clone()).collect();
        Some(CrlSource { url: named, role: Role::File, subjects: Vec::new(), bodies })
    }
}
