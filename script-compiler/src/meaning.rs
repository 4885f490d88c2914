//! The meaning of a policy: which sets of conditions satisfy it. The tests compare compiled scripts with this canonical
//! form.

use std::collections::BTreeSet;

use crate::atom::{Atom, SEQUENCE_TIME, is_time_lock};
use crate::node::{Node, ONE, scale, share};

/// Conditions that together satisfy a policy, as indices into [`Program::atoms`](crate::Program::atoms).
pub type Set = BTreeSet<usize>;

/// Maximum number of ways to satisfy a policy that are listed one by one.
pub const MAX_PATHS: usize = 512;

/// Maximum number of conditions in the list of all ways to satisfy a policy. A condition counts once for each way that
/// contains it. The time to compare the ways grows with the square of this number.
const MAX_PATH_CONDITIONS: usize = 8_192;

/// A way to satisfy a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Probability that the policy is satisfied by this set of conditions, in units of 1/[`ONE`].
    pub probability: u64,
    /// Conditions that together satisfy the policy.
    pub set: Set,
}

/// The canonical form of a policy: the sorted list of the minimal sets of conditions that satisfy it. No set in the
/// list implies another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The minimal sets of conditions that satisfy the policy. No set implies another one.
    pub sets: BTreeSet<Set>,
}

impl Meaning {
    /// Returns `true` if the conditions in `held`, and those that they imply, satisfy the policy.
    pub fn is_satisfied_by(&self, held: &Set, atoms: &[Atom]) -> bool {
        self.sets.iter().any(|set| set.iter().all(|&needed| is_covered(needed, held, atoms)))
    }
}

/// Returns the canonical form of a policy, or `None` if the policy can be satisfied in too many ways to list them
/// ([`MAX_PATHS`]).
pub fn meaning(node: &Node, atoms: &[Atom]) -> Option<Meaning> {
    let paths = minimal(paths(node)?, atoms);
    Some(Meaning { sets: paths.into_iter().map(|path| path.set).collect() })
}

/// Returns every way to satisfy the policy as written, or `None` if there are more than [`MAX_PATHS`] ways or they have too
/// many conditions in total.
pub fn paths(node: &Node) -> Option<Vec<Path>> {
    let found = all_paths(node)?;
    let conditions: usize = found.iter().map(|path| path.set.len()).sum();
    (conditions <= MAX_PATH_CONDITIONS).then_some(found)
}

fn all_paths(node: &Node) -> Option<Vec<Path>> {
    let found = match node {
        Node::True => vec![Path { probability: ONE, set: Set::new() }],
        Node::False => Vec::new(),
        Node::Atom(atom) => vec![Path { probability: ONE, set: Set::from([*atom]) }],
        Node::And(children) => product(children.iter())?,
        Node::Or(children) => {
            let mut all = Vec::new();
            for (weight, child) in children {
                let scaled =
                    |path: Path| Path { probability: scale(path.probability, *weight), set: path.set };
                all.extend(all_paths(child)?.into_iter().map(scaled));
                if all.len() > MAX_PATHS {
                    return None;
                }
            }
            all
        }
        Node::Thresh(k, children) => {
            let subsets = subsets(children.len(), *k, MAX_PATHS)?;
            let share = share(subsets.len());
            let mut all = Vec::new();
            for subset in subsets {
                let chosen = subset.iter().filter_map(|&index| children.get(index));
                let scaled = |path: Path| Path { probability: scale(path.probability, share), set: path.set };
                all.extend(product(chosen)?.into_iter().map(scaled));
                if all.len() > MAX_PATHS {
                    return None;
                }
            }
            all
        }
    };
    Some(found)
}

fn product<'a>(children: impl Iterator<Item = &'a Node>) -> Option<Vec<Path>> {
    let mut all = vec![Path { probability: ONE, set: Set::new() }];
    for child in children {
        let next = all_paths(child)?;
        if all.len().saturating_mul(next.len()) > MAX_PATHS {
            return None;
        }
        all = all
            .iter()
            .flat_map(|left| {
                next.iter().map(|right| Path {
                    probability: scale(left.probability, right.probability),
                    set: left.set.union(&right.set).copied().collect(),
                })
            })
            .collect();
    }
    Some(all)
}

/// Returns all subsets of `k` out of `n` indices in lexicographic order, or `None` if there are more than `limit`.
pub(crate) fn subsets(n: usize, k: usize, limit: usize) -> Option<Vec<Vec<usize>>> {
    let mut found = Vec::new();
    let mut choice: Vec<usize> = (0..k).collect();
    if k > n {
        return Some(found);
    }
    loop {
        found.push(choice.clone());
        if found.len() > limit {
            return None;
        }
        // Finds the last index that can still be increased. The indices after it follow it directly.
        let Some(moved) = (0..k).rev().find(|&at| choice.get(at).is_some_and(|&index| index < n - k + at))
        else {
            return Some(found);
        };
        let first = choice.get(moved).map_or(0, |index| index + 1);
        for (offset, slot) in choice.iter_mut().skip(moved).enumerate() {
            *slot = first + offset;
        }
    }
}

/// Returns `true` if every witness and transaction that satisfies condition `a` also satisfies condition `b`.
pub(crate) fn implies(a: usize, b: usize, atoms: &[Atom]) -> bool {
    a == b || matches!((atoms.get(a), atoms.get(b)), (Some(a), Some(b)) if a.implies(b))
}

/// Returns `true` if `held` contains a condition, or another condition that implies it.
pub(crate) fn is_covered(needed: usize, held: &Set, atoms: &[Atom]) -> bool {
    held.iter().any(|&atom| implies(atom, needed, atoms))
}

/// Returns `true` if satisfying all conditions in `strong` also satisfies all conditions in `weak`.
pub(crate) fn is_weaker(weak: &Set, strong: &Set, atoms: &[Atom]) -> bool {
    weak.iter().all(|&needed| is_covered(needed, strong, atoms))
}

/// Removes the conditions that other conditions of the set imply. Of equivalent conditions the first is kept.
pub(crate) fn reduce(set: &Set, atoms: &[Atom]) -> Set {
    let keeps = |&atom: &usize| {
        !set.iter().any(|&other| {
            other != atom && implies(other, atom, atoms) && (other < atom || !implies(atom, other, atoms))
        })
    };
    set.iter().copied().filter(keeps).collect()
}

/// Reason why a set of conditions cannot be satisfied together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The conditions need both a block height and a time for nLockTime, or both for nSequence.
    Locks,
    /// The conditions contain two templates that require different transactions.
    Templates,
}

pub(crate) fn conflict(set: &Set, atoms: &[Atom]) -> Option<Conflict> {
    // Each lock as (is absolute, is a time).
    let mut locks: BTreeSet<(bool, bool)> = BTreeSet::new();
    let mut templates: Vec<&Atom> = Vec::new();
    for atom in set.iter().filter_map(|&index| atoms.get(index)) {
        match atom {
            Atom::After(n) => drop(locks.insert((true, is_time_lock(*n)))),
            Atom::Older(n) => drop(locks.insert((false, n & SEQUENCE_TIME != 0))),
            atom if atom.is_template() => {
                if templates.iter().any(|other| atom.excludes(other)) {
                    return Some(Conflict::Templates);
                }
                templates.push(atom);
            }
            _ => {}
        }
    }
    let mixed = |kind| locks.contains(&(kind, true)) && locks.contains(&(kind, false));
    (mixed(true) || mixed(false)).then_some(Conflict::Locks)
}

/// Simplifies a list of ways to satisfy a policy:
///
/// - Ways that can never be satisfied are dropped.
/// - Conditions that others of the same way imply are removed.
/// - A way that requires more than another way is dropped, and its probability is added to the other way.
pub fn minimal(paths: Vec<Path>, atoms: &[Atom]) -> Vec<Path> {
    let mut reduced: Vec<Path> = paths
        .into_iter()
        .filter(|path| conflict(&path.set, atoms).is_none())
        .map(|path| Path { probability: path.probability, set: reduce(&path.set, atoms) })
        .collect();
    // Shorter ways come first, so that a way precedes the ways that require more. The sort is stable.
    let order: Vec<Set> = reduced.iter().map(|path| path.set.clone()).collect();
    reduced.sort_by_key(|path| path.set.len());
    let mut kept: Vec<Path> = Vec::new();
    for path in reduced {
        match kept.iter_mut().find(|known| is_weaker(&known.set, &path.set, atoms)) {
            Some(known) => known.probability = known.probability.saturating_add(path.probability),
            None => {
                // Of two ways with equally many conditions, the later one may require less: `after(1)` that follows
                // `after(2)`.
                let (absorbed, rest): (Vec<_>, Vec<_>) =
                    kept.into_iter().partition(|known| is_weaker(&path.set, &known.set, atoms));
                let more: u64 = absorbed.iter().map(|known| known.probability).sum();
                kept = rest;
                kept.push(Path { probability: path.probability.saturating_add(more), set: path.set });
            }
        }
    }
    // Restores the order of the text.
    kept.sort_by_key(|path| order.iter().position(|set| *set == path.set));
    kept
}

/// Simplifies the structure of a policy: removes constants, merges nested nodes of the same kind, and replaces thresholds of
/// one or all.
pub(crate) fn simplify(node: &Node) -> Node {
    match node {
        Node::True | Node::False | Node::Atom(_) => node.clone(),
        Node::And(children) => conjunction(children.iter().map(simplify)),
        Node::Or(children) => disjunction(children.iter().map(|(weight, child)| (*weight, simplify(child)))),
        Node::Thresh(k, children) => {
            let children: Vec<Node> = children.iter().map(simplify).collect();
            let given = children.iter().filter(|child| **child == Node::True).count();
            let open: Vec<Node> =
                children.into_iter().filter(|child| !matches!(child, Node::True | Node::False)).collect();
            match k.saturating_sub(given) {
                0 => Node::True,
                k if k > open.len() => Node::False,
                k if k == open.len() => conjunction(open.into_iter()),
                1 => {
                    let share = share(open.len());
                    disjunction(open.into_iter().map(|child| (share, child)))
                }
                k => Node::Thresh(k, open),
            }
        }
    }
}

/// Simplifies a policy that is part of an `and`: removes the conditions that the rest of the `and` (`held`) already
/// implies.
pub(crate) fn tidy(node: &Node, held: &Set, atoms: &[Atom]) -> Node {
    match node {
        Node::True | Node::False => node.clone(),
        Node::Atom(index) if is_covered(*index, held, atoms) => Node::True,
        Node::Atom(_) => node.clone(),
        Node::And(children) => {
            let plain = children
                .iter()
                .filter_map(|child| if let Node::Atom(index) = child { Some(*index) } else { None });
            let own = reduce(&plain.collect(), atoms);
            let inner: Set = held.union(&own).copied().collect();
            conjunction(children.iter().map(|child| match child {
                Node::Atom(index) if own.contains(index) => tidy(child, held, atoms),
                child => tidy(child, &inner, atoms),
            }))
        }
        Node::Or(children) => {
            disjunction(children.iter().map(|(weight, child)| (*weight, tidy(child, held, atoms))))
        }
        Node::Thresh(k, children) => {
            simplify(&Node::Thresh(*k, children.iter().map(|child| tidy(child, held, atoms)).collect()))
        }
    }
}

/// Returns the `and` of policies that are already simplified.
pub(crate) fn conjunction(children: impl Iterator<Item = Node>) -> Node {
    let mut all: Vec<Node> = Vec::new();
    for child in children {
        let parts = match child {
            Node::True => continue,
            Node::False => return Node::False,
            Node::And(parts) => parts,
            other => vec![other],
        };
        for part in parts {
            if !all.contains(&part) {
                all.push(part);
            }
        }
    }
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            all.push(last);
            Node::And(all)
        }
        (_, None) => Node::True,
    }
}

/// Returns the `or` of policies that are already simplified. The weights are scaled so that their sum is about [`ONE`].
pub(crate) fn disjunction(children: impl Iterator<Item = (u64, Node)>) -> Node {
    let mut all: Vec<(u64, Node)> = Vec::new();
    for (weight, child) in children {
        let parts = match child {
            Node::False => continue,
            Node::True => return Node::True,
            Node::Or(parts) => parts.into_iter().map(|(inner, part)| (scale(weight, inner), part)).collect(),
            other => vec![(weight, other)],
        };
        for (weight, part) in parts {
            match all.iter_mut().find(|(_, known)| *known == part) {
                Some((known, _)) => *known = known.saturating_add(weight),
                None => all.push((weight, part)),
            }
        }
    }
    let total: u128 = all.iter().map(|(weight, _)| u128::from(*weight)).sum();
    match (all.len(), all.pop()) {
        (_, None) => Node::False,
        (1, Some((_, only))) => only,
        (_, Some(last)) => {
            all.push(last);
            for (weight, _) in &mut all {
                let scaled = (u128::from(*weight) * u128::from(ONE)).checked_div(total).unwrap_or_default();
                *weight = u64::try_from(scaled).unwrap_or(ONE).max(1);
            }
            Node::Or(all)
        }
    }
}

/// Returns the policy that requires all conditions of a set, in the order in which they first occur in the text.
pub(crate) fn straight(set: &Set) -> Node {
    conjunction(set.iter().map(|&atom| Node::Atom(atom)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_conditions_never_hold_together() {
        const TIME: u32 = 500_000_000;
        let [ctv, other] = [1, 2].map(|byte| Atom::Ctv([byte; 32]));
        let hash = |byte| Atom::TemplateHash([byte; 32]);
        let cases = [
            (vec![Atom::After(5), Atom::After(TIME)], Some(Conflict::Locks)),
            (vec![Atom::Older(5), Atom::Older(SEQUENCE_TIME | 5)], Some(Conflict::Locks)),
            (vec![ctv.clone(), other.clone()], Some(Conflict::Templates)),
            (vec![hash(1), hash(2)], Some(Conflict::Templates)),
            (vec![Atom::After(5), Atom::After(TIME - 1), Atom::Older(5), Atom::Older(6)], None),
            (vec![Atom::After(TIME), Atom::Older(5)], None),
            (vec![Atom::After(5), Atom::Older(SEQUENCE_TIME | 5)], None),
            (vec![ctv.clone(), hash(2)], None),
        ];
        for (atoms, expected) in cases {
            let all: Set = (0..atoms.len()).collect();
            assert_eq!(conflict(&all, &atoms), expected, "{atoms:?}");
            // Ways that contain a conflict are dropped.
            let node = Node::And(all.iter().copied().map(Node::Atom).collect());
            assert_eq!(meaning(&node, &atoms).unwrap().sets.is_empty(), expected.is_some(), "{atoms:?}");
        }
    }

    #[test]
    fn implied_conditions_are_left_out() {
        let key = |internal| Atom::Sig(crate::atom::KeyRef { x: [1; 32], internal });
        let atoms = [Atom::After(5), Atom::After(6), key(false), key(true), Atom::Older(9)];
        let set = |indices: &[usize]| indices.iter().copied().collect::<Set>();
        // Of two conditions of which one implies the other, the stronger is kept. Of two equivalent conditions, the
        // first is kept.
        assert_eq!(reduce(&set(&[0, 1, 2, 3, 4]), &atoms), set(&[1, 2, 4]));
        assert_eq!(reduce(&set(&[0, 3]), &atoms), set(&[0, 3]));
        let [after, later, sig, same, older] = [0, 1, 2, 3, 4].map(Node::Atom);
        let and = |parts: &[&Node]| Node::And(parts.iter().map(|&part| part.clone()).collect());
        let none = Set::new();
        assert_eq!(tidy(&and(&[&after, &later]), &none, &atoms), later);
        assert_eq!(tidy(&and(&[&sig, &same, &older]), &none, &atoms), and(&[&sig, &older]));
        assert_eq!(tidy(&and(&[&sig, &older]), &set(&[3]), &atoms), older);
        // A condition around a part applies inside it. A condition in one part does not apply in another.
        let or = Node::Or(vec![(ONE / 2, and(&[&after, &sig])), (ONE / 2, older.clone())]);
        let tidied = Node::Or(vec![(ONE / 2, sig.clone()), (ONE / 2, older.clone())]);
        assert_eq!(tidy(&and(&[&later, &or]), &none, &atoms), and(&[&later, &tidied]));
        assert_eq!(tidy(&or, &none, &atoms), or);
        let two = Node::Thresh(2, vec![after, sig.clone(), older.clone()]);
        let half = ONE / 2;
        assert_eq!(tidy(&two, &set(&[1]), &atoms), Node::Or(vec![(half, sig), (half, older)]));
    }

    #[test]
    fn ways_are_written_out_up_to_a_bound() {
        let some = |count: usize| (0..count).map(Node::Atom).collect::<Vec<_>>();
        let or = |count: usize| Node::Or(some(count).into_iter().map(|node| (1, node)).collect());
        let of = |node: &Node| paths(node).map(|paths| paths.len());
        assert_eq!((of(&or(512)), of(&or(513)), of(&or(700))), (Some(512), None, None));
        let product = |count: usize| Node::And(vec![or(count), or(16)]);
        assert_eq!((of(&product(32)), of(&product(33))), (Some(512), None));
        let thresh = |count: usize| Node::Thresh(2, some(count));
        assert_eq!((of(&thresh(32)), of(&thresh(33))), (Some(496), None));
        let long = |count: usize| Node::Or(vec![(1, Node::And(some(count))); 16]);
        assert_eq!((of(&long(512)), of(&long(513))), (Some(16), None));
        let choices = Node::Thresh(1, vec![or(256), or(256)]);
        assert_eq!(of(&choices), Some(512));
        assert_eq!(of(&Node::Thresh(1, vec![or(256), or(257)])), None);
    }

    #[test]
    fn choices_are_in_lexical_order() {
        let texts = |n, k, limit| {
            let found = subsets(n, k, limit)?;
            Some(found.iter().map(|set| format!("{set:?}")).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(texts(4, 2, 6).unwrap(), "[0, 1] [0, 2] [0, 3] [1, 2] [1, 3] [2, 3]");
        assert_eq!((texts(4, 2, 5), texts(2, 3, 1)), (None, Some(String::new())));
        assert_eq!((texts(3, 3, 1).unwrap(), texts(3, 0, 1).unwrap()), ("[0, 1, 2]".into(), "[]".into()));
    }
}
