//! Plans: the elements of a witness, its size, and the locks of its transaction, computed before anything is signed.

use sigstack_interpreter::Flags;

use crate::limits::budget;
use crate::meaning::Set;
use crate::policy::{HashFn, Rebind};
use crate::script::{compact_size, element_size, number_bytes};
use crate::value::Value;

/// The kind of signature that an element of the witness needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// A key path signature by the tweaked output key with `SIGHASH_DEFAULT` (BIP 341).
    KeyPath,
    /// A signature with `SIGHASH_DEFAULT` for the leaf that the witness spends (BIP 342).
    Leaf,
    /// A signature by a BIP 118 key, with the hash type that the policy names.
    Rebind(Rebind),
}

impl SignatureKind {
    /// Returns the hash type byte of this kind of signature. If the hash type is 0, the byte is not appended to the
    /// signature.
    pub const fn hash_type(self) -> u8 {
        match self {
            SignatureKind::KeyPath | SignatureKind::Leaf => 0x00,
            SignatureKind::Rebind(rebind) => rebind.hash_type(),
        }
    }
}

/// An element of a planned witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A signature of the transaction, to be made by the owner of a key.
    Signature {
        /// X-only public key of the signer.
        key: [u8; 32],
        /// Kind of the signature: for the key path, for a leaf, or by a BIP 118 key.
        kind: SignatureKind,
    },
    /// A signature of a message for OP_CHECKSIGFROMSTACK, to be made by the owner of a key.
    MessageSignature {
        /// X-only public key of the signer.
        key: [u8; 32],
        /// Condition that contains the signed message, as an index into [`Compiled::atoms`](crate::Compiled::atoms).
        atom: usize,
        /// Values of the parts of the signed message, in the order of the policy text.
        values: Vec<Value>,
    },
    /// The 32-byte preimage of a hash, to be supplied by the spender.
    Preimage {
        /// Hash function that turns the preimage into `image`.
        function: HashFn,
        /// The hash whose preimage is needed.
        image: Vec<u8>,
    },
    /// The transaction's BIP 119 template hash, as a witness element.
    Template,
    /// A lock time that nLockTime must have reached. The script compares this element with nLockTime.
    Lock(u32),
    /// Bytes of a witness element that the plan already knows.
    Known(Vec<u8>),
}

impl Slot {
    /// Returns the size of the element in bytes, without its length prefix.
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

/// The branch of the output that a witness spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Branch {
    /// The witness spends the key path.
    Key,
    /// The witness spends a leaf, given as an index into [`Compiled::leaves`](crate::Compiled::leaves).
    Leaf(usize),
}

/// A witness before anything is signed, chosen for the assets of a spender: its elements, and the locks that the
/// transaction needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// Branch of the output that the witness spends: the key path or a leaf.
    pub branch: Branch,
    /// The conditions that the witness satisfies, as indices into [`Compiled::atoms`](crate::Compiled::atoms).
    pub atoms: Set,
    /// All witness elements except the script and the control block, bottom first.
    pub slots: Vec<Slot>,
    /// nLockTime that the transaction must have. With a later nLockTime, anybody might be able to replace the witness
    /// by one that uses another lock of the policy.
    pub lock_time: u32,
    /// nSequence that the input must have. With a relative lock, nVersion must be 2 or above.
    pub sequence: u32,
    /// `true` if a template fixes the transaction. The nLockTime and nSequence of the template must then be at least
    /// `lock_time` and `sequence`.
    pub fixes_transaction: bool,
    /// Script of the leaf that the witness spends. Empty if the witness spends the key path.
    pub script: Vec<u8>,
    /// Control block of the leaf that the witness spends. Empty if the witness spends the key path.
    pub control_block: Vec<u8>,
    /// Number of signature checks that the script charges to the validation weight (BIP 342).
    pub signature_checks: usize,
    /// Flags of the proposed soft forks that the script uses.
    pub flags: Flags,
}

/// nSequence of an input without a relative lock. It signals replaceability and lets nLockTime take effect.
pub const SEQUENCE_NO_LOCK: u32 = 0xffff_fffd;

/// Reason why the assets of a spender allow no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// The assets do not satisfy the policy.
    NotSatisfied,
    /// The assets satisfy the policy, but anybody could replace each possible witness by another one.
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

/// Reason why a witness could not be built from a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FillError {
    /// The caller supplied no element for the slot with this index in [`Plan::slots`].
    Missing(usize),
    /// The element supplied for the slot does not have the planned length.
    Length {
        /// Index in [`Plan::slots`] of the element that has the wrong length.
        slot: usize,
        /// Length in bytes that the plan requires for the element.
        needed: usize,
        /// Length in bytes of the supplied element.
        is: usize,
    },
    /// The preimage supplied for the slot with this index in [`Plan::slots`] does not have the required hash.
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
    /// Returns the size in bytes of the input's whole witness, which equals its weight: the number of elements, the
    /// elements, script and control block, each with its length.
    pub fn witness_size(&self) -> usize {
        let slots: usize = self.slots.iter().map(|slot| element_size(slot.size())).sum();
        let count = self.slots.len() + if self.branch == Branch::Key { 0 } else { 2 };
        let tail = match self.branch {
            Branch::Key => 0,
            Branch::Leaf(_) => element_size(self.script.len()) + element_size(self.control_block.len()),
        };
        compact_size(count) + slots + tail
    }

    /// Returns the validation weight that remains after all signature checks (BIP 342). If the result is negative, the
    /// script fails. The key path has no such limit.
    pub fn budget(&self) -> i64 {
        budget(self.witness_size(), self.signature_checks)
    }

    /// Returns the witness of the input. For each element that is not yet known, `give` is called with the index of the
    /// element in `slots` and with its slot, and must return the bytes of the element.
    ///
    /// # Errors
    ///
    /// [`FillError`] if `give` returns nothing, an element has another length than planned, or a preimage is wrong.
    /// Signatures are not verified, because that requires the transaction.
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
