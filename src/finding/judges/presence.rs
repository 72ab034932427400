//! `store.root-missing`: whether a root that was asked for is trusted here.

use std::sync::Arc;

use aws_lc_rs::digest;
use jiff::Timestamp;

use super::{Sink, Weight};
use crate::finding::About;
use crate::finding::catalogue::machine;
use crate::finding::wording::{list, relative, when};
use crate::path::TrustStore;
use crate::path::presence::{self, Answer, Likeness, Match, Presence, Wanted};
use crate::x509::{Certificate, der};

pub(super) fn judge(store: &TrustStore, answers: &[Answer], at: Timestamp, sink: &mut Sink) {
    for answer in answers.iter().filter(|answer| answer.presence != Presence::Trusted) {
        let about = match &answer.wanted {
            Wanted::Root(root) => About::Certificate(root.sha256),
            Wanted::Thumbprint(_) | Wanted::Name(_) | Wanted::IssuerOf(_) => About::Target,
        };
        let mut message = in_words(answer, store, at);
        if answer.presence == Presence::Absent && !store.errors().is_empty() {
            message.push_str("; entries of the store could not be read, and it may be among those");
        }
        sink.report_each(machine::ROOT_MISSING, Weight::Usual, about, message, remedy(answer, store, at));
    }
}

/// What was found, in one sentence.
pub(in crate::finding) fn in_words(answer: &Answer, store: &TrustStore, at: Timestamp) -> String {
    match answer.presence {
        Presence::Trusted | Presence::Expired => present(answer, store, at),
        Presence::OtherKey => other_key(answer, store),
        Presence::Absent => absent(answer, store),
    }
}

fn present(answer: &Answer, store: &TrustStore, at: Timestamp) -> String {
    let found = best(answer, store, at);
    let besides = |found: &&Match| found.likeness == Likeness::PartOfName && found.anchor.valid_at(at);
    match answer.matches.iter().filter(besides).count() {
        // Those do not count where some root goes by the very name, and who reads that it expired will want to know.
        others @ 1.. if answer.presence == Presence::Expired => {
            let others = if others == 1 {
                "1 other is valid that has".to_owned()
            } else {
                format!("{others} others are valid that have")
            };
            format!("{found}; {others} it only as a part of the subject")
        }
        _ => found,
    }
}

fn best(answer: &Answer, store: &TrustStore, at: Timestamp) -> String {
    let place = place(store);
    let deciding: Vec<&Match> = answer.deciding().collect();
    let Some(best) = deciding.iter().find(|found| found.anchor.valid_at(at)).or(deciding.first()) else {
        return format!("nothing was found in {place}");
    };
    let (anchor, validity) = (&best.anchor, validity(&best.anchor, at));
    let name = anchor.subject.short();
    match (&answer.wanted, best.likeness) {
        (Wanted::Name(pattern), _) if deciding.len() > 1 => {
            let valid = deciding.iter().filter(|found| found.anchor.valid_at(at)).count();
            let count = match valid {
                0 => format!("{} roots, none of them valid,", deciding.len()),
                valid if valid == deciding.len() => format!("{valid} roots"),
                valid => format!("{} roots, {valid} of them valid,", deciding.len()),
            };
            match best.likeness {
                Likeness::PartOfName => {
                    format!(
                        "{count} in {place} have \"{0}\" in their subject; none is called just that",
                        pattern.text()
                    )
                }
                _ => format!("{count} called \"{}\" are in {place}", pattern.text()),
            }
        }
        (Wanted::Name(pattern), Likeness::PartOfName) => {
            format!("{name} is in {place}, with \"{}\" in its subject, {validity}", pattern.text())
        }
        (Wanted::Name(pattern), _) if pattern.text() != name => {
            format!("\"{}\" is in {place}: {name}, {validity}", pattern.text())
        }
        (Wanted::Thumbprint(thumbprint), _) => {
            format!("the root with the thumbprint {thumbprint} is in {place}: {name}, {validity}")
        }
        (Wanted::Root(root), Likeness::SameKey) => {
            let other = format!(
                "{name} is in {place}, {validity}, by another certificate for the same name and key (SHA-256 {}; asked \
                 for was {})",
                anchor.sha256, root.sha256
            );
            match answer.presence {
                Presence::Trusted => format!("{other}, which is as good: a trust anchor is a name and a key"),
                _ => other,
            }
        }
        (Wanted::IssuerOf(certificate), Likeness::Issuer) => {
            format!("{name}, which issued {}, is in {place}, {validity}", certificate.subject.short())
        }
        _ => format!("{name} is in {place}, {validity}"),
    }
}

fn other_key(answer: &Answer, store: &TrustStore) -> String {
    let place = place(store);
    let anchors: Vec<String> = answer.matches.iter().map(|found| key_of(&found.anchor)).collect();
    let anchors = list(&anchors);
    match &answer.wanted {
        Wanted::IssuerOf(certificate) => format!(
            "{} in {place} has another key than the one that signed {}: there is {anchors}",
            certificate.issuer.short(),
            certificate.subject.short()
        ),
        Wanted::Root(root) => format!(
            "{} is in {place}, but under another key: there is {anchors}; asked for was {}",
            root.subject.short(),
            key_of(root)
        ),
        Wanted::Name(_) | Wanted::Thumbprint(_) => format!("in {place} is {anchors}"),
    }
}

fn absent(answer: &Answer, store: &TrustStore) -> String {
    let place = place(store);
    match &answer.wanted {
        Wanted::Name(pattern) => {
            let similar: Vec<String> =
                presence::similar(pattern, store).iter().map(|root| root.subject.short()).collect();
            let similar =
                if similar.is_empty() { String::new() } else { format!("; similar there: {}", list(&similar)) };
            format!("no root in {place} has \"{}\" in its subject{similar}", pattern.text())
        }
        Wanted::Thumbprint(thumbprint) => format!("no root in {place} has the thumbprint {thumbprint}"),
        Wanted::Root(root) => format!("{} (SHA-256 {}) is not in {place}", root.subject.short(), root.sha256),
        Wanted::IssuerOf(certificate) => {
            format!("{}, which issued {}, is not in {place}", certificate.issuer.short(), certificate.subject.short())
        }
    }
}

fn remedy(answer: &Answer, store: &TrustStore, at: Timestamp) -> String {
    let is_native = store.label() == "native";
    match answer.presence {
        Presence::Expired if answer.deciding().any(|found| found.anchor.not_before > at) => {
            "wait until it is valid, or check this host's clock and --at".to_owned()
        }
        Presence::Expired => {
            "have whoever needs it move to a root that is valid, and this host's administrator put that \
                              one or the re-issued certificate of this one into the trust store"
                .to_owned()
        }
        Presence::OtherKey => {
            "compare the thumbprints with those that the CA publishes: where it has changed its key, have this host's \
             administrator add the new root beside the old one; where it has not, the one that was asked for is not its"
                .to_owned()
        }
        Presence::Trusted | Presence::Absent if !is_native => {
            format!("add it to {}, or leave --roots out to ask this machine's own store", store.label())
        }
        Presence::Trusted | Presence::Absent => match (answer.listed.first(), &answer.wanted) {
            (Some(root), _) => format!(
                "have this host's administrator update its CA certificates (the package ca-certificates): {} (SHA-256 \
                 {}) is on Mozilla's list",
                root.subject.short(),
                root.sha256
            ),
            (None, Wanted::Root(root)) => format!(
                "if its owner publishes the thumbprint {}, have this host's administrator add it to the trust store",
                root.sha256
            ),
            (None, Wanted::IssuerOf(certificate)) => format!(
                "have this host's administrator add it to the trust store; if {} is itself an intermediate, give the \
                 chain up to the root",
                certificate.issuer.short()
            ),
            (None, Wanted::Name(_) | Wanted::Thumbprint(_)) => {
                "if that is spelt right, get the root's certificate and its thumbprint from its owner, and have this \
                 host's administrator add it to the trust store"
                    .to_owned()
            }
        },
    }
}

/// The store and how many roots were looked at.
fn place(store: &TrustStore) -> String {
    let roots = if store.len() == 1 { "1 root".to_owned() } else { format!("{} roots", store.len()) };
    match store.label() {
        "native" => format!("this machine's trust store (native, {roots})"),
        "mozilla" => format!("Mozilla's list ({roots})"),
        label => format!("the trust store {label} ({roots})"),
    }
}

fn validity(certificate: &Certificate, at: Timestamp) -> String {
    if certificate.not_before > at {
        format!("but not valid before {}", relative(certificate.not_before, at))
    } else if certificate.not_after < at {
        format!("but expired {}", relative(certificate.not_after, at))
    } else {
        format!("valid until {}", when(certificate.not_after))
    }
}

/// A certificate by its thumbprint and its key's identifier, computed from the key as RFC 5280 §4.2.1.2 (1) has it:
/// what a certificate says of itself may be anything.
fn key_of(certificate: &Arc<Certificate>) -> String {
    let key = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate.key.bits);
    format!("SHA-256 {} with the key {}", certificate.sha256, der::hex(key.as_ref()))
}
