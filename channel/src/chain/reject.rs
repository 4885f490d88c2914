//! Why a transaction does not enter.

use core::fmt;

use bitcoin::OutPoint;
use sigstack_interpreter::{TransactionError, TxError};
use sigstack_policy::PolicyError;

/// Why a transaction does not enter the mempool or a block. The names are Core's where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reject {
    /// It is invalid on its own.
    Transaction(TxError),
    /// An input spends what is not there, or is spent already.
    MissingInput(OutPoint),
    /// It creates money.
    CreatesMoney,
    /// nLockTime is not reached (BIP 113 for times).
    NotFinal,
    /// A relative lock is not over (BIP 68).
    SequenceLocked {
        /// The input.
        input: usize,
    },
    /// The interpreter rejects an input, or the whole transaction.
    Script(TransactionError),
    /// A block would be too heavy.
    BlockFull {
        /// Weight units.
        weight: u64,
    },
    /// The transaction is in the mempool or in a block.
    Known,
    /// Policy: the transaction breaks a standardness rule for single transactions.
    NonStandard(PolicyError),
    /// Policy: a cluster of connected transactions would have more than 64.
    ClusterTooLarge {
        /// Transactions in the cluster.
        count: usize,
    },
    /// Policy: a cluster of connected transactions would have more than 101,000 virtual bytes.
    ClusterTooHeavy {
        /// Virtual bytes of the cluster.
        vsize: u64,
    },
    /// A reorganisation deeper than the model allows, or than there are blocks.
    ReorganisationTooDeep {
        /// Blocks to disconnect.
        depth: u32,
    },
    /// The next block does not include the transaction, although it was accepted.
    NotMined,
    /// Policy: a child of an unconfirmed parent does not spend all of its dust.
    UnspentEphemeralDust,
    /// Policy: the feerate is below the minimum for relay.
    MinRelayFee {
        /// Satoshi.
        fee: u64,
        /// Satoshi.
        needed: u64,
    },
    /// Policy: a replacement pays less than what it evicts (BIP 125 rule 3).
    ReplacementFee {
        /// Satoshi.
        fee: u64,
        /// Satoshi of all that would be evicted.
        evicted: u64,
    },
    /// Policy: a replacement does not pay for its own relay (BIP 125 rule 4).
    ReplacementRelay {
        /// Satoshi beyond what is evicted.
        extra: u64,
        /// Satoshi.
        needed: u64,
    },
    /// Policy: a replacement touches more than 100 clusters (rule 5 as of cluster mempool).
    TooManyReplaced {
        /// Clusters.
        clusters: usize,
    },
    /// Policy: a replacement does not make the feerate diagram better (rule 6 as of cluster mempool).
    Diagram,
    /// It spends an output of what it would replace.
    SpendsConflict,
    /// Policy: a version 3 rule (BIP 431). The text says which.
    Truc(&'static str),
    /// A package that is not one parent and one child of it, or cannot replace.
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
