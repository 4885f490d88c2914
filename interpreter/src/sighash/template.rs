//! The hashes that commit to a transaction without what it spends: of BIP 119 and of BIP 446.

use sha2::{Digest, Sha256};

use super::{MessageSink, Signing, template_hash};

/// The default template hash of `OP_CHECKTEMPLATEVERIFY` (BIP 119 "Detailed Specification").
pub fn check_template_digest(signing: &Signing<'_>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    write_check_template(signing, &mut hasher);
    hasher.finalize().into()
}

/// Writes what the default template hash of BIP 119 hashes, field by field. Neither the prevouts nor the annex are part
/// of it; the scriptSigs are if one of the inputs has one.
pub fn write_check_template(signing: &Signing<'_>, sink: &mut impl MessageSink) {
    let Signing { tx, input, cache, .. } = *signing;
    sink.field("nVersion", &tx.version.0.to_le_bytes());
    sink.field("nLockTime", &tx.lock_time.to_consensus_u32().to_le_bytes());
    if let Some(hash) = cache.script_sigs(tx) {
        sink.field("scriptSigs_hash", hash);
    }
    sink.field("input_count", &as_u32(tx.input.len()).to_le_bytes());
    sink.field("sequences_hash", cache.sequences(tx));
    sink.field("output_count", &as_u32(tx.output.len()).to_le_bytes());
    sink.field("outputs_hash", cache.outputs(tx));
    sink.field("input_index", &as_u32(input).to_le_bytes());
}

/// The template hash of `OP_TEMPLATEHASH` (BIP 446 "Specification").
pub fn template_hash_digest(signing: &Signing<'_>, annex_hash: Option<&[u8; 32]>) -> [u8; 32] {
    let mut hasher = template_hash();
    write_template_hash(signing, annex_hash, &mut hasher);
    hasher.finalize().into()
}

/// Writes what the template hash of BIP 446 hashes after its tag, field by field.
pub fn write_template_hash(
    signing: &Signing<'_>,
    annex_hash: Option<&[u8; 32]>,
    sink: &mut impl MessageSink,
) {
    let Signing { tx, input, cache, .. } = *signing;
    sink.field("nVersion", &tx.version.0.to_le_bytes());
    sink.field("nLockTime", &tx.lock_time.to_consensus_u32().to_le_bytes());
    sink.field("sha_sequences", cache.sequences(tx));
    sink.field("sha_outputs", cache.outputs(tx));
    // One or zero, not BIP 341's spend_type.
    sink.field("annex_present", &[u8::from(annex_hash.is_some())]);
    sink.field("input_index", &as_u32(input).to_le_bytes());
    if let Some(hash) = annex_hash {
        sink.field("sha_annex", hash);
    }
}

/// A transaction has fewer inputs and outputs than `u32::MAX`, since a block has fewer bytes.
fn as_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
