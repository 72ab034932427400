//! Mail clients, which speak SMTP before TLS.

use std::process::Command;

use serde_json::json;

use crate::listening::{Listening, run};
use crate::support::{Pki, Staging, have, skipped};

const PYTHON: &str = "import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.set_ciphers('DEFAULT:@SECLEVEL=0')
context.minimum_version = ssl.TLSVersion.TLSv1
context.maximum_version = ssl.TLSVersion[sys.argv[2]]
client = smtplib.SMTP('127.0.0.1', int(sys.argv[1]), local_hostname='mx.python.test', timeout=30)
try:
    client.starttls(context=context)
    print('tls', client.sock.version())
    print('mail', client.docmd('MAIL', 'FROM:<a@example.test>'))
    client.quit()
except ssl.SSLError as error:
    print(error.reason)
";

const IN_THE_CLEAR: &str = "import smtplib, sys
client = smtplib.SMTP('127.0.0.1', int(sys.argv[1]), local_hostname='clear.python.test', timeout=30)
client.ehlo()
print(client.docmd('MAIL', 'FROM:<a@example.test>'))
client.quit()
";

#[test]
fn mail_clients_are_seen_through_starttls() {
    if !have("mail_clients_are_seen_through_starttls", &["openssl", "python3"]) {
        return;
    }
    let listening = Listening::start(&["--starttls", "smtp", "--format", "json"]);
    let port = listening.port();
    for (option, name) in [("-tls1", "old.openssl.test"), ("-tls1_3", "new.openssl.test")] {
        let arguments =
            ["-starttls", "smtp", "-name", name, "-cipher", "ALL:@SECLEVEL=0", "-servername", "mx.example.test"];
        let target = listening.address.to_string();
        let said = run(Command::new("openssl").args(["s_client", "-connect", &target, option]).args(arguments));
        assert!(said.contains("alert handshake failure"), "{said}");
    }
    for version in ["TLSv1_1", "TLSv1_2"] {
        run(Command::new("python3").args(["-W", "ignore", "-c", PYTHON, &port, version]));
    }
    let said = run(Command::new("python3").args(["-c", IN_THE_CLEAR, &port]));
    assert!(said.contains("530"), "mail in the clear is refused: {said}");
    let told = listening.finish();
    let report = told.json();
    let seen: Vec<_> = report["clients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|client| (client["ehlo"].as_str().unwrap(), client["highest"].as_str().unwrap()))
        .collect();
    let expected = [
        ("old.openssl.test", "TLSv1.0"),
        ("mx.python.test", "TLSv1.1"),
        ("mx.python.test", "TLSv1.2"),
        ("new.openssl.test", "TLSv1.3"),
    ];
    assert_eq!(sorted(seen), sorted(expected.to_vec()));
    assert_eq!(report["starttls"], "smtp");
    assert_eq!(report["without_hello"][0]["outcome"], "no-starttls");
    assert_eq!(
        told.findings(),
        ["warning listen.old-client", "warning listen.old-client", "info listen.without-starttls"],
    );
    assert_eq!(told.exit, 1);
}

#[test]
fn with_a_certificate_a_mail_client_gets_through_and_no_mail_does() {
    if !have("with_a_certificate_a_mail_client_gets_through_and_no_mail_does", &["openssl", "python3"]) {
        return;
    }
    let pki = Pki::new(&Staging::clean());
    let (chain, key) = (pki.chain(true), pki.folder.path().join("leaf.key"));
    let files = ["--cert", chain.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let listening = Listening::start(&[&files[..], &["--starttls", "smtp", "--format", "ndjson"]].concat());
    let said = run(Command::new("python3").args(["-c", PYTHON, &listening.port(), "TLSv1_3"]));
    assert!(said.contains("tls TLSv1.3") && said.contains("mail (550"), "{said}");
    let told = listening.finish();
    let line = &told.lines()[0];
    assert_eq!((&line["handshake"]["completed"], &line["ehlo"]), (&json!(true), &json!("mx.python.test")), "{line:#}");
    assert_eq!(told.exit, 0, "{}", told.stderr);
}

#[test]
fn in_front_of_postfix_the_conversation_is_followed() {
    let test = "in_front_of_postfix_the_conversation_is_followed";
    if !have(test, &["openssl", "python3", "postfix"]) {
        return;
    }
    if run(Command::new("id").arg("-u")).trim() != "0" {
        return skipped(test, "Postfix is started by root only");
    }
    let mut pki = Pki::new(&Staging::clean());
    let chain = pki.chain(true);
    pki.start_postfix(&chain);
    let service = format!("{}:2525", pki.address);
    let listening = Listening::start(&["--starttls", "smtp", "--forward", &service, "--format", "ndjson"]);
    let root = pki.root.certificate();
    let arguments =
        ["-starttls", "smtp", "-name", "mx.openssl.test", "-servername", "www.real.test", "-verify_return_error"];
    let target = listening.address.to_string();
    let said = run(Command::new("openssl")
        .args(["s_client", "-connect", &target, "-CAfile", root.to_str().unwrap()])
        .args(arguments));
    assert!(said.contains("Verify return code: 0 (ok)"), "Postfix's own chain comes through: {said}");
    let said = run(Command::new("python3").args(["-c", PYTHON, &listening.port(), "TLSv1_2"]));
    assert!(said.contains("tls TLSv1.2") && said.contains("mail (250"), "Postfix answers: {said}");
    run(Command::new("python3").args(["-c", IN_THE_CLEAR, &listening.port()]));
    let told = listening.finish();
    let lines = told.lines();
    let seen = |index: usize| {
        let line = &lines[index];
        [&line["outcome"], &line["ehlo"], &line["hello"]["highest"]]
            .map(|value| value.as_str().unwrap_or("").to_owned())
    };
    assert_eq!(seen(0), ["hello", "mx.openssl.test", "TLSv1.3"]);
    assert_eq!(seen(1), ["hello", "mx.python.test", "TLSv1.2"]);
    assert_eq!(seen(2), ["no-starttls", "clear.python.test", ""]);
    assert_eq!(told.exit, 0, "{}", told.stderr);
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}
