//! `OP_INTERNALKEY` (BIP 349), which redefines `OP_SUCCESS203`.

use crate::error::ScriptError;
use crate::machine::Machine;
use crate::proposals::Proposal;

/// `-- key`: pushes the internal key of the input's control block (BIP 349 "Specification").
pub(crate) fn execute(m: &mut Machine<'_>) -> Result<(), ScriptError> {
    let key = m.tapscript_with(Proposal::INTERNALKEY)?.internal_key;
    m.stack.push(&key)
}
