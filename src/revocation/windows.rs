//! What the Windows chain engine would come to with the times measured here.
//!
//! It looks revocation up from below the root down to the end certificate, every OCSP URL before any CRL, one URL after
//! the other, and stops at the first that tells ("How Certificate Revocation Works" and "Optimizing the Revocation
//! Experience", Microsoft's documentation of the Windows Server PKI). For how long, `CertGetCertificateChain` documents
//! in two ways. Without `CERT_CHAIN_REVOCATION_ACCUMULATIVE_TIMEOUT` each URL has 15 seconds. With it, as TLS clients
//! have it, all URLs of the chain together have 20, and each has half of what is left: the first 10, and where that
//! gets no answer the second 5. So whatever the second way bears the first bears too, and only the second is followed
//! here. Issuers are fetched before, with limits of their own, and count for nothing in it.
//!
//! Input: what was asked and how long each answer took. Output: the answers that Windows would not wait for. Pure.

use std::collections::HashSet;
use std::time::Duration;

use super::{Answer, CertificateStatus, EndpointFacts, EndpointKind, SourceAnswer, SourceKind};
use crate::net::{Attempt, HttpMethod, Outcome};
use crate::x509::Fingerprint;

/// For all URLs of a chain together (`ChainRevAccumulativeUrlRetrievalTimeoutMilliseconds`).
pub const CHAIN_LIMIT: Duration = Duration::from_secs(20);
/// For one URL at most (`ChainUrlRetrievalTimeoutMilliseconds`).
pub const URL_LIMIT: Duration = Duration::from_secs(15);

/// What has not answered for so long is taken to be dead, so that others would wait for it in vain as long as they
/// wait at all.
const SILENCE: Duration = Duration::from_secs(5);

/// What is asked about one certificate, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// The certificate.
    pub certificate: Fingerprint,
    /// Its OCSP URLs, then those of its CRLs.
    pub retrievals: Vec<Retrieval>,
    /// Its delta CRLs, which are fetched after a CRL.
    pub deltas: Vec<Retrieval>,
}

/// One URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieval {
    /// The URL.
    pub url: String,
    /// Whether it is of an OCSP responder, whose answer is for one certificate alone.
    pub is_ocsp: bool,
    /// What came of it here.
    pub took: Took,
    /// Whether what it serves tells whether the certificate is revoked.
    pub tells: bool,
}

/// How long an answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Took {
    /// It came whole.
    Complete(Duration),
    /// It was clear after so long that there is none.
    Failed(Duration),
    /// Nobody answered.
    Silent,
}

/// An answer that would not be waited for, of a certificate that then has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandoned {
    /// The certificate.
    pub certificate: Fingerprint,
    /// The URL.
    pub url: String,
    /// How long it took here.
    pub took: Duration,
    /// How long it would have had.
    pub limit: Duration,
    /// What would have been waited for before, each URL with how long, and whether it was silent.
    pub before: Vec<(String, Duration, bool)>,
}

/// The answers that Windows would not wait for, though they are all that tells of a certificate. Where nothing tells
/// anyway, that is not for want of time.
#[must_use]
pub fn abandoned(inquiries: &[Inquiry]) -> Vec<Abandoned> {
    let mut clock = Clock { left: CHAIN_LIMIT, waited: Vec::new(), done: HashSet::new(), cut: HashSet::new() };
    let mut abandoned = Vec::new();
    for inquiry in inquiries {
        let mut told = None;
        let mut given_up: Option<Abandoned> = None;
        for retrieval in &inquiry.retrievals {
            let before = clock.waited.clone();
            let limit = clock.limit();
            let came = clock.retrieve(inquiry.certificate, retrieval);
            if came && retrieval.tells {
                told = Some(retrieval);
                break;
            }
            if let (false, true, Took::Complete(took)) = (came, retrieval.tells, retrieval.took) {
                let (certificate, url) = (inquiry.certificate, retrieval.url.clone());
                given_up = given_up.or(Some(Abandoned { certificate, url, took, limit, before }));
            }
        }
        match told {
            None => abandoned.extend(given_up),
            Some(told) if !told.is_ocsp => {
                for delta in &inquiry.deltas {
                    clock.retrieve(inquiry.certificate, delta);
                }
            }
            Some(_) => {}
        }
    }
    abandoned
}

/// The time of one chain.
struct Clock<'a> {
    left: Duration,
    waited: Vec<(String, Duration, bool)>,
    /// What is in the cache, or known not to answer.
    done: HashSet<(&'a str, Option<Fingerprint>)>,
    cut: HashSet<(&'a str, Option<Fingerprint>)>,
}

impl<'a> Clock<'a> {
    fn limit(&self) -> Duration {
        self.left / 2
    }

    /// Whether an answer comes in time.
    fn retrieve(&mut self, certificate: Fingerprint, retrieval: &'a Retrieval) -> bool {
        let key = (retrieval.url.as_str(), retrieval.is_ocsp.then_some(certificate));
        if !self.done.insert(key) {
            return matches!(retrieval.took, Took::Complete(_)) && !self.cut.contains(&key);
        }
        let limit = self.limit();
        let (waited, came) = match retrieval.took {
            Took::Complete(took) if took <= limit => (took, true),
            Took::Failed(took) => (took.min(limit), false),
            Took::Complete(_) | Took::Silent => (limit, false),
        };
        if !came {
            self.cut.insert(key);
        }
        self.left = self.left.saturating_sub(waited);
        self.waited.push((retrieval.url.clone(), waited, retrieval.took == Took::Silent));
        came
    }
}

/// What is asked about a chain's certificates, given from below the root down to the end certificate. One that a
/// stapled response tells of is not asked about.
#[must_use]
pub fn inquiries(chain: &[Fingerprint], endpoints: &[EndpointFacts], statuses: &[CertificateStatus]) -> Vec<Inquiry> {
    let of = |certificate: Fingerprint| {
        let sources = statuses.iter().find(|status| status.certificate == certificate)?.sources.as_slice();
        let is_stapled = |source: &SourceAnswer| source.kind == SourceKind::Staple && tells(source);
        if sources.iter().any(is_stapled) {
            return None;
        }
        let of_kind = |kind: EndpointKind| {
            let named = endpoints.iter().filter(move |endpoint| endpoint.kind == kind && !endpoint.attempts.is_empty());
            named.filter(move |endpoint| endpoint.certificates.contains(&certificate)).map(move |endpoint| {
                let source = if kind == EndpointKind::Ocsp { SourceKind::Ocsp } else { SourceKind::Crl };
                let is_its = |answer: &SourceAnswer| {
                    answer.kind == source && answer.url.as_deref() == Some(endpoint.url.as_str()) && tells(answer)
                };
                Retrieval {
                    url: endpoint.url.clone(),
                    is_ocsp: kind == EndpointKind::Ocsp,
                    took: took(endpoint),
                    tells: sources.iter().any(is_its),
                }
            })
        };
        let retrievals = of_kind(EndpointKind::Ocsp).chain(of_kind(EndpointKind::Crl)).collect();
        Some(Inquiry { certificate, retrievals, deltas: of_kind(EndpointKind::DeltaCrl).collect() })
    };
    chain.iter().filter_map(|certificate| of(*certificate)).collect()
}

fn tells(answer: &SourceAnswer) -> bool {
    matches!(answer.answer, Some(Answer::Good | Answer::Revoked { .. }))
}

/// By one try at one address, with the redirects on the way; of the methods by which a responder is asked here side by
/// side, by the one that Windows takes, GET, where that is answered.
fn took(endpoint: &EndpointFacts) -> Took {
    let by = |method: HttpMethod| tries(endpoint.attempts.iter().filter(move |attempt| attempt.method == method));
    let came = |tries: &[(Duration, &Attempt)]| {
        let whole = tries.iter().filter(|(_, end)| end.outcome == Outcome::Ok);
        whole.map(|(took, _)| *took).min().map(Took::Complete)
    };
    let tries = [HttpMethod::Get, HttpMethod::Search, HttpMethod::Post].map(by);
    if let Some(complete) = tries.iter().find_map(|tries| came(tries)) {
        return complete;
    }
    let Some((took, end)) = tries.iter().find_map(|tries| tries.last()) else {
        return Took::Failed(Duration::ZERO);
    };
    // Where the run's own deadline came first, nobody knows.
    let is_silent = matches!(end.outcome, Outcome::Timeout | Outcome::Stalled) && !end.ran_out_of_time();
    if is_silent && *took >= SILENCE { Took::Silent } else { Took::Failed(*took) }
}

/// Each try by how long it took, the redirects before it included, and how it ended.
fn tries<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> Vec<(Duration, &'a Attempt)> {
    let mut hops = Duration::ZERO;
    let mut tries = Vec::new();
    for attempt in attempts {
        let took = hops.saturating_add(attempt.timings.total.unwrap_or_default());
        if attempt.is_followed() {
            hops = took;
        } else {
            hops = Duration::ZERO;
            tries.push((took, attempt));
        }
    }
    tries
}

#[cfg(test)]
mod tests;
