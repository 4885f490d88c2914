//! Naive implementation of the legacy signature hash: the transaction is copied, modified and serialized.

use bitcoin::Transaction;

use super::{compact_size, double, outpoint, output};
use crate::words::split;

/// Returns the legacy signature hash (Core `SignatureHash` for scripts that are not witness programs). The caller has
/// already removed the signature from the script code.
pub fn digest(tx: &Transaction, index: usize, script_code: &[u8], hash_type: u32) -> [u8; 32] {
    let (outputs, anyone_can_pay) = (hash_type & 0x1f, hash_type & 0x80 != 0);
    if outputs == 3 && index >= tx.output.len() {
        let mut one = [0; 32];
        one[0] = 1;
        return one;
    }
    let script_code = serialized(script_code);
    let mut inputs: Vec<Vec<u8>> = vec![];
    for (nth, input) in tx.input.iter().enumerate() {
        if anyone_can_pay && nth != index {
            continue;
        }
        let script = if nth == index { script_code.clone() } else { vec![0] };
        let free = nth != index && matches!(outputs, 2 | 3);
        let sequence = if free { 0 } else { input.sequence.0 };
        inputs.push([outpoint(&input.previous_output), script, sequence.to_le_bytes().to_vec()].concat());
    }
    let outputs: Vec<Vec<u8>> = match outputs {
        2 => vec![],
        3 => {
            let blank = [vec![0xff; 8], vec![0]].concat();
            let mut kept = vec![blank; index];
            kept.push(output(&tx.output[index]));
            kept
        }
        _ => tx.output.iter().map(output).collect(),
    };
    let message = [
        tx.version.0.to_le_bytes().to_vec(),
        compact_size(inputs.len()),
        inputs.concat(),
        compact_size(outputs.len()),
        outputs.concat(),
        tx.lock_time.to_consensus_u32().to_le_bytes().to_vec(),
        hash_type.to_le_bytes().to_vec(),
    ];
    double(&message.concat())
}

/// Serializes a script code: its length, then its instructions without `OP_CODESEPARATOR`. For a truncated push, Core
/// omits the bytes after the opcode and the length, but counts them in the length prefix. Such a script fails in any
/// case.
fn serialized(script_code: &[u8]) -> Vec<u8> {
    let mut parts = split(script_code);
    let separators = parts.iter().filter(|part| **part == [0xab]).count();
    if let Some(last) = parts.last_mut() {
        *last = &last[..last.len() - cut_bytes(last)];
    }
    let bytes = parts.into_iter().filter(|part| *part != [0xab]).flatten().copied();
    compact_size(script_code.len() - separators).into_iter().chain(bytes).collect()
}

/// Returns how many bytes a truncated push has after the opcode and the length. Returns 0 if the instruction is
/// complete.
pub fn cut_bytes(instruction: &[u8]) -> usize {
    let Some((opcode, rest)) = instruction.split_first() else { return 0 };
    let length_bytes = match opcode {
        0..=0x4b => 0,
        0x4c => 1,
        0x4d => 2,
        0x4e => 4,
        _ => return 0,
    };
    // If the length itself is incomplete, Core has read no part of it.
    let Some((length, data)) = rest.split_at_checked(length_bytes) else { return rest.len() };
    let length = match length_bytes {
        0 => usize::from(*opcode),
        _ => length.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
    };
    if data.len() < length { data.len() } else { 0 }
}
