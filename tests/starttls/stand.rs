//! A certificate with everything it names in place, the servers that present it, and what `check` says of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{self, CrlPage, Outcome, Pki, Staging};

/// Where `test.sh` unpacks the packages that are not installed.
const UNPACKED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/servers");

pub struct Stand {
    pub pki: Pki,
    /// The certificate with its intermediate.
    pub chain: PathBuf,
    pub key: PathBuf,
}

impl Stand {
    /// `None`, and said so, where one of these programs or what every test needs is missing.
    pub fn with(test: &str, programs: &[&str]) -> Option<Self> {
        if !support::have(test, &[programs, &["nginx", "openssl"]].concat()) {
            return None;
        }
        // Servers give up root themselves, each for a user of its own.
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1));
        if user != Some("0") {
            support::skipped(test, "servers are started as root");
            return None;
        }
        let mut pki = Pki::new(&Staging::clean());
        let chain = pki.chain(true);
        let key = pki.folder.path().join("leaf.key");
        pki.start_nginx(None, None, CrlPage::File);
        Some(Self { pki, chain, key })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.pki.folder.path().join(name)
    }

    /// Writes a file, its folder included, and gives its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A folder of that user's own.
    pub fn folder(&self, name: &str, user: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        own(&path, user);
        path
    }

    /// The key, readable by that user alone.
    pub fn key_of(&self, user: &str) -> PathBuf {
        let path = self.path(&format!("{user}.key"));
        fs::copy(&self.key, &path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        own(&path, user);
        path
    }

    pub fn check(&self, scheme: &str, port: u16, extra: &[&str]) -> Outcome {
        let extra = [&["--timeout", "20"], extra].concat();
        self.pki.check(&format!("{scheme}://www.real.test:{port}"), &extra)
    }

    /// The whole check is passed, by way of the protocol.
    #[track_caller]
    pub fn accepts(&self, scheme: &str, port: u16) {
        let outcome = self.check(scheme, port, &[]);
        outcome.expect(0, &[]);
        let connection = &outcome.report["targets"][0]["connections"][0];
        assert!(connection["timings"]["starttls_ms"].is_number(), "{connection}");
        assert!(connection["served"].as_array().is_some_and(|served| served.len() == 2), "{connection}");
        self.enumerates(scheme, port, &connection["tls"]);
    }

    /// `tls` goes the same way, as often as it has questions, and finds what `check` was given.
    #[track_caller]
    fn enumerates(&self, scheme: &str, port: u16, negotiated: &Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
        command.args(["tls", &format!("{scheme}://www.real.test:{port}"), "--suites-only", "--format", "json"]);
        command.args(["--timeout", "20", "--connect", &format!("{}:{port}", self.pki.address)]);
        let output = command.output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)));
        let target = &report["targets"][0];
        let codes: Vec<&str> =
            target["findings"].as_array().unwrap().iter().filter_map(|it| it["code"].as_str()).collect();
        assert!(
            codes.iter().all(|code| code.starts_with("tls.") && *code != "tls.incomplete"),
            "{}",
            target["findings"]
        );
        assert!(
            target["versions"].as_array().unwrap().iter().all(|version| version["accepted"].is_boolean()),
            "{target}"
        );
        let found = target["cipher_suites"]
            .as_array()
            .unwrap()
            .iter()
            .any(|suite| suite["version"] == negotiated["version"] && suite["name"] == negotiated["cipher_suite"]);
        assert!(found, "{negotiated} is not among {}", target["cipher_suites"]);
    }

    /// The server says no to TLS, in this way.
    #[track_caller]
    pub fn declines(&self, scheme: &str, port: u16, extra: &[&str], told: &str) {
        let outcome = self.check(scheme, port, extra);
        outcome.expect(2, &["critical connection.starttls-unavailable"]);
        says(&outcome, told);
    }
}

/// The first finding's message holds this.
#[track_caller]
pub fn says(outcome: &Outcome, told: &str) {
    let message = &outcome.report["targets"][0]["findings"][0]["message"];
    assert!(message.as_str().is_some_and(|message| message.contains(told)), "{message}");
}

fn own(path: &Path, user: &str) {
    let status = Command::new("chown").arg(user).arg(path).status().unwrap();
    assert!(status.success(), "chown {user} {}", path.display());
}

/// A command that a user without privileges runs.
pub fn as_user(user: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups", "--"]).arg(program).current_dir("/");
    command
}

/// A file of a package that is unpacked, or installed after all; says so where it is neither.
pub fn unpacked(test: &str, package: &str, file: &str) -> Option<PathBuf> {
    let found = [UNPACKED, ""].iter().map(|root| PathBuf::from(format!("{root}/{file}"))).find(|path| path.exists());
    if found.is_none() {
        support::skipped(test, &format!("{package} is neither unpacked in {UNPACKED} nor installed"));
    }
    found
}

/// Lets a program find the libraries that are unpacked beside it.
pub fn with_libraries(command: &mut Command) -> &mut Command {
    let triplet = format!("{UNPACKED}/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    command.env("LD_LIBRARY_PATH", format!("{triplet}:{triplet}/xrdp:{UNPACKED}/usr/lib/news"))
}

/// A command for a program that insists on files in `/etc` which this machine does not have: it sees that folder there, and
/// an empty `/run`.
pub fn with_etc(etc: &Path, program: &Path, arguments: &[&str]) -> Command {
    fs::copy("/etc/ld.so.cache", etc.join("ld.so.cache")).unwrap();
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "sh",
            "-c",
            "mount --bind \"$1\" /etc && mount -t tmpfs tmpfs /run && shift && exec \"$@\"",
            "sh",
        ])
        .arg(etc)
        .arg(program)
        .args(arguments);
    with_libraries(&mut command);
    command
}
