//! `OP_CHECKLOCKTIMEVERIFY` (BIP 65) and `OP_CHECKSEQUENCEVERIFY` (BIP 112). Both leave their argument on the stack: `n -- n`.

use super::Result;
use crate::event::Event;
use crate::flags::Flags;
use crate::limits::MAX_LOCKTIME_SIZE;
use crate::machine::Machine;
use crate::opcode::Opcode;
use crate::script_error::ScriptError;
use crate::unchecked::Unchecked;

/// Bit of the argument of `OP_CHECKSEQUENCEVERIFY`. If the bit is set, the opcode does nothing (BIP 112
/// "Specification").
const SEQUENCE_LOCKTIME_DISABLE_FLAG: i64 = 1 << 31;

/// `OP_CHECKLOCKTIMEVERIFY` (BIP 65 "Summary"): fails if the stack is empty, if the top element is negative, or if
/// nLockTime does not prevent the transaction from confirming before the height or time in the top element.
pub(super) fn check_lock_time_verify(m: &mut Machine<'_>) -> Result {
    if !m.flags.contains(Flags::CHECKLOCKTIMEVERIFY) {
        return without_flag(m, Opcode::OP_CHECKLOCKTIMEVERIFY, Flags::CHECKLOCKTIMEVERIFY);
    }
    let lock_time = argument(m)?;
    if m.host.check_lock_time(lock_time) { Ok(()) } else { Err(ScriptError::UnsatisfiedLocktime) }
}

/// `OP_CHECKSEQUENCEVERIFY` (BIP 112 "Summary"): fails if the stack is empty, if the top element is negative, or if the
/// input's nSequence does not require a relative lock that is at least as long as the lock in the top element. An
/// argument with the disable bit is not compared with nSequence.
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

/// Executes `opcode` as a NOP, because the flag of its soft fork is not set. Records that the check of the lock was
/// skipped.
fn without_flag(m: &mut Machine<'_>, opcode: Opcode, missing: Flags) -> Result {
    m.record(|| Event::Unchecked(Unchecked::LocktimeFlag { opcode, missing }));
    Ok(())
}

/// Reads the argument of `OP_CHECKLOCKTIMEVERIFY` or `OP_CHECKSEQUENCEVERIFY`. It may have up to five bytes, because
/// nLockTime and nSequence exceed the range of signed four-byte numbers. Fails if it is negative.
fn argument(m: &mut Machine<'_>) -> Result<i64> {
    let number = m.stack.number(0, MAX_LOCKTIME_SIZE, m.minimal())?;
    if number < 0 { Err(ScriptError::NegativeLocktime) } else { Ok(number) }
}
