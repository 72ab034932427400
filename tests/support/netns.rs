//! A network namespace of the test's own: loopback and nothing else, with firewall rules that hurt nobody.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use certflight::lab::scenario::{Scenario, Variant};
use certflight::lab::stage::Lab;
use nix::sched::{CloneFlags, setns};

use super::{have, skipped};

/// A namespace that ends with its value.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one; where that cannot be done, says so visibly.
    pub fn new(test: &str, programs: &[&str]) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !have(test, &[&["ip"], programs].concat()) {
            return None;
        }
        let name = format!("certflight-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let made = Command::new("ip").args(["netns", "add", &name]).output().unwrap();
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr);
            skipped(test, &format!("no network namespace can be made (it takes root): {}", why.trim()));
            return None;
        }
        let namespace = Self { name };
        namespace.must("ip", &["link", "set", "lo", "up"]);
        Some(namespace)
    }

    /// Its name, as `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs a command inside, which has to succeed.
    #[track_caller]
    pub fn must(&self, program: &str, arguments: &[&str]) -> Output {
        let output = self.command(program).args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {stderr}");
        output
    }

    /// Gives a program inside this text, which it has to accept.
    #[track_caller]
    pub fn feed(&self, program: &str, arguments: &[&str], text: &str) {
        let mut child =
            self.command(program).args(arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{program}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
    }

    /// Puts the calling thread into the namespace, and with it what it starts.
    pub fn enter(&self) {
        let file = std::fs::File::open(format!("/run/netns/{}", self.name)).unwrap();
        setns(file, CloneFlags::CLONE_NEWNET).unwrap();
    }

    /// Gives commands run inside this file in the place of `/etc/NAME`.
    pub fn etc(&self, name: &str, text: &str) {
        let folder = self.etc_folder();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }

    /// Where `ip netns exec` looks for such files.
    fn etc_folder(&self) -> PathBuf {
        Path::new("/etc/netns").join(&self.name)
    }

    /// Does something inside, on a thread of its own: sockets opened there stay there, whoever uses them.
    pub fn within<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            scope
                .spawn(|| {
                    self.enter();
                    act()
                })
                .join()
                .unwrap()
        })
    }

    /// Whether something listens at this port of 127.0.0.1 inside.
    pub fn answers(&self, port: u16) -> bool {
        self.within(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
    }

    /// Starts a scenario of the lab inside.
    pub fn lab(&self, scenario: &str) -> LabInside {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let (scenario, namespace) = (scenario.to_owned(), Self { name: self.name.clone() });
        let thread = thread::spawn(move || {
            namespace.enter();
            std::mem::forget(namespace);
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let lab = runtime.block_on(Lab::start(&Scenario::named(&scenario).unwrap(), Variant::Firing)).unwrap();
            tell.send((lab.target.clone(), lab.cli_args(), lab.dns_server.port())).unwrap();
            // Until the test is done, or gone.
            let _ = stopped.recv();
            drop(lab);
            runtime.shutdown_background();
        });
        let (target, arguments, dns_port) = told.recv().unwrap();
        LabInside { target, arguments, dns_port, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).output();
        if self.etc_folder().exists() {
            let _ = fs::remove_dir_all(self.etc_folder());
            // Not if others have theirs there.
            let _ = fs::remove_dir("/etc/netns");
        }
    }
}

/// A lab that runs inside a namespace.
pub struct LabInside {
    /// What to check.
    pub target: String,
    /// The options that lead there.
    pub arguments: Vec<String>,
    /// Port of the name server at 127.0.0.1.
    pub dns_port: u16,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for LabInside {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
