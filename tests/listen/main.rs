//! `certflight listen` on loopback: real clients, each restricted to every version that it can be made to offer, are
//! reported rightly; what is passed on arrives untouched; and no stranger stops it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(unreachable_pub, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod clients;
mod listening;
mod mail;
mod passing;
mod strangers;
mod telling;
