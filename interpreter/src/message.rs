//! [`MessageSink`] and helpers to write the messages that are hashed, such as the message of a signature hash. A
//! message is written field by field, with the name of each field. The same function writes a message to a hasher,
//! which ignores the names, and to a program that displays the names.

use bitcoin::{OutPoint, TxOut};
use sha2::{Digest, Sha256};

/// Receiver of the fields of a message that is hashed, in order. The receiver is a hasher, or a vector that collects
/// the fields.
pub trait MessageSink {
    /// Receives the next field, or the next part of a field. A field with several parts (such as all outputs) is passed in
    /// several calls with the same name.
    fn field(&mut self, name: &'static str, bytes: &[u8]);
}

impl MessageSink for Sha256 {
    #[inline]
    fn field(&mut self, _name: &'static str, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// Collects the bytes of the message, which are the preimage of the digest.
impl MessageSink for Vec<u8> {
    fn field(&mut self, _name: &'static str, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Collects the fields of the message with their names.
impl MessageSink for Vec<(&'static str, Vec<u8>)> {
    fn field(&mut self, name: &'static str, bytes: &[u8]) {
        match self.last_mut() {
            Some((last, value)) if *last == name => value.extend_from_slice(bytes),
            _ => self.push((name, bytes.to_vec())),
        }
    }
}

/// Returns a hasher that has processed `SHA256(tag) || SHA256(tag)` (BIP 340 "Design").
pub(crate) fn tagged(tag: &str) -> Sha256 {
    let tag = Sha256::digest(tag);
    Sha256::new().chain_update(tag).chain_update(tag)
}

/// Defines one function for each tag. The function returns a hasher that has processed the prefix `SHA256(tag) ||
/// SHA256(tag)` of a tagged hash.
macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident $tag:literal;)*) => {
        $(
            $(#[$doc])*
            pub(crate) fn $name() -> sha2::Sha256 {
                static MIDSTATE: std::sync::LazyLock<sha2::Sha256> =
                    std::sync::LazyLock::new(|| $crate::message::tagged($tag));
                MIDSTATE.clone()
            }
        )*
    };
}

pub(crate) use tags;

/// A CompactSize-encoded length.
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

/// Serializes an outpoint, which has 36 bytes.
#[inline]
pub(crate) fn outpoint_bytes(outpoint: &OutPoint) -> [u8; 36] {
    let mut bytes = [0; 36];
    let (txid, vout) = bytes.split_at_mut(32);
    txid.copy_from_slice(outpoint.txid.as_ref());
    vout.copy_from_slice(&outpoint.vout.to_le_bytes());
    bytes
}

/// Writes a serialized output: the amount, then the script preceded by its length.
pub(crate) fn write_output(sink: &mut impl MessageSink, name: &'static str, output: &TxOut) {
    sink.field(name, &output.value.to_sat().to_le_bytes());
    write_sized(sink, name, output.script_pubkey.as_bytes());
}

/// Converts an index, or a number of inputs or outputs, to 4 bytes. The conversion cannot fail: a transaction has fewer than
/// `u32::MAX` inputs and outputs, since a block has fewer bytes.
pub(crate) fn count_as_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Writes bytes, preceded by their length as CompactSize.
pub(crate) fn write_sized(sink: &mut impl MessageSink, name: &'static str, bytes: &[u8]) {
    sink.field(name, CompactSize::new(bytes.len()).as_bytes());
    sink.field(name, bytes);
}

/// Returns the double SHA-256 of the bytes that the hasher has processed.
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
