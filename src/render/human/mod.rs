//! For people: the verdict first, then the chain, every endpoint, and what to do.

mod chain;
mod egress;
mod endpoints;
mod explain;
mod findings;
mod listen;
mod phrase;
mod rollover;
mod roots;
mod tls;
mod url;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

pub use self::egress::endpoints;
pub use self::explain::{codes, explain};
pub use self::listen::{listen, live, new_client};
pub use self::rollover::rollover;
pub use self::roots::roots;
pub use self::tls::tls;
pub use self::url::url;
use super::text::{Page, Text};
use crate::report::{EndpointStatus, Finding, Report, Severity, Status, Summary, Target, Verdict};

/// How to show it.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Columns that no line exceeds (but for `quiet`'s, which are for logs and mail).
    pub width: usize,
    /// Whether to use colour.
    pub color: bool,
    /// `--verbose`: digests, serial numbers, every attempt with its phases.
    pub verbose: bool,
    /// `--quiet`: nothing when the verdict is ok, one line when it is not.
    pub quiet: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 100, color: false, verbose: false, quiet: false }
    }
}

impl Options {
    fn page<'w>(&self, writer: &'w mut dyn Write) -> Page<'w> {
        Page { width: self.width.max(20), color: self.color, writer }
    }
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default();

fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Info => DIM,
        Severity::Warning => YELLOW,
        Severity::Unknown | Severity::Critical => RED,
    }
}

fn verdict_style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Ok => GREEN.bold(),
        Verdict::Warning => YELLOW.bold(),
        Verdict::Critical | Verdict::Unknown => RED.bold(),
    }
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "OK",
        Verdict::Warning => "WARNING",
        Verdict::Critical => "CRITICAL",
        Verdict::Unknown => "UNKNOWN",
    }
}

/// The whole report: its targets, and a summary where there is more than one.
///
/// # Errors
/// Those of the writer.
pub fn report(report: &Report, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    for (index, target) in report.targets.iter().enumerate() {
        if index > 0 && !options.quiet {
            writer.write_all(b"\n")?;
        }
        self::target(target, options, writer)?;
    }
    summary(&report.summary, options, writer)
}

/// One target.
///
/// # Errors
/// Those of the writer.
pub fn target(target: &Target, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    if options.quiet {
        return match target.verdict {
            Verdict::Ok => Ok(()),
            verdict => quiet_line(verdict_word(verdict), &target.target, &target.findings, writer),
        };
    }
    let mut page = options.page(writer);
    headline(target.verdict, &target.target, &gist(target), &mut page)?;
    chain::show(target, options.verbose, &mut page)?;
    chain::connections(target, options.verbose, &mut page)?;
    endpoints::show(target, options.verbose, &mut page)?;
    findings::show(&target.findings, &target.target, options.verbose, &mut page)
}

/// How many targets came to which verdict, where there is more than one.
///
/// # Errors
/// Those of the writer.
pub fn summary(summary: &Summary, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    if summary.targets < 2 || options.quiet {
        return Ok(());
    }
    let counts = [
        (summary.critical, "critical", RED),
        (summary.unknown, "unknown", RED),
        (summary.warning, "warning", YELLOW),
        (summary.ok, "ok", GREEN),
    ];
    let mut text = Text::new().styled(BOLD, &format!("{} targets:", summary.targets));
    let mut separator = " ";
    for (count, word, style) in counts {
        if count > 0 {
            text = text.plain(separator).styled(style, &format!("{count} {word}"));
            separator = ", ";
        }
    }
    let mut page = options.page(writer);
    page.blank()?;
    page.line(&text)
}

/// One line for logs and mail, not cut: verdict, what it is of, the first finding, how many more.
fn quiet_line(word: &str, name: &str, findings: &[Finding], writer: &mut dyn Write) -> io::Result<()> {
    let mut text = Text::of(word).plain(" ").plain(name);
    if let Some(first) = findings.first() {
        text = text.plain(": ").plain(first.code).plain(": ").plain(message_under(name, first));
        let more = findings.iter().skip(1).filter(|finding| finding.severity > Severity::Info).count();
        if more > 0 {
            text = text.plain(&format!(" (+{more} more)"));
        }
    }
    Page { width: usize::MAX, color: false, writer }.line(&text)
}

/// Verdict, target, and the gist: on one line where it fits, else on at most three more.
fn headline(verdict: Verdict, name: &str, gist: &Text, page: &mut Page<'_>) -> io::Result<()> {
    let title = Text::new().styled(verdict_style(verdict), verdict_word(verdict)).plain("  ").styled(BOLD, name);
    let whole = title.clone().plain(" — ").then(gist);
    if whole.width() <= page.width {
        return page.line(&whole);
    }
    page.hanging(&Text::new(), 2, &title, 4)?;
    page.block(2, gist, 3)
}

/// A finding's message beneath the name of what it is of, which need not be said twice.
fn message_under<'a>(name: &str, finding: &'a Finding) -> &'a str {
    let rest = finding.message.strip_prefix(name).and_then(|rest| rest.strip_prefix(": "));
    rest.unwrap_or(&finding.message)
}

/// What one would say if asked why.
fn gist(target: &Target) -> Text {
    if target.verdict == Verdict::Ok {
        return all_is_well(target);
    }
    let mut text = Text::new();
    if let Some(first) = target.findings.first() {
        text = text.plain(message_under(&target.target, first));
        let more = target.findings.iter().skip(1).filter(|finding| finding.severity > Severity::Info).count();
        if more > 0 {
            text = text.styled(DIM, &format!(" (+{more} more)"));
        }
    }
    text
}

/// Says what was found good, and no more: what was not checked, or was told to be ignored, is named.
fn all_is_well(target: &Target) -> Text {
    let mut parts: Vec<String> = Vec::new();
    if let Some(path) = target.chosen_path() {
        let words = if path.valid { "chain verifies" } else { "the chain does not verify, which is ignored" };
        parts.push(words.to_owned());
    }
    // What is wrong beside the chosen path is told with the alternatives.
    let is_chosen = |sha256: &String| target.chosen_path().is_none_or(|path| path.certificates.contains(sha256));
    let has =
        |status: Status| target.revocation.iter().any(|entry| entry.status == status && is_chosen(&entry.certificate));
    if has(Status::Revoked) {
        parts.push("a certificate is revoked, which is ignored".to_owned());
    } else if has(Status::Unknown) {
        parts.push("revocation status open".to_owned());
    } else if has(Status::Good) && has(Status::NotChecked) {
        parts.push("not revoked as far as checked".to_owned());
    } else if has(Status::Good) {
        parts.push("not revoked".to_owned());
    } else if !target.paths.is_empty() {
        parts.push("revocation not checked".to_owned());
    }
    if let Some(earliest) = chain::chosen_certificates(target).map(|certificate| certificate.not_after).min() {
        parts.push(phrase::remaining(earliest, target.at));
    }
    let skipped = target.endpoints.iter().filter(|endpoint| endpoint.status == EndpointStatus::Skipped).count();
    let working = target.endpoints.iter().filter(|endpoint| endpoints::is_working(endpoint)).count();
    let contacted = target.endpoints.len().saturating_sub(skipped);
    match (working, contacted) {
        (_, 0) => {}
        (1, 1) => parts.push("1 endpoint works".to_owned()),
        (working, all) if working == all => parts.push(format!("{all} endpoints work")),
        (working, all) => parts.push(format!("{working} of {all} endpoints work")),
    }
    match skipped {
        0 => {}
        1 if contacted == 0 => parts.push("1 endpoint not contacted".to_owned()),
        skipped if contacted == 0 => parts.push(format!("{skipped} endpoints not contacted")),
        skipped => parts.push(format!("{skipped} not contacted")),
    }
    Text::of(&parts.join(", "))
}

#[cfg(test)]
mod tests;
