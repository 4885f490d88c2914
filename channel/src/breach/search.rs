//! Searches for the smallest reserve with which cheating loses money, and for the shortest delay with which the justice
//! transaction confirms in time.

use super::{Game, Strategy, estimate};

/// Returns the smallest reserve with which cheating loses money on average, in satoshi. The reserve is the
/// cheater's balance in the latest state. The result is exact to a thousandth of the capacity. Returns `None`
/// if cheating is profitable even with a reserve equal to the cheater's old balance.
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

/// Delays in blocks that [`least_delay`] tries, from half an hour to two weeks.
const DELAYS: [u32; 12] = [3, 6, 12, 18, 36, 72, 108, 144, 288, 576, 1008, 2016];

/// Tries several delays and returns the shortest one, in blocks, with which the justice transaction confirms
/// in time in at least `share` of the games. Returns `None` if none of these delays is long enough.
pub fn least_delay(game: &Game, strategy: Strategy, share: f64, games: u32, seed: u64) -> Option<u32> {
    let in_time =
        |delay: &u32| estimate(&Game { delay: *delay, ..*game }, strategy, games, seed).in_time >= share;
    DELAYS.into_iter().find(in_time)
}
