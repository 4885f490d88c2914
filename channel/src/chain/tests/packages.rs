//! Tests of packages whose transactions conflict, and of block templates that have no room for all
//! transactions.

use super::*;

/// Returns a signed transaction that spends all `coins` of the wallet, and pays one output of the wallet.
fn joined(wallet: &Wallet, version: i32, coins: &[(OutPoint, TxOut)], fee: u64) -> Transaction {
    let sum: u64 = coins.iter().map(|coin| coin.1.value.to_sat()).sum();
    let inputs = coins.iter().map(|coin| input(coin.0, 0)).collect();
    let outs = vec![output(sum - fee, wallet.script_pubkey().clone())];
    let mut tx = transaction(version, 0, inputs, outs);
    let prevouts: Vec<TxOut> = coins.iter().map(|coin| coin.1.clone()).collect();
    for place in 0..coins.len() {
        wallet.sign(&mut tx, &prevouts, place).unwrap();
    }
    tx
}

/// Returns an output of a transaction with its outpoint.
fn coin_of(tx: &Transaction, vout: u32) -> (OutPoint, TxOut) {
    (outpoint(tx, vout), tx.output[vout as usize].clone())
}

#[test]
fn a_package_whose_transactions_spend_the_same_coin_is_refused() {
    for parent_fee in [0, 1_000] {
        let (mut chain, wallet) = setup();
        let coin = wallet.mint(&mut chain, 50_000);
        let parent = wallet.spend(3, &coin, parent_fee).unwrap();
        // The child spends the parent's output and also the parent's input.
        let child = joined(&wallet, 3, &[coin_of(&parent, 0), coin.clone()], 5_000);
        let refused = chain.submit_package(parent.clone(), child);
        assert_eq!(refused, Err(Reject::Package("two transactions spend the same output")));
        assert_eq!(chain.mempool().entries().count(), 0);
        // Without the conflicting input the same package is accepted, and a block is mined.
        let child = wallet.spend(3, &coin_of(&parent, 0), 5_000).unwrap();
        chain.submit_package(parent, child.clone()).unwrap();
        chain.mine(1).unwrap();
        assert!(chain.confirmed(&child.compute_txid()).is_some());
    }
}

#[test]
fn a_package_is_a_parent_and_a_child_of_it() {
    let (mut chain, wallet) = setup();
    let coins = [wallet.mint(&mut chain, 50_000), wallet.mint(&mut chain, 50_000)];
    let [first, second] = coins.each_ref().map(|coin| wallet.spend(3, coin, 1_000).unwrap());
    let unrelated = Err(Reject::Package("the second transaction does not spend the first"));
    assert_eq!(chain.submit_package(first.clone(), second), unrelated);
    assert_eq!(chain.submit_package(first.clone(), first), unrelated);
    assert_eq!(chain.mempool().entries().count(), 0);
}

#[test]
fn a_transaction_that_spends_an_output_twice_is_invalid() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 50_000);
    let twice = Err(Reject::Transaction(sigstack_interpreter::TxError::DuplicateInputs));
    let tx = joined(&wallet, 2, &[coin.clone(), coin.clone()], 1_000);
    assert_eq!(chain.submit(tx.clone()).map(drop), twice);
    assert_eq!(chain.mine_block(vec![tx]).map(drop), twice);
    // A child that spends an output of its unconfirmed parent twice is refused too.
    let parent = wallet.spend(2, &coin, 1_000).unwrap();
    let child = joined(&wallet, 2, &[coin_of(&parent, 0), coin_of(&parent, 0)], 1_000);
    assert_eq!(chain.submit_package(parent, child), twice);
}

#[test]
fn a_template_takes_no_child_without_its_parent() {
    let (mut chain, wallet) = setup();
    let (coin, other) = (wallet.mint(&mut chain, 500_000), wallet.mint(&mut chain, 500_000));
    // The parent has a high feerate and is heavy. Its child has a lower feerate, which gives two chunks.
    let mut outs = vec![output(1_000, wallet.script_pubkey().clone()); 40];
    outs.push(output(401_500, wallet.script_pubkey().clone()));
    let mut parent = transaction(2, 0, vec![input(coin.0, 0)], outs);
    wallet.sign(&mut parent, std::slice::from_ref(&coin.1), 0).unwrap();
    let outs = vec![output(200_000, wallet.script_pubkey().clone()); 2];
    let mut child = transaction(2, 0, vec![input(outpoint(&parent, 40), 0)], outs);
    wallet.sign(&mut child, &[parent.output[40].clone()], 0).unwrap();
    let grandchild = wallet.spend(2, &coin_of(&child, 0), 500).unwrap();
    let free = wallet.spend(2, &other, 300).unwrap();
    for tx in [&parent, &child, &grandchild, &free] {
        chain.submit(tx.clone()).unwrap();
    }
    let txids = |capacity| -> Vec<Txid> {
        chain.mempool.template(capacity, 0).iter().map(Transaction::compute_txid).collect()
    };
    let all = [&parent, &child, &grandchild, &free].map(Transaction::compute_txid);
    let weights = [&parent, &child, &grandchild, &free].map(crate::tx::weight);
    let sum: u64 = weights.iter().sum();
    assert_eq!(txids(sum), all);
    assert_eq!(txids(sum - 1), all[..3]);
    // The block has no room for the child. The grandchild is left out too, and the independent transaction
    // is included.
    assert_eq!(txids(weights[0] + weights[1] - 1), [all[0], all[3]]);
    assert_eq!(txids(weights[0]), all[..1]);
    assert_eq!(txids(weights[0] - 1), [all[3]]);
    for capacity in 0..=sum / 10 {
        let block = chain.mempool.template(10 * capacity, 0);
        chain.clone().mine_block(block).unwrap();
    }
}

#[test]
fn a_block_with_a_conflict_evicts_all_that_depends_on_it() {
    let (mut chain, wallet) = setup();
    let (coin, other) = (wallet.mint(&mut chain, 50_000), wallet.mint(&mut chain, 50_000));
    let parent = wallet.spend(2, &coin, 1_000).unwrap();
    let child = joined(&wallet, 2, &[coin_of(&parent, 0), other.clone()], 1_000);
    let grandchild = wallet.spend(2, &coin_of(&child, 0), 1_000).unwrap();
    for tx in [parent, child, grandchild] {
        chain.submit(tx).unwrap();
    }
    let rival = wallet.spend(2, &coin, 2_000).unwrap();
    chain.mine_block(vec![rival]).unwrap();
    assert_eq!(chain.mempool().entries().count(), 0);
    assert_eq!(chain.mempool().spender(&other.0), None);
    chain.submit(wallet.spend(2, &other, 1_000).unwrap()).unwrap();
    chain.mine(1).unwrap();
    assert_eq!(chain.coin(&other.0), None);
}

#[test]
fn a_cluster_has_64_transactions_at_most() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 1_000_000);
    let mut outs = vec![output(10_000, wallet.script_pubkey().clone()); 64];
    outs.push(output(300_000, wallet.script_pubkey().clone()));
    let mut parent = transaction(2, 0, vec![input(coin.0, 0)], outs);
    wallet.sign(&mut parent, std::slice::from_ref(&coin.1), 0).unwrap();
    chain.submit(parent.clone()).unwrap();
    for vout in 0..63 {
        chain.submit(wallet.spend(2, &coin_of(&parent, vout), 200).unwrap()).unwrap();
    }
    let last = wallet.spend(2, &coin_of(&parent, 63), 200).unwrap();
    assert_eq!(chain.clone().submit(last.clone()).map(drop), Err(Reject::ClusterTooLarge { count: 65 }));
    // A replacement takes the place of the transactions that it evicts.
    chain.clone().submit(wallet.spend(2, &coin_of(&parent, 0), 400).unwrap()).unwrap();
    chain.mine(1).unwrap();
    chain.submit(last).unwrap();
}

#[test]
fn a_cluster_has_101_000_virtual_bytes_at_most() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 1_000_000);
    let heavy = |coin: &(OutPoint, TxOut), bytes: usize| {
        let outs = vec![
            output(coin.1.value.to_sat() - 100_000, wallet.script_pubkey().clone()),
            output(0, crate::tx::op_return(&vec![0; bytes])),
        ];
        let mut tx = transaction(2, 0, vec![input(coin.0, 0)], outs);
        wallet.sign(&mut tx, std::slice::from_ref(&coin.1), 0).unwrap();
        tx
    };
    let parent = heavy(&coin, 50_000);
    chain.submit(parent.clone()).unwrap();
    let beside = vsize(&heavy(&coin_of(&parent, 0), 50_000)) - 50_000;
    let room = usize::try_from(101_000 - vsize(&parent) - beside).unwrap();
    let child = |bytes| heavy(&coin_of(&parent, 0), bytes);
    let refused = chain.submit(child(room + 1)).map(drop);
    assert_eq!(refused, Err(Reject::ClusterTooHeavy { vsize: 101_001 }));
    chain.submit(child(room)).unwrap();
}

#[test]
fn a_fee_input_and_an_ephemeral_anchor_exclude_each_other() {
    let (mut chain, wallet) = setup();
    let (coin, fees) = (wallet.mint(&mut chain, 50_000), wallet.mint(&mut chain, 20_000));
    let with_fee_input = |anchor: u64| {
        let outs = vec![output(50_000 - anchor, wallet.script_pubkey().clone()), output(anchor, p2a())];
        let mut tx = transaction(3, 0, vec![input(coin.0, 0), input(fees.0, 0)], outs);
        for place in 0..2 {
            wallet.sign(&mut tx, &[coin.1.clone(), fees.1.clone()], place).unwrap();
        }
        tx
    };
    // The anchor of 0 sat is dust, and a transaction with dust must have zero fee, alone and in a package.
    let dust = PolicyError::DustWithFee { output: 1, amount: 0, limit: P2A_DUST_LIMIT, fee: 20_000 };
    let refused = Err(Reject::NonStandard(dust));
    let parent = with_fee_input(0);
    assert_eq!(chain.submit(parent.clone()).map(drop), refused);
    let more = wallet.mint(&mut chain, 20_000);
    let child = wallet.fee_child(&parent, &more, 5_000).unwrap();
    assert_eq!(chain.submit_package(parent, child), refused);
    // A fee input is possible with an anchor above the dust limit, or without an anchor.
    chain.clone().submit(with_fee_input(P2A_DUST_LIMIT)).unwrap();
    chain.submit(joined(&wallet, 3, &[coin, fees], 20_000)).unwrap();
}
