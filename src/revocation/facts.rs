//! What was observed at endpoints and what it says of certificates.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::net::{Attempt, HttpMethod};
use crate::x509::Fingerprint;
use crate::x509::extensions::RevocationReason;

/// What kind of object a URL is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointKind {
    /// `cRLDistributionPoints`
    Crl,
    /// `freshestCRL`
    DeltaCrl,
    /// `id-ad-ocsp`
    Ocsp,
    /// `id-ad-caIssuers`
    CaIssuers,
}

impl EndpointKind {
    /// What people call what should be there.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Crl => "CRL",
            Self::DeltaCrl => "delta CRL",
            Self::Ocsp => "OCSP",
            Self::CaIssuers => "caIssuers",
        }
    }
}

/// Why an endpoint was not contacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skipped {
    /// `--offline`
    Offline,
    /// A scheme other than http, https, ldap and ldaps; for OCSP the latter too.
    UnsupportedScheme {
        /// The scheme.
        scheme: String,
    },
    /// An LDAP URL without a host: it means the directory of whoever reads it (RFC 4516 §2).
    NoDirectory {
        /// `ldap` or `ldaps`.
        scheme: String,
    },
    /// Not a URL.
    InvalidUrl {
        /// Why.
        reason: String,
    },
    /// `--deny-private`: it leads to such an address.
    Denied {
        /// The address or name.
        address: String,
    },
    /// OCSP without a known issuer: no request can be made.
    NoIssuer,
    /// Past the count limit of URLs for one target.
    TooMany,
}

/// Whether a signature was looked at, and how it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureState {
    /// It verifies.
    Valid,
    /// It does not.
    Invalid,
    /// No key at hand, or the object was not read that far.
    #[default]
    Unchecked,
}

/// One endpoint, with all that was seen there. For OCSP: one for each URL and certificate.
#[derive(Debug, Clone)]
pub struct EndpointFacts {
    /// The URL as the certificate has it.
    pub url: String,
    /// Its kind.
    pub kind: EndpointKind,
    /// Every certificate that names it (for OCSP the one asked about).
    pub certificates: Vec<Fingerprint>,
    /// Why it was not contacted, if so.
    pub skipped: Option<Skipped>,
    /// Every attempt, in order. An attempt whose body is no object of the kind is `Malformed` here.
    pub attempts: Vec<Attempt>,
    /// What the best answer holds.
    pub content: Option<Content>,
    /// What is wrong with the content, most telling first.
    pub defects: Vec<ContentDefect>,
    /// Whether the content passed every check that matters, so that its word counts (for a CRL: of at
    /// least one certificate; for caIssuers: that it holds the issuer).
    pub usable: bool,
}

/// What an endpoint served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A CRL.
    Crl(CrlContent),
    /// An OCSP response.
    Ocsp(OcspContent),
    /// Certificates.
    CaIssuers {
        /// `der`, `pem` or `pkcs7`.
        format: &'static str,
        /// SHA-256 of each.
        certificates: Vec<Fingerprint>,
        /// Subject of the first.
        subject: Option<String>,
    },
}

/// A CRL in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlContent {
    /// `issuer`, RFC 4514.
    pub issuer: String,
    /// `thisUpdate`
    pub this_update: Timestamp,
    /// `nextUpdate`
    pub next_update: Option<Timestamp>,
    /// Microsoft's *next CRL publish*.
    pub next_publish: Option<Timestamp>,
    /// Signature.
    pub signature: SignatureState,
    /// Signature algorithm's name.
    pub signature_algorithm: String,
    /// Number of entries.
    pub entries: u64,
    /// Octets of DER.
    pub size: u64,
    /// `cRLNumber`, hexadecimal.
    pub number: Option<String>,
    /// Whether it is a delta CRL.
    pub delta: bool,
}

/// An OCSP response in short. Times and status are of the matching single response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspContent {
    /// `good`, `revoked`, `unknown`; `None` where the response has no answer for the certificate.
    pub certificate_status: Option<Answer>,
    /// Who answers: a name (RFC 4514) or `key:` and the key hash in hexadecimal.
    pub responder: Option<String>,
    /// `producedAt`
    pub produced_at: Option<Timestamp>,
    /// `thisUpdate`
    pub this_update: Option<Timestamp>,
    /// `nextUpdate`
    pub next_update: Option<Timestamp>,
    /// Signature.
    pub signature: SignatureState,
}

/// What a source says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: Option<RevocationReason>,
    },
    /// The source knows nothing of it.
    Unknown,
}

/// What is wrong with an object. Text in it may come from the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentDefect {
    /// `crl.expired`, `ocsp.expired`
    Expired {
        /// `nextUpdate`
        next_update: Timestamp,
    },
    /// `crl.not-yet-valid`, `ocsp.not-yet-valid`
    NotYetValid {
        /// `thisUpdate` (or `producedAt`).
        this_update: Timestamp,
    },
    /// `crl.malformed`, `ocsp.malformed`, `aia.malformed`
    Malformed {
        /// What does not decode, or what came instead.
        reason: String,
    },
    /// `crl.bad-signature`, `ocsp.bad-signature`
    BadSignature {
        /// Whose key it was checked with.
        signer: String,
    },
    /// The signature's algorithm is none this tool can verify: told under `*.bad-signature`'s code with these words.
    UnsupportedSignature {
        /// Which.
        algorithm: String,
    },
    /// `crl.wrong-issuer`, `aia.wrong-issuer`
    WrongIssuer {
        /// Who should have.
        expected: String,
        /// Who did.
        found: String,
    },
    /// `crl.out-of-scope`
    OutOfScope {
        /// The certificate it does not cover.
        certificate: Fingerprint,
        /// Which part of the scope excludes it.
        reason: String,
    },
    /// `crl.unknown-critical-extension`
    UnknownCriticalExtension {
        /// Dotted OID.
        oid: String,
        /// Whether of an entry.
        entry: bool,
    },
    /// `crl.expiring`
    Expiring {
        /// `nextUpdate`
        next_update: Option<Timestamp>,
        /// *next CRL publish*, when that has passed.
        next_publish: Option<Timestamp>,
    },
    /// `crl.unverified`
    Unverified,
    /// `crl.weak-signature`, `ocsp.weak-signature`
    WeakSignature {
        /// Its name.
        algorithm: String,
    },
    /// `crl.no-next-update`
    NoNextUpdate,
    /// `crl.not-der`, `aia.not-der`
    NotDer {
        /// `PEM`, `PKCS#7`.
        format: &'static str,
    },
    /// `crl.too-large` as information: past 44 MB.
    Large {
        /// Octets.
        size: u64,
    },
    /// `ocsp.unauthorized-responder`
    UnauthorizedResponder {
        /// Who answered, and what it lacks.
        reason: String,
    },
    /// `ocsp.wrong-certificate`
    WrongCertificate {
        /// What it answers for, as far as it can be told.
        found: String,
    },
    /// `ocsp.nonce-mismatch`
    NonceMismatch,
    /// `ocsp.error-status`
    ErrorStatus {
        /// Its name.
        status: &'static str,
    },
    /// `ocsp.unknown`
    UnknownStatus,
    /// `good` of a certificate that ended before the responder's records begin: told under `ocsp.unknown`'s code.
    NotArchived {
        /// `archiveCutoff`
        cutoff: Timestamp,
    },
    /// The defect's own code: the response to this method has it, and the other method gave a usable one.
    ByOneMethod {
        /// Which method.
        method: HttpMethod,
        /// What is wrong with its response.
        defect: Box<ContentDefect>,
    },
    /// `ocsp.get-failed`: POST gave a usable answer, GET no response.
    GetFailed {
        /// What GET gave.
        reason: String,
    },
    /// `ocsp.post-failed`: the other way round.
    PostFailed {
        /// What POST gave.
        reason: String,
    },
}

impl ContentDefect {
    /// Whether it keeps the object's word from counting (for [`Self::OutOfScope`] and [`Self::WrongIssuer`]:
    /// for the certificates that it concerns).
    #[must_use]
    pub fn is_blocking(&self) -> bool {
        !matches!(
            self,
            Self::Expiring { .. }
                | Self::WeakSignature { .. }
                | Self::NoNextUpdate
                | Self::NotDer { .. }
                | Self::Large { .. }
                | Self::ByOneMethod { .. }
                | Self::GetFailed { .. }
                | Self::PostFailed { .. }
        )
    }
}

/// Kind of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// CRL, base or delta, fetched or from a file.
    Crl,
    /// OCSP, fetched or from a file.
    Ocsp,
    /// Stapled OCSP.
    Staple,
}

/// What one source says of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceAnswer {
    /// Kind.
    pub kind: SourceKind,
    /// URL, or the file's path; `None` for a staple.
    pub url: Option<String>,
    /// Its word; `None` when it gave none that counts ("failed").
    pub answer: Option<Answer>,
    /// `thisUpdate` of what it says.
    pub dated: Option<Timestamp>,
}

/// Revocation status of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A source that passed every check says so, and none says revoked.
    Good,
    /// A source that passed every check says so.
    Revoked,
    /// Sources were asked, and the question is open.
    Unknown,
    /// Nothing was asked: no source named, or offline.
    NotChecked,
}

/// Where two usable sources contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Who says revoked.
    pub revoked_by: String,
    /// Who says good, later than the revocation.
    pub good_by: String,
    /// When that was issued.
    pub good_dated: Timestamp,
}

/// All that is known of a certificate's revocation.
#[derive(Debug, Clone)]
pub struct CertificateStatus {
    /// The certificate.
    pub certificate: Fingerprint,
    /// The outcome.
    pub status: Status,
    /// Every source.
    pub sources: Vec<SourceAnswer>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Why.
    pub reason: Option<RevocationReason>,
    /// A contradiction.
    pub conflict: Option<Conflict>,
    /// Why the status stays open although no source has a defect of its own (reasons left
    /// uncovered, files that do not cover it).
    pub undetermined: Option<String>,
}

/// The stapled response, judged like a fetched one.
#[derive(Debug, Clone)]
pub struct StapleFacts {
    /// What it holds.
    pub content: Option<OcspContent>,
    /// What is wrong with it.
    pub defects: Vec<ContentDefect>,
    /// Whether its word counts.
    pub usable: bool,
}

/// A `--crl` or `--ocsp-response` file, judged.
#[derive(Debug, Clone)]
pub struct FileFacts {
    /// Its path.
    pub path: String,
    /// Kind: `Crl` or `Ocsp`.
    pub kind: EndpointKind,
    /// What it holds.
    pub content: Option<Content>,
    /// What is wrong with it.
    pub defects: Vec<ContentDefect>,
    /// Whether its word counts for at least one certificate.
    pub usable: bool,
}

/// Everything about revocation of one target.
#[derive(Debug, Clone, Default)]
pub struct RevocationFacts {
    /// Endpoints, in the order of the path and of the certificate's extensions.
    pub endpoints: Vec<EndpointFacts>,
    /// Status of each subject, in their order.
    pub statuses: Vec<CertificateStatus>,
    /// The staple, where there was one.
    pub staple: Option<StapleFacts>,
    /// Files given.
    pub files: Vec<FileFacts>,
}

impl RevocationFacts {
    /// The certificates that are revoked.
    #[must_use]
    pub fn revoked(&self) -> HashSet<Fingerprint> {
        let revoked = self.statuses.iter().filter(|status| status.status == Status::Revoked);
        revoked.map(|status| status.certificate).collect()
    }
}
