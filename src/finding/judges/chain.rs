//! `chain.*`: what the server serves, or a bundle holds as if it were served.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Case, Sink, Weight, is_top};
use crate::acquire::Presented;
use crate::finding::wording::list;
use crate::finding::{About, catalogue::chain as codes};
use crate::handshake::Version;
use crate::path::{CertificationPath, DefectKind, Source};
use crate::x509::{Certificate, Fingerprint};

pub(super) fn judge(case: &Case<'_>, sink: &mut Sink) {
    let served: Vec<Fingerprint> = case.presented.certificates().iter().map(|one| one.sha256()).collect();
    // A file with one certificate claims no chain.
    if served.is_empty() || (matches!(case.presented, Presented::InFile { .. }) && served.len() == 1) {
        return;
    }
    if !serves_leaf_alone(case) {
        incomplete(case, &served, sink);
    }
    if !matches!(case.presented, Presented::InFile { ordered: false, .. }) {
        misordered(case, &served, sink);
    }
    extraneous(case, &served, sink);
    duplicate(case, &served, sink);
    root_included(case, &served, sink);
}

/// SSL 2 has room for one certificate, so nobody can add another.
fn serves_leaf_alone(case: &Case<'_>) -> bool {
    let Presented::ByServer { connections, .. } = case.presented else { return false };
    let serving = connections.iter().find(|made| !made.served.is_empty());
    serving.and_then(|made| made.plain.as_ref()).is_some_and(|plain| plain.version == Version::Ssl2)
}

/// Those between leaf and root.
fn intermediates(path: &CertificationPath) -> impl Iterator<Item = &Arc<Certificate>> {
    let between = path.certificates.iter().enumerate().skip(1);
    between.filter(|(position, _)| !is_top(path, *position)).map(|(_, certificate)| certificate)
}

/// Not told where any valid path is served whole: a client then takes that one.
fn incomplete(case: &Case<'_>, served: &[Fingerprint], sink: &mut Sink) {
    let Some(chosen) = case.chosen() else { return };
    let whole = |path: &CertificationPath| intermediates(path).all(|certificate| served.contains(&certificate.sha256));
    if case.examination.search.paths.iter().any(|path| path.judgement.valid && whole(path)) {
        return;
    }
    // An issuer that did not sign is not the one that is missing.
    if chosen.judgement.defects.iter().any(|defect| matches!(defect.kind, DefectKind::BadSignature { .. })) {
        return;
    }
    let missing: Vec<&Arc<Certificate>> =
        intermediates(chosen).filter(|certificate| !served.contains(&certificate.sha256)).collect();
    let Some(first) = missing.first() else { return };
    let told: Vec<String> =
        missing.iter().map(|one| format!("{} (found {})", one.subject.short(), found(case, &one.sha256))).collect();
    let (who, whose) = match case.presented {
        Presented::ByServer { .. } => ("the server does not serve", "the server's operator"),
        Presented::InFile { .. } => ("the file does not hold", "whoever made the file"),
    };
    let message = format!("{}: {who} the intermediate {}", case.place, list(&told));
    let names: Vec<String> = missing.iter().map(|one| one.subject.short()).collect();
    let remedy = format!("have {whose} add {} to the chain file, after the certificate it issued", list(&names));
    let about = if missing.len() == 1 { About::Certificate(first.sha256) } else { About::Path };
    sink.report(codes::INCOMPLETE, Weight::Usual, about, message, remedy);
}

fn found(case: &Case<'_>, sha256: &Fingerprint) -> &'static str {
    let source = case.examination.search.sources.get(sha256).copied().or_else(|| case.examination.pool.source(sha256));
    match source {
        Some(Source::Aia) => "by its caIssuers URL",
        Some(Source::TrustStore) => "in this host's trust store",
        Some(Source::Option) => "among --intermediates",
        Some(Source::Served | Source::File) => "elsewhere",
        None => "on this host",
    }
}

/// In order means: what is served of a path stands among the served ones in the path's order.
fn misordered(case: &Case<'_>, served: &[Fingerprint], sink: &mut Sink) {
    let mut paths = case.examination.search.examined().peekable();
    if paths.peek().is_none() || paths.any(|path| stands_in_order(path, served)) {
        return;
    }
    let order: Vec<String> =
        case.chain().iter().filter(|one| served.contains(&one.sha256)).map(|one| one.subject.short()).collect();
    let found: Vec<String> = case
        .presented
        .certificates()
        .iter()
        .filter_map(|one| one.decoded())
        .map(|certificate| certificate.subject.short())
        .collect();
    let message = format!(
        "{}: the certificates come in the order {}, which is not that of issuing",
        case.place,
        found.join(" > ")
    );
    let remedy = format!("put the chain file in this order: {}", order.join(" > "));
    sink.report(codes::MISORDERED, Weight::Usual, About::Target, message, remedy);
}

fn stands_in_order(path: &CertificationPath, served: &[Fingerprint]) -> bool {
    let mut from = 0usize;
    for certificate in path.certificates.iter().filter(|one| served.contains(&one.sha256)) {
        match served.iter().skip(from).position(|sha256| *sha256 == certificate.sha256) {
            Some(offset) => from = from.saturating_add(offset).saturating_add(1),
            None => return false,
        }
    }
    true
}

/// Not told where the search was cut short: what no path found so far uses may be used by another.
fn extraneous(case: &Case<'_>, served: &[Fingerprint], sink: &mut Sink) {
    let search = &case.examination.search;
    if search.paths.is_empty() || search.exhausted {
        return;
    }
    let used: HashSet<Fingerprint> =
        search.paths.iter().flat_map(|path| &path.certificates).map(|certificate| certificate.sha256).collect();
    let mut told: Vec<&Arc<Certificate>> = Vec::new();
    for certificate in case.presented.certificates().iter().filter_map(|one| one.decoded()) {
        if served.contains(&certificate.sha256)
            && !used.contains(&certificate.sha256)
            && !told.iter().any(|known| known.sha256 == certificate.sha256)
        {
            told.push(certificate);
        }
    }
    let beyond = match case.presented {
        Presented::ByServer { connections, .. } => {
            connections.iter().find(|made| !made.served.is_empty()).map_or(0, |made| made.served_beyond_limit)
        }
        Presented::InFile { .. } => 0,
    };
    if told.is_empty() && beyond == 0 {
        return;
    }
    let names: Vec<String> = told.iter().map(|one| one.subject.short()).collect();
    let mut message = format!("{}: no path uses {}", case.place, list(&names));
    if beyond > 0 {
        message = format!(
            "{}: {beyond} more certificates than the {} looked at are served; no path uses {}",
            case.place,
            crate::acquire::MAX_SERVED,
            list(&names)
        );
    }
    let about = match told.as_slice() {
        [only] => About::Certificate(only.sha256),
        _ => About::Target,
    };
    let what = if told.len() == 1 && beyond == 0 { "it" } else { "them" };
    let remedy = format!("when convenient, remove {what} from the chain file");
    sink.report(codes::EXTRANEOUS, Weight::Usual, about, message, remedy);
}

fn duplicate(case: &Case<'_>, served: &[Fingerprint], sink: &mut Sink) {
    for (position, sha256) in served.iter().enumerate() {
        if !served.iter().take(position).any(|earlier| earlier == sha256) {
            continue;
        }
        let count = served.iter().filter(|other| *other == sha256).count();
        let message = format!("{}: the {} is there {count} times", case.place, case.names.called(sha256));
        let remedy = "when convenient, remove the repetition from the chain file".to_owned();
        sink.report(codes::DUPLICATE, Weight::Usual, About::Certificate(*sha256), message, remedy);
    }
}

/// A leaf that is its own root has to be served.
fn root_included(case: &Case<'_>, served: &[Fingerprint], sink: &mut Sink) {
    for path in &case.examination.search.paths {
        let Some((root, [_, ..])) = path.certificates.split_last() else { continue };
        if root.is_self_issued() && served.contains(&root.sha256) {
            let message = format!("{}: the root {} is served", case.place, root.subject.short());
            let remedy = "when convenient, leave the root out of the chain file".to_owned();
            sink.report(codes::ROOT_INCLUDED, Weight::Usual, About::Certificate(root.sha256), message, remedy);
        }
    }
}
