//! The second opinion: what rustls-webpki, the verifier of the rustls ecosystem, says of a path.
//!
//! Input: one path. Output: `ok`, or why it refuses, in words. It judges otherwise than RFC 5280 in places: it takes
//! no critical policy extensions, no `directoryName` constraints, no CA certificate as a leaf, and not more than six
//! intermediates; it passes over `keyUsage`.

use std::sync::Arc;
use std::time::Duration;

use ::webpki::aws_lc_rs as algorithms;
use ::webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage};
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};

use super::{Purpose, Question};
use crate::x509::Certificate;
use crate::x509::der;

/// What it says: `ok`, or its reason in words. `path` and `trusted` are as in [`super::Candidate`].
pub(super) fn opinion(path: &[Arc<Certificate>], trusted: bool, question: &Question) -> String {
    let verdict = ask(path, trusted, question.at, question.purpose);
    verdict.as_ref().map_or_else(words, |()| "ok".to_owned())
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
    let anchors = anchor.map(::webpki::anchor_from_trusted_cert).transpose()?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0)));
    let leaf = EndEntityCert::try_from(leaf)?;
    // It may find a shorter way through the same certificates; that one is another path's to judge.
    let this_path = |found: &::webpki::VerifiedPath<'_>| {
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
