//! What an OCSP response says of a certificate, and whether its word counts (RFC 6960 §3.2, §4.2.2.2).
