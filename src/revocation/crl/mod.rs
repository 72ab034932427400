//! What a CRL says of a certificate, and whether its word counts (RFC 5280 §6.3).
//!
//! Input: every CRL at hand, with where it came from and which certificates name that place. Output: what
//! is wrong with each, what each says of each certificate, and what stays open although nothing is wrong.
//! Complete CRLs come first, delta CRLs are applied to those whose word counts.

mod delta;
mod off_path;
mod scope;
mod signer;
mod weighing;

use jiff::Timestamp;

pub use signer::{Signed, Signers};
pub use weighing::{judge, open_signers};

use super::retrieve::CrlBody;
use super::{Answer, ContentDefect, CrlContent, SignatureState, SourceAnswer, with_skew};
use crate::x509::crl::{Crl, Encoding};
use crate::x509::der::rfc3339;
use crate::x509::{Certificate, RevocationReason};

/// Octets past which a CRL is told to be large: what a directory service with the usual limits takes
/// before it gives up, in decimal megabytes, whatever `--max-crl-size` allows.
pub const LARGE: u64 = 44_000_000;

/// What is expected of a CRL, by where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A URL of `cRLDistributionPoints`: a complete CRL for that point.
    Complete,
    /// A URL of `freshestCRL`: a delta CRL.
    Delta,
    /// A file given: either, for whichever certificates it covers, armoured or not.
    File,
}

/// A place that CRLs came from.
#[derive(Debug, Clone)]
pub struct CrlSource {
    /// The URL as the certificates have it, or the file's path.
    pub url: String,
    /// What is expected there.
    pub role: Role,
    /// Index of every subject that it should speak for.
    pub subjects: Vec<usize>,
    /// What came, in one answer or more.
    pub bodies: Vec<CrlBody>,
}

/// What is to be said of one source.
#[derive(Debug, Clone, Default)]
pub struct CrlVerdict {
    /// What it holds: the first CRL that is usable, else the first.
    pub content: Option<CrlContent>,
    /// What is wrong, most telling first.
    pub defects: Vec<ContentDefect>,
    /// Whether its word counts for at least one subject.
    pub usable: bool,
    /// What it says, by subject. A file has no part in certificates that it is not for.
    pub answers: Vec<(usize, SourceAnswer)>,
    /// The subjects whose CRL it should be, going by the issuer's name.
    pub concerned: Vec<usize>,
}

/// What is to be said of all of them.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// In the order of the sources.
    pub sources: Vec<CrlVerdict>,
    /// For each subject what stays open although no source has a defect that explains it.
    pub open: Vec<Vec<String>>,
}

/// Everything about a CRL that does not depend on a certificate: defects, most telling first, and the state
/// of its signature. Where the signature does not hold, the fields are nobody's word and not judged.
#[must_use]
pub fn inspect(crl: &Crl, signed: &Signed, role: Role, at: Timestamp) -> (SignatureState, Vec<ContentDefect>) {
    let mut defects: Vec<ContentDefect> = signature_defect(signed).into_iter().collect();
    let state = match signed {
        Signed::By(_)
        | Signed::NotForCrls { .. }
        | Signed::NoPath { .. }
        | Signed::Revoked { .. }
        | Signed::StatusOpen { .. } => SignatureState::Valid,
        Signed::No { .. } => SignatureState::Invalid,
        Signed::NoCertificate | Signed::TooMany | Signed::Unsupported { .. } => SignatureState::Unchecked,
    };
    if matches!(signed, Signed::By(_) | Signed::StatusOpen { .. } | Signed::NoCertificate | Signed::TooMany) {
        defects.extend(forbidden(crl).map(|reason| ContentDefect::Malformed { reason: reason.to_owned() }));
        let critical = |oid: &String, entry| ContentDefect::UnknownCriticalExtension { oid: oid.clone(), entry };
        defects.extend(crl.unknown_critical_extensions.iter().map(|oid| critical(oid, false)));
        defects.extend(crl.unknown_critical_entry_extensions.iter().map(|oid| critical(oid, true)));
        judge_times(crl, at, &mut defects);
    }
    if matches!(signed, Signed::By(_)) && crl.signature_algorithm.is_weak() {
        defects.push(ContentDefect::WeakSignature { algorithm: crl.signature_algorithm.name().to_owned() });
    }
    if role != Role::File {
        if crl.encoding == Encoding::Pem {
            defects.push(ContentDefect::NotDer { format: "PEM" });
        }
        if crl.size > LARGE {
            defects.push(ContentDefect::Large { size: crl.size });
        }
    }
    (state, defects)
}

/// What keeps a CRL's signature from counting.
fn signature_defect(signed: &Signed) -> Option<ContentDefect> {
    let wrong = |signer: &String, found: &str, expected: &str| ContentDefect::WrongIssuer {
        expected: format!("a certificate of {signer} {expected}"),
        found: format!("a certificate of {signer} {found}"),
    };
    Some(match signed {
        // Nothing is wrong with it where its signer's status is open: that leaves the certificate's status open too.
        Signed::By(_) | Signed::StatusOpen { .. } => return None,
        Signed::NoCertificate | Signed::TooMany => ContentDefect::Unverified,
        Signed::No { signer } => ContentDefect::BadSignature { signer: signer.clone() },
        Signed::NotForCrls { signer } => wrong(signer, "without the key usage cRLSign", "with the key usage cRLSign"),
        Signed::NoPath { signer } => {
            wrong(signer, "that has no valid path to the trust anchor", "that has a valid path to the trust anchor")
        }
        Signed::Revoked { signer, at } => {
            wrong(signer, &format!("that was revoked at {}", rfc3339(*at)), "that is not revoked")
        }
        Signed::Unsupported { algorithm } => ContentDefect::UnsupportedSignature { algorithm: algorithm.clone() },
    })
}

/// What has to be at hand for a CRL to count that has nothing wrong about it.
fn unsettled(signed: &Signed, crl: &Crl, place: &str) -> String {
    match signed {
        Signed::TooMany => format!(
            "too many certificates of {} are at hand to find the one that counts for the CRL from {place}; give fewer \
             (--intermediates)",
            crl.issuer
        ),
        Signed::StatusOpen { signer, open } => {
            let whose = if signer == open { "whose".to_owned() } else { format!("above which {}'s", open.subject) };
            let points = scope::points(open, None);
            let issuers = points.first().map(|point| scope::expected_issuers(open, point)).unwrap_or_default();
            let issuer = issuers.first().copied().unwrap_or(&open.issuer);
            let at = points.iter().flat_map(|point| point.urls()).next();
            let at = at.map(|url| format!(" at {url}")).unwrap_or_default();
            format!(
                "the CRL from {place} is signed by {}, {whose} certificate with serial number {} may be revoked for \
                 all that usable CRLs tell; the current CRL of {issuer}{at} would settle it (--crl)",
                signer.subject, open.serial
            )
        }
        _ => {
            let text = "is at hand to verify the CRL from";
            format!("no certificate of {} {text} {place} with (--intermediates)", crl.issuer)
        }
    }
}

/// What RFC 5280 forbids in a CRL and leaves no safe way to read it.
fn forbidden(crl: &Crl) -> Option<&'static str> {
    let is_indirect = crl.issuing_distribution_point.as_ref().is_some_and(|scope| scope.indirect_crl);
    if crl.has_empty_list {
        Some("revokedCertificates is there but empty, where it must be absent (RFC 5280 §5.1.2.6)")
    } else if crl.crl_number_is_critical {
        Some("its cRLNumber is marked critical, which it must not be (RFC 5280 §5.2.3)")
    } else if crl.has_certificate_issuers && !is_indirect {
        Some("an entry names a certificateIssuer, though it is no indirect CRL (RFC 5280 §5.3.3)")
    } else {
        None
    }
}

/// What one CRL by itself says of a certificate: by the distribution points that name this URL, or by any of
/// them where none does. `None` where a delta CRL does not list it.
///
/// # Errors
/// [`ContentDefect::WrongIssuer`] or [`ContentDefect::OutOfScope`]
pub fn answer_for(crl: &Crl, certificate: &Certificate, url: &str) -> Result<Option<Answer>, ContentDefect> {
    let mut points = scope::points(certificate, Some(url));
    if points.is_empty() {
        points = scope::points(certificate, None);
    }
    let expected = points.first().and_then(|point| scope::expected_issuers(certificate, point).first().copied());
    let mut refusal = ContentDefect::WrongIssuer {
        expected: expected.unwrap_or(&certificate.issuer).to_string(),
        found: crl.issuer.to_string(),
    };
    for point in points.iter().filter(|point| scope::is_issuer_expected(crl, certificate, point)) {
        match scope::reasons(crl, certificate, point) {
            Ok(_) if crl.delta_base.is_some() => return Ok(own_answer(crl, certificate)),
            Ok(_) => return Ok(Some(own_answer(crl, certificate).unwrap_or(Answer::Good))),
            Err(reason) => refusal = ContentDefect::OutOfScope { certificate: certificate.sha256, reason },
        }
    }
    Err(refusal)
}

/// The CRL in short.
#[must_use]
pub fn content(crl: &Crl, signature: SignatureState) -> CrlContent {
    CrlContent {
        issuer: crl.issuer.to_string(),
        this_update: crl.this_update,
        next_update: crl.next_update,
        next_publish: crl.next_publish,
        signature,
        signature_algorithm: crl.signature_algorithm.name().to_owned(),
        entries: crl.entries,
        size: crl.size,
        number: crl.crl_number.as_ref().map(ToString::to_string),
        delta: crl.delta_base.is_some(),
    }
}

fn judge_times(crl: &Crl, at: Timestamp, defects: &mut Vec<ContentDefect>) {
    if crl.this_update > with_skew(at) {
        defects.push(ContentDefect::NotYetValid { this_update: crl.this_update });
    }
    let Some(next_update) = crl.next_update else {
        defects.push(ContentDefect::NoNextUpdate);
        return;
    };
    if next_update < at {
        defects.push(ContentDefect::Expired { next_update });
        return;
    }
    let period = next_update.as_second().saturating_sub(crl.this_update.as_second());
    let remaining = next_update.as_second().saturating_sub(at.as_second());
    let next_publish = crl.next_publish.filter(|publish| *publish < at);
    if next_publish.is_some() || remaining.saturating_mul(10) < period {
        defects.push(ContentDefect::Expiring { next_update: Some(next_update), next_publish });
    }
}

/// What the CRL's entries by themselves say of the certificate; `None` where it is not listed. Where its serial number
/// was not looked for, that is unknown.
fn own_answer(crl: &Crl, certificate: &Certificate) -> Option<Answer> {
    if !crl.was_searched_for(&certificate.serial) {
        return Some(Answer::Unknown);
    }
    scope::entry(crl, certificate).map(|entry| match entry.reason {
        // RFC 5280 §6.3.3 (k)
        Some(RevocationReason::REMOVE_FROM_CRL) => Answer::Good,
        reason => Answer::Revoked { at: entry.revocation_date, reason },
    })
}

#[cfg(test)]
mod tests;
