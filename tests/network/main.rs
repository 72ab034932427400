//! The truth about the network: every outcome word of the report on its real cause, and for each cause the message and
//! the remedy that the person in charge needs. Client, firewall and servers stand in network namespaces of the test's
//! own; the servers are the real ones: nginx, dnsmasq, Postfix, OpenLDAP, Squid, mitmproxy.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(unreachable_pub, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod causes;
mod firewall;
mod inspection;
mod names;
mod proxies;
mod servers;
mod world;
