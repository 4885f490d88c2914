//! The message of taproot signatures (BIP 341 "Common signature message", BIP 342 "Common signature message extension"), and the
//! parts of it that BIP 118 uses.

use crate::message::{MessageSink, outpoint_bytes, write_sized};
use crate::sighash::ANYONECANPAY;
use crate::view::TxView;

/// Data that a taproot signature commits to besides the transaction and its prevouts: the annex and, in a tapscript,
/// the data in [`TapscriptMessage`] (BIP 341 "Common signature message", BIP 342 "Common signature message extension").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaprootMessage {
    /// SHA-256 of the annex, preceded by its CompactSize length; `None` if the witness has no annex.
    pub annex_hash: Option<[u8; 32]>,
    /// Data that the signature commits to only in a tapscript; `None` for a key path spend.
    pub tapscript: Option<TapscriptMessage>,
}

/// Key version of a public key in tapscript. A signature commits to the key version, which also selects the format of
/// the signed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyVersion {
    /// Key version of 32-byte public keys (BIP 342).
    Bip342 = 0,
    /// Key version of public keys that begin with the byte 0x01 (BIP 118).
    Bip118 = 1,
}

/// Data that a signature in a tapscript commits to in addition to the common signature message (BIP 342, BIP 118).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapscriptMessage {
    /// Version of the public key that the signature is verified with.
    pub key_version: KeyVersion,
    /// Tapleaf hash of the executed leaf.
    pub leaf_hash: [u8; 32],
    /// Opcode position of the last executed `OP_CODESEPARATOR`; `0xffff_ffff` if none was executed.
    pub code_separator_position: u32,
}

/// Mask of the hash type bits that select the signed outputs.
const OUTPUT_MASK: u8 = 0x03;
const SIGHASH_NONE: u8 = 2;
const SIGHASH_SINGLE: u8 = 3;

/// Returns whether BIP 341 defines a hash type.
pub fn is_defined(hash_type: u8) -> bool {
    matches!(hash_type, 0x00..=0x03 | 0x81..=0x83)
}

/// Writes the message of a BIP 341 or BIP 342 signature without its tag, field by field. Returns `None` if the hash
/// type is not defined, or if it is SIGHASH_SINGLE and the transaction has no output with the input's index.
pub(super) fn write(
    view: &TxView<'_>,
    message: &TaprootMessage,
    hash_type: u8,
    sink: &mut impl MessageSink,
) -> Option<()> {
    if !is_defined(hash_type) {
        return None;
    }
    write_common(view, message, hash_type, sink)?;
    write_extension(message, true, sink);
    Some(())
}

/// Writes the common signature message of BIP 341, preceded by the epoch (`0x00 || SigMsg(hash_type, ext_flag)`). The
/// caller must have checked that the hash type is defined. Returns `None` if the hash type is SIGHASH_SINGLE and the
/// transaction has no output with the input's index.
pub(crate) fn write_common(
    view: &TxView<'_>,
    message: &TaprootMessage,
    hash_type: u8,
    sink: &mut impl MessageSink,
) -> Option<()> {
    let TxView { tx, prevouts, input: signer, cache } = *view;
    let input = tx.input.get(signer)?;
    let prevout = prevouts.get(signer)?;
    let single_output = single_output(view, hash_type)?;
    let anyone_can_pay = hash_type & ANYONECANPAY != 0;
    sink.field("epoch", &[0]);
    sink.field("hash_type", &[hash_type]);
    sink.field("nVersion", &tx.version.0.to_le_bytes());
    sink.field("nLockTime", &tx.lock_time.to_consensus_u32().to_le_bytes());
    if !anyone_can_pay {
        sink.field("sha_prevouts", cache.prevouts(tx));
        sink.field("sha_amounts", cache.amounts(prevouts));
        sink.field("sha_scriptpubkeys", cache.script_pubkeys(prevouts));
        sink.field("sha_sequences", cache.sequences(tx));
    }
    if signs_all_outputs(hash_type) {
        sink.field("sha_outputs", cache.outputs(tx));
    }
    sink.field("spend_type", &[spend_type(message)]);
    if anyone_can_pay {
        sink.field("outpoint", &outpoint_bytes(&input.previous_output));
        sink.field("amount", &prevout.value.to_sat().to_le_bytes());
        write_sized(sink, "scriptPubKey", prevout.script_pubkey.as_bytes());
        sink.field("nSequence", &input.sequence.0.to_le_bytes());
    } else {
        // A transaction has fewer inputs than u32::MAX, since a block has fewer bytes.
        sink.field("input_index", &u32::try_from(signer).ok()?.to_le_bytes());
    }
    if let Some(annex_hash) = &message.annex_hash {
        sink.field("sha_annex", annex_hash);
    }
    if let Some(hash) = single_output {
        sink.field("sha_single_output", hash);
    }
    Some(())
}

/// Returns whether the hash type commits to all outputs. SIGHASH_DEFAULT does, like SIGHASH_ALL.
pub(crate) fn signs_all_outputs(hash_type: u8) -> bool {
    !matches!(hash_type & OUTPUT_MASK, SIGHASH_NONE | SIGHASH_SINGLE)
}

/// Returns the hash that SIGHASH_SINGLE adds to the message of a taproot signature:
///
/// - `Some(Some(hash))` for SIGHASH_SINGLE: the hash of the output with the input's index;
/// - `None` for SIGHASH_SINGLE if no output has the input's index;
/// - `Some(None)` for all other hash types, whose messages have no such hash.
pub(crate) fn single_output<'a>(view: &TxView<'a>, hash_type: u8) -> Option<Option<&'a [u8; 32]>> {
    match hash_type & OUTPUT_MASK {
        SIGHASH_SINGLE => Some(Some(view.cache.single_output(view.tx, view.input)?)),
        _ => Some(None),
    }
}

/// Returns the field `spend_type` of BIP 341: `(ext_flag * 2) + annex_present`.
pub(crate) fn spend_type(message: &TaprootMessage) -> u8 {
    2 * u8::from(message.tapscript.is_some()) + u8::from(message.annex_hash.is_some())
}

/// Writes the extension of the message for a signature in a tapscript (BIP 342 "Common signature message extension").
/// Writes nothing for a key path spend. `with_leaf_hash` is false for hash types of BIP 118 that do not commit to the
/// leaf.
pub(crate) fn write_extension(message: &TaprootMessage, with_leaf_hash: bool, sink: &mut impl MessageSink) {
    let Some(tapscript) = &message.tapscript else { return };
    if with_leaf_hash {
        sink.field("tapleaf_hash", &tapscript.leaf_hash);
    }
    sink.field("key_version", &[tapscript.key_version as u8]);
    sink.field("codesep_pos", &tapscript.code_separator_position.to_le_bytes());
}
