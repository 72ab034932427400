//! Two chains side by side: what is different about the new one.
//!
//! Input: the [`Examination`]s of both. Output: a [`Comparison`]. Facts only: what a difference means for clients, and how
//! grave it is, is `finding`'s to say.

use std::sync::Arc;

use jiff::Timestamp;

use crate::Examination;
use crate::acquire::{Presented, PresentedCertificate};
use crate::egress::Way;
use crate::path::PathSearch;
use crate::path::hostname::{self, NameCheck};
use crate::x509::extensions::{oid, purpose_name};
use crate::x509::{Certificate, Fingerprint, GeneralName, der};

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Subject of the leaf.
    Subject,
    /// Who issued the leaf.
    Issuer,
    /// CA certificates between leaf and root.
    Intermediates,
    /// The root, by subject and key.
    Root,
    /// Names that only the old one covers.
    NamesLost,
    /// Names that only the new one covers.
    NamesGained,
    /// Kind and size of the key.
    Key,
    /// The key itself.
    PublicKey,
    /// What the leaf is signed with.
    SignatureAlgorithm,
    /// From when until when.
    Validity,
    /// The time between the old one's end and the new one's beginning.
    ValidityGap,
    /// `extKeyUsage` but for `clientAuth`.
    ExtendedKeyUsage,
    /// Whether it may authenticate clients.
    ClientAuth,
    /// `keyUsage`
    KeyUsage,
    /// TLS feature `status_request`.
    MustStaple,
    /// Embedded signed certificate timestamps.
    Scts,
    /// Whether it names CRLs, OCSP responders, both or none.
    RevocationSources,
    /// Certificates sent in the handshake, and their octets.
    Chain,
}

impl Field {
    /// As people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Issuer => "issuer",
            Self::Intermediates => "intermediates",
            Self::Root => "root",
            Self::NamesLost => "names lost",
            Self::NamesGained => "names gained",
            Self::Key => "key",
            Self::PublicKey => "public key",
            Self::SignatureAlgorithm => "signature",
            Self::Validity => "validity",
            Self::ValidityGap => "gap",
            Self::ExtendedKeyUsage => "purposes",
            Self::ClientAuth => "clientAuth",
            Self::KeyUsage => "key usage",
            Self::MustStaple => "must-staple",
            Self::Scts => "SCTs",
            Self::RevocationSources => "revocation",
            Self::Chain => "chain sent",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Of what.
    pub field: Field,
    /// As it was; `None` where there was nothing.
    pub from: Option<String>,
    /// As it will be; `None` where there is nothing.
    pub to: Option<String>,
    /// The address that serves it so, where others serve another chain.
    pub address: Option<String>,
}

/// What is different about the new chain.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Every difference, in the order of [`Field`].
    pub differences: Vec<Difference>,
    /// The old leaf; `None` where none could be had.
    pub from: Option<Arc<Certificate>>,
    /// The new leaf; `None` where none could be had.
    pub to: Option<Arc<Certificate>>,
    /// Where the new chain ends, and whether that is trusted here.
    pub root: Option<NewRoot>,
    /// Whether the new one was seen on a connection, and not in a file.
    pub to_by_server: bool,
}

/// Where the new chain ends.
#[derive(Debug, Clone)]
pub struct NewRoot {
    /// The last certificate of the chosen path.
    pub certificate: Arc<Certificate>,
    /// Whether it is in the trust store.
    pub trusted: bool,
}

/// Hosts that both chains need, or only one of them.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    /// Only the new one.
    pub added: Vec<Way>,
    /// Only the old one.
    pub removed: Vec<Way>,
    /// Both.
    pub kept: Vec<Way>,
}

impl Hosts {
    /// By host, port and protocol. Of hosts that both need, what was seen for the new chain is kept.
    #[must_use]
    pub fn of(from: Vec<Way>, to: Vec<Way>) -> Self {
        let among = |way: &Way, ways: &[Way]| ways.iter().any(|other| other.place.is_at(&way.place));
        let removed = from.iter().filter(|way| !among(way, &to)).cloned().collect();
        let (kept, added) = to.into_iter().partition(|way| among(way, &from));
        Self { added, removed, kept }
    }
}

/// Compares two chains. Where either gave no certificate, nothing can be compared, and the list is empty. Where addresses
/// of the new one serve different chains, what is different about the others is told with their addresses.
#[must_use]
pub fn compare(from: &Examination, to: &Examination) -> Comparison {
    let leaves = (leaf(from), leaf(to));
    let mut differences = match &leaves {
        (Some(old), Some(new)) => differences((from, old), (to, new)),
        _ => Vec::new(),
    };
    for other in &to.others {
        let (Some(old), Some(new)) = (&leaves.0, leaf(other)) else { continue };
        let address = other.presented.as_ref().ok().and_then(Presented::address).map(|address| address.to_string());
        for difference in self::differences((from, old), (other, &new)) {
            if !differences.contains(&difference) {
                differences.push(Difference { address: address.clone(), ..difference });
            }
        }
    }
    let chosen = to.search.chosen();
    let root = chosen.and_then(|path| Some(NewRoot { certificate: Arc::clone(path.root()?), trusted: path.trusted }));
    let to_by_server = matches!(to.presented, Ok(Presented::ByServer { .. }));
    Comparison { differences, from: leaves.0, to: leaves.1, root, to_by_server }
}

fn leaf(examination: &Examination) -> Option<Arc<Certificate>> {
    examination.presented.as_ref().ok()?.leaf()?.decoded().cloned()
}

/// Collects what differs.
#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    /// A difference, if it is one.
    fn between(&mut self, field: Field, from: impl Into<Option<String>>, to: impl Into<Option<String>>) {
        let (from, to) = (from.into(), to.into());
        if from != to {
            self.0.push(Difference { field, from, to, address: None });
        }
    }
}

fn differences((from, old): (&Examination, &Certificate), (to, new): (&Examination, &Certificate)) -> Vec<Difference> {
    let mut found = Differences::default();
    if !old.subject.matches(&new.subject) {
        found.between(Field::Subject, old.subject.to_string(), new.subject.to_string());
    }
    if !old.issuer.matches(&new.issuer) {
        found.between(Field::Issuer, old.issuer.to_string(), new.issuer.to_string());
    }
    found.between(Field::Intermediates, listed(&intermediates(from)), listed(&intermediates(to)));
    roots(from, to, &mut found);
    found.between(Field::NamesLost, listed(&only_in(old, new)), None);
    found.between(Field::NamesGained, None, listed(&only_in(new, old)));
    found.between(Field::Key, key(old), key(new));
    if old.key.spki != new.key.spki {
        let short = |certificate: &Certificate| {
            let digest = Fingerprint::of(&certificate.key.spki).to_string();
            format!("SHA-256 {}…", digest.chars().take(16).collect::<String>())
        };
        found.between(Field::PublicKey, short(old), short(new));
    }
    found.between(
        Field::SignatureAlgorithm,
        old.signature_algorithm.name().to_owned(),
        new.signature_algorithm.name().to_owned(),
    );
    found.between(Field::Validity, validity(old), validity(new));
    if new.not_before > old.not_after {
        found.between(
            Field::ValidityGap,
            format!("ends {}", der::rfc3339(old.not_after)),
            format!("begins {}", der::rfc3339(new.not_before)),
        );
    }
    found.between(Field::ExtendedKeyUsage, purposes(old), purposes(new));
    found.between(Field::ClientAuth, yes_or_no(for_clients(from, old)), yes_or_no(for_clients(to, new)));
    found.between(Field::KeyUsage, key_usage(old), key_usage(new));
    found.between(Field::MustStaple, yes_or_no(old.must_staple), yes_or_no(new.must_staple));
    found.between(Field::Scts, scts(old), scts(new));
    found.between(Field::RevocationSources, sources(old), sources(new));
    chain_sent(from, to, &mut found);
    found.0
}

/// `RSA 2048`, `EC P-256`, `Ed25519`
fn key(certificate: &Certificate) -> String {
    let key = &certificate.key;
    let more = key.curve().map(ToOwned::to_owned).or_else(|| key.size_bits().map(|bits| bits.to_string()));
    let name = key.algorithm_name();
    more.filter(|more| more != name).map_or_else(|| name.to_owned(), |more| format!("{name} {more}"))
}

fn yes_or_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn listed(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(", "))
}

/// CA certificates of the chosen path but its root, in short.
fn intermediates(examination: &Examination) -> Vec<String> {
    let Some(path) = examination.search.chosen() else { return Vec::new() };
    let root = path.root().map(|root| root.sha256);
    let below_root = path.certificates.iter().skip(1).filter(|certificate| Some(certificate.sha256) != root);
    below_root.map(|certificate| certificate.subject.short()).collect()
}

/// A root that was issued anew under the same name and key is the same trust anchor (RFC 5280 §6.1.1 (d)).
fn roots(from: &Examination, to: &Examination, found: &mut Differences) {
    let root_of = |search: &PathSearch| search.chosen().and_then(|path| path.root()).cloned();
    match (root_of(&from.search), root_of(&to.search)) {
        (Some(old), Some(new)) => {
            let same_name = old.subject.matches(&new.subject);
            if !(same_name && old.key.spki == new.key.spki) {
                // Roots of one name are told apart by their thumbprints.
                let text = |certificate: &Certificate| match same_name {
                    true => format!("{} (SHA-256 {})", certificate.subject, certificate.sha256),
                    false => certificate.subject.to_string(),
                };
                found.between(Field::Root, text(&old), text(&new));
            }
        }
        (old, new) => {
            let text = |root: Option<Arc<Certificate>>| root.map(|root| root.subject.to_string());
            found.between(Field::Root, text(old), text(new));
        }
    }
}

/// Names of the one that the other does not cover, wildcards considered.
fn only_in(one: &Certificate, other: &Certificate) -> Vec<String> {
    let names = one.subject_alt_names.iter().flatten();
    names.filter(|name| !is_covered(name, other)).map(ToString::to_string).collect()
}

fn is_covered(name: &GeneralName, by: &Certificate) -> bool {
    let stands_there = by.subject_alt_names.iter().flatten().any(|other| other.matches(name) || other == name);
    let checked = |text: &str| hostname::check(by, Some(text)) == NameCheck::Covered;
    stands_there
        || match name {
            // A wildcard is covered by itself alone: it stands for more names than any list.
            GeneralName::Dns(dns) if dns.starts_with("*.") => false,
            GeneralName::Dns(dns) => checked(dns),
            GeneralName::Ip(address) => checked(&address.to_string()),
            _ => false,
        }
}

fn validity(certificate: &Certificate) -> String {
    let day = |time: Timestamp| der::rfc3339(time).chars().take(10).collect::<String>();
    let seconds = certificate.not_after.as_second().saturating_sub(certificate.not_before.as_second());
    let days = seconds.saturating_add(1) / 86_400;
    format!("{} to {} ({days} days)", day(certificate.not_before), day(certificate.not_after))
}

/// Whether the leaf and every CA certificate above it but the anchor allow it: clients apply the purposes of CA
/// certificates too. Absent, the extension restricts nothing, and `anyExtendedKeyUsage` neither (RFC 5280 §4.2.1.12).
fn for_clients(examination: &Examination, leaf: &Certificate) -> bool {
    let allows = |certificate: &Certificate| {
        certificate.extended_key_usage.as_ref().is_none_or(|purposes| {
            purposes.iter().any(|purpose| purpose == oid::CLIENT_AUTH || purpose == oid::ANY_EXTENDED_KEY_USAGE)
        })
    };
    let path = examination.search.chosen();
    let above = path.map(|path| path.certificates.as_slice()).unwrap_or_default().iter().skip(1);
    let anchor = path.and_then(|path| path.anchor()).map(|anchor| anchor.sha256);
    allows(leaf) && above.filter(|ca| Some(ca.sha256) != anchor).all(|ca| allows(ca))
}

fn purposes(certificate: &Certificate) -> String {
    match &certificate.extended_key_usage {
        None => "any".to_owned(),
        Some(purposes) => {
            let mut names: Vec<&str> = purposes
                .iter()
                .filter(|purpose| *purpose != oid::CLIENT_AUTH)
                .map(|purpose| purpose_name(purpose))
                .collect();
            names.sort_unstable();
            names.join(", ")
        }
    }
}

/// Names of the bits (RFC 5280 §4.2.1.3).
fn key_usage(certificate: &Certificate) -> String {
    const NAMES: [&str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];
    match certificate.key_usage {
        None => "any".to_owned(),
        Some(usage) => {
            let set = NAMES.iter().enumerate().filter(|(bit, _)| usage.0 >> bit & 1 == 1);
            set.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Whether there are any; their number says little.
fn scts(certificate: &Certificate) -> String {
    match certificate.extension(oid::SCT_LIST) {
        Some(_) => "embedded".to_owned(),
        None => "none".to_owned(),
    }
}

fn sources(certificate: &Certificate) -> String {
    match (certificate.crl_urls().is_empty(), certificate.ocsp_urls.is_empty()) {
        (false, false) => "CRL and OCSP",
        (false, true) => "CRL",
        (true, false) => "OCSP",
        (true, true) => "none",
    }
    .to_owned()
}

/// What is sent in the handshake. A lone certificate in a file claims no chain; what would be sent is then its path
/// without the root. A few octets more or less are no difference.
fn chain_sent(from: &Examination, to: &Examination, found: &mut Differences) {
    let sent = |examination: &Examination| -> Option<(usize, usize)> {
        let presented = examination.presented.as_ref().ok()?;
        let certificates = presented.certificates();
        let octets = |certificates: &mut dyn Iterator<Item = usize>| {
            certificates.fold((0, 0), |(n, sum), size| (n + 1, sum + size))
        };
        if certificates.len() == 1 && matches!(presented, Presented::InFile { .. }) {
            let path = examination.search.chosen()?;
            let last = path.certificates.last().map(|last| last.sha256);
            let mut below = path
                .certificates
                .iter()
                .filter(|it| Some(it.sha256) != last || !it.is_self_issued())
                .map(|certificate| certificate.der.len());
            return Some(octets(&mut below));
        }
        Some(octets(&mut certificates.iter().map(size)))
    };
    let (Some(old), Some(new)) = (sent(from), sent(to)) else { return };
    let (less, more) = (old.1.min(new.1), old.1.max(new.1));
    if old.0 != new.0 || (more - less).saturating_mul(10) > less {
        let text = |(count, octets): (usize, usize)| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{count} certificate{plural}, {octets} bytes")
        };
        found.between(Field::Chain, text(old), text(new));
    }
}

fn size(presented: &PresentedCertificate) -> usize {
    match presented {
        PresentedCertificate::Decoded(certificate) => certificate.der.len(),
        PresentedCertificate::Malformed { der, .. } => der.len(),
    }
}
