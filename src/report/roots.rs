//! `certflight/roots/1`: what the trust store holds, and whether what was asked for is among it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

pub use crate::path::presence::{Likeness, Presence};

use super::{Finding, Key, Time, Tool, Verdict, schema};
use crate::finding;
use crate::path::TrustStore;
use crate::path::comparison::{self, Comparison};
use crate::path::presence::{Answer, Wanted};
use crate::path::store::{Entry, StoreError};
use crate::x509::{self, Fingerprint, der};

/// Value of [`RootsReport::schema`].
pub const ROOTS_SCHEMA: &str = "certflight/roots/1";

/// The report of one run of `roots`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RootsReport {
    /// `certflight/roots/1`
    #[schemars(schema_with = "schema::roots_name")]
    pub schema: &'static str,
    /// What made it.
    pub tool: Tool,
    /// When the run began.
    pub started: Time,
    /// When it ended.
    pub finished: Time,
    /// In one word.
    pub verdict: Verdict,
    /// The instant that validity was judged at (`--at`, else the clock's).
    pub at: Time,
    /// `native`, `mozilla`, a path, or several joined with `+`.
    pub store: String,
    /// Where roots were looked for: files, folders, `Mozilla's list`, `native store`.
    pub places: Vec<String>,
    /// Every root of the store, by name.
    pub roots: Vec<Root>,
    /// What was asked for, and what was found of it.
    pub query: Option<Query>,
    /// The worst first.
    pub findings: Vec<Finding>,
    /// Entries of the store that could not be read.
    pub errors: Vec<String>,
    /// What differs from another list.
    pub compare: Option<Compare>,
}

/// One root.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Root {
    /// What a person calls it: its common name, else what stands for that.
    pub name: String,
    /// RFC 4514.
    pub subject: String,
    /// SHA-256 over the DER.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// SHA-1 over the DER, the thumbprint that Windows shows.
    #[schemars(regex(pattern = "^[0-9a-f]{40}$"))]
    pub sha1: String,
    /// Hexadecimal, an even number of digits, no leading zero octet.
    #[schemars(regex(pattern = "^([0-9a-f]{2})+$"))]
    pub serial: String,
    /// Inclusive.
    pub not_before: Time,
    /// Inclusive.
    pub not_after: Time,
    /// At the instant of judgement.
    pub validity: Validity,
    /// Public key.
    pub key: Key,
    /// Where it stands: files, as far as these can be known.
    pub origins: Vec<String>,
}

/// Where the instant of judgement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Validity {
    /// Within.
    Valid,
    /// After the end.
    Expired,
    /// Before the beginning.
    NotYetValid,
}

/// What was asked for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Query {
    /// As it was given.
    pub text: String,
    /// What it was taken for.
    pub kind: QueryKind,
    /// The worst of `asked`. `expired` stands for every root outside of its validity, also for one that is not yet valid;
    /// `null` where the store could not be read.
    pub status: Option<Presence>,
    /// SHA-256 of every root of the store that answers, those that decide first.
    #[schemars(inner(regex(pattern = "^[0-9a-f]{64}$")))]
    pub matches: Vec<String>,
    /// Each root asked for: one, but for a file with several.
    pub asked: Vec<Asked>,
}

/// What a query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueryKind {
    /// A name, or a part of one.
    Name,
    /// A thumbprint.
    Thumbprint,
    /// A file of certificates.
    File,
}

/// One root that was asked for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Asked {
    /// Its subject by RFC 4514, where it is known; of a chain without its root the issuer's name.
    pub subject: Option<String>,
    /// SHA-256 of its certificate, where that is at hand.
    #[schemars(inner(regex(pattern = "^[0-9a-f]{64}$")))]
    pub sha256: Option<String>,
    /// What was found.
    pub status: Presence,
    /// The same in one sentence.
    pub answer: String,
    /// Every root of the store that answers, those that decide first.
    pub matches: Vec<Match>,
}

/// A root of the store that answers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Match {
    /// Which.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// How it answers.
    pub likeness: Likeness,
}

/// What differs from another list. A root is the same where name and key are.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Compare {
    /// The other list: `mozilla`.
    pub with: String,
    /// How many roots it has.
    pub listed: usize,
    /// SHA-256 of the store's roots that the list lacks.
    #[schemars(inner(regex(pattern = "^[0-9a-f]{64}$")))]
    pub only_here: Vec<String>,
    /// The list's roots that the store lacks.
    pub only_there: Vec<Root>,
    /// Roots that both have, by different certificates.
    pub other_certificate: Vec<OtherCertificate>,
}

/// One root by two certificates.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OtherCertificate {
    /// SHA-256 of the store's certificate.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub here: String,
    /// The list's.
    pub there: Root,
}

/// What a run of `roots` found.
#[derive(Debug)]
pub struct Inspected<'a> {
    /// The store, or why there is none.
    pub store: Result<&'a TrustStore, &'a StoreError>,
    /// What the store is called, whether it could be read or not.
    pub label: String,
    /// What was asked for, as it was given.
    pub query: Option<(String, QueryKind)>,
    /// What was found of it.
    pub answers: &'a [Answer],
    /// The list to compare with, and what it is called.
    pub compare: Option<(&'a str, &'a TrustStore)>,
    /// What it means.
    pub findings: &'a [finding::Finding],
}

impl RootsReport {
    /// Of what was found, judged as of `at`.
    #[must_use]
    pub fn new(inspected: &Inspected<'_>, at: Timestamp, started: Timestamp, finished: Timestamp) -> Self {
        let store = inspected.store.ok();
        let query = inspected.query.as_ref().map(|(text, kind)| Query::new(text, *kind, inspected.answers, store, at));
        let compare = store.zip(inspected.compare).map(|(store, (name, list))| Compare::new(store, name, list, at));
        Self {
            schema: ROOTS_SCHEMA,
            tool: Tool::THIS,
            started: Time(started),
            finished: Time(finished),
            verdict: Verdict::of(inspected.findings),
            at: Time(at),
            store: inspected.label.clone(),
            places: store.map(|store| store.places().to_vec()).unwrap_or_default(),
            roots: store.map(|store| by_name(store.entries().map(|entry| Root::new(entry, at)))).unwrap_or_default(),
            query,
            findings: Finding::sorted(inspected.findings),
            errors: store.map(TrustStore::errors).unwrap_or_default(),
            compare,
        }
    }
}

impl Query {
    fn new(text: &str, kind: QueryKind, answers: &[Answer], store: Option<&TrustStore>, at: Timestamp) -> Self {
        let asked: Vec<Asked> =
            answers.iter().filter_map(|answer| store.map(|store| Asked::new(answer, store, at))).collect();
        let mut seen = HashSet::new();
        let all = asked.iter().flat_map(|asked| &asked.matches).map(|found| found.sha256.clone());
        Self {
            text: text.to_owned(),
            kind,
            status: answers.iter().map(|answer| answer.presence).max(),
            matches: all.filter(|sha256| seen.insert(sha256.clone())).collect(),
            asked,
        }
    }
}

impl Asked {
    fn new(answer: &Answer, store: &TrustStore, at: Timestamp) -> Self {
        let (subject, sha256) = match &answer.wanted {
            Wanted::Root(root) => (Some(root.subject.to_string()), Some(root.sha256.to_string())),
            Wanted::IssuerOf(certificate) => (Some(certificate.issuer.to_string()), None),
            Wanted::Thumbprint(_) | Wanted::Name(_) => (None, None),
        };
        let likeness = |found: &crate::path::presence::Match| Match {
            sha256: found.anchor.sha256.to_string(),
            likeness: found.likeness,
        };
        Self {
            subject,
            sha256,
            status: answer.presence,
            answer: finding::presence_in_words(answer, store, at),
            matches: answer.matches.iter().map(likeness).collect(),
        }
    }
}

impl Compare {
    fn new(store: &TrustStore, name: &str, list: &TrustStore, at: Timestamp) -> Self {
        let Comparison { only_here, only_there, other_certificate } = comparison::compare(store, list);
        let entries = store.entries().chain(list.entries());
        let entries: HashMap<Fingerprint, Entry<'_>> = entries.map(|entry| (entry.certificate.sha256, entry)).collect();
        let root = |certificate: &x509::Certificate| Some(Root::new(*entries.get(&certificate.sha256)?, at));
        let here = by_name(only_here.iter().filter_map(|certificate| root(certificate)));
        Self {
            with: name.to_owned(),
            listed: list.len(),
            only_here: here.into_iter().map(|root| root.sha256).collect(),
            only_there: by_name(only_there.iter().filter_map(|certificate| root(certificate))),
            other_certificate: other_certificate
                .iter()
                .filter_map(|(here, other)| {
                    Some(OtherCertificate { here: here.sha256.to_string(), there: root(other)? })
                })
                .collect(),
        }
    }
}

impl Root {
    fn new(entry: Entry<'_>, at: Timestamp) -> Self {
        let certificate: &Arc<x509::Certificate> = entry.certificate;
        Self {
            name: certificate.subject.short(),
            subject: certificate.subject.to_string(),
            sha256: certificate.sha256.to_string(),
            sha1: der::hex(&certificate.sha1()),
            serial: certificate.serial.to_string(),
            not_before: Time(certificate.not_before),
            not_after: Time(certificate.not_after),
            validity: if at < certificate.not_before {
                Validity::NotYetValid
            } else if at > certificate.not_after {
                Validity::Expired
            } else {
                Validity::Valid
            },
            key: Key::from(&certificate.key),
            origins: entry.origins.iter().map(ToString::to_string).collect(),
        }
    }
}

/// By name without letter case, then by their end, so that the list is the same wherever the store keeps them.
fn by_name(roots: impl Iterator<Item = Root>) -> Vec<Root> {
    let mut roots: Vec<Root> = roots.collect();
    roots.sort_by_cached_key(|root| {
        (root.name.to_lowercase(), root.subject.clone(), root.not_after, root.sha256.clone())
    });
    roots
}
