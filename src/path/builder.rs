//! Enumerates candidate paths: by name, then key identifier, then signature (RFC 4158 §3).

use std::cmp::Reverse;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::graph::{Graph, Place};
use super::{CertificationPath, Defect, DefectKind, PathJudge, PathSearch, Pool, Question, TrustStore};
use crate::x509::Certificate;

/// Steps that the enumeration may take.
const MAX_STEPS: usize = 50_000;
/// Paths to no trust anchor that are judged; past the first few they say nothing new.
const MAX_UNTRUSTED: usize = 8;

/// Finds every path from the leaf to a trust anchor, within the question's budget.
///
/// A trust anchor ends a path wherever it stands, be it an intermediate or the leaf itself. Paths
/// that reach none are given too, as far as they say something: those that end in another root, and
/// where nothing reaches an anchor, those that end for want of an issuer.
#[must_use]
pub fn search(
    leaf: &Arc<Certificate>,
    pool: &Pool,
    store: &TrustStore,
    question: &Question,
    judge: &dyn PathJudge,
) -> PathSearch {
    let graph = Graph::above(leaf, pool, store, question);
    let mut enumeration = Enumeration::new(&graph, question);
    let trusted = enumeration.trusted();
    let some_verified = trusted.iter().any(|path| enumeration.is_verified(path));
    let untrusted = enumeration.untrusted();
    let circles = if trusted.is_empty() { untrusted.as_slice() } else { &[] };
    let missing = missing(&graph, circles, enumeration.depths());

    let anchors: HashSet<usize> = graph.nodes.iter().filter(|node| node.is_anchor).map(|node| node.identity).collect();
    let mut others: Vec<Vec<Place>> = untrusted
        .into_iter()
        .filter(|path| {
            let Some(top) = path.last().and_then(|top| graph.node(*top)) else { return false };
            // Beside a path to an anchor, another copy of that anchor or a dead end is nobody's concern.
            let is_another_root = top.is_self_signed && !anchors.contains(&top.identity);
            !some_verified || (is_another_root && enumeration.is_verified(path))
        })
        .collect();
    others.sort_by_key(|path| (!enumeration.ends_in_root(path), path.len()));
    // One path to each top comes before second ways to the same.
    let mut tops = HashSet::new();
    let (mut others, again): (Vec<_>, Vec<_>) = others.into_iter().partition(|path| tops.insert(path.last().copied()));
    others.extend(again);
    others.truncate(MAX_UNTRUSTED.min(question.max_paths.saturating_sub(trusted.len())));
    if trusted.is_empty() && others.is_empty() {
        others.push(vec![0]);
    }

    let mut ranked: Vec<(Nearness, CertificationPath)> = trusted
        .iter()
        .map(|path| (path, true))
        .chain(others.iter().map(|path| (path, false)))
        .map(|(places, trusted)| {
            let certificates: Vec<Arc<Certificate>> = places
                .iter()
                .filter_map(|place| graph.node(*place))
                .map(|node| Arc::clone(&node.certificate))
                .collect();
            let judgement = judge.judge(&certificates, trusted, question);
            let path = CertificationPath { certificates, trusted, judgement };
            let nearness = Nearness {
                is_invalid: !path.judgement.valid,
                is_untrusted: !trusted,
                has_no_root: !trusted && !enumeration.ends_in_root(places),
                defects: path.judgement.defects.len(),
                length: path.certificates.len(),
                expiry: Reverse(path.earliest_expiry()),
            };
            (nearness, path)
        })
        .collect();
    ranked.sort_by(|(one, _), (other, _)| one.cmp(other));
    let is_exhausted = graph.is_exhausted || enumeration.is_exhausted;
    let mut paths: Vec<CertificationPath> = ranked.into_iter().map(|(_, path)| path).collect();
    if is_exhausted
        && let Some(nearest) = paths.first_mut()
        && !nearest.judgement.valid
    {
        let defect = Defect { certificate: leaf.sha256, kind: DefectKind::TooComplex };
        nearest.judgement.defects.insert(0, defect);
    }
    let mentioned: HashSet<_> =
        paths.iter().flat_map(|path| &path.certificates).map(|certificate| certificate.sha256).collect();
    let sources = graph
        .nodes
        .iter()
        .map(|node| (node.certificate.sha256, node.source))
        .filter(|(sha256, _)| mentioned.contains(sha256))
        .collect();
    PathSearch { paths, sources, missing, exhausted: is_exhausted }
}

/// What comes first: valid, then the order of [`PathSearch::paths`].
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Nearness {
    is_invalid: bool,
    is_untrusted: bool,
    has_no_root: bool,
    defects: usize,
    length: usize,
    expiry: Reverse<Option<jiff::Timestamp>>,
}

/// Certificates whose issuer nobody has, highest first: those with none, and the ends of circles.
fn missing(graph: &Graph<'_>, untrusted: &[Vec<Place>], depths: Vec<Option<usize>>) -> Vec<Arc<Certificate>> {
    let dead_ends: HashSet<Place> = untrusted.iter().filter_map(|path| path.last().copied()).collect();
    let mut missing: Vec<(Reverse<usize>, &Arc<Certificate>)> = graph
        .nodes
        .iter()
        .zip(depths)
        .enumerate()
        .filter(|(place, (node, _))| {
            !node.is_anchor && !node.is_self_signed && (node.lacks_issuer || dead_ends.contains(place))
        })
        .filter_map(|(_, (node, depth))| Some((Reverse(depth?), &node.certificate)))
        .collect();
    missing.sort_by_key(|(depth, _)| *depth);
    missing.into_iter().map(|(_, certificate)| Arc::clone(certificate)).collect()
}

/// Walks the graph from the leaf upwards.
struct Enumeration<'a> {
    graph: &'a Graph<'a>,
    max_paths: usize,
    max_length: usize,
    /// Steps from each certificate to the nearest anchor.
    distances: Vec<Option<usize>>,
    steps_left: usize,
    is_exhausted: bool,
}

impl<'a> Enumeration<'a> {
    fn new(graph: &'a Graph<'a>, question: &Question) -> Self {
        let mut below: Vec<Vec<Place>> = vec![Vec::new(); graph.nodes.len()];
        for (place, node) in graph.nodes.iter().enumerate() {
            for issuer in &node.issuers {
                if let Some(below) = below.get_mut(*issuer) {
                    below.push(place);
                }
            }
        }
        let anchors = graph.nodes.iter().enumerate().filter(|(_, node)| node.is_anchor).map(|(place, _)| place);
        let distances = breadth_first(anchors, graph.nodes.len(), |place| below.get(place).map(Vec::as_slice));
        Self {
            graph,
            max_paths: question.max_paths,
            max_length: question.max_length,
            distances,
            steps_left: MAX_STEPS,
            is_exhausted: false,
        }
    }

    /// Steps from the leaf to each certificate; `None` for those that are in no path.
    fn depths(&self) -> Vec<Option<usize>> {
        breadth_first(std::iter::once(0), self.graph.nodes.len(), |place| {
            self.graph.node(place).map(|node| node.issuers.as_slice())
        })
    }

    /// Whether every certificate's signature verified with the next one's key.
    fn is_verified(&self, path: &[Place]) -> bool {
        path.split_last().is_some_and(|(_, below)| {
            below.iter().all(|place| self.graph.node(*place).is_some_and(|node| node.is_verified))
        })
    }

    fn ends_in_root(&self, path: &[Place]) -> bool {
        path.last().and_then(|top| self.graph.node(*top)).is_some_and(|top| top.certificate.is_self_issued())
    }

    /// Paths to trust anchors, the shortest first.
    fn trusted(&mut self) -> Vec<Vec<Place>> {
        let mut found = Vec::new();
        for length in 1..=self.max_length {
            self.walk(&mut vec![0], Goal::Anchor { length }, &mut found);
        }
        // There is one, too long to be looked for.
        self.is_exhausted |= found.is_empty() && self.distances.first().is_some_and(Option::is_some);
        found
    }

    /// Paths that go up as far as they can and reach no anchor.
    fn untrusted(&mut self) -> Vec<Vec<Place>> {
        let mut found = Vec::new();
        // To leave some of these out says nothing about whether there is a valid one.
        let is_exhausted = self.is_exhausted;
        self.steps_left = MAX_STEPS;
        self.walk(&mut vec![0], Goal::End, &mut found);
        self.is_exhausted = is_exhausted;
        found
    }

    fn walk(&mut self, path: &mut Vec<Place>, goal: Goal, found: &mut Vec<Vec<Place>>) {
        let Some((place, node)) = path.last().and_then(|place| Some((*place, self.graph.node(*place)?))) else {
            return;
        };
        if found.len() >= self.max_paths || self.steps_left == 0 {
            self.is_exhausted = true;
            return;
        }
        self.steps_left -= 1;
        if let Goal::Anchor { length } = goal
            && path.len() == length
        {
            if node.is_anchor {
                found.push(path.clone());
            }
            return;
        }
        if node.is_anchor && place != 0 {
            return;
        }
        let mut is_end = true;
        for issuer in &node.issuers {
            let Some(above) = self.graph.node(*issuer) else { continue };
            let is_circle =
                path.iter().any(|below| self.graph.node(*below).is_some_and(|below| below.identity == above.identity));
            if is_circle || path.len() >= self.max_length {
                continue;
            }
            is_end = false;
            if let Goal::Anchor { length } = goal {
                let distance = self.distances.get(*issuer).copied().flatten();
                if distance.is_none_or(|distance| path.len() + 1 + distance > length) {
                    continue;
                }
            }
            path.push(*issuer);
            self.walk(path, goal, found);
            path.pop();
        }
        if is_end && goal == Goal::End && !node.is_anchor {
            found.push(path.clone());
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// An anchor, in a path of exactly that many certificates.
    Anchor { length: usize },
    /// Where no issuer follows.
    End,
}

/// Distance of every place from the nearest start.
fn breadth_first<'g>(
    starts: impl Iterator<Item = Place>,
    count: usize,
    next: impl Fn(Place) -> Option<&'g [Place]>,
) -> Vec<Option<usize>> {
    let mut distances: Vec<Option<usize>> = vec![None; count];
    let mut waiting = VecDeque::new();
    for start in starts {
        if let Some(distance) = distances.get_mut(start) {
            *distance = Some(0);
            waiting.push_back((start, 0));
        }
    }
    while let Some((place, distance)) = waiting.pop_front() {
        for neighbour in next(place).unwrap_or_default() {
            if let Some(unset @ None) = distances.get_mut(*neighbour) {
                *unset = Some(distance + 1);
                waiting.push_back((*neighbour, distance + 1));
            }
        }
    }
    distances
}
