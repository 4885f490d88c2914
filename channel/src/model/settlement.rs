//! The settlement transaction, which pays the balances and HTLCs of a state.

use bitcoin::{OutPoint, Transaction, TxOut};

use super::Step;
use crate::error::ChannelError;
use crate::taproot::TapOutput;
use crate::tx::set_witness;

/// The settlement transaction of a state, which pays the balances and HTLCs. It can spend any output whose tree
/// contains `leaf`.
#[derive(Clone, Debug)]
pub(super) struct Settlement {
    /// The settlement transaction without a witness. The outpoint of its input is not set.
    pub(super) tx: Transaction,
    /// Leaf script that only this settlement transaction satisfies.
    pub(super) leaf: Vec<u8>,
    /// The taproot output that the settlement transaction spends. Its tree contains the leaf script.
    pub(super) out: TapOutput,
    /// Witness elements that satisfy the leaf script, without the script itself and the control block.
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
