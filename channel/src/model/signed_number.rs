//! Signed numbers: how a party says that it gave up everything below a number, and how that is shown to a leaf.
//!
//! With CHECKSIGFROMSTACK the number is the message, and the leaf compares it with its own. With ANYPREVOUT alone it is the
//! nLockTime of a transaction: a signature under NONE|ANYPREVOUTANYSCRIPT commits to nVersion, nLockTime and nSequence of its
//! input, the annex and the position of OP_CODESEPARATOR, to nothing else. OP_CHECKLOCKTIMEVERIFY compares nLockTime with the
//! number of the leaf (Daric, eprint 2022/1295, and A. Towns, "two-party eltoo with punishment", 2022, use the same comparison).
//!
//! What such a signature of the publisher's number key opens, as the tests of this module show:
//!
//! - every leaf with this key, at any input index, in any transaction with the signed nVersion, nLockTime and nSequence, with
//!   any other inputs and outputs. The publisher can make such a signature at any time, and anyone can copy it from a contest.
//!   A leaf that asks for nothing else gives everything to the publisher; the leaf of 41 bytes that E9 of the design page
//!   proposes for towers is of this kind. Each leaf with the key therefore asks for signatures of the victim.
//! - no annex, no other nSequence (so no relative lock time), no other nVersion. nLockTime cannot hold a height.
//! - The tower's transaction cannot be fixed by a signature inside of the leaf, since that would fix nLockTime, and with it the
//!   number that is shown. The victim signs it for each number instead, under ALL|ANYPREVOUTANYSCRIPT, and the tower stores
//!   that signature. Neither this signature nor the number commits to other inputs: whoever reads both in a mempool could add
//!   inputs, to pin the transaction. So the leaf also asks for the tower's key, under SIGHASH_DEFAULT.
//! - Two contested outputs with the same keys: whoever has the tower's secret can spend both in one transaction that pays one
//!   capacity, and the other one becomes fee. The victim's key differs from funding to funding, so there are no two such outputs.
//! - 500,000,000 plus the number is a time and must lie in the past, or no block can contain the contest.

use bitcoin::OutPoint;
use secp256k1::Keypair;

use super::Profile;
use crate::error::ChannelError;
use crate::keys::{sign_schnorr, verify_schnorr};
use crate::leaves::{self, MAX_NUMBER, NUMBER_BASE};
use crate::sign::{self, NONE_ANYPREVOUTANYSCRIPT, with_hash_type};
use crate::tx::{SEQUENCE_FREE, input, transaction};

/// The first number that cannot be used as nLockTime: 1,700,000,000 is a time in November 2023.
const NUMBERS_BY_LOCK_TIME: u32 = 1_200_000_000;

impl Profile {
    /// The first number that cannot be used. The highest number of a script could never be revoked.
    pub(super) const fn numbers(self) -> u32 {
        match self {
            Profile::AnyPrevOutAlone => NUMBERS_BY_LOCK_TIME,
            _ => MAX_NUMBER,
        }
    }

    /// nLockTime of a transaction that shows a number.
    pub(super) const fn lock_time(self, number: u32) -> u32 {
        match self {
            Profile::AnyPrevOutAlone => NUMBER_BASE.saturating_add(number),
            _ => 0,
        }
    }

    /// A number, signed by the key that gives up everything below.
    pub(super) fn sign_number(self, key: &Keypair, number: u32) -> Result<[u8; 64], ChannelError> {
        Ok(sign_schnorr(key, &self.number_message(number)?))
    }

    /// Checks a signed number.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the signature is not the key's signature of the number.
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

    /// What the key of numbers signs.
    fn number_message(self, number: u32) -> Result<Vec<u8>, ChannelError> {
        if self != Profile::AnyPrevOutAlone {
            return Ok(leaves::number_bytes(number));
        }
        let inputs = vec![input(OutPoint::null(), SEQUENCE_FREE)];
        let tx = transaction(3, self.lock_time(number), inputs, vec![]);
        Ok(sign::rebindable(&tx, NONE_ANYPREVOUTANYSCRIPT)?.to_vec())
    }

    /// The elements of a witness that show a signed number, bottom first.
    pub(super) fn show_number(self, number: u32, signature: &[u8; 64]) -> Vec<Vec<u8>> {
        match self {
            Profile::AnyPrevOutAlone => vec![with_hash_type(*signature, NONE_ANYPREVOUTANYSCRIPT)],
            _ => vec![signature.to_vec(), leaves::number_bytes(number)],
        }
    }
}

#[cfg(test)]
mod tests;
