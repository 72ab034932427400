//! Extensions of hellos (RFC 8446 §4.2): number and contents, in the order in which they stand.

use tls_parser::{TlsExtension, parse_tls_client_hello_extension, parse_tls_server_hello_extension};

use super::group::{Group, is_grease};
use super::signature::SignatureScheme;
use super::version::Version;

/// One extension as it stands in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// `ExtensionType`
    pub kind: u16,
    /// `extension_data`
    pub data: Vec<u8>,
}

impl Extension {
    /// server_name (RFC 6066 §3)
    pub const SERVER_NAME: u16 = 0;
    /// status_request (RFC 6066 §8)
    pub const STATUS_REQUEST: u16 = 5;
    /// supported_groups (RFC 8422 §5.1.1)
    pub const SUPPORTED_GROUPS: u16 = 10;
    /// ec_point_formats (RFC 8422 §5.1.2)
    pub const EC_POINT_FORMATS: u16 = 11;
    /// signature_algorithms (RFC 8446 §4.2.3)
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    /// application_layer_protocol_negotiation (RFC 7301)
    pub const ALPN: u16 = 16;
    /// padding (RFC 7685)
    pub const PADDING: u16 = 21;
    /// encrypt_then_mac (RFC 7366)
    pub const ENCRYPT_THEN_MAC: u16 = 22;
    /// extended_master_secret (RFC 7627)
    pub const EXTENDED_MASTER_SECRET: u16 = 23;
    /// session_ticket (RFC 5077)
    pub const SESSION_TICKET: u16 = 35;
    /// supported_versions (RFC 8446 §4.2.1)
    pub const SUPPORTED_VERSIONS: u16 = 43;
    /// psk_key_exchange_modes (RFC 8446 §4.2.9)
    pub const PSK_KEY_EXCHANGE_MODES: u16 = 45;
    /// key_share (RFC 8446 §4.2.8)
    pub const KEY_SHARE: u16 = 51;
    /// renegotiation_info (RFC 5746 §3.2)
    pub const RENEGOTIATION_INFO: u16 = 0xff01;

    /// Any extension, with its contents as they are.
    #[must_use]
    pub fn new(kind: u16, data: impl Into<Vec<u8>>) -> Self {
        Self { kind, data: data.into() }
    }

    /// server_name with one host name, which may be no address (RFC 6066 §3).
    #[must_use]
    pub fn server_name(name: &str) -> Self {
        let mut entry = vec![0];
        entry.extend(with_length16(name.as_bytes()));
        Self::new(Self::SERVER_NAME, with_length16(&entry))
    }

    /// supported_groups
    #[must_use]
    pub fn supported_groups(groups: &[Group]) -> Self {
        Self::new(Self::SUPPORTED_GROUPS, numbers16(groups.iter().map(|group| group.0)))
    }

    /// ec_point_formats with the uncompressed form alone
    #[must_use]
    pub fn ec_point_formats() -> Self {
        Self::new(Self::EC_POINT_FORMATS, [1, 0])
    }

    /// signature_algorithms
    #[must_use]
    pub fn signature_algorithms(schemes: &[SignatureScheme]) -> Self {
        Self::new(Self::SIGNATURE_ALGORITHMS, numbers16(schemes.iter().map(|scheme| scheme.0)))
    }

    /// ALPN; names longer than 255 octets are left out.
    #[must_use]
    pub fn alpn<S: AsRef<[u8]>>(protocols: &[S]) -> Self {
        let mut list = Vec::new();
        for protocol in protocols {
            if let Ok(length) = u8::try_from(protocol.as_ref().len()) {
                list.push(length);
                list.extend_from_slice(protocol.as_ref());
            }
        }
        Self::new(Self::ALPN, with_length16(&list))
    }

    /// supported_versions of a client, GREASE and drafts possible
    #[must_use]
    pub fn supported_versions(versions: &[u16]) -> Self {
        let list: Vec<u8> = versions.iter().flat_map(|version| version.to_be_bytes()).collect();
        Self::new(Self::SUPPORTED_VERSIONS, with_length8(&list))
    }

    /// key_share of a client; empty asks the server to name a group (RFC 8446 §4.2.8).
    #[must_use]
    pub fn key_share(shares: &[(Group, Vec<u8>)]) -> Self {
        let list: Vec<u8> = shares
            .iter()
            .flat_map(|(group, share)| group.0.to_be_bytes().into_iter().chain(with_length16(share)))
            .collect();
        Self::new(Self::KEY_SHARE, with_length16(&list))
    }

    /// psk_key_exchange_modes: psk_dhe_ke alone
    #[must_use]
    pub fn psk_key_exchange_modes() -> Self {
        Self::new(Self::PSK_KEY_EXCHANGE_MODES, [1, 1])
    }

    /// renegotiation_info of a first handshake
    #[must_use]
    pub fn renegotiation_info() -> Self {
        Self::new(Self::RENEGOTIATION_INFO, [0])
    }

    /// Whether its number is one of GREASE (RFC 8701).
    #[must_use]
    pub fn is_grease(&self) -> bool {
        is_grease(self.kind)
    }

    /// As it goes into a message.
    pub(super) fn encode(&self) -> impl Iterator<Item = u8> {
        self.kind.to_be_bytes().into_iter().chain(with_length16(&self.data))
    }

    /// Splits the octets of an extension block; `None` where lengths do not fit.
    pub(super) fn split(block: &[u8]) -> Option<Vec<Self>> {
        let mut rest = block;
        let mut extensions = Vec::new();
        while !rest.is_empty() {
            let (header, after) = rest.split_first_chunk::<4>()?;
            let [kind_high, kind_low, length_high, length_low] = *header;
            let length = usize::from(u16::from_be_bytes([length_high, length_low]));
            let (data, after) = after.split_at_checked(length)?;
            extensions.push(Self::new(u16::from_be_bytes([kind_high, kind_low]), data));
            rest = after;
        }
        Some(extensions)
    }
}

/// What stands in one extension of a ClientHello, read by tls-parser; empty where it does not parse.
pub(super) fn read_client<T: Default>(extension: &Extension, read: impl FnOnce(TlsExtension<'_>) -> Option<T>) -> T {
    let octets: Vec<u8> = extension.encode().collect();
    parse_tls_client_hello_extension(&octets).ok().and_then(|(_, parsed)| read(parsed)).unwrap_or_default()
}

/// What stands in one extension of a ServerHello, read by tls-parser.
pub(super) fn read_server<T>(extension: &Extension, read: impl FnOnce(TlsExtension<'_>) -> Option<T>) -> Option<T> {
    let octets: Vec<u8> = extension.encode().collect();
    parse_tls_server_hello_extension(&octets).ok().and_then(|(_, parsed)| read(parsed))
}

/// The version a ServerHello's supported_versions names.
pub(super) fn selected_version(extension: &Extension) -> Option<Version> {
    match *extension.data.as_slice() {
        [high, low] => Version::from_wire(u16::from_be_bytes([high, low])),
        _ => None,
    }
}

pub(super) fn with_length8(contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).unwrap_or(u8::MAX);
    std::iter::once(length).chain(contents.iter().copied().take(length.into())).collect()
}

pub(super) fn with_length16(contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap_or(u16::MAX);
    length.to_be_bytes().into_iter().chain(contents.iter().copied().take(length.into())).collect()
}

pub(super) fn numbers16(numbers: impl Iterator<Item = u16>) -> Vec<u8> {
    with_length16(&numbers.flat_map(u16::to_be_bytes).collect::<Vec<u8>>())
}
