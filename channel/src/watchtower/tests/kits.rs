//! Tests of towers with justice kits for LN-penalty channels.

use super::*;
use crate::wallet::Wallet;

/// The transaction that a tower builds from a justice kit must take to_local. If only to_remote is left, the tower does
/// nothing, because to_remote belongs to the client in any case. The transaction has version 3: anyone who sees it can
/// add a child, and version 3 limits the cost of replacing this child.
#[test]
fn a_kit_is_for_to_local_and_of_version_3() {
    for format in [Format::Anchors, Format::ZeroFee] {
        let (mut tower, mut stage, sweep) = caught(Kind::LnPenalty(format), 144);
        let mut late = stage.chain.clone();
        assert_eq!(rates(&events(&mut tower, &mut stage.chain, 0)), [2], "{format:?}");
        let versions: Vec<i32> = stage.chain.mempool().entries().map(|entry| entry.tx.version.0).collect();
        assert_eq!(versions, [3], "{format:?}");
        // The cheater has already taken to_local.
        late.mine(150).unwrap();
        late.mine_block(vec![sweep.tx]).unwrap();
        assert!(rates(&events(&mut tower, &mut late, 0)).is_empty(), "{format:?}");
    }
}

/// The client's own balance in a revoked commitment transaction is not at stake, because nobody else can take it. So
/// the fees that the tower pays stay below the cheater's balance.
#[test]
fn a_kit_costs_no_more_than_the_cheaters_balance() {
    let setup = Setup::named("kit", 2, CAPACITY, 144).unwrap();
    let first = Content::of(&[20_000, 980_000]);
    let mut channel = Kind::LnPenalty(Format::Anchors).build(setup, first).unwrap();
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel).unwrap();
    stage.open(channel).unwrap();
    channel.update(Content::of(&[10_000, 990_000])).unwrap();
    let mut tower = tower();
    tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), channel.tower_bytes(1)).unwrap();
    let before = tower.balance(&stage.chain);
    stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    for _ in 0..140 {
        events(&mut tower, &mut stage.chain, 0);
        stage.chain.mine_at(1_000_000).unwrap();
    }
    stage.chain.mine(1).unwrap();
    let paid = before - tower.balance(&stage.chain);
    assert!((10_000..20_000).contains(&paid), "{paid}");
    assert!(stage.paid(channel, 1) > 990_000);
}

/// The justice transaction of a tower reveals the signature for to_remote. With it, anyone can spend that output in a
/// transaction with a high fee. The tower then takes to_local alone, because it would cost more than to_local is worth
/// to replace the transaction that spends to_remote.
#[test]
fn to_local_is_taken_alone_while_somebody_spends_to_remote() {
    let setup = Setup::named("kit", 2, CAPACITY, 144).unwrap();
    let mut channel = Kind::LnPenalty(Format::Anchors).build(setup, Content::of(&[20_000, 980_000])).unwrap();
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel).unwrap();
    stage.open(channel).unwrap();
    channel.update(Content::of(&[10_000, 990_000])).unwrap();
    let mut tower = tower();
    tower.hire(&mut stage.chain, channel.tower_terms().unwrap(), channel.tower_bytes(1)).unwrap();
    stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap();
    // The tower's first transaction takes both outputs.
    assert_eq!(rates(&events(&mut tower, &mut stage.chain, 0)).len(), 1);
    let entry = stage.chain.mempool().entries().next().unwrap().clone();
    let amount = |place: &usize| entry.prevouts[*place].value.to_sat();
    let remote = (0..entry.prevouts.len()).find(|place| amount(place) > 900_000).unwrap();
    let local = (0..entry.prevouts.len()).find(|place| amount(place) < 30_000).unwrap();
    let local_coin = entry.tx.input[local].previous_output;

    let cheater = Wallet::new(&Seed::from_name("cheater")).unwrap();
    let coin = cheater.mint(&mut stage.chain, 100_000);
    let inputs = vec![entry.tx.input[remote].clone(), input(coin.0, 0)];
    let mut pin = transaction(3, 0, inputs, vec![entry.tx.output[remote].clone()]);
    cheater.sign(&mut pin, &[entry.prevouts[remote].clone(), coin.1], 1).unwrap();
    stage.chain.submit(pin.clone()).unwrap();
    assert!(stage.chain.mempool().spender(&local_coin).is_none());

    for _ in 0..20 {
        for event in events(&mut tower, &mut stage.chain, 0) {
            assert!(!matches!(event, Event::Outbid { .. }), "{event:?}");
        }
        stage.chain.mine_at(1_000_000).unwrap();
    }
    let pool = stage.chain.mempool();
    assert!(pool.get(&pin.compute_txid()).is_some());
    assert!(pool.spender(&local_coin).is_some_and(|entry| entry.txid != pin.compute_txid()));
}
