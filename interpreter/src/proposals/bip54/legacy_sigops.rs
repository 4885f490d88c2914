//! The limit on signature operations outside the witness. `sigops.rs` counts them.

use crate::claim::{Claim, TransactionRule};
use crate::flags::{Flags, flags};
use crate::limits::MAX_TX_LEGACY_SIGOPS;
use crate::proposals::{BIPS_REVISION, Hook, Proposal, ProposalId};

flags! {
    28 LEGACY_SIGOPS_LIMIT Proposal "At most 2,500 signature operations outside the witness in the inputs of a transaction (BIP 54).";
}

/// The row of the limit.
pub(crate) const LEGACY_SIGOPS_LIMIT: Proposal = Proposal {
    id: ProposalId::LEGACY_SIGOPS_LIMIT,
    name: "LEGACY_SIGOPS_LIMIT",
    short_name: None,
    bip: 54,
    revision: BIPS_REVISION,
    hook: Hook::Transaction,
    flag: Flags::LEGACY_SIGOPS_LIMIT,
    discourage: Flags::NONE,
    discouraged_error: None,
    flags: FLAG_ROWS,
    opcodes: &[],
    errors: &[],
    failures: &[],
    cost: 0,
    vectors: None,
    sample: None,
};

/// Checks the signature operations that the inputs of a transaction claim (BIP 54 "Specification").
pub(super) fn check(claims: &[Claim]) -> Result<(), TransactionRule> {
    let sigops = claims.iter().fold(0u64, |sum, claim| match claim {
        Claim::LegacySigops(sigops) => sum.saturating_add(*sigops),
    });
    // No check of the flag is needed here: without it, no input has such a claim.
    if sigops > MAX_TX_LEGACY_SIGOPS {
        return Err(TransactionRule::LegacySigops { sigops });
    }
    Ok(())
}
