//! Commitments to the parts of messages, as `OP_PAIRCOMMIT` and hashes compute them.

use bitcoin::hashes::{Hash, HashEngine, sha256};

use crate::policy::Join;
use crate::script::number_bytes;

/// Returns the result of `OP_PAIRCOMMIT` for two elements, the deeper one first: a tagged hash of both, each preceded by its
/// compact size (BIP 442).
pub fn pair_commit(deeper: &[u8], top: &[u8]) -> [u8; 32] {
    let tag = sha256::Hash::hash(b"PairCommit");
    let mut engine = sha256::HashEngine::default();
    engine.input(tag.as_byte_array());
    engine.input(tag.as_byte_array());
    for element in [deeper, top] {
        engine.input(&bitcoin::consensus::serialize(&bitcoin::VarInt::from(element.len())));
        engine.input(element);
    }
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// Returns the commitment to a number that `newer_pair` and `newer_cat` expect: `PairCommit(blinding, number)` or
/// `SHA256(number ‖ blinding)`.
pub fn commit_number(join: Join, number: u64, blinding: &[u8; 32]) -> [u8; 32] {
    let number = number_bytes(number);
    match join {
        Join::Pair => pair_commit(blinding, &number),
        Join::Cat => sha256::Hash::hash(&[number.as_slice(), blinding].concat()).to_byte_array(),
    }
}
