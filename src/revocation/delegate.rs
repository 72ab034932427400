//! Whether an OCSP delegate's certificate is itself revoked (RFC 6960 §4.2.2.2.1).
//!
//! Only its CRLs can tell: asking its responder would be asking the delegate about itself. A delegate is believed
//! whose certificate has `id-pkix-ocsp-nocheck`, or names no CRL, by which its CA leaves the choice to the client.
//! Where it names CRLs and none of them says that it is good, its own "good" does not count.

use bytes::Bytes;
use jiff::Timestamp;

use super::crl::{self, CrlSource, Role, Signers};
use super::ocsp::Judged;
use super::retrieve::{CrlBody, Retriever};
use super::signers::SignerCheck;
use super::{Answer, ContentDefect, Subject, plan};
use crate::net::Deadline;
use crate::path::Pool;
use crate::x509::certificate::Serial;
use crate::x509::der::rfc3339;
use crate::x509::extensions::oid;

/// CRL URLs tried for one delegate.
const MAX_URLS: usize = 4;

/// Looks delegates up.
#[derive(Clone, Copy)]
pub(super) struct DelegateCheck<'a> {
    /// Fetches their CRLs; `None` with `--offline`.
    pub(super) retriever: Option<&'a Retriever>,
    /// CRLs at hand: path and contents.
    pub(super) files: &'a [(String, Bytes)],
    /// Who may have signed them.
    pub(super) signers: &'a Signers<'a>,
    /// Where delegates are looked for that a response does not bring along.
    pub(super) pool: Option<&'a Pool>,
    /// The instant of judgement.
    pub(super) at: Timestamp,
    /// When to give up.
    pub(super) deadline: Deadline,
}

impl DelegateCheck<'_> {
    /// Takes away the word of a response whose delegate is revoked.
    pub(super) async fn settle(&self, judged: &mut Judged, subject: &Subject) {
        let Some(delegate) = judged.delegate.clone().filter(|_| judged.answer.is_some()) else {
            return;
        };
        if delegate.extension(oid::OCSP_NOCHECK).is_some() {
            return;
        }
        let wanted: Vec<Serial> = std::iter::once(&delegate.serial).chain(self.signers.serials()).cloned().collect();
        let source = |url: String, role, bodies| CrlSource { url, role, subjects: vec![0], bodies };
        let mut sources: Vec<CrlSource> = self
            .files
            .iter()
            .map(|(path, octets)| source(path.clone(), Role::File, vec![CrlBody::read(octets, &wanted)]))
            .collect();
        if let Some(retriever) = self.retriever {
            for named in plan::distribution_point_urls(&delegate.crl_distribution_points).take(MAX_URLS) {
                let Ok(url) = plan::address(&named) else { continue };
                if retriever.denied(&url, self.deadline).await.is_some() {
                    continue;
                }
                let fetched = retriever.crl(&url, &wanted, self.deadline).await;
                let bodies = fetched.bodies.iter().map(|(_, body)| body.clone()).collect();
                sources.push(source(named, Role::Complete, bodies));
            }
        }
        let name = delegate.subject.to_string();
        let names_crls = !delegate.crl_distribution_points.is_empty();
        let delegates = [Subject { certificate: delegate, ..subject.clone() }];
        let mut of_signers = Vec::new();
        if let Some(retriever) = self.retriever {
            let (signers, wanted) = (self.signers, wanted.as_slice());
            let check = SignerCheck { retriever, signers, wanted, at: self.at, deadline: self.deadline };
            of_signers = Box::pin(check.fetch(&sources, &delegates)).await;
        }
        let judgement = crl::judge(&sources, &of_signers, &delegates, self.signers, self.at);
        let answers = judgement.sources.into_iter().flat_map(|source| source.answers);
        let answers: Vec<Answer> = answers.filter_map(|(_, source)| source.answer).collect();
        let revoked = answers.iter().find_map(|answer| match answer {
            Answer::Revoked { at, .. } => Some(*at),
            Answer::Good | Answer::Unknown => None,
        });
        if let Some(at) = revoked {
            let reason = format!("{name} answered, whose certificate was revoked at {}", rfc3339(at));
            judged.refuse(ContentDefect::UnauthorizedResponder { reason });
        } else if judged.answer == Some(Answer::Good) && names_crls && !answers.contains(&Answer::Good) {
            let reason = format!(
                "{name} answered, whose certificate lacks id-pkix-ocsp-nocheck, and no usable CRL tells that it is not \
                 revoked (--crl gives one)"
            );
            judged.refuse(ContentDefect::UnauthorizedResponder { reason });
        }
    }
}
