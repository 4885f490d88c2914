//! A small chain to play constructions on: coins, blocks with heights and median times, a mempool with Core's replacement rules.
//!
//! There are no shortcuts: a transaction that the interpreter rejects under the chain's flags does not enter a block, and one that
//! policy rejects does not enter the mempool. What is left out: proof of work, signature operation limits of blocks, and peers (there
//! is one mempool).
//!
//! A chain is cheap to clone: its clones share coins and transactions until one of them changes.

mod consensus;
mod ledger;
mod market;
mod mempool;
mod reject;
mod reorganise;
mod replace;

use std::sync::Arc;

use bitcoin::{OutPoint, Transaction, TxOut, Txid, hashes::Hash as _};
use sigstack_interpreter::{FLAGS, FlagKind, Flags};

pub use consensus::Coin;
use consensus::{Context, Placed};
pub use market::FeeMarket;
pub use mempool::{Entry, Mempool};
pub use reject::Reject;
pub use reorganise::MAX_REORGANISATION;
pub use replace::{Chunk, improves};
pub use sigstack_policy::{Policy, PolicyError};

use crate::keys::tagged_hash;
use ledger::{Digest, Ledger};

/// The height at which chains begin: a height of today, so that pushes of heights have their size of today.
pub const START_HEIGHT: u32 = 900_000;
const START_TIME: u32 = 1_750_000_000;
/// Seconds between blocks.
const BLOCK_TIME: u32 = 600;
/// Weight units of transactions that a block template holds (Core's default reserves the rest).
const BLOCK_CAPACITY: u64 = 3_996_000;

/// Blocks that lie below every play, so that the median of eleven times is defined.
const BLOCKS_BEFORE: u32 = 10;

/// A block, without what plays do not need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its transactions, in order.
    pub txids: Vec<Txid>,
}

/// A transaction in a block, with what it spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The transaction.
    pub tx: Transaction,
    /// The outputs that it spent, in input order.
    pub prevouts: Vec<TxOut>,
    /// The heights of the blocks that created these outputs.
    pub heights: Vec<u32>,
    /// The height of its block.
    pub height: u32,
    /// Satoshi.
    pub fee: u64,
}

/// The chain.
#[derive(Clone, Debug)]
pub struct Chain {
    consensus: Flags,
    standard: Flags,
    policy: Policy,
    height: u32,
    ledger: Arc<Ledger>,
    mempool: Arc<Mempool>,
    minted: u64,
}

impl Chain {
    /// A chain with today's consensus rules and these proposals active.
    pub fn new(proposals: Flags, policy: Policy) -> Chain {
        let proposals = proposals & Flags::of_kind(FlagKind::Proposal);
        // Policy refuses whatever is not active, and of what is active the arguments that are kept for upgrades.
        let active = |name: &str| {
            let proposal = name.strip_prefix("DISCOURAGE_").and_then(Flags::from_name);
            proposal.is_some_and(|proposal| proposals.contains(proposal))
        };
        let refused: Flags = FLAGS
            .iter()
            .filter(|info| info.kind == FlagKind::ProposalPolicy && active(info.name))
            .map(|info| info.flag)
            .collect();
        Chain {
            consensus: Flags::CONSENSUS | proposals,
            standard: (Flags::POLICY | proposals) - refused,
            policy,
            height: START_HEIGHT + BLOCKS_BEFORE,
            ledger: Arc::default(),
            mempool: Arc::default(),
            minted: 0,
        }
    }

    /// The flags under which blocks are verified.
    pub fn consensus_flags(&self) -> Flags {
        self.consensus
    }

    /// The flags under which the mempool verifies.
    pub fn standard_flags(&self) -> Flags {
        self.standard
    }

    /// The mempool's parameters.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The height of the last block.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// A digest of height, coins with their heights, confirmed transactions and mempool. Chains of one play with the same digest are in
    /// the same state.
    pub fn fingerprint(&self) -> u128 {
        let mut height = Digest::default();
        height.add(&self.height.to_le_bytes());
        Digest::join(&[height, self.ledger.digest(), self.mempool.digest()])
    }

    /// The time of a block, in seconds since 1970: blocks come every ten minutes.
    fn time(height: u32) -> u32 {
        START_TIME.saturating_add(height.saturating_sub(START_HEIGHT).saturating_mul(BLOCK_TIME))
    }

    /// The median of the last eleven blocks' times as of a height (BIP 113).
    pub fn median_time_past(&self, height: u32) -> u32 {
        // Times grow with height, so that the median is the time of the block in the middle. The first blocks have fewer before them.
        let last = height.min(self.height).max(START_HEIGHT);
        let before = last.saturating_sub(START_HEIGHT).min(10);
        Chain::time(last.saturating_sub(before / 2))
    }

    /// A confirmed coin from nowhere, as if it had been there at the beginning.
    pub fn mint(&mut self, out: TxOut) -> OutPoint {
        self.minted += 1;
        let id = tagged_hash("sigstack/mint", &[&self.minted.to_le_bytes()]);
        let outpoint = OutPoint { txid: Txid::from_byte_array(id), vout: 0 };
        let coin = Coin { out, height: self.height };
        Arc::make_mut(&mut self.ledger).add_coin(outpoint, coin);
        outpoint
    }

    /// An unspent confirmed output.
    pub fn coin(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.ledger.coin(outpoint)
    }

    /// The unspent confirmed outputs with this script.
    pub fn coins_to<'a>(&'a self, script: &'a bitcoin::Script) -> impl Iterator<Item = (OutPoint, &'a Coin)> {
        let paying = self.ledger.coins().filter(move |(_, coin)| *coin.out.script_pubkey == *script);
        paying.map(|(outpoint, coin)| (*outpoint, coin))
    }

    /// All unspent confirmed outputs.
    pub fn coins(&self) -> impl Iterator<Item = (&OutPoint, &Coin)> {
        self.ledger.coins()
    }

    /// The confirmed transaction that spent an output.
    pub fn spender(&self, outpoint: &OutPoint) -> Option<&Confirmed> {
        self.ledger.spender(outpoint)
    }

    /// A confirmed transaction.
    pub fn confirmed(&self, txid: &Txid) -> Option<&Confirmed> {
        self.ledger.confirmed(txid)
    }

    /// All confirmed transactions in their order.
    pub fn history(&self) -> impl Iterator<Item = &Confirmed> {
        self.ledger.history()
    }

    /// The mempool.
    pub fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// Satoshi in unspent outputs with this script.
    pub fn balance(&self, script_pubkey: &bitcoin::Script) -> u64 {
        let coins = self.ledger.coins().filter(|(_, coin)| *coin.out.script_pubkey == *script_pubkey);
        coins.fold(0, |sum, (_, coin)| sum.saturating_add(coin.out.value.to_sat()))
    }

    /// Mines a block of what pays at least `rate` sat/kvB, best first.
    ///
    /// # Errors
    ///
    /// [`Reject`] if a transaction of the mempool breaks consensus, which would be a fault of the mempool.
    pub fn mine_at(&mut self, rate: u64) -> Result<Block, Reject> {
        let txs = self.mempool.template(BLOCK_CAPACITY, rate);
        self.mine_block(txs)
    }

    /// Mines a block of a transaction that no mempool takes, and of what else pays at least `rate` sat/kvB.
    ///
    /// # Errors
    ///
    /// [`Reject`] if the transaction breaks consensus. The chain stays as it was.
    pub fn mine_with(&mut self, tx: Transaction, rate: u64) -> Result<Block, Reject> {
        // What conflicts with it leaves the mempool before the rest of the block is chosen.
        let mut after = self.clone();
        after.mine_block(vec![tx.clone()])?;
        let left = BLOCK_CAPACITY.saturating_sub(crate::tx::weight(&tx));
        let mut txs = after.mempool.template(left, rate);
        txs.insert(0, tx);
        self.mine_block(txs)
    }

    /// Mines so many blocks of whatever the mempool holds.
    ///
    /// # Errors
    ///
    /// As [`Chain::mine_at`].
    pub fn mine(&mut self, blocks: u32) -> Result<(), Reject> {
        for _ in 0..blocks {
            self.mine_at(0)?;
        }
        Ok(())
    }

    /// Mines a block of just these transactions, in this order: a miner may include what no mempool takes.
    ///
    /// # Errors
    ///
    /// [`Reject`] if one breaks consensus. The chain stays as it was.
    pub fn mine_block(&mut self, txs: Vec<Transaction>) -> Result<Block, Reject> {
        let weight = txs.iter().fold(0, |sum: u64, tx| sum.saturating_add(crate::tx::weight(tx)));
        if weight > BLOCK_CAPACITY {
            return Err(Reject::BlockFull { weight });
        }
        let height = self.height.saturating_add(1);
        // Without transactions there is nothing to copy.
        let mut ledger = Arc::clone(&self.ledger);
        let mut mempool = Arc::clone(&self.mempool);
        let mut txids = Vec::with_capacity(txs.len());
        for tx in txs {
            let txid = tx.compute_txid();
            let confirmed = self.check_for_block(&ledger, &txid, tx)?;
            Arc::make_mut(&mut mempool).confirm(&txid, &confirmed.tx);
            Arc::make_mut(&mut ledger).connect(txid, confirmed);
            txids.push(txid);
        }
        (self.height, self.ledger, self.mempool) = (height, ledger, mempool);
        Ok(Block { txids })
    }

    /// Checks a transaction for the next block, after those of the block that the ledger has already.
    fn check_for_block(&self, ledger: &Ledger, txid: &Txid, tx: Transaction) -> Result<Confirmed, Reject> {
        let placed = consensus::place(&tx, &Context::next(self), |outpoint| ledger.coin(outpoint).cloned())?;
        // The scripts of a transaction in the mempool were verified when it entered: a txid commits to what is spent.
        if self.mempool.get(txid).is_none_or(|entry| entry.tx != tx) {
            consensus::verify(&tx, &placed.prevouts, self.consensus)?;
        }
        let Placed { prevouts, heights, fee } = placed;
        Ok(Confirmed { tx, prevouts, heights, height: self.height.saturating_add(1), fee })
    }

    /// Offers a transaction to the mempool.
    ///
    /// # Errors
    ///
    /// [`Reject`]; the mempool stays as it was.
    pub fn submit(&mut self, tx: Transaction) -> Result<Txid, Reject> {
        let txid = tx.compute_txid();
        self.mempool = Arc::new(mempool::evaluate(self, vec![tx])?);
        Ok(txid)
    }

    /// Offers a package of one parent and one child, which pay together (BIP 431 "One-parent-one-child").
    ///
    /// # Errors
    ///
    /// [`Reject`]; a parent that is good alone stays.
    pub fn submit_package(&mut self, parent: Transaction, child: Transaction) -> Result<(), Reject> {
        mempool::check_package(&parent, &child)?;
        let known = parent.compute_txid();
        let parent_is_in = self.mempool.get(&known).is_some() || self.confirmed(&known).is_some();
        if parent_is_in || self.submit(parent.clone()).is_ok() {
            return self.submit(child).map(drop);
        }
        self.mempool = Arc::new(mempool::evaluate(self, vec![parent, child])?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
