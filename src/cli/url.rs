//! `url`: single URLs, each judged by itself.

use super::CliError;
use super::args::UrlArgs;
use crate::finding::Verdict;

pub(super) fn run(args: &UrlArgs) -> Result<Verdict, CliError> {
    let _ = args;
    Err(CliError::new("wip"))
}
