//! Simulates breach games, and averages the results of many games.

use super::cheater::{auction, flood, market};
use super::{COMMIT_SIZE, Game, Miners, Payer, Plan, SETTLE_SIZE, Strategy, precise};
use crate::chain::FeeMarket;

/// Result of one breach game.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Whether the justice transaction confirmed, before or after the end of the delay.
    pub justice: bool,
    /// Index of the block that confirmed the justice transaction or the settlement. Index 0 is the block after the one
    /// that confirmed the old commitment transaction. If neither transaction confirmed, `block` is the delay.
    pub block: u32,
    /// Fee of the confirmed justice transaction or settlement in satoshi, or 0 if neither confirmed.
    pub fee: f64,
    /// Victim's gain in satoshi, measured against its balance in the latest state.
    pub victim: f64,
    /// Cheater's gain in satoshi, measured against its balance in the latest state.
    pub cheater: f64,
    /// Watchtower's gain in satoshi: the bonus that it receives from the justice transaction, minus the fee that it
    /// paid. 0 if the victim pays the fee itself.
    pub tower: f64,
    /// Satoshi that the cheater paid for filling blocks with its own transactions (floods) and to miners.
    pub burnt: f64,
}

/// Blocks simulated after the delay expires, while the justice transaction and the cheater's settlement compete.
const PATIENCE: u32 = 2_016;

/// Simulates one breach game. The same arguments always give the same outcome.
pub fn play(game: &Game, strategy: Strategy, plan: &Plan, seed: u64) -> Outcome {
    let mut market = market(game, seed);
    let mut chance = FeeMarket::new(seed ^ 0x5bd1_e995, 1.0, 0.0, 0.0);
    let size = game.size();
    let (mut bid, mut burnt, mut last) = (0.0f64, 0.0f64, game.mean_rate * game.backlog);
    // Highest justice fee that bribed miners declined so far. The bribe must pay them more than this fee.
    let mut passed = 0.0f64;
    for block in 0..game.delay {
        let rate = market.next().unwrap_or(game.mean_rate);
        // A new bid must also pay the incremental relay feerate for its own size.
        let wish = strategy.wish(game, block, last, rate);
        if bid <= 0.0 || wish >= bid + game.incremental * size {
            bid = wish.max(bid);
        }
        last = rate;
        let draw = chance.uniform();
        if bid <= 0.0 || bid < rate * size {
            continue;
        }
        let worth = plan.worth(game, block, rate);
        let cost = flood(game, bid, rate);
        if worth.is_some_and(|worth| cost < worth) && burnt + cost <= precise(game.outside) {
            burnt += cost;
            continue;
        }
        let (share, price) = game.left_out(bid);
        if draw < share && worth.is_none_or(|worth| price < worth) {
            burnt += price;
            passed = passed.max(bid);
            continue;
        }
        return confirmed(game, block, bid, burnt);
    }
    for block in game.delay..game.delay.saturating_add(PATIENCE) {
        let rate = market.next().unwrap_or(game.mean_rate);
        let (share, _) = game.left_out(strategy.last_bid(game));
        let open = match chance.uniform() < share {
            true => (game.prize() >= rate * SETTLE_SIZE).then_some((false, rate * SETTLE_SIZE)),
            false => auction(game, strategy, rate),
        };
        match open {
            Some((true, fee)) => return confirmed(game, block, fee, burnt),
            Some((false, fee)) => return cheated(game, block, fee, burnt, passed),
            None => {}
        }
    }
    // Neither transaction was worth its fee in any of these blocks.
    Outcome { justice: false, block: game.delay, fee: 0.0, victim: 0.0, cheater: -burnt, tower: 0.0, burnt }
}

fn confirmed(game: &Game, block: u32, fee: f64, burnt: f64) -> Outcome {
    let bonus = game.bonus(block);
    let (victim, tower) = match game.payer {
        Payer::Victim => (game.reserve() - fee, 0.0),
        Payer::Fixed { .. } => (game.reserve() - bonus, bonus - fee),
    };
    Outcome { justice: true, block, fee, victim, cheater: -game.reserve() - burnt, tower, burnt }
}

fn cheated(game: &Game, block: u32, fee: f64, burnt: f64, passed: f64) -> Outcome {
    let bribe = match game.miners {
        Miners::Bribed(_, each) if each > 0.0 => passed / each,
        _ => 0.0,
    };
    let gain = game.prize() - game.reserve();
    let burnt = burnt + bribe;
    Outcome { justice: false, block, fee, victim: -gain, cheater: gain - fee - burnt, tower: 0.0, burnt }
}

/// Averages of the results of many breach games.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// Share of games in which the justice transaction confirmed before the delay expired.
    pub in_time: f64,
    /// Share of games in which the victim lost nothing.
    pub whole: f64,
    /// Share of games in which the justice transaction did not confirm.
    pub cheated: f64,
    /// Victim's mean gain per game, in satoshi.
    pub victim: f64,
    /// Cheater's mean gain per game, in satoshi.
    pub cheater: f64,
    /// Watchtower's mean gain per game in satoshi: the bonus that it receives from the justice transaction, minus the
    /// fee that it paid. 0 if the victim pays the fee itself.
    pub tower: f64,
    /// Mean fee in satoshi of the justice transactions that confirmed.
    pub fee: f64,
    /// Mean amount in satoshi that the cheater paid per game, for filling blocks with its own transactions (floods)
    /// and to miners.
    pub burnt: f64,
}

/// Simulates `games` games, with seeds derived from `seed`, and returns the averages.
pub fn estimate(game: &Game, strategy: Strategy, games: u32, seed: u64) -> Stats {
    let plan = Plan::new(game, strategy);
    let (mut sum, mut confirmed) = (Stats::default(), 0.0);
    for nth in 0..games {
        let outcome = play(game, strategy, &plan, nth_seed(seed, nth));
        let count = |met: bool| f64::from(u8::from(met));
        sum.in_time += count(outcome.justice && outcome.block < game.delay);
        sum.whole += count(outcome.victim >= 0.0);
        sum.cheated += count(!outcome.justice);
        sum.victim += outcome.victim;
        sum.cheater += outcome.cheater;
        sum.tower += outcome.tower;
        sum.burnt += outcome.burnt;
        sum.fee += if outcome.justice { outcome.fee } else { 0.0 };
        confirmed += count(outcome.justice);
    }
    let share = 1.0 / f64::from(games.max(1));
    let fee = if confirmed > 0.0 { sum.fee / confirmed } else { 0.0 };
    let Stats { in_time, whole, cheated, victim, cheater, tower, burnt, .. } = sum;
    Stats {
        in_time: in_time * share,
        whole: whole * share,
        cheated: cheated * share,
        victim: victim * share,
        cheater: cheater * share,
        tower: tower * share,
        burnt: burnt * share,
        fee,
    }
}

pub(super) fn nth_seed(seed: u64, nth: u32) -> u64 {
    seed.wrapping_add(u64::from(nth).wrapping_mul(0x9e37_79b9))
}

/// Mean gains of the victim's two options while the cheater's old commitment transaction is unconfirmed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Race {
    /// Victim's mean gain in satoshi if it lets the old commitment transaction confirm and then punishes it.
    pub let_confirm: f64,
    /// Victim's mean gain in satoshi if it replaces the old commitment transaction by its own latest one. The model
    /// assumes that the cheater does not respond with a higher fee for the old transaction. If the old transaction
    /// confirmed that way, the victim, which is online, could punish it, and the cheater would lose its balance of the
    /// latest state.
    pub publish_own: f64,
}

/// Computes the victim's mean gain for its two options against the cheater's unconfirmed old commitment transaction:
/// let it confirm and punish it, or replace it. Both options are simulated with the same fee markets.
pub fn race(game: &Game, strategy: Strategy, games: u32, seed: u64) -> Race {
    let mut own = 0.0;
    for nth in 0..games {
        let mut market = market(game, nth_seed(seed, nth));
        // The commitment and its child pay the market rate and replace the cheater's package. The settlement
        // follows after the delay.
        let now = market.next().unwrap_or(game.mean_rate);
        let later = market.nth(usize::try_from(game.delay).unwrap_or_default()).unwrap_or(game.mean_rate);
        own -= (now + game.incremental) * COMMIT_SIZE + later * SETTLE_SIZE;
    }
    Race {
        let_confirm: estimate(game, strategy, games, seed).victim,
        publish_own: own / f64::from(games.max(1)),
    }
}
