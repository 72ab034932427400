//! Whose signature a CRL bears, and whether that counts (RFC 5280 §6.3.3 (f) and (g)).
//!
//! A CRL's issuer is known by name and key only, and need not be on any path of the target: a CA may sign its
//! CRLs with a key of its own, with an older or newer one, or have another authority sign them. So every
//! certificate at hand is a candidate, and one that is not above the certificate in question must have a valid
//! path of its own to the same trust anchor.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::super::{AtHand, Subject};
use crate::path::{self, Purpose, Question};
use crate::x509::certificate::Serial;
use crate::x509::crl::Crl;
use crate::x509::{Certificate, Fingerprint, SignatureError};

/// Keys tried on one CRL: a CA has a few at most.
const MAX_KEYS: usize = 8;

/// Certificates of those keys that are looked at, those above first: each may need a path of its own.
const MAX_SIGNERS: usize = 16;

/// Signers that are on no path of the target whose own revocation is looked up.
const MAX_LOOKED_UP: usize = 32;

/// The certificates among which a CRL's signer is looked for.
#[derive(Debug, Default)]
pub struct Signers<'a> {
    /// Believed as they are.
    given: Vec<Arc<Certificate>>,
    at_hand: Option<(AtHand<'a>, Timestamp)>,
    /// The valid paths of those that were asked for.
    paths: Mutex<HashMap<Fingerprint, Arc<Vec<SignerPath>>>>,
}

/// From the certificate above a signer to a trust anchor; none above an anchor.
type SignerPath = Vec<Arc<Certificate>>;

/// How the signature came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// It verifies with this certificate's key.
    By(Arc<Certificate>),
    /// No certificate of the CRL's issuer is at hand.
    NoCertificate,
    /// It verifies with no key of that name.
    No {
        /// The issuer whose keys were tried.
        signer: String,
    },
    /// It verifies with a key that is not meant for CRLs.
    NotForCrls {
        /// The certificate's subject.
        signer: String,
    },
    /// It verifies with a key whose certificate has no valid path to the trust anchor of the certificate in question.
    NoPath {
        /// The certificate's subject.
        signer: String,
    },
    /// It verifies with a key whose certificate is revoked.
    Revoked {
        /// The certificate's subject.
        signer: String,
        /// Since when.
        at: Timestamp,
    },
    /// Its algorithm cannot be verified.
    Unsupported {
        /// Which.
        algorithm: String,
    },
}

/// The certificates with whose keys a CRL verifies; where there is none, why.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) by: Vec<Arc<Certificate>>,
    failure: Signed,
}

impl Verified {
    /// Whose signature it is, for nobody in particular.
    pub(super) fn alone(&self) -> Signed {
        self.by.first().map_or_else(|| self.failure.clone(), |signer| Signed::By(signer.clone()))
    }
}

impl Signers<'static> {
    /// These certificates, believed as they are.
    pub fn new(certificates: impl IntoIterator<Item = Arc<Certificate>>) -> Self {
        let mut given: Vec<Arc<Certificate>> = Vec::new();
        for certificate in certificates {
            if !given.iter().any(|known| known.sha256 == certificate.sha256) {
                given.push(certificate);
            }
        }
        Self { given, ..Self::default() }
    }
}

impl<'a> Signers<'a> {
    /// Those above each certificate in question, and everything at hand that has a valid path.
    #[must_use]
    pub fn at_hand(at_hand: AtHand<'a>, at: Timestamp) -> Self {
        Self { at_hand: Some((at_hand, at)), ..Self::default() }
    }

    /// Verifies a CRL with every given key of its issuer, the one its `authorityKeyIdentifier` names first.
    #[must_use]
    pub fn verify(&self, crl: &Crl) -> Signed {
        let verified = self.verified(crl, &[]);
        let signers = verified.by.iter().map(|signer| match self.is_given(signer) {
            _ if !may_sign_crls(signer) => Signed::NotForCrls { signer: signer.subject.to_string() },
            true => Signed::By(signer.clone()),
            false => Signed::NoPath { signer: signer.subject.to_string() },
        });
        best(signers, verified.failure)
    }

    /// Verifies a CRL for one certificate.
    #[must_use]
    pub fn verify_for(&self, crl: &Crl, subject: &Subject) -> Signed {
        self.standing(&self.verified(crl, std::slice::from_ref(subject)), subject, &|_| None)
    }

    /// Whether any given certificate bears the name and the key that the CRL says it is signed with.
    #[must_use]
    pub fn has_named_key(&self, crl: &Crl) -> bool {
        self.given.iter().any(|candidate| candidate.subject.matches(&crl.issuer) && is_named_by(crl, candidate))
    }

    /// The serial numbers of those at hand that may sign CRLs: what to look for in CRLs besides the certificates
    /// in question.
    pub(in super::super) fn serials(&self) -> impl Iterator<Item = &Serial> {
        let pool = self.at_hand.iter().flat_map(|(at_hand, _)| at_hand.pool.iter());
        let may_sign = pool.map(|(certificate, _)| certificate).filter(|certificate| may_sign_crls(certificate));
        may_sign.take(MAX_LOOKED_UP).map(|certificate| &certificate.serial)
    }

    /// Finds the certificates with whose keys a CRL verifies. Those above the subjects are tried first, so that
    /// namesakes however many cannot keep them from being tried.
    pub(super) fn verified(&self, crl: &Crl, subjects: &[Subject]) -> Verified {
        let mut candidates: Vec<(bool, Arc<Certificate>)> = Vec::new();
        let mut add = |is_above: bool, certificate: &Arc<Certificate>| {
            let is_known = candidates.iter().any(|(_, known)| known.sha256 == certificate.sha256);
            if !is_known && certificate.subject.matches(&crl.issuer) {
                candidates.push((is_above, certificate.clone()));
            }
        };
        let above = subjects.iter().flat_map(|subject| subject.issuer.iter().chain(&subject.above));
        above.for_each(|certificate| add(true, certificate));
        self.given.iter().for_each(|certificate| add(false, certificate));
        if let Some((at_hand, _)) = &self.at_hand {
            at_hand.pool.iter().for_each(|(certificate, _)| add(false, certificate));
            at_hand.store.with_subject(&crl.issuer).iter().for_each(|anchor| add(false, anchor));
        }
        candidates.sort_by_key(|(is_above, candidate)| (!is_above, !is_named_by(crl, candidate), candidate.sha256));
        let mut verified = Verified { by: Vec::new(), failure: Signed::NoCertificate };
        let mut tried = HashMap::new();
        for (_, candidate) in candidates {
            let keys = tried.len();
            if keys >= MAX_KEYS && !tried.contains_key(&candidate.key.spki) {
                continue;
            }
            let outcome = tried.entry(candidate.key.spki.clone()).or_insert_with(|| crl.verify(&candidate.key));
            match outcome {
                Ok(()) => verified.by.push(candidate),
                Err(SignatureError::Unsupported { algorithm, .. }) if verified.failure == Signed::NoCertificate => {
                    verified.failure = Signed::Unsupported { algorithm: algorithm.clone() };
                }
                Err(SignatureError::Invalid) => verified.failure = Signed::No { signer: crl.issuer.to_string() },
                Err(_) => {}
            }
        }
        verified.by.truncate(MAX_SIGNERS);
        verified.by.sort_by_key(|signer| signer.sha256);
        verified
    }

    /// Whether one of those counts for a certificate. `revoked` says since when a certificate is.
    pub(super) fn standing(
        &self,
        verified: &Verified,
        subject: &Subject,
        revoked: &dyn Fn(&Certificate) -> Option<Timestamp>,
    ) -> Signed {
        let signers = verified.by.iter().map(|signer| {
            let name = || signer.subject.to_string();
            // What is above is examined by itself, and judged with the path: that it is a CA among the rest.
            let is_above_it = is_above(signer, subject);
            let may_sign = may_sign_crls(signer) || (is_above_it && signer.key_usage.is_none());
            if !may_sign {
                return Signed::NotForCrls { signer: name() };
            }
            if is_above_it || self.is_given(signer) {
                return Signed::By(signer.clone());
            }
            // Where nothing leads to a trust anchor, the path tells.
            let is_anchored = !subject.anchors.is_empty();
            let mut outcome = if is_anchored { Signed::NoPath { signer: name() } } else { Signed::NoCertificate };
            for path in self.paths_for(signer, subject).iter() {
                let certificates = std::iter::once(signer).chain(path).filter(|it| !is_above(it, subject));
                match certificates.filter_map(|certificate| revoked(certificate)).next() {
                    Some(at) => outcome = Signed::Revoked { signer: name(), at },
                    None => return Signed::By(signer.clone()),
                }
            }
            outcome
        });
        best(signers, verified.failure.clone())
    }

    /// Every signer on no path of these certificates that one of them may rely on, with what is above it: what has
    /// to be looked up before it counts.
    pub(super) fn elsewhere(&self, verified: &Verified, subjects: &[Subject]) -> Vec<Subject> {
        let mut found: Vec<Subject> = Vec::new();
        for subject in subjects {
            for signer in verified.by.iter().filter(|signer| may_sign_crls(signer)) {
                if is_above(signer, subject) || self.is_given(signer) {
                    continue;
                }
                for path in self.paths_for(signer, subject) {
                    let whole: Vec<Arc<Certificate>> = std::iter::once(signer.clone()).chain(path).collect();
                    found.extend(as_subjects(&whole));
                }
            }
        }
        found
    }

    fn is_given(&self, certificate: &Certificate) -> bool {
        self.given.iter().any(|given| given.sha256 == certificate.sha256)
    }

    /// The signer's valid paths that end in a trust anchor of the subject's.
    fn paths_for(&self, signer: &Arc<Certificate>, subject: &Subject) -> Vec<SignerPath> {
        let ends_there = |path: &&SignerPath| {
            let anchor = path.last().unwrap_or(signer);
            subject.anchors.iter().any(|wanted| is_same_anchor(wanted, anchor))
        };
        self.paths(signer).iter().filter(ends_there).cloned().collect()
    }

    fn paths(&self, signer: &Arc<Certificate>) -> Arc<Vec<SignerPath>> {
        let Some((at_hand, at)) = &self.at_hand else { return Arc::default() };
        // A map is whole after any panic of another holder.
        let mut known = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.entry(signer.sha256).or_insert_with(|| {
            // RFC 5280 §6.1.1: the initial policies and the purpose are the target's, not its CRL signer's.
            let question = Question::new(*at, Purpose::Any);
            let search = path::search(signer, at_hand.pool, at_hand.store, &question, at_hand.judge);
            let valid = search.paths.into_iter().filter(|path| path.judgement.valid);
            Arc::new(valid.map(|path| path.certificates.into_iter().skip(1).collect()).collect())
        });
        found.clone()
    }
}

/// The best of several outcomes; `failure` where there is none.
fn best(outcomes: impl Iterator<Item = Signed>, failure: Signed) -> Signed {
    let rank = |outcome: &Signed| match outcome {
        Signed::By(_) => 0,
        Signed::Revoked { .. } => 1,
        Signed::NotForCrls { .. } => 2,
        _ => 3,
    };
    outcomes.min_by_key(rank).unwrap_or(failure)
}

/// The certificates of a path below its anchor, each with what is above it.
fn as_subjects(path: &[Arc<Certificate>]) -> Vec<Subject> {
    let below_anchor = path.get(..path.len().saturating_sub(1)).unwrap_or_default();
    let subject = |(position, certificate): (usize, &Arc<Certificate>)| {
        let above = path.get(position.saturating_add(1)..).unwrap_or_default();
        Subject {
            certificate: certificate.clone(),
            issuer: above.first().cloned(),
            above: above.to_vec(),
            anchors: path.last().cloned().into_iter().collect(),
            on_chosen_path: false,
            is_leaf: false,
        }
    };
    below_anchor.iter().enumerate().map(subject).collect()
}

fn is_above(certificate: &Certificate, subject: &Subject) -> bool {
    subject.issuer.iter().chain(&subject.above).any(|above| above.sha256 == certificate.sha256)
}

/// A trust anchor is a name and a key (RFC 5280 §6.1.1 (d)), whichever of its certificates states them.
fn is_same_anchor(one: &Certificate, two: &Certificate) -> bool {
    one.key == two.key && one.subject.matches(&two.subject)
}

fn is_named_by(crl: &Crl, candidate: &Certificate) -> bool {
    crl.authority_key_identifier.is_some() && crl.authority_key_identifier == candidate.subject_key_identifier
}

/// `cRLSign` where there is a `keyUsage` (RFC 5280 §6.3.3 (f)); else any CA, and version 1 roots, which
/// have no extensions to say so. An end entity would have to say that it may (§4.2.1.3).
fn may_sign_crls(certificate: &Certificate) -> bool {
    certificate.key_usage.map_or(certificate.is_ca() || certificate.version < 3, |usage| usage.crl_sign())
}
