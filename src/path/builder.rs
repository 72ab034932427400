//! Enumerates candidate paths: by name, then key identifier, then signature (RFC 4158 §3).

use std::sync::Arc;

use super::{PathJudge, PathSearch, Pool, Question, TrustStore};
use crate::x509::Certificate;

/// Finds every path from the leaf to a trust anchor, within the question's budget.
#[must_use]
pub fn search(
    leaf: &Arc<Certificate>,
    pool: &Pool,
    store: &TrustStore,
    question: &Question,
    judge: &dyn PathJudge,
) -> PathSearch {
    let _ = (leaf, pool, store, question, judge);
    todo!()
}
