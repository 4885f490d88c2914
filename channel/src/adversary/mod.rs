//! An adversary that searches: every sequence of moves of a corrupted party within bounds, as real transactions on the chain model,
//! against the real code of client and tower.
//!
//! The corrupted side has its keys, all that it ever received, and the chain. It reads scripts from their bytes and finds what
//! satisfies them; which freedoms a signature leaves it finds by trial. At the end of every line the honest side must have at
//! least its worst acceptable outcome, less fees.

mod honest;
mod knowledge;
mod moves;
mod paths;
mod scenario;
mod search;
mod world;

pub use search::Explored;
pub use world::{Budget, Loss};

use crate::model::{Kind, PlayError};
use scenario::{SCENARIOS, build};

/// The bounds of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What the corrupted side may do in one line.
    pub budget: Budget,
    /// Maximum number of states in one scenario.
    pub states: usize,
}

/// A scenario of a construction and what the search found in it.
#[derive(Clone, Debug)]
pub struct Searched {
    /// The scenario.
    pub scenario: &'static str,
    /// What was found.
    pub explored: Explored,
}

/// Searches a construction, one scenario after the other, until a loss is found.
///
/// # Errors
///
/// [`PlayError`] if a scenario cannot be built.
pub fn search(kind: Kind, bounds: &Bounds) -> Result<Vec<Searched>, PlayError> {
    let mut all = Vec::new();
    for scenario in SCENARIOS {
        let Some((game, world, owed)) = build(kind, &scenario, bounds.budget)? else { continue };
        let explored = search::explore(&game, world, &owed, bounds.states);
        let is_found = explored.found.is_some();
        all.push(Searched { scenario: scenario.name, explored });
        if is_found {
            break;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
