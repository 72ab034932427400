//! The narrow interface behind which paths are judged, and the judge behind it.

use std::sync::Arc;

use super::{Defect, Question, validator, webpki};
use crate::x509::{Certificate, SignatureError};

/// One path to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// From the leaf to the trust anchor, or as far up as issuers were found when not `trusted`.
    pub certificates: &'a [Arc<Certificate>],
    /// Whether the last is a trust anchor.
    pub trusted: bool,
    /// How the signature of each certificate comes out with the key of the next one.
    pub links: &'a [Result<(), SignatureError>],
}

/// What is said of one path.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// Whether it is valid by RFC 5280 and the rules of a TLS client (revocation and host name aside).
    pub valid: bool,
    /// rustls-webpki's word: `ok`, or its reason; empty where it was not asked.
    pub webpki: String,
    /// Every rule found broken, most to the point first; empty when valid.
    pub defects: Vec<Defect>,
}

/// Judges one candidate path.
pub trait PathJudge: Send + Sync {
    /// Every rule that the path breaks.
    fn judge(&self, candidate: &Candidate<'_>, question: &Question) -> Judgement;

    /// What another verifier says of it, asked for the paths that are kept.
    fn second_opinion(&self, candidate: &Candidate<'_>, question: &Question) -> String;
}

/// [`validator`] decides, rustls-webpki is heard beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct StandardJudge;

impl PathJudge for StandardJudge {
    fn judge(&self, candidate: &Candidate<'_>, question: &Question) -> Judgement {
        let defects = validator::defects(candidate, question);
        Judgement { valid: candidate.trusted && defects.is_empty(), webpki: String::new(), defects }
    }

    fn second_opinion(&self, candidate: &Candidate<'_>, question: &Question) -> String {
        webpki::opinion(candidate.certificates, candidate.trusted, question)
    }
}
