//! Names to addresses (RFC 1034, hosts file), with the class of failure kept.
//!
//! The name servers of the system are asked directly, in their order as the C library would, so that
//! "the name does not exist", "no answer" and "the resolver refuses" stay apart; what the C library
//! knows beyond DNS (mDNS, the machine's own name, directory services) is asked for when DNS gives
//! nothing. With `--dns-server`, that server alone. No other server is ever asked.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hickory_proto::op::Query;
use hickory_proto::rr::{Name, RecordType};
use hickory_resolver::Hosts;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::cause::Cause;
use super::connect::has_route;
use super::limits::Deadline;
use super::nameserver::{Miss, NameServer};
use super::outcome::{Failure, Outcome};
use super::race::{Race, staggered};
use super::{Family, NetOptions};

/// Addresses of one name that are used; a name with more is a mistake or an attack.
const MAX_ADDRESSES: usize = 32;

/// How long the next name server, or the C library, waits for the one before it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the addresses of a name came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AnswerSource {
    /// Nobody was asked: the host is an address itself, or pinned.
    #[default]
    Given,
    /// The hosts file.
    HostsFile,
    /// This name server.
    NameServer(SocketAddr),
    /// What the C library knows beyond hosts file and DNS (nsswitch.conf).
    CLibrary,
}

/// What a name resolved to.
#[derive(Debug, Clone, Default)]
pub struct Resolution {
    /// Addresses in the order to try them; empty when `failure` says why.
    pub addresses: Vec<IpAddr>,
    /// Why there are none.
    pub failure: Option<Failure>,
    /// Who said so, where there are any.
    pub source: AnswerSource,
    /// How long the asker waited for it; `None` where that was not needed (literal, pinned, known from before).
    pub elapsed: Option<Duration>,
}

impl Resolution {
    /// Why there is no address, where there is none.
    #[must_use]
    pub fn why_none(&self) -> Failure {
        self.failure.clone().unwrap_or(Failure {
            outcome: Outcome::DnsNoAddress,
            detail: None,
            cause: None,
            elapsed: self.elapsed.unwrap_or_default(),
        })
    }

    /// The same for one who waited that long for it, or not at all.
    fn waited_for(&self, elapsed: Option<Duration>) -> Self {
        let failure = self.failure.clone();
        let failure = failure.map(|failure| Failure { elapsed: elapsed.unwrap_or_default(), ..failure });
        Self { addresses: self.addresses.clone(), failure, source: self.source.clone(), elapsed }
    }
}

/// The resolver of one run: every name is asked for once, whoever wants it.
pub(super) struct Resolver {
    family: Family,
    pins: HashMap<String, Vec<IpAddr>>,
    dns_server: Option<SocketAddr>,
    step: Duration,
    /// How long one family may keep the other waiting once that has addresses.
    grace: Duration,
    source: OnceLock<Source>,
    known: Mutex<HashMap<String, Arc<OnceCell<Resolution>>>>,
}

/// Where names are looked up. Read and built at the first name that needs it.
struct Source {
    hosts: Hosts,
    servers: Vec<Arc<NameServer>>,
    /// Whether the C library may be asked too.
    system: bool,
}

impl Resolver {
    /// For these options. Does no I/O yet.
    pub(super) fn new(options: &NetOptions) -> Self {
        let mut pins: HashMap<String, Vec<IpAddr>> = HashMap::new();
        for (name, address) in &options.pins {
            pins.entry(normal(name)).or_default().push(*address);
        }
        // RFC 8305 §3 waits 50 ms only. Where every address is to be checked, all are waited for.
        let grace = if options.all_addresses { options.limits.step } else { Duration::from_millis(500) };
        Self {
            family: options.family,
            pins,
            dns_server: options.dns_server,
            step: options.limits.step,
            grace,
            source: OnceLock::new(),
            known: Mutex::default(),
        }
    }

    /// Addresses of a host, from the first that answers of: the literal itself, the pins, what was
    /// asked before, the hosts file, the name servers, the C library.
    pub(super) async fn resolve(&self, host: &str, deadline: Deadline) -> Resolution {
        let name = normal(host);
        if let Ok(literal) = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return self.given(vec![literal]);
        }
        if let Some(addresses) = self.pins.get(&name) {
            return self.given(addresses.clone());
        }
        let started = Instant::now();
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(name.clone()).or_default())
        };
        if let Some(resolution) = cell.get() {
            return resolution.waited_for(None);
        }
        // Silence is not remembered: it may be transient, and the deadline that cut it another target's.
        // Boxed: the resolver's futures are some of the largest, and every endpoint's holds one.
        let asked = Box::pin(cell.get_or_try_init(|| async {
            let resolution = Box::pin(self.ask(&name, deadline)).await;
            match &resolution.failure {
                Some(failure) if failure.outcome == Outcome::DnsTimeout => Err(resolution),
                _ => Ok(resolution),
            }
        }));
        match timeout(deadline.cap(self.step.saturating_add(PATIENCE)), asked).await {
            Ok(Ok(resolution)) => resolution.waited_for(Some(started.elapsed())),
            Ok(Err(silence)) => silence,
            Err(_) => {
                let detail = deadline.describe_silence("name resolution", self.step, started.elapsed());
                let servers = self.source.get().map_or(&[][..], |source| &source.servers);
                let failure = Failure::since(started, Outcome::DnsTimeout, detail);
                failed(failure.because(name_servers(servers, false)), started)
            }
        }
    }

    fn given(&self, addresses: Vec<IpAddr>) -> Resolution {
        let addresses = arrange(addresses, self.family, |_| true);
        let failure =
            addresses.is_empty().then(|| Failure::at_once(Outcome::DnsNoAddress, self.family_missing("address")));
        Resolution { addresses, failure, source: AnswerSource::Given, elapsed: None }
    }

    async fn ask(&self, name: &str, deadline: Deadline) -> Resolution {
        let started = Instant::now();
        let Some(query) = query_name(name) else {
            return failed(Failure::since(started, Outcome::DnsFailure, "not a DNS name"), started);
        };
        let source = self.source.get_or_init(|| self.open_source());
        let local = hosts_addresses(&source.hosts, &query);
        let found = if local.is_empty() {
            self.ask_all(source, name, &query, deadline).await
        } else {
            Ok((local, AnswerSource::HostsFile))
        };
        match found {
            Ok((addresses, source)) => {
                let addresses = arrange(addresses, self.family, has_route);
                if addresses.is_empty() {
                    let detail = self.family_missing("address");
                    let failure = Failure::since(started, Outcome::DnsNoAddress, detail);
                    let asked = if let AnswerSource::NameServer(asked) = source { vec![asked] } else { Vec::new() };
                    return failed(failure.because(Cause::NameServers { asked, rejected: false }), started);
                }
                Resolution { addresses, failure: None, source, elapsed: Some(started.elapsed()) }
            }
            Err(NotFound { outcome, detail, cause }) => {
                failed(Failure::since(started, outcome, detail).because(cause), started)
            }
        }
    }

    fn family_missing(&self, what: &str) -> String {
        match self.family {
            Family::Any => format!("no {what}"),
            Family::V4 => format!("no IPv4 {what}, and only IPv4 is used (-4)"),
            Family::V6 => format!("no IPv6 {what}, and only IPv6 is used (-6)"),
        }
    }

    fn open_source(&self) -> Source {
        match self.dns_server {
            Some(address) => {
                let server = NameServer::given(address, self.step);
                Source { hosts: Hosts::default(), servers: server.into_iter().map(Arc::new).collect(), system: false }
            }
            // A missing or unreadable configuration leaves the C library to answer.
            None => Source {
                hosts: Hosts::from_system().unwrap_or_default(),
                servers: NameServer::of_the_system(self.step).into_iter().map(Arc::new).collect(),
                system: true,
            },
        }
    }

    /// DNS, and the C library when DNS gives no address soon.
    async fn ask_all(
        &self,
        source: &Source,
        name: &str,
        query: &Name,
        deadline: Deadline,
    ) -> Result<(Vec<IpAddr>, AnswerSource), NotFound> {
        let limit = deadline.cap(self.step);
        let started = Instant::now();
        let mut dns = std::pin::pin!(self.ask_servers(&source.servers, query, limit, deadline));
        if !source.system {
            return dns.await;
        }
        let mut said = match timeout(PATIENCE.min(limit / 2), &mut dns).await {
            Ok(Ok(addresses)) => return Ok(addresses),
            Ok(Err(miss)) => Some(miss),
            Err(_) => None,
        };
        // The rest of the limit, plus what lets DNS be the first to say that it has passed.
        let left = limit.saturating_sub(started.elapsed());
        let mut library = std::pin::pin!(timeout(left, ask_c_library(name)));
        let mut library_done = false;
        loop {
            match said {
                Some(miss) if library_done => return Err(miss),
                _ => {}
            }
            tokio::select! {
                biased;
                answer = &mut dns, if said.is_none() => match answer {
                    Ok(addresses) => return Ok(addresses),
                    Err(miss) => said = Some(miss),
                },
                answer = &mut library, if !library_done => match answer {
                    Ok(addresses) if !arrange(addresses.clone(), self.family, |_| true).is_empty() => {
                        return Ok((addresses, AnswerSource::CLibrary));
                    }
                    _ => library_done = true,
                },
            }
        }
    }

    /// Asks the name servers in their order: the next one when one fails, or stays silent.
    async fn ask_servers(
        &self,
        servers: &[Arc<NameServer>],
        name: &Name,
        limit: Duration,
        deadline: Deadline,
    ) -> Result<(Vec<IpAddr>, AnswerSource), NotFound> {
        if servers.is_empty() {
            let detail = "no name server is configured, and the system does not know the name".to_owned();
            return Err(NotFound { outcome: Outcome::DnsFailure, detail, cause: name_servers(&[], false) });
        }
        let started = Instant::now();
        let end = started.checked_add(limit).unwrap_or(started);
        // An answer that settles it ends the race, "no such name" too; the C library does the same.
        let race: Race<_, Result<Vec<IpAddr>, Miss>, Miss> =
            staggered(servers, PATIENCE.min(limit / 2), limit, |server| {
                let server = Arc::clone(server);
                async move {
                    match server.addresses(name, self.family, self.grace, end).await {
                        Err(miss @ (Miss::Silent | Miss::Unasked(_) | Miss::Broken(_))) => Err(miss),
                        settled => Ok(settled),
                    }
                }
            })
            .await;
        if let Some((server, settled)) = race.winner {
            let (outcome, what) = match settled {
                Ok(addresses) => return Ok((addresses, AnswerSource::NameServer(server.address()))),
                Err(Miss::NxDomain) => (Outcome::DnsNxdomain, "the name does not exist (NXDOMAIN)".to_owned()),
                Err(_) => {
                    (Outcome::DnsNoAddress, format!("the name exists, but has {}", self.family_missing("address")))
                }
            };
            let cause = name_servers(&[Arc::clone(&server)], false);
            return Err(NotFound { outcome, detail: format!("{server}: {what}"), cause });
        }
        // An error that was said is more telling than one about asking, and that more than silence.
        let failed = |wanted: fn(&Miss) -> Option<&String>| {
            race.failed.iter().find_map(|(server, miss)| Some((server, wanted(miss)?)))
        };
        if let Some((server, error)) = failed(|miss| if let Miss::Broken(error) = miss { Some(error) } else { None }) {
            let (detail, cause) = (format!("{server}: {error}"), name_servers(&[Arc::clone(server)], false));
            return Err(NotFound { outcome: Outcome::DnsFailure, detail, cause });
        }
        if let Some((server, error)) = failed(|miss| if let Miss::Unasked(error) = miss { Some(error) } else { None }) {
            let detail = format!("{server}: could not be asked: {error}");
            return Err(NotFound { outcome: Outcome::DnsFailure, detail, cause: name_servers(servers, true) });
        }
        let silent: Vec<String> =
            race.failed.iter().map(|(server, _)| server).chain(&race.pending).map(ToString::to_string).collect();
        let waited = started.elapsed();
        let step = format!("name server {}", silent.join(", "));
        let detail = deadline.describe_silence(&step, self.step, waited);
        Err(NotFound { outcome: Outcome::DnsTimeout, detail, cause: name_servers(servers, false) })
    }
}

/// Why asking gave no address.
#[derive(Debug)]
struct NotFound {
    outcome: Outcome,
    detail: String,
    cause: Cause,
}

fn name_servers(asked: &[Arc<NameServer>], rejected: bool) -> Cause {
    Cause::NameServers { asked: asked.iter().map(|server| server.address()).collect(), rejected }
}

fn failed(failure: Failure, started: Instant) -> Resolution {
    let elapsed = Some(started.elapsed());
    Resolution { addresses: Vec::new(), failure: Some(failure), source: AnswerSource::Given, elapsed }
}

/// Lower case, without final dot.
fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// The name to ask for. One with a dot is complete: no search domain is ever added to it, lest a
/// wildcard there answers for a host that does not exist.
fn query_name(name: &str) -> Option<Name> {
    let mut query = Name::from_str_relaxed(name).ok().filter(|query| query.num_labels() > 0)?;
    query.set_fqdn(name.contains('.'));
    Some(query)
}

fn hosts_addresses(hosts: &Hosts, name: &Name) -> Vec<IpAddr> {
    [RecordType::AAAA, RecordType::A]
        .into_iter()
        .filter_map(|record_type| hosts.lookup_static_host(&Query::query(name.clone(), record_type)))
        .flat_map(|lookup| lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>())
        .collect()
}

/// Asks `getaddrinfo`, on a thread of its own: it cannot be interrupted, and must hold up neither
/// the run nor its end.
async fn ask_c_library(name: &str) -> Vec<IpAddr> {
    use std::net::ToSocketAddrs;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let name = if name.contains('.') { format!("{name}.") } else { name.to_owned() };
    let asking = std::thread::Builder::new().name("getaddrinfo".to_owned()).spawn(move || {
        let found = (name.as_str(), 0_u16).to_socket_addrs();
        let _ = sender.send(found.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default());
    });
    match asking {
        Ok(_) => receiver.await.unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

/// Drops duplicates and the family that is not wanted, interleaves the families (RFC 8305 §4), IPv6
/// first, and puts what has no route last.
fn arrange(addresses: Vec<IpAddr>, family: Family, has_route: impl Fn(IpAddr) -> bool) -> Vec<IpAddr> {
    let mut distinct: Vec<IpAddr> = Vec::new();
    for address in addresses {
        let wanted = match family {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        };
        if wanted && !distinct.contains(&address) {
            distinct.push(address);
        }
    }
    let (six, four): (Vec<IpAddr>, Vec<IpAddr>) = distinct.into_iter().partition(IpAddr::is_ipv6);
    let mixed = !six.is_empty() && !four.is_empty();
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    let mut ordered = Vec::new();
    loop {
        let pair = (six.next(), four.next());
        ordered.extend(pair.0);
        ordered.extend(pair.1);
        if pair == (None, None) {
            break;
        }
    }
    ordered.truncate(MAX_ADDRESSES);
    if mixed {
        let (mut routed, unrouted): (Vec<_>, Vec<_>) = ordered.into_iter().partition(|address| has_route(*address));
        routed.extend(unrouted);
        return routed;
    }
    ordered
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::ResponseCode;

    use super::super::testing::{DnsReply, DnsServer, dns_server, options, soon};
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn asking(server: &DnsServer) -> NetOptions {
        NetOptions { dns_server: Some(server.address), ..options() }
    }

    async fn outcome_of(answer: impl Fn(&str, RecordType) -> DnsReply + Send + 'static) -> Failure {
        let server = dns_server(answer).await;
        let resolution = Resolver::new(&asking(&server)).resolve("crl.example.test", soon()).await;
        assert!(resolution.addresses.is_empty());
        assert!(resolution.elapsed.is_some());
        resolution.failure.unwrap()
    }

    #[tokio::test]
    async fn literals_and_pins_ask_nobody() {
        let server = dns_server(|_, _| DnsReply::Silence).await;
        let pins = vec![("a.test".to_owned(), ip("192.0.2.1")), ("A.Test".to_owned(), ip("2001:db8::1"))];
        let resolver = Resolver::new(&NetOptions { pins, ..asking(&server) });
        let pinned = resolver.resolve("A.TEST.", soon()).await;
        assert_eq!(pinned.addresses, [ip("2001:db8::1"), ip("192.0.2.1")]);
        assert_eq!(pinned.elapsed, None);
        assert_eq!(resolver.resolve("192.0.2.9", soon()).await.addresses, [ip("192.0.2.9")]);
        assert_eq!(resolver.resolve("[::1]", soon()).await.addresses, [ip("::1")]);
        assert!(server.asked.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn both_families_are_asked_and_interleaved() {
        let all = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1"].map(ip).to_vec();
        let server = dns_server(move |_, _| DnsReply::Addresses(all.clone())).await;
        let resolution = Resolver::new(&asking(&server)).resolve("a.test", soon()).await;
        assert_eq!(resolution.failure, None);
        let mut found = resolution.addresses;
        found.sort();
        assert_eq!(found, ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(ip));
        let asked = server.asked.lock().unwrap();
        assert!(asked.iter().all(|(name, _)| name == "a.test."), "{asked:?}");

        let arranged =
            arrange(["192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.1"].map(ip).to_vec(), Family::Any, |_| true);
        assert_eq!(arranged, ["2001:db8::1", "192.0.2.1", "192.0.2.2"].map(ip));
        let arranged = arrange(["192.0.2.1", "2001:db8::1"].map(ip).to_vec(), Family::Any, |address| address.is_ipv4());
        assert_eq!(arranged, ["192.0.2.1", "2001:db8::1"].map(ip));
        let many = (0..200).map(|last| IpAddr::from([192, 0, 2, last])).collect();
        assert_eq!(arrange(many, Family::Any, |_| true).len(), MAX_ADDRESSES);
    }

    #[tokio::test]
    async fn one_family_can_be_asked_for_alone() {
        let server = dns_server(|_, _| DnsReply::Addresses(vec![ip("192.0.2.1")])).await;
        let resolver = Resolver::new(&NetOptions { family: Family::V6, ..asking(&server) });
        let failure = resolver.resolve("a.test", soon()).await.failure.unwrap();
        assert_eq!(failure.outcome, Outcome::DnsNoAddress);
        assert!(failure.detail.unwrap().contains("-6"));
        assert!(server.asked.lock().unwrap().iter().all(|(_, record_type)| *record_type == RecordType::AAAA));
        assert_eq!(resolver.resolve("192.0.2.1", soon()).await.failure.unwrap().outcome, Outcome::DnsNoAddress);
    }

    #[tokio::test]
    async fn each_class_of_failure_keeps_its_word() {
        let failure = outcome_of(|_, _| DnsReply::Code(ResponseCode::NXDomain)).await;
        assert_eq!(failure.outcome, Outcome::DnsNxdomain);
        let failure = outcome_of(|_, _| DnsReply::Addresses(Vec::new())).await;
        assert_eq!(failure.outcome, Outcome::DnsNoAddress);
        for (code, word) in [(ResponseCode::ServFail, "SERVFAIL"), (ResponseCode::Refused, "REFUSED")] {
            let failure = outcome_of(move |_, _| DnsReply::Code(code)).await;
            assert_eq!(failure.outcome, Outcome::DnsFailure);
            assert!(failure.detail.unwrap().contains(word));
        }
        let failure = outcome_of(|_, _| DnsReply::Silence).await;
        assert_eq!(failure.outcome, Outcome::DnsTimeout);
        assert!(failure.detail.as_ref().unwrap().contains("127.0.0.1"), "{failure}");
        let bad = dns_server(|_, _| DnsReply::Silence).await;
        let resolution = Resolver::new(&asking(&bad)).resolve(&format!("{}.test", "a".repeat(70)), soon()).await;
        assert_eq!(resolution.failure.unwrap().outcome, Outcome::DnsFailure);
    }

    #[tokio::test]
    async fn one_family_failing_does_not_hide_the_other() {
        for broken in
            [DnsReply::Code(ResponseCode::NXDomain), DnsReply::Code(ResponseCode::ServFail), DnsReply::Silence]
        {
            let server = dns_server(move |_, record_type| match record_type {
                RecordType::AAAA => broken.clone(),
                _ => DnsReply::Addresses(vec![ip("192.0.2.1")]),
            })
            .await;
            let resolution = Resolver::new(&asking(&server)).resolve("a.test", soon()).await;
            assert_eq!(resolution.addresses, [ip("192.0.2.1")]);
        }
        // "No IPv6 address" and "no answer about IPv4" is not "no address".
        let failure = outcome_of(|_, record_type| match record_type {
            RecordType::AAAA => DnsReply::Addresses(Vec::new()),
            _ => DnsReply::Code(ResponseCode::ServFail),
        })
        .await;
        assert_eq!(failure.outcome, Outcome::DnsFailure);
    }

    #[tokio::test]
    async fn concurrent_askers_share_one_query_and_failures_are_kept_too() {
        let server = dns_server(|_, _| DnsReply::Code(ResponseCode::NXDomain)).await;
        let resolver = Resolver::new(&asking(&server));
        let (one, two) = tokio::join!(resolver.resolve("a.test", soon()), resolver.resolve("A.test", soon()));
        let three = resolver.resolve("a.test", soon()).await;
        assert!(one.elapsed.is_some() && two.elapsed.is_some());
        assert_eq!((three.elapsed, three.failure.as_ref().unwrap().elapsed), (None, Duration::ZERO));
        for resolution in [one, two, three] {
            assert_eq!(resolution.failure.unwrap().outcome, Outcome::DnsNxdomain);
        }
        let asked = server.asked.lock().unwrap();
        assert_eq!(asked.iter().filter(|(_, record_type)| *record_type == RecordType::A).count(), 1, "{asked:?}");
    }

    #[tokio::test]
    async fn silence_is_bounded_and_asked_again() {
        let server = dns_server(|_, _| DnsReply::Silence).await;
        let resolver = Resolver::new(&asking(&server));
        let started = Instant::now();
        resolver.resolve("a.test", soon()).await;
        assert!(started.elapsed() < Duration::from_secs(3));
        let before = server.asked.lock().unwrap().len();
        resolver.resolve("a.test", soon()).await;
        assert!(server.asked.lock().unwrap().len() > before);
    }

    #[tokio::test]
    async fn the_next_name_server_answers_for_a_broken_or_silent_one() {
        let silent = dns_server(|_, _| DnsReply::Silence).await;
        let broken = dns_server(|_, _| DnsReply::Code(ResponseCode::ServFail)).await;
        let good = dns_server(|_, _| DnsReply::Addresses(vec![ip("192.0.2.1")])).await;
        let step = Duration::from_secs(2);
        let servers: Vec<Arc<NameServer>> =
            [&silent, &broken, &good].map(|server| Arc::new(NameServer::given(server.address, step).unwrap())).to_vec();
        let resolver = Resolver::new(&options());
        let name = query_name("a.test").unwrap();
        let found = resolver.ask_servers(&servers, &name, step, soon()).await;
        let source = AnswerSource::NameServer(servers[2].address());
        assert_eq!(found.unwrap(), (vec![ip("192.0.2.1")], source));
        let NotFound { outcome, detail, cause } =
            resolver.ask_servers(&servers[..2], &name, Duration::from_millis(500), soon()).await.unwrap_err();
        assert_eq!(outcome, Outcome::DnsFailure);
        assert!(detail.contains("SERVFAIL"), "{detail}");
        assert_eq!(cause, name_servers(&servers[1..2], false));
        assert_eq!(resolver.ask_servers(&[], &name, step, soon()).await.unwrap_err().outcome, Outcome::DnsFailure);
    }

    #[tokio::test]
    async fn a_name_server_that_is_not_there_is_told_from_a_silent_one() {
        let (closed, address) = super::super::testing::listener().await;
        drop(closed);
        let resolver = Resolver::new(&NetOptions { dns_server: Some(address), ..options() });
        let failure = resolver.resolve("a.test", soon()).await.failure.unwrap();
        assert_eq!(failure.outcome, Outcome::DnsFailure, "{failure:?}");
        assert_eq!(failure.cause, Some(Cause::NameServers { asked: vec![address], rejected: true }));
    }

    #[test]
    fn dotted_names_are_complete() {
        assert!(query_name("crl.example.test").unwrap().is_fqdn());
        assert!(!query_name("intranet").unwrap().is_fqdn());
        assert!(query_name("_x.example.test").is_some());
        assert!(query_name("").is_none());
        assert!(query_name("a..b").is_none());
    }

    #[test]
    fn the_hosts_file_is_read() {
        let mut hosts = Hosts::default();
        hosts.read_hosts_conf(&b"192.0.2.5 intra.test other\n2001:db8::5 intra.test\n"[..]).unwrap();
        let found = hosts_addresses(&hosts, &query_name("intra.test").unwrap());
        assert_eq!(found, [ip("2001:db8::5"), ip("192.0.2.5")]);
        assert_eq!(hosts_addresses(&hosts, &query_name("other").unwrap()), [ip("192.0.2.5")]);
        assert!(hosts_addresses(&hosts, &query_name("third").unwrap()).is_empty());
    }

    #[tokio::test]
    async fn the_machine_knows_itself() {
        let resolution =
            Resolver::new(&NetOptions { dns_server: None, ..options() }).resolve("localhost", soon()).await;
        assert!(
            resolution.addresses.iter().all(IpAddr::is_loopback) && !resolution.addresses.is_empty(),
            "{resolution:?}"
        );
    }
}
