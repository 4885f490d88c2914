//! `OP_INTERNALKEY` (BIP 349), on `OP_SUCCESS203`.

use super::Result;
use crate::machine::Machine;
use crate::proposal::Proposal;

/// `-- key`: the internal key in the control block that this leaf is spent with (BIP 349 "Specification").
pub(super) fn internal_key(m: &mut Machine<'_>) -> Result {
    let key = m.tapscript_with(Proposal::INTERNALKEY)?.internal_key;
    m.stack.push(&key)
}
