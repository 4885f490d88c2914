//! The signature operation cost of a transaction (BIP 141).

use bitcoin::{Script, Transaction, TxIn, TxOut, Witness};
use sigstack_interpreter::sigops::{Multisig, count, redeem_script};

/// Returns the signature operation cost of a transaction's scriptSigs and scriptPubKeys (BIP 141). This part of the
/// cost does not depend on the spent outputs.
pub(crate) fn cost_of_form(tx: &Transaction) -> u64 {
    let script_sigs = tx.input.iter().map(|input| input.script_sig.as_script());
    let script_pubkeys = tx.output.iter().map(|output| output.script_pubkey.as_script());
    4 * script_sigs.chain(script_pubkeys).map(|script| count(script, Multisig::AsTwenty)).sum::<u64>()
}

/// Returns the signature operation cost of an input's redeem script and witness (BIP 141). The form of the spent
/// output determines which of them are counted.
pub(crate) fn cost_of_input(input: &TxIn, prevout: &TxOut) -> u64 {
    if !prevout.script_pubkey.is_p2sh() {
        return of_witness(&prevout.script_pubkey, &input.witness);
    }
    let Some(script) = redeem_script(&input.script_sig) else { return 0 };
    4 * count(script, Multisig::AsPushed) + of_witness(script, &input.witness)
}

fn of_witness(program: &Script, witness: &Witness) -> u64 {
    if program.is_p2wpkh() {
        return 1;
    }
    match witness.last() {
        Some(script) if program.is_p2wsh() => count(Script::from_bytes(script), Multisig::AsPushed),
        _ => 0,
    }
}
