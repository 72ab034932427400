//! Chains of public CAs, each judged at an instant at which it was valid, and again with each OCSP response and CRL
//! known of it.

use certflight::path::Purpose;
use certflight::x509::crl;
use jiff::Timestamp;
use serde::Deserialize;

use crate::corpora::Corpora;
use crate::judging::Question;
use crate::suite::{Case, Expectation, Suite};

const FOLDER: &str = "realworld";

const UNKNOWN_EXTENSION: &str = "path.unknown-critical-extension";

#[derive(Deserialize)]
struct Entry {
    file: String,
    anchor: String,
    not_before: Timestamp,
    not_after: Timestamp,
    hosts: Vec<String>,
    flags: Vec<String>,
    ocsp_responses: Vec<Response>,
    crl_files: Vec<String>,
    /// `None` where the chain was never valid as a whole.
    suggested_time: Option<Timestamp>,
    suggested_time_ocsp: Option<Timestamp>,
    tls_server: bool,
}

#[derive(Deserialize)]
struct Response {
    file: String,
    status: ResponseStatus,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    openssl_verify: Verified,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ResponseStatus {
    Good,
    Revoked,
    Unknown,
}

#[derive(Deserialize, PartialEq, Eq)]
enum Verified {
    #[serde(rename = "verify-ok")]
    Yes,
    #[serde(rename = "verify-fail")]
    No,
}

/// The chains by themselves, then each with every OCSP response and every CRL known of it.
pub fn suites(corpora: &Corpora) -> [Suite; 3] {
    let entries: Vec<Entry> = serde_json::from_slice(&corpora.read(&format!("{FOLDER}/index.json"))).unwrap();
    let chains = entries.iter().map(|entry| entry.chain(corpora));
    let responses = entries.iter().flat_map(|entry| entry.with_responses(corpora));
    let crls = entries.iter().flat_map(|entry| entry.with_crls(corpora));
    [
        Suite::new("realworld", "chains of public CAs", chains),
        Suite::new("realworld-ocsp", "their OCSP responses", responses),
        Suite::new("realworld-crl", "their CRLs", crls),
    ]
}

impl Entry {
    fn chain(&self, corpora: &Corpora) -> Case {
        self.case("", self.question(corpora, self.suggested_time), self.of_the_path(), &[])
    }

    fn with_responses<'a>(&'a self, corpora: &'a Corpora) -> impl Iterator<Item = Case> + 'a {
        self.ocsp_responses.iter().map(|response| {
            let question = Question {
                ocsp_responses: vec![(response.file.clone(), corpora.read(&format!("{FOLDER}/{}", response.file)))],
                ..self.question(corpora, Some(self.time_of(response)))
            };
            let expected = response.expectation();
            let implied: &[_] = match expected {
                Expectation::Revoked => &["revocation.revoked"],
                Expectation::Open => &["ocsp.", "revocation.undetermined"],
                _ => &[],
            };
            self.case(&format!("/{}", stem(&response.file)), question, expected, implied)
        })
    }

    /// A CRL that was fetched years before or after the chain was valid must not be believed; any other shows that the
    /// certificate was not revoked.
    fn with_crls<'a>(&'a self, corpora: &'a Corpora) -> impl Iterator<Item = Case> + 'a {
        self.crl_files.iter().map(|file| {
            let octets = corpora.read(&format!("{FOLDER}/{file}"));
            let dates = crl::read(&octets, &[]).unwrap();
            let overlap = dates.this_update.max(self.not_before);
            let fresh = overlap <= self.not_after && dates.next_update.is_none_or(|end| overlap <= end);
            let at = if fresh { Some(overlap) } else { self.suggested_time };
            let question = Question { crls: vec![(file.clone(), octets)], ..self.question(corpora, at) };
            let (expected, implied): (_, &[_]) = if fresh {
                (Expectation::Good, &[])
            } else {
                (Expectation::Open, &["crl.", "revocation.undetermined"])
            };
            self.case(&format!("/{}", stem(file)), question, expected, implied)
        })
    }

    fn case(&self, suffix: &str, question: Question, expected: Expectation, implied: &[&'static str]) -> Case {
        let id = stem(&self.file).split('-').next().unwrap_or_default();
        let mut implied = implied.to_vec();
        if self.is_unprocessable() {
            implied.push(UNKNOWN_EXTENSION);
        }
        if self.suggested_time.is_none() {
            implied.extend(["cert.", "path."]);
        }
        Case { id: format!("{id}{suffix}"), features: self.flags.clone(), question, expected, implied }
    }

    fn question(&self, corpora: &Corpora, at: Option<Timestamp>) -> Question {
        Question {
            served: corpora.read(&format!("{FOLDER}/{}", self.file)),
            anchors: String::from_utf8(corpora.read(&format!("{FOLDER}/{}", self.anchor)).into()).unwrap(),
            name: self.hosts.first().map(|host| host.replacen('*', "www", 1)),
            purpose: if self.tls_server { Purpose::Server } else { Purpose::Any },
            at: at.unwrap_or(self.not_before),
            ..Question::default()
        }
    }

    fn of_the_path(&self) -> Expectation {
        if self.is_unprocessable() {
            Expectation::RejectedWith(UNKNOWN_EXTENSION)
        } else if self.suggested_time.is_none() {
            Expectation::Rejected
        } else {
            Expectation::Accepted
        }
    }

    /// What is logged before a certificate is issued bears a critical extension that no verifier may know.
    fn is_unprocessable(&self) -> bool {
        self.flags.iter().any(|flag| flag == "precertificate" || flag.starts_with("unknown-critical-extension"))
    }

    /// The instant suggested for the responses of a chain; where one of them is not fresh then, that at which it was.
    fn time_of(&self, response: &Response) -> Timestamp {
        let fresh = |at: &Timestamp| *at >= response.this_update && response.next_update.is_none_or(|end| *at <= end);
        self.suggested_time_ocsp.filter(fresh).unwrap_or_else(|| response.this_update.max(self.not_before))
    }
}

impl Response {
    /// What does not verify must not be believed, whatever it says.
    fn expectation(&self) -> Expectation {
        match self.status {
            _ if self.openssl_verify == Verified::No => Expectation::Open,
            ResponseStatus::Good => Expectation::Good,
            ResponseStatus::Revoked => Expectation::Revoked,
            ResponseStatus::Unknown => Expectation::Open,
        }
    }
}

/// A file's name without its folder and extension.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
