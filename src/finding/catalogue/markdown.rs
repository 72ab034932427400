//! `docs/findings.md`, generated.

use std::fmt::Write as _;

use super::{Entry, all};

/// What a group is about, in the order of the catalogue.
const GROUPS: &[(&str, &str)] = &[
    ("connection", "Reaching the target"),
    ("target", "Reading a target from a file"),
    ("store", "The trust store"),
    ("local", "This machine"),
    ("cert", "A certificate in itself"),
    ("path", "Verification"),
    ("chain", "What the server serves"),
    ("revocation", "The revocation status"),
    ("crl", "What a CRL holds"),
    ("ocsp", "What an OCSP responder answers"),
    ("aia", "What a caIssuers URL holds"),
    ("endpoint", "Reaching an endpoint"),
    ("rollover", "An old chain against a new one"),
    ("tls", "What of TLS a server takes"),
    ("expect", "What was stated in advance"),
    ("listen", "What clients offer that connect here"),
];

/// The catalogue as Markdown: a table of contents by group, then every code.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from(
        "# Finding codes\n\n\
         <!-- Generated from src/finding/catalogue; `UPDATE_DOCS=1 cargo test --lib finding::catalogue` writes it anew. -->\n\n\
         What each finding means, why it matters and who can mend it; `certflight explain CODE` shows the same text.\n\n\
         **Severity.** *Critical by consequence* means: critical where, because of it, a certificate of the chosen path is\n\
         left without any usable revocation answer (for caIssuers: where the path could not be completed without it), else\n\
         warning. `--severity CODE=LEVEL` changes the level of a code or, with `GROUP.*`, of a group; `--strict` makes every\n\
         warning critical.\n\n",
    );
    for (group, title) in GROUPS {
        let _ = writeln!(page, "- [{group}: {}](#{})", lower_first(title), anchor(&format!("{group}: {title}")));
        for entry in of_group(group) {
            let _ = writeln!(
                page,
                "  - [`{}`](#{}): {}",
                entry.code,
                anchor(entry.code.as_str()),
                lower_first(entry.title)
            );
        }
    }
    for (group, title) in GROUPS {
        let _ = write!(page, "\n## {group}: {title}\n");
        for entry in of_group(group) {
            let _ = write!(
                page,
                "\n### {}\n\n**{}** · {}\n\n{}\n\n**What to do.** {}\n\n**Reference.** {}\n",
                entry.code, entry.title, entry.severity, entry.explanation, entry.remedy, entry.reference
            );
        }
    }
    page
}

fn of_group(group: &str) -> impl Iterator<Item = &'static Entry> {
    all().filter(move |entry| entry.code.group() == group)
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

/// With a small first letter, unless the first word is an abbreviation or a name in capitals.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_belongs_to_a_group_of_the_page() {
        for entry in all() {
            assert!(GROUPS.iter().any(|(group, _)| *group == entry.code.group()), "{}", entry.code);
        }
    }

    #[test]
    fn the_committed_page_is_what_the_catalogue_gives() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings.md");
        let page = markdown();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file, &page).expect("docs/findings.md can be written");
        }
        let committed = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            committed.replace("\r\n", "\n") == page,
            "docs/findings.md is not what the catalogue gives; run: UPDATE_DOCS=1 cargo test --lib finding::catalogue"
        );
    }

    #[test]
    fn anchors_are_github_s() {
        assert_eq!(anchor("crl: What a CRL holds"), "crl-what-a-crl-holds");
        assert_eq!(anchor("crl.not-der"), "crlnot-der");
    }
}
