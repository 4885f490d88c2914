use super::*;
use crate::keys::Seed;
use crate::model::{
    Construction, Content, Form, KINDS, Kind, Profile, Reward, Setup, SignedSequence, Stage, Symmetry,
};

const CAPACITY: u64 = 1_000_000;

fn content(state: u64) -> Content {
    Content::of(&[600_000 - 50_000 * state, 400_000 + 50_000 * state])
}

fn tower(chain: &Chain) -> Watchtower {
    Watchtower::new(&Seed::from_name("tower"), chain, 2).unwrap()
}

/// Blocks go by; the tower looks after each, until it has done what it had to, or so many blocks went by.
fn run(tower: &mut Watchtower, chain: &mut Chain, blocks: u32) -> Vec<Acted> {
    let mut all = Vec::new();
    for _ in 0..blocks {
        let acted = tower.look(chain).unwrap();
        let done = acted.iter().any(|acted| matches!(acted, Acted::Done { .. }));
        all.extend(acted);
        if done {
            break;
        }
        chain.mine(1).unwrap();
    }
    all
}

#[test]
fn it_answers_old_states_of_every_construction_by_itself_and_leaves_the_newest_alone() {
    for (name, kind) in KINDS {
        // Locks of months are shortened.
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
            let mut tower = tower(&stage.chain);
            tower.hire(&mut stage.chain, terms, channel.tower_bytes(1)).unwrap();
            let old = channel.close(0, published).unwrap().remove(0);
            stage.publish(old).unwrap();
            let acted = run(&mut tower, &mut stage.chain, 60);
            let saw = acted.iter().any(|acted| matches!(acted, Acted::Saw { .. }));
            let done = acted.iter().any(|acted| matches!(acted, Acted::Done { .. }));
            // Where locks order the states, whoever began, the newest path goes on.
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
        let mut tower = tower(&stage.chain);
        let client =
            tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), records[0].clone()).unwrap();
        tower.replace(client, records[3].clone()).unwrap();
        assert_eq!(tower.stored(client), 276);
        stage.publish(channel.close(0, published).unwrap().remove(0)).unwrap();
        let acted = run(&mut tower, &mut stage.chain, 5);
        assert_eq!(!acted.is_empty(), guarded, "{published}: {acted:?}");
        // A later record covers all.
        tower.replace(client, records[5].clone()).unwrap();
    }
    let mut tower = tower(&opened.chain);
    assert!(tower.replace(0, records[0].clone()).is_err());
    assert!(tower.hire(&mut opened.chain, channel.tower_terms().unwrap(), vec![1, 2, 3]).is_err());
}

#[test]
fn it_raises_its_fee_until_a_block_takes_the_answer() {
    let setup = Setup::named("raises", 2, CAPACITY, 144).unwrap();
    let mut channel = SignedSequence::new(setup, Profile::TemplateHash, content(0)).unwrap();
    let mut stage = Stage::new(&channel).unwrap();
    stage.open(&mut channel).unwrap();
    channel.update(content(1)).unwrap();
    let mut tower = tower(&stage.chain);
    tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), channel.tower_bytes(1)).unwrap();
    stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    let mut rates = Vec::new();
    for _ in 0..30 {
        for acted in tower.look(&mut stage.chain).unwrap() {
            match acted {
                Acted::Offered { rate, .. } => rates.push(rate),
                Acted::Refused { reject, .. } => panic!("{reject}"),
                _ => {}
            }
        }
        // Blocks ask 20 sat/vB.
        stage.chain.mine_at(20_000).unwrap();
    }
    assert_eq!(rates, [2, 3, 4, 5, 7, 9, 12, 15, 19, 24]);
    assert_eq!(stage.paid(&channel, 1), CAPACITY);
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
    let mut tower = tower(&stage.chain);
    tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), channel.tower_bytes(1)).unwrap();
    // The cheater puts a second stale update on its first before the tower looks.
    let first = stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    let second = channel.rebind(1, &first.step.tx).unwrap().unwrap();
    stage.publish(second).unwrap();
    let acted = run(&mut tower, &mut stage.chain, 5);
    let saw = acted.iter().filter(|acted| matches!(acted, Acted::Saw { .. })).count();
    assert_eq!(saw, 2);
    assert!(acted.contains(&Acted::Done { client: 0 }), "{acted:?}");
}

#[test]
fn rewards_are_paid_as_the_terms_fix_them() {
    for profile in [Profile::Ctv, Profile::TemplateHash, Profile::AnyPrevOut, Profile::AnyPrevOutAlone] {
        for keyed in [false, true] {
            let setup = Setup::named("rewards", 2, CAPACITY, 144).unwrap();
            let channel = SignedSequence::new(setup, profile, content(0)).unwrap();
            let mut tower = tower(&Stage::new(&channel).unwrap().chain);
            let reward = if keyed { Reward::Key(30_000) } else { Reward::Anyone(30_000) };
            let mut channel = channel.with_reward(reward, [tower.key(); 2]).unwrap();
            let mut stage = Stage::new(&channel).unwrap();
            stage.open(&mut channel).unwrap();
            channel.update(content(1)).unwrap();
            tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), channel.tower_bytes(1)).unwrap();
            let before = stage.chain.balance(tower.script_pubkey());
            let old = channel.close(0, 0).unwrap().remove(0);
            stage.publish(old.clone()).unwrap();
            let acted = run(&mut tower, &mut stage.chain, 5);
            assert!(acted.contains(&Acted::Done { client: 0 }), "{profile:?} {keyed}: {acted:?}");
            assert_eq!(stage.paid(&channel, 1), CAPACITY - 30_000);
            let gained = stage.chain.balance(tower.script_pubkey()) - before;
            assert!((29_000..30_000).contains(&gained), "{profile:?} {keyed}: {gained}");
            // A tower's key is needed where the terms name one.
            let without = channel.tower_contest(1, &old.tx);
            assert_eq!(without.is_err(), keyed);
        }
    }
}
