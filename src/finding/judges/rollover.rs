//! What the differences between an old chain and a new one mean for those who connect.

use super::{Sink, Weight};
use crate::finding::catalogue::{cert, machine, rollover};
use crate::finding::wording::list;
use crate::finding::{About, Severity};
use crate::rollover::{Comparison, Difference, Field, NewRoot};

pub(super) fn judge(comparison: &Comparison, trust_store: &str, sink: &mut Sink) {
    // A certificate that signs itself is told as that.
    let is_leaf = |root: &NewRoot| comparison.to.as_ref().is_some_and(|leaf| leaf.sha256 == root.certificate.sha256);
    if let Some(root) = comparison.root.as_ref().filter(|root| !root.trusted && !is_leaf(root)) {
        let certificate = &root.certificate;
        let message = format!(
            "the new chain ends in {} (SHA-256 {}), which is not in this machine's trust store ({trust_store})",
            certificate.subject.short(),
            certificate.sha256
        );
        let remedy = format!(
            "have this host's administrator add {} to the trust store before the change, after comparing its thumbprint with \
             what the CA publishes",
            certificate.subject.short()
        );
        let about = About::Certificate(certificate.sha256);
        sink.report(machine::ROOT_MISSING, Weight::Usual, about, message, remedy);
    }
    let Some(new) = &comparison.to else { return };
    let who = new.subject.short();
    let about = || About::Certificate(new.sha256);
    for difference in &comparison.differences {
        let (severity, meaning) = self::difference(difference, comparison);
        if severity == Severity::Info {
            continue;
        }
        match difference.field {
            // Told above, with what the trust store says.
            Field::Root => {}
            Field::ClientAuth => {
                let message = format!("the new certificate {who} lacks clientAuth, which the old one has: {meaning}");
                let remedy = format!(
                    "find out where the server of {who} connects to others with this certificate, and get one with clientAuth for that"
                );
                sink.report(cert::NO_CLIENT_AUTH, Weight::Usual, about(), message, remedy);
            }
            field => {
                let (message, remedy) = breaking(field, difference, &who, &meaning);
                sink.report_each(rollover::BREAKING, Weight::Usual, about(), message, remedy);
            }
        }
    }
}

fn breaking(field: Field, difference: &Difference, who: &str, meaning: &str) -> (String, String) {
    let from = difference.from.as_deref().unwrap_or_default();
    let to = difference.to.as_deref().unwrap_or_default();
    match field {
        Field::NamesLost => (
            format!("the new certificate {who} does not cover {}, which the old one does: {meaning}", names(from)),
            format!("have the new certificate issued with {} as well, or make sure that nobody uses it", names(from)),
        ),
        Field::ValidityGap => (
            format!("the old certificate {from}, and the new one {to}: {meaning}"),
            "have the new certificate issued so that it is valid before the old one ends".to_owned(),
        ),
        Field::MustStaple => (
            format!("the new certificate {who} demands a stapled OCSP response, and the old one did not: {meaning}"),
            "switch OCSP stapling on at the server before the change, or have the certificate issued without must-staple"
                .to_owned(),
        ),
        _ => (
            format!("{} changes from {from} to {to}: {meaning}", field.title()),
            format!("make sure that nobody relies on {from}, or have the certificate issued with it"),
        ),
    }
}

/// The first few of them; that a name is a DNS name goes without saying.
fn names(joined: &str) -> String {
    list(&joined.split(", ").map(|name| name.strip_prefix("DNS:").unwrap_or(name)).collect::<Vec<_>>())
}

/// How grave a difference is, and what it means.
pub(super) fn difference(difference: &Difference, comparison: &Comparison) -> (Severity, String) {
    let lost = |value: &str| difference.to.as_deref() == Some(value);
    let has = |value: &Option<String>, usage: &str| {
        value.as_ref().is_some_and(|value| value == "any" || value.contains(usage))
    };
    let (severity, meaning) = match difference.field {
        Field::Subject => (
            Severity::Info,
            "partners that tell the server by its whole subject or organization (connector restrictions, allow lists) have \
             to be told",
        ),
        Field::Issuer => (
            Severity::Info,
            "partners that allow only the old issuer, and the domain's CAA records, have to allow the new one",
        ),
        Field::Intermediates => (
            Severity::Info,
            "servers have to send the new intermediates; clients pinned to the old ones refuse the chain",
        ),
        Field::Root => match &comparison.root {
            Some(root) if !root.trusted => {
                (Severity::Critical, "this machine does not trust the new root, and refuses the new chain")
            }
            _ => (
                Severity::Info,
                "this machine trusts the new root; clients with an older or smaller list of roots, or pinned to the old one, \
                 have to get it first",
            ),
        },
        Field::NamesLost => (Severity::Warning, "clients that use such a name get a name mismatch"),
        Field::NamesGained => (Severity::Info, "the new certificate can serve these names as well"),
        Field::Key => (
            Severity::Info,
            "the server's cipher suites have to fit the new kind of key, and very old clients may not know it",
        ),
        Field::PublicKey => (
            Severity::Info,
            "pins and TLSA records (DANE) of the old key have to be joined by the new one's before the change",
        ),
        Field::SignatureAlgorithm => (Severity::Info, "very old clients may not know the new algorithm"),
        Field::Validity => (Severity::Info, "renewal has to keep pace with the new end"),
        Field::ValidityGap => (Severity::Warning, "between the two no certificate is valid"),
        Field::ExtendedKeyUsage => {
            (Severity::Info, "uses that need a purpose which is no longer there fail, and new ones become possible")
        }
        Field::ClientAuth if lost("no") => {
            (Severity::Warning, "mail hops and mutual TLS in which it is shown as a client are refused")
        }
        Field::ClientAuth => (Severity::Info, "it may be shown as a client as well"),
        Field::KeyUsage if has(&difference.from, "keyEncipherment") && !has(&difference.to, "keyEncipherment") => (
            Severity::Info,
            "without keyEncipherment, suites with RSA key exchange (without forward secrecy) cannot be used",
        ),
        Field::KeyUsage => {
            (Severity::Info, "uses of the key that are no longer allowed fail, and new ones become possible")
        }
        // On a connection it is known whether a response is stapled, and that has its own finding.
        Field::MustStaple if lost("yes") && !comparison.to_by_server => {
            (Severity::Warning, "clients that honour it refuse the server unless it staples")
        }
        Field::MustStaple if lost("yes") => (Severity::Info, "the server has to go on stapling an OCSP response"),
        Field::MustStaple => (Severity::Info, "clients no longer insist on a stapled OCSP response"),
        Field::Scts if lost("none") => {
            (Severity::Info, "browsers refuse a publicly trusted certificate without them, unless they are stapled")
        }
        Field::Scts => (Severity::Info, "the certificate is in public logs, with all of its names"),
        Field::RevocationSources => (
            Severity::Info,
            "clients ask elsewhere for revocation; those that insist on a kind that is gone get no answer",
        ),
        Field::Chain => (
            Severity::Info,
            "what is sent in the handshake; past some 14,000 bytes it takes another round trip, and some devices have limits",
        ),
    };
    (severity, meaning.to_owned())
}
