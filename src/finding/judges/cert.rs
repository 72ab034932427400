//! `cert.*`: certificates in themselves: those presented that do not decode, and those of the chosen path.

use jiff::{SignedDuration, Timestamp};

use super::{Case, Sink, Weight, is_top, path};
use crate::acquire::{Presented, PresentedCertificate};
use crate::finding::catalogue::{cert as codes, path as path_codes};
use crate::finding::wording::{list, relative, span, when};
use crate::finding::{About, Policy};
use crate::path::hostname::NameCheck;
use crate::path::{Defect, DefectKind, Purpose, validator};
use crate::x509::extensions::oid;
use crate::x509::{Certificate, KeyAlgorithm};

const DAY: i64 = 86_400;

/// Limits of a public leaf's validity in days, by date of issue (seconds since 1970), latest first
/// (Baseline Requirements §6.3.2).
const VALIDITY_LIMITS: [(i64, i64); 5] =
    [(1_868_227_200, 47), (1_805_068_800, 100), (1_773_532_800, 200), (1_598_918_400, 398), (1_519_862_400, 825)];

pub(super) fn judge(case: &Case<'_>, sink: &mut Sink) {
    malformed(case, sink);
    name(case, sink);
    let Some(chosen) = case.chosen() else { return };
    for (position, certificate) in chosen.certificates.iter().enumerate() {
        let is_root = is_top(chosen, position);
        in_itself(case, certificate, is_root, sink);
        expiring(case, certificate, sink);
        if !is_root {
            revocation_source(case, certificate, position == 0, sink);
        }
    }
    if let Some(leaf) = case.leaf() {
        unsupported_key(case, leaf, sink);
        must_staple(case, leaf, sink);
        if case.examination.publicly_trusted && chosen.judgement.valid && is_for_servers(leaf, case.examination.purpose)
        {
            validity(case, leaf, sink);
            transparency(case, leaf, sink);
        }
    }
}

/// What does not decode, in any connection.
fn malformed(case: &Case<'_>, sink: &mut Sink) {
    let lists: Vec<&[PresentedCertificate]> = match case.presented {
        Presented::ByServer { connections, .. } => connections.iter().map(|made| made.served.as_slice()).collect(),
        Presented::InFile { certificates, .. } => vec![certificates.as_slice()],
    };
    for (position, presented) in lists.into_iter().flat_map(|list| list.iter().enumerate()) {
        let PresentedCertificate::Malformed { sha256, error, .. } = presented else { continue };
        let message = format!("{}: certificate {} does not decode: {error}", case.place, position.saturating_add(1));
        let remedy = "install the file again as the CA delivered it, and check it with `openssl x509`".to_owned();
        sink.report(codes::MALFORMED, Weight::Usual, About::Certificate(*sha256), message, remedy);
    }
}

fn name(case: &Case<'_>, sink: &mut Sink) {
    let Some(leaf) = case.leaf() else { return };
    let about = About::Certificate(leaf.sha256);
    match &case.examination.name_check {
        NameCheck::NotAsked | NameCheck::Covered => {}
        NameCheck::Mismatch { name, covered, near } => {
            let names = if covered.is_empty() { "no name at all".to_owned() } else { list(covered) };
            let why = near.as_ref().map_or_else(String::new, |(entry, reason)| format!(" ({entry}: {reason})"));
            let verb = if near.is_some() { "names" } else { "covers" };
            let message = format!("{} does not cover {name}; it {verb} {names}{why}", case.names.called(&leaf.sha256));
            let remedy = format!(
                "have the server's operator get a certificate that includes {name}, or configure the one that does for this name"
            );
            sink.report(codes::NAME_MISMATCH, Weight::Usual, about, message, remedy);
        }
        NameCheck::NoSubjectAltName { name, common_name } => {
            let common = common_name
                .as_ref()
                .map_or_else(String::new, |name| format!(" (its common name {name} does not count)"));
            let message = format!(
                "{} has no subjectAltName, so it does not cover {name}{common}",
                case.names.called(&leaf.sha256)
            );
            let remedy = format!("have the certificate issued anew with {name} as subjectAltName");
            sink.report(codes::NO_SAN, Weight::Usual, about, message, remedy);
        }
    }
}

/// What every verifier looks at, also where the judge of the path does not: roots, and what an earlier fault hides.
fn in_itself(case: &Case<'_>, certificate: &Certificate, is_root: bool, sink: &mut Sink) {
    let mut broken = Vec::new();
    broken.extend(validator::dates(certificate, case.at));
    broken.extend(certificate.key.weakness().map(DefectKind::WeakKey));
    // Nobody relies on a root's signature of itself.
    if !is_root && certificate.signature_algorithm.is_weak() {
        broken.push(DefectKind::WeakSignature { algorithm: certificate.signature_algorithm.name().to_owned() });
    }
    for kind in broken {
        path::report(case, &Defect { certificate: certificate.sha256, kind }, sink);
    }
}

/// The handshake proves nothing with a key that cannot be verified with; whether that of a CA can be, its signatures tell.
fn unsupported_key(case: &Case<'_>, leaf: &Certificate, sink: &mut Sink) {
    if leaf.key.is_verifiable() || leaf.key.weakness().is_some() {
        return;
    }
    let who = case.names.called(&leaf.sha256);
    let key = match (&leaf.key.algorithm, leaf.key.curve()) {
        (KeyAlgorithm::Rsa { bits }, _) => format!("RSA with {bits} bits"),
        (_, Some("explicit parameters")) => "a curve given by its parameters and not by name".to_owned(),
        (_, Some(curve)) => format!("the curve {curve}"),
        (_, None) => leaf.key.algorithm_name().to_owned(),
    };
    let message = format!("the key of {who} cannot be used in a handshake here: {key} is not supported");
    let remedy =
        format!("make a new key (RSA 2048 to 8192 bits, or ECDSA P-256) and have {} certify it", leaf.issuer.short());
    let about = About::Certificate(leaf.sha256);
    sink.report(path_codes::UNSUPPORTED_ALGORITHM, Weight::Usual, about, message, remedy);
}

/// How near its end a certificate is.
fn nearness(certificate: &Certificate, policy: &Policy, at: Timestamp) -> Option<Weight> {
    let lifetime = certificate.not_after.duration_since(certificate.not_before);
    let left = certificate.not_after.duration_since(at);
    let days = |days: u32| SignedDuration::from_secs(i64::from(days).saturating_mul(DAY));
    let warn = policy.warn_days.map_or_else(|| (lifetime / 4).min(days(30)), days);
    let crit = policy.crit_days.map_or_else(|| (lifetime / 10).min(days(7)), days);
    if left < crit {
        Some(Weight::Grave)
    } else if left < warn {
        Some(Weight::Usual)
    } else {
        None
    }
}

/// One that has expired is `cert.expired` only.
fn expiring(case: &Case<'_>, certificate: &Certificate, sink: &mut Sink) {
    if !certificate.valid_at(case.at) {
        return;
    }
    let Some(weight) = nearness(certificate, case.policy, case.at) else { return };
    let who = case.names.called(&certificate.sha256);
    let message = format!("{who} expires on {}", relative(certificate.not_after, case.at));
    let remedy = path::replace(case, &certificate.sha256, &who, "renew and install");
    sink.report(codes::EXPIRING, weight, About::Certificate(certificate.sha256), message, remedy);
}

/// Whether the Baseline Requirements for TLS servers' certificates are about it: those of time stamping, OCSP, mail
/// or code have rules of their own.
fn is_for_servers(leaf: &Certificate, purpose: Purpose) -> bool {
    let says_so = leaf.extended_key_usage.as_ref().map(|purposes| purposes.iter().any(|it| it == oid::SERVER_AUTH));
    purpose != Purpose::Client && says_so.unwrap_or(purpose == Purpose::Server)
}

/// The validity with both ends counted, in seconds.
fn validity_seconds(certificate: &Certificate) -> i64 {
    certificate.not_after.as_second().saturating_sub(certificate.not_before.as_second()).saturating_add(1)
}

/// A leaf so short-lived that the Baseline Requirements (§1.6.1) want no revocation source in it.
fn is_short_lived(certificate: &Certificate) -> bool {
    const FROM_2024_03_15: i64 = 1_710_460_800;
    const FROM_2026_03_15: i64 = 1_773_532_800;
    let limit = match certificate.not_before.as_second() {
        issued if issued >= FROM_2026_03_15 => 7,
        issued if issued >= FROM_2024_03_15 => 10,
        _ => return false,
    };
    !certificate.is_ca() && validity_seconds(certificate) <= limit * DAY
}

fn revocation_source(case: &Case<'_>, certificate: &Certificate, is_leaf: bool, sink: &mut Sink) {
    if !certificate.crl_urls().is_empty() || !certificate.ocsp_urls.is_empty() {
        return;
    }
    let short_lived = is_leaf && is_short_lived(certificate);
    let who = case.names.called(&certificate.sha256);
    let (message, remedy) = if short_lived {
        (
            format!("{who} names no CRL and no OCSP responder, which its short life of {} allows", life(certificate)),
            "nothing; clients that insist on a revocation check need a certificate with a CRL".to_owned(),
        )
    } else {
        (
            format!("{who} names no CRL and no OCSP responder, so nobody can learn of its revocation"),
            format!(
                "have {} add a CRL over http to the certificates it issues, and issue this one anew",
                certificate.issuer.short()
            ),
        )
    };
    let about = About::Certificate(certificate.sha256);
    sink.report(codes::NO_REVOCATION_SOURCE, Weight::grave_if(!short_lived), about, message, remedy);
}

/// The validity in days; a second past whole days makes it more than they are.
fn life(certificate: &Certificate) -> String {
    let seconds = validity_seconds(certificate);
    let more = if seconds > DAY && seconds % DAY != 0 { "more than " } else { "" };
    format!("{more}{}", span(SignedDuration::from_secs(seconds)))
}

/// Connections only: what a file's server would staple nobody knows.
fn must_staple(case: &Case<'_>, leaf: &Certificate, sink: &mut Sink) {
    let Presented::ByServer { connections, .. } = case.presented else { return };
    if !leaf.must_staple {
        return;
    }
    let unmet: Vec<String> = connections
        .iter()
        .filter(|made| made.stapled_ocsp.is_none() && made.tls.is_some())
        .filter(|made| made.served.first().is_some_and(|first| first.sha256() == leaf.sha256))
        .filter_map(|made| made.address.map(|address| address.to_string()).or(Some("the server".to_owned())))
        .collect();
    if unmet.is_empty() {
        return;
    }
    let message =
        format!("{} demands a stapled OCSP response, and {} sent none", case.names.called(&leaf.sha256), list(&unmet));
    let remedy =
        "have the server's operator switch OCSP stapling on and let the server reach its OCSP responder".to_owned();
    sink.report(codes::MUST_STAPLE_UNMET, Weight::Usual, About::Certificate(leaf.sha256), message, remedy);
}

fn validity(case: &Case<'_>, leaf: &Certificate, sink: &mut Sink) {
    let issued = leaf.not_before.as_second();
    let Some((_, limit)) = VALIDITY_LIMITS.iter().find(|(from, _)| issued >= *from) else { return };
    if validity_seconds(leaf) <= limit * DAY {
        return;
    }
    let message = format!(
        "{}, issued on {}, is valid for {}, and public certificates of that date for at most {limit} days",
        case.names.called(&leaf.sha256),
        when(leaf.not_before),
        life(leaf)
    );
    let remedy = format!("have {} issue it anew for at most {limit} days", leaf.issuer.short());
    sink.report(codes::VALIDITY_TOO_LONG, Weight::Usual, About::Certificate(leaf.sha256), message, remedy);
}

/// Signed certificate timestamps, wherever they can come from. Those of the TLS handshake belong here once
/// [`crate::acquire::Connection`] keeps them.
fn has_timestamps(case: &Case<'_>, leaf: &Certificate) -> bool {
    /// 1.3.6.1.4.1.11129.2.4.5, the SCT list of an OCSP response (RFC 6962 §3.3), as DER.
    const STAPLED_LIST: [u8; 12] = [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x05];
    let embedded = leaf.extension(oid::SCT_LIST).is_some();
    let stapled = || {
        let staple = case.presented.staple();
        staple.is_some_and(|staple| staple.windows(STAPLED_LIST.len()).any(|octets| octets == STAPLED_LIST))
    };
    embedded || stapled()
}

/// Browsers ask it of servers' certificates.
fn transparency(case: &Case<'_>, leaf: &Certificate, sink: &mut Sink) {
    if has_timestamps(case, leaf) {
        return;
    }
    let came = match case.presented {
        Presented::ByServer { .. } => "embedded or stapled",
        Presented::InFile { .. } => "embedded",
    };
    let message = format!(
        "{} is publicly trusted but has no signed certificate timestamp {came}; browsers refuse it",
        case.names.called(&leaf.sha256)
    );
    let remedy = format!("have {} issue it anew with embedded timestamps", leaf.issuer.short());
    sink.report(codes::NO_SCT, Weight::Usual, About::Certificate(leaf.sha256), message, remedy);
}
