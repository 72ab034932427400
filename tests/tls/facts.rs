//! What a server accepts, from whatever source it is known, and sources side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;

/// Whose order of suites counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    Server,
    Client,
}

/// One version.
#[derive(Debug, Clone)]
pub struct Speaks {
    /// IANA's names; in the server's order, where that counts.
    pub suites: Vec<String>,
    pub order: Order,
}

/// What is known of a server.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// By version, as the report names it (`TLSv1.2`).
    pub speaks: BTreeMap<String, Speaks>,
    /// Groups by version.
    pub groups: BTreeMap<String, Vec<String>>,
}

/// Facts by name, in words, so that sources can be compared and shown.
pub type Lines = BTreeMap<String, Vec<String>>;

impl Facts {
    pub fn lines(&self) -> Lines {
        let mut lines = Lines::new();
        lines.insert("versions".to_owned(), self.speaks.keys().cloned().collect());
        for (version, speaks) in &self.speaks {
            let mut suites = speaks.suites.clone();
            if speaks.order == Order::Client {
                suites.sort();
            }
            // Of a single suite there is no order.
            if suites.len() > 1 {
                let order = format!("{:?}", speaks.order).to_lowercase();
                lines.insert(format!("{version} order"), vec![order]);
            }
            lines.insert(format!("{version} suites"), suites);
        }
        for (version, groups) in &self.groups {
            let groups: BTreeSet<String> = groups.iter().cloned().collect();
            lines.insert(format!("{version} groups"), groups.into_iter().collect());
        }
        lines
    }
}

/// What each source says, a fact a line, or more where they differ.
pub fn side_by_side(sources: &[(&str, Lines)]) -> String {
    let mut table = String::new();
    let facts: BTreeSet<&String> = sources.iter().flat_map(|(_, lines)| lines.keys()).collect();
    for fact in facts {
        let mut said: Vec<(String, String)> = Vec::new();
        for (source, lines) in sources {
            let text = lines.get(fact).map_or("(nothing)".to_owned(), |words| words.join(" "));
            match said.iter_mut().find(|(_, known)| *known == text) {
                Some((sources, _)) => *sources = format!("{sources}, {source}"),
                None => said.push(((*source).to_owned(), text)),
            }
        }
        for (sources, text) in said {
            writeln!(table, "  {fact:<15} {sources}: {text}").unwrap();
        }
    }
    table
}
