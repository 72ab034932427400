//! What a server answers to a ClientHello before anything is encrypted: hello, certificates, key exchange parameters,
//! alerts (RFC 5246 §7.4, RFC 8446 §4.1.3).

use bytes::Bytes;
use tls_parser::{
    ECParametersContent, TlsExtension, TlsMessageHandshake, parse_dh_params, parse_ecdh_params,
    parse_tls_handshake_certificatestatus, parse_tls_handshake_msg_certificate, parse_tls_handshake_server_hello,
};

use super::extension::{Extension, read_server, selected_version};
use super::group::Group;
use super::signature::SignatureScheme;
use super::suite::{Authentication, CipherSuite};
use super::version::Version;

/// The most octets of one answer that are read. Chains with many certificates stay below 100 kB.
const MAX_FLIGHT: usize = 512 * 1024;
/// The longest fragment of a record that any version allows (RFC 5246 §6.2.3).
const MAX_FRAGMENT: usize = (1 << 14) + 2048;
/// Alerts of level warning that are waited out; no server sends more than one.
const MAX_WARNINGS: usize = 8;

/// `random` of a ServerHello that is a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A ServerHello, or a HelloRetryRequest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// The version it settles on; `None` where that is none this tool knows.
    pub version: Option<Version>,
    /// The two octets of the version as they came: supported_versions where it is there, else the message's own.
    pub wire_version: u16,
    /// The suite it settles on.
    pub cipher_suite: CipherSuite,
    /// The compression method: 0 is none.
    pub compression: u8,
    /// The session it can be resumed by, or the client's own echoed.
    pub session_id: Vec<u8>,
    /// Extensions.
    pub extensions: Vec<Extension>,
    /// Whether it asks for another hello with a share for the group it names.
    pub is_retry: bool,
}

impl ServerHello {
    /// The extension of this number.
    #[must_use]
    pub fn extension(&self, kind: u16) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.kind == kind)
    }

    /// TLS 1.3: the group it settles on, or asks a share for.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        match self.extension(Extension::KEY_SHARE)?.data.as_slice() {
            [high, low, ..] => Some(Group(u16::from_be_bytes([*high, *low]))),
            _ => None,
        }
    }

    /// The protocol chosen by ALPN, where it is told in plain text.
    #[must_use]
    pub fn alpn(&self) -> Option<Vec<u8>> {
        read_server(self.extension(Extension::ALPN)?, |parsed| match parsed {
            TlsExtension::ALPN(protocols) => protocols.first().map(|protocol| protocol.to_vec()),
            _ => None,
        })
    }
}

/// An alert (RFC 8446 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// Whether the connection ends with it.
    pub fatal: bool,
    /// `AlertDescription`
    pub description: u8,
}

impl Alert {
    /// protocol_version
    pub const PROTOCOL_VERSION: u8 = 70;
    /// handshake_failure
    pub const HANDSHAKE_FAILURE: u8 = 40;
    /// inappropriate_fallback (RFC 7507)
    pub const INAPPROPRIATE_FALLBACK: u8 = 86;
    /// unrecognized_name (RFC 6066)
    pub const UNRECOGNIZED_NAME: u8 = 112;
    /// no_application_protocol (RFC 7301)
    pub const NO_APPLICATION_PROTOCOL: u8 = 120;

    /// The name of its description in the registry, or the number.
    #[must_use]
    pub fn name(self) -> String {
        let name = match self.description {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            121 => "ech_required",
            other => return format!("number {other}"),
        };
        name.to_owned()
    }
}

/// The parameters of a ServerKeyExchange.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyExchange {
    /// The curve or finite field, where it is a named one.
    pub group: Option<Group>,
    /// Length of the finite field's prime in bits.
    pub dh_bits: Option<u32>,
    /// How it is signed (TLS 1.2).
    pub signature: Option<SignatureScheme>,
}

/// What has been read of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flight {
    /// The hello.
    pub hello: Option<ServerHello>,
    /// The chain as served, leaf first; `None` while no Certificate message has come.
    pub certificates: Option<Vec<Bytes>>,
    /// The stapled OCSP response.
    pub stapled_ocsp: Option<Bytes>,
    /// Key exchange parameters.
    pub key_exchange: Option<KeyExchange>,
    /// Whether the client is asked for a certificate.
    pub certificate_requested: bool,
    /// Whether the server's part is complete: ServerHelloDone, or the rest is encrypted.
    pub complete: bool,
    /// The alert that ended it.
    pub alert: Option<Alert>,
    /// Alerts of level warning.
    pub warnings: Vec<Alert>,
}

/// What a reader makes of the octets so far.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reading {
    /// It does not begin as TLS does; the first octets.
    #[error("what answers does not speak TLS")]
    NotTls(Vec<u8>),
    /// It began as TLS and went wrong.
    #[error("the answer is malformed: {0}")]
    Malformed(&'static str),
    /// It is too large.
    #[error("the answer is larger than {MAX_FLIGHT} octets")]
    TooLarge,
}

/// Reads an answer as it arrives, in records and fragments of any size.
#[derive(Debug, Default)]
pub struct FlightReader {
    /// Octets not yet taken.
    buffer: Vec<u8>,
    /// Handshake octets not yet taken.
    messages: Vec<u8>,
    taken: usize,
    flight: Flight,
}

impl FlightReader {
    /// What has been read.
    #[must_use]
    pub fn flight(&self) -> &Flight {
        &self.flight
    }

    /// What has been read, when no more will be.
    #[must_use]
    pub fn into_flight(self) -> Flight {
        self.flight
    }

    /// Whether anything came at all.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.taken > 0
    }

    /// Takes more octets.
    ///
    /// # Errors
    /// [`Reading`]: nothing further can be read. What was read before stays.
    pub fn feed(&mut self, octets: &[u8]) -> Result<&Flight, Reading> {
        let first = self.taken == 0;
        self.taken = self.taken.saturating_add(octets.len());
        if self.taken > MAX_FLIGHT {
            return Err(Reading::TooLarge);
        }
        self.buffer.extend_from_slice(octets);
        if first && !matches!(*self.buffer.as_slice(), [] | [21 | 22] | [21 | 22, 3, ..]) {
            return Err(Reading::NotTls(self.buffer.iter().copied().take(64).collect()));
        }
        while !self.flight.complete && self.flight.alert.is_none() {
            let Some(([kind, major, _, high, low], rest)) = self.buffer.split_first_chunk::<5>() else { break };
            let (kind, major, length) = (*kind, *major, usize::from(u16::from_be_bytes([*high, *low])));
            if major != 3 {
                return Err(match self.flight.hello {
                    None => Reading::NotTls(self.buffer.iter().copied().take(64).collect()),
                    Some(_) => Reading::Malformed("a record has no version of TLS"),
                });
            }
            if length > MAX_FRAGMENT {
                return Err(Reading::Malformed("a record is longer than 18,432 octets"));
            }
            let Some(fragment) = rest.get(..length).map(<[u8]>::to_vec) else { break };
            self.buffer.drain(..length.saturating_add(5));
            match kind {
                20 => {}
                21 => self.alert(&fragment)?,
                22 => {
                    self.messages.extend(fragment);
                    self.messages()?;
                }
                23 if self.flight.hello.is_some() => self.flight.complete = true,
                _ => return Err(Reading::Malformed("a record of another kind stands in the handshake")),
            }
        }
        Ok(&self.flight)
    }

    fn alert(&mut self, fragment: &[u8]) -> Result<(), Reading> {
        let [level, description] = *fragment else {
            return Err(Reading::Malformed("an alert does not have two octets"));
        };
        let alert = Alert { fatal: level != 1, description };
        // close_notify ends the connection at whatever level (RFC 5246 §7.2.1).
        if alert.fatal || description == 0 || self.flight.warnings.len() >= MAX_WARNINGS {
            self.flight.alert = Some(alert);
        } else {
            self.flight.warnings.push(alert);
        }
        Ok(())
    }

    fn messages(&mut self) -> Result<(), Reading> {
        while !self.flight.complete {
            let Some(([kind, high, middle, low], rest)) = self.messages.split_first_chunk::<4>() else { break };
            let length = usize::try_from(u32::from_be_bytes([0, *high, *middle, *low])).unwrap_or(usize::MAX);
            if length > MAX_FLIGHT {
                return Err(Reading::TooLarge);
            }
            let kind = *kind;
            let Some(body) = rest.get(..length).map(<[u8]>::to_vec) else { break };
            self.messages.drain(..length.saturating_add(4));
            self.message(kind, &body)?;
        }
        Ok(())
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Result<(), Reading> {
        const HELLO_REQUEST: u8 = 0;
        const SERVER_HELLO: u8 = 2;
        const CERTIFICATE: u8 = 11;
        const SERVER_KEY_EXCHANGE: u8 = 12;
        const CERTIFICATE_REQUEST: u8 = 13;
        const SERVER_HELLO_DONE: u8 = 14;
        const CERTIFICATE_STATUS: u8 = 22;
        let hello = self.flight.hello.as_ref();
        match (kind, hello) {
            // To be ignored while a handshake is under way (RFC 5246 §7.4.1.1).
            (HELLO_REQUEST, _) => {}
            (SERVER_HELLO, None) => {
                let hello = server_hello(body)?;
                self.flight.complete = hello.version == Some(Version::Tls13);
                self.flight.hello = Some(hello);
            }
            (_, None) => return Err(Reading::Malformed("the first message is no ServerHello")),
            (CERTIFICATE, Some(_)) => {
                let chain = match parse_tls_handshake_msg_certificate(body) {
                    Ok((_, TlsMessageHandshake::Certificate(contents))) => {
                        contents.cert_chain.iter().map(|raw| Bytes::copy_from_slice(raw.data)).collect()
                    }
                    _ => return Err(Reading::Malformed("the Certificate message's lengths do not fit")),
                };
                self.flight.certificates = Some(chain);
            }
            (CERTIFICATE_STATUS, Some(_)) => {
                if let Ok((_, status)) = parse_tls_handshake_certificatestatus(body)
                    && status.status_type == 1
                {
                    self.flight.stapled_ocsp = Some(Bytes::copy_from_slice(status.blob));
                }
            }
            (SERVER_KEY_EXCHANGE, Some(hello)) => {
                self.flight.key_exchange = Some(key_exchange(hello, body));
            }
            (CERTIFICATE_REQUEST, Some(_)) => self.flight.certificate_requested = true,
            (SERVER_HELLO_DONE, Some(_)) => self.flight.complete = true,
            // Others (SupplementalData) say nothing that is asked here.
            (_, Some(_)) => {}
        }
        Ok(())
    }
}

fn server_hello(body: &[u8]) -> Result<ServerHello, Reading> {
    let Ok((rest, contents)) = parse_tls_handshake_server_hello(body) else {
        return Err(Reading::Malformed("the ServerHello's fields do not fit, or its version does not exist"));
    };
    // tls-parser reads no extensions of SSL 3, but servers answer the renegotiation signal with one (RFC 5746 §3.6).
    let block = contents.ext.or_else(|| rest.get(2..)).unwrap_or_default();
    let extensions = Extension::split(block).ok_or(Reading::Malformed("the ServerHello's extensions do not fit"))?;
    let selected = extensions.iter().find(|extension| extension.kind == Extension::SUPPORTED_VERSIONS);
    let (version, wire_version) = match selected {
        Some(extension) => {
            let wire = match *extension.data.as_slice() {
                [high, low] => u16::from_be_bytes([high, low]),
                _ => return Err(Reading::Malformed("the ServerHello's supported_versions is no version")),
            };
            (selected_version(extension), wire)
        }
        None => (Version::from_wire(contents.version.0), contents.version.0),
    };
    Ok(ServerHello {
        version,
        wire_version,
        cipher_suite: CipherSuite(contents.cipher.0),
        compression: contents.compression.0,
        session_id: contents.session_id.unwrap_or_default().to_vec(),
        extensions,
        is_retry: contents.random == RETRY,
    })
}

/// Reads what it can: parameters of an exchange that is not known here are no fault of the server's.
fn key_exchange(hello: &ServerHello, body: &[u8]) -> KeyExchange {
    let suite = hello.cipher_suite;
    let name = suite.name();
    let mut read = KeyExchange::default();
    let parameters = if name.contains("_PSK_") { after_identity_hint(body) } else { Some(body) };
    let Some(parameters) = parameters else { return read };
    let signed = if suite.is_elliptic() {
        parse_ecdh_params(parameters).ok().map(|(rest, parameters)| {
            if let ECParametersContent::NamedGroup(group) = parameters.curve_params.params_content {
                read.group = Some(Group(group.0));
            }
            rest
        })
    } else if suite.is_finite_field() {
        parse_dh_params(parameters).ok().map(|(rest, parameters)| {
            read.dh_bits = Some(bit_length(parameters.dh_p));
            read.group = Group::of_finite_field(parameters.dh_p, parameters.dh_g);
            rest
        })
    } else {
        None
    };
    let is_signed = matches!(suite.authentication(), Authentication::Certificate(_));
    if let (Some([high, low, ..]), true, Some(Version::Tls12)) = (signed, is_signed, hello.version) {
        read.signature = Some(SignatureScheme(u16::from_be_bytes([*high, *low])));
    }
    read
}

fn after_identity_hint(body: &[u8]) -> Option<&[u8]> {
    let ([high, low], rest) = body.split_first_chunk::<2>()?;
    rest.get(usize::from(u16::from_be_bytes([*high, *low]))..)
}

/// Length of a big-endian number in bits, leading zeros not counted.
fn bit_length(number: &[u8]) -> u32 {
    let mut significant = number.iter().copied().skip_while(|octet| *octet == 0);
    let Some(first) = significant.next() else { return 0 };
    let following = u32::try_from(significant.count()).unwrap_or(u32::MAX);
    (8 - first.leading_zeros()).saturating_add(following.saturating_mul(8))
}

#[cfg(test)]
mod tests;
