//! Keys whose secrets are known, so that spends can be signed.

use std::sync::LazyLock;

use bitcoin::hashes::{Hash, hash160};
use bitcoin::key::{Keypair, Secp256k1};
use bitcoin::secp256k1::{All, Message};

/// How many keys there are.
pub const KEYS: usize = 4;

/// A key in every form that a script can hold it in.
pub struct Key {
    /// BIP 340.
    pub x_only: [u8; 32],
    /// 33 bytes.
    pub compressed: [u8; 33],
    /// 65 bytes that begin with 4.
    pub uncompressed: [u8; 65],
    pair: Keypair,
    /// The same secret for the newer crate, which signs messages of any length.
    schnorr: secp256k1::Keypair,
}

static SECP: LazyLock<Secp256k1<All>> = LazyLock::new(Secp256k1::new);

/// Secrets are 32 times one byte, from this one on.
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

/// What the bitcoin crate computes on the curve with.
pub fn secp() -> &'static Secp256k1<All> {
    &SECP
}

/// The key of a number, of which any does.
pub fn key(number: u8) -> &'static Key {
    &ALL[usize::from(number) % KEYS]
}

/// The known key with these bytes, in whatever form.
pub fn known(bytes: &[u8]) -> Option<&'static Key> {
    ALL.iter().find(|key| match bytes.len() {
        32 => key.x_only == bytes,
        33 => key.compressed == bytes,
        // Hybrid keys, which begin with 6 or 7, differ in the first byte only.
        65 => key.uncompressed[1..] == bytes[1..],
        _ => false,
    })
}

impl Key {
    /// HASH160 of the compressed form.
    pub fn hash160(&self) -> [u8; 20] {
        hash160::Hash::hash(&self.compressed).to_byte_array()
    }

    /// An ECDSA signature in DER, without hash type.
    pub fn sign_ecdsa(&self, digest: &[u8; 32]) -> Vec<u8> {
        let message = Message::from_digest(*digest);
        SECP.sign_ecdsa(&message, &self.pair.secret_key()).serialize_der().to_vec()
    }

    /// A signature of BIP 340.
    pub fn sign_schnorr(&self, message: &[u8]) -> [u8; 64] {
        self.schnorr.sign_schnorr_no_aux_rand(message).to_byte_array()
    }
}
