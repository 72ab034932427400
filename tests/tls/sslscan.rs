//! What sslscan says of a server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};

use certflight::handshake::{CipherSuite, Group};
use roxmltree::{Document, Node};

use crate::certificates::NAME;
use crate::facts::{Facts, Lines, Order};

/// What it is asked for: versions, suites too, groups too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Questions {
    Versions,
    Suites,
    All,
}

/// What it found out.
pub struct Scan {
    questions: Questions,
    versions: Vec<String>,
    suites: BTreeMap<String, Suites>,
    groups: BTreeMap<String, Vec<String>>,
}

/// The suites of a version.
#[derive(Default)]
struct Suites {
    /// Those that its OpenSSL knows. It removes from its offer what was chosen, and so walks through the server's order
    /// where the server has one, and through its own where not.
    walked: Vec<String>,
    /// Those that it probed for afterwards, without any order.
    probed: Vec<String>,
}

impl Scan {
    /// Runs it for what is asked for; `Err` where it ended by a signal.
    pub fn of(address: SocketAddr, questions: Questions) -> Result<Self, ExitStatus> {
        let without: &[&str] = match questions {
            Questions::Versions => &["--no-ciphersuites", "--no-groups"],
            Questions::Suites => &["--no-groups"],
            Questions::All => &[],
        };
        let output = Command::new("sslscan")
            .args(without)
            .args(["--xml=-", "--no-colour", "--no-check-certificate", "--no-heartbleed", "--no-fallback"])
            .args(["--no-renegotiation", "--no-compression", &format!("--sni-name={NAME}"), &address.to_string()])
            .output()
            .unwrap();
        if output.status.signal().is_some() {
            return Err(output.status);
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let document = Document::parse(&text).unwrap_or_else(|error| panic!("sslscan's XML: {error}\n{text}"));
        let with_tag = |name: &'static str| document.descendants().filter(move |node| node.has_tag_name(name));

        let enabled = with_tag("protocol").filter(|node| node.attribute("enabled") == Some("1"));
        let versions = enabled.map(|node| match (attribute(node, "type"), attribute(node, "version")) {
            ("ssl", version) => format!("SSLv{version}"),
            (_, version) => format!("TLSv{version}"),
        });
        let mut suites: BTreeMap<String, Suites> = BTreeMap::new();
        for node in with_tag("cipher") {
            let name = CipherSuite(number(node)).name().into_owned();
            let version = attribute(node, "sslversion");
            // What its OpenSSL knows bears OpenSSL's name, which differs from IANA's before TLS 1.3.
            let probed = version != "TLSv1.3" && attribute(node, "cipher") == name;
            let suites = suites.entry(version.to_owned()).or_default();
            if probed { suites.probed.push(name) } else { suites.walked.push(name) }
        }
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for node in with_tag("group") {
            let name = Group(number(node)).name().into_owned();
            groups.entry(attribute(node, "sslversion").to_owned()).or_default().push(name);
        }
        Ok(Self { questions, versions: versions.collect(), suites, groups })
    }

    /// Its facts beside those of the same server from elsewhere, by the names that [`Facts::lines`] gives them. It tells
    /// no more of an order than that what it walked through bears the other's out. Of SSL 2 and SSL 3 it tells no suites;
    /// where it lacks the suites of a newer version, it has missed them.
    pub fn lines_beside(&self, other: &Facts) -> Lines {
        let mut versions = self.versions.clone();
        versions.sort();
        let mut lines = Lines::from([("versions".to_owned(), versions)]);
        for (version, theirs) in &other.suites {
            let Suites { walked, probed } = match self.suites.get(version) {
                None if self.questions == Questions::Versions || version.starts_with("SSL") => continue,
                None => &Suites::default(),
                Some(suites) => suites,
            };
            let mut suites = [walked.as_slice(), probed].concat();
            let position = |suite: &String| theirs.iter().position(|their| their == suite);
            match other.order {
                Some(Order::Client) | None => suites.sort(),
                Some(Order::Server) if walked.iter().filter_map(position).is_sorted() => {
                    suites.sort_by_key(|suite| position(suite).unwrap_or(usize::MAX));
                }
                Some(Order::Server) => {}
            }
            lines.insert(format!("{version} suites"), suites);
        }
        for (version, Suites { walked, probed }) in &self.suites {
            lines.entry(format!("{version} suites")).or_insert_with(|| [walked.as_slice(), probed].concat());
        }
        for (version, groups) in &self.groups {
            let mut groups = groups.clone();
            groups.sort();
            lines.insert(format!("{version} groups"), groups);
        }
        lines
    }
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).unwrap_or_else(|| panic!("sslscan's <{}> has no {name}", node.tag_name().name()))
}

/// The number in a registry of IANA's.
fn number(node: Node<'_, '_>) -> u16 {
    let id = attribute(node, "id");
    u16::from_str_radix(id.trim_start_matches("0x"), 16).unwrap_or_else(|_| panic!("sslscan's id {id} is no number"))
}
