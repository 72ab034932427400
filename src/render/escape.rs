//! Makes text from outside safe to show: what could move the cursor, change the direction or hide
//! is written out (`\x1b`, `\u{202e}`).

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every control, format, direction and invisible character written out.
///
/// What remains are characters that take the place they seem to take, in the order they stand in.
/// A backslash stays as it is: names by RFC 4514 are full of them, and none of them does anything.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            // Writing to a String cannot fail.
            character if character.is_ascii() && is_deceptive(character) => {
                let _ = write!(escaped, "\\x{:02x}", u32::from(character));
            }
            character if is_deceptive(character) => {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
            }
            character => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

/// Controls (C0, DEL, C1), and the characters of Unicode's general categories Cf, Zl and Zp, with the
/// blank letters and fillers that pass for nothing or for a space.
pub(super) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}'                  // soft hyphen
            | '\u{034f}'                // combining grapheme joiner
            | '\u{0600}'..='\u{0605}'   // Arabic number signs
            | '\u{061c}'                // Arabic letter mark
            | '\u{06dd}' | '\u{070f}'
            | '\u{0890}'..='\u{0891}' | '\u{08e2}'
            | '\u{115f}'..='\u{1160}'   // Hangul fillers
            | '\u{17b4}'..='\u{17b5}'   // Khmer inherent vowels
            | '\u{180b}'..='\u{180f}'   // Mongolian selectors and vowel separator
            | '\u{200b}'..='\u{200f}'   // zero width, direction marks
            | '\u{2028}'..='\u{202e}'   // line and paragraph separators, embeddings and overrides
            | '\u{2060}'..='\u{206f}'   // word joiner, invisible operators, isolates, deprecated formats
            | '\u{2800}'                // blank Braille pattern
            | '\u{3164}' | '\u{ffa0}'   // Hangul fillers
            | '\u{fe00}'..='\u{fe0f}'   // variation selectors
            | '\u{feff}'                // byte order mark
            | '\u{fff0}'..='\u{fffb}'   // interlinear annotation
            | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' // tags, further variation selectors
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in
            ["CN=www.example.test,O=Beispiel GmbH", "http://crl.example.test/ca.crl", "日本語 — ελ é", r"CN=a\, b"]
        {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn controls_are_written_out() {
        assert_eq!(escape("a\x1b[31mb\x07\x7f"), r"a\x1b[31mb\x07\x7f");
        assert_eq!(escape("one\r\ntwo\tthree\0"), r"one\r\ntwo\tthree\x00");
        assert_eq!(escape("\u{9b}31m\u{85}"), r"\u{9b}31m\u{85}", "C1 controls begin sequences too");
    }

    #[test]
    fn direction_overrides_are_written_out() {
        for character in
            ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain(['\u{200e}', '\u{200f}', '\u{061c}'])
        {
            let expected = format!("moc.elpmaxe\\u{{{:x}}}x", u32::from(character));
            assert_eq!(escape(&format!("moc.elpmaxe{character}x")), expected);
        }
    }

    #[test]
    fn the_invisible_is_written_out() {
        let hidden = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2028}', '\u{2029}', '\u{2060}', '\u{feff}', '\u{ad}'];
        for character in hidden {
            assert_eq!(escape(&character.to_string()), format!("\\u{{{:x}}}", u32::from(character)));
        }
    }

    #[test]
    fn what_is_escaped_once_stays() {
        for code in 0..0x11_0000 {
            let Some(character) = char::from_u32(code) else { continue };
            let once = escape(&character.to_string()).into_owned();
            assert!(!once.contains(is_deceptive), "{code:x}");
            assert_eq!(escape(&once), once.as_str());
        }
    }
}
