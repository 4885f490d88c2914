//! The byte encoding of messages and commitments: the bytes that a key signs, and the bytes that a commitment hashes.

use bitcoin::hashes::{Hash, HashEngine, sha256};
use sigstack_interpreter::limits::MAX_SCRIPT_ELEMENT_SIZE;

use crate::assets::Value;
use crate::message::{Msg, limbs};
use crate::policy::Join;
use crate::script::number_bytes;

/// The two template hashes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Templates {
    /// BIP 119 template hash.
    pub ctv: [u8; 32],
    /// BIP 446 template hash.
    pub template_hash: [u8; 32],
}

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

fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha256::Hash::hash(bytes).to_byte_array()
}

/// Returns the commitment to a number, in the form that `newer_pair` and `newer_cat` expect: `PairCommit(blinding, number)`,
/// or `SHA256(number ‖ blinding)`.
pub fn commit_number(join: Join, number: u64, blinding: &[u8; 32]) -> [u8; 32] {
    let number = number_bytes(number);
    match join {
        Join::Pair => pair_commit(blinding, &number),
        Join::Cat => sha256(&[number.as_slice(), blinding].concat()),
    }
}

/// Returns the bytes of a message. Returns `None` if the values do not fit its parts, if a concatenation exceeds the maximum
/// element size, or if the message commits to a transaction and `templates` is `None`.
pub fn message_bytes(msg: &Msg, values: &[Value], templates: Option<&Templates>) -> Option<Vec<u8>> {
    let (bytes, rest) = build(msg, values, templates)?;
    rest.is_empty().then_some(bytes)
}

fn build<'a>(
    msg: &Msg,
    values: &'a [Value],
    templates: Option<&Templates>,
) -> Option<(Vec<u8>, &'a [Value])> {
    match msg {
        Msg::Join(join, left, right) => {
            let (left, values) = build(left, values, templates)?;
            let (right, values) = build(right, values, templates)?;
            let joined = match join {
                Join::Pair => pair_commit(&left, &right).to_vec(),
                Join::Cat => [left, right].concat(),
            };
            if joined.len() > MAX_SCRIPT_ELEMENT_SIZE {
                return None;
            }
            Some((joined, values))
        }
        Msg::Sha256(inner) => {
            let (inner, values) = build(inner, values, templates)?;
            Some((sha256(&inner).to_vec(), values))
        }
        part => {
            let (value, values) = values.split_first()?;
            let bytes = match (part, value) {
                (Msg::Ctv(_), _) => templates?.ctv.to_vec(),
                (Msg::TemplateHash, _) => templates?.template_hash.to_vec(),
                (Msg::NewerWide(_), Value::Number(n)) => {
                    let (high, low) = limbs(*n);
                    pair_commit(&number_bytes(high), &number_bytes(low)).to_vec()
                }
                (Msg::NewerOpened(join, _), Value::Opened { newer, .. }) => {
                    commit_number(*join, newer.0, &newer.1).to_vec()
                }
                (_, Value::Bytes(bytes)) => bytes.clone(),
                (_, Value::Number(n)) => number_bytes(*n),
                (_, Value::Lock(lock)) => number_bytes((*lock).into()),
                (_, Value::Key(key)) => key.to_vec(),
                _ => return None,
            };
            Some((bytes, values))
        }
    }
}
