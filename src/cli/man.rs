//! `man`: manual pages in roff.

use clap::{Command, CommandFactory as _};

use super::args::{Cli, ManArgs};
use super::{CliError, output};
use crate::finding::Verdict;

pub(super) fn run(args: &ManArgs) -> Result<Verdict, CliError> {
    output::print(&page(args.subcommand.as_deref())?)?;
    Ok(Verdict::Ok)
}

/// The page of a subcommand, or of the program.
fn page(subcommand: Option<&str>) -> Result<String, CliError> {
    let mut command = Cli::command();
    command.build();
    let command = match subcommand {
        None => command,
        Some(name) => {
            let found = command.find_subcommand(name).cloned().ok_or_else(|| {
                let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
                CliError::new(format!("no subcommand {name}: there are {}", names.join(", ")))
            })?;
            found.version(env!("CARGO_PKG_VERSION"))
        }
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut roff)
        .map_err(|error| CliError::new(format!("cannot write the manual page: {error}")))?;
    Ok(String::from_utf8_lossy(&roff).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_has_a_page() {
        let main = page(None).unwrap();
        assert!(main.contains(".TH certflight 1"), "{main}");
        for command in Cli::command().get_subcommands() {
            let page = page(Some(command.get_name())).unwrap();
            assert!(page.contains(&format!(".TH certflight-{} 1", command.get_name())), "{page}");
        }
        assert!(page(Some("nonesuch")).unwrap_err().to_string().contains("there are check, url"));
    }
}
