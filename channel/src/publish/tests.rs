use bitcoin::{OutPoint, Transaction};

use super::*;
use crate::bolt3::Format;
use crate::chain::{Chain, START_HEIGHT};
use crate::keys::Seed;
use crate::model::{Construction, Content, Form, Htlc, KINDS, Kind, Profile, Setup, Stage, Symmetry};
use crate::tx::{input, output, p2a};
use crate::wallet::Wallet;

const CAPACITY: u64 = 1_000_000;
const KNOWN: [[u8; 32]; 2] = [[1; 32], [2; 32]];
/// Maximum that a party may pay for fees in one simulation, in satoshi. All feerates in these simulations are 2 sat/vB
/// or slightly more.
const FEES: u64 = 6_000;

/// Calls `play` with a channel of every construction that implements guards. The constructions `bip68` and `tree` get
/// shorter locks than usual.
fn guarded(mut play: impl FnMut(&'static str, Box<dyn Construction>)) {
    for (name, kind) in KINDS {
        let kind = match kind {
            Kind::Bip68(..) => Kind::Bip68(5, 6),
            Kind::Tree(..) => Kind::Tree(3, 3, 6),
            kind => *kind,
        };
        let setup = Setup::named(name, 2, CAPACITY, 144).unwrap();
        let mut channel = kind.build(setup, Content::of(&[600_000, 400_000])).unwrap();
        let mut stage = Stage::new(channel.as_ref()).unwrap();
        stage.open(channel.as_mut()).unwrap();
        if channel.guard(0).is_ok() {
            play(name, channel);
        }
    }
}

fn client(channel: &dyn Construction, party: usize, chain: &mut Chain) -> Publisher {
    let wallet = Wallet::new(&Seed::from_name(&format!("client {party}"))).unwrap();
    for _ in 0..4 {
        wallet.mint(chain, 100_000);
    }
    Publisher::new(channel.guard(party).unwrap(), wallet, 2)
}

/// Returns how much a party has at the end, in satoshi: its payouts and its wallet, minus the initial coins of the
/// wallet.
fn has(channel: &dyn Construction, stage: &Stage, publisher: &Publisher, party: usize) -> u64 {
    let wallet = stage.chain.balance(publisher.wallet().script_pubkey());
    (stage.paid(channel, party) + wallet).saturating_sub(400_000)
}

/// Mines `blocks` blocks. Before each block, all publishers check the chain and submit the transactions of their
/// claims.
fn run(stage: &mut Stage, publishers: &mut [Publisher], blocks: u32) {
    for _ in 0..blocks {
        for publisher in publishers.iter_mut() {
            for event in publisher.look(&mut stage.chain).unwrap() {
                assert!(!matches!(event, Event::Failed { .. }), "{event:?}");
            }
        }
        stage.chain.mine(1).unwrap();
    }
}

/// Returns a state with two equal HTLCs to the second party, one HTLC to the first party, and one HTLC whose preimage
/// nobody knows.
fn with_htlcs() -> Content {
    let htlc = |from: usize, sat, preimage: [u8; 32]| Htlc {
        from,
        to: 1 - from,
        sat,
        expiry: START_HEIGHT + 400,
        payment_hash: sha256(&preimage),
    };
    let equal = htlc(0, 50_000, KNOWN[1]);
    let htlcs = vec![equal, htlc(1, 40_000, KNOWN[0]), equal, htlc(0, 60_000, [9; 32])];
    Content { balances: vec![500_000, 300_000], htlcs }
}

/// Each party receives its balance and its HTLCs, whichever party closes the channel. The HTLCs include equal
/// ones, some that are claimed with the preimage, and some that are taken back after the expiry.
#[test]
fn the_latest_state_is_settled_and_every_htlc_is_claimed() {
    guarded(|name, mut channel| {
        for closer in [0, 1] {
            let channel = channel.as_mut();
            let mut stage = Stage::new(channel).unwrap();
            stage.open(channel).unwrap();
            channel.update(with_htlcs()).unwrap();
            let mut publishers = [0, 1].map(|party| client(channel, party, &mut stage.chain));
            for (party, publisher) in publishers.iter_mut().enumerate() {
                publisher.orders().learn(KNOWN[party]);
                publisher.orders().close = party == closer;
            }
            run(&mut stage, &mut publishers, 560);
            for (party, owed) in [(0, 600_000), (1, 400_000)] {
                let left = publishers[party].claims(&stage.chain).unwrap();
                assert!(left.is_empty(), "{name} {closer}: {left:?}");
                let paid = has(channel, &stage, &publishers[party], party);
                assert!(paid <= owed && paid + FEES >= owed, "{name} {closer} {party}: {paid} of {owed}");
            }
        }
    });
}

/// A party that publishes an old state does not receive more than in the latest state. This is true even if a
/// reorganization removes the transaction that answers the old state.
#[test]
fn an_old_state_is_answered_and_a_reorganisation_changes_nothing() {
    guarded(|name, mut channel| {
        let channel = channel.as_mut();
        let mut opened = Stage::new(channel).unwrap();
        opened.open(channel).unwrap();
        for state in 1..4u64 {
            channel.update(Content::of(&[600_000 - 100_000 * state, 400_000 + 100_000 * state])).unwrap();
        }
        for back in [0, 1, 2] {
            let mut stage = Stage::new(channel).unwrap();
            stage.open(channel).unwrap();
            let mut old = channel.close(0, 0).unwrap().into_iter();
            stage.publish(old.next().unwrap()).unwrap();
            let mut victim = [client(channel, 1, &mut stage.chain)];
            for block in 0..200 {
                // The cheater publishes the next transaction of its old state as soon as possible.
                let _ = old.as_slice().first().map(|step| stage.chain.submit(step.tx.clone()));
                run(&mut stage, &mut victim, 1);
                if block == 3 {
                    stage.chain.reorganise(back).unwrap();
                }
            }
            let paid = has(channel, &stage, &victim[0], 1);
            assert!(paid + FEES >= 700_000, "{name} {back}: {paid}");
        }
    });
}

/// Anyone can add an input to an update signed under ANYPREVOUTANYSCRIPT. The party must still find and
/// settle such an update.
#[test]
fn the_latest_state_is_settled_below_a_strangers_input() {
    for place in [0, 1] {
        let setup = Setup::named("stranger", 2, CAPACITY, 144).unwrap();
        let mut channel = Symmetry::new(setup, Form::AnyPrevOut, Content::of(&[600_000, 400_000])).unwrap();
        let mut stage = Stage::new(&channel).unwrap();
        stage.open(&mut channel).unwrap();
        channel.update(Content::of(&[500_000, 500_000])).unwrap();
        let mut tx = channel.close(0, 1).unwrap().remove(0).tx;
        let coin = stage.chain.mint(output(0, p2a()));
        tx.input.insert(place, input(coin, 0));
        stage.chain.mine_block(vec![tx]).unwrap();
        let mut publishers = [client(&channel, 1, &mut stage.chain)];
        run(&mut stage, &mut publishers, 150);
        assert_eq!(stage.paid(&channel, 1), 500_000);
    }
}

/// The record of a nested channel contains no funding outpoint. The guard follows every output that pays to the funding
/// script, whoever created it.
#[test]
fn a_channel_without_a_named_output_is_found_by_its_script() {
    let setup = Setup::named("inner", 2, CAPACITY, 144).unwrap();
    let mut channel = Symmetry::new(setup, Form::TemplateHash, Content::of(&[600_000, 400_000])).unwrap();
    channel.open(OutPoint::null()).unwrap();
    channel.update(Content::of(&[100_000, 900_000])).unwrap();
    let mut stage = Stage::new(&channel).unwrap();
    let mut publishers = [client(&channel, 1, &mut stage.chain)];
    let funding = stage.fund(&channel.funding_output().clone(), CAPACITY).unwrap();
    let output = crate::tx::outpoint(&funding.tx, 0);
    stage.publish(funding).unwrap();
    channel.open(output).unwrap();
    stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    run(&mut stage, &mut publishers, 150);
    assert_eq!(stage.paid(&channel, 1), 900_000);
}

/// The cheater claims HTLCs of its revoked commitment transaction before the victim checks the chain. The victim takes
/// the remaining outputs, and also the outputs of the cheater's second-stage transactions.
#[test]
fn every_output_of_a_revoked_commitment_is_taken() {
    for format in [Format::StaticRemotekey, Format::Anchors, Format::ZeroFee] {
        let setup = Setup::named("revoked", 2, CAPACITY, 144).unwrap();
        let mut channel = Kind::LnPenalty(format).build(setup, Content::of(&[600_000, 400_000])).unwrap();
        let channel = channel.as_mut();
        let mut stage = Stage::new(channel).unwrap();
        stage.open(channel).unwrap();
        let old = with_htlcs();
        channel.update(old.clone()).unwrap();
        channel.update(Content::of(&[50_000, 950_000])).unwrap();
        for claimed in 0..4 {
            let mut stage = Stage::new(channel).unwrap();
            stage.open(channel).unwrap();
            stage.chain.mine(400).unwrap();
            let commitment = channel.close(0, 1).unwrap().remove(0);
            stage.publish(commitment.clone()).unwrap();
            let mut victim = [client(channel, 1, &mut stage.chain)];
            // One HTLC-success and two HTLC-timeouts. The first confirms before the victim submits its justice
            // transactions, the others while these are in the mempool.
            for (nth, preimage) in [(1, Some(KNOWN[0])), (0, None), (3, None)].into_iter().take(claimed) {
                let claim = channel.claim_htlc(&commitment, &old.htlcs[nth], preimage).unwrap();
                stage.chain.mine_block(vec![claim.tx]).unwrap();
                victim[0].look(&mut stage.chain).unwrap();
            }
            run(&mut stage, &mut victim, 10);
            let left = victim[0].claims(&stage.chain).unwrap();
            assert!(left.is_empty(), "{format:?} {claimed}: {left:?}");
            let paid = has(channel, &stage, &victim[0], 1);
            assert!(paid + FEES >= CAPACITY, "{format:?} {claimed}: {paid}");
        }
    }
}

/// The fee of an answer to an old state is limited, so the victim keeps a certain amount however high the feerate is.
/// In LN-penalty, it keeps its balance in the revoked commitment transaction. In the signed sequence form, where it
/// takes the whole capacity, it keeps at least its own or the cheater's balance in the latest state, whichever is
/// smaller.
#[test]
fn no_answer_costs_what_the_victim_has_without_it() {
    let cases = [
        (Kind::LnPenalty(Format::Anchors), [20_000, 980_000], [10_000, 990_000], 980_000),
        (Kind::SignedSequence(Profile::Ctv), [980_000, 20_000], [900_000, 100_000], 100_000),
        (Kind::SignedSequence(Profile::Ctv), [150_000, 850_000], [100_000, 900_000], 100_000),
    ];
    for (kind, old, latest, least) in cases {
        let setup = Setup::named("dear", 2, CAPACITY, 144).unwrap();
        let mut channel = kind.build(setup, Content::of(&old)).unwrap();
        let channel = channel.as_mut();
        let mut stage = Stage::new(channel).unwrap();
        stage.open(channel).unwrap();
        channel.update(Content::of(&latest)).unwrap();
        stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
        let mut victim = [client(channel, 1, &mut stage.chain)];
        for _ in 0..140 {
            victim[0].look(&mut stage.chain).unwrap();
            stage.chain.mine_at(10_000_000).unwrap();
        }
        stage.chain.mine(1).unwrap();
        let paid = has(channel, &stage, &victim[0], 1);
        assert!((least..CAPACITY - 10_000).contains(&paid), "{kind:?}: {paid}");
    }
}

/// The fee of a settlement may rise before the expiry of an HTLC, but at most to the amount that the sender could then
/// take back. So a small HTLC does not raise the fee up to the party's balance.
#[test]
fn a_small_htlc_costs_no_more_than_it_is_worth() {
    for kind in [Kind::SignedSequence(Profile::Ctv), Kind::Symmetry(Form::AnyPrevOut)] {
        for sat in [1, 482] {
            for blocks_before in [10, 150] {
                let setup = Setup::named("small", 2, CAPACITY, 144).unwrap();
                let mut channel = kind.build(setup, Content::of(&[600_000, 400_000])).unwrap();
                let channel = channel.as_mut();
                let mut stage = Stage::new(channel).unwrap();
                stage.open(channel).unwrap();
                let expiry = START_HEIGHT + 400;
                let htlc = Htlc { from: 0, to: 1, sat, expiry, payment_hash: sha256(&KNOWN[1]) };
                let content = Content { balances: vec![100_000 - sat, 900_000], htlcs: vec![htlc] };
                channel.update(content).unwrap();
                stage.chain.mine(expiry - blocks_before - stage.chain.height()).unwrap();
                stage.publish(channel.close(0, 1).unwrap().remove(0)).unwrap();
                let mut owner = client(channel, 1, &mut stage.chain);
                owner.orders().learn(KNOWN[1]);
                for _ in 0..200 {
                    owner.look(&mut stage.chain).unwrap();
                    // No transaction confirms before the expiry. After that, blocks require a higher feerate than the
                    // client knows.
                    if stage.chain.height() <= expiry {
                        stage.chain.mine_block(vec![]).unwrap();
                    } else {
                        stage.chain.mine_at(3_000).unwrap();
                    }
                }
                let paid = has(channel, &stage, &owner, 1);
                assert!(paid + FEES >= 900_000, "{kind:?} {sat} {blocks_before}: {paid}");
            }
        }
    }
}

/// If the victim of an old LN-penalty state was too late for to_local, it takes to_remote at the market feerate, not at
/// the higher feerate of its answer.
#[test]
fn a_balance_that_is_not_at_stake_is_swept_at_the_markets_rate() {
    for format in [Format::StaticRemotekey, Format::Anchors, Format::ZeroFee] {
        let setup = Setup::named("late", 2, CAPACITY, 144).unwrap();
        let mut channel = Kind::LnPenalty(format).build(setup, Content::of(&[600_000, 400_000])).unwrap();
        let channel = channel.as_mut();
        let mut stage = Stage::new(channel).unwrap();
        stage.open(channel).unwrap();
        channel.update(Content::of(&[50_000, 950_000])).unwrap();
        let mut victim = client(channel, 1, &mut stage.chain);
        let [commitment, sweep] = channel.close(0, 0).unwrap().try_into().unwrap();
        stage.publish(commitment).unwrap();
        // The fee of the victim's answer rises up to the amount of to_local, but no block includes the answer.
        for _ in 0..150 {
            victim.look(&mut stage.chain).unwrap();
            stage.chain.mine_block(vec![]).unwrap();
        }
        stage.chain.mine_block(vec![sweep.tx]).unwrap();
        run(&mut stage, std::slice::from_mut(&mut victim), 10);
        let paid = has(channel, &stage, &victim, 1);
        assert!(paid + FEES >= 400_000, "{format:?}: {paid}");
    }
}

/// The fees of all claims together stay within the wallet's budget, even if several claims are unconfirmed at the same
/// time.
#[test]
fn a_budget_is_for_all_claims_together() {
    let setup = Setup::named("budget", 2, CAPACITY, 144).unwrap();
    let mut channel =
        Kind::LnPenalty(Format::ZeroFee).build(setup, Content::of(&[600_000, 400_000])).unwrap();
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel).unwrap();
    stage.open(channel).unwrap();
    channel.update(with_htlcs()).unwrap();
    stage.publish(channel.close(0, 1).unwrap().remove(0)).unwrap();
    stage.chain.mine(400).unwrap();
    let mut owner = client(channel, 0, &mut stage.chain).with_budget(3_000);
    owner.set_market(10);
    let events = owner.look(&mut stage.chain).unwrap();
    // Three HTLCs of this party have expired. Its claim on to_local pays the fee from its own output, so the budget
    // does not limit it.
    let fee = |event: &Event| match event {
        Event::Offered { fee, label: "HTLC-timeout", .. } => Some(*fee),
        _ => None,
    };
    let fees: Vec<u64> = events.iter().filter_map(fee).collect();
    assert_eq!(fees, [2_670, 330], "{events:?}");
}

/// Another party attaches its own child to the transaction of a claim. If this child pays at least the feerate that the
/// client would pay, the client does not replace it. If the child pays less, the client replaces it. If every child
/// were replaced, a cheater could make the victim pay any fee at no cost, because a replaced transaction pays nothing.
#[test]
fn a_child_of_somebody_else_that_pays_enough_is_kept() {
    for kind in [Kind::SignedSequence(Profile::Ctv), Kind::Symmetry(Form::AnyPrevOut)] {
        for (rate, is_kept) in [(100, true), (20, false)] {
            let setup = Setup::named("help", 2, CAPACITY, 144).unwrap();
            let mut channel = kind.build(setup, Content::of(&[600_000, 400_000])).unwrap();
            let channel = channel.as_mut();
            let mut stage = Stage::new(channel).unwrap();
            stage.open(channel).unwrap();
            channel.update(Content::of(&[100_000, 900_000])).unwrap();
            stage.publish(channel.close(0, 1).unwrap().remove(0)).unwrap();
            let mut victim = client(channel, 1, &mut stage.chain);
            victim.set_market(3);
            // Wait until the victim publishes the settlement, after the delay has expired.
            let parent = loop {
                victim.look(&mut stage.chain).unwrap();
                let has_anchor = |tx: &Transaction| tx.output.iter().any(|out| out.script_pubkey == p2a());
                let found = stage.chain.mempool().entries().find(|entry| has_anchor(&entry.tx));
                match found.map(|entry| entry.tx.clone()) {
                    Some(parent) => break parent,
                    None => stage.chain.mine(1).unwrap(),
                }
            };
            let (vout, anchor) =
                (0..).zip(&parent.output).find(|(_, out)| out.script_pubkey == p2a()).unwrap();
            let other = Wallet::new(&Seed::from_name("somebody else")).unwrap();
            let (coin, _) = other.mint(&mut stage.chain, 500_000);
            let inputs = vec![input(crate::tx::outpoint(&parent, vout), 0), input(coin, 0)];
            let outputs = vec![output(0, other.script_pubkey().clone())];
            let mut child = crate::tx::transaction(parent.version.0, 0, inputs, outputs);
            let size = (crate::tx::weight(&parent) + crate::tx::weight(&child)).div_ceil(4) + 17;
            child.output[0].value = bitcoin::Amount::from_sat(500_000 - size * rate);
            let prevouts = [anchor.clone(), output(500_000, other.script_pubkey().clone())];
            other.sign(&mut child, &prevouts, 1).unwrap();
            stage.chain.submit(child.clone()).unwrap();
            victim.set_market(30);
            for _ in 0..2 {
                for event in victim.look(&mut stage.chain).unwrap() {
                    assert!(!is_kept || !matches!(event, Event::Offered { .. }), "{kind:?}: {event:?}");
                }
                stage.chain.mine_block(vec![]).unwrap();
            }
            let stays = stage.chain.mempool().get(&child.compute_txid()).is_some();
            assert_eq!(stays, is_kept, "{kind:?}");
        }
    }
}

/// A reorganization makes a settlement unconfirmed while two of its HTLCs are being claimed. The mempool does not
/// accept a third child that pays the settlement's fee. So the fee of one of the two children is raised until a block
/// includes all three transactions.
#[test]
fn a_settlement_that_a_reorganisation_takes_back_confirms_with_its_children() {
    for kind in [Kind::SignedSequence(Profile::Ctv), Kind::Symmetry(Form::AnyPrevOut)] {
        let setup = Setup::named("children", 2, CAPACITY, 144).unwrap();
        let mut channel = kind.build(setup, Content::of(&[600_000, 400_000])).unwrap();
        let channel = channel.as_mut();
        let mut stage = Stage::new(channel).unwrap();
        stage.open(channel).unwrap();
        channel.update(with_htlcs()).unwrap();
        let steps = channel.close(0, 1).unwrap();
        stage.publish(steps[0].clone()).unwrap();
        stage.chain.mine(144).unwrap();
        // A miner includes the settlement without a fee-paying child.
        stage.chain.mine_block(vec![steps[1].tx.clone()]).unwrap();
        let mut owner = [client(channel, 1, &mut stage.chain)];
        owner[0].orders().learn(KNOWN[1]);
        owner[0].look(&mut stage.chain).unwrap();
        let settlement = steps[1].tx.compute_txid();
        stage.chain.reorganise(1).unwrap();
        // `descendants` counts the settlement itself too.
        assert_eq!(stage.chain.mempool().descendants(settlement).len(), 3, "{kind:?}");
        for _ in 0..20 {
            owner[0].look(&mut stage.chain).unwrap();
            // Blocks require a slightly higher feerate than the three transactions pay at first.
            stage.chain.mine_at(1_000).unwrap();
        }
        assert!(stage.chain.confirmed(&settlement).is_some(), "{kind:?}");
        let paid = has(channel, &stage, &owner[0], 1);
        assert!(paid + FEES >= 400_000, "{kind:?}: {paid}");
    }
}

mod pins;
