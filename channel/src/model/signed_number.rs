//! Signed numbers: how a party revokes all states below a number, and how a witness shows this to a leaf.
//!
//! With OP_CHECKSIGFROMSTACK the number is the signed message, and the leaf compares it with its own number. With ANYPREVOUT alone
//! the number is the nLockTime of a transaction. A signature under NONE|ANYPREVOUTANYSCRIPT commits only to nVersion, nLockTime,
//! nSequence of its input, the annex, and the position of OP_CODESEPARATOR. OP_CHECKLOCKTIMEVERIFY compares nLockTime with the
//! number of the leaf (Daric, eprint 2022/1295, and A. Towns, "two-party eltoo with punishment", 2022, use the same comparison).
//!
//! Properties of such a signature by the publisher's number key, as the tests of this module show:
//!
//! - The signature is valid for every leaf with this key, at any input index, in any transaction with the signed nVersion,
//!   nLockTime and nSequence, whatever its other inputs and outputs are. The publisher can make such a signature at any time, and
//!   anyone can copy it from a contest. A leaf that requires nothing else would give everything to the publisher; the 41-byte leaf
//!   that E9 of the design page proposes for towers is of this kind. Therefore each leaf with this key also requires signatures of
//!   the victim.
//! - The signature is not valid with an annex, another nSequence (so no relative lock time is possible) or another nVersion.
//!   nLockTime is used for the number and cannot be a height.
//! - The tower's transaction cannot be fixed by a signature inside the leaf, since that signature would also fix nLockTime and
//!   thereby the number. Instead the victim signs the transaction for each number under ALL|ANYPREVOUTANYSCRIPT, and the tower
//!   stores this signature. Neither of the two signatures commits to other inputs, so anyone who reads them in a mempool could add
//!   inputs to pin the transaction. So the leaf also requires a signature of the tower's key under SIGHASH_DEFAULT.
//! - If two contested outputs had the same keys, anyone with the tower's secret could spend both in one transaction that pays only
//!   one capacity; the other capacity would become fee. The victim's key is different for each funding output, so there are no two
//!   such outputs.
//! - 500,000,000 plus the number is a time. It must be in the past, or no block can contain the contest.

use bitcoin::OutPoint;
use secp256k1::Keypair;

use super::Profile;
use crate::error::ChannelError;
use crate::keys::{sign_schnorr, verify_schnorr};
use crate::leaves::{self, MAX_NUMBER, NUMBER_BASE};
use crate::sign::{self, NONE_ANYPREVOUTANYSCRIPT, with_hash_type};
use crate::tx::{SEQUENCE_FREE, input, transaction};

/// The first number that cannot be encoded in nLockTime. It stands for the time 1,700,000,000, in November 2023.
const NUMBERS_BY_LOCK_TIME: u32 = 1_200_000_000;

impl Profile {
    /// Returns the first number that cannot be used. The highest number of a script could never be revoked.
    pub(super) const fn numbers(self) -> u32 {
        match self {
            Profile::AnyPrevOutAlone => NUMBERS_BY_LOCK_TIME,
            _ => MAX_NUMBER,
        }
    }

    /// Returns nLockTime of a transaction that shows a number.
    pub(super) const fn lock_time(self, number: u32) -> u32 {
        match self {
            Profile::AnyPrevOutAlone => NUMBER_BASE.saturating_add(number),
            _ => 0,
        }
    }

    /// Signs a number, which revokes all lower numbers.
    pub(super) fn sign_number(self, key: &Keypair, number: u32) -> Result<[u8; 64], ChannelError> {
        Ok(sign_schnorr(key, &self.number_message(number)?))
    }

    /// Verifies the signature of a number.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the signature is not valid for this key and number.
    pub(super) fn check_number(
        self,
        key: &[u8; 32],
        number: u32,
        signature: &[u8; 64],
    ) -> Result<(), ChannelError> {
        match verify_schnorr(key, &self.number_message(number)?, signature) {
            true => Ok(()),
            false => Err(ChannelError::refused("the evidence is not the peer's signature of the number")),
        }
    }

    /// Returns the message that the number key signs.
    fn number_message(self, number: u32) -> Result<Vec<u8>, ChannelError> {
        if self != Profile::AnyPrevOutAlone {
            return Ok(leaves::number_bytes(number));
        }
        let inputs = vec![input(OutPoint::null(), SEQUENCE_FREE)];
        let tx = transaction(3, self.lock_time(number), inputs, vec![]);
        Ok(sign::rebindable(&tx, NONE_ANYPREVOUTANYSCRIPT)?.to_vec())
    }

    /// Returns the witness elements that show a signed number, bottom of the stack first.
    pub(super) fn show_number(self, number: u32, signature: &[u8; 64]) -> Vec<Vec<u8>> {
        match self {
            Profile::AnyPrevOutAlone => vec![with_hash_type(*signature, NONE_ANYPREVOUTANYSCRIPT)],
            _ => vec![signature.to_vec(), leaves::number_bytes(number)],
        }
    }
}

#[cfg(test)]
mod tests;
