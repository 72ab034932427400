//! `--all-addresses`: those that answer are told of each by itself, and those that do not beside them.

use std::net::SocketAddr;
use std::process::Command;

use certflight::handshake::Version;
use certflight::lab::responder::{Behaviour, Credentials, Responder};
use jiff::Timestamp;
use serde_json::Value;

use crate::certificates::NAME;

/// Asks a name with these addresses, at a port of loopback; the exit code too.
async fn asked(port: u16, addresses: &[&str]) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
    command.args(["tls", &format!("{NAME}:{port}"), "--all-addresses", "--suites-only", "--no-proxy", "-f", "json"]);
    for address in addresses {
        command.args(["--resolve", &format!("{NAME}:{address}")]);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

fn codes(target: &Value) -> Vec<&str> {
    target["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_told_of_with_one_that_does() {
    let credentials = Credentials::issue(&[NAME], Timestamp::now()).unwrap();
    let behaviour = Behaviour::presenting(&credentials, &[Version::Tls13]);
    let responder = Responder::start(behaviour).await.unwrap();
    let address: SocketAddr = responder.address();
    // The responder listens on one address of loopback, and the other refuses.
    let (code, report) = asked(address.port(), &["127.0.0.99", &address.ip().to_string()]).await;
    let targets = report["targets"].as_array().unwrap();
    assert_eq!((code, targets.len()), (Some(1), 1), "{report:#}");
    assert!(codes(&targets[0]).contains(&"connection.partial"), "{report:#}");
    assert!(!codes(&targets[0]).contains(&"connection.failed"), "{report:#}");
    let outcomes: Vec<&str> = targets[0]["connections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|connection| connection["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["refused", "ok"], "{report:#}");
    assert_eq!(targets[0]["address"], address.to_string());
    // Where none does, each is told of.
    drop(responder);
    let (code, report) = asked(address.port(), &["127.0.0.98", "127.0.0.99"]).await;
    assert_eq!(code, Some(2), "{report:#}");
    let targets = report["targets"].as_array().unwrap();
    assert!(targets.iter().all(|target| codes(target) == ["connection.failed"]), "{report:#}");
}
