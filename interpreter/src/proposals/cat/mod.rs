//! `OP_CAT` (BIP 347), which redefines `OP_SUCCESS126`.

use crate::flags::{Flags, flags};
use crate::limits::MAX_SCRIPT_ELEMENT_SIZE;
use crate::machine::Machine;
use crate::opcode::{Opcode, opcodes};
use crate::proposals::{BIPS_REVISION, Hook, Proposal, ProposalId, Sample};
use crate::script_error::{ScriptError, errors};

flags! {
    24 OP_CAT Proposal "Give OP_SUCCESS126 the meaning of OP_CAT (BIP 347).";
    35 DISCOURAGE_OP_CAT ProposalPolicy "Fail on OP_CAT in tapscript.";
}

opcodes! {
    0x7e OP_CAT "a b -- ab" "Joins two elements in tapscript (BIP 347); succeeds at once while not active (OP_SUCCESS126). Disabled elsewhere.";
}

errors! {
    DiscourageOpCat "DISCOURAGE_OP_CAT" "OP_CAT is used and policy refuses it";
}

/// The entry of BIP 347 in [`PROPOSALS`](crate::PROPOSALS).
pub(crate) const OP_CAT: Proposal = Proposal {
    id: ProposalId::OP_CAT,
    name: "OP_CAT",
    short_name: None,
    bip: 347,
    revision: BIPS_REVISION,
    hook: Hook::Success(Opcode::OP_CAT),
    flag: Flags::OP_CAT,
    discourage: Flags::DISCOURAGE_OP_CAT,
    discouraged_error: Some(ScriptError::DiscourageOpCat),
    flags: FLAG_ROWS,
    opcodes: OPCODE_ROWS,
    errors: ERROR_ROWS,
    failures: &[
        ScriptError::DisabledOpcode,
        ScriptError::InvalidStackOperation,
        ScriptError::PushSize,
        ScriptError::DiscourageOpCat,
    ],
    cost: 0,
    vectors: Some("cat"),
    sample: Some(Sample { stack: &[&[1], &[2]], script: &[Opcode::OP_CAT.0] }),
};

/// `OP_CAT`: `a b -- ab`. Joins two elements. Fails if the result would be longer than 520 bytes (BIP 347
/// "Specification").
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
