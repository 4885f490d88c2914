//! Compiles one leaf: finds the non-malleable script with the least expected weight for a policy.
//!
//! The search works top down, like Miniscript's compiler. The probabilities with which a part of the policy is
//! satisfied and dissatisfied decide which script for the part is cheapest. Costs are integers, in units of 2^-16
//! bytes.

mod threshold;

use std::collections::BTreeMap;

use crate::atom::Atom;
use crate::atom::write::Tail;
use crate::fragment::Frag;
use crate::meaning::{conjunction, disjunction};
use crate::node::{Node, ONE, scale};
use crate::piece::*;

/// Work limit of one search. Every part of a policy that the search examines costs as many units as the part has nodes.
pub(crate) const MAX_WORK: usize = 250_000;

/// Maximum number of parts of an `and` or `or` that are split off one by one. Each split is one level of recursion.
const MAX_SPLIT: usize = 32;

/// Maximum total number of leaves, over all trees, that one search compares.
const MAX_COMPARED_LEAVES: usize = 100_000;

/// The script fragment of a leaf, with its costs.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) frag: Frag,
    /// Size of the leaf's script in bytes.
    pub(crate) size: u64,
    /// Expected size of the witness elements that satisfy the leaf, in units of 2^-16 bytes.
    pub(crate) sat: u64,
}

pub(crate) struct Optimizer<'a> {
    atoms: &'a [Atom],
    parts: BTreeMap<(Node, u64, u64), Pieces>,
    leaves: BTreeMap<Node, Option<Leaf>>,
    work: usize,
    /// Total number of leaves in all trees that the current search has compared so far.
    compared_leaves: usize,
    /// `true` if any search so far exhausted its budget, so that its result may not be the lightest.
    has_ended_early: bool,
}

impl<'a> Optimizer<'a> {
    pub(crate) fn new(atoms: &'a [Atom]) -> Optimizer<'a> {
        Optimizer {
            atoms,
            parts: BTreeMap::new(),
            leaves: BTreeMap::new(),
            work: 0,
            compared_leaves: 0,
            has_ended_early: false,
        }
    }

    /// Starts a search with a fresh budget, so that the result of a search does not depend on earlier ones.
    pub(crate) fn start_search(&mut self) {
        if self.is_exhausted() {
            // Results cached by an exhausted search are incomplete, and are computed again.
            self.parts.clear();
            self.leaves.clear();
        }
        (self.work, self.compared_leaves) = (0, 0);
    }

    /// Returns `true` if any search so far exhausted its budget. The tree found may then not be the lightest.
    pub(crate) fn has_ended_early(&self) -> bool {
        self.has_ended_early
    }

    /// Returns `true` if the search has reached its work limit. No more leaves are compiled then.
    fn is_exhausted(&self) -> bool {
        self.work >= MAX_WORK
    }

    /// Counts a tree of this many leaves against the budget. Returns `false` if the search may not compare more trees.
    pub(crate) fn takes_tree(&mut self, leaves: usize) -> bool {
        self.compared_leaves = self.compared_leaves.saturating_add(leaves);
        let takes = self.compared_leaves < MAX_COMPARED_LEAVES && !self.is_exhausted();
        self.has_ended_early |= !takes;
        takes
    }

    /// Returns the cheapest leaf script for a policy. `None` if a signature is needed in two places, if all scripts
    /// found are malleable, or if the search budget is exhausted.
    pub(crate) fn leaf(&mut self, node: &Node) -> Option<Leaf> {
        if let Some(known) = self.leaves.get(node) {
            return known.clone();
        }
        let leaf = self.compile(node);
        self.leaves.insert(node.clone(), leaf.clone());
        leaf
    }

    fn compile(&mut self, node: &Node) -> Option<Leaf> {
        if let Some(atoms) = straight_atoms(node) {
            return Some(self.straight(&atoms));
        }
        // The properties are valid only if no signature is required in two places: a signature published for one branch
        // would satisfy another.
        let mut used = Vec::new();
        node.collect_atoms(&mut used);
        let is_signature = |index: &usize| self.atoms.get(*index).is_some_and(|atom| atom_prop(atom).signed);
        self.work += used.len();
        used.retain(is_signature);
        for (nth, &a) in used.iter().enumerate() {
            for &b in used.iter().skip(nth + 1) {
                let (Some(left), Some(right)) = (self.atoms.get(a), self.atoms.get(b)) else { continue };
                if left.implies(right) || right.implies(left) {
                    return None;
                }
            }
        }
        let piece = self.part(node, ONE, 0).result?;
        Some(Leaf { size: piece.prop.size >> COST_BITS, sat: piece.prop.sat, frag: piece.frag })
    }

    /// Returns the leaf of a conjunction of conditions. The conditions, and with them the witness elements, keep the order
    /// of the policy. A lock or template takes no witness element, and is moved to the end if that saves its `DROP`.
    fn straight(&self, atoms: &[usize]) -> Leaf {
        let cost = |&index: &usize| self.atoms.get(index).map_or(0, |atom| atom.tail().cost());
        let is_bare = |index: &usize| self.atoms.get(*index).is_some_and(|atom| atom.tail() == Tail::Drop);
        let saves = atoms.last().is_some_and(|last| cost(last) == 0);
        let last = atoms.iter().rposition(is_bare).filter(|_| saves).unwrap_or(atoms.len().saturating_sub(1));
        let mut order = atoms.to_vec();
        let moved = if last < order.len() { Some(order.remove(last)) } else { None };
        let verified = order.iter().map(|&index| Frag::Verify(Frag::Atom(index).boxed()));
        let frag = Frag::And(verified.chain([moved.map_or(Frag::True, Frag::Atom)]).collect());
        let props = || atoms.iter().filter_map(|&index| self.atoms.get(index)).map(atom_prop);
        let verify: usize = order.iter().map(cost).sum();
        let size: u64 = props().map(|prop| prop.size >> COST_BITS).sum();
        let size = size + u64::try_from(verify).unwrap_or(u64::MAX) + u64::from(atoms.is_empty());
        Leaf { frag, size, sat: props().map(|prop| prop.sat).sum() }
    }

    fn part(&mut self, node: &Node, sat: u64, dis: u64) -> Pieces {
        let key = (node.clone(), sat, dis);
        if let Some(known) = self.parts.get(&key) {
            return known.clone();
        }
        self.work += node.size();
        let mut pieces = Pieces::default();
        if self.is_exhausted() {
            self.has_ended_early = true;
            return pieces;
        }
        let chance = (sat, dis);
        match node {
            Node::True => pieces.offer(piece_true(), chance),
            Node::False => pieces.offer(piece_false(), chance),
            Node::Atom(index) => {
                if let Some(atom) = self.atoms.get(*index) {
                    let prop = atom_prop(atom);
                    pieces.offer(Piece { frag: Frag::Atom(*index), prop }, chance);
                    if matches!(atom, Atom::Sig(key) if !key.internal) {
                        let plain = Prop { size: prop.size - bytes(1), ..prop };
                        pieces.offer_key(Piece { frag: Frag::Key(*index), prop: plain }, chance);
                        // A key that is rarely published is cheaper as a hash.
                        let shown = bytes(KEY_ELEMENT);
                        let hashed = Prop {
                            size: bytes(HASHED_KEY_SCRIPT),
                            sat: prop.sat + shown,
                            dis: prop.dis.map(|dis| dis + shown),
                            args: Args::Many,
                            ..prop
                        };
                        pieces.offer_key(Piece { frag: Frag::KeyHash(*index), prop: hashed }, chance);
                    }
                }
            }
            Node::And(children) => self.conjunction(children, chance, &mut pieces),
            Node::Or(children) => self.disjunction(children, chance, &mut pieces),
            Node::Thresh(k, children) => self.threshold(*k, children, chance, &mut pieces),
        }
        self.wrap(&mut pieces, chance);
        self.parts.insert(key, pieces.clone());
        pieces
    }

    /// Wraps the script fragments in `pieces`, which gives fragments of further Miniscript types, and adds the results
    /// to `pieces`.
    fn wrap(&self, pieces: &mut Pieces, chance: (u64, u64)) {
        for key in [pieces.key.clone(), pieces.key_choice.clone()].into_iter().flatten() {
            let prop = Prop { size: key.prop.size + bytes(1), unit: true, signed: true, ..key.prop };
            pieces.offer(Piece { frag: Frag::CheckSig(key.frag.boxed()), prop }, chance);
        }
        if let Some(piece) = pieces.result.clone() {
            let verified = verify(piece.clone(), self.atoms);
            if !piece.prop.unit {
                // The fragment leaves the argument of a lock, which is a number, or a template hash, which is not a
                // number.
                let is_number = matches!(&piece.frag, Frag::Atom(index) if !matches!(self.atoms.get(*index), Some(Atom::Ctv(_))));
                if is_number {
                    let prop = Prop { size: piece.prop.size + bytes(1), unit: true, ..piece.prop };
                    pieces.offer(Piece { frag: Frag::Unit(piece.frag.boxed()), prop }, chance);
                }
            }
            pieces.offer_verify(verified, chance);
        }
        for known in [pieces.unit.clone(), pieces.choice.clone()].into_iter().flatten() {
            pieces.offer_verify(verify(known, self.atoms), chance);
        }
        if let Some(piece) = pieces.verify.clone() {
            pieces.offer(and(piece.clone(), piece_true()), chance);
            if piece.prop.args == Args::Zero {
                let prop = Prop {
                    size: piece.prop.size + bytes(3),
                    sat: piece.prop.sat + bytes(2),
                    dis: Some(bytes(1)),
                    args: Args::One,
                    unit: true,
                    forced: false,
                    nonzero: true,
                    ..piece.prop
                };
                pieces.offer(Piece { frag: Frag::DupIf(piece.frag.boxed()), prop }, chance);
            }
        }
        // A fragment that cannot be dissatisfied is wrapped in a branch, or in a check for an empty top element. The
        // wrapped fragment can be dissatisfied.
        let forced = [pieces.unit.clone(), pieces.verify.clone().map(|piece| and(piece, piece_true()))];
        for piece in forced.into_iter().flatten().filter(|piece| piece.prop.forced && piece.prop.unit) {
            if piece.prop.nonzero {
                let prop = Prop {
                    size: piece.prop.size + bytes(4),
                    dis: Some(bytes(1)),
                    forced: false,
                    ..piece.prop
                };
                pieces.offer(Piece { frag: Frag::NonZero(piece.frag.clone().boxed()), prop }, chance);
            }
            for frag in
                [or_i((ONE, piece.clone()), (0, piece_false())), or_i((0, piece_false()), (ONE, piece))]
            {
                pieces.offer(frag, chance);
            }
        }
    }

    fn conjunction(&mut self, children: &[Node], (sat, dis): (u64, u64), pieces: &mut Pieces) {
        let parts: Vec<Pieces> = children.iter().map(|child| self.part(child, sat, 0)).collect();
        let verifies: Option<Vec<&Piece>> = parts.iter().map(|part| part.verify.as_ref()).collect();
        if let Some(verifies) = verifies {
            let last_of = |class: fn(&Pieces) -> Option<&Piece>| {
                let saving = |part: &Pieces, verify: &Piece| {
                    let piece = class(part)?;
                    let cost = |piece| i128::try_from(Pieces::cost(piece, sat, 0)).unwrap_or(i128::MAX >> 1);
                    Some(cost(verify) - cost(piece))
                };
                let savings = parts.iter().zip(&verifies).enumerate();
                savings.filter_map(|(nth, (part, verify))| Some((saving(part, verify)?, nth))).max()
            };
            let chain = |last: Piece, skip: Option<usize>| {
                let others = verifies.iter().enumerate().rev().filter(|(nth, _)| Some(*nth) != skip);
                others.fold(last, |rest, (_, piece)| and((*piece).clone(), rest))
            };
            for class in
                [(|part| part.result.as_ref()) as fn(&Pieces) -> Option<&Piece>, |part| part.unit.as_ref()]
            {
                if let Some((_, nth)) = last_of(class)
                    && let Some(last) = parts.get(nth).and_then(class)
                {
                    pieces.offer(chain(last.clone(), Some(nth)), (sat, dis));
                }
            }
            if let Some((_, nth)) = last_of(|part| part.key.as_ref())
                && let Some(last) = parts.get(nth).and_then(|part| part.key.clone())
            {
                pieces.offer_key(chain(last, Some(nth)), (sat, dis));
            }
            if let Some((last, others)) = verifies.split_last() {
                let all =
                    others.iter().rev().fold((*last).clone(), |rest, piece| and((*piece).clone(), rest));
                pieces.offer_verify(all, (sat, dis));
            }
        }
        if dis > 0 {
            self.refusable_conjunction(children, (sat, dis), pieces);
        }
    }

    /// Adds to `pieces` two scripts for an `and` that can be dissatisfied, for each choice of the part that runs first.
    /// In one script, the first result decides whether the other parts run. In the other script, all parts run and
    /// `BOOLAND` combines the results.
    fn refusable_conjunction(&mut self, children: &[Node], (sat, dis): (u64, u64), pieces: &mut Pieces) {
        if children.len() > MAX_SPLIT {
            return;
        }
        for nth in 0..children.len() {
            let Some(head) = children.get(nth) else { continue };
            let rest = without(children, nth);
            let Some(x) = self.part(head, sat, dis).choice else { continue };
            if let Some(y) = self.part(&rest, sat, 0).unit {
                pieces.offer(and_or((ONE, x.clone(), y), (0, piece_false())), (sat, dis));
            }
            if let Some(y) = self.part(&rest, sat, dis).choice {
                let (wrapper, size) = below(y.clone());
                let is_signed = x.prop.signed && y.prop.signed;
                let prop = Prop {
                    size: x.prop.size + size + bytes(1),
                    sat: x.prop.sat + y.prop.sat,
                    dis: x.prop.dis.zip(y.prop.dis).map(|(a, b)| a + b).filter(|_| is_signed),
                    args: Args::Many,
                    unit: true,
                    signed: x.prop.signed || y.prop.signed,
                    forced: false,
                    nonzero: x.prop.nonzero,
                    sound: true,
                };
                pieces.offer(Piece { frag: Frag::AndB(x.frag.boxed(), wrapper.boxed()), prop }, (sat, dis));
            }
        }
    }

    fn disjunction(&mut self, children: &[(u64, Node)], chance: (u64, u64), pieces: &mut Pieces) {
        if let [x, z] = children {
            self.either(x, z, chance, pieces);
            self.either(z, x, chance, pieces);
            return;
        }
        let mut sorted: Vec<&(u64, Node)> = children.iter().collect();
        sorted.sort_by_key(|(weight, _)| core::cmp::Reverse(*weight));
        // Splits off the most probable alternative, or splits the list into two halves of equal length. A long list is
        // only halved, which limits the nesting.
        let half = sorted.len() / 2;
        let splits = if sorted.len() > MAX_SPLIT { vec![half] } else { vec![1, half] };
        for at in splits {
            let (left, right) = sorted.split_at(at);
            let group = |part: &[&(u64, Node)]| {
                let weight = part.iter().map(|(weight, _)| *weight).sum::<u64>();
                (weight, disjunction(part.iter().map(|(weight, node)| (*weight, node.clone()))))
            };
            let (x, z) = (group(left), group(right));
            self.either(&x, &z, chance, pieces);
            self.either(&z, &x, chance, pieces);
        }
    }

    /// Adds to `pieces` the scripts for an `or` of the alternatives `x` and `z`. Scripts that try one alternative
    /// before the other try `x` first.
    fn either(&mut self, x: &(u64, Node), z: &(u64, Node), (sat, dis): (u64, u64), pieces: &mut Pieces) {
        let chance = (sat, dis);
        let (at_x, at_z) = (scale(sat, x.0), scale(sat, z.0));
        let (first, second) = (self.part(&x.1, at_x, 0), self.part(&z.1, at_z, 0));
        let pair = |a: &Option<Piece>, b: &Option<Piece>| Some((a.clone()?, b.clone()?));
        if let Some((a, b)) = pair(&first.verify, &second.verify) {
            pieces.offer_verify(or_i((x.0, a), (z.0, b)), chance);
        }
        for (a, b) in
            [pair(&first.result, &second.result), pair(&first.unit, &second.unit)].into_iter().flatten()
        {
            pieces.offer(or_i((x.0, a), (z.0, b)), chance);
        }
        if let Some((a, b)) = pair(&first.key, &second.key) {
            pieces.offer_key(or_i((x.0, a), (z.0, b)), chance);
        }
        let refusing = if dis > 0 { self.part(&z.1, at_z, dis) } else { Pieces::default() };
        let refusable = refusing.choice;
        if let Some((a, b)) = pair(&first.unit, &refusable) {
            pieces.offer(or_i((x.0, a.clone()), (z.0, b.clone())), chance);
            pieces.offer(or_i((z.0, b), (x.0, a)), chance);
        }
        // The script runs `z` only if `x` is dissatisfied.
        if let Some(head) = self.part(&x.1, at_x, at_z.saturating_add(dis)).choice {
            if let Some(other) = &second.verify {
                pieces.offer_verify(or_else(&head, x.0, other, z.0, Frag::OrC, bytes(2)), chance);
            }
            for other in [&second.result, &second.unit, &refusable].into_iter().flatten() {
                pieces.offer(or_else(&head, x.0, other, z.0, Frag::OrD, bytes(3)), chance);
            }
            if let Some(other) = self.part(&z.1, at_z, at_x.saturating_add(dis)).choice {
                pieces.offer(or_b(&head, x.0, &other, z.0), chance);
            }
        }
        if let Node::And(children) = &x.1 {
            for nth in 0..children.len() {
                let Some(head) = children.get(nth) else { continue };
                let Some(head) = self.part(head, at_x, at_z.saturating_add(dis)).choice else { continue };
                let then = self.part(&without(children, nth), at_x, 0);
                if let Some((y, z_piece)) = pair(&then.verify, &second.verify) {
                    pieces.offer_verify(and_or((x.0, head.clone(), y), (z.0, z_piece)), chance);
                }
                for (y, z_piece) in [pair(&then.key, &second.key), pair(&then.key, &refusing.key_choice)]
                    .into_iter()
                    .flatten()
                {
                    pieces.offer_key(and_or((x.0, head.clone(), y), (z.0, z_piece)), chance);
                }
                for (y, z_piece) in [
                    pair(&then.result, &second.result),
                    pair(&then.unit, &second.unit),
                    pair(&then.unit, &refusable),
                ]
                .into_iter()
                .flatten()
                {
                    pieces.offer(and_or((x.0, head.clone(), y), (z.0, z_piece)), chance);
                }
            }
        }
    }
}

/// Returns the conjunction of all `children` except the one with the index `nth`.
fn without(children: &[Node], nth: usize) -> Node {
    let others = children.iter().enumerate().filter(|(other, _)| *other != nth);
    conjunction(others.map(|(_, child)| child.clone()))
}

/// Returns the conditions of a policy that is a plain conjunction of conditions, or `None` for other policies.
fn straight_atoms(node: &Node) -> Option<Vec<usize>> {
    match node {
        Node::True => Some(Vec::new()),
        Node::Atom(index) => Some(vec![*index]),
        Node::And(children) => children
            .iter()
            .map(|child| if let Node::Atom(index) = child { Some(*index) } else { None })
            .collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
