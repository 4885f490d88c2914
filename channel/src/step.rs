//! A signed transaction of a channel, with the outputs that it spends.

use bitcoin::{Transaction, TxOut};

/// A signed transaction of a channel, with the outputs that it spends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Short name of the transaction, such as "settlement" or "justice".
    pub label: &'static str,
    /// The signed transaction, with its witnesses.
    pub tx: Transaction,
    /// The outputs that the transaction spends, in input order.
    pub prevouts: Vec<TxOut>,
}

impl Step {
    /// Returns the weight of the transaction, in weight units.
    pub fn weight(&self) -> u64 {
        crate::tx::weight(&self.tx)
    }

    /// Returns the fee of the transaction, in satoshi.
    pub fn fee(&self) -> u64 {
        let paid = self.prevouts.iter().fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()));
        paid.saturating_sub(crate::tx::output_sum(&self.tx))
    }
}
