//! Which URLs there are to ask, each with the certificates that name it.
//!
//! Input: the [`Subject`]s. Output: one [`Planned`] for each endpoint object of the report, in the order of
//! the path and of each certificate's extensions, with the address to contact or the reason why not.

use url::Url;

use super::{EndpointKind, Skipped, Subject};
use crate::net::ldap;
use crate::x509::extensions::oid;
use crate::x509::{DistributionPoint, DistributionPointName, GeneralName};

/// URLs contacted for one target. A path of four certificates names about a dozen; the bound is there for
/// certificates made to send the tool around.
pub const MAX_URLS: usize = 64;

/// Endpoints listed for one target, contacted or not; past it nothing more is learnt from a list.
const MAX_LISTED: usize = 4 * MAX_URLS;

/// The longest URL that is looked at, in octets.
const MAX_URL_LENGTH: usize = 8192;

/// One endpoint to be examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The URL as the certificate has it.
    pub url: String,
    /// Its kind.
    pub kind: EndpointKind,
    /// Index of every subject that names it; for OCSP the one asked about.
    pub subjects: Vec<usize>,
    /// Where to go, or why not to.
    pub address: Result<Url, Skipped>,
}

/// Every endpoint that the subjects name. A URL of one kind that several name is one endpoint, but for OCSP,
/// where each certificate is a question of its own.
#[must_use]
pub fn plan(subjects: &[Subject], offline: bool) -> Vec<Planned> {
    let mut planned: Vec<Planned> = Vec::new();
    for (index, subject) in subjects.iter().enumerate() {
        for (kind, url) in named(subject) {
            let full = planned.len() >= MAX_LISTED;
            let known = planned.iter_mut().find(|known| {
                known.kind == kind && known.url == url && (kind != EndpointKind::Ocsp || known.subjects == [index])
            });
            match known {
                Some(known) if known.subjects.contains(&index) => {}
                Some(known) => known.subjects.push(index),
                None if full => {}
                None => {
                    let address = match address(&url) {
                        _ if offline => Err(Skipped::Offline),
                        Ok(url) if kind == EndpointKind::Ocsp && ldap::is_ldap(&url) => unsupported(&url),
                        Ok(_) if kind == EndpointKind::Ocsp && subject.issuer.is_none() => Err(Skipped::NoIssuer),
                        address => address,
                    };
                    planned.push(Planned { url, kind, subjects: vec![index], address });
                }
            }
        }
    }
    for surplus in planned.iter_mut().filter(|planned| planned.address.is_ok()).skip(MAX_URLS) {
        surplus.address = Err(Skipped::TooMany);
    }
    planned
}

/// Every URL of a list of distribution points: all points, and all names of each, whatever the scheme.
/// Names of the URI form that are no ASCII come along as they can be read, to be told as invalid.
pub fn distribution_point_urls(points: &[DistributionPoint]) -> impl Iterator<Item = String> {
    points
        .iter()
        .flat_map(|point| match &point.name {
            Some(DistributionPointName::Full(names)) => names.as_slice(),
            _ => &[],
        })
        .filter_map(|name| match name {
            GeneralName::Uri(uri) => Some(uri.clone()),
            GeneralName::Other { tag: 6, value } => Some(String::from_utf8_lossy(value).into_owned()),
            _ => None,
        })
}

fn unsupported(url: &Url) -> Result<Url, Skipped> {
    Err(Skipped::UnsupportedScheme { scheme: url.scheme().to_owned() })
}

/// Whether a URL is one that is contacted: http, https, ldap or ldaps with a host, and nothing in it that clients
/// read differently. OCSP knows http and https only, which is for the caller to see to.
///
/// # Errors
/// [`Skipped::UnsupportedScheme`], [`Skipped::NoDirectory`] or [`Skipped::InvalidUrl`]
pub fn address(text: &str) -> Result<Url, Skipped> {
    let invalid = |reason: &str| Err(Skipped::InvalidUrl { reason: reason.to_owned() });
    if text.len() > MAX_URL_LENGTH {
        return invalid("it is longer than 8192 octets");
    }
    if !text.is_ascii() {
        return invalid("it holds characters outside ASCII");
    }
    if text.chars().any(|character| character.is_ascii_control()) {
        return invalid("it holds control characters");
    }
    if text.trim() != text {
        return invalid("it begins or ends with white space");
    }
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return invalid(&error.to_string()),
    };
    let is_ldap = ldap::is_ldap(&url);
    if !is_ldap && !matches!(url.scheme(), "http" | "https") {
        return unsupported(&url);
    }
    if is_ldap && url.host_str().is_none_or(str::is_empty) {
        return Err(Skipped::NoDirectory { scheme: url.scheme().to_owned() });
    }
    // The parser mends `http:/host` and `http:\\host`, as browsers do; other clients don't.
    if !text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://") && !rest.starts_with(":///")) {
        return invalid("the scheme is not followed by :// and a host");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return invalid("it has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return invalid("it holds a user name or password");
    }
    if url.port() == Some(0) {
        return invalid("port 0 cannot be connected to");
    }
    if is_ldap {
        // The parser knows hosts of web schemes only.
        match url.host_str().map(url::Host::parse) {
            Some(Ok(host)) if !url.host_str().is_some_and(|text| text.contains('%')) => {
                if url.set_host(Some(&host.to_string())).is_err() {
                    return invalid("its host is no host name");
                }
            }
            _ => return invalid("its host is no host name"),
        }
        if let Err(error) = ldap::Query::of(&url) {
            return invalid(&error.to_string());
        }
    }
    Ok(url)
}

/// What a certificate names, in the order of its extensions.
fn named(subject: &Subject) -> Vec<(EndpointKind, String)> {
    let certificate = &subject.certificate;
    let mut named = Vec::new();
    for extension in &certificate.extensions {
        let mut add = |kind, urls: &mut dyn Iterator<Item = String>| named.extend(urls.map(|url| (kind, url)));
        match extension.oid.as_str() {
            oid::CRL_DISTRIBUTION_POINTS => {
                add(EndpointKind::Crl, &mut distribution_point_urls(&certificate.crl_distribution_points));
            }
            oid::FRESHEST_CRL => add(EndpointKind::DeltaCrl, &mut distribution_point_urls(&certificate.freshest_crl)),
            oid::AUTHORITY_INFO_ACCESS => {
                add(EndpointKind::Ocsp, &mut certificate.ocsp_urls.iter().cloned());
                add(EndpointKind::CaIssuers, &mut certificate.ca_issuers_urls.iter().cloned());
            }
            _ => {}
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Ca, Leaf};
    use super::*;

    fn reason(url: &str) -> Skipped {
        address(url).unwrap_err()
    }

    #[test]
    fn takes_what_is_spoken_only() {
        assert_eq!(address("http://crl.example/My CA.crl").unwrap().as_str(), "http://crl.example/My%20CA.crl");
        assert!(address("HTTPS://[::1]:8080/x").is_ok());
        for (url, scheme) in
            [("file:///etc/passwd", "file"), ("ftp://a/b", "ftp"), ("ldapi://%2Frun%2Fldapi/cn=x", "ldapi")]
        {
            assert_eq!(reason(url), Skipped::UnsupportedScheme { scheme: scheme.to_owned() });
        }
        for url in [
            "",
            "crl.example/ca.crl",
            "http://",
            "http:///ca.crl",
            "http:/crl.example/ca.crl",
            "http:\\\\crl.example\\ca.crl",
            "http://user:word@crl.example/",
            "http://crl.exa\nmple/",
            " http://crl.example/",
            "http://crl.example:0/",
            "http://crl.example:99999/",
            "http://b\u{fc}cher.example/",
            "ldap://a%41/cn=x?cACertificate",
            "ldap://a_b:x/cn=x?cACertificate",
            "ldap://user@a/cn=x?cACertificate",
            "ldap://a:0/cn=x?cACertificate",
            "ldap://a/cn=x?cACertificate?children",
            "ldap://a/cn=%ff?cACertificate",
        ] {
            assert!(matches!(reason(url), Skipped::InvalidUrl { .. }), "{url}");
        }
        for (url, host) in [("ldap://DC.Example/CN=CA?x", "dc.example"), ("ldaps://[::1]:6360/cn=a", "[::1]")] {
            assert_eq!(address(url).unwrap().host_str(), Some(host));
        }
        for url in ["ldap:///CN=CA?certificateRevocationList?base?objectClass=x", "LDAP:/cn=x", "ldap:cn=x"] {
            assert_eq!(reason(url), Skipped::NoDirectory { scheme: "ldap".to_owned() });
        }
        assert!(matches!(reason(&format!("http://a/{}", "a".repeat(9000))), Skipped::InvalidUrl { .. }));
    }

    #[test]
    fn one_endpoint_for_one_url_and_kind_but_ocsp_by_certificate() {
        let ca = Ca::new("CA");
        let leaf = |serial| {
            ca.subject(
                &Leaf::new(serial)
                    .crl(&["http://a/1.crl", "http://a/2.crl"])
                    .freshest(&["http://a/1.crl"])
                    .ocsp("http://o/")
                    .ca_issuers("http://i/"),
            )
        };
        let plan = plan(&[leaf(5), leaf(6)], false);
        let brief: Vec<_> =
            plan.iter().map(|planned| (planned.kind, planned.url.as_str(), planned.subjects.as_slice())).collect();
        assert_eq!(
            brief,
            [
                (EndpointKind::Crl, "http://a/1.crl", &[0, 1][..]),
                (EndpointKind::Crl, "http://a/2.crl", &[0, 1]),
                (EndpointKind::DeltaCrl, "http://a/1.crl", &[0, 1]),
                (EndpointKind::Ocsp, "http://o/", &[0]),
                (EndpointKind::CaIssuers, "http://i/", &[0, 1]),
                (EndpointKind::Ocsp, "http://o/", &[1]),
            ]
        );
        assert!(plan.iter().all(|planned| planned.address.is_ok()));
    }

    #[test]
    fn says_why_an_endpoint_is_not_contacted() {
        let ca = Ca::new("CA");
        let mut subject = ca.subject(&Leaf::new(5).crl(&["ftp://d/c"]).ocsp("http://o/"));
        subject.issuer = None;
        let reasons = |offline| -> Vec<Skipped> {
            plan(std::slice::from_ref(&subject), offline).into_iter().filter_map(|it| it.address.err()).collect()
        };
        assert_eq!(reasons(false), [Skipped::UnsupportedScheme { scheme: "ftp".to_owned() }, Skipped::NoIssuer]);
        assert_eq!(reasons(true), [Skipped::Offline, Skipped::Offline]);
    }

    #[test]
    fn directories_are_searched_but_are_no_responders() {
        let leaf = Leaf::new(5).crl(&["ldap://d/cn=x?certificateRevocationList;binary"]).ocsp("ldap://d/cn=x");
        let plan = plan(&[Ca::new("CA").subject(&leaf)], false);
        assert!(plan[0].address.is_ok());
        assert_eq!(plan[1].address, Err(Skipped::UnsupportedScheme { scheme: "ldap".to_owned() }));
    }

    #[test]
    fn the_number_of_urls_is_bounded() {
        let urls: Vec<String> = (0..MAX_URLS + 3).map(|number| format!("http://a/{number}")).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let plan = plan(&[Ca::new("CA").subject(&Leaf::new(5).crl(&urls))], false);
        assert_eq!(plan.len(), MAX_URLS + 3);
        assert_eq!(plan.iter().filter(|planned| planned.address == Err(Skipped::TooMany)).count(), 3);
    }
}
