//! Whose signature a CRL bears (RFC 5280 §6.3.3 (f) and (g)).

use std::sync::Arc;

use super::super::Subject;
use crate::x509::crl::Crl;
use crate::x509::{Certificate, SignatureError};

/// Signature checks spent on one CRL: a CA has a few keys at most.
const MAX_KEYS: usize = 8;

/// The certificates among which a CRL's signer is looked for: all of the paths examined, so that a CA with
/// several keys is found under each.
#[derive(Debug, Clone, Default)]
pub struct Signers(Vec<Arc<Certificate>>);

/// How the signature came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// It verifies.
    Yes,
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
    /// Its algorithm cannot be verified.
    Unsupported {
        /// Which.
        algorithm: String,
    },
}

impl Signers {
    /// Those of these certificates.
    pub fn new(certificates: impl IntoIterator<Item = Arc<Certificate>>) -> Self {
        let mut known: Vec<Arc<Certificate>> = Vec::new();
        for certificate in certificates {
            if !known.iter().any(|known| known.sha256 == certificate.sha256) {
                known.push(certificate);
            }
        }
        Self(known)
    }

    /// Those of the paths that the subjects are on.
    #[must_use]
    pub fn of(subjects: &[Subject]) -> Self {
        let of_subject = |subject: &Subject| {
            let issuer = subject.issuer.iter().chain(&subject.above).cloned();
            issuer.chain(std::iter::once(subject.certificate.clone())).collect::<Vec<_>>()
        };
        Self::new(subjects.iter().flat_map(of_subject))
    }

    /// Verifies a CRL with every key of its issuer, the one its `authorityKeyIdentifier` names first.
    #[must_use]
    pub fn verify(&self, crl: &Crl) -> Signed {
        let mut candidates: Vec<&Arc<Certificate>> =
            self.0.iter().filter(|certificate| certificate.subject.matches(&crl.issuer)).collect();
        candidates.sort_by_key(|candidate| !Self::is_named_by(crl, candidate));
        let signer = crl.issuer.to_string();
        let mut outcome = Signed::NoCertificate;
        for candidate in candidates.into_iter().take(MAX_KEYS) {
            match crl.verify(&candidate.key) {
                Ok(()) if may_sign_crls(candidate) => return Signed::Yes,
                Ok(()) => outcome = Signed::NotForCrls { signer: signer.clone() },
                Err(SignatureError::Unsupported { algorithm, .. }) if outcome == Signed::NoCertificate => {
                    outcome = Signed::Unsupported { algorithm };
                }
                Err(SignatureError::Invalid) if !matches!(outcome, Signed::NotForCrls { .. }) => {
                    outcome = Signed::No { signer: signer.clone() };
                }
                Err(_) => {}
            }
        }
        outcome
    }

    /// Whether any certificate bears the name and the key that the CRL says it is signed with.
    #[must_use]
    pub fn has_named_key(&self, crl: &Crl) -> bool {
        self.0.iter().any(|candidate| candidate.subject.matches(&crl.issuer) && Self::is_named_by(crl, candidate))
    }

    fn is_named_by(crl: &Crl, candidate: &Certificate) -> bool {
        crl.authority_key_identifier.is_some() && crl.authority_key_identifier == candidate.subject_key_identifier
    }
}

/// `cRLSign` where there is a `keyUsage` (RFC 5280 §6.3.3 (f)); else any CA, and version 1 roots, which
/// have no extensions to say so.
fn may_sign_crls(certificate: &Certificate) -> bool {
    certificate.key_usage.map_or(certificate.is_ca() || certificate.version < 3, |usage| usage.crl_sign())
}
