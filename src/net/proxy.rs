//! HTTP CONNECT and SOCKS5 proxies, and which hosts go through them.

use std::fmt;
use std::net::IpAddr;

use super::NetError;

/// Where the choice of proxy comes from.
#[derive(Debug, Clone, Default)]
pub enum ProxyChoice {
    /// `https_proxy`, `http_proxy`, `all_proxy`, `no_proxy`, in either case. Targets use the first
    /// and the last two, endpoints the one of their scheme. See [`ProxyEnvironment`].
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

/// A proxy's address with its credentials. `Debug` and `Display` leave out the credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    /// How to speak to it.
    pub scheme: ProxyScheme,
    /// Host name or address literal, without brackets.
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

/// The port of a proxy whose URL names none: curl's, for every scheme.
const DEFAULT_PORT: u16 = 1080;

impl ProxyUrl {
    /// Parses `http://[user:password@]host[:port]`, `socks5://…`, `socks5h://…` or a bare `host:port` (http).
    /// Without a port it is 1080, whatever the scheme, as curl has it.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            None => (ProxyScheme::Http, text),
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "http" => (ProxyScheme::Http, rest),
                "socks5" | "socks5h" => (ProxyScheme::Socks5, rest),
                other => {
                    return Err(ProxyUrlError(format!(
                        "a proxy URL starts with http://, socks5:// or socks5h://, not {other}://"
                    )));
                }
            },
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (credentials, location) = match authority.rsplit_once('@') {
            Some((userinfo, location)) => (Some(parse_credentials(userinfo)?), location),
            None => (None, authority),
        };
        let (host, port) = split_port(location)?;
        let host = match url::Host::parse(host) {
            Ok(url::Host::Domain(name)) => name,
            Ok(url::Host::Ipv4(address)) => address.to_string(),
            Ok(url::Host::Ipv6(address)) => address.to_string(),
            Err(error) => {
                return Err(ProxyUrlError(format!("the proxy's host is no host name ({error}): give host:port")));
            }
        };
        Ok(Self { scheme, host, port, credentials })
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`; the brackets are kept.
fn split_port(location: &str) -> Result<(&str, u16), ProxyUrlError> {
    let after_brackets = location.rfind(']').map_or(0, |end| end + 1);
    let colon = location.get(after_brackets..).and_then(|rest| rest.find(':')).map(|at| at + after_brackets);
    let Some((host, port)) = colon.and_then(|at| Some((location.get(..at)?, location.get(at + 1..)?))) else {
        return Ok((location, DEFAULT_PORT));
    };
    if port.is_empty() {
        return Ok((host, DEFAULT_PORT));
    }
    match port.parse() {
        Ok(port) if port != 0 => Ok((host, port)),
        _ => Err(ProxyUrlError(
            "the proxy's port is no number from 1 to 65535 (an IPv6 address needs brackets)".to_owned(),
        )),
    }
}

fn parse_credentials(userinfo: &str) -> Result<(String, String), ProxyUrlError> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    match (percent_decode(user), percent_decode(password)) {
        (Some(user), Some(password)) => Ok((user, password)),
        _ => Err(ProxyUrlError("the proxy's user or password is no percent-encoded UTF-8".to_owned())),
    }
}

/// Decodes `%XX`; a `%` that starts none stands for itself. `None` if no UTF-8 comes out.
fn percent_decode(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let decoded = match (first, tail) {
            (b'%', [high, low, after @ ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, after)),
            _ => None,
        };
        let (octet, after) = decoded.unwrap_or((*first, tail));
        octets.push(octet);
        rest = after;
    }
    String::from_utf8(octets).ok()
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            ProxyScheme::Http => "http",
            ProxyScheme::Socks5 => "socks5",
        };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
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
    /// Parses a list separated by commas or spaces. Never fails: an entry that is nothing else is a
    /// host name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let entries = text.split([',', ' ', '\t']).map(|entry| entry.trim().to_ascii_lowercase());
        Self(entries.filter(|entry| !entry.is_empty()).collect())
    }

    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this host is reached directly. `example.com` and `.example.com` cover that name and
    /// every name below it; an address or block covers address literals; `*` covers everything.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        self.0.iter().any(|entry| {
            if entry == "*" {
                return true;
            }
            match address {
                Some(address) => covers_address(entry, address),
                None => covers_name(entry, &host),
            }
        })
    }
}

fn covers_name(entry: &str, host: &str) -> bool {
    let suffix = entry.trim_start_matches('.').trim_end_matches('.');
    if suffix.is_empty() {
        return false;
    }
    match host.strip_suffix(suffix) {
        Some(before) => before.is_empty() || before.ends_with('.'),
        None => false,
    }
}

fn covers_address(entry: &str, address: IpAddr) -> bool {
    let (network, length) = match entry.split_once('/') {
        Some((network, length)) => match length.parse::<u32>() {
            Ok(length) => (network, Some(length)),
            Err(_) => return false,
        },
        None => (entry, None),
    };
    let network = network.trim_start_matches('[').trim_end_matches(']');
    let same = |address: u128, network: u128, width: u32| {
        let length = length.unwrap_or(width);
        // A block of length 0 is everything; shifting by the full width would overflow.
        length <= width && (length == 0 || (address ^ network) >> (width - length) == 0)
    };
    match (address, network.parse()) {
        (IpAddr::V4(address), Ok(IpAddr::V4(network))) => {
            same(u32::from(address).into(), u32::from(network).into(), 32)
        }
        (IpAddr::V6(address), Ok(IpAddr::V6(network))) => same(address.into(), network.into(), 128),
        _ => false,
    }
}

/// What the environment says of proxies, by curl's rules: `http_proxy` counts in lower case only
/// (in upper case a web server may have set it from a request header), the others in either, lower
/// case first.
#[derive(Debug, Clone, Default)]
pub struct ProxyEnvironment {
    http: Option<ProxyUrl>,
    https: Option<ProxyUrl>,
    all: Option<ProxyUrl>,
    no_proxy: NoProxy,
}

impl ProxyEnvironment {
    /// Reads this process's variables.
    ///
    /// # Errors
    /// [`NetError::Proxy`]: one of them is no proxy URL.
    pub fn from_process() -> Result<Self, NetError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// Reads variables from wherever.
    ///
    /// # Errors
    /// [`NetError::Proxy`]: one of them is no proxy URL.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, NetError> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| Some((*name, variable(name).filter(|value| !value.trim().is_empty())?)))
        };
        let proxy = |names: &[&'static str]| match first(names) {
            Some((name, value)) => match ProxyUrl::parse(&value) {
                Ok(proxy) => Ok(Some(proxy)),
                Err(error) => Err(NetError::Proxy { variable: name, error }),
            },
            None => Ok(None),
        };
        Ok(Self {
            http: proxy(&["http_proxy"])?,
            https: proxy(&["https_proxy", "HTTPS_PROXY"])?,
            all: proxy(&["all_proxy", "ALL_PROXY"])?,
            no_proxy: first(&["no_proxy", "NO_PROXY"]).map(|(_, value)| NoProxy::parse(&value)).unwrap_or_default(),
        })
    }

    /// The proxy of a URL's scheme, `https` standing for everything but http.
    pub(super) fn of_scheme(&self, scheme: &str) -> Option<&ProxyUrl> {
        let own = if scheme == "http" { &self.http } else { &self.https };
        own.as_ref().or(self.all.as_ref())
    }

    /// `no_proxy`
    pub(super) fn no_proxy(&self) -> &NoProxy {
        &self.no_proxy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_urls_parse() {
        let proxy = ProxyUrl::parse("http://us%40er:p%3Ass%25@proxy.example:3128/").unwrap();
        assert_eq!((proxy.scheme, proxy.host.as_str(), proxy.port), (ProxyScheme::Http, "proxy.example", 3128));
        assert_eq!(proxy.credentials, Some(("us@er".to_owned(), "p:ss%".to_owned())));

        let bare = ProxyUrl::parse("Proxy.Example:80").unwrap();
        assert_eq!((bare.scheme, bare.host.as_str(), bare.port), (ProxyScheme::Http, "proxy.example", 80));
        assert_eq!(ProxyUrl::parse("http://proxy").unwrap().port, 1080);
        assert_eq!(ProxyUrl::parse("http://proxy:80").unwrap().port, 80);

        let socks = ProxyUrl::parse("socks5h://[2001:db8::1]:9050").unwrap();
        assert_eq!((socks.scheme, socks.host.as_str(), socks.port), (ProxyScheme::Socks5, "2001:db8::1", 9050));
        assert_eq!(socks.to_string(), "socks5://[2001:db8::1]:9050");
        assert_eq!(ProxyUrl::parse("[::1]").unwrap().port, 1080);
    }

    #[test]
    fn what_is_no_proxy_url_is_refused_without_its_password() {
        for text in [
            "https://proxy:443",
            "socks4://proxy",
            "http://",
            "proxy:0",
            "proxy:99999",
            "::1:80",
            "http://u:secret@:80",
        ] {
            let error = ProxyUrl::parse(text).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(ProxyUrl::parse("http://u:%ff@proxy").unwrap_err().to_string().contains("UTF-8"));
    }

    #[test]
    fn credentials_are_never_shown() {
        let proxy = ProxyUrl::parse("http://user:secret@proxy:8080").unwrap();
        assert_eq!(format!("{proxy} {proxy:?}"), "http://proxy:8080 http://proxy:8080");
    }

    #[test]
    fn no_proxy_covers_what_curl_covers() {
        let list = NoProxy::parse("example.com, .corp.test 192.0.2.7,10.0.0.0/8,[2001:db8::]/32,::1");
        for host in [
            "example.com",
            "EXAMPLE.com.",
            "www.example.com",
            "corp.test",
            "a.corp.test",
            "192.0.2.7",
            "10.200.3.4",
            "2001:db8:1::9",
            "[::1]",
        ] {
            assert!(list.covers(host), "{host}");
        }
        for host in ["notexample.com", "example.com.evil.test", "192.0.2.8", "11.0.0.1", "2001:db9::1", "com", ""] {
            assert!(!list.covers(host), "{host}");
        }
        assert!(NoProxy::parse("*").covers("anything.test") && NoProxy::parse("*").covers("::1"));
        assert!(NoProxy::parse("0.0.0.0/0").covers("203.0.113.1"));
        assert!(!NoProxy::parse("10.0.0.0/33,10.0.0.0/x,.").covers("10.0.0.1"));
        assert!(!NoProxy::default().covers("example.com"));
    }

    fn environment(variables: &[(&str, &str)]) -> Result<ProxyEnvironment, NetError> {
        ProxyEnvironment::from_variables(|name| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_read_as_curl_reads_it() {
        let read = environment(&[
            ("HTTP_PROXY", "evil:1"),
            ("HTTPS_PROXY", "upper:2"),
            ("https_proxy", "lower:3"),
            ("ALL_PROXY", "socks5://all:4"),
            ("NO_PROXY", "localhost"),
        ])
        .unwrap();
        assert_eq!(read.of_scheme("http").unwrap().host, "all");
        assert_eq!(read.of_scheme("https").unwrap().host, "lower");
        assert!(read.no_proxy().covers("localhost"));

        let error = environment(&[("https_proxy", "ftp://u:secret@proxy")]).unwrap_err().to_string();
        assert!(error.contains("https_proxy") && !error.contains("secret"), "{error}");
        assert!(environment(&[("https_proxy", "")]).unwrap().of_scheme("https").is_none());
    }
}
