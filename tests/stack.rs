//! A whole check fits on a small stack: threads of the runtime have 2 MiB, and the main thread of a
//! Windows program 1 MiB.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use certflight::acquire::AcquireOptions;
use certflight::finding::{Policy, Verdict};
use certflight::lab::stage::{self, Lab};
use certflight::net::{NetOptions, Network, ProxyChoice};
use certflight::path::{Purpose, TrustStore};
use certflight::revocation::{Retriever, RevocationOptions};
use certflight::target::Target;
use certflight::{Run, Silent, StoreHandle};
use tokio::runtime::Builder;

/// Half of the smaller one, since callers need some too; debug builds need several times what release builds do.
const STACK: usize = 512 << 10;

fn run(lab: &Lab) -> Run {
    // Names go over the wire, since looking them up is what lies deepest.
    let options = NetOptions {
        dns_server: Some(lab.dns_server),
        target_proxy: ProxyChoice::Direct,
        endpoint_proxy: ProxyChoice::Direct,
        ..NetOptions::default()
    };
    Run {
        now: lab.now,
        started: Instant::now(),
        at: lab.now,
        retriever: Retriever::new(Network::new(options).unwrap()),
        store: StoreHandle::ready(Arc::new(TrustStore::of(lab.roots.clone(), "lab"))),
        public_roots: Arc::new(lab.public_roots.clone()),
        intermediates: Vec::new(),
        purpose: Purpose::Server,
        policies: Arc::default(),
        acquire: AcquireOptions::default(),
        revocation: RevocationOptions::default(),
        policy: Policy::default(),
        deadline: Duration::from_secs(30),
        expected: None,
    }
}

#[test]
fn a_whole_check_fits_on_a_small_stack() {
    let servers = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let lab = servers.block_on(stage::standard(None)).unwrap();
    let (run, target) = (run(&lab), Target::parse(&lab.target, |_| false).unwrap());
    let checking = thread::Builder::new().stack_size(STACK).spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(certflight::check(&run, &target, &Silent))
    });
    let checked = checking.unwrap().join().unwrap();
    assert_eq!(checked.verdict, Verdict::Ok, "{:?}", checked.findings);
    // Two CRLs, two responders by both methods, two caIssuers.
    let attempts = checked.examination.revocation.endpoints.iter().map(|endpoint| endpoint.attempts.len());
    assert_eq!(attempts.sum::<usize>(), 8);
}
