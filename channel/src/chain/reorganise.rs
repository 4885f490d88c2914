//! Reorganisations: disconnects the last blocks and returns their transactions to the mempool.

use std::sync::Arc;

use bitcoin::Transaction;

use super::{BLOCKS_BEFORE, Chain, Reject, START_HEIGHT, mempool};

/// Maximum number of blocks that [`Chain::reorganise`] disconnects.
pub const MAX_REORGANISATION: u32 = 2;

impl Chain {
    /// Disconnects the last `depth` blocks. The caller mines the blocks that replace them.
    ///
    /// As in Core, the transactions of these blocks return to the mempool if they are still valid and standard. Their
    /// fees are not checked. A mempool transaction is removed if it depends on a transaction that did not return, or
    /// if its locks have not expired at the new height. An output that is unspent again gets back the height that it
    /// had before.
    ///
    /// # Errors
    ///
    /// Returns [`Reject::ReorganisationTooDeep`] if `depth` is above [`MAX_REORGANISATION`] or above the number of
    /// blocks that were mined.
    pub fn reorganise(&mut self, depth: u32) -> Result<(), Reject> {
        let mined = self.height.saturating_sub(START_HEIGHT + BLOCKS_BEFORE);
        if depth > MAX_REORGANISATION.min(mined) {
            return Err(Reject::ReorganisationTooDeep { depth });
        }
        let mut undone: Vec<Vec<Transaction>> = Vec::new();
        for _ in 0..depth {
            undone.push(Arc::make_mut(&mut self.ledger).disconnect(self.height));
            self.height = self.height.saturating_sub(1);
        }
        for tx in undone.into_iter().rev().flatten() {
            if let Ok(mempool) = mempool::readmit(self, tx) {
                self.mempool = Arc::new(mempool);
            }
        }
        let mut mempool = Arc::clone(&self.mempool);
        Arc::make_mut(&mut mempool).remove_invalid(self);
        self.mempool = mempool;
        Ok(())
    }
}
