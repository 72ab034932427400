//! Byte streams through a proxy: HTTP CONNECT (RFC 9110 §9.3.6) and SOCKS5 (RFC 1928).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use base64::Engine;
use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_socks::tcp::Socks5Stream;

use super::cause::Cause;
use super::limits::Deadline;
use super::outcome::{Failure, Outcome};
use super::proxy::{ProxyScheme, ProxyUrl};
use super::{Opened, USER_AGENT, connect};

/// Octets of a proxy's answer to CONNECT, head only.
const MAX_HEAD: usize = 16 << 10;

/// Characters of a header value that are quoted.
const MAX_QUOTED: usize = 120;

/// Opens a tunnel through a proxy at one of these addresses.
pub(super) async fn open(
    proxy: &ProxyUrl,
    addresses: &[SocketAddr],
    host: &str,
    port: u16,
    step: Duration,
    deadline: Deadline,
) -> Result<Opened, Failure> {
    let started = Instant::now();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let (address, stream) = reach(proxy, addresses, step, deadline, started).await?;
    let asked = Instant::now();
    let negotiated = match proxy.scheme {
        ProxyScheme::Http => timeout(deadline.cap(step), http_connect(proxy, stream, host, port)).await,
        ProxyScheme::Socks5 => timeout(deadline.cap(step), socks_connect(proxy, stream, host, port)).await,
    };
    match negotiated {
        Ok(Ok(stream)) => Ok(Opened { stream, address, connect: started.elapsed() }),
        Ok(Err(Declined { outcome, detail, wants_login })) => {
            let login = wants_login.then(|| Cause::ProxyLogin { given: proxy.credentials.is_some() });
            Err(Failure::since(started, outcome, format!("proxy {proxy}: {detail}")).because(login))
        }
        Err(_) => {
            let detail = deadline.describe_silence("request for a tunnel", step, asked.elapsed());
            Err(Failure::since(started, Outcome::ProxyFailure, format!("proxy {proxy}: {detail}")))
        }
    }
}

/// Connects to the proxy itself.
pub(super) async fn reach(
    proxy: &ProxyUrl,
    addresses: &[SocketAddr],
    step: Duration,
    deadline: Deadline,
    started: Instant,
) -> Result<(SocketAddr, TcpStream), Failure> {
    let race = connect::connect_any(addresses, step, deadline).await;
    match race.winner {
        Some((address, connected)) => Ok((address, connected.stream)),
        None => {
            let told = race.failed.first();
            let why = told.map_or_else(
                || deadline.describe_silence("connect", step, started.elapsed()),
                |(_, failure)| failure.to_string(),
            );
            let failure =
                Failure::since(started, Outcome::ProxyFailure, format!("proxy {proxy} could not be reached: {why}"));
            Err(failure.because(Cause::ProxyUnreached { proxy: proxy.to_string() }))
        }
    }
}

/// Value of `Proxy-Authorization` (RFC 7617), if the proxy's URL holds credentials.
pub(super) fn authorization(proxy: &ProxyUrl) -> Option<String> {
    let (user, password) = proxy.credentials.as_ref()?;
    Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))))
}

type Tunnel = Result<Box<dyn super::Stream>, Declined>;

/// Why the proxy opened no tunnel.
struct Declined {
    outcome: Outcome,
    detail: String,
    wants_login: bool,
}

impl Declined {
    /// The proxy does not work.
    fn failure(detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::ProxyFailure, detail: detail.into(), wants_login: false }
    }
}

async fn http_connect(proxy: &ProxyUrl, mut stream: TcpStream, host: &str, port: u16) -> Tunnel {
    let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let authorization =
        authorization(proxy).map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    let request =
        format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {USER_AGENT}\r\n{authorization}\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| cut(&error))?;
    let (head, rest) = read_head(&mut stream).await?;
    let head = String::from_utf8_lossy(&head);
    let status_line = head.lines().next().unwrap_or_default();
    let Some(status) = parse_status(status_line) else {
        return Err(Declined::failure("it does not speak HTTP"));
    };
    if (200..300).contains(&status) {
        return Ok(Box::new(Prefixed { prefix: rest, stream }));
    }
    let outcome = if status >= 500 { Outcome::ProxyFailure } else { Outcome::ProxyDenied };
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let own = describe_own_headers(fields.map(|(name, value)| (name, value.trim())));
    let status_line = quoted(status_line.split_once(' ').map_or(status_line, |(_, rest)| rest));
    Err(Declined { outcome, detail: format!("CONNECT answered {status_line}{own}"), wants_login: status == 407 })
}

/// The octets up to the empty line, and those that came after it in the same read: the server
/// behind the tunnel may speak first.
async fn read_head(stream: &mut TcpStream) -> Result<(Vec<u8>, Bytes), Declined> {
    let mut head = Vec::new();
    let mut chunk = [0_u8; 2048];
    loop {
        let count = stream.read(&mut chunk).await.map_err(|error| cut(&error))?;
        if count == 0 {
            let heard = if head.is_empty() { "without an answer" } else { "within its answer" };
            return Err(Declined::failure(format!("it closed the connection {heard}")));
        }
        head.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if let Some(end) = head_end(&head) {
            let rest = head.split_off(end);
            return Ok((head, Bytes::from(rest)));
        }
        if head.len() > MAX_HEAD {
            return Err(Declined::failure(format!("the head of its answer is longer than {MAX_HEAD} octets")));
        }
    }
}

fn head_end(octets: &[u8]) -> Option<usize> {
    let strict = octets.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
    strict.or_else(|| octets.windows(2).position(|window| window == b"\n\n").map(|at| at + 2))
}

fn parse_status(line: &str) -> Option<u16> {
    let mut words = line.split(' ');
    let version = words.next()?;
    let status = words.next()?;
    (version.starts_with("HTTP/1.") && status.len() == 3).then(|| status.parse().ok())?
}

/// The headers by which a proxy explains itself, as ` (Name: value; …)`; empty without any.
pub(super) fn describe_own_headers<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    const TELLING: [&str; 5] = ["x-squid-error", "proxy-status", "proxy-authenticate", "via", "server"];
    let told: Vec<String> = fields
        .filter(|(name, value)| !value.is_empty() && TELLING.contains(&name.to_ascii_lowercase().as_str()))
        .map(|(name, value)| format!("{name}: {}", quoted(value)))
        .take(TELLING.len())
        .collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) }
}

/// Text from a peer, cut to what a message bears.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn cut(error: &io::Error) -> Declined {
    Declined::failure(format!("it cut the connection ({error})"))
}

async fn socks_connect(proxy: &ProxyUrl, stream: TcpStream, host: &str, port: u16) -> Tunnel {
    let target = (host, port);
    let result = match &proxy.credentials {
        Some((user, password)) => Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await,
        None => Socks5Stream::connect_with_socket(stream, target).await,
    };
    match result {
        Ok(stream) => Ok(Box::new(stream.into_inner())),
        Err(error) => Err(classify_socks(&error)),
    }
}

/// RFC 1928 §6 replies, RFC 1929 authentication.
fn classify_socks(error: &tokio_socks::Error) -> Declined {
    use tokio_socks::Error;
    let wants_login =
        matches!(error, Error::NoAcceptableAuthMethods | Error::AuthorizationRequired | Error::PasswordAuthFailure(_));
    let (outcome, detail) = match error {
        Error::ConnectionNotAllowedByRuleset => (Outcome::ProxyDenied, "connection not allowed by its rules"),
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired => {
            (Outcome::ProxyDenied, "it wants another authentication than was given")
        }
        Error::PasswordAuthFailure(_) => (Outcome::ProxyDenied, "it refuses the user or password"),
        Error::NetworkUnreachable => (Outcome::ProxyFailure, "it has no route to the host's network"),
        Error::HostUnreachable => (Outcome::ProxyFailure, "it cannot reach the host, or not resolve its name"),
        Error::ConnectionRefused => (Outcome::ProxyFailure, "the host refused its connection"),
        Error::TtlExpired => (Outcome::ProxyFailure, "its connection to the host timed out"),
        Error::GeneralSocksServerFailure => (Outcome::ProxyFailure, "general SOCKS server failure"),
        // A reply code that RFC 1928 does not know comes as an unknown method too.
        Error::InvalidResponseVersion
        | Error::InvalidReservedByte
        | Error::UnknownAddressType
        | Error::UnknownAuthMethod => (Outcome::ProxyFailure, "it does not speak SOCKS5"),
        other => return Declined::failure(other.to_string()),
    };
    Declined { outcome, detail: detail.to_owned(), wants_login }
}

/// A stream with octets that were read already.
struct Prefixed {
    prefix: Bytes,
    stream: TcpStream,
}

impl AsyncRead for Prefixed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let count = self.prefix.len().min(buffer.remaining());
        buffer.put_slice(self.prefix.get(..count).unwrap_or_default());
        self.prefix.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::testing::{answering, listener, network, options, read_head, serving, soon};
    use super::*;

    async fn tunnel_through(proxy: &str) -> Result<Opened, Failure> {
        let proxy = ProxyUrl::parse(proxy).unwrap();
        network(options()).tunnel(&proxy, "mail.example.test", 25, soon()).await
    }

    async fn failure_through(proxy: &str) -> (Outcome, String) {
        let failure = tunnel_through(proxy).await.err().unwrap();
        (failure.outcome, failure.detail.unwrap())
    }

    #[tokio::test]
    async fn a_tunnel_carries_what_the_server_says_first() {
        let seen = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&seen);
        let address = serving(move |mut stream| {
            let log = Arc::clone(&log);
            async move {
                *log.lock().unwrap() = read_head(&mut stream).await;
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n220 mail ready\r\n").await.unwrap();
                let mut said = [0_u8; 4];
                stream.read_exact(&mut said).await.unwrap();
                stream.write_all(&said).await.unwrap();
            }
        })
        .await;
        let mut opened = tunnel_through(&format!("http://us%40er:se%3Acret@{address}")).await.unwrap();
        assert_eq!(opened.address, address);
        let mut banner = [0_u8; 16];
        opened.stream.read_exact(&mut banner).await.unwrap();
        assert_eq!(&banner, b"220 mail ready\r\n");
        opened.stream.write_all(b"EHLO").await.unwrap();
        let mut echo = String::new();
        opened.stream.read_to_string(&mut echo).await.unwrap();
        assert_eq!(echo, "EHLO");
        let request = seen.lock().unwrap().clone();
        assert!(request.starts_with("CONNECT mail.example.test:25 HTTP/1.1\r\nHost: mail.example.test:25\r\n"));
        assert!(request.contains("Proxy-Authorization: Basic dXNAZXI6c2U6Y3JldA==\r\n"), "{request}");
    }

    #[tokio::test]
    async fn refusals_and_failures_of_a_proxy_differ() {
        let denying = answering("HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n\r\n<html>").await;
        let (outcome, detail) = failure_through(&format!("http://user:secret@{denying}")).await;
        assert_eq!(outcome, Outcome::ProxyDenied);
        assert!(detail.contains("403 Forbidden") && detail.contains("ERR_ACCESS_DENIED"), "{detail}");
        assert!(!detail.contains("secret"));

        let wanting = answering("HTTP/1.1 407 Proxy Auth\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n").await;
        let (outcome, detail) = failure_through(&wanting.to_string()).await;
        assert_eq!(outcome, Outcome::ProxyDenied);
        assert!(detail.contains("407") && detail.contains("realm"), "{detail}");

        for answer in ["HTTP/1.1 503 Unavailable\r\n\r\n", "HTTP/1.0 502 Bad\r\n\r\n", "SSH-2.0-x\r\n\r\n", ""] {
            let failing = answering(answer).await;
            assert_eq!(failure_through(&failing.to_string()).await.0, Outcome::ProxyFailure, "{answer:?}");
        }
        let endless = answering("x".repeat(2 * MAX_HEAD)).await;
        assert_eq!(failure_through(&endless.to_string()).await.0, Outcome::ProxyFailure);
    }

    #[tokio::test]
    async fn a_proxy_that_cannot_be_reached_is_a_failure_of_the_proxy() {
        let (closed, address) = listener().await;
        drop(closed);
        let (outcome, detail) = failure_through(&address.to_string()).await;
        assert_eq!(outcome, Outcome::ProxyFailure);
        assert!(detail.contains("could not be reached") && detail.contains("refused"), "{detail}");
        let (silent, address) = listener().await;
        let (outcome, detail) = failure_through(&address.to_string()).await;
        drop(silent);
        assert_eq!(outcome, Outcome::ProxyFailure);
        assert!(detail.contains("no answer in 400 ms"), "{detail}");
    }

    /// A SOCKS5 proxy that takes any method offered and answers with this reply code.
    async fn socks(reply: u8) -> SocketAddr {
        serving(move |mut stream| async move {
            let mut greeting = [0_u8; 2];
            stream.read_exact(&mut greeting).await.unwrap();
            let mut methods = vec![0_u8; greeting[1].into()];
            stream.read_exact(&mut methods).await.unwrap();
            let method = *methods.last().unwrap();
            stream.write_all(&[5, method]).await.unwrap();
            if method == 2 {
                let mut head = [0_u8; 2];
                stream.read_exact(&mut head).await.unwrap();
                let mut user = vec![0_u8; usize::from(head[1]) + 1];
                stream.read_exact(&mut user).await.unwrap();
                let mut password = vec![0_u8; usize::from(user[user.len() - 1])];
                stream.read_exact(&mut password).await.unwrap();
                let granted = password == b"secret";
                stream.write_all(&[1, u8::from(!granted)]).await.unwrap();
                if !granted {
                    return;
                }
            }
            let mut request = [0_u8; 5];
            stream.read_exact(&mut request).await.unwrap();
            assert_eq!(request[..4], [5, 1, 0, 3], "the proxy is to resolve the name");
            let mut target = vec![0_u8; usize::from(request[4]) + 2];
            stream.read_exact(&mut target).await.unwrap();
            assert_eq!(target, b"mail.example.test\x00\x19");
            stream.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
        })
        .await
    }

    #[tokio::test]
    async fn socks5_tunnels_with_and_without_credentials() {
        let address = socks(0).await;
        for proxy in [format!("socks5://{address}"), format!("socks5h://user:secret@{address}")] {
            let mut opened = tunnel_through(&proxy).await.unwrap();
            let mut said = String::new();
            opened.stream.read_to_string(&mut said).await.unwrap();
            assert_eq!(said, "hello");
        }
        let (outcome, detail) = failure_through(&format!("socks5://user:wrong@{address}")).await;
        assert_eq!(outcome, Outcome::ProxyDenied);
        assert!(detail.contains("password") && !detail.contains("wrong"), "{detail}");
    }

    #[tokio::test]
    async fn socks5_replies_have_their_words() {
        for (reply, outcome) in [
            (1, Outcome::ProxyFailure),
            (2, Outcome::ProxyDenied),
            (3, Outcome::ProxyFailure),
            (4, Outcome::ProxyFailure),
            (5, Outcome::ProxyFailure),
            (6, Outcome::ProxyFailure),
            (200, Outcome::ProxyFailure),
        ] {
            let address = socks(reply).await;
            assert_eq!(failure_through(&format!("socks5://{address}")).await.0, outcome, "{reply}");
        }
        let http = answering("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert_eq!(failure_through(&format!("socks5://{http}")).await.0, Outcome::ProxyFailure);
    }
}
