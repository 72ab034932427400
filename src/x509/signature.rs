//! Signature algorithms and their verification (RFC 4055, RFC 5758, RFC 8410, RFC 9881).
//!
//! Input: an `AlgorithmIdentifier`, a public key, the signed octets or their digest, a signature.
//! Output: whether the arithmetic comes out. Nothing here draws a random number.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    self as arithmetic, ParsedPublicKey, RsaParameters, RsaPssSaltLength, VerificationAlgorithm,
};
use bytes::Bytes;

use super::der::{self, SEQUENCE};
use super::key::{KeyAlgorithm, PublicKey};

/// An `AlgorithmIdentifier`; equality is equality of OID and parameters as encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlgorithmIdentifier {
    /// Dotted object identifier.
    pub oid: String,
    /// The parameters' DER; empty where absent.
    pub parameters: Bytes,
}

/// Signature algorithms with the names people use.
const NAMES: [(&str, &str); 21] = [
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.10", "rsassaPss"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.2.840.10040.4.3", "dsa-with-SHA1"),
    ("2.16.840.1.101.3.4.3.2", "dsa-with-SHA256"),
    ("1.3.14.3.2.29", "sha1WithRSA"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
];

/// The dotted OID of a signature algorithm by its name, in any case, with or without hyphens and the word Encryption:
/// `sha256WithRSAEncryption`, `SHA256withRSA`, `ecdsa-with-SHA384`.
#[must_use]
pub fn oid_of(name: &str) -> Option<&'static str> {
    let bare = |text: &str| {
        let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        letters.strip_suffix("encryption").map_or(letters.clone(), ToOwned::to_owned)
    };
    let wanted = bare(name);
    let find = |fits: &dyn Fn(&str) -> bool| NAMES.iter().find(|(_, known)| fits(known)).map(|(oid, _)| *oid);
    find(&|known| known.eq_ignore_ascii_case(name)).or_else(|| find(&|known| bare(known) == wanted))
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
        let known = NAMES.iter().find(|(oid, _)| *oid == self.oid);
        known.map_or(self.oid.as_str(), |(_, name)| name)
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

/// The hash functions that signatures are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn from_oid(oid: &str) -> Option<Self> {
        Some(match oid {
            "1.3.14.3.2.26" => Self::Sha1,
            "2.16.840.1.101.3.4.2.4" => Self::Sha224,
            "2.16.840.1.101.3.4.2.1" => Self::Sha256,
            "2.16.840.1.101.3.4.2.2" => Self::Sha384,
            "2.16.840.1.101.3.4.2.3" => Self::Sha512,
            _ => return None,
        })
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha224 => &digest::SHA224,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// `RSASSA-PSS-params` (RFC 4055 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PssParameters {
    hash: Hash,
    mask_hash: Hash,
    salt_length: u16,
}

impl PssParameters {
    /// Reads the parameters; every field has a default, SHA-1 and a salt of 20 octets.
    fn parse(parameters: &[u8]) -> Option<Self> {
        let mut parsed = Self { hash: Hash::Sha1, mask_hash: Hash::Sha1, salt_length: 20 };
        let (sequence, rest) = der::expect(parameters, SEQUENCE)?;
        if !rest.is_empty() {
            return None;
        }
        for field in der::elements(sequence.value) {
            let field = field?;
            match field.tag {
                0xa0 => parsed.hash = hash_of(field.value)?,
                0xa1 => {
                    let (generation, _) = der::expect(field.value, SEQUENCE)?;
                    let (oid, hash) = der::expect(generation.value, der::OID)?;
                    // id-mgf1, the only mask generation function there is
                    if der::oid_to_string(oid.value) != "1.2.840.113549.1.1.8" {
                        return None;
                    }
                    parsed.mask_hash = hash_of(hash)?;
                }
                0xa2 => parsed.salt_length = small_integer(field.value)?,
                // trailerFieldBC, the only trailer there is
                0xa3 if small_integer(field.value)? == 1 => {}
                _ => return None,
            }
        }
        Some(parsed)
    }
}

/// The hash of an `AlgorithmIdentifier`, header included.
fn hash_of(identifier: &[u8]) -> Option<Hash> {
    let (sequence, _) = der::expect(identifier, SEQUENCE)?;
    let (oid, _) = der::expect(sequence.value, der::OID)?;
    Hash::from_oid(&der::oid_to_string(oid.value))
}

fn small_integer(element: &[u8]) -> Option<u16> {
    let (integer, _) = der::expect(element, der::INTEGER)?;
    match *integer.value {
        [low] if low < 0x80 => Some(u16::from(low)),
        [high, low] if high < 0x80 => Some(u16::from_be_bytes([high, low])),
        _ => None,
    }
}

/// How a signature is made, as far as its `AlgorithmIdentifier` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Pkcs1(Hash),
    Pss(PssParameters),
    Ecdsa(Hash),
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl Scheme {
    fn of(algorithm: &AlgorithmIdentifier) -> Option<Self> {
        Some(match algorithm.oid.as_str() {
            "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => Self::Pkcs1(Hash::Sha1),
            "1.2.840.113549.1.1.14" => Self::Pkcs1(Hash::Sha224),
            "1.2.840.113549.1.1.11" => Self::Pkcs1(Hash::Sha256),
            "1.2.840.113549.1.1.12" => Self::Pkcs1(Hash::Sha384),
            "1.2.840.113549.1.1.13" => Self::Pkcs1(Hash::Sha512),
            "1.2.840.113549.1.1.10" => Self::Pss(PssParameters::parse(&algorithm.parameters)?),
            "1.2.840.10045.4.1" => Self::Ecdsa(Hash::Sha1),
            "1.2.840.10045.4.3.1" => Self::Ecdsa(Hash::Sha224),
            "1.2.840.10045.4.3.2" => Self::Ecdsa(Hash::Sha256),
            "1.2.840.10045.4.3.3" => Self::Ecdsa(Hash::Sha384),
            "1.2.840.10045.4.3.4" => Self::Ecdsa(Hash::Sha512),
            "1.3.101.112" => Self::Ed25519,
            "2.16.840.1.101.3.4.3.17" => Self::MlDsa44,
            "2.16.840.1.101.3.4.3.18" => Self::MlDsa65,
            "2.16.840.1.101.3.4.3.19" => Self::MlDsa87,
            _ => return None,
        })
    }

    fn hash(self) -> Option<Hash> {
        match self {
            Self::Pkcs1(hash) | Self::Ecdsa(hash) => Some(hash),
            Self::Pss(parameters) => Some(parameters.hash),
            Self::Ed25519 | Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => None,
        }
    }
}

/// The hash that a signature algorithm applies to its message, for hashing a stream; `None` for
/// algorithms that need the whole message (Ed25519) or are not known.
#[must_use]
pub fn digest_for(algorithm: &AlgorithmIdentifier) -> Option<&'static digest::Algorithm> {
    Some(Scheme::of(algorithm)?.hash()?.algorithm())
}

/// Whether it can be verified with the whole message only (RFC 8032 §5.1.7, RFC 9881 §3).
#[must_use]
pub fn needs_whole_message(algorithm: &AlgorithmIdentifier) -> bool {
    Scheme::of(algorithm).is_some_and(|scheme| scheme.hash().is_none())
}

/// Verifies a signature with aws-lc-rs: RSA PKCS#1 v1.5 and PSS (1024 bits and up), ECDSA on P-256, P-384 and
/// P-521 with SHA-2, Ed25519, ML-DSA, and SHA-1 with RSA or ECDSA. Whether SHA-1 counts is the caller's to
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
    let unsupported = || SignatureError::Unsupported { algorithm: describe(algorithm), key: describe_key(key) };
    let scheme = Scheme::of(algorithm).ok_or_else(unsupported)?;
    if !key_allows(key, scheme) {
        return Err(unsupported());
    }
    let verification = verification_for(scheme, &key.algorithm).ok_or_else(unsupported)?;
    // The bare key, not the SubjectPublicKeyInfo: aws-lc takes no id-RSASSA-PSS there.
    let parsed = ParsedPublicKey::new(verification, &key.bits).map_err(|_| unsupported())?;
    let outcome = match signed {
        Signed::Message(message) => parsed.verify_sig(message, signature),
        Signed::Digest(digest) => {
            if scheme.hash().map(Hash::algorithm) != Some(digest.algorithm()) {
                return Err(unsupported());
            }
            parsed.verify_digest_sig(digest, signature)
        }
    };
    outcome.map_err(|_| SignatureError::Invalid)
}

fn verification_for(scheme: Scheme, key: &KeyAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (scheme, key) {
        (Scheme::Pkcs1(hash), KeyAlgorithm::Rsa { bits }) => pkcs1(hash, *bits)?,
        (Scheme::Pss(parameters), KeyAlgorithm::Rsa { bits: 2048..=8192 }) => pss(parameters)?,
        (Scheme::Ecdsa(hash), KeyAlgorithm::Ec { curve, .. }) => match (curve.as_str(), hash) {
            ("P-256", Hash::Sha1) => &arithmetic::ECDSA_P256_SHA1_ASN1,
            ("P-256", Hash::Sha256) => &arithmetic::ECDSA_P256_SHA256_ASN1,
            ("P-256", Hash::Sha384) => &arithmetic::ECDSA_P256_SHA384_ASN1,
            ("P-256", Hash::Sha512) => &arithmetic::ECDSA_P256_SHA512_ASN1,
            ("P-384", Hash::Sha256) => &arithmetic::ECDSA_P384_SHA256_ASN1,
            ("P-384", Hash::Sha384) => &arithmetic::ECDSA_P384_SHA384_ASN1,
            ("P-384", Hash::Sha512) => &arithmetic::ECDSA_P384_SHA512_ASN1,
            ("P-521", Hash::Sha1) => &arithmetic::ECDSA_P521_SHA1_ASN1,
            ("P-521", Hash::Sha224) => &arithmetic::ECDSA_P521_SHA224_ASN1,
            ("P-521", Hash::Sha256) => &arithmetic::ECDSA_P521_SHA256_ASN1,
            ("P-521", Hash::Sha384) => &arithmetic::ECDSA_P521_SHA384_ASN1,
            ("P-521", Hash::Sha512) => &arithmetic::ECDSA_P521_SHA512_ASN1,
            _ => return None,
        },
        (Scheme::Ed25519, KeyAlgorithm::Ed25519) => &arithmetic::ED25519,
        (Scheme::MlDsa44, KeyAlgorithm::Other(oid)) if oid == "2.16.840.1.101.3.4.3.17" => &arithmetic::ML_DSA_44,
        (Scheme::MlDsa65, KeyAlgorithm::Other(oid)) if oid == "2.16.840.1.101.3.4.3.18" => &arithmetic::ML_DSA_65,
        (Scheme::MlDsa87, KeyAlgorithm::Other(oid)) if oid == "2.16.840.1.101.3.4.3.19" => &arithmetic::ML_DSA_87,
        _ => return None,
    })
}

/// PKCS#1 v1.5. aws-lc-rs has no SHA-224 for RSA, and SHA-384 from 2048 bits on only.
fn pkcs1(hash: Hash, bits: u32) -> Option<&'static RsaParameters> {
    Some(match (hash, bits) {
        (Hash::Sha1, 1024..=8192) => &arithmetic::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (Hash::Sha256, 1024..=8192) => &arithmetic::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Hash::Sha384, 2048..=8192) => &arithmetic::RSA_PKCS1_2048_8192_SHA384,
        (Hash::Sha512, 1024..=8192) => &arithmetic::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        _ => return None,
    })
}

/// PSS. RFC 4055 §3.1 recommends, and aws-lc-rs insists on, one hash for message and mask.
fn pss(parameters: PssParameters) -> Option<&'static RsaParameters> {
    if parameters.mask_hash != parameters.hash {
        return None;
    }
    let (usual, others, digest_length) = match parameters.hash {
        Hash::Sha256 => (&arithmetic::RSA_PSS_2048_8192_SHA256, &PSS_SHA256, 32),
        Hash::Sha384 => (&arithmetic::RSA_PSS_2048_8192_SHA384, &PSS_SHA384, 48),
        Hash::Sha512 => (&arithmetic::RSA_PSS_2048_8192_SHA512, &PSS_SHA512, 64),
        Hash::Sha1 | Hash::Sha224 => return None,
    };
    if parameters.salt_length == digest_length {
        return Some(usual);
    }
    others.get(usize::from(parameters.salt_length))
}

/// Salt lengths other than the digest's: 20 octets where someone left the default, or as many as
/// the key has room for. The library wants every set of parameters to live as long as the program,
/// so there is a table by salt length, up to what an 8192-bit key can hold.
type PssTable = LazyLock<Vec<RsaParameters>>;
static PSS_SHA256: PssTable = LazyLock::new(|| salted(|| arithmetic::RSA_PSS_2048_8192_SHA256));
static PSS_SHA384: PssTable = LazyLock::new(|| salted(|| arithmetic::RSA_PSS_2048_8192_SHA384));
static PSS_SHA512: PssTable = LazyLock::new(|| salted(|| arithmetic::RSA_PSS_2048_8192_SHA512));

fn salted(parameters: impl Fn() -> RsaParameters) -> Vec<RsaParameters> {
    (0..=8192 / 8).map(|length| parameters().with_pss_salt_length(RsaPssSaltLength::Custom(length))).collect()
}

/// Whether the key's own algorithm identifier lets it be used so: an `id-RSASSA-PSS` key makes no
/// PKCS#1 v1.5 signatures, and its parameters, where present, bind the signature's (RFC 4055 §1.2, §3.3).
fn key_allows(key: &PublicKey, scheme: Scheme) -> bool {
    let Some(identifier) = der::expect(&key.spki, SEQUENCE)
        .and_then(|(spki, _)| AlgorithmIdentifier::parse(key.spki.slice_ref(spki.value)))
    else {
        return true;
    };
    if identifier.oid != "1.2.840.113549.1.1.10" {
        return true;
    }
    match scheme {
        Scheme::Pss(used) => {
            identifier.parameters.is_empty()
                || PssParameters::parse(&identifier.parameters).is_some_and(|required| {
                    used.hash == required.hash
                        && used.mask_hash == required.mask_hash
                        && used.salt_length >= required.salt_length
                })
        }
        _ => false,
    }
}

fn describe(algorithm: &AlgorithmIdentifier) -> String {
    match Scheme::of(algorithm) {
        Some(Scheme::Pss(PssParameters { hash, mask_hash, salt_length })) => {
            format!("{} ({hash:?}, MGF1 with {mask_hash:?}, salt of {salt_length})", algorithm.name())
        }
        _ => algorithm.name().to_owned(),
    }
}

fn describe_key(key: &PublicKey) -> String {
    match &key.algorithm {
        KeyAlgorithm::Rsa { bits } => format!("an RSA key of {bits} bits"),
        KeyAlgorithm::Ec { curve, .. } => format!("an EC key on {curve}"),
        KeyAlgorithm::Ed25519 => "an Ed25519 key".to_owned(),
        KeyAlgorithm::Other(name) => format!("a key of type {name}"),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};

    use super::*;

    fn public(key: &KeyPair) -> PublicKey {
        PublicKey::parse(key.subject_public_key_info().into()).unwrap()
    }

    #[test]
    fn algorithms_are_found_by_their_names_however_they_are_written() {
        for (oid, name) in NAMES {
            assert_eq!((oid_of(name), algorithm(oid).name()), (Some(oid), name));
        }
        for name in ["SHA256withRSA", "sha256-with-rsa-encryption", "sha256WithRSAEncryption"] {
            assert_eq!(oid_of(name), Some("1.2.840.113549.1.1.11"), "{name}");
        }
        assert_eq!(oid_of("ECDSA-with-SHA384"), Some("1.2.840.10045.4.3.3"));
        assert_eq!((oid_of("sha257WithRSA"), oid_of("")), (None, None));
    }

    fn algorithm(oid: &str) -> AlgorithmIdentifier {
        AlgorithmIdentifier { oid: oid.to_owned(), parameters: Bytes::new() }
    }

    fn pss_parameters(hash: u8, mask_hash: u8, salt: u8) -> Bytes {
        let identifier = |last: u8| [0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last];
        let mut fields = vec![0xa0, 13];
        fields.extend(identifier(hash));
        fields.extend([0xa1, 26, 0x30, 24, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8]);
        fields.extend(identifier(mask_hash));
        fields.extend([0xa2, 3, 2, 1, salt]);
        let mut whole = vec![0x30, u8::try_from(fields.len()).unwrap()];
        whole.extend(fields);
        whole.into()
    }

    /// Message and digest, right and wrong, for one key.
    fn round_trip(key: &KeyPair, algorithm: &AlgorithmIdentifier) {
        let message = b"to be signed";
        let signature = key.sign(message).unwrap();
        let public = public(key);
        assert_eq!(verify(algorithm, &public, Signed::Message(message), &signature), Ok(()));
        assert_eq!(
            verify(algorithm, &public, Signed::Message(b"something else"), &signature),
            Err(SignatureError::Invalid)
        );
        assert_eq!(verify(algorithm, &public, Signed::Message(message), &[]), Err(SignatureError::Invalid));
        if let Some(hash) = digest_for(algorithm) {
            let digest = digest::digest(hash, message);
            assert_eq!(verify(algorithm, &public, Signed::Digest(&digest), &signature), Ok(()));
            let digest = digest::digest(hash, b"something else");
            assert_eq!(verify(algorithm, &public, Signed::Digest(&digest), &signature), Err(SignatureError::Invalid));
        } else {
            assert!(needs_whole_message(algorithm));
        }
    }

    #[test]
    fn verifies_ecdsa_and_ed25519() {
        for (kind, oid) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, "1.2.840.10045.4.3.2"),
            (&rcgen::PKCS_ECDSA_P384_SHA384, "1.2.840.10045.4.3.3"),
            (&rcgen::PKCS_ED25519, "1.3.101.112"),
        ] {
            round_trip(&KeyPair::generate_for(kind).unwrap(), &algorithm(oid));
        }
    }

    /// Made once with `openssl genpkey` and `openssl dgst -sign`: each line a kind, the key's
    /// SubjectPublicKeyInfo and a signature of `to be signed`, in base64.
    const SIGNED: &str = include_str!("../../testdata/x509/signatures.txt");

    #[test]
    fn verifies_what_openssl_signed() {
        use base64::Engine as _;
        let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        let mut count = 0;
        for line in SIGNED.lines().filter(|line| !line.starts_with('#')) {
            let [kind, spki, signature] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
            let pss = |hash: u8, salt| AlgorithmIdentifier {
                oid: "1.2.840.113549.1.1.10".to_owned(),
                parameters: pss_parameters(hash, hash, salt),
            };
            let algorithm = match kind.split_once('/').unwrap().1 {
                "rsa-sha1" => algorithm("1.2.840.113549.1.1.5"),
                "rsa-sha256" => algorithm("1.2.840.113549.1.1.11"),
                "rsa-sha384" => algorithm("1.2.840.113549.1.1.12"),
                "rsa-sha512" => algorithm("1.2.840.113549.1.1.13"),
                "pss-sha256-salt32" => pss(1, 32),
                "pss-sha256-salt20" => pss(1, 20),
                "pss-sha384-salt48" => pss(2, 48),
                "pss-sha512-salt64" => pss(3, 64),
                "ecdsa-sha1" => algorithm("1.2.840.10045.4.1"),
                "ecdsa-sha256" => algorithm("1.2.840.10045.4.3.2"),
                "ecdsa-sha384" => algorithm("1.2.840.10045.4.3.3"),
                "ecdsa-sha512" => algorithm("1.2.840.10045.4.3.4"),
                other => panic!("{other}"),
            };
            let key = PublicKey::parse(decode(spki).into()).unwrap();
            let signature = decode(signature);
            let message = b"to be signed";
            assert_eq!(verify(&algorithm, &key, Signed::Message(message), &signature), Ok(()), "{kind}");
            let digest = digest::digest(digest_for(&algorithm).unwrap(), message);
            assert_eq!(verify(&algorithm, &key, Signed::Digest(&digest), &signature), Ok(()), "{kind}");
            assert_eq!(
                verify(&algorithm, &key, Signed::Message(b"other"), &signature),
                Err(SignatureError::Invalid),
                "{kind}"
            );
            count += 1;
        }
        assert_eq!(count, 17);
    }

    #[test]
    fn what_is_not_supported_names_algorithm_and_key() {
        let key = public(&KeyPair::generate().unwrap());
        for (oid, name) in
            [("1.2.840.113549.1.1.4", "md5WithRSAEncryption"), ("1.2.840.113549.1.1.11", "sha256WithRSA")]
        {
            let error = verify(&algorithm(oid), &key, Signed::Message(b""), b"").unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("an EC key on P-256"), "{error}");
        }
        assert!(digest_for(&algorithm("1.2.840.113549.1.1.4")).is_none());
        assert!(!needs_whole_message(&algorithm("1.2.840.113549.1.1.4")));
    }

    #[test]
    fn pss_parameters_must_agree() {
        let pss = |parameters| AlgorithmIdentifier { oid: "1.2.840.113549.1.1.10".to_owned(), parameters };
        assert_eq!(
            PssParameters::parse(&pss_parameters(1, 2, 32)),
            Some(PssParameters { hash: Hash::Sha256, mask_hash: Hash::Sha384, salt_length: 32 })
        );
        assert_eq!(pss_parameters(1, 1, 32).first(), Some(&0x30));
        let rsa = KeyAlgorithm::Rsa { bits: 2048 };
        let supported =
            |parameters| Scheme::of(&pss(parameters)).is_some_and(|scheme| verification_for(scheme, &rsa).is_some());
        assert!(supported(pss_parameters(1, 1, 32)) && supported(pss_parameters(3, 3, 20)));
        assert!(!supported(pss_parameters(1, 2, 32)), "two hashes");
        assert!(!supported(Bytes::from_static(&[0x30, 0])), "SHA-1 by default");
        assert!(!supported(Bytes::new()), "the parameters are not optional in signatures");
        let whole = pss_parameters(1, 1, 32);
        for end in 0..whole.len() {
            assert!(PssParameters::parse(&whole[..end]).is_none());
        }
    }
}
