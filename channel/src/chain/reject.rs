//! The reasons for which the mempool or a block refuses a transaction.

use core::fmt;

use bitcoin::OutPoint;
use sigstack_interpreter::{TransactionError, TxError};
use sigstack_policy::PolicyError;

/// The reason for which the mempool or a block refuses a transaction. An error message is Core's reject reason, if
/// Core has one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reject {
    /// The transaction violates a consensus rule that does not depend on the outputs that it spends.
    Transaction(TxError),
    /// An input spends an output that does not exist or is already spent.
    MissingInput(OutPoint),
    /// The outputs are worth more than the inputs.
    CreatesMoney,
    /// The transaction's nLockTime is not reached yet. A lock time in seconds is compared with the median time (BIP
    /// 113).
    NotFinal,
    /// The relative lock of an input has not expired yet (BIP 68).
    SequenceLocked {
        /// Index of the input whose relative lock has not expired.
        input: usize,
    },
    /// The interpreter rejects an input, or the whole transaction.
    Script(TransactionError),
    /// The block would exceed the maximum weight.
    BlockFull {
        /// Total weight that the block's transactions would have, in weight units.
        weight: u64,
    },
    /// The transaction is already in the mempool or confirmed.
    Known,
    /// Policy: the transaction breaks a standardness rule for single transactions.
    NonStandard(PolicyError),
    /// Policy: a cluster of connected transactions would contain more than 64 transactions.
    ClusterTooLarge {
        /// Number of transactions that the cluster would contain.
        count: usize,
    },
    /// Policy: a cluster of connected transactions would exceed 101,000 virtual bytes.
    ClusterTooHeavy {
        /// Total size that the cluster would have, in virtual bytes.
        vsize: u64,
    },
    /// A reorganisation would disconnect more blocks than the model allows, or more than were mined.
    ReorganisationTooDeep {
        /// Number of blocks that the reorganisation would disconnect.
        depth: u32,
    },
    /// The mempool accepted the transaction, but the next block did not include it.
    NotMined,
    /// Policy: a child of an unconfirmed parent does not spend all of the parent's dust.
    UnspentEphemeralDust,
    /// Policy: the feerate is below the minimum relay feerate.
    MinRelayFee {
        /// Fee that the transaction or the package pays, in satoshi.
        fee: u64,
        /// Minimum fee that the relay policy requires for the size of the transaction or the package, in satoshi.
        needed: u64,
    },
    /// Policy: a replacement pays a lower fee than the transactions that it evicts (BIP 125 rule 3).
    ReplacementFee {
        /// Fee of the replacement, in satoshi.
        fee: u64,
        /// Total fee of all transactions that a replacement would evict, in satoshi.
        evicted: u64,
    },
    /// Policy: the additional fee of a replacement is lower than the incremental relay fee for its size (BIP 125 rule
    /// 4).
    ReplacementRelay {
        /// Additional fee of the replacement, in satoshi: its fee minus the fees of the transactions that it would
        /// evict.
        extra: u64,
        /// Minimum additional fee of a replacement, in satoshi: the size of the replacement times the incremental relay
        /// feerate.
        needed: u64,
    },
    /// Policy: a replacement conflicts with more than 100 clusters (rule 5 with cluster mempool).
    TooManyReplaced {
        /// Number of clusters that the replacement conflicts with.
        clusters: usize,
    },
    /// Policy: a replacement does not improve the feerate diagram (rule 6 with cluster mempool).
    Diagram,
    /// The transaction spends an output of a transaction that it would replace.
    SpendsConflict,
    /// Policy: a rule of version 3 transactions is broken (BIP 431). The text says which rule.
    Truc(&'static str),
    /// A rule for packages is broken, for example because the second transaction does not spend the first.
    /// The text says which rule.
    Package(&'static str),
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reject::Transaction(error) => error.fmt(f),
            Reject::MissingInput(outpoint) => write!(f, "bad-txns-inputs-missingorspent: {outpoint}"),
            Reject::CreatesMoney => f.write_str("bad-txns-in-belowout"),
            Reject::NotFinal => f.write_str("non-final"),
            Reject::SequenceLocked { input } => write!(f, "non-BIP68-final: input {input}"),
            Reject::Script(error @ TransactionError::Input { .. }) => {
                write!(f, "script-verify-flag-failed: {error}")
            }
            Reject::Script(error) => error.fmt(f),
            Reject::BlockFull { weight } => write!(f, "bad-blk-weight: {weight} WU"),
            Reject::Known => f.write_str("txn-already-known"),
            Reject::NonStandard(error) => error.fmt(f),
            Reject::ClusterTooLarge { count } => {
                write!(f, "too-large-cluster: {count} transactions, 64 at most")
            }
            Reject::ClusterTooHeavy { vsize } => {
                write!(f, "too-large-cluster: {vsize} virtual bytes, 101,000 at most")
            }
            Reject::ReorganisationTooDeep { depth } => {
                write!(f, "a reorganisation of {depth} blocks is too deep")
            }
            Reject::NotMined => f.write_str("accepted, but not in the next block"),
            Reject::UnspentEphemeralDust => f.write_str("missing-ephemeral-spends"),
            Reject::MinRelayFee { fee, needed } => {
                write!(f, "min relay fee not met: {fee} sat, {needed} needed")
            }
            Reject::ReplacementFee { fee, evicted } => {
                write!(f, "insufficient fee: {fee} sat replace {evicted}")
            }
            Reject::ReplacementRelay { extra, needed } => {
                write!(f, "insufficient fee: {extra} sat more, {needed} needed")
            }
            Reject::TooManyReplaced { clusters } => {
                write!(f, "too many potential replacements: {clusters} clusters")
            }
            Reject::Diagram => {
                f.write_str("replacement-failed: insufficient feerate: does not improve feerate diagram")
            }
            Reject::SpendsConflict => f.write_str("bad-txns-spends-conflicting-tx"),
            Reject::Truc(rule) => write!(f, "TRUC-violation: {rule}"),
            Reject::Package(problem) => write!(f, "package: {problem}"),
        }
    }
}

impl core::error::Error for Reject {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Reject::Transaction(error) => Some(error),
            Reject::Script(error) => Some(error),
            Reject::NonStandard(error) => Some(error),
            _ => None,
        }
    }
}

impl From<PolicyError> for Reject {
    fn from(error: PolicyError) -> Reject {
        Reject::NonStandard(error)
    }
}
