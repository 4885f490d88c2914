//! [`TxView`]: what a rule can see of the transaction.

mod cache;

use bitcoin::{Transaction, TxOut};

pub use cache::TxCache;
pub(crate) use cache::{BLANK_INPUT_SIZE, write_before_outpoint};

/// The transaction, its prevouts and the input that is verified or signed. Opcodes inspect it, and signature hashes are computed
/// from it.
#[derive(Clone, Copy, Debug)]
pub struct TxView<'a> {
    /// The transaction.
    pub tx: &'a Transaction,
    /// The outputs that the inputs of the transaction spend, in input order.
    pub prevouts: &'a [TxOut],
    /// Index of the input that is verified or signed. The input and its prevout must exist.
    pub input: usize,
    /// Hashes already computed for the transaction.
    pub cache: &'a TxCache,
}
