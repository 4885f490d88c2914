//! Naive implementation of Schnorr signature verification (BIP 340 "Verification"). Only addition and multiplication
//! of points are taken from a library.

use bitcoin::secp256k1::{PublicKey, Scalar, SecretKey};

use super::tagged;
use crate::keys::secp;

/// Returns whether a BIP 340 signature by an x-only key is valid for a message of any length.
pub fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let (r, s) = signature.split_at(32);
    // lift_x: the point with this x coordinate and an even y coordinate.
    let Ok(point) = PublicKey::from_slice(&[&[2], key.as_slice()].concat()) else { return false };
    let challenge = tagged("BIP0340/challenge", &[r, key, message].concat());
    // The hash is below the group order, except with probability 2^-128.
    let Ok(challenge) = Scalar::from_be_bytes(challenge) else { return false };
    let Ok(challenged) = point.mul_tweak(secp(), &challenge) else { return false };
    let minus = challenged.negate(secp());
    let sum = match SecretKey::from_slice(s) {
        Ok(s) => match PublicKey::from_secret_key(secp(), &s).combine(&minus) {
            Ok(sum) => sum,
            // The sum is the point at infinity.
            Err(_) => return false,
        },
        Err(_) if s == [0; 32] => minus,
        // s is not below the group order.
        Err(_) => return false,
    };
    let sum = sum.serialize();
    sum[0] == 2 && sum[1..] == *r
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::key;

    #[test]
    fn signatures_of_any_message_are_known_and_damaged_ones_are_not() {
        for message in [&[][..], &[1], &[2; 32], &[3; 600]] {
            let key = key(1);
            let signature = key.sign_schnorr(message);
            assert!(verify(&key.x_only, message, &signature));
            for byte in [0, 31, 32, 63] {
                let mut damaged = signature;
                damaged[byte] ^= 1;
                assert!(!verify(&key.x_only, message, &damaged), "{byte}");
            }
            assert!(!verify(&key.x_only, &[message, &[0]].concat(), &signature));
            assert!(!verify(&[0xff; 32], message, &signature), "not on the curve");
            assert!(!verify(&key.x_only, message, &[0xff; 64]), "s is not below the order");
            assert!(!verify(&key.x_only, message, &[0; 64]));
        }
    }
}
