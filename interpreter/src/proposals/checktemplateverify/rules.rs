//! The rules of `OP_CHECKTEMPLATEVERIFY` (BIP 119).

use super::message::{check_template_digest, write_check_template};
use crate::event::{ComputedHash, Event};
use crate::flags::Flags;
use crate::machine::Machine;
use crate::opcode::Opcode;
use crate::proposals::Proposal;
use crate::script_error::ScriptError;
use crate::unchecked::Unchecked;

/// `OP_CHECKTEMPLATEVERIFY`: `hash -- hash`. Fails if `hash` has 32 bytes and is not the default template hash of the
/// transaction (BIP 119 "Detailed Specification"). The opcode works in every kind of script and leaves its argument on
/// the stack.
pub(crate) fn execute(m: &mut Machine<'_>) -> Result<(), ScriptError> {
    if !Proposal::CHECKTEMPLATEVERIFY.is_active(m.flags)? {
        let proposal = Some(Proposal::CHECKTEMPLATEVERIFY);
        m.record(|| Event::Unchecked(Unchecked::Nop { opcode: Opcode::OP_CHECKTEMPLATEVERIFY, proposal }));
        return Ok(());
    }
    let argument = m.stack.get(0)?;
    let length = argument.len();
    if length != 32 {
        // Arguments of other lengths are reserved for upgrades.
        if m.flags.contains(Flags::DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY) {
            return Err(ScriptError::DiscourageUpgradableNops);
        }
        m.record(|| Event::Unchecked(Unchecked::TemplateSize { length }));
        return Ok(());
    }
    let view = m.host.view();
    let digest = check_template_digest(&view);
    let matches = argument == digest;
    if let Some(events) = &mut m.events {
        let mut fields = Vec::new();
        write_check_template(&view, &mut fields);
        events.push(Event::Hash(ComputedHash {
            proposal: Proposal::CHECKTEMPLATEVERIFY,
            name: "template hash",
            is_of_transaction: true,
            fields,
            left_out: Vec::new(),
            digest,
        }));
    }
    if matches { Ok(()) } else { Err(ScriptError::TemplateMismatch) }
}
