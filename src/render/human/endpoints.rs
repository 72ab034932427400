//! A line for every endpoint, under the certificate that names it: how it did, what it is, what is
//! there, how long it took.

use std::io;

use anstyle::Style;

use super::{BOLD, DIM, GREEN, RED, YELLOW, chain, phrase};
use crate::render::text::{Page, Text};
use crate::report::{
    About, Attempt, CertificateAnswer, Content, Endpoint, EndpointStatus, Finding, HttpMethod, Outcome, Severity,
    Target, Time,
};

/// Whether its word counts.
pub(super) fn is_working(endpoint: &Endpoint) -> bool {
    matches!(endpoint.status, EndpointStatus::Ok | EndpointStatus::Degraded)
}

struct Row<'a> {
    word: Text,
    kind: &'static str,
    url: Text,
    what: Text,
    endpoint: &'a Endpoint,
}

/// How much fits on a line of the page; the same for all of them, so that columns stay columns.
#[derive(Clone, Copy)]
enum Layout {
    Line,
    UrlFirst,
    UrlBelow,
}

/// All of them, by the first certificate that names each.
pub(super) fn show(target: &Target, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    let mut groups: Vec<(&str, Vec<Row<'_>>)> = Vec::new();
    for endpoint in &target.endpoints {
        let owner = endpoint.certificates.first().map_or("", String::as_str);
        let row = row(target, endpoint);
        match groups.iter_mut().find(|(known, _)| *known == owner) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((owner, vec![row])),
        }
    }
    let all = || groups.iter().flat_map(|(_, rows)| rows);
    let word = all().map(|row| row.word.width()).max().unwrap_or(0);
    let kind = all().map(|row| row.kind.len()).max().unwrap_or(0);
    let url = all().map(|row| row.url.width()).max().unwrap_or(0);
    let left = 4usize.saturating_add(word).saturating_add(kind).saturating_add(4);
    let layout = if all().all(|row| left.saturating_add(url).saturating_add(2 + row.what.width()) <= page.width) {
        Layout::Line
    } else if left.saturating_add(url) <= page.width {
        Layout::UrlFirst
    } else {
        Layout::UrlBelow
    };
    for (owner, rows) in &groups {
        page.blank()?;
        let name = target.certificate(owner).map_or_else(|| (*owner).to_owned(), phrase::name);
        page.block(2, &Text::new().styled(BOLD, "Endpoints of ").styled(BOLD, &name), 3)?;
        for row in rows {
            let first = Text::of("    ").then(&row.word).padded(word.saturating_add(6)).plain(row.kind).padded(left);
            match layout {
                Layout::Line => {
                    let column = left.saturating_add(url).saturating_add(2);
                    page.line(&first.then(&row.url).padded(column).then(&row.what))?;
                }
                Layout::UrlFirst => {
                    page.line(&first.then(&row.url))?;
                    page.block(left, &row.what, 4)?;
                }
                Layout::UrlBelow => {
                    page.line(&first)?;
                    page.block(6, &row.url, 4)?;
                    page.block(6, &row.what, 4)?;
                }
            }
            if verbose {
                attempts(row.endpoint, 6, page)?;
            }
        }
    }
    Ok(())
}

fn row<'a>(target: &Target, endpoint: &'a Endpoint) -> Row<'a> {
    let (word, style) = word(endpoint, &target.findings);
    let mut parts: Vec<String> = Vec::new();
    parts.extend(what(endpoint, target.revocation_at));
    let others = endpoint.certificates.iter().skip(1);
    let others: Vec<String> =
        others.filter_map(|sha256| target.certificate(sha256)).take(3).map(phrase::name).collect();
    if !others.is_empty() {
        parts.push(format!("also of {}", others.join(", ")));
    }
    let mut text = Text::of(&parts.join(", "));
    // How long was waited in vain stands in what is told of it.
    let told = endpoint.content.is_none()
        && endpoint.attempts.len() == 1
        && last_failure(endpoint).is_some_and(|last| phrase::says_how_long(last.outcome) && last.detail.is_some());
    if let Some(time) = time_taken(&endpoint.attempts).filter(|_| !told) {
        let separator = if text.is_empty() { "" } else { ", " };
        text = text.plain(separator).styled(DIM, &phrase::duration(time));
    }
    Row {
        word: Text::new().styled(style, word),
        kind: endpoint.kind.title(),
        url: Text::of(&endpoint.url),
        what: text,
        endpoint,
    }
}

/// One word: `ok`; else what went wrong, as the worst finding about it says, or its last attempt.
fn word<'a>(endpoint: &Endpoint, findings: &'a [Finding]) -> (&'a str, Style) {
    let last = endpoint.attempts.last().map(|attempt| attempt.outcome).filter(|outcome| *outcome != Outcome::Ok);
    let finding = findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info)
        .find(|finding| matches!(&finding.about, About::Endpoint { url } if *url == endpoint.url))
        .map(|finding| finding.code);
    let told = match (finding, last) {
        // Which way it was unreachable is what the person with the firewall needs.
        (Some("endpoint.unreachable" | "endpoint.stalled") | None, Some(outcome)) => Some(outcome.word()),
        (Some(code), _) => code.split_once('.').map(|(_, word)| word),
        (None, None) => None,
    };
    match endpoint.status {
        EndpointStatus::Ok => ("ok", GREEN),
        EndpointStatus::Skipped => ("skipped", DIM),
        EndpointStatus::Degraded => (finding.and(told).unwrap_or("degraded"), YELLOW),
        EndpointStatus::Failed => (told.unwrap_or("failed"), RED),
    }
}

/// What is there, or what came instead.
fn what(endpoint: &Endpoint, at: Time) -> Option<String> {
    if let Some(reason) = &endpoint.skipped {
        return Some(reason.clone());
    }
    match (&endpoint.content, last_failure(endpoint)) {
        (Some(content @ Content::CaIssuers(_)), None) if endpoint.status == EndpointStatus::Failed => {
            Some(format!("{}, not the issuer's", content_in_short(content, at)))
        }
        (Some(content), _) => Some(content_in_short(content, at)),
        (None, Some(attempt)) => Some(failure_in_short(attempt)),
        (None, None) => None,
    }
}

fn last_failure(endpoint: &Endpoint) -> Option<&Attempt> {
    endpoint.attempts.iter().rev().find(|attempt| attempt.outcome != Outcome::Ok)
}

fn content_in_short(content: &Content, at: Time) -> String {
    let fresh = |next_update: Option<Time>| {
        next_update.map_or_else(|| "no next update".to_owned(), |next_update| phrase::freshness(next_update, at))
    };
    match content {
        Content::Crl(crl) => format!("{}, {}", entries(crl.entries), fresh(crl.next_update)),
        Content::Ocsp(ocsp) => {
            let status = ocsp.certificate_status.map_or("no answer", answer_word);
            match ocsp.next_update {
                Some(next_update) => format!("{status}, {}", phrase::freshness(next_update, at)),
                None => status.to_owned(),
            }
        }
        Content::CaIssuers(issuers) => certificates(issuers.certificates.len(), &issuers.format),
    }
}

pub(super) fn entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

pub(super) fn certificates(count: usize, format: &str) -> String {
    let format = match format {
        "der" => "DER",
        "pem" => "PEM",
        "pkcs7" => "PKCS#7",
        other => other,
    };
    if count == 1 { format!("1 certificate, {format}") } else { format!("{count} certificates, {format}") }
}

pub(super) fn answer_word(answer: CertificateAnswer) -> &'static str {
    match answer {
        CertificateAnswer::Good => "good",
        CertificateAnswer::Revoked => "revoked",
        CertificateAnswer::Unknown => "unknown",
    }
}

/// `192.0.2.1:80: connect: no answer in 5 s`
fn failure_in_short(attempt: &Attempt) -> String {
    let status = attempt.http_status.filter(|_| attempt.outcome == Outcome::HttpError);
    let what = match (status, &attempt.detail) {
        (Some(status), None) => format!("HTTP {status}"),
        (_, Some(detail)) => detail.clone(),
        (None, None) => attempt.outcome.word().to_owned(),
    };
    match &attempt.address {
        Some(address) => format!("{address}: {what}"),
        None => what,
    }
}

/// Tries and redirects follow each other; the methods run side by side, so the longer one counts.
pub(super) fn time_taken(attempts: &[Attempt]) -> Option<f64> {
    let of = |method: HttpMethod| {
        let times = attempts.iter().filter(|attempt| attempt.method == method);
        times.filter_map(|attempt| attempt.timings.total_ms).reduce(|sum, time| sum + time)
    };
    [HttpMethod::Get, HttpMethod::Post, HttpMethod::Search].into_iter().filter_map(of).reduce(f64::max)
}

/// Every attempt with its phases.
pub(super) fn attempts(endpoint: &Endpoint, indent: usize, page: &mut Page<'_>) -> io::Result<()> {
    for attempt in &endpoint.attempts {
        let method = match attempt.method {
            HttpMethod::Get => "GET",
            HttpMethod::Post => "POST",
            HttpMethod::Search => "SEARCH",
        };
        let column = indent.saturating_add(method.len().saturating_add(2).max(6));
        let first = Text::new().padded(indent).styled(DIM, method).padded(column);
        let mut parts: Vec<String> = Vec::new();
        parts.push(match &attempt.address {
            Some(address) => format!("{address} {}", attempt.outcome),
            None => attempt.outcome.to_string(),
        });
        parts.extend(attempt.http_status.map(|status| format!("HTTP {status}")));
        parts.extend(attempt.detail.clone());
        parts.extend((attempt.bytes > 0).then(|| phrase::size(attempt.bytes)));
        parts.extend(attempt.redirected_to.as_ref().map(|url| format!("redirected to {url}")));
        let timings = &attempt.timings;
        let phases = [
            ("dns", timings.dns_ms),
            ("connect", timings.connect_ms),
            ("first byte", timings.first_byte_ms),
            ("total", timings.total_ms),
        ];
        parts.push(chain::phases_text(&phases));
        parts.retain(|part| !part.is_empty());
        page.hanging(&first, first.width(), &Text::new().styled(DIM, &parts.join(", ")), 6)?;
    }
    Ok(())
}
