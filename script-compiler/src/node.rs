//! Policies with resolved names, as trees of conditions, and the probabilities of their alternatives.

/// Sum of the weights of an `or`. Probabilities are integers in units of 1/`ONE`.
pub const ONE: u64 = 1 << 32;

/// A policy whose conditions are indices into [`Program::atoms`](crate::Program::atoms).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A policy that is always satisfied.
    True,
    /// A policy that is never satisfied.
    False,
    /// A condition, as an index into [`Program::atoms`](crate::Program::atoms).
    Atom(usize),
    /// Requires all of the listed policies.
    And(Vec<Node>),
    /// Requires one of the listed policies. Each comes with its probability in units of 1/[`ONE`]. The sum of the
    /// probabilities is [`ONE`].
    Or(Vec<(u64, Node)>),
    /// Requires at least this number of the listed policies.
    Thresh(usize, Vec<Node>),
}

impl Node {
    /// Returns `true` if the policy can be satisfied without any condition for which `wanted` returns `true`.
    pub(crate) fn can_lack(&self, wanted: &impl Fn(usize) -> bool) -> bool {
        match self {
            Node::True => true,
            Node::False => false,
            Node::Atom(atom) => !wanted(*atom),
            Node::And(children) => children.iter().all(|child| child.can_lack(wanted)),
            Node::Or(children) => children.iter().any(|(_, child)| child.can_lack(wanted)),
            Node::Thresh(k, children) => children.iter().filter(|child| child.can_lack(wanted)).count() >= *k,
        }
    }

    /// Returns the number of nodes in the policy: conditions, constants, and policies that combine others.
    pub(crate) fn size(&self) -> usize {
        match self {
            Node::True | Node::False | Node::Atom(_) => 1,
            Node::And(children) | Node::Thresh(_, children) => {
                1 + children.iter().map(Node::size).sum::<usize>()
            }
            Node::Or(children) => 1 + children.iter().map(|(_, child)| child.size()).sum::<usize>(),
        }
    }

    /// Appends the conditions to `found` in the order of the text. A condition that occurs several times is appended each
    /// time.
    pub(crate) fn collect_atoms(&self, found: &mut Vec<usize>) {
        match self {
            Node::True | Node::False => {}
            Node::Atom(index) => found.push(*index),
            Node::And(children) | Node::Thresh(_, children) => {
                children.iter().for_each(|child| child.collect_atoms(found));
            }
            Node::Or(children) => children.iter().for_each(|(_, child)| child.collect_atoms(found)),
        }
    }
}

/// Multiplies two probabilities. The result is at least one unit, so that no path has probability 0.
pub(crate) fn scale(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b) / u128::from(ONE);
    u64::try_from(product).unwrap_or(u64::MAX).max(1)
}

/// Returns the probability of one of `n` equally probable alternatives.
pub(crate) fn share(n: usize) -> u64 {
    ONE.checked_div(u64::try_from(n).unwrap_or(u64::MAX)).unwrap_or(ONE).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_products_are_never_nothing() {
        assert_eq!([share(0), share(1), share(4), share(usize::MAX)], [ONE, ONE, ONE / 4, 1]);
        assert_eq!([scale(ONE, ONE), scale(ONE / 2, ONE / 2), scale(1, 1)], [ONE, ONE / 4, 1]);
    }
}
