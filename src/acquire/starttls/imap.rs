//! IMAP STARTTLS (RFC 3501 §6.2.1, RFC 9051 §6.2.1).

use super::conversation::{Conversation, MAX_LINES};
use super::mask::mask;
use super::{Declined, Protocol};

pub(super) struct Imap;

impl Protocol for Imap {
    const FAREWELL: &'static [u8] = b"c LOGOUT\r\n";

    fn begins(octets: &[u8]) -> bool {
        b"* ".iter().zip(octets).all(|(expected, octet)| expected == octet)
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        let banner = greeting(conversation).await?;
        let mut listed = listed_in_greeting(&banner);
        // What the greeting lists need not be all.
        if !offers(&listed) {
            let answer = command(conversation, "a", "CAPABILITY").await?;
            if !answer.status.eq_ignore_ascii_case("OK") {
                return Err(Declined::refused("CAPABILITY", &answer.text));
            }
            listed = answer.untagged.iter().flat_map(|line| capabilities(line)).collect();
        }
        if !offers(&listed) {
            let keywords = || listed.iter().map(String::as_str);
            let seen = mask(&banner, keywords(), |keyword| format!("* CAPABILITY {keyword}"));
            return Err(Declined::not_listed("CAPABILITY", "STARTTLS", keywords(), seen));
        }
        let answer = command(conversation, "b", "STARTTLS").await?;
        if answer.status.eq_ignore_ascii_case("OK") { Ok(()) } else { Err(Declined::refused("STARTTLS", &answer.text)) }
    }
}

/// The greeting, where it lets STARTTLS follow (RFC 3501 §7.1).
async fn greeting(conversation: &mut Conversation) -> Result<String, Declined> {
    let line = conversation.line("banner").await?;
    let text = String::from_utf8_lossy(&line).into_owned();
    let mut words = text.split_ascii_whitespace().skip(1);
    match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
        "OK" => Ok(text),
        "BYE" => Err(Declined::refused("banner", &text)),
        "PREAUTH" => Err(Declined::refused(
            "banner",
            &format!(
                "{text} (the server takes this client as logged in already, and STARTTLS is only allowed before that)"
            ),
        )),
        _ => Err(conversation.not_understood("banner", &line)),
    }
}

fn offers(listed: &[String]) -> bool {
    listed.iter().any(|keyword| keyword.eq_ignore_ascii_case("STARTTLS"))
}

/// The response code of a greeting: `* OK [CAPABILITY IMAP4rev1 STARTTLS] ready`.
fn listed_in_greeting(banner: &str) -> Vec<String> {
    let code = banner.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(code, _)| code);
    capabilities(&format!("* {code}"))
}

/// The keywords of `* CAPABILITY IMAP4rev1 STARTTLS`; none of any other line.
fn capabilities(line: &str) -> Vec<String> {
    let mut words = line.split_ascii_whitespace().skip(1);
    match words.next() {
        Some(kind) if kind.eq_ignore_ascii_case("CAPABILITY") => words.map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

struct Answer {
    untagged: Vec<String>,
    /// `OK`, `NO` or `BAD`.
    status: String,
    /// Status and what stands behind it.
    text: String,
}

async fn command(conversation: &mut Conversation, tag: &str, command: &'static str) -> Result<Answer, Declined> {
    conversation.say(command, &format!("{tag} {command}")).await?;
    let mut untagged = Vec::new();
    loop {
        let line = conversation.line(command).await?;
        let text = String::from_utf8_lossy(&line).into_owned();
        match text.split_once(' ') {
            Some(("*", rest)) if rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("BYE")) => {
                return Err(Declined::refused(command, &text));
            }
            Some(("*", _)) if untagged.len() < MAX_LINES => untagged.push(text),
            Some((of, rest)) if of == tag => {
                let status = rest.split(' ').next().unwrap_or_default().to_owned();
                if !["OK", "NO", "BAD"].iter().any(|known| known.eq_ignore_ascii_case(&status)) {
                    return Err(conversation.not_understood(command, &line));
                }
                return Ok(Answer { untagged, status, text: rest.to_owned() });
            }
            _ => return Err(conversation.not_understood(command, &line)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::script::Turn::{Hears, Says, Waits};
    use super::super::script::{Turn, accepts, breaks_off, refuses};
    use super::*;
    use crate::acquire::StarttlsRefusal::{Masked, NotOffered, Refused};
    use crate::net::Outcome;
    use crate::target::Scheme;

    const CAPABILITY: Turn = Hears(b"a CAPABILITY\r\n");
    const STARTTLS: Turn = Hears(b"b STARTTLS\r\n");

    pub(in super::super) const GOOD: &[Turn] = &[
        Says(b"* OK IMAP4rev1 ready\r\n"),
        CAPABILITY,
        Says(b"* CAPABILITY IMAP4rev1 starttls LOGINDISABLED\r\na OK done\r\n"),
        STARTTLS,
        Says(b"b OK begin TLS\r\n"),
    ];

    #[tokio::test]
    async fn a_server_that_offers_it_is_brought_to_tls() {
        accepts(
            Scheme::Imap,
            &[
                // Listed in the greeting: not asked for again.
                &[Says(b"* ok [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"), STARTTLS, Says(b"* NOTE x\r\nb ok\r\n")],
                // Listed there, but not all of it.
                &[
                    Says(b"* OK [CAPABILITY IMAP4rev1] ready\r\n"),
                    CAPABILITY,
                    Says(b"* CAPABILITY IMAP4rev1\r\n* CAPABILITY STARTTLS\r\na OK\r\n"),
                    STARTTLS,
                    Says(b"b OK\r\n"),
                ],
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let refused = |text: &str| Refused(text.to_owned());
        refuses::<Imap>(
            Scheme::Imap,
            &[
                (
                    &[
                        Says(b"* OK ready STARTTLS\r\n"),
                        CAPABILITY,
                        Says(b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n* 3 STARTTLS\r\na OK\r\n"),
                    ],
                    NotOffered,
                    "CAPABILITY does not list STARTTLS; it lists IMAP4rev1, LOGINDISABLED",
                ),
                (
                    &[Says(b"* OK\r\n"), CAPABILITY, Says(b"* CAPABILITY IMAP4rev1 XXXXXXXA\r\na OK\r\n")],
                    Masked("* CAPABILITY XXXXXXXA".to_owned()),
                    "rewrites what the server says",
                ),
                (
                    &[Says(b"* OK **************\r\n"), CAPABILITY, Says(b"* CAPABILITY IMAP4rev1\r\na OK\r\n")],
                    Masked("* OK **************".to_owned()),
                    "rewrites what the server says",
                ),
                (
                    &[Says(b"* BYE too many connections\r\n")],
                    refused("* BYE too many connections"),
                    "banner was answered with * BYE",
                ),
                (
                    &[Says(b"* PREAUTH welcome\r\n")],
                    refused(
                        "* PREAUTH welcome (the server takes this client as logged in already, and STARTTLS is only allowed \
                         before that)",
                    ),
                    "PREAUTH",
                ),
                (
                    &[Says(b"* OK\r\n"), CAPABILITY, Says(b"a BAD what\r\n")],
                    refused("BAD what"),
                    "CAPABILITY was answered with BAD what",
                ),
                (
                    &[Says(b"* OK\r\n"), CAPABILITY, Says(b"* BYE shutting down\r\n")],
                    refused("* BYE shutting down"),
                    "CAPABILITY was answered",
                ),
                (
                    &[Says(b"* OK [CAPABILITY STARTTLS]\r\n"), STARTTLS, Says(b"b NO TLS is broken\r\n")],
                    refused("NO TLS is broken"),
                    "STARTTLS was answered with NO",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        breaks_off(
            Scheme::Imap,
            &[
                (&[Says(b"* HELLO\r\n"), Waits], Outcome::NotTls, "banner: what answers is not IMAP: \"* HELLO\""),
                (&[Says(b"* OK\r\n"), CAPABILITY, Says(b"c OK\r\n"), Waits], Outcome::NotTls, "not IMAP: \"c OK\""),
                (&[Says(b"* OK\r\n"), CAPABILITY, Says(b"a YES\r\n"), Waits], Outcome::NotTls, "not IMAP: \"a YES\""),
                (&[Says(b"* OK\r\n"), CAPABILITY, Says(b"\r\n"), Waits], Outcome::NotTls, "not IMAP"),
            ],
        )
        .await;
    }
}
