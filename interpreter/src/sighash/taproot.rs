//! The signature hash of taproot and tapscript (BIP 341 "Common signature message", BIP 342 "Common signature message
//! extension").

use sha2::Digest;

use super::{ANYONECANPAY, MessageSink, Signing, outpoint_bytes, tap_sighash, write_sized};
use crate::host::{KeyVersion, TaprootMessage, TapscriptMessage};
use crate::proposals::anyprevout;

/// Bits of a hash type that select the outputs that are signed.
const OUTPUT_MASK: u8 = 0x03;
const SIGHASH_NONE: u8 = 2;
const SIGHASH_SINGLE: u8 = 3;

/// Returns whether BIP 341 defines a hash type.
pub fn is_defined(hash_type: u8) -> bool {
    matches!(hash_type, 0x00..=0x03 | 0x81..=0x83)
}

/// Returns the signature hash of taproot or tapscript; `None` if [`write_message`] returns `None`.
pub fn digest(signing: &Signing<'_>, message: &TaprootMessage, hash_type: u8) -> Option<[u8; 32]> {
    let mut hasher = tap_sighash();
    write_message(signing, message, hash_type, &mut hasher)?;
    Some(hasher.finalize().into())
}

/// Writes the message without its tag, field by field. Field names are those of the BIPs. Returns `None` if the hash type is
/// not defined, or if it is SIGHASH_SINGLE and the transaction has no output with the input's index.
#[must_use]
pub fn write_message(
    signing: &Signing<'_>,
    message: &TaprootMessage,
    hash_type: u8,
    sink: &mut impl MessageSink,
) -> Option<()> {
    if let Some(TapscriptMessage { key_version: KeyVersion::Bip118, .. }) = message.tapscript {
        return anyprevout::write_message(signing, message, hash_type, sink);
    }
    if !is_defined(hash_type) {
        return None;
    }
    write_common(signing, message, hash_type, sink)?;
    write_extension(message, true, sink);
    Some(())
}

/// Writes the message of BIP 341 preceded by the epoch (`0x00 || SigMsg(hash_type, ext_flag)`). The hash type must be
/// defined.
pub(crate) fn write_common(
    signing: &Signing<'_>,
    message: &TaprootMessage,
    hash_type: u8,
    sink: &mut impl MessageSink,
) -> Option<()> {
    let Signing { tx, prevouts, input: signer, cache } = *signing;
    let input = tx.input.get(signer)?;
    let prevout = prevouts.get(signer)?;
    let single_output = single_output(signing, hash_type)?;
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

/// Returns the hash of the single output for SIGHASH_SINGLE, and `Some(None)` for other hash types. Returns `None` if the
/// output does not exist.
pub(crate) fn single_output<'a>(signing: &Signing<'a>, hash_type: u8) -> Option<Option<&'a [u8; 32]>> {
    match hash_type & OUTPUT_MASK {
        SIGHASH_SINGLE => Some(Some(signing.cache.single_output(signing.tx, signing.input)?)),
        _ => Some(None),
    }
}

/// Returns the field `spend_type` of BIP 341: `(ext_flag * 2) + annex_present`.
pub(crate) fn spend_type(message: &TaprootMessage) -> u8 {
    2 * u8::from(message.tapscript.is_some()) + u8::from(message.annex_hash.is_some())
}

/// Writes the message extension of BIP 342 "Common signature message extension". The leaf hash is optional, since BIP 118
/// omits it for some hash types.
pub(crate) fn write_extension(message: &TaprootMessage, with_leaf_hash: bool, sink: &mut impl MessageSink) {
    let Some(tapscript) = &message.tapscript else { return };
    if with_leaf_hash {
        sink.field("tapleaf_hash", &tapscript.leaf_hash);
    }
    sink.field("key_version", &[tapscript.key_version as u8]);
    sink.field("codesep_pos", &tapscript.code_separator_position.to_le_bytes());
}
