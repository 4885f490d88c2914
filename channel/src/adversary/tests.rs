use super::*;
use crate::model::KINDS;

/// Within small bounds: the command searches larger ones.
#[test]
fn nothing_is_found_without_mutations() {
    let budget = Budget { moves: 1, blocks: 2, pins: 1, absent: 3, reorganisations: 1 };
    for (name, kind) in KINDS {
        for one in search(*kind, &Bounds { budget, states: 30 }).unwrap() {
            assert_eq!(one.explored.found, None, "{name}, {}", one.scenario);
            println!("{name}, {}: {} states", one.scenario, one.explored.states);
        }
    }
}
