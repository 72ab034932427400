//! What one hello offers, in the bounded form in which it is kept and told.

use aws_lc_rs::digest::{SHA256, digest};

use super::ability::{Ability, Obstacle};
use super::guesses::Guesses;
use crate::handshake::ssl2::CipherKind;
use crate::handshake::{CipherSuite, ClientHello, Group, Offered, SignatureScheme, Version, Weakness, ja4, ssl2};

/// Octets of a name that are kept: more than a host name may have (RFC 1035 §2.3.4).
const MAX_NAME: usize = 255;
/// Entries of one list that are kept; the longest that clients are known to send is below 200.
const MAX_LIST: usize = 256;
/// Protocols of ALPN that are kept.
const MAX_PROTOCOLS: usize = 16;

/// What a client offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The name it asked for (RFC 6066 §3), cut to 255 octets: untrusted text.
    pub server_name: Option<String>,
    /// Whether its hello has the form of SSL 2, whatever versions it offers.
    pub is_ssl2_form: bool,
    /// The newest version; `None` where it names none that is known.
    pub highest: Option<Version>,
    /// Its versions, newest first, where it lists them (RFC 8446 §4.2.1): elsewhere only the newest is told.
    pub versions: Option<Vec<Version>>,
    /// Suites in its order, signals and GREASE left out.
    pub cipher_suites: Vec<CipherSuite>,
    /// SSL 2's own suites.
    pub cipher_kinds: Vec<CipherKind>,
    /// The weak ones among all its suites.
    pub weak_suites: Vec<CipherSuite>,
    /// What makes those weak, worst first.
    pub weaknesses: Vec<Weakness>,
    /// Groups in its order, GREASE left out.
    pub groups: Vec<Group>,
    /// Signature schemes in its order, GREASE left out.
    pub signature_schemes: Vec<SignatureScheme>,
    /// Protocols of ALPN: untrusted octets.
    pub alpn: Vec<Vec<u8>>,
    /// JA4; `None` for a hello in the form of SSL 2, for which there is none.
    pub ja4: Option<String>,
    /// JA4, or what stands in for it: what clients are told apart by.
    pub fingerprint: String,
    /// Who may have sent it, by the data of known clients.
    pub guess: Option<String>,
    /// Whether it could connect where only TLS 1.2 and newer are spoken.
    pub ability: Ability,
}

impl Offer {
    /// Of a hello as it was read.
    #[must_use]
    pub fn of(offered: &Offered, guesses: &Guesses) -> Self {
        match offered {
            Offered::Tls(hello) => Self::of_tls(hello, guesses),
            Offered::Ssl2(hello) => Self::of_ssl2(hello),
        }
    }

    fn of_tls(hello: &ClientHello, guesses: &Guesses) -> Self {
        let versions = hello.versions();
        let lists_versions = hello.extension(crate::handshake::Extension::SUPPORTED_VERSIONS).is_some();
        let highest = versions.first().copied();
        let distinct = distinct(&hello.cipher_suites);
        let (weak_suites, weaknesses) = weak(&distinct);
        let ja4 = ja4(hello);
        Self {
            server_name: hello.server_name().map(|name| cut(&name)),
            is_ssl2_form: false,
            highest,
            versions: lists_versions.then_some(versions),
            cipher_suites: real(&hello.cipher_suites),
            cipher_kinds: Vec::new(),
            weak_suites,
            weaknesses,
            groups: hello.groups().into_iter().filter(|group| !group.is_grease()).take(MAX_LIST).collect(),
            signature_schemes: hello
                .signature_schemes()
                .into_iter()
                .filter(|scheme| !scheme.is_grease())
                .take(MAX_LIST)
                .collect(),
            alpn: hello.alpn().into_iter().filter(|it| !is_grease_protocol(it)).take(MAX_PROTOCOLS).collect(),
            fingerprint: ja4.clone(),
            ja4: Some(ja4),
            guess: guesses.of(hello),
            ability: Ability::of(highest, &distinct, hello),
        }
    }

    fn of_ssl2(hello: &ssl2::ClientHello) -> Self {
        let highest = hello.versions().first().copied();
        let (weak_suites, mut weaknesses) = weak(&distinct(&hello.cipher_suites));
        let mut cipher_kinds = hello.cipher_kinds.clone();
        cipher_kinds.truncate(MAX_LIST);
        weaknesses.extend(cipher_kinds.iter().copied().filter_map(weakness_of_kind));
        weaknesses.sort_unstable();
        weaknesses.dedup();
        let mut contents = hello.version.to_be_bytes().to_vec();
        contents.extend(hello.cipher_kinds.iter().flat_map(|kind| kind.0));
        contents.extend(hello.cipher_suites.iter().flat_map(|suite| suite.0.to_be_bytes()));
        let digest: String =
            digest(&SHA256, &contents).as_ref().iter().take(6).map(|octet| format!("{octet:02x}")).collect();
        let obstacle = match highest {
            Some(version) if version >= Version::Tls12 => Obstacle::Ssl2Form,
            older => Obstacle::OldVersion(older),
        };
        Self {
            server_name: None,
            is_ssl2_form: true,
            highest,
            versions: None,
            cipher_suites: real(&hello.cipher_suites),
            cipher_kinds,
            weak_suites,
            weaknesses,
            groups: Vec::new(),
            signature_schemes: Vec::new(),
            alpn: Vec::new(),
            ja4: None,
            fingerprint: format!("ssl2-{digest}"),
            guess: None,
            ability: Ability::Unable(obstacle),
        }
    }

    /// Names of its weak suites, SSL 2's own included.
    pub fn weak_names(&self) -> impl Iterator<Item = String> {
        let kinds = self.cipher_kinds.iter().map(|kind| kind.name());
        self.weak_suites.iter().map(|suite| suite.name().into_owned()).chain(kinds)
    }
}

/// In the client's order, as far as they are kept.
fn real(suites: &[CipherSuite]) -> Vec<CipherSuite> {
    suites.iter().copied().filter(|suite| !suite.is_signal() && !suite.is_grease()).take(MAX_LIST).collect()
}

/// Each once: a hello can repeat one thirty thousand times.
fn distinct(suites: &[CipherSuite]) -> Vec<CipherSuite> {
    let mut suites = suites.to_vec();
    suites.sort_unstable();
    suites.dedup();
    suites
}

fn weak(suites: &[CipherSuite]) -> (Vec<CipherSuite>, Vec<Weakness>) {
    let weak: Vec<(CipherSuite, Vec<Weakness>)> = suites
        .iter()
        .map(|suite| (*suite, suite.weaknesses()))
        .filter(|(_, weaknesses)| !weaknesses.is_empty())
        .collect();
    let mut kinds: Vec<Weakness> = weak.iter().flat_map(|(_, weaknesses)| weaknesses.iter().copied()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    (weak.into_iter().map(|(suite, _)| suite).collect(), kinds)
}

fn weakness_of_kind(kind: CipherKind) -> Option<Weakness> {
    let name = kind.name();
    let marks = [
        ("EXPORT", Weakness::Export),
        ("RC4", Weakness::Rc4),
        ("RC2", Weakness::Rc4),
        ("EDE3", Weakness::TripleDes),
        ("DES_64", Weakness::Des),
    ];
    marks.into_iter().find(|(mark, _)| name.contains(mark)).map(|(_, weakness)| weakness)
}

/// GREASE in ALPN is two like octets (RFC 8701 §2).
fn is_grease_protocol(protocol: &[u8]) -> bool {
    matches!(protocol, [high, low] if high == low && low & 0x0f == 0x0a)
}

/// At most 255 octets of it.
pub(super) fn cut(text: &str) -> String {
    let end = (0..=text.len().min(MAX_NAME)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::Extension;

    fn offer(version: Version, suites: Vec<CipherSuite>, extensions: Vec<Extension>) -> Offer {
        Offer::of(&Offered::Tls(ClientHello::new(version, [7; 32], suites, extensions)), &Guesses::default())
    }

    #[test]
    fn signals_and_grease_are_no_offers() {
        let suites = [0x0a0a, 0x1301, 0xc02f, 0x000a, 0x00ff].map(CipherSuite).to_vec();
        let extensions = vec![
            Extension::server_name("mail.example.test"),
            Extension::supported_groups(&[Group(0x2a2a), Group::X25519]),
            Extension::alpn(&[b"\x0a\x0a".as_slice(), b"h2"]),
            Extension::supported_versions(&[0x3a3a, 0x0304, 0x0303]),
        ];
        let offer = offer(Version::Tls13, suites, extensions);
        assert_eq!(offer.cipher_suites, [0x1301, 0xc02f, 0x000a].map(CipherSuite));
        assert_eq!((offer.groups.as_slice(), offer.alpn.as_slice()), (&[Group::X25519][..], &[b"h2".to_vec()][..]));
        assert_eq!(offer.versions, Some(vec![Version::Tls13, Version::Tls12]));
        assert_eq!(offer.weaknesses, [Weakness::TripleDes]);
        assert_eq!(offer.weak_names().collect::<Vec<_>>(), ["TLS_RSA_WITH_3DES_EDE_CBC_SHA"]);
        assert_eq!(offer.server_name.as_deref(), Some("mail.example.test"));
        assert_eq!(offer.ability, Ability::Able(Version::Tls13));
    }

    #[test]
    fn versions_that_are_not_listed_are_not_made_up() {
        let offer = offer(Version::Tls12, vec![CipherSuite(0x009c)], Vec::new());
        assert_eq!((offer.highest, offer.versions), (Some(Version::Tls12), None));
    }

    #[test]
    fn what_is_kept_of_a_hello_has_limits() {
        let suites = (0..=u16::MAX).map(CipherSuite).take(30_000).collect();
        let name = "ä".repeat(20_000);
        let schemes: Vec<SignatureScheme> = (0..9_000).map(SignatureScheme).collect();
        let extensions = vec![
            Extension::server_name(&name),
            Extension::signature_algorithms(&schemes),
            Extension::alpn(&vec![[b'x'; 255]; 100]),
        ];
        let offer = offer(Version::Tls12, suites, extensions);
        assert_eq!(offer.server_name.map(|name| name.len()), Some(254), "cut between characters");
        assert_eq!((offer.cipher_suites.len(), offer.signature_schemes.len()), (MAX_LIST, MAX_LIST));
        assert!(offer.weak_suites.len() < MAX_LIST && offer.alpn.len() == MAX_PROTOCOLS);
        assert_eq!(offer.ability, Ability::Able(Version::Tls12), "judged by all that is offered");
    }

    #[test]
    fn ssl_2_is_old_whatever_else_it_offers() {
        let hello = ssl2::ClientHello {
            version: 0x0301,
            cipher_suites: vec![CipherSuite(0x0005)],
            ..ssl2::ClientHello::probe([3; 16])
        };
        let offer = Offer::of(&Offered::Ssl2(hello.clone()), &Guesses::default());
        assert!(offer.is_ssl2_form && offer.ja4.is_none() && offer.fingerprint.starts_with("ssl2-"));
        assert_eq!(offer.highest, Some(Version::Tls10));
        assert_eq!(offer.ability, Ability::Unable(Obstacle::OldVersion(Some(Version::Tls10))));
        assert_eq!(offer.weaknesses, [Weakness::Export, Weakness::Rc4, Weakness::Des, Weakness::TripleDes]);
        assert_eq!(offer.weak_names().count(), 8);
        let newer = Offer::of(&Offered::Ssl2(ssl2::ClientHello { version: 0x0303, ..hello }), &Guesses::default());
        assert_eq!(newer.ability, Ability::Unable(Obstacle::Ssl2Form));
    }
}
