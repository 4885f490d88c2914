//! Finds the assets that are missing if the available assets do not satisfy a policy.

use std::collections::BTreeSet;

use crate::assets::Assets;
use crate::compiled::Compiled;
use crate::meaning::Set;
use crate::node::Node;

impl Compiled {
    /// Returns the smallest sets of conditions that, added to the assets, would satisfy the policy. The conditions are
    /// indices into [`Compiled::atoms`]. At most `most` sets are returned, those with the fewest conditions first. If
    /// the policy can be satisfied in too many ways to list, only one set is returned.
    pub fn lacking(&self, assets: &Assets, most: usize) -> Vec<Set> {
        let mut found: BTreeSet<(usize, Set)> = BTreeSet::new();
        for assets in assets.by_kinds_of_locks() {
            let held = assets.satisfy_all(self.atoms());
            let is_open = |index: &usize| held.get(*index).is_none_or(Option::is_none);
            let sets: Vec<Set> = match &self.meaning {
                Some(meaning) => {
                    meaning.sets.iter().map(|way| way.iter().copied().filter(is_open).collect()).collect()
                }
                None => nearest(&self.root, &is_open).into_iter().collect(),
            };
            found.extend(sets.into_iter().map(|set| (set.len(), set)));
        }
        let mut smallest: Vec<Set> = Vec::new();
        for (_, set) in found {
            if !smallest.iter().any(|known| known.is_subset(&set)) {
                smallest.push(set);
            }
        }
        smallest.truncate(most);
        smallest
    }
}

/// Returns a small set of conditions that the assets do not satisfy and that would complete the policy. `None` if no
/// set would. The set has the fewest possible conditions if no condition occurs twice in the policy.
fn nearest(node: &Node, is_open: &impl Fn(&usize) -> bool) -> Option<Set> {
    match node {
        Node::True => Some(Set::new()),
        Node::False => None,
        Node::Atom(index) => Some(Set::from([*index]).into_iter().filter(is_open).collect()),
        Node::And(children) => {
            let sets: Option<Vec<Set>> = children.iter().map(|child| nearest(child, is_open)).collect();
            Some(sets?.into_iter().flatten().collect())
        }
        Node::Or(children) => {
            children.iter().filter_map(|(_, child)| nearest(child, is_open)).min_by_key(Set::len)
        }
        Node::Thresh(k, children) => {
            let mut sets: Vec<Set> = children.iter().filter_map(|child| nearest(child, is_open)).collect();
            sets.sort_by_key(Set::len);
            (sets.len() >= *k).then(|| sets.into_iter().take(*k).flatten().collect())
        }
    }
}
