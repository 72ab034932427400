//! Configuration, `certflight tls` and sslscan side by side.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::Runtime;

use crate::certificates::Certificates;
use crate::configuration::{Configuration, Difference, Program};
use crate::facts::{Lines, side_by_side};
use crate::sslscan::{Questions, Scan};
use crate::support::have;
use crate::{programs, report};

/// How many servers run at a time: they wait more than they work.
const AT_ONCE: usize = 6;

#[test]
fn openssl_s_server() {
    every(Program::OpenSsl, "openssl_s_server");
}

#[test]
fn nginx() {
    every(Program::Nginx, "nginx");
}

#[test]
fn gnutls_serv() {
    every(Program::GnuTls, "gnutls_serv");
}

#[test]
fn nss_selfserv() {
    every(Program::Nss, "nss_selfserv");
}

#[test]
fn rustls() {
    every(Program::Rustls, "rustls");
}

/// What every comparison needs.
struct Site {
    certificates: Certificates,
    sslscan: bool,
    differences: Vec<Difference>,
}

#[test]
fn responder() {
    every(Program::Responder, "responder");
}

fn every(program: Program, test: &str) {
    if !have(test, program.needs()) || !program.is_as_read_off(test) {
        return;
    }
    let configurations = Configuration::of(program);
    let kinds = configurations.iter().flat_map(|configuration| configuration.certificates.iter().cloned());
    let site = Site {
        certificates: Certificates::new(kinds),
        sslscan: have(&format!("{test}, beside sslscan"), &["sslscan"]),
        differences: Difference::all(),
    };
    let runtime = Runtime::new().unwrap();
    let next = AtomicUsize::new(0);
    let compared = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let _entered = runtime.enter();
                while let Some(configuration) = configurations.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = compare(configuration, &site);
                    compared.lock().unwrap().insert(&configuration.name, one);
                }
            });
        }
    });
    let compared = compared.into_inner().unwrap();
    assert_eq!(compared.len(), configurations.len(), "two configurations bear the same name");
    let mut faults = Vec::new();
    for (name, Compared { table, faults: found }) in compared {
        println!("{name}\n{table}");
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{} disagreements:\n{}", faults.len(), faults.join("\n"));
}

/// One server, compared.
struct Compared {
    /// What each source says.
    table: String,
    /// What does not agree, and is not on record.
    faults: Vec<String>,
}

fn compare(configuration: &Configuration, site: &Site) -> Compared {
    let mut server = programs::start(configuration, &site.certificates);
    let configured = configuration.facts();
    let mut sources = vec![("configured", configured.lines())];
    let (mut faults, mut reasons) = (Vec::new(), Vec::new());
    let reported = report::lines(server.address);
    for (fact, wanted) in &sources[0].1 {
        let said = reported.get(fact).cloned().unwrap_or_default();
        if said != *wanted {
            faults.push(format!("{fact}\n    reported: {}\n    configured: {}", said.join(" "), wanted.join(" ")));
        }
    }
    sources.push(("certflight", reported));
    if site.sslscan {
        let questions = match configuration.program {
            // It counts completed handshakes, and the responder completes none.
            Program::Responder => Questions::Versions,
            // NSS keeps it waiting for seconds with each group, after which it knows none.
            Program::Nss => Questions::Suites,
            _ => Questions::All,
        };
        let said = Scan::of(server.address, questions).map(|scan| scan.lines_beside(&configured));
        let said = said.unwrap_or_else(|died| Lines::from([("versions".to_owned(), vec![died.to_string()])]));
        for (fact, words) in &said {
            let (mut said, mut wanted) = (words.clone(), sources[0].1.get(fact).cloned().unwrap_or_default());
            for known in site.differences.iter().filter(|known| known.is_about(&configuration.name, fact)) {
                if said != wanted {
                    known.settle(&mut said, &mut wanted);
                    reasons.push(format!("  sslscan differs in {fact}: {}\n", known.reason));
                }
            }
            if said != wanted {
                faults.push(format!(
                    "{fact}\n    sslscan says: {}\n    configured: {}",
                    said.join(" "),
                    wanted.join(" ")
                ));
            }
        }
        sources.push(("sslscan", said));
    }
    if let Some(status) = server.exited() {
        faults.push(format!("the server ended ({status}):\n{}", server.log()));
    }
    Compared { table: side_by_side(&sources) + &reasons.concat(), faults }
}
