//! Whose signature a CRL bears, and whether that counts (RFC 5280 §6.3.3 (f) and (g)).
//!
//! A CRL's issuer is known by name and key only, and need not be on any path of the target: a CA may sign its
//! CRLs with a key of its own, with an older or newer one, or have another authority sign them. So every
//! certificate at hand is a candidate, and one that is not above the certificate in question must have a valid
//! path of its own to the same trust anchor.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::super::{AtHand, Subject};
use super::off_path::State;
use crate::path::{self, Candidate, Judgement, PathJudge, Purpose, Question};
use crate::x509::certificate::Serial;
use crate::x509::crl::Crl;
use crate::x509::{Certificate, Fingerprint, SignatureError};

/// Keys tried on one CRL. A CA has a few; that many certificates of its name can be had for the asking, and verifying
/// a signature takes some 50 µs.
const MAX_KEYS: usize = 64;

/// Certificates of the key that verifies that are looked at, those above first: each may need a path of its own.
const MAX_SIGNERS: usize = 512;

/// Paths judged in the search for one signer's. The first that will do is enough, and few signers have more than one.
const MAX_JUDGED: usize = 32;

/// The certificates among which a CRL's signer is looked for.
#[derive(Debug, Default)]
pub struct Signers<'a> {
    /// Believed as they are.
    given: Vec<Arc<Certificate>>,
    at_hand: Option<(AtHand<'a>, Question)>,
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
    /// It verifies with a key of which no usable CRL tells whether its certificate, or one above that, is revoked.
    StatusOpen {
        /// The key's certificate.
        signer: Arc<Certificate>,
        /// The certificate in question: that one, or one above it.
        open: Arc<Certificate>,
    },
    /// Too many certificates of the CRL's issuer are at hand to look at all, and none of those that were looked at
    /// will do.
    TooMany,
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
    /// Whether more certificates have that key than are looked at.
    is_cut: bool,
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
        // RFC 5280 §6.1.1: the initial policies and the purpose are the target's, not its CRL signer's.
        let question =
            Question { max_judged: MAX_JUDGED, max_paths: MAX_JUDGED / 2, ..Question::new(at, Purpose::Any) };
        Self { at_hand: Some((at_hand, question)), ..Self::default() }
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

    /// Verifies a CRL for one certificate, whether or not its signer is revoked.
    #[must_use]
    pub fn verify_for(&self, crl: &Crl, subject: &Subject) -> Signed {
        self.standing(&self.verified(crl, std::slice::from_ref(subject)), subject, &|_| State::Good)
    }

    /// Whether any given certificate bears the name and the key that the CRL says it is signed with.
    #[must_use]
    pub fn has_named_key(&self, crl: &Crl) -> bool {
        self.given.iter().any(|candidate| candidate.subject.matches(&crl.issuer) && is_named_by(crl, candidate))
    }

    /// The serial numbers of all that is at hand, since any of it may turn out to be on a signer's path: what to look
    /// for in CRLs besides the certificates in question.
    pub(in super::super) fn serials(&self) -> impl Iterator<Item = &Serial> {
        let pool = self.at_hand.iter().flat_map(|(at_hand, _)| at_hand.pool.iter());
        pool.map(|(certificate, _)| &certificate.serial)
    }

    /// Finds the certificates with whose keys a CRL verifies. Those above the subjects are tried first, so that
    /// namesakes however many cannot keep them from being tried.
    pub(super) fn verified(&self, crl: &Crl, subjects: &[Subject]) -> Verified {
        let mut candidates: Vec<(bool, Arc<Certificate>)> = Vec::new();
        let mut seen: HashSet<Fingerprint> = HashSet::new();
        let mut add = |is_above: bool, certificate: &Arc<Certificate>| {
            if !seen.contains(&certificate.sha256) && certificate.subject.matches(&crl.issuer) {
                seen.insert(certificate.sha256);
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
        candidates.sort_by_key(|(is_above, candidate)| {
            (!is_above, !is_named_by(crl, candidate), !may_sign_crls(candidate), candidate.sha256)
        });
        let mut verified = Verified { by: Vec::new(), failure: Signed::NoCertificate, is_cut: false };
        let mut tried = HashMap::new();
        let mut has_untried = false;
        for (_, candidate) in candidates {
            let keys = tried.len();
            if keys >= MAX_KEYS && !tried.contains_key(&candidate.key.spki) {
                has_untried = true;
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
        if has_untried {
            verified.failure = Signed::TooMany;
        }
        verified.is_cut = verified.by.len() > MAX_SIGNERS;
        verified.by.truncate(MAX_SIGNERS);
        verified.by.sort_by_key(|signer| signer.sha256);
        verified
    }

    /// Whether one of those counts for a certificate. `state` tells what is known of the revocation of a certificate on
    /// a signer's path.
    pub(super) fn standing(
        &self,
        verified: &Verified,
        subject: &Subject,
        state: &dyn Fn(&Certificate) -> State,
    ) -> Signed {
        if let Some(signer) = self.undisputed(verified, subject) {
            return Signed::By(signer.clone());
        }
        let signers = verified.by.iter().map(|signer| {
            let name = || signer.subject.to_string();
            if !may_sign_crls(signer) {
                return Signed::NotForCrls { signer: name() };
            }
            // Where nothing leads to a trust anchor, the path tells.
            let is_anchored = !subject.anchors.is_empty();
            let otherwise = if is_anchored { Signed::NoPath { signer: name() } } else { Signed::NoCertificate };
            let by_path = self.paths_for(signer, subject).into_iter().map(|path| {
                let states = below_anchor(signer, &path)
                    .map(|it| (it, if is_above(it, subject) { State::Good } else { state(it) }));
                let worst = states.max_by_key(|(_, state)| *state);
                match worst {
                    None | Some((_, State::Good)) => Signed::By(signer.clone()),
                    Some((open, State::Open)) => Signed::StatusOpen { signer: signer.clone(), open: open.clone() },
                    Some((_, State::Revoked(at))) => Signed::Revoked { signer: name(), at },
                }
            });
            best(by_path, otherwise)
        });
        let too_many = verified.is_cut.then_some(Signed::TooMany);
        best(signers.chain(too_many), verified.failure.clone())
    }

    /// The signer that counts for a certificate whatever CRLs say, if there is one.
    fn undisputed<'v>(&self, verified: &'v Verified, subject: &Subject) -> Option<&'v Arc<Certificate>> {
        verified.by.iter().find(|signer| {
            // What is above is examined by itself, and judged with the path: that it is a CA among the rest.
            let is_above_it = is_above(signer, subject);
            let may_sign = may_sign_crls(signer) || (is_above_it && signer.key_usage.is_none());
            may_sign && (is_above_it || self.is_given(signer))
        })
    }

    /// The certificates that must not be revoked for a CRL to count for a certificate: of every signer that it may have
    /// and every path of that, those that are not above the certificate. None where a signer counts in any case.
    pub(super) fn in_question(&self, verified: &Verified, subject: &Subject) -> Vec<Arc<Certificate>> {
        if self.undisputed(verified, subject).is_some() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for signer in verified.by.iter().filter(|signer| may_sign_crls(signer)) {
            for path in self.paths_for(signer, subject) {
                found.extend(below_anchor(signer, &path).filter(|it| !is_above(it, subject)).cloned());
            }
        }
        found
    }

    fn is_given(&self, certificate: &Certificate) -> bool {
        self.given.iter().any(|given| given.sha256 == certificate.sha256)
    }

    /// The signer's valid paths that end in a trust anchor of the subject's, but for those through the subject: a
    /// certificate that may be revoked must not have whatever it issues say that it is not.
    fn paths_for(&self, signer: &Arc<Certificate>, subject: &Subject) -> Vec<SignerPath> {
        let fits = |path: &&SignerPath| {
            let anchor = path.last().unwrap_or(signer);
            subject.anchors.iter().any(|wanted| is_same_anchor(wanted, anchor))
                && !path.iter().any(|above| above.sha256 == subject.certificate.sha256)
        };
        self.paths(signer).iter().filter(fits).cloned().collect()
    }

    fn paths(&self, signer: &Arc<Certificate>) -> Arc<Vec<SignerPath>> {
        let Some((at_hand, question)) = &self.at_hand else { return Arc::default() };
        // A map is whole after any panic of another holder.
        let mut known = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.entry(signer.sha256).or_insert_with(|| {
            let judge = OneOpinion(at_hand.judge);
            let search = path::search(signer, at_hand.pool, at_hand.store, question, &judge);
            let valid = search.paths.into_iter().filter(|path| path.judgement.valid);
            Arc::new(valid.map(|path| path.certificates.into_iter().skip(1).collect()).collect())
        });
        found.clone()
    }
}

/// A judge that is spared asking another verifier about paths that nobody is shown.
struct OneOpinion<'a>(&'a dyn PathJudge);

impl PathJudge for OneOpinion<'_> {
    fn judge(&self, candidate: &Candidate<'_>, question: &Question) -> Judgement {
        self.0.judge(candidate, question)
    }

    fn second_opinion(&self, _: &Candidate<'_>, _: &Question) -> String {
        String::new()
    }
}

/// The best of several outcomes; `failure` where there is none.
fn best(outcomes: impl Iterator<Item = Signed>, failure: Signed) -> Signed {
    let rank = |outcome: &Signed| match outcome {
        Signed::By(_) => 0,
        // The one that counts may be among the others.
        Signed::TooMany => 1,
        Signed::Revoked { .. } => 2,
        Signed::StatusOpen { .. } => 3,
        Signed::NotForCrls { .. } => 4,
        _ => 5,
    };
    outcomes.min_by_key(rank).unwrap_or(failure)
}

/// A signer and what is above it, but for the trust anchor, which nobody revokes.
fn below_anchor<'p>(signer: &'p Arc<Certificate>, path: &'p SignerPath) -> impl Iterator<Item = &'p Arc<Certificate>> {
    std::iter::once(signer).chain(path).take(path.len())
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
