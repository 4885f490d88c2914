//! The trace of a verification: all recorded frames, and the verdict.

use std::sync::Arc;

use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::{
    CodePoints, Coverage, Flags, Gap, Opcode, PROPOSALS, Phase, Proposal, ScriptError, ScriptPosition,
    SignatureCheck, Spend, TransactionError, TransactionRule, UsageError, VerifyError,
};

use crate::disasm::instruction_text_as;
use crate::explain::{self, Explanation};
use crate::fields::Field;
use crate::hints::Known;
use crate::recorder::Recorder;

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

/// A recorded verification of one input.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The verified input.
    pub subject: Subject,
    /// Entries of the trace, in the order in which they occurred.
    pub frames: Vec<Frame>,
    /// Verdict on the input, the same as that of [`Spend::verify_input`] for the same transaction and flags.
    pub verdict: Result<(), VerifyError>,
    /// Rule about the whole transaction that is violated although every input is valid.
    pub rule: Option<TransactionRule>,
    /// Rules that were not checked in the verification of a valid input. Empty if the input is invalid.
    pub gaps: Vec<Gap>,
    /// Names of values, and preimages of hashes, that occurred in the verification.
    pub known: Known,
}

/// An entry of a trace, such as an executed opcode or a checked signature.
#[derive(Clone, Debug)]
pub enum Frame {
    /// A phase of the verification begins.
    Phase {
        /// The phase that begins, such as the scriptSig or the tapscript.
        phase: Phase,
        /// Script that the phase verifies, if there is one.
        script: Option<Vec<u8>>,
        /// Descriptions, for people, of what the phase is about to check.
        notes: Vec<String>,
        /// Explanations of a failure in this phase that did not occur at one of its steps.
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
    /// Explanations of why the opcode failed, or of why it accepts every signature. Explanations of a failed
    /// signature check are in `events`.
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
    /// The computed hash.
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

impl Trace {
    /// Verifies an input and records the verification.
    ///
    /// # Errors
    ///
    /// [`UsageError`] if the input cannot be verified: the input does not exist, the number of prevouts is wrong, or the
    /// flags contradict each other.
    pub fn record(subject: Subject, options: Options) -> Result<Trace, UsageError> {
        let spend = Spend::new(&subject.tx, &subject.prevouts)?.with_code_points(subject.code_points);
        let view = spend.view(subject.input)?;
        let mut recorder = Recorder::new(view, options);
        let verdict = match spend.verify_input_with(subject.input, subject.flags, &mut recorder) {
            Err(VerifyError::Usage(error)) => return Err(error),
            verdict => verdict.map(drop),
        };
        let mut coverage = Coverage::new();
        if verdict.is_ok() {
            // The second run has the same verdict.
            let _ = spend.verify_input_with(subject.input, subject.flags, &mut coverage);
        }
        let rule = match verdict {
            Ok(()) => broken_rule(&spend, subject.flags),
            Err(_) => None,
        };
        let (mut frames, known) = recorder.into_parts();
        if options.explain {
            let failed_under = verdict.is_err().then_some(subject.flags);
            explain::explain(&spend, &view, subject.internal_key, failed_under, &known, &mut frames);
        }
        Ok(Trace { frames, verdict, rule, gaps: coverage.gaps().to_vec(), known, subject })
    }

    /// Returns `true` if the input is valid and the transaction violates no rule that spans several inputs.
    pub fn is_valid(&self) -> bool {
        self.verdict.is_ok() && self.rule.is_none()
    }

    /// Returns the executed and skipped opcodes, each with the index of its entry in `frames`.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = (usize, &Step)> {
        self.frames.iter().enumerate().filter_map(|(index, frame)| match frame {
            Frame::Step(step) => Some((index, &**step)),
            _ => None,
        })
    }

    /// Returns the index in `frames` at which the verification failed: the first failed opcode, script end, signature
    /// or commitment, or else the last frame. Returns `None` if the input is valid.
    pub fn failure(&self) -> Option<usize> {
        self.verdict.as_ref().err()?;
        let failed = |frame: &Frame| match frame {
            Frame::Step(step) => step.result.is_err(),
            Frame::End(end) => end.result.is_err(),
            Frame::KeyPath(report) => !report.check.valid,
            Frame::Commitment(Commitment::Tweak { matches, .. }) => !matches,
            _ => false,
        };
        let last = self.frames.len().checked_sub(1);
        self.frames.iter().position(failed).or(last)
    }
}

/// Returns the rule about the whole transaction that is violated. Returns `None` if there is none, or if an input is
/// invalid.
fn broken_rule(spend: &Spend<'_>, flags: Flags) -> Option<TransactionRule> {
    let spans_inputs = |proposal: &&Proposal| !proposal.is_of_scripts() && flags.contains(proposal.flag);
    // If no active proposal has such a rule, the other inputs need not be verified.
    PROPOSALS.iter().copied().find(spans_inputs)?;
    match spend.verify(flags) {
        Err(TransactionError::Rule(rule)) => Some(rule),
        _ => None,
    }
}
