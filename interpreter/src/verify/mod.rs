//! Verification of one input, from the scriptSig to the verdict (Core `VerifyScript`).

mod program;
mod taproot;

use crate::claim::Claim;
use crate::code_points::{CodePoints, Rules};
use crate::conclude::InputVerified;
use crate::engine::run_script;
use crate::error::{Location, Phase, Stop, VerifyError};
use crate::event::Event;
use crate::flags::Flags;
use crate::inspector::Inspector;
use crate::instruction::{is_push_only, push_prefix};
use crate::machine::Context;
use crate::opcode::Opcode;
use crate::script_error::ScriptError;
use crate::sigops;
use crate::stack::Stack;
use crate::tx_host::TxHost;
use crate::unchecked::Unchecked;
use crate::view::TxView;

use program::WitnessProgram;

/// State of the verification of one input. If a step returns an error, `phase` is the phase in which the error
/// occurred.
pub(crate) struct Verification<'a, 'i, I> {
    pub(crate) view: TxView<'a>,
    pub(crate) host: TxHost<'a>,
    pub(crate) flags: Flags,
    pub(crate) code_points: &'a CodePoints,
    pub(crate) inspector: &'i mut I,
    pub(crate) stack: Stack,
    pub(crate) phase: Phase,
}

pub(crate) fn verify_input<'a, I: Inspector>(
    host: TxHost<'a>,
    rules: Rules<'a>,
    inspector: &mut I,
) -> Result<InputVerified, VerifyError> {
    let view = host.view;
    let stack = Stack::reused();
    let (flags, code_points, phase) = (rules.flags, rules.code_points, Phase::ScriptSig);
    let mut verification = Verification { view, host, flags, code_points, inspector, stack, phase };
    let verdict = verification.run().map_err(|stop| VerifyError::Script {
        error: stop.error,
        location: Location { phase: verification.phase, position: stop.position },
    });
    if I::ACTIVE {
        verification.inspector.finish(&verdict);
    }
    verification.stack.keep();
    verdict.map(|()| InputVerified::new(view.input, flags, verification.host.claims))
}

impl<'a, I: Inspector> Verification<'a, '_, I> {
    /// Starts a phase of the verification and reports the phase to the inspector. `script` is the script that the phase
    /// runs, if any.
    pub(crate) fn enter(&mut self, phase: Phase, script: Option<&[u8]>) {
        self.phase = phase;
        if I::ACTIVE {
            self.inspector.phase(phase, script);
        }
    }

    /// Returns the rules under which the scripts of the input run.
    pub(crate) fn rules(&self) -> Rules<'a> {
        Rules { flags: self.flags, code_points: self.code_points }
    }

    /// Runs a script of the input on the current stack.
    pub(crate) fn run_script(&mut self, script: &[u8], context: Context) -> Result<(), Stop> {
        let rules = self.rules();
        run_script(&mut self.stack, script, context, rules, &mut self.host, self.inspector)
    }

    fn run(&mut self) -> Result<(), Stop> {
        let (tx_input, prevout) =
            match (self.view.tx.input.get(self.view.input), self.view.prevouts.get(self.view.input)) {
                (Some(tx_input), Some(prevout)) => (tx_input, prevout),
                // Not reached: Spend::view has checked that the input and its prevout exist.
                _ => return Err(ScriptError::EvalFalse.into()),
            };
        if self.flags.contains(Flags::LEGACY_SIGOPS_LIMIT) {
            self.host.claims.push(Claim::LegacySigops(sigops::legacy(tx_input, prevout)));
        }
        let script_sig = tx_input.script_sig.as_bytes();
        let script_pubkey = prevout.script_pubkey.as_bytes();

        self.enter(Phase::ScriptSig, Some(script_sig));
        if self.flags.contains(Flags::SIGPUSHONLY) && !is_push_only(script_sig) {
            return Err(ScriptError::SigPushOnly.into());
        }
        self.run_script(script_sig, Context::Legacy)?;
        let redeem_script = match self.flags.contains(Flags::P2SH) && is_p2sh(script_pubkey) {
            true => self.stack.get(0).map(<[u8]>::to_vec).ok(),
            false => None,
        };
        self.enter(Phase::ScriptPubKey, Some(script_pubkey));
        self.run_script(script_pubkey, Context::Legacy)?;
        self.require_true()?;

        if I::ACTIVE {
            self.record_missing_flags(script_pubkey);
        }
        let mut had_witness = false;
        if self.flags.contains(Flags::WITNESS)
            && let Some(program) = WitnessProgram::parse(script_pubkey)
        {
            had_witness = true;
            self.enter(Phase::WitnessProgram, None);
            // BIP 141 "Witness program": the scriptSig must be empty.
            if !script_sig.is_empty() {
                return Err(ScriptError::WitnessMalleated.into());
            }
            self.verify_witness_program(program, &tx_input.witness, false)?;
        }
        if let Some(redeem_script) = redeem_script {
            had_witness = self.verify_p2sh(script_sig, &redeem_script, &tx_input.witness)?;
        }
        self.enter(Phase::Finish, None);
        // After a witness program the stack is not checked: the rules of the program already required a clean stack.
        if self.flags.contains(Flags::CLEANSTACK) && !had_witness && self.stack.len() != 1 {
            return Err(ScriptError::CleanStack.into());
        }
        if self.flags.contains(Flags::WITNESS) && !had_witness && !tx_input.witness.is_empty() {
            return Err(ScriptError::WitnessUnexpected.into());
        }
        Ok(())
    }

    /// Verifies a P2SH input (BIP 16 "Specification"): the scriptSig must consist of pushes, and its last push is
    /// executed as the redeem script. Returns whether the redeem script is a witness program that was verified.
    fn verify_p2sh(
        &mut self,
        script_sig: &[u8],
        redeem_script: &[u8],
        witness: &bitcoin::Witness,
    ) -> Result<bool, Stop> {
        self.enter(Phase::RedeemScript, Some(redeem_script));
        if !is_push_only(script_sig) {
            return Err(ScriptError::SigPushOnly.into());
        }
        // The scriptPubKey has replaced the redeem script with its result, and left the elements below unchanged.
        self.stack.drop_top(1)?;
        self.run_script(redeem_script, Context::Legacy)?;
        self.require_true()?;
        if !self.flags.contains(Flags::WITNESS) {
            if I::ACTIVE {
                self.record_missing_flags(redeem_script);
            }
            return Ok(false);
        }
        let Some(program) = WitnessProgram::parse(redeem_script) else { return Ok(false) };
        self.enter(Phase::WitnessProgram, None);
        // BIP 141 "Witness program": the scriptSig must be exactly a push of the redeem script.
        let (prefix, prefix_size) = push_prefix(redeem_script.len());
        if script_sig.strip_prefix(prefix.get(..prefix_size).unwrap_or_default()) != Some(redeem_script) {
            return Err(ScriptError::WitnessMalleatedP2sh.into());
        }
        self.verify_witness_program(program, witness, true)?;
        Ok(true)
    }

    /// Reports to the inspector if `script` is a witness program or P2SH but is not verified as one, because a flag is
    /// not set.
    fn record_missing_flags(&mut self, script: &[u8]) {
        let unchecked = match WitnessProgram::parse(script) {
            Some(program) if !self.flags.contains(Flags::WITNESS) => program.without_flags(self.flags),
            None if !self.flags.contains(Flags::P2SH) && is_p2sh(script) => Unchecked::P2shFlag,
            _ => return,
        };
        self.inspector.event(&Event::Unchecked(unchecked));
    }

    /// Fails unless the top element of the stack is true.
    pub(crate) fn require_true(&self) -> Result<(), Stop> {
        if self.stack.is_true(0).unwrap_or(false) { Ok(()) } else { Err(ScriptError::EvalFalse.into()) }
    }
}

/// Returns whether a scriptPubKey is `OP_HASH160 <20 bytes> OP_EQUAL` (BIP 16).
fn is_p2sh(script: &[u8]) -> bool {
    const HASH160: u8 = Opcode::OP_HASH160.0;
    const EQUAL: u8 = Opcode::OP_EQUAL.0;
    matches!(script, [HASH160, 20, hash @ .., EQUAL] if hash.len() == 20)
}
