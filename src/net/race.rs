//! Several ways to the same end, started one after the other, of which the first success counts:
//! addresses of a host (RFC 8305 §5), name servers, transports.

use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

/// How a race ended.
pub(super) struct Race<K, T, E> {
    /// The first success.
    pub(super) winner: Option<(K, T)>,
    /// Those that were started and failed before, in the order of failing.
    pub(super) failed: Vec<(K, E)>,
    /// Those that were still under way at the end (and have been dropped), in the order of starting.
    pub(super) pending: Vec<K>,
}

/// Starts one entrant for each key, `stagger` apart, the next at once when all that were started
/// have failed or one fails, until one succeeds, all have failed, or `limit` has passed.
pub(super) async fn staggered<K, T, E, F>(
    keys: &[K],
    stagger: Duration,
    limit: Duration,
    start: impl Fn(&K) -> F,
) -> Race<K, T, E>
where
    K: Clone,
    F: Future<Output = Result<T, E>>,
{
    let begun = Instant::now();
    let end = begun.checked_add(limit).unwrap_or(begun);
    let mut waiting = keys.iter();
    let mut running = FuturesUnordered::new();
    let mut pending: Vec<(usize, K)> = Vec::new();
    let mut failed = Vec::new();
    let mut next_number = 0_usize;
    let mut next_start = begun;
    loop {
        let more_to_start = waiting.len() > 0;
        if !more_to_start && running.is_empty() {
            return Race { winner: None, failed, pending: Vec::new() };
        }
        tokio::select! {
            biased;
            Some((number, result)) = running.next(), if !running.is_empty() => {
                let Some(position) = pending.iter().position(|(other, _)| *other == number) else { continue };
                let (_, key) = pending.remove(position);
                match result {
                    Ok(success) => {
                        let pending = pending.into_iter().map(|(_, key)| key).collect();
                        return Race { winner: Some((key, success)), failed, pending };
                    }
                    Err(failure) => {
                        failed.push((key, failure));
                        next_start = Instant::now();
                    }
                }
            }
            () = until(next_start), if more_to_start => {
                if let Some(key) = waiting.next() {
                    let number = next_number;
                    next_number += 1;
                    pending.push((number, key.clone()));
                    let entrant = start(key);
                    running.push(async move { (number, entrant.await) });
                    next_start = Instant::now().checked_add(stagger).unwrap_or(next_start);
                }
            }
            () = sleep_until(end) => {
                return Race { winner: None, failed, pending: pending.into_iter().map(|(_, key)| key).collect() };
            }
        }
    }
}

/// The timer counts in milliseconds, and would take one for an instant that has come already.
async fn until(instant: Instant) {
    if instant > Instant::now() {
        sleep_until(instant).await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt;
    use tokio::sync::Notify;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    type Said = Result<&'static str, &'static str>;

    #[tokio::test]
    async fn a_silent_first_costs_one_stagger() {
        let begun = Instant::now();
        let race = staggered(&[1, 2, 3], SHORT, LONG, |key| match key {
            1 => pending::<Said>().boxed(),
            _ => ready(Ok("second")).boxed(),
        })
        .await;
        assert_eq!(race.winner, Some((2, "second")));
        assert_eq!(race.pending, [1]);
        assert!(race.failed.is_empty());
        assert!(begun.elapsed() >= SHORT && begun.elapsed() < LONG);
    }

    #[tokio::test]
    async fn a_failure_starts_the_next_at_once() {
        let begun = Instant::now();
        let race = staggered(&[1, 2], LONG, LONG, |key| {
            ready(match key {
                1 => Err("refused"),
                _ => Ok("second"),
            })
        })
        .await;
        assert_eq!(race.winner, Some((2, "second")));
        assert_eq!(race.failed, [(1, "refused")]);
        assert!(begun.elapsed() < LONG);
    }

    #[tokio::test]
    async fn the_first_may_still_win_after_the_second_began() {
        let second_began = Notify::new();
        let race = staggered(&[1, 2], SHORT, LONG, |key| match key {
            1 => second_began.notified().map(|()| Said::Ok("first")).boxed(),
            _ => {
                second_began.notify_one();
                pending::<Said>().boxed()
            }
        })
        .await;
        assert_eq!(race.winner, Some((1, "first")));
        assert_eq!(race.pending, [2]);
    }

    #[tokio::test]
    async fn all_failing_and_none_at_all_end() {
        let race = staggered(&[1, 2], LONG, LONG, |_| ready(Said::Err("no"))).await;
        assert_eq!(race.winner, None);
        assert_eq!(race.failed, [(1, "no"), (2, "no")]);
        let none: [u8; 0] = [];
        assert!(staggered(&none, LONG, LONG, |_| ready(Said::Err("no"))).await.winner.is_none());
    }

    #[tokio::test]
    async fn the_limit_ends_it_and_names_the_silent() {
        let race = staggered(&[1, 2], SHORT, SHORT * 3, |key| match key {
            1 => ready(Said::Err("no")).boxed(),
            _ => pending::<Said>().boxed(),
        })
        .await;
        assert_eq!(race.winner, None);
        assert_eq!(race.failed, [(1, "no")]);
        assert_eq!(race.pending, [2]);
    }
}
