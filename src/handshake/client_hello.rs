//! What a client offers: written for probing, read when clients connect to us (RFC 8446 §4.1.2).

use tls_parser::{TlsExtension, TlsExtensionType, parse_tls_handshake_client_hello};

use super::extension::{Extension, numbers16, read_client, with_length8, with_length16};
use super::group::{Group, is_grease};
use super::signature::SignatureScheme;
use super::ssl2;
use super::suite::CipherSuite;
use super::version::Version;

/// The most octets a ClientHello may take, record headers included. Hybrid key shares and padding make some 2,000;
/// the message's own limit is 131,396.
pub const MAX_HELLO: usize = 64 * 1024;
/// The longest fragment of a record (RFC 8446 §5.1).
const MAX_FRAGMENT: usize = 1 << 14;
const CLIENT_HELLO: u8 = 1;

/// A ClientHello, every field as it stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// `legacy_record_version` of the record it travels in.
    pub record_version: u16,
    /// `legacy_version`: the highest offered, up to TLS 1.2.
    pub version: u16,
    /// `random`
    pub random: [u8; 32],
    /// `legacy_session_id`, at most 32 octets.
    pub session_id: Vec<u8>,
    /// `cipher_suites`, signals and GREASE included.
    pub cipher_suites: Vec<CipherSuite>,
    /// `legacy_compression_methods`
    pub compression: Vec<u8>,
    /// The extensions; `None` where the message ends before them, as SSL 3's does.
    pub extensions: Option<Vec<Extension>>,
}

/// What began a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offered {
    /// A ClientHello in a record of SSL 3 or TLS.
    Tls(ClientHello),
    /// One in the form of SSL 2, which also clients sent that could do more (RFC 5246 §E.2).
    Ssl2(ssl2::ClientHello),
}

/// Why something is no ClientHello.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// It does not begin as TLS does.
    #[error("what came is not TLS")]
    NotTls,
    /// It began as TLS and went wrong.
    #[error("the ClientHello is malformed: {0}")]
    Malformed(&'static str),
    /// It is too large to look at.
    #[error("the ClientHello is larger than {MAX_HELLO} octets")]
    TooLarge,
}

impl ClientHello {
    /// A hello of this version without session and compression, in a record of version 1.0 (or the hello's own, if older),
    /// which is what servers that check it expect (RFC 8446 §5.1, RFC 5246 §E.1).
    #[must_use]
    pub fn new(
        version: Version,
        random: [u8; 32],
        cipher_suites: Vec<CipherSuite>,
        extensions: Vec<Extension>,
    ) -> Self {
        Self {
            record_version: version.min(Version::Tls10).wire(),
            version: version.min(Version::Tls12).wire(),
            random,
            session_id: Vec::new(),
            cipher_suites,
            compression: vec![0],
            // SSL 3 has no extensions, and its servers choke on them.
            extensions: (version > Version::Ssl3).then_some(extensions),
        }
    }

    /// The handshake message, without records. Lists longer than their length field can tell are cut.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(self.version.to_be_bytes());
        body.extend(self.random);
        body.extend(with_length8(&self.session_id));
        body.extend(numbers16(self.cipher_suites.iter().map(|suite| suite.0)));
        body.extend(with_length8(&self.compression));
        if let Some(extensions) = &self.extensions {
            body.extend(with_length16(&extensions.iter().flat_map(Extension::encode).collect::<Vec<u8>>()));
        }
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let [_, high, middle, low] = length.to_be_bytes();
        [CLIENT_HELLO, high, middle, low].into_iter().chain(body).collect()
    }

    /// The records that carry it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut records = Vec::new();
        for fragment in self.message().chunks(MAX_FRAGMENT) {
            records.push(22);
            records.extend(self.record_version.to_be_bytes());
            records.extend(with_length16(fragment));
        }
        records
    }

    /// Reads the body of a ClientHello message, its four octets of header taken off.
    ///
    /// # Errors
    /// [`HelloError::Malformed`]
    pub fn from_body(record_version: u16, body: &[u8]) -> Result<Self, HelloError> {
        let (_, contents) =
            parse_tls_handshake_client_hello(body).map_err(|_| HelloError::Malformed("its fields do not fit"))?;
        let extensions = match contents.ext {
            None => None,
            Some(block) => {
                Some(Extension::split(block).ok_or(HelloError::Malformed("the extensions' lengths do not fit"))?)
            }
        };
        Ok(Self {
            record_version,
            version: contents.version.0,
            random: contents.random.try_into().map_err(|_| HelloError::Malformed("the random is short"))?,
            session_id: contents.session_id.unwrap_or_default().to_vec(),
            cipher_suites: contents.ciphers.iter().map(|suite| CipherSuite(suite.0)).collect(),
            compression: contents.comp.iter().map(|method| method.0).collect(),
            extensions,
        })
    }

    /// The first extension of this number.
    #[must_use]
    pub fn extension(&self, kind: u16) -> Option<&Extension> {
        self.extensions.as_deref().unwrap_or_default().iter().find(|extension| extension.kind == kind)
    }

    fn read<T: Default>(&self, kind: u16, read: impl FnOnce(TlsExtension<'_>) -> Option<T>) -> T {
        self.extension(kind).map(|extension| read_client(extension, read)).unwrap_or_default()
    }

    /// The host name asked for, as it was sent (RFC 6066 §3): untrusted, possibly not even text.
    #[must_use]
    pub fn server_name(&self) -> Option<String> {
        self.read(Extension::SERVER_NAME, |parsed| match parsed {
            TlsExtension::SNI(names) => Some(names.first().map(|(_, name)| String::from_utf8_lossy(name).into_owned())),
            _ => None,
        })
    }

    /// The versions offered, best first, GREASE and drafts left out: from supported_versions, else all from SSL 3 up to
    /// the one in the message.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let listed = self.extension(Extension::SUPPORTED_VERSIONS).is_some();
        let mut versions: Vec<Version> = if listed {
            let numbers: Vec<u16> = self.read(Extension::SUPPORTED_VERSIONS, |parsed| match parsed {
                TlsExtension::SupportedVersions(versions) => Some(versions.iter().map(|version| version.0).collect()),
                _ => None,
            });
            numbers.into_iter().filter_map(Version::from_wire).collect()
        } else {
            let highest = self.version;
            Version::ALL
                .into_iter()
                .filter(|version| (Version::Ssl3..=Version::Tls12).contains(version) && version.wire() <= highest)
                .collect()
        };
        versions.sort_unstable_by(|a, b| b.cmp(a));
        versions.dedup();
        versions
    }

    /// Groups, as listed.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        self.read(Extension::SUPPORTED_GROUPS, |parsed| match parsed {
            TlsExtension::EllipticCurves(groups) => Some(groups.iter().map(|group| Group(group.0)).collect()),
            _ => None,
        })
    }

    /// Signature schemes, as listed.
    #[must_use]
    pub fn signature_schemes(&self) -> Vec<SignatureScheme> {
        self.read(Extension::SIGNATURE_ALGORITHMS, |parsed| match parsed {
            TlsExtension::SignatureAlgorithms(schemes) => Some(schemes.into_iter().map(SignatureScheme).collect()),
            _ => None,
        })
    }

    /// Protocols of ALPN, as listed.
    #[must_use]
    pub fn alpn(&self) -> Vec<Vec<u8>> {
        self.read(Extension::ALPN, |parsed| match parsed {
            TlsExtension::ALPN(protocols) => Some(protocols.into_iter().map(<[u8]>::to_vec).collect()),
            _ => None,
        })
    }

    /// The groups that key shares are sent for; GREASE left out.
    #[must_use]
    pub fn key_share_groups(&self) -> Vec<Group> {
        debug_assert_eq!(TlsExtensionType::KeyShare.0, Extension::KEY_SHARE);
        let contents = self.extension(Extension::KEY_SHARE).and_then(|extension| extension.data.get(2..));
        // Entries have the form of extensions: a number, a length, and octets.
        let entries = contents.and_then(Extension::split).unwrap_or_default();
        entries.into_iter().map(|entry| entry.kind).filter(|kind| !is_grease(*kind)).map(Group).collect()
    }
}

/// Puts a ClientHello together from octets as they arrive, in records of any size. Every octet is looked at once, so that
/// a client that sends them singly costs no more than another.
#[derive(Debug, Default)]
pub struct HelloReader {
    buffer: Vec<u8>,
    /// Octets of `buffer` whose records are taken.
    taken: usize,
    record_version: Option<u16>,
    /// The message, as far as whole records carried it.
    message: Vec<u8>,
}

impl HelloReader {
    /// Everything that was fed, to be passed on untouched.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.buffer
    }

    /// Whether anything has come yet.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Takes more octets; `None` while the hello is not whole.
    ///
    /// # Errors
    /// [`HelloError`]: it will not become one.
    pub fn feed(&mut self, octets: &[u8]) -> Result<Option<Offered>, HelloError> {
        self.buffer.extend_from_slice(octets);
        match *self.buffer.as_slice() {
            [] => return Ok(None),
            [22, 3, ..] | [22] => {}
            [22, ..] => return Err(HelloError::NotTls),
            // SSL 2: a length of two octets with the high bit set, and the type of the message.
            [first, _, 1, ..] if first & 0x80 != 0 => return self.ssl2(),
            [first] | [first, _] if first & 0x80 != 0 => return Ok(None),
            _ => return Err(HelloError::NotTls),
        }
        while let Some((header, after)) = self.buffer.get(self.taken..).and_then(<[u8]>::split_first_chunk::<5>) {
            let [kind, major, minor, high, low] = *header;
            if kind != 22 || major != 3 {
                return Err(HelloError::Malformed("a record of another kind stands within it"));
            }
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length == 0 || length > MAX_FRAGMENT {
                return Err(HelloError::Malformed("a record's length is out of bounds"));
            }
            self.record_version.get_or_insert(u16::from_be_bytes([major, minor]));
            let Some(fragment) = after.get(..length) else {
                // The message's header alone may tell that it is none.
                Self::announced(self.message.iter().chain(after))?;
                break;
            };
            self.message.extend_from_slice(fragment);
            self.taken = self.taken.saturating_add(length).saturating_add(5);
            if let Some(length) = Self::announced(self.message.iter())?
                && let Some(body) = self.message.get(4..).and_then(|body| body.get(..length))
            {
                let version = self.record_version.unwrap_or_default();
                return ClientHello::from_body(version, body).map(|hello| Some(Offered::Tls(hello)));
            }
        }
        if self.buffer.len() > MAX_HELLO { Err(HelloError::TooLarge) } else { Ok(None) }
    }

    /// The length that the message's header announces, once that is whole.
    fn announced<'a>(message: impl Iterator<Item = &'a u8>) -> Result<Option<usize>, HelloError> {
        let header: Vec<u8> = message.take(4).copied().collect();
        if header.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
            return Err(HelloError::Malformed("the first message is no ClientHello"));
        }
        let [_, high, middle, low] = *header.as_slice() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes([0, high, middle, low])).unwrap_or(usize::MAX);
        if length > MAX_HELLO { Err(HelloError::TooLarge) } else { Ok(Some(length)) }
    }

    fn ssl2(&self) -> Result<Option<Offered>, HelloError> {
        match ssl2::ClientHello::decode(&self.buffer) {
            Some(Ok(hello)) => Ok(Some(Offered::Ssl2(hello))),
            Some(Err(reason)) => Err(HelloError::Malformed(reason)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> ClientHello {
        ClientHello {
            session_id: vec![7; 32],
            ..ClientHello::new(
                Version::Tls13,
                [5; 32],
                vec![CipherSuite(0x0a0a), CipherSuite(0x1301), CipherSuite(0xc02f)],
                vec![
                    Extension::new(0x1a1a, []),
                    Extension::server_name("www.example.test"),
                    Extension::supported_groups(&[Group(0x2a2a), Group::X25519, Group::SECP256R1]),
                    Extension::signature_algorithms(&[SignatureScheme(0x0403), SignatureScheme(0x0804)]),
                    Extension::alpn(&["h2", "http/1.1"]),
                    Extension::supported_versions(&[0x3a3a, 0x0304, 0x0303]),
                    Extension::key_share(&[(Group(0x2a2a), vec![0]), (Group::X25519, vec![9; 32])]),
                ],
            )
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let hello = sample();
        let mut reader = HelloReader::default();
        let octets = hello.encode();
        for octet in &octets[..octets.len() - 1] {
            assert_eq!(reader.feed(&[*octet]), Ok(None));
        }
        assert_eq!(reader.feed(&octets[octets.len() - 1..]), Ok(Some(Offered::Tls(hello.clone()))));
        assert_eq!(hello.server_name().as_deref(), Some("www.example.test"));
        assert_eq!(hello.versions(), [Version::Tls13, Version::Tls12]);
        assert_eq!(hello.groups()[1..], [Group::X25519, Group::SECP256R1]);
        assert_eq!(hello.signature_schemes(), [SignatureScheme(0x0403), SignatureScheme(0x0804)]);
        assert_eq!(hello.alpn(), [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert_eq!(hello.key_share_groups(), [Group::X25519]);
    }

    #[test]
    fn fragments_are_put_together() {
        let hello = sample();
        let mut octets = Vec::new();
        for fragment in hello.message().chunks(7) {
            octets.extend([22, 3, 1]);
            octets.extend(with_length16(fragment));
        }
        let read = HelloReader::default().feed(&octets).unwrap();
        assert_eq!(read, Some(Offered::Tls(hello)));
    }

    #[test]
    fn old_hellos_have_no_extensions() {
        let hello =
            ClientHello::new(Version::Ssl3, [1; 32], vec![CipherSuite(5)], vec![Extension::renegotiation_info()]);
        let Some(Offered::Tls(read)) = HelloReader::default().feed(&hello.encode()).unwrap() else { panic!() };
        assert_eq!(read, hello);
        assert_eq!(read.extensions, None);
        assert_eq!(read.versions(), [Version::Ssl3]);
        assert_eq!((read.record_version, read.version), (0x0300, 0x0300));
    }

    #[test]
    fn what_is_none_is_told_early() {
        for (octets, error) in [
            (b"GET / HTTP/1.1\r\n".as_slice(), HelloError::NotTls),
            (&[22, 1, 1], HelloError::NotTls),
            (&[21, 3, 1, 0, 2, 1, 0], HelloError::NotTls),
            (&[22, 3, 1, 0, 4, 2, 0, 0, 0], HelloError::Malformed("the first message is no ClientHello")),
            (&[22, 3, 1, 0, 0], HelloError::Malformed("a record's length is out of bounds")),
            (&[22, 3, 1, 0, 4, 1, 0xff, 0, 0], HelloError::TooLarge),
            (&[22, 3, 1, 0, 4, 1, 0, 0, 0], HelloError::Malformed("its fields do not fit")),
        ] {
            assert_eq!(HelloReader::default().feed(octets), Err(error), "{octets:?}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_are_too_odd(octets in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400) {
            let _ = HelloReader::default().feed(&octets);
            let mut altered = sample().encode();
            for (place, octet) in octets.iter().enumerate() {
                let length = altered.len();
                altered[(cut + place * 13) % length] = *octet;
            }
            altered[..3].copy_from_slice(&[22, 3, 1]);
            if let Ok(Some(Offered::Tls(hello))) = HelloReader::default().feed(&altered) {
                let _ = (hello.server_name(), hello.versions(), hello.groups(), hello.alpn(), hello.key_share_groups());
            }
        }
    }
}
