//! A server with its certificates and lists beyond a firewall, and the tool on this side of it.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use crate::support::internet::{Internet, v4};
use crate::support::{CRL_PORT, Pki, Staging};

/// Where the server and the endpoints are.
pub const SERVER: IpAddr = v4(10);
/// Where the resolver is.
pub const RESOLVER: IpAddr = v4(53);
/// Names of the PKI that lead to [`SERVER`] unless a test says otherwise.
pub const NAMES: [&str; 4] = ["www", "crl", "aia", "ocsp"];

pub struct World {
    pub net: Internet,
    pub pki: Pki,
}

impl World {
    /// Namespaces and certificates, nothing started yet.
    pub fn new(test: &str, programs: &[&str]) -> Option<Self> {
        let staging = Staging::clean();
        let net = Internet::new(test, &[&["openssl", "nginx", "dnsmasq"], programs].concat())?;
        net.host(SERVER);
        net.host(RESOLVER);
        let pki = Pki::new(&staging);
        Some(Self { net, pki })
    }

    /// Puts everything in order: nginx with the chain and the lists, and a resolver that knows the names.
    pub fn start(&self) {
        self.serve("", "");
        self.resolve(&[]);
    }

    /// nginx with the chain on port 443 and the lists on [`CRL_PORT`], where these locations come first; and these
    /// servers besides.
    pub fn serve(&self, locations: &str, servers: &str) {
        let base = self.pki.folder.path().display();
        let chain = self.pki.chain(true);
        let tls = format!(
            "server {{ listen 443 ssl; listen [::]:443 ssl; ssl_certificate {chain}; ssl_certificate_key {base}/leaf.key; \
             return 204; }}",
            chain = chain.display()
        );
        self.serve_only(&format!(
            "server {{ listen {CRL_PORT}; listen [::]:{CRL_PORT}; root {base}/www; {locations} }}\n{tls}\n{servers}"
        ));
    }

    /// nginx with nothing but these servers, one of them on [`CRL_PORT`].
    pub fn serve_only(&self, servers: &str) {
        let base = self.pki.folder.path();
        let configuration = format!(
            "daemon off; pid {base}/nginx.pid; error_log stderr notice; worker_processes 1; user root;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log off; client_body_temp_path {base}/t1; proxy_temp_path {base}/t2; \
             fastcgi_temp_path {base}/t3; uwsgi_temp_path {base}/t4; scgi_temp_path {base}/t5;\n{servers}\n}}\n",
            base = base.display()
        );
        let file = base.join("nginx.conf");
        fs::write(&file, configuration).unwrap();
        let arguments = ["-p", base.to_str().unwrap(), "-c", file.to_str().unwrap()];
        self.net.start("nginx", "nginx", &arguments, SocketAddr::new(SERVER, CRL_PORT));
    }

    /// dnsmasq, with these options before the records of [`NAMES`] that they do not speak of.
    pub fn resolve(&self, options: &[&str]) {
        let given = options.join("\n");
        let mut configuration = format!(
            "keep-in-foreground\nno-resolv\nno-hosts\nuser=root\npid-file=\nbind-interfaces\n\
             listen-address={RESOLVER}\nlog-facility=-\nlocal=/real.test/\n{given}\n"
        );
        for name in NAMES.map(|name| format!("{name}.real.test")).iter().filter(|name| !given.contains(*name)) {
            configuration += &format!("host-record={name},{SERVER}\n");
        }
        let file = self.net.folder.path().join("dnsmasq.conf");
        fs::write(&file, configuration).unwrap();
        let option = format!("--conf-file={}", file.display());
        self.net.start("dnsmasq", "dnsmasq", &[&option], SocketAddr::new(RESOLVER, 53));
    }

    /// Postfix on that port, without TLS.
    pub fn start_postfix(&self, port: u16) {
        let base = self.net.folder.path().join("postfix");
        for folder in ["etc", "queue", "data"] {
            fs::create_dir_all(base.join(folder)).unwrap();
        }
        for folder in [self.net.folder.path(), &base] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert!(Command::new("chown").arg("postfix").arg(base.join("data")).status().unwrap().success());
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {base}/queue\ndata_directory = {base}/data\n\
             command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\ninet_interfaces = all\n\
             inet_protocols = ipv4\nmyhostname = www.real.test\nmydestination =\nsmtpd_tls_security_level = none\n\
             maillog_file = /dev/stdout\nsmtpd_peername_lookup = no\n",
            base = base.display()
        );
        fs::write(base.join("etc/main.cf"), main).unwrap();
        let master = format!(
            "{port} inet n - n - - smtpd\nrewrite unix - - n - - trivial-rewrite\ncleanup unix n - n - 0 cleanup\n\
             proxymap unix - - n - - proxymap\nanvil unix - - n - 1 anvil\npostlog unix-dgram n - n - 1 postlogd\n"
        );
        fs::write(base.join("etc/master.cf"), master).unwrap();
        let etc = base.join("etc");
        self.net.start("postfix", "postfix", &["-c", etc.to_str().unwrap(), "start-fg"], SocketAddr::new(SERVER, port));
    }

    /// A run of the tool on the client, asking [`RESOLVER`] and trusting the PKI's root.
    pub fn tool(&self, arguments: &[&str]) -> Command {
        let mut command = self.tool_without_resolver(arguments);
        command.args(["--dns-server", &RESOLVER.to_string()]);
        command
    }

    /// The same asking whom the system is configured to ask.
    pub fn tool_without_resolver(&self, arguments: &[&str]) -> Command {
        let mut command = self.net.client.command(env!("CARGO_BIN_EXE_certflight"));
        command.args(arguments).args(["--retries", "0"]).arg("--roots").arg(self.pki.root.certificate());
        for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
            command.env_remove(variable);
        }
        command
    }

    /// What `check` says of the server.
    pub fn check(&self, more: &[&str]) -> Seen {
        self.check_target("https://www.real.test", more)
    }

    /// What `check` says of a target.
    pub fn check_target(&self, target: &str, more: &[&str]) -> Seen {
        Seen::of(self.tool(&["check", target, "--format", "json"]).args(patient(more)))
    }

    /// What `url` says of a URL.
    pub fn check_url(&self, url: &str, more: &[&str]) -> Seen {
        Seen::of(self.tool(&["url", url, "--format", "json"]).args(patient(more)))
    }
}

/// What is silent is to be told soon, unless the case is about something that takes longer.
fn patient<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let given: &[&str] = if more.contains(&"--timeout") { &[] } else { &["--timeout", "2"] };
    [given, more].concat()
}

/// A report on one target, or one URL.
pub struct Seen {
    pub exit: i32,
    pub report: Value,
    pub stderr: String,
}

impl Seen {
    pub fn of(command: &mut Command) -> Self {
        let crate::support::Outcome { exit, mut report, stderr } = crate::support::Outcome::of(command);
        if let Some(target) = report.get_mut("targets") {
            report = target[0].take();
        }
        Self { exit, report, stderr }
    }

    /// Outcome words of every connection and every attempt at an endpoint.
    pub fn words(&self) -> Vec<String> {
        let attempts = list(&self.report["endpoints"]).iter().flat_map(|endpoint| list(&endpoint["attempts"]));
        let all = list(&self.report["connections"]).iter().chain(attempts);
        all.map(|one| one["outcome"].as_str().unwrap().to_owned()).collect()
    }

    /// `code: message → remedy` of the only finding above info.
    #[track_caller]
    pub fn only(&self) -> Told {
        let told = self.told();
        assert_eq!(told.len(), 1, "{self}");
        told.into_iter().next().unwrap()
    }

    /// Findings above info, in the report's order.
    pub fn told(&self) -> Vec<Told> {
        let all = list(&self.report["findings"]).iter().filter(|finding| finding["severity"] != "info");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        all.map(|finding| Told {
            code: text(&finding["code"]),
            message: text(&finding["message"]),
            remedy: text(&finding["remedy"]),
        })
        .collect()
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}: {}\n{}", self.exit, serde_json::to_string_pretty(&self.report).unwrap(), self.stderr)
    }
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A finding's words.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub code: String,
    pub message: String,
    pub remedy: String,
}

impl Told {
    /// Asserts the code, and what message and remedy have to contain.
    #[track_caller]
    pub fn says(&self, code: &str, message: &[&str], remedy: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for part in message {
            assert!(self.message.contains(part), "no {part:?} in the message of {self:#?}");
        }
        for part in remedy {
            assert!(self.remedy.contains(part), "no {part:?} in the remedy of {self:#?}");
        }
    }
}
