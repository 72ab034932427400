//! Every word, from a server on loopback.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::super::fixtures::{Ca, CrlSpec, ERROR_UNAUTHORIZED, Entry, Key, Leaf, OcspSpec, Says, Server, at};
use super::super::tests::{retriever, retriever_with};
use super::*;
use crate::net::{Limits, NetOptions};

/// Judges with that trust store.
async fn judged_with(
    retriever: &Retriever,
    url: &str,
    issuer: Option<&Arc<Certificate>>,
    certificate: Option<&Arc<Certificate>>,
    store: &[&Ca],
) -> Result<SingleFacts, SingleError> {
    let store: Vec<Arc<Certificate>> = store.iter().map(|ca| ca.certificate.clone()).collect();
    let anchors = move |name: &Name| store.iter().filter(|anchor| anchor.subject.matches(name)).cloned().collect();
    let against = Against { issuer, certificate, anchors: &anchors, at: at() };
    judge_url(retriever, url, against, Deadline::after(Duration::from_secs(30))).await
}

async fn word(url: &str, issuer: Option<&Ca>, certificate: Option<&Arc<Certificate>>, store: &[&Ca]) -> Word {
    let issuer = issuer.map(|ca| &ca.certificate);
    judged_with(&retriever(), url, issuer, certificate, store).await.unwrap().word
}

async fn crl_word(ca: &Ca, spec: &CrlSpec, certificate: Option<&Arc<Certificate>>) -> Word {
    let server = Server::start().await;
    server.serve("/ca.crl", ca.crl(spec));
    word(&server.url("/ca.crl"), Some(ca), certificate, &[]).await
}

#[tokio::test]
async fn words_for_crls() {
    let ca = Ca::new("CA");
    let base = CrlSpec::default;
    assert_eq!(crl_word(&ca, &base(), None).await, Word::Ok);
    let stale = CrlSpec { next_update: Some("2026-11-02T00:00:00Z"), ..base() };
    assert_eq!(crl_word(&ca, &stale, None).await, Word::Expired);
    let early = CrlSpec { this_update: "2026-11-16T00:00:00Z", ..base() };
    assert_eq!(crl_word(&ca, &early, None).await, Word::NotYetValid);
    let soon = CrlSpec { next_update: Some("2026-11-15T10:00:00Z"), ..base() };
    assert_eq!(crl_word(&ca, &soon, None).await, Word::Expiring);
    assert_eq!(crl_word(&ca, &base().with("1.2.3", true, &[5, 0]), None).await, Word::Unsupported);
    let leaf = ca.subject(&Leaf::new(5)).certificate;
    assert_eq!(crl_word(&ca, &base(), Some(&leaf)).await, Word::Ok);
    assert_eq!(crl_word(&ca, &base().scoped(&[&[0x82, 1, 0xff]]), Some(&leaf)).await, Word::OutOfScope);
    assert_eq!(crl_word(&ca, &CrlSpec::revoking(&[Entry::new(5, None)]), Some(&leaf)).await, Word::Revoked);
    let Key::Ec(key) = Key::generate() else { panic!("another key") };
    assert_eq!(crl_word(&Ca::with_key("CA", Key::Odd(key)), &base(), None).await, Word::Unsupported);
}

#[tokio::test]
async fn the_signer_is_given_or_in_the_store() {
    let (ca, namesake, other) = (Ca::new("CA"), Ca::new("CA"), Ca::new("Other"));
    let server = Server::start().await;
    let url = server.url("/ca.crl");
    let by_key = |identifier: &[u8]| {
        let value = crate::x509::der::encode(0x30, &[&crate::x509::der::encode(0x80, &[identifier])]);
        CrlSpec::default().with("2.5.29.35", false, &value)
    };
    server.serve("/ca.crl", ca.crl(&CrlSpec::default()));
    assert_eq!(word(&url, Some(&other), None, &[]).await, Word::WrongIssuer);
    assert_eq!(word(&url, Some(&namesake), None, &[]).await, Word::BadSignature);
    assert_eq!(word(&url, None, None, &[&other, &ca]).await, Word::Ok);
    let foreign = other.subject(&Leaf::new(5)).certificate;
    assert_eq!(word(&url, None, Some(&foreign), &[&ca]).await, Word::WrongIssuer);
    let facts = judged_with(&retriever(), &url, None, None, &[&other]).await.unwrap();
    assert_eq!((facts.word, facts.endpoint.usable), (Word::Unverified, true));
    assert_eq!(facts.endpoint.defects, [ContentDefect::Unverified]);
    // A namesake in the store says nothing of a CRL that names another key.
    server.serve("/other-key.crl", ca.crl(&by_key(&[1, 2, 3])));
    assert_eq!(word(&server.url("/other-key.crl"), None, None, &[&namesake]).await, Word::Unverified);
    // Nor is a listing counted that nobody has verified.
    server.serve("/listing.crl", ca.crl(&CrlSpec::revoking(&[Entry::new(5, None)])));
    let leaf = ca.subject(&Leaf::new(5)).certificate;
    assert_eq!(word(&server.url("/listing.crl"), None, Some(&leaf), &[]).await, Word::Unverified);
    let stale = CrlSpec { next_update: Some("2026-11-02T00:00:00Z"), ..CrlSpec::default() };
    server.serve("/stale.crl", ca.crl(&stale));
    assert_eq!(word(&server.url("/stale.crl"), None, None, &[]).await, Word::Expired);
}

#[tokio::test]
async fn words_for_ca_issuers() {
    let (ca, other) = (Ca::new("CA"), Ca::new("Other"));
    let server = Server::start().await;
    let url = server.url("/ca.der");
    server.serve("/ca.der", ca.certificate.der.to_vec());
    let facts = judged_with(&retriever(), &url, None, None, &[]).await.unwrap();
    assert_eq!((facts.word, facts.endpoint.kind), (Word::Ok, EndpointKind::CaIssuers));
    assert_eq!(facts.endpoint.attempts[0].outcome, Outcome::Ok);
    assert_eq!(word(&url, None, Some(&ca.subject(&Leaf::new(5)).certificate), &[]).await, Word::Ok);
    assert_eq!(word(&url, None, Some(&other.subject(&Leaf::new(5)).certificate), &[]).await, Word::WrongIssuer);
}

#[tokio::test]
async fn words_for_ocsp() {
    let ca = Ca::new("CA");
    for (spec, expected) in [
        (OcspSpec::good(&ca, 5), Word::Ok),
        (OcspSpec::saying(&ca, 5, Says::Revoked), Word::Revoked),
        (OcspSpec::saying(&ca, 5, Says::Unknown), Word::Unknown),
        (OcspSpec::good(&ca, 6), Word::ResponderError),
        (OcspSpec { next_update: Some("2026-11-14T00:00:00Z"), ..OcspSpec::good(&ca, 5) }, Word::Expired),
        (OcspSpec { broken_signature: true, ..OcspSpec::good(&ca, 5) }, Word::BadSignature),
    ] {
        let server = Server::start().await;
        let url = server.url("/ocsp");
        server.serve("/ocsp", ca.ocsp(&spec));
        let leaf = ca.subject(&Leaf::new(5).ocsp(&url)).certificate;
        assert_eq!(word(&url, Some(&ca), Some(&leaf), &[]).await, expected);
        let unnamed = ca.subject(&Leaf::new(5)).certificate;
        assert_eq!(word(&url, Some(&ca), Some(&unnamed), &[]).await, expected, "found out by asking");
    }
    let server = Server::start().await;
    let url = server.url("/ocsp");
    let leaf = ca.subject(&Leaf::new(5).ocsp(&url)).certificate;
    server.serve("/ocsp", Ca::new("Stranger").ocsp(&OcspSpec::good(&ca, 5)));
    assert_eq!(word(&url, Some(&ca), Some(&leaf), &[]).await, Word::WrongIssuer);
    server.serve("/ocsp", ERROR_UNAUTHORIZED);
    assert_eq!(word(&url, Some(&ca), Some(&leaf), &[]).await, Word::ResponderError);
    for certificate in [None, Some(&leaf)] {
        let outcome = judged_with(&retriever(), &url, None, certificate, &[&ca]).await;
        let needs = SingleError::OcspNeedsCertificateAndIssuer { url: url.clone() };
        assert_eq!(outcome.map(|facts| facts.word), Err(needs));
    }
}

#[tokio::test]
async fn words_for_what_cannot_be_had() {
    let server = Server::start().await;
    server.serve("/text", "just text");
    server.serve("/page", "<!DOCTYPE html><html><body>Log in</body></html>");
    server.serve("/large", vec![0x30; 5000]);
    assert_eq!(word(&server.url("/text"), None, None, &[]).await, Word::Malformed);
    assert_eq!(word(&server.url("/page"), None, None, &[]).await, Word::Intercepted);
    assert_eq!(word(&server.url("/missing"), None, None, &[]).await, Word::HttpError);
    assert_eq!(word("ldap:///cn=x", None, None, &[]).await, Word::Unsupported);
    assert_eq!(word("http://", None, None, &[]).await, Word::Malformed);
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", dead.local_addr().unwrap());
    drop(dead);
    assert_eq!(word(&url, None, None, &[]).await, Word::Refused);
    let small = NetOptions { limits: Limits { max_crl_size: 1000, ..Limits::default() }, ..NetOptions::default() };
    let facts = judged_with(&retriever_with(small), &server.url("/large"), None, None, &[]).await.unwrap();
    assert_eq!(facts.word, Word::TooLarge);
    let careful = retriever_with(NetOptions { deny_private: true, ..NetOptions::default() });
    let facts = judged_with(&careful, &server.url("/text"), None, None, &[]).await.unwrap();
    assert_eq!(facts.word, Word::Unreachable);
    assert_eq!(Word::HttpError.to_string(), "HTTP error");
}

#[tokio::test]
async fn an_ocsp_url_behind_an_http_error_is_found_out_by_asking() {
    let ca = Arc::new(Ca::new("CA"));
    let server = Server::start().await;
    let responder = ca.clone();
    server.on("/ocsp", move |method, _| match *method {
        hyper::Method::POST => (200, responder.ocsp(&OcspSpec::good(&responder, 5))),
        _ => (405, Vec::new()),
    });
    let leaf = ca.subject(&Leaf::new(5)).certificate;
    let facts = judged_with(&retriever(), &server.url("/ocsp"), Some(&ca.certificate), Some(&leaf), &[]).await.unwrap();
    assert_eq!((facts.word, facts.endpoint.kind), (Word::Ok, EndpointKind::Ocsp));
    assert!(matches!(facts.endpoint.defects.as_slice(), [ContentDefect::GetFailed { .. }]));
    server.on("/gone", |_, _| (410, Vec::new()));
    let gone = judged_with(&retriever(), &server.url("/gone"), Some(&ca.certificate), Some(&leaf), &[]).await.unwrap();
    assert_eq!((gone.word, gone.endpoint.kind), (Word::HttpError, EndpointKind::Crl));
}
