//! Consensus Cleanup (BIP 54): the two rules about whole transactions.

mod legacy_sigops;
mod size;

use bitcoin::Transaction;

use crate::claim::{Claim, TransactionRule};
use crate::flags::Flags;

pub(crate) use legacy_sigops::LEGACY_SIGOPS_LIMIT;
pub(crate) use size::FORBID_64_BYTE_TX;

/// Checks both rules, given the claims of every input.
pub(crate) fn check(tx: &Transaction, claims: &[Claim], flags: Flags) -> Result<(), TransactionRule> {
    size::check(tx, flags)?;
    legacy_sigops::check(claims)
}
