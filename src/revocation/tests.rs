//! Whole examinations against a server on loopback.

mod pkits;
mod properties;
mod responders;
mod signers;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::Method;
use tokio::net::TcpListener;

use super::fixtures::{Ca, CrlSpec, ERROR_UNAUTHORIZED, Entry, Leaf, OcspSpec, Says, Server, at, instant, nonce};
use super::*;
use crate::net::{HttpMethod, NetOptions, Network, Outcome, ProxyChoice};
use crate::path::StandardJudge;
use crate::x509::RevocationReason;

const MALFORMED_REQUEST: &[u8] = &[0x30, 3, 0x0a, 1, 1];

pub(super) fn retriever_with(options: NetOptions) -> Retriever {
    let options = NetOptions { endpoint_proxy: ProxyChoice::Direct, ..options };
    Retriever::new(Network::new(options).unwrap())
}

pub(super) fn retriever() -> Retriever {
    retriever_with(NetOptions::default())
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

async fn examined(retriever: &Retriever, subjects: &[Subject]) -> RevocationFacts {
    examined_with(retriever, &RevocationOptions::default(), subjects, None).await
}

async fn examined_with(
    retriever: &Retriever,
    options: &RevocationOptions,
    subjects: &[Subject],
    staple: Option<Vec<u8>>,
) -> RevocationFacts {
    let staple = staple.map(Bytes::from);
    examine_by(retriever, options, subjects, staple.as_ref(), deadline(), &crate::Silent).await
}

/// With nothing at hand but the paths.
async fn examine_by(
    retriever: &Retriever,
    options: &RevocationOptions,
    certificates: &[Subject],
    staple: Option<&Bytes>,
    deadline: Deadline,
    progress: &dyn Progress,
) -> RevocationFacts {
    let (pool, store) = (Pool::default(), TrustStore::default());
    let at_hand = AtHand { pool: &pool, store: &store, judge: &StandardJudge };
    let subjects = Subjects { certificates, staple, at_hand };
    examine(retriever, options, subjects, at(), deadline, progress).await
}

fn endpoint<'a>(facts: &'a RevocationFacts, url: &str) -> &'a EndpointFacts {
    facts.endpoints.iter().find(|endpoint| endpoint.url == url).unwrap()
}

fn ocsp_content(endpoint: &EndpointFacts) -> &OcspContent {
    match &endpoint.content {
        Some(Content::Ocsp(content)) => content,
        other => panic!("{other:?}"),
    }
}

fn revoked(reason: Option<u8>) -> Option<Answer> {
    Some(Answer::Revoked { at: instant("2026-11-02T00:00:00Z"), reason: reason.map(RevocationReason) })
}

/// A responder for certificate 5 that repeats the nonce.
fn responder(ca: &Arc<Ca>, says: Says) -> impl Fn(&Method, &[u8]) -> (u16, Vec<u8>) + use<> {
    let ca = ca.clone();
    move |_, body| {
        let nonce = nonce(body);
        let nonce = nonce.as_ref().map(<[u8; 32]>::as_slice);
        (200, ca.ocsp(&OcspSpec { nonce, ..OcspSpec::saying(&ca, 5, says) }))
    }
}

#[derive(Default)]
struct Counter {
    started: AtomicUsize,
    finished: AtomicUsize,
}

impl Progress for Counter {
    fn started(&self, what: &str) {
        assert_eq!(what, "127.0.0.1");
        self.started.fetch_add(1, Ordering::Relaxed);
    }
    fn finished(&self, _: &str) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn everything_sound() {
    let server = Server::start().await;
    let ca = Arc::new(Ca::new("CA"));
    let leaf = Leaf::new(5)
        .crl(&[&server.url("/a.crl"), &server.url("/b.crl")])
        .ocsp(&server.url("/ocsp/"))
        .ca_issuers(&server.url("/ca.der"));
    let subjects = [ca.subject(&leaf)];
    server.serve("/a.crl", ca.crl(&CrlSpec::default()));
    server.serve("/b.crl", ca.crl(&CrlSpec::default()));
    server.serve("/ca.der", ca.certificate.der.to_vec());
    server.on("/ocsp", responder(&ca, Says::Good));
    let progress = Counter::default();
    let options = RevocationOptions::default();
    let facts = examine_by(&retriever(), &options, &subjects, None, deadline(), &progress).await;
    assert_eq!(server.asked(), ["GET /a.crl", "GET /b.crl", "GET /ca.der", "GET /ocsp", "POST /ocsp"]);
    for endpoint in &facts.endpoints {
        assert_eq!((endpoint.defects.as_slice(), endpoint.usable, &endpoint.skipped), (&[][..], true, &None));
        assert!(endpoint.attempts.iter().all(|attempt| attempt.outcome == Outcome::Ok && attempt.bytes > 0));
        assert_eq!(endpoint.certificates, [subjects[0].certificate.sha256]);
    }
    let methods: Vec<_> = endpoint(&facts, &server.url("/ocsp/")).attempts.iter().map(|it| it.method).collect();
    assert_eq!(methods, [crate::net::HttpMethod::Post, crate::net::HttpMethod::Get]);
    let [status] = facts.statuses.as_slice() else { panic!("one") };
    assert_eq!((status.status, status.sources.len(), &status.undetermined), (Status::Good, 3, &None));
    assert_eq!((progress.started.into_inner(), progress.finished.into_inner()), (4, 4));
}

#[tokio::test]
async fn targets_share_what_they_have_in_common() {
    let server = Server::start().await;
    let ca = Arc::new(Ca::new("CA"));
    let url = server.url("/ca.crl");
    server.serve("/ca.crl", ca.crl(&CrlSpec::revoking(&[Entry::new(6, Some(1))])));
    server.serve("/ca.der", ca.certificate.der.to_vec());
    server.on("/ocsp", responder(&ca, Says::Good));
    let leaf = |serial| ca.subject(&Leaf::new(serial).crl(&[&url]).ca_issuers(&server.url("/ca.der")));
    let asking = ca.subject(&Leaf::new(5).ocsp(&server.url("/ocsp")));
    let retriever = retriever();
    let (one, two) = (vec![leaf(5), asking.clone()], vec![leaf(6), asking]);
    let found = retriever.issuers(&[server.url("/ca.der"), "ldap:///x".to_owned()], deadline()).await;
    assert_eq!((found[0].certificates.len(), found[1].certificates.len()), (1, 0));
    let (one, two) = futures_util::future::join(examined(&retriever, &one), examined(&retriever, &two)).await;
    assert_eq!(one.statuses[0].status, Status::Good);
    assert_eq!((two.statuses[0].status, two.statuses[0].reason), (Status::Revoked, Some(RevocationReason(1))));
    assert_eq!(server.asked(), ["GET /ca.crl", "GET /ca.der", "GET /ocsp", "POST /ocsp"]);
}

#[tokio::test]
async fn a_large_crl_is_fetched_again_for_other_serial_numbers_only() {
    let server = Server::start().await;
    let ca = Ca::new("CA");
    let mut padding = Entry::new(9, None);
    padding.extensions.push(fixtures::extension("1.2.3", false, &[0; 1000]));
    let mut entries = vec![padding; 5000];
    entries.push(Entry::new(6, None));
    server.serve("/ca.crl", ca.crl(&CrlSpec::revoking(&entries)));
    let leaf = |serial| [ca.subject(&Leaf::new(serial).crl(&[&server.url("/ca.crl")]))];
    let retriever = retriever();
    for (serial, status, asked) in [(5, Status::Good, 1), (5, Status::Good, 1), (6, Status::Revoked, 2)] {
        assert_eq!(examined(&retriever, &leaf(serial)).await.statuses[0].status, status);
        assert_eq!(server.asked().len(), asked);
    }
    assert_eq!(examined(&retriever, &leaf(6)).await.statuses[0].status, Status::Revoked);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_post_whose_nonce_is_refused_is_repeated_without() {
    for refusal in [(200, MALFORMED_REQUEST), (400, b"bad request")] {
        let server = Server::start().await;
        let ca = Arc::new(Ca::new("CA"));
        let answer = responder(&ca, Says::Good);
        server.on("/ocsp", move |method, body| match nonce(body) {
            Some(_) => (refusal.0, refusal.1.to_vec()),
            None => answer(method, body),
        });
        let subjects = [ca.subject(&Leaf::new(5).ocsp(&server.url("/ocsp")))];
        let facts = examined(&retriever(), &subjects).await;
        let [endpoint] = facts.endpoints.as_slice() else { panic!("one") };
        assert_eq!((endpoint.defects.as_slice(), endpoint.usable), (&[][..], true));
        assert_eq!(facts.statuses[0].status, Status::Good);
        assert_eq!(server.asked(), ["GET /ocsp", "POST /ocsp", "POST /ocsp"]);
    }
}

#[tokio::test]
async fn one_method_may_fail() {
    for (failing, answer) in [(Method::GET, (405, b"no".to_vec())), (Method::POST, (200, ERROR_UNAUTHORIZED.to_vec()))]
    {
        let server = Server::start().await;
        let ca = Arc::new(Ca::new("CA"));
        let good = responder(&ca, Says::Good);
        let fails = failing.clone();
        server.on("/ocsp", move |method, body| if *method == fails { answer.clone() } else { good(method, body) });
        let facts = examined(&retriever(), &[ca.subject(&Leaf::new(5).ocsp(&server.url("/ocsp")))]).await;
        let endpoint = &facts.endpoints[0];
        assert!(endpoint.usable);
        match endpoint.defects.as_slice() {
            [ContentDefect::GetFailed { reason }] => {
                assert_eq!((failing, reason.as_str()), (Method::GET, "HTTP status 405"))
            }
            [ContentDefect::PostFailed { reason }] => {
                assert_eq!((failing, reason.as_str()), (Method::POST, "the responder answered unauthorized"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(facts.statuses[0].status, Status::Good);
    }
}

#[tokio::test]
async fn what_is_wrong_with_one_method_s_response_is_told_as_that() {
    let by = |method, defect| [ContentDefect::ByOneMethod { method, defect: Box::new(defect) }];
    let asked = async |failing: Method, answer: fn(&Ca) -> Vec<u8>| {
        let server = Server::start().await;
        let ca = Arc::new(Ca::new("CA"));
        let (good, bad) = (responder(&ca, Says::Good), answer(&ca));
        server
            .on("/ocsp", move |method, body| if *method == failing { (200, bad.clone()) } else { good(method, body) });
        let facts = examined(&retriever(), &[ca.subject(&Leaf::new(5).ocsp(&server.url("/ocsp")))]).await;
        assert_eq!((facts.endpoints[0].usable, facts.statuses[0].status), (true, Status::Good));
        facts.endpoints[0].defects.clone()
    };
    assert_eq!(
        asked(Method::POST, |ca| ca.ocsp(&OcspSpec { nonce: Some(&[1; 32]), ..OcspSpec::good(ca, 5) })).await,
        by(HttpMethod::Post, ContentDefect::NonceMismatch)
    );
    const END: &str = "2026-11-14T00:00:00Z";
    assert_eq!(
        asked(Method::GET, |ca| ca.ocsp(&OcspSpec { next_update: Some(END), ..OcspSpec::good(ca, 5) })).await,
        by(HttpMethod::Get, ContentDefect::Expired { next_update: instant(END) })
    );
    let other = asked(Method::GET, |ca| ca.ocsp(&OcspSpec::good(ca, 6))).await;
    assert!(matches!(
        other.as_slice(),
        [ContentDefect::ByOneMethod { method: HttpMethod::Get, defect }]
            if matches!(**defect, ContentDefect::WrongCertificate { .. })
    ));
}

#[tokio::test]
async fn methods_that_disagree_are_both_heard() {
    let server = Server::start().await;
    let ca = Arc::new(Ca::new("CA"));
    let (good, bad) = (responder(&ca, Says::Good), responder(&ca, Says::Revoked));
    server.on("/ocsp", move |method, body| if method == Method::GET { bad(method, body) } else { good(method, body) });
    let facts = examined(&retriever(), &[ca.subject(&Leaf::new(5).ocsp(&server.url("/ocsp")))]).await;
    let status = &facts.statuses[0];
    let said: Vec<_> = status.sources.iter().map(|source| source.answer.clone()).collect();
    assert_eq!((status.status, said), (Status::Revoked, vec![revoked(Some(1)), Some(Answer::Good)]));
    assert!(status.conflict.is_some());
    assert_eq!(ocsp_content(&facts.endpoints[0]).certificate_status, revoked(Some(1)));
}

#[tokio::test]
async fn an_unknown_certificate_stays_unknown() {
    let server = Server::start().await;
    let ca = Arc::new(Ca::new("CA"));
    server.on("/ocsp", responder(&ca, Says::Unknown));
    let facts = examined(&retriever(), &[ca.subject(&Leaf::new(5).ocsp(&server.url("/ocsp")))]).await;
    assert_eq!(
        (&facts.endpoints[0].defects[..], facts.endpoints[0].usable),
        (&[ContentDefect::UnknownStatus][..], false)
    );
    let status = &facts.statuses[0];
    assert_eq!((status.status, &status.sources[0].answer), (Status::Unknown, &Some(Answer::Unknown)));
    assert_eq!(status.undetermined, None);
}

#[tokio::test]
async fn what_is_no_object_of_the_kind_is_malformed() {
    let server = Server::start().await;
    let ca = Ca::new("CA");
    server.serve("/x", "this is not it");
    let url = server.url("/x");
    let facts = examined(&retriever(), &[ca.subject(&Leaf::new(5).crl(&[&url]).ocsp(&url).ca_issuers(&url))]).await;
    assert_eq!(facts.endpoints.len(), 3);
    for endpoint in &facts.endpoints {
        assert!(endpoint.attempts.iter().all(|attempt| attempt.outcome == Outcome::Malformed));
        let [ContentDefect::Malformed { reason }] = endpoint.defects.as_slice() else { panic!("{endpoint:?}") };
        assert!(reason.starts_with("text beginning `this is not it` came instead of a"));
        assert!(endpoint.content.is_none() && !endpoint.usable);
    }
    assert_eq!((facts.statuses[0].status, &facts.statuses[0].undetermined), (Status::Unknown, &None));
}

#[tokio::test]
async fn a_delta_named_by_the_complete_crl_takes_a_second_round() {
    let server = Server::start().await;
    let ca = Ca::new("CA");
    let (base, delta) = (server.url("/base.crl"), server.url("/delta.crl"));
    server.serve("/base.crl", ca.crl(&CrlSpec::default().freshest(&[&delta, "ldap:///cn=d"])));
    let newer =
        CrlSpec { number: Some(8), this_update: "2026-11-10T00:00:00Z", ..CrlSpec::revoking(&[Entry::new(5, None)]) };
    server.serve("/delta.crl", ca.crl(&newer.delta(7)));
    let subjects = [ca.subject(&Leaf::new(5).crl(&[&base])), ca.subject(&Leaf::new(6).crl(&[&base]))];
    let facts = examined(&retriever(), &subjects).await;
    let brief: Vec<_> = facts.endpoints.iter().map(|it| (it.kind, it.url.as_str(), it.usable)).collect();
    let (crl, of_delta) = (EndpointKind::Crl, EndpointKind::DeltaCrl);
    assert_eq!(
        brief,
        [(crl, base.as_str(), true), (of_delta, delta.as_str(), true), (of_delta, "ldap:///cn=d", false)]
    );
    assert_eq!(endpoint(&facts, &delta).certificates.len(), 2);
    assert!(matches!(facts.endpoints[2].skipped, Some(Skipped::NoDirectory { .. })));
    assert_eq!((facts.statuses[0].status, facts.statuses[1].status), (Status::Revoked, Status::Good));
    assert_eq!(server.asked(), ["GET /base.crl", "GET /delta.crl"]);
}

#[tokio::test]
async fn an_unsigned_crl_sends_the_tool_nowhere() {
    let server = Server::start().await;
    let (ca, namesake) = (Ca::new("CA"), Ca::new("CA"));
    server.serve("/base.crl", namesake.crl(&CrlSpec::default().freshest(&[&server.url("/delta.crl")])));
    let facts = examined(&retriever(), &[ca.subject(&Leaf::new(5).crl(&[&server.url("/base.crl")]))]).await;
    assert_eq!((facts.endpoints.len(), server.asked().len()), (1, 1));
}

#[tokio::test]
async fn nothing_is_contacted_offline() {
    let server = Server::start().await;
    let ca = Arc::new(Ca::new("CA"));
    let leaf = Leaf::new(5).crl(&[&server.url("/ca.crl")]).ocsp(&server.url("/ocsp"));
    let subjects = [ca.subject(&leaf), Ca::new("Other").subject(&Leaf::ca(6, "CA"))];
    let offline = RevocationOptions { offline: true, ..RevocationOptions::default() };
    let facts = examined_with(&retriever(), &offline, &subjects, None).await;
    assert!(facts.endpoints.iter().all(|endpoint| endpoint.skipped == Some(Skipped::Offline)));
    assert!(facts.statuses.iter().all(|status| status.status == Status::NotChecked && status.sources.is_empty()));

    let file = |spec: &CrlSpec| vec![("ca.crl".to_owned(), Bytes::from(ca.crl(spec)))];
    let good = RevocationOptions { crl_files: file(&CrlSpec::default()), ..offline.clone() };
    let facts = examined_with(&retriever(), &good, &subjects, None).await;
    assert_eq!((facts.statuses[0].status, facts.statuses[1].status), (Status::Good, Status::Unknown));
    assert_eq!(facts.statuses[1].undetermined.as_deref(), Some("none of the files given covers it"));
    assert_eq!(facts.statuses[0].sources[0].url.as_deref(), Some("ca.crl"));
    assert!(facts.files[0].usable && facts.files[0].defects.is_empty());

    let stale = CrlSpec { next_update: Some("2026-11-02T00:00:00Z"), ..CrlSpec::default() };
    let stale = RevocationOptions { crl_files: file(&stale), ..offline.clone() };
    let facts = examined_with(&retriever(), &stale, &subjects, None).await;
    assert!(matches!(facts.files[0].defects.as_slice(), [ContentDefect::Expired { .. }]));
    assert_eq!(facts.statuses[0].undetermined, None, "the file's own finding tells");
    assert!(facts.statuses[1].undetermined.is_some());

    let pem = crate::x509::pem::encode("OCSP RESPONSE", &ca.ocsp(&OcspSpec::saying(&ca, 5, Says::Revoked)));
    let ocsp_files = vec![("a.ocsp".to_owned(), Bytes::from(pem))];
    let facts = examined_with(&retriever(), &RevocationOptions { ocsp_files, ..offline }, &subjects, None).await;
    assert_eq!((facts.statuses[0].status, facts.statuses[1].status), (Status::Revoked, Status::Unknown));
    assert!(facts.files[0].usable && facts.files[0].defects.is_empty());
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test]
async fn files_add_up_with_what_is_fetched() {
    let server = Server::start().await;
    let ca = Ca::new("CA");
    server.serve("/ca.crl", ca.crl(&CrlSpec::default()));
    let subjects = [ca.subject(&Leaf::new(5).crl(&[&server.url("/ca.crl")]))];
    let crl_files = vec![
        ("good.crl".to_owned(), Bytes::from(ca.crl(&CrlSpec::revoking(&[Entry::new(5, None)])))),
        ("text".to_owned(), Bytes::from_static(b"no CRL")),
    ];
    let options = RevocationOptions { crl_files, ..RevocationOptions::default() };
    let facts = examined_with(&retriever(), &options, &subjects, None).await;
    assert_eq!(facts.statuses[0].status, Status::Revoked);
    assert_eq!(facts.statuses[0].sources.len(), 2);
    assert!(matches!(facts.files[1].defects.as_slice(), [ContentDefect::Malformed { .. }]));
}

#[tokio::test]
async fn the_staple_is_a_source_like_others() {
    let server = Server::start().await;
    let ca = Ca::new("CA");
    server.serve("/ca.crl", ca.crl(&CrlSpec::revoking(&[Entry::new(5, None)])));
    let subjects = [ca.subject(&Leaf::new(5))];
    let options = RevocationOptions::default();
    let good = Some(ca.ocsp(&OcspSpec::good(&ca, 5)));
    let facts = examined_with(&retriever(), &options, &subjects, good.clone()).await;
    assert_eq!((facts.statuses[0].status, facts.statuses[0].sources[0].kind), (Status::Good, SourceKind::Staple));
    assert!(facts.staple.unwrap().usable);

    let stale = OcspSpec { next_update: Some("2026-11-14T00:00:00Z"), ..OcspSpec::good(&ca, 5) };
    let facts = examined_with(&retriever(), &options, &subjects, Some(ca.ocsp(&stale))).await;
    assert!(matches!(facts.staple.unwrap().defects.as_slice(), [ContentDefect::Expired { .. }]));
    assert_eq!((facts.statuses[0].status, &facts.statuses[0].undetermined), (Status::Unknown, &None));

    let listed = [ca.subject(&Leaf::new(5).crl(&[&server.url("/ca.crl")]))];
    let facts = examined_with(&retriever(), &options, &listed, good.clone()).await;
    let conflict = facts.statuses[0].conflict.as_ref().unwrap();
    assert_eq!(
        (conflict.revoked_by.as_str(), conflict.good_by.as_str()),
        (server.url("/ca.crl").as_str(), "the stapled response")
    );

    let offline = RevocationOptions { offline: true, ..options };
    assert_eq!(examined_with(&retriever(), &offline, &subjects, good).await.statuses[0].status, Status::NotChecked);
    let revoked = Some(ca.ocsp(&OcspSpec::saying(&ca, 5, Says::Revoked)));
    assert_eq!(examined_with(&retriever(), &offline, &subjects, revoked).await.statuses[0].status, Status::Revoked);
}

#[tokio::test]
async fn dead_and_forbidden_endpoints_leave_the_status_unknown() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ca.crl", dead.local_addr().unwrap());
    drop(dead);
    let ca = Ca::new("CA");
    let subjects = [ca.subject(&Leaf::new(5).crl(&[&url]))];
    let facts = examined(&retriever(), &subjects).await;
    assert!(facts.endpoints[0].attempts.iter().all(|attempt| attempt.outcome == Outcome::Refused));
    let status = &facts.statuses[0];
    assert_eq!((status.status, &status.undetermined, &status.sources[0].answer), (Status::Unknown, &None, &None));

    let careful = retriever_with(NetOptions { deny_private: true, ..NetOptions::default() });
    let facts = examined(&careful, &subjects).await;
    assert_eq!(facts.endpoints[0].skipped, Some(Skipped::Denied { address: "127.0.0.1".to_owned() }));
    assert!(facts.endpoints[0].attempts.is_empty());
    assert_eq!(facts.statuses[0].status, Status::Unknown);
    assert!(careful.issuers(&[url], deadline()).await[0].attempts.is_empty());

    let unnamed = examined(&retriever(), &[ca.subject(&Leaf::new(5))]).await;
    assert_eq!(unnamed.statuses[0].status, Status::NotChecked);
}

#[tokio::test]
async fn every_address_is_judged() {
    let stale_server = Server::start().await;
    let server = stale_server.start_beside().await;
    let ca = Arc::new(Ca::new("CA"));
    let stale = CrlSpec { next_update: Some("2026-11-02T00:00:00Z"), ..CrlSpec::default() };
    stale_server.serve("/ca.crl", ca.crl(&stale));
    server.serve("/ca.crl", ca.crl(&CrlSpec::default()));
    stale_server.serve("/ocsp", ERROR_UNAUTHORIZED);
    server.on("/ocsp", responder(&ca, Says::Good));
    stale_server.serve("/ca.der", Ca::new("Other").certificate.der.to_vec());
    server.serve("/ca.der", ca.certificate.der.to_vec());
    let pins = [&stale_server, &server].map(|server| ("pki.test".to_owned(), server.address().ip())).to_vec();
    let retriever = retriever_with(NetOptions { pins, all_addresses: true, ..NetOptions::default() });
    let url = |path: &str| format!("http://pki.test:{}{path}", server.address().port());
    let leaf = Leaf::new(5).crl(&[&url("/ca.crl")]).ocsp(&url("/ocsp")).ca_issuers(&url("/ca.der"));
    let facts = examined(&retriever, &[ca.subject(&leaf)]).await;
    let [crl, ocsp, issuers] = facts.endpoints.as_slice() else { panic!("{:?}", facts.endpoints) };
    assert!(crl.usable && ocsp.usable && issuers.usable);
    assert!(matches!(crl.defects.as_slice(), [ContentDefect::Expired { .. }]));
    assert!(matches!(&crl.content, Some(Content::Crl(content)) if content.next_update > Some(at())));
    assert!(matches!(ocsp.defects.as_slice(), [ContentDefect::ErrorStatus { .. }]));
    assert_eq!(ocsp_content(ocsp).certificate_status, Some(Answer::Good));
    assert!(matches!(issuers.defects.as_slice(), [ContentDefect::WrongIssuer { .. }]));
    assert_eq!((crl.attempts.len(), issuers.attempts.len(), facts.statuses[0].status), (2, 2, Status::Good));
}

#[tokio::test]
async fn the_deadline_holds_for_those_who_wait_for_others() {
    // Accepts by its backlog, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ca.crl", silent.local_addr().unwrap());
    let ca = Ca::new("CA");
    let subjects = [ca.subject(&Leaf::new(5).crl(&[&url]))];
    let retriever = retriever();
    let options = RevocationOptions::default();
    let started = Instant::now();
    let within = |time| {
        let deadline = Deadline::after(time);
        examine_by(&retriever, &options, &subjects, None, deadline, &crate::Silent)
    };
    let (long, short) =
        futures_util::future::join(within(Duration::from_millis(600)), within(Duration::from_millis(100))).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    for facts in [long, short] {
        assert_eq!(facts.endpoints[0].attempts.last().unwrap().outcome, Outcome::Timeout);
        assert_eq!(facts.statuses[0].status, Status::Unknown);
    }
}
