//! [`InputVerified`], the result of verifying one input, and the checks that turn the results of all inputs into a
//! verdict on the transaction.

use bitcoin::Transaction;

use crate::claim::{Claim, TransactionRule};
use crate::error::UsageError;
use crate::flags::Flags;
use crate::proposals::bip54;

/// The result of verifying one input successfully: the input breaks no rule that can be checked for one input alone.
///
/// This is not a verdict on the transaction. [`crate::Spend::conclude`] takes one `InputVerified` for each input,
/// checks the rules over the whole transaction, and returns the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a valid input is not a valid transaction: give it to Spend::conclude"]
pub struct InputVerified {
    input: usize,
    flags: Flags,
    claims: Vec<Claim>,
}

impl InputVerified {
    pub(crate) fn new(input: usize, flags: Flags, claims: Vec<Claim>) -> InputVerified {
        InputVerified { input, flags, claims }
    }

    /// Returns the index of the verified input in its transaction.
    pub fn input(&self) -> usize {
        self.input
    }

    /// Returns the flags under which the input was verified.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Returns the facts about the input that rules over the whole transaction need, in the order in which they were
    /// recorded.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }
}

/// Checks the rules over a whole transaction. `claims` are the facts recorded while all of its inputs were verified, in
/// any order.
pub(crate) fn check(tx: &Transaction, claims: &[Claim], flags: Flags) -> Result<(), TransactionRule> {
    bip54::check(tx, claims, flags)
}

/// Checks that `inputs` has exactly one result for each of the `count` inputs of a transaction, and that all of these
/// inputs were verified under `flags`.
pub(crate) fn require_each(inputs: &[InputVerified], count: usize, flags: Flags) -> Result<(), UsageError> {
    let mut seen = vec![false; count];
    for verified in inputs {
        match seen.get_mut(verified.input) {
            Some(seen) if !*seen && verified.flags == flags => *seen = true,
            Some(_) if verified.flags != flags => {
                return Err(UsageError::OtherFlags { input: verified.input, flags: verified.flags });
            }
            Some(_) => return Err(UsageError::InputTwice { input: verified.input }),
            None => return Err(UsageError::InputIndex { index: verified.input, inputs: count }),
        }
    }
    match seen.iter().position(|seen| !seen) {
        Some(input) => Err(UsageError::InputNotVerified { input }),
        None => Ok(()),
    }
}
