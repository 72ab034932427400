//! Replies with a code of three digits, as SMTP (RFC 5321 §4.2), FTP (RFC 959 §4.2) and NNTP (RFC 3977 §3.2) have them.

use std::fmt;

use super::Declined;
use super::conversation::{Conversation, MAX_LINES, excerpt};

/// A reply of one or more lines.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// The text of each line, after code and separator.
    pub(super) lines: Vec<String>,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, excerpt(&self.lines.join(" ")))
    }
}

impl Reply {
    /// Why this greeting is not one that a conversation can follow.
    pub(super) fn unwelcome(&self, conversation: &Conversation) -> Declined {
        const STEP: &str = "banner";
        // Servers turn clients away with 4yz and 5yz; what else is no welcome is another protocol's.
        if self.code >= 400 {
            self.refused(STEP)
        } else {
            conversation.not_understood(STEP, self.to_string().as_bytes())
        }
    }

    pub(super) fn refused(&self, step: &str) -> Declined {
        Declined::refused(step, &self.to_string())
    }
}

/// What the lines between the first and the last of a reply look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Middle {
    /// Each bears the code (RFC 5321 §4.2.1).
    Coded,
    /// Anything, up to a line with the code and a space (RFC 959 §4.2).
    Free,
}

/// Reads one reply.
pub(super) async fn reply(
    conversation: &mut Conversation,
    step: &'static str,
    middle: Middle,
) -> Result<Reply, Declined> {
    let first = conversation.line(step).await?;
    let (code, mut last, text) = parse(&first).ok_or_else(|| conversation.not_understood(step, &first))?;
    let mut lines = vec![text];
    while !last {
        let line = conversation.line(step).await?;
        if lines.len() >= MAX_LINES {
            return Err(conversation.not_understood(step, &line));
        }
        let text = match (parse(&line).filter(|(of, ..)| *of == code), middle) {
            (Some((_, ends, text)), _) => {
                last = ends;
                text
            }
            (None, Middle::Free) => String::from_utf8_lossy(&line).into_owned(),
            (None, Middle::Coded) => return Err(conversation.not_understood(step, &line)),
        };
        lines.push(text);
    }
    Ok(Reply { code, lines })
}

/// Whether a reply can begin so; of what may have been cut short.
pub(super) fn begins(octets: &[u8]) -> bool {
    octets.iter().take(3).all(u8::is_ascii_digit)
        && octets.first().is_some_and(|digit| (b'1'..=b'5').contains(digit))
        && octets.get(3).is_none_or(|separator| matches!(separator, b' ' | b'-' | b'\r' | b'\n'))
}

/// Code, whether it is the last line, and text. Some servers send the bare code.
pub(super) fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = std::str::from_utf8(digits).ok().filter(|code| code.bytes().all(|digit| digit.is_ascii_digit()))?;
    let code: u16 = code.parse().ok().filter(|code| (100..600).contains(code))?;
    let (last, text) = match rest {
        [] => (true, rest),
        [b' ', text @ ..] => (true, text),
        [b'-', text @ ..] => (false, text),
        _ => return None,
    };
    Some((code, last, String::from_utf8_lossy(text).into_owned()))
}
