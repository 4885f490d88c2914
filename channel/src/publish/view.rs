//! What guards see of the chain: which transaction spends an output, and which outputs pay to a script.
//!
//! Spending transactions are found by outpoint, at any input index. If a signature does not commit to the other inputs
//! (ANYPREVOUTANYSCRIPT, ANYONECANPAY), anyone can add inputs and so change the index.

use bitcoin::{OutPoint, Script, Transaction, TxOut};

use crate::chain::{Chain, START_HEIGHT};
use crate::mutation::{Mutation, mutated};
use crate::tx::outpoint;

/// A source of transactions for a [`View`]: the simulated chain, or a list of transactions that count as confirmed.
pub trait Ledger {
    /// Returns the height of the last block.
    fn height(&self) -> u32;

    /// Returns the confirmed transaction that spends an output, and the height of its block. `None` if the output is
    /// unspent.
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

/// A ledger that contains only the given transactions, as if all of them were confirmed in one block.
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
    /// The spending transaction.
    pub tx: &'a Transaction,
    /// Index of the input that spends the output.
    pub input: usize,
    /// Height of the transaction's block. `None` if the transaction is in the mempool.
    pub height: Option<u32>,
}

/// A confirmed output, which may be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Outpoint of the output.
    pub coin: OutPoint,
    /// Amount and script of the output.
    pub out: TxOut,
    /// Height of the output's block.
    pub height: u32,
}

impl Found {
    /// Returns the chain height from which the mempool accepts a transaction that spends the output with a relative
    /// lock of `blocks` blocks.
    pub fn unlocked(&self, blocks: u32) -> u32 {
        self.height.saturating_add(blocks).saturating_sub(1)
    }
}

/// What a guard sees of the chain.
#[derive(Clone, Copy)]
pub struct View<'a>(&'a dyn Ledger);

impl core::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("View").field("height", &self.height()).finish_non_exhaustive()
    }
}

impl<'a> View<'a> {
    /// Creates a view of a ledger.
    pub fn new(ledger: &'a dyn Ledger) -> View<'a> {
        View(ledger)
    }

    /// Returns the height of the last block.
    pub fn height(&self) -> u32 {
        self.0.height()
    }

    /// Returns the transaction that spends an output. A confirmed transaction is preferred to one in the mempool.
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

    /// Returns whether a transaction of the mempool spends `coin` but not `with`. A claim that spends both outputs
    /// would have to replace that transaction.
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

    /// Returns all confirmed outputs with this script, spent or unspent.
    pub fn outputs_to(&self, script: &Script) -> Vec<Found> {
        self.transactions().flat_map(|(tx, height)| outputs_to(tx, height, script)).collect()
    }
}

/// Returns all outputs of a transaction that have this script. Several outputs can have the same script.
pub fn outputs_to(tx: &Transaction, height: u32, script: &Script) -> Vec<Found> {
    let paying = (0..).zip(&tx.output).filter(|(_, out)| *out.script_pubkey == *script);
    paying.map(|(vout, out)| Found { coin: outpoint(tx, vout), out: out.clone(), height }).collect()
}

fn place(tx: &Transaction, coin: &OutPoint) -> Option<usize> {
    tx.input.iter().position(|input| input.previous_output == *coin)
}
