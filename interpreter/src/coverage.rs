//! [`Coverage`]: an inspector that lists the rules that a successful verification did not check.

use core::fmt;

use crate::error::{Location, Phase, ScriptPosition, VerifyError};
use crate::event::{Event, SignatureCheck, SignedMessage};
use crate::inspector::Inspector;
use crate::instruction::Instruction;
use crate::machine::Machine;
use crate::opcode::Opcode;
use crate::proposals::Proposal;
use crate::sighash::legacy;
use crate::unchecked::Unchecked;

/// Mask of the hash type bits that select the signed outputs. The mask is used for legacy, segwit v0 and taproot
/// signatures.
const OUTPUTS_MASK: u8 = 0x1f;

/// Hash type SIGHASH_NONE: the signature commits to no output.
const SIGHASH_NONE: u8 = 2;

/// A rule that a successful verification did not check, and where the rule was first skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// Which rule was not checked, and why.
    pub unchecked: Unchecked,
    /// Phase and opcode at which the rule was first skipped.
    pub location: Location,
}

/// Writes the text of the [`Unchecked`] value, followed by the location if the rule was skipped at an opcode.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.unchecked.fmt(f)?;
        if self.location.position.is_some() { write!(f, " (in {})", self.location) } else { Ok(()) }
    }
}

/// An inspector that collects the rules that a verification does not check. An input can be valid only because an opcode, a
/// leaf version, a witness version or a public key has no rules yet, or because a flag is not set.
///
/// ```
/// use sigstack_interpreter::bitcoin::{
///     Amount, ScriptBuf, Transaction, TxIn, TxOut, absolute::LockTime, transaction::Version,
/// };
/// use sigstack_interpreter::{Coverage, Flags, Spend};
///
/// let tx = Transaction {
///     version: Version::TWO,
///     lock_time: LockTime::ZERO,
///     input: vec![TxIn::default()],
///     output: vec![],
/// };
/// // Witness version 2, which has no rules yet.
/// let prevouts = [TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from(vec![0x52, 2, 0xaa, 0xaa]) }];
/// let mut coverage = Coverage::new();
/// let _ = Spend::new(&tx, &prevouts)?.verify_input_with(0, Flags::CONSENSUS, &mut coverage)?;
/// let gaps: Vec<String> = coverage.gaps().iter().map(ToString::to_string).collect();
/// assert_eq!(gaps, ["no rule ran: the witness version 2 is unknown"]);
/// # Ok::<(), sigstack_interpreter::VerifyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    gaps: Vec<Gap>,
    phase: Option<Phase>,
    /// Position of the instruction that is being executed; `None` if no instruction is.
    position: Option<ScriptPosition>,
    /// Template hashes of the transaction that the script computed, each with the opcode that computed it.
    templates: Vec<(Opcode, [u8; 32])>,
    /// Whether a valid signature that commits to the transaction was checked.
    signed: bool,
    /// Whether a valid signature that commits to at least one output of the transaction was checked. Template hashes,
    /// which commit to all outputs, are recorded in `templates`.
    outputs_signed: bool,
}

impl Coverage {
    /// Creates an inspector without gaps. The inspector can be reused: each verification clears the gaps of the
    /// previous one.
    pub fn new() -> Coverage {
        Coverage::default()
    }

    /// Returns the rules that were not checked, each once, in the order of verification. The list is empty until a
    /// verification has ended, and also after a verification that failed.
    pub fn gaps(&self) -> &[Gap] {
        match self.phase {
            None => &self.gaps,
            Some(_) => &[],
        }
    }

    fn add(&mut self, unchecked: Unchecked) {
        if self.gaps.iter().all(|gap| gap.unchecked != unchecked) {
            let location =
                Location { phase: self.phase.unwrap_or(Phase::ScriptSig), position: self.position };
            self.gaps.push(Gap { unchecked, location });
        }
    }

    fn add_signature(&mut self, check: &SignatureCheck) {
        if !check.valid {
            return;
        }
        match &check.signed {
            SignedMessage::Legacy { .. } if check.message == legacy::ONE => {
                self.add(Unchecked::SingleWithoutOutput);
            }
            // The message of OP_CHECKSIGFROMSTACK commits to the transaction only if it is one of its template hashes.
            SignedMessage::Stack => {
                self.signed |= self.templates.iter().any(|(_, digest)| check.message == digest);
            }
            SignedMessage::Legacy { hash_type, .. }
            | SignedMessage::SegwitV0 { hash_type, .. }
            | SignedMessage::Taproot { hash_type, .. } => {
                self.signed = true;
                self.outputs_signed |= hash_type & OUTPUTS_MASK != SIGHASH_NONE;
            }
        }
    }
}

impl Inspector for Coverage {
    fn phase(&mut self, phase: Phase, _: Option<&[u8]>) {
        if phase == Phase::ScriptSig {
            *self = Coverage::default();
        }
        self.phase = Some(phase);
        self.position = None;
    }

    fn op_success(&mut self, position: &ScriptPosition) {
        self.position = Some(*position);
        let ScriptPosition { opcode, meaning, .. } = *position;
        self.add(Unchecked::OpSuccess { opcode, proposal: Proposal::of_success_opcode(meaning) });
        self.position = None;
    }

    fn step(&mut self, machine: &Machine<'_>, instruction: &Instruction<'_>) {
        self.position = Some(ScriptPosition {
            opcode_position: machine.position(),
            byte_offset: instruction.byte_offset,
            opcode: instruction.opcode,
            meaning: machine.code_points().meaning(instruction.opcode),
        });
    }

    fn step_end(
        &mut self,
        _: &Machine<'_>,
        _: &Instruction<'_>,
        _: Result<(), crate::script_error::ScriptError>,
    ) {
        self.position = None;
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Signature(check) => self.add_signature(check),
            Event::Hash(hash) if hash.is_of_transaction => {
                self.templates.extend(hash.proposal.hook.opcode().map(|opcode| (opcode, hash.digest)));
            }
            Event::Hash(_) => {}
            Event::Unchecked(unchecked) => self.add(*unchecked),
        }
    }

    fn finish(&mut self, verdict: &Result<(), VerifyError>) {
        let no_script = |gap: &Gap| gap.unchecked.no_rule_ran() || gap.unchecked == Unchecked::P2shFlag;
        if verdict.is_err() {
            self.gaps.clear();
        } else if !self.signed && !self.gaps.iter().any(no_script) {
            let seen = |verifies: bool| {
                let mut opcodes = self.templates.iter().map(|(opcode, _)| *opcode);
                opcodes.find(|opcode| (*opcode == Opcode::OP_CHECKTEMPLATEVERIFY) == verifies)
            };
            let template = seen(true).or_else(|| seen(false));
            self.add(Unchecked::NoSignature { template });
        } else if self.signed && !self.outputs_signed && self.templates.is_empty() {
            self.add(Unchecked::OpenOutputs);
        }
        self.phase = None;
    }
}
