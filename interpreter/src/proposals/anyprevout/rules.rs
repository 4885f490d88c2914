//! The public keys of BIP 118. Numbers such as R19 refer to the rules in BIP-DRAFT.md. `ops/signature.rs` verifies the
//! signatures.

/// Returns the 32-byte key that a public key of BIP 118 denotes; `None` for other public keys.
pub(crate) fn key<'k>(public_key: &'k [u8], internal_key: &'k [u8; 32]) -> Option<&'k [u8; 32]> {
    match public_key {
        // BIP 118 "Public key": the single byte 0x01 denotes the internal key (R19).
        [0x01] => Some(internal_key),
        // The 32 bytes after 0x01 are the key (R20).
        [0x01, key @ ..] => key.try_into().ok(),
        _ => None,
    }
}
