//! `--expect`, as a user types it: the shipped files against Exchange Online before and after its change of 2018, staged
//! under the real names, and what is told of facts that nobody could look at.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use certflight::expect::parse;
use certflight::lab::{Lab, Placement, Scenario, Variant};
use support::Outcome;
use tokio::runtime::{Builder, Runtime};

const AFTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/expect/exchange-online-2018.toml");
const BEFORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/expect/exchange-online-before-2018.toml");

fn servers() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn started(servers: &Runtime, scenario: &str) -> Lab {
    servers.block_on(Lab::start(&Scenario::named(scenario).unwrap(), Variant::Firing)).unwrap()
}

/// Checks a lab's target with these facts and options, without those that its scenario has.
fn check(lab: &Lab, facts: &Path, extra: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
    command.args(["check", &lab.target, "--format", "json", "--no-proxy", "--retries", "0"]);
    command.args(["--dns-server", &lab.dns_server.to_string(), "--expect"]).arg(facts);
    if !extra.contains(&"--roots") {
        command.arg("--roots").arg(&lab.roots_file);
    }
    Outcome::of(command.args(extra))
}

fn file(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("facts.toml");
    fs::write(&path, text).unwrap();
    path
}

fn messages(outcome: &Outcome, code: &str) -> Vec<String> {
    let findings = outcome.report["targets"][0]["findings"].as_array().unwrap().iter();
    let of_code = findings.filter(|finding| finding["code"] == code);
    of_code.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_staged_facts_are_the_shipped_ones() {
    let servers = servers();
    let lab = started(&servers, "exchange-online");
    let port = format!(":{}", lab.http_port);
    for (shipped, staged) in [(AFTER, "expect.toml"), (BEFORE, "expect-before.toml")] {
        let staged = fs::read_to_string(lab.folder().join(staged)).unwrap();
        let shipped = fs::read_to_string(shipped).unwrap();
        assert_eq!(parse(&shipped).unwrap(), parse(&staged.replace(&port, "")).unwrap());
    }
}

/// A lab at the ports that the world expects, at an address that only this test uses.
fn at_real_ports(servers: &Runtime, test: &str, scenario: &str) -> Option<Lab> {
    let address = IpAddr::V4(support::own_address());
    let placement = Placement { address, port: 25, http_port: 80, dns_port: 0 };
    let scenario = Scenario::named(scenario).unwrap();
    match servers.block_on(Lab::start_at(&scenario, Variant::Firing, placement)) {
        Ok(lab) => Some(lab),
        Err(error) => {
            support::skipped(test, &format!("ports 25 and 80 of {address} are not to be had: {error}"));
            None
        }
    }
}

#[test]
fn the_shipped_files_tell_exchange_online_before_its_change_from_after() {
    let test = "the_shipped_files_tell_exchange_online_before_its_change_from_after";
    let servers = servers();
    let Some(before) = at_real_ports(&servers, test, "exchange-online-before") else { return };
    let Some(after) = at_real_ports(&servers, test, "exchange-online") else { return };
    assert_eq!(after.target, "smtp://mail.protection.outlook.com:25");
    check(&before, Path::new(BEFORE), &[]).expect(0, &[]);
    check(&after, Path::new(AFTER), &[]).expect(0, &[]);

    // Nothing has changed yet, and the machine does not know the new root.
    let outcome = check(&before, Path::new(AFTER), &[]);
    outcome.expect(2, &["critical store.root-missing", "critical expect.mismatch", "critical expect.mismatch"]);
    let missed = messages(&outcome, "expect.mismatch");
    assert!(missed[0].contains("root GlobalSign Root CA – R1") && missed[0].contains("CN=Baltimore CyberTrust Root"));
    assert!(missed[1].contains("no organizational_unit is expected, but it is Unit Before"), "{missed:?}");

    // It has changed, and the machine still trusts the old root only.
    let old_roots = before.roots_file.to_str().unwrap();
    let outcome = check(&after, Path::new(AFTER), &["--roots", old_roots]);
    outcome.expect(2, &["critical store.root-missing", "critical path.untrusted-root"]);
    let missing = messages(&outcome, "store.root-missing");
    assert!(missing[0].contains("GlobalSign Root CA – R1 (CN=GlobalSign Root CA)"), "{missing:?}");
    let urls = outcome.report["targets"][0]["endpoints"].as_array().unwrap();
    assert!(urls.iter().any(|endpoint| endpoint["url"] == "http://crl.globalsign.com/gsorganizationvalsha2g3.crl"));
}

#[test]
fn a_rollover_is_compared_with_what_was_announced() {
    let test = "a_rollover_is_compared_with_what_was_announced";
    let servers = servers();
    let Some(before) = at_real_ports(&servers, test, "exchange-online-before") else { return };
    let Some(after) = at_real_ports(&servers, test, "exchange-online") else { return };
    let folder = tempfile::tempdir().unwrap();
    let both = folder.path().join("roots.pem");
    let roots = [&before, &after].map(|lab| fs::read_to_string(&lab.roots_file).unwrap());
    fs::write(&both, roots.concat()).unwrap();
    let address = after.dns_server.ip().to_string();
    let run = |roots: &Path, facts: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
        command.args(["rollover", "--from", &before.target, "--to", &after.target, "--connect", &address]);
        // Names of the new chain are the new lab's; the old one's servers are found by their pins.
        command.args(["--format", "json", "--no-proxy", "--dns-server", &before.dns_server.to_string()]);
        for (name, address) in after.pins.iter().filter(|(name, _)| name.ends_with(".globalsign.com")) {
            command.args(["--resolve", &format!("{name}:{address}")]);
        }
        let outcome = Outcome::of(command.arg("--roots").arg(roots).args(["--expect", facts]));
        let findings = outcome.report["findings"].as_array().unwrap().clone();
        let codes = findings.iter().filter(|finding| finding["severity"] != "info");
        let mut codes: Vec<String> = codes.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
        codes.sort();
        (outcome.exit, codes)
    };
    assert_eq!(run(&both, AFTER), (0, Vec::new()));
    let missed = |count| vec!["expect.mismatch".to_owned(); count];
    assert_eq!(run(&both, BEFORE), (2, missed(1)));
    assert_eq!(run(&before.roots_file, AFTER), (2, vec!["store.root-missing".to_owned()]));
}

#[test]
fn places_are_gone_to_once_a_run_however_many_targets_there_are() {
    let servers = servers();
    let lab = started(&servers, "clean");
    let folder = tempfile::tempdir().unwrap();
    let facts = file(
        &folder,
        &format!("endpoints = [\"crl.certflight.test:{0}\", \"http://aia.certflight.test:{0}\"]", lab.http_port),
    );
    let outcome = check(&lab, &facts, &[&lab.target, &lab.target]);
    outcome.expect(0, &[]);
    assert_eq!(outcome.report["summary"]["targets"], 3);
    let requests = lab.requests();
    // The second is HTTP by its scheme; at the first's port only the connection counts.
    assert_eq!(requests.iter().filter(|request| *request == "GET aia.certflight.test/").count(), 1, "{requests:?}");
}

#[test]
fn a_place_that_nobody_answers_at_is_a_miss_of_its_own() {
    let servers = servers();
    let lab = started(&servers, "clean");
    let folder = tempfile::tempdir().unwrap();
    let facts =
        file(&folder, "endpoints = [\"nowhere.certflight.test\"]\nsubject_common_name = \"www.certflight.test\"");
    let outcome = check(&lab, &facts, &[]);
    outcome.expect(2, &["critical expect.mismatch"]);
    let missed = messages(&outcome, "expect.mismatch");
    assert!(missed[0].contains("nowhere.certflight.test:80") && missed[0].contains("does not exist"), "{missed:?}");
}

#[test]
fn what_could_not_be_looked_at_does_not_hold() {
    let servers = servers();
    let folder = tempfile::tempdir().unwrap();
    let facts = file(&folder, "tls_version_min = \"TLSv1.2\"\nissuer = \"Lab Intermediate\"\nendpoints = [\"a.test\"]");

    let lab = started(&servers, "clean-file");
    let outcome = check(&lab, &facts, &["--offline"]);
    outcome.expect(2, &["critical expect.mismatch", "critical expect.mismatch"]);
    let missed = messages(&outcome, "expect.mismatch").join("\n");
    assert!(missed.contains("a file says nothing of TLS") && missed.contains("--offline contacts none"), "{missed}");

    let facts = file(&folder, "tls_version_min = \"TLSv1.2\"\nissuer = \"Lab Intermediate\"");
    let lab = started(&servers, "connection.failed");
    let outcome = check(&lab, &facts, &[]);
    outcome.expect(2, &["critical connection.failed", "critical expect.mismatch"]);
    check(&lab, &facts, &["--severity", "connection.*=ignore"]).expect(2, &["critical expect.mismatch"]);
    check(&started(&servers, "clean"), &facts, &[]).expect(0, &[]);
    check(&started(&servers, "clean-tls12"), &facts, &[]).expect(0, &[]);
    let facts = file(&folder, "tls_version_min = \"1.3\"");
    check(&started(&servers, "clean-tls12"), &facts, &[]).expect(2, &["critical expect.mismatch"]);
}

#[test]
fn a_file_that_states_nothing_sensible_is_an_error_with_file_and_key() {
    let folder = tempfile::tempdir().unwrap();
    for (text, parts) in [
        ("", &["facts.toml", "nothing is expected"][..]),
        ("roots = \"A\"", &["facts.toml", "roots", "did you mean root?"]),
        ("root = 1", &["facts.toml", "root is a whole number"]),
        ("root = \"A", &["facts.toml", "line 1"]),
    ] {
        let path = file(&folder, text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
        let output = command.args(["check", "a.test", "--expect"]).arg(&path).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), &b""[..]), "{text}");
        assert!(parts.iter().all(|part| stderr.contains(part)) && stderr.lines().count() == 1, "{text}: {stderr}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
    let output = command.args(["endpoints", "a.test", "--expect", AFTER]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--expect is for check and rollover"));
}
