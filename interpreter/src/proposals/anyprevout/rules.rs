//! The public keys of BIP 118. Numbers like R19 are those of the rules in BIP-DRAFT.md. `ops/signature.rs` checks signatures for them.

/// Returns the key of 32 bytes that a public key of BIP 118 stands for; `None` for other public keys.
pub(crate) fn key<'k>(public_key: &'k [u8], internal_key: &'k [u8; 32]) -> Option<&'k [u8; 32]> {
    match public_key {
        // BIP 118 "Public key": the single byte stands for the internal key (R19).
        [0x01] => Some(internal_key),
        // The rest is the key (R20).
        [0x01, key @ ..] => key.try_into().ok(),
        _ => None,
    }
}
