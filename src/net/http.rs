//! Exchanges with endpoints, phase by phase: of HTTP/1.1 (RFC 9110, RFC 9112), and of LDAP (RFC 4511), which is asked
//! and told in the same terms.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

use super::cause::Cause;
use super::dns::AnswerSource;
use super::limits;
use super::outcome::Outcome;

/// Request method; LDAP's one operation is told as one too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// GET
    Get,
    /// POST
    Post,
    /// LDAP's searchRequest (RFC 4511 §4.5.1).
    Search,
}

/// One request to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpRequest {
    /// Where to: http or https for GET and POST, ldap or ldaps for a search.
    pub url: Url,
    /// Method.
    pub method: HttpMethod,
    /// Body and its content type, for POST.
    pub body: Option<(Bytes, &'static str)>,
    /// Value of the Accept header.
    pub accept: &'static str,
    /// Body limit in octets, after content decoding; of LDAP: of all values together.
    pub limit: u64,
    /// Whether redirects are followed; otherwise one is an answer like any other that is not 2xx.
    pub follow: bool,
}

/// Takes a response body as it arrives.
pub trait Sink: Send {
    /// The next octets. `false` ends the transfer (what came is malformed and more will not help).
    fn push(&mut self, chunk: &[u8]) -> bool;
}

impl Sink for Vec<u8> {
    fn push(&mut self, chunk: &[u8]) -> bool {
        self.extend_from_slice(chunk);
        true
    }
}

/// How long the phases took; `None` where one was not reached or not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HttpTimings {
    /// The wait for the name; `None` too where its addresses were known from before.
    pub dns: Option<Duration>,
    /// TCP connection, the proxy's part and the TLS handshake of https included.
    pub connect: Option<Duration>,
    /// From the start of the attempt, the wait for the name included, to the first octet of the answer.
    pub first_byte: Option<Duration>,
    /// From the start of the attempt, the wait for the name included, to its end.
    pub total: Option<Duration>,
}

/// One try at one address.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Method.
    pub method: HttpMethod,
    /// URL of this hop, where redirects led elsewhere.
    pub url: Url,
    /// The address tried (the proxy's, through one); `None` when there was none to try.
    pub address: Option<SocketAddr>,
    /// Whether a proxy stood between, or would have.
    pub through_proxy: bool,
    /// How it ended. A 2xx answer whose body starts as HTML, behind a redirect or not, is
    /// `Intercepted`. A redirect that was followed is `Ok`. `Malformed` is what is no HTTP, or no LDAP; whether
    /// the content is malformed is not known here: that is `revocation`'s to say.
    pub outcome: Outcome,
    /// What more is known.
    pub detail: Option<String>,
    /// What is known of who could mend it.
    pub cause: Option<Cause>,
    /// Where the address came from.
    pub answer_source: AnswerSource,
    /// The private address that the URL leads to, where `--deny-private` kept it from being contacted;
    /// the outcome is `Unsupported` then.
    pub denied: Option<IpAddr>,
    /// HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// LDAP's result code, where there was one (RFC 4511 §4.1.9).
    pub ldap_result: Option<u32>,
    /// Octets of body received, before content decoding; of LDAP: of values.
    pub bytes: u64,
    /// Phases.
    pub timings: HttpTimings,
    /// Where a redirect (301, 302, 303, 307, 308) pointed, followed or not.
    pub redirected_to: Option<Url>,
    /// The server's clock at the end of the attempt: its Date header, plus the Age that a cache gives.
    pub date: Option<ServerClock>,
}

/// What a server's clock said, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerClock {
    /// The time it said.
    pub time: Timestamp,
    /// When that was. Answers are shared by targets, so it can be long ago.
    pub read: Instant,
}

impl Attempt {
    /// One that has not come to anything yet: no address, no answer, no time spent.
    #[must_use]
    pub fn blank(method: HttpMethod, url: Url, through_proxy: bool) -> Self {
        Self {
            method,
            url,
            address: None,
            through_proxy,
            outcome: Outcome::Ok,
            detail: None,
            cause: None,
            answer_source: AnswerSource::Given,
            denied: None,
            http_status: None,
            ldap_result: None,
            bytes: 0,
            timings: HttpTimings::default(),
            redirected_to: None,
            date: None,
        }
    }
}

impl Attempt {
    /// Whether it was answered with a redirect that is followed.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        let redirect = self.http_status.is_some_and(|status| (300..400).contains(&status));
        redirect && self.redirected_to.is_some() && self.outcome == Outcome::Ok
    }

    /// Whether the run's own deadline ended it, so that nobody knows what would have come.
    #[must_use]
    pub fn ran_out_of_time(&self) -> bool {
        self.detail.as_deref().is_some_and(limits::names_deadline)
    }

    /// Whether the server answered in its protocol, with whatever.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.http_status.is_some() || self.ldap_result.is_some()
    }
}

/// The port that a URL means, by its scheme where it names none; `None` for schemes that are not spoken here.
#[must_use]
pub fn port_of(url: &Url) -> Option<u16> {
    url.port_or_known_default().or(match url.scheme() {
        "ldap" => Some(389),
        "ldaps" => Some(636),
        _ => None,
    })
}

/// An attempt with what it delivered.
#[derive(Debug)]
pub struct Exchange<S> {
    /// What happened.
    pub attempt: Attempt,
    /// The sink, when a complete 2xx body that is no HTML page went into it. Also present when the
    /// sink itself ended the transfer.
    pub body: Option<S>,
    /// The values after the first of an LDAP attribute that has several.
    pub further: Vec<S>,
}
