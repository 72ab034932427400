//! From the domain types to the report's.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

use super::{
    About, Attempt, CaIssuersContent, Certificate, CertificateAnswer, Connection, ConnectionTimings, Content,
    CrlContent, Endpoint, Finding, HttpTimings, Key, OcspContent, Path, REPORT_SCHEMA, Report, Revocation,
    RevocationSource, Role, SourceStatus, Summary, Target, Time, Tls, Tool, Verdict, milliseconds,
};
use crate::acquire::{self, Presented};
use crate::path::{PathSearch, Source};
use crate::revocation::{self, Answer, EndpointFacts, Skipped};
use crate::x509::{self, Fingerprint};
use crate::{Checked, Examination, finding, net};

impl Report {
    /// Of these targets, judged as of `at`.
    #[must_use]
    pub fn new(checked: &[Checked], at: Timestamp, started: Timestamp, finished: Timestamp) -> Self {
        Self::of(checked.iter().map(|checked| Target::new(checked, at)).collect(), started, finished)
    }

    /// Of targets that are in the report's form already.
    #[must_use]
    pub fn of(targets: Vec<Target>, started: Timestamp, finished: Timestamp) -> Self {
        let mut summary = Summary::default();
        targets.iter().for_each(|target| summary.count(target.verdict));
        Self {
            schema: REPORT_SCHEMA,
            tool: Tool::THIS,
            started: Time(started),
            finished: Time(finished),
            verdict: Verdict::worst(targets.iter().map(|target| target.verdict)),
            summary,
            targets,
        }
    }
}

impl Target {
    /// What was observed of one target, judged as of `at`, and what it means.
    #[must_use]
    pub fn new(checked: &Checked, at: Timestamp) -> Self {
        let examination = &checked.examination;
        Self {
            target: examination.target.clone(),
            verdict: checked.verdict,
            elapsed_ms: milliseconds(examination.elapsed),
            at: Time(at),
            revocation_at: Time(examination.revocation_at),
            connections: connections(examination),
            certificates: certificates(examination),
            paths: paths(examination),
            endpoints: endpoints(examination, &checked.findings),
            revocation: revocation(examination),
            findings: Finding::sorted(&checked.findings),
        }
    }
}

impl Finding {
    /// In the report's form, the worst first, otherwise in the order they were made.
    #[must_use]
    pub fn sorted(findings: &[finding::Finding]) -> Vec<Self> {
        let mut sorted: Vec<Self> = findings.iter().map(Self::from).collect();
        sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        sorted
    }
}

impl From<&finding::Finding> for Finding {
    fn from(finding: &finding::Finding) -> Self {
        Self {
            code: finding.code.as_str(),
            severity: finding.severity,
            about: match &finding.about {
                finding::About::Target => About::Target,
                finding::About::Connection(address) => About::Connection { address: address.clone() },
                finding::About::Certificate(sha256) => About::Certificate { sha256: sha256.to_string() },
                finding::About::Endpoint(url) => About::Endpoint { url: url.clone() },
                finding::About::Path => About::Path,
            },
            message: finding.message.clone(),
            remedy: finding.remedy.clone(),
            reference: finding.code.entry().map_or("", |entry| entry.reference),
        }
    }
}

fn paths(examination: &Examination) -> Vec<Path> {
    let mut paths: Vec<Path> = Vec::new();
    for chain in examination.chains() {
        for path in chain.search.paths.iter().map(|path| self::path(path, &chain.trust_store)) {
            if !paths.iter().any(|known| known.certificates == path.certificates) {
                paths.push(path);
            }
        }
    }
    paths
}

fn endpoints(examination: &Examination, findings: &[finding::Finding]) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for facts in examination.chains().flat_map(|chain| &chain.revocation.endpoints) {
        let endpoint = Endpoint::new(facts, findings);
        // Chains share what is above them: an object fetched once is told once, of OCSP once a certificate.
        let same = |known: &&mut Endpoint| {
            known.kind == endpoint.kind
                && known.url == endpoint.url
                && (known.kind != revocation::EndpointKind::Ocsp || known.certificates == endpoint.certificates)
        };
        match endpoints.iter_mut().find(same) {
            Some(known) => {
                for certificate in endpoint.certificates {
                    if !known.certificates.contains(&certificate) {
                        known.certificates.push(certificate);
                    }
                }
            }
            None => endpoints.push(endpoint),
        }
    }
    endpoints
}

fn revocation(examination: &Examination) -> Vec<Revocation> {
    let mut statuses: Vec<&revocation::CertificateStatus> = Vec::new();
    for status in examination.chains().flat_map(|chain| &chain.revocation.statuses) {
        match statuses.iter_mut().find(|known| known.certificate == status.certificate) {
            // What one address staples can say more than what the first one does; revoked wins.
            Some(known) if known.status != status.status && status.status == revocation::Status::Revoked => {
                *known = status;
            }
            Some(_) => {}
            None => statuses.push(status),
        }
    }
    statuses.into_iter().map(Revocation::from).collect()
}

fn optional_ms(duration: Option<Duration>) -> Option<f64> {
    duration.map(milliseconds)
}

fn connections(examination: &Examination) -> Vec<Connection> {
    let Ok(Presented::ByServer { connections, .. }) = &examination.presented else {
        return Vec::new();
    };
    // Each distinct staple was judged with the chain it came with.
    let judged = |staple: &bytes::Bytes| {
        examination
            .chains()
            .find(|chain| chain.presented.as_ref().ok().and_then(Presented::staple) == Some(staple))
            .and_then(|chain| chain.revocation.staple.as_ref()?.content.as_ref())
    };
    connections
        .iter()
        .map(|connection| Connection {
            stapled_ocsp: connection
                .stapled_ocsp
                .as_ref()
                .map(|staple| judged(staple).map_or_else(OcspContent::undecoded, OcspContent::from)),
            ..Connection::from(connection)
        })
        .collect()
}

/// Without the staple, which is judged elsewhere.
impl From<&acquire::Connection> for Connection {
    fn from(connection: &acquire::Connection) -> Self {
        Self {
            address: connection.address.map(|address| address.to_string()),
            outcome: connection.outcome,
            detail: connection.detail.clone(),
            tls: connection.tls.as_ref().map(|tls| Tls {
                version: tls.version.to_owned(),
                cipher_suite: tls.cipher_suite.clone(),
                group: tls.group.clone(),
            }),
            timings: timings(&connection.timings),
            served: connection.served.iter().map(|certificate| certificate.sha256().to_string()).collect(),
            stapled_ocsp: None,
        }
    }
}

fn timings(timings: &acquire::ConnectionTimings) -> ConnectionTimings {
    ConnectionTimings {
        dns_ms: optional_ms(timings.dns),
        connect_ms: optional_ms(timings.connect),
        starttls_ms: optional_ms(timings.starttls),
        handshake_ms: optional_ms(timings.handshake),
    }
}

/// The judged certificate, then the chosen path's, then whatever else was presented, then the other
/// paths'; each once. A presented one that does not decode has no object.
fn certificates(examination: &Examination) -> Vec<Certificate> {
    let (presented, file) = match &examination.presented {
        Ok(Presented::ByServer { connections, .. }) => {
            (connections.iter().flat_map(|connection| &connection.served).collect(), false)
        }
        Ok(Presented::InFile { certificates, .. }) => (certificates.iter().collect::<Vec<_>>(), true),
        Err(_) => (Vec::new(), false),
    };
    let chosen = examination.chains().filter_map(|chain| chain.search.chosen()).flat_map(|path| &path.certificates);
    let others = examination.chains().flat_map(|chain| &chain.search.paths).flat_map(|path| &path.certificates);
    let decoded = presented.into_iter().filter_map(|certificate| certificate.decoded());
    let presented_source = if file { Source::File } else { Source::Served };
    let mut seen: HashSet<Fingerprint> = HashSet::new();
    chosen
        .chain(decoded)
        .chain(others)
        .filter(|certificate| seen.insert(certificate.sha256))
        .map(|certificate| {
            let sha256 = &certificate.sha256;
            let source = examination
                .chains()
                .find_map(|chain| chain.search.sources.get(sha256).copied().or_else(|| chain.pool.source(sha256)))
                .unwrap_or(presented_source);
            let judged = examination.chains().any(|chain| leaf_of(&chain.search) == Some(*sha256));
            let role = if judged { Role::Leaf } else { role(certificate, examination) };
            Certificate::new(certificate, role, source)
        })
        .collect()
}

/// The judged certificate; without a path, that is one that does not decode.
fn leaf_of(search: &PathSearch) -> Option<Fingerprint> {
    search.chosen()?.certificates.first().map(|leaf| leaf.sha256)
}

fn role(certificate: &x509::Certificate, examination: &Examination) -> Role {
    let mut on_a_path = false;
    for path in examination.chains().flat_map(|chain| &chain.search.paths) {
        if path.root().is_some_and(|root| root.sha256 == certificate.sha256) {
            return Role::Root;
        }
        on_a_path |= path.certificates.iter().any(|other| other.sha256 == certificate.sha256);
    }
    match (on_a_path, certificate.is_self_issued(), certificate.is_ca()) {
        (true, _, _) | (false, false, true) => Role::Intermediate,
        (false, true, true) => Role::Root,
        (false, _, false) => Role::Leaf,
    }
}

impl Certificate {
    /// In the report's form.
    #[must_use]
    pub fn new(certificate: &x509::Certificate, role: Role, source: Source) -> Self {
        Self {
            sha256: certificate.sha256.to_string(),
            sha1: x509::der::hex(&certificate.sha1()),
            role,
            source,
            subject: certificate.subject.to_string(),
            issuer: certificate.issuer.to_string(),
            serial: certificate.serial.to_string(),
            not_before: Time(certificate.not_before),
            not_after: Time(certificate.not_after),
            key: Key::from(&certificate.key),
            signature_algorithm: certificate.signature_algorithm.name().to_owned(),
            subject_alt_names: certificate.subject_alt_names.iter().flatten().map(ToString::to_string).collect(),
            extended_key_usage: certificate
                .extended_key_usage
                .iter()
                .flatten()
                .map(|oid| x509::extensions::purpose_name(oid).to_owned())
                .collect(),
            crl_urls: certificate.crl_urls(),
            ocsp_urls: certificate.ocsp_urls.clone(),
            ca_issuers_urls: certificate.ca_issuers_urls.clone(),
            must_staple: certificate.must_staple,
            pem: x509::pem::encode("CERTIFICATE", &certificate.der),
        }
    }
}

impl From<&x509::PublicKey> for Key {
    fn from(key: &x509::PublicKey) -> Self {
        Self {
            algorithm: key.algorithm_name().to_owned(),
            bits: key.size_bits(),
            curve: key.curve().map(ToOwned::to_owned),
        }
    }
}

fn path(path: &crate::path::CertificationPath, trust_store: &str) -> Path {
    Path {
        valid: path.judgement.valid,
        webpki: path.judgement.webpki.clone(),
        certificates: path.certificates.iter().map(|certificate| certificate.sha256.to_string()).collect(),
        trust_store: path.trusted.then(|| trust_store.to_owned()),
        problems: finding::problem_codes(&path.judgement).into_iter().map(finding::Code::as_str).collect(),
    }
}

impl Endpoint {
    /// In the report's form; its status is what the findings say of it.
    #[must_use]
    pub fn new(facts: &EndpointFacts, findings: &[finding::Finding]) -> Self {
        Self {
            url: facts.url.clone(),
            kind: facts.kind,
            certificates: facts.certificates.iter().map(ToString::to_string).collect(),
            status: finding::endpoint_status(facts, findings),
            attempts: facts.attempts.iter().map(Attempt::from).collect(),
            content: facts.content.as_ref().map(Content::from),
            skipped: facts.skipped.as_ref().map(skipped),
        }
    }
}

fn skipped(reason: &Skipped) -> String {
    match reason {
        Skipped::Offline => "offline".to_owned(),
        Skipped::UnsupportedScheme { scheme } => format!("unsupported scheme {scheme}"),
        Skipped::NoDirectory { scheme } => format!("{scheme} URL without a host"),
        Skipped::InvalidUrl { reason } => format!("invalid URL: {reason}"),
        Skipped::Denied { address } => format!("denied: it leads to {address}"),
        Skipped::NoIssuer => "no issuer known to ask about".to_owned(),
        Skipped::TooMany => "too many URLs".to_owned(),
    }
}

impl From<&net::Attempt> for Attempt {
    fn from(attempt: &net::Attempt) -> Self {
        Self {
            method: attempt.method,
            address: attempt.address.map(|address| address.to_string()),
            outcome: attempt.outcome,
            http_status: attempt.http_status,
            bytes: attempt.bytes,
            timings: HttpTimings::from(&attempt.timings),
            redirected_to: attempt.redirected_to.as_ref().map(ToString::to_string),
            detail: attempt.detail.clone(),
        }
    }
}

impl From<&net::HttpTimings> for HttpTimings {
    fn from(timings: &net::HttpTimings) -> Self {
        Self {
            dns_ms: optional_ms(timings.dns),
            connect_ms: optional_ms(timings.connect),
            first_byte_ms: optional_ms(timings.first_byte),
            total_ms: optional_ms(timings.total),
        }
    }
}

impl From<&revocation::Content> for Content {
    fn from(content: &revocation::Content) -> Self {
        match content {
            revocation::Content::Crl(crl) => Self::Crl(CrlContent {
                this_update: Time(crl.this_update),
                next_update: crl.next_update.map(Time),
                signature: crl.signature,
                entries: crl.entries,
                issuer: crl.issuer.clone(),
                signature_algorithm: crl.signature_algorithm.clone(),
                number: crl.number.clone(),
                delta: crl.delta,
                size: crl.size,
            }),
            revocation::Content::Ocsp(ocsp) => Self::Ocsp(OcspContent::from(ocsp)),
            revocation::Content::CaIssuers { format, certificates, subject } => Self::CaIssuers(CaIssuersContent {
                format: (*format).to_owned(),
                certificates: certificates.iter().map(ToString::to_string).collect(),
                subject: subject.clone(),
            }),
        }
    }
}

impl From<&revocation::OcspContent> for OcspContent {
    fn from(content: &revocation::OcspContent) -> Self {
        Self {
            certificate_status: content.certificate_status.as_ref().map(|answer| match answer {
                Answer::Good => CertificateAnswer::Good,
                Answer::Revoked { .. } => CertificateAnswer::Revoked,
                Answer::Unknown => CertificateAnswer::Unknown,
            }),
            responder: content.responder.clone(),
            produced_at: content.produced_at.map(Time),
            this_update: content.this_update.map(Time),
            next_update: content.next_update.map(Time),
            signature: content.signature,
        }
    }
}

impl OcspContent {
    /// A response that is there, but of which nothing is known.
    fn undecoded() -> Self {
        Self {
            certificate_status: None,
            responder: None,
            produced_at: None,
            this_update: None,
            next_update: None,
            signature: super::SignatureState::Unchecked,
        }
    }
}

impl From<&revocation::CertificateStatus> for Revocation {
    fn from(status: &revocation::CertificateStatus) -> Self {
        Self {
            certificate: status.certificate.to_string(),
            status: status.status,
            sources: status
                .sources
                .iter()
                .map(|source| RevocationSource {
                    kind: source.kind,
                    url: source.url.clone(),
                    status: match &source.answer {
                        Some(Answer::Good) => SourceStatus::Good,
                        Some(Answer::Revoked { .. }) => SourceStatus::Revoked,
                        Some(Answer::Unknown) => SourceStatus::Unknown,
                        None => SourceStatus::Failed,
                    },
                })
                .collect(),
            revoked_at: status.revoked_at.map(Time),
            reason: status.reason.map(|reason| reason.name().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
