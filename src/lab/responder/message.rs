//! The server's messages (RFC 5246 §7.4, RFC 8446 §4.1.3), written apart from the parsers that read them.

use super::Behaviour;
use super::choice::{Answer, Settled, Then, chain};
use crate::handshake::{Authentication, CipherSuite, ClientHello, Extension, Group, KeyKind, SignatureScheme, Version};
use crate::lab::ca::random;
use crate::lab::der;

/// What a fault changes about an answer.
pub(super) struct Terms {
    /// A warning's description, before all else.
    pub(super) warning: Option<u8>,
    /// The version in the ServerHello, instead of the one settled on.
    pub(super) wire_version: Option<u16>,
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// `random` of a HelloRetryRequest: SHA-256 of its name (RFC 8446 §4.1.3).
const RETRY: &[u8; 32] = b"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\
    \xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";

/// An alert's record.
pub(super) fn alert(record_version: u16, fatal: bool, description: u8) -> Vec<u8> {
    record(ALERT, record_version, &[if fatal { 2 } else { 1 }, description])
}

/// Everything that is sent up to the client's turn.
pub(super) fn answer(behaviour: &Behaviour, hello: &ClientHello, settled: &Settled, terms: &Terms) -> Answer {
    let record_version = settled.version.min(Version::Tls12).wire();
    let mut octets = Vec::new();
    if let Some(description) = terms.warning {
        octets.extend(alert(record_version, false, description));
    }
    let mut messages = server_hello(behaviour, hello, settled, terms);
    if settled.version < Version::Tls13 {
        messages.extend(certificates(behaviour, hello, settled));
        messages.extend(server_key_exchange(behaviour, settled));
        if behaviour.requests_client_certificate {
            messages.extend(message(13, &certificate_request(settled.version)));
        }
        messages.extend(message(14, &[]));
    }
    for fragment in messages.chunks(behaviour.delivery.fragment.max(1)) {
        octets.extend(record(HANDSHAKE, record_version, fragment));
    }
    if settled.version == Version::Tls13 && !hello.session_id.is_empty() {
        // ChangeCipherSpec, for what stands between (RFC 8446 §D.4).
        octets.extend(record(20, record_version, &[1]));
    }
    if settled.retry {
        return Answer { octets, then: Then::ReadAnotherHello, record_version };
    }
    if settled.version == Version::Tls13 {
        // The rest would be encrypted.
        octets.extend(record(23, record_version, &noise(900)));
    }
    Answer { octets, then: Then::WaitForTheClient, record_version }
}

fn server_hello(behaviour: &Behaviour, hello: &ClientHello, settled: &Settled, terms: &Terms) -> Vec<u8> {
    let is_tls13 = settled.version == Version::Tls13;
    let wire = terms.wire_version.filter(|_| !is_tls13).unwrap_or(settled.version.min(Version::Tls12).wire());
    let mut body = wire.to_be_bytes().to_vec();
    if settled.retry {
        body.extend(RETRY);
    } else {
        body.extend(noise(32));
    }
    let session_id = match (is_tls13, behaviour.session_id) {
        (true, _) => hello.session_id.clone(),
        (false, true) => noise(32),
        (false, false) => Vec::new(),
    };
    body.extend(with_length8(&session_id));
    body.extend(settled.cipher_suite.0.to_be_bytes());
    let compression = behaviour.compression.iter().find(|method| !is_tls13 && hello.compression.contains(method));
    body.push(compression.copied().unwrap_or(0));
    let extensions = if is_tls13 { tls13_extensions(settled, terms) } else { extensions(behaviour, hello, settled) };
    // A server of old that has none to send leaves the block out.
    if !extensions.is_empty() {
        let block = extensions.iter().flat_map(|(kind, data)| [kind.to_be_bytes().to_vec(), with_length16(data)]);
        body.extend(with_length16(&block.flatten().collect::<Vec<u8>>()));
    }
    message(2, &body)
}

fn tls13_extensions(settled: &Settled, terms: &Terms) -> Vec<(u16, Vec<u8>)> {
    let wire = terms.wire_version.unwrap_or(Version::Tls13.wire());
    let group = settled.group.unwrap_or(Group::X25519);
    let mut share = group.0.to_be_bytes().to_vec();
    if !settled.retry {
        share.extend(with_length16(&public_value(group)));
    }
    vec![(Extension::SUPPORTED_VERSIONS, wire.to_be_bytes().to_vec()), (Extension::KEY_SHARE, share)]
}

/// Only what the client has offered is answered.
fn extensions(behaviour: &Behaviour, hello: &ClientHello, settled: &Settled) -> Vec<(u16, Vec<u8>)> {
    let has = |kind| hello.extension(kind).is_some();
    let mut extensions = Vec::new();
    let signalled = hello.cipher_suites.contains(&CipherSuite::EMPTY_RENEGOTIATION_INFO_SCSV);
    if behaviour.secure_renegotiation && (signalled || has(Extension::RENEGOTIATION_INFO)) {
        extensions.push((Extension::RENEGOTIATION_INFO, vec![0]));
    }
    let mut echo = |applies: bool, kind: u16| {
        if applies && has(kind) {
            extensions.push((kind, Vec::new()));
        }
    };
    let is_cbc = settled.cipher_suite.name().contains("_CBC");
    echo(behaviour.extended_master_secret, Extension::EXTENDED_MASTER_SECRET);
    echo(behaviour.encrypt_then_mac && is_cbc, Extension::ENCRYPT_THEN_MAC);
    echo(behaviour.session_ticket, Extension::SESSION_TICKET);
    echo(behaviour.staple.is_some() && settled.key.is_some(), Extension::STATUS_REQUEST);
    if settled.group.is_some() && has(Extension::EC_POINT_FORMATS) {
        extensions.push((Extension::EC_POINT_FORMATS, vec![1, 0]));
    }
    if let Some(protocol) = &settled.alpn {
        extensions.push((Extension::ALPN, with_length16(&with_length8(protocol.as_bytes()))));
    }
    extensions
}

/// Certificate, and CertificateStatus for who asked (RFC 6066 §8).
fn certificates(behaviour: &Behaviour, hello: &ClientHello, settled: &Settled) -> Vec<u8> {
    let Some(chain) = settled.key.and_then(|kind| chain(behaviour, kind)) else { return Vec::new() };
    let entries: Vec<u8> = chain.iter().flat_map(|der| with_length24(der)).collect();
    let mut messages = message(11, &with_length24(&entries));
    if let Some(staple) = behaviour.staple.as_ref().filter(|_| hello.extension(Extension::STATUS_REQUEST).is_some()) {
        let body: Vec<u8> = std::iter::once(1).chain(with_length24(staple)).collect();
        messages.extend(message(22, &body));
    }
    messages
}

fn server_key_exchange(behaviour: &Behaviour, settled: &Settled) -> Vec<u8> {
    let suite = settled.cipher_suite;
    let mut body = if let Some(group) = settled.group {
        // A named curve (RFC 8422 §5.4).
        let mut parameters = vec![3];
        parameters.extend(group.0.to_be_bytes());
        parameters.extend(with_length8(&public_value(group)));
        parameters
    } else if suite.is_finite_field() {
        let octets = usize::from(behaviour.dh_bits.div_ceil(8));
        let prime = number_of(behaviour.dh_bits);
        let mut public = noise(octets);
        if let Some(first) = public.first_mut() {
            *first = 1;
        }
        [with_length16(&prime), with_length16(&[2]), with_length16(&public)].concat()
    } else if suite.name().starts_with("TLS_RSA_EXPORT") {
        // A short RSA key for the occasion (RFC 2246 §7.4.3).
        [with_length16(&number_of(512)), with_length16(&[1, 0, 1])].concat()
    } else {
        return Vec::new();
    };
    if let (Authentication::Certificate(kind), true) = (suite.authentication(), settled.key.is_some()) {
        body.extend(signature(kind, settled.signature));
    }
    message(12, &body)
}

/// A signature by its form alone.
fn signature(kind: KeyKind, scheme: Option<SignatureScheme>) -> Vec<u8> {
    let octets = match kind {
        KeyKind::Rsa => noise(256),
        KeyKind::Ecdsa | KeyKind::Dsa => der::sequence(&[der::unsigned(&noise(32)), der::unsigned(&noise(32))]),
    };
    let scheme = scheme.map(|scheme| scheme.0.to_be_bytes().to_vec()).unwrap_or_default();
    [scheme, with_length16(&octets)].concat()
}

/// Certificates with RSA and ECDSA keys, of any authority.
fn certificate_request(version: Version) -> Vec<u8> {
    let schemes = if version == Version::Tls12 { with_length16(&[4, 1, 4, 3]) } else { Vec::new() };
    [vec![2, 1, 64], schemes, vec![0, 0]].concat()
}

/// Something of the length of a public value in this group.
fn public_value(group: Group) -> Vec<u8> {
    let curve = match group {
        Group::SECP256R1 => Some(&ring::agreement::ECDH_P256),
        Group::SECP384R1 => Some(&ring::agreement::ECDH_P384),
        _ => None,
    };
    // Clients look whether a point lies on these curves.
    let point = curve.and_then(|curve| {
        let key = ring::agreement::EphemeralPrivateKey::generate(curve, &ring::rand::SystemRandom::new()).ok()?;
        key.compute_public_key().ok()
    });
    if let Some(point) = point {
        return point.as_ref().to_vec();
    }
    match group {
        Group::X25519 => noise(32),
        Group::X448 => noise(56),
        Group::FFDHE2048 => noise(256),
        Group::FFDHE3072 => noise(384),
        Group::FFDHE4096 => noise(512),
        Group::FFDHE6144 => noise(768),
        Group::FFDHE8192 => noise(1024),
        // Ciphertexts, and with a point before or after them.
        Group::MLKEM512 => noise(768),
        Group::MLKEM768 => noise(1088),
        Group::MLKEM1024 => noise(1568),
        Group::X25519_MLKEM768 | Group::X25519_KYBER768_DRAFT00 => noise(1088 + 32),
        Group::SECP256R1_MLKEM768 => noise(1088 + 65),
        Group::SECP384R1_MLKEM1024 => noise(1568 + 97),
        Group::SECP521R1 => uncompressed(132),
        _ => uncompressed(64),
    }
}

fn uncompressed(coordinates: usize) -> Vec<u8> {
    std::iter::once(4).chain(noise(coordinates)).collect()
}

/// An odd number of so many bits.
fn number_of(bits: u16) -> Vec<u8> {
    let mut number = noise(usize::from(bits.div_ceil(8)));
    let top = bits.saturating_sub(1) % 8;
    if let Some(first) = number.first_mut() {
        *first = (*first & ((1 << top) - 1)) | 1 << top;
    }
    if let Some(last) = number.last_mut() {
        *last |= 1;
    }
    number
}

/// Random octets; where the system has none, ones do as well.
fn noise(length: usize) -> Vec<u8> {
    let block = || random::<32>().unwrap_or([1; 32]);
    std::iter::repeat_with(block).flatten().take(length).collect()
}

fn record(kind: u8, version: u16, fragment: &[u8]) -> Vec<u8> {
    let [major, minor] = version.to_be_bytes();
    [vec![kind, major, minor], with_length16(fragment)].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    std::iter::once(kind).chain(with_length24(body)).collect()
}

fn with_length8(contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).unwrap_or(u8::MAX);
    std::iter::once(length).chain(contents.iter().copied().take(length.into())).collect()
}

fn with_length16(contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap_or(u16::MAX);
    length.to_be_bytes().into_iter().chain(contents.iter().copied().take(length.into())).collect()
}

fn with_length24(contents: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(contents.len()).unwrap_or(u32::MAX).to_be_bytes();
    [high, middle, low].into_iter().chain(contents.iter().copied()).collect()
}
