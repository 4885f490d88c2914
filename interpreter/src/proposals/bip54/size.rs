//! The rule of BIP 54 that a transaction must not have exactly 64 bytes without its witness.

use bitcoin::Transaction;

use crate::claim::TransactionRule;
use crate::flags::{Flags, flags};
use crate::limits::FORBIDDEN_TX_SIZE;
use crate::proposals::{BIPS_REVISION, Hook, Proposal, ProposalId};

flags! {
    29 FORBID_64_BYTE_TX Proposal "Fail on transactions of exactly 64 bytes without witness (BIP 54).";
}

/// The entry of the BIP 54 rule against transactions of 64 bytes in [`PROPOSALS`](crate::PROPOSALS).
pub(crate) const FORBID_64_BYTE_TX: Proposal = Proposal {
    id: ProposalId::FORBID_64_BYTE_TX,
    name: "FORBID_64_BYTE_TX",
    short_name: None,
    bip: 54,
    revision: BIPS_REVISION,
    hook: Hook::Transaction,
    flag: Flags::FORBID_64_BYTE_TX,
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

/// Fails if the flag `FORBID_64_BYTE_TX` is set and the transaction has exactly 64 bytes without its witness (BIP 54
/// "Specification").
pub(super) fn check(tx: &Transaction, flags: Flags) -> Result<(), TransactionRule> {
    if flags.contains(Flags::FORBID_64_BYTE_TX) && tx.base_size() == FORBIDDEN_TX_SIZE {
        return Err(TransactionRule::Size64);
    }
    Ok(())
}
