//! Cuts a policy into the leaves of a taproot tree.
//!
//! The search starts from three cuts: one leaf, one leaf for each alternative at the top, and one leaf for each way to
//! satisfy the policy. It cuts each of them further wherever that lowers the expected weight, and returns the lightest
//! result. Each of the three searches has its own budget. A search that exhausts its budget keeps the lightest tree found so
//! far, and the report says so.

use std::collections::BTreeSet;

use crate::atom::Atom;
use crate::compiled::CompiledLeaf;
use crate::error::ErrorKind;
use crate::leaf::{Leaf, MAX_WORK, Optimizer};
use crate::meaning::{Path, Set, minimal, paths, simplify, straight, subsets, tidy};
use crate::node::{Node, ONE, scale, share};
use crate::piece::COST_BITS;
use crate::script::{Writer, element_size};
use crate::tree::{Shape, control_block_size, depths, huffman};

/// Maximum number of leaves of a tree.
pub const MAX_LEAVES: usize = 256;

/// Maximum number of leaves into which one cut splits a threshold: one leaf for each choice of k of its n parts.
const MAX_CUT: usize = 40;

/// The leaves into which a policy is cut.
#[derive(Default)]
pub(crate) struct Cut {
    pub(crate) leaves: Vec<CompiledLeaf>,
    /// `true` if a search exhausted its budget, so that other leaves may be lighter than these.
    pub(crate) has_ended_early: bool,
}

/// A leaf that is not compiled yet: its policy, and the probability that it is used.
#[derive(Clone)]
struct Draft {
    probability: u64,
    node: Node,
}

/// Cost of a cut: the number of leaves for which no script was found, then the expected weight. Compared in that order.
type Cost = (usize, u128);

fn cost(drafts: &[Draft], optimizer: &mut Optimizer<'_>) -> Cost {
    let weights: Vec<u64> = drafts.iter().map(|draft| draft.probability).collect();
    let depths = huffman(&weights).map(|shape| depths(&shape, drafts.len())).unwrap_or_default();
    let (mut bad, mut sum) = (0, 0u128);
    for (draft, depth) in drafts.iter().zip(depths) {
        let Some(leaf) = optimizer.leaf(&draft.node) else {
            bad += 1;
            continue;
        };
        let script = usize::try_from(leaf.size).unwrap_or(usize::MAX >> 8);
        let fixed = element_size(script) + element_size(control_block_size(depth));
        let weight = (u128::try_from(fixed).unwrap_or(u128::MAX) << COST_BITS) + u128::from(leaf.sat);
        sum = sum.saturating_add(weight.saturating_mul(u128::from(draft.probability)));
    }
    (bad, sum)
}

/// Returns the ways to cut one leaf into several: at its alternatives, at an alternative inside an `and`, or at a
/// threshold.
fn cuts(draft: &Draft) -> Vec<Vec<Draft>> {
    let alternatives = |node: &Node| -> Option<Vec<(u64, Node)>> {
        match node {
            Node::Or(children) => Some(children.clone()),
            Node::Thresh(k, children) => {
                let subsets = subsets(children.len(), *k, MAX_CUT)?;
                let share = share(subsets.len());
                let all = |subset: &Vec<usize>| {
                    let chosen = subset.iter().filter_map(|&index| children.get(index).cloned());
                    (share, crate::meaning::conjunction(chosen))
                };
                Some(subsets.iter().map(all).collect())
            }
            _ => None,
        }
    };
    let scaled = |found: Vec<(u64, Node)>| -> Vec<Draft> {
        found
            .into_iter()
            .map(|(weight, node)| Draft { probability: scale(draft.probability, weight), node })
            .collect()
    };
    let mut all = Vec::new();
    all.extend(alternatives(&draft.node).map(scaled));
    if let Node::Or(children) = &draft.node {
        // Cuts one alternative off from the others.
        for (nth, (weight, node)) in children.iter().enumerate().filter(|_| children.len() > 2) {
            let rest: Vec<_> = children.iter().enumerate().filter(|(other, _)| *other != nth).collect();
            let others = rest.iter().map(|(_, (weight, _))| *weight).sum();
            let others =
                (others, crate::meaning::disjunction(rest.into_iter().map(|(_, child)| child.clone())));
            all.push(scaled(vec![(*weight, node.clone()), others]));
        }
    }
    if let Node::And(children) = &draft.node {
        for (nth, child) in children.iter().enumerate() {
            let Some(found) = alternatives(child) else { continue };
            let distribute = |(weight, node): (u64, Node)| {
                let parts = children.iter().enumerate();
                let parts = parts.map(|(at, part)| if at == nth { node.clone() } else { part.clone() });
                (weight, crate::meaning::conjunction(parts))
            };
            all.push(scaled(found.into_iter().map(distribute).collect()));
        }
    }
    all
}

/// Cuts leaves into smaller leaves as long as this lowers the cost of the tree. Returns the final cost and the leaves.
fn improve(mut drafts: Vec<Draft>, optimizer: &mut Optimizer<'_>) -> (Cost, Vec<Draft>) {
    let mut best = cost(&drafts, optimizer);
    loop {
        let mut found: Option<(Cost, Vec<Draft>)> = None;
        for (nth, draft) in drafts.iter().enumerate() {
            for pieces in cuts(draft) {
                let leaves = drafts.len() + pieces.len();
                if leaves > MAX_LEAVES || !optimizer.takes_tree(leaves) {
                    continue;
                }
                let mut next = drafts.clone();
                next.splice(nth..=nth, pieces);
                let next_cost = cost(&next, optimizer);
                if next_cost < found.as_ref().map_or(best, |(known, _)| *known) {
                    found = Some((next_cost, next));
                }
            }
            // While some leaf has no script, the first leaf with a cut that lowers the cost is cut, without comparing the others.
            if best.0 > 0 && found.is_some() {
                break;
            }
        }
        match found {
            Some((cost, next)) => (best, drafts) = (cost, next),
            None => return (best, drafts),
        }
    }
}

/// A draft of a leaf and its script, or `None` if the search found no script for it.
type CompiledDraft = (Draft, Option<Leaf>);

/// Cuts a policy into leaves.
pub(crate) fn cut(root: &Node, atoms: &[Atom]) -> Result<Cut, ErrorKind> {
    let mut optimizer = Optimizer::new(atoms);
    // The search also starts from the list of ways to satisfy the policy, without those that another way makes
    // redundant.
    let ways = paths(root).map(|paths| minimal(paths, atoms)).filter(|ways| ways.len() <= MAX_LEAVES);
    let mut starts = vec![vec![Draft { probability: ONE, node: root.clone() }]];
    if let Node::Or(children) = root
        && children.len() <= MAX_LEAVES
    {
        let draft = |(weight, node): &(u64, Node)| Draft { probability: *weight, node: node.clone() };
        starts.push(children.iter().map(draft).collect());
    }
    if let Some(ways) = ways {
        let draft = |way: &Path| Draft { probability: way.probability, node: straight(&way.set) };
        starts.push(ways.iter().map(draft).collect());
    }
    let mut best: Option<(Cost, Vec<CompiledDraft>)> = None;
    for start in starts {
        optimizer.start_search();
        let (cost, drafts) = improve(start, &mut optimizer);
        if best.as_ref().is_none_or(|(known, _)| cost < *known) {
            let compiled = |draft: Draft| {
                let leaf = optimizer.leaf(&draft.node);
                (draft, leaf)
            };
            best = Some((cost, drafts.into_iter().map(compiled).collect()));
        }
    }
    let (_, drafts) = best.ok_or(ErrorKind::Unsatisfiable)?;
    let too_many = ErrorKind::TooLarge { what: "ways to spend that each need a leaf", limit: MAX_LEAVES };
    let leaf = |(draft, leaf): CompiledDraft| Some(write_leaf(draft, leaf?, atoms));
    let leaves: Option<Vec<CompiledLeaf>> = drafts.into_iter().map(leaf).collect();
    Ok(Cut { leaves: leaves.ok_or(too_many)?, has_ended_early: optimizer.has_ended_early() })
}

/// Compiles the leaves of a tree that the text specifies. A leaf counts as more probable the nearer it is to the root.
pub(crate) fn written_leaves(nodes: &[Node], shape: &Shape, atoms: &[Atom]) -> Result<Cut, ErrorKind> {
    let mut optimizer = Optimizer::new(atoms);
    let mut leaves = Vec::with_capacity(nodes.len());
    for (node, depth) in nodes.iter().zip(depths(shape, nodes.len())) {
        let node = tidy(&simplify(node), &Set::new(), atoms);
        if node == Node::False {
            return Err(ErrorKind::Unsatisfiable);
        }
        let probability =
            u32::try_from(depth).ok().and_then(|depth| ONE.checked_shr(depth)).unwrap_or(0).max(1);
        optimizer.start_search();
        let leaf = optimizer.leaf(&node).ok_or_else(|| {
            if optimizer.has_ended_early() {
                return ErrorKind::TooLarge { what: "steps to find a script for a leaf", limit: MAX_WORK };
            }
            ErrorKind::Arguments(
                "anybody could change the witness of a leaf of this tree: split its alternatives into leaves",
            )
        })?;
        leaves.push(write_leaf(Draft { probability, node }, leaf, atoms));
    }
    Ok(Cut { leaves, has_ended_early: optimizer.has_ended_early() })
}

fn write_leaf(draft: Draft, leaf: Leaf, atoms: &[Atom]) -> CompiledLeaf {
    let mut script = Writer::default();
    leaf.frag.write(atoms, &mut script);
    let mut used = Vec::new();
    draft.node.collect_atoms(&mut used);
    let ways = paths(&draft.node).map(|ways| {
        let sets: BTreeSet<Set> = ways.into_iter().map(|way| way.set).collect();
        sets.into_iter().collect()
    });
    CompiledLeaf {
        frag: leaf.frag,
        ways,
        script: script.bytes,
        depth: 0,
        probability: draft.probability,
        atoms: used.into_iter().collect(),
        policy: draft.node,
    }
}
