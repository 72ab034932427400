//! One JSON document, indented. Faithful to the text as it came, and yet safe on a terminal: what
//! [`escape`](super::escape) would write out stands as a `\u` escape, which reads back as the same text.

use std::io::{self, Write};

use serde::Serialize;

use super::escape::is_deceptive;

/// Writes a report (or any other serialisable value) as one document.
///
/// # Errors
/// Those of the writer.
pub fn write(report: &impl Serialize, writer: &mut dyn Write) -> io::Result<()> {
    let mut text = inert(&serde_json::to_string_pretty(report).map_err(io::Error::from)?);
    text.push('\n');
    writer.write_all(text.as_bytes())
}

/// JSON text with everything but plain visible characters as `\u` escapes. Only strings can hold what
/// is replaced: outside of them JSON is ASCII, and its white space is left alone.
pub(super) fn inert(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_deceptive(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_inert_and_reads_back() {
        let text = "a\x1b[2J\u{9b}2J\u{202e}\u{e0041}\x7f\n\"\\é日";
        let mut octets = Vec::new();
        write(&serde_json::json!({ "name": text }), &mut octets).unwrap();
        let json = String::from_utf8(octets).unwrap();
        assert!(!json.contains(['\x1b', '\u{9b}', '\u{202e}', '\u{e0041}', '\x7f']));
        assert!(json.contains("é日"));
        let back: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(back["name"], text);
    }
}
