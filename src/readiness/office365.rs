//! What Office 365 needs of a server: TLS 1.2 or later with one of the suites it lists ("Preparing for TLS 1.2 in
//! Office 365", Microsoft).

use super::Readiness;
use crate::acquire::PresentedCertificate;
use crate::handshake::{CipherSuite, Version, Weakness};

/// The suites that Office 365 lists for TLS 1.2, in its order; the last two are without forward secrecy.
pub const OFFICE_365: [CipherSuite; 8] = [
    CipherSuite(0xc030),
    CipherSuite(0xc02f),
    CipherSuite(0xc028),
    CipherSuite(0xc027),
    CipherSuite(0xc014),
    CipherSuite(0xc013),
    CipherSuite(0x009d),
    CipherSuite(0x009c),
];

/// How a server stands to Office 365.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office365 {
    /// Whether TLS 1.2 is taken with a suite of the list; `None` where that could not be asked. The list has no suite of TLS
    /// 1.3, so that alone is no promise.
    pub compatible: Option<bool>,
    /// The suites of the list that the server takes with TLS 1.2, in the list's order.
    pub suites: Vec<CipherSuite>,
    /// The versions beyond which the server goes, though Office 365 has switched them off: nothing newer is there.
    pub needs_old_versions: Vec<Version>,
    /// Whether it takes nothing but triple DES with TLS 1.2.
    pub needs_triple_des: bool,
    /// Whether a served certificate, roots aside, is signed with SHA-1 or something older.
    pub sha1_in_chain: bool,
}

impl Office365 {
    pub(super) fn of(readiness: &Readiness) -> Self {
        let of_12 = readiness.version(Version::Tls12);
        let taken: Vec<CipherSuite> =
            of_12.map(|facts| facts.suites.iter().map(|accepted| accepted.suite).collect()).unwrap_or_default();
        let suites: Vec<CipherSuite> = OFFICE_365.into_iter().filter(|suite| taken.contains(suite)).collect();
        let of_13 = readiness.version(Version::Tls13).is_some_and(super::VersionFacts::is_accepted);
        // Where the list of suites may lack some, nothing is concluded from what is not in it.
        let is_whole = of_12.is_some_and(|facts| facts.cut_short.is_none());
        let known = of_12.filter(|_| is_whole).and_then(|facts| facts.support.known());
        let compatible = if suites.is_empty() { known.map(|_| false) } else { Some(true) };
        let newest = readiness.accepted().next().map(|facts| facts.version);
        let needs_old_versions = if newest.is_some_and(|newest| newest < Version::Tls12) {
            readiness.accepted().map(|facts| facts.version).collect()
        } else {
            Vec::new()
        };
        let needs_triple_des = is_whole
            && !of_13
            && !taken.is_empty()
            && taken.iter().all(|suite| suite.weaknesses().contains(&Weakness::TripleDes));
        let sha1_in_chain = readiness
            .chains
            .iter()
            .flat_map(|chain| &chain.certificates)
            .filter_map(PresentedCertificate::decoded)
            .any(|certificate| certificate.signature_algorithm.is_weak() && !certificate.is_self_issued());
        Self { compatible, suites, needs_old_versions, needs_triple_des, sha1_in_chain }
    }
}
