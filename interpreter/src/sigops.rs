//! Functions that count the signature operations in scripts without executing the scripts (BIP 16 and BIP 54).

use bitcoin::{Script, TxIn, TxOut};

use crate::instruction::{Instructions, is_push_only};
use crate::limits::MAX_PUBKEYS_PER_MULTISIG;
use crate::opcode::Opcode;

/// How many signature operations an `OP_CHECKMULTISIG` or `OP_CHECKMULTISIGVERIFY` counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multisig {
    /// Each of these opcodes counts as 20 signature operations, whatever its number of keys (the rule before BIP 16).
    AsTwenty,
    /// Each of these opcodes counts as its number of keys if one of `OP_1` to `OP_16` directly precedes the opcode, and
    /// otherwise as 20 (BIP 16).
    AsPushed,
}

/// Counts the signature operations of a script, up to the first instruction that is cut short (Core `GetSigOpCount`).
pub fn count(script: &Script, multisig: Multisig) -> u64 {
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

/// Returns the redeem script in a scriptSig: the data of the last push. The redeem script is empty if the scriptSig is
/// empty or if its last push is an opcode such as `OP_1`. Returns `None` if the scriptSig contains anything other than
/// pushes.
pub fn redeem_script(script_sig: &Script) -> Option<&Script> {
    if !is_push_only(script_sig.as_bytes()) {
        return None;
    }
    let last = Instructions::new(script_sig.as_bytes()).map_while(Result::ok).last();
    Some(Script::from_bytes(last.map_or(&[], |instruction| instruction.data)))
}

/// Counts the signature operations of an input outside the witness: those in its scriptSig, plus those in the spent
/// scriptPubKey or, for P2SH, in the redeem script (BIP 54 "Specification"). Operations that are not executed count
/// too.
pub fn legacy(input: &TxIn, prevout: &TxOut) -> u64 {
    let spent = match prevout.script_pubkey.is_p2sh() {
        true => redeem_script(&input.script_sig).map_or(0, |script| count(script, Multisig::AsPushed)),
        false => count(&prevout.script_pubkey, Multisig::AsPushed),
    };
    count(&input.script_sig, Multisig::AsPushed).saturating_add(spent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(script: &[u8]) -> [u64; 2] {
        [Multisig::AsTwenty, Multisig::AsPushed].map(|how| count(Script::from_bytes(script), how))
    }

    #[test]
    fn opcodes_count_as_their_bips_say() {
        for (script, expected) in [
            (&[][..], [0, 0]),
            (&[0xac, 0xad], [2, 2]),
            (&[0x51, 0xae], [20, 1]),
            (&[0x60, 0xaf], [20, 16]),
            (&[0x00, 0xae], [20, 20]),
            (&[0x01, 0x11, 0xae], [20, 20]),
            (&[0x51, 0xae, 0x51, 0xae], [40, 2]),
            (&[0xba], [0, 0]),
            // The data of a push is not counted as opcodes, and the count ends at a push that is cut short.
            (&[0x01, 0xac, 0xac], [1, 1]),
            (&[0xac, 0x02, 0xac], [1, 1]),
        ] {
            assert_eq!(counts(script), expected, "{script:02x?}");
        }
    }

    #[test]
    fn the_redeem_script_is_the_last_push() {
        let last = |script: &[u8]| {
            redeem_script(Script::from_bytes(script)).map(|script| script.as_bytes().to_vec())
        };
        assert_eq!(last(&[0x00, 0x02, 0xac, 0xad]), Some(vec![0xac, 0xad]));
        assert_eq!(last(&[0x02, 0xac, 0xad, 0x51]), Some(vec![]));
        assert_eq!(last(&[]), Some(vec![]));
        assert_eq!(last(&[0x02, 0xac, 0xad, 0x61]), None);
        assert_eq!(last(&[0x02, 0xac]), None);
    }
}
