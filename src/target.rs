//! What the user named: a server by scheme, host and port, a file, or standard input.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

/// How TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// With the first octet.
    AtOnce,
    /// In the middle of a conversation.
    OnRequest {
        /// What asks for it, as administrators of that protocol call it: `STARTTLS`, `STLS`, `AUTH TLS`.
        request: &'static str,
        /// The scheme of the same protocol that begins with TLS; [`Scheme::Tls`] where it has none of its own here.
        at_once: Scheme,
    },
}

/// What is known of a scheme.
struct Facts {
    name: &'static str,
    port: Option<u16>,
    protocol: &'static str,
    opening: Opening,
}

const fn at_once(name: &'static str, port: Option<u16>, protocol: &'static str) -> Facts {
    Facts { name, port, protocol, opening: Opening::AtOnce }
}

const fn on_request(
    name: &'static str,
    port: u16,
    protocol: &'static str,
    request: &'static str,
    at_once: Scheme,
) -> Facts {
    Facts { name, port: Some(port), protocol, opening: Opening::OnRequest { request, at_once } }
}

/// One row a scheme, in the order in which they are told to the user.
macro_rules! schemes {
    ($($(#[$doc:meta])* $variant:ident = $facts:expr;)+) => {
        /// How a server is spoken to before TLS begins.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Scheme {
            $($(#[$doc])* $variant,)+
        }

        impl Scheme {
            /// Every scheme, in the order in which they are told to the user.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            const fn facts(self) -> Facts {
                match self {
                    $(Self::$variant => $facts,)+
                }
            }
        }
    };
}

schemes! {
    /// HTTP over TLS.
    Https = at_once("https", Some(443), "HTTPS");
    /// Any protocol over TLS; needs a port.
    Tls = at_once("tls", None, "TLS");
    /// SMTP between mail servers, with STARTTLS.
    Smtp = on_request("smtp", 25, "SMTP", "STARTTLS", Scheme::Smtps);
    /// SMTP from mail clients, with STARTTLS.
    Submission = on_request("submission", 587, "SMTP", "STARTTLS", Scheme::Smtps);
    /// IMAP with STARTTLS.
    Imap = on_request("imap", 143, "IMAP", "STARTTLS", Scheme::Imaps);
    /// POP3 with STLS.
    Pop3 = on_request("pop3", 110, "POP3", "STLS", Scheme::Pop3s);
    /// FTP with AUTH TLS.
    Ftp = on_request("ftp", 21, "FTP", "AUTH TLS", Scheme::Ftps);
    /// LDAP with StartTLS.
    Ldap = on_request("ldap", 389, "LDAP", "StartTLS", Scheme::Ldaps);
    /// XMPP between client and server, with STARTTLS.
    Xmpp = on_request("xmpp", 5222, "XMPP", "STARTTLS", Scheme::Tls);
    /// XMPP between servers, with STARTTLS.
    XmppServer = on_request("xmpp-server", 5269, "XMPP", "STARTTLS", Scheme::Tls);
    /// ManageSieve with STARTTLS.
    Sieve = on_request("sieve", 4190, "ManageSieve", "STARTTLS", Scheme::Tls);
    /// NNTP with STARTTLS.
    Nntp = on_request("nntp", 119, "NNTP", "STARTTLS", Scheme::Tls);
    /// PostgreSQL with `SSLRequest`.
    Postgres = on_request("postgres", 5432, "PostgreSQL", "TLS", Scheme::Tls);
    /// MySQL and MariaDB with `SSLRequest`.
    Mysql = on_request("mysql", 3306, "MySQL", "TLS", Scheme::Tls);
    /// SQL Server with encryption negotiated by `PRELOGIN` (TDS 7).
    Mssql = on_request("mssql", 1433, "TDS 7", "encryption", Scheme::Tls);
    /// Remote Desktop with TLS negotiated by X.224.
    Rdp = on_request("rdp", 3389, "RDP", "TLS", Scheme::Tls);
    /// SMTP over TLS.
    Smtps = at_once("smtps", Some(465), "SMTP");
    /// IMAP over TLS.
    Imaps = at_once("imaps", Some(993), "IMAP");
    /// POP3 over TLS.
    Pop3s = at_once("pop3s", Some(995), "POP3");
    /// FTP over TLS.
    Ftps = at_once("ftps", Some(990), "FTP");
    /// LDAP over TLS.
    Ldaps = at_once("ldaps", Some(636), "LDAP");
}

impl Scheme {
    /// What stands before `://`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The port where none is given; `None` for `tls`, which has no port of its own.
    #[must_use]
    pub fn default_port(self) -> Option<u16> {
        self.facts().port
    }

    /// What the protocol is called.
    #[must_use]
    pub fn protocol(self) -> &'static str {
        self.facts().protocol
    }

    /// How TLS begins.
    #[must_use]
    pub fn opening(self) -> Opening {
        self.facts().opening
    }

    /// The schemes that turn to TLS on request, of the protocol that this one begins with TLS.
    pub fn on_request(self) -> impl Iterator<Item = Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(move |other| matches!(other.opening(), Opening::OnRequest { at_once, .. } if at_once == self))
    }

    /// Schemes are case-insensitive (RFC 3986 §3.1).
    fn parse(text: &str) -> Result<Self, TargetError> {
        Self::ALL.iter().copied().find(|scheme| scheme.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|scheme| scheme.name()).collect();
            TargetError(format!("the scheme {text:?} is not known; known are {}", known.join(", ")))
        })
    }
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
        if text.is_empty() {
            return Err(TargetError("the host is empty".to_owned()));
        }
        if text.chars().any(|character| character.is_control() || character.is_whitespace()) {
            return Err(TargetError(format!("the host {text:?} contains a space or control character")));
        }
        if let Some(inner) = text.strip_prefix('[') {
            return inner
                .strip_suffix(']')
                .and_then(|inner| inner.parse::<Ipv6Addr>().ok())
                .map(|address| Self::Address(address.into()))
                .ok_or_else(|| TargetError(format!("{text:?} is not an IPv6 address in brackets")));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address));
        }
        if text.contains(':') {
            return Err(TargetError(format!("{text:?} is neither a host name nor an IPv6 address")));
        }
        let ascii = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::URL)
            .map_err(|_| TargetError(format!("{text:?} is not a valid internationalised host name (UTS #46)")))?;
        let name = ascii.strip_suffix('.').unwrap_or(&ascii);
        // Full-width digits become ASCII ones only by the mapping above.
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        check_name(name).map_err(|reason| TargetError(format!("{text:?} is not a host name: {reason}")))?;
        Ok(Self::Name(name.to_owned()))
    }

    /// The name, or the address without brackets: what is resolved, and compared with certificates.
    #[must_use]
    pub fn unbracketed(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Address(address) => address.to_string(),
        }
    }
}

/// Whether this can be looked up and sent as SNI. Underscores are let through: names with them are
/// wrong by RFC 1123 but resolve, and directory services are full of them.
fn check_name(name: &str) -> Result<(), String> {
    if name.len() > 253 {
        return Err("it is longer than 253 octets".to_owned());
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err("it has an empty label".to_owned());
        }
        if label.len() > 63 {
            return Err("a label is longer than 63 octets".to_owned());
        }
        if let Some(other) = label.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
            return Err(format!("{other:?} cannot stand in it"));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err("a label begins or ends with a hyphen".to_owned());
        }
    }
    // Resolvers disagree on 127.1 and 1.2.3.04; no top-level domain is numeric.
    if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|octet| octet.is_ascii_digit())) {
        return Err("it ends in a number, but is not an IPv4 address".to_owned());
    }
    Ok(())
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

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.name(), self.host, self.port)
    }
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
    /// Path, query and fragment of an `https` URL are ignored: people paste URLs. Other schemes have none.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn parse(text: &str, is_file: impl FnOnce(&str) -> bool) -> Result<Self, TargetError> {
        if text.is_empty() {
            return Err(TargetError("the target is empty; give a host, a URL or a file".to_owned()));
        }
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return server_from_url(scheme, rest).map(Self::Server);
        }
        if text.contains(['/', '\\']) || has_certificate_extension(text) || is_file(text) {
            if text.contains('\0') {
                return Err(TargetError("a file name cannot contain a NUL character".to_owned()));
            }
            return Ok(Self::File(PathBuf::from(text)));
        }
        server_at(Scheme::Https, text).map(Self::Server)
    }
}

impl fmt::Display for Target {
    /// The report's form: `https://host:port` with the port always there, a path, or `-`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => server.fmt(f),
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("-"),
        }
    }
}

/// What was typed as a target, to be repeated where it is none: without what stands before an @ in a URL, which may be a
/// password.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, after)| after)),
        None => text.to_owned(),
    }
}

fn has_certificate_extension(text: &str) -> bool {
    const EXTENSIONS: [&str; 8] = ["pem", "crt", "cer", "der", "p7b", "p7c", "p12", "pfx"];
    text.rsplit_once('.')
        .is_some_and(|(_, extension)| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn server_from_url(scheme: &str, rest: &str) -> Result<Server, TargetError> {
    let scheme = Scheme::parse(scheme)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if scheme != Scheme::Https && !matches!(path, "" | "/") {
        return Err(TargetError(format!("a {} target has no path or query; write {0}://{authority}", scheme.name())));
    }
    if authority.contains('@') {
        // Not repeated: what stands before the @ may be a password.
        return Err(TargetError("a target takes no user name or password".to_owned()));
    }
    server_at(scheme, authority)
}

/// `HOST`, `HOST:PORT`, `[v6]`, `[v6]:PORT`, or a bare IPv6 address.
fn server_at(scheme: Scheme, authority: &str) -> Result<Server, TargetError> {
    let (host, port) = if authority.parse::<Ipv6Addr>().is_ok() {
        (authority, None)
    } else if authority.starts_with('[') {
        match authority.rsplit_once("]:") {
            Some((_, port)) => {
                let host = authority.strip_suffix(port).and_then(|rest| rest.strip_suffix(':')).unwrap_or_default();
                (host, Some(port))
            }
            None => (authority, None),
        }
    } else {
        match authority.split_once(':') {
            Some((_, rest)) if rest.contains(':') => {
                return Err(TargetError(format!(
                    "{authority:?} is not an IPv6 address; with a port it is written [ADDRESS]:PORT"
                )));
            }
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    let host = Host::parse(host)?;
    let port = match port {
        Some(port) => parse_port(port)?,
        None => scheme
            .default_port()
            .ok_or_else(|| TargetError(format!("{} has no port of its own; write {0}://{host}:PORT", scheme.name())))?,
    };
    Ok(Server { scheme, host, port })
}

fn parse_port(text: &str) -> Result<u16, TargetError> {
    // u16's own parser takes a plus sign.
    let port = if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse::<u16>().ok() } else { None };
    port.filter(|port| *port != 0).ok_or_else(|| TargetError(format!("{text:?} is not a port; ports are 1 to 65535")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Target, TargetError> {
        Target::parse(text, |_| false)
    }

    fn shown(text: &str) -> String {
        parse(text).unwrap().to_string()
    }

    fn refused(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn what_may_be_a_password_is_not_repeated() {
        assert_eq!(without_credentials("https://user:s3c@ret@a.test:1/x"), "https://a.test:1/x");
        assert_eq!(without_credentials("https://a.test:1/x"), "https://a.test:1/x");
        assert_eq!(without_credentials("odd@name.pem"), "odd@name.pem");
        assert!(!refused("https://user:s3cret@a.test").contains("s3cret"));
    }

    #[test]
    fn hosts_and_ports() {
        for (text, expected) in [
            ("example.test", "https://example.test:443"),
            ("Example.TEST.:8443", "https://example.test:8443"),
            ("192.0.2.1", "https://192.0.2.1:443"),
            ("192.0.2.1:25", "https://192.0.2.1:25"),
            ("[2001:DB8::1]:25", "https://[2001:db8::1]:25"),
            ("[2001:db8::1]", "https://[2001:db8::1]:443"),
            ("2001:db8::1", "https://[2001:db8::1]:443"),
            ("::1", "https://[::1]:443"),
            ("bücher.example", "https://xn--bcher-kva.example:443"),
            ("BÜCHER。example", "https://xn--bcher-kva.example:443"),
            ("１２７.0.0.1", "https://127.0.0.1:443"),
            ("_srv.dc_1.example", "https://_srv.dc_1.example:443"),
            ("localhost:65535", "https://localhost:65535"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn urls() {
        for (text, expected) in [
            ("https://example.test", "https://example.test:443"),
            ("HTTPS://example.test:8443/a/b?c=d#e", "https://example.test:8443"),
            ("https://example.test?x=user@host", "https://example.test:443"),
            ("smtp://mx.example.test", "smtp://mx.example.test:25"),
            ("submission://mx.example.test/", "submission://mx.example.test:587"),
            ("ldaps://[2001:db8::1]", "ldaps://[2001:db8::1]:636"),
            ("tls://example.test:5061", "tls://example.test:5061"),
            ("imaps://2001:db8::1", "imaps://[2001:db8::1]:993"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn every_scheme_is_told_with_a_port_of_its_own() {
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::parse(&scheme.name().to_uppercase()).unwrap(), *scheme);
            let Some(port) = scheme.default_port() else { continue };
            assert_eq!(shown(&format!("{}://a.test", scheme.name())), format!("{}://a.test:{port}", scheme.name()));
            assert_eq!(Scheme::ALL.iter().filter(|other| other.default_port() == Some(port)).count(), 1, "{port}");
        }
        let of = |scheme: Scheme| scheme.on_request().map(Scheme::name).collect::<Vec<_>>();
        assert_eq!((of(Scheme::Smtps), of(Scheme::Imaps)), (vec!["smtp", "submission"], vec!["imap"]));
        assert!(of(Scheme::Tls).contains(&"postgres") && of(Scheme::Https).is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(
            refused("http://example.test")
                .contains("known are https, tls, smtp, submission, imap, pop3, ftp, ldap, xmpp, xmpp-server")
        );
        assert!(refused("gopher://example.test").contains("postgres, mysql, mssql, rdp"));
        assert!(refused("tls://example.test").contains("tls://example.test:PORT"));
        assert!(refused("smtp://mx.example.test/path").contains("no path"));
        let secret = refused("https://user:hunter2@example.test");
        assert!(secret.contains("user name") && !secret.contains("hunter2"));
        for port in ["0", "65536", "", "-1", "+443", "443x", "99999999999999999999", "４４３"] {
            assert!(refused(&format!("example.test:{port}")).contains("ports are 1 to 65535"), "{port}");
        }
        assert!(refused("2001:db8::1::443").contains("[ADDRESS]:PORT"));
        for text in [
            "",
            "a b",
            "a\tb",
            "a\u{7f}b",
            "a\u{a0}b",
            "example..test",
            ".example.test",
            "example.test..",
            ".",
            "-a.test",
            "a-.test",
            "*.example.test",
            "a@b",
            "a%20b",
            "127.1",
            "1.2.3.4.5",
            "256.1.1.1",
            "[::1",
            "[::1]x",
            "[::1]443",
            "[127.0.0.1]:443",
            "[fe80::1%eth0]:443",
            "https://",
            "https:///path",
            "https://:443",
            "://host",
            "xn--a.test\u{ad}\u{200b} ",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse(&format!("{}.test", "a".repeat(64))).is_err());
        assert!(parse(&format!("{}test", "a.".repeat(130))).is_err());
    }

    #[test]
    fn files_and_standard_input() {
        assert_eq!(parse("-").unwrap(), Target::Stdin);
        for text in ["./chain", "/etc/ssl/x", "certs\\x", "chain.pem", "CHAIN.PFX", "a b.crt", "example.test/x"] {
            assert_eq!(parse(text).unwrap(), Target::File(PathBuf::from(text)), "{text}");
        }
        assert_eq!(Target::parse("bundle", |_| true).unwrap(), Target::File(PathBuf::from("bundle")));
        assert!(matches!(Target::parse("bundle", |_| false).unwrap(), Target::Server(_)));
        assert!(parse("a\0.pem").is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_what_is_shown_parses_back(text in "\\PC*|[a-z0-9.:\\[\\]/@?#_-]{0,40}|(https|tls|smtp)://[^/]{0,20}") {
            if let Ok(target @ Target::Server(_)) = parse(&text) {
                prop_assert_eq!(parse(&target.to_string()).unwrap(), target);
            }
        }

        #[test]
        fn every_octet_sequence_that_is_text_is_handled(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let text = String::from_utf8_lossy(&octets);
            let _ = parse(&text);
            let _ = Host::parse(&text);
        }

        #[test]
        fn every_name_taken_can_be_sent_as_sni(text in "[a-z0-9._ü-]{1,20}|\\PC{1,12}") {
            if let Ok(Host::Name(name)) = Host::parse(&text) {
                prop_assert!(rustls::pki_types::ServerName::try_from(name.as_str()).is_ok(), "{}", name);
            }
        }

        #[test]
        fn plain_names_and_ports_are_kept(name in "[a-z][a-z0-9]{0,20}(\\.[a-z][a-z0-9]{0,10}){0,3}", port in 1u16..) {
            prop_assume!(!has_certificate_extension(&name));
            prop_assert_eq!(shown(&format!("smtp://{name}:{port}")), format!("smtp://{name}:{port}"));
        }
    }
}
