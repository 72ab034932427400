//! All CRLs at hand against all certificates (RFC 5280 §6.3.3).
//!
//! Each CRL is looked at by itself first: whether it is sound, whose signature it bears, which certificates it
//! covers and for which reasons. That makes a [`Word`] of it for each certificate, to which delta CRLs are
//! applied. Only together do the words tell a status: "good" takes words for every reason.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use super::off_path::{OffPath, State};
use super::signer::{Signed, Signers, Verified};
use super::{
    CrlSource, CrlVerdict, Judgement, Role, content, delta, inspect, off_path, own_answer, scope, signature_defect,
    unsettled,
};
use crate::revocation::retrieve::CrlBody;
use crate::revocation::{Answer, ContentDefect, CrlContent, SourceAnswer, SourceKind, Subject};
use crate::x509::crl::Crl;
use crate::x509::{Certificate, ReasonFlags};

/// Judges every CRL for every subject that it should speak for. The CRLs `of_signers` are about signers only.
#[must_use]
pub fn judge(
    sources: &[CrlSource],
    of_signers: &[CrlSource],
    subjects: &[Subject],
    signers: &Signers<'_>,
    at: Timestamp,
) -> Judgement {
    let all: Vec<CrlSource> = sources.iter().chain(of_signers).cloned().collect();
    let verified = verified(&all, subjects, signers);
    let at_hand = off_path::AtHand { sources: &all, verified: &verified, signers, at };
    let off_path = off_path::look_up(at_hand, sources.len(), subjects).of;
    weigh(sources, &verified, subjects, &Standing { signers, off_path }, at)
}

/// The certificates on the paths of signers of which these CRLs do not tell whether they are revoked, though that
/// matters.
#[must_use]
pub fn open_signers(
    sources: &[CrlSource],
    subjects: &[Subject],
    signers: &Signers<'_>,
    at: Timestamp,
) -> Vec<Arc<Certificate>> {
    let verified = verified(sources, subjects, signers);
    let at_hand = off_path::AtHand { sources, verified: &verified, signers, at };
    off_path::look_up(at_hand, sources.len(), subjects).open
}

fn verified(sources: &[CrlSource], subjects: &[Subject], signers: &Signers<'_>) -> Vec<Vec<Option<Verified>>> {
    let verify = |body: &CrlBody| body.crl.as_ref().ok().map(|crl| signers.verified(crl, subjects));
    sources.iter().map(|source| source.bodies.iter().map(verify).collect()).collect()
}

pub(super) fn weigh(
    sources: &[CrlSource],
    verified: &[Vec<Option<Verified>>],
    subjects: &[Subject],
    standing: &Standing<'_>,
    at: Timestamp,
) -> Judgement {
    let mut judge = Judge {
        subjects,
        standing,
        at,
        verdicts: vec![CrlVerdict::default(); sources.len()],
        words: vec![Vec::new(); subjects.len()],
        open: vec![Vec::new(); subjects.len()],
    };
    let mut deltas: Vec<Delta> = Vec::new();
    for (index, (source, verified)) in sources.iter().zip(verified).enumerate() {
        let bodies: Vec<_> = source.bodies.iter().zip(verified).collect();
        for values in bodies.chunk_by(|(one, _), (next, _)| one.answer == next.answer) {
            judge.read_answer(index, source, values, &mut deltas);
        }
    }
    judge.apply_deltas(&deltas);
    judge.conclude(sources)
}

/// Whose signature counts for whom.
pub(super) struct Standing<'a> {
    pub(super) signers: &'a Signers<'a>,
    /// For each subject.
    pub(super) off_path: Vec<Arc<OffPath>>,
}

impl Standing<'_> {
    fn of(&self, verified: &Verified, (index, subject): (usize, &Subject)) -> Signed {
        let known = self.off_path.get(index);
        let state = |certificate: &Certificate| known.map_or(State::Open, |known| known.state(certificate));
        self.signers.standing(verified, subject, &state)
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
    /// Whether its `nextUpdate` has passed, so that it counts only with a delta CRL that has not (RFC 5280
    /// §6.3.3 (a)(1)(i)).
    is_stale: bool,
    crl: Arc<Crl>,
    signer: Arc<Certificate>,
}

impl Word {
    /// Whether it is the same issuer's later word on the same.
    fn replaces(&self, other: &Self) -> bool {
        !self.is_stale
            && self.dated > other.dated
            && self.signer.key == other.signer.key
            && self.crl.issuing_distribution_point == other.crl.issuing_distribution_point
    }
}

/// A delta CRL without defects of its own.
struct Delta {
    source: usize,
    file: Option<String>,
    crl: Arc<Crl>,
    /// The subjects it may be for, each with whose signature it bears.
    concerned: Vec<(usize, Arc<Certificate>)>,
    content: CrlContent,
}

impl Delta {
    /// The order in which they were issued.
    fn compare(&self, other: &Self) -> Ordering {
        let numbers = match (&self.crl.crl_number, &other.crl.crl_number) {
            (Some(one), Some(two)) => delta::compare(one, two),
            (one, two) => one.is_some().cmp(&two.is_some()),
        };
        numbers.then(self.crl.this_update.cmp(&other.crl.this_update))
    }
}

struct Judge<'a> {
    subjects: &'a [Subject],
    standing: &'a Standing<'a>,
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

    fn defects(&mut self, source: usize, defects: impl IntoIterator<Item = ContentDefect>) {
        defects.into_iter().for_each(|defect| self.defect(source, defect));
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

    /// The values of one answer, the latest first: where any fits, what is wrong with the others does not count, and what
    /// a later one of the same signer and scope has replaced says nothing.
    fn read_answer(
        &mut self,
        index: usize,
        source: &CrlSource,
        values: &[(&CrlBody, &Option<Verified>)],
        deltas: &mut Vec<Delta>,
    ) {
        if let [(body, verified)] = values {
            return self.read_body(index, source, body, verified.as_ref(), deltas);
        }
        let mut values = values.to_vec();
        let dated = |body: &CrlBody| body.crl.as_ref().ok().map(|crl| crl.this_update);
        values.sort_by_key(|(body, _)| std::cmp::Reverse(dated(body)));
        let others = self.take_defects(index);
        let first: Vec<usize> = self.words.iter().map(Vec::len).collect();
        let (mut of_all, mut of_fitting, mut fits) = (Vec::new(), Vec::new(), false);
        for (body, verified) in values {
            let known = deltas.len();
            let before: Vec<usize> = self.words.iter().map(Vec::len).collect();
            self.read_body(index, source, body, verified.as_ref(), deltas);
            let defects = self.take_defects(index);
            of_all.extend(defects.iter().cloned());
            let mut has_word = false;
            for ((words, first), before) in self.words.iter_mut().zip(&first).zip(before) {
                for word in words.split_off(before.min(words.len())) {
                    if !words.iter().skip(*first).any(|later| later.replaces(&word)) {
                        has_word |= !word.is_stale;
                        words.push(word);
                    }
                }
            }
            if has_word || deltas.len() > known {
                fits = true;
                of_fitting.extend(defects);
            }
        }
        self.defects(index, others.into_iter().chain(if fits { of_fitting } else { of_all }));
    }

    fn take_defects(&mut self, source: usize) -> Vec<ContentDefect> {
        self.verdicts.get_mut(source).map(|verdict| std::mem::take(&mut verdict.defects)).unwrap_or_default()
    }

    fn read_body(
        &mut self,
        index: usize,
        source: &CrlSource,
        body: &CrlBody,
        verified: Option<&Verified>,
        deltas: &mut Vec<Delta>,
    ) {
        let (crl, verified) = match (&body.crl, verified) {
            (Ok(crl), Some(verified)) => (crl, verified),
            (Err(error), _) => {
                let reason = body.malformed().unwrap_or_else(|| error.to_string());
                return self.defect(index, ContentDefect::Malformed { reason });
            }
            (Ok(_), None) => return,
        };
        let file = (source.role == Role::File).then(|| source.url.clone());
        let (concerned, strangers) = self.split_by_issuer(source, crl);
        if let (None, Some(stranger)) = (&file, strangers.first().and_then(|stranger| self.certificate(*stranger))) {
            let expected = expected_issuer(stranger, source);
            self.defect(index, ContentDefect::WrongIssuer { expected, found: crl.issuer.to_string() });
        }
        if let Some(verdict) = self.verdicts.get_mut(index) {
            verdict.concerned.extend(&concerned);
        }
        let signed = self.signed(verified, &concerned);
        let most_telling =
            signed.iter().map(|(_, signed)| signed).min_by_key(|signed| !matches!(signed, Signed::By(_)));
        let most_telling = most_telling.cloned().unwrap_or_else(|| verified.alone());
        let (state, defects) = inspect(crl, &most_telling, source.role, self.at);
        let content = content(crl, state);
        if concerned.is_empty() {
            return self.show(index, content, false);
        }
        for (subject, signed) in &signed {
            if let Signed::NoCertificate | Signed::TooMany = signed {
                self.leave_open(*subject, unsettled(signed, crl, &source.url));
            }
        }
        let is_sound = !defects.iter().any(ContentDefect::is_blocking);
        let is_expired = |defect: &ContentDefect| matches!(defect, ContentDefect::Expired { .. });
        let is_stale = !is_sound && defects.iter().all(|defect| !defect.is_blocking() || is_expired(defect));
        // Where it counts for some certificates only, for want of a signer that counts for the others too.
        let elsewhere = signed.iter().filter(|(_, signed)| *signed != most_telling);
        let elsewhere: Vec<ContentDefect> = elsewhere.filter_map(|(_, signed)| signature_defect(signed)).collect();
        if is_sound && crl.delta_base.is_some() && source.role != Role::Complete {
            let by = signed
                .into_iter()
                .filter_map(|(subject, signed)| Some((subject, self.believed(signed, crl, subject)?)));
            let concerned = by.collect();
            deltas.push(Delta { source: index, file, crl: crl.clone(), concerned, content });
            return self.defects(index, defects.into_iter().chain(elsewhere));
        }
        let mut usable = false;
        let signed = if is_sound || is_stale { signed } else { Vec::new() };
        for (subject, signed) in signed {
            if !matches!(signed, Signed::By(_) | Signed::StatusOpen { .. }) {
                continue;
            }
            match (self.complete_word(source, crl, subject), self.believed(signed.clone(), crl, subject)) {
                (Ok(reasons), Some(signer)) => {
                    usable |= is_sound;
                    self.add_word(index, crl, signer, subject, reasons, is_stale);
                }
                (Ok(_), None) => self.leave_open(subject, unsettled(&signed, crl, &source.url)),
                // A file for other certificates of the same issuer is as silent as one of another issuer.
                (Err(reason), _) if is_sound => self.misfit(index, file.as_deref(), subject, reason),
                (Err(_), _) => {}
            }
        }
        self.defects(index, defects.into_iter().chain(elsewhere));
        self.show(index, content, usable);
    }

    /// The signer, where its word counts. One that may be revoked cannot say "good", but nothing is known against what
    /// it lists.
    fn believed(&self, signed: Signed, crl: &Crl, subject: usize) -> Option<Arc<Certificate>> {
        let answer = || self.certificate(subject).and_then(|certificate| own_answer(crl, certificate));
        match signed {
            Signed::By(signer) => Some(signer),
            Signed::StatusOpen { signer, .. } => {
                Some(signer).filter(|_| matches!(answer(), Some(Answer::Revoked { .. })))
            }
            _ => None,
        }
    }

    /// Whose signature it bears, for each of the subjects.
    fn signed(&self, verified: &Verified, concerned: &[usize]) -> Vec<(usize, Signed)> {
        let subjects = concerned.iter().filter_map(|index| Some((*index, self.subjects.get(*index)?)));
        subjects.map(|(index, subject)| (index, self.standing.of(verified, (index, subject)))).collect()
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

    /// For which reasons the complete CRL covers the certificate, by any of its distribution points.
    fn complete_word(&self, source: &CrlSource, crl: &Crl, subject: usize) -> Result<ReasonFlags, String> {
        match (crl.delta_base.is_some(), source.role) {
            (true, _) => return Err("it is a delta CRL where a complete one should be".to_owned()),
            (false, Role::Delta) => return Err("it is a complete CRL where a delta CRL should be".to_owned()),
            (false, _) => {}
        }
        self.covered(crl, place(source), subject)
    }

    /// For which reasons a CRL covers the certificate, by any of its distribution points that it may come from.
    fn covered(&self, crl: &Crl, place: Option<&str>, subject: usize) -> Result<ReasonFlags, String> {
        let Some(certificate) = self.certificate(subject) else {
            return Err(String::new());
        };
        let mut covered = ReasonFlags(0);
        let mut refusal = None;
        for point in scope::points(certificate, place) {
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

    fn add_word(
        &mut self,
        source: usize,
        crl: &Arc<Crl>,
        signer: Arc<Certificate>,
        subject: usize,
        reasons: ReasonFlags,
        is_stale: bool,
    ) {
        let Some(answer) = self.certificate(subject).map(|certificate| own_answer(crl, certificate)) else {
            return;
        };
        if let Some(words) = self.words.get_mut(subject) {
            let answer = answer.unwrap_or(Answer::Good);
            let dated = crl.this_update;
            words.push(Word { source, deltas: Vec::new(), answer, dated, reasons, is_stale, crl: crl.clone(), signer });
        }
    }

    /// Applies delta CRLs, the oldest first.
    fn apply_deltas(&mut self, deltas: &[Delta]) {
        let own = |delta: &Delta, subject| self.certificate(subject).and_then(|it| own_answer(&delta.crl, it));
        let for_each = |(index, delta): (usize, &'_ Delta)| {
            let concerned = delta.concerned.iter();
            let each = concerned.map(|(subject, signer)| (index, *subject, signer.clone(), own(delta, *subject)));
            each.collect::<Vec<_>>()
        };
        let mut applications: Vec<_> = deltas.iter().enumerate().flat_map(for_each).collect();
        applications.sort_by(|(one, _, _, one_says), (two, _, _, two_says)| {
            let issued = match (deltas.get(*one), deltas.get(*two)) {
                (Some(one), Some(two)) => one.compare(two),
                _ => Ordering::Equal,
            };
            // Of two with one number, the one that says revoked comes last, so that it stands.
            let is_revoked = |answer: &Option<Answer>| matches!(answer, Some(Answer::Revoked { .. }));
            issued.then(is_revoked(one_says).cmp(&is_revoked(two_says)))
        });
        let mut usable = vec![false; deltas.len()];
        for (index, subject, signer, entry) in applications {
            if let (Some(delta), Some(usable)) = (deltas.get(index), usable.get_mut(index)) {
                *usable |= self.apply_delta(delta, subject, &signer, entry);
            }
        }
        for (delta, usable) in deltas.iter().zip(usable) {
            self.show(delta.source, delta.content.clone(), usable);
        }
    }

    /// Whether there is nothing against the delta CRL as far as this subject goes.
    fn apply_delta(&mut self, delta: &Delta, subject: usize, signer: &Arc<Certificate>, entry: Option<Answer>) -> bool {
        let mut applied: Vec<usize> = Vec::new();
        let mut refusal = None;
        let complete = |word: &&mut Word| word.crl.delta_base.is_none();
        for word in self.words.get_mut(subject).into_iter().flatten().filter(complete) {
            match delta::adds_to((&delta.crl, signer), (&word.crl, &word.signer)) {
                Ok(is_newer) => {
                    applied.push(word.source);
                    word.deltas.push(delta.source);
                    if is_newer {
                        word.dated = delta.crl.this_update;
                        word.is_stale = false;
                        word.answer = entry.clone().unwrap_or_else(|| word.answer.clone());
                    }
                }
                Err(reason) => refusal = refusal.or(Some(reason)),
            }
        }
        if !applied.is_empty() {
            let fresh = self.words.get(subject).into_iter().flatten().filter(|word| !word.is_stale);
            let fresh: Vec<usize> = fresh.map(|word| word.source).filter(|source| applied.contains(source)).collect();
            for source in fresh {
                if let Some(verdict) = self.verdicts.get_mut(source) {
                    verdict.usable = true;
                }
            }
            return true;
        }
        let covered = self.covered(&delta.crl, None, subject);
        // By itself it cannot say "good", but what its issuer lists there is revoked.
        if let (Some(answer @ Answer::Revoked { .. }), Ok(_), Some(words)) =
            (entry, &covered, self.words.get_mut(subject))
        {
            words.push(Word {
                source: delta.source,
                deltas: Vec::new(),
                answer,
                dated: delta.crl.this_update,
                reasons: ReasonFlags(0),
                is_stale: false,
                crl: delta.crl.clone(),
                signer: signer.clone(),
            });
        }
        match refusal.or(covered.err()) {
            Some(reason) => {
                self.misfit(delta.source, delta.file.as_deref(), subject, reason);
                false
            }
            None => {
                let text = "there is a delta CRL, but no usable complete CRL that it builds on".to_owned();
                self.leave_open(subject, text);
                true
            }
        }
    }

    fn conclude(mut self, sources: &[CrlSource]) -> Judgement {
        for (subject, words) in self.words.iter_mut().enumerate() {
            words.retain(|word| !word.is_stale);
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

fn expected_issuer(certificate: &Certificate, source: &CrlSource) -> String {
    let points = scope::points(certificate, place(source));
    let issuers = points.first().map(|point| scope::expected_issuers(certificate, point));
    issuers.and_then(|issuers| issuers.first().map(ToString::to_string)).unwrap_or_default()
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
