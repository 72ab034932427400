//! `docs/conformance.md`, generated.

use std::fmt::Write as _;
use std::fs;

use crate::judging::NOT_ASKED;
use crate::record::{OtherVerifier, Record};
use crate::suite::Outcome;
use crate::tally::{Tally, closing_table, table};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/conformance.md");

const HEAD: &str = "# Conformance\n\n\
    <!-- Generated from a run and testdata/conformance.toml; `UPDATE_DOCS=1 cargo test --test conformance` writes it anew. -->\n\n\
    How this tool's answers compare with what public test suites expect. `cargo test --test conformance` runs every case\n\
    through the library as `certflight check --offline` would, and fails where an answer differs from the suite's and from\n\
    this page. The data is not part of the repository: it is looked for in `../shared/corpora`, or where\n\
    `CERTFLIGHT_CORPORA` says, and without it the test says that it was skipped.\n\n\
    A chain is accepted when a path is valid, the name is covered and no finding is critical. A case that takes longer than\n\
    ten seconds, or panics, fails whatever it asks.\n";

/// The page.
pub fn page(record: &Record, tallies: &[Tally<'_>], chains: &[&Outcome]) -> String {
    let mut page = String::from(HEAD);
    for (code, reason) in NOT_ASKED {
        let _ = writeln!(page, "`{code}` does not count: {reason}.");
    }
    let _ = write!(page, "\n## Result\n\n{}", closing_table(tallies));
    page.push_str("\n## Others\n\nThe same suites, or all of which they are a part, by other verifiers.\n\n");
    page.push_str(&others(record, tallies));
    page.push_str(
        "\n## Findings about chains of the real world\n\n\
         Each chain was valid at the instant it is judged at, so that a finding above info is a false alarm unless it can be\n\
         defended. These can. Not listed: what the case itself expects, such as `revocation.revoked` where a response says\n\
         so, and `revocation.undetermined` about a certificate of which the data holds no answer.\n\n",
    );
    for entry in &record.real_world_finding {
        let cases = chains.iter().filter(|outcome| {
            let findings = outcome.answer.as_ref().map(|answer| answer.findings.as_slice()).unwrap_or_default();
            findings.iter().any(|finding| entry.covers(&outcome.case, finding))
        });
        let which = if entry.ids.is_empty() { String::new() } else { format!(": `{}`", entry.ids.join("`, `")) };
        let _ = writeln!(page, "- `{}` ({} cases{which}). {}", entry.code, cases.count(), entry.defence);
    }
    page
}

/// What others do, then this tool's own figures for the same cases.
fn others(record: &Record, tallies: &[Tally<'_>]) -> String {
    let head = ["verifier", "cases", "right / applicable", "wrongly accepted", "wrongly rejected"].map(str::to_owned);
    let mut rows = vec![head];
    let count = |figure: Option<usize>| figure.map_or_else(String::new, |figure| figure.to_string());
    for OtherVerifier { name, cases, right, applicable, wrongly_accepted, wrongly_rejected } in &record.other_verifier {
        let title = tallies.iter().find(|tally| tally.suite.name == cases).map_or(cases.as_str(), |it| it.suite.title);
        rows.push([
            name.clone(),
            title.to_owned(),
            format!("{right} / {applicable}"),
            count(*wrongly_accepted),
            count(*wrongly_rejected),
        ]);
    }
    for tally in tallies.iter().filter(|tally| !tally.suite.name.starts_with("realworld")) {
        rows.push([
            "certflight".to_owned(),
            tally.suite.title.to_owned(),
            format!("{} / {}", tally.agreed, tally.applicable()),
            tally.wrongly_accepted.to_string(),
            tally.wrongly_rejected.to_string(),
        ]);
    }
    table(&rows)
}

/// Compares the page with the committed one, or writes it anew where `UPDATE_DOCS` is set. What is wrong, if anything.
pub fn compare(page: &str) -> Option<String> {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(FILE, page).expect("docs/conformance.md can be written");
    }
    let committed = fs::read_to_string(FILE).unwrap_or_default().replace("\r\n", "\n");
    (committed != page).then(|| {
        "docs/conformance.md is not what this run gives; run: UPDATE_DOCS=1 cargo test --test conformance".to_owned()
    })
}
