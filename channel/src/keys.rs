//! Keys of the parties, derived from a seed.

use secp256k1::{Keypair, PublicKey, Scalar, SecretKey, XOnlyPublicKey};
use sha2::{Digest, Sha256};

use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};

/// SHA-256 of a message after a tag's hash, twice (BIP 340 "Design").
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = Sha256::digest(tag);
    let mut hasher = Sha256::new().chain_update(tag).chain_update(tag);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A party's secret, from which all of its keys and nonces come.
///
/// Derivation is hardened: a derived secret tells nothing of its siblings. What the peer chooses never enters a derivation
/// alone: the owner's own random bytes do (a chosen channel id would let evidence of one channel confiscate another).
#[derive(Clone, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl core::fmt::Debug for Seed {
    /// Does not print the secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Seed").finish_non_exhaustive()
    }
}

impl Seed {
    /// Takes 32 secret bytes.
    pub const fn new(bytes: [u8; 32]) -> Seed {
        Seed(bytes)
    }

    /// A seed for plays and tests, from a name. It is no secret.
    pub fn from_name(name: &str) -> Seed {
        Seed(tagged_hash("sigstack/seed", &[name.as_bytes()]))
    }

    /// 32 pseudorandom bytes for a purpose. Parts are hashed with their lengths, so no two lists of parts collide.
    pub fn bytes(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut message = Vec::new();
        for part in [purpose.as_bytes()].iter().chain(parts) {
            message.extend_from_slice(&(part.len() as u64).to_le_bytes());
            message.extend_from_slice(part);
        }
        tagged_hash("sigstack/derive", &[&self.0, &message])
    }

    /// A key pair for a purpose.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if the hash is no valid secret, which happens with probability 2^-128.
    pub fn keypair(&self, purpose: &str, parts: &[&[u8]]) -> Result<Keypair, ChannelError> {
        Ok(Keypair::from_secret_bytes(self.bytes(purpose, parts))?)
    }
}

/// A party's source of random bytes. Every draw is new: a failed operation uses its draw up too.
///
/// Plays draw from a name, so that a play can be repeated; a wallet draws from the operating system. The source cannot be
/// cloned, and a backup does not contain it: restored copies that drew the same bytes again would reuse nonces.
#[derive(Debug)]
pub struct Entropy {
    source: [u8; 32],
    drawn: u64,
}

impl Entropy {
    /// A source for plays and tests, from a name. Its bytes are no secret.
    pub fn from_name(name: &str) -> Entropy {
        Entropy { source: tagged_hash("sigstack/entropy", &[name.as_bytes()]), drawn: 0 }
    }

    /// 32 bytes that were never drawn before.
    pub fn draw(&mut self) -> [u8; 32] {
        if !mutated(Mutation::EntropyRepeats) {
            self.drawn = self.drawn.saturating_add(1);
        }
        tagged_hash("sigstack/entropy/draw", &[&self.source, &self.drawn.to_le_bytes()])
    }

    /// A new source whose bytes are unrelated to those of this one.
    pub fn split(&mut self) -> Entropy {
        Entropy { source: self.draw(), drawn: 0 }
    }
}

/// The x coordinate of a key pair's public key.
pub fn x_only(keypair: &Keypair) -> [u8; 32] {
    keypair.x_only_public_key().0.to_byte_array()
}

/// The output key and its parity bit of an internal key and, if there is a tree, its root (BIP 341).
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

/// The key pair that signs on the key path of an output with this internal key and tree (BIP 341).
///
/// # Errors
///
/// [`ChannelError::Key`] if the tweak is no scalar, which happens with probability 2^-128.
pub fn taproot_keypair(keypair: &Keypair, root: Option<&[u8; 32]>) -> Result<Keypair, ChannelError> {
    Ok(keypair.add_xonly_tweak(&taproot_tweak(&x_only(keypair), root)?)?)
}

/// The scalar that BIP 341 adds to an internal key.
///
/// # Errors
///
/// [`ChannelError::Key`] if the hash is no scalar, which happens with probability 2^-128.
pub fn taproot_tweak(internal_key: &[u8; 32], root: Option<&[u8; 32]>) -> Result<Scalar, ChannelError> {
    scalar(sigstack_interpreter::taproot::tweak_hash(internal_key, root))
}

/// A scalar from 32 bytes.
///
/// # Errors
///
/// [`ChannelError::Key`] if they are not below the order of the group.
pub fn scalar(bytes: [u8; 32]) -> Result<Scalar, ChannelError> {
    Scalar::from_be_bytes(bytes).map_err(|_| ChannelError::Key(secp256k1::Error::InvalidTweak))
}

/// The public key of secret 1, the generator: the key that anyone can sign with.
///
/// # Errors
///
/// None in fact: 1 is a valid secret.
pub fn generator_keypair() -> Result<Keypair, ChannelError> {
    let mut one = [0; 32];
    if let Some(last) = one.last_mut() {
        *last = 1;
    }
    Ok(Keypair::from_secret_key(&SecretKey::from_secret_bytes(one)?))
}

/// A compressed public key from its 33 bytes.
///
/// # Errors
///
/// [`ChannelError::Key`] if they are no point.
pub fn public_key(bytes: &[u8]) -> Result<PublicKey, ChannelError> {
    Ok(PublicKey::from_slice(bytes)?)
}

/// A signature by BIP 340 over a message of any length, made without auxiliary randomness so that plays are reproducible.
pub fn sign_schnorr(keypair: &Keypair, message: &[u8]) -> [u8; 64] {
    keypair.sign_schnorr_no_aux_rand(message).to_byte_array()
}

/// Whether a signature by BIP 340 is the key's.
pub fn verify_schnorr(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    XOnlyPublicKey::from_byte_array(*key).is_ok_and(|key| {
        secp256k1::schnorr::Signature::from_byte_array(*signature).verify(message, &key).is_ok()
    })
}
