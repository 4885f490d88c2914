//! Claims: transactions that a party wants to get confirmed because they spend outputs of its channel.

use bitcoin::OutPoint;

use super::{Draft, Unlock};
use crate::error::ChannelError;
use crate::step::Step;

/// Reason for which a party wants the transaction of a claim to confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// The transaction closes the channel, as the party requested.
    Close,
    /// The transaction answers an old state, or is the next transaction of the latest state.
    Answer,
    /// The transaction is the settlement of the latest state.
    Settle,
    /// The transaction claims an HTLC output.
    Htlc,
    /// The transaction moves a balance of the party to its payout script.
    Sweep,
}

/// How the fee of a claim's transaction is paid.
#[derive(Clone, Debug)]
pub enum Pays {
    /// A child transaction pays the fee. It spends an unspent output of the wallet, and the anchor output with this
    /// index in the claim's transaction. The [`Unlock`] contains the witness data for the anchor output.
    Child(u32, Unlock),
    /// The first output of the claim's transaction pays the fee. The party reduces the amount of this output before it
    /// signs the transaction.
    Own,
    /// An additional input from the wallet pays the fee, and an additional output returns the change.
    Input,
    /// The claim's transaction already pays a fee. This fee was fixed when the transaction was signed, and cannot be
    /// raised.
    Fixed,
}

/// The first block in which another party can take money that a claim protects, and the amount that it can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Height of the first block in which another party can take the money that the claim protects.
    pub block: u32,
    /// Amount of the claim's money that another party can take in the block `block`, in satoshi.
    pub lost: u64,
}

/// A transaction that spends an output of a channel and that a party wants to get confirmed.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Reason for which the party wants the claim's transaction to confirm.
    pub purpose: Purpose,
    /// One of the outputs that the claim's transaction spends. It identifies the claim.
    pub coin: OutPoint,
    /// The claim's transaction and the data to sign it when its fee is known.
    pub draft: Draft,
    /// How the fee of the claim's transaction is paid.
    pub pays: Pays,
    /// Maximum amount that the party loses if the claim never confirms, in satoshi. The fee of the claim is never
    /// higher.
    pub stake: u64,
    /// The first block in which another party can take the money that the claim protects. `None` if no other party ever
    /// can, or if another party can at any time.
    pub deadline: Option<Deadline>,
    /// Chain height from which the mempool accepts the claim's transaction. The locks of the transaction are then
    /// satisfied in the next block.
    pub ready: u32,
}

impl Claim {
    /// Creates a claim that can be published at once and has no deadline.
    pub fn new(purpose: Purpose, coin: OutPoint, draft: Draft, pays: Pays, stake: u64) -> Claim {
        Claim { purpose, coin, draft, pays, stake, deadline: None, ready: 0 }
    }

    /// Creates a claim for a signed transaction. If the transaction has a P2A output, a child that spends this output
    /// pays the fee. Otherwise the fee is fixed.
    pub fn with_child(purpose: Purpose, coin: OutPoint, step: Step, stake: u64) -> Claim {
        let p2a = crate::tx::p2a();
        let anchor = (0..).zip(&step.tx.output).find(|(_, out)| out.script_pubkey == p2a);
        let pays = match anchor {
            Some((vout, _)) => Pays::Child(vout, Unlock::complete(Vec::new())),
            None => Pays::Fixed,
        };
        Claim::new(purpose, coin, Draft::of(step), pays, stake)
    }

    /// Returns this claim with `ready` as the chain height from which the mempool accepts its transaction.
    #[must_use]
    pub fn from(self, ready: u32) -> Claim {
        Claim { ready, ..self }
    }

    /// Returns this claim with a deadline: from the block at height `block` on, another party can take the claim's
    /// whole stake.
    #[must_use]
    pub fn before(self, block: u32) -> Claim {
        let lost = self.stake;
        Claim { deadline: Some(Deadline { block, lost }), ..self }
    }

    /// Returns this claim with the given deadline. The amount that is lost at the deadline may be lower than the
    /// claim's stake.
    #[must_use]
    pub fn with_deadline(self, deadline: Option<Deadline>) -> Claim {
        Claim { deadline, ..self }
    }

    /// Returns a short description of the claim's transaction.
    pub fn label(&self) -> &'static str {
        self.draft.label
    }

    /// Returns the signed transaction of the claim. If the first output pays the fee, `fee` satoshi are subtracted from
    /// it. Otherwise `fee` is ignored.
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
