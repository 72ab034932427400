//! Shows a report: `(report, writer) → io::Result`.
//!
//! Input: the types of [`crate::report`], and how to show them. Output: octets. A renderer has no
//! clock, no environment, no network, and judges nothing. All text from outside passes through
//! [`escape`] before it can reach a terminal.

pub mod csv;
pub mod endpoints;
pub mod escape;
pub mod html;
pub mod human;
pub mod json;
mod listen;
pub mod ndjson;
mod roots;
mod text;

use std::io::{self, Write};

use crate::report::Report;
use crate::report::rollover::RolloverReport;
use crate::report::tls::TlsReport;
use crate::report::url::UrlReport;

pub use listen::{ListenFormat, connection, listen};
pub use roots::{RootsFormat, roots};

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Ndjson,
}

/// Writes the report of `check`.
///
/// # Errors
/// Those of the writer.
pub fn report(report: &Report, format: Format, options: &human::Options, writer: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Human => human::report(report, options, writer),
        Format::Json => json::write(report, writer),
        Format::Ndjson => report.targets.iter().try_for_each(|target| ndjson::line(target, writer)),
    }
}

/// Writes the report of `url`.
///
/// # Errors
/// Those of the writer.
pub fn url(report: &UrlReport, format: Format, options: &human::Options, writer: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Human => human::url(report, options, writer),
        Format::Json => json::write(report, writer),
        Format::Ndjson => report.endpoints.iter().try_for_each(|endpoint| ndjson::line(endpoint, writer)),
    }
}

/// Writes the report of `tls`.
///
/// # Errors
/// Those of the writer.
pub fn tls(report: &TlsReport, format: Format, options: &human::Options, writer: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Human => human::tls(report, options, writer),
        Format::Json => json::write(report, writer),
        Format::Ndjson => report.targets.iter().try_for_each(|target| ndjson::line(target, writer)),
    }
}

/// Writes the report of `rollover`.
///
/// # Errors
/// Those of the writer.
pub fn rollover(
    report: &RolloverReport,
    format: Format,
    options: &human::Options,
    writer: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Human => human::rollover(report, options, writer),
        Format::Json => json::write(report, writer),
        Format::Ndjson => ndjson::line(report, writer),
    }
}
