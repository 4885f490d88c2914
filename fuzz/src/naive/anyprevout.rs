//! Naive implementation of the signature message of BIP 118 ("Signature message").

use bitcoin::{Transaction, TxOut};

use super::taproot::{self, Leaf};
use super::{all_outputs, output, sha, sized, tagged};

/// Returns the signature hash of BIP 118, for a public key that begins with 0x01. Returns `None` if the hash type is
/// undefined. The annex includes its first byte.
pub fn digest(
    tx: &Transaction,
    prevouts: &[TxOut],
    index: usize,
    annex: Option<&[u8]>,
    leaf: Leaf,
    hash_type: u8,
) -> Option<[u8; 32]> {
    let mut message = if hash_type & 0x40 == 0 {
        taproot::message(tx, prevouts, index, annex, 1, hash_type)?
    } else {
        message(tx, prevouts, index, annex, hash_type)?
    };
    // Ext118(hash_type): the tapleaf hash (omitted with ANYPREVOUTANYSCRIPT), the key version, and the code separator position.
    if hash_type & 0xc0 != 0xc0 {
        message.extend(leaf.hash);
    }
    message.push(1);
    message.extend(leaf.code_separator.to_le_bytes());
    Some(tagged("TapSighash", &[vec![0], message].concat()))
}

/// Returns the message `Msg118(hash_type)` of BIP 118, for hash types in which the bit 0x40 is set.
fn message(
    tx: &Transaction,
    prevouts: &[TxOut],
    index: usize,
    annex: Option<&[u8]>,
    hash_type: u8,
) -> Option<Vec<u8>> {
    if ![0x41, 0x42, 0x43, 0xc1, 0xc2, 0xc3].contains(&hash_type) {
        return None;
    }
    let mut message = vec![hash_type];
    message.extend(tx.version.0.to_le_bytes());
    message.extend(tx.lock_time.to_consensus_u32().to_le_bytes());
    if hash_type & 3 == 1 {
        message.extend(sha(&all_outputs(tx)));
    }
    message.push(2 + u8::from(annex.is_some()));
    if hash_type & 0xc0 == 0x40 {
        message.extend(output(&prevouts[index]));
    }
    message.extend(tx.input[index].sequence.0.to_le_bytes());
    if let Some(annex) = annex {
        message.extend(sha(&sized(annex)));
    }
    if hash_type & 3 == 3 {
        message.extend(sha(&output(tx.output.get(index)?)));
    }
    Some(message)
}
