//! HTTP CONNECT and SOCKS5 proxies, and which hosts go through them.

use std::fmt;

/// Where the choice of proxy comes from.
#[derive(Debug, Clone, Default)]
pub enum ProxyChoice {
    /// `https_proxy`, `http_proxy`, `all_proxy`, `no_proxy`, in either case. Targets use the first
    /// and the last, endpoints the one of their scheme.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Direct,
    /// This one.
    Url(ProxyUrl),
}

/// How to speak to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyScheme {
    /// HTTP (absolute-form for http, CONNECT for the rest).
    Http,
    /// SOCKS5, names resolved by the proxy (`socks5h` means the same here).
    Socks5,
}

/// A proxy's address with its credentials. `Debug` and `Display` leave out the password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    /// How to speak to it.
    pub scheme: ProxyScheme,
    /// Host name or address literal.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User and password, percent-decoded.
    pub credentials: Option<(String, String)>,
}

/// Why a proxy URL is not one. Never repeats the credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProxyUrlError(pub String);

impl ProxyUrl {
    /// Parses `http://[user:password@]host[:port]`, `socks5://…`, `socks5h://…` or a bare `host:port` (http).
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        let _ = text;
        todo!()
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            ProxyScheme::Http => "http",
            ProxyScheme::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hosts that are reached directly: curl's `no_proxy` syntax (suffixes, addresses, CIDR blocks, `*`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<String>);

impl NoProxy {
    /// Parses a comma-separated list. Never fails: an entry that is nothing else is a host name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty()).collect())
    }

    /// Whether this host is reached directly.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let _ = (host, &self.0);
        todo!()
    }
}
