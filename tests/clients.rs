//! The data of known clients against the programs themselves: their hellos are recognised, and a server answers what is
//! sent in their place.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use certflight::clients::{self, Answer, Guess, Refusal, ServerFacts, outcome};
use certflight::handshake::{CipherSuite, ClientHello, FlightReader, HelloReader, Offered, Version};
use support::{announced_port, have, openssl, skipped};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a program sends first to a listener on loopback that it is given the port of.
fn observed(program: impl FnOnce(u16) -> Command) -> ClientHello {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let mut command = program(address.port());
    for variable in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // A program that ends without having connected must not keep the listener waiting.
    let ended = std::thread::spawn(move || {
        child.wait().unwrap();
        drop(TcpStream::connect(address));
    });
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = HelloReader::default();
    let mut octets = [0; 4096];
    let hello = loop {
        let length = stream.read(&mut octets).unwrap();
        assert!(length > 0, "{command:?} sent no hello");
        match reader.feed(&octets[..length]).unwrap() {
            Some(Offered::Tls(hello)) => break hello,
            Some(Offered::Ssl2(_)) => panic!("{command:?} speaks SSL 2"),
            None => {}
        }
    };
    drop((stream, listener));
    ended.join().unwrap();
    hello
}

/// What a program says of its version.
fn version(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// The numbers that follow a word: `[17, 0, 15]` of `openjdk version "17.0.15"`.
fn numbers(text: &str, after: &str) -> Vec<u32> {
    let rest = text.split_once(after).map_or("", |(_, rest)| rest);
    let digits: String = rest.chars().take_while(|letter| letter.is_ascii_digit() || *letter == '.').collect();
    digits.split('.').filter_map(|number| number.parse().ok()).collect()
}

/// Holds that the hello is this client's; says so where the data has none of that version.
fn holds(test: &str, hello: &ClientHello, expected: Option<&str>, version: &str) {
    let guess = clients::guess(hello);
    let Some(expected) = expected else {
        return skipped(test, &format!("no known client has this version: {} ({guess})", version.trim()));
    };
    let Guess::Exact(clients) = &guess else { panic!("{expected}: {guess}") };
    assert!(clients.iter().any(|client| client.name == expected), "{expected}: {guess}");
}

fn libssl(text: &str) -> Vec<u32> {
    numbers(text, "OpenSSL ").into_iter().chain(numbers(text, "OpenSSL/")).collect()
}

#[test]
fn openssl_is_recognised() {
    const TEST: &str = "openssl_is_recognised";
    if !have(TEST, &["openssl"]) {
        return;
    }
    let version = version("openssl", &["version"]);
    let expected = match *libssl(&version) {
        [1, 1, 1] => Some("openssl-1.1.1"),
        [3, 0 | 1, ..] => Some("openssl-3"),
        [3, 5, ..] => Some("openssl-3.5"),
        _ => None,
    };
    let hello = observed(|port| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-servername", "www.example.test", "-connect", &format!("127.0.0.1:{port}")]);
        command
    });
    holds(TEST, &hello, expected, &version);
}

#[test]
fn curl_is_recognised() {
    const TEST: &str = "curl_is_recognised";
    if !have(TEST, &["curl"]) {
        return;
    }
    let version = version("curl", &["--version"]);
    let expected = matches!(*libssl(&version), [3, 0, ..]).then_some("curl-openssl-3");
    let hello = observed(|port| {
        let mut command = Command::new("curl");
        command.args(["-sk", &format!("https://localhost:{port}/")]);
        command
    });
    holds(TEST, &hello, expected, &version);
}

#[test]
fn python_is_recognised() {
    const TEST: &str = "python_is_recognised";
    if !have(TEST, &["python3"]) {
        return;
    }
    let version = version("python3", &["-c", "import ssl, sys; print(f'Python {sys.version} {ssl.OPENSSL_VERSION}')"]);
    let is_known = matches!(*numbers(&version, "Python "), [3, 10..=12, ..]) && matches!(*libssl(&version), [3, 0, ..]);
    let hello = observed(|port| {
        let mut command = Command::new("python3");
        command.args(["-c", &format!("import urllib.request; urllib.request.urlopen('https://localhost:{port}/')")]);
        command
    });
    holds(TEST, &hello, is_known.then_some("python-3.11"), &version);
}

#[test]
fn node_is_recognised() {
    const TEST: &str = "node_is_recognised";
    if !have(TEST, &["node"]) {
        return;
    }
    let version = version("node", &["-p", "'v' + process.versions.node + ' OpenSSL ' + process.versions.openssl"]);
    let expected = match (*numbers(&version, "v")).first().zip(libssl(&version).get(1)) {
        Some((12..=16, 1)) => Some("node-16"),
        Some((18..=20, 0)) => Some("node-20"),
        Some((22..=26, 5)) => Some("node-24"),
        _ => None,
    };
    let hello = observed(|port| {
        let mut command = Command::new("node");
        command.args(["-e", &format!("require('https').get('https://localhost:{port}/').on('error', () => {{}})")]);
        command
    });
    holds(TEST, &hello, expected, &version);
}

#[test]
fn java_is_recognised() {
    const TEST: &str = "java_is_recognised";
    if !have(TEST, &["java"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("Ask.java");
    fs::write(
        &source,
        "public class Ask { public static void main(String[] a) throws Exception {\n\
         new java.net.URL(\"https://localhost:\" + a[0] + \"/\").openConnection().getInputStream(); } }\n",
    )
    .unwrap();
    let version = version("java", &["-version"]);
    let expected = match *numbers(&version, "version \"") {
        [17, 0, 0..=9, ..] => Some("java-17.0.9"),
        [17, 0, ..] => Some("java-17"),
        [21, ..] => Some("java-21"),
        [25, ..] => Some("java-25"),
        _ => None,
    };
    let hello = observed(|port| {
        let mut command = Command::new("java");
        command.arg(&source).arg(port.to_string());
        command
    });
    holds(TEST, &hello, expected, &version);
}

#[test]
fn go_is_recognised() {
    const TEST: &str = "go_is_recognised";
    if !have(TEST, &["go"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("ask.go");
    fs::write(
        &source,
        "package main\nimport (\"net/http\"; \"os\")\nfunc main() { http.Get(\"https://localhost:\" + os.Args[1] + \"/\") }\n",
    )
    .unwrap();
    let program = folder.path().join("ask");
    let built = Command::new("go")
        .args(["build", "-o", program.to_str().unwrap(), source.to_str().unwrap()])
        .env("GOCACHE", folder.path().join("cache"))
        .env("GOTOOLCHAIN", "local")
        .status();
    assert!(built.unwrap().success());
    let version = version("go", &["version"]);
    let known = match *numbers(&version, "go version go") {
        [1, 19 | 20, ..] => Some("go-1.19".to_owned()),
        [1, minor @ 21..=27, ..] => Some(format!("go-1.{minor}")),
        _ => None,
    };
    let hello = observed(|port| {
        let mut command = Command::new(&program);
        command.arg(port.to_string());
        command
    });
    holds(TEST, &hello, known.as_deref(), &version);
}

#[test]
fn programs_with_gnutls_are_recognised() {
    const TEST: &str = "programs_with_gnutls_are_recognised";
    if have(TEST, &["gnutls-cli"]) {
        let version = version("gnutls-cli", &["--version"]);
        let is_known = matches!(*numbers(&version, "gnutls-cli "), [3, 7, ..]);
        let hello = observed(|port| {
            let mut command = Command::new("gnutls-cli");
            command.args(["--insecure", "-p", &port.to_string(), "localhost"]);
            command
        });
        holds(TEST, &hello, is_known.then_some("gnutls-3.7"), &version);
    }
    if have(TEST, &["wget"]) {
        let version = version("wget", &["--version"]);
        let is_known = version.contains("+ssl/gnutls") && matches!(*numbers(&version, "GNU Wget "), [1, 21, ..]);
        let hello = observed(|port| {
            let mut command = Command::new("wget");
            command.args(["-q", "-t1", "--no-check-certificate", "-O", "-", &format!("https://localhost:{port}/")]);
            command
        });
        holds(TEST, &hello, is_known.then_some("wget-gnutls-3.7"), &version);
    }
}

/// A server with an RSA and an EC key that takes whatever its library has.
fn tolerant_server(folder: &Path) -> (std::process::Child, u16) {
    for (name, key) in [("rsa", &["rsa:2048"][..]), ("ec", &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])] {
        let (certificate, secret) = (format!("{name}.pem"), format!("{name}.key"));
        let request = ["req", "-x509", "-nodes", "-subj", "/CN=www.example.test", "-newkey"];
        openssl(folder, &[&request, key, &["-keyout", &secret, "-out", &certificate]].concat());
    }
    let mut child = Command::new("openssl")
        .current_dir(folder)
        .args(["s_server", "-accept", "0", "-www", "-cert", "rsa.pem", "-key", "rsa.key"])
        .args(["-dcert", "ec.pem", "-dkey", "ec.key", "-cipher", "ALL:@SECLEVEL=0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let port = announced_port(&mut child);
    (child, port)
}

fn answer(port: u16, hello: &ClientHello) -> Answer {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&hello.encode()).unwrap();
    let mut reader = FlightReader::default();
    let mut octets = [0; 4096];
    loop {
        let length = stream.read(&mut octets).unwrap_or(0);
        if length == 0 {
            return Answer::Closed;
        }
        let flight = reader.feed(&octets[..length]).unwrap();
        if let Some(answer) = Answer::of(flight, Vec::new(), None) {
            return answer;
        }
    }
}

#[test]
fn a_real_server_answers_every_client_as_it_would_the_program() {
    const TEST: &str = "a_real_server_answers_every_client_as_it_would_the_program";
    if !have(TEST, &["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut server, port) = tolerant_server(folder.path());
    for client in clients::all() {
        let answer = answer(port, &client.hello(Some("www.example.test"), [0x5c; 32]));
        let outcome = outcome(client, &answer, &ServerFacts::default());
        let newest = client.versions()[0];
        // Builds of OpenSSL 3 have no SSL 3, no RC4, no DES and no 3DES.
        let is_within_reach =
            |suite: &CipherSuite| !["RC4", "RC2", "DES"].iter().any(|weak| suite.name().contains(weak));
        if newest > Version::Ssl3 && client.cipher_suites().iter().any(is_within_reach) {
            assert_eq!(outcome.refusal, None, "{}: {answer:?}", client.name);
            assert_eq!(outcome.version, Some(newest), "{}", client.name);
        } else {
            assert!(matches!(outcome.refusal, Some(Refusal::Alert { .. })), "{}: {answer:?}", client.name);
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
}
