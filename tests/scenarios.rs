//! Every scenario of the lab, both variants, through the real binary: exactly the findings it says, the
//! verdict and exit code it says, and a report that its own schema accepts. And every code of the
//! catalogue has a scenario, with a near miss that stays silent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Command;
use std::sync::Mutex;

use certflight::finding::catalogue;
use certflight::lab::scenario::{self, Scenario, Variant};
use serde_json::Value;

/// Codes that no scenario can stage, each with the reason.
const NOT_STAGED: [(&str, &str); 6] = [
    ("listen.old-client", CLIENTS),
    ("listen.no-good-suite", CLIENTS),
    ("listen.without-starttls", CLIENTS),
    ("listen.service-unreachable", CLIENTS),
    ("listen.incomplete", CLIENTS),
    ("listen.no-client", CLIENTS),
];

const CLIENTS: &str = "clients bring it about, and tests/listen.rs has real ones";

/// Runs one variant and says how it differs from what the scenario promises.
fn differences(scenario: &Scenario, variant: Variant, schema: &jsonschema::Validator) -> Vec<String> {
    let expected = scenario.expectation(variant).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
    command.args(["demo", &scenario.name, "--format", "json"]);
    if variant == Variant::Silent {
        command.arg("--silent");
    }
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else {
        return vec![format!("no report: {} {stderr}", String::from_utf8_lossy(&output.stdout))];
    };
    let mut differences: Vec<String> =
        schema.iter_errors(&report).map(|error| format!("schema: {error} at {}", error.instance_path())).collect();
    let findings = match scenario.command {
        scenario::Command::Check | scenario::Command::Tls => report["targets"][0]["findings"].as_array(),
        scenario::Command::Url | scenario::Command::Rollover | scenario::Command::Roots => {
            report["findings"].as_array()
        }
    };
    let findings = findings.unwrap();
    let mut fired: Vec<&str> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    let mut promised: Vec<&str> = expected.fires.iter().map(String::as_str).collect();
    fired.sort_unstable();
    promised.sort_unstable();
    if fired != promised {
        let messages: Vec<&str> = findings.iter().filter_map(|finding| finding["message"].as_str()).collect();
        differences.push(format!("fires {fired:?} instead of {promised:?}: {messages:#?}"));
    }
    if report["verdict"] != expected.verdict.as_str() {
        differences.push(format!("verdict {} instead of {}", report["verdict"], expected.verdict));
    }
    let exit = ["ok", "warning", "critical", "unknown"].iter().position(|word| *word == expected.verdict).unwrap();
    if output.status.code() != i32::try_from(exit).ok() {
        differences.push(format!("{} instead of exit code {exit}", output.status));
    }
    differences
}

fn schema(report: &str) -> jsonschema::Validator {
    let output = Command::new(env!("CARGO_BIN_EXE_certflight")).args(["schema", report]).output().unwrap();
    assert!(output.status.success());
    jsonschema::validator_for(&serde_json::from_slice(&output.stdout).unwrap()).unwrap()
}

#[test]
fn every_scenario_fires_exactly_what_it_says() {
    let (check, url, rollover) = (schema("report"), schema("url"), schema("rollover"));
    let (roots, tls) = (schema("roots"), schema("tls"));
    let scenarios = Scenario::all().unwrap();
    let slow_too = std::env::var_os("CERTFLIGHT_SLOW_SCENARIOS").is_some();
    let mut jobs = Vec::new();
    for scenario in &scenarios {
        if scenario.slow && !slow_too {
            let name = &scenario.name;
            let note = "takes over ten seconds by its nature; set CERTFLIGHT_SLOW_SCENARIOS=1 to run it";
            writeln!(std::io::stderr(), "SKIPPED scenario {name}: {note}").unwrap();
            continue;
        }
        jobs.push((scenario, Variant::Firing));
        if scenario.expectation(Variant::Silent).is_some() {
            jobs.push((scenario, Variant::Silent));
        }
    }
    let ran = jobs.len();
    let queue = Mutex::new(jobs.into_iter());
    let wrong = Mutex::new(Vec::new());
    // Most of a scenario's time is waiting, so more of them run than there are processors.
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                loop {
                    let Some((scenario, variant)) = queue.lock().unwrap().next() else { return };
                    let validator = match scenario.command {
                        scenario::Command::Check => &check,
                        scenario::Command::Url => &url,
                        scenario::Command::Rollover => &rollover,
                        scenario::Command::Roots => &roots,
                        scenario::Command::Tls => &tls,
                    };
                    for difference in differences(scenario, variant, validator) {
                        wrong.lock().unwrap().push(format!("{} ({variant:?}): {difference}", scenario.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(ran > 150, "only {ran} variants were run");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_code_has_a_scenario_that_fires_it_and_one_that_stays_silent() {
    let scenarios = Scenario::all().unwrap();
    let codes: BTreeSet<&str> = catalogue::all().map(|entry| entry.code.as_str()).collect();
    let excused: BTreeSet<&str> = NOT_STAGED.iter().map(|(code, _)| *code).collect();
    for code in codes.difference(&excused) {
        let scenario = scenarios.iter().find(|scenario| scenario.code() == Some(code));
        let scenario = scenario.unwrap_or_else(|| panic!("{code} has no scenario"));
        let fires = |variant| scenario.expectation(variant).unwrap().fires.iter().any(|fired| fired == code);
        assert!(fires(Variant::Firing), "{code}: its scenario does not fire it");
        assert!(!fires(Variant::Silent), "{code}: its near miss fires it");
    }
    for scenario in &scenarios {
        for variant in [Variant::Firing, Variant::Silent] {
            for code in scenario.expectation(variant).map(|it| it.fires.as_slice()).unwrap_or_default() {
                assert!(codes.contains(code.as_str()), "{}: {code} is not in the catalogue", scenario.name);
            }
        }
    }
}
