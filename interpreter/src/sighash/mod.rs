//! Signature hashes, one file a digest.
//!
//! Each digest is a message and a hash of it. The message is written once, field by field with names, into a
//! [`MessageSink`]: a hasher takes the bytes, a reader of the message takes the names too.

mod cache;
pub mod legacy;
pub mod segwit_v0;
pub mod taproot;

use bitcoin::{OutPoint, Transaction, TxOut};
use sha2::{Digest, Sha256};

pub(crate) use cache::TaprootDigests;
pub use cache::{EcdsaMidstates, TxCache};

/// Takes the fields of a signed message in order.
pub trait MessageSink {
    /// The next field. Fields of several parts (an input, an output) come part by part under one name.
    fn field(&mut self, name: &'static str, bytes: &[u8]);
}

impl MessageSink for Sha256 {
    #[inline]
    fn field(&mut self, _name: &'static str, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// The bytes alone: the preimage.
impl MessageSink for Vec<u8> {
    fn field(&mut self, _name: &'static str, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The message with the names of its fields.
impl MessageSink for Vec<(&'static str, Vec<u8>)> {
    fn field(&mut self, name: &'static str, bytes: &[u8]) {
        match self.last_mut() {
            Some((last, value)) if *last == name => value.extend_from_slice(bytes),
            _ => self.push((name, bytes.to_vec())),
        }
    }
}

/// What a signature hash is made of beside its own arguments: a transaction, what it spends, and which input signs.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// The transaction.
    pub tx: &'a Transaction,
    /// The outputs that its inputs spend, in input order.
    pub prevouts: &'a [TxOut],
    /// The input that signs. It must exist, and so must its prevout.
    pub input: usize,
    /// What was hashed for other signatures of the transaction.
    pub cache: &'a TxCache,
}

/// Which outputs an ECDSA hash type signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EcdsaOutputs {
    All,
    None,
    Single,
}

impl EcdsaOutputs {
    /// Legacy and segwit v0 look at five bits, and whatever is neither NONE nor SINGLE is ALL.
    pub(crate) fn of(hash_type: u32) -> EcdsaOutputs {
        match hash_type & 0x1f {
            2 => EcdsaOutputs::None,
            3 => EcdsaOutputs::Single,
            _ => EcdsaOutputs::All,
        }
    }
}

/// The bit of a hash type that leaves the other inputs out.
pub(crate) const ANYONECANPAY: u8 = 0x80;

/// A hasher that has taken in `SHA256(tag) || SHA256(tag)` (BIP 340 "Design").
pub(crate) fn tagged(tag: &str) -> Sha256 {
    let tag = Sha256::digest(tag);
    Sha256::new().chain_update(tag).chain_update(tag)
}

/// Defines a function for each tag, which returns a hasher that has taken in the tag.
macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident $tag:literal;)*) => {
        $(
            $(#[$doc])*
            pub(crate) fn $name() -> sha2::Sha256 {
                static MIDSTATE: std::sync::LazyLock<sha2::Sha256> =
                    std::sync::LazyLock::new(|| $crate::sighash::tagged($tag));
                MIDSTATE.clone()
            }
        )*
    };
}

pub(crate) use tags;

tags! {
    /// BIP 341 "Common signature message".
    tap_sighash "TapSighash";
    /// BIP 341 "Script validation rules".
    tap_leaf "TapLeaf";
    /// BIP 341 "Script validation rules".
    tap_branch "TapBranch";
    /// BIP 341 "Script validation rules".
    tap_tweak "TapTweak";
}

/// A length as the network writes it.
pub(crate) struct CompactSize {
    bytes: [u8; 9],
    length: usize,
}

impl CompactSize {
    #[inline]
    pub(crate) fn new(value: usize) -> CompactSize {
        let [a, b, c, d, e, f, g, h] = (value as u64).to_le_bytes();
        let (bytes, length) = match value {
            0..=0xfc => ([a, 0, 0, 0, 0, 0, 0, 0, 0], 1),
            0xfd..=0xffff => ([0xfd, a, b, 0, 0, 0, 0, 0, 0], 3),
            0x1_0000..=0xffff_ffff => ([0xfe, a, b, c, d, 0, 0, 0, 0], 5),
            _ => ([0xff, a, b, c, d, e, f, g, h], 9),
        };
        CompactSize { bytes, length }
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// An outpoint's 36 bytes.
#[inline]
fn outpoint_bytes(outpoint: &OutPoint) -> [u8; 36] {
    let mut bytes = [0; 36];
    let (txid, vout) = bytes.split_at_mut(32);
    txid.copy_from_slice(outpoint.txid.as_ref());
    vout.copy_from_slice(&outpoint.vout.to_le_bytes());
    bytes
}

/// Writes an output as the network does: amount, script with its length.
fn write_output(sink: &mut impl MessageSink, name: &'static str, output: &TxOut) {
    sink.field(name, &output.value.to_sat().to_le_bytes());
    write_sized(sink, name, output.script_pubkey.as_bytes());
}

/// A number of inputs or outputs, or an index, in 4 bytes. A transaction has fewer than `u32::MAX`, since a block has fewer bytes.
pub(crate) fn count_as_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Writes bytes with their length before them.
pub(crate) fn write_sized(sink: &mut impl MessageSink, name: &'static str, bytes: &[u8]) {
    sink.field(name, CompactSize::new(bytes.len()).as_bytes());
    sink.field(name, bytes);
}

/// SHA-256 of an annex with its length before it (BIP 341 "Common signature message", `sha_annex`).
pub fn annex_hash(annex: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    write_sized(&mut hasher, "annex", annex);
    hasher.finalize().into()
}

/// SHA-256 of SHA-256.
pub(crate) fn sha256d(hasher: Sha256) -> [u8; 32] {
    Sha256::digest(hasher.finalize()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_field_are_joined() {
        let mut message: Vec<(&'static str, Vec<u8>)> = vec![];
        for (name, byte) in [("one", 1), ("one", 2), ("other", 3), ("one", 4)] {
            message.field(name, &[byte]);
        }
        assert_eq!(message, [("one", vec![1, 2]), ("other", vec![3]), ("one", vec![4])]);
    }
}
