//! What a CRL says of a certificate, and whether its word counts (RFC 5280 §6.3).
