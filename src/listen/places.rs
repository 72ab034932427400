//! Room for a bounded number of connections at once. Where there is none left, whoever has been silent longest makes way:
//! so those who never say anything keep nobody out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

/// All of the room.
#[derive(Debug)]
pub(super) struct Places {
    permits: Arc<Semaphore>,
    count: u32,
    silent: Mutex<Silent>,
    /// One that was asked to make way has meanwhile said something, and stays.
    stayed: Notify,
}

/// Those that may be asked to make way, in the order of their arrival.
#[derive(Debug, Default)]
struct Silent {
    next: u64,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// Room for one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    places: Arc<Places>,
    number: u64,
    asked: oneshot::Receiver<()>,
}

impl Places {
    pub(super) fn new(count: u32) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(usize::try_from(count).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS))),
            count,
            silent: Mutex::default(),
            stayed: Notify::new(),
        })
    }

    fn silent(&self) -> std::sync::MutexGuard<'_, Silent> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for one more; waits where all of it is taken by connections that have said who they are.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Place> {
        loop {
            let free = Arc::clone(&self.permits);
            let permit = match Arc::clone(&free).try_acquire_owned() {
                Ok(permit) => permit,
                Err(_) => {
                    self.let_go_oldest();
                    tokio::select! {
                        permit = free.acquire_owned() => permit.ok()?,
                        () = self.stayed.notified() => continue,
                    }
                }
            };
            let (ask, asked) = oneshot::channel();
            let mut silent = self.silent();
            let number = silent.next;
            silent.next = number.wrapping_add(1);
            silent.waiting.insert(number, ask);
            return Some(Place { _permit: permit, places: Arc::clone(self), number, asked });
        }
    }

    /// Asks the one that has been silent longest to make way.
    pub(super) fn let_go_oldest(&self) {
        while let Some((_, ask)) = self.silent().waiting.pop_first() {
            if ask.send(()).is_ok() {
                return;
            }
        }
    }

    /// Asks all that are silent to go.
    pub(super) fn let_go_all(&self) {
        for ask in std::mem::take(&mut self.silent().waiting).into_values() {
            // Whoever has gone by itself need not be asked.
            let _ = ask.send(());
        }
    }

    /// Waits until all have gone, but no longer than that.
    pub(super) async fn emptied(&self, patience: Duration) {
        // What is left when the time is up is given up.
        let _ = timeout(patience, self.permits.acquire_many(self.count)).await;
    }
}

impl Place {
    /// Comes back when this connection is to make way.
    pub(super) async fn let_go(&mut self) {
        if (&mut self.asked).await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }

    /// It has said who it is, and is no longer asked to make way.
    pub(super) fn keep(&self) {
        if self.places.silent().waiting.remove(&self.number).is_none() {
            self.places.stayed.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.silent().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn the_oldest_silent_one_makes_way() {
        let places = Places::new(2);
        let mut first = places.take().await.unwrap();
        let mut second = places.take().await.unwrap();
        let third = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take().await }
        });
        first.let_go().await;
        assert!(second.let_go().now_or_never().is_none());
        drop(first);
        assert!(third.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn whoever_has_spoken_stays_and_the_next_is_asked() {
        let places = Places::new(2);
        let first = places.take().await.unwrap();
        let mut second = places.take().await.unwrap();
        first.keep();
        let third = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take().await }
        });
        second.let_go().await;
        drop(second);
        let third = third.await.unwrap().unwrap();
        third.keep();
        // All have spoken: the next waits until one of them ends by itself.
        assert!(places.take().now_or_never().is_none());
        drop(first);
        assert!(places.take().await.is_some());
    }

    #[tokio::test]
    async fn one_that_spoke_while_it_was_asked_makes_the_next_be_asked() {
        let places = Places::new(2);
        let mut first = places.take().await.unwrap();
        let mut second = places.take().await.unwrap();
        let third = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take().await }
        });
        first.let_go().await;
        first.keep();
        second.let_go().await;
        drop(second);
        assert!(third.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn the_end_is_waited_for() {
        let places = Places::new(3);
        let mut place = places.take().await.unwrap();
        places.let_go_all();
        place.let_go().await;
        drop(place);
        places.emptied(Duration::from_secs(60)).await;
    }
}
