//! `check`: the whole job, target by target, in the order they were named.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use super::CliError;
use super::args::CheckArgs;
use super::output::{self, Output, Sink};
use super::progress::Bar;
use super::resolve::{self, Job, Named};
use crate::finding::Verdict;
use crate::path::PublicRoots;
use crate::render::{Format, human, json, ndjson};
use crate::report::{Report, Summary, Target};
use crate::{Checked, Progress, Run};

/// More threads than this gain nothing: most of the time is spent waiting.
const MAX_WORKERS: usize = 4;

/// `public_roots`: what counts as public beside Mozilla's list, which only the demo needs.
pub(super) fn run(args: &CheckArgs, public_roots: PublicRoots) -> Result<Verdict, CliError> {
    let format = output::format(args.output.format);
    let output = Output::resolve(&args.output.show, format == Format::Human);
    let targets = resolve::targets(&args.targets, args.targets_from.as_deref())?;
    let mut job = resolve::job(&args.job)?;
    job.public_roots = public_roots;
    let runtime = runtime(targets.len())?;
    let verdict = runtime.block_on(check_all(targets, job, format, &output));
    // A resolver of the system's may still be waiting in a thread of its own: nobody waits for it.
    runtime.shutdown_background();
    verdict
}

/// One target is one chain of waits; only several are worth threads.
pub(super) fn runtime(targets: usize) -> Result<Runtime, CliError> {
    let mut builder = if targets > 1 {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(thread::available_parallelism().map_or(1, Into::into).min(MAX_WORKERS));
        builder
    } else {
        Builder::new_current_thread()
    };
    builder.enable_all().build().map_err(|error| CliError::new(format!("cannot start: {error}")))
}

async fn check_all(targets: Vec<Named>, job: Job, format: Format, output: &Output) -> Result<Verdict, CliError> {
    let (started, begun) = (Timestamp::now(), Instant::now());
    let concurrency = job.concurrency;
    let run = Arc::new(job.into_run(started)?);
    let bar = Arc::new(Bar::new(output.progress));
    let mut reporter = Reporter::new(output, format)?;
    let work = async {
        let mut results = stream::iter(targets)
            .map(|named| check_one(Arc::clone(&run), begun, named, Arc::clone(&bar)))
            .buffered(concurrency);
        while let Some(checked) = results.next().await {
            let target = Target::new(&checked, run.at);
            bar.suspend(|| reporter.take(target))?;
        }
        Ok(())
    };
    let result = watched(work, &bar).await;
    bar.clear();
    result?;
    reporter.finish(started, Timestamp::now())
}

/// The work's result, with the bar beside it if it takes a while.
pub(super) async fn watched<T>(work: impl Future<Output = T>, bar: &Bar) -> T {
    tokio::pin!(work);
    tokio::select! {
        result = &mut work => return result,
        () = bar.appear() => {}
    }
    work.await
}

/// One target in a task of its own, so that several can use several processors and a fault in one
/// does not end the others.
pub(super) async fn check_one(run: Arc<Run>, begun: Instant, named: Named, bar: Arc<Bar>) -> Checked {
    let run = Arc::new(run.later(begun.elapsed()));
    let target = match named.target {
        Ok(target) => target,
        Err(error) => return crate::not_a_target(&run, &named.text, &error.to_string()),
    };
    let task = {
        let run = Arc::clone(&run);
        tokio::spawn(async move {
            let progress: &dyn Progress = bar.as_ref();
            crate::check(&run, &target, progress).await
        })
    };
    match task.await {
        Ok(checked) => checked,
        Err(error) => crate::internal_error(&run, &named.text, &error.to_string()),
    }
}

/// Prints targets as they come where the format allows it, else all of them in the end.
struct Reporter {
    format: Format,
    options: human::Options,
    sink: Sink,
    summary: Summary,
    verdict: Verdict,
    kept: Vec<Target>,
}

impl Reporter {
    fn new(output: &Output, format: Format) -> Result<Self, CliError> {
        Ok(Self {
            format,
            options: output.options,
            sink: output.open()?,
            summary: Summary::default(),
            verdict: Verdict::Ok,
            kept: Vec::new(),
        })
    }

    fn take(&mut self, target: Target) -> Result<(), CliError> {
        let first = self.summary.targets == 0;
        self.summary.count(target.verdict);
        self.verdict = Verdict::worst([self.verdict, target.verdict]);
        let mut rendered = Vec::new();
        let result = match self.format {
            Format::Json => {
                self.kept.push(target);
                return Ok(());
            }
            Format::Ndjson => ndjson::line(&target, &mut rendered),
            Format::Human => {
                if !first && !self.options.quiet {
                    rendered.push(b'\n');
                }
                human::target(&target, &self.options, &mut rendered)
            }
        };
        result.map_err(|error| CliError::new(format!("cannot show the report: {error}")))?;
        self.sink.write(&rendered)
    }

    fn finish(mut self, started: Timestamp, finished: Timestamp) -> Result<Verdict, CliError> {
        let mut rendered = Vec::new();
        let result = match self.format {
            Format::Json => json::write(&Report::of(std::mem::take(&mut self.kept), started, finished), &mut rendered),
            Format::Ndjson => Ok(()),
            Format::Human => human::summary(&self.summary, &self.options, &mut rendered),
        };
        result.map_err(|error| CliError::new(format!("cannot show the report: {error}")))?;
        self.sink.write(&rendered)?;
        self.sink.finish()?;
        Ok(self.verdict)
    }
}
