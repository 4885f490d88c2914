//! Plans: from what is at hand to the cheapest witness, its slots named and its size known before anything is signed.
//!
//! A plan is taken only if nobody can turn its witness into another one: with what it shows, there is one way to spend, its own.

use std::collections::BTreeSet;

use sigstack_interpreter::Flags;

use crate::assets::{Assets, Value};
use crate::atom::{Atom, SEQUENCE_BITS, is_time_lock};
use crate::compile::{Compiled, CompiledLeaf};
use crate::fragment::{Element, Stack};
use crate::limits::budget;
use crate::meaning::{Set, conflict};
use crate::policy::{HashFn, Rebind};
use crate::script::{compact_size, element_size};

/// Which signature a slot needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// Of the key path, by the tweaked output key, `SIGHASH_DEFAULT` (BIP 341).
    KeyPath,
    /// Of this leaf, `SIGHASH_DEFAULT` (BIP 342).
    Leaf,
    /// By a BIP 118 key, with the hash type that the policy names.
    Rebind(Rebind),
}

impl SignatureKind {
    /// The hash type byte; 0 is left out of the signature.
    pub const fn hash_type(self) -> u8 {
        match self {
            SignatureKind::KeyPath | SignatureKind::Leaf => 0x00,
            SignatureKind::Rebind(Rebind::AnyPrevout) => 0x41,
            SignatureKind::Rebind(Rebind::AnyPrevoutAnyScript) => 0xc1,
        }
    }
}

/// An element of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A signature of the transaction.
    Signature {
        /// Who signs.
        key: [u8; 32],
        /// What is signed.
        kind: SignatureKind,
    },
    /// A signature over a message.
    MessageSignature {
        /// Who signs.
        key: [u8; 32],
        /// The condition whose message it is.
        atom: usize,
        /// The parts of the message.
        values: Vec<Value>,
    },
    /// A preimage.
    Preimage {
        /// The function.
        function: HashFn,
        /// Its image.
        image: Vec<u8>,
    },
    /// The transaction's BIP 119 template hash.
    Template,
    /// Bytes that are known already.
    Known(Vec<u8>),
}

impl Slot {
    /// Bytes of the element.
    pub fn size(&self) -> usize {
        match self {
            Slot::Signature { kind, .. } if kind.hash_type() != 0 => 65,
            Slot::Signature { .. } | Slot::MessageSignature { .. } => 64,
            Slot::Preimage { .. } | Slot::Template => 32,
            Slot::Known(bytes) => bytes.len(),
        }
    }
}

/// What a witness is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Branch {
    /// The key path.
    Key,
    /// A leaf.
    Leaf(usize),
}

/// A way to spend that was chosen for given assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The key path or a leaf.
    pub branch: Branch,
    /// The conditions that it meets.
    pub atoms: Set,
    /// The elements before script and control block, bottom first.
    pub slots: Vec<Slot>,
    /// nLockTime that the transaction must have; 0 if any will do.
    pub lock_time: u32,
    /// nSequence that the input must have.
    pub sequence: u32,
    /// The leaf's script; empty for the key path.
    pub script: Vec<u8>,
    /// The control block; empty for the key path.
    pub control_block: Vec<u8>,
    /// Signature checks that are charged to the validation weight.
    pub signature_checks: usize,
    /// The flags of the proposals that the script uses.
    pub flags: Flags,
}

/// nSequence without a relative lock, replaceable and with nLockTime enforced.
pub const SEQUENCE_NO_LOCK: u32 = 0xffff_fffd;

/// Why there is no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// The assets do not satisfy the policy.
    NotSatisfied,
    /// They do, but whatever witness is made, anybody could replace it by another one.
    Malleable,
}

impl core::fmt::Display for PlanError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            PlanError::NotSatisfied => "these assets do not satisfy the policy",
            PlanError::Malleable => {
                "every witness of these assets can be replaced by another one that anybody can make"
            }
        })
    }
}

impl std::error::Error for PlanError {}

/// Why a plan was not filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillError {
    /// Nothing was given for the slot.
    Missing(usize),
    /// What was given for the slot has another length than the plan says.
    Length {
        /// The slot.
        slot: usize,
        /// Bytes that the plan says.
        needed: usize,
        /// Bytes that were given.
        is: usize,
    },
    /// A preimage that does not hash to its image.
    Preimage(usize),
}

impl core::fmt::Display for FillError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            FillError::Missing(slot) => write!(f, "nothing is given for slot {slot}"),
            FillError::Length { slot, needed, is } => write!(f, "slot {slot} needs {needed} bytes, not {is}"),
            FillError::Preimage(slot) => write!(f, "the preimage of slot {slot} does not hash to its image"),
        }
    }
}

impl std::error::Error for FillError {}

impl Plan {
    /// Size of the input's whole witness in bytes, which is its weight: the number of elements, the elements, script and
    /// control block, each with its length.
    pub fn witness_size(&self) -> usize {
        let slots: usize = self.slots.iter().map(|slot| element_size(slot.size())).sum();
        let count = self.slots.len() + if self.branch == Branch::Key { 0 } else { 2 };
        let tail = match self.branch {
            Branch::Key => 0,
            Branch::Leaf(_) => element_size(self.script.len()) + element_size(self.control_block.len()),
        };
        compact_size(count) + slots + tail
    }

    /// Validation weight that is left after all checks; negative fails (BIP 342). The key path has no such limit.
    pub fn budget(&self) -> i64 {
        budget(self.witness_size(), self.signature_checks)
    }

    /// The witness, each slot filled by `give`, which gets the slot and its index.
    ///
    /// # Errors
    ///
    /// [`FillError`] if a slot is left open, its length is not the planned one, or a preimage is wrong. Signatures are not
    /// verified here: that takes the transaction.
    pub fn fill(
        &self,
        mut give: impl FnMut(usize, &Slot) -> Option<Vec<u8>>,
    ) -> Result<Vec<Vec<u8>>, FillError> {
        let mut witness = Vec::with_capacity(self.slots.len() + 2);
        for (nth, slot) in self.slots.iter().enumerate() {
            let bytes = match slot {
                Slot::Known(bytes) => bytes.clone(),
                _ => give(nth, slot).ok_or(FillError::Missing(nth))?,
            };
            if bytes.len() != slot.size() {
                return Err(FillError::Length { slot: nth, needed: slot.size(), is: bytes.len() });
            }
            if let Slot::Preimage { function, image } = slot
                && function.hash(&bytes) != *image
            {
                return Err(FillError::Preimage(nth));
            }
            witness.push(bytes);
        }
        if self.branch != Branch::Key {
            witness.extend([self.script.clone(), self.control_block.clone()]);
        }
        Ok(witness)
    }
}

/// A way to spend under consideration.
#[derive(Clone, Debug)]
struct Candidate {
    branch: Branch,
    stack: Stack,
}

impl Candidate {
    fn atoms(&self) -> Set {
        let atom = |element: &Element| if let Element::Atom(index) = element { Some(*index) } else { None };
        self.stack.elements.iter().filter_map(atom).collect()
    }
}

impl Compiled {
    /// The cheapest witness for what is at hand that nobody else can change.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if there is none.
    pub fn plan(&self, assets: &Assets) -> Result<Plan, PlanError> {
        self.plan_among(assets, |_| true)
    }

    /// Like [`Compiled::plan`], among the ways to spend that `allows` takes.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if there is none.
    pub fn plan_among(&self, assets: &Assets, allows: impl Fn(Branch) -> bool) -> Result<Plan, PlanError> {
        let held: Vec<Option<Vec<Slot>>> =
            self.atoms().iter().map(|atom| assets.satisfy(self.index_of(atom), atom)).collect();
        let sizes: Vec<Option<usize>> = held
            .iter()
            .map(|slots| slots.as_ref().map(|slots| slots.iter().map(|slot| element_size(slot.size())).sum()))
            .collect();
        let mut candidates = self.candidates(&sizes, None);
        candidates.retain(|candidate| allows(candidate.branch) && self.locks_agree(candidate, &held));
        if candidates.is_empty() {
            return Err(PlanError::NotSatisfied);
        }
        let sound =
            candidates.into_iter().filter_map(|candidate| self.make_sound(candidate, &sizes, &allows));
        let cheapest = sound.min_by_key(|candidate| (self.weight(candidate), candidate.branch));
        let candidate = cheapest.ok_or(PlanError::Malleable)?;
        Ok(self.lay_out(&candidate, &held))
    }

    fn index_of(&self, atom: &Atom) -> usize {
        self.atoms().iter().position(|known| known == atom).unwrap_or(usize::MAX)
    }

    /// The ways to spend with the conditions that `sizes` has; `from` is the leaf whose signatures they hold.
    fn candidates(&self, sizes: &[Option<usize>], from: Option<Branch>) -> Vec<Candidate> {
        let mut found = Vec::new();
        let bound = |branch| from.is_some_and(|from| from != branch);
        if let Some(key) = self.key_path
            && !bound(Branch::Key)
            && let Some(Some(size)) = sizes.get(key)
        {
            found.push(Candidate {
                branch: Branch::Key,
                stack: Stack { size: *size, elements: vec![Element::Atom(key)] },
            });
        }
        for (nth, leaf) in self.leaves.iter().enumerate() {
            let mut sizes = sizes.to_vec();
            if bound(Branch::Leaf(nth)) {
                self.drop_bound(&mut sizes);
            }
            let sat = leaf.frag.satisfy(self.atoms(), &sizes).sat;
            let candidate = sat.map(|stack| Candidate { branch: Branch::Leaf(nth), stack });
            found.extend(candidate.filter(|candidate| conflict(&candidate.atoms(), self.atoms()).is_none()));
        }
        found
    }

    /// Whether one nLockTime can reach every lock of the candidate, signed ones included: all heights, or all times.
    fn locks_agree(&self, candidate: &Candidate, held: &[Option<Vec<Slot>>]) -> bool {
        let mut locks = Vec::new();
        for index in candidate.atoms() {
            if let Some(Atom::After(n)) = self.atoms().get(index) {
                locks.push(*n);
            }
            for slot in held.get(index).into_iter().flatten().flatten() {
                if let Slot::MessageSignature { values, .. } = slot {
                    locks.extend(values.iter().filter_map(Value::lock));
                }
            }
        }
        locks.windows(2).all(|pair| matches!(pair, [a, b] if is_time_lock(*a) == is_time_lock(*b)))
    }

    /// Takes out what is valid in one leaf only.
    fn drop_bound(&self, sizes: &mut [Option<usize>]) {
        for (size, atom) in sizes.iter_mut().zip(self.atoms()) {
            if atom.is_bound_to_leaf() {
                *size = None;
            }
        }
    }

    fn weight(&self, candidate: &Candidate) -> usize {
        match candidate.branch {
            Branch::Key => candidate.stack.size,
            Branch::Leaf(nth) => {
                let script = self.leaves.get(nth).map_or(0, |leaf| element_size(leaf.script.len()));
                let block = self.output.control_blocks.get(nth).map_or(0, |block| element_size(block.len()));
                candidate.stack.size + script + block
            }
        }
    }

    /// What everybody has once the candidate's witness is seen: what it shows, and with a template every lock.
    fn shown(&self, candidate: &Candidate, sizes: &[Option<usize>]) -> Vec<Option<usize>> {
        let used = candidate.atoms();
        let parts = || used.iter().filter_map(|&index| self.atoms().get(index));
        let has_template = parts().any(Atom::is_template);
        // The transaction of a template may have reached any lock: nothing is known of it here.
        let keep = |(atom, size): (&Atom, &Option<usize>)| {
            if has_template && atom.is_lock() {
                return Some(0);
            }
            size.filter(|_| parts().any(|used| used.implies(atom)))
        };
        self.atoms().iter().zip(sizes).map(keep).collect()
    }

    /// In how many ways the coin can be spent with what is shown, counted up to two.
    fn ways(&self, shown: &[Option<usize>], branch: Branch) -> u8 {
        let mut sum = u8::from(branch == Branch::Key);
        for (nth, leaf) in self.leaves.iter().enumerate() {
            let mut sizes = shown.to_vec();
            if branch != Branch::Leaf(nth) {
                self.drop_bound(&mut sizes);
            }
            let held: Vec<bool> = sizes.iter().map(Option::is_some).collect();
            sum = (sum + leaf.frag.ways(self.atoms(), &held).0).min(2);
        }
        sum
    }

    /// The candidate, or one that shows less, such that nobody can make another witness of what is shown.
    fn make_sound(
        &self,
        mut candidate: Candidate,
        sizes: &[Option<usize>],
        allows: &impl Fn(Branch) -> bool,
    ) -> Option<Candidate> {
        loop {
            let shown = self.shown(&candidate, sizes);
            if self.ways(&shown, candidate.branch) <= 1 {
                return Some(candidate);
            }
            // Leave one thing out at a time: each round shows less, so that this ends.
            let without = |atom: &usize| {
                let dropped = self.atoms().get(*atom)?;
                let keep = |(other, size): (&Atom, &Option<usize>)| size.filter(|_| !other.implies(dropped));
                let sizes: Vec<_> = self.atoms().iter().zip(&shown).map(keep).collect();
                let mut found = self.candidates(&sizes, Some(candidate.branch));
                found.retain(|candidate| allows(candidate.branch));
                found.into_iter().min_by_key(|candidate| (self.weight(candidate), candidate.branch))
            };
            candidate = candidate.atoms().iter().find_map(without)?;
        }
    }

    fn lay_out(&self, candidate: &Candidate, held: &[Option<Vec<Slot>>]) -> Plan {
        let atoms = candidate.atoms();
        let mut slots = Vec::new();
        for element in &candidate.stack.elements {
            match element {
                Element::Empty => slots.push(Slot::Known(Vec::new())),
                Element::One => slots.push(Slot::Known(vec![1])),
                Element::Key(index) => {
                    let key = self.atoms().get(*index).and_then(|atom| atom.keys().first());
                    slots.push(Slot::Known(key.map(|key| key.x.to_vec()).unwrap_or_default()));
                }
                Element::Atom(index) => slots.extend(held.get(*index).cloned().flatten().unwrap_or_default()),
            }
        }
        let (mut script, mut control_block) = (Vec::new(), Vec::new());
        match candidate.branch {
            Branch::Key => {
                for slot in &mut slots {
                    if let Slot::Signature { kind, .. } = slot {
                        *kind = SignatureKind::KeyPath;
                    }
                }
            }
            Branch::Leaf(nth) => {
                script = self.leaves.get(nth).map(|leaf| leaf.script.clone()).unwrap_or_default();
                control_block = self.output.control_blocks.get(nth).cloned().unwrap_or_default();
            }
        }
        let (mut lock_time, mut sequence) = (0, None);
        let mut signature_checks = 0;
        let mut flags = Flags::NONE;
        for atom in atoms.iter().filter_map(|&index| self.atoms().get(index)) {
            match atom {
                Atom::After(n) => lock_time = lock_time.max(*n),
                Atom::Older(n) => sequence = sequence.max(Some(n & SEQUENCE_BITS)),
                _ => {}
            }
            signature_checks += atom.signature_checks();
        }
        for slot in &slots {
            if let Slot::MessageSignature { values, .. } = slot {
                lock_time = values.iter().filter_map(Value::lock).fold(lock_time, u32::max);
            }
        }
        if let Branch::Leaf(nth) = candidate.branch {
            flags = self.leaves.get(nth).map(|leaf| self.leaf_flags(leaf)).unwrap_or_default();
        }
        if candidate.branch == Branch::Key {
            signature_checks = 0;
        }
        Plan {
            branch: candidate.branch,
            atoms,
            slots,
            lock_time,
            sequence: sequence.unwrap_or(SEQUENCE_NO_LOCK),
            script,
            control_block,
            signature_checks,
            flags,
        }
    }

    /// The flags of the proposals that a leaf's script uses.
    pub fn leaf_flags(&self, leaf: &CompiledLeaf) -> Flags {
        leaf.atoms.iter().filter_map(|&atom| self.atoms().get(atom)).map(Atom::flags).collect()
    }

    /// The size of a leaf's cheapest witness when everything is at hand; signatures and numbers at their full size.
    pub fn largest_use(&self, leaf: &CompiledLeaf) -> Option<usize> {
        let sizes: Vec<Option<usize>> =
            self.atoms().iter().map(|atom| Some(crate::piece::expected_size(atom))).collect();
        let stack = leaf.frag.satisfy(self.atoms(), &sizes).sat?;
        let elements: BTreeSet<usize> = BTreeSet::from([stack.elements.len()]);
        let count = elements.first().map_or(1, |count| compact_size(count + 2));
        Some(
            count
                + stack.size
                + element_size(leaf.script.len())
                + element_size(crate::tree::control_block_size(leaf.depth)),
        )
    }
}
