//! Malformed objects, each where a user could put it: certificates and CMS messages as the target, CRLs and OCSP
//! responses as files of revocation data. Whatever is answered, something is.

use std::time::{Duration, Instant};

use bytes::Bytes;
use certflight::x509::{Certificate, Name, PublicKey, Serial, cms, crl, ocsp, pem, pkcs12};

use crate::corpora::Corpora;
use crate::judging::Question;
use crate::suite::{Case, Expectation, Suite};

/// The suite.
pub fn suite(corpora: &Corpora) -> Suite {
    let sound = Question {
        served: corpora.read("boringssl-crl/good.leaf.pem"),
        anchors: String::from_utf8(corpora.read("boringssl-crl/good.ca.pem").into()).unwrap(),
        at: "2017-03-09T00:00:00Z".parse().unwrap(),
        ..Question::default()
    };
    let archive = corpora.unpack("malformed.tar.gz");
    let cases = files(&archive).into_iter().map(|(name, octets)| {
        let (kind, id) = name.trim_start_matches("malformed/").split_once('/').unwrap();
        let sound = sound.clone();
        let question = match kind {
            "cert" | "cms" => Question { served: octets, ..sound },
            "crl" => Question { crls: vec![(name.clone(), octets)], ..sound },
            "ocsp" => Question { ocsp_responses: vec![(name.clone(), octets)], ..sound },
            other => panic!("{other} is no kind of object"),
        };
        let expected = Expectation::Survived;
        Case { id: format!("{kind}/{id}"), features: Vec::new(), question, expected, implied: Vec::new() }
    });
    Suite::new("malformed", "malformed objects", cases)
}

/// The regular files of a tar archive (POSIX ustar): a header block of 512 octets with the name in the first 100 and the
/// size in octal at 124, then the contents in whole blocks.
fn files(archive: &[u8]) -> Vec<(String, Bytes)> {
    let mut files = Vec::new();
    let mut rest = archive;
    while rest.len() > 512 && rest[0] != 0 {
        let (header, after) = rest.split_at(512);
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).trim_matches(['\0', ' ']).to_owned();
        let size = usize::from_str_radix(&text(&header[124..136]), 8).unwrap();
        if matches!(header[156], b'0' | 0) {
            files.push((text(&header[..100]), Bytes::copy_from_slice(&after[..size])));
        }
        rest = &after[size.next_multiple_of(512).min(after.len())..];
    }
    files
}

/// Every object through every parser, whatever kind it is: an error or a value, no panic, no hang.
#[test]
fn every_parser_survives_malformed_objects() {
    let Some(corpora) = Corpora::find("conformance: malformed objects") else { return };
    let files = files(&corpora.unpack("malformed.tar.gz"));
    assert!(files.len() > 1000, "{} files", files.len());
    let wanted = [Serial(Bytes::from_static(&[1])), Serial(Bytes::from_static(&[0]))];
    for (name, input) in files {
        let start = Instant::now();
        let _ = Certificate::from_der(input.clone());
        let _ = Certificate::anchor_from_der(input.clone());
        let _ = PublicKey::parse(input.clone()).map(|key| key.weakness());
        let _ = Name::from_der(input.clone()).to_string();
        let whole = crl::read(&input, &wanted);
        let mut reader = crl::CrlReader::new(&wanted);
        for chunk in input.chunks(7) {
            let _ = reader.push(chunk);
        }
        let chunked = reader.finish();
        assert_eq!(whole.as_ref().err(), chunked.as_ref().err(), "{name}");
        if let (Ok(whole), Ok(chunked)) = (&whole, &chunked) {
            assert_eq!((whole.entries, &whole.found), (chunked.entries, &chunked.found), "{name}");
        }
        let _ = ocsp::parse(&input);
        let _ = cms::certificates(&input);
        let _ = pem::blocks(&input);
        let _ = pkcs12::is_pkcs12(&input);
        let _ = pkcs12::open(&input, "");
        assert!(start.elapsed() < Duration::from_secs(5), "{name} took {:?}", start.elapsed());
    }
}
