//! Findings, the worst first, each with what to do.

use std::io;

use super::{BOLD, DIM, message_under, severity_style};
use crate::render::text::{Page, Text};
use crate::report::{About, Finding};

/// All of them. With `verbose`, what each is about and the clause it comes from.
pub(super) fn show(findings: &[Finding], name: &str, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    let mut told = vec![false; findings.len()];
    for (index, finding) in findings.iter().enumerate() {
        if told.get(index).copied().unwrap_or(true) {
            continue;
        }
        page.blank()?;
        // What calls for the same remedy is told together, so that the remedy is read once.
        let mut alike: Vec<&Finding> = Vec::new();
        for (other, told) in findings.iter().zip(told.iter_mut()).skip(index) {
            let same = (other.code, other.severity, &other.remedy) == (finding.code, finding.severity, &finding.remedy);
            if same && !*told && (!verbose || alike.is_empty()) {
                *told = true;
                alike.push(other);
            }
        }
        block(&alike, name, 0, verbose, page)?;
    }
    Ok(())
}

/// One finding beneath `name`, the target or URL it is of.
pub(super) fn one(finding: &Finding, name: &str, indent: usize, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    block(&[finding], name, indent, verbose, page)
}

/// Findings that differ in their message only.
fn block(alike: &[&Finding], name: &str, indent: usize, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    let Some(finding) = alike.first() else { return Ok(()) };
    let title = Text::new()
        .padded(indent)
        .styled(severity_style(finding.severity).bold(), finding.severity.word())
        .plain("  ")
        .styled(BOLD, finding.code);
    page.line(&title)?;
    let inner = indent.saturating_add(2);
    for one in alike {
        page.block(inner, &Text::of(message_under(name, one)), usize::MAX)?;
    }
    if !finding.remedy.is_empty() {
        let arrow = Text::new().padded(inner).plain("→ ");
        page.paragraph(&arrow, &Text::of(&finding.remedy))?;
    }
    if verbose {
        let about = match &finding.about {
            About::Target => None,
            About::Path => Some("the certification path".to_owned()),
            About::Connection { address } => Some(format!("connection to {address}")),
            About::Certificate { sha256 } => Some(format!("certificate {sha256}")),
            About::Endpoint { url } => Some(format!("endpoint {url}")),
        };
        let about = about.into_iter().chain(Some(finding.reference.to_owned()).filter(|clause| !clause.is_empty()));
        for line in about {
            let text = Text::new().styled(DIM, &line);
            page.block(inner, &text, usize::MAX)?;
        }
    }
    Ok(())
}
