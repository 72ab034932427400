//! TLS handshake messages in plain text, from SSL 2 to TLS 1.3: what a client offers and what a server answers.
//!
//! Pure, no I/O. Input: octets, or facts to be encoded. Output: [`ClientHello`], [`Flight`]. Messages are written here,
//! because the TLS library offers nothing older than TLS 1.2; records, messages and extensions that come in are read by
//! tls-parser (RFC 2246, 4346, 5246, 6101, 8446).

mod client_hello;
mod extension;
mod group;
mod ja4;
mod server;
mod signature;
pub mod ssl2;
mod suite;
mod version;

pub use client_hello::{ClientHello, HelloError, HelloReader, MAX_HELLO, Offered};
pub use extension::Extension;
pub use group::Group;
pub use ja4::ja4;
pub use server::{Alert, Flight, FlightReader, KeyExchange, Reading, ServerHello};
pub use signature::{KeyKind, SignatureScheme};
pub use suite::{Authentication, CipherSuite, Weakness};
pub use version::Version;
