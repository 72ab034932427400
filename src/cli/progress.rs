//! A bar on standard error while it works, for people who watch.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::Progress;
use crate::render::escape::escape;

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often it is drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// Steps done and under way; hidden at first, or always.
pub(super) struct Bar {
    bar: ProgressBar,
    wanted: bool,
    under_way: Mutex<Vec<String>>,
}

impl Bar {
    /// A bar that [`Bar::appear`] brings up, if it is `wanted` at all.
    pub(super) fn new(wanted: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len}  {elapsed}  {wide_msg}") {
            bar.set_style(style);
        }
        Self { bar, wanted, under_way: Mutex::new(Vec::new()) }
    }

    /// Shows the bar after a moment; to be raced against the work.
    pub(super) async fn appear(&self) {
        if !self.wanted {
            return;
        }
        tokio::time::sleep(PATIENCE).await;
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        self.bar.enable_steady_tick(TICK);
    }

    /// Takes the bar away while something is printed.
    pub(super) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    /// Takes the bar away for good.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn change(&self, act: impl FnOnce(&mut Vec<String>)) {
        if !self.wanted {
            return;
        }
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut under_way);
        // The one that has been waited for longest is the one to know of.
        let message = match under_way.as_slice() {
            [] => String::new(),
            [only] => only.clone(),
            [oldest, others @ ..] => format!("{oldest} and {} more", others.len()),
        };
        self.bar.set_message(message);
    }
}

impl Progress for Bar {
    fn started(&self, what: &str) {
        self.bar.inc_length(1);
        self.change(|under_way| under_way.push(escape(what).into_owned()));
    }

    fn finished(&self, what: &str) {
        self.bar.inc(1);
        self.change(|under_way| {
            let what = escape(what);
            if let Some(position) = under_way.iter().position(|known| *known == what) {
                under_way.remove(position);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_steps_and_names_the_oldest() {
        let bar = Bar::new(true);
        bar.started("one\x1b");
        bar.started("two");
        assert_eq!((bar.bar.length(), bar.bar.position()), (Some(2), 0));
        assert_eq!(bar.bar.message(), "one\\x1b and 1 more");
        bar.finished("one\x1b");
        assert_eq!((bar.bar.length(), bar.bar.position(), bar.bar.message()), (Some(2), 1, "two".to_owned()));
        bar.clear();
    }
}
