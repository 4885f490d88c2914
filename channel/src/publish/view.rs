//! The view of the chain and the mempool that a guard uses. It finds the transaction that spends an output, and the
//! outputs that pay to a script.
//!
//! Spending transactions are found by outpoint, at any input index. If a signature does not commit to the other inputs
//! (ANYPREVOUTANYSCRIPT, ANYONECANPAY), anyone can add inputs and so change the index.

use bitcoin::{OutPoint, Script, Transaction, TxOut};

use crate::chain::{Chain, START_HEIGHT};
use crate::mutation::{Mutation, mutated};
use crate::tx::outpoint;

/// A source of transactions for a [`View`]: the simulated chain, or a list of transactions that count as confirmed.
pub trait Ledger {
    /// Returns the height of the last block of the chain.
    fn height(&self) -> u32;

    /// Returns the confirmed transaction that spends an output, and the height of its block. `None` if no confirmed
    /// transaction spends the output.
    fn confirmed_spender(&self, coin: &OutPoint) -> Option<(&Transaction, u32)>;

    /// Returns the mempool transaction that spends an output.
    fn pending_spender(&self, coin: &OutPoint) -> Option<&Transaction>;

    /// Returns all confirmed transactions in chain order, with the heights of their blocks.
    fn transactions(&self) -> Box<dyn Iterator<Item = (&Transaction, u32)> + '_>;
}

impl Ledger for Chain {
    fn height(&self) -> u32 {
        Chain::height(self)
    }

    fn confirmed_spender(&self, coin: &OutPoint) -> Option<(&Transaction, u32)> {
        self.spender(coin).map(|confirmed| (&confirmed.tx, confirmed.height))
    }

    fn pending_spender(&self, coin: &OutPoint) -> Option<&Transaction> {
        self.mempool().spender(coin).map(|entry| &entry.tx)
    }

    fn transactions(&self) -> Box<dyn Iterator<Item = (&Transaction, u32)> + '_> {
        Box::new(self.history().map(|confirmed| (&confirmed.tx, confirmed.height)))
    }
}

/// A simulated source of transactions: only the given transactions exist, as if all of them were confirmed in one
/// block.
#[derive(Clone, Debug, Default)]
pub struct Supposed(pub Vec<Transaction>);

impl Ledger for Supposed {
    fn height(&self) -> u32 {
        START_HEIGHT
    }

    fn confirmed_spender(&self, coin: &OutPoint) -> Option<(&Transaction, u32)> {
        let spends = |tx: &&Transaction| tx.input.iter().any(|input| input.previous_output == *coin);
        self.0.iter().find(spends).map(|tx| (tx, START_HEIGHT))
    }

    fn pending_spender(&self, _coin: &OutPoint) -> Option<&Transaction> {
        None
    }

    fn transactions(&self) -> Box<dyn Iterator<Item = (&Transaction, u32)> + '_> {
        Box::new(self.0.iter().map(|tx| (tx, START_HEIGHT)))
    }
}

/// A transaction that spends a certain output.
#[derive(Clone, Copy, Debug)]
pub struct Spend<'a> {
    /// Transaction that spends the output.
    pub tx: &'a Transaction,
    /// Index of the transaction's input that spends the output.
    pub input: usize,
    /// Height of the block that contains the spending transaction. `None` if the transaction is in the mempool.
    pub height: Option<u32>,
}

/// An output of a confirmed transaction. It may already be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Transaction id and index of the output.
    pub coin: OutPoint,
    /// Amount and script of the output.
    pub out: TxOut,
    /// Height of the block that contains the output's transaction.
    pub height: u32,
}

impl Found {
    /// Returns the chain height from which the mempool accepts a transaction that spends this output with a relative
    /// lock of `blocks` blocks.
    pub fn unlocked(&self, blocks: u32) -> u32 {
        self.height.saturating_add(blocks).saturating_sub(1)
    }
}

/// The view of the chain and the mempool from which a guard computes its claims.
#[derive(Clone, Copy)]
pub struct View<'a>(&'a dyn Ledger);

impl core::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("View").field("height", &self.height()).finish_non_exhaustive()
    }
}

impl<'a> View<'a> {
    /// Creates a view of a source of transactions.
    pub fn new(ledger: &'a dyn Ledger) -> View<'a> {
        View(ledger)
    }

    /// Returns the height of the last block of the chain.
    pub fn height(&self) -> u32 {
        self.0.height()
    }

    /// Returns the transaction that spends an output. If a confirmed transaction and a mempool transaction spend it,
    /// the confirmed one is returned.
    pub fn spend_of(&self, coin: &OutPoint) -> Option<Spend<'a>> {
        self.confirmed_spend(coin).or_else(|| {
            let tx = self.0.pending_spender(coin)?;
            Some(Spend { tx, input: place(tx, coin)?, height: None })
        })
    }

    /// Returns the confirmed transaction that spends an output.
    pub fn confirmed_spend(&self, coin: &OutPoint) -> Option<Spend<'a>> {
        if mutated(Mutation::PendingIsFinal)
            && let Some(tx) = self.0.pending_spender(coin)
        {
            return Some(Spend { tx, input: place(tx, coin)?, height: Some(self.height()) });
        }
        let (tx, height) = self.0.confirmed_spender(coin)?;
        let input = place(tx, coin)?;
        if mutated(Mutation::FirstInputOnly) && input > 0 {
            return None;
        }
        Some(Spend { tx, input, height: Some(height) })
    }

    /// Returns whether a mempool transaction spends the output `coin` but not the output `with`. A claim that spends
    /// both outputs would have to replace that transaction.
    pub fn is_pending_without(&self, coin: &OutPoint, with: &OutPoint) -> bool {
        self.0.pending_spender(coin).is_some_and(|tx| place(tx, with).is_none())
    }

    /// Returns whether no confirmed transaction spends an output. A transaction in the mempool may spend it.
    pub fn is_unspent(&self, coin: &OutPoint) -> bool {
        self.confirmed_spend(coin).is_none()
    }

    /// Returns all confirmed transactions in chain order, with the heights of their blocks.
    pub fn transactions(&self) -> impl Iterator<Item = (&'a Transaction, u32)> {
        self.0.transactions()
    }

    /// Returns all confirmed outputs that pay to the script `script`, spent or unspent.
    pub fn outputs_to(&self, script: &Script) -> Vec<Found> {
        self.transactions().flat_map(|(tx, height)| outputs_to(tx, height, script)).collect()
    }
}

/// Returns all outputs of the transaction `tx` that pay to the script `script`.
pub fn outputs_to(tx: &Transaction, height: u32, script: &Script) -> Vec<Found> {
    let paying = (0..).zip(&tx.output).filter(|(_, out)| *out.script_pubkey == *script);
    paying.map(|(vout, out)| Found { coin: outpoint(tx, vout), out: out.clone(), height }).collect()
}

fn place(tx: &Transaction, coin: &OutPoint) -> Option<usize> {
    tx.input.iter().position(|input| input.previous_output == *coin)
}
