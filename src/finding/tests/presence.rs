//! `store.root-missing`, and a store by itself.

use super::*;
use crate::path::presence::{NamePattern, Presence, Wanted, answer, answer_with};
use crate::path::store::RootsChoice;

fn store() -> TrustStore {
    TrustStore::of(vec![Arc::new(certificate("Some Root", "Some Root"))], "native")
}

fn name(text: &str) -> Wanted {
    Wanted::Name(NamePattern::of(text).unwrap())
}

#[test]
fn only_a_root_that_is_not_trusted_is_a_finding() {
    let store = store();
    let trusted = answer(name("some root"), &store, at());
    assert_eq!(trusted.presence, Presence::Trusted);
    assert_eq!(judge_roots(Ok(&store), &[trusted], &Policy::default(), at()), []);

    let root = Arc::new(certificate("Some Root", "Some Root"));
    let answers = [answer(name("Other"), &store, at()), answer(Wanted::Root(Arc::clone(&root)), &store, at())];
    let findings = judge_roots(Ok(&store), &answers, &Policy::default(), at());
    let codes: Vec<(&str, Severity)> =
        findings.iter().map(|finding| (finding.code.as_str(), finding.severity)).collect();
    assert_eq!(codes, [("store.root-missing", Severity::Critical); 2]);
    assert_eq!(findings[0].about, About::Target);
    assert!(findings[0].message.contains("this machine's trust store (native, 1 root)"), "{}", findings[0].message);
    // Of a root of that name both certificates and both keys are named.
    assert_eq!(findings[1].about, About::Certificate(root.sha256));
    assert!(findings[1].message.contains(&root.sha256.to_string()), "{}", findings[1].message);
    assert_eq!(findings[1].message.matches("with the key ").count(), 2, "{}", findings[1].message);
}

#[test]
fn a_public_root_comes_with_an_update() {
    let list = TrustStore::load(&[RootsChoice::Mozilla]).unwrap();
    let listed = list.entries().next().unwrap().certificate;
    let answer = answer_with(Wanted::Root(Arc::clone(listed)), &store(), &list, at());
    let findings = judge_roots(Ok(&store()), &[answer], &Policy::default(), at());
    assert!(findings[0].remedy.contains("ca-certificates"), "{}", findings[0].remedy);
    let private = Wanted::Root(Arc::new(certificate("Private", "Private")));
    let answer = answer_with(private, &store(), &list, at());
    let findings = judge_roots(Ok(&store()), &[answer], &Policy::default(), at());
    assert!(findings[0].remedy.contains("its owner publishes"), "{}", findings[0].remedy);
}

#[test]
fn without_a_store_the_question_cannot_be_put() {
    let failure = StoreError("no trust anchors".to_owned());
    let findings = judge_roots(Err(&failure), &[], &Policy::default(), at());
    assert_eq!((findings[0].code.as_str(), findings[0].severity), ("store.unreadable", Severity::Unknown));
    assert_eq!(Verdict::of(&findings), Verdict::Unknown);
}
