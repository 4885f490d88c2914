//! Conditional branches, `OP_VERIFY`, and the NOPs that are reserved for upgrades.

use super::Result;
use crate::event::Event;
use crate::flags::Flags;
use crate::machine::{Context, Machine};
use crate::opcode::Opcode;
use crate::script_error::ScriptError;
use crate::unchecked::Unchecked;

/// `OP_IF`, `OP_NOTIF`: `x --`. Opens a branch. The branch is taken if x is true and `wanted` is true (`OP_IF`), or if
/// both are false (`OP_NOTIF`). Inside a branch that is not taken, x is not read and the new branch is not taken
/// either.
pub(super) fn if_notif(m: &mut Machine<'_>, wanted: bool) -> Result {
    let mut taken = false;
    if m.conditions.all_true() {
        let argument = m.stack.get(0)?;
        let minimal = matches!(argument, [] | [1]);
        match m.context {
            // BIP 342 "Script execution": a consensus rule in tapscript.
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

/// `OP_ELSE`: `--`. Switches the innermost branch between taken and not taken.
pub(super) fn else_(m: &mut Machine<'_>) -> Result {
    if m.conditions.toggle() { Ok(()) } else { Err(ScriptError::UnbalancedConditional) }
}

/// `OP_ENDIF`: `--`. Closes the innermost branch.
pub(super) fn endif(m: &mut Machine<'_>) -> Result {
    if m.conditions.pop() { Ok(()) } else { Err(ScriptError::UnbalancedConditional) }
}

/// `OP_VERIFY`: `x --`. Fails with `error` unless x is true. Opcodes such as `OP_EQUALVERIFY` use this function too.
#[inline]
pub(super) fn verify(m: &mut Machine<'_>, error: ScriptError) -> Result {
    if m.stack.is_true(0)? { m.stack.drop_top(1) } else { Err(error) }
}

/// Executes a NOP that is reserved for upgrades: `--`. Fails if the flag `DISCOURAGE_UPGRADABLE_NOPS` is set; otherwise
/// the opcode has no effect.
pub(super) fn upgradable_nop(m: &mut Machine<'_>, opcode: Opcode) -> Result {
    if m.flags.contains(Flags::DISCOURAGE_UPGRADABLE_NOPS) {
        return Err(ScriptError::DiscourageUpgradableNops);
    }
    m.record(|| Event::Unchecked(Unchecked::Nop { opcode, proposal: None }));
    Ok(())
}
