//! One computation for each key, shared by everyone who asks while it runs and after.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// What a result lets others do with it.
pub(super) trait Shareable {
    /// Whether those who waited for it may take it as theirs.
    fn serves_others(&self) -> bool;
    /// Whether it is kept for those who come later.
    fn stays(&self) -> bool;
}

type Slot<V> = Arc<OnceCell<Arc<V>>>;

/// The results, by key.
pub(super) struct Once<K, V> {
    slots: Mutex<HashMap<K, Slot<V>>>,
}

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self { slots: Mutex::new(HashMap::new()) }
    }
}

impl<K: Eq + Hash + Clone, V: Shareable> Once<K, V> {
    /// The result for this key, made by `make` unless it is there or on its way. When the one who makes it
    /// goes away, the next in line starts over.
    pub(super) async fn get<F>(&self, key: K, make: impl Fn() -> F) -> Arc<V>
    where
        F: Future<Output = V>,
    {
        loop {
            let slot = self.lock().entry(key.clone()).or_default().clone();
            let mine = AtomicBool::new(false);
            let made = async {
                mine.store(true, Ordering::Relaxed);
                // Boxed: everything that waits for an object would otherwise carry all of a fetch in it.
                Arc::new(Box::pin(make()).await)
            };
            let value = slot.get_or_init(|| made).await.clone();
            if !value.stays() {
                self.forget(&key, &slot);
            }
            if mine.load(Ordering::Relaxed) || value.serves_others() {
                return value;
            }
        }
    }

    fn forget(&self, key: &K, slot: &Slot<V>) {
        let mut slots = self.lock();
        if slots.get(key).is_some_and(|current| Arc::ptr_eq(current, slot)) {
            slots.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Slot<V>>> {
        // A map is whole after any panic of another holder.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    struct Value {
        serves_others: bool,
        stays: bool,
    }

    impl Shareable for Value {
        fn serves_others(&self) -> bool {
            self.serves_others
        }
        fn stays(&self) -> bool {
            self.stays
        }
    }

    async fn makings(value: fn(usize) -> Value) -> (usize, usize) {
        let once = Once::default();
        let made = AtomicUsize::new(0);
        let make = || async {
            let number = made.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            value(number)
        };
        join_all((0..8).map(|_| once.get("key", make))).await;
        let together = made.load(Ordering::Relaxed);
        once.get("key", make).await;
        (together, made.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn makes_one_for_all() {
        assert_eq!(makings(|_| Value { serves_others: true, stays: true }).await, (1, 1));
    }

    #[tokio::test]
    async fn what_may_not_stay_is_made_again_later() {
        assert_eq!(makings(|_| Value { serves_others: true, stays: false }).await, (1, 2));
    }

    #[tokio::test]
    async fn what_serves_only_its_maker_is_made_by_the_next() {
        let value = |number| Value { serves_others: number > 0, stays: number > 0 };
        assert_eq!(makings(value).await, (2, 2));
    }

    #[tokio::test]
    async fn the_next_in_line_takes_over() {
        let once = Once::default();
        let begun = Notify::new();
        let abandoned = once.get("key", || async {
            begun.notify_one();
            std::future::pending::<()>().await;
            Value { serves_others: true, stays: true }
        });
        tokio::select! {
            _ = abandoned => unreachable!("it never ends"),
            () = begun.notified() => {}
        }
        let value = once.get("key", || async { Value { serves_others: true, stays: true } }).await;
        assert!(value.stays());
    }
}
