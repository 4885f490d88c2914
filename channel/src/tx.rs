//! Parts of transactions.

use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, absolute::LockTime,
    transaction::Version,
};
use sigstack_interpreter::Opcode;

use crate::keys::sha256;
use crate::script::{Push, script};

/// The amount of the largest P2A output that takes in trimmed dust: below it is no dust (Core: P2A's dust limit is 240 sat).
pub const P2A_DUST_LIMIT: u64 = 240;
/// Core's dust limit of a taproot output at the default dust feerate of 3 sat/vB.
pub const P2TR_DUST_LIMIT: u64 = 330;
/// nSequence of an input that signals replacement and locks nothing.
pub const SEQUENCE_FREE: u32 = 0xffff_fffd;

/// `OP_1 <key>` (BIP 341).
pub fn p2tr(output_key: &[u8; 32]) -> ScriptBuf {
    ScriptBuf::from(script(&[&Opcode::OP_1, &Push(output_key)]))
}

/// `OP_0 <SHA256 of the script>` (BIP 141).
pub fn p2wsh(witness_script: &[u8]) -> ScriptBuf {
    ScriptBuf::from(script(&[&Opcode::OP_0, &Push(&sha256(witness_script))]))
}

/// `OP_0 <HASH160 of the key>` (BIP 141).
pub fn p2wpkh(public_key: &[u8; 33]) -> ScriptBuf {
    ScriptBuf::from(script(&[&Opcode::OP_0, &Push(&hash160(public_key))]))
}

/// `OP_1 <4e73>`: pay to anchor, which anyone spends with an empty witness.
pub fn p2a() -> ScriptBuf {
    ScriptBuf::from(script(&[&Opcode::OP_1, &Push(&[0x4e, 0x73])]))
}

/// `OP_RETURN <data>`.
pub fn op_return(data: &[u8]) -> ScriptBuf {
    ScriptBuf::from(script(&[&Opcode::OP_RETURN, &Push(data)]))
}

/// RIPEMD-160 of SHA-256.
pub fn hash160(bytes: &[u8]) -> [u8; 20] {
    use bitcoin::hashes::{Hash as _, hash160};
    hash160::Hash::hash(bytes).to_byte_array()
}

/// An output of some satoshi.
pub fn output(sat: u64, script_pubkey: ScriptBuf) -> TxOut {
    TxOut { value: Amount::from_sat(sat), script_pubkey }
}

/// An input without a witness.
pub fn input(previous_output: OutPoint, sequence: u32) -> TxIn {
    TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence(sequence),
        witness: Witness::new(),
    }
}

/// A transaction.
pub fn transaction(version: i32, lock_time: u32, input: Vec<TxIn>, output: Vec<TxOut>) -> Transaction {
    Transaction { version: Version(version), lock_time: LockTime::from_consensus(lock_time), input, output }
}

/// Sets the witness of an input, if there is such an input. Elements are bottom first.
pub fn set_witness<T: AsRef<[u8]>>(tx: &mut Transaction, input: usize, elements: &[T]) {
    if let Some(input) = tx.input.get_mut(input) {
        input.witness = Witness::from_slice(elements);
    }
}

/// An output of a transaction as the next one's prevout.
pub fn outpoint(tx: &Transaction, vout: u32) -> OutPoint {
    OutPoint { txid: tx.compute_txid(), vout }
}

/// The 36 bytes of an outpoint.
pub fn outpoint_bytes(outpoint: &OutPoint) -> [u8; 36] {
    let mut bytes = [0; 36];
    let (txid, vout) = bytes.split_at_mut(32);
    txid.copy_from_slice(outpoint.txid.as_ref());
    vout.copy_from_slice(&outpoint.vout.to_le_bytes());
    bytes
}

/// Weight units of a transaction as it is serialized.
pub fn weight(tx: &Transaction) -> u64 {
    tx.weight().to_wu()
}

/// The sum of the outputs, in satoshi.
pub fn output_sum(tx: &Transaction) -> u64 {
    tx.output.iter().fold(0, |sum, output| sum.saturating_add(output.value.to_sat()))
}
