//! The transaction that spends a tapscript, and its template hash.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};

use crate::random::Random;

/// Creates a random transaction without witnesses. Returns it with the outputs that it spends, and the index of the
/// input that will spend the tapscript.
pub(super) fn transaction(random: &mut Random) -> (Transaction, Vec<TxOut>, usize) {
    let inputs = 1 + random.below(3);
    let lock_time = *random.pick(&[0, 1, 100, 500_000_000, u32::MAX]);
    let mut tx = Transaction {
        version: Version(*random.pick(&[1, 2, 2, -1])),
        lock_time: LockTime::from_consensus(lock_time),
        input: vec![],
        output: vec![],
    };
    let mut prevouts = vec![];
    for _ in 0..inputs {
        let txid = Txid::from_slice(&random.bytes(32)).unwrap();
        let sequence = *random.pick(&[0, 1, 10, 1 << 22 | 3, 0xffff_fffe, u32::MAX]);
        tx.input.push(TxIn {
            previous_output: OutPoint { txid, vout: random.below(4) as u32 },
            script_sig: ScriptBuf::new(),
            sequence: Sequence(sequence),
            witness: Witness::new(),
        });
        let value = Amount::from_sat(random.next() >> 20);
        prevouts.push(TxOut { value, script_pubkey: ScriptBuf::from(vec![0x51]) });
    }
    for _ in 0..random.below(4) {
        let length = random.below(30);
        let script_pubkey = ScriptBuf::from(random.bytes(length));
        tx.output.push(TxOut { value: Amount::from_sat(random.next() >> 20), script_pubkey });
    }
    let index = random.below(inputs);
    (tx, prevouts, index)
}

/// Computes BIP 119's template hash of a transaction whose scriptSigs are empty.
pub(super) fn template_hash(tx: &Transaction, index: usize) -> [u8; 32] {
    let mut sequences = sha256::Hash::engine();
    tx.input.iter().for_each(|input| sequences.input(&input.sequence.0.to_le_bytes()));
    let mut outputs = sha256::Hash::engine();
    tx.output.iter().for_each(|output| outputs.input(&bitcoin::consensus::serialize(output)));
    let mut hash = sha256::Hash::engine();
    hash.input(&tx.version.0.to_le_bytes());
    hash.input(&tx.lock_time.to_consensus_u32().to_le_bytes());
    hash.input(&(tx.input.len() as u32).to_le_bytes());
    hash.input(sha256::Hash::from_engine(sequences).as_byte_array());
    hash.input(&(tx.output.len() as u32).to_le_bytes());
    hash.input(sha256::Hash::from_engine(outputs).as_byte_array());
    hash.input(&(index as u32).to_le_bytes());
    sha256::Hash::from_engine(hash).to_byte_array()
}
