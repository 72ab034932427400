//! Comma-separated values (RFC 4180), safe to open in a spreadsheet.

use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};

use super::escape::escape;

/// Writes a header line and rows. Cells are quoted where need be; one that a spreadsheet would take for a formula gets
/// an apostrophe before it, control characters, line ends among them, become spaces, and what is invisible or turns the
/// direction of text is written out.
///
/// # Errors
/// Those of the writer, and a row of another length than the header.
pub fn write<R>(header: &[&str], rows: impl IntoIterator<Item = R>, writer: &mut dyn Write) -> io::Result<()>
where
    R: IntoIterator<Item = String>,
{
    let mut table = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(writer);
    table.write_record(header)?;
    for row in rows {
        table.write_record(row.into_iter().map(|cell| harmless(&cell)))?;
    }
    table.flush()
}

/// Spreadsheets evaluate what begins with one of these, also within quotes, and some pass over spaces before it.
fn harmless(cell: &str) -> String {
    let cell: String = cell.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    let cell = escape(&cell);
    if cell.trim_start().starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_cells_and_never_become_formulas() {
        let mut written = Vec::new();
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let rows =
            [row(["a,b", "say \"x\"", "two\r\nlines"]), row(["=cmd|' /C calc'!A0", "\t-1+1", "\u{1b}[31m\u{202e}"])];
        write(&["one", "two", "three"], rows, &mut written).unwrap();
        let text = String::from_utf8(written.clone()).unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        let mut reader = csv::Reader::from_reader(written.as_slice());
        let read: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        assert_eq!(read[0], ["a,b", "say \"x\"", "two  lines"]);
        assert_eq!(read[1], ["'=cmd|' /C calc'!A0", "' -1+1", " [31m\\u{202e}"]);
    }
}
