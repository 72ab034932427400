//! A PKI made by the OpenSSL command line, and the real servers that present it: nginx, Postfix,
//! `openssl s_server`, `openssl ocsp`. Everything listens on loopback addresses of its own, so tests
//! run side by side; every process started is ended on drop.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(dead_code, unreachable_pub, missing_docs)]

pub mod internet;
pub mod netns;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Says on standard error, past the test runner's capture, that a test was not run, and why.
pub fn skipped(test: &str, reason: &str) {
    #[expect(clippy::explicit_write, reason = "eprintln! would be captured by the test runner")]
    writeln!(std::io::stderr(), "SKIPPED {test}: {reason}").unwrap();
    assert!(
        std::env::var_os("CERTFLIGHT_REQUIRE_SERVERS").is_none(),
        "CERTFLIGHT_REQUIRE_SERVERS is set, and {test} cannot run: {reason}"
    );
}

/// Whether these programs are installed; says so when not.
pub fn have(test: &str, programs: &[&str]) -> bool {
    for program in programs {
        let found = ["/usr/sbin", "/usr/bin", "/bin", "/sbin", "/usr/local/bin"]
            .iter()
            .any(|folder| Path::new(folder).join(program).exists());
        if !found {
            skipped(test, &format!("{program} is not installed"));
            return false;
        }
    }
    true
}

/// A loopback address that no other test of this or another test process on this machine uses.
pub fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let process = std::process::id();
    Ipv4Addr::new(
        127,
        100 + u8::try_from(process % 100).unwrap(),
        1 + u8::try_from(process / 100 % 250).unwrap(),
        NEXT.fetch_add(1, Ordering::Relaxed),
    )
}

/// How the leaf comes to be.
#[derive(Clone)]
pub struct Leaf {
    pub name: &'static str,
    /// Days from now at which validity begins and ends.
    pub valid: (i64, i64),
    pub crl_url: Option<String>,
    pub ocsp_url: Option<String>,
    pub ca_issuers: bool,
    pub must_staple: bool,
    /// With an RSA key instead of one on P-256.
    pub rsa: bool,
}

/// One CA made with `openssl`.
pub struct Authority {
    pub folder: PathBuf,
    pub subject: String,
}

pub fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn day(offset: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * offset);
    at.strftime("%Y%m%d%H%M%SZ").to_string()
}

impl Authority {
    pub fn new(folder: &Path, name: &str) -> Self {
        let folder = folder.join(name.replace(' ', "-"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("index.txt"), "").unwrap();
        fs::write(folder.join("index.txt.attr"), "unique_subject = no\n").unwrap();
        fs::write(folder.join("crlnumber"), "01\n").unwrap();
        fs::write(
            folder.join("ca.cnf"),
            "[ca]\ndefault_ca=me\n[me]\ndatabase=index.txt\nnew_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\n\
             default_md=sha256\nrand_serial=yes\npolicy=any\nunique_subject=no\ncrlnumber=crlnumber\n\
             crl_extensions=crl\ncopy_extensions=none\n[any]\ncommonName=supplied\n[crl]\nauthorityKeyIdentifier=keyid\n",
        )
        .unwrap();
        key(&folder, "ca.key");
        Self { folder, subject: format!("/CN={name}") }
    }

    pub fn root(folder: &Path, name: &str) -> Self {
        let ca = Self::new(folder, name);
        fs::write(
            ca.folder.join("root.cnf"),
            "[req]\ndistinguished_name=dn\nx509_extensions=ca\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\n\
             keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n",
        )
        .unwrap();
        openssl(
            &ca.folder,
            &[
                "req",
                "-x509",
                "-new",
                "-key",
                "ca.key",
                "-out",
                "ca.pem",
                "-days",
                "3650",
                "-subj",
                &ca.subject,
                "-config",
                "root.cnf",
            ],
        );
        ca
    }

    /// Signs a request for that subject and key with these extensions.
    pub fn issue(&self, folder: &Path, stem: &str, subject: &str, extensions: &str, valid: (i64, i64)) {
        let request = folder.join(format!("{stem}.csr"));
        let key = folder.join(format!("{stem}.key"));
        fs::write(folder.join("empty.cnf"), "[req]\ndistinguished_name=dn\n[dn]\n").unwrap();
        openssl(
            folder,
            &[
                "req",
                "-new",
                "-key",
                key.to_str().unwrap(),
                "-subj",
                subject,
                "-config",
                "empty.cnf",
                "-out",
                request.to_str().unwrap(),
            ],
        );
        let extension_file = folder.join(format!("{stem}.ext"));
        fs::write(&extension_file, extensions).unwrap();
        let certificate = folder.join(format!("{stem}.pem"));
        openssl(
            &self.folder,
            &[
                "ca",
                "-batch",
                "-config",
                "ca.cnf",
                "-notext",
                "-in",
                request.to_str().unwrap(),
                "-out",
                certificate.to_str().unwrap(),
                "-extfile",
                extension_file.to_str().unwrap(),
                "-startdate",
                &day(valid.0),
                "-enddate",
                &day(valid.1),
            ],
        );
    }

    pub fn revoke(&self, certificate: &Path) {
        let certificate = certificate.to_str().unwrap();
        openssl(&self.folder, &["ca", "-config", "ca.cnf", "-revoke", certificate, "-crl_reason", "keyCompromise"]);
    }

    /// Makes `crl.der`, valid between these days; signed by another key of the same name when `forged`.
    pub fn crl(&self, valid: (i64, i64), forged: bool) {
        let (key_file, certificate) = if forged { ("other.key", "other.pem") } else { ("ca.key", "ca.pem") };
        if forged {
            key(&self.folder, key_file);
            openssl(
                &self.folder,
                &["req", "-x509", "-new", "-key", key_file, "-out", certificate, "-subj", &self.subject],
            );
        }
        let (from, until) = (day(valid.0), day(valid.1));
        let dates = ["-crl_lastupdate", &from, "-crl_nextupdate", &until];
        let signer = ["-keyfile", key_file, "-cert", certificate];
        let rest = ["ca", "-gencrl", "-config", "ca.cnf", "-out", "crl.pem"];
        openssl(&self.folder, &[&rest[..], &signer[..], &dates[..]].concat());
        openssl(&self.folder, &["crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der"]);
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }
}

pub fn key(folder: &Path, name: &str) {
    openssl(folder, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name]);
}

/// A root, an intermediate and a leaf, with the places their revocation data is served from.
pub struct Pki {
    pub folder: tempfile::TempDir,
    pub address: Ipv4Addr,
    pub root: Authority,
    pub intermediate: Authority,
    pub leaf: PathBuf,
    processes: Vec<Child>,
}

/// What differs from the clean case.
#[derive(Clone)]
pub struct Staging {
    pub leaf: Leaf,
    pub crl_days: (i64, i64),
    pub forged_crl: bool,
    pub revoke_leaf: bool,
    /// The CRL is made before the revocation, so that only OCSP tells.
    pub revoke_after_crl: bool,
    pub revoke_intermediate: bool,
    pub ocsp_signer: OcspSigner,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OcspSigner {
    Issuer,
    Delegate,
    /// Issued by the right CA, but without the purpose.
    WithoutPurpose,
}

pub const CRL_PORT: u16 = 8080;

impl Staging {
    pub fn clean() -> Self {
        Self {
            leaf: Leaf {
                name: "www.real.test",
                valid: (-10, 80),
                crl_url: Some(format!("http://crl.real.test:{CRL_PORT}/intermediate.crl")),
                ocsp_url: None,
                ca_issuers: true,
                must_staple: false,
                rsa: false,
            },
            crl_days: (-1, 30),
            forged_crl: false,
            revoke_leaf: false,
            revoke_after_crl: false,
            revoke_intermediate: false,
            ocsp_signer: OcspSigner::Issuer,
        }
    }
}

impl Pki {
    pub fn new(staging: &Staging) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let base = folder.path();
        let address = own_address();
        let root = Authority::root(base, "Real Test Root");
        let intermediate = Authority::new(base, "Real Test Intermediate");
        let served = base.join("www");
        fs::create_dir(&served).unwrap();

        let ca_extensions = format!(
            "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n\
             subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n\
             crlDistributionPoints=URI:http://crl.real.test:{CRL_PORT}/root.crl\n\
             authorityInfoAccess=caIssuers;URI:http://aia.real.test:{CRL_PORT}/root.der\n"
        );
        root.issue(&intermediate.folder, "ca", &intermediate.subject, &ca_extensions, (-100, 1000));
        let mut pki = Self { folder, address, root, intermediate, leaf: PathBuf::new(), processes: Vec::new() };

        let mut leaf = staging.leaf.clone();
        let responder = leaf.ocsp_url.is_some().then(|| pki.start_responder(staging.ocsp_signer));
        if let Some(port) = responder {
            leaf.ocsp_url = Some(format!("http://ocsp.real.test:{port}/"));
        }
        pki.leaf = pki.issue_leaf(&leaf);
        if staging.revoke_leaf && !staging.revoke_after_crl {
            pki.intermediate.revoke(&pki.leaf);
        }
        if staging.revoke_intermediate {
            pki.root.revoke(&pki.intermediate.certificate());
        }
        pki.intermediate.crl(staging.crl_days, staging.forged_crl);
        pki.root.crl((-1, 30), false);
        if staging.revoke_leaf && staging.revoke_after_crl {
            pki.intermediate.revoke(&pki.leaf);
        }
        if let Some(port) = responder {
            // The responder looks whether its index has changed before it waits for a request, so one
            // request makes it read what was issued since it started.
            let url = format!("http://127.0.0.1:{port}/");
            let issuer = ["-issuer", "ca.pem", "-cert", "ca.pem", "-noverify", "-timeout", "5"];
            openssl(&pki.intermediate.folder, &[&["ocsp", "-url", &url][..], &issuer[..]].concat());
        }
        fs::copy(pki.intermediate.folder.join("crl.der"), served.join("intermediate.crl")).unwrap();
        fs::copy(pki.root.folder.join("crl.der"), served.join("root.crl")).unwrap();
        for (authority, name) in [(&pki.root, "root.der"), (&pki.intermediate, "intermediate.der")] {
            let target = served.join(name);
            openssl(&authority.folder, &["x509", "-in", "ca.pem", "-outform", "DER", "-out", target.to_str().unwrap()]);
        }
        pki
    }

    fn issue_leaf(&self, leaf: &Leaf) -> PathBuf {
        let folder = self.folder.path();
        if leaf.rsa {
            openssl(folder, &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "leaf.key"]);
        } else {
            key(folder, "leaf.key");
        }
        let usage = if leaf.rsa { "digitalSignature,keyEncipherment" } else { "digitalSignature" };
        let mut extensions = format!(
            "basicConstraints=CA:FALSE\nkeyUsage=critical,{usage}\nextendedKeyUsage=serverAuth\n\
             subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nsubjectAltName=DNS:{}\n",
            leaf.name
        );
        if let Some(url) = &leaf.crl_url {
            extensions += &format!("crlDistributionPoints=URI:{url}\n");
        }
        let mut access = Vec::new();
        if let Some(url) = &leaf.ocsp_url {
            access.push(format!("OCSP;URI:{url}"));
        }
        if leaf.ca_issuers {
            access.push(format!("caIssuers;URI:http://aia.real.test:{CRL_PORT}/intermediate.der"));
        }
        if !access.is_empty() {
            extensions += &format!("authorityInfoAccess={}\n", access.join(","));
        }
        if leaf.must_staple {
            extensions += "tlsfeature=status_request\n";
        }
        self.intermediate.issue(folder, "leaf", &format!("/CN={}", leaf.name), &extensions, leaf.valid);
        folder.join("leaf.pem")
    }

    /// `openssl ocsp` for the intermediate, on a port of its own choosing.
    fn start_responder(&mut self, signer: OcspSigner) -> u16 {
        let folder = self.intermediate.folder.clone();
        let (certificate, key_file) = match signer {
            OcspSigner::Issuer => ("ca.pem", "ca.key"),
            OcspSigner::Delegate | OcspSigner::WithoutPurpose => {
                key(&folder, "responder.key");
                let purpose = if signer == OcspSigner::Delegate { "OCSPSigning" } else { "clientAuth" };
                let extensions = format!(
                    "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage={purpose}\nnoCheck=ignored\n"
                );
                self.intermediate.issue(&folder, "responder", "/CN=Real Test Responder", &extensions, (-10, 80));
                ("responder.pem", "responder.key")
            }
        };
        let mut child = Command::new("openssl")
            .current_dir(&folder)
            .args(["ocsp", "-port", "0", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", certificate])
            .args(["-rkey", key_file, "-ndays", "3"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let port = announced_port(&mut child);
        self.processes.push(child);
        port
    }

    /// The chain file a server is configured with.
    pub fn chain(&self, with_intermediate: bool) -> PathBuf {
        let mut text = fs::read_to_string(&self.leaf).unwrap();
        if with_intermediate {
            text += &fs::read_to_string(self.intermediate.certificate()).unwrap();
        }
        let file = self.folder.path().join("chain.pem");
        fs::write(&file, text).unwrap();
        file
    }

    /// An OCSP response in a file, for `ssl_stapling_file` and `-status_file`.
    pub fn staple_file(&self) -> PathBuf {
        let file = self.folder.path().join("staple.der");
        openssl(
            &self.intermediate.folder,
            &[
                "ocsp",
                "-index",
                "index.txt",
                "-CA",
                "ca.pem",
                "-rsigner",
                "ca.pem",
                "-rkey",
                "ca.key",
                "-issuer",
                "ca.pem",
                "-cert",
                self.leaf.to_str().unwrap(),
                "-ndays",
                "3",
                "-respout",
                file.to_str().unwrap(),
                "-no_nonce",
            ],
        );
        file
    }

    /// nginx with a TLS server on 8443 (when a chain is given) and the PKI's files on [`CRL_PORT`].
    pub fn start_nginx(&mut self, chain: Option<&Path>, staple: Option<&Path>, crl_page: CrlPage) {
        let stapling =
            staple.map_or_else(String::new, |file| format!("ssl_stapling on; ssl_stapling_file {};", file.display()));
        let tls = chain.map_or_else(String::new, |chain| self.nginx_tls(chain, &stapling));
        self.run_nginx(&tls, crl_page);
    }

    /// The same with these directives for the TLS server.
    pub fn start_nginx_with(&mut self, chain: &Path, directives: &str) {
        let tls = self.nginx_tls(chain, directives);
        self.run_nginx(&tls, CrlPage::File);
    }

    fn nginx_tls(&self, chain: &Path, directives: &str) -> String {
        format!(
            "server {{ listen {}:8443 ssl; ssl_certificate {}; ssl_certificate_key {base}/leaf.key; {directives} \
             location / {{ return 204; }} location /file/ {{ alias {base}/www/; }} }}",
            self.address,
            chain.display(),
            base = self.folder.path().display()
        )
    }

    fn run_nginx(&mut self, tls: &str, crl_page: CrlPage) {
        let base = self.folder.path().to_path_buf();
        let address = self.address;
        let crl = match crl_page {
            CrlPage::File => "",
            CrlPage::Portal => {
                "location ~ \\.crl$ { default_type text/html; \
                 return 200 '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Guest network</body></html>'; }"
            }
        };
        let configuration = format!(
            "daemon off; pid {base}/nginx.pid; error_log stderr notice; worker_processes 1; user root;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log off; client_body_temp_path {base}/t1; proxy_temp_path {base}/t2; \
             fastcgi_temp_path {base}/t3; uwsgi_temp_path {base}/t4; scgi_temp_path {base}/t5;\n\
             server {{ listen {address}:{CRL_PORT}; root {base}/www; {crl} }}\n{tls} }}\n",
            base = base.display(),
        );
        let file = base.join("nginx.conf");
        fs::write(&file, configuration).unwrap();
        let child = Command::new("nginx")
            .args(["-p", base.to_str().unwrap(), "-c", file.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(fs::File::create(base.join("nginx.log")).unwrap())
            .spawn()
            .unwrap();
        self.processes.push(child);
        self.await_port(CRL_PORT, "nginx.log");
    }

    /// Key and chain in one file, as several servers want them.
    pub fn key_and_chain(&self, chain: &Path) -> PathBuf {
        let base = self.folder.path();
        let both = base.join("both.pem");
        let text = fs::read_to_string(base.join("leaf.key")).unwrap() + &fs::read_to_string(chain).unwrap();
        fs::write(&both, text).unwrap();
        fs::set_permissions(&both, fs::Permissions::from_mode(0o600)).unwrap();
        both
    }

    /// Postfix's smtpd on port 2525.
    pub fn start_postfix(&mut self, chain: &Path) {
        let both = self.key_and_chain(chain);
        self.start_smtpd(&format!("smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {}\n", both.display()));
    }

    /// The same with these lines of configuration for TLS.
    pub fn start_smtpd(&mut self, tls: &str) {
        let base = self.folder.path().to_path_buf();
        for folder in ["etc", "queue", "data"] {
            fs::create_dir(base.join(folder)).unwrap();
        }
        assert!(Command::new("chown").arg("postfix").arg(base.join("data")).status().unwrap().success());
        fs::write(
            base.join("etc/main.cf"),
            format!(
                "compatibility_level = 3.6\nqueue_directory = {base}/queue\ndata_directory = {base}/data\n\
                 command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n\
                 inet_interfaces = loopback-only\ninet_protocols = ipv4\nmyhostname = www.real.test\nmydestination =\n\
                 maillog_file = /dev/stdout\nsmtpd_peername_lookup = no\n{tls}",
                base = base.display(),
            ),
        )
        .unwrap();
        fs::write(
            base.join("etc/master.cf"),
            format!(
                "{}:2525 inet n - n - - smtpd\nrewrite unix - - n - - trivial-rewrite\ncleanup unix n - n - 0 cleanup\n\
                 proxymap unix - - n - - proxymap\nanvil unix - - n - 1 anvil\ntlsmgr unix - - n 1000? 1 tlsmgr\n\
                 postlog unix-dgram n - n - 1 postlogd\n",
                self.address
            ),
        )
        .unwrap();
        let child = Command::new("postfix")
            .args(["-c", base.join("etc").to_str().unwrap(), "start-fg"])
            .stdout(fs::File::create(base.join("postfix.log")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.processes.push(child);
        self.await_port(2525, "postfix.log");
    }

    /// `openssl s_server` on a port of its own choosing.
    pub fn start_s_server(&mut self, extra: &[&str]) -> u16 {
        let base = self.folder.path().to_path_buf();
        let intermediate = self.intermediate.certificate();
        let mut child = Command::new("openssl")
            .current_dir(&base)
            .args(["s_server", "-accept", "0", "-cert", "leaf.pem", "-key", "leaf.key"])
            .args(["-cert_chain", intermediate.to_str().unwrap(), "-www"])
            .args(extra)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let port = announced_port(&mut child);
        self.processes.push(child);
        port
    }

    /// `gnutls-serv` on a port of its own choosing.
    pub fn start_gnutls_serv(&mut self, chain: &Path, priority: &str) -> u16 {
        let base = self.folder.path().to_path_buf();
        let mut child = Command::new("gnutls-serv")
            .current_dir(&base)
            .args(["--http", "--quiet", "--port", "0", "--priority", priority])
            .args(["--x509certfile", chain.to_str().unwrap(), "--x509keyfile", "leaf.key"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(base.join("gnutls.log")).unwrap())
            .spawn()
            .unwrap();
        let port = listening_port(&mut child);
        self.processes.push(child);
        port
    }

    /// Starts a server that listens on these ports, with what it says in a file of this name.
    pub fn start(&mut self, command: &mut Command, ports: &[u16], log: &str) {
        let file = fs::File::create(self.folder.path().join(log)).unwrap();
        let child = command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        self.processes.push(child);
        for port in ports {
            self.await_port(*port, log);
        }
    }

    /// Waits until something accepts there; panics with the server's log after 20 s.
    fn await_port(&mut self, port: u16, log: &str) {
        let limit = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((self.address, port)).is_err() {
            let exited = self.processes.last_mut().and_then(|child| child.try_wait().unwrap());
            if exited.is_some() || Instant::now() > limit {
                let text = fs::read_to_string(self.folder.path().join(log)).unwrap_or_default();
                panic!("nothing listens on {}:{port} ({exited:?}): {text}", self.address);
            }
            std::thread::yield_now();
        }
    }

    /// Runs the tool on a target with the PKI's root trusted and its names pinned.
    pub fn check(&self, target: &str, extra: &[&str]) -> Outcome {
        let root = self.root.certificate();
        let mut command = Command::new(env!("CARGO_BIN_EXE_certflight"));
        command.args(["check", target, "--format", "json", "--retries", "0"]);
        if !extra.contains(&"--timeout") {
            command.args(["--timeout", "2"]);
        }
        for name in ["www", "crl", "aia", "ocsp", "other"] {
            command.args(["--resolve", &format!("{name}.real.test:{}", self.address)]);
        }
        if !extra.contains(&"--roots") {
            command.args(["--roots", root.to_str().unwrap()]);
        }
        Outcome::of(command.args(extra))
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        if self.folder.path().join("etc/main.cf").exists() {
            let etc = self.folder.path().join("etc");
            let _ = Command::new("postfix").args(["-c", etc.to_str().unwrap(), "stop"]).output();
        }
        for child in &mut self.processes {
            // nginx's master ends its workers when asked politely; killed, it would leave them behind.
            let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CrlPage {
    File,
    /// A captive portal's page with status 200.
    Portal,
}

/// Reads `ACCEPT 0.0.0.0:PORT` from a program's standard output.
pub fn announced_port(child: &mut Child) -> u16 {
    let mut text = String::new();
    let mut octet = [0u8];
    let stdout = child.stdout.as_mut().unwrap();
    loop {
        assert!(stdout.read(&mut octet).unwrap() == 1, "ended before it listened: {text}");
        text.push(char::from(octet[0]));
        if octet[0] == b'\n' {
            if let Some(line) = text.lines().find(|line| line.starts_with("ACCEPT")) {
                let port = line.split_whitespace().nth(1).unwrap().rsplit(':').next().unwrap();
                return port.parse().unwrap();
            }
            text.clear();
        }
    }
}

/// The IPv4 port at which a process listens that does not tell, once it does.
fn listening_port(child: &mut Child) -> u16 {
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        let links = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
        let sockets: Vec<String> = links
            .filter_map(|link| fs::read_link(link.path()).ok()?.to_str()?.strip_prefix("socket:[").map(str::to_owned))
            .collect();
        // Columns: number, local address, remote one, state (0A listens), …, inode as the tenth.
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let found = table.lines().find_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let is_its = columns.get(3) == Some(&"0A")
                && sockets.iter().any(|socket| socket.strip_suffix(']') == columns.get(9).copied());
            is_its.then(|| u16::from_str_radix(columns[1].rsplit(':').next().unwrap(), 16).unwrap())
        });
        if let Some(port) = found {
            return port;
        }
        let exited = child.try_wait().unwrap();
        assert!(exited.is_none() && Instant::now() < limit, "it listens nowhere ({exited:?})");
        std::thread::yield_now();
    }
}

/// What a run of the tool came to.
pub struct Outcome {
    pub exit: i32,
    pub report: Value,
    pub stderr: String,
}

impl Outcome {
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{stderr}", String::from_utf8_lossy(&output.stdout)));
        Self { exit: output.status.code().unwrap(), report, stderr }
    }

    /// `severity code` of every finding above info, sorted.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self.report["targets"][0]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["severity"] != "info")
            .map(|finding| format!("{} {}", finding["severity"].as_str().unwrap(), finding["code"].as_str().unwrap()))
            .collect();
        complaints.sort();
        complaints
    }

    /// Asserts the exit code and the complaints, showing the whole report when they differ.
    #[track_caller]
    pub fn expect(&self, exit: i32, complaints: &[&str]) {
        let mut wanted: Vec<String> = complaints.iter().map(|text| (*text).to_owned()).collect();
        wanted.sort();
        assert!(
            self.exit == exit && self.complaints() == wanted,
            "exit {} with {:?}, wanted {exit} with {wanted:?}\n{}\n{}",
            self.exit,
            self.complaints(),
            serde_json::to_string_pretty(&self.report["targets"][0]).unwrap(),
            self.stderr
        );
    }
}
