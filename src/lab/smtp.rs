//! An SMTP server up to STARTTLS (RFC 5321, RFC 3207), willing or not.

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::tls::drain;

/// What becomes of STARTTLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Starttls {
    /// It is offered and done.
    Offered,
    /// It is not offered.
    Absent,
    /// It is offered, and refused with 454.
    Refused,
    /// A middlebox has painted over banner and extensions.
    Masked,
    /// The server accepts the connection and says nothing.
    Silent,
}

/// The longest command that is read, in octets (RFC 5321 §4.5.3.1.4 asks for 512).
const LONGEST_LINE: usize = 2048;

/// Speaks SMTP until TLS may begin; `false`: it will not.
///
/// # Errors
/// When the client is gone.
pub async fn until_tls<S>(stream: &mut S, starttls: Starttls) -> std::io::Result<bool>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if starttls == Starttls::Silent {
        drain(stream).await?;
        return Ok(false);
    }
    let masked = starttls == Starttls::Masked;
    let banner: &[u8] = if masked {
        b"220 ******************************\r\n"
    } else {
        b"220-mail.certflight.test\r\n220 ESMTP ready\r\n"
    };
    stream.write_all(banner).await?;
    while let Some(command) = read_line(stream).await? {
        let verb = command.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let reply: &[u8] = match (verb.as_str(), starttls) {
            ("EHLO", Starttls::Masked) => b"250-mail.certflight.test\r\n250-PIPELINING\r\n250-XXXXXXXA\r\n250 XXXB\r\n",
            ("EHLO", Starttls::Absent) => b"250-mail.certflight.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
            ("EHLO", _) => b"250-mail.certflight.test\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n",
            ("HELO" | "NOOP" | "RSET", _) => b"250 fine\r\n",
            ("QUIT", _) => {
                stream.write_all(b"221 bye\r\n").await?;
                stream.shutdown().await?;
                return Ok(false);
            }
            ("STARTTLS", Starttls::Offered) => {
                stream.write_all(b"220 go ahead\r\n").await?;
                return Ok(true);
            }
            ("STARTTLS", Starttls::Refused) => b"454 TLS not available due to temporary reason\r\n",
            _ => b"502 command not implemented\r\n",
        };
        stream.write_all(reply).await?;
    }
    Ok(false)
}

/// One line without its end; octet by octet, since what follows STARTTLS belongs to TLS.
async fn read_line<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut octet = [0];
    while line.len() < LONGEST_LINE {
        if stream.read(&mut octet).await? == 0 {
            return Ok(None);
        }
        match octet {
            [b'\n'] => {
                while line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            [other] => line.push(other),
        }
    }
    Ok(None)
}
