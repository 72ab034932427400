//! The profile of certificates that strict TLS clients insist on: RFC 5280 §4 and the CA/Browser Forum's Baseline
//! Requirements (BR), as far as verifiers refuse what breaks them.
//!
//! Input: one certificate, its place and the purpose. Output: every rule broken. RFC 5280 §6.1 by itself asks for none of
//! these, so that with [`Purpose::Any`] only those count without which a certificate can be read in two ways. Trust
//! anchors are never looked at: they are a name, a key and a validity.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

use super::constraints::NameConstraints;
use super::{Purpose, hostname};
use crate::x509::certificate::{Certificate, KeyUsage, extension_name};
use crate::x509::extensions::{Extension, oid};
use crate::x509::policies::{ANY_POLICY, PolicyConstraints, PolicyExtensions};
use crate::x509::{GeneralName, KeyAlgorithm};

/// One rule broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What is wrong, to follow the certificate's name: `has no authorityKeyIdentifier`. May hold text from it.
    pub fault: String,
    /// What to have changed, to follow "issue it anew": `with a positive serial number`.
    pub remedy: &'static str,
    /// The clause.
    pub clause: &'static str,
}

/// Malformed names of one certificate that are told.
const MAX_NAMES_TOLD: usize = 4;
/// Common names that are looked at: there is one, if any.
const MAX_COMMON_NAMES: usize = 8;
/// `commonName`
const COMMON_NAME: &str = "2.5.4.3";

/// Every rule that a certificate below the trust anchor breaks; `position` is 0 for the leaf.
#[must_use]
pub fn violations(certificate: &Certificate, position: usize, purpose: Purpose) -> Vec<Violation> {
    let mut found = Found(Vec::new());
    ambiguous(certificate, &mut found);
    if purpose != Purpose::Any {
        fields(certificate, &mut found);
        key_identifiers(certificate, &mut found);
        constraints(certificate, position, &mut found);
        alternative_names(certificate, &mut found);
        access_and_policies(certificate, &mut found);
    }
    if purpose == Purpose::Server {
        baseline(certificate, position, &mut found);
    }
    found.0
}

struct Found(Vec<Violation>);

impl Found {
    fn when(&mut self, broken: bool, fault: impl Into<String>, remedy: &'static str, clause: &'static str) {
        if broken {
            self.0.push(Violation { fault: fault.into(), remedy, clause });
        }
    }

    /// For extensions that must not be critical.
    fn never_critical(&mut self, extension: Option<&Extension>, name: &str, clause: &'static str) {
        let critical = extension.is_some_and(|extension| extension.critical);
        self.when(critical, format!("has a critical {name}"), "with that extension non-critical", clause);
    }

    /// For extensions that must be critical.
    fn always_critical(&mut self, extension: Option<&Extension>, name: &str, clause: &'static str) {
        let non_critical = extension.is_some_and(|extension| !extension.critical);
        self.when(non_critical, format!("has a non-critical {name}"), "with that extension critical", clause);
    }
}

/// What can be read in two ways, and so counts whatever the purpose.
fn ambiguous(certificate: &Certificate, found: &mut Found) {
    found.when(
        certificate.signature_algorithms_differ,
        "names one signature algorithm inside what is signed and another outside",
        "with one signature algorithm",
        "RFC 5280 §4.1.1.2",
    );
    found.when(
        !(1..=3).contains(&certificate.version),
        format!("is of version {}, which does not exist", certificate.version),
        "with version 3",
        "RFC 5280 §4.1.2.1",
    );
    for oid in repeated(certificate.extensions.iter().map(|extension| extension.oid.as_str())) {
        let name = extension_name(oid);
        found.when(true, format!("has the extension {name} twice"), "with that extension once", "RFC 5280 §4.2");
    }
}

/// What occurs more than once, each once and only the first few.
fn repeated<'a>(items: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    const MAX_TOLD: usize = 8;
    let mut seen = HashSet::new();
    let mut twice = BTreeSet::new();
    for item in items {
        if !seen.insert(item) && twice.len() < MAX_TOLD {
            twice.insert(item);
        }
    }
    twice
}

fn fields(certificate: &Certificate, found: &mut Found) {
    let serial = certificate.serial.0.as_ref();
    let is_negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    let clause = "RFC 5280 §4.1.2.2";
    found.when(is_negative, "has a negative serial number", "with a positive serial number", clause);
    found.when(
        serial.iter().all(|octet| *octet == 0),
        "has the serial number 0",
        "with a positive serial number",
        clause,
    );
    found.when(
        serial.len() > 20,
        format!("has a serial number of {} octets", serial.len()),
        "with a serial number of at most 20 octets",
        clause,
    );
    found.when(
        certificate.version < 3 && !certificate.extensions.is_empty(),
        format!("has extensions, but is of version {}", certificate.version),
        "with version 3",
        "RFC 5280 §4.1.2.1",
    );
    found.when(
        certificate.issuer.is_empty(),
        "has an empty issuer name",
        "by a CA that has a name",
        "RFC 5280 §4.1.2.4",
    );
    found.when(
        certificate.is_ca() && certificate.subject.is_empty(),
        "is a CA certificate with an empty subject",
        "with a subject",
        "RFC 5280 §4.1.2.6",
    );
}

fn key_identifiers(certificate: &Certificate, found: &mut Found) {
    let authority = certificate.extension(oid::AUTHORITY_KEY_IDENTIFIER);
    found.never_critical(authority, "authorityKeyIdentifier", "RFC 5280 §4.2.1.1");
    found.when(
        certificate.authority_key_identifier.is_none() && !certificate.is_self_issued(),
        match authority {
            None => "has no authorityKeyIdentifier",
            Some(_) => "has an authorityKeyIdentifier without a keyIdentifier",
        },
        "with its issuer's key identifier",
        "RFC 5280 §4.2.1.1",
    );
    let subject = certificate.extension(oid::SUBJECT_KEY_IDENTIFIER);
    found.never_critical(subject, "subjectKeyIdentifier", "RFC 5280 §4.2.1.2");
    found.when(
        certificate.is_ca() && subject.is_none(),
        "is a CA certificate without a subjectKeyIdentifier",
        "with its key's identifier",
        "RFC 5280 §4.2.1.2",
    );
}

fn constraints(certificate: &Certificate, position: usize, found: &mut Found) {
    let signs = certificate.key_usage.is_some_and(KeyUsage::key_cert_sign);
    let basic = certificate.extension(oid::BASIC_CONSTRAINTS);
    if certificate.is_ca() {
        found.always_critical(basic, "basicConstraints", "RFC 5280 §4.2.1.9");
        // That an issuer lacks it is RFC 5280 §6.1.4 (n)'s rule already.
        found.when(
            position == 0 && certificate.key_usage.is_some() && !signs,
            "has basicConstraints cA TRUE, but a keyUsage without keyCertSign",
            "with cA FALSE, or with keyCertSign if it is a CA",
            "RFC 5280 §4.2.1.3; BR §7.1.2.7.8",
        );
    } else {
        // Of an issuer, RFC 5280 §6.1.4 (k) says it.
        found.when(
            position == 0 && signs,
            "has the keyUsage keyCertSign, but no basicConstraints cA TRUE",
            "without keyCertSign, or with cA TRUE if it is a CA",
            "RFC 5280 §4.2.1.3, §4.2.1.9",
        );
        found.when(
            certificate.extension(oid::NAME_CONSTRAINTS).is_some(),
            "has nameConstraints, but is no CA",
            "without nameConstraints",
            "RFC 5280 §4.2.1.10",
        );
    }
    let path_len = certificate.basic_constraints.is_some_and(|basic| basic.path_len_constraint.is_some());
    found.when(
        path_len && !certificate.is_ca(),
        "has a pathLenConstraint, but is no CA",
        "without pathLenConstraint",
        "RFC 5280 §4.2.1.9",
    );
    let usage = certificate.extension(oid::KEY_USAGE).and(certificate.key_usage);
    found.when(
        usage.is_some_and(|usage| usage.0 == 0),
        "has a keyUsage that allows nothing",
        "with the usages it is for",
        "RFC 5280 §4.2.1.3",
    );
    let names = certificate.extension(oid::NAME_CONSTRAINTS).and_then(|it| NameConstraints::parse(&it.value));
    found.when(
        names.is_some_and(|names| names.is_empty()),
        "has nameConstraints that constrain nothing",
        "with subtrees, or without nameConstraints",
        "RFC 5280 §4.2.1.10",
    );
}

fn alternative_names(certificate: &Certificate, found: &mut Found) {
    let extension = certificate.extension(oid::SUBJECT_ALT_NAME);
    let names = certificate.subject_alt_names.as_deref();
    let clause = "RFC 5280 §4.2.1.6";
    found.when(
        names.is_some_and(<[_]>::is_empty),
        "has a subjectAltName without any name",
        "with its names, or without the extension",
        clause,
    );
    if certificate.subject.is_empty() && !certificate.is_ca() {
        found.when(
            extension.is_none_or(|extension| !extension.critical),
            "has an empty subject and no critical subjectAltName",
            "with a subject, or with subjectAltName critical",
            "RFC 5280 §4.1.2.6",
        );
    }
    let faults = names.unwrap_or_default().iter().filter_map(|name| match name {
        GeneralName::Dns(text) if !is_presentable(text) => Some(format!("has the malformed name {name}")),
        GeneralName::Other { tag: 1 | 2 | 4 | 6 | 7, .. } => Some(format!("has a name that does not decode, {name}")),
        _ => None,
    });
    for fault in faults.take(MAX_NAMES_TOLD) {
        found.when(true, fault, "with that name mended or left out", clause);
    }
}

/// Text that could be a host name or pattern: whether it is one is for whoever compares it to say, but white
/// space, control characters and empty labels are in none.
fn is_presentable(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|octet| octet.is_ascii_graphic())
        && name.strip_suffix('.').unwrap_or(name).split('.').all(|label| !label.is_empty())
}

fn access_and_policies(certificate: &Certificate, found: &mut Found) {
    let access = certificate.extension(oid::AUTHORITY_INFO_ACCESS);
    found.never_critical(access, "authorityInfoAccess", "RFC 5280 §4.2.2.1");
    found.when(
        access.is_some_and(|access| matches!(access.value.as_ref(), [0x30, 0])),
        "has an authorityInfoAccess without any description",
        "with its access descriptions, or without the extension",
        "RFC 5280 §4.2.2.1",
    );
    found.never_critical(certificate.extension(oid::FRESHEST_CRL), "freshestCRL", "RFC 5280 §4.2.1.15");
    let constraints = certificate.extension(oid::POLICY_CONSTRAINTS);
    found.always_critical(constraints, "policyConstraints", "RFC 5280 §4.2.1.11");
    found.always_critical(certificate.extension(oid::INHIBIT_ANY_POLICY), "inhibitAnyPolicy", "RFC 5280 §4.2.1.14");
    // What does not decode is told by the path's policies.
    let policies = PolicyExtensions::of(certificate).unwrap_or_default();
    found.when(
        policies.constraints == Some(PolicyConstraints::default()),
        "has policyConstraints that constrain nothing",
        "with a constraint, or without policyConstraints",
        "RFC 5280 §4.2.1.11",
    );
    let listed = policies.policies.unwrap_or_default();
    for policy in repeated(listed.iter().map(String::as_str)) {
        let name = if policy == ANY_POLICY { "anyPolicy" } else { policy };
        found.when(true, format!("has the policy {name} twice"), "with each policy once", "RFC 5280 §4.2.1.4");
    }
}

/// The Baseline Requirements' own rules for a TLS server's certificate.
fn baseline(certificate: &Certificate, position: usize, found: &mut Found) {
    if let KeyAlgorithm::Rsa { bits } = certificate.key.algorithm {
        found.when(
            bits >= 2048 && bits % 8 != 0,
            format!("has an RSA key of {bits} bits, which is no multiple of 8"),
            "for a key of 2048, 3072 or 4096 bits",
            "BR §6.1.5",
        );
    }
    if position > 0 {
        return;
    }
    found.when(
        certificate.version < 3 && certificate.extensions.is_empty(),
        format!("is of version {}", certificate.version),
        "with version 3",
        "BR §7.1.1",
    );
    let names = certificate.extension(oid::SUBJECT_ALT_NAME);
    if !certificate.subject.is_empty() {
        found.never_critical(names, "subjectAltName although it has a subject", "BR §7.1.2.7.12");
    }
    found.never_critical(certificate.extension(oid::EXTENDED_KEY_USAGE), "extKeyUsage", "BR §7.1.2.7.6");
    let purposes = certificate.extended_key_usage.as_deref().unwrap_or_default();
    found.when(
        purposes.iter().any(|purpose| purpose == oid::ANY_EXTENDED_KEY_USAGE) && purposes.len() > 1,
        "has anyExtendedKeyUsage beside other purposes",
        "without anyExtendedKeyUsage",
        "BR §7.1.2.7.10",
    );
    let names = certificate.subject_alt_names.as_deref();
    for name in certificate.subject.values(COMMON_NAME).into_iter().take(MAX_COMMON_NAMES) {
        found.when(
            is_unicode_host(&name),
            format!("has the common name {name}, a host name that is not written in A-labels"),
            "with the common name spelt as in subjectAltName, or without it",
            "BR §7.1.4.3; RFC 5280 §7.2",
        );
        found.when(
            names.is_some_and(|names| is_misspelt(&name, names)),
            format!("has the common name {name}, which its subjectAltName spells otherwise"),
            "with the common name spelt as in subjectAltName, or without it",
            "BR §7.1.4.3",
        );
    }
    let underscored = certificate.subject_alt_names.iter().flatten().find(|name| match name {
        GeneralName::Dns(text) => text.contains('_'),
        _ => false,
    });
    if let Some(name) = underscored {
        found.when(
            true,
            format!("has the name {name}: host names hold no underscore"),
            "with that name left out, and the host renamed",
            "RFC 5280 §4.2.1.6; BR §7.1.2.7.12",
        );
    }
}

/// Whether a common name is one of these names in another spelling. That it should be one of them at all, verifiers
/// do not insist on: the common name names nothing any more (RFC 9525 §2).
fn is_misspelt(common_name: &str, names: &[GeneralName]) -> bool {
    let to_the_letter = |name: &GeneralName| match name {
        GeneralName::Dns(presented) => presented == common_name,
        GeneralName::Ip(address) => address.to_string() == common_name,
        _ => false,
    };
    let Some(meant) = host(common_name) else { return false };
    let same = |name: &GeneralName| match (name, &meant) {
        (GeneralName::Dns(presented), url::Host::Domain(domain)) => presented.eq_ignore_ascii_case(domain),
        (GeneralName::Ip(address), url::Host::Ipv4(meant)) => address == meant,
        (GeneralName::Ip(address), url::Host::Ipv6(meant)) => address == meant,
        _ => false,
    };
    names.iter().any(same) && !names.iter().any(to_the_letter)
}

/// Whether it is a host name with U-labels, under a suffix that registries know: a person's or a company's name may
/// hold a dot too.
fn is_unicode_host(name: &str) -> bool {
    !name.is_ascii()
        && match host(name) {
            Some(url::Host::Domain(domain)) => hostname::is_below_public_suffix(&domain),
            _ => false,
        }
}

/// What a lenient reader takes a name for, addresses in odd notations included.
fn host(name: &str) -> Option<url::Host> {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => Some(url::Host::Ipv4(address)),
        Ok(IpAddr::V6(address)) => Some(url::Host::Ipv6(address)),
        Err(_) => url::Host::parse(name).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Authority;
    use super::*;

    fn faults(certificate: &Certificate, purpose: Purpose) -> Vec<String> {
        violations(certificate, 0, purpose).into_iter().map(|violation| violation.fault).collect()
    }

    #[test]
    fn a_sound_certificate_has_no_violations() {
        let root = Authority::root("R");
        assert_eq!(faults(&root.leaf(), Purpose::Server), [""; 0]);
        assert_eq!(violations(&root.sub("I").certificate, 1, Purpose::Server), []);
    }

    #[test]
    fn serial_numbers_are_positive_and_at_most_20_octets() {
        let root = Authority::root("R");
        for (octets, broken) in
            [(vec![0x80], true), (vec![0], true), (vec![1; 21], true), (vec![0x7f; 20], false), (vec![0, 0xff], false)]
        {
            let mut leaf = (*root.leaf()).clone();
            leaf.serial.0 = octets.clone().into();
            assert_eq!(!faults(&leaf, Purpose::Client).is_empty(), broken, "{octets:?}");
            assert_eq!(faults(&leaf, Purpose::Any), [""; 0], "the standard's validation does not ask");
        }
    }

    #[test]
    fn an_extension_that_is_there_twice_counts_for_every_purpose() {
        let mut leaf = (*Authority::root("R").leaf()).clone();
        leaf.extensions.push(leaf.extensions[0].clone());
        assert_eq!(faults(&leaf, Purpose::Any).len(), 1);
    }

    #[test]
    fn common_names_are_spelt_as_in_subject_alt_name() {
        let names = [
            GeneralName::Dns("www.example.com".into()),
            GeneralName::Dns("xn--bcher-kva.example".into()),
            GeneralName::Ip([192, 0, 2, 1].into()),
            GeneralName::Ip("2001:db8::1".parse().unwrap()),
        ];
        for name in
            ["WWW.example.com", "b\u{fc}cher.example", "192.000.002.001", "0xC0000201", "2001:DB8::1", "2001:db8:0::1"]
        {
            assert!(is_misspelt(name, &names), "{name}");
        }
        for name in
            ["www.example.com", "192.0.2.1", "2001:db8::1", "other.example.com", "Example GmbH", "server", "", "*"]
        {
            assert!(!is_misspelt(name, &names), "{name}");
        }
    }
}
