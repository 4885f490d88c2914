//! Offering claims block by block until they are confirmed.

use std::collections::BTreeMap;

use bitcoin::{OutPoint, ScriptBuf, Transaction};

use super::offer::{Offer, Outcome};
use super::{Claim, Deadline, Orders, Purpose, SharedGuard, View};
use crate::chain::{Chain, Reject};
use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};
use crate::wallet::Wallet;

/// Blocks before a deadline in which a fee rises to what is at stake.
const LAST_BLOCKS: u32 = 12;
/// A raise by a quarter, in quarters.
const QUARTER: u64 = 5;

/// What a publisher saw and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// There is an output to claim that was not there before.
    Saw {
        /// The output.
        coin: OutPoint,
        /// What would be published.
        label: &'static str,
    },
    /// The mempool took an offer, or a higher one for the same output.
    Offered {
        /// The output.
        coin: OutPoint,
        /// What was published.
        label: &'static str,
        /// Satoshi per virtual byte, with the child if there is one.
        rate: u64,
        /// Satoshi.
        fee: u64,
    },
    /// The mempool refused an offer. A higher one follows after the next block.
    Refused {
        /// The output.
        coin: OutPoint,
        /// Why.
        reject: Reject,
    },
    /// To replace what is in the mempool costs more than what is at stake, or than the coins at hand.
    Outbid {
        /// The output.
        coin: OutPoint,
        /// Satoshi.
        needed: u64,
    },
    /// An offer could not be built. The other claims are not affected.
    Failed {
        /// The output.
        coin: OutPoint,
        /// Why.
        error: ChannelError,
    },
    /// Nothing is left to claim.
    Done,
}

/// What is remembered of a claim from block to block.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bid {
    purpose: Purpose,
    /// The scripts that the offer pays to: what spends the output without paying to them is another transaction.
    pays_to: Vec<ScriptBuf>,
    /// Satoshi per virtual byte.
    rate: u64,
    /// The height at which it was offered.
    offered: Option<u32>,
}

impl Bid {
    /// Whether an answer lost its output to another transaction.
    fn is_outpaced(&self, view: View<'_>, coin: &OutPoint) -> bool {
        let other = |tx: &Transaction| {
            let mut outputs = tx.output.iter();
            !self.pays_to.iter().all(|script| outputs.next().is_some_and(|out| out.script_pubkey == *script))
        };
        self.purpose == Purpose::Answer && view.confirmed_spend(coin).is_some_and(|spend| other(spend.tx))
    }
}

/// A party that publishes what its guard claims, and pays for it with a wallet.
#[derive(Clone, Debug)]
pub struct Publisher {
    guard: SharedGuard,
    wallet: Wallet,
    orders: Orders,
    /// Maximum that all fees together may take from the wallet; none where each claim's stake is the only limit.
    budget: Option<u64>,
    market: u64,
    bids: BTreeMap<OutPoint, Bid>,
}

impl Publisher {
    /// A publisher that bids at `market` sat/vB first. Its wallet's coins are those that the chain has for its script.
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

    /// The same publisher, whose wallet pays no more than this for all claims together.
    #[must_use]
    pub fn with_budget(self, budget: u64) -> Publisher {
        Publisher { budget: Some(budget), ..self }
    }

    /// The guard.
    pub fn guard(&self) -> &SharedGuard {
        &self.guard
    }

    /// The wallet that pays.
    pub fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// A copy of what the owner knows and wants.
    pub(super) fn wanted(&self) -> Orders {
        self.orders.clone()
    }

    /// What the owner knows and wants.
    pub fn orders(&mut self) -> &mut Orders {
        &mut self.orders
    }

    /// The feerate that blocks take now, in sat/vB: no bid is lower.
    pub fn set_market(&mut self, rate: u64) {
        self.market = rate.max(1);
    }

    /// Goes on with another record. Bids are kept: what the old record began, the new one goes on with.
    pub fn replace(&mut self, guard: SharedGuard) {
        self.guard = guard;
    }

    /// What the publisher remembers from block to block beside its guard.
    pub(crate) fn remembered(&self) -> impl core::fmt::Debug + '_ {
        (self.guard.rank(), &self.orders, &self.bids)
    }

    /// What would be published now, with what waits for a lock.
    ///
    /// # Errors
    ///
    /// As [`super::Guard::claims`].
    pub fn claims(&self, chain: &Chain) -> Result<Vec<Claim>, ChannelError> {
        self.guard.claims(View::new(chain), &self.orders)
    }

    /// Looks at the chain, and offers every claim whose locks are over, at a higher feerate than after the block before. Looking again
    /// before the next block raises nothing.
    ///
    /// # Errors
    ///
    /// As [`super::Guard::claims`]. What concerns one claim alone is an event.
    pub fn look(&mut self, chain: &mut Chain) -> Result<Vec<Event>, ChannelError> {
        let claims = self.claims(chain)?;
        let before = core::mem::take(&mut self.bids);
        let mut events = Vec::new();
        if claims.is_empty() && !before.is_empty() {
            events.push(Event::Done);
        }
        // An answer to a newer old state goes on where the answer to the one before ended.
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

    /// Offers a claim, if its locks are over.
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
            // A publisher that was started again goes on where its own offer stands.
            Ok(Outcome::Kept { rate }) => bid.rate = bid.rate.max(rate),
            Ok(Outcome::Refused(reject @ Reject::Truc(_))) => {
                // Several children of one parent are there after a reorganisation.
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

    /// What the wallet may still pay: its budget less what confirmed transactions took from it, and what others in the mempool take than
    /// those that the offer replaces.
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

/// The next feerate of a claim: a quarter more, or before a deadline the least factor that reaches, in the blocks that are left, what is
/// lost then.
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
    // Beyond what is at stake a higher rate means nothing.
    times(rate, factor, 1).min(most.max(rate))
}

/// A feerate after so many raises by a factor in quarters.
fn times(rate: u64, factor: u64, raises: u32) -> u64 {
    (0..raises).fold(rate, |rate, _| rate.saturating_mul(factor).div_ceil(4))
}
