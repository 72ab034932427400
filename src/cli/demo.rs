//! `demo`: the product without a network. A scenario's CA and servers run on loopback inside this
//! process, and the very commands that a user would type are run against them.

use std::ffi::OsString;

use clap::Parser as _;
use tokio::runtime::Builder;

use super::args::{Cli, Command, DemoArgs, FormatArg, OutputArgs, RootsFormatArg};
use super::output::{self, Output};
use super::{CliError, check, rollover, roots, tls, url};
use crate::finding::Verdict;
use crate::finding::catalogue;
use crate::lab::scenario::{self, Scenario, Variant};
use crate::lab::stage::Lab;
use textwrap::{Options, fill};

/// What is shown when no scenario is named: all is well, then the case that the tool was written for.
const TOUR: [&str; 2] = ["clean", "firewall"];

pub(super) fn run(args: &DemoArgs) -> Result<Verdict, CliError> {
    if args.list {
        return list(args);
    }
    // Each report would take the place of the one before.
    if args.output.show.output.is_some() && args.scenarios.len() != 1 {
        return Err(CliError::new("--output takes one report: name one scenario with it"));
    }
    let variant = if args.silent { Variant::Silent } else { Variant::Firing };
    if !args.scenarios.is_empty() {
        let mut verdicts = Vec::new();
        for name in &args.scenarios {
            verdicts.push(stage(&scenario(name)?, variant, &args.output)?);
        }
        return Ok(Verdict::worst(verdicts));
    }
    tour(args)
}

/// Both scenarios of the tour. The question is whether the tool works here, so that is what the verdict says.
fn tour(args: &DemoArgs) -> Result<Verdict, CliError> {
    let quiet = args.output.show.quiet;
    let mut sound = true;
    for name in TOUR {
        let scenario = scenario(name)?;
        let verdict = stage(&scenario, Variant::Firing, &args.output)?;
        sound &= scenario.expectation(Variant::Firing).is_some_and(|it| it.verdict == verdict.word());
    }
    if args.output.format == FormatArg::Human && !quiet {
        let closing = if sound {
            "\nBoth came out as staged. `certflight demo --list` names every scenario, `certflight demo NAME` runs one \
             and exits with its verdict, and `certflight check HOST` does this to a real server.\n"
        } else {
            "\nThis is not what was staged: please report it.\n"
        };
        let width = Output::resolve(&args.output.show, true).options.width;
        output::print(&fill(closing, width))?;
    }
    Ok(if sound { Verdict::Ok } else { Verdict::Unknown })
}

fn scenario(name: &str) -> Result<Scenario, CliError> {
    Scenario::named(name).map_err(|error| CliError::new(format!("{error}{}", hint(name))))
}

/// The name that was meant, perhaps.
fn hint(name: &str) -> String {
    let all = Scenario::all().unwrap_or_default();
    let near = catalogue::nearest(name).filter(|near| all.iter().any(|scenario| scenario.name == *near));
    let longer = all.iter().map(|scenario| scenario.name.as_str()).find(|known| known.starts_with(name));
    near.or_else(|| longer.map(str::to_owned)).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

/// Starts the scenario's servers and runs its command against them.
fn stage(scenario: &Scenario, variant: Variant, output: &OutputArgs) -> Result<Verdict, CliError> {
    // The servers have threads of their own, as servers elsewhere would.
    let servers = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::new(format!("cannot start: {error}")))?;
    let lab = servers.block_on(Lab::start(scenario, variant)).map_err(|error| CliError::new(error.to_string()))?;
    announce(scenario, variant, output)?;
    let verdict = run_against(&lab, output);
    drop(lab);
    servers.shutdown_background();
    verdict
}

fn run_against(lab: &Lab, output: &OutputArgs) -> Result<Verdict, CliError> {
    let mut typed: Vec<OsString> = vec!["certflight".into(), lab.command.word().into()];
    typed.extend(lab.cli_args().into_iter().map(Into::into));
    if lab.command == scenario::Command::Rollover {
        typed.push("--to".into());
    }
    typed.push(lab.target.clone().into());
    let cli = Cli::try_parse_from(typed)
        .map_err(|error| CliError::new(format!("the scenario's options are not the command's: {error}")))?;
    match cli.command {
        Command::Check(mut args) => {
            args.output = output.clone();
            check::run(&args, lab.public_roots.clone())
        }
        Command::Url(mut args) => {
            args.output = output.clone();
            url::run(&args)
        }
        Command::Rollover(mut args) => {
            args.output = output.clone();
            rollover::run(&args, lab.public_roots.clone())
        }
        Command::Tls(mut args) => {
            args.output = output.clone();
            tls::run(&args)
        }
        Command::Roots(mut args) => {
            args.show = output.show.clone();
            args.format = match output.format {
                FormatArg::Human => RootsFormatArg::Human,
                FormatArg::Json => RootsFormatArg::Json,
                FormatArg::Ndjson => {
                    return Err(CliError::new("this scenario is for roots, which has no ndjson: use json"));
                }
            };
            roots::run(&args)
        }
        _ => Err(CliError::new("the scenario is for a command that has no demo")),
    }
}

/// Says which scenario comes, where people read.
fn announce(scenario: &Scenario, variant: Variant, args: &OutputArgs) -> Result<(), CliError> {
    let output = Output::resolve(&args.show, true);
    if args.format != FormatArg::Human || args.show.quiet || args.show.output.is_some() {
        return Ok(());
    }
    let near_miss = if variant == Variant::Silent { " (the near miss, which must not fire)" } else { "" };
    let title = format!("\n# {}{near_miss}: {}\n\n", scenario.name, scenario.about);
    output::print(&fill(&title, output.options.width))
}

fn list(args: &DemoArgs) -> Result<Verdict, CliError> {
    let scenarios = Scenario::all().map_err(|error| CliError::new(error.to_string()))?;
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    let columns = Output::resolve(&args.output.show, true).options.width;
    let mut text = String::new();
    for scenario in &scenarios {
        let verdict = scenario.expectation(Variant::Firing).map(|it| it.verdict.as_str()).unwrap_or_default();
        let slow = if scenario.slow { " (takes a while)" } else { "" };
        let about = format!("{}{slow}", scenario.about);
        let first = format!("{:width$}  {verdict:8}  ", scenario.name);
        let indent = " ".repeat(first.len());
        text.push_str(&fill(&about, Options::new(columns).initial_indent(&first).subsequent_indent(&indent)));
        text.push('\n');
    }
    output::print(&text)?;
    Ok(Verdict::Ok)
}
