//! BoringSSL's CRL suite: one certificate, its issuer and one CRL a case; the question is the revocation status alone.
//!
//! The issuers assert no basicConstraints, so no path to them need be valid: they stand for a chain that was verified
//! before. Nothing but the status is compared.

use certflight::path::Purpose;
use jiff::Timestamp;
use serde::Deserialize;

use crate::corpora::Corpora;
use crate::judging::Question;
use crate::suite::{Case, Expectation, Suite};

const FOLDER: &str = "boringssl-crl";

#[derive(Deserialize)]
struct Entry {
    id: String,
    leaf: String,
    issuer: String,
    /// The issuer by another key of the same name, which signs the CRL.
    issuer2: Option<String>,
    crl: String,
    time: Timestamp,
    expected: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Good,
    Revoked,
    Unknown,
}

/// The suite.
pub fn suite(corpora: &Corpora) -> Suite {
    let entries: Vec<Entry> = serde_json::from_slice(&corpora.read(&format!("{FOLDER}/cases.json"))).unwrap();
    Suite::new("boringssl-crl", "BoringSSL's CRL suite", entries.into_iter().map(|entry| case(corpora, entry)))
}

fn case(corpora: &Corpora, entry: Entry) -> Case {
    let pem = |name: &str| String::from_utf8(corpora.read(&format!("{FOLDER}/{name}")).into()).unwrap();
    let issuer = pem(&entry.issuer);
    // Where the CA changed its key, the new certificate is issued by the old one.
    let (intermediates, anchors) = match &entry.issuer2 {
        Some(issuer2) => (issuer, pem(issuer2)),
        None => (String::new(), issuer),
    };
    Case {
        id: entry.id,
        features: Vec::new(),
        question: Question {
            served: pem(&entry.leaf).into(),
            intermediates,
            anchors,
            name: None,
            purpose: Purpose::Any,
            at: entry.time,
            crls: vec![(entry.crl.clone(), corpora.read(&format!("{FOLDER}/{}", entry.crl)))],
            ocsp_responses: Vec::new(),
        },
        expected: match entry.expected {
            Status::Good => Expectation::Good,
            Status::Revoked => Expectation::Revoked,
            Status::Unknown => Expectation::Open,
        },
        implied: Vec::new(),
    }
}
