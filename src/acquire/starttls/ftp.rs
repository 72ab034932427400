//! FTP AUTH TLS (RFC 4217 §4, RFC 2228, RFC 2389).
//!
//! `AUTH SSL`, which drafts before RFC 4217 had and no client of today needs, is not asked for.

use super::conversation::Conversation;
use super::mask::mask;
use super::reply::{self, Middle, Reply};
use super::{Declined, Protocol};

pub(super) struct Ftp;

impl Protocol for Ftp {
    const FAREWELL: &'static [u8] = b"QUIT\r\n";

    fn begins(octets: &[u8]) -> bool {
        reply::begins(octets)
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        let mut banner = read(conversation, "banner").await?;
        // "Service ready in nnn minutes" comes before the greeting itself (RFC 959 §5.4).
        if banner.code == 120 {
            banner = read(conversation, "banner").await?;
        }
        if banner.code != 220 {
            return Err(banner.unwelcome(conversation));
        }
        conversation.say("AUTH TLS", "AUTH TLS").await?;
        let answer = read(conversation, "AUTH TLS").await?;
        // 334 is what RFC 2228 has for mechanisms that exchange more; old servers give it for TLS.
        if matches!(answer.code, 234 | 334) {
            return Ok(());
        }
        if answer.code == 421 {
            return Err(answer.refused("AUTH TLS"));
        }
        // Servers without TLS answer as to any command they don't know, or ask for a login first: whether it is meant to work,
        // their list tells.
        conversation.say("FEAT", "FEAT").await?;
        let features = read(conversation, "FEAT").await.ok().filter(|features| features.code == 211);
        let listed: Vec<&str> = features.iter().flat_map(listed).collect();
        let keywords = || listed.iter().copied();
        let seen = mask(&banner.to_string(), keywords(), |keyword| format!("211- {keyword}"));
        let unknown = matches!(answer.code, 500 | 502 | 504);
        Err(match (features.is_some(), seen) {
            (true, _) if listed.iter().any(|feature| is_auth_tls(feature)) => answer.refused("AUTH TLS"),
            (true, seen) => Declined::not_listed("FEAT", "AUTH TLS", keywords(), seen),
            (false, Some(seen)) if unknown => Declined::not_listed("FEAT", "AUTH TLS", keywords(), Some(seen)),
            (false, None) if unknown => Declined::not_offered(format!("the server does not know AUTH TLS: {answer}")),
            (false, _) => answer.refused("AUTH TLS"),
        })
    }
}

async fn read(conversation: &mut Conversation, step: &'static str) -> Result<Reply, Declined> {
    reply::reply(conversation, step, Middle::Free).await
}

/// The features: the lines between the first and the last.
fn listed(features: &Reply) -> Vec<&str> {
    let between = features.lines.iter().skip(1).take(features.lines.len().saturating_sub(2));
    between.map(|line| line.trim()).filter(|line| !line.is_empty()).collect()
}

/// `AUTH TLS`, or a list of mechanisms with TLS in it: `AUTH TLS;SSL;`.
fn is_auth_tls(feature: &str) -> bool {
    let Some((keyword, mechanisms)) = feature.split_once(' ') else { return false };
    let mut mechanisms = mechanisms.split(|separator: char| !(separator.is_ascii_alphanumeric() || separator == '-'));
    keyword.eq_ignore_ascii_case("AUTH")
        && mechanisms.any(|mechanism| ["TLS", "TLS-C"].iter().any(|known| mechanism.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::script::Turn::{Hears, Says, Waits};
    use super::super::script::{Turn, accepts, breaks_off, refuses};
    use super::*;
    use crate::acquire::StarttlsRefusal::{Masked, NotOffered, Refused};
    use crate::net::Outcome;
    use crate::target::Scheme;

    const AUTH: Turn = Hears(b"AUTH TLS\r\n");
    const FEAT: Turn = Hears(b"FEAT\r\n");

    pub(in super::super) const GOOD: &[Turn] =
        &[Says(b"220-Welcome\r\nto this server\r\n220 ready\r\n"), AUTH, Says(b"234 go\r\n")];

    #[tokio::test]
    async fn a_server_that_offers_it_is_brought_to_tls() {
        accepts(
            Scheme::Ftp,
            &[
                &[Says(b"120 in 1 minute\r\n220 now\r\n"), AUTH, Says(b"334 go\r\n")],
                // The welcome holds what would be a reply elsewhere.
                &[Says(b"220-Call\r\n 220 any time\r\n530 rooms\r\n220 \r\n"), AUTH, Says(b"234-a\r\n234 b\r\n")],
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let refused = |text: &str| Refused(text.to_owned());
        refuses::<Ftp>(
            Scheme::Ftp,
            &[
                (
                    &[
                        Says(b"220 a\r\n"),
                        AUTH,
                        Says(b"530 Please login.\r\n"),
                        FEAT,
                        Says(b"211-F:\r\n EPSV\r\n UTF8\r\n211 End\r\n"),
                    ],
                    NotOffered,
                    "FEAT does not list AUTH TLS; it lists EPSV, UTF8",
                ),
                (
                    &[Says(b"220 a\r\n"), AUTH, Says(b"504 no\r\n"), FEAT, Says(b"211-F:\r\n AUTH SSL\r\n211 End\r\n")],
                    NotOffered,
                    "it lists AUTH SSL",
                ),
                (
                    &[Says(b"220 a\r\n"), AUTH, Says(b"502 what\r\n"), FEAT, Says(b"500 what\r\n")],
                    NotOffered,
                    "does not know AUTH TLS: 502 what",
                ),
                (
                    &[Says(b"220 a\r\n"), AUTH, Says(b"500 what\r\n"), FEAT],
                    NotOffered,
                    "does not know AUTH TLS: 500 what",
                ),
                (
                    &[Says(b"220 *******\r\n"), AUTH, Says(b"500 what\r\n"), FEAT, Says(b"500 what\r\n")],
                    Masked("220 *******".to_owned()),
                    "rewrites what the server says",
                ),
                (
                    &[
                        Says(b"220 a\r\n"),
                        AUTH,
                        Says(b"500 what\r\n"),
                        FEAT,
                        Says(b"211-F:\r\n XXXXXXXX\r\n211 End\r\n"),
                    ],
                    Masked("211- XXXXXXXX".to_owned()),
                    "rewrites what the server says",
                ),
                (
                    &[
                        Says(b"220 a\r\n"),
                        AUTH,
                        Says(b"431 no certificate\r\n"),
                        FEAT,
                        Says(b"211-F:\r\n auth TLS-C;SSL;\r\n211 End\r\n"),
                    ],
                    refused("431 no certificate"),
                    "AUTH TLS was answered with 431",
                ),
                (
                    &[Says(b"220 a\r\n"), AUTH, Says(b"534 by policy\r\n"), FEAT, Says(b"500 what\r\n")],
                    refused("534 by policy"),
                    "534",
                ),
                (&[Says(b"220 a\r\n"), AUTH, Says(b"421 idle\r\n")], refused("421 idle"), "421"),
                (&[Says(b"421 too many\r\n")], refused("421 too many"), "banner was answered with 421"),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        breaks_off(
            Scheme::Ftp,
            &[
                (&[Says(b"220_\r\n"), Waits], Outcome::NotTls, "banner: what answers is not FTP: \"220_"),
                (
                    &[Says(b"220 a\r\n"), AUTH, Says(b"yes\r\n"), Waits],
                    Outcome::NotTls,
                    "AUTH TLS: what answers is not FTP: \"yes\"",
                ),
            ],
        )
        .await;
    }
}
