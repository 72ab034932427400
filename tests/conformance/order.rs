//! Servers send certificates in whatever order, and a client is to be prepared for it (RFC 8446 §4.4.2): the same chains,
//! served in other orders, must be answered alike.

use std::collections::BTreeSet;

use certflight::x509::{Certificate, pem};

use crate::corpora::{Corpora, say};
use crate::judging::{Answer, Question};
use crate::suite::{self, Case, Suite};
use crate::{limbo, realworld};

/// Of the many like cases of BetterTLS, one in so many is enough.
const ONE_IN: usize = 20;

#[test]
fn the_order_of_served_certificates_does_not_matter() {
    let Some(corpora) = Corpora::find("conformance: the order of served certificates") else { return };
    let better_tls = limbo::better_tls(&corpora);
    let (path_building, others): (Vec<_>, Vec<_>) =
        better_tls.cases.into_iter().partition(|case| case.id.contains("pathbuilding"));
    let [chains, ..] = realworld::suites(&corpora);
    let cases: Vec<_> = [limbo::core(&corpora).cases, path_building, chains.cases]
        .concat()
        .into_iter()
        .chain(others.into_iter().step_by(ONE_IN))
        .filter_map(|case| Some((orders(&case.question)?, case)))
        .collect();
    let permuted = cases.iter().flat_map(|(orders, case)| {
        orders.iter().map(|question| Case { question: question.clone(), ..Case::clone(case) })
    });
    let suite = Suite::new("order", "other orders", permuted);
    let mut outcomes = suite::run(&suite.cases).into_iter();
    let mut wrong = Vec::new();
    for (orders, case) in &cases {
        let mut answers = outcomes.by_ref().take(orders.len()).map(|outcome| outcome.answer.map(|it| gist(&it)));
        let first = answers.next();
        if let Some(other) = answers.find(|answer| Some(answer) != first.as_ref()) {
            wrong.push(format!("{}: {first:?}, but in another order {other:?}", case.id));
        }
        answers.for_each(drop);
    }
    say(&format!("\n{} chains answered in other orders\n", cases.len()));
    assert!(cases.len() > 300, "only {} chains", cases.len());
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// What must be the same: the answer, and what it rests on. How the chain was served is another matter.
fn gist(answer: &Answer) -> (bool, BTreeSet<&'static str>) {
    let codes = answer.findings.iter().filter(|finding| finding.code.group() != "chain").map(|it| it.code.as_str());
    (answer.accepted, codes.collect())
}

/// The same question with everything served: as it stands, then with what comes after the leaf reversed and rotated,
/// then with the leaf last. `None` where there is nothing to put in order, or the leaf does not decode: which one that is
/// nobody can tell then but by its place.
fn orders(question: &Question) -> Option<Vec<Question>> {
    let served = certificates(&question.served);
    let (leaf, rest) = served.split_first()?;
    let block = pem::blocks(leaf.as_bytes()).into_iter().next()?;
    Certificate::from_der(block.contents.ok()?).ok()?;
    let mut rest = rest.to_vec();
    rest.extend(certificates(question.intermediates.as_bytes()));
    let ask = |certificates: Vec<String>| Question {
        served: certificates.concat().into(),
        intermediates: String::new(),
        ..question.clone()
    };
    let leaf_first = |rest: &[String]| ask([std::slice::from_ref(leaf), rest].concat());
    let reversed: Vec<String> = rest.iter().rev().cloned().collect();
    let mut rotated = rest.clone();
    rotated.rotate_left(rest.len().min(1));
    let leaf_last = ask([reversed.as_slice(), std::slice::from_ref(leaf)].concat());
    (!rest.is_empty()).then(|| vec![leaf_first(&rest), leaf_first(&reversed), leaf_first(&rotated), leaf_last])
}

/// The certificates of a bundle, each in its own armour.
fn certificates(bundle: &[u8]) -> Vec<String> {
    let blocks = pem::blocks(bundle).into_iter();
    blocks.filter_map(|block| Some(pem::encode(&block.label, &block.contents.ok()?))).collect()
}
