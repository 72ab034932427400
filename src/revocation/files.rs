//! `--ocsp-response` files: responses at hand, for whichever certificates they answer. (`--crl` files are
//! judged among the fetched CRLs.)

use bytes::Bytes;
use jiff::Timestamp;

use super::delegate::DelegateCheck;
use super::ocsp::{self, Judged, Question};
use super::{Content, EndpointKind, FileFacts, SourceAnswer, SourceKind, Subject};
use crate::x509::pem;

/// An `--ocsp-response` file, judged.
#[derive(Debug, Clone)]
pub(super) struct OcspFile {
    pub(super) facts: FileFacts,
    /// What it says, by subject.
    pub(super) answers: Vec<(usize, SourceAnswer)>,
    /// The subjects it answers for, whether or not its word counts.
    pub(super) concerned: Vec<usize>,
}

/// Judges one file against every subject. One that answers for none of them is not wrong, only silent.
pub(super) async fn judge_ocsp(
    path: &str,
    octets: &Bytes,
    subjects: &[Subject],
    delegates: &DelegateCheck<'_>,
    at: Timestamp,
) -> OcspFile {
    let body = unarmoured(octets);
    let mut file = OcspFile {
        facts: FileFacts {
            path: path.to_owned(),
            kind: EndpointKind::Ocsp,
            content: None,
            defects: Vec::new(),
            usable: false,
        },
        answers: Vec::new(),
        concerned: Vec::new(),
    };
    for (index, subject) in subjects.iter().enumerate() {
        let Some(issuer) = &subject.issuer else { continue };
        let question = Question { certificate: &subject.certificate, issuer, nonce: None, pool: delegates.pool, at };
        let mut judged = ocsp::judge(&body, &question);
        let answers = judged.content.as_ref().map(|content| content.certificate_status.is_some());
        if answers != Some(false) {
            delegates.settle(&mut judged, subject).await;
            file.take(index, judged, answers.is_some());
        } else if file.facts.content.is_none() {
            file.facts.content = judged.content.map(Content::Ocsp);
        }
    }
    file
}

impl OcspFile {
    fn take(&mut self, subject: usize, judged: Judged, is_answer: bool) {
        if is_answer {
            let dated = judged.dated();
            let url = Some(self.facts.path.clone());
            let answer = SourceAnswer { kind: SourceKind::Ocsp, url, answer: judged.answer, dated };
            self.answers.push((subject, answer));
        }
        self.concerned.push(subject);
        if self.facts.content.is_none() || (judged.usable && !self.facts.usable) {
            self.facts.content = judged.content.map(Content::Ocsp);
        }
        self.facts.usable |= judged.usable;
        for defect in judged.defects {
            if !self.facts.defects.contains(&defect) {
                self.facts.defects.push(defect);
            }
        }
    }
}

/// The contents of the first PEM block, where there is one.
fn unarmoured(octets: &Bytes) -> Bytes {
    if octets.first() == Some(&0x30) || !pem::is_pem(octets) {
        return octets.clone();
    }
    let contents = pem::blocks(octets).into_iter().find_map(|block| block.contents.ok());
    contents.unwrap_or_else(|| octets.clone())
}
