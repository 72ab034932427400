//! Every file of a corpus of malformed objects through every parser: an error or a value, no panic,
//! no hang. The corpus is not part of the repository; it is looked for beside it, or where
//! `CERTFLIGHT_CORPORA` says.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Certificate, Name, PublicKey, cms, crl, ocsp, pem, pkcs12};

fn corpora() -> PathBuf {
    std::env::var_os("CERTFLIGHT_CORPORA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from)
}

/// The regular files of a tar archive (POSIX ustar): a header block of 512 octets with the name in
/// the first 100 and the size in octal at 124, then the contents in whole blocks.
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

#[test]
fn malformed_objects_are_survived() {
    let path = corpora().join("malformed.tar.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        // Written past the test harness, which shows what a passing test prints to nobody.
        let _ = writeln!(std::io::stderr(), "SKIPPED: malformed objects: {} is not there", path.display());
        return;
    };
    let mut archive = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut archive).unwrap();
    let files = files(&archive);
    assert!(files.len() > 1000, "{} files in {}", files.len(), path.display());
    let wanted = [super::Serial(Bytes::from_static(&[1])), super::Serial(Bytes::from_static(&[0]))];
    for (name, input) in files {
        let start = Instant::now();
        let _ = Certificate::from_der(input.clone());
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
