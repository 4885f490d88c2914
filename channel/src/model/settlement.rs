//! The settlement of a state, for any output that its leaf is in.

use bitcoin::{OutPoint, Transaction, TxOut};

use super::Step;
use crate::error::ChannelError;
use crate::taproot::TapOutput;
use crate::tx::set_witness;

/// The settlement of a state, for any output that its leaf is in.
#[derive(Clone, Debug)]
pub(super) struct Settlement {
    /// The transaction, its input left open.
    pub(super) tx: Transaction,
    /// The leaf that only this transaction satisfies.
    pub(super) leaf: Vec<u8>,
    /// The output.
    pub(super) out: TapOutput,
    /// The elements that satisfy the leaf.
    pub(super) stack: Vec<Vec<u8>>,
}

impl Settlement {
    /// The settlement of an output on the chain.
    pub(super) fn on(&self, coin: OutPoint, prevout: TxOut) -> Result<Step, ChannelError> {
        let mut tx = self.tx.clone();
        if let Some(first) = tx.input.first_mut() {
            first.previous_output = coin;
        }
        set_witness(&mut tx, 0, &self.out.witness(&self.leaf, self.stack.clone())?);
        Ok(Step { label: "settlement", tx, prevouts: vec![prevout] })
    }
}
