//! Strategies by which the victim chooses the fee of its justice transaction.

use super::Game;

/// A strategy by which the victim chooses its bid, which is the fee of the justice transaction. No bid exceeds what the
/// victim would lose if the cheat succeeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strategy {
    /// The victim always bids this feerate, in sat/vB.
    Fixed(f64),
    /// The victim's fee rises linearly over the delay, from the fee at the mean feerate to the cheater's balance in the
    /// latest state. It stays constant if this balance is below the fee at the mean feerate.
    Linear,
    /// The victim's first fee is at the mean feerate. The fee rises by a quarter in each block.
    Exponential,
    /// The victim pays the mean feerate until the last six blocks of the delay. In the first five of these blocks, the
    /// fee is the cheater's balance in the latest state, but at least the fee at the mean feerate. In the last block,
    /// the fee is the cheater's balance in the old state.
    Scorched,
    /// The victim bids a quarter more than the market feerate of the previous block. The fee is limited to the
    /// cheater's balance in the latest state, and in the last six blocks of the delay to the cheater's balance in the
    /// old state.
    Follow,
    /// The victim bids exactly the market feerate of the next block, which no real victim can know. It bids nothing if
    /// this fee exceeds the cheater's balance in the latest state. The strategy serves only for comparison with the
    /// others.
    Oracle,
}

impl Strategy {
    /// All strategies except [`Strategy::Oracle`]. The feerate of [`Strategy::Fixed`] is an example.
    pub const KNOWN: [Strategy; 5] = [
        Strategy::Fixed(20.0),
        Strategy::Linear,
        Strategy::Exponential,
        Strategy::Scorched,
        Strategy::Follow,
    ];

    /// Returns the strategy's name for tables and charts.
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

    /// Returns the fee in satoshi that the strategy bids in `block`. `last` is the market feerate of the previous
    /// block, and `next` is the market feerate of `block`, both in sat/vB.
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
            // A bid that cannot confirm is not placed.
            Strategy::Oracle if next * size <= game.reserve() => next * size,
            Strategy::Oracle => 0.0,
        };
        fee.min(game.limit(block))
    }

    /// Returns the maximum fee in satoshi that the strategy bids after the delay, when the cheater's
    /// settlement can confirm too.
    pub(super) fn last_bid(self, game: &Game) -> f64 {
        let most = match self {
            Strategy::Fixed(rate) => rate * game.size(),
            Strategy::Linear | Strategy::Oracle => game.reserve(),
            Strategy::Exponential | Strategy::Scorched | Strategy::Follow => game.prize(),
        };
        most.min(game.limit(game.delay))
    }
}
