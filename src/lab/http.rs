//! An HTTP/1.1 server (RFC 9112) with manners to choose, good and bad, for each of its routes.
//!
//! It is written out here, not taken from a library, because a library's server cannot be made to
//! cut, stall, drip or answer with something else than HTTP.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Tasks;
use super::ocsp::Responder;

/// The most that a request's head or body may have, in octets.
const LARGEST_REQUEST: usize = 64 << 10;

/// What lies at a route.
#[derive(Debug, Clone)]
pub enum Content {
    /// These octets.
    Fixed(Bytes),
    /// What the responder says to the request.
    Ocsp(Arc<Responder>),
}

/// How a route answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// With its content.
    #[default]
    Serve,
    /// With its content, chunked, so without a length.
    Chunked,
    /// With this status and a page of text.
    Status(u16),
    /// With 302 to this URL.
    Redirect(String),
    /// With 200 and the HTML of a login page.
    Portal,
    /// With half of what the length says, then the end.
    Truncated,
    /// With half of what the length says, then silence.
    Stalled,
    /// Not at all: the connection stays open.
    Silent,
    /// With RST.
    Reset,
    /// With the end of the connection.
    Close,
    /// With something that is not HTTP.
    Garbage,
    /// With its content, so many octets every so many milliseconds.
    Drip {
        /// Octets at a time.
        octets: usize,
        /// Milliseconds between.
        every_ms: u64,
    },
    /// With so many octets of nothing.
    Oversized(usize),
    /// With so many octets of nothing, compressed to a thousandth.
    GzipBomb(usize),
}

/// Request methods that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

/// One route.
#[derive(Debug, Clone)]
pub struct Route {
    /// Host and path, `crl.certflight.test/leaf.crl`; for OCSP GET requests also what the path begins with.
    pub place: String,
    /// What lies there.
    pub content: Content,
    /// `Content-Type`
    pub content_type: String,
    /// How it answers.
    pub behaviour: Behaviour,
    /// Methods it takes; others get 405. Empty: both.
    pub methods: Vec<Method>,
    /// How long it thinks before each answer.
    pub delay: Duration,
}

/// What the server serves, and a record of what was asked of it.
#[derive(Debug, Default)]
pub struct Site {
    /// Routes; anything else gets 404.
    pub routes: Vec<Route>,
    /// How far the `Date` header is off, in seconds.
    pub date_offset: i64,
    requests: Mutex<Vec<String>>,
}

impl Site {
    /// A site of these routes.
    #[must_use]
    pub fn new(routes: Vec<Route>, date_offset: i64) -> Self {
        Self { routes, date_offset, requests: Mutex::default() }
    }

    /// Every request so far: method, host and path (an OCSP GET without what follows its route).
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Serves the site at a listener, through TLS where an acceptor is given.
pub fn serve(tasks: &mut Tasks, listener: TcpListener, site: Arc<Site>, tls: Option<TlsAcceptor>) {
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            // A failed accept is the client's haste; the next one may be sound.
            let Ok((stream, _)) = listener.accept().await else { continue };
            connections.spawn(connection(stream, Arc::clone(&site), tls.clone()));
            while connections.try_join_next().is_some() {}
        }
    });
}

async fn connection(mut stream: TcpStream, site: Arc<Site>, tls: Option<TlsAcceptor>) {
    let _ = stream.set_nodelay(true);
    let ending = match tls {
        None => converse(&mut stream, &site).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(mut secured) => {
                let _ = converse(&mut secured, &site).await;
                return;
            }
            Err(_) => return,
        },
    };
    if matches!(ending, Ok(Ending::Reset)) {
        let _ = stream.set_zero_linger();
    }
}

/// How a connection ends.
enum Ending {
    Close,
    Reset,
}

struct Request {
    method: String,
    host: String,
    path: String,
    body: Vec<u8>,
    keep_alive: bool,
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, site: &Site) -> std::io::Result<Ending> {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(stream, &mut buffer).await? {
        let place = format!("{}{}", request.host, request.path);
        let route = site.routes.iter().filter(|route| is_at(route, &place)).max_by_key(|route| route.place.len());
        let line = format!("{} {}", request.method, route.map_or(place.as_str(), |route| route.place.as_str()));
        site.requests.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        let ending = match route {
            Some(route) => answer(stream, site, route, &request).await?,
            None => send(stream, site, 404, "text/plain", &[], b"there is nothing here\n").await.map(|()| None)?,
        };
        if let Some(ending) = ending {
            return Ok(ending);
        }
        if !request.keep_alive {
            break;
        }
    }
    stream.shutdown().await?;
    Ok(Ending::Close)
}

fn is_at(route: &Route, place: &str) -> bool {
    match place.strip_prefix(route.place.as_str()) {
        Some("") => true,
        Some(rest) => matches!(route.content, Content::Ocsp(_)) && rest.starts_with('/'),
        None => false,
    }
}

/// `Some` when the connection is over.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    site: &Site,
    route: &Route,
    request: &Request,
) -> std::io::Result<Option<Ending>> {
    if !route.delay.is_zero() {
        tokio::time::sleep(route.delay).await;
    }
    let method = if request.method == "POST" { Method::Post } else { Method::Get };
    if !route.methods.is_empty() && !route.methods.contains(&method) {
        send(stream, site, 405, "text/plain", &[], b"not by this method\n").await?;
        return Ok(None);
    }
    let body = match &route.content {
        Content::Fixed(octets) => octets.clone(),
        Content::Ocsp(responder) => {
            let place = format!("{}{}", request.host, request.path);
            let asked = match method {
                Method::Post => Some(request.body.clone()),
                Method::Get => place.strip_prefix(route.place.as_str()).and_then(ocsp_request_in_path),
            };
            // internalError
            asked.and_then(|asked| responder.answer(&asked).ok()).unwrap_or_else(|| super::ocsp::error(2)).into()
        }
    };
    let kind = route.content_type.as_str();
    let half = body.get(..body.len() / 2).unwrap_or_default();
    match &route.behaviour {
        Behaviour::Serve => send(stream, site, 200, kind, &[], &body).await?,
        Behaviour::Status(status) => send(stream, site, *status, "text/plain", &[], b"no\n").await?,
        Behaviour::Redirect(to) => {
            send(stream, site, 302, "text/plain", &[("Location", to)], b"elsewhere\n").await?;
        }
        Behaviour::Portal => send(stream, site, 200, "text/html", &[], PORTAL.as_bytes()).await?,
        Behaviour::Chunked => {
            let head = head(site, 200, kind, &[("Transfer-Encoding", "chunked")]);
            stream.write_all(head.as_bytes()).await?;
            for chunk in body.chunks(997) {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
                stream.write_all(chunk).await?;
                stream.write_all(b"\r\n").await?;
            }
            stream.write_all(b"0\r\n\r\n").await?;
        }
        Behaviour::Truncated => {
            begin(stream, site, kind, body.len(), half).await?;
            stream.shutdown().await?;
            return Ok(Some(Ending::Close));
        }
        Behaviour::Stalled => {
            begin(stream, site, kind, body.len(), half).await?;
            return hold(stream).await.map(Some);
        }
        Behaviour::Silent => return hold(stream).await.map(Some),
        Behaviour::Reset => return Ok(Some(Ending::Reset)),
        Behaviour::Close => {
            stream.shutdown().await?;
            return Ok(Some(Ending::Close));
        }
        Behaviour::Garbage => {
            stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await?;
            stream.shutdown().await?;
            return Ok(Some(Ending::Close));
        }
        Behaviour::Drip { octets, every_ms } => {
            begin(stream, site, kind, body.len(), &[]).await?;
            for part in body.chunks((*octets).max(1)) {
                tokio::time::sleep(Duration::from_millis(*every_ms)).await;
                stream.write_all(part).await?;
                stream.flush().await?;
            }
        }
        Behaviour::Oversized(size) => send(stream, site, 200, kind, &[], &vec![0x30; *size]).await?,
        Behaviour::GzipBomb(size) => {
            let bomb = gzip(&vec![0x30; *size])?;
            send(stream, site, 200, kind, &[("Content-Encoding", "gzip")], &bomb).await?;
        }
    }
    Ok(None)
}

const PORTAL: &str = "<!DOCTYPE html>\n<html><head><title>Guest network</title></head>\n\
    <body><form method=\"post\" action=\"/login\"><p>Please sign in to use this network.</p>\n\
    <input name=\"user\"><input name=\"password\" type=\"password\"></form></body></html>\n";

fn gzip(octets: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut encoder, octets)?;
    encoder.finish()
}

/// Waits until the client gives up.
async fn hold<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Ending> {
    let mut scrap = [0; 1024];
    while stream.read(&mut scrap).await? > 0 {}
    Ok(Ending::Close)
}

fn head(site: &Site, status: u16, content_type: &str, fields: &[(&str, &str)]) -> String {
    let now = Timestamp::now();
    let date = now.checked_add(SignedDuration::from_secs(site.date_offset)).unwrap_or(now);
    let mut head = format!(
        "HTTP/1.1 {status} {}\r\nDate: {}\r\nContent-Type: {content_type}\r\n",
        if status == 200 { "OK" } else { "Staged" },
        date.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
    );
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head
}

async fn send<S: AsyncWrite + Unpin>(
    stream: &mut S,
    site: &Site,
    status: u16,
    content_type: &str,
    fields: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<()> {
    let length = body.len().to_string();
    let mut all = vec![("Content-Length", length.as_str())];
    all.extend_from_slice(fields);
    let mut whole = head(site, status, content_type, &all).into_bytes();
    whole.extend_from_slice(body);
    stream.write_all(&whole).await?;
    stream.flush().await
}

/// Announces a body and sends only that part of it.
async fn begin<S: AsyncWrite + Unpin>(
    stream: &mut S,
    site: &Site,
    content_type: &str,
    length: usize,
    part: &[u8],
) -> std::io::Result<()> {
    let mut whole = head(site, 200, content_type, &[("Content-Length", &length.to_string())]).into_bytes();
    whole.extend_from_slice(part);
    stream.write_all(&whole).await?;
    stream.flush().await
}

/// The request that an OCSP GET carries after its route (RFC 6960 §A.1): base64, then percent-encoded.
fn ocsp_request_in_path(rest: &str) -> Option<Vec<u8>> {
    let encoded = rest.strip_prefix('/')?;
    let mut base64 = Vec::with_capacity(encoded.len());
    let mut octets = encoded.bytes();
    while let Some(octet) = octets.next() {
        if octet == b'%' {
            let digits = [octets.next()?, octets.next()?];
            base64.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            base64.push(octet);
        }
    }
    STANDARD.decode(base64).ok()
}

/// Reads the next request; `None` at the end of the connection. What follows it stays in `buffer`.
async fn read_request<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<Request>> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if buffer.len() > LARGEST_REQUEST || stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let rest = buffer.split_off(end + 4);
    let head = String::from_utf8_lossy(buffer).into_owned();
    *buffer = rest;
    let mut lines = head.split("\r\n");
    let mut line = lines.next().unwrap_or_default().split(' ');
    let method = line.next().unwrap_or_default().to_owned();
    let target = line.next().unwrap_or_default();
    // A proxy's client names the whole URL.
    let after_scheme = target.split_once("://").map(|(_, after)| after);
    let path = match after_scheme {
        Some(after) => after.find('/').and_then(|slash| after.get(slash..)).unwrap_or("/"),
        None => target,
    };
    let mut request = Request {
        method,
        host: String::new(),
        path: path.to_owned(),
        body: Vec::new(),
        keep_alive: line.next() == Some("HTTP/1.1"),
    };
    let mut length = 0usize;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "host" => request.host = value.rsplit_once(':').map_or(value, |(host, _)| host).to_ascii_lowercase(),
            "content-length" => length = value.parse().unwrap_or(0),
            "connection" if value.eq_ignore_ascii_case("close") => request.keep_alive = false,
            "expect" => stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?,
            _ => {}
        }
    }
    if length > LARGEST_REQUEST {
        return Ok(None);
    }
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let rest = buffer.split_off(length);
    request.body = std::mem::replace(buffer, rest);
    Ok(Some(request))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::lab::listen;

    fn route(path: &str, behaviour: Behaviour) -> Route {
        Route {
            place: format!("a.test{path}"),
            content: Content::Fixed(Bytes::from_static(b"0123456789")),
            content_type: "application/pkix-crl".to_owned(),
            behaviour,
            methods: Vec::new(),
            delay: Duration::ZERO,
        }
    }

    async fn start(routes: Vec<Route>) -> (Tasks, SocketAddr, Arc<Site>) {
        let mut tasks = Tasks::default();
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let site = Arc::new(Site::new(routes, 0));
        serve(&mut tasks, listener, Arc::clone(&site), None);
        (tasks, address, site)
    }

    async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: A.test:1\r\nConnection: close\r\n\r\n").as_bytes())
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    #[tokio::test]
    async fn routes_behave_as_staged() {
        let (_tasks, address, site) = start(vec![
            route("/serve", Behaviour::Serve),
            route("/chunked", Behaviour::Chunked),
            route("/missing", Behaviour::Status(403)),
            route("/away", Behaviour::Redirect("http://b.test/".to_owned())),
            route("/portal", Behaviour::Portal),
            route("/cut", Behaviour::Truncated),
            route("/closed", Behaviour::Close),
            route("/reset", Behaviour::Reset),
            route("/garbage", Behaviour::Garbage),
            route("/drip", Behaviour::Drip { octets: 4, every_ms: 1 }),
            route("/bomb", Behaviour::GzipBomb(1 << 20)),
        ])
        .await;
        let served = get(address, "/serve").await.unwrap();
        assert!(served.starts_with("HTTP/1.1 200 OK\r\nDate: ") && served.ends_with("\r\n\r\n0123456789"), "{served}");
        assert!(get(address, "/chunked").await.unwrap().ends_with("a\r\n0123456789\r\n0\r\n\r\n"));
        assert!(get(address, "/missing").await.unwrap().starts_with("HTTP/1.1 403"));
        assert!(get(address, "/away").await.unwrap().contains("Location: http://b.test/\r\n"));
        assert!(get(address, "/portal").await.unwrap().contains("<html>"));
        assert!(get(address, "/cut").await.unwrap().ends_with("Content-Length: 10\r\n\r\n01234"));
        assert_eq!(get(address, "/closed").await.unwrap(), "");
        assert_eq!(get(address, "/reset").await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
        assert!(get(address, "/garbage").await.unwrap().starts_with("SSH-"));
        assert!(get(address, "/drip").await.unwrap().ends_with("0123456789"));
        let bomb = get(address, "/bomb").await.unwrap();
        assert!(bomb.contains("Content-Encoding: gzip") && bomb.len() < 10_000);
        assert!(get(address, "/elsewhere").await.unwrap().starts_with("HTTP/1.1 404"));
        assert!(get(address, "http://a.test/serve").await.unwrap().ends_with("0123456789"), "absolute form");
        assert_eq!(site.requests()[0], "GET a.test/serve");
    }

    #[tokio::test]
    async fn a_connection_takes_several_requests() {
        let (_tasks, address, site) = start(vec![route("/serve", Behaviour::Serve)]).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let one = "POST /serve HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc";
        stream.write_all(one.repeat(2).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
        assert_eq!(site.requests(), ["POST a.test/serve", "POST a.test/serve"]);
    }

    #[tokio::test]
    async fn what_stalls_stays_open() {
        let (_tasks, address, _) =
            start(vec![route("/half", Behaviour::Stalled), route("/mute", Behaviour::Silent)]).await;
        for (path, expected) in [("/half", "01234"), ("/mute", "")] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n").as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let ended = tokio::time::timeout(Duration::from_millis(200), stream.read_to_end(&mut answer)).await;
            assert!(ended.is_err(), "{path} ended");
            assert!(String::from_utf8_lossy(&answer).ends_with(expected));
        }
    }

    #[test]
    fn ocsp_requests_stand_in_the_path() {
        assert_eq!(ocsp_request_in_path("/AAECAw%3D%3D"), Some(vec![0, 1, 2, 3]));
        assert_eq!(ocsp_request_in_path("/%"), None);
        assert_eq!(ocsp_request_in_path(""), None);
    }
}
