//! The catalogue of findings, for people.

use std::io::{self, Write};

use super::{BOLD, DIM, Options};
use crate::finding::Entry;
use crate::finding::catalogue::DefaultSeverity;
use crate::render::text::{Page, Text};
use crate::report::Severity;

/// Entries in full: what each means, why it matters, what to do, and the clause.
///
/// # Errors
/// Those of the writer.
pub fn explain<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    options: &Options,
    writer: &mut dyn Write,
) -> io::Result<()> {
    let mut page = options.page(writer);
    for (index, entry) in entries.into_iter().enumerate() {
        if index > 0 {
            page.blank()?;
        }
        let title = Text::new()
            .styled(severity_style(entry.severity).bold(), entry.code.as_str())
            .plain("  ")
            .styled(DIM, &entry.severity.to_string());
        page.hanging(&Text::new(), 2, &title, usize::MAX)?;
        page.block(2, &Text::new().styled(BOLD, entry.title), usize::MAX)?;
        page.blank()?;
        paragraphs(entry.explanation, &Text::of("  "), &mut page)?;
        page.blank()?;
        paragraphs(entry.remedy, &Text::of("  → "), &mut page)?;
        page.blank()?;
        page.block(2, &Text::new().styled(DIM, entry.reference), usize::MAX)?;
    }
    Ok(())
}

/// Every code with its title and severity, by group.
///
/// # Errors
/// Those of the writer.
pub fn codes<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    options: &Options,
    writer: &mut dyn Write,
) -> io::Result<()> {
    let entries: Vec<&Entry> = entries.into_iter().collect();
    let mut page = options.page(writer);
    let column = entries.iter().map(|entry| entry.code.as_str().len()).max().unwrap_or(0).saturating_add(4);
    let mut group = "";
    for entry in entries {
        if entry.code.group() != group {
            if !group.is_empty() {
                page.blank()?;
            }
            group = entry.code.group();
            page.line(&Text::new().styled(BOLD, group))?;
        }
        let first = Text::of("  ").styled(severity_style(entry.severity), entry.code.as_str()).padded(column);
        let text = Text::of(entry.title).styled(DIM, &format!(" ({})", entry.severity));
        page.hanging(&first, column, &text, usize::MAX)?;
    }
    Ok(())
}

fn severity_style(severity: DefaultSeverity) -> anstyle::Style {
    super::severity_style(match severity {
        DefaultSeverity::Fixed(severity) | DefaultSeverity::Graded(severity, _) => severity,
        DefaultSeverity::ByConsequence => Severity::Warning,
    })
}

/// Text whose paragraphs are separated by empty lines; single line breaks are only the source's.
fn paragraphs(text: &str, first: &Text, page: &mut Page<'_>) -> io::Result<()> {
    for (index, paragraph) in text.split("\n\n").enumerate() {
        let words = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let margin = if index == 0 { first.clone() } else { Text::new().padded(first.width()) };
        page.paragraph(&margin, &Text::of(&words))?;
    }
    Ok(())
}
