use proptest::prelude::*;

use super::super::extension::with_length16;
use super::*;

fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    [kind, 3, 3].into_iter().chain(with_length16(fragment)).collect()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [kind, a, b, c].into_iter().chain(body.iter().copied()).collect()
}

fn hello(version: u16, random: [u8; 32], suite: u16, extensions: &[Extension]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend(random);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(0);
    body.extend(with_length16(&extensions.iter().flat_map(Extension::encode).collect::<Vec<u8>>()));
    message(2, &body)
}

/// A whole answer of TLS 1.2 with ECDHE and a chain of two.
fn answer() -> Vec<u8> {
    let mut messages = hello(0x0303, [1; 32], 0xc02f, &[Extension::renegotiation_info(), Extension::alpn(&["h2"])]);
    messages.extend(message(11, &[0, 0, 10, 0, 0, 2, 0x30, 0, 0, 0, 2, 0x30, 1]));
    messages.extend(message(22, &[1, 0, 0, 2, 0x30, 0]));
    messages.extend(message(12, &[3, 0, 29, 2, 9, 9, 8, 4, 0, 2, 7, 7]));
    messages.extend(message(13, &[1, 1, 0, 0, 0, 0]));
    messages.extend(message(14, &[]));
    messages
}

#[test]
fn an_answer_is_read_however_it_is_cut() {
    let messages = answer();
    let whole: Vec<u8> = record(22, &messages);
    let shredded: Vec<u8> = messages.chunks(3).flat_map(|chunk| record(22, chunk)).collect();
    for octets in [whole, shredded] {
        for piece in [1, 4, 1000] {
            let mut reader = FlightReader::default();
            for piece in octets.chunks(piece) {
                reader.feed(piece).unwrap();
            }
            let flight = reader.into_flight();
            let hello = flight.hello.unwrap();
            assert_eq!((hello.version, hello.cipher_suite), (Some(Version::Tls12), CipherSuite(0xc02f)));
            assert_eq!(hello.alpn().as_deref(), Some(b"h2".as_slice()));
            assert!(hello.extension(Extension::RENEGOTIATION_INFO).is_some());
            assert_eq!(flight.certificates.unwrap(), [Bytes::from_static(&[0x30, 0]), Bytes::from_static(&[0x30, 1])]);
            assert_eq!(flight.stapled_ocsp, Some(Bytes::from_static(&[0x30, 0])));
            assert_eq!(
                flight.key_exchange,
                Some(KeyExchange {
                    group: Some(Group::X25519),
                    dh_bits: None,
                    signature: Some(SignatureScheme(0x0804))
                })
            );
            assert!(flight.certificate_requested && flight.complete);
        }
    }
}

#[test]
fn tls_13_and_its_retry_name_the_group() {
    let chosen = [Extension::new(Extension::SUPPORTED_VERSIONS, [3, 4]), Extension::new(Extension::KEY_SHARE, [0, 23])];
    for (random, is_retry) in [(RETRY, true), ([0; 32], false)] {
        let mut reader = FlightReader::default();
        let flight = reader.feed(&record(22, &hello(0x0303, random, 0x1302, &chosen))).unwrap();
        let hello = flight.hello.clone().unwrap();
        assert_eq!(
            (hello.version, hello.is_retry, hello.group()),
            (Some(Version::Tls13), is_retry, Some(Group::SECP256R1))
        );
        assert!(flight.complete, "the rest is encrypted");
    }
}

#[test]
fn finite_fields_tell_their_size() {
    let mut messages = hello(0x0301, [1; 32], 0x0033, &[]);
    let mut parameters = vec![0, 3, 0, 0x7f, 0xff, 0, 1, 2, 0, 2, 1, 1];
    parameters.extend([0, 2, 7, 7]);
    messages.extend(message(12, &parameters));
    let mut reader = FlightReader::default();
    let flight = reader.feed(&record(22, &messages)).unwrap();
    assert_eq!(flight.key_exchange, Some(KeyExchange { dh_bits: Some(15), ..KeyExchange::default() }));
}

#[test]
fn alerts_warn_or_end() {
    let mut reader = FlightReader::default();
    let warned: Vec<u8> = record(21, &[1, 112]).into_iter().chain(record(22, &answer())).collect();
    let flight = reader.feed(&warned).unwrap();
    assert_eq!(flight.warnings, [Alert { fatal: false, description: Alert::UNRECOGNIZED_NAME }]);
    assert!(flight.complete && flight.alert.is_none());
    let mut reader = FlightReader::default();
    let flight = reader.feed(&record(21, &[2, 70])).unwrap();
    assert_eq!(flight.alert.unwrap().name(), "protocol_version");
    let warnings: Vec<u8> = std::iter::repeat_n(record(21, &[1, 90]), 100).flatten().collect();
    let mut reader = FlightReader::default();
    assert!(reader.feed(&warnings).unwrap().alert.is_some(), "endless warnings end");
}

#[test]
fn what_is_no_answer_is_told() {
    let read = |octets: &[u8]| FlightReader::default().feed(octets).cloned().unwrap_err();
    assert!(matches!(read(b"220 mail.example.test ESMTP\r\n"), Reading::NotTls(_)));
    assert!(matches!(read(b"HTTP/1.1 400 Bad Request\r\n"), Reading::NotTls(_)));
    assert!(matches!(read(&record(22, &message(11, &[]))), Reading::Malformed(_)));
    assert!(matches!(read(&record(22, &hello(0x0505, [0; 32], 1, &[]))), Reading::Malformed(_)));
    assert!(matches!(read(&[22, 3, 3, 0xff, 0xff]), Reading::Malformed(_)));
    assert!(matches!(read(&record(21, &[2])), Reading::Malformed(_)));
}

proptest! {
    #[test]
    fn no_octets_are_too_odd(octets in proptest::collection::vec(any::<u8>(), 0..300), places in proptest::collection::vec(0_usize..200, 0..8)) {
        let _ = FlightReader::default().feed(&octets);
        let _ = FlightReader::default().feed(&record(22, &octets));
        let mut altered = answer();
        for (place, octet) in places.iter().zip(&octets) {
            let length = altered.len();
            altered[place % length] = *octet;
        }
        let _ = FlightReader::default().feed(&record(22, &altered));
    }
}
