//! Real clients, restricted to each version that they can be made to offer.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::listening::{Listening, run};
use crate::support::have;

/// What is to be told of one connection.
struct Expected {
    name: &'static str,
    highest: &'static str,
    /// These are among the weaknesses of its suites.
    weak: &'static [&'static str],
}

impl Expected {
    const fn of(name: &'static str, highest: &'static str) -> Self {
        Self { name, highest, weak: &[] }
    }

    #[track_caller]
    fn holds(&self, line: &Value) {
        let hello = &line["hello"];
        assert_eq!(line["outcome"], "hello", "{line:#}");
        assert_eq!((&hello["server_name"], &hello["highest"]), (&json!(self.name), &json!(self.highest)), "{line:#}");
        let modern = ["TLSv1.2", "TLSv1.3"].contains(&self.highest);
        assert_eq!(hello["tls12_would_succeed"], modern, "{line:#}");
        assert_eq!(hello["why_not"].is_null(), modern, "{line:#}");
        let weaknesses: Vec<&str> =
            hello["weaknesses"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        for weak in self.weak {
            assert!(weaknesses.contains(weak), "{weak} is missing: {line:#}");
        }
        let ja4 = hello["ja4"].as_str().unwrap();
        let letters = match self.highest {
            "SSLv3" => "s3",
            "TLSv1.0" => "10",
            "TLSv1.1" => "11",
            "TLSv1.2" => "12",
            _ => "13",
        };
        assert!(ja4.starts_with(&format!("t{letters}d")), "{ja4}");
        // Only those that list their versions have told of others.
        let listed = self.highest == "TLSv1.3" || hello["versions"].is_array();
        assert_eq!(hello["versions"].is_array(), listed, "{line:#}");
    }
}

/// Every line holds what was expected of the connection that was made for it, in this order.
#[track_caller]
fn each_holds(listening: Listening, expected: &[Expected]) {
    let told = listening.finish();
    let lines = told.lines();
    assert_eq!(lines.len(), expected.len(), "{:#?}", told.stdout);
    for (line, expected) in lines.iter().zip(expected) {
        expected.holds(line);
    }
    let old = expected.iter().any(|it| !["TLSv1.2", "TLSv1.3"].contains(&it.highest));
    assert_eq!(told.exit, i32::from(old), "{}", told.stderr);
    assert_eq!(told.stderr.contains("listen.old-client"), old, "{}", told.stderr);
}

#[test]
fn openssl_in_every_version() {
    if !have("openssl_in_every_version", &["openssl"]) {
        return;
    }
    let listening = Listening::start(&["--format", "ndjson"]);
    let target = listening.address.to_string();
    let mut expected = Vec::new();
    for (option, highest) in
        [("-tls1", "TLSv1.0"), ("-tls1_1", "TLSv1.1"), ("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")]
    {
        let arguments = ["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-servername", "openssl.example.test"];
        let said = run(Command::new("openssl").args(["s_client", "-connect", &target, option]).args(arguments));
        assert!(said.contains("alert handshake failure"), "it is refused at once: {said}");
        let weak: &[&str] = if highest == "TLSv1.3" { &[] } else { &["NULL", "anonymous"] };
        expected.push(Expected { weak, ..Expected::of("openssl.example.test", highest) });
    }
    each_holds(listening, &expected);
}

#[test]
fn gnutls_in_every_version() {
    if !have("gnutls_in_every_version", &["gnutls-cli"]) {
        return;
    }
    let listening = Listening::start(&["--format", "ndjson"]);
    let mut expected = Vec::new();
    for (version, highest) in
        [("TLS1.0", "TLSv1.0"), ("TLS1.1", "TLSv1.1"), ("TLS1.2", "TLSv1.2"), ("TLS1.3", "TLSv1.3")]
    {
        let weak = if version == "TLS1.3" { "" } else { ":+3DES-CBC:+ARCFOUR-128:+ANON-ECDH:+NULL" };
        let priority = format!("NORMAL:-VERS-ALL:+VERS-{version}{weak}");
        let name = ["--sni-hostname", "gnutls.example.test", "--insecure"];
        let place = ["--port", &listening.port(), "127.0.0.1"];
        let said = run(Command::new("gnutls-cli").args(["--priority", &priority]).args(name).args(place));
        assert!(said.contains("Handshake failed"), "it is refused at once: {said}");
        let weak: &[&str] = if highest == "TLSv1.3" { &[] } else { &["3DES", "RC4", "anonymous", "NULL"] };
        expected.push(Expected { weak, ..Expected::of("gnutls.example.test", highest) });
    }
    each_holds(listening, &expected);
}

#[test]
fn curl_in_every_version() {
    if !have("curl_in_every_version", &["curl"]) {
        return;
    }
    let listening = Listening::start(&["--format", "ndjson"]);
    let mut expected = Vec::new();
    for highest in ["1.0", "1.1", "1.2", "1.3"] {
        let url = format!("https://curl.example.test:{}/", listening.port());
        let pinned = format!("curl.example.test:{}:127.0.0.1", listening.port());
        let versions = ["--tlsv1.0", "--tls-max", highest, "--ciphers", "DEFAULT:@SECLEVEL=0"];
        let rest = ["--noproxy", "*", "--resolve", &pinned, &url];
        run(Command::new("curl").args(["--silent", "--insecure", "--no-alpn"]).args(versions).args(rest));
        let highest =
            ["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"].into_iter().find(|it| it.ends_with(highest)).unwrap();
        expected.push(Expected::of("curl.example.test", highest));
    }
    each_holds(listening, &expected);
}

#[test]
fn python_in_every_version() {
    if !have("python_in_every_version", &["python3"]) {
        return;
    }
    let listening = Listening::start(&["--format", "ndjson"]);
    let script = "import socket, ssl, sys
for version in ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers('DEFAULT:@SECLEVEL=0')
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = version
    try:
        context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), server_hostname='python.example.test')
    except ssl.SSLError as error:
        print(error.reason)
";
    let said = run(Command::new("python3").args(["-W", "ignore", "-c", script, &listening.port()]));
    assert_eq!(said.matches("HANDSHAKE_FAILURE").count(), 4, "{said}");
    each_holds(
        listening,
        &["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"].map(|highest| Expected::of("python.example.test", highest)),
    );
}

#[test]
fn node_in_every_version() {
    if !have("node_in_every_version", &["node"]) {
        return;
    }
    let listening = Listening::start(&["--format", "ndjson"]);
    let mut expected = Vec::new();
    for (version, highest) in
        [("TLSv1", "TLSv1.0"), ("TLSv1.1", "TLSv1.1"), ("TLSv1.2", "TLSv1.2"), ("TLSv1.3", "TLSv1.3")]
    {
        let script = format!(
            "require('tls').connect({{host: '127.0.0.1', port: {}, servername: 'node.example.test', minVersion: 'TLSv1', \
             maxVersion: '{version}', ciphers: 'DEFAULT@SECLEVEL=0', rejectUnauthorized: false}})\
             .on('error', error => console.log(error.code))",
            listening.port()
        );
        let said = run(Command::new("node").args(["-e", &script]));
        assert!(said.contains("HANDSHAKE_FAILURE"), "{said}");
        expected.push(Expected::of("node.example.test", highest));
    }
    each_holds(listening, &expected);
}

#[test]
fn go_in_every_version() {
    if !have("go_in_every_version", &["go"]) {
        return;
    }
    let listening = Listening::start(&["--format", "ndjson"]);
    let folder = listening.folder().to_owned();
    fs::write(
        folder.join("client.go"),
        "package main

import (
	\"crypto/tls\"
	\"fmt\"
	\"os\"
)

func main() {
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		config := &tls.Config{ServerName: \"go.example.test\", InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version}
		_, err := tls.Dial(\"tcp\", os.Args[1], config)
		fmt.Println(err)
	}
}
",
    )
    .unwrap();
    let mut command = Command::new("go");
    command.current_dir(&folder).args(["run", "client.go", &listening.address.to_string()]);
    command.env("GOCACHE", folder.join("cache")).env("GO111MODULE", "off").env("GOFLAGS", "");
    let said = run(&mut command);
    assert_eq!(said.matches("handshake failure").count(), 4, "{said}");
    each_holds(
        listening,
        &["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
            .map(|highest| Expected { weak: &["3DES"], ..Expected::of("go.example.test", highest) }),
    );
}

const JAVA: &str = "import java.util.List;
import javax.net.ssl.*;

public class Client {
    public static void main(String[] arguments) throws Exception {
        for (String versions : List.of(arguments).subList(1, arguments.length)) {
            SSLContext context = SSLContext.getInstance(\"TLS\");
            context.init(null, null, null);
            int port = Integer.parseInt(arguments[0]);
            SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(\"127.0.0.1\", port);
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setServerNames(List.of(new SNIHostName(\"java.example.test\")));
            parameters.setProtocols(versions.split(\",\"));
            parameters.setCipherSuites(context.getSupportedSSLParameters().getCipherSuites());
            socket.setSSLParameters(parameters);
            try {
                socket.startHandshake();
            } catch (Exception error) {
                System.out.println(error);
            }
        }
    }
}
";

/// The only client at hand that still speaks SSL 3, and hides newer versions in a hello of SSL 2.
#[test]
fn java_from_ssl_2_to_tls_1_3() {
    if !have("java_from_ssl_2_to_tls_1_3", &["java"]) {
        return;
    }
    let listening = Listening::start(&["--format", "ndjson"]);
    let folder = listening.folder().to_owned();
    fs::write(folder.join("Client.java"), JAVA).unwrap();
    fs::write(folder.join("everything"), "jdk.tls.disabledAlgorithms=\n").unwrap();
    let versions = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "SSLv2Hello,TLSv1", "TLSv1,TLSv1.2"];
    let mut command = Command::new("java");
    command.current_dir(&folder).args(["-Djava.security.properties=everything", "Client.java", &listening.port()]);
    let said = run(command.args(versions));
    assert_eq!(said.matches("handshake_failure").count(), versions.len(), "{said}");
    let told = listening.finish();
    let lines = told.lines();
    assert_eq!(lines.len(), versions.len(), "{}", told.stdout);
    let weak: &[&str] = &["RC4", "3DES", "DES", "anonymous", "NULL", "EXPORT"];
    for (line, highest) in lines.iter().zip(["SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]) {
        let with_weak = Expected { weak, ..Expected::of("java.example.test", highest) };
        match highest {
            // The suites for export went with TLS 1.1 (RFC 4346 §A.5), DES with TLS 1.2.
            "TLSv1.1" => Expected { weak: &["RC4", "3DES", "DES", "anonymous", "NULL"], ..with_weak }.holds(line),
            "TLSv1.2" => Expected { weak: &["RC4", "3DES", "anonymous", "NULL"], ..with_weak }.holds(line),
            "TLSv1.3" => Expected::of("java.example.test", highest).holds(line),
            _ => with_weak.holds(line),
        }
    }
    let in_old_dress = &lines[5]["hello"];
    assert_eq!(in_old_dress["ssl2_form"], true, "{in_old_dress:#}");
    assert_eq!((&in_old_dress["highest"], &in_old_dress["ja4"]), (&json!("TLSv1.0"), &Value::Null));
    // With TLS 1.2 beside it an old version is no obstacle.
    Expected::of("java.example.test", "TLSv1.2").holds(&lines[6]);
}

/// What the data of known clients was measured with is recognised when it comes by itself.
#[test]
fn clients_as_they_are_installed_are_guessed() {
    if !have("clients_as_they_are_installed_are_guessed", &["openssl", "java"]) {
        return;
    }
    let listening = Listening::start(&["--format", "ndjson"]);
    let version = run(Command::new("openssl").arg("version"));
    let folder = listening.folder().to_owned();
    run(Command::new("openssl").args([
        "s_client",
        "-connect",
        &listening.address.to_string(),
        "-servername",
        "a.test",
    ]));
    fs::write(
        folder.join("Plain.java"),
        "public class Plain { public static void main(String[] a) throws Exception {
            var socket = (javax.net.ssl.SSLSocket) javax.net.ssl.SSLSocketFactory.getDefault().createSocket(\"localhost\",
                Integer.parseInt(a[0]));
            try { socket.startHandshake(); } catch (Exception error) { } } }",
    )
    .unwrap();
    run(Command::new("java").current_dir(&folder).args(["Plain.java", &listening.port()]));
    let lines = listening.finish().lines();
    let guess = |line: &Value| line["hello"]["client"].as_str().unwrap_or("none").to_owned();
    if version.starts_with("OpenSSL 3.0.") {
        assert!(guess(&lines[0]).contains("OpenSSL 3.0"), "{:#}", lines[0]);
    }
    assert!(guess(&lines[1]).contains("Java"), "{:#}", lines[1]);
}
