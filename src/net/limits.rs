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

impl Deadline {
    /// Whether nothing is left of the run.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.0 <= Instant::now()
    }

    /// Says of a step that got no answer in time which of its two limits ended it.
    #[must_use]
    pub fn describe_silence(self, step: &str, limit: Duration, waited: Duration) -> String {
        if self.is_over() && waited < limit {
            format!("{step}: no answer in {} when the deadline of the run came", seconds(waited))
        } else {
            format!("{step}: no answer in {}", seconds(limit))
        }
    }
}

/// Whether a failure's detail says that the deadline of a run ended it, not the limit of a step.
#[must_use]
pub fn names_deadline(detail: &str) -> bool {
    detail.contains("the deadline of the ")
}

/// A duration as people read it: `5 s`, `2.5 s`, `200 ms`.
pub(super) fn seconds(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds < 1000 {
        format!("{milliseconds} ms")
    } else if milliseconds.is_multiple_of(1000) {
        format!("{} s", milliseconds / 1000)
    } else {
        format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_cuts_a_step_and_is_named_as_what_ended_it() {
        let deadline = Deadline::after(Duration::from_secs(3600));
        assert_eq!(deadline.cap(Duration::from_secs(5)), Duration::from_secs(5));
        assert_eq!(
            deadline.describe_silence("connect", Duration::from_secs(5), Duration::from_secs(5)),
            "connect: no answer in 5 s"
        );
        let over = Deadline(Instant::now());
        assert!(over.is_over());
        assert_eq!(over.cap(Duration::from_secs(5)), Duration::ZERO);
        assert_eq!(
            over.describe_silence("connect", Duration::from_secs(5), Duration::from_millis(40)),
            "connect: no answer in 40 ms when the deadline of the run came"
        );
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(seconds(Duration::from_millis(2540)), "2.5 s");
        assert_eq!(seconds(Duration::from_millis(200)), "200 ms");
        assert_eq!(seconds(Duration::from_secs(15)), "15 s");
    }
}
