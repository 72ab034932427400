//! Whether the signers of CRLs that are not above the certificate in question are themselves revoked.
//!
//! RFC 5280 §6.3.3 (f) has the certification path of a CRL's issuer validated, and §6.1.3 (a)(3) makes it part of
//! that that no certificate on it is revoked. What is above the certificate in question is examined by itself. Every
//! other certificate on a signer's path has to be good by a usable CRL at hand; otherwise the signer does not count,
//! be it revoked or be it merely unknown whether it is.
//!
//! The CRLs that tell so have signers too, of which the same is asked, and in the end some CRL speaks for its own
//! signer, as that of any CA does that certifies its key for CRLs with its key for certificates. So all of them are
//! taken for good first; then those are dropped that the CRLs of the rest do not say are good, until no more are. What
//! was dropped stays so, which makes an end of it whatever the order. Signers that only vouch for each other, or for
//! themselves, are left: so it is in PKITS 4.14.30.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::signer::{Signers, Verified};
use super::weighing::{Standing, weigh};
use super::{CrlSource, Role, scope};
use crate::revocation::{Answer, Subject};
use crate::x509::crl::Crl;
use crate::x509::{Certificate, Fingerprint};

/// Certificates looked up for one target, all those on signers' paths taken together. Where there are more, signers
/// that are not above the certificate in question do not count.
const MAX_LOOKED_UP: usize = 1024;

/// Times that signers are dropped and the others asked anew. Where that was not enough, none counts.
const MAX_ROUNDS: usize = 16;

/// What CRLs say of a certificate on a signer's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// It is not revoked.
    Good,
    /// Nothing that counts.
    Open,
    /// It is revoked since then.
    Revoked(Timestamp),
}

/// What is known of signers, as far as a certificate with these above it relies on them.
#[derive(Debug, Default)]
pub(super) struct OffPath(HashMap<Fingerprint, State>);

impl OffPath {
    pub(super) fn state(&self, certificate: &Certificate) -> State {
        self.0.get(&certificate.sha256).copied().unwrap_or(State::Open)
    }

    fn open(&self) -> impl Iterator<Item = Fingerprint> {
        self.0.iter().filter(|(_, state)| **state == State::Open).map(|(sha256, _)| *sha256)
    }
}

/// CRLs, and with whose keys they verify.
#[derive(Clone, Copy)]
pub(super) struct AtHand<'a> {
    pub(super) sources: &'a [CrlSource],
    pub(super) verified: &'a [Vec<Option<Verified>>],
    pub(super) signers: &'a Signers<'a>,
    pub(super) at: Timestamp,
}

/// What is known of the signers that each subject may rely on.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) of: Vec<Arc<OffPath>>,
    /// Certificates whose status is open.
    pub(super) open: Vec<Arc<Certificate>>,
}

/// Certificates that rely on the same.
struct Reliant<'a> {
    /// One of them.
    subject: &'a Subject,
    /// Index of each.
    indices: Vec<usize>,
    /// The certificates that must not be revoked for the CRLs to count that are about them.
    relied_on: Vec<Arc<Certificate>>,
}

/// Looks the signers up, on which subjects rely for want of CRLs signed by what is above them. The first `own` sources
/// are for the subjects, all of them for their signers.
pub(super) fn look_up(at_hand: AtHand<'_>, own: usize, subjects: &[Subject]) -> Known {
    let mut known = Known { of: vec![Arc::default(); subjects.len()], open: Vec::new() };
    let mut left = MAX_LOOKED_UP;
    for reliant in reliants(at_hand, own, subjects) {
        let Some(members) = members(at_hand, &reliant, left) else { break };
        left = left.saturating_sub(members.len());
        let found = Arc::new(at_hand.states(&reliant, &members));
        let open: HashSet<Fingerprint> = found.open().collect();
        for member in members.into_iter().filter(|member| open.contains(&member.sha256)) {
            if !known.open.contains(&member) {
                known.open.push(member);
            }
        }
        for index in &reliant.indices {
            if let Some(of) = known.of.get_mut(*index) {
                *of = found.clone();
            }
        }
    }
    known
}

fn reliants<'s>(at_hand: AtHand<'_>, own: usize, subjects: &'s [Subject]) -> Vec<Reliant<'s>> {
    let mut reliants: Vec<Reliant<'s>> = Vec::new();
    for (index, subject) in subjects.iter().enumerate() {
        let mut relied_on = Vec::new();
        for (source, crl, verified) in at_hand.crls(own) {
            if source.subjects.contains(&index) && may_be_for(crl, &subject.certificate) {
                relied_on.extend(at_hand.signers.in_question(verified, subject));
            }
        }
        if relied_on.is_empty() {
            continue;
        }
        let is_like =
            |known: &&mut Reliant<'_>| known.subject.above == subject.above && known.subject.anchors == subject.anchors;
        match reliants.iter_mut().find(is_like) {
            Some(known) => {
                known.indices.push(index);
                known.relied_on.extend(relied_on);
            }
            None => reliants.push(Reliant { subject, indices: vec![index], relied_on }),
        }
    }
    reliants
}

/// All certificates whose status matters, those on the paths of signers of CRLs about signers among them; `None` where
/// they are too many.
fn members(at_hand: AtHand<'_>, reliant: &Reliant<'_>, limit: usize) -> Option<Vec<Arc<Certificate>>> {
    let mut members: Vec<Arc<Certificate>> = Vec::new();
    let mut seen: HashSet<Fingerprint> = HashSet::new();
    let mut waiting = reliant.relied_on.clone();
    while let Some(certificate) = waiting.pop() {
        if !seen.insert(certificate.sha256) {
            continue;
        }
        if members.len() >= limit {
            return None;
        }
        for (_, crl, verified) in at_hand.crls(usize::MAX) {
            if may_be_for(crl, &certificate) {
                waiting.extend(at_hand.signers.in_question(verified, reliant.subject));
            }
        }
        members.push(certificate);
    }
    members.sort_by_key(|member| member.sha256);
    Some(members)
}

impl<'a> AtHand<'a> {
    /// The CRLs of the first so many sources.
    fn crls(self, sources: usize) -> impl Iterator<Item = (&'a CrlSource, &'a Crl, &'a Verified)> {
        self.sources.iter().zip(self.verified).take(sources).flat_map(|(source, verified)| {
            let bodies = source.bodies.iter().zip(verified);
            bodies.filter_map(move |(body, verified)| Some((source, body.crl.as_deref().ok()?, verified.as_ref()?)))
        })
    }

    fn states(self, reliant: &Reliant<'_>, members: &[Arc<Certificate>]) -> OffPath {
        let as_subject = |member: &Arc<Certificate>| Subject { certificate: member.clone(), ..reliant.subject.clone() };
        let subjects: Vec<Subject> = members.iter().map(as_subject).collect();
        let everyone: Vec<usize> = (0..subjects.len()).collect();
        let for_everyone =
            |source: &CrlSource| CrlSource { role: Role::File, subjects: everyone.clone(), ..source.clone() };
        let sources: Vec<CrlSource> = self.sources.iter().map(for_everyone).collect();
        let mut states: HashMap<Fingerprint, State> =
            members.iter().map(|member| (member.sha256, State::Good)).collect();
        for _ in 0..MAX_ROUNDS {
            let known = Arc::new(OffPath(states.clone()));
            let standing = Standing { signers: self.signers, off_path: vec![known; subjects.len()] };
            let judgement = weigh(&sources, self.verified, &subjects, &standing, self.at);
            let mut says = vec![State::Open; subjects.len()];
            for (index, source) in judgement.sources.into_iter().flat_map(|source| source.answers) {
                let Some(state) = says.get_mut(index) else { continue };
                *state = match (source.answer, *state) {
                    (Some(Answer::Revoked { at, .. }), State::Revoked(since)) => State::Revoked(since.min(at)),
                    (Some(Answer::Revoked { at, .. }), _) => State::Revoked(at),
                    (Some(Answer::Good), State::Open) => State::Good,
                    (_, state) => state,
                };
            }
            let before = states.clone();
            for (member, says) in members.iter().zip(says) {
                if let Some(state @ State::Good) = states.get_mut(&member.sha256) {
                    *state = says;
                }
            }
            if states == before {
                return OffPath(states);
            }
        }
        OffPath(HashMap::new())
    }
}

/// Whether a CRL may be for a certificate, going by its issuer's name.
fn may_be_for(crl: &Crl, certificate: &Certificate) -> bool {
    scope::points(certificate, None).iter().any(|point| scope::is_issuer_expected(crl, certificate, point))
}
