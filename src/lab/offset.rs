//! Instants of scenarios, told from the moment the lab starts: `-1d`, `+90m`, `+0s`.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// Seconds from the lab's start; in scenario data a sign, a number and one of `s`, `m`, `h`, `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offset(pub i64);

impl Offset {
    /// The instant, in whole seconds.
    #[must_use]
    pub fn from(self, now: Timestamp) -> Timestamp {
        let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
        whole.checked_add(SignedDuration::from_secs(self.0)).unwrap_or(whole)
    }

    /// Reads the form of scenario data.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let signed = text.strip_prefix('+').or_else(|| text.starts_with('-').then_some(text))?;
        let unit = match signed.chars().next_back()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        let number: i64 = signed.get(..signed.len().checked_sub(1)?)?.parse().ok()?;
        number.checked_mul(unit).map(Self)
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no offset such as +7d or -30m")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_read_back() {
        assert_eq!(Offset::parse("-1d"), Some(Offset(-86_400)));
        assert_eq!(Offset::parse("+90m"), Some(Offset(5400)));
        for wrong in ["1d", "+d", "+1w", "", "-", "+99999999999999999d"] {
            assert_eq!(Offset::parse(wrong), None, "{wrong}");
        }
        let now: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        assert_eq!(Offset(-5).from(now).to_string(), "2026-01-02T03:04:00Z");
    }
}
