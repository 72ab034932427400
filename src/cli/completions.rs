//! `completions`: a shell's completion script.

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs};
use super::{CliError, output};
use crate::finding::Verdict;

pub(super) fn run(args: &CompletionsArgs) -> Result<Verdict, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "certflight", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Verdict::Ok)
}
