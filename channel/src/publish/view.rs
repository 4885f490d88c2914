//! What a party sees of the chain: who spends an output, and which outputs pay to a script.
//!
//! Everything is found by outpoint, whatever the input's index. Signatures that leave other inputs open (ANYPREVOUTANYSCRIPT,
//! ANYONECANPAY) say nothing about the place of an input.

use bitcoin::{OutPoint, Script, Transaction, TxOut};

use crate::chain::{Chain, START_HEIGHT};
use crate::mutation::{Mutation, mutated};
use crate::tx::outpoint;

/// A source of transactions: the chain, or transactions that are supposed to be confirmed.
pub trait Ledger {
    /// The height of the last block.
    fn height(&self) -> u32;

    /// The confirmed transaction that spends an output, and the height of its block.
    fn confirmed_spender(&self, coin: &OutPoint) -> Option<(&Transaction, u32)>;

    /// The transaction in the mempool that spends an output.
    fn pending_spender(&self, coin: &OutPoint) -> Option<&Transaction>;

    /// All confirmed transactions in their order, with the heights of their blocks.
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

/// Transactions that are supposed to be confirmed, all in one block, and nothing else.
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

/// A transaction that spends an output.
#[derive(Clone, Copy, Debug)]
pub struct Spend<'a> {
    /// The transaction.
    pub tx: &'a Transaction,
    /// The index of the input that spends the output.
    pub input: usize,
    /// The height of its block; none if it is in the mempool.
    pub height: Option<u32>,
}

/// A confirmed output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub coin: OutPoint,
    /// The output.
    pub out: TxOut,
    /// The height of its block.
    pub height: u32,
}

impl Found {
    /// The height of the last block from which on a transaction that spends the output with this relative lock can be offered
    /// to the mempool.
    pub fn unlocked(&self, blocks: u32) -> u32 {
        self.height.saturating_add(blocks).saturating_sub(1)
    }
}

/// What a party sees of the chain.
#[derive(Clone, Copy)]
pub struct View<'a>(&'a dyn Ledger);

impl core::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("View").field("height", &self.height()).finish_non_exhaustive()
    }
}

impl<'a> View<'a> {
    /// The view of a source.
    pub fn new(ledger: &'a dyn Ledger) -> View<'a> {
        View(ledger)
    }

    /// The height of the last block.
    pub fn height(&self) -> u32 {
        self.0.height()
    }

    /// The transaction that spends an output: the confirmed one, or else the one in the mempool.
    pub fn spend_of(&self, coin: &OutPoint) -> Option<Spend<'a>> {
        self.confirmed_spend(coin).or_else(|| {
            let tx = self.0.pending_spender(coin)?;
            Some(Spend { tx, input: place(tx, coin)?, height: None })
        })
    }

    /// The confirmed transaction that spends an output.
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

    /// Whether no confirmed transaction spends an output.
    pub fn is_unspent(&self, coin: &OutPoint) -> bool {
        self.confirmed_spend(coin).is_none()
    }

    /// All confirmed transactions in their order, with the heights of their blocks.
    pub fn transactions(&self) -> impl Iterator<Item = (&'a Transaction, u32)> {
        self.0.transactions()
    }

    /// All confirmed outputs with this script, spent or not.
    pub fn outputs_to(&self, script: &Script) -> Vec<Found> {
        self.transactions().flat_map(|(tx, height)| outputs_to(tx, height, script)).collect()
    }
}

/// The outputs of a transaction with this script, at any index. Equal scripts are separate outputs.
pub fn outputs_to(tx: &Transaction, height: u32, script: &Script) -> Vec<Found> {
    let paying = (0..).zip(&tx.output).filter(|(_, out)| *out.script_pubkey == *script);
    paying.map(|(vout, out)| Found { coin: outpoint(tx, vout), out: out.clone(), height }).collect()
}

fn place(tx: &Transaction, coin: &OutPoint) -> Option<usize> {
    tx.input.iter().position(|input| input.previous_output == *coin)
}
