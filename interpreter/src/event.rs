//! What a verification reports to an inspector, apart from the stacks: signature checks, computed hashes, skipped rules, and the
//! steps of a taproot commitment.

use crate::sighash::taproot::TaprootMessage;
use crate::unchecked::Unchecked;

/// The message that a signature check verified, by the way in which the message is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedMessage {
    /// The legacy signature hash. The script code is given after `FindAndDelete`.
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
        /// Data, other than the transaction, that the signature commits to.
        message: TaprootMessage,
        /// Hash type; 0 for a signature of 64 bytes.
        hash_type: u8,
    },
    /// A message taken unchanged from the stack (BIP 348).
    Stack,
}

/// A signature check for which the signature was verified on the curve. Checks that fail earlier, for example because of an
/// encoding, are not included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureCheck {
    /// The signature, without its hash type.
    pub signature: Vec<u8>,
    /// Public key that verifies the signature.
    pub public_key: Vec<u8>,
    /// How the signed message was computed.
    pub signed: SignedMessage,
    /// The signed bytes: a digest, or a message from the stack.
    pub message: Vec<u8>,
    /// Whether the signature is valid.
    pub valid: bool,
}

/// An action of the verification that is not visible on the stacks.
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
        /// SHA-256 of the annex with its CompactSize length; `None` if there is no annex.
        annex_hash: Option<[u8; 32]>,
        /// The template hash.
        digest: [u8; 32],
    },
    /// `OP_PAIRCOMMIT` hashed two elements (BIP 442).
    PairCommit {
        /// The bytes that were hashed after the tag.
        preimage: Vec<u8>,
        /// The commitment: the hash that the opcode pushes.
        digest: [u8; 32],
    },
    /// A rule was skipped without a check. An `OP_SUCCESSx` is reported by [`Inspector::op_success`] instead.
    Unchecked(Unchecked),
}

/// A step of the proof that a taproot output commits to a leaf (BIP 341 "Script validation rules").
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
    /// The current node was hashed with its sibling, one level up the Merkle path.
    Branch {
        /// The sibling from the control block.
        sibling: &'a [u8; 32],
        /// The tapbranch hash.
        hash: [u8; 32],
    },
    /// The internal key was tweaked with the Merkle root.
    Tweak {
        /// The internal key from the control block.
        internal_key: &'a [u8; 32],
        /// The taptweak hash.
        tweak: [u8; 32],
        /// Whether the tweaked key is the output key and has the parity given in the control block.
        matches: bool,
    },
}
