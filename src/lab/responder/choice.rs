//! What a server makes of a ClientHello: version, suite, group and signature, or why not.

use super::message::{self, Terms};
use super::{Behaviour, Fault, HANDSHAKE_FAILURE, Preference, Reaction};
use crate::handshake::{
    Authentication, CipherSuite, ClientHello, Extension, Group, KeyKind, Offered, SignatureScheme, Version, ssl2,
};

/// What is sent, and what becomes of the connection after that.
pub(super) struct Answer {
    pub(super) octets: Vec<u8>,
    pub(super) then: Then,
    /// What stands in the records.
    pub(super) record_version: u16,
}

/// After the answer.
pub(super) enum Then {
    React(Reaction),
    ReadAnotherHello,
    WaitForTheClient,
}

const PROTOCOL_VERSION: u8 = 70;
const ILLEGAL_PARAMETER: u8 = 47;
const INAPPROPRIATE_FALLBACK: u8 = 86;
const MISSING_EXTENSION: u8 = 109;
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// Suites that servers had in the time of a version.
fn usual_suites(version: Version) -> Vec<CipherSuite> {
    let numbers: &[u16] = match version {
        Version::Tls13 => &[0x1301, 0x1302, 0x1303],
        Version::Tls12 => &[0xc02b, 0xc02f, 0xc02c, 0xc030, 0x009e, 0x009c, 0x003c, 0x002f],
        Version::Tls11 | Version::Tls10 => &[0xc013, 0xc014, 0xc009, 0x0033, 0x002f, 0x0035, 0x000a],
        Version::Ssl3 => &[0x0035, 0x002f, 0x000a, 0x0005],
        Version::Ssl2 => &[],
    };
    numbers.iter().copied().map(CipherSuite).collect()
}

/// The answer to a hello: `number` counts connections from 1, `retried` tells the second hello of a TLS 1.3 handshake.
pub(super) fn answer(behaviour: &Behaviour, offered: &Offered, number: usize, retried: bool) -> Answer {
    let newest = behaviour.versions.iter().copied().max().unwrap_or(Version::Tls12);
    // A server that cannot agree to a version speaks the newest it has.
    let record_version = newest.min(Version::Tls12).max(Version::Ssl3).wire();
    // SSL 2 has no alert that others could read.
    let refusal = |reaction| {
        let reaction =
            if newest == Version::Ssl2 && matches!(reaction, Reaction::Alert(_)) { Reaction::Close } else { reaction };
        Answer { octets: Vec::new(), then: Then::React(reaction), record_version }
    };
    if let Some(reaction) = behaviour.faults.iter().find_map(|fault| by_number(fault, number)) {
        return refusal(reaction);
    }
    let hello = match offered {
        Offered::Tls(hello) => hello.clone(),
        Offered::Ssl2(hello) => match from_ssl2(behaviour, hello) {
            Dressed::Tls(hello) => hello,
            Dressed::Ssl2(octets) => return Answer { octets, then: Then::WaitForTheClient, record_version },
            Dressed::Neither => return refusal(Reaction::Close),
        },
    };
    let mut terms = Terms { warning: None, wire_version: None };
    let (mut forced, mut signs_with) = (None, None);
    for fault in &behaviour.faults {
        match fault {
            Fault::WarnsFirst(description) => terms.warning = Some(*description),
            Fault::SettlesOnVersion(wire) => terms.wire_version = Some(*wire),
            Fault::SettlesOnSuite(suite) => forced = Some(*suite),
            Fault::SignsWith(scheme) => signs_with = Some(*scheme),
            Fault::Says(octets) => {
                return Answer { octets: octets.to_vec(), then: Then::WaitForTheClient, record_version };
            }
            _ => {
                if let Some(reaction) = reaction(fault, &hello) {
                    return refusal(reaction);
                }
            }
        }
    }
    match settle(behaviour, &hello, forced, retried) {
        Ok(mut settled) => {
            settled.signature = settled.signature.map(|chosen| signs_with.unwrap_or(chosen));
            message::answer(behaviour, &hello, &settled, &terms)
        }
        Err(description) => {
            let own = behaviour.faults.iter().find_map(|fault| match fault {
                Fault::NothingInCommon(reaction) => Some(*reaction),
                _ => None,
            });
            refusal(own.unwrap_or(Reaction::Alert(description)))
        }
    }
}

/// A hello in SSL 2's form is a TLS client's in old dress where it offers suites of TLS (RFC 5246 §E.2).
enum Dressed {
    Tls(ClientHello),
    Ssl2(Vec<u8>),
    Neither,
}

fn from_ssl2(behaviour: &Behaviour, hello: &ssl2::ClientHello) -> Dressed {
    let newer = behaviour.versions.iter().any(|version| *version >= Version::Ssl3 && version.wire() <= hello.version);
    if newer && !hello.cipher_suites.is_empty() {
        // The challenge stands where the random is, zeros before it.
        let mut random = [0; 32];
        for (place, octet) in random.iter_mut().rev().zip(hello.challenge.iter().rev()) {
            *place = *octet;
        }
        let version = Version::from_wire(hello.version).unwrap_or(Version::Tls12);
        let tls = ClientHello::new(version, random, hello.cipher_suites.clone(), Vec::new());
        return Dressed::Tls(ClientHello { extensions: None, ..tls });
    }
    let taken: Vec<ssl2::CipherKind> =
        hello.cipher_kinds.iter().copied().filter(|kind| behaviour.cipher_kinds.contains(kind)).collect();
    if !behaviour.versions.contains(&Version::Ssl2) || taken.is_empty() {
        return Dressed::Neither;
    }
    let leaf = chain(behaviour, KeyKind::Rsa).and_then(|chain| chain.first()).map(|leaf| leaf.to_vec());
    let answer = ssl2::ServerHello { certificate: leaf.unwrap_or_default(), cipher_kinds: taken };
    Dressed::Ssl2(answer.encode())
}

/// How a fault that refuses connections takes the one with this number, whatever its hello.
fn by_number(fault: &Fault, number: usize) -> Option<Reaction> {
    let (applies, reaction) = match fault {
        Fault::First(connections, reaction) => (number <= *connections, reaction),
        Fault::After(connections, reaction) => (number > *connections, reaction),
        Fault::Each(divisor, reaction) => (number.is_multiple_of(*divisor), reaction),
        _ => return None,
    };
    applies.then_some(*reaction)
}

/// How a fault that refuses hellos takes this one; `None`: it has nothing against it.
fn reaction(fault: &Fault, hello: &ClientHello) -> Option<Reaction> {
    let extensions = hello.extensions.as_deref().unwrap_or_default();
    let has = |kind| hello.extension(kind).is_some();
    let (applies, reaction) = match fault {
        Fault::Every(reaction) => (true, reaction),
        Fault::IntolerantAbove(version, reaction) if *version >= Version::Tls12 => {
            (hello.version > version.wire() || hello.versions().iter().any(|offered| offered > version), reaction)
        }
        Fault::IntolerantAbove(version, reaction) => (hello.version > version.wire(), reaction),
        Fault::MoreSuitesThan(most, reaction) => (hello.cipher_suites.len() > *most, reaction),
        Fault::HelloLength(lengths, reaction) => (lengths.contains(&hello.message().len()), reaction),
        Fault::AnyExtension(reaction) => (!extensions.is_empty(), reaction),
        Fault::Extension(kind, reaction) => (has(*kind), reaction),
        Fault::UnknownExtension(reaction) => {
            let known = [0, 1, 2, 3, 4, 5, 10, 11, 13, 35, 0xff01];
            (extensions.iter().any(|extension| !known.contains(&extension.kind)), reaction)
        }
        Fault::First(..)
        | Fault::After(..)
        | Fault::Each(..)
        | Fault::WarnsFirst(_)
        | Fault::NothingInCommon(_)
        | Fault::SettlesOnSuite(_)
        | Fault::SignsWith(_)
        | Fault::SettlesOnVersion(_)
        | Fault::Says(_) => return None,
    };
    applies.then_some(*reaction)
}

/// What a handshake is to go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) version: Version,
    pub(super) cipher_suite: CipherSuite,
    /// For suites over curves, and TLS 1.3.
    pub(super) group: Option<Group>,
    /// TLS 1.3: there was no share for the group.
    pub(super) retry: bool,
    /// TLS 1.2
    pub(super) signature: Option<SignatureScheme>,
    /// Whose certificate is presented.
    pub(super) key: Option<KeyKind>,
    pub(super) alpn: Option<String>,
}

fn settle(
    behaviour: &Behaviour,
    hello: &ClientHello,
    forced: Option<CipherSuite>,
    retried: bool,
) -> Result<Settled, u8> {
    let version = version(behaviour, hello)?;
    let newest = behaviour.versions.iter().copied().max().unwrap_or(version);
    let fell_back = hello.cipher_suites.contains(&CipherSuite::FALLBACK_SCSV) && version < newest;
    if behaviour.fallback_scsv && fell_back {
        return Err(INAPPROPRIATE_FALLBACK);
    }
    let alpn = alpn(behaviour, hello)?;
    if version == Version::Tls13 {
        return Ok(Settled { alpn, ..tls13(behaviour, hello, forced, retried)? });
    }
    let usual = usual_suites(version);
    let listed = behaviour.cipher_suites.iter().find(|(of, _)| *of == version);
    let own = listed.map_or(usual.as_slice(), |(_, suites)| suites);
    let possible = |suite: CipherSuite| -> Option<Settled> {
        let key = match suite.authentication() {
            Authentication::Certificate(kind) => Some(kind),
            Authentication::Anonymous | Authentication::Secret | Authentication::Any => None,
        };
        if suite.since() > version || key.is_some_and(|kind| chain(behaviour, kind).is_none()) {
            return None;
        }
        let group = if suite.is_elliptic() { Some(curve(behaviour, hello)?) } else { None };
        let signs = key.filter(|_| suite.has_forward_secrecy() && version == Version::Tls12);
        let signature = match signs {
            Some(kind) => Some(signature(behaviour, hello, kind)?),
            None => None,
        };
        Some(Settled { version, cipher_suite: suite, group, retry: false, signature, key, alpn: alpn.clone() })
    };
    let chosen = match (forced, behaviour.preference) {
        (Some(suite), _) => possible(suite),
        (None, Preference::Server) => {
            own.iter().filter(|suite| hello.cipher_suites.contains(suite)).find_map(|suite| possible(*suite))
        }
        (None, Preference::Client) => {
            hello.cipher_suites.iter().filter(|suite| own.contains(suite)).find_map(|suite| possible(*suite))
        }
    };
    chosen.ok_or(HANDSHAKE_FAILURE)
}

/// A server that does not know TLS 1.3 does not look at supported_versions either.
fn version(behaviour: &Behaviour, hello: &ClientHello) -> Result<Version, u8> {
    let own = &behaviour.versions;
    let knows = own.contains(&Version::Tls13) && hello.extension(Extension::SUPPORTED_VERSIONS).is_some();
    let chosen = if knows {
        hello.versions().into_iter().find(|version| own.contains(version))
    } else {
        let old = own.iter().copied().filter(|version| (Version::Ssl3..=Version::Tls12).contains(version));
        old.filter(|version| version.wire() <= hello.version).max()
    };
    // The alert came with TLS 1.0.
    let tells = own.iter().any(|version| *version >= Version::Tls10);
    chosen.ok_or(if tells { PROTOCOL_VERSION } else { HANDSHAKE_FAILURE })
}

fn alpn(behaviour: &Behaviour, hello: &ClientHello) -> Result<Option<String>, u8> {
    let offered = hello.alpn();
    if behaviour.alpn.is_empty() || offered.is_empty() {
        return Ok(None);
    }
    let chosen = behaviour.alpn.iter().find(|own| offered.iter().any(|protocol| protocol == own.as_bytes()));
    chosen.cloned().map(Some).ok_or(NO_APPLICATION_PROTOCOL)
}

/// The curve before TLS 1.3. A client that does not tell takes any (RFC 8422 §4).
fn curve(behaviour: &Behaviour, hello: &ClientHello) -> Option<Group> {
    let offered = hello.extension(Extension::SUPPORTED_GROUPS).map(|_| hello.groups());
    let mut own = behaviour.groups.iter().copied().filter(|group| !group.is_tls13_only() && !group.is_finite_field());
    own.find(|group| offered.as_ref().is_none_or(|offered| offered.contains(group)))
}

/// A client that does not tell takes SHA-1 (RFC 5246 §7.4.1.4.1).
fn signature(behaviour: &Behaviour, hello: &ClientHello, kind: KeyKind) -> Option<SignatureScheme> {
    if hello.extension(Extension::SIGNATURE_ALGORITHMS).is_none() {
        return Some(SignatureScheme(match kind {
            KeyKind::Rsa => 0x0201,
            KeyKind::Dsa => 0x0202,
            KeyKind::Ecdsa => 0x0203,
        }));
    }
    let offered = hello.signature_schemes();
    behaviour
        .signature_schemes
        .iter()
        .copied()
        .find(|scheme| scheme.key_kind() == Some(kind) && offered.contains(scheme))
}

fn tls13(
    behaviour: &Behaviour,
    hello: &ClientHello,
    forced: Option<CipherSuite>,
    retried: bool,
) -> Result<Settled, u8> {
    for needed in [Extension::SIGNATURE_ALGORITHMS, Extension::SUPPORTED_GROUPS, Extension::KEY_SHARE] {
        if hello.extension(needed).is_none() {
            return Err(MISSING_EXTENSION);
        }
    }
    let usual = usual_suites(Version::Tls13);
    let listed = behaviour.cipher_suites.iter().find(|(of, _)| *of == Version::Tls13);
    let own = listed.map_or(usual.as_slice(), |(_, suites)| suites);
    let (first, second) = match behaviour.preference {
        Preference::Server => (own, hello.cipher_suites.as_slice()),
        Preference::Client => (hello.cipher_suites.as_slice(), own),
    };
    let common = first.iter().copied().find(|suite| suite.is_tls13() && second.contains(suite));
    let cipher_suite = forced.or(common).ok_or(HANDSHAKE_FAILURE)?;
    let offered = hello.signature_schemes();
    // PKCS#1 v1.5 and SHA-1 do not sign handshakes any more (RFC 8446 §4.2.3).
    let usable = |scheme: &SignatureScheme| scheme.0 >= 0x0800 || [0x0403, 0x0503, 0x0603].contains(&scheme.0);
    let signing = behaviour.signature_schemes.iter().filter(|scheme| usable(scheme) && offered.contains(scheme));
    let key = signing.filter_map(|scheme| scheme.key_kind()).find(|kind| chain(behaviour, *kind).is_some());
    let key = key.ok_or(HANDSHAKE_FAILURE)?;
    let own = || behaviour.groups.iter().copied().filter(|group| group.is_in_tls13());
    let shares = hello.key_share_groups();
    let (group, retry) = match own().find(|group| shares.contains(group)) {
        Some(group) => (group, false),
        None if retried => return Err(ILLEGAL_PARAMETER),
        None => (own().find(|group| hello.groups().contains(group)).ok_or(HANDSHAKE_FAILURE)?, true),
    };
    Ok(Settled {
        version: Version::Tls13,
        cipher_suite,
        group: Some(group),
        retry,
        signature: None,
        key: Some(key),
        alpn: None,
    })
}

/// The chain for a kind of key.
pub(super) fn chain(behaviour: &Behaviour, kind: KeyKind) -> Option<&[bytes::Bytes]> {
    behaviour.chains.iter().find(|(of, _)| *of == kind).map(|(_, chain)| chain.as_slice())
}
