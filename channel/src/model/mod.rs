//! The channel constructions, each behind the trait [`Construction`].
//!
//! A value that implements [`Construction`] knows the keys, states and signatures of all parties, so tests can publish
//! transactions for any party. The data that one party stores is serialized as a separate record.
//! [`Construction::contest`] and [`Construction::tower_contest`] use only the bytes of such a record and, for a party,
//! its secrets.

mod accept;
mod contested;
mod factory;
mod history;
mod justice_kit;
mod kind;
mod known;
mod literal;
mod path_guard;
mod penalty;
mod play;
mod rebinding;
mod rebinding_guard;
mod sequence;
mod sequence_record;
mod sequence_tower_guard;
mod settlement;
mod setup;
mod signed_number;
mod symmetry;
mod timelock;
pub mod tower_pay;
mod tower_terms;

use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::Flags;

pub use accept::{Accepted, OUTPUT_WEIGHT, OpenerCosts, Size, Terms};
pub(crate) use contested::published_number as published_counter;
pub use contested::{Profile, Reward, SequenceTerms};
pub use factory::{Factory, Inner, NestedCosts, nested_costs};
pub use justice_kit::justice_blob;
pub use kind::{KINDS, Kind};
pub use known::{Held, Known};
pub use literal::{Literal, LiteralForm};
pub use penalty::LnPenalty;
pub use play::{PlayError, Played, Stage, wait_for};
pub use rebinding::{Form, Rebinding};
pub use sequence::{FeeCoin, Fees, Second, SignedSequence, TwoStage, with_fee_inputs};
pub use sequence_record::{ClientRecord, TowerRecord};
pub use setup::{PartyKeys, Setup};
pub use symmetry::Symmetry;
pub use timelock::TimelockTree;
pub use tower_terms::TowerTerms;

pub use crate::content::{Content, HTLC_SIZE, Htlc};
use crate::error::ChannelError;
use crate::publish::{SharedGuard, answers};
pub use crate::step::Step;

/// Properties of a channel construction that do not depend on the channel state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// Name of the channel construction.
    pub name: &'static str,
    /// Proposed soft forks that must be active for the construction's transactions to be valid.
    pub proposals: Flags,
    /// Whether the construction's transactions use the annex, so that mempools must relay transactions with an annex.
    pub annex: bool,
    /// Whether all parties store the same transactions of a state. If `false`, each party has its own version of these
    /// transactions.
    pub symmetric: bool,
    /// Whether a party that publishes an old state can lose all of its money in the channel.
    pub penalty: bool,
    /// Maximum number of states that a channel of this construction can have.
    pub states: u64,
    /// Number of blocks from the confirmation of the first transaction until the balances of the latest state can be
    /// spent. This is the worst case if nobody publishes an old state.
    pub worst_delay: u64,
    /// Whether a channel of this construction can have more than two parties.
    pub multiparty: bool,
}

/// Numbers of signatures and revocation secrets that the parties of a channel make for one update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateCost {
    /// Number of signatures that all parties together make for one update, including partial signatures.
    pub signatures: usize,
    /// Number of revocation secrets that all parties together reveal for one update.
    pub secrets: usize,
}

/// A payment channel between simulated parties. Each implementation is one channel construction, that is, one way to
/// invalidate old states.
///
/// Parties are numbered from 0. Published transactions spend the funding output of [`Construction::setup`].
pub trait Construction {
    /// Returns the properties of this channel construction.
    fn facts(&self) -> Facts;

    /// Returns the keys, capacity and funding output of the channel.
    fn setup(&self) -> &Setup;

    /// Returns the conditions that the next state must satisfy before it is signed.
    fn acceptance(&self) -> Terms;

    /// Sets the height of the chain that the parties assume when they check the expiries of HTLCs.
    fn see_height(&mut self, height: u32);

    /// Returns the output that the funding transaction must create.
    fn funding_output(&self) -> &TxOut;

    /// Opens the channel on the funding output `funding`, which the transactions of all states spend, and signs the
    /// latest state.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the latest state cannot be signed.
    fn open(&mut self, funding: bitcoin::OutPoint) -> Result<(), ChannelError>;

    /// Returns the number of the channel's latest state. The first state has number 0.
    fn number(&self) -> u32;

    /// Returns the balances and HTLCs of the latest state.
    fn content(&self) -> &Content;

    /// Agrees on `content` as the next state of the channel: the parties make and check all signatures.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Content`] if the state violates the conditions of [`Construction::acceptance`].
    /// [`ChannelError::Refused`] if all state numbers are used.
    fn update(&mut self, content: Content) -> Result<UpdateCost, ChannelError>;

    /// Agrees on `content` as the next state, as [`Construction::update`] does, but without signing it.
    /// [`Construction::open`] signs the state if it is the latest one at that time. This saves time if many states are
    /// needed and few are published.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Content`] as for [`Construction::update`]. [`ChannelError::Refused`] if the parties of this
    /// construction keep data of each state, so that every state must be signed.
    fn agree(&mut self, content: Content) -> Result<(), ChannelError> {
        let _ = content;
        Err(ChannelError::refused("this construction keeps something of every state: each must be signed"))
    }

    /// Returns the signed transaction with which all parties close the channel cooperatively.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the closing transaction cannot be signed.
    fn cooperative_close(&mut self) -> Result<Step, ChannelError>;

    /// Returns the transactions that `by` publishes, in order, to end the channel unilaterally in state `number`. This
    /// may be an old state, which a cheating party kept. The last transactions pay the balances.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such state.
    fn close(&self, by: usize, number: u32) -> Result<Vec<Step>, ChannelError>;

    /// Returns the guard of a party: a [`crate::publish::Guard`] that decides which transactions the party publishes.
    /// The guard uses only the bytes of [`Construction::client_bytes`] and the party's secrets.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the latest state is not signed, or the stored bytes are damaged.
    fn guard(&self, party: usize) -> Result<SharedGuard, ChannelError> {
        Err(ChannelError::refused(format!("party {party} has no guard")))
    }

    /// Returns the transactions that `victim` publishes in response to a published transaction. Returns `None` if that
    /// transaction is of the latest state, or if no response is possible. Uses only the bytes of
    /// [`Construction::client_bytes`] and the victim's secrets.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the stored bytes are damaged.
    fn contest(&self, victim: usize, published: &Transaction) -> Result<Option<Vec<Step>>, ChannelError> {
        answers(&*self.guard(victim)?, std::slice::from_ref(published))
    }

    /// Returns the terms under which a tower acts for its client, or `None` if the construction does not support
    /// towers.
    fn tower_terms(&self) -> Option<TowerTerms> {
        None
    }

    /// Returns the transactions that the tower of `client` publishes in response to a published transaction. Returns
    /// `None` if the tower has no response. Uses only the bytes of [`Construction::tower_bytes`].
    ///
    /// # Errors
    ///
    /// Same errors as [`TowerTerms::answer`].
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

    /// Builds the transaction that claims the output of an HTLC in `settled`, the transaction that pays the balances
    /// and HTLCs of a state. If `preimage` is given, the recipient claims with it. If it is `None`, the sender claims
    /// after the expiry.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the transaction has no output for the HTLC.
    fn claim_htlc(
        &self,
        settled: &Step,
        htlc: &Htlc,
        preimage: Option<[u8; 32]>,
    ) -> Result<Step, ChannelError> {
        self.setup().claim_htlc(settled, htlc, preimage)
    }

    /// Returns the balances and HTLCs of the state with this number.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such state.
    fn state(&self, number: u32) -> Result<&Content, ChannelError>;

    /// Returns every output that the transactions of all states can create, with the scripts that can spend it. Outputs
    /// that only pay a balance to a party's payout key are omitted.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if an output cannot be built.
    fn outputs(&self) -> Result<Vec<Known>, ChannelError>;

    /// Returns the secret keys of a party, and the other data that the party can use in witnesses: signed messages,
    /// state numbers, random values and hashes. Signed transactions are not included.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the party does not exist.
    fn held(&self, party: usize) -> Result<Held, ChannelError> {
        Held::of(self.setup().party(party)?)
    }

    /// Returns the bytes that a party must store in addition to its seed and to the channel data that never changes.
    fn client_bytes(&self, party: usize) -> Vec<u8>;

    /// Returns all bytes that the tower of the party `client` must store.
    fn tower_bytes(&self, client: usize) -> Vec<u8>;
}

#[cfg(test)]
mod tests;
