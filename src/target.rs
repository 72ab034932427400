//! What the user named: a server by scheme, host and port, a file, or standard input.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// How a server is spoken to before TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `https`, 443
    Https,
    /// `tls`, needs a port
    Tls,
    /// `smtp` with STARTTLS, 25
    Smtp,
    /// `submission` with STARTTLS, 587
    Submission,
    /// `smtps`, direct TLS, 465
    Smtps,
    /// `imaps`, direct TLS, 993
    Imaps,
    /// `pop3s`, direct TLS, 995
    Pop3s,
    /// `ftps`, direct TLS, 990
    Ftps,
    /// `ldaps`, direct TLS, 636
    Ldaps,
}

/// A host as the user named it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name: A-labels, lower case, no final dot.
    Name(String),
    /// An address literal.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl Host {
    /// Parses a name (internationalised ones become A-labels) or address literal, brackets allowed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let _ = text;
        todo!()
    }
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    /// How to speak to it.
    pub scheme: Scheme,
    /// Its host.
    pub host: Host,
    /// Its port.
    pub port: u16,
}

/// One thing to check.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A server to connect to.
    Server(Server),
    /// Certificates in a file.
    File(PathBuf),
    /// Certificates on standard input.
    Stdin,
}

/// Why a target is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TargetError(pub String);

impl Target {
    /// Parses what stands on the command line. A name with a path separator or a certificate's
    /// extension (`.pem`, `.crt`, `.cer`, `.der`, `.p7b`, `.p7c`, `.p12`, `.pfx`) is a file; so is one that
    /// exists as a file, which `is_file` tells (the only I/O, and the caller's).
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn parse(text: &str, is_file: impl FnOnce(&str) -> bool) -> Result<Self, TargetError> {
        let _ = (text, is_file);
        todo!()
    }
}

impl fmt::Display for Target {
    /// The report's form: `https://host:port` with the port always there, a path, or `-`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!()
    }
}
