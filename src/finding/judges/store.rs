//! `store.*`, `local.*`: what this machine could not read, and what time it thinks it is.

use std::collections::HashMap;
use std::fmt::Display;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::{Sink, Weight};
use crate::Examination;
use crate::finding::About;
use crate::finding::catalogue::machine;
use crate::finding::wording::{list, span, when};

/// More than this is more than clocks may differ by.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn judge(examination: &Examination, sink: &mut Sink) {
    if let Some(failure) = &examination.trust_store_failure {
        no_anchors(Some(&examination.target), failure, sink);
    }
    unreadable_entries(&examination.trust_store, &examination.trust_store_errors, sink);
    clock(examination, sink);
}

/// Without any anchor the question cannot be put.
pub(super) fn no_anchors(target: Option<&str>, failure: &impl Display, sink: &mut Sink) {
    let target = target.map_or_else(String::new, |target| format!("{target}: "));
    let message = format!("{target}nothing can be verified without trust anchors: {failure}");
    let remedy = "have this host's administrator mend the trust store, or name the anchors with --roots".to_owned();
    sink.report(machine::STORE_UNREADABLE, Weight::Grave, About::Target, message, remedy);
}

/// Some entries are missing, and the rest was used.
pub(super) fn unreadable_entries(store: &str, errors: &[String], sink: &mut Sink) {
    if errors.is_empty() {
        return;
    }
    let entries = if errors.len() == 1 { "1 entry".to_owned() } else { format!("{} entries", errors.len()) };
    let message = format!("trust store {store}: {entries} could not be read: {}", list(errors));
    let remedy = "have this host's administrator mend or remove these entries of the trust store".to_owned();
    sink.report(machine::STORE_UNREADABLE, Weight::Usual, About::Target, message, remedy);
}

/// Judged by what the endpoints' Date headers agree on. One that a cache kept says an earlier time, so those that
/// differ have to differ by the same amount, as a wrong clock here would make them.
fn clock(examination: &Examination, sink: &mut Sink) {
    let mut by_url: HashMap<&str, SignedDuration> = HashMap::new();
    for facts in &examination.revocation.endpoints {
        let mut dates = facts.attempts.iter().filter_map(|attempt| attempt.date);
        if let Some(date) = dates.next_back() {
            by_url.insert(&facts.url, date.time.duration_since(local_time(examination, date.read)));
        }
    }
    let mut offsets: Vec<SignedDuration> = by_url.into_values().collect();
    offsets.sort_unstable();
    let Some(median) = offsets.get(offsets.len() / 2).copied().filter(|_| offsets.len() >= 2) else { return };
    let off = |offset: SignedDuration| offset > TOLERANCE || offset < -TOLERANCE;
    let agreeing = offsets.iter().filter(|offset| {
        let apart = offset.saturating_sub(median);
        off(**offset) && apart <= TOLERANCE && apart >= -TOLERANCE
    });
    let agreeing = agreeing.count();
    if !off(median) || agreeing < 2 || agreeing * 2 <= offsets.len() {
        return;
    }
    let direction = if median.is_negative() { "ahead of" } else { "behind" };
    let message = format!(
        "this host's clock says {}, which is {} {direction} what {agreeing} of {} endpoints state in their Date headers",
        when(examination.now),
        span(median),
        offsets.len()
    );
    let remedy = "get time synchronisation (NTP) on this host to work, then run the check again".to_owned();
    sink.report(machine::CLOCK_SKEW, Weight::Usual, About::Target, message, remedy);
}

/// What the clock here said at that instant. An answer that another target asked for came before this one began.
fn local_time(examination: &Examination, instant: Instant) -> Timestamp {
    let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    let after = signed(instant.saturating_duration_since(examination.started));
    let before = signed(examination.started.saturating_duration_since(instant));
    examination.now.checked_add(after.saturating_sub(before)).unwrap_or(examination.now)
}
