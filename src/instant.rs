//! Points in time as people write them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Parses RFC 3339, or a date, which stands for its beginning in UTC.
///
/// # Errors
/// What to write instead.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let date = (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten();
    date.and_then(|date| date.to_zoned(TimeZone::UTC).ok())
        .map(|zoned| zoned.timestamp())
        .ok_or_else(|| "not a time: give 2026-12-01T08:00:00Z, 2026-12-01T09:00:00+01:00 or 2026-12-01".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_rfc_3339_or_dates() {
        assert_eq!(parse("2026-12-01").unwrap().to_string(), "2026-12-01T00:00:00Z");
        assert_eq!(parse("2026-12-01T09:00:00+01:00").unwrap().to_string(), "2026-12-01T08:00:00Z");
        for refused in ["tomorrow", "2026-13-01", "2026-12-01T09:00:00", "", "20261201"] {
            assert!(parse(refused).is_err(), "{refused}");
        }
    }
}
