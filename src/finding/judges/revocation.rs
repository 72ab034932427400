//! `revocation.*`, and what each source's faults mean for the certificates that depend on it.

use std::collections::HashSet;

use jiff::Timestamp;

use super::content::{Origin, weight};
use super::{Case, Names, Sink, Weight, endpoint, is_top, windows};
use crate::acquire::Presented;
use crate::finding::About;
use crate::finding::catalogue::endpoint::UNREACHABLE;
use crate::finding::catalogue::revocation as codes;
use crate::finding::wording::{list, when};
use crate::path::DefectKind;
use crate::revocation::{
    Answer, CertificateStatus, ContentDefect, EndpointFacts, EndpointKind, FileFacts, SourceAnswer, SourceKind, Status,
};
use crate::x509::{Fingerprint, RevocationReason};

/// Which certificates suffer where a source fails, and which of them were told why.
#[derive(Default)]
struct Consequences {
    /// Certificates of the chosen path without any usable revocation answer.
    open: HashSet<Fingerprint>,
    /// Certificates whose issuer was not found, where that keeps the path from being valid.
    without_issuer: HashSet<Fingerprint>,
    /// Whether every failure is critical: one URL by itself.
    always: bool,
    /// Whether every closed endpoint is: before a rollover.
    closed: bool,
    /// Open certificates one of whose sources has a critical finding.
    explained: HashSet<Fingerprint>,
}

impl Consequences {
    fn of(case: &Case<'_>) -> Self {
        let chosen = case.chosen();
        let facts = &case.examination.revocation;
        let root = |position| chosen.is_some_and(|path| is_top(path, position));
        let below_root = case.chain().iter().enumerate().filter(|(position, _)| !root(*position));
        let open = below_root.map(|(_, certificate)| certificate).filter(|certificate| {
            let of_it = |status: &&CertificateStatus| status.certificate == certificate.sha256;
            // By what the certificate itself names: the list of endpoints is bounded, and may have left them out.
            let names_a_source = || !certificate.crl_urls().is_empty() || !certificate.ocsp_urls.is_empty();
            match facts.statuses.iter().find(of_it).map(|status| status.status) {
                Some(Status::Good | Status::Revoked) => false,
                Some(Status::Unknown) => true,
                Some(Status::NotChecked) | None => !case.examination.offline && names_a_source(),
            }
        });
        let open = open.map(|certificate| certificate.sha256);
        let search = &case.examination.search;
        let without_issuer = case.chain().iter().map(|certificate| certificate.sha256).filter(|sha256| {
            let named = chosen.into_iter().flat_map(|path| &path.judgement.defects);
            let mut no_issuer = named.filter(|defect| matches!(defect.kind, DefectKind::NoIssuer { .. }));
            !search.any_valid()
                && (search.missing.iter().any(|missing| missing.sha256 == *sha256)
                    || no_issuer.any(|defect| defect.certificate == *sha256))
        });
        Self {
            open: open.collect(),
            without_issuer: without_issuer.collect(),
            always: false,
            closed: case.policy.closed_is_critical,
            explained: HashSet::new(),
        }
    }

    /// Whether the failure of a source of these certificates leaves any of them without an answer; they are explained then.
    fn grave(&mut self, kind: EndpointKind, certificates: &[Fingerprint]) -> bool {
        let suffering = if kind == EndpointKind::CaIssuers { &self.without_issuer } else { &self.open };
        let hit: Vec<Fingerprint> =
            certificates.iter().filter(|certificate| suffering.contains(certificate)).copied().collect();
        if kind != EndpointKind::CaIssuers {
            self.explained.extend(&hit);
        }
        self.always || !hit.is_empty()
    }
}

pub(super) fn judge(case: &Case<'_>, sink: &mut Sink) {
    let facts = &case.examination.revocation;
    let mut consequences = Consequences::of(case);
    // A revoked CA beside the chosen path is told with the alternatives: the path that stands best was chosen, and
    // clients that ask take it too (RFC 5280 §6.1.3 (a)(3)).
    let is_chosen = |status: &&CertificateStatus| case.chain().iter().any(|it| it.sha256 == status.certificate);
    for status in facts.statuses.iter().filter(is_chosen) {
        revoked(status, &case.names, sink);
    }
    staple(case, &mut consequences, sink);
    // Before what is told of each endpoint by itself: of one that is too slow for both this says more.
    windows::judge(case, sink);
    for endpoint in &facts.endpoints {
        source(endpoint, &case.names, case.examination.revocation_at, &mut consequences, sink);
    }
    for file in &facts.files {
        given(file, case, &mut consequences, sink);
    }
    undetermined(case, &consequences, sink);
}

/// One URL by itself: that it serves something usable is the question. `answer` is what it says of a certificate.
pub(super) fn judge_single(
    facts: &EndpointFacts,
    answer: Option<&Answer>,
    names: &Names<'_>,
    at: Timestamp,
    sink: &mut Sink,
) {
    let about = || About::Endpoint(facts.url.clone());
    let mut consequences = Consequences { always: true, ..Consequences::default() };
    source(facts, names, at, &mut consequences, sink);
    if let Some(Answer::Revoked { at, reason }) = answer {
        let who = facts.certificates.first().map_or_else(|| "the certificate".to_owned(), |first| names.called(first));
        let why = reason.map(|reason| format!(" ({})", reason.name())).unwrap_or_default();
        let message = format!("{}: {who} was revoked on {}{why}", facts.url, when(*at));
        sink.report(codes::REVOKED, Weight::Usual, about(), message, replacement(&who));
    }
    // Nothing usable is never a pass, whatever else is known.
    if !facts.usable && sink.findings.is_empty() {
        let message = format!("{}: nothing that could be used came in the time given", facts.url);
        let remedy = "try again with a longer --deadline".to_owned();
        sink.report(UNREACHABLE, Weight::Grave, about(), message, remedy);
    }
}

fn replacement(who: &str) -> String {
    format!("find out why, make a new key, and replace {who}")
}

/// One endpoint: whether it was reached, and what is wrong with what it serves.
fn source(facts: &EndpointFacts, names: &Names<'_>, at: Timestamp, consequences: &mut Consequences, sink: &mut Sink) {
    endpoint::judge(
        facts,
        |code| {
            let grave = consequences.grave(facts.kind, &facts.certificates);
            grave || (consequences.closed && endpoint::is_closed(code))
        },
        sink,
    );
    let origin =
        Origin { kind: facts.kind, place: &facts.url, is_file: false, certificates: &facts.certificates, names, at };
    defects(&origin, &facts.defects, facts.usable, About::Endpoint(facts.url.clone()), consequences, sink);
}

/// The defects of one object. What does not keep its word from counting is never grave, unless it is all there is
/// against an object that does not count.
fn defects(
    origin: &Origin<'_>,
    defects: &[ContentDefect],
    usable: bool,
    about: About,
    consequences: &mut Consequences,
    sink: &mut Sink,
) {
    let any_blocking = defects.iter().any(ContentDefect::is_blocking);
    for defect in defects {
        // Where a certificate is checked, its path tells why the CRL's issuer is not at hand.
        if *defect == ContentDefect::Unverified && !consequences.always {
            continue;
        }
        let decisive = defect.is_blocking() || (!usable && !any_blocking);
        let only = match defect {
            ContentDefect::OutOfScope { certificate, .. } => std::slice::from_ref(certificate),
            ContentDefect::Unverified | ContentDefect::Large { .. } => &[],
            _ => origin.certificates,
        };
        let grave = decisive && consequences.grave(origin.kind, only);
        let told = origin.tell(defect);
        let message = format!("{}: {}", origin.place, told.what);
        sink.report_each(told.code, weight(defect, grave), about.clone(), message, told.remedy);
    }
}

fn revoked(status: &CertificateStatus, names: &Names<'_>, sink: &mut Sink) {
    let who = names.called(&status.certificate);
    let about = About::Certificate(status.certificate);
    if status.status == Status::Revoked {
        let says = |source: &&SourceAnswer| matches!(source.answer, Some(Answer::Revoked { .. }));
        let sources: Vec<String> = status.sources.iter().filter(says).map(source_name).collect();
        let since = status.revoked_at.map(|at| format!(" on {}", when(at))).unwrap_or_default();
        let why = status.reason.map(|reason| format!(" ({})", reason.name())).unwrap_or_default();
        let mut message = format!("{who} was revoked{since}{why}, says {}", list(&sources));
        if is_never_issued(status) {
            message.push_str(", by which a responder says that its CA never issued it (RFC 6960 §2.2)");
        }
        sink.report(codes::REVOKED, Weight::Usual, about.clone(), message, replacement(&who));
    }
    if let Some(conflict) = &status.conflict {
        let message = format!(
            "{who} is revoked according to {}, but good according to {}, issued on {}",
            conflict.revoked_by,
            conflict.good_by,
            when(conflict.good_dated)
        );
        let remedy = "have the CA find out which of the two is right and mend the other".to_owned();
        sink.report(codes::CONFLICT, Weight::Usual, about, message, remedy);
    }
}

/// What an OCSP responder that implements RFC 6960's extended definition of revoked answers of serial numbers that its
/// CA has no record of.
fn is_never_issued(status: &CertificateStatus) -> bool {
    let is_ocsp = |source: &SourceAnswer| matches!(source.kind, SourceKind::Ocsp | SourceKind::Staple);
    let never = Answer::Revoked { at: Timestamp::UNIX_EPOCH, reason: Some(RevocationReason::CERTIFICATE_HOLD) };
    status.sources.iter().any(|source| is_ocsp(source) && source.answer.as_ref() == Some(&never))
}

fn source_name(source: &SourceAnswer) -> String {
    match (&source.url, source.kind) {
        (Some(url), _) => url.clone(),
        (None, SourceKind::Staple) => "the stapled response".to_owned(),
        (None, SourceKind::Crl) => "a CRL".to_owned(),
        (None, SourceKind::Ocsp) => "an OCSP response".to_owned(),
    }
}

/// The stapled response. For a certificate that demands one, no other source counts.
fn staple(case: &Case<'_>, consequences: &mut Consequences, sink: &mut Sink) {
    let (Some(facts), Some(leaf), Presented::ByServer { connections, .. }) =
        (&case.examination.revocation.staple, case.leaf(), case.presented)
    else {
        return;
    };
    let address = connections.iter().find(|made| made.stapled_ocsp.is_some()).and_then(|made| made.address);
    let about = address.map_or(About::Target, |address| About::Connection(address.to_string()));
    let place = "the stapled OCSP response";
    let asked = [leaf.sha256];
    let origin = Origin {
        kind: EndpointKind::Ocsp,
        place,
        is_file: false,
        certificates: &asked,
        names: &case.names,
        at: case.examination.revocation_at,
    };
    let (blocking, other): (Vec<&ContentDefect>, Vec<&ContentDefect>) =
        facts.defects.iter().partition(|defect| defect.is_blocking());
    if !facts.usable && !blocking.is_empty() {
        let grave = consequences.grave(EndpointKind::Ocsp, &asked) || leaf.must_staple;
        let what: Vec<String> = blocking.iter().map(|defect| origin.tell(defect).what).collect();
        let message = format!("{place} cannot be used: {}", list(&what));
        let remedy = "have the server's operator find out why it keeps this response: whether the server reaches its OCSP responder, \
                      and whether its clock is right"
            .to_owned();
        sink.report(codes::OCSP_STAPLE_INVALID, Weight::grave_if(grave), about.clone(), message, remedy);
    }
    for defect in other {
        let told = origin.tell(defect);
        sink.report(told.code, weight(defect, false), about.clone(), format!("{place}: {}", told.what), told.remedy);
    }
}

/// A file given with `--crl` or `--ocsp-response`. One that has nothing to do with the certificates is no fault of a
/// source: what it leaves open is told by the status.
fn given(facts: &FileFacts, case: &Case<'_>, consequences: &mut Consequences, sink: &mut Sink) {
    let statuses = &case.examination.revocation.statuses;
    let asked: Vec<Fingerprint> = statuses
        .iter()
        .filter(|status| status.sources.iter().any(|source| source.url.as_ref() == Some(&facts.path)))
        .map(|status| status.certificate)
        .collect();
    let open_by_itself = statuses.iter().any(|status| status.undetermined.is_some());
    let told: Vec<ContentDefect> = facts
        .defects
        .iter()
        .filter(|defect| {
            let elsewhere = matches!(
                defect,
                ContentDefect::WrongIssuer { .. }
                    | ContentDefect::OutOfScope { .. }
                    | ContentDefect::WrongCertificate { .. }
            );
            !(elsewhere && (facts.usable || open_by_itself))
        })
        .cloned()
        .collect();
    // What does not decode belongs to no certificate in particular, so to all that are open.
    let everyone: Vec<Fingerprint>;
    let certificates = if asked.is_empty() && facts.content.is_none() {
        everyone = consequences.open.iter().copied().collect();
        &everyone
    } else {
        &asked
    };
    let origin = Origin {
        kind: facts.kind,
        place: &facts.path,
        is_file: true,
        certificates,
        names: &case.names,
        at: case.examination.revocation_at,
    };
    defects(&origin, &told, facts.usable, About::Endpoint(facts.path.clone()), consequences, sink);
}

/// What stays open although no source has a finding of its own. Without an issuer nothing can be asked or verified,
/// and the path tells that.
fn undetermined(case: &Case<'_>, consequences: &Consequences, sink: &mut Sink) {
    for certificate in case.chain() {
        let sha256 = certificate.sha256;
        let mut statuses = case.examination.revocation.statuses.iter();
        let status = statuses.find(|status| status.certificate == sha256);
        if !consequences.open.contains(&sha256)
            || consequences.explained.contains(&sha256)
            || case.chain().last().is_some_and(|last| last.sha256 == sha256)
        {
            continue;
        }
        let why = status
            .and_then(|status| status.undetermined.clone())
            .unwrap_or_else(|| "none of its sources gave a usable answer".to_owned());
        let message = format!("the revocation status of {} stays open: {why}", case.names.called(&sha256));
        let remedy = if case.examination.offline {
            "give CRL or OCSP response files that cover it, or run without --offline".to_owned()
        } else {
            format!("have {} provide sources that cover it", certificate.issuer.short())
        };
        sink.report(codes::UNDETERMINED, Weight::Usual, About::Certificate(sha256), message, remedy);
    }
}
