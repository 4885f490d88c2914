//! Inspectors, which observe each step of a verification. Verification without an inspector has no overhead.

use crate::error::{Phase, ScriptPosition, Stop, VerifyError};
use crate::event::{CommitmentStep, Event};
use crate::instruction::Instruction;
use crate::machine::Machine;
use crate::script_error::ScriptError;

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
