//! Which certificate of a path breaks which rule, with which value.
//!
//! A verifier stops at its first objection and names no certificate. Here every rule is looked at
//! by itself, so that all objections are known at once; a judge decides whether they matter.

use std::sync::Arc;

use jiff::Timestamp;

use super::constraints::NameConstraints;
use super::{Defect, DefectKind, Purpose, Question};
use crate::x509::extensions::{oid, purpose_name};
use crate::x509::signature::{self, Signed};
use crate::x509::{Certificate, PublicKey, SignatureError};

/// Critical extensions that rustls-webpki, the judge, processes.
const PROCESSED: [&str; 6] = [
    oid::KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::BASIC_CONSTRAINTS,
    oid::NAME_CONSTRAINTS,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::EXTENDED_KEY_USAGE,
];

/// Every rule that the path breaks: the missing end first, then signatures, then the other rules
/// from the leaf upwards. `path` and `trusted` are as in [`super::PathJudge::judge`].
#[must_use]
pub fn defects(path: &[Arc<Certificate>], trusted: bool, question: &Question) -> Vec<Defect> {
    let mut defects = Vec::new();
    if !trusted {
        defects.extend(path.last().map(|top| end(top, path.len())));
    }
    signatures(path, trusted, &mut defects);
    for (position, certificate) in path.iter().enumerate() {
        let is_anchor = trusted && position + 1 == path.len();
        let mut add = |kind| defects.push(Defect { certificate: certificate.sha256, kind });
        dates(certificate, question.at).into_iter().for_each(&mut add);
        certificate.key.weakness().map(DefectKind::WeakKey).into_iter().for_each(&mut add);
        // RFC 5280 §6.1 begins below the trust anchor, whose certificate only carries a name and a key.
        if !is_anchor {
            unknown_critical_extensions(certificate).for_each(&mut add);
            wrong_purpose(certificate, question.purpose).into_iter().for_each(&mut add);
            let is_other_root = position + 1 == path.len() && certificate.is_self_issued();
            if position > 0 && !is_other_root && !certificate.is_ca() {
                add(DefectKind::NotACa { basic_constraints_present: certificate.basic_constraints.is_some() });
            }
            path_length(path, position).into_iter().for_each(&mut add);
        }
        name_constraints(path, position).into_iter().for_each(&mut add);
    }
    defects
}

/// What matters of a leaf that is itself a trust anchor: nobody has to vouch for it.
#[must_use]
pub fn anchored_leaf(leaf: &Certificate, question: &Question) -> Vec<Defect> {
    let dates = dates(leaf, question.at);
    let purpose = wrong_purpose(leaf, question.purpose);
    dates
        .into_iter()
        .chain(purpose)
        .chain(unknown_critical_extensions(leaf))
        .map(|kind| Defect { certificate: leaf.sha256, kind })
        .collect()
}

/// Validity, to the second, as certificates state it.
#[must_use]
pub fn dates(certificate: &Certificate, at: Timestamp) -> Option<DefectKind> {
    let second = at.as_second();
    if second < certificate.not_before.as_second() {
        Some(DefectKind::NotYetValid { not_before: certificate.not_before })
    } else if second > certificate.not_after.as_second() {
        Some(DefectKind::Expired { not_after: certificate.not_after })
    } else {
        None
    }
}

/// Verifies the certificate's signature.
///
/// # Errors
/// [`SignatureError`]: not supported, or invalid.
pub fn signed_by(certificate: &Certificate, key: &PublicKey) -> Result<(), SignatureError> {
    let signed = Signed::Message(&certificate.tbs);
    signature::verify(&certificate.signature_algorithm, key, signed, &certificate.signature)
}

/// Why a path that reaches no trust anchor ends where it does.
fn end(top: &Certificate, length: usize) -> Defect {
    let no_issuer =
        || DefectKind::NoIssuer { issuer: top.issuer.to_string(), ca_issuers_urls: top.ca_issuers_urls.clone() };
    let kind = if !top.is_self_issued() {
        no_issuer()
    } else if length > 1 {
        DefectKind::UntrustedRoot { subject: top.subject.to_string() }
    } else {
        match signed_by(top, &top.key) {
            // A signature that cannot be verified is as good as none, and self-signed ones prove nothing anyway.
            Ok(()) | Err(SignatureError::Unsupported { .. }) => DefectKind::SelfSigned,
            Err(SignatureError::Invalid) => match (&top.authority_key_identifier, &top.subject_key_identifier) {
                // Another key of the same name signed it.
                (Some(authority), Some(subject)) if authority != subject => no_issuer(),
                _ => DefectKind::BadSignature { issuer: top.issuer.to_string() },
            },
        }
    };
    Defect { certificate: top.sha256, kind }
}

fn signatures(path: &[Arc<Certificate>], trusted: bool, defects: &mut Vec<Defect>) {
    for (position, certificate) in path.iter().enumerate() {
        let mut add = |kind| defects.push(Defect { certificate: certificate.sha256, kind });
        let issuer = path.get(position + 1);
        // Nobody relies on a root's signature of itself.
        let is_root = issuer.is_none() && (trusted || (position > 0 && certificate.is_self_issued()));
        let is_weak = certificate.signature_algorithm.is_weak();
        if is_weak && !is_root {
            add(DefectKind::WeakSignature { algorithm: certificate.signature_algorithm.name().to_owned() });
        }
        let Some(issuer) = issuer else { continue };
        match signed_by(certificate, &issuer.key) {
            Ok(()) => {}
            Err(SignatureError::Invalid) => add(DefectKind::BadSignature { issuer: issuer.subject.to_string() }),
            // Where algorithm or key is too weak to be supported, that is said already.
            Err(SignatureError::Unsupported { .. }) if is_weak || issuer.key.weakness().is_some() => {}
            Err(SignatureError::Unsupported { algorithm, key }) => {
                add(DefectKind::UnsupportedAlgorithm { algorithm: format!("{algorithm} with {key}") });
            }
        }
    }
}

fn unknown_critical_extensions(certificate: &Certificate) -> impl Iterator<Item = DefectKind> {
    certificate
        .extensions
        .iter()
        .filter(|extension| extension.critical && !PROCESSED.contains(&extension.oid.as_str()))
        .map(|extension| DefectKind::UnknownCriticalExtension { oid: extension.oid.clone() })
}

/// A CA's `extKeyUsage` limits what is below it: not RFC 5280's rule, but every TLS client's.
fn wrong_purpose(certificate: &Certificate, purpose: Purpose) -> Option<DefectKind> {
    let (wanted_oid, wanted) = match purpose {
        Purpose::Server => ("1.3.6.1.5.5.7.3.1", "serverAuth"),
        Purpose::Client => ("1.3.6.1.5.5.7.3.2", "clientAuth"),
        Purpose::Any => return None,
    };
    let found = certificate.extended_key_usage.as_ref()?;
    if found.iter().any(|purpose| purpose == wanted_oid) {
        return None;
    }
    let found = found.iter().map(|purpose| purpose_name(purpose).to_owned()).collect();
    Some(DefectKind::WrongPurpose { found, wanted })
}

/// RFC 5280 §4.2.1.9: self-issued intermediates and the leaf do not count.
fn path_length(path: &[Arc<Certificate>], position: usize) -> Option<DefectKind> {
    let limit = path.get(position)?.basic_constraints.filter(|constraints| constraints.ca)?.path_len_constraint?;
    let found = path.get(1..position)?.iter().filter(|intermediate| !intermediate.is_self_issued()).count();
    (u32::try_from(found).unwrap_or(u32::MAX) > limit).then_some(DefectKind::PathLength { limit, found })
}

fn name_constraints(path: &[Arc<Certificate>], position: usize) -> Option<DefectKind> {
    let constraints = NameConstraints::parse(&path.get(position)?.extension(oid::NAME_CONSTRAINTS)?.value)?;
    path.get(..position)?
        .iter()
        .enumerate()
        // RFC 5280 §6.1.3 (b): self-issued certificates are exempt, unless they are the leaf.
        .filter(|(below, certificate)| *below == 0 || !certificate.is_self_issued())
        .find_map(|(_, certificate)| constraints.violation(certificate))
        .map(|violation| DefectKind::NameConstraints { name: violation.name, constraint: Some(violation.constraint) })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, self_signed};
    use super::*;
    use crate::x509::KeyAlgorithm;
    use crate::x509::key::KeyWeakness;

    fn kinds(path: &[Arc<Certificate>], trusted: bool) -> Vec<(usize, DefectKind)> {
        let question = Question::new("2026-06-01T12:00:00Z".parse().unwrap(), Purpose::Server);
        let place = |defect: &Defect| path.iter().position(|it| it.sha256 == defect.certificate).unwrap();
        defects(path, trusted, &question).into_iter().map(|defect| (place(&defect), defect.kind)).collect()
    }

    fn with_sha1(certificate: &Certificate) -> Arc<Certificate> {
        let mut changed = certificate.clone();
        changed.signature_algorithm.oid = "1.2.840.10045.4.1".into();
        Arc::new(changed)
    }

    fn with_short_key(certificate: &Certificate) -> Arc<Certificate> {
        let mut changed = certificate.clone();
        changed.key.algorithm = KeyAlgorithm::Rsa { bits: 1024 };
        Arc::new(changed)
    }

    #[test]
    fn sha1_counts_on_everything_but_roots() {
        let root = Authority::root("R");
        let inner = root.sub("I");
        let path = [with_sha1(&inner.leaf()), with_sha1(&inner.certificate), with_sha1(&root.certificate)];
        let weak = DefectKind::WeakSignature { algorithm: "ecdsa-with-SHA1".into() };
        for trusted in [true, false] {
            let found = kinds(&path, trusted).into_iter().filter(|(_, kind)| *kind == weak);
            assert_eq!(found.map(|(place, _)| place).collect::<Vec<_>>(), [0, 1]);
        }
        assert!(kinds(&[with_sha1(&self_signed(|_| {}))], false).contains(&(0, weak)));
    }

    #[test]
    fn short_keys_count_everywhere_and_stand_for_what_they_signed() {
        let root = Authority::root("R");
        let inner = root.sub("I");
        let path = [inner.leaf(), with_short_key(&inner.certificate), with_short_key(&root.certificate)];
        let weak = DefectKind::WeakKey(KeyWeakness::ShortRsa { bits: 1024 });
        assert_eq!(kinds(&path, true), [(1, weak.clone()), (2, weak)]);
    }

    #[test]
    fn what_cannot_be_verified_is_told_with_algorithm_and_key() {
        let root = Authority::root("R");
        let mut leaf = (*root.leaf()).clone();
        leaf.signature_algorithm.oid = "1.3.101.113".into();
        let found = kinds(&[Arc::new(leaf), root.certificate], true);
        let [(0, DefectKind::UnsupportedAlgorithm { algorithm })] = &found[..] else { panic!("{found:?}") };
        assert!(algorithm.contains("Ed448") && algorithm.contains("P-256"), "{algorithm}");
    }

    #[test]
    fn a_sound_path_has_no_defects() {
        let root = Authority::root("R");
        let inner = root.sub("I");
        assert_eq!(kinds(&[inner.leaf(), inner.certificate, root.certificate], true), []);
        assert_eq!(kinds(&[], false), []);
    }
}
