//! Every question to libsecp256k1.

use secp256k1::{Message, PublicKey, Scalar, XOnlyPublicKey, ecdsa, schnorr};

/// Whether a DER signature is the public key's, by ECDSA. Signatures are parsed as laxly as Core does (before BIP 66 any
/// encoding was good), and a high S is as good as a low one. Hybrid keys are keys.
pub(crate) fn verify_ecdsa(signature: &[u8], public_key: &[u8], digest: &[u8; 32]) -> bool {
    let Ok(public_key) = PublicKey::from_slice(public_key) else { return false };
    let Ok(mut signature) = ecdsa::Signature::from_der_lax(signature) else { return false };
    signature.normalize_s();
    ecdsa::verify(&signature, Message::from_digest(*digest), &public_key).is_ok()
}

/// Whether a signature is the x-only public key's (BIP 340 "Verification"). The message may have any length.
pub fn verify_schnorr(signature: &[u8; 64], public_key: &[u8; 32], message: &[u8]) -> bool {
    let Ok(public_key) = XOnlyPublicKey::from_byte_array(*public_key) else { return false };
    schnorr::verify(&schnorr::Signature::from_byte_array(*signature), message, &public_key).is_ok()
}

/// Whether a DER signature's S is at most half the curve's order (BIP 146 "LOW_S").
pub(crate) fn has_low_s(der: &[u8]) -> bool {
    let Ok(signature) = ecdsa::Signature::from_der_lax(der) else { return false };
    let mut normalized = signature;
    normalized.normalize_s();
    normalized == signature
}

/// Whether `internal_key + tweak * G` is `output_key` and its Y coordinate is odd as told (BIP 341 "Script validation
/// rules").
pub(crate) fn check_tweak(
    internal_key: &[u8; 32],
    tweak: [u8; 32],
    output_key: &[u8; 32],
    is_odd: bool,
) -> bool {
    let Ok(internal_key) = XOnlyPublicKey::from_byte_array(*internal_key) else { return false };
    let Ok(output_key) = XOnlyPublicKey::from_byte_array(*output_key) else { return false };
    let Ok(tweak) = Scalar::from_be_bytes(tweak) else { return false };
    let parity = if is_odd { secp256k1::Parity::Odd } else { secp256k1::Parity::Even };
    internal_key.tweak_add_check(&output_key, parity, tweak)
}
