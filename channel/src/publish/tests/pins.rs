//! Tests in which the other party submits transactions to prevent a claim from confirming, without success.

use super::*;
use crate::bolt3::{SIGHASH_ALL, scripts, sign_segwit_v0};
use crate::tx::{outpoint, p2wsh, set_witness, transaction};

/// A commitment transaction of version 2 has one anchor for each party, so the children of both parties do not
/// conflict. The party does not pay for the peer's child, and the peer's child does not delay the party's child.
/// Therefore the fee of the party's child rises only with the market.
#[test]
fn a_child_of_the_peers_own_anchor_is_not_replaced() {
    let setup = Setup::named("anchors", 2, CAPACITY, 144).unwrap();
    let mut channel =
        Kind::LnPenalty(Format::Anchors).build(setup, Content::of(&[600_000, 400_000])).unwrap();
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel).unwrap();
    stage.open(channel).unwrap();
    channel.update(with_htlcs()).unwrap();
    let mut victim = client(channel, 1, &mut stage.chain);
    victim.orders().close = true;
    victim.look(&mut stage.chain).unwrap();

    let key = &channel.setup().party(0).unwrap().funding;
    let script = scripts::anchor(&key.public_key());
    let commitment = {
        let has_anchor = |tx: &Transaction| tx.output.iter().any(|out| out.script_pubkey == p2wsh(&script));
        let mut entries = stage.chain.mempool().entries();
        entries.find(|entry| has_anchor(&entry.tx)).unwrap().tx.clone()
    };
    let (vout, anchor) =
        (0..).zip(&commitment.output).find(|(_, out)| out.script_pubkey == p2wsh(&script)).unwrap();
    let peer = Wallet::new(&Seed::from_name("peer")).unwrap();
    let (coin, prevout) = peer.mint(&mut stage.chain, 200_000);
    let inputs = vec![input(outpoint(&commitment, vout), 0), input(coin, 0)];
    let mut child = transaction(2, 0, inputs, vec![output(90_000, peer.script_pubkey().clone())]);
    let prevouts = [anchor.clone(), prevout];
    let signature = sign_segwit_v0(&child, &prevouts, 0, &script, &key.secret_key(), SIGHASH_ALL).unwrap();
    set_witness(&mut child, 0, &[signature, script.clone()]);
    peer.sign(&mut child, &prevouts, 1).unwrap();
    stage.chain.submit(child.clone()).unwrap();

    for market in [16, 30] {
        victim.set_market(market);
        stage.chain.mine_block(vec![]).unwrap();
        let events = victim.look(&mut stage.chain).unwrap();
        let paid = events.iter().find_map(|event| match event {
            Event::Offered { fee, .. } => Some(*fee),
            _ => None,
        });
        assert!(paid.is_some_and(|fee| fee < 30_000), "{market}: {events:?}");
        assert!(stage.chain.mempool().get(&child.compute_txid()).is_some());
    }
}

/// The peer submits an old state to the mempool with a child that pays a high fee. The victim outbids it only in the
/// last blocks of the delay, because a replaced transaction costs the peer nothing. If the old state confirms before
/// that, the peer has paid the high fee, and the victim answers at the market feerate. If it does not confirm, the
/// victim replaces it in time.
#[test]
fn an_old_state_that_pays_for_itself_is_answered_rather_than_outbid() {
    let setup = Setup::named("outbid", 2, CAPACITY, 40).unwrap();
    let mut channel =
        Kind::Symmetry(Form::AnyPrevOut).build(setup, Content::of(&[600_000, 400_000])).unwrap();
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel).unwrap();
    stage.open(channel).unwrap();
    let balances = |state: u64| Content::of(&[600_000 - 100_000 * state, 400_000 + 100_000 * state]);
    channel.update(balances(1)).unwrap();
    let outdated = channel.guard(0).unwrap();
    channel.update(balances(2)).unwrap();
    stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    // The peer answers its state 0 with its state 1, at 200 sat/vB.
    let wallet = Wallet::new(&Seed::from_name("peer")).unwrap();
    wallet.mint(&mut stage.chain, 200_000);
    let events = Publisher::new(outdated, wallet, 200).look(&mut stage.chain).unwrap();
    let offered = |events: &[Event]| {
        events.iter().find_map(|event| match event {
            Event::Offered { fee, .. } => Some(*fee),
            _ => None,
        })
    };
    let theirs = offered(&events).unwrap();
    let second = stage.chain.mempool().entries().find(|entry| entry.fee == 0).unwrap().txid;

    // The old state confirms.
    let mut victim = client(channel, 1, &mut stage.chain);
    let mut confirms = stage.chain.clone();
    let mut outpaced = victim.clone();
    let events = outpaced.look(&mut confirms).unwrap();
    let outbid = |event: &Event| matches!(event, Event::Outbid { needed, .. } if *needed > theirs);
    assert!(events.iter().any(outbid), "{events:?}");
    confirms.mine(1).unwrap();
    assert!(confirms.confirmed(&second).is_some());
    let events = outpaced.look(&mut confirms).unwrap();
    assert!(offered(&events).is_some_and(|fee| fee < theirs / 20), "{events:?}, {theirs}");

    // At a higher market feerate, the old state may stay unconfirmed, which costs the peer nothing. It is replaced at once.
    let mut above = victim.clone();
    above.set_market(220);
    let events = above.look(&mut stage.chain.clone()).unwrap();
    assert!(offered(&events).is_some_and(|fee| fee > theirs), "{events:?}");

    // Miners leave the old state out. It is replaced when the feerate of the answer has risen above its own.
    let mut replaced = None;
    for block in 1..=40 {
        let events = victim.look(&mut stage.chain).unwrap();
        replaced = replaced.or(offered(&events).map(|fee| (block, fee)));
        stage.chain.mine_block(vec![]).unwrap();
    }
    let (block, fee) = replaced.unwrap();
    assert!((15..=28).contains(&block) && fee > theirs, "{block} {fee}");
}

/// If the signatures of a settlement allow additional inputs, such an input must not be able to pay a fee. The
/// acceptance rules ensure this: the P2A output is below the dust limit, and a transaction with a dust output and a fee
/// is not relayed.
#[test]
fn nobody_adds_inputs_to_a_settlement_by_anyprevoutanyscript() {
    for kind in [Kind::SignedSequence(Profile::AnyPrevOut), Kind::Symmetry(Form::AnyPrevOut)] {
        let trimmed = |sat| {
            let setup = Setup::named("trimmed", 2, CAPACITY, 10).unwrap();
            kind.build(setup, Content::of(&[CAPACITY - sat, sat]))
        };
        assert!(trimmed(240).is_err(), "{kind:?}");
        let mut channel = trimmed(239).unwrap();
        let channel = channel.as_mut();
        let mut stage = Stage::new(channel).unwrap();
        stage.open(channel).unwrap();
        channel.update(Content::of(&[CAPACITY - 239, 239])).unwrap();
        let mut steps = channel.close(0, 1).unwrap();
        let mut settlement = steps.pop().unwrap().tx;
        for step in steps {
            stage.publish(step).unwrap();
        }
        crate::model::wait_for(&mut stage.chain, &settlement).unwrap();
        let stranger = Wallet::new(&Seed::from_name("stranger")).unwrap();
        let (coin, prevout) = stranger.mint(&mut stage.chain, 50_000);
        let first = stage.chain.coin(&settlement.input[0].previous_output).unwrap().out.clone();
        settlement.input.push(input(coin, 0));
        stranger.sign(&mut settlement, &[first, prevout], 1).unwrap();
        let refused = stage.chain.clone().submit(settlement.clone()).unwrap_err();
        assert!(refused.to_string().contains("dust"), "{kind:?}: {refused}");
        // The signatures are valid with the additional input. Only the dust rule keeps the transaction out of mempools.
        stage.chain.mine_block(vec![settlement]).unwrap();
    }
}
