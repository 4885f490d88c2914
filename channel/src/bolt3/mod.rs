//! Transactions of LN-penalty, byte for byte as in BOLT 3.
//!
//! Source: `lightning/bolts` 03-transactions.md at a3772650 (2026-03-23). "Local" is the owner of the
//! commitment transaction, "remote" the other side.

mod commitment;
mod keys;
pub mod scripts;
mod shachain;

pub use commitment::{
    ANCHOR_SAT, CommitmentOutput, CommitmentParams, CommitmentTx, Format, HtlcDirection, LnHtlc,
    commitment_number, htlc_output_script, htlc_transaction, obscure_number,
};
pub use keys::{
    CommitmentKeys, derive_private, derive_public, number_mask, revocation_private, revocation_public,
};
pub use shachain::{MAX_INDEX, SecretStore, StoreError, derive_secret};

use bitcoin::Transaction;
use secp256k1::{Message, SecretKey};
use sigstack_interpreter::{Spend, sighash::segwit_v0};

use crate::error::ChannelError;

/// Hash type SIGHASH_ALL.
pub const SIGHASH_ALL: u8 = 0x01;
/// Hash type SIGHASH_SINGLE with SIGHASH_ANYONECANPAY, which the remote side uses for HTLC transactions in
/// channels with anchors.
pub const SIGHASH_SINGLE_ANYONECANPAY: u8 = 0x83;

/// Creates an ECDSA signature of a segwit v0 input: DER with low s and an RFC 6979 nonce, followed by the hash type.
///
/// # Errors
///
/// [`ChannelError::Usage`] if the input does not exist, or if `prevouts` does not have one output per input.
pub fn sign_segwit_v0(
    tx: &Transaction,
    prevouts: &[bitcoin::TxOut],
    input: usize,
    script_code: &[u8],
    secret: &SecretKey,
    hash_type: u8,
) -> Result<Vec<u8>, ChannelError> {
    let spend = Spend::new(tx, prevouts)?;
    let digest = segwit_v0::digest(&spend.view(input)?, script_code, hash_type.into());
    let mut signature = secret.sign_ecdsa(Message::from_digest(digest)).serialize_der().to_vec();
    signature.push(hash_type);
    Ok(signature)
}
