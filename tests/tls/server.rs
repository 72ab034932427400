//! A server that runs: a process, or tasks of the lab.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use certflight::lab::Tasks;
use certflight::lab::responder::Responder;
use tokio::net::TcpSocket;

/// Ends with its value.
pub struct Server {
    pub address: SocketAddr,
    running: Running,
}

enum Running {
    Process { child: Child, log: PathBuf },
    Rustls(#[expect(dead_code, reason = "held for its end")] Tasks),
    Responder(#[expect(dead_code, reason = "held for its end")] Responder),
}

impl Server {
    /// Starts a program that is told its port, and waits until it listens there.
    ///
    /// The port is held by a socket that does not listen, so that nobody else is given it meanwhile; the programs bind
    /// beside it, since both sides allow the reuse of addresses.
    pub fn start(name: &str, folder: &Path, command: impl FnOnce(SocketAddr) -> Command) -> Self {
        let held = TcpSocket::new_v4().unwrap();
        held.set_reuseaddr(true).unwrap();
        held.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = held.local_addr().unwrap();
        let log = folder.join(format!("{}.log", address.port()));
        let output = fs::File::create(&log).unwrap();
        let child = command(address)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        let mut server = Self { address, running: Running::Process { child, log } };
        let limit = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            let exited = server.exited();
            assert!(
                exited.is_none() && Instant::now() < limit,
                "{name} does not listen on {address} ({exited:?}):\n{}",
                server.log()
            );
            std::thread::yield_now();
        }
        server
    }

    /// Tasks that serve at this address.
    pub fn of_tasks(address: SocketAddr, tasks: Tasks) -> Self {
        Self { address, running: Running::Rustls(tasks) }
    }

    pub fn of_responder(responder: Responder) -> Self {
        Self { address: responder.address(), running: Running::Responder(responder) }
    }

    /// What it ended with, if it has.
    pub fn exited(&mut self) -> Option<std::process::ExitStatus> {
        match &mut self.running {
            Running::Process { child, .. } => child.try_wait().unwrap(),
            Running::Rustls(_) | Running::Responder(_) => None,
        }
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        match &self.running {
            Running::Process { log, .. } => String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned(),
            Running::Rustls(_) | Running::Responder(_) => String::new(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Running::Process { child, .. } = &mut self.running {
            // nginx's master ends its workers when asked politely; killed, it would leave them behind.
            let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }
}
