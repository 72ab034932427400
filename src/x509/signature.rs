//! Signature algorithms and their verification (RFC 4055, RFC 5758, RFC 8410).

use bytes::Bytes;

use super::der::{self, SEQUENCE};
use super::key::PublicKey;

/// An `AlgorithmIdentifier`; equality is equality of OID and parameters as encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlgorithmIdentifier {
    /// Dotted object identifier.
    pub oid: String,
    /// The parameters' DER; empty where absent.
    pub parameters: Bytes,
}

impl AlgorithmIdentifier {
    /// Reads one, header included.
    #[must_use]
    pub fn parse(der: Bytes) -> Option<Self> {
        let (sequence, _) = der::expect(&der, SEQUENCE)?;
        let (oid, parameters) = der::expect(sequence.value, der::OID)?;
        Some(Self { oid: der::oid_to_string(oid.value), parameters: der.slice_ref(parameters) })
    }

    /// The name people use (`sha256WithRSAEncryption`, `ecdsa-with-SHA384`, `Ed25519`), else the OID.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.oid.as_str() {
            "1.2.840.113549.1.1.2" => "md2WithRSAEncryption",
            "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
            "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
            "1.2.840.113549.1.1.10" => "rsassaPss",
            "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
            "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
            "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
            "1.2.840.113549.1.1.14" => "sha224WithRSAEncryption",
            "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
            "1.2.840.10045.4.3.1" => "ecdsa-with-SHA224",
            "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
            "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
            "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
            "1.2.840.10040.4.3" => "dsa-with-SHA1",
            "2.16.840.1.101.3.4.3.2" => "dsa-with-SHA256",
            "1.3.14.3.2.29" => "sha1WithRSA",
            "1.3.101.112" => "Ed25519",
            "1.3.101.113" => "Ed448",
            other => other,
        }
    }

    /// Whether it rests on MD2, MD5 or SHA-1, which no verifier takes for certificates any more.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        matches!(
            self.oid.as_str(),
            "1.2.840.113549.1.1.2"
                | "1.2.840.113549.1.1.4"
                | "1.2.840.113549.1.1.5"
                | "1.3.14.3.2.29"
                | "1.2.840.10045.4.1"
                | "1.2.840.10040.4.3"
        )
    }
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The algorithm, or its combination with that key, is not one this tool can verify.
    #[error("cannot verify {algorithm} with {key}")]
    Unsupported {
        /// Name of the signature algorithm.
        algorithm: String,
        /// The key's kind.
        key: String,
    },
    /// The arithmetic was done and does not come out.
    #[error("the signature does not verify")]
    Invalid,
}

/// What is signed: the message itself where all of it is at hand, or its digest by the algorithm's
/// own hash where it went past as a stream.
#[derive(Debug, Clone, Copy)]
pub enum Signed<'a> {
    /// The to-be-signed octets.
    Message(&'a [u8]),
    /// Their digest, computed with the context from [`digest_for`].
    Digest(&'a aws_lc_rs::digest::Digest),
}

/// The hash that a signature algorithm applies to its message, for hashing a stream; `None` for
/// algorithms that need the whole message (Ed25519) or are not known.
#[must_use]
pub fn digest_for(algorithm: &AlgorithmIdentifier) -> Option<&'static aws_lc_rs::digest::Algorithm> {
    let _ = algorithm;
    todo!()
}

/// Verifies a signature with aws-lc-rs: RSA PKCS#1 v1.5 and PSS (1024 bits and up), ECDSA on P-256, P-384 and
/// P-521 with SHA-2, Ed25519, and SHA-1 with RSA or ECDSA. Whether SHA-1 counts is the caller's to
/// decide, by [`AlgorithmIdentifier::is_weak`].
///
/// # Errors
/// [`SignatureError`]: not supported, or invalid.
pub fn verify(
    algorithm: &AlgorithmIdentifier,
    key: &PublicKey,
    signed: Signed<'_>,
    signature: &[u8],
) -> Result<(), SignatureError> {
    let _ = (algorithm, key, signed, signature);
    todo!()
}
