//! Protocols that turn to TLS in the middle of a plain-text conversation, one file each.

pub mod smtp;
