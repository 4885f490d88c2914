//! Signature operations, counted without executing scripts.

use bitcoin::{Script, Transaction, TxIn, TxOut, Witness};
use sigstack_interpreter::limits::MAX_PUBKEYS_PER_MULTISIG;
use sigstack_interpreter::{Instructions, Opcode};

use crate::output_type::is_push_only;

/// How the keys of `OP_CHECKMULTISIG` are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Multisig {
    /// 20, whatever their number (before BIP 16).
    AsTwenty,
    /// Their number, if `OP_1` to `OP_16` precedes the opcode; 20 otherwise (BIP 16).
    AsPushed,
}

/// Counts the signature operations of a script up to the first instruction that is cut off (Core `GetSigOpCount`).
pub(crate) fn count(script: &Script, multisig: Multisig) -> u64 {
    let mut before = None;
    let mut sigops = 0u64;
    for instruction in Instructions::new(script.as_bytes()).map_while(Result::ok) {
        sigops += match (instruction.opcode, before) {
            (Opcode::OP_CHECKSIG | Opcode::OP_CHECKSIGVERIFY, _) => 1,
            (Opcode::OP_CHECKMULTISIG | Opcode::OP_CHECKMULTISIGVERIFY, Some(Opcode(keys @ 0x51..=0x60)))
                if multisig == Multisig::AsPushed =>
            {
                u64::from(keys - 0x50)
            }
            (Opcode::OP_CHECKMULTISIG | Opcode::OP_CHECKMULTISIGVERIFY, _) => MAX_PUBKEYS_PER_MULTISIG as u64,
            _ => 0,
        };
        before = Some(instruction.opcode);
    }
    sigops
}

/// Returns the data of the last instruction of a scriptSig that contains nothing but pushes. An opcode such as `OP_1` has no
/// data.
fn last_push(script_sig: &Script) -> Option<&Script> {
    if !is_push_only(script_sig.as_bytes()) {
        return None;
    }
    let last = Instructions::new(script_sig.as_bytes()).map_while(Result::ok).last();
    Some(Script::from_bytes(last.map_or(&[], |instruction| instruction.data)))
}

/// Counts the signature operations of a spent scriptPubKey: those of the redeem script if it is P2SH.
fn of_spent(prevout: &TxOut, script_sig: &Script) -> u64 {
    match prevout.script_pubkey.is_p2sh() {
        true => last_push(script_sig).map_or(0, |redeem_script| count(redeem_script, Multisig::AsPushed)),
        false => count(&prevout.script_pubkey, Multisig::AsPushed),
    }
}

/// Counts the signature operations outside the witness that an input can execute (BIP 54).
pub(crate) fn executed_outside_witness(input: &TxIn, prevout: &TxOut) -> u64 {
    count(&input.script_sig, Multisig::AsPushed).saturating_add(of_spent(prevout, &input.script_sig))
}

/// Returns the signature operation cost that a transaction has without regard to what it spends.
pub(crate) fn cost_of_form(tx: &Transaction) -> u64 {
    let script_sigs = tx.input.iter().map(|input| input.script_sig.as_script());
    let script_pubkeys = tx.output.iter().map(|output| output.script_pubkey.as_script());
    4 * script_sigs.chain(script_pubkeys).map(|script| count(script, Multisig::AsTwenty)).sum::<u64>()
}

/// Returns the signature operation cost that an input adds because of the output that it spends (BIP 141).
pub(crate) fn cost_of_input(input: &TxIn, prevout: &TxOut) -> u64 {
    if !prevout.script_pubkey.is_p2sh() {
        return of_witness(&prevout.script_pubkey, &input.witness);
    }
    let Some(redeem_script) = last_push(&input.script_sig) else { return 0 };
    4 * count(redeem_script, Multisig::AsPushed) + of_witness(redeem_script, &input.witness)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(hex: &str) -> [u64; 2] {
        let bytes = hex::decode(hex).unwrap();
        [Multisig::AsTwenty, Multisig::AsPushed].map(|how| count(Script::from_bytes(&bytes), how))
    }

    #[test]
    fn opcodes_count_as_their_bips_say() {
        for (script, expected) in [
            ("", [0, 0]),
            ("acad", [2, 2]),
            ("51ae", [20, 1]),
            ("60af", [20, 16]),
            ("00ae", [20, 20]),
            ("0111ae", [20, 20]),
            ("51ae51ae", [40, 2]),
            ("ba", [0, 0]),
            // A push of the byte is no opcode, and what is cut off ends the count.
            ("01acac", [1, 1]),
            ("ac02ac", [1, 1]),
        ] {
            assert_eq!(counts(script), expected, "{script}");
        }
    }

    #[test]
    fn the_redeem_script_is_the_last_push() {
        let last = |hex: &str| {
            let bytes = hex::decode(hex).unwrap();
            last_push(Script::from_bytes(&bytes)).map(|script| hex::encode(script.as_bytes()))
        };
        assert_eq!(last("0002acad"), Some("acad".into()));
        assert_eq!(last("02acad51"), Some(String::new()));
        assert_eq!(last(""), Some(String::new()));
        assert_eq!(last("02acad61"), None);
        assert_eq!(last("02ac"), None);
    }
}
