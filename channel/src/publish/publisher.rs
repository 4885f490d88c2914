//! Submits the transactions of claims to the mempool, and raises their fees block by block until they confirm.

use std::collections::BTreeMap;

use bitcoin::{OutPoint, ScriptBuf, Transaction};

use super::offer::{LAST_BLOCKS, Offer, Outcome};
use super::{Claim, Deadline, Orders, Purpose, SharedGuard, View};
use crate::chain::{Chain, Reject};
use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};
use crate::wallet::Wallet;

/// Factor by which a claim's feerate normally rises after a block that does not contain its transaction, in quarters
/// (5/4).
const QUARTER: u64 = 5;

/// Something that a publisher found or did when it checked the chain, such as a new claim or a refused transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A claim exists now that did not exist at the previous check.
    Saw {
        /// An output that the new claim's transaction spends. It identifies the claim.
        coin: OutPoint,
        /// Short description of the new claim's transaction, such as "settlement" or "justice".
        label: &'static str,
    },
    /// The mempool accepted the claim's transaction, either for the first time or as a replacement with a higher fee.
    Offered {
        /// An output that the accepted transaction spends. It identifies the claim.
        coin: OutPoint,
        /// Short description of the accepted transaction, such as "settlement" or "justice".
        label: &'static str,
        /// Feerate of the accepted transaction in sat/vB, including the fee-paying child if there is one.
        rate: u64,
        /// Fee of the accepted transaction in satoshi, including the fee-paying child if there is one.
        fee: u64,
    },
    /// The mempool refused the claim's transaction. It is submitted again with a higher fee after the next block.
    Refused {
        /// An output that the refused transaction spends. It identifies the claim.
        coin: OutPoint,
        /// Reason for which the mempool refused the transaction.
        reject: Reject,
    },
    /// Replacing the conflicting transactions in the mempool costs more than the claim pays now. The claim pays more
    /// after later blocks, but never more than its stake or than the wallet has.
    Outbid {
        /// An output that the claim's transaction and the conflicting transactions spend. It identifies the claim.
        coin: OutPoint,
        /// Fee in satoshi that is needed to replace the conflicting transactions.
        needed: u64,
    },
    /// The claim's transaction could not be built. Other claims are not affected.
    Failed {
        /// An output that the claim's transaction would spend. It identifies the claim.
        coin: OutPoint,
        /// Reason for which the claim's transaction could not be built.
        error: ChannelError,
    },
    /// No claims are left. There were some at the previous check.
    Done,
}

/// Data about a claim that the publisher keeps from one block to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bid {
    purpose: Purpose,
    /// Output scripts of the claim's transaction. If the claimed output is spent by a transaction that does not pay to
    /// these scripts, that transaction is not the claim's.
    pays_to: Vec<ScriptBuf>,
    /// Feerate of the claim's last submitted transaction, in sat/vB.
    rate: u64,
    /// Chain height at which the claim's transaction was last submitted. `None` if it was never submitted.
    offered: Option<u32>,
}

impl Bid {
    /// Returns whether the claim answered an old state, but another transaction has confirmed that spends the same
    /// output.
    fn is_outpaced(&self, view: View<'_>, coin: &OutPoint) -> bool {
        let other = |tx: &Transaction| {
            let mut outputs = tx.output.iter();
            !self.pays_to.iter().all(|script| outputs.next().is_some_and(|out| out.script_pubkey == *script))
        };
        self.purpose == Purpose::Answer && view.confirmed_spend(coin).is_some_and(|spend| other(spend.tx))
    }
}

/// Publishes the claims that a guard computes, and pays their fees from a wallet.
#[derive(Clone, Debug)]
pub struct Publisher {
    guard: SharedGuard,
    wallet: Wallet,
    orders: Orders,
    /// Maximum that the wallet may pay for the fees of all claims together, in satoshi. `None` if there is no such
    /// limit. Each fee is also limited by the claim's stake.
    budget: Option<u64>,
    market: u64,
    bids: BTreeMap<OutPoint, Bid>,
}

impl Publisher {
    /// Creates a publisher that first submits claims at `market` sat/vB. The wallet's coins are the unspent outputs
    /// that pay to its script.
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

    /// Returns this publisher with a limit on the fees that its wallet pays for all claims together, in satoshi.
    #[must_use]
    pub fn with_budget(self, budget: u64) -> Publisher {
        Publisher { budget: Some(budget), ..self }
    }

    /// Returns the guard whose claims are published.
    pub fn guard(&self) -> &SharedGuard {
        &self.guard
    }

    /// Returns the wallet that pays the fees of claims.
    pub fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// Returns a copy of the party's orders to the guard: known preimages, and whether to close the channel.
    pub(super) fn wanted(&self) -> Orders {
        self.orders.clone()
    }

    /// Returns the party's orders to the guard, so that the caller can add preimages or request that the channel is
    /// closed.
    pub fn orders(&mut self) -> &mut Orders {
        &mut self.orders
    }

    /// Sets the feerate that a transaction currently needs to get into a block, in sat/vB. Claims are submitted at this
    /// feerate or a higher one, unless their stake or the wallet's budget limits the fee.
    pub fn set_market(&mut self, rate: u64) {
        self.market = rate.max(1);
    }

    /// Replaces the guard by one that is built from a newer record. The feerates of claims are kept, so the new guard
    /// continues where the old one stopped.
    pub fn replace(&mut self, guard: SharedGuard) {
        self.guard = guard;
    }

    /// Returns everything that the publisher keeps between blocks: how new the guard's record is, the party's orders,
    /// and the data about each claim.
    pub(crate) fn remembered(&self) -> impl core::fmt::Debug + '_ {
        (self.guard.rank(), &self.orders, &self.bids)
    }

    /// Returns the claims that the guard makes now, including those that must still wait for a lock.
    ///
    /// # Errors
    ///
    /// The errors of [`super::Guard::claims`].
    pub fn claims(&self, chain: &Chain) -> Result<Vec<Claim>, ChannelError> {
        self.guard.claims(View::new(chain), &self.orders)
    }

    /// Checks the chain and submits the transaction of every claim whose locks are satisfied, normally at a higher
    /// feerate than after the previous block. A second call before the next block raises no fee.
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
        // If the peer then publishes a newer old state, its answer starts at the feerate that the previous answer had
        // reached.
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

    /// Submits the transaction of a claim if its locks are satisfied. `last` is the data about the claim that the
    /// previous check returned. Returns the data about the claim that the next check needs.
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
            // After a restart, the publisher continues from the feerate of its own transaction in the mempool.
            Ok(Outcome::Kept { rate }) => bid.rate = bid.rate.max(rate),
            Ok(Outcome::Refused(reject @ Reject::Truc(_))) => {
                // After a reorganization, a parent can have several children in the mempool.
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

    /// Returns the amount that the wallet may still pay, in satoshi. This is the budget minus what confirmed
    /// transactions and mempool transactions took from the wallet. Mempool transactions that the offer would replace do
    /// not count.
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

/// Returns the feerate at which a claim's transaction is submitted next, normally a quarter more than `rate`. Shortly
/// before a deadline, the feerate rises by a larger factor in each block. The factor is the smallest with which the fee
/// reaches the amount that would be lost before the deadline passes.
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
    // A fee above the amount at stake gains nothing.
    times(rate, factor, 1).min(most.max(rate))
}

/// Returns the feerate `rate` multiplied `raises` times by `factor`. The factor is given in quarters.
fn times(rate: u64, factor: u64, raises: u32) -> u64 {
    (0..raises).fold(rate, |rate, _| rate.saturating_mul(factor).div_ceil(4))
}
