//! Finds parts of a policy that have no effect: alternatives that another alternative makes pointless, alternatives
//! that nothing satisfies, and conditions that another condition implies.
//!
//! Every way to satisfy the policy is listed with the alternatives that it takes. An alternative has no effect if no
//! remaining way takes it: each way that takes it contradicts itself, or requires more than another way.

use std::collections::{BTreeMap, BTreeSet};

use crate::atom::Atom;
use crate::meaning::{MAX_PATHS, Set, conflict, implies, is_weaker, simplify, subsets};
use crate::node::Node;
use crate::notes::{Note, NoteKind};
use crate::policy::Span;
use crate::program::{InternalKey, Places, Program};

/// Maximum number of conditions in the list of all ways to satisfy a policy. A condition counts once for each way that
/// contains it.
const MAX_CONDITIONS: usize = 8_192;

/// The notes on parts of a policy that have no effect, and the policy without these parts.
pub(crate) struct Spare {
    pub(crate) notes: Vec<Note>,
    /// The simplified policy without the alternatives that have no effect.
    pub(crate) root: Node,
}

/// An alternative of an `or`, or a part of a threshold that does not require all its parts. These alternatives are
/// numbered in the order of the text.
struct Choice {
    place: Span,
    policy: Node,
    /// Index of the alternative that directly encloses this alternative. `None` if no alternative encloses it.
    inside: Option<usize>,
}

/// A way to satisfy the policy: its conditions, and the indices of the `or` and threshold alternatives that it uses.
#[derive(Clone, Default)]
struct Way {
    set: Set,
    choices: BTreeSet<usize>,
}

#[derive(Default)]
struct Writer {
    choices: Vec<Choice>,
}

impl Writer {
    /// Returns the ways to satisfy a part of the policy, or `None` if there are more than [`MAX_PATHS`].
    fn ways(&mut self, node: &Node, places: &Places, inside: Option<usize>) -> Option<Vec<Way>> {
        let none = Places::default();
        let place = |nth: usize| places.parts.get(nth).unwrap_or(&none);
        match node {
            Node::True => Some(vec![Way::default()]),
            Node::False => Some(Vec::new()),
            Node::Atom(atom) => Some(vec![Way { set: Set::from([*atom]), choices: BTreeSet::new() }]),
            Node::And(children) => {
                let ways = children.iter().enumerate();
                let ways: Option<Vec<_>> =
                    ways.map(|(nth, child)| self.ways(child, place(nth), inside)).collect();
                product(ways?.iter())
            }
            Node::Or(children) => {
                let mut all = Vec::new();
                for (nth, (_, child)) in children.iter().enumerate() {
                    all.extend(self.choice(child, place(nth), inside)?);
                }
                (all.len() <= MAX_PATHS).then_some(all)
            }
            Node::Thresh(k, children) => {
                let mut parts = Vec::new();
                for (nth, child) in children.iter().enumerate() {
                    parts.push(if *k < children.len() {
                        self.choice(child, place(nth), inside)?
                    } else {
                        self.ways(child, place(nth), inside)?
                    });
                }
                let mut all = Vec::new();
                for subset in subsets(children.len(), *k, MAX_PATHS)? {
                    all.extend(product(subset.iter().filter_map(|&nth| parts.get(nth)))?);
                    if all.len() > MAX_PATHS {
                        return None;
                    }
                }
                Some(all)
            }
        }
    }

    fn choice(&mut self, policy: &Node, places: &Places, inside: Option<usize>) -> Option<Vec<Way>> {
        let choice = self.choices.len();
        self.choices.push(Choice { place: places.span, policy: policy.clone(), inside });
        let mut ways = self.ways(policy, places, Some(choice))?;
        for way in &mut ways {
            way.choices.insert(choice);
        }
        Some(ways)
    }
}

fn product<'a>(parts: impl Iterator<Item = &'a Vec<Way>>) -> Option<Vec<Way>> {
    let mut all = vec![Way::default()];
    for part in parts {
        if all.len().saturating_mul(part.len()) > MAX_PATHS {
            return None;
        }
        let join = |left: &Way, right: &Way| Way {
            set: left.set.union(&right.set).copied().collect(),
            choices: left.choices.union(&right.choices).copied().collect(),
        };
        all = all.iter().flat_map(|left| part.iter().map(move |right| join(left, right))).collect();
    }
    Some(all)
}

/// Finds the parts of a policy that have no effect. Returns `None` if there are too many ways to satisfy the policy.
pub(crate) fn look(program: &Program, root: &Node, places: &Places) -> Option<Spare> {
    let atoms = &program.atoms;
    let mut writer = Writer::default();
    // If the output has a key path, the leaves together form one alternative, next to the key path.
    let has_key_path = matches!(program.internal, InternalKey::Key(_)) && program.tree.is_none();
    let ways =
        if has_key_path { writer.choice(root, places, None)? } else { writer.ways(root, places, None)? };
    if ways.iter().map(|way| way.set.len()).sum::<usize>() > MAX_CONDITIONS {
        return None;
    }
    let is_met_by_key_path = |way: &Way| {
        let is_internal = |atom: &Atom| match (program.internal, atom) {
            // A leaf with `internal` requires a signature for that leaf. A key path signature does not replace it, so
            // the leaf is kept.
            (InternalKey::Key(x), Atom::Sig(key)) => key.x == x && !key.internal,
            _ => false,
        };
        // A way that consists of the key alone is the key path itself. It is kept, because its weight is the
        // probability of the key path.
        way.set.len() > 1 && way.set.iter().filter_map(|&index| atoms.get(index)).any(is_internal)
    };
    let is_dead: Vec<bool> = ways.iter().map(|way| conflict(&way.set, atoms).is_some()).collect();
    let alive = || ways.iter().enumerate().filter(|(nth, _)| is_dead.get(*nth) == Some(&false));
    // Of two ways with the same conditions the first one remains.
    let absorbs = |(nth, way): (usize, &Way), (other_nth, other): (usize, &Way)| {
        nth != other_nth
            && is_weaker(&way.set, &other.set, atoms)
            && (nth < other_nth || !is_weaker(&other.set, &way.set, atoms))
    };
    let remaining: Vec<&Way> = alive()
        .filter(|(_, way)| !is_met_by_key_path(way))
        .filter(|other| !alive().any(|way| absorbs(way, *other)))
        .map(|(_, way)| way)
        .collect();
    let used: BTreeSet<usize> = remaining.iter().flat_map(|way| &way.choices).copied().collect();

    let (mut notes, mut heirs) = (Vec::new(), BTreeMap::new());
    for (nth, choice) in writer.choices.iter().enumerate() {
        if used.contains(&nth) || choice.inside.is_some_and(|outer| !used.contains(&outer)) {
            continue;
        }
        let policy = program.describe_policy(&choice.policy);
        let Some((_, way)) = alive().find(|(_, way)| way.choices.contains(&nth)) else {
            let text = format!("nothing satisfies `{policy}`");
            notes.push(Note { kind: NoteKind::Never, text, places: vec![choice.place] });
            continue;
        };
        let by_key_path = is_met_by_key_path(way);
        let other = remaining.iter().find(|other| is_weaker(&other.set, &way.set, atoms));
        let heir = other.and_then(|other| other.choices.difference(&way.choices).next());
        let named = other.zip(heir).map(|(other, heir)| innermost(*heir, other, &writer.choices));
        let other = named.and_then(|named| writer.choices.get(named));
        heirs.extend(heir.map(|&heir| (nth, heir)));
        let (instead, place) = match other {
            _ if by_key_path => ("the key path".into(), program.internal_span),
            Some(other) => (format!("`{}`", program.describe_policy(&other.policy)), other.place),
            None => ("the rest of the policy".into(), program.span),
        };
        let text = format!("`{policy}` has no effect: whoever can use it can use {instead}");
        notes.push(Note { kind: NoteKind::Pointless, text, places: vec![choice.place, place] });
    }
    let root = match has_key_path {
        true if !used.contains(&0) => Node::False,
        _ => simplify(&without(root, &(used, heirs), &mut usize::from(has_key_path))),
    };
    Some(Spare { notes, root })
}

/// Returns the innermost alternative that `way` takes inside the alternative `choice`. Follows only an `or` that is
/// directly nested in an `or`. Stops at a threshold or an `and`, because `way` then satisfies several parts.
fn innermost(choice: usize, way: &Way, choices: &[Choice]) -> usize {
    let mut found = choice;
    for &next in &way.choices {
        let is_or = choices.get(found).is_some_and(|found| matches!(found.policy, Node::Or(_)));
        if is_or && choices.get(next).is_some_and(|next| next.inside == Some(found)) {
            found = next;
        }
    }
    found
}

/// The indices of the alternatives that are kept. The map gives, for a removed alternative, the index of the kept
/// alternative that replaces it, if known.
type Kept = (BTreeSet<usize>, BTreeMap<usize, usize>);

/// Returns the policy without the removed alternatives. A kept alternative that replaces a removed one of the same `or`
/// receives its weight. `next` counts the alternatives in the same order as [`Writer`].
fn without(node: &Node, kept: &Kept, next: &mut usize) -> Node {
    let choice = |child: &Node, next: &mut usize| {
        let number = *next;
        *next += 1;
        let child = without(child, kept, next);
        (number, if kept.0.contains(&number) { child } else { Node::False })
    };
    match node {
        Node::True | Node::False | Node::Atom(_) => node.clone(),
        Node::And(children) => Node::And(children.iter().map(|child| without(child, kept, next)).collect()),
        Node::Or(children) => {
            let mut found = Vec::new();
            for (weight, child) in children {
                let (number, child) = choice(child, next);
                found.push((number, *weight, child));
            }
            let given: Vec<(usize, u64)> = found
                .iter()
                .filter_map(|(number, weight, _)| Some((*kept.1.get(number)?, *weight)))
                .collect();
            let weighted = |(number, weight, child)| {
                let more = given.iter().filter(|(heir, _)| *heir == number).map(|(_, weight)| *weight);
                (more.fold(weight, u64::saturating_add), child)
            };
            Node::Or(found.into_iter().map(weighted).collect())
        }
        Node::Thresh(k, children) if *k < children.len() => {
            Node::Thresh(*k, children.iter().map(|child| choice(child, next).1).collect())
        }
        Node::Thresh(k, children) => {
            Node::Thresh(*k, children.iter().map(|child| without(child, kept, next)).collect())
        }
    }
}

/// Returns notes on conditions that another condition of the same `and` implies, such as `older(5)` next to `older(6)`.
pub(crate) fn implied(program: &Program, root: &Node, places: &Places) -> Vec<Note> {
    let mut notes = Vec::new();
    look_for_implied(program, root, places, &[], &mut notes);
    notes
}

fn look_for_implied(
    program: &Program,
    node: &Node,
    places: &Places,
    held: &[(usize, Span)],
    notes: &mut Vec<Note>,
) {
    let children: Vec<&Node> = match node {
        Node::True | Node::False => return,
        Node::Atom(index) => {
            let (index, span) = (*index, places.span);
            let includes = |(other, place): &&(usize, Span)| {
                let is_itself = (place.start, place.end) == (span.start, span.end);
                let is_mutual = implies(index, *other, &program.atoms);
                implies(*other, index, &program.atoms)
                    && !is_itself
                    && (!is_mutual || place.start < span.start)
            };
            if let Some((other, place)) = held.iter().find(includes) {
                let [this, other] = [index, *other].map(|index| program.describe(index));
                let text = format!("`{this}` has no effect beside `{other}`");
                notes.push(Note { kind: NoteKind::Implied, text, places: vec![span, *place] });
            }
            return;
        }
        Node::And(children) | Node::Thresh(_, children) => children.iter().collect(),
        Node::Or(children) => children.iter().map(|(_, child)| child).collect(),
    };
    let none = Places::default();
    let with_places = || {
        let place = |nth: usize| places.parts.get(nth).unwrap_or(&none);
        children.iter().enumerate().map(move |(nth, child)| (*child, place(nth)))
    };
    let mut inner = held.to_vec();
    if matches!(node, Node::And(_)) {
        let plain = with_places().filter_map(|(child, place)| match child {
            Node::Atom(index) => Some((*index, place.span)),
            _ => None,
        });
        inner.extend(plain);
    }
    for (child, place) in with_places() {
        look_for_implied(program, child, place, &inner, notes);
    }
}
