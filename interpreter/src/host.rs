//! What a script may ask of the transaction that it is part of.

use crate::sighash::EcdsaMidstates;

/// What a taproot signature commits to beside the transaction (BIP 341 "Common signature message", BIP 342 "Common
/// signature message extension").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaprootMessage {
    /// SHA-256 of the annex with its compact size, if the witness has one.
    pub annex_hash: Option<[u8; 32]>,
    /// The extension of tapscript; none on the key path.
    pub tapscript: Option<TapscriptMessage>,
}

/// The version of a public key in tapscript, which signatures commit to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyVersion {
    /// Keys of 32 bytes (BIP 342).
    Bip342 = 0,
    /// Keys that begin with 0x01 (BIP 118).
    Bip118 = 1,
}

/// The extension of the signature message in tapscript (BIP 342, BIP 118).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapscriptMessage {
    /// The version of the key that signs.
    pub key_version: KeyVersion,
    /// The tapleaf hash of the leaf that is spent.
    pub leaf_hash: [u8; 32],
    /// The opcode position of the last executed `OP_CODESEPARATOR`, `0xffff_ffff` if none was.
    pub code_separator_position: u32,
}

/// The transaction as a script sees it, and the checks of signatures.
///
/// A script never sees the transaction itself, so it can be run against hosts that answer as a test wants. No method
/// has a default, since all of them decide about validity.
pub trait Host {
    /// The legacy signature hash of the input that is verified. The midstates belong to this script code alone.
    fn legacy_digest(
        &mut self,
        script_code: &[u8],
        hash_type: u8,
        midstates: &mut EcdsaMidstates,
    ) -> [u8; 32];

    /// The signature hash of BIP 143 of the input that is verified; `None` if the amount that it spends is negative, which no
    /// signature fits (Core `CheckECDSASignature`). The midstates belong to this script code alone.
    fn segwit_v0_digest(
        &mut self,
        script_code: &[u8],
        hash_type: u8,
        midstates: &mut EcdsaMidstates,
    ) -> Option<[u8; 32]>;

    /// The signature hash of BIP 341, BIP 342 or BIP 118 of the input that is verified; none if the hash type is not
    /// defined, or is `SIGHASH_SINGLE` and there is no output of the input's index.
    fn taproot_digest(&mut self, message: &TaprootMessage, hash_type: u8) -> Option<[u8; 32]>;

    /// Whether a DER signature (without hash type) is the public key's signature of the digest, by ECDSA and with the
    /// laxness of Core's parser. Keys that are not on the curve have no signatures.
    fn verify_ecdsa(&mut self, signature: &[u8], public_key: &[u8], digest: &[u8; 32]) -> bool;

    /// Whether a signature is the x-only public key's signature of the message (BIP 340). Keys that are not on the
    /// curve have no signatures.
    fn verify_schnorr(&mut self, signature: &[u8; 64], public_key: &[u8; 32], message: &[u8]) -> bool;

    /// The hash that BIP 119 calls the default template hash, of the input that is verified.
    fn check_template_hash(&mut self) -> [u8; 32];

    /// The template hash of BIP 446, of the input that is verified.
    fn template_hash(&mut self, annex_hash: Option<&[u8; 32]>) -> [u8; 32];

    /// Whether the transaction cannot confirm before `lock_time` (BIP 65).
    fn check_lock_time(&mut self, lock_time: i64) -> bool;

    /// Whether the input cannot confirm before `sequence` has passed since its prevout did (BIP 112).
    fn check_sequence(&mut self, sequence: i64) -> bool;
}
