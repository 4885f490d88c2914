//! Leaves and ends of leaves that let only one transaction spend.

use sigstack_compiler::Fill::Bytes;

use super::PolicyLeaf;

pub(super) static CTV: PolicyLeaf = PolicyLeaf::new("default-ctv", 0, &["ctv_settle"]);
pub(super) static TEMPLATEHASH: PolicyLeaf = PolicyLeaf::new("default-templatehash", 0, &["th_settle"]);
pub(super) static TEMPLATEHASH_AFTER: PolicyLeaf = PolicyLeaf::new("default-templatehash", 2, &["th_J"]);
pub(super) static SIGNATURE: PolicyLeaf = PolicyLeaf::new("default-csfs-bip118", 0, &["sig_settle", "G"]);

/// A fixed transaction, 34 B: `<hash> CTV`. Witness: empty.
pub fn template_ctv(template: &[u8; 32]) -> Vec<u8> {
    CTV.fill(&[Bytes(template)])
}

/// A fixed transaction, 35 B: `<hash> TEMPLATEHASH EQUAL`. Witness: empty.
pub fn template_templatehash(template: &[u8; 32]) -> Vec<u8> {
    TEMPLATEHASH.fill(&[Bytes(template)])
}

/// A fixed transaction after other conditions, 35 B: `TEMPLATEHASH <hash> EQUAL`. Witness: empty.
pub fn template_templatehash_after(template: &[u8; 32]) -> Vec<u8> {
    TEMPLATEHASH_AFTER.conditions(2..3, &[Bytes(template)])
}

/// A fixed transaction by a signature made in advance with the key that all know, 101 B: `<sig> <01 G> CHECKSIG`.
/// Witness: empty.
pub fn template_signature(signature: &[u8], generator: &[u8; 32]) -> Vec<u8> {
    SIGNATURE.fill(&[Bytes(signature), Bytes(generator)])
}
