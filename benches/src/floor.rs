//! Makes only the calls to libsecp256k1 that a verification makes. Their time, which includes the parsing of keys and
//! signatures, is called the floor. No verifier that uses this library can be faster.

use std::os::raw::c_int;

use secp256k1::ffi::{self, CPtr};
use secp256k1::{Message, PublicKey, XOnlyPublicKey, ecdsa, schnorr};

pub use crate::curve::CurveCall;

/// Makes the given calls to libsecp256k1. Returns `false` if a result is not the expected one.
pub fn run(calls: &[CurveCall]) -> bool {
    calls.iter().all(run_one)
}

fn run_one(call: &CurveCall) -> bool {
    match call {
        CurveCall::Ecdsa { signature, public_key, digest, valid } => {
            let Ok(public_key) = PublicKey::from_slice(public_key) else { return false };
            let Ok(mut signature) = ecdsa::Signature::from_der_lax(signature) else { return false };
            signature.normalize_s();
            ecdsa::verify(&signature, Message::from_digest(*digest), &public_key).is_ok() == *valid
        }
        CurveCall::Schnorr { signature, public_key, message } => {
            let Ok(public_key) = XOnlyPublicKey::from_byte_array(*public_key) else { return false };
            schnorr::verify(&schnorr::Signature::from_byte_array(*signature), message, &public_key).is_ok()
        }
        CurveCall::Tweak { internal_key, tweak, output_key, is_odd } => {
            let Ok(internal_key) = XOnlyPublicKey::from_byte_array(*internal_key) else { return false };
            check_tweak(&internal_key, tweak, output_key, *is_odd)
        }
    }
}

/// Checks a taproot tweak with the output key as bytes. The safe wrapper takes a parsed output key, and parsing it
/// would cost a square root.
#[allow(unsafe_code, reason = "the floor is what the C library itself costs")]
fn check_tweak(internal_key: &XOnlyPublicKey, tweak: &[u8; 32], output_key: &[u8; 32], is_odd: bool) -> bool {
    // SAFETY: the context is only read, and all pointers are to live arrays and keys of the sizes that the function takes.
    let answer = unsafe {
        ffi::secp256k1_xonly_pubkey_tweak_add_check(
            ffi::secp256k1_context_static,
            output_key.as_ptr(),
            c_int::from(is_odd),
            internal_key.as_c_ptr(),
            tweak.as_ptr(),
        )
    };
    answer == 1
}
