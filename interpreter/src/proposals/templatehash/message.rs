//! The template hash of `OP_TEMPLATEHASH` (BIP 446).

use sha2::Digest;

use crate::message::{MessageSink, count_as_u32, tags};
use crate::view::TxView;

tags! {
    /// Returns a hasher that has processed the tag of BIP 446 "Specification".
    tag "TemplateHash";
}

/// Returns the template hash (BIP 446 "Specification").
pub fn template_hash_digest(view: &TxView<'_>, annex_hash: Option<&[u8; 32]>) -> [u8; 32] {
    let mut hasher = tag();
    write_template_hash(view, annex_hash, &mut hasher);
    hasher.finalize().into()
}

/// Writes the message of the template hash of BIP 446 without its tag, field by field.
pub fn write_template_hash(view: &TxView<'_>, annex_hash: Option<&[u8; 32]>, sink: &mut impl MessageSink) {
    let TxView { tx, input, cache, .. } = *view;
    sink.field("nVersion", &tx.version.0.to_le_bytes());
    sink.field("nLockTime", &tx.lock_time.to_consensus_u32().to_le_bytes());
    sink.field("sha_sequences", cache.sequences(tx));
    sink.field("sha_outputs", cache.outputs(tx));
    // One byte, 1 or 0. BIP 341's spend_type is not used.
    sink.field("annex_present", &[u8::from(annex_hash.is_some())]);
    sink.field("input_index", &count_as_u32(input).to_le_bytes());
    if let Some(hash) = annex_hash {
        sink.field("sha_annex", hash);
    }
}
