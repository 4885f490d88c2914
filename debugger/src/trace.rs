//! What a verification did, frame by frame.

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

/// An element of a stack. Snapshots share what did not change.
pub type Element = Arc<[u8]>;

/// A stack, bottom first.
pub type Elements = Arc<[Element]>;

/// The spend that is traced.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The spending transaction.
    pub tx: Transaction,
    /// The outputs that it spends, in input order.
    pub prevouts: Vec<TxOut>,
    /// The input that is verified.
    pub input: usize,
    /// The flags.
    pub flags: Flags,
    /// The internal key of the output that is spent, if the caller knows it: a key path spend does not show it.
    pub internal_key: Option<[u8; 32]>,
}

/// How to record.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether failed signature checks are explained, which takes up to some hundred verifications each.
    pub explain: bool,
    /// About how many bytes of snapshots are kept. Beyond, steps in the middle are left out and counted.
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
    /// What was verified.
    pub subject: Subject,
    /// What happened, in order.
    pub frames: Vec<Frame>,
    /// The verdict on the input: that of [`Spend::verify_input`] for the same transaction and flags.
    pub verdict: Result<(), VerifyError>,
    /// The rule over the whole transaction that is broken although every input is valid.
    pub rule: Option<TransactionRule>,
    /// Rules that did not run although the input is valid.
    pub gaps: Vec<Gap>,
    /// Hash preimages and names of values that were seen.
    pub known: Known,
}

/// A step of a verification.
#[derive(Clone, Debug)]
pub enum Frame {
    /// A part of verification begins.
    Phase {
        /// Which.
        phase: Phase,
        /// The script that it is about, if it is about one.
        script: Option<Vec<u8>>,
        /// What the phase is about to check, for people.
        notes: Vec<String>,
        /// If verification failed in this phase and at no step of it: why.
        explanations: Vec<Explanation>,
    },
    /// A step of the proof that a taproot output commits to a leaf.
    Commitment(Commitment),
    /// A tapscript succeeds at once, because of this opcode.
    OpSuccess(ScriptPosition),
    /// A script begins to run.
    Begin(State),
    /// An opcode.
    Step(Box<Step>),
    /// The signature check of a key path spend.
    KeyPath(Box<SignatureReport>),
    /// A script has ended.
    End(Box<End>),
    /// Steps that were not kept.
    Omitted(usize),
}

/// The kind of a signature message, under Core's names.
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
    /// The name, as traces write it.
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
    /// The stack.
    pub stack: Elements,
    /// The alt stack.
    pub altstack: Elements,
    /// Whether opcodes are executed, or passed over.
    pub exec: bool,
    /// How many IF branches are open.
    pub branches: u32,
    /// Opcodes that count toward the limit of 201.
    pub op_count: usize,
    /// The validation weight that is left, in tapscript.
    pub budget: Option<i64>,
    /// The opcode position of the last executed `OP_CODESEPARATOR`, `u32::MAX` if none was.
    pub code_separator_position: u32,
    /// Where the script code that signatures commit to begins, in bytes.
    pub code_start: usize,
    /// The kind of signature message.
    pub sig_version: SigVersion,
    /// The tapleaf hash, in tapscript.
    pub leaf_hash: Option<[u8; 32]>,
}

/// An opcode that was executed or passed over.
#[derive(Clone, Debug)]
pub struct Step {
    /// The part of verification.
    pub phase: Phase,
    /// The opcode's position, counted in opcodes from 0.
    pub position: u32,
    /// Where it starts, in bytes.
    pub byte_offset: usize,
    /// The opcode.
    pub opcode: Opcode,
    /// What it pushes straight from the script.
    pub data: Vec<u8>,
    /// The state that it met.
    pub before: State,
    /// The state that it left; if it failed, an engine's own matter.
    pub after: State,
    /// Whether it failed.
    pub result: Result<(), ScriptError>,
    /// What happened inside.
    pub events: Vec<StepEvent>,
    /// Why it may have failed, for what is not about one signature check.
    pub explanations: Vec<Explanation>,
}

/// Something that happened inside an opcode.
#[derive(Clone, Debug)]
pub enum StepEvent {
    /// A signature was checked.
    Signature(Box<SignatureReport>),
    /// The transaction was hashed for a template opcode.
    Template(TemplateReport),
    /// `OP_PAIRCOMMIT` hashed two elements.
    PairCommit {
        /// What was hashed after the tag.
        preimage: Vec<u8>,
        /// The commitment.
        digest: [u8; 32],
    },
}

/// A template hash and what it commits to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TemplateReport {
    /// `OP_CHECKTEMPLATEVERIFY` or `OP_TEMPLATEHASH`.
    pub opcode: Opcode,
    /// What was hashed, in order.
    pub fields: Vec<Field>,
    /// The hash.
    pub digest: [u8; 32],
}

/// What kind of signature was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// ECDSA over the hash of 2009.
    EcdsaLegacy,
    /// ECDSA over the hash of BIP 143.
    EcdsaSegwitV0,
    /// Schnorr, on the key path (BIP 341).
    KeyPath,
    /// Schnorr, in tapscript (BIP 342).
    Tapscript,
    /// Schnorr, with a key of BIP 118.
    AnyPrevOut,
    /// Schnorr, over a message from the stack (BIP 348).
    FromStack,
}

impl SignatureKind {
    /// The name, as traces write it.
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

    /// How the preimage becomes the digest.
    pub fn digest_name(self) -> &'static str {
        match self {
            SignatureKind::EcdsaLegacy | SignatureKind::EcdsaSegwitV0 => "SHA256(SHA256(preimage))",
            SignatureKind::FromStack => "the message itself",
            _ => "tagged hash TapSighash of the preimage",
        }
    }
}

/// A signature check: what was signed, and what came of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureReport {
    /// The check.
    pub check: SignatureCheck,
    /// The kind of signature.
    pub kind: SignatureKind,
    /// The hash type; none for a message from the stack.
    pub hash_type: Option<u8>,
    /// The preimage of the digest, field by field, with the fields that are left out.
    pub fields: Vec<Field>,
    /// If it failed: what would have made it valid.
    pub explanations: Vec<Explanation>,
}

/// A step of the proof that a taproot output commits to a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// The leaf was hashed.
    Leaf {
        /// The leaf version.
        version: u8,
        /// The tapleaf hash.
        hash: [u8; 32],
    },
    /// A step up the Merkle path.
    Branch {
        /// The sibling from the control block.
        sibling: [u8; 32],
        /// The tapbranch hash.
        hash: [u8; 32],
    },
    /// The internal key was tweaked with the root.
    Tweak {
        /// The internal key.
        internal_key: [u8; 32],
        /// The taptweak hash.
        tweak: [u8; 32],
        /// Whether the result is the output key with the parity that the control block says.
        matches: bool,
        /// If not: why.
        explanations: Vec<Explanation>,
    },
}

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All opcodes were done, and what is checked after them.
    Completed,
    /// An opcode failed.
    Opcode,
    /// The bytes at this position are no instruction; no step was taken for it.
    Decode,
    /// All opcodes were done; what is checked after them failed.
    AfterLastOpcode,
}

impl Stopped {
    /// The name, as traces write it.
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
    /// The part of verification.
    pub phase: Phase,
    /// The state that it left.
    pub state: State,
    /// The position at which it ended: of the opcode that failed, or the number of opcodes.
    pub position: u32,
    /// How.
    pub stopped: Stopped,
    /// Whether it failed.
    pub result: Result<(), ScriptError>,
}

impl Trace {
    /// Verifies an input and records how.
    ///
    /// # Errors
    ///
    /// [`UsageError`] if there is nothing to verify: no such input, a wrong number of prevouts, flags that do not go
    /// together.
    pub fn record(subject: Subject, options: Options) -> Result<Trace, UsageError> {
        let spend = Spend::new(&subject.tx, &subject.prevouts)?;
        let signing = spend.signing(subject.input)?;
        let mut recorder = Recorder::new(signing, options);
        let verdict = match spend.verify_input_with(subject.input, subject.flags, &mut recorder) {
            Err(VerifyError::Usage(error)) => return Err(error),
            verdict => verdict.map(drop),
        };
        let mut coverage = Coverage::new();
        if verdict.is_ok() {
            // The verdict is the same again.
            let _ = spend.verify_input_with(subject.input, subject.flags, &mut coverage);
        }
        let rule = match verdict {
            Ok(()) => broken_rule(&spend, subject.flags),
            Err(_) => None,
        };
        let (mut frames, known) = recorder.into_parts();
        if options.explain {
            let failed_under = verdict.is_err().then_some(subject.flags);
            explain::explain(&signing, subject.internal_key, failed_under, &known, &mut frames);
        }
        Ok(Trace { frames, verdict, rule, gaps: coverage.gaps().to_vec(), known, subject })
    }

    /// Whether the input is valid, and the transaction breaks no rule that spans inputs.
    pub fn is_valid(&self) -> bool {
        self.verdict.is_ok() && self.rule.is_none()
    }

    /// The steps, with their indexes among the frames.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = (usize, &Step)> {
        self.frames.iter().enumerate().filter_map(|(index, frame)| match frame {
            Frame::Step(step) => Some((index, &**step)),
            _ => None,
        })
    }

    /// The frame at which verification failed: that of the opcode, the signature or the commitment, otherwise the last one.
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

/// The rule over a whole transaction that is broken, if every input is valid.
fn broken_rule(spend: &Spend<'_>, flags: Flags) -> Option<TransactionRule> {
    let spans_inputs = |proposal: &&Proposal| !proposal.is_of_scripts() && flags.contains(proposal.flag);
    // Without such a rule the other inputs need not be verified.
    PROPOSALS.iter().copied().find(spans_inputs)?;
    match spend.verify(flags) {
        Err(TransactionError::Rule(rule)) => Some(rule),
        _ => None,
    }
}
