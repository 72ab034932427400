//! One name server: both families at once, UDP and then TCP, each answer in its class.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};
use hickory_resolver::Resolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::net::{DnsError, NetError};
use tokio::time::timeout;

use super::Family;
use super::race::staggered;
use super::udp::Runtime;

/// Why a name server gave no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Miss {
    /// The name exists without such an address (RFC 2308 §2.2).
    NoData,
    /// It did not answer.
    Silent,
    /// It could not be asked: why.
    Unasked(String),
    /// It answered with an error, or nonsense: which.
    Broken(String),
    /// The name does not exist (RFC 2308 §2.1).
    NxDomain,
}

/// A name server of the system's configuration, or the one of `--dns-server`.
pub(super) struct NameServer {
    address: SocketAddr,
    step: Duration,
    udp: Resolver<Runtime>,
    tcp: Resolver<Runtime>,
}

impl NameServer {
    /// The one given, without search domains.
    pub(super) fn given(address: SocketAddr, step: Duration) -> Option<Self> {
        Self::new(address, step, &ResolverConfig::default(), ResolverOpts::default())
    }

    /// Those of the system's configuration, with its search domains. None when it cannot be read:
    /// nothing stands in for it.
    pub(super) fn of_the_system(step: Duration) -> Vec<Self> {
        let Ok((config, options)) = hickory_resolver::system_conf::read_system_conf() else { return Vec::new() };
        config
            .name_servers()
            .iter()
            .filter_map(|server| {
                let port = server.connections.first().map_or(53, |connection| connection.port);
                Self::new(SocketAddr::new(server.ip, port), step, &config, options.clone())
            })
            .collect()
    }

    /// Where it is asked.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    fn new(address: SocketAddr, step: Duration, system: &ResolverConfig, mut options: ResolverOpts) -> Option<Self> {
        options.timeout = step;
        // Over UDP the query is repeated within its time anyhow; other servers are asked by `Resolver`.
        options.attempts = 0;
        // `Resolver` remembers answers, for the run rather than for their time to live.
        options.cache_size = 16;
        options.use_hosts_file = ResolveHosts::Never;
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        let build = |mut connections: Vec<ConnectionConfig>| {
            for connection in &mut connections {
                connection.port = address.port();
            }
            let server = NameServerConfig::new(address.ip(), true, connections);
            let config = ResolverConfig::from_parts(system.domain().cloned(), system.search().to_vec(), vec![server]);
            let mut builder = Resolver::builder_with_config(config, Runtime::default());
            *builder.options_mut() = options.clone();
            builder.build().ok()
        };
        let udp = build(vec![ConnectionConfig::udp(), ConnectionConfig::tcp()])?;
        let tcp = build(vec![ConnectionConfig::tcp()])?;
        Some(Self { address, step, udp, tcp })
    }

    /// Addresses of the families asked for, IPv6 first. Once one family has addresses, the other is
    /// waited for no longer than `grace`, and never so long that `end` would cut what is known.
    pub(super) async fn addresses(
        &self,
        name: &Name,
        family: Family,
        grace: Duration,
        end: Instant,
    ) -> Result<Vec<IpAddr>, Miss> {
        let wait = || grace.min(end.saturating_duration_since(Instant::now()) * 9 / 10);
        match family {
            Family::V4 => self.records(name, RecordType::A).await,
            Family::V6 => self.records(name, RecordType::AAAA).await,
            Family::Any => {
                let mut four = std::pin::pin!(self.records(name, RecordType::A));
                let mut six = std::pin::pin!(self.records(name, RecordType::AAAA));
                let (six, four) = tokio::select! {
                    biased;
                    six = &mut six => {
                        let four = second(&six, four, wait()).await;
                        (six, four)
                    }
                    four = &mut four => {
                        let six = second(&four, six, wait()).await;
                        (six, four)
                    }
                };
                both(six, four)
            }
        }
    }

    async fn records(&self, name: &Name, record_type: RecordType) -> Result<Vec<IpAddr>, Miss> {
        // Some firewalls let TCP pass where UDP is dropped.
        let race = staggered(&[&self.udp, &self.tcp], self.step / 2, self.step, |resolver| {
            let resolver: &Resolver<Runtime> = resolver;
            async move {
                match resolver.lookup(name.clone(), record_type).await {
                    Ok(lookup) => {
                        let found: Vec<IpAddr> =
                            lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect();
                        Ok(if found.is_empty() { Err(Miss::NoData) } else { Ok(found) })
                    }
                    Err(error) => match classify(&error) {
                        Classified::Said(miss) => Ok(Err(miss)),
                        Classified::NotHeard(miss) => Err(miss),
                    },
                }
            }
        })
        .await;
        match race.winner {
            Some((_, settled)) => settled,
            // Where one transport was silent, the refusal of the other says little.
            None if !race.pending.is_empty() || race.failed.iter().any(|(_, miss)| *miss == Miss::Silent) => {
                Err(Miss::Silent)
            }
            None => Err(race.failed.into_iter().next().map_or(Miss::Silent, |(_, miss)| miss)),
        }
    }
}

impl fmt::Display for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address.port() {
            53 => self.address.ip().fmt(f),
            _ => self.address.fmt(f),
        }
    }
}

/// The other family's answer: waited for as long as it may matter.
async fn second(
    first: &Result<Vec<IpAddr>, Miss>,
    other: impl Future<Output = Result<Vec<IpAddr>, Miss>>,
    wait: Duration,
) -> Result<Vec<IpAddr>, Miss> {
    match first {
        // "No such name" should hold for both, but some servers say it of one alone (RFC 4074 §4.2).
        Ok(_) | Err(Miss::NxDomain) => timeout(wait, other).await.unwrap_or(Err(Miss::Silent)),
        Err(_) => other.await,
    }
}

fn both(six: Result<Vec<IpAddr>, Miss>, four: Result<Vec<IpAddr>, Miss>) -> Result<Vec<IpAddr>, Miss> {
    match (six, four) {
        (Ok(mut six), Ok(four)) => {
            six.extend(four);
            Ok(six)
        }
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        (Err(one), Err(other)) => Err(more_telling(one, other)),
    }
}

/// "No such name" is about both families. An error or silence leaves open what "no data" for the
/// other family denies.
fn more_telling(one: Miss, other: Miss) -> Miss {
    let rank = |miss: &Miss| match miss {
        Miss::NoData => 0,
        Miss::Silent => 1,
        Miss::Unasked(_) => 2,
        Miss::Broken(_) => 3,
        Miss::NxDomain => 4,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

enum Classified {
    /// The server's answer.
    Said(Miss),
    /// There was none.
    NotHeard(Miss),
}

fn classify(error: &NetError) -> Classified {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => Classified::Said(match none.response_code {
            ResponseCode::NXDomain => Miss::NxDomain,
            ResponseCode::NoError => Miss::NoData,
            code => Miss::Broken(format!("answered {}", code_name(code))),
        }),
        NetError::Dns(DnsError::ResponseCode(code)) => {
            Classified::Said(Miss::Broken(format!("answered {}", code_name(*code))))
        }
        NetError::Timeout => Classified::NotHeard(Miss::Silent),
        NetError::Io(error) => Classified::NotHeard(Miss::Unasked(super::connect::classify(error).1)),
        // Every way to ask failed at once; which error it was is not told any more.
        NetError::NoConnections => {
            Classified::NotHeard(Miss::Unasked("nothing listens there, or a firewall rejects it".to_owned()))
        }
        other => Classified::NotHeard(Miss::Broken(other.to_string())),
    }
}

/// The mnemonics of the IANA registry, for those that resolvers send.
fn code_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        other => format!("response code {}", u16::from(other)),
    }
}
