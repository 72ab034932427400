//! One JSON object a line: each target's, or each URL's.

use std::io::{self, Write};

use serde::Serialize;

/// Writes one object and ends the line.
///
/// # Errors
/// Those of the writer.
pub fn line(object: &impl Serialize, writer: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, object).map_err(io::Error::from)?;
    writer.write_all(b"\n")
}
