//! Searches for ways in which one corrupted party of a channel makes the honest party lose money. The search
//! tries every sequence of moves of the corrupted party within given bounds. The moves are real transactions
//! on a simulated chain. The honest party's client and watchtower answer them with their production code.
//!
//! The corrupted party uses its keys, everything that it received before its first move, and the outputs on
//! the chain. It parses scripts from their bytes to find witnesses that satisfy them. To find out which parts
//! of a transaction a received signature does not commit to, it changes the transaction and verifies the
//! signature again. After every sequence of moves, the honest party must have at least its balance in the
//! latest state, plus the HTLCs that it offered and the HTLCs whose preimage it knows, minus an allowance for
//! fees.

mod honest;
mod knowledge;
mod moves;
mod paths;
mod probes;
mod scenario;
mod search;
mod table;
mod world;

use std::time::Instant;

pub use search::Explored;
pub use table::table;
#[cfg(feature = "mutations")]
pub use table::{find, mutation_table};
pub use world::{Budget, Loss};

use crate::model::{KINDS, Kind, PlayError};
use scenario::{SCENARIOS, build};

/// Limits of the search of one scenario: moves per sequence of moves, and total number of search states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Numbers of moves of each kind that the corrupted side may make in one sequence of moves.
    pub budget: Budget,
    /// Maximum number of search states explored per scenario. A search state is the chain, the honest side's
    /// memory and the corrupted side's remaining moves; it is not a channel state.
    pub states: usize,
}

impl Bounds {
    /// Returns bounds with `moves` moves, `blocks` moves that mine blocks, and `states` search states. The
    /// other limits of the [`Budget`] have fixed values.
    pub const fn new(moves: u32, blocks: u32, states: usize) -> Bounds {
        Bounds { budget: Budget { moves, blocks, pins: 1, absent: 4, reorganisations: 1 }, states }
    }
}

/// The result of searching one scenario of a construction.
#[derive(Clone, Debug)]
pub struct Searched {
    /// Name of the construction, as the command line accepts it.
    pub construction: &'static str,
    /// Name of the scenario.
    pub scenario: &'static str,
    /// Number of search states explored, and the loss if one was found.
    pub explored: Explored,
    /// Duration of the search, in seconds.
    pub seconds: f64,
}

type Probe = fn(Kind) -> Result<Explored, PlayError>;

/// Checks that are not [`SCENARIOS`], each with its name. Each checks one rule of a construction, for example that no
/// nonce is reused. Callers list and run them like scenarios.
const PROBES: [(&str, Probe); 7] = [
    ("nonces", probes::nonces),
    ("keys", probes::keys),
    ("counter", probes::counter),
    ("spends within the delay, dear children", probes::early_spends_and_dear_children),
    ("inner channels", |_| probes::inner_keys()),
    ("stores of secrets", |_| probes::secrets()),
    ("proposals", probes::proposals),
];

/// Returns the names of all checks and scenarios that [`search_one`] accepts. They are the same for every
/// construction.
pub fn scenarios() -> impl Iterator<Item = &'static str> {
    PROBES.iter().map(|(name, _)| *name).chain(SCENARIOS.iter().map(|scenario| scenario.name))
}

/// Searches one scenario of a construction. Returns `None` if no scenario has this name, or if the scenario
/// does not apply to the construction (for example, a scenario with a watchtower for a construction without
/// towers).
///
/// # Errors
///
/// [`PlayError`] if the scenario cannot be built.
pub fn search_one(
    (construction, kind): (&'static str, Kind),
    name: &'static str,
    bounds: &Bounds,
) -> Result<Option<Searched>, PlayError> {
    let started = Instant::now();
    let probe = PROBES.iter().find(|(probe, _)| *probe == name);
    let explored = match probe {
        Some((_, probe)) => probe(kind)?,
        None => {
            let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.name == name) else {
                return Ok(None);
            };
            let Some((game, world, owed)) = build(kind, scenario, bounds.budget)? else { return Ok(None) };
            search::explore(&game, world, &owed, bounds.states)
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    Ok(Some(Searched { construction, scenario: name, explored, seconds }))
}

/// Searches every scenario of one construction, or of all constructions if `construction` is `None`. The
/// search of a scenario ends at its first loss. `progress` is called with the names of the construction and
/// the scenario before each search.
///
/// # Errors
///
/// [`PlayError`] if a scenario cannot be built.
pub fn search(
    construction: Option<&str>,
    bounds: &Bounds,
    progress: &dyn Fn(&str),
) -> Result<Vec<Searched>, PlayError> {
    let mut all = Vec::new();
    let wanted =
        KINDS.iter().filter(|(name, _)| construction.is_none_or(|construction| construction == *name));
    for named in wanted {
        for scenario in scenarios() {
            progress(&format!("{}, {scenario}", named.0));
            all.extend(search_one(*named, scenario, bounds)?);
        }
    }
    Ok(all)
}

/// The start state of a scenario. Callers choose moves and play them from this state with [`Opening::walk`].
#[derive(Debug)]
pub struct Opening {
    game: world::Game,
    world: world::World,
    owed: search::Owed,
}

impl Opening {
    /// Builds a scenario. Returns `None` if the name is unknown, if it names a check without a start state,
    /// or if the scenario does not apply to the construction.
    ///
    /// # Errors
    ///
    /// [`PlayError`] if the scenario cannot be built.
    pub fn new(kind: Kind, name: &str, budget: Budget) -> Result<Option<Opening>, PlayError> {
        let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.name == name) else { return Ok(None) };
        let built = build(kind, scenario, budget)?;
        Ok(built.map(|(game, world, owed)| Opening { game, world, owed }))
    }

    /// Plays one sequence of moves. Before each move, `choose` receives the number of possible moves. It returns the
    /// index of the move to play, or `None` to stop. After the last move, blocks are mined until the channel's
    /// outputs are spent, and the outcome is judged. Returns the loss and the moves that led to it, or `None` if the
    /// honest side lost nothing.
    pub fn walk(&self, choose: &mut dyn FnMut(usize) -> Option<usize>) -> Option<(Loss, Vec<String>)> {
        search::walk(&self.game, self.world.clone(), &self.owed, choose)
    }
}

#[cfg(test)]
mod tests;
