//! Servers that follow a script, on loopback, for the tests of every protocol.

use std::io::Cursor;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{Declined, Protocol, Waits, negotiate};
use crate::acquire::StarttlsRefusal;
use crate::net::{Deadline, Outcome};
use crate::target::Scheme;

pub(super) const AMPLE: Duration = Duration::from_secs(30);
pub(super) const NAME: &str = "www.real.test";

/// What the server does in its turn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    /// Sends this.
    Says(&'static [u8]),
    /// Reads as many octets and checks that they are these.
    Hears(&'static [u8]),
    /// Resets the connection.
    Resets,
    /// Stays silent until the client is gone.
    Waits,
}

pub(super) fn waits() -> Waits {
    Waits { first: AMPLE, later: AMPLE, deadline: Deadline::after(AMPLE) }
}

/// Starts the server; its task ends when the client is gone, with what that said beyond the script.
pub(super) async fn script(turns: &'static [Turn]) -> (TcpStream, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut peer, _) = listener.accept().await.unwrap();
    let task = tokio::spawn(async move {
        let mut closes = true;
        for turn in turns {
            match turn {
                Turn::Says(octets) => peer.write_all(octets).await.unwrap(),
                Turn::Hears(expected) => {
                    let mut heard = vec![0; expected.len()];
                    peer.read_exact(&mut heard).await.unwrap();
                    assert_eq!(heard.escape_ascii().to_string(), expected.escape_ascii().to_string());
                }
                Turn::Resets => {
                    peer.set_zero_linger().unwrap();
                    return Vec::new();
                }
                Turn::Waits => closes = false,
            }
        }
        if closes {
            peer.shutdown().await.unwrap();
        }
        let mut beyond = Vec::new();
        let _ = peer.read_to_end(&mut beyond).await;
        beyond
    });
    (stream, task)
}

/// Negotiates with a scripted server, and tells what the client said beyond the script.
pub(super) async fn run_within(
    scheme: Scheme,
    turns: &'static [Turn],
    waits: Waits,
) -> (Result<(), Declined>, Vec<u8>) {
    let (stream, task) = script(turns).await;
    let result = negotiate(scheme, Box::new(stream), NAME, waits).await;
    let result = result.map(drop).map_err(|failed| failed.0);
    (result, task.await.expect("the script runs to its end"))
}

/// Conversations that lead to TLS, with nothing said beyond them.
pub(super) async fn accepts(scheme: Scheme, conversations: &[&'static [Turn]]) {
    for turns in conversations {
        let (result, beyond) = run_within(scheme, turns, waits()).await;
        result.unwrap_or_else(|declined| panic!("{turns:?}: {declined:?}"));
        assert_eq!(beyond.escape_ascii().to_string(), "", "{turns:?}");
    }
}

/// Conversations in which the server says no: how, what the detail tells, and that the client takes its leave.
pub(super) async fn refuses<P: Protocol>(
    scheme: Scheme,
    conversations: &[(&'static [Turn], StarttlsRefusal, &'static str)],
) {
    for (turns, refusal, detail) in conversations {
        let (result, beyond) = run_within(scheme, turns, waits()).await;
        let declined = result.expect_err("a refusal");
        assert_eq!(
            (declined.outcome, declined.refusal.as_ref()),
            (Outcome::StarttlsRefused, Some(refusal)),
            "{turns:?}: {declined:?}"
        );
        assert!(declined.detail.contains(detail), "{turns:?}: {}", declined.detail);
        assert_eq!(beyond.escape_ascii().to_string(), P::FAREWELL.escape_ascii().to_string(), "{turns:?}");
    }
}

/// Conversations that end without an answer to the question: with which word, and what the detail tells.
pub(super) async fn breaks_off(scheme: Scheme, conversations: &[(&'static [Turn], Outcome, &'static str)]) {
    for (turns, outcome, detail) in conversations {
        let (result, _) = run_within(scheme, turns, waits()).await;
        let declined = result.expect_err("an end");
        assert_eq!((declined.outcome, &declined.refusal), (*outcome, &None), "{turns:?}: {declined:?}");
        assert!(declined.detail.contains(detail), "{turns:?}: {}", declined.detail);
    }
}

/// Negotiates with a server that has said all this already, and closed.
pub(super) async fn after(scheme: Scheme, said: Vec<u8>) -> Result<(), Declined> {
    let stream = Box::new(tokio::io::join(Cursor::new(said), tokio::io::sink()));
    negotiate(scheme, stream, NAME, waits()).await.map(drop).map_err(|failed| failed.0)
}
