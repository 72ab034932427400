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
    A chain is accepted when a path is valid, the name is covered and no finding is critical; revocation data is believed\n\
    when the leaf's status follows from it, as good or revoked, and else leaves it open; a malformed object is survived when\n\
    there is an answer, whatever it is. A case that takes longer than ten seconds, or panics, fails whatever it asks.\n";

/// The page.
pub fn page(record: &Record, tallies: &[Tally<'_>], chains: &[&Outcome]) -> String {
    let mut page = String::from(HEAD);
    for (code, reason) in NOT_ASKED {
        let _ = writeln!(page, "`{code}` does not count: {reason}.");
    }
    let _ = write!(page, "\n## Result\n\n{}", closing_table(tallies));
    page.push_str(
        "\n## Others\n\n\
         The same suites, or all of which they are a part, by other verifiers; the figures come with the data (2026-11).\n\n",
    );
    page.push_str(&others(record, tallies));
    page.push_str(
        "\n## Findings about chains of the real world\n\n\
         The chains are judged at an instant at which they were valid, so that a finding above info is a false alarm unless it\n\
         can be defended. These can. Not listed: what follows from the case itself, such as `revocation.revoked` where the\n\
         response says so, or that a chain is not valid which never was as a whole; and `revocation.undetermined` about a\n\
         certificate of which the data holds no answer.\n\n",
    );
    if record.real_world_finding.is_empty() {
        page.push_str("None.\n");
    }
    for entry in &record.real_world_finding {
        let covered = |outcome: &Outcome| outcome.findings().iter().any(|it| entry.covers(&outcome.case, it));
        let cases = chains.iter().filter(|outcome| covered(outcome));
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
    let compared = |tally: &&Tally<'_>| !tally.suite.name.starts_with("realworld") && tally.suite.name != "malformed";
    for tally in tallies.iter().filter(compared) {
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
