//! What a client is told: an alert that ends its attempt at once, or a page.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;

use super::offer::Offer;
use crate::handshake::Version;

/// How long a client that has been answered may take to end the connection.
const LINGER: Duration = Duration::from_secs(1);
/// Octets that are still taken from it meanwhile.
const LINGER_OCTETS: u64 = 64 * 1024;
/// The longest head of an HTTP request that is read.
const MAX_HEAD: usize = 8 * 1024;

/// A fatal alert, such as `handshake_failure`; to one that knows only SSL 2, its error for want of a common cipher.
pub(super) fn refusal(offer: &Offer, description: u8) -> Vec<u8> {
    if offer.is_ssl2_form && offer.highest == Some(Version::Ssl2) {
        return vec![0x80, 3, 0, 0, 1];
    }
    let version = offer.highest.unwrap_or(Version::Tls10).clamp(Version::Ssl3, Version::Tls12).wire();
    let [major, minor] = version.to_be_bytes();
    vec![21, major, minor, 0, 2, 2, description]
}

/// Ends a connection so that what was sent last arrives: closed with octets unread, it would be reset.
pub(super) async fn part<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    // The client may have gone, which is as well.
    let _ = timeout(LINGER, async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_OCTETS), &mut tokio::io::sink()).await
    })
    .await;
}

/// Reads a request as far as its empty line, or what there is of it.
///
/// # Errors
/// When the client is gone.
pub(super) async fn request<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut head = Vec::new();
    let mut octets = [0; 1024];
    while head.len() < MAX_HEAD && !head.windows(4).any(|end| end == b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        match stream.read(&mut octets).await? {
            0 if head.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            0 => break,
            count => head.extend_from_slice(octets.get(..count).unwrap_or_default()),
        }
    }
    Ok(())
}

/// An HTTP answer that holds a page.
pub(super) fn page(html: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nX-Content-Type-Options: nosniff\r\n\
         Connection: close\r\n\r\n{html}",
        html.len()
    )
    .into_bytes()
}

/// A stream whose first octets have been read already.
#[derive(Debug)]
pub(super) struct Replayed<S> {
    pub(super) read: io::Cursor<Vec<u8>>,
    pub(super) stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Replayed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.read).poll_read(context, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() == before => {
                Pin::new(&mut self.stream).poll_read(context, buffer)
            }
            result => result,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Replayed<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
