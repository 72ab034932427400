//! Remote Desktop's negotiation of TLS ([MS-RDPBCGR] §2.2.1.1, §2.2.1.2) in a connection request of X.224 §13.

use super::conversation::Conversation;
use super::{Declined, Protocol};

const STEP: &str = "X.224 Connection Request";
/// TPKT version 3 (RFC 1006 §6), 19 octets; a connection request of class 0 with `RDP_NEG_REQ`, which asks for
/// `PROTOCOL_SSL` and `PROTOCOL_HYBRID`: network level authentication begins with TLS too, and many servers insist on it.
const REQUEST: [u8; 19] = [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];

const CONNECTION_CONFIRM: u8 = 0xd0;
const DISCONNECT_REQUEST: u8 = 0x80;
const RDP_NEG_RSP: u8 = 2;
const RDP_NEG_FAILURE: u8 = 3;

pub(super) struct Rdp;

impl Protocol for Rdp {
    /// The server is done with the connection by itself.
    const FAREWELL: &'static [u8] = b"";

    fn begins(octets: &[u8]) -> bool {
        [3, 0, 0].iter().zip(octets).all(|(expected, octet)| expected == octet)
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        conversation.send(STEP, &REQUEST).await?;
        let header = conversation.octets(STEP, 4).await?;
        let length = header.last().map_or(0, |length| usize::from(*length));
        let unit = conversation.octets(STEP, length.saturating_sub(header.len())).await?;
        let answer = answer(&unit).ok_or_else(|| conversation.not_understood(STEP, &unit))?;
        match answer {
            Answer::Selected(1 | 2) => Ok(()),
            Answer::Selected(0) => {
                Err(Declined::not_offered("the server selects Standard RDP Security (PROTOCOL_RDP)"))
            }
            Answer::Nothing => Err(Declined::not_offered(
                "the server answers without RDP_NEG_RSP, as those do that only know \
                                                          Standard RDP Security",
            )),
            Answer::Selected(other) => {
                Err(Declined::refused(STEP, &format!("protocol {other:#x}, which was not asked for")))
            }
            Answer::Failure(code) => Err(Declined::refused(STEP, &format!("{} ({code})", failure(code)))),
            Answer::Disconnect => Err(Declined::refused(STEP, "a disconnect request")),
        }
    }
}

enum Answer {
    /// `selectedProtocol`
    Selected(u32),
    /// `failureCode`
    Failure(u32),
    Nothing,
    Disconnect,
}

/// The unit behind the TPKT header. Its first octet says how long it is, that octet not counted.
fn answer(unit: &[u8]) -> Option<Answer> {
    let (length, rest) = unit.split_first()?;
    if usize::from(*length) != rest.len() {
        return None;
    }
    match rest {
        [CONNECTION_CONFIRM, _, _, _, _, _] => Some(Answer::Nothing),
        [CONNECTION_CONFIRM, _, _, _, _, _, kind, _, 8, 0, value @ ..] => {
            let value = u32::from_le_bytes(value.try_into().ok()?);
            match *kind {
                RDP_NEG_RSP => Some(Answer::Selected(value)),
                RDP_NEG_FAILURE => Some(Answer::Failure(value)),
                _ => None,
            }
        }
        [DISCONNECT_REQUEST, ..] => Some(Answer::Disconnect),
        _ => None,
    }
}

/// [MS-RDPBCGR] §2.2.1.2.2
fn failure(code: u32) -> &'static str {
    match code {
        1 => "SSL_REQUIRED_BY_SERVER",
        2 => "SSL_NOT_ALLOWED_BY_SERVER",
        3 => "SSL_CERT_NOT_ON_SERVER",
        4 => "INCONSISTENT_FLAGS",
        5 => "HYBRID_REQUIRED_BY_SERVER",
        6 => "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
        _ => "a failure without a name here",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::script::Turn::{Hears, Says, Waits};
    use super::super::script::{Turn, accepts, breaks_off, refuses};
    use super::*;
    use crate::acquire::StarttlsRefusal::{NotOffered, Refused};
    use crate::net::Outcome;
    use crate::target::Scheme;

    const ASKS: Turn = Hears(b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0");

    pub(in super::super) const GOOD: &[Turn] =
        &[ASKS, Says(b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0")];

    #[tokio::test]
    async fn tls_without_credssp_is_tls() {
        accepts(Scheme::Rdp, &[&[ASKS, Says(b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\x01\0\0\0")]]).await;
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let refused = |text: &str| Refused(text.to_owned());
        refuses::<Rdp>(
            Scheme::Rdp,
            &[
                (&[ASKS, Says(b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0")], NotOffered, "without RDP_NEG_RSP"),
                (&[ASKS, Says(b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\0\0\0\0")], NotOffered, "PROTOCOL_RDP"),
                (
                    &[ASKS, Says(b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x03\0\x08\0\x02\0\0\0")],
                    refused("SSL_NOT_ALLOWED_BY_SERVER (2)"),
                    "was answered with SSL_NOT_ALLOWED_BY_SERVER",
                ),
                (
                    &[ASKS, Says(b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\x08\0\0\0")],
                    refused("protocol 0x8, which was not asked for"),
                    "0x8",
                ),
                (&[ASKS, Says(b"\x03\0\0\x0b\x06\x80\0\0\0\0\x01")], refused("a disconnect request"), "disconnect"),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        const NOT: &str = "X.224 Connection Request: what answers is not RDP";
        breaks_off(
            Scheme::Rdp,
            &[
                (
                    &[ASKS, Says(b"\x03\0\0\x13\x0d\xd0\0\0\x12\x34\0\x02\0\x08\0\x01\0\0\0"), Waits],
                    Outcome::NotTls,
                    NOT,
                ),
                (
                    &[ASKS, Says(b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x09\0\x08\0\x01\0\0\0"), Waits],
                    Outcome::NotTls,
                    NOT,
                ),
                (&[ASKS, Says(b"\x03\0\0\x04"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x03\0\0\0"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x03\0\x01\0"), Waits], Outcome::NotTls, NOT),
            ],
        )
        .await;
    }
}
