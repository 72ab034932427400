//! The narrow interface behind which paths are judged, and rustls-webpki behind it.

use std::sync::Arc;

use super::Question;
use super::defect::Defect;
use crate::x509::Certificate;

/// What is said of one path.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// Whether a client would accept it (revocation and host name aside).
    pub valid: bool,
    /// rustls-webpki's own word: `ok`, or its error.
    pub webpki: String,
    /// Every rule found broken, most to the point first; empty when valid.
    pub defects: Vec<Defect>,
}

/// Judges one candidate path.
pub trait PathJudge: Send + Sync {
    /// `path` runs from the leaf to the trust anchor, or as far up as issuers were found when not `trusted`.
    fn judge(&self, path: &[Arc<Certificate>], trusted: bool, question: &Question) -> Judgement;
}

/// rustls-webpki decides; [`super::explain`] names certificate, rule and value.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebpkiJudge;

impl PathJudge for WebpkiJudge {
    fn judge(&self, path: &[Arc<Certificate>], trusted: bool, question: &Question) -> Judgement {
        let _ = (path, trusted, question);
        todo!()
    }
}
