//! `check` against servers that speak only old TLS or old suites: OpenSSL, GnuTLS and nginx told to, and the lab's own for
//! what those cannot do any more. Their chains are fetched and judged, and a server that fails for another reason is not
//! called old.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use std::path::PathBuf;
use std::process::Command;

use certflight::handshake::Version;
use certflight::lab::responder::{Behaviour, Credentials, Fault, Reaction, Responder};
use serde_json::Value;
use support::{CrlPage, Outcome, Pki, Staging, have};

const LEGACY: &str = "critical connection.legacy-tls";
const DATED: &str = "warning connection.no-modern-suite";

/// A sound PKI with an RSA leaf, and its revocation data served.
fn pki() -> (Pki, PathBuf) {
    let mut staging = Staging::clean();
    staging.leaf.rsa = true;
    let mut pki = Pki::new(&staging);
    let chain = pki.chain(true);
    pki.start_nginx(None, None, CrlPage::File);
    (pki, chain)
}

fn connection(outcome: &Outcome) -> &Value {
    &outcome.report["targets"][0]["connections"][0]
}

/// The whole chain was served and judged, and the version and suite are told.
#[track_caller]
fn assert_read(outcome: &Outcome, version: &str, suite: &str) {
    let target = &outcome.report["targets"][0];
    let made = connection(outcome);
    assert_eq!((&made["outcome"], &made["tls"]["version"]), (&"ok".into(), &version.into()), "{made}");
    assert_eq!(made["tls"]["cipher_suite"], suite, "{made}");
    assert!(made["detail"].as_str().unwrap().contains("is not proven"), "{made}");
    assert_eq!(made["served"].as_array().unwrap().len(), 2, "{made}");
    assert_eq!((&target["paths"][0]["valid"], &target["revocation"][0]["status"]), (&true.into(), &"good".into()));
}

#[test]
fn s_server_of_an_old_version() {
    if have("s_server_of_an_old_version", &["openssl", "nginx"]) {
        let (mut pki, _) = pki();
        for (option, version) in [("-tls1", "TLSv1.0"), ("-tls1_1", "TLSv1.1")] {
            let port = pki.start_s_server(&[option, "-cipher", "AES256-SHA:@SECLEVEL=0"]);
            let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
            outcome.expect(2, &[LEGACY]);
            assert_read(&outcome, version, "TLS_RSA_WITH_AES_256_CBC_SHA");
        }
    }
}

#[test]
fn s_server_of_an_old_version_with_every_suite() {
    if have("s_server_of_an_old_version_with_every_suite", &["openssl", "nginx"]) {
        let (mut pki, _) = pki();
        let port = pki.start_s_server(&["-tls1", "-cipher", "ALL:@SECLEVEL=0"]);
        let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
        outcome.expect(2, &[LEGACY]);
        assert_eq!(connection(&outcome)["tls"]["version"], "TLSv1.0");
    }
}

/// Its security level leaves it no signature for TLS 1.0, whatever it was told to speak: nobody can connect, so it is
/// a failed handshake and no old server.
#[test]
fn s_server_that_cannot_speak_the_version_it_is_told_to() {
    if have("s_server_that_cannot_speak_the_version_it_is_told_to", &["openssl", "nginx"]) {
        let (mut pki, _) = pki();
        let port = pki.start_s_server(&["-tls1", "-cipher", "ECDHE-RSA-AES256-SHA:@SECLEVEL=2"]);
        let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
        outcome.expect(2, &["critical connection.handshake-failed"]);
    }
}

#[test]
fn s_server_of_tls_1_2_with_old_suites() {
    if have("s_server_of_tls_1_2_with_old_suites", &["openssl", "nginx"]) {
        let (mut pki, _) = pki();
        for (cipher, suite) in [
            ("AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
            ("AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"),
            ("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
            ("DHE-RSA-AES256-GCM-SHA384", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
            ("ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
        ] {
            let port = pki.start_s_server(&["-tls1_2", "-cipher", cipher]);
            let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
            outcome.expect(1, &[DATED]);
            assert_read(&outcome, "TLSv1.2", suite);
        }
        let port = pki.start_s_server(&["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"]);
        let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
        outcome.expect(2, &["critical connection.no-modern-suite"]);
        assert_read(&outcome, "TLSv1.2", "TLS_RSA_WITH_NULL_SHA256");
    }
}

#[test]
fn s_server_with_a_rare_curve() {
    if have("s_server_with_a_rare_curve", &["openssl", "nginx"]) {
        let (mut pki, _) = pki();
        for (curve, name) in [("P-521", "secp521r1"), ("X448", "x448"), ("brainpoolP256r1", "brainpoolP256r1")] {
            let port = pki.start_s_server(&["-tls1_2", "-curves", curve, "-cipher", "ECDHE"]);
            let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
            outcome.expect(1, &[DATED]);
            assert_eq!(connection(&outcome)["tls"]["group"], name);
        }
    }
}

#[test]
fn s_server_with_anonymous_suites_presents_nothing_to_judge() {
    if have("s_server_with_anonymous_suites_presents_nothing_to_judge", &["openssl", "nginx"]) {
        let (mut pki, _) = pki();
        let port = pki.start_s_server(&["-tls1_2", "-cipher", "ADH-AES128-SHA:@SECLEVEL=0"]);
        let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
        outcome.expect(2, &["critical connection.handshake-failed"]);
        let message = outcome.report["targets"][0]["findings"][0]["message"].as_str().unwrap();
        assert!(message.contains("TLS_DH_anon_WITH_AES_128_CBC_SHA, which presents no certificate"), "{message}");
    }
}

#[test]
fn s_server_staples_to_an_old_client_too() {
    if have("s_server_staples_to_an_old_client_too", &["openssl", "nginx"]) {
        let mut staging = Staging::clean();
        staging.leaf.rsa = true;
        staging.leaf.must_staple = true;
        staging.leaf.ocsp_url = Some(String::new());
        let mut pki = Pki::new(&staging);
        let staple = pki.staple_file();
        pki.start_nginx(None, None, CrlPage::File);
        let old = ["-tls1_1", "-cipher", "AES256-SHA:@SECLEVEL=0"];
        let port = pki.start_s_server(&[&["-status_file", staple.to_str().unwrap()], &old[..]].concat());
        let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
        outcome.expect(2, &[LEGACY]);
        assert_eq!(connection(&outcome)["stapled_ocsp"]["certificate_status"], "good");
        let port = pki.start_s_server(&old);
        let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
        outcome.expect(2, &[LEGACY, "critical cert.must-staple-unmet"]);
    }
}

#[test]
fn gnutls_of_an_old_version() {
    if have("gnutls_of_an_old_version", &["gnutls-serv", "openssl", "nginx"]) {
        let (mut pki, chain) = pki();
        for (version, name) in [("VERS-TLS1.0", "TLSv1.0"), ("VERS-TLS1.1", "TLSv1.1")] {
            let port = pki.start_gnutls_serv(&chain, &format!("NORMAL:-VERS-ALL:+{version}"));
            let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
            outcome.expect(2, &[LEGACY]);
            assert_eq!(connection(&outcome)["tls"]["version"], name);
            assert_eq!(connection(&outcome)["served"].as_array().unwrap().len(), 2);
        }
        let port = pki.start_gnutls_serv(&chain, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA");
        let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
        outcome.expect(1, &[DATED]);
    }
}

#[test]
fn nginx_of_an_old_version() {
    if have("nginx_of_an_old_version", &["nginx", "openssl"]) {
        let mut staging = Staging::clean();
        staging.leaf.rsa = true;
        let mut pki = Pki::new(&staging);
        let chain = pki.chain(true);
        pki.start_nginx_with(&chain, "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers AES128-SHA:@SECLEVEL=0;");
        let target = "https://www.real.test:8443";
        let outcome = pki.check(target, &[]);
        outcome.expect(2, &[LEGACY]);
        assert_read(&outcome, "TLSv1.1", "TLS_RSA_WITH_AES_128_CBC_SHA");
        // What was expected of the version is told as of any connection.
        let expectations = pki.folder.path().join("expect.toml");
        std::fs::write(&expectations, "tls_version_min = \"TLSv1.2\"\n").unwrap();
        let outcome = pki.check(target, &["--expect", expectations.to_str().unwrap()]);
        outcome.expect(2, &[LEGACY, "critical expect.mismatch"]);
        std::fs::write(&expectations, "tls_version_min = \"TLSv1.1\"\n").unwrap();
        pki.check(target, &["--expect", expectations.to_str().unwrap()]).expect(2, &[LEGACY]);
        pki.check("https://other.real.test:8443", &[]).expect(2, &[LEGACY, "critical cert.name-mismatch"]);
    }
}

#[test]
fn nginx_with_a_modern_configuration_is_not_old() {
    if have("nginx_with_a_modern_configuration_is_not_old", &["nginx", "openssl"]) {
        let mut pki = Pki::new(&Staging::clean());
        let chain = pki.chain(true);
        pki.start_nginx_with(&chain, "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;");
        pki.check("https://www.real.test:8443", &[]).expect(0, &[]);
    }
}

#[test]
fn nginx_that_refuses_the_name_or_the_client_is_not_old() {
    if have("nginx_that_refuses_the_name_or_the_client_is_not_old", &["nginx", "openssl"]) {
        let old_too = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;";
        let mut pki = Pki::new(&Staging::clean());
        let chain = pki.chain(true);
        pki.start_nginx_with(&chain, &format!("ssl_reject_handshake on; {old_too}"));
        pki.check("https://www.real.test:8443", &[]).expect(2, &["critical connection.handshake-failed"]);
    }
    if have("nginx_that_refuses_the_name_or_the_client_is_not_old", &["openssl", "nginx"]) {
        let (mut pki, _) = pki();
        let root = pki.root.certificate();
        let port = pki.start_s_server(&["-tls1_2", "-Verify", "1", "-CAfile", root.to_str().unwrap()]);
        let target = format!("https://www.real.test:{port}");
        pki.check(&target, &[]).expect(1, &["warning connection.client-certificate-required"]);
    }
}

/// Runs a subcommand against one of the lab's own servers.
fn run_against(behaviour: impl FnOnce(&Credentials) -> Behaviour, arguments: &[&str]) -> (Outcome, usize) {
    let credentials = Credentials::issue(&["old.certflight.test"], jiff::Timestamp::now()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("root.der");
    std::fs::write(&roots, &credentials.root.der).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let responder = runtime.block_on(Responder::start(behaviour(&credentials))).unwrap();
    let target = format!("https://old.certflight.test:{}", responder.address().port());
    let (subcommand, rest) = arguments.split_first().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
    command.arg(subcommand).args([&target, "--format", "json", "--resolve", "old.certflight.test:127.0.0.1"]);
    command.args(["--roots", roots.to_str().unwrap()]).args(rest);
    (Outcome::of(&mut command), responder.connections())
}

fn run(behaviour: impl FnOnce(&Credentials) -> Behaviour) -> (Outcome, usize) {
    run_against(behaviour, &["check"])
}

/// Their certificates name no revocation source.
const NO_SOURCE: &str = "warning cert.no-revocation-source";

#[test]
fn servers_of_ssl_are_read() {
    for (version, name) in [(Version::Ssl3, "SSLv3"), (Version::Ssl2, "SSLv2")] {
        let (outcome, _) = run(|credentials| Behaviour::presenting(credentials, &[version]));
        outcome.expect(2, &[LEGACY, NO_SOURCE]);
        assert_eq!(connection(&outcome)["tls"]["version"], name);
        assert_eq!(outcome.report["targets"][0]["paths"][0]["valid"], true);
    }
}

#[test]
fn version_intolerant_servers_are_read() {
    for reaction in [Reaction::Close, Reaction::Reset, Reaction::Alert(40), Reaction::Alert(10)] {
        for version in [Version::Ssl3, Version::Tls10, Version::Tls11] {
            let (outcome, connections) = run(|credentials| {
                Behaviour::presenting(credentials, &[version]).with_fault(Fault::IntolerantAbove(version, reaction))
            });
            outcome.expect(2, &[LEGACY, NO_SOURCE]);
            assert_eq!(connection(&outcome)["tls"]["version"], version.name());
            // Of those, four make sure that a cut is no chance.
            assert!(connections <= 13, "{connections}");
        }
    }
}

#[test]
fn servers_that_are_overloaded_or_serve_another_name_are_not_old() {
    let versions = [Version::Ssl3, Version::Tls10, Version::Tls11, Version::Tls12];
    for reaction in [Reaction::Reset, Reaction::Close, Reaction::Alert(112), Reaction::Alert(80)] {
        let (outcome, connections) =
            run(|credentials| Behaviour::presenting(credentials, &versions).with_fault(Fault::Every(reaction)));
        outcome.expect(2, &["critical connection.handshake-failed"]);
        assert!(connections <= 9, "{connections}");
    }
}

#[test]
fn what_stays_silent_is_not_asked_again() {
    let silent = |credentials: &Credentials| {
        Behaviour::presenting(credentials, &[Version::Tls10]).with_fault(Fault::Every(Reaction::Silence))
    };
    let (outcome, connections) = run_against(silent, &["check", "--timeout", "1"]);
    outcome.expect(2, &["critical connection.handshake-failed"]);
    assert_eq!((connection(&outcome)["outcome"].as_str(), connections), (Some("timeout"), 1));
}

#[test]
fn an_old_server_can_be_rolled_over_to() {
    let chain = tempfile::tempdir().unwrap();
    let from = chain.path().join("from.pem");
    let other = Credentials::issue(&["old.certflight.test"], jiff::Timestamp::now()).unwrap();
    std::fs::write(&from, certflight::x509::pem::encode("CERTIFICATE", &other.rsa.der)).unwrap();
    let credentials = Credentials::issue(&["old.certflight.test"], jiff::Timestamp::now()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let behaviour = Behaviour::presenting(&credentials, &[Version::Tls10]);
    let responder = runtime.block_on(Responder::start(behaviour)).unwrap();
    let to = format!("https://old.certflight.test:{}", responder.address().port());
    let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
    command.args(["rollover", "--from", from.to_str().unwrap(), "--to", &to, "--format", "json"]);
    command.args(["--resolve", "old.certflight.test:127.0.0.1"]);
    let report = Outcome::of(&mut command).report;
    assert_eq!(report["to"]["connections"][0]["tls"]["version"], "TLSv1.0", "{report}");
    let codes: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"connection.legacy-tls"), "{codes:?}");
}

#[test]
fn endpoints_are_listed_of_an_old_server_too() {
    let (outcome, _) = run_against(|credentials| Behaviour::presenting(credentials, &[Version::Tls10]), &["endpoints"]);
    assert_eq!(outcome.report["schema"], "certflight/endpoints/1", "{}", outcome.report);
    assert_eq!(outcome.exit, 0, "{}", outcome.report);
}
