//! `OP_INTERNALKEY` (BIP 349), which redefines `OP_SUCCESS203`.

use crate::flags::{Flags, flags};
use crate::machine::Machine;
use crate::opcode::{Opcode, opcodes};
use crate::proposals::{BIPS_REVISION, Hook, Proposal, ProposalId, Sample};
use crate::script_error::{ScriptError, errors};

flags! {
    25 INTERNALKEY Proposal "Give OP_SUCCESS203 the meaning of OP_INTERNALKEY (BIP 349).";
    36 DISCOURAGE_INTERNALKEY ProposalPolicy "Fail on OP_INTERNALKEY.";
}

opcodes! {
    0xcb OP_INTERNALKEY "-- key" "Pushes the taproot internal key (BIP 349); succeeds at once while not active (OP_SUCCESS203).";
}

errors! {
    DiscourageOpInternalKey "DISCOURAGE_OP_INTERNALKEY" "OP_INTERNALKEY is used and policy refuses it";
}

/// The entry of BIP 349 in [`PROPOSALS`](crate::PROPOSALS).
pub(crate) const INTERNALKEY: Proposal = Proposal {
    id: ProposalId::INTERNALKEY,
    name: "INTERNALKEY",
    short_name: Some("IKEY"),
    bip: 349,
    revision: BIPS_REVISION,
    hook: Hook::Success(Opcode::OP_INTERNALKEY),
    flag: Flags::INTERNALKEY,
    discourage: Flags::DISCOURAGE_INTERNALKEY,
    discouraged_error: Some(ScriptError::DiscourageOpInternalKey),
    flags: FLAG_ROWS,
    opcodes: OPCODE_ROWS,
    errors: ERROR_ROWS,
    failures: &[ScriptError::BadOpcode, ScriptError::StackSize, ScriptError::DiscourageOpInternalKey],
    cost: 0,
    vectors: Some("internalkey"),
    sample: Some(Sample { stack: &[], script: &[Opcode::OP_INTERNALKEY.0] }),
};

/// `OP_INTERNALKEY`: `-- key`. Pushes the 32-byte internal key in the input's control block (BIP 349 "Specification").
pub(crate) fn execute(m: &mut Machine<'_>) -> Result<(), ScriptError> {
    let key = m.tapscript_with(Proposal::INTERNALKEY)?.internal_key;
    m.stack.push(&key)
}
