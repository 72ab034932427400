//! `rollover`: an old chain against a new one, and a full check of the new one.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join;
use jiff::Timestamp;

use super::CliError;
use super::args::RolloverArgs;
use super::check::{check_one, runtime, watched};
use super::output::{self, Output};
use super::progress::Bar;
use super::resolve::{self, Job, Named};
use crate::acquire::AcquireOptions;
use crate::egress;
use crate::finding::{self, Policy, Verdict};
use crate::net::Deadline;
use crate::path::PublicRoots;
use crate::render::{self, Format};
use crate::report::rollover::{Rolled, RolloverReport};
use crate::rollover::{Hosts, compare};
use crate::target::Target;
use crate::{Checked, Run};

/// `public_roots`: what counts as public beside Mozilla's list, which only the demo needs.
pub(super) fn run(args: &RolloverArgs, public_roots: PublicRoots) -> Result<Verdict, CliError> {
    if args.from == "-" && args.to == "-" {
        return Err(CliError::new(
            "standard input cannot be both the old and the new chain: give one of them as a file",
        ));
    }
    let format = output::format(args.output.format);
    let output = Output::resolve(&args.output.show, format == Format::Human);
    let mut job = resolve::job(&args.job)?;
    job.public_roots = public_roots;
    let [from, to] = [&args.from, &args.to].map(|text| resolve::named(text));
    let runtime = runtime(2)?;
    let report = runtime.block_on(roll(from, to, job, output.progress));
    runtime.shutdown_background();
    let report = report?;
    output.show(|rendered| render::rollover(&report, format, &output.options, rendered))?;
    Ok(report.verdict)
}

async fn roll(from: Named, to: Named, job: Job, progress: bool) -> Result<RolloverReport, CliError> {
    let (started, begun) = (Timestamp::now(), Instant::now());
    let run = job.into_run(started)?;
    let (old_run, new_run) = (Arc::new(for_old(&run, &to)), Arc::new(for_new(&run, &from)));
    let bar = Arc::new(Bar::new(progress));
    let work = async {
        let old = check_one(Arc::clone(&old_run), begun, from, Arc::clone(&bar));
        let new = check_one(Arc::clone(&new_run), begun, to, Arc::clone(&bar));
        let (old, new) = join(Box::pin(old), Box::pin(new)).await;
        let ways = |checked: &Checked| {
            let ways = egress::list(&[&checked.examination]);
            async {
                // By --offline no name is asked for either.
                if run.revocation.offline {
                    return ways;
                }
                // The names were asked for just now; what was not, has a time of its own.
                egress::resolve(run.retriever.network(), ways, Deadline::after(run.deadline)).await
            }
        };
        let (old_ways, new_ways) = join(ways(&old), ways(&new)).await;
        (old, new, old_ways, new_ways)
    };
    let (old, new, old_ways, new_ways): (Checked, Checked, _, _) = Box::pin(watched(work, &bar)).await;
    bar.clear();
    let comparison = compare(&old.examination, &new.examination);
    let findings = finding::judge_rollover(&comparison, &old, &new, &new_ways, &run.policy);
    let hosts = Hosts::of(old_ways, new_ways);
    let rolled = Rolled {
        comparison: &comparison,
        hosts: &hosts,
        findings: &findings,
        from: &old,
        to: &new,
        probed: !run.revocation.offline,
    };
    Ok(RolloverReport::new(&rolled, &run.policy, run.at, started, Timestamp::now()))
}

/// The old chain is judged as of now, and where it is: `--at`, `--connect` and `--expect` are about the new one.
fn for_old(run: &Run, new: &Named) -> Run {
    let acquire = AcquireOptions { connect: None, ..with_name(run, new) };
    Run { at: run.now, acquire, expected: None, ..run.clone() }
}

fn for_new(run: &Run, old: &Named) -> Run {
    let policy = Policy { closed_is_critical: true, ..run.policy.clone() };
    Run { acquire: with_name(run, old), policy, ..run.clone() }
}

/// A file is for the name of the server that it takes the place of, unless one is given.
fn with_name(run: &Run, other: &Named) -> AcquireOptions {
    let name = match &other.target {
        Ok(Target::Server(server)) => Some(server.host.unbracketed()),
        _ => None,
    };
    let given = run.acquire.servername.clone();
    AcquireOptions { servername: given.or(name), ..run.acquire.clone() }
}
