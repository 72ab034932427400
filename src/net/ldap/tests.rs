//! Directories on loopback that answer well, badly and not at all.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::http::{Exchange, HttpMethod, HttpRequest};
use super::super::proxy::{ProxyChoice, ProxyUrl};
use super::super::testing::{answering, listener, network, options, read_head, serve_on, serving, soon};
use super::super::{Limits, NetOptions};
use super::*;

const OBJECT: &[u8] = b"\x30\x03\x02\x01\x05";
const ATTRIBUTE: &str = "certificateRevocationList;binary";

fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    der::encode(der::SEQUENCE, &[&[der::INTEGER, 1, id], operation])
}

fn string(text: &[u8]) -> Vec<u8> {
    der::encode(tag::OCTET_STRING, &[text])
}

fn result(operation: u8, code: u8, matched: &str, diagnostic: &str, more: &[u8]) -> Vec<u8> {
    let (matched, diagnostic) = (string(matched.as_bytes()), string(diagnostic.as_bytes()));
    der::encode(operation, &[&[tag::ENUMERATED, 1, code], &matched, &diagnostic, more])
}

fn bound() -> Vec<u8> {
    message(1, &result(tag::BIND_RESPONSE, 0, "", "", &[]))
}

fn done(code: u8) -> Vec<u8> {
    message(2, &result(tag::SEARCH_RESULT_DONE, code, "", "", &[]))
}

fn found(values: &[&[u8]]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| string(value)).collect();
    let attribute = der::encode(der::SEQUENCE, &[&string(ATTRIBUTE.as_bytes()), &der::encode(der::SET, &[&values])]);
    let attributes = der::encode(der::SEQUENCE, &[&attribute]);
    message(2, &der::encode(tag::SEARCH_RESULT_ENTRY, &[&string(b"cn=x"), &attributes]))
}

/// A directory that says this to the bind and that to the search, then closes.
async fn directory(bind: impl Into<Vec<u8>>, search: impl Into<Vec<u8>>) -> SocketAddr {
    let (bind, search) = (bind.into(), search.into());
    serving(move |mut stream| {
        let (bind, search) = (bind.clone(), search.clone());
        async move {
            request(&mut stream).await;
            let _ = stream.write_all(&bind).await;
            request(&mut stream).await;
            let _ = stream.write_all(&search).await;
        }
    })
    .await
}

/// Reads one request, of less than 128 octets or a little more.
async fn request(stream: &mut TcpStream) -> Vec<u8> {
    let mut octets = vec![0; 2];
    if stream.read_exact(&mut octets).await.is_err() {
        return Vec::new();
    }
    let mut length = usize::from(octets[1]);
    if length > 0x80 {
        octets.resize(2 + length - 0x80, 0);
        stream.read_exact(&mut octets[2..]).await.unwrap();
        length = octets[2..].iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
    }
    let mut contents = vec![0; length];
    stream.read_exact(&mut contents).await.unwrap();
    [octets, contents].concat()
}

fn asking(url: &str) -> HttpRequest {
    HttpRequest {
        url: url.parse().unwrap(),
        method: HttpMethod::Search,
        body: None,
        accept: "",
        limit: 4096,
        follow: true,
    }
}

fn at(address: SocketAddr) -> HttpRequest {
    asking(&format!("ldap://{address}/cn=x,o=y?{ATTRIBUTE}"))
}

async fn fetch(options: NetOptions, request: &HttpRequest) -> Exchange<Vec<u8>> {
    let mut fetched = network(options).fetch(request, &Vec::new, soon()).await;
    assert_eq!(fetched.len(), 1, "{fetched:?}");
    fetched.remove(0)
}

async fn fetch_from(address: SocketAddr) -> Exchange<Vec<u8>> {
    fetch(options(), &at(address)).await
}

async fn outcome_of(bind: impl Into<Vec<u8>>, search: impl Into<Vec<u8>>) -> (Outcome, String) {
    let exchange = fetch_from(directory(bind, search).await).await;
    assert!(exchange.body.is_none() && exchange.further.is_empty());
    (exchange.attempt.outcome, exchange.attempt.detail.unwrap_or_default())
}

#[tokio::test]
async fn a_value_arrives_with_its_phases() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let address = serving(move |mut stream| {
        let log = Arc::clone(&log);
        async move {
            let bind = request(&mut stream).await;
            stream.write_all(&bound()).await.unwrap();
            let search = request(&mut stream).await;
            // Lengths in four octets, as Active Directory writes them; something else between.
            stream.write_all(&message(9, &[0x79, 0])).await.unwrap();
            let entry = found(&[OBJECT]);
            let (head, contents) = entry.split_at(2);
            stream.write_all(&[&[head[0], 0x84, 0, 0, 0, head[1]], contents, &done(0)].concat()).await.unwrap();
            let unbind = request(&mut stream).await;
            log.lock().unwrap().extend([bind, search, unbind]);
        }
    })
    .await;
    let exchange = fetch_from(address).await;
    let attempt = &exchange.attempt;
    assert_eq!(exchange.body.as_deref(), Some(OBJECT), "{attempt:?}");
    assert_eq!((attempt.outcome, attempt.method, attempt.http_status), (Outcome::Ok, HttpMethod::Search, None));
    assert_eq!((attempt.ldap_result, attempt.bytes, attempt.detail.as_deref()), (Some(0), 5, None));
    let timings = attempt.timings;
    assert!(timings.connect.is_some() && timings.connect <= timings.first_byte && timings.first_byte <= timings.total);
    while asked.lock().unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0], b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00");
    let search: [&[u8]; 8] = [
        &string(b"cn=x,o=y"),
        &[10, 1, 0],
        &[10, 1, 0],
        &[2, 1, 16],
        &[2, 1, 0],
        &[1, 1, 0],
        &[&[0x87, 11][..], b"objectClass"].concat(),
        &der::encode(der::SEQUENCE, &[&string(ATTRIBUTE.as_bytes())]),
    ];
    assert_eq!(asked[1], message(2, &der::encode(0x63, &search)));
    assert_eq!(asked[2], message(3, &[0x42, 0]));
}

#[tokio::test]
async fn several_values_arrive_apart() {
    let two = [found(&[OBJECT, b"b"]), found(&[b"c"]), done(4)].concat();
    let exchange = fetch_from(directory(bound(), two).await).await;
    assert_eq!(exchange.body.as_deref(), Some(OBJECT));
    assert_eq!(exchange.further, [b"b", b"c"]);
}

#[tokio::test]
async fn a_refused_bind_is_not_the_end() {
    let refused = || message(1, &result(tag::BIND_RESPONSE, 48, "", "anonymous bind disallowed", &[]));
    let exchange = fetch_from(directory(refused(), [found(&[OBJECT]), done(0)].concat()).await).await;
    assert_eq!(exchange.attempt.outcome, Outcome::Ok);
    let (outcome, detail) = outcome_of(refused(), done(50)).await;
    assert_eq!(outcome, Outcome::LdapError);
    assert_eq!(
        detail,
        "the directory refuses: insufficientAccessRights (50); it refused the anonymous bind before: \
         inappropriateAuthentication (48)"
    );
}

#[tokio::test]
async fn an_answer_without_the_object_says_why() {
    let none = message(2, &result(tag::SEARCH_RESULT_DONE, 32, "o=y", "nothing\u{7} there", &[]));
    let referral = der::encode(tag::REFERRAL, &[&string(b"ldap://other/o=y"), &string(b"ldap://third/")]);
    let elsewhere = message(2, &result(tag::SEARCH_RESULT_DONE, 10, "", "", &referral));
    let reference = message(2, &der::encode(tag::SEARCH_RESULT_REFERENCE, &[&string(b"ldap://sub/")]));
    let notice = message(0, &result(tag::EXTENDED_RESPONSE, 52, "", "going down\n\0", &[]));
    for (search, detail) in [
        (none, "there is no such entry: noSuchObject (32), the nearest that exists is o=y \"nothing\u{7} there\""),
        (done(0), "there is no such entry, or none that may be read without a login"),
        (
            [found(&[]), done(0)].concat(),
            "the entry has no attribute certificateRevocationList;binary, or none that may be read without a login",
        ),
        (elsewhere, "a referral to ldap://other/o=y, which is not followed: referral (10)"),
        ([reference, done(0)].concat(), "a referral to ldap://sub/, which is not followed"),
        (notice, "the directory ends the session: unavailable (52) \"going down\""),
        (done(99), "the directory refuses: a result code without a name here (99)"),
    ] {
        let (outcome, told) = outcome_of(bound(), search).await;
        assert_eq!((outcome, told.as_str()), (Outcome::LdapError, detail));
    }
    let ends_at_once = message(0, &result(tag::EXTENDED_RESPONSE, 2, "", "", &[]));
    let (_, told) = outcome_of(ends_at_once, Vec::new()).await;
    assert_eq!(told, "the directory ends the session: protocolError (2)");
}

#[tokio::test]
async fn what_is_no_ldap_is_malformed() {
    let sequence = |contents: &[u8]| der::encode(der::SEQUENCE, &[contents]);
    for (bind, search) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Vec::new()),
        (b"SSH-2.0-x\r\n".to_vec(), Vec::new()),
        (vec![0x30, 0], Vec::new()),
        (vec![0x30, 0x80, 2, 1, 1], Vec::new()),
        (vec![0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0], Vec::new()),
        (sequence(&[2, 0, 0x61, 0]), Vec::new()),
        (sequence(&[2, 1, 1, 0x61, 0]), Vec::new()),
        (sequence(&[2, 1, 1, 0x61, 5, 10, 1, 0, 4, 9]), Vec::new()),
        (message(1, &[0x65, 0]), Vec::new()),
        (bound(), b"garbage".to_vec()),
        (bound(), message(2, &[0x64, 0])),
        (bound(), message(2, &der::encode(0x64, &[&string(b""), &[0x30, 2, 4, 0]]))),
        (bound(), message(2, &[0x7f, 0x81, 0])),
        (bound(), message(2, &[0x65, 2, 10, 0])),
    ] {
        let (outcome, detail) = outcome_of(bind.clone(), search.clone()).await;
        assert_eq!(outcome, Outcome::Malformed, "{bind:02x?} {search:02x?}: {detail}");
        assert!(detail.starts_with("what answers does not speak LDAP"), "{detail}");
    }
    // Elements in elements, each a little shorter than the one around it.
    let nested =
        (0..20_000_u32).rev().flat_map(|depth| [vec![0x30, 0x84], (depth * 6).to_be_bytes().to_vec()].concat());
    assert_eq!(outcome_of(nested.collect::<Vec<u8>>(), Vec::new()).await.0, Outcome::TooLarge);
}

#[tokio::test]
async fn no_more_is_taken_than_allowed() {
    let announced = vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 2];
    for (bind, search, limit) in [
        (announced.clone(), Vec::new(), "announces a message of 4294967295 octets"),
        (bound(), announced, "announces a message of 4294967295 octets"),
        (bound(), found(&[&[0; 4097]]), "announces 4097 octets, 4096 are allowed"),
        (bound(), [found(&[&[0; 2000]]), found(&[&[0; 2100]])].concat(), "announces 2100 octets"),
        (bound(), found(&[&b"a"[..]; 65]), "more than 64 values"),
        (bound(), found(&[]).repeat(300), "more than 256 messages"),
        (message(7, &[0x61, 0]).repeat(300), Vec::new(), "more than 256 messages"),
    ] {
        let (outcome, detail) = outcome_of(bind, search).await;
        assert_eq!(outcome, Outcome::TooLarge, "{detail}");
        assert!(detail.contains(limit), "{detail}");
    }
    let exact = directory(bound(), [found(&[&[0; 4096]]), done(0)].concat()).await;
    assert_eq!(fetch_from(exact).await.body.unwrap().len(), 4096);
}

#[tokio::test]
async fn ways_to_fall_silent_have_their_words() {
    let whole = [found(&[OBJECT]), done(0)].concat();
    for cut in [1, 20, whole.len() - 1] {
        assert_eq!(outcome_of(bound(), &whole[..cut]).await.0, Outcome::Truncated, "{cut}");
    }
    assert_eq!(outcome_of(bound(), found(&[OBJECT])).await.0, Outcome::Truncated, "an entry and no result");
    let closed = serving(|mut stream| async move {
        request(&mut stream).await;
    })
    .await;
    assert_eq!(fetch_from(closed).await.attempt.outcome, Outcome::Closed);

    let holding = |bind: Vec<u8>, search: Vec<u8>| {
        serving(move |mut stream| {
            let (bind, search) = (bind.clone(), search.clone());
            async move {
                request(&mut stream).await;
                stream.write_all(&bind).await.unwrap();
                if !bind.is_empty() {
                    request(&mut stream).await;
                    stream.write_all(&search).await.unwrap();
                }
                let _ = stream.read(&mut [0; 100]).await;
            }
        })
    };
    for (bind, search, outcome, detail) in [
        (Vec::new(), Vec::new(), Outcome::Timeout, "bind: no answer in 500 ms"),
        (bound()[..4].to_vec(), Vec::new(), Outcome::Stalled, "began to answer, then nothing more in 400 ms"),
        (bound(), Vec::new(), Outcome::Stalled, "search: no answer in 500 ms"),
        (bound(), whole[..20].to_vec(), Outcome::Stalled, "began to answer, then nothing more in 400 ms"),
    ] {
        let attempt = fetch_from(holding(bind, search).await).await.attempt;
        assert_eq!((attempt.outcome, attempt.detail.as_deref()), (outcome, Some(detail)));
    }
}

#[tokio::test]
async fn a_busy_directory_is_asked_again() {
    let (listener, address) = listener().await;
    let calls = Arc::new(Mutex::new(0));
    let count = Arc::clone(&calls);
    serve_on(listener, move |mut stream| {
        let answer = {
            let mut calls = count.lock().unwrap();
            *calls += 1;
            if *calls == 1 { done(51) } else { [found(&[OBJECT]), done(0)].concat() }
        };
        async move {
            request(&mut stream).await;
            let _ = stream.write_all(&bound()).await;
            request(&mut stream).await;
            let _ = stream.write_all(&answer).await;
        }
    });
    let limits = Limits { retries: 1, ..options().limits };
    let fetched = network(NetOptions { limits, ..options() }).fetch(&at(address), &Vec::<u8>::new, soon()).await;
    let outcomes: Vec<_> = fetched.iter().map(|exchange| exchange.attempt.outcome).collect();
    assert_eq!(outcomes, [Outcome::LdapError, Outcome::Ok]);
}

#[tokio::test]
async fn schemes_and_methods_have_to_match() {
    for (url, method) in [
        ("ldap://192.0.2.1/cn=x", HttpMethod::Get),
        ("ldaps://192.0.2.1/cn=x", HttpMethod::Post),
        ("http://192.0.2.1/", HttpMethod::Search),
        ("ldap:///cn=x", HttpMethod::Search),
        ("ldap://192.0.2.1/cn=x??none", HttpMethod::Search),
    ] {
        let exchange = fetch(options(), &HttpRequest { method, ..asking(url) }).await;
        assert_eq!(exchange.attempt.outcome, Outcome::Unsupported, "{method:?} {url}");
        assert_eq!(exchange.attempt.address, None);
    }
    let to_ldap = answering("HTTP/1.1 302 Found\r\nLocation: ldap://192.0.2.1/cn=x\r\nContent-Length: 0\r\n\r\n").await;
    let request = HttpRequest { method: HttpMethod::Get, ..asking(&format!("http://{to_ldap}/")) };
    let attempt = fetch(options(), &request).await.attempt;
    assert_eq!(attempt.outcome, Outcome::Unsupported);
    assert_eq!(attempt.detail.as_deref(), Some("a redirect to the scheme ldap is not followed"));
}

#[tokio::test]
async fn private_directories_can_be_denied() {
    let exchange = fetch(NetOptions { deny_private: true, ..options() }, &asking("ldap://127.0.0.1/cn=x")).await;
    assert_eq!(exchange.attempt.denied, "127.0.0.1".parse().ok());
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel() {
    let proxy = serving(|mut stream| async move {
        let head = read_head(&mut stream).await;
        assert!(head.starts_with("CONNECT dir.test:389 HTTP/1.1\r\n"), "{head}");
        stream.write_all(b"HTTP/1.1 200 Established\r\n\r\n").await.unwrap();
        request(&mut stream).await;
        stream.write_all(&bound()).await.unwrap();
        request(&mut stream).await;
        stream.write_all(&[found(&[OBJECT]), done(0)].concat()).await.unwrap();
    })
    .await;
    let endpoint_proxy = ProxyChoice::Url(ProxyUrl::parse(&proxy.to_string()).unwrap());
    let exchange = fetch(NetOptions { endpoint_proxy, ..options() }, &asking("ldap://dir.test/cn=x")).await;
    assert_eq!(exchange.body.as_deref(), Some(OBJECT), "{:?}", exchange.attempt);
    assert!(exchange.attempt.through_proxy && exchange.attempt.address == Some(proxy));
}

/// A sink that has had enough at once.
struct Brief;

impl Sink for Brief {
    fn push(&mut self, _: &[u8]) -> bool {
        false
    }
}

#[tokio::test]
async fn a_sink_that_has_enough_leaves_the_other_values_whole() {
    let address = directory(bound(), [found(&[&[1; 2000], OBJECT]), done(0)].concat()).await;
    let fetched = network(options()).fetch(&at(address), &|| Brief, soon()).await;
    assert_eq!((fetched[0].attempt.outcome, fetched[0].further.len()), (Outcome::Ok, 1));
}

/// Octets on their way through the reader, without a network.
async fn converse_with(octets: Vec<u8>) -> Settled<Vec<u8>> {
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let query = Query::of(&"ldap://d/cn=x".parse().unwrap()).unwrap();
    let ask = Ask { query: &query, limit: 4096 };
    far.write_all(&octets).await.unwrap();
    far.shutdown().await.unwrap();
    search(Box::new(near), &ask, &Vec::new, &options().limits, soon()).await
}

proptest! {
    #[test]
    fn no_answer_is_too_odd(
        whole in any::<bool>(),
        octets in proptest::collection::vec(any::<u8>(), 0..300),
        at in 0_usize..200,
        cut in 0_usize..200,
    ) {
        let good = [bound(), found(&[OBJECT, b"b"]), done(0)].concat();
        let answer = if whole { octets } else {
            let mut changed = good[..good.len().saturating_sub(cut)].to_vec();
            for (place, octet) in changed.iter_mut().skip(at).zip(octets.iter().take(3)) {
                *place ^= octet;
            }
            changed
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let settled = runtime.block_on(converse_with(answer));
        let taken = settled.body.iter().chain(&settled.further).map(Vec::len).sum::<usize>();
        prop_assert!(taken <= 4096);
        prop_assert!(settled.body.is_none() || settled.outcome == Outcome::Ok);
    }
}
