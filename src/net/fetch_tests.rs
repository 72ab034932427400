//! Fetching from peers on loopback that behave well and badly.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::http::{Exchange, HttpMethod, HttpRequest};
use super::limits::{Deadline, Limits};
use super::outcome::Outcome;
use super::proxy::{ProxyChoice, ProxyUrl};
use super::testing::{
    DnsReply, answering, dns_server, listener, network, options, read_head, serve_on, serving, short_limits,
    silent_listener, soon,
};
use super::{EndpointRoots, NetOptions, Network};

type Fetched = Vec<Exchange<Vec<u8>>>;

const OBJECT: &[u8] = b"\x30\x03\x02\x01\x05";

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        url: url.parse().unwrap(),
        method: HttpMethod::Get,
        body: None,
        accept: "*/*",
        limit: 4096,
        follow: true,
    }
}

async fn fetch(network: &Network, request: &HttpRequest) -> Fetched {
    network.fetch(request, &Vec::new, soon()).await
}

async fn fetch_from(address: SocketAddr) -> Fetched {
    fetch(&network(options()), &get(&format!("http://{address}/ca.crl?a=b"))).await
}

fn only(fetched: Fetched) -> Exchange<Vec<u8>> {
    let mut fetched = fetched;
    assert_eq!(fetched.len(), 1, "{:?}", attempts(&fetched));
    fetched.remove(0)
}

fn attempts(fetched: &Fetched) -> Vec<(Option<SocketAddr>, Outcome, Option<&str>)> {
    fetched.iter().map(|e| (e.attempt.address, e.attempt.outcome, e.attempt.detail.as_deref())).collect()
}

fn outcomes(fetched: &Fetched) -> Vec<Outcome> {
    fetched.iter().map(|exchange| exchange.attempt.outcome).collect()
}

fn response(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    [format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n").as_bytes(), body].concat()
}

async fn outcome_of(answer: impl Into<Vec<u8>>) -> (Outcome, String) {
    let exchange = only(fetch_from(answering(answer).await).await);
    assert_eq!(exchange.body.is_some(), exchange.attempt.outcome == Outcome::Ok);
    (exchange.attempt.outcome, exchange.attempt.detail.unwrap_or_default())
}

/// Closes with a RST.
fn cut(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
}

#[tokio::test]
async fn an_object_arrives_with_its_phases() {
    let asked = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&asked);
    let address = serving(move |mut stream| {
        let log = Arc::clone(&log);
        async move {
            *log.lock().unwrap() = read_head(&mut stream).await;
            let head = "200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nAge: 60\r\nContent-Type: application/pkix-crl";
            stream.write_all(&response(head, OBJECT)).await.unwrap();
        }
    })
    .await;
    let Exchange { attempt, body, .. } = only(fetch_from(address).await);
    assert_eq!(body.unwrap(), OBJECT);
    assert_eq!((attempt.outcome, attempt.http_status, attempt.bytes), (Outcome::Ok, Some(200), 5));
    assert_eq!((attempt.address, attempt.detail), (Some(address), None));
    assert_eq!(attempt.date.unwrap().time.to_string(), "1994-11-06T08:50:37Z");
    let timings = attempt.timings;
    assert_eq!(timings.dns, None);
    assert!(!attempt.through_proxy);
    assert!(timings.connect <= timings.first_byte && timings.first_byte <= timings.total && timings.connect.is_some());
    let asked = asked.lock().unwrap().to_ascii_lowercase();
    assert!(asked.starts_with("get /ca.crl?a=b http/1.1\r\n"), "{asked}");
    for field in [format!("host: {address}"), "connection: close".to_owned(), "user-agent: certflight/".to_owned()] {
        assert!(asked.contains(&field), "{asked}");
    }
    assert!(!asked.contains("accept-encoding"));
}

#[tokio::test]
async fn a_post_carries_its_body() {
    let address = serving(|mut stream| async move {
        let mut asked = read_head(&mut stream).await;
        while !asked.ends_with("question") {
            let mut more = [0_u8; 64];
            let count = stream.read(&mut more).await.unwrap();
            asked.push_str(std::str::from_utf8(&more[..count]).unwrap());
        }
        let lower = asked.to_ascii_lowercase();
        assert!(
            lower.contains("content-type: application/ocsp-request") && lower.contains("content-length: 8"),
            "{asked}"
        );
        stream.write_all(&response("200 OK", OBJECT)).await.unwrap();
    })
    .await;
    let body = Some((Bytes::from_static(b"question"), "application/ocsp-request"));
    let request = HttpRequest { method: HttpMethod::Post, body, ..get(&format!("http://{address}/")) };
    let exchange = only(fetch(&network(options()), &request).await);
    assert_eq!(exchange.body.unwrap(), OBJECT);
    assert_eq!(exchange.attempt.method, HttpMethod::Post);
}

#[tokio::test]
async fn ways_to_fail_before_an_answer_have_their_words() {
    let (closed, address) = listener().await;
    drop(closed);
    let exchange = only(fetch_from(address).await);
    assert_eq!((exchange.attempt.outcome, exchange.attempt.timings.connect), (Outcome::Refused, None));

    let silent = silent_listener("127.0.0.1:0").await;
    let exchange = only(fetch_from(silent.address).await);
    assert_eq!(exchange.attempt.outcome, Outcome::Timeout);
    assert!(exchange.attempt.detail.unwrap().starts_with("connect: "));

    let (mute, address) = listener().await;
    let exchange = only(fetch_from(address).await);
    drop(mute);
    assert_eq!(exchange.attempt.outcome, Outcome::Timeout);
    assert_eq!(exchange.attempt.detail.as_deref(), Some("answer: no answer in 500 ms"));
    assert!(exchange.attempt.timings.connect.is_some());

    let address = serving(|mut stream| async move {
        read_head(&mut stream).await;
        cut(stream);
    })
    .await;
    assert_eq!(outcomes(&fetch_from(address).await), [Outcome::Reset]);
    assert_eq!(outcome_of("").await.0, Outcome::Closed);
}

#[tokio::test]
async fn ways_to_fail_within_an_answer_have_their_words() {
    let whole = response("200 OK", &[OBJECT, &[0; 100]].concat());
    let part = whole[..whole.len() - 20].to_vec();
    let (outcome, detail) = outcome_of(part.clone()).await;
    assert_eq!(outcome, Outcome::Truncated);
    assert!(detail.contains("85 octets"), "{detail}");
    assert_eq!(outcome_of("HTTP/1.1 200 OK\r\nContent-Le").await.0, Outcome::Truncated);
    assert_eq!(outcome_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0").await.0, Outcome::Truncated);

    for sent in [part.clone(), b"HTTP/1.1 200 OK\r\n".to_vec()] {
        let address = serving(move |mut stream| {
            let sent = sent.clone();
            async move {
                read_head(&mut stream).await;
                stream.write_all(&sent).await.unwrap();
                std::future::pending::<()>().await;
            }
        })
        .await;
        let exchange = only(fetch_from(address).await);
        assert_eq!(exchange.attempt.outcome, Outcome::Stalled);
        assert!(exchange.attempt.detail.unwrap().contains("nothing more in 400 ms"));
    }

    let delivered = Arc::new(Notify::new());
    let may_cut = Arc::clone(&delivered);
    let address = serving(move |mut stream| {
        let (part, may_cut) = (part.clone(), Arc::clone(&may_cut));
        async move {
            read_head(&mut stream).await;
            stream.write_all(&part).await.unwrap();
            may_cut.notified().await;
            cut(stream);
        }
    })
    .await;
    let network = network(options());
    let make = || Noticing(Arc::clone(&delivered));
    let fetched = network.fetch(&get(&format!("http://{address}/")), &make, soon()).await;
    assert_eq!(fetched[0].attempt.outcome, Outcome::Reset);
    assert!(fetched[0].attempt.detail.as_ref().unwrap().contains("after 85 octets"));
}

/// A sink that tells when something comes.
struct Noticing(Arc<Notify>);

impl super::Sink for Noticing {
    fn push(&mut self, _: &[u8]) -> bool {
        self.0.notify_one();
        true
    }
}

#[tokio::test]
async fn what_is_no_http_is_malformed() {
    assert_eq!(outcome_of("SSH-2.0-OpenSSH_9.9\r\n").await.0, Outcome::Malformed);
    assert_eq!(outcome_of(b"\x15\x03\x01\x00\x02\x02\x16".to_vec()).await.0, Outcome::Malformed);
    let bad_chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n";
    assert_eq!(outcome_of(bad_chunk).await.0, Outcome::Malformed);
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(200_000));
    assert_eq!(outcome_of(long).await.0, Outcome::Malformed);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(5000));
    assert_eq!(outcome_of(many).await.0, Outcome::Malformed);
}

#[tokio::test]
async fn too_much_is_refused() {
    let (outcome, detail) = outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n").await;
    assert_eq!(outcome, Outcome::TooLarge);
    assert!(detail.contains("4097") && detail.contains("4096"), "{detail}");
    let unannounced = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![0x30; 4097]].concat();
    assert_eq!(outcome_of(unannounced).await.0, Outcome::TooLarge);
    let fits = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![0x30; 4096]].concat();
    assert_eq!(outcome_of(fits).await.0, Outcome::Ok);

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &vec![0x30; 1 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 4096);
    assert_eq!(outcome_of(response("200 OK\r\nContent-Encoding: gzip", &bomb)).await.0, Outcome::TooLarge);
    assert_eq!(outcome_of(response("200 OK\r\nContent-Encoding: br", OBJECT)).await.0, Outcome::Unsupported);
    assert_eq!(outcome_of(response("200 OK\r\nContent-Encoding: gzip", OBJECT)).await.0, Outcome::Malformed);
}

#[tokio::test]
async fn pages_and_refusals_in_the_way_have_their_words() {
    let page = b"<html><title>Welcome to the hotel</title>";
    let (outcome, detail) = outcome_of(response("200 OK", page)).await;
    assert_eq!(outcome, Outcome::Intercepted);
    assert!(detail.contains("Welcome to the hotel"), "{detail}");
    assert_eq!(outcome_of(response("200 OK\r\nContent-Type: text/html", b"denied")).await.0, Outcome::Intercepted);
    assert_eq!(outcome_of(response("200 OK\r\nContent-Type: text/html", OBJECT)).await.0, Outcome::Ok);
    let cut_short = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<html><title>Log in</tit";
    assert_eq!(outcome_of(cut_short).await.0, Outcome::Intercepted);
    assert_eq!(outcome_of(response("511 Network Authentication Required", page)).await.0, Outcome::Intercepted);
    assert_eq!(outcome_of(response("407 X", b"")).await.0, Outcome::ProxyDenied);
    let (outcome, detail) = outcome_of(response("403 X\r\nX-Squid-Error: ERR_ACCESS_DENIED 0", b"")).await;
    assert_eq!(outcome, Outcome::ProxyDenied);
    assert!(detail.contains("ERR_ACCESS_DENIED"), "{detail}");
    let denied = "403 X\r\nProxy-Status: gate; error=http_request_denied";
    assert_eq!(outcome_of(response(denied, b"")).await.0, Outcome::ProxyDenied);
    assert_eq!(outcome_of(response("403 X\r\nVia: 1.1 cdn\r\nProxy-Status: cdn", b"")).await.0, Outcome::HttpError);
    assert_eq!(
        outcome_of(response("504 X\r\nX-Squid-Error: ERR_CONNECT_FAIL 110", b"")).await.0,
        Outcome::ProxyFailure
    );
    let (outcome, detail) =
        outcome_of(response("404 X\r\nContent-Type: text/html", b"<title>No such page</title>")).await;
    assert_eq!((outcome, detail.as_str()), (Outcome::HttpError, "a page titled \"No such page\""));
    // The status counts even if the page that explains it never comes.
    assert_eq!(
        outcome_of("HTTP/1.1 500 X\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n").await.0,
        Outcome::HttpError
    );
}

/// Redirects by path: `/from` to the location given for it; everything else is the object.
async fn redirecting(status: &'static str, routes: &'static [(&'static str, &'static str)]) -> SocketAddr {
    serving(move |mut stream| async move {
        let head = read_head(&mut stream).await;
        let path = head.split(' ').nth(1).unwrap();
        let location = routes.iter().find(|(from, _)| *from == path).map(|(_, to)| *to);
        let answer = match location {
            Some(location) => response(&format!("{status}\r\nLocation: {location}"), b""),
            None if path == "/page" => response("200 OK", b"<html>"),
            None if path == "/method" => response("200 OK", head.split(' ').next().unwrap().as_bytes()),
            None => response("200 OK", OBJECT),
        };
        stream.write_all(&answer).await.unwrap();
    })
    .await
}

async fn fetch_redirected(address: SocketAddr, path: &str) -> Fetched {
    fetch(&network(options()), &get(&format!("http://{address}{path}"))).await
}

#[tokio::test]
async fn redirects_are_followed_hop_by_hop() {
    let address = redirecting("302 Found", &[("/a", "/b"), ("/b", "c?d#e")]).await;
    let fetched = fetch_redirected(address, "/a").await;
    assert_eq!(outcomes(&fetched), [Outcome::Ok; 3]);
    assert_eq!(fetched[0].attempt.http_status, Some(302));
    assert_eq!(fetched[0].attempt.redirected_to.as_ref().unwrap().path(), "/b");
    assert!(fetched[0].body.is_none());
    assert_eq!(fetched[2].attempt.url.as_str(), format!("http://{address}/c?d"));
    assert_eq!(fetched[2].body.as_deref(), Some(OBJECT));
}

#[tokio::test]
async fn redirects_that_lead_nowhere_are_told() {
    let address = redirecting("301 Moved", &[("/a", "/b"), ("/b", "/a"), ("/self", "/self")]).await;
    assert_eq!(outcomes(&fetch_redirected(address, "/a").await), [Outcome::Ok, Outcome::RedirectLoop]);
    assert_eq!(outcomes(&fetch_redirected(address, "/self").await), [Outcome::RedirectLoop]);

    let long = &[("/0", "/1"), ("/1", "/2"), ("/2", "/3"), ("/3", "/4"), ("/4", "/5"), ("/5", "/6"), ("/6", "/7")];
    let address = redirecting("307 X", long).await;
    let fetched = fetch_redirected(address, "/0").await;
    assert_eq!(fetched.len(), 6);
    assert_eq!(fetched[5].attempt.outcome, Outcome::RedirectLoop);
    assert!(fetched[5].attempt.detail.as_ref().unwrap().contains("more than 5"));

    let address = redirecting(
        "302 X",
        &[("/file", "file:///etc/passwd"), ("/ldap", "ldap://x/"), ("/bad", "http://["), ("/captive", "/page")],
    )
    .await;
    for path in ["/file", "/ldap"] {
        let exchange = only(fetch_redirected(address, path).await);
        assert_eq!(exchange.attempt.outcome, Outcome::Unsupported);
        assert!(exchange.attempt.redirected_to.is_some() && exchange.body.is_none());
    }
    assert_eq!(outcomes(&fetch_redirected(address, "/bad").await), [Outcome::HttpError]);
    assert_eq!(outcomes(&fetch_redirected(address, "/captive").await), [Outcome::Ok, Outcome::Intercepted]);
    assert_eq!(outcome_of(response("302 Found", b"")).await.0, Outcome::HttpError);
    let unknown = only(fetch(&network(options()), &get("ftp://127.0.0.1/x")).await);
    assert_eq!(unknown.attempt.outcome, Outcome::Unsupported);
}

#[tokio::test]
async fn a_post_stays_one_only_where_the_redirect_says_so() {
    for (status, method) in [("307 X", "POST"), ("308 X", "POST"), ("302 X", "GET"), ("303 X", "GET")] {
        let address = redirecting(status, &[("/a", "/method")]).await;
        let body = Some((Bytes::from_static(b"q"), "application/ocsp-request"));
        let request = HttpRequest { method: HttpMethod::Post, body, ..get(&format!("http://{address}/a")) };
        let fetched = fetch(&network(options()), &request).await;
        assert_eq!(fetched[1].body.as_deref(), Some(method.as_bytes()), "{status}");
    }
}

/// Options that give `many.test` these addresses.
fn pinned(addresses: &[&str]) -> NetOptions {
    let pins = addresses.iter().map(|address| ("many.test".to_owned(), address.parse().unwrap())).collect();
    NetOptions { pins, ..options() }
}

async fn object_server(ip: &str, port: u16) -> SocketAddr {
    let listener = TcpListener::bind((ip, port)).await.unwrap();
    let address = listener.local_addr().unwrap();
    serve_on(listener, |mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(&response("200 OK", OBJECT)).await;
    });
    address
}

#[tokio::test]
async fn a_silent_address_does_not_cost_its_time_out() {
    let silent = silent_listener("127.0.0.2:0").await;
    let good = object_server("127.0.0.1", silent.address.port()).await;
    let mut options = pinned(&["127.0.0.2", "127.0.0.1"]);
    options.limits.step = Duration::from_secs(20);
    let started = Instant::now();
    let exchange = only(fetch(&network(options), &get(&format!("http://many.test:{}/", good.port()))).await);
    assert_eq!((exchange.attempt.outcome, exchange.attempt.address), (Outcome::Ok, Some(good)));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn failing_addresses_are_told_until_one_answers() {
    let good = object_server("127.0.0.1", 0).await;
    let closing = TcpListener::bind(("127.0.0.3", good.port())).await.unwrap();
    serve_on(closing, |mut stream| async move {
        read_head(&mut stream).await;
    });
    let network = network(pinned(&["127.0.0.2", "127.0.0.3", "127.0.0.1"]));
    let fetched = fetch(&network, &get(&format!("http://many.test:{}/", good.port()))).await;
    assert_eq!(outcomes(&fetched), [Outcome::Refused, Outcome::Closed, Outcome::Ok]);
    assert_eq!(fetched[0].attempt.address.unwrap().ip().to_string(), "127.0.0.2");
    assert_eq!(fetched[2].body.as_deref(), Some(OBJECT));
}

#[tokio::test]
async fn all_addresses_are_tried_when_asked_for() {
    let good = object_server("127.0.0.1", 0).await;
    let other = object_server("127.0.0.4", good.port()).await;
    let options = NetOptions { all_addresses: true, ..pinned(&["127.0.0.1", "127.0.0.2", "127.0.0.4"]) };
    let fetched = fetch(&network(options), &get(&format!("http://many.test:{}/", good.port()))).await;
    assert_eq!(outcomes(&fetched), [Outcome::Ok, Outcome::Refused, Outcome::Ok]);
    let told: Vec<IpAddr> = fetched.iter().map(|exchange| exchange.attempt.address.unwrap().ip()).collect();
    assert_eq!(told, ["127.0.0.1", "127.0.0.2", "127.0.0.4"].map(|ip| ip.parse::<IpAddr>().unwrap()));
    assert_eq!(fetched[2].attempt.address, Some(other));
    assert!(fetched[0].body.is_some() && fetched[2].body.is_some());
}

#[tokio::test]
async fn redirects_that_branch_at_every_address_are_bounded() {
    let (one, port) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    };
    let two = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    for listener in [one, two] {
        let asked = Arc::clone(&asked);
        serve_on(listener, move |mut stream| {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            async move {
                read_head(&mut stream).await;
                let head = format!("HTTP/1.1 302 Found\r\nLocation: /{number}\r\nContent-Length: 0\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
            }
        });
    }
    let options = NetOptions { all_addresses: true, ..pinned(&["127.0.0.1", "127.0.0.2"]) };
    let fetched = fetch(&network(options), &get(&format!("http://many.test:{port}/"))).await;
    // Two at each of 16 places; without the bound, 2 + 4 + 8 + 16 + 32 + 64.
    assert_eq!((fetched.len(), asked.load(Ordering::SeqCst)), (32, 32));
    assert_eq!(outcomes(&fetched).into_iter().filter(|outcome| *outcome == Outcome::RedirectLoop).count(), 17);
}

/// Answers the first connections with these, later ones with the object.
async fn stumbling(first: Vec<Vec<u8>>) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let address = serving(move |mut stream| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        let answer = first.get(number).cloned().unwrap_or_else(|| response("200 OK", OBJECT));
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(&answer).await;
        }
    })
    .await;
    (address, count)
}

#[tokio::test]
async fn only_what_may_be_transient_is_tried_again() {
    let retrying = |retries| network(NetOptions { limits: Limits { retries, ..short_limits() }, ..options() });
    for (first, outcome) in [
        (Vec::new(), Outcome::Closed),
        (response("503 Busy", b""), Outcome::HttpError),
        (response("429 Too Many", b""), Outcome::HttpError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n0".to_vec(), Outcome::Truncated),
    ] {
        let (address, _) = stumbling(vec![first]).await;
        let fetched = fetch(&retrying(1), &get(&format!("http://{address}/"))).await;
        assert_eq!(outcomes(&fetched), [outcome, Outcome::Ok]);
    }
    for first in
        [response("404 No", b""), response("500 No", b""), b"garbage\r\n".to_vec(), response("200 OK", b"<html>")]
    {
        let (address, count) = stumbling(vec![first]).await;
        only(fetch(&retrying(3), &get(&format!("http://{address}/"))).await);
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
    let (closed, address) = listener().await;
    drop(closed);
    only(fetch(&retrying(3), &get(&format!("http://{address}/"))).await);
    let (address, _) = stumbling(vec![Vec::new(); 9]).await;
    assert_eq!(outcomes(&fetch(&retrying(2), &get(&format!("http://{address}/"))).await), [Outcome::Closed; 3]);
}

#[tokio::test]
async fn name_resolution_is_a_phase_with_its_own_failures() {
    let good = object_server("127.0.0.1", 0).await;
    let server = dns_server(|name, _| match name {
        "good.test." | "stumbling.test." => DnsReply::Addresses(vec!["127.0.0.1".parse().unwrap()]),
        "silent.test." => DnsReply::Silence,
        _ => DnsReply::Code(hickory_proto::op::ResponseCode::NXDomain),
    })
    .await;
    let limits = Limits { retries: 1, ..short_limits() };
    let network = network(NetOptions { dns_server: Some(server.address), limits, ..options() });
    let exchange = only(fetch(&network, &get(&format!("http://good.test:{}/", good.port()))).await);
    assert_eq!(exchange.attempt.outcome, Outcome::Ok);
    assert!(exchange.attempt.timings.dns.unwrap() <= exchange.attempt.timings.first_byte.unwrap());
    // The name is known now.
    let exchange = only(fetch(&network, &get(&format!("http://good.test:{}/", good.port()))).await);
    assert_eq!((exchange.attempt.outcome, exchange.attempt.timings.dns), (Outcome::Ok, None));
    let (stumbling, _) = stumbling(vec![Vec::new()]).await;
    let fetched = fetch(&network, &get(&format!("http://stumbling.test:{}/", stumbling.port()))).await;
    assert_eq!(outcomes(&fetched), [Outcome::Closed, Outcome::Ok]);
    assert!(fetched[0].attempt.timings.dns.is_some() && fetched[1].attempt.timings.dns.is_none());
    let exchange = only(fetch(&network, &get("http://missing.test/")).await);
    assert_eq!((exchange.attempt.outcome, exchange.attempt.address), (Outcome::DnsNxdomain, None));
    let fetched = fetch(&network, &get("http://silent.test/")).await;
    assert_eq!(outcomes(&fetched), [Outcome::DnsTimeout; 2]);
}

#[tokio::test]
async fn a_slow_drip_ends_with_the_run() {
    let address = serving(|mut stream| async move {
        read_head(&mut stream).await;
        let mut drip = tokio::time::interval(Duration::from_millis(30));
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(b"0").await.is_ok() {
            drip.tick().await;
        }
    })
    .await;
    let started = Instant::now();
    let deadline = Deadline::after(Duration::from_millis(900));
    let fetched = network(options()).fetch(&get(&format!("http://{address}/")), &Vec::<u8>::new, deadline).await;
    assert_eq!(outcomes(&fetched), [Outcome::Stalled]);
    assert!(fetched[0].attempt.detail.as_ref().unwrap().contains("deadline"));
    assert!(fetched[0].attempt.bytes > 5);
    assert!(started.elapsed() >= Duration::from_millis(900) && started.elapsed() < Duration::from_secs(10));

    let over = Deadline(Instant::now());
    let fetched = network(options()).fetch(&get(&format!("http://{address}/")), &Vec::<u8>::new, over).await;
    assert_eq!(outcomes(&fetched), [Outcome::Timeout]);
}

#[tokio::test]
async fn exchanges_wait_for_a_free_slot() {
    let under_way = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (now, max) = (Arc::clone(&under_way), Arc::clone(&most));
    let address = serving(move |mut stream| {
        let (now, max) = (Arc::clone(&now), Arc::clone(&max));
        async move {
            max.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            read_head(&mut stream).await;
            now.fetch_sub(1, Ordering::SeqCst);
            stream.write_all(&response("200 OK", OBJECT)).await.unwrap();
        }
    })
    .await;
    let limits = Limits { concurrency: 2, answer: Duration::from_secs(10), ..short_limits() };
    let network = network(NetOptions { limits, ..options() });
    let request = get(&format!("http://{address}/"));
    let all = futures_util::future::join_all((0..20).map(|_| fetch(&network, &request))).await;
    assert!(all.iter().all(|fetched| outcomes(fetched) == [Outcome::Ok]));
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_sink_that_has_enough_ends_the_transfer() {
    struct Brief(Vec<u8>);
    impl super::Sink for Brief {
        fn push(&mut self, chunk: &[u8]) -> bool {
            self.0.extend_from_slice(chunk);
            false
        }
    }
    let address = serving(|mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let network = network(options());
    let fetched = network.fetch(&get(&format!("http://{address}/")), &|| Brief(Vec::new()), soon()).await;
    assert_eq!(fetched[0].attempt.outcome, Outcome::Ok);
    assert_eq!(fetched[0].body.as_ref().unwrap().0, b"0123");
}

fn through(proxy: SocketAddr, scheme: &str) -> NetOptions {
    let proxy = ProxyUrl::parse(&format!("{scheme}://user:secret@{proxy}")).unwrap();
    NetOptions { endpoint_proxy: ProxyChoice::Url(proxy), ..options() }
}

#[tokio::test]
async fn an_http_proxy_is_asked_for_the_whole_url() {
    let asked = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&asked);
    let proxy = serving(move |mut stream| {
        let log = Arc::clone(&log);
        async move {
            *log.lock().unwrap() = read_head(&mut stream).await;
            stream.write_all(&response("200 OK", OBJECT)).await.unwrap();
        }
    })
    .await;
    let exchange = only(fetch(&network(through(proxy, "http")), &get("http://crl.example.test:8080/a?b")).await);
    assert_eq!((exchange.attempt.outcome, exchange.attempt.address), (Outcome::Ok, Some(proxy)));
    assert!(exchange.attempt.through_proxy);
    assert_eq!(exchange.attempt.timings.dns, None);
    let asked = asked.lock().unwrap().to_ascii_lowercase();
    assert!(asked.starts_with("get http://crl.example.test:8080/a?b http/1.1\r\n"), "{asked}");
    assert!(asked.contains("host: crl.example.test:8080\r\n"), "{asked}");
    assert!(asked.contains("proxy-authorization: basic dxnlcjpzzwnyzxq=\r\n"), "{asked}");
}

#[tokio::test]
async fn a_proxy_may_refuse_or_fail() {
    let proxy = answering(response("407 X\r\nProxy-Authenticate: Basic realm=\"gate\"", b"")).await;
    let exchange = only(fetch(&network(through(proxy, "http")), &get("http://crl.example.test/")).await);
    assert_eq!((exchange.attempt.outcome, exchange.attempt.http_status), (Outcome::ProxyDenied, Some(407)));
    assert!(exchange.attempt.detail.unwrap().contains("gate"));
    let exchange = only(fetch(&network(through(proxy, "http")), &get("https://crl.example.test/")).await);
    assert_eq!((exchange.attempt.outcome, exchange.attempt.http_status), (Outcome::ProxyDenied, None));
    let (closed, proxy) = listener().await;
    drop(closed);
    for scheme in ["http", "socks5"] {
        let exchange = only(fetch(&network(through(proxy, scheme)), &get("http://crl.example.test/")).await);
        assert_eq!(exchange.attempt.outcome, Outcome::ProxyFailure);
        let detail = exchange.attempt.detail.unwrap();
        assert!(detail.contains("refused") && !detail.contains("secret"), "{detail}");
    }
}

#[tokio::test]
async fn private_addresses_are_refused_also_behind_redirects() {
    let address = object_server("127.0.0.1", 0).await;
    let denying = NetOptions { deny_private: true, ..pinned(&["127.0.0.1"]) };
    let exchange = only(fetch(&network(denying.clone()), &get(&format!("http://many.test:{}/", address.port()))).await);
    assert_eq!((exchange.attempt.outcome, exchange.attempt.address), (Outcome::Unsupported, None));
    assert_eq!(exchange.attempt.denied, "127.0.0.1".parse().ok());
    assert!(exchange.attempt.detail.unwrap().contains("--deny-private"));
    // A proxy stands for the public Internet that redirects inside.
    let proxy = answering(response("302 X\r\nLocation: http://169.254.169.254/latest/", b"")).await;
    let options = NetOptions { deny_private: true, ..through(proxy, "http") };
    let fetched = fetch(&network(options), &get("http://crl.example.test/")).await;
    assert_eq!(outcomes(&fetched), [Outcome::Ok, Outcome::Unsupported]);
    let denied: Vec<_> = fetched.iter().map(|exchange| exchange.attempt.denied).collect();
    assert_eq!(denied, [None, "169.254.169.254".parse().ok()]);
}

/// A certificate for `many.test`, its server on loopback, and the network that trusts it.
async fn https_server(trusted: bool) -> (SocketAddr, Network) {
    https_server_with(trusted, pinned(&["127.0.0.1"])).await
}

async fn https_server_with(trusted: bool, options: NetOptions) -> (SocketAddr, Network) {
    let certified = rcgen::generate_simple_self_signed(vec!["many.test".to_owned()]).unwrap();
    let der = certified.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let address = serving(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut buffer = [0_u8; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(&response("200 OK", OBJECT)).await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    let roots = if trusted { vec![der] } else { Vec::new() };
    let source = move || futures_util::future::ready(Ok(roots.clone())).boxed();
    (address, network(NetOptions { endpoint_roots: EndpointRoots::Given(Arc::new(source)), ..options }))
}

#[tokio::test]
async fn https_endpoints_are_verified() {
    let (address, network) = https_server(true).await;
    let exchange = only(fetch(&network, &get(&format!("https://many.test:{}/", address.port()))).await);
    assert_eq!(exchange.attempt.outcome, Outcome::Ok, "{:?}", exchange.attempt.detail);
    assert_eq!(exchange.body.unwrap(), OBJECT);
    let exchange = only(fetch(&network, &get(&format!("https://{address}/"))).await);
    assert_eq!(exchange.attempt.outcome, Outcome::TlsFailure);
    assert!(exchange.attempt.timings.total.is_some());

    let (address, network) = https_server(false).await;
    let exchange = only(fetch(&network, &get(&format!("https://many.test:{}/", address.port()))).await);
    assert_eq!(exchange.attempt.outcome, Outcome::TlsFailure);
    assert!(exchange.attempt.detail.unwrap().contains("certificate"));
}

#[tokio::test]
async fn trust_anchors_are_asked_for_once_and_only_for_https() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let source = move || {
        counter.fetch_add(1, Ordering::SeqCst);
        futures_util::future::ready(Err("no anchors here".to_owned())).boxed()
    };
    let endpoint_roots = EndpointRoots::Given(Arc::new(source));
    let network = network(NetOptions { endpoint_roots, ..options() });
    let plain = object_server("127.0.0.1", 0).await;
    assert_eq!(outcomes(&fetch(&network, &get(&format!("http://{plain}/"))).await), [Outcome::Ok]);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    for _ in 0..2 {
        let exchange = only(fetch(&network, &get(&format!("https://{plain}/"))).await);
        assert_eq!(exchange.attempt.outcome, Outcome::TlsFailure);
        assert_eq!(exchange.attempt.detail.as_deref(), Some("no anchors here"));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn https_peers_that_fail_the_handshake_have_their_words() {
    let (_, network) = https_server(true).await;
    for (answer, outcome) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Outcome::NotTls),
        (b"\x15\x03\x03\x00\x02\x02\x28", Outcome::TlsAlert),
        (b"", Outcome::Closed),
    ] {
        let address = serving(move |mut stream| async move {
            let mut hello = [0_u8; 5];
            stream.read_exact(&mut hello).await.unwrap();
            let mut rest = vec![0_u8; usize::from(u16::from_be_bytes([hello[3], hello[4]]))];
            stream.read_exact(&mut rest).await.unwrap();
            stream.write_all(answer).await.unwrap();
        })
        .await;
        let exchange = only(fetch(&network, &get(&format!("https://{address}/"))).await);
        assert_eq!(exchange.attempt.outcome, outcome, "{:?}", exchange.attempt.detail);
    }
    let (mute, address) = listener().await;
    let exchange = only(fetch(&network, &get(&format!("https://{address}/"))).await);
    drop(mute);
    assert_eq!(exchange.attempt.outcome, Outcome::Timeout);
    assert!(exchange.attempt.detail.unwrap().starts_with("TLS handshake: no answer"));
}

#[tokio::test]
async fn https_endpoints_are_reached_through_a_tunnel() {
    let splicing = |wanted: &'static str| async move {
        serving(move |mut stream| async move {
            let head = read_head(&mut stream).await;
            let authority = head.split(' ').nth(1).unwrap();
            let (host, port) = authority.split_once(':').unwrap();
            assert_eq!(host, wanted);
            let mut server = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
        })
        .await
    };
    let proxy = splicing("many.test").await;
    let (address, network) = https_server_with(true, through(proxy, "http")).await;
    let exchange = only(fetch(&network, &get(&format!("https://many.test:{}/", address.port()))).await);
    assert_eq!(exchange.attempt.outcome, Outcome::Ok, "{:?}", exchange.attempt.detail);
    assert_eq!((exchange.attempt.address, exchange.body.as_deref()), (Some(proxy), Some(OBJECT)));
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_is_an_answer() {
    let address = redirecting("302 Found", &[("/a", "/b")]).await;
    let request = HttpRequest { follow: false, ..get(&format!("http://{address}/a")) };
    let fetched = fetch(&network(options()), &request).await;
    assert_eq!(outcomes(&fetched), [Outcome::HttpError]);
    assert_eq!(fetched[0].attempt.redirected_to.as_ref().unwrap().path(), "/b");
}
