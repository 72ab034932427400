//! The report of `roots` in its formats.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use super::{csv, human, json};
use crate::report::roots::{Likeness, Root, RootsReport, Validity};

/// `--format` of `roots`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RootsFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One root a line.
    Csv,
}

/// Writes the report of `roots`.
///
/// # Errors
/// Those of the writer.
pub fn roots(
    report: &RootsReport,
    format: RootsFormat,
    options: &human::Options,
    writer: &mut dyn Write,
) -> io::Result<()> {
    match format {
        RootsFormat::Human => human::roots(report, options, writer),
        RootsFormat::Json => json::write(report, writer),
        RootsFormat::Csv => table(report, writer),
    }
}

const HEADER: [&str; 14] = [
    "name",
    "subject",
    "sha256",
    "sha1",
    "serial",
    "not_before",
    "not_after",
    "validity",
    "key_algorithm",
    "key_bits",
    "key_curve",
    "origins",
    "match",
    "compare",
];

/// Every root, with a query those that answer; `match` and `compare` are empty where nothing is asked or compared.
/// Without a query, those that only the other list has come last.
fn table(report: &RootsReport, writer: &mut dyn Write) -> io::Result<()> {
    let asked = report.query.iter().flat_map(|query| &query.asked).flat_map(|asked| &asked.matches);
    let mut likeness: HashMap<&str, Likeness> = HashMap::new();
    for found in asked {
        // The best of them: a file may ask for two roots of one name.
        let known = likeness.entry(&found.sha256).or_insert(found.likeness);
        if *known == Likeness::OtherKey {
            *known = found.likeness;
        }
    }
    let likeness = |sha256: &str| likeness.get(sha256).copied();
    let only_here: HashSet<&str> = report.compare.iter().flat_map(|it| &it.only_here).map(String::as_str).collect();
    let others = report.compare.iter().flat_map(|compare| &compare.other_certificate);
    let other_certificate: HashSet<&str> = others.map(|other| other.here.as_str()).collect();
    let compared = |sha256: &str| match report.compare {
        None => "",
        Some(_) if only_here.contains(sha256) => "only-here",
        Some(_) if other_certificate.contains(sha256) => "other-certificate",
        Some(_) => "both",
    };
    let here = report.roots.iter().filter_map(|root| match (&report.query, likeness(&root.sha256)) {
        (Some(_), None) => None,
        (_, likeness) => Some(row(root, likeness.map_or("", word), compared(&root.sha256))),
    });
    let there = report.compare.iter().filter(|_| report.query.is_none());
    let there = there.flat_map(|compare| &compare.only_there).map(|root| row(root, "", "only-there"));
    csv::write(&HEADER, here.chain(there), writer)
}

fn row(root: &Root, likeness: &str, compared: &str) -> [String; 14] {
    let validity = match root.validity {
        Validity::Valid => "valid",
        Validity::Expired => "expired",
        Validity::NotYetValid => "not-yet-valid",
    };
    [
        root.name.clone(),
        root.subject.clone(),
        root.sha256.clone(),
        root.sha1.clone(),
        root.serial.clone(),
        root.not_before.to_string(),
        root.not_after.to_string(),
        validity.to_owned(),
        root.key.algorithm.clone(),
        root.key.bits.map(|bits| bits.to_string()).unwrap_or_default(),
        root.key.curve.clone().unwrap_or_default(),
        root.origins.join("; "),
        likeness.to_owned(),
        compared.to_owned(),
    ]
}

/// As the report spells it.
fn word(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::Same => "same",
        Likeness::SameKey => "same-key",
        Likeness::Issuer => "issuer",
        Likeness::Name => "name",
        Likeness::PartOfName => "part-of-name",
        Likeness::OtherKey => "other-key",
    }
}
