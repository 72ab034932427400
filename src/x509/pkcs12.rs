//! PKCS#12 stores (RFC 7292): the certificates in them, leaf first where the key says which it is.

use bytes::Bytes;

/// Why a store could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs12Error {
    /// The password is wrong or missing.
    #[error("the password does not open it")]
    Password,
    /// It is not a PKCS#12 store, or uses something this tool cannot read.
    #[error("not a readable PKCS#12 store: {0}")]
    Malformed(String),
}

/// Whether the octets look like a PFX: a sequence that begins with version 3.
#[must_use]
pub fn is_pkcs12(input: &[u8]) -> bool {
    let _ = input;
    todo!()
}

/// What a store holds.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Certificates' DER; the one that belongs to the private key first.
    pub certificates: Vec<Bytes>,
    /// The private key as PKCS#8 DER, where there is one.
    pub private_key: Option<Bytes>,
}

/// Opens a store.
///
/// # Errors
/// [`Pkcs12Error`]
pub fn open(input: &[u8], password: &str) -> Result<Contents, Pkcs12Error> {
    let _ = (input, password);
    todo!()
}
