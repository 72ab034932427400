//! One host and port, and what is spoken there.

use std::fmt;

use url::Url;

use crate::target::{Host, without_credentials};

/// What is spoken at a place. All of it runs over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP
    Http,
    /// HTTP over TLS
    Https,
    /// LDAP
    Ldap,
    /// LDAP over TLS
    Ldaps,
    /// Whatever: only the connection counts.
    Tcp,
}

impl Protocol {
    /// As a URL has it.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Ldap => "ldap",
            Self::Ldaps => "ldaps",
            Self::Tcp => "tcp",
        }
    }

    fn of_scheme(scheme: &str) -> Option<Self> {
        [Self::Http, Self::Https, Self::Ldap, Self::Ldaps].into_iter().find(|protocol| protocol.scheme() == scheme)
    }

    fn of_port(port: u16) -> Self {
        match port {
            80 => Self::Http,
            443 => Self::Https,
            389 => Self::Ldap,
            636 => Self::Ldaps,
            _ => Self::Tcp,
        }
    }

    fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https => Some(443),
            Self::Ldap => Some(389),
            Self::Ldaps => Some(636),
            Self::Tcp => None,
        }
    }
}

/// A host and port that has to be open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// What is spoken there.
    pub protocol: Protocol,
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// The URL that was named, where it names an object and not just the host.
    pub object: Option<Url>,
}

/// Why a text names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlaceError(String);

impl Place {
    /// Parses `HOST` (port 80), `HOST:PORT`, `[IPv6]:PORT`, or an http, https, ldap or ldaps URL. What is spoken at a bare
    /// port is told by its number; at an unknown one only the connection is looked at.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        let text = text.trim();
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or(authority);
        if let Some((_, host)) = authority.rsplit_once('@') {
            let shown = if text.contains("://") { without_credentials(text) } else { host.to_owned() };
            return Err(PlaceError(format!("{shown}: a place with a user name or password is not taken")));
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Self::of_text(text, scheme);
        }
        let (host, port) = match text.rsplit_once(':') {
            // An IPv6 address without brackets has no port.
            Some((host, _)) if host.contains(':') && !host.ends_with(']') => (text, 80),
            Some((host, port)) if !port.contains(']') => {
                let number = port.parse().ok().filter(|number| *number != 0);
                let number = number.filter(|_| port.bytes().all(|octet| octet.is_ascii_digit()));
                (host, number.ok_or_else(|| PlaceError(format!("{text:?}: {port:?} is not a port")))?)
            }
            _ => (text, 80),
        };
        let host = Host::parse(host).map_err(|error| PlaceError(error.to_string()))?;
        let place = Self { protocol: Protocol::of_port(port), host, port, object: None };
        // A name such as 0x is a number to URLs, and would lead to an address that nobody wrote.
        let again = place.url().and_then(|url| Self::of_url(&url));
        if place.protocol != Protocol::Tcp && again.is_none_or(|again| !again.is_at(&place)) {
            return Err(PlaceError(format!("{text:?} is no host name: URLs read it as a number")));
        }
        Ok(place)
    }

    fn of_text(text: &str, scheme: &str) -> Result<Self, PlaceError> {
        let wrong = |reason: &str| PlaceError(format!("{text:?}: {reason}"));
        if text.len() > 8192 || text.chars().any(char::is_control) {
            return Err(PlaceError("a URL is too long or holds control characters".to_owned()));
        }
        if Protocol::of_scheme(&scheme.to_ascii_lowercase()).is_none() {
            return Err(wrong("give HOST, HOST:PORT, or an http, https, ldap or ldaps URL"));
        }
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        let place = Self::of_url(&url).ok_or_else(|| wrong("it has no host that can be looked up"))?;
        let names_object = !matches!(url.path(), "" | "/") || url.query().is_some();
        Ok(Self { object: names_object.then_some(url), ..place })
    }

    /// The place that a URL leads to; `None` where it has no host or an unknown scheme.
    #[must_use]
    pub fn of_url(url: &Url) -> Option<Self> {
        let protocol = Protocol::of_scheme(url.scheme())?;
        let host = Host::parse(url.host_str().filter(|host| !host.is_empty())?).ok()?;
        let port = url.port().or(protocol.default_port()).filter(|port| *port != 0)?;
        Some(Self { protocol, host, port, object: None })
    }

    /// The URL to ask there: of the object, else of the host.
    #[must_use]
    pub fn url(&self) -> Option<Url> {
        match &self.object {
            Some(url) => Some(url.clone()),
            None => Url::parse(&format!("{}://{}:{}/", self.protocol.scheme(), self.host, self.port)).ok(),
        }
    }

    /// Whether both are the same host, port and protocol, whatever object they name.
    #[must_use]
    pub fn is_at(&self, other: &Self) -> bool {
        (self.protocol, &self.host, self.port) == (other.protocol, &other.host, other.port)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, &'static str) {
        let place = Place::parse(text).unwrap();
        (place.to_string(), place.protocol.scheme())
    }

    #[test]
    fn hosts_ports_and_urls_are_places() {
        for (text, place, scheme) in [
            ("ocsp.globalsign.com", "ocsp.globalsign.com:80", "http"),
            (" OCSP.example:443 ", "ocsp.example:443", "https"),
            ("b\u{fc}cher.example:8080", "xn--bcher-kva.example:8080", "tcp"),
            ("192.0.2.1:389", "192.0.2.1:389", "ldap"),
            ("[2001:db8::1]:80", "[2001:db8::1]:80", "http"),
            ("2001:db8::1", "[2001:db8::1]:80", "http"),
            ("http://crl.example", "crl.example:80", "http"),
            ("HTTPS://crl.example:8443/a.crl", "crl.example:8443", "https"),
            ("ldap://dc.example/CN=CA?cACertificate", "dc.example:389", "ldap"),
            ("ldaps://dc.example", "dc.example:636", "ldaps"),
        ] {
            assert_eq!(parsed(text), (place.to_owned(), scheme), "{text}");
        }
        assert_eq!(Place::parse("http://a.example/x.crl").unwrap().url().unwrap().as_str(), "http://a.example/x.crl");
        assert!(Place::parse("http://a.example/").unwrap().object.is_none());
        assert_eq!(Place::parse("a.example:25").unwrap().url().unwrap().as_str(), "tcp://a.example:25/");
    }

    #[test]
    fn what_is_no_place_is_named() {
        for (text, reason) in [
            ("", "empty"),
            ("a.example:0", "is not a port"),
            ("a.example:99999", "is not a port"),
            ("a.example:+80", "is not a port"),
            ("a b", "space"),
            ("0X", "a number"),
            ("ftp://a.example/", "http, https, ldap or ldaps"),
            ("http://", "empty host"),
            ("ldap:///CN=CA", "no host"),
            ("file:///etc/passwd", "http, https, ldap or ldaps"),
        ] {
            let error = Place::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        for text in [
            "http://me:s3cret@a.example/",
            "ftp://me:s3cret@a.example/",
            "http://me:s3cret@a b.example/",
            "me:s3cret@a.example:80",
        ] {
            let error = Place::parse(text).unwrap_err().to_string();
            assert!(error.contains("user name or password") && !error.contains("s3cret"), "{error}");
        }
    }
}
