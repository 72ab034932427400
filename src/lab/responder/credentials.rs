//! Certificates for a server that is looked at by itself, without a scenario.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::handshake::KeyKind;
use crate::lab::LabError;
use crate::lab::ca::{Issued, KeyPurpose, Profile, issue};
use crate::lab::key::{self, Key};
use crate::lab::offset::Offset;

/// A root and a leaf of each kind of key, none of which names a revocation source.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The root, self-signed.
    pub root: Issued,
    /// A leaf with an RSA key of 2048 bits.
    pub rsa: Issued,
    /// A leaf with an ECDSA key on P-256.
    pub ecdsa: Issued,
}

impl Credentials {
    /// Issues them for these DNS names and addresses, valid for thirty days from the day before `now`.
    ///
    /// # Errors
    /// Names that no certificate can hold.
    pub fn issue(names: &[&str], now: Timestamp) -> Result<Self, LabError> {
        let day = |days: i64| Offset(SignedDuration::from_hours(days.saturating_mul(24)).as_secs());
        let authority = Profile::authority("Lab Responder Root", day(-1), day(30));
        let root_key = Arc::new(Key::new(key::KeyKind::P256)?);
        let root = issue(&authority, &root_key, None, now)?;
        let leaf = |kind| {
            let profile = Profile {
                subject: "Lab Responder".to_owned(),
                ca: false,
                names: names.iter().map(|name| (*name).to_owned()).collect(),
                purposes: vec![KeyPurpose::ServerAuth],
                ..authority.clone()
            };
            issue(&profile, &Arc::new(Key::new(kind)?), Some((authority.name(), root_key.as_ref())), now)
        };
        Ok(Self { rsa: leaf(key::KeyKind::Rsa2048)?, ecdsa: leaf(key::KeyKind::P256)?, root })
    }

    /// The leaves, each a chain of its own.
    #[must_use]
    pub fn chains(&self) -> Vec<(KeyKind, Vec<Bytes>)> {
        vec![(KeyKind::Rsa, vec![self.rsa.der.clone()]), (KeyKind::Ecdsa, vec![self.ecdsa.der.clone()])]
    }
}
