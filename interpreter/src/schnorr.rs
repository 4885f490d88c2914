//! Encoding of Schnorr signatures of transactions (BIP 341 "Taproot key path spending signature validation").

use crate::script_error::ScriptError;

/// Splits a signature into its first 64 bytes and the hash type. Without a byte for the hash type, the hash type is 0
/// (`SIGHASH_DEFAULT`).
///
/// # Errors
///
/// [`ScriptError::SchnorrSigSize`] unless the signature has 64 or 65 bytes. [`ScriptError::SchnorrSigHashtype`] if the byte
/// for the hash type is present and 0: this would be a second encoding of the same signature.
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
