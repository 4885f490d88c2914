//! Tests of disconnected blocks, and of random histories after which a block can always be mined.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Returns all unspent confirmed outputs with their heights.
fn coins(chain: &Chain) -> BTreeMap<OutPoint, Coin> {
    chain.ledger.coins().map(|(outpoint, coin)| (*outpoint, coin.clone())).collect()
}

fn waiting(chain: &Chain) -> BTreeSet<Txid> {
    chain.mempool().entries().map(|entry| entry.txid).collect()
}

#[test]
fn transactions_return_to_the_mempool_with_the_heights_of_before() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 50_000);
    chain.mine(3).unwrap();
    let before = chain.clone();
    let parent = wallet.spend(2, &coin, 1_000).unwrap();
    let child = wallet.spend(2, &(outpoint(&parent, 0), parent.output[0].clone()), 1_000).unwrap();
    let grandchild = wallet.spend(2, &(outpoint(&child, 0), child.output[0].clone()), 1_000).unwrap();
    for tx in [&parent, &child] {
        chain.submit(tx.clone()).unwrap();
        chain.mine(1).unwrap();
    }
    chain.submit(grandchild.clone()).unwrap();
    let tip = chain.clone();
    chain.reorganise(2).unwrap();
    assert_eq!(chain.height(), before.height());
    assert_eq!(coins(&chain), coins(&before));
    assert_eq!((chain.spender(&coin.0), chain.confirmed(&child.compute_txid())), (None, None));
    assert_eq!(chain.history().count(), 0);
    let all: BTreeSet<Txid> = [&parent, &child, &grandchild].map(Transaction::compute_txid).into();
    assert_eq!(waiting(&chain), all);
    // Mining the same blocks again leads to the same state. One more block leads to a different state.
    chain.mine_block(vec![parent]).unwrap();
    chain.mine_block(vec![child]).unwrap();
    assert_eq!(chain.fingerprint(), tip.fingerprint());
    assert_eq!(coins(&chain), coins(&tip));
    chain.mine_at(u64::MAX).unwrap();
    assert_ne!(chain.fingerprint(), tip.fingerprint());
}

#[test]
fn the_depth_is_bounded() {
    let (mut chain, _) = setup();
    chain.mine(1).unwrap();
    assert_eq!(chain.reorganise(2), Err(Reject::ReorganisationTooDeep { depth: 2 }));
    chain.mine(2).unwrap();
    assert_eq!(chain.reorganise(3), Err(Reject::ReorganisationTooDeep { depth: 3 }));
    chain.reorganise(2).unwrap();
    chain.reorganise(1).unwrap();
    assert_eq!(chain.height(), START_HEIGHT + 10);
    assert_eq!(chain.reorganise(1), Err(Reject::ReorganisationTooDeep { depth: 1 }));
}

#[test]
fn a_double_spend_in_the_new_block_removes_what_returned() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 50_000);
    let paid = wallet.spend(2, &coin, 1_000).unwrap();
    let child = wallet.spend(2, &(outpoint(&paid, 0), paid.output[0].clone()), 1_000).unwrap();
    chain.submit(paid.clone()).unwrap();
    chain.mine(1).unwrap();
    chain.submit(child).unwrap();
    chain.reorganise(1).unwrap();
    let rival = wallet.spend(2, &coin, 2_000).unwrap();
    chain.mine_block(vec![rival.clone()]).unwrap();
    assert_eq!(waiting(&chain), BTreeSet::new());
    assert_eq!(chain.spender(&coin.0).map(|spender| &spender.tx), Some(&rival));
    chain.mine(1).unwrap();
}

#[test]
fn a_lock_that_is_no_longer_over_removes_a_transaction_and_its_children() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 50_000);
    let paid = wallet.spend(2, &coin, 1_000).unwrap();
    chain.mine_block(vec![paid.clone()]).unwrap();
    chain.mine(1).unwrap();
    let out = (outpoint(&paid, 0), paid.output[0].clone());
    let mut delayed = wallet.spend(2, &out, 1_000).unwrap();
    delayed.input[0].sequence = Sequence(2);
    wallet.sign(&mut delayed, std::slice::from_ref(&out.1), 0).unwrap();
    let child = wallet.spend(2, &(outpoint(&delayed, 0), delayed.output[0].clone()), 1_000).unwrap();
    chain.submit(delayed.clone()).unwrap();
    chain.submit(child).unwrap();
    let mut shallow = chain.clone();
    shallow.mine(1).unwrap();
    shallow.reorganise(1).unwrap();
    assert_eq!(waiting(&shallow).len(), 2);
    // The coin is one block old again, which is less than its relative lock requires.
    chain.reorganise(1).unwrap();
    assert_eq!(waiting(&chain), BTreeSet::new());
    assert_eq!(chain.submit(delayed), Err(Reject::SequenceLocked { input: 0 }));
}

#[test]
fn what_is_not_standard_does_not_return() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 50_000);
    let mut odd = wallet.spend(4, &coin, 1_000).unwrap();
    odd.version = bitcoin::transaction::Version(4);
    wallet.sign(&mut odd, std::slice::from_ref(&coin.1), 0).unwrap();
    chain.mine_block(vec![odd.clone()]).unwrap();
    let child = wallet.spend(2, &(outpoint(&odd, 0), odd.output[0].clone()), 1_000).unwrap();
    chain.submit(child).unwrap();
    chain.reorganise(1).unwrap();
    assert_eq!(waiting(&chain), BTreeSet::new());
    // Fees do not matter: a zero-fee transaction returns, although the mempool would refuse it as a new
    // one.
    let free = wallet.spend(2, &coin, 0).unwrap();
    chain.mine_block(vec![free.clone()]).unwrap();
    chain.reorganise(1).unwrap();
    assert_eq!(waiting(&chain), [free.compute_txid()].into());
}

#[test]
fn a_version_3_parent_that_returned_with_two_children_takes_no_third() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 50_000);
    let outs = vec![output(16_000, wallet.script_pubkey().clone()); 3];
    let mut parent = transaction(3, 0, vec![input(coin.0, 0)], outs);
    wallet.sign(&mut parent, std::slice::from_ref(&coin.1), 0).unwrap();
    chain.mine_block(vec![parent.clone()]).unwrap();
    let child = |vout| wallet.spend(3, &(outpoint(&parent, vout), parent.output[0].clone()), 9_000).unwrap();
    chain.submit(child(0)).unwrap();
    let mut one = chain.clone();
    chain.submit(child(1)).unwrap();
    chain.reorganise(1).unwrap();
    let crowded = Reject::Truc("more than one unconfirmed descendant of the parent");
    assert_eq!(chain.submit(child(2)), Err(crowded));
    // A single child is replaced by one that pays more.
    one.reorganise(1).unwrap();
    let dear = wallet.spend(3, &(outpoint(&parent, 2), parent.output[2].clone()), 12_000).unwrap();
    one.submit(dear.clone()).unwrap();
    assert_eq!(waiting(&one), [parent.compute_txid(), dear.compute_txid()].into());
}

#[test]
fn clones_are_independent() {
    let (mut chain, wallet) = setup();
    let coin = wallet.mint(&mut chain, 50_000);
    let before = chain.fingerprint();
    let mut other = chain.clone();
    other.submit(wallet.spend(2, &coin, 1_000).unwrap()).unwrap();
    let waits = other.fingerprint();
    other.mine(1).unwrap();
    assert_eq!(chain.fingerprint(), before);
    assert_eq!(chain.mempool().entries().count(), 0);
    assert!(chain.coin(&coin.0).is_some() && other.coin(&coin.0).is_none());
    assert_eq!(BTreeSet::from([before, waits, other.fingerprint()]).len(), 3);
    // The fingerprint depends only on the state, not on the moves that led to it. A different witness is a
    // different state.
    chain.submit(wallet.spend(2, &coin, 1_000).unwrap()).unwrap();
    assert_eq!(chain.fingerprint(), waits);
}

/// A chain to which random moves are applied. Anyone can spend its outputs.
struct Random {
    chain: Chain,
    dice: FeeMarket,
    /// Outputs that the random transactions may spend, with their amounts in satoshi: initial coins, and outputs of
    /// transactions that the test made. Some of them do not exist on the chain.
    outputs: Vec<(OutPoint, u64)>,
    /// All random transactions that the test made, including those that the chain refused.
    made: Vec<Transaction>,
}

impl Random {
    fn new(seed: u64) -> Random {
        let (mut chain, _) = setup();
        let outputs = (0..6).map(|_| (chain.mint(output(20_000, p2a())), 20_000)).collect();
        Random { chain, dice: FeeMarket::new(seed, 1.0, 0.0, 0.0), outputs, made: Vec::new() }
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.dice.below(u32::try_from(end).unwrap())).unwrap()
    }

    /// Returns a random transaction. It spends one to three random outputs, most of them unspent, and also `also` if
    /// this is given. Some of the transactions have a lock, spend an output twice or create dust.
    fn transaction(&mut self, also: Option<(OutPoint, u64)>) -> Transaction {
        let count = [1, 1, 2, 3][self.below(4)];
        let mut spent: Vec<(OutPoint, u64)> = also.into_iter().collect();
        for _ in 0..count {
            let (chain, outputs) = (&self.chain, &self.outputs);
            let is_unspent = |(outpoint, _): &&(OutPoint, u64)| {
                let parent = chain.mempool().get(&outpoint.txid);
                chain.mempool().spender(outpoint).is_none()
                    && (parent.is_some() || chain.coin(outpoint).is_some())
            };
            let unspent: Vec<(OutPoint, u64)> = outputs.iter().filter(is_unspent).copied().collect();
            let any = self.below(6) == 0 || unspent.is_empty();
            let from = if any { self.outputs.clone() } else { unspent };
            let nth = self.below(from.len());
            spent.push(from[nth]);
        }
        if self.below(6) != 0 {
            spent.sort();
            spent.dedup();
        }
        let sequence = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2][self.below(10)];
        let inputs = spent.iter().map(|(outpoint, _)| input(*outpoint, sequence)).collect();
        let lock_time =
            [0, 0, self.chain.height() - 1, self.chain.height(), self.chain.height() + 1][self.below(5)];
        let lock_time = if self.below(3) == 0 { lock_time } else { 0 };
        let fee = [0, 300, 700, 3_000][self.below(4)];
        let sum = spent.iter().map(|(_, sat)| sat).sum::<u64>().saturating_sub(fee);
        let mut outs = vec![output(sum / 2, p2a()), output(sum - sum / 2, p2a())];
        if fee == 0 && self.below(2) == 0 {
            outs.push(output(0, p2a()));
        }
        let tx = transaction([2, 2, 3][self.below(3)], lock_time, inputs, outs);
        self.outputs
            .extend((0..).zip(&tx.output).map(|(vout, out)| (outpoint(&tx, vout), out.value.to_sat())));
        self.made.push(tx.clone());
        tx
    }

    /// Makes one random move: submits transactions, mines a block or disconnects blocks. Returns the number that
    /// selected the move (0 to 15), and whether the chain accepted the move.
    fn step(&mut self) -> (usize, bool) {
        let kind = self.below(16);
        let taken = self.try_move(kind);
        (kind, taken)
    }

    fn try_move(&mut self, kind: usize) -> bool {
        match kind {
            0..=6 => {
                let tx = self.transaction(None);
                self.chain.submit(tx).is_ok()
            }
            7..=10 => {
                let parent = self.transaction(None);
                let first = (outpoint(&parent, 0), parent.output[0].value.to_sat());
                let child = self.transaction(Some(first));
                self.chain.submit_package(parent, child).is_ok()
            }
            11 if !self.made.is_empty() => {
                let nth = self.below(self.made.len());
                self.chain.submit(self.made[nth].clone()).is_ok()
            }
            12 if !self.made.is_empty() => {
                let nth = self.below(self.made.len());
                self.chain.mine_block(vec![self.made[nth].clone()]).is_ok()
            }
            13 => {
                let capacity = 200 * self.below(20) as u64;
                let block = self.chain.mempool.template(capacity, 0);
                self.chain.mine_block(block).unwrap();
                true
            }
            14 => {
                let rate = [0, 2_000, 5_000][self.below(3)];
                self.chain.mine_at(rate).unwrap();
                true
            }
            _ => {
                let depth = 1 + self.dice.below(2);
                self.chain.reorganise(depth).is_ok()
            }
        }
    }

    /// Checks that one block can include the whole mempool. Then disconnects this block and checks that all
    /// unspent outputs are as before.
    fn check(&self) {
        let mut next = self.chain.clone();
        next.mine(1).unwrap();
        assert_eq!(waiting(&next), BTreeSet::new());
        let fee: u64 = next.history().map(|confirmed| confirmed.fee).sum();
        let left: u64 = coins(&next).values().map(|coin| coin.out.value.to_sat()).sum();
        assert_eq!(fee + left, 6 * 20_000);
        next.reorganise(1).unwrap();
        assert_eq!(coins(&next), coins(&self.chain));
        assert_eq!(next.ledger.digest(), self.chain.ledger.digest());
        assert_eq!(next.height(), self.chain.height());
    }
}

fn after_any_moves(histories: u64) {
    let mut taken = [0; 16];
    for seed in 0..histories {
        let mut random = Random::new(seed);
        for _ in 0..30 {
            let (kind, is_taken) = random.step();
            taken[kind] += u64::from(is_taken);
            random.check();
        }
    }
    // Moves that the chain refuses test nothing, so each kind must have been accepted many times.
    assert!(taken.iter().all(|count| *count > histories / 10), "{taken:?} of {}", histories * 30);
}

#[test]
fn after_any_moves_a_block_can_be_mined_and_disconnected() {
    after_any_moves(100);
}

#[test]
#[ignore = "plays 1,000 random histories; a step of .ci/run"]
fn after_any_moves_of_many_histories_a_block_can_be_mined_and_disconnected() {
    after_any_moves(1_000);
}
