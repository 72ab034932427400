use std::sync::Arc;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::*;
use crate::acquire::{ClientCertificate, Connection as Connected, PresentedCertificate};
use crate::finding::catalogue;
use crate::net::{HttpMethod, Outcome};
use crate::path::hostname::NameCheck;
use crate::path::{CertificationPath, Judgement, Pool, Purpose};
use crate::report::{EndpointStatus, SignatureState};
use crate::revocation::{EndpointKind, RevocationFacts, StapleFacts};

/// A leaf of that name and the root it comes from.
fn chain(name: &str, root: &Issuer<'_, KeyPair>) -> Arc<x509::Certificate> {
    let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let der = parameters.signed_by(&KeyPair::generate().unwrap(), root).unwrap();
    Arc::new(x509::Certificate::from_der(der.der().to_vec()).unwrap())
}

fn root() -> (Arc<x509::Certificate>, Issuer<'static, KeyPair>) {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, "Root");
    let key = KeyPair::generate().unwrap();
    let der = parameters.self_signed(&key).unwrap();
    let certificate = x509::Certificate::from_der(der.der().to_vec()).unwrap();
    (Arc::new(certificate), Issuer::new(parameters, key))
}

fn connected(served: Vec<PresentedCertificate>, staple: &'static [u8]) -> Connected {
    Connected {
        address: Some("[::1]:443".parse().unwrap()),
        through_proxy: false,
        connected: true,
        outcome: Outcome::Ok,
        detail: None,
        cause: None,
        answer_source: net::AnswerSource::Given,
        tls: None,
        mismatch: false,
        plain: None,
        timings: acquire::ConnectionTimings { dns: Some(Duration::from_micros(300)), ..Default::default() },
        served,
        served_beyond_limit: 0,
        stapled_ocsp: Some(Bytes::from_static(staple)),
        client_certificate: ClientCertificate::NotRequested,
        starttls_refusal: None,
    }
}

fn endpoint(certificate: &x509::Certificate) -> EndpointFacts {
    EndpointFacts {
        url: "http://crl.test/ca.crl".into(),
        kind: EndpointKind::Crl,
        certificates: vec![certificate.sha256],
        skipped: None,
        attempts: vec![net::Attempt {
            method: HttpMethod::Get,
            url: "http://crl.test/ca.crl".parse().unwrap(),
            address: Some("127.0.0.1:80".parse().unwrap()),
            through_proxy: false,
            outcome: Outcome::Refused,
            detail: Some("connect".into()),
            cause: None,
            answer_source: net::AnswerSource::Given,
            denied: None,
            http_status: None,
            ldap_result: None,
            bytes: 0,
            timings: net::HttpTimings::default(),
            redirected_to: None,
            date: None,
        }],
        content: None,
        defects: Vec::new(),
        usable: false,
    }
}

fn examination(
    connections: Vec<Connected>,
    leaf: &Arc<x509::Certificate>,
    root: &Arc<x509::Certificate>,
) -> Examination {
    let mut pool = Pool::default();
    pool.add(Arc::clone(leaf), Source::Served);
    let path = CertificationPath {
        certificates: vec![Arc::clone(leaf), Arc::clone(root)],
        trusted: true,
        judgement: Judgement { valid: true, webpki: "ok".into(), defects: Vec::new() },
    };
    let content = revocation::OcspContent {
        certificate_status: Some(Answer::Good),
        responder: None,
        produced_at: None,
        this_update: None,
        next_update: None,
        signature: SignatureState::Valid,
    };
    Examination {
        target: "https://a.test:443".into(),
        presented: Ok(Presented::ByServer { name: "a.test".into(), resolution: None, connections }),
        pool,
        search: PathSearch {
            paths: vec![path],
            sources: [(root.sha256, Source::TrustStore)].into(),
            ..PathSearch::default()
        },
        name_check: NameCheck::Covered,
        revocation: RevocationFacts {
            endpoints: vec![endpoint(leaf)],
            staple: Some(StapleFacts { content: Some(content), defects: Vec::new(), usable: true }),
            ..RevocationFacts::default()
        },
        trust_store: "native".into(),
        trust_store_errors: Vec::new(),
        trust_store_failure: None,
        publicly_trusted: false,
        public_root: false,
        purpose: Purpose::Server,
        offline: false,
        now: Timestamp::UNIX_EPOCH,
        revocation_at: Timestamp::UNIX_EPOCH,
        started: std::time::Instant::now(),
        elapsed: Duration::from_micros(41_200),
        expected: None,
        others: Vec::new(),
    }
}

fn finding(code: finding::Code, severity: finding::Severity) -> finding::Finding {
    finding::Finding {
        code,
        severity,
        about: finding::About::Endpoint("http://crl.test/ca.crl".into()),
        message: String::new(),
        remedy: String::new(),
    }
}

#[test]
fn a_served_chain_is_told_with_roles_and_sources() {
    let (root, issuer) = root();
    let leaf = chain("a.test", &issuer);
    let malformed = PresentedCertificate::from_der(Bytes::from_static(b"nonsense"));
    let served = vec![PresentedCertificate::Decoded(Arc::clone(&leaf)), malformed.clone()];
    let findings = vec![
        finding(catalogue::chain::EXTRANEOUS, finding::Severity::Info),
        finding(catalogue::endpoint::UNREACHABLE, finding::Severity::Critical),
    ];
    let examination = examination(vec![connected(served, b"staple")], &leaf, &root);
    let checked = Checked { examination, findings, verdict: Verdict::Critical };
    let target = Target::new(&checked, Timestamp::UNIX_EPOCH);

    let certificates: Vec<_> = target.certificates.iter().map(|it| (it.sha256.clone(), it.role, it.source)).collect();
    let leaf_sha256 = leaf.sha256.to_string();
    let root_sha256 = root.sha256.to_string();
    assert_eq!(
        certificates,
        [(leaf_sha256.clone(), Role::Leaf, Source::Served), (root_sha256.clone(), Role::Root, Source::TrustStore)]
    );
    assert_eq!(target.certificates[0].subject_alt_names, ["DNS:a.test"]);
    assert!(target.certificates[0].pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
    let connection = &target.connections[0];
    assert_eq!(
        connection.served,
        [leaf_sha256.clone(), malformed.sha256().to_string()],
        "malformed ones are served too"
    );
    assert_eq!((connection.timings.dns_ms, connection.timings.handshake_ms), (Some(0.3), None));
    assert_eq!(connection.address.as_deref(), Some("[::1]:443"));
    assert_eq!(connection.stapled_ocsp.as_ref().unwrap().signature, SignatureState::Valid);
    assert_eq!(target.paths[0].certificates, [leaf_sha256, root_sha256]);
    assert_eq!(target.paths[0].trust_store.as_deref(), Some("native"));
    assert_eq!((target.endpoints[0].status, target.elapsed_ms), (EndpointStatus::Failed, 41.2));
    let codes: Vec<&str> = target.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["endpoint.unreachable", "chain.extraneous"], "the worst first");
    assert!(!target.findings[0].reference.is_empty());
}

#[test]
fn other_chains_of_a_name_are_told_once_each() {
    let (root, issuer) = root();
    let (one, two) = (chain("a.test", &issuer), chain("b.test", &issuer));
    let served = |leaf: &Arc<x509::Certificate>| vec![PresentedCertificate::Decoded(Arc::clone(leaf))];
    let connections = vec![connected(served(&one), b"one"), connected(served(&two), b"two")];
    let mut whole = examination(connections, &one, &root);
    let mut other = examination(vec![connected(served(&two), b"two")], &two, &root);
    other.revocation.staple = None;
    whole.others.push(other);
    let checked = Checked { examination: whole, findings: Vec::new(), verdict: Verdict::Ok };
    let target = Target::new(&checked, Timestamp::UNIX_EPOCH);
    let roles: Vec<Role> = target.certificates.iter().map(|certificate| certificate.role).collect();
    assert_eq!(roles, [Role::Leaf, Role::Root, Role::Leaf]);
    assert_eq!(target.paths.len(), 2);
    assert_eq!(target.endpoints.len(), 1, "one CRL, fetched once");
    assert_eq!(target.endpoints[0].certificates, [one.sha256.to_string(), two.sha256.to_string()]);
    let unknown = target.connections[1].stapled_ocsp.as_ref().unwrap();
    assert_eq!((unknown.certificate_status, unknown.signature), (None, SignatureState::Unchecked));
}
