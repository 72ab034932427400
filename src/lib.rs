//! Will certificate validation work from this machine, now and after the rollover, and if not,
//! whose fault is it?
//!
//! Data flows one way: a [`target`] is [`acquire`]d over the [`net`], its [`path`]s are built and
//! judged, the endpoints that their certificates name are examined for [`revocation`], and
//! [`finding`] turns the observations into findings and a verdict, which [`report`] serialises and
//! [`render`] shows.
//!
//! The whole way, against the lab's servers on loopback:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, Instant};
//!
//! use certflight::acquire::AcquireOptions;
//! use certflight::finding::{Policy, Verdict};
//! use certflight::lab::stage;
//! use certflight::net::{NetOptions, Network};
//! use certflight::path::{PublicRoots, Purpose, TrustStore};
//! use certflight::revocation::{Retriever, RevocationOptions};
//! use certflight::target::Target;
//! use certflight::{Run, Silent, StoreHandle};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let lab = stage::standard(None).await?;
//! let network = Network::new(NetOptions { dns_server: Some(lab.dns_server), ..NetOptions::default() })?;
//! let run = Run {
//!     now: lab.now,
//!     started: Instant::now(),
//!     at: lab.now,
//!     retriever: Retriever::new(network),
//!     store: StoreHandle::ready(Arc::new(TrustStore::of(lab.roots.clone(), "lab"))),
//!     public_roots: Arc::new(PublicRoots::default()),
//!     intermediates: Vec::new(),
//!     purpose: Purpose::Server,
//!     policies: Arc::default(),
//!     acquire: AcquireOptions::default(),
//!     revocation: RevocationOptions::default(),
//!     policy: Policy::default(),
//!     deadline: Duration::from_secs(60),
//!     expected: None,
//! };
//! let target = Target::parse(&lab.target, |_| false)?;
//! let checked = certflight::check(&run, &target, &Silent).await;
//! assert_eq!(checked.verdict, Verdict::Ok);
//! # Ok(())
//! # })
//! # }
//! ```

pub mod acquire;
pub mod cli;
pub mod clients;
pub mod egress;
pub mod expect;
pub mod finding;
pub mod handshake;
mod instant;
pub mod lab;
pub mod listen;
pub mod net;
pub mod path;
pub mod readiness;
pub mod render;
pub mod report;
pub mod revocation;
pub mod rollover;
mod settle;
mod spelling;
pub mod target;
pub mod x509;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, join, join_all};
use jiff::{SignedDuration, Timestamp};

use acquire::{AcquireError, AcquireOptions, Connection, Presented};
use expect::{Expected, Observed};
use finding::{Finding, Policy, Verdict};
use net::{Deadline, EndpointRoots};
use path::hostname::NameCheck;
use path::store::{RootsChoice, StoreError};
use path::{PathSearch, PolicyInputs, Pool, PublicRoots, Purpose, Question, Source, StandardJudge, TrustStore};
use revocation::{Retriever, RevocationFacts, RevocationOptions};
use rustls::pki_types::CertificateDer;
use target::Target;
use tokio::task::JoinError;
use x509::{Certificate, Fingerprint};

/// Rounds of fetching issuers that neither the server nor the store had: one for each level that
/// may be missing.
const MAX_AIA_ROUNDS: usize = 4;

/// caIssuers URLs asked in one round.
const MAX_AIA_URLS: usize = 16;

/// Checks one target from end to end. Never fails: what cannot be reached or read is a finding.
pub async fn check(run: &Run, target: &Target, progress: &dyn Progress) -> Checked {
    let started = Instant::now();
    let deadline = Deadline::after(run.deadline);
    let name = target.to_string();
    let examined = async {
        progress.started(&name);
        let presented = Box::pin(acquire::acquire(run.retriever.network(), &run.acquire, target, deadline)).await;
        progress.finished(&name);
        match (presented, run.store.get().await) {
            (Ok(presented), Ok(store)) => {
                let inquiry = Inquiry { run, store: &store, name: &name, started, deadline, progress };
                Box::pin(inquiry.examine(presented)).await
            }
            (presented, store) => Examination {
                presented,
                trust_store_failure: store.err().map(|error| error.to_string()),
                ..Examination::empty(run, name.clone(), started)
            },
        }
    };
    let (mut examination, observed) = join(examined.boxed(), observed(run, deadline).boxed()).await;
    examination.others.iter_mut().for_each(|other| other.expected.clone_from(&observed));
    examination.expected = observed;
    examination.elapsed = started.elapsed();
    Checked::judge(examination, &run.policy, run.at)
}

/// What `--expect` asks of the network and the trust store, whatever the target presents.
async fn observed(run: &Run, deadline: Deadline) -> Option<Arc<Observed>> {
    let expected = Arc::clone(run.expected.as_ref()?);
    let endpoints = async {
        if run.revocation.offline {
            None
        } else {
            Some(expected.reach(run.retriever.network(), deadline).await.to_vec())
        }
    };
    let (endpoints, store) = join(endpoints, run.store.get()).await;
    let root_in_store = store.ok().and_then(|store| expected.is_root_in(&store));
    Some(Arc::new(Observed { expected, endpoints, root_in_store }))
}

/// The result for something in a list that is no target: a finding, so that the others are still judged.
#[must_use]
pub fn not_a_target(run: &Run, text: &str, reason: &str) -> Checked {
    let text = target::without_credentials(text);
    unanswered(run, &text, AcquireError::NotATarget { text: text.clone(), reason: reason.to_owned() })
}

/// The result for a target whose check was cut off by a fault of this program.
#[must_use]
pub fn internal_error(run: &Run, text: &str, reason: &str) -> Checked {
    let text = target::without_credentials(text);
    unanswered(run, &text, AcquireError::Internal { text: text.clone(), reason: reason.to_owned() })
}

fn unanswered(run: &Run, text: &str, error: AcquireError) -> Checked {
    let examination = Examination { presented: Err(error), ..Examination::empty(run, text.to_owned(), Instant::now()) };
    Checked::judge(examination, &run.policy, run.at)
}

/// What the examination of every chain of one target has in common.
struct Inquiry<'a> {
    run: &'a Run,
    store: &'a TrustStore,
    name: &'a str,
    started: Instant,
    deadline: Deadline,
    progress: &'a dyn Progress,
}

impl Inquiry<'_> {
    /// Examines what was presented, and beside it every other chain that an address of the same name served.
    async fn examine(&self, presented: Presented) -> Examination {
        let others = differing_chains(&presented);
        let others = join_all(others.into_iter().map(|other| Box::pin(self.chain(other))));
        let (examination, others) = join(Box::pin(self.chain(presented)), others).await;
        Examination { others, elapsed: self.started.elapsed(), ..examination }
    }

    async fn chain(&self, presented: Presented) -> Examination {
        let Self { run, store, deadline, .. } = *self;
        let empty = Examination::empty(run, self.name.to_owned(), self.started);
        let trust_store = store.label().to_owned();
        let Some(leaf) = presented.leaf().and_then(|leaf| leaf.decoded()).cloned() else {
            return Examination { presented: Ok(presented), trust_store, ..empty };
        };
        let mut pool = Pool::default();
        let source = if matches!(presented, Presented::ByServer { .. }) { Source::Served } else { Source::File };
        for certificate in presented.certificates().iter().filter_map(|presented| presented.decoded()) {
            pool.add(certificate.clone(), source);
        }
        for certificate in &run.intermediates {
            pool.add(certificate.clone(), Source::Option);
        }
        let search = Box::pin(find_paths(run, store, &leaf, &mut pool, deadline)).await;
        let (search, revocation) = Box::pin(self.settle(search, &leaf, &pool, presented.staple())).await;
        let name_check = match run.purpose {
            Purpose::Client => NameCheck::NotAsked,
            Purpose::Server | Purpose::Any => path::hostname::check(&leaf, presented.name()),
        };
        let chosen = search.chosen();
        let anchor = chosen.filter(|path| path.judgement.valid).and_then(|path| path.anchor());
        let top = chosen.and_then(|path| path.certificates.last());
        Examination {
            publicly_trusted: anchor.is_some_and(|anchor| run.public_roots.contains(anchor)),
            public_root: top.is_some_and(|top| run.public_roots.contains(top)),
            presented: Ok(presented),
            pool,
            search,
            name_check,
            revocation,
            trust_store,
            // Anchors are decoded when a search asks for them, so only now are the broken ones known.
            trust_store_errors: store.errors(),
            elapsed: self.started.elapsed(),
            ..empty
        }
    }
}

/// Searches, and as long as no path is valid fetches the issuers that caIssuers URLs promise.
async fn find_paths(
    run: &Run,
    store: &TrustStore,
    leaf: &Arc<Certificate>,
    pool: &mut Pool,
    deadline: Deadline,
) -> PathSearch {
    let question = Question { policies: Arc::clone(&run.policies), ..Question::new(run.at, run.purpose) };
    let mut asked: HashSet<String> = HashSet::new();
    let mut search = path::search(leaf, pool, store, &question, &StandardJudge);
    for _ in 0..MAX_AIA_ROUNDS {
        if search.any_valid() || run.revocation.offline || deadline.is_over() {
            break;
        }
        let nearest = search.chosen().map(|path| path.certificates.as_slice()).unwrap_or_default();
        let urls: Vec<String> = search
            .missing
            .iter()
            .chain(nearest)
            .flat_map(|certificate| &certificate.ca_issuers_urls)
            .filter(|url| asked.insert((*url).clone()))
            .take(MAX_AIA_URLS)
            .cloned()
            .collect();
        if urls.is_empty() {
            break;
        }
        let before = pool.len();
        for fetched in run.retriever.issuers(&urls, deadline).await {
            for certificate in fetched.certificates {
                pool.add(certificate, Source::Aia);
            }
        }
        if pool.len() > before {
            search = path::search(leaf, pool, store, &question, &StandardJudge);
        }
    }
    search
}

/// What the other addresses served, where chain or staple is another than the first one's; each once.
fn differing_chains(presented: &Presented) -> Vec<Presented> {
    let Presented::ByServer { name, connections, .. } = presented else {
        return Vec::new();
    };
    let chain = |connection: &Connection| -> (Vec<Fingerprint>, Option<Bytes>) {
        let served = connection.served.iter().map(acquire::PresentedCertificate::sha256).collect();
        (served, connection.stapled_ocsp.clone())
    };
    let mut seen: HashSet<(Vec<Fingerprint>, Option<Bytes>)> = HashSet::new();
    connections
        .iter()
        .filter(|connection| !connection.served.is_empty())
        .filter(|connection| seen.insert(chain(connection)))
        .skip(1)
        .map(|connection| Presented::ByServer {
            name: name.clone(),
            resolution: None,
            connections: vec![connection.clone()],
        })
        .collect()
}

/// Hears what is under way; the progress bar is one.
pub trait Progress: Send + Sync {
    /// That many more network steps are under way, named by what.
    fn started(&self, what: &str) {
        let _ = what;
    }
    /// One of them is done.
    fn finished(&self, what: &str) {
        let _ = what;
    }
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}

/// The trust store, loading since the run began: decoding it costs as much as a handshake, so the two
/// run side by side.
#[derive(Clone)]
pub struct StoreHandle(Shared<BoxFuture<'static, Result<Arc<TrustStore>, StoreError>>>);

impl StoreHandle {
    /// Starts loading in a thread of its own. Must be called within a tokio runtime.
    #[must_use]
    pub fn load(choices: Vec<RootsChoice>) -> Self {
        let loading = tokio::task::spawn_blocking(move || TrustStore::load(&choices));
        Self(async move { loaded(loading.await) }.boxed().shared())
    }

    /// The same, but loading starts when the store is first asked for.
    #[must_use]
    pub fn lazy(choices: Vec<RootsChoice>) -> Self {
        let load = async move { loaded(tokio::task::spawn_blocking(move || TrustStore::load(&choices)).await) };
        Self(load.boxed().shared())
    }

    /// A store that is there already.
    #[must_use]
    pub fn ready(store: Arc<TrustStore>) -> Self {
        Self(async move { Ok(store) }.boxed().shared())
    }

    /// The store, once loaded.
    ///
    /// # Errors
    /// [`StoreError`] when it gave no anchor.
    pub async fn get(&self) -> Result<Arc<TrustStore>, StoreError> {
        self.0.clone().await
    }

    /// The same anchors for https endpoints.
    #[must_use]
    pub fn endpoint_roots(&self) -> EndpointRoots {
        let store = self.clone();
        EndpointRoots::Given(Arc::new(move || {
            let store = store.clone();
            async move {
                let store = store.get().await.map_err(|error| error.to_string())?;
                Ok(store.encodings().map(|der| CertificateDer::from(der.to_vec())).collect())
            }
            .boxed()
        }))
    }
}

fn loaded(result: Result<Result<TrustStore, StoreError>, JoinError>) -> Result<Arc<TrustStore>, StoreError> {
    match result {
        Ok(result) => result.map(Arc::new),
        Err(error) => Err(StoreError(format!("loading the trust store was cut off: {error}"))),
    }
}

/// Everything that one run holds for all of its targets.
#[derive(Clone)]
pub struct Run {
    /// The clock, read once; later times are reckoned from it by what has passed since. See [`Run::later`].
    pub now: Timestamp,
    /// When that was.
    pub started: Instant,
    /// `--at`, else `now`.
    pub at: Timestamp,
    /// Fetches endpoints over the run's network.
    pub retriever: Retriever,
    /// Trust anchors.
    pub store: StoreHandle,
    /// Which of them are public.
    pub public_roots: Arc<PublicRoots>,
    /// `--intermediates`
    pub intermediates: Vec<Arc<Certificate>>,
    /// `--purpose`
    pub purpose: Purpose,
    /// `--policy`, `--explicit-policy`, `--inhibit-policy-mapping`, `--inhibit-any-policy`
    pub policies: Arc<PolicyInputs>,
    /// Acquisition.
    pub acquire: AcquireOptions,
    /// Revocation.
    pub revocation: RevocationOptions,
    /// Severities and thresholds.
    pub policy: Policy,
    /// `--deadline`
    pub deadline: Duration,
    /// `--expect`
    pub expected: Option<Arc<Expected>>,
}

impl Run {
    /// The wall clock's time at an instant since the run began.
    fn time_at(&self, instant: Instant) -> Timestamp {
        let passed = SignedDuration::try_from(instant.saturating_duration_since(self.started));
        passed.ok().and_then(|passed| self.now.checked_add(passed).ok()).unwrap_or(self.now)
    }

    /// The instant that CRLs and OCSP responses are judged at. What is fetched today is replaced long before a day that
    /// lies ahead (`--at`), so its freshness is today's; data at hand is judged by that day.
    #[must_use]
    pub fn revocation_at(&self) -> Timestamp {
        if self.revocation.offline { self.at } else { self.at.min(self.now) }
    }

    /// For a target whose turn comes that long after the run began. A list can take longer than clocks may
    /// differ by, and what a responder signs meanwhile is not from the future. With `--at`, the instant of judgement stays.
    #[must_use]
    pub fn later(&self, passed: Duration) -> Self {
        let started = self.started.checked_add(passed).unwrap_or(self.started);
        let now = self.time_at(started);
        let at = if self.at == self.now { now } else { self.at };
        Self { now, started, at, ..self.clone() }
    }
}

/// Everything observed for one target; what `finding` judges and `report` serialises.
#[derive(Debug, Clone)]
pub struct Examination {
    /// The target, in the report's form.
    pub target: String,
    /// What was presented, or why a file could not be read.
    pub presented: Result<Presented, AcquireError>,
    /// Every decoded certificate that was seen, with its source.
    pub pool: Pool,
    /// Paths; empty when there is no decodable leaf.
    pub search: PathSearch,
    /// Name check of the leaf.
    pub name_check: NameCheck,
    /// Revocation.
    pub revocation: RevocationFacts,
    /// Trust store label.
    pub trust_store: String,
    /// Entries of the store that could not be read.
    pub trust_store_errors: Vec<String>,
    /// Why the store gave no anchor at all; nothing was judged then.
    pub trust_store_failure: Option<String>,
    /// Whether the chosen path is valid and ends in a root on Mozilla's list.
    pub publicly_trusted: bool,
    /// Whether the chosen path ends in such a root, valid and trusted here or not.
    pub public_root: bool,
    /// `--purpose`
    pub purpose: Purpose,
    /// `--offline`
    pub offline: bool,
    /// The wall clock's time when the target's turn came.
    pub now: Timestamp,
    /// The instant that CRLs and OCSP responses were judged at; see [`Run::revocation_at`].
    pub revocation_at: Timestamp,
    /// When that was.
    pub started: Instant,
    /// How long it took.
    pub elapsed: Duration,
    /// What is expected, with what was seen for it.
    pub expected: Option<Arc<Observed>>,
    /// The other chains that addresses of the name served, or the same with another staple, each examined by itself.
    pub others: Vec<Examination>,
}

impl Examination {
    /// The target's own chain, then the others that addresses of its name served.
    pub fn chains(&self) -> impl Iterator<Item = &Self> + Clone {
        std::iter::once(self).chain(&self.others)
    }

    /// Nothing observed yet.
    fn empty(run: &Run, target: String, started: Instant) -> Self {
        Self {
            target,
            presented: Err(AcquireError::NoCertificate { path: PathBuf::new(), reason: "not read".to_owned() }),
            pool: Pool::default(),
            search: PathSearch::default(),
            name_check: NameCheck::NotAsked,
            revocation: RevocationFacts::default(),
            trust_store: String::new(),
            trust_store_errors: Vec::new(),
            trust_store_failure: None,
            publicly_trusted: false,
            public_root: false,
            purpose: run.purpose,
            offline: run.revocation.offline,
            now: run.time_at(started),
            revocation_at: run.revocation_at(),
            started,
            elapsed: started.elapsed(),
            expected: None,
            others: Vec::new(),
        }
    }
}

/// One target's result.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What was observed.
    pub examination: Examination,
    /// What it means.
    pub findings: Vec<Finding>,
    /// In one word.
    pub verdict: Verdict,
}

impl Checked {
    fn judge(examination: Examination, policy: &Policy, at: Timestamp) -> Self {
        let findings = finding::judge(&examination, policy, at);
        let verdict = Verdict::of(&findings);
        Self { examination, findings, verdict }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_target_is_judged_by_a_late_clock_unless_the_instant_is_given() {
        let now: Timestamp = "2026-11-10T12:00:00Z".parse().unwrap();
        let mut run = Run {
            started: Instant::now(),
            now,
            at: now,
            retriever: Retriever::new(net::Network::new(net::NetOptions::default()).unwrap()),
            store: StoreHandle::ready(Arc::new(TrustStore::of(Vec::new(), "none"))),
            public_roots: Arc::default(),
            intermediates: Vec::new(),
            purpose: Purpose::Server,
            policies: Arc::default(),
            acquire: AcquireOptions::default(),
            revocation: RevocationOptions::default(),
            policy: Policy::default(),
            deadline: Duration::from_secs(60),
            expected: None,
        };
        let hour = Duration::from_secs(3600);
        let late = run.later(hour);
        assert_eq!((late.now, late.at), (now + hour, now + hour));
        run.at = now - hour;
        let late = run.later(hour);
        assert_eq!((late.now, late.at), (now + hour, now - hour));
        assert_eq!(run.later(Duration::MAX).now, now);
        assert_eq!(run.revocation_at(), now - hour);
        run.at = now + hour;
        assert_eq!(run.revocation_at(), now);
        run.revocation.offline = true;
        assert_eq!(run.revocation_at(), now + hour);
    }
}
