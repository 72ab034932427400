//! Whether a certificate covers a name (RFC 9525 §6; RFC 5891 for internationalised names).

use std::net::IpAddr;

use crate::x509::{Certificate, GeneralName};

/// How the name check came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameCheck {
    /// No name to check.
    NotAsked,
    /// Covered.
    Covered,
    /// Not covered; what is.
    Mismatch {
        /// The name asked for.
        name: String,
        /// DNS names and addresses in the certificate.
        covered: Vec<String>,
        /// The entry that comes near, and why it does not count.
        near: Option<(String, &'static str)>,
    },
    /// There is no subjectAltName at all.
    NoSubjectAltName {
        /// The name asked for.
        name: String,
        /// The common name, which does not count.
        common_name: Option<String>,
    },
}

/// Checks a host name or address literal against subjectAltName; the common name never counts.
#[must_use]
pub fn check(certificate: &Certificate, name: Option<&str>) -> NameCheck {
    let Some(name) = name else { return NameCheck::NotAsked };
    let Some(presented) = &certificate.subject_alt_names else {
        return NameCheck::NoSubjectAltName { name: name.to_owned(), common_name: certificate.subject.common_name() };
    };
    if Reference::parse(name).is_some_and(|reference| presented.iter().any(|entry| reference.is_covered_by(entry))) {
        return NameCheck::Covered;
    }
    let covered = presented
        .iter()
        .filter_map(|entry| match entry {
            GeneralName::Dns(name) => Some(name.clone()),
            GeneralName::Ip(address) => Some(address.to_string()),
            _ => None,
        })
        .collect();
    let near = Reference::parse(name).and_then(|reference| reference.nearest(presented));
    NameCheck::Mismatch { name: name.to_owned(), covered, near }
}

/// The name a client asks for: RFC 9525's reference identifier.
enum Reference {
    /// Labels in ASCII, lower case.
    Dns(Vec<String>),
    Ip(IpAddr),
}

impl Reference {
    /// `None` for text that is neither an address nor a host name, which nothing covers.
    fn parse(name: &str) -> Option<Self> {
        if let Some(address) = address(name) {
            return Some(Self::Ip(address));
        }
        // ASCII is compared as it stands, A-labels that IDNA would not take included, as clients do.
        let ascii = if name.is_ascii() { name.to_owned() } else { idna::domain_to_ascii(name).ok()? };
        // The final dot of an absolute name is no part of what certificates hold.
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        // An address in a spelling that the resolver may or may not take is no host name either.
        (address(ascii).is_none() && is_host_name(ascii))
            .then(|| Self::Dns(ascii.split('.').map(str::to_ascii_lowercase).collect()))
    }

    fn is_covered_by(&self, presented: &GeneralName) -> bool {
        match (self, presented) {
            // Octet for octet: an IPv4-mapped address is not the IPv4 address (RFC 9525 §6.4).
            (Self::Ip(wanted), GeneralName::Ip(address)) => wanted == address,
            (Self::Dns(labels), GeneralName::Dns(pattern)) => {
                matches_pattern(labels, pattern) && !pattern.strip_prefix("*.").is_some_and(is_public_suffix)
            }
            _ => false,
        }
    }

    /// The entry that would cover it if entries were read more freely, and why it does not.
    fn nearest(&self, presented: &[GeneralName]) -> Option<(String, &'static str)> {
        presented.iter().find_map(|entry| {
            let GeneralName::Dns(pattern) = entry else { return None };
            let reason = match self {
                Self::Ip(wanted) if address(pattern) == Some(*wanted) => "an address counts as iPAddress only",
                Self::Ip(_) => return None,
                Self::Dns(labels) if matches_pattern(labels, pattern) => {
                    "the domain below its wildcard is a public suffix"
                }
                Self::Dns(labels) => {
                    let host = labels.join(".");
                    let (before, after) =
                        pattern.to_ascii_lowercase().split_once('*').map(|(a, b)| (a.to_owned(), b.to_owned()))?;
                    if !(host.starts_with(&before) && host.ends_with(&after) && host.len() > before.len() + after.len())
                    {
                        return None;
                    }
                    if before.is_empty()
                        && after.starts_with('.')
                        && after.get(1..).is_some_and(|rest| rest.contains('.'))
                    {
                        "a wildcard stands for one label only"
                    } else if before.is_empty() && after.starts_with('.') {
                        "a wildcard needs two labels after it at least"
                    } else {
                        "a wildcard counts only as the whole of the first label"
                    }
                }
            };
            Some((pattern.clone(), reason))
        })
    }
}

/// Whether names below it are handed out to the public by a registry (BR §3.2.2.6: the list's ICANN section only, since
/// private ones, such as a hosting company's, are under one owner's control).
fn is_public_suffix(parent: &str) -> bool {
    let lower = parent.to_ascii_lowercase();
    psl::suffix(lower.as_bytes())
        .is_some_and(|suffix| suffix.as_bytes() == lower.as_bytes() && suffix.typ() == Some(psl::Type::Icann))
}

/// Whether a domain lies below a public suffix of the list's ICANN section.
pub(super) fn is_below_public_suffix(domain: &str) -> bool {
    psl::suffix(domain.as_bytes())
        .is_some_and(|suffix| suffix.typ() == Some(psl::Type::Icann) && suffix.as_bytes().len() < domain.len())
}

/// An address literal, in brackets or with a zone too.
fn address(name: &str) -> Option<IpAddr> {
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    let bare = match bare.split_once('%') {
        // A zone tells interfaces of this machine apart; no certificate holds one.
        Some((address, _)) if address.contains(':') => address,
        _ => bare,
    };
    bare.parse().ok()
}

/// RFC 9525 §6.3: the wildcard is the complete left-most label and stands for exactly one label.
fn matches_pattern(labels: &[String], pattern: &str) -> bool {
    let same = |labels: &[String], name: &str| {
        is_host_name(name)
            && labels.len() == name.split('.').count()
            && labels.iter().zip(name.split('.')).all(|(label, other)| label.eq_ignore_ascii_case(other))
    };
    match pattern.strip_prefix("*.") {
        // A single label is a public suffix whether or not it is listed.
        Some(parent) => {
            parent.contains('.') && labels.split_first().is_some_and(|(_, remaining)| same(remaining, parent))
        }
        None => same(labels, pattern),
    }
}

/// Letters, digits, hyphens, and the underscore that real host names contain against RFC 952;
/// labels of 1 to 63 octets, 253 in all (RFC 1034 §3.1).
pub(super) fn is_host_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(names: Option<Vec<GeneralName>>) -> Certificate {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "a.test");
        let key = rcgen::KeyPair::generate().unwrap();
        let der = parameters.self_signed(&key).unwrap().der().to_vec();
        let mut certificate = Certificate::from_der(der).unwrap();
        certificate.subject_alt_names = names;
        certificate
    }

    fn covers(presented: &str, wanted: &str) -> bool {
        let entry = presented.strip_prefix("IP:").map_or_else(
            || GeneralName::Dns(presented.to_owned()),
            |address| GeneralName::Ip(address.parse().unwrap()),
        );
        check(&certificate(Some(vec![entry])), Some(wanted)) == NameCheck::Covered
    }

    #[test]
    fn names_that_are_covered() {
        for (presented, wanted) in [
            ("a.test", "a.test"),
            ("a.test", "A.TEST"),
            ("A.Test", "a.test"),
            ("a.test", "a.test."),
            ("localhost", "localhost"),
            ("*.example.com", "www.example.com"),
            ("*.EXAMPLE.com", "www.example.COM."),
            ("*.example.com", "xn--bcher-kva.example.com"),
            ("*.example.com", "bücher.example.com"),
            ("*.a.example.com", "b.a.example.com"),
            ("xn--bcher-kva.example", "bücher.example"),
            ("xn--bcher-kva.example", "BÜCHER.example"),
            ("xn--a.example", "xn--a.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("xn--strae-oqa.example", "straße.example"),
            ("a_b.example.com", "a_b.example.com"),
            ("_mail.example.com", "_mail.example.com"),
            ("*.example.com", "a_b.example.com"),
            ("*.0.0.1.example", "127.0.0.1.example"),
            ("*.s3.amazonaws.com", "bucket.s3.amazonaws.com"),
            ("*.example.co.uk", "www.example.co.uk"),
            ("1.example", "1.example"),
            ("IP:192.0.2.1", "192.0.2.1"),
            ("IP:2001:db8::1", "2001:db8::1"),
            ("IP:2001:db8::1", "2001:0DB8:0::1"),
            ("IP:2001:db8::1", "[2001:db8::1]"),
            ("IP:fe80::1", "fe80::1%eth0"),
        ] {
            assert!(covers(presented, wanted), "{presented} covers {wanted}");
        }
    }

    #[test]
    fn names_that_are_not_covered() {
        for (presented, wanted) in [
            ("a.test", "b.test"),
            ("a.test", "a.test.b"),
            ("a.test", "x.a.test"),
            ("a.test", ""),
            ("a.test", "."),
            ("", ""),
            ("a.test.", "a.test"),
            ("a..test", "a..test"),
            ("*.example.com", "example.com"),
            ("*.example.com", "a.b.example.com"),
            ("*.example.com", ".example.com"),
            ("*.example.com", "*.example.com"),
            ("*.example.com.", "a.example.com"),
            ("*", "localhost"),
            ("*.com", "example.com"),
            ("*.co.uk", "example.co.uk"),
            ("*.CO.UK", "example.co.uk"),
            ("*.", "a."),
            ("w*.example.com", "www.example.com"),
            ("*w.example.com", "www.example.com"),
            ("xn--*.example.com", "xn--bcher-kva.example.com"),
            ("www.*.com", "www.example.com"),
            ("*.*.com", "www.example.com"),
            ("**.example.com", "www.example.com"),
            ("a.test\0", "a.test"),
            ("a.test\0.evil.test", "a.test"),
            ("a.test\n", "a.test"),
            ("a test", "a test"),
            ("a\0b.test", "a\0b.test"),
            ("192.0.2.1", "192.0.2.1"),
            ("*.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("IP:192.0.2.1", "192.0.2.2"),
            ("IP:192.0.2.1", "::ffff:192.0.2.1"),
            ("IP:::ffff:192.0.2.1", "192.0.2.1"),
            ("IP:192.0.2.1", "192.0.2.1.example"),
        ] {
            assert!(!covers(presented, wanted), "{presented:?} does not cover {wanted:?}");
        }
        let long = format!("{}.test", "a".repeat(64));
        assert!(!covers(&long, &long));
    }

    #[test]
    fn what_is_covered_is_named() {
        let names = vec![
            GeneralName::Dns("a.test".into()),
            GeneralName::Email("a@a.test".into()),
            GeneralName::Ip([192, 0, 2, 1].into()),
        ];
        assert_eq!(
            check(&certificate(Some(names)), Some("b.test")),
            NameCheck::Mismatch {
                name: "b.test".into(),
                covered: vec!["a.test".into(), "192.0.2.1".into()],
                near: None
            }
        );
        assert_eq!(
            check(&certificate(Some(Vec::new())), Some("a.test")),
            NameCheck::Mismatch { name: "a.test".into(), covered: Vec::new(), near: None }
        );
    }

    #[test]
    fn what_comes_near_is_named_with_the_reason() {
        for (presented, wanted, part) in [
            ("*.co.uk", "example.co.uk", "public suffix"),
            ("*.com", "example.com", "two labels"),
            ("*.example.com", "a.b.example.com", "one label only"),
            ("ba*.example.com", "baz.example.com", "whole of the first label"),
            ("foo.*.com", "foo.example.com", "whole of the first label"),
            ("*", "localhost", "whole of the first label"),
            ("8.8.8.8", "8.8.8.8", "iPAddress"),
        ] {
            let checked = check(&certificate(Some(vec![GeneralName::Dns(presented.to_owned())])), Some(wanted));
            let NameCheck::Mismatch { near: Some((entry, reason)), .. } = checked else { panic!("{presented}") };
            assert!(entry == presented && reason.contains(part), "{presented}: {reason}");
        }
    }

    #[test]
    fn the_common_name_does_not_count() {
        assert_eq!(
            check(&certificate(None), Some("a.test")),
            NameCheck::NoSubjectAltName { name: "a.test".into(), common_name: Some("a.test".into()) }
        );
        assert_eq!(check(&certificate(None), None), NameCheck::NotAsked);
    }
}
