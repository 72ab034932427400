//! MySQL's and MariaDB's `SSLRequest` (MySQL Internals, "Connection Phase").

use super::conversation::{Conversation, excerpt};
use super::{Declined, Protocol};

/// The longest greeting taken, in octets.
const MAX_PACKET: usize = 2048;
const CLIENT_PROTOCOL_41: u32 = 0x0200;
const CLIENT_SSL: u32 = 0x0800;
const CLIENT_SECURE_CONNECTION: u32 = 0x8000;
const CLIENT_PLUGIN_AUTH: u32 = 0x0008_0000;
/// `utf8mb4_general_ci`
const CHARACTER_SET: u8 = 45;

pub(super) struct Mysql;

impl Protocol for Mysql {
    /// Nothing can be said before a login.
    const FAREWELL: &'static [u8] = b"";

    fn begins(octets: &[u8]) -> bool {
        // A packet of some ten to 2048 octets, the first of its sequence, with a greeting or an error.
        let [low, rest @ ..] = octets else { return false };
        let [high, rest @ ..] = rest else { return true };
        let [highest, rest @ ..] = rest else { return *high < 9 };
        usize::from(*low) + (usize::from(*high) << 8) <= MAX_PACKET
            && *highest == 0
            && rest.first().is_none_or(|sequence| *sequence == 0)
            && rest.get(1).is_none_or(|kind| matches!(kind, 9 | 10 | 0xff))
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        const STEP: &str = "greeting";
        let header = conversation.octets(STEP, 4).await?;
        let length = match header.as_slice() {
            [low, high, ..] => usize::from(u16::from_le_bytes([*low, *high])),
            _ => 0,
        };
        let packet = conversation.octets(STEP, length).await?;
        let greeting = greeting(&packet).ok_or_else(|| conversation.not_understood(STEP, &packet))?;
        match greeting {
            Greeting::Error(text) => Err(Declined::refused(STEP, &text)),
            Greeting::Server { version, capabilities } if capabilities & CLIENT_SSL == 0 => {
                Err(Declined::not_offered(format!("the server {version} lacks CLIENT_SSL among its capabilities")))
            }
            Greeting::Server { .. } => conversation.send("SSLRequest", &ssl_request()).await,
        }
    }
}

enum Greeting {
    Server {
        version: String,
        capabilities: u32,
    },
    /// `1040 Too many connections`, say.
    Error(String),
}

fn greeting(packet: &[u8]) -> Option<Greeting> {
    match packet {
        [0xff, low, high, text @ ..] => {
            let code = u16::from_le_bytes([*low, *high]);
            // A state follows only once the client has said that it knows of such.
            Some(Greeting::Error(excerpt(&format!("{code} {}", String::from_utf8_lossy(text)))))
        }
        [protocol @ (9 | 10), rest @ ..] => {
            let end = rest.iter().position(|octet| *octet == 0)?;
            let version = excerpt(&String::from_utf8_lossy(rest.get(..end)?));
            // Behind the version: the connection's number, eight octets to hash the password with, a zero.
            let behind = rest.get(end.checked_add(1)?..)?.get(4 + 8 + 1..)?;
            // Protocol 9 ends there; it has neither capabilities nor TLS.
            let lower = match behind {
                [low, high, ..] => u16::from_le_bytes([*low, *high]),
                _ if *protocol == 9 => 0,
                _ => return None,
            };
            let capabilities = if *protocol == 9 { 0 } else { u32::from(lower) };
            Some(Greeting::Server { version, capabilities })
        }
        _ => None,
    }
}

fn ssl_request() -> Vec<u8> {
    let capabilities = CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH;
    let mut packet = vec![32, 0, 0, 1];
    packet.extend(capabilities.to_le_bytes());
    packet.extend((1_u32 << 24).to_le_bytes());
    packet.push(CHARACTER_SET);
    packet.extend([0; 23]);
    packet
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::script::Turn::{Hears, Says, Waits};
    use super::super::script::{Turn, accepts, breaks_off, refuses};
    use super::*;
    use crate::acquire::StarttlsRefusal::{NotOffered, Refused};
    use crate::net::Outcome;
    use crate::target::Scheme;

    const ASKS: Turn = Hears(b"\x20\0\0\x01\0\x8a\x08\0\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

    pub(in super::super) const GOOD: &[Turn] = &[
        Says(b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0ABCDEFGH\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0IJKLMNOPQRST\0mysql_native_password\0"),
        ASKS,
    ];

    #[tokio::test]
    async fn a_server_of_old_sends_less() {
        accepts(Scheme::Mysql, &[&[Says(b"\x17\0\0\0\x0a4.1\0\x08\0\0\0ABCDEFGH\0\0\x08\0\0\0"), ASKS]]).await;
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        refuses::<Mysql>(
            Scheme::Mysql,
            &[
                (
                    &[Says(b"\x17\0\0\0\x0a4.1\0\x08\0\0\0ABCDEFGH\0\xff\xf7\0\0\0")],
                    NotOffered,
                    "the server 4.1 lacks CLIENT_SSL",
                ),
                (&[Says(b"\x12\0\0\0\x093.2\0\x08\0\0\0ABCDEFGH\0")], NotOffered, "the server 3.2 lacks CLIENT_SSL"),
                (
                    &[Says(b"\x17\0\0\0\xff\x10\x04Too many connections")],
                    Refused("1040 Too many connections".to_owned()),
                    "greeting was answered with 1040",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        const NOT: &str = "greeting: what answers is not MySQL";
        breaks_off(
            Scheme::Mysql,
            &[
                (&[Says(b"\x05\0\0\0\x0a8.0."), Waits], Outcome::NotTls, NOT),
                (&[Says(b"\x12\0\0\0\x0a8.0\0\x08\0\0\0ABCDEFGH\0"), Waits], Outcome::NotTls, NOT),
                (&[Says(b"\x05\0\0\x01\x0a"), Waits], Outcome::NotTls, NOT),
                (&[Says(b"\0\0\0\0"), Waits], Outcome::NotTls, NOT),
                (&[Says(b"\xff\xff\0\0\x0a"), Waits], Outcome::NotTls, NOT),
            ],
        )
        .await;
    }
}
