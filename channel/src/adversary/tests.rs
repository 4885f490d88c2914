use super::*;

fn is_empty(all: &[Searched]) {
    let found: Vec<&Searched> = all.iter().filter(|one| one.explored.found.is_some()).collect();
    assert!(found.is_empty(), "{found:#?}");
}

fn count(all: &[Searched], name: &str) -> usize {
    all.iter().filter(|one| one.scenario == name).count()
}

/// Searches one construction of each kind: LN-penalty, one without a penalty, and a signed sequence. The limit is two
/// search states. The search stops when it counts the second state, so only the first is played to its end.
#[test]
fn nothing_is_found_in_the_first_states_of_three_constructions() {
    for construction in ["ln-static", "override-th", "sequence-csfs"] {
        let all = search(Some(construction), &Bounds::new(1, 1, 2), &|_| ()).unwrap();
        is_empty(&all);
        assert_eq!((count(&all, "client"), count(&all, "proposals")), (1, 1), "{construction}");
        let states: usize = all.iter().map(|one| one.explored.states).sum();
        assert!(states >= all.len(), "{construction}: {states}");
    }
}

/// Tests that the search finds no loss in any construction within small bounds. The command line can search larger
/// bounds.
#[test]
#[ignore = "builds the transactions of many states; a step of .ci/run"]
fn nothing_is_found_within_small_bounds() {
    let all = search(None, &Bounds::new(1, 1, 10), &|_| ()).unwrap();
    is_empty(&all);
    // Every construction with defending code is searched in every scenario of its client.
    let (clients, towers) = (count(&all, "client"), count(&all, "tower"));
    assert!(clients >= 14 && towers >= 10, "{clients} {towers}");
}

/// Tests that the search finds each planted bug, and finds nothing in the unchanged code. The planted bugs are
/// divided over four tests, which run in parallel.
#[cfg(feature = "mutations")]
mod mutations {
    use super::*;
    use crate::mutation::Mutation;

    fn part(nth: usize) {
        let mut missed = Vec::new();
        for mutation in Mutation::ALL.iter().skip(nth).step_by(4) {
            let one = find(Some(*mutation)).unwrap();
            println!(
                "{mutation:?}: {}, {}: {} states, {:.1} s, {:?}",
                one.construction, one.scenario, one.explored.states, one.seconds, one.explored.found
            );
            if one.explored.found.is_none() {
                missed.push(mutation);
            }
        }
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn the_first_part_is_found() {
        part(0);
    }

    #[test]
    fn the_second_part_is_found() {
        part(1);
    }

    #[test]
    fn the_third_part_is_found() {
        part(2);
    }

    #[test]
    fn the_fourth_part_is_found() {
        part(3);
    }

    #[test]
    fn nothing_is_found_without() {
        assert_eq!(find(None).unwrap().explored.found, None);
    }
}
