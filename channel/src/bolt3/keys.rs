//! Keys of a commitment (BOLT 3 "Key Derivation").

use secp256k1::{PublicKey, Scalar, SecretKey};

use crate::error::ChannelError;
use crate::keys::{scalar, sha256};

fn hash(a: &PublicKey, b: &PublicKey) -> Result<Scalar, ChannelError> {
    scalar(sha256(&[a.serialize(), b.serialize()].concat()))
}

/// `basepoint + SHA256(per_commitment_point || basepoint) * G`.
///
/// # Errors
///
/// [`ChannelError::Key`] with probability 2^-128.
pub fn derive_public(basepoint: &PublicKey, point: &PublicKey) -> Result<PublicKey, ChannelError> {
    Ok(basepoint.add_exp_tweak(&hash(point, basepoint)?)?)
}

/// `basepoint_secret + SHA256(per_commitment_point || basepoint)`.
///
/// # Errors
///
/// [`ChannelError::Key`] with probability 2^-128.
pub fn derive_private(base_secret: &SecretKey, point: &PublicKey) -> Result<SecretKey, ChannelError> {
    Ok(base_secret.add_tweak(&hash(point, &base_secret.public_key())?)?)
}

/// `revocation_basepoint * SHA256(revocation_basepoint || per_commitment_point)
/// + per_commitment_point * SHA256(per_commitment_point || revocation_basepoint)`.
///
/// # Errors
///
/// [`ChannelError::Key`] with probability 2^-128.
pub fn revocation_public(basepoint: &PublicKey, point: &PublicKey) -> Result<PublicKey, ChannelError> {
    let base = basepoint.mul_tweak(&hash(basepoint, point)?)?;
    Ok(base.combine(&point.mul_tweak(&hash(point, basepoint)?)?)?)
}

/// The secret of [`revocation_public`], which takes both sides' secrets.
///
/// # Errors
///
/// [`ChannelError::Key`] with probability 2^-128.
pub fn revocation_private(
    base_secret: &SecretKey,
    per_commitment_secret: &SecretKey,
) -> Result<SecretKey, ChannelError> {
    let (basepoint, point) = (base_secret.public_key(), per_commitment_secret.public_key());
    let base = base_secret.mul_tweak(&hash(&basepoint, &point)?)?;
    let commitment = per_commitment_secret.mul_tweak(&hash(&point, &basepoint)?)?;
    Ok(base.add_tweak(&Scalar::from(commitment))?)
}

/// The keys of one commitment transaction, seen from its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitmentKeys {
    /// Takes everything of a revoked commitment.
    pub revocation: PublicKey,
    /// The owner's balance, after the delay.
    pub local_delayed: PublicKey,
    /// The owner's key in HTLC scripts.
    pub local_htlc: PublicKey,
    /// The other side's key in HTLC scripts.
    pub remote_htlc: PublicKey,
    /// The other side's balance: its payment basepoint, the same in every commitment.
    pub remote_payment: PublicKey,
    /// The owner's funding key, for its anchor.
    pub local_funding: PublicKey,
    /// The other side's funding key, for its anchor.
    pub remote_funding: PublicKey,
}

/// The 48 bits that hide commitment numbers: the low bits of
/// `SHA256(payment_basepoint of the opener || payment_basepoint of the other)`.
pub fn number_mask(opener_basepoint: &PublicKey, other_basepoint: &PublicKey) -> u64 {
    let hash = sha256(&[opener_basepoint.serialize(), other_basepoint.serialize()].concat());
    hash.iter().rev().take(6).rev().fold(0, |mask, byte| mask << 8 | u64::from(*byte))
}
