//! Enumerates candidate paths: by name, then key identifier, then signature (RFC 4158 §3).

use std::cmp::Reverse;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::constraints::{Comparisons, Exhausted};
use super::graph::{Graph, Place};
use super::{
    Candidate, CertificationPath, Defect, DefectKind, PathJudge, PathSearch, Pool, Question, TrustStore, validator,
};
use crate::x509::Certificate;
use crate::x509::extensions::oid;

/// Steps that the enumeration may take.
const MAX_STEPS: usize = 50_000;
/// Paths to no trust anchor that are judged; past the first few they say nothing new.
const MAX_UNTRUSTED: usize = 8;
/// Paths to a trust anchor that are judged although a fault showed on the way.
const MAX_FAULTY: usize = 64;
/// What looking at a CA's constraints counts for, in steps.
const COSTLY_STEP: usize = 20;

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
    others.truncate(MAX_UNTRUSTED);
    if trusted.is_empty() && others.is_empty() {
        others.push(vec![0]);
    }

    let judging = Judging { graph: &graph, question, judge };
    let mut ranked: Vec<(Nearness, CertificationPath, Vec<Place>)> = Vec::new();
    let mut valid = 0;
    for places in trusted {
        if valid >= question.max_paths.saturating_mul(2) {
            break;
        }
        let path = judging.path(&places, true);
        valid += usize::from(path.judgement.valid);
        ranked.push((Nearness::of(&path, true), path, places));
    }
    for places in others {
        let (path, has_root) = (judging.path(&places, false), enumeration.ends_in_root(&places));
        ranked.push((Nearness::of(&path, has_root), path, places));
    }
    ranked.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    ranked.truncate(question.max_paths.max(1));
    for (_, path, places) in &mut ranked {
        path.judgement.webpki = judging.second_opinion(path, places);
    }
    let is_exhausted = graph.is_exhausted || enumeration.is_exhausted;
    let mut paths: Vec<CertificationPath> = ranked.into_iter().map(|(_, path, _)| path).collect();
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

/// Puts paths of the graph to the judge.
struct Judging<'a> {
    graph: &'a Graph<'a>,
    question: &'a Question,
    judge: &'a dyn PathJudge,
}

impl Judging<'_> {
    fn path(&self, places: &[Place], trusted: bool) -> CertificationPath {
        let nodes = places.iter().filter_map(|place| self.graph.node(*place));
        let certificates: Vec<Arc<Certificate>> = nodes.map(|node| Arc::clone(&node.certificate)).collect();
        let links = self.graph.links(places);
        let candidate = Candidate { certificates: &certificates, trusted, links: &links };
        let judgement = self.judge.judge(&candidate, self.question);
        CertificationPath { certificates, trusted, judgement }
    }

    fn second_opinion(&self, path: &CertificationPath, places: &[Place]) -> String {
        let links = self.graph.links(places);
        let candidate = Candidate { certificates: &path.certificates, trusted: path.trusted, links: &links };
        self.judge.second_opinion(&candidate, self.question)
    }
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

impl Nearness {
    fn of(path: &CertificationPath, has_root: bool) -> Self {
        Self {
            is_invalid: !path.judgement.valid,
            is_untrusted: !path.trusted,
            has_no_root: !has_root,
            defects: path.judgement.defects.len(),
            length: path.certificates.len(),
            expiry: Reverse(path.earliest_expiry()),
        }
    }
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
    max_judged: usize,
    max_length: usize,
    /// Steps from each certificate to the nearest anchor.
    distances: Vec<Option<usize>>,
    steps_left: usize,
    /// What may still be spent on name constraints.
    comparisons: Comparisons,
    is_exhausted: bool,
    /// Whether a path to no trust anchor was longer than is looked for.
    is_cut: bool,
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
            max_judged: question.max_judged,
            max_length: question.max_length,
            distances,
            steps_left: MAX_STEPS,
            comparisons: Comparisons::for_a_search(),
            is_exhausted: false,
            is_cut: false,
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

    /// Paths to trust anchors: first those without a fault that shows on the way, then a few of the others, of each
    /// the shortest first. A multitude of faulty ones so never hides a sound one.
    fn trusted(&mut self) -> Vec<Vec<Place>> {
        let mut found = Vec::new();
        for length in 1..=self.max_length {
            self.walk(&mut vec![0], Goal::SoundAnchor { length }, self.max_judged, &mut found);
        }
        let (sound, was_exhausted) = (found.len(), self.is_exhausted);
        let enough = sound.saturating_add(MAX_FAULTY.min(self.max_judged));
        self.steps_left = MAX_STEPS;
        let known: HashSet<Vec<Place>> = found.iter().cloned().collect();
        let mut all = Vec::new();
        for length in 1..=self.max_length {
            self.walk(&mut vec![0], Goal::Anchor { length }, enough, &mut all);
        }
        // That some of the faulty ones are left out says nothing about whether there is a valid one.
        self.is_exhausted = was_exhausted;
        found.extend(all.into_iter().filter(|path| !known.contains(path)));
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
        self.walk(&mut vec![0], Goal::End, MAX_UNTRUSTED.saturating_mul(4), &mut found);
        self.is_exhausted = is_exhausted;
        if found.is_empty() && self.is_cut {
            self.is_exhausted = true;
        }
        found
    }

    fn walk(&mut self, path: &mut Vec<Place>, goal: Goal, enough: usize, found: &mut Vec<Vec<Place>>) {
        let Some((place, node)) = path.last().and_then(|place| Some((*place, self.graph.node(*place)?))) else {
            return;
        };
        if found.len() >= enough || self.steps_left == 0 {
            self.is_exhausted = true;
            return;
        }
        self.steps_left -= 1;
        if let Goal::Anchor { length } | Goal::SoundAnchor { length } = goal
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
            if is_circle {
                continue;
            }
            if path.len() >= self.max_length {
                // It would go on, so its end here is not one.
                self.is_cut |= goal == Goal::End;
                is_end = false;
                continue;
            }
            is_end = false;
            if let Goal::Anchor { length } | Goal::SoundAnchor { length } = goal {
                let distance = self.distances.get(*issuer).copied().flatten();
                if distance.is_none_or(|distance| path.len() + 1 + distance > length) {
                    continue;
                }
            }
            if matches!(goal, Goal::SoundAnchor { .. }) && !(node.is_verified && self.is_sound(path, *issuer)) {
                continue;
            }
            path.push(*issuer);
            self.walk(path, goal, enough, found);
            path.pop();
        }
        if is_end && goal == Goal::End && !node.is_anchor {
            found.push(path.clone());
        }
    }

    /// Whether a path may be continued by this issuer, as far as can be told before its top is known.
    fn is_sound(&mut self, path: &[Place], issuer: Place) -> bool {
        let Some(above) = self.graph.node(issuer).filter(|above| !above.is_unfit) else { return false };
        if above.certificate.extension(oid::NAME_CONSTRAINTS).is_none()
            && above.certificate.basic_constraints.is_none_or(|basic| basic.path_len_constraint.is_none())
        {
            return true;
        }
        self.steps_left = self.steps_left.saturating_sub(COSTLY_STEP);
        let below = path.iter().filter_map(|place| self.graph.node(*place));
        let below: Vec<Arc<Certificate>> = below.map(|node| Arc::clone(&node.certificate)).collect();
        match validator::may_stand_above(&below, &above.certificate, above.is_anchor, &mut self.comparisons) {
            Ok(may) => may,
            Err(Exhausted) => {
                self.is_exhausted = true;
                false
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// An anchor, in a path of exactly that many certificates.
    Anchor { length: usize },
    /// The same, and nothing on the way that makes the path invalid whatever its top is.
    SoundAnchor { length: usize },
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
