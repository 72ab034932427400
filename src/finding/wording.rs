//! How facts and values read in a sentence.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::x509::der;

/// Values of a list that are shown; the rest is counted.
const SHOWN: usize = 8;

/// RFC 3339 in UTC.
pub(super) fn when(time: Timestamp) -> String {
    der::rfc3339(time)
}

/// A length of time in its largest sensible unit, whatever its sign: `12 days`, `1 day`, `5 hours`, `3 minutes`, `8 seconds`.
pub(super) fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().unsigned_abs();
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// `2026-01-01T00:00:00Z, 12 days ago` or `…, in 12 days`.
pub(super) fn relative(time: Timestamp, at: Timestamp) -> String {
    // Whole seconds, as the times themselves are told: what a fraction hides must not become `in 23 hours`.
    let difference = SignedDuration::from_secs(time.as_second().saturating_sub(at.as_second()));
    if difference.is_negative() {
        format!("{}, {} ago", when(time), span(difference))
    } else {
        format!("{}, in {}", when(time), span(difference))
    }
}

/// A wait: `5 s`, `1.2 s`, `40 ms`.
pub(super) fn wait(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds < 95 {
        return format!("{milliseconds} ms");
    }
    let seconds = format!("{:.1}", duration.as_secs_f64());
    format!("{} s", seconds.strip_suffix(".0").unwrap_or(&seconds))
}

/// `a, b and c`, cut after a few.
pub(super) fn list<T: AsRef<str>>(values: &[T]) -> String {
    let shown: Vec<&str> = values.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = values.len().saturating_sub(shown.len());
    match (shown.split_last(), more) {
        (None, _) => "none".to_owned(),
        (Some((last, [])), 0) => (*last).to_owned(),
        (Some((last, rest)), 0) => format!("{} and {last}", rest.join(", ")),
        (Some(_), more) => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_take_the_unit_that_says_most() {
        let span = |seconds| span(SignedDuration::from_secs(seconds));
        assert_eq!([span(1), span(90), span(-600), span(7_200)], ["1 second", "90 seconds", "10 minutes", "2 hours"]);
        assert_eq!([span(172_799), span(172_800), span(-30 * 86_400)], ["47 hours", "2 days", "30 days"]);
        let wait = |milliseconds| wait(Duration::from_millis(milliseconds));
        assert_eq!([wait(40), wait(310), wait(980), wait(1_204)], ["40 ms", "0.3 s", "1 s", "1.2 s"]);
        assert_eq!([wait(5_004), wait(12_640)], ["5 s", "12.6 s"]);
    }

    #[test]
    fn fractions_of_a_second_do_not_take_an_hour_off() {
        let at: Timestamp = "2026-01-01T00:00:00.9Z".parse().unwrap();
        let tomorrow: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        assert_eq!(relative(tomorrow, at), "2026-01-02T00:00:00Z, in 24 hours");
    }

    #[test]
    fn lists_are_cut() {
        assert_eq!(list::<&str>(&[]), "none");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["x"; 10]), "x, x, x, x, x, x, x, x and 2 more");
    }
}
