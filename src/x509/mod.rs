//! Parsed views of certificates, CRLs and OCSP messages.
//!
//! Input: octets from a server, an endpoint or a file. Output: owned values whose field names are
//! those of RFC 5280 and RFC 6960. Pure: no sockets, no clock, no files. Everything here accepts
//! hostile octets and answers with a value or an error, never a panic.

pub mod certificate;
pub mod cms;
pub mod crl;
pub mod der;
pub mod extensions;
pub mod key;
pub mod name;
pub mod ocsp;
pub mod pem;
pub mod pkcs12;
pub mod policies;
pub mod signature;
pub mod written;

pub use certificate::{Certificate, CertificateError, Fingerprint, Serial};
pub use extensions::{DistributionPoint, DistributionPointName, GeneralName, ReasonFlags, RevocationReason};
pub use key::{KeyAlgorithm, PublicKey};
pub use name::Name;
pub use signature::{AlgorithmIdentifier, SignatureError};
pub use written::WrittenName;
