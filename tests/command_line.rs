//! What the command line promises without asking the network for anything.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Read as _;
use std::process::{Command, Stdio};

use assert_cmd::assert::OutputAssertExt as _;
use serde_json::Value;

fn certflight(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
    command.args(arguments).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = certflight(arguments).output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in
        [&["--help"][..], &["-h"], &["check", "--help"], &["url", "-h"], &["roots", "--help"], &["--version"]]
    {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(stdout.contains("certflight"), "{arguments:?}: {stdout}");
    }
}

#[test]
fn bad_arguments_exit_3_with_the_remedy_on_standard_error() {
    let cases: [(&[&str], &str); 9] = [
        (&[], "Usage"),
        (&["nonesuch"], "nonesuch"),
        (&["check"], "<TARGET>"),
        (&["check", "a.example", "--format", "yaml"], "ndjson"),
        (&["check", "a.example", "--timeout", "0"], "must be more than 0"),
        (&["check", "a.example", "--at", "soon"], "2026-12-01"),
        (&["check", "a.example", "--crl", "/no/such/file.crl"], "cannot read /no/such/file.crl"),
        (&["check", "-", "--targets-from", "-"], "standard input"),
        (&["explain", "crl.expird"], "did you mean crl.expired?"),
    ];
    for (arguments, part) in cases {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, stdout.as_str()), (3, ""), "{arguments:?}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_proxys_password_is_never_repeated() {
    for proxy in ["gopher://user:s3cret@proxy:1", "http://user:s3cret@proxy:port"] {
        for option in ["--proxy", "--endpoint-proxy"] {
            let (code, stdout, stderr) = run(&["check", "a.example", option, proxy]);
            assert_eq!((code, stdout.as_str()), (3, ""));
            assert!(stderr.contains(option) && !stderr.contains("s3cret"), "{stderr}");
        }
    }
}

#[test]
fn schemas_are_json() {
    for (arguments, title) in [
        (&["schema"][..], "certflight/report/1"),
        (&["schema", "report"], "certflight/report/1"),
        (&["schema", "url"], "certflight/url/1"),
        (&["schema", "roots"], "certflight/roots/1"),
    ] {
        let (code, stdout, _) = run(arguments);
        let schema: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((code, schema["title"].as_str()), (0, Some(title)));
    }
}

#[test]
fn explain_lists_and_explains() {
    let (code, list, _) = run(&["explain"]);
    assert_eq!(code, 0);
    assert!(list.contains("crl.expired") && list.contains("chain.incomplete"));
    assert!(list.lines().all(|line| line.chars().count() <= 100));
    let (code, group, _) = run(&["explain", "crl.*", "chain.incomplete"]);
    assert_eq!(code, 0);
    assert!(group.contains("crl.expired") && group.contains("chain.incomplete") && group.contains('→'));
}

#[test]
fn completions_and_manual_pages_are_written() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, script, _) = run(&["completions", shell]);
        assert_eq!(code, 0);
        assert!(script.contains("all-addresses"), "{shell}");
    }
    let (code, page, _) = run(&["man", "check"]);
    assert_eq!(code, 0);
    assert!(page.contains("certflight-check") && page.contains("all\\-addresses"), "{page}");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = certflight(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn version_names_the_tool() {
    certflight(&["--version"]).assert().success().stdout(format!("certflight {}\n", env!("CARGO_PKG_VERSION")));
}
