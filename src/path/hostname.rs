//! Whether a certificate covers a name (RFC 9525 §6; RFC 5891 for internationalised names).

use crate::x509::Certificate;

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
    let _ = (certificate, name);
    todo!()
}
