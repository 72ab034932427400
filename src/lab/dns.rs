//! A name server (RFC 1035) for the lab's names, over UDP and TCP.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::{LabError, Tasks};

/// What the server says of a name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// It has these addresses.
    Addresses(Vec<IpAddr>),
    /// Something else.
    Other(Other),
}

/// What the server says when it has no address to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Other {
    /// There is no such name. Names that the zone lacks get the same.
    Nxdomain,
    /// The name is there and has no address.
    Nodata,
    /// SERVFAIL
    Servfail,
    /// REFUSED
    Refused,
    /// Nothing.
    Silent,
}

/// Names, lower case without the final dot, and what is said of each.
pub type Zone = HashMap<String, Answer>;

/// Starts the server on 127.0.0.1, the same port for UDP and TCP.
///
/// # Errors
/// When no port is to be had.
pub async fn start(tasks: &mut Tasks, zone: Zone, delay: Duration) -> Result<SocketAddr, LabError> {
    start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), tasks, zone, delay).await
}

/// Starts the server at that address, the same port for UDP and TCP; port 0 takes a free one.
///
/// # Errors
/// When the port is not to be had.
pub async fn start_at(at: SocketAddr, tasks: &mut Tasks, zone: Zone, delay: Duration) -> Result<SocketAddr, LabError> {
    let (udp, tcp) = bind(at).await?;
    let address = udp.local_addr().map_err(LabError::io("ask for its name server's address"))?;
    let zone = Arc::new(zone);
    let for_tcp = Arc::clone(&zone);
    tasks.spawn(serve_udp(udp, zone, delay));
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let Ok((stream, _)) = tcp.accept().await else { continue };
            connections.spawn(serve_tcp(stream, Arc::clone(&for_tcp), delay));
            while connections.try_join_next().is_some() {}
        }
    });
    Ok(address)
}

async fn bind(at: SocketAddr) -> Result<(UdpSocket, TcpListener), LabError> {
    let mut last = None;
    // A port that is free for UDP may be taken for TCP.
    for _ in 0..16 {
        let udp = UdpSocket::bind(at).await.map_err(LabError::io("bind its name server"))?;
        let address = udp.local_addr().map_err(LabError::io("ask for its name server's address"))?;
        match TcpListener::bind(address).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => last = Some(error),
        }
    }
    let source = last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into());
    Err(LabError::Io { what: "bind its name server".to_owned(), source })
}

async fn serve_udp(socket: UdpSocket, zone: Arc<Zone>, delay: Duration) {
    let socket = Arc::new(socket);
    let mut answers = JoinSet::new();
    let mut buffer = vec![0; 4096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let query = buffer.get(..length).unwrap_or_default().to_vec();
        let (socket, zone) = (Arc::clone(&socket), Arc::clone(&zone));
        answers.spawn(async move {
            if let Some(answer) = respond(&query, &zone) {
                tokio::time::sleep(delay).await;
                let _ = socket.send_to(&answer, from).await;
            }
        });
        while answers.try_join_next().is_some() {}
    }
}

async fn serve_tcp(mut stream: TcpStream, zone: Arc<Zone>, delay: Duration) {
    while let Ok(length) = stream.read_u16().await {
        let mut query = vec![0; usize::from(length)];
        if stream.read_exact(&mut query).await.is_err() {
            return;
        }
        // A silent name server does not close either.
        let Some(answer) = respond(&query, &zone) else { continue };
        tokio::time::sleep(delay).await;
        let Ok(length) = u16::try_from(answer.len()) else { return };
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(answer);
        if stream.write_all(&framed).await.is_err() {
            return;
        }
    }
}

/// `None` where nothing is to be said.
fn respond(query: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    let query = Message::from_vec(query).ok()?;
    let question = query.queries.first()?.clone();
    let mut response = Message::response(query.metadata.id, query.metadata.op_code);
    response.metadata.recursion_desired = query.metadata.recursion_desired;
    response.metadata.recursion_available = true;
    response.metadata.authoritative = true;
    let asked = question.name().to_ascii().to_ascii_lowercase();
    let answer = zone.get(asked.trim_end_matches('.')).unwrap_or(&Answer::Other(Other::Nxdomain));
    let mut addresses: &[IpAddr] = &[];
    response.metadata.response_code = match answer {
        Answer::Addresses(known) => {
            addresses = known;
            ResponseCode::NoError
        }
        Answer::Other(Other::Nodata) => ResponseCode::NoError,
        Answer::Other(Other::Nxdomain) => ResponseCode::NXDomain,
        Answer::Other(Other::Servfail) => ResponseCode::ServFail,
        Answer::Other(Other::Refused) => ResponseCode::Refused,
        Answer::Other(Other::Silent) => return None,
    };
    for address in addresses {
        let data = match (address, question.query_type()) {
            (IpAddr::V4(address), RecordType::A) => RData::A(A(*address)),
            (IpAddr::V6(address), RecordType::AAAA) => RData::AAAA(AAAA(*address)),
            _ => continue,
        };
        response.add_answer(Record::from_rdata(question.name().clone(), 60, data));
    }
    let negative = matches!(response.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
    if negative && response.answers.is_empty() {
        // RFC 2308 §2: the SOA record tells "no such thing" from "ask elsewhere".
        let zone_name = Name::from_str("test.").ok()?;
        let soa = SOA::new(Name::from_str("ns.test.").ok()?, Name::from_str("lab.test.").ok()?, 1, 60, 60, 60, 60);
        response.add_authority(Record::from_rdata(zone_name, 60, RData::SOA(soa)));
    }
    response.add_query(question);
    response.to_vec().ok()
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Query;

    use super::*;

    fn zone() -> Zone {
        let text = r#"
            "a.test" = ["127.0.0.1", "127.0.0.2", "::1"]
            "none.test" = "nodata"
            "broken.test" = "servfail"
            "mute.test" = "silent"
        "#;
        toml::from_str(text).unwrap()
    }

    fn query(name: &str, kind: RecordType) -> Vec<u8> {
        let mut message = Message::query();
        message.add_query(Query::query(Name::from_str(name).unwrap(), kind));
        message.to_vec().unwrap()
    }

    #[tokio::test]
    async fn answers_by_udp_and_tcp() {
        let mut tasks = Tasks::default();
        let server = start(&mut tasks, zone(), Duration::ZERO).await.unwrap();
        let asked = query("A.test.", RecordType::A);
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        udp.send_to(&asked, server).await.unwrap();
        let mut buffer = vec![0; 1024];
        let length = udp.recv(&mut buffer).await.unwrap();
        assert_eq!(Message::from_vec(&buffer[..length]).unwrap().answers.len(), 2);

        let mut tcp = TcpStream::connect(server).await.unwrap();
        tcp.write_u16(u16::try_from(asked.len()).unwrap()).await.unwrap();
        tcp.write_all(&asked).await.unwrap();
        let mut buffer = vec![0; usize::from(tcp.read_u16().await.unwrap())];
        tcp.read_exact(&mut buffer).await.unwrap();
        assert_eq!(Message::from_vec(&buffer).unwrap().answers.len(), 2);
    }

    #[test]
    fn every_kind_of_answer() {
        let code = |name: &str, kind| {
            respond(&query(name, kind), &zone()).map(|answer| {
                let message = Message::from_vec(&answer).unwrap();
                (message.metadata.response_code, message.answers.len(), message.authorities.len())
            })
        };
        assert_eq!(code("a.test.", RecordType::AAAA), Some((ResponseCode::NoError, 1, 0)));
        assert_eq!(code("none.test.", RecordType::A), Some((ResponseCode::NoError, 0, 1)));
        assert_eq!(code("gone.test.", RecordType::A), Some((ResponseCode::NXDomain, 0, 1)));
        assert_eq!(code("broken.test.", RecordType::A), Some((ResponseCode::ServFail, 0, 0)));
        assert_eq!(code("mute.test.", RecordType::A), None);
        assert!(respond(b"nonsense", &zone()).is_none());
    }
}
