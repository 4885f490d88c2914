//! Stack opcodes that need more than one stack operation, and comparison of elements.

use super::Result;
use crate::machine::Machine;
use crate::script_error::ScriptError;

/// `OP_IFDUP`: `x -- x | x x`. Duplicates the top element if it is true.
pub(super) fn if_dup(m: &mut Machine<'_>) -> Result {
    if m.stack.is_true(0)? { m.stack.copy(0, 1) } else { Ok(()) }
}

/// `OP_DEPTH`: `-- n`. Pushes the number of elements on the stack.
pub(super) fn depth(m: &mut Machine<'_>) -> Result {
    push_length(m, m.stack.len())
}

/// `OP_SIZE`: `x -- x n`. Pushes the length of the top element in bytes.
pub(super) fn size(m: &mut Machine<'_>) -> Result {
    push_length(m, m.stack.size(0)?)
}

fn push_length(m: &mut Machine<'_>, length: usize) -> Result {
    // The conversion cannot fail: no stack and no element is longer than an `i64` can express.
    m.stack.push_number(i64::try_from(length).unwrap_or(i64::MAX))
}

/// `OP_PICK`: `x_n ... x_0 n -- x_n ... x_0 x_n`. Copies the element at depth n to the top.
pub(super) fn pick(m: &mut Machine<'_>) -> Result {
    let depth = take_depth(m)?;
    m.stack.copy(depth, 1)
}

/// `OP_ROLL`: `x_n ... x_0 n -- ... x_0 x_n`. Moves the element at depth n to the top.
pub(super) fn roll(m: &mut Machine<'_>) -> Result {
    let depth = take_depth(m)?;
    m.stack.roll(depth, 1)
}

/// Removes the argument of `OP_PICK` or `OP_ROLL` from the stack and returns it. The argument is the depth of an
/// element. Fails if the remaining stack has no element at this depth.
fn take_depth(m: &mut Machine<'_>) -> Result<usize> {
    m.stack.need(2)?;
    let depth = m.number(0)?;
    m.stack.drop_top(1)?;
    let depth = usize::try_from(depth).map_err(|_| ScriptError::InvalidStackOperation)?;
    if depth < m.stack.len() { Ok(depth) } else { Err(ScriptError::InvalidStackOperation) }
}

/// `OP_EQUAL`: `a b -- bool`. Pushes whether both elements have the same bytes.
#[inline]
pub(super) fn equal(m: &mut Machine<'_>) -> Result {
    let equal = m.stack.get(1)? == m.stack.get(0)?;
    m.stack.drop_top(2)?;
    m.stack.push_bool(equal);
    Ok(())
}
