//! Public conformance suites through the library's public entry points: every case is answered as its suite expects, or
//! the difference is on record with its reason. See docs/conformance.md, which this test compares with its run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

mod boringssl;
mod corpora;
mod judging;
mod limbo;
mod malformed;
mod order;
mod page;
mod realworld;
mod record;
mod suite;
mod tally;

use corpora::{Corpora, say};
use record::{Record, undefended};
use suite::{Outcome, Suite};
use tally::{Tally, closing_table};

#[test]
fn every_case_agrees_or_is_on_record() {
    let Some(corpora) = Corpora::find("conformance") else { return };
    let record = Record::read();
    let [chains, responses, crls] = realworld::suites(&corpora);
    let suites = [
        limbo::core(&corpora),
        limbo::better_tls(&corpora),
        boringssl::suite(&corpora),
        chains,
        responses,
        crls,
        malformed::suite(&corpora),
    ];
    let outcomes: Vec<Vec<Outcome>> = suites.iter().map(|suite| suite::run(&suite.cases)).collect();
    let runs = || suites.iter().zip(&outcomes);
    let tallies: Vec<Tally> = runs().map(|(suite, outcomes)| Tally::of(suite, outcomes, &record)).collect();
    say(&format!("\n{}", closing_table(&tallies)));

    let mut wrong: Vec<String> = tallies
        .iter()
        .flat_map(|tally| tally.wrong.iter().map(|what| format!("{}: {what}", tally.suite.name)))
        .collect();
    wrong.extend(record.idle(&suites));
    let real_world = |suite: &Suite| suite.name.starts_with("realworld");
    let chains: Vec<&Outcome> =
        runs().filter(|(suite, _)| real_world(suite)).flat_map(|(_, outcomes)| outcomes).collect();
    wrong.extend(record.silent(&chains));
    for outcome in &chains {
        wrong.extend(undefended(&record, outcome).into_iter().map(|finding| {
            let (severity, code) = (finding.severity.word(), finding.code);
            format!("real world: {}: {severity} {code} is not defended: {}", outcome.case.id, finding.message)
        }));
    }
    wrong.extend(page::compare(&page::page(&record, &tallies, &chains)));
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
