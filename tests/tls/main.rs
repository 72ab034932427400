//! `certflight tls` against real servers: every configuration of `testdata/tls-servers.toml` is started on loopback, and
//! what the tool reports has to be what the server was configured with, and what sslscan says, where that can tell.
//!
//! `CERTFLIGHT_TLS_SERVER=TEXT` runs only the configurations with that text in their names.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(unreachable_pub, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod agreement;
mod certificates;
mod configuration;
mod facts;
mod programs;
mod report;
mod responder_server;
mod rustls_server;
mod server;
mod sslscan;
