use super::*;

#[test]
fn with_all_rules_nothing_is_lost() {
    let explored = explore(Rules::ALL);
    println!("{} states", explored.states);
    assert_eq!(explored.loss, None, "{:?}", explored.trace);
    assert!(explored.states > 2_000, "{}", explored.states);
    let explored = explore_override(None);
    assert_eq!(explored.loss, None, "{:?}", explored.trace);
}

#[test]
fn without_any_one_rule_something_is_lost() {
    for (rule, explored) in mutations() {
        println!("{rule:?}: {} states, {:?}: {}", explored.states, explored.loss, explored.trace.join("; "));
        assert!(explored.loss.is_some(), "{rule:?}: {} states", explored.states);
        assert!(is_plain(&explored), "{:?}", explored.trace);
    }
    for (rule, explored) in override_mutations() {
        assert!(explored.loss.is_some(), "{rule:?}: {} states", explored.states);
        assert!(is_plain(&explored), "{:?}", explored.trace);
    }
}

/// Whether the events that lead to a loss are words for people, not Rust values.
fn is_plain(explored: &Explored) -> bool {
    let is_plain = |text: &String| text.chars().all(|char| matches!(char, 'a'..='z' | '0'..='9' | ' ' | ','));
    !explored.trace.is_empty() && explored.trace.iter().all(is_plain)
}

#[test]
fn two_honest_parties_keep_little() {
    let mut parties = [Party::new(0, 1), Party::new(1, 1)];
    for number in 1..=2_000u32 {
        let (proposer, responder) = ((number % 2) as usize, (number + 1) as usize % 2);
        let rules = Rules::ALL;
        parties[proposer].propose(number, rules).unwrap();
        let propose = Message::Propose { number, content: number, fundings: 1, asked: number };
        parties[responder].receive(&propose, rules).unwrap();
        let accept = Message::Accept { number, signature: true, fundings: 1 };
        parties[proposer].receive(&accept, rules).unwrap();
        parties[responder].receive(&Message::Finish { number }, rules).unwrap();
        for party in &parties {
            assert_eq!((party.agreed, party.evidence, party.signed), ((number, number), number, number));
            assert_eq!(party.to_bytes().len(), 45);
        }
    }
}
