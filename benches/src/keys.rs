//! Keys without end, the same in every run.

use secp256k1::{Keypair, SecretKey};
use sha2::{Digest, Sha256};

/// A source of keys and of bytes that look random.
#[derive(Clone, Debug)]
pub struct Keys {
    seed: [u8; 32],
    drawn: u64,
}

impl Keys {
    /// The source of a name: different names, different keys.
    pub fn of(name: &str, variant: usize) -> Keys {
        let seed = Sha256::new().chain_update(name).chain_update(variant.to_le_bytes()).finalize().into();
        Keys { seed, drawn: 0 }
    }

    /// 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_le_bytes()).finalize().into()
    }

    /// A key pair.
    pub fn key(&mut self) -> Keypair {
        // One hash in 2^128 is no secret key.
        SecretKey::from_secret_bytes(self.bytes()).expect("a secret key").keypair()
    }
}
