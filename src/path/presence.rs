//! Whether a root is in the trust store: asked by thumbprint, by name, or by certificate.
//!
//! A trust anchor is a name and a key (RFC 5280 §6.1.1 (d)), so another certificate for both is as good. Pure.

mod spelling;
mod thumbprint;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

pub use spelling::{Fit, NamePattern};
pub use thumbprint::{Reading, Thumbprint};

use super::TrustStore;
use crate::x509::{Certificate, SignatureError};

/// The answer in one word, from the best to the worst.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// In the store, and valid at the instant.
    Trusted,
    /// In the store, but outside of its validity: expired, or not yet valid.
    Expired,
    /// A root of that name is in the store, but under another key.
    OtherKey,
    /// Not in the store.
    Absent,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// The root with this thumbprint.
    Thumbprint(Thumbprint),
    /// Any root of this name.
    Name(NamePattern),
    /// This root.
    Root(Arc<Certificate>),
    /// The root that issued this certificate, the uppermost one of a chain without its root.
    IssuerOf(Arc<Certificate>),
}

/// How an anchor answers to what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Likeness {
    /// It is this very certificate.
    Same,
    /// The same name and key in another certificate.
    SameKey,
    /// Its key verifies the certificate.
    Issuer,
    /// It goes by this name.
    Name,
    /// It has this text in its subject.
    PartOfName,
    /// The same name, but another key.
    OtherKey,
}

/// An anchor that answers to what is asked for.
#[derive(Debug, Clone)]
pub struct Match {
    /// The store's certificate.
    pub anchor: Arc<Certificate>,
    /// How it answers.
    pub likeness: Likeness,
}

/// The answer to one question.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked for.
    pub wanted: Wanted,
    /// The answer.
    pub presence: Presence,
    /// Every anchor that answers; those that decide, and that are valid, first.
    pub matches: Vec<Match>,
    /// Where the answer is no, the roots of a public list that answer.
    pub listed: Vec<Arc<Certificate>>,
}

impl Answer {
    /// The anchors that decide: where some go by the very name, those that only have it in their subject do not.
    pub fn deciding(&self) -> impl Iterator<Item = &Match> {
        let named = self.matches.iter().any(|found| found.likeness == Likeness::Name);
        self.matches.iter().filter(move |found| match found.likeness {
            Likeness::OtherKey => false,
            Likeness::PartOfName => !named,
            Likeness::Same | Likeness::SameKey | Likeness::Issuer | Likeness::Name => true,
        })
    }

    fn new(wanted: Wanted, matches: Vec<Match>, at: Timestamp) -> Self {
        let mut answer = Self { wanted, presence: Presence::Absent, matches, listed: Vec::new() };
        answer.presence = if answer.deciding().any(|found| found.anchor.valid_at(at)) {
            Presence::Trusted
        } else if answer.deciding().next().is_some() {
            Presence::Expired
        } else if answer.matches.is_empty() {
            Presence::Absent
        } else {
            Presence::OtherKey
        };
        let weight = |likeness| match likeness {
            Likeness::Same => 0,
            Likeness::SameKey | Likeness::Issuer | Likeness::Name => 1,
            Likeness::PartOfName | Likeness::OtherKey => 2,
        };
        answer.matches.sort_by_key(|found| (weight(found.likeness), !found.anchor.valid_at(at)));
        answer
    }
}

/// Looks what is asked for up, as of that instant.
#[must_use]
pub fn answer(wanted: Wanted, store: &TrustStore, at: Timestamp) -> Answer {
    let matches = match &wanted {
        Wanted::Thumbprint(thumbprint) => {
            let is_it = |anchor: &Certificate| thumbprint.is_of(anchor).then_some(Likeness::Same);
            anchors(store, is_it)
        }
        Wanted::Name(pattern) => anchors(store, |anchor| {
            pattern.fits(anchor).map(|fit| match fit {
                Fit::Whole => Likeness::Name,
                Fit::Part => Likeness::PartOfName,
            })
        }),
        Wanted::Root(root) => namesakes(root, store),
        Wanted::IssuerOf(certificate) => issuers(certificate, store),
    };
    Answer::new(wanted, matches, at)
}

/// As [`answer`]. Where that is no, a public list helps: to tell which root has the thumbprint, whose key another
/// certificate in the store may have, and what there is to be added.
#[must_use]
pub fn answer_with(wanted: Wanted, store: &TrustStore, list: &TrustStore, at: Timestamp) -> Answer {
    let mut answer = answer(wanted, store, at);
    if answer.presence == Presence::Trusted {
        return answer;
    }
    let listed = self::answer(answer.wanted.clone(), list, at);
    answer.listed = listed.deciding().map(|found| Arc::clone(&found.anchor)).collect();
    match (&answer.wanted, answer.presence, answer.listed.first()) {
        (Wanted::Thumbprint(_), Presence::Absent, Some(root)) => {
            let by_root = self::answer(Wanted::Root(Arc::clone(root)), store, at);
            Answer { listed: answer.listed, ..by_root }
        }
        _ => answer,
    }
}

fn anchors(store: &TrustStore, likeness: impl Fn(&Certificate) -> Option<Likeness>) -> Vec<Match> {
    let entries = store.entries();
    entries
        .filter_map(|entry| {
            Some(Match { likeness: likeness(entry.certificate)?, anchor: Arc::clone(entry.certificate) })
        })
        .collect()
}

/// The anchors of this certificate's subject; where one has its key, those of other keys are beside the point.
fn namesakes(root: &Certificate, store: &TrustStore) -> Vec<Match> {
    let likeness = |anchor: &Certificate| {
        if anchor.der == root.der {
            Likeness::Same
        } else if anchor.key.spki == root.key.spki {
            Likeness::SameKey
        } else {
            Likeness::OtherKey
        }
    };
    nearest(store.with_subject(&root.subject), likeness)
}

/// The store may hold the certificate itself as an anchor; otherwise the anchors of its issuer's name are asked.
fn issuers(certificate: &Certificate, store: &TrustStore) -> Vec<Match> {
    let itself = namesakes(certificate, store);
    if itself.iter().any(|found| found.likeness != Likeness::OtherKey) {
        return itself;
    }
    let likeness = |anchor: &Certificate| match certificate.verify(&anchor.key) {
        Ok(()) => Likeness::Issuer,
        // Where the signature cannot be verified, key identifiers have to do (RFC 5280 §4.2.1.1).
        Err(SignatureError::Unsupported { .. })
            if anchor.subject_key_identifier.is_some()
                && anchor.subject_key_identifier == certificate.authority_key_identifier =>
        {
            Likeness::Issuer
        }
        Err(_) => Likeness::OtherKey,
    };
    nearest(store.with_subject(&certificate.issuer), likeness)
}

fn nearest(anchors: Vec<Arc<Certificate>>, likeness: impl Fn(&Certificate) -> Likeness) -> Vec<Match> {
    let mut matches: Vec<Match> =
        anchors.into_iter().map(|anchor| Match { likeness: likeness(&anchor), anchor }).collect();
    if matches.iter().any(|found| found.likeness != Likeness::OtherKey) {
        matches.retain(|found| found.likeness != Likeness::OtherKey);
    }
    matches
}

/// What a file of certificates asks for: every root in it; where there is none, the roots that issued the uppermost
/// certificates.
#[must_use]
pub fn wanted_by(certificates: &[Arc<Certificate>]) -> Vec<Wanted> {
    let mut seen = HashSet::new();
    let each: Vec<&Arc<Certificate>> =
        certificates.iter().filter(|certificate| seen.insert(certificate.sha256)).collect();
    let roots: Vec<Wanted> =
        each.iter().filter(|certificate| is_root(certificate)).map(|root| Wanted::Root(Arc::clone(root))).collect();
    if !roots.is_empty() {
        return roots;
    }
    let has_issuer = |certificate: &Certificate| {
        each.iter().any(|other| {
            other.sha256 != certificate.sha256
                && other.subject.matches(&certificate.issuer)
                && certificate.verify(&other.key) != Err(SignatureError::Invalid)
        })
    };
    let tops: Vec<&&Arc<Certificate>> = each.iter().filter(|certificate| !has_issuer(certificate)).collect();
    // A certificate that stands by itself beside a chain says less of where it ends.
    let any_ca = tops.iter().any(|certificate| certificate.is_ca());
    let tops = tops.into_iter().filter(|certificate| !any_ca || certificate.is_ca());
    tops.map(|certificate| Wanted::IssuerOf(Arc::clone(certificate))).collect()
}

/// Whether it signs itself, as far as can be told: self-issued certificates for a change of keys do not (RFC 5280 §3.2).
fn is_root(certificate: &Certificate) -> bool {
    certificate.is_self_issued() && certificate.verify(&certificate.key) != Err(SignatureError::Invalid)
}

/// Roots of the store that may have been meant by a name that none goes by; a few at most.
#[must_use]
pub fn similar(pattern: &NamePattern, store: &TrustStore) -> Vec<Arc<Certificate>> {
    let alike = store.entries().filter(|entry| pattern.resembles(entry.certificate));
    alike.take(3).map(|entry| Arc::clone(entry.certificate)).collect()
}

/// What digits that are no thumbprint are of a root in the store: `subject key identifier` or `serial number`.
#[must_use]
pub fn another_number<'a>(octets: &[u8], store: &'a TrustStore) -> Option<(&'static str, &'a Arc<Certificate>)> {
    store.entries().find_map(|entry| {
        let certificate = entry.certificate;
        if certificate.subject_key_identifier.as_deref() == Some(octets) {
            Some(("subject key identifier", certificate))
        } else if !octets.is_empty() && certificate.serial.magnitude() == without_zeros(octets) {
            Some(("serial number", certificate))
        } else {
            None
        }
    })
}

fn without_zeros(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    octets.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::testing::Authority;

    const AT: &str = "2026-11-10T12:00:00Z";

    fn at() -> Timestamp {
        AT.parse().unwrap()
    }

    fn of(wanted: Wanted, anchors: &[&Authority]) -> (Presence, Vec<Likeness>) {
        let store = TrustStore::of(anchors.iter().map(|it| Arc::clone(&it.certificate)).collect(), "test");
        let answer = answer(wanted, &store, at());
        (answer.presence, answer.matches.iter().map(|found| found.likeness).collect())
    }

    fn valid(name: &str, years: (i32, i32)) -> Authority {
        Authority::root_with(name, between(years))
    }

    fn between(years: (i32, i32)) -> impl FnOnce(&mut rcgen::CertificateParams) {
        move |params| {
            params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
            params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        }
    }

    fn root(authority: &Authority) -> Wanted {
        Wanted::Root(Arc::clone(&authority.certificate))
    }

    fn name(text: &str) -> Wanted {
        Wanted::Name(NamePattern::of(text).unwrap())
    }

    #[test]
    fn a_root_is_its_name_and_key() {
        let one = valid("One", (2020, 2030));
        let renewed = one.renewed(between((2025, 2045)));
        let old = one.renewed(between((2000, 2010)));
        let namesake = valid("one", (2020, 2030));
        let other = valid("Other", (2020, 2030));
        assert_eq!(of(root(&one), &[&one, &other]), (Presence::Trusted, vec![Likeness::Same]));
        assert_eq!(of(root(&one), &[&renewed, &namesake]), (Presence::Trusted, vec![Likeness::SameKey]));
        // The store's copy counts, not the one that is shown to it.
        assert_eq!(of(root(&old), &[&one]), (Presence::Trusted, vec![Likeness::SameKey]));
        assert_eq!(of(root(&one), &[&old]), (Presence::Expired, vec![Likeness::SameKey]));
        assert_eq!(of(root(&old), &[&old, &one]), (Presence::Trusted, vec![Likeness::Same, Likeness::SameKey]));
        assert_eq!(of(root(&one), &[&namesake, &other]), (Presence::OtherKey, vec![Likeness::OtherKey]));
        assert_eq!(of(root(&one), &[&other]), (Presence::Absent, vec![]));
    }

    #[test]
    fn a_root_that_is_not_yet_valid_is_outside_of_its_validity_too() {
        let future = valid("Future", (2030, 2040));
        assert_eq!(of(root(&future), &[&future]).0, Presence::Expired);
    }

    #[test]
    fn the_very_name_decides_where_some_root_bears_it() {
        let (gone, later) = (valid("Some Root", (2000, 2010)), valid("Some Root R2", (2020, 2040)));
        let both = [&later, &gone];
        assert_eq!(of(name("some root"), &both), (Presence::Expired, vec![Likeness::Name, Likeness::PartOfName]));
        assert_eq!(of(name("root"), &both), (Presence::Trusted, vec![Likeness::PartOfName; 2]));
        assert_eq!(of(name("some root"), &[&later]).0, Presence::Trusted);
        assert_eq!(of(name("some root r"), &[&gone]).0, Presence::Absent);
    }

    #[test]
    fn thumbprints_are_of_certificates_not_of_keys() {
        let one = valid("One", (2020, 2030));
        let renewed = one.renewed(between((2025, 2045)));
        let thumbprint = Wanted::Thumbprint(Thumbprint::Sha1(one.certificate.sha1()));
        assert_eq!(of(thumbprint.clone(), &[&one]).0, Presence::Trusted);
        assert_eq!(of(thumbprint, &[&renewed]).0, Presence::Absent);
        let store = TrustStore::of(vec![Arc::clone(&one.certificate)], "test");
        // A list that knows which root it is of shows that the key is there.
        let asked = Wanted::Thumbprint(Thumbprint::Sha256(renewed.certificate.sha256));
        let list = TrustStore::of(vec![Arc::clone(&renewed.certificate)], "list");
        assert_eq!(answer(asked.clone(), &store, at()).presence, Presence::Absent);
        let found = answer_with(asked, &store, &list, at());
        assert!(found.presence == Presence::Trusted && matches!(found.wanted, Wanted::Root(_)));
        let key = one.certificate.subject_key_identifier.clone().unwrap();
        assert_eq!(another_number(&key, &store).unwrap().0, "subject key identifier");
        let serial = [&[0], one.certificate.serial.magnitude()].concat();
        assert_eq!(another_number(&serial, &store).unwrap().0, "serial number");
        assert!(another_number(&[], &store).is_none() && another_number(&[1, 2, 3], &store).is_none());
    }

    #[test]
    fn a_file_asks_for_its_roots_or_for_those_above_its_chain() {
        let one = valid("One", (2020, 2030));
        let (sub, namesake) = (one.sub_with("Sub", between((2020, 2030))), valid("One", (2020, 2030)));
        let leaf = sub.leaf();
        let asks = |certificates: &[&Arc<Certificate>]| -> Vec<String> {
            let certificates: Vec<Arc<Certificate>> = certificates.iter().map(|it| Arc::clone(it)).collect();
            let text = |wanted: Wanted| match wanted {
                Wanted::Root(root) => format!("root {}", root.subject.short()),
                Wanted::IssuerOf(top) => format!("issuer of {}", top.subject.short()),
                other => panic!("{other:?}"),
            };
            wanted_by(&certificates).into_iter().map(text).collect()
        };
        let (one_, sub_) = (&one.certificate, &sub.certificate);
        assert_eq!(asks(&[&leaf, sub_, one_, one_]), ["root One"]);
        assert_eq!(asks(&[&leaf, sub_]), ["issuer of Sub"]);
        assert_eq!(asks(&[&leaf]), ["issuer of a.test"]);
        assert_eq!(asks(&[sub_, &namesake.leaf()]), ["issuer of Sub"]);
        assert_eq!(asks(&[one_, &namesake.certificate]), ["root One"; 2]);
        assert!(asks(&[]).is_empty());

        let above = Wanted::IssuerOf(Arc::clone(sub_));
        assert_eq!(of(above.clone(), &[&one, &namesake]), (Presence::Trusted, vec![Likeness::Issuer]));
        assert_eq!(of(above.clone(), &[&namesake]), (Presence::OtherKey, vec![Likeness::OtherKey]));
        assert_eq!(of(above.clone(), &[&sub]), (Presence::Trusted, vec![Likeness::Same]));
        assert_eq!(of(above, &[]), (Presence::Absent, vec![]));
    }

    #[test]
    fn a_cross_signed_root_is_the_root_that_it_is_for() {
        let (one, other) = (valid("One", (2020, 2030)), valid("Other", (2020, 2030)));
        let cross = other.cross_with(&one, between((2022, 2028)));
        let wanted = wanted_by(&[Arc::clone(&cross.certificate)]);
        let [wanted @ Wanted::IssuerOf(_)] = wanted.as_slice() else { panic!("{wanted:?}") };
        assert_eq!(of(wanted.clone(), &[&one]), (Presence::Trusted, vec![Likeness::SameKey]));
        assert_eq!(of(wanted.clone(), &[&other]), (Presence::Trusted, vec![Likeness::Issuer]));
    }

    #[test]
    fn a_self_issued_certificate_for_new_keys_is_no_root() {
        let (old, new) = (valid("One", (2020, 2030)), valid("One", (2025, 2045)));
        // The old key by the new one, as RFC 4210 §4.4 has it.
        let old_with_new = new.cross_with(&old, between((2025, 2030)));
        assert!(matches!(wanted_by(&[old_with_new.certificate]).as_slice(), [Wanted::IssuerOf(_)]));
    }

    #[test]
    fn what_may_have_been_meant_is_offered() {
        let (one, two) = (valid("Some Root CA", (2020, 2030)), valid("Quite Another", (2020, 2030)));
        let store = TrustStore::of([&one, &two].map(|it| Arc::clone(&it.certificate)).to_vec(), "test");
        let offered = similar(&NamePattern::of("SomeRoot").unwrap(), &store);
        assert_eq!(offered.iter().map(|it| it.subject.short()).collect::<Vec<_>>(), ["Some Root CA"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_asked(text in "\\PC{0,40}|[-0-9a-fA-Fx:=,/ \"\\\\\u{200e}]{0,80}") {
            let store = TrustStore::of(vec![valid("Some Root 1", (2020, 2030)).certificate], "test");
            if let Reading::OfAnotherLength { octets, .. } = Reading::of(&text) {
                let _ = another_number(&octets, &store);
            }
            if let Some(pattern) = NamePattern::of(&text) {
                let _ = similar(&pattern, &store);
                let _ = answer(Wanted::Name(pattern), &store, at());
            }
        }
    }
}
