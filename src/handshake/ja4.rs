//! JA4, the fingerprint of a ClientHello that FoxIO published: what a client offers, in one line that other tools print
//! too. Order of suites and extensions does not count, so clients that shuffle them keep theirs.

use aws_lc_rs::digest::{SHA256, digest};

use super::client_hello::ClientHello;
use super::extension::Extension;
use super::version::Version;

/// The JA4 of a hello that came over TCP, `t13d1516h2_8daaf6152771_02713d6af862`: the highest version, whether a host name
/// is in it, the numbers of suites and extensions, the first protocol of ALPN; digests of the suites and of the
/// extensions with the signature algorithms. GREASE counts nowhere.
#[must_use]
pub fn ja4(hello: &ClientHello) -> String {
    let suites: Vec<u16> = hello.cipher_suites.iter().filter(|suite| !suite.is_grease()).map(|suite| suite.0).collect();
    let extensions: Vec<u16> = hello
        .extensions
        .as_deref()
        .unwrap_or_default()
        .iter()
        .filter(|extension| !extension.is_grease())
        .map(|extension| extension.kind)
        .collect();
    let schemes: Vec<u16> =
        hello.signature_schemes().iter().filter(|scheme| !scheme.is_grease()).map(|scheme| scheme.0).collect();

    let destination = if extensions.contains(&Extension::SERVER_NAME) { 'd' } else { 'i' };
    let hashed: Vec<u16> =
        extensions.iter().copied().filter(|kind| ![Extension::SERVER_NAME, Extension::ALPN].contains(kind)).collect();
    let mut offered = sorted(&hashed);
    if !schemes.is_empty() {
        offered.push('_');
        offered.push_str(&listed(&schemes));
    }
    format!(
        "t{}{destination}{:02}{:02}{}_{}_{}",
        version(hello),
        suites.len().min(99),
        extensions.len().min(99),
        protocol(hello),
        shortened(&sorted(&suites), suites.is_empty()),
        shortened(&offered, extensions.is_empty()),
    )
}

fn version(hello: &ClientHello) -> &'static str {
    match hello.versions().first() {
        Some(Version::Tls13) => "13",
        Some(Version::Tls12) => "12",
        Some(Version::Tls11) => "11",
        Some(Version::Tls10) => "10",
        Some(Version::Ssl3) => "s3",
        Some(Version::Ssl2) => "s2",
        None => "00",
    }
}

/// First and last character of the first protocol; of its hexadecimal form, where either is neither letter nor digit.
fn protocol(hello: &ClientHello) -> String {
    let protocols = hello.alpn();
    let Some(name) = protocols.first() else { return "00".to_owned() };
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [char::from(*first), char::from(*last)].iter().collect()
    } else {
        let (first, last) = (format!("{first:02x}"), format!("{last:02x}"));
        first.chars().take(1).chain(last.chars().skip(1)).collect()
    }
}

fn sorted(numbers: &[u16]) -> String {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    listed(&numbers)
}

fn listed(numbers: &[u16]) -> String {
    numbers.iter().map(|number| format!("{number:04x}")).collect::<Vec<String>>().join(",")
}

fn shortened(text: &str, is_empty: bool) -> String {
    if is_empty {
        return "0".repeat(12);
    }
    digest(&SHA256, text.as_bytes()).as_ref().iter().take(6).map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use crate::handshake::{CipherSuite, Group, SignatureScheme};

    use super::*;

    fn hello(suites: &[u16], extensions: Vec<Extension>) -> ClientHello {
        let suites = suites.iter().copied().map(CipherSuite).collect();
        ClientHello::new(Version::Tls13, [0; 32], suites, extensions)
    }

    /// The example that the specification works through: its suites, extensions and signature algorithms are those
    /// whose digests it states.
    #[test]
    fn the_published_example_comes_out() {
        let suites = [
            0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
            0x002f, 0x0035, 0x5a5a,
        ];
        let schemes = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601].map(SignatureScheme);
        let extensions = vec![
            Extension::new(0x7a7a, []),
            Extension::new(0x001b, [2, 0, 2]),
            Extension::server_name("www.example.test"),
            Extension::key_share(&[(Group::X25519, vec![9; 32])]),
            Extension::alpn(&["h2", "http/1.1"]),
            Extension::new(0x4469, [0, 3, 2, b'h', b'2']),
            Extension::new(0x0017, []),
            Extension::psk_key_exchange_modes(),
            Extension::signature_algorithms(&schemes),
            Extension::new(0x0005, [1, 0, 0, 0, 0]),
            Extension::new(0x0023, []),
            Extension::new(0x0012, []),
            Extension::supported_versions(&[0x9a9a, 0x0304, 0x0303]),
            Extension::ec_point_formats(),
            Extension::supported_groups(&[Group(0xaaaa), Group::X25519, Group::SECP256R1]),
            Extension::renegotiation_info(),
            Extension::new(0x0015, [0; 9]),
        ];
        assert_eq!(ja4(&hello(&suites, extensions)), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn what_is_missing_is_zeros() {
        let empty = ClientHello::new(Version::Ssl3, [0; 32], Vec::new(), Vec::new());
        assert_eq!(ja4(&empty), "ts3i000000_000000000000_000000000000");
        let unknown = hello(&[0x1301], vec![Extension::supported_versions(&[0x7f1c])]);
        assert!(ja4(&unknown).starts_with("t00i010100_"), "{}", ja4(&unknown));
    }

    #[test]
    fn protocols_that_are_no_text_stand_in_hexadecimal() {
        for (protocol, letters) in
            [(b"h2".as_slice(), "h2"), (b"http/1.1", "h1"), (b"x", "xx"), (&[0xab, 0xcd], "ad"), (b"h-", "6d")]
        {
            let hello = hello(&[0x1301], vec![Extension::alpn(&[protocol])]);
            assert!(ja4(&hello).contains(&format!("{letters}_")), "{protocol:?} {}", ja4(&hello));
        }
    }
}
