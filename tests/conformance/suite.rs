//! Cases, what is expected of each, and what came of it.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use certflight::finding::{Finding, Severity};
use certflight::revocation::Status;

use crate::judging::{Answer, Question, judge};

/// What one case may take. They take milliseconds; the pathological ones are there to make a search without a budget
/// take for ever.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// What a suite expects of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// Nothing stands against it.
    Accepted,
    /// A critical finding.
    Rejected,
    /// This very finding, critical.
    RejectedWith(&'static str),
    /// The leaf's revocation status is good.
    Good,
    /// It is revoked.
    Revoked,
    /// It is open, since what is at hand must not be believed or says nothing.
    Open,
    /// Any answer, as long as there is one.
    Survived,
}

impl Expectation {
    /// In words.
    pub fn word(&self) -> String {
        match self {
            Self::Accepted => "accepted".to_owned(),
            Self::Rejected => "rejected".to_owned(),
            Self::RejectedWith(code) => format!("rejected with {code}"),
            Self::Good => "good".to_owned(),
            Self::Revoked => "revoked".to_owned(),
            Self::Open => "open".to_owned(),
            Self::Survived => "survived".to_owned(),
        }
    }

    /// Whether a verifier is to refuse something, be it a certificate or a source.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Accepted | Self::Good | Self::Survived)
    }

    /// The groups of findings that bear on it.
    fn groups(&self) -> &'static [&'static str] {
        match self {
            Self::Good | Self::Revoked | Self::Open => &["crl", "ocsp", "revocation"],
            _ => &["target", "cert", "path", "crl", "revocation"],
        }
    }

    fn is_met(&self, answer: &Answer) -> bool {
        match self {
            Self::Accepted => answer.accepted,
            Self::Rejected => !answer.accepted,
            Self::RejectedWith(code) => answer
                .findings
                .iter()
                .any(|finding| finding.severity == Severity::Critical && finding.code.as_str() == *code),
            Self::Good => answer.status == Status::Good,
            Self::Revoked => answer.status == Status::Revoked,
            Self::Open => answer.status == Status::Unknown,
            Self::Survived => true,
        }
    }

    /// What came, in the words of what was asked.
    fn got(&self, answer: &Answer) -> &'static str {
        match (self, answer.status) {
            (Self::Accepted | Self::Rejected | Self::RejectedWith(_), _) if answer.accepted => "accepted",
            (Self::Accepted | Self::Rejected | Self::RejectedWith(_), _) => "rejected",
            (_, Status::Good) => "good",
            (_, Status::Revoked) => "revoked",
            (_, Status::Unknown) => "open",
            (_, Status::NotChecked) => "not checked",
        }
    }
}

/// One case of a suite.
#[derive(Debug, Clone)]
pub struct Case {
    /// As the suite names it.
    pub id: String,
    /// What else is known of it; the record may say that a feature does not apply.
    pub features: Vec<String>,
    /// What is asked.
    pub question: Question,
    /// What is expected.
    pub expected: Expectation,
    /// How the codes of findings begin that follow from what is expected or known of the case, and are no false alarms.
    pub implied: Vec<&'static str>,
}

/// A suite.
#[derive(Debug)]
pub struct Suite {
    /// As the record names it.
    pub name: &'static str,
    /// What it is, for the page.
    pub title: &'static str,
    /// Its cases.
    pub cases: Vec<Arc<Case>>,
}

impl Suite {
    /// A suite of these cases.
    pub fn new(name: &'static str, title: &'static str, cases: impl IntoIterator<Item = Case>) -> Self {
        Self { name, title, cases: cases.into_iter().map(Arc::new).collect() }
    }
}

/// What came of one case.
#[derive(Debug)]
pub struct Outcome {
    /// The case.
    pub case: Arc<Case>,
    /// The answer, or why there is none: the limit, or a panic.
    pub answer: Result<Answer, String>,
}

impl Outcome {
    /// Whether what came is what was expected.
    pub fn agrees(&self) -> bool {
        self.answer.as_ref().is_ok_and(|answer| self.case.expected.is_met(answer))
    }

    /// Its findings, none without an answer.
    pub fn findings(&self) -> &[Finding] {
        self.answer.as_ref().map(|answer| answer.findings.as_slice()).unwrap_or_default()
    }

    /// Expected, got and the first finding.
    pub fn explain(&self) -> String {
        let (id, expected) = (&self.case.id, self.case.expected.word());
        match &self.answer {
            Ok(answer) => {
                let got = self.case.expected.got(answer);
                let finding = answer.first_finding(self.case.expected.groups());
                format!("{id}: expected {expected}, got {got}; {finding}")
            }
            Err(reason) => format!("{id}: expected {expected}, got no answer: {reason}"),
        }
    }
}

/// Judges every case, as many at once as there are processors, each within the time limit. In the order of the cases.
pub fn run(cases: &[Arc<Case>]) -> Vec<Outcome> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let queue = Mutex::new(cases.iter().cloned().enumerate());
    let outcomes = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some((index, case)) = queue.lock().unwrap().next() else { return };
                    let answer = within_the_limit(&case);
                    outcomes.lock().unwrap().push((index, Outcome { case, answer }));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap();
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// In a thread of its own, which is left behind when the limit has passed: a search cannot be stopped from outside.
fn within_the_limit(case: &Arc<Case>) -> Result<Answer, String> {
    let (sender, receiver) = mpsc::channel();
    let case = Arc::clone(case);
    thread::spawn(move || sender.send(judge(&case.question)));
    receiver.recv_timeout(TIME_LIMIT).map_err(|error| match error {
        RecvTimeoutError::Timeout => format!("it took longer than {} s", TIME_LIMIT.as_secs()),
        RecvTimeoutError::Disconnected => "it panicked".to_owned(),
    })
}
