//! OCSP responses.
#![no_main]

use bytes::Bytes;
use certflight::x509::ocsp::{self, OcspResponse};
use certflight::x509::{Certificate, PublicKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(OcspResponse::Basic(basic)) = ocsp::parse(&Bytes::copy_from_slice(data)) else { return };
    for der in &basic.certificates {
        if let Ok(certificate) = Certificate::from_der(der.clone()) {
            let _ = basic.is_by(&certificate);
            let _ = basic.verify(&certificate.key);
            for response in &basic.responses {
                let _ = response.cert_id.matches(&certificate, &certificate);
            }
        }
    }
    let _ = PublicKey::parse(basic.tbs.clone());
});
