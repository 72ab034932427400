//! LDAP StartTLS (RFC 4511 §4.14, RFC 4513 §3).

use super::conversation::Conversation;
use super::{Declined, Protocol};
use crate::net::ldap::result_name;
use crate::x509::der;

/// The longest message taken, in octets: a few numbers and a text for people.
const MAX_MESSAGE: usize = 8 << 10;
const MESSAGE_ID: u8 = 1;
const REQUEST_NAME: &[u8] = b"1.3.6.1.4.1.1466.20037";
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
const ENUMERATED: u8 = 0x0a;
const OCTET_STRING: u8 = 0x04;

pub(super) struct Ldap;

impl Protocol for Ldap {
    /// An unbind request.
    const FAREWELL: &'static [u8] = &[der::SEQUENCE, 5, der::INTEGER, 1, MESSAGE_ID + 1, 0x42, 0];

    fn begins(octets: &[u8]) -> bool {
        octets.first() == Some(&der::SEQUENCE)
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        const STEP: &str = "StartTLS";
        let operation = der::encode(EXTENDED_REQUEST, &[&der::encode(0x80, &[REQUEST_NAME])]);
        let request = der::encode(der::SEQUENCE, &[&[der::INTEGER, 1, MESSAGE_ID], &operation]);
        conversation.send(STEP, &request).await?;
        let message = message(conversation, STEP).await?;
        let Response { code, text } = response(&message).ok_or_else(|| conversation.not_understood(STEP, &message))?;
        let answer = match text.as_str() {
            "" => format!("{} ({code})", result_name(code)),
            text => format!("{} ({code}): {text}", result_name(code)),
        };
        match code {
            0 => Ok(()),
            // What a server has to answer that does not know the operation (RFC 4511 §4.12).
            2 => Err(Declined::not_offered(format!("the server does not know StartTLS: {answer}"))),
            _ => Err(Declined::refused(STEP, &answer)),
        }
    }
}

/// One message, whole.
async fn message(conversation: &mut Conversation, step: &'static str) -> Result<Vec<u8>, Declined> {
    loop {
        let waiting = conversation.waiting();
        let size = der::header(waiting).and_then(|(header, length)| header.checked_add(length));
        match size {
            Some(size) if size > MAX_MESSAGE => return Err(conversation.not_understood(step, waiting)),
            Some(size) if size <= waiting.len() => return Ok(conversation.taken(size)),
            // The longest header.
            None if waiting.len() >= 6 => return Err(conversation.not_understood(step, waiting)),
            _ => conversation.read(step).await?,
        }
    }
}

struct Response {
    code: u32,
    /// `diagnosticMessage`
    text: String,
}

/// What an extended response says: to this request, or that the server disconnects (RFC 4511 §4.4.1, `messageID` 0).
fn response(message: &[u8]) -> Option<Response> {
    let (message, _) = der::expect(message, der::SEQUENCE)?;
    let (id, rest) = der::expect(message.value, der::INTEGER)?;
    let id = number(id.value)?;
    let (operation, _) = der::expect(rest, EXTENDED_RESPONSE)?;
    let (code, rest) = der::expect(operation.value, ENUMERATED)?;
    let code = number(code.value)?;
    let (_matched_dn, rest) = der::expect(rest, OCTET_STRING)?;
    let (text, _) = der::expect(rest, OCTET_STRING)?;
    let text = String::from_utf8_lossy(text.value.trim_ascii_end()).into_owned();
    // A notice of disconnection is no success, whatever it says.
    (id == u32::from(MESSAGE_ID) || (id == 0 && code != 0)).then_some(Response { code, text })
}

fn number(octets: &[u8]) -> Option<u32> {
    if octets.is_empty() || octets.first()? & 0x80 != 0 {
        return None;
    }
    octets.iter().try_fold(0_u32, |value, octet| value.checked_mul(256)?.checked_add(u32::from(*octet)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::script::Turn::{Hears, Says, Waits};
    use super::super::script::{Turn, accepts, breaks_off, refuses};
    use super::*;
    use crate::acquire::StarttlsRefusal::{NotOffered, Refused};
    use crate::net::Outcome;
    use crate::target::Scheme;

    const ASKS: Turn = Hears(b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037");

    pub(in super::super) const GOOD: &[Turn] =
        &[ASKS, Says(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00")];

    #[tokio::test]
    async fn long_lengths_and_the_operations_name_are_taken() {
        accepts(
            Scheme::Ldap,
            &[&[
                ASKS,
                Says(b"\x30\x84\0\0\0\x28\x02\x01\x01\x78\x84\0\0\0\x1f\x0a\x01\0\x04\0\x04\0\x8a\x161.3.6.1.4.1.1466.20037"),
            ]],
        )
        .await;
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        refuses::<Ldap>(
            Scheme::Ldap,
            &[
                (
                    &[ASKS, Says(b"\x30\x0f\x02\x01\x01\x78\x0a\x0a\x01\x02\x04\x00\x04\x03what"), Waits],
                    NotOffered,
                    "does not know StartTLS: protocolError (2): wha",
                ),
                (
                    &[ASKS, Says(b"\x30\x0e\x02\x01\x01\x78\x09\x0a\x01\x34\x04\x00\x04\x02no")],
                    Refused("unavailable (52): no".to_owned()),
                    "StartTLS was answered with unavailable",
                ),
                // The server disconnects.
                (
                    &[ASKS, Says(b"\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x33\x04\x00\x04\x00")],
                    Refused("busy (51)".to_owned()),
                    "StartTLS was answered with busy",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        const NOT: &str = "StartTLS: what answers is not LDAP";
        breaks_off(
            Scheme::Ldap,
            &[
                (&[ASKS, Says(b"\x30\x80\x02\x01\x01\0\0"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x30\x83\xff\xff\xff\0"), Waits], Outcome::NotTls, NOT),
                // Another message's number, a bind's answer, a success that answers nothing, a negative code.
                (&[ASKS, Says(b"\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\0\x04\0\x04\0"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x30\x0c\x02\x01\0\x78\x07\x0a\x01\0\x04\0\x04\0"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x80\x04\0\x04\0"), Waits], Outcome::NotTls, NOT),
                (&[ASKS, Says(b"\x30\0"), Waits], Outcome::NotTls, NOT),
            ],
        )
        .await;
    }
}
