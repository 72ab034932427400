//! How long, how much, how often: every remote read is bounded by something here.

use std::time::{Duration, Instant};

/// Times, sizes and counts of one run.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Each network step: DNS answer, connect, handshake, wait for a byte.
    pub step: Duration,
    /// The wait for an endpoint's answer (first byte).
    pub answer: Duration,
    /// Further tries of an attempt whose failure may be transient.
    pub retries: u32,
    /// Requests and targets under way at once.
    pub concurrency: usize,
    /// CRL body limit in octets.
    pub max_crl_size: u64,
    /// Every other body's limit in octets.
    pub max_response_size: u64,
    /// Redirects followed for one request.
    pub max_redirects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(5),
            answer: Duration::from_secs(15),
            retries: 1,
            concurrency: 64,
            max_crl_size: 256 << 20,
            max_response_size: 1 << 20,
            max_redirects: 5,
        }
    }
}

/// The instant at which one target's run ends, whatever is still under way.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// That long from now.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(duration).unwrap_or(now))
    }

    /// The step's own limit, cut to what is left of the run.
    #[must_use]
    pub fn cap(self, step: Duration) -> Duration {
        step.min(self.0.saturating_duration_since(Instant::now()))
    }
}
