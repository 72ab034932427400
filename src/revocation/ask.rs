//! Asks one OCSP responder about one certificate, by POST and by GET at once, and makes one answer of both.

use futures_util::future::join;
use jiff::Timestamp;
use url::Url;

use super::delegate::DelegateCheck;
use super::ocsp::{self, Judged, Question};
use super::retrieve::{Fetched, Retriever, mark_malformed};
use super::{Answer, Content, ContentDefect, SourceAnswer, SourceKind, Subject};
use crate::net::{Attempt, Deadline, HttpMethod, Outcome};
use crate::x509::Certificate;

/// What is asked, whom, and how.
#[derive(Clone, Copy)]
pub(super) struct Inquiry<'a> {
    /// Sends it.
    pub(super) retriever: &'a Retriever,
    /// The responder's URL as the certificate has it.
    pub(super) named: &'a str,
    /// The same, to be contacted.
    pub(super) url: &'a Url,
    /// The certificate asked about.
    pub(super) subject: &'a Subject,
    /// Its issuer.
    pub(super) issuer: &'a Certificate,
    /// How a delegate's own revocation is looked up.
    pub(super) delegates: &'a DelegateCheck<'a>,
    /// The instant of judgement.
    pub(super) at: Timestamp,
    /// When to give up.
    pub(super) deadline: Deadline,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Those by POST, then those by GET.
    pub(super) attempts: Vec<Attempt>,
    /// The more telling answer.
    pub(super) content: Option<Content>,
    /// What is wrong with it, or with one of the methods.
    pub(super) defects: Vec<ContentDefect>,
    /// Whether at least one method gave a usable answer.
    pub(super) usable: bool,
    /// What the responder says; two where the methods say different things.
    pub(super) answers: Vec<SourceAnswer>,
}

/// One method's outcome.
struct Method {
    attempts: Vec<Attempt>,
    judged: Option<Judged>,
}

/// Asks. A POST whose nonce may have been what the responder refused is repeated without it.
pub(super) async fn ask(inquiry: &Inquiry<'_>) -> Asked {
    let (post, get) = join(Box::pin(post(inquiry)), Box::pin(get(inquiry))).await;
    combine(post, get, inquiry.named)
}

async fn post(inquiry: &Inquiry<'_>) -> Method {
    let Inquiry { retriever, url, subject, issuer, deadline, .. } = *inquiry;
    let fetched = retriever.ocsp_post(url, &subject.certificate, issuer, true, deadline).await;
    let first = judge(&fetched, inquiry).await;
    if fetched.nonce.is_none() || !may_have_refused_the_nonce(&first) {
        return first;
    }
    let fetched = retriever.ocsp_post(url, &subject.certificate, issuer, false, deadline).await;
    let second = judge(&fetched, inquiry).await;
    let judged = second.judged.or(first.judged);
    Method { attempts: [first.attempts, second.attempts].concat(), judged }
}

async fn get(inquiry: &Inquiry<'_>) -> Method {
    let Inquiry { retriever, url, subject, issuer, deadline, .. } = *inquiry;
    let fetched = retriever.ocsp_get(url, &subject.certificate, issuer, deadline).await;
    judge(&fetched, inquiry).await
}

/// Judges what each address answered: one that says revoked counts, else the first usable one; what is wrong with
/// the others is added.
async fn judge(fetched: &Fetched<bytes::Bytes>, inquiry: &Inquiry<'_>) -> Method {
    let question = Question {
        certificate: &inquiry.subject.certificate,
        issuer: inquiry.issuer,
        nonce: fetched.nonce.as_ref().map(<[u8; 32]>::as_slice),
        pool: inquiry.delegates.pool,
        at: inquiry.at,
    };
    let mut attempts = fetched.attempts.clone();
    let mut all = Vec::new();
    for (attempt, body) in &fetched.bodies {
        let mut judged = ocsp::judge(body, &question);
        if let (false, [ContentDefect::Malformed { reason }], Some(attempt)) =
            (ocsp::is_response(body), judged.defects.as_slice(), attempts.get_mut(*attempt))
        {
            mark_malformed(attempt, reason);
        }
        Box::pin(inquiry.delegates.settle(&mut judged, inquiry.subject)).await;
        all.push(judged);
    }
    let best = all.iter().position(is_revoked).or_else(|| all.iter().position(|judged| judged.usable)).unwrap_or(0);
    let judged = (best < all.len()).then(|| {
        let mut judged = all.swap_remove(best);
        for defect in all.into_iter().flat_map(|other| other.defects) {
            if !judged.defects.contains(&defect) {
                judged.defects.push(defect);
            }
        }
        judged
    });
    Method { attempts, judged }
}

/// An error status, or an HTTP error: responders that know no nonces answer with either.
fn may_have_refused_the_nonce(method: &Method) -> bool {
    match &method.judged {
        Some(judged) => matches!(judged.defects.first(), Some(ContentDefect::ErrorStatus { .. })),
        None => method.attempts.last().is_some_and(|attempt| attempt.outcome == Outcome::HttpError),
    }
}

impl Method {
    fn is_usable(&self) -> bool {
        self.judged.as_ref().is_some_and(|judged| judged.usable)
    }

    /// How much is learnt from it.
    fn rank(&self) -> u8 {
        match &self.judged {
            Some(judged) if is_revoked(judged) => 4,
            Some(judged) if judged.answer.is_some() => 3,
            Some(judged) if judged.content.is_some() => 2,
            Some(_) => 1,
            None => 0,
        }
    }

    /// What is wrong with it beside the other method, which gave a usable answer: with the response, where it
    /// gave one, else with the method (which `failed` makes a defect of).
    fn faults(&self, method: HttpMethod, failed: impl FnOnce(String) -> ContentDefect) -> Vec<ContentDefect> {
        match &self.judged {
            Some(Judged { content: Some(_), defects, .. }) => {
                let blocking = defects.iter().filter(|defect| defect.is_blocking());
                blocking.map(|defect| ContentDefect::ByOneMethod { method, defect: Box::new(defect.clone()) }).collect()
            }
            _ => vec![failed(self.failure())],
        }
    }

    /// Why it gave no response.
    fn failure(&self) -> String {
        match self.judged.iter().flat_map(|judged| &judged.defects).next() {
            Some(ContentDefect::Malformed { reason }) => return reason.clone(),
            Some(ContentDefect::ErrorStatus { status }) => return format!("the responder answered {status}"),
            _ => {}
        }
        match self.attempts.last() {
            Some(Attempt { outcome: Outcome::HttpError, http_status: Some(status), .. }) => {
                format!("HTTP status {status}")
            }
            Some(attempt) => match &attempt.detail {
                Some(detail) => format!("{}: {detail}", attempt.outcome),
                None => attempt.outcome.to_string(),
            },
            None => "nothing was answered".to_owned(),
        }
    }
}

fn combine(post: Method, get: Method, named: &str) -> Asked {
    let attempts = post.attempts.iter().chain(&get.attempts).cloned().collect();
    let told = |judged: &Judged| SourceAnswer {
        kind: SourceKind::Ocsp,
        url: Some(named.to_owned()),
        answer: judged.answer.clone(),
        dated: judged.dated(),
    };
    let mut answers = Vec::new();
    let mut faults = Vec::new();
    let chosen = match (post.is_usable(), get.is_usable()) {
        (true, true) => {
            let (Some(post), Some(get)) = (&post.judged, &get.judged) else { return nothing(attempts, named) };
            if post.answer != get.answer {
                answers.push(told(if is_revoked(get) { post } else { get }));
            }
            if is_revoked(get) && !is_revoked(post) { get } else { post }.clone()
        }
        // What the other says is revoked counts even where only its nonce keeps it from being usable.
        (true, false) => {
            answers.extend(get.judged.as_ref().filter(|judged| is_revoked(judged)).map(told));
            faults = get.faults(HttpMethod::Get, |reason| ContentDefect::GetFailed { reason });
            post.judged.unwrap_or_default()
        }
        (false, true) => {
            answers.extend(post.judged.as_ref().filter(|judged| is_revoked(judged)).map(told));
            faults = post.faults(HttpMethod::Post, |reason| ContentDefect::PostFailed { reason });
            get.judged.unwrap_or_default()
        }
        (false, false) => {
            let telling = if get.rank() > post.rank() { get } else { post };
            let Some(judged) = telling.judged else { return nothing(attempts, named) };
            judged
        }
    };
    answers.insert(0, told(&chosen));
    let mut defects = chosen.defects;
    defects.extend(faults);
    Asked { attempts, content: chosen.content.map(Content::Ocsp), defects, usable: chosen.usable, answers }
}

fn nothing(attempts: Vec<Attempt>, named: &str) -> Asked {
    let answer = SourceAnswer { kind: SourceKind::Ocsp, url: Some(named.to_owned()), answer: None, dated: None };
    Asked { attempts, content: None, defects: Vec::new(), usable: false, answers: vec![answer] }
}

fn is_revoked(judged: &Judged) -> bool {
    matches!(judged.answer, Some(Answer::Revoked { .. }))
}
