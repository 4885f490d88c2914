use super::*;
use crate::bolt3::Format;
use crate::model::{
    Construction, Content, Form, KINDS, Kind, Profile, Reward, Setup, SignedSequence, Stage, Step, Symmetry,
};
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{input, op_return, outpoint, output, p2a, transaction};

const CAPACITY: u64 = 1_000_000;

fn content(state: u64) -> Content {
    Content::of(&[600_000 - 50_000 * state, 400_000 + 50_000 * state])
}

fn tower() -> Watchtower {
    Watchtower::new(&Seed::from_name("tower"), 2).unwrap()
}

/// Lets the tower check the chain once, and returns the resulting events of one client.
fn events(tower: &mut Watchtower, chain: &mut Chain, client: usize) -> Vec<Event> {
    tower.look(chain).remove(client).events.unwrap()
}

/// Mines up to `blocks` blocks, and lets the tower check the chain before each. Stops when nothing is left to claim for
/// this client. Returns all events of the client.
fn run_for(tower: &mut Watchtower, chain: &mut Chain, client: usize, blocks: u32) -> Vec<Event> {
    let mut all = Vec::new();
    for _ in 0..blocks {
        let events = events(tower, chain, client);
        let done = events.contains(&Event::Done);
        all.extend(events);
        if done {
            break;
        }
        chain.mine(1).unwrap();
    }
    all
}

fn run(tower: &mut Watchtower, chain: &mut Chain, blocks: u32) -> Vec<Event> {
    run_for(tower, chain, 0, blocks)
}

fn saw(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Saw { .. })).count()
}

fn rates(events: &[Event]) -> Vec<u64> {
    let rate = |event: &Event| match event {
        Event::Offered { rate, .. } => Some(*rate),
        _ => None,
    };
    events.iter().filter_map(rate).collect()
}

#[test]
fn it_answers_old_states_of_every_construction_by_itself_and_leaves_the_newest_alone() {
    for (name, kind) in KINDS {
        // These constructions have locks of months, which are shortened here.
        let kind = match kind {
            Kind::Bip68(..) => Kind::Bip68(5, 6),
            Kind::Tree(..) => Kind::Tree(3, 3, 6),
            kind => *kind,
        };
        let mut channel = kind.build(Setup::named(name, 2, CAPACITY, 144).unwrap(), content(0)).unwrap();
        let channel = channel.as_mut();
        let mut opened = Stage::new(channel).unwrap();
        opened.open(channel).unwrap();
        let Some(terms) = channel.tower_terms() else { continue };
        for state in 1..4 {
            channel.update(content(state)).unwrap();
        }
        for published in [1, 3] {
            let mut stage = Stage::new(channel).unwrap();
            stage.open(channel).unwrap();
            let mut tower = tower();
            tower.hire(&mut stage.chain, terms, channel.tower_bytes(1)).unwrap();
            let old = channel.close(0, published).unwrap().remove(0);
            stage.publish(old).unwrap();
            let acted = run(&mut tower, &mut stage.chain, 60);
            let (saw, done) = (saw(&acted) > 0, acted.contains(&Event::Done));
            // In constructions with decreasing relative locks, the tower publishes the remaining transactions of the
            // latest state, whichever party published the kickoff.
            let answers = published != 3 || matches!(kind, Kind::Bip68(..) | Kind::Tree(..));
            assert_eq!((saw, done), (answers, answers), "{name} {published}: {acted:?}");
            if matches!(kind, Kind::SignedSequence(_)) && published == 1 {
                assert_eq!(stage.paid(channel, 1), CAPACITY, "{name}");
            }
        }
    }
}

#[test]
fn skipped_updates_leave_what_is_above_the_record_unguarded() {
    let setup = Setup::named("skips", 2, CAPACITY, 144).unwrap();
    let mut channel = SignedSequence::new(setup, Profile::Ctv, content(0)).unwrap();
    let mut opened = Stage::new(&channel).unwrap();
    opened.open(&mut channel).unwrap();
    let mut records = vec![channel.tower_bytes(1)];
    for state in 1..6 {
        channel.update(content(state)).unwrap();
        records.push(channel.tower_bytes(1));
    }
    for (published, guarded) in [(2, true), (3, false), (4, false)] {
        let mut stage = Stage::new(&channel).unwrap();
        stage.open(&mut channel).unwrap();
        let mut tower = tower();
        let client =
            tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), records[0].clone()).unwrap();
        tower.replace(client, records[3].clone()).unwrap();
        assert_eq!(tower.stored(client), 278);
        stage.publish(channel.close(0, published).unwrap().remove(0)).unwrap();
        let acted = run(&mut tower, &mut stage.chain, 5);
        assert_eq!(!acted.is_empty(), guarded, "{published}: {acted:?}");
        // A later record covers all earlier states.
        tower.replace(client, records[5].clone()).unwrap();
    }
    let mut tower = tower();
    assert!(tower.replace(0, records[0].clone()).is_err());
    assert!(tower.hire(&mut opened.chain, channel.tower_terms().unwrap(), vec![1, 2, 3]).is_err());
}

/// Returns a tower with one client, and the chain on which an old state of the client's channel was just published.
/// Also returns the cheater's next transaction, which is valid after the delay.
fn caught(kind: Kind, delay: u16) -> (Watchtower, Stage, Step) {
    let setup = Setup::named("caught", 2, CAPACITY, delay).unwrap();
    let mut channel = kind.build(setup, content(0)).unwrap();
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel).unwrap();
    stage.open(channel).unwrap();
    channel.update(content(1)).unwrap();
    let mut tower = tower();
    tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), channel.tower_bytes(1)).unwrap();
    let [old, after] = channel.close(0, 0).unwrap().try_into().unwrap();
    stage.publish(old).unwrap();
    (tower, stage, after)
}

#[test]
fn it_raises_its_fee_until_a_block_takes_the_answer() {
    let kinds = [
        Kind::SignedSequence(Profile::TemplateHash),
        Kind::Symmetry(Form::TemplateHash),
        Kind::LnPenalty(Format::Anchors),
        Kind::LnPenalty(Format::ZeroFee),
    ];
    for kind in kinds {
        let (mut tower, mut stage, _) = caught(kind, 144);
        let mut acted = Vec::new();
        for _ in 0..30 {
            acted.extend(events(&mut tower, &mut stage.chain, 0));
            // Blocks require 20 sat/vB.
            stage.chain.mine_at(20_000).unwrap();
        }
        assert_eq!(rates(&acted), [2, 3, 4, 5, 7, 9, 12, 15, 19, 24], "{kind:?}");
        assert!(acted.contains(&Event::Done), "{kind:?}: {acted:?}");
    }
}

/// A tower knows when the contest delay ends, and raises its fee fast enough to reach the required feerate before that.
#[test]
fn a_short_delay_makes_it_raise_faster() {
    let kinds = [
        Kind::SignedSequence(Profile::TemplateHash),
        Kind::Symmetry(Form::TemplateHash),
        Kind::LnPenalty(Format::Anchors),
    ];
    for kind in kinds {
        let (mut tower, mut stage, _) = caught(kind, 6);
        let mut acted = Vec::new();
        for _ in 0..6 {
            acted.extend(events(&mut tower, &mut stage.chain, 0));
            stage.chain.mine_at(100_000).unwrap();
        }
        assert!(acted.contains(&Event::Done), "{kind:?}: {acted:?}");
    }
}

#[test]
fn each_newer_stale_update_is_answered_again() {
    let setup = Setup::named("again", 2, CAPACITY, 144).unwrap();
    let mut channel = Symmetry::new(setup, Form::AnyPrevOut, content(0)).unwrap();
    let mut stage = Stage::new(&channel).unwrap();
    stage.open(&mut channel).unwrap();
    for state in 1..4 {
        channel.update(content(state)).unwrap();
    }
    let mut tower = tower();
    tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), channel.tower_bytes(1)).unwrap();
    // The cheater spends its first stale update with a second one before the tower's answer confirms.
    let first = stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    assert_eq!(saw(&events(&mut tower, &mut stage.chain, 0)), 1);
    let second = channel.rebind(1, &first.step.tx).unwrap().unwrap();
    stage.chain.mine_block(vec![second.tx]).unwrap();
    let acted = run(&mut tower, &mut stage.chain, 5);
    assert_eq!(saw(&acted), 1);
    // The answer to the first stale update had reached 2 sat/vB.
    assert_eq!(rates(&acted), [3]);
    assert!(acted.contains(&Event::Done), "{acted:?}");
}

#[test]
fn rewards_are_paid_as_the_terms_fix_them() {
    for profile in [Profile::Ctv, Profile::TemplateHash, Profile::AnyPrevOut, Profile::AnyPrevOutAlone] {
        for keyed in [false, true] {
            let setup = Setup::named("rewards", 2, CAPACITY, 144).unwrap();
            let channel = SignedSequence::new(setup, profile, content(0)).unwrap();
            let mut tower = tower();
            let reward = if keyed { Reward::Key(30_000) } else { Reward::Anyone(30_000) };
            let mut channel = channel.with_reward(reward, [tower.key(); 2]).unwrap();
            let mut stage = Stage::new(&channel).unwrap();
            stage.open(&mut channel).unwrap();
            channel.update(content(1)).unwrap();
            tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), channel.tower_bytes(1)).unwrap();
            let before = tower.balance(&stage.chain);
            let old = channel.close(0, 0).unwrap().remove(0);
            stage.publish(old.clone()).unwrap();
            let acted = run(&mut tower, &mut stage.chain, 5);
            assert!(acted.contains(&Event::Done), "{profile:?} {keyed}: {acted:?}");
            assert_eq!(stage.paid(&channel, 1), CAPACITY - 30_000);
            let gained = tower.balance(&stage.chain) - before;
            assert!((29_000..30_000).contains(&gained), "{profile:?} {keyed}: {gained}");
            // If the terms name a tower's key, the answer cannot be made without that key.
            let without = channel.tower_contest(1, &old.tx);
            assert_eq!(without.is_err(), keyed);
        }
    }
}

fn symmetric(name: &str, form: Form, states: u64) -> (Symmetry, Stage) {
    let mut channel = Symmetry::new(Setup::named(name, 2, CAPACITY, 144).unwrap(), form, content(0)).unwrap();
    let mut stage = Stage::new(&channel).unwrap();
    stage.open(&mut channel).unwrap();
    for state in 1..=states {
        channel.update(content(state)).unwrap();
    }
    (channel, stage)
}

/// Creates a tower and registers the channel's second party as its client.
fn hired(channel: &Symmetry, stage: &mut Stage) -> Watchtower {
    let mut tower = tower();
    tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), channel.tower_bytes(1)).unwrap();
    tower
}

/// A signature under ANYPREVOUTANYSCRIPT does not commit to the index of its input, so the tower must find an old
/// update transaction at any input index.
#[test]
fn a_stale_update_is_found_at_any_input() {
    for place in [0, 1] {
        let (channel, mut stage) = symmetric("hidden", Form::AnyPrevOut, 3);
        let mut tower = hired(&channel, &mut stage);
        let mut tx = channel.close(0, 0).unwrap().remove(0).tx;
        let coin = stage.chain.mint(output(0, p2a()));
        tx.input.insert(place, input(coin, 0));
        stage.chain.mine_block(vec![tx]).unwrap();
        let acted = run(&mut tower, &mut stage.chain, 5);
        assert!(acted.contains(&Event::Done), "{place}: {acted:?}");
    }
}

/// The tower ignores an output that imitates a state output in the fee-paying child of an update transaction.
#[test]
fn a_decoy_is_not_followed() {
    let (channel, mut stage) = symmetric("decoy", Form::CtvCsfs, 3);
    let mut tower = hired(&channel, &mut stage);
    let tx = channel.close(0, 0).unwrap().remove(0).tx;
    let (key, hash) = (channel.setup().internal_key(), [7; 32]);
    let leaf = Leaf::Script(crate::leaves::update_ctv(&key, Some(2)));
    let out = TapOutput::new(key, vec![(1, leaf), (1, Leaf::Hidden(hash))]).unwrap();
    let coin = stage.wallet.mint(&mut stage.chain, 2_000);
    let outputs = vec![
        output(330, stage.wallet.script_pubkey().clone()),
        output(330, out.script_pubkey()),
        output(0, op_return(&hash)),
    ];
    let mut child = transaction(3, 500_000_001, vec![input(outpoint(&tx, 0), 0), input(coin.0, 0)], outputs);
    stage.wallet.sign(&mut child, &[tx.output[0].clone(), coin.1], 1).unwrap();
    stage.chain.mine_block(vec![tx, child]).unwrap();
    let acted = run(&mut tower, &mut stage.chain, 5);
    assert_eq!((saw(&acted), acted.contains(&Event::Done)), (1, true), "{acted:?}");
}

/// If the tower can do nothing for one client, it still serves its other clients.
#[test]
fn a_client_that_fails_does_not_blind_the_tower_for_the_others() {
    let (channel, mut stage) = symmetric("fails", Form::TemplateHash, 3);
    let mut tower = tower();
    let terms = channel.tower_terms().unwrap();
    // The record of the first client contains a justice kit for this transaction that decrypts to zeros, and an entry
    // that cannot be decrypted. The guard of the second client always fails.
    let old = channel.close(0, 0).unwrap().remove(0);
    let txid = old.tx.compute_txid();
    let empty = crate::model::justice_blob(txid.as_ref(), &[0; 274]).unwrap();
    let record = [crate::records::RecordKind::PenaltyTower.head(), empty, vec![0; 330]].concat();
    tower.hire(&mut stage.chain, TowerTerms::LnPenalty, record).unwrap();
    #[derive(Debug)]
    struct Fails;
    impl crate::publish::Guard for Fails {
        fn claims(
            &self,
            _: crate::publish::View<'_>,
            _: &crate::publish::Orders,
        ) -> Result<Vec<crate::publish::Claim>, ChannelError> {
            Err(ChannelError::refused("always"))
        }
        fn channel(&self) -> Vec<u8> {
            Vec::new()
        }
        fn rank(&self) -> Vec<u32> {
            Vec::new()
        }
    }
    tower.hire(&mut stage.chain, terms, channel.tower_bytes(0)).unwrap();
    tower.clients[1].publisher.replace(std::sync::Arc::new(Fails));
    tower.hire(&mut stage.chain, terms, channel.tower_bytes(1)).unwrap();
    stage.publish(old).unwrap();
    let reports = tower.look(&mut stage.chain);
    assert_eq!(reports[0].events, Ok(vec![]));
    assert_eq!(reports[1].events, Err(ChannelError::refused("always")));
    assert_eq!(rates(reports[2].events.as_ref().unwrap()), [2]);
}

/// The fee rises after each block that does not contain the tower's answer. This is also true in these cases: the
/// mempool refuses the answer, a newer old update replaces the answered one, the client's record is replaced, or the
/// tower is restarted.
#[test]
fn a_fee_rises_whatever_happened_meanwhile() {
    let (mut channel, mut stage) = symmetric("loop", Form::TemplateHash, 9);
    let mut tower = hired(&channel, &mut stage);
    let mut published = channel.close(0, 0).unwrap().remove(0);
    stage.publish(published.clone()).unwrap();
    let mut offered = Vec::new();
    for state in 1..8 {
        offered.extend(rates(&events(&mut tower, &mut stage.chain, 0)));
        // A second check in the same block raises no fee.
        assert!(rates(&events(&mut tower, &mut stage.chain, 0)).is_empty());
        if state == 4 {
            channel.update(content(10)).unwrap();
            tower.replace(0, channel.tower_bytes(1)).unwrap();
        }
        published = channel.rebind(state, &published.tx).unwrap().unwrap();
        stage.chain.mine_block(vec![published.tx.clone()]).unwrap();
    }
    assert_eq!(offered, [2, 3, 4, 5, 7, 9, 12]);
    // The cheater attaches its own child to the tower's answer. A child that pays less than the tower would pay is
    // replaced. A child that pays more stays, because it pays for the answer.
    let update = channel.rebind(10, &published.tx).unwrap().unwrap();
    for (paid, is_kept) in [(4_000, false), (20_000, true)] {
        let (mut tower, mut blocked) = (tower.clone(), stage.chain.clone());
        let coin = stage.wallet.mint(&mut blocked, 50_000);
        let child = stage.wallet.fee_child(&update.tx, &coin, paid).unwrap();
        blocked.submit_package(update.tx.clone(), child).unwrap();
        let acted = events(&mut tower, &mut blocked, 0);
        match acted.last() {
            Some(Event::Offered { fee, .. }) => assert!(!is_kept && (4_001..5_500).contains(fee), "{fee}"),
            _ => assert!(is_kept, "{acted:?}"),
        }
        blocked.mine(1).unwrap();
        assert!(blocked.confirmed(&update.tx.compute_txid()).is_some());
    }
    // A restarted tower has lost its feerates. It finds its own transaction in the mempool, and pays at least the
    // market feerate.
    let mut restarted = hired(&channel, &mut stage);
    restarted.set_market(3);
    assert_eq!(rates(&events(&mut restarted, &mut stage.chain, 0)), [3]);
    assert!(run(&mut restarted, &mut stage.chain, 3).contains(&Event::Done));
}

/// The fee of an answer to an old state is never higher than the amount at stake, whatever the market feerate is and
/// whichever transactions conflict with the answer.
#[test]
fn no_fee_is_higher_than_what_is_at_stake() {
    let capacity = 10_000;
    let setup = Setup::named("small", 2, capacity, 144).unwrap();
    let mut channel = Symmetry::new(setup, Form::TemplateHash, Content::of(&[6_000, 4_000])).unwrap();
    let mut stage = Stage::new(&channel).unwrap();
    stage.open(&mut channel).unwrap();
    channel.update(Content::of(&[3_000, 7_000])).unwrap();
    let mut tower = hired(&channel, &mut stage);
    stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    let before = tower.balance(&stage.chain);
    for _ in 0..60 {
        events(&mut tower, &mut stage.chain, 0);
        stage.chain.mine_at(1_000_000).unwrap();
    }
    stage.chain.mine(1).unwrap();
    let paid = before - tower.balance(&stage.chain);
    assert_eq!(paid, capacity);
    // Another party's child pays more than the amount at stake. It pays for the answer, so the tower does not replace
    // it.
    let (channel, mut stage) = symmetric("dear", Form::TemplateHash, 1);
    let mut tower = hired(&channel, &mut stage);
    let old = stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    let update = channel.rebind(1, &old.step.tx).unwrap().unwrap();
    let coin = stage.wallet.mint(&mut stage.chain, 3_000_000);
    let child = stage.wallet.fee_child(&update.tx, &coin, 2_000_000).unwrap();
    stage.chain.submit_package(update.tx, child).unwrap();
    let acted = events(&mut tower, &mut stage.chain, 0);
    assert!(rates(&acted).is_empty(), "{acted:?}");
}

/// A restarted tower raises the fee of a transaction that it submitted before the restart, although it stores no data
/// about this transaction.
#[test]
fn a_tower_that_was_started_again_goes_on_raising() {
    let (channel, mut stage) = symmetric("restarts", Form::TemplateHash, 2);
    let mut tower = hired(&channel, &mut stage);
    stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    let mut offered = Vec::new();
    for block in 0..10 {
        if block == 7 {
            tower = hired(&channel, &mut stage);
        }
        offered.extend(rates(&events(&mut tower, &mut stage.chain, 0)));
        stage.chain.mine_at(100_000).unwrap();
    }
    // In the first block after the restart, the tower submits nothing: its own transaction is in the mempool. In the
    // next block it raises the fee.
    assert_eq!(offered, [2, 3, 4, 5, 7, 9, 12, 15, 19]);
}

/// A cheater attaches a child that pays to the tower's wallet. The tower does not mistake it for its own transaction.
/// When the cheater replaces that child, the tower continues from its own feerate.
#[test]
fn a_strangers_child_that_pays_to_the_tower_is_not_its_own() {
    let (channel, mut stage) = symmetric("gift", Form::TemplateHash, 1);
    let mut tower = hired(&channel, &mut stage);
    let old = stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    let update = channel.rebind(1, &old.step.tx).unwrap().unwrap().tx;
    let (coin, out) = stage.wallet.mint(&mut stage.chain, 50_000);
    let gift = tower.clients[0].publisher.wallet().script_pubkey().clone();
    let outputs = vec![output(330, gift), output(29_670, stage.wallet.script_pubkey().clone())];
    let inputs = vec![input(outpoint(&update, 0), 0), input(coin, 0)];
    let mut child = transaction(3, 0, inputs, outputs);
    stage.wallet.sign(&mut child, &[update.output[0].clone(), out.clone()], 1).unwrap();
    stage.chain.submit_package(update, child).unwrap();
    assert!(rates(&events(&mut tower, &mut stage.chain, 0)).is_empty());
    stage.chain.submit(stage.wallet.spend(3, &(coin, out), 25_000).unwrap()).unwrap();
    stage.chain.mine_block(vec![]).unwrap();
    assert_eq!(rates(&events(&mut tower, &mut stage.chain, 0)), [3]);
}

mod kits;
mod records;
