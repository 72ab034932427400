//! PostgreSQL's `SSLRequest` (PostgreSQL documentation, "Message Flow", §55.2.10).

use super::conversation::{Conversation, excerpt};
use super::{Declined, Protocol};

const STEP: &str = "SSLRequest";
/// Its length, and the code that stands where a start-up message has the version: 1234 and 5679.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// The longest error message taken, in octets.
const MAX_ERROR: usize = 4096;

pub(super) struct Postgres;

impl Protocol for Postgres {
    /// Nothing can be said before a start-up message.
    const FAREWELL: &'static [u8] = b"";

    fn begins(octets: &[u8]) -> bool {
        // An SSH server's version begins with the letter of a yes.
        matches!(octets, [b'S'] | [b'N'] | [b'E', ..])
            || (octets.first() == Some(&b'S') && !octets.starts_with(b"SSH-"))
    }

    async fn ask(conversation: &mut Conversation, _: &str) -> Result<(), Declined> {
        conversation.send(STEP, &SSL_REQUEST).await?;
        match conversation.octets(STEP, 1).await?.as_slice() {
            b"S" => Ok(()),
            b"N" => Err(Declined::not_offered("SSLRequest was answered with N: the server does no TLS")),
            _ => Err(error(conversation).await),
        }
    }
}

/// What an error says: servers that cannot start a process for the connection, or are older than SSLRequest.
async fn error(conversation: &mut Conversation) -> Declined {
    let length = match conversation.octets(STEP, 4).await {
        Ok(length) => length,
        Err(declined) => return declined,
    };
    // Of protocol 3, fields with a letter each; of protocol 2, a text that goes on where the length would stand. All lengths
    // that are taken begin with two zeros, no text does.
    let text = match length.as_slice() {
        [0, 0, high, low] => {
            let length = usize::from(u16::from_be_bytes([*high, *low])).saturating_sub(4);
            if length > MAX_ERROR {
                return conversation.not_understood(STEP, b"E");
            }
            match conversation.octets(STEP, length).await {
                Ok(fields) => message(&fields),
                Err(declined) => return declined,
            }
        }
        begun => {
            let mut text = begun.to_vec();
            loop {
                if let Some(end) = conversation.waiting().iter().position(|octet| *octet == 0) {
                    text.extend(conversation.taken(end));
                    break Some(String::from_utf8_lossy(&text).trim().to_owned());
                }
                if conversation.waiting().len() > MAX_ERROR {
                    break None;
                }
                if let Err(declined) = conversation.read(STEP).await {
                    return declined;
                }
            }
        }
    };
    match text.filter(|text| !text.is_empty()) {
        Some(text) => Declined::refused(STEP, &excerpt(&text)),
        None => conversation.not_understood(STEP, b"E"),
    }
}

/// Severity and text of an `ErrorResponse`: `FATAL: sorry, too many clients already`.
fn message(fields: &[u8]) -> Option<String> {
    let field = |wanted: u8| {
        let field = fields.split(|octet| *octet == 0).find(|field| field.first() == Some(&wanted))?;
        Some(String::from_utf8_lossy(field.get(1..)?).into_owned())
    };
    Some(format!("{}: {}", field(b'S')?, field(b'M')?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::script::Turn::{Hears, Says, Waits};
    use super::super::script::{Turn, breaks_off, refuses};
    use super::*;
    use crate::acquire::StarttlsRefusal::{NotOffered, Refused};
    use crate::net::Outcome;
    use crate::target::Scheme;

    const ASKS: Turn = Hears(b"\0\0\0\x08\x04\xd2\x16\x2f");

    pub(in super::super) const GOOD: &[Turn] = &[ASKS, Says(b"S")];

    #[tokio::test]
    async fn refusals_are_told_apart() {
        refuses::<Postgres>(
            Scheme::Postgres,
            &[
                (&[ASKS, Says(b"N")], NotOffered, "answered with N"),
                (
                    &[ASKS, Says(b"E\0\0\0\x2aSFATAL\0VFATAL\0C53300\0Mtoo many clients\0\0")],
                    Refused("FATAL: too many clients".to_owned()),
                    "SSLRequest was answered with FATAL",
                ),
                (
                    &[ASKS, Says(b"EFATAL:  unsupported frontend protocol\n\0")],
                    Refused("FATAL:  unsupported frontend protocol".to_owned()),
                    "SSLRequest was answered with FATAL",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn malformed_answers_are_told() {
        breaks_off(
            Scheme::Postgres,
            &[
                (&[ASKS, Says(b"X"), Waits], Outcome::NotTls, "SSLRequest: what answers is not PostgreSQL: \"X\""),
                (&[ASKS, Says(b"E\0\0\xff\xff"), Waits], Outcome::NotTls, "not PostgreSQL"),
                (&[ASKS, Says(b"E\0\0\0\x05\0"), Waits], Outcome::NotTls, "not PostgreSQL"),
                (&[ASKS, Says(b"E\0\0\0\x50S")], Outcome::Closed, "in the middle of an answer"),
            ],
        )
        .await;
    }
}
