//! Certification path validation (RFC 5280 §6.1), with the rules a TLS client adds to it.
//!
//! Input: one path with the outcome of each signature, the instant, the purpose, the policies wanted. Output:
//! every rule that is broken, each with the certificate at fault and the values; a path without any is valid.
//! The RFC's algorithm stops at the first; here every rule is looked at by itself, so that all are known.
//!
//! A trust anchor is a name and a key (RFC 5280 §6.1.1 (d)), to which the validity of its certificate is added, as
//! clients do, and its `nameConstraints` as initial subtrees (§6.1.1 (h), (i)). Nothing else of it is looked at.

use std::sync::Arc;

use jiff::Timestamp;

use super::constraints::{Comparisons, Exhausted, NameConstraints, Violation};
use super::{Candidate, Defect, DefectKind, Purpose, Question, policy, profile};
use crate::x509::extensions::{oid, purpose_name};
use crate::x509::{Certificate, KeyAlgorithm, SignatureError};

/// Extensions that are processed, so that they may be critical.
const PROCESSED: [&str; 15] = [
    oid::AUTHORITY_INFO_ACCESS,
    oid::AUTHORITY_KEY_IDENTIFIER,
    oid::BASIC_CONSTRAINTS,
    oid::CERTIFICATE_POLICIES,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::EXTENDED_KEY_USAGE,
    oid::FRESHEST_CRL,
    oid::INHIBIT_ANY_POLICY,
    oid::KEY_USAGE,
    oid::NAME_CONSTRAINTS,
    oid::POLICY_CONSTRAINTS,
    oid::POLICY_MAPPINGS,
    oid::SUBJECT_ALT_NAME,
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::TLS_FEATURE,
];

/// Every rule that the path breaks: the missing end first, then signatures, then the other rules from the leaf
/// upwards, then policies.
#[must_use]
pub fn defects(candidate: &Candidate<'_>, question: &Question) -> Vec<Defect> {
    let Candidate { certificates: path, trusted, .. } = *candidate;
    let mut defects = Vec::new();
    if trusted && let [leaf] = path {
        return anchored_leaf(leaf, question);
    }
    if !trusted {
        defects.extend(end(path));
    }
    signatures(candidate, &mut defects);
    for (position, certificate) in path.iter().enumerate() {
        let is_top = position + 1 == path.len();
        let is_anchor = trusted && is_top;
        // Whether a root that is not trusted would be fit as an anchor is another question.
        let is_root = is_top && (trusted || (position > 0 && certificate.is_self_issued()));
        let mut add = |kind| defects.push(Defect { certificate: certificate.sha256, kind });
        dates(certificate, question.at).into_iter().for_each(&mut add);
        certificate.key.weakness().map(DefectKind::WeakKey).into_iter().for_each(&mut add);
        if !is_anchor {
            unknown_critical_extensions(certificate).for_each(&mut add);
            wrong_purpose(certificate, position, question.purpose).into_iter().for_each(&mut add);
        }
        if !is_root {
            if position > 0 {
                ca_defects(path, position).for_each(&mut add);
            } else {
                leaf_key_usage(certificate, question.purpose).into_iter().for_each(&mut add);
            }
            profile::violations(certificate, position, question.purpose)
                .into_iter()
                .map(DefectKind::Profile)
                .for_each(add);
        }
    }
    name_constraints(path, &mut defects);
    let policies = policy::faults(path, trusted, &question.policies).into_iter();
    defects.extend(policies.filter_map(|(position, fault)| {
        Some(Defect { certificate: path.get(position)?.sha256, kind: DefectKind::Policy(fault) })
    }));
    defects
}

/// What matters of a leaf that is itself a trust anchor: nobody has to vouch for it.
fn anchored_leaf(leaf: &Certificate, question: &Question) -> Vec<Defect> {
    let weak = leaf.key.weakness().map(DefectKind::WeakKey);
    let kinds = dates(leaf, question.at).into_iter().chain(weak).chain(wrong_purpose(leaf, 0, question.purpose));
    kinds.chain(unknown_critical_extensions(leaf)).map(|kind| Defect { certificate: leaf.sha256, kind }).collect()
}

/// Whether a certificate breaks a rule wherever it stands above a leaf: such a candidate comes last in the search.
#[must_use]
pub(super) fn is_unfit_issuer(certificate: &Certificate, is_anchor: bool, question: &Question) -> bool {
    let is_unusable = dates(certificate, question.at).is_some() || certificate.key.weakness().is_some();
    let breaks_a_rule = || {
        !certificate.is_ca()
            || certificate.key_usage.is_some_and(|usage| !usage.key_cert_sign())
            || certificate.signature_algorithm.is_weak()
            || unknown_critical_extensions(certificate).next().is_some()
            || wrong_purpose(certificate, 1, question.purpose).is_some()
            || !profile::violations(certificate, 1, question.purpose).is_empty()
    };
    is_unusable || (!is_anchor && breaks_a_rule())
}

/// Whether a certificate standing above these may have them below it: what grows with a path, and so tells the
/// search early which way is closed.
///
/// # Errors
/// [`Exhausted`] when that takes more comparisons than are left.
pub(super) fn may_stand_above(
    path: &[Arc<Certificate>],
    certificate: &Arc<Certificate>,
    is_anchor: bool,
    comparisons: &mut Comparisons,
) -> Result<bool, Exhausted> {
    let whole: Vec<Arc<Certificate>> = path.iter().chain([certificate]).cloned().collect();
    if !is_anchor && path_length(&whole, path.len()).is_some() {
        return Ok(false);
    }
    let mut defects = Vec::new();
    name_constraints_at(&whole, path.len(), comparisons, &mut defects);
    if defects.iter().any(|defect| defect.kind == DefectKind::TooManyNameConstraints) {
        return Err(Exhausted);
    }
    Ok(defects.is_empty())
}

/// Validity, to the second, as certificates state it (RFC 5280 §6.1.3 (a)(2)): an instant within the last
/// second is within.
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

/// Why a path that reaches no trust anchor ends where it does.
fn end(path: &[Arc<Certificate>]) -> Option<Defect> {
    let (top, below) = path.split_last()?;
    let no_issuer =
        || DefectKind::NoIssuer { issuer: top.issuer.to_string(), ca_issuers_urls: top.ca_issuers_urls.clone() };
    let kind = if !top.is_self_issued() {
        // The leaf issues nothing.
        let is_circle = below.iter().skip(1).any(|certificate| certificate.subject.matches(&top.issuer));
        if is_circle { DefectKind::Circle { issuer: top.issuer.to_string() } } else { no_issuer() }
    } else if !below.is_empty() {
        DefectKind::UntrustedRoot { subject: top.subject.to_string() }
    } else {
        match top.verify(&top.key) {
            // A signature that cannot be verified is as good as none, and self-signed ones prove nothing anyway.
            Ok(()) | Err(SignatureError::Unsupported { .. }) => DefectKind::SelfSigned,
            Err(SignatureError::Invalid) => match (&top.authority_key_identifier, &top.subject_key_identifier) {
                // Another key of the same name signed it.
                (Some(authority), Some(subject)) if authority != subject => no_issuer(),
                _ => DefectKind::BadSignature { issuer: top.issuer.to_string() },
            },
        }
    };
    Some(Defect { certificate: top.sha256, kind })
}

/// RFC 5280 §6.1.3 (a)(1) and (4). Names need no comparing: the search joins by them.
fn signatures(candidate: &Candidate<'_>, defects: &mut Vec<Defect>) {
    let Candidate { certificates: path, trusted, links } = *candidate;
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
        // What nobody verified does not hold.
        let link = links.get(position).unwrap_or(&Err(SignatureError::Invalid));
        match link {
            Ok(()) => {}
            // Which of the two algorithms it was made with cannot be told; the profile says so.
            Err(_) if certificate.signature_algorithms_differ => {}
            Err(SignatureError::Invalid) => add(DefectKind::BadSignature { issuer: issuer.subject.to_string() }),
            // Where algorithm or key is too weak to be supported, that is said already.
            Err(SignatureError::Unsupported { .. }) if is_weak || issuer.key.weakness().is_some() => {}
            Err(SignatureError::Unsupported { algorithm, key }) => {
                add(DefectKind::UnsupportedAlgorithm { algorithm: format!("{algorithm} with {key}") });
            }
        }
    }
}

/// RFC 5280 §6.1.4 (o), §6.1.5 (f)
fn unknown_critical_extensions(certificate: &Certificate) -> impl Iterator<Item = DefectKind> {
    certificate
        .extensions
        .iter()
        .filter(|extension| extension.critical && !PROCESSED.contains(&extension.oid.as_str()))
        .map(|extension| DefectKind::UnknownCriticalExtension { oid: extension.oid.clone() })
}

/// A CA's `extKeyUsage` limits what is below it: not RFC 5280's rule, but every TLS client's. There,
/// `anyExtendedKeyUsage` limits nothing; in a leaf it is not the purpose itself (RFC 5280 §4.2.1.12 leaves that
/// to the application, and TLS clients insist).
fn wrong_purpose(certificate: &Certificate, position: usize, purpose: Purpose) -> Option<DefectKind> {
    let wanted = wanted_purpose(purpose)?.1;
    purposes_without(certificate, position, purpose).map(|found| DefectKind::WrongPurpose { found, wanted })
}

/// The purposes that a certificate at this position of a path (0: the leaf) lists without the one needed; `None` where
/// it allows that one.
#[must_use]
pub fn purposes_without(certificate: &Certificate, position: usize, purpose: Purpose) -> Option<Vec<String>> {
    let (wanted, _) = wanted_purpose(purpose)?;
    let found = certificate.extended_key_usage.as_ref()?;
    if found.iter().any(|purpose| purpose == wanted || (position > 0 && purpose == oid::ANY_EXTENDED_KEY_USAGE)) {
        return None;
    }
    Some(found.iter().map(|purpose| purpose_name(purpose).to_owned()).collect())
}

/// OID and name of what a purpose needs.
fn wanted_purpose(purpose: Purpose) -> Option<(&'static str, &'static str)> {
    match purpose {
        Purpose::Server => Some((oid::SERVER_AUTH, "serverAuth")),
        Purpose::Client => Some((oid::CLIENT_AUTH, "clientAuth")),
        Purpose::Any => None,
    }
}

/// RFC 5280 §6.1.4 (k), (l), (m), (n)
fn ca_defects(path: &[Arc<Certificate>], position: usize) -> impl Iterator<Item = DefectKind> {
    let certificate = path.get(position);
    let not_a_ca = certificate.filter(|certificate| !certificate.is_ca()).map(|it| DefectKind::NotACa {
        basic_constraints_present: it.basic_constraints.is_some(),
        version: it.version,
    });
    let key_usage = certificate
        .filter(|certificate| certificate.key_usage.is_some_and(|usage| !usage.key_cert_sign()))
        .map(|_| DefectKind::KeyUsage);
    not_a_ca.into_iter().chain(key_usage).chain(path_length(path, position))
}

/// What a TLS end entity's key must be allowed to do (RFC 8446 §4.4.2.2; RFC 5246 §7.4.2 for RSA key transport). A CA's
/// certificate in the leaf's place is not held to it: it is there as what it is.
fn leaf_key_usage(leaf: &Certificate, purpose: Purpose) -> Option<DefectKind> {
    const DIGITAL_SIGNATURE: u16 = 1;
    const KEY_ENCIPHERMENT: u16 = 1 << 2;
    const KEY_AGREEMENT: u16 = 1 << 4;
    let usage = leaf.key_usage.filter(|_| !leaf.is_ca())?;
    let (allowed, needed) = match (purpose, &leaf.key.algorithm) {
        (Purpose::Any, _) => return None,
        (Purpose::Server, KeyAlgorithm::Rsa { .. }) => {
            (DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT, "digitalSignature or keyEncipherment")
        }
        _ => (DIGITAL_SIGNATURE, "digitalSignature"),
    };
    (usage.0 & allowed == 0).then_some(DefectKind::LeafKeyUsage { needed })
}

/// RFC 5280 §4.2.1.9: self-issued intermediates and the leaf do not count.
fn path_length(path: &[Arc<Certificate>], position: usize) -> Option<DefectKind> {
    let limit = path.get(position)?.basic_constraints.filter(|constraints| constraints.ca)?.path_len_constraint?;
    let found = path.get(1..position)?.iter().filter(|intermediate| !intermediate.is_self_issued()).count();
    (u32::try_from(found).unwrap_or(u32::MAX) > limit).then_some(DefectKind::PathLength { limit, found })
}

/// RFC 5280 §6.1.3 (b), (c). Each CA's constraints are held against everything below it: the same as
/// intersecting the permitted subtrees and uniting the excluded ones, but the CA stays known.
fn name_constraints(path: &[Arc<Certificate>], defects: &mut Vec<Defect>) {
    let mut comparisons = Comparisons::for_a_path();
    // Those of the leaf constrain nothing; that it has any is the profile's concern.
    for position in 1..path.len() {
        name_constraints_at(path, position, &mut comparisons, defects);
    }
}

fn name_constraints_at(
    path: &[Arc<Certificate>],
    position: usize,
    comparisons: &mut Comparisons,
    defects: &mut Vec<Defect>,
) {
    let Some((below, certificate)) = path.get(..position).zip(path.get(position)) else { return };
    let Some(extension) = certificate.extension(oid::NAME_CONSTRAINTS) else { return };
    let mut add = |kind| defects.push(Defect { certificate: certificate.sha256, kind });
    let Some(constraints) = NameConstraints::parse(&extension.value) else {
        return add(DefectKind::MalformedNameConstraints { reason: "the extension does not decode".to_owned() });
    };
    if let Some((subtree, reason)) = constraints.malformed_subtree() {
        return add(DefectKind::MalformedNameConstraints { reason: format!("{subtree}: {reason}") });
    }
    // RFC 5280 §6.1.3 (b): self-issued certificates are exempt, unless they are the leaf.
    let bound = below.iter().enumerate().filter(|(below, certificate)| *below == 0 || !certificate.is_self_issued());
    for (_, bound) in bound {
        match constraints.violations(bound, comparisons) {
            Ok(violations) => violations.into_iter().for_each(|Violation { name, constraint }| {
                add(DefectKind::NameConstraints { name, constraint, holder: bound.sha256 });
            }),
            Err(Exhausted) => return add(DefectKind::TooManyNameConstraints),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, links, self_signed};
    use super::*;
    use crate::x509::key::KeyWeakness;

    fn kinds(path: &[Arc<Certificate>], trusted: bool) -> Vec<(usize, DefectKind)> {
        let question = Question::new("2026-06-01T12:00:00Z".parse().unwrap(), Purpose::Server);
        let place = |defect: &Defect| path.iter().position(|it| it.sha256 == defect.certificate).unwrap();
        let links = links(path);
        let candidate = Candidate { certificates: path, trusted, links: &links };
        defects(&candidate, &question).into_iter().map(|defect| (place(&defect), defect.kind)).collect()
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
