//! A suite's outcomes, sorted by the record, and the closing table made of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::record::{Disagreement, NotApplicable, Record, Standing};
use crate::suite::{Outcome, Suite};

/// One line of the closing table.
#[derive(Debug)]
pub struct Tally<'a> {
    /// The suite.
    pub suite: &'a Suite,
    /// How many cases came out as expected.
    pub agreed: usize,
    /// Those that did not, by the reason on record.
    pub disagreed: Vec<(&'a Disagreement, Vec<&'a str>)>,
    /// Those that are not counted, by the reason on record.
    pub not_applicable: Vec<(&'a NotApplicable, Vec<&'a str>)>,
    /// Differing answers, on record or not, where the suite wants a refusal,
    pub wrongly_accepted: usize,
    /// and where it does not.
    pub wrongly_rejected: usize,
    /// What is wrong: differences that are not on record, and entries that nothing bears out.
    pub wrong: Vec<String>,
}

impl<'a> Tally<'a> {
    /// Sorts the outcomes of a suite.
    pub fn of(suite: &'a Suite, outcomes: &'a [Outcome], record: &'a Record) -> Self {
        let mut tally = Self {
            suite,
            agreed: 0,
            disagreed: Vec::new(),
            not_applicable: Vec::new(),
            wrongly_accepted: 0,
            wrongly_rejected: 0,
            wrong: Vec::new(),
        };
        for outcome in outcomes {
            let id = outcome.case.id.as_str();
            let standing = record.standing(suite.name, outcome);
            match standing {
                Standing::NotApplicable(_) => {}
                _ if outcome.agrees() => {}
                _ if outcome.case.expected.is_refusal() => tally.wrongly_accepted += 1,
                _ => tally.wrongly_rejected += 1,
            }
            match standing {
                Standing::Agreed => tally.agreed += 1,
                Standing::Disagreed(entry) => put(&mut tally.disagreed, entry, id),
                Standing::NotApplicable(entry) => put(&mut tally.not_applicable, entry, id),
                Standing::Wrong(what) => tally.wrong.push(what),
            }
        }
        tally
    }

    /// How many cases are counted.
    pub fn applicable(&self) -> usize {
        self.suite.cases.len() - of_all(&self.not_applicable)
    }

    /// What the suite expects, by kind: `63 accepted, 145 rejected`.
    fn expected(&self) -> String {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for case in &self.suite.cases {
            *kinds.entry(case.expected.word()).or_default() += 1;
        }
        kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
    }
}

/// Adds a case to the group of its entry.
fn put<'a, T>(groups: &mut Vec<(&'a T, Vec<&'a str>)>, entry: &'a T, id: &'a str) {
    match groups.iter_mut().find(|(known, _)| std::ptr::eq(*known, entry)) {
        Some((_, ids)) => ids.push(id),
        None => groups.push((entry, vec![id])),
    }
}

/// The closing table, in Markdown: a line for each suite, then every reason.
pub fn closing_table(tallies: &[Tally<'_>]) -> String {
    let mut rows =
        vec![["suite", "cases", "expected", "agreed", "disagreed", "not applicable", "unexplained"].map(str::to_owned)];
    for tally in tallies {
        rows.push([
            tally.suite.title.to_owned(),
            tally.suite.cases.len().to_string(),
            tally.expected(),
            tally.agreed.to_string(),
            of_all(&tally.disagreed).to_string(),
            of_all(&tally.not_applicable).to_string(),
            tally.wrong.len().to_string(),
        ]);
    }
    let mut text = table(&rows);
    text.push_str("\nDisagreed, with the reason:\n\n");
    for (tally, (entry, ids)) in tallies.iter().flat_map(|tally| tally.disagreed.iter().map(move |it| (tally, it))) {
        let (suite, expected) = (tally.suite.title, &entry.expected);
        let _ = writeln!(text, "- {suite}, {}, expected {expected}: {} ({})", named(ids), entry.reason, entry.clause);
    }
    text.push_str("\nNot applicable, with the reason:\n\n");
    for (tally, (entry, ids)) in tallies.iter().flat_map(|tally| tally.not_applicable.iter().map(move |it| (tally, it)))
    {
        let _ = writeln!(text, "- {}, {}: {}", tally.suite.title, named(ids), entry.reason);
    }
    text
}

fn of_all<T>(groups: &[(T, Vec<&str>)]) -> usize {
    groups.iter().map(|(_, ids)| ids.len()).sum()
}

/// The ids of cases.
pub fn named(ids: &[&str]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

/// A Markdown table that reads well as plain text, too; the first row is its head.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column))).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
        if index == 0 {
            let rules: Vec<String> = (0..N).map(|column| "-".repeat(width(column) + 2)).collect();
            let _ = writeln!(text, "|{}|", rules.join("|"));
        }
    }
    text
}
