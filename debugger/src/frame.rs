//! The frames of a trace: phases, steps, signature checks and the end of each script, with the explanations of what failed.

use std::sync::Arc;

use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::{CodePoints, Flags, Opcode, Phase, ScriptError, ScriptPosition, SignatureCheck};

use crate::disasm::instruction_text_as;
use crate::fields::Field;

/// An explanation of a failed check, or a warning about a signature check that succeeds because the key type is
/// unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Identifier of the kind of explanation for programs, such as `other-hash-type`.
    pub code: &'static str,
    /// Text of the explanation, for people.
    pub text: String,
}

impl Explanation {
    pub(crate) fn new(code: &'static str, text: impl Into<String>) -> Explanation {
        Explanation { code, text: text.into() }
    }
}

/// Code of the explanation that no single change makes the check pass.
pub(crate) const UNKNOWN: &str = "unknown";

/// A stack element. Stacks recorded at different steps share the elements that did not change.
pub type Element = Arc<[u8]>;

/// The elements of a stack, bottom first.
pub type Elements = Arc<[Element]>;

/// The input to verify, with everything that its verification needs.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The spending transaction.
    pub tx: Transaction,
    /// Outputs that the transaction spends, in input order.
    pub prevouts: Vec<TxOut>,
    /// Index of the input to verify.
    pub input: usize,
    /// Script verification flags.
    pub flags: Flags,
    /// Bytes that stand for the opcodes of proposals in this verification.
    pub code_points: CodePoints,
    /// Internal key of the spent output, if the caller knows it. A key path spend does not reveal it.
    pub internal_key: Option<[u8; 32]>,
}

/// Options for recording a trace.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// `true` adds explanations of failed checks to the trace. To explain one failed signature check, up to several
    /// hundred signatures are verified.
    pub explain: bool,
    /// Approximate limit in bytes for the memory of the trace. Beyond this limit, steps in the middle are left out
    /// and counted.
    pub max_bytes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { explain: true, max_bytes: 64 << 20 }
    }
}

/// An entry of a trace, such as an executed opcode or a checked signature.
#[derive(Clone, Debug)]
pub enum Frame {
    /// A phase of the verification begins.
    Phase {
        /// The phase that begins, such as the scriptSig or the tapscript.
        phase: Phase,
        /// Script that the phase runs or checks. `None` if the phase has no script.
        script: Option<Vec<u8>>,
        /// Descriptions, for people, of what the phase is about to check.
        notes: Vec<String>,
        /// Explanations of a failure of this phase outside its opcodes, for example of a witness with a wrong number of
        /// elements.
        explanations: Vec<Explanation>,
    },
    /// A step in the verification that a taproot output commits to a leaf.
    Commitment(Commitment),
    /// This opcode makes the tapscript succeed without execution.
    OpSuccess(ScriptPosition),
    /// A script begins to run with this initial state.
    Begin(State),
    /// An opcode was executed or skipped.
    Step(Box<Step>),
    /// The signature check of a key path spend.
    KeyPath(Box<SignatureReport>),
    /// A script ended, successfully or with an error.
    End(Box<End>),
    /// Steps that were left out to limit the size of the trace. The value is the number of steps.
    Omitted(usize),
}

/// Kind of signature hash that a script's signature checks use, with the names of Bitcoin Core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigVersion {
    /// Legacy signature hash, for scripts before segwit, including P2SH redeem scripts.
    Base,
    /// Signature hash of BIP 143, for segwit v0 scripts.
    WitnessV0,
    /// Signature hash of BIP 342, for tapscripts.
    Tapscript,
}

impl SigVersion {
    /// Returns the name of the signature hash kind in traces, such as `WITNESS_V0`.
    pub fn name(self) -> &'static str {
        match self {
            SigVersion::Base => "BASE",
            SigVersion::WitnessV0 => "WITNESS_V0",
            SigVersion::Tapscript => "TAPSCRIPT",
        }
    }
}

/// The state of a running script.
#[derive(Clone, Debug)]
pub struct State {
    /// The main stack.
    pub stack: Elements,
    /// The alt stack.
    pub altstack: Elements,
    /// `true` if opcodes are executed, `false` inside an IF branch that is not taken.
    pub exec: bool,
    /// Number of nested IF blocks that are open.
    pub branches: u32,
    /// Number of opcodes counted toward the limit of 201.
    pub op_count: usize,
    /// Validation weight left for signature checks (BIP 342). `None` outside tapscript.
    pub budget: Option<i64>,
    /// Opcode position of the last executed `OP_CODESEPARATOR`, or `u32::MAX` if none was executed.
    pub code_separator_position: u32,
    /// Byte offset at which the script code begins. The script code is the part of the script that ECDSA signatures
    /// commit to.
    pub code_start: usize,
    /// Kind of signature hash that the script's signature checks use.
    pub sig_version: SigVersion,
    /// Tapleaf hash of the running tapscript. `None` for other scripts.
    pub leaf_hash: Option<[u8; 32]>,
}

/// An opcode that was executed or skipped.
#[derive(Clone, Debug)]
pub struct Step {
    /// Phase of the verification in which the opcode was executed or skipped.
    pub phase: Phase,
    /// Position of the opcode, counted in opcodes from 0.
    pub position: u32,
    /// Byte offset of the opcode in the script.
    pub byte_offset: usize,
    /// The executed or skipped opcode, as its byte in the script.
    pub opcode: Opcode,
    /// Opcode whose rules apply to the byte `opcode`. It differs from `opcode` only where [`Subject::code_points`]
    /// gives a proposal another byte.
    pub meaning: Opcode,
    /// Data that the opcode pushes from the script.
    pub data: Vec<u8>,
    /// State before the opcode.
    pub before: State,
    /// State after the opcode. If the opcode failed, the content is unspecified.
    pub after: State,
    /// Script error of the opcode, or `Ok` if the opcode did not fail.
    pub result: Result<(), ScriptError>,
    /// Events recorded while the opcode was executed.
    pub events: Vec<StepEvent>,
    /// Explanations of why the opcode failed, or of why the opcode accepts every signature. Explanations of a failed
    /// signature check are in the field `events` instead.
    pub explanations: Vec<Explanation>,
}

impl Step {
    /// Returns the name of the executed or skipped opcode, according to the rules that apply to its byte.
    pub fn name(&self) -> String {
        self.opcode.name_as(self.meaning)
    }

    /// Returns the opcode and its data as an assembly word.
    pub fn text(&self) -> String {
        instruction_text_as(self.opcode, self.meaning, &self.data)
    }
}

/// An event that occurred while an opcode was executed, such as a signature check.
#[derive(Clone, Debug)]
pub enum StepEvent {
    /// A signature was checked.
    Signature(Box<SignatureReport>),
    /// An opcode of a proposal computed a hash of the transaction or of stack elements.
    Hash(HashReport),
}

/// A hash that an opcode of a proposal computed, and the fields that it commits to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HashReport {
    /// Opcode that computed the hash, such as `OP_CHECKTEMPLATEVERIFY`.
    pub opcode: Opcode,
    /// Name of the hash, such as "template hash".
    pub name: &'static str,
    /// Fields that are hashed, in hashing order, and fields that the hash leaves out.
    pub fields: Vec<Field>,
    /// The hash that the opcode computed.
    pub digest: [u8; 32],
}

/// The kind of a checked signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// ECDSA signature over the legacy signature hash.
    EcdsaLegacy,
    /// ECDSA signature over the signature hash of BIP 143.
    EcdsaSegwitV0,
    /// Schnorr signature of a taproot key path spend (BIP 341).
    KeyPath,
    /// Schnorr signature in a tapscript, under a BIP 342 key.
    Tapscript,
    /// Schnorr signature in a tapscript, under a BIP 118 key.
    AnyPrevOut,
    /// Schnorr signature of a message from the stack (BIP 348).
    FromStack,
}

impl SignatureKind {
    /// Returns the name of the signature kind in traces, such as `ECDSA, BIP 143`.
    pub fn name(self) -> &'static str {
        match self {
            SignatureKind::EcdsaLegacy => "ECDSA",
            SignatureKind::EcdsaSegwitV0 => "ECDSA, BIP 143",
            SignatureKind::KeyPath => "Schnorr, BIP 341 key path",
            SignatureKind::Tapscript => "Schnorr, BIP 342",
            SignatureKind::AnyPrevOut => "Schnorr, BIP 118",
            SignatureKind::FromStack => "Schnorr of a message from the stack, BIP 348",
        }
    }

    /// Returns a description of how the signed digest is computed, such as `SHA256(SHA256(preimage))`.
    pub fn digest_name(self) -> &'static str {
        match self {
            SignatureKind::EcdsaLegacy | SignatureKind::EcdsaSegwitV0 => "SHA256(SHA256(preimage))",
            SignatureKind::FromStack => "the message itself",
            _ => "tagged hash TapSighash of the preimage",
        }
    }
}

/// A signature check: the signed data and the result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureReport {
    /// Public key, signature, message and result of the check, as the interpreter reports them.
    pub check: SignatureCheck,
    /// Signature algorithm, and the kind of message that the signature commits to.
    pub kind: SignatureKind,
    /// Hash type of the signature. `None` for a signature of a message from the stack.
    pub hash_type: Option<u8>,
    /// Fields of the preimage that is hashed to the signed digest, and the transaction fields that the signature
    /// leaves out.
    pub fields: Vec<Field>,
    /// Changes that would have made this signature check succeed, if it failed.
    pub explanations: Vec<Explanation>,
}

/// A step in the verification that a taproot output commits to a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// The leaf version and the script were hashed to the tapleaf hash.
    Leaf {
        /// The leaf version.
        version: u8,
        /// The tapleaf hash.
        hash: [u8; 32],
    },
    /// A node of the Merkle path and its sibling were hashed to their parent.
    Branch {
        /// Hash of the sibling node, from the control block.
        sibling: [u8; 32],
        /// Tapbranch hash, the hash of the parent node.
        hash: [u8; 32],
    },
    /// The internal key was tweaked with the Merkle root.
    Tweak {
        /// The internal key.
        internal_key: [u8; 32],
        /// Taptweak hash of the internal key and the Merkle root.
        tweak: [u8; 32],
        /// `true` if the tweaked key is the output key, with the parity that the control block gives.
        matches: bool,
        /// Explanations of why the tweaked key is not the output key. Empty if it is the output key.
        explanations: Vec<Explanation>,
    },
}

/// How the execution of a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All opcodes and the checks after them succeeded.
    Completed,
    /// The script ended at an opcode that failed.
    Opcode,
    /// The script ended at bytes that are not a valid instruction. The trace has no step for these bytes.
    Decode,
    /// All opcodes succeeded, but a check after them failed.
    AfterLastOpcode,
}

impl Stopped {
    /// Returns the name in traces for how the script ended, such as `after_last_opcode`.
    pub fn name(self) -> &'static str {
        match self {
            Stopped::Completed => "completed",
            Stopped::Opcode => "opcode",
            Stopped::Decode => "decode",
            Stopped::AfterLastOpcode => "after_last_opcode",
        }
    }
}

/// How, where and with which stacks a script ended.
#[derive(Clone, Debug)]
pub struct End {
    /// Phase of the verification whose script ended.
    pub phase: Phase,
    /// Stacks and other state when the script ended.
    pub state: State,
    /// Opcode position at which the script ended: that of the failed opcode, or the number of opcodes.
    pub position: u32,
    /// How the script ended: completed, at an opcode, at invalid bytes, or after the last opcode.
    pub stopped: Stopped,
    /// Script error with which the script ended, or `Ok` if the script completed.
    pub result: Result<(), ScriptError>,
}
