//! A TLS handshake that keeps whatever the server presents (RFC 8446, RFC 5246).
