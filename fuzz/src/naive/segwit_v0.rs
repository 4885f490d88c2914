//! Naive implementation of the signature hash of segwit v0 (BIP 143 "Specification").

use bitcoin::{Transaction, TxOut};

use super::{all_outpoints, all_outputs, all_sequences, double, outpoint, output, sized};

/// Returns the segwit v0 signature hash for a script code and a hash type.
pub fn digest(
    tx: &Transaction,
    prevouts: &[TxOut],
    index: usize,
    script_code: &[u8],
    hash_type: u32,
) -> [u8; 32] {
    let zero = || vec![0; 32];
    let (outputs, anyone_can_pay) = (hash_type & 0x1f, hash_type & 0x80 != 0);
    let hash_prevouts = if anyone_can_pay { zero() } else { double(&all_outpoints(tx)).to_vec() };
    let hash_sequence = if anyone_can_pay || outputs == 2 || outputs == 3 {
        zero()
    } else {
        double(&all_sequences(tx)).to_vec()
    };
    let hash_outputs = match outputs {
        2 => zero(),
        3 => tx.output.get(index).map_or_else(zero, |single| double(&output(single)).to_vec()),
        _ => double(&all_outputs(tx)).to_vec(),
    };
    let message = [
        tx.version.0.to_le_bytes().to_vec(),
        hash_prevouts,
        hash_sequence,
        outpoint(&tx.input[index].previous_output),
        sized(script_code),
        prevouts[index].value.to_sat().to_le_bytes().to_vec(),
        tx.input[index].sequence.0.to_le_bytes().to_vec(),
        hash_outputs,
        tx.lock_time.to_consensus_u32().to_le_bytes().to_vec(),
        hash_type.to_le_bytes().to_vec(),
    ];
    double(&message.concat())
}
