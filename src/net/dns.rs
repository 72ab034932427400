//! Names to addresses (RFC 1034, hosts file), with the class of failure kept.

use std::net::IpAddr;
use std::time::Duration;

use super::outcome::Failure;

/// What a name resolved to.
#[derive(Debug, Clone, Default)]
pub struct Resolution {
    /// Addresses in the order to try them; empty when `failure` says why.
    pub addresses: Vec<IpAddr>,
    /// Why there are none.
    pub failure: Option<Failure>,
    /// How long it took; `None` where no resolver was asked (literal, pinned).
    pub elapsed: Option<Duration>,
}
