//! Who issued whom: the certificates reachable from a leaf, each joined to its possible issuers.
//!
//! Every certificate is looked at once, however many paths lead through it, so that the work is
//! bounded by the signatures to verify and not by the number of paths.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{Pool, Question, Source, TrustStore, validator};
use crate::x509::{Certificate, Fingerprint, PublicKey, SignatureError};

/// Pairs of certificate and candidate that are looked at, memoised ones included.
const MAX_PAIRS: usize = 20_000;
/// Candidates of the right name that are followed although their key does not verify, where no
/// other does: they show how near a path came.
const MAX_UNVERIFIED: usize = 2;

/// How certificates' signatures came out, for all searches with one [`Question`]. Each search pays for every one from
/// its own budget, whoever verified it, so that none depends on those before it.
#[derive(Debug, Clone, Default)]
pub struct Signatures(Arc<Mutex<Outcomes>>);

/// By certificate and key.
type Outcomes = HashMap<(Fingerprint, Bytes), Result<(), SignatureError>>;

impl Signatures {
    fn outcome(&self, certificate: &Certificate, key: &PublicKey) -> Result<(), SignatureError> {
        // A map is whole after any panic of another holder.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = known.entry((certificate.sha256, key.spki.clone()));
        outcome.or_insert_with(|| certificate.verify(key)).clone()
    }
}

/// The place of a certificate in the graph.
pub(super) type Place = usize;

/// A certificate and those above it.
pub(super) struct Node {
    pub(super) certificate: Arc<Certificate>,
    pub(super) source: Source,
    /// Whether it is in the trust store.
    pub(super) is_anchor: bool,
    /// The same number for the same subject and key: a path goes through each once (RFC 4158 §5.2).
    pub(super) identity: usize,
    /// Verified ones, best first; where there is none, the best of the others.
    pub(super) issuers: Vec<Place>,
    /// Whether the signatures of `issuers` verified.
    pub(super) is_verified: bool,
    /// Whether it signs itself.
    pub(super) is_self_signed: bool,
    /// Whether it breaks a rule wherever it stands as an issuer.
    pub(super) is_unfit: bool,
    /// Whether it may be that nobody has its issuer yet.
    pub(super) lacks_issuer: bool,
    subject_key: Vec<u8>,
}

pub(super) struct Graph<'a> {
    store: &'a TrustStore,
    question: &'a Question,
    pub(super) nodes: Vec<Node>,
    /// Whether a limit cut the work short.
    pub(super) is_exhausted: bool,
    by_fingerprint: HashMap<Fingerprint, Place>,
    by_subject: HashMap<Vec<u8>, Vec<Place>>,
    identities: HashMap<(Vec<u8>, Bytes), usize>,
    /// Subjects whose anchors are among the nodes.
    asked_of_store: HashSet<Vec<u8>>,
    /// How a certificate's signature came out with a key.
    outcomes: HashMap<(Place, Bytes), Result<(), SignatureError>>,
    signatures_left: usize,
    pairs_left: usize,
}

impl<'a> Graph<'a> {
    /// The graph above `leaf`, which stands at place 0.
    pub(super) fn above(leaf: &Arc<Certificate>, pool: &Pool, store: &'a TrustStore, question: &'a Question) -> Self {
        let mut graph = Self {
            store,
            question,
            nodes: Vec::new(),
            is_exhausted: false,
            by_fingerprint: HashMap::new(),
            by_subject: HashMap::new(),
            identities: HashMap::new(),
            asked_of_store: HashSet::new(),
            outcomes: HashMap::new(),
            signatures_left: question.signature_budget,
            pairs_left: MAX_PAIRS,
        };
        let is_anchor = store.contains(leaf);
        let source = pool.source(&leaf.sha256).unwrap_or(if is_anchor { Source::TrustStore } else { Source::Served });
        graph.add(leaf, source);
        for (certificate, source) in pool.iter() {
            graph.add(certificate, source);
        }
        graph.expand_all();
        graph
    }

    pub(super) fn node(&self, place: Place) -> Option<&Node> {
        self.nodes.get(place)
    }

    fn add(&mut self, certificate: &Arc<Certificate>, source: Source) {
        if self.by_fingerprint.contains_key(&certificate.sha256) {
            return;
        }
        let is_anchor = self.store.contains(certificate);
        // Fetched, but it need not have been.
        let source = if is_anchor && source == Source::Aia { Source::TrustStore } else { source };
        let place = self.nodes.len();
        let subject_key = certificate.subject.comparison_key();
        let next_identity = self.identities.len();
        let identity =
            *self.identities.entry((subject_key.clone(), certificate.key.spki.clone())).or_insert(next_identity);
        self.by_fingerprint.insert(certificate.sha256, place);
        self.by_subject.entry(subject_key.clone()).or_default().push(place);
        self.nodes.push(Node {
            is_unfit: validator::is_unfit_issuer(certificate, is_anchor, self.question),
            is_anchor,
            certificate: Arc::clone(certificate),
            source,
            identity,
            issuers: Vec::new(),
            is_verified: false,
            is_self_signed: false,
            lacks_issuer: false,
            subject_key,
        });
    }

    /// Depth first along the likeliest issuers, so that a budget that runs out has gone into whole paths.
    fn expand_all(&mut self) {
        let mut seen = HashSet::from([0]);
        let mut waiting = vec![0];
        while let Some(place) = waiting.pop() {
            self.expand(place);
            let issuers = self.node(place).map(|node| node.issuers.clone()).unwrap_or_default();
            waiting.extend(issuers.into_iter().rev().filter(|issuer| seen.insert(*issuer)));
        }
    }

    /// Finds the issuers of one certificate.
    fn expand(&mut self, place: Place) {
        let Some(node) = self.nodes.get(place) else { return };
        // An anchor ends every path; a leaf that is one may still have a path to another.
        if node.is_anchor && place != 0 {
            return;
        }
        let certificate = Arc::clone(&node.certificate);
        let issuer_key = certificate.issuer.comparison_key();
        let by_itself = if issuer_key == node.subject_key { self.outcome(place, place) } else { None };
        if by_itself == Some(Ok(())) {
            // Whoever has signed with its own key cannot have signed with another.
            if let Some(node) = self.nodes.get_mut(place) {
                node.is_self_signed = true;
            }
            return;
        }
        let mut found: [Vec<Place>; 3] = Default::default();
        for candidate in self.candidates(place, &certificate, issuer_key) {
            let Some(outcome) = self.outcome(place, candidate) else { break };
            let [verified, unsupported, invalid] = &mut found;
            match outcome {
                Ok(()) => verified.push(candidate),
                Err(SignatureError::Unsupported { .. }) => unsupported.push(candidate),
                Err(SignatureError::Invalid) => invalid.push(candidate),
            }
        }
        let [verified, unsupported, invalid] = found;
        let Some(node) = self.nodes.get_mut(place) else { return };
        // Its own key may be of a kind that cannot be verified with, or of another kind than the one that signed it.
        if verified.is_empty() && matches!(by_itself, Some(Err(SignatureError::Unsupported { .. }))) {
            node.is_self_signed = true;
            return;
        }
        node.is_verified = !verified.is_empty();
        node.lacks_issuer = verified.is_empty() && unsupported.is_empty();
        node.issuers = if node.is_verified {
            verified
        } else {
            unsupported.into_iter().chain(invalid).take(MAX_UNVERIFIED).collect()
        };
    }

    /// Certificates whose subject is the issuer's name, the likeliest first.
    fn candidates(&mut self, place: Place, certificate: &Certificate, issuer_key: Vec<u8>) -> Vec<Place> {
        if self.asked_of_store.insert(issuer_key.clone()) {
            for anchor in self.store.with_subject(&certificate.issuer) {
                self.add(&anchor, Source::TrustStore);
            }
        }
        let own_identity = self.node(place).map(|node| node.identity);
        let mut candidates: Vec<(Place, &Node)> = self
            .by_subject
            .get(&issuer_key)
            .into_iter()
            .flatten()
            .filter_map(|candidate| Some((*candidate, self.node(*candidate)?)))
            .filter(|(candidate, node)| *candidate != 0 && Some(node.identity) != own_identity)
            .collect();
        candidates.sort_by_cached_key(|(_, candidate)| {
            let key_identifier = &candidate.certificate.subject_key_identifier;
            let mismatch = match (&certificate.authority_key_identifier, key_identifier) {
                (Some(wanted), Some(has)) if wanted == has => 0,
                // A lying or outdated identifier does not exclude: it is a hint (RFC 4158 §3.5.12).
                (Some(_), Some(_)) => 2,
                _ => 1,
            };
            (
                candidate.is_unfit,
                mismatch,
                !candidate.is_anchor,
                std::cmp::Reverse(candidate.certificate.not_after),
                candidate.certificate.sha256,
            )
        });
        candidates.into_iter().map(|(candidate, _)| candidate).collect()
    }

    /// How the signature of `certificate` comes out with `issuer`'s key; `None` where a budget is spent.
    fn outcome(&mut self, certificate: Place, issuer: Place) -> Option<Result<(), SignatureError>> {
        let left = self.pairs_left.checked_sub(1);
        self.is_exhausted |= left.is_none();
        self.pairs_left = left?;
        let issuer_key = &self.nodes.get(issuer)?.certificate.key;
        let memo = (certificate, issuer_key.spki.clone());
        if let Some(outcome) = self.outcomes.get(&memo) {
            return Some(outcome.clone());
        }
        let left = self.signatures_left.checked_sub(1);
        self.is_exhausted |= left.is_none();
        self.signatures_left = left?;
        let outcome = self.question.signatures.outcome(&self.nodes.get(certificate)?.certificate, issuer_key);
        self.outcomes.insert(memo, outcome.clone());
        Some(outcome)
    }

    /// The outcomes along a path through the graph, each of which was asked for when it was made.
    pub(super) fn links(&self, path: &[Place]) -> Vec<Result<(), SignatureError>> {
        let link = |certificate: Place, issuer: Place| {
            let key = &self.node(issuer)?.certificate.key;
            self.outcomes.get(&(certificate, key.spki.clone())).cloned()
        };
        let pairs = path.iter().zip(path.iter().skip(1));
        pairs.map(|(certificate, issuer)| link(*certificate, *issuer).unwrap_or(Err(SignatureError::Invalid))).collect()
    }
}
