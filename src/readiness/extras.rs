//! What takes connections of its own: the downgrade signal, and what TLS 1.3 tells only under encryption.

use super::elimination::Inquiry;
use super::offer::{self, Offer};
use super::prober::Reply;
use super::{Readiness, VersionFacts};
use crate::handshake::{Alert, CipherSuite, Version};

/// Asks what was not answered on the way.
pub(super) async fn ask(inquiry: &Inquiry<'_>, readiness: &mut Readiness) {
    readiness.fallback_scsv = fallback(inquiry, readiness).await;
}

/// Offers the second newest version as if the newest had failed: a server that knows the signal refuses (RFC 7507 §3).
async fn fallback(inquiry: &Inquiry<'_>, readiness: &Readiness) -> Option<bool> {
    let accepted: Vec<&VersionFacts> = readiness.accepted().filter(|facts| facts.version >= Version::Ssl3).collect();
    let [_, second, ..] = accepted.as_slice() else { return None };
    let mut suites: Vec<CipherSuite> = second.suites.iter().map(|accepted| accepted.suite).collect();
    suites.push(CipherSuite::FALLBACK_SCSV);
    let offer = Offer { suites, groups: offer::curves(), schemes: offer::schemes(), ..Offer::default() };
    let prober = inquiry.prober;
    match prober.ask(&offer.hello(second.version, prober.door.server_name())).await {
        Reply::Alert(Alert { description: Alert::INAPPROPRIATE_FALLBACK, .. }) => Some(true),
        Reply::Hello(_) => Some(false),
        _ => None,
    }
}
