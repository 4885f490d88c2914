//! Branches, `OP_VERIFY`, and the NOPs that are kept for upgrades.

use super::Result;
use crate::error::ScriptError;
use crate::flags::Flags;
use crate::inspector::Event;
use crate::machine::{Context, Machine};
use crate::opcode::Opcode;
use crate::unchecked::Unchecked;

/// `x --`: opens a branch that is taken if x is as `wanted`.
pub(super) fn if_notif(m: &mut Machine<'_>, wanted: bool) -> Result {
    let mut taken = false;
    if m.conditions.all_true() {
        let argument = m.stack.get(0)?;
        let minimal = matches!(argument, [] | [1]);
        match m.context {
            // BIP 342 "Script execution": consensus in tapscript.
            Context::Tapscript(_) if !minimal => return Err(ScriptError::TapscriptMinimalIf),
            Context::WitnessV0 if !minimal && m.flags.contains(Flags::MINIMALIF) => {
                return Err(ScriptError::MinimalIf);
            }
            _ => {}
        }
        taken = m.stack.is_true(0)? == wanted;
        m.stack.drop_top(1)?;
    }
    m.conditions.push(taken);
    Ok(())
}

/// `--`: turns to the other side of the branch.
pub(super) fn else_(m: &mut Machine<'_>) -> Result {
    if m.conditions.toggle() { Ok(()) } else { Err(ScriptError::UnbalancedConditional) }
}

/// `--`: closes the branch.
pub(super) fn endif(m: &mut Machine<'_>) -> Result {
    if m.conditions.pop() { Ok(()) } else { Err(ScriptError::UnbalancedConditional) }
}

/// `x --`: fails with `error` unless x is true. The opcodes that end in VERIFY share it.
#[inline]
pub(super) fn verify(m: &mut Machine<'_>, error: ScriptError) -> Result {
    if m.stack.is_true(0)? { m.stack.drop_top(1) } else { Err(error) }
}

/// `--`: nothing, so that a soft fork may give it a meaning.
pub(super) fn upgradable_nop(m: &mut Machine<'_>, opcode: Opcode) -> Result {
    if m.flags.contains(Flags::DISCOURAGE_UPGRADABLE_NOPS) {
        return Err(ScriptError::DiscourageUpgradableNops);
    }
    m.record(|| Event::Unchecked(Unchecked::Nop { opcode, proposal: None }));
    Ok(())
}
