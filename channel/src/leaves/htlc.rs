//! Scripts of the leaves with which the recipient and the sender of an HTLC claim it.

use sigstack_compiler::Fill::Bytes;

use super::{PolicyLeaf, number};

pub(super) static SUCCESS: PolicyLeaf = PolicyLeaf::new("ln-symmetry-htlc", 0, &["payee", "hash160_payment"]);
pub(super) static TIMEOUT: PolicyLeaf = PolicyLeaf::new("ln-symmetry-htlc", 1, &["payer", "expiry"]);
pub(super) static SUCCESS_TEMPLATE: PolicyLeaf =
    PolicyLeaf::new("htlc-second-stage", 0, &["K", "hash160_payment", "ctv_success"]);
pub(super) static TIMEOUT_TEMPLATE: PolicyLeaf =
    PolicyLeaf::new("htlc-second-stage", 1, &["K", "expiry", "ctv_timeout"]);
pub(super) static SUCCESS_PRESIGNED: PolicyLeaf =
    PolicyLeaf::new("htlc-second-stage-presigned", 0, &["joint", "payee", "hash160_payment"]);
pub(super) static SUCCESS_ANYPREVOUT: PolicyLeaf =
    PolicyLeaf::new("htlc-second-stage-anyprevout", 0, &["joint", "payee", "hash160_payment"]);
pub(super) static TIMEOUT_ANYPREVOUT: PolicyLeaf =
    PolicyLeaf::new("htlc-second-stage-anyprevout", 1, &["joint", "payer", "expiry"]);

/// Returns the leaf that pays the HTLC to its recipient, 61 B: `<key> CHECKSIGVERIFY SIZE <32> EQUALVERIFY
/// HASH160 <hash> EQUAL`. Witness: `<preimage> <sig>`.
pub fn htlc_success(recipient: &[u8; 32], hash: &[u8; 20]) -> Vec<u8> {
    SUCCESS.fill(&[Bytes(recipient), Bytes(hash)])
}

/// Returns the leaf that refunds the HTLC to its sender, 39 B: `<key> CHECKSIGVERIFY <expiry> CLTV`.
/// Witness: `<sig>`.
pub fn htlc_timeout(sender: &[u8; 32], expiry: u32) -> Vec<u8> {
    TIMEOUT.fill(&[Bytes(sender), number(expiry)])
}

/// Returns the leaf that pays the HTLC to its recipient by a fixed transaction, 95 B: `SIZE <32>
/// EQUALVERIFY HASH160 <hash> EQUALVERIFY <key> CHECKSIGVERIFY <template> CTV`. Witness: `<sig>
/// <preimage>`.
pub fn htlc_success_template(recipient: &[u8; 32], hash: &[u8; 20], template: &[u8; 32]) -> Vec<u8> {
    SUCCESS_TEMPLATE.fill(&[Bytes(recipient), Bytes(hash), Bytes(template)])
}

/// Returns the leaf that refunds the HTLC to its sender by a fixed transaction, 74 B: `<expiry> CLTV DROP
/// <key> CHECKSIGVERIFY <template> CTV`. Witness: `<sig>`.
pub fn htlc_timeout_template(sender: &[u8; 32], expiry: u32, template: &[u8; 32]) -> Vec<u8> {
    TIMEOUT_TEMPLATE.fill(&[Bytes(sender), number(expiry), Bytes(template)])
}

/// Returns the leaf that pays the HTLC to its recipient by a transaction that both parties presigned, 95 B:
/// `<joint> CHECKSIGVERIFY` followed by [`htlc_success`]. Witness: `<preimage> <sig> <joint sig>`.
pub fn htlc_success_presigned(joint: &[u8; 32], recipient: &[u8; 32], hash: &[u8; 20]) -> Vec<u8> {
    SUCCESS_PRESIGNED.fill(&[Bytes(joint), Bytes(recipient), Bytes(hash)])
}

/// Returns the same leaf as [`htlc_success_presigned`], but with a BIP 118 key (96 B). The presigned
/// transaction stays valid if the txid of the spent output changes.
pub fn htlc_success_anyprevout(joint: &[u8; 32], recipient: &[u8; 32], hash: &[u8; 20]) -> Vec<u8> {
    SUCCESS_ANYPREVOUT.fill(&[Bytes(joint), Bytes(recipient), Bytes(hash)])
}

/// Returns the leaf that refunds the HTLC to its sender by a transaction that both parties presigned with a
/// BIP 118 key, 74 B: `<01 joint> CHECKSIGVERIFY <key> CHECKSIGVERIFY <expiry> CLTV`. Witness: `<sig>
/// <joint sig>`.
pub fn htlc_timeout_anyprevout(joint: &[u8; 32], sender: &[u8; 32], expiry: u32) -> Vec<u8> {
    TIMEOUT_ANYPREVOUT.fill(&[Bytes(joint), Bytes(sender), number(expiry)])
}
