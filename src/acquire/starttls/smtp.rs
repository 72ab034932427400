//! SMTP STARTTLS (RFC 3207, RFC 5321).

use super::conversation::Conversation;
use super::mask::mask;
use super::reply::{self, Middle, Reply};
use super::{Declined, Protocol};

/// The name given in EHLO. The local address is not known here (a proxy may stand between), and a
/// host name would have to be true; this one has the form of a domain, which is all that servers
/// check before STARTTLS, claims nobody's name (RFC 2606 §2), and says in their logs who it was.
const CLIENT_NAME: &str = "certflight.invalid";

pub(super) struct Smtp;

impl Protocol for Smtp {
    const FAREWELL: &'static [u8] = b"QUIT\r\n";

    fn begins(octets: &[u8]) -> bool {
        reply::begins(octets)
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        let banner = read(conversation, "banner").await?;
        if banner.code != 220 {
            return Err(banner.unwelcome(conversation));
        }
        conversation.say("EHLO", &format!("EHLO {CLIENT_NAME}")).await?;
        let capabilities = read(conversation, "EHLO").await?;
        let seen = || mask(&banner.to_string(), keywords(&capabilities), |keyword| format!("250-{keyword}"));
        match capabilities.code {
            250 => {}
            // HELO would be taken, but offers no extensions (RFC 5321 §3.2).
            500 | 502 | 504 => {
                return Err(match seen() {
                    Some(mask) => Declined::not_listed("EHLO", "STARTTLS", std::iter::empty(), Some(mask)),
                    None => {
                        Declined::not_offered(format!("the server knows no EHLO, and so no STARTTLS: {capabilities}"))
                    }
                });
            }
            _ => return Err(capabilities.refused("EHLO")),
        }
        if !keywords(&capabilities).any(|keyword| keyword.eq_ignore_ascii_case("STARTTLS")) {
            return Err(Declined::not_listed("EHLO", "STARTTLS", keywords(&capabilities), seen()));
        }
        conversation.say("STARTTLS", "STARTTLS").await?;
        let answer = read(conversation, "STARTTLS").await?;
        if answer.code == 220 { Ok(()) } else { Err(answer.refused("STARTTLS")) }
    }
}

async fn read(conversation: &mut Conversation, step: &'static str) -> Result<Reply, Declined> {
    reply::reply(conversation, step, Middle::Coded).await
}

/// The capability keywords of a reply to EHLO: the first words of all lines but the first.
fn keywords(reply: &Reply) -> impl Iterator<Item = &str> {
    reply.lines.iter().skip(1).filter_map(|line| line.split_ascii_whitespace().next())
}

#[cfg(test)]
pub(super) mod tests;
