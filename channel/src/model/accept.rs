//! Acceptance: what a state must satisfy before anybody signs it.
//!
//! A state that breaks one of these rules can be agreed on like any other, and the loss shows only when somebody closes the channel or
//! claims an HTLC: a transaction that no mempool relays, an HTLC whose claim is dust, an expiry that passes before the recipient can
//! claim. [`Content::accept`] checks all rules against the [`Terms`] of a construction. It is the only way to an [`Accepted`] content, and
//! constructions store and sign nothing else.

use core::fmt;
use core::ops::Deref;

use bitcoin::{Transaction, absolute::LOCK_TIME_THRESHOLD};
use sigstack_policy::limits::MAX_TRUC_VSIZE;

use super::Content;
use crate::bounds::FUNDING;
use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};
use crate::tx::{set_witness, weight};

/// Blocks that a transaction may take to confirm once its owner publishes it.
///
/// Three of them are the 18 blocks that BOLT 2 recommends between learning a preimage and the expiry (`2R + G + S`).
pub const CONFIRM_BLOCKS: u16 = 6;
/// Weight units of a P2TR or P2WSH output.
pub const OUTPUT_WEIGHT: u64 = 4 * 43;
/// Maximum weight of a version 3 transaction (BIP 431).
pub(super) const MAX_TRUC_WEIGHT: u64 = 4 * MAX_TRUC_VSIZE;

/// What the first party, which opened the channel, pays from its balance in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenerCosts {
    /// Satoshi per 1,000 weight units of the transaction that pays the state.
    pub feerate_per_kw: u64,
    /// Satoshi in anchor outputs.
    pub anchors: u64,
}

/// Weight of the transaction that pays a state, with its witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Weight units without the outputs that are counted below.
    pub frame: u64,
    /// Weight units of a balance's output.
    pub balance: u64,
    /// Weight units of an HTLC's output.
    pub htlc: u64,
    /// Maximum weight units.
    pub most: u64,
}

/// The conditions of a construction for its next state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Satoshi in the funding output.
    pub capacity: u64,
    /// Number of parties. Each has a balance, and HTLCs are between two of them.
    pub parties: usize,
    /// Number of channels inside this one. Their balances follow those of the parties.
    pub channels: usize,
    /// Least balance that has an output.
    pub least_balance: u64,
    /// Least HTLC that has an output: in a transaction that its sender publishes, and in one that its recipient publishes. Both are the
    /// dust limit of the claim's output and the fee that the claim pays.
    pub least_htlc: [u64; 2],
    /// Maximum satoshi in balances and HTLCs that have no output.
    pub most_trimmed: u64,
    /// Maximum number of HTLCs that one party sends.
    pub most_offered: usize,
    /// Fee and anchors that the first party pays.
    pub opener: OpenerCosts,
    /// Weight of the transaction that pays the state.
    pub size: Size,
    /// Blocks from the decision to close the channel until the claim of an HTLC is confirmed.
    pub claim_delay: u32,
}

/// The reason why a content is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unacceptable {
    /// The number of balances is wrong.
    Balances {
        /// Number of balances in the content.
        found: usize,
        /// Number of parties and of channels inside.
        expected: usize,
    },
    /// Balances and HTLCs do not add up to the capacity.
    Sum {
        /// The sum of the content.
        found: u64,
        /// Satoshi in the funding output.
        capacity: u64,
    },
    /// An HTLC is not between two different parties.
    Parties {
        /// Position of the HTLC.
        htlc: usize,
    },
    /// An HTLC has no amount.
    NoAmount {
        /// Position of the HTLC.
        htlc: usize,
    },
    /// An HTLC expires too early, or its expiry is not a height.
    Expiry {
        /// Position of the HTLC.
        htlc: usize,
        /// Its expiry.
        expiry: u32,
        /// The least expiry that is accepted now.
        least: u32,
    },
    /// A channel inside this one is too small.
    Channel {
        /// Position of the channel.
        channel: usize,
        /// Its capacity.
        sat: u64,
    },
    /// One party sends too many HTLCs.
    Offered {
        /// The party.
        party: usize,
        /// Number of HTLCs that it sends.
        found: usize,
        /// Maximum.
        most: usize,
    },
    /// The first party cannot pay the fee and the anchors.
    Opener {
        /// Its balance.
        sat: u64,
        /// Fee and anchors.
        needed: u64,
    },
    /// Too much is in balances and HTLCs that have no output.
    Trimmed {
        /// Satoshi without an output.
        sat: u64,
        /// Maximum.
        most: u64,
        /// Least balance that has an output.
        least_balance: u64,
        /// Least HTLC that has an output.
        least_htlc: u64,
    },
    /// No balance and no HTLC has an output.
    NoOutput,
    /// The transaction that pays the state is too heavy.
    Weight {
        /// Weight units.
        found: u64,
        /// Maximum.
        most: u64,
    },
}

impl fmt::Display for Unacceptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unacceptable::Balances { found, expected } => {
                write!(f, "the state has {found} balances, {expected} are needed")
            }
            Unacceptable::Sum { found, capacity } => {
                write!(f, "balances and HTLCs add up to {found} sat, not to {capacity}")
            }
            Unacceptable::Parties { htlc } => {
                write!(f, "HTLC {htlc} is not between two of the parties")
            }
            Unacceptable::NoAmount { htlc } => write!(f, "HTLC {htlc} pays nothing; 1 sat is the minimum"),
            Unacceptable::Expiry { htlc, expiry, least } => write!(
                f,
                "HTLC {htlc} expires at {expiry}; a claim needs an expiry from {least} to {}: earlier ones may pass before \
                 the claim confirms, and later ones are times",
                LOCK_TIME_THRESHOLD - 1
            ),
            Unacceptable::Channel { channel, sat } => {
                write!(f, "channel {channel} has a capacity of {sat} sat; {} is the minimum", FUNDING.least)
            }
            Unacceptable::Offered { party, found, most } => {
                write!(f, "party {party} sends {found} HTLCs; {most} is the maximum")
            }
            Unacceptable::Opener { sat, needed } => {
                write!(f, "party 0 has {sat} sat and pays {needed} sat for the fee and the anchors")
            }
            Unacceptable::Trimmed { sat, most, least_balance, least_htlc } => write!(
                f,
                "{sat} sat have no output; {most} is the maximum: a balance needs {least_balance} sat for an output, an HTLC \
                 {least_htlc}"
            ),
            Unacceptable::NoOutput => f.write_str("no balance and no HTLC is large enough for an output"),
            Unacceptable::Weight { found, most } => {
                write!(
                    f,
                    "the transaction that pays the state has {found} WU; {most} is the maximum: use fewer HTLCs"
                )
            }
        }
    }
}

impl core::error::Error for Unacceptable {}

/// A content that satisfies the terms of its construction. Only [`Content::accept`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Accepted(Content);

impl Deref for Accepted {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.0
    }
}

impl Content {
    /// Checks every rule for a state that is agreed on while the chain has this height. Nothing is signed before.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Content`] with the rule that the content breaks, the amount, and what is allowed.
    pub fn accept(self, terms: &Terms, height: u32) -> Result<Accepted, ChannelError> {
        terms.check(&self, height).map_err(ChannelError::Content)?;
        Ok(Accepted(self))
    }
}

/// The parts of a transaction that pays a state.
#[derive(Default)]
struct Paid {
    /// Number of outputs of balances.
    balances: u64,
    /// Number of outputs of HTLCs.
    htlcs: u64,
    /// Satoshi without an output.
    trimmed: u64,
}

impl Terms {
    /// Weight units of a transaction with so many outputs for balances and HTLCs.
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
            // A channel without an output of its own is lost with all that its members have in it.
            if *sat < FUNDING.least {
                return Err(Unacceptable::Channel { channel, sat: *sat });
            }
        }
        // Where sides have transactions of their own, both must be right.
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

    /// The outputs of the transaction that `publisher` publishes.
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

    /// Satoshi that the first party pays for a transaction with so many HTLC outputs.
    const fn opener_pays(&self, htlcs: u64) -> u64 {
        let fee = self.weight(0, htlcs).saturating_mul(self.opener.feerate_per_kw) / 1_000;
        fee.saturating_add(self.opener.anchors)
    }
}

/// Weight units of a transaction whose only input has this witness.
pub(super) fn weight_with(mut tx: Transaction, witness: &[Vec<u8>]) -> u64 {
    set_witness(&mut tx, 0, witness);
    weight(&tx)
}

/// Blocks until so many transactions are confirmed one after the other, with locks of `locks` blocks between them.
pub(super) fn blocks_until_claimed(locks: u32, transactions: u32) -> u32 {
    locks.saturating_add(u32::from(CONFIRM_BLOCKS).saturating_mul(transactions))
}

#[cfg(test)]
mod tests;
