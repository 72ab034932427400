//! Cipher suites: names and parts, from IANA's registry as tls-parser carries it.

use std::borrow::Cow;
use std::fmt;

use tls_parser::{CIPHERS, TlsCipherAu, TlsCipherEnc, TlsCipherKx, TlsCipherMac, TlsCipherSuite, TlsPRF};

use super::group::is_grease;
use super::signature::KeyKind;
use super::version::Version;

/// A cipher suite of SSL 3 or TLS, by its number in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CipherSuite(pub u16);

/// Why a suite is no longer fit for use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weakness {
    /// Nothing is encrypted
    Null,
    /// Nobody is authenticated
    Anonymous,
    /// Cut down to 40 or 56 bits for export
    Export,
    /// RC4 (RFC 7465), or RC2
    Rc4,
    /// DES
    Des,
    /// Triple DES: 64-bit blocks (CVE-2016-2183)
    TripleDes,
}

impl Weakness {
    /// Its name, as findings write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Anonymous => "anonymous",
            Self::Export => "EXPORT",
            Self::Rc4 => "RC4",
            Self::Des => "DES",
            Self::TripleDes => "3DES",
        }
    }
}

/// Who is authenticated how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// By a certificate with such a key
    Certificate(KeyKind),
    /// By whichever certificate the signature algorithms admit (TLS 1.3)
    Any,
    /// By a shared secret, a password or Kerberos
    Secret,
    /// Nobody
    Anonymous,
}

impl CipherSuite {
    /// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746 §3.3): a signal, no suite.
    pub const EMPTY_RENEGOTIATION_INFO_SCSV: Self = Self(0x00ff);
    /// TLS_FALLBACK_SCSV (RFC 7507): a signal, no suite.
    pub const FALLBACK_SCSV: Self = Self(0x5600);

    fn entry(self) -> Option<&'static TlsCipherSuite> {
        TlsCipherSuite::from_id(self.0)
    }

    /// IANA's name, or the number in hexadecimal.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match (self.entry(), self.gost()) {
            (Some(entry), _) => entry.name.into(),
            (None, Some(name)) => name.into(),
            (None, None) if self.is_grease() => "GREASE".into(),
            (None, None) => format!("0x{:04x}", self.0).into(),
        }
    }

    /// The suite of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TlsCipherSuite::from_name(name).map(|entry| Self(entry.id.0))
    }

    /// RFC 9189 and its forerunners, which the table lacks.
    fn gost(self) -> Option<&'static str> {
        match self.0 {
            0x0081 => Some("TLS_GOSTR341001_WITH_28147_CNT_IMIT"),
            0xc100 => Some("TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC"),
            0xc101 => Some("TLS_GOSTR341112_256_WITH_MAGMA_CTR_OMAC"),
            0xc102 => Some("TLS_GOSTR341112_256_WITH_28147_CNT_IMIT"),
            _ => None,
        }
    }

    /// Every suite of the registry by number, without signals.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut suites: Vec<Self> = CIPHERS.keys().copied().chain([0x0081, 0xc100, 0xc101, 0xc102]).map(Self).collect();
        suites.retain(|suite| !suite.is_signal() && suite.0 != 0);
        suites.sort_unstable();
        suites.dedup();
        suites
    }

    /// Every suite that a handshake of this version may settle on: those of TLS 1.3 belong to it alone (RFC 8446 §B.4),
    /// and those with a pseudo-random function of their own came with TLS 1.2 (RFC 5246 §1.2). Older servers are offered
    /// the latter too by clients that speak both, and some take them against the rule; so only TLS 1.3's are held apart.
    #[must_use]
    pub fn all_for(version: Version) -> Vec<Self> {
        let mut suites = Self::all();
        suites.retain(|suite| suite.is_tls13() == (version == Version::Tls13));
        suites
    }

    /// Whether it is a signal rather than a suite.
    #[must_use]
    pub fn is_signal(self) -> bool {
        self == Self::EMPTY_RENEGOTIATION_INFO_SCSV || self == Self::FALLBACK_SCSV
    }

    /// Whether its number is one of GREASE (RFC 8701).
    #[must_use]
    pub fn is_grease(self) -> bool {
        is_grease(self.0)
    }

    /// Whether it is one of TLS 1.3.
    #[must_use]
    pub fn is_tls13(self) -> bool {
        matches!(self.0, 0x1301..=0x1307) || self.entry().is_some_and(|entry| entry.kx == TlsCipherKx::Tls13)
    }

    /// The oldest version it is defined for.
    #[must_use]
    pub fn since(self) -> Version {
        match self.entry() {
            _ if self.is_tls13() => Version::Tls13,
            Some(entry)
                if entry.mac == TlsCipherMac::Aead
                    || matches!(entry.mac, TlsCipherMac::HmacSha256 | TlsCipherMac::HmacSha384)
                        && entry.prf != TlsPRF::Default =>
            {
                Version::Tls12
            }
            _ => Version::Ssl3,
        }
    }

    /// Whether the key is agreed on anew each time, so that recorded traffic stays closed when the server's key leaks.
    #[must_use]
    pub fn has_forward_secrecy(self) -> bool {
        self.is_tls13()
            || self
                .entry()
                .is_some_and(|entry| matches!(entry.kx, TlsCipherKx::Dhe | TlsCipherKx::Ecdhe | TlsCipherKx::Aecdh | TlsCipherKx::Eccpwd))
            // The registry writes anonymous exchanges as static ones; their keys are ephemeral all the same.
            || self.name().starts_with("TLS_DH_anon_")
            || self.name().starts_with("TLS_ECDH_anon_")
    }

    /// Whether the key is agreed on over an elliptic curve before TLS 1.3.
    #[must_use]
    pub fn is_elliptic(self) -> bool {
        let name = self.name();
        name.starts_with("TLS_ECDH") || name.starts_with("TLS_ECCPWD")
    }

    /// Whether the key is agreed on over an ephemeral finite field.
    #[must_use]
    pub fn is_finite_field(self) -> bool {
        let name = self.name();
        // Two of RFC 6655 bear their parts the other way round.
        ["TLS_DHE_", "TLS_DH_anon_", "TLS_PSK_DHE_"].iter().any(|start| name.starts_with(start))
    }

    /// Who is authenticated how.
    #[must_use]
    pub fn authentication(self) -> Authentication {
        if self.is_tls13() {
            return Authentication::Any;
        }
        let name = self.name();
        if name.contains("_anon_") {
            return Authentication::Anonymous;
        }
        match self.entry().map(|entry| entry.au) {
            Some(TlsCipherAu::Rsa | TlsCipherAu::Srp_Rsa) => Authentication::Certificate(KeyKind::Rsa),
            Some(TlsCipherAu::Ecdsa) => Authentication::Certificate(KeyKind::Ecdsa),
            Some(TlsCipherAu::Dss | TlsCipherAu::Srp_Dss) => Authentication::Certificate(KeyKind::Dsa),
            // Static ECDH and DH, whose certificates hold a key of that kind.
            Some(TlsCipherAu::Null) if name.starts_with("TLS_ECDH_") => Authentication::Certificate(KeyKind::Ecdsa),
            Some(TlsCipherAu::Null) if name == "TLS_NULL_WITH_NULL_NULL" => Authentication::Anonymous,
            _ => Authentication::Secret,
        }
    }

    /// What makes it weak, worst first; empty where nothing does.
    #[must_use]
    pub fn weaknesses(self) -> Vec<Weakness> {
        let name = self.name();
        let encryption = self.entry().map(|entry| entry.enc);
        let mut weaknesses = Vec::new();
        let mut add = |applies: bool, weakness| {
            if applies {
                weaknesses.push(weakness);
            }
        };
        // TLS 1.3 has two that only authenticate (RFC 9150); the table has their cipher as null.
        add(encryption == Some(TlsCipherEnc::Null) && !self.is_signal(), Weakness::Null);
        add(self.authentication() == Authentication::Anonymous, Weakness::Anonymous);
        add(name.contains("EXPORT"), Weakness::Export);
        add(matches!(encryption, Some(TlsCipherEnc::Rc4 | TlsCipherEnc::Rc2)), Weakness::Rc4);
        add(encryption == Some(TlsCipherEnc::Des), Weakness::Des);
        add(encryption == Some(TlsCipherEnc::TripleDes), Weakness::TripleDes);
        weaknesses
    }
}

impl fmt::Display for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_the_names() {
        for suite in CipherSuite::all() {
            let name = suite.name();
            assert_eq!(CipherSuite::from_name(&name).is_some(), suite.gost().is_none(), "{name}");
            let weak = suite.weaknesses();
            for (mark, weakness) in [
                ("_NULL_", Weakness::Null),
                ("_anon_", Weakness::Anonymous),
                ("EXPORT", Weakness::Export),
                ("RC4", Weakness::Rc4),
                ("_DES_", Weakness::Des),
                ("_DES40_", Weakness::Des),
                ("3DES", Weakness::TripleDes),
            ] {
                if name.contains(mark) {
                    assert!(weak.contains(&weakness), "{name} lacks {weakness:?}");
                }
            }
            if ["_AES_", "_CHACHA20_", "_CAMELLIA_", "_ARIA_"].iter().any(|mark| name.contains(mark))
                && !name.contains("anon")
            {
                assert!(weak.is_empty(), "{name}: {weak:?}");
            }
            if name.starts_with("TLS_ECDHE_RSA") || name.starts_with("TLS_DHE_RSA") {
                assert!(suite.has_forward_secrecy(), "{name}");
                assert_eq!(suite.authentication(), Authentication::Certificate(KeyKind::Rsa), "{name}");
            }
            if name.starts_with("TLS_RSA_WITH") || name.starts_with("TLS_ECDH_RSA") || name.starts_with("TLS_DH_RSA") {
                assert!(!suite.has_forward_secrecy(), "{name}");
            }
            if name.contains("_GCM_") || name.contains("_CCM") || name.contains("POLY1305") {
                assert!(suite.since() >= Version::Tls12, "{name}");
            }
            if name.contains("_CBC_SHA256") || name.contains("_CBC_SHA384") {
                let old = suite.since() < Version::Tls12;
                // RFC 5489 §3.2 and RFC 5487 §3.2 let PSK suites with them be used before TLS 1.2.
                assert!(!old || name.contains("PSK"), "{name}");
            }
            if name.ends_with("_CBC_SHA") {
                assert_eq!(suite.since(), Version::Ssl3, "{name}");
            }
        }
    }

    #[test]
    fn offers_of_a_version() {
        assert!(CipherSuite::all_for(Version::Tls13).contains(&CipherSuite(0x1301)));
        assert!(!CipherSuite::all_for(Version::Tls12).contains(&CipherSuite(0x1301)));
        assert!(CipherSuite::all_for(Version::Tls12).len() > 300);
        assert!(CipherSuite::all().iter().all(|suite| !suite.is_signal()));
        assert_eq!(CipherSuite(0x0a0a).name(), "GREASE");
        assert_eq!(CipherSuite(0xfefe).name(), "0xfefe");
    }
}
