//! Inspectors, which observe each step of a verification. Verification without an inspector has no overhead.

use crate::engine::Stop;
use crate::error::{Phase, ScriptPosition, VerifyError};
use crate::host::TaprootMessage;
use crate::instruction::Instruction;
use crate::machine::Machine;
use crate::script_error::ScriptError;
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

/// Observes a verification. Every method does nothing unless overridden, and no method can change the verdict.
pub trait Inspector {
    /// Whether the methods are called; `false` compiles the calls out.
    const ACTIVE: bool = true;

    /// Called when a phase of the verification begins. `script` is the script that the phase runs, if any.
    fn phase(&mut self, phase: Phase, script: Option<&[u8]>) {
        let _ = (phase, script);
    }

    /// Called for each step of the check that a taproot output commits to a leaf.
    fn commitment(&mut self, step: &CommitmentStep<'_>) {
        let _ = step;
    }

    /// Called if a tapscript contains an `OP_SUCCESSx` at this position and therefore succeeds without being executed (BIP
    /// 342 "Script execution").
    fn op_success(&mut self, position: &ScriptPosition) {
        let _ = position;
    }

    /// Called before a script runs: the stack is loaded and no opcode has been read. Not called for scripts that are too
    /// long.
    fn script(&mut self, machine: &Machine<'_>) {
        let _ = machine;
    }

    /// Called when a script has ended. If an opcode failed, [`Machine::position`] is its position, even if it could not be
    /// read. If the script failed for another reason, [`Machine::position`] is the number of opcodes.
    fn script_end(&mut self, machine: &Machine<'_>, result: &Result<(), Stop>) {
        let _ = (machine, result);
    }

    /// Called before an instruction is executed, or skipped if [`Machine::is_executing`] is false.
    fn step(&mut self, machine: &Machine<'_>, instruction: &Instruction<'_>) {
        let _ = (machine, instruction);
    }

    /// Called after an instruction was executed or skipped.
    fn step_end(
        &mut self,
        machine: &Machine<'_>,
        instruction: &Instruction<'_>,
        result: Result<(), ScriptError>,
    ) {
        let _ = (machine, instruction, result);
    }

    /// Called for an event inside an instruction or outside of scripts (a key path, a witness program without rules). The
    /// events of an instruction are reported before its [`Inspector::step_end`].
    fn event(&mut self, event: &Event) {
        let _ = event;
    }

    /// Called with the verdict at the end of the verification.
    fn finish(&mut self, verdict: &Result<(), VerifyError>) {
        let _ = verdict;
    }
}

/// An inspector that observes nothing and costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoInspector;

impl Inspector for NoInspector {
    const ACTIVE: bool = false;
}
