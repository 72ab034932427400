//! The form of `data/clients.toml`: hellos, the clients that send them, and lists that several hellos share.
//!
//! A value that is a text where a list is expected names a shared list. Unknown keys and names are errors.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::template::{Element, Numbers, Template};
use super::{Client, Needs, Property};
use crate::handshake::{CipherSuite, Extension, Group, SignatureScheme, Version};

/// Why the data does not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BookError {
    /// It is not of the form.
    #[error(transparent)]
    Form(#[from] toml::de::Error),
    /// A name that nothing bears.
    #[error("{0} is no known {1}")]
    Unknown(String, &'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    suites: BTreeMap<String, Vec<String>>,
    groups: BTreeMap<String, Vec<String>>,
    signature_algorithms: BTreeMap<String, Vec<String>>,
    hello: BTreeMap<String, Hello>,
    client: Vec<Entry>,
}

/// A list, or the name of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum List {
    Here(Vec<String>),
    Shared(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hello {
    /// Version of the record.
    record: String,
    /// `legacy_version`.
    version: String,
    /// Whether a session identifier of 32 octets is sent in a first handshake (RFC 8446 §D.4).
    #[serde(default)]
    session_id: bool,
    suites: List,
    /// In the order sent; left out where there are none at all.
    extensions: Option<Vec<Item>>,
    /// Whether each hello has them in another order.
    #[serde(default)]
    shuffled: bool,
}

/// One extension: its name alone, or with what stands in it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Item {
    #[serde(rename = "GREASE")]
    Grease,
    ServerName,
    StatusRequest,
    StatusRequestV2,
    SignedCertificateTimestamp,
    EncryptThenMac,
    ExtendedMasterSecret,
    SessionTicket,
    PostHandshakeAuth,
    RenegotiationInfo,
    NextProtocolNegotiation,
    Heartbeat,
    ChannelId,
    /// To 512 octets of message, where it would have 256 to 511 (RFC 7685).
    Padding,
    /// Empty: which anchors a browser names changes from week to week.
    TrustAnchors,
    SupportedGroups(List),
    EcPointFormats(Vec<String>),
    SignatureAlgorithms(List),
    SignatureAlgorithmsCert(List),
    DelegatedCredentials(List),
    Alpn(Vec<String>),
    ApplicationSettings(Vec<String>),
    /// With the number that it had first.
    ApplicationSettingsOld(Vec<String>),
    SupportedVersions(Vec<String>),
    PskKeyExchangeModes(Vec<String>),
    KeyShare(Vec<String>),
    CompressCertificate(Vec<String>),
    RecordSizeLimit(u16),
    /// GREASE (RFC 9849 §6.2), with a payload of so many octets.
    EncryptedClientHello(u16),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    title: String,
    years: String,
    source: String,
    approximation: Option<String>,
    hello: String,
    /// The oldest version it goes on with.
    lowest: String,
    /// Whether it takes no signature of TLS 1.1 and older, which is over MD5 with SHA-1 or SHA-1 alone.
    #[serde(default)]
    refuses_sha1_handshakes: bool,
    rsa_bits_min: Option<u32>,
    dh_bits_min: Option<u32>,
    dh_bits_max: Option<u32>,
    #[serde(default)]
    cannot_verify: Vec<String>,
    #[serde(default)]
    refuses: Vec<String>,
}

/// The clients, in the order of the file.
pub(super) fn read(text: &str) -> Result<Vec<Client>, BookError> {
    let book: Book = toml::from_str(text)?;
    book.client.iter().map(|entry| book.client(entry)).collect()
}

impl Book {
    fn client(&self, entry: &Entry) -> Result<Client, BookError> {
        let hello = self.hello.get(&entry.hello).ok_or_else(|| unknown(&entry.hello, "hello"))?;
        Ok(Client {
            name: entry.name.clone(),
            title: entry.title.clone(),
            years: entry.years.clone(),
            source: entry.source.clone(),
            approximation: entry.approximation.clone(),
            needs: Needs {
                lowest: version(&entry.lowest)?,
                refuses_sha1_handshakes: entry.refuses_sha1_handshakes,
                rsa_bits_min: entry.rsa_bits_min,
                dh_bits_min: entry.dh_bits_min,
                dh_bits_max: entry.dh_bits_max,
                cannot_verify: properties(&entry.cannot_verify)?,
                refuses: properties(&entry.refuses)?,
            },
            template: self.template(hello)?,
        })
    }

    fn template(&self, hello: &Hello) -> Result<Template, BookError> {
        let extensions = match &hello.extensions {
            None => None,
            Some(items) => Some(items.iter().map(|item| self.element(item)).collect::<Result<Vec<_>, _>>()?),
        };
        Ok(Template {
            record: version(&hello.record)?,
            version: version(&hello.version)?,
            session_id: hello.session_id,
            suites: numbers(&hello.suites, &self.suites, "cipher suite", suite)?,
            extensions,
            shuffled: hello.shuffled,
        })
    }

    fn element(&self, item: &Item) -> Result<Element, BookError> {
        let groups = |list: &List| numbers(list, &self.groups, "group", group);
        let schemes = |list: &List| numbers(list, &self.signature_algorithms, "signature algorithm", scheme);
        let versions = |name: &str| Version::from_name(name).map(Version::wire);
        let fixed = |kind: u16, data: &[u8]| Element::Fixed(Extension::new(kind, data));
        Ok(match item {
            Item::Grease => Element::Grease,
            Item::ServerName => Element::ServerName,
            Item::Padding => Element::Padding,
            // An OCSP responder of the server's choice (RFC 6066 §8), and the same in the form of RFC 6961.
            Item::StatusRequest => fixed(Extension::STATUS_REQUEST, &[1, 0, 0, 0, 0]),
            Item::StatusRequestV2 => fixed(17, &[0, 7, 2, 0, 4, 0, 0, 0, 0]),
            Item::SignedCertificateTimestamp => fixed(18, &[]),
            Item::EncryptThenMac => fixed(Extension::ENCRYPT_THEN_MAC, &[]),
            Item::ExtendedMasterSecret => fixed(Extension::EXTENDED_MASTER_SECRET, &[]),
            Item::SessionTicket => fixed(Extension::SESSION_TICKET, &[]),
            Item::PostHandshakeAuth => fixed(49, &[]),
            Item::RenegotiationInfo => Element::Fixed(Extension::renegotiation_info()),
            Item::NextProtocolNegotiation => fixed(13172, &[]),
            Item::Heartbeat => fixed(15, &[1]),
            Item::ChannelId => fixed(30032, &[]),
            Item::TrustAnchors => fixed(0xca34, &[0, 0]),
            Item::SupportedGroups(list) => Element::Groups(groups(list)?),
            Item::EcPointFormats(names) => octets(Extension::EC_POINT_FORMATS, names, "point format", point_format)?,
            Item::SignatureAlgorithms(list) => Element::Schemes(Extension::SIGNATURE_ALGORITHMS, schemes(list)?),
            Item::SignatureAlgorithmsCert(list) => Element::Schemes(50, schemes(list)?),
            Item::DelegatedCredentials(list) => Element::Schemes(34, schemes(list)?),
            Item::Alpn(names) => Element::Fixed(Extension::alpn(names)),
            Item::ApplicationSettings(names) => fixed(17613, &Extension::alpn(names).data),
            Item::ApplicationSettingsOld(names) => fixed(17513, &Extension::alpn(names).data),
            Item::SupportedVersions(names) => Element::Versions(named(names, "version", versions)?),
            Item::PskKeyExchangeModes(names) => octets(Extension::PSK_KEY_EXCHANGE_MODES, names, "mode", psk_mode)?,
            Item::KeyShare(names) => Element::KeyShares(named(names, "group", group)?),
            Item::CompressCertificate(names) => {
                let ways: Vec<u16> = named(names, "compression", compression)?.into_iter().flatten().collect();
                // A list of two-octet numbers with a length of one octet, as supported_versions is.
                fixed(27, &Extension::supported_versions(&ways).data)
            }
            Item::RecordSizeLimit(limit) => fixed(28, &limit.to_be_bytes()),
            Item::EncryptedClientHello(payload) => Element::EncryptedClientHello(*payload),
        })
    }
}

fn unknown(name: &str, what: &'static str) -> BookError {
    BookError::Unknown(name.to_owned(), what)
}

fn version(name: &str) -> Result<Version, BookError> {
    Version::from_name(name).ok_or_else(|| unknown(name, "version"))
}

fn suite(name: &str) -> Option<u16> {
    // What never came into the registry stands as a number.
    match name.strip_prefix("0x") {
        Some(number) => u16::from_str_radix(number, 16).ok(),
        None => CipherSuite::from_name(name).map(|suite| suite.0),
    }
}

fn group(name: &str) -> Option<u16> {
    Group::from_name(name).map(|group| group.0)
}

fn scheme(name: &str) -> Option<u16> {
    SignatureScheme::from_name(name).map(|scheme| scheme.0)
}

fn point_format(name: &str) -> Option<u8> {
    match name {
        "uncompressed" => Some(0),
        "ansiX962_compressed_prime" => Some(1),
        "ansiX962_compressed_char2" => Some(2),
        _ => None,
    }
}

fn psk_mode(name: &str) -> Option<u8> {
    match name {
        "psk_ke" => Some(0),
        "psk_dhe_ke" => Some(1),
        _ => None,
    }
}

fn compression(name: &str) -> Option<u16> {
    match name {
        "zlib" => Some(1),
        "brotli" => Some(2),
        "zstd" => Some(3),
        _ => None,
    }
}

/// An extension that is a list of octets with a length of one octet.
fn octets(kind: u16, names: &[String], what: &'static str, read: fn(&str) -> Option<u8>) -> Result<Element, BookError> {
    let mut data = vec![u8::try_from(names.len()).unwrap_or(u8::MAX)];
    for name in names {
        data.push(read(name).ok_or_else(|| unknown(name, what))?);
    }
    Ok(Element::Fixed(Extension::new(kind, data)))
}

fn properties(names: &[String]) -> Result<Vec<Property>, BookError> {
    names.iter().map(|name| Property::from_name(name).ok_or_else(|| unknown(name, "property"))).collect()
}

fn numbers(
    list: &List,
    shared: &BTreeMap<String, Vec<String>>,
    what: &'static str,
    read: impl Fn(&str) -> Option<u16>,
) -> Result<Numbers, BookError> {
    match list {
        List::Here(names) => named(names, what, read),
        List::Shared(name) => named(shared.get(name).ok_or_else(|| unknown(name, "shared list"))?, what, read),
    }
}

fn named(names: &[String], what: &'static str, read: impl Fn(&str) -> Option<u16>) -> Result<Numbers, BookError> {
    let number = |name: &String| match name.as_str() {
        "GREASE" => Ok(None),
        name => read(name).map(Some).ok_or_else(|| unknown(name, what)),
    };
    names.iter().map(number).collect()
}
