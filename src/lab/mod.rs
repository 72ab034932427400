//! The CA and the servers of `demo`, which the tests use too: TLS and SMTP servers, CRL, OCSP and
//! caIssuers services, a directory and a name server, on loopback, good or broken as a scenario stages them.
//!
//! Input: a [`Scenario`] out of `testdata/scenarios.toml`. Output: a running [`Lab`], which ends with
//! all its servers when it is dropped. Needs no root rights: ports are ephemeral, names are
//! answered by the lab's own name server, and nothing leaves the loopback interface.
//!
//! The other stages are not used here, so that the lab cannot share their mistakes: encoders
//! and servers are written apart from the parsers and clients that they test.

pub mod ca;
pub mod cms;
pub mod crl;
pub mod der;
pub mod dns;
pub mod http;
pub mod key;
pub mod ldap;
pub mod ocsp;
pub mod offset;
pub mod placement;
pub mod responder;
pub mod rsa;
pub mod scenario;
pub mod silent;
pub mod smtp;
pub mod stage;
pub mod subject;
pub mod tls;

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

pub use placement::Placement;
pub use scenario::{Scenario, Variant};
pub use stage::{Lab, standard};

/// Why a lab could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A socket or temporary file.
    #[error("the lab cannot {what}: {source}")]
    Io {
        /// What it was about to do.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// rcgen could not make a certificate or key.
    #[error("the lab cannot issue a certificate: {0}")]
    Issue(#[from] rcgen::Error),
    /// rustls does not take what was staged.
    #[error("the lab cannot set up its TLS server: {0}")]
    Tls(#[from] rustls::Error),
    /// The scenario contradicts itself.
    #[error("{0}")]
    Stage(String),
}

impl LabError {
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// Server tasks that end when this is dropped.
#[derive(Debug, Default)]
pub struct Tasks(Vec<AbortHandle>);

impl Tasks {
    /// Runs a server until the end.
    pub fn spawn(&mut self, server: impl Future<Output = ()> + Send + 'static) {
        self.0.push(tokio::spawn(server).abort_handle());
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// Listens on a loopback address; port 0 takes a free one.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, LabError> {
    TcpListener::bind(address).await.map_err(LabError::io(format!("listen on {address}")))
}
