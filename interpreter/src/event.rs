//! The events that a verification reports to an [`Inspector`](crate::Inspector) because the stacks do not show them:
//! signature checks, computed hashes, skipped rules, and the steps of a taproot commitment check.

use crate::proposals::Proposal;
use crate::sighash::taproot::TaprootMessage;
use crate::unchecked::Unchecked;

/// How the message of a signature check was computed. Each variant has the data that the signature commits to besides
/// the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedMessage {
    /// The signed message is the legacy signature hash.
    Legacy {
        /// Script code that the signature commits to.
        script_code: Vec<u8>,
        /// Hash type: the last byte of the signature.
        hash_type: u8,
    },
    /// The signed message is the BIP 143 signature hash (segwit v0).
    SegwitV0 {
        /// Script code that the signature commits to.
        script_code: Vec<u8>,
        /// Hash type: the last byte of the signature.
        hash_type: u8,
    },
    /// The signed message is the signature hash of BIP 341, BIP 342 or BIP 118 (taproot and tapscript).
    Taproot {
        /// The annex and the tapscript data that the signature commits to.
        message: TaprootMessage,
        /// Hash type; 0 (`SIGHASH_DEFAULT`) for a signature of 64 bytes.
        hash_type: u8,
    },
    /// The signed message is an element of the stack, unchanged (`OP_CHECKSIGFROMSTACK`, BIP 348).
    Stack,
}

/// A signature that was verified on the curve, with the result. A signature check that fails earlier, for example
/// because of an encoding, is not reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureCheck {
    /// The signature that was verified, without its hash type byte.
    pub signature: Vec<u8>,
    /// Public key that the signature was verified with. For a Schnorr signature, the 32-byte x-only key.
    pub public_key: Vec<u8>,
    /// How the signed message was computed.
    pub signed: SignedMessage,
    /// The signed bytes: the 32-byte signature hash, or the message that `OP_CHECKSIGFROMSTACK` took from the stack.
    pub message: Vec<u8>,
    /// Whether the signature is valid.
    pub valid: bool,
}

/// A hash that the opcode of a proposal computed, such as a template hash, and the message that was hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputedHash {
    /// The proposal that defines the hash.
    pub proposal: &'static Proposal,
    /// Name of the hash for display, such as "template hash".
    pub name: &'static str,
    /// Whether the hash commits to the transaction. False for a hash of stack elements.
    pub is_of_transaction: bool,
    /// Fields of the hashed message in order: for each, its name in the BIP and its bytes. The tag of a tagged hash is
    /// not included.
    pub fields: Vec<(&'static str, Vec<u8>)>,
    /// Optional fields that are absent from the hashed message, for display: for each, its name and the reason.
    pub left_out: Vec<(&'static str, &'static str)>,
    /// The hash that the opcode computed.
    pub digest: [u8; 32],
}

impl ComputedHash {
    /// Returns the message that was hashed, without the tag of a tagged hash.
    pub fn message(&self) -> Vec<u8> {
        self.fields.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect()
    }
}

/// Something that happened during a verification and that the stacks do not show.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A signature was verified on the curve. It may be valid or invalid.
    Signature(SignatureCheck),
    /// The opcode of a proposal computed a hash.
    Hash(ComputedHash),
    /// A rule was not checked, for the given reason. An `OP_SUCCESSx` does not cause this event: it is reported by
    /// [`crate::Inspector::op_success`].
    Unchecked(Unchecked),
}

/// A step of the check that a taproot output commits to a leaf (BIP 341 "Script validation rules").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitmentStep<'a> {
    /// The tapleaf hash of the leaf was computed.
    Leaf {
        /// Leaf version, from the first byte of the control block.
        version: u8,
        /// The leaf's script.
        script: &'a [u8],
        /// Tapleaf hash of the leaf version and the script.
        hash: [u8; 32],
    },
    /// A node of the Merkle path was hashed with its sibling, which gives the parent node.
    Branch {
        /// Sibling of the node, as given in the control block.
        sibling: &'a [u8; 32],
        /// Parent node: the tapbranch hash of the node and its sibling.
        hash: [u8; 32],
    },
    /// The internal key was tweaked with the Merkle root.
    Tweak {
        /// The internal key, as given in the control block.
        internal_key: &'a [u8; 32],
        /// Taptweak hash of the internal key and the Merkle root.
        tweak: [u8; 32],
        /// Whether the tweaked internal key equals the output key and has the parity given in the control block.
        matches: bool,
    },
}
