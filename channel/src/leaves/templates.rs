//! Scripts that allow exactly one spending transaction. Each is a leaf, or the last part of one.

use sigstack_compiler::Fill::Bytes;

use super::PolicyLeaf;

pub(super) static CTV: PolicyLeaf = PolicyLeaf::new("default-ctv", 0, &["ctv_settle"]);
pub(super) static TEMPLATEHASH: PolicyLeaf = PolicyLeaf::new("default-templatehash", 0, &["th_settle"]);
pub(super) static TEMPLATEHASH_AFTER: PolicyLeaf = PolicyLeaf::new("default-templatehash", 2, &["th_J"]);
pub(super) static SIGNATURE: PolicyLeaf = PolicyLeaf::new("default-csfs-bip118", 0, &["sig_settle", "G"]);

/// Returns a leaf that allows one transaction, by OP_CHECKTEMPLATEVERIFY, 34 B: `<hash> CTV`. The witness
/// is empty.
pub fn template_ctv(template: &[u8; 32]) -> Vec<u8> {
    CTV.fill(&[Bytes(template)])
}

/// Returns a leaf that allows one transaction, by OP_TEMPLATEHASH, 35 B: `<hash> TEMPLATEHASH EQUAL`. The
/// witness is empty.
pub fn template_templatehash(template: &[u8; 32]) -> Vec<u8> {
    TEMPLATEHASH.fill(&[Bytes(template)])
}

/// Returns the last part of a leaf that allows one transaction, 35 B: `TEMPLATEHASH <hash> EQUAL`. The caller puts
/// other conditions before it. This part needs no witness elements.
pub fn template_templatehash_after(template: &[u8; 32]) -> Vec<u8> {
    TEMPLATEHASH_AFTER.conditions(2..3, &[Bytes(template)])
}

/// Returns a leaf that allows one transaction, by a signature made in advance with the secret key 1, whose
/// public key is the generator G. 101 B: `<sig> <01 G> CHECKSIG`. The witness is empty.
pub fn template_signature(signature: &[u8], generator: &[u8; 32]) -> Vec<u8> {
    SIGNATURE.fill(&[Bytes(signature), Bytes(generator)])
}
