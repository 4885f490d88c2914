//! A cheater that floods or bribes only where it expects to gain by it.
//!
//! It knows the victim's strategy and the market's law, not the market's next move. What going on is worth is computed backwards from the
//! delay's end, on a grid of rates. One approximation: the plan takes it that the money outside lasts; each block's flood must fit what is
//! left.

use super::{BLOCK_SIZE, Game, Miners, SETTLE_SIZE, Strategy};
use crate::chain::FeeMarket;

/// How the market's logarithm moves.
pub(super) const PERSISTENCE: f64 = 0.98;
pub(super) const VOLATILITY: f64 = 0.08;
/// Points of the grid, and the distance between them in natural logarithms.
const POINTS: usize = 60;
const STEP: f64 = 0.12;
/// The grid begins this far below the mean.
const BELOW: f64 = 1.8;

/// The market of a game.
pub(super) fn market(game: &Game, seed: u64) -> FeeMarket {
    FeeMarket::new(seed, game.mean_rate, PERSISTENCE, VOLATILITY).with_backlog(game.backlog)
}

/// What it costs to fill a block above a bid.
pub(super) fn flood(game: &Game, bid: f64, rate: f64) -> f64 {
    (bid / game.size() - rate).max(0.0) * BLOCK_SIZE
}

/// Who wins when both paths are open, and the fee: each bids up to its limit, and the block takes what leaves more above the market.
pub(super) fn auction(game: &Game, strategy: Strategy, rate: f64) -> Option<(bool, f64)> {
    let (justice, settle) = (rate * game.size(), rate * SETTLE_SIZE);
    let victim = strategy.last_bid(game) - justice;
    let cheater = game.prize() - settle;
    match (victim >= 0.0, cheater >= 0.0) {
        (false, false) => None,
        _ if victim >= cheater => Some((true, justice + cheater.max(0.0))),
        _ => Some((false, settle + victim.max(0.0))),
    }
}

/// What going on is worth to the cheater, by block and rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    mean: f64,
    /// For each block, the value at each point; empty if the cheater has nothing to decide.
    values: Vec<[f64; POINTS]>,
}

impl Plan {
    /// The best plan against a strategy. A cheater without money outside and without miners to pay has nothing to decide.
    pub fn new(game: &Game, strategy: Strategy) -> Plan {
        let mean = game.mean_rate.max(0.001).ln();
        let pays = matches!(game.miners, Miners::Colluding(_, price) if price > 0);
        let mut plan = Plan { mean, values: Vec::new() };
        if game.outside == 0 && !pays {
            return plan;
        }
        let rates: [f64; POINTS] = std::array::from_fn(|nth| plan.rate(nth));
        let last = rates.map(|rate| {
            let (share, _) = game.left_out(strategy.last_bid(game));
            let alone = game.prize() - rate * SETTLE_SIZE;
            let won = |fee: f64| game.prize() - game.reserve() - fee;
            let open = match auction(game, strategy, rate) {
                Some((false, fee)) => won(fee),
                _ => -game.reserve(),
            };
            share * if alone > 0.0 { won(game.prize() - alone) } else { -game.reserve() }
                + (1.0 - share) * open
        });
        let mut next = last;
        plan.values.push(last);
        for block in (0..game.delay).rev() {
            let mut value = [0.0; POINTS];
            for (nth, (slot, rate)) in value.iter_mut().zip(rates).enumerate() {
                let go = plan.expected(&next, nth);
                let bid = strategy.wish(game, block, rate, rate);
                if bid < rate * game.size() {
                    *slot = go;
                    continue;
                }
                let (share, price) = game.left_out(bid);
                let stop = share * (go - price).max(-game.reserve()) + (1.0 - share) * -game.reserve();
                let cost = flood(game, bid, rate);
                let flooded = if cost <= super::precise(game.outside) { go - cost } else { f64::MIN };
                *slot = stop.max(flooded);
            }
            next = value;
            plan.values.push(value);
        }
        plan.values.reverse();
        plan
    }

    fn rate(&self, nth: usize) -> f64 {
        let place = f64::from(u32::try_from(nth).unwrap_or_default());
        (self.mean - BELOW + place * STEP).exp()
    }

    /// The value in the next block, from a point of this one: three moves that have the push's mean and spread.
    fn expected(&self, next: &[f64; POINTS], nth: usize) -> f64 {
        let place = f64::from(u32::try_from(nth).unwrap_or_default()) * STEP - BELOW;
        let pushed = VOLATILITY * 3.0f64.sqrt();
        let at = |push: f64| Self::interpolate(next, PERSISTENCE * place + push);
        (at(-pushed) + 4.0 * at(0.0) + at(pushed)) / 6.0
    }

    /// The value at a deviation from the mean.
    fn interpolate(values: &[f64; POINTS], deviation: f64) -> f64 {
        let place = ((deviation + BELOW) / STEP).max(0.0);
        let mut left = place;
        let mut pairs = values.windows(2);
        while let Some([low, high]) = pairs.next() {
            if left <= 1.0 {
                return low + (high - low) * left;
            }
            left -= 1.0;
        }
        values.last().copied().unwrap_or_default()
    }

    /// What it is worth to keep the justice out of this block, beside what is lost if it gets in.
    pub(super) fn worth(&self, game: &Game, block: u32, rate: f64) -> Option<f64> {
        let next = self.values.get(usize::try_from(block).ok()?.checked_add(1)?)?;
        let deviation = PERSISTENCE * (rate.max(0.001).ln() - self.mean);
        Some(Self::interpolate(next, deviation) + game.reserve())
    }
}
