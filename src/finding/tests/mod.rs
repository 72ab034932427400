//! The judges against observations made by hand: a clean case, changed in one place at a time.

mod cert;
mod chain;
mod connection;
mod egress;
mod endpoint;
mod expect;
mod path;
mod presence;
mod revocation;
mod rollover;
mod whole;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::acquire::{ClientCertificate, Connection, ConnectionTimings, Presented, PresentedCertificate, TlsSession};
use crate::net::{AnswerSource, Attempt, HttpMethod, HttpTimings, Outcome};
use crate::path::hostname::NameCheck;
use crate::path::{CertificationPath, Defect, DefectKind, PathSearch, Pool, Purpose, Source};
use crate::revocation::{Answer, CertificateStatus, EndpointKind, RevocationFacts, SourceAnswer, SourceKind, Status};
use crate::x509::extensions::{DistributionPoint, DistributionPointName, Extension, GeneralName, oid};

const TARGET: &str = "https://www.example.test:443";
const CRL: &str = "http://crl.example.test/ca.crl";
const OCSP: &str = "http://ocsp.example.test/";
const AIA: &str = "http://aia.example.test/ca.crt";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn at() -> Timestamp {
    time("2026-11-10T12:00:00Z")
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count * 24)
}

/// The three certificates of the clean case, to be changed before they are looked at.
#[derive(Clone)]
struct Certificates {
    leaf: Certificate,
    intermediate: Certificate,
    root: Certificate,
}

fn certificate(name: &str, issuer: &str) -> Certificate {
    let parameters = |name: &str| {
        let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        parameters
    };
    let key = rcgen::KeyPair::generate().unwrap();
    let signer = rcgen::Issuer::new(parameters(issuer), rcgen::KeyPair::generate().unwrap());
    let made = parameters(name).signed_by(&key, &signer).unwrap();
    Certificate::from_der(made.der().to_vec()).unwrap()
}

impl Certificates {
    fn new() -> Self {
        let dated = |mut certificate: Certificate, from: &str, to: &str| {
            certificate.not_before = time(from);
            certificate.not_after = time(to);
            certificate
        };
        let mut leaf = dated(certificate("www.example.test", "CA 1"), "2026-10-20T00:00:00Z", "2027-01-10T23:59:59Z");
        let mut intermediate = dated(certificate("CA 1", "Root"), "2024-01-01T00:00:00Z", "2034-01-01T00:00:00Z");
        let root = dated(certificate("Root", "Root"), "2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z");
        for certificate in [&mut leaf, &mut intermediate] {
            certificate.crl_distribution_points = vec![distribution_point(CRL)];
        }
        leaf.ocsp_urls = vec![OCSP.to_owned()];
        leaf.ca_issuers_urls = vec![AIA.to_owned()];
        leaf.extensions.push(Extension { oid: oid::SCT_LIST.to_owned(), critical: false, value: vec![4, 0].into() });
        Self { leaf, intermediate, root }
    }

    fn examination(self) -> Examination {
        let [leaf, intermediate, root] = [self.leaf, self.intermediate, self.root].map(Arc::new);
        let mut pool = Pool::default();
        pool.add(leaf.clone(), Source::Served);
        pool.add(intermediate.clone(), Source::Served);
        pool.add(root.clone(), Source::TrustStore);
        let statuses = [&leaf, &intermediate].map(|certificate| status(certificate.sha256, Status::Good)).to_vec();
        let served = [&leaf, &intermediate].map(|one| PresentedCertificate::Decoded(one.clone())).to_vec();
        let path = path(&[leaf, intermediate, root], true);
        Examination {
            target: TARGET.to_owned(),
            presented: Ok(by_server(vec![connection("192.0.2.1:443", Outcome::Ok, served)])),
            pool,
            search: PathSearch { paths: vec![path], ..PathSearch::default() },
            name_check: NameCheck::Covered,
            revocation: RevocationFacts { statuses, ..RevocationFacts::default() },
            trust_store: "native".to_owned(),
            trust_store_errors: Vec::new(),
            trust_store_failure: None,
            expected: None,
            others: Vec::new(),
            publicly_trusted: true,
            public_root: true,
            purpose: Purpose::Server,
            offline: false,
            now: at(),
            revocation_at: at(),
            started: Instant::now(),
            elapsed: Duration::from_millis(40),
        }
    }
}

fn clean() -> Examination {
    Certificates::new().examination()
}

fn distribution_point(url: &str) -> DistributionPoint {
    DistributionPoint {
        name: Some(DistributionPointName::Full(vec![GeneralName::Uri(url.to_owned())])),
        reasons: None,
        crl_issuer: Vec::new(),
    }
}

fn path(certificates: &[Arc<Certificate>], valid: bool) -> CertificationPath {
    let webpki = if valid { "ok" } else { "UnknownIssuer" }.to_owned();
    CertificationPath {
        certificates: certificates.to_vec(),
        trusted: valid,
        judgement: Judgement { valid, webpki, defects: Vec::new() },
    }
}

fn status(certificate: Fingerprint, status: Status) -> CertificateStatus {
    let answer = match status {
        Status::Good => Some(Answer::Good),
        Status::Revoked => Some(Answer::Revoked { at: time("2026-11-01T00:00:00Z"), reason: None }),
        Status::Unknown | Status::NotChecked => None,
    };
    let source = SourceAnswer { kind: SourceKind::Crl, url: Some(CRL.to_owned()), answer, dated: None };
    CertificateStatus {
        certificate,
        status,
        sources: vec![source],
        revoked_at: (status == Status::Revoked).then(|| time("2026-11-01T00:00:00Z")),
        reason: None,
        conflict: None,
        undetermined: None,
    }
}

fn connection(address: &str, outcome: Outcome, served: Vec<PresentedCertificate>) -> Connection {
    let tls = TlsSession { version: "TLSv1.3", cipher_suite: "TLS_AES_128_GCM_SHA256".to_owned(), group: None };
    Connection {
        address: Some(address.parse().unwrap()),
        through_proxy: false,
        connected: !matches!(outcome, Outcome::Refused | Outcome::Timeout | Outcome::Unreachable),
        outcome,
        mismatch: false,
        plain: None,
        detail: None,
        cause: None,
        answer_source: AnswerSource::Given,
        tls: (outcome == Outcome::Ok).then_some(tls),
        timings: ConnectionTimings { connect: Some(Duration::from_secs(5)), ..ConnectionTimings::default() },
        served,
        served_beyond_limit: 0,
        stapled_ocsp: None,
        client_certificate: ClientCertificate::NotRequested,
        starttls_refusal: None,
    }
}

fn by_server(connections: Vec<Connection>) -> Presented {
    Presented::ByServer { name: "www.example.test".to_owned(), resolution: None, connections }
}

fn in_file(certificates: &[&Arc<Certificate>]) -> Presented {
    let certificates = certificates.iter().map(|one| PresentedCertificate::Decoded((*one).clone())).collect();
    Presented::InFile { name: None, certificates, ordered: true }
}

fn connections(examination: &mut Examination) -> &mut Vec<Connection> {
    match &mut examination.presented {
        Ok(Presented::ByServer { connections, .. }) => connections,
        _ => panic!("not a server"),
    }
}

fn chain(examination: &Examination) -> Vec<Arc<Certificate>> {
    examination.search.paths[0].certificates.clone()
}

/// Makes the chosen path invalid for these reasons, each of the certificate at that position.
fn refuse(examination: &mut Examination, trusted: bool, reasons: &[(usize, DefectKind)]) {
    let path = &mut examination.search.paths[0];
    path.trusted = trusted;
    path.judgement.valid = false;
    path.judgement.webpki = "Refused".to_owned();
    path.judgement.defects = reasons
        .iter()
        .map(|(position, kind)| Defect { certificate: path.certificates[*position].sha256, kind: kind.clone() })
        .collect();
}

fn attempt(url: &str, address: &str, outcome: Outcome) -> Attempt {
    let answered = matches!(outcome, Outcome::Ok | Outcome::Intercepted | Outcome::Malformed | Outcome::Truncated);
    Attempt {
        method: HttpMethod::Get,
        url: url.parse().unwrap(),
        address: Some(address.parse().unwrap()),
        through_proxy: false,
        outcome,
        detail: None,
        cause: None,
        answer_source: AnswerSource::Given,
        denied: None,
        http_status: if outcome == Outcome::HttpError { Some(404) } else { answered.then_some(200) },
        ldap_result: None,
        bytes: 0,
        timings: HttpTimings { total: Some(Duration::from_secs(5)), ..HttpTimings::default() },
        redirected_to: None,
        date: None,
    }
}

/// An endpoint that the certificates at these positions of the path name.
fn endpoint(
    examination: &Examination,
    kind: EndpointKind,
    named_by: &[usize],
    attempts: Vec<Attempt>,
) -> EndpointFacts {
    let url = match kind {
        EndpointKind::Crl | EndpointKind::DeltaCrl => CRL,
        EndpointKind::Ocsp => OCSP,
        EndpointKind::CaIssuers => AIA,
    };
    let chain = chain(examination);
    EndpointFacts {
        url: url.to_owned(),
        kind,
        certificates: named_by.iter().map(|position| chain[*position].sha256).collect(),
        skipped: None,
        usable: attempts.iter().any(|attempt| attempt.outcome == Outcome::Ok),
        attempts,
        content: None,
        defects: Vec::new(),
    }
}

/// Leaves the certificate at this position without an answer.
fn leave_open(examination: &mut Examination, position: usize) {
    let sha256 = chain(examination)[position].sha256;
    let statuses = &mut examination.revocation.statuses;
    let known = statuses.iter_mut().find(|status| status.certificate == sha256).unwrap();
    *known = status(sha256, Status::Unknown);
}

fn judged(examination: &Examination) -> Vec<Finding> {
    judge(examination, &Policy::default(), at())
}

/// Codes with their levels, in the order told.
fn codes(findings: &[Finding]) -> Vec<(&'static str, Severity)> {
    findings.iter().map(|finding| (finding.code.as_str(), finding.severity)).collect()
}

/// What is told of the examination, and nothing else.
#[track_caller]
fn expect(examination: &Examination, expected: &[(&'static str, Severity)]) -> Vec<Finding> {
    let findings = judged(examination);
    assert_eq!(codes(&findings), expected, "{findings:#?}");
    findings
}

use Severity::{Critical, Info, Warning};
