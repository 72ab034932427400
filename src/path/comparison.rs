//! Two trust stores side by side, root by root: the same is what has the same name and key.

use std::collections::HashMap;
use std::sync::Arc;

use super::TrustStore;
use crate::x509::Certificate;

/// What differs between a store and another one.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// Anchors of the store that the other lacks.
    pub only_here: Vec<Arc<Certificate>>,
    /// Anchors of the other that the store lacks.
    pub only_there: Vec<Arc<Certificate>>,
    /// Anchors that both have, by different certificates: the store's, and the other's.
    pub other_certificate: Vec<(Arc<Certificate>, Arc<Certificate>)>,
}

/// Compares `store` with `other`.
#[must_use]
pub fn compare(store: &TrustStore, other: &TrustStore) -> Comparison {
    let (here, there) = (by_name_and_key(store), by_name_and_key(other));
    let mut comparison = Comparison::default();
    for entry in store.entries() {
        let certificate = entry.certificate;
        match there.get(&name_and_key(certificate)).map(Vec::as_slice).unwrap_or_default() {
            [] => comparison.only_here.push(Arc::clone(certificate)),
            same if same.iter().any(|it| it.der == certificate.der) => {}
            [first, ..] => comparison.other_certificate.push((Arc::clone(certificate), Arc::clone(first))),
        }
    }
    let missing = other.entries().filter(|entry| !here.contains_key(&name_and_key(entry.certificate)));
    comparison.only_there = missing.map(|entry| Arc::clone(entry.certificate)).collect();
    comparison
}

type NameAndKey = (Vec<u8>, Vec<u8>);

fn name_and_key(certificate: &Certificate) -> NameAndKey {
    (certificate.subject.comparison_key(), certificate.key.spki.to_vec())
}

fn by_name_and_key(store: &TrustStore) -> HashMap<NameAndKey, Vec<Arc<Certificate>>> {
    let mut anchors: HashMap<NameAndKey, Vec<Arc<Certificate>>> = HashMap::new();
    for entry in store.entries() {
        anchors.entry(name_and_key(entry.certificate)).or_default().push(Arc::clone(entry.certificate));
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::testing::Authority;

    #[test]
    fn roots_are_paired_by_name_and_key() {
        let [one, two, three] = ["one", "two", "three"].map(Authority::root);
        let two_again = two.renewed(|params| params.not_after = rcgen::date_time_ymd(2040, 1, 1));
        let namesake = Authority::root("one");
        let store = |roots: &[&Authority]| {
            TrustStore::of(roots.iter().map(|root| Arc::clone(&root.certificate)).collect(), "test")
        };
        let comparison = compare(&store(&[&one, &two, &three]), &store(&[&two_again, &three, &namesake]));
        assert_eq!(comparison.only_here, [Arc::clone(&one.certificate)]);
        assert_eq!(comparison.only_there, [Arc::clone(&namesake.certificate)]);
        assert_eq!(comparison.other_certificate, [(Arc::clone(&two.certificate), Arc::clone(&two_again.certificate))]);
        // Where one side has both certificates, the one that both have counts.
        let comparison = compare(&store(&[&two]), &store(&[&two_again, &two]));
        assert!(comparison.other_certificate.is_empty() && comparison.only_there.is_empty());
    }
}
