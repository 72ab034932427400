//! One question, one connection: counted, paced, and a few at a time.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::acquire::Connection;
use crate::acquire::door::{Door, Entered, TOO_LATE};
use crate::acquire::hello::{Ended, ask, ask_ssl2};
use crate::handshake::{Alert, ClientHello, Flight, ServerHello, ssl2};
use crate::net::Outcome;

/// A limit on connections a second, shared by all who make them.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// That many a second.
    #[must_use]
    pub fn new(per_second: NonZeroU32) -> Self {
        Self { interval: Duration::from_secs(1) / per_second.get(), next: Mutex::new(Instant::now()) }
    }

    /// Waits for its turn; how much of that time nobody else's turn accounts for.
    async fn turn(&self) -> Duration {
        let now = Instant::now();
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = (*next).max(now);
            *next = at.checked_add(self.interval).unwrap_or(at);
            at
        };
        tokio::time::sleep_until(at.into()).await;
        at.saturating_duration_since(now).min(self.interval)
    }
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Reply {
    /// A ServerHello, and what followed it.
    Hello(Box<(ServerHello, Flight)>),
    /// An alert instead.
    Alert(Alert),
    /// The connection ended, or fell silent.
    Ended(Ended),
    /// There was no connection to ask on.
    Unopened(Box<Connection>),
}

impl Reply {
    /// How it ended, in a few words.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Hello(hello) => match hello.0.version {
                Some(version) => format!("it settled on {version}"),
                None => format!("it settled on version 0x{:04x}", hello.0.wire_version),
            },
            Self::Alert(alert) => format!("alert {}", alert.name()),
            Self::Ended(ended) => ended.detail.clone(),
            Self::Unopened(connection) => {
                connection.detail.clone().unwrap_or_else(|| connection.outcome.word().to_owned())
            }
        }
    }

    /// The connection that came to such an end.
    pub(super) fn as_connection(&self, begun: Connection) -> Connection {
        match self {
            Self::Hello(_) => begun,
            Self::Alert(alert) => {
                Connection { outcome: Outcome::TlsAlert, detail: Some(format!("alert: {}", alert.name())), ..begun }
            }
            Self::Ended(ended) => Connection { outcome: ended.outcome, detail: Some(ended.detail.clone()), ..begun },
            // It was there before the time was up, and nothing came of it.
            Self::Unopened(late) if begun.connected && late.detail.as_deref() == Some(TOO_LATE) => {
                Connection { outcome: late.outcome, detail: late.detail.clone(), ..begun }
            }
            Self::Unopened(connection) => connection.as_ref().clone(),
        }
    }

    /// Whether it is no answer at all: nothing can be said of what was offered.
    pub(super) fn is_silence(&self) -> bool {
        match self {
            Self::Hello(_) | Self::Alert(_) => false,
            Self::Ended(ended) => matches!(ended.outcome, Outcome::Timeout | Outcome::Stalled),
            Self::Unopened(_) => true,
        }
    }

    /// Whether it says nothing of what was asked: there was no connection, or the server does not answer what it did before
    /// either.
    pub(super) fn leaves_open(&self, alive: bool) -> bool {
        matches!(self, Self::Unopened(_)) || (self.is_doubtful() && !alive)
    }

    /// Whether it may be chance, or a limit on connections, rather than an answer to the question.
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_cut() || self.is_silence()
    }

    /// Whether the connection was cut rather than answered, which may be chance.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self, Self::Ended(ended) if matches!(ended.outcome, Outcome::Reset | Outcome::Closed))
    }
}

/// Asks, one connection a question.
pub(super) struct Prober<'a> {
    pub(super) door: &'a Door,
    slots: Semaphore,
    pace: Option<Arc<Pace>>,
    made: AtomicUsize,
    first: OnceLock<Connection>,
    /// The first hello that was answered by one.
    answered: OnceLock<ClientHello>,
    /// Whether any question but that for SSL 2 was cut or not answered.
    has_been_cut: AtomicBool,
    /// Whether a question that was cut once was answered later.
    cuts_by_chance: AtomicBool,
    /// Whether the server fell silent.
    is_gone: AtomicBool,
}

/// How long a server that sends connections away is left alone before the next try.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
    Duration::from_millis(3200),
];

/// How often a question that is cut, or not answered, is asked again before that counts as the answer.
const ROUNDS: usize = 1;
/// The same where the server was seen to cut what it answers at other times.
const ROUNDS_AT_CHANCE: usize = 4;

impl<'a> Prober<'a> {
    pub(super) fn new(door: &'a Door, at_once: usize, pace: Option<Arc<Pace>>) -> Self {
        Self {
            door,
            slots: Semaphore::new(at_once),
            pace,
            made: AtomicUsize::new(0),
            first: OnceLock::new(),
            answered: OnceLock::new(),
            has_been_cut: AtomicBool::new(false),
            cuts_by_chance: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
        }
    }

    /// How often a cut has to be seen again before it is an answer.
    pub(super) fn rounds(&self) -> usize {
        if self.cuts_by_chance.load(Ordering::Relaxed) { ROUNDS_AT_CHANCE } else { ROUNDS }
    }

    /// Whether any question but that for SSL 2 was cut or not answered.
    pub(super) fn has_been_cut(&self) -> bool {
        self.has_been_cut.load(Ordering::Relaxed)
    }

    /// A question that was cut, or not answered, was answered after all.
    pub(super) fn note_chance(&self) {
        self.cuts_by_chance.store(true, Ordering::Relaxed);
    }

    /// Whether a question that was answered before still is, so that what is not is no matter of too many connections.
    pub(super) async fn still_answers(&self) -> bool {
        let Some(hello) = self.answered.get() else { return false };
        let reply = self.ask(hello).await;
        self.is_gone.store(reply.is_silence(), Ordering::Relaxed);
        matches!(reply, Reply::Hello(_))
    }

    /// Whether not even a connection was made, or not a word said, when it was last asked what it had answered before: then
    /// every further question costs its wait, and tells nothing.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Relaxed)
    }

    /// Asks again what was cut or not answered. `None` where that may be chance, or a limit on connections: what was answered
    /// before is not either.
    pub(super) async fn make_sure(&self, hello: &ClientHello, first: Reply) -> Option<Reply> {
        let (mut reply, mut seen_again) = (first, 0);
        while reply.is_doubtful() && seen_again < self.rounds() {
            if self.is_gone() {
                return None;
            }
            reply = self.ask(hello).await;
            if !reply.is_doubtful() {
                self.note_chance();
            } else if !self.still_answers().await {
                return None;
            }
            seen_again = seen_again.saturating_add(1);
        }
        Some(reply)
    }

    /// Connections made so far.
    pub(super) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// The first connection that got as far as a hello; else the first that failed.
    pub(super) fn first_connection(&self) -> Connection {
        self.first.get().cloned().unwrap_or_else(crate::acquire::server::untried)
    }

    /// Connects within the limits, once more where that failed by what may be chance.
    pub(super) async fn enter(&self) -> Result<Entered, Box<Connection>> {
        let mut tries = self.door.network().options().limits.retries;
        let mut pauses = PAUSES.into_iter();
        loop {
            if self.door.deadline().is_over() {
                return Err(Box::new(self.door.too_late()));
            }
            if let Some(pace) = &self.pace {
                // That others are spared is no reason to ask less.
                let waited = pace.turn().await;
                self.door.extend(waited);
            }
            self.made.fetch_add(1, Ordering::Relaxed);
            match self.door.enter().await {
                Ok(entered) => {
                    self.first.get_or_init(|| entered.connection.clone());
                    return Ok(entered);
                }
                Err(connection) => {
                    // A server that let us in before and now sends us away with a word counts connections, and those it has
                    // not noticed the end of: it is given time.
                    if connection.connected
                        && self.first.get().is_some()
                        && let Some(pause) = pauses.next()
                    {
                        tokio::time::sleep(self.door.deadline().cap(pause)).await;
                        continue;
                    }
                    let chance = matches!(connection.outcome, Outcome::Timeout | Outcome::Reset);
                    if !chance || tries == 0 || self.door.deadline().is_over() {
                        return Err(connection);
                    }
                    tries = tries.saturating_sub(1);
                }
            }
        }
    }

    /// Goes there once before anything is asked, so that a closed door is met once.
    ///
    /// # Errors
    /// The connection with what kept it from getting there.
    pub(super) async fn knock(&self) -> Result<(), Box<Connection>> {
        let entered = self.enter().await?;
        self.door.give_back(entered);
        // It is counted when it is used.
        self.made.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    /// Sends a hello and reads the answer to it.
    pub(super) async fn ask(&self, hello: &ClientHello) -> Reply {
        let reply = self.put(hello).await;
        match &reply {
            Reply::Hello(_) => {
                self.answered.get_or_init(|| hello.clone());
            }
            reply if reply.is_doubtful() => self.has_been_cut.store(true, Ordering::Relaxed),
            _ => {}
        }
        reply
    }

    async fn put(&self, hello: &ClientHello) -> Reply {
        let Ok(_slot) = self.slots.acquire().await else { return self.closed() };
        match self.enter().await {
            Err(connection) => Reply::Unopened(connection),
            Ok(mut entered) => {
                let step = self.door.network().options().limits.step;
                let answer = ask(entered.stream.as_mut(), &hello.encode(), step, self.door.deadline()).await;
                let mut flight = answer.flight;
                match (flight.alert, flight.hello.take(), answer.ended) {
                    (Some(alert), _, _) => Reply::Alert(alert),
                    (None, Some(hello), _) => Reply::Hello(Box::new((hello, flight))),
                    (None, None, Some(ended)) => Reply::Ended(ended),
                    (None, None, None) => Reply::Ended(Ended {
                        outcome: Outcome::TlsFailure,
                        detail: "handshake: no ServerHello came".to_owned(),
                    }),
                }
            }
        }
    }

    /// The same for SSL 2.
    pub(super) async fn ask_ssl2(&self, hello: &ssl2::ClientHello) -> Result<ssl2::ServerHello, Reply> {
        let Ok(_slot) = self.slots.acquire().await else { return Err(self.closed()) };
        let mut entered = self.enter().await.map_err(Reply::Unopened)?;
        let step = self.door.network().options().limits.step;
        ask_ssl2(entered.stream.as_mut(), hello, step, self.door.deadline()).await.map_err(Reply::Ended)
    }

    /// The semaphore is never closed; the type does not know.
    fn closed(&self) -> Reply {
        Reply::Unopened(Box::new(self.first_connection()))
    }
}
