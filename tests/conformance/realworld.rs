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

#[derive(Deserialize)]
struct Entry {
    file: String,
    anchor: String,
    not_before: Timestamp,
    hosts: Vec<String>,
    flags: Vec<String>,
    ocsp_responses: Vec<Response>,
    crl_files: Vec<String>,
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
        self.case("", self.question(corpora, self.suggested_time), self.of_the_path())
    }

    fn with_responses<'a>(&'a self, corpora: &'a Corpora) -> impl Iterator<Item = Case> + 'a {
        self.ocsp_responses.iter().map(|response| {
            let question = Question {
                ocsp_responses: vec![(response.file.clone(), corpora.read(&format!("{FOLDER}/{}", response.file)))],
                ..self.question(corpora, Some(self.time_of(response)))
            };
            self.case(&format!("/{}", stem(&response.file)), question, response.expectation())
        })
    }

    /// The CRLs were fetched at other times than the chains were; each is judged when it was issued.
    fn with_crls<'a>(&'a self, corpora: &'a Corpora) -> impl Iterator<Item = Case> + 'a {
        self.crl_files.iter().map(|file| {
            let octets = corpora.read(&format!("{FOLDER}/{file}"));
            let at = crl::read(&octets, &[]).unwrap().this_update.max(self.not_before);
            let question = Question { crls: vec![(file.clone(), octets)], ..self.question(corpora, Some(at)) };
            self.case(&format!("/{}", stem(file)), question, Expectation::Good)
        })
    }

    fn case(&self, suffix: &str, question: Question, expected: Expectation) -> Case {
        let id = stem(&self.file).split('-').next().unwrap_or_default();
        Case { id: format!("{id}{suffix}"), features: self.flags.clone(), question, expected }
    }

    fn question(&self, corpora: &Corpora, at: Option<Timestamp>) -> Question {
        let pem = |name: &str| String::from_utf8(corpora.read(&format!("{FOLDER}/{name}")).into()).unwrap();
        Question {
            served: pem(&self.file),
            intermediates: String::new(),
            anchors: pem(&self.anchor),
            name: self.hosts.first().map(|host| host.replacen('*', "www", 1)),
            purpose: if self.tls_server { Purpose::Server } else { Purpose::Any },
            at: at.unwrap_or(self.not_before),
            crls: Vec::new(),
            ocsp_responses: Vec::new(),
        }
    }

    /// What is logged before a certificate is issued bears a critical extension that no verifier may know.
    fn of_the_path(&self) -> Expectation {
        let unknown = |flag: &String| flag == "precertificate" || flag.starts_with("unknown-critical-extension");
        if self.flags.iter().any(unknown) {
            Expectation::RejectedWith("path.unknown-critical-extension")
        } else {
            Expectation::Accepted
        }
    }

    /// The instant suggested for the responses of a chain; where one of them is not fresh then, that at which it was.
    fn time_of(&self, response: &Response) -> Timestamp {
        let fresh = |at: &Timestamp| *at >= response.this_update && response.next_update.is_none_or(|end| *at <= end);
        self.suggested_time_ocsp.filter(fresh).unwrap_or(response.this_update)
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
