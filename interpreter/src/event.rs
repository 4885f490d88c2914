//! The events that a verification reports to an [`Inspector`](crate::Inspector) because the stacks do not show them:
//! signature checks, computed template hashes, skipped rules, and the steps of a taproot commitment check.

use crate::sighash::taproot::TaprootMessage;
use crate::unchecked::Unchecked;

/// How the message of a signature check was computed. Each variant has the data that the signature commits to besides
/// the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedMessage {
    /// The legacy signature hash.
    Legacy {
        /// Script code that the signature commits to.
        script_code: Vec<u8>,
        /// Hash type: the last byte of the signature.
        hash_type: u8,
    },
    /// The signature hash of BIP 143 (segwit v0).
    SegwitV0 {
        /// Script code that the signature commits to.
        script_code: Vec<u8>,
        /// Hash type: the last byte of the signature.
        hash_type: u8,
    },
    /// The signature hash of BIP 341, BIP 342 or BIP 118 (taproot and tapscript).
    Taproot {
        /// The annex and the tapscript data that the signature commits to.
        message: TaprootMessage,
        /// Hash type; 0 (`SIGHASH_DEFAULT`) for a signature of 64 bytes.
        hash_type: u8,
    },
    /// The message is an element of the stack, unchanged (`OP_CHECKSIGFROMSTACK`, BIP 348).
    Stack,
}

/// A signature that was verified on the curve, with the result. A signature check that fails earlier, for example
/// because of an encoding, is not reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureCheck {
    /// The signature, without its hash type.
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

/// Something that happened during a verification and that the stacks do not show.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A signature was verified.
    Signature(SignatureCheck),
    /// `OP_CHECKTEMPLATEVERIFY` computed the default template hash of the transaction (BIP 119).
    CheckTemplate {
        /// The default template hash.
        digest: [u8; 32],
    },
    /// `OP_TEMPLATEHASH` computed the template hash of the transaction (BIP 446).
    TemplateHash {
        /// SHA-256 of the annex, preceded by its CompactSize length; `None` if the witness has no annex.
        annex_hash: Option<[u8; 32]>,
        /// The template hash.
        digest: [u8; 32],
    },
    /// `OP_PAIRCOMMIT` hashed two elements (BIP 442).
    PairCommit {
        /// The hashed bytes: both elements, each preceded by its length, without the tag of the tagged hash.
        preimage: Vec<u8>,
        /// The commitment: the hash that the opcode pushes.
        digest: [u8; 32],
    },
    /// A rule was skipped, so nothing was checked. An `OP_SUCCESSx` is reported by [`crate::Inspector::op_success`]
    /// instead.
    Unchecked(Unchecked),
}

/// A step of the check that a taproot output commits to a leaf (BIP 341 "Script validation rules").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitmentStep<'a> {
    /// The tapleaf hash of the leaf was computed.
    Leaf {
        /// The leaf version.
        version: u8,
        /// The leaf's script.
        script: &'a [u8],
        /// The tapleaf hash.
        hash: [u8; 32],
    },
    /// A node of the Merkle path was hashed with its sibling, which gives the parent node.
    Branch {
        /// The sibling, as given in the control block.
        sibling: &'a [u8; 32],
        /// The tapbranch hash of both: the parent node.
        hash: [u8; 32],
    },
    /// The internal key was tweaked with the Merkle root.
    Tweak {
        /// The internal key, as given in the control block.
        internal_key: &'a [u8; 32],
        /// The taptweak hash.
        tweak: [u8; 32],
        /// Whether the tweaked internal key equals the output key and has the parity given in the control block.
        matches: bool,
    },
}
