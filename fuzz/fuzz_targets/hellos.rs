//! What clients and servers say before anything is encrypted, from SSL 2 to TLS 1.3, in pieces of any size.
#![no_main]

use certflight::clients::guess;
use certflight::handshake::{FlightReader, HelloReader, Offered, ssl2};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, &[u8])| {
    let (piece, octets) = (usize::from(data.0).max(1), data.1);
    let mut reader = HelloReader::default();
    for piece in octets.chunks(piece) {
        match reader.feed(piece) {
            Ok(None) => {}
            Ok(Some(Offered::Tls(hello))) => {
                let _ = (hello.server_name(), hello.versions(), hello.groups(), hello.alpn(), hello.key_share_groups());
                let _ = guess(&hello);
                let again = HelloReader::default().feed(&hello.encode());
                assert!(matches!(again, Ok(Some(Offered::Tls(again))) if again == hello));
                break;
            }
            Ok(Some(Offered::Ssl2(hello))) => {
                let _ = hello.versions();
                break;
            }
            Err(_) => break,
        }
    }
    let mut reader = FlightReader::default();
    for piece in octets.chunks(piece) {
        if reader.feed(piece).is_err() {
            break;
        }
    }
    let _ = ssl2::ServerHello::decode(octets);
});
