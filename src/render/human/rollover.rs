//! Old and new side by side, the hosts to open, the new chain, and whether it may go ahead.

use std::io::{self, Write};

use super::{
    BOLD, DIM, GREEN, Options, RED, chain, egress, endpoints, findings, message_under, quiet_line, severity_style,
    verdict_style, verdict_word,
};
use crate::render::text::{Page, Text};
use crate::report::endpoints::EgressEndpoint;
use crate::report::rollover::{RolloverDifference, RolloverReport};
use crate::report::{Severity, Verdict};
use crate::rollover::Field;

/// Columns of the first column, its distance included.
const LABEL: usize = 16;
/// Lines that one cell may take.
const LINES: usize = 6;

/// The whole report of `rollover`.
///
/// # Errors
/// Those of the writer.
pub fn rollover(report: &RolloverReport, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    let name = format!("rollover from {} to {}", report.from.target, report.to.target);
    if options.quiet {
        return match report.verdict {
            Verdict::Ok => Ok(()),
            verdict => quiet_line(verdict_word(verdict), &name, &report.findings, writer),
        };
    }
    let mut page = options.page(writer);
    let title = Text::new().styled(verdict_style(report.verdict), verdict_word(report.verdict)).plain("  ");
    page.hanging(&title, 4, &Text::new().styled(BOLD, &name), 4)?;
    page.block(2, &gist(report), 3)?;
    differences(report, &mut page)?;
    root(report, &mut page)?;
    hosts(report, options.verbose, &mut page)?;
    page.blank()?;
    page.line(&Text::new().styled(BOLD, "The new chain"))?;
    chain::show(&report.to, options.verbose, &mut page)?;
    chain::connections(&report.to, options.verbose, &mut page)?;
    endpoints::show(&report.to, options.verbose, &mut page)?;
    findings::show(&report.findings, &report.to.target, options.verbose, &mut page)?;
    page.blank()?;
    page.block(0, &closing(report), 3)
}

fn gist(report: &RolloverReport) -> Text {
    let Some(first) = report.findings.first().filter(|first| first.severity > Severity::Info) else {
        let count = report.differences.len();
        return Text::of(&match count {
            0 if report.same => "both are the very same certificate".to_owned(),
            0 => "nothing of note changes".to_owned(),
            1 => "1 difference, which breaks nothing by itself".to_owned(),
            count => format!("{count} differences, none of which breaks anything by itself"),
        });
    };
    let more = report.findings.iter().skip(1).filter(|finding| finding.severity > Severity::Info).count();
    let text = Text::of(message_under(&report.to.target, first));
    if more > 0 { text.styled(DIM, &format!(" (+{more} more)")) } else { text }
}

fn differences(report: &RolloverReport, page: &mut Page<'_>) -> io::Result<()> {
    if report.differences.is_empty() {
        return Ok(());
    }
    page.blank()?;
    let columns = page.width.saturating_sub(LABEL + 4) / 2;
    let heading = Text::new().styled(BOLD, "  what changes").padded(LABEL + 2).styled(BOLD, "old");
    page.line(&heading.padded(LABEL + columns + 4).styled(BOLD, "new"))?;
    for difference in &report.differences {
        side_by_side(difference, columns, page)?;
        if let Some(address) = &difference.address {
            page.block(LABEL + 2, &Text::of("at ").plain(address), 2)?;
        }
        let arrow = Text::new().padded(LABEL + 2).styled(severity_style(difference.severity), "→ ");
        page.hanging(&arrow, LABEL + 4, &Text::new().styled(DIM, &difference.meaning), 4)?;
    }
    Ok(())
}

fn side_by_side(difference: &RolloverDifference, columns: usize, page: &mut Page<'_>) -> io::Result<()> {
    let cell = |value: &Option<String>| {
        let text = value.as_ref().map_or_else(|| Text::new().styled(DIM, "none"), |value| Text::of(value));
        let mut lines = text.wrapped(columns);
        if lines.len() > LINES {
            lines.truncate(LINES);
            if let Some(last) = lines.last_mut() {
                *last = last.cut(columns.saturating_sub(1)).plain("…");
            }
        }
        lines
    };
    let (old, new) = (cell(&difference.from), cell(&difference.to));
    let style = if difference.severity == Severity::Info { BOLD } else { severity_style(difference.severity).bold() };
    for index in 0..old.len().max(new.len()) {
        let label = if index == 0 { difference.field.title() } else { "" };
        let mut line = Text::of("  ").styled(style, label).padded(LABEL + 2);
        line = old.get(index).map_or_else(|| line.clone(), |old| line.clone().then(old));
        line = line.padded(LABEL + columns + 4);
        line = new.get(index).map_or_else(|| line.clone(), |new| line.clone().then(new));
        page.line(&line)?;
    }
    Ok(())
}

fn root(report: &RolloverReport, page: &mut Page<'_>) -> io::Result<()> {
    let Some(root) = &report.root else { return Ok(()) };
    page.blank()?;
    let changes = report.differences.iter().any(|difference| difference.field == Field::Root);
    let title = if changes { "New root  " } else { "Same root " };
    let text = Text::new().styled(BOLD, title).plain(&root.subject).plain(": ");
    let store = super::phrase::store(&root.trust_store);
    let text = if root.trusted {
        text.styled(GREEN, "trusted here").plain(&format!(" ({store})"))
    } else {
        text.styled(RED, "not in this machine's trust store").plain(&format!(" ({store})"))
    };
    page.block(0, &text, 4)?;
    page.block(10, &Text::new().styled(DIM, &format!("SHA-256 {}", root.sha256)), 2)
}

fn hosts(report: &RolloverReport, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    let group = |title: &str, of: &[EgressEndpoint], page: &mut Page<'_>| -> io::Result<()> {
        if of.is_empty() {
            return Ok(());
        }
        page.blank()?;
        page.line(&Text::new().styled(BOLD, title))?;
        egress::rows(of, verbose, page)
    };
    group("Hosts that must newly be open", &report.hosts.added, page)?;
    group("Hosts that stay needed", &report.hosts.kept, page)?;
    if !report.hosts.removed.is_empty() {
        page.blank()?;
        let names: Vec<String> = report.hosts.removed.iter().map(egress::place).collect();
        let text = Text::new().styled(BOLD, "Hosts no longer needed  ").plain(&names.join(", "));
        page.block(0, &text, 6)?;
    }
    Ok(())
}

fn closing(report: &RolloverReport) -> Text {
    let (text, style) = match report.verdict {
        Verdict::Ok => ("The rollover may go ahead from this machine's point of view.", verdict_style(Verdict::Ok)),
        Verdict::Warning => (
            "The rollover may go ahead from this machine's point of view once the warnings are dealt with.",
            verdict_style(Verdict::Warning),
        ),
        Verdict::Critical => {
            ("The rollover must not go ahead yet: it would fail on this machine.", verdict_style(Verdict::Critical))
        }
        Verdict::Unknown => (
            "Whether the rollover may go ahead is not known: the question could not be put.",
            verdict_style(Verdict::Unknown),
        ),
    };
    Text::new().styled(style, text)
}
