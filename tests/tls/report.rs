//! What `certflight tls` says of a server.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use crate::certificates::NAME;
use crate::facts::{Lines, NULL, sorted};

/// Runs it; its facts by the names that [`crate::facts::Facts::lines`] gives them.
pub fn lines(address: SocketAddr) -> Lines {
    let output = Command::new(env!("CARGO_BIN_EXE_certflight"))
        .args(["tls", &address.to_string(), "--servername", NAME, "--no-proxy", "--format", "json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    });
    of(&report["targets"][0])
}

fn of(target: &Value) -> Lines {
    let mut lines = Lines::new();
    let mut versions = Vec::new();
    for version in items(&target["versions"]) {
        let name = text(&version["version"]);
        match &version["accepted"] {
            Value::Bool(false) => continue,
            Value::Bool(true) => versions.push(name.clone()),
            _ => versions.push(format!("{name}?")),
        }
        let mut suites: Vec<String> = items(&target["cipher_suites"])
            .filter(|suite| suite["version"] == version["version"])
            .map(|suite| text(&suite["name"]))
            .collect();
        if version["preference"] != "server" {
            suites.sort();
        }
        lines.insert(format!("{name} suites"), suites);
        lines.insert(format!("{name} order"), vec![text(&version["preference"])]);
        lines.insert(format!("{name} groups"), sorted(items(&version["groups"]).map(text)));
        lines.insert(format!("{name} group order"), vec![text(&version["group_preference"])]);
        if !version["cut_short"].is_null() {
            lines.insert(format!("{name} cut short"), vec![text(&version["cut_short"])]);
        }
    }
    versions.sort();
    lines.insert("versions".to_owned(), versions);
    for name in ["client_certificate_requested", "compression", "encrypt_then_mac", "extended_master_secret"]
        .into_iter()
        .chain(["fallback_scsv", "secure_renegotiation"])
    {
        lines.insert(name.to_owned(), vec![text(&target[name])]);
    }
    for name in ["resumed", "session_id", "session_ticket"] {
        lines.insert(name.to_owned(), vec![text(&target["resumption"][name])]);
    }
    for name in ["alpn", "intolerances", "signature_algorithms"] {
        let words = if target[name].is_null() { vec![NULL.to_owned()] } else { sorted(items(&target[name]).map(text)) };
        lines.insert(name.to_owned(), words);
    }
    let kinds = items(&target["certificates"]).map(|certificate| text(&certificate["authentication"]));
    lines.insert("authentication".to_owned(), sorted(kinds));
    let bits = items(&target["cipher_suites"]).map(|suite| &suite["dh_bits"]).filter(|bits| !bits.is_null());
    lines.insert("dh_bits".to_owned(), sorted(bits.map(text)));
    let findings = items(&target["findings"]).filter(|finding| finding["severity"] != "info");
    let findings = findings.map(|finding| format!("{} {}", text(&finding["severity"]), text(&finding["code"])));
    lines.insert("findings".to_owned(), sorted(findings));
    lines
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
