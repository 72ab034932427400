//! `testdata/conformance.toml`: where the project disagrees with a suite, what of a suite does not apply to it, and why a
//! finding about a real chain is right. Cases are sorted by it, and an entry that fits no case is an error of its own.

use std::collections::BTreeSet;

use certflight::finding::{Finding, Severity, catalogue};
use serde::Deserialize;

use crate::suite::{Case, Outcome, Suite};

const TEXT: &str = include_str!("../../testdata/conformance.toml");

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What others do.
    pub other_verifier: Vec<OtherVerifier>,
    /// Cases that come out otherwise than their suite expects, and should.
    pub disagreement: Vec<Disagreement>,
    /// Cases that ask what this tool does not answer.
    pub not_applicable: Vec<NotApplicable>,
    /// Findings above info about chains of the real world.
    #[serde(default)]
    pub real_world_finding: Vec<Defended>,
}

/// Figures of another verifier.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherVerifier {
    /// Which.
    pub name: String,
    /// On what.
    pub cases: String,
    /// Answered as expected.
    pub right: usize,
    /// Of so many.
    pub applicable: usize,
    /// Of the others, accepted against the suite; where that was counted.
    pub wrongly_accepted: Option<usize>,
    /// And rejected against the suite.
    pub wrongly_rejected: Option<usize>,
}

/// One reason to disagree.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disagreement {
    /// The suite.
    pub suite: String,
    /// Its cases.
    pub ids: Vec<String>,
    /// What it expects of them, in [`Expectation::word`](crate::suite::Expectation::word).
    pub expected: String,
    /// Why the project does otherwise.
    pub reason: String,
    /// By which clause.
    pub clause: String,
}

/// One reason why cases do not apply.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotApplicable {
    /// The suite.
    pub suite: String,
    /// Its cases, one by one,
    #[serde(default)]
    pub ids: Vec<String>,
    /// or all that have this feature.
    pub feature: Option<String>,
    /// Why.
    pub reason: String,
}

/// One finding that stands, about some chains of the real world.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defended {
    /// Its code.
    pub code: String,
    /// The cases, by how their ids begin; all chains where none is given.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Why it is right.
    pub defence: String,
}

/// Where a case belongs.
#[derive(Debug)]
pub enum Standing<'a> {
    /// It agrees.
    Agreed,
    /// It does not, and that is on record.
    Disagreed(&'a Disagreement),
    /// It is not counted.
    NotApplicable(&'a NotApplicable),
    /// Neither, in words.
    Wrong(String),
}

impl Record {
    /// Reads it.
    pub fn read() -> Self {
        toml::from_str(TEXT).unwrap_or_else(|error| panic!("testdata/conformance.toml: {error}"))
    }

    /// Where this outcome belongs.
    pub fn standing(&self, suite: &str, outcome: &Outcome) -> Standing<'_> {
        let case = &outcome.case;
        let disagreement = self.disagreement.iter().find(|entry| entry.suite == suite && entry.ids.contains(&case.id));
        let not_applicable = self.not_applicable.iter().find(|entry| entry.suite == suite && entry.covers(case));
        match (not_applicable, disagreement) {
            // Whatever a case asks, no answer at all is wrong.
            _ if outcome.answer.is_err() => Standing::Wrong(outcome.explain()),
            (Some(_), Some(_)) => Standing::Wrong(format!("{}: on record twice", case.id)),
            (Some(entry), None) => Standing::NotApplicable(entry),
            (None, Some(entry)) if entry.expected != case.expected.word() => {
                let (id, expected) = (&case.id, case.expected.word());
                Standing::Wrong(format!(
                    "{id}: on record as expected {}, but the suite says {expected}",
                    entry.expected
                ))
            }
            (None, Some(_)) if outcome.agrees() => {
                let expected = case.expected.word();
                Standing::Wrong(format!("{}: on record as a disagreement, yet {expected} as expected", case.id))
            }
            (None, Some(entry)) => Standing::Disagreed(entry),
            (None, None) if outcome.agrees() => Standing::Agreed,
            (None, None) => Standing::Wrong(outcome.explain()),
        }
    }

    /// Defended findings that did not fire.
    pub fn silent(&self, chains: &[&Outcome]) -> Vec<String> {
        let fires = |code: &str, prefix: &str| {
            chains.iter().any(|outcome| {
                let mut codes = outcome.findings().iter().map(|finding| finding.code.as_str());
                outcome.case.id.starts_with(prefix) && codes.any(|fired| fired == code)
            })
        };
        let mut silent = Vec::new();
        for Defended { code, ids, .. } in &self.real_world_finding {
            if ids.is_empty() && !fires(code, "") {
                silent.push(format!("{code} is defended, but fires for no chain"));
            }
            let idle = ids.iter().filter(|prefix| !fires(code, prefix));
            silent.extend(idle.map(|prefix| format!("{code} is defended for {prefix}, but does not fire there")));
        }
        silent
    }

    /// Entries that no case of the suites fits.
    pub fn idle(&self, suites: &[Suite]) -> Vec<String> {
        let cases = |name: &str| {
            suites.iter().filter(|suite| suite.name == name).flat_map(|suite| &suite.cases).collect::<Vec<_>>()
        };
        let named = self.disagreement.iter().map(|entry| (&entry.suite, &entry.ids));
        let named = named.chain(self.not_applicable.iter().map(|entry| (&entry.suite, &entry.ids)));
        let mut idle = Vec::new();
        for (suite, ids) in named {
            let known: BTreeSet<&String> = cases(suite).into_iter().map(|case| &case.id).collect();
            idle.extend(ids.iter().filter(|id| !known.contains(id)).map(|id| format!("{suite} has no case {id}")));
        }
        for entry in &self.not_applicable {
            if !cases(&entry.suite).into_iter().any(|case| entry.covers(case)) {
                idle.push(format!("no case of {} fits {:?}", entry.suite, entry.feature));
            }
        }
        idle
    }
}

impl NotApplicable {
    fn covers(&self, case: &Case) -> bool {
        self.ids.contains(&case.id) || self.feature.as_ref().is_some_and(|feature| case.features.contains(feature))
    }
}

impl Defended {
    /// Whether it is about this finding of this case.
    pub fn covers(&self, case: &Case, finding: &Finding) -> bool {
        self.code == finding.code.as_str()
            && (self.ids.is_empty() || self.ids.iter().any(|prefix| case.id.starts_with(prefix.as_str())))
    }
}

/// Findings above info about one chain that neither follow from its case nor are defended by the record.
pub fn undefended<'a>(record: &Record, outcome: &'a Outcome) -> Vec<&'a Finding> {
    let Ok(answer) = &outcome.answer else { return Vec::new() };
    let implied = &outcome.case.implied;
    answer
        .findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info)
        .filter(|finding| !implied.iter().any(|prefix| finding.code.as_str().starts_with(prefix)))
        .filter(|finding| !answer.is_without_data(finding))
        .filter(|finding| !record.real_world_finding.iter().any(|entry| entry.covers(&outcome.case, finding)))
        .collect()
}

#[test]
fn the_record_names_codes_of_the_catalogue() {
    for entry in Record::read().real_world_finding {
        assert!(catalogue::find(&entry.code).is_some(), "{}", entry.code);
    }
}
