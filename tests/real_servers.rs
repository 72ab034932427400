//! `check` against nginx, Postfix and OpenSSL with a PKI made by the `openssl` command: the verdict
//! of every case that an administrator meets, on the servers he meets them on.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod support;

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
