//! `certflight roots` on certificates that the OpenSSL command line made, and on stores made of files, as whoever
//! administers a machine would ask.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{have, openssl};
use tempfile::TempDir;

/// Roots in a folder, each with its key: `NAME.pem` and `NAME.key`.
struct Roots {
    folder: TempDir,
}

/// What a run printed.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn json(&self) -> Value {
        let value = serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stderr));
        let schema = certflight().args(["schema", "roots"]).output().unwrap();
        let schema = jsonschema::validator_for(&serde_json::from_slice(&schema.stdout).unwrap()).unwrap();
        let errors: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        value
    }

    fn csv(&self) -> Vec<std::collections::HashMap<String, String>> {
        csv::Reader::from_reader(self.stdout.as_bytes()).deserialize().map(Result::unwrap).collect()
    }
}

fn certflight() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn roots(arguments: &[&str]) -> Ran {
    run(certflight().arg("roots").args(arguments))
}

impl Roots {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let configuration = "[req]\ndistinguished_name=dn\nprompt=no\nstring_mask=utf8only\n[dn]\n[ca]\n\
            basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n\
            [signing]\ndatabase=index.txt\nnew_certs_dir=.\ndefault_md=sha256\nrand_serial=yes\npolicy=any\n\
            unique_subject=no\nx509_extensions=ca\n[any]\ncountryName=optional\norganizationName=optional\n\
            organizationalUnitName=optional\ncommonName=optional\n";
        fs::write(folder.path().join("openssl.cnf"), configuration).unwrap();
        fs::write(folder.path().join("index.txt"), "").unwrap();
        fs::write(folder.path().join("index.txt.attr"), "unique_subject = no\n").unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    /// A self-signed certificate of that subject, valid from one year to another; with the key of `key`, which is made
    /// unless it is there.
    fn root(&self, name: &str, key: &str, subject: &str, years: (u16, u16)) -> String {
        let (key, request) = (format!("{key}.key"), format!("{name}.csr"));
        if !self.at(&key).exists() {
            let curve = "ec_paramgen_curve:P-256";
            openssl(self.folder.path(), &["genpkey", "-algorithm", "EC", "-pkeyopt", curve, "-out", &key]);
        }
        let asked =
            ["req", "-new", "-utf8", "-key", &key, "-subj", subject, "-config", "openssl.cnf", "-out", &request];
        openssl(self.folder.path(), &asked);
        let certificate = format!("{name}.pem");
        let (from, until) = (format!("{}0101000000Z", years.0), format!("{}0101000000Z", years.1));
        let signed = [
            &["ca", "-batch", "-notext", "-config", "openssl.cnf", "-name", "signing", "-selfsign", "-keyfile", &key][..],
            &["-in", &request, "-out", &certificate, "-startdate", &from, "-enddate", &until, "-preserveDN", "-utf8"],
        ];
        openssl(self.folder.path(), &signed.concat());
        self.path(&certificate)
    }

    /// A certificate by that root for another key; a CA's where `extensions` says so.
    fn below(&self, name: &str, issuer: &str, subject: &str, extensions: &str) -> String {
        let (key, request, certificate) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        fs::write(self.at("below.ext"), extensions).unwrap();
        let curve = "ec_paramgen_curve:P-256";
        openssl(self.folder.path(), &["genpkey", "-algorithm", "EC", "-pkeyopt", curve, "-out", &key]);
        let asked = ["req", "-new", "-key", &key, "-subj", subject, "-config", "openssl.cnf", "-out", &request];
        openssl(self.folder.path(), &asked);
        let (ca, ca_key) = (format!("{issuer}.pem"), format!("{issuer}.key"));
        let signed = ["x509", "-req", "-in", &request, "-CA", &ca, "-CAkey", &ca_key, "-out", &certificate];
        openssl(self.folder.path(), &[&signed[..], &["-days", "100", "-extfile", "below.ext"]].concat());
        self.path(&certificate)
    }

    /// A file with what stands in these, one after the other.
    fn bundle(&self, name: &str, parts: &[&str]) -> String {
        let text: String = parts.iter().map(|part| self.read(&format!("{part}.pem"))).collect();
        fs::write(self.at(name), text).unwrap();
        self.path(name)
    }

    /// `openssl x509 -fingerprint`: `sha1 Fingerprint=AB:CD:…`.
    fn fingerprint(&self, name: &str, algorithm: &str) -> String {
        let file = format!("{name}.pem");
        openssl(self.folder.path(), &["x509", "-in", &file, "-noout", "-fingerprint", algorithm]).trim().to_owned()
    }
}

/// The usual store: a root that is valid, one that expired, one that is to come.
fn usual() -> (Roots, String) {
    let roots = Roots::new();
    roots.root("valid", "valid", "/C=DE/O=Example Trust/CN=Example Root - R1", (2020, 2050));
    roots.root("expired", "expired", "/C=DE/O=Example Trust/CN=Expired Root", (2000, 2010));
    roots.root("future", "future", "/C=DE/O=Example Trust/CN=Future Root", (2090, 2095));
    let store = roots.bundle("store.pem", &["valid", "expired", "future"]);
    (roots, store)
}

#[test]
fn the_store_is_listed_in_every_format() {
    if !have("the_store_is_listed_in_every_format", &["openssl"]) {
        return;
    }
    let (made, store) = usual();
    let listed = roots(&["--roots", &store]);
    assert_eq!((listed.code, listed.stderr.as_str()), (0, ""));
    for part in ["Example Root - R1", "2050-01-01", "2010-01-01 expired", "from 2090-01-01", "3 roots in ", "1 expired"]
    {
        assert!(listed.stdout.contains(part), "{part}: {}", listed.stdout);
    }
    let verbose = roots(&["--roots", &store, "-v"]).stdout;
    let report = roots(&["--roots", &store, "--format", "json"]).json();
    assert_eq!((report["store"].as_str(), &report["query"]), (Some(store.as_str()), &Value::Null));
    assert_eq!(report["compare"], Value::Null);
    let rows = roots(&["--roots", &store, "--format", "csv"]).csv();
    for (place, name) in [(0, "valid"), (1, "expired"), (2, "future")] {
        let (root, row) = (&report["roots"][place], &rows[place]);
        for (algorithm, field) in [("-sha1", "sha1"), ("-sha256", "sha256")] {
            let fingerprint =
                made.fingerprint(name, algorithm).split_once('=').unwrap().1.replace(':', "").to_lowercase();
            assert_eq!(root[field], fingerprint.as_str(), "{name}");
            assert_eq!(row[field], fingerprint, "{name}");
            assert!(verbose.contains(&fingerprint), "{name}");
        }
        assert_eq!(root["origins"][0], store.as_str());
        assert_eq!(root["subject"].as_str(), Some(row["subject"].as_str()));
        assert_eq!((row["match"].as_str(), row["compare"].as_str()), ("", ""));
    }
    let validities: Vec<&str> = rows.iter().map(|row| row["validity"].as_str()).collect();
    assert_eq!(validities, ["valid", "expired", "not-yet-valid"]);
    // As of another instant another one is valid.
    let then = roots(&["--roots", &store, "--at", "2005-01-01", "--format", "csv"]).csv();
    assert_eq!(then[1]["validity"], "valid");
}

#[test]
fn a_root_is_found_by_name_thumbprint_and_file() {
    if !have("a_root_is_found_by_name_thumbprint_and_file", &["openssl"]) {
        return;
    }
    let (made, store) = usual();
    let sha1 = made.fingerprint("valid", "-sha1");
    let digits = sha1.split_once('=').unwrap().1.replace(':', "").to_lowercase();
    let sha256 = made.fingerprint("valid", "-sha256");
    openssl(made.folder.path(), &["x509", "-in", "valid.pem", "-outform", "DER", "-out", "valid.cer"]);
    openssl(made.folder.path(), &["crl2pkcs7", "-nocrl", "-certfile", "valid.pem", "-out", "valid.p7b"]);
    let certmgr = format!(
        "\u{200e}{}",
        digits.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair)).collect::<Vec<_>>().join(" ")
    );
    for query in [
        "Example Root - R1",
        "example root \u{2013} r1",
        "CN=Example Root - R1,O=Example Trust,C=DE",
        "C = DE, O = Example Trust, CN = Example Root - R1",
        "root - r",
        &digits,
        &digits.to_uppercase(),
        &format!("0x{digits}"),
        &sha1,
        &sha256,
        &certmgr,
        &made.path("valid.pem"),
        &made.path("valid.cer"),
        &made.path("valid.p7b"),
    ] {
        let answered = roots(&["--roots", &store, query]);
        assert_eq!(answered.code, 0, "{query}: {}{}", answered.stdout, answered.stderr);
        assert!(answered.stdout.starts_with("trusted: "), "{}", answered.stdout);
        assert!(answered.stdout.contains(&digits), "{}", answered.stdout);
        let report = roots(&["--roots", &store, query, "--format", "json"]).json();
        assert_eq!(report["query"]["status"], "trusted");
        let expected = sha256.split_once('=').unwrap().1.replace(':', "").to_lowercase();
        assert_eq!(report["query"]["matches"], serde_json::json!([expected]));
        assert_eq!(report["roots"].as_array().unwrap().len(), 3, "the whole store stands beside it");
        assert_eq!(roots(&["--roots", &store, query, "--quiet"]).stdout, "");
        let rows = roots(&["--roots", &store, query, "--format", "csv"]).csv();
        assert_eq!(rows.iter().map(|row| row["name"].as_str()).collect::<Vec<_>>(), ["Example Root - R1"]);
    }
    // Words need no quotes.
    assert_eq!(roots(&["--roots", &store, "Example", "Root", "-", "R1"]).code, 0);
    // Several that answer are all listed; one that is valid is enough.
    let several = roots(&["--roots", &store, "example trust"]);
    assert_eq!(several.code, 0);
    assert!(several.stdout.contains("3 roots, 1 of them valid,"), "{}", several.stdout);
}

#[test]
fn only_what_is_trusted_exits_with_0() {
    if !have("only_what_is_trusted_exits_with_0", &["openssl"]) {
        return;
    }
    let (made, store) = usual();
    let subject = "/C=DE/O=Example Trust/CN=Example Root - R1";
    let namesake = made.root("namesake", "namesake", subject, (2020, 2050));
    let reissued = made.root("reissued", "valid", subject, (2024, 2060));
    let outdated = made.root("outdated", "valid", subject, (2001, 2002));
    let renewed = made.root("renewed", "expired", "/C=DE/O=Example Trust/CN=Expired Root", (2020, 2050));
    let stranger = made.root("stranger", "stranger", "/CN=Example Stranger", (2020, 2050));
    made.below("sub", "valid", "/CN=Example Issuing", "basicConstraints=critical,CA:TRUE\n");
    made.below("leaf", "sub", "/CN=www.example.test", "basicConstraints=CA:FALSE\n");
    let chain = made.bundle("chain.pem", &["leaf", "sub"]);
    made.below("othersub", "namesake", "/CN=Example Other", "basicConstraints=critical,CA:TRUE\n");
    let both = made.bundle("both.pem", &["valid", "stranger"]);
    let direct = made.below("direct", "valid", "/CN=intranet.example.test", "basicConstraints=CA:FALSE\n");
    for (query, code, status, part) in [
        (reissued.as_str(), 0, "trusted", "by another certificate for the same name and key"),
        (&outdated, 0, "trusted", "by another certificate for the same name and key"),
        (&chain, 0, "trusted", "which issued Example Issuing"),
        (&direct, 0, "trusted", "which issued intranet.example.test"),
        (&namesake, 2, "other-key", "but under another key"),
        (&made.path("othersub.pem"), 2, "other-key", "has another key than the one that signed Example Other"),
        (&made.path("expired.pem"), 2, "expired", "but expired 2010-01-01T00:00:00Z"),
        (&renewed, 2, "expired", "but expired 2010-01-01T00:00:00Z"),
        ("Expired Root", 2, "expired", "but expired 2010-01-01T00:00:00Z"),
        ("Future Root", 2, "expired", "but not valid before 2090-01-01T00:00:00Z"),
        (&stranger, 2, "absent", "Example Stranger (SHA-256 "),
        (&both, 2, "absent", "Example Stranger (SHA-256 "),
        ("Root Example", 2, "absent", "similar there: Example Root - R1"),
        ("Example Root - R10", 2, "absent", "no root in "),
        ("00112233445566778899aabbccddeeff00112233", 2, "absent", "no root in "),
    ] {
        let report = roots(&["--roots", &store, query, "--format", "json"]);
        assert_eq!(report.code, code, "{query}: {}{}", report.stdout, report.stderr);
        let report = report.json();
        assert_eq!(report["query"]["status"], status, "{query}");
        let asked = report["query"]["asked"].as_array().unwrap();
        let answer = asked.iter().find(|asked| asked["status"] == status).unwrap()["answer"].as_str().unwrap();
        assert!(answer.contains(part), "{query}: {answer}");
        let codes: Vec<&str> =
            report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
        assert_eq!(codes, if code == 0 { vec![] } else { vec!["store.root-missing"] }, "{query}");
        let human = roots(&["--roots", &store, query]);
        assert_eq!(human.code, code);
        if code == 2 {
            let first = if query == "Future Root" { "not yet valid" } else { &status.replace('-', " ") };
            assert!(human.stdout.starts_with(&format!("{first}: ")), "{}", human.stdout);
            assert!(human.stdout.contains("→ "), "{}", human.stdout);
            let quiet = roots(&["--roots", &store, query, "--quiet"]).stdout;
            assert!(quiet.starts_with("CRITICAL ") && quiet.lines().count() == 1, "{quiet}");
        }
    }
    // The very name decides; the others are told.
    made.root("heir", "heir", "/CN=Expired Root G2", (2020, 2050));
    let heirs = made.bundle("heirs.pem", &["expired", "heir"]);
    let answered = roots(&["--roots", &heirs, "expired root"]);
    assert!(answered.code == 2 && answered.stdout.contains("1 other is valid that has"), "{}", answered.stdout);
    // Severities are the user's.
    let ignored = roots(&["--roots", &store, "Nonesuch", "--severity", "store.root-missing=warning"]);
    assert_eq!(ignored.code, 1);
    // The same name, asked by name, is what it is.
    let csv = roots(&["--roots", &store, &namesake, "--format", "csv"]);
    assert_eq!((csv.code, csv.csv()[0]["match"].as_str()), (2, "other-key"));
    assert!(csv.stderr.contains("store.root-missing"), "{}", csv.stderr);
    // The expired root is trusted where the store has its renewed certificate too.
    let store = made.bundle("renewed-store.pem", &["expired", "renewed"]);
    assert_eq!(roots(&["--roots", &store, &made.path("expired.pem")]).code, 0);
}

#[test]
fn what_is_no_question_exits_with_3() {
    if !have("what_is_no_question_exits_with_3", &["openssl"]) {
        return;
    }
    let (made, store) = usual();
    made.root("unknown", "unknown", "/CN=Unknown", (2020, 2050));
    let leaf = made.below("leaf", "unknown", "/CN=www.example.test", "basicConstraints=CA:FALSE\n");
    let text = openssl(made.folder.path(), &["x509", "-in", "valid.pem", "-noout", "-ext", "subjectKeyIdentifier"]);
    let key_identifier = text.lines().last().unwrap().trim().to_owned();
    let serial = openssl(made.folder.path(), &["x509", "-in", "valid.pem", "-noout", "-serial"]);
    let serial = serial.trim().split_once('=').unwrap().1.to_owned();
    let half = made.read("valid.pem").replace("-----END", "!-----END");
    fs::write(made.at("half.pem"), half).unwrap();
    let fingerprint = made.fingerprint("valid", "-sha256");
    let password = ["-passout", "pass:s3cret"];
    let exported = ["pkcs12", "-export", "-nokeys", "-in", "valid.pem", "-out", "valid.p12"];
    openssl(made.folder.path(), &[&exported[..], &password[..]].concat());
    for (query, part) in [
        (&fingerprint[..fingerprint.len() - 1], "63 hexadecimal digits are no thumbprint"),
        ("0123456789abcdef0123456789abcdef", "SHA-1 has 40, SHA-256 has 64"),
        ("SHA-1: 0123456789abcdef0123", "20 hexadecimal digits"),
        (&key_identifier, "but the subject key identifier of Example Root - R1: ask for its thumbprint"),
        (&serial, "but the serial number of Example Root - R1"),
        ("no-such-file.pem", "there is no file no-such-file.pem"),
        ("no/such/file", "there is no file no/such/file"),
        (&leaf, "may be an intermediate"),
        (&made.path("valid.key"), "no certificate in "),
        (&made.path("half.pem"), "does not decode"),
        (&made.path("valid.p12"), "--password-file"),
        ("-", "standard input"),
        (" \u{2013} ", "nothing to look for"),
        ("", "nothing to look for"),
    ] {
        let ran = roots(&["--roots", &store, query]);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{query}");
        assert!(ran.stderr.contains(part), "{query}: {}", ran.stderr);
    }
    let two = roots(&["--roots", &store, &store, &leaf]);
    assert!(two.code == 3 && two.stderr.contains("one file at a time"), "{}", two.stderr);
    fs::write(made.at("password"), "s3cret\n").unwrap();
    let opened = roots(&["--roots", &store, &made.path("valid.p12"), "--password-file", &made.path("password")]);
    assert_eq!(opened.code, 0, "{}", opened.stderr);
    let mut child = certflight()
        .args(["roots", "--roots", &store, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(made.read("valid.pem").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_native_store_says_where_each_root_stands_and_what_did_not_load() {
    if !have("the_native_store_says_where_each_root_stands_and_what_did_not_load", &["openssl"]) {
        return;
    }
    let (made, _) = usual();
    openssl(made.folder.path(), &["x509", "-in", "future.pem", "-trustout", "-out", "trusted.pem"]);
    let broken = "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n";
    let hollow = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let text =
        format!("{}{broken}{}{hollow}{}", made.read("valid.pem"), made.read("expired.pem"), made.read("trusted.pem"));
    let line = |block: &str| text[..text.find(block).unwrap()].lines().count() + 1;
    let store = made.path("native.pem");
    fs::write(&store, &text).unwrap();
    let native = |arguments: &[&str]| run(certflight().arg("roots").args(arguments).env("SSL_CERT_FILE", &store));
    let listed = native(&["--format", "json"]);
    assert_eq!(listed.code, 1, "{}", listed.stderr);
    let report = listed.json();
    assert_eq!((report["store"].as_str(), report["verdict"].as_str()), (Some("native"), Some("warning")));
    assert_eq!(report["places"], serde_json::json!([store]));
    assert_eq!(report["roots"].as_array().unwrap().len(), 2);
    for root in report["roots"].as_array().unwrap() {
        let real = fs::canonicalize(&store).unwrap();
        assert_eq!(root["origins"], serde_json::json!([real]));
    }
    let errors: Vec<&str> = report["errors"].as_array().unwrap().iter().map(|error| error.as_str().unwrap()).collect();
    let errors = errors.join("\n");
    for part in [
        format!("the CERTIFICATE block at line {} does not decode", line(broken)),
        format!("the CERTIFICATE block at line {} holds no certificate", line(hollow)),
        "1 TRUSTED CERTIFICATE block was not read".to_owned(),
    ] {
        assert!(errors.contains(&part), "{part}: {errors}");
    }
    assert_eq!(report["findings"][0]["code"], "store.unreadable");
    let human = native(&[]);
    assert!(human.code == 1 && human.stdout.contains("store.unreadable"), "{}", human.stdout);
    let csv = native(&["--format", "csv"]);
    assert!(csv.code == 1 && csv.stderr.contains("store.unreadable"), "{}", csv.stderr);
    // A root that is trusted stays so; one that is not could be among those that were not read.
    assert_eq!(native(&[&made.path("valid.pem")]).code, 1);
    let absent = native(&["Future Root"]);
    assert!(absent.code == 2 && absent.stdout.contains("may be among those"), "{}", absent.stdout);
    assert!(absent.stdout.contains("this machine's trust store (native, 2 roots)"), "{}", absent.stdout);
}

#[cfg(unix)]
#[test]
fn a_folder_of_links_leads_to_the_files_that_somebody_put_there() {
    if !have("a_folder_of_links_leads_to_the_files_that_somebody_put_there", &["openssl"]) {
        return;
    }
    let (made, _) = usual();
    let base = fs::canonicalize(made.folder.path()).unwrap();
    let hashed = base.join("hashed");
    fs::create_dir(&hashed).unwrap();
    std::os::unix::fs::symlink(base.join("valid.pem"), hashed.join("01234567.0")).unwrap();
    fs::copy(base.join("valid.pem"), hashed.join("copy.pem")).unwrap();
    let ran = run(certflight().args(["roots", "--format", "json"]).env("SSL_CERT_DIR", &hashed));
    let report = ran.json();
    assert_eq!(ran.code, 0);
    assert_eq!(report["places"], serde_json::json!([hashed]));
    let origins = serde_json::json!([base.join("valid.pem"), hashed.join("copy.pem")]);
    assert_eq!(report["roots"][0]["origins"], origins);
}

#[test]
fn without_any_anchor_nothing_can_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let empty_store = |arguments: &[&str]| run(certflight().arg("roots").args(arguments).env("SSL_CERT_FILE", &empty));
    for query in [&[][..], &["ISRG Root X1"]] {
        for format in ["human", "json", "csv"] {
            let ran = empty_store(&[query, &["--format", format]].concat());
            assert_eq!(ran.code, 3, "{format}: {}", ran.stdout);
            assert!(format!("{}{}", ran.stdout, ran.stderr).contains("store.unreadable"), "{format}: {}", ran.stdout);
        }
        let report = empty_store(&[query, &["--format", "json"]].concat()).json();
        assert_eq!((report["verdict"].as_str(), report["store"].as_str()), (Some("unknown"), Some("native")));
        assert_eq!(report["query"]["status"], Value::Null);
    }
    let missing = roots(&["--roots", "/no/such/store"]);
    assert!(missing.code == 3 && missing.stdout.contains("/no/such/store"), "{}", missing.stdout);
}

#[test]
fn the_difference_from_mozillas_list_is_information() {
    let same = roots(&["--roots", "mozilla", "--compare", "mozilla", "--format", "json"]);
    assert_eq!(same.code, 0);
    let compare = &same.json()["compare"];
    for field in ["only_here", "only_there", "other_certificate"] {
        assert_eq!(compare[field], serde_json::json!([]), "{field}");
    }
    if !have("the_difference_from_mozillas_list_is_information", &["openssl"]) {
        return;
    }
    let (made, _) = usual();
    let valid = made.path("valid.pem");
    let report = roots(&["--roots", &valid, "--roots", "mozilla", "--compare", "mozilla", "--format", "json"]).json();
    assert_eq!(report["compare"]["only_here"].as_array().unwrap().len(), 1);
    let human = roots(&["--roots", &valid, "--roots", "mozilla", "--compare", "mozilla"]);
    assert_eq!(human.code, 0);
    assert!(human.stdout.starts_with("Only here, not on Mozilla's list: 1\n"), "{}", human.stdout);
    let rows = roots(&["--roots", &valid, "--compare", "mozilla", "--format", "csv"]).csv();
    let count = |word: &str| rows.iter().filter(|row| row["compare"] == word).count();
    assert_eq!((count("only-here"), count("only-there")), (1, rows.len() - 1));
    assert!(rows.len() > 50);
    // A root on the list that is not here: what is to be updated is named.
    let listed = &rows.iter().find(|row| row["compare"] == "only-there").unwrap();
    let absent = roots(&["--roots", &valid, &listed["sha1"], "--format", "json"]).json();
    assert_eq!(absent["query"]["status"], "absent");
    assert!(absent["query"]["asked"][0]["answer"].as_str().unwrap().contains(&listed["name"]));
    let asked = run(certflight().args(["roots", &listed["name"]]).env("SSL_CERT_FILE", &valid));
    assert!(asked.code == 2 && asked.stdout.contains("Mozilla's list"), "{}", asked.stdout);
}

#[test]
fn hostile_names_stay_text() {
    if !have("hostile_names_stay_text", &["openssl"]) {
        return;
    }
    let made = Roots::new();
    let evil = made.root("evil", "evil", "/O==cmd()/CN=\u{1b}[32mOK\u{1b}[0m\u{202e}toor\n", (2020, 2050));
    for arguments in [&["--roots", &evil][..], &["--roots", &evil, "-v"], &["--roots", &evil, "toor"], &[&evil]] {
        for format in ["human", "csv"] {
            let ran = roots(&[arguments, &["--format", format, "--color", "never"]].concat());
            let printed = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!printed.contains(['\u{1b}', '\r', '\u{202e}']), "{printed:?}");
        }
    }
    let rows = roots(&["--roots", &evil, "--format", "csv"]).csv();
    assert_eq!(rows.len(), 1);
    let found = roots(&["--roots", &evil, "toor", "--format", "json"]).json();
    assert!(found["roots"][0]["name"].as_str().unwrap().contains('\u{1b}'), "JSON has its own escapes");
}

#[test]
fn the_report_goes_to_a_file() {
    if !have("the_report_goes_to_a_file", &["openssl"]) {
        return;
    }
    let (made, store) = usual();
    let file = made.path("roots.csv");
    let ran = roots(&["--roots", &store, "--format", "csv", "--output", &file]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(csv::Reader::from_path(Path::new(&file)).unwrap().records().count(), 3);
}
