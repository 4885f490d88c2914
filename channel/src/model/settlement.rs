//! The settlement transaction, which pays the balances and HTLCs of a state.

use bitcoin::{OutPoint, Transaction, TxOut};

use super::Step;
use crate::error::ChannelError;
use crate::taproot::TapOutput;
use crate::tx::set_witness;

/// The settlement transaction of a state: it pays the balances and HTLCs. It can spend any output whose tree contains
/// `leaf`.
#[derive(Clone, Debug)]
pub(super) struct Settlement {
    /// The transaction. The outpoint of its input is not set.
    pub(super) tx: Transaction,
    /// Leaf script that only this transaction satisfies.
    pub(super) leaf: Vec<u8>,
    /// The taproot output whose tree contains the leaf.
    pub(super) out: TapOutput,
    /// Witness elements that satisfy the leaf, without the leaf script and the control block.
    pub(super) stack: Vec<Vec<u8>>,
}

impl Settlement {
    /// Returns the complete settlement transaction that spends the output `prevout` at the outpoint `coin`.
    pub(super) fn on(&self, coin: OutPoint, prevout: TxOut) -> Result<Step, ChannelError> {
        let mut tx = self.tx.clone();
        if let Some(first) = tx.input.first_mut() {
            first.previous_output = coin;
        }
        set_witness(&mut tx, 0, &self.out.witness(&self.leaf, self.stack.clone())?);
        Ok(Step { label: "settlement", tx, prevouts: vec![prevout] })
    }
}
