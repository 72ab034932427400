//! Which of several valid paths is the best, once revocation is known.
//!
//! Input: the paths that were found, in the order of validity, length and expiry. Output: the same with the best first,
//! and what was found about revocation as clients that take it see it.

use std::collections::HashSet;

use bytes::Bytes;

use crate::Inquiry;
use crate::path::{PathSearch, Pool, StandardJudge};
use crate::revocation::{self, CertificateStatus, RevocationFacts, Status, Subject};
use crate::x509::{Certificate, Fingerprint};

/// Valid paths that are looked at for one on which nothing is revoked or open.
const MAX_ALTERNATIVES: usize = 8;

impl Inquiry<'_> {
    /// Examines revocation, and puts first the path that stands best by it: RFC 5280 §6.1.3 (a)(3) makes that part of
    /// validity, and it is known only now. Whose word counts depends on the path's trust anchor (§6.3.3 (f)), so that
    /// the answers are those for the path put first.
    pub(crate) async fn settle(
        &self,
        mut search: PathSearch,
        leaf: &Certificate,
        pool: &Pool,
        staple: Option<&Bytes>,
    ) -> (PathSearch, RevocationFacts) {
        let anchor = |search: &PathSearch| search.chosen().and_then(|path| path.anchor()).map(|anchor| anchor.sha256);
        let facts = self.revocation(&search, leaf, pool, staple).await;
        let mut best = (standing(&search, leaf, &facts), 0);
        let mut known = vec![(anchor(&search), facts)];
        let valid = search.paths.iter().take_while(|path| path.judgement.valid).count();
        for place in 1..valid.min(MAX_ALTERNATIVES) {
            if best.0 == Standing::Clear {
                break;
            }
            let mut other = search.clone();
            other.promote(place);
            let facts = match known.iter().find(|(of, _)| *of == anchor(&other)) {
                Some((_, facts)) => facts.clone(),
                None => {
                    let facts = Box::pin(self.revocation(&other, leaf, pool, staple)).await;
                    known.push((anchor(&other), facts.clone()));
                    facts
                }
            };
            let standing = standing(&other, leaf, &facts);
            if standing < best.0 {
                best = (standing, place);
            }
        }
        search.promote(best.1);
        let facts = known.into_iter().find(|(of, _)| *of == anchor(&search)).map(|(_, facts)| facts);
        (search, facts.unwrap_or_default())
    }

    async fn revocation(
        &self,
        search: &PathSearch,
        leaf: &Certificate,
        pool: &Pool,
        staple: Option<&Bytes>,
    ) -> RevocationFacts {
        let Self { run, store, deadline, progress, .. } = *self;
        let at_hand = revocation::AtHand { pool, store, judge: &StandardJudge };
        let subjects = revocation::Subjects { certificates: &subjects(search, leaf), staple, at_hand };
        revocation::examine(&run.retriever, &run.revocation, subjects, run.revocation_at(), deadline, progress).await
    }
}

/// How the CAs of a path stand as to revocation; the leaf's own standing is the same on each, but for who may say so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// Nothing speaks against any.
    Clear,
    /// The status of one is open.
    Open,
    /// One is revoked.
    Revoked,
}

fn standing(search: &PathSearch, leaf: &Certificate, facts: &RevocationFacts) -> Standing {
    let Some(path) = search.chosen() else { return Standing::Clear };
    let on_path = |status: &&CertificateStatus| path.certificates.iter().any(|it| it.sha256 == status.certificate);
    let of_each = facts.statuses.iter().filter(on_path).map(|status| match status.status {
        Status::Good | Status::NotChecked => Standing::Clear,
        Status::Unknown => Standing::Open,
        // No other path would help.
        Status::Revoked if status.certificate == leaf.sha256 => Standing::Clear,
        Status::Revoked => Standing::Revoked,
    });
    of_each.max().unwrap_or(Standing::Clear)
}

/// Every certificate of the examined paths but the roots, each once, with the issuer it has on the
/// best path it is on, and the anchors of its paths: of those on the chosen path that path's alone.
pub(crate) fn subjects(search: &PathSearch, leaf: &Certificate) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    let chosen: HashSet<Fingerprint> =
        search.chosen().map(|path| path.certificates.iter().map(|it| it.sha256).collect()).unwrap_or_default();
    for path in search.examined() {
        let anchor = path.anchor();
        for (index, certificate) in path.certificates.iter().enumerate() {
            let above = path.certificates.get(index + 1..).unwrap_or_default();
            let is_root = above.is_empty() && (path.trusted || (index > 0 && certificate.is_self_issued()));
            if is_root {
                continue;
            }
            if let Some(known) = subjects.iter_mut().find(|subject| subject.certificate.sha256 == certificate.sha256) {
                if !known.on_chosen_path {
                    known.anchors.extend(anchor.cloned());
                }
                continue;
            }
            subjects.push(Subject {
                certificate: certificate.clone(),
                issuer: above.first().cloned(),
                above: above.to_vec(),
                anchors: anchor.cloned().into_iter().collect(),
                on_chosen_path: chosen.contains(&certificate.sha256),
                is_leaf: certificate.sha256 == leaf.sha256,
            });
        }
    }
    subjects
}
