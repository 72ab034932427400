//! Key pairs of the lab, and what they sign with.

use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm, SigningKey};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};

use super::rsa::{Hash, RsaKey};
use super::{LabError, der};

/// Which kind of key to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// A fresh key on P-256.
    #[default]
    #[serde(rename = "p256")]
    P256,
    /// The compiled-in RSA key of 2048 bits.
    #[serde(rename = "rsa2048")]
    Rsa2048,
    /// Another one of 2048 bits, for an issuing CA.
    #[serde(rename = "rsa2048-issuing")]
    Rsa2048Issuing,
    /// Another one of 2048 bits, for a root.
    #[serde(rename = "rsa2048-root")]
    Rsa2048Root,
    /// The compiled-in RSA key of 1024 bits.
    #[serde(rename = "rsa1024")]
    Rsa1024,
}

/// A key pair.
#[derive(Debug)]
pub enum Key {
    /// On P-256.
    Ec(KeyPair),
    /// RSA.
    Rsa(RsaKey),
}

/// The hash to sign with; the rest of the signature algorithm follows from the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SigningHash {
    /// SHA-256
    #[default]
    Sha256,
    /// SHA-1, with RSA keys only.
    Sha1,
}

/// A signature with the `AlgorithmIdentifier` that goes before it.
#[derive(Debug, Clone)]
pub struct Signed {
    /// `signatureAlgorithm`, DER.
    pub algorithm: Vec<u8>,
    /// The signature's octets.
    pub signature: Vec<u8>,
}

impl Key {
    /// Makes a key, or takes the compiled-in one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new(kind: KeyKind) -> Result<Self, LabError> {
        Ok(match kind {
            KeyKind::P256 => Self::Ec(KeyPair::generate()?),
            KeyKind::Rsa2048 => Self::Rsa(RsaKey::strong()?),
            KeyKind::Rsa2048Issuing => Self::Rsa(RsaKey::issuing()?),
            KeyKind::Rsa2048Root => Self::Rsa(RsaKey::root()?),
            KeyKind::Rsa1024 => Self::Rsa(RsaKey::weak()?),
        })
    }

    /// The `AlgorithmIdentifier` it signs with.
    #[must_use]
    pub fn algorithm_identifier(&self, hash: SigningHash) -> Vec<u8> {
        match (self, hash) {
            // RFC 5758 §3.2: no parameters.
            (Self::Ec(_), _) => der::sequence(&[der::oid(&[1, 2, 840, 10045, 4, 3, 2])]),
            // RFC 4055 §5: parameters NULL.
            (Self::Rsa(_), SigningHash::Sha256) => {
                der::sequence(&[der::oid(&[1, 2, 840, 113_549, 1, 1, 11]), der::null()])
            }
            (Self::Rsa(_), SigningHash::Sha1) => {
                der::sequence(&[der::oid(&[1, 2, 840, 113_549, 1, 1, 5]), der::null()])
            }
        }
    }

    /// Signs a message.
    ///
    /// # Errors
    /// When the system has no randomness, or SHA-1 is asked of an EC key.
    pub fn sign_with(&self, hash: SigningHash, message: &[u8]) -> Result<Signed, LabError> {
        let signature = match (self, hash) {
            (Self::Ec(pair), SigningHash::Sha256) => pair.sign(message)?,
            (Self::Ec(_), SigningHash::Sha1) => {
                return Err(LabError::Stage("the lab signs with SHA-1 by RSA keys only".to_owned()));
            }
            (Self::Rsa(key), SigningHash::Sha256) => key.sign(Hash::Sha256, message),
            (Self::Rsa(key), SigningHash::Sha1) => key.sign(Hash::Sha1, message),
        };
        Ok(Signed { algorithm: self.algorithm_identifier(hash), signature })
    }

    /// The private key, as a TLS server takes it.
    #[must_use]
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        match self {
            Self::Ec(pair) => PrivatePkcs8KeyDer::from(pair.serialize_der()).into(),
            Self::Rsa(key) => PrivatePkcs1KeyDer::from(key.private_key()).into(),
        }
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::Ec(pair) => pair.der_bytes(),
            Self::Rsa(key) => key.public_key(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self {
            Self::Ec(pair) => pair.algorithm(),
            Self::Rsa(_) => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl SigningKey for Key {
    fn sign(&self, msg: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        match self {
            Self::Ec(pair) => pair.sign(msg),
            Self::Rsa(key) => Ok(key.sign(Hash::Sha256, msg)),
        }
    }
}
