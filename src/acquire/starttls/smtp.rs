//! SMTP STARTTLS (RFC 3207, RFC 5321).

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::super::StarttlsRefusal;
use super::super::capture::seconds;
use super::{Declined, Waits};
use crate::net::Outcome;

/// The longest reply line taken, in octets. RFC 5321 §4.5.3.1.5 has 512; servers exceed it.
const MAX_LINE: usize = 2048;
/// The most lines of one reply.
const MAX_LINES: usize = 100;
/// The name given in EHLO. The local address is not known here (a proxy may stand between), and a
/// host name would have to be true; this one has the form of a domain, which is all that servers
/// check before STARTTLS, claims nobody's name (RFC 2606 §2), and says in their logs who it was.
const CLIENT_NAME: &str = "certflight.invalid";

/// Reads the greeting, says EHLO, and asks for TLS.
///
/// # Errors
/// [`Declined`]
pub async fn negotiate<S>(stream: &mut S, waits: Waits) -> Result<(), Declined>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut conversation = Conversation { stream, waits, buffer: Vec::new(), heard: false };
    let negotiated = conversation.negotiate().await;
    if matches!(&negotiated, Err(Declined { refusal: Some(_), .. })) {
        // A courtesy; the answer to it would tell nothing.
        let _ = timeout(Duration::from_secs(1), conversation.write("QUIT")).await;
    }
    negotiated
}

/// A reply of one or more lines (RFC 5321 §4.2.1).
#[derive(Debug)]
struct Reply {
    code: u16,
    /// The text of each line, after code and separator.
    lines: Vec<String>,
}

impl Reply {
    /// The capability keywords of a reply to EHLO: the first words of all lines but the first.
    fn keywords(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().skip(1).filter_map(|line| line.split_ascii_whitespace().next())
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 300;
        let text = self.lines.join(" ");
        write!(f, "{} {}", self.code, text.chars().take(SHOWN).collect::<String>())
    }
}

struct Conversation<'a, S> {
    stream: &'a mut S,
    waits: Waits,
    /// What was read and not yet consumed; never longer than a line and a read.
    buffer: Vec<u8>,
    /// Whether the server has said anything at all.
    heard: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Conversation<'_, S> {
    async fn negotiate(&mut self) -> Result<(), Declined> {
        let banner = self.reply("banner").await?;
        if banner.code != 220 {
            return Err(refused("banner", &banner));
        }
        let capabilities = self.exchange(&format!("EHLO {CLIENT_NAME}"), "EHLO").await?;
        match capabilities.code {
            250 => {}
            // HELO would be taken, but offers no extensions (RFC 5321 §3.2).
            500 | 502 | 504 => {
                return Err(Declined {
                    outcome: Outcome::StarttlsRefused,
                    detail: format!("the server knows no EHLO, and so no STARTTLS: {capabilities}"),
                    refusal: Some(mask(&banner, &capabilities).unwrap_or(StarttlsRefusal::NotOffered)),
                });
            }
            _ => return Err(refused("EHLO", &capabilities)),
        }
        if !capabilities.keywords().any(|keyword| keyword.eq_ignore_ascii_case("STARTTLS")) {
            let refusal = mask(&banner, &capabilities).unwrap_or(StarttlsRefusal::NotOffered);
            let detail = match &refusal {
                StarttlsRefusal::Masked(text) => format!(
                    "EHLO does not list STARTTLS, and something on the way rewrites what the server says: {text}"
                ),
                _ => {
                    let listed: Vec<&str> = capabilities.keywords().take(20).collect();
                    format!(
                        "EHLO does not list STARTTLS; it lists {}",
                        if listed.is_empty() { "nothing".to_owned() } else { listed.join(", ") }
                    )
                }
            };
            return Err(Declined { outcome: Outcome::StarttlsRefused, detail, refusal: Some(refusal) });
        }
        let answer = self.exchange("STARTTLS", "STARTTLS").await?;
        if answer.code != 220 {
            return Err(refused("STARTTLS", &answer));
        }
        if !self.buffer.is_empty() {
            return Err(Declined {
                outcome: Outcome::TlsFailure,
                detail: "STARTTLS: plain text follows the go-ahead, as when commands are injected (CVE-2011-0411)"
                    .to_owned(),
                refusal: None,
            });
        }
        Ok(())
    }

    async fn exchange(&mut self, command: &str, step: &'static str) -> Result<Reply, Declined> {
        let wait = self.waits.deadline.cap(self.waits.later);
        match timeout(wait, self.write(command)).await {
            // What the server said before it closed says more than that it did.
            Ok(_) => self.reply(step).await,
            Err(_) => Err(ended(Outcome::Stalled, step, format!("takes no command within {}", seconds(wait)))),
        }
    }

    async fn write(&mut self, command: &str) -> io::Result<()> {
        self.stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }

    async fn reply(&mut self, step: &'static str) -> Result<Reply, Declined> {
        let mut reply: Option<Reply> = None;
        loop {
            let line = self.line(step).await?;
            let (code, last, text) = parse(&line).ok_or_else(|| not_smtp(step, &line))?;
            let reply = reply.get_or_insert(Reply { code, lines: Vec::new() });
            // All lines bear the same code (RFC 5321 §4.2.1).
            if reply.code != code || reply.lines.len() >= MAX_LINES {
                return Err(not_smtp(step, &line));
            }
            reply.lines.push(text);
            if last {
                return Ok(Reply { code, lines: std::mem::take(&mut reply.lines) });
            }
        }
    }

    /// The next line, without its end. A bare line feed ends one too.
    async fn line(&mut self, step: &'static str) -> Result<Vec<u8>, Declined> {
        loop {
            if let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let rest = self.buffer.split_off(end.saturating_add(1));
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            if self.buffer.len() > MAX_LINE {
                return Err(not_smtp(step, &self.buffer));
            }
            let wait = self.waits.deadline.cap(if self.heard { self.waits.later } else { self.waits.first });
            let mut octets = [0; 1024];
            let read = match timeout(wait, self.stream.read(&mut octets)).await {
                Ok(Ok(read)) => read,
                Ok(Err(error)) => return Err(self.broken(step, &error)),
                Err(_) if self.heard => {
                    return Err(ended(Outcome::Stalled, step, format!("no (complete) answer in {}", seconds(wait))));
                }
                Err(_) => {
                    let detail = format!("no answer in {}; mail servers may delay it on purpose", seconds(wait));
                    return Err(ended(Outcome::Timeout, step, detail));
                }
            };
            if read == 0 {
                // Half a line before the end may still say what it was.
                return Err(match self.buffer.as_slice() {
                    [] => ended(Outcome::Closed, step, "the server closed the connection".to_owned()),
                    begun => not_smtp(step, begun),
                });
            }
            self.heard = true;
            self.buffer.extend_from_slice(octets.get(..read).unwrap_or_default());
        }
    }

    fn broken(&self, step: &'static str, error: &io::Error) -> Declined {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                ended(Outcome::Reset, step, "the connection was reset".to_owned())
            }
            io::ErrorKind::UnexpectedEof => ended(Outcome::Closed, step, "the server closed the connection".to_owned()),
            _ => ended(if self.heard { Outcome::Stalled } else { Outcome::Timeout }, step, error.to_string()),
        }
    }
}

fn ended(outcome: Outcome, step: &str, detail: String) -> Declined {
    Declined { outcome, detail: format!("{step}: {detail}"), refusal: None }
}

fn refused(step: &str, reply: &Reply) -> Declined {
    Declined {
        outcome: Outcome::StarttlsRefused,
        detail: format!("{step} was answered with {reply}"),
        refusal: Some(StarttlsRefusal::Refused(reply.to_string())),
    }
}

fn not_smtp(step: &str, line: &[u8]) -> Declined {
    let detail = match line {
        [0x15 | 0x16, 3, ..] => "what answers speaks TLS at once; use smtps:// or tls://".to_owned(),
        _ => {
            let text: String = String::from_utf8_lossy(line).chars().take(100).collect();
            format!("what answers is not SMTP: {text:?}")
        }
    };
    ended(Outcome::NotTls, step, detail)
}

/// Code, whether it is the last line, and text (RFC 5321 §4.2). Some servers send the bare code.
fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = std::str::from_utf8(digits).ok().filter(|code| code.bytes().all(|digit| digit.is_ascii_digit()))?;
    let code: u16 = code.parse().ok().filter(|code| (200..600).contains(code))?;
    let (last, text) = match rest {
        [] => (true, rest),
        [b' ', text @ ..] => (true, text),
        [b'-', text @ ..] => (false, text),
        _ => return None,
    };
    Some((code, last, String::from_utf8_lossy(text).into_owned()))
}

/// The marks of a middlebox that inspects SMTP: a greeting overwritten with asterisks, or keywords
/// with the letter X (`XXXXXXXA` stands where `STARTTLS` stood).
fn mask(banner: &Reply, capabilities: &Reply) -> Option<StarttlsRefusal> {
    let keyword = capabilities.keywords().find(|keyword| {
        let crossed = keyword.bytes().take_while(|octet| *octet == b'X').count();
        crossed >= 4 && keyword.len() - crossed <= 1
    });
    if let Some(keyword) = keyword {
        return Some(StarttlsRefusal::Masked(format!("250-{keyword}")));
    }
    let greeting = banner.to_string();
    greeting.contains("****").then_some(StarttlsRefusal::Masked(greeting))
}

#[cfg(test)]
mod tests;
