//! A CA whose CRLs and certificates are in a directory alone, OpenLDAP's slapd: what `check` and `url` say of
//! certificates that name ldap and ldaps URLs.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::Value;
use support::{Authority, Outcome, have, key, openssl, own_address};

const LDAP: u16 = 3890;
const LDAPS: u16 = 6360;

/// What differs from the clean case.
struct Staging {
    /// The leaf's distribution point.
    crl: String,
    crl_days: (i64, i64),
    revoke: bool,
    /// More lines of slapd's configuration, before its database.
    configuration: &'static str,
    /// Whether the directory's TLS certificate is from a root that nobody trusts.
    untrusted: bool,
}

impl Staging {
    fn clean() -> Self {
        Self {
            crl: in_entry("ldap", "cn=Issuing%20CA", "certificateRevocationList;binary"),
            crl_days: (-1, 30),
            revoke: false,
            configuration: "",
            untrusted: false,
        }
    }

    fn with_crl(crl: String) -> Self {
        Self { crl, ..Self::clean() }
    }
}

/// A URL of an attribute. The DN's comma is percent-encoded, which OpenSSL's configuration needs.
fn in_entry(scheme: &str, entry: &str, attribute: &str) -> String {
    let port = if scheme == "ldaps" { LDAPS } else { LDAP };
    format!("{scheme}://dir.real.test:{port}/{entry}%2Co=Real?{attribute}")
}

struct Directory {
    folder: tempfile::TempDir,
    address: Ipv4Addr,
    leaf: PathBuf,
    root: Authority,
    issuing: Authority,
    slapd: Option<Child>,
}

impl Directory {
    fn start(staging: &Staging) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        let root = Authority::root(base, "Directory Root");
        let issuing = Authority::new(base, "Issuing CA");
        let places = |crl: &str, issuers: &str| {
            format!("crlDistributionPoints=URI:{crl}\nauthorityInfoAccess=caIssuers;URI:{issuers}\n")
        };
        let of_root = places(
            &in_entry("ldap", "cn=Root%20CA", "authorityRevocationList;binary"),
            &in_entry("ldap", "cn=Root%20CA", "cACertificate;binary"),
        );
        let ca = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n\
                  subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";
        root.issue(&issuing.folder, "ca", &issuing.subject, &format!("{ca}{of_root}"), (-100, 1000));

        let server = "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n\
                      subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";
        key(base, "leaf.key");
        let of_issuing = places(&staging.crl, &in_entry("ldap", "cn=Issuing%20CA", "cACertificate?base"));
        let extensions = format!("{server}subjectAltName=DNS:www.real.test\n{of_issuing}");
        issuing.issue(base, "leaf", "/CN=www.real.test", &extensions, (-10, 80));
        let leaf = base.join("leaf.pem");
        if staging.revoke {
            issuing.revoke(&leaf);
        }
        issuing.crl(staging.crl_days, false);
        root.crl((-1, 30), false);

        let stranger = Authority::root(base, "Stranger Root");
        let signer = if staging.untrusted { &stranger } else { &root };
        key(base, "directory.key");
        let extensions = format!("{server}subjectAltName=DNS:dir.real.test\n");
        signer.issue(base, "directory", "/CN=dir.real.test", &extensions, (-10, 80));

        let address = own_address();
        let mut directory = Self { address, leaf, root, issuing, slapd: None, folder };
        directory.fill(&stranger);
        directory.start_slapd(staging.configuration);
        directory
    }

    /// Loads the entries. The issuing CA's has a stranger's certificate beside its own, as after a change of keys.
    fn fill(&self, stranger: &Authority) {
        let crl = |ca: &Authority| fs::read(ca.folder.join("crl.der")).unwrap();
        let entries = [
            ("Issuing CA", "certificateRevocationList", vec![crl(&self.issuing)]),
            ("Issuing CA", "cACertificate", vec![der(stranger), der(&self.issuing)]),
            ("Root CA", "authorityRevocationList", vec![crl(&self.root)]),
            ("Root CA", "cACertificate", vec![der(&self.root)]),
        ];
        let mut ldif = "dn: o=Real\nobjectClass: organization\no: Real\n".to_owned();
        for name in ["Issuing CA", "Root CA", "Empty CA"] {
            write!(ldif, "\ndn: cn={name},o=Real\nobjectClass: organizationalRole\nobjectClass: pkiCA\ncn: {name}\n")
                .unwrap();
            for (_, attribute, values) in entries.iter().filter(|(of, ..)| *of == name) {
                for value in values {
                    let value = base64::engine::general_purpose::STANDARD.encode(value);
                    writeln!(ldif, "{attribute};binary:: {value}").unwrap();
                }
            }
        }
        fs::write(self.folder.path().join("entries.ldif"), ldif).unwrap();
    }

    fn start_slapd(&mut self, configuration: &str) {
        let base = self.folder.path();
        fs::create_dir(base.join("database")).unwrap();
        let file = base.join("slapd.conf");
        let text = format!(
            "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {base}/slapd.pid\n\
             TLSCertificateFile {base}/directory.pem\nTLSCertificateKeyFile {base}/directory.key\n{configuration}\n\
             database mdb\nmaxsize 16777216\nsuffix \"o=Real\"\ndirectory {base}/database\n",
            base = base.display()
        );
        fs::write(&file, text).unwrap();
        let loaded =
            Command::new("slapadd").arg("-f").arg(&file).arg("-l").arg(base.join("entries.ldif")).output().unwrap();
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
        let log = fs::File::create(base.join("slapd.log")).unwrap();
        let mut slapd = Command::new("slapd")
            .arg("-f")
            .arg(&file)
            .args(["-d", "0", "-h", &format!("ldap://{0}:{LDAP}/ ldaps://{0}:{LDAPS}/", self.address)])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let limit = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((self.address, LDAPS)).is_err() {
            let exited = slapd.try_wait().unwrap();
            if exited.is_some() || Instant::now() > limit {
                let text = fs::read_to_string(base.join("slapd.log")).unwrap_or_default();
                panic!("slapd does not listen on {} ({exited:?}): {text}", self.address);
            }
            std::thread::yield_now();
        }
        self.slapd = Some(slapd);
    }

    fn run(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
        command.args(arguments).args(["--format", "json", "--timeout", "5", "--retries", "0"]);
        command.args(["--resolve", &format!("dir.real.test:{}", self.address)]);
        command.arg("--roots").arg(self.root.certificate());
        command
    }

    /// Checks the leaf alone: whatever else a path needs comes out of the directory.
    fn check(&self) -> Outcome {
        Outcome::of(&mut self.run(&["check", self.leaf.to_str().unwrap()]))
    }

    /// Judges one URL against the issuing CA.
    fn url(&self, url: &str) -> (i32, Value) {
        let issuer = self.issuing.certificate();
        let arguments = ["url", url, "--issuer", issuer.to_str().unwrap(), "--cert", self.leaf.to_str().unwrap()];
        let output = self.run(&arguments).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), report["endpoints"][0].clone())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Some(slapd) = &mut self.slapd {
            let _ = slapd.kill();
            let _ = slapd.wait();
        }
    }
}

fn der(ca: &Authority) -> Vec<u8> {
    let file: &Path = &ca.folder.join("ca.der");
    openssl(&ca.folder, &["x509", "-in", "ca.pem", "-outform", "DER", "-out", file.to_str().unwrap()]);
    fs::read(file).unwrap()
}

/// One test, where the programs are there.
fn with(test: &str, staging: &Staging, judge: impl FnOnce(&Directory)) {
    if have(test, &["slapd", "slapadd", "openssl"]) {
        judge(&Directory::start(staging));
    }
}

/// The only finding above information, and its message.
fn complaint(outcome: &Outcome) -> String {
    let findings = outcome.report["targets"][0]["findings"].as_array().unwrap().iter();
    let told: Vec<&Value> = findings.filter(|finding| finding["severity"] != "info").collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    told[0]["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_path_and_its_revocation_come_out_of_the_directory() {
    with("openldap::clean", &Staging::clean(), |directory| {
        let outcome = directory.check();
        outcome.expect(0, &[]);
        let target = &outcome.report["targets"][0];
        let endpoints = target["endpoints"].as_array().unwrap();
        assert_eq!(endpoints.len(), 4, "{endpoints:#?}");
        for endpoint in endpoints {
            assert_eq!(endpoint["status"], "ok", "{endpoint:#}");
            let attempt = &endpoint["attempts"][0];
            assert_eq!((&attempt["method"], &attempt["outcome"]), (&"SEARCH".into(), &"ok".into()));
            assert_eq!(attempt["address"], format!("{}:{LDAP}", directory.address));
            assert!(attempt["timings"]["total_ms"].is_number() && attempt["bytes"].as_u64() > Some(100));
            assert!(attempt["http_status"].is_null());
        }
        let statuses = target["revocation"].as_array().unwrap();
        assert!(statuses.len() == 2 && statuses.iter().all(|status| status["status"] == "good"), "{statuses:#?}");
    });
}

#[test]
fn an_expired_crl() {
    let staging = Staging { crl_days: (-30, -1), ..Staging::clean() };
    with("openldap::expired", &staging, |directory| directory.check().expect(2, &["critical crl.expired"]));
}

#[test]
fn a_revoked_certificate() {
    let staging = Staging { revoke: true, ..Staging::clean() };
    with("openldap::revoked", &staging, |directory| directory.check().expect(2, &["critical revocation.revoked"]));
}

#[test]
fn a_missing_entry() {
    let url = in_entry("ldap", "cn=Absent", "certificateRevocationList;binary");
    with("openldap::missing_entry", &Staging::with_crl(url), |directory| {
        let outcome = directory.check();
        outcome.expect(2, &["critical endpoint.ldap-error"]);
        let message = complaint(&outcome);
        assert!(message.contains("noSuchObject (32), the nearest that exists is o=Real"), "{message}");
    });
}

#[test]
fn a_missing_attribute() {
    let url = in_entry("ldap", "cn=Empty%20CA", "certificateRevocationList;binary");
    with("openldap::missing_attribute", &Staging::with_crl(url), |directory| {
        let outcome = directory.check();
        outcome.expect(2, &["critical endpoint.ldap-error"]);
        let message = complaint(&outcome);
        assert!(message.contains("the entry has no attribute certificateRevocationList;binary"), "{message}");
    });
}

#[test]
fn a_referral() {
    let url = format!("ldap://dir.real.test:{LDAP}/cn=x%2Co=Elsewhere?certificateRevocationList;binary");
    let staging = Staging { configuration: "referral ldap://other.real.test", ..Staging::with_crl(url) };
    with("openldap::referral", &staging, |directory| {
        let outcome = directory.check();
        outcome.expect(2, &["critical endpoint.ldap-error"]);
        let message = complaint(&outcome);
        assert!(message.contains("a referral to ldap://other.real.test"), "{message}");
    });
}

#[test]
fn a_directory_without_anonymous_binds() {
    let staging = Staging { configuration: "disallow bind_anon", ..Staging::clean() };
    with("openldap::no_anonymous_bind", &staging, |directory| directory.check().expect(0, &[]));
}

#[test]
fn a_directory_that_wants_a_login() {
    let staging = Staging { configuration: "require authc", ..Staging::clean() };
    with("openldap::login", &staging, |directory| {
        let (exit, endpoint) = directory.url(&staging.crl);
        assert_eq!((exit, &endpoint["word"]), (2, &"LDAP error".into()), "{endpoint:#}");
        let detail = endpoint["attempts"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("unwillingToPerform (53) \"authentication required\""), "{detail}");
    });
}

#[test]
fn tls_with_a_trusted_certificate() {
    let url = in_entry("ldaps", "cn=Issuing%20CA", "certificateRevocationList;binary");
    with("openldap::ldaps", &Staging::with_crl(url), |directory| directory.check().expect(0, &[]));
}

#[test]
fn tls_with_an_untrusted_certificate() {
    let url = in_entry("ldaps", "cn=Issuing%20CA", "certificateRevocationList;binary");
    let staging = Staging { untrusted: true, ..Staging::with_crl(url) };
    with("openldap::ldaps_untrusted", &staging, |directory| {
        let outcome = directory.check();
        outcome.expect(2, &["critical endpoint.unreachable"]);
        let message = complaint(&outcome);
        assert!(
            message.contains("the TLS handshake with") && message.contains("issued by CN=Stranger Root"),
            "{message}"
        );
    });
}

#[test]
fn single_urls() {
    with("openldap::url", &Staging::clean(), |directory| {
        for (attribute, kind) in [
            ("certificateRevocationList;binary", "crl"),
            ("certificateRevocationList?base?objectClass=pkiCA", "crl"),
            ("cACertificate;binary", "ca-issuers"),
            ("?sub?(cn=Issuing*)", "crl"),
        ] {
            let (exit, endpoint) = directory.url(&in_entry("ldap", "cn=Issuing%20CA", attribute));
            assert_eq!((exit, &endpoint["word"]), (0, &"OK".into()), "{attribute}: {endpoint:#}");
            assert_eq!(endpoint["kind"], kind, "{attribute}");
        }
        let (exit, endpoint) = directory.url(&in_entry("ldap", "cn=Empty%20CA", "cACertificate;binary"));
        assert_eq!((exit, &endpoint["word"], &endpoint["kind"]), (2, &"LDAP error".into(), &"ca-issuers".into()));
        let (exit, endpoint) = directory.url("ldap:///cn=Issuing%20CA,o=Real?certificateRevocationList;binary");
        assert_eq!((exit, &endpoint["word"]), (2, &"Unsupported".into()), "{endpoint:#}");
        assert_eq!(endpoint["skipped"], "ldap URL without a host");
    });
}
