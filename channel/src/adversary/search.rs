//! The search: plays every sequence of moves within the bounds, and checks the outcome of each.

use std::collections::BTreeSet;

use super::moves::{End, coins, successors, take_all};
use super::world::{DECOY, Game, Loss, World};

/// Limits for the outcome of the honest side: its minimum final balance, and the maximum fees that it may pay. The
/// search checks them after every sequence of moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owed {
    /// Minimum final balance of the honest party before fees are deducted, in satoshi. This includes its
    /// outputs outside the channel.
    pub(super) sat: u64,
    /// Maximum fees that the honest party may pay, in satoshi.
    pub(super) fees: u64,
    /// Balance of the watchtower at the start of the search, in satoshi.
    pub(super) tower: u64,
    /// Maximum fees that the watchtower may pay, in satoshi.
    pub(super) tower_fees: u64,
}

/// Result of exploring one scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// Number of distinct search states explored.
    pub states: usize,
    /// Whether the search stopped because it reached the maximum number of search states.
    pub is_cut: bool,
    /// The loss that was found, and the moves that lead to it. `None` if the search found no loss.
    pub found: Option<(Loss, Vec<String>)>,
}

/// Explores the search states reachable from `start`, depth first. Stops at the first loss, or when `limit`
/// states were counted.
pub(super) fn explore(game: &Game, start: World, owed: &Owed, limit: usize) -> Explored {
    let mut explored = Explored::default();
    let mut seen = BTreeSet::new();
    let mut ended = BTreeSet::new();
    let mut open = vec![start];
    while let Some(world) = open.pop() {
        if !seen.insert(world.fingerprint()) {
            continue;
        }
        explored.states += 1;
        if explored.states >= limit {
            explored.is_cut = true;
            return explored;
        }
        for end in ENDS {
            if let Err((loss, end)) = finish(game, world.clone(), owed, end, &mut ended) {
                let mut trace = world.trace();
                trace.push(end.to_owned());
                explored.found = Some((loss, trace));
                return explored;
            }
        }
        match successors(game, &world) {
            Ok(next) => open.extend(next.into_iter().rev()),
            Err((loss, last)) => {
                let mut trace = world.trace();
                trace.push(last);
                explored.found = Some((loss, trace));
                return explored;
            }
        }
    }
    explored
}

/// Plays one sequence of moves: `choose` selects each move, as in [`Opening::walk`](super::Opening::walk).
/// Then tries each way to end the sequence ([`ENDS`]) and returns the first loss.
pub(super) fn walk(
    game: &Game,
    mut world: World,
    owed: &Owed,
    choose: &mut dyn FnMut(usize) -> Option<usize>,
) -> Option<(Loss, Vec<String>)> {
    let with_last = |world: &World, last: &str| [world.trace(), vec![last.to_owned()]].concat();
    loop {
        let mut next = match successors(game, &world) {
            Ok(next) => next,
            Err((loss, last)) => return Some((loss, with_last(&world, &last))),
        };
        match choose(next.len()).filter(|chosen| *chosen < next.len()) {
            Some(chosen) => world = next.swap_remove(chosen),
            None => break,
        }
    }
    ENDS.into_iter().find_map(|end| {
        let ended = finish(game, world.clone(), owed, end, &mut BTreeSet::new());
        ended.err().map(|(loss, last)| (loss, with_last(&world, last)))
    })
}

/// Behaviors of the corrupted side after its last move. Each of them is tried after every sequence of moves.
const ENDS: [End; 3] = [End::Takes, End::Waits, End::Nothing];

type Ended = BTreeSet<(u128, u64, End, u32)>;

/// Mines blocks until every channel output is spent or [`Game::horizon`] is reached, and then judges the outcome.
/// `end` says how the corrupted side behaves during these blocks. `ended` contains the situations that were already
/// played: the state of the chain, the memory of the honest side, `end`, and the block.
fn finish(
    game: &Game,
    mut world: World,
    owed: &Owed,
    end: End,
    ended: &mut Ended,
) -> Result<(), (Loss, &'static str)> {
    if game.funding.is_some_and(|funding| world.chain.coin(&funding).is_some()) {
        world.honest.close();
    }
    let text = match end {
        End::Takes => "the corrupted side takes what it can",
        End::Waits => "the corrupted side waits for the honest side to close, and takes what it can",
        End::Nothing => "the corrupted side does nothing more",
    };
    let mut refused = BTreeSet::new();
    for block in 0..game.horizon {
        if block > game.away {
            world.honest.is_asleep = false;
        }
        let (chain, honest, _) = world.fingerprint();
        // Two situations with the same chain and memory are different if the time until the client is online
        // differs.
        if !ended.insert((chain, honest, end, block.min(game.away.saturating_add(1)))) {
            return Ok(());
        }
        if end != End::Nothing {
            take_all(game, &mut world, end, &mut refused);
        }
        if coins(game, &world).is_empty() && world.chain.mempool().entries().next().is_none() {
            break;
        }
        world.mine(game).map_err(|loss| (loss, text))?;
    }
    judge(game, &world, owed, end).map_err(|loss| (loss, text))
}

fn judge(game: &Game, world: &World, owed: &Owed, end: End) -> Result<(), Loss> {
    let has = world.honest.balance(&world.chain);
    let least = owed.sat.saturating_sub(owed.fees);
    if has < least {
        return Err(Loss::Less { has, owed: least });
    }
    let tower = world.honest.tower_balance(&world.chain);
    let paid = owed.tower.saturating_sub(tower);
    if paid > owed.tower_fees {
        return Err(Loss::TowerPaid(paid));
    }
    if end == End::Nothing || !game.leaves_nothing {
        // The corrupted side may have left its own money in channel outputs.
        return Ok(());
    }
    // In the other cases, every channel output must be spent, in a block or in the mempool. A mempool
    // transaction may stay unconfirmed, since the corrupted side may have offered less than the market
    // feerate.
    let pool = world.chain.mempool();
    let unspent = coins(game, world).into_iter().filter(|(coin, ..)| pool.spender(coin).is_none());
    let left = unspent.map(|(_, out, _)| out.value.to_sat());
    // Outputs of at most `DECOY` are ignored, because the corrupted side may have made them itself.
    match left.filter(|sat| *sat > DECOY).fold(0u64, u64::saturating_add) {
        0 => Ok(()),
        left => Err(Loss::Left(left)),
    }
}
