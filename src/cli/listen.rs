//! `listen`: who connects here, and with what.

use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::sync::mpsc;

use super::args::{ListenArgs, ListenFormatArg, ListenStarttlsArg};
use super::check::runtime;
use super::output::{Output, Sink, WIDEST, warn};
use super::screen::Screen;
use super::values::ListenAt;
use super::{CliError, resolve};
use crate::acquire::{files, provider};
use crate::finding::{self, Policy, Verdict};
use crate::listen::{
    Event, Ledger, ListenOptions, Listener, Manner, NewClient, Observation, Running, Seen, Service, Starttls,
    allow_connections,
};
use crate::net::{Deadline, Limits, NetOptions, Network, ProxyChoice};
use crate::render::{self, ListenFormat, html, human};
use crate::report::listen::{self as report, Client, Connection, ListenReport, Setting};

/// Observations that may wait to be told of.
const QUEUE: usize = 1024;
/// As many are taken at once.
const BATCH: usize = 256;

pub(super) fn run(args: &ListenArgs) -> Result<Verdict, CliError> {
    let format = match args.format {
        ListenFormatArg::Human => ListenFormat::Human,
        ListenFormatArg::Json => ListenFormat::Json,
        ListenFormatArg::Ndjson => ListenFormat::Ndjson,
        ListenFormatArg::Csv => ListenFormat::Csv,
    };
    let output = Output::resolve(&args.show, format == ListenFormat::Human);
    let served = args.cert.as_deref().map(|cert| served(cert, args)).transpose()?;
    let policy = resolve::policy(&args.severity);
    let runtime = runtime(2)?;
    let verdict = runtime.block_on(async {
        let network = network(args.timeout)?;
        let listener = bind(&args.addresses, &network, args.timeout).await?;
        let manner = match (&args.forward, served) {
            (Some((host, port)), _) => Manner::Forward(service(host, *port, network, &listener, args.timeout).await?),
            (None, Some(config)) => Manner::Serve(config),
            (None, None) => Manner::Refuse,
        };
        let setting = setting(args, &listener, &manner);
        let options = ListenOptions {
            concurrency: concurrency(args, &manner),
            manner,
            starttls: match args.starttls {
                None => Starttls::None,
                Some(ListenStarttlsArg::Smtp) => Starttls::Smtp,
            },
            timeout: args.timeout,
            page: Arc::new(|observation: &Observation| html::page(&Connection::new(observation))),
        };
        let teller = Teller::new(format, &output, setting, args)?;
        session(args, listener, options, teller, &policy).await
    });
    // Connections still under way end with the process.
    runtime.shutdown_background();
    verdict
}

/// Listens until the end, and tells.
async fn session(
    args: &ListenArgs,
    listener: Listener,
    options: ListenOptions,
    mut teller: Teller,
    policy: &Policy,
) -> Result<Verdict, CliError> {
    let end = end(args.duration)?;
    tokio::pin!(end);
    if !args.show.quiet {
        for address in listener.addresses() {
            // Nobody needs to hear it.
            let _ = writeln!(io::stderr(), "listening on {address}");
        }
    }
    let (sender, mut events) = mpsc::channel(QUEUE);
    let running = listener.start(options, sender);
    teller.begin()?;
    let mut batch = Vec::new();
    let mut ticks = tokio::time::interval(Screen::PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !teller.is_done(args.count) {
        tokio::select! {
            _ = events.recv_many(&mut batch, BATCH) => teller.take(&mut batch)?,
            _ = ticks.tick(), if teller.screen.is_some() => teller.draw(&running)?,
            () = &mut end => break,
        }
    }
    let stopping = running.stop();
    tokio::pin!(stopping);
    // What is under way is told of as long as it is waited for.
    loop {
        tokio::select! {
            () = &mut stopping => break,
            _ = events.recv_many(&mut batch, BATCH) => teller.take(&mut batch)?,
        }
    }
    while let Ok(event) = events.try_recv() {
        batch.push(event);
        teller.take(&mut batch)?;
    }
    teller.finish(running.lost(), policy)
}

/// Comes when it is to end: by signal, or when the time is up.
fn end(duration: Option<Duration>) -> Result<impl Future<Output = ()>, CliError> {
    let fail = |error: io::Error| CliError::new(format!("cannot wait for signals: {error}"));
    #[cfg(unix)]
    let (mut interrupt, mut terminate) = {
        use tokio::signal::unix::{SignalKind, signal};
        (signal(SignalKind::interrupt()).map_err(fail)?, signal(SignalKind::terminate()).map_err(fail)?)
    };
    #[cfg(not(unix))]
    let (mut interrupt, mut terminate) =
        { (tokio::signal::windows::ctrl_c().map_err(fail)?, tokio::signal::windows::ctrl_close().map_err(fail)?) };
    Ok(async move {
        let time = async {
            match duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = time => {}
        }
    })
}

fn network(timeout: Duration) -> Result<Network, CliError> {
    let limits = Limits { step: timeout, ..Limits::default() };
    let options = NetOptions {
        target_proxy: ProxyChoice::Direct,
        endpoint_proxy: ProxyChoice::Direct,
        limits,
        ..NetOptions::default()
    };
    Network::new(options).map_err(|error| CliError::new(error.to_string()))
}

async fn addresses(host: &str, network: &Network, timeout: Duration) -> Result<Vec<IpAddr>, CliError> {
    let resolution = network.resolve(host, Deadline::after(timeout)).await;
    match resolution.failure {
        Some(failure) => Err(CliError::new(format!("{host} has no address: {failure}"))),
        None => Ok(resolution.addresses),
    }
}

async fn bind(wanted: &[ListenAt], network: &Network, timeout: Duration) -> Result<Listener, CliError> {
    let fail = |error: crate::listen::ListenError| CliError::new(error.to_string());
    let mut all: Option<Listener> = None;
    for at in wanted {
        let mut add = |listener: Listener| {
            all = Some(match all.take() {
                None => listener,
                Some(others) => others.and(listener),
            });
        };
        match at {
            ListenAt::Everywhere(port) => add(Listener::everywhere(*port).map_err(fail)?),
            ListenAt::Host(host, port) => {
                for address in addresses(host, network, timeout).await? {
                    add(Listener::at(SocketAddr::new(address, *port)).map_err(fail)?);
                }
            }
        }
    }
    all.ok_or_else(|| CliError::new("nowhere to listen: give a port or an address"))
}

async fn service(
    host: &str,
    port: u16,
    network: Network,
    listener: &Listener,
    timeout: Duration,
) -> Result<Service, CliError> {
    let addresses: Vec<SocketAddr> =
        addresses(host, &network, timeout).await?.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    if let Some(own) = addresses.iter().find(|address| listener.is_at(**address)) {
        return Err(CliError::new(format!("--forward {own} leads back here: name the service's own address")));
    }
    let name = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    Ok(Service { name, addresses, network })
}

/// What handshakes are completed with.
fn served(certificate: &Path, args: &ListenArgs) -> Result<Arc<ServerConfig>, CliError> {
    let password = args.password_file.as_deref().map(resolve::password).transpose()?;
    let password = password.as_ref().map(|secret| secret.0.as_str());
    let identity = files::client_identity(certificate, args.key.as_deref(), password)
        .map_err(|error| CliError::new(error.to_string()))?;
    let config = ServerConfig::builder_with_provider(provider::provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(identity.chain, identity.key))
        .map_err(|error| CliError::new(format!("cannot serve {}: {error}", certificate.display())))?;
    Ok(Arc::new(config))
}

/// As many connections at once as were asked for, or as the system lets be open.
fn concurrency(args: &ListenArgs, manner: &Manner) -> u32 {
    let files_each = if matches!(manner, Manner::Forward(_)) { 2 } else { 1 };
    match allow_connections(args.concurrency, files_each) {
        Some(allowed) if allowed < args.concurrency => {
            warn(&format!(
                "this process may have {allowed} connections open at once, not {}: raise its limit of open files",
                args.concurrency
            ));
            allowed
        }
        _ => args.concurrency,
    }
}

fn setting(args: &ListenArgs, listener: &Listener, manner: &Manner) -> Setting {
    Setting {
        started: Timestamp::now(),
        listening: listener.addresses().iter().map(ToString::to_string).collect(),
        manner: match manner {
            Manner::Refuse => report::Manner::Refuse,
            Manner::Serve(_) => report::Manner::Serve,
            Manner::Forward(_) => report::Manner::Forward,
        },
        starttls: args.starttls.map(|ListenStarttlsArg::Smtp| "smtp".to_owned()),
        forward: match manner {
            Manner::Forward(service) => Some(service.name.clone()),
            Manner::Refuse | Manner::Serve(_) => None,
        },
    }
}

/// Counts, and tells what is to be told at once.
struct Teller {
    format: ListenFormat,
    options: human::Options,
    sink: Sink,
    setting: Setting,
    ledger: Ledger,
    /// Whether a screen is wanted, and then the screen.
    wants_screen: bool,
    screen: Option<Screen>,
    tells_new_clients: bool,
    warned: Warned,
}

/// What is said once.
#[derive(Default)]
struct Warned {
    accept: bool,
    service: bool,
}

impl Teller {
    fn new(format: ListenFormat, output: &Output, setting: Setting, args: &ListenArgs) -> Result<Self, CliError> {
        let for_people = format == ListenFormat::Human && !args.show.quiet && args.show.output.is_none();
        let wants_screen = for_people && output.redraws;
        Ok(Self {
            format,
            options: output.options,
            sink: if format == ListenFormat::Ndjson { output.open_log()? } else { output.open()? },
            setting,
            ledger: Ledger::new(args.max_clients),
            wants_screen,
            screen: None,
            tells_new_clients: for_people && !wants_screen,
            warned: Warned::default(),
        })
    }

    fn begin(&mut self) -> Result<(), CliError> {
        if self.wants_screen {
            self.screen = Some(Screen::enter().map_err(cannot_show)?);
        }
        Ok(())
    }

    /// Whether enough connections were seen, or nobody reads any more.
    fn is_done(&self, count: Option<u64>) -> bool {
        self.sink.is_closed() || count.is_some_and(|count| self.ledger.tally().connections >= count)
    }

    fn take(&mut self, batch: &mut Vec<Event>) -> Result<(), CliError> {
        let mut told = Vec::new();
        for event in batch.drain(..) {
            match event {
                Event::Seen(observation) => {
                    if self.format == ListenFormat::Ndjson {
                        render::connection(&Connection::new(&observation), &mut told).map_err(cannot_show)?;
                    }
                    if let (NewClient::Yes(client), true) = (self.ledger.record(&observation), self.tells_new_clients) {
                        human::new_client(&Client::new(client), &self.options, &mut told).map_err(cannot_show)?;
                    }
                    if let Seen::ServiceUnreachable(reason) = &observation.seen {
                        self.warn_once(|warned| &mut warned.service, &format!("the service was not reached: {reason}"));
                    }
                }
                Event::AcceptFailed(reason) => {
                    let message = format!("cannot accept a connection for now: {reason}");
                    self.warn_once(|warned| &mut warned.accept, &message);
                    self.ledger.accept_failed(reason);
                }
            }
        }
        if told.is_empty() { Ok(()) } else { self.sink.write(&told) }
    }

    /// On a screen it is among the numbers.
    fn warn_once(&mut self, which: impl FnOnce(&mut Warned) -> &mut bool, message: &str) {
        let warned = which(&mut self.warned);
        if self.screen.is_none() && !std::mem::replace(warned, true) {
            warn(message);
        }
    }

    fn draw(&mut self, running: &Running) -> Result<(), CliError> {
        self.ledger.lost(running.lost());
        let Some(screen) = &mut self.screen else { return Ok(()) };
        let (columns, lines) = screen.size();
        let options = human::Options { width: columns, ..self.options };
        let report = ListenReport::new(&self.setting, &self.ledger, &[], Timestamp::now(), lines);
        screen.draw(|writer| human::live(&report, lines, &options, writer)).map_err(cannot_show)
    }

    /// Judges, and tells the whole.
    fn finish(mut self, lost: u64, policy: &Policy) -> Result<Verdict, CliError> {
        if let Some(screen) = self.screen.take() {
            // It may have been resized since.
            self.options.width = screen.size().0.min(WIDEST);
        }
        self.ledger.lost(lost);
        let findings = finding::judge_listen(&self.ledger, policy);
        let report = ListenReport::new(&self.setting, &self.ledger, &findings, Timestamp::now(), usize::MAX);
        let mut rendered = Vec::new();
        if self.tells_new_clients && !self.ledger.is_empty() {
            rendered.push(b'\n');
        }
        render::listen(&report, self.format, &self.options, &mut rendered).map_err(cannot_show)?;
        self.sink.write(&rendered)?;
        self.sink.finish()?;
        match self.format {
            ListenFormat::Human | ListenFormat::Json => {}
            // They have no place for these.
            ListenFormat::Ndjson | ListenFormat::Csv => {
                for finding in &report.findings {
                    warn(&format!("{}: {}", finding.code, finding.message));
                }
            }
        }
        Ok(report.verdict)
    }
}

fn cannot_show(error: io::Error) -> CliError {
    CliError::new(format!("cannot show what was seen: {error}"))
}
