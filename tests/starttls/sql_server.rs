//! SQL Server up to its login, as [MS-TDS] has it: `PRELOGIN` (§2.2.6.5), then a handshake of which each flight is one message of
//! `PRELOGIN` packets (§2.2.3, §3.3.5.2), then TLS without packets. It is strict: what a server would end the connection over, it
//! does.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use crate::stand::Stand;

const PORT: u16 = 1433;
const PRELOGIN: u8 = 0x12;
const TABULAR_RESULT: u8 = 4;
const PACKET: usize = 4096;
const ENCRYPT_OFF: u8 = 0;
const ENCRYPT_ON: u8 = 1;
const ENCRYPT_NOT_SUP: u8 = 2;
const ENCRYPT_REQ: u8 = 3;

#[derive(Clone)]
struct Responder {
    encryption: u8,
    /// The type of packets that carry its side of the handshake.
    carrier: u8,
    config: Arc<ServerConfig>,
}

impl Responder {
    fn new(stand: &Stand, encryption: u8, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let chain = CertificateDer::pem_file_iter(&stand.chain).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(&stand.key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self { encryption, carrier: PRELOGIN, config: Arc::new(config) }
    }

    /// Serves until the test process ends.
    fn start(self, stand: &Stand) {
        let listener = TcpListener::bind((stand.pki.address, PORT)).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let responder = self.clone();
                // How the client ends its side is its own affair.
                thread::spawn(move || responder.converse(&mut stream.unwrap()));
            }
        });
    }

    fn converse(&self, stream: &mut TcpStream) -> io::Result<()> {
        let request = message(stream)?;
        if option(&request, 0).is_none_or(|version| version.len() != 6) || request[0] != 0 {
            return Err(io::Error::other("the first option is no version"));
        }
        let wanted = option(&request, 1).filter(|value| value.len() == 1).map(|value| value[0]);
        if wanted != Some(ENCRYPT_ON) {
            return Err(io::Error::other(format!("encryption {wanted:?}")));
        }
        let mut answer = vec![0, 0, 26, 0, 6, 1, 0, 32, 0, 1, 2, 0, 33, 0, 1, 3, 0, 34, 0, 0, 4, 0, 34, 0, 1, 0xff];
        answer.extend([16, 0, 0x10, 0, 0, 0, self.encryption, 0, 0]);
        send(stream, TABULAR_RESULT, &answer)?;
        if self.encryption == ENCRYPT_NOT_SUP {
            return Ok(());
        }
        let mut tls = ServerConnection::new(Arc::clone(&self.config)).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            let flight = message(stream)?;
            whole_records(&flight)?;
            tls.read_tls(&mut flight.as_slice())?;
            let state = tls.process_new_packets();
            let mut answer = Vec::new();
            while tls.wants_write() {
                tls.write_tls(&mut answer)?;
            }
            state.map_err(io::Error::other)?;
            if tls.is_handshaking() || self.config_is_tls12(&tls) {
                send(stream, self.carrier, &answer)?;
            } else {
                // Tickets of TLS 1.3: the handshake is over, and so are the packets.
                stream.write_all(&answer)?;
            }
        }
        io::copy(stream, &mut io::sink()).map(|_| ())
    }

    /// The last flight is the server's in TLS 1.2, and still of the handshake.
    fn config_is_tls12(&self, tls: &ServerConnection) -> bool {
        tls.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_2)
    }
}

/// The packets of one message.
fn message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header[0] != PRELOGIN || !(9..=PACKET).contains(&length) || header[4..6] != [0, 0] || header[7] != 0 {
            return Err(io::Error::other(format!("the header {header:?}")));
        }
        let mut packet = vec![0; length - header.len()];
        stream.read_exact(&mut packet)?;
        contents.extend(packet);
        if header[1] & 1 != 0 {
            return Ok(contents);
        }
    }
}

fn send(stream: &mut TcpStream, kind: u8, contents: &[u8]) -> io::Result<()> {
    let mut packets = Vec::new();
    let mut chunks = contents.chunks(PACKET - 8).enumerate().peekable();
    while let Some((number, chunk)) = chunks.next() {
        let [high, low] = u16::try_from(chunk.len() + 8).unwrap().to_be_bytes();
        packets.extend([
            kind,
            u8::from(chunks.peek().is_none()),
            high,
            low,
            0,
            0,
            u8::try_from(number + 1).unwrap(),
            0,
        ]);
        packets.extend(chunk);
    }
    stream.write_all(&packets)
}

/// The value of an option of `PRELOGIN`.
fn option(message: &[u8], token: u8) -> Option<&[u8]> {
    let options = message.chunks(5).take_while(|option| option[0] != 0xff && option.len() == 5);
    let found = options.into_iter().find(|option| option[0] == token)?;
    let (start, length) = (u16::from_be_bytes([found[1], found[2]]), u16::from_be_bytes([found[3], found[4]]));
    message.get(usize::from(start)..usize::from(start) + usize::from(length))
}

/// A flight is whole records: a server hands each message to its TLS at once.
fn whole_records(mut flight: &[u8]) -> io::Result<()> {
    while let [_, _, _, high, low, rest @ ..] = flight {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        flight = rest.get(length..).ok_or_else(|| io::Error::other("a record goes beyond its message"))?;
    }
    if flight.is_empty() { Ok(()) } else { Err(io::Error::other("a record's header goes beyond its message")) }
}

const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

#[test]
fn sql_server() {
    for encryption in [ENCRYPT_ON, ENCRYPT_REQ, ENCRYPT_OFF] {
        let Some(stand) = Stand::with("sql_server", &[]) else { return };
        Responder::new(&stand, encryption, TLS12).start(&stand);
        stand.accepts("mssql", PORT);
    }
}

/// No server of TDS 7 is known to do it, but nothing forbids it.
#[test]
fn sql_server_with_tls_1_3() {
    let Some(stand) = Stand::with("sql_server_with_tls_1_3", &[]) else { return };
    Responder::new(&stand, ENCRYPT_ON, TLS13).start(&stand);
    stand.accepts("mssql", PORT);
}

/// As the endpoint of Dataverse does.
#[test]
fn sql_server_that_shakes_hands_in_answers() {
    let Some(stand) = Stand::with("sql_server_that_shakes_hands_in_answers", &[]) else { return };
    Responder { carrier: TABULAR_RESULT, ..Responder::new(&stand, ENCRYPT_ON, TLS12) }.start(&stand);
    stand.accepts("mssql", PORT);
}

#[test]
fn sql_server_without_tls() {
    let Some(stand) = Stand::with("sql_server_without_tls", &[]) else { return };
    Responder::new(&stand, ENCRYPT_NOT_SUP, TLS12).start(&stand);
    stand.declines("mssql", PORT, &[], "does not offer encryption (PRELOGIN was answered with ENCRYPT_NOT_SUP");
}
