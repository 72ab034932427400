//! What an OCSP response says of a certificate, and whether its word counts (RFC 6960 §3.2, §4.2.2.2).

use std::cmp::Reverse;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::{Answer, ContentDefect, OcspContent, SignatureState, received, with_skew};
use crate::path::Pool;
use crate::path::{DefectKind, validator};
use crate::x509::der::{hex, rfc3339};
use crate::x509::extensions::oid;
use crate::x509::ocsp::{self, BasicResponse, CertStatus, OcspResponse, ResponderId, SingleResponse};
use crate::x509::{Certificate, SignatureError};

/// Embedded certificates looked at: a delegate and what little may come with it.
const MAX_EMBEDDED: usize = 16;
/// Certificates that `responderID` may mean, tried one after the other.
const MAX_DELEGATES: usize = 16;

/// What a response is judged against.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The certificate asked about.
    pub certificate: &'a Certificate,
    /// Its issuer.
    pub issuer: &'a Certificate,
    /// The nonce sent, if one was.
    pub nonce: Option<&'a [u8]>,
    /// Certificates at hand, for a delegate that the response does not bring along.
    pub pool: Option<&'a Pool>,
    /// The instant of judgement.
    pub at: Timestamp,
}

/// A response, judged.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// What it holds; `None` when it is no response, or one without content.
    pub content: Option<OcspContent>,
    /// Its word: good or revoked where `usable`, or unknown from a response that is sound otherwise. Revoked also
    /// where nothing but the nonce is wrong: signed and fresh it is, and a replay can only be of what was true.
    pub answer: Option<Answer>,
    /// What is wrong with it, most telling first.
    pub defects: Vec<ContentDefect>,
    /// Whether it passed every check and knows the certificate.
    pub usable: bool,
    /// Who signed it, where that is not the issuer itself and the signature holds.
    pub delegate: Option<Arc<Certificate>>,
}

impl Judged {
    fn failed(defect: ContentDefect) -> Self {
        Self { defects: vec![defect], ..Self::default() }
    }

    /// Takes its word away.
    pub fn refuse(&mut self, defect: ContentDefect) {
        self.defects.insert(0, defect);
        self.usable = false;
        self.answer = None;
    }

    /// `thisUpdate` of its word.
    #[must_use]
    pub fn dated(&self) -> Option<Timestamp> {
        self.answer.as_ref().and(self.content.as_ref()).and_then(|content| content.this_update)
    }
}

/// Judges one body.
#[must_use]
pub fn judge(body: &Bytes, question: &Question<'_>) -> Judged {
    match ocsp::parse(body) {
        Err(error) => {
            let reason = match received::identify(body) {
                Some(what) => format!("{what} came instead of an OCSP response"),
                None => error.to_string(),
            };
            Judged::failed(ContentDefect::Malformed { reason })
        }
        Ok(OcspResponse::Error(status)) => Judged::failed(ContentDefect::ErrorStatus { status: status.name() }),
        Ok(OcspResponse::Basic(response)) => judge_basic(&response, question),
    }
}

/// Whether the body is an OCSP response of any kind.
#[must_use]
pub fn is_response(body: &Bytes) -> bool {
    ocsp::parse(body).is_ok()
}

fn judge_basic(response: &BasicResponse, question: &Question<'_>) -> Judged {
    let single = find_single(response, question);
    let authority = authority(response, question);
    let mut defects = Vec::new();
    let mut delegate = None;
    let signature = match &authority {
        Authority::Issuer => SignatureState::Valid,
        Authority::Delegate(certificate, lacking) => {
            delegate = Some(certificate.clone());
            if let Some(lacking) = lacking {
                let reason = format!("{} answered, {lacking}", certificate.subject);
                defects.push(ContentDefect::UnauthorizedResponder { reason });
            }
            SignatureState::Valid
        }
        Authority::Stranger => {
            let responder = responder(response);
            let reason =
                format!("{responder} answered, which is not the issuer, and its certificate is not in the response");
            defects.push(ContentDefect::UnauthorizedResponder { reason });
            SignatureState::Unchecked
        }
        Authority::BadSignature { signer } => {
            defects.push(ContentDefect::BadSignature { signer: signer.clone() });
            SignatureState::Invalid
        }
        Authority::Unsupported { algorithm } => {
            defects.push(ContentDefect::UnsupportedSignature { algorithm: algorithm.clone() });
            SignatureState::Unchecked
        }
    };
    let content = OcspContent {
        certificate_status: single.map(|single| answer(&single.status)),
        responder: Some(responder(response)),
        produced_at: Some(response.produced_at),
        this_update: single.map(|single| single.this_update),
        next_update: single.and_then(|single| single.next_update),
        signature,
    };
    // What nobody signed is not judged any further: its fields are nobody's word.
    if signature == SignatureState::Valid {
        judge_fields(response, single, question, &mut defects);
        if let Some(algorithm) = weak_signature(response, delegate.as_deref()) {
            defects.push(ContentDefect::WeakSignature { algorithm });
        }
    }
    let usable = !defects.iter().any(ContentDefect::is_blocking);
    let answer = content.certificate_status.clone().filter(|answer| {
        let forgiven = match answer {
            Answer::Revoked { .. } => ContentDefect::NonceMismatch,
            Answer::Good | Answer::Unknown => ContentDefect::UnknownStatus,
        };
        defects.iter().all(|defect| !defect.is_blocking() || *defect == forgiven)
    });
    Judged { content: Some(content), answer, defects, usable, delegate }
}

/// Everything but the signature, most telling first.
fn judge_fields(
    response: &BasicResponse,
    single: Option<&SingleResponse>,
    question: &Question<'_>,
    defects: &mut Vec<ContentDefect>,
) {
    if let (Some(sent), Some(received)) = (question.nonce, &response.nonce)
        && sent != received.as_ref()
    {
        defects.push(ContentDefect::NonceMismatch);
    }
    let Some(single) = single else {
        return defects.push(ContentDefect::WrongCertificate { found: subjects_of(response, question) });
    };
    // RFC 6960 §4.4: an extension that is critical and not understood must not be ignored, so the response
    // cannot be read.
    if let Some(oid) = response.unknown_critical_extensions.iter().chain(&single.unknown_critical_extensions).next() {
        let reason = format!("its critical extension {oid} is not one that is understood");
        defects.push(ContentDefect::Malformed { reason });
    }
    let latest = with_skew(question.at);
    if let Some(this_update) = [single.this_update, response.produced_at].into_iter().find(|time| *time > latest) {
        defects.push(ContentDefect::NotYetValid { this_update });
    }
    if let Some(next_update) = single.next_update.filter(|next_update| *next_update < question.at) {
        defects.push(ContentDefect::Expired { next_update });
    }
    let not_after = question.certificate.not_after;
    match (&single.status, single.archive_cutoff) {
        (CertStatus::Unknown, _) => defects.push(ContentDefect::UnknownStatus),
        // RFC 6960 §4.4.4: what it says of certificates that ended before, it says for want of records.
        (CertStatus::Good, Some(cutoff)) if not_after < question.at && not_after < cutoff => {
            defects.push(ContentDefect::NotArchived { cutoff });
        }
        _ => {}
    }
}

/// Who signed, and whether that counts.
enum Authority {
    Issuer,
    /// The signature holds; the text says what the delegate lacks, if anything.
    Delegate(Arc<Certificate>, Option<String>),
    /// `responderID` fits no certificate at hand.
    Stranger,
    BadSignature {
        signer: String,
    },
    Unsupported {
        algorithm: String,
    },
}

/// RFC 6960 §4.2.2.2: the issuer itself, or a delegate that it certified for this purpose.
fn authority(response: &BasicResponse, question: &Question<'_>) -> Authority {
    let issuer = question.issuer;
    let mut outcome = Authority::Stranger;
    let mut failed = |error: SignatureError, signer: &Certificate| match (&outcome, error) {
        (Authority::BadSignature { .. }, _) => {}
        (_, SignatureError::Invalid) => outcome = Authority::BadSignature { signer: signer.subject.to_string() },
        (_, SignatureError::Unsupported { algorithm, .. }) => outcome = Authority::Unsupported { algorithm },
    };
    if response.is_by(issuer) {
        match response.verify(&issuer.key) {
            Ok(()) => return Authority::Issuer,
            Err(error) => failed(error, issuer),
        }
    }
    let embedded = response.certificates.iter().take(MAX_EMBEDDED);
    let embedded = embedded.filter_map(|der| Certificate::from_der(der.clone()).ok()).map(Arc::new);
    let at_hand = question.pool.into_iter().flat_map(Pool::iter).map(|(certificate, _)| certificate.clone());
    let mut unauthorized = None;
    for certificate in embedded.chain(at_hand).filter(|certificate| response.is_by(certificate)).take(MAX_DELEGATES) {
        match response.verify(&certificate.key) {
            // Another certificate of the issuer's own key and name: the issuer.
            Ok(()) if certificate.key == issuer.key && certificate.subject.matches(&issuer.subject) => {
                return Authority::Issuer;
            }
            // One key can have several certificates, and one with authority is enough.
            Ok(()) => match lacking(&certificate, question) {
                None => return Authority::Delegate(certificate, None),
                lacking => {
                    unauthorized.get_or_insert(Authority::Delegate(certificate, lacking));
                }
            },
            Err(error) => failed(error, &certificate),
        }
    }
    unauthorized.unwrap_or(outcome)
}

/// What a delegate's certificate lacks to answer for the issuer, in words.
fn lacking(delegate: &Certificate, question: &Question<'_>) -> Option<String> {
    let issuer = question.issuer;
    if !delegate.issuer.matches(&issuer.subject) {
        return Some(format!("whose certificate was issued by {}, not by {}", delegate.issuer, issuer.subject));
    }
    if let Err(error) = delegate.verify(&issuer.key) {
        return Some(format!("whose certificate was not issued by {}: {error}", issuer.subject));
    }
    let purposes = delegate.extended_key_usage.as_deref().unwrap_or_default();
    if !purposes.iter().any(|purpose| purpose == oid::OCSP_SIGNING) {
        return Some("whose certificate lacks the extended key usage OCSPSigning".to_owned());
    }
    // digitalSignature or nonRepudiation (RFC 5280 §4.2.1.12)
    if delegate.key_usage.is_some_and(|usage| usage.0 & 0b11 == 0) {
        return Some("whose certificate lacks the key usage digitalSignature".to_owned());
    }
    if delegate.key.weakness().is_some() {
        return Some("whose certificate has a key that is too weak".to_owned());
    }
    match validator::dates(delegate, question.at) {
        Some(DefectKind::NotYetValid { not_before }) => {
            return Some(format!("whose certificate is valid only from {}", rfc3339(not_before)));
        }
        Some(_) => return Some(format!("whose certificate expired at {}", rfc3339(delegate.not_after))),
        None => {}
    }
    let unknown = delegate.extensions.iter().find(|extension| extension.critical && !is_processed(&extension.oid));
    unknown.map(|extension| format!("whose certificate has the critical extension {}, not understood", extension.oid))
}

/// Extensions that a delegate's certificate may have as critical.
fn is_processed(oid: &str) -> bool {
    matches!(
        oid,
        oid::KEY_USAGE
            | oid::EXTENDED_KEY_USAGE
            | oid::BASIC_CONSTRAINTS
            | oid::SUBJECT_ALT_NAME
            | oid::CERTIFICATE_POLICIES
            | oid::CRL_DISTRIBUTION_POINTS
            | oid::OCSP_NOCHECK
    )
}

/// The algorithm made of SHA-1 that the answer rests on, the delegate's certificate included.
fn weak_signature(response: &BasicResponse, delegate: Option<&Certificate>) -> Option<String> {
    let algorithms = std::iter::once(&response.signature_algorithm).chain(delegate.map(|it| &it.signature_algorithm));
    algorithms.filter(|algorithm| algorithm.is_weak()).map(|algorithm| algorithm.name().to_owned()).next()
}

/// The answer for the certificate: of several, one that says revoked, else the newest; whatever their order.
fn find_single<'a>(response: &'a BasicResponse, question: &Question<'_>) -> Option<&'a SingleResponse> {
    let matching =
        response.responses.iter().filter(|single| single.cert_id.matches(question.certificate, question.issuer));
    matching.max_by_key(|single| {
        let rank = match &single.status {
            CertStatus::Revoked { at, .. } => (true, Some(Reverse(*at))),
            _ => (false, None),
        };
        (rank, single.this_update, single.status == CertStatus::Unknown, Reverse(single.next_update))
    })
}

fn answer(status: &CertStatus) -> Answer {
    match status {
        CertStatus::Good => Answer::Good,
        CertStatus::Revoked { at, reason } => Answer::Revoked { at: *at, reason: *reason },
        CertStatus::Unknown => Answer::Unknown,
    }
}

/// What the response answers for instead.
fn subjects_of(response: &BasicResponse, question: &Question<'_>) -> String {
    let mut found: Vec<String> = response
        .responses
        .iter()
        .take(3)
        .map(|single| {
            let serial = &single.cert_id.serial;
            let same = if serial.is_same_number(&question.certificate.serial) { " of another issuer" } else { "" };
            format!("serial {serial}{same}")
        })
        .collect();
    match response.responses.len().saturating_sub(found.len()) {
        0 if found.is_empty() => return "no certificate at all".to_owned(),
        0 => {}
        more => found.push(format!("{more} more")),
    }
    found.join(", ")
}

fn responder(response: &BasicResponse) -> String {
    match &response.responder_id {
        ResponderId::ByName(name) => name.to_string(),
        ResponderId::ByKey(hash) => format!("key:{}", hex(hash)),
    }
}

#[cfg(test)]
mod tests;
