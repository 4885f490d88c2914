//! The legacy signature hash, used for all scripts outside witness programs (Core `SignatureHash`, `SigVersion::BASE`).

use bitcoin::Transaction;
use sha2::{Digest, Sha256};

use super::{ANYONECANPAY, EcdsaMidstates, EcdsaOutputs};
use crate::instruction::Instructions;
use crate::message::{CompactSize, MessageSink, outpoint_bytes, sha256d, write_output};
use crate::opcode::Opcode;
use crate::view::{BLANK_INPUT_SIZE, TxView};

/// The legacy signature hash for SIGHASH_SINGLE if the transaction has no output with the input's index: the number
/// one, little endian. This bug of the original implementation is consensus.
pub(crate) const ONE: [u8; 32] =
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Returns whether the hash type is SIGHASH_SINGLE and no output has the input's index. In this case, the legacy
/// signature hash is [`ONE`].
fn has_no_output(tx: &Transaction, input: usize, hash_type: u32) -> bool {
    EcdsaOutputs::of(hash_type) == EcdsaOutputs::Single && input >= tx.output.len()
}

/// Returns the legacy signature hash. `script_code` is the script after the last executed `OP_CODESEPARATOR`, without
/// pushes of the signature (Core `FindAndDelete`).
pub fn digest(view: &TxView<'_>, script_code: &[u8], hash_type: u32) -> [u8; 32] {
    digest_with(view, script_code, hash_type, &mut EcdsaMidstates::default())
}

/// Returns the legacy signature hash. `midstates` caches hashers for one script code and must not be used with another.
pub(crate) fn digest_with(
    view: &TxView<'_>,
    script_code: &[u8],
    hash_type: u32,
    midstates: &mut EcdsaMidstates,
) -> [u8; 32] {
    if has_no_output(view.tx, view.input, hash_type) {
        return ONE;
    }
    midstates.digest(hash_type, || {
        let signs_all = EcdsaOutputs::of(hash_type) == EcdsaOutputs::All;
        if signs_all && hash_type & u32::from(ANYONECANPAY) == 0 {
            return hash_all(view, script_code);
        }
        let mut hasher = Sha256::new();
        write_all_but_hash_type(view, script_code, hash_type, &mut hasher);
        hasher
    })
}

/// Returns a hasher that has processed the legacy message for SIGHASH_ALL except its last field, the hash type. The
/// parts of the message that are the same for all inputs come from the cache of the transaction.
fn hash_all(view: &TxView<'_>, script_code: &[u8]) -> Sha256 {
    let parts = view.cache.legacy(view.tx);
    let mut hasher = parts.before_input.get(view.input).cloned().unwrap_or_default();
    if let Some(input) = view.tx.input.get(view.input) {
        hasher.update(outpoint_bytes(&input.previous_output));
        write_script_code(&mut hasher, script_code);
        hasher.update(input.sequence.0.to_le_bytes());
    }
    hasher.update(parts.blank_inputs.get((view.input + 1) * BLANK_INPUT_SIZE..).unwrap_or_default());
    hasher.update(&parts.outputs);
    hasher.update(view.tx.lock_time.to_consensus_u32().to_le_bytes());
    hasher
}

/// Writes the message of a legacy signature field by field and returns true. Writes nothing and returns false if the
/// hash type is SIGHASH_SINGLE and no output has the input's index. There is no message in this case, and the digest is
/// the number one.
pub fn write_message(
    view: &TxView<'_>,
    script_code: &[u8],
    hash_type: u32,
    sink: &mut impl MessageSink,
) -> bool {
    if has_no_output(view.tx, view.input, hash_type) {
        return false;
    }
    write_all_but_hash_type(view, script_code, hash_type, sink);
    sink.field("hash_type", &hash_type.to_le_bytes());
    true
}

fn write_all_but_hash_type(
    view: &TxView<'_>,
    script_code: &[u8],
    hash_type: u32,
    sink: &mut impl MessageSink,
) {
    let TxView { tx, input: signer, .. } = *view;
    let outputs = EcdsaOutputs::of(hash_type);
    let anyone_can_pay = hash_type & u32::from(ANYONECANPAY) != 0;
    sink.field("nVersion", &tx.version.0.to_le_bytes());
    let input_count = if anyone_can_pay { 1 } else { tx.input.len() };
    sink.field("input_count", CompactSize::new(input_count).as_bytes());
    for (index, input) in tx.input.iter().enumerate() {
        if index == signer {
            sink.field("outpoint", &outpoint_bytes(&input.previous_output));
            write_script_code(sink, script_code);
            sink.field("nSequence", &input.sequence.0.to_le_bytes());
        } else if !anyone_can_pay {
            // Signatures with NONE and SINGLE do not commit to the nSequence of other inputs.
            let sequence = if outputs == EcdsaOutputs::All { input.sequence.0 } else { 0 };
            sink.field("other_inputs", &outpoint_bytes(&input.previous_output));
            sink.field("other_inputs", &[0]);
            sink.field("other_inputs", &sequence.to_le_bytes());
        }
    }
    let output_count = match outputs {
        EcdsaOutputs::All => tx.output.len(),
        EcdsaOutputs::None => 0,
        EcdsaOutputs::Single => signer + 1,
    };
    sink.field("output_count", CompactSize::new(output_count).as_bytes());
    for (index, output) in tx.output.iter().take(output_count).enumerate() {
        if outputs == EcdsaOutputs::Single && index != signer {
            // Each output to which the signature does not commit is replaced by an output with the amount -1 and an empty
            // script.
            sink.field("outputs", &u64::MAX.to_le_bytes());
            sink.field("outputs", &[0]);
        } else {
            write_output(sink, "outputs", output);
        }
    }
    sink.field("nLockTime", &tx.lock_time.to_consensus_u32().to_le_bytes());
}

/// Writes the script code, preceded by its length, without its `OP_CODESEPARATOR`s. If a push is cut short, its data
/// bytes are omitted although the length counts them, as in Core. Such a script fails anyway.
fn write_script_code(sink: &mut impl MessageSink, script_code: &[u8]) {
    let is_separator = |opcode| opcode == Opcode::OP_CODESEPARATOR;
    let separators = Instructions::new(script_code).flatten().filter(|it| is_separator(it.opcode)).count();
    sink.field("script_code", CompactSize::new(script_code.len() - separators).as_bytes());
    let mut instructions = Instructions::new(script_code);
    let mut start = 0;
    while let Some(Ok(instruction)) = instructions.next() {
        if is_separator(instruction.opcode) {
            sink.field("script_code", script_code.get(start..instruction.byte_offset).unwrap_or_default());
            start = instructions.offset();
        }
    }
    sink.field("script_code", script_code.get(start..instructions.offset()).unwrap_or_default());
}

/// Returns the legacy signature hash, computed without any cache. Tests and fuzzers compare it with the cached computation.
pub fn naive_digest(view: &TxView<'_>, script_code: &[u8], hash_type: u32) -> [u8; 32] {
    let mut hasher = Sha256::new();
    if write_message(view, script_code, hash_type, &mut hasher) { sha256d(hasher) } else { ONE }
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;
    use bitcoin::sighash::SighashCache;
    use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut, absolute::LockTime, transaction::Version};

    use super::*;
    use crate::spend::Spend;

    /// Compares the legacy signature hashes for 256 hash types with those of rust-bitcoin. The transaction has three
    /// inputs and two outputs, so no output has the index of the third input.
    #[test]
    fn every_way_to_the_digest_is_that_of_rust_bitcoin() {
        let input = |sequence| TxIn { sequence: bitcoin::Sequence(sequence), ..TxIn::default() };
        let output =
            |value, script| TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from(script) };
        let tx = Transaction {
            version: Version::ONE,
            lock_time: LockTime::from_consensus(7),
            input: vec![input(1), input(2), input(3)],
            output: vec![output(5, vec![0x51]), output(6, vec![0x52, 0x53])],
        };
        let prevouts = vec![output(9, vec![0x51]); 3];
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let script_code = [0x52, 0xac, 0x51];
        for index in 0..3 {
            let view = spend.view(index).unwrap();
            let mut midstates = EcdsaMidstates::default();
            for hash_type in 0..=255u32 {
                let theirs = SighashCache::new(&tx)
                    .legacy_signature_hash(index, bitcoin::Script::from_bytes(&script_code), hash_type)
                    .unwrap()
                    .to_byte_array();
                let ours = [
                    digest_with(&view, &script_code, hash_type, &mut midstates),
                    digest(&view, &script_code, hash_type),
                    naive_digest(&view, &script_code, hash_type),
                ];
                assert_eq!(ours, [theirs; 3], "input {index}, hash type {hash_type:#04x}");
                let written = write_message(&view, &script_code, hash_type, &mut Sha256::new());
                assert_eq!(written, index < 2 || hash_type & 0x1f != 3);
            }
        }
    }
}
