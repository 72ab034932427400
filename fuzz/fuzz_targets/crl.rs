//! CRLs, whole and in chunks: both must come to the same result.
#![no_main]

use bytes::Bytes;
use certflight::x509::Serial;
use certflight::x509::crl::{self, CrlReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((chunk, der)) = data.split_first() else { return };
    let wanted = [Serial(Bytes::from_static(&[1])), Serial(Bytes::from_static(&[0x12, 0x34]))];
    let whole = crl::read(der, &wanted);
    let mut reader = CrlReader::new(&wanted);
    for piece in der.chunks(usize::from(*chunk).max(1)) {
        if reader.push(piece).is_err() {
            break;
        }
    }
    let pieces = reader.finish();
    match (whole, pieces) {
        (Ok(one), Ok(two)) => {
            assert_eq!((one.entries, one.size, one.found), (two.entries, two.size, two.found));
        }
        (Err(_), Err(_)) => {}
        (one, two) => panic!("whole: {:?}, in pieces: {:?}", one.map(|_| ()), two.map(|_| ())),
    }
});
