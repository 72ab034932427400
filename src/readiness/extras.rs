//! What takes connections of its own: the downgrade signal, resumption, and what TLS 1.3 tells only under encryption.

use futures_util::future::{join_all, join3};

use super::elimination::{Findings, Inquiry};
use super::offer::{self, Offer};
use super::prober::{Prober, Reply};
use super::{Readiness, VersionFacts};
use crate::acquire::glimpse::{Glimpse, Onlooker};
use crate::handshake::{Alert, CipherSuite, Group, KeyKind, SignatureScheme, Version};

/// Asks what was not answered on the way.
pub(super) async fn ask(inquiry: &Inquiry<'_>, readiness: &mut Readiness) {
    let only_13 = readiness.accepted().all(|facts| facts.version == Version::Tls13);
    let alpn = if only_13 { inquiry.options.alpn.as_slice() } else { &[] };
    let (fallback, sessions, schemes) = join3(
        fallback(inquiry, readiness),
        sessions(inquiry.prober, inquiry.findings, readiness, only_13, alpn),
        schemes_of_13(inquiry, readiness, only_13),
    )
    .await;
    readiness.fallback_scsv = fallback;
    readiness.resumption = sessions.resumed;
    if let Some(newest) = readiness.versions.last_mut().filter(|facts| facts.version == Version::Tls13 && only_13) {
        newest.signature_schemes = schemes;
        if !alpn.is_empty() {
            newest.alpn = sessions.alpn;
        }
    }
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

#[derive(Default)]
struct Sessions {
    resumed: Option<bool>,
    alpn: Option<Vec<Vec<u8>>>,
}

/// Two whole handshakes, the second with the session of the first; where TLS 1.3 is all there is, the first with either kind
/// of key, for the certificates.
async fn sessions(
    prober: &Prober<'_>,
    findings: &Findings,
    readiness: &Readiness,
    only_13: bool,
    alpn: &[Vec<u8>],
) -> Sessions {
    if readiness.accepted().next().is_none_or(|newest| newest.version < Version::Tls12) {
        return Sessions::default();
    }
    let kinds: &[Option<KeyKind>] = if only_13 { &[Some(KeyKind::Rsa), Some(KeyKind::Ecdsa)] } else { &[None] };
    let firsts = join_all(kinds.iter().map(|kind| async {
        let onlooker = Onlooker::new(*kind, alpn)?;
        let glimpse = glimpse(prober, &onlooker).await?;
        if only_13 {
            findings.chain(*kind, &glimpse.served);
        }
        Some((onlooker, glimpse))
    }))
    .await;
    let Some((onlooker, first)) = firsts.into_iter().flatten().next() else { return Sessions::default() };
    let second = glimpse(prober, &onlooker).await;
    // Where the first came to nothing there was no session to be resumed.
    let second = second.filter(|second| second.resumed || !first.broken_off);
    Sessions { resumed: second.map(|second| second.resumed), alpn: Some(first.alpn.into_iter().collect()) }
}

async fn glimpse(prober: &Prober<'_>, onlooker: &Onlooker) -> Option<Glimpse> {
    let entered = prober.enter().await.ok()?;
    let door = prober.door;
    let step = door.network().options().limits.step;
    onlooker.glimpse(entered.stream, door.server_name(), step, door.deadline()).await
}

/// TLS 1.3 signs under encryption, but refuses in plain text where nothing it could sign with is offered: each scheme by
/// itself. A share is sent along, since a server that asks for one has not looked at the schemes yet.
async fn schemes_of_13(inquiry: &Inquiry<'_>, readiness: &Readiness, only_13: bool) -> Vec<SignatureScheme> {
    let Some(newest) = readiness.version(Version::Tls13).filter(|facts| only_13 && facts.is_accepted()) else {
        return Vec::new();
    };
    let shares: Vec<Group> =
        [Group::X25519, Group::SECP256R1].into_iter().filter(|group| newest.groups.contains(group)).take(1).collect();
    if shares.is_empty() {
        return Vec::new();
    }
    let offer = Offer {
        suites: newest.suites.iter().map(|accepted| accepted.suite).collect(),
        groups: shares.clone(),
        shares,
        ..Offer::default()
    };
    let prober = inquiry.prober;
    // PKCS #1 is for certificates only there, and so are hashes of old (RFC 8446 §4.2.3).
    let asked = offer::schemes()
        .into_iter()
        .filter(|scheme| scheme.0 >= 0x0804 || matches!(scheme.0, 0x0403 | 0x0503 | 0x0603));
    let answers = join_all(asked.map(|scheme| {
        let offer = Offer { schemes: vec![scheme], ..offer.clone() };
        async move {
            let reply = prober.ask(&offer.hello(Version::Tls13, prober.door.server_name())).await;
            matches!(reply, Reply::Hello(hello) if hello.0.version == Some(Version::Tls13) && !hello.0.is_retry)
                .then_some(scheme)
        }
    }))
    .await;
    answers.into_iter().flatten().collect()
}
