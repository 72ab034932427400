//! What a server accepts, from whatever source it is known, and sources side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;
use toml::Value;

/// Whose order of suites counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    Server,
    Client,
}

/// What a server is configured with.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Whose order of suites counts.
    pub order: Option<Order>,
    /// Suites by version, which is named as the report names it (`TLSv1.2`); in the server's order, where that counts.
    pub suites: BTreeMap<String, Vec<String>>,
    /// Groups by version.
    pub groups: BTreeMap<String, Vec<String>>,
    /// What else the report says, by its names.
    pub traits: BTreeMap<String, Value>,
    /// Findings above information.
    pub findings: Vec<String>,
}

/// Facts by name, in words, so that sources can be compared and shown.
pub type Lines = BTreeMap<String, Vec<String>>;

/// A fact that does not apply, or is not known.
pub const NULL: &str = "null";

impl Facts {
    pub fn lines(&self) -> Lines {
        let mut lines = Lines::new();
        lines.insert("versions".to_owned(), self.suites.keys().cloned().collect());
        for (version, suites) in &self.suites {
            let mut suites = suites.clone();
            // Of a single suite, and of SSL 2's, among which the client chooses, there is no order.
            let ordered = suites.len() > 1 && version != "SSLv2";
            if self.order == Some(Order::Client) || !ordered {
                suites.sort();
            }
            let order = self.order.filter(|_| ordered).map(|order| format!("{order:?}").to_lowercase());
            lines.insert(format!("{version} order"), vec![order.unwrap_or_else(|| NULL.to_owned())]);
            lines.insert(format!("{version} suites"), suites);
        }
        for (version, groups) in &self.groups {
            lines.insert(format!("{version} groups"), sorted(groups.iter().cloned()));
        }
        for (name, value) in &self.traits {
            let words = if self.applies(name) { words(value) } else { vec![NULL.to_owned()] };
            lines.insert(name.clone(), words);
        }
        lines.insert("findings".to_owned(), sorted(self.findings.iter().cloned()));
        lines
    }

    /// The newest version before TLS 1.3, whose hellos tell what TLS 1.3 tells only under encryption.
    pub fn newest_old(&self) -> Option<&str> {
        self.suites.keys().rev().map(String::as_str).find(|version| !["TLSv1.3", "SSLv2"].contains(version))
    }

    /// Whether the report's fact of this name can have a value.
    fn applies(&self, name: &str) -> bool {
        let Some(version) = self.newest_old() else { return !IN_OLD_HELLOS.contains(&name) };
        match name {
            "alpn" => version != "SSLv3",
            "encrypt_then_mac" => self.suites[version].iter().any(|suite| suite.contains("_CBC_")),
            "fallback_scsv" => self.suites.keys().filter(|version| *version != "SSLv2").count() > 1,
            _ => true,
        }
    }
}

/// Facts that show in hellos before TLS 1.3 alone.
const IN_OLD_HELLOS: [&str; 8] = [
    "client_certificate_requested",
    "compression",
    "encrypt_then_mac",
    "extended_master_secret",
    "fallback_scsv",
    "secure_renegotiation",
    "session_id",
    "session_ticket",
];

pub fn sorted(words: impl IntoIterator<Item = String>) -> Vec<String> {
    words.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => sorted(values.iter().flat_map(words)),
        other => vec![other.to_string()],
    }
}

/// What each source says, a fact a line, or more where they differ.
pub fn side_by_side(sources: &[(&str, Lines)]) -> String {
    let mut table = String::new();
    let facts: BTreeSet<&String> = sources.iter().flat_map(|(_, lines)| lines.keys()).collect();
    for fact in facts {
        let mut said: Vec<(String, String)> = Vec::new();
        for (source, lines) in sources {
            let Some(words) = lines.get(fact) else { continue };
            let text = if words.is_empty() { "(none)".to_owned() } else { words.join(" ") };
            match said.iter_mut().find(|(_, known)| *known == text) {
                Some((sources, _)) => *sources = format!("{sources}, {source}"),
                None => said.push(((*source).to_owned(), text)),
            }
        }
        for (sources, text) in said {
            writeln!(table, "  {fact:<18} {sources}: {text}").unwrap();
        }
    }
    table
}
