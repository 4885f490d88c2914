//! How a victim bids.

use super::Game;

/// A way to bid. No bid is above what is lost anyway.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strategy {
    /// One rate for good.
    Fixed(f64),
    /// From the mean rate to the cheater's newest balance, in even steps.
    Linear,
    /// From the mean rate, a quarter more each block.
    Exponential,
    /// The mean rate; six blocks before the end the cheater's newest balance; in the last block its old one.
    Scorched,
    /// A quarter above what the last block asked, up to the cheater's newest balance; in the last six blocks up to its old one.
    Follow,
    /// Knows what the next block asks and pays exactly that, up to the cheater's newest balance. For bounds only: nobody knows.
    Oracle,
}

impl Strategy {
    /// The strategies that need no foresight, with the rate of the first.
    pub const KNOWN: [Strategy; 5] = [
        Strategy::Fixed(20.0),
        Strategy::Linear,
        Strategy::Exponential,
        Strategy::Scorched,
        Strategy::Follow,
    ];

    /// What a reader calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Strategy::Fixed(_) => "fixed fee",
            Strategy::Linear => "linear ramp",
            Strategy::Exponential => "exponential ramp",
            Strategy::Scorched => "deadline, scorched",
            Strategy::Follow => "follows the market",
            Strategy::Oracle => "knows the market",
        }
    }

    /// The fee that it would pay in a block; `last` is what the block before asked, `next` what this one will.
    pub(super) fn wish(self, game: &Game, block: u32, last: f64, next: f64) -> f64 {
        let size = game.size();
        let start = game.mean_rate * size;
        let left = game.delay.saturating_sub(block);
        let fee = match self {
            Strategy::Fixed(rate) => rate * size,
            Strategy::Linear => {
                let done = f64::from(block) / f64::from(game.delay.max(1));
                start + (game.reserve() - start).max(0.0) * done
            }
            Strategy::Exponential => start * 1.25f64.powi(i32::try_from(block.min(200)).unwrap_or(200)),
            Strategy::Scorched => match left {
                0..=1 => game.prize(),
                2..=6 => game.reserve().max(start),
                _ => start,
            },
            Strategy::Follow => {
                let bound = if left <= 6 { game.prize() } else { game.reserve() };
                (1.25 * last * size).min(bound)
            }
            // A bid that cannot confirm is not made.
            Strategy::Oracle if next * size <= game.reserve() => next * size,
            Strategy::Oracle => 0.0,
        };
        fee.min(game.limit(block))
    }

    /// The most that it would pay once the cheater's path is open too.
    pub(super) fn last_bid(self, game: &Game) -> f64 {
        let most = match self {
            Strategy::Fixed(rate) => rate * game.size(),
            Strategy::Linear | Strategy::Oracle => game.reserve(),
            Strategy::Exponential | Strategy::Scorched | Strategy::Follow => game.prize(),
        };
        most.min(game.limit(game.delay))
    }
}
