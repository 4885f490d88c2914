//! Publishes claims and raises their fees block by block until they confirm.

use std::collections::BTreeMap;

use bitcoin::{OutPoint, ScriptBuf, Transaction};

use super::offer::{Offer, Outcome};
use super::{Claim, Deadline, Orders, Purpose, SharedGuard, View};
use crate::chain::{Chain, Reject};
use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};
use crate::wallet::Wallet;

/// Number of blocks before a deadline during which the fee rises to the amount at stake.
const LAST_BLOCKS: u32 = 12;
/// Factor of a raise by a quarter, in quarters.
const QUARTER: u64 = 5;

/// Something that a publisher saw or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A new output can be claimed.
    Saw {
        /// Output to claim.
        coin: OutPoint,
        /// Description of the transaction that would be published.
        label: &'static str,
    },
    /// The mempool accepted an offer, or a replacement with a higher fee for the same output.
    Offered {
        /// Claimed output.
        coin: OutPoint,
        /// Description of the published transaction.
        label: &'static str,
        /// Feerate in sat/vB, including the fee-paying child if there is one.
        rate: u64,
        /// Fee in satoshi.
        fee: u64,
    },
    /// The mempool refused an offer. After the next block a higher one follows.
    Refused {
        /// Output to claim.
        coin: OutPoint,
        /// Reason for the refusal.
        reject: Reject,
    },
    /// Replacing the conflicting transactions in the mempool costs more than the amount at stake, or more than the available
    /// coins.
    Outbid {
        /// Output to claim.
        coin: OutPoint,
        /// Required fee in satoshi.
        needed: u64,
    },
    /// An offer could not be built. Other claims are not affected.
    Failed {
        /// Output to claim.
        coin: OutPoint,
        /// Reason for the failure.
        error: ChannelError,
    },
    /// No output is left to claim.
    Done,
}

/// Data about a claim that the publisher keeps between blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bid {
    purpose: Purpose,
    /// Output scripts of the offer. A transaction that spends the output without paying to these scripts is another transaction.
    pays_to: Vec<ScriptBuf>,
    /// Feerate of the last offer in sat/vB.
    rate: u64,
    /// Height at which the claim was last offered.
    offered: Option<u32>,
}

impl Bid {
    /// Returns whether this is an answer whose output was spent by another transaction.
    fn is_outpaced(&self, view: View<'_>, coin: &OutPoint) -> bool {
        let other = |tx: &Transaction| {
            let mut outputs = tx.output.iter();
            !self.pays_to.iter().all(|script| outputs.next().is_some_and(|out| out.script_pubkey == *script))
        };
        self.purpose == Purpose::Answer && view.confirmed_spend(coin).is_some_and(|spend| other(spend.tx))
    }
}

/// A party that publishes the claims of its guard and pays their fees from a wallet.
#[derive(Clone, Debug)]
pub struct Publisher {
    guard: SharedGuard,
    wallet: Wallet,
    orders: Orders,
    /// Maximum that all fees together may take from the wallet, in satoshi. `None` if only the stake of each claim limits its
    /// fee.
    budget: Option<u64>,
    market: u64,
    bids: BTreeMap<OutPoint, Bid>,
}

impl Publisher {
    /// Creates a publisher whose first bids pay `market` sat/vB. The coins of its wallet are the outputs of the chain that pay to
    /// the wallet's script.
    pub fn new(guard: SharedGuard, wallet: Wallet, market: u64) -> Publisher {
        Publisher {
            guard,
            wallet,
            orders: Orders::default(),
            budget: None,
            market: market.max(1),
            bids: BTreeMap::new(),
        }
    }

    /// Returns the publisher with a limit, in satoshi, on the fees that its wallet pays for all claims together.
    #[must_use]
    pub fn with_budget(self, budget: u64) -> Publisher {
        Publisher { budget: Some(budget), ..self }
    }

    /// Returns the guard whose claims are published.
    pub fn guard(&self) -> &SharedGuard {
        &self.guard
    }

    /// Returns the wallet that pays fees.
    pub fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// Returns a copy of the owner's orders.
    pub(super) fn wanted(&self) -> Orders {
        self.orders.clone()
    }

    /// Returns the owner's orders for modification: known preimages, and whether to close the channel.
    pub fn orders(&mut self) -> &mut Orders {
        &mut self.orders
    }

    /// Sets the feerate that blocks currently require, in sat/vB. No bid is lower.
    pub fn set_market(&mut self, rate: u64) {
        self.market = rate.max(1);
    }

    /// Replaces the guard by that of another record. Bids are kept, so the new guard continues what the old one began.
    pub fn replace(&mut self, guard: SharedGuard) {
        self.guard = guard;
    }

    /// Returns everything that the publisher keeps between blocks: the rank of the guard, the orders and the bids.
    pub(crate) fn remembered(&self) -> impl core::fmt::Debug + '_ {
        (self.guard.rank(), &self.orders, &self.bids)
    }

    /// Returns the current claims, including those that wait for a lock.
    ///
    /// # Errors
    ///
    /// The errors of [`super::Guard::claims`].
    pub fn claims(&self, chain: &Chain) -> Result<Vec<Claim>, ChannelError> {
        self.guard.claims(View::new(chain), &self.orders)
    }

    /// Checks the chain, and offers every claim whose locks are satisfied at a higher feerate than in the block before. A second
    /// look before the next block raises no fee.
    ///
    /// # Errors
    ///
    /// The errors of [`super::Guard::claims`]. A problem with a single claim is reported as an event instead.
    pub fn look(&mut self, chain: &mut Chain) -> Result<Vec<Event>, ChannelError> {
        let claims = self.claims(chain)?;
        let before = core::mem::take(&mut self.bids);
        let mut events = Vec::new();
        if claims.is_empty() && !before.is_empty() {
            events.push(Event::Done);
        }
        // An answer to a newer old state starts at the feerate at which the answer to the previous one ended.
        let outpaced = before.iter().filter(|(coin, bid)| bid.is_outpaced(View::new(chain), coin));
        let outpaced = outpaced.map(|(_, bid)| bid).max_by_key(|bid| bid.rate);
        for claim in &claims {
            let known = before.get(&claim.coin);
            if known.is_none() {
                events.push(Event::Saw { coin: claim.coin, label: claim.label() });
            }
            let last = known.or_else(|| outpaced.filter(|_| claim.purpose == Purpose::Answer));
            let bid = self.bid(chain, claim, last, &mut events);
            self.bids.insert(claim.coin, bid);
        }
        Ok(events)
    }

    /// Offers a claim if its locks are satisfied.
    fn bid(&self, chain: &mut Chain, claim: &Claim, last: Option<&Bid>, events: &mut Vec<Event>) -> Bid {
        let (coin, height) = (claim.coin, chain.height());
        let pays_to = claim.draft.tx.output.iter().map(|out| out.script_pubkey.clone()).collect();
        let mut bid = Bid { purpose: claim.purpose, pays_to, rate: self.market, offered: None };
        if let Some(last) = last {
            (bid.rate, bid.offered) = (last.rate.max(self.market), last.offered);
        }
        if claim.ready > height || mutated(Mutation::OfferedOnce) && bid.offered.is_some() {
            return bid;
        }
        let offer = match Offer::new(chain, &self.wallet, claim) {
            Ok(offer) => offer,
            Err(error) => {
                events.push(Event::Failed { coin, error });
                return bid;
            }
        };
        if bid.offered.is_some_and(|offered| offered < height) && !mutated(Mutation::NeverRaised) {
            bid.rate = raised(bid.rate, claim, offer.size(bid.rate), height);
        }
        bid.offered = Some(height);
        match offer.submit(chain, bid.rate, self.left(chain, &offer)) {
            Ok(Outcome::Offered { fee, size }) => {
                let rate = fee.checked_div(size).unwrap_or_default();
                bid.rate = bid.rate.max(rate);
                events.push(Event::Offered { coin, label: claim.label(), rate, fee });
            }
            // A restarted publisher continues from the feerate of its own offer in the mempool.
            Ok(Outcome::Kept { rate }) => bid.rate = bid.rate.max(rate),
            Ok(Outcome::Refused(reject @ Reject::Truc(_))) => {
                // After a reorganisation a parent can have several children in the mempool.
                events.push(match self.raise_child(chain, claim, bid.rate) {
                    Ok(Some((fee, size))) => {
                        let rate = fee.checked_div(size).unwrap_or_default();
                        Event::Offered { coin, label: "raised child", rate, fee }
                    }
                    Ok(None) => Event::Refused { coin, reject },
                    Err(error) => Event::Failed { coin, error },
                });
            }
            Ok(Outcome::Refused(reject)) => {
                if mutated(Mutation::RefusedIsForgotten) {
                    bid.offered = None;
                }
                events.push(Event::Refused { coin, reject });
            }
            Ok(Outcome::Outbid { needed }) => events.push(Event::Outbid { coin, needed }),
            Err(error) => events.push(Event::Failed { coin, error }),
        }
        bid
    }

    /// Returns the satoshi that the wallet may still pay: its budget minus what confirmed transactions took from it, and minus
    /// what other transactions in the mempool take. Transactions that the offer replaces do not count.
    fn left(&self, chain: &Chain, offer: &Offer<'_>) -> u64 {
        let Some(budget) = self.budget else { return u64::MAX };
        let script = self.wallet.script_pubkey();
        let sum = |outs: &[bitcoin::TxOut]| {
            let own = outs.iter().filter(|out| out.script_pubkey == *script);
            own.fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()))
        };
        let confirmed = chain.history().map(|confirmed| (&confirmed.prevouts, &confirmed.tx.output));
        let pending = chain.mempool().entries().filter(|entry| !offer.replaces(&entry.txid));
        let all = confirmed.chain(pending.map(|entry| (&entry.prevouts, &entry.tx.output)));
        let paid = all.map(|(spent, outputs)| sum(spent).saturating_sub(sum(outputs)));
        budget.saturating_sub(paid.fold(0, u64::saturating_add))
    }
}

/// Returns the next feerate of a claim, normally a quarter more. Shortly before a deadline the factor is larger: the smallest
/// with which the fee reaches the amount that would be lost, in the remaining blocks.
fn raised(rate: u64, claim: &Claim, size: u64, height: u32) -> u64 {
    let (rate, most) = (rate.max(1), claim.stake.div_ceil(size.max(1)));
    let left = |deadline: Deadline| (deadline.block.saturating_sub(height.saturating_add(1)), deadline.lost);
    let factor = match claim.deadline.map(left).filter(|(left, _)| *left <= LAST_BLOCKS) {
        Some((left, lost)) => {
            let enough = lost.div_ceil(size.max(1)).min(most);
            if left <= 1 && rate < enough {
                return enough;
            }
            let reaches = |factor: &u64| times(rate, *factor, left) >= enough;
            if left <= 1 { QUARTER } else { (QUARTER..).find(reaches).unwrap_or(QUARTER) }
        }
        None => QUARTER,
    };
    if mutated(Mutation::FeesAboveStake) {
        return times(rate, QUARTER, 1);
    }
    // A fee above the amount at stake is pointless.
    times(rate, factor, 1).min(most.max(rate))
}

/// Returns a feerate after `raises` raises by a factor that is given in quarters.
fn times(rate: u64, factor: u64, raises: u32) -> u64 {
    (0..raises).fold(rate, |rate, _| rate.saturating_mul(factor).div_ceil(4))
}
