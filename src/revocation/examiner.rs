//! One target's examination: fetch everything side by side, then weigh it.

use bytes::Bytes;
use futures_util::future::{join, join_all};
use jiff::Timestamp;

use super::aia::{self, NamedBy};
use super::ask::{self, Asked, Inquiry};
use super::crl::{self, CrlSource, CrlVerdict, Role, Signed, Signers};
use super::delegate::DelegateCheck;
use super::files::{self, OcspFile};
use super::ocsp::{self, Question};
use super::plan::{self, Planned};
use super::retrieve::{CrlBody, Retriever, mark_malformed};
use super::signers::SignerCheck;
use super::status::{self, Circumstances};
use super::{
    Content, ContentDefect, EndpointFacts, EndpointKind, FileFacts, RevocationFacts, RevocationOptions, Skipped,
    SourceAnswer, SourceKind, StapleFacts, Subject, Subjects,
};
use crate::Progress;
use crate::net::{Attempt, Deadline};
use crate::x509::certificate::Serial;

/// `freshestCRL` URLs followed from one complete CRL.
const MAX_FRESHEST: usize = 8;

/// What is examined, and with what.
pub(super) struct Examiner<'a> {
    retriever: &'a Retriever,
    options: &'a RevocationOptions,
    subjects: &'a [Subject],
    signers: &'a Signers<'a>,
    delegates: DelegateCheck<'a>,
    wanted: Vec<Serial>,
    at: Timestamp,
    deadline: Deadline,
    progress: &'a dyn Progress,
}

/// An endpoint with what came from it.
struct Gathered {
    planned: Planned,
    attempts: Vec<Attempt>,
    came: Came,
}

enum Came {
    /// It was not contacted.
    Nothing,
    /// CRLs, still to be judged together.
    Crls(Vec<CrlBody>),
    /// Judged already.
    Judged(Verdict),
}

/// What is to be said of an endpoint.
#[derive(Default)]
struct Verdict {
    content: Option<Content>,
    defects: Vec<ContentDefect>,
    usable: bool,
    answers: Vec<(usize, SourceAnswer)>,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(
        retriever: &'a Retriever,
        options: &'a RevocationOptions,
        subjects: &Subjects<'a>,
        signers: &'a Signers<'a>,
        at: Timestamp,
        deadline: Deadline,
        progress: &'a dyn Progress,
    ) -> Self {
        let delegates = DelegateCheck {
            retriever: (!options.offline).then_some(retriever),
            files: &options.crl_files,
            signers,
            pool: Some(subjects.at_hand.pool),
            at,
            deadline,
        };
        let subjects = subjects.certificates;
        let serials = subjects.iter().map(|subject| &subject.certificate.serial).chain(signers.serials());
        let wanted = serials.cloned().collect();
        Self { retriever, options, subjects, signers, delegates, wanted, at, deadline, progress }
    }

    pub(super) async fn examine(&self, staple: Option<&Bytes>) -> RevocationFacts {
        let planned = plan::plan(self.subjects, self.options.offline);
        let endpoints = join_all(planned.into_iter().map(|planned| Box::pin(self.gather(planned))));
        let ocsp_files = join_all(
            self.options
                .ocsp_files
                .iter()
                .map(|(path, octets)| files::judge_ocsp(path, octets, self.subjects, &self.delegates, self.at)),
        );
        let (rounds, (staple, ocsp_files)) = join(endpoints, join(self.judge_staple(staple), ocsp_files)).await;
        let gathered = flatten(rounds);
        let sources = self.crl_sources(&gathered);
        let of_signers = if self.options.offline {
            Vec::new()
        } else {
            let (retriever, signers, wanted) = (self.retriever, self.signers, self.wanted.as_slice());
            let check = SignerCheck { retriever, signers, wanted, at: self.at, deadline: self.deadline };
            Box::pin(check.fetch(&sources, self.subjects)).await
        };
        let judgement = crl::judge(&sources, &of_signers, self.subjects, self.signers, self.at);
        self.conclude(gathered, judgement, staple, ocsp_files)
    }

    /// One endpoint, and the delta CRLs that it turns out to name.
    async fn gather(&self, planned: Planned) -> (Gathered, Vec<Gathered>) {
        let gathered = Box::pin(self.fetch(planned)).await;
        let mut urls: Vec<String> = Vec::new();
        if let (EndpointKind::Crl, Came::Crls(bodies)) = (gathered.planned.kind, &gathered.came) {
            for crl in bodies.iter().filter_map(|body| body.crl.as_ref().ok()) {
                // Only a CRL that is the issuer's word sends the tool anywhere.
                let is_word = |subject| matches!(self.signers.verify_for(crl, subject), Signed::By(_));
                if !crl.freshest_crl.is_empty() && self.of(&gathered.planned).any(is_word) {
                    urls.extend(plan::distribution_point_urls(&crl.freshest_crl));
                }
            }
        }
        urls.dedup();
        let freshest = urls.into_iter().take(MAX_FRESHEST).map(|url| {
            let address = plan::address(&url);
            let subjects = gathered.planned.subjects.clone();
            Box::pin(self.fetch(Planned { url, kind: EndpointKind::DeltaCrl, subjects, address }))
        });
        let freshest = join_all(freshest).await;
        (gathered, freshest)
    }

    async fn fetch(&self, mut planned: Planned) -> Gathered {
        if let Ok(url) = &planned.address
            && let Some(address) = self.retriever.denied(url, self.deadline).await
        {
            planned.address = Err(Skipped::Denied { address: address.to_string() });
        }
        let Ok(url) = planned.address.clone() else {
            return Gathered { planned, attempts: Vec::new(), came: Came::Nothing };
        };
        let label = url.host_str().unwrap_or_default().to_owned();
        self.progress.started(&label);
        let (attempts, came) = match planned.kind {
            EndpointKind::Crl | EndpointKind::DeltaCrl => {
                let fetched = self.retriever.crl(&url, &self.wanted, self.deadline).await;
                (fetched.attempts.clone(), Came::Crls(fetched.bodies.iter().map(|(_, body)| body.clone()).collect()))
            }
            EndpointKind::Ocsp => Box::pin(self.fetch_ocsp(&planned, &url)).await,
            EndpointKind::CaIssuers => Box::pin(self.fetch_issuers(&planned, &url)).await,
        };
        self.progress.finished(&label);
        Gathered { planned, attempts, came }
    }

    async fn fetch_ocsp(&self, planned: &Planned, url: &url::Url) -> (Vec<Attempt>, Came) {
        let index = planned.subjects.first().copied().unwrap_or_default();
        let Some((subject, issuer)) =
            self.subjects.get(index).and_then(|subject| subject.issuer.as_ref().map(|issuer| (subject, issuer)))
        else {
            return (Vec::new(), Came::Nothing);
        };
        let Asked { attempts, content, defects, usable, answers } = ask::ask(&Inquiry {
            retriever: self.retriever,
            named: &planned.url,
            url,
            subject,
            issuer,
            delegates: &self.delegates,
            at: self.at,
            deadline: self.deadline,
        })
        .await;
        let answers = answers.into_iter().map(|answer| (index, answer)).collect();
        (attempts, Came::Judged(Verdict { content, defects, usable, answers }))
    }

    async fn fetch_issuers(&self, planned: &Planned, url: &url::Url) -> (Vec<Attempt>, Came) {
        let fetched = self.retriever.ca_issuers(url, self.deadline).await;
        let mut attempts = fetched.attempts.clone();
        let named_by = |subject: &'a Subject| NamedBy {
            certificate: subject.certificate.as_ref(),
            issuer: subject.issuer.as_deref(),
        };
        let named_by: Vec<NamedBy<'_>> = self.of(planned).map(named_by).collect();
        let mut verdict = Verdict::default();
        for (attempt, values) in fetched.answers() {
            let read = aia::read_values(&values);
            if let (Err(reason), Some(attempt)) = (&read, attempts.get_mut(attempt)) {
                mark_malformed(attempt, reason);
            }
            let defects = aia::judge(&read, &named_by);
            let usable = !defects.iter().any(ContentDefect::is_blocking);
            if let Ok(issuers) = read
                && (verdict.content.is_none() || (usable && !verdict.usable))
            {
                verdict.content = Some(issuers.content());
            }
            verdict.usable |= usable;
            verdict.add(defects);
        }
        (attempts, Came::Judged(verdict))
    }

    /// The subjects of an endpoint.
    fn of(&self, planned: &Planned) -> impl Iterator<Item = &'a Subject> {
        let subjects = self.subjects;
        planned.subjects.iter().filter_map(move |subject| subjects.get(*subject))
    }

    /// Judged for the target's own certificate like a fetched response, but for the nonce.
    async fn judge_staple(&self, staple: Option<&Bytes>) -> Option<(usize, StapleFacts, SourceAnswer)> {
        let staple = staple?;
        let index = self.subjects.iter().position(|subject| subject.is_leaf)?;
        let subject = self.subjects.get(index)?;
        let mut source = SourceAnswer { kind: SourceKind::Staple, url: None, answer: None, dated: None };
        let Some(issuer) = &subject.issuer else {
            // Nothing can be said of it, and the path's own finding tells why.
            return Some((index, StapleFacts { content: None, defects: Vec::new(), usable: false }, source));
        };
        let question =
            Question { certificate: &subject.certificate, issuer, nonce: None, pool: self.delegates.pool, at: self.at };
        let mut judged = ocsp::judge(staple, &question);
        Box::pin(self.delegates.settle(&mut judged, subject)).await;
        source.dated = judged.dated();
        source.answer = judged.answer;
        let facts = StapleFacts { content: judged.content, defects: judged.defects, usable: judged.usable };
        Some((index, facts, source))
    }

    /// The CRLs fetched, and those given.
    fn crl_sources(&self, gathered: &[Gathered]) -> Vec<CrlSource> {
        let mut sources: Vec<CrlSource> = gathered.iter().filter_map(Gathered::crl_source).collect();
        for (path, octets) in &self.options.crl_files {
            let bodies = vec![CrlBody::read(octets, &self.wanted)];
            let subjects = (0..self.subjects.len()).collect();
            sources.push(CrlSource { url: path.clone(), role: Role::File, subjects, bodies });
        }
        sources
    }

    fn conclude(
        &self,
        gathered: Vec<Gathered>,
        judgement: crl::Judgement,
        staple: Option<(usize, StapleFacts, SourceAnswer)>,
        ocsp_files: Vec<OcspFile>,
    ) -> RevocationFacts {
        let mut verdicts = judgement.sources.into_iter();
        let mut weighing = Weighing::new(self, judgement.open);
        let mut endpoints = Vec::new();
        for gathered in gathered {
            let (facts, answers) = self.endpoint(gathered, &mut verdicts);
            weighing.endpoint(self.subjects, &facts, answers);
            endpoints.push(facts);
        }
        let staple = staple.map(|(subject, facts, source)| {
            weighing.staple(subject, &facts, source, self.options.offline);
            facts
        });
        let mut files = Vec::new();
        for ((path, _), verdict) in self.options.crl_files.iter().zip(verdicts) {
            let facts = FileFacts {
                path: path.clone(),
                kind: EndpointKind::Crl,
                content: verdict.content.map(Content::Crl),
                defects: verdict.defects,
                usable: verdict.usable,
            };
            let concerned = if facts.content.is_some() { verdict.concerned } else { weighing.everyone() };
            weighing.file(&facts, verdict.answers, &concerned);
            files.push(facts);
        }
        for OcspFile { facts, answers, concerned } in ocsp_files {
            weighing.file(&facts, answers, &concerned);
            files.push(facts);
        }
        RevocationFacts { endpoints, statuses: weighing.decide(self), staple, files }
    }

    fn endpoint(
        &self,
        gathered: Gathered,
        crl_verdicts: &mut impl Iterator<Item = CrlVerdict>,
    ) -> (EndpointFacts, Vec<(usize, SourceAnswer)>) {
        let certificates = self.of(&gathered.planned).map(|subject| subject.certificate.sha256).collect();
        let Planned { url, kind, subjects, address } = gathered.planned;
        let verdict = match gathered.came {
            Came::Nothing => Verdict { answers: unanswered(kind, &url, &subjects, &address), ..Verdict::default() },
            Came::Crls(_) => {
                let CrlVerdict { content, defects, usable, answers, .. } = crl_verdicts.next().unwrap_or_default();
                Verdict { content: content.map(Content::Crl), defects, usable, answers }
            }
            Came::Judged(verdict) => verdict,
        };
        let facts = EndpointFacts {
            url,
            kind,
            certificates,
            skipped: address.err(),
            attempts: gathered.attempts,
            content: verdict.content,
            defects: verdict.defects,
            usable: verdict.usable,
        };
        (facts, verdict.answers)
    }
}

impl Gathered {
    fn crl_source(&self) -> Option<CrlSource> {
        let Came::Crls(bodies) = &self.came else { return None };
        let role = if self.planned.kind == EndpointKind::DeltaCrl { Role::Delta } else { Role::Complete };
        let Planned { url, subjects, .. } = &self.planned;
        Some(CrlSource { url: url.clone(), role, subjects: subjects.clone(), bodies: bodies.clone() })
    }
}

impl Verdict {
    fn add(&mut self, defects: Vec<ContentDefect>) {
        for defect in defects {
            if !self.defects.contains(&defect) {
                self.defects.push(defect);
            }
        }
    }
}

/// Puts the delta CRLs that were found behind the CRLs that named them, each once.
fn flatten(rounds: Vec<(Gathered, Vec<Gathered>)>) -> Vec<Gathered> {
    let mut flat: Vec<Gathered> = Vec::new();
    let mut found: Vec<(usize, Gathered)> = Vec::new();
    for (gathered, freshest) in rounds {
        flat.push(gathered);
        found.extend(freshest.into_iter().map(|freshest| (flat.len(), freshest)));
    }
    let mut inserted = 0usize;
    for (position, freshest) in found {
        let same = |known: &&mut Gathered| {
            known.planned.kind == freshest.planned.kind && known.planned.url == freshest.planned.url
        };
        if let Some(known) = flat.iter_mut().find(same) {
            for subject in freshest.planned.subjects {
                if !known.planned.subjects.contains(&subject) {
                    known.planned.subjects.push(subject);
                }
            }
        } else {
            flat.insert(position.saturating_add(inserted).min(flat.len()), freshest);
            inserted = inserted.saturating_add(1);
        }
    }
    flat
}

/// A source that was not contacted has no word; with `--offline` it is no source at all.
fn unanswered(
    kind: EndpointKind,
    url: &str,
    subjects: &[usize],
    address: &Result<url::Url, Skipped>,
) -> Vec<(usize, SourceAnswer)> {
    let kind = match kind {
        _ if *address == Err(Skipped::Offline) => return Vec::new(),
        EndpointKind::CaIssuers => return Vec::new(),
        EndpointKind::Crl | EndpointKind::DeltaCrl => SourceKind::Crl,
        EndpointKind::Ocsp => SourceKind::Ocsp,
    };
    let answer = SourceAnswer { kind, url: Some(url.to_owned()), answer: None, dated: None };
    subjects.iter().map(|subject| (*subject, answer.clone())).collect()
}

/// Collects, for each subject, its sources and what explains their silence.
struct Weighing {
    sources: Vec<Vec<SourceAnswer>>,
    circumstances: Vec<Circumstances>,
}

impl Weighing {
    fn new(examiner: &Examiner<'_>, open: Vec<Vec<String>>) -> Self {
        let files = !examiner.options.crl_files.is_empty() || !examiner.options.ocsp_files.is_empty();
        let circumstances = examiner.subjects.iter().zip(open).map(|(subject, open)| Circumstances {
            asked: examiner.options.offline && files,
            explained: subject.issuer.is_none(),
            open,
        });
        Self { circumstances: circumstances.collect(), sources: vec![Vec::new(); examiner.subjects.len()] }
    }

    fn everyone(&self) -> Vec<usize> {
        (0..self.sources.len()).collect()
    }

    fn source(&mut self, subject: usize, answer: SourceAnswer) {
        if let (Some(sources), Some(circumstances)) =
            (self.sources.get_mut(subject), self.circumstances.get_mut(subject))
        {
            circumstances.asked = true;
            sources.push(answer);
        }
    }

    fn explain(&mut self, subject: usize) {
        if let Some(circumstances) = self.circumstances.get_mut(subject) {
            circumstances.explained = true;
        }
    }

    fn endpoint(&mut self, subjects: &[Subject], facts: &EndpointFacts, answers: Vec<(usize, SourceAnswer)>) {
        for (index, answer) in answers {
            let explains = match &facts.skipped {
                Some(Skipped::TooMany) => {
                    if let Some(circumstances) = self.circumstances.get_mut(index) {
                        let text = format!("more than {} URLs are named, so not all were contacted", plan::MAX_URLS);
                        circumstances.open.push(text);
                        circumstances.open.dedup();
                    }
                    false
                }
                Some(_) => true,
                None if facts.content.is_none() => true,
                None => facts.defects.iter().any(|defect| match defect {
                    ContentDefect::OutOfScope { certificate, .. } => {
                        subjects.get(index).is_some_and(|subject| subject.certificate.sha256 == *certificate)
                    }
                    // Information only: what it leaves open is told by the status.
                    ContentDefect::Unverified => false,
                    other => other.is_blocking(),
                }),
            };
            if explains {
                self.explain(index);
            }
            self.source(index, answer);
        }
    }

    /// A good staple does not make an offline check one that asked; a revoked one counts all the same.
    fn staple(&mut self, subject: usize, facts: &StapleFacts, answer: SourceAnswer, offline: bool) {
        if facts.defects.iter().any(ContentDefect::is_blocking) {
            self.explain(subject);
        }
        let asked = self.circumstances.get(subject).is_some_and(|circumstances| circumstances.asked);
        self.source(subject, answer);
        if let Some(circumstances) = self.circumstances.get_mut(subject) {
            circumstances.asked = asked || !offline;
        }
    }

    fn file(&mut self, facts: &FileFacts, answers: Vec<(usize, SourceAnswer)>, concerned: &[usize]) {
        if facts.defects.iter().any(|defect| defect.is_blocking() && *defect != ContentDefect::Unverified) {
            concerned.iter().for_each(|subject| self.explain(*subject));
        }
        for (subject, answer) in answers {
            self.source(subject, answer);
        }
    }

    fn decide(self, examiner: &Examiner<'_>) -> Vec<super::CertificateStatus> {
        let weighed = self.sources.into_iter().zip(self.circumstances);
        let decided = examiner.subjects.iter().zip(weighed).map(|(subject, (sources, mut circumstances))| {
            if examiner.options.offline && circumstances.open.is_empty() {
                circumstances.open.push("none of the files given covers it".to_owned());
            }
            status::decide(subject.certificate.sha256, sources, circumstances)
        });
        decided.collect()
    }
}
