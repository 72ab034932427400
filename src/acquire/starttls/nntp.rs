//! NNTP STARTTLS (RFC 4642, RFC 3977).

use super::conversation::{Conversation, MAX_LINES};
use super::mask::mask;
use super::reply::{self, Middle, Reply};
use super::{Declined, Protocol};

pub(super) struct Nntp;

impl Protocol for Nntp {
    const FAREWELL: &'static [u8] = b"QUIT\r\n";

    fn begins(octets: &[u8]) -> bool {
        reply::begins(octets)
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        let banner = read(conversation, "banner").await?;
        if !matches!(banner.code, 200 | 201) {
            return Err(banner.unwelcome(conversation));
        }
        let mut listed = capabilities(conversation).await?;
        let has = |listed: &Option<Vec<String>>, wanted: &str| {
            listed.iter().flatten().any(|keyword| keyword.eq_ignore_ascii_case(wanted))
        };
        // A transit server turns into one for readers on request, with another list (RFC 3977 §5.3).
        if !has(&listed, "STARTTLS") && has(&listed, "MODE-READER") {
            conversation.say("MODE READER", "MODE READER").await?;
            let answer = read(conversation, "MODE READER").await?;
            if matches!(answer.code, 200 | 201) {
                listed = capabilities(conversation).await?;
            }
        }
        // Servers from before RFC 3977 know no CAPABILITIES; some of them know STARTTLS.
        if let Some(listed) = listed.as_ref().filter(|_| !has(&listed, "STARTTLS")) {
            let keywords = || listed.iter().map(String::as_str);
            let seen = mask(&banner.to_string(), keywords(), str::to_owned);
            return Err(Declined::not_listed("CAPABILITIES", "STARTTLS", keywords(), seen));
        }
        conversation.say("STARTTLS", "STARTTLS").await?;
        let answer = read(conversation, "STARTTLS").await?;
        Err(match (answer.code, listed) {
            (382, _) => return Ok(()),
            (500, None) => Declined::not_offered(format!("the server does not know STARTTLS: {answer}")),
            _ => answer.refused("STARTTLS"),
        })
    }
}

async fn read(conversation: &mut Conversation, step: &'static str) -> Result<Reply, Declined> {
    reply::reply(conversation, step, Middle::Coded).await
}

/// The keywords of the server's list; `None` where it knows no such command.
async fn capabilities(conversation: &mut Conversation) -> Result<Option<Vec<String>>, Declined> {
    const STEP: &str = "CAPABILITIES";
    conversation.say(STEP, STEP).await?;
    let answer = read(conversation, STEP).await?;
    match answer.code {
        101 => {}
        500 => return Ok(None),
        _ => return Err(answer.refused(STEP)),
    }
    let mut keywords = Vec::new();
    loop {
        let line = conversation.line(STEP).await?;
        match line.as_slice() {
            b"." => return Ok(Some(keywords)),
            _ if keywords.len() >= MAX_LINES => return Err(conversation.not_understood(STEP, &line)),
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

    const CAPABILITIES: Turn = Hears(b"CAPABILITIES\r\n");
    const STARTTLS: Turn = Hears(b"STARTTLS\r\n");

    pub(in super::super) const GOOD: &[Turn] = &[
        Says(b"200 news.test\r\n"),
        CAPABILITIES,
        Says(b"101 list:\r\nVERSION 2\r\nREADER\r\nSTARTTLS\r\n.\r\n"),
        STARTTLS,
        Says(b"382 continue\r\n"),
    ];

    #[tokio::test]
    async fn a_server_that_offers_it_is_brought_to_tls() {
        accepts(
            Scheme::Nntp,
            &[
                &[Says(b"201 no posting\r\n"), CAPABILITIES, Says(b"500 what\r\n"), STARTTLS, Says(b"382 go\r\n")],
                &[
                    Says(b"200 transit\r\n"),
                    CAPABILITIES,
                    Says(b"101\r\nVERSION 2\r\nIHAVE\r\nMODE-READER\r\n.\r\n"),
                    Hears(b"MODE READER\r\n"),
                    Says(b"200 readers\r\n"),
                    CAPABILITIES,
                    Says(b"101\r\nREADER\r\nSTARTTLS\r\n.\r\n"),
                    STARTTLS,
                    Says(b"382 go\r\n"),
                ],
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let refused = |text: &str| Refused(text.to_owned());
        refuses::<Nntp>(
            Scheme::Nntp,
            &[
                (
                    &[Says(b"200 a\r\n"), CAPABILITIES, Says(b"101\r\nVERSION 2\r\nREADER\r\n.\r\n")],
                    NotOffered,
                    "CAPABILITIES does not list STARTTLS; it lists VERSION, READER",
                ),
                (
                    &[
                        Says(b"200 a\r\n"),
                        CAPABILITIES,
                        Says(b"101\r\nMODE-READER\r\n.\r\n"),
                        Hears(b"MODE READER\r\n"),
                        Says(b"502 no\r\n"),
                    ],
                    NotOffered,
                    "it lists MODE-READER",
                ),
                (
                    &[Says(b"200 a\r\n"), CAPABILITIES, Says(b"500 what\r\n"), STARTTLS, Says(b"500 what\r\n")],
                    NotOffered,
                    "does not know STARTTLS: 500 what",
                ),
                (
                    &[Says(b"200 a\r\n"), CAPABILITIES, Says(b"101\r\nREADER\r\nXXXXXXXX\r\n.\r\n")],
                    Masked("XXXXXXXX".to_owned()),
                    "rewrites what the server says",
                ),
                (
                    &[Says(b"200 *****\r\n"), CAPABILITIES, Says(b"101\r\nREADER\r\n.\r\n")],
                    Masked("200 *****".to_owned()),
                    "rewrites what the server says",
                ),
                (
                    &[
                        Says(b"200 a\r\n"),
                        CAPABILITIES,
                        Says(b"101\r\nSTARTTLS\r\n.\r\n"),
                        STARTTLS,
                        Says(b"580 no TLS\r\n"),
                    ],
                    refused("580 no TLS"),
                    "STARTTLS was answered with 580",
                ),
                (&[Says(b"502 go away\r\n")], refused("502 go away"), "banner was answered with 502"),
                (
                    &[Says(b"200 a\r\n"), CAPABILITIES, Says(b"483 encrypt\r\n")],
                    refused("483 encrypt"),
                    "CAPABILITIES was answered with 483",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        breaks_off(
            Scheme::Nntp,
            &[
                (
                    &[Says(b"220 mx.test ESMTP\r\n"), Waits],
                    Outcome::NotTls,
                    "banner: what answers is not NNTP: \"220 mx.test",
                ),
                (
                    &[Says(b"200 a\r\n"), CAPABILITIES, Says(b"101_\r\n"), Waits],
                    Outcome::NotTls,
                    "CAPABILITIES: what answers is not NNTP: \"101_\"",
                ),
            ],
        )
        .await;
    }
}
