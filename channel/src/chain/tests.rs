use bitcoin::{OutPoint, Sequence, Transaction, TxOut, absolute::LockTime};
use sigstack_interpreter::{Flags, Opcode, ScriptError};

use super::*;
use crate::keys::{Seed, x_only};
use crate::script::{Item, Num, Push, script};
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{P2A_DUST_LIMIT, input, outpoint, output, p2a, set_witness, transaction};
use crate::wallet::Wallet;

fn setup() -> (Chain, Wallet) {
    let chain = Chain::new(Flags::NONE, Policy::ONE_SAT_PER_VBYTE);
    (chain, Wallet::new(&Seed::from_name("chain test")).unwrap())
}

/// Returns the virtual size of a transaction, computed from its weight alone. The transactions of these tests have
/// too few signature operations to increase the virtual size.
fn vsize(tx: &Transaction) -> u64 {
    crate::tx::weight(tx).div_ceil(4)
}

/// Adds an output with a single leaf to the chain. `items` is the script of the leaf, which requires no signature.
/// Returns a transaction that spends this output, and its witness.
fn scripted(chain: &mut Chain, items: &[&dyn Item]) -> (Transaction, Vec<Vec<u8>>) {
    let leaf = script(items);
    let key = x_only(&Seed::from_name("chain test").keypair("internal", &[]).unwrap());
    let out = TapOutput::new(key, vec![(0, Leaf::Script(leaf.clone()))]).unwrap();
    let coin = chain.mint(output(10_000, out.script_pubkey()));
    let witness = out.witness(&leaf, vec![]).unwrap();
    let mut tx = transaction(2, 0, vec![input(coin, 0)], vec![output(9_000, out.script_pubkey())]);
    set_witness(&mut tx, 0, &witness);
    (tx, witness)
}

fn script_error(reject: Reject) -> Option<ScriptError> {
    match reject {
        Reject::Script(error) => error.script_error(),
        _ => None,
    }
}

#[test]
fn absolute_locks_by_height_and_by_median_time() {
    let (mut chain, _) = setup();
    let (mut tx, _) = scripted(&mut chain, &[&Opcode::OP_1]);
    tx.lock_time = LockTime::from_consensus(chain.height() + 2);
    assert_eq!(chain.submit(tx.clone()), Err(Reject::NotFinal));
    chain.mine(1).unwrap();
    assert_eq!(chain.submit(tx.clone()), Err(Reject::NotFinal));
    chain.mine(1).unwrap();
    chain.submit(tx).unwrap();

    let (mut tx, _) = scripted(&mut chain, &[&Opcode::OP_1]);
    let median = chain.median_time_past(chain.height());
    tx.lock_time = LockTime::from_consensus(median);
    assert_eq!(chain.submit(tx.clone()), Err(Reject::NotFinal));
    tx.lock_time = LockTime::from_consensus(median - 1);
    chain.submit(tx).unwrap();
    // The last block's time is five blocks ahead of the median time.
    assert_eq!(Chain::time(chain.height()) - median, 5 * 600);
}

#[test]
fn relative_locks_by_blocks_and_by_time() {
    let (mut chain, _) = setup();
    let (mut tx, _) = scripted(&mut chain, &[&Opcode::OP_1]);
    tx.input[0].sequence = Sequence(4);
    for _ in 0..3 {
        assert_eq!(chain.submit(tx.clone()), Err(Reject::SequenceLocked { input: 0 }));
        chain.mine(1).unwrap();
    }
    chain.submit(tx).unwrap();

    // BIP 68 applies neither to version 1 transactions nor to a sequence with the highest bit set.
    let (mut tx, _) = scripted(&mut chain, &[&Opcode::OP_1]);
    tx.input[0].sequence = Sequence(100);
    assert_eq!(chain.submit(tx.clone()), Err(Reject::SequenceLocked { input: 0 }));
    tx.version = bitcoin::transaction::Version(1);
    chain.submit(tx).unwrap();

    let (mut tx, _) = scripted(&mut chain, &[&Opcode::OP_1]);
    // Two units of 512 seconds need two blocks of 600 seconds by median time.
    tx.input[0].sequence = Sequence(1 << 22 | 2);
    assert_eq!(chain.submit(tx.clone()), Err(Reject::SequenceLocked { input: 0 }));
    chain.mine(1).unwrap();
    chain.submit(tx).unwrap();
}

#[test]
fn script_locks_are_the_interpreters() {
    let (mut chain, _) = setup();
    let height = chain.height();
    let (mut tx, _) = scripted(&mut chain, &[&Num(height.into()), &Opcode::OP_CHECKLOCKTIMEVERIFY]);
    let reject = chain.submit(tx.clone()).unwrap_err();
    assert_eq!(script_error(reject), Some(ScriptError::UnsatisfiedLocktime));
    tx.lock_time = LockTime::from_consensus(height);
    chain.submit(tx).unwrap();

    let (mut tx, _) = scripted(&mut chain, &[&Num(1), &Opcode::OP_CHECKSEQUENCEVERIFY]);
    let reject = chain.submit(tx.clone()).unwrap_err();
    assert_eq!(script_error(reject), Some(ScriptError::UnsatisfiedLocktime));
    tx.input[0].sequence = Sequence(1);
    chain.submit(tx).unwrap();
}

#[test]
fn what_the_interpreter_rejects_enters_neither_mempool_nor_block() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 10_000);
    let mut tx = wallet.spend(2, &coin, 1_000).unwrap();
    let good = tx.clone();
    set_witness(&mut tx, 0, &[[1; 64]]);
    let rejected = |reject| script_error(reject) == Some(ScriptError::SchnorrSig);
    assert!(rejected(chain.submit(tx.clone()).unwrap_err()));
    let before = chain.height();
    let other = wallet.mint(&mut chain, 10_000);
    let fine = wallet.spend(2, &other, 1_000).unwrap();
    assert!(rejected(chain.mine_block(vec![fine, tx]).map(drop).unwrap_err()));
    assert_eq!(chain.height(), before);
    assert!(chain.coin(&other.0).is_some());
    assert!(chain.coin(&coin.0).is_some());
    chain.mine_block(vec![good.clone()]).unwrap();
    assert_eq!(chain.mine_block(vec![good]).map(drop), Err(Reject::MissingInput(coin.0)));
    assert_eq!(chain.balance(wallet.script_pubkey()), 19_000);
}

#[test]
fn proposals_are_refused_by_policy_until_they_are_active() {
    let items: [&dyn Item; 2] = [&Push(&[1; 32]), &crate::leaves::CTV];
    let (mut today, _) = setup();
    let (tx, _) = scripted(&mut today, &items);
    let reject = today.submit(tx.clone()).unwrap_err();
    assert_eq!(script_error(reject), Some(ScriptError::DiscourageUpgradableNops));
    today.mine_block(vec![tx]).unwrap();

    let mut active = Chain::new(Flags::CHECKTEMPLATEVERIFY, Policy::default());
    let (tx, _) = scripted(&mut active, &items);
    let reject = active.mine_block(vec![tx]).map(drop).unwrap_err();
    assert_eq!(script_error(reject), Some(ScriptError::TemplateMismatch));
}

#[test]
fn replacement_pays_for_what_it_evicts_and_for_itself() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 100_000);
    let first = wallet.spend(2, &coin, 1_000).unwrap();
    let vsize = vsize(&first);
    assert_eq!(vsize, 111);
    chain.submit(first.clone()).unwrap();
    // If a transaction is replaced, its child is evicted too. The replacement must also pay the child's fee.
    let child = wallet.spend(2, &(outpoint(&first, 0), first.output[0].clone()), 2_000).unwrap();
    chain.submit(child.clone()).unwrap();
    let replace = |chain: &mut Chain, fee| chain.submit(wallet.spend(2, &coin, fee).unwrap()).map(drop);
    assert_eq!(replace(&mut chain, 2_999), Err(Reject::ReplacementFee { fee: 2_999, evicted: 3_000 }));
    let needed = Reject::ReplacementRelay { extra: 110, needed: 111 };
    assert_eq!(replace(&mut chain, 3_110), Err(needed));
    assert_eq!(replace(&mut chain, 3_111), Ok(()));
    assert_eq!(chain.mempool().entries().count(), 1);
    assert!(chain.mempool().get(&child.compute_txid()).is_none());
}

#[test]
fn a_replacement_that_miners_like_less_is_refused() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 1_000_000);
    chain.submit(wallet.spend(2, &coin, 11_100).unwrap()).unwrap();
    // The replacement has forty more outputs: a higher fee, but a lower feerate.
    let outputs: Vec<TxOut> = (0..40).map(|_| output(1_000, wallet.script_pubkey().clone())).collect();
    let heavy = |sat| {
        let mut outputs = outputs.clone();
        outputs.push(output(sat, wallet.script_pubkey().clone()));
        let mut tx = transaction(2, 0, vec![input(coin.0, 0)], outputs);
        wallet.sign(&mut tx, std::slice::from_ref(&coin.1), 0).unwrap();
        tx
    };
    assert_eq!(chain.submit(heavy(1_000_000 - 40_000 - 20_000)), Err(Reject::Diagram));
    // At the same feerate, the new diagram is nowhere below the old one and somewhere above.
    let size = vsize(&heavy(1));
    chain.submit(heavy(1_000_000 - 40_000 - 100 * size)).unwrap();
}

#[test]
fn diagrams() {
    let chunks = |list: &[(u64, u64)]| -> Vec<Chunk> {
        list.iter().map(|(fee, size)| Chunk { fee: *fee, size: *size }).collect()
    };
    let one = chunks(&[(100, 10)]);
    assert!(improves(&one, &chunks(&[(101, 10)])));
    assert!(!improves(&one, &one));
    assert!(improves(&one, &chunks(&[(100, 9)])));
    assert!(!improves(&one, &chunks(&[(150, 20)])));
    assert!(improves(&one, &chunks(&[(100, 10), (1, 10)])));
    assert!(!improves(&chunks(&[(100, 10), (50, 10)]), &chunks(&[(140, 20)])));
    assert!(improves(&[], &one));
}

/// Returns a version 3 transaction with one output to the wallet and one P2A output.
fn with_anchor(wallet: &Wallet, coin: &(OutPoint, TxOut), anchor: u64, fee: u64) -> Transaction {
    let rest = coin.1.value.to_sat() - anchor - fee;
    let outs = vec![output(rest, wallet.script_pubkey().clone()), output(anchor, p2a())];
    let mut tx = transaction(3, 0, vec![input(coin.0, 0)], outs);
    wallet.sign(&mut tx, std::slice::from_ref(&coin.1), 0).unwrap();
    tx
}

#[test]
fn a_zero_fee_parent_enters_with_its_child_only() {
    let (mut chain, wallet) = setup();
    let (coin, fees) = (wallet.mint(&mut chain, 50_000), wallet.mint(&mut chain, 50_000));
    let parent = with_anchor(&wallet, &coin, 0, 0);
    assert!(matches!(chain.submit(parent.clone()), Err(Reject::MinRelayFee { fee: 0, .. })));
    let size = vsize(&parent) + 153;
    let poor = wallet.fee_child(&parent, &fees, size - 1).unwrap();
    assert_eq!(crate::tx::weight(&poor), 609);
    let reject = chain.submit_package(parent.clone(), poor).unwrap_err();
    assert_eq!(reject, Reject::MinRelayFee { fee: size - 1, needed: size });
    let child = wallet.fee_child(&parent, &fees, size).unwrap();
    chain.submit_package(parent.clone(), child.clone()).unwrap();
    // A child of higher feerate replaces it, since the parent can have only one child.
    let better = wallet.fee_child(&parent, &fees, 2 * size).unwrap();
    chain.submit(better.clone()).unwrap();
    assert!(chain.mempool().get(&child.compute_txid()).is_none());
    chain.mine(1).unwrap();
    assert!(chain.confirmed(&better.compute_txid()).is_some());
}

#[test]
fn dust_is_allowed_once_at_zero_fee_and_is_spent_by_the_child() {
    let (mut chain, wallet) = setup();
    let (coin, fees) = (wallet.mint(&mut chain, 50_000), wallet.mint(&mut chain, 50_000));
    // A P2A output of 240 sat is not dust; one of 239 sat is.
    let dust = PolicyError::DustWithFee { output: 1, amount: 239, limit: P2A_DUST_LIMIT, fee: 1_000 };
    let refused = chain.submit(with_anchor(&wallet, &coin, P2A_DUST_LIMIT - 1, 1_000));
    assert_eq!(refused, Err(Reject::NonStandard(dust)));
    chain.clone().submit(with_anchor(&wallet, &coin, P2A_DUST_LIMIT, 1_000)).unwrap();

    let parent = with_anchor(&wallet, &coin, 239, 0);
    let mut forgetful = wallet.spend(3, &(outpoint(&parent, 0), parent.output[0].clone()), 5_000).unwrap();
    assert_eq!(chain.submit_package(parent.clone(), forgetful.clone()), Err(Reject::UnspentEphemeralDust));
    // The same child, which now also spends the dust.
    forgetful.input.push(input(outpoint(&parent, 1), 0));
    let prevouts = [parent.output[0].clone(), parent.output[1].clone()];
    wallet.sign(&mut forgetful, &prevouts, 0).unwrap();
    chain.submit_package(parent.clone(), forgetful).unwrap();

    let two = {
        let mut tx = with_anchor(&wallet, &fees, 0, 0);
        tx.output.push(output(0, p2a()));
        wallet.sign(&mut tx, std::slice::from_ref(&fees.1), 0).unwrap();
        tx
    };
    let second = PolicyError::Dust { output: 2, amount: 0, limit: P2A_DUST_LIMIT };
    assert_eq!(chain.submit(two), Err(Reject::NonStandard(second)));
}

#[test]
fn version_3_has_one_parent_and_one_small_child() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 500_000);
    let parent = with_anchor(&wallet, &coin, 240, 1_000);
    chain.submit(parent.clone()).unwrap();
    let out = (outpoint(&parent, 0), parent.output[0].clone());
    let other = wallet.spend(2, &out, 1_000).unwrap();
    assert!(matches!(chain.submit(other), Err(Reject::Truc(rule)) if rule.contains("another version")));
    let big = {
        let outs = (0..30).map(|_| output(1_000, wallet.script_pubkey().clone())).collect();
        let mut tx = transaction(3, 0, vec![input(out.0, 0)], outs);
        wallet.sign(&mut tx, std::slice::from_ref(&out.1), 0).unwrap();
        tx
    };
    assert_eq!(chain.submit(big), Err(Reject::Truc("a child over 1,000 vB")));
    let child = wallet.spend(3, &out, 1_000).unwrap();
    chain.submit(child.clone()).unwrap();
    let grandchild = wallet.spend(3, &(outpoint(&child, 0), child.output[0].clone()), 1_000).unwrap();
    assert_eq!(chain.submit(grandchild), Err(Reject::Truc("more than one unconfirmed ancestor")));
    // Another child replaces the first one if it pays enough.
    let fees = wallet.mint(&mut chain, 50_000);
    let poor = wallet.fee_child(&parent, &fees, 1_100).unwrap();
    assert!(matches!(chain.submit(poor), Err(Reject::ReplacementRelay { .. })));
    chain.submit(wallet.fee_child(&parent, &fees, 9_000).unwrap()).unwrap();
    assert!(chain.mempool().get(&child.compute_txid()).is_none());
}

#[test]
fn a_block_takes_what_pays_the_rate() {
    let (mut chain, wallet) = setup();
    let coins = [wallet.mint(&mut chain, 50_000), wallet.mint(&mut chain, 50_000)];
    let cheap = wallet.spend(2, &coins[0], 111).unwrap();
    let dear = wallet.spend(2, &coins[1], 1_110).unwrap();
    chain.submit(cheap.clone()).unwrap();
    chain.submit(dear.clone()).unwrap();
    assert_eq!(chain.mine_at(5_000).unwrap().txids, [dear.compute_txid()]);
    assert_eq!(chain.mine_at(1_000).unwrap().txids, [cheap.compute_txid()]);
}

#[test]
fn a_miner_includes_a_refused_transaction_beside_what_pays() {
    let (mut chain, wallet) = setup();
    let coins = [30_000, 40_000, 50_000].map(|sat| wallet.mint(&mut chain, sat));
    let [paying, cheap] =
        [(0, 1_110), (1, 111)].map(|(coin, fee)| wallet.spend(2, &coins[coin], fee).unwrap());
    let conflicting = wallet.spend(2, &coins[2], 2_220).unwrap();
    for tx in [&paying, &cheap, &conflicting] {
        chain.submit(tx.clone()).unwrap();
    }
    let refused = wallet.spend(2, &coins[2], 0).unwrap();
    assert!(chain.submit(refused.clone()).is_err());
    let block = chain.mine_with(refused.clone(), 5_000).unwrap();
    assert_eq!(block.txids, [refused.compute_txid(), paying.compute_txid()]);
    // The conflicting transaction has left the mempool. The transaction below the block's feerate is still
    // waiting.
    let waiting: Vec<_> = chain.mempool().entries().map(|entry| entry.txid).collect();
    assert_eq!(waiting, [cheap.compute_txid()]);
    // A transaction that breaks consensus leaves the chain unchanged.
    let before = chain.fingerprint();
    assert!(chain.mine_with(refused, 0).is_err());
    assert_eq!(chain.fingerprint(), before);
}

#[test]
fn markets_repeat_by_seed_and_return_to_their_mean() {
    let rates =
        |seed| FeeMarket::new(seed, 10.0, 0.9, 0.1).with_backlog(8.0).take(2_000).collect::<Vec<f64>>();
    assert_eq!(rates(1), rates(1));
    assert_ne!(rates(1), rates(2));
    let rates = rates(1);
    assert!((rates[0] - 80.0).abs() < 1e-9);
    let late = rates[1_000..].iter().map(|rate| rate.ln()).sum::<f64>() / 1_000.0;
    assert!((late - 10f64.ln()).abs() < 0.2, "{late}");
}

mod packages;
mod reorganisations;
