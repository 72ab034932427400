//! x509-limbo and, in the same form, Netflix's BetterTLS.

use certflight::path::Purpose;
use jiff::Timestamp;
use serde::Deserialize;

use crate::corpora::Corpora;
use crate::judging::Question;
use crate::suite::{Case, Expectation, Suite};

/// For cases that are to be judged "now". Their certificates are valid from 1970 to 2969.
const NOW: &str = "2026-11-21T07:06:00Z";

/// What stands in the record for a case that names an e-mail address as its peer.
const EMAIL_PEER: &str = "email-peer";

#[derive(Deserialize)]
struct File {
    testcases: Vec<TestCase>,
}

#[derive(Deserialize)]
struct TestCase {
    id: String,
    features: Vec<String>,
    validation_kind: ValidationKind,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<Timestamp>,
    extended_key_usage: Vec<String>,
    expected_result: ExpectedResult,
    expected_peer_name: Option<PeerName>,
    expected_peer_names: Vec<PeerName>,
    crls: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ValidationKind {
    Server,
    Client,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ExpectedResult {
    Success,
    Failure,
}

#[derive(Deserialize)]
struct PeerName {
    kind: PeerKind,
    value: String,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum PeerKind {
    Dns,
    Ip,
    Rfc822,
}

/// The core cases.
pub fn core(corpora: &Corpora) -> Suite {
    suite(corpora, "limbo", "x509-limbo, the core cases given", "limbo-core.json.gz")
}

/// BetterTLS.
pub fn better_tls(corpora: &Corpora) -> Suite {
    suite(corpora, "bettertls", "BetterTLS, the sample given", "bettertls-sample.json.gz")
}

fn suite(corpora: &Corpora, name: &'static str, title: &'static str, file: &str) -> Suite {
    let file: File = serde_json::from_slice(&corpora.unpack(file)).unwrap();
    Suite::new(name, title, file.testcases.into_iter().map(case))
}

fn case(test: TestCase) -> Case {
    let mut features = test.features;
    if test.expected_peer_names.iter().any(|peer| peer.kind == PeerKind::Rfc822) {
        features.push(EMAIL_PEER.to_owned());
    }
    Case {
        expected: match test.expected_result {
            ExpectedResult::Success => Expectation::Accepted,
            ExpectedResult::Failure => Expectation::Rejected,
        },
        features,
        implied: Vec::new(),
        question: Question {
            served: test.peer_certificate.into(),
            intermediates: test.untrusted_intermediates.concat(),
            anchors: test.trusted_certs.concat(),
            name: test.expected_peer_name.map(|peer| peer.value),
            purpose: purpose(&test.validation_kind, &test.extended_key_usage),
            at: test.validation_time.unwrap_or_else(|| NOW.parse().unwrap()),
            crls: test
                .crls
                .into_iter()
                .enumerate()
                .map(|(index, crl)| (format!("{}.crl", index + 1), crl.into()))
                .collect(),
            ocsp_responses: Vec::new(),
        },
        id: test.id,
    }
}

fn purpose(kind: &ValidationKind, extended_key_usage: &[String]) -> Purpose {
    match (kind, extended_key_usage) {
        (ValidationKind::Server, []) => Purpose::Server,
        (ValidationKind::Client, []) => Purpose::Client,
        (_, [usage]) if usage == "serverAuth" => Purpose::Server,
        (_, [usage]) if usage == "clientAuth" => Purpose::Client,
        (_, other) => panic!("no purpose is known for {other:?}"),
    }
}
