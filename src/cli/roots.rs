//! `roots`: what this machine trusts, and whether a root is among it.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::args::{CompareArg, RootsArgs, RootsFormatArg};
use super::output::{Output, warn};
use super::{CliError, resolve};
use crate::acquire::PresentedCertificate;
use crate::finding::{self, Verdict};
use crate::path::TrustStore;
use crate::path::presence::{self, Answer, NamePattern, Presence, Reading, Wanted};
use crate::path::store::{self, RootsChoice};
use crate::render::{self, RootsFormat};
use crate::report::roots::{Inspected, QueryKind, RootsReport};
use crate::x509::Certificate;

pub(super) fn run(args: &RootsArgs) -> Result<Verdict, CliError> {
    let format = match args.format {
        RootsFormatArg::Human => RootsFormat::Human,
        RootsFormatArg::Json => RootsFormat::Json,
        RootsFormatArg::Csv => RootsFormat::Csv,
    };
    let output = Output::resolve(&args.show, format == RootsFormat::Human);
    let started = Timestamp::now();
    let at = args.trust.at.unwrap_or(started);
    let question = Question::of(args)?;
    let choices = resolve::roots(&args.trust);
    let store = TrustStore::load(&choices).map(|mut store| {
        store.locate_native();
        store
    });
    let list = if question.is_some() || args.compare.is_some() {
        TrustStore::load(&[RootsChoice::Mozilla]).map_err(|error| CliError::new(error.to_string()))?
    } else {
        TrustStore::default()
    };
    let answers = match (&question, &store) {
        (Some(question), Ok(store)) => question.answers(store, &list, at)?,
        _ => Vec::new(),
    };
    let findings = finding::judge_roots(store.as_ref(), &answers, &resolve::policy(&args.severity), at);
    let inspected = Inspected {
        store: store.as_ref(),
        label: store::label(&choices),
        query: question.map(|question| (question.text, question.kind)),
        answers: &answers,
        compare: args.compare.map(|CompareArg::Mozilla| ("mozilla", &list)),
        findings: &findings,
    };
    let report = RootsReport::new(&inspected, at, started, Timestamp::now());
    output.show(|rendered| render::roots(&report, format, &output.options, rendered))?;
    if format == RootsFormat::Csv {
        // A table of roots has no place for these.
        for finding in &report.findings {
            warn(&format!("{}: {}", finding.code, finding.message));
        }
    }
    Ok(report.verdict)
}

/// What is asked, as far as its text and the files it names tell.
struct Question {
    text: String,
    kind: QueryKind,
    meaning: Meaning,
}

enum Meaning {
    /// From a file, or a thumbprint.
    Wanted(Vec<Wanted>),
    /// A name, unless no root answers to it.
    Name {
        pattern: NamePattern,
        /// What else it may be.
        otherwise: Option<Otherwise>,
    },
}

/// What a text is that no root's name answers to.
enum Otherwise {
    /// A thumbprint that is too long or too short.
    Digits { octets: Vec<u8>, digits: usize },
    /// A path without a file.
    Path,
}

impl Question {
    fn of(args: &RootsArgs) -> Result<Option<Self>, CliError> {
        if args.query.is_empty() {
            return Ok(None);
        }
        let text = args.query.join(" ");
        let is_file = |text: &str| Path::new(text).is_file();
        if text == "-" || is_file(&text) {
            let wanted = asked_by_file(&text, args)?;
            return Ok(Some(Self { text, kind: QueryKind::File, meaning: Meaning::Wanted(wanted) }));
        }
        if args.query.len() > 1
            && let Some(file) = args.query.iter().find(|word| is_file(word))
        {
            return Err(CliError::new(format!("{file} is a file: ask for one file at a time")));
        }
        let otherwise = match Reading::of(&text) {
            Reading::Thumbprint(thumbprint) => {
                let meaning = Meaning::Wanted(vec![Wanted::Thumbprint(thumbprint)]);
                return Ok(Some(Self { text, kind: QueryKind::Thumbprint, meaning }));
            }
            Reading::OfAnotherLength { digits, is_marked: true, .. } => return Err(of_another_length(digits)),
            Reading::OfAnotherLength { octets, digits, is_marked: false } => Some(Otherwise::Digits { octets, digits }),
            Reading::Other if is_named_as_file(&text) => {
                return Err(CliError::new(format!("there is no file {text}: check the path")));
            }
            Reading::Other => text.contains(['/', '\\']).then_some(Otherwise::Path),
        };
        let pattern = NamePattern::of(&text).ok_or_else(|| {
            CliError::new("nothing to look for: give a part of a root's name, a thumbprint, or a file of certificates")
        })?;
        Ok(Some(Self { text, kind: QueryKind::Name, meaning: Meaning::Name { pattern, otherwise } }))
    }

    fn answers(&self, store: &TrustStore, list: &TrustStore, at: Timestamp) -> Result<Vec<Answer>, CliError> {
        let answer = |wanted: &Wanted| presence::answer_with(wanted.clone(), store, list, at);
        let (pattern, otherwise) = match &self.meaning {
            Meaning::Name { pattern, otherwise } => (pattern, otherwise),
            Meaning::Wanted(wanted) => {
                let answers: Vec<Answer> = wanted.iter().map(answer).collect();
                for answer in answers.iter().filter(|answer| answer.presence == Presence::Absent) {
                    self.is_a_question(answer, store)?;
                }
                return Ok(answers);
            }
        };
        let answer = answer(&Wanted::Name(pattern.clone()));
        match otherwise {
            Some(Otherwise::Digits { octets, digits }) if answer.presence == Presence::Absent => {
                Err(another_number(&self.text, octets, store).unwrap_or_else(|| of_another_length(*digits)))
            }
            Some(Otherwise::Path) if answer.presence == Presence::Absent => Err(no_such_file(&self.text)),
            _ => Ok(vec![answer]),
        }
    }

    /// Whether "absent" is an answer: not to a number that is no thumbprint, nor to a certificate whose issuer may well
    /// be an intermediate.
    fn is_a_question(&self, answer: &Answer, store: &TrustStore) -> Result<(), CliError> {
        let error = match &answer.wanted {
            Wanted::Thumbprint(presence::Thumbprint::Sha1(octets)) => another_number(&self.text, octets, store),
            Wanted::IssuerOf(certificate) if !certificate.is_ca() => Some(CliError::new(format!(
                "{} holds no root and no CA: {} was issued by {}, which is no root of the store and may be an \
                 intermediate; give the root's certificate, or judge the chain with certflight check {}",
                self.text,
                certificate.subject.short(),
                certificate.issuer.short(),
                self.text
            ))),
            _ => None,
        };
        error.map_or(Ok(()), Err)
    }
}

/// Every root in the file, else those above it. What does not decode could be the root that is meant, so that it ends
/// the question.
fn asked_by_file(name: &str, args: &RootsArgs) -> Result<Vec<Wanted>, CliError> {
    let password = args.password_file.as_deref().map(resolve::password).transpose()?;
    let presented = resolve::presented_in(name, password.as_ref())?;
    let decoded = presented.into_iter().map(|certificate| match certificate {
        PresentedCertificate::Decoded(certificate) => Ok(certificate),
        // The store takes anchors whose extensions do not decode, so that they can be asked for.
        PresentedCertificate::Malformed { der, .. } => Certificate::anchor_from_der(der)
            .map(Arc::new)
            .map_err(|error| CliError::new(format!("a certificate in {name} does not decode: {error}"))),
    });
    let decoded: Vec<Arc<Certificate>> = decoded.collect::<Result<_, _>>()?;
    let wanted = presence::wanted_by(&decoded);
    if wanted.is_empty() {
        return Err(CliError::new(format!("{name} asks for no root: its certificates issued each other")));
    }
    Ok(wanted)
}

/// Whether a text ends as files of certificates do.
fn is_named_as_file(text: &str) -> bool {
    const ENDINGS: [&str; 9] = ["pem", "crt", "cer", "der", "p7b", "p7c", "p12", "pfx", "cert"];
    let ending = Path::new(text).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn no_such_file(text: &str) -> CliError {
    CliError::new(format!("there is no file {text}, and no root has that in its subject"))
}

fn of_another_length(digits: usize) -> CliError {
    CliError::new(format!(
        "{digits} hexadecimal digits are no thumbprint: SHA-1 has 40, SHA-256 has 64; check that all of it was copied"
    ))
}

/// Said of digits that a root has elsewhere.
fn another_number(text: &str, octets: &[u8], store: &TrustStore) -> Option<CliError> {
    let (what, root) = presence::another_number(octets, store)?;
    Some(CliError::new(format!(
        "{text} is no thumbprint, but the {what} of {}: ask for its thumbprint, SHA-256 {}",
        root.subject.short(),
        root.sha256
    )))
}
