//! Reports made by hand, for the tests of renderers and schema.

use super::roots::{
    Asked, Compare, Likeness, Match, OtherCertificate, Presence, Query, QueryKind, ROOTS_SCHEMA, Root, RootsReport,
    Validity,
};
use super::url::{URL_SCHEMA, UrlEndpoint, UrlReport};
use super::*;

pub(crate) fn time(text: &str) -> Time {
    Time(text.parse().unwrap())
}

pub(crate) fn digest(octet: u8) -> String {
    format!("{octet:02x}").repeat(32)
}

/// Like `other`, but of another octet.
fn certificate(octet: u8, role: Role, source: Source, subject: &str, issuer: &str, not_after: &str) -> Certificate {
    let leaf = role == Role::Leaf;
    Certificate {
        sha256: digest(octet),
        sha1: format!("{octet:02x}").repeat(20),
        role,
        source,
        subject: subject.to_owned(),
        issuer: issuer.to_owned(),
        serial: format!("{octet:02x}ab"),
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time(not_after),
        key: if leaf {
            Key { algorithm: "EC".into(), bits: Some(256), curve: Some("P-256".into()) }
        } else {
            Key { algorithm: "RSA".into(), bits: Some(4096), curve: None }
        },
        signature_algorithm: "sha256WithRSAEncryption".into(),
        subject_alt_names: if leaf { vec!["DNS:www.example.test".into()] } else { Vec::new() },
        extended_key_usage: if leaf { vec!["serverAuth".into()] } else { Vec::new() },
        crl_urls: vec!["http://crl.example.test/ca.crl".into()],
        ocsp_urls: vec!["http://ocsp.example.test/".into()],
        ca_issuers_urls: vec!["http://aia.example.test/ca.cer".into()],
        must_staple: false,
        pem: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".into(),
    }
}

fn attempt(method: HttpMethod, outcome: Outcome, total: f64) -> Attempt {
    let ok = outcome == Outcome::Ok;
    Attempt {
        method,
        address: Some("192.0.2.80:80".into()),
        outcome,
        http_status: ok.then_some(200),
        bytes: if ok { 812 } else { 0 },
        timings: HttpTimings {
            dns_ms: Some(0.2),
            connect_ms: ok.then_some(0.1),
            first_byte_ms: ok.then_some(0.6),
            total_ms: Some(total),
        },
        redirected_to: None,
        detail: (!ok).then(|| "connect: no answer in 5 s".into()),
    }
}

fn endpoint(url: &str, kind: EndpointKind, octet: u8, status: EndpointStatus, content: Option<Content>) -> Endpoint {
    let outcome = if status == EndpointStatus::Failed { Outcome::Timeout } else { Outcome::Ok };
    let mut attempts = vec![attempt(HttpMethod::Get, outcome, if outcome == Outcome::Ok { 0.7 } else { 5003.2 })];
    if kind == EndpointKind::Ocsp {
        attempts.push(attempt(HttpMethod::Post, outcome, 1.5));
    }
    Endpoint { url: url.into(), kind, certificates: vec![digest(octet)], status, attempts, content, skipped: None }
}

fn ocsp() -> OcspContent {
    OcspContent {
        certificate_status: Some(CertificateAnswer::Good),
        responder: Some("CN=OCSP,O=Example".into()),
        produced_at: Some(time("2026-03-01T00:00:00Z")),
        this_update: Some(time("2026-03-01T00:00:00Z")),
        next_update: Some(time("2026-03-08T00:00:00Z")),
        signature: SignatureState::Valid,
    }
}

fn crl() -> CrlContent {
    CrlContent {
        this_update: time("2026-03-01T00:00:00Z"),
        next_update: Some(time("2026-03-09T00:00:00Z")),
        signature: SignatureState::Valid,
        entries: 3,
        issuer: "CN=Example Root CA,O=Example".into(),
        signature_algorithm: "sha256WithRSAEncryption".into(),
        number: Some("12".into()),
        delta: false,
        size: 812,
    }
}

/// A server whose CRL does not answer.
pub(crate) fn silent_crl() -> Target {
    const LEAF: &str = "CN=www.example.test,O=Example";
    const CA: &str = "CN=Example Issuing CA 3,O=Example";
    const ROOT: &str = "CN=Example Root CA,O=Example";
    Target {
        target: "https://www.example.test:443".into(),
        verdict: Verdict::Critical,
        elapsed_ms: 5012.25,
        at: time("2026-03-03T00:00:00Z"),
        revocation_at: time("2026-03-03T00:00:00Z"),
        connections: vec![Connection {
            address: Some("192.0.2.1:443".into()),
            outcome: Outcome::Ok,
            detail: None,
            tls: Some(Tls {
                version: "TLSv1.3".into(),
                cipher_suite: "TLS_AES_128_GCM_SHA256".into(),
                group: Some("X25519MLKEM768".into()),
            }),
            timings: ConnectionTimings {
                dns_ms: Some(0.3),
                connect_ms: Some(0.1),
                starttls_ms: None,
                handshake_ms: Some(2.0),
            },
            served: vec![digest(1), digest(2)],
            stapled_ocsp: Some(ocsp()),
        }],
        certificates: vec![
            certificate(1, Role::Leaf, Source::Served, LEAF, CA, "2026-06-01T00:00:00Z"),
            certificate(2, Role::Intermediate, Source::Served, CA, ROOT, "2030-01-01T00:00:00Z"),
            certificate(3, Role::Root, Source::TrustStore, ROOT, ROOT, "2040-01-01T00:00:00Z"),
        ],
        paths: vec![Path {
            valid: true,
            webpki: "ok".into(),
            certificates: vec![digest(1), digest(2), digest(3)],
            trust_store: Some("native".into()),
            problems: Vec::new(),
        }],
        endpoints: vec![
            endpoint("http://crl.example.test/issuing-3.crl", EndpointKind::Crl, 1, EndpointStatus::Failed, None),
            endpoint(
                "http://ocsp.example.test/",
                EndpointKind::Ocsp,
                1,
                EndpointStatus::Ok,
                Some(Content::Ocsp(ocsp())),
            ),
            endpoint(
                "http://aia.example.test/issuing-3.cer",
                EndpointKind::CaIssuers,
                1,
                EndpointStatus::Ok,
                Some(Content::CaIssuers(CaIssuersContent {
                    format: "der".into(),
                    certificates: vec![digest(2)],
                    subject: Some(CA.into()),
                })),
            ),
            endpoint(
                "http://crl.example.test/root.crl",
                EndpointKind::Crl,
                2,
                EndpointStatus::Ok,
                Some(Content::Crl(crl())),
            ),
        ],
        revocation: vec![
            Revocation {
                certificate: digest(1),
                status: Status::Good,
                sources: vec![
                    RevocationSource {
                        kind: SourceKind::Crl,
                        url: Some("http://crl.example.test/issuing-3.crl".into()),
                        status: SourceStatus::Failed,
                    },
                    RevocationSource {
                        kind: SourceKind::Ocsp,
                        url: Some("http://ocsp.example.test/".into()),
                        status: SourceStatus::Good,
                    },
                ],
                revoked_at: None,
                reason: None,
            },
            Revocation {
                certificate: digest(2),
                status: Status::Revoked,
                sources: Vec::new(),
                revoked_at: Some(time("2026-02-01T00:00:00Z")),
                reason: Some("keyCompromise".into()),
            },
        ],
        findings: vec![
            Finding {
                code: "revocation.revoked",
                severity: Severity::Critical,
                about: About::Certificate { sha256: digest(2) },
                message: "Example Issuing CA 3 was revoked on 2026-02-01 (keyCompromise), says its CRL".into(),
                remedy: "replace the certificate, and every certificate that Example Issuing CA 3 has issued".into(),
                reference: "RFC 5280 §6.3",
            },
            Finding {
                code: "endpoint.unreachable",
                severity: Severity::Warning,
                about: About::Endpoint { url: "http://crl.example.test/issuing-3.crl".into() },
                message: "http://crl.example.test/issuing-3.crl gave no answer: 192.0.2.80:80 timeout".into(),
                remedy: "let TCP from this machine to crl.example.test port 80 through the firewall".into(),
                reference: "RFC 5280 §4.2.1.13",
            },
        ],
    }
}

/// The same without anything wrong.
pub(crate) fn clean() -> Target {
    let mut target = silent_crl();
    target.verdict = Verdict::Ok;
    target.findings.clear();
    target.endpoints.iter_mut().for_each(|endpoint| {
        if endpoint.status == EndpointStatus::Failed {
            endpoint.status = EndpointStatus::Ok;
            endpoint.content = Some(Content::Crl(crl()));
            endpoint.attempts = vec![attempt(HttpMethod::Get, Outcome::Ok, 0.7)];
        }
    });
    target.revocation.iter_mut().for_each(|entry| {
        entry.status = Status::Good;
        entry.revoked_at = None;
        entry.reason = None;
    });
    target
}

/// Text as an attacker would have it in every place that the network fills.
pub(crate) fn hostile() -> Target {
    const EVIL: &str = "\x1b[2J\x1b[1;32mOK\r\n\u{9b}2J\u{202e}gnirts\u{200b}";
    let mut target = silent_crl();
    target.certificates.iter_mut().for_each(|certificate| {
        certificate.subject = format!("CN={EVIL}{}", "x".repeat(300));
        certificate.issuer.clone_from(&certificate.subject);
        certificate.subject_alt_names = vec![format!("DNS:{EVIL}")];
        certificate.signature_algorithm = EVIL.into();
    });
    target.connections.iter_mut().for_each(|connection| connection.detail = Some(EVIL.into()));
    target.endpoints.iter_mut().for_each(|endpoint| {
        endpoint.url = format!("http://{EVIL}/{}", "long/".repeat(200));
        endpoint.attempts.iter_mut().for_each(|attempt| {
            attempt.detail = Some(EVIL.into());
            attempt.redirected_to = Some(EVIL.into());
        });
        endpoint.skipped = Some(EVIL.into());
    });
    target.findings.iter_mut().for_each(|finding| {
        finding.message = format!("{EVIL} {}", "wörd ".repeat(40));
        finding.remedy = EVIL.into();
        finding.about = About::Connection { address: EVIL.into() };
    });
    target
}

pub(crate) fn report(targets: Vec<Target>) -> Report {
    let started: Timestamp = "2026-03-03T00:00:00Z".parse().unwrap();
    Report::of(targets, started, started)
}

/// An expired CRL by itself.
pub(crate) fn url_report() -> UrlReport {
    let at = time("2026-03-12T00:00:00Z");
    let url = "http://crl.example.test/root.crl";
    UrlReport {
        schema: URL_SCHEMA,
        tool: Tool::THIS,
        started: at,
        finished: at,
        verdict: Verdict::Critical,
        at,
        endpoints: vec![UrlEndpoint {
            word: "Expired".into(),
            verdict: Verdict::Critical,
            endpoint: Endpoint {
                certificates: Vec::new(),
                ..endpoint(url, EndpointKind::Crl, 0, EndpointStatus::Ok, Some(Content::Crl(crl())))
            },
        }],
        findings: vec![Finding {
            code: "crl.expired",
            severity: Severity::Critical,
            about: About::Endpoint { url: url.into() },
            message: "its nextUpdate, 2026-03-09T00:00:00Z, is 3 days past".into(),
            remedy: "publish a new CRL".into(),
            reference: "RFC 5280 §5.1.2.5",
        }],
    }
}

pub(crate) fn root(octet: u8, name: &str, not_after: &str) -> Root {
    Root {
        name: name.to_owned(),
        subject: format!("CN={name},OU=Unit {octet},O=Example Trust,C=DE"),
        sha256: digest(octet),
        sha1: format!("{octet:02x}").repeat(20),
        serial: format!("{octet:02x}ab"),
        not_before: time("2010-01-01T00:00:00Z"),
        not_after: time(not_after),
        validity: if not_after < "2026" { Validity::Expired } else { Validity::Valid },
        key: Key { algorithm: "RSA".into(), bits: Some(4096), curve: None },
        origins: vec!["/etc/ssl/certs/ca-certificates.crt".into()],
    }
}

/// A root that expired was asked for, in a store that differs from the other list in every way.
pub(crate) fn roots_report() -> RootsReport {
    let at = time("2026-03-12T00:00:00Z");
    let answer = "\"Example Root\" is in this machine's trust store (native, 3 roots), but expired".to_owned();
    RootsReport {
        schema: ROOTS_SCHEMA,
        tool: Tool::THIS,
        started: at,
        finished: at,
        verdict: Verdict::Critical,
        at,
        store: "native".into(),
        places: vec!["/etc/ssl/certs/ca-certificates.crt".into(), "/etc/ssl/certs".into()],
        roots: vec![
            root(1, "Example Root", "2025-01-01T00:00:00Z"),
            root(2, "Twin", "2040-01-01T00:00:00Z"),
            root(3, "Twin", "2041-01-01T00:00:00Z"),
        ],
        query: Some(Query {
            text: "Example Root".into(),
            kind: QueryKind::Name,
            status: Some(Presence::Expired),
            matches: vec![digest(1)],
            asked: vec![Asked {
                subject: None,
                sha256: None,
                status: Presence::Expired,
                answer: answer.clone(),
                matches: vec![Match { sha256: digest(1), likeness: Likeness::Name }],
            }],
        }),
        findings: vec![Finding {
            code: "store.root-missing",
            severity: Severity::Critical,
            about: About::Target,
            message: answer,
            remedy: "move to a root that is valid".into(),
            reference: "RFC 5280 §6.1.1 (d)",
        }],
        errors: vec!["/etc/ssl/certs/broken.pem: the CERTIFICATE block at line 1 holds no certificate".into()],
        compare: Some(Compare {
            with: "mozilla".into(),
            listed: 2,
            only_here: vec![digest(1), digest(2)],
            only_there: vec![root(4, "Elsewhere", "2040-01-01T00:00:00Z")],
            other_certificate: vec![OtherCertificate {
                here: digest(3),
                there: root(5, "Twin", "2045-01-01T00:00:00Z"),
            }],
        }),
    }
}
