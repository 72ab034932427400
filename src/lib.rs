//! Will certificate validation work from this machine, now and after the rollover, and if not,
//! whose fault is it?
//!
//! Data flows one way: a [`target`] is [`acquire`]d over the [`net`], its [`path`]s are built and
//! judged, the endpoints that their certificates name are examined for [`revocation`], and
//! [`finding`] turns the observations into findings and a verdict, which [`report`] serialises and
//! [`render`] shows.

pub mod acquire;
pub mod cli;
pub mod finding;
pub mod lab;
pub mod net;
pub mod path;
pub mod render;
pub mod report;
pub mod revocation;
pub mod target;
pub mod x509;

use std::sync::Arc;

use jiff::Timestamp;

use acquire::{AcquireError, AcquireOptions, Presented};
use finding::{Finding, Policy, Verdict};
use path::hostname::NameCheck;
use path::{PathSearch, Pool, PublicRoots, Purpose, TrustStore};
use revocation::{Retriever, RevocationFacts, RevocationOptions};
use x509::Certificate;

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

/// Everything that one run holds for all of its targets.
#[derive(Clone)]
pub struct Run {
    /// The clock, read once.
    pub now: Timestamp,
    /// `--at`, else `now`.
    pub at: Timestamp,
    /// Fetches endpoints over the run's network.
    pub retriever: Retriever,
    /// Trust anchors.
    pub store: Arc<TrustStore>,
    /// Which of them are public.
    pub public_roots: Arc<PublicRoots>,
    /// `--intermediates`
    pub intermediates: Vec<Arc<Certificate>>,
    /// `--purpose`
    pub purpose: Purpose,
    /// Acquisition.
    pub acquire: AcquireOptions,
    /// Revocation.
    pub revocation: RevocationOptions,
    /// Severities and thresholds.
    pub policy: Policy,
    /// `--deadline`
    pub deadline: std::time::Duration,
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
    /// Trust store label and its unreadable entries.
    pub trust_store: String,
    /// Entries of the store that could not be read.
    pub trust_store_errors: Vec<String>,
    /// Whether the chosen path ends in a root on Mozilla's list.
    pub publicly_trusted: bool,
    /// `--purpose`
    pub purpose: Purpose,
    /// `--offline`
    pub offline: bool,
    /// The wall clock's `now`.
    pub now: Timestamp,
    /// How long it took.
    pub elapsed: std::time::Duration,
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

// For the merge: the pipeline's own functions take the place of these two.

/// Examines and judges one target.
#[allow(clippy::todo)]
pub async fn check(run: &Run, target: &target::Target, progress: &dyn Progress) -> Checked {
    let _ = (run, target, progress);
    todo!()
}

/// The result of what is no target.
#[allow(clippy::todo)]
#[must_use]
pub fn unreadable(text: &str, error: &target::TargetError, run: &Run) -> Checked {
    let _ = (text, error, run);
    todo!()
}
