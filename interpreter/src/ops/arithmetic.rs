//! Arithmetic opcodes. Operands have at most four bytes, so no result overflows an `i64`. A result may have five bytes; such
//! a result is valid on the stack but fails if it is used as a number again.

use super::Result;
use crate::machine::Machine;

/// Executes an arithmetic opcode with one operand: `n -- f(n)`.
#[inline]
pub(super) fn unary(m: &mut Machine<'_>, f: impl FnOnce(i64) -> i64) -> Result {
    let result = f(m.number(0)?);
    m.stack.drop_top(1)?;
    m.stack.push_number(result)
}

/// Reads and removes the operands of a binary opcode. The deeper operand is read first, as in Core, so if both are invalid,
/// the error is that of the deeper one.
#[inline]
fn operands(m: &mut Machine<'_>) -> Result<(i64, i64)> {
    let pair = (m.number(1)?, m.number(0)?);
    m.stack.drop_top(2)?;
    Ok(pair)
}

/// Executes an arithmetic opcode with two operands and a numeric result: `a b -- f(a, b)`.
#[inline]
pub(super) fn binary(m: &mut Machine<'_>, f: impl FnOnce(i64, i64) -> i64) -> Result {
    let (a, b) = operands(m)?;
    m.stack.push_number(f(a, b))
}

/// Executes an arithmetic opcode with two operands and a boolean result: `a b -- f(a, b)`.
#[inline]
pub(super) fn compare(m: &mut Machine<'_>, f: impl FnOnce(i64, i64) -> bool) -> Result {
    let (a, b) = operands(m)?;
    m.stack.push_bool(f(a, b));
    Ok(())
}

/// `OP_WITHIN`: `x min max -- bool`. Pushes whether min <= x < max.
#[inline]
pub(super) fn within(m: &mut Machine<'_>) -> Result {
    let (x, min, max) = (m.number(2)?, m.number(1)?, m.number(0)?);
    m.stack.drop_top(3)?;
    m.stack.push_bool(min <= x && x < max);
    Ok(())
}
