use super::*;

fn nothing_is_found(states: usize) {
    let all = search(None, &Bounds::new(1, 1, states), &|_| ()).unwrap();
    let found: Vec<&Searched> = all.iter().filter(|one| one.explored.found.is_some()).collect();
    assert!(found.is_empty(), "{found:#?}");
    // Every construction with a guard is searched in every scenario of its client.
    let count = |name: &str| all.iter().filter(|one| one.scenario == name).count();
    assert!(count("client") >= 14 && count("tower") >= 10, "{} {}", count("client"), count("tower"));
}

/// Within the smallest bounds.
#[test]
fn nothing_is_found_in_the_first_states() {
    nothing_is_found(2);
}

/// Within small bounds: the command searches larger ones.
#[test]
#[ignore = "builds the transactions of many states; a step of .ci/run"]
fn nothing_is_found_within_small_bounds() {
    nothing_is_found(10);
}

/// Each fault is found, and none is found without. Four parts run side by side.
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
