//! `explain`: the catalogue of findings, in full or as a list.

use super::CliError;
use super::args::{ColorArg, ExplainArgs, ShowArgs};
use super::output::Output;
use crate::finding::{Entry, Verdict, catalogue};
use crate::render::human;

pub(super) fn run(args: &ExplainArgs) -> Result<Verdict, CliError> {
    let show = ShowArgs { output: None, quiet: false, verbose: false, no_progress: true, color: ColorArg::Auto };
    let output = Output::resolve(&show, true);
    let entries = entries(&args.codes)?;
    output.show(|rendered| {
        if entries.is_empty() {
            human::codes(catalogue::all(), &output.options, rendered)
        } else {
            human::explain(entries, &output.options, rendered)
        }
    })?;
    Ok(Verdict::Ok)
}

/// The entries that these codes and groups name, in their order.
fn entries(codes: &[String]) -> Result<Vec<&'static Entry>, CliError> {
    let mut entries: Vec<&'static Entry> = Vec::new();
    for code in codes {
        let before = entries.len();
        entries.extend(catalogue::matching(code));
        if entries.len() == before {
            return Err(unknown(code));
        }
    }
    Ok(entries)
}

fn unknown(code: &str) -> CliError {
    let group = code.split('.').next().unwrap_or_default();
    let hint = match catalogue::nearest(code) {
        Some(near) => format!("did you mean {near}?"),
        None if catalogue::all().any(|entry| entry.code.group() == group) => {
            format!("certflight explain '{group}.*' explains those of its group")
        }
        None => "certflight explain without a code lists them all".to_owned(),
    };
    CliError::new(format!("no finding has the code {code}: {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(codes: &[&str]) -> Result<Vec<&'static str>, String> {
        let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
        let entries = entries(&codes).map_err(|error| error.to_string())?;
        Ok(entries.into_iter().map(|entry| entry.code.as_str()).collect())
    }

    #[test]
    fn codes_and_groups_are_found() {
        assert_eq!(codes(&["crl.expired", "chain.incomplete"]), Ok(vec!["crl.expired", "chain.incomplete"]));
        let group = codes(&["crl.*"]).unwrap();
        assert!(group.len() > 5 && group.iter().all(|code| code.starts_with("crl.")), "{group:?}");
    }

    #[test]
    fn an_unknown_code_gets_a_suggestion() {
        assert!(codes(&["crl.expird"]).unwrap_err().ends_with("did you mean crl.expired?"));
        assert!(codes(&["xyzzy"]).unwrap_err().contains("lists them all"));
    }

    #[test]
    fn every_entry_fits_the_page() {
        for width in [40, 80] {
            let options = human::Options { width, ..human::Options::default() };
            let mut rendered = Vec::new();
            human::explain(catalogue::all(), &options, &mut rendered).unwrap();
            human::codes(catalogue::all(), &options, &mut rendered).unwrap();
            let text = String::from_utf8(rendered).unwrap();
            assert!(text.lines().all(|line| textwrap::core::display_width(line) <= width));
            for entry in catalogue::all() {
                assert!(text.contains(entry.code.as_str()), "{}", entry.code);
            }
        }
    }
}
