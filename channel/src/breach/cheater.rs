//! Models a cheater that floods blocks or pays miners only when it expects to profit.
//!
//! The cheater knows the victim's strategy and the statistical model of the fee market, but not future
//! feerates. The expected gain of keeping out the justice transaction is computed backwards from the end of
//! the delay, on a grid of feerates. One approximation: the plan assumes that the cheater's funds outside the
//! channel never run out. In the simulation, the flood of each block must fit the remaining funds.

use super::{BLOCK_SIZE, Game, Miners, SETTLE_SIZE, Strategy};
use crate::chain::FeeMarket;

/// Persistence of the feerate in all games, as defined by [`FeeMarket::new`]. `VOLATILITY` is another parameter of
/// this function.
pub(super) const PERSISTENCE: f64 = 0.98;
pub(super) const VOLATILITY: f64 = 0.08;
/// Number of feerates in the grid on which the cheater's plan is computed. `STEP` is the distance between two of
/// these feerates, in natural logarithms.
const POINTS: usize = 60;
const STEP: f64 = 0.12;
/// Distance of the lowest feerate of the grid below the mean feerate, in natural logarithms.
const BELOW: f64 = 1.8;

/// Returns the fee market of a game.
pub(super) fn market(game: &Game, seed: u64) -> FeeMarket {
    FeeMarket::new(seed, game.mean_rate, PERSISTENCE, VOLATILITY).with_backlog(game.backlog)
}

/// Returns the cost, in satoshi, of filling a block with transactions that pay the feerate of the justice fee `bid`.
/// Only the part above the market feerate `rate` counts.
pub(super) fn flood(game: &Game, bid: f64, rate: f64) -> f64 {
    (bid / game.size() - rate).max(0.0) * BLOCK_SIZE
}

/// Simulates one block after the end of the delay, in which both the justice transaction and the cheater's settlement
/// (the transaction that pays the old balances) can confirm. Each side bids up to its limit. The transaction that
/// pays more above the market feerate `rate` wins.
///
/// Returns whether the justice transaction wins, and the fee of the winner in satoshi. Returns `None` if neither side
/// can pay the market feerate.
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

/// The expected gains of a cheater that keeps the justice transaction out of a block, for each block of the delay and
/// for each feerate of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    mean: f64,
    /// Cheater's expected gain, in satoshi, from a block on, if the justice transaction has not confirmed before. The
    /// outer index is the block, the inner index a feerate of the grid. Empty if the cheater neither floods blocks
    /// nor pays colluding miners.
    values: Vec<[f64; POINTS]>,
}

impl Plan {
    /// Computes the cheater's optimal plan against a victim's strategy. The plan is empty if the cheater has no
    /// outside funds and does not pay colluding miners.
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

    /// Returns the cheater's expected gain in the next block, in satoshi, if the current feerate is grid point `nth`.
    /// `next` contains the gain for each feerate of the next block. Three weighted outcomes, which have the same mean
    /// and variance as the market model, approximate the random change of the feerate.
    fn expected(&self, next: &[f64; POINTS], nth: usize) -> f64 {
        let place = f64::from(u32::try_from(nth).unwrap_or_default()) * STEP - BELOW;
        let pushed = VOLATILITY * 3.0f64.sqrt();
        let at = |push: f64| Self::interpolate(next, PERSISTENCE * place + push);
        (at(-pushed) + 4.0 * at(0.0) + at(pushed)) / 6.0
    }

    /// Interpolates the cheater's expected gain at a feerate that lies between two feerates of the grid. `values`
    /// contains one gain for each feerate of the grid. `deviation` is the logarithm of the feerate minus the logarithm
    /// of the mean.
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

    /// Returns the highest cost, in satoshi, at which the cheater profits from keeping the justice transaction out of
    /// `block`. It is the expected gain from the next block on, plus the balance that the cheater would lose if the
    /// justice transaction confirmed. Returns `None` if the plan is empty.
    pub(super) fn worth(&self, game: &Game, block: u32, rate: f64) -> Option<f64> {
        let next = self.values.get(usize::try_from(block).ok()?.checked_add(1)?)?;
        let deviation = PERSISTENCE * (rate.max(0.001).ln() - self.mean);
        Some(Self::interpolate(next, deviation) + game.reserve())
    }
}
