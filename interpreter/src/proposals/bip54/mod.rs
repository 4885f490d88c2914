//! Consensus Cleanup (BIP 54): the two rules about whole transactions. `sigops.rs` counts signature operations.

use bitcoin::Transaction;

use crate::claims::{Claim, TransactionRule};
use crate::flags::Flags;
use crate::limits::{FORBIDDEN_TX_SIZE, MAX_TX_LEGACY_SIGOPS};

/// Checks the size of a transaction and the total number of signature operations in the claims of its inputs (BIP 54
/// "Specification").
pub(crate) fn check(tx: &Transaction, claims: &[Claim], flags: Flags) -> Result<(), TransactionRule> {
    if flags.contains(Flags::FORBID_64_BYTE_TX) && tx.base_size() == FORBIDDEN_TX_SIZE {
        return Err(TransactionRule::Size64);
    }
    let sigops = claims.iter().fold(0u64, |sum, claim| match claim {
        Claim::LegacySigops(sigops) => sum.saturating_add(*sigops),
    });
    // No check of the flag is needed here: without it, no input has such a claim.
    if sigops > MAX_TX_LEGACY_SIGOPS {
        return Err(TransactionRule::LegacySigops { sigops });
    }
    Ok(())
}
