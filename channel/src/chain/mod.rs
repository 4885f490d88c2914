//! A small model of a block chain that verifies the transactions of channel constructions. It has unspent
//! outputs (coins), blocks with heights and median times, and a mempool with Core's replacement rules.
//!
//! A transaction enters a block only if the interpreter accepts it under the chain's flags. A transaction
//! enters the mempool only if policy accepts it too. The model has no proof of work, no signature operation
//! limit for blocks and no peers: there is one mempool.
//!
//! Cloning a chain is cheap: clones share coins and transactions until one of them changes.

mod consensus;
mod entry;
mod feerate_diagram;
mod ledger;
mod market;
mod mempool;
mod reject;
mod reorganise;

use std::sync::Arc;

use bitcoin::{OutPoint, Transaction, TxOut, Txid, hashes::Hash as _};
use sigstack_interpreter::{FLAGS, FlagKind, Flags};

pub use consensus::Coin;
use consensus::{Context, Placed};
pub use entry::Entry;
pub use feerate_diagram::{Chunk, improves};
pub use market::FeeMarket;
pub use mempool::Mempool;
pub use reject::Reject;
pub use reorganise::MAX_REORGANISATION;
pub use sigstack_policy::{Policy, PolicyError};

use crate::keys::tagged_hash;
use ledger::{Digest, Ledger};

/// The height at which every chain begins. It is near the height of the real chain, so that heights in scripts have
/// their real encoded size.
pub const START_HEIGHT: u32 = 900_000;
const START_TIME: u32 = 1_750_000_000;
/// Seconds between two blocks.
const BLOCK_TIME: u32 = 600;
/// Maximum weight of the transactions in a block template, in weight units. The other 4,000 weight units of a block are
/// reserved for the header and the coinbase transaction.
const BLOCK_CAPACITY: u64 = 3_996_000;

/// Blocks at the beginning of every chain, so that the median of eleven block times is defined.
const BLOCKS_BEFORE: u32 = 10;

/// A mined block, reduced to its txids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Txids of the block's transactions, in block order.
    pub txids: Vec<Txid>,
}

/// A confirmed transaction, with the outputs that it spent and its position in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The confirmed transaction.
    pub tx: Transaction,
    /// The outputs that the transaction spent, in input order.
    pub prevouts: Vec<TxOut>,
    /// Heights of the blocks that created the spent outputs, in input order.
    pub heights: Vec<u32>,
    /// Height of the block that contains the transaction.
    pub height: u32,
    /// Fee of the transaction, in satoshi.
    pub fee: u64,
}

/// A simulated block chain with its mempool.
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
    /// Creates a chain with today's consensus rules and with the soft forks `proposals` active.
    pub fn new(proposals: Flags, policy: Policy) -> Chain {
        let proposals = proposals & Flags::of_kind(FlagKind::Proposal);
        // The policy flag `DISCOURAGE_X` refuses the opcodes of the proposal X while X is inactive, so it is
        // removed if X is active. The flag `DISCOURAGE_UPGRADABLE_X` stays. It refuses the arguments that X
        // reserves for later upgrades.
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

    /// Returns the script flags for blocks.
    pub fn consensus_flags(&self) -> Flags {
        self.consensus
    }

    /// Returns the script flags with which the mempool verifies transactions.
    pub fn standard_flags(&self) -> Flags {
        self.standard
    }

    /// Returns the mempool's policy parameters.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the height of the last block.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Returns a digest of the height, the unspent outputs with their heights, the confirmed transactions and
    /// the mempool. Two clones of one chain with the same digest are in the same state.
    pub fn fingerprint(&self) -> u128 {
        let mut height = Digest::default();
        height.add(&self.height.to_le_bytes());
        Digest::join(&[height, self.ledger.digest(), self.mempool.digest()])
    }

    /// Returns the time of the block at `height`, in seconds since 1970. Blocks are ten minutes apart.
    fn time(height: u32) -> u32 {
        START_TIME.saturating_add(height.saturating_sub(START_HEIGHT).saturating_mul(BLOCK_TIME))
    }

    /// Returns the median time of the last eleven blocks up to a height (BIP 113).
    pub fn median_time_past(&self, height: u32) -> u32 {
        // Block times increase with height, so the median is the time of the middle block. Near the beginning
        // of the chain, fewer than eleven blocks exist.
        let last = height.min(self.height).max(START_HEIGHT);
        let before = last.saturating_sub(START_HEIGHT).min(10);
        Chain::time(last.saturating_sub(before / 2))
    }

    /// Adds an unspent output to the chain at the current height, without a transaction that creates it.
    pub fn mint(&mut self, out: TxOut) -> OutPoint {
        self.minted += 1;
        let id = tagged_hash("sigstack/mint", &[&self.minted.to_le_bytes()]);
        let outpoint = OutPoint { txid: Txid::from_byte_array(id), vout: 0 };
        let coin = Coin { out, height: self.height };
        Arc::make_mut(&mut self.ledger).add_coin(outpoint, coin);
        outpoint
    }

    /// Returns an unspent confirmed output, or `None` if it does not exist or is spent.
    pub fn coin(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.ledger.coin(outpoint)
    }

    /// Returns the unspent confirmed outputs with this script.
    pub fn coins_to<'a>(&'a self, script: &'a bitcoin::Script) -> impl Iterator<Item = (OutPoint, &'a Coin)> {
        let paying = self.ledger.coins().filter(move |(_, coin)| *coin.out.script_pubkey == *script);
        paying.map(|(outpoint, coin)| (*outpoint, coin))
    }

    /// Returns all unspent confirmed outputs.
    pub fn coins(&self) -> impl Iterator<Item = (&OutPoint, &Coin)> {
        self.ledger.coins()
    }

    /// Returns the confirmed transaction that spent an output, or `None` if no confirmed transaction spent
    /// it.
    pub fn spender(&self, outpoint: &OutPoint) -> Option<&Confirmed> {
        self.ledger.spender(outpoint)
    }

    /// Returns the confirmed transaction with this txid.
    pub fn confirmed(&self, txid: &Txid) -> Option<&Confirmed> {
        self.ledger.confirmed(txid)
    }

    /// Returns all confirmed transactions in block order.
    pub fn history(&self) -> impl Iterator<Item = &Confirmed> {
        self.ledger.history()
    }

    /// Returns the mempool.
    pub fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// Returns the sum of the unspent confirmed outputs with this script, in satoshi.
    pub fn balance(&self, script_pubkey: &bitcoin::Script) -> u64 {
        let coins = self.ledger.coins().filter(|(_, coin)| *coin.out.script_pubkey == *script_pubkey);
        coins.fold(0, |sum, (_, coin)| sum.saturating_add(coin.out.value.to_sat()))
    }

    /// Mines a block of the mempool's transactions that pay at least `rate` sat/kvB, best feerate first.
    ///
    /// # Errors
    ///
    /// Returns [`Reject`] if a mempool transaction breaks consensus, which would be a bug of the mempool.
    pub fn mine_at(&mut self, rate: u64) -> Result<Block, Reject> {
        let txs = self.mempool.template(BLOCK_CAPACITY, rate);
        self.mine_block(txs)
    }

    /// Mines a block that begins with `tx`, which the mempool may refuse. The rest of the block is filled
    /// with mempool transactions that pay at least `rate` sat/kvB.
    ///
    /// # Errors
    ///
    /// Returns [`Reject`] if `tx` breaks consensus. The chain is unchanged in this case.
    pub fn mine_with(&mut self, tx: Transaction, rate: u64) -> Result<Block, Reject> {
        // Transactions that conflict with `tx` leave the mempool before the rest of the block is selected.
        let mut after = self.clone();
        after.mine_block(vec![tx.clone()])?;
        let left = BLOCK_CAPACITY.saturating_sub(crate::tx::weight(&tx));
        let mut txs = after.mempool.template(left, rate);
        txs.insert(0, tx);
        self.mine_block(txs)
    }

    /// Mines this many blocks with all transactions of the mempool that fit.
    ///
    /// # Errors
    ///
    /// Same errors as [`Chain::mine_at`].
    pub fn mine(&mut self, blocks: u32) -> Result<(), Reject> {
        for _ in 0..blocks {
            self.mine_at(0)?;
        }
        Ok(())
    }

    /// Mines a block with exactly these transactions in this order. A miner may include transactions that
    /// no mempool accepts.
    ///
    /// # Errors
    ///
    /// Returns [`Reject`] if a transaction breaks consensus. The chain is unchanged in this case.
    pub fn mine_block(&mut self, txs: Vec<Transaction>) -> Result<Block, Reject> {
        let weight = txs.iter().fold(0, |sum: u64, tx| sum.saturating_add(crate::tx::weight(tx)));
        if weight > BLOCK_CAPACITY {
            return Err(Reject::BlockFull { weight });
        }
        let height = self.height.saturating_add(1);
        // An empty block copies neither ledger nor mempool.
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

    /// Checks a transaction for the next block. `ledger` already contains the earlier transactions of this
    /// block.
    fn check_for_block(&self, ledger: &Ledger, txid: &Txid, tx: Transaction) -> Result<Confirmed, Reject> {
        let placed = consensus::place(&tx, &Context::next(self), |outpoint| ledger.coin(outpoint).cloned())?;
        // The scripts of a mempool transaction were verified when it was accepted, and its txid commits to
        // the spent outputs.
        if self.mempool.get(txid).is_none_or(|entry| entry.tx != tx) {
            consensus::verify(&tx, &placed.prevouts, self.consensus)?;
        }
        let Placed { prevouts, heights, fee } = placed;
        Ok(Confirmed { tx, prevouts, heights, height: self.height.saturating_add(1), fee })
    }

    /// Submits a transaction to the mempool.
    ///
    /// # Errors
    ///
    /// Returns [`Reject`] if the transaction is refused. The mempool is unchanged in this case.
    pub fn submit(&mut self, tx: Transaction) -> Result<Txid, Reject> {
        let txid = tx.compute_txid();
        self.mempool = Arc::new(mempool::evaluate(self, vec![tx])?);
        Ok(txid)
    }

    /// Submits a package of one parent and one child, whose fees are evaluated together (BIP 431
    /// "One-parent-one-child").
    ///
    /// # Errors
    ///
    /// Returns [`Reject`] if the package is refused. A parent that is acceptable alone stays in the
    /// mempool.
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
