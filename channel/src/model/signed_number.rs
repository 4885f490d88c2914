//! Signed state numbers. By signing a number, a party revokes all of its states with lower numbers. A witness proves
//! the signature to a leaf script.
//!
//! With OP_CHECKSIGFROMSTACK the signed message is the number itself, and the leaf script compares it with its own
//! state number. With ANYPREVOUT alone the number is the nLockTime of a transaction. A signature under
//! NONE|ANYPREVOUTANYSCRIPT commits only to nVersion, nLockTime, nSequence of its input, the annex, and the position of
//! OP_CODESEPARATOR. OP_CHECKLOCKTIMEVERIFY compares nLockTime with the state number in the leaf script. Daric (eprint
//! 2022/1295) and A. Towns ("two-party eltoo with punishment", 2022) use the same comparison.
//!
//! Such an ANYPREVOUT signature is made with the publisher's number key. It has these properties, which the tests of
//! this module show:
//!
//! - The signature is valid for every leaf with this key, at any input index. It is valid in any transaction with the
//!   signed nVersion, nLockTime and nSequence, whatever the other inputs and outputs are. The publisher can make such a
//!   signature at any time, and anyone can copy it from a contest. A leaf that requires only this signature would give
//!   everything to the publisher. A leaf of 41 bytes that was once proposed for towers is of this kind. Therefore each
//!   leaf with this key also requires signatures of the victim.
//! - The signature is not valid with an annex, with another nSequence (so no relative lock time is possible) or with
//!   another nVersion. nLockTime is used for the state number and cannot be a height.
//! - The tower's transaction cannot be fixed by a signature inside the leaf, since that signature would also fix
//!   nLockTime and thereby the state number. Instead the victim signs the transaction for each state number under
//!   ALL|ANYPREVOUTANYSCRIPT, and the tower stores this signature. Neither of the two signatures commits to other
//!   inputs, so anyone who reads them in a mempool could add inputs to pin the transaction. Therefore the leaf also
//!   requires a signature of the tower's key under SIGHASH_DEFAULT.
//! - If two contested outputs had the same keys, anyone with the tower's secret could spend both in one transaction
//!   that pays only one capacity. The other capacity would become fee. The victim's key is different for each funding
//!   output, so two contested outputs never have the same keys.
//! - As nLockTime, 500,000,000 plus the state number is a time. It must be in the past, or no block can contain the
//!   contest.

use bitcoin::OutPoint;
use secp256k1::Keypair;

use super::Profile;
use crate::error::ChannelError;
use crate::keys::{sign_schnorr, verify_schnorr};
use crate::leaves::{self, MAX_NUMBER, NUMBER_BASE};
use crate::sign::{self, NONE_ANYPREVOUTANYSCRIPT, with_hash_type};
use crate::tx::{SEQUENCE_FREE, input, transaction};

/// Limit for state numbers that are encoded in nLockTime as 500,000,000 plus the number. At the limit, nLockTime would
/// be the time 1,700,000,000 (November 2023), so the nLockTime of every lower number is in the past.
const NUMBERS_BY_LOCK_TIME: u32 = 1_200_000_000;

impl Profile {
    /// Returns the limit below which all state numbers must be. A script could still represent the limit itself, but a
    /// state with that number could never be revoked, because revocation needs a signature of a higher number.
    pub(super) const fn numbers(self) -> u32 {
        match self {
            Profile::AnyPrevOutAlone => NUMBERS_BY_LOCK_TIME,
            _ => MAX_NUMBER,
        }
    }

    /// Returns the nLockTime of a transaction whose witness proves a signed state number. It is 0 if the profile does
    /// not encode state numbers in nLockTime.
    pub(super) const fn lock_time(self, number: u32) -> u32 {
        match self {
            Profile::AnyPrevOutAlone => NUMBER_BASE.saturating_add(number),
            _ => 0,
        }
    }

    /// Signs a state number with a party's number key. The signature revokes the party's states with lower numbers.
    pub(super) fn sign_number(self, key: &Keypair, number: u32) -> Result<[u8; 64], ChannelError> {
        Ok(sign_schnorr(key, &self.number_message(number)?))
    }

    /// Verifies a party's signature of a state number. `key` is the party's number key.
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

    /// Returns the message that a party signs with its number key to sign a state number.
    fn number_message(self, number: u32) -> Result<Vec<u8>, ChannelError> {
        if self != Profile::AnyPrevOutAlone {
            return Ok(leaves::number_bytes(number));
        }
        let inputs = vec![input(OutPoint::null(), SEQUENCE_FREE)];
        let tx = transaction(3, self.lock_time(number), inputs, vec![]);
        Ok(sign::rebindable(&tx, NONE_ANYPREVOUTANYSCRIPT)?.to_vec())
    }

    /// Returns the witness elements that prove a signed state number to a leaf script, bottom of the stack first.
    pub(super) fn show_number(self, number: u32, signature: &[u8; 64]) -> Vec<Vec<u8>> {
        match self {
            Profile::AnyPrevOutAlone => vec![with_hash_type(*signature, NONE_ANYPREVOUTANYSCRIPT)],
            _ => vec![signature.to_vec(), leaves::number_bytes(number)],
        }
    }
}

#[cfg(test)]
mod tests;
