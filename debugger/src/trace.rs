//! The trace of a verification: all recorded frames, and the verdict.

use std::sync::Arc;

use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::{
    Coverage, Flags, Gap, Opcode, PROPOSALS, Phase, Proposal, ScriptError, ScriptPosition, SignatureCheck,
    Spend, TransactionError, TransactionRule, UsageError, VerifyError,
};

use crate::explain::{self, Explanation};
use crate::fields::Field;
use crate::hints::Known;
use crate::recorder::Recorder;

/// A stack element. Snapshots share the elements that did not change.
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
    /// Flags of the verification.
    pub flags: Flags,
    /// Internal key of the spent output, if the caller knows it. A key path spend does not reveal it.
    pub internal_key: Option<[u8; 32]>,
}

/// Options for recording.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// `true` explains failed signature checks, which takes up to several hundred verifications each.
    pub explain: bool,
    /// Approximate limit in bytes for the recorded snapshots. Beyond it, steps in the middle are left out and counted.
    pub max_bytes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { explain: true, max_bytes: 64 << 20 }
    }
}

/// A recorded verification.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The verified input.
    pub subject: Subject,
    /// The frames in order.
    pub frames: Vec<Frame>,
    /// Verdict on the input, the same as that of [`Spend::verify_input`] for the same transaction and flags.
    pub verdict: Result<(), VerifyError>,
    /// Rule about the whole transaction that is violated although every input is valid.
    pub rule: Option<TransactionRule>,
    /// Rules that were not checked although the input is valid.
    pub gaps: Vec<Gap>,
    /// Names of values, and preimages of hashes, that occurred in the verification.
    pub known: Known,
}

/// An entry of a trace.
#[derive(Clone, Debug)]
pub enum Frame {
    /// A phase of the verification begins.
    Phase {
        /// The phase.
        phase: Phase,
        /// Script that the phase verifies, if there is one.
        script: Option<Vec<u8>>,
        /// Description of what the phase is about to check, for people.
        notes: Vec<String>,
        /// Explanations, if the verification failed in this phase but not at one of its steps.
        explanations: Vec<Explanation>,
    },
    /// A step in the verification that a taproot output commits to a leaf.
    Commitment(Commitment),
    /// This opcode makes the tapscript succeed without execution.
    OpSuccess(ScriptPosition),
    /// A script begins to run, with this initial state.
    Begin(State),
    /// An opcode was executed or skipped.
    Step(Box<Step>),
    /// The signature check of a key path spend.
    KeyPath(Box<SignatureReport>),
    /// The end of a script.
    End(Box<End>),
    /// Steps that were left out to limit the size of the trace. The value is the number of steps.
    Omitted(usize),
}

/// The kind of signature message, with the names of Bitcoin Core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigVersion {
    /// Legacy and P2SH scripts.
    Base,
    /// Segwit v0 scripts.
    WitnessV0,
    /// Tapscripts.
    Tapscript,
}

impl SigVersion {
    /// Returns the name used in traces.
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
    /// Number of open IF branches.
    pub branches: u32,
    /// Number of opcodes counted toward the limit of 201.
    pub op_count: usize,
    /// Validation weight left for signature checks (BIP 342). `None` outside tapscript.
    pub budget: Option<i64>,
    /// Opcode position of the last executed `OP_CODESEPARATOR`, or `u32::MAX` if none was executed.
    pub code_separator_position: u32,
    /// Byte offset in the script at which the script code begins, to which signatures commit.
    pub code_start: usize,
    /// The kind of signature message.
    pub sig_version: SigVersion,
    /// Tapleaf hash, in tapscript only.
    pub leaf_hash: Option<[u8; 32]>,
}

/// An opcode that was executed or skipped.
#[derive(Clone, Debug)]
pub struct Step {
    /// Phase of the verification.
    pub phase: Phase,
    /// Position of the opcode, counted in opcodes from 0.
    pub position: u32,
    /// Byte offset of the opcode in the script.
    pub byte_offset: usize,
    /// The executed or skipped opcode.
    pub opcode: Opcode,
    /// Data that the opcode pushes from the script.
    pub data: Vec<u8>,
    /// State before the opcode.
    pub before: State,
    /// State after the opcode. If the opcode failed, the content is unspecified.
    pub after: State,
    /// Result of the opcode.
    pub result: Result<(), ScriptError>,
    /// Events recorded while the opcode was executed.
    pub events: Vec<StepEvent>,
    /// Explanations of a failure, except those of a single signature check, which are in the events.
    pub explanations: Vec<Explanation>,
}

/// An event that occurred while an opcode was executed.
#[derive(Clone, Debug)]
pub enum StepEvent {
    /// A signature was checked.
    Signature(Box<SignatureReport>),
    /// The opcode of a proposal computed a hash.
    Hash(HashReport),
}

/// A hash that the opcode of a proposal computed, and the fields that it commits to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HashReport {
    /// The opcode.
    pub opcode: Opcode,
    /// What the hash is, such as "template hash".
    pub name: &'static str,
    /// Hashed fields, in order, and those that are left out.
    pub fields: Vec<Field>,
    /// The hash.
    pub digest: [u8; 32],
}

/// The kind of a checked signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// ECDSA with the legacy signature hash.
    EcdsaLegacy,
    /// ECDSA with the signature hash of BIP 143.
    EcdsaSegwitV0,
    /// Schnorr, on the key path (BIP 341).
    KeyPath,
    /// Schnorr, in tapscript (BIP 342).
    Tapscript,
    /// Schnorr, with a BIP 118 key.
    AnyPrevOut,
    /// Schnorr, of a message from the stack (BIP 348).
    FromStack,
}

impl SignatureKind {
    /// Returns the name used in traces.
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

    /// Returns the name of the function that computes the digest from the preimage.
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
    /// The check as reported by the engine.
    pub check: SignatureCheck,
    /// The kind of signature.
    pub kind: SignatureKind,
    /// Hash type of the signature; `None` for a message from the stack.
    pub hash_type: Option<u8>,
    /// Preimage of the digest, field by field, including the fields that are left out.
    pub fields: Vec<Field>,
    /// Changes that would have made a failed check succeed.
    pub explanations: Vec<Explanation>,
}

/// A step in the verification that a taproot output commits to a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// The leaf was hashed.
    Leaf {
        /// The leaf version.
        version: u8,
        /// The tapleaf hash.
        hash: [u8; 32],
    },
    /// One level of the Merkle path was hashed.
    Branch {
        /// The sibling from the control block.
        sibling: [u8; 32],
        /// The tapbranch hash.
        hash: [u8; 32],
    },
    /// The internal key was tweaked with the Merkle root.
    Tweak {
        /// The internal key.
        internal_key: [u8; 32],
        /// The taptweak hash.
        tweak: [u8; 32],
        /// `true` if the result is the output key, with the parity that the control block gives.
        matches: bool,
        /// Explanations, if the result is not the output key.
        explanations: Vec<Explanation>,
    },
}

/// How the execution of a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All opcodes and the checks after them succeeded.
    Completed,
    /// An opcode failed.
    Opcode,
    /// The bytes at this position are not an instruction. There is no step for them.
    Decode,
    /// All opcodes succeeded, but a check after them failed.
    AfterLastOpcode,
}

impl Stopped {
    /// Returns the name used in traces.
    pub fn name(self) -> &'static str {
        match self {
            Stopped::Completed => "completed",
            Stopped::Opcode => "opcode",
            Stopped::Decode => "decode",
            Stopped::AfterLastOpcode => "after_last_opcode",
        }
    }
}

/// The end of a script.
#[derive(Clone, Debug)]
pub struct End {
    /// Phase of the verification.
    pub phase: Phase,
    /// State at the end of the script.
    pub state: State,
    /// Opcode position at which the script ended: that of the failed opcode, or the number of opcodes.
    pub position: u32,
    /// How the execution ended.
    pub stopped: Stopped,
    /// Result of the script.
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
        let spend = Spend::new(&subject.tx, &subject.prevouts)?;
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
            explain::explain(&view, subject.internal_key, failed_under, &known, &mut frames);
        }
        Ok(Trace { frames, verdict, rule, gaps: coverage.gaps().to_vec(), known, subject })
    }

    /// Returns `true` if the input is valid and the transaction violates no rule that spans several inputs.
    pub fn is_valid(&self) -> bool {
        self.verdict.is_ok() && self.rule.is_none()
    }

    /// Returns the steps, each with its index among the frames.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = (usize, &Step)> {
        self.frames.iter().enumerate().filter_map(|(index, frame)| match frame {
            Frame::Step(step) => Some((index, &**step)),
            _ => None,
        })
    }

    /// Returns the index of the frame at which the verification failed: that of the opcode, the signature or the commitment,
    /// or else the last one. Returns `None` if the input is valid.
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

/// Returns the rule about the whole transaction that is violated, if every input is valid.
fn broken_rule(spend: &Spend<'_>, flags: Flags) -> Option<TransactionRule> {
    let spans_inputs = |proposal: &&Proposal| !proposal.is_of_scripts() && flags.contains(proposal.flag);
    // If no active proposal has such a rule, the other inputs need not be verified.
    PROPOSALS.iter().copied().find(spans_inputs)?;
    match spend.verify(flags) {
        Err(TransactionError::Rule(rule)) => Some(rule),
        _ => None,
    }
}
