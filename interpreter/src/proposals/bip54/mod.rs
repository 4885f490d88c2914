//! The two rules of the Consensus Cleanup (BIP 54) that concern single transactions: a limit on signature operations,
//! and the ban of transactions of 64 bytes.

mod legacy_sigops;
mod size;

use bitcoin::Transaction;

use crate::claim::{Claim, TransactionRule};
use crate::flags::Flags;

pub(crate) use legacy_sigops::LEGACY_SIGOPS_LIMIT;
pub(crate) use size::FORBID_64_BYTE_TX;

/// Checks the two rules of BIP 54 about single transactions, if their flags are set. `claims` are the facts that were
/// recorded while the inputs were verified.
pub(crate) fn check(tx: &Transaction, claims: &[Claim], flags: Flags) -> Result<(), TransactionRule> {
    size::check(tx, flags)?;
    legacy_sigops::check(claims)
}
