//! Arithmetic. Operands have at most four bytes, so no result overflows an `i64`; results may have five bytes, and then
//! fail only where they are used as numbers again.

use super::Result;
use crate::machine::Machine;

/// `n -- f(n)`
#[inline]
pub(super) fn unary(m: &mut Machine<'_>, f: impl FnOnce(i64) -> i64) -> Result {
    let result = f(m.number(0)?);
    m.stack.drop_top(1)?;
    m.stack.push_number(result)
}

/// Reads the operands of a binary opcode, the deeper one first, as Core does: if both are bad the deeper one decides.
#[inline]
fn operands(m: &mut Machine<'_>) -> Result<(i64, i64)> {
    let pair = (m.number(1)?, m.number(0)?);
    m.stack.drop_top(2)?;
    Ok(pair)
}

/// `a b -- f(a, b)`
#[inline]
pub(super) fn binary(m: &mut Machine<'_>, f: impl FnOnce(i64, i64) -> i64) -> Result {
    let (a, b) = operands(m)?;
    m.stack.push_number(f(a, b))
}

/// `a b -- bool`
#[inline]
pub(super) fn compare(m: &mut Machine<'_>, f: impl FnOnce(i64, i64) -> bool) -> Result {
    let (a, b) = operands(m)?;
    m.stack.push_bool(f(a, b));
    Ok(())
}

/// `x min max -- bool`: whether min <= x < max.
#[inline]
pub(super) fn within(m: &mut Machine<'_>) -> Result {
    let (x, min, max) = (m.number(2)?, m.number(1)?, m.number(0)?);
    m.stack.drop_top(3)?;
    m.stack.push_bool(min <= x && x < max);
    Ok(())
}
