//! Protocol versions.

use std::fmt;

/// A version of SSL or TLS, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// SSL 2, forbidden by RFC 6176
    Ssl2,
    /// SSL 3 (RFC 6101), forbidden by RFC 7568
    Ssl3,
    /// TLS 1.0 (RFC 2246), deprecated by RFC 8996
    Tls10,
    /// TLS 1.1 (RFC 4346), deprecated by RFC 8996
    Tls11,
    /// TLS 1.2 (RFC 5246)
    Tls12,
    /// TLS 1.3 (RFC 8446)
    Tls13,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Self; 6] = [Self::Ssl2, Self::Ssl3, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// As OpenSSL and the report write it: `TLSv1.2`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSLv2",
            Self::Ssl3 => "SSLv3",
            Self::Tls10 => "TLSv1.0",
            Self::Tls11 => "TLSv1.1",
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    /// As people write it: `TLS 1.2`.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSL 2",
            Self::Ssl3 => "SSL 3",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }

    /// The `ProtocolVersion` in messages (RFC 8446 §4.1.2); SSL 2's is from its own draft.
    #[must_use]
    pub fn wire(self) -> u16 {
        match self {
            Self::Ssl2 => 0x0002,
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    /// The version of these two octets; `None` for drafts, GREASE and what does not exist.
    #[must_use]
    pub fn from_wire(wire: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.wire() == wire)
    }

    /// The version of this name, in either spelling.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == name || version.title() == name)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}
