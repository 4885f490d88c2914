//! The limit of BIP 54 on the signature operations outside the witness. The functions in `sigops.rs` count them.

use crate::claim::{Claim, TransactionRule};
use crate::flags::{Flags, flags};
use crate::limits::MAX_TX_LEGACY_SIGOPS;
use crate::proposals::{BIPS_REVISION, Hook, Proposal, ProposalId};

flags! {
    28 LEGACY_SIGOPS_LIMIT Proposal "At most 2,500 signature operations outside the witness in the inputs of a transaction (BIP 54).";
}

/// The entry of the BIP 54 limit on signature operations in [`PROPOSALS`](crate::PROPOSALS).
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

/// Fails if the inputs of a transaction have more than 2,500 signature operations in total (BIP 54 "Specification").
/// `claims` contains the number of signature operations of each input.
pub(super) fn check(claims: &[Claim]) -> Result<(), TransactionRule> {
    let sigops = claims.iter().fold(0u64, |sum, claim| match claim {
        Claim::LegacySigops(sigops) => sum.saturating_add(*sigops),
    });
    // The flag need not be checked here: without it, the verification of inputs counts no signature operations.
    if sigops > MAX_TX_LEGACY_SIGOPS {
        return Err(TransactionRule::LegacySigops { sigops });
    }
    Ok(())
}
