//! Policies by hand, and against the tree that RFC 5280 describes.

use proptest::prelude::*;

use super::*;
use crate::x509::policies::PolicyConstraints;

fn certificate(policies: &[&str]) -> PolicyExtensions {
    let policies = policies.iter().map(|policy| (*policy).to_owned()).collect();
    PolicyExtensions { policies: Some(policies), ..PolicyExtensions::default() }
}

fn mapping(mut extensions: PolicyExtensions, pairs: &[(&str, &str)]) -> PolicyExtensions {
    let pairs = pairs.iter().map(|(issuer, subject)| ((*issuer).to_owned(), (*subject).to_owned()));
    extensions.mappings = Some(pairs.collect());
    extensions
}

fn inputs(initial: &[&str]) -> PolicyInputs {
    let initial = initial.iter().map(|policy| (*policy).to_owned()).collect();
    PolicyInputs { initial, explicit_policy: true, ..PolicyInputs::default() }
}

fn left(chain: &[PolicyExtensions], inputs: &PolicyInputs) -> bool {
    let chain: Vec<_> = chain.iter().map(|extensions| (extensions.clone(), false)).collect();
    is_left(&chain, inputs)
}

/// Whether a path of these extensions, from the top downwards, each with whether the certificate is self-issued, is
/// left with a policy.
fn is_left(chain: &[(PolicyExtensions, bool)], inputs: &PolicyInputs) -> bool {
    let links = chain.iter().enumerate().rev().map(|(index, (extensions, self_issued))| {
        let place = chain.len() - 1 - index;
        (place, Ok(extensions.clone()), *self_issued)
    });
    let mut links: Vec<_> = links.collect();
    links.reverse();
    faults_of(links.into_iter(), chain.len(), inputs).is_empty()
}

#[test]
fn a_policy_must_stand_in_every_certificate() {
    assert!(left(&[certificate(&["1", "2"]), certificate(&["1"])], &inputs(&[])));
    assert!(left(&[certificate(&["1", "2"]), certificate(&["1"])], &inputs(&["1"])));
    assert!(!left(&[certificate(&["1", "2"]), certificate(&["1"])], &inputs(&["2"])));
    assert!(!left(&[certificate(&["1"]), certificate(&["2"])], &inputs(&[])));
    assert!(!left(&[PolicyExtensions::default(), certificate(&["2"])], &inputs(&[])));
    let not_required = PolicyInputs::default();
    assert!(left(&[certificate(&["1"]), PolicyExtensions::default()], &not_required));
}

#[test]
fn any_policy_stands_for_all_unless_inhibited() {
    let chain = [certificate(&[ANY_POLICY]), certificate(&["1"])];
    assert!(left(&chain, &inputs(&["1"])) && !left(&chain, &inputs(&["2"])));
    let chain = [certificate(&["1"]), certificate(&[ANY_POLICY])];
    assert!(left(&chain, &inputs(&["1"])) && !left(&chain, &inputs(&["2"])));
    assert!(left(&[certificate(&[ANY_POLICY]), certificate(&[ANY_POLICY])], &inputs(&["7"])));
    let inhibited = PolicyInputs { inhibit_any_policy: true, ..inputs(&[]) };
    assert!(!left(&chain, &inhibited));
    let mut from_the_leaf_on = certificate(&["1"]);
    from_the_leaf_on.inhibit_any_policy = Some(0);
    assert!(!left(&[from_the_leaf_on.clone(), certificate(&[ANY_POLICY])], &inputs(&[])));
    from_the_leaf_on.inhibit_any_policy = Some(1);
    assert!(left(&[from_the_leaf_on, certificate(&[ANY_POLICY])], &inputs(&[])));
}

#[test]
fn mappings_translate_and_can_be_inhibited() {
    let chain = [mapping(certificate(&["1"]), &[("1", "2")]), certificate(&["2"])];
    assert!(left(&chain, &inputs(&["1"])) && !left(&chain, &inputs(&["2"])));
    let inhibited = PolicyInputs { inhibit_policy_mapping: true, ..inputs(&[]) };
    assert!(!left(&chain, &inhibited));
    let through_any = [mapping(certificate(&[ANY_POLICY]), &[("1", "2")]), certificate(&["2"])];
    assert!(left(&through_any, &inputs(&["1"])) && !left(&through_any, &inputs(&["2"])));
    let to_two = [mapping(certificate(&["1"]), &[("1", "2"), ("1", "3")]), certificate(&["3"])];
    assert!(left(&to_two, &inputs(&["1"])));
}

#[test]
fn many_mappings_stay_small() {
    // Every level maps every policy to every other one: a tree of 20^8 leaves.
    let names: Vec<String> = (1..=20).map(|number| format!("1.{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let pairs: Vec<(&str, &str)> = names.iter().flat_map(|one| names.iter().map(move |two| (*one, *two))).collect();
    let mut chain = vec![mapping(certificate(&names), &pairs); 8];
    chain.push(certificate(&["1.7"]));
    assert!(left(&chain, &inputs(&["1.3"])) && !left(&chain, &inputs(&["1.21"])));
}

/// `valid_policy_tree` as RFC 5280 §6.1 describes it, node by node: slow, and written from the text alone.
struct Tree {
    nodes: Vec<TreeNode>,
}

struct TreeNode {
    depth: usize,
    parent: Option<usize>,
    valid_policy: String,
    expected: BTreeSet<String>,
    deleted: bool,
}

impl Tree {
    fn new() -> Self {
        let any = ANY_POLICY.to_owned();
        let root = TreeNode {
            depth: 0,
            parent: None,
            valid_policy: any.clone(),
            expected: BTreeSet::from([any]),
            deleted: false,
        };
        Self { nodes: vec![root] }
    }

    fn at(&self, depth: usize) -> Vec<usize> {
        (0..self.nodes.len()).filter(|index| !self.nodes[*index].deleted && self.nodes[*index].depth == depth).collect()
    }

    fn children(&self, parent: usize) -> Vec<usize> {
        (0..self.nodes.len()).filter(|it| !self.nodes[*it].deleted && self.nodes[*it].parent == Some(parent)).collect()
    }

    fn add(&mut self, parent: usize, policy: &str, expected: BTreeSet<String>) {
        let depth = self.nodes[parent].depth + 1;
        let valid_policy = policy.to_owned();
        self.nodes.push(TreeNode { depth, parent: Some(parent), valid_policy, expected, deleted: false });
    }

    fn delete(&mut self, node: usize) {
        self.nodes[node].deleted = true;
        for child in self.children(node) {
            self.delete(child);
        }
    }

    /// Nodes of that depth or less without children.
    fn prune(&mut self, depth: usize) {
        for depth in (0..=depth).rev() {
            for node in self.at(depth) {
                if self.children(node).is_empty() {
                    self.nodes[node].deleted = true;
                }
            }
        }
    }

    fn is_null(&self) -> bool {
        self.nodes[0].deleted
    }

    fn is_any(&self, node: usize) -> bool {
        self.nodes[node].valid_policy == ANY_POLICY
    }
}

/// The whole of RFC 5280 §6.1 as far as it is about policies.
fn by_the_letter(chain: &[(PolicyExtensions, bool)], inputs: &PolicyInputs) -> bool {
    let n = chain.len();
    let mut tree = Some(Tree::new());
    let start = |inhibited: bool| if inhibited { 0 } else { n + 1 };
    let (mut explicit, mut any_inhibit, mut mapping) =
        (start(inputs.explicit_policy), start(inputs.inhibit_any_policy), start(inputs.inhibit_policy_mapping));
    for (index, (extensions, self_issued)) in chain.iter().enumerate() {
        let i = index + 1;
        match (&extensions.policies, tree.take()) {
            (Some(policies), Some(mut tree_now)) => {
                for policy in policies.iter().filter(|policy| *policy != ANY_POLICY) {
                    let matching: Vec<usize> = tree_now
                        .at(i - 1)
                        .into_iter()
                        .filter(|it| tree_now.nodes[*it].expected.contains(policy))
                        .collect();
                    let parents = if matching.is_empty() {
                        tree_now.at(i - 1).into_iter().filter(|it| tree_now.is_any(*it)).collect()
                    } else {
                        matching
                    };
                    for parent in parents {
                        tree_now.add(parent, policy, BTreeSet::from([policy.clone()]));
                    }
                }
                let has_any = policies.iter().any(|policy| policy == ANY_POLICY);
                if has_any && (any_inhibit > 0 || (i < n && *self_issued)) {
                    for parent in tree_now.at(i - 1) {
                        for expected in tree_now.nodes[parent].expected.clone() {
                            let there = tree_now.children(parent);
                            if !there.iter().any(|child| tree_now.nodes[*child].valid_policy == expected) {
                                tree_now.add(parent, &expected, BTreeSet::from([expected.clone()]));
                            }
                        }
                    }
                }
                tree_now.prune(i - 1);
                tree = (!tree_now.is_null()).then_some(tree_now);
            }
            _ => tree = None,
        }
        if explicit == 0 && tree.is_none() {
            return false;
        }
        let constraints = extensions.constraints.unwrap_or_default();
        if i < n {
            let mut by_issuer: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
            for (issuer, subject) in extensions.mappings.iter().flatten() {
                if issuer == ANY_POLICY || subject == ANY_POLICY {
                    return false;
                }
                by_issuer.entry(issuer).or_default().insert(subject.clone());
            }
            if let Some(mut tree_now) = tree.take() {
                for (issuer, subjects) in by_issuer {
                    let mapped: Vec<usize> =
                        tree_now.at(i).into_iter().filter(|it| tree_now.nodes[*it].valid_policy == issuer).collect();
                    if mapping == 0 {
                        mapped.iter().for_each(|node| tree_now.delete(*node));
                        tree_now.prune(i - 1);
                    } else if mapped.is_empty() {
                        if tree_now.at(i).into_iter().any(|it| tree_now.is_any(it)) {
                            let above = tree_now.at(i - 1).into_iter().find(|it| tree_now.is_any(*it)).unwrap();
                            tree_now.add(above, issuer, subjects);
                        }
                    } else {
                        for node in mapped {
                            tree_now.nodes[node].expected = subjects.clone();
                        }
                    }
                }
                tree = (!tree_now.is_null()).then_some(tree_now);
            }
            if !self_issued {
                explicit = explicit.saturating_sub(1);
                mapping = mapping.saturating_sub(1);
                any_inhibit = any_inhibit.saturating_sub(1);
            }
            let lowered = |value: usize, skip: Option<u32>| skip.map_or(value, |skip| value.min(skip as usize));
            explicit = lowered(explicit, constraints.require_explicit_policy);
            mapping = lowered(mapping, constraints.inhibit_policy_mapping);
            any_inhibit = lowered(any_inhibit, extensions.inhibit_any_policy);
        } else {
            explicit = explicit.saturating_sub(1);
            if constraints.require_explicit_policy == Some(0) {
                explicit = 0;
            }
        }
    }
    if let (Some(tree_now), false) = (&mut tree, inputs.accepts_any()) {
        let below_any = |tree: &Tree, node: usize| tree.nodes[node].parent.is_some_and(|parent| tree.is_any(parent));
        let node_set: Vec<usize> =
            (0..tree_now.nodes.len()).filter(|it| !tree_now.nodes[*it].deleted && below_any(tree_now, *it)).collect();
        let in_set: BTreeSet<String> = node_set.iter().map(|it| tree_now.nodes[*it].valid_policy.clone()).collect();
        for node in node_set {
            let policy = &tree_now.nodes[node].valid_policy;
            if policy != ANY_POLICY && !inputs.initial.contains(policy) {
                tree_now.delete(node);
            }
        }
        if let Some(last) = tree_now.at(n).into_iter().find(|it| tree_now.is_any(*it)) {
            let parent = tree_now.nodes[last].parent.unwrap();
            for policy in inputs.initial.iter().filter(|policy| !in_set.contains(*policy)) {
                tree_now.add(parent, policy, BTreeSet::from([policy.clone()]));
            }
            tree_now.delete(last);
        }
        tree_now.prune(n - 1);
        if tree_now.is_null() {
            tree = None;
        }
    }
    explicit > 0 || tree.is_some()
}

/// One of a few policies, so that they meet.
fn policy() -> impl Strategy<Value = String> {
    prop_oneof![4 => (1..=4u8).prop_map(|number| format!("1.2.{number}")), 1 => Just(ANY_POLICY.to_owned())]
}

fn extensions() -> impl Strategy<Value = (PolicyExtensions, bool)> {
    let policies = prop_oneof![9 => prop::collection::vec(policy(), 1..5).prop_map(Some), 1 => Just(None)];
    let mappings = prop_oneof![
        1 => Just(None),
        1 => prop::collection::vec((1..=4u8, 1..=4u8), 1..4).prop_map(|pairs| {
            Some(pairs.into_iter().map(|(from, to)| (format!("1.2.{from}"), format!("1.2.{to}"))).collect())
        }),
    ];
    let skip = || prop_oneof![3 => Just(None), 1 => (0..4u32).prop_map(Some)];
    (policies, mappings, skip(), skip(), skip(), prop::bool::weighted(0.2)).prop_map(
        |(policies, mappings, require_explicit_policy, inhibit_policy_mapping, inhibit_any_policy, self_issued)| {
            let constraints = Some(PolicyConstraints { require_explicit_policy, inhibit_policy_mapping });
            (PolicyExtensions { policies, mappings, constraints, inhibit_any_policy }, self_issued)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_graph_says_what_the_tree_says(
        chain in prop::collection::vec(extensions(), 1..5),
        initial in prop::collection::btree_set(policy(), 0..3),
        explicit_policy: bool,
        inhibit_policy_mapping in prop::bool::weighted(0.2),
        inhibit_any_policy in prop::bool::weighted(0.2),
    ) {
        let inputs = PolicyInputs { initial, explicit_policy, inhibit_policy_mapping, inhibit_any_policy };
        prop_assert_eq!(is_left(&chain, &inputs), by_the_letter(&chain, &inputs));
    }
}
