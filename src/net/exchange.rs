//! One request over one connection, and how it ended (RFC 9112).

use std::io;
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::activity::{Activity, Watched, silence};
use super::content::{Body, Encoding, Stop, title};
use super::http::{HttpMethod, ServerClock, Sink};
use super::limits::{Deadline, Limits};
use super::outcome::Outcome;
use super::tunnel::{describe_own_headers, quoted};
use super::{Stream, USER_AGENT};

/// Octets of a response head.
const MAX_HEAD: usize = 64 << 10;

/// How long the body of an error answer is waited for, and how much of it is read, for its title.
const TITLE_WAIT: Duration = Duration::from_millis(250);
const TITLE_READ: usize = 8 << 10;

/// What is asked.
pub(super) struct Ask<'a> {
    pub(super) url: &'a Url,
    pub(super) method: HttpMethod,
    pub(super) body: Option<&'a (Bytes, &'static str)>,
    pub(super) accept: &'static str,
    pub(super) limit: u64,
    /// Whether an HTTP proxy is asked (RFC 9112 §3.2.2).
    pub(super) absolute_form: bool,
    /// For the proxy.
    pub(super) proxy_authorization: Option<String>,
}

/// How it ended.
pub(super) struct Settled<S> {
    pub(super) outcome: Outcome,
    pub(super) detail: Option<String>,
    pub(super) http_status: Option<u16>,
    /// LDAP's result code.
    pub(super) ldap_result: Option<u32>,
    pub(super) bytes: u64,
    pub(super) first_byte: Option<Instant>,
    pub(super) location: Option<String>,
    pub(super) date: Option<ServerClock>,
    pub(super) body: Option<S>,
    /// Of LDAP: the values after the first.
    pub(super) further: Vec<S>,
}

/// Sends the request and takes the answer, however long it takes as long as it does not fall silent
/// and the run has time.
pub(super) async fn exchange<S: Sink>(
    stream: Box<dyn Stream>,
    ask: &Ask<'_>,
    sink: S,
    limits: &Limits,
    deadline: Deadline,
) -> Settled<S> {
    let activity = Activity::begin();
    let mut progress = Progress { head: None, bytes: 0, body: None, page: Vec::new() };
    let ended = match request(ask) {
        Err(detail) => Ended::Unaskable(detail),
        Ok(request) => {
            let io = TokioIo::new(activity.watch(stream));
            let talk = converse(io, request, ask.limit, sink, &mut progress);
            tokio::select! {
                // What has arrived is taken before silence is judged.
                biased;
                ended = talk => ended,
                detail = silence("answer", &activity, limits, deadline) => Ended::Silent(detail),
            }
        }
    };
    settle(ended, progress, &activity, ask.limit)
}

/// How far an exchange came.
struct Progress<S: Sink> {
    head: Option<Head>,
    bytes: u64,
    body: Option<Body<S>>,
    /// Beginning of the body of an error answer.
    page: Vec<u8>,
}

struct Head {
    status: u16,
    headers: HeaderMap,
}

enum Ended {
    /// The body came whole.
    Complete,
    /// The body is not read on.
    Stopped(Stop),
    /// An answer without a body to use: it is all in the head.
    HeadOnly,
    /// The body announces more octets than the limit.
    Announced(u64),
    /// An encoding that was not asked for.
    Encoding(String),
    /// The connection failed, or does not speak HTTP.
    Broken(hyper::Error),
    /// Nothing came any more.
    Silent(String),
    /// The URL cannot be put into a request.
    Unaskable(String),
}

type Requested = hyper::Request<Full<Bytes>>;

fn request(ask: &Ask<'_>) -> Result<Requested, String> {
    let url = ask.url;
    let host = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let target = if ask.absolute_form { format!("{}://{authority}{path}", url.scheme()) } else { path };
    let mut builder = hyper::Request::builder()
        .method(match ask.method {
            HttpMethod::Get => hyper::Method::GET,
            HttpMethod::Post => hyper::Method::POST,
            HttpMethod::Search => return Err("a search is no HTTP request".to_owned()),
        })
        .uri(target)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, ask.accept)
        .header(header::CONNECTION, "close");
    if let Some(value) = &ask.proxy_authorization {
        builder = builder.header(header::PROXY_AUTHORIZATION, value);
    }
    let mut octets = Bytes::new();
    if let Some((body, content_type)) = ask.body {
        builder = builder.header(header::CONTENT_TYPE, *content_type);
        octets = body.clone();
    }
    builder.body(Full::new(octets)).map_err(|error| format!("the URL cannot be put into a request: {error}"))
}

async fn converse<S: Sink>(
    io: TokioIo<Watched>,
    request: Requested,
    limit: u64,
    sink: S,
    progress: &mut Progress<S>,
) -> Ended {
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let (mut sender, connection) = match builder.handshake(io).await {
        Ok(pair) => pair,
        Err(error) => return Ended::Broken(error),
    };
    let conversation = async {
        match sender.send_request(request).await {
            Ok(response) => receive(response, limit, sink, progress).await,
            Err(error) => Ended::Broken(error),
        }
    };
    // Both in one task: what the connection has received is always taken before silence is judged.
    let (mut conversation, mut connection, mut open) = (pin!(conversation), pin!(connection), true);
    loop {
        tokio::select! {
            biased;
            ended = &mut conversation => return ended,
            _ = &mut connection, if open => open = false,
        }
    }
}

async fn receive<S: Sink>(
    response: hyper::Response<Incoming>,
    limit: u64,
    sink: S,
    progress: &mut Progress<S>,
) -> Ended {
    let (parts, mut incoming) = response.into_parts();
    let status = parts.status.as_u16();
    let headers = progress.head.insert(Head { status, headers: parts.headers }).headers.clone();
    let as_page = text(&headers, &header::CONTENT_TYPE)
        .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/html"));
    if !parts.status.is_success() {
        if as_page && !parts.status.is_redirection() {
            let reading = read_page(&mut incoming, &mut progress.page);
            let _ = tokio::time::timeout(TITLE_WAIT, reading).await;
        }
        return Ended::HeadOnly;
    }
    let announced = text(&headers, &header::CONTENT_LENGTH).and_then(|value| value.trim().parse::<u64>().ok());
    if let Some(announced) = announced.filter(|announced| *announced > limit) {
        return Ended::Announced(announced);
    }
    let encodings: Vec<&str> = all_text(&headers, &header::CONTENT_ENCODING).collect();
    let encodings = encodings.join(", ");
    let Some(encoding) = Encoding::from_header(Some(&encodings)) else { return Ended::Encoding(encodings) };
    let body = progress.body.insert(Body::new(sink, encoding, limit, as_page));
    loop {
        match incoming.frame().await {
            None => return Ended::Complete,
            Some(Err(error)) => return Ended::Broken(error),
            Some(Ok(frame)) => {
                let Some(octets) = frame.data_ref() else { continue };
                progress.bytes = progress.bytes.saturating_add(octets.len().try_into().unwrap_or(u64::MAX));
                if let Err(stop) = body.push(octets) {
                    return Ended::Stopped(stop);
                }
            }
        }
    }
}

async fn read_page(incoming: &mut Incoming, page: &mut Vec<u8>) {
    while let Some(Ok(frame)) = incoming.frame().await {
        let octets = frame.data_ref().map(AsRef::as_ref).unwrap_or_default();
        let room = TITLE_READ.saturating_sub(page.len());
        page.extend_from_slice(octets.get(..room).unwrap_or(octets));
        if page.len() >= TITLE_READ || title(page).is_some() {
            return;
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn all_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

fn settle<S: Sink>(ended: Ended, mut progress: Progress<S>, activity: &Activity, limit: u64) -> Settled<S> {
    let first_byte = activity.seen().first;
    let head = progress.head.take();
    let mut settled = Settled {
        outcome: Outcome::Ok,
        detail: None,
        http_status: head.as_ref().map(|head| head.status),
        ldap_result: None,
        bytes: progress.bytes,
        first_byte,
        location: head.as_ref().and_then(|head| head.headers.get(header::LOCATION)).map(lossy),
        date: head.as_ref().and_then(date).map(|time| ServerClock { time, read: Instant::now() }),
        body: None,
        further: Vec::new(),
    };
    let page = progress.body.as_mut().and_then(Body::page);
    let (outcome, detail) = match (ended, head, page) {
        // The status is the answer, whatever became of the page that explains it.
        (_, Some(head), _) if !(200..300).contains(&head.status) => judge_status(&head, &progress.page),
        (Ended::Stopped(Stop::Page(title)), ..) | (_, _, Some(title)) => {
            (Outcome::Intercepted, Some(describe_page(title)))
        }
        (Ended::Complete, ..) => match progress.body.map(Body::finish) {
            Some(Ok(sink)) => {
                settled.body = Some(sink);
                (Outcome::Ok, None)
            }
            Some(Err(stop)) => judge_stop(stop, limit),
            None => (Outcome::Ok, None),
        },
        (Ended::Stopped(Stop::Sink), ..) => {
            settled.body = progress.body.and_then(Body::into_sink);
            (Outcome::Ok, Some("not read to its end".to_owned()))
        }
        (Ended::Stopped(stop), ..) => judge_stop(stop, limit),
        (Ended::HeadOnly, ..) => (Outcome::Ok, None),
        (Ended::Announced(announced), ..) => {
            (Outcome::TooLarge, Some(format!("announces {announced} octets, {limit} are allowed")))
        }
        (Ended::Encoding(encoding), ..) => {
            (Outcome::Unsupported, Some(format!("content encoding {} was not asked for", quoted(&encoding))))
        }
        (Ended::Broken(error), ..) => judge_error(&error, first_byte.is_some(), progress.bytes),
        (Ended::Silent(detail), ..) => {
            let outcome = if first_byte.is_some() { Outcome::Stalled } else { Outcome::Timeout };
            (outcome, Some(detail))
        }
        (Ended::Unaskable(detail), ..) => (Outcome::Unsupported, Some(detail)),
    };
    Settled { outcome, detail, ..settled }
}

fn describe_page(title: Option<String>) -> String {
    match title {
        Some(title) => format!("a page titled \"{title}\" instead of the object"),
        None => "a page instead of the object".to_owned(),
    }
}

fn judge_stop(stop: Stop, limit: u64) -> (Outcome, Option<String>) {
    match stop {
        Stop::TooLarge => (Outcome::TooLarge, Some(format!("more than the {limit} octets that are allowed"))),
        Stop::Page(title) => (Outcome::Intercepted, Some(describe_page(title))),
        Stop::Sink => (Outcome::Ok, None),
        Stop::Undecodable => {
            (Outcome::Malformed, Some("the body is not encoded as its content encoding says".to_owned()))
        }
        Stop::EncodingTruncated => (Outcome::Truncated, Some("the encoded body ends early".to_owned())),
    }
}

/// Statuses outside 2xx: whose answer it is.
fn judge_status(head: &Head, page: &[u8]) -> (Outcome, Option<String>) {
    let named = |name: &str| head.headers.get(name).map(lossy);
    // RFC 9209 §2.3: only these say that a proxy refused; reverse proxies send the field too.
    let status_denies =
        named("proxy-status").is_some_and(|value| value.contains("request_denied") || value.contains("prohibited"));
    let squid = named("x-squid-error").is_some();
    let denied = squid || status_denies || named("proxy-authenticate").is_some();
    let outcome = match head.status {
        407 => Outcome::ProxyDenied,
        403 if denied => Outcome::ProxyDenied,
        502..=504 if squid => Outcome::ProxyFailure,
        // RFC 6585 §6: by its definition the answer of a captive portal.
        511 => Outcome::Intercepted,
        _ => Outcome::HttpError,
    };
    let mut detail = title(page).map(|title| format!("a page titled \"{title}\"")).unwrap_or_default();
    if matches!(outcome, Outcome::ProxyDenied | Outcome::ProxyFailure) {
        let fields = head.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        detail.push_str(&describe_own_headers(fields));
    }
    let detail = detail.trim_start().to_owned();
    (outcome, (!detail.is_empty()).then_some(detail))
}

fn judge_error(error: &hyper::Error, answered: bool, bytes: u64) -> (Outcome, Option<String>) {
    let early = || {
        if answered {
            (Outcome::Truncated, format!("the connection was closed within the answer, after {bytes} octets of body"))
        } else {
            (Outcome::Closed, "the connection was closed without an answer".to_owned())
        }
    };
    let mut source = std::error::Error::source(error);
    let mut system = None;
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            system = Some(io);
        }
        source = cause.source();
    }
    let (outcome, detail) = match system.map(|error| (error.kind(), error)) {
        Some((io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted, _)) if answered => {
            (Outcome::Reset, format!("the connection was reset after {bytes} octets of body"))
        }
        Some((io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted, _)) => {
            (Outcome::Reset, "the connection was accepted, then reset".to_owned())
        }
        Some((io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected, _)) => early(),
        Some((io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput, error)) => {
            (Outcome::Malformed, format!("the answer is broken: {error}"))
        }
        Some((_, error)) => (Outcome::Reset, format!("the connection broke: {error}")),
        None if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => early(),
        None if error.is_parse_too_large() => (
            Outcome::Malformed,
            format!("the head of the answer is longer than {MAX_HEAD} octets or has too many fields"),
        ),
        None if error.is_parse() => (Outcome::Malformed, "what answers does not speak HTTP".to_owned()),
        None => (Outcome::Malformed, format!("the answer is broken: {error}")),
    };
    (outcome, Some(detail))
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The server's clock by its Date header (RFC 9110 §6.6.1), moved on by the time the answer spent in
/// caches (RFC 9111 §5.1).
fn date(head: &Head) -> Option<Timestamp> {
    const YEAR: i64 = 366 * 24 * 3600;
    let date = jiff::fmt::rfc2822::DateTimeParser::new();
    let date = date.parse_timestamp(text(&head.headers, &header::DATE)?.trim()).ok()?;
    let age = text(&head.headers, &header::AGE).and_then(|value| value.trim().parse::<i64>().ok()).unwrap_or(0);
    date.checked_add(SignedDuration::from_secs(age.clamp(0, YEAR))).ok()
}
