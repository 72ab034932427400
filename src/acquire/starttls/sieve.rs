//! ManageSieve STARTTLS (RFC 5804 §2.2).

use super::conversation::{Conversation, MAX_LINES, excerpt};
use super::mask::mask;
use super::{Declined, Protocol};

/// The longest literal taken, in octets.
const MAX_LITERAL: usize = 2048;
/// The most literals of one line.
const MAX_LITERALS: usize = 4;

pub(super) struct Sieve;

impl Protocol for Sieve {
    const FAREWELL: &'static [u8] = b"LOGOUT\r\n";

    fn begins(octets: &[u8]) -> bool {
        matches!(octets.first(), Some(b'"' | b'{'))
            || ["OK", "NO", "BYE"]
                .iter()
                .any(|status| status.bytes().zip(octets).all(|(expected, octet)| expected.eq_ignore_ascii_case(octet)))
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        let banner = answer(conversation, "banner").await?;
        if !banner.is_ok {
            return Err(Declined::refused("banner", &banner.text));
        }
        let keywords = || banner.names.iter().map(String::as_str);
        if !keywords().any(|name| name.eq_ignore_ascii_case("STARTTLS")) {
            let seen = mask(&banner.text, keywords(), |name| format!("\"{name}\""));
            return Err(Declined::not_listed("banner", "STARTTLS", keywords(), seen));
        }
        conversation.say("STARTTLS", "STARTTLS").await?;
        let answer = answer(conversation, "STARTTLS").await?;
        if answer.is_ok { Ok(()) } else { Err(Declined::refused("STARTTLS", &answer.text)) }
    }
}

/// What the server says until its `OK`, `NO` or `BYE`.
struct Answer {
    /// The first string of each line before: in a greeting, the names of the capabilities.
    names: Vec<String>,
    is_ok: bool,
    /// The status and what stands behind it.
    text: String,
}

async fn answer(conversation: &mut Conversation, step: &'static str) -> Result<Answer, Declined> {
    let mut names = Vec::new();
    loop {
        let line = whole_line(conversation, step).await?;
        let text = String::from_utf8_lossy(&line).into_owned();
        if let Some(name) = first_string(&text).filter(|_| names.len() < MAX_LINES) {
            names.push(name);
            continue;
        }
        let status = text.split([' ', '(']).next().unwrap_or_default().to_ascii_uppercase();
        match status.as_str() {
            "OK" | "NO" | "BYE" => return Ok(Answer { names, is_ok: status == "OK", text: excerpt(&text) }),
            _ => return Err(conversation.not_understood(step, &line)),
        }
    }
}

/// A line with its literals: where a line ends in `{n}`, n octets follow and then the rest of it (RFC 5804 §1.2).
async fn whole_line(conversation: &mut Conversation, step: &'static str) -> Result<Vec<u8>, Declined> {
    let mut whole = Vec::new();
    for _ in 0..=MAX_LITERALS {
        let line = conversation.line(step).await?;
        let literal = announced(&line);
        whole.extend(line);
        match literal {
            None => return Ok(whole),
            Some(length) if length <= MAX_LITERAL => {
                whole.extend(b"\r\n");
                whole.extend(conversation.octets(step, length).await?);
            }
            Some(_) => break,
        }
    }
    Err(conversation.not_understood(step, &whole))
}

/// The length of the literal that a line ends with the announcement of, if it does.
fn announced(line: &[u8]) -> Option<usize> {
    let start = line.iter().rposition(|octet| *octet == b'{')?;
    let digits = line.get(start.checked_add(1)?..)?.strip_suffix(b"}")?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) || is_quoted(line.get(..start)?) {
        return None;
    }
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX))
}

/// Whether a quoted string is open at the end of these octets.
fn is_quoted(octets: &[u8]) -> bool {
    let (mut open, mut escaped) = (false, false);
    for octet in octets {
        match octet {
            _ if escaped => escaped = false,
            b'\\' => escaped = open,
            b'"' => open = !open,
            _ => {}
        }
    }
    open
}

/// The string that a line begins with; `None` where it begins with something else.
fn first_string(line: &str) -> Option<String> {
    if let Some(quoted) = line.strip_prefix('"') {
        return quoted.split_once('"').map(|(name, _)| name.to_owned());
    }
    let (digits, rest) = line.strip_prefix('{')?.split_once("}\r\n")?;
    let length: usize = digits.strip_suffix('+').unwrap_or(digits).parse().ok()?;
    rest.get(..length).map(str::to_owned)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::script::Turn::{Hears, Says, Waits};
    use super::super::script::{Turn, accepts, breaks_off, refuses};
    use super::*;
    use crate::acquire::StarttlsRefusal::{Masked, NotOffered, Refused};
    use crate::net::Outcome;
    use crate::target::Scheme;

    const STARTTLS: Turn = Hears(b"STARTTLS\r\n");

    pub(in super::super) const GOOD: &[Turn] = &[
        Says(b"\"IMPLEMENTATION\" \"a \\\"b\\\" {3}\"\r\n\"SIEVE\" \"fileinto\"\r\n\"StartTLS\"\r\nOK \"ready\"\r\n"),
        STARTTLS,
        Says(b"OK \"begin\"\r\n"),
    ];

    #[tokio::test]
    async fn literals_are_read_over() {
        accepts(
            Scheme::Sieve,
            &[&[
                Says(b"\"IMPLEMENTATION\" {12}\r\nOK \"a\"\r\n{9}\r\n{8}\r\nSTARTTLS\r\nOK {4+}\r\n{5}!\r\n"),
                STARTTLS,
                Says(b"ok\r\n"),
            ]],
        )
        .await;
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let refused = |text: &str| Refused(text.to_owned());
        refuses::<Sieve>(
            Scheme::Sieve,
            &[
                (
                    &[Says(b"\"IMPLEMENTATION\" \"STARTTLS\"\r\n\"VERSION\" \"1.0\"\r\nOK\r\n")],
                    NotOffered,
                    "banner does not list STARTTLS; it lists IMPLEMENTATION, VERSION",
                ),
                (&[Says(b"OK\r\n")], NotOffered, "it lists nothing"),
                (&[Says(b"\"SIEVE\" \"a\"\r\n\"XXXXXXXA\"\r\nOK\r\n")], Masked("\"XXXXXXXA\"".to_owned()), "rewrites"),
                (&[Says(b"\"SIEVE\" \"a\"\r\nOK \"*****\"\r\n")], Masked("OK \"*****\"".to_owned()), "rewrites"),
                (&[Says(b"BYE \"too busy\"\r\n")], refused("BYE \"too busy\""), "banner was answered with BYE"),
                (
                    &[Says(b"\"STARTTLS\"\r\nOK\r\n"), STARTTLS, Says(b"NO (TRYLATER) {6}\r\nbroken\r\n")],
                    refused("NO (TRYLATER) {6}\r\nbroken"),
                    "STARTTLS was answered with NO",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        breaks_off(
            Scheme::Sieve,
            &[
                (&[Says(b"OKAY\r\n"), Waits], Outcome::NotTls, "banner: what answers is not ManageSieve: \"OKAY\""),
                (&[Says(b"\"open\r\n"), Waits], Outcome::NotTls, "not ManageSieve"),
                (&[Says(b"\"A\" {99999999999999999999}\r\n"), Waits], Outcome::NotTls, "not ManageSieve"),
            ],
        )
        .await;
    }
}
