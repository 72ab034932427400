//! Which name of a certificate breaks the `nameConstraints` of a CA above it (RFC 5280 §4.2.1.10).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::x509::der::{self, SEQUENCE, SET};
use crate::x509::{Certificate, GeneralName};

/// A name that is not allowed, and the constraint that forbids it, both in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The name with its form: `DNS:www.example.com`.
    pub name: String,
    /// `excluded …`, or `permitted …` with every subtree of that form.
    pub constraint: String,
}

/// Pairs of name and subtree that are compared; rustls-webpki's limit too. Past it nothing is found.
const MAX_COMPARISONS: usize = 250_000;

/// The subtrees of one `nameConstraints` extension.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameConstraints {
    permitted: Vec<Form>,
    excluded: Vec<Form>,
}

/// A name or the base of a subtree, with what comparing it needs worked out once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Form {
    name: GeneralName,
    /// Of a `directoryName`: its comparison key.
    key: Vec<u8>,
    /// Of a URI: its host.
    host: Option<String>,
}

impl Form {
    fn new(name: GeneralName) -> Self {
        let key = match &name {
            GeneralName::Directory(name) => name.comparison_key(),
            _ => Vec::new(),
        };
        let host = match &name {
            GeneralName::Uri(uri) => url::Url::parse(uri).ok().and_then(|uri| uri.domain().map(ToOwned::to_owned)),
            _ => None,
        };
        Self { name, key, host }
    }

    /// Whether it lies within the subtree; `None` where they are of different forms.
    fn within(&self, base: &Self, reach: Reach) -> Option<bool> {
        match (&self.name, &base.name) {
            (GeneralName::Dns(name), GeneralName::Dns(base)) => Some(dns_within(name, base, reach)),
            (GeneralName::Email(name), GeneralName::Email(base)) => Some(email_within(name, base)),
            // A URI without a host name is in no subtree.
            (GeneralName::Uri(_), GeneralName::Uri(base)) => {
                Some(self.host.as_ref().is_some_and(|host| host_or_domain(host, base)))
            }
            // Each RDN's key begins with the tag of a SET: a key cut elsewhere is another RDN's.
            (GeneralName::Directory(_), GeneralName::Directory(_)) => Some(
                self.key
                    .strip_prefix(base.key.as_slice())
                    .is_some_and(|rest| rest.first().is_none_or(|first| *first == SET)),
            ),
            // The two families are one name form: an address of the other one is just not inside.
            (GeneralName::Ip(IpAddr::V4(address)), GeneralName::Other { tag: 7, value }) => {
                Some(address_within(&address.octets(), value))
            }
            (GeneralName::Ip(IpAddr::V6(address)), GeneralName::Other { tag: 7, value }) => {
                Some(address_within(&address.octets(), value))
            }
            _ => None,
        }
    }
}

impl NameConstraints {
    /// Reads the extension's value; `None` when it does not decode.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (sequence, []) = der::expect(value, SEQUENCE)? else { return None };
        let mut parsed = Self::default();
        for field in der::elements(sequence.value) {
            let field = field?;
            let subtrees = match field.tag {
                0xa0 => &mut parsed.permitted,
                0xa1 => &mut parsed.excluded,
                _ => return None,
            };
            for subtree in der::elements(field.value) {
                let subtree = subtree.filter(|subtree| subtree.tag == SEQUENCE)?;
                // `minimum` and `maximum` are not used with any name form.
                let (base, _) = der::read(subtree.value)?;
                subtrees.push(Form::new(GeneralName::from_tlv(&base)));
            }
        }
        Some(parsed)
    }

    /// Whether a subtree of the form `directoryName` is among them.
    #[must_use]
    pub fn constrain_directory_names(&self) -> bool {
        self.permitted.iter().chain(&self.excluded).any(|base| matches!(base.name, GeneralName::Directory(_)))
    }

    /// The first name of the certificate, subject or subjectAltName, that is not allowed.
    #[must_use]
    pub fn violation(&self, certificate: &Certificate) -> Option<Violation> {
        let subject = (!certificate.subject.is_empty()).then(|| GeneralName::Directory(certificate.subject.clone()));
        let subtrees = self.permitted.len() + self.excluded.len();
        let names = MAX_COMPARISONS.checked_div(subtrees)?;
        subject.iter().chain(certificate.subject_alt_names.iter().flatten()).take(names).find_map(|name| {
            let constraint = self.forbids(name)?;
            Some(Violation { name: name.to_string(), constraint })
        })
    }

    fn forbids(&self, name: &GeneralName) -> Option<String> {
        let name = Form::new(name.clone());
        if let Some(base) = self.excluded.iter().find(|base| name.within(base, Reach::Any) == Some(true)) {
            return Some(format!("excluded {}", describe(&base.name)));
        }
        let mut permitted = self.permitted.iter().filter_map(|base| name.within(base, Reach::All)).peekable();
        if permitted.peek().is_none() || permitted.any(|inside| inside) {
            return None;
        }
        let bases: Vec<String> = self
            .permitted
            .iter()
            .filter(|base| name.within(base, Reach::All).is_some())
            .map(|base| describe(&base.name))
            .collect();
        Some(format!("permitted {}", bases.join(", ")))
    }
}

/// What a wildcard name must have inside a subtree to count as inside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Everything it can stand for: permitted subtrees.
    All,
    /// Something: excluded subtrees.
    Any,
}

fn dns_within(name: &str, base: &str, reach: Reach) -> bool {
    let wildcard_reaches = || {
        name.strip_prefix("*.")
            .zip(base.split_once('.'))
            .is_some_and(|(parent, (_, base_parent))| parent.eq_ignore_ascii_case(base_parent))
    };
    below(name, base)
        || (!base.starts_with('.') && name.eq_ignore_ascii_case(base))
        || (reach == Reach::Any && wildcard_reaches())
}

/// Below the domain, but not the domain itself; the domain may begin with a dot.
fn below(host: &str, domain: &str) -> bool {
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    domain.is_empty()
        || host
            .len()
            .checked_sub(domain.len())
            .and_then(|length| host.split_at_checked(length))
            .is_some_and(|(labels, end)| labels.ends_with('.') && end.eq_ignore_ascii_case(domain))
}

/// This host, or where the base begins with a dot any host of that domain.
fn host_or_domain(host: &str, base: &str) -> bool {
    if base.starts_with('.') { below(host, base) } else { base.is_empty() || host.eq_ignore_ascii_case(base) }
}

/// A mailbox, all mailboxes of a host, or with a leading dot those of all hosts of a domain.
fn email_within(name: &str, base: &str) -> bool {
    let Some((local, host)) = name.rsplit_once('@') else { return false };
    match base.rsplit_once('@') {
        // The local part is case-sensitive (RFC 5280 §7.5).
        Some((base_local, base_host)) => local == base_local && host.eq_ignore_ascii_case(base_host),
        None => host_or_domain(host, base),
    }
}

/// `range` is an address and a mask of the same length.
fn address_within(address: &[u8], range: &[u8]) -> bool {
    let Some((network, mask)) = range.split_at_checked(address.len()) else { return false };
    mask.len() == address.len()
        && address.iter().zip(network).zip(mask).all(|((octet, network), mask)| octet & mask == network & mask)
}

fn describe(base: &GeneralName) -> String {
    match base {
        GeneralName::Other { tag: 7, value } => {
            let (network, mask) = value.split_at(value.len() / 2);
            let prefix: u32 = mask.iter().map(|octet| octet.leading_ones()).sum();
            if let Ok(octets) = <[u8; 4]>::try_from(network) {
                format!("IP:{}/{prefix}", Ipv4Addr::from(octets))
            } else if let Ok(octets) = <[u8; 16]>::try_from(network) {
                format!("IP:{}/{prefix}", Ipv6Addr::from(octets))
            } else {
                base.to_string()
            }
        }
        base => base.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::x509::Name;

    fn within(name: &GeneralName, base: &GeneralName, reach: Reach) -> Option<bool> {
        Form::new(name.clone()).within(&Form::new(base.clone()), reach)
    }

    fn dns(name: &str) -> GeneralName {
        GeneralName::Dns(name.into())
    }

    fn range(octets: &[u8]) -> GeneralName {
        GeneralName::Other { tag: 7, value: Bytes::copy_from_slice(octets) }
    }

    fn directory(names: &[&str]) -> GeneralName {
        let mut sequence = Vec::new();
        for name in names {
            let mut attribute = vec![0x06, 3, 0x55, 4, 10, 0x0c, u8::try_from(name.len()).unwrap()];
            attribute.extend(name.as_bytes());
            let length = u8::try_from(attribute.len()).unwrap();
            sequence.extend([SET, length + 2, SEQUENCE, length]);
            sequence.extend(attribute);
        }
        let mut der = vec![SEQUENCE, u8::try_from(sequence.len()).unwrap()];
        der.extend(sequence);
        GeneralName::Directory(Name::from_der(der.into()))
    }

    #[test]
    fn subtrees_hold_what_lies_below_them() {
        for (name, base, inside) in [
            (dns("a.test"), dns("a.test"), Some(true)),
            (dns("x.y.A.test"), dns("a.TEST"), Some(true)),
            (dns("xa.test"), dns("a.test"), Some(false)),
            (dns("*.a.test"), dns("a.test"), Some(true)),
            (dns("*.a.test"), dns("b.a.test"), Some(false)),
            (dns("a.test"), dns(".a.test"), Some(false)),
            (dns("b.a.test"), dns(".a.test"), Some(true)),
            (dns("a.test"), dns(""), Some(true)),
            (dns("a.test"), GeneralName::Email("a.test".into()), None),
            (GeneralName::Email("m@a.test".into()), GeneralName::Email("A.test".into()), Some(true)),
            (GeneralName::Email("m@b.a.test".into()), GeneralName::Email("a.test".into()), Some(false)),
            (GeneralName::Email("m@b.a.test".into()), GeneralName::Email(".a.test".into()), Some(true)),
            (GeneralName::Email("m@a.test".into()), GeneralName::Email("m@A.test".into()), Some(true)),
            (GeneralName::Email("M@a.test".into()), GeneralName::Email("m@a.test".into()), Some(false)),
            (GeneralName::Uri("http://h.a.test:80/x".into()), GeneralName::Uri(".a.test".into()), Some(true)),
            (GeneralName::Uri("http://h.a.test/".into()), GeneralName::Uri("a.test".into()), Some(false)),
            (GeneralName::Uri("http://H.a.test/".into()), GeneralName::Uri("h.A.test".into()), Some(true)),
            (GeneralName::Uri("http://192.0.2.1/".into()), GeneralName::Uri("192.0.2.1".into()), Some(false)),
            (GeneralName::Ip([192, 0, 2, 9].into()), range(&[192, 0, 2, 0, 255, 255, 255, 0]), Some(true)),
            (GeneralName::Ip([192, 0, 3, 9].into()), range(&[192, 0, 2, 0, 255, 255, 255, 0]), Some(false)),
            (GeneralName::Ip([192, 0, 2, 9].into()), range(&[0; 32]), Some(false)),
            (GeneralName::Ip([192, 0, 2, 9].into()), range(&[192]), Some(false)),
            (directory(&["A", "B"]), directory(&["a"]), Some(true)),
            (directory(&["A"]), directory(&["a", "b"]), Some(false)),
            (directory(&["B", "A"]), directory(&["a"]), Some(false)),
        ] {
            assert_eq!(within(&name, &base, Reach::All), inside, "{name} in {base}");
        }
        assert_eq!(within(&dns("*.a.test"), &dns("b.a.test"), Reach::Any), Some(true));
    }

    #[test]
    fn forbids_what_is_excluded_or_not_permitted() {
        let constraints = NameConstraints {
            permitted: vec![Form::new(dns("a.test")), Form::new(range(&[192, 0, 2, 0, 255, 255, 255, 0]))],
            excluded: vec![Form::new(dns("bad.a.test"))],
        };
        assert_eq!(constraints.forbids(&dns("good.a.test")), None);
        assert_eq!(constraints.forbids(&dns("x.bad.a.test")).as_deref(), Some("excluded DNS:bad.a.test"));
        assert_eq!(constraints.forbids(&dns("b.test")).as_deref(), Some("permitted DNS:a.test"));
        assert_eq!(
            constraints.forbids(&GeneralName::Ip([10, 0, 0, 1].into())).as_deref(),
            Some("permitted IP:192.0.2.0/24")
        );
        assert_eq!(constraints.forbids(&GeneralName::Email("a@b.test".into())), None);
    }

    #[test]
    fn garbage_is_no_constraint() {
        assert_eq!(NameConstraints::parse(&[0x30, 2, 0xa0, 5]), None);
        assert_eq!(NameConstraints::parse(&[0x30, 4, 0xa0, 2, 0x31, 0]), None);
        assert_eq!(NameConstraints::parse(&[]), None);
        assert_eq!(NameConstraints::parse(&[0x30, 0]), Some(NameConstraints::default()));
    }
}
