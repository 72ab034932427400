//! Certs-only CMS messages, the `.p7c` and `.p7b` files (RFC 5652 §5.1, RFC 5280 §4.2.2.1).

use bytes::Bytes;

/// The DER of every certificate in a `SignedData`, in order; `None` when the octets are no such
/// thing. BER with indefinite lengths, as some CAs serve, is accepted.
#[must_use]
pub fn certificates(input: &Bytes) -> Option<Vec<Bytes>> {
    let _ = input;
    todo!()
}
