//! Files that hold certificates: PEM, PKCS#7, PKCS#12.
#![no_main]

use bytes::Bytes;
use certflight::acquire::files;
use certflight::x509::{cms, pem, pkcs12};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let contents = Bytes::copy_from_slice(data);
    for block in pem::blocks(data) {
        if let Ok(der) = block.contents {
            let again = pem::blocks(pem::encode("CERTIFICATE", &der).as_bytes());
            assert_eq!(again.first().and_then(|block| block.contents.clone().ok()), Some(der));
        }
    }
    let _ = cms::certificates(&contents);
    if pkcs12::is_pkcs12(data) {
        let _ = pkcs12::open(data, "");
    }
    let _ = files::certificates(&contents, None);
});
