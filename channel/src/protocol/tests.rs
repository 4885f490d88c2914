use super::*;

/// Highest state number that `cargo test` explores by default. The complete exploration is a separate test, which
/// `.ci/run` runs.
const FEW: u32 = EXPLORED_UPDATES.least;

/// Asserts that an exploration with all rules found no loss and visited more than `states` states.
fn nothing_is_lost(explored: &Explored, states: usize) {
    println!("{} states", explored.states);
    assert_eq!(explored.loss, None, "{:?}", explored.trace);
    assert!(explored.states > states, "{}", explored.states);
}

/// Asserts that an exploration without `rule` found a loss.
fn something_is_lost(rule: impl core::fmt::Debug, explored: &Explored) {
    println!("{rule:?}: {} states, {:?}: {}", explored.states, explored.loss, explored.trace.join("; "));
    assert!(explored.loss.is_some(), "{rule:?}: {} states", explored.states);
    assert!(is_plain(explored), "{:?}", explored.trace);
}

#[test]
fn with_all_rules_nothing_is_lost_in_few_updates() {
    nothing_is_lost(&explore(Rules::ALL, FEW), 110_000);
    nothing_is_lost(&explore_override(None, FEW), 77_000);
}

#[test]
fn without_any_one_rule_something_is_lost_in_few_updates() {
    for rule in Rule::ALL {
        something_is_lost(rule, &explore(Rules::without(*rule), FEW));
    }
    for rule in OverrideRule::ALL {
        something_is_lost(rule, &explore_override(Some(rule), FEW));
    }
}

#[test]
#[ignore = "explores the states of more updates; a step of .ci/run"]
fn with_all_rules_nothing_is_lost() {
    nothing_is_lost(&explore(Rules::ALL, EXPLORED_UPDATES.most), 300_000);
    nothing_is_lost(&explore_override(None, EXPLORED_UPDATES.most), 500_000);
}

#[test]
#[ignore = "explores most states again for each rule; a step of .ci/run"]
fn without_any_one_rule_something_is_lost() {
    for (rule, explored) in mutations(EXPLORED_UPDATES.most) {
        something_is_lost(rule, &explored);
    }
    for (rule, explored) in override_mutations(EXPLORED_UPDATES.most) {
        something_is_lost(rule, &explored);
    }
}

/// Returns whether the reported events are plain sentences and not Rust values.
fn is_plain(explored: &Explored) -> bool {
    let is_plain = |text: &String| text.chars().all(|char| matches!(char, 'a'..='z' | '0'..='9' | ' ' | ','));
    !explored.trace.is_empty() && explored.trace.iter().all(is_plain)
}

/// Runs a complete update between two parties and delivers all messages.
fn update(parties: &mut [Party; 2], number: u32) {
    let (proposer, responder) = ((number % 2) as usize, (number + 1) as usize % 2);
    let rules = Rules::ALL;
    parties[proposer].propose(number, rules).unwrap();
    let propose = Message::Propose { number, content: number, fundings: 1, asked: number };
    parties[responder].receive(&propose, rules).unwrap();
    let accept = Message::Accept { number, signature: true, fundings: 1 };
    parties[proposer].receive(&accept, rules).unwrap();
    parties[responder].receive(&Message::Finish { number }, rules).unwrap();
}

#[test]
fn two_honest_parties_keep_little() {
    let mut parties = [Party::new(0, 1), Party::new(1, 1)];
    for number in 1..=2_000u32 {
        update(&mut parties, number);
        for party in &parties {
            assert_eq!((party.agreed, party.evidence, party.signed), ((number, number), number, number));
            assert_eq!(party.to_bytes().len(), 49);
        }
    }
}

/// Starts a new connection. Both parties start with their stored state and receive what the other party shows. Returns
/// the messages that each party sends again.
fn reconnect(parties: &mut [Party; 2]) -> [Vec<Message>; 2] {
    *parties = parties.each_ref().map(|party| Party::started(party, None));
    let shown = parties.each_ref().map(Party::shows);
    for (party, shown) in parties.iter_mut().zip([shown[1], shown[0]]) {
        party.receive(&Message::Reestablish(shown), Rules::ALL).unwrap();
    }
    [parties[0].sends_again(shown[1]), parties[1].sends_again(shown[0])]
}

#[test]
fn a_silent_rollback_is_shown_and_the_loser_signs_and_publishes_nothing() {
    let rules = Rules::ALL;
    let mut parties = [Party::new(0, 1), Party::new(1, 1)];
    let mut backup = parties[1].clone();
    for number in 1..=6 {
        update(&mut parties, number);
        if number == 2 {
            backup = parties[1].clone();
        }
    }
    // Everything after the backup is lost.
    parties[1] = Party::started(&backup, None);
    assert_eq!((parties[1].agreed, parties[1].evidence, parties[1].signed), ((2, 2), 2, 2));
    // Party 1 could propose number 3 again, although it signed another state with this number before. It proposes
    // nothing before it hears from the peer.
    assert_eq!(parties[1].propose(33, rules), Err(Refusal(Rule::ReestablishFirst)));
    let answers = reconnect(&mut parties);
    assert_eq!(answers, [vec![], vec![Message::DataLost]]);
    assert!(parties[1].lost_data && !parties[0].lost_data);
    assert_eq!(parties[1].propose(33, rules), Err(Refusal(Rule::LostDataPublishesNothing)));
    assert_eq!(parties[1].close(rules), Err(Refusal(Rule::LostDataPublishesNothing)));
    // The peer also notices the loss without being told. It signs nothing more, and publishes its latest commitment
    // transaction.
    let next = Message::Propose { number: 7, content: 7, fundings: 1, asked: 7 };
    assert_eq!(parties[0].receive(&next, rules), Err(Refusal(Rule::NoticePeerLoss)));
    assert_eq!(parties[0].close(rules).unwrap().unwrap().number, 6);
}

#[test]
fn a_rollback_that_the_restored_side_does_not_notice_is_noticed_by_the_other() {
    let rules = Rules::ALL;
    let mut parties = [Party::new(0, 1), Party::new(1, 1)];
    parties[1].propose(1, rules).unwrap();
    let propose = Message::Propose { number: 1, content: 1, fundings: 1, asked: 1 };
    parties[0].receive(&propose, rules).unwrap();
    let backup = parties[0].clone();
    parties[1].receive(&Message::Accept { number: 1, signature: true, fundings: 1 }, rules).unwrap();
    parties[0].receive(&Message::Finish { number: 1 }, rules).unwrap();
    // The yield proves that side 0 had the peer's signature of number 1.
    parties[0].give_way(rules).unwrap();
    parties[1].receive(&Message::Yield { number: 2 }, rules).unwrap();
    parties[0] = backup;
    reconnect(&mut parties);
    assert!(!parties[0].lost_data && parties[1].peer_lost);
    assert_eq!(parties[1].propose(3, rules), Err(Refusal(Rule::NoticePeerLoss)));
    // If the peer says that it lost data, this has the same effect.
    let mut other = Party::new(0, 1);
    other.receive(&Message::DataLost, rules).unwrap();
    assert_eq!(other.give_way(rules), Err(Refusal(Rule::NoticePeerLoss)));
    assert_eq!(other.close(rules).unwrap().unwrap().number, 0);
}

#[test]
fn what_did_not_arrive_is_sent_again() {
    let rules = Rules::ALL;
    let propose = Message::Propose { number: 1, content: 1, fundings: 1, asked: 1 };
    let accept = Message::Accept { number: 1, signature: true, fundings: 1 };
    let finish = Message::Finish { number: 1 };
    let mut parties = [Party::new(0, 1), Party::new(1, 1)];
    assert_eq!(reconnect(&mut parties), [vec![], vec![]]);
    parties[1].propose(1, rules).unwrap();
    assert_eq!(reconnect(&mut parties), [vec![], vec![propose]]);
    parties[0].receive(&propose, rules).unwrap();
    assert_eq!(reconnect(&mut parties), [vec![accept], vec![]]);
    parties[1].receive(&accept, rules).unwrap();
    assert_eq!(reconnect(&mut parties), [vec![], vec![finish]]);
    parties[0].receive(&finish, rules).unwrap();
    assert_eq!(reconnect(&mut parties), [vec![], vec![]]);
    // If the message that yields a number does not arrive, the next connection shows the yielded number.
    parties[0].give_way(rules).unwrap();
    assert_eq!((parties[0].top, parties[1].top), (2, 1));
    reconnect(&mut parties);
    assert_eq!((parties[0].top, parties[1].top), (2, 2));
    assert!(parties.iter().all(|party| !party.lost_data && !party.peer_lost));
    // A second Reestablish in the same connection is refused.
    let shown = parties[1].shows();
    let again = parties[0].receive(&Message::Reestablish(shown), rules);
    assert_eq!(again, Err(Refusal(Rule::ReestablishFirst)));
}

#[test]
fn each_number_that_is_shown_is_compared() {
    let rules = Rules::ALL;
    let mut parties = [Party::new(0, 1), Party::new(1, 1)];
    for number in 1..=3 {
        update(&mut parties, number);
    }
    // Side 0 signed the state numbers 1 to 3, and knows that the peer has these signatures.
    let known = Party::started(&parties[0], None);
    let hears = |shown: Shown| {
        let mut party = known.clone();
        party.receive(&Message::Reestablish(shown), rules).unwrap();
        (party.lost_data, party.peer_lost)
    };
    let truth = parties[1].shows();
    assert_eq!(truth, Shown { number: 3, part: 3, closing: false, top: 3 });
    assert_eq!(hears(truth), (false, false));
    assert_eq!(hears(Shown { number: 4, ..truth }), (true, false));
    assert_eq!(hears(Shown { part: 4, ..truth }), (true, false));
    assert_eq!(hears(Shown { number: 2, ..truth }), (false, true));
    assert_eq!(hears(Shown { part: 2, ..truth }), (false, true));
    let mut party = known.clone();
    party.receive(&Message::Reestablish(Shown { closing: true, ..truth }), rules).unwrap();
    assert_eq!(party.give_way(rules), Err(Refusal(Rule::CooperativeIsFinal)));
}

/// Runs a complete update between all parties. The party that may propose the update with this state number proposes
/// it.
fn complete(keepers: &mut [Keeper], number: u32) {
    let proposer = (number as usize) % keepers.len();
    let update = keepers[proposer].propose(number, 0, None).unwrap();
    for place in (0..keepers.len()).filter(|place| *place != proposer) {
        keepers[place].sign(update, 0, None).unwrap();
        let party = keepers[place].party;
        keepers[proposer].part(party, number).unwrap();
    }
    for place in (0..keepers.len()).filter(|place| *place != proposer) {
        keepers[place].complete(number).unwrap();
    }
}

#[test]
fn proposals_of_the_override_form_do_not_cross() {
    let mut keepers = [0, 1, 2].map(|party| Keeper::new(party, 3));
    // Only party 1 may propose number 1. Until this number is complete, no party proposes or signs another one.
    assert_eq!(keepers[0].propose(7, 0, None), None);
    assert_eq!(keepers[2].propose(7, 0, None), None);
    let update = keepers[1].propose(1, 0, None).unwrap();
    assert_eq!(keepers[1].propose(2, 0, None), None);
    assert_eq!(keepers[1].sign((1, 2), 0, None), None);
    keepers[0].sign(update, 0, None).unwrap();
    assert_eq!(keepers[0].sign((2, 2), 0, None), None);
    assert_eq!(keepers[0].sign((1, 2), 0, None), None);
    // Two of three partial signatures are not enough.
    keepers[1].part(0, 1).unwrap();
    assert_eq!((keepers[1].complete, keepers[1].part(0, 2)), ((0, 0), None));
    keepers[1].part(2, 1).unwrap();
    assert_eq!(keepers[1].complete, (1, 1));
    // After a yield, the next party may propose.
    let mut keepers = [0, 1, 2].map(|party| Keeper::new(party, 3));
    assert_eq!(keepers[2].give_way(None), None);
    assert_eq!(keepers[1].give_way(None), Some(1));
    assert_eq!((keepers[2].yielded(2), keepers[1].yielded(1)), (None, None));
    keepers[0].yielded(1).unwrap();
    keepers[2].yielded(1).unwrap();
    complete(&mut keepers, 2);
    complete(&mut keepers, 3);
    assert!(keepers.iter().all(|keeper| keeper.complete == (3, 3) && keeper.to_bytes().len() == 45));
}

#[test]
fn an_update_is_signed_for_one_set_of_nonces() {
    let mut keeper = Keeper::new(0, 3);
    keeper.sign((1, 1), 5, None).unwrap();
    let stored = keeper.clone();
    // The same bytes can be sent any number of times. A signature for another nonce of a peer would give a second
    // equation for the secret key.
    assert_eq!(keeper.sign((1, 1), 5, None), Some(()));
    assert_eq!(keeper.sign((1, 1), 6, None), None);
    assert_eq!(keeper, stored);
    assert_eq!(keeper.sign((1, 1), 6, Some(OverrideRule::StoredAnswer)), Some(()));
    // A proposer also refuses to sign its own proposal for other nonces.
    let mut keeper = Keeper::new(1, 3);
    keeper.propose(1, 5, None).unwrap();
    assert_eq!(keeper.propose(1, 6, None), None);
}

#[test]
fn a_keeper_learns_what_it_lost() {
    let mut keepers = [0, 1].map(|party| Keeper::new(party, 2));
    complete(&mut keepers, 1);
    let backup = keepers[0].clone();
    complete(&mut keepers, 2);
    let update = keepers[1].propose(3, 9, None).unwrap();
    keepers[0].sign(update, 9, None).unwrap();
    keepers[1].part(0, 3).unwrap();
    // Everything after the backup is lost. The restored party signs nothing before the other party shows what it has.
    let mut lost = Keeper::started(&backup);
    assert_eq!((lost.complete, lost.attempt), ((1, 1), None));
    assert_eq!(
        (lost.propose(7, 0, None), lost.sign((3, 3), 9, None), lost.give_way(None)),
        (None, None, None)
    );
    let shown = keepers[1].shows(0);
    assert_eq!(shown, KeeperShown { complete: (3, 3), part: None, top: 3 });
    lost.reestablish(1, shown, None).unwrap();
    assert_eq!((lost.complete, lost.agreed, lost.top), ((3, 3), (3, 3), 3));
    assert_eq!(lost.reestablish(1, shown, None), None);
    // A responder gets back its own partial signature, with the nonces that it used. A proposer gets back the
    // responder's partial signature.
    let mut lost = Keeper::started(&backup);
    let shown = KeeperShown { complete: (2, 2), part: Some(((3, 3), 9)), top: 2 };
    lost.reestablish(1, shown, None).unwrap();
    assert_eq!(lost.attempt, Some(Signed { update: (3, 3), session: 9, parts: 0b11 }));
    assert_eq!((lost.sign((3, 3), 8, None), lost.sign((3, 4), 9, None)), (None, None));
    assert_eq!(lost.sends_again(1, shown), Some(KeeperMessage::Part(3)));
    let mut proposer = Keeper::started(&Keeper::new(1, 2));
    let shown = KeeperShown { complete: (0, 0), part: Some(((1, 1), 4)), top: 0 };
    proposer.reestablish(0, shown, None).unwrap();
    assert_eq!(proposer.attempt.map(|signed| signed.parts), Some(0b10));
    assert_eq!(proposer.sends_again(0, shown), Some(KeeperMessage::Propose((1, 1), 4)));
}
