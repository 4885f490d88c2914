//! A small chain to play constructions on: coins, blocks with heights and median times, a mempool with Core's replacement rules.
//!
//! There are no shortcuts: a transaction that the interpreter rejects under the chain's flags does not enter a block, and one that
//! policy rejects does not enter the mempool. What is left out: proof of work, reorganisations, signature operation limits
//! of blocks, and peers (there is one mempool).

mod consensus;
mod market;
mod mempool;
mod reject;
mod replace;

use std::collections::BTreeMap;

use bitcoin::{OutPoint, Transaction, TxOut, Txid, hashes::Hash as _};
use sigstack_interpreter::{FLAGS, FlagKind, Flags};

pub use consensus::Coin;
pub use market::FeeMarket;
pub use mempool::{Entry, Mempool};
pub use reject::Reject;
pub use replace::{Chunk, improves};
pub use sigstack_policy::{Policy, PolicyError};

use crate::keys::tagged_hash;

/// The height at which chains begin: a height of today, so that pushes of heights have their size of today.
pub const START_HEIGHT: u32 = 900_000;
const START_TIME: u32 = 1_750_000_000;
/// Seconds between blocks.
const BLOCK_TIME: u32 = 600;
/// Weight units of transactions that a block template holds (Core's default reserves the rest).
const BLOCK_CAPACITY: u64 = 3_996_000;

/// A block, without what plays do not need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Seconds since 1970.
    pub time: u32,
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
    blocks: Vec<Block>,
    coins: BTreeMap<OutPoint, Coin>,
    spenders: BTreeMap<OutPoint, Txid>,
    confirmed: BTreeMap<Txid, Confirmed>,
    order: Vec<Txid>,
    mempool: Mempool,
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
        let mut blocks = Vec::new();
        for block in 0..11 {
            blocks.push(Block { time: START_TIME + block * BLOCK_TIME, txids: Vec::new() });
        }
        Chain {
            consensus: Flags::CONSENSUS | proposals,
            standard: (Flags::POLICY | proposals) - refused,
            policy,
            blocks,
            coins: BTreeMap::new(),
            spenders: BTreeMap::new(),
            confirmed: BTreeMap::new(),
            order: Vec::new(),
            mempool: Mempool::default(),
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
        let above = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX).saturating_sub(1);
        START_HEIGHT.saturating_add(above)
    }

    /// The median of the last eleven blocks' times as of a height (BIP 113).
    pub fn median_time_past(&self, height: u32) -> u32 {
        let end = usize::try_from(height.saturating_sub(START_HEIGHT)).unwrap_or_default().saturating_add(1);
        let blocks = self.blocks.get(..end).unwrap_or(&self.blocks);
        let mut times: Vec<u32> = blocks.iter().rev().take(11).map(|block| block.time).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(START_TIME)
    }

    /// A confirmed coin from nowhere, as if it had been there at the beginning.
    pub fn mint(&mut self, out: TxOut) -> OutPoint {
        self.minted += 1;
        let id = tagged_hash("sigstack/mint", &[&self.minted.to_le_bytes()]);
        let outpoint = OutPoint { txid: Txid::from_byte_array(id), vout: 0 };
        self.coins.insert(outpoint, Coin { out, height: self.height() });
        outpoint
    }

    /// An unspent confirmed output.
    pub fn coin(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.coins.get(outpoint)
    }

    /// The confirmed transaction that spent an output.
    pub fn spender(&self, outpoint: &OutPoint) -> Option<&Confirmed> {
        self.confirmed.get(self.spenders.get(outpoint)?)
    }

    /// A confirmed transaction.
    pub fn confirmed(&self, txid: &Txid) -> Option<&Confirmed> {
        self.confirmed.get(txid)
    }

    /// All confirmed transactions in their order.
    pub fn history(&self) -> impl Iterator<Item = &Confirmed> {
        self.order.iter().filter_map(|txid| self.confirmed.get(txid))
    }

    /// The mempool.
    pub fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// Satoshi in unspent outputs with this script.
    pub fn balance(&self, script_pubkey: &bitcoin::Script) -> u64 {
        let coins = self.coins.values().filter(|coin| *coin.out.script_pubkey == *script_pubkey);
        coins.fold(0, |sum, coin| sum.saturating_add(coin.out.value.to_sat()))
    }

    /// Mines a block of what pays at least `rate` sat/kvB, best first.
    ///
    /// # Errors
    ///
    /// [`Reject`] if a transaction of the mempool breaks consensus, which would be a fault of the mempool.
    pub fn mine_at(&mut self, rate: u64) -> Result<&Block, Reject> {
        let txs = self.mempool.template(BLOCK_CAPACITY, rate);
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
    pub fn mine_block(&mut self, txs: Vec<Transaction>) -> Result<&Block, Reject> {
        let weight = txs.iter().fold(0, |sum: u64, tx| sum.saturating_add(crate::tx::weight(tx)));
        if weight > BLOCK_CAPACITY {
            return Err(Reject::BlockFull { weight });
        }
        let before = (self.coins.clone(), self.spenders.clone(), self.confirmed.clone(), self.order.len());
        let mut txids = Vec::with_capacity(txs.len());
        for tx in txs {
            match self.connect(tx) {
                Ok(txid) => txids.push(txid),
                Err(reject) => {
                    let (coins, spenders, confirmed, length) = before;
                    (self.coins, self.spenders, self.confirmed) = (coins, spenders, confirmed);
                    self.order.truncate(length);
                    return Err(reject);
                }
            }
        }
        for txid in &txids {
            if let Some(confirmed) = self.confirmed.get(txid) {
                self.mempool.confirm(&confirmed.tx);
            }
        }
        let time = self.blocks.last().map_or(START_TIME, |block| block.time.saturating_add(BLOCK_TIME));
        self.blocks.push(Block { time, txids });
        self.blocks.last().ok_or(Reject::BlockFull { weight })
    }

    fn connect(&mut self, tx: Transaction) -> Result<Txid, Reject> {
        let height = self.height().saturating_add(1);
        let context = consensus::Context::next(self);
        let checked =
            consensus::check(&tx, &context, self.consensus, |outpoint| self.coins.get(outpoint).cloned())?;
        let txid = tx.compute_txid();
        for input in &tx.input {
            self.coins.remove(&input.previous_output);
            self.spenders.insert(input.previous_output, txid);
        }
        for (vout, out) in (0..).zip(&tx.output) {
            if !out.script_pubkey.is_op_return() {
                self.coins.insert(OutPoint { txid, vout }, Coin { out: out.clone(), height });
            }
        }
        let confirmed = Confirmed { tx, prevouts: checked.prevouts, height, fee: checked.fee };
        self.confirmed.insert(txid, confirmed);
        self.order.push(txid);
        Ok(txid)
    }

    /// Offers a transaction to the mempool.
    ///
    /// # Errors
    ///
    /// [`Reject`]; the mempool stays as it was.
    pub fn submit(&mut self, tx: Transaction) -> Result<Txid, Reject> {
        let txid = tx.compute_txid();
        let accepted = mempool::evaluate(self, vec![tx])?;
        self.mempool.accept(accepted);
        Ok(txid)
    }

    /// Offers a package of one parent and one child, which pay together (BIP 431 "One-parent-one-child").
    ///
    /// # Errors
    ///
    /// [`Reject`]; a parent that is good alone stays.
    pub fn submit_package(&mut self, parent: Transaction, child: Transaction) -> Result<(), Reject> {
        let known = parent.compute_txid();
        let parent_is_in = self.mempool.get(&known).is_some() || self.confirmed.contains_key(&known);
        if parent_is_in || self.submit(parent.clone()).is_ok() {
            return self.submit(child).map(drop);
        }
        let accepted = mempool::evaluate(self, vec![parent, child])?;
        self.mempool.accept(accepted);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
