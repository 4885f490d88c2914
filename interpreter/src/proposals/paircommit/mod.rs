//! `OP_PAIRCOMMIT` (BIP 442), which redefines `OP_SUCCESS205`.

use sha2::Digest;

use crate::event::{ComputedHash, Event};
use crate::flags::{Flags, flags};
use crate::machine::Machine;
use crate::message::{MessageSink, tags, write_sized};
use crate::opcode::{Opcode, opcodes};
use crate::proposals::{BIPS_REVISION, Hook, Proposal, ProposalId, Sample};
use crate::script_error::{ScriptError, errors};

flags! {
    26 PAIRCOMMIT Proposal "Give OP_SUCCESS205 the meaning of OP_PAIRCOMMIT (BIP 442).";
    37 DISCOURAGE_PAIRCOMMIT ProposalPolicy "Fail on OP_PAIRCOMMIT.";
}

opcodes! {
    0xcd OP_PAIRCOMMIT "a b -- hash" "Pushes a commitment to the two elements (BIP 442); succeeds at once while not active (OP_SUCCESS205).";
}

errors! {
    DiscourageOpPairCommit "DISCOURAGE_OP_PAIRCOMMIT" "OP_PAIRCOMMIT is used and policy refuses it";
}

/// The entry of BIP 442 in [`PROPOSALS`](crate::PROPOSALS).
pub(crate) const PAIRCOMMIT: Proposal = Proposal {
    id: ProposalId::PAIRCOMMIT,
    name: "PAIRCOMMIT",
    short_name: None,
    bip: 442,
    revision: BIPS_REVISION,
    hook: Hook::Success(Opcode::OP_PAIRCOMMIT),
    flag: Flags::PAIRCOMMIT,
    discourage: Flags::DISCOURAGE_PAIRCOMMIT,
    discouraged_error: Some(ScriptError::DiscourageOpPairCommit),
    flags: FLAG_ROWS,
    opcodes: OPCODE_ROWS,
    errors: ERROR_ROWS,
    failures: &[
        ScriptError::BadOpcode,
        ScriptError::InvalidStackOperation,
        ScriptError::DiscourageOpPairCommit,
    ],
    cost: 0,
    vectors: Some("paircommit"),
    sample: Some(Sample { stack: &[&[1], &[2]], script: &[Opcode::OP_PAIRCOMMIT.0] }),
};

tags! {
    /// Returns a hasher that has processed the tag of BIP 442 "Specification".
    tag "PairCommit";
}

/// `OP_PAIRCOMMIT`: `a b -- hash`. Pushes the tagged hash of both elements, each preceded by its length, `a` first (BIP
/// 442 "Specification").
pub(crate) fn execute(m: &mut Machine<'_>) -> Result<(), ScriptError> {
    m.tapscript_with(Proposal::PAIRCOMMIT)?;
    m.stack.need(2)?;
    let (a, b) = (m.stack.get(1)?, m.stack.get(0)?);
    let mut hasher = tag();
    write_preimage(a, b, &mut hasher);
    let digest = hasher.finalize().into();
    if let Some(events) = &mut m.events {
        let mut fields = Vec::new();
        write_preimage(a, b, &mut fields);
        events.push(Event::Hash(ComputedHash {
            proposal: Proposal::PAIRCOMMIT,
            name: "PAIRCOMMIT hash",
            is_of_transaction: false,
            fields,
            left_out: Vec::new(),
            digest,
        }));
    }
    m.stack.drop_top(2)?;
    m.stack.push(&digest)
}

/// Writes the bytes that are hashed after the tag: both elements, each preceded by its length.
fn write_preimage(a: &[u8], b: &[u8], sink: &mut impl MessageSink) {
    write_sized(sink, "x1", a);
    write_sized(sink, "x2", b);
}
