//! The settlement transaction of a state, which can spend any output that contains its leaf.

use bitcoin::{OutPoint, Transaction, TxOut};

use super::Step;
use crate::error::ChannelError;
use crate::taproot::TapOutput;
use crate::tx::set_witness;

/// The settlement transaction of a state, which can spend any output that contains its leaf.
#[derive(Clone, Debug)]
pub(super) struct Settlement {
    /// The transaction, without the outpoint of its input.
    pub(super) tx: Transaction,
    /// The leaf that only this transaction satisfies.
    pub(super) leaf: Vec<u8>,
    /// The output that contains the leaf.
    pub(super) out: TapOutput,
    /// Witness elements that satisfy the leaf.
    pub(super) stack: Vec<Vec<u8>>,
}

impl Settlement {
    /// Returns the settlement that spends this output of the chain.
    pub(super) fn on(&self, coin: OutPoint, prevout: TxOut) -> Result<Step, ChannelError> {
        let mut tx = self.tx.clone();
        if let Some(first) = tx.input.first_mut() {
            first.previous_output = coin;
        }
        set_witness(&mut tx, 0, &self.out.witness(&self.leaf, self.stack.clone())?);
        Ok(Step { label: "settlement", tx, prevouts: vec![prevout] })
    }
}
