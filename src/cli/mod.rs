//! The command line: what was typed ([`args`]), what it means (`resolve`), and one file a
//! subcommand. Exit codes are the verdict's; whatever keeps the question from being put is 3.

pub mod args;
mod check;
mod completions;
mod demo;
mod endpoints;
mod explain;
mod listen;
mod man;
mod output;
mod progress;
mod resolve;
mod rollover;
mod roots;
mod schema;
mod screen;
mod tls;
mod url;
mod values;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::finding::Verdict;
use crate::path::PublicRoots;
use args::{Cli, Command};

/// Why a command could not be run: lower case, with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CliError(pub(crate) String);

impl CliError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Runs the command that these arguments (the program's name first) ask for.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to be done when even this cannot be written.
            let _ = error.print();
            let verdict = if error.use_stderr() { Verdict::Unknown } else { Verdict::Ok };
            return ExitCode::from(verdict.exit_code());
        }
    };
    match run(&cli.command) {
        Ok(verdict) => ExitCode::from(verdict.exit_code()),
        Err(error) => {
            output::complain(&error.to_string());
            ExitCode::from(Verdict::Unknown.exit_code())
        }
    }
}

fn run(command: &Command) -> Result<Verdict, CliError> {
    match command {
        Command::Check(args) => check::run(args, PublicRoots::default()),
        Command::Url(args) => url::run(args),
        Command::Endpoints(args) => endpoints::run(args),
        Command::Rollover(args) => rollover::run(args, PublicRoots::default()),
        Command::Roots(args) => roots::run(args),
        Command::Tls(args) => tls::run(args),
        Command::Listen(args) => listen::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}
