//! ClientHellos for asking: as tolerant servers expect them, with just what the question needs.

use std::sync::LazyLock;

use crate::acquire::hello::random;
use crate::clients::share;
use crate::handshake::{Authentication, CipherSuite, ClientHello, Extension, Group, SignatureScheme, Version};
use crate::target::Host;

/// Suites in one offer where a server cannot cope with all of them: about what browsers and OpenSSL ever sent.
pub(super) const FEW: usize = 60;

/// What one hello offers.
#[derive(Debug, Clone, Default)]
pub(super) struct Offer {
    pub(super) suites: Vec<CipherSuite>,
    pub(super) groups: Vec<Group>,
    pub(super) schemes: Vec<SignatureScheme>,
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) shares: Vec<Group>,
    pub(super) ticket: bool,
    /// Without any extension.
    pub(super) bare: bool,
}

impl Offer {
    /// The hello that makes this offer at a version.
    pub(super) fn hello(&self, version: Version, server_name: &Host) -> ClientHello {
        let mut suites = self.suites.clone();
        let mut extensions = Vec::new();
        let signal = version <= Version::Ssl3 || self.bare;
        if signal {
            suites.push(CipherSuite::EMPTY_RENEGOTIATION_INFO_SCSV);
        }
        if let Host::Name(name) = server_name {
            extensions.push(Extension::server_name(name));
        }
        extensions.push(Extension::supported_groups(&self.groups));
        if version < Version::Tls13 {
            extensions.push(Extension::ec_point_formats());
            extensions.push(Extension::renegotiation_info());
            extensions.push(Extension::new(Extension::EXTENDED_MASTER_SECRET, []));
            extensions.push(Extension::new(Extension::ENCRYPT_THEN_MAC, []));
            if self.ticket {
                extensions.push(Extension::new(Extension::SESSION_TICKET, []));
            }
            extensions.push(Extension::new(Extension::STATUS_REQUEST, [1, 0, 0, 0, 0]));
        }
        if version >= Version::Tls12 {
            extensions.push(Extension::signature_algorithms(&self.schemes));
            // What certificates may be signed with is another matter than what the handshake is signed with.
            let all: Vec<SignatureScheme> = SignatureScheme::all().collect();
            extensions.push(Extension::new(50, Extension::signature_algorithms(&all).data));
        }
        if !self.alpn.is_empty() {
            extensions.push(Extension::alpn(&self.alpn));
        }
        if version == Version::Tls13 {
            extensions.push(Extension::supported_versions(&[Version::Tls13.wire()]));
            extensions.push(Extension::psk_key_exchange_modes());
            let shares: Vec<(Group, Vec<u8>)> =
                self.shares.iter().filter_map(|group| Some((*group, share(*group)?))).collect();
            extensions.push(Extension::key_share(&shares));
        }
        let mut hello = ClientHello::new(version, random(), suites, extensions);
        if version < Version::Tls13 {
            // DEFLATE first: a server that can compress shows it.
            hello.compression = vec![1, 0];
        } else {
            // A session to be resumed is what middleboxes expect to see (RFC 8446 §D.4).
            hello.session_id = random().to_vec();
        }
        if self.bare {
            hello.extensions = None;
        }
        hello
    }
}

impl Offer {
    /// The hello that makes this offer as a client does that speaks TLS 1.3 and every version from TLS 1.0 on.
    pub(super) fn hello_with_tls13(&self, server_name: &Host) -> ClientHello {
        let mut hello = self.hello(Version::Tls12, server_name);
        hello.cipher_suites.splice(0..0, [0x1301, 0x1302, 0x1303].map(CipherSuite));
        let versions = [Version::Tls13, Version::Tls12, Version::Tls11, Version::Tls10].map(Version::wire);
        let shares: Vec<(Group, Vec<u8>)> =
            share(Group::X25519).into_iter().map(|share| (Group::X25519, share)).collect();
        hello.extensions.get_or_insert_default().extend([
            Extension::supported_versions(&versions),
            Extension::psk_key_exchange_modes(),
            Extension::key_share(&shares),
        ]);
        // With TLS 1.3 in it there is no other compression (RFC 8446 §4.1.2).
        hello.compression = vec![0];
        hello.session_id = random().to_vec();
        // Some load balancers hang at messages of 256 to 511 octets, which is why clients pad theirs (RFC 7685 §1).
        let length = hello.message().len();
        if (256..512).contains(&length) {
            let padding = vec![0; 512_usize.saturating_sub(length).saturating_sub(4).max(1)];
            hello.extensions.get_or_insert_default().push(Extension::new(Extension::PADDING, padding));
        }
        hello
    }
}

/// All suites of a version, those first that servers are likely to take.
pub(super) fn suites(version: Version) -> Vec<CipherSuite> {
    static BEFORE_13: LazyLock<Vec<CipherSuite>> = LazyLock::new(|| ordered(CipherSuite::all_for(Version::Tls12)));
    static OF_13: LazyLock<Vec<CipherSuite>> = LazyLock::new(|| ordered(CipherSuite::all_for(Version::Tls13)));
    if version == Version::Tls13 { OF_13.clone() } else { BEFORE_13.clone() }
}

fn ordered(mut suites: Vec<CipherSuite>) -> Vec<CipherSuite> {
    suites.sort_by_cached_key(|suite| {
        let name = suite.name();
        let by_certificate = matches!(suite.authentication(), Authentication::Certificate(_) | Authentication::Any);
        let usual = ["_AES_", "CHACHA20", "3DES", "RC4", "CAMELLIA"].iter().any(|cipher| name.contains(cipher))
            && !name.contains("_DSS_")
            && !name.contains("_ECDH_")
            && !name.contains("_DH_");
        (!by_certificate, !usual, !suite.weaknesses().is_empty(), !suite.has_forward_secrecy(), suite.0)
    });
    suites
}

/// All groups that may be used before TLS 1.3. Finite fields are left out: offering them changes which parameters a server
/// uses for DHE (RFC 7919 §4), and what is asked is what it uses otherwise.
pub(super) fn curves() -> Vec<Group> {
    let mut groups: Vec<Group> =
        Group::ALL.iter().copied().filter(|group| !group.is_tls13_only() && !group.is_finite_field()).collect();
    groups.sort_by_key(|group| {
        !matches!(*group, Group::X25519 | Group::SECP256R1 | Group::SECP384R1 | Group::SECP521R1 | Group::X448)
    });
    groups
}

/// All finite fields that have a name (RFC 7919).
pub(super) fn finite_fields() -> Vec<Group> {
    Group::ALL.iter().copied().filter(|group| group.is_finite_field()).collect()
}

/// All groups of TLS 1.3, hybrids first.
pub(super) fn groups_of_13() -> Vec<Group> {
    let mut groups: Vec<Group> = Group::ALL.iter().copied().filter(|group| group.is_in_tls13()).collect();
    groups.sort_by_key(|group| (!group.is_post_quantum(), group.is_finite_field()));
    groups
}

/// All signature schemes, those first that servers are likely to use.
pub(super) fn schemes() -> Vec<SignatureScheme> {
    let mut schemes: Vec<SignatureScheme> = SignatureScheme::all().collect();
    schemes.sort_by_key(|scheme| match scheme.0 {
        0x0403 | 0x0503 | 0x0603 | 0x0804..=0x0808 => 0,
        0x0401 | 0x0501 | 0x0601 => 1,
        0x0201 | 0x0203 => 2,
        _ => 3,
    });
    schemes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_hold_everything_once() {
        for version in [Version::Tls10, Version::Tls13] {
            let mut all = suites(version);
            let likely: Vec<String> = all.iter().take(3).map(|suite| suite.name().into_owned()).collect();
            all.sort_unstable();
            assert_eq!(all, CipherSuite::all_for(version), "{likely:?}");
        }
        let few: Vec<CipherSuite> = suites(Version::Tls12).into_iter().take(FEW).collect();
        for name in [
            "TLS_RSA_WITH_AES_128_CBC_SHA",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
        ] {
            assert!(few.contains(&CipherSuite::from_name(name).unwrap()), "{name}");
        }
        assert!(groups_of_13().contains(&Group::X25519_MLKEM768) && !curves().contains(&Group::X25519_MLKEM768));
    }

    #[test]
    fn a_hello_like_that_of_current_clients_has_none_of_the_lengths_that_some_servers_hang_at() {
        for count in 1..60 {
            let offer = Offer {
                suites: suites(Version::Tls12).into_iter().take(count).collect(),
                groups: curves(),
                schemes: schemes(),
                ..Offer::default()
            };
            let hello = offer.hello_with_tls13(&Host::Name("a.test".to_owned()));
            assert!(!(256..512).contains(&hello.message().len()), "{count}: {}", hello.message().len());
            assert_eq!(hello.versions().first(), Some(&Version::Tls13));
        }
    }

    #[test]
    fn a_hello_of_ssl_3_has_no_extensions() {
        let hello = Offer { suites: suites(Version::Ssl3), ..Offer::default() }
            .hello(Version::Ssl3, &Host::Name("a.test".to_owned()));
        assert_eq!(hello.extensions, None);
        assert_eq!(hello.cipher_suites.last(), Some(&CipherSuite::EMPTY_RENEGOTIATION_INFO_SCSV));
    }
}
