//! `endpoints`: what has to be open so that chains validate, and whether it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::CliError;
use super::args::{EndpointsArgs, EndpointsFormatArg};
use super::check::{check_one, runtime, watched};
use super::output::{Output, warn};
use super::progress::Bar;
use super::resolve::{self, Job, Named};
use crate::egress::{self, Place, Reached};
use crate::finding::{self, Severity, Verdict};
use crate::net::Deadline;
use crate::render;
use crate::render::endpoints::Format;
use crate::report::endpoints::EndpointsReport;
use crate::{Checked, Examination, Progress as _, Run};

pub(super) fn run(args: &EndpointsArgs) -> Result<Verdict, CliError> {
    let format = format(args)?;
    let output = Output::resolve(&args.show, format == Format::Human);
    let from_stdin = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
    if from_stdin(&args.from_list)
        && (from_stdin(&args.targets_from) || args.targets.iter().any(|target| target == "-"))
    {
        return Err(CliError::new("standard input cannot be the list of places and targets too: give one as a file"));
    }
    let targets = resolve::targets(&args.targets, args.targets_from.as_deref())?;
    let places = match &args.from_list {
        Some(path) => resolve::places(path)?,
        None => Vec::new(),
    };
    if args.job.expect.is_some() {
        return Err(CliError::new(
            "--expect is for check and rollover: endpoints lists what has to be open and judges no facts",
        ));
    }
    let mut job = resolve::job(&args.job)?;
    let probe = args.probe || args.from_list.is_some();
    if probe && job.revocation.offline {
        return Err(CliError::new("--offline contacts nothing, so nothing can be tested: leave it or --probe out"));
    }
    job.settings.policy.closed_is_critical = probe;
    if !probe {
        // Closed ones are no news here; the list waits for each but once.
        job.settings.net.limits.retries = 0;
    }
    let runtime = runtime(targets.len())?;
    let report = runtime.block_on(Listing { targets, places, probe }.report(job, output.progress));
    runtime.shutdown_background();
    let report = report?;
    if !matches!(format, Format::Human | Format::Json) {
        // Rules and tables have no room for them.
        let grave = report.findings.iter().filter(|finding| finding.severity > Severity::Info);
        grave.for_each(|finding| warn(&format!("{}: {}; {}", finding.code, finding.message, finding.remedy)));
    }
    output.show(|rendered| render::endpoints::write(&report, &format, &output.options, rendered))?;
    Ok(report.verdict)
}

fn format(args: &EndpointsArgs) -> Result<Format, CliError> {
    let chain = |default: &str| args.chain.clone().unwrap_or_else(|| default.to_owned());
    let words = args.chain.as_ref().map_or(0, |chain| chain.split(' ').count());
    match args.format {
        EndpointsFormatArg::Nftables if words != 0 && words != 3 => {
            Err(CliError::new("--chain of nftables is family, table and chain, such as \"inet filter output\""))
        }
        EndpointsFormatArg::Nftables => Ok(Format::Nftables(chain("inet filter output"))),
        EndpointsFormatArg::Iptables if words > 1 => {
            Err(CliError::new("--chain of iptables is one word, such as OUTPUT"))
        }
        EndpointsFormatArg::Iptables => Ok(Format::Iptables(chain("OUTPUT"))),
        _ if words != 0 => Err(CliError::new("--chain is for the formats nftables and iptables")),
        EndpointsFormatArg::Human => Ok(Format::Human),
        EndpointsFormatArg::Json => Ok(Format::Json),
        EndpointsFormatArg::Csv => Ok(Format::Csv),
        EndpointsFormatArg::Squid => Ok(Format::Squid),
        EndpointsFormatArg::Windows => Ok(Format::Windows),
    }
}

/// What the list is made from.
struct Listing {
    targets: Vec<Named>,
    places: Vec<Place>,
    probe: bool,
}

impl Listing {
    async fn report(self, job: Job, progress: bool) -> Result<EndpointsReport, CliError> {
        let (started, begun) = (Timestamp::now(), Instant::now());
        let concurrency = job.concurrency;
        let run = Arc::new(job.into_run(started)?);
        let bar = Arc::new(Bar::new(progress));
        let targets = self.targets;
        let work = async {
            let checked: Vec<Checked> = stream::iter(targets)
                .map(|named| check_one(Arc::clone(&run), begun, named, Arc::clone(&bar)))
                .buffered(concurrency)
                .collect()
                .await;
            let examinations: Vec<&Examination> = checked.iter().map(|checked| &checked.examination).collect();
            let mut ways = egress::list(&examinations);
            for reached in reached(&run, &self.places, &bar, concurrency).await {
                egress::add_reached(&mut ways, reached);
            }
            // Most names were asked for just now; what was not, has a time of its own.
            let ways = egress::resolve(run.retriever.network(), ways, Deadline::after(run.deadline)).await;
            (checked, ways)
        };
        let (checked, ways) = watched(work, &bar).await;
        bar.clear();
        let of_targets: Vec<finding::Finding> = checked.iter().flat_map(|checked| checked.findings.clone()).collect();
        let findings = finding::judge_egress(&of_targets, &ways, &run.policy);
        let sources = checked.iter().map(|checked| checked.examination.target.clone());
        let sources = sources
            .chain(
                self.places
                    .iter()
                    .map(|place| place.object.as_ref().map_or_else(|| place.to_string(), ToString::to_string)),
            )
            .collect();
        Ok(EndpointsReport::new(sources, &ways, self.probe, &findings, started, Timestamp::now()))
    }
}

/// Goes to each place of a list; each has the deadline of a target.
async fn reached(run: &Run, places: &[Place], bar: &Bar, concurrency: usize) -> Vec<Reached> {
    stream::iter(places)
        .map(|place| async move {
            let name = place.to_string();
            bar.started(&name);
            let deadline = Deadline::after(run.deadline);
            let reached = egress::reach(run.retriever.network(), place, deadline).await;
            bar.finished(&name);
            reached
        })
        .buffered(concurrency)
        .collect()
        .await
}
