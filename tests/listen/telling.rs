//! What is told, where, and with which exit code.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use certflight::handshake::{CipherSuite, ClientHello, Extension, Version};
use serde_json::{Value, json};

use crate::listening::{Listening, run};
use crate::support::{Pki, Staging, have, own_address};

fn certflight(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_certflight")).args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), said)
}

/// A client's connection, until it has been refused.
fn connect(listening: &Listening, version: Version, suites: &[u16], name: &str) {
    let suites = suites.iter().copied().map(CipherSuite).collect();
    let hello = ClientHello::new(version, [1; 32], suites, vec![Extension::server_name(name)]).encode();
    let mut stream = TcpStream::connect(listening.address).unwrap();
    stream.write_all(&hello).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer.len(), 7, "{answer:?}");
}

fn schema() -> jsonschema::Validator {
    let output = Command::new(env!("CARGO_BIN_EXE_certflight")).args(["schema", "listen"]).output().unwrap();
    jsonschema::validator_for(&serde_json::from_slice(&output.stdout).unwrap()).unwrap()
}

#[test]
fn old_clients_are_a_warning_and_come_first() {
    let listening = Listening::start(&["--format", "json"]);
    for _ in 0..5 {
        connect(&listening, Version::Tls12, &[0xc02f], "new.example.test");
    }
    connect(&listening, Version::Tls10, &[0x002f, 0x0005], "old.example.test");
    connect(&listening, Version::Tls12, &[0x000a], "weak.example.test");
    connect(&listening, Version::Tls10, &[0x002f, 0x5600], "retry.example.test");
    let told = listening.finish();
    assert_eq!(told.exit, 1);
    assert_eq!(told.findings(), ["warning listen.old-client", "warning listen.no-good-suite"]);
    let report = told.json();
    let errors: Vec<String> = schema().iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let names: Vec<&str> =
        report["clients"].as_array().unwrap().iter().map(|client| client["server_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["old.example.test", "weak.example.test", "retry.example.test", "new.example.test"]);
    assert_eq!(report["clients"][3]["connections"], 5);
    assert_eq!(report["clients"][0]["weaknesses"], json!(["RC4"]));
    assert_eq!(report["clients"][2]["tls12_would_succeed"], Value::Null);
    let by_highest = json!([
        {"version": "TLSv1.0", "clients": 2, "hellos": 2}, {"version": "TLSv1.2", "clients": 2, "hellos": 6}
    ]);
    assert_eq!(report["summary"]["by_highest"], by_highest);
}

#[test]
fn severities_are_the_users() {
    for (arguments, exit) in [
        (vec!["--strict"], 2),
        (vec!["--severity", "listen.old-client=ignore"], 0),
        (vec!["--severity", "listen.*=info"], 0),
    ] {
        let listening = Listening::start(&arguments);
        connect(&listening, Version::Tls10, &[0x002f], "old.example.test");
        assert_eq!(listening.finish().exit, exit, "{arguments:?}");
    }
}

#[test]
fn each_connection_is_a_line_as_it_comes() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_certflight"))
        .args(["listen", "127.0.0.1:0", "--format", "ndjson", "--count", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let address = said.trim().strip_prefix("listening on ").unwrap().to_owned();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let schema = schema();
    for octets in [b"GET / HTTP/1.0\r\n\r\n".as_slice(), b"\x16\x03\x01\x00\x04\x02\x00\x00\x00"] {
        TcpStream::connect(&address).unwrap().write_all(octets).unwrap();
        // The line is there while the program still runs.
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert!(schema.is_valid(&line), "{line:#}");
        assert_eq!((&line["record"], &line["hello"]), (&json!("connection"), &Value::Null));
    }
    assert!(lines.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(3), "nothing was a client");
}

#[test]
fn without_a_terminal_each_new_client_is_a_line_and_a_table_comes_in_the_end() {
    let listening = Listening::start(&[]);
    for _ in 0..3 {
        connect(&listening, Version::Tls11, &[0x002f], "old.example.test");
    }
    let told = listening.finish();
    let first = told.stdout.lines().next().unwrap();
    assert!(
        first.contains("127.0.0.1  TLS 1.1  offers nothing newer than TLS 1.1; asks for old.example.test"),
        "{first}"
    );
    assert_eq!(told.stdout.matches("Z  127.0.0.1").count(), 1, "{}", told.stdout);
    assert!(told.stdout.contains("WARNING  127.0.0.1:"), "{}", told.stdout);
    assert!(
        told.stdout.lines().any(|line| line.starts_with("127.0.0.1  old.example.test  TLS 1.1  no")),
        "{}",
        told.stdout
    );
}

#[test]
fn quiet_says_nothing_where_all_is_well_and_one_line_where_not() {
    for (version, lines) in [(Version::Tls12, 0), (Version::Tls10, 1)] {
        let free = format!("{}:8443", own_address());
        let mut child = Command::new(env!("CARGO_BIN_EXE_certflight"))
            .args(["listen", &free, "--quiet", "--count", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let hello = ClientHello::new(version, [1; 32], vec![CipherSuite(0xc02f)], Vec::new()).encode();
        // Nothing tells when it listens.
        let mut stream = loop {
            match TcpStream::connect(&free) {
                Ok(stream) => break stream,
                Err(_) => assert!(child.try_wait().unwrap().is_none()),
            }
        };
        stream.write_all(&hello).unwrap();
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!((stdout.lines().count(), output.stderr.len()), (lines, 0), "{stdout}");
        assert_eq!(output.status.code(), i32::try_from(lines).ok());
    }
}

#[test]
fn files_get_the_report_or_have_lines_appended() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("log"), "before\n").unwrap();
    for round in 0..2 {
        let listening = Listening::start(&["--format", "ndjson", "--output", &path("log")]);
        connect(&listening, Version::Tls12, &[0xc02f], "a.example.test");
        let told = listening.finish();
        assert_eq!((told.exit, told.stdout.as_str()), (0, ""));
        assert_eq!(fs::read_to_string(path("log")).unwrap().lines().count(), 2 + round);
    }
    let listening = Listening::start(&["--format", "csv", "--output", &path("table.csv")]);
    connect(&listening, Version::Tls12, &[0xc02f], "a.example.test");
    assert_eq!(listening.finish().exit, 0);
    let table = fs::read_to_string(path("table.csv")).unwrap();
    assert_eq!(table.lines().count(), 2);
    assert!(table.lines().nth(1).unwrap().starts_with("127.0.0.1,a.example.test,,TLSv1.2,,true,,"), "{table}");
}

#[test]
fn a_pipe_that_nobody_reads_any_more_ends_it() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_certflight"))
        .args(["listen", "127.0.0.1:0", "--format", "ndjson"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    let address = said.trim().strip_prefix("listening on ").unwrap().to_owned();
    drop(child.stdout.take());
    let hello = ClientHello::new(Version::Tls12, [1; 32], vec![CipherSuite(0xc02f)], Vec::new()).encode();
    TcpStream::connect(&address).unwrap().write_all(&hello).unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!((child.wait().unwrap().code(), rest.as_str()), (Some(0), ""));
}

#[test]
fn time_ends_it_and_no_client_is_no_good_news() {
    let mut listening = Listening::start(&["--duration", "0.1", "--format", "json"]);
    let told = listening.ended();
    assert_eq!(told.exit, 3);
    assert_eq!(told.findings(), ["unknown listen.no-client"]);
    assert_eq!(told.json()["verdict"], "unknown");
}

#[test]
fn one_socket_takes_both_families_where_there_are_both() {
    let listening = Listening::at(":0", &["--format", "ndjson"]);
    let port = listening.address.port();
    let hello = ClientHello::new(Version::Tls12, [1; 32], vec![CipherSuite(0xc02f)], Vec::new()).encode();
    let mut sources = Vec::new();
    for host in ["127.0.0.1", "::1"] {
        // A machine may have no IPv6 at all.
        let Ok(mut stream) = TcpStream::connect((host, port)) else { continue };
        stream.write_all(&hello).unwrap();
        stream.read_exact(&mut [0; 7]).unwrap();
        sources.push(host);
    }
    let told = listening.finish();
    let seen: Vec<String> = told.lines().iter().map(|line| line["source"].as_str().unwrap().to_owned()).collect();
    assert_eq!(seen.len(), sources.len());
    assert!(seen[0].starts_with("127.0.0.1:"), "no mapped address: {seen:?}");
    assert!(sources.contains(&"127.0.0.1"));
}

#[test]
fn what_cannot_be_done_is_said_and_exits_with_3() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no.pem");
    fs::write(&file, "nothing").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, words) in [
        (vec!["listen", address.as_str()], "something else listens there"),
        (vec!["listen", "192.0.2.1:0"], "this machine has no such address"),
        (vec!["listen", "somewhere"], "give PORT, :PORT, HOST:PORT or [IPv6]:PORT"),
        (vec!["listen"], "ADDR"),
        (vec!["listen", "127.0.0.1:0", "--cert", file], "no.pem"),
        (vec!["listen", "127.0.0.1:0", "--cert", "a", "--forward", "b:1"], "cannot be used with"),
        (vec!["listen", "127.0.0.1:0", "--key", file], "--cert"),
        (vec!["listen", "127.0.0.1:0", "--forward", "b"], "give HOST:PORT of the service"),
        (vec!["listen", "127.0.0.1:0", "--output", "/nowhere/at/all", "--format", "json"], "cannot write"),
    ] {
        let (exit, said) = certflight(&arguments);
        assert!(exit == 3 && said.contains(words), "{arguments:?}: {exit} {said}");
    }
}

#[test]
fn with_a_certificate_clients_get_a_page_about_themselves() {
    if !have("with_a_certificate_clients_get_a_page_about_themselves", &["openssl", "curl"]) {
        return;
    }
    let pki = Pki::new(&Staging::clean());
    let (chain, key, root) = (pki.chain(true), pki.folder.path().join("leaf.key"), pki.root.certificate());
    let files = ["--cert", chain.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let listening = Listening::start(&[&files[..], &["--format", "ndjson"]].concat());
    let pinned = format!("www.real.test:{}:127.0.0.1", listening.port());
    let url = format!("https://www.real.test:{}/", listening.port());
    let curl = |arguments: &[&str]| {
        run(Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--resolve", &pinned, &url])
            .args(arguments))
    };
    for (version, agreed) in [("1.2", "TLSv1.2"), ("1.3", "TLSv1.3")] {
        let page = curl(&["--cacert", root.to_str().unwrap(), "--tls-max", version]);
        assert!(page.contains("It can connect where only TLS 1.2") && page.contains(agreed), "{page}");
        assert!(page.contains("<td>www.real.test</td>"), "{page}");
    }
    let old = curl(&["--insecure", "--tls-max", "1.1", "--tlsv1.0", "--ciphers", "DEFAULT:@SECLEVEL=0"]);
    assert!(old.contains("alert protocol version"), "{old}");
    let distrustful = curl(&["--tls-max", "1.3"]);
    assert!(distrustful.contains("certificate"), "{distrustful}");
    let told = listening.finish();
    let ends: Vec<Value> = told.lines().iter().map(|line| line["handshake"].clone()).collect();
    assert_eq!((&ends[0]["completed"], &ends[0]["version"]), (&json!(true), &json!("TLSv1.2")));
    assert_eq!((&ends[1]["completed"], &ends[1]["version"]), (&json!(true), &json!("TLSv1.3")));
    assert_eq!(ends[2]["completed"], false, "{:#}", ends[2]);
    assert!(ends[2]["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    assert_eq!(ends[3]["completed"], false, "{:#}", ends[3]);
    assert!(ends[3]["reason"].as_str().unwrap().contains("alert UnknownCA"), "{:#}", ends[3]);
    assert_eq!(told.exit, 1);
}
