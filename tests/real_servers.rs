//! `check` against nginx, Postfix and OpenSSL with a PKI made by the `openssl` command: the verdict
//! of every case that an administrator meets, on the servers he meets them on.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

use std::net::SocketAddr;

use certflight::lab::silent::SilentAddress;
use certflight::lab::{Tasks, dns};
use support::{CrlPage, OcspSigner, Pki, Staging, have};

/// The two front ends that every case is tried on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Front {
    Nginx,
    Postfix,
}

/// Stages the PKI behind a front end and checks it.
struct Case {
    staging: Staging,
    with_intermediate: bool,
    page: CrlPage,
    host: &'static str,
    extra: Vec<String>,
}

impl Case {
    fn clean() -> Self {
        Self {
            staging: Staging::clean(),
            with_intermediate: true,
            page: CrlPage::File,
            host: "www.real.test",
            extra: Vec::new(),
        }
    }

    fn run(&self, front: Front) -> support::Outcome {
        let mut pki = Pki::new(&self.staging);
        let chain = pki.chain(self.with_intermediate);
        let target = match front {
            Front::Nginx => {
                pki.start_nginx(Some(&chain), None, self.page);
                format!("https://{}:8443", self.host)
            }
            Front::Postfix => {
                pki.start_nginx(None, None, self.page);
                pki.start_postfix(&chain);
                format!("smtp://{}:2525", self.host)
            }
        };
        let extra: Vec<&str> = self.extra.iter().map(String::as_str).collect();
        pki.check(&target, &extra)
    }
}

/// One test for each front end, with the same expectation.
macro_rules! on_both {
    ($name:ident, $case:expr, $exit:expr, $complaints:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn nginx() {
                if have(concat!(stringify!($name), "::nginx"), &["nginx", "openssl"]) {
                    $case.run(Front::Nginx).expect($exit, $complaints);
                }
            }

            #[test]
            fn postfix() {
                if have(concat!(stringify!($name), "::postfix"), &["postfix", "nginx", "openssl"]) {
                    $case.run(Front::Postfix).expect($exit, $complaints);
                }
            }
        }
    };
}

fn with(change: impl FnOnce(&mut Case)) -> Case {
    let mut case = Case::clean();
    change(&mut case);
    case
}

fn with_ocsp(change: impl FnOnce(&mut Case)) -> Case {
    with(|case| {
        case.staging.leaf.ocsp_url = Some(String::new());
        change(case);
    })
}

on_both!(clean, Case::clean(), 0, &[]);
on_both!(clean_with_ocsp, with_ocsp(|_| ()), 0, &[]);
on_both!(delegated_responder, with_ocsp(|case| case.staging.ocsp_signer = OcspSigner::Delegate), 0, &[]);
on_both!(expired, with(|case| case.staging.leaf.valid = (-90, -1)), 2, &["critical cert.expired"]);
on_both!(wrong_name, with(|case| case.host = "other.real.test"), 2, &["critical cert.name-mismatch"]);
on_both!(
    unknown_root,
    with(|case| case.extra = vec!["--roots".into(), "mozilla".into()]),
    2,
    &["critical path.untrusted-root"]
);
on_both!(missing_intermediate_with_aia, with(|case| case.with_intermediate = false), 2, &["critical chain.incomplete"]);
on_both!(
    missing_intermediate_without_aia,
    with(|case| {
        case.with_intermediate = false;
        case.staging.leaf.ca_issuers = false;
    }),
    2,
    &["critical path.no-issuer"]
);
on_both!(leaf_revoked_by_crl, with(|case| case.staging.revoke_leaf = true), 2, &["critical revocation.revoked"]);
on_both!(
    leaf_revoked_by_ocsp,
    with_ocsp(|case| {
        case.staging.revoke_leaf = true;
        case.staging.revoke_after_crl = true;
    }),
    2,
    &["critical revocation.revoked"]
);
on_both!(
    intermediate_revoked,
    with(|case| case.staging.revoke_intermediate = true),
    2,
    &["critical revocation.revoked"]
);
on_both!(expired_crl, with(|case| case.staging.crl_days = (-30, -1)), 2, &["critical crl.expired"]);
on_both!(expired_crl_with_ocsp_good, with_ocsp(|case| case.staging.crl_days = (-30, -1)), 1, &["warning crl.expired"]);
on_both!(crl_signed_by_another_key, with(|case| case.staging.forged_crl = true), 2, &["critical crl.bad-signature"]);
on_both!(
    unauthorized_responder,
    with_ocsp(|case| {
        case.staging.ocsp_signer = OcspSigner::WithoutPurpose;
        case.staging.leaf.crl_url = None;
    }),
    2,
    &["critical ocsp.unauthorized-responder"]
);
on_both!(
    crl_port_refused,
    with(|case| case.staging.leaf.crl_url = Some("http://crl.real.test:8099/intermediate.crl".into())),
    2,
    &["critical endpoint.unreachable"]
);
on_both!(
    captive_portal,
    with(|case| case.page = CrlPage::Portal),
    2,
    &["critical endpoint.intercepted", "critical endpoint.intercepted"]
);

/// Runs a case whose surroundings include something that only this process can play: an address that swallows
/// packets, or a name server without an answer.
fn beside<T>(play: impl AsyncFnOnce() -> T, then: impl FnOnce(&T)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let played = runtime.block_on(play());
    then(&played);
}

fn crl_port_silent(front: Front) {
    let free: SocketAddr = (support::own_address(), 0).into();
    beside(
        async || SilentAddress::bind(free).await.unwrap(),
        |silent| {
            let address = silent.address();
            let case = with(|case| {
                case.staging.leaf.crl_url = Some(format!("http://silent.real.test:{}/a.crl", address.port()));
                case.extra = vec!["--resolve".into(), format!("silent.real.test:{}", address.ip())];
            });
            let outcome = case.run(front);
            outcome.expect(2, &["critical endpoint.unreachable"]);
            let message = outcome.report["targets"][0]["findings"][0].to_string();
            assert!(message.contains("no answer"), "{message}");
        },
    );
}

fn endpoint_dns_failure(front: Front) {
    beside(
        async || {
            let mut tasks = Tasks::default();
            let server = dns::start(&mut tasks, dns::Zone::default(), std::time::Duration::ZERO).await.unwrap();
            (tasks, server)
        },
        |(_tasks, server)| {
            let case = with(|case| {
                case.staging.leaf.crl_url = Some("http://nowhere.real.test:8080/a.crl".into());
                case.extra = vec!["--dns-server".into(), server.to_string()];
            });
            let outcome = case.run(front);
            outcome.expect(2, &["critical endpoint.unreachable"]);
            assert_eq!(
                outcome.report["targets"][0]["endpoints"][0]["attempts"][0]["outcome"], "dns-nxdomain",
                "{}",
                outcome.report
            );
        },
    );
}

#[test]
fn crl_port_silent_behind_nginx() {
    if have("crl_port_silent_behind_nginx", &["nginx", "openssl"]) {
        crl_port_silent(Front::Nginx);
    }
}

#[test]
fn crl_port_silent_behind_postfix() {
    if have("crl_port_silent_behind_postfix", &["postfix", "nginx", "openssl"]) {
        crl_port_silent(Front::Postfix);
    }
}

#[test]
fn endpoint_dns_failure_behind_nginx() {
    if have("endpoint_dns_failure_behind_nginx", &["nginx", "openssl"]) {
        endpoint_dns_failure(Front::Nginx);
    }
}

#[test]
fn endpoint_dns_failure_behind_postfix() {
    if have("endpoint_dns_failure_behind_postfix", &["postfix", "nginx", "openssl"]) {
        endpoint_dns_failure(Front::Postfix);
    }
}

on_both!(
    must_staple_without_staple,
    with_ocsp(|case| case.staging.leaf.must_staple = true),
    2,
    &["critical cert.must-staple-unmet"]
);

#[test]
fn nginx_staples_for_must_staple() {
    if have("nginx_staples_for_must_staple", &["nginx", "openssl"]) {
        let case = with_ocsp(|case| case.staging.leaf.must_staple = true);
        let mut pki = Pki::new(&case.staging);
        let (chain, staple) = (pki.chain(true), pki.staple_file());
        pki.start_nginx(Some(&chain), Some(&staple), CrlPage::File);
        let outcome = pki.check("https://www.real.test:8443", &[]);
        outcome.expect(0, &[]);
        let stapled = &outcome.report["targets"][0]["connections"][0]["stapled_ocsp"];
        assert_eq!(stapled["certificate_status"], "good", "{stapled}");
        assert_eq!(stapled["signature"], "valid", "{stapled}");
    }
}

#[test]
fn s_server_with_a_staple() {
    if have("s_server_with_a_staple", &["openssl", "nginx"]) {
        let case = with_ocsp(|case| case.staging.leaf.must_staple = true);
        let mut pki = Pki::new(&case.staging);
        let staple = pki.staple_file();
        pki.start_nginx(None, None, CrlPage::File);
        let port = pki.start_s_server(&["-status_file", staple.to_str().unwrap()]);
        pki.check(&format!("https://www.real.test:{port}"), &[]).expect(0, &[]);
    }
}

#[test]
fn s_server_speaking_tls_1_2_only() {
    if have("s_server_speaking_tls_1_2_only", &["openssl", "nginx"]) {
        let mut pki = Pki::new(&Case::clean().staging);
        pki.start_nginx(None, None, CrlPage::File);
        let port = pki.start_s_server(&["-tls1_2"]);
        let outcome = pki.check(&format!("https://www.real.test:{port}"), &[]);
        outcome.expect(0, &[]);
        assert_eq!(outcome.report["targets"][0]["connections"][0]["tls"]["version"], "TLSv1.2");
    }
}

#[test]
fn s_server_that_demands_a_client_certificate() {
    if have("s_server_that_demands_a_client_certificate", &["openssl", "nginx"]) {
        let mut pki = Pki::new(&Case::clean().staging);
        pki.start_nginx(None, None, CrlPage::File);
        let root = pki.root.certificate();
        let port = pki.start_s_server(&["-Verify", "1", "-CAfile", root.to_str().unwrap()]);
        let target = format!("https://www.real.test:{port}");
        pki.check(&target, &[]).expect(1, &["warning connection.client-certificate-required"]);
    }
}

#[test]
fn wrong_ports_are_told_apart() {
    if have("wrong_ports_are_told_apart", &["nginx", "postfix", "openssl"]) {
        let mut pki = Pki::new(&Case::clean().staging);
        let chain = pki.chain(true);
        pki.start_nginx(None, None, CrlPage::File);
        pki.start_postfix(&chain);
        pki.check("https://www.real.test:2525", &[]).expect(2, &["critical connection.not-tls"]);
        pki.check(&format!("https://www.real.test:{}", support::CRL_PORT), &[])
            .expect(2, &["critical connection.not-tls"]);
        pki.check("smtp://www.real.test:2526", &[]).expect(2, &["critical connection.failed"]);
    }
}
