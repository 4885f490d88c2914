//! Encoding of Schnorr signatures of transactions (BIP 341 "Taproot key path spending signature validation").

use crate::script_error::ScriptError;

/// Splits a signature into its first 64 bytes and the hash type. A signature of 64 bytes has hash type 0
/// (`SIGHASH_DEFAULT`).
///
/// # Errors
///
/// - [`ScriptError::SchnorrSigSize`] if the signature has neither 64 nor 65 bytes.
/// - [`ScriptError::SchnorrSigHashtype`] if it has 65 bytes and the last byte is 0, since this would be a second
///   encoding of the same signature.
pub(crate) fn split_signature(signature: &[u8]) -> Result<(&[u8; 64], u8), ScriptError> {
    let Some((fixed, rest)) = signature.split_first_chunk::<64>() else {
        return Err(ScriptError::SchnorrSigSize);
    };
    match rest {
        [] => Ok((fixed, 0)),
        [0] => Err(ScriptError::SchnorrSigHashtype),
        [hash_type] => Ok((fixed, *hash_type)),
        _ => Err(ScriptError::SchnorrSigSize),
    }
}
