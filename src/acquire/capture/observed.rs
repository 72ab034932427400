//! A stream that remembers how the other side's answer began, so that silence can be told from a
//! half answer, and plain text from TLS.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Octets of the answer that are kept.
const KEPT: usize = 512;

/// The first octets that came in. A copy looks at the same ones, also when the stream is gone.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstOctets(Arc<Mutex<Vec<u8>>>);

impl FirstOctets {
    pub(super) fn get(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, octets: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT.saturating_sub(kept.len()).min(octets.len());
        kept.extend_from_slice(octets.get(..room).unwrap_or_default());
    }
}

/// See the module.
pub(super) struct Observed<S> {
    inner: S,
    first: FirstOctets,
}

impl<S> Observed<S> {
    pub(super) fn new(inner: S) -> (Self, FirstOctets) {
        let first = FirstOctets::default();
        (Self { inner, first: first.clone() }, first)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Observed<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, buffer);
        this.first.add(buffer.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Observed<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, octets)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// What it was that answered, when its first octets are no TLS record: a handshake message or an
/// alert of some version 3.x (RFC 8446 §5.1). `None` when they could be one, or none came.
pub(in crate::acquire) fn not_tls(first: &[u8]) -> Option<String> {
    match first {
        [] | [0x15 | 0x16] | [0x15 | 0x16, 3, ..] => None,
        octets => Some(format!("what answers does not speak TLS: {}", description(octets))),
    }
}

/// Plain text by its first line, with what it looks like; anything else in hexadecimal.
fn description(octets: &[u8]) -> String {
    const SHOWN: usize = 100;
    let line = octets.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    let text = match std::str::from_utf8(line) {
        Ok(text) => text,
        // The window may have cut the last character.
        Err(error) if error.error_len().is_none() => {
            line.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default()
        }
        Err(_) => "",
    };
    if text.is_empty() || text.chars().any(|character| character.is_control() && character != '\t') {
        let hexadecimal: Vec<String> = octets.iter().take(16).map(|octet| format!("{octet:02x}")).collect();
        return format!("its first octets are {}", hexadecimal.join(" "));
    }
    let shown: String = text.chars().take(SHOWN).collect();
    let likeness = match text {
        _ if text.starts_with("HTTP/") => " (plain HTTP)",
        _ if text.starts_with("SSH-") => " (SSH)",
        _ if text.starts_with("220") => " (a greeting of SMTP or FTP, which turn to TLS by STARTTLS)",
        _ if text.starts_with("* OK") => " (a greeting of IMAP, which turns to TLS by STARTTLS)",
        _ if text.starts_with("+OK") => " (a greeting of POP3, which turns to TLS by STLS)",
        _ => "",
    };
    format!("it says {shown:?}{likeness}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_records_are_told_from_anything_else() {
        for tls in [&[][..], &[0x16], &[0x15, 3], &[0x16, 3, 1, 0, 5], &[0x15, 3, 3, 0, 2, 2, 40]] {
            assert_eq!(not_tls(tls), None, "{tls:?}");
        }
        for other in [&[0x16, 0][..], &[0x17, 3, 3], &[0x80, 0x2e, 1], b"H", b"\x16text"] {
            assert!(not_tls(other).is_some(), "{other:?}");
        }
    }

    #[test]
    fn what_answers_is_named_and_bounded() {
        assert_eq!(
            not_tls(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n").unwrap(),
            "what answers does not speak TLS: it says \"HTTP/1.1 400 Bad Request\" (plain HTTP)"
        );
        assert!(not_tls(b"220 mx.test ESMTP\r\n").unwrap().contains("STARTTLS"));
        assert!(not_tls(b"\xff\xfd\x18\x00").unwrap().ends_with("its first octets are ff fd 18 00"));
        assert!(not_tls(b"\x1b[31mred").unwrap().contains("1b 5b"), "no escape sequence is shown as text");
        assert!(not_tls(b"\r\n").unwrap().contains("0d 0a"));
        assert!(not_tls("gr\u{fc}n\u{fc}".as_bytes().split_last().unwrap().1).unwrap().contains("gr\u{fc}n"));
        assert!(not_tls(&[b'a'; KEPT]).unwrap().len() < 200);
    }

    #[tokio::test]
    async fn only_the_beginning_is_kept() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut near, far) = tokio::io::duplex(4096);
        let (mut observed, first) = Observed::new(far);
        near.write_all(&[7; 700]).await.unwrap();
        let mut read = [0; 700];
        observed.read_exact(&mut read).await.unwrap();
        assert_eq!(first.get(), vec![7; KEPT]);
    }
}
