//! `testdata/tls-servers.toml`: how each server is set up, and what that makes it accept.

use std::collections::BTreeMap;
use std::process::Command;

use serde::Deserialize;
use toml::Value;

use crate::facts::{Facts, Order};
use crate::support::skipped;

/// What serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Program {
    /// `openssl s_server`; options are its arguments
    OpenSsl,
    /// nginx; options are directives of the server block
    Nginx,
    /// `gnutls-serv`; options are its priority string, then its arguments
    GnuTls,
    /// NSS's `selfserv`; options are its arguments
    Nss,
    /// rustls in this process; options as in [`crate::rustls_server`]
    Rustls,
    /// The lab's responder; options as in [`crate::responder_server`]
    Responder,
}

impl Program {
    /// The command that tells its version, where that matters: defaults change from one to the next.
    fn version_command(self) -> Option<[&'static str; 2]> {
        match self {
            Self::OpenSsl => Some(["openssl", "version"]),
            Self::Nginx => Some(["nginx", "-V"]),
            Self::GnuTls => Some(["gnutls-serv", "--version"]),
            Self::Nss | Self::Rustls | Self::Responder => None,
        }
    }

    /// Whether it is the version that the configurations were read off; says so where not.
    pub fn is_as_read_off(self, test: &str) -> bool {
        let Some([program, argument]) = self.version_command() else { return true };
        let output = Command::new(program).arg(argument).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let wanted = &File::read().read_off[&self];
        if !said.contains(wanted) {
            skipped(test, &format!("what servers accept was read off {wanted}, and this is {}", said.trim()));
        }
        said.contains(wanted)
    }

    /// The programs that have to be installed.
    pub fn needs(self) -> &'static [&'static str] {
        match self {
            Self::OpenSsl | Self::Rustls | Self::Responder => &["openssl"],
            Self::Nginx => &["openssl", "nginx"],
            Self::GnuTls => &["openssl", "gnutls-serv"],
            Self::Nss => &["openssl", "selfserv", "certutil", "pk12util"],
        }
    }
}

/// One server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    pub name: String,
    pub program: Program,
    #[serde(default)]
    pub options: String,
    /// The certificates it has, by the names of [`crate::certificates`].
    #[serde(default)]
    pub certificates: Vec<String>,
    /// Whose order of suites counts.
    pub order: Order,
    /// The suites of each version that it speaks, in its own order where that counts.
    suites: BTreeMap<String, Vec<String>>,
    /// The groups that it exchanges keys in.
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    /// What else the report says; what is not here is as for every server of the program.
    #[serde(default)]
    traits: BTreeMap<String, Value>,
    /// The findings above information, as `SEVERITY CODE`.
    #[serde(default)]
    findings: Vec<String>,
}

/// A known fault or blind spot of sslscan.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The server's name; every server, where it is left out.
    #[serde(default)]
    server: Option<String>,
    /// The fact, as [`Facts::lines`] names it; `all` where it says nothing at all.
    about: String,
    /// What it does not say.
    #[serde(default)]
    lacks: Vec<String>,
    /// What it says too much.
    #[serde(default)]
    adds: Vec<String>,
    /// How this comes about.
    pub reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Lists that others refer to as `@NAME`.
    lists: BTreeMap<String, Vec<String>>,
    /// What the version of a program has to contain.
    read_off: BTreeMap<Program, String>,
    /// What else the report says of every server of a program, unless the server's own traits say otherwise.
    traits: BTreeMap<Program, BTreeMap<String, Value>>,
    server: Vec<Configuration>,
    /// Where sslscan says something else.
    sslscan: Vec<Difference>,
}

impl File {
    fn read() -> Self {
        let mut file: Self = toml::from_str(include_str!("../../testdata/tls-servers.toml")).unwrap();
        let servers =
            file.server.iter_mut().flat_map(|server| server.suites.values_mut().chain(server.groups.values_mut()));
        let differences = file.sslscan.iter_mut().flat_map(|known| [&mut known.lacks, &mut known.adds]);
        for list in servers.chain(differences) {
            *list = list.iter().flat_map(|entry| expand(&file.lists, entry)).collect();
        }
        for server in &mut file.server {
            for (name, value) in &file.traits[&server.program] {
                server.traits.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        file
    }
}

impl Configuration {
    /// Every configuration of a program, or those that the environment asks for.
    pub fn of(program: Program) -> Vec<Self> {
        let wanted = std::env::var("CERTFLIGHT_TLS_SERVER").unwrap_or_default();
        let mut servers = File::read().server;
        servers.retain(|server| server.program == program && server.name.contains(&wanted));
        servers
    }

    /// What it has to be found to be.
    pub fn facts(&self) -> Facts {
        Facts {
            order: Some(self.order),
            suites: self.suites.clone(),
            groups: self.groups.clone(),
            traits: self.traits.clone(),
            findings: self.findings.clone(),
        }
    }
}

impl Difference {
    /// Every one that is on record.
    pub fn all() -> Vec<Self> {
        let file = File::read();
        for known in &file.sslscan {
            let fits = |server: &Configuration| known.server.as_ref().is_none_or(|name| *name == server.name);
            assert!(file.server.iter().any(fits), "sslscan differs about a server that is not there: {known:?}");
        }
        file.sslscan
    }

    /// Whether it is about this fact of this server.
    pub fn is_about(&self, server: &str, fact: &str) -> bool {
        self.server.as_ref().is_none_or(|name| name == server) && (self.about == fact || self.about == "all")
    }

    /// Takes from what is said and what is configured whatever they may differ in.
    pub fn settle(&self, said: &mut Vec<String>, configured: &mut Vec<String>) {
        if self.about == "all" {
            said.clear();
            configured.clear();
        }
        said.retain(|word| !self.adds.contains(word));
        configured.retain(|word| said.contains(word) || !self.lacks.contains(word));
    }
}

fn expand(lists: &BTreeMap<String, Vec<String>>, entry: &str) -> Vec<String> {
    match entry.strip_prefix('@') {
        Some(name) => lists[name].iter().flat_map(|entry| expand(lists, entry)).collect(),
        None => vec![entry.to_owned()],
    }
}
