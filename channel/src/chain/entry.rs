//! A transaction in the mempool, with its fee and size.

use bitcoin::{Transaction, TxOut, Txid};

/// A transaction in the mempool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The unconfirmed transaction.
    pub tx: Transaction,
    /// Txid of the transaction.
    pub txid: Txid,
    /// The outputs that the transaction spends, in input order.
    pub prevouts: Vec<TxOut>,
    /// Fee of the transaction, in satoshi.
    pub fee: u64,
    /// Virtual size of the transaction, adjusted for signature operations.
    pub vsize: u64,
}

impl Entry {
    /// Returns the txids of the transactions whose outputs the transaction spends, in input order.
    pub(super) fn parents(&self) -> impl Iterator<Item = Txid> {
        self.tx.input.iter().map(|input| input.previous_output.txid)
    }
}
