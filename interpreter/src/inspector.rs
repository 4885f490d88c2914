//! Observers of a verification. Without one, nothing of this costs anything.

use crate::engine::Stop;
use crate::error::{Phase, ScriptError, ScriptPosition, VerifyError};
use crate::host::TaprootMessage;
use crate::instruction::Instruction;
use crate::machine::Machine;
use crate::unchecked::Unchecked;

/// What a signature was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedMessage {
    /// The legacy signature hash of a script code, after `FindAndDelete`.
    Legacy {
        /// The script code.
        script_code: Vec<u8>,
        /// The signature's last byte.
        hash_type: u8,
    },
    /// The signature hash of BIP 143.
    SegwitV0 {
        /// The script code.
        script_code: Vec<u8>,
        /// The signature's last byte.
        hash_type: u8,
    },
    /// The signature hash of BIP 341, BIP 342 or BIP 118.
    Taproot {
        /// What is committed to beside the transaction.
        message: TaprootMessage,
        /// The hash type, 0 for a signature of 64 bytes.
        hash_type: u8,
    },
    /// A message from the stack, as it is (BIP 348).
    Stack,
}

/// A signature check that got as far as asking the curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureCheck {
    /// The signature, without hash type.
    pub signature: Vec<u8>,
    /// The public key.
    pub public_key: Vec<u8>,
    /// What was signed.
    pub signed: SignedMessage,
    /// The bytes that were handed to the curve: a digest, or a message from the stack.
    pub message: Vec<u8>,
    /// The answer.
    pub valid: bool,
}

/// Something that verification does and that cannot be seen on the stacks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A signature was checked.
    Signature(SignatureCheck),
    /// `OP_CHECKTEMPLATEVERIFY` hashed the transaction (BIP 119).
    CheckTemplate {
        /// The default template hash.
        digest: [u8; 32],
    },
    /// `OP_TEMPLATEHASH` hashed the transaction (BIP 446).
    TemplateHash {
        /// SHA-256 of the annex with its compact size, if there is one.
        annex_hash: Option<[u8; 32]>,
        /// The template hash.
        digest: [u8; 32],
    },
    /// `OP_PAIRCOMMIT` hashed two elements (BIP 442).
    PairCommit {
        /// What was hashed after the tag.
        preimage: Vec<u8>,
        /// The commitment.
        digest: [u8; 32],
    },
    /// A rule was passed over without a check. An `OP_SUCCESSx` is reported by [`Inspector::op_success`] instead.
    Unchecked(Unchecked),
}

/// A step of the proof that a taproot output commits to a leaf (BIP 341 "Script validation rules").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitmentStep<'a> {
    /// The leaf was hashed.
    Leaf {
        /// The leaf version.
        version: u8,
        /// The leaf's script.
        script: &'a [u8],
        /// The tapleaf hash.
        hash: [u8; 32],
    },
    /// A step up the Merkle path.
    Branch {
        /// The sibling from the control block.
        sibling: &'a [u8; 32],
        /// The tapbranch hash.
        hash: [u8; 32],
    },
    /// The internal key was tweaked with the root.
    Tweak {
        /// The internal key from the control block.
        internal_key: &'a [u8; 32],
        /// The taptweak hash.
        tweak: [u8; 32],
        /// Whether the result is the output key, of the parity that the control block says.
        matches: bool,
    },
}

/// Watches a verification. Every method does nothing unless overridden; none can change the verdict.
pub trait Inspector {
    /// Whether there is anything to tell. Where it is false the calls are gone from the compiled engine.
    const ACTIVE: bool = true;

    /// A part of verification begins. `script` is what it will run, if it runs one.
    fn phase(&mut self, phase: Phase, script: Option<&[u8]>) {
        let _ = (phase, script);
    }

    /// The commitment of a taproot output is checked.
    fn commitment(&mut self, step: &CommitmentStep<'_>) {
        let _ = step;
    }

    /// A tapscript holds an `OP_SUCCESSx` here, and so succeeds without being run (BIP 342 "Script execution").
    fn op_success(&mut self, position: &ScriptPosition) {
        let _ = position;
    }

    /// A script is about to run: the stack is loaded, no opcode was read. Scripts that are too long do not get here.
    fn script(&mut self, machine: &Machine<'_>) {
        let _ = machine;
    }

    /// A script has ended. If it failed, [`Machine::position`] is the opcode that failed, read or not, or the number of
    /// opcodes if it was none of them.
    fn script_end(&mut self, machine: &Machine<'_>, result: &Result<(), Stop>) {
        let _ = (machine, result);
    }

    /// An instruction was read and is about to be executed, or passed over if [`Machine::is_executing`] is false.
    fn step(&mut self, machine: &Machine<'_>, instruction: &Instruction<'_>) {
        let _ = (machine, instruction);
    }

    /// The instruction is done.
    fn step_end(
        &mut self,
        machine: &Machine<'_>,
        instruction: &Instruction<'_>,
        result: Result<(), ScriptError>,
    ) {
        let _ = (machine, instruction, result);
    }

    /// Something happened, inside an instruction or outside of scripts (a key path, a witness program without rules). Events
    /// of an instruction come before its [`Inspector::step_end`].
    fn event(&mut self, event: &Event) {
        let _ = event;
    }

    /// The verdict.
    fn finish(&mut self, verdict: &Result<(), VerifyError>) {
        let _ = verdict;
    }
}

/// The inspector that is not there.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoInspector;

impl Inspector for NoInspector {
    const ACTIVE: bool = false;
}
