//! Where the report goes: standard output or a file, with or without colour.

use std::env;
use std::fs;
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anstream::AutoStream;
use tempfile::NamedTempFile;

use super::CliError;
use super::args::{ColorArg, FormatArg, ShowArgs};
use crate::render::escape::escape;
use crate::render::{Format, human};

/// Columns where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 100;
/// Wider lines tire the eye.
pub(super) const WIDEST: usize = 160;

/// What [`ShowArgs`] mean.
#[derive(Debug, Clone)]
pub(super) struct Output {
    /// Whether the format is for people, so that colour may come in.
    human: bool,
    pub(super) options: human::Options,
    pub(super) destination: Option<PathBuf>,
    pub(super) progress: bool,
    /// Whether standard output is a terminal that may be drawn on again and again.
    pub(super) redraws: bool,
}

/// What the process finds around it.
#[derive(Debug, Clone, Copy)]
struct Surroundings {
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    no_color: bool,
    /// The terminal knows no escape sequences.
    dumb: bool,
    columns: Option<usize>,
}

impl Surroundings {
    fn look() -> Self {
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
        let stdout_is_terminal = io::stdout().is_terminal();
        Self {
            stdout_is_terminal,
            stderr_is_terminal: io::stderr().is_terminal(),
            no_color: no_color || dumb,
            dumb,
            columns: stdout_is_terminal
                .then(terminal_size::terminal_size)
                .flatten()
                .map(|(columns, _)| columns.0.into()),
        }
    }
}

/// What `--format` of the commands with a report means.
pub(super) fn format(arg: FormatArg) -> Format {
    match arg {
        FormatArg::Human => Format::Human,
        FormatArg::Json => Format::Json,
        FormatArg::Ndjson => Format::Ndjson,
    }
}

impl Output {
    pub(super) fn resolve(args: &ShowArgs, human: bool) -> Self {
        Self::within(args, human, Surroundings::look())
    }

    fn within(args: &ShowArgs, human: bool, around: Surroundings) -> Self {
        let to_terminal = around.stdout_is_terminal && args.output.is_none();
        let columns = around.columns.filter(|_| to_terminal);
        Self {
            human,
            options: human::Options {
                width: columns.unwrap_or(DEFAULT_WIDTH).min(WIDEST),
                color: match args.color {
                    ColorArg::Always => true,
                    ColorArg::Never => false,
                    ColorArg::Auto => to_terminal && !around.no_color,
                },
                verbose: args.verbose,
                quiet: args.quiet,
            },
            destination: args.output.clone(),
            progress: around.stderr_is_terminal && !args.no_progress,
            redraws: to_terminal && !around.dumb && !args.no_progress,
        }
    }

    /// Shows what is rendered in one piece.
    pub(super) fn show(&self, render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<(), CliError> {
        let mut rendered = Vec::new();
        render(&mut rendered).map_err(|error| CliError::new(format!("cannot show the report: {error}")))?;
        let mut sink = self.open()?;
        sink.write(&rendered)?;
        sink.finish()
    }

    /// Opens the destination; a file is replaced only by [`Sink::finish`].
    pub(super) fn open(&self) -> Result<Sink, CliError> {
        match &self.destination {
            None => Ok(Sink::Standard { color: self.options.color && self.human, closed: false }),
            Some(path) => Sink::file(path),
        }
    }
}

impl Output {
    /// The same for lines that come over a long time: a file is not replaced, but has them appended as they come.
    pub(super) fn open_log(&self) -> Result<Sink, CliError> {
        let Some(path) = &self.destination else { return self.open() };
        let file = fs::OpenOptions::new().append(true).create(true).open(path);
        let file = file.map_err(|error| CliError::new(format!("cannot write {}: {error}", path.display())))?;
        Ok(Sink::Direct { file, path: path.clone() })
    }
}

/// Takes the report.
pub(super) enum Sink {
    /// Standard output; `closed` once nobody reads it any more.
    Standard { color: bool, closed: bool },
    /// A file beside the destination that takes its place in the end.
    Replacing { file: NamedTempFile, path: PathBuf },
    /// What is no regular file (`/dev/stdout`, a named pipe) is written to as it is.
    Direct { file: fs::File, path: PathBuf },
}

impl Sink {
    fn file(path: &Path) -> Result<Self, CliError> {
        // The name of the file beside it, which tempfile adds, is of no use to anyone.
        let fail = |error: &io::Error| {
            let whole = error.to_string();
            let cause = whole.split_once(" at path ").map_or(whole.as_str(), |(cause, _)| cause);
            CliError::new(format!("cannot write {}: {cause}", path.display()))
        };
        // Through a symbolic link the file it leads to is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            let file = fs::OpenOptions::new().write(true).open(&path).map_err(|error| fail(&error))?;
            return Ok(Self::Direct { file, path });
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".certflight-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // As any new file: the umask takes away from it. One that is replaced passes its mode on.
            let mode = fs::metadata(&path).map_or(0o666, |metadata| metadata.permissions().mode() & 0o777);
            builder.permissions(fs::Permissions::from_mode(mode));
        }
        let file = builder.tempfile_in(folder).map_err(|error| fail(&error))?;
        Ok(Self::Replacing { file, path })
    }

    /// Writes what has been rendered. Once nobody reads standard output any more, nothing happens.
    pub(super) fn write(&mut self, octets: &[u8]) -> Result<(), CliError> {
        match self {
            Self::Standard { closed: true, .. } => Ok(()),
            Self::Standard { color, closed } => match write_stdout(octets, *color) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                    *closed = true;
                    Ok(())
                }
                result => result.map_err(|error| CliError::new(format!("cannot write to standard output: {error}"))),
            },
            Self::Replacing { file, path } => file
                .write_all(octets)
                .map_err(|error| CliError::new(format!("cannot write {}: {error}", path.display()))),
            Self::Direct { file, path } => match file.write_all(octets) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                result => result.map_err(|error| CliError::new(format!("cannot write {}: {error}", path.display()))),
            },
        }
    }

    /// Whether nobody reads standard output any more.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self, Self::Standard { closed: true, .. })
    }

    /// Puts a file in its place.
    pub(super) fn finish(self) -> Result<(), CliError> {
        match self {
            Self::Standard { .. } | Self::Direct { .. } => Ok(()),
            Self::Replacing { file, path } => file
                .persist(&path)
                .map(drop)
                .map_err(|error| CliError::new(format!("cannot write {}: {error}", path.display()))),
        }
    }
}

fn write_stdout(octets: &[u8], color: bool) -> io::Result<()> {
    let stdout = io::stdout().lock();
    if color {
        // Translates for consoles that know no escape sequences.
        let mut stream = AutoStream::always(stdout);
        stream.write_all(octets)?;
        stream.flush()
    } else {
        let mut stdout = stdout;
        stdout.write_all(octets)?;
        stdout.flush()
    }
}

/// Prints text of our own making to standard output; a closed pipe is its end.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    Sink::Standard { color: false, closed: false }.write(text.as_bytes())
}

/// An error on standard error, in one line.
pub(super) fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "error: {}", escape(message));
}

/// A note on standard error, in one line.
pub(super) fn warn(message: &str) {
    let _ = writeln!(io::stderr(), "warning: {}", escape(message));
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Surroundings = Surroundings {
        stdout_is_terminal: true,
        stderr_is_terminal: true,
        no_color: false,
        dumb: false,
        columns: Some(72),
    };

    fn args() -> ShowArgs {
        ShowArgs { output: None, quiet: false, verbose: false, no_progress: false, color: ColorArg::Auto }
    }

    #[test]
    fn colour_and_width_are_the_terminals() {
        let output = Output::within(&args(), true, TERMINAL);
        assert!(output.options.color && output.progress);
        assert_eq!(output.options.width, 72);
        assert!(!Output::within(&args(), true, Surroundings { no_color: true, ..TERMINAL }).options.color);
        let piped =
            Output::within(&args(), true, Surroundings { stdout_is_terminal: false, columns: None, ..TERMINAL });
        assert!(!piped.options.color && piped.progress);
        assert_eq!(piped.options.width, 100);
        let to_file = Output::within(&ShowArgs { output: Some("x".into()), ..args() }, true, TERMINAL);
        assert!(!to_file.options.color);
        assert_eq!(to_file.options.width, 100);
        assert!(!Output::within(&ShowArgs { no_progress: true, ..args() }, true, TERMINAL).progress);
        let always = ShowArgs { color: ColorArg::Always, ..args() };
        assert!(
            Output::within(&always, true, Surroundings { stdout_is_terminal: false, no_color: true, ..TERMINAL })
                .options
                .color
        );
    }

    #[test]
    fn a_file_is_replaced_only_when_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let output = Output::within(&ShowArgs { output: Some(path.clone()), ..args() }, true, TERMINAL);
        let mut sink = output.open().unwrap();
        sink.write(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        sink.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        drop(output.open().unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let output = Output::within(&ShowArgs { output: Some("/nowhere/at/all".into()), ..args() }, true, TERMINAL);
        let error = output.open().err().unwrap().to_string();
        assert!(error.starts_with("cannot write /nowhere/at/all: ") && !error.contains(".certflight-"), "{error}");
    }
}
