//! Packets of TDS ([MS-TDS] §2.2.3) around the records of a TLS handshake.
//!
//! A handshake of TDS 7 travels in `PRELOGIN` packets, each flight in a message of its own; what follows the handshake does
//! not. Where it ends, the stream cannot see, so it goes by what the server does: from the first octet outside a packet on
//! nothing is packed any more, in either direction. Clients that only make the handshake stay within packets.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::Stream;

/// Octets of a packet's header.
pub(super) const HEADER: usize = 8;
/// The type of packets that carry a handshake.
pub(super) const PRELOGIN: u8 = 0x12;
/// The type of answers; some servers carry the handshake in these.
pub(super) const TABULAR_RESULT: u8 = 0x04;
/// The size of packets before a login agrees on another, header included.
const PACKET: usize = 4096;
/// `EOM`, of the last packet of a message.
const END_OF_MESSAGE: u8 = 1;

/// What a packet's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) kind: u8,
    pub(super) is_last: bool,
    /// Octets behind the header.
    pub(super) payload: usize,
}

/// Reads a header; `None` where the octets are none.
pub(super) fn header(octets: &[u8]) -> Option<Packet> {
    let [kind, status, high, low, ..] = octets else { return None };
    let payload = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(HEADER)?;
    Some(Packet { kind: *kind, is_last: status & END_OF_MESSAGE != 0, payload })
}

/// Packs what is written, unpacks what is read.
pub(super) struct Tds {
    stream: Box<dyn Stream>,
    /// Written, and not yet packed: a flight becomes one message.
    flight: Vec<u8>,
    /// Packed, and not yet sent.
    packed: Vec<u8>,
    header: Vec<u8>,
    /// Octets of the packet that are still to come.
    left: usize,
    /// The server has left the packets.
    is_raw: bool,
}

/// Octets that may wait to be packed; a handshake's flight is far shorter.
const MAX_FLIGHT: usize = 256 << 10;

impl Tds {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, flight: Vec::new(), packed: Vec::new(), header: Vec::new(), left: 0, is_raw: false }
    }

    fn pack(&mut self) {
        let flight = std::mem::take(&mut self.flight);
        if self.is_raw {
            self.packed.extend(flight);
            return;
        }
        let mut chunks = flight.chunks(PACKET - HEADER).peekable();
        while let Some(chunk) = chunks.next() {
            let status = if chunks.peek().is_none() { END_OF_MESSAGE } else { 0 };
            let [high, low] = u16::try_from(chunk.len() + HEADER).unwrap_or(u16::MAX).to_be_bytes();
            self.packed.extend([PRELOGIN, status, high, low, 0, 0, 0, 0]);
            self.packed.extend(chunk);
        }
    }

    /// Packs and sends what has been written.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pack();
        while !self.packed.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, &self.packed))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.packed.drain(..sent.min(self.packed.len()));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Reads on until octets of a packet's contents are next; `false` at the end of the stream.
    fn poll_header(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while self.left == 0 {
            let mut octet = [0];
            let mut buffer = ReadBuf::new(&mut octet);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            let Some(octet) = buffer.filled().first() else { return Poll::Ready(Ok(false)) };
            self.header.push(*octet);
            // Type of a record where a packet's should be: 0x14 to 0x17 (RFC 8446 §5.1), no packet's type. The same goes for what
            // is no packet at all: whoever reads sees that it is no record either.
            if self.header.len() == 1 && !matches!(*octet, PRELOGIN | TABULAR_RESULT) {
                self.is_raw = true;
                return Poll::Ready(Ok(true));
            }
            if self.header.len() == HEADER {
                let Some(packet) = header(&self.header).filter(|packet| packet.payload > 0) else {
                    self.is_raw = true;
                    return Poll::Ready(Ok(true));
                };
                self.left = packet.payload;
                self.header.clear();
            }
        }
        Poll::Ready(Ok(true))
    }
}

impl AsyncRead for Tds {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        // Whoever waits for an answer has finished the question.
        ready!(me.poll_send(context))?;
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if !me.is_raw && !ready!(me.poll_header(context))? {
            return Poll::Ready(Ok(()));
        }
        if me.is_raw {
            // The first octets outside were read where a header should be.
            if !me.header.is_empty() {
                let count = me.header.len().min(buffer.remaining());
                buffer.put_slice(&me.header.drain(..count).collect::<Vec<u8>>());
                return Poll::Ready(Ok(()));
            }
            return Pin::new(&mut me.stream).poll_read(context, buffer);
        }
        let mut octets = [0; PACKET];
        let limit = me.left.min(buffer.remaining()).min(PACKET);
        let mut contents = ReadBuf::new(octets.get_mut(..limit).unwrap_or_default());
        ready!(Pin::new(&mut me.stream).poll_read(context, &mut contents))?;
        me.left = me.left.saturating_sub(contents.filled().len());
        buffer.put_slice(contents.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tds {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        if me.flight.len() >= MAX_FLIGHT {
            ready!(me.poll_send(context))?;
        }
        me.flight.extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        ready!(me.poll_send(context))?;
        Pin::new(&mut me.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn unpacked(said: &[u8]) -> Vec<u8> {
        let stream = tokio::io::join(std::io::Cursor::new(said.to_vec()), tokio::io::sink());
        let mut read = Vec::new();
        Tds::new(Box::new(stream)).read_to_end(&mut read).await.unwrap();
        read
    }

    #[tokio::test]
    async fn what_is_read_loses_its_headers_until_the_server_leaves_packets() {
        assert_eq!(unpacked(b"\x12\0\0\x0b\0\0\0\0\x16\x03\x03\x12\x01\0\x09\0\0\0\0x").await, b"\x16\x03\x03x");
        assert_eq!(unpacked(b"\x04\x01\0\x09\0\0\0\0x\x17\x03\x03\x12\x01").await, b"x\x17\x03\x03\x12\x01");
        // What is no packet is handed on as it is.
        for other in [&b"HTTP/1.1 400 Bad"[..], b"\x12\x01\0\x08\0\0\0\0\x12\x01", b"\x12\x01\0\x07\0\0\0\0"] {
            assert_eq!(unpacked(other).await, other);
        }
        // The end of the stream in the middle of anything is the end.
        assert_eq!(unpacked(b"\x12\x01\0").await, b"");
        assert_eq!(unpacked(b"\x12\x01\0\x0b\0\0\0\0x").await, b"x");
        assert_eq!(unpacked(b"").await, b"");
    }

    #[tokio::test]
    async fn a_flight_is_one_message() {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let mut tds = Tds::new(Box::new(near));
        tds.write_all(b"ab").await.unwrap();
        tds.write_all(b"c").await.unwrap();
        tds.flush().await.unwrap();
        let mut sent = [0; 11];
        far.read_exact(&mut sent).await.unwrap();
        assert_eq!(&sent, b"\x12\x01\0\x0b\0\0\0\0abc");

        // Longer than a packet.
        tds.write_all(&[7; 5000]).await.unwrap();
        tds.flush().await.unwrap();
        let mut sent = [0; 5016];
        far.read_exact(&mut sent).await.unwrap();
        assert_eq!(&sent[..8], b"\x12\0\x10\0\0\0\0\0");
        assert_eq!(&sent[4096..4104], [0x12, 1, 0x03, 0x98, 0, 0, 0, 0]);

        // Reading sends what has been written; after the server has left packets, so does the client.
        tds.write_all(b"d").await.unwrap();
        far.write_all(b"\x17").await.unwrap();
        assert_eq!(tds.read_u8().await.unwrap(), 0x17);
        let mut sent = [0; 9];
        far.read_exact(&mut sent).await.unwrap();
        assert_eq!(&sent, b"\x12\x01\0\x09\0\0\0\0d");
        tds.write_all(b"\x15\x03").await.unwrap();
        tds.flush().await.unwrap();
        tds.shutdown().await.unwrap();
        let mut sent = Vec::new();
        drop(tds);
        far.read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent, b"\x15\x03");
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for octets in [octets.clone(), [&b"\x12\x01\0\x10\0\0\0\0"[..], &octets].concat()] {
                let read = runtime.block_on(unpacked(&octets));
                proptest::prop_assert!(read.len() <= octets.len());
            }
        }
    }
}
