//! The chain as a tree from the root down to the judged certificate, and the connections.

use std::io;

use super::{BOLD, DIM, GREEN, RED, YELLOW, phrase, severity_style};
use crate::render::text::{Page, Text};
use crate::report::{
    About, Certificate, Connection, Outcome, Path, Revocation, Severity, Source, SourceKind, SourceStatus, Status,
    Target, Time,
};

/// Certificates of the chosen path, the judged one first.
pub(super) fn chosen_certificates(target: &Target) -> impl Iterator<Item = &Certificate> {
    target.chosen_path().into_iter().flat_map(|path| &path.certificates).filter_map(|sha256| target.certificate(sha256))
}

/// The chosen path of every certificate that addresses serve; with `verbose` the others too, and every certificate's particulars.
pub(super) fn show(target: &Target, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    for (index, path) in target.paths.iter().enumerate() {
        let leaf = path.certificates.first();
        let known_leaf = target.paths.iter().take(index).any(|other| other.certificates.first() == leaf);
        if known_leaf && !verbose {
            continue;
        }
        page.blank()?;
        if index > 0 && !known_leaf {
            page.line(&Text::new().styled(BOLD, "Another address serves"))?;
        } else if index > 0 {
            let word = if path.valid { "valid" } else { "not valid" };
            page.line(&Text::new().styled(BOLD, "Another path").plain(&format!(", {word}")))?;
        }
        tree(target, path, verbose && index == 0, page)?;
    }
    Ok(())
}

struct Row {
    margin: String,
    name: Text,
    details: Text,
    certificate: Option<usize>,
}

fn tree(target: &Target, path: &Path, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    let certificates: Vec<&Certificate> =
        path.certificates.iter().filter_map(|sha256| target.certificate(sha256)).collect();
    let mut rows: Vec<Row> = Vec::new();
    let margin = |depth: usize| match depth.checked_sub(1) {
        None => "  ".to_owned(),
        Some(above) => format!("  {}└─ ", "   ".repeat(above.min(12))),
    };
    if let Some(top) = certificates.last()
        && path.trust_store.is_none()
        && top.subject != top.issuer
    {
        rows.push(Row {
            margin: margin(0),
            name: Text::new().styled(RED, &phrase::short_name(&top.issuer)),
            details: Text::new().styled(RED, "not found"),
            certificate: None,
        });
    }
    for (index, certificate) in certificates.iter().enumerate().rev() {
        let top = index.saturating_add(1) == certificates.len();
        let worst = worst_about(target, certificate);
        let name = match worst {
            Some(severity) if severity > Severity::Info => {
                Text::new().styled(severity_style(severity).bold(), &phrase::name(certificate))
            }
            _ => Text::new().styled(BOLD, &phrase::name(certificate)),
        };
        let details = details(target, certificate, path, top);
        rows.push(Row { margin: margin(rows.len()), name, details, certificate: Some(index) });
    }
    let left = |row: &Row| Text::of(&row.margin).then(&row.name);
    let column = rows.iter().map(|row| left(row).width()).max().unwrap_or(0).saturating_add(3);
    let fits = rows.iter().all(|row| column.saturating_add(row.details.width()) <= page.width);
    for row in &rows {
        if fits {
            page.line(&left(row).padded(column).then(&row.details))?;
        } else {
            let indent = Text::of(&row.margin).width();
            page.hanging(&Text::of(&row.margin), indent, &row.name, 3)?;
            page.block(indent.saturating_add(2), &row.details, usize::MAX)?;
        }
        if let Some(certificate) = row.certificate.and_then(|index| certificates.get(index)).filter(|_| verbose) {
            particulars(certificate, Text::of(&row.margin).width().saturating_add(2), page)?;
        }
    }
    Ok(())
}

/// The worst that is said of this certificate itself.
fn worst_about(target: &Target, certificate: &Certificate) -> Option<Severity> {
    target
        .findings
        .iter()
        .filter(|finding| matches!(&finding.about, About::Certificate { sha256 } if *sha256 == certificate.sha256))
        .map(|finding| finding.severity)
        .max()
}

fn details(target: &Target, certificate: &Certificate, path: &Path, top: bool) -> Text {
    let mut parts: Vec<Text> = Vec::new();
    match (&path.trust_store, top) {
        (Some(store), true) => {
            parts.push(Text::new().styled(GREEN, "trusted").plain(&format!(" ({})", phrase::store(store))));
        }
        (None, true) if certificate.subject == certificate.issuer => {
            parts.push(Text::new().styled(RED, "not in the trust store"));
        }
        _ => {}
    }
    parts.push(validity(target, certificate));
    if let Some(entry) = target.revocation.iter().find(|entry| entry.certificate == certificate.sha256) {
        parts.push(revocation(entry));
    }
    match certificate.source {
        Source::Served | Source::File => {}
        // Nobody expects a server to send the anchor.
        _ if top && path.trust_store.is_some() => {}
        Source::Option => parts.push(Text::new().styled(YELLOW, "not served, from --intermediates")),
        Source::Aia => parts.push(Text::new().styled(YELLOW, "not served, fetched by its caIssuers URL")),
        Source::TrustStore => parts.push(Text::new().styled(YELLOW, "not served, from the trust store")),
    }
    parts.push(Text::new().styled(DIM, &phrase::key(&certificate.key)));
    join(&parts)
}

fn join(parts: &[Text]) -> Text {
    parts.iter().enumerate().fold(
        Text::new(),
        |text, (index, part)| {
            if index == 0 { text.then(part) } else { text.plain(", ").then(part) }
        },
    )
}

fn validity(target: &Target, certificate: &Certificate) -> Text {
    if phrase::seconds_between(certificate.not_before, target.at) < 0 {
        let wait = phrase::span(phrase::seconds_between(target.at, certificate.not_before));
        return Text::new().styled(RED, &format!("not valid for another {wait}"));
    }
    let text = phrase::remaining(certificate.not_after, target.at);
    let severity = target
        .findings
        .iter()
        .filter(|finding| matches!(&finding.about, About::Certificate { sha256 } if *sha256 == certificate.sha256))
        .filter(|finding| matches!(finding.code, "cert.expired" | "cert.expiring"))
        .map(|finding| finding.severity)
        .max();
    match severity {
        Some(severity) => Text::new().styled(severity_style(severity), &text),
        None if certificate.not_after < target.at => Text::new().styled(RED, &text),
        None => Text::of(&text),
    }
}

fn revocation(entry: &Revocation) -> Text {
    match entry.status {
        Status::Good => {
            let mut by: Vec<&str> = Vec::new();
            for source in entry.sources.iter().filter(|source| source.status == SourceStatus::Good) {
                let word = match source.kind {
                    SourceKind::Crl => "CRL",
                    SourceKind::Ocsp => "OCSP",
                    SourceKind::Staple => "staple",
                };
                if !by.contains(&word) {
                    by.push(word);
                }
            }
            let text = Text::new().styled(GREEN, "not revoked");
            if by.is_empty() { text } else { text.plain(&format!(" ({})", by.join(", "))) }
        }
        Status::Revoked => {
            let since = entry.revoked_at.map_or_else(String::new, |at| format!(" since {}", phrase::date(at)));
            let reason = entry.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
            Text::new().styled(RED.bold(), &format!("REVOKED{since}{reason}"))
        }
        Status::Unknown => Text::new().styled(YELLOW, "revocation unknown"),
        Status::NotChecked => Text::new().styled(DIM, "revocation not checked"),
    }
}

fn particulars(certificate: &Certificate, indent: usize, page: &mut Page<'_>) -> io::Result<()> {
    let names = certificate.subject_alt_names.join(", ");
    let purposes = certificate.extended_key_usage.join(", ");
    let validity = format!("{} to {}", certificate.not_before, end(certificate.not_after));
    let rows = [
        ("subject", certificate.subject.as_str()),
        ("issuer", &certificate.issuer),
        ("serial", &certificate.serial),
        ("valid", &validity),
        ("names", &names),
        ("purposes", &purposes),
        ("signed", &certificate.signature_algorithm),
        ("SHA-256", &certificate.sha256),
        ("SHA-1", &certificate.sha1),
    ];
    for (label, value) in rows {
        if !value.is_empty() {
            let margin = Text::new().padded(indent).styled(DIM, label).padded(indent.saturating_add(10));
            page.hanging(&margin, margin.width(), &Text::of(value), 8)?;
        }
    }
    Ok(())
}

fn end(time: Time) -> String {
    if time.0 == jiff::Timestamp::MAX { "no expiry".to_owned() } else { time.to_string() }
}

/// A line for every connection; with `verbose`, how long each phase took.
pub(super) fn connections(target: &Target, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    if target.connections.is_empty() {
        return Ok(());
    }
    page.blank()?;
    let each = |connection: &Connection, page: &mut Page<'_>| {
        let (mark, style) = match connection.outcome {
            Outcome::Ok => ("connected", GREEN),
            outcome => (outcome.word(), RED),
        };
        let first = Text::of("  ").styled(style, mark).plain("  ");
        page.hanging(&first, 4, &connection_text(connection, verbose), 6)
    };
    target.connections.iter().try_for_each(|connection| each(connection, page))
}

fn connection_text(connection: &Connection, verbose: bool) -> Text {
    let mut parts: Vec<Text> = Vec::new();
    parts.extend(connection.address.as_deref().map(Text::of));
    parts.extend(connection.detail.as_deref().map(Text::of));
    if let Some(tls) = &connection.tls {
        // Short enough for eighty columns; whole names are for the curious.
        let suite = if verbose { None } else { tls.cipher_suite.strip_prefix("TLS_") };
        let suite = suite.unwrap_or(&tls.cipher_suite);
        let names = [Some(tls.version.as_str()), Some(suite), tls.group.as_deref()];
        parts.push(Text::of(&names.into_iter().flatten().collect::<Vec<_>>().join(" ")));
    }
    // Otherwise the tree tells it, with what the staple says.
    if connection.stapled_ocsp.is_some() && verbose {
        parts.push(Text::of("OCSP stapled"));
    }
    let timings = &connection.timings;
    let phases = [
        ("dns", timings.dns_ms),
        ("connect", timings.connect_ms),
        ("starttls", timings.starttls_ms),
        ("handshake", timings.handshake_ms),
    ];
    let known = phases.iter().filter_map(|(_, time)| *time).reduce(|sum, time| sum + time);
    let took = match known {
        _ if verbose => phases_text(&phases),
        // Of these, how long was waited stands in the detail.
        _ if phrase::says_how_long(connection.outcome) && connection.detail.is_some() => String::new(),
        known => known.map(phrase::duration).unwrap_or_default(),
    };
    if !took.is_empty() {
        parts.push(Text::new().styled(DIM, &took));
    }
    join(&parts)
}

/// `dns 0.2 ms, connect 0.1 ms`: the phases that were reached.
pub(super) fn phases_text(phases: &[(&str, Option<f64>)]) -> String {
    phases
        .iter()
        .filter_map(|(name, time)| time.map(|time| format!("{name} {}", phrase::duration(time))))
        .collect::<Vec<_>>()
        .join(", ")
}
