//! Plans: the elements of a witness, its size, and the locks of its transaction, known before anything is signed.

use sigstack_interpreter::Flags;

use crate::assets::Value;
use crate::limits::budget;
use crate::meaning::Set;
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
                "there is no non-malleable witness: anybody can replace each witness of these assets by another one"
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
