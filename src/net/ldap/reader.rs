//! BER as LDAP restricts it (RFC 4511 §5.1: definite lengths only), read as it arrives: nothing is held but what is
//! asked for, and no length is believed before it fits into what holds it.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// Why no more can be read.
#[derive(Debug)]
pub(super) enum Broken {
    /// The stream ended.
    Ended,
    /// The stream broke.
    Io(io::Error),
    /// The octets are no LDAP message.
    Malformed(&'static str),
    /// There are more octets or messages than allowed.
    TooLarge(String),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Ended } else { Self::Io(error) }
    }
}

/// How many octets of an element are still to come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extent(u64);

impl Extent {
    /// Of what a limit stands around.
    pub(super) fn new(octets: u64) -> Self {
        Self(octets)
    }

    pub(super) fn left(&self) -> u64 {
        self.0
    }

    /// Takes so many octets out of it.
    fn take(&mut self, octets: u64) -> Result<(), Broken> {
        self.0 = self.0.checked_sub(octets).ok_or(Broken::Malformed("an element is longer than what it stands in"))?;
        Ok(())
    }
}

/// Reads elements off a stream.
pub(super) struct Reader<R> {
    stream: R,
}

impl<R: AsyncBufRead + Unpin> Reader<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream }
    }

    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.stream
    }

    /// The tag and the extent of the next element, which is taken out of what holds it.
    pub(super) async fn element(&mut self, within: &mut Extent) -> Result<(u8, Extent), Broken> {
        within.take(2)?;
        let (tag, first) = (self.stream.read_u8().await?, self.stream.read_u8().await?);
        if tag & 0x1f == 0x1f {
            return Err(Broken::Malformed("a tag that LDAP does not have"));
        }
        let length = match first {
            0x80 => return Err(Broken::Malformed("an element of indefinite length")),
            short @ 0..0x80 => u64::from(short),
            long => {
                let count = long & 0x7f;
                within.take(u64::from(count))?;
                let mut length = 0_u64;
                for _ in 0..count {
                    // Leading zeros are allowed, and usual with Active Directory.
                    let octet = u64::from(self.stream.read_u8().await?);
                    length = length.checked_mul(256).ok_or(Broken::Malformed("an element of absurd length"))? | octet;
                }
                length
            }
        };
        within.take(length)?;
        Ok((tag, Extent(length)))
    }

    /// The next element, which must have this tag.
    pub(super) async fn expect(&mut self, tag: u8, within: &mut Extent) -> Result<Extent, Broken> {
        match self.element(within).await? {
            (found, extent) if found == tag => Ok(extent),
            _ => Err(Broken::Malformed("an element where another one should be")),
        }
    }

    /// Contents of an INTEGER or ENUMERATED that is no negative number; `None` where it is one, or too large.
    pub(super) async fn number(&mut self, extent: Extent) -> Result<Option<u32>, Broken> {
        if extent.0 == 0 || extent.0 > 8 {
            return Err(Broken::Malformed("a number that is none"));
        }
        let mut value = 0_u64;
        let mut negative = false;
        for position in 0..extent.0 {
            let octet = self.stream.read_u8().await?;
            negative |= position == 0 && octet >= 0x80;
            value = value << 8 | u64::from(octet);
        }
        Ok(u32::try_from(value).ok().filter(|_| !negative))
    }

    /// Contents as text, cut after so many octets.
    pub(super) async fn text(&mut self, extent: Extent, shown: usize) -> Result<String, Broken> {
        let mut kept = Vec::new();
        self.each(extent, |octets| {
            let room = shown.saturating_sub(kept.len());
            kept.extend_from_slice(octets.get(..room).unwrap_or(octets));
        })
        .await?;
        Ok(String::from_utf8_lossy(&kept).into_owned())
    }

    /// Passes over what is left.
    pub(super) async fn skip(&mut self, extent: Extent) -> Result<(), Broken> {
        self.each(extent, |_| ()).await
    }

    /// Hands on the contents as they arrive.
    pub(super) async fn each(&mut self, extent: Extent, mut take: impl FnMut(&[u8])) -> Result<(), Broken> {
        let mut left = extent.0;
        while left > 0 {
            let arrived = self.stream.fill_buf().await?;
            if arrived.is_empty() {
                return Err(Broken::Ended);
            }
            let wanted = usize::try_from(left).unwrap_or(usize::MAX);
            let octets = arrived.get(..wanted).unwrap_or(arrived);
            let count = octets.len();
            take(octets);
            self.stream.consume(count);
            left = left.saturating_sub(u64::try_from(count).unwrap_or(left));
        }
        Ok(())
    }
}
