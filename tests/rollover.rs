//! `rollover` through the real binary: each planted difference and nothing else, the hosts of both chains, and what
//! stands in the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

fn certflight(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_certflight")).args(arguments).output().unwrap()
}

/// The scenario's report, valid by its schema, and the exit code.
fn demo(name: &str, more: &[&str]) -> (Value, i32) {
    let output = certflight(&[&["demo", name, "--format", "json"], more].concat());
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let schema: Value = serde_json::from_slice(&certflight(&["schema", "rollover"]).stdout).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(report["schema"], "certflight/rollover/1");
    (report, output.status.code().unwrap())
}

fn texts(values: &Value, key: &str) -> Vec<String> {
    values.as_array().unwrap().iter().map(|value| value[key].as_str().unwrap_or_default().to_owned()).collect()
}

fn difference<'a>(report: &'a Value, field: &str) -> &'a Value {
    let differences = report["differences"].as_array().unwrap();
    differences.iter().find(|difference| difference["field"] == field).unwrap()
}

#[test]
fn each_planted_difference_is_told_and_nothing_else() {
    let (report, exit) = demo("rollover", &[]);
    assert_eq!(exit, 2);
    assert_eq!(
        texts(&report["differences"], "field"),
        [
            "issuer",
            "intermediates",
            "root",
            "names_lost",
            "names_gained",
            "key",
            "public_key",
            "signature_algorithm",
            "validity",
            "client_auth",
            "must_staple",
            "scts",
            "revocation_sources",
            "chain",
        ]
    );
    assert_eq!(difference(&report, "names_lost")["from"], "DNS:old.certflight.test");
    assert_eq!(difference(&report, "names_lost")["to"], Value::Null);
    assert_eq!(difference(&report, "names_gained")["to"], "DNS:new.certflight.test");
    assert_eq!(difference(&report, "key")["from"], "RSA 2048");
    assert_eq!(difference(&report, "key")["to"], "EC P-256");
    assert_eq!(difference(&report, "client_auth")["severity"], "warning");
    assert_eq!(difference(&report, "root")["severity"], "critical");
    assert_eq!(report["root"]["trusted"], false);
    assert_eq!(
        texts(&report["findings"], "code"),
        ["store.root-missing", "cert.no-client-auth", "rollover.breaking", "rollover.breaking"]
    );
    assert_eq!(texts(&report["hosts"]["added"], "host"), ["crl.other.test", "aia.other.test"]);
    assert_eq!(
        texts(&report["hosts"]["removed"], "host"),
        ["crl.certflight.test", "ocsp.certflight.test", "aia.certflight.test"]
    );
    assert_eq!(report["hosts"]["kept"].as_array().unwrap().len(), 0);
    assert!(report["hosts"]["added"].as_array().unwrap().iter().all(|host| host["probe"]["open"] == true));
    // Judged by itself, the new chain tells the same fact as its path's.
    assert!(texts(&report["to"]["findings"], "code").contains(&"path.untrusted-root".to_owned()));
}

#[test]
fn one_closed_host_is_what_stands_in_the_way_and_comes_first() {
    let (report, exit) = demo("rollover-closed", &[]);
    assert_eq!((exit, &report["verdict"]), (2, &Value::from("critical")));
    let first = &report["findings"][0];
    assert_eq!(first["code"], "endpoint.unreachable");
    let host = &report["hosts"]["added"][0];
    assert_eq!((&host["host"], &host["probe"]["outcome"]), (&"ocsp.certflight.test".into(), &"timeout".into()));
    let place = format!("ocsp.certflight.test:{}", host["port"]);
    assert!(first["message"].as_str().unwrap().starts_with(&place), "{first}");
    let remedy = format!("allow outbound TCP to ocsp.certflight.test (127.0.0.1) port {} from this host", host["port"]);
    assert!(first["remedy"].as_str().unwrap().contains(&remedy), "{first}");
    // The CRL makes up for it, so that the new chain by itself would be no more than a warning elsewhere.
    let criticals = report["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "critical");
    assert_eq!(criticals.count(), 1);
}

#[test]
fn a_wildcard_takes_the_place_of_the_names_it_covers() {
    let (report, exit) = demo("rollover.breaking", &["--silent"]);
    assert_eq!(exit, 0);
    let fields = texts(&report["differences"], "field");
    assert!(fields.contains(&"names_gained".to_owned()) && !fields.contains(&"names_lost".to_owned()), "{fields:?}");
}

#[test]
fn an_old_chain_that_cannot_be_had_leaves_the_question_open() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.pem");
    fs::write(&file, "The certificate will follow by mail.\n").unwrap();
    let file = file.to_str().unwrap();
    let output = certflight(&["rollover", "--from", file, "--to", file, "--offline", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"][0]["code"], "target.unreadable");
    assert_eq!(report["differences"].as_array().unwrap().len(), 0);
    // A server that does not answer says nothing against the new chain, but the question is not answered.
    let (closed, address) = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    };
    drop(closed);
    let output =
        certflight(&["rollover", "--from", &address.to_string(), "--to", file, "--format", "json", "--offline"]);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(texts(&report["findings"], "code").contains(&"connection.failed".to_owned()), "{report:#}");
    let output = certflight(&["rollover", "--from", "-", "--to", "-"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("give one of them as a file"));
}
