//! Claims: the spending transactions that a party wants to get confirmed.

use bitcoin::OutPoint;

use super::{Draft, Unlock};
use crate::error::ChannelError;
use crate::model::Step;

/// Purpose of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Closes the channel on the owner's request.
    Close,
    /// Answers an old state, or continues the path of transactions of the latest one.
    Answer,
    /// Settles the latest state.
    Settle,
    /// Claims an HTLC output.
    Htlc,
    /// Sweeps a balance whose delay has expired.
    Sweep,
}

/// Source of a claim's fee.
#[derive(Clone, Debug)]
pub enum Pays {
    /// A child transaction pays. The child spends the anchor output with this index, unlocked in this way, and a coin of the
    /// wallet.
    Child(u32, Unlock),
    /// The claim's first output pays. The party signs the transaction with its own key and can reduce this output.
    Own,
    /// An additional input with a change output pays.
    Input,
    /// The fee is part of a signed transaction and cannot be raised.
    Fixed,
}

/// Time from which another party can take something that a claim protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Height of the first block in which another party can take it.
    pub block: u32,
    /// Satoshi that the other party can take in that block.
    pub lost: u64,
}

/// A transaction that spends an output of a channel and that a party wants to get confirmed.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Purpose of the claim.
    pub purpose: Purpose,
    /// Output that the claim spends. The draft may spend others as well.
    pub coin: OutPoint,
    /// Transaction of the claim, with the fee not yet decided.
    pub draft: Draft,
    /// Source of the claim's fee.
    pub pays: Pays,
    /// Satoshi that the party loses at most if the claim never confirms. No fee is higher.
    pub stake: u64,
    /// Time from which another party can take something. `None` if no other party can, or if another party can at any time.
    pub deadline: Option<Deadline>,
    /// Chain height from which the mempool accepts the claim, because its locks are satisfied in the next block.
    pub ready: u32,
}

impl Claim {
    /// Creates a claim that can be published at once and has no deadline.
    pub fn new(purpose: Purpose, coin: OutPoint, draft: Draft, pays: Pays, stake: u64) -> Claim {
        Claim { purpose, coin, draft, pays, stake, deadline: None, ready: 0 }
    }

    /// Creates a claim for a complete transaction whose fee is paid by a child that spends its P2A. If the transaction has no
    /// P2A, its fee is fixed.
    pub fn with_child(purpose: Purpose, coin: OutPoint, step: Step, stake: u64) -> Claim {
        let p2a = crate::tx::p2a();
        let anchor = (0..).zip(&step.tx.output).find(|(_, out)| out.script_pubkey == p2a);
        let pays = match anchor {
            Some((vout, _)) => Pays::Child(vout, Unlock::complete(Vec::new())),
            None => Pays::Fixed,
        };
        Claim::new(purpose, coin, Draft::of(step), pays, stake)
    }

    /// Returns the claim with the height from which the mempool accepts it.
    #[must_use]
    pub fn from(self, ready: u32) -> Claim {
        Claim { ready, ..self }
    }

    /// Returns the claim with a deadline: the first block in which another party can take everything that is at stake.
    #[must_use]
    pub fn before(self, block: u32) -> Claim {
        let lost = self.stake;
        Claim { deadline: Some(Deadline { block, lost }), ..self }
    }

    /// Returns the claim with a deadline that may concern a part of what is at stake.
    #[must_use]
    pub fn with_deadline(self, deadline: Option<Deadline>) -> Claim {
        Claim { deadline, ..self }
    }

    /// Returns a short description of the claim's transaction.
    pub fn label(&self) -> &'static str {
        self.draft.label
    }

    /// Returns the signed transaction. If the claim pays from its first output, `fee` is subtracted from this output.
    ///
    /// # Errors
    ///
    /// The errors of [`Draft::step`].
    pub fn step(&self, fee: u64) -> Result<Step, ChannelError> {
        match self.pays {
            Pays::Own => self.draft.step(fee),
            _ => self.draft.step(0),
        }
    }
}
