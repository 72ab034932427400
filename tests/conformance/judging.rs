//! One case's way through the library: the only place here that makes a [`Run`] and reads what comes back.
//!
//! A case is judged as `certflight check leaf.pem --roots … --intermediates … --offline` would judge it, so that
//! a case that fails can be looked at on the command line.

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use certflight::acquire::{AcquireOptions, files};
use certflight::finding::{About, Finding, Policy, Severity, catalogue};
use certflight::net::{NetOptions, Network, ProxyChoice};
use certflight::path::store::RootsChoice;
use certflight::path::{PublicRoots, Purpose};
use certflight::revocation::{Retriever, RevocationOptions, Status};
use certflight::target::Target;
use certflight::x509::{Certificate, Fingerprint};
use certflight::{Checked, Run, Silent, StoreHandle};
use jiff::Timestamp;

/// Findings that are critical, yet no answer to what a suite asks, each with the reason.
pub const NOT_ASKED: [(&str, &str); 1] =
    [("cert.expiring", "it is about what is valid still; the suites judge certificates up to their last second")];

/// What a case asks.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The target file: the leaf, then whatever is served with it.
    pub served: Bytes,
    /// `--intermediates`, in PEM.
    pub intermediates: String,
    /// `--roots`, in PEM.
    pub anchors: String,
    /// `--servername`
    pub name: Option<String>,
    /// `--purpose`
    pub purpose: Purpose,
    /// `--at`
    pub at: Timestamp,
    /// `--crl` files.
    pub crls: Vec<(String, Bytes)>,
    /// `--ocsp-response` files.
    pub ocsp_responses: Vec<(String, Bytes)>,
}

/// What the library answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Whether a path is valid and no critical finding stands against it.
    pub accepted: bool,
    /// The leaf, where one could be read.
    pub leaf: Option<Fingerprint>,
    /// Its revocation status; `NotChecked` too where nothing could be judged.
    pub status: Status,
    /// Every finding, the gravest first.
    pub findings: Vec<Finding>,
}

impl Answer {
    /// Whether it says that the status of a certificate above the leaf stays open: the cases bring data on leaves alone.
    pub fn is_without_data(&self, finding: &Finding) -> bool {
        let above = matches!(&finding.about, About::Certificate(sha256) if Some(*sha256) != self.leaf);
        above && finding.code == catalogue::revocation::UNDETERMINED
    }

    /// The gravest finding of these groups, or of all where there is none, in words.
    pub fn first_finding(&self, groups: &[&str]) -> String {
        let of_them = self.findings.iter().find(|finding| groups.contains(&finding.code.group()));
        of_them
            .or(self.findings.first())
            .map_or_else(|| "no finding".to_owned(), |finding| format!("{}: {}", finding.code, finding.message))
    }
}

/// Asks. Blocks for as long as the library takes.
pub fn judge(question: &Question) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let leaf = folder.path().join("leaf.pem");
    fs::write(&leaf, &question.served).unwrap();
    let roots = folder.path().join("roots.pem");
    fs::write(&roots, &question.anchors).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let checked = runtime.block_on(certflight::check(&run(question, &roots), &Target::File(leaf), &Silent));
    answer(&checked)
}

fn run(question: &Question, roots: &Path) -> Run {
    Run {
        now: question.at,
        started: Instant::now(),
        at: question.at,
        retriever: Retriever::new(NETWORK.clone()),
        store: StoreHandle::lazy(vec![RootsChoice::Path(roots.to_owned())]),
        public_roots: Arc::clone(&PUBLIC_ROOTS),
        intermediates: decoded(&question.intermediates),
        purpose: question.purpose,
        policies: Arc::default(),
        acquire: AcquireOptions { servername: question.name.clone(), ..AcquireOptions::default() },
        revocation: RevocationOptions {
            offline: true,
            crl_files: question.crls.clone(),
            ocsp_files: question.ocsp_responses.clone(),
        },
        policy: Policy::default(),
        deadline: Duration::from_secs(60),
        expected: None,
    }
}

fn answer(checked: &Checked) -> Answer {
    let examination = &checked.examination;
    let leaf = examination.presented.as_ref().ok().and_then(|presented| presented.leaf()).map(|leaf| leaf.sha256());
    let status = examination.revocation.statuses.iter().find(|status| Some(status.certificate) == leaf);
    let refused = checked.findings.iter().any(|finding| {
        finding.severity >= Severity::Unknown && NOT_ASKED.iter().all(|(code, _)| *code != finding.code.as_str())
    });
    Answer {
        accepted: examination.search.any_valid() && !refused,
        leaf,
        status: status.map_or(Status::NotChecked, |status| status.status),
        findings: checked.findings.clone(),
    }
}

/// As `--intermediates` takes them: one that does not decode is left out.
fn decoded(pem: &str) -> Vec<Arc<Certificate>> {
    let presented = files::certificates(&Bytes::copy_from_slice(pem.as_bytes()), None).unwrap_or_default();
    presented.iter().filter_map(|presented| presented.decoded()).cloned().collect()
}

/// Never used, since every case is judged offline; whatever proxies the environment names don't matter.
static NETWORK: LazyLock<Network> = LazyLock::new(|| {
    let direct =
        NetOptions { target_proxy: ProxyChoice::Direct, endpoint_proxy: ProxyChoice::Direct, ..NetOptions::default() };
    Network::new(direct).unwrap()
});

static PUBLIC_ROOTS: LazyLock<Arc<PublicRoots>> = LazyLock::new(Arc::default);
