//! Certificate policies along a path (RFC 5280 §6.1.2 to §6.1.5).
//!
//! Input: the path's policy extensions from the top downwards, the policies the user wants. Output: the first
//! certificate at which an explicit policy is required and none is left.
//!
//! The RFC describes a tree, in which mappings can double the nodes at every level. All nodes of one level
//! with the same `valid_policy` have the same `expected_policy_set`, so that they are one node here, with
//! several parents: what is left at the end is the same, and its size is bounded by the extensions' own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::PolicyInputs;
use crate::x509::Certificate;
use crate::x509::policies::{ANY_POLICY, PolicyExtensions};

/// What is wrong with the policies of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyFault {
    /// A policy extension does not decode.
    Malformed {
        /// Its name.
        extension: &'static str,
    },
    /// `anyPolicy` is mapped (RFC 5280 §6.1.4 (a)).
    AnyPolicyMapped,
    /// An explicit policy is required, and no policy is valid for the path down to here (RFC 5280 §6.1.3 (f)).
    NoneLeft,
    /// An explicit policy is required, and none of those that are valid for the path is one the user wants
    /// (RFC 5280 §6.1.5 (g)).
    NoneWanted {
        /// What is valid, as dotted OIDs.
        valid: Vec<String>,
    },
}

/// Every fault, each with the place in `path` (0 is the leaf) of the certificate where it shows. The last
/// certificate of the path is left out when it is the trust anchor (`trusted`).
pub(super) fn faults(path: &[Arc<Certificate>], trusted: bool, inputs: &PolicyInputs) -> Vec<(usize, PolicyFault)> {
    let length = path.len().saturating_sub(usize::from(trusted));
    let links = path.iter().enumerate().take(length).rev();
    let links = links.map(|(place, it)| (place, PolicyExtensions::of(it), it.is_self_issued()));
    faults_of(links, length, inputs)
}

/// The same of what matters of each certificate, from the top downwards: its place, its policy extensions and
/// whether it is self-issued.
fn faults_of(
    links: impl Iterator<Item = (usize, Result<PolicyExtensions, &'static str>, bool)>,
    length: usize,
    inputs: &PolicyInputs,
) -> Vec<(usize, PolicyFault)> {
    let mut found: Vec<(usize, PolicyFault)> = Vec::new();
    let mut state = State::new(length, inputs);
    let mut none_left = false;
    for (place, extensions, self_issued) in links {
        let extensions = extensions.unwrap_or_else(|extension| {
            found.push((place, PolicyFault::Malformed { extension }));
            PolicyExtensions::default()
        });
        let is_final = place == 0;
        state.take_policies(&extensions, is_final, self_issued);
        if !none_left && state.explicit_policy == 0 && state.graph.is_none() {
            none_left = true;
            found.push((place, PolicyFault::NoneLeft));
        }
        if is_final {
            state.wrap_up(&extensions);
            let required = !none_left && state.explicit_policy == 0;
            match &state.graph {
                None if required => found.push((place, PolicyFault::NoneLeft)),
                Some(graph) if required && !graph.satisfies(inputs) => {
                    found.push((place, PolicyFault::NoneWanted { valid: graph.valid() }));
                }
                _ => {}
            }
        } else if state.prepare_next(&extensions, self_issued).is_err() {
            found.push((place, PolicyFault::AnyPolicyMapped));
        }
    }
    found
}

/// The state variables of RFC 5280 §6.1.2 that are about policies.
struct State {
    graph: Option<Graph>,
    explicit_policy: usize,
    inhibit_any_policy: usize,
    policy_mapping: usize,
}

impl State {
    fn new(length: usize, inputs: &PolicyInputs) -> Self {
        let unless = |inhibited: bool| if inhibited { 0 } else { length.saturating_add(1) };
        Self {
            graph: Some(Graph::new()),
            explicit_policy: unless(inputs.explicit_policy),
            inhibit_any_policy: unless(inputs.inhibit_any_policy),
            policy_mapping: unless(inputs.inhibit_policy_mapping),
        }
    }

    /// §6.1.3 (d) and (e)
    fn take_policies(&mut self, extensions: &PolicyExtensions, is_final: bool, self_issued: bool) {
        let Some(policies) = &extensions.policies else {
            self.graph = None;
            return;
        };
        let any_counts = self.inhibit_any_policy > 0 || (!is_final && self_issued);
        if let Some(graph) = &mut self.graph {
            graph.descend(policies, any_counts);
            if graph.is_empty() {
                self.graph = None;
            }
        }
    }

    /// §6.1.4 (a), (b), (h), (i), (j)
    fn prepare_next(&mut self, extensions: &PolicyExtensions, self_issued: bool) -> Result<(), ()> {
        let mappings = extensions.mappings.as_deref().unwrap_or_default();
        let any_is_mapped = mappings.iter().any(|(issuer, subject)| issuer == ANY_POLICY || subject == ANY_POLICY);
        if let Some(graph) = &mut self.graph {
            graph.map(mappings, self.policy_mapping > 0);
            if graph.is_empty() {
                self.graph = None;
            }
        }
        if !self_issued {
            for counter in [&mut self.explicit_policy, &mut self.policy_mapping, &mut self.inhibit_any_policy] {
                *counter = counter.saturating_sub(1);
            }
        }
        let lower = |counter: &mut usize, skip: Option<u32>| {
            let skip = skip.and_then(|skip| usize::try_from(skip).ok());
            *counter = skip.map_or(*counter, |skip| skip.min(*counter));
        };
        let constraints = extensions.constraints.unwrap_or_default();
        lower(&mut self.explicit_policy, constraints.require_explicit_policy);
        lower(&mut self.policy_mapping, constraints.inhibit_policy_mapping);
        lower(&mut self.inhibit_any_policy, extensions.inhibit_any_policy);
        if any_is_mapped { Err(()) } else { Ok(()) }
    }

    /// §6.1.5 (a) and (b)
    fn wrap_up(&mut self, extensions: &PolicyExtensions) {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        if extensions.constraints.unwrap_or_default().require_explicit_policy == Some(0) {
            self.explicit_policy = 0;
        }
    }
}

/// A node of `valid_policy_tree`, for all those of its level with the same `valid_policy`.
#[derive(Default)]
struct Node {
    /// `expected_policy_set`
    expected: BTreeSet<String>,
    /// `valid_policy` of its parents in the level above.
    parents: BTreeSet<String>,
}

impl Node {
    fn new(policy: &str) -> Self {
        Self { expected: BTreeSet::from([policy.to_owned()]), parents: BTreeSet::new() }
    }
}

/// `valid_policy_tree`: its levels from the root downwards, each by `valid_policy`.
struct Graph {
    levels: Vec<BTreeMap<String, Node>>,
}

impl Graph {
    fn new() -> Self {
        Self { levels: vec![BTreeMap::from([(ANY_POLICY.to_owned(), Node::new(ANY_POLICY))])] }
    }

    fn is_empty(&self) -> bool {
        self.levels.last().is_none_or(BTreeMap::is_empty)
    }

    /// §6.1.3 (d): one level more.
    fn descend(&mut self, policies: &[String], any_counts: bool) {
        let Some(above) = self.levels.last() else { return };
        let mut by_expected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (policy, node) in above {
            for expected in &node.expected {
                by_expected.entry(expected).or_default().insert(policy);
            }
        }
        let mut level: BTreeMap<String, Node> = BTreeMap::new();
        let mut join = |policy: &str, parent: &str| {
            let node = level.entry(policy.to_owned()).or_insert_with(|| Node::new(policy));
            node.parents.insert(parent.to_owned());
        };
        for policy in policies.iter().filter(|policy| *policy != ANY_POLICY) {
            match by_expected.get(policy.as_str()) {
                Some(parents) => parents.iter().for_each(|parent| join(policy, parent)),
                None if above.contains_key(ANY_POLICY) => join(policy, ANY_POLICY),
                None => {}
            }
        }
        if any_counts && policies.iter().any(|policy| policy == ANY_POLICY) {
            for (expected, parents) in &by_expected {
                parents.iter().for_each(|parent| join(expected, parent));
            }
        }
        self.levels.push(level);
        self.prune();
    }

    /// §6.1.4 (b)
    fn map(&mut self, mappings: &[(String, String)], allowed: bool) {
        let Some((level, above)) = self.levels.split_last_mut() else { return };
        let mut subjects: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (issuer, subject) in mappings {
            subjects.entry(issuer).or_default().insert(subject.clone());
        }
        let any_above = above.last().is_some_and(|above| above.contains_key(ANY_POLICY));
        let has_any = level.contains_key(ANY_POLICY);
        for (issuer, expected) in subjects {
            if !allowed {
                level.remove(issuer);
            } else if let Some(node) = level.get_mut(issuer) {
                node.expected = expected;
            } else if has_any && any_above {
                let parents = BTreeSet::from([ANY_POLICY.to_owned()]);
                level.insert(issuer.to_owned(), Node { expected, parents });
            }
        }
        self.prune();
    }

    /// Deletes nodes without children, from below upwards.
    fn prune(&mut self) {
        let mut needed: Option<BTreeSet<String>> = None;
        for level in self.levels.iter_mut().rev() {
            if let Some(needed) = needed {
                level.retain(|policy, _| needed.contains(policy));
            }
            needed = Some(level.values().flat_map(|node| node.parents.iter().cloned()).collect());
        }
    }

    /// §6.1.5 (g): whether anything is left of the intersection with `user-initial-policy-set`.
    fn satisfies(&self, inputs: &PolicyInputs) -> bool {
        if inputs.accepts_any() {
            return !self.is_empty();
        }
        let mut acceptable: BTreeSet<&str> = BTreeSet::from([ANY_POLICY]);
        for level in self.levels.iter().skip(1) {
            let is_acceptable = |policy: &str, node: &Node| {
                node.parents.iter().any(|parent| {
                    acceptable.contains(parent.as_str())
                        // Who hangs below `anyPolicy` is in `valid_policy_node_set`, and must be wanted itself.
                        && (parent != ANY_POLICY || policy == ANY_POLICY || inputs.initial.contains(policy))
                })
            };
            acceptable = level
                .iter()
                .filter(|(policy, node)| is_acceptable(policy, node))
                .map(|(policy, _)| policy.as_str())
                .collect();
        }
        !acceptable.is_empty()
    }

    /// `valid_policy` of the lowest level, for people.
    fn valid(&self) -> Vec<String> {
        self.levels.last().into_iter().flat_map(BTreeMap::keys).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
