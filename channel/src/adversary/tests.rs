use super::*;

/// Within small bounds: the command searches larger ones.
#[test]
fn nothing_is_found_within_small_bounds() {
    let all = search(None, &Bounds::new(1, 1, 10), &|_| ()).unwrap();
    let found: Vec<&Searched> = all.iter().filter(|one| one.explored.found.is_some()).collect();
    assert!(found.is_empty(), "{found:#?}");
    // Every construction with a guard is searched in every scenario of its client.
    let count = |name: &str| all.iter().filter(|one| one.scenario == name).count();
    assert!(count("client") >= 14 && count("tower") >= 10, "{} {}", count("client"), count("tower"));
}

/// Each fault is found, and none is found without.
#[cfg(feature = "mutations")]
#[test]
fn every_mutation_is_found() {
    use crate::mutation::Mutation;
    let mut missed = Vec::new();
    for mutation in Mutation::ALL {
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
    assert_eq!(find(None).unwrap().explored.found, None);
}
