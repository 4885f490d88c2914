//! Rules over a whole transaction ([`TransactionRule`]), and the facts about each input that these rules need
//! ([`Claim`]).
//!
//! A rule that spans several inputs cannot be decided while one input is verified. Therefore the verification of an
//! input records a [`Claim`], for example the number of signature operations in the input. [`crate::Spend::conclude`]
//! then checks the rules against the claims of all inputs.

use core::fmt;

use crate::limits::{FORBIDDEN_TX_SIZE, MAX_TX_LEGACY_SIGOPS};

/// A fact about one input that a rule over the whole transaction needs. Each rule that spans inputs has one variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// Number of signature operations in the input's scriptSig, the spent scriptPubKey and the P2SH redeem script, as
    /// BIP 54 "Specification" counts them. Operations that are not executed count too.
    LegacySigops(u64),
}

/// Reason why a transaction is invalid although each of its inputs is valid: the rule over the whole transaction that
/// it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionRule {
    /// The serialization of the transaction without witnesses has exactly 64 bytes, which BIP 54 "Specification"
    /// forbids.
    Size64,
    /// The inputs together have more than 2,500 signature operations outside the witness, which BIP 54 "Specification"
    /// forbids.
    LegacySigops {
        /// Number of signature operations of all inputs together.
        sigops: u64,
    },
}

impl TransactionRule {
    /// Reject reasons of all rules over whole transactions, as [`TransactionRule::name`] returns them.
    pub const NAMES: &[&str] =
        &[TransactionRule::Size64.name(), TransactionRule::LegacySigops { sigops: 0 }.name()];

    /// Returns the reject reason of the broken rule, spelled as in the implementation of BIP 54 for Bitcoin Core.
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
