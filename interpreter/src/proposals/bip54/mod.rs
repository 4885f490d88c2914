//! Consensus Cleanup (BIP 54): its two rules about a transaction. `sigops.rs` counts signature operations.

use bitcoin::Transaction;

use crate::claims::{Claim, TransactionRule};
use crate::flags::Flags;
use crate::limits::{FORBIDDEN_TX_SIZE, MAX_TX_LEGACY_SIGOPS};

/// Checks the size of a transaction and the signature operations that its inputs claim (BIP 54 "Specification").
pub(crate) fn check(tx: &Transaction, claims: &[Claim], flags: Flags) -> Result<(), TransactionRule> {
    if flags.contains(Flags::FORBID_64_BYTE_TX) && tx.base_size() == FORBIDDEN_TX_SIZE {
        return Err(TransactionRule::Size64);
    }
    let sigops = claims.iter().fold(0u64, |sum, claim| match claim {
        Claim::LegacySigops(sigops) => sum.saturating_add(*sigops),
    });
    // Without the flag no input claims signature operations.
    if sigops > MAX_TX_LEGACY_SIGOPS {
        return Err(TransactionRule::LegacySigops { sigops });
    }
    Ok(())
}
