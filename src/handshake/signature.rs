//! Signature schemes (RFC 8446 §4.2.3; before TLS 1.3 pairs of hash and signature, RFC 5246 §7.4.1.4.1).

use std::borrow::Cow;
use std::fmt;

use super::group::is_grease;

/// A way of signing handshakes and certificates, by its number in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignatureScheme(pub u16);

/// What kind of key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// RSA
    Rsa,
    /// Elliptic curve, Ed25519 and Ed448 included: they share the ECDSA suites (RFC 8422 §2.2).
    Ecdsa,
    /// DSA, called DSS in TLS
    Dsa,
}

impl KeyKind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
            Self::Dsa => "DSA",
        }
    }
}

const NAMES: &[(u16, &str)] = &[
    (0x0101, "rsa_pkcs1_md5"),
    (0x0201, "rsa_pkcs1_sha1"),
    (0x0202, "dsa_sha1"),
    (0x0203, "ecdsa_sha1"),
    (0x0301, "rsa_pkcs1_sha224"),
    (0x0302, "dsa_sha224"),
    (0x0303, "ecdsa_sha224"),
    (0x0401, "rsa_pkcs1_sha256"),
    (0x0402, "dsa_sha256"),
    (0x0403, "ecdsa_secp256r1_sha256"),
    (0x0501, "rsa_pkcs1_sha384"),
    (0x0502, "dsa_sha384"),
    (0x0503, "ecdsa_secp384r1_sha384"),
    (0x0601, "rsa_pkcs1_sha512"),
    (0x0602, "dsa_sha512"),
    (0x0603, "ecdsa_secp521r1_sha512"),
    (0x0708, "sm2sig_sm3"),
    (0x0804, "rsa_pss_rsae_sha256"),
    (0x0805, "rsa_pss_rsae_sha384"),
    (0x0806, "rsa_pss_rsae_sha512"),
    (0x0807, "ed25519"),
    (0x0808, "ed448"),
    (0x0809, "rsa_pss_pss_sha256"),
    (0x080a, "rsa_pss_pss_sha384"),
    (0x080b, "rsa_pss_pss_sha512"),
    (0x081a, "ecdsa_brainpoolP256r1tls13_sha256"),
    (0x081b, "ecdsa_brainpoolP384r1tls13_sha384"),
    (0x081c, "ecdsa_brainpoolP512r1tls13_sha512"),
    (0x0904, "mldsa44"),
    (0x0905, "mldsa65"),
    (0x0906, "mldsa87"),
];

impl SignatureScheme {
    /// IANA's name (for pairs without one, a name of the same form), or the number in hexadecimal.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => (*name).into(),
            None if is_grease(self.0) => "GREASE".into(),
            None => format!("0x{:04x}", self.0).into(),
        }
    }

    /// The scheme of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(number, _)| Self(*number))
    }

    /// Whether its number is one of GREASE (RFC 8701).
    #[must_use]
    pub fn is_grease(self) -> bool {
        is_grease(self.0)
    }

    /// Every scheme that has a name here.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(number, _)| Self(*number))
    }

    /// The kind of key it needs; `None` where it is none of those that cipher suites tell apart.
    #[must_use]
    pub fn key_kind(self) -> Option<KeyKind> {
        match self.0 {
            0x0804..=0x0806 | 0x0809..=0x080b => Some(KeyKind::Rsa),
            0x0807 | 0x0808 | 0x081a..=0x081c => Some(KeyKind::Ecdsa),
            _ if self.0 >> 8 <= 6 => match self.0 & 0xff {
                1 => Some(KeyKind::Rsa),
                2 => Some(KeyKind::Dsa),
                3 => Some(KeyKind::Ecdsa),
                _ => None,
            },
            _ => None,
        }
    }
}

impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
