//! Derivation of the parties' keys and nonces from a seed, and basic operations on keys and signatures.

use secp256k1::{Keypair, PublicKey, Scalar, SecretKey, XOnlyPublicKey};
use sha2::{Digest, Sha256};

use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};

/// Returns the tagged hash of BIP 340 ("Design"): SHA-256 of the tag's hash, of the same hash again, and of the
/// concatenated parts.
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = Sha256::digest(tag);
    let mut hasher = Sha256::new().chain_update(tag).chain_update(tag);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Returns the SHA-256 hash of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Secret of a party from which all of its keys and nonces are derived.
///
/// Derivation is hardened: a derived secret reveals nothing about the seed or about other derived secrets.
///
/// The keys of a channel depend on random bytes of the owner, and never only on values that the peer chooses.
/// Otherwise a peer that chooses a channel identifier could make two channels share their keys. A revocation signature
/// of one channel could then confiscate the funds of the other.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl core::fmt::Debug for Seed {
    /// Formats the seed without showing its secret bytes.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Seed").finish_non_exhaustive()
    }
}

impl Seed {
    /// Creates a seed from 32 secret bytes.
    pub const fn new(bytes: [u8; 32]) -> Seed {
        Seed(bytes)
    }

    /// Creates a reproducible seed from a name, for simulations and tests. This seed is not secret.
    pub fn from_name(name: &str) -> Seed {
        Seed(tagged_hash("sigstack/seed", &[name.as_bytes()]))
    }

    /// Derives 32 pseudorandom bytes from this seed for a purpose. The length of each part is hashed too, so two
    /// different lists of parts give different bytes.
    pub fn bytes(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut message = Vec::new();
        for part in [purpose.as_bytes()].iter().chain(parts) {
            message.extend_from_slice(&(part.len() as u64).to_le_bytes());
            message.extend_from_slice(part);
        }
        tagged_hash("sigstack/derive", &[&self.0, &message])
    }

    /// Derives a key pair from this seed for a purpose.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if the hash is not a valid secret key, which happens with probability 2^-128.
    pub fn keypair(&self, purpose: &str, parts: &[&[u8]]) -> Result<Keypair, ChannelError> {
        Ok(Keypair::from_secret_bytes(self.bytes(purpose, parts))?)
    }
}

/// A party's source of random bytes. Each draw gives new bytes, even if the operation that used the previous bytes
/// failed.
///
/// Simulations create the source from a name, so that they are reproducible. A real wallet would use random bytes from
/// the operating system. The source cannot be cloned and is not part of a backup. A restored copy would draw the same
/// bytes again, which would reuse nonces.
#[derive(Debug)]
pub struct Entropy {
    source: [u8; 32],
    drawn: u64,
}

impl Entropy {
    /// Creates a reproducible source of random bytes from a name, for simulations and tests. Its bytes are not secret.
    pub fn from_name(name: &str) -> Entropy {
        Entropy { source: tagged_hash("sigstack/entropy", &[name.as_bytes()]), drawn: 0 }
    }

    /// Draws 32 new random bytes.
    pub fn draw(&mut self) -> [u8; 32] {
        if !mutated(Mutation::EntropyRepeats) {
            self.drawn = self.drawn.saturating_add(1);
        }
        tagged_hash("sigstack/entropy/draw", &[&self.source, &self.drawn.to_le_bytes()])
    }

    /// Creates another source of random bytes. Its bytes are independent of those that this source draws later.
    pub fn split(&mut self) -> Entropy {
        Entropy { source: self.draw(), drawn: 0 }
    }
}

/// Returns the x coordinate of a key pair's public key.
pub fn x_only(keypair: &Keypair) -> [u8; 32] {
    keypair.x_only_public_key().0.to_byte_array()
}

/// Returns the taproot output key for an internal key and an optional Merkle root (BIP 341). The second value is
/// `true` if the y coordinate of the output key is odd.
///
/// # Errors
///
/// [`ChannelError::Key`] if the internal key is not on the curve.
pub fn taproot_output_key(
    internal_key: &[u8; 32],
    root: Option<&[u8; 32]>,
) -> Result<([u8; 32], bool), ChannelError> {
    let tweak = taproot_tweak(internal_key, root)?;
    let (key, parity) = XOnlyPublicKey::from_byte_array(*internal_key)?.add_tweak(&tweak)?;
    Ok((key.to_byte_array(), parity.to_u8() == 1))
}

/// Returns the tweaked key pair that signs key path spends of an output (BIP 341). `root` is the Merkle root of the
/// output's script tree, or `None` if it has no tree.
///
/// # Errors
///
/// [`ChannelError::Key`] if the tweak is not a valid scalar, which happens with probability 2^-128.
pub fn taproot_keypair(keypair: &Keypair, root: Option<&[u8; 32]>) -> Result<Keypair, ChannelError> {
    Ok(keypair.add_xonly_tweak(&taproot_tweak(&x_only(keypair), root)?)?)
}

/// Returns the tweak that BIP 341 adds to an internal key. `root` is the Merkle root of the script tree, or `None` for
/// an output without scripts.
///
/// # Errors
///
/// [`ChannelError::Key`] if the hash is not a valid scalar, which happens with probability 2^-128.
pub fn taproot_tweak(internal_key: &[u8; 32], root: Option<&[u8; 32]>) -> Result<Scalar, ChannelError> {
    scalar(sigstack_interpreter::taproot::tweak_hash(internal_key, root))
}

/// Converts 32 big-endian bytes to a scalar of the curve.
///
/// # Errors
///
/// [`ChannelError::Key`] if the value is not below the order of the group.
pub fn scalar(bytes: [u8; 32]) -> Result<Scalar, ChannelError> {
    Scalar::from_be_bytes(bytes).map_err(|_| ChannelError::Key(secp256k1::Error::InvalidTweak))
}

/// Returns the key pair with secret key 1, whose public key is the generator point. Anyone can sign for this key.
///
/// # Errors
///
/// Never fails, because 1 is a valid secret key.
pub fn generator_keypair() -> Result<Keypair, ChannelError> {
    let mut one = [0; 32];
    if let Some(last) = one.last_mut() {
        *last = 1;
    }
    Ok(Keypair::from_secret_key(&SecretKey::from_secret_bytes(one)?))
}

/// Parses a compressed public key from its 33 bytes.
///
/// # Errors
///
/// [`ChannelError::Key`] if the bytes are not a valid public key.
pub fn public_key(bytes: &[u8]) -> Result<PublicKey, ChannelError> {
    Ok(PublicKey::from_slice(bytes)?)
}

/// Creates a BIP 340 signature on a message of any length. No auxiliary randomness is used, so that simulations are
/// reproducible.
pub fn sign_schnorr(keypair: &Keypair, message: &[u8]) -> [u8; 64] {
    keypair.sign_schnorr_no_aux_rand(message).to_byte_array()
}

/// Returns whether a BIP 340 signature is valid for the x-only public key `key` and the message.
pub fn verify_schnorr(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    XOnlyPublicKey::from_byte_array(*key).is_ok_and(|key| {
        secp256k1::schnorr::Signature::from_byte_array(*signature).verify(message, &key).is_ok()
    })
}
