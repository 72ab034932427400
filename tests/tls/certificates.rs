//! The certificates that servers are given, made with the `openssl` command when they are asked for: `rsa`, `rsa-pss`,
//! `ecdsa`, `ecdsa384`, `ed25519`, `dsa`; and groups for ephemeral Diffie-Hellman.

use std::collections::BTreeSet;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{Authority, openssl};

/// The name that every certificate is for.
pub const NAME: &str = "server.tls.test";

/// A folder with `KIND.pem` and `KIND.key` for each kind, `ca.pem`, and what else configurations refer to.
pub struct Certificates {
    folder: TempDir,
    authority: Authority,
}

impl Certificates {
    pub fn new(kinds: impl IntoIterator<Item = String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::root(folder.path(), "TLS Test Root");
        std::fs::copy(authority.certificate(), folder.path().join("ca.pem")).unwrap();
        // RFC 5114 §2.1 has 1024 bits, RFC 3526 §3 has 2048: given groups, since making one takes seconds.
        for (file, parameters) in [("dh1024.pem", "dh_rfc5114:1"), ("dh2048.pem", "group:modp_2048")] {
            openssl(folder.path(), &["genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", parameters, "-out", file]);
        }
        let certificates = Self { folder, authority };
        for kind in kinds.into_iter().collect::<BTreeSet<_>>() {
            certificates.make(&kind);
        }
        certificates
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn make(&self, kind: &str) {
        let key = format!("{kind}.key");
        let options: &[&str] = match kind {
            "rsa" => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            "rsa-pss" => &["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
            "ecdsa" => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "ecdsa384" => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
            "ed25519" => &["-algorithm", "ED25519"],
            "dsa" => {
                let parameters = ["-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-out", "dsa.parameters"];
                openssl(self.folder(), &[&["genpkey", "-genparam"][..], &parameters].concat());
                &["-paramfile", "dsa.parameters"]
            }
            other => panic!("no certificate of the kind {other} is known"),
        };
        openssl(self.folder(), &[&["genpkey", "-out", &key][..], options].concat());
        // keyEncipherment for the suites that encrypt the premaster secret to the certificate's key.
        let usage = if kind == "rsa" { "digitalSignature,keyEncipherment" } else { "digitalSignature" };
        let extensions = format!(
            "basicConstraints=CA:FALSE\nkeyUsage=critical,{usage}\nextendedKeyUsage=serverAuth\n\
             subjectAltName=DNS:{NAME}\n"
        );
        // NSS takes certificates with the same subject for one.
        self.authority.issue(self.folder(), kind, &format!("/CN=TLS test {kind}"), &extensions, (-10, 80));
    }
}
