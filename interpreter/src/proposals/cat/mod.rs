//! `OP_CAT` (BIP 347), which redefines `OP_SUCCESS126`.

use crate::error::ScriptError;
use crate::limits::MAX_SCRIPT_ELEMENT_SIZE;
use crate::machine::Machine;
use crate::proposals::Proposal;

/// `a b -- ab`. Fails if the result would be longer than 520 bytes (BIP 347 "Specification").
pub(crate) fn execute(m: &mut Machine<'_>) -> Result<(), ScriptError> {
    m.tapscript_with(Proposal::OP_CAT)?;
    m.stack.need(2)?;
    let (a, b) = (m.stack.get(1)?, m.stack.get(0)?);
    let mut joined = [0; MAX_SCRIPT_ELEMENT_SIZE];
    let length = a.len() + b.len();
    let Some(space) = joined.get_mut(..length) else { return Err(ScriptError::PushSize) };
    let (first, second) = space.split_at_mut(a.len());
    first.copy_from_slice(a);
    second.copy_from_slice(b);
    m.stack.drop_top(2)?;
    m.stack.push(joined.get(..length).unwrap_or_default())
}
