//! Which name of a certificate breaks the `nameConstraints` of a CA above it (RFC 5280 §4.2.1.10).
//!
//! Names of a form that is not compared (`otherName` and the rarer ones) are refused where a constraint is about
//! that form, as RFC 5280 §4.2.1.10 demands; so are names that are not of the syntax their form has, since nobody
//! can say whether such a name lies inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use super::hostname::is_host_name;
use crate::x509::der::{self, SEQUENCE, SET};
use crate::x509::{Certificate, GeneralName};

/// `emailAddress` (PKCS #9), which names a mailbox in a subject.
const EMAIL_ADDRESS: &str = "1.2.840.113549.1.9.1";

/// A name that is not allowed, and the constraint that forbids it, both in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The name with its form: `DNS:www.example.com`.
    pub name: String,
    /// `excluded …`, or `permitted …` with every subtree of that form.
    pub constraint: String,
}

/// Pairs of name and subtree that may still be compared.
#[derive(Debug, Clone, Copy)]
pub struct Comparisons(usize);

impl Comparisons {
    /// For one path; rustls-webpki's limit too.
    #[must_use]
    pub fn for_a_path() -> Self {
        Self(250_000)
    }

    /// For a search among many.
    #[must_use]
    pub fn for_a_search() -> Self {
        Self(1_000_000)
    }
}

/// More comparisons would be needed than are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

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
            GeneralName::Uri(uri) => uri_host(uri).map(ToOwned::to_owned),
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

    /// Why names of this form cannot be compared with subtrees of the form, if so.
    fn incomparable(&self) -> Option<&'static str> {
        match &self.name {
            GeneralName::Dns(name) if !is_host_pattern(name) => Some("which is no host name"),
            GeneralName::Email(address) if !is_mailbox(address) => Some("which is no mailbox"),
            GeneralName::Uri(_) if self.host.is_none() => Some("which has no host name"),
            GeneralName::Directory(name) if !name.is_well_formed() => Some("which does not decode"),
            GeneralName::Other { tag: 0 | 3 | 5 | 8, .. } => Some("which is of a form that cannot be compared"),
            GeneralName::Other { .. } => Some("which does not decode"),
            _ => None,
        }
    }
}

/// The context tag of a name's form (RFC 5280 §4.2.1.6).
fn form(name: &GeneralName) -> u8 {
    match name {
        GeneralName::Email(_) => 1,
        GeneralName::Dns(_) => 2,
        GeneralName::Directory(_) => 4,
        GeneralName::Uri(_) => 6,
        GeneralName::Ip(_) => 7,
        GeneralName::Other { tag, .. } => *tag,
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
                let (base, distances) = der::read(subtree.value).filter(|(base, _)| GeneralName::is_choice(base))?;
                // RFC 5280 §4.2.1.10: `minimum` is 0 and `maximum` absent, or the extension is to be processed so or
                // refused; the former written out is its DEFAULT.
                if !matches!(distances, [] | [0x80, 1, 0]) {
                    return None;
                }
                subtrees.push(Form::new(GeneralName::from_tlv(&base)));
            }
        }
        Some(parsed)
    }

    /// Whether it constrains nothing at all, which RFC 5280 §4.2.1.10 forbids.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.permitted.is_empty() && self.excluded.is_empty()
    }

    /// The first subtree that is not of the syntax its form has, and why: what it was meant to forbid cannot be told.
    #[must_use]
    pub fn malformed_subtree(&self) -> Option<(String, &'static str)> {
        self.bases().find_map(|base| {
            let reason = match base {
                // A leading dot is none of RFC 5280's syntax for DNS, but CAs of public trust write it and verifiers
                // take it for the domain's hosts.
                GeneralName::Dns(name) if !name.is_empty() && !is_host_name(name.strip_prefix('.').unwrap_or(name)) => {
                    "a DNS constraint is a host name without a wildcard"
                }
                GeneralName::Email(base) if !is_mailbox(base) && !is_host_or_domain(base) => {
                    "an e-mail constraint is a mailbox, a host or a domain"
                }
                GeneralName::Uri(base) if !is_host_or_domain(base) => "a URI constraint is a host or a domain",
                GeneralName::Directory(base) if !base.is_well_formed() => "it does not decode",
                GeneralName::Ip(_) => "an address constraint has a mask",
                GeneralName::Other { tag: 7, value } if !is_prefix_mask(value) => {
                    "an address constraint is an address and a mask that is a prefix"
                }
                GeneralName::Other { tag: 1 | 2 | 4 | 6, .. } => "it does not decode",
                _ => return None,
            };
            Some((describe(base), reason))
        })
    }

    fn bases(&self) -> impl Iterator<Item = &GeneralName> {
        self.permitted.iter().chain(&self.excluded).map(|base| &base.name)
    }

    /// The names of the certificate, subject or subjectAltName, that are not allowed; the first few.
    ///
    /// # Errors
    /// [`Exhausted`] when that takes more comparisons than are left.
    pub fn violations(
        &self,
        certificate: &Certificate,
        comparisons: &mut Comparisons,
    ) -> Result<Vec<Violation>, Exhausted> {
        let subtrees = self.permitted.len().saturating_add(self.excluded.len());
        // One more for the subject.
        let names = certificate.subject_alt_names.iter().flatten().count().saturating_add(1);
        let left = comparisons.0.checked_sub(subtrees.saturating_mul(names));
        comparisons.0 = left.ok_or(Exhausted)?;
        let violations = constrained_names(certificate).filter_map(|name| {
            let constraint = self.forbids(&name)?;
            Some(Violation { name: name.to_string(), constraint })
        });
        Ok(violations.take(MAX_SHOWN).collect())
    }

    fn forbids(&self, name: &GeneralName) -> Option<String> {
        let form = form(name);
        let mut same_form =
            self.permitted.iter().chain(&self.excluded).filter(|base| self::form(&base.name) == form).peekable();
        let first = same_form.peek()?;
        let name = Form::new(name.clone());
        if let Some(why) = name.incomparable() {
            return Some(format!("constrained by {}, and this is a name {why}", describe(&first.name)));
        }
        if let Some(base) = self.excluded.iter().find(|base| name.within(base, Reach::Any) == Some(true)) {
            return Some(format!("excluded {}", describe(&base.name)));
        }
        let permitted: Vec<&Form> = self.permitted.iter().filter(|base| self::form(&base.name) == form).collect();
        if permitted.is_empty() || permitted.iter().any(|base| name.within(base, Reach::All) == Some(true)) {
            return None;
        }
        let shown: Vec<String> = permitted.iter().take(MAX_SHOWN).map(|base| describe(&base.name)).collect();
        let more = if permitted.len() > MAX_SHOWN { ", …" } else { "" };
        Some(format!("permitted {}{more}", shown.join(", ")))
    }
}

/// Permitted subtrees, and violations of one certificate, that are named.
const MAX_SHOWN: usize = 8;

/// Subject, subjectAltName, and without one the mailboxes in the subject (RFC 5280 §4.2.1.10).
fn constrained_names(certificate: &Certificate) -> impl Iterator<Item = GeneralName> {
    let subject = (!certificate.subject.is_empty()).then(|| GeneralName::Directory(certificate.subject.clone()));
    let mailboxes = match &certificate.subject_alt_names {
        None => certificate.subject.values_as_encoded(EMAIL_ADDRESS),
        Some(_) => Vec::new(),
    };
    // What is not text is no mailbox, and refused where mailboxes are constrained.
    let mailboxes = mailboxes.into_iter().map(|value| match value {
        Ok(text) => GeneralName::Email(text),
        Err(value) => GeneralName::Other { tag: 1, value: Bytes::copy_from_slice(value) },
    });
    let mailboxes: Vec<GeneralName> = mailboxes.collect();
    let alternative = certificate.subject_alt_names.iter().flatten().cloned();
    subject.into_iter().chain(mailboxes).chain(alternative)
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

/// A host name, or one with a wildcard as its first label.
fn is_host_pattern(name: &str) -> bool {
    is_host_name(name.strip_prefix("*.").unwrap_or(name))
}

/// The host name in a URI's authority, to the letter of RFC 3986 §3.2; `None` where there is no authority, or its host
/// is no name. What browsers make of sloppier text is not asked: who constrains must know what is meant.
fn uri_host(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once("://")?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet));
    let is_uri = rest.bytes().all(|octet| octet.is_ascii_graphic() && !b"\\<>\"^`{|}".contains(&octet));
    if !is_scheme || !is_uri {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.split_once('@') {
        Some((_, host)) if host.contains('@') => return None,
        Some((_, host)) => host,
        None => authority,
    };
    let host = match host.split_once(':') {
        Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => host,
        Some(_) => return None,
        None => host,
    };
    (is_host_name(host) && host.parse::<Ipv4Addr>().is_err()).then_some(host)
}

/// Empty (all of them), a host, or a domain with a leading dot.
fn is_host_or_domain(base: &str) -> bool {
    base.is_empty() || is_host_name(base.strip_prefix('.').unwrap_or(base))
}

/// RFC 5280 §4.2.1.6: `Local-part "@" Domain`.
fn is_mailbox(address: &str) -> bool {
    address.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && is_host_name(host) && local.bytes().all(|octet| octet.is_ascii_graphic())
    })
}

/// An address and a mask of ones followed by zeros (RFC 4632 §3.1).
fn is_prefix_mask(value: &[u8]) -> bool {
    if !matches!(value.len(), 8 | 32) {
        return false;
    }
    let (_, mask) = value.split_at(value.len() / 2);
    let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    let leading = mask.iter().take_while(|octet| **octet == 0xff).count();
    let partial = mask.get(leading).map_or(0, |octet| octet.leading_ones());
    u32::try_from(leading * 8).is_ok_and(|whole| whole + partial == ones)
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
mod tests;
