//! A compiled policy: the output, its leaves, and what the compiler found out about the policy.

use std::collections::BTreeSet;

use sigstack_interpreter::Flags;

use crate::atom::Atom;
use crate::fragment::Frag;
use crate::meaning::{Meaning, Set};
use crate::node::Node;
use crate::notes::Note;
use crate::program::Program;
use crate::tree::{Shape, TapOutput};

/// A compiled leaf of a taproot output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompiledLeaf {
    pub(crate) frag: Frag,
    /// Sets of conditions that satisfy the leaf, or `None` if there are too many to list.
    pub(crate) ways: Option<Vec<Set>>,
    /// Tapscript of the leaf.
    pub script: Vec<u8>,
    /// Number of Merkle steps from the leaf to the root.
    pub depth: usize,
    /// Probability that the leaf is used, in units of 1/[`ONE`](crate::ONE).
    pub probability: u64,
    /// Policy that the leaf enforces.
    pub policy: Node,
    /// Conditions that occur in the leaf, as indices into [`Compiled::atoms`].
    pub atoms: BTreeSet<usize>,
}

/// A compiled policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compiled {
    /// The policy text after all names were resolved.
    pub program: Program,
    /// The whole policy, simplified, including the key path.
    pub root: Node,
    /// Condition that is satisfied by a key path spend, as an index into [`Compiled::atoms`]. `None` if nobody can use
    /// the key path.
    pub key_path: Option<usize>,
    /// Probability that the key path is used, in units of 1/[`ONE`](crate::ONE).
    pub key_path_probability: u64,
    /// Leaves of the taproot output.
    pub leaves: Vec<CompiledLeaf>,
    /// Shape of the taproot tree. `None` if the output has no leaves.
    pub shape: Option<Shape>,
    /// The taproot output that the policy compiles to.
    pub output: TapOutput,
    /// Canonical form of the policy. `None` if there are too many ways to satisfy the policy: see [`crate::paths`].
    pub meaning: Option<Meaning>,
    /// Reasons why nodes would not relay a transaction, and assumptions that the scripts depend on.
    pub warnings: Vec<String>,
    /// Parts of the policy that have no effect, and parts that were not examined.
    pub notes: Vec<Note>,
}

impl Compiled {
    /// Returns the conditions of the policy.
    pub fn atoms(&self) -> &[Atom] {
        &self.program.atoms
    }

    /// Returns the flags of the proposals that must be active, in addition to today's consensus rules, for the scripts to
    /// enforce the policy.
    pub fn flags(&self) -> Flags {
        self.leaves
            .iter()
            .flat_map(|leaf| &leaf.atoms)
            .filter_map(|&atom| self.program.atoms.get(atom))
            .map(Atom::flags)
            .collect()
    }
}
