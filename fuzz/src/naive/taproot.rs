//! Naive implementation of the taproot signature message (BIP 341 "Common signature message" and BIP 342 "Common
//! signature message extension").

use bitcoin::{Transaction, TxOut};

use super::{all_outpoints, all_outputs, all_sequences, outpoint, output, sha, sized, tagged};

/// Values of the taproot signature message that exist only for a tapscript.
#[derive(Clone, Copy, Debug)]
pub struct Leaf {
    /// Tapleaf hash of the tapscript.
    pub hash: [u8; 32],
    /// Opcode position of the last executed `OP_CODESEPARATOR`, or 0xffffffff if there was none.
    pub code_separator: u32,
}

/// Returns the taproot signature hash for a 32-byte key. Returns `None` if the hash type is undefined. The annex
/// includes its first byte.
pub fn digest(
    tx: &Transaction,
    prevouts: &[TxOut],
    index: usize,
    annex: Option<&[u8]>,
    leaf: Option<Leaf>,
    hash_type: u8,
) -> Option<[u8; 32]> {
    let mut message = message(tx, prevouts, index, annex, u8::from(leaf.is_some()), hash_type)?;
    if let Some(leaf) = leaf {
        message.extend(leaf.hash);
        message.push(0);
        message.extend(leaf.code_separator.to_le_bytes());
    }
    Some(tagged("TapSighash", &[vec![0], message].concat()))
}

/// Returns the message `SigMsg(hash_type, ext_flag)` of BIP 341. Returns `None` if the hash type is undefined.
pub(super) fn message(
    tx: &Transaction,
    prevouts: &[TxOut],
    index: usize,
    annex: Option<&[u8]>,
    ext_flag: u8,
    hash_type: u8,
) -> Option<Vec<u8>> {
    if ![0, 1, 2, 3, 0x81, 0x82, 0x83].contains(&hash_type) {
        return None;
    }
    let (outputs, anyone_can_pay) = (hash_type & 3, hash_type & 0x80 == 0x80);
    let mut message = vec![hash_type];
    message.extend(tx.version.0.to_le_bytes());
    message.extend(tx.lock_time.to_consensus_u32().to_le_bytes());
    if !anyone_can_pay {
        message.extend(sha(&all_outpoints(tx)));
        let amounts: Vec<u8> = prevouts.iter().flat_map(|spent| spent.value.to_sat().to_le_bytes()).collect();
        message.extend(sha(&amounts));
        let scripts: Vec<u8> =
            prevouts.iter().flat_map(|spent| sized(spent.script_pubkey.as_bytes())).collect();
        message.extend(sha(&scripts));
        message.extend(sha(&all_sequences(tx)));
    }
    if outputs != 2 && outputs != 3 {
        message.extend(sha(&all_outputs(tx)));
    }
    message.push(ext_flag * 2 + u8::from(annex.is_some()));
    if anyone_can_pay {
        message.extend(outpoint(&tx.input[index].previous_output));
        message.extend(output(&prevouts[index]));
        message.extend(tx.input[index].sequence.0.to_le_bytes());
    } else {
        message.extend((index as u32).to_le_bytes());
    }
    if let Some(annex) = annex {
        message.extend(sha(&sized(annex)));
    }
    if outputs == 3 {
        message.extend(sha(&output(tx.output.get(index)?)));
    }
    Some(message)
}
