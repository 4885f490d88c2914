//! Naive implementations of signature hashes and template hashes, with which the engine is compared. They are written
//! from the BIPs, without caches and without the engine's code. They are frozen: a change of the engine is not
//! repeated here.

pub mod anyprevout;
pub mod bip340;
pub mod legacy;
pub mod segwit_v0;
pub mod taproot;

use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::{OutPoint, Transaction, TxOut};

/// Returns the SHA-256 hash of some bytes.
pub fn sha(bytes: &[u8]) -> [u8; 32] {
    sha256::Hash::hash(bytes).to_byte_array()
}

/// Returns the double SHA-256 hash of some bytes.
pub fn double(bytes: &[u8]) -> [u8; 32] {
    sha(&sha(bytes))
}

/// Returns the tagged hash of some bytes (BIP 340 "Design").
pub fn tagged(tag: &str, bytes: &[u8]) -> [u8; 32] {
    let tag = sha(tag.as_bytes());
    let mut engine = sha256::Hash::engine();
    [&tag, &tag, bytes].into_iter().for_each(|part| engine.input(part));
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// Returns the CompactSize encoding of a length.
pub fn compact_size(length: usize) -> Vec<u8> {
    match length {
        0..=252 => vec![length as u8],
        253..=0xffff => [&[253], &(length as u16).to_le_bytes()[..]].concat(),
        0x1_0000..=0xffff_ffff => [&[254], &(length as u32).to_le_bytes()[..]].concat(),
        _ => [&[255], &(length as u64).to_le_bytes()[..]].concat(),
    }
}

/// Returns some bytes with their length as a CompactSize prefix.
pub fn sized(bytes: &[u8]) -> Vec<u8> {
    [compact_size(bytes.len()), bytes.to_vec()].concat()
}

fn outpoint(outpoint: &OutPoint) -> Vec<u8> {
    [&outpoint.txid.to_byte_array()[..], &outpoint.vout.to_le_bytes()].concat()
}

fn output(output: &TxOut) -> Vec<u8> {
    [&output.value.to_sat().to_le_bytes()[..], &sized(output.script_pubkey.as_bytes())].concat()
}

fn all_outpoints(tx: &Transaction) -> Vec<u8> {
    tx.input.iter().flat_map(|input| outpoint(&input.previous_output)).collect()
}

fn all_sequences(tx: &Transaction) -> Vec<u8> {
    tx.input.iter().flat_map(|input| input.sequence.0.to_le_bytes()).collect()
}

fn all_outputs(tx: &Transaction) -> Vec<u8> {
    tx.output.iter().flat_map(output).collect()
}

/// Returns the template hash of the input `index` (BIP 119 "Detailed Specification",
/// `DefaultCheckTemplateVerifyHash`).
pub fn check_template_hash(tx: &Transaction, index: usize) -> [u8; 32] {
    let mut message = tx.version.0.to_le_bytes().to_vec();
    message.extend(tx.lock_time.to_consensus_u32().to_le_bytes());
    if tx.input.iter().any(|input| !input.script_sig.is_empty()) {
        let scripts: Vec<u8> = tx.input.iter().flat_map(|input| sized(input.script_sig.as_bytes())).collect();
        message.extend(sha(&scripts));
    }
    message.extend((tx.input.len() as u32).to_le_bytes());
    message.extend(sha(&all_sequences(tx)));
    message.extend((tx.output.len() as u32).to_le_bytes());
    message.extend(sha(&all_outputs(tx)));
    message.extend((index as u32).to_le_bytes());
    sha(&message)
}

/// Returns the template hash of the input `index` (BIP 446 "Specification"). The annex includes its first byte.
pub fn template_hash(tx: &Transaction, index: usize, annex: Option<&[u8]>) -> [u8; 32] {
    let mut message = tx.version.0.to_le_bytes().to_vec();
    message.extend(tx.lock_time.to_consensus_u32().to_le_bytes());
    message.extend(sha(&all_sequences(tx)));
    message.extend(sha(&all_outputs(tx)));
    message.push(annex.is_some().into());
    message.extend((index as u32).to_le_bytes());
    if let Some(annex) = annex {
        message.extend(sha(&sized(annex)));
    }
    tagged("TemplateHash", &message)
}

/// Returns the hash that `OP_PAIRCOMMIT` pushes (BIP 442 "Specification"). `first` is the deeper stack element.
pub fn pair_commit(first: &[u8], second: &[u8]) -> [u8; 32] {
    tagged("PairCommit", &[sized(first), sized(second)].concat())
}
