//! Claims: facts about a verified input that a rule over the whole transaction needs, and the check of these rules.
//!
//! A rule that spans several inputs cannot be decided while one input is verified. Verification of an input records a claim
//! for each such rule. [`crate::Spend::conclude`] then checks the rules against the claims of every input, in any order.

use core::fmt;

use bitcoin::Transaction;

use crate::error::UsageError;
use crate::flags::Flags;
use crate::limits::{FORBIDDEN_TX_SIZE, MAX_TX_LEGACY_SIGOPS};
use crate::proposals::bip54;

/// The result of a verified input: the input is valid, provided that the transaction satisfies the rules over the claims of
/// every input.
///
/// This is not a verdict on the transaction. [`crate::Spend::conclude`] takes one `InputVerified` for each input and returns
/// that verdict.
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

    /// Returns the index of the input.
    pub fn input(&self) -> usize {
        self.input
    }

    /// Returns the flags under which the input was verified.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// The claims of the input, in the order in which verification recorded them.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }
}

/// A fact about one input that a rule over the whole transaction needs. There is one variant for each rule that spans
/// inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// BIP 54 "Specification": number of signature operations in the input's scriptSig, the spent scriptPubKey and the P2SH
    /// redeem script. Operations that are not executed count too.
    LegacySigops(u64),
}

/// A rule over the whole transaction that is broken although each input is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionRule {
    /// BIP 54 "Specification": the serialization of the transaction without witnesses has exactly 64 bytes.
    Size64,
    /// BIP 54 "Specification": the inputs have more than 2,500 signature operations outside the witness in total.
    LegacySigops {
        /// Number of signature operations.
        sigops: u64,
    },
}

impl TransactionRule {
    /// Reject reasons of all rules.
    pub const NAMES: &[&str] =
        &[TransactionRule::Size64.name(), TransactionRule::LegacySigops { sigops: 0 }.name()];

    /// Returns the reject reason, spelled as in the implementation of the rule for Bitcoin Core.
    pub const fn name(self) -> &'static str {
        match self {
            TransactionRule::Size64 => "bad-txns-size",
            TransactionRule::LegacySigops { .. } => "bad-txns-legacy-sigops",
        }
    }
}

impl fmt::Display for TransactionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransactionRule::Size64 => {
                write!(f, "the transaction has exactly {FORBIDDEN_TX_SIZE} bytes without its witness")
            }
            TransactionRule::LegacySigops { sigops } => write!(
                f,
                "the inputs have {sigops} signature operations outside the witness, and {MAX_TX_LEGACY_SIGOPS} are allowed"
            ),
        }
    }
}

impl core::error::Error for TransactionRule {}

/// Checks the rules over a whole transaction, given the claims of every input in any order.
pub(crate) fn check(tx: &Transaction, claims: &[Claim], flags: Flags) -> Result<(), TransactionRule> {
    bip54::check(tx, claims, flags)
}

/// Checks that there is exactly one verified input for each of the `count` inputs of a transaction, all verified under
/// `flags`.
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
