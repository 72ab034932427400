//! Whether a peer still says something: when octets came, and how long silence is borne.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Stream;
use super::limits::{Deadline, Limits, seconds};

/// Ends when nothing has come for too long, or the run has; says so, and of which step.
pub(super) async fn silence(step: &str, activity: &Activity, limits: &Limits, deadline: Deadline) -> String {
    loop {
        let seen = activity.seen();
        let limit = if seen.first.is_none() { limits.answer } else { limits.step };
        let due = seen.last.checked_add(limit).map_or(deadline.0, |due| due.min(deadline.0));
        let now = Instant::now();
        if now >= due {
            let waited = now.saturating_duration_since(seen.last);
            return match seen.first {
                None => deadline.describe_silence(step, limit, waited),
                Some(_) if waited < limit => "still answering when the deadline of the run came".to_owned(),
                Some(_) => format!("began to answer, then nothing more in {}", seconds(limit)),
            };
        }
        tokio::time::sleep_until(due.into()).await;
    }
}

/// When octets came.
#[derive(Clone)]
pub(super) struct Activity(Arc<Mutex<Seen>>);

#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// When the last octets came, or the wait began.
    pub(super) last: Instant,
    pub(super) first: Option<Instant>,
}

impl Activity {
    /// The wait begins.
    pub(super) fn begin() -> Self {
        Self(Arc::new(Mutex::new(Seen { last: Instant::now(), first: None })))
    }

    pub(super) fn seen(&self) -> Seen {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another wait begins on the same stream.
    pub(super) fn restart(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Seen { last: Instant::now(), first: None };
    }

    /// The same stream, watched.
    pub(super) fn watch(&self, stream: Box<dyn Stream>) -> Watched {
        Watched { stream, activity: self.clone() }
    }

    fn note(&self) {
        let now = Instant::now();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.last = now;
        seen.first.get_or_insert(now);
    }
}

/// A stream that tells when octets come.
pub(super) struct Watched {
    stream: Box<dyn Stream>,
    activity: Activity,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.note();
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
