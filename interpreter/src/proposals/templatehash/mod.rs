//! `OP_TEMPLATEHASH` (BIP 446), which redefines `OP_SUCCESS206`.

mod message;

use crate::event::{ComputedHash, Event};
use crate::flags::{Flags, flags};
use crate::machine::Machine;
use crate::opcode::{Opcode, opcodes};
use crate::proposals::{BIPS_REVISION, Hook, Proposal, ProposalId, Sample};
use crate::script_error::{ScriptError, errors};

pub use message::{template_hash_digest, write_template_hash};

flags! {
    27 TEMPLATEHASH Proposal "Give OP_SUCCESS206 the meaning of OP_TEMPLATEHASH (BIP 446).";
    38 DISCOURAGE_TEMPLATEHASH ProposalPolicy "Fail on OP_TEMPLATEHASH.";
}

opcodes! {
    0xce OP_TEMPLATEHASH "-- hash" "Pushes the hash of the transaction without what it spends (BIP 446); succeeds at once while not active (OP_SUCCESS206).";
}

errors! {
    DiscourageTemplateHash "DISCOURAGE_TEMPLATEHASH" "OP_TEMPLATEHASH is used and policy refuses it";
}

/// The entry of BIP 446 in [`PROPOSALS`](crate::PROPOSALS).
pub(crate) const TEMPLATEHASH: Proposal = Proposal {
    id: ProposalId::TEMPLATEHASH,
    name: "TEMPLATEHASH",
    short_name: None,
    bip: 446,
    revision: BIPS_REVISION,
    hook: Hook::Success(Opcode::OP_TEMPLATEHASH),
    flag: Flags::TEMPLATEHASH,
    discourage: Flags::DISCOURAGE_TEMPLATEHASH,
    discouraged_error: Some(ScriptError::DiscourageTemplateHash),
    flags: FLAG_ROWS,
    opcodes: OPCODE_ROWS,
    errors: ERROR_ROWS,
    failures: &[ScriptError::BadOpcode, ScriptError::StackSize, ScriptError::DiscourageTemplateHash],
    cost: 0,
    vectors: Some("templatehash"),
    sample: Some(Sample { stack: &[], script: &[Opcode::OP_TEMPLATEHASH.0] }),
};

/// `OP_TEMPLATEHASH`: `-- hash`. Pushes the template hash of the transaction for the input that is verified (BIP 446
/// "Specification").
pub(crate) fn execute(m: &mut Machine<'_>) -> Result<(), ScriptError> {
    let annex_hash = m.tapscript_with(Proposal::TEMPLATEHASH)?.annex_hash;
    let view = m.host.view();
    let digest = template_hash_digest(&view, annex_hash.as_ref());
    if let Some(events) = &mut m.events {
        let mut fields = Vec::new();
        write_template_hash(&view, annex_hash.as_ref(), &mut fields);
        let no_annex = annex_hash.is_none().then_some(("sha_annex", "the witness has no annex"));
        events.push(Event::Hash(ComputedHash {
            proposal: Proposal::TEMPLATEHASH,
            name: "template hash",
            is_of_transaction: true,
            fields,
            left_out: Vec::from_iter(no_annex),
            digest,
        }));
    }
    m.stack.push(&digest)
}
