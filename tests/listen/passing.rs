//! In front of another server: what passes is not touched.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::listening::{Listening, received, run};
use crate::support::{CrlPage, Pki, Staging, have};

/// Octets that look like nothing.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut octets = Vec::with_capacity(length + 8);
    while octets.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        octets.extend(state.to_le_bytes());
    }
    octets.truncate(length);
    octets
}

fn hash(octets: &[u8]) -> Vec<u8> {
    digest(&SHA256, octets).as_ref().to_vec()
}

#[test]
fn in_front_of_nginx_content_and_chain_are_its_own() {
    if !have("in_front_of_nginx_content_and_chain_are_its_own", &["nginx", "curl", "openssl"]) {
        return;
    }
    let mut pki = Pki::new(&Staging::clean());
    let content = noise(3_000_000);
    fs::write(pki.folder.path().join("www/content"), &content).unwrap();
    let chain = pki.chain(true);
    pki.start_nginx(Some(&chain), None, CrlPage::File);
    let service = format!("{}:8443", pki.address);
    let listening = Listening::start(&["--forward", &service, "--format", "ndjson"]);
    let fetched = listening.folder().join("fetched");
    for version in ["1.2", "1.3"] {
        let root = pki.root.certificate();
        let pinned = format!("www.real.test:{}:127.0.0.1", listening.port());
        let url = format!("https://www.real.test:{}/file/content", listening.port());
        let rest = ["--noproxy", "*", "--fail", "--tls-max", version, "--output", fetched.to_str().unwrap(), &url];
        let said = run(Command::new("curl")
            .args(["--silent", "--show-error", "--cacert", root.to_str().unwrap(), "--resolve", &pinned])
            .args(rest));
        assert_eq!(said, "");
        assert_eq!(hash(&fs::read(&fetched).unwrap()), hash(&content), "TLS {version}");
    }
    let told = listening.finish();
    let lines = told.lines();
    let highest: Vec<&Value> = lines.iter().map(|line| &line["hello"]["highest"]).collect();
    assert_eq!(highest, [&json!("TLSv1.2"), &json!("TLSv1.3")], "{}", told.stdout);
    assert!(lines.iter().all(|line| line["hello"]["server_name"] == "www.real.test"));
    assert_eq!(told.exit, 0, "{}", told.stderr);
}

/// Whatever is sent, and whoever ends first: every octet arrives, and so does the end of each direction by itself.
#[test]
fn octets_and_ends_are_passed_on_as_they_are() {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = service.local_addr().unwrap().to_string();
    let (sent, answer) = (noise(2_000_000), noise(1_500_000));
    let (report, reports) = channel();
    let from_service = answer.clone();
    thread::spawn(move || {
        let (mut stream, _) = service.accept().unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        report.send(got).unwrap();
        // The client's direction is over; this one is not.
        stream.write_all(&from_service).unwrap();
    });
    let listening = Listening::start(&["--forward", &address, "--format", "ndjson"]);
    let mut client = TcpStream::connect(listening.address).unwrap();
    client.write_all(&sent).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut got = Vec::new();
    client.read_to_end(&mut got).unwrap();
    assert!(received(&reports) == sent && got == answer);
    let told = listening.finish();
    assert_eq!(told.lines()[0]["outcome"], "not-tls", "{}", told.stdout);
}

#[test]
fn a_server_that_speaks_first_and_a_silent_client_are_served() {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = service.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut stream, _) = service.accept().unwrap();
        stream.write_all(b"220 ready\r\n").unwrap();
    });
    let listening = Listening::start(&["--forward", &address, "--format", "ndjson"]);
    let mut client = TcpStream::connect(listening.address).unwrap();
    let mut got = String::new();
    client.read_to_string(&mut got).unwrap();
    assert_eq!(got, "220 ready\r\n");
    drop(client);
    let mut told = listening.finish();
    // Seen as soon as the connection ended, before the program did.
    assert_eq!(told.lines()[0]["outcome"], "closed", "{}", told.stdout);
    told.stdout.clear();
}

/// Once the service has ended, a client that stays has its place no longer than its silence is borne: others need it.
#[test]
fn clients_that_stay_when_the_service_has_ended_keep_nobody_out() {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = service.local_addr().unwrap().to_string();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = service.accept() {
            let mut got = [0; 7];
            stream.read_exact(&mut got).unwrap();
            stream.write_all(b"bye\r\n").unwrap();
        }
    });
    let limits = ["--concurrency", "2", "--timeout", "0.2"];
    let listening = Listening::start(&[&["--forward", &address, "--format", "ndjson"], limits.as_slice()].concat());
    let mut staying = Vec::new();
    for _ in 0..2 {
        let mut client = TcpStream::connect(listening.address).unwrap();
        // It has said something, so that it does not make way at once.
        client.write_all(b"hello\r\n").unwrap();
        let mut got = [0; 5];
        client.read_exact(&mut got).unwrap();
        staying.push(client);
    }
    let mut client = TcpStream::connect(listening.address).unwrap();
    client.write_all(b"hello\r\n").unwrap();
    let mut got = String::new();
    client.read_to_string(&mut got).unwrap();
    assert_eq!(got, "bye\r\n");
    drop((client, staying));
    let told = listening.finish();
    assert_eq!(told.lines().len(), 3, "{}", told.stdout);
}

/// The time for a hello is not a time for the connection.
#[test]
fn a_connection_outlives_the_time_for_its_hello() {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = service.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut stream, _) = service.accept().unwrap();
        let mut octets = [0; 5];
        stream.read_exact(&mut octets).unwrap();
        stream.write_all(&octets).unwrap();
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_certflight"))
        .args(["listen", "127.0.0.1:0", "--forward", &address, "--timeout", "0.2", "--format", "ndjson"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let mut client = TcpStream::connect(said.trim().strip_prefix("listening on ").unwrap()).unwrap();
    client.write_all(&[22, 3, 1]).unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"outcome\":\"stalled\""), "{line}");
    // It has been told of, and goes on.
    client.write_all(&[0, 9]).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, [22, 3, 1, 0, 9]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_service_that_is_down_is_told_of() {
    // A port that nothing listens on: it was free just now, and this address is the test's own.
    let address = format!("{}:9", crate::support::own_address());
    let listening = Listening::start(&["--forward", &address, "--format", "json"]);
    let mut client = TcpStream::connect(listening.address).unwrap();
    let mut got = Vec::new();
    assert_eq!(client.read_to_end(&mut got).unwrap_or(0), 0);
    let told = listening.finish();
    assert_eq!(told.findings(), ["unknown listen.no-client", "warning listen.service-unreachable"]);
    let report = told.json();
    let message = report["findings"][1]["message"].as_str().unwrap();
    assert!(message.contains(&address) && message.contains("refuses connections"), "{message}");
    assert_eq!(report["forward"], address.as_str());
    assert!(told.stderr.contains("refuses connections"), "it is said at once: {}", told.stderr);
}

#[test]
fn forwarding_to_itself_is_refused() {
    let free = format!("{}:8443", crate::support::own_address());
    let said = run(Command::new(env!("CARGO_BIN_EXE_certflight")).args(["listen", &free, "--forward", &free]));
    assert!(said.contains("leads back here"), "{said}");
}
