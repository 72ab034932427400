//! What a CRL says of a certificate, and whether its word counts (RFC 5280 §6.3).
//!
//! Input: every CRL at hand, with where it came from and which certificates name that place. Output: what
//! is wrong with each, what each says of each certificate, and what stays open although nothing is wrong.
//! Complete CRLs come first, delta CRLs are applied to those whose word counts.

mod delta;
mod scope;
mod signer;

use std::sync::Arc;

use jiff::Timestamp;

pub use signer::{Signed, Signers};

use super::retrieve::CrlBody;
use super::{Answer, ContentDefect, CrlContent, SignatureState, SourceAnswer, SourceKind, Subject, with_skew};
use crate::x509::crl::{Crl, Encoding};
use crate::x509::{Certificate, ReasonFlags, RevocationReason};

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
    /// What came, one for each address that was asked.
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

/// Judges every CRL for every subject that it should speak for.
#[must_use]
pub fn judge(sources: &[CrlSource], subjects: &[Subject], signers: &Signers, at: Timestamp) -> Judgement {
    let mut judge = Judge {
        subjects,
        signers,
        at,
        verdicts: vec![CrlVerdict::default(); sources.len()],
        words: vec![Vec::new(); subjects.len()],
        open: vec![Vec::new(); subjects.len()],
    };
    let mut deltas = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        for body in &source.bodies {
            judge.read_body(index, source, body, &mut deltas);
        }
    }
    deltas.sort_by_key(|delta| delta.crl.this_update);
    for delta in &deltas {
        judge.apply_delta(delta);
    }
    judge.conclude(sources)
}

/// Everything about a CRL that does not depend on a certificate: defects, most telling first, and the state
/// of its signature. Where the signature does not hold, the fields are nobody's word and not judged.
#[must_use]
pub fn inspect(crl: &Crl, signed: &Signed, role: Role, at: Timestamp) -> (SignatureState, Vec<ContentDefect>) {
    let mut defects = Vec::new();
    let state = match signed {
        Signed::Yes => SignatureState::Valid,
        Signed::NoCertificate => {
            defects.push(ContentDefect::Unverified);
            SignatureState::Unchecked
        }
        Signed::No { signer } => {
            defects.push(ContentDefect::BadSignature { signer: signer.clone() });
            SignatureState::Invalid
        }
        Signed::NotForCrls { signer } => {
            defects.push(ContentDefect::WrongIssuer {
                expected: format!("a certificate of {signer} with the key usage cRLSign"),
                found: format!("a certificate of {signer} without it"),
            });
            SignatureState::Valid
        }
        Signed::Unsupported { algorithm } => {
            defects.push(ContentDefect::UnsupportedSignature { algorithm: algorithm.clone() });
            SignatureState::Unchecked
        }
    };
    if matches!(signed, Signed::Yes | Signed::NoCertificate) {
        let critical = |oid: &String, entry| ContentDefect::UnknownCriticalExtension { oid: oid.clone(), entry };
        defects.extend(crl.unknown_critical_extensions.iter().map(|oid| critical(oid, false)));
        defects.extend(crl.unknown_critical_entry_extensions.iter().map(|oid| critical(oid, true)));
        judge_times(crl, at, &mut defects);
    }
    if *signed == Signed::Yes && crl.signature_algorithm.is_weak() {
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

/// What a complete CRL says of a certificate, delta CRLs included as they are applied.
#[derive(Debug, Clone)]
struct Word {
    source: usize,
    /// Sources of the delta CRLs that were applied, or had nothing to add.
    deltas: Vec<usize>,
    answer: Answer,
    dated: Timestamp,
    reasons: ReasonFlags,
    crl: Arc<Crl>,
}

/// A delta CRL without defects of its own.
struct Delta {
    source: usize,
    file: Option<String>,
    crl: Arc<Crl>,
    concerned: Vec<usize>,
    content: CrlContent,
}

struct Judge<'a> {
    subjects: &'a [Subject],
    signers: &'a Signers,
    at: Timestamp,
    verdicts: Vec<CrlVerdict>,
    words: Vec<Vec<Word>>,
    open: Vec<Vec<String>>,
}

impl Judge<'_> {
    fn certificate(&self, subject: usize) -> Option<&Certificate> {
        self.subjects.get(subject).map(|subject| subject.certificate.as_ref())
    }

    fn defect(&mut self, source: usize, defect: ContentDefect) {
        if let Some(verdict) = self.verdicts.get_mut(source)
            && !verdict.defects.contains(&defect)
        {
            verdict.defects.push(defect);
        }
    }

    fn leave_open(&mut self, subject: usize, text: String) {
        if let Some(open) = self.open.get_mut(subject)
            && !open.contains(&text)
        {
            open.push(text);
        }
    }

    fn show(&mut self, source: usize, content: CrlContent, usable: bool) {
        if let Some(verdict) = self.verdicts.get_mut(source) {
            if verdict.content.is_none() || (usable && !verdict.usable) {
                verdict.content = Some(content);
            }
            verdict.usable |= usable;
        }
    }

    fn read_body(&mut self, index: usize, source: &CrlSource, body: &CrlBody, deltas: &mut Vec<Delta>) {
        let crl = match &body.crl {
            Ok(crl) => crl,
            Err(error) => {
                let reason = body.malformed().unwrap_or_else(|| error.to_string());
                return self.defect(index, ContentDefect::Malformed { reason });
            }
        };
        let file = (source.role == Role::File).then(|| source.url.clone());
        let signed = self.signers.verify(crl);
        let (concerned, strangers) = self.split_by_issuer(source, crl);
        if let (None, Some(stranger)) = (&file, strangers.first().and_then(|stranger| self.certificate(*stranger))) {
            let expected = self.expected_issuer(stranger, source);
            self.defect(index, ContentDefect::WrongIssuer { expected, found: crl.issuer.to_string() });
        }
        if let Some(verdict) = self.verdicts.get_mut(index) {
            verdict.concerned.extend(&concerned);
        }
        let (state, mut defects) = inspect(crl, &signed, source.role, self.at);
        let content = content(crl, state);
        if concerned.is_empty() {
            return self.show(index, content, false);
        }
        if signed == Signed::NoCertificate {
            for subject in &concerned {
                self.leave_open(*subject, unverified(&source.url, crl));
            }
            // Below a known issuer that is the CRL's fault; at the top of a path that leads nowhere it is the path's.
            let issuer = |subject: &usize| self.subjects.get(*subject)?.issuer.as_ref();
            if let (None, Some(issuer)) = (&file, concerned.iter().find_map(issuer)) {
                let expected = issuer.subject.to_string();
                let found = format!("{}, of which no certificate is at hand,", crl.issuer);
                defects.retain(|defect| *defect != ContentDefect::Unverified);
                defects.insert(0, ContentDefect::WrongIssuer { expected, found });
            }
        }
        let sound = !defects.iter().any(ContentDefect::is_blocking);
        // A file for other certificates of the same issuer is as silent as one of another issuer.
        let mut usable = false;
        let mut misfits = Vec::new();
        if sound {
            let is_delta = crl.delta_base.is_some();
            if is_delta && source.role != Role::Complete {
                self.defects(index, defects);
                return deltas.push(Delta { source: index, file, crl: crl.clone(), concerned, content });
            }
            for subject in concerned {
                match self.complete_word(source, crl, subject) {
                    Ok(reasons) => {
                        usable = true;
                        self.add_word(index, crl, subject, reasons);
                    }
                    Err(reason) => misfits.push((subject, reason)),
                }
            }
        }
        for (subject, reason) in misfits {
            self.misfit(index, file.as_deref(), subject, reason);
        }
        self.defects(index, defects);
        self.show(index, content, usable);
    }

    fn defects(&mut self, source: usize, defects: Vec<ContentDefect>) {
        for defect in defects {
            self.defect(source, defect);
        }
    }

    /// The CRL is not for this certificate: a defect of an endpoint that the certificate names, but of a file
    /// only that it leaves the question open.
    fn misfit(&mut self, source: usize, file: Option<&str>, subject: usize, reason: String) {
        let Some(certificate) = self.certificate(subject).map(|certificate| certificate.sha256) else {
            return;
        };
        match file {
            Some(path) => self.leave_open(subject, format!("{path} does not cover it: {reason}")),
            None => self.defect(source, ContentDefect::OutOfScope { certificate, reason }),
        }
    }

    /// The source's subjects for which the right name stands in the CRL's `issuer`, and the others.
    fn split_by_issuer(&self, source: &CrlSource, crl: &Crl) -> (Vec<usize>, Vec<usize>) {
        source.subjects.iter().partition(|subject| {
            self.certificate(**subject).is_some_and(|certificate| {
                let points = scope::points(certificate, place(source));
                points.iter().any(|point| scope::is_issuer_expected(crl, certificate, point))
            })
        })
    }

    fn expected_issuer(&self, certificate: &Certificate, source: &CrlSource) -> String {
        let points = scope::points(certificate, place(source));
        let issuers = points.first().map(|point| scope::expected_issuers(certificate, point));
        issuers.and_then(|issuers| issuers.first().map(ToString::to_string)).unwrap_or_default()
    }

    /// For which reasons the complete CRL covers the certificate, by any of its distribution points.
    fn complete_word(&self, source: &CrlSource, crl: &Crl, subject: usize) -> Result<ReasonFlags, String> {
        match (crl.delta_base.is_some(), source.role) {
            (true, _) => return Err("it is a delta CRL where a complete one should be".to_owned()),
            (false, Role::Delta) => return Err("it is a complete CRL where a delta CRL should be".to_owned()),
            (false, _) => {}
        }
        let Some(certificate) = self.certificate(subject) else {
            return Err(String::new());
        };
        let mut covered = ReasonFlags(0);
        let mut refusal = None;
        for point in scope::points(certificate, place(source)) {
            if !scope::is_issuer_expected(crl, certificate, &point) {
                continue;
            }
            match scope::reasons(crl, certificate, &point) {
                Ok(reasons) => covered.0 |= reasons.0,
                Err(reason) => refusal = refusal.or(Some(reason)),
            }
        }
        if covered.0 == 0 { Err(refusal.unwrap_or_default()) } else { Ok(covered) }
    }

    fn add_word(&mut self, source: usize, crl: &Arc<Crl>, subject: usize, reasons: ReasonFlags) {
        let Some(answer) = self.certificate(subject).map(|certificate| own_answer(crl, certificate)) else {
            return;
        };
        if let Some(words) = self.words.get_mut(subject) {
            let answer = answer.unwrap_or(Answer::Good);
            let dated = crl.this_update;
            words.push(Word { source, deltas: Vec::new(), answer, dated, reasons, crl: crl.clone() });
        }
    }

    fn apply_delta(&mut self, delta: &Delta) {
        let mut usable = false;
        for subject in &delta.concerned {
            let entry = self.certificate(*subject).and_then(|certificate| own_answer(&delta.crl, certificate));
            let mut applied = false;
            let mut refusal = None;
            for word in self.words.get_mut(*subject).into_iter().flatten() {
                match delta::adds_to(&delta.crl, &word.crl) {
                    Ok(newer) => {
                        applied = true;
                        word.deltas.push(delta.source);
                        if newer {
                            word.dated = delta.crl.this_update;
                            word.answer = entry.clone().unwrap_or_else(|| word.answer.clone());
                        }
                    }
                    Err(reason) => refusal = refusal.or(Some(reason)),
                }
            }
            match refusal {
                Some(reason) if !applied => self.misfit(delta.source, delta.file.as_deref(), *subject, reason),
                _ => usable = true,
            }
        }
        self.show(delta.source, delta.content.clone(), usable);
    }

    fn conclude(mut self, sources: &[CrlSource]) -> Judgement {
        for (subject, words) in self.words.iter_mut().enumerate() {
            let covered = words.iter().fold(0, |covered, word| covered | word.reasons.0);
            let missing = ReasonFlags::ALL.0 & !covered;
            if words.is_empty() || missing == 0 {
                continue;
            }
            // Not listed, but listed for some reasons only: that is no "good" (RFC 5280 §6.3.3, end).
            for word in words.iter_mut().filter(|word| word.answer == Answer::Good) {
                word.answer = Answer::Unknown;
            }
            let text = format!("no usable CRL covers the reasons {}", reason_names(missing).join(", "));
            if let Some(open) = self.open.get_mut(subject) {
                open.push(text);
            }
        }
        for (index, (source, verdict)) in sources.iter().zip(&mut self.verdicts).enumerate() {
            verdict.defects.sort_by_key(|defect| !defect.is_blocking());
            let is_broken = verdict.defects.iter().any(ContentDefect::is_blocking);
            for subject in &source.subjects {
                let words = self.words.get(*subject).into_iter().flatten();
                let mine = words.filter(|word| word.source == index || word.deltas.contains(&index));
                let best = mine.min_by_key(|word| match word.answer {
                    Answer::Revoked { .. } => 0,
                    Answer::Good => 1,
                    Answer::Unknown => 2,
                });
                let failed = is_broken && verdict.concerned.contains(subject);
                if best.is_none() && source.role == Role::File && !failed {
                    continue;
                }
                let answer = SourceAnswer {
                    kind: SourceKind::Crl,
                    url: Some(source.url.clone()),
                    answer: best.map(|word| word.answer.clone()),
                    dated: best.map(|word| word.dated),
                };
                verdict.answers.push((*subject, answer));
            }
        }
        Judgement { sources: self.verdicts, open: self.open }
    }
}

/// The URL by which a distribution point must name the CRL; delta CRLs and files need none.
fn place(source: &CrlSource) -> Option<&str> {
    (source.role == Role::Complete).then_some(source.url.as_str())
}

fn unverified(url: &str, crl: &Crl) -> String {
    format!("no certificate of {} is at hand to verify the CRL from {url} with", crl.issuer)
}

/// What the CRL's entries by themselves say of the certificate; `None` where it is not listed.
fn own_answer(crl: &Crl, certificate: &Certificate) -> Option<Answer> {
    scope::entry(crl, certificate).map(|entry| match entry.reason {
        Some(RevocationReason::REMOVE_FROM_CRL) => Answer::Good,
        reason => Answer::Revoked { at: entry.revocation_date, reason },
    })
}

fn reason_names(flags: u16) -> Vec<&'static str> {
    const NAMES: [&str; 8] = [
        "keyCompromise",
        "cACompromise",
        "affiliationChanged",
        "superseded",
        "cessationOfOperation",
        "certificateHold",
        "privilegeWithdrawn",
        "aACompromise",
    ];
    NAMES.iter().enumerate().filter(|(bit, _)| flags & (2 << bit) != 0).map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests;
