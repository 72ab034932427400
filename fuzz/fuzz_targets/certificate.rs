//! Certificates as a server may present them: decoding, everything derived from what decoded, and
//! building and judging a path from several of them.
#![no_main]

use std::sync::Arc;

use certflight::path::{self, Pool, Purpose, Question, Source, TrustStore, StandardJudge};
use certflight::x509::Certificate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Several certificates are separated by a length prefix, so that mutations can build chains.
    let mut rest = data;
    let mut certificates = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (der, after) = after.split_at(length);
        certificates.extend(Certificate::from_der(der.to_vec()).map(Arc::new));
        rest = after;
        if certificates.len() == 8 {
            break;
        }
    }
    certificates.extend(Certificate::from_der(data.to_vec()).map(Arc::new));
    let Some(leaf) = certificates.first() else { return };
    for certificate in &certificates {
        let _ = (certificate.subject.to_string(), certificate.subject.comparison_key(), certificate.key.weakness());
        let _ = (certificate.sha1(), certificate.crl_urls(), certificate.serial.to_string());
        let _ = path::hostname::check(certificate, Some("www.example.test"));
        let _ = path::hostname::check(certificate, Some("192.0.2.1"));
    }
    let mut pool = Pool::default();
    for certificate in &certificates {
        pool.add(certificate.clone(), Source::Served);
    }
    let anchors = certificates.iter().skip(1).take(1).cloned().collect();
    let store = TrustStore::of(anchors, "fuzz");
    let question = Question::new(leaf.not_before, Purpose::Server);
    let _ = path::search(leaf, &pool, &store, &question, &StandardJudge);
});
