//! `tls`: what of TLS servers take, and which clients can connect.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::CliError;
use super::args::TlsArgs;
use super::check::{runtime, watched};
use super::output::{self, Output};
use super::progress::Bar;
use super::resolve::{self, Named};
use crate::Progress as _;
use crate::acquire::{AcquireError, AcquireOptions, Connection, door};
use crate::clients;
use crate::finding::{self, Policy, TlsAsked, Verdict};
use crate::net::{Deadline, Network};
use crate::readiness::{self, Readiness, ReadinessOptions};
use crate::render::{self, Format};
use crate::report::tls::{Examined, TlsReport, TlsTarget};
use crate::target::{Scheme, Server, Target, without_credentials};

pub(super) fn run(args: &TlsArgs) -> Result<Verdict, CliError> {
    if args.list_clients {
        return list();
    }
    let format = output::format(args.output.format);
    let output = Output::resolve(&args.output.show, format == Format::Human);
    let targets = resolve::targets(&args.targets, args.targets_from.as_deref())?;
    let network =
        Network::new(resolve::net_options(&args.network)?).map_err(|error| CliError::new(error.to_string()))?;
    for name in args.expect_client.iter().chain(&args.client) {
        clients::named(name)
            .map_err(|unknown| CliError::new(format!("{unknown}; certflight tls --list-clients names them all")))?;
    }
    let asked = Arc::new(Asked {
        network,
        acquire: AcquireOptions {
            servername: args.servername.clone(),
            connect: args.connect.clone(),
            ..AcquireOptions::default()
        },
        options: ReadinessOptions {
            all: !args.suites_only,
            clients: match (args.suites_only || args.no_clients, args.client.as_slice()) {
                (true, _) => Some(Vec::new()),
                (false, []) => None,
                (false, some) => Some(some.iter().chain(&args.expect_client).cloned().collect()),
            },
            ..ReadinessOptions::everything()
        }
        .at_rate(args.rate),
        policy: resolve::policy(&args.severity),
        expected_clients: args.expect_client.clone(),
        expect_office365: args.expect_office365,
        deadline: args.network.deadline,
        // At a rate, those asked at the same time would only wait for each other, and their time run out.
        at_once: if args.rate.is_some() { 1 } else { usize::from(args.network.concurrency).max(1) },
    });
    let runtime = runtime(targets.len())?;
    let report = runtime.block_on(all(asked, targets, output.progress));
    // A resolver of the system's may still be waiting in a thread of its own: nobody waits for it.
    runtime.shutdown_background();
    let report = report?;
    output.show(|rendered| render::tls(&report, format, &output.options, rendered))?;
    Ok(report.verdict)
}

/// Every known client: name, title, and where its facts come from.
fn list() -> Result<Verdict, CliError> {
    let width = clients::all().iter().map(|client| client.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for client in clients::all() {
        let newest = client.versions().first().map_or("nothing", |version| version.title());
        let about = match &client.approximation {
            Some(_) => format!("{}, {}, up to {newest} (approximation)", client.title, client.years),
            None => format!("{}, {}, up to {newest}", client.title, client.years),
        };
        text.push_str(&format!("{:width$}  {about}\n", client.name));
    }
    output::print(&text)?;
    Ok(Verdict::Ok)
}

/// What all of the targets are asked by.
struct Asked {
    network: Network,
    acquire: AcquireOptions,
    options: ReadinessOptions,
    policy: Policy,
    expected_clients: Vec<String>,
    expect_office365: bool,
    deadline: Duration,
    /// Targets, and addresses of one target, that are asked at the same time.
    at_once: usize,
}

async fn all(asked: Arc<Asked>, targets: Vec<Named>, progress: bool) -> Result<TlsReport, CliError> {
    let started = Timestamp::now();
    let bar = Bar::new(progress);
    let work = stream::iter(targets)
        .map(|named| {
            let (asked, bar) = (Arc::clone(&asked), &bar);
            async move {
                bar.started(&named.text);
                let text = named.text.clone();
                // A task of its own, so that several targets can use several processors.
                let targets = tokio::spawn(async move { asked.target(named).await }).await;
                bar.finished(&text);
                targets
            }
        })
        .buffered(asked.at_once)
        .collect::<Vec<_>>();
    let results = watched(work, &bar).await;
    bar.clear();
    let mut targets = Vec::new();
    for result in results {
        targets.extend(result.map_err(|error| CliError::new(format!("internal error, please report it: {error}")))?);
    }
    Ok(TlsReport::of(targets, started, Timestamp::now()))
}

impl Asked {
    /// One target; with `--all-addresses` as many as it has addresses.
    async fn target(&self, named: Named) -> Vec<TlsTarget> {
        let started = Instant::now();
        let text = without_credentials(&named.text);
        let server = match named.target {
            Ok(Target::Server(server)) => server,
            Ok(_) => {
                return vec![self.unasked(&text, "it is a file, and files take no connections", started)];
            }
            Err(error) => return vec![self.unasked(&text, &error.to_string(), started)],
        };
        let name = Target::Server(server.clone()).to_string();
        let deadline = Deadline::after(self.deadline);
        let found = match door::find(&self.network, &self.acquire, &server, deadline).await {
            Ok(found) => found,
            Err(connection) => door::Doors { resolution: None, doors: Vec::new(), failures: vec![*connection] },
        };
        let options = ReadinessOptions { alpn: protocols(&server, &self.options), ..self.options.clone() };
        let examining: Vec<_> = found.doors.iter().map(|door| self.examined(door, &options, started)).collect();
        let examined: Vec<(Readiness, Duration)> = stream::iter(examining).buffered(self.at_once).collect().await;
        let (working, lost): (Vec<_>, Vec<_>) =
            examined.into_iter().partition(|(readiness, _)| readiness.accepted().next().is_some());
        let judged = |readiness: Option<&Readiness>, failures: &[Connection], working: &[&Connection], elapsed| {
            let asked = TlsAsked {
                target: &name,
                resolution: found.resolution.as_ref(),
                // What failed on the way to an address that can be asked is in the report alone.
                failures: if readiness.is_some() { failures } else { &found.failures },
                working,
                readiness,
                expected_clients: &self.expected_clients,
                expect_office365: self.expect_office365,
            };
            let findings = finding::judge_tls(&asked, &self.policy);
            let failures: Vec<Connection> = found.failures.iter().chain(failures).cloned().collect();
            TlsTarget::new(&Examined { target: &name, failures: &failures, readiness, findings: &findings, elapsed })
        };
        if found.doors.is_empty() {
            return vec![judged(None, &[], &[], started.elapsed())];
        }
        if working.is_empty() {
            return lost.iter().map(|(readiness, elapsed)| judged(Some(readiness), &[], &[], *elapsed)).collect();
        }
        // Addresses that do not work are told of with the first that does: no fault where this machine has no way to them.
        let lost: Vec<Connection> = lost.into_iter().map(|(readiness, _)| readiness.connection).collect();
        let connections: Vec<&Connection> = working.iter().map(|(readiness, _)| &readiness.connection).collect();
        let mut failures = lost.as_slice();
        working
            .iter()
            .map(|(readiness, elapsed)| judged(Some(readiness), std::mem::take(&mut failures), &connections, *elapsed))
            .collect()
    }

    /// What one address takes, and how long it was since the start when that was known.
    async fn examined(&self, door: &door::Door, options: &ReadinessOptions, started: Instant) -> (Readiness, Duration) {
        door.set_deadline(Deadline::after(self.deadline));
        let readiness = readiness::examine(door, options).await;
        (readiness, started.elapsed())
    }

    /// What cannot be asked at all.
    fn unasked(&self, text: &str, reason: &str, started: Instant) -> TlsTarget {
        let error = AcquireError::NotATarget { text: text.to_owned(), reason: reason.to_owned() };
        let findings = finding::judge_no_server(&error, &self.policy);
        TlsTarget::new(&Examined {
            target: text,
            failures: &[],
            readiness: None,
            findings: &findings,
            elapsed: started.elapsed(),
        })
    }
}

/// ALPN is for HTTP; other protocols hardly use it.
fn protocols(server: &Server, options: &ReadinessOptions) -> Vec<Vec<u8>> {
    match server.scheme {
        Scheme::Https | Scheme::Tls => options.alpn.clone(),
        _ => Vec::new(),
    }
}
