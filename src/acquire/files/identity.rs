//! What a client authenticates with: certificates and key from PEM, DER or PKCS#12.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

use super::super::provider::provider;
use super::{ClientIdentity, ContentError, MAX_FILE_SIZE, certificates, open_store};
use crate::x509::Certificate;
use crate::x509::{pem, pkcs12};

/// Reads the client certificate and key from PEM files or one PKCS#12 store. Without a file for the
/// key it is looked for in the certificate's. The certificate that belongs to the key comes first
/// in the chain, wherever it stood.
///
/// # Errors
/// Which file, and what is wrong with it.
pub fn client_identity(
    certificate: &Path,
    key: Option<&Path>,
    password: Option<&str>,
) -> Result<ClientIdentity, ContentError> {
    let contents = read(certificate)?;
    let in_certificate_file = |error: ContentError| about(certificate, &error.0);
    let chain: Vec<CertificateDer<'static>> = certificates(&contents, password)
        .map_err(in_certificate_file)?
        .iter()
        .filter_map(|presented| presented.decoded())
        .map(|decoded| CertificateDer::from(decoded.der.to_vec()))
        .collect();
    if chain.is_empty() {
        return Err(about(certificate, "its certificates do not decode"));
    }
    let (key_file, key) = match key {
        Some(path) => (path, private_key(&read(path)?, password)),
        None => (certificate, private_key(&contents, password)),
    };
    let key = key.map_err(|error| about(key_file, &error.0))?;
    let loaded = provider().key_provider.load_private_key(key.clone_key()).map_err(|_| {
        about(key_file, "the private key is of a kind that cannot be used; use RSA of 2048 bits and up, P-256, P-384, P-521 or Ed25519")
    })?;
    let Some(public_key) = loaded.public_key() else {
        return Ok(ClientIdentity { chain, key });
    };
    let belongs = |der: &CertificateDer<'_>| {
        Certificate::from_der(der.to_vec()).is_ok_and(|certificate| certificate.key.spki == public_key.as_ref())
    };
    // A stable sort: the rest keeps its order.
    let mut chain = chain;
    chain.sort_by_key(|der| !belongs(der));
    if chain.first().is_some_and(belongs) {
        Ok(ClientIdentity { chain, key })
    } else {
        Err(about(
            key_file,
            &format!("the private key does not belong to any certificate of {}", certificate.display()),
        ))
    }
}

fn about(path: &Path, reason: &str) -> ContentError {
    ContentError(format!("{}: {reason}", path.display()))
}

fn read(path: &Path) -> Result<Bytes, ContentError> {
    let mut contents = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(MAX_FILE_SIZE.saturating_add(1)).read_to_end(&mut contents))
        .map_err(|error| ContentError(format!("cannot read {}: {error}", path.display())))?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_FILE_SIZE) {
        Ok(contents.into())
    } else {
        Err(about(path, &format!("it is larger than {} MiB", MAX_FILE_SIZE >> 20)))
    }
}

/// The first private key in a file.
fn private_key(contents: &Bytes, password: Option<&str>) -> Result<PrivateKeyDer<'static>, ContentError> {
    const ENCRYPTED: &str = "the private key is encrypted, which is not supported here; decrypt it with \
                             `openssl pkey`, or give a PKCS#12 store and --password-file";
    if pem::is_pem(contents) {
        // The old form keeps the label and says so in a header field (RFC 1421 §4.6.1.1).
        let old_encryption = contents.windows(22).any(|window| window == b"Proc-Type: 4,ENCRYPTED");
        for block in pem::blocks(contents) {
            if !block.label.ends_with("PRIVATE KEY") {
                continue;
            }
            if block.label == "ENCRYPTED PRIVATE KEY" || old_encryption {
                return Err(ContentError(ENCRYPTED.to_owned()));
            }
            let der = block
                .contents
                .map_err(|reason| ContentError(format!("the private key does not decode: {reason}")))?
                .to_vec();
            return match block.label.as_str() {
                "PRIVATE KEY" => Ok(PrivatePkcs8KeyDer::from(der).into()),
                "RSA PRIVATE KEY" => Ok(PrivatePkcs1KeyDer::from(der).into()),
                "EC PRIVATE KEY" => Ok(PrivateSec1KeyDer::from(der).into()),
                other => Err(ContentError(format!("{other:?} is not a kind of private key that can be used"))),
            };
        }
        return Err(ContentError("it holds no private key".to_owned()));
    }
    if pkcs12::is_pkcs12(contents) {
        return open_store(contents, password)?
            .private_key
            .map(|key| PrivatePkcs8KeyDer::from(key.to_vec()).into())
            .ok_or_else(|| ContentError("the PKCS#12 store holds no private key".to_owned()));
    }
    PrivateKeyDer::try_from(contents.to_vec())
        .map_err(|_| ContentError("it holds no private key in PEM, DER or PKCS#12".to_owned()))
}
