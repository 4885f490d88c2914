//! Acceptance rules: the conditions that a channel state must satisfy before any party signs it.
//!
//! Without these rules, parties could agree on a state that costs them money later, when somebody closes the channel or
//! claims an HTLC. For example, the mempool might refuse a transaction, the claim of an HTLC might be dust, or an HTLC
//! might expire before the recipient can claim it. [`Content::accept`] checks all rules against the [`Terms`] of a
//! construction. Only this function creates a value of type [`Accepted`], and constructions store and sign only such
//! values.

use core::ops::Deref;

use bitcoin::{Transaction, absolute::LOCK_TIME_THRESHOLD};
use sigstack_policy::limits::MAX_TRUC_VSIZE;

use super::Content;
use crate::bounds::{CONFIRM_BLOCKS, FUNDING};
use crate::error::{ChannelError, Unacceptable};
use crate::mutation::{Mutation, mutated};
use crate::tx::{set_witness, weight};

/// Weight of a P2TR or P2WSH output, in weight units.
pub const OUTPUT_WEIGHT: u64 = 4 * 43;
/// Maximum weight of a version 3 transaction (BIP 431).
pub(super) const MAX_TRUC_WEIGHT: u64 = 4 * MAX_TRUC_VSIZE;

/// Costs that the opener of the channel (the first party) pays from its balance in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenerCosts {
    /// Feerate that the opener pays for the commitment transaction, in satoshi per 1,000 weight units. It is 0 if that
    /// transaction pays no fee.
    pub feerate_per_kw: u64,
    /// Total amount of the anchor outputs that the opener pays for, in satoshi.
    pub anchors: u64,
}

/// Weight of the transaction that pays the balances and HTLCs of a channel state, as a function of its number of
/// outputs. The weight includes the witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Weight of the transaction without balance outputs and HTLC outputs, in weight units. Each balance output adds
    /// the weight `balance`, and each HTLC output adds the weight `htlc`.
    pub frame: u64,
    /// Weight that each balance output adds to the transaction, in weight units. It is 0 if the number of balances does
    /// not change the weight.
    pub balance: u64,
    /// Weight that each HTLC output adds to the transaction, in weight units.
    pub htlc: u64,
    /// Maximum weight, in weight units, that the acceptance rules allow for the transaction that pays the balances and
    /// HTLCs of a state.
    pub most: u64,
}

/// The conditions that a channel construction requires of the next channel state, such as minimum amounts and a maximum
/// number of HTLCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Amount of the funding output, in satoshi.
    pub capacity: u64,
    /// Number of parties. Each party has a balance, and an HTLC is between two of them.
    pub parties: usize,
    /// Number of channels nested inside this channel. The list of balances in a state first contains the balances of
    /// the parties, then the capacity of each nested channel.
    pub channels: usize,
    /// Minimum balance that gets an output, in satoshi. A smaller balance is trimmed, that is, it gets no output.
    pub least_balance: u64,
    /// Minimum amounts of an HTLC that gets an output, in satoshi. The first amount applies if the sender of the HTLC
    /// publishes the transaction, the second if the recipient publishes it. In most constructions they include the fee
    /// of the transaction that claims the HTLC.
    pub least_htlc: [u64; 2],
    /// Maximum sum of the trimmed amounts (balances and HTLCs that get no output), in satoshi.
    pub most_trimmed: u64,
    /// Maximum number of HTLCs in flight that one party offers.
    pub most_offered: usize,
    /// Costs that the opener of the channel (the first party) pays: the fee of the commitment transaction and its
    /// anchor outputs.
    pub opener: OpenerCosts,
    /// Weight of the transaction that pays the balances and HTLCs of a state, as a function of its outputs, and the
    /// maximum of this weight.
    pub size: Size,
    /// Maximum number of blocks from the decision to close the channel until the transaction that claims an HTLC
    /// confirms.
    pub claim_delay: u32,
}

/// A channel state that satisfies the terms of its construction. Only [`Content::accept`] creates a value of this type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Accepted(Content);

impl Deref for Accepted {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.0
    }
}

impl Content {
    /// Checks this channel state against the conditions in `terms`. Returns it as an [`Accepted`] value, which
    /// constructions require before they sign a state. `height` is the chain height that the parties assume.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Content`] with the rule that the state breaks, the amount found, and the amount allowed.
    pub fn accept(self, terms: &Terms, height: u32) -> Result<Accepted, ChannelError> {
        terms.check(&self, height).map_err(ChannelError::Content)?;
        Ok(Accepted(self))
    }
}

/// Number of balance outputs and number of HTLC outputs of the transaction that pays a channel state, and the total
/// amount that gets no output.
#[derive(Default)]
struct Paid {
    /// Number of balance outputs of the transaction that pays the channel state.
    balances: u64,
    /// Number of HTLC outputs of the transaction that pays the channel state.
    htlcs: u64,
    /// Sum of the balances and HTLCs of the channel state that get no output, in satoshi.
    trimmed: u64,
}

impl Terms {
    /// Returns the weight of a transaction with this many outputs for balances and HTLCs, in weight units.
    pub const fn weight(&self, balances: u64, htlcs: u64) -> u64 {
        let size = &self.size;
        size.frame
            .saturating_add(size.balance.saturating_mul(balances))
            .saturating_add(size.htlc.saturating_mul(htlcs))
    }

    fn check(&self, content: &Content, height: u32) -> Result<(), Unacceptable> {
        let expected = self.parties.saturating_add(self.channels);
        if content.balances.len() != expected {
            return Err(Unacceptable::Balances { found: content.balances.len(), expected });
        }
        if content.sum() != self.capacity && !mutated(Mutation::AnySum) {
            return Err(Unacceptable::Sum { found: content.sum(), capacity: self.capacity });
        }
        self.check_htlcs(content, height)?;
        let inside = content.balances.iter().skip(self.parties).enumerate();
        for (channel, sat) in inside {
            // A nested channel without an output of its own would be lost, with everything that its members have in it.
            if *sat < FUNDING.least {
                return Err(Unacceptable::Channel { channel, sat: *sat });
            }
        }
        // If each party has its own commitment transaction, both must satisfy the rules.
        (0..2).try_for_each(|publisher| self.check_transaction(content, publisher))
    }

    fn check_htlcs(&self, content: &Content, height: u32) -> Result<(), Unacceptable> {
        let least = height.saturating_add(self.claim_delay).saturating_add(1);
        for (nth, htlc) in content.htlcs.iter().enumerate() {
            if htlc.from == htlc.to || htlc.from >= self.parties || htlc.to >= self.parties {
                return Err(Unacceptable::Parties { htlc: nth });
            }
            if htlc.sat == 0 {
                return Err(Unacceptable::NoAmount { htlc: nth });
            }
            let early = htlc.expiry < least && !mutated(Mutation::EarlyExpiry);
            if early || htlc.expiry >= LOCK_TIME_THRESHOLD && !mutated(Mutation::ExpiryIsTime) {
                return Err(Unacceptable::Expiry { htlc: nth, expiry: htlc.expiry, least });
            }
        }
        for party in 0..self.parties {
            let found = content.htlcs.iter().filter(|htlc| htlc.from == party).count();
            if found > self.most_offered {
                return Err(Unacceptable::Offered { party, found, most: self.most_offered });
            }
        }
        Ok(())
    }

    fn check_transaction(&self, content: &Content, publisher: usize) -> Result<(), Unacceptable> {
        let Paid { balances, htlcs, trimmed } = self.pay(content, publisher)?;
        if trimmed > self.most_trimmed && !mutated(Mutation::AnyTrimmed) {
            let [sent, received] = self.least_htlc;
            return Err(Unacceptable::Trimmed {
                sat: trimmed,
                most: self.most_trimmed,
                least_balance: self.least_balance,
                least_htlc: sent.max(received),
            });
        }
        if balances == 0 && htlcs == 0 {
            return Err(Unacceptable::NoOutput);
        }
        let found = self.weight(balances, htlcs);
        match found > self.size.most && !mutated(Mutation::AnyWeight) {
            true => Err(Unacceptable::Weight { found, most: self.size.most }),
            false => Ok(()),
        }
    }

    /// Counts the outputs of the transaction that `publisher` publishes for this state.
    fn pay(&self, content: &Content, publisher: usize) -> Result<Paid, Unacceptable> {
        let mut paid = Paid::default();
        let [sent, received] = self.least_htlc;
        for htlc in &content.htlcs {
            match htlc.sat >= if htlc.from == publisher { sent } else { received } {
                true => paid.htlcs += 1,
                false => paid.trimmed = paid.trimmed.saturating_add(htlc.sat),
            }
        }
        let mut costs = self.opener_pays(paid.htlcs);
        for balance in &content.balances {
            let needed = core::mem::take(&mut costs);
            let poor = || Unacceptable::Opener { sat: *balance, needed };
            let left = match balance.checked_sub(needed) {
                None if mutated(Mutation::OpenerCannotPay) => 0,
                left => left.ok_or_else(poor)?,
            };
            match left >= self.least_balance {
                true => paid.balances += 1,
                false => paid.trimmed = paid.trimmed.saturating_add(left),
            }
        }
        Ok(paid)
    }

    /// Returns the amount, in satoshi, that the opener pays for a commitment transaction with this many HTLC outputs:
    /// the fee plus the anchor outputs.
    const fn opener_pays(&self, htlcs: u64) -> u64 {
        let fee = self.weight(0, htlcs).saturating_mul(self.opener.feerate_per_kw) / 1_000;
        fee.saturating_add(self.opener.anchors)
    }
}

/// Returns the weight of `tx`, in weight units, when `witness` is the witness of its only input.
pub(super) fn weight_with(mut tx: Transaction, witness: &[Vec<u8>]) -> u64 {
    set_witness(&mut tx, 0, witness);
    weight(&tx)
}

/// Returns the number of blocks until `transactions` successive transactions have confirmed, if each needs
/// [`CONFIRM_BLOCKS`]. `locks` is the sum of the relative locks between them, in blocks.
pub(super) fn blocks_until_claimed(locks: u32, transactions: u32) -> u32 {
    locks.saturating_add(u32::from(CONFIRM_BLOCKS).saturating_mul(transactions))
}

#[cfg(test)]
mod tests;
