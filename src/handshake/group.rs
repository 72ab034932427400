//! Key exchange groups (IANA's "TLS Supported Groups").

use std::borrow::Cow;
use std::fmt;

use rustls::ffdhe_groups::{FFDHE2048, FFDHE3072, FFDHE4096, FFDHE6144, FFDHE8192, FfdheGroup};

/// A group for (EC)DHE or a key encapsulation, by its number in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(pub u16);

macro_rules! groups {
    ($($(#[$about:meta])* $constant:ident = $number:literal, $name:literal;)*) => {
        impl Group {
            $($(#[$about])* pub const $constant: Self = Self($number);)*

            /// Every group that has a name here, by number.
            pub const ALL: &'static [Self] = &[$(Self($number)),*];

            fn known(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

groups! {
    /// sect163k1
    SECT163K1 = 1, "sect163k1";
    /// sect163r1
    SECT163R1 = 2, "sect163r1";
    /// sect163r2
    SECT163R2 = 3, "sect163r2";
    /// sect193r1
    SECT193R1 = 4, "sect193r1";
    /// sect193r2
    SECT193R2 = 5, "sect193r2";
    /// sect233k1
    SECT233K1 = 6, "sect233k1";
    /// sect233r1
    SECT233R1 = 7, "sect233r1";
    /// sect239k1
    SECT239K1 = 8, "sect239k1";
    /// sect283k1
    SECT283K1 = 9, "sect283k1";
    /// sect283r1
    SECT283R1 = 10, "sect283r1";
    /// sect409k1
    SECT409K1 = 11, "sect409k1";
    /// sect409r1
    SECT409R1 = 12, "sect409r1";
    /// sect571k1
    SECT571K1 = 13, "sect571k1";
    /// sect571r1
    SECT571R1 = 14, "sect571r1";
    /// secp160k1
    SECP160K1 = 15, "secp160k1";
    /// secp160r1
    SECP160R1 = 16, "secp160r1";
    /// secp160r2
    SECP160R2 = 17, "secp160r2";
    /// secp192k1
    SECP192K1 = 18, "secp192k1";
    /// secp192r1
    SECP192R1 = 19, "secp192r1";
    /// secp224k1
    SECP224K1 = 20, "secp224k1";
    /// secp224r1
    SECP224R1 = 21, "secp224r1";
    /// secp256k1
    SECP256K1 = 22, "secp256k1";
    /// P-256
    SECP256R1 = 23, "secp256r1";
    /// P-384
    SECP384R1 = 24, "secp384r1";
    /// P-521
    SECP521R1 = 25, "secp521r1";
    /// brainpoolP256r1 (RFC 7027)
    BRAINPOOL_P256R1 = 26, "brainpoolP256r1";
    /// brainpoolP384r1
    BRAINPOOL_P384R1 = 27, "brainpoolP384r1";
    /// brainpoolP512r1
    BRAINPOOL_P512R1 = 28, "brainpoolP512r1";
    /// Curve25519 (RFC 8422)
    X25519 = 29, "x25519";
    /// Curve448
    X448 = 30, "x448";
    /// brainpoolP256r1 in TLS 1.3 (RFC 8734)
    BRAINPOOL_P256R1_TLS13 = 31, "brainpoolP256r1tls13";
    /// brainpoolP384r1 in TLS 1.3
    BRAINPOOL_P384R1_TLS13 = 32, "brainpoolP384r1tls13";
    /// brainpoolP512r1 in TLS 1.3
    BRAINPOOL_P512R1_TLS13 = 33, "brainpoolP512r1tls13";
    /// curveSM2 (RFC 8998)
    CURVE_SM2 = 41, "curveSM2";
    /// 2048 bits (RFC 7919)
    FFDHE2048 = 256, "ffdhe2048";
    /// 3072 bits
    FFDHE3072 = 257, "ffdhe3072";
    /// 4096 bits
    FFDHE4096 = 258, "ffdhe4096";
    /// 6144 bits
    FFDHE6144 = 259, "ffdhe6144";
    /// 8192 bits
    FFDHE8192 = 260, "ffdhe8192";
    /// ML-KEM-512 alone
    MLKEM512 = 512, "MLKEM512";
    /// ML-KEM-768 alone
    MLKEM768 = 513, "MLKEM768";
    /// ML-KEM-1024 alone
    MLKEM1024 = 514, "MLKEM1024";
    /// Hybrid of P-256 and ML-KEM-768
    SECP256R1_MLKEM768 = 4587, "SecP256r1MLKEM768";
    /// Hybrid of Curve25519 and ML-KEM-768
    X25519_MLKEM768 = 4588, "X25519MLKEM768";
    /// Hybrid of P-384 and ML-KEM-1024
    SECP384R1_MLKEM1024 = 4589, "SecP384r1MLKEM1024";
    /// The hybrid of 2023, before ML-KEM was final
    X25519_KYBER768_DRAFT00 = 25497, "X25519Kyber768Draft00";
}

impl Group {
    /// IANA's name, or the number in hexadecimal.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match self.known() {
            Some(name) => name.into(),
            None if is_grease(self.0) => "GREASE".into(),
            None => format!("0x{:04x}", self.0).into(),
        }
    }

    /// The group of this name, in IANA's spelling without regard to case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|group| group.known().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }

    /// The group on the curve that certificates name so: `P-256`.
    #[must_use]
    pub fn of_curve(name: &str) -> Option<Self> {
        match name {
            "P-192" => Some(Self::SECP192R1),
            "P-224" => Some(Self::SECP224R1),
            "P-256" => Some(Self::SECP256R1),
            "P-384" => Some(Self::SECP384R1),
            "P-521" => Some(Self::SECP521R1),
            other => Self::from_name(other),
        }
    }

    /// The group that is the finite field of this prime and generator (RFC 7919 §A).
    #[must_use]
    pub fn of_finite_field(prime: &[u8], generator: &[u8]) -> Option<Self> {
        let field = FfdheGroup::from_params_trimming_leading_zeros(prime, generator);
        let known = [
            (FFDHE2048, Self::FFDHE2048),
            (FFDHE3072, Self::FFDHE3072),
            (FFDHE4096, Self::FFDHE4096),
            (FFDHE6144, Self::FFDHE6144),
            (FFDHE8192, Self::FFDHE8192),
        ];
        known.into_iter().find(|(known, _)| *known == field).map(|(_, group)| group)
    }

    /// Whether its number is one of GREASE (RFC 8701).
    #[must_use]
    pub fn is_grease(self) -> bool {
        is_grease(self.0)
    }

    /// Whether it holds against a quantum computer: it has ML-KEM in it.
    #[must_use]
    pub fn is_post_quantum(self) -> bool {
        matches!(self.0, 512..=514 | 4587..=4589 | 25497)
    }

    /// Whether only TLS 1.3 knows it.
    #[must_use]
    pub fn is_tls13_only(self) -> bool {
        self.is_post_quantum() || matches!(self.0, 31..=33 | 41)
    }

    /// Whether TLS 1.3 may use it (RFC 8446 §4.2.7): the binary and short curves went.
    #[must_use]
    pub fn is_in_tls13(self) -> bool {
        matches!(self.0, 23..=25 | 29..=33 | 41 | 256..=260) || self.is_post_quantum()
    }

    /// Whether it is a finite field (RFC 7919) rather than a curve.
    #[must_use]
    pub fn is_finite_field(self) -> bool {
        matches!(self.0, 256..=260)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Values that clients strew in to keep servers tolerant (RFC 8701).
pub(super) fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}
