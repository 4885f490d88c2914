//! Rules for inputs and their witnesses (Core `ValidateInputsStandardness` and `IsWitnessStandard`).

use bitcoin::{Script, ScriptBuf, TxIn, TxOut};
use sigstack_interpreter::limits::{LEAF_VERSION_MASK, LEAF_VERSION_TAPSCRIPT};
use sigstack_interpreter::sigops::{Multisig, count};
use sigstack_interpreter::taproot::annex;
use sigstack_interpreter::{Context, Flags, MockHost, NoInspector, Stack, run_script};

use crate::Policy;
use crate::error::{PolicyError, RedeemScriptError, WitnessRule};
use crate::limits;
use crate::output_type::OutputType;

/// Checks that the output that an input spends has a standard form. For P2SH, also checks the redeem script. `input`
/// is the index of the input.
pub(crate) fn check_spent(input: usize, tx_input: &TxIn, prevout: &TxOut) -> Result<(), PolicyError> {
    match OutputType::of(&prevout.script_pubkey) {
        OutputType::NonStandard => Err(PolicyError::InputScript { input }),
        OutputType::WitnessUnknown { version } => Err(PolicyError::InputWitnessProgram { input, version }),
        OutputType::P2sh => {
            let redeem_script = redeem_script(&tx_input.script_sig)
                .map_err(|problem| PolicyError::RedeemScript { input, problem })?;
            match count(&redeem_script, Multisig::AsPushed) {
                sigops if sigops > limits::MAX_P2SH_SIGOPS => {
                    Err(PolicyError::RedeemScriptSigops { input, sigops })
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Executes a scriptSig and returns the top stack element, which is the P2SH redeem script. The function does not
/// compare the script's hash with the spent output, because consensus does that.
fn redeem_script(script_sig: &Script) -> Result<ScriptBuf, RedeemScriptError> {
    let mut stack = Stack::new();
    let mut host = MockHost::new(|_| false);
    run_script(&mut stack, script_sig.as_bytes(), Context::Legacy, Flags::NONE, &mut host, &mut NoInspector)
        .map_err(|stop| RedeemScriptError::Fails(stop.error.name()))?;
    let top = stack.get(0).map_err(|_| RedeemScriptError::Missing)?;
    Ok(ScriptBuf::from(top.to_vec()))
}

/// Checks the witness of an input against policy. An empty witness violates no policy rule.
pub(crate) fn check_witness(tx_input: &TxIn, prevout: &TxOut, policy: &Policy) -> Result<(), WitnessRule> {
    if tx_input.witness.is_empty() {
        return Ok(());
    }
    let script_pubkey = &prevout.script_pubkey;
    let elements: Vec<&[u8]> = tx_input.witness.iter().collect();
    match OutputType::of(script_pubkey) {
        OutputType::P2a => Err(WitnessRule::Anchor),
        OutputType::P2tr => check_taproot(&elements, policy),
        OutputType::P2sh => {
            let redeem_script = redeem_script(&tx_input.script_sig).map_err(WitnessRule::RedeemScript)?;
            check_program(&redeem_script, &elements)
        }
        _ => check_program(script_pubkey, &elements),
    }
}

/// Checks a witness whose spent output is neither P2A nor P2TR. `script` is the scriptPubKey, or the redeem script of
/// a P2SH output.
fn check_program(script: &Script, elements: &[&[u8]]) -> Result<(), WitnessRule> {
    if !script.is_witness_program() {
        return Err(WitnessRule::NoWitnessProgram);
    }
    match elements.split_last() {
        Some((witness_script, items)) if script.is_p2wsh() => check_p2wsh(witness_script, items),
        _ => Ok(()),
    }
}

fn check_p2wsh(witness_script: &[u8], items: &[&[u8]]) -> Result<(), WitnessRule> {
    let size = witness_script.len();
    if size > limits::MAX_P2WSH_SCRIPT_SIZE {
        return Err(WitnessRule::P2wshScriptSize { size });
    }
    let count = items.len();
    if count > limits::MAX_P2WSH_ITEMS {
        return Err(WitnessRule::P2wshItems { count });
    }
    match first_longer(items, limits::MAX_P2WSH_ITEM_SIZE) {
        Some((item, size)) => Err(WitnessRule::P2wshItemSize { item, size }),
        None => Ok(()),
    }
}

fn check_taproot(elements: &[&[u8]], policy: &Policy) -> Result<(), WitnessRule> {
    let annex = annex(elements.len(), elements.last().copied());
    if annex.is_some() && !policy.annex {
        return Err(WitnessRule::Annex);
    }
    let elements = elements.get(..elements.len() - usize::from(annex.is_some())).unwrap_or_default();
    // A single element is the signature of a key path spend.
    let [items @ .., _, control_block] = elements else { return Ok(()) };
    let Some(first) = control_block.first() else { return Err(WitnessRule::EmptyControlBlock) };
    if first & LEAF_VERSION_MASK != LEAF_VERSION_TAPSCRIPT {
        return Ok(());
    }
    match first_longer(items, limits::MAX_TAPSCRIPT_ITEM_SIZE) {
        Some((item, size)) => Err(WitnessRule::TapscriptItemSize { item, size }),
        None => Ok(()),
    }
}

/// Returns the index and the size of the first witness element that is longer than `limit` bytes, or `None` if there is
/// no such element.
fn first_longer(items: &[&[u8]], limit: usize) -> Option<(usize, usize)> {
    items.iter().map(|item| item.len()).enumerate().find(|(_, size)| *size > limit)
}
