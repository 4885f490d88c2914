//! Key pairs with which the fuzz targets sign transactions. Their secret keys are fixed.

use std::sync::LazyLock;

use bitcoin::hashes::{Hash, hash160};
use bitcoin::key::{Keypair, Secp256k1};
use bitcoin::secp256k1::{All, Message};

/// Number of key pairs with which the fuzz targets sign.
pub const KEYS: usize = 4;

/// A key pair of the fuzz targets. The public key is given in the encodings that a script can contain.
pub struct Key {
    /// X-only encoding of the public key (BIP 340), 32 bytes.
    pub x_only: [u8; 32],
    /// Compressed encoding of the public key, 33 bytes.
    pub compressed: [u8; 33],
    /// Uncompressed encoding of the public key, 65 bytes that begin with 4.
    pub uncompressed: [u8; 65],
    pair: Keypair,
    /// The key pair as a type of the newer secp256k1 crate, which can sign messages of any length.
    schnorr: secp256k1::Keypair,
}

static SECP: LazyLock<Secp256k1<All>> = LazyLock::new(Secp256k1::new);

/// Byte that the first secret key repeats 32 times. Each further secret key repeats the next higher byte.
const FIRST_SECRET: u8 = 0x21;

static ALL: LazyLock<[Key; KEYS]> = LazyLock::new(|| {
    core::array::from_fn(|nth| {
        let secret = [FIRST_SECRET + nth as u8; 32];
        let pair = Keypair::from_seckey_slice(&SECP, &secret).expect("a secret below the order");
        let schnorr = secp256k1::Keypair::from_secret_bytes(secret).expect("a secret below the order");
        Key {
            x_only: pair.x_only_public_key().0.serialize(),
            compressed: pair.public_key().serialize(),
            uncompressed: pair.public_key().serialize_uncompressed(),
            pair,
            schnorr,
        }
    })
});

/// Returns the secp256k1 context that the bitcoin crate needs for computations on the curve.
pub fn secp() -> &'static Secp256k1<All> {
    &SECP
}

/// Returns the key pair with the index `number`, taken modulo the number of key pairs.
pub fn key(number: u8) -> &'static Key {
    &ALL[usize::from(number) % KEYS]
}

/// Returns the key pair whose public key has this encoding: x-only, compressed, uncompressed or hybrid. Returns `None`
/// if no key pair has it.
pub fn known(bytes: &[u8]) -> Option<&'static Key> {
    ALL.iter().find(|key| match bytes.len() {
        32 => key.x_only == bytes,
        33 => key.compressed == bytes,
        // Hybrid keys, which begin with 6 or 7, differ only in the first byte.
        65 => key.uncompressed[1..] == bytes[1..],
        _ => false,
    })
}

impl Key {
    /// Returns the HASH160 of the compressed public key.
    pub fn hash160(&self) -> [u8; 20] {
        hash160::Hash::hash(&self.compressed).to_byte_array()
    }

    /// Signs a digest and returns the ECDSA signature in DER, without a hash type.
    pub fn sign_ecdsa(&self, digest: &[u8; 32]) -> Vec<u8> {
        let message = Message::from_digest(*digest);
        SECP.sign_ecdsa(&message, &self.pair.secret_key()).serialize_der().to_vec()
    }

    /// Signs a message of any length and returns the BIP 340 signature.
    pub fn sign_schnorr(&self, message: &[u8]) -> [u8; 64] {
        self.schnorr.sign_schnorr_no_aux_rand(message).to_byte_array()
    }
}
