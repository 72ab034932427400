//! Values of options, from their text alone.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::finding::SeverityRule;
use crate::path::store::RootsChoice;

/// The longest time that may be given.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A positive number of seconds, fractions allowed, at most a day.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds, such as 5 or 0.5".to_owned())?;
    let longest = "must be at most a day (86400)";
    let duration = Duration::try_from_secs_f64(number)
        .map_err(|_| if number > 0.0 { longest } else { "must be more than 0" }.to_owned())?;
    if duration.is_zero() {
        return Err("must be more than 0".to_owned());
    }
    if duration > LONGEST {
        return Err(longest.to_owned());
    }
    Ok(duration)
}

/// The same, up to a year: how long something may go on.
pub(super) fn long_seconds(text: &str) -> Result<Duration, String> {
    const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    let number: f64 = text.parse().map_err(|_| "not a number of seconds, such as 86400 for a day".to_owned())?;
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if duration.is_zero() => Err("must be more than 0".to_owned()),
        Ok(duration) if duration <= YEAR => Ok(duration),
        Err(_) if number <= 0.0 => Err("must be more than 0".to_owned()),
        _ => Err("must be at most a year (31622400)".to_owned()),
    }
}

/// A number of things, at least one.
pub(super) fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "not a number, such as 10000".to_owned())
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAt {
    /// At this port of every address.
    Everywhere(u16),
    /// At the addresses of this host, or this one address, without brackets.
    Host(String, u16),
}

/// `PORT`, `:PORT`, `HOST:PORT`, `[IPv6]:PORT`; port 0 is taken.
pub(super) fn listen_at(text: &str) -> Result<ListenAt, String> {
    let refused = || "give PORT, :PORT, HOST:PORT or [IPv6]:PORT, such as 8443 or 127.0.0.1:8443".to_owned();
    let (host, port_text) = text.rsplit_once(':').unwrap_or(("", text));
    let digits = !port_text.is_empty() && port_text.bytes().all(|octet| octet.is_ascii_digit());
    let port: u16 = port_text.parse().ok().filter(|_| digits).ok_or_else(refused)?;
    match address(host) {
        _ if host.is_empty() => Ok(ListenAt::Everywhere(port)),
        Some(IpAddr::V6(_)) if !host.starts_with('[') => Err(refused()),
        Some(address) => Ok(ListenAt::Host(address.to_string(), port)),
        None if is_name(host) => Ok(ListenAt::Host(ascii_name(host).ok_or_else(refused)?, port)),
        None => Err(refused()),
    }
}

/// `HOST:PORT`
pub(super) fn forward(text: &str) -> Result<(String, u16), String> {
    match connect(text) {
        Ok((host, Some(port))) => Ok((host, port)),
        _ => Err("give HOST:PORT of the service; IPv6 as [::1]:443".to_owned()),
    }
}

/// A whole number of days.
pub(super) fn days(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "not a whole number of days, such as 14".to_owned())
}

/// Octets, with `K`, `M`, `G` for powers of 1024.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let refused = || "not a size, such as 500000, 100K, 64M or 1G".to_owned();
    let (digits, factor) = match text.char_indices().last() {
        Some((index, 'k' | 'K')) => (text.get(..index), 1 << 10),
        Some((index, 'm' | 'M')) => (text.get(..index), 1 << 20),
        Some((index, 'g' | 'G')) => (text.get(..index), 1 << 30),
        _ => (Some(text), 1u64),
    };
    let digits = digits.filter(|digits| !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit()));
    let number: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(refused)?;
    let size = number.checked_mul(factor).ok_or_else(|| "larger than any memory".to_owned())?;
    if size == 0 { Err("must be more than 0".to_owned()) } else { Ok(size) }
}

/// A policy: a dotted object identifier.
pub(super) fn policy(text: &str) -> Result<String, String> {
    let arcs: Vec<&str> = text.split('.').collect();
    let is_number = |arc: &&str| {
        (1..=39).contains(&arc.len())
            && arc.bytes().all(|digit| digit.is_ascii_digit())
            && (*arc == "0" || !arc.starts_with('0'))
    };
    let roots_fit = match arcs.as_slice() {
        ["0" | "1", second, ..] => second.parse::<u8>().is_ok_and(|second| second < 40),
        ["2", _, ..] => true,
        _ => false,
    };
    if roots_fit && arcs.len() <= 64 && arcs.iter().all(is_number) {
        Ok(text.to_owned())
    } else {
        Err("give the policy as a dotted object identifier, such as 2.23.140.1.2.1".to_owned())
    }
}

/// A firewall's chain: words of letters, digits, `_` and `-`, as it stands in rules.
pub(super) fn chain(text: &str) -> Result<String, String> {
    let word = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let fits = (1..=3).contains(&text.split(' ').count()) && text.len() <= 100 && !text.starts_with('-');
    if fits && text.split(' ').all(|part| !part.is_empty() && word(part)) {
        Ok(text.to_owned())
    } else {
        Err("give the chain as the rules name it, such as \"inet filter output\" or OUTPUT".to_owned())
    }
}

/// An address literal, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0 && text.bytes().all(|octet| octet.is_ascii_digit()))
}

/// `IP[:PORT]`, port 53 unless given.
pub(super) fn dns_server(text: &str) -> Result<SocketAddr, String> {
    if let Some(address) = address(text) {
        return Ok(SocketAddr::new(address, 53));
    }
    text.parse()
        .ok()
        .filter(|server: &SocketAddr| server.port() != 0)
        .ok_or_else(|| "not the address of a resolver: give an IP address, with :PORT where it is not 53".to_owned())
}

/// `ADDR[:PORT]`; a host name is taken as well as an address.
pub(super) fn connect(text: &str) -> Result<(String, Option<u16>), String> {
    let refused = || "give an address or host, with :PORT where it differs; IPv6 with a port as [::1]:443".to_owned();
    if let Some(address) = address(text) {
        return Ok((address.to_string(), None));
    }
    let (host, port_text) = match text.rsplit_once(':') {
        Some((host, port_text)) => (host, Some(port_text)),
        None => (text, None),
    };
    let port = match port_text {
        Some(text) => Some(port(text).ok_or_else(refused)?),
        None => None,
    };
    let host = match address(host) {
        Some(IpAddr::V6(_)) if !host.starts_with('[') => return Err(refused()),
        Some(address) => address.to_string(),
        None if is_name(host) => host.to_ascii_lowercase(),
        None => return Err(refused()),
    };
    Ok((host, port))
}

/// `HOST:ADDR`; IPv6 addresses with or without brackets.
pub(super) fn pin(text: &str) -> Result<(String, IpAddr), String> {
    let refused = || "give HOST:ADDR, such as www.example.org:192.0.2.1".to_owned();
    let (host, rest) = text.split_once(':').ok_or_else(refused)?;
    if let Some(address) = address(rest) {
        return match is_name(host) {
            true => Ok((ascii_name(host).ok_or_else(refused)?, address)),
            false => Err(refused()),
        };
    }
    // curl's form, HOST:PORT:ADDR.
    match rest.split_once(':') {
        Some((middle, rest)) if port(middle).is_some() && address(rest).is_some() => {
            Err(format!("a name is pinned for every port: give {host}:{rest}"))
        }
        _ => Err(refused()),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "/:[]@?#".contains(c))
}

/// A-labels, lower case, without the final dot.
fn ascii_name(text: &str) -> Option<String> {
    let name = idna::domain_to_ascii(text).ok()?;
    let name = name.strip_suffix('.').unwrap_or(&name);
    (!name.is_empty()).then(|| name.to_owned())
}

/// `native`, `mozilla`, or a path.
pub(super) fn roots(text: &str) -> Result<RootsChoice, String> {
    match text {
        "" => Err("give native, mozilla, a file or a folder".to_owned()),
        "native" => Ok(RootsChoice::Native),
        "mozilla" => Ok(RootsChoice::Mozilla),
        path => Ok(RootsChoice::Path(PathBuf::from(path))),
    }
}

/// `CODE=LEVEL`
pub(super) fn severity(text: &str) -> Result<SeverityRule, String> {
    SeverityRule::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_dotted_object_identifiers() {
        for text in ["2.23.140.1.2.1", "1.3", "2.999.1", "2.5.29.32.0", "2.25.340282366920938463463374607431768211455"]
        {
            assert_eq!(policy(text).as_deref(), Ok(text));
        }
        for text in ["", "1", "1.40", "3.1", "1..2", "1.02", "1.2.", "1.2.x", "anyPolicy", "1.-2"] {
            assert!(policy(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_may_be_fractions_but_not_nothing() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("5"), Ok(Duration::from_secs(5)));
        for refused in ["0", "-1", "inf", "NaN", "1e300", "5s", "", "86401"] {
            assert!(seconds(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn sizes_take_powers_of_1024() {
        assert_eq!(
            (size("123"), size("2k"), size("256M"), size("1G")),
            (Ok(123), Ok(2048), Ok(256 << 20), Ok(1 << 30))
        );
        for refused in ["", "K", "0", "0M", "1.5M", "-1", "+1", "1MB", "99999999999G", "1 M", "é"] {
            assert!(size(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn resolvers_are_addresses_with_port_53_unless_given() {
        assert_eq!(dns_server("192.0.2.53").unwrap().to_string(), "192.0.2.53:53");
        assert_eq!(dns_server("192.0.2.53:5353").unwrap().to_string(), "192.0.2.53:5353");
        assert_eq!(dns_server("::1").unwrap().to_string(), "[::1]:53");
        assert_eq!(dns_server("[::1]").unwrap().to_string(), "[::1]:53");
        assert_eq!(dns_server("[::1]:5353").unwrap().to_string(), "[::1]:5353");
        assert!(dns_server("dns.example.org").is_err() && dns_server("192.0.2.53:0").is_err());
    }

    #[test]
    fn connect_takes_addresses_and_names_with_or_without_a_port() {
        assert_eq!(connect("192.0.2.1:8443"), Ok(("192.0.2.1".into(), Some(8443))));
        assert_eq!(connect("[2001:db8::1]:8443"), Ok(("2001:db8::1".into(), Some(8443))));
        assert_eq!(connect("2001:db8::1"), Ok(("2001:db8::1".into(), None)));
        assert_eq!(connect("Edge.example.org"), Ok(("edge.example.org".into(), None)));
        for refused in ["", ":443", "host:", "host:0", "host:https", "a b", "[::1]443", "https://host"] {
            assert!(connect(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn places_to_listen_at_are_ports_with_or_without_a_host() {
        assert_eq!(listen_at("8443"), Ok(ListenAt::Everywhere(8443)));
        assert_eq!(listen_at(":0"), Ok(ListenAt::Everywhere(0)));
        assert_eq!(listen_at("127.0.0.1:8443"), Ok(ListenAt::Host("127.0.0.1".into(), 8443)));
        assert_eq!(listen_at("[::1]:0"), Ok(ListenAt::Host("::1".into(), 0)));
        assert_eq!(listen_at("Localhost:25"), Ok(ListenAt::Host("localhost".into(), 25)));
        for refused in
            ["", ":", "host", "127.0.0.1", "::1:25", "::1", "a:65536", "a:+1", "a b:1", "https://a:1", "[::1]"]
        {
            assert!(listen_at(refused).is_err(), "{refused}");
        }
        assert_eq!(forward("[2001:db8::1]:443"), Ok(("2001:db8::1".into(), 443)));
        assert_eq!(forward("mx.example.test:25"), Ok(("mx.example.test".into(), 25)));
        for refused in ["mx.example.test", "192.0.2.1", ":25", "a:0"] {
            assert!(forward(refused).is_err(), "{refused}");
        }
        assert!(count("0").is_err() && count("x").is_err() && count("3") == Ok(3));
        assert!(long_seconds("86401").is_ok() && long_seconds("-1").is_err() && long_seconds("1e9").is_err());
    }

    #[test]
    fn pins_take_both_families() {
        assert_eq!(pin("WWW.Example.org:192.0.2.1"), Ok(("www.example.org".into(), "192.0.2.1".parse().unwrap())));
        assert_eq!(pin("a.test:[::1]"), Ok(("a.test".into(), "::1".parse().unwrap())));
        assert_eq!(pin("a.test:::1"), Ok(("a.test".into(), "::1".parse().unwrap())));
        assert_eq!(pin("bücher.test:192.0.2.1").unwrap().0, "xn--bcher-kva.test");
        assert_eq!(pin("a.test:443:192.0.2.1").unwrap_err(), "a name is pinned for every port: give a.test:192.0.2.1");
        for refused in ["a.test", "a.test:", ":192.0.2.1", "a.test:b.test", "192.0.2.1"] {
            assert!(pin(refused).is_err(), "{refused}");
        }
    }
}
