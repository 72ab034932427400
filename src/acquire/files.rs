//! Certificates from files: PEM bundles in any order, DER, PKCS#7, PKCS#12.

use std::path::Path;

use bytes::Bytes;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::PresentedCertificate;

/// Files larger than this are refused, in octets.
pub const MAX_FILE_SIZE: u64 = 64 << 20;

/// What a client authenticates with.
#[derive(Debug)]
pub struct ClientIdentity {
    /// Certificate, then its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// Private key.
    pub key: PrivateKeyDer<'static>,
}

/// Why octets gave no certificates or keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ContentError(pub String);

/// Every certificate in the octets of a file, whatever its format.
///
/// # Errors
/// What was found instead, when there is none.
pub fn certificates(contents: &Bytes, password: Option<&str>) -> Result<Vec<PresentedCertificate>, ContentError> {
    let _ = (contents, password);
    todo!()
}

/// Reads the client certificate and key from PEM files or one PKCS#12 store.
///
/// # Errors
/// Which file, and what is wrong with it.
pub fn client_identity(
    certificate: &Path,
    key: Option<&Path>,
    password: Option<&str>,
) -> Result<ClientIdentity, ContentError> {
    let _ = (certificate, key, password);
    todo!()
}
