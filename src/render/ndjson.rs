//! One JSON object a line: each target's, or each URL's.

use std::io::{self, Write};

use serde::Serialize;

use super::json::inert;

/// Writes one object and ends the line.
///
/// # Errors
/// Those of the writer.
pub fn line(object: &impl Serialize, writer: &mut dyn Write) -> io::Result<()> {
    let mut text = inert(&serde_json::to_string(object).map_err(io::Error::from)?);
    text.push('\n');
    writer.write_all(text.as_bytes())
}
