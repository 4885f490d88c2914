//! The constructions, each behind one trait.
//!
//! A construction holds what both sides know, so that a play can publish for either of them. What one side *keeps* is a record of its own that
//! serializes; [`Construction::contest`] and [`Construction::tower_contest`] act from these bytes alone.

mod accept;
mod content;
mod contested;
mod factory;
mod justice_kit;
mod kind;
mod known;
mod path_guard;
mod penalty;
mod penalty_guard;
mod penalty_record;
mod penalty_version;
mod play;
mod rebinding;
mod rebinding_guard;
mod sequence;
mod sequence_guard;
mod sequence_record;
mod settlement;
mod setup;
mod signed_number;
mod symmetry;
mod timelock;
pub mod tower_pay;
mod tower_terms;
mod two_thousand_eighteen;

use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::Flags;

pub use accept::{Accepted, CONFIRM_BLOCKS, OUTPUT_WEIGHT, OpenerCosts, Size, Terms, Unacceptable};
pub use content::{Content, HTLC_SIZE, Htlc};
pub(crate) use contested::published_number as published_counter;
pub use contested::{Profile, Reward, SequenceTerms};
pub use factory::{Factory, Inner, NestedCosts, nested_costs};
pub use justice_kit::justice_blob;
pub use kind::{KINDS, Kind};
pub use known::{Held, Known};
pub use penalty::LnPenalty;
pub use play::{PlayError, Played, Stage, wait_for};
pub use rebinding::{Form, Rebinding};
pub use sequence::{FeeCoin, Fees, Second, SignedSequence, TwoStage, with_fee_inputs};
pub use sequence_record::{ClientRecord, TowerRecord};
pub use setup::{PartyKeys, Setup};
pub use symmetry::Symmetry;
pub use timelock::TimelockTree;
pub use tower_terms::TowerTerms;
pub use two_thousand_eighteen::{Literal, LiteralForm};

use crate::error::ChannelError;
use crate::publish::{SharedGuard, answers};

/// A signed transaction of a play, with what it spends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub label: &'static str,
    /// The transaction.
    pub tx: Transaction,
    /// The outputs that it spends, in input order.
    pub prevouts: Vec<TxOut>,
}

impl Step {
    /// Weight units.
    pub fn weight(&self) -> u64 {
        crate::tx::weight(&self.tx)
    }

    /// Satoshi that it pays itself.
    pub fn fee(&self) -> u64 {
        let paid = self.prevouts.iter().fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()));
        paid.saturating_sub(crate::tx::output_sum(&self.tx))
    }
}

/// What holds of a construction whatever its state is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// Its name.
    pub name: &'static str,
    /// The proposals that it needs.
    pub proposals: Flags,
    /// Whether its transactions need that mempools relay the annex.
    pub annex: bool,
    /// Whether both sides hold the same transactions.
    pub symmetric: bool,
    /// Whether publishing an old state loses the whole channel.
    pub penalty: bool,
    /// How many states there can be.
    pub states: u64,
    /// Blocks from the first transaction on the chain until the newest state's money is free, at worst and without a
    /// contest.
    pub worst_delay: u64,
    /// Whether more than two can take part.
    pub multiparty: bool,
}

/// What an update took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateCost {
    /// Partial or whole signatures made, by all parties.
    pub signatures: usize,
    /// Secrets revealed.
    pub secrets: usize,
}

/// A way to invalidate old states.
///
/// Parties are numbered from 0. Whatever is published spends the funding output that [`Construction::setup`] knows.
pub trait Construction {
    /// What holds of it.
    fn facts(&self) -> Facts;

    /// Keys, capacity, funding output.
    fn setup(&self) -> &Setup;

    /// The conditions for the next state.
    fn acceptance(&self) -> Terms;

    /// Says which height the chain has: expiries of HTLCs are compared with it.
    fn see_height(&mut self, height: u32);

    /// Where the money goes when the funding transaction confirms.
    fn funding_output(&self) -> &TxOut;

    /// Says which output is the channel's: states are built on it, and the newest is signed.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the newest state cannot be signed.
    fn open(&mut self, funding: bitcoin::OutPoint) -> Result<(), ChannelError>;

    /// The newest state's number. The first is 0.
    fn number(&self) -> u32;

    /// What the newest state pays.
    fn content(&self) -> &Content;

    /// Agrees on the next state: all signatures are made and checked.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Content`] if the content breaks the conditions of [`Construction::acceptance`]; [`ChannelError::Refused`] if the
    /// numbers are used up.
    fn update(&mut self, content: Content) -> Result<UpdateCost, ChannelError>;

    /// Agrees on the next state as [`Construction::update`] does, and leaves its signatures to be made when [`Construction::open`] is called:
    /// for runs of many states of which few are looked at.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Content`] as for [`Construction::update`]; [`ChannelError::Refused`] if the construction keeps something of every
    /// state.
    fn agree(&mut self, content: Content) -> Result<(), ChannelError> {
        let _ = content;
        Err(ChannelError::refused("this construction keeps something of every state: each must be signed"))
    }

    /// Ends the channel together.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if it cannot be signed.
    fn cooperative_close(&mut self) -> Result<Step, ChannelError>;

    /// What `by` publishes, in order, to end the channel alone in the state of a number: the newest, or an old one that
    /// it kept against the rules. The last step pays the balances.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such state.
    fn close(&self, by: usize, number: u32) -> Result<Vec<Step>, ChannelError>;

    /// What a party publishes, from the bytes of [`Construction::client_bytes`] and the party's secrets.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the latest state is not signed, or the kept bytes are damaged.
    fn guard(&self, party: usize) -> Result<SharedGuard, ChannelError> {
        Err(ChannelError::refused(format!("party {party} has no guard")))
    }

    /// What `victim` publishes when it sees this transaction of another; none if that is the newest state, or nothing
    /// can be done. Only the bytes of [`Construction::client_bytes`] and the victim's seed are used.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the kept bytes are damaged.
    fn contest(&self, victim: usize, published: &Transaction) -> Result<Option<Vec<Step>>, ChannelError> {
        answers(&*self.guard(victim)?, std::slice::from_ref(published))
    }

    /// What a tower can do for its client; none if a tower is of no use.
    fn tower_terms(&self) -> Option<TowerTerms> {
        None
    }

    /// What a tower publishes for its client, from the bytes of [`Construction::tower_bytes`] alone.
    ///
    /// # Errors
    ///
    /// As [`TowerTerms::answer`].
    fn tower_contest(
        &self,
        client: usize,
        published: &Transaction,
    ) -> Result<Option<Vec<Step>>, ChannelError> {
        match self.tower_terms() {
            Some(terms) => terms.answer(&self.tower_bytes(client), published, None),
            None => Ok(None),
        }
    }

    /// The claim of an HTLC on the transaction that pays the balances: by its recipient with the preimage, or by its sender
    /// after the expiry.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the transaction has no output for it.
    fn claim_htlc(
        &self,
        settled: &Step,
        htlc: &Htlc,
        preimage: Option<[u8; 32]>,
    ) -> Result<Step, ChannelError> {
        self.setup().claim_htlc(settled, htlc, preimage)
    }

    /// What a state of a number pays.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such state.
    fn state(&self, number: u32) -> Result<&Content, ChannelError>;

    /// Every output with a script that the transactions of all states can have, with what can spend it. Balances that a payout key
    /// alone spends are left out.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if an output cannot be built.
    fn outputs(&self) -> Result<Vec<Known>, ChannelError>;

    /// What a party has in its hands beside signed transactions: its keys, and all that it ever received.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the party does not exist.
    fn held(&self, party: usize) -> Result<Held, ChannelError> {
        Held::of(self.setup().party(party)?)
    }

    /// What a party must keep beside its seed and what never changes.
    fn client_bytes(&self, party: usize) -> Vec<u8>;

    /// What a party's tower must keep, all of it.
    fn tower_bytes(&self, client: usize) -> Vec<u8>;
}

#[cfg(test)]
mod tests;
