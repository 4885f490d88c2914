//! The default template hash of `OP_CHECKTEMPLATEVERIFY` (BIP 119).

use sha2::{Digest, Sha256};

use crate::message::{MessageSink, count_as_u32};
use crate::view::TxView;

/// Returns the default template hash (BIP 119 "Detailed Specification").
pub fn check_template_digest(view: &TxView<'_>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    write_check_template(view, &mut hasher);
    hasher.finalize().into()
}

/// Writes the message of the default template hash of BIP 119, field by field. The message contains neither the prevouts nor
/// the annex. It contains a hash of all scriptSigs if any input has one.
pub fn write_check_template(view: &TxView<'_>, sink: &mut impl MessageSink) {
    let TxView { tx, input, cache, .. } = *view;
    sink.field("nVersion", &tx.version.0.to_le_bytes());
    sink.field("nLockTime", &tx.lock_time.to_consensus_u32().to_le_bytes());
    if let Some(hash) = cache.script_sigs(tx) {
        sink.field("scriptSigs_hash", hash);
    }
    sink.field("input_count", &count_as_u32(tx.input.len()).to_le_bytes());
    sink.field("sequences_hash", cache.sequences(tx));
    sink.field("output_count", &count_as_u32(tx.output.len()).to_le_bytes());
    sink.field("outputs_hash", cache.outputs(tx));
    sink.field("input_index", &count_as_u32(input).to_le_bytes());
}
