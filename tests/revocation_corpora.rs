//! Public conformance data about CRLs and OCSP responses, through the library's own entry points. The data lies
//! beside the repository and is no part of it; where it is not there, a line says so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its data fails")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use certflight::revocation::crl::{self, CrlSource, Role, Signers};
use certflight::revocation::ocsp::{self, Question};
use certflight::revocation::retrieve::CrlBody;
use certflight::revocation::{Answer, Subject};
use certflight::x509::ocsp::OcspResponse;
use certflight::x509::signature::{self, Signed};
use certflight::x509::{self, Certificate, pem};
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

fn certificates(path: &Path) -> Vec<Arc<Certificate>> {
    let octets = std::fs::read(path).unwrap();
    let blocks = pem::blocks(&octets).into_iter();
    blocks.map(|block| Arc::new(Certificate::from_der(block.contents.unwrap()).unwrap())).collect()
}

fn certificate(path: &Path) -> Arc<Certificate> {
    certificates(path).remove(0)
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap()
}

/// What a CRL says of a certificate when it comes from there: only an answer that counts.
fn said(octets: &Bytes, subject: &Subject, signers: &Signers<'_>, from: (&str, Role), at: Timestamp) -> Option<Answer> {
    let bodies = vec![CrlBody::read(octets, std::slice::from_ref(&subject.certificate.serial))];
    let source = CrlSource { url: from.0.to_owned(), role: from.1, subjects: vec![0], bodies };
    let judgement = crl::judge(&[source], &[], std::slice::from_ref(subject), signers, at);
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

/// Responses that OpenSSL refuses only because the issuer's certificate in the chain file was not valid at the time: it
/// was issued anew, or had expired, with the same name and key. Who signed them was entitled to (RFC 6960 §4.2.2.2:
/// the key that issued the certificate, or a delegate it certified); that the certificate above has expired or is not
/// valid yet is the path's own finding.
const OF_THE_ISSUERS_KEY: [&str; 3] = [
    "ocsp/responses/a12193028e5689b1.der",
    "ocsp/responses/16c0e147bb68709e.der",
    "ocsp/responses/5780c46e25b23880.der",
];

/// Responses of public CAs, each judged when it was made. The ones that OpenSSL verifies say what they say; of the
/// others only those above, for the rest have delegates of another CA, or an algorithm that is not supported.
#[test]
fn realworld_ocsp() {
    let Some(folder) = corpus("realworld") else { return };
    let entries: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    let mut count = 0;
    let mut wrong = Vec::new();
    for entry in &entries {
        let responses = entry["ocsp_responses"].as_array().into_iter().flatten();
        let chain = certificates(&folder.join(text(entry, "file")));
        let Some((leaf, above)) = chain.split_first() else { panic!("an empty chain") };
        let anchor = certificate(&folder.join(text(entry, "anchor")));
        let issuer = above.iter().chain([&anchor]).find(|issuer| did_issue(issuer, leaf));
        for response in responses {
            count += 1;
            let file = text(response, "file");
            let body = Bytes::from(std::fs::read(folder.join(file)).unwrap());
            let Ok(OcspResponse::Basic(basic)) = x509::ocsp::parse(&body) else { panic!("{file}") };
            let issuer = issuer.unwrap_or_else(|| panic!("{file}: no issuer"));
            let question = Question { certificate: leaf, issuer, nonce: None, pool: None, at: basic.produced_at };
            let judged = ocsp::judge(&body, &question);
            let said = match &judged.answer {
                Some(Answer::Good) => "GOOD",
                Some(Answer::Revoked { .. }) => "REVOKED",
                Some(Answer::Unknown) => "UNKNOWN",
                None => "nothing",
            };
            let counts = text(response, "openssl_verify") == "verify-ok" || OF_THE_ISSUERS_KEY.contains(&file);
            let expected = if counts { text(response, "status") } else { "nothing" };
            if said != expected {
                wrong.push(format!("{file}: {said}, not {expected}: {:?}", judged.defects));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(count, 455);
}

fn did_issue(issuer: &Certificate, leaf: &Certificate) -> bool {
    let signed = Signed::Message(&leaf.tbs);
    issuer.subject.matches(&leaf.issuer)
        && signature::verify(&leaf.signature_algorithm, &issuer.key, signed, &leaf.signature).is_ok()
}
