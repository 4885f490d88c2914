//! Functions that create transactions, scriptPubKeys, inputs and outputs.

use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, absolute::LockTime,
    transaction::Version,
};
use sigstack_interpreter::Opcode;

use crate::keys::sha256;
use crate::script::{Push, script};

/// Dust limit of a P2A output in Bitcoin Core, in satoshi. An output of this amount is not dust. If a construction
/// adds the amounts of trimmed outputs to its P2A output, the sum is at most this limit.
pub const P2A_DUST_LIMIT: u64 = 240;
/// Dust limit of a taproot output in Bitcoin Core, in satoshi, at the default dust feerate of 3 sat/vB.
pub const P2TR_DUST_LIMIT: u64 = 330;
/// An nSequence value that signals replaceability (BIP 125) and sets no relative lock.
pub const SEQUENCE_FREE: u32 = 0xffff_fffd;

/// Returns the scriptPubKey `OP_1 <key>` of a taproot output (BIP 341).
pub fn p2tr(output_key: &[u8; 32]) -> ScriptBuf {
    ScriptBuf::from(script(&[&Opcode::OP_1, &Push(output_key)]))
}

/// Returns the scriptPubKey `OP_0 <SHA256 of the script>` of a P2WSH output (BIP 141).
pub fn p2wsh(witness_script: &[u8]) -> ScriptBuf {
    ScriptBuf::from(script(&[&Opcode::OP_0, &Push(&sha256(witness_script))]))
}

/// Returns the scriptPubKey `OP_0 <HASH160 of the key>` of a P2WPKH output (BIP 141).
pub fn p2wpkh(public_key: &[u8; 33]) -> ScriptBuf {
    ScriptBuf::from(script(&[&Opcode::OP_0, &Push(&hash160(public_key))]))
}

/// Returns the scriptPubKey `OP_1 <4e73>` (pay to anchor), which anyone can spend with an empty witness.
pub fn p2a() -> ScriptBuf {
    ScriptBuf::from(script(&[&Opcode::OP_1, &Push(&[0x4e, 0x73])]))
}

/// Returns the scriptPubKey `OP_RETURN <data>`.
pub fn op_return(data: &[u8]) -> ScriptBuf {
    ScriptBuf::from(script(&[&Opcode::OP_RETURN, &Push(data)]))
}

/// Returns the RIPEMD-160 hash of the SHA-256 hash of `bytes`.
pub fn hash160(bytes: &[u8]) -> [u8; 20] {
    use bitcoin::hashes::{Hash as _, hash160};
    hash160::Hash::hash(bytes).to_byte_array()
}

/// Creates a transaction output with an amount in satoshi.
pub fn output(sat: u64, script_pubkey: ScriptBuf) -> TxOut {
    TxOut { value: Amount::from_sat(sat), script_pubkey }
}

/// Creates a transaction input with an empty scriptSig and without a witness.
pub fn input(previous_output: OutPoint, sequence: u32) -> TxIn {
    TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence(sequence),
        witness: Witness::new(),
    }
}

/// Creates a transaction from its four fields.
pub fn transaction(version: i32, lock_time: u32, input: Vec<TxIn>, output: Vec<TxOut>) -> Transaction {
    Transaction { version: Version(version), lock_time: LockTime::from_consensus(lock_time), input, output }
}

/// Sets the witness of an input. The elements are in stack order, bottom first. Does nothing if the input does not
/// exist.
pub fn set_witness<T: AsRef<[u8]>>(tx: &mut Transaction, input: usize, elements: &[T]) {
    if let Some(input) = tx.input.get_mut(input) {
        input.witness = Witness::from_slice(elements);
    }
}

/// Returns the outpoint of an output of a transaction.
pub fn outpoint(tx: &Transaction, vout: u32) -> OutPoint {
    OutPoint { txid: tx.compute_txid(), vout }
}

/// Returns the 36-byte serialization of an outpoint.
pub fn outpoint_bytes(outpoint: &OutPoint) -> [u8; 36] {
    let mut bytes = [0; 36];
    let (txid, vout) = bytes.split_at_mut(32);
    txid.copy_from_slice(outpoint.txid.as_ref());
    vout.copy_from_slice(&outpoint.vout.to_le_bytes());
    bytes
}

/// Returns the weight of a transaction in weight units.
pub fn weight(tx: &Transaction) -> u64 {
    tx.weight().to_wu()
}

/// Returns the sum of a transaction's outputs in satoshi.
pub fn output_sum(tx: &Transaction) -> u64 {
    tx.output.iter().fold(0, |sum, output| sum.saturating_add(output.value.to_sat()))
}
