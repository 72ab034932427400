//! What has to be open: a line for each host and port, what for, and whether it is.

use std::io::{self, Write};

use anstyle::Style;

use super::{BOLD, DIM, GREEN, Options, RED, YELLOW, findings, phrase, quiet_line, verdict_style, verdict_word};
use crate::render::text::{Page, Text};
use crate::report::endpoints::{EgressEndpoint, EndpointsReport, Probe, Use};
use crate::report::{Outcome, Verdict};

/// Hosts that the closing line names.
const NAMED: usize = 6;

/// The whole report of `endpoints`.
///
/// # Errors
/// Those of the writer.
pub fn endpoints(report: &EndpointsReport, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    let name = match report.sources.as_slice() {
        sources if sources.len() > 3 => format!("{} targets and places", sources.len()),
        sources => sources.join(", "),
    };
    if options.quiet {
        return match report.verdict {
            Verdict::Ok => Ok(()),
            verdict => quiet_line(verdict_word(verdict), &name, &report.findings, writer),
        };
    }
    let mut page = options.page(writer);
    let title = Text::new().styled(verdict_style(report.verdict), verdict_word(report.verdict));
    page.hanging(&title.plain("  "), 4, &Text::of("hosts that must be open for ").styled(BOLD, &name), 4)?;
    page.blank()?;
    if report.endpoints.is_empty() {
        page.block(2, &Text::of("none that is known"), 2)?;
    }
    rows(&report.endpoints, options.verbose, &mut page)?;
    findings::show(&report.findings, &name, options.verbose, &mut page)?;
    if report.endpoints.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.block(0, &closing(report), 6)
}

/// A paragraph for each host and port.
pub(super) fn rows(endpoints: &[EgressEndpoint], verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    let word = endpoints.iter().filter_map(|endpoint| endpoint.probe.as_ref()).map(|probe| self::word(probe).0.len());
    let word = word.max().map_or(0, |width| width.saturating_add(2));
    let place = endpoints.iter().map(|endpoint| Text::of(&place(endpoint)).width()).max().unwrap_or(0);
    endpoints.iter().try_for_each(|endpoint| one(endpoint, word, place, verbose, page))
}

/// `host:port`
pub(super) fn place(endpoint: &EgressEndpoint) -> String {
    let host = if endpoint.host.contains(':') { format!("[{}]", endpoint.host) } else { endpoint.host.clone() };
    format!("{host}:{}", endpoint.port)
}

fn word(probe: &Probe) -> (&'static str, Style) {
    match (probe.open, probe.outcome) {
        (true, Outcome::Ok) => ("open", GREEN),
        (true, Outcome::HttpError) if probe.http_status.is_some_and(|status| status < 400) => ("open", GREEN),
        (true, _) => ("open", YELLOW),
        (false, outcome) => (outcome.word(), RED),
    }
}

fn one(endpoint: &EgressEndpoint, word: usize, place: usize, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    let mut first = Text::of("  ");
    if let Some(probe) = &endpoint.probe {
        let (text, style) = self::word(probe);
        first = first.styled(style, text);
    }
    let column = word.saturating_add(2);
    let first = first.padded(column).styled(BOLD, &self::place(endpoint));
    let addresses = match (&endpoint.unresolved, endpoint.addresses.is_empty()) {
        (Some(outcome), true) => outcome.to_string(),
        (None, true) if endpoint.through_proxy => "through the proxy".to_owned(),
        _ => endpoint.addresses.join(", "),
    };
    let after = column.saturating_add(place).saturating_add(2);
    page.hanging(&first.padded(after), after, &Text::of(&addresses), 6)?;
    let inner = column.saturating_add(2);
    let subjects = |used: &Use| used.subjects.join(", ");
    let mut uses: Vec<(String, String)> = Vec::new();
    for used in &endpoint.uses {
        // Kinds that the same certificates name share a line.
        match uses.iter_mut().find(|(_, of)| *of == subjects(used)) {
            Some((kinds, _)) => *kinds = format!("{kinds}, {}", used.kind.title()),
            None => uses.push((used.kind.title().to_owned(), subjects(used))),
        }
    }
    for (kinds, of) in uses {
        page.block(inner, &Text::of(&kinds).plain(" of ").plain(&of), 4)?;
    }
    if let Some(from) = &endpoint.redirected_from {
        page.block(inner, &Text::of("by a redirect from ").plain(from), 4)?;
    }
    if let Some(probe) = &endpoint.probe {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(probe.http_status.map(|status| format!("HTTP {status}")));
        parts.extend(probe.redirected_to.as_ref().map(|url| format!("redirects to {url}")));
        parts.extend(probe.detail.clone());
        parts.extend(probe.timings.total_ms.filter(|_| probe.open).map(phrase::duration));
        if !parts.is_empty() {
            page.block(inner, &Text::new().styled(DIM, &parts.join(", ")), 4)?;
        }
    }
    if verbose {
        for url in &endpoint.urls {
            page.block(inner, &Text::new().styled(DIM, url), 4)?;
        }
    }
    Ok(())
}

/// What a ticket can quote.
fn closing(report: &EndpointsReport) -> Text {
    let all = report.endpoints.len();
    let count =
        |count: usize| if count == 1 { "1 host and port".to_owned() } else { format!("{count} hosts and ports") };
    let probed = report.endpoints.iter().filter_map(|endpoint| Some((endpoint, endpoint.probe.as_ref()?)));
    let (open, closed): (Vec<_>, Vec<_>) = probed.partition(|(_, probe)| probe.open);
    let untested = all.saturating_sub(open.len()).saturating_sub(closed.len());
    if untested == all {
        return Text::of(&format!("{}, not tested from here: --probe does that", count(all)));
    }
    let mut parts: Vec<String> = Vec::new();
    if !closed.is_empty() {
        let named =
            closed.iter().take(NAMED).map(|(endpoint, probe)| format!("{} ({})", place(endpoint), probe.outcome));
        let mut named: Vec<String> = named.collect();
        if closed.len() > NAMED {
            named.push(format!("{} more", closed.len().saturating_sub(NAMED)));
        }
        let verb = if closed.len() == 1 { "is" } else { "are" };
        parts.push(format!("{} of {} {verb} closed from here: {}", closed.len(), count(all), named.join(", ")));
    } else if untested == 0 {
        parts.push(format!("{}: all open from here", count(all)));
    } else {
        parts.push(format!("{} of {}: open from here", open.len(), count(all)));
    }
    if untested > 0 {
        parts.push(format!("{untested} not tested"));
    }
    Text::of(&format!("{} ({})", parts.join("; "), report.finished))
}
