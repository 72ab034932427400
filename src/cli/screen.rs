//! A terminal's second screen, drawn again and again while something goes on; the first one comes back in the end.

use std::io::{self, Write};
use std::time::Duration;

use anstream::AutoStream;
use terminal_size::terminal_size;

/// Where the terminal does not tell.
const DEFAULT_SIZE: (usize, usize) = (80, 24);

/// Takes the cursor home and erases nothing, so that nothing flickers.
const HOME: &str = "\x1b[H";
const ERASE_TO_END_OF_LINE: &str = "\x1b[K";
const ERASE_TO_END_OF_SCREEN: &str = "\x1b[J";
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Standard output as a screen, until it is dropped.
pub(super) struct Screen {
    stream: AutoStream<io::Stdout>,
}

impl Screen {
    /// No more than four times a second.
    pub(super) const PERIOD: Duration = Duration::from_millis(250);

    pub(super) fn enter() -> io::Result<Self> {
        // Translates for consoles that know no escape sequences.
        let mut stream = AutoStream::always(io::stdout());
        stream.write_all(ENTER.as_bytes())?;
        stream.flush()?;
        Ok(Self { stream })
    }

    /// Columns and lines as of now.
    pub(super) fn size(&self) -> (usize, usize) {
        terminal_size().map_or(DEFAULT_SIZE, |(columns, lines)| (columns.0.into(), lines.0.into()))
    }

    /// Draws over what is there. `render` writes lines that fit.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        let mut rendered = Vec::new();
        render(&mut rendered)?;
        self.stream.write_all(&frame(&rendered))?;
        self.stream.flush()
    }
}

/// Lines as they go over those of before; none ends after the last one, since that would scroll.
fn frame(rendered: &[u8]) -> Vec<u8> {
    let mut frame = HOME.as_bytes().to_vec();
    let lines = rendered.strip_suffix(b"\n").unwrap_or(rendered);
    for (index, line) in lines.split(|octet| *octet == b'\n').enumerate() {
        if index > 0 {
            frame.extend(b"\r\n");
        }
        frame.extend_from_slice(line);
        frame.extend(ERASE_TO_END_OF_LINE.as_bytes());
    }
    frame.extend(ERASE_TO_END_OF_SCREEN.as_bytes());
    frame
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs no more tidying.
        let _ = self.stream.write_all(LEAVE.as_bytes());
        let _ = self.stream.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_goes_over_the_one_before_and_does_not_scroll() {
        assert_eq!(frame(b"one\ntwo\n"), b"\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J");
    }
}
