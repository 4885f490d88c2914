//! Rules for the form of a transaction that do not depend on the spent outputs (Core `IsStandardTx`), and the dust limit.

use bitcoin::{Script, Transaction, TxOut, VarInt};
use sigstack_interpreter::limits::MAX_SCRIPT_SIZE;

use crate::limits;
use crate::output_type::{OutputType, is_push_only};
use crate::{Policy, PolicyError};

/// Returns the dust limit of an output in satoshi: the fee for creating and spending the output at `feerate`, given in satoshi
/// per 1,000 virtual bytes (Core `GetDustThreshold`). An output with a smaller amount is dust.
pub fn dust_limit(script_pubkey: &Script, feerate: u64) -> u64 {
    if script_pubkey.is_op_return() || script_pubkey.len() > MAX_SCRIPT_SIZE {
        return 0;
    }
    let size = 8 + VarInt::from(script_pubkey.len()).size() + script_pubkey.len();
    // Core assumes 67 virtual bytes for spending a witness program, the size of a P2WPKH input, and 148 for any other output.
    let spend = if script_pubkey.is_witness_program() { 67 } else { 148 };
    Policy::fee(feerate, (size + spend) as u64)
}

/// Returns whether an output is dust at the dust feerate `feerate`, given in satoshi per 1,000 virtual bytes.
pub fn is_dust(output: &TxOut, feerate: u64) -> bool {
    output.value.to_sat() < dust_limit(&output.script_pubkey, feerate)
}

/// Checks the rules that do not depend on the spent outputs (Core `IsStandardTx`, and the minimum size in
/// `PreChecks`).
pub(crate) fn check(tx: &Transaction, policy: &Policy) -> Result<(), PolicyError> {
    if tx.is_coinbase() {
        return Err(PolicyError::Coinbase);
    }
    let version = tx.version.0.cast_unsigned();
    if !matches!(version, 1..=3) {
        return Err(PolicyError::Version { version });
    }
    let weight = tx.weight().to_wu();
    if weight > limits::MAX_TX_WEIGHT {
        return Err(PolicyError::TxSize { weight });
    }
    for (input, tx_input) in tx.input.iter().enumerate() {
        let size = tx_input.script_sig.len();
        if size > limits::MAX_SCRIPT_SIG_SIZE {
            return Err(PolicyError::ScriptSigSize { input, size });
        }
        if !is_push_only(tx_input.script_sig.as_bytes()) {
            return Err(PolicyError::ScriptSigNotPushOnly { input });
        }
    }
    outputs(tx, policy)?;
    if let Some((output, dust)) = dust(tx, policy).nth(limits::MAX_DUST_OUTPUTS) {
        let limit = dust_limit(&dust.script_pubkey, policy.dust_relay);
        return Err(PolicyError::Dust { output, amount: dust.value.to_sat(), limit });
    }
    match tx.base_size() {
        size if size < limits::MIN_NONWITNESS_SIZE => Err(PolicyError::TxSizeSmall { size }),
        _ => Ok(()),
    }
}

fn outputs(tx: &Transaction, policy: &Policy) -> Result<(), PolicyError> {
    let mut total = 0;
    for (output, tx_output) in tx.output.iter().enumerate() {
        let script = &tx_output.script_pubkey;
        match OutputType::of(script) {
            OutputType::NonStandard => return Err(PolicyError::ScriptPubKey { output }),
            OutputType::BareMultisig { keys } if keys > limits::MAX_BARE_MULTISIG_KEYS => {
                return Err(PolicyError::ScriptPubKey { output });
            }
            OutputType::BareMultisig { .. } if !policy.bare_multisig => {
                return Err(PolicyError::BareMultisig { output });
            }
            OutputType::NullData => {
                total += script.len() as u64;
                let limit = policy.datacarrier.unwrap_or(0);
                if total > limit {
                    return Err(PolicyError::DataCarrier { output, total, limit });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the dust outputs of a transaction. Each item is the index of the output and the output.
pub(crate) fn dust<'a>(
    tx: &'a Transaction,
    policy: &Policy,
) -> impl Iterator<Item = (usize, &'a TxOut)> + use<'a> {
    let feerate = policy.dust_relay;
    tx.output.iter().enumerate().filter(move |(_, output)| is_dust(output, feerate))
}
