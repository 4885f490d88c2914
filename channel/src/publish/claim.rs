//! Claims: transactions that a party wants to get confirmed because they spend outputs of its channel.

use bitcoin::OutPoint;

use super::{Draft, Unlock};
use crate::error::ChannelError;
use crate::model::Step;

/// Purpose of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Closes the channel on the owner's request.
    Close,
    /// Answers an old state, or publishes the next transaction of the latest state.
    Answer,
    /// Publishes the settlement of the latest state.
    Settle,
    /// Claims an HTLC output.
    Htlc,
    /// Moves a balance whose delay has expired to the party's payout script.
    Sweep,
}

/// How the fee of a claim is paid.
#[derive(Clone, Debug)]
pub enum Pays {
    /// By a child transaction. The child spends the claim's anchor output with this index, unlocked in this way, and an
    /// unspent output of the wallet.
    Child(u32, Unlock),
    /// From the claim's first output, whose amount the party reduces before it signs with its own key.
    Own,
    /// By an additional input from the wallet, with a change output.
    Input,
    /// By the transaction itself, with a fee that was fixed when it was signed and cannot be raised.
    Fixed,
}

/// The first block in which another party can take money that a claim protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Height of the first block in which another party can take the money.
    pub block: u32,
    /// Amount that the other party can take in the block `block`, in satoshi.
    pub lost: u64,
}

/// A transaction that spends an output of a channel and that a party wants to get confirmed.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Purpose of the claim.
    pub purpose: Purpose,
    /// One of the outputs that the claim's transaction spends. It identifies the claim.
    pub coin: OutPoint,
    /// The claim's transaction, not yet signed, since its fee is not decided.
    pub draft: Draft,
    /// How the claim's fee is paid.
    pub pays: Pays,
    /// Maximum amount that the party loses if the claim never confirms, in satoshi. The claim's fee is never higher.
    pub stake: u64,
    /// The first block in which another party can take money. `None` if no other party ever can, or if another party
    /// can at any time.
    pub deadline: Option<Deadline>,
    /// Chain height from which the mempool accepts the claim. Its locks are then satisfied in the next block.
    pub ready: u32,
}

impl Claim {
    /// Creates a claim that can be published at once and has no deadline.
    pub fn new(purpose: Purpose, coin: OutPoint, draft: Draft, pays: Pays, stake: u64) -> Claim {
        Claim { purpose, coin, draft, pays, stake, deadline: None, ready: 0 }
    }

    /// Creates a claim for a signed transaction whose fee is paid by a child that spends its P2A output. If the
    /// transaction has no P2A output, its fee is fixed.
    pub fn with_child(purpose: Purpose, coin: OutPoint, step: Step, stake: u64) -> Claim {
        let p2a = crate::tx::p2a();
        let anchor = (0..).zip(&step.tx.output).find(|(_, out)| out.script_pubkey == p2a);
        let pays = match anchor {
            Some((vout, _)) => Pays::Child(vout, Unlock::complete(Vec::new())),
            None => Pays::Fixed,
        };
        Claim::new(purpose, coin, Draft::of(step), pays, stake)
    }

    /// Returns the claim with `ready` set: the height from which the mempool accepts it.
    #[must_use]
    pub fn from(self, ready: u32) -> Claim {
        Claim { ready, ..self }
    }

    /// Returns the claim with a deadline. From the block at height `block` on, another party can take the claim's whole
    /// stake.
    #[must_use]
    pub fn before(self, block: u32) -> Claim {
        let lost = self.stake;
        Claim { deadline: Some(Deadline { block, lost }), ..self }
    }

    /// Returns the claim with a deadline, which may concern only a part of the claim's stake.
    #[must_use]
    pub fn with_deadline(self, deadline: Option<Deadline>) -> Claim {
        Claim { deadline, ..self }
    }

    /// Returns a short description of the claim's transaction.
    pub fn label(&self) -> &'static str {
        self.draft.label
    }

    /// Returns the signed transaction. If its first output pays the fee, `fee` satoshi are subtracted from that output.
    /// Otherwise `fee` is ignored.
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
