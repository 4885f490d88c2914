//! [`Host`]: the interface through which a running script accesses its transaction and verifies signatures.

use crate::sighash::EcdsaMidstates;
use crate::sighash::taproot::TaprootMessage;
use crate::view::TxView;

/// The environment of a running script: its transaction, the computation of signature hashes, and the verification of
/// signatures.
///
/// Scripts access the transaction through this trait only, so tests can run scripts without a transaction, for example
/// with [`crate::MockHost`]. No method has a default implementation, because the result of each affects validity.
pub trait Host {
    /// Returns the legacy signature hash of the input that is verified. `midstates` is a cache for one script code and
    /// must not be used with another.
    fn legacy_digest(
        &mut self,
        script_code: &[u8],
        hash_type: u8,
        midstates: &mut EcdsaMidstates,
    ) -> [u8; 32];

    /// Returns the BIP 143 signature hash of the input that is verified. Returns `None` if the spent amount is
    /// negative: no signature is valid then (Core `CheckECDSASignature`). `midstates` is a cache for one script code
    /// and must not be used with another.
    fn segwit_v0_digest(
        &mut self,
        script_code: &[u8],
        hash_type: u8,
        midstates: &mut EcdsaMidstates,
    ) -> Option<[u8; 32]>;

    /// Returns the signature hash of BIP 341, BIP 342 or BIP 118 of the input that is verified. Returns `None` if the hash
    /// type is not defined, or if it is `SIGHASH_SINGLE` and the transaction has no output with the input's index.
    fn taproot_digest(&mut self, message: &TaprootMessage, hash_type: u8) -> Option<[u8; 32]>;

    /// Returns whether a DER-encoded ECDSA signature, without its hash type, is valid for the public key and the digest.
    /// Signatures are parsed as laxly as in Core. Returns false for a key that is not on the curve.
    fn verify_ecdsa(&mut self, signature: &[u8], public_key: &[u8], digest: &[u8; 32]) -> bool;

    /// Returns whether a Schnorr signature is valid for the x-only public key and the message (BIP 340). Returns false for a
    /// key that is not on the curve.
    fn verify_schnorr(&mut self, signature: &[u8; 64], public_key: &[u8; 32], message: &[u8]) -> bool;

    /// Returns the transaction, the outputs that it spends and the index of the input that is verified. Opcodes that
    /// inspect or hash the transaction use this view.
    fn view(&self) -> TxView<'_>;

    /// Returns whether nLockTime prevents the transaction from confirming before `lock_time` (BIP 65).
    fn check_lock_time(&mut self, lock_time: i64) -> bool;

    /// Returns whether the input's nSequence prevents the transaction from confirming before the relative lock `sequence`
    /// has passed since the confirmation of the prevout (BIP 112).
    fn check_sequence(&mut self, sequence: i64) -> bool;
}
