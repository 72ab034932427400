//! Public keys: what kind, how strong (RFC 3279, RFC 5480, RFC 8410).

use bytes::Bytes;
use num_bigint::BigUint;

use super::der::{self, SEQUENCE};

/// What a `SubjectPublicKeyInfo` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA, with modulus length in bits and the public exponent.
    Rsa {
        /// Length of the modulus in bits.
        bits: u32,
    },
    /// An elliptic curve key: curve name where known (`P-256`, `P-384`, `P-521`, `P-224`, …), field size in bits.
    Ec {
        /// Curve name, or its dotted OID.
        curve: String,
        /// Size of the field in bits; 0 where the curve is not known.
        bits: u32,
    },
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Anything else, by name or dotted OID.
    Other(String),
}

/// A public key with its encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The `SubjectPublicKeyInfo`, header included.
    pub spki: Bytes,
    /// Contents of the `subjectPublicKey` BIT STRING without the unused-bits octet: what OCSP's
    /// `issuerKeyHash` is computed over (RFC 6960 §4.1.1).
    pub bits: Bytes,
    /// What it is.
    pub algorithm: KeyAlgorithm,
}

/// Why a key is too weak to rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyWeakness {
    /// RSA modulus below 2048 bits.
    ShortRsa {
        /// Its length in bits.
        bits: u32,
    },
    /// Elliptic curve below 224 bits.
    ShortCurve {
        /// Field size in bits.
        bits: u32,
    },
    /// DSA, which no TLS client takes any more.
    Dsa,
    /// RSA public exponent 1, or even.
    BadExponent,
    /// A modulus with the structure that Infineon's library produced (CVE-2017-15361).
    Roca,
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo`; `None` when it is not one.
    #[must_use]
    pub fn parse(spki: Bytes) -> Option<Self> {
        let (sequence, rest) = der::expect(&spki, SEQUENCE)?;
        if !rest.is_empty() {
            return None;
        }
        let (algorithm, after) = der::expect(sequence.value, SEQUENCE)?;
        let (oid, parameters) = der::expect(algorithm.value, der::OID)?;
        let (bit_string, _) = der::expect(after, 0x03)?;
        let bits = spki.slice_ref(bit_string.value.get(1..)?);
        let algorithm = match der::oid_to_string(oid.value).as_str() {
            "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => {
                let (modulus, _) = rsa_numbers(&bits)?;
                KeyAlgorithm::Rsa { bits: u32::try_from(modulus.bits()).ok()? }
            }
            "1.2.840.10045.2.1" => {
                let curve = match der::read(parameters) {
                    Some((parameter, _)) if parameter.tag == der::OID => der::oid_to_string(parameter.value),
                    _ => "explicit parameters".to_owned(),
                };
                let (curve, bits) = match curve.as_str() {
                    "1.2.840.10045.3.1.7" => ("P-256".to_owned(), 256),
                    "1.3.132.0.34" => ("P-384".to_owned(), 384),
                    "1.3.132.0.35" => ("P-521".to_owned(), 521),
                    "1.3.132.0.33" => ("P-224".to_owned(), 224),
                    "1.2.840.10045.3.1.1" => ("P-192".to_owned(), 192),
                    "1.3.132.0.10" => ("secp256k1".to_owned(), 256),
                    "1.3.36.3.3.2.8.1.1.7" => ("brainpoolP256r1".to_owned(), 256),
                    "1.3.36.3.3.2.8.1.1.11" => ("brainpoolP384r1".to_owned(), 384),
                    "1.3.36.3.3.2.8.1.1.13" => ("brainpoolP512r1".to_owned(), 512),
                    _ => (curve, 0),
                };
                KeyAlgorithm::Ec { curve, bits }
            }
            "1.3.101.112" => KeyAlgorithm::Ed25519,
            "1.3.101.113" => KeyAlgorithm::Other("Ed448".to_owned()),
            "1.2.840.10040.4.1" => KeyAlgorithm::Other("DSA".to_owned()),
            other => KeyAlgorithm::Other(other.to_owned()),
        };
        Some(Self { spki: spki.clone(), bits, algorithm })
    }

    /// Why the key is too weak, if it is.
    #[must_use]
    pub fn weakness(&self) -> Option<KeyWeakness> {
        match &self.algorithm {
            KeyAlgorithm::Rsa { bits } => {
                if *bits < 2048 {
                    return Some(KeyWeakness::ShortRsa { bits: *bits });
                }
                let (modulus, exponent) = rsa_numbers(&self.bits)?;
                if exponent <= BigUint::from(1u8) || !exponent.bit(0) {
                    return Some(KeyWeakness::BadExponent);
                }
                is_roca_shaped(&modulus).then_some(KeyWeakness::Roca)
            }
            KeyAlgorithm::Ec { bits, .. } if *bits > 0 && *bits < 224 => Some(KeyWeakness::ShortCurve { bits: *bits }),
            KeyAlgorithm::Other(name) if name == "DSA" => Some(KeyWeakness::Dsa),
            _ => None,
        }
    }

    /// Whether signatures made with it in a handshake can be verified here: by rustls, as in most clients.
    #[must_use]
    pub fn is_verifiable(&self) -> bool {
        match &self.algorithm {
            KeyAlgorithm::Rsa { bits } => {
                (2048..=8192).contains(bits) && !matches!(self.weakness(), Some(KeyWeakness::BadExponent))
            }
            KeyAlgorithm::Ec { curve, .. } => matches!(curve.as_str(), "P-256" | "P-384" | "P-521"),
            KeyAlgorithm::Ed25519 => true,
            KeyAlgorithm::Other(_) => false,
        }
    }

    /// The algorithm's name as the report has it: `RSA`, `EC`, `Ed25519`, or what the OID says.
    #[must_use]
    pub fn algorithm_name(&self) -> &str {
        match &self.algorithm {
            KeyAlgorithm::Rsa { .. } => "RSA",
            KeyAlgorithm::Ec { .. } => "EC",
            KeyAlgorithm::Ed25519 => "Ed25519",
            KeyAlgorithm::Other(name) => name,
        }
    }

    /// Size in bits, where the kind has one that says something.
    #[must_use]
    pub fn size_bits(&self) -> Option<u32> {
        match &self.algorithm {
            KeyAlgorithm::Rsa { bits } => Some(*bits),
            KeyAlgorithm::Ec { bits, .. } if *bits > 0 => Some(*bits),
            KeyAlgorithm::Ed25519 => Some(256),
            _ => None,
        }
    }

    /// Curve name of an EC key.
    #[must_use]
    pub fn curve(&self) -> Option<&str> {
        match &self.algorithm {
            KeyAlgorithm::Ec { curve, .. } => Some(curve),
            _ => None,
        }
    }
}

fn rsa_numbers(bits: &[u8]) -> Option<(BigUint, BigUint)> {
    let (sequence, _) = der::expect(bits, SEQUENCE)?;
    let (modulus, rest) = der::expect(sequence.value, der::INTEGER)?;
    let (exponent, _) = der::expect(rest, der::INTEGER)?;
    Some((BigUint::from_bytes_be(modulus.value), BigUint::from_bytes_be(exponent.value)))
}

/// Whether the modulus is, modulo every small prime of the primorial that Infineon's generator
/// used, a power of 65537 (Nemec et al., *The Return of Coppersmith's Attack*, CCS 2017, §3). A
/// random modulus passes all of them with a chance below one in 2^27.
fn is_roca_shaped(modulus: &BigUint) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
        109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.iter().all(|prime| {
        let remainder = (modulus % *prime).iter_u32_digits().next().unwrap_or(0);
        let generator = 65537 % prime;
        let mut power = 1 % prime;
        loop {
            if power == remainder {
                return true;
            }
            power = power * generator % prime;
            if power == 1 % prime {
                return false;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roca_shape_is_told_from_a_random_modulus() {
        // 65537^k is by construction a power of the generator modulo every prime.
        assert!(is_roca_shaped(&BigUint::from(65537u32).pow(128)));
        assert!(!is_roca_shaped(&(BigUint::from(65537u32).pow(128) + 2u8)));
    }

    #[test]
    fn garbage_is_no_key() {
        assert!(PublicKey::parse(Bytes::from_static(&[0x30, 3, 1, 2, 3])).is_none());
        assert!(PublicKey::parse(Bytes::new()).is_none());
    }
}
