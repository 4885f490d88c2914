//! Conditions that count twice in one way to spend.
//!
//! A signature counts wherever its key is asked for. So `thresh(2,pk(A),pk(A),pk(B))` needs A alone, and so does
//! `and(pk(A),pk(A))`: whoever wrote them meant two keys. A key is repeated if two parts of one `and` or threshold ask for it,
//! however deep they do. Keys in different alternatives of an `or` are not repeated.
//!
//! Preimages, messages, locks and templates are facts rather than acts: `and(pk(A),sha256(H))` and `and(pk(B),sha256(H))` can
//! both be parts of a threshold. A fact is repeated if it alone satisfies two parts.

use std::collections::BTreeMap;

use crate::atom::Atom;
use crate::policy::Span;
use crate::resolve::{Node, Places};

/// A condition that counts twice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeat {
    /// The condition as first written, and its place.
    pub(crate) first: (usize, Span),
    /// The condition that it counts for too.
    pub(crate) second: (usize, Span),
}

/// The first condition that counts twice in one way to satisfy `root`.
pub(crate) fn find(root: &Node, places: &Places, atoms: &[Atom]) -> Option<Repeat> {
    let facts = facts(atoms);
    part(root, places, &Search { atoms, facts: &facts }).err()
}

struct Search<'a> {
    atoms: &'a [Atom],
    /// For each condition, the index of the first condition that the same key, secret or lock satisfies.
    facts: &'a [usize],
}

/// A condition and its place.
type Written = (usize, Span);

/// Conditions of a part, by what counts for them.
#[derive(Default)]
struct Part {
    /// Those that a key of the transaction satisfies.
    keys: BTreeMap<[u8; 32], Written>,
    /// Those that satisfy the part alone, by their fact.
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

/// Facts about the parts of a policy that were visited so far.
struct Seen {
    first: Written,
    /// The place of the part that it is in.
    part: Span,
    /// In how many parts it is.
    parts: usize,
}

/// Adds what was found in a part. Of parts that are needed together no two may have the same.
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
            // A named policy that is used twice has its conditions in one place: the two uses are shown.
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

/// Returns for each condition the index of the first condition that the same key, secret or lock satisfies.
fn facts(atoms: &[Atom]) -> Vec<usize> {
    let is_same =
        |one: &Atom, other: &Atom| one.shows_secret_of(other) || (one.implies(other) && other.implies(one));
    let first = |atom: &Atom| atoms.iter().position(|known| is_same(known, atom));
    atoms.iter().enumerate().map(|(nth, atom)| first(atom).unwrap_or(nth)).collect()
}
