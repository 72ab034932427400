//! `check` against the servers of every protocol that turns to TLS on request: Postfix, Exim, Dovecot, vsftpd, OpenLDAP,
//! Prosody, INN, PostgreSQL, MariaDB and xrdp, each with TLS and without. SQL Server, which cannot be had, is played by a
//! responder that follows [MS-TDS].
//!
//! Servers whose packages cannot be installed beside the others are unpacked only (`test.sh` does it); they are started in a
//! mount namespace with an `/etc` of the test's own.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(unreachable_pub, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod chat;
mod crossed;
mod databases;
mod desktop;
mod directory;
mod files;
mod mail;
mod news;
mod sql_server;
mod stand;
