//! The hello of one client, with places left open for what differs each time: name, random, GREASE, padding.

use std::net::IpAddr;

use crate::handshake::{CipherSuite, ClientHello, Extension, Group, SignatureScheme, Version};

/// Numbers in the order sent; `None` stands for a GREASE value (RFC 8701).
pub(super) type Numbers = Vec<Option<u16>>;

/// A hello before it is sent.
#[derive(Debug, Clone)]
pub(super) struct Template {
    pub(super) record: Version,
    pub(super) version: Version,
    pub(super) session_id: bool,
    pub(super) suites: Numbers,
    pub(super) extensions: Option<Vec<Element>>,
    pub(super) shuffled: bool,
}

/// One extension of it.
#[derive(Debug, Clone)]
pub(super) enum Element {
    Grease,
    ServerName,
    Padding,
    Fixed(Extension),
    Groups(Numbers),
    Schemes(u16, Numbers),
    Versions(Numbers),
    KeyShares(Numbers),
    /// With so many octets of payload.
    EncryptedClientHello(u16),
}

/// encrypted_client_hello (RFC 9849)
pub(super) const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// Coordinates of the generator of P-256 (SEC 2 §2.4.2): a point that every server accepts.
const P256_GENERATOR: [u8; 64] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d,
    0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
    0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb,
    0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];
/// Length of an encapsulation key of ML-KEM-768 (FIPS 203 table 3).
const MLKEM768_KEY: usize = 1184;
/// A hello of this length or more, headers of the record not counted, is not padded (RFC 7685).
const PADDED: usize = 512;
/// One shorter than this is not either: the fault of servers that padding avoids begins here.
const UNPADDED: usize = 256;

impl Template {
    /// The hello for this name, with these octets as random. All that is drawn by lot comes from them.
    pub(super) fn hello(&self, server_name: Option<&str>, random: [u8; 32]) -> ClientHello {
        let grease = Grease(random);
        let suites = filled(&self.suites, grease.value(0)).map(CipherSuite).collect();
        let mut hello = ClientHello::new(self.version, random, suites, Vec::new());
        hello.record_version = self.record.wire();
        hello.session_id = if self.session_id { random.iter().rev().copied().collect() } else { Vec::new() };
        hello.extensions = self.extensions.as_ref().map(|elements| {
            let mut greased = 0;
            let mut extensions: Vec<Extension> =
                elements.iter().filter_map(|element| element.extension(server_name, &grease, &mut greased)).collect();
            if self.shuffled {
                grease.shuffle(&mut extensions);
            }
            extensions
        });
        self.pad(&mut hello);
        hello
    }

    /// Puts padding where the template has it, if the message has a length that calls for it.
    fn pad(&self, hello: &mut ClientHello) {
        let elements = self.extensions.as_deref().unwrap_or_default();
        let length = hello.message().len();
        if !elements.iter().any(|element| matches!(element, Element::Padding)) || !(UNPADDED..PADDED).contains(&length)
        {
            return;
        }
        // Its own four octets of header included, and at least one octet within.
        let padding = (PADDED - length).saturating_sub(4).max(1);
        let after = elements.iter().rev().take_while(|element| !matches!(element, Element::Padding)).count();
        if let Some(extensions) = &mut hello.extensions {
            let place = extensions.len().saturating_sub(after);
            extensions.insert(place, Extension::new(Extension::PADDING, vec![0; padding]));
        }
    }

    /// The suites it offers, without GREASE and signals.
    pub(super) fn suites(&self) -> Vec<CipherSuite> {
        self.suites.iter().flatten().copied().map(CipherSuite).filter(|suite| !suite.is_signal()).collect()
    }

    /// Whether a host name is in it, where there is one.
    pub(super) fn names_host(&self) -> bool {
        self.extensions.iter().flatten().any(|element| matches!(element, Element::ServerName))
    }
}

impl Element {
    fn extension(&self, server_name: Option<&str>, grease: &Grease, greased: &mut usize) -> Option<Extension> {
        Some(match self {
            Self::Grease => {
                // The second one has an octet in it, and differs from the first.
                let data = vec![0; (*greased).min(1)];
                *greased += 1;
                Extension::new(grease.value(*greased), data)
            }
            Self::ServerName => {
                let name = server_name.filter(|name| name.parse::<IpAddr>().is_err())?;
                Extension::server_name(name)
            }
            Self::Padding => return None,
            Self::Fixed(extension) => extension.clone(),
            Self::Groups(groups) => {
                Extension::supported_groups(&filled(groups, grease.value(3)).map(Group).collect::<Vec<Group>>())
            }
            Self::Schemes(kind, schemes) => {
                let schemes: Vec<SignatureScheme> = filled(schemes, grease.value(5)).map(SignatureScheme).collect();
                Extension::new(*kind, Extension::signature_algorithms(&schemes).data)
            }
            Self::Versions(versions) => {
                Extension::supported_versions(&filled(versions, grease.value(4)).collect::<Vec<u16>>())
            }
            Self::KeyShares(groups) => {
                let shares: Vec<(Group, Vec<u8>)> = filled(groups, grease.value(3))
                    .map(|group| (Group(group), share(Group(group)).unwrap_or_else(|| vec![0])))
                    .collect();
                Extension::key_share(&shares)
            }
            Self::EncryptedClientHello(payload) => {
                // Outer, HKDF-SHA256 with AES-128-GCM, an identifier, 32 octets of key, the payload (RFC 9849 §5).
                let mut data = vec![0, 0, 1, 0, 1, grease.octet(6), 0, 32];
                data.extend((0..32).map(|place| grease.octet(place)));
                data.extend(payload.to_be_bytes());
                data.extend((0..usize::from(*payload)).map(|place| grease.octet(place.wrapping_mul(7))));
                Extension::new(ENCRYPTED_CLIENT_HELLO, data)
            }
        })
    }
}

/// A share that servers take for a key, though nobody knows what belongs to it; `None` for groups that no client of the
/// data sends one of.
pub(crate) fn share(group: Group) -> Option<Vec<u8>> {
    // The base point of Curve25519 (RFC 7748 §4.1).
    let curve25519 = || std::iter::once(9).chain([0; 31]);
    match group {
        Group::X25519 => Some(curve25519().collect()),
        Group::SECP256R1 => Some(std::iter::once(4).chain(P256_GENERATOR).collect()),
        // All coefficients zero, which is in range (FIPS 203 §7.2), and a seed.
        Group::X25519_MLKEM768 => Some(std::iter::repeat_n(0, MLKEM768_KEY).chain(curve25519()).collect()),
        // Its forerunner has the parts the other way round, and a key of the same form.
        Group::X25519_KYBER768_DRAFT00 => Some(curve25519().chain(std::iter::repeat_n(0, MLKEM768_KEY)).collect()),
        _ => None,
    }
}

fn filled(numbers: &[Option<u16>], grease: u16) -> impl Iterator<Item = u16> {
    numbers.iter().map(move |number| number.unwrap_or(grease))
}

/// What is drawn by lot, from the hello's random.
struct Grease([u8; 32]);

impl Grease {
    fn octet(&self, place: usize) -> u8 {
        self.0.iter().copied().cycle().nth(place % 32).unwrap_or_default()
    }

    /// Puts extensions into an order drawn by lot, but for GREASE at the ends.
    fn shuffle(&self, extensions: &mut [Extension]) {
        let places: Vec<usize> = extensions
            .iter()
            .enumerate()
            .filter(|(_, extension)| !extension.is_grease())
            .map(|(place, _)| place)
            .collect();
        for (left, one) in places.iter().enumerate().skip(1) {
            let lot = usize::from(self.octet(left)).wrapping_mul(31).wrapping_add(usize::from(self.octet(left + 7)));
            if let Some(other) = places.get(lot % (left + 1)) {
                extensions.swap(*one, *other);
            }
        }
    }

    /// One of the sixteen values for this purpose; neighbouring purposes never share one.
    fn value(&self, purpose: usize) -> u16 {
        let nibble = (self.octet(0) & 0x0f) ^ u8::try_from(purpose & 0x0f).unwrap_or_default();
        u16::from_be_bytes([(nibble << 4) | 0x0a, (nibble << 4) | 0x0a])
    }
}
