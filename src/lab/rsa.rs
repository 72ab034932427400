//! RSA signatures with keys and hashes that no library makes any more (RFC 8017 §8.2.1).
//!
//! ring signs with 2048 bits and up and never with SHA-1; the lab has to stage both.

use aws_lc_rs::digest;
use num_bigint::BigUint;

use super::{LabError, der};
use crate::x509::der as reader;

/// An RSA private key.
#[derive(Debug, Clone)]
pub struct RsaKey {
    modulus: BigUint,
    private_exponent: BigUint,
    /// Octets of the modulus.
    size: usize,
    /// `RSAPublicKey`
    public: Vec<u8>,
    /// `RSAPrivateKey`
    private: &'static [u8],
}

/// The hash under a PKCS#1 v1.5 signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1
    Sha1,
    /// SHA-256
    Sha256,
}

impl RsaKey {
    /// The 1024-bit key, which everybody should refuse.
    ///
    /// # Errors
    /// Never, unless the compiled-in file is not a key.
    pub fn weak() -> Result<Self, LabError> {
        Self::read(include_bytes!("../../testdata/lab/rsa-1024.der"))
    }

    /// The 2048-bit key.
    ///
    /// # Errors
    /// Never, unless the compiled-in file is not a key.
    pub fn strong() -> Result<Self, LabError> {
        Self::read(include_bytes!("../../testdata/lab/rsa-2048.der"))
    }

    /// Another 2048-bit key, for issuing CAs.
    ///
    /// # Errors
    /// Never, unless the compiled-in file is not a key.
    pub fn issuing() -> Result<Self, LabError> {
        Self::read(include_bytes!("../../testdata/lab/rsa-2048-issuing.der"))
    }

    /// Another 2048-bit key, for roots.
    ///
    /// # Errors
    /// Never, unless the compiled-in file is not a key.
    pub fn root() -> Result<Self, LabError> {
        Self::read(include_bytes!("../../testdata/lab/rsa-2048-root.der"))
    }

    fn read(private: &'static [u8]) -> Result<Self, LabError> {
        let broken = || LabError::Stage("the lab's RSA key is not an RSAPrivateKey".to_owned());
        let (sequence, _) = reader::expect(private, reader::SEQUENCE).ok_or_else(broken)?;
        let numbers: Vec<BigUint> = reader::elements(sequence.value)
            .map(|number| number.map(|number| BigUint::from_bytes_be(number.value)))
            .collect::<Option<_>>()
            .ok_or_else(broken)?;
        let [_version, modulus, public_exponent, private_exponent, ..] = numbers.as_slice() else {
            return Err(broken());
        };
        let size = modulus.to_bytes_be().len();
        let public =
            der::sequence(&[der::unsigned(&modulus.to_bytes_be()), der::unsigned(&public_exponent.to_bytes_be())]);
        Ok(Self { modulus: modulus.clone(), private_exponent: private_exponent.clone(), size, public, private })
    }

    /// `RSAPublicKey` (RFC 8017 §A.1.1).
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// `RSAPrivateKey` (RFC 8017 §A.1.2).
    #[must_use]
    pub fn private_key(&self) -> &'static [u8] {
        self.private
    }

    /// RSASSA-PKCS1-v1_5 over the message.
    #[must_use]
    pub fn sign(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let (algorithm, arcs): (_, &[u64]) = match hash {
            Hash::Sha1 => (&digest::SHA1_FOR_LEGACY_USE_ONLY, &[1, 3, 14, 3, 2, 26]),
            Hash::Sha256 => (&digest::SHA256, &[2, 16, 840, 1, 101, 3, 4, 2, 1]),
        };
        let digest_info = der::sequence(&[
            der::sequence(&[der::oid(arcs), der::null()]),
            der::octet_string(digest::digest(algorithm, message).as_ref()),
        ]);
        // EMSA-PKCS1-v1_5 (RFC 8017 §9.2): 00 01 FF … FF 00 DigestInfo.
        let padding = self.size.saturating_sub(digest_info.len() + 3);
        let mut encoded = vec![0, 1];
        encoded.resize(2 + padding, 0xff);
        encoded.push(0);
        encoded.extend(digest_info);
        let signature = BigUint::from_bytes_be(&encoded).modpow(&self.private_exponent, &self.modulus).to_bytes_be();
        let mut out = vec![0; self.size.saturating_sub(signature.len())];
        out.extend(signature);
        out
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature as verify;

    use super::*;

    #[test]
    fn signatures_verify() {
        let message = b"signed by the lab";
        let strong = RsaKey::strong().unwrap();
        for key in [&strong, &RsaKey::issuing().unwrap(), &RsaKey::root().unwrap()] {
            verify::UnparsedPublicKey::new(&verify::RSA_PKCS1_2048_8192_SHA256, key.public_key())
                .verify(message, &key.sign(Hash::Sha256, message))
                .unwrap();
        }
        let weak = RsaKey::weak().unwrap();
        verify::UnparsedPublicKey::new(&verify::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, weak.public_key())
            .verify(message, &weak.sign(Hash::Sha1, message))
            .unwrap();
        assert!(
            verify::UnparsedPublicKey::new(&verify::RSA_PKCS1_2048_8192_SHA256, strong.public_key())
                .verify(b"something else", &strong.sign(Hash::Sha256, message))
                .is_err()
        );
    }
}
