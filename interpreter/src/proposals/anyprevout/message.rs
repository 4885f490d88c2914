//! The signature message of BIP 118 public keys ("Signature message"). Numbers such as R22 refer to the rules in
//! BIP-DRAFT.md.

use crate::message::{MessageSink, write_sized};
use crate::sighash::taproot::message as taproot;
use crate::sighash::taproot::message::TaprootMessage;
use crate::view::TxView;

/// Hash type bit of SIGHASH_ANYPREVOUT (BIP 118). The signed message omits the outpoint of the input and all other
/// inputs.
pub const SIGHASH_ANYPREVOUT: u8 = 0x40;
/// Hash type bits of SIGHASH_ANYPREVOUTANYSCRIPT (BIP 118). Compared to [`SIGHASH_ANYPREVOUT`], the signed message also
/// omits the amount, the scriptPubKey and the leaf hash. The value shares a bit with ANYONECANPAY but is a different
/// hash type.
pub const SIGHASH_ANYPREVOUTANYSCRIPT: u8 = 0xc0;
/// Mask of the hash type bits that select which data of the inputs is signed.
const INPUT_MASK: u8 = 0xc0;

/// Returns whether BIP 118 defines a hash type: all hash types of BIP 341, and six more (R17).
pub fn is_defined(hash_type: u8) -> bool {
    taproot::is_defined(hash_type) || matches!(hash_type, 0x41..=0x43 | 0xc1..=0xc3)
}

/// Writes the BIP 118 message (`0x00 || Msg118(hash_type) || Ext118(hash_type)`) field by field. Field names are those
/// of the BIPs. Returns `None` if the hash type is not defined, or if it is SIGHASH_SINGLE and the transaction has no
/// output with the input's index.
#[must_use]
pub fn write_message(
    view: &TxView<'_>,
    message: &TaprootMessage,
    hash_type: u8,
    sink: &mut impl MessageSink,
) -> Option<()> {
    if !is_defined(hash_type) {
        return None;
    }
    if hash_type & SIGHASH_ANYPREVOUT == 0 {
        // "If hash_type & 0x40 == 0, then Msg118(hash_type) = SigMsg(hash_type, 1)" (R21).
        taproot::write_common(view, message, hash_type, sink)?;
    } else {
        write_without_outpoint(view, message, hash_type, sink)?;
    }
    // The extension has no leaf hash for SIGHASH_ANYPREVOUTANYSCRIPT (R24).
    taproot::write_extension(message, hash_type & INPUT_MASK != SIGHASH_ANYPREVOUTANYSCRIPT, sink);
    Some(())
}

/// Writes the message for a hash type with the bit 0x40 of BIP 118, except the extension. The message omits the
/// outpoint. With [`SIGHASH_ANYPREVOUT`], it contains the amount and scriptPubKey of the prevout (R22). With
/// [`SIGHASH_ANYPREVOUTANYSCRIPT`], it contains neither (R23).
fn write_without_outpoint(
    view: &TxView<'_>,
    message: &TaprootMessage,
    hash_type: u8,
    sink: &mut impl MessageSink,
) -> Option<()> {
    let TxView { tx, prevouts, input: signer, cache } = *view;
    let input = tx.input.get(signer)?;
    let prevout = prevouts.get(signer)?;
    // SIGHASH_SINGLE requires an output with the index of the input (R18).
    let single_output = taproot::single_output(view, hash_type)?;
    sink.field("epoch", &[0]);
    sink.field("hash_type", &[hash_type]);
    sink.field("nVersion", &tx.version.0.to_le_bytes());
    sink.field("nLockTime", &tx.lock_time.to_consensus_u32().to_le_bytes());
    if taproot::signs_all_outputs(hash_type) {
        sink.field("sha_outputs", cache.outputs(tx));
    }
    sink.field("spend_type", &[taproot::spend_type(message)]);
    if hash_type & INPUT_MASK == SIGHASH_ANYPREVOUT {
        sink.field("amount", &prevout.value.to_sat().to_le_bytes());
        write_sized(sink, "scriptPubKey", prevout.script_pubkey.as_bytes());
    }
    sink.field("nSequence", &input.sequence.0.to_le_bytes());
    if let Some(annex_hash) = &message.annex_hash {
        sink.field("sha_annex", annex_hash);
    }
    if let Some(hash) = single_output {
        sink.field("sha_single_output", hash);
    }
    Some(())
}
