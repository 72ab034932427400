//! Whether the way to a place is open: one connection, and an answer where the protocol gives one.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use futures_util::future::join_all;
use url::Url;

use super::place::{Place, Protocol};
use crate::net::{Attempt, Deadline, Failure, HttpMethod, HttpRequest, HttpTimings, Network, Outcome, ProxyUrl, Sink};

/// Octets read of what an object's URL serves: enough to tell it from a page. How long it is does not matter.
const LOOKED_AT: u64 = 64 << 10;

/// A place with what came of going there.
#[derive(Debug, Clone)]
pub struct Reached {
    /// Where.
    pub place: Place,
    /// The addresses that its name has now; none where a proxy resolves it.
    pub addresses: Vec<IpAddr>,
    /// Why the name gave no address, where it did not.
    pub unresolved: Option<Failure>,
    /// Every attempt, in order; never empty.
    pub attempts: Vec<Attempt>,
}

impl Reached {
    /// Whether an answer came. For a host, any HTTP answer counts (also a redirect and 404), unless a proxy or a
    /// captive portal says that it is its own; for an object's URL, a page instead of the object does not.
    #[must_use]
    pub fn is_open(&self) -> bool {
        is_answered(&self.attempts)
    }
}

/// Without redirects that were followed, if there is anything else: they are no more than a way to the answer.
pub(super) fn ends(attempts: &[Attempt]) -> impl Iterator<Item = &Attempt> {
    let all_followed = attempts.iter().all(Attempt::is_followed);
    attempts.iter().filter(move |attempt| all_followed || !attempt.is_followed())
}

/// Whether an answer came. Where a block page came to one method or at one address, an error to another is no proof of
/// the contrary.
pub(super) fn is_answered(attempts: &[Attempt]) -> bool {
    let delivered = ends(attempts).any(|attempt| attempt.outcome == Outcome::Ok);
    let intercepted = ends(attempts).any(|attempt| attempt.outcome == Outcome::Intercepted);
    delivered || (!intercepted && ends(attempts).any(is_answer))
}

/// Whether this attempt shows the way to be open. What a proxy says of an origin that it could not reach is none of the
/// origin's answers (RFC 9110 §15.6.3, §15.6.5), nor need a redirect to another host be.
#[must_use]
pub fn is_answer(attempt: &Attempt) -> bool {
    match attempt.outcome {
        Outcome::Ok | Outcome::RedirectLoop | Outcome::TooLarge | Outcome::LdapError => true,
        Outcome::HttpError => {
            let of_proxy = match attempt.http_status {
                Some(502..=504) => true,
                // It may lead to the proxy's own page.
                _ => attempt.redirected_to.as_ref().is_some_and(|to| to.host() != attempt.url.host()),
            };
            !(attempt.through_proxy && of_proxy)
        }
        Outcome::Malformed => attempt.http_status.is_some(),
        _ => false,
    }
}

/// Goes to a place. With `--all-addresses` to every address of it.
pub async fn reach(network: &Network, place: &Place, deadline: Deadline) -> Reached {
    let Some(url) = place.url() else {
        // A host that was parsed makes a URL; if it ever does not, that is told and nothing is asked.
        return Reached { place: place.clone(), addresses: Vec::new(), unresolved: None, attempts: Vec::new() };
    };
    let attempts = match place.protocol {
        Protocol::Http | Protocol::Https => by_asking(network, place, &url, HttpMethod::Get, deadline).await,
        Protocol::Ldap | Protocol::Ldaps if place.object.is_some() => {
            by_asking(network, place, &url, HttpMethod::Search, deadline).await
        }
        Protocol::Ldap | Protocol::Ldaps | Protocol::Tcp => by_connecting(network, place, &url, deadline).await,
    };
    let (addresses, unresolved) = match network.endpoint_proxy(&url) {
        Some(_) => (Vec::new(), None),
        None => addresses_of(network, place, deadline).await,
    };
    Reached { place: place.clone(), addresses, unresolved, attempts }
}

/// The addresses of a place's host, in a steady order.
pub(super) async fn addresses_of(
    network: &Network,
    place: &Place,
    deadline: Deadline,
) -> (Vec<IpAddr>, Option<Failure>) {
    let resolution = network.resolve(&place.host.unbracketed(), deadline).await;
    let mut addresses = resolution.addresses;
    addresses.sort_unstable();
    addresses.dedup();
    (addresses, resolution.failure)
}

async fn by_asking(
    network: &Network,
    place: &Place,
    url: &Url,
    method: HttpMethod,
    deadline: Deadline,
) -> Vec<Attempt> {
    let request = HttpRequest {
        url: url.clone(),
        method,
        body: None,
        accept: "*/*",
        limit: network.options().limits.max_crl_size,
        // Where a host's front page leads is of no interest.
        follow: place.object.is_some(),
    };
    let exchanges = Box::pin(network.fetch(&request, &Glance::default, deadline)).await;
    let mut attempts: Vec<Attempt> = exchanges.into_iter().map(|exchange| exchange.attempt).collect();
    if place.object.is_none() {
        attempts.iter_mut().for_each(accept_page);
    }
    attempts
}

/// A host's front page is a page. That it is a block page nobody can tell, so its title stays to be read.
fn accept_page(attempt: &mut Attempt) {
    if attempt.outcome == Outcome::Intercepted && attempt.http_status != Some(511) {
        attempt.outcome = Outcome::Ok;
        attempt.detail = attempt.detail.take().map(|detail| detail.replace(" instead of the object", ""));
    }
}

/// Takes the beginning of an object.
#[derive(Default)]
struct Glance(u64);

impl Sink for Glance {
    fn push(&mut self, chunk: &[u8]) -> bool {
        self.0 = self.0.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        self.0 < LOOKED_AT
    }
}

async fn by_connecting(network: &Network, place: &Place, url: &Url, deadline: Deadline) -> Vec<Attempt> {
    let begun = Instant::now();
    if let Some(proxy) = network.endpoint_proxy(url) {
        return vec![through(network, proxy, place, url, deadline).await];
    }
    let resolution = network.resolve(&place.host.unbracketed(), deadline).await;
    let blank =
        || Attempt { answer_source: resolution.source.clone(), ..Attempt::blank(HttpMethod::Get, url.clone(), false) };
    if let Some(failure) = resolution.failure.clone() {
        return vec![failed(blank(), None, failure)];
    }
    let addresses: Vec<SocketAddr> =
        resolution.addresses.iter().map(|address| SocketAddr::new(*address, place.port)).collect();
    if network.options().all_addresses {
        let each = addresses.iter().map(|address| async {
            let begun = Instant::now();
            match network.connect(*address, deadline).await {
                Ok(_) => connected(blank(), *address, begun),
                Err(failure) => failed(blank(), Some(*address), failure),
            }
        });
        return join_all(each).await;
    }
    let (opened, failures) = network.connect_any(&addresses, deadline).await;
    let mut attempts: Vec<Attempt> =
        failures.into_iter().map(|(address, failure)| failed(blank(), Some(address), failure)).collect();
    attempts.extend(opened.map(|opened| connected(blank(), opened.address, begun)));
    attempts
}

async fn through(network: &Network, proxy: &ProxyUrl, place: &Place, url: &Url, deadline: Deadline) -> Attempt {
    let begun = Instant::now();
    let blank = Attempt::blank(HttpMethod::Get, url.clone(), true);
    match Box::pin(network.tunnel(proxy, &place.host.unbracketed(), place.port, deadline)).await {
        Ok(opened) => connected(blank, opened.address, begun),
        Err(failure) => failed(blank, None, failure),
    }
}

fn connected(blank: Attempt, address: SocketAddr, begun: Instant) -> Attempt {
    let took = Some(begun.elapsed());
    let timings = HttpTimings { connect: took, total: took, ..HttpTimings::default() };
    Attempt { address: Some(address), timings, ..blank }
}

fn failed(blank: Attempt, address: Option<SocketAddr>, failure: Failure) -> Attempt {
    let timings = HttpTimings { total: Some(failure.elapsed), ..HttpTimings::default() };
    Attempt { address, outcome: failure.outcome, detail: failure.detail, cause: failure.cause, timings, ..blank }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::net::{NetOptions, ProxyChoice};

    fn network() -> Network {
        let direct = ProxyChoice::Direct;
        Network::new(NetOptions { target_proxy: direct.clone(), endpoint_proxy: direct, ..NetOptions::default() })
            .unwrap()
    }

    /// Answers every connection with these octets.
    async fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        address
    }

    async fn reached(text: &str) -> Reached {
        let place = Place::parse(text).unwrap();
        reach(&network(), &place, Deadline::after(Duration::from_secs(20))).await
    }

    #[tokio::test]
    async fn any_answer_of_a_host_opens_the_way() {
        let page = "HTTP/1.1 200 OK\r\nContent-Length: 31\r\n\r\n<html><title>Hello</title></html>";
        for (answer, outcome, open) in [
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Outcome::HttpError, true),
            (
                "HTTP/1.1 301 Moved\r\nLocation: http://elsewhere.test/\r\nContent-Length: 0\r\n\r\n",
                Outcome::HttpError,
                true,
            ),
            (page, Outcome::Ok, true),
            ("HTTP/1.1 407 Proxy\r\nContent-Length: 0\r\n\r\n", Outcome::ProxyDenied, false),
            ("HTTP/1.1 511 Login\r\nContent-Length: 0\r\n\r\n", Outcome::Intercepted, false),
            ("220 mail.example ESMTP\r\n", Outcome::Malformed, false),
            ("", Outcome::Closed, false),
        ] {
            let reached = reached(&format!("http://{}", answering(answer).await)).await;
            let last = reached.attempts.last().unwrap();
            assert_eq!((last.outcome, reached.is_open()), (outcome, open), "{answer:?}: {last:?}");
            assert_eq!(reached.addresses, [IpAddr::from([127, 0, 0, 1])]);
        }
    }

    #[tokio::test]
    async fn an_object_is_no_page() {
        let page = "HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n<html><title>Log in</title></html>";
        let reached_page = reached(&format!("http://{}/ca.crl", answering(page).await)).await;
        assert_eq!(reached_page.attempts.last().unwrap().outcome, Outcome::Intercepted);
        assert!(!reached_page.is_open());
        let object = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n0\u{3}\u{2}\u{1}\u{5}";
        assert!(reached(&format!("http://{}/ca.crl", answering(object).await)).await.is_open());
    }

    #[tokio::test]
    async fn at_an_unknown_port_the_connection_is_enough() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = reached(&address.to_string()).await;
        assert!(open.is_open() && open.attempts[0].address == Some(address));
        drop(listener);
        let closed = reached(&address.to_string()).await;
        assert_eq!(closed.attempts.last().unwrap().outcome, Outcome::Refused);
        assert!(!closed.is_open());
    }

    #[tokio::test]
    async fn what_a_proxy_says_of_an_unreachable_origin_is_no_answer_of_it() {
        let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
        let proxy = crate::net::ProxyUrl::parse(&format!("http://{}", answering(answer).await)).unwrap();
        let network =
            Network::new(NetOptions { endpoint_proxy: ProxyChoice::Url(proxy), ..NetOptions::default() }).unwrap();
        let place = Place::parse("crl.certflight.test").unwrap();
        let reached = reach(&network, &place, Deadline::after(Duration::from_secs(20))).await;
        assert!(!reached.is_open(), "{:?}", reached.attempts);
    }
}
