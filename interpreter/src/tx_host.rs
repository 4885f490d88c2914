//! [`TxHost`]: the [`Host`] that verification uses, which computes signature hashes from the transaction and verifies
//! signatures.

use crate::claim::Claim;
use crate::curve;
use crate::host::Host;
use crate::limits::LOCKTIME_THRESHOLD;
use crate::sighash::taproot::TaprootMessage;
use crate::sighash::{self, EcdsaMidstates};
use crate::view::TxView;

/// [`Host`] for one input of a real transaction.
pub(crate) struct TxHost<'a> {
    pub(crate) view: TxView<'a>,
    /// Facts recorded while the input is verified, for the rules over the whole transaction.
    pub(crate) claims: Vec<Claim>,
}

/// nSequence that disables nLockTime for its input (BIP 65).
const SEQUENCE_FINAL: u32 = u32::MAX;
/// Bit of nSequence that disables its relative lock (BIP 68 "Specification").
const SEQUENCE_LOCKTIME_DISABLE_FLAG: u32 = 1 << 31;
/// Bit of a relative lock that selects its unit: 512 seconds if set, blocks otherwise (BIP 68).
const SEQUENCE_LOCKTIME_TYPE_FLAG: i64 = 1 << 22;
/// Bits of nSequence that contain the length of the relative lock (BIP 68).
const SEQUENCE_LOCKTIME_MASK: i64 = 0xffff;

impl TxHost<'_> {
    fn sequence(&self) -> u32 {
        self.view.tx.input.get(self.view.input).map_or(SEQUENCE_FINAL, |input| input.sequence.0)
    }
}

impl Host for TxHost<'_> {
    fn legacy_digest(
        &mut self,
        script_code: &[u8],
        hash_type: u8,
        midstates: &mut EcdsaMidstates,
    ) -> [u8; 32] {
        sighash::legacy::digest_with(&self.view, script_code, hash_type.into(), midstates)
    }

    fn segwit_v0_digest(
        &mut self,
        script_code: &[u8],
        hash_type: u8,
        midstates: &mut EcdsaMidstates,
    ) -> Option<[u8; 32]> {
        let prevout = self.view.prevouts.get(self.view.input)?;
        // Core treats amounts as signed, and a negative amount as missing.
        if prevout.value.to_sat().cast_signed() < 0 {
            return None;
        }
        Some(sighash::segwit_v0::digest_with(&self.view, script_code, hash_type.into(), midstates))
    }

    fn taproot_digest(&mut self, message: &TaprootMessage, hash_type: u8) -> Option<[u8; 32]> {
        sighash::taproot::digest(&self.view, message, hash_type)
    }

    fn verify_ecdsa(&mut self, signature: &[u8], public_key: &[u8], digest: &[u8; 32]) -> bool {
        curve::verify_ecdsa(signature, public_key, digest)
    }

    fn verify_schnorr(&mut self, signature: &[u8; 64], public_key: &[u8; 32], message: &[u8]) -> bool {
        curve::verify_schnorr(signature, public_key, message)
    }

    fn view(&self) -> TxView<'_> {
        self.view
    }

    /// Returns true if all conditions of BIP 65 "Detailed Specification" are met:
    ///
    /// - the argument and nLockTime are both heights or both times;
    /// - the argument is at most nLockTime;
    /// - the input's nSequence is not 0xffffffff, which would disable nLockTime.
    fn check_lock_time(&mut self, lock_time: i64) -> bool {
        let tx_lock_time = i64::from(self.view.tx.lock_time.to_consensus_u32());
        let threshold = i64::from(LOCKTIME_THRESHOLD);
        (tx_lock_time < threshold) == (lock_time < threshold)
            && lock_time <= tx_lock_time
            && self.sequence() != SEQUENCE_FINAL
    }

    /// Returns true if all conditions of BIP 112 "Summary" are met:
    ///
    /// - the transaction's version is at least 2;
    /// - the input's nSequence contains a relative lock;
    /// - the argument and nSequence are both numbers of blocks or both times;
    /// - the lock in the argument is at most as long as the lock in nSequence.
    fn check_sequence(&mut self, sequence: i64) -> bool {
        let tx_sequence = self.sequence();
        // Core compares the version as an unsigned integer.
        let version = self.view.tx.version.0.cast_unsigned();
        if version < 2 || tx_sequence & SEQUENCE_LOCKTIME_DISABLE_FLAG != 0 {
            return false;
        }
        let mask = SEQUENCE_LOCKTIME_TYPE_FLAG | SEQUENCE_LOCKTIME_MASK;
        let (tx_sequence, sequence) = (i64::from(tx_sequence) & mask, sequence & mask);
        (tx_sequence < SEQUENCE_LOCKTIME_TYPE_FLAG) == (sequence < SEQUENCE_LOCKTIME_TYPE_FLAG)
            && sequence <= tx_sequence
    }
}
