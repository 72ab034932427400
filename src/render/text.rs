//! Styled text that is escaped as it is put together, measured in columns, and wrapped.

use std::io::{self, Write};
use std::ops::Range;

use anstyle::Style;
use textwrap::WordSeparator;
use textwrap::core::{Word, break_words, display_width};
use textwrap::wrap_algorithms::wrap_first_fit;

use super::escape::escape;

/// A space that stays inside of its line; printed as an ordinary one.
pub(super) const UNBROKEN_SPACE: char = '\u{a0}';

/// Pieces of text, each with its style. There is no way in but through [`escape`].
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    plain: String,
    /// Octet ranges of `plain` that have a style, ascending.
    styles: Vec<(Range<usize>, Style)>,
}

impl Text {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn of(text: &str) -> Self {
        Self::new().plain(text)
    }

    /// Adds text without a style.
    pub(super) fn plain(mut self, text: &str) -> Self {
        self.plain.push_str(&escape(text));
        self
    }

    /// Adds text with a style.
    pub(super) fn styled(mut self, style: Style, text: &str) -> Self {
        let start = self.plain.len();
        self.plain.push_str(&escape(text));
        self.styles.push((start..self.plain.len(), style));
        self
    }

    /// Adds another text.
    pub(super) fn then(mut self, other: &Self) -> Self {
        let start = self.plain.len();
        self.plain.push_str(&other.plain);
        self.styles.extend(
            other
                .styles
                .iter()
                .map(|(range, style)| (start.saturating_add(range.start)..start.saturating_add(range.end), *style)),
        );
        self
    }

    /// Fills up with spaces to that many columns.
    pub(super) fn padded(mut self, columns: usize) -> Self {
        let missing = columns.saturating_sub(self.width());
        self.plain.extend(std::iter::repeat_n(' ', missing));
        self
    }

    /// Columns taken.
    pub(super) fn width(&self) -> usize {
        display_width(&self.plain)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    /// Lines of at most that many columns, broken at spaces, and inside of words that are longer
    /// than a line. Never empty.
    pub(super) fn wrapped(&self, columns: usize) -> Vec<Self> {
        let columns = columns.max(1);
        let words = break_words(WordSeparator::AsciiSpace.find_words(&self.plain), columns);
        // The algorithm only measures: columns of any terminal are exact in f64.
        let limit = f64::from(u32::try_from(columns).unwrap_or(u32::MAX));
        let mut lines = Vec::new();
        let mut start = 0usize;
        for line in wrap_first_fit(&words, &[limit]) {
            let length = |word: &Word<'_>| word.word.len().saturating_add(word.whitespace.len());
            let end = start.saturating_add(line.iter().map(length).sum());
            let trailing = line.last().map_or(0, |word| word.whitespace.len());
            lines.push(self.slice(start..end.saturating_sub(trailing)));
            start = end;
        }
        if lines.is_empty() {
            lines.push(Self::new());
        }
        lines
    }

    /// The text in at most that many columns, its end cut off with `…` where it is longer.
    pub(super) fn cut(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        let mut end = 0;
        let mut used = 1; // the ellipsis
        for (index, character) in self.plain.char_indices() {
            let width = display_width(character.encode_utf8(&mut [0; 4]));
            if used + width > columns {
                break;
            }
            used += width;
            end = index.saturating_add(character.len_utf8());
        }
        let cut = self.slice(0..end);
        if columns == 0 { cut } else { cut.plain("…") }
    }

    fn slice(&self, range: Range<usize>) -> Self {
        let styles = self
            .styles
            .iter()
            .map(|(styled, style)| (styled.start.max(range.start)..styled.end.min(range.end), *style))
            .filter(|(styled, _)| styled.start < styled.end)
            .map(|(styled, style)| {
                (styled.start.saturating_sub(range.start)..styled.end.saturating_sub(range.start), style)
            })
            .collect();
        Self { plain: self.plain.get(range).unwrap_or_default().to_owned(), styles }
    }
}

/// Writes lines that are no wider than the page.
pub(super) struct Page<'w> {
    pub(super) width: usize,
    pub(super) color: bool,
    pub(super) writer: &'w mut dyn Write,
}

impl Page<'_> {
    pub(super) fn blank(&mut self) -> io::Result<()> {
        self.writer.write_all(b"\n")
    }

    /// One line, cut at the page's edge.
    pub(super) fn line(&mut self, text: &Text) -> io::Result<()> {
        self.write(&text.cut(self.width))
    }

    /// As many lines as it takes: the first behind `first`, the others indented as far.
    pub(super) fn paragraph(&mut self, first: &Text, text: &Text) -> io::Result<()> {
        self.hanging(first, first.width(), text, usize::MAX)
    }

    /// As many lines as it takes, all of them indented by that many columns; at most `limit` of them, the
    /// last one then ending in `…`.
    pub(super) fn block(&mut self, indent: usize, text: &Text, limit: usize) -> io::Result<()> {
        // A page too narrow for the indentation gets less of it.
        let indent = indent.min(self.width.saturating_sub(16));
        self.hanging(&Text::new().padded(indent), indent, text, limit)
    }

    /// The first line behind `first`, the others indented by `indent` columns; at most `limit` of them, the
    /// last one then ending in `…`.
    pub(super) fn hanging(&mut self, first: &Text, indent: usize, text: &Text, limit: usize) -> io::Result<()> {
        let margin = indent.max(first.width());
        if self.width.saturating_sub(margin) < 16 && margin > 16 {
            self.line(first)?;
            return self.block(indent, text, limit);
        }
        let room = self.width.saturating_sub(margin);
        let lines = text.wrapped(room);
        let more = lines.len() > limit;
        for (index, line) in lines.iter().take(limit).enumerate() {
            let margin = if index == 0 { first.clone() } else { Text::new().padded(indent) };
            let last = more && index.saturating_add(1) == limit;
            let line = if last { line.clone().cut(room.saturating_sub(1)).plain("…") } else { line.clone() };
            self.line(&margin.then(&line))?;
        }
        Ok(())
    }

    fn write(&mut self, text: &Text) -> io::Result<()> {
        // A space that lines are not broken at has done its work once they are.
        let shown = |range: Range<usize>| text.plain.get(range).unwrap_or_default().replace(UNBROKEN_SPACE, " ");
        let mut written = 0;
        let end = text.plain.trim_end().len();
        if self.color {
            for (range, style) in &text.styles {
                let (from, to) = (range.start.min(end), range.end.min(end));
                self.writer.write_all(shown(written..from).as_bytes())?;
                if from < to {
                    write!(self.writer, "{}{}{}", style.render(), shown(from..to), style.render_reset())?;
                }
                written = to;
            }
        }
        self.writer.write_all(shown(written..end).as_bytes())?;
        self.writer.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    fn printed(color: bool, width: usize, act: impl FnOnce(&mut Page<'_>)) -> String {
        let mut octets = Vec::new();
        act(&mut Page { width, color, writer: &mut octets });
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn wraps_at_spaces_and_inside_long_words() {
        let text = Text::of("see http://crl.example.test/a/very-long-name.crl now");
        let lines: Vec<String> = text.wrapped(20).into_iter().map(|line| line.plain).collect();
        assert_eq!(lines, ["see", "http://crl.example.t", "est/a/very-long-name", ".crl now"]);
        assert_eq!(lines.concat().replace(' ', ""), text.plain.replace(' ', ""), "nothing is lost");
    }

    #[test]
    fn styles_survive_wrapping_and_cutting() {
        let red = AnsiColor::Red.on_default();
        let text = Text::of("one ").styled(red, "two three").plain(" four");
        let output = printed(true, 8, |page| page.paragraph(&Text::new(), &text).unwrap());
        assert_eq!(output, "one \u{1b}[31mtwo\u{1b}[0m\n\u{1b}[31mthree\u{1b}[0m\nfour\n");
        assert_eq!(printed(false, 8, |page| page.line(&text).unwrap()), "one two…\n");
    }

    #[test]
    fn wide_characters_count_double() {
        assert_eq!(Text::of("日本語").width(), 6);
        assert_eq!(Text::of("日本語").cut(4).plain, "日…");
        assert!(Text::of("日本語日本語").wrapped(5).iter().all(|line| line.width() <= 5));
    }

    #[test]
    fn hostile_text_cannot_style_or_break_lines() {
        let output = printed(true, 80, |page| page.line(&Text::of("a\x1b[31m\nb\u{202e}")).unwrap());
        assert_eq!(output, "a\\x1b[31m\\nb\\u{202e}\n");
    }
}
