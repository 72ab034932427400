//! What can be wrong with a path, as facts; `finding` gives them code, severity and words.

use jiff::Timestamp;

use super::policy::PolicyFault;
use super::profile;
use crate::x509::Fingerprint;
use crate::x509::key::KeyWeakness;

/// One rule broken by one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// The certificate at fault.
    pub certificate: Fingerprint,
    /// The rule and the values.
    pub kind: DefectKind,
}

/// The rules (RFC 5280 §6.1 unless said otherwise). Text in them may come from certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefectKind {
    /// `notAfter` lies before the instant.
    Expired {
        /// The end.
        not_after: Timestamp,
    },
    /// `notBefore` lies after the instant.
    NotYetValid {
        /// The beginning.
        not_before: Timestamp,
    },
    /// The path ends in a self-issued certificate that is not in the trust store.
    UntrustedRoot {
        /// Its subject.
        subject: String,
    },
    /// The leaf signs itself and is no trust anchor.
    SelfSigned,
    /// No certificate of this name was found that could have issued it.
    NoIssuer {
        /// The issuer's name.
        issuer: String,
        /// caIssuers URLs that were there to ask.
        ca_issuers_urls: Vec<String>,
    },
    /// Its issuer is below it in the path: the CAs have issued each other, and none leads further up.
    Circle {
        /// The issuer's name.
        issuer: String,
    },
    /// The signature does not verify with any candidate issuer's key.
    BadSignature {
        /// Subject of the issuer tried.
        issuer: String,
    },
    /// Signature algorithm or key that cannot be verified here.
    UnsupportedAlgorithm {
        /// Which.
        algorithm: String,
    },
    /// The key is too weak.
    WeakKey(KeyWeakness),
    /// MD2, MD5 or SHA-1.
    WeakSignature {
        /// Its name.
        algorithm: String,
    },
    /// It issued a certificate but is no CA: `basicConstraints` absent or without `cA`.
    NotACa {
        /// Whether the extension is there at all.
        basic_constraints_present: bool,
        /// Its version: before 3 there was no such extension.
        version: u32,
    },
    /// More intermediates below it than `pathLenConstraint` allows.
    PathLength {
        /// The limit.
        limit: u32,
        /// Non-self-issued intermediates below it.
        found: usize,
    },
    /// `keyUsage` without `keyCertSign`.
    KeyUsage,
    /// The end entity's `keyUsage` does not let it shake hands.
    LeafKeyUsage {
        /// What it lacks.
        needed: &'static str,
    },
    /// A name below it lies outside its `nameConstraints`.
    NameConstraints {
        /// The name, with its form.
        name: String,
        /// The constraint.
        constraint: String,
        /// The certificate that bears the name.
        holder: Fingerprint,
    },
    /// Its `nameConstraints` do not say what is allowed.
    MalformedNameConstraints {
        /// Why not.
        reason: String,
    },
    /// Comparing the names below with its `nameConstraints` would take too long.
    TooManyNameConstraints,
    /// Certificate policies (RFC 5280 §6.1.3 (d) to (f), §6.1.5 (g)).
    Policy(PolicyFault),
    /// Not what a certificate has to be like for strict clients.
    Profile(profile::Violation),
    /// A critical extension that is not processed.
    UnknownCriticalExtension {
        /// Dotted OID.
        oid: String,
    },
    /// `extKeyUsage` without the purpose.
    WrongPurpose {
        /// What it has, as names or OIDs.
        found: Vec<String>,
        /// What was needed.
        wanted: &'static str,
    },
    /// The search limit was reached.
    TooComplex,
}
