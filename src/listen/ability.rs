//! Whether a client could connect where only TLS 1.2 and newer are spoken, and what keeps it from that.

use crate::handshake::{CipherSuite, ClientHello, Group, KeyKind, SignatureScheme, Version};
use crate::readiness::OFFICE_365;

/// What a hello says of its sender's future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ability {
    /// It offers this version, TLS 1.2 or newer, with a good suite.
    Able(Version),
    /// It does not.
    Unable(Obstacle),
    /// It says that this is its second try with less than it can do (RFC 7507), so that it offers less tells nothing.
    Fallback,
}

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Obstacle {
    /// Its newest version; `None` where it names none that is known.
    OldVersion(Option<Version>),
    /// A hello in the form of SSL 2, which servers of today refuse, though it offers TLS 1.2 (RFC 6176 §3).
    Ssl2Form,
    /// No suite of TLS 1.2 or newer that [`is_good`].
    NoGoodSuite,
    /// Good suites only over elliptic curves, and no curve that is still in use.
    NoUsableGroup,
    /// TLS 1.2, but it takes no signature made with SHA-256 or stronger.
    OldSignatures,
}

impl Ability {
    /// Whether TLS 1.2 or newer would come about; `None` where the hello does not tell.
    #[must_use]
    pub fn succeeds(self) -> Option<bool> {
        match self {
            Self::Able(_) => Some(true),
            Self::Unable(_) => Some(false),
            Self::Fallback => None,
        }
    }

    /// Of the newest version offered, the suites offered (without repetition) and the hello around them.
    #[must_use]
    pub fn of(highest: Option<Version>, suites: &[CipherSuite], hello: &ClientHello) -> Self {
        match judge(highest, suites, hello) {
            Err(_) if hello.cipher_suites.contains(&CipherSuite::FALLBACK_SCSV) => Self::Fallback,
            Err(obstacle) => Self::Unable(obstacle),
            Ok(version) => Self::Able(version),
        }
    }
}

fn judge(highest: Option<Version>, suites: &[CipherSuite], hello: &ClientHello) -> Result<Version, Obstacle> {
    let newest = highest.filter(|version| *version >= Version::Tls12).ok_or(Obstacle::OldVersion(highest))?;
    let groups = hello.groups();
    let versions = hello.versions();
    let good: Vec<CipherSuite> = suites.iter().copied().filter(|suite| is_good(*suite)).collect();
    let has_tls13 = newest == Version::Tls13 && good.iter().any(|suite| suite.is_tls13());
    if has_tls13 && groups.iter().any(|group| group.is_in_tls13()) {
        return Ok(Version::Tls13);
    }
    let mut old: Vec<CipherSuite> = good.iter().copied().filter(|suite| !suite.is_tls13()).collect();
    if !versions.contains(&Version::Tls12) {
        old.clear();
    }
    if old.is_empty() {
        return Err(if has_tls13 { Obstacle::NoUsableGroup } else { Obstacle::NoGoodSuite });
    }
    // Without the list, any curve may be used (RFC 8422 §4).
    let has_curve = groups.is_empty() || groups.iter().copied().any(is_curve_in_use);
    if !has_curve && old.iter().all(|suite| suite.is_elliptic()) {
        return Err(Obstacle::NoUsableGroup);
    }
    let schemes = hello.signature_schemes();
    if !schemes.is_empty() && !schemes.iter().copied().any(is_strong) {
        return Err(Obstacle::OldSignatures);
    }
    Ok(Version::Tls12)
}

/// Whether a suite will do: any of TLS 1.3's that encrypts, and before it those that Office 365 lists, with ECDSA as with RSA.
#[must_use]
pub fn is_good(suite: CipherSuite) -> bool {
    if suite.is_tls13() {
        return suite.weaknesses().is_empty();
    }
    OFFICE_365.contains(&suite) || WITH_ECDSA.contains(&suite)
}

/// What Office 365 lists with ECDHE and RSA, with ECDSA instead.
const WITH_ECDSA: [CipherSuite; 6] = [
    CipherSuite(0xc02c),
    CipherSuite(0xc02b),
    CipherSuite(0xc024),
    CipherSuite(0xc023),
    CipherSuite(0xc00a),
    CipherSuite(0xc009),
];

fn is_curve_in_use(group: Group) -> bool {
    group.is_in_tls13() && !group.is_finite_field() && !group.is_tls13_only()
}

fn is_strong(scheme: SignatureScheme) -> bool {
    // Below 0x0700 the first octet is the hash: 4 and up are SHA-256 and longer (RFC 5246 §7.4.1.4.1).
    scheme.0 >= 0x0400 && scheme.key_kind().is_some_and(|kind| kind != KeyKind::Dsa)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::Extension;

    fn ability(version: Version, suites: &[u16], extensions: Vec<Extension>) -> Ability {
        let suites: Vec<CipherSuite> = suites.iter().copied().map(CipherSuite).collect();
        let hello = ClientHello::new(version, [0; 32], suites.clone(), extensions);
        Ability::of(hello.versions().first().copied(), &suites, &hello)
    }

    #[test]
    fn the_list_of_office_365_is_good_and_its_like_with_ecdsa() {
        for suite in OFFICE_365 {
            assert!(is_good(suite), "{suite}");
            if suite.is_elliptic() {
                let with_ecdsa = CipherSuite::from_name(&suite.name().replace("_RSA_WITH", "_ECDSA_WITH")).unwrap();
                assert!(is_good(with_ecdsa), "{with_ecdsa}");
            }
        }
        for name in ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"] {
            assert!(is_good(CipherSuite::from_name(name).unwrap()), "{name}");
        }
        for name in [
            "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
            "TLS_RSA_WITH_RC4_128_SHA",
            "TLS_RSA_WITH_AES_128_CBC_SHA",
            "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
            "TLS_DH_anon_WITH_AES_128_CBC_SHA",
            "TLS_RSA_WITH_NULL_SHA256",
            "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA",
            "TLS_RSA_PSK_WITH_AES_128_CBC_SHA",
        ] {
            assert!(!is_good(CipherSuite::from_name(name).unwrap()), "{name}");
        }
        assert!(!is_good(CipherSuite(0xc0b4)), "TLS_SHA256_SHA256 of RFC 9150 encrypts nothing");
    }

    #[test]
    fn versions_come_first() {
        for version in [Version::Ssl3, Version::Tls10, Version::Tls11] {
            let old = Ability::Unable(Obstacle::OldVersion(Some(version)));
            assert_eq!(ability(version, &[0xc013, 0x002f], Vec::new()), old);
        }
        assert_eq!(ability(Version::Tls12, &[0x009c], Vec::new()), Ability::Able(Version::Tls12));
        assert_eq!(ability(Version::Tls12, &[0x000a, 0x0005], Vec::new()), Ability::Unable(Obstacle::NoGoodSuite));
        let tls13 = || vec![Extension::supported_versions(&[0x0304]), Extension::supported_groups(&[Group::X25519])];
        assert_eq!(ability(Version::Tls13, &[0x1301], tls13()), Ability::Able(Version::Tls13));
        assert_eq!(
            ability(Version::Tls13, &[0xc02f], tls13()),
            Ability::Unable(Obstacle::NoGoodSuite),
            "a suite of TLS 1.2 without that version"
        );
    }

    #[test]
    fn curves_and_signatures_have_to_be_in_use() {
        let groups = |groups: &[Group]| vec![Extension::supported_groups(groups)];
        let binary = [Group::SECT163K1, Group::SECP160R1];
        assert_eq!(
            ability(Version::Tls12, &[0xc02f], groups(&binary)),
            Ability::Unable(Obstacle::NoUsableGroup),
            "only over curves that nobody serves"
        );
        assert_eq!(ability(Version::Tls12, &[0xc02f, 0x009c], groups(&binary)), Ability::Able(Version::Tls12));
        assert_eq!(ability(Version::Tls12, &[0xc02f], groups(&[Group::SECP256R1])), Ability::Able(Version::Tls12));
        let schemes = |schemes: &[u16]| {
            let schemes: Vec<SignatureScheme> = schemes.iter().copied().map(SignatureScheme).collect();
            vec![Extension::signature_algorithms(&schemes)]
        };
        let sha1 = [0x0201, 0x0203, 0x0202];
        assert_eq!(ability(Version::Tls12, &[0xc02f], schemes(&sha1)), Ability::Unable(Obstacle::OldSignatures));
        assert_eq!(ability(Version::Tls12, &[0xc02f], schemes(&[0x0201, 0x0804])), Ability::Able(Version::Tls12));
    }

    #[test]
    fn a_second_try_with_less_is_no_proof() {
        assert_eq!(ability(Version::Tls10, &[0x002f, 0x5600], Vec::new()), Ability::Fallback);
        assert_eq!(ability(Version::Tls12, &[0xc013, 0x5600], Vec::new()), Ability::Able(Version::Tls12));
    }
}
