//! All calls into libsecp256k1: the verification of signatures and of taproot tweaks.

use secp256k1::{Message, PublicKey, XOnlyPublicKey, ecdsa, schnorr};

/// Verifies a DER-encoded ECDSA signature. Signatures are parsed as laxly as in Core (before BIP 66 any encoding was valid),
/// a high S is accepted, and hybrid public keys are accepted.
pub fn verify_ecdsa(signature: &[u8], public_key: &[u8], digest: &[u8; 32]) -> bool {
    let Ok(public_key) = PublicKey::from_slice(public_key) else { return false };
    let Ok(mut signature) = ecdsa::Signature::from_der_lax(signature) else { return false };
    signature.normalize_s();
    ecdsa::verify(&signature, Message::from_digest(*digest), &public_key).is_ok()
}

/// Verifies a Schnorr signature for an x-only public key (BIP 340 "Verification"). The message may have any length.
pub fn verify_schnorr(signature: &[u8; 64], public_key: &[u8; 32], message: &[u8]) -> bool {
    let Ok(public_key) = XOnlyPublicKey::from_byte_array(*public_key) else { return false };
    schnorr::verify(&schnorr::Signature::from_byte_array(*signature), message, &public_key).is_ok()
}

/// Returns whether the S value of a DER signature is at most half the curve's order (BIP 146 "LOW_S").
pub(crate) fn has_low_s(der: &[u8]) -> bool {
    let Ok(signature) = ecdsa::Signature::from_der_lax(der) else { return false };
    let mut normalized = signature;
    normalized.normalize_s();
    normalized == signature
}

/// Returns whether `internal_key + tweak * G` is the output key (BIP 341 "Script validation rules"). The output key is
/// given by its x coordinate `output_key` and by whether its y coordinate is odd.
pub(crate) fn check_tweak(
    internal_key: &[u8; 32],
    tweak: &[u8; 32],
    output_key: &[u8; 32],
    is_odd: bool,
) -> bool {
    let Ok(internal_key) = XOnlyPublicKey::from_byte_array(*internal_key) else { return false };
    ffi::check_tweak(&internal_key, tweak, output_key, is_odd)
}

/// Direct call of `secp256k1_xonly_pubkey_tweak_add_check`. The safe Rust interface requires the output key as a parsed
/// point, which costs a square root; the C function compares 32 bytes.
mod ffi {
    use core::ffi::c_int;

    use secp256k1::XOnlyPublicKey;
    use secp256k1::ffi::{CPtr, secp256k1_context_static, secp256k1_xonly_pubkey_tweak_add_check};

    /// Performs the check of `check_tweak` in the parent module, for a parsed internal key. Returns false if `tweak` is
    /// not below the curve's order.
    #[allow(unsafe_code, reason = "a call into C")]
    pub(super) fn check_tweak(
        internal_key: &XOnlyPublicKey,
        tweak: &[u8; 32],
        output_key: &[u8; 32],
        is_odd: bool,
    ) -> bool {
        // SAFETY: the function only reads its arguments and keeps none of them. They are the library's own constant context,
        // which suffices for everything except signing, two arrays of 32 bytes, and a public key that was parsed, as its
        // type guarantees.
        let answer = unsafe {
            secp256k1_xonly_pubkey_tweak_add_check(
                secp256k1_context_static,
                output_key.as_ptr(),
                c_int::from(is_odd),
                internal_key.as_c_ptr(),
                tweak.as_ptr(),
            )
        };
        answer == 1
    }
}

#[cfg(test)]
mod tests {
    use secp256k1::{Parity, Scalar};

    use super::*;

    #[test]
    fn the_check_of_a_tweak_agrees_with_the_safe_one() {
        // The generator G, the point 2G (x coordinates), and the order of the curve.
        let g = hex("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
        let g2 = hex("c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5");
        let order = hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
        let one = hex(&format!("{:064x}", 1));
        let two = hex(&format!("{:064x}", 2));
        let zero = [0; 32];
        let mut accepted = 0;
        for internal in [g, g2, zero] {
            for tweak in [zero, one, two, order] {
                for output in [g, g2, zero] {
                    for is_odd in [false, true] {
                        let expected = safe(&internal, tweak, &output, is_odd);
                        assert_eq!(check_tweak(&internal, &tweak, &output, is_odd), expected);
                        accepted += usize::from(expected);
                    }
                }
            }
        }
        // The accepted cases are G + 0, G + G and 2G + 0.
        assert_eq!(accepted, 3);
    }

    fn safe(internal: &[u8; 32], tweak: [u8; 32], output: &[u8; 32], is_odd: bool) -> bool {
        let Ok(internal) = XOnlyPublicKey::from_byte_array(*internal) else { return false };
        let Ok(output) = XOnlyPublicKey::from_byte_array(*output) else { return false };
        let Ok(tweak) = Scalar::from_be_bytes(tweak) else { return false };
        internal.tweak_add_check(&output, if is_odd { Parity::Odd } else { Parity::Even }, tweak)
    }

    fn hex(text: &str) -> [u8; 32] {
        core::array::from_fn(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap())
    }
}
