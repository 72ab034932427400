//! Turns of phrase: times, durations, sizes, names.

use crate::render::text::UNBROKEN_SPACE;
use crate::report::{Certificate, Key, Outcome, Time};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// `87 days left`, `expired 3 days ago`.
pub(super) fn remaining(end: Time, at: Time) -> String {
    if end.0 == jiff::Timestamp::MAX {
        return "no expiry".to_owned();
    }
    match seconds_between(at, end) {
        left if left >= 0 => format!("{} left", span(left)),
        past => format!("expired {} ago", span(past.saturating_neg())),
    }
}

/// `fresh for 6 days`, `stale for 3 hours`.
pub(super) fn freshness(next_update: Time, at: Time) -> String {
    match seconds_between(at, next_update) {
        left if left >= 0 => format!("fresh for {}", span(left)),
        past => format!("stale for {}", span(past.saturating_neg())),
    }
}

/// Whole seconds from one instant to the other.
pub(super) fn seconds_between(from: Time, to: Time) -> i64 {
    to.0.as_second().saturating_sub(from.0.as_second())
}

/// A length of time in its largest sensible unit, rounded down so that it never promises more.
pub(super) fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        s if s >= 2 * DAY => (s / DAY, "day"),
        s if s >= 2 * HOUR => (s / HOUR, "hour"),
        s if s >= 2 * MINUTE => (s / MINUTE, "minute"),
        s => (s, "second"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// The day of an instant.
pub(super) fn date(time: Time) -> String {
    let mut text = time.to_string();
    text.truncate(10);
    text
}

/// Whether the detail of such an end says how long was waited: `connect: no answer in 5 s`.
pub(super) fn says_how_long(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Timeout | Outcome::Stalled | Outcome::DnsTimeout)
}

/// Stores that add up, of files and folders the last part of the path: `native+roots.pem`.
pub(super) fn store(label: &str) -> String {
    let last = |part: &str| part.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(part).to_owned();
    label.split('+').map(last).collect::<Vec<_>>().join("+")
}

/// `0.7 ms`, `412 ms`, `5.0 s`, never broken between number and unit.
pub(super) fn duration(milliseconds: f64) -> String {
    if milliseconds < 10.0 {
        format!("{milliseconds:.1}{UNBROKEN_SPACE}ms")
    } else if milliseconds < 1000.0 {
        format!("{milliseconds:.0}{UNBROKEN_SPACE}ms")
    } else {
        format!("{:.1}{UNBROKEN_SPACE}s", milliseconds / 1000.0)
    }
}

/// `812 bytes`, `39.2 MB`.
pub(super) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = bytes / (unit / 10);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        1 => "1 byte".to_owned(),
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} kB", bytes / 1000),
        1_000_000.. => format!("{} MB", tenths(1_000_000)),
    }
}

/// `RSA 2048`, `EC P-256`, `Ed25519`.
pub(super) fn key(key: &Key) -> String {
    match (&key.curve, key.bits) {
        (Some(curve), _) => format!("{} {curve}", key.algorithm),
        (None, Some(bits)) if key.algorithm == "RSA" => format!("RSA {bits}"),
        (None, _) => key.algorithm.clone(),
    }
}

/// What a person calls a certificate: its common name, else another telling part of the subject,
/// else a name it covers.
pub(super) fn name(certificate: &Certificate) -> String {
    if certificate.subject.is_empty() {
        return match certificate.subject_alt_names.first() {
            Some(name) => name.clone(),
            None => format!("serial {}", certificate.serial),
        };
    }
    short_name(&certificate.subject)
}

/// The same of a name by RFC 4514.
pub(super) fn short_name(name: &str) -> String {
    let attributes = attributes(name);
    ["CN=", "OU=", "O="]
        .iter()
        .find_map(|wanted| attributes.iter().find_map(|attribute| attribute.strip_prefix(wanted)))
        .filter(|value| !value.trim().is_empty())
        .map_or_else(|| name.to_owned(), ToOwned::to_owned)
}

/// What tells names with the same common name apart: the unit, else the organization.
pub(super) fn unit(name: &str) -> Option<String> {
    let attributes = attributes(name);
    let value = |wanted: &str| attributes.iter().find_map(|attribute| attribute.strip_prefix(wanted));
    value("OU=").or_else(|| value("O=")).map(ToOwned::to_owned)
}

/// Attributes of a name by RFC 4514, most specific first. Escapes of the characters that are special
/// there are undone; hexadecimal ones stay: what they stand for is not for showing.
fn attributes(name: &str) -> Vec<String> {
    let mut attributes = vec![String::new()];
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ',' | '+' => attributes.push(String::new()),
            character => {
                let shown = match characters.peek() {
                    Some(next) if character == '\\' && !next.is_ascii_hexdigit() => characters.next(),
                    _ => Some(character),
                };
                if let Some(attribute) = attributes.last_mut() {
                    attribute.extend(shown);
                }
            }
        }
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time(text.parse().unwrap())
    }

    #[test]
    fn time_left_never_promises_more_than_there_is() {
        let at = time("2026-01-10T12:00:00Z");
        assert_eq!(remaining(time("2026-01-20T11:59:59Z"), at), "9 days left");
        assert_eq!(remaining(time("2026-01-11T13:00:00Z"), at), "25 hours left");
        assert_eq!(remaining(time("2026-01-10T12:00:01Z"), at), "1 second left");
        assert_eq!(remaining(time("2026-01-07T11:00:00Z"), at), "expired 3 days ago");
        assert_eq!(remaining(Time(jiff::Timestamp::MAX), at), "no expiry");
        assert_eq!(freshness(time("2026-01-10T09:00:00Z"), at), "stale for 3 hours");
    }

    #[test]
    fn short_names_come_from_the_common_name() {
        assert_eq!(short_name("CN=www.example.test,O=Example"), "www.example.test");
        assert_eq!(short_name(r"C=US,O=Evil\, Inc.\+Co"), "Evil, Inc.+Co");
        assert_eq!(short_name(r"CN=a\0Ab"), r"a\0Ab", "a line feed stays as it is written");
        assert_eq!(short_name("C=US"), "C=US");
        assert_eq!(short_name("#3000"), "#3000");
        assert_eq!(short_name("CN=x\\"), "x\\");
        assert_eq!(unit(r"CN=a,OU=b\,c,O=d").as_deref(), Some("b,c"));
        assert_eq!((unit("CN=a,O=d").as_deref(), unit("CN=a")), (Some("d"), None));
    }

    #[test]
    fn stores_go_by_the_last_part_of_their_paths() {
        assert_eq!(store("native"), "native");
        assert_eq!(store("native+/etc/pki/roots.pem"), "native+roots.pem");
        assert_eq!(store(r"C:\roots\company.pem+/etc/ssl/certs/"), "company.pem+certs");
    }

    #[test]
    fn sizes_and_durations_read_well() {
        assert_eq!((size(812), size(39_240_000), size(44_500)), ("812 bytes".into(), "39.2 MB".into(), "44 kB".into()));
        let durations =
            [duration(0.71), duration(412.4), duration(5003.0)].map(|text| text.replace(UNBROKEN_SPACE, " "));
        assert_eq!(durations, ["0.7 ms", "412 ms", "5.0 s"]);
    }
}
