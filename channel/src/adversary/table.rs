//! Tables with the results of the adversary's searches.

use super::{Bounds, Budget, Explored, Searched};
#[cfg(feature = "mutations")]
use super::{scenarios, search_one};
#[cfg(feature = "mutations")]
use crate::bounds::EXPLORED_UPDATES;
use crate::compare::Table;
#[cfg(feature = "mutations")]
use crate::error::ChannelError;
#[cfg(feature = "mutations")]
use crate::model::{KINDS, PlayError};
#[cfg(feature = "mutations")]
use crate::mutation::{Mutation, with};

/// Returns a table with one row per construction. A row sums up all searched scenarios of the construction: their
/// number, search states and seconds. It also shows the bounds, and the first loss found with its scenario and the
/// moves that lead to it.
pub fn table(all: &[Searched], bounds: &Bounds) -> Table {
    let mut table =
        Table::new(&["construction", "scenarios", "states", "seconds", "bounds", "found", "scenario", "how"]);
    for of_one in all.chunk_by(|a, b| a.construction == b.construction) {
        let states = of_one.iter().map(|one| one.explored.states).sum();
        let is_cut = of_one.iter().any(|one| one.explored.is_cut);
        let found = of_one.iter().find(|one| one.explored.found.is_some());
        let loss = found.and_then(|one| one.explored.found.clone());
        let whole = Searched {
            construction: of_one.first().map_or("", |one| one.construction),
            scenario: found.map_or("", |one| one.scenario),
            explored: Explored { states, is_cut, found: loss },
            seconds: of_one.iter().map(|one| one.seconds).sum(),
        };
        let [states, seconds, found, how] = cells(&whole);
        let (name, count) = (whole.construction.to_owned(), of_one.len().to_string());
        table.push(vec![
            name,
            count,
            states,
            seconds,
            bounds.to_string(),
            found,
            whole.scenario.to_owned(),
            how,
        ]);
    }
    table
}

impl core::fmt::Display for Bounds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Budget { moves, blocks, pins, absent, reorganisations } = self.budget;
        write!(
            f,
            "{moves} moves, {blocks} waits, {pins} pinned, {absent} unseen, {reorganisations} reorganised, {} states",
            self.states
        )
    }
}

/// Returns four table cells for one search: number of search states, seconds, loss, and moves that lead to the loss. A
/// `+` after the number of states means that the search stopped at its maximum number of states.
fn cells(one: &Searched) -> [String; 4] {
    let cut = if one.explored.is_cut { "+" } else { "" };
    let (found, how) = match &one.explored.found {
        Some((loss, trace)) => (loss.to_string(), trace.join("; ")),
        None => ("nothing".to_owned(), String::new()),
    };
    [format!("{}{cut}", one.explored.states), format!("{:.1}", one.seconds), found, how]
}

/// Constructions that [`find`] searches: one of each family.
#[cfg(feature = "mutations")]
const FAMILIES: [&str; 4] = ["bip68", "sequence-ctv", "symmetry-apo", "ln-anchors"];

/// Limits of the searches that [`find`] runs one after another until a loss is found. They are the same for every
/// mutation.
#[cfg(feature = "mutations")]
const LEVELS: [Bounds; 3] = [
    Bounds { budget: Budget { moves: 1, blocks: 1, pins: 0, absent: 4, reorganisations: 0 }, states: 60 },
    Bounds { budget: Budget { moves: 1, blocks: 1, pins: 0, absent: 4, reorganisations: 0 }, states: 400 },
    Bounds { budget: Budget { moves: 2, blocks: 1, pins: 1, absent: 4, reorganisations: 1 }, states: 1_000 },
];

/// Searches with one mutation (a planted bug) in the code, or with none, until a loss is found. The order of
/// bounds, constructions and scenarios is fixed. The reported states and seconds are totals over all searches
/// made.
///
/// # Errors
///
/// [`PlayError`] if a scenario cannot be built.
#[cfg(feature = "mutations")]
pub fn find(mutation: Option<Mutation>) -> Result<Searched, PlayError> {
    let started = std::time::Instant::now();
    let mut states = 0;
    with(mutation, || {
        for bounds in &LEVELS {
            let families = FAMILIES.iter().filter_map(|family| KINDS.iter().find(|(name, _)| name == family));
            for named in families {
                for scenario in scenarios() {
                    // A mutation may make a scenario impossible to build. The search continues with the
                    // others.
                    let Ok(Some(mut one)) = search_one(*named, scenario, bounds) else { continue };
                    states += one.explored.states;
                    if one.explored.found.is_some() {
                        one.explored.states = states;
                        one.seconds = started.elapsed().as_secs_f64();
                        return Ok(one);
                    }
                }
            }
        }
        let explored = Explored { states, ..Explored::default() };
        Ok(Searched {
            construction: "all",
            scenario: "all",
            explored,
            seconds: started.elapsed().as_secs_f64(),
        })
    })
}

/// Returns a table of the losses that the search finds when the code has a planted bug ([`Mutation`]). There is one
/// row for each planted bug, and one row without a bug. Each row shows the scenario in which a loss was found and the
/// moves that lead to it.
///
/// If `names` is not empty, the table contains only the bugs with these names. A name is a variant of [`Mutation`],
/// or `none` for the row without a bug. If `names` is empty, the table also has rows for the wire protocol: a
/// separate exploration leaves out one of its rules at a time.
///
/// # Errors
///
/// Same errors as [`find`]; also fails if a name is unknown.
#[cfg(feature = "mutations")]
pub fn mutation_table(names: &[String], progress: &dyn Fn(&str)) -> Result<Table, PlayError> {
    let mut table =
        Table::new(&["mutation", "construction", "scenario", "states", "seconds", "found", "how"]);
    let mutations = std::iter::once(None).chain(Mutation::ALL.iter().map(|mutation| Some(*mutation)));
    let name_of =
        |mutation: &Option<Mutation>| mutation.map_or("none".to_owned(), |mutation| format!("{mutation:?}"));
    if let Some(unknown) = names.iter().find(|name| !mutations.clone().any(|other| name_of(&other) == **name))
    {
        return Err(ChannelError::refused(format!("no mutation is called {unknown}")).into());
    }
    let is_wanted = |mutation: &Option<Mutation>| names.is_empty() || names.contains(&name_of(mutation));
    for mutation in mutations.filter(is_wanted) {
        let name = mutation.map_or("none", Mutation::text);
        progress(name);
        let one = find(mutation)?;
        let mut row = vec![name.to_owned(), one.construction.to_owned(), one.scenario.to_owned()];
        row.extend(cells(&one));
        table.push(row);
    }
    if !names.is_empty() {
        return Ok(table);
    }
    for row in crate::protocol::mutation_table(EXPLORED_UPDATES.most, progress)?.rows() {
        let cell = |nth: usize| row.get(nth).cloned().unwrap_or_default();
        table.push(vec![
            cell(1),
            cell(0),
            "wire protocol".to_owned(),
            cell(2),
            String::new(),
            cell(3),
            cell(4),
        ]);
    }
    Ok(table)
}
