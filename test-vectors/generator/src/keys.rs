//! The fixed keys and byte strings of generated cases, and hashes that are computed without the engine's code.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use secp256k1::Keypair;
use sha2::{Digest, Sha256};

use super::modular::{ORDER, small};

/// A fixed key pair of the generated cases, identified by a number. Anyone can compute its secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(pub(super) u8);

impl Key {
    /// The key whose public point is the generator G.
    pub(super) const GENERATOR: Key = Key(254);
    /// The key whose public point is -8·G, the negation of eight times the generator.
    pub(super) const NEGATED_EIGHT: Key = Key(253);
    /// The key whose public point is -G, the negated generator.
    pub(super) const NEGATED_GENERATOR: Key = Key(255);

    /// Returns the key pair: the secret key and the public key.
    pub(super) fn pair(self) -> Result<Keypair, String> {
        let secret = match self {
            Key::GENERATOR => small(1),
            Key::NEGATED_GENERATOR => ORDER.sub(&small(0), &small(1)),
            Key::NEGATED_EIGHT => ORDER.sub(&small(0), &small(8)),
            Key(number) => digest_of(&format!("sigstack test key {number}")),
        };
        Keypair::from_secret_bytes(secret).map_err(|error| format!("key {}: {error}", self.0))
    }

    /// Returns the x-only public key. A test checks that all fixed keys are valid.
    pub(super) fn x_only(self) -> [u8; 32] {
        self.pair().map(|pair| pair.x_only_public_key().0.to_byte_array()).unwrap_or_default()
    }

    /// Returns the compressed public key.
    pub(super) fn compressed(self) -> Vec<u8> {
        self.pair().map(|pair| pair.public_key().serialize().to_vec()).unwrap_or_default()
    }

    /// Returns the uncompressed public key.
    pub(super) fn uncompressed(self) -> Vec<u8> {
        self.pair().map(|pair| pair.public_key().serialize_uncompressed().to_vec()).unwrap_or_default()
    }

    /// Returns the hybrid public key: the uncompressed key whose first byte, 6 or 7, also states the parity of Y.
    pub(super) fn hybrid(self) -> Vec<u8> {
        let mut key = self.uncompressed();
        let odd = key.last().is_some_and(|last| last & 1 == 1);
        key.iter_mut().take(1).for_each(|first| *first = 6 + u8::from(odd));
        key
    }

    /// Returns the 33-byte public key that BIP 118 defines: 01 and the x-only key.
    pub(super) fn bip118(self) -> Vec<u8> {
        [&[0x01], self.x_only().as_slice()].concat()
    }
}

/// Returns the SHA-256 of a name, used as 32 fixed bytes that look random.
pub(super) fn digest_of(name: &str) -> [u8; 32] {
    Sha256::digest(name).into()
}

/// Returns `length` fixed bytes that look random. They depend only on `name`.
pub(super) fn bytes_of(name: &str, length: usize) -> Vec<u8> {
    let blocks = (0..length.div_ceil(32)).flat_map(|nth| digest_of(&format!("{name} {nth}")));
    blocks.take(length).collect()
}

/// 32 bytes that are not the X coordinate of a point on the curve.
pub(super) const OFF_CURVE: [u8; 32] = [
    0xee, 0xfd, 0xea, 0x4c, 0xdb, 0x67, 0x77, 0x50, 0xa4, 0x20, 0xfe, 0xe8, 0x07, 0xea, 0xcf, 0x21, 0xeb,
    0x98, 0x98, 0xae, 0x79, 0xb9, 0x76, 0x87, 0x66, 0xe4, 0xfa, 0xa0, 0x4a, 0x2d, 0x4a, 0x34,
];

/// Computes the hash that OP_PAIRCOMMIT pushes. Written from the text of BIP 442, without the engine's code.
pub(super) fn pair_commitment(a: &[u8], b: &[u8]) -> [u8; 32] {
    let tag = Sha256::digest("PairCommit");
    let sized = |element: &[u8]| match element.len() {
        length @ 0..=252 => [&[length.to_le_bytes()[0]], element].concat(),
        length => [&[0xfd, length.to_le_bytes()[0], length.to_le_bytes()[1]], element].concat(),
    };
    let preimage = [tag.as_slice(), tag.as_slice(), &sized(a), &sized(b)].concat();
    Sha256::digest(preimage).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_keys_are_valid_and_the_other_is_not() {
        for number in 0..=u8::MAX {
            assert!(Key(number).pair().is_ok());
        }
        assert!(secp256k1::XOnlyPublicKey::from_byte_array(OFF_CURVE).is_err());
    }
}
