//! Gets each distinct object once in a run, however many certificates and targets name it.
//!
//! Requests that are alike share one exchange, also while it is under way. CRLs are read as they arrive
//! and small ones kept, so that a later target can look for other serial numbers in them.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use futures_util::future::join_all;
use ring::rand::{SecureRandom as _, SystemRandom};
use url::Url;

use super::once::Once;
use super::{aia, plan, received};
use crate::net::{Attempt, Deadline, HttpMethod, HttpRequest, Network, Outcome, Sink, ldap};
use crate::x509::certificate::Serial;
use crate::x509::crl::{Crl, CrlError, CrlReader};
use crate::x509::{Certificate, ocsp, pem, signature};

/// CRLs up to this size are kept for later targets; larger ones are fetched again for serial numbers
/// that were not asked for before.
const KEPT_CRL_SIZE: usize = 4 << 20;
/// Octets of all bodies kept in a run; what comes after is fetched each time it is asked for.
const KEPT_TOTAL: u64 = 256 << 20;
/// Octets read of a body that is no CRL, to say what it is.
const FOREIGN_BODY: u64 = 1 << 20;
/// Attributes that hold CRLs (RFC 4523 §4); and certificates, since the URL may be one that `url` is to find out about.
const CRL_ATTRIBUTES: &[&str] = &[
    "certificateRevocationList;binary",
    "authorityRevocationList;binary",
    "deltaRevocationList;binary",
    "cACertificate;binary",
];
/// Attributes that hold a CA's certificates (RFC 5280 §4.2.2.1).
const ISSUER_ATTRIBUTES: &[&str] = &["cACertificate;binary", "crossCertificatePair;binary"];
/// What a wait for someone else's exchange, or a fetch that overran, may take past the deadline.
const GRACE: Duration = Duration::from_millis(250);

/// The run's fetcher: concurrent, bounded, each distinct request once. Cheap to clone.
#[derive(Clone)]
pub struct Retriever {
    shared: Arc<Shared>,
}

struct Shared {
    network: Network,
    crls: Once<Url, Fetched<CrlBody>>,
    /// CRLs that were too large to keep, by the serial numbers looked for.
    large_crls: Once<(Url, Vec<Bytes>), Fetched<CrlBody>>,
    bodies: Once<BodyKey, Fetched<Bytes>>,
    kept: AtomicU64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum BodyKey {
    CaIssuers(Url),
    OcspGet(Url),
    /// The request is the one without a nonce, so that certificates shared by targets are asked about once.
    OcspPost {
        url: Url,
        request: Bytes,
        nonce: bool,
    },
}

/// What came of one request.
#[derive(Debug, Clone)]
pub struct Fetched<T> {
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// Every body delivered, with the index of its attempt. More than one with `--all-addresses`, and of one attempt
    /// where an LDAP attribute has several values.
    pub bodies: Vec<(usize, T)>,
    /// The nonce that was sent.
    pub nonce: Option<[u8; 32]>,
    /// Whether the asker's deadline ended it, so that one with more time may do better.
    cut_short: bool,
    /// Whether it may be kept for others.
    kept: bool,
    /// The serial numbers that CRL entries were kept for, in order.
    wanted: Vec<Bytes>,
}

/// What arrived where a CRL should be.
#[derive(Debug, Clone)]
pub struct CrlBody {
    /// The answer it came in. Those of one answer are the values of an LDAP attribute: whoever reads it takes the one
    /// that fits, so the others are no fault.
    pub answer: usize,
    /// The CRL, or what is wrong with it.
    pub crl: Result<Arc<Crl>, CrlError>,
    /// The octets, where few enough.
    pub octets: Option<Bytes>,
}

impl CrlBody {
    /// Reads one that is at hand.
    #[must_use]
    pub fn read(octets: &Bytes, wanted: &[Serial]) -> Self {
        let mut sink = CrlSink::new(wanted);
        sink.push(octets);
        Self { octets: Some(octets.clone()), ..sink.finish(0) }
    }

    /// What is wrong with it, in words: the element that does not decode, or what came instead.
    #[must_use]
    pub fn malformed(&self) -> Option<String> {
        let error = self.crl.as_ref().err()?;
        let octets = self.octets.as_ref().filter(|octets| !is_pem_crl(octets));
        Some(match octets.and_then(received::identify) {
            Some(what) => format!("{what} came instead of a CRL"),
            None => error.to_string(),
        })
    }
}

fn is_pem_crl(octets: &[u8]) -> bool {
    pem::blocks(octets).first().is_some_and(|block| block.label.ends_with("CRL"))
}

/// What a caIssuers URL gave.
#[derive(Debug, Clone)]
pub struct IssuersFetched {
    /// Attempts made.
    pub attempts: Vec<Attempt>,
    /// Certificates found there.
    pub certificates: Vec<Arc<Certificate>>,
}

impl Retriever {
    /// For this network.
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self {
            shared: Arc::new(Shared {
                network,
                crls: Once::default(),
                large_crls: Once::default(),
                bodies: Once::default(),
                kept: AtomicU64::new(0),
            }),
        }
    }

    /// The network it fetches over.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.shared.network
    }

    /// Fetches caIssuers URLs for path building; the same answers serve [`super::examine`] later. URLs that
    /// are not contacted (another scheme, `--deny-private`) give nothing.
    pub async fn issuers(&self, urls: &[String], deadline: Deadline) -> Vec<IssuersFetched> {
        join_all(urls.iter().take(plan::MAX_URLS).map(|url| async move {
            let mut found = IssuersFetched { attempts: Vec::new(), certificates: Vec::new() };
            let Ok(url) = plan::address(url) else {
                return found;
            };
            if self.denied(&url, deadline).await.is_some() {
                return found;
            }
            let fetched = self.ca_issuers(&url, deadline).await;
            found.attempts.clone_from(&fetched.attempts);
            for (_, values) in fetched.answers() {
                found.certificates.extend(aia::read_values(&values).map(|read| read.certificates).unwrap_or_default());
            }
            found
        }))
        .await
    }

    /// The private address that a URL leads to, where `--deny-private` forbids that.
    pub async fn denied(&self, url: &Url, deadline: Deadline) -> Option<IpAddr> {
        self.network().denied(url, deadline).await
    }

    /// Fetches a CRL and reads its entries for the wanted serial numbers.
    pub async fn crl(&self, url: &Url, wanted: &[Serial], deadline: Deadline) -> Arc<Fetched<CrlBody>> {
        let mut sorted: Vec<Bytes> = wanted.iter().map(|serial| Bytes::copy_from_slice(serial.minimal())).collect();
        sorted.sort();
        sorted.dedup();
        let fetch = || self.fetch_crl(url, wanted, &sorted, deadline);
        let method = method_of(url);
        let fetched = self.within(deadline, url, method, self.shared.crls.get(url.clone(), fetch)).await;
        if fetched.bodies.is_empty() || sorted.iter().all(|serial| fetched.wanted.binary_search(serial).is_ok()) {
            return fetched;
        }
        if fetched.bodies.iter().all(|(_, body)| body.octets.is_some()) {
            let read_again = |body: &CrlBody| match (&body.crl, &body.octets) {
                (Ok(_), Some(octets)) => CrlBody { answer: body.answer, ..CrlBody::read(octets, wanted) },
                _ => body.clone(),
            };
            let bodies = fetched.bodies.iter().map(|(attempt, body)| (*attempt, read_again(body))).collect();
            return Arc::new(Fetched { bodies, wanted: sorted, ..Fetched::clone(&fetched) });
        }
        let key = (url.clone(), sorted.clone());
        self.within(deadline, url, method, self.shared.large_crls.get(key, fetch)).await
    }

    /// Fetches what a caIssuers URL serves.
    pub async fn ca_issuers(&self, url: &Url, deadline: Deadline) -> Arc<Fetched<Bytes>> {
        let request = || HttpRequest {
            url: asking(url, ISSUER_ATTRIBUTES),
            method: method_of(url),
            body: None,
            accept: "application/pkix-cert, application/pkcs7-mime, */*",
            limit: self.network().options().limits.max_response_size,
            follow: true,
        };
        let fetch = || self.fetch_body(request(), None, deadline);
        let exchange = self.shared.bodies.get(BodyKey::CaIssuers(url.clone()), fetch);
        self.within(deadline, url, method_of(url), exchange).await
    }

    /// Asks an OCSP responder by POST, with a fresh nonce of 32 octets (RFC 9654 §2.1) or without.
    pub async fn ocsp_post(
        &self,
        url: &Url,
        certificate: &Certificate,
        issuer: &Certificate,
        with_nonce: bool,
        deadline: Deadline,
    ) -> Arc<Fetched<Bytes>> {
        let plain: Bytes = ocsp::request(certificate, issuer, None).into();
        let fetch = || {
            let nonce = if with_nonce { nonce() } else { None };
            let body = match &nonce {
                Some(nonce) => ocsp::request(certificate, issuer, Some(nonce)).into(),
                None => plain.clone(),
            };
            let request = HttpRequest {
                url: url.clone(),
                method: HttpMethod::Post,
                body: Some((body, "application/ocsp-request")),
                accept: "application/ocsp-response, */*",
                limit: self.network().options().limits.max_response_size,
                follow: true,
            };
            self.fetch_body(request, nonce, deadline)
        };
        let key = BodyKey::OcspPost { url: url.clone(), request: plain.clone(), nonce: with_nonce };
        self.within(deadline, url, HttpMethod::Post, self.shared.bodies.get(key, fetch)).await
    }

    /// Asks an OCSP responder by GET, without a nonce (RFC 6960 §A.1).
    pub async fn ocsp_get(
        &self,
        url: &Url,
        certificate: &Certificate,
        issuer: &Certificate,
        deadline: Deadline,
    ) -> Arc<Fetched<Bytes>> {
        let url = ocsp_get_url(url, &ocsp::request(certificate, issuer, None));
        let request = || HttpRequest {
            url: url.clone(),
            method: HttpMethod::Get,
            body: None,
            accept: "application/ocsp-response, */*",
            limit: self.network().options().limits.max_response_size,
            follow: true,
        };
        let fetch = || self.fetch_body(request(), None, deadline);
        let exchange = self.shared.bodies.get(BodyKey::OcspGet(url.clone()), fetch);
        self.within(deadline, &url, HttpMethod::Get, exchange).await
    }

    async fn fetch_body(&self, request: HttpRequest, nonce: Option<[u8; 32]>, deadline: Deadline) -> Fetched<Bytes> {
        let exchanges = Box::pin(self.network().fetch(&request, &Vec::new, deadline)).await;
        let mut fetched = Fetched { nonce, ..Fetched::empty() };
        for exchange in exchanges {
            let answer = fetched.attempts.len();
            let bodies = exchange.body.into_iter().chain(exchange.further);
            fetched.bodies.extend(bodies.map(|body| (answer, Bytes::from(body))));
            fetched.attempts.push(exchange.attempt);
        }
        fetched.cut_short = is_cut_short(&fetched, deadline);
        fetched.kept = self.keep(fetched.bodies.iter().map(|(_, body)| length(body)).sum());
        fetched
    }

    async fn fetch_crl(&self, url: &Url, wanted: &[Serial], sorted: &[Bytes], deadline: Deadline) -> Fetched<CrlBody> {
        let request = HttpRequest {
            url: asking(url, CRL_ATTRIBUTES),
            method: method_of(url),
            body: None,
            accept: "application/pkix-crl, */*",
            limit: self.network().options().limits.max_crl_size,
            follow: true,
        };
        let exchanges = Box::pin(self.network().fetch(&request, &|| CrlSink::new(wanted), deadline)).await;
        let mut fetched = Fetched { wanted: sorted.to_vec(), ..Fetched::empty() };
        for exchange in exchanges {
            let mut attempt = exchange.attempt;
            let answer = fetched.attempts.len();
            let sinks = exchange.body.into_iter().chain(exchange.further);
            let bodies: Vec<CrlBody> = sinks.map(|sink| sink.finish(answer)).collect();
            let malformed = bodies.first().and_then(CrlBody::malformed);
            if let Some(reason) = malformed.filter(|_| bodies.iter().all(|body| body.crl.is_err())) {
                mark_malformed(&mut attempt, &reason);
            }
            fetched.bodies.extend(bodies.into_iter().map(|body| (answer, body)));
            fetched.attempts.push(attempt);
        }
        fetched.cut_short = is_cut_short(&fetched, deadline);
        // A CRL whose signature needs the whole message is held whole by itself (Ed25519, ML-DSA).
        let holds_itself = |crl: &Crl| signature::needs_whole_message(&crl.signature_algorithm);
        let whole =
            fetched.bodies.iter().filter_map(|(_, body)| body.crl.as_ref().ok()).filter(|crl| holds_itself(crl));
        fetched.kept = self.keep(whole.map(|crl| crl.size).sum());
        let octets = fetched.bodies.iter().filter_map(|(_, body)| body.octets.as_ref());
        if !self.keep(octets.map(|octets| length(octets)).sum()) {
            for (_, body) in &mut fetched.bodies {
                match body.crl {
                    Ok(_) => body.octets = None,
                    // They tell what came instead.
                    Err(_) => fetched.kept = false,
                }
            }
        }
        fetched
    }

    /// Whether that many more octets may be kept.
    fn keep(&self, size: u64) -> bool {
        let add = |kept: u64| kept.checked_add(size).filter(|total| *total <= KEPT_TOTAL);
        self.shared.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    /// Ends the wait at the deadline, whoever is fetching.
    async fn within<T>(
        &self,
        deadline: Deadline,
        url: &Url,
        method: HttpMethod,
        exchange: impl Future<Output = Arc<Fetched<T>>>,
    ) -> Arc<Fetched<T>> {
        match tokio::time::timeout(deadline.cap(Duration::MAX).saturating_add(GRACE), exchange).await {
            Ok(fetched) => fetched,
            Err(_) => {
                let through_proxy = self.network().endpoint_proxy(url).is_some();
                let attempt = Attempt {
                    outcome: Outcome::Timeout,
                    detail: Some("the deadline of the whole check came first".to_owned()),
                    ..Attempt::blank(method, url.clone(), through_proxy)
                };
                Arc::new(Fetched { attempts: vec![attempt], ..Fetched::empty() })
            }
        }
    }
}

impl fmt::Debug for Retriever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retriever").field("network", &self.shared.network).finish_non_exhaustive()
    }
}

impl<T> Fetched<T> {
    fn empty() -> Self {
        Self { attempts: Vec::new(), bodies: Vec::new(), nonce: None, cut_short: false, kept: true, wanted: Vec::new() }
    }
}

impl<T: Clone> Fetched<T> {
    /// What each attempt delivered that delivered anything, with its index.
    #[must_use]
    pub fn answers(&self) -> Vec<(usize, Vec<T>)> {
        let mut answers: Vec<(usize, Vec<T>)> = Vec::new();
        for (attempt, body) in &self.bodies {
            match answers.last_mut() {
                Some((last, values)) if last == attempt => values.push(body.clone()),
                _ => answers.push((*attempt, vec![body.clone()])),
            }
        }
        answers
    }
}

impl<T> super::once::Shareable for Fetched<T> {
    fn serves_others(&self) -> bool {
        !self.cut_short
    }

    fn stays(&self) -> bool {
        !self.cut_short && self.kept
    }
}

/// How a CRL or certificate is asked for under this URL.
fn method_of(url: &Url) -> HttpMethod {
    if ldap::is_ldap(url) { HttpMethod::Search } else { HttpMethod::Get }
}

/// The URL with what it should name and may not (RFC 5280 §4.2.1.13): the attributes of a directory's entry.
fn asking(url: &Url, attributes: &[&str]) -> Url {
    if ldap::is_ldap(url) { ldap::with_default_attributes(url, attributes) } else { url.clone() }
}

/// An answer came, but it is not the object that should be there.
pub fn mark_malformed(attempt: &mut Attempt, reason: &str) {
    attempt.outcome = Outcome::Malformed;
    attempt.detail = Some(reason.to_owned());
}

/// The base64 of the request, percent-encoded, after exactly one slash.
fn ocsp_get_url(url: &Url, request: &[u8]) -> Url {
    let mut base = url.clone();
    base.set_fragment(None);
    let mut text = base.as_str().trim_end_matches('/').to_owned();
    text.push('/');
    for character in base64::engine::general_purpose::STANDARD.encode(request).chars() {
        match character {
            '+' => text.push_str("%2B"),
            '/' => text.push_str("%2F"),
            '=' => text.push_str("%3D"),
            other => text.push(other),
        }
    }
    // Only unreserved characters and escapes were appended, so it is a URL as it was before.
    Url::parse(&text).unwrap_or(base)
}

/// From ring: aws-lc-rs seeds itself for 50 ms on its first random number. `None` when the system has none
/// to give; the request then goes without.
fn nonce() -> Option<[u8; 32]> {
    let mut nonce = [0; 32];
    SystemRandom::new().fill(&mut nonce).ok()?;
    Some(nonce)
}

fn length(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}

fn is_cut_short<T>(fetched: &Fetched<T>, deadline: Deadline) -> bool {
    fetched.bodies.is_empty() && deadline.cap(Duration::from_millis(1)).is_zero()
}

/// Reads a CRL as it arrives, and remembers enough to say what it was if it was none.
struct CrlSink {
    reader: CrlReader,
    failed: bool,
    received: u64,
    octets: Option<Vec<u8>>,
}

impl CrlSink {
    fn new(wanted: &[Serial]) -> Self {
        Self { reader: CrlReader::new(wanted), failed: false, received: 0, octets: Some(Vec::new()) }
    }

    fn finish(self, answer: usize) -> CrlBody {
        CrlBody { answer, crl: self.reader.finish().map(Arc::new), octets: self.octets.map(Bytes::from) }
    }
}

impl Sink for CrlSink {
    fn push(&mut self, chunk: &[u8]) -> bool {
        self.received = self.received.saturating_add(length(chunk));
        match &mut self.octets {
            Some(octets) if octets.len().saturating_add(chunk.len()) <= KEPT_CRL_SIZE => {
                octets.extend_from_slice(chunk)
            }
            octets => *octets = None,
        }
        self.failed = self.failed || self.reader.push(chunk).is_err();
        !self.failed || self.received < FOREIGN_BODY
    }
}
