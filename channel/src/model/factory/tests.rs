use super::*;

const CAPACITY: u64 = 10_000_000;

fn open_named(name: &str, form: Form, channels: &[(Vec<usize>, u64)]) -> (Factory, Stage) {
    let setup = Setup::named(name, 5, CAPACITY, 20).unwrap();
    let mut factory = Factory::new(setup, form).unwrap();
    let mut stage = Stage::new(factory.hook()).unwrap();
    let funding = stage.fund(factory.hook().funding_output(), CAPACITY).unwrap();
    let inside: u64 = channels.iter().map(|(_, size)| size).sum();
    factory.open(outpoint(&funding.tx, 0), (&[(CAPACITY - inside) / 5; 5], channels)).unwrap();
    stage.publish(funding).unwrap();
    (factory, stage)
}

fn opened(form: Form) -> (Factory, Stage) {
    open_named("factory", form, &[(vec![0, 1], 2_000_000), (vec![2, 3, 4], 3_000_000)])
}

/// Creates a new simulated chain on which the outer channel is open, with the same funding transaction as before.
fn again(factory: &mut Factory) -> Stage {
    let mut stage = Stage::new(factory.hook()).unwrap();
    stage.open(&mut factory.hook).unwrap();
    stage
}

/// Returns the funding script of an inner channel, and the funding keys of its members.
fn inner_keys(factory: &Factory, channel: usize) -> (ScriptBuf, Vec<[u8; 33]>) {
    let inner = factory.channels()[channel].channel();
    let keys = inner.setup().parties.iter().map(|party| party.funding.public_key().serialize());
    (inner.funding_output().script_pubkey.clone(), keys.collect())
}

/// The updates of an inner channel are valid for every output of its aggregate key. If the keys came only from the
/// seeds and a counter, a state of one factory could settle another factory of the same parties.
#[test]
fn two_factories_of_the_same_seeds_share_no_inner_key() {
    let seeds = |parties: &[PartyKeys]| parties.iter().map(|party| party.seed.clone()).collect::<Vec<_>>();
    let (first, _) = opened(Form::AnyPrevOut);
    let mut entropy = crate::keys::Entropy::from_name("the second factory");
    let parties = seeds(&first.parties).into_iter().map(|seed| PartyKeys::new(seed, entropy.draw()).unwrap());
    let setup = Setup::of(parties.collect(), CAPACITY, 20, entropy).unwrap();
    let mut second = Factory::new(setup, Form::AnyPrevOut).unwrap();
    let elsewhere = OutPoint { vout: 7, ..first.hook.setup().funding };
    let channels = [(vec![0, 1], 2_000_000), (vec![2, 3, 4], 3_000_000)];
    second.open(elsewhere, (&[1_000_000; 5], &channels)).unwrap();
    for channel in 0..2 {
        let (one, other) = (inner_keys(&first, channel), inner_keys(&second, channel));
        assert_ne!(one.0, other.0);
        assert!(one.1.iter().all(|key| !other.1.contains(key)));
    }
    // With the same random bytes but another funding output, the keys are different too.
    let twin = Setup::named("factory", 5, CAPACITY, 20).unwrap();
    let mut third = Factory::new(twin, Form::AnyPrevOut).unwrap();
    third.open(elsewhere, (&[1_000_000; 5], &channels)).unwrap();
    assert_ne!(inner_keys(&first, 0).0, inner_keys(&third, 0).0);
}

/// If an attempt to resize an inner channel fails, the next attempt must use other keys. Three different states signed
/// with one key and one nonce would reveal the secret key.
#[test]
fn every_attempt_to_resize_has_its_own_keys_and_signs_nothing_before_it_is_checked() {
    let (mut factory, _) = opened(Form::AnyPrevOut);
    let before = factory.hook().number();
    // Four invalid allocations: the amounts do not add up, a member does not exist, a member is repeated, a channel has
    // only one member.
    let wrong = [(1, vec![0, 1]), (1_500_000, vec![0, 9]), (1_500_000, vec![1, 1]), (1_500_000, vec![1])];
    for (balance, members) in wrong {
        factory.reallocate((&[balance; 5], &[(members, 2_500_000)])).unwrap_err();
        assert_eq!((factory.hook().number(), factory.channels().len()), (before, 2));
    }
    let mut seen = vec![inner_keys(&factory, 0)];
    for size in [2_500_000, 3_000_000, 2_500_000] {
        let rest = (CAPACITY - size) / 5;
        factory.reallocate((&[rest; 5], &[(vec![0, 1], size)])).unwrap();
        let keys = inner_keys(&factory, 0);
        assert!(seen.iter().all(|other| *other != keys && other.1.iter().all(|key| !keys.1.contains(key))));
        seen.push(keys);
    }
}

#[test]
fn members_alone_update_their_channel_and_its_signature_outlives_the_hooks_states() {
    for form in Form::ALL {
        let (mut factory, _) = opened(form);
        let cost = factory.update_inner(0, Content::of(&[300_000, 1_700_000])).unwrap();
        assert_eq!(cost.signatures, 2, "{form:?}");
        // Money moves between the other parties and channels. The channel of parties 0 and 1 keeps its size.
        let cost = factory
            .reallocate((
                &[2_000_000, 500_000, 500_000, 500_000, 500_000],
                &[(vec![0, 1], 2_000_000), (vec![2, 3], 4_000_000)],
            ))
            .unwrap();
        assert_eq!(cost.signatures, 5, "{form:?}");
        let kept = factory.channels()[0].channel().client_bytes(0);

        let mut txids = Vec::new();
        for overridden in [false, true] {
            let mut stage = again(&mut factory);
            let steps = match overridden {
                false => factory.close_hook(1).unwrap(),
                true => {
                    // An old state of the outer channel is published, and a member answers it with the latest update.
                    let old = stage.publish(factory.close_hook(0).unwrap().remove(0)).unwrap();
                    factory.hook().contest(4, &old.step.tx).unwrap().unwrap()
                }
            };
            let played = stage.publish_all(steps).unwrap();
            let settlement = played.last().unwrap().step.tx.clone();
            txids.push(settlement.compute_txid());
            stage.publish_all(factory.close_inner(0, &settlement).unwrap()).unwrap();
            assert_eq!(stage.paid(factory.channels()[0].channel(), 1), 1_700_000, "{form:?}");
            // Nothing was signed in between: the record has changed only in the outpoint.
            let now = factory.channels()[0].channel().client_bytes(0);
            let place = crate::records::HEAD + 36;
            assert_eq!(now[place..], kept[place..], "{form:?}");
        }
        assert_ne!(txids[0], txids[1], "{form:?}");
    }
}

#[test]
fn old_states_inside_are_overridden() {
    let (mut factory, mut stage) = opened(Form::OverridePairCommit);
    for first in [300_000, 900_000] {
        factory.update_inner(0, Content::of(&[first, 2_000_000 - first])).unwrap();
    }
    let played = stage.publish_all(factory.close_hook(0).unwrap()).unwrap();
    let settlement = played.last().unwrap().step.tx.clone();
    let channel = factory.place(0, &settlement).unwrap();
    let old = stage.publish(channel.close(1, 1).unwrap().remove(0)).unwrap();
    let answer = channel.contest(0, &old.step.tx).unwrap().unwrap();
    stage.publish_all(answer).unwrap();
    assert_eq!(stage.paid(factory.channels()[0].channel(), 0), 900_000);
}

#[test]
fn another_size_has_other_keys() {
    let (mut factory, _) = opened(Form::AnyPrevOut);
    let before = factory.channels()[0].channel().funding_output().script_pubkey.clone();
    let three = factory.channels()[1].channel().funding_output().clone();
    factory
        .reallocate((
            &[500_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000],
            &[(vec![0, 1], 2_500_000), (vec![2, 3, 4], 3_000_000)],
        ))
        .unwrap();
    assert_ne!(factory.channels()[0].channel().funding_output().script_pubkey, before);
    assert_eq!(*factory.channels()[1].channel().funding_output(), three);
}

/// A resized channel needs new keys, because updates do not commit to the amount that they spend. With the same keys,
/// an update of the smaller channel could spend the larger output, and the difference would become fee.
#[test]
fn an_update_does_not_commit_to_the_amount_that_it_spends() {
    for form in [Form::AnyPrevOut, Form::PairCommit, Form::TemplateHash] {
        let setup = Setup::named("amounts", 2, 1_000_000, 20).unwrap();
        let mut channel = Symmetry::new(setup, form, Content::of(&[500_000, 500_000])).unwrap();
        let mut stage = Stage::new(&channel).unwrap();
        stage.open(&mut channel).unwrap();
        let update = channel.close(0, 0).unwrap().remove(0);
        let larger = crate::tx::output(1_500_000, channel.funding_output().script_pubkey.clone());
        let mut tx = update.tx;
        tx.input[0].previous_output = stage.chain.mint(larger);
        stage.chain.mine_block(vec![tx.clone()]).unwrap();
        assert_eq!(stage.chain.confirmed(&tx.compute_txid()).unwrap().fee, 500_000, "{form:?}");
    }
}

#[test]
fn costs_are_measured() {
    let costs = nested_costs(Form::OverrideTemplateHash, 4, 144).unwrap();
    assert_eq!(costs.signatures, (2, 4));
    let labels: Vec<&str> = costs.steps.iter().map(|played| played.step.label).collect();
    assert_eq!(labels, ["update", "settlement", "update", "settlement"]);
    // Both contest delays, and one block for the update of the inner channel.
    assert_eq!(costs.steps[3].height - costs.steps[0].height, 2 * 144 + 1);
}
