//! Roots that their owners call otherwise than their certificates do.
//!
//! GlobalSign numbers its first root like the later ones, while only those bear their number in their names.

/// What the owner calls a root, and the common name in its certificate.
const ALIASES: [(&str, &str); 1] = [("GlobalSign Root CA - R1", "GlobalSign Root CA")];

/// The common name of the root that its owner calls so, if it is another. Case, white space and dashes do not count.
#[must_use]
pub fn common_name(called: &str) -> Option<&'static str> {
    let bare = |text: &str| -> String { text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let called = bare(called);
    ALIASES.iter().find(|(alias, _)| bare(alias) == called).map(|(_, common_name)| *common_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_names_lead_to_common_names() {
        for called in ["GlobalSign Root CA \u{2013} R1", "GlobalSign Root CA - R1", "globalsign root ca r1"] {
            assert_eq!(common_name(called), Some("GlobalSign Root CA"), "{called}");
        }
        for called in ["GlobalSign Root CA", "GlobalSign Root CA - R3", ""] {
            assert_eq!(common_name(called), None, "{called}");
        }
    }
}
