//! A directory (RFC 4511) of a few entries, which answers a search for an entry by its exact name.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Tasks;
use super::der::{enumerated, octet_string, sequence, tlv};

/// The largest request that is read, in octets.
const LARGEST_REQUEST: usize = 16 << 10;

const NO_SUCH_OBJECT: u8 = 32;

/// One entry with one attribute.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its distinguished name, as the URL has it once decoded; upper and lower case are told apart.
    pub name: String,
    /// The attribute's type, without options.
    pub attribute: String,
    /// Its values.
    pub values: Vec<Bytes>,
}

/// Answers searches at this listener.
pub fn serve(tasks: &mut Tasks, listener: TcpListener, entries: Vec<Entry>, delay: Duration) {
    let entries = Arc::new(entries);
    tasks.spawn(async move {
        let mut conversations = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let entries = Arc::clone(&entries);
            conversations.spawn(async move {
                // A client that goes away is no failure of the lab's.
                let _ = converse(stream, &entries, delay).await;
            });
        }
    });
}

async fn converse(mut stream: TcpStream, entries: &[Entry], delay: Duration) -> std::io::Result<()> {
    while let Some(request) = read(&mut stream).await? {
        let mut rest = request.as_slice();
        let (Some((_, id)), Some((operation, contents))) = (take(&mut rest), take(&mut rest)) else { break };
        let message = |operation: Vec<u8>| sequence(&[tlv(0x02, id), operation]);
        let answer = match operation {
            0x60 => message(result(0x61, 0)),
            0x63 => search(contents, entries).into_iter().flat_map(message).collect(),
            _ => break,
        };
        tokio::time::sleep(delay).await;
        stream.write_all(&answer).await?;
    }
    Ok(())
}

/// What stands in the next request's sequence.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = [0; 2];
    if stream.read_exact(&mut head).await.is_err() {
        return Ok(None);
    }
    let mut length = usize::from(head[1]);
    if length > 0x80 {
        let mut octets = vec![0; (length - 0x80).min(8)];
        stream.read_exact(&mut octets).await?;
        length = octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
    }
    let mut contents = vec![0; length.min(LARGEST_REQUEST)];
    stream.read_exact(&mut contents).await?;
    Ok(Some(contents))
}

/// The operations that answer a searchRequest.
fn search(request: &[u8], entries: &[Entry]) -> Vec<Vec<u8>> {
    let mut rest = request;
    let base = take(&mut rest).map(|(_, base)| String::from_utf8_lossy(base).into_owned()).unwrap_or_default();
    let Some(entry) = entries.iter().find(|entry| entry.name == base) else {
        return vec![result(0x65, NO_SUCH_OBJECT)];
    };
    // scope, derefAliases, sizeLimit, timeLimit, typesOnly, filter
    for _ in 0..6 {
        let _ = take(&mut rest);
    }
    let mut wanted = take(&mut rest).map(|(_, list)| list).unwrap_or_default();
    let mut attributes = Vec::new();
    while let Some((_, description)) = take(&mut wanted) {
        let description = String::from_utf8_lossy(description);
        let named = description.split(';').next().unwrap_or_default();
        if named.eq_ignore_ascii_case(&entry.attribute) {
            let values: Vec<u8> = entry.values.iter().flat_map(|value| octet_string(value)).collect();
            let name = octet_string(format!("{};binary", entry.attribute).as_bytes());
            attributes.push(sequence(&[name, tlv(0x31, &values)]));
        }
    }
    vec![tlv(0x64, &[octet_string(base.as_bytes()), sequence(&attributes)].concat()), result(0x65, 0)]
}

/// An LDAPResult without texts.
fn result(operation: u8, code: u8) -> Vec<u8> {
    tlv(operation, &[enumerated(code), octet_string(b""), octet_string(b"")].concat())
}

/// The next element's tag and contents.
fn take<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, first, mut after) = match *rest {
        [tag, first, after @ ..] => (*tag, *first, after),
        _ => return None,
    };
    let mut length = usize::from(first);
    if length > 0x80 {
        let (octets, contents) = after.split_at_checked(length - 0x80)?;
        length = octets.iter().take(8).fold(0, |length, octet| length << 8 | usize::from(*octet));
        after = contents;
    }
    let (contents, after) = after.split_at_checked(length)?;
    *rest = after;
    Some((tag, contents))
}

#[cfg(test)]
mod tests {
    use super::super::der::integer;
    use super::*;

    /// By the wire, since the tool's own client is what the lab tests.
    #[tokio::test]
    async fn an_entry_is_found_by_its_name() {
        let listener = super::super::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = Tasks::default();
        let values = vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")];
        let entry = Entry { name: "cn=x".into(), attribute: "cACertificate".into(), values };
        serve(&mut tasks, listener, vec![entry], Duration::ZERO);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = |name: &str, attribute: &str| {
            let filter = tlv(0x87, b"objectClass");
            let numbers = [enumerated(0), enumerated(0), integer(1), integer(0), vec![1, 1, 0]].concat();
            let attributes = sequence(&[octet_string(attribute.as_bytes())]);
            let search = [octet_string(name.as_bytes()), numbers, filter, attributes].concat();
            sequence(&[integer(2), tlv(0x63, &search)])
        };
        for (asked, code, values) in [
            (request("cn=x", "caCertificate;binary"), 0, 2),
            (request("cn=x", "certificateRevocationList"), 0, 0),
            (request("cn=y", "cACertificate"), NO_SUCH_OBJECT, 0),
        ] {
            stream.write_all(&asked).await.unwrap();
            let mut found = 0;
            loop {
                let answer = read(&mut stream).await.unwrap().unwrap();
                let mut rest = answer.as_slice();
                let (_, operation) = (take(&mut rest), take(&mut rest).unwrap());
                if operation.0 == 0x65 {
                    assert_eq!(operation.1.get(..3), Some(&enumerated(code)[..]));
                    break;
                }
                found += operation
                    .1
                    .windows(5)
                    .filter(|window| [&b"\x04\x03one"[..], b"\x04\x03two"].contains(window))
                    .count();
            }
            assert_eq!(found, values);
        }
    }
}
