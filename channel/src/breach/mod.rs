//! The breach game: a cheater's old commitment has confirmed; will the victim's justice transaction, in time, and at what fee?
//!
//! Block by block, for the delay T: the market asks a rate; a share of the miners takes bribes and leaves the justice out; the cheater may
//! flood blocks as long as its money outside lasts; the victim bids by a strategy, each bid a replacement that pays the
//! incremental rate on top. In the signed sequence form the cheater can publish nothing before T. From T on the two bid
//! against each other for the same output.

mod report;

pub use report::{BreachReport, report};

use crate::chain::FeeMarket;

/// Amounts in satoshi, rates in sat/vB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Game {
    /// In the channel.
    pub capacity: u64,
    /// The cheater's balance in the state that it published.
    pub cheater_old: u64,
    /// Its balance in the newest state.
    pub cheater_new: u64,
    /// Blocks until the cheater's own path opens.
    pub delay: u32,
    /// Virtual bytes of the justice transaction.
    pub justice_size: u64,
    /// The share of hash rate that leaves the justice out.
    pub colluding: f64,
    /// What the cheater can burn on floods, from outside.
    pub outside: u64,
    /// What a replacement pays on top for its own size.
    pub incremental: f64,
    /// The market's mean rate.
    pub mean_rate: f64,
    /// How many times the mean the market asks when the old commitment confirms.
    pub backlog: f64,
    /// The highest fee that the transaction's output allows: V with the victim's key, the bonus with a fixed transaction.
    pub fee_limit: u64,
}

impl Default for Game {
    fn default() -> Game {
        Game {
            capacity: 1_000_000,
            cheater_old: 900_000,
            cheater_new: 50_000,
            delay: 144,
            justice_size: 173,
            colluding: 0.0,
            outside: 0,
            incremental: 0.1,
            mean_rate: 10.0,
            backlog: 1.0,
            fee_limit: 1_000_000,
        }
    }
}

/// How the victim bids.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strategy {
    /// One rate for good.
    Fixed(f64),
    /// From the mean rate to what is lost anyway, in even steps.
    Linear,
    /// From the mean rate, a quarter more each block.
    Exponential,
    /// The mean rate; six blocks before the end the cheater's newest balance; in the last block its old one.
    Scorched,
    /// Knows the market's rate: pays exactly that, as long as it is whole.
    Cheapest,
}

impl Strategy {
    /// The strategies that need no foresight, with the rate of the first.
    pub const KNOWN: [Strategy; 4] =
        [Strategy::Fixed(20.0), Strategy::Linear, Strategy::Exponential, Strategy::Scorched];

    /// What a reader calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Strategy::Fixed(_) => "fixed fee",
            Strategy::Linear => "linear ramp",
            Strategy::Exponential => "exponential ramp",
            Strategy::Scorched => "deadline, scorched",
            Strategy::Cheapest => "cheapest that confirms",
        }
    }

    /// The fee that it would pay in a block.
    fn wish(self, game: &Game, block: u32, rate: f64) -> f64 {
        let size = precise(game.justice_size);
        let start = game.mean_rate * size;
        let whole = precise(game.cheater_new);
        match self {
            Strategy::Fixed(rate) => rate * size,
            Strategy::Linear => {
                let done = f64::from(block) / f64::from(game.delay.max(1));
                start + (whole.max(start) - start) * done
            }
            Strategy::Exponential => start * 1.25f64.powi(i32::try_from(block.min(200)).unwrap_or(200)),
            Strategy::Scorched => match game.delay.saturating_sub(block) {
                0..=1 => precise(game.cheater_old).max(start),
                2..=6 => whole.max(start),
                _ => start,
            },
            Strategy::Cheapest => {
                let needed = rate * size;
                if needed <= whole { needed } else { 0.0 }
            }
        }
    }
}

/// Satoshi as a number that rates multiply. All amounts are below 2^53.
fn precise(sat: u64) -> f64 {
    let (high, low) = (sat >> 32, sat & 0xffff_ffff);
    let part = |bits: u64| f64::from(u32::try_from(bits).unwrap_or(u32::MAX));
    part(high) * 4_294_967_296.0 + part(low)
}

/// How a game ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Whether the justice confirmed.
    pub justice: bool,
    /// The block, counted from the old commitment's.
    pub block: u32,
    /// The fee of what confirmed.
    pub fee: f64,
    /// What the victim has, less what it would have with the newest state.
    pub victim: f64,
    /// What the cheater has, less what it would have with the newest state.
    pub cheater: f64,
    /// What the cheater burnt on floods.
    pub burnt: f64,
}

/// Virtual bytes of a block.
const BLOCK_SIZE: f64 = 1_000_000.0;

/// Plays one game. The same seed gives the same game.
pub fn play(game: &Game, strategy: Strategy, seed: u64) -> Outcome {
    let mut market = FeeMarket::new(seed, game.mean_rate, 0.98, 0.08).with_backlog(game.backlog);
    let mut chance = FeeMarket::new(seed ^ 0x5bd1_e995, 1.0, 0.0, 0.0);
    let size = precise(game.justice_size);
    let limit = precise(game.fee_limit);
    let (mut bid, mut burnt) = (0.0f64, 0.0f64);
    for block in 0..game.delay {
        let rate = market.next().unwrap_or(game.mean_rate);
        // A bid is replaced only by one that pays for its own relay too.
        let wish = strategy.wish(game, block, rate).min(limit);
        if bid == 0.0 || wish >= bid + game.incremental * size {
            bid = wish.max(bid);
        }
        let colluding = chance.uniform() < game.colluding;
        // A flood fills the block at a rate above the bid.
        let flood = (bid / size - rate).max(0.0) * BLOCK_SIZE;
        let flooded =
            !colluding && bid >= rate * size && burnt + flood <= precise(game.outside) && flood > 0.0;
        if flooded {
            burnt += flood;
        } else if !colluding && bid >= rate * size && bid > 0.0 {
            return confirmed(game, block, bid, burnt);
        }
    }
    // Both paths are open: the cheater bids from what it would win and what is left outside.
    let rate = market.next().unwrap_or(game.mean_rate);
    let least = rate * size;
    let colluding = chance.uniform() < game.colluding;
    let cheater_bid = precise(game.cheater_old);
    let last = match strategy {
        Strategy::Fixed(_) => bid,
        Strategy::Cheapest => precise(game.cheater_new).min(limit),
        _ => precise(game.cheater_old).min(limit),
    };
    match !colluding && last >= least && last >= cheater_bid {
        true => confirmed(game, game.delay, last, burnt),
        false => {
            // To win it has to outbid the victim.
            let fee = if colluding { least } else { last.max(least).min(cheater_bid) };
            Outcome {
                justice: false,
                block: game.delay,
                fee,
                victim: precise(game.cheater_new) - precise(game.cheater_old),
                cheater: precise(game.cheater_old) - precise(game.cheater_new) - fee - burnt,
                burnt,
            }
        }
    }
}

fn confirmed(game: &Game, block: u32, fee: f64, burnt: f64) -> Outcome {
    Outcome {
        justice: true,
        block,
        fee,
        victim: precise(game.cheater_new) - fee,
        cheater: -precise(game.cheater_new) - burnt,
        burnt,
    }
}

/// Averages over many games.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    /// The share of games in which the justice confirmed within the delay.
    pub in_time: f64,
    /// The share in which the victim lost nothing.
    pub whole: f64,
    /// The share in which the cheat succeeded.
    pub cheated: f64,
    /// The victim's mean gain.
    pub victim: f64,
    /// The cheater's mean gain.
    pub cheater: f64,
    /// The mean fee of the justice, where it confirmed.
    pub fee: f64,
}

/// Plays so many games, with seeds that follow from the first.
pub fn estimate(game: &Game, strategy: Strategy, games: u32, seed: u64) -> Stats {
    let (mut sum, mut confirmed) =
        (Stats { in_time: 0.0, whole: 0.0, cheated: 0.0, victim: 0.0, cheater: 0.0, fee: 0.0 }, 0.0);
    for nth in 0..games {
        let seed = seed.wrapping_add(u64::from(nth).wrapping_mul(0x9e37_79b9));
        let outcome = play(game, strategy, seed);
        let count = |met: bool| f64::from(u8::from(met));
        sum.in_time += count(outcome.justice && outcome.block < game.delay);
        sum.whole += count(outcome.victim >= 0.0);
        sum.cheated += count(!outcome.justice);
        sum.victim += outcome.victim;
        sum.cheater += outcome.cheater;
        if outcome.justice {
            sum.fee += outcome.fee;
            confirmed += 1.0;
        }
    }
    let share = 1.0 / f64::from(games.max(1));
    Stats {
        in_time: sum.in_time * share,
        whole: sum.whole * share,
        cheated: sum.cheated * share,
        victim: sum.victim * share,
        cheater: sum.cheater * share,
        fee: if confirmed > 0.0 { sum.fee / confirmed } else { 0.0 },
    }
}

/// The least reserve (the cheater's newest balance) that makes cheating lose on average; none if none below its old balance does.
pub fn break_even_reserve(game: &Game, strategy: Strategy, games: u32, seed: u64) -> Option<u64> {
    let loses = |reserve: u64| {
        let game = Game { cheater_new: reserve, ..*game };
        estimate(&game, strategy, games, seed).cheater < 0.0
    };
    if !loses(game.cheater_old) {
        return None;
    }
    let (mut low, mut high) = (0, game.cheater_old);
    while high - low > game.capacity / 1_000 {
        let middle = low.midpoint(high);
        if loses(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// The least delay, of powers of two and their halves between, at which the justice is in time in a share of games.
pub fn least_delay(game: &Game, strategy: Strategy, share: f64, games: u32, seed: u64) -> Option<u32> {
    [6, 12, 18, 36, 72, 144, 288, 576, 1008, 2016]
        .into_iter()
        .find(|delay| estimate(&Game { delay: *delay, ..*game }, strategy, games, seed).in_time >= share)
}

#[cfg(test)]
mod tests;
