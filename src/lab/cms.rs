//! Wraps certificates as a certs-only `SignedData` (RFC 5652 §5, RFC 8551 §3.8): a `.p7c` file.

use super::der;

/// The message that holds these certificates and nothing else.
#[must_use]
pub fn certs_only(certificates: &[&[u8]]) -> Vec<u8> {
    let signed_data = der::sequence(&[
        der::integer(1),
        der::set_of(&[]),
        der::sequence(&[der::oid(&[1, 2, 840, 113_549, 1, 7, 1])]),
        der::tlv(0xa0, &certificates.concat()),
        der::set_of(&[]),
    ]);
    der::sequence(&[der::oid(&[1, 2, 840, 113_549, 1, 7, 2]), der::explicit(0, &signed_data)])
}
