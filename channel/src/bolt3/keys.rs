//! Keys of a commitment transaction (BOLT 3 "Key Derivation").

use secp256k1::{PublicKey, Scalar, SecretKey};

use crate::error::ChannelError;
use crate::keys::{scalar, sha256};

fn hash(a: &PublicKey, b: &PublicKey) -> Result<Scalar, ChannelError> {
    scalar(sha256(&[a.serialize(), b.serialize()].concat()))
}

/// Derives a public key: `basepoint + SHA256(per_commitment_point || basepoint) * G`.
///
/// # Errors
///
/// [`ChannelError::Key`] if the resulting key is invalid, which happens with probability 2^-128.
pub fn derive_public(basepoint: &PublicKey, point: &PublicKey) -> Result<PublicKey, ChannelError> {
    Ok(basepoint.add_exp_tweak(&hash(point, basepoint)?)?)
}

/// Derives the secret key of [`derive_public`]: `basepoint_secret + SHA256(per_commitment_point || basepoint)`.
///
/// # Errors
///
/// [`ChannelError::Key`] if the resulting key is invalid, which happens with probability 2^-128.
pub fn derive_private(base_secret: &SecretKey, point: &PublicKey) -> Result<SecretKey, ChannelError> {
    Ok(base_secret.add_tweak(&hash(point, &base_secret.public_key())?)?)
}

/// Derives the revocation public key: `revocation_basepoint * SHA256(revocation_basepoint || per_commitment_point) +
/// per_commitment_point * SHA256(per_commitment_point || revocation_basepoint)`.
///
/// # Errors
///
/// [`ChannelError::Key`] if the resulting key is invalid, which happens with probability 2^-128.
pub fn revocation_public(basepoint: &PublicKey, point: &PublicKey) -> Result<PublicKey, ChannelError> {
    let base = basepoint.mul_tweak(&hash(basepoint, point)?)?;
    Ok(base.combine(&point.mul_tweak(&hash(point, basepoint)?)?)?)
}

/// Derives the secret key of [`revocation_public`], which requires the secrets of both sides.
///
/// # Errors
///
/// [`ChannelError::Key`] if the resulting key is invalid, which happens with probability 2^-128.
pub fn revocation_private(
    base_secret: &SecretKey,
    per_commitment_secret: &SecretKey,
) -> Result<SecretKey, ChannelError> {
    let (basepoint, point) = (base_secret.public_key(), per_commitment_secret.public_key());
    let base = base_secret.mul_tweak(&hash(&basepoint, &point)?)?;
    let commitment = per_commitment_secret.mul_tweak(&hash(&point, &basepoint)?)?;
    Ok(base.add_tweak(&Scalar::from(commitment))?)
}

/// Keys of one commitment transaction, from the perspective of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitmentKeys {
    /// Revocation key, which can spend the to_local and HTLC outputs of a revoked commitment.
    pub revocation: PublicKey,
    /// Key with which the owner of the commitment transaction spends its balance after the delay.
    pub local_delayed: PublicKey,
    /// Owner's key in HTLC scripts.
    pub local_htlc: PublicKey,
    /// Remote side's key in HTLC scripts.
    pub remote_htlc: PublicKey,
    /// Key with which the remote side spends its balance. It is the remote side's payment basepoint, the same
    /// in every commitment transaction.
    pub remote_payment: PublicKey,
    /// Funding key of the commitment transaction's owner, with which it can spend its anchor.
    pub local_funding: PublicKey,
    /// Remote side's funding key, with which it can spend its anchor.
    pub remote_funding: PublicKey,
}

/// Returns the 48-bit mask that obscures commitment numbers. It consists of the lower bits of
/// `SHA256(payment_basepoint of the opener || payment_basepoint of the other side)`.
pub fn number_mask(opener_basepoint: &PublicKey, other_basepoint: &PublicKey) -> u64 {
    let hash = sha256(&[opener_basepoint.serialize(), other_basepoint.serialize()].concat());
    hash.iter().rev().take(6).rev().fold(0, |mask, byte| mask << 8 | u64::from(*byte))
}
