//! caIssuers: certificates as DER, PEM or certs-only PKCS#7, and whether one of them did issue (RFC 5280 §4.2.2.1).
