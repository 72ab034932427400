//! The narrow interface behind which paths are judged, and rustls-webpki behind it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::aws_lc_rs as algorithms;
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage};

use super::constraints::NameConstraints;
use super::{Defect, DefectKind, Purpose, Question, explain};
use crate::x509::der::{self, SEQUENCE};
use crate::x509::extensions::oid;
use crate::x509::{Certificate, PublicKey};

/// What is said of one path.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// Whether a client would accept it (revocation and host name aside).
    pub valid: bool,
    /// rustls-webpki's own word: `ok`, or its error.
    pub webpki: String,
    /// Every rule found broken, most to the point first; empty when valid.
    pub defects: Vec<Defect>,
}

/// Judges one candidate path.
pub trait PathJudge: Send + Sync {
    /// `path` runs from the leaf to the trust anchor, or as far up as issuers were found when not `trusted`.
    fn judge(&self, path: &[Arc<Certificate>], trusted: bool, question: &Question) -> Judgement;
}

/// rustls-webpki decides; [`super::explain`] names certificate, rule and value.
///
/// Two things are decided otherwise, as other clients do: an anchor's own validity counts, and a
/// leaf that is itself an anchor is valid without anyone having signed it.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebpkiJudge;

impl PathJudge for WebpkiJudge {
    fn judge(&self, path: &[Arc<Certificate>], trusted: bool, question: &Question) -> Judgement {
        let Some((leaf, issuers)) = path.split_first() else { return Judgement::default() };
        let verdict = ask(path, trusted, question.at, question.purpose);
        let webpki = verdict.as_ref().map_or_else(words, |()| "ok".to_owned());
        let defects = match (&verdict, path.last()) {
            _ if trusted && issuers.is_empty() => explain::anchored_leaf(leaf, question),
            (Ok(()), Some(anchor)) => explain::dates(anchor, question.at)
                .map(|kind| Defect { certificate: anchor.sha256, kind })
                .into_iter()
                .collect(),
            (Err(error), _) => objections(path, trusted, question, error),
            (Ok(()), None) => Vec::new(),
        };
        Judgement { valid: trusted && defects.is_empty(), webpki, defects }
    }
}

/// What stands against a path that webpki refuses: what [`explain`] finds, and webpki's own reason
/// where that is not among it.
fn objections(path: &[Arc<Certificate>], trusted: bool, question: &Question, error: &Error) -> Vec<Defect> {
    let mut defects = explain::defects(path, trusted, question);
    if !trusted {
        return defects;
    }
    add_reason(path, error, &mut defects);
    // webpki stops at an expired certificate; an instant at which all are valid shows what else there is.
    if is_about_dates(error)
        && let Some(instant) = instant_within_all(path)
        && let Err(further) = ask(path, trusted, instant, question.purpose)
    {
        add_reason(path, &further, &mut defects);
    }
    defects
}

fn add_reason(path: &[Arc<Certificate>], error: &Error, defects: &mut Vec<Defect>) {
    let Some(leaf) = path.first() else { return };
    if defects.iter().any(|defect| accounts_for(defect, error, leaf)) {
        return;
    }
    if is_about_algorithms(error)
        && let Some((certificate, issuer)) = path
            .windows(2)
            .filter_map(|pair| Some((pair.first()?, pair.last()?)))
            .find(|(certificate, issuer)| !is_supported(certificate, &issuer.key))
    {
        let key = issuer.key.curve().unwrap_or_else(|| issuer.key.algorithm_name());
        let algorithm = format!("{} with {key}", certificate.signature_algorithm.name());
        let kind = DefectKind::UnsupportedAlgorithm { algorithm };
        defects.push(Defect { certificate: certificate.sha256, kind });
        return;
    }
    let directory_constraints = path.iter().find(|certificate| {
        certificate
            .extension(oid::NAME_CONSTRAINTS)
            .and_then(|extension| NameConstraints::parse(&extension.value))
            .is_some_and(|constraints| constraints.constrain_directory_names())
    });
    let self_issued = path.iter().skip(1).rev().skip(1).find(|intermediate| intermediate.is_self_issued());
    let (certificate, reason) = match (error, directory_constraints, self_issued) {
        (Error::NameConstraintViolation, Some(constraining), _) => (
            constraining,
            "rustls-webpki refuses every certificate below nameConstraints on directory names, which it does not process"
                .to_owned(),
        ),
        // The signatures verify. webpki tried the anchor's key on what a namesake of the anchor has
        // signed, and that error outranks the one it met after.
        (Error::InvalidSignatureForPublicKey | Error::PathLenConstraintViolated, _, Some(self_issued)) => (
            self_issued,
            "rustls-webpki counts self-issued CA certificates against pathLenConstraint and nameConstraints".to_owned(),
        ),
        _ => (leaf, words(error)),
    };
    // The variant's name, without what it carries.
    let error = format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect();
    defects.push(Defect { certificate: certificate.sha256, kind: DefectKind::Refused { error, reason } });
}

/// Whether the defect is what webpki means by that error.
fn accounts_for(defect: &Defect, error: &Error, leaf: &Certificate) -> bool {
    // The leaf's own key signs no certificate.
    let weak_issuer_key = matches!(defect.kind, DefectKind::WeakKey(_)) && defect.certificate != leaf.sha256;
    match error {
        Error::CertExpired { .. } => matches!(defect.kind, DefectKind::Expired { .. }),
        Error::CertNotValidYet { .. } => matches!(defect.kind, DefectKind::NotYetValid { .. }),
        Error::InvalidSignatureForPublicKey => {
            weak_issuer_key || matches!(defect.kind, DefectKind::BadSignature { .. })
        }
        Error::EndEntityUsedAsCa | Error::UnsupportedCertVersion => matches!(defect.kind, DefectKind::NotACa { .. }),
        Error::PathLenConstraintViolated => matches!(defect.kind, DefectKind::PathLength { .. }),
        Error::NameConstraintViolation => matches!(defect.kind, DefectKind::NameConstraints { .. }),
        Error::UnsupportedCriticalExtension => matches!(defect.kind, DefectKind::UnknownCriticalExtension { .. }),
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
            matches!(defect.kind, DefectKind::WrongPurpose { .. })
        }
        error if is_about_algorithms(error) => {
            weak_issuer_key
                || matches!(defect.kind, DefectKind::WeakSignature { .. } | DefectKind::UnsupportedAlgorithm { .. })
        }
        _ => false,
    }
}

fn is_about_dates(error: &Error) -> bool {
    matches!(error, Error::CertExpired { .. } | Error::CertNotValidYet { .. })
}

fn is_about_algorithms(error: &Error) -> bool {
    matches!(
        error,
        Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
    )
}

/// An instant at which every certificate below the anchor is valid.
fn instant_within_all(path: &[Arc<Certificate>]) -> Option<Timestamp> {
    let (_, below) = path.split_last()?;
    let from = below.iter().map(|certificate| certificate.not_before).max()?;
    let to = below.iter().map(|certificate| certificate.not_after).min()?;
    (from <= to).then_some(from)
}

/// aws-lc-rs alone: webpki's own list has ring's first where both are compiled in.
static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P256_SHA512,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ECDSA_P384_SHA512,
    algorithms::ECDSA_P521_SHA256,
    algorithms::ECDSA_P521_SHA384,
    algorithms::ECDSA_P521_SHA512,
    algorithms::ED25519,
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
    algorithms::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
    algorithms::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    algorithms::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    algorithms::ML_DSA_44,
    algorithms::ML_DSA_65,
    algorithms::ML_DSA_87,
];

fn is_supported(certificate: &Certificate, key: &PublicKey) -> bool {
    let contents = || {
        let (outer, _) = der::expect(&certificate.der, SEQUENCE)?;
        let (_, after_tbs) = der::read(outer.value)?;
        let (signature_algorithm, _) = der::expect(after_tbs, SEQUENCE)?;
        let (spki, _) = der::expect(&key.spki, SEQUENCE)?;
        let (key_algorithm, _) = der::expect(spki.value, SEQUENCE)?;
        Some((signature_algorithm.value, key_algorithm.value))
    };
    contents().is_some_and(|(signature_algorithm, key_algorithm)| {
        ALGORITHMS.iter().any(|algorithm| {
            algorithm.signature_alg_id().as_ref() == signature_algorithm
                && algorithm.public_key_alg_id().as_ref() == key_algorithm
        })
    })
}

/// Accepts any `extKeyUsage`.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

/// Puts exactly this path to webpki: its anchor, its intermediates, in its order.
fn ask(path: &[Arc<Certificate>], trusted: bool, at: Timestamp, purpose: Purpose) -> Result<(), Error> {
    let encoded: Vec<CertificateDer<'_>> =
        path.iter().map(|certificate| CertificateDer::from(certificate.der.as_ref())).collect();
    let Some((leaf, issuers)) = encoded.split_first() else { return Err(Error::UnknownIssuer) };
    let (anchor, intermediates) = match issuers.split_last() {
        Some((anchor, intermediates)) if trusted => (Some(anchor), intermediates),
        None if trusted => (Some(leaf), issuers),
        _ => (None, issuers),
    };
    let anchors = anchor.map(webpki::anchor_from_trusted_cert).transpose()?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0)));
    let leaf = EndEntityCert::try_from(leaf)?;
    // It may find a shorter way through the same certificates; that one is another path's to judge.
    let this_path = |found: &webpki::VerifiedPath<'_>| {
        let same =
            found.intermediate_certificates().map(|intermediate| intermediate.der()).eq(intermediates.iter().cloned());
        if same { Ok(()) } else { Err(Error::UnknownIssuer) }
    };
    let anchors = anchors.as_slice();
    let all = ALGORITHMS;
    let verdict = match purpose {
        Purpose::Server => {
            leaf.verify_for_usage(all, anchors, intermediates, time, KeyUsage::server_auth(), None, Some(&this_path))
        }
        Purpose::Client => {
            leaf.verify_for_usage(all, anchors, intermediates, time, KeyUsage::client_auth(), None, Some(&this_path))
        }
        Purpose::Any => leaf.verify_for_usage(all, anchors, intermediates, time, AnyPurpose, None, Some(&this_path)),
    };
    verdict.map(|_| ())
}

/// webpki's error in words; its own are its source code's.
fn words(error: &Error) -> String {
    let instant = |time: &UnixTime| {
        i64::try_from(time.as_secs())
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .map_or_else(|| "a date out of range".to_owned(), der::rfc3339)
    };
    let text = match error {
        Error::CertExpired { not_after, .. } => return format!("a certificate expired at {}", instant(not_after)),
        Error::CertNotValidYet { not_before, .. } => {
            return format!("a certificate is not valid before {}", instant(not_before));
        }
        Error::BadDer | Error::TrailingData(_) => "a certificate is not encoded in DER as it should be",
        Error::BadDerTime => "a certificate's dates are not encoded as they should be",
        Error::CaUsedAsEndEntity => "a CA certificate stands where the end entity's should",
        Error::CertDistrusted => "a certificate's key is distrusted by name",
        Error::EmptyEkuExtension => "extKeyUsage is empty",
        Error::EndEntityUsedAsCa => "a certificate that is not a CA's was used to issue another",
        Error::ExtensionValueInvalid => "an extension is malformed, or there twice",
        Error::InvalidCertValidity => "a certificate ends before it begins",
        Error::InvalidNetworkMaskConstraint => "nameConstraints hold an address mask that is not a prefix",
        Error::InvalidSerialNumber => "a serial number is not valid",
        Error::InvalidSignatureForPublicKey => "a signature does not verify with the issuer's key",
        Error::MalformedDnsIdentifier => "a DNS name is malformed",
        Error::MalformedExtensions => "the extensions are malformed",
        Error::MalformedNameConstraint => "nameConstraints are malformed",
        Error::MaximumNameConstraintComparisonsExceeded => "too many name constraints to compare",
        Error::MaximumPathBuildCallsExceeded | Error::MaximumSignatureChecksExceeded => "the path is too complex",
        Error::MaximumPathDepthExceeded => "the path has more than 6 intermediate certificates",
        Error::NameConstraintViolation => "a name lies outside the nameConstraints above it",
        Error::PathLenConstraintViolated => "there are more CAs in the path than pathLenConstraint allows",
        Error::RequiredEkuNotFoundContext(_) => "extKeyUsage does not include the purpose",
        Error::SignatureAlgorithmMismatch => "a certificate names two different signature algorithms",
        Error::UnknownIssuer => "unknown issuer",
        Error::UnsupportedCertVersion => "a certificate is not of version 3",
        Error::UnsupportedCriticalExtension => "a critical extension is not supported",
        Error::UnsupportedSignatureAlgorithmContext(_) => "a signature algorithm is not supported",
        Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "a signature algorithm is not supported with the issuer's key"
        }
        other => return format!("{other:?}"),
    };
    text.to_owned()
}
