//! POP3 STLS (RFC 2595 §4, RFC 1939, RFC 2449).

use super::conversation::{Conversation, MAX_LINES};
use super::mask::mask;
use super::{Declined, Protocol};

pub(super) struct Pop3;

impl Protocol for Pop3 {
    const FAREWELL: &'static [u8] = b"QUIT\r\n";

    fn begins(octets: &[u8]) -> bool {
        [&b"+OK"[..], b"-ERR"]
            .iter()
            .any(|status| status.iter().zip(octets).all(|(expected, octet)| expected.eq_ignore_ascii_case(octet)))
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        let banner = status(conversation, "banner").await?.map_err(|answer| Declined::refused("banner", &answer))?;
        conversation.say("CAPA", "CAPA").await?;
        // Servers from before RFC 2449 know no CAPA; some of them know STLS.
        let mut listed = None;
        if status(conversation, "CAPA").await?.is_ok() {
            let lines = listed.insert(list(conversation).await?);
            if !lines.iter().any(|keyword| keyword.eq_ignore_ascii_case("STLS")) {
                let keywords = || lines.iter().map(String::as_str);
                let seen = mask(&banner, keywords(), str::to_owned);
                return Err(Declined::not_listed("CAPA", "STLS", keywords(), seen));
            }
        }
        conversation.say("STLS", "STLS").await?;
        match (status(conversation, "STLS").await?, listed) {
            (Ok(_), _) => Ok(()),
            (Err(answer), Some(_)) => Err(Declined::refused("STLS", &answer)),
            (Err(answer), None) => Err(match mask(&banner, std::iter::empty(), str::to_owned) {
                Some(seen) => Declined::not_listed("CAPA", "STLS", std::iter::empty(), Some(seen)),
                None => Declined::not_offered(format!("the server knows neither CAPA nor STLS: {answer}")),
            }),
        }
    }
}

/// The line with the status: `Err` where it is `-ERR`.
async fn status(conversation: &mut Conversation, step: &'static str) -> Result<Result<String, String>, Declined> {
    let line = conversation.line(step).await?;
    let text = String::from_utf8_lossy(&line).into_owned();
    match text.split(' ').next().unwrap_or_default().to_ascii_uppercase().as_str() {
        "+OK" => Ok(Ok(text)),
        "-ERR" => Ok(Err(text)),
        _ => Err(conversation.not_understood(step, &line)),
    }
}

/// The keywords of a list that ends with a dot.
async fn list(conversation: &mut Conversation) -> Result<Vec<String>, Declined> {
    let mut keywords = Vec::new();
    loop {
        let line = conversation.line("CAPA").await?;
        match line.as_slice() {
            b"." => return Ok(keywords),
            _ if keywords.len() >= MAX_LINES => return Err(conversation.not_understood("CAPA", &line)),
            _ => {
                let text = String::from_utf8_lossy(&line);
                keywords.extend(text.split_ascii_whitespace().next().map(str::to_owned));
            }
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

    const CAPA: Turn = Hears(b"CAPA\r\n");
    const STLS: Turn = Hears(b"STLS\r\n");

    pub(in super::super) const GOOD: &[Turn] = &[
        Says(b"+OK POP3 ready <1@mx.test>\r\n"),
        CAPA,
        Says(b"+OK\r\nTOP\r\nstls\r\nSASL PLAIN\r\n.\r\n"),
        STLS,
        Says(b"+OK begin TLS\r\n"),
    ];

    #[tokio::test]
    async fn a_server_without_a_list_is_asked_all_the_same() {
        accepts(Scheme::Pop3, &[&[Says(b"+OK\r\n"), CAPA, Says(b"-ERR unknown command\r\n"), STLS, Says(b"+ok\r\n")]])
            .await;
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        refuses::<Pop3>(
            Scheme::Pop3,
            &[
                (
                    &[Says(b"+OK\r\n"), CAPA, Says(b"+OK list\r\nTOP\r\nUIDL STLS\r\n.\r\n")],
                    NotOffered,
                    "CAPA does not list STLS; it lists TOP, UIDL",
                ),
                (
                    &[Says(b"+OK\r\n"), CAPA, Says(b"-ERR a\r\n"), STLS, Says(b"-ERR b\r\n")],
                    NotOffered,
                    "neither CAPA nor STLS: -ERR b",
                ),
                (
                    &[Says(b"+OK\r\n"), CAPA, Says(b"+OK\r\nXXXA\r\nXXXX\r\n.\r\n")],
                    Masked("XXXX".to_owned()),
                    "rewrites what the server says",
                ),
                (
                    &[Says(b"+OK *******\r\n"), CAPA, Says(b"-ERR a\r\n"), STLS, Says(b"-ERR b\r\n")],
                    Masked("+OK *******".to_owned()),
                    "rewrites what the server says",
                ),
                (
                    &[Says(b"-ERR [SYS/TEMP] busy\r\n")],
                    Refused("-ERR [SYS/TEMP] busy".to_owned()),
                    "banner was answered with -ERR",
                ),
                (
                    &[Says(b"+OK\r\n"), CAPA, Says(b"+OK\r\nSTLS\r\n.\r\n"), STLS, Says(b"-ERR no TLS now\r\n")],
                    Refused("-ERR no TLS now".to_owned()),
                    "STLS was answered with -ERR no TLS now",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        breaks_off(
            Scheme::Pop3,
            &[
                (&[Says(b"+HELLO\r\n"), Waits], Outcome::NotTls, "banner: what answers is not POP3: \"+HELLO"),
                (&[Says(b"+OKAY\r\n"), Waits], Outcome::NotTls, "not POP3"),
                (
                    &[Says(b"+OK\r\n"), CAPA, Says(b"what\r\n"), Waits],
                    Outcome::NotTls,
                    "CAPA: what answers is not POP3",
                ),
            ],
        )
        .await;
    }
}
