//! Fetching an endpoint: its addresses, redirects and retries, every attempt kept.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;
use url::Url;

use super::cause::Cause;
use super::dns::AnswerSource;
use super::exchange::{Ask, Settled, exchange};
use super::http::{Attempt, Exchange, HttpMethod, HttpRequest, HttpTimings, Sink};
use super::limits::Deadline;
use super::outcome::{Failure, Outcome};
use super::proxy::{ProxyScheme, ProxyUrl};
use super::{Network, Opened, Stream, ldap, port_of, tls, tunnel};

/// Places visited for one request. Where every address is asked, each may lead somewhere else, and each of those again.
const MAX_PLACES: usize = 16;

impl Network {
    /// Sends one request to an endpoint, by HTTP or as an LDAP search, following HTTP's redirects, trying its addresses (all of
    /// them with `--all-addresses`, else until one answers) and retrying what may be transient.
    ///
    /// Every attempt made is in the result, in order, redirect hops included; those that delivered
    /// a body carry the sink that took it. `make_sink` is called once for each try. The result is
    /// never empty.
    ///
    /// With `--deny-private`, a URL or redirect that leads to a private address gives one attempt,
    /// `unsupported`, with the reason; see [`Network::denied`] for telling so beforehand.
    pub async fn fetch<S: Sink>(
        &self,
        request: &HttpRequest,
        make_sink: &(dyn Fn() -> S + Sync),
        deadline: Deadline,
    ) -> Vec<Exchange<S>> {
        let first =
            Hop { url: request.url.clone(), method: request.method, body: request.body.clone(), trail: Vec::new() };
        // With --all-addresses, several addresses of one hop may point to the same next one.
        let mut visited = vec![first.place()];
        let mut hops = VecDeque::from([first]);
        let mut done = Vec::new();
        while let Some(hop) = hops.pop_front() {
            let visit = Visit { network: self, hop: &hop, request, make_sink, deadline, query: None };
            for mut exchange in Box::pin(visit.run()).await {
                if request.follow
                    && let Some(next) = self.follow(&hop, &mut exchange.attempt)
                    && !visited.contains(&next.place())
                {
                    if visited.len() < MAX_PLACES {
                        visited.push(next.place());
                        hops.push_back(next);
                    } else {
                        exchange.attempt.outcome = Outcome::RedirectLoop;
                        exchange.attempt.detail =
                            Some(format!("its addresses redirect to more than {MAX_PLACES} places"));
                    }
                }
                done.push(exchange);
            }
        }
        done
    }

    /// The hop that a redirect leads to; otherwise the attempt says why there is none.
    fn follow(&self, hop: &Hop, attempt: &mut Attempt) -> Option<Hop> {
        let next_url = attempt.redirected_to.as_ref()?;
        let (outcome, detail) = match next_url.scheme() {
            "http" | "https" => {
                // RFC 9110 §15.4: 307 and 308 keep the method; after the others a POST becomes a GET.
                let keeps = hop.method == HttpMethod::Get || matches!(attempt.http_status, Some(307 | 308));
                let (method, body) = if keeps { (hop.method, hop.body.clone()) } else { (HttpMethod::Get, None) };
                let mut trail = hop.trail.clone();
                trail.push(hop.place());
                let next = Hop { url: next_url.clone(), method, body, trail };
                let limit = self.options().limits.max_redirects;
                if next.trail.contains(&next.place()) {
                    (Outcome::RedirectLoop, "the redirect leads back to where it came from".to_owned())
                } else if next.trail.len() > limit {
                    (Outcome::RedirectLoop, format!("more than {limit} redirects"))
                } else {
                    attempt.outcome = Outcome::Ok;
                    attempt.detail = None;
                    return Some(next);
                }
            }
            scheme => (Outcome::Unsupported, format!("a redirect to the scheme {scheme} is not followed")),
        };
        attempt.outcome = outcome;
        attempt.detail = Some(detail);
        None
    }

    /// A free slot for an exchange; `None` when the run ends before there is one.
    async fn slot(&self, deadline: Deadline) -> Option<SemaphorePermit<'_>> {
        timeout(deadline.cap(Duration::MAX), self.shared.exchanges.acquire()).await.ok()?.ok()
    }

    async fn connector(&self) -> &Result<tls::Connector, String> {
        self.shared.tls.get_or_init(|| self.shared.options.endpoint_roots.connector()).await
    }

    async fn secure(&self, stream: Box<dyn Stream>, url: &Url, deadline: Deadline) -> Result<Box<dyn Stream>, Failure> {
        if !is_secured(url) {
            return Ok(stream);
        }
        let started = Instant::now();
        let connector = self.connector().await.as_ref();
        let connector = connector.map_err(|error| Failure::since(started, Outcome::TlsFailure, error.as_str()))?;
        let host = url.host_str().unwrap_or_default();
        tls::handshake(connector, stream, host, self.options().limits.step, deadline).await
    }
}

/// One URL on the way from the request to its answer.
struct Hop {
    url: Url,
    method: HttpMethod,
    body: Option<(Bytes, &'static str)>,
    /// Where the way led so far.
    trail: Vec<(Url, HttpMethod)>,
}

impl Hop {
    fn place(&self) -> (Url, HttpMethod) {
        (self.url.clone(), self.method)
    }

    fn port(&self) -> u16 {
        port_of(&self.url).unwrap_or(80)
    }
}

/// A hop and all that visiting it takes.
struct Visit<'a, S> {
    network: &'a Network,
    hop: &'a Hop,
    request: &'a HttpRequest,
    make_sink: &'a (dyn Fn() -> S + Sync),
    deadline: Deadline,
    /// What an LDAP URL asks for.
    query: Option<ldap::Query>,
}

/// A connection over which to ask.
struct Line {
    stream: Box<dyn Stream>,
    address: SocketAddr,
    connect: Duration,
    /// The wait for the name before it.
    dns: Option<Duration>,
    /// When connecting began.
    begun: Instant,
}

impl<S: Sink> Visit<'_, S> {
    async fn run(mut self) -> Vec<Exchange<S>> {
        let hop = self.hop;
        let url = &hop.url;
        let is_spoken = match self.hop.method {
            HttpMethod::Get | HttpMethod::Post => matches!(url.scheme(), "http" | "https"),
            HttpMethod::Search => ldap::is_ldap(url),
        };
        if !is_spoken || url.host_str().is_none_or(str::is_empty) {
            return vec![self.unaskable(format!("the scheme {} is not fetched", url.scheme()))];
        }
        if self.hop.method == HttpMethod::Search {
            match ldap::Query::of(url) {
                Ok(query) => self.query = Some(query),
                Err(error) => return vec![self.unaskable(error.to_string())],
            }
        }
        if is_secured(url) {
            // Before any clock runs: the time it takes is none of the endpoint's.
            let _ = self.network.connector().await;
        }
        match self.network.endpoint_proxy(url) {
            Some(proxy) => match self.network.denied_by_name(url.host_str().unwrap_or_default()) {
                Some(address) => vec![self.denied(address)],
                None => self.through(proxy).await,
            },
            None => self.directly().await,
        }
    }

    async fn directly(&self) -> Vec<Exchange<S>> {
        let mut done = Vec::new();
        let source = self.at_its_addresses(&mut done).await;
        for exchange in &mut done {
            exchange.attempt.answer_source = source.clone();
        }
        done
    }

    /// Adds what became of each address, and says where they came from.
    async fn at_its_addresses(&self, done: &mut Vec<Exchange<S>>) -> AnswerSource {
        let host = self.hop.url.host_str().unwrap_or_default();
        let mut tries = self.tries();
        let (dns, addresses, source) = loop {
            let resolution = self.network.resolve(host, self.deadline).await;
            let dns = resolution.elapsed;
            let Some(failure) = resolution.failure else { break (dns, resolution.addresses, resolution.source) };
            let again = failure.outcome == Outcome::DnsTimeout && tries.next().is_some();
            // Name resolution is all there was: it is both its phase and the whole.
            let mut told = self.failed(None, None, failure);
            told.attempt.timings.dns = dns;
            done.push(told);
            if !again {
                return AnswerSource::Given;
            }
        };
        if let Some(address) = self.network.denied_among(&addresses) {
            done.push(self.denied(address));
            return source;
        }
        let addresses: Vec<SocketAddr> =
            addresses.into_iter().map(|address| SocketAddr::new(address, self.hop.port())).collect();
        if self.network.options().all_addresses {
            let each = addresses.iter().map(|address| self.until_answered(vec![*address], dns));
            done.extend(join_all(each).await.into_iter().flatten());
        } else {
            done.extend(self.until_answered(addresses, dns).await);
        }
        source
    }

    /// Tries addresses until one answers; those that may have failed in passing, once more. The wait for the
    /// name is that of the addresses tried first.
    async fn until_answered(&self, addresses: Vec<SocketAddr>, mut dns: Option<Duration>) -> Vec<Exchange<S>> {
        let mut done = Vec::new();
        let mut candidates = addresses;
        let mut tries = self.tries();
        loop {
            let mut transient = Vec::new();
            while !candidates.is_empty() {
                let Some(_slot) = self.network.slot(self.deadline).await else {
                    done.push(self.out_of_time(candidates.first().copied(), dns));
                    return done;
                };
                let (opened, failed) = self.network.connect_any(&candidates, self.deadline).await;
                for (address, failure) in failed {
                    candidates.retain(|candidate| *candidate != address);
                    if may_be_transient(failure.outcome) {
                        transient.push(address);
                    }
                    done.push(self.failed(Some(address), dns, failure));
                }
                let dns = dns.take();
                let Some(Opened { stream, address, connect }) = opened else { break };
                candidates.retain(|candidate| *candidate != address);
                let now = Instant::now();
                let begun = now.checked_sub(connect).unwrap_or(now);
                let exchange = Box::pin(self.ask(Line { stream, address, connect, dns, begun }, None)).await;
                let attempt = &exchange.attempt;
                let broke_off = may_be_transient(attempt.outcome);
                let overloaded = may_be_overload(attempt);
                let answered = attempt.is_answered() && !broke_off;
                done.push(exchange);
                if broke_off || overloaded {
                    transient.push(address);
                } else if answered {
                    return done;
                }
                if answered {
                    break;
                }
            }
            candidates.extend(transient.iter().copied());
            if transient.is_empty() || self.deadline.is_over() || tries.next().is_none() {
                return done;
            }
        }
    }

    async fn through(&self, proxy: &ProxyUrl) -> Vec<Exchange<S>> {
        let mut done = Vec::new();
        let mut tries = self.tries();
        loop {
            let Some(_slot) = self.network.slot(self.deadline).await else {
                done.push(self.out_of_time(None, None));
                return done;
            };
            let exchange = match Box::pin(self.line_through(proxy)).await {
                Ok((line, absolute)) => Box::pin(self.ask(line, absolute.then_some(proxy))).await,
                Err(failure) => self.failed(None, None, failure),
            };
            let attempt = &exchange.attempt;
            let again = may_be_transient(attempt.outcome) || may_be_overload(attempt);
            done.push(exchange);
            if !again || self.deadline.is_over() || tries.next().is_none() {
                return done;
            }
        }
    }

    /// A line through a proxy, and whether the proxy itself is to be asked for the URL.
    async fn line_through(&self, proxy: &ProxyUrl) -> Result<(Line, bool), Failure> {
        let step = self.network.options().limits.step;
        let url = &self.hop.url;
        let addresses = self.network.proxy_addresses(proxy, self.deadline).await?;
        let begun = Instant::now();
        let absolute = url.scheme() == "http" && proxy.scheme == ProxyScheme::Http;
        let (stream, address): (Box<dyn Stream>, _) = if absolute {
            let (address, stream) = tunnel::reach(proxy, &addresses, step, self.deadline, begun).await?;
            (Box::new(stream), address)
        } else {
            let host = url.host_str().unwrap_or_default();
            let opened = tunnel::open(proxy, &addresses, host, self.hop.port(), step, self.deadline).await?;
            (opened.stream, opened.address)
        };
        Ok((Line { stream, address, connect: begun.elapsed(), dns: None, begun }, absolute))
    }

    /// Asks over a line, after the TLS handshake where the URL wants one.
    async fn ask(&self, line: Line, as_proxy: Option<&ProxyUrl>) -> Exchange<S> {
        let Line { stream, address, mut connect, dns, begun } = line;
        let secured = Instant::now();
        let stream = match self.network.secure(stream, &self.hop.url, self.deadline).await {
            Ok(stream) => stream,
            Err(failure) => {
                let failure = Failure { elapsed: begun.elapsed(), ..failure };
                return self.failed(Some(address), dns, failure);
            }
        };
        connect = connect.saturating_add(secured.elapsed());
        // Of a type without a name, or whether a whole check may change threads takes the compiler too deep.
        let settled: BoxFuture<'_, Settled<S>> = Box::pin(self.converse(stream, as_proxy));
        let settled = settled.await;
        let login = as_proxy.filter(|_| settled.http_status == Some(407));
        let cause = login.map(|proxy| Cause::ProxyLogin { given: proxy.credentials.is_some() });
        let before = dns.unwrap_or_default();
        let timings = HttpTimings {
            dns,
            connect: Some(connect),
            first_byte: settled.first_byte.map(|first| before + first.saturating_duration_since(begun)),
            total: Some(before + begun.elapsed()),
        };
        let mut told = self.told(address, settled, timings);
        told.attempt.cause = cause;
        told
    }

    /// The request and its answer, in the protocol of the URL.
    async fn converse(&self, stream: Box<dyn Stream>, as_proxy: Option<&ProxyUrl>) -> Settled<S> {
        let limits = &self.network.options().limits;
        if let Some(query) = &self.query {
            let ask = ldap::Ask { query, limit: self.request.limit };
            return Box::pin(ldap::search(stream, &ask, self.make_sink, limits, self.deadline)).await;
        }
        let ask = Ask {
            url: &self.hop.url,
            method: self.hop.method,
            body: self.hop.body.as_ref(),
            accept: self.request.accept,
            limit: self.request.limit,
            absolute_form: as_proxy.is_some(),
            proxy_authorization: as_proxy.and_then(tunnel::authorization),
        };
        Box::pin(exchange(stream, &ask, (self.make_sink)(), limits, self.deadline)).await
    }

    fn told(&self, address: SocketAddr, settled: Settled<S>, timings: HttpTimings) -> Exchange<S> {
        let Settled { outcome, detail, http_status, ldap_result, bytes, location, date, body, further, .. } = settled;
        let mut attempt = Attempt {
            address: Some(address),
            outcome,
            detail,
            http_status,
            ldap_result,
            bytes,
            timings,
            date,
            ..self.blank()
        };
        if matches!(http_status, Some(301 | 302 | 303 | 307 | 308)) {
            match location.map(|location| self.hop.url.join(location.trim())) {
                Some(Ok(mut next)) => {
                    next.set_fragment(None);
                    // Credentials from a stranger's redirect are nothing to send.
                    let _ = next.set_username("");
                    let _ = next.set_password(None);
                    attempt.redirected_to = Some(next);
                }
                Some(Err(error)) => attempt.detail = Some(format!("the redirect's location is no URL: {error}")),
                None => attempt.detail = Some("a redirect without location".to_owned()),
            }
        }
        Exchange { attempt, body, further }
    }

    fn failed(&self, address: Option<SocketAddr>, dns: Option<Duration>, failure: Failure) -> Exchange<S> {
        let timings =
            HttpTimings { dns, total: Some(dns.unwrap_or_default() + failure.elapsed), ..HttpTimings::default() };
        let Failure { outcome, detail, cause, .. } = failure;
        Exchange {
            attempt: Attempt { address, outcome, detail, cause, timings, ..self.blank() },
            body: None,
            further: Vec::new(),
        }
    }

    fn unaskable(&self, detail: String) -> Exchange<S> {
        self.failed(None, None, Failure::at_once(Outcome::Unsupported, detail))
    }

    fn denied(&self, address: IpAddr) -> Exchange<S> {
        let detail = format!("not contacted: it leads to {address}, and --deny-private refuses such addresses");
        let mut refused = self.failed(None, None, Failure::at_once(Outcome::Unsupported, detail));
        refused.attempt.denied = Some(address);
        refused
    }

    fn out_of_time(&self, address: Option<SocketAddr>, dns: Option<Duration>) -> Exchange<S> {
        let detail = "not tried: the deadline of the run came while it waited for its turn".to_owned();
        self.failed(address, dns, Failure::at_once(Outcome::Timeout, detail))
    }

    fn blank(&self) -> Attempt {
        let through_proxy = self.network.endpoint_proxy(&self.hop.url).is_some();
        Attempt::blank(self.hop.method, self.hop.url.clone(), through_proxy)
    }

    /// One item for each retry that is allowed.
    fn tries(&self) -> std::ops::Range<u32> {
        0..self.network.options().limits.retries
    }
}

/// Whether the same thing may go well a moment later.
fn may_be_transient(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Timeout
            | Outcome::Reset
            | Outcome::Closed
            | Outcome::Stalled
            | Outcome::Truncated
            | Outcome::DnsTimeout
    )
}

/// Too many requests, and the failures of gateways and overloaded servers.
fn may_be_overload(attempt: &Attempt) -> bool {
    matches!(attempt.http_status, Some(429 | 502..=504)) || attempt.ldap_result.is_some_and(ldap::is_overload)
}

/// Whether TLS comes before the request.
fn is_secured(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "ldaps")
}
