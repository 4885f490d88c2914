//! Finds conditions that count twice in one way to spend, so that one signature or secret satisfies both.
//!
//! One signature satisfies every occurrence of its key. So A alone satisfies `thresh(2,pk(A),pk(A),pk(B))` and
//! `and(pk(A),pk(A))`, whose authors probably meant two keys. A key is repeated if two parts of one `and` or threshold
//! require it, at any depth. A key in different alternatives of an `or` is not repeated.
//!
//! Preimages, messages, locks and templates are facts that several parts may share: a threshold may contain both
//! `and(pk(A),sha256(H))` and `and(pk(B),sha256(H))`. A fact is repeated only if it satisfies two parts on its own.

use std::collections::BTreeMap;

use crate::atom::Atom;
use crate::node::Node;
use crate::policy::Span;
use crate::program::Places;

/// Two conditions that one signature or secret satisfies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeat {
    /// Index of the condition that occurs first in the text, and its byte range.
    pub(crate) first: (usize, Span),
    /// Index of the second condition that the same signature or secret satisfies, and its byte range in the text.
    pub(crate) second: (usize, Span),
}

/// Returns the first two conditions of `root` that one way to spend requires together although one signature or secret
/// satisfies both. `None` if there are no such conditions.
pub(crate) fn find(root: &Node, places: &Places, atoms: &[Atom]) -> Option<Repeat> {
    let facts = facts(atoms);
    part(root, places, &Search { atoms, facts: &facts }).err()
}

struct Search<'a> {
    atoms: &'a [Atom],
    /// For each condition, the index of the first condition that the same secret, message, lock or template satisfies.
    facts: &'a [usize],
}

/// The index of a condition, and its byte range in the text.
type Written = (usize, Span);

/// The conditions in one part of a policy, each stored under the key or fact (preimage, message, lock or template) that
/// satisfies it.
#[derive(Default)]
struct Part {
    /// Conditions of this policy part that need a signature of the transaction, each stored under the public key.
    keys: BTreeMap<[u8; 32], Written>,
    /// Conditions that alone satisfy this policy part. The key of the map is the condition's entry in
    /// [`Search::facts`].
    alone: BTreeMap<usize, Written>,
}

fn part(node: &Node, places: &Places, search: &Search<'_>) -> Result<Part, Repeat> {
    let children: Vec<&Node> = match node {
        Node::True | Node::False => return Ok(Part::default()),
        Node::Atom(index) => return Ok(search.condition((*index, places.span))),
        Node::And(children) | Node::Thresh(_, children) => children.iter().collect(),
        Node::Or(children) => children.iter().map(|(_, child)| child).collect(),
    };
    let trivial = children.iter().filter(|child| ***child == Node::True).count();
    let needed = match node {
        Node::And(_) => children.len() - trivial,
        Node::Thresh(k, _) => k.saturating_sub(trivial),
        _ => 1,
    };
    let none = Places::default();
    let mut keys = BTreeMap::new();
    let mut facts = BTreeMap::new();
    for (nth, child) in children.into_iter().enumerate() {
        let place = places.parts.get(nth).unwrap_or(&none);
        let found = part(child, place, search)?;
        join(&mut keys, found.keys, place.span, needed)?;
        join(&mut facts, found.alone, place.span, needed)?;
    }
    let keys = keys.into_iter().map(|(key, seen)| (key, seen.first)).collect();
    let alone = facts.into_iter().filter(|(_, seen)| seen.parts >= needed);
    Ok(Part { keys, alone: alone.map(|(fact, seen)| (fact, seen.first)).collect() })
}

/// The occurrences of one key or fact (preimage, message, lock or template) in the policy parts examined so far.
struct Seen {
    first: Written,
    /// Byte range of the policy part that contains the first occurrence of this key or fact (preimage, message, lock or
    /// template).
    part: Span,
    /// Number of examined policy parts that contain this key or fact (preimage, message, lock or template).
    parts: usize,
}

/// Adds the conditions found in one part to those found in earlier parts. `needed` of the parts must be satisfied
/// together. Returns an error if `needed` is at least 2 and two parts share a key or fact.
fn join<K: Ord>(
    seen: &mut BTreeMap<K, Seen>,
    found: BTreeMap<K, Written>,
    part: Span,
    needed: usize,
) -> Result<(), Repeat> {
    for (what, second) in found {
        match seen.get_mut(&what) {
            None => drop(seen.insert(what, Seen { first: second, part, parts: 1 })),
            Some(known) if needed < 2 => known.parts += 1,
            // The conditions of a named policy have only one place. If the name is used twice, the error shows the two uses
            // instead.
            Some(Seen { first, part: first_part, .. }) => {
                let is_same = (first.1.start, first.1.end) == (second.1.start, second.1.end);
                let [one, other] = if is_same { [*first_part, part] } else { [first.1, second.1] };
                return Err(Repeat { first: (first.0, one), second: (second.0, other) });
            }
        }
    }
    Ok(())
}

impl Search<'_> {
    fn condition(&self, written: Written) -> Part {
        let mut part = Part::default();
        match self.atoms.get(written.0) {
            Some(Atom::Sig(key) | Atom::Rebind(_, key)) => drop(part.keys.insert(key.x, written)),
            Some(_) => {
                let fact = self.facts.get(written.0).copied().unwrap_or(written.0);
                part.alone.insert(fact, written);
            }
            None => {}
        }
        part
    }
}

/// Returns, for each condition, the index of the first condition that the same secret, message, lock or template
/// satisfies.
fn facts(atoms: &[Atom]) -> Vec<usize> {
    let is_same =
        |one: &Atom, other: &Atom| one.shows_secret_of(other) || (one.implies(other) && other.implies(one));
    let first = |atom: &Atom| atoms.iter().position(|known| is_same(known, atom));
    atoms.iter().enumerate().map(|(nth, atom)| first(atom).unwrap_or(nth)).collect()
}
