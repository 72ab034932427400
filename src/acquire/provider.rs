//! The cryptography under the handshake: ring for key exchange and records, because aws-lc-rs costs
//! some 50 ms of CPU on its first random number; aws-lc-rs for verifying signatures, which draws
//! none and knows P-521; and X25519MLKEM768 from ml-kem, so that the first flight looks like that of
//! current clients.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The provider, made once a process.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    todo!()
}
