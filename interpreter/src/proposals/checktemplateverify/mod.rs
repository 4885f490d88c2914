//! `OP_CHECKTEMPLATEVERIFY` (BIP 119), which redefines `OP_NOP4`.

mod message;
mod rules;

use crate::flags::{Flags, flags};
use crate::opcode::{Opcode, opcodes};
use crate::proposals::{BIPS_REVISION, Hook, Proposal, ProposalId, Sample};
use crate::script_error::{ScriptError, errors};

pub use message::{check_template_digest, write_check_template};
pub(crate) use rules::execute;

flags! {
    23 CHECKTEMPLATEVERIFY Proposal "Give OP_NOP4 the meaning of OP_CHECKTEMPLATEVERIFY (BIP 119).";
    34 DISCOURAGE_CHECKTEMPLATEVERIFY ProposalPolicy "Fail on OP_CHECKTEMPLATEVERIFY.";
    39 DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY ProposalPolicy "Fail on arguments of OP_CHECKTEMPLATEVERIFY that are not 32 bytes.";
}

opcodes! {
    0xb3 OP_NOP4 = OP_CHECKTEMPLATEVERIFY = OP_CTV "hash -- hash" "Fails unless the transaction is the one that hash commits to (OP_CHECKTEMPLATEVERIFY, BIP 119); does nothing while not active.";
}

errors! {
    TemplateMismatch "TEMPLATE_MISMATCH" "the transaction is not the one that OP_CHECKTEMPLATEVERIFY commits to";
}

/// The entry of BIP 119 in [`PROPOSALS`](crate::PROPOSALS).
pub(crate) const CHECKTEMPLATEVERIFY: Proposal = Proposal {
    id: ProposalId::CHECKTEMPLATEVERIFY,
    name: "CHECKTEMPLATEVERIFY",
    short_name: Some("CTV"),
    bip: 119,
    revision: BIPS_REVISION,
    hook: Hook::Nop(Opcode::OP_CHECKTEMPLATEVERIFY),
    flag: Flags::CHECKTEMPLATEVERIFY,
    discourage: Flags::DISCOURAGE_CHECKTEMPLATEVERIFY,
    discouraged_error: Some(ScriptError::DiscourageUpgradableNops),
    flags: FLAG_ROWS,
    opcodes: OPCODE_ROWS,
    errors: ERROR_ROWS,
    failures: &[
        ScriptError::InvalidStackOperation,
        ScriptError::TemplateMismatch,
        ScriptError::DiscourageUpgradableNops,
        ScriptError::OpCount,
    ],
    cost: 0,
    vectors: Some("ctv"),
    // The argument has one byte because a hash of 32 bytes would match one transaction only.
    sample: Some(Sample { stack: &[&[1]], script: &[Opcode::OP_CHECKTEMPLATEVERIFY.0] }),
};
