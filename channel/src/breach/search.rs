//! Parameters at which a game turns.

use super::{Game, Strategy, estimate};

/// The least reserve (the cheater's newest balance) that makes cheating lose on average; none if none up to its old balance does.
pub fn break_even_reserve(game: &Game, strategy: Strategy, games: u32, seed: u64) -> Option<u64> {
    let loses = |reserve: u64| {
        let game = Game { cheater_new: reserve, ..*game };
        estimate(&game, strategy, games, seed).cheater < 0.0
    };
    if !loses(game.cheater_old) {
        return None;
    }
    let (mut low, mut high) = (0, game.cheater_old);
    while high - low > (game.capacity / 1_000).max(1) {
        let middle = low.midpoint(high);
        if loses(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// The delays that [`least_delay`] tries: days and weeks, and parts of a day.
const DELAYS: [u32; 12] = [3, 6, 12, 18, 36, 72, 108, 144, 288, 576, 1008, 2016];

/// The least of some delays at which the justice is in time in a share of games.
pub fn least_delay(game: &Game, strategy: Strategy, share: f64, games: u32, seed: u64) -> Option<u32> {
    let in_time =
        |delay: &u32| estimate(&Game { delay: *delay, ..*game }, strategy, games, seed).in_time >= share;
    DELAYS.into_iter().find(in_time)
}
