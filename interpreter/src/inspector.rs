//! [`Inspector`]: the trait for code that observes each step of a verification, for example to print a trace. Without
//! an inspector, verification has no overhead.

use crate::error::{Phase, ScriptPosition, Stop, VerifyError};
use crate::event::{CommitmentStep, Event};
use crate::instruction::Instruction;
use crate::machine::Machine;
use crate::script_error::ScriptError;

/// Observes the verification of an input. Implement the methods of interest; the others do nothing. No method can
/// change the verdict.
pub trait Inspector {
    /// Whether verification calls the methods of this inspector. `false` compiles the calls out.
    const ACTIVE: bool = true;

    /// Called when a phase of the verification begins. `script` is the script that the phase runs, if any.
    fn phase(&mut self, phase: Phase, script: Option<&[u8]>) {
        let _ = (phase, script);
    }

    /// Called for each step of the check that a taproot output commits to a leaf.
    fn commitment(&mut self, step: &CommitmentStep<'_>) {
        let _ = step;
    }

    /// Called if a tapscript contains an `OP_SUCCESSx` and therefore succeeds without being executed (BIP 342 "Script
    /// execution"). `position` is that of the first `OP_SUCCESSx`.
    fn op_success(&mut self, position: &ScriptPosition) {
        let _ = position;
    }

    /// Called before the first instruction of a script, with the initial stack. Not called for a script that is longer
    /// than [`MAX_SCRIPT_SIZE`](crate::limits::MAX_SCRIPT_SIZE) allows.
    fn script(&mut self, machine: &Machine<'_>) {
        let _ = machine;
    }

    /// Called when a script has ended. If an opcode failed or could not be parsed, [`Machine::position`] is the
    /// position of that opcode. In all other cases it is the number of opcodes in the script.
    fn script_end(&mut self, machine: &Machine<'_>, result: &Result<(), Stop>) {
        let _ = (machine, result);
    }

    /// Called before an instruction is executed. Also called before an instruction in a branch that is not taken:
    /// [`Machine::is_executing`] is then false.
    fn step(&mut self, machine: &Machine<'_>, instruction: &Instruction<'_>) {
        let _ = (machine, instruction);
    }

    /// Called after an instruction was executed, with its result. Also called after an instruction that was skipped in
    /// a branch that is not taken.
    fn step_end(
        &mut self,
        machine: &Machine<'_>,
        instruction: &Instruction<'_>,
        result: Result<(), ScriptError>,
    ) {
        let _ = (machine, instruction, result);
    }

    /// Called for each [`Event`]. Events that occur while an instruction executes are reported before the
    /// [`Inspector::step_end`] of the instruction. Other events occur outside of scripts, such as the signature check
    /// of a key path spend.
    fn event(&mut self, event: &Event) {
        let _ = event;
    }

    /// Called at the end of the verification of the input, with the result.
    fn finish(&mut self, verdict: &Result<(), VerifyError>) {
        let _ = verdict;
    }
}

/// The inspector for verification without inspection: its calls are compiled out.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoInspector;

impl Inspector for NoInspector {
    const ACTIVE: bool = false;
}
