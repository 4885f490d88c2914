//! A deterministic source of keys: the same keys in every run.

use secp256k1::{Keypair, SecretKey};
use sha2::{Digest, Sha256};

/// A deterministic source of keys and of pseudorandom bytes.
#[derive(Clone, Debug)]
pub struct Keys {
    seed: [u8; 32],
    drawn: u64,
}

impl Keys {
    /// Creates a source of keys from a name and the number of a variant. Different names or numbers give different
    /// keys.
    pub fn of(name: &str, variant: usize) -> Keys {
        let seed = Sha256::new().chain_update(name).chain_update(variant.to_le_bytes()).finalize().into();
        Keys { seed, drawn: 0 }
    }

    /// Returns the next 32 pseudorandom bytes of this source of keys.
    pub fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_le_bytes()).finalize().into()
    }

    /// Returns the next key pair of this source of keys.
    pub fn key(&mut self) -> Keypair {
        // A hash is not a valid secret key with a probability of 2^-128.
        SecretKey::from_secret_bytes(self.bytes()).expect("a secret key").keypair()
    }
}
