//! One JSON document, indented. Text is as it came, by JSON's own escapes.

use std::io::{self, Write};

use serde::Serialize;

/// Writes a report (or any other serialisable value) as one document.
///
/// # Errors
/// Those of the writer.
pub fn write(report: &impl Serialize, writer: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *writer, report).map_err(io::Error::from)?;
    writer.write_all(b"\n")
}
