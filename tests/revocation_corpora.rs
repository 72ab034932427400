//! Public conformance data about CRLs and OCSP responses, through the library's own entry points. The data lies
//! beside the repository and is no part of it; where it is not there, a line says so.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use certflight::revocation::crl::{self, CrlSource, Role, Signers};
use certflight::revocation::retrieve::CrlBody;
use certflight::revocation::{Answer, Subject};
use certflight::x509::{Certificate, pem};
use jiff::Timestamp;
use serde_json::Value;

fn corpus(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let path = std::env::var_os("CERTFLIGHT_CORPORA").map_or_else(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    // Past the harness, which keeps what tests that pass print.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: {} is not there", path.display());
    None
}

fn certificate(path: &Path) -> Arc<Certificate> {
    let octets = std::fs::read(path).unwrap();
    let block = pem::blocks(&octets).into_iter().next().unwrap();
    Arc::new(Certificate::from_der(block.contents.unwrap()).unwrap())
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap()
}

/// What a CRL says of a certificate when it comes from there: only an answer that counts.
fn said(octets: &Bytes, subject: &Subject, signers: &Signers<'_>, from: (&str, Role), at: Timestamp) -> Option<Answer> {
    let bodies = vec![CrlBody::read(octets, std::slice::from_ref(&subject.certificate.serial))];
    let source = CrlSource { url: from.0.to_owned(), role: from.1, subjects: vec![0], bodies };
    let judgement = crl::judge(&[source], std::slice::from_ref(subject), signers, at);
    let [verdict] = judgement.sources.as_slice() else { panic!("one source") };
    let answer = verdict.answers.first().and_then(|(_, source)| source.answer.clone());
    assert!(verdict.usable || !matches!(answer, Some(Answer::Good)), "{:?}", verdict.defects);
    answer.filter(|answer| *answer != Answer::Unknown)
}

/// BoringSSL's own rule that a CRL may not be older than seven days is none of RFC 5280's.
const ITS_OWN_AGE_RULE: [&str; 1] = ["bad_thisupdate_too_old"];

#[test]
fn boringssl_crl() {
    let Some(folder) = corpus("boringssl-crl") else { return };
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let id = text(case, "id");
        let leaf = certificate(&folder.join(text(case, "leaf")));
        let issuer = certificate(&folder.join(text(case, "issuer")));
        let other_key = case["issuer2"].as_str().map(|name| certificate(&folder.join(name)));
        let octets = Bytes::from(std::fs::read(folder.join(text(case, "crl"))).unwrap());
        let at: Timestamp = text(case, "time").parse().unwrap();
        let subject = Subject {
            certificate: leaf.clone(),
            issuer: Some(issuer.clone()),
            above: vec![issuer.clone()],
            anchors: Vec::new(),
            on_chosen_path: true,
            is_leaf: true,
        };
        let signers = Signers::new(other_key);
        let mut places = vec![("given.crl", Role::File)];
        places.extend(
            leaf.crl_distribution_points.iter().flat_map(|point| point.urls()).map(|url| (url, Role::Complete)),
        );
        for place in places {
            let said = match said(&octets, &subject, &signers, place, at) {
                Some(Answer::Good) => "good",
                Some(Answer::Revoked { .. }) => "revoked",
                _ => "unknown",
            };
            let expected = if ITS_OWN_AGE_RULE.contains(&id) { "good" } else { text(case, "expected") };
            if said != expected {
                wrong.push(format!("{id} from {}: {said}, not {expected}", place.0));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
