//! An adversary that searches for losses: every sequence of moves of a corrupted party within given bounds.
//! Moves are real transactions on the chain model, played against the production code of client and
//! watchtower.
//!
//! The corrupted side has its keys, everything that it received before its first move, and the outputs on
//! the chain. It parses scripts from their bytes to find witnesses that satisfy them. It finds by trial
//! which parts of a transaction its signatures leave free to change. At the end of every line of play, the
//! honest side must have at least its worst acceptable outcome, less fees.

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

/// Limits of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Moves, waits and blocks available to the corrupted side in one line of play.
    pub budget: Budget,
    /// Maximum number of states explored in one scenario.
    pub states: usize,
}

impl Bounds {
    /// Returns bounds with `moves` moves, `blocks` waits, at most `states` states, and fixed values for the
    /// rest.
    pub const fn new(moves: u32, blocks: u32, states: usize) -> Bounds {
        Bounds { budget: Budget { moves, blocks, pins: 1, absent: 4, reorganisations: 1 }, states }
    }
}

/// The result of searching one scenario of a construction.
#[derive(Clone, Debug)]
pub struct Searched {
    /// Name of the construction, as commands accept it.
    pub construction: &'static str,
    /// Name of the scenario.
    pub scenario: &'static str,
    /// Number of states explored, and the loss if one was found.
    pub explored: Explored,
    /// Duration of the search, in seconds.
    pub seconds: f64,
}

type Probe = fn(Kind) -> Result<Explored, PlayError>;

/// Checks that do not search the chain model's states, by name.
const PROBES: [(&str, Probe); 7] = [
    ("nonces", probes::nonces),
    ("keys", probes::keys),
    ("counter", probes::counter),
    ("spends within the delay, dear children", probes::early_spends_and_dear_children),
    ("inner channels", |_| probes::inner_keys()),
    ("stores of secrets", |_| probes::secrets()),
    ("proposals", probes::proposals),
];

/// Returns the names of all scenarios of a construction.
pub fn scenarios() -> impl Iterator<Item = &'static str> {
    PROBES.iter().map(|(name, _)| *name).chain(SCENARIOS.iter().map(|scenario| scenario.name))
}

/// Searches one scenario of a construction. Returns `None` if no code defends a party of the construction
/// in this scenario.
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

/// Searches one construction, or all of them. Each scenario's search ends when it finds a loss. `progress`
/// is called with the names of the construction and scenario before each search.
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

/// The first state of a scenario, from which a caller can play lines of its choice.
#[derive(Debug)]
pub struct Opening {
    game: world::Game,
    world: world::World,
    owed: search::Owed,
}

impl Opening {
    /// Builds a scenario. Returns `None` if the scenario has no chain, or if no code defends a party of the
    /// construction in it.
    ///
    /// # Errors
    ///
    /// [`PlayError`] if the scenario cannot be built.
    pub fn new(kind: Kind, name: &str, budget: Budget) -> Result<Option<Opening>, PlayError> {
        let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.name == name) else { return Ok(None) };
        let built = build(kind, scenario, budget)?;
        Ok(built.map(|(game, world, owed)| Opening { game, world, owed }))
    }

    /// Plays one line. `choose` receives the number of possible next states and returns the index of one of
    /// them, or `None` to end the line. Returns the loss, if there is one, and the moves that led to it.
    pub fn walk(&self, choose: &mut dyn FnMut(usize) -> Option<usize>) -> Option<(Loss, Vec<String>)> {
        search::walk(&self.game, self.world.clone(), &self.owed, choose)
    }
}

#[cfg(test)]
mod tests;
