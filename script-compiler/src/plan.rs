//! Plans: from what is at hand to the cheapest witness, its slots named and its size known before anything is signed.
//!
//! A plan is taken only if nobody can turn its witness into another one: with what it shows, there is one way to spend, its own.

use std::collections::BTreeSet;

use sigstack_interpreter::Flags;

use crate::assets::{Assets, Value, shows};
use crate::atom::{Atom, SEQUENCE_BITS};
use crate::compile::{Compiled, CompiledLeaf};
use crate::fragment::{Element, Stack};
use crate::limits::budget;
use crate::meaning::{Set, conflict};
use crate::policy::{HashFn, Rebind};
use crate::script::{compact_size, element_size, number_bytes};

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
            SignatureKind::Rebind(rebind) => rebind.hash_type(),
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
    /// A number that nLockTime must have reached.
    Lock(u32),
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
            Slot::Lock(lock) => number_bytes((*lock).into()).len(),
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
#[non_exhaustive]
pub struct Plan {
    /// The key path or a leaf.
    pub branch: Branch,
    /// The conditions that it meets.
    pub atoms: Set,
    /// The elements before script and control block, bottom first.
    pub slots: Vec<Slot>,
    /// nLockTime that the transaction must have. With a later one it may reach a lock that the plan does not use, and the
    /// witness could be replaced by one that does.
    pub lock_time: u32,
    /// nSequence that the input must have; with a relative lock, nVersion is 2 or above.
    pub sequence: u32,
    /// Whether a template fixes the transaction: then its locks are the template's, which must reach these two.
    pub fixes_transaction: bool,
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
#[non_exhaustive]
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
#[non_exhaustive]
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
                Slot::Lock(lock) => number_bytes((*lock).into()),
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
        let mut is_satisfied = false;
        let mut best: Option<((usize, Branch), Plan)> = None;
        for assets in assets.by_kinds_of_locks() {
            let held: Vec<Option<Vec<Slot>>> =
                self.atoms().iter().enumerate().map(|(nth, atom)| assets.satisfy(nth, atom)).collect();
            let size = |slots: &Vec<Slot>| slots.iter().map(|slot| element_size(slot.size())).sum();
            let sizes: Vec<Option<usize>> = held.iter().map(|slots| slots.as_ref().map(size)).collect();
            let mut candidates = self.candidates(&sizes, None);
            candidates.retain(|candidate| allows(candidate.branch));
            is_satisfied |= !candidates.is_empty();
            let sound = candidates
                .into_iter()
                .filter_map(|candidate| self.make_sound(candidate, &sizes, &held, &allows));
            for candidate in sound {
                let rank = (self.weight(&candidate), candidate.branch);
                if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                    best = Some((rank, self.lay_out(&candidate, &held)));
                }
            }
        }
        match best {
            Some((_, plan)) => Ok(plan),
            None if is_satisfied => Err(PlanError::Malleable),
            None => Err(PlanError::NotSatisfied),
        }
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
            if bound(Branch::Leaf(nth)) && !self.is_twin(nth, from) {
                self.drop_bound(&mut sizes);
            }
            let sat = leaf.frag.satisfy(self.atoms(), &sizes).sat;
            let candidate = sat.map(|stack| Candidate { branch: Branch::Leaf(nth), stack });
            found.extend(candidate.filter(|candidate| conflict(&candidate.atoms(), self.atoms()).is_none()));
        }
        found
    }

    /// Whether a leaf has the same script as the other one, so that signatures for one are valid in the other.
    fn is_twin(&self, leaf: usize, other: Option<Branch>) -> bool {
        let Some(Branch::Leaf(other)) = other else { return false };
        matches!((self.leaves.get(leaf), self.leaves.get(other)), (Some(a), Some(b)) if a.script == b.script)
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

    /// What is shown, and what its values meet beside what they were shown for: a number that a key signed for one condition
    /// may fit another one.
    fn exposed(
        &self,
        candidate: &Candidate,
        shown: &[Option<usize>],
        held: &[Option<Vec<Slot>>],
    ) -> Vec<Option<usize>> {
        let used: Vec<usize> = candidate.atoms().into_iter().collect();
        let slots: Vec<&Slot> =
            used.iter().filter_map(|&index| held.get(index)?.as_ref()).flatten().collect();
        let meets = |atom: &Atom| {
            match atom {
            Atom::Signed(msg, keys) => slots.iter().any(|slot| {
                let Slot::MessageSignature { atom: of, values, .. } = slot else { return false };
                let signers = slots.iter().filter_map(|other| match other {
                    Slot::MessageSignature { key, atom, values: signed } if atom == of && signed == values => {
                        Some(*key)
                    }
                    _ => None,
                });
                let signers: BTreeSet<[u8; 32]> = signers.collect();
                keys.iter().all(|key| signers.contains(&key.x))
                    && matches!(self.atoms().get(*of), Some(Atom::Signed(shown, _)) if shows(shown, values, msg))
            }),
            Atom::Opens(..) | Atom::Hash(..) => {
                used.iter().filter_map(|&index| self.atoms().get(index)).any(|used| used.shows_secret_of(atom))
            }
            _ => false,
        }
        };
        let keep = |(atom, size): (&Atom, &Option<usize>)| size.or_else(|| meets(atom).then_some(1));
        self.atoms().iter().zip(shown).map(keep).collect()
    }

    /// In how many ways the coin can be spent with what is exposed, counted up to two.
    fn ways(&self, shown: &[Option<usize>], branch: Branch) -> u8 {
        let mut sum = u8::from(branch == Branch::Key);
        for (nth, leaf) in self.leaves.iter().enumerate() {
            let mut sizes = shown.to_vec();
            if branch != Branch::Leaf(nth) && !self.is_twin(nth, Some(branch)) {
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
        held: &[Option<Vec<Slot>>],
        allows: &impl Fn(Branch) -> bool,
    ) -> Option<Candidate> {
        loop {
            let shown = self.shown(&candidate, sizes);
            if self.ways(&self.exposed(&candidate, &shown, held), candidate.branch) <= 1 {
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
        let fixes_transaction =
            atoms.iter().filter_map(|&index| self.atoms().get(index)).any(Atom::is_template);
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
            if let Slot::Lock(lock) = slot {
                lock_time = lock_time.max(*lock);
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
            fixes_transaction,
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

    /// The size of a leaf's cheapest witness when everything is at hand, and its signature checks; signatures and numbers at
    /// their full size.
    pub fn cheapest_use(&self, leaf: &CompiledLeaf) -> Option<(usize, usize)> {
        let sizes: Vec<Option<usize>> =
            self.atoms().iter().map(|atom| Some(crate::piece::expected_size(atom))).collect();
        let stack = leaf.frag.satisfy(self.atoms(), &sizes).sat?;
        let size = compact_size(stack.elements.len() + 2)
            + stack.size
            + element_size(leaf.script.len())
            + element_size(crate::tree::control_block_size(leaf.depth));
        // An empty signature is not charged; a signature in the script is not in the witness.
        let mut met: Set = Candidate { branch: Branch::Key, stack }.atoms();
        let is_presigned = |index: &&usize| matches!(self.atoms().get(**index), Some(Atom::Presigned(..)));
        met.extend(leaf.atoms.iter().filter(is_presigned));
        let checks = met.iter().filter_map(|&index| self.atoms().get(index)).map(Atom::signature_checks);
        Some((size, checks.sum()))
    }
}
