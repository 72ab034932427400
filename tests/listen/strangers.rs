//! Whatever is sent, the program goes on, within bounds, and sees the next client.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use certflight::handshake::{CipherSuite, ClientHello, Extension, Version};
use serde_json::{Value, json};

use crate::listening::{Listening, Told};

fn hello(version: Version, name: &str) -> Vec<u8> {
    let suites = [0xc02f, 0x002f, 0x0005].map(CipherSuite).to_vec();
    ClientHello::new(version, [1; 32], suites, vec![Extension::server_name(name)]).encode()
}

/// Sends octets, and reads until the other side ends.
fn says(address: SocketAddr, octets: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    // The other side may have had enough before all of it is sent.
    let _ = stream.write_all(octets);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

const REFUSED: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

fn by_outcome(told: &Told) -> Value {
    let report = told.json();
    let mut counts = serde_json::Map::new();
    for entry in report["summary"]["without_hello"].as_array().unwrap() {
        counts.insert(entry["outcome"].as_str().unwrap().to_owned(), entry["connections"].clone());
    }
    counts.into()
}

#[test]
fn silent_connections_make_way_for_others() {
    let listening = Listening::start(&["--concurrency", "50", "--timeout", "600", "--format", "json"]);
    let silent: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(listening.address).unwrap()).collect();
    assert_eq!(says(listening.address, &hello(Version::Tls12, "good.example.test")), REFUSED);
    // The last ones still have their place, and may yet speak.
    let mut last = silent.last().unwrap();
    last.write_all(&hello(Version::Tls12, "late.example.test")).unwrap();
    let mut answer = [0; 7];
    last.read_exact(&mut answer).unwrap();
    assert_eq!(answer, REFUSED);
    let told = listening.finish();
    let report = told.json();
    assert_eq!(report["summary"]["clients"], 2, "{report:#}");
    let let_go = by_outcome(&told)["let-go"].as_u64().unwrap();
    assert!((150..=151).contains(&let_go), "{let_go} of 201 had to go for 50 to stay");
    assert_eq!(told.findings(), ["warning listen.incomplete"]);
    assert_eq!(told.exit, 1);
    drop(silent);
}

#[test]
fn what_is_no_hello_is_called_by_its_name() {
    let listening = Listening::start(&["--timeout", "1", "--format", "json"]);
    let address = listening.address;
    let whole = hello(Version::Tls12, "cut.example.test");
    let announced_too_large = [22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
    for octets in [
        b"".as_slice(),
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &whole[..20],
        &[22, 3, 1, 0, 4, 2, 0, 0, 0],
        &announced_too_large,
        &[0xff; 4096],
    ] {
        assert!(says(address, octets).is_empty(), "{octets:?}");
    }
    // Neither of them ends its side.
    let silent = TcpStream::connect(address).unwrap();
    let mut slow = TcpStream::connect(address).unwrap();
    slow.write_all(&whole[..10]).unwrap();
    for mut stream in [silent, slow] {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    assert_eq!(says(address, &hello(Version::Tls12, "good.example.test")), REFUSED);
    let told = listening.finish();
    let expected = json!({
        "closed": 1, "not-tls": 2, "truncated": 1, "malformed": 1, "too-large": 1, "timeout": 1, "stalled": 1
    });
    assert_eq!(by_outcome(&told), expected);
    assert_eq!((told.exit, told.findings()), (0, Vec::new()));
}

#[test]
fn floods_and_odd_octets_neither_stop_it_nor_fill_the_memory() {
    let listening = Listening::start(&["--max-clients", "20", "--format", "json"]);
    let address = listening.address;
    // Hellos as large as they may be, each of another client.
    let suites: Vec<CipherSuite> = (0..30_000).map(CipherSuite).collect();
    for number in 0..60 {
        let name = format!("{number}.{}", "x".repeat(200));
        let extensions = vec![Extension::server_name(&name), Extension::alpn(&vec!["y".repeat(255); 8])];
        let octets = ClientHello::new(Version::Tls12, [1; 32], suites.clone(), extensions).encode();
        assert!(octets.len() < 64 * 1024);
        assert_eq!(says(address, &octets), REFUSED);
    }
    // One octet a segment, through the whole of a hello.
    let mut drip = TcpStream::connect(address).unwrap();
    drip.set_nodelay(true).unwrap();
    for octet in hello(Version::Tls12, "drip.example.test") {
        drip.write_all(&[octet]).unwrap();
    }
    let mut answer = [0; 7];
    drip.read_exact(&mut answer).unwrap();
    assert_eq!(answer, REFUSED);
    // Anything at all, some of it nearly TLS.
    let mut state = 7_u32;
    for length in 0..300 {
        let octets: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        let framed = if length % 2 == 0 { octets } else { [&[22, 3, 1, 0, 250, 1, 0, 0, 246], &octets[..]].concat() };
        says(address, &framed);
    }
    #[cfg(target_os = "linux")]
    assert!(listening.memory() < 100 * 1024, "{} KiB", listening.memory());
    assert_eq!(says(address, &hello(Version::Tls12, "good.example.test")), REFUSED);
    let told = listening.finish();
    let report = told.json();
    assert_eq!((&report["summary"]["clients"], &report["summary"]["unlisted"]), (&json!(20), &json!(42)), "{report:#}");
    assert!(told.findings().contains(&"warning listen.incomplete".to_owned()));
    assert_eq!(report["summary"]["connections"], 362);
}

#[test]
fn hostile_names_are_only_text() {
    let name = "\x1b[2J\r\n=cmd|'/C calc'!A0,\"<script>\u{202e}";
    for format in ["human", "ndjson", "csv", "json"] {
        let listening = Listening::start(&["--format", format]);
        assert_eq!(says(listening.address, &hello(Version::Tls10, name))[..1], [21]);
        let told = listening.finish();
        let all = format!("{}{}", told.stdout, told.stderr);
        assert!(all.contains("calc"), "{format}: {all}");
        assert!(!all.contains(['\x1b', '\r', '\u{202e}']), "{format}: {all:?}");
        if format == "csv" {
            assert!(!told.stdout.contains("\"=cmd") && told.stdout.lines().count() == 2, "{}", told.stdout);
        }
    }
}
