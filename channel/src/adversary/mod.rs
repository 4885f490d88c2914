//! An adversary that searches: every sequence of moves of a corrupted party within bounds, as real transactions on the chain model,
//! against the real code of client and tower.
//!
//! The corrupted side has its keys, all that it received before the first move, and the outputs of the chain. It reads scripts from
//! their bytes and finds what satisfies them; which freedoms a signature leaves it finds by trial. At the end of every line the honest
//! side must have at least its worst acceptable outcome, less fees.

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

/// The bounds of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What the corrupted side may do in one line.
    pub budget: Budget,
    /// Maximum number of states in one scenario.
    pub states: usize,
}

impl Bounds {
    /// The bounds for so many moves and times that blocks go by.
    pub const fn new(moves: u32, blocks: u32, states: usize) -> Bounds {
        Bounds { budget: Budget { moves, blocks, pins: 1, absent: 4, reorganisations: 1 }, states }
    }
}

/// One scenario of a construction, and what the search found in it.
#[derive(Clone, Debug)]
pub struct Searched {
    /// The construction, by the name that commands take.
    pub construction: &'static str,
    /// The scenario.
    pub scenario: &'static str,
    /// What was found.
    pub explored: Explored,
    /// Seconds.
    pub seconds: f64,
}

type Probe = fn(Kind) -> Result<Explored, PlayError>;

/// What is tried beside the chain.
const PROBES: [(&str, Probe); 7] = [
    ("nonces", probes::nonces),
    ("keys", probes::keys),
    ("counter", probes::counter),
    ("spends within the delay, dear children", probes::early_spends_and_dear_children),
    ("inner channels", |_| probes::inner_keys()),
    ("stores of secrets", |_| probes::secrets()),
    ("proposals", probes::proposals),
];

/// The names of all scenarios of a construction.
pub fn scenarios() -> impl Iterator<Item = &'static str> {
    PROBES.iter().map(|(name, _)| *name).chain(SCENARIOS.iter().map(|scenario| scenario.name))
}

/// Searches one scenario of a construction. None if no code defends a party of the construction in it.
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

/// Searches a construction, or all, until a loss is found. `progress` is called with each construction and scenario before it is searched.
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

/// The first state of a scenario, to play lines from it whose moves a caller chooses.
#[derive(Debug)]
pub struct Opening {
    game: world::Game,
    world: world::World,
    owed: search::Owed,
}

impl Opening {
    /// Builds a scenario. None if it has no chain, or no code defends a party of the construction in it.
    ///
    /// # Errors
    ///
    /// [`PlayError`] if the scenario cannot be built.
    pub fn new(kind: Kind, name: &str, budget: Budget) -> Result<Option<Opening>, PlayError> {
        let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.name == name) else { return Ok(None) };
        let built = build(kind, scenario, budget)?;
        Ok(built.map(|(game, world, owed)| Opening { game, world, owed }))
    }

    /// Plays one line: `choose` gets the number of possible states after the present one and returns one of them, or none to end the
    /// line. Returns the loss, if there is one, with the moves.
    pub fn walk(&self, choose: &mut dyn FnMut(usize) -> Option<usize>) -> Option<(Loss, Vec<String>)> {
        search::walk(&self.game, self.world.clone(), &self.owed, choose)
    }
}

#[cfg(test)]
mod tests;
