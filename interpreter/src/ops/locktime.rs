//! `OP_CHECKLOCKTIMEVERIFY` (BIP 65) and `OP_CHECKSEQUENCEVERIFY` (BIP 112). Both leave their argument on the stack: `n -- n`.

use super::Result;
use crate::event::Event;
use crate::flags::Flags;
use crate::limits::MAX_LOCKTIME_SIZE;
use crate::machine::Machine;
use crate::opcode::Opcode;
use crate::script_error::ScriptError;
use crate::unchecked::Unchecked;

/// Bit that disables the check of `OP_CHECKSEQUENCEVERIFY` if it is set in the argument (BIP 112 "Specification").
const SEQUENCE_LOCKTIME_DISABLE_FLAG: i64 = 1 << 31;

/// BIP 65 "Summary": fails if the stack is empty, the top element is negative, or the transaction's nLockTime does not
/// satisfy it.
pub(super) fn check_lock_time_verify(m: &mut Machine<'_>) -> Result {
    if !m.flags.contains(Flags::CHECKLOCKTIMEVERIFY) {
        return without_flag(m, Opcode::OP_CHECKLOCKTIMEVERIFY, Flags::CHECKLOCKTIMEVERIFY);
    }
    let lock_time = argument(m)?;
    if m.host.check_lock_time(lock_time) { Ok(()) } else { Err(ScriptError::UnsatisfiedLocktime) }
}

/// BIP 112 "Summary": fails if the stack is empty, the top element is negative, or the input's nSequence does not satisfy
/// it. An argument with the disable bit is not checked against nSequence.
pub(super) fn check_sequence_verify(m: &mut Machine<'_>) -> Result {
    if !m.flags.contains(Flags::CHECKSEQUENCEVERIFY) {
        return without_flag(m, Opcode::OP_CHECKSEQUENCEVERIFY, Flags::CHECKSEQUENCEVERIFY);
    }
    let sequence = argument(m)?;
    if sequence & SEQUENCE_LOCKTIME_DISABLE_FLAG != 0 {
        m.record(|| Event::Unchecked(Unchecked::SequenceDisabled));
        return Ok(());
    }
    if m.host.check_sequence(sequence) { Ok(()) } else { Err(ScriptError::UnsatisfiedLocktime) }
}

/// Executes the opcode as a NOP, because the flag of its soft fork is not set, and records that.
fn without_flag(m: &mut Machine<'_>, opcode: Opcode, missing: Flags) -> Result {
    m.record(|| Event::Unchecked(Unchecked::LocktimeFlag { opcode, missing }));
    Ok(())
}

/// Reads the argument, which may have up to five bytes: nLockTime and nSequence exceed the range of signed four-byte
/// numbers.
fn argument(m: &mut Machine<'_>) -> Result<i64> {
    let number = m.stack.number(0, MAX_LOCKTIME_SIZE, m.minimal())?;
    if number < 0 { Err(ScriptError::NegativeLocktime) } else { Ok(number) }
}
