//! PKCS#12 stores (RFC 7292): the certificates in them, leaf first where the key says which it is.
//!
//! Read with `p12-keystore`: DER stores with PBES2, or with the 3DES and 40-bit RC2 of old.

use bytes::Bytes;
use p12_keystore::error::Error;
use p12_keystore::{CertificateBag, Pkcs12Archive, PrivateKeyBag};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;

use super::certificate::Certificate;
use super::der::{self, SEQUENCE};

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

/// Whether the octets look like a PFX: a sequence that begins with version 3 (RFC 7292 §4).
#[must_use]
pub fn is_pkcs12(input: &[u8]) -> bool {
    const VERSION_3: &[u8] = &[der::INTEGER, 1, 3];
    match input {
        // BER, which some tools write: recognised, so that `open` can say it is not readable.
        [SEQUENCE, 0x80, contents @ ..] => contents.starts_with(VERSION_3),
        [SEQUENCE, ..] => der::header(input)
            .and_then(|(header, _)| input.get(header..))
            .is_some_and(|contents| contents.starts_with(VERSION_3)),
        _ => false,
    }
}

/// What a store holds.
#[derive(Clone, Default)]
pub struct Contents {
    /// Certificates' DER; the one that belongs to the private key first.
    pub certificates: Vec<Bytes>,
    /// The private key as PKCS#8 DER, where there is one.
    pub private_key: Option<Bytes>,
}

impl std::fmt::Debug for Contents {
    /// The key stays out of it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents")
            .field("certificates", &self.certificates.len())
            .field("private_key", &self.private_key.is_some())
            .finish()
    }
}

/// Opens a store. The empty password stands for none too: RFC 7292 §B.1 has two spellings of it.
///
/// # Errors
/// [`Pkcs12Error`]
pub fn open(input: &[u8], password: &str) -> Result<Contents, Pkcs12Error> {
    let archive = match Pkcs12Archive::from_pkcs12(input, password) {
        // "No password" derives another MAC key than "", which the library cannot be told. A MAC
        // under either protects nothing, and the library opens a store that has none.
        Err(Error::MacError(_)) if password.is_empty() => {
            let without_mac = without_mac(input).ok_or(Pkcs12Error::Password)?;
            Pkcs12Archive::from_pkcs12(&without_mac, password).map_err(|_| Pkcs12Error::Password)?
        }
        other => other.map_err(|error| describe(&error))?,
    };
    let mut certificates = archive.certs;
    let key = leading_key(&archive.keys, &certificates);
    if let Some(leaf) = key.and_then(|key| leaf_of(key, &certificates)) {
        let leaf = certificates.remove(leaf);
        certificates.insert(0, leaf);
    }
    Ok(Contents {
        private_key: key.map(|key| Bytes::copy_from_slice(key.key.as_der())),
        certificates: certificates.iter().map(|bag| Bytes::copy_from_slice(bag.cert.as_der())).collect(),
    })
}

fn describe(error: &Error) -> Pkcs12Error {
    match error {
        // Without a MAC, a wrong password shows as wrong padding.
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => Pkcs12Error::Password,
        Error::UnsupportedEncryptionScheme => Pkcs12Error::Malformed("its encryption is not supported".to_owned()),
        other => Pkcs12Error::Malformed(other.to_string()),
    }
}

/// The first key that a certificate belongs to, else the first.
fn leading_key<'a>(keys: &'a [PrivateKeyBag], certificates: &[CertificateBag]) -> Option<&'a PrivateKeyBag> {
    keys.iter().find(|key| leaf_of(key, certificates).is_some()).or(keys.first())
}

/// The index of the key's certificate: by `localKeyId` (RFC 7292 §4.2), else by the public key.
fn leaf_of(key: &PrivateKeyBag, certificates: &[CertificateBag]) -> Option<usize> {
    let by_id = key
        .local_key_id
        .as_ref()
        .and_then(|id| certificates.iter().position(|bag| bag.local_key_id.as_deref() == Some(id.as_ref())));
    by_id.or_else(|| {
        let key = any_supported_type(&PrivateKeyDer::Pkcs8(key.key.as_der().to_vec().into())).ok()?;
        let spki = key.public_key()?;
        certificates.iter().position(|bag| {
            Certificate::from_der(bag.cert.as_der().to_vec())
                .is_ok_and(|certificate| certificate.key.spki == spki.as_ref())
        })
    })
}

/// The PFX with `macData` left out.
fn without_mac(input: &[u8]) -> Option<Vec<u8>> {
    let (pfx, _) = der::expect(input, SEQUENCE)?;
    let (version, rest) = der::expect(pfx.value, der::INTEGER)?;
    let (auth_safe, _) = der::expect(rest, SEQUENCE)?;
    Some(der::encode(SEQUENCE, &[version.whole, auth_safe.whole]))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with `openssl pkcs12 -export`; see testdata/x509/README.md.
    const MODERN: &[u8] = include_bytes!("../../testdata/x509/modern.p12");
    const LEGACY: &[u8] = include_bytes!("../../testdata/x509/legacy.p12");
    const EMPTY: &[u8] = include_bytes!("../../testdata/x509/empty-password.p12");
    const WITHOUT_KEY: &[u8] = include_bytes!("../../testdata/x509/without-key.p12");

    fn subjects(contents: &Contents) -> Vec<String> {
        contents
            .certificates
            .iter()
            .map(|der| Certificate::from_der(der.clone()).unwrap().subject.to_string())
            .collect()
    }

    #[test]
    fn opens_what_openssl_makes() {
        for (store, password) in [(MODERN, "secret"), (LEGACY, "secret"), (EMPTY, "")] {
            assert!(is_pkcs12(store));
            let contents = open(store, password).unwrap();
            assert_eq!(subjects(&contents), ["CN=leaf.test", "CN=Test CA"]);
            assert!(contents.private_key.is_some());
            assert_eq!(open(store, "wrong").unwrap_err(), Pkcs12Error::Password);
        }
        let contents = open(WITHOUT_KEY, "secret").unwrap();
        assert_eq!(subjects(&contents).len(), 2);
        assert!(contents.private_key.is_none());
        assert_eq!(open(MODERN, "").unwrap_err(), Pkcs12Error::Password);
    }

    #[test]
    fn the_leaf_is_known_by_its_key_where_no_id_says_so() {
        let archive = Pkcs12Archive::from_pkcs12(MODERN, "secret").unwrap();
        let mut certificates = archive.certs;
        certificates.reverse();
        certificates.iter_mut().for_each(|bag| bag.local_key_id = None);
        assert_eq!(leaf_of(&archive.keys[0], &certificates), Some(1));
    }

    #[test]
    fn a_mac_under_no_password_is_no_hindrance() {
        // The MAC of the empty password changed: as if made under another spelling of it.
        let mut changed = EMPTY.to_vec();
        let last = changed.len() - 16;
        changed[last] ^= 1;
        assert_eq!(subjects(&open(&changed, "").unwrap()), ["CN=leaf.test", "CN=Test CA"]);
    }

    #[test]
    fn other_files_are_told() {
        assert!(!is_pkcs12(b"-----BEGIN") && !is_pkcs12(&[]) && !is_pkcs12(&[0x30, 3, 2, 1, 1]));
        assert!(is_pkcs12(&[0x30, 0x80, 2, 1, 3]));
        assert!(matches!(open(&[0x30, 3, 2, 1, 3], ""), Err(Pkcs12Error::Malformed(_))));
    }

    #[test]
    fn every_truncation_and_every_changed_octet_is_survived() {
        for (store, password) in [(MODERN, "secret"), (LEGACY, "secret"), (EMPTY, "")] {
            for end in 0..store.len() {
                assert!(open(&store[..end], password).is_err());
                // Where the password is empty, damage gets past the MAC.
                for flip in [0x01, 0x20, 0x80] {
                    let mut changed = store.to_vec();
                    changed[end] ^= flip;
                    let _ = open(&changed, password);
                }
            }
        }
    }
}
