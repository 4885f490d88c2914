//! The interpreter loop: the rules common to all opcodes, and the dispatch to the opcode's own rule (Core `EvalScript`).

use crate::code_points::Rules;
use crate::error::{ScriptPosition, Stop};
use crate::flags::Flags;
use crate::host::Host;
use crate::inspector::Inspector;
use crate::instruction::{Instruction, Instructions, is_minimal_push};
use crate::limits::{MAX_OPS_PER_SCRIPT, MAX_SCRIPT_ELEMENT_SIZE, MAX_SCRIPT_SIZE, MAX_STACK_SIZE};
use crate::machine::{Context, Machine};
use crate::opcode::Opcode;
use crate::ops;
use crate::script_error::ScriptError;
use crate::stack::Stack;

/// Runs one script on a stack. For tests, fuzzers and teaching: use [`crate::Spend`] to verify an input of a
/// transaction.
///
/// This function does not check the final stack, does not scan a tapscript for `OP_SUCCESSx`, and trusts the data in
/// `context`, for example the leaf hash of a tapscript.
///
/// # Errors
///
/// The first rule that the script breaks, in the order in which Core checks the rules. The error includes the position
/// of the opcode if a single opcode breaks the rule.
pub fn run_script<'r, I: Inspector>(
    stack: &mut Stack,
    script: &[u8],
    context: Context,
    rules: impl Into<Rules<'r>>,
    host: &mut dyn Host,
    inspector: &mut I,
) -> Result<(), Stop> {
    if !matches!(context, Context::Tapscript(_)) && script.len() > MAX_SCRIPT_SIZE {
        return Err(ScriptError::ScriptSize.into());
    }
    // Each script starts with an empty alt stack.
    stack.clear_alt();
    let mut machine = Machine::new(stack, script, context, rules.into(), host);
    if !I::ACTIVE {
        return run_instructions(&mut machine, inspector);
    }
    machine.events = Some(Vec::new());
    inspector.script(&machine);
    let result = run_instructions(&mut machine, inspector);
    inspector.script_end(&machine, &result);
    result
}

#[inline]
fn run_instructions<I: Inspector>(machine: &mut Machine<'_>, inspector: &mut I) -> Result<(), Stop> {
    let script = machine.script;
    let mut instructions = Instructions::new(script);
    loop {
        let byte_offset = instructions.offset();
        let Some(instruction) = instructions.next() else { break };
        let result = match instruction {
            Ok(instruction) => {
                machine.next_offset = instructions.offset();
                step(machine, &instruction, inspector)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            let opcode = Opcode(script.get(byte_offset).copied().unwrap_or_default());
            let meaning = machine.code_points.meaning(opcode);
            let position = ScriptPosition { opcode_position: machine.position, byte_offset, opcode, meaning };
            return Err(Stop { error, position: Some(position) });
        }
        // A script has fewer opcodes than u32::MAX, since a block has fewer bytes.
        machine.position = machine.position.wrapping_add(1);
    }
    if machine.conditions.depth() != 0 {
        return Err(ScriptError::UnbalancedConditional.into());
    }
    Ok(())
}

/// Executes one instruction and calls the inspector before and after it.
#[inline]
fn step<I: Inspector>(
    machine: &mut Machine<'_>,
    instruction: &Instruction<'_>,
    inspector: &mut I,
) -> Result<(), ScriptError> {
    if !I::ACTIVE {
        return execute(machine, instruction);
    }
    inspector.step(machine, instruction);
    let result = execute(machine, instruction);
    for event in machine.events.replace(Vec::new()).unwrap_or_default() {
        inspector.event(&event);
    }
    inspector.step_end(machine, instruction, result);
    result
}

/// Executes one instruction: applies the rules common to all opcodes, in Core's order, and the rule of its own opcode.
#[inline]
fn execute(machine: &mut Machine<'_>, instruction: &Instruction<'_>) -> Result<(), ScriptError> {
    let opcode = instruction.opcode;
    let executing = machine.conditions.all_true();
    if opcode <= Opcode::OP_PUSHDATA4 {
        // The size limit applies even in a branch that is not executed.
        if instruction.data.len() > MAX_SCRIPT_ELEMENT_SIZE {
            return Err(ScriptError::PushSize);
        }
        if executing {
            if machine.minimal() && !is_minimal_push(opcode, instruction.data) {
                return Err(ScriptError::MinimalData);
            }
            machine.stack.push(instruction.data)?;
        }
    } else {
        check_before_execution(machine, opcode)?;
        if executing || matches!(opcode, Opcode(0x63..=0x68)) {
            ops::execute(machine, opcode)?;
        }
    }
    if machine.stack.len() + machine.stack.alt_len() > MAX_STACK_SIZE {
        return Err(ScriptError::StackSize);
    }
    Ok(())
}

/// Checks the rules that apply to an opcode even in a branch that is not executed.
#[inline]
fn check_before_execution(machine: &mut Machine<'_>, opcode: Opcode) -> Result<(), ScriptError> {
    if matches!(machine.context, Context::Tapscript(_)) {
        // BIP 342 "Resource limits" removes the limit on opcodes. The disabled opcodes are OP_SUCCESSx in tapscript, so
        // a script that contains one has succeeded before.
        return Ok(());
    }
    // OP_RESERVED does not count toward the limit.
    if opcode > Opcode::OP_16 {
        machine.op_count += 1;
        if machine.op_count > MAX_OPS_PER_SCRIPT {
            return Err(ScriptError::OpCount);
        }
    }
    if opcode.is_disabled() {
        return Err(ScriptError::DisabledOpcode);
    }
    if opcode == Opcode::OP_CODESEPARATOR
        && matches!(machine.context, Context::Legacy)
        && machine.flags.contains(Flags::CONST_SCRIPTCODE)
    {
        return Err(ScriptError::OpCodeSeparator);
    }
    Ok(())
}
