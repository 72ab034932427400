//! The program while it listens.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::Receiver;

use serde_json::Value;

/// A running `certflight listen`, which is ended at the latest when this is dropped.
pub struct Listening {
    child: Option<Child>,
    stderr: BufReader<ChildStderr>,
    pub address: SocketAddr,
    folder: tempfile::TempDir,
    stdout: PathBuf,
}

/// What it left.
pub struct Told {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Listening {
    /// Listens on a free port of loopback; returns once connections are accepted.
    pub fn start(arguments: &[&str]) -> Self {
        Self::at("127.0.0.1:0", arguments)
    }

    pub fn at(address: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stdout = folder.path().join("stdout");
        let mut child = Command::new(env!("CARGO_BIN_EXE_certflight"))
            .args(["listen", address])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let before = said.len();
            assert!(stderr.read_line(&mut said).unwrap() > 0, "it did not listen: {said}");
            if let Some(address) = said[before..].trim().strip_prefix("listening on ") {
                break address.parse().unwrap();
            }
        };
        Self { child: Some(child), stderr, address, folder, stdout }
    }

    pub fn port(&self) -> String {
        self.address.port().to_string()
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Most memory it ever had, in KiB.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> u64 {
        let id = self.child.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Asks it to end, and hands over what it told.
    pub fn finish(mut self) -> Told {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.ended()
    }

    /// Waits until it ends by itself.
    pub fn ended(&mut self) -> Told {
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).unwrap();
        let status = self.child.take().unwrap().wait().unwrap();
        let stdout = std::fs::read_to_string(&self.stdout).unwrap();
        Told { exit: status.code().unwrap_or(-1), stdout, stderr }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Told {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    pub fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// `severity code` of every finding.
    pub fn findings(&self) -> Vec<String> {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let report = self.json();
        let findings = report["findings"].as_array().unwrap().iter();
        findings.map(|finding| format!("{} {}", word(&finding["severity"]), word(&finding["code"]))).collect()
    }
}

/// Runs a program to its end, whatever that is, and gives what it said.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What a server in a thread hands over, or the test fails.
pub fn received<T>(from: &Receiver<T>) -> T {
    from.recv_timeout(std::time::Duration::from_secs(60)).expect("the other side did not get that far")
}
