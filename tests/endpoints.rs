//! `endpoints` through the real binary, against the lab on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use certflight::lab::scenario::{Scenario, Variant};
use certflight::lab::stage::Lab;
use serde_json::Value;
use tokio::runtime::Runtime;

/// A running scenario, and the tool set up for it.
struct Case {
    lab: Lab,
    _runtime: Runtime,
}

impl Case {
    fn start(scenario: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let lab = runtime.block_on(Lab::start(&Scenario::named(scenario).unwrap(), Variant::Firing)).unwrap();
        Self { lab, _runtime: runtime }
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_certflight"))
            .arg("endpoints")
            .args(self.lab.cli_args())
            .args(["--timeout", "1"])
            .args(arguments)
            .output()
            .unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let (exit, stdout, stderr) = self.run(&[arguments, &["--format", "json"]].concat());
        let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
        let schema = Command::new(env!("CARGO_BIN_EXE_certflight")).args(["schema", "endpoints"]).output().unwrap();
        let schema = jsonschema::draft202012::new(&serde_json::from_slice(&schema.stdout).unwrap()).unwrap();
        let errors: Vec<String> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
        (exit, report)
    }
}

fn hosts(report: &Value) -> Vec<String> {
    report["endpoints"].as_array().unwrap().iter().map(|it| it["host"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_lone_leaf_in_a_file_is_enough() {
    let case = Case::start("clean");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new.pem");
    // As an administrator would get it: the server's certificate and nothing else.
    let served = Command::new(env!("CARGO_BIN_EXE_certflight"))
        .args(["check", &case.lab.target, "--format", "json"])
        .args(case.lab.cli_args())
        .output()
        .unwrap();
    let served: Value = serde_json::from_slice(&served.stdout).unwrap();
    fs::write(&file, served["targets"][0]["certificates"][0]["pem"].as_str().unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let (exit, report) = case.json(&[file]);
    assert_eq!(exit, 0, "{report:#}");
    assert_eq!(hosts(&report), ["crl.certflight.test", "ocsp.certflight.test", "aia.certflight.test"]);
    let crl = &report["endpoints"][0];
    assert_eq!(
        (&crl["protocol"], &crl["scheme"], &crl["addresses"][0]),
        (&"tcp".into(), &"http".into(), &"127.0.0.1".into())
    );
    assert_eq!(crl["subjects"], serde_json::json!(["www.certflight.test", "Lab Intermediate"]));
    assert_eq!((&crl["probe"], &crl["redirected_from"]), (&Value::Null, &Value::Null));
    // Where the issuer cannot be fetched, the list is not complete, and says so.
    let (exit, report) = case.json(&[file, "--offline"]);
    assert_eq!(exit, 2);
    assert_eq!(report["findings"][0]["code"], "path.no-issuer");
    assert_eq!(hosts(&report), ["crl.certflight.test", "ocsp.certflight.test", "aia.certflight.test"]);
}

#[test]
fn a_redirects_host_is_listed_with_where_it_comes_from() {
    let case = Case::start("separate-hosts");
    let (exit, report) = case.json(&[&case.lab.target, "--probe"]);
    assert_eq!(exit, 0, "{report:#}");
    let cdn = report["endpoints"].as_array().unwrap().iter().find(|it| it["host"] == "cdn.certflight.test").unwrap();
    let from = format!("http://crl.certflight.test:{}/intermediate.crl", case.lab.http_port);
    assert_eq!(cdn["redirected_from"], from.as_str());
    assert_eq!((&cdn["probe"]["open"], &cdn["probe"]["outcome"]), (&true.into(), &"ok".into()));
    assert_eq!(cdn["addresses"][0], "127.0.0.5");
}

#[test]
fn a_closed_host_is_critical_only_when_asked() {
    let case = Case::start("endpoint.unreachable");
    let (exit, report) = case.json(&[&case.lab.target]);
    // What is behind it is not known, and that is worth knowing.
    assert_eq!((exit, &report["findings"][0]["severity"]), (0, &"info".into()), "{report:#}");
    assert!(report["findings"][0]["message"].as_str().unwrap().contains("whether it redirects"), "{report:#}");
    let (exit, report) = case.json(&[&case.lab.target, "--probe"]);
    assert_eq!(exit, 2);
    assert_eq!(report["findings"][0]["code"], "endpoint.unreachable");
    let (_, text, _) = case.run(&[&case.lab.target, "--probe"]);
    assert!(text.contains("1 of 4 hosts and ports is closed from here"), "{text}");
    let (exit, quiet, _) = case.run(&[&case.lab.target, "--probe", "--quiet"]);
    assert_eq!((exit, quiet.lines().count()), (2, 1), "{quiet}");
}

#[test]
fn lists_of_places_are_tested_each_by_its_kind() {
    let case = Case::start("clean");
    let port = case.lab.http_port;
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("hosts.txt");
    let text = format!(
        "# the three of them\ncrl.certflight.test:{port}\nhttp://ocsp.certflight.test:{port}\n\
         http://aia.certflight.test:{port}/root.cer  # an object\nhttp://aia.certflight.test:{port}/no-such.cer\ngone.certflight.test\n"
    );
    fs::write(&list, text).unwrap();
    let (exit, report) = case.json(&["--from-list", list.to_str().unwrap()]);
    assert_eq!(exit, 2);
    let open: Vec<bool> =
        report["endpoints"].as_array().unwrap().iter().map(|it| it["probe"]["open"].as_bool().unwrap()).collect();
    // Both objects are at one host and port.
    assert_eq!(open, [true, true, true, false], "{report:#}");
    let told: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["severity"].as_str().unwrap(), finding["code"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("critical", "endpoint.unreachable"), ("warning", "endpoint.http-error")]);
    assert!(report["findings"][0]["message"].as_str().unwrap().contains("does not exist (NXDOMAIN)"));
}

#[test]
fn a_host_without_address_has_no_rule_and_a_warning() {
    let case = Case::start("clean");
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("hosts.txt");
    fs::write(&list, format!("crl.certflight.test:{}\ngone.certflight.test\n", case.lab.http_port)).unwrap();
    let (exit, rules, stderr) = case.run(&["--from-list", list.to_str().unwrap(), "--format", "nftables"]);
    assert_eq!(exit, 2);
    assert_eq!(rules.lines().filter(|line| line.starts_with("add rule")).count(), 1, "{rules}");
    assert!(rules.contains("# gone.certflight.test port 80: no rule, dns-nxdomain"), "{rules}");
    assert!(stderr.contains("warning: endpoint.unreachable: gone.certflight.test:80"), "{stderr}");
}

#[test]
fn what_cannot_be_asked_is_refused_with_the_remedy() {
    let case = Case::start("clean");
    let mut child = Command::new(env!("CARGO_BIN_EXE_certflight"))
        .args(["endpoints", "--from-list", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a.example:80\nftp://b.example/\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("ftp://b.example/") && stderr.contains("http, https, ldap or ldaps"), "{stderr}");
    for (arguments, part) in [
        (&[case.lab.target.as_str(), "--probe", "--offline"][..], "leave it or --probe out"),
        (&[&case.lab.target, "--chain", "OUTPUT", "--format", "nftables"], "family, table and chain"),
        (&[&case.lab.target, "--chain", "a;b", "--format", "iptables"], "as the rules name it"),
        (&[&case.lab.target, "--chain", "OUTPUT"], "for the formats nftables and iptables"),
        (&[], "<TARGET>"),
    ] {
        let (exit, stdout, stderr) = case.run(arguments);
        assert_eq!((exit, stdout.as_str()), (3, ""), "{arguments:?}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_day_of_the_change_makes_no_alarm_of_what_is_renewed_until_then() {
    let case = Case::start("clean");
    // The CRLs end in 7 and 30 days, the OCSP responses tomorrow, the leaf in 40 days.
    let day = (case.lab.now + jiff::SignedDuration::from_hours(25 * 24)).to_string();
    let check = |at: &str, more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_certflight"))
            .args(["check", &case.lab.target, "--at", at, "--format", "json"])
            .args(case.lab.cli_args())
            .args(more)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), report["targets"][0].clone())
    };
    let (exit, target) = check(&day, &[]);
    assert_eq!(exit, 0, "{:#}", target["findings"]);
    assert_eq!(target["revocation"][0]["status"], "good");
    assert_ne!(target["at"], target["revocation_at"]);
    let after_its_end = (case.lab.now + jiff::SignedDuration::from_hours(41 * 24)).to_string();
    let (exit, target) = check(&after_its_end, &[]);
    assert_eq!((exit, &target["findings"][0]["code"]), (2, &"cert.expired".into()));
}
