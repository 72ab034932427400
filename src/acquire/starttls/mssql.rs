//! SQL Server's encryption of TDS 7 ([MS-TDS] §2.2.6.5, §3.2.5.1): `PRELOGIN`, then a handshake within packets.
//!
//! TDS 8, which begins with TLS, is `tls://`.

use super::conversation::Conversation;
use super::tds::{HEADER, PRELOGIN, TABULAR_RESULT, Tds, header};
use super::{Declined, Protocol};
use crate::net::Stream;

const STEP: &str = "PRELOGIN";
/// The longest answer taken, in octets.
const MAX_ANSWER: usize = 4096;
/// Option tokens.
const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const TERMINATOR: u8 = 0xff;
/// Values of `ENCRYPTION`.
const ENCRYPT_ON: u8 = 1;
const ENCRYPT_NOT_SUP: u8 = 2;
/// A flag beside them: client certificates.
const ENCRYPT_CLIENT_CERT: u8 = 0x80;

/// `PRELOGIN` with this tool's version, which servers want first, and the wish to encrypt.
const REQUEST: [u8; 26] = [
    PRELOGIN, 1, 0, 26, 0, 0, 0, 0, //
    VERSION, 0, 11, 0, 6, //
    ENCRYPTION, 0, 17, 0, 1,          //
    TERMINATOR, //
    0, 1, 0, 0, 0, 0, //
    ENCRYPT_ON,
];

pub(super) struct Mssql;

impl Protocol for Mssql {
    /// Nothing can be said before a login.
    const FAREWELL: &'static [u8] = b"";

    fn begins(octets: &[u8]) -> bool {
        octets.first() == Some(&TABULAR_RESULT)
            && octets.get(1).is_none_or(|status| *status <= 1)
            && octets.get(2).is_none_or(|high| usize::from(*high) <= MAX_ANSWER >> 8)
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        conversation.send(STEP, &REQUEST).await?;
        let mut answer = Vec::new();
        loop {
            let octets = conversation.octets(STEP, HEADER).await?;
            let packet = header(&octets)
                .filter(|packet| packet.kind == TABULAR_RESULT && answer.len() + packet.payload <= MAX_ANSWER)
                .ok_or_else(|| conversation.not_understood(STEP, &octets))?;
            answer.extend(conversation.octets(STEP, packet.payload).await?);
            if packet.is_last {
                break;
            }
            // Else packets without contents could go on for ever.
            if packet.payload == 0 {
                return Err(conversation.not_understood(STEP, &octets));
            }
        }
        match encryption(&answer).map(|value| value & !ENCRYPT_CLIENT_CERT) {
            Some(ENCRYPT_NOT_SUP) => {
                Err(Declined::not_offered("PRELOGIN was answered with ENCRYPT_NOT_SUP: the server does no TLS"))
            }
            Some(0 | ENCRYPT_ON | 3) => Ok(()),
            _ => Err(conversation.not_understood(STEP, &answer)),
        }
    }

    fn under_tls(stream: Box<dyn Stream>) -> Box<dyn Stream> {
        Box::new(Tds::new(stream))
    }
}

/// The value of `ENCRYPTION`.
fn encryption(answer: &[u8]) -> Option<u8> {
    let mut options = answer;
    loop {
        match options {
            [ENCRYPTION, high, low, 0, 1, ..] => {
                return answer.get(usize::from(u16::from_be_bytes([*high, *low]))).copied();
            }
            [TERMINATOR, ..] | [] => return None,
            [_, _, _, _, _, rest @ ..] => options = rest,
            _ => return None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::script::Turn::{Hears, Says, Waits};
    use super::super::script::{Turn, accepts, breaks_off, refuses};
    use super::*;
    use crate::acquire::StarttlsRefusal::NotOffered;
    use crate::net::Outcome;
    use crate::target::Scheme;

    const ASKS: Turn = Hears(b"\x12\x01\0\x1a\0\0\0\0\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\0\x01\0\0\0\0\x01");

    pub(in super::super) const GOOD: &[Turn] = &[
        ASKS,
        Says(
            b"\x04\x01\0\x2b\0\0\x01\0\0\0\x1a\0\x06\x01\0\x20\0\x01\x02\0\x21\0\x01\x03\0\x22\0\0\x04\0\x22\0\x01\xff\x0f\0\
              \x07\xd0\0\0\x01\0\0",
        ),
    ];

    #[tokio::test]
    async fn encryption_for_the_login_alone_is_a_handshake_too() {
        accepts(
            Scheme::Mssql,
            &[
                &[ASKS, Says(b"\x04\x01\0\x0f\0\0\x01\0\x01\0\x06\0\x01\xff\0")],
                // In two packets, and with client certificates.
                &[ASKS, Says(b"\x04\0\0\x0b\0\0\x01\0\x01\0\x06\x04\x01\0\x0c\0\0\x02\0\0\x01\xff\x83")],
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn a_server_without_it_does_not_offer_it() {
        refuses::<Mssql>(
            Scheme::Mssql,
            &[(&[ASKS, Says(b"\x04\x01\0\x0f\0\0\x01\0\x01\0\x06\0\x01\xff\x02")], NotOffered, "ENCRYPT_NOT_SUP")],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        const NOT: &str = "PRELOGIN: what answers is not TDS 7";
        breaks_off(
            Scheme::Mssql,
            &[
                (&[ASKS, Says(b"\x04\x01\0\x0f\0\0\x01\0\x01\0\x06\0\x01\xff\x07"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x04\x01\0\x0f\0\0\x01\0\x01\0\x66\0\x01\xff\x01"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x04\x01\0\x0f\0\0\x01\0\x02\0\x06\0\x01\xff\x01"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x04\x01\0\x07\0\0\x01\0"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x04\x01\0\x08\0\0\x01\0"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x12\x01\0\x0f\0\0\x01\0\x01\0\x06\0\x01\xff\x01"), Waits], Outcome::NotTls, NOT),
            ],
        )
        .await;
    }
}
