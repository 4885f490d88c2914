//! One spend that a party wants to see confirmed.

use bitcoin::OutPoint;

use super::{Draft, Unlock};
use crate::error::ChannelError;
use crate::model::Step;

/// What a claim is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Closes the channel because the owner wants it.
    Close,
    /// Answers an old state, or goes on with the path of the latest.
    Answer,
    /// Settles the latest state.
    Settle,
    /// Takes an HTLC.
    Htlc,
    /// Takes a balance whose delay is over.
    Sweep,
}

/// How a claim pays its fee.
#[derive(Clone, Debug)]
pub enum Pays {
    /// By a child that spends this output, an anchor, and a coin of the wallet.
    Child(u32, Unlock),
    /// From its own first output: a key of this party signs it.
    Own,
    /// By an input that is added, with its change.
    Input,
    /// The fee was signed and cannot be raised.
    Fixed,
}

/// When somebody else can take something that a claim is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The first block in which they can.
    pub block: u32,
    /// Satoshi that they can take then.
    pub lost: u64,
}

/// A spend of a channel's output that a party wants to see confirmed.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What it is for.
    pub purpose: Purpose,
    /// The output that it is about; the draft may spend others beside it.
    pub coin: OutPoint,
    /// The transaction, its fee left open.
    pub draft: Draft,
    /// How it pays its fee.
    pub pays: Pays,
    /// Satoshi that the party loses at worst if the claim never confirms. No fee is higher.
    pub stake: u64,
    /// When somebody else can take something; none if nobody can, or from the beginning.
    pub deadline: Option<Deadline>,
    /// The height of the last block from which on the mempool takes it: its locks are over for the next block.
    pub ready: u32,
}

impl Claim {
    /// A claim that is ready at once and has no deadline.
    pub fn new(purpose: Purpose, coin: OutPoint, draft: Draft, pays: Pays, stake: u64) -> Claim {
        Claim { purpose, coin, draft, pays, stake, deadline: None, ready: 0 }
    }

    /// A complete transaction without a fee, whose P2A a child spends. A transaction without a P2A pays what was signed.
    pub fn with_child(purpose: Purpose, coin: OutPoint, step: Step, stake: u64) -> Claim {
        let p2a = crate::tx::p2a();
        let anchor = (0..).zip(&step.tx.output).find(|(_, out)| out.script_pubkey == p2a);
        let pays = match anchor {
            Some((vout, _)) => Pays::Child(vout, Unlock::complete(Vec::new())),
            None => Pays::Fixed,
        };
        Claim::new(purpose, coin, Draft::of(step), pays, stake)
    }

    /// The same claim from this height on.
    #[must_use]
    pub fn from(self, ready: u32) -> Claim {
        Claim { ready, ..self }
    }

    /// The same claim with the first block in which somebody else can take all that is at stake.
    #[must_use]
    pub fn before(self, block: u32) -> Claim {
        let lost = self.stake;
        Claim { deadline: Some(Deadline { block, lost }), ..self }
    }

    /// The same claim with a deadline that may be about a part of what is at stake.
    #[must_use]
    pub fn with_deadline(self, deadline: Option<Deadline>) -> Claim {
        Claim { deadline, ..self }
    }

    /// What it is, for a reader.
    pub fn label(&self) -> &'static str {
        self.draft.label
    }

    /// The signed transaction. `fee` is taken from its first output, if it pays from that.
    ///
    /// # Errors
    ///
    /// As [`Draft::step`].
    pub fn step(&self, fee: u64) -> Result<Step, ChannelError> {
        match self.pays {
            Pays::Own => self.draft.step(fee),
            _ => self.draft.step(0),
        }
    }
}
